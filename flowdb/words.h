/* Words: texts, each of them once, and a table that finds them. native.c includes it. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define SHORT 16         /* bytes of a text that are compared at once */
#define MOST_PROBES 64   /* whoever makes texts on purpose that meet in one place gains nothing */
#define FIRST_SLOTS 1024 /* a power of two */

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
