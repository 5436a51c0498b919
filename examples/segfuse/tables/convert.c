#define _XOPEN_SOURCE 700
#include "convert.h"
#include "../cli/hub.h"
#include "../data/source.h"
#include "../cli/verbs.h"
#include "../models/gguf_folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *ending;
    sgf_status (*write)(const struct table *table, const char *path, sgf_error *err);
} table_formats[] = {{".feather", table_write_feather},
                     {".arrow", table_write_feather},
                     {".csv", table_write_csv},
                     {".jsonl", table_write_jsonl},
                     {".ndjson", table_write_jsonl}};

/* ---- the types of a CSV file's columns ----
   CSV has none. A column becomes lists, booleans or numbers when all of its cells are written as
   segfuse writes them, so that nothing is lost: "007" and "1.50" stay texts. */

static int cell_is_bool(sgf_str text) {
    return base_str_is(text, "True") || base_str_is(text, "False");
}
static int cell_is_i64(sgf_str text) {
    char again[32];
    int64_t value;
    if (!base_text_i64(text, &value)) return 0;
    snprintf(again, sizeof again, "%lld", (long long)value);
    return base_str_is(text, again);
}
static int cell_is_f64(sgf_str text) {
    char again[40];
    double value;
    size_t n;
    if (!base_text_f64(text, &value)) return 0; /* "nan" and "-inf", too */
    n = base_number_print(value, again);
    return n == text.len && !memcmp(again, text.ptr, n);
}
/* With items in quotes, or lists of such; not [MASK], and not [1]. */
static int cell_is_list(sgf_str text) {
    char last = text.ptr[text.len - 1];
    size_t i = 1;
    while (i < text.len && base_is_space(text.ptr[i])) i++;
    return ((text.ptr[0] == '[' && last == ']') || (text.ptr[0] == '(' && last == ')')) &&
           strchr("'\"[(])N", text.ptr[i]);
}
/* Are all cells that are not empty of that form, and is there one? */
static int column_is(const struct table *table, int column, int (*form)(sgf_str text)) {
    size_t rows = table_rows(table), row, n = 0;
    for (row = 0; row < rows; row++) {
        sgf_str text = cell_text(table, column, row);
        if (text.len && !form(text)) return 0;
        n += text.len > 0;
    }
    return n > 0;
}
/* Columns of results and data sets that are texts, whatever they look like: an answer may be
   1969. */
static int column_stays_text(const char *name) {
    static const char *const names[] = {"uuid",       "question",   "paraphrase",    "prompt",
                                        "prediction", "generation", "greedy_predict"};
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(name, names[i])) return 1;
    return 0;
}
/* Columns of data sets that are lists, whatever wrote them. */
static int column_is_lists(const struct table *table, int column) {
    static const char *const names[] = {"answers", "obj_aliases", "manual_paraphrases",
                                        "auto_paraphrases"};
    size_t rows = table_rows(table), row, i;
    for (i = 0; i < 4 && strcmp(table_name(table, column), names[i]); i++) {}
    for (row = 0; i < 4 && row < rows; row++)
        if (table_is_list(cell_text(table, column, row))) return 1;
    return 0;
}
static void table_types(struct table *table) {
    int c;
    for (c = 0; c < table_columns(table); c++) {
        if (table_type(table, c) == SGF_COLUMN_UTF8 && column_is_lists(table, c))
            table_parse_lists(table, c, NULL);
        if (table_type(table, c) != SGF_COLUMN_UTF8 || column_stays_text(table_name(table, c)))
            continue;
        /* what does not fit leaves the column as it is */
        if (column_is(table, c, cell_is_list) && table_parse(table, c, SGF_COLUMN_LIST_UTF8, NULL))
            table_parse(table, c, SGF_COLUMN_LIST_LIST_UTF8, NULL);
        else if (column_is(table, c, cell_is_bool)) table_parse(table, c, SGF_COLUMN_BOOL, NULL);
        else if (column_is(table, c, cell_is_i64)) table_parse(table, c, SGF_COLUMN_I64, NULL);
        else if (column_is(table, c, cell_is_f64)) table_parse(table, c, SGF_COLUMN_F64, NULL);
    }
}

/* Say what is not as it was: columns that CSV has twice, lists of numbers. */
static void table_notes(const char *path, const struct table *table) {
    int c, first;
    for (c = 0; c < table_columns(table); c++) {
        first = table_find(table, table_name(table, c));
        if (first < c && table_name(table, c)[0])
            fprintf(stderr,
                    "segfuse convert: %s: columns %d and %d, counted from 1, are both named '%s'\n",
                    path, first + 1, c + 1, base_show(sgf_text(table_name(table, c))).text);
        if (table_type(table, c) != TABLE_OTHER && strstr(table_type_text(table, c), " of numbers"))
            fprintf(stderr,
                    "segfuse convert: %s: column '%s' holds %s; they are written as texts\n", path,
                    base_show(sgf_text(table_name(table, c))).text, table_type_text(table, c));
    }
}

int output_free(const char *verb, const char *path, int rewrite) {
    if (rewrite || is_free(path)) return 1;
    fprintf(stderr, "segfuse %s: %s already exists; --rewrite replaces it\n", verb, path);
    return 0;
}

int verb_convert(int argc, char **argv) {
    const char *rest[2], *dtype = NULL;
    int rests, status, rewrite = 0;
    size_t i, n = sizeof table_formats / sizeof table_formats[0];
    data_source source;
    struct table *table;
    sgf_error err;
    option options[] = {{"rewrite", OPTION_FLAG, &rewrite, NULL, "replace OUT if it is there"},
                        {"dtype", OPTION_TEXT, (void *)&dtype, "bf16|f16|f32",
                         "of a model's weights (what holds each of its values exactly: f32 for "
                         "quantised ones)"},
                        ROWS_END};
    status = options_parse(
        argc, argv, options, "IN OUT",
        "Write a table in another format, by the ending of OUT: .feather (also .arrow), .csv, "
        ".jsonl (also .ndjson). IN is any table that segfuse reads, or a folder of them. Lists in CSV are Python "
        "literals; columns of a CSV file become lists, booleans and numbers where every cell is "
        "one. If IN is a model in a GGUF file, OUT is a folder, which every other verb takes as "
        "--model.",
        rest, &rests, 2);
    if (status >= 0) return status;
    if (rests < 2) {
        fprintf(stderr, "segfuse convert: IN and OUT are needed; see segfuse convert --help\n");
        return 2;
    }
    if (has_ending(rest[0], ".gguf") || gguf_is(rest[0]))
        return gguf_convert(rest[0], rest[1], dtype, rewrite);
    if (dtype) {
        fprintf(stderr, "segfuse convert: --dtype is for a model, and %s is no GGUF file\n",
                rest[0]);
        return 2;
    }
    for (i = 0; i < n && !has_ending(rest[1], table_formats[i].ending); i++) {}
    if (i == n) {
        fprintf(stderr,
                "segfuse convert: %s: the ending says what is written; known: .feather, .arrow, "
                ".csv, .jsonl, .ndjson\n",
                rest[1]);
        return 2;
    }
    if (!output_free("convert", rest[1], rewrite)) return 1;
    if (data_read(rest[0], NULL, &source, &table, &err)) return failed("convert", &err);
    if (!strcmp(table_format(table), "CSV")) table_types(table);
    table_notes(rest[0], table);
    status = table_formats[i].write(table, rest[1], &err) ? failed("convert", &err) : 0;
    table_free(table);
    return status;
}
