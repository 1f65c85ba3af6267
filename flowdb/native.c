/* Reads a block of flow-log lines column by column, if it is clean: every line has the same number of
 * fields, one space between them, ASCII only, and every number is digits and in range. Anything else is
 * DOUBTFUL, and for the other way of reading to judge. native.py calls these, and owns what they fill.
 *
 * Texts become codes: each is looked up among the words that this reader has met, so that whoever writes
 * them down later need not compare them again. A column whose texts hardly repeat is copied as it is. */

#include "words.h"

#include "ends.h"

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define DOUBTFUL (-1)
#define LONGEST_NUMBER 19 /* digits; any of that length fit into 64 bits */
#define ROWS_AT_ONCE 128  /* whose text and ends fit into the nearest cache */
#define MOST_ROWS (ROWS_AT_ONCE + 64) /* of one field, when the last 64 bytes are as many rows */
#define MOST_FIELDS 255
#define FEW 1024         /* words that a column may bring before they have to repeat */

/* Tells which source this was built from. */
PUBLIC uint32_t flowdb_source(void) { return SOURCE; }

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
