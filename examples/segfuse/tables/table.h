/* Tables: questions and results. Feather (Arrow IPC), CSV, JSON lines. */
#ifndef SEGFUSE_TABLE_H
#define SEGFUSE_TABLE_H

#include "../base/base.h"

/* A table is a set of named columns of equal length. It is read from a file, or built column by
   column and cell by cell:

       table_create(NULL, &table, &err);
       table_column(table, "uuid", SGF_COLUMN_UTF8, &uuid, &err);
       table_column(table, "answers", SGF_COLUMN_LIST_UTF8, &answers, &err);
       for every row: table_text(table, uuid, text, &err), table_list(table, answers, ...)
       table_write_feather(table, "results.feather", &err);
       table_free(table);

   Every type can hold null cells ("no value", None in Python). One thread at a time may change a
   table; any number may read it while nobody does. */

struct table;

/* The type of a column of a file that has none of the types of sgf_column_type: it has a name and
   no cells. */
#define TABLE_OTHER SGF_COLUMN_TYPE_COUNT

enum { TABLE_MAX_COLUMNS = 1024 };

/* An empty table. `mem` may be NULL. Free it with table_free (NULL is allowed there). */
sgf_status table_create(const sgf_allocator *mem, struct table **table, sgf_error *err);
void table_free(struct table *table);

/* ---- columns ---- */

/* Add a column; its number goes to *column (may be NULL). It has no cells yet, whatever the others
   have. SGF_ERR_ARG when the name is taken or is not UTF-8, or for TABLE_OTHER. */
sgf_status table_column(struct table *table, const char *name, sgf_column_type type, int *column,
                        sgf_error *err);
/* Remove a column; the numbers of the columns after it decrease by one. */
void table_drop(struct table *table, int column);
int table_columns(const struct table *table);
/* Number of complete rows: the length of the shortest column (columns of TABLE_OTHER do not
   count). A table with columns of different lengths cannot be written. */
size_t table_rows(const struct table *table);
/* The column of this name (the first, if a file has it twice), or -1. */
int table_find(const struct table *table, const char *name);
/* A column's name, zero-terminated, valid until the table is freed. */
const char *table_name(const struct table *table, int column);
sgf_column_type table_type(const struct table *table, int column);
/* Its type in words: "list<utf8>"; for TABLE_OTHER what the file says, e.g. "timestamp". Never
   NULL. */
const char *table_type_text(const struct table *table, int column);
/* What it was read from: "Arrow file", "Arrow stream", "CSV", "JSON lines" or "JSON array";
   "memory" for a table that was not read. */
const char *table_format(const struct table *table);

/* ---- adding cells: each call adds one cell to the end of a column ----
   SGF_ERR_ARG when the column has another type. Texts are copied; bytes that are not UTF-8 become
   U+FFFD, so that every file that is written can be read back. An empty sgf_str (length 0) is an
   empty text, whatever its pointer; table_null adds "no value". On failure the table is as it
   was. */
sgf_status table_text(struct table *table, int column, sgf_str text, sgf_error *err);
sgf_status table_f64(struct table *table, int column, double value, sgf_error *err);
sgf_status table_i64(struct table *table, int column, int64_t value, sgf_error *err);
sgf_status table_bool(struct table *table, int column, int value, sgf_error *err);
/* A list of n texts; `items` may be NULL when n is 0, and may be what cell_list gives. */
sgf_status table_list(struct table *table, int column, const sgf_str *items, size_t n,
                      sgf_error *err);
/* A list of n lists. List i has counts[i] texts; `items` holds the texts of all of them in
   order. */
sgf_status table_list_list(struct table *table, int column, const sgf_str *items,
                           const size_t *counts, size_t n, sgf_error *err);
sgf_status table_null(struct table *table, int column, sgf_error *err);

/* Move the rows of `from` to the end of `table`, as the shards of a data set need it. Both must
   have columns of the same names and types, in any order (of those that share a name, the k-th is
   appended to the k-th), and the same allocator; a table without columns is swapped with `from`.
   Otherwise `from` is left without columns and rows (it must still be freed), and texts read from
   it are valid as long as `table`. Metadata of `from` is lost. */
sgf_status table_append(struct table *table, struct table *from, sgf_error *err);

/* Row i becomes what row rows[i] was, for all i < n: to sort, to pick, to leave out. A row may be
   taken more than once; its texts are shared, not copied. SGF_ERR_ARG when there is no such row. On
   failure the table is as it was. */
sgf_status table_select(struct table *table, const size_t *rows, size_t n, sgf_error *err);

/* ---- reading cells ----
   A wrong column, row, item or type gives 0, or a text whose ptr is NULL; so does a null cell (or a
   null inside a list). Texts are UTF-8, not zero-terminated, and valid until the table is freed. */
