/* Adds up rows that have the same keys, and puts the sums in order. grouping.py calls these, and owns all memory.
 *
 * Keys are columns of 32-bit numbers that are not below 0; where there is none, the key is NONE. Rows are taken a
 * block at a time, column by column, and what they will need is fetched from memory before it is. */

#include <stdint.h>
#include <string.h>

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define NONE (-1)
#define UNWANTED (-2) /* the first key of a row that belongs to no group */
#define MOST_KEYS 16
#define MOST_VALUES 16
#define BLOCK 64 /* rows; as many bits as a word has */
#define HOUR 3600000

/* A column. The validity of its first value is the bit at `offset`; without `valid` all are there, and without
 * `values` none is: then a key is NONE, and 1 is added up. */
typedef struct {
    const void *values;
    const uint8_t *valid;
    int64_t offset;
    int64_t how; /* what is done with the values of a group */
} Given;
enum { ADD, LEAST, GREATEST };

/* A column to be filled, and how many of its values are none. */
typedef struct {
    void *values;
    uint64_t *valid; /* bits, a whole number of words */
    int64_t nulls;
} Made;

static inline int is_there(const Given *one, int64_t row) {
    int64_t bit = one->offset + row;
    return !one->valid || one->valid[bit >> 3] >> (bit & 7) & 1;
}

