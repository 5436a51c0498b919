#include "answers.h"
#include "../data/lemma_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns of lists ---- */

void list_close(list_column *list) {
    table_free(list->own);
    memset(list, 0, sizeof *list);
    list->column = -1;
}
void list_plain(list_column *list, const struct table *table, int column) {
    memset(list, 0, sizeof *list);
    list->table = table, list->column = column, list->plain = 1;
}
static sgf_status list_parse(const struct table *table, int column, sgf_column_type type,
                             list_column *list, sgf_error *err) {
    size_t row, rows = table_rows(table);
    sgf_status status = table_create(NULL, &list->own, err);
    if (!status)
        status = table_column(list->own, table_name(table, column), SGF_COLUMN_UTF8, &list->column,
                              err);
    for (row = 0; row < rows && !status; row++)
        status = cell_null(table, column, row)
                     ? table_null(list->own, list->column, err)
                     : table_text(list->own, list->column, cell_text(table, column, row), err);
    if (!status) status = table_parse(list->own, list->column, type, err);
    list->table = list->own;
    return status;
}
sgf_status list_open(const char *path, const struct table *table, const char *name,
                     sgf_column_type type, list_column *list, sgf_error *err) {
    size_t row, rows = table_rows(table);
    int column = table_find(table, name);
    sgf_error why;
    memset(list, 0, sizeof *list);
    list->column = -1;
    list->table = table;
    if (column < 0) return SGF_OK;
    if (table_type(table, column) == type) list->column = column;
    if (table_type(table, column) != SGF_COLUMN_UTF8) return SGF_OK;
    for (row = 0; row < rows; row++) {
        sgf_str text = base_strip(cell_text(table, column, row));
        if (!text.len) continue;
        if (text.ptr[0] == '[' || text.ptr[0] == '(') break;
        if (type == SGF_COLUMN_LIST_UTF8) list->plain = 1, list->column = column;
        return SGF_OK;
    }
    if (list_parse(table, column, type, list, &why) == SGF_OK) return SGF_OK;
    return base_fail_at(err, why.status, path, -1, "%s: %.900s", path, why.message);
}
const sgf_str *list_cell(list_column *list, size_t row, size_t *n) {
    if (!list->plain) {
        *n = cell_count(list->table, list->column, row);
        return cell_list(list->table, list->column, row);
    }
    list->one = cell_text(list->table, list->column, row);
    *n = list->one.len != 0;
    return &list->one;
}

/* ---- one result file ---- */

void answer_file_free(answer_file *f) {
    list_close(&f->answers);
    list_close(&f->asked);
    list_close(&f->stored);
    table_free(f->table);
    base_arena_free(&f->arena);
    free(f->uuid), free(f->prediction), free(f->words), free(f->right[0]), free(f->right[1]);
    free(f->first), free(f->order);
    memset(f, 0, sizeof *f);
}
sgf_status answer_file_room(answer_file *f, size_t rows, sgf_error *err) {
    f->rows = rows;
    f->uuid = (sgf_str *)calloc(rows + 1, sizeof *f->uuid);
    f->prediction = (sgf_str *)calloc(rows + 1, sizeof *f->prediction);
    f->words = (sgf_str *)calloc(rows + 1, sizeof *f->words);
    f->right[0] = (uint8_t *)calloc(rows + 1, 1);
    f->right[1] = (uint8_t *)calloc(rows + 1, 1);
    if (f->uuid && f->prediction && f->words && f->right[0] && f->right[1]) return SGF_OK;
    return base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", f->path);
}

/* The last part of a path, without its extension. */
static void path_stem(const char *path, char *stem, size_t cap) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    snprintf(stem, cap, "%.*s", dot && dot > base ? (int)(dot - base) : (int)strlen(base), base);
}
/* What the name says: baseline_origin, ensemble_avg-5, flex_attention-5, myriadlama_flex_5paras,
   ensemble_avg-m5a0s3 (3 sampled of 5 manual and 0 automatic paraphrases). */
