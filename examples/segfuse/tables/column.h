/* The inside of a table, for the units that fill one or walk through one.

   A column is a few growing arrays. All texts are in the table's arena, so that cells that share a
   text (dictionary-encoded columns) share its bytes. A list column has an end for every cell: cell
   r holds the items from the end of cell r - 1 to its own. A null list of end e is stored as ~e, a
   null text as ptr NULL, a null number as a flag: these are the arrays that the library's writers
   take. Invariant: an array that has been appended to never holds half a cell, whatever failed. */
#ifndef SEGFUSE_COLUMN_H
#define SEGFUSE_COLUMN_H

#include "../base/base.h"
#include "table.h"

typedef struct column_array {
    void *items;
    size_t count, cap;
} column_array;

struct column {
    const char *name;
    size_t name_len;
    sgf_column_type type;
    const char
        *other; /* TABLE_OTHER: what the file calls the type; lists: COLUMN_NUMBERS, or NULL */
    column_array text;   /* sgf_str: text cells, or the items of all lists */
    column_array ends;   /* int64_t: a list's end in text, or in inner; ~end if it is null */
    column_array inner;  /* int64_t: list<list>: an inner list's end in text; ~end if it is null */
    column_array values; /* int64_t or double: numbers */
    column_array flags;  /* uint8_t: for numbers 0, for bools the value, SGF_CELL_NULL for null */
};

/* Lists that had numbers or truth values in the file, which are texts now. */
#define COLUMN_NUMBERS      "list<utf8> of numbers"
#define COLUMN_NUMBER_LISTS "list<list<utf8>> of numbers"

struct table {
    base_arena arena;
    const char *format; /* see table_format */
    struct column *columns;
    size_t count, cap;
    column_array pairs; /* sgf_metadata */
};

/* ---- arrays ---- */

/* Room for `more` items of `size` bytes. */
sgf_status column_array_room(const sgf_allocator *mem, column_array *array, size_t more,
                             size_t size, sgf_error *err);
void column_array_free(const sgf_allocator *mem, column_array *array, size_t size);

/* Room for `cells` more cells, with `lists` more inner lists and `items` more texts in all. */
sgf_status column_room(const sgf_allocator *mem, struct column *column, size_t cells, size_t lists,
                       size_t items, sgf_error *err);
/* Free the cells; name and type are kept. */
void column_clear(const sgf_allocator *mem, struct column *column);
size_t column_rows(const struct column *column);
/* The array `text`. */
sgf_str *column_items(const struct column *column);
/* Where list i of `ends` begins and ends; 0 if it is null (then it is empty). */
int column_range(const column_array *ends, size_t i, size_t *begin, size_t *end);
int column_null(const struct column *column, size_t row);
int column_flag(const struct column *column, size_t row);

/* ---- adding cells when there is room; a text must already be in the arena ---- */

void column_put_text(struct column *column, sgf_str text);
void column_put_end(column_array *ends, size_t end, int null);
void column_put_f64(struct column *column, double value, int null);
void column_put_i64(struct column *column, int64_t value, int null);
void column_put_flag(struct column *column, int flag);
void column_put_null(struct column *column);
/* Add cell `row` of `from`, a column of the same type; this one makes room itself. */
sgf_status column_copy_cell(const sgf_allocator *mem, struct column *to, const struct column *from,
                            size_t row, sgf_error *err);

/* ---- texts ---- */

/* The first byte that is not part of valid UTF-8, or text.len. */
size_t column_text_valid(sgf_str text);
/* Copies of n texts, next to each other in the arena, to out[n], with U+FFFD for every bad byte. */
sgf_status column_copy_texts(base_arena *arena, const sgf_str *texts, size_t n, sgf_str *out,
                             sgf_error *err);

/* ---- the columns of a table ---- */

const char *column_type_text(sgf_column_type type);
/* NULL if there is no such column. */
struct column *column_at(const struct table *table, int column);
/* A new column; unlike table_column it takes a name twice, as files do. `other` is not copied. */
sgf_status column_add(struct table *table, sgf_str name, sgf_column_type type, const char *other,
                      sgf_error *err);
/* Names in order, the shorter first: a name is found among n with log n comparisons, so that
   neither many columns nor long names that begin alike make a file slow. */
int column_name_compare(sgf_str name, const struct column *column);
/* The place among the n sorted columns where this name is, or (*found is 0) where it belongs. */
size_t column_name_place(const struct table *table, const int *sorted, size_t n, sgf_str name,
                         int *found);
/* Note column `column` at its place among the n sorted ones. */
void column_name_insert(int *sorted, size_t n, size_t place, size_t column);
/* Set or replace metadata; bad bytes of the value become U+FFFD. */
sgf_status column_metadata_add(struct table *table, sgf_str key, sgf_str value, sgf_error *err);
/* Before writing: every column must be complete, and of a type that can be written. */
sgf_status column_check(const struct table *table, const char *path, sgf_error *err);

#endif
