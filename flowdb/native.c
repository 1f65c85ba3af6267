/* Reads a block of flow-log lines column by column, if it is clean: every line has the same number of
 * fields, one space between them, ASCII only, and every number is digits and in range. Anything else is
 * DOUBTFUL, and for the other way of reading to judge. native.py calls these, and owns what they fill.
 *
 * Texts become codes: each is looked up among the words that this reader has met, so that whoever writes
 * them down later need not compare them again. A column whose texts hardly repeat is copied as it is. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
/* NARROW leaves out what only some processors can. */
#if defined(__x86_64__) && !defined(NARROW)
#include <cpuid.h>
#include <immintrin.h>
#define WIDE __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))
#endif

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define DOUBTFUL (-1)
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define IN_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define LONGEST_NUMBER 19 /* digits; any of that length fit into 64 bits */
#define ROWS_AT_ONCE 128  /* whose text and ends fit into the nearest cache */
#define ENDS_AT_ONCE 12
#define MOST_ROWS (ROWS_AT_ONCE + 64) /* of one field, when the last 64 bytes are as many rows */
#define MOST_FIELDS 255
#define SHORT 16         /* bytes of a text that are compared at once */
#define FEW 1024         /* words that a column may bring before they have to repeat */
#define MOST_PROBES 64   /* whoever makes texts on purpose that meet in one place gains nothing */
#define FIRST_SLOTS 1024 /* a power of two */

/* Tells which source this was built from. */
PUBLIC uint32_t flowdb_source(void) { return SOURCE; }

/* ---- Words: texts, each of them once, and a table that finds them. */

/* A short text itself, with zeros behind it; of a longer one its first bytes, and a hash whose highest bit is set. */
typedef struct {
    uint64_t head, tail;
} Key;

typedef struct {
    Key key;
    uint32_t length; /* none is empty: 0 is a free slot */
    int32_t code;
} Slot;

typedef struct {
    uint8_t *text;    /* of the words, one behind the other */
    int32_t *offsets; /* where each begins, and where the last ends */
    Slot *slots;
    int64_t text_room, count, room, slot_count;
} Words;

typedef struct {
    uint8_t *text;
    int64_t size, room;
} Texts;

typedef struct {
    Words words;
    Texts texts[MOST_FIELDS]; /* of the columns that are copied */
    int is_wide;              /* whether the processor can do what is WIDE */
    uint32_t ends[ROWS_AT_ONCE * MOST_FIELDS + 64 + ENDS_AT_ONCE];
} Reader;

/* Makes room for `needed` bytes. */
static int grow(void *memory, int64_t *room, int64_t needed, int64_t item) {
    if (needed <= *room) return 1;
    int64_t wanted = needed + *room;
    void *grown = realloc(*(void **)memory, (size_t)(wanted * item));
    if (!grown) return 0;
    *(void **)memory = grown;
    *room = wanted;
    return 1;
}

static inline uint64_t eight(const uint8_t *text) {
    uint64_t word;
    memcpy(&word, text, 8);
    return word;
}

/* Compares texts of the same length, which are not short. */
static inline int is_same(const uint8_t *one, const uint8_t *other, int64_t length) {
    for (int64_t at = 0; at < length - 8; at += 8)
        if (eight(one + at) != eight(other + at)) return 0;
    return eight(one + length - 8) == eight(other + length - 8);
}

static inline int is_same_key(const Key *one, const Key *other) {
#ifdef __SSE2__
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)one);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(first, _mm_loadu_si128((const __m128i *)(const void *)other))) == 0xffff;
#else
    return !((one->head ^ other->head) | (one->tail ^ other->tail));
#endif
}