int cell_null(const struct table *table, int column, size_t row);
sgf_str cell_text(const struct table *table, int column, size_t row);
double cell_f64(const struct table *table, int column, size_t row); /* SGF_COLUMN_I64 too */
int64_t cell_i64(const struct table *table, int column, size_t row);
int cell_bool(const struct table *table, int column, size_t row);
/* Number of items of a list<utf8>, or of lists in a list<list<utf8>>. */
size_t cell_count(const struct table *table, int column, size_t row);
/* The items themselves, cell_count of them, next to each other; valid until the column
   grows. */
const sgf_str *cell_list(const struct table *table, int column, size_t row);
/* List i of a list<list<utf8>>: its items, and their number in *count (may be NULL). */
const sgf_str *cell_inner(const struct table *table, int column, size_t row, size_t i,
                          size_t *count);

/* ---- changing a column's type ---- */

/* Turn the texts of a column (as a CSV file gives them) into `type`: numbers; True or False; what tools
   print for a list, such as ['a', "it's"] or ('a',), [['a'], []] for lists of lists. An empty text
   becomes null. SGF_ERR_FORMAT names the first row that does not fit, counted from 1, and why; the
   column is then as it was. */
sgf_status table_parse(struct table *table, int column, sgf_column_type type, sgf_error *err);
/* The same for a column of lists of texts whose cells may be written in any way, each by itself: lists
   of texts, numbers or truth values, lists of such lists, and plain texts, which are lists of one. It
   becomes SGF_COLUMN_LIST_UTF8, or SGF_COLUMN_LIST_LIST_UTF8 if a cell has lists in it. In CSV, None, nan
   and the like are null, and quotes around a plain text are not part of it. */
sgf_status table_parse_lists(struct table *table, int column, sgf_error *err);
/* Is this printed as a list, so that table_parse_lists does not take it for a plain text? It begins with a
   bracket that closes at its end, or with the name of a kind of list. */
int table_is_list(sgf_str text);
/* Is this None, nan, NA, ...: what tools write into CSV for a missing value? */
int table_missing(sgf_str text);

/* ---- metadata: the key/value texts in a Feather file's schema ---- */

/* Set or replace. Keys and values must be UTF-8. The key "pandas" belongs to the writer. */
sgf_status table_metadata_set(struct table *table, const char *key, sgf_str value, sgf_error *err);
/* The value, or ptr NULL when the key is absent. Valid until the table is freed. */
sgf_str table_metadata_get(const struct table *table, const char *key);

/* ---- files ---- */

/* Write the whole table. The file appears complete under its name or not at all. Refused: columns
   of different lengths, columns of TABLE_OTHER. Feather and CSV are as sgf_table_write_feather and
   sgf_table_write_csv of the library write them. JSON lines: one object a line, infinities and
   not-a-number become null, metadata is lost; two columns of one name are refused. */
sgf_status table_write_feather(const struct table *table, const char *path, sgf_error *err);
sgf_status table_write_csv(const struct table *table, const char *path, sgf_error *err);
sgf_status table_write_jsonl(const struct table *table, const char *path, sgf_error *err);

/* Read a file into a new table: Arrow IPC file (Feather V2) or stream, uncompressed or LZ4; CSV
   with a header line; JSON lines, or one JSON array of objects. The content decides; the extension
   (.json, .jsonl, .ndjson) only tells JSON from CSV where both would do.

   Arrow    utf8, large_utf8 and utf8_view, also dictionary-encoded, and arrow.uuid become texts; lists,
            large lists and fixed-size lists of them, and of numbers and bools, lists; integers of every
            width I64; half, single and double floats F64; arrow.bool8 BOOL; columns of type null texts
            that are null. Other extension types are read as what they are stored as. All other types,
            and uint64 columns with values above INT64_MAX, become TABLE_OTHER.
   CSV      every column is SGF_COLUMN_UTF8: see table_parse. The separator is a comma, or ; or a tab or |
            if the header has it instead and every row fits.
   JSON     the values decide; absent members are null. NaN and Infinity are numbers, as Python writes them;
            NaN is null where the others are no numbers. Objects, columns that mix types and whole numbers
            that would lose digits (beyond int64, or beyond 2^53 in a column of fractions) become
            TABLE_OTHER.

   Numbers and bools in lists become texts as Python prints them, NaN null; table_type_text says so.

   SGF_ERR_UNSUPPORTED names the formats that are not read (Parquet, ZSTD bodies, Feather V1) with
   the line of Python that converts them. Memory is bounded by a multiple of the file's size (of the
   decompressed size for LZ4). `mem` may be NULL. */
sgf_status table_read(const char *path, const sgf_allocator *mem, struct table **table,
                      sgf_error *err);

#endif
