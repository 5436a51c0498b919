/* table.h: a table in memory. */
#include "column.h"

#include <string.h>

/* ---- tables ---- */

sgf_status table_create(const sgf_allocator *mem, struct table **table, sgf_error *err) {
    sgf_allocator own = base_allocator(mem);
    struct table *made = (struct table *)base_alloc(&own, 1, sizeof *made, err);
    if (!made) return SGF_ERR_MEMORY;
    base_arena_init(&made->arena, mem);
    made->format = "memory";
    *table = made;
    return SGF_OK;
}
/* Everything but the struct itself. */
static void table_clear(struct table *table) {
    const sgf_allocator *mem = &table->arena.mem;
    size_t i;
    for (i = 0; i < table->count; i++) column_clear(mem, &table->columns[i]);
    base_free(mem, table->columns, table->cap, sizeof *table->columns);
    column_array_free(mem, &table->pairs, sizeof(sgf_metadata));
    base_arena_free(&table->arena);
    table->columns = NULL;
    table->count = table->cap = 0;
}
void table_free(struct table *table) {
    sgf_allocator mem;
    if (!table) return;
    mem = table->arena.mem;
    table_clear(table);
    base_free(&mem, table, 1, sizeof *table);
}
sgf_status table_column(struct table *table, const char *name, sgf_column_type type, int *column,
                        sgf_error *err) {
    sgf_status status;
    if ((unsigned)type >= TABLE_OTHER)
        return base_fail(err, SGF_ERR_ARG, "column '%s': no such type", name);
    if (table_find(table, name) >= 0)
        return base_fail(err, SGF_ERR_ARG, "there is a column '%s' already", name);
    status = column_add(table, sgf_text(name), type, NULL, err);
    if (!status && column) *column = (int)table->count - 1;
    return status;
}
void table_drop(struct table *table, int column) {
    struct column *at = column_at(table, column);
    if (!at) return;
    column_clear(&table->arena.mem, at);
    table->count--;
    memmove(at, at + 1, (table->count - (size_t)column) * sizeof *at);
}
int table_columns(const struct table *table) {
    return (int)table->count;
}
size_t table_rows(const struct table *table) {
    size_t rows = SIZE_MAX, i;
    for (i = 0; i < table->count; i++) {
        size_t n = column_rows(&table->columns[i]);
        if (table->columns[i].type != TABLE_OTHER && n < rows) rows = n;
    }
    return rows == SIZE_MAX ? 0 : rows;
}
int table_find(const struct table *table, const char *name) {
    size_t i;
    for (i = 0; i < table->count; i++)
        if (!strcmp(table->columns[i].name, name)) return (int)i;
    return -1;
}
const char *table_name(const struct table *table, int column) {
    const struct column *at = column_at(table, column);
    return at ? at->name : NULL;
}
sgf_column_type table_type(const struct table *table, int column) {
    const struct column *at = column_at(table, column);
    return at ? at->type : TABLE_OTHER;
}
const char *table_type_text(const struct table *table, int column) {
    const struct column *at = column_at(table, column);
    return at && at->other ? at->other : column_type_text(at ? at->type : TABLE_OTHER);
}
const char *table_format(const struct table *table) {
    return table->format;
}

/* ---- adding cells ---- */