static inline uint64_t mixed(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

/* What of SHORT bytes is kept: the last so many where it is read from there on, the first where from so many before
 * its other end. */
static const uint8_t kept[3 * SHORT] = {[SHORT... 2 * SHORT - 1] = 0xff};

/* The key by which a short text is found; SHORT bytes may be read from where it begins. */
static inline Key short_key(const uint8_t *text, int64_t length) {
    const uint8_t *mask = kept + 2 * SHORT - length;
    return (Key){eight(text) & eight(mask), eight(text + 8) & eight(mask + 8)};
}

static inline Key long_key(const uint8_t *text, int64_t length) {
    Key key = {eight(text), 0};
    for (int64_t at = 8; at < length - 8; at += 8) key.tail = mixed(key.tail, eight(text + at));
    key.tail = mixed(key.tail, eight(text + length - 8)) | UINT64_C(1) << 63;
    return key;
}

static inline uint64_t place_of(Key key) {
    uint64_t hash = key.head * UINT64_C(0x9e3779b97f4a7c15) + key.tail * UINT64_C(0xd6e8feb86659fd93);
    hash = (hash ^ (hash >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return hash >> 32;
}

static int grow_slots(Words *words) {
    int64_t count = words->slot_count ? words->slot_count * 2 : FIRST_SLOTS;
    Slot *slots = calloc((size_t)count, sizeof(Slot));
    if (!slots) return 0;
    for (int64_t i = 0; i < words->slot_count; i++) {
        if (!words->slots[i].length) continue;
        uint64_t place = place_of(words->slots[i].key) & (uint64_t)(count - 1);
        while (slots[place].length) place = (place + 1) & (uint64_t)(count - 1);
        slots[place] = words->slots[i];
    }
    free(words->slots);
    words->slots = slots;
    words->slot_count = count;
    return 1;
}

static int32_t add(Words *words, Slot *slot, Key key, const uint8_t *text, int64_t length) {
    int64_t end = words->count ? words->offsets[words->count] : 0;
    if (end + length > INT32_MAX || !grow(&words->text, &words->text_room, end + length, 1)) return -1;
    if (!grow(&words->offsets, &words->room, words->count + 2, sizeof(int32_t))) return -1;
    memcpy(words->text + end, text, (size_t)length);
    int32_t code = (int32_t)words->count++;
    words->offsets[code] = (int32_t)end;
    words->offsets[words->count] = (int32_t)(end + length);
    *slot = (Slot){key, (uint32_t)length, code};
    return code;
}

/* Returns the code of a text, a new one where it was never met before; -1 where it cannot have one. */
static inline int32_t code_of(Words *words, Key key, const uint8_t *text, int64_t length) {
    if (words->count * 3 >= words->slot_count * 2 && !grow_slots(words)) return -1;
    uint64_t place = place_of(key);
    for (int probe = 0; probe < MOST_PROBES; probe++, place++) {
        Slot *slot = &words->slots[place & (uint64_t)(words->slot_count - 1)];
        if (is_same_key(&slot->key, &key) && slot->length == length &&
            (LIKELY(length <= SHORT) || is_same(text, words->text + words->offsets[slot->code], length)))
            return slot->code;
        if (!slot->length) return add(words, slot, key, text, length);
    }
    return -1;
}

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

PUBLIC Reader *flowdb_open(void) {
    Reader *reader = calloc(1, sizeof(Reader));
    if (reader) reader->is_wide = can_wide();
    return reader;
}

PUBLIC void flowdb_close(Reader *reader) {
    for (int i = 0; i < MOST_FIELDS; i++) free(reader->texts[i].text);
    free(reader->words.text);
    free(reader->words.offsets);
    free(reader->words.slots);
    free(reader);
}

/* Forgets every word: codes given from now on are of a new dictionary. */
PUBLIC void flowdb_forget(Reader *reader) {
    reader->words.count = 0;
    if (reader->words.slots) memset(reader->words.slots, 0, (size_t)reader->words.slot_count * sizeof(Slot));
}

PUBLIC int64_t flowdb_words(const Reader *reader) { return reader->words.count; }

/* Returns how many bytes all words have. */
PUBLIC int64_t flowdb_words_size(const Reader *reader) {
    return reader->words.count ? reader->words.offsets[reader->words.count] : 0;
}

PUBLIC void flowdb_copy_words(const Reader *reader, int32_t *offsets, uint8_t *text) {
    const Words *words = &reader->words;
    offsets[0] = 0;
    if (!words->count) return;
    memcpy(offsets, words->offsets, (size_t)(words->count + 1) * sizeof(int32_t));
    memcpy(text, words->text, (size_t)words->offsets[words->count]);
}

/* Gives the codes of a column new numbers, in the order in which they come: `numbers` says which each has, -1
 * where it has none yet, and `codes_of` which code each number is for. Returns how many numbers there are then. */
PUBLIC int64_t flowdb_renumber(const int32_t *codes, int64_t rows, const uint8_t *valid, int64_t first_bit,
                               int32_t *numbers, int32_t *codes_of, int64_t count, int32_t *renumbered) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t bit = first_bit + row;
        if (valid && !(valid[bit >> 3] >> (bit & 7) & 1)) {
            renumbered[row] = 0;
            continue;
        }
        int32_t *number = &numbers[codes[row]];
        if (!LIKELY(*number >= 0)) {
            codes_of[count] = codes[row];
            *number = (int32_t)count++;
        }
        renumbered[row] = *number;
    }
    return count;
}

/* ---- Columns of rows whose fields end at `ends`, row by row: where the space or the newline behind each is. */

/* One field of the layout. A number is at most `largest` and is stored times `scale`; what is larger than `largest`
 * but no more than it would be scaled stands as it is. A text, whose `scale` is 0, has at most `largest` bytes,
 * which are no fewer than SHORT. */
typedef struct {
    uint64_t largest, scale;
    int64_t width;  /* bytes of a number: 4 or 8 */
    void *values;   /* numbers; codes; or, of texts that were copied, offsets, one more than there are rows */
    uint8_t *valid; /* bits */
    int64_t nulls;  /* from here on for what comes out, and 0 before */
    int64_t met;    /* new words */
    uint8_t *text;  /* the texts that were copied, the reader's own until it reads again */
} Column;

typedef struct {
    const uint8_t *text;
    int64_t size, fields;
} Block;

static inline int is_null(const uint8_t *text, int64_t length) { return length == 1 && *text == '-'; }

static inline void set_null(Column *column, int64_t row) {
    column->nulls++;
    column->valid[row >> 3] &= (uint8_t) ~(1u << (row & 7));
}

#ifdef __SSE2__
/* Returns the number that up to sixteen digits before `end` spell; `odd` is not 0 where there is anything else. */
static inline uint64_t up_to_sixteen(const uint8_t *end, int64_t length, uint64_t *odd) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(end - 16));
    __m128i mask = _mm_loadu_si128((const __m128i *)(const void *)(kept + length));
    __m128i digits = _mm_and_si128(_mm_xor_si128(text, _mm_set1_epi8('0')), mask);
    *odd |= (uint64_t)_mm_movemask_epi8(_mm_or_si128(_mm_add_epi8(digits, _mm_set1_epi8(0x80 - 10)), digits));
    /* Numbers of two digits, then of four, then of eight. */
    __m128i tens = _mm_mullo_epi16(_mm_and_si128(digits, _mm_set1_epi16(0xff)), _mm_set1_epi16(10));
    __m128i numbers = _mm_madd_epi16(_mm_add_epi16(tens, _mm_srli_epi16(digits, 8)), _mm_set1_epi32(1 << 16 | 100));
    numbers = _mm_madd_epi16(_mm_packs_epi32(numbers, numbers), _mm_set1_epi32(1 << 16 | 10000));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(numbers);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}
