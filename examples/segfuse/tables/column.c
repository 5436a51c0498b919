/* column.h: the inside of a table. */
#include "column.h"

#include <string.h>

/* ---- arrays and columns ---- */

sgf_status column_array_room(const sgf_allocator *mem, column_array *array, size_t more,
                             size_t size, sgf_error *err) {
    if (more > SIZE_MAX - array->count)
        return base_fail(err, SGF_ERR_LIMIT, "a column of too many cells");
    return base_grow(mem, &array->items, &array->cap, array->count + more, size, err);
}
void column_array_free(const sgf_allocator *mem, column_array *array, size_t size) {
    base_free(mem, array->items, array->cap, size);
    memset(array, 0, sizeof *array);
}
void column_clear(const sgf_allocator *mem, struct column *column) {
    column_array_free(mem, &column->text, sizeof(sgf_str));
    column_array_free(mem, &column->ends, sizeof(int64_t));
    column_array_free(mem, &column->inner, sizeof(int64_t));
    column_array_free(mem, &column->values, sizeof(int64_t));
    column_array_free(mem, &column->flags, 1);
}
sgf_str *column_items(const struct column *column) {
    return (sgf_str *)column->text.items;
}
size_t column_rows(const struct column *column) {
    switch (column->type) {
    case SGF_COLUMN_UTF8: return column->text.count;
    case SGF_COLUMN_LIST_UTF8:
    case SGF_COLUMN_LIST_LIST_UTF8: return column->ends.count;
    default: return column->flags.count;
    }
}
int column_range(const column_array *ends, size_t i, size_t *begin, size_t *end) {
    const int64_t *all = (const int64_t *)ends->items;
    int64_t before = i ? all[i - 1] : 0, at = all[i];
    *begin = (size_t)(before < 0 ? ~before : before);
    *end = (size_t)(at < 0 ? ~at : at);
    return at >= 0;
}

void column_put_text(struct column *column, sgf_str text) {
    column_items(column)[column->text.count++] = text;
}
void column_put_end(column_array *ends, size_t end, int null) {
    ((int64_t *)ends->items)[ends->count++] = null ? ~(int64_t)end : (int64_t)end;
}
void column_put_f64(struct column *column, double value, int null) {
    ((double *)column->values.items)[column->values.count++] = value;
    ((uint8_t *)column->flags.items)[column->flags.count++] = (uint8_t)(null ? SGF_CELL_NULL : 0);
}
void column_put_i64(struct column *column, int64_t value, int null) {
    ((int64_t *)column->values.items)[column->values.count++] = value;
    ((uint8_t *)column->flags.items)[column->flags.count++] = (uint8_t)(null ? SGF_CELL_NULL : 0);
}
void column_put_flag(struct column *column, int flag) {
    ((uint8_t *)column->flags.items)[column->flags.count++] = (uint8_t)flag;
}

sgf_status column_room(const sgf_allocator *mem, struct column *column, size_t cells, size_t lists,
                       size_t items, sgf_error *err) {
    sgf_status status = SGF_OK;
    int list = column->type == SGF_COLUMN_LIST_UTF8 || column->type == SGF_COLUMN_LIST_LIST_UTF8;
    int number = column->type == SGF_COLUMN_F64 || column->type == SGF_COLUMN_I64;
    if (column->type == SGF_COLUMN_UTF8) items = cells;
    if (items) status = column_array_room(mem, &column->text, items, sizeof(sgf_str), err);
    if (!status && list)
        status = column_array_room(mem, &column->ends, cells, sizeof(int64_t), err);
    if (!status && lists)
        status = column_array_room(mem, &column->inner, lists, sizeof(int64_t), err);
    if (!status && number)
        status = column_array_room(mem, &column->values, cells, sizeof(int64_t), err);
    if (!status && (number || column->type == SGF_COLUMN_BOOL))
        status = column_array_room(mem, &column->flags, cells, 1, err);
    return status;
}
void column_put_null(struct column *column) {
    switch (column->type) {
    case SGF_COLUMN_UTF8: column_put_text(column, base_text_of(NULL, 0)); break;
    case SGF_COLUMN_LIST_UTF8: column_put_end(&column->ends, column->text.count, 1); break;
    case SGF_COLUMN_LIST_LIST_UTF8: column_put_end(&column->ends, column->inner.count, 1); break;
    case SGF_COLUMN_F64: column_put_f64(column, 0, 1); break;
    case SGF_COLUMN_I64: column_put_i64(column, 0, 1); break;
    case SGF_COLUMN_BOOL: column_put_flag(column, SGF_CELL_NULL); break;
    default: break;
    }
}