/* The column, checked to be of `type`, with room for one cell; NULL with `err` filled. */
static sgf_status table_cell_room(struct table *table, int column, sgf_column_type type,
                                  size_t lists, size_t items, struct column **out, sgf_error *err) {
    struct column *at = column_at(table, column);
    if (!at)
        return base_fail(err, SGF_ERR_ARG, "there is no column %d, the table has %d", column,
                         (int)table->count);
    if (at->type != type)
        return base_fail(err, SGF_ERR_ARG, "column '%s' holds %s, not %s", at->name,
                         table_type_text(table, column), column_type_text(type));
    *out = at;
    return column_room(&table->arena.mem, at, 1, lists, items, err);
}
sgf_status table_text(struct table *table, int column, sgf_str text, sgf_error *err) {
    struct column *at = NULL;
    sgf_status status = table_cell_room(table, column, SGF_COLUMN_UTF8, 0, 1, &at, err);
    if (!status)
        status = column_copy_texts(&table->arena, &text, 1, column_items(at) + at->text.count, err);
    if (!status) at->text.count++;
    return status;
}
sgf_status table_f64(struct table *table, int column, double value, sgf_error *err) {
    struct column *at = NULL;
    sgf_status status = table_cell_room(table, column, SGF_COLUMN_F64, 0, 0, &at, err);
    if (!status) column_put_f64(at, value, 0);
    return status;
}
sgf_status table_i64(struct table *table, int column, int64_t value, sgf_error *err) {
    struct column *at = NULL;
    sgf_status status = table_cell_room(table, column, SGF_COLUMN_I64, 0, 0, &at, err);
    if (!status) column_put_i64(at, value, 0);
    return status;
}
sgf_status table_bool(struct table *table, int column, int value, sgf_error *err) {
    struct column *at = NULL;
    sgf_status status = table_cell_room(table, column, SGF_COLUMN_BOOL, 0, 0, &at, err);
    if (!status) column_put_flag(at, value != 0);
    return status;
}
/* Items may be cells of the column that they are added to (cell_list), which moves when it grows:
   their place in column->text, or SIZE_MAX for items from elsewhere. */
static size_t table_items_within(const struct table *table, int column, const sgf_str *items) {
    const struct column *at = column_at(table, column);
    uintptr_t begin = at ? (uintptr_t)at->text.items : 0, place = (uintptr_t)items;
    if (!begin || place < begin || place - begin >= at->text.count * sizeof(sgf_str))
        return SIZE_MAX;
    return (size_t)(place - begin) / sizeof(sgf_str);
}
static const sgf_str *table_items_after(const struct column *at, size_t within,
                                        const sgf_str *items) {
    return within == SIZE_MAX ? items : column_items(at) + within;
}
sgf_status table_list(struct table *table, int column, const sgf_str *items, size_t n,
                      sgf_error *err) {
    struct column *at = NULL;
    size_t within = table_items_within(table, column, items);
    sgf_status status = table_cell_room(table, column, SGF_COLUMN_LIST_UTF8, 0, n, &at, err);
    if (!status) items = table_items_after(at, within, items);
    if (!status && n)
        status = column_copy_texts(&table->arena, items, n, column_items(at) + at->text.count, err);
    if (status) return status;
    at->text.count += n;
    column_put_end(&at->ends, at->text.count, 0);
    return SGF_OK;
}
sgf_status table_list_list(struct table *table, int column, const sgf_str *items,
                           const size_t *counts, size_t n, sgf_error *err) {
    struct column *at = NULL;
    sgf_status status;
    size_t total = 0, i, within = table_items_within(table, column, items);
    for (i = 0; i < n; i++) {
        if (counts[i] > SIZE_MAX / sizeof(sgf_str) - total)
            return base_fail(err, SGF_ERR_LIMIT, "a cell of too many items");
        total += counts[i];
    }
    status = table_cell_room(table, column, SGF_COLUMN_LIST_LIST_UTF8, n, total, &at, err);
    if (!status) items = table_items_after(at, within, items);
    if (!status && total)
        status = column_copy_texts(&table->arena, items, total, column_items(at) + at->text.count,
                                   err);
    if (status) return status;
    for (i = 0; i < n; i++) {
        at->text.count += counts[i];
        column_put_end(&at->inner, at->text.count, 0);
    }
    column_put_end(&at->ends, at->inner.count, 0);
    return SGF_OK;
}
sgf_status table_null(struct table *table, int column, sgf_error *err) {
    struct column *at = column_at(table, column);
    sgf_status status = table_cell_room(
        table, column, at && at->type < TABLE_OTHER ? at->type : SGF_COLUMN_UTF8, 0, 1, &at, err);
    if (!status) column_put_null(at);
    return status;
}

/* ---- appending a table ---- */

