/* segfuse lemmatize: add the lemmas of predictions and answers to result files, in place. */
#define _XOPEN_SOURCE 700
#include "../data/lemma_book.h"
#include "answers.h"
#include "../cli/hub.h"
#include "../cli/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a table is written back as it was read; NULL and an error where it cannot be. What was read
   counts, not the file's name or first bytes. */
typedef sgf_status (*table_writer)(const struct table *table, const char *path, sgf_error *err);
static table_writer table_writer_of(const struct table *table, const char *path, sgf_error *err) {
    static const struct {
        const char *format;
        table_writer writer;
    } writers[] = {{"Arrow file", table_write_feather},
                   {"CSV", table_write_csv},
                   {"JSON lines", table_write_jsonl}};
    const char *format = table_format(table);
    size_t i;
    for (i = 0; i < sizeof writers / sizeof writers[0]; i++)
        if (!strcmp(format, writers[i].format)) return writers[i].writer;
    base_fail_at(err, SGF_ERR_UNSUPPORTED, path, -1,
                 "%s: %s %s is not changed in place; segfuse convert IN OUT%s makes a file of it "
                 "that can be",
                 path, format[0] == 'A' ? "an" : "a", format,
                 format[0] == 'A' ? ".feather" : ".jsonl");
    return NULL;
}
/* In the place of the file that `path` names, through links. */
static sgf_status table_write_back(const struct table *table, const char *path, table_writer writer,
                                   sgf_error *err) {
    char *real = realpath(path, NULL);
    sgf_status status;
    if (!real) /* at `path` a link might be replaced by a file */
        return base_fail_at(err, SGF_ERR_IO, path, -1, "%s: cannot be looked at: %s", path,
                            strerror(errno));
    status = writer(table, real, err);
    free(real);
    return status;
}

static sgf_status lemmas_put_list(struct table *table, int column, const lemma_book *book,
                                  list_column *list, size_t row, sgf_error *err) {
    size_t n = 0;
    const sgf_str *texts = list_cell(list, row, &n);
    if (!list->plain && cell_null(list->table, list->column, row))
        return table_null(table, column, err);
    return lemma_book_put(table, column, book, texts, n, err);
}

/* The texts of a file that are to become lemmas: one prediction a row, the answers, and, in a
   confidence file, the samples. */
typedef struct {
    int prediction;
    list_column answers, samples;
    lemma_book book;
} lemma_source;

static sgf_status lemma_source_open(const char *path, const struct table *table, int sampled,
                                    lemma_source *s, sgf_error *err) {
    const char *name = sampled ? "greedy_predict" : "prediction";
    size_t row, rows = table_rows(table), i, n, count = 0, cap = rows;
    sgf_str *texts;
    sgf_status status;
    s->samples.column = -1;
    s->prediction = table_find(table, name);
    status = list_open(path, table, "answers", LIST_ANY, &s->answers, err);
    if (!status && sampled)
        status = list_open(path, table, "sample_predicts", LIST_ANY, &s->samples, err);
    if (status) return status;
    if (s->prediction < 0 || table_type(table, s->prediction) != SGF_COLUMN_UTF8 ||
        s->answers.column < 0 || (sampled && s->samples.column < 0))
        return base_fail_at(
            err, SGF_ERR_FORMAT, path, -1,
            "%s: no column \"%s\" to make lemmas of: wanted prediction and answers "
            "(results), or greedy_predict, sample_predicts and answers (confidence)",
            path, s->answers.column < 0 ? "answers" : name);
    for (row = 0; row < rows; row++) {
        list_cell(&s->answers, row, &n), cap += n;
        if (sampled) list_cell(&s->samples, row, &n), cap += n;
    }
    texts = (sgf_str *)calloc(cap + 1, sizeof *texts);
    if (!texts) return base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", path);
    for (row = 0; row < rows; row++) {
        const sgf_str *items = list_cell(&s->answers, row, &n);
        texts[count++] = cell_text(table, s->prediction, row);
        for (i = 0; i < n; i++) texts[count++] = items[i];
        if (!sampled) continue;
        items = list_cell(&s->samples, row, &n);
        for (i = 0; i < n; i++) texts[count++] = items[i];
    }
    return lemma_book_make(&s->book, texts, count, err);
}
static void lemma_source_close(lemma_source *s) {
    list_close(&s->answers);
    list_close(&s->samples);
    lemma_book_free(&s->book);
}