#else
/* Returns the number that up to eight digits before `end` spell, and sets a bit of `odd` where there is anything else. */
static inline uint64_t up_to_eight(const uint8_t *end, int64_t length, uint64_t *odd) {
    uint64_t digits = (eight(end - 8) ^ IN_EACH_BYTE('0')) & (~UINT64_C(0) << ((8 - length) * 8));
    *odd |= ((digits + IN_EACH_BYTE(0x80 - 10)) | digits) & IN_EACH_BYTE(0x80);
    digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (digits * 10000 + (digits >> 32)) & UINT64_C(0xffffffff);
}

static inline uint64_t up_to_sixteen(const uint8_t *end, int64_t length, uint64_t *odd) {
    if (LIKELY(length <= 8)) return up_to_eight(end, length, odd);
    return up_to_eight(end, 8, odd) + up_to_eight(end - 8, length - 8, odd) * 100000000;
}
#endif

static uint64_t any_number(const uint8_t *text, int64_t length, uint64_t *odd) {
    uint64_t number = 0;
    *odd |= length > LONGEST_NUMBER;
    for (int64_t i = 0; i < length && i < LONGEST_NUMBER; i++) {
        *odd |= text[i] < '0' || text[i] > '9';
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    return number;
}

/* Reads the numbers of some rows, of which `first` is the first; returns whether anything was odd. */
static inline int read_numbers(const Block *block, const uint32_t *ends, int64_t start, Column *column, int64_t first,
                               int64_t rows, int is_wide) {
    const uint64_t largest = column->largest, scale = column->scale, largest_scaled = largest * scale + (scale - 1);
    const uint8_t *text = block->text;
    const int64_t fields = block->fields;
    for (int64_t row = 0; row < rows; row++, ends += fields) {
        if (row) start = (int64_t)ends[-1] + 1;
        int64_t end = *ends, length = end - start;
        uint64_t number, wrong = 0;
        if (LIKELY(length <= 16 && end >= 16)) number = up_to_sixteen(text + end, length, &wrong);
        else number = any_number(text + start, length, &wrong);
        if (LIKELY(number <= largest)) number *= scale;
        else wrong |= number > largest_scaled;
        if (!LIKELY(!wrong)) {
            if (!is_null(text + start, length)) return 1;
            set_null(column, first + row);
            number = 0;
        }
        if (is_wide) ((int64_t *)column->values)[first + row] = (int64_t)number;
        else ((int32_t *)column->values)[first + row] = (int32_t)number;
    }
    return 0;
}

/* Copies the texts of some rows behind those of the rows before. */
static int copy_texts(const Block *block, const uint32_t *ends, int64_t start, Column *column, Texts *texts,
                      int64_t first, int64_t rows) {
    int32_t *offsets = column->values;
    for (int64_t row = 0; row < rows; row++, ends += block->fields) {
        if (row) start = (int64_t)ends[-1] + 1;
        int64_t length = *ends - start;
        if (length > (int64_t)column->largest) return 1;
        if (is_null(block->text + start, length)) {
            set_null(column, first + row);
            length = 0;
        }
        if (!grow(&texts->text, &texts->room, texts->size + length + SHORT, 1)) return 1;
        if (LIKELY(length <= SHORT && start + SHORT <= block->size))
            memcpy(texts->text + texts->size, block->text + start, SHORT);
        else memcpy(texts->text + texts->size, block->text + start, (size_t)length);
        texts->size += length;
        offsets[first + row + 1] = (int32_t)texts->size;
    }
    column->text = texts->text;
    return 0;
}

/* Turns the codes of the first rows into copied texts. */
static int give_up_codes(const Words *words, Column *column, Texts *texts, int64_t rows) {
    int32_t *values = column->values;
    texts->size = 0;
    if (!grow(&texts->text, &texts->room, SHORT, 1)) return 0;
    for (int64_t row = 0; row < rows; row++) {
        int32_t code = values[row];
        int64_t length = column->valid[row >> 3] >> (row & 7) & 1 ? words->offsets[code + 1] - words->offsets[code] : 0;
        if (!grow(&texts->text, &texts->room, texts->size + length + SHORT, 1)) return 0;
        if (length) memcpy(texts->text + texts->size, words->text + words->offsets[code], (size_t)length);
        values[row] = (int32_t)texts->size;
        texts->size += length;
    }
    values[rows] = (int32_t)texts->size;
    column->text = texts->text;
    return 1;
}

/* The texts of some rows that are not those of the rows before them. */
typedef struct {
    int64_t count;
    Key keys[MOST_ROWS];
    uint8_t rows[MOST_ROWS]; /* in which each is */
    uint8_t nth[MOST_ROWS];  /* of each row, which of them is its text; 1 is the first */
} Changes;

/* Finds them without a branch on whether a text is another, which nothing foretells. Returns the greatest length. */
static inline int64_t find_changes(const Block *block, const uint32_t *ends, int64_t start, int64_t rows,
                                   Changes *changes) {
    const int64_t fields = block->fields;
    const uint8_t *last_text = NULL;
    int64_t count = 0, longest = SHORT, last_length = 0;
    Key last = {0, 0};
    for (int64_t row = 0; row < rows; row++, ends += fields) {
        if (row) start = (int64_t)ends[-1] + 1;
        const uint8_t *text = block->text + start;
        int64_t length = *ends - start;
        int is_other;
        Key key;
        if (LIKELY(length <= SHORT)) {
            uint8_t whole[SHORT] = {0};
            if (LIKELY(start + SHORT <= block->size)) key = short_key(text, length);
            else key = short_key(memcpy(whole, text, (size_t)length), length);
            is_other = !is_same_key(&key, &last);
        } else {
            is_other = length != last_length || !is_same(text, last_text, length);
            key = is_other ? long_key(text, length) : last;
            longest = length > longest ? length : longest;
        }
        changes->keys[count] = last = key;
        changes->rows[count] = (uint8_t)row;
        count += is_other;
        changes->nth[row] = (uint8_t)count;
        last_text = text;
        last_length = length;
    }
    changes->count = count;
    return longest;
}

/* Reads the texts of some rows as codes, or copies them once they do not repeat. */
static int read_texts(const Block *block, const uint32_t *ends, int64_t start, Column *column, Words *words,
                      Texts *texts, int64_t first, int64_t rows) {
    if (column->text) return copy_texts(block, ends, start, column, texts, first, rows);
    Changes changes;
    if (find_changes(block, ends, start, rows, &changes) > (int64_t)column->largest) return 1;
    int32_t *codes = (int32_t *)column->values + first, codes_of[MOST_ROWS];
    int64_t known = rows, nulls = 0;
    for (int64_t i = 0; i < changes.count; i++) {
        int64_t row = changes.rows[i], before = words->count;
        if (changes.keys[i].head == '-') {
            codes_of[i] = -1;
            nulls++;
            continue;
        }
        const uint32_t *end = ends + row * block->fields;
        int64_t begin = row ? (int64_t)end[-1] + 1 : start;
        int32_t code = codes_of[i] = code_of(words, changes.keys[i], block->text + begin, *end - begin);
        column->met += words->count - before;
        if (code < 0 || column->met > FEW + (first + row) / 2) {
            known = row;
            break;
        }
    }
    for (int64_t row = 0; row < known; row++) codes[row] = codes_of[changes.nth[row] - 1];
    for (int64_t row = 0; nulls && row < known; row++)
        if (!LIKELY(codes[row] >= 0)) {
            set_null(column, first + row);
            codes[row] = 0;
        }
    if (known == rows) return 0;
    ends += known * block->fields;
    if (known) start = (int64_t)ends[-1] + 1;
    if (!give_up_codes(words, column, texts, first + known)) return 1;
    return copy_texts(block, ends, start, column, texts, first + known, rows - known);
}

static int read_rows(Reader *reader, const Block *block, Column *columns, int64_t start, int64_t first, int64_t rows) {
    int odd = 0;
    for (int64_t field = 0; field < block->fields && !odd; field++) {
        Column *column = &columns[field];
        const uint32_t *ends = reader->ends + field;
        if (field) start = (int64_t)ends[-1] + 1;
        if (!column->scale)
            odd = read_texts(block, ends, start, column, &reader->words, &reader->texts[field], first, rows);
        else if (column->width == 8) odd = read_numbers(block, ends, start, column, first, rows, 1);
        else odd = read_numbers(block, ends, start, column, first, rows, 0);
    }
    return odd;
}

/* ---- Blocks. */

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

/* Returns the number of lines; the last one may lack its newline. */
PUBLIC int64_t flowdb_lines(const uint8_t *text, int64_t size) {
    int64_t count = size && text[size - 1] != '\n';
    for (int64_t at = 0; at < size;) {
        uint8_t some = 0;
        int64_t end = size - at < 255 ? size : at + 255;
        for (; at < end; at++) some = (uint8_t)(some + (text[at] == '\n'));
        count += some;
    }
    return count;
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

/* Reads a block that has so many `rows`, each a line; returns 0, or DOUBTFUL. */
PUBLIC int64_t flowdb_read(Reader *reader, const uint8_t *text, int64_t size, int64_t fields, int64_t rows,
                           Column *columns) {
    Block block = {text, size, fields};
    uint32_t *ends = reader->ends;
    int64_t count = 0, start = 0, row = 0;
    Scan scan = {0, 0, 1};
    int64_t (*find)(const Block *, Scan *, uint32_t *, int64_t, int64_t) = find_ends;
#ifdef WIDE
    if (reader->is_wide) find = find_ends_wide;
#endif
    if (size >= INT32_MAX || fields > MOST_FIELDS) return DOUBTFUL;
    for (int64_t field = 0; field < fields; field++) memset(columns[field].valid, 0xff, (size_t)((rows + 7) / 8));
    for (int is_last = 0; !is_last;) {
        count = find(&block, &scan, ends, count, ROWS_AT_ONCE * fields);
        is_last = count < ROWS_AT_ONCE * fields;
        if (is_last) {
            uint8_t last[64];
            int64_t left = size - scan.at;
            memset(last, 'x', 64);
            memcpy(last, text + scan.at, (size_t)left);
            if (size && text[size - 1] != '\n') last[left] = '\n'; /* as if there were one */
            count += find_some_ends(last, &scan, ends + count);
        }
        int64_t whole = count / fields;
        if (scan.odd || row + whole > rows) return DOUBTFUL;
        int odd = 0;
        for (int64_t i = 1; i <= whole; i++) {
            int64_t end = ends[i * fields - 1];
            odd |= end < size && text[end] != '\n';
        }
        if (odd || read_rows(reader, &block, columns, start, row, whole)) return DOUBTFUL;
        row += whole;
        if (whole) start = (int64_t)ends[whole * fields - 1] + 1;
        count -= whole * fields;
        memmove(ends, ends + whole * fields, (size_t)count * sizeof(*ends));
    }
    /* Every row ends with a newline, and there are no more of them: between its fields are spaces. */
    return count || row != rows ? DOUBTFUL : 0;
}