static int table_names_equal(const struct column *a, const struct column *b) {
    return a->name_len == b->name_len && !memcmp(a->name, b->name, a->name_len);
}
/* Do the columns of two tables, as many, have the same names in the same places? */
static int table_names_aligned(const struct table *table, const struct table *from) {
    size_t i = 0;
    while (i < table->count && table_names_equal(&table->columns[i], &from->columns[i])) i++;
    return i == table->count;
}
/* The column of `from` that belongs to column i of `table`, or NULL: the one in its place, or the
   k-th of its name where i is the k-th (files may have a name twice). */
static struct column *table_match(const struct table *table, const struct table *from, size_t i,
                                  int aligned) {
    const struct column *want = &table->columns[i];
    size_t before = 0, at;
    if (aligned) return from->columns[i].type == want->type ? &from->columns[i] : NULL;
    for (at = 0; at < i; at++) before += (size_t)table_names_equal(&table->columns[at], want);
    for (at = 0; at < from->count; at++)
        if (table_names_equal(&from->columns[at], want) && !before--)
            return from->columns[at].type == want->type ? &from->columns[at] : NULL;
    return NULL;
}
static void table_join_array(column_array *to, const column_array *from, size_t size) {
    if (from->count) memcpy((char *)to->items + to->count * size, from->items, from->count * size);
    to->count += from->count;
}
static void table_join_ends(column_array *to, const column_array *from, size_t base) {
    size_t i, begin, end;
    for (i = 0; i < from->count; i++) {
        int valid = column_range(from, i, &begin, &end);
        column_put_end(to, base + end, !valid);
    }
}
static void table_join_column(struct column *to, const struct column *from) {
    size_t items = to->text.count, lists = to->inner.count;
    table_join_ends(&to->ends, &from->ends, to->type == SGF_COLUMN_LIST_UTF8 ? items : lists);
    table_join_ends(&to->inner, &from->inner, items);
    table_join_array(&to->text, &from->text, sizeof(sgf_str));
    table_join_array(&to->values, &from->values, sizeof(int64_t));
    table_join_array(&to->flags, &from->flags, 1);
}
sgf_status table_append(struct table *table, struct table *from, sgf_error *err) {
    const sgf_allocator *mem = &table->arena.mem, *other = &from->arena.mem;
    sgf_status status = SGF_OK;
    size_t i;
    int aligned;
    if (table == from || mem->alloc != other->alloc || mem->free != other->free ||
        mem->user != other->user)
        return base_fail(err, SGF_ERR_ARG,
                         "only another table of the same allocator can be appended");
    if (!table->count) {
        struct table swap = *table;
        *table = *from;
        *from = swap;
        return SGF_OK;
    }
    if (from->count != table->count)
        return base_fail(err, SGF_ERR_ARG, "tables of %d and %d columns cannot be joined",
                         (int)table->count, (int)from->count);
    aligned = table_names_aligned(table, from);
    for (i = 0; i < table->count && !status; i++) {
        struct column *at = &table->columns[i], *match = table_match(table, from, i, aligned);
        if (!match)
            return base_fail(err, SGF_ERR_ARG,
                             "tables cannot be joined: column '%s' (%s) of the first has no equal "
                             "in the second",
                             at->name, table_type_text(table, (int)i));
        status = column_room(mem, at, column_rows(match), match->inner.count, match->text.count,
                             err);
    }
    if (status) return status;
    for (i = 0; i < table->count; i++)
        table_join_column(&table->columns[i], table_match(table, from, i, aligned));
    base_arena_join(&table->arena, &from->arena);
    table_clear(from);
    return SGF_OK;
}

/* ---- selecting rows ---- */

sgf_status table_select(struct table *table, const size_t *rows, size_t n, sgf_error *err) {
    const sgf_allocator *mem = &table->arena.mem;
    size_t have = table_rows(table), i, row;
    struct column *made;
    sgf_status status = SGF_OK;
    for (row = 0; row < n; row++)
        if (rows[row] >= have)
            return base_fail(err, SGF_ERR_ARG, "there is no row %llu, the table has %llu",
                             (unsigned long long)rows[row], (unsigned long long)have);
    made = (struct column *)base_alloc(mem, table->count + 1, sizeof *made, err);
    if (!made) return SGF_ERR_MEMORY;
    for (i = 0; i < table->count; i++) {
        made[i].name = table->columns[i].name;
        made[i].name_len = table->columns[i].name_len;
        made[i].type = table->columns[i].type;
        made[i].other = table->columns[i].other;
        for (row = 0; row < n && !status && made[i].type != TABLE_OTHER; row++)
            status = column_copy_cell(mem, &made[i], &table->columns[i], rows[row], err);
    }
    for (i = 0; i < table->count; i++) {
        column_clear(mem, status ? &made[i] : &table->columns[i]);
        if (!status) table->columns[i] = made[i];
    }
    base_free(mem, made, table->count + 1, sizeof *made);
    return status;
}