static sgf_status lemmatize_results(struct table *table, lemma_source *s, sgf_error *err) {
    int predicted = -1, answers = -1;
    size_t row, rows = table_rows(table);
    sgf_status status = table_column(table, "predict_lemma", SGF_COLUMN_LIST_UTF8, &predicted, err);
    for (row = 0; row < rows && !status; row++)
        status = lemma_book_put_one(table, predicted, &s->book,
                                    cell_text(table, s->prediction, row), err);
    if (!status)
        status = table_column(table, "answer_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &answers, err);
    for (row = 0; row < rows && !status; row++)
        status = lemmas_put_list(table, answers, &s->book, &s->answers, row, err);
    return status;
}
/* confidence: the share of the samples that match the greedy answer, two-way. */
static sgf_status lemmatize_confidence(struct table *table, lemma_source *s, sgf_error *err) {
    int greedy = -1, samples = -1, answers = -1, share = -1;
    size_t row, rows = table_rows(table), n = 0;
    sgf_status status = table_column(table, "greedy_lemma", SGF_COLUMN_LIST_UTF8, &greedy, err);
    for (row = 0; row < rows && !status; row++)
        status = lemma_book_put_one(table, greedy, &s->book, cell_text(table, s->prediction, row),
                                    err);
    if (!status)
        status = table_column(table, "sample_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &samples, err);
    for (row = 0; row < rows && !status; row++)
        status = lemmas_put_list(table, samples, &s->book, &s->samples, row, err);
    if (!status)
        status = table_column(table, "answer_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &answers, err);
    for (row = 0; row < rows && !status; row++)
        status = lemmas_put_list(table, answers, &s->book, &s->answers, row, err);
    if (!status) status = table_column(table, "confidence", SGF_COLUMN_F64, &share, err);
    for (row = 0; row < rows && !status; row++) {
        const sgf_str *drawn = list_cell(&s->samples, row, &n);
        double sure = lemma_book_share(&s->book, cell_text(table, s->prediction, row), drawn, n);
        status = n ? table_f64(table, share, sure, err) : table_null(table, share, err);
    }
    return status;
}

/* One file. A file that has its lemmas stays as it is, byte for byte. */
static sgf_status lemmatize_file(const char *path, int rewrite, sgf_error *err) {
    static const char *const names[2][5] = {
        {"predict_lemma", "answer_lemmas", NULL, NULL, NULL},
        {"greedy_lemma", "sample_lemmas", "answer_lemmas", "confidence", NULL}};
    struct table *table = NULL;
    lemma_source source;
    table_writer writer;
    int sampled = 0, i, there = 1;
    sgf_status status = table_read(path, NULL, &table, err);
    if (status) return status;
    writer = table_writer_of(table, path, err);
    if (!writer) {
        table_free(table);
        return SGF_ERR_UNSUPPORTED;
    }
    memset(&source, 0, sizeof source);
    sampled = table_find(table, "greedy_predict") >= 0;
    for (i = 0; names[sampled][i]; i++)
        if (table_find(table, names[sampled][i]) < 0) there = 0;
    if (there && !rewrite) {
        fprintf(stderr, "%s: has its lemmas already; nothing changed (--rewrite makes them anew)\n",
                path);
        table_free(table);
        return SGF_OK;
    }
    for (i = 0; names[sampled][i]; i++) {
        int old = table_find(table, names[sampled][i]);
        if (old >= 0) table_drop(table, old);
    }
    status = lemma_source_open(path, table, sampled, &source, err);
    if (!status)
        status = sampled ? lemmatize_confidence(table, &source, err)
                         : lemmatize_results(table, &source, err);
    if (!status) status = table_write_back(table, path, writer, err);
    if (!status)
        fprintf(stderr, "%s: %llu row%s, lemmas of %llu different text%s\n", path,
                (unsigned long long)table_rows(table), plural(table_rows(table)),
                (unsigned long long)source.book.count, plural(source.book.count));
    lemma_source_close(&source);
    table_free(table);
    return status;
}

/* The CSV that segfuse generate writes beside a Feather, where it has the same rows, gets its lemmas
   too. */
static sgf_status lemmatize_twin(const char *path, const char *const *files, int count, int rewrite,
                                 sgf_error *err) {
    char twin[1100];
    struct table *one = NULL, *two = NULL;
    int i, same, k = -1, m = -1;
    size_t row;
    sgf_status status;
    if (!has_ending(path, ".feather") ||
        !path_make(twin, sizeof twin, "%.*s.csv", (int)strlen(path) - 8, path) || is_free(twin))
        return SGF_OK;
    for (i = 0; i < count; i++)
        if (!strcmp(files[i], twin)) return SGF_OK;
    status = table_read(path, NULL, &one, err);
    if (!status) status = table_read(twin, NULL, &two, err);
    if (!status) k = table_find(one, "uuid"), m = table_find(two, "uuid");
    same = !status && table_rows(one) == table_rows(two) && m >= 0;
    for (row = 0; same && row < table_rows(one); row++)
        same = text_same(cell_text(one, k, row), cell_text(two, m, row));
    table_free(one), table_free(two);
    if (!status && !same) fprintf(stderr, "%s: other rows than in %s; not changed\n", twin, path);
    return same ? lemmatize_file(twin, rewrite, err) : status;
}

int verb_lemmatize(int argc, char **argv) {
    int rewrite = 0, rests = 0, i, status;
    const char **files = (const char **)calloc((size_t)argc + 1, sizeof *files);
    sgf_error err;
    option options[] = {
        {"rewrite", OPTION_FLAG, NULL, NULL, "make lemmas anew that are there already"}, ROWS_END};
    options[0].target = &rewrite;
    if (!files) {
        fprintf(stderr, "segfuse lemmatize: out of memory\n");
        return 1;
    }
    status = options_parse(
        argc, argv, options, "FILE...",
        "Add the columns predict_lemma and answer_lemmas to result files (Feather, "
        "CSV,\nJSON lines), in place; to a confidence file its lemmas and confidence. X.csv "
        "beside\nX.feather gets them too.",
        files, &rests, argc);
    if (status < 0 && !rests) {
        fprintf(stderr,
                "segfuse lemmatize: name at least one file; see segfuse lemmatize --help\n");
        status = 2;
    }
    if (status < 0) {
        status = 0;
        for (i = 0; i < rests; i++)
            if (lemmatize_file(files[i], rewrite, &err) ||
                lemmatize_twin(files[i], files, rests, rewrite, &err))
                status = failed("lemmatize", &err);
    }
    free(files);
    return status;
}