/* Spreads the bits of a number over all of it (splitmix64). */
static inline uint64_t spread(uint64_t value) {
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* ---- The keys of records that are no columns of theirs. */

/* What records have of these, in this order. `refused` tells of every code of an action whether it refuses, `idle`
 * of every code of a status whether it stands for no traffic. */
enum { START, SOURCE_PORT, TARGET_PORT, ACTION, STATUS, BYTES, ADDRESS };

/* Writes the hour of each record, and the one of its two ports that sums keep; `hour` is UNWANTED where there is no
 * traffic. */
PUBLIC void flowdb_keys(int64_t rows, const Given *given, const uint8_t *refused, const uint8_t *idle, int32_t *hour,
                        int32_t *source, int32_t *target) {
    const Given *start = &given[START], *status = &given[STATUS], *action = &given[ACTION];
    const int32_t *from = given[SOURCE_PORT].values, *to = given[TARGET_PORT].values;
    const int32_t *actions = action->values, *states = status->values;
    for (int64_t row = 0; row < rows; row++) {
        int is_idle;
        if (states && is_there(status, row)) is_idle = idle[states[row]];
        else is_idle = !(given[BYTES].values && is_there(&given[BYTES], row)) && !(given[ADDRESS].values && is_there(&given[ADDRESS], row));
        hour[row] = is_idle ? UNWANTED : start->values && is_there(start, row) ? (int32_t)(((const int64_t *)start->values)[row] / HOUR) : NONE;
        int32_t one = from && is_there(&given[SOURCE_PORT], row) ? from[row] : NONE;
        int32_t other = to && is_there(&given[TARGET_PORT], row) ? to[row] : NONE;
        int is_refused = actions && is_there(action, row) && refused[actions[row]];
        int is_target = is_refused || one == NONE || (other != NONE && other <= one);
        source[row] = is_target ? NONE : one;
        target[row] = is_target ? other : NONE;
    }
}

/* ---- Groups: their keys as 32-bit numbers, filled up to a word of 64 bits; their values; a bit for each that has one. */

static inline int64_t words_of_keys(int64_t keys) { return (keys + 1) / 2; }

/* Returns how many words of 64 bits a group has: fours of them, so that it lies in no more lines of the cache than it
 * must. */
PUBLIC int64_t flowdb_group_words(int64_t keys, int64_t values) {
    return (words_of_keys(keys) + values + 1 + 3) & ~INT64_C(3);
}

static inline uint64_t all_of(int64_t rows) { return ~UINT64_C(0) >> (BLOCK - rows); }

/* Returns which of some rows, no more than BLOCK, have a value; the first is the lowest bit. */
static inline uint64_t those_there(const Given *given, int64_t first, int64_t rows) {
    if (!given->valid) return all_of(rows);
    const int64_t bit = given->offset + first, shift = bit & 7, bytes = (shift + rows + 7) >> 3;
    const uint8_t *valid = given->valid + (bit >> 3);
    uint64_t found = 0;
    memcpy(&found, valid, (size_t)(bytes < 8 ? bytes : 8));
    found >>= shift;
    if (bytes > 8) found |= (uint64_t)valid[8] << (64 - shift);
    return found & all_of(rows);
}

static inline void read_keys(const Given *key, int64_t first, int64_t rows, int32_t *into, int64_t step) {
    const int32_t *values = (const int32_t *)key->values + first;
    if (!key->values) {
        for (int64_t i = 0; i < rows; i++) into[i * step] = NONE;
        return;
    }
    for (int64_t i = 0; i < rows; i++) into[i * step] = values[i];
    for (uint64_t missing = those_there(key, first, rows) ^ all_of(rows); missing; missing &= missing - 1)
        into[__builtin_ctzll(missing) * step] = NONE;
}

/* Adds a value of each of those rows that have a group. */
static inline void add_values_as(int64_t how, const Given *given, int64_t first, int64_t rows, uint64_t grouped,
                                 uint64_t *const *group, int64_t place, int64_t found, uint64_t bit) {
    const int64_t *values = given->values ? (const int64_t *)given->values + first : NULL;
    const uint64_t there = those_there(given, first, rows) & grouped;
    for (int64_t i = 0; i < rows; i++) {
        if (!LIKELY(there >> i & 1)) continue;
        int64_t *sum = (int64_t *)&group[i][place], value = values ? values[i] : 1;
        group[i][found] |= bit;
        if (how == ADD) {
            if (__builtin_add_overflow(*sum, value, sum)) *sum = INT64_MAX;
        } else if (how == LEAST) *sum = value < *sum ? value : *sum;
        else *sum = value > *sum ? value : *sum;
    }
}

/* The compiler makes a loop of its own for each way. */
static void add_values(const Given *given, int64_t first, int64_t rows, uint64_t grouped, uint64_t *const *group,
                       int64_t place, int64_t found, uint64_t bit) {
    if (given->how == ADD) add_values_as(ADD, given, first, rows, grouped, group, place, found, bit);
    else if (given->how == LEAST) add_values_as(LEAST, given, first, rows, grouped, group, place, found, bit);
    else add_values_as(GREATEST, given, first, rows, grouped, group, place, found, bit);
}

static inline void make_factors(uint64_t *factors, int64_t words, uint64_t seed) {
    for (int64_t i = 0; i < words; i++) factors[i] = spread(seed + (uint64_t)i) | 1;
}

/* Returns where in a table a group is looked for first. */
static inline uint64_t slot_of(const uint64_t *key, int64_t words, const uint64_t *factors, int64_t slots) {
    uint64_t hash = 0;
    for (int64_t word = 0; word < words; word++) {
        uint64_t one = key[word] * factors[word];
        hash += one ^ one >> 32;
    }
    return (hash ^ hash >> 29) * factors[0] >> (64 - __builtin_ctzll((uint64_t)slots));
}

/* Adds rows to `count` groups that there are, in the order of their first rows, and returns how many there are then.
 * `slots`, a power of two above the number of all rows, is how many entries `table`, all 0 at first, has room for. A
 * sum that is too large stops at the largest number. A secret `seed` keeps a log from having keys that all fall into
 * one slot. */
PUBLIC int64_t flowdb_group(int64_t rows, int64_t keys, const Given *key, int64_t values, const Given *value,
                            uint64_t seed, int64_t slots, uint32_t *table, int64_t count, uint64_t *groups) {
    const int64_t words = words_of_keys(keys), size = flowdb_group_words(keys, values), found = size - 1;
    uint64_t factors[MOST_KEYS / 2], none[MOST_KEYS / 2 + MOST_VALUES + 4] = {0};
    if (keys > MOST_KEYS || values > MOST_VALUES) return -1;
    make_factors(factors, words, seed);
    for (int64_t i = 0; i < values; i++)
        none[words + i] = value[i].how == LEAST ? INT64_MAX : value[i].how == GREATEST ? (uint64_t)INT64_MIN : 0;
    for (int64_t first = 0; first < rows; first += BLOCK) {
        const int64_t some = rows - first < BLOCK ? rows - first : BLOCK;
        uint64_t block[BLOCK * MOST_KEYS / 2], slot[BLOCK], grouped = 0, *group[BLOCK];
        if (keys & 1)
            for (int64_t i = 0; i < some; i++) ((int32_t *)block)[(i * words + words) * 2 - 1] = 0;
        for (int64_t i = 0; i < keys; i++) read_keys(&key[i], first, some, (int32_t *)block + i, words * 2);
        for (int64_t i = 0; i < some; i++) {
            slot[i] = slot_of(&block[i * words], words, factors, slots);
            __builtin_prefetch(&table[slot[i]], 1);
        }
        for (int64_t i = 0; i < some; i++)
            if (table[slot[i]]) {
                const uint64_t *known = &groups[(table[slot[i]] - 1) * size];
                __builtin_prefetch(known, 1);
                __builtin_prefetch(known + size - 1, 1);
            }
        for (int64_t i = 0; i < some; i++) {
            const uint64_t *wanted = &block[i * words];
            if (*(const int32_t *)wanted == UNWANTED) continue;
            grouped |= UINT64_C(1) << i;
            for (;; slot[i] = (slot[i] + 1) & (uint64_t)(slots - 1)) {
                uint32_t entry = table[slot[i]];
                uint64_t *known = &groups[(entry ? entry - 1 : count) * size];
                if (!entry) {
                    memcpy(known, none, (size_t)size * 8);
                    memcpy(known, wanted, (size_t)words * 8);
                    table[slot[i]] = (uint32_t)++count;
                } else {
                    uint64_t different = 0;
                    for (int64_t word = 0; word < words; word++) different |= known[word] ^ wanted[word];
                    if (different) continue;
                }
                group[i] = known;
                break;
            }
        }
        for (int64_t i = 0; i < values; i++)
            add_values(&value[i], first, some, grouped, group, words + i, found, UINT64_C(1) << i);
    }
    return count;
}

/* Puts groups that there are into `table`, all 0 before. */
PUBLIC void flowdb_index(int64_t count, int64_t keys, int64_t values, const uint64_t *groups, uint64_t seed,
                         int64_t slots, uint32_t *table) {
    const int64_t words = words_of_keys(keys), size = flowdb_group_words(keys, values);
    uint64_t factors[MOST_KEYS / 2];
    make_factors(factors, words, seed);
    for (int64_t i = 0; i < count; i++) {
        uint64_t slot = slot_of(&groups[i * size], words, factors, slots);
        while (table[slot]) slot = (slot + 1) & (uint64_t)(slots - 1);
        table[slot] = (uint32_t)i + 1;
    }
}

/* Writes groups, in an order, as columns: those of the keys, then those of the values. */
PUBLIC void flowdb_columns(int64_t count, int64_t keys, int64_t values, const uint64_t *groups, const int32_t *order,
                           Made *made) {
    const int64_t words = words_of_keys(keys), size = flowdb_group_words(keys, values);
    for (int64_t first = 0; first < count; first += BLOCK) {
        const int64_t some = count - first < BLOCK ? count - first : BLOCK;
        const uint64_t *group[BLOCK];
        for (int64_t row = 0; row < some; row++) {
            group[row] = groups + order[first + row] * size;
            __builtin_prefetch(group[row]);
            __builtin_prefetch(group[row] + size - 1);
        }
        for (int64_t i = 0; i < keys; i++) {
            int32_t *into = (int32_t *)made[i].values + first;
            uint64_t valid = 0;
            for (int64_t row = 0; row < some; row++) {
                int32_t key = ((const int32_t *)group[row])[i];
                into[row] = key == NONE ? 0 : key;
                valid |= (uint64_t)(key != NONE) << row;
            }
            made[i].valid[first / BLOCK] = valid;
            made[i].nulls += some - __builtin_popcountll(valid);
        }
        for (int64_t i = 0; i < values; i++) {
            Made *one = &made[keys + i];
            int64_t *into = (int64_t *)one->values + first;
            uint64_t valid = 0;
            for (int64_t row = 0; row < some; row++) {
                uint64_t is_found = group[row][size - 1] >> i & 1;
                into[row] = is_found ? (int64_t)group[row][words + i] : 0;
                valid |= is_found << row;
            }
            one->valid[first / BLOCK] = valid;
            one->nulls += some - __builtin_popcountll(valid);
        }
    }
}

/* ---- Order. */

#define DIGIT 11 /* bits */

/* A group, and those of its keys that fit into one number. */
typedef struct {
    uint64_t key;
    uint32_t group;
} Place;

/* Puts places in order, by their keys; what is the same stays in order. Returns where they are then. */
static Place *in_order(int64_t count, Place *places, Place *other) {
    uint64_t all = 0;
    for (int64_t i = 0; i < count; i++) all |= places[i].key;
    for (int shift = 0; shift < 64 && all >> shift; shift += DIGIT) {
        uint32_t begin[1 << DIGIT] = {0}, next = 0;
        const uint64_t mask = (1 << DIGIT) - 1;
        for (int64_t i = 0; i < count; i++) begin[places[i].key >> shift & mask]++;
        for (int64_t digit = 0; digit < 1 << DIGIT; digit++) {
            uint32_t those = begin[digit];
            begin[digit] = next;
            next += those;
        }
        for (int64_t i = 0; i < count; i++) other[begin[places[i].key >> shift & mask]++] = places[i];
        Place *taken = places;
        places = other;
        other = taken;
    }
    return places;
}

/* Writes the order of groups, each of so many words, by some of their keys, the first one of `by` above all; NONE
 * comes first. `room` is for two places a group. */
PUBLIC void flowdb_order(int64_t count, int64_t size, const uint64_t *groups, int64_t keys, const int32_t *by,
                         Place *room, int32_t *order) {
    Place *places = room, *other = room + count;
    int32_t least[MOST_KEYS], most[MOST_KEYS];
    int bits[MOST_KEYS];
    if (keys > MOST_KEYS) return;
    for (int64_t i = 0; i < keys; i++) {
        least[i] = INT32_MAX;
        most[i] = NONE;
    }
    for (int64_t row = 0; row < count; row++) {
        const int32_t *key = (const int32_t *)(groups + row * size);
        for (int64_t i = 0; i < keys; i++) {
            if (key[by[i]] < least[i]) least[i] = key[by[i]];
            if (key[by[i]] > most[i]) most[i] = key[by[i]];
        }
        places[row].group = (uint32_t)row;
    }
    for (int64_t i = 0; i < keys; i++)
        bits[i] = most[i] > least[i] ? 64 - __builtin_clzll((uint64_t)((int64_t)most[i] - least[i])) : 0;
    /* The last keys first, as many at once as one number holds. */
    for (int64_t last = keys; last > 0;) {
        int64_t first = last;
        int left = 63;
        while (first > 0 && bits[first - 1] <= left) left -= bits[--first];
        for (int64_t i = 0; i < count; i++) {
            const int32_t *key = (const int32_t *)(groups + places[i].group * size);
            uint64_t packed = 0;
            for (int64_t one = first; one < last; one++)
                packed = packed << bits[one] | (uint64_t)((int64_t)key[by[one]] - least[one]);
            places[i].key = packed;
        }
        Place *found = in_order(count, places, other);
        other = found == places ? other : places;
        places = found;
        last = first;
    }
    for (int64_t i = 0; i < count; i++) order[i] = (int32_t)places[i].group;
}
