#include "answers.h"
#include "../base/unicode.h"
#include "../data/lemma_book.h"
#include "../runs/shard.h"

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
sgf_str answer_cell_text(base_arena *arena, const struct table *table, int column, size_t row,
                         sgf_error *err) {
    char text[40], *copy;
    double value = cell_f64(table, column, row);
    size_t n;
    if (table_type(table, column) == SGF_COLUMN_UTF8 || cell_null(table, column, row) ||
        value != value)
        return cell_text(table, column, row);
    if (table_type(table, column) == SGF_COLUMN_I64)
        n = (size_t)snprintf(text, sizeof text, "%lld", (long long)cell_i64(table, column, row));
    else n = base_number_print(value, text);
    if (n > 2 && !memcmp(text + n - 2, ".0", 2))
        n -= 2; /* pandas writes whole numbers so if the column has NaN */
    copy = base_arena_text(arena, text, n, err);
    return base_text_of(copy, copy ? n : 0);
}
static sgf_status list_parse(const struct table *table, int column, sgf_column_type type,
                             list_column *list, sgf_error *err) {
    size_t row, rows = table_rows(table);
    base_arena arena;
    sgf_status status = table_create(NULL, &list->own, err);
    base_arena_init(&arena, NULL);
    if (!status)
        status = table_column(list->own, table_name(table, column), SGF_COLUMN_UTF8, &list->column,
                              err);
    for (row = 0; row < rows && !status; row++)
        status = cell_null(table, column, row)
                     ? table_null(list->own, list->column, err)
                     : table_text(list->own, list->column,
                                  answer_cell_text(&arena, table, column, row, err), err);
    base_arena_free(&arena);
    if (!status)
        status = type == LIST_ANY ? table_parse_lists(list->own, list->column, err)
                                  : table_parse(list->own, list->column, type, err);
    list->table = list->own;
    return status;
}
sgf_status list_open(const char *path, const struct table *table, const char *name,
                     sgf_column_type type, list_column *list, sgf_error *err) {
    int column = table_find(table, name);
    sgf_error why;
    sgf_column_type wanted = type == LIST_ANY ? SGF_COLUMN_LIST_UTF8 : type;
    memset(list, 0, sizeof *list);
    list->column = -1;
    list->table = table;
    if (column < 0) return SGF_OK;
    if (table_type(table, column) == wanted) list->column = column;
    if (table_type(table, column) != SGF_COLUMN_UTF8 &&
        (type != LIST_ANY || (table_type(table, column) != SGF_COLUMN_I64 &&
                              table_type(table, column) != SGF_COLUMN_F64)))
        return SGF_OK;
    if (list_parse(table, column, type, list, &why))
        return base_fail_at(err, why.status, path, -1, "%s: %.900s", path, why.message);
    if (table_type(list->own, list->column) == wanted) return SGF_OK;
    return base_fail_at(err, SGF_ERR_FORMAT, path, -1,
                        "%s: column '%s' holds lists of lists, where lists of texts are wanted",
                        path, name);
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
    if (dash && dash[1] == 'm') dash = strrchr(dash, 's'); /* the name of the pool comes first */
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
static sgf_status answer_config_read(answer_file *f, sgf_error *err) {
    static const char *const decodings[] = {"select",     "hybrid", "tau",
                                            "from_layer", "beams",  "length_penalty"};
    size_t i;
    sgf_str text = table_metadata_get(f->table, "segfuse");
    base_map map;
    base_arena arena;
    json_doc json;
    int64_t count = 0;
    uint32_t node;
    sgf_status status = SGF_OK;
    memset(&map, 0, sizeof map);
    if (!text.ptr) {
        char sidecar[1100];
        const char *dot = strrchr(f->path, '.');
        snprintf(sidecar, sizeof sidecar, "%.*s.json",
                 dot ? (int)(dot - f->path) : (int)strlen(f->path), f->path);
        if (!strcmp(sidecar, f->path)) return SGF_OK;
        status = base_map_file(sidecar, NULL, &map, err);
        if (status) return status == SGF_ERR_MEMORY ? status : SGF_OK;
        text.ptr = base_arena_text(&f->arena, map.data, map.size, err);
        text.len = map.size;
        base_unmap(&map);
        if (!text.ptr) return SGF_ERR_MEMORY;
    }
    base_arena_init(&arena, NULL);
    status = json_parse(f->path, text.ptr, text.len, &arena, &json, err);
    if (!status && json_get(&json, 0, "segfuse")) {
        config_read_text(&json, "method", f->method, sizeof f->method);
        config_read_text(&json, "model", f->model, sizeof f->model);
        config_read_text(&json, "dataset", f->dataset, sizeof f->dataset);
        config_read_text(&json, "mask", f->mask, sizeof f->mask);
        config_read_text(&json, "positions", f->positions, sizeof f->positions);
        config_read_text(&json, "mass", f->mass, sizeof f->mass);
        if (json_get(&json, 0, "fusion"))
            snprintf(f->mass + strlen(f->mass), sizeof f->mass - strlen(f->mass), ", mixture");
        if (json_get(&json, 0, "arithmetic"))
            snprintf(f->mass + strlen(f->mass), sizeof f->mass - strlen(f->mass), ", bf16");
        for (i = 0; i < sizeof decodings / sizeof decodings[0]; i++) {
            size_t n = strlen(f->mass);
            node = json_get(&json, 0, decodings[i]);
            if (node && json.nodes[node].type == JSON_NUMBER)
                snprintf(f->mass + n, sizeof f->mass - n, ", %s %.12s", decodings[i],
                         base_show(json.nodes[node].text).text);
        }
        config_read_text(&json, "format", f->format, sizeof f->format);
        node = json_get(&json, 0, "separator");
        if (!strcmp(f->format, "shared+cue") && node &&
            (base_str_is(json.nodes[node].text, "\n") || !json.nodes[node].text.len))
            snprintf(f->format, sizeof f->format, "line"); /* what fused asks by itself */
        config_read_text(&json, "lines", f->format, sizeof f->format);
        node = json_get(&json, 0, "num_paraphrases");
        if (node && json_whole(&json, node, 0, 1000000, &count)) f->paraphrases = (long)count;
        node = json_get(&json, 0, "seed");
        if (node && json_whole(&json, node, 0, 2000000000, &count)) f->seed = (long)count;
        f->config = base_strip(text);
    }
    base_arena_free(&arena);
    return status == SGF_ERR_MEMORY ? status : SGF_OK;
}
void answer_whole(const answer_file *f, char *path, size_t cap) {
    const char *slash = strrchr(f->path, '/'), *name = slash ? slash + 1 : f->path, *end;
    end = strstr(name, f->partial ? ".partial." : ".shard-");
    if (!end) end = strrchr(name, '.');
    snprintf(path, cap, "%.*s", end ? (int)(end - f->path) : (int)strlen(f->path), f->path);
}
/* Is it a part of a result? Its metadata say so, of a CSV the name does. */
static sgf_status answer_part_read(answer_file *f, sgf_error *err) {
    const char *slash = strrchr(f->path, '/'), *at = strstr(slash ? slash : f->path, ".shard-");
    shard_part part;
    long shard, shards;
    sgf_status status;
    f->partial = table_metadata_get(f->table, "segfuse_partial").ptr != NULL;
    if (at && sscanf(at, ".shard-%ld-of-%ld.", &shard, &shards) == 2) f->shards = shards;
    status = shard_part_read(f->table, f->path, &part, err);
    if (!status) f->shards = part.shards;
    free(part.rows);
    return status == SGF_ERR_MEMORY ? status : SGF_OK;
}
int answer_same_method(const answer_file *a, const answer_file *b) {
    return !strcmp(a->method, b->method) && !strcmp(a->model, b->model) &&
           !strcmp(a->dataset, b->dataset) && a->seed == b->seed && !strcmp(a->format, b->format) &&
           !strcmp(a->mass, b->mass) && !strcmp(a->mask, b->mask);
}

method_kind answer_kind(const answer_file *f) {
    static const struct {
        const char *begin;
        method_kind kind;
    } kinds[] = {{"origin", KIND_BASELINE},    {"per_prompt", KIND_BASELINE},
                 {"avg", KIND_ENSEMBLE},       {"max", KIND_ENSEMBLE},
                 {"weighted_", KIND_ENSEMBLE}, {"entropy_avg", KIND_ENSEMBLE},
                 {"hidden", KIND_ENSEMBLE},    {"flex_attention", KIND_FUSION},
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
/* A file while its rows are matched. */
typedef struct {
    int fold, lemma; /* lemma: the file has columns of lemmas that can be read */
    list_column predicted;
    base_arena arena;
    sgf_str *form;   /* for each row the normal forms of its prediction and of its answers */
    uint8_t *wanted; /* [rows] is it matched? */
    lemma_book book;
} matching;

/* Has the file lemmas of the row's answer i, or of its prediction (i = 0), that are those of its normal
   form? What it says of another form is not what is compared. */
static int matching_given(const matching *m, const answer_file *f, size_t row, size_t i,
                          sgf_str text, sgf_str form) {
    return m->lemma && text.ptr == form.ptr && text.len == form.len &&
           !cell_null(m->predicted.table, m->predicted.column, row) &&
           !cell_null(f->stored.table, f->stored.column, row) &&
           (!i || i <= cell_count(f->stored.table, f->stored.column, row));
}
/* The normal forms of all texts, and the lemmas of those that need some. again: of the rows that were
   wrong and are other texts now. */
static sgf_status matching_prepare(matching *m, answer_file *f, int again, sgf_error *err) {
    size_t row, i, n, count = 0, cap = f->rows, at = 0;
    sgf_str *texts;
    sgf_status status = SGF_OK;
    for (row = 0; row < f->rows; row++, cap += n) list_cell(&f->answers, row, &n);
    m->form = (sgf_str *)calloc(cap + 1, sizeof *m->form);
    m->wanted = (uint8_t *)calloc(f->rows + 1, 1);
    texts = (sgf_str *)calloc(cap + 1, sizeof *texts);
    if (!m->form || !m->wanted || !texts)
        status = base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", f->path);
    for (row = 0; row < f->rows && !status; row++, at += n + 1) {
        const sgf_str *items = list_cell(&f->answers, row, &n);
        size_t before = count;
        m->wanted[row] = !again;
        if (again && (f->right[ONE_WAY][row] || unicode_blank(f->prediction[row]))) continue;
        for (i = 0; i <= n && !status; i++) {
            sgf_str text = i ? items[i - 1] : f->prediction[row];
            status = unicode_normal(text, m->fold, &m->arena, &m->form[at + i], err);
            m->wanted[row] |= m->form[at + i].ptr != text.ptr;
            if (!matching_given(m, f, row, i, text, m->form[at + i]))
                texts[count++] = m->form[at + i];
        }
        if (!m->wanted[row]) count = before;
    }
    if (!status) return lemma_book_make(&m->book, texts, count, err);
    free(texts);
    return status;
}
/* Match a row: right[0] and [1] one-way and two-way. The prediction's lemmas go to *words, if that is
   not NULL. `form` are the row's. */
static sgf_status matching_row(matching *m, answer_file *f, size_t row, const sgf_str *form,
                               uint8_t right[2], sgf_str *words, sgf_error *err) {
    size_t n, i, count, all = 0;
    const sgf_str *items = list_cell(&f->answers, row, &n), *inner;
    lemma_list own, gold;
    const lemma_list *mine = &own, *answer;
    int given = matching_given(m, f, row, 0, f->prediction[row], form[0]);
    sgf_status status = SGF_OK;
    right[0] = right[1] = 0;
    if (given) {
        inner = cell_list(m->predicted.table, m->predicted.column, row);
        count = cell_count(m->predicted.table, m->predicted.column, row);
        status = lemma_list_copy(inner, count, NULL, &own, err);
        if (status) return status;
        all = cell_count(f->stored.table, f->stored.column, row);
    } else mine = lemma_book_find(&m->book, form[0]);
    for (i = 0; (i < n || i < all) && !status && !right[ONE_WAY]; i++) {
        int stored = i >= n || matching_given(m, f, row, i + 1, items[i], form[i + 1]);
        answer = stored ? &gold : lemma_book_find(&m->book, form[i + 1]);
        if (stored) {
            inner = cell_inner(f->stored.table, f->stored.column, row, i, &count);
            status = lemma_list_copy(inner, count, NULL, &gold, err);
            if (status) break;
        }
        right[ONE_WAY] = (uint8_t)lemma_match(mine, answer, 0);
        if (lemma_match(mine, answer, 1)) right[TWO_WAY] = 1;
        if (stored) lemma_list_free(&gold);
    }
    if (!status && words) {
        *words = lemmas_join(&f->arena, mine->items, mine->count, err);
        if (!words->ptr) status = SGF_ERR_MEMORY;
    }
    if (given) lemma_list_free(&own);
    return status;
}
/* All rows; or again those that were wrong, to count which would be right if folded. */
static sgf_status matching_rows(matching *m, answer_file *f, int again, sgf_error *err) {
    size_t row, n, way, at = 0;
    uint8_t right[2];
    sgf_status status;
    int csv = !strcmp(table_format(f->table), "CSV"); /* nan may mean that there is nothing */
    m->form = NULL, m->wanted = NULL;
    memset(&m->book, 0, sizeof m->book);
    base_arena_init(&m->arena, NULL);
    status = matching_prepare(m, f, again, err);
    for (row = 0; row < f->rows && !status; row++, at += n + 1) {
        list_cell(&f->answers, row, &n);
        if (!m->wanted[row]) continue;
        status = matching_row(m, f, row, m->form + at, right, again ? NULL : &f->words[row], err);
        for (way = 0; way < 2 && !status; way++)
            if (again) f->foldable[way] += right[way] && !f->right[way][row];
            else f->right[way][row] = right[way];
        if (status || again) continue;
        f->hopeless += !n;
        if (csv && !right[TWO_WAY] && table_missing(f->prediction[row])) f->prediction[row].len = 0;
        if (!unicode_blank(f->prediction[row])) continue;
        f->empty++; /* wrong, whatever its lemmas are */
        f->right[ONE_WAY][row] = f->right[TWO_WAY][row] = 0;
    }
    lemma_book_free(&m->book);
    free(m->form), free(m->wanted);
    base_arena_free(&m->arena);
    return status;
}
static sgf_status answer_match(answer_file *f, int fold, sgf_error *err) {
    matching m;
    sgf_status status;
    m.fold = fold;
    /* lemma columns that cannot be read are made anew */
    if (list_open(f->path, f->table, "predict_lemma", SGF_COLUMN_LIST_UTF8, &m.predicted, NULL))
        list_close(&m.predicted);
    if (list_open(f->path, f->table, "answer_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &f->stored, NULL))
        list_close(&f->stored);
    m.lemma = m.predicted.column >= 0 && f->stored.column >= 0;
    status = matching_rows(&m, f, 0, err);
    m.fold = 1;
    if (!status && !fold) status = matching_rows(&m, f, 1, err);
    list_close(&m.predicted);
    return status;
}

/* ---- reading ---- */

static sgf_status answer_column(const answer_file *f, const char *name, int *column,
                                sgf_error *err) {
    sgf_column_type type = SGF_COLUMN_UTF8;
    *column = table_find(f->table, name);
    if (*column >= 0) type = table_type(f->table, *column);
    if (*column >= 0 &&
        (type == SGF_COLUMN_UTF8 || type == SGF_COLUMN_I64 || type == SGF_COLUMN_F64))
        return SGF_OK;
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
        else if (i >= 2) status = list_open(f->path, f->table, names[i], LIST_ANY, &f->asked, err);
    }
    return status;
}
/* A column of whole numbers and empty cells is one of floats to pandas: 1914 is written as 1914.0. */
static void answer_whole_numbers(answer_file *f) {
    size_t row, i, numbers = 0, empty = 0;
    for (row = 0; row < f->rows; row++) {
        sgf_str text = f->prediction[row];
        for (i = 0; i + 2 < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9';) i++;
        if (text.len && (!i || i + 2 != text.len || memcmp(text.ptr + i, ".0", 2))) return;
        text.len ? numbers++ : empty++;
    }
    if (!numbers || !empty) return;
    fprintf(stderr,
            "%s: the predictions are whole numbers with .0 behind, as pandas writes them beside "
            "empty cells; .0 is left out\n",
            f->path);
    for (row = 0; row < f->rows; row++)
        if (f->prediction[row].len) f->prediction[row].len -= 2;
}
/* Tables of segfuse with other columns of the same names. */
static sgf_status answer_others(answer_file *f, sgf_error *err) {
    const struct table *t = f->table;
    const char *what = NULL;
    if (table_find(t, "greedy_predict") >= 0 && table_find(t, "sample_predicts") >= 0)
        what = "confidences of segfuse confidence";
    if (table_find(t, "method") >= 0 && table_find(t, "index") >= 0 &&
        table_find(t, "correct_one_way") >= 0)
        what = "the rows that segfuse analyze --detailed wrote";
    if (!what) return SGF_OK;
    f->ours = 1;
    return base_fail_at(err, SGF_ERR_FORMAT, f->path, -1, "%s: holds %s, not a method's results",
                        f->path, what);
}
sgf_status answer_file_read(const char *path, int fold, answer_file *f, sgf_error *err) {
    int uuid = -1, prediction = -1, ours;
    size_t row, letters = 0;
    sgf_status status;
    memset(f, 0, sizeof *f);
    f->seed = -1;
    base_arena_init(&f->arena, NULL);
    snprintf(f->path, sizeof f->path, "%s", path);
    status = table_read(path, NULL, &f->table, err);
    if (!status) status = answer_others(f, err);
    if (!status) answer_name_read(f);
    if (!status) status = answer_config_read(f, err);
    if (!status) status = answer_part_read(f, err);
    if (!status) status = answer_column(f, "uuid", &uuid, err);
    if (!status) status = answer_column(f, "prediction", &prediction, err);
    if (!status) status = list_open(path, f->table, "answers", LIST_ANY, &f->answers, err);
    if (!status && f->answers.column < 0)
        status = base_fail_at(
            err, SGF_ERR_FORMAT, path, -1,
            "%s: there is no column \"answers\" with lists of texts; a result file "
            "has the columns uuid, answers and prediction",
            path);
    if (!status) status = answer_asked_open(f, err);
    if (!status) status = answer_file_room(f, table_rows(f->table), err);
    for (row = 0; row < f->rows && !status; row++) {
        f->uuid[row] = answer_cell_text(&f->arena, f->table, uuid, row, err);
        f->prediction[row] = answer_cell_text(&f->arena, f->table, prediction, row, err);
        letters += f->uuid[row].len == 1;
        if (!f->uuid[row].len)
            status = base_fail_at(err, SGF_ERR_FORMAT, path, -1, "%s: row %llu has no uuid", path,
                                  (unsigned long long)row + 1);
    }
    /* the original's per_prompt writes the first letter of each uuid */
    f->apart = f->rows > 16 && letters == f->rows;
    if (!status && !strcmp(table_format(f->table), "CSV")) answer_whole_numbers(f);
    if (!status) status = answer_match(f, fold, err);
    ours = f->ours;
    if (status) answer_file_free(f);
    f->ours = ours;
    return status;
}
