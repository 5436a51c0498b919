/* table.h: tables become files. */
#include "arrow.h"
#include "column.h"
#include "json.h"

#include <string.h>

/* ---- before writing ---- */

/* Every column must be complete, and of a type that can be written. */
static sgf_status table_check(const struct table *table, const char *path, sgf_error *err) {
    size_t i, rows;
    for (i = 0; i < table->count; i++) {
        const struct column *at = &table->columns[i], *first = &table->columns[0];
        if (at->type == TABLE_OTHER)
            return base_fail_at(
                err, SGF_ERR_UNSUPPORTED, path, -1,
                "%s: not written: column '%s' holds %s, which is not supported; drop the column "
                "first",
                path, at->name, table_type_text(table, (int)i));
        rows = column_rows(first);
        if (column_rows(at) != rows)
            return base_fail_at(err, SGF_ERR_ARG, path, -1,
                                "%s: not written: column '%s' has %llu cells, column '%s' has %llu",
                                path, at->name, (unsigned long long)column_rows(at), first->name,
                                (unsigned long long)rows);
    }
    return SGF_OK;
}
/* For a format in which a name stands for one column. */
static sgf_status names_check(const struct table *table, const char *path, sgf_error *err) {
    int sorted[TABLE_MAX_COLUMNS], found;
    size_t i, place;
    for (i = 0; i < table->count; i++) {
        const struct column *at = &table->columns[i];
        place = column_name_place(table, sorted, i, base_text_of(at->name, at->name_len), &found);
        if (found)
            return base_fail_at(
                err, SGF_ERR_ARG, path, -1,
                "%s: not written: columns %llu and %llu, counted from 1, are both "
                "named '%s', which JSON cannot tell apart; write Feather or CSV, or "
                "drop one first",
                path, (unsigned long long)sorted[place] + 1, (unsigned long long)i + 1, at->name);
        column_name_insert(sorted, i, place, i);
    }
    return SGF_OK;
}

