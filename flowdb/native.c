/* Reads a block of flow-log lines column by column, if it is clean: every line has the same number of
 * fields, one space between them, ASCII only, and every number is digits and in range. Anything else is
 * DOUBTFUL, and for the other way of reading to judge. native.py calls these, and owns all memory.
 *
 * `ends` holds the end of every field, row by row: where the space or the newline behind it is. */

#include <stdint.h>
#include <string.h>

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define DOUBTFUL (-1)
#define IN_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define LONGEST_NUMBER 19 /* digits; any of that length fit into 64 bits */
#define STEP 16           /* bytes copied at once */

/* Tells which source this was built from. */
PUBLIC uint32_t flowdb_source(void) { return SOURCE; }

/* Finds the ends of the fields; returns the number of rows. `room` is how many ends there is memory for. */
PUBLIC int64_t flowdb_split(const uint8_t *text, int64_t size, int64_t fields, uint32_t *ends, int64_t room) {
    int64_t count = 0, at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        if (word & IN_EACH_BYTE(0x80) || count + 8 > room) return DOUBTFUL;
        /* The high bit of each byte that is no more than a space. */
        uint64_t marks = ~(word + IN_EACH_BYTE(0x7f - ' ')) & IN_EACH_BYTE(0x80);
        for (; marks; marks &= marks - 1) ends[count++] = (uint32_t)(at + (__builtin_ctzll(marks) >> 3));
    }
    for (; at < size; at++) {
        if (text[at] & 0x80 || count + 2 > room) return DOUBTFUL;
        if (text[at] <= ' ') ends[count++] = (uint32_t)at;
    }
    if (size && text[size - 1] != '\n') {
        if (count + 1 > room) return DOUBTFUL;
        ends[count++] = (uint32_t)size;
    }
    if (count % fields) return DOUBTFUL;

    int64_t start = 0;
    int odd = 0;
    for (int64_t row = 0; row < count; row += fields) {
        for (int64_t field = 0; field < fields - 1; field++) {
            int64_t end = ends[row + field];
            odd |= (end == start) | (end >= size || text[end] != ' ');
            start = end + 1;
        }
        int64_t end = ends[row + fields - 1];
        odd |= (end == start) | (end < size && text[end] != '\n');
        start = end + 1;
    }
    return odd ? DOUBTFUL : count / fields;
}

static inline int64_t start_of(const uint32_t *ends, int64_t index) {
    return index ? (int64_t)ends[index - 1] + 1 : 0;
}

static inline int is_null(const uint8_t *text, int64_t start, int64_t length) {
    return length == 1 && text[start] == '-';
}

static inline void clear(uint8_t *bits, int64_t index) { bits[index >> 3] &= (uint8_t) ~(1u << (index & 7)); }

/* Reads a column of numbers up to `largest`, each times `scale`; with a scale, what is larger than `largest` but
 * no more than it would be scaled stands as it is. `width` is 4 or 8 bytes. Returns how many are null. */
PUBLIC int64_t flowdb_numbers(const uint8_t *text, const uint32_t *ends, int64_t fields, int64_t column, int64_t rows,
                              uint64_t largest, uint64_t scale, int64_t width, void *numbers, uint8_t *valid) {
    int64_t nulls = 0;
    uint64_t largest_scaled = largest * scale + (scale - 1);
    memset(valid, 0xff, (size_t)((rows + 7) / 8));
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = start_of(ends, row * fields + column);
        int64_t length = ends[row * fields + column] - start;
        uint64_t number = 0;
        if (is_null(text, start, length)) {
            nulls++;
            clear(valid, row);
        } else {
            if (length > LONGEST_NUMBER) return DOUBTFUL;
            for (int64_t i = 0; i < length; i++) {
                uint64_t digit = (uint64_t)text[start + i] - '0';
                if (digit > 9) return DOUBTFUL;
                number = number * 10 + digit;
            }
            if (number <= largest) number *= scale;
            else if (number > largest_scaled) return DOUBTFUL;
        }
        if (width == 4) ((int32_t *)numbers)[row] = (int32_t)number;
        else ((int64_t *)numbers)[row] = (int64_t)number;
    }
    return nulls;
}

/* Finds where each text of a column will lie behind the others; `offsets` has one more than there are rows.
 * Returns how many are null. */
PUBLIC int64_t flowdb_lay_out(const uint8_t *text, const uint32_t *ends, int64_t fields, int64_t column, int64_t rows,
                              int64_t longest, int32_t *offsets, uint8_t *valid) {
    int64_t nulls = 0, total = 0;
    memset(valid, 0xff, (size_t)((rows + 7) / 8));
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = start_of(ends, row * fields + column);
        int64_t length = ends[row * fields + column] - start;
        if (is_null(text, start, length)) {
            nulls++;
            clear(valid, row);
            length = 0;
        }
        if (length > longest) return DOUBTFUL;
        offsets[row] = (int32_t)total;
        total += length;
    }
    offsets[rows] = (int32_t)total;
    return nulls;
}

/* Copies the texts of a column to where they were laid out; `data` has `STEP` bytes to spare. */
PUBLIC void flowdb_copy(const uint8_t *text, int64_t size, const uint32_t *ends, int64_t fields, int64_t column,
                        int64_t rows, const int32_t *offsets, uint8_t *data) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = start_of(ends, row * fields + column);
        int64_t length = offsets[row + 1] - offsets[row];
        uint8_t *to = data + offsets[row];
        if (start + length + STEP > size) memcpy(to, text + start, (size_t)length);
        else
            for (int64_t done = 0; done < length; done += STEP) memcpy(to + done, text + start + done, STEP);
    }
}