/* ---- texts: what is stored is UTF-8 ---- */

size_t column_text_valid(sgf_str text) {
    size_t i = 0, len;
    uint32_t code;
    while (i < text.len) {
        if ((unsigned char)text.ptr[i] < 0x80) {
            i++;
            continue;
        }
        len = base_utf8_next(text.ptr + i, text.len - i, &code);
        if (!len) break;
        i += len;
    }
    return i;
}
/* Append `text` at out (or only measure, out NULL) with U+FFFD for every bad byte; returns the
   length. */
static size_t column_text_mend(sgf_str text, char *out) {
    size_t n = 0;
    while (text.len) {
        size_t good = column_text_valid(text);
        if (out && good) memcpy(out + n, text.ptr, good);
        n += good;
        text.ptr += good;
        text.len -= good;
        if (!text.len) break;
        if (out) memcpy(out + n, "\xEF\xBF\xBD", 3);
        n += 3;
        text.ptr++;
        text.len--;
    }
    return n;
}
sgf_status column_copy_texts(base_arena *arena, const sgf_str *texts, size_t n, sgf_str *out,
                             sgf_error *err) {
    size_t total = 0, i;
    char *copy;
    for (i = 0; i < n; i++) {
        size_t len = column_text_mend(texts[i], NULL);
        if (len > SIZE_MAX / 8 - total)
            return base_fail(err, SGF_ERR_LIMIT, "a cell of too many bytes");
        total += len;
    }
    copy = total ? (char *)base_arena_alloc(arena, total, 1, err) : NULL;
    if (total && !copy) return SGF_ERR_MEMORY;
    for (i = 0; i < n; i++) {
        size_t len = total ? column_text_mend(texts[i], copy) : 0;
        out[i] = base_text_of(len ? copy : "", len);
        if (len) copy += len;
    }
    return SGF_OK;
}

/* ---- the columns of a table ---- */

const char *column_type_text(sgf_column_type type) {
    static const char *const texts[] = {"utf8",    "list<utf8>", "list<list<utf8>>",
                                        "float64", "int64",      "bool"};
    return (unsigned)type < SGF_COLUMN_TYPE_COUNT ? texts[type]
           : type == TABLE_OTHER                  ? "other"
                                                  : "unknown type";
}
struct column *column_at(const struct table *table, int column) {
    return column >= 0 && (size_t)column < table->count ? &table->columns[column] : NULL;
}
sgf_status column_add(struct table *table, sgf_str name, sgf_column_type type, const char *other,
                      sgf_error *err) {
    void *columns = table->columns;
    char *copy;
    sgf_status status;
    if (table->count >= TABLE_MAX_COLUMNS)
        return base_fail(err, SGF_ERR_LIMIT, "a table has at most %d columns",
                         (int)TABLE_MAX_COLUMNS);
    if (column_text_valid(name) < name.len || (name.len && memchr(name.ptr, 0, name.len)))
        return base_fail(err, SGF_ERR_ARG, "the name of column %llu is not UTF-8 text",
                         (unsigned long long)table->count);
    copy = base_arena_text(&table->arena, name.ptr, name.len, err);
    if (!copy) return SGF_ERR_MEMORY;
    status = base_grow(&table->arena.mem, &columns, &table->cap, table->count + 1,
                       sizeof(struct column), err);
    table->columns = (struct column *)columns;
    if (status) return status;
    memset(&table->columns[table->count], 0, sizeof(struct column));
    table->columns[table->count].name = copy;
    table->columns[table->count].name_len = name.len;
    table->columns[table->count].type = type;
    table->columns[table->count].other = other;
    table->count++;
    return SGF_OK;
}
int column_name_compare(sgf_str name, const struct column *column) {
    if (name.len != column->name_len) return name.len < column->name_len ? -1 : 1;
    return name.len ? memcmp(name.ptr, column->name, name.len) : 0;
}
size_t column_name_place(const struct table *table, const int *sorted, size_t n, sgf_str name,
                         int *found) {
    size_t low = 0, high = n;
    *found = 0;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = column_name_compare(name, &table->columns[sorted[middle]]);
        if (order > 0) low = middle + 1;
        else high = middle;
        *found = !order;
    }
    return high;
}
void column_name_insert(int *sorted, size_t n, size_t place, size_t column) {
    memmove(sorted + place + 1, sorted + place, (n - place) * sizeof *sorted);
    sorted[place] = (int)column;
}
sgf_status column_metadata_add(struct table *table, sgf_str key, sgf_str value, sgf_error *err) {
    sgf_metadata *pairs;
    sgf_str text = value;
    char *name;
    size_t i;
    sgf_status status = column_array_room(&table->arena.mem, &table->pairs, 1, sizeof(sgf_metadata),
                                          err);
    if (!status) status = column_copy_texts(&table->arena, &value, 1, &text, err);
    name = status ? NULL : base_arena_text(&table->arena, key.ptr, key.len, err);
    if (!name) return SGF_ERR_MEMORY;
    pairs = (sgf_metadata *)table->pairs.items;
    for (i = 0; i < table->pairs.count && strcmp(pairs[i].key, name); i++) {}
    pairs[i].key = name;
    pairs[i].value = text;
    if (i == table->pairs.count) table->pairs.count++;
    return SGF_OK;
}