static void answer_name_read(answer_file *f) {
    char stem[256], *dash, *end;
    const char *start = stem;
    size_t n;
    path_stem(f->path, stem, sizeof stem);
    if (!strncmp(start, "baseline_", 9)) start += 9;
    else if (!strncmp(start, "ensemble_", 9)) start += 9;
    snprintf(f->name, sizeof f->name, "%.127s", start);
    snprintf(f->method, sizeof f->method, "%.63s", start);
    dash = strrchr(f->method, '-');
    if (dash && dash[1] == 'm') dash = strrchr(dash, 's'); /* what stands before is the pool */
    if (dash && dash[1] >= '0' && dash[1] <= '9') {
        long count = strtol(dash + 1, &end, 10);
        if (!*end) f->paraphrases = count, *dash = 0;
    }
    n = strlen(f->method);
    if (n > 5 && !strcmp(f->method + n - 5, "paras")) {
        for (n -= 5; n && f->method[n - 1] >= '0' && f->method[n - 1] <= '9';) n--;
        f->paraphrases = strtol(f->method + n, NULL, 10);
        if (n && f->method[n - 1] == '_') f->method[n - 1] = 0;
    }
}
static void config_read_text(const json_doc *json, const char *key, char *out, size_t cap) {
    uint32_t node = json_get(json, 0, key);
    if (node && json->nodes[node].type == JSON_STRING)
        snprintf(out, cap, "%.*s", (int)cap - 1, base_show(json->nodes[node].text).text);
}
/* The configuration that `segfuse generate` left: in the Feather's metadata, or in FILE.json next to
   a CSV. A file without one, or with one that cannot be read, says nothing. */
static void answer_config_read(answer_file *f) {
    sgf_str text = table_metadata_get(f->table, "segfuse");
    base_map map;
    base_arena arena;
    json_doc json;
    int64_t count = 0;
    uint32_t node;
    memset(&map, 0, sizeof map);
    if (!text.ptr) {
        char sidecar[1100];
        const char *dot = strrchr(f->path, '.');
        snprintf(sidecar, sizeof sidecar, "%.*s.json",
                 dot ? (int)(dot - f->path) : (int)strlen(f->path), f->path);
        if (!strcmp(sidecar, f->path) || base_map_file(sidecar, NULL, &map, NULL)) return;
        text.ptr = map.data;
        text.len = map.size;
    }
    base_arena_init(&arena, NULL);
    if (!json_parse(f->path, text.ptr, text.len, &arena, &json, NULL) &&
        json_get(&json, 0, "segfuse")) {
        config_read_text(&json, "method", f->method, sizeof f->method);
        config_read_text(&json, "model", f->model, sizeof f->model);
        config_read_text(&json, "dataset", f->dataset, sizeof f->dataset);
        config_read_text(&json, "mask", f->mask, sizeof f->mask);
        config_read_text(&json, "positions", f->positions, sizeof f->positions);
        config_read_text(&json, "mass", f->mass, sizeof f->mass);
        config_read_text(&json, "format", f->format, sizeof f->format);
        node = json_get(&json, 0, "num_paraphrases");
        if (node && json_whole(&json, node, 0, 1000000, &count)) f->paraphrases = (long)count;
    }
    base_arena_free(&arena);
    if (map.data) base_unmap(&map);
}

method_kind answer_kind(const answer_file *f) {
    static const struct {
        const char *begin;
        method_kind kind;
    } kinds[] = {{"origin", KIND_BASELINE},    {"per_prompt", KIND_BASELINE},
                 {"avg", KIND_ENSEMBLE},       {"max", KIND_ENSEMBLE},
                 {"weighted_", KIND_ENSEMBLE}, {"flex_attention", KIND_FUSION},
                 {"myriadlama", KIND_FUSION},  {"fused", KIND_FUSION}};
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof kinds[0] && !f->derived; i++)
        if (!strncmp(f->method, kinds[i].begin, strlen(kinds[i].begin))) return kinds[i].kind;
    return KIND_OTHER;
}

