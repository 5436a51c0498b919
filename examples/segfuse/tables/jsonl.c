/* jsonl.h: JSON lines, read and written. */
#include "jsonl.h"
#include "column.h"
#include "../base/json.h"

#include <string.h>

/* ---- writing ---- */

/* Refuse two columns of one name. */
static sgf_status jsonl_names_check(const struct table *table, const char *path, sgf_error *err) {
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

/* Texts [begin, end) of a column as an array. */
static sgf_status jsonl_put_items(base_buf *line, const struct column *column, size_t begin,
                                  size_t end, sgf_error *err) {
    sgf_status status = base_buf_text(line, "[", err);
    size_t i;
    for (i = begin; i < end && !status; i++) {
        sgf_str text = column_items(column)[i];
        if (i > begin) status = base_buf_text(line, ", ", err);
        if (!status)
            status = text.ptr ? json_quote(line, text, err) : base_buf_text(line, "null", err);
    }
    return status ? status : base_buf_text(line, "]", err);
}
static sgf_status jsonl_put_lists(base_buf *line, const struct column *column, size_t begin,
                                  size_t end, sgf_error *err) {
    sgf_status status = base_buf_text(line, "[", err);
    size_t i, first, last;
    for (i = begin; i < end && !status; i++) {
        if (i > begin) status = base_buf_text(line, ", ", err);
        if (status) break;
        if (!column_range(&column->inner, i, &first, &last))
            status = base_buf_text(line, "null", err);
        else status = jsonl_put_items(line, column, first, last, err);
    }
    return status ? status : base_buf_text(line, "]", err);
}
static sgf_status jsonl_cell(base_buf *line, const struct column *column, size_t row,
                             sgf_error *err) {
    char number[40];
    size_t begin, end;
    double value;
    if (column_null(column, row)) return base_buf_text(line, "null", err);
    switch (column->type) {
    case SGF_COLUMN_UTF8: return json_quote(line, column_items(column)[row], err);
    case SGF_COLUMN_LIST_UTF8:
        column_range(&column->ends, row, &begin, &end);
        return jsonl_put_items(line, column, begin, end, err);
    case SGF_COLUMN_LIST_LIST_UTF8:
        column_range(&column->ends, row, &begin, &end);
        return jsonl_put_lists(line, column, begin, end, err);
    case SGF_COLUMN_F64:
        value = ((const double *)column->values.items)[row];
        if (!(value - value == 0))
            return base_buf_text(line, "null", err); /* JSON has no infinity */
        base_number_print(value, number);
        break;
    case SGF_COLUMN_I64:
        snprintf(number, sizeof number, "%lld",
                 (long long)((const int64_t *)column->values.items)[row]);
        break;
    default: return base_buf_text(line, column_flag(column, row) ? "true" : "false", err);
    }
    return base_buf_text(line, number, err);
}
sgf_status jsonl_row(base_buf *line, const struct table *table, size_t row, sgf_error *err) {
    sgf_status status = SGF_OK;
    size_t i;
    for (i = 0; i < table->count && !status; i++) {
        status = base_buf_text(line, i ? ", " : "{", err);
        if (!status) status = json_quote(line, sgf_text(table->columns[i].name), err);
        if (!status) status = base_buf_text(line, ": ", err);
        if (!status) status = jsonl_cell(line, &table->columns[i], row, err);
    }
    return status ? status : base_buf_text(line, "}\n", err);
}
sgf_status jsonl_write(const struct table *table, const char *path, sgf_error *err) {
    enum { FLUSH = 65536 };
    size_t rows = table_rows(table), row;
    base_buf line;
    base_out out;
    sgf_status status = jsonl_names_check(table, path, err);
    if (!status) status = column_check(table, path, err);
    if (!status) status = base_out_open(&out, path, err);
    if (status) return status;
    base_buf_init(&line, &table->arena.mem);
    for (row = 0; row < rows && !status; row++) {
        status = jsonl_row(&line, table, row, err);
        if (status || line.len < FLUSH) continue;
        status = base_out_write(&out, line.ptr, line.len, err);
        line.len = 0;
    }
    if (!status) status = base_out_write(&out, line.ptr, line.len, err);
    if (!status) status = base_out_close(&out, err);
    else base_out_drop(&out);
    base_buf_free(&line);
    return status;
}

/* ---- reading ----
   A column's type is what its values so far allow: nothing but nulls, then a type, and after a
   value that does not fit, a wider type (int64 to float64; an empty list to any list) or
   TABLE_OTHER. */

typedef struct records {
    const char *file;
    struct table *table;
    size_t rows;            /* finished ones */
    size_t unbacked;        /* null cells allowed for members that are not there */
    unsigned char *unknown; /* [TABLE_MAX_COLUMNS] the column has held nothing but nulls */
    int *order;  /* [TABLE_MAX_COLUMNS] the column that the k-th member of the last record had */
    int *sorted; /* [TABLE_MAX_COLUMNS] the columns by name, see column_name_place */
    unsigned char
        *hollow;  /* [TABLE_MAX_COLUMNS] the column, of float64, has held nothing but NaN */
    size_t *last; /* [TABLE_MAX_COLUMNS] the last record, counted from 1, that had the member */
    sgf_error *err;
} records;

/* Is a number of JSON written without fraction and exponent? */
static int records_whole(sgf_str text) {
    char last = text.ptr[text.len - 1]; /* not of NaN or Infinity */
    return !memchr(text.ptr, '.', text.len) && !memchr(text.ptr, 'e', text.len) &&
           !memchr(text.ptr, 'E', text.len) && last >= '0' && last <= '9';
}
/* Python's NaN: a missing value where other values are no numbers. */
static int records_nan(const json_doc *j, uint32_t node) {
    return j->nodes[node].type == JSON_NUMBER && j->nodes[node].text.ptr[0] == 'N';
}
/* Does a float64 hold this integer, and no other that is close to it? */
static int records_is_f64(int64_t value) {
    const int64_t most = (int64_t)1 << 53;
    return value >= -most && value <= most;
}
/* The type of a JSON value; TABLE_OTHER for what no column holds. */
static sgf_column_type records_type(const json_doc *j, uint32_t node) {
    const json_node *nodes = j->nodes;
    sgf_column_type type = SGF_COLUMN_LIST_UTF8;
    int64_t whole;
    uint32_t i, k;
    switch (nodes[node].type) {
    case JSON_STRING: return SGF_COLUMN_UTF8;
    case JSON_FALSE:
    case JSON_TRUE: return SGF_COLUMN_BOOL;
    case JSON_NUMBER:
        if (base_text_i64(nodes[node].text, &whole)) return SGF_COLUMN_I64;
        return records_whole(nodes[node].text) ? TABLE_OTHER
                                               : SGF_COLUMN_F64; /* no digit is lost */
    case JSON_ARRAY: break;
    default: return TABLE_OTHER;
    }
    for (i = node + 1; i < nodes[node].next; i = nodes[i].next)
        if (nodes[i].type == JSON_ARRAY) type = SGF_COLUMN_LIST_LIST_UTF8;
    for (i = node + 1; i < nodes[node].next; i = nodes[i].next) {
        if (type == SGF_COLUMN_LIST_LIST_UTF8 && nodes[i].type != JSON_ARRAY &&
            nodes[i].type != JSON_NULL)
            return TABLE_OTHER;
        for (k = nodes[i].type == JSON_ARRAY ? i + 1 : i; k < nodes[i].next; k = nodes[k].next)
            if (nodes[k].type == JSON_ARRAY || nodes[k].type == JSON_OBJECT) return TABLE_OTHER;
    }
    return type;
}
/* Does the list hold numbers or truth values, which become texts? */
static int records_list_numbers(const json_doc *j, uint32_t node) {
    uint32_t i;
    for (i = node + 1; i < j->nodes[node].next; i++)
        if (j->nodes[i].type >= JSON_FALSE && j->nodes[i].type <= JSON_NUMBER && !records_nan(j, i))
            return 1;
    return 0;
}
/* What a value of TABLE_OTHER is, in words. */
static const char *records_words(const json_doc *j, uint32_t node) {
    const json_node *nodes = j->nodes;
    uint32_t i, type = nodes[node].type;
    if (type == JSON_NUMBER) return "whole numbers that int64 cannot hold";
    if (type != JSON_ARRAY) return "objects";
    type = nodes[node].count ? nodes[node + 1].type : (uint32_t)JSON_NULL;
    for (i = node + 1; i < nodes[node].next; i = nodes[i].next)
        if (nodes[i].type != type) return "mixed lists";
    return type == JSON_OBJECT ? "lists of objects" : "mixed lists";
}
static sgf_status records_other(records *r, struct column *at, const char *what) {
    char text[160];
    snprintf(text, sizeof text, "%s (from record %llu on)", what, (unsigned long long)r->rows + 1);
    at->other = base_arena_text(&r->table->arena, text, strlen(text), r->err);
    column_clear(&r->table->arena.mem, at);
    at->type = TABLE_OTHER;
    return at->other ? SGF_OK : SGF_ERR_MEMORY;
}
/* A list that is empty or holds nothing but nulls may be one of texts, and one of lists. */
static int records_nulls(const json_doc *j, uint32_t list) {
    uint32_t i;
    for (i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next)
        if (j->nodes[i].type != JSON_NULL) return 0;
    return 1;
}
/* Integers become floats; 0, and nothing has changed, where a float would be another number. */
static int records_to_f64(struct column *at) {
    int64_t *values = (int64_t *)at->values.items;
    size_t i;
    for (i = 0; i < at->values.count; i++)
        if (!records_is_f64(values[i])) return 0;
    for (i = 0; i < at->values.count; i++) {
        double value = (double)values[i];
        memcpy(values + i, &value, sizeof value);
    }
    at->type = SGF_COLUMN_F64;
    return 1;
}
/* Lists of nothing but nulls become lists of null lists; others are kept as they are. */
static sgf_status records_to_lists(records *r, struct column *at) {
    size_t i, n = at->text.count;
    sgf_status status;
    for (i = 0; i < n; i++)
        if (column_items(at)[i].ptr) return SGF_OK;
    status = column_array_room(&r->table->arena.mem, &at->inner, n, sizeof(int64_t), r->err);
    if (status) return status;
    for (i = 0; i < n; i++) column_put_end(&at->inner, 0, 1);
    at->text.count = 0; /* at->ends counted items, and counts lists now: as many */
    at->type = SGF_COLUMN_LIST_LIST_UTF8;
    return SGF_OK;
}
/* Make column `at` able to hold `type`, the type of the value at `node`. */
static sgf_status records_widen(records *r, struct column *at, sgf_column_type type,
                                const json_doc *j, uint32_t node) {
    size_t i = (size_t)(at - r->table->columns);
    sgf_status status;
    int64_t whole = 0;
    if (at->type != type && at->type != TABLE_OTHER && r->hollow[i] && type != SGF_COLUMN_I64) {
        column_clear(&r->table->arena.mem, at); /* NaN was a missing value */
        r->unknown[i] = 1;
    }
    if (!records_nan(j, node)) r->hollow[i] = 0;
    if (at->type == type || at->type == TABLE_OTHER) return SGF_OK;
    if (type == TABLE_OTHER) return records_other(r, at, records_words(j, node));
    if (r->unknown[i]) { /* still without cells: the caller fills the rows before with nulls */
        at->type = type;
        r->hollow[i] = (unsigned char)records_nan(j, node);
        return SGF_OK;
    }
    if (at->type == SGF_COLUMN_F64 && type == SGF_COLUMN_I64) {
        base_text_i64(j->nodes[node].text, &whole);
        if (records_is_f64(whole)) return SGF_OK;
    } else if (at->type == SGF_COLUMN_I64 && type == SGF_COLUMN_F64) {
        if (records_to_f64(at)) return SGF_OK;
    } else if (at->type == SGF_COLUMN_LIST_LIST_UTF8 && type == SGF_COLUMN_LIST_UTF8) {
        if (records_nulls(j, node)) return SGF_OK;
    } else if (at->type == SGF_COLUMN_LIST_UTF8 && type == SGF_COLUMN_LIST_LIST_UTF8) {
        status = records_to_lists(r, at);
        if (status || at->type == type) return status;
    }
    return records_other(r, at, "values of several types");
}
/* A text of a list, copied to the arena; numbers and truth values as Python prints them. */
static sgf_status records_item(records *r, const json_doc *j, uint32_t node, sgf_str *out) {
    sgf_str text = j->nodes[node].text;
    char number[40];
    switch (j->nodes[node].type) {
    case JSON_STRING: break;
    case JSON_TRUE: text = sgf_text("True"); break;
    case JSON_FALSE: text = sgf_text("False"); break;
    case JSON_NUMBER:
        if (records_whole(text)) break;
        text = base_text_of(number, base_number_print(json_number(j, node), number));
        if (!records_nan(j, node)) break; /* fall through */
    default: *out = base_text_of(NULL, 0); return SGF_OK;
    }
    return column_copy_texts(&r->table->arena, &text, 1, out, r->err);
}
/* Texts of the list at `node` (nulls as nulls), copied to the arena, at the end of column->text. */
static sgf_status records_list(records *r, const json_doc *j, uint32_t node, struct column *at) {
    size_t i, n = j->nodes[node].count, first = at->text.count;
    sgf_status status = column_array_room(&r->table->arena.mem, &at->text, n, sizeof(sgf_str),
                                          r->err);
    if (status || !n) return status;
    for (i = 0; i < n && !status; i++) /* n scalars in a row */
        status = records_item(r, j, node + 1 + (uint32_t)i, column_items(at) + first + i);
    if (!status) at->text.count += n;
    return status;
}
static sgf_status records_lists(records *r, const json_doc *j, uint32_t node, struct column *at) {
    const json_node *nodes = j->nodes;
    sgf_status status = column_array_room(&r->table->arena.mem, &at->inner, nodes[node].count,
                                          sizeof(int64_t), r->err);
    uint32_t i;
    for (i = node + 1; i < nodes[node].next && !status; i = nodes[i].next) {
        status = records_list(r, j, i, at);
        if (!status) column_put_end(&at->inner, at->text.count, nodes[i].type == JSON_NULL);
    }
    return status;
}
/* Add the value at `node` to column `at`, which has become able to hold it and has room. */
static sgf_status records_put(records *r, const json_doc *j, uint32_t node, struct column *at) {
    sgf_str text = j->nodes[node].text;
    int64_t whole = 0;
    sgf_status status = SGF_OK;
    switch (at->type) {
    case SGF_COLUMN_UTF8:
        status = column_copy_texts(&r->table->arena, &text, 1, column_items(at) + at->text.count,
                                   r->err);
        if (!status) at->text.count++;
        break;
    case SGF_COLUMN_LIST_UTF8:
        status = records_list(r, j, node, at);
        if (!status) column_put_end(&at->ends, at->text.count, 0);
        break;
    case SGF_COLUMN_LIST_LIST_UTF8:
        status = records_lists(r, j, node, at);
        if (!status) column_put_end(&at->ends, at->inner.count, 0);
        break;
    case SGF_COLUMN_F64: column_put_f64(at, json_number(j, node), 0); break;
    case SGF_COLUMN_I64:
        base_text_i64(text, &whole);
        column_put_i64(at, whole, 0);
        break;
    default: column_put_flag(at, j->nodes[node].type == JSON_TRUE); break;
    }
    return status;
}
/* The column for the k-th member of a record; mostly the one the record before had there. */
static sgf_status records_column(records *r, sgf_str name, size_t k, size_t *column) {
    struct table *table = r->table;
    sgf_status status;
    size_t place;
    int found;
    if (k < table->count && !column_name_compare(name, &table->columns[r->order[k]])) {
        *column = (size_t)r->order[k];
        return SGF_OK;
    }
    place = column_name_place(table, r->sorted, table->count, name, &found);
    if (!found) {
        status = column_add(table, name, SGF_COLUMN_UTF8, NULL, r->err);
        if (status) return status;
        column_name_insert(r->sorted, table->count - 1, place, table->count - 1);
        r->unknown[table->count - 1] = 1;
    }
    *column = (size_t)r->sorted[place];
    if (k < TABLE_MAX_COLUMNS) r->order[k] = (int)*column;
    return SGF_OK;
}
/* Nulls until the column has `rows` cells. */
static sgf_status records_fill(records *r, struct column *at, size_t rows) {
    size_t have = column_rows(at);
    sgf_status status = SGF_OK;
    if (at->type == TABLE_OTHER || have >= rows) return SGF_OK;
    if (rows - have > r->unbacked)
        return base_fail_at(r->err, SGF_ERR_LIMIT, r->file, -1,
                            "%s: the records have too few members in common to be one table",
                            r->file);
    r->unbacked -= rows - have;
    status = column_room(&r->table->arena.mem, at, rows - have, 0, rows - have, r->err);
    for (; have < rows && !status; have++) column_put_null(at);
    return status;
}
/* The object at `node` becomes a row. */
static sgf_status records_add(records *r, const json_doc *j, uint32_t node) {
    const json_node *nodes = j->nodes;
    uint32_t key = node + 1;
    size_t i, column;
    sgf_status status = SGF_OK;
    if (nodes[node].type != JSON_OBJECT)
        return base_fail_at(
            r->err, SGF_ERR_FORMAT, r->file, -1,
            "%s: record %llu is not an object; one JSON object a line, or an array of objects, is "
            "read",
            r->file, (unsigned long long)r->rows + 1);
    for (i = 0; i < nodes[node].count && !status; i++, key = nodes[key + 1].next) {
        int null = nodes[key + 1].type == JSON_NULL, nan = records_nan(j, key + 1);
        sgf_column_type type = null ? TABLE_OTHER : records_type(j, key + 1);
        struct column *at;
        status = records_column(r, nodes[key].text, i, &column);
        if (status == SGF_ERR_ARG || status == SGF_ERR_LIMIT)
            return base_fail_at(r->err, SGF_ERR_FORMAT, r->file, -1,
                                "%s: record %llu: a name with a zero byte, or too many names",
                                r->file, (unsigned long long)r->rows + 1);
        if (status) break;
        at = &r->table->columns[column];
        if (r->last[column] > r->rows)
            return base_fail_at(r->err, SGF_ERR_FORMAT, r->file, -1,
                                "%s: record %llu has the member '%s' twice", r->file,
                                (unsigned long long)r->rows + 1, at->name);
        r->last[column] = r->rows + 1;
        null |= nan && !r->unknown[column] && at->type != SGF_COLUMN_F64 &&
                at->type != SGF_COLUMN_I64;
        if (!null) status = records_widen(r, at, type, j, key + 1);
        if (status || null || at->type == TABLE_OTHER) continue;
        r->unknown[column] = 0;
        if (nodes[key + 1].type == JSON_ARRAY && records_list_numbers(j, key + 1))
            at->other = at->type == SGF_COLUMN_LIST_UTF8 ? COLUMN_NUMBERS : COLUMN_NUMBER_LISTS;
        status = records_fill(r, at, r->rows);
        if (!status) status = column_room(&r->table->arena.mem, at, 1, 0, 1, r->err);
        if (!status) status = records_put(r, j, key + 1, at);
    }
    r->rows++;
    return status;
}
/* One line of JSON lines, at `at` of the file: parsed alone, with its own memory. */
static sgf_status records_line(records *r, const char *text, size_t at, size_t size, size_t line) {
    char name[300];
    base_arena arena;
    json_doc parsed;
    sgf_status status;
    snprintf(name, sizeof name, "%.250s, line %llu", r->file, (unsigned long long)line);
    base_arena_init(&arena, &r->table->arena.mem);
    status = json_parse_python(name, text + at, size, &arena, &parsed, r->err);
    if (status && r->err &&
        r->err->file[0]) { /* the message has the line; file and offset are the whole file's */
        snprintf(r->err->file, sizeof r->err->file, "%s", r->file);
        if (r->err->offset >= 0) r->err->offset += (int64_t)at;
    }
    if (!status) status = records_add(r, &parsed, 0);
    base_arena_free(&arena);
    return status;
}
static sgf_status records_lines(records *r, const char *text, size_t at, size_t size) {
    sgf_status status = SGF_OK;
    size_t line = 1;
    for (; at < size && !status; line++) {
        const char *end = (const char *)memchr(text + at, '\n', size - at);
        size_t stop = end ? (size_t)(end - text) : size, first = at;
        while (first < stop && strchr(" \t\r", text[first]) && text[first]) first++;
        if (first < stop) status = records_line(r, text, first, stop - first, line);
        at = stop + 1;
    }
    return status;
}
static sgf_status records_array(records *r, const char *text, size_t size) {
    base_arena arena;
    json_doc parsed;
    sgf_status status;
    uint32_t i;
    base_arena_init(&arena, &r->table->arena.mem);
    status = json_parse_python(r->file, text, size, &arena, &parsed, r->err);
    for (i = 1; !status && i < parsed.nodes[0].next; i = parsed.nodes[i].next)
        status = records_add(r, &parsed, i);
    base_arena_free(&arena);
    return status;
}
sgf_status jsonl_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                      struct table **table, sgf_error *err) {
    const char *text = (const char *)bytes;
    records r;
    size_t i, start = size >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3) ? 3 : 0, at = start;
    sgf_status status;
    memset(&r, 0, sizeof r);
    r.file = file;
    r.err = err;
    r.unbacked = size > SIZE_MAX / 32 ? SIZE_MAX : size * 16 + 65536;
    status = table_create(mem, &r.table, err);
    if (status) return status;
    r.unknown = (unsigned char *)base_arena_alloc(&r.table->arena, TABLE_MAX_COLUMNS, 1, err);
    r.order = (int *)base_arena_alloc(&r.table->arena, TABLE_MAX_COLUMNS, sizeof(int), err);
    r.sorted = (int *)base_arena_alloc(&r.table->arena, TABLE_MAX_COLUMNS, sizeof(int), err);
    r.last = (size_t *)base_arena_alloc(&r.table->arena, TABLE_MAX_COLUMNS, sizeof(size_t), err);
    r.hollow = (unsigned char *)base_arena_alloc(&r.table->arena, TABLE_MAX_COLUMNS, 1, err);
    if (!r.hollow || !r.unknown || !r.order || !r.sorted || !r.last) status = SGF_ERR_MEMORY;
    while (at < size && text[at] && strchr(" \t\r\n", text[at])) at++;
    r.table->format = at < size && text[at] == '[' ? "JSON array" : "JSON lines";
    if (!status && at < size && text[at] == '[')
        status = records_array(&r, text + start, size - start);
    else if (!status) status = records_lines(&r, text, start, size);
    for (i = 0; i < r.table->count && !status; i++)
        status = records_fill(&r, &r.table->columns[i], r.rows);
    if (status) table_free(r.table);
    else *table = r.table;
    return status;
}
