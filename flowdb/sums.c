/* Adds up rows that have the same keys. grouping.py calls these, and owns all memory.
 *
 * Keys are columns of 32-bit numbers, in which one number stands for NULL. */

#include <stdint.h>
#include <string.h>

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define MOST_KEYS 16

/* Spreads the bits of a number over all of it (splitmix64). */
static inline uint64_t spread(uint64_t value) {
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static inline int is_set(const uint8_t *bits, int64_t place) { return !bits || bits[place >> 3] >> (place & 7) & 1; }

/* Gives every row the number of its group, in the order of their first rows, and -1 to those that are not `wanted`,
 * a bit each. `slots`, a power of two above the number of rows, is how many entries `table` has room for; `known` has
 * room for the keys of every row, and holds those of every group, one after the other. A secret `seed` keeps a log
 * from having keys that all fall into one slot. Returns the number of groups. */
PUBLIC int64_t flowdb_group(int64_t rows, int64_t keys, const int32_t *const *columns, const uint8_t *wanted,
                            uint64_t seed, int64_t slots, uint32_t *table, int32_t *known, int32_t *group) {
    int64_t groups = 0;
    int32_t key[MOST_KEYS];
    uint64_t factors[MOST_KEYS];
    size_t size = (size_t)keys * sizeof *key;
    if (keys > MOST_KEYS) return -1;
    memset(table, 0, (size_t)slots * sizeof *table);
    for (int64_t i = 0; i < keys; i++) factors[i] = spread(seed + (uint64_t)i) | 1;
    const int shift = 64 - __builtin_ctzll((uint64_t)slots);
    for (int64_t row = 0; row < rows; row++) {
        uint64_t hash = 0;
        group[row] = -1;
        if (!is_set(wanted, row)) continue;
        for (int64_t i = 0; i < keys; i++) {
            key[i] = columns[i][row];
            hash += factors[i] * (uint32_t)key[i];
        }
        uint64_t slot = (hash ^ (hash >> 29)) * factors[0] >> shift;
        for (;;) {
            uint32_t entry = table[slot];
            if (!entry) {
                memcpy(known + groups * keys, key, size);
                table[slot] = (uint32_t)++groups;
                group[row] = (int32_t)groups - 1;
                break;
            }
            if (!memcmp(known + (entry - 1) * keys, key, size)) {
                group[row] = (int32_t)entry - 1;
                break;
            }
            slot = (slot + 1) & (uint64_t)(slots - 1);
        }
    }
    return groups;
}

/* Writes a key of every group as a column. */
PUBLIC void flowdb_key(int64_t groups, int64_t keys, int64_t key, const int32_t *known, int32_t *column) {
    for (int64_t group = 0; group < groups; group++) column[group] = known[group * keys + key];
}

/* What is done with a value of a group. */
enum { ADD, LEAST, GREATEST };

/* Combines the values of each group; one that has none stays NULL. `sums` and `found`, a byte a group, are zeroed;
 * the validity of the first value is the bit at `offset`. A sum that is too large stops at the largest number. */
PUBLIC void flowdb_combine(int64_t how, int64_t rows, const int32_t *group, const int64_t *values,
                           const uint8_t *valid, int64_t offset, int64_t *sums, uint8_t *found) {
    for (int64_t row = 0; row < rows; row++) {
        if (group[row] < 0 || !is_set(valid, offset + row)) continue;
        int64_t *sum = sums + group[row];
        int64_t value = values[row];
        if (!found[group[row]]) {
            found[group[row]] = 1;
            *sum = value;
        } else if (how == ADD) {
            if (__builtin_add_overflow(*sum, value, sum)) *sum = INT64_MAX;
        } else if (how == LEAST ? value < *sum : value > *sum) {
            *sum = value;
        }
    }
}

#define DIGIT 11 /* bits */

/* Puts the numbers of rows, which are in some order, into that of their values; what is the same stays in order.
 * `other` has as much room as `order`, and takes turns with it; returns how often, so that an odd number says that the
 * answer is in `other`. */
PUBLIC int64_t flowdb_sort(int64_t rows, const uint64_t *values, int32_t *order, int32_t *other) {
    uint64_t all = 0;
    int64_t turns = 0;
    for (int64_t row = 0; row < rows; row++) all |= values[row];
    for (int shift = 0; shift < 64 && all >> shift; shift += DIGIT) {
        uint32_t places[1 << DIGIT] = {0}, place = 0;
        const uint64_t mask = (1 << DIGIT) - 1;
        for (int64_t row = 0; row < rows; row++) places[values[row] >> shift & mask]++;
        for (int64_t digit = 0; digit < 1 << DIGIT; digit++) {
            uint32_t count = places[digit];
            places[digit] = place;
            place += count;
        }
        for (int64_t i = 0; i < rows; i++) other[places[values[order[i]] >> shift & mask]++] = order[i];
        int32_t *taken = order;
        order = other;
        other = taken;
        turns++;
    }
    return turns;
}
