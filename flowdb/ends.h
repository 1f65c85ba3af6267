/* Ends of fields: where the spaces and newlines of a text are, and whether it has anything odd. native.c includes
 * it, behind words.h. */

/* NARROW leaves out what only some processors can. */
#if defined(__x86_64__) && !defined(NARROW)
#include <cpuid.h>
#include <immintrin.h>
#define WIDE __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))
#endif

#define IN_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define ENDS_AT_ONCE 12

typedef struct {
    const uint8_t *text;
    int64_t size, fields;
} Block;

/* Tells whether the processor can do what is WIDE. */
static int can_wide(void) {
#ifdef WIDE
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    if ((a & 0xe6) != 0xe6) return 0; /* the system keeps no registers of 512 bits */
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_AVX512F && b & bit_AVX512BW && c & bit_AVX512VBMI2;
#else
    return 0;
#endif
}

/* Sets the bits of 64 bytes that are spaces or newlines; `odd` where one is no more than a space but neither, or
 * no ASCII. */
static inline uint64_t separators(const uint8_t *text, uint64_t *odd) {
    uint64_t found = 0, low = 0, high = 0;
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(' '), newline = _mm_set1_epi8('\n');
    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        __m128i wanted = _mm_or_si128(_mm_cmpeq_epi8(bytes, space), _mm_cmpeq_epi8(bytes, newline));
        found |= (uint64_t)(uint32_t)_mm_movemask_epi8(wanted) << (16 * i);
        /* Compared with sign: what is no ASCII is less than a space, too. */
        low |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(_mm_set1_epi8(' ' + 1), bytes)) << (16 * i);
    }
#else
    for (int i = 0; i < 8; i++) {
        uint64_t word = eight(text + 8 * i);
        high |= word & IN_EACH_BYTE(0x80);
        word &= IN_EACH_BYTE(0x7f);
        uint64_t marks = ~(word + IN_EACH_BYTE(0x7f - ' ')) & IN_EACH_BYTE(0x80);
        uint64_t others = ((word ^ IN_EACH_BYTE(' ')) + IN_EACH_BYTE(0x7f)) &
                          ((word ^ IN_EACH_BYTE('\n')) + IN_EACH_BYTE(0x7f)) & IN_EACH_BYTE(0x80);
        low |= ((marks >> 7) * UINT64_C(0x0102040810204080) >> 56) << (8 * i);
        found |= (((marks & ~others) >> 7) * UINT64_C(0x0102040810204080) >> 56) << (8 * i);
    }
#endif
    *odd |= high | (low ^ found);
    return found;
}

static inline int64_t bits_in(uint64_t word) {
    word -= (word >> 1) & IN_EACH_BYTE(0x55);
    word = (word & IN_EACH_BYTE(0x33)) + ((word >> 2) & IN_EACH_BYTE(0x33));
    return (int64_t)(((word + (word >> 4)) & IN_EACH_BYTE(0x0f)) * IN_EACH_BYTE(1) >> 56);
}

/* How far the separators of a text were found; `odd` is not 0 if two follow each other, or there are odd bytes. */
typedef struct {
    int64_t at;
    uint64_t odd, was_separator; /* the byte before */
} Scan;

/* Writes where the separators are of 64 bytes, which stand for those from `at` on; returns how many there are. */
static inline int64_t find_some_ends(const uint8_t *text, Scan *scan, uint32_t *ends) {
    uint64_t marks = separators(text, &scan->odd);
    scan->odd |= marks & (marks << 1 | scan->was_separator);
    scan->was_separator = marks >> 63;
    int64_t count = bits_in(marks);
    /* As many at once as there mostly are: what is too much is overwritten. */
    for (int64_t done = 0; done < count; done += ENDS_AT_ONCE)
        for (int i = 0; i < ENDS_AT_ONCE; i++, marks &= marks - 1)
            ends[done + i] = (uint32_t)(scan->at + __builtin_ctzll(marks | UINT64_C(1) << 63));
    return count;
}

/* Writes more ends behind `count` of them, until there are `enough` or less than 64 bytes are left; returns how many
 * there are then. */
static int64_t find_ends(const Block *block, Scan *scan, uint32_t *ends, int64_t count, int64_t enough) {
    for (; count < enough && scan->at + 64 <= block->size; scan->at += 64)
        count += find_some_ends(block->text + scan->at, scan, ends + count);
    return count;
}

#ifdef WIDE
/* What `find_ends` does. */
WIDE static int64_t find_ends_wide(const Block *block, Scan *scan, uint32_t *ends, int64_t count, int64_t enough) {
    static const uint8_t places[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                       16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                       32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                       48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i all = _mm512_loadu_si512(places), space = _mm512_set1_epi8(' '), newline = _mm512_set1_epi8('\n');
    const uint8_t *text = block->text;
    int64_t at = scan->at;
    uint64_t odd = 0, was_separator = scan->was_separator;
    for (; count < enough && at + 64 <= block->size; at += 64) {
        __m512i bytes = _mm512_loadu_si512(text + at);
        uint64_t marks = _mm512_cmpeq_epi8_mask(bytes, space) | _mm512_cmpeq_epi8_mask(bytes, newline);
        /* Compared with sign: what is no ASCII is less than a space, too. */
        odd |= (marks ^ _mm512_cmple_epi8_mask(bytes, space)) | (marks & (marks << 1 | was_separator));
        was_separator = marks >> 63;
        __m512i found = _mm512_maskz_compress_epi8(marks, all), from = _mm512_set1_epi32((int32_t)at);
        int64_t next = count + _mm_popcnt_u64(marks);
        do {
            __m512i some = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found));
            _mm512_storeu_si512(ends + count, _mm512_add_epi32(from, some));
            found = _mm512_shuffle_i64x2(found, found, 0x39); /* the next sixteen */
            count += 16;
        } while (!LIKELY(count >= next));
        count = next;
    }
    *scan = (Scan){at, scan->odd | odd, was_separator};
    return count;
}
#endif
