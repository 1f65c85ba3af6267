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

static inline uint64_t mixed(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 32);
}

static inline int is_set(const uint8_t *bits, int64_t place) { return !bits || bits[place >> 3] >> (place & 7) & 1; }

/* Gives every row the number of its group, in the order of their first rows, and -1 to those that are not `wanted`,
 * a bit each. `slots`, a power of two above the number of rows, is how many entries `table` has room for; `known` has
 * room for the keys of every row, and holds those of every group, one after the other. Returns the number of groups. */
PUBLIC int64_t flowdb_group(int64_t rows, int64_t keys, const int32_t *const *columns, const uint8_t *wanted,
                            int64_t slots, uint32_t *table, int32_t *known, int32_t *group) {
    int64_t groups = 0;
    int32_t key[MOST_KEYS];
    size_t size = (size_t)keys * sizeof *key;
    if (keys > MOST_KEYS) return -1;
    memset(table, 0, (size_t)slots * sizeof *table);
    for (int64_t row = 0; row < rows; row++) {
        uint64_t hash = 0;
        group[row] = -1;
        if (!is_set(wanted, row)) continue;
        for (int64_t i = 0; i < keys; i++) {
            key[i] = columns[i][row];
            hash = mixed(hash, (uint32_t)key[i]);
        }
        uint64_t slot = hash & (uint64_t)(slots - 1);
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