/* Is c one of the control, format, private-use and space characters that repr() escapes? */
static int repr_escapes(uint32_t c) {
    static const uint32_t ranges[][2] = {
        {0x00, 0x1F},       {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},
        {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},
        {0x8E2, 0x8E2},     {0x1680, 0x1680},   {0x180E, 0x180E},   {0x2000, 0x200F},
        {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},   {0xE000, 0xF8FF},
        {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD},
        {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
        {0xE0000, 0xE007F}, {0xF0000, 0x10FFFF}};
    size_t i;
    if (c >= 0x20 && c < 0x7F) return 0;
    for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return 1;
    return 0;
}
/* Add what Python's repr() gives for the text. */
static sgf_status write_repr(base_buf *buf, sgf_str text, sgf_error *err) {
    int single = text.len && memchr(text.ptr, '\'', text.len),
        twice = text.len && memchr(text.ptr, '"', text.len);
    char quote = single && !twice ? '"' : '\'', escape[16];
    size_t i = 0, start = 0;
    sgf_status status = base_buf_add(buf, &quote, 1, err);
    while (!status && i < text.len) {
        uint32_t c = 0xFFFD;
        size_t len = base_utf8_next(text.ptr + i, text.len - i, &c), at = i;
        i += len ? len : 1;
        if (c == '\\' || c == (uint32_t)quote) snprintf(escape, sizeof escape, "\\%c", (int)c);
        else if (c == '\n') memcpy(escape, "\\n", 3);
        else if (c == '\r') memcpy(escape, "\\r", 3);
        else if (c == '\t') memcpy(escape, "\\t", 3);
        else if (!repr_escapes(c)) continue;
        else if (c < 0x100) snprintf(escape, sizeof escape, "\\x%02x", (unsigned)c);
        else if (c < 0x10000) snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
        else snprintf(escape, sizeof escape, "\\U%08x", (unsigned)c);
        status = base_buf_add(buf, text.ptr + start, at - start, err);
        if (!status) status = base_buf_text(buf, escape, err);
        start = i;
    }
    if (!status) status = base_buf_add(buf, text.ptr + start, text.len - start, err);
    return status ? status : base_buf_add(buf, &quote, 1, err);
}

/* ---- cells as text: the Python and the JSON dialect differ in a few words ---- */

typedef struct write_dialect {
    const char *null, *no, *yes;
    sgf_status (*quote)(base_buf *buf, sgf_str text, sgf_error *err);
} write_dialect;

static const write_dialect python_dialect = {"None", "False", "True", write_repr};
static const write_dialect json_dialect = {"null", "false", "true", json_quote};

static sgf_status write_items(base_buf *buf, const struct column *column, size_t begin, size_t end,
                              const write_dialect *words, sgf_error *err) {
    sgf_status status = base_buf_text(buf, "[", err);
    size_t i;
    for (i = begin; i < end && !status; i++) {
        sgf_str text = column_items(column)[i];
        if (i > begin) status = base_buf_text(buf, ", ", err);
        if (!status)
            status = text.ptr ? words->quote(buf, text, err) : base_buf_text(buf, words->null, err);
    }
    return status ? status : base_buf_text(buf, "]", err);
}
static sgf_status write_lists(base_buf *buf, const struct column *column, size_t begin, size_t end,
                              const write_dialect *words, sgf_error *err) {
    sgf_status status = base_buf_text(buf, "[", err);
    size_t i, first, last;
    for (i = begin; i < end && !status; i++) {
        if (i > begin) status = base_buf_text(buf, ", ", err);
        if (status) break;
        if (!column_range(&column->inner, i, &first, &last))
            status = base_buf_text(buf, words->null, err);
        else status = write_items(buf, column, first, last, words, err);
    }
    return status ? status : base_buf_text(buf, "]", err);
}
/* A cell that is neither null nor a text. */
static sgf_status write_cell(base_buf *buf, const struct column *column, size_t row,
                             const write_dialect *words, sgf_error *err) {
    char number[40];
    size_t begin, end;
    switch (column->type) {
    case SGF_COLUMN_LIST_UTF8:
        column_range(&column->ends, row, &begin, &end);
        return write_items(buf, column, begin, end, words, err);
    case SGF_COLUMN_LIST_LIST_UTF8:
        column_range(&column->ends, row, &begin, &end);
        return write_lists(buf, column, begin, end, words, err);
    case SGF_COLUMN_F64:
        base_number_print(((const double *)column->values.items)[row], number);
        break;
    case SGF_COLUMN_I64:
        snprintf(number, sizeof number, "%lld",
                 (long long)((const int64_t *)column->values.items)[row]);
        break;
    default: return base_buf_text(buf, column_flag(column, row) ? words->yes : words->no, err);
    }
    return base_buf_text(buf, number, err);
}

/* ---- writing CSV ---- */

/* Add one field, in quotes where it needs them, or where the caller does. A zero byte, which a text
   file cannot have, becomes U+FFFD. */
static sgf_status write_csv_field(base_buf *line, sgf_str text, int quotes, sgf_error *err) {
    size_t i, start = 0;
    sgf_status status = SGF_OK;
    for (i = 0; i < text.len && !quotes; i++)
        quotes = text.ptr[i] && strchr(",\"\r\n", text.ptr[i]);
    if (quotes) status = base_buf_text(line, "\"", err);
    for (i = 0; i < text.len && !status; i++) {
        if (text.ptr[i] && text.ptr[i] != '"') continue;
        status = base_buf_add(line, text.ptr + start, i - start, err);
        if (!status) status = base_buf_text(line, text.ptr[i] ? "\"\"" : "\xEF\xBF\xBD", err);
        start = i + 1;
    }
    if (!status && start < text.len)
        status = base_buf_add(line, text.ptr + start, text.len - start, err);
    return status || !quotes ? status : base_buf_text(line, "\"", err);
}
static sgf_status write_csv_cell(base_buf *line, base_buf *cell, const struct column *column,
                                 size_t row, int alone, sgf_error *err) {
    sgf_status status = SGF_OK;
    cell->len = 0;
    sgf_str text;
    if (column->type != SGF_COLUMN_UTF8 && !column_null(column, row))
        status = write_cell(cell, column, row, &python_dialect, err);
    if (status) return status;
    text = column->type == SGF_COLUMN_UTF8 ? column_items(column)[row]
                                           : base_text_of(cell->ptr, cell->len);
    return write_csv_field(line, text, alone && !text.len, err); /* an empty line is no row */
}
/* One row, the header for row SIZE_MAX, with its line end. */
static sgf_status write_csv_row(base_buf *line, base_buf *cell, const struct table *table,
                                size_t row, sgf_error *err) {
    sgf_status status = SGF_OK;
    int alone = table->count == 1;
    size_t i;
    for (i = 0; i < table->count && !status; i++) {
        if (i) status = base_buf_text(line, ",", err);
        if (status) break;
        if (row == SIZE_MAX) {
            sgf_str name = sgf_text(table->columns[i].name);
            int mark = name.len >= 3 && !memcmp(name.ptr, "\xEF\xBB\xBF", 3);
            /* at the start of a file, a mark that is not in quotes is no part of the name */
            status = write_csv_field(line, name, (alone && !name.len) || (!i && mark), err);
        } else status = write_csv_cell(line, cell, &table->columns[i], row, alone, err);
    }
    return status ? status : base_buf_text(line, "\n", err);
}

/* ---- writing JSON lines ---- */

static sgf_status write_json_cell(base_buf *line, const struct column *column, size_t row,
                                  sgf_error *err) {
    if (column_null(column, row)) return base_buf_text(line, "null", err);
    if (column->type == SGF_COLUMN_UTF8) return json_quote(line, column_items(column)[row], err);
    if (column->type == SGF_COLUMN_F64) {
        double value = ((const double *)column->values.items)[row];
        if (!(value - value == 0))
            return base_buf_text(line, "null", err); /* JSON has no infinity */
    }
    return write_cell(line, column, row, &json_dialect, err);
}
static sgf_status write_json_row(base_buf *line, base_buf *cell, const struct table *table,
                                 size_t row, sgf_error *err) {
    sgf_status status = SGF_OK;
    size_t i;
    (void)cell;
    if (row == SIZE_MAX) return SGF_OK; /* no header */
    for (i = 0; i < table->count && !status; i++) {
        status = base_buf_text(line, i ? ", " : "{", err);
        if (!status) status = json_quote(line, sgf_text(table->columns[i].name), err);
        if (!status) status = base_buf_text(line, ": ", err);
        if (!status) status = write_json_cell(line, &table->columns[i], row, err);
    }
    return status ? status : base_buf_text(line, "}\n", err);
}

/* ---- writing any text format, row by row ---- */

typedef sgf_status row_writer(base_buf *line, base_buf *cell, const struct table *table, size_t row,
                              sgf_error *err);

static sgf_status rows_write(const struct table *table, const char *path, row_writer *writer,
                             sgf_error *err) {
    enum { FLUSH = 65536 };
    size_t rows = table_rows(table), row;
    base_buf line, cell;
    base_out out;
    sgf_status status = table_check(table, path, err);
    if (status) return status;
    status = base_out_open(&out, path, err);
    if (status) return status;
    base_buf_init(&line, &table->arena.mem);
    base_buf_init(&cell, &table->arena.mem);
    status = writer(&line, &cell, table, SIZE_MAX, err);
    for (row = 0; row < rows && !status; row++) {
        status = writer(&line, &cell, table, row, err);
        if (status || line.len < FLUSH) continue;
        status = base_out_write(&out, line.ptr, line.len, err);
        line.len = 0;
    }
    if (!status) status = base_out_write(&out, line.ptr, line.len, err);
    if (!status) status = base_out_close(&out, err);
    else base_out_drop(&out);
    base_buf_free(&line);
    base_buf_free(&cell);
    return status;
}
sgf_status table_write_csv(const struct table *table, const char *path, sgf_error *err) {
    if (!table->count) /* an empty file has no header */
        return base_fail_at(err, SGF_ERR_ARG, path, -1,
                            "%s: not written: a table without columns has no header, and cannot be "
                            "a CSV file",
                            path);
    return rows_write(table, path, write_csv_row, err);
}
sgf_status table_write_jsonl(const struct table *table, const char *path, sgf_error *err) {
    sgf_status status = names_check(table, path, err);
    return status ? status : rows_write(table, path, write_json_row, err);
}
/* ---- writing flatbuffers ----
   Objects are written from the top down, so that every offset points forward. A table is preceded by
   its vtable; offsets to objects that do not exist yet are patched by fb_link. */

struct fb {
    base_buf buf;
    sgf_status status; /* the first failure; everything after it does nothing */
    sgf_error *err;
};

typedef struct fb_slot {
    unsigned size; /* 0: the field is absent; 1, 2, 4, 8 bytes */
    int64_t value; /* for an offset 0: it is linked later */
} fb_slot;

/* Little-endian integers of 1 to 8 bytes, on any machine, at any address. */
static void fb_store(unsigned char *out, uint64_t value, unsigned size) {
    unsigned i;
    for (i = 0; i < size; i++) out[i] = (unsigned char)(value >> 8 * i);
}
static void fb_add(struct fb *fb, const void *bytes, size_t n) {
    if (!fb->status) fb->status = base_buf_add(&fb->buf, bytes, n, fb->err);
}
static void fb_put(struct fb *fb, uint64_t value, unsigned size) {
    unsigned char bytes[8];
    fb_store(bytes, value, size);
    fb_add(fb, bytes, size);
}
/* Zeros until `ahead` bytes further on a multiple of `align` is met. */
static void fb_align(struct fb *fb, size_t align, size_t ahead) {
    while (!fb->status && (fb->buf.len + ahead) % align) fb_put(fb, 0, 1);
}
/* Write a table of n <= 8 slots; positions of the fields go to at[n], 0 where absent. */
static size_t fb_table(struct fb *fb, const fb_slot *slots, unsigned n, size_t *at) {
    unsigned size, i, offset = 4, offsets[8];
    size_t start;
    for (size = 8; size; size /= 2)
        for (i = 0; i < n; i++) {
            if (slots[i].size != size) continue;
            if (size == 8 && offset == 4)
                offset = 8; /* the largest come first, so alignment is for free */
            offsets[i] = offset;
            offset += size;
        }
    fb_align(fb, 8, 4 + 2 * (size_t)n);
    start = fb->buf.len + 4 + 2 * (size_t)n;
    fb_put(fb, 4 + 2 * n, 2);
    fb_put(fb, offset, 2);
    for (i = 0; i < n; i++) fb_put(fb, slots[i].size ? offsets[i] : 0, 2);
    fb_put(fb, 4 + 2 * n, 4); /* from the table back to its vtable */
    while (!fb->status && fb->buf.len < start + offset) fb_put(fb, 0, 1);
    for (i = 0; i < n; i++) {
        at[i] = slots[i].size ? start + offsets[i] : 0;
        if (!fb->status && at[i])
            fb_store((unsigned char *)fb->buf.ptr + at[i], (uint64_t)slots[i].value, slots[i].size);
    }
    return start;
}
/* The offset at `field` points to `target`. */
static void fb_link(struct fb *fb, size_t field, size_t target) {
    if (!fb->status) fb_store((unsigned char *)fb->buf.ptr + field, target - field, 4);
}
static void fb_text(struct fb *fb, size_t field, sgf_str text) {
    fb_align(fb, 4, 0);
    fb_link(fb, field, fb->buf.len);
    fb_put(fb, text.len, 4);
    fb_add(fb, text.ptr, text.len);
    fb_put(fb, 0, 1);
}
/* Begin a vector of n elements that `field` points to; the elements must follow. */
static size_t fb_vector(struct fb *fb, size_t field, size_t n, size_t align) {
    fb_align(fb, align, 4);
    fb_link(fb, field, fb->buf.len);
    fb_put(fb, n, 4);
    return fb->buf.len;
}
/* A vector of n offsets, linked later; returns where they stand. */
static size_t fb_offsets(struct fb *fb, size_t field, size_t n) {
    size_t at = fb_vector(fb, field, n, 4), i;
    for (i = 0; i < n; i++) fb_put(fb, 0, 4);
    return at;
}
static fb_slot fb_slot_of(unsigned size, int64_t value) {
    fb_slot slot;
    slot.size = size;
    slot.value = value;
    return slot;
}

/* ---- writing the schema ---- */

/* One field and its children: name 0, nullable 1, type_type 2, type 3, dictionary 4, children 5. */
static void feather_field(struct fb *fb, size_t link, const char *name, sgf_column_type type) {
    static const unsigned char ids[] = {ARROW_UTF8,  ARROW_LIST, ARROW_LIST,
                                        ARROW_FLOAT, ARROW_INT,  ARROW_BOOL};
    int list = type == SGF_COLUMN_LIST_UTF8 || type == SGF_COLUMN_LIST_LIST_UTF8;
    fb_slot slots[6], kind[2];
    size_t at[6], kinds[2], children;
    slots[0] = slots[3] = slots[5] = fb_slot_of(4, 0);
    slots[1] = fb_slot_of(1, 1);
    slots[2] = fb_slot_of(1, ids[type]);
    slots[4] = fb_slot_of(0, 0);
    fb_link(fb, link, fb_table(fb, slots, 6, at));
    kind[0] = type == SGF_COLUMN_I64
                  ? fb_slot_of(4, 64)
                  : fb_slot_of(type == SGF_COLUMN_F64 ? 2 : 0, 2); /* bits; double */
    kind[1] = fb_slot_of(type == SGF_COLUMN_I64 ? 1 : 0, 1);       /* signed */
    fb_link(fb, at[3], fb_table(fb, kind, 2, kinds));
    fb_text(fb, at[0], sgf_text(name));
    children = fb_offsets(fb, at[5], list ? 1 : 0);
    if (list)
        feather_field(fb, children, "item",
                      type == SGF_COLUMN_LIST_UTF8 ? SGF_COLUMN_UTF8 : SGF_COLUMN_LIST_UTF8);
}
static void feather_pair(struct fb *fb, size_t link, sgf_str key, sgf_str value) {
    fb_slot slots[2];
    size_t at[2];
    slots[0] = slots[1] = fb_slot_of(4, 0);
    fb_link(fb, link, fb_table(fb, slots, 2, at));
    fb_text(fb, at[0], key);
    fb_text(fb, at[1], value);
}
/* Schema: endianness 0, fields 1, custom_metadata 2. */
static void feather_schema(struct fb *fb, size_t link, const struct table *table, sgf_str pandas) {
    const table_pair *pairs = (const table_pair *)table->pairs.items;
    fb_slot slots[3];
    size_t at[3], list, i, n = 1;
    slots[0] = fb_slot_of(0, 0);
    slots[1] = slots[2] = fb_slot_of(4, 0);
    fb_link(fb, link, fb_table(fb, slots, 3, at));
    list = fb_offsets(fb, at[1], table->count);
    for (i = 0; i < table->count; i++)
        feather_field(fb, list + 4 * i, table->columns[i].name, table->columns[i].type);
    for (i = 0; i < table->pairs.count; i++) n += strcmp(pairs[i].key, "pandas") != 0;
    list = fb_offsets(fb, at[2], n);
    feather_pair(fb, list, sgf_text("pandas"), pandas);
    for (i = 0, n = 1; i < table->pairs.count; i++)
        if (strcmp(pairs[i].key, "pandas"))
            feather_pair(fb, list + 4 * n++, sgf_text(pairs[i].key), pairs[i].value);
}

/* What pandas wants to know to give back the same DataFrame: an index 0 .. rows - 1, and its own
   names for the types. */
static sgf_status feather_pandas(base_buf *buf, const struct table *table, sgf_error *err) {
    static const char *const types[][2] = {
        {"unicode", "object"},  {"list[unicode]", "object"}, {"list[list[unicode]]", "object"},
        {"float64", "float64"}, {"int64", "int64"},          {"bool", "bool"}};
    char text[256];
    size_t i;
    sgf_status status;
    snprintf(
        text, sizeof text,
        "{\"index_columns\": [{\"kind\": \"range\", \"name\": null, \"start\": 0, \"stop\": %llu, "
        "\"step\": 1}], ",
        (unsigned long long)table_rows(table));
    status = base_buf_text(buf, text, err);
    if (!status)
        status = base_buf_text(
            buf,
            "\"column_indexes\": [{\"name\": null, \"field_name\": null, \"pandas_type\": "
            "\"unicode\", \"numpy_type\": \"object\", \"metadata\": {\"encoding\": \"UTF-8\"}}], "
            "\"columns\": [",
            err);
    for (i = 0; i < table->count && !status; i++) {
        const struct column *column = &table->columns[i];
        status = base_buf_text(buf, i ? ", {\"name\": " : "{\"name\": ", err);
        if (!status) status = json_quote(buf, sgf_text(column->name), err);
        if (!status) status = base_buf_text(buf, ", \"field_name\": ", err);
        if (!status) status = json_quote(buf, sgf_text(column->name), err);
        snprintf(text, sizeof text,
                 ", \"pandas_type\": \"%s\", \"numpy_type\": \"%s\", \"metadata\": null}",
                 types[column->type][0], types[column->type][1]);
        if (!status) status = base_buf_text(buf, text, err);
    }
    if (status) return status;
    return base_buf_text(
        buf,
        "], \"attributes\": {}, \"creator\": {\"library\": \"segfuse\", \"version\": \"1\"}, "
        "\"pandas_version\": \"2.2.3\"}",
        err);
}

/* ---- writing record batches ---- */

struct feather {
    const struct table *table;
    const char *path;
    base_out out;
    struct fb meta, body, nodes,
        buffers;      /* of the message under construction; fb.buf as plain bytes */
    struct fb blocks; /* Block structs of the footer */
    sgf_error *err;
};

/* The buffer that began at `start` of the body is complete: note offset and length, pad to 64. */
static void feather_buffer(struct feather *w, size_t start) {
    fb_put(&w->buffers, start, 8);
    fb_put(&w->buffers, w->body.buf.len - start, 8);
    fb_align(&w->body, 64, 0);
}
/* A field node, and the validity bitmap of n cells, which is left out when none is null.
   null(context, begin + i) says whether cell i is. */
typedef int feather_is_null(const struct column *column, size_t i);

static void feather_node(struct feather *w, const struct column *column, feather_is_null *null,
                         size_t begin, size_t end) {
    size_t nulls = 0, i, start = w->body.buf.len;
    unsigned bits = 0;
    for (i = begin; i < end; i++) nulls += null(column, i) != 0;
    fb_put(&w->nodes, end - begin, 8);
    fb_put(&w->nodes, nulls, 8);
    for (i = begin; i < end && nulls; i++) {
        if (!null(column, i)) bits |= 1u << (i - begin) % 8;
        if ((i - begin) % 8 < 7 && i + 1 < end) continue;
        fb_put(&w->body, bits, 1);
        bits = 0;
    }
    feather_buffer(w, start);
}
static int feather_null_cell(const struct column *column, size_t i) {
    return column_null(column, i);
}
static int feather_null_text(const struct column *column, size_t i) {
    return !column_items(column)[i].ptr;
}
static int feather_null_inner(const struct column *column, size_t i) {
    return ((const int64_t *)column->inner.items)[i] < 0;
}

static void feather_texts(struct feather *w, const struct column *column, size_t begin,
                          size_t end) {
    const sgf_str *texts = column_items(column);
    size_t i, start, length = 0;
    feather_node(w, column, feather_null_text, begin, end);
    start = w->body.buf.len;
    fb_put(&w->body, 0, 4);
    for (i = begin; i < end; i++) fb_put(&w->body, length += texts[i].len, 4);
    feather_buffer(w, start);
    start = w->body.buf.len;
    for (i = begin; i < end; i++) fb_add(&w->body, texts[i].ptr, texts[i].len);
    feather_buffer(w, start);
}
/* The offsets of lists [begin, end); what they hold goes to *first .. *last. */
static void feather_ends(struct feather *w, const column_array *ends, size_t begin, size_t end,
                         size_t *first, size_t *last) {
    size_t i, from, to, start = w->body.buf.len;
    *first = *last = 0;
    if (begin < end) {
        column_range(ends, begin, first, &to);
        column_range(ends, end - 1, &from, last);
    }
    fb_put(&w->body, 0, 4);
    for (i = begin; i < end; i++) {
        column_range(ends, i, &from, &to);
        fb_put(&w->body, to - *first, 4);
    }
    feather_buffer(w, start);
}
static void feather_values(struct feather *w, const struct column *column, size_t begin,
                           size_t end) {
    const unsigned char *values = (const unsigned char *)column->values.items;
    size_t i, start = w->body.buf.len;
    for (i = begin; i < end; i++) {
        uint64_t value;
        memcpy(&value, values + 8 * i, 8); /* in this machine's order, stored in the file's */
        fb_put(&w->body, value, 8);
    }
    feather_buffer(w, start);
}
static void feather_bools(struct feather *w, const struct column *column, size_t begin,
                          size_t end) {
    size_t i, start = w->body.buf.len;
    unsigned bits = 0;
    for (i = begin; i < end; i++) {
        if (column_flag(column, i) == 1) bits |= 1u << (i - begin) % 8;
        if ((i - begin) % 8 < 7 && i + 1 < end) continue;
        fb_put(&w->body, bits, 1);
        bits = 0;
    }
    feather_buffer(w, start);
}
static void feather_column(struct feather *w, const struct column *column, size_t begin,
                           size_t end) {
    size_t first, last, from, to;
    switch (column->type) {
    case SGF_COLUMN_UTF8: feather_texts(w, column, begin, end); break;
    case SGF_COLUMN_LIST_UTF8:
        feather_node(w, column, feather_null_cell, begin, end);
        feather_ends(w, &column->ends, begin, end, &first, &last);
        feather_texts(w, column, first, last);
        break;
    case SGF_COLUMN_LIST_LIST_UTF8:
        feather_node(w, column, feather_null_cell, begin, end);
        feather_ends(w, &column->ends, begin, end, &first, &last);
        feather_node(w, column, feather_null_inner, first, last);
        feather_ends(w, &column->inner, first, last, &from, &to);
        feather_texts(w, column, from, to);
        break;
    case SGF_COLUMN_BOOL:
        feather_node(w, column, feather_null_cell, begin, end);
        feather_bools(w, column, begin, end);
        break;
    default:
        feather_node(w, column, feather_null_cell, begin, end);
        feather_values(w, column, begin, end);
        break;
    }
}

/* Bytes of text, or number of items if larger, that a cell adds to a batch. */
static size_t feather_weight(const struct column *column, size_t row) {
    size_t begin = row, end = row + 1, unused, weight = 0, lists = 0;
    if (column->type == SGF_COLUMN_LIST_UTF8 || column->type == SGF_COLUMN_LIST_LIST_UTF8)
        column_range(&column->ends, row, &begin, &end);
    else if (column->type != SGF_COLUMN_UTF8) return 0;
    if (column->type == SGF_COLUMN_LIST_LIST_UTF8 && begin < end) {
        lists = end - begin;
        column_range(&column->inner, end - 1, &unused, &end);
        column_range(&column->inner, begin, &begin, &unused);
    } else if (column->type == SGF_COLUMN_LIST_LIST_UTF8) return 0;
    for (; begin < end; begin++) weight += column_items(column)[begin].len + 1;
    return weight > lists ? weight : lists;
}
/* Rows from `begin` that fit one batch: 32-bit offsets must reach every byte and item. A batch is made
   in memory, so that without `most` it is far smaller, unless one row alone is larger. */
static sgf_status feather_fit(struct feather *w, size_t begin, size_t rows, size_t most,
                              size_t *end) {
    const size_t limit = most ? most : (size_t)64 << 20, reach = most ? most : 0x7fffffff;
    size_t i, row;
    *end = begin + rows;
    for (i = 0; i < w->table->count; i++) {
        size_t total = 0;
        for (row = begin; row < *end; row++) {
            size_t weight = feather_weight(&w->table->columns[i], row);
            if (row == begin ? weight > reach : total > limit || weight > limit - total) break;
            total += weight;
        }
        if (row == begin && *end > begin)
            return base_fail_at(
                w->err, SGF_ERR_LIMIT, w->path, -1,
                "%s: column '%s', row %llu: a cell of 2 GiB or more cannot be written", w->path,
                w->table->columns[i].name, (unsigned long long)row);
        *end = row;
    }
    return SGF_OK;
}

/* ---- writing messages and the file ---- */

/* Message: version 0, header_type 1, header 2, bodyLength 3. Returns where the header's offset
 * stands.
 */
static size_t feather_message_begin(struct fb *fb, int type, size_t body) {
    fb_slot slots[4];
    size_t at[4];
    fb->buf.len = 0;
    fb_put(fb, 0, 4); /* the root */
    slots[0] = fb_slot_of(2, ARROW_V5);
    slots[1] = fb_slot_of(1, type);
    slots[2] = fb_slot_of(4, 0);
    slots[3] = fb_slot_of(8, (int64_t)body);
    fb_link(fb, 0, fb_table(fb, slots, 4, at));
    return at[2];
}
/* Metadata and body of the message under construction go to the file. */
static sgf_status feather_message_end(struct feather *w) {
    unsigned char prefix[8];
    sgf_status status;
    fb_align(&w->meta, 8, 0);
    if (w->meta.status) return w->meta.status;
    memset(prefix, 0xFF, 4);
    fb_store(prefix + 4, w->meta.buf.len, 4);
    status = base_out_write(&w->out, prefix, 8, w->err);
    if (!status) status = base_out_write(&w->out, w->meta.buf.ptr, w->meta.buf.len, w->err);
    return status ? status : base_out_write(&w->out, w->body.buf.ptr, w->body.buf.len, w->err);
}
/* RecordBatch: length 0, nodes 1, buffers 2. */
static sgf_status feather_batch(struct feather *w, size_t begin, size_t end) {
    fb_slot slots[3];
    size_t at[3], i, header;
    uint64_t place = w->out.size;
    sgf_status status;
    w->body.buf.len = w->nodes.buf.len = w->buffers.buf.len = 0;
    for (i = 0; i < w->table->count; i++) feather_column(w, &w->table->columns[i], begin, end);
    status = w->body.status    ? w->body.status
             : w->nodes.status ? w->nodes.status
                               : w->buffers.status;
    if (status) return status;
    header = feather_message_begin(&w->meta, ARROW_BATCH, w->body.buf.len);
    slots[0] = fb_slot_of(8, (int64_t)(end - begin));
    slots[1] = slots[2] = fb_slot_of(4, 0);
    fb_link(&w->meta, header, fb_table(&w->meta, slots, 3, at));
    fb_vector(&w->meta, at[1], w->nodes.buf.len / 16, 8);
    fb_add(&w->meta, w->nodes.buf.ptr, w->nodes.buf.len);
    fb_vector(&w->meta, at[2], w->buffers.buf.len / 16, 8);
    fb_add(&w->meta, w->buffers.buf.ptr, w->buffers.buf.len);
    status = feather_message_end(w);
    fb_put(&w->blocks, place, 8); /* Block: offset, metadata length, padding, body length */
    fb_put(&w->blocks, w->meta.buf.len + 8, 8);
    fb_put(&w->blocks, w->body.buf.len, 8);
    return status ? status : w->blocks.status;
}
/* Footer: version 0, schema 1, dictionaries 2, recordBatches 3. Then its length, and the magic. */
static sgf_status feather_footer(struct feather *w, sgf_str pandas) {
    fb_slot slots[4];
    size_t at[4], length;
    struct fb *fb = &w->meta;
    fb->buf.len = 0;
    fb_put(fb, UINT64_C(0x00000000FFFFFFFF), 8); /* end of the stream */
    fb->status = fb->status ? fb->status : base_out_write(&w->out, fb->buf.ptr, 8, w->err);
    fb->buf.len = 0;
    fb_put(fb, 0, 4);
    slots[0] = fb_slot_of(2, ARROW_V5);
    slots[1] = slots[2] = slots[3] = fb_slot_of(4, 0);
    fb_link(fb, 0, fb_table(fb, slots, 4, at));
    fb_vector(fb, at[2], 0, 8);
    fb_vector(fb, at[3], w->blocks.buf.len / 24, 8);
    fb_add(fb, w->blocks.buf.ptr, w->blocks.buf.len);
    feather_schema(fb, at[1], w->table, pandas);
    length = fb->buf.len;
    fb_put(fb, length, 4);
    fb_add(fb, "ARROW1", 6);
    return fb->status ? fb->status : base_out_write(&w->out, fb->buf.ptr, fb->buf.len, w->err);
}
static void feather_init(struct feather *w, const struct table *table, const char *path,
                         sgf_error *err) {
    struct fb *all[5];
    size_t i;
    memset(w, 0, sizeof *w);
    w->table = table;
    w->path = path;
    w->err = err;
    all[0] = &w->meta, all[1] = &w->body, all[2] = &w->nodes, all[3] = &w->buffers,
    all[4] = &w->blocks;
    for (i = 0; i < 5; i++) {
        base_buf_init(&all[i]->buf, &table->arena.mem);
        all[i]->err = err;
    }
}
static void feather_free(struct feather *w) {
    base_buf_free(&w->meta.buf);
    base_buf_free(&w->body.buf);
    base_buf_free(&w->nodes.buf);
    base_buf_free(&w->buffers.buf);
    base_buf_free(&w->blocks.buf);
}
/* Batches of at most batch_rows rows and batch_bytes of text a column (0: 64 MiB, or one row of what
   32-bit offsets reach). */
static sgf_status feather_write(const struct table *table, const char *path, size_t batch_rows,
                                size_t batch_bytes, sgf_error *err) {
    size_t rows = table_rows(table), begin = 0, end;
    struct feather w;
    base_buf pandas;
    sgf_status status = table_check(table, path, err);
    if (status) return status;
    feather_init(&w, table, path, err);
    status = base_out_open(&w.out, path, err);
    if (status) return status;
    base_buf_init(&pandas, &table->arena.mem);
    status = feather_pandas(&pandas, table, err);
    if (!status) status = base_out_write(&w.out, "ARROW1\0\0", 8, err);
    if (!status) {
        feather_schema(&w.meta, feather_message_begin(&w.meta, ARROW_SCHEMA, 0), table,
                       base_text_of(pandas.ptr, pandas.len));
        status = feather_message_end(&w);
    }
    while (!status && begin < rows) {
        size_t most = rows - begin < batch_rows ? rows - begin : batch_rows;
        status = feather_fit(&w, begin, most, batch_bytes, &end);
        if (!status) status = feather_batch(&w, begin, end);
        begin = status ? begin : end;
    }
    if (!status) status = feather_footer(&w, base_text_of(pandas.ptr, pandas.len));
    if (!status) status = base_out_close(&w.out, err);
    else base_out_drop(&w.out);
    base_buf_free(&pandas);
    feather_free(&w);
    return status;
}
sgf_status table_write_feather(const struct table *table, const char *path, sgf_error *err) {
    return feather_write(table, path, 65536, 0, err);
}