/* ---- reading cells ---- */

/* The column when it has this type and row, else NULL. */
static const struct column *table_cell(const struct table *table, int column, size_t row,
                                       sgf_column_type type) {
    const struct column *at = column_at(table, column);
    return at && at->type == type && row < column_rows(at) ? at : NULL;
}
int cell_null(const struct table *table, int column, size_t row) {
    const struct column *at = column_at(table, column);
    return at && row < column_rows(at) && column_null(at, row);
}
sgf_str cell_text(const struct table *table, int column, size_t row) {
    const struct column *at = table_cell(table, column, row, SGF_COLUMN_UTF8);
    return at ? column_items(at)[row] : base_text_of(NULL, 0);
}
double cell_f64(const struct table *table, int column, size_t row) {
    const struct column *at = table_cell(table, column, row, SGF_COLUMN_F64);
    int64_t whole = cell_i64(table, column, row);
    return at ? ((const double *)at->values.items)[row] : (double)whole;
}
int64_t cell_i64(const struct table *table, int column, size_t row) {
    const struct column *at = table_cell(table, column, row, SGF_COLUMN_I64);
    return at ? ((const int64_t *)at->values.items)[row] : 0;
}
int cell_bool(const struct table *table, int column, size_t row) {
    const struct column *at = table_cell(table, column, row, SGF_COLUMN_BOOL);
    return at && column_flag(at, row) == 1;
}
/* The range of a list cell of either list type; empty when there is none. */
static const struct column *table_cell_range(const struct table *table, int column, size_t row,
                                             size_t *begin, size_t *end) {
    const struct column *at = column_at(table, column);
    *begin = *end = 0;
    if (!at || row >= at->ends.count) return NULL;
    column_range(&at->ends, row, begin, end);
    return at;
}
size_t cell_count(const struct table *table, int column, size_t row) {
    size_t begin, end;
    table_cell_range(table, column, row, &begin, &end);
    return end - begin;
}
const sgf_str *cell_list(const struct table *table, int column, size_t row) {
    size_t begin, end;
    const struct column *at = table_cell_range(table, column, row, &begin, &end);
    return at && at->type == SGF_COLUMN_LIST_UTF8 && begin < end ? column_items(at) + begin : NULL;
}
const sgf_str *cell_inner(const struct table *table, int column, size_t row, size_t i,
                          size_t *count) {
    size_t begin, end, first = 0, last = 0;
    const struct column *at = table_cell_range(table, column, row, &begin, &end);
    if (at && at->type == SGF_COLUMN_LIST_LIST_UTF8 && i < end - begin)
        column_range(&at->inner, begin + i, &first, &last);
    if (count) *count = last - first;
    return first < last ? column_items(at) + first : NULL;
}

/* ---- metadata ---- */

sgf_status table_metadata_set(struct table *table, const char *key, sgf_str value, sgf_error *err) {
    if (column_text_valid(sgf_text(key)) < strlen(key) || column_text_valid(value) < value.len)
        return base_fail(err, SGF_ERR_ARG, "metadata must be UTF-8 text");
    return column_metadata_add(table, sgf_text(key), value, err);
}
sgf_str table_metadata_get(const struct table *table, const char *key) {
    const sgf_metadata *pairs = (const sgf_metadata *)table->pairs.items;
    size_t i;
    for (i = 0; i < table->pairs.count; i++)
        if (!strcmp(pairs[i].key, key)) return pairs[i].value;
    return base_text_of(NULL, 0);
}