sgf_status column_check(const struct table *table, const char *path, sgf_error *err) {
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

/* ---- cells ---- */

int column_flag(const struct column *column, size_t row) {
    return ((const uint8_t *)column->flags.items)[row];
}
int column_null(const struct column *column, size_t row) {
    switch (column->type) {
    case SGF_COLUMN_UTF8: return !column_items(column)[row].ptr;
    case SGF_COLUMN_LIST_UTF8:
    case SGF_COLUMN_LIST_LIST_UTF8: return ((const int64_t *)column->ends.items)[row] < 0;
    default: return column_flag(column, row) == SGF_CELL_NULL;
    }
}
/* Add the texts begin..end of `from` to `to`, which has room. */
static void column_copy_items(struct column *to, const struct column *from, size_t begin,
                              size_t end) {
    if (begin < end)
        memcpy(column_items(to) + to->text.count, column_items(from) + begin,
               (end - begin) * sizeof(sgf_str));
    to->text.count += end - begin;
}
/* Add list `row` of `from` to `to`. */
static sgf_status column_copy_list(const sgf_allocator *mem, struct column *to,
                                   const struct column *from, size_t row, sgf_error *err) {
    size_t begin, end;
    int valid = column_range(&from->ends, row, &begin, &end);
    sgf_status status = column_room(mem, to, 1, 0, end - begin, err);
    if (status) return status;
    column_copy_items(to, from, begin, end);
    column_put_end(&to->ends, to->text.count, !valid);
    return SGF_OK;
}
static sgf_status column_copy_lists(const sgf_allocator *mem, struct column *to,
                                    const struct column *from, size_t row, sgf_error *err) {
    size_t begin, end, first, last, i;
    int valid = column_range(&from->ends, row, &begin, &end);
    sgf_status status = column_room(mem, to, 1, end - begin, 0, err);
    for (i = begin; i < end && !status; i++) {
        int there = column_range(&from->inner, i, &first, &last);
        status = column_room(mem, to, 0, 0, last - first, err);
        if (status) break;
        column_copy_items(to, from, first, last);
        column_put_end(&to->inner, to->text.count, !there);
    }
    if (!status) column_put_end(&to->ends, to->inner.count, !valid);
    return status;
}
sgf_status column_copy_cell(const sgf_allocator *mem, struct column *to, const struct column *from,
                            size_t row, sgf_error *err) {
    const uint8_t *flags = (const uint8_t *)from->flags.items;
    sgf_status status;
    if (from->type == SGF_COLUMN_LIST_UTF8) return column_copy_list(mem, to, from, row, err);
    if (from->type == SGF_COLUMN_LIST_LIST_UTF8) return column_copy_lists(mem, to, from, row, err);
    status = column_room(mem, to, 1, 0, 0, err);
    if (status) return status;
    switch (from->type) {
    case SGF_COLUMN_UTF8: column_put_text(to, column_items(from)[row]); break;
    case SGF_COLUMN_F64:
        column_put_f64(to, ((const double *)from->values.items)[row], flags[row] == SGF_CELL_NULL);
        break;
    case SGF_COLUMN_I64:
        column_put_i64(to, ((const int64_t *)from->values.items)[row], flags[row] == SGF_CELL_NULL);
        break;
    default: column_put_flag(to, flags[row]); break;
    }
    return SGF_OK;
}