/* ---- lemmas and matches of a file's rows ---- */

static sgf_str lemmas_join(base_arena *arena, const sgf_str *items, size_t n, sgf_error *err) {
    size_t i, size = 0;
    char *text;
    for (i = 0; i < n; i++) size += items[i].len + 1;
    text = (char *)base_arena_alloc(arena, size + 1, 1, err);
    for (i = size = 0; text && i < n; i++) {
        if (items[i].len) memcpy(text + size, items[i].ptr, items[i].len);
        size += items[i].len;
        text[size++] = '\037';
    }
    return base_text_of(text, size);
}
/* Match a row with its answers, by the lemmas in the file where there are some. */
static sgf_status answer_row_match(answer_file *f, size_t row, int lemma, list_column *predicted,
                                   const lemma_book *book, sgf_error *err) {
    int given = lemma && !cell_null(predicted->table, predicted->column, row) &&
                !cell_null(f->stored.table, f->stored.column, row);
    size_t n = 0, i, count;
    const sgf_str *items = list_cell(&f->answers, row, &n);
    lemma_list own, gold;
    const lemma_list *mine = &own;
    sgf_status status = SGF_OK;
    if (given) {
        items = cell_list(predicted->table, predicted->column, row);
        count = cell_count(predicted->table, predicted->column, row);
        status = lemma_list_copy(items, count, NULL, &own, err);
        if (status) return status;
        n = cell_count(f->stored.table, f->stored.column, row);
    } else mine = lemma_book_find(book, f->prediction[row]);
    for (i = 0; i < n && !status && !f->right[ONE_WAY][row]; i++) {
        const lemma_list *answer = &gold;
        if (given) {
            const sgf_str *inner = cell_inner(f->stored.table, f->stored.column, row, i, &count);
            status = lemma_list_copy(inner, count, NULL, &gold, err);
            if (status) break;
        } else answer = lemma_book_find(book, items[i]);
        f->right[ONE_WAY][row] = (uint8_t)lemma_match(mine, answer, 0);
        if (lemma_match(mine, answer, 1)) f->right[TWO_WAY][row] = 1;
        if (given) lemma_list_free(&gold);
    }
    if (!status) f->words[row] = lemmas_join(&f->arena, mine->items, mine->count, err);
    if (!status && !f->words[row].ptr) status = SGF_ERR_MEMORY;
    if (given) lemma_list_free(&own);
    else f->computed++;
    if (!base_strip(f->prediction[row]).len) { /* wrong, whatever its lemmas are */
        f->empty++;
        f->right[ONE_WAY][row] = f->right[TWO_WAY][row] = 0;
    }
    return status;
}
static sgf_status answer_match(answer_file *f, sgf_error *err) {
    list_column predicted;
    lemma_book book;
    size_t row, i, n, count = 0, cap = f->rows;
    sgf_str *texts;
    int lemma;
    sgf_status status;
    memset(&book, 0, sizeof book);
    /* lemma columns that cannot be read are made anew */
    if (list_open(f->path, f->table, "predict_lemma", SGF_COLUMN_LIST_UTF8, &predicted, NULL))
        list_close(&predicted);
    if (list_open(f->path, f->table, "answer_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &f->stored, NULL))
        list_close(&f->stored);
    lemma = predicted.column >= 0 && !predicted.plain && f->stored.column >= 0;
    for (row = 0; row < f->rows; row++, cap += n) list_cell(&f->answers, row, &n);
    texts = (sgf_str *)calloc(cap + 1, sizeof *texts);
    if (!texts) {
        list_close(&predicted);
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", f->path);
    }
    for (row = 0; row < f->rows; row++) {
        const sgf_str *items = list_cell(&f->answers, row, &n);
        if (lemma && !cell_null(predicted.table, predicted.column, row) &&
            !cell_null(f->stored.table, f->stored.column, row))
            continue;
        texts[count++] = f->prediction[row];
        for (i = 0; i < n; i++) texts[count++] = items[i];
    }
    status = lemma_book_make(&book, texts, count, err);
    for (row = 0; row < f->rows && !status; row++)
        status = answer_row_match(f, row, lemma, &predicted, &book, err);
    lemma_book_free(&book);
    list_close(&predicted);
    return status;
}

/* ---- reading ---- */

static sgf_status answer_column(const answer_file *f, const char *name, int *column,
                                sgf_error *err) {
    *column = table_find(f->table, name);
    if (*column >= 0 && table_type(f->table, *column) == SGF_COLUMN_UTF8) return SGF_OK;
    return base_fail_at(err, SGF_ERR_FORMAT, f->path, -1,
                        "%s: %s \"%s\"; a result file has the columns uuid, answers and prediction",
                        f->path,
                        *column < 0 ? "there is no column" : "there are no texts in column", name);
}
sgf_str answer_asked(answer_file *f, size_t row) {
    size_t n = 0;
    const sgf_str *items;
    if (f->derived || f->asked.column < 0) return base_text_of(NULL, 0);
    items = list_cell(&f->asked, row, &n);
    return n ? items[0] : base_text_of(NULL, 0);
}
static sgf_status answer_asked_open(answer_file *f, sgf_error *err) {
    static const char *const names[] = {"question", "paraphrase", "paraphrases", "templates"};
    size_t i;
    sgf_status status = SGF_OK;
    f->asked.column = -1;
    for (i = 0; i < 4 && f->asked.column < 0 && !status; i++) {
        int column = table_find(f->table, names[i]);
        if (i < 2 && column >= 0 && table_type(f->table, column) == SGF_COLUMN_UTF8)
            list_plain(&f->asked, f->table, column);
        else if (i >= 2)
            status = list_open(f->path, f->table, names[i], SGF_COLUMN_LIST_UTF8, &f->asked, err);
    }
    return status;
}
sgf_status answer_file_read(const char *path, answer_file *f, sgf_error *err) {
    int uuid = -1, prediction = -1;
    size_t row, letters = 0;
    sgf_status status;
    memset(f, 0, sizeof *f);
    base_arena_init(&f->arena, NULL);
    snprintf(f->path, sizeof f->path, "%s", path);
    status = table_read(path, NULL, &f->table, err);
    if (!status) answer_name_read(f);
    if (!status) answer_config_read(f);
    if (!status) status = answer_column(f, "uuid", &uuid, err);
    if (!status) status = answer_column(f, "prediction", &prediction, err);
    if (!status)
        status = list_open(path, f->table, "answers", SGF_COLUMN_LIST_UTF8, &f->answers, err);
    if (!status && f->answers.column < 0)
        status = base_fail_at(
            err, SGF_ERR_FORMAT, path, -1,
            "%s: there is no column \"answers\" with lists of texts; a result file "
            "has the columns uuid, answers and prediction",
            path);
    if (!status) status = answer_asked_open(f, err);
    if (!status) status = answer_file_room(f, table_rows(f->table), err);
    for (row = 0; row < f->rows && !status; row++) {
        f->uuid[row] = cell_text(f->table, uuid, row);
        f->prediction[row] = cell_text(f->table, prediction, row);
        letters += f->uuid[row].len == 1;
        if (!f->uuid[row].len)
            status = base_fail_at(err, SGF_ERR_FORMAT, path, -1, "%s: row %llu has no uuid", path,
                                  (unsigned long long)row + 1);
    }
    /* the original's per_prompt writes the first letter of each uuid */
    f->apart = f->rows > 16 && letters == f->rows;
    if (!status) status = answer_match(f, err);
    if (status) answer_file_free(f);
    return status;
}
