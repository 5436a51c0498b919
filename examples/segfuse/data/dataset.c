#include "dataset.h"
#include "../base/hash.h"
#include "../base/random.h"
#include "../cli/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const schema_text schemas[4] = {
    {"MyriadLAMA", "uuid, answers, manual_paraphrases, auto_paraphrases"},
    {"raw MyriadLAMA", "uuid, sub_ent, obj_aliases, template, is_manual"},
    {"WebQA", "answers, paraphrase0, paraphrase1, ..."},
    {"raw WebQA", "question, answers"}};

void dataset_free(dataset *d) {
    sgf_allocator mem = base_allocator(NULL);
    table_free(d->table);
    base_free(&mem, d->questions, d->cap, sizeof *d->questions);
    base_free(&mem, d->texts, d->text_cap, sizeof *d->texts);
    base_arena_free(&d->arena);
    memset(d, 0, sizeof *d);
}

/* ---- what is wrong ---- */

static sgf_status dataset_bad(const dataset *d, sgf_error *err, size_t row, const char *what) {
    return base_fail_at(err, SGF_ERR_FORMAT, d->source.path, -1, "%s: row %llu: %s", d->source.path,
                        (unsigned long long)row + 1, what);
}
/* "uuid (utf8), answers (list<utf8>), ...", as far as it fits */
static void columns_text(const struct table *table, char *out, size_t cap) {
    int c;
    size_t n = 0;
    out[0] = 0;
    for (c = 0; c < table_columns(table); c++) {
        int more = snprintf(out + n, cap - n, "%s%s (%s)", c ? ", " : "",
                            base_show(sgf_text(table_name(table, c))).text,
                            table_type_text(table, c));
        if (more < 0 || (size_t)more >= cap - n) {
            snprintf(out + n, cap - n, n ? ", ..." : "...");
            break;
        }
        n += (size_t)more;
    }
}
/* JSON of one row is likely one object around all of them: what pandas writes when it is not told
   otherwise ({"uuid": {"0": ...}, ...}), a list for each column, or {"data": [...]}. */
static const char *json_advice(const dataset *d) {
    if (strncmp(table_format(d->table), "JSON", 4) || table_rows(d->table) > 1) return "";
    return "; JSON is read as one object a row, each on a line of its own or all in one array (in "
           "pandas: to_json('out.jsonl', orient='records', lines=True))";
}
static sgf_status column_missing(const dataset *d, const char *name, sgf_error *err) {
    char columns[400];
    columns_text(d->table, columns, sizeof columns);
    return base_fail_at(err, SGF_ERR_FORMAT, d->source.path, -1,
                        "%s: the column \"%s\" is missing; %s needs %s; there is %s",
                        d->source.path, name, schemas[d->schema].name, schemas[d->schema].columns,
                        columns);
}
static sgf_status column_bad(const dataset *d, int column, const char *wanted, sgf_error *err) {
    return base_fail_at(
        err, SGF_ERR_FORMAT, d->source.path, -1, "%s: the column \"%s\" holds %s; %s wanted%s",
        d->source.path, base_show(sgf_text(table_name(d->table, column))).text,
        table_type_text(d->table, column), wanted,
        !strncmp(table_format(d->table), "Arrow", 5) && !strcmp(wanted, "texts are") &&
                !strstr(table_type_text(d->table, column), "binary")
            ? "; in pandas, .astype(str) makes them"
            : json_advice(d));
}

/* ---- columns ---- */

/* The first of these columns that is there, or -1. */
static int column_find(const dataset *d, const char *a, const char *b, const char *c) {
    int column = table_find(d->table, a);
    if (column < 0 && b) column = table_find(d->table, b);
    return column < 0 && c ? table_find(d->table, c) : column;
}
/* A column of texts, or of whole numbers that will do for texts? */
static int column_holds_texts(const dataset *d, int column) {
    sgf_column_type type = table_type(d->table, column);
    return type == SGF_COLUMN_UTF8 || type == SGF_COLUMN_I64;
}
/* -1 is no column, and no error. */
static sgf_status column_texts(const dataset *d, int column, sgf_error *err) {
    if (column < 0 || column_holds_texts(d, column)) return SGF_OK;
    return column_bad(d, column, "texts are", err);
}
/* The relation of the questions. Nobody needs it, so one that is no text is left alone. */
static int column_relation(const dataset *d) {
    int column = column_find(d, "rel", "rel_uri", "relation");
    return column_holds_texts(d, column) ? column : -1;
}
static sgf_status column_parse(dataset *d, int column, sgf_column_type type, sgf_error *err) {
    sgf_error why;
    if (!table_parse(d->table, column, type, &why)) return SGF_OK;
    return base_fail_at(err, why.status, d->source.path, -1, "%s: %s", d->source.path, why.message);
}
/* Lone numbers will do for texts, but whole ones are not what was meant: pandas makes floats of them. */
static sgf_status column_floats(const dataset *d, int column, sgf_error *err) {
    size_t row, rows = table_rows(d->table);
    for (row = 0; row < rows; row++) {
        double value = cell_f64(d->table, column, row);
        if (!cell_null(d->table, column, row) && fabs(value) < 1e15 && value == floor(value))
            return base_fail_at(
                err, SGF_ERR_FORMAT, d->source.path, -1,
                "%s: row %llu: the column \"%s\" holds %.1f, a whole number that "
                "became a float, as pandas makes it beside missing values; in pandas: "
                "df['%s'] = df['%s'].astype('Int64')",
                d->source.path, (unsigned long long)row + 1, table_name(d->table, column), value,
                table_name(d->table, column), table_name(d->table, column));
    }
    return SGF_OK;
}
/* A column of lists: as Arrow and JSON have them, or as tools print them in texts. Lists of lists are
   read as one list, and a lone text, number or truth value as a list of one. */
static sgf_status column_lists(dataset *d, int column, sgf_error *err) {
    sgf_error why;
    switch (table_type(d->table, column)) {
    case SGF_COLUMN_LIST_UTF8:
    case SGF_COLUMN_LIST_LIST_UTF8:
    case SGF_COLUMN_BOOL:
    case SGF_COLUMN_I64: return SGF_OK;
    case SGF_COLUMN_F64: return column_floats(d, column, err);
    case SGF_COLUMN_UTF8:
        if (!table_parse_lists(d->table, column, &why)) return SGF_OK;
        return base_fail_at(err, why.status, d->source.path, -1, "%s: %s", d->source.path,
                            why.message);
    default: return column < 0 ? SGF_OK : column_bad(d, column, "lists of texts are", err);
    }
}
static sgf_status column_bools(dataset *d, int column, sgf_error *err) {
    switch (table_type(d->table, column)) {
    case SGF_COLUMN_BOOL:
    case SGF_COLUMN_I64: return SGF_OK;
    case SGF_COLUMN_UTF8: return column_parse(d, column, SGF_COLUMN_BOOL, err);
    default: return column_bad(d, column, "True and False are", err);
    }
}

/* ---- cells ---- */

/* A text, or a number or a truth value as Python prints it. */
static sgf_status cell_string(dataset *d, int column, size_t row, sgf_str *out, sgf_error *err) {
    char text[40] = "";
    sgf_column_type type = table_type(d->table, column);
    *out = cell_text(d->table, column, row);
    if (!strcmp(table_format(d->table), "CSV") && table_missing(*out)) *out = sgf_text("");
    if (cell_null(d->table, column, row)) return SGF_OK;
    if (type == SGF_COLUMN_I64)
        snprintf(text, sizeof text, "%lld", (long long)cell_i64(d->table, column, row));
    else if (type == SGF_COLUMN_BOOL)
        snprintf(text, sizeof text, cell_bool(d->table, column, row) ? "True" : "False");
    else if (type == SGF_COLUMN_F64 && !isnan(cell_f64(d->table, column, row)))
        text[base_number_print(cell_f64(d->table, column, row), text)] = 0;
    else return SGF_OK;
    out->len = strlen(text);
    out->ptr = base_arena_text(&d->arena, text, out->len, err);
    return out->ptr ? SGF_OK : SGF_ERR_MEMORY;
}
/* One more answer or paraphrase of the last question. One that is empty is not there. */
static sgf_status text_add(dataset *d, sgf_str text, size_t *count, sgf_error *err) {
    sgf_allocator mem = base_allocator(NULL);
    void *texts = d->texts;
    sgf_status status;
    if (!text.len) return SGF_OK;
    status = base_grow(&mem, &texts, &d->text_cap, d->text_count + 1, sizeof *d->texts, err);
    d->texts = (sgf_str *)texts;
    if (status) return status;
    d->texts[d->text_count++] = text;
    ++*count;
    return SGF_OK;
}
/* All the texts of a cell, in order. */
static sgf_status cell_add(dataset *d, int column, size_t row, size_t *count, sgf_error *err) {
    const struct table *t = d->table;
    size_t n = cell_count(t, column, row), items, i, k;
    sgf_status status = SGF_OK;
    sgf_str text;
    switch (table_type(t, column)) {
    case SGF_COLUMN_LIST_UTF8:
        for (i = 0; i < n && !status; i++)
            status = text_add(d, cell_list(t, column, row)[i], count, err);
        return status;
    case SGF_COLUMN_LIST_LIST_UTF8:
        for (i = 0; i < n; i++) {
            const sgf_str *list = cell_inner(t, column, row, i, &items);
            for (k = 0; k < items && !status; k++) status = text_add(d, list[k], count, err);
        }
        return status;
    default:
        status = cell_string(d, column, row, &text, err);
        return status ? status : text_add(d, text, count, err);
    }
}

/* ---- questions ---- */

static sgf_status question_add(dataset *d, size_t row, question **out, sgf_error *err) {
    sgf_allocator mem = base_allocator(NULL);
    void *questions = d->questions;
    sgf_status status = base_grow(&mem, &questions, &d->cap, d->count + 1, sizeof *d->questions,
                                  err);
    d->questions = (question *)questions;
    if (status) return status;
    *out = &d->questions[d->count++];
    (*out)->row = row;
    return SGF_OK;
}
/* A name for a question that comes without one: the MD5 of its text, as the original has it. */
static sgf_status question_name(dataset *d, sgf_str text, sgf_str *uuid, sgf_error *err) {
    char digits[33];
    hash_md5_hex(text, digits);
    uuid->ptr = base_arena_text(&d->arena, digits, 32, err);
    uuid->len = 32;
    return uuid->ptr ? SGF_OK : SGF_ERR_MEMORY;
}

enum { AUTO_PICKS = 15 };

/* The original asks 15 of the automatic paraphrases, random.sample(autos, 15) after
   random.seed(uuid), and fails where there are fewer; then ours takes them all, as they come. */
static sgf_status autos_pick(sgf_str uuid, size_t n, size_t *picks, size_t *count, sgf_error *err) {
    py_random random;
    size_t i;
    *count = n < AUTO_PICKS ? n : AUTO_PICKS;
    for (i = 0; i < *count; i++) picks[i] = i;
    if (n < AUTO_PICKS) return SGF_OK;
    py_random_seed_text(&random, uuid);
    return py_random_sample(&random, n, AUTO_PICKS, picks, NULL, err);
}

/* ---- MyriadLAMA ---- */

static sgf_status myriad_autos(dataset *d, question *q, int column, sgf_error *err) {
    struct table *t = d->table;
    size_t picks[AUTO_PICKS], n = cell_count(t, column, q->row), i;
    const sgf_str *list = cell_list(t, column, q->row);
    sgf_status status;
    if (!list) return cell_add(d, column, q->row, &q->paraphrase_count, err);
    status = autos_pick(q->uuid, n, picks, &n, err);
    for (i = 0; i < n && !status; i++)
        status = text_add(d, list[picks[i]], &q->paraphrase_count, err);
    return status;
}
static sgf_status myriad_read(dataset *d, sgf_error *err) {
    int uuid = column_find(d, "uuid", NULL, NULL), answers = column_find(d, "answers", NULL, NULL);
    int relation = column_relation(d);
    int manual = column_find(d, "manual_paraphrases", NULL, NULL);
    int autos = column_find(d, "auto_paraphrases", NULL, NULL);
    size_t row;
    question *q = NULL;
    sgf_status status;
    if (uuid < 0 || answers < 0) return column_missing(d, uuid < 0 ? "uuid" : "answers", err);
    status = column_texts(d, uuid, err);
    if (!status) status = column_lists(d, answers, err);
    if (!status) status = column_lists(d, manual, err);
    if (!status) status = column_lists(d, autos, err);
    for (row = 0; row < table_rows(d->table) && !status; row++) {
        status = question_add(d, row, &q, err);
        if (!status) status = cell_string(d, uuid, row, &q->uuid, err);
        if (!status) status = cell_string(d, relation, row, &q->relation, err);
        if (!status) status = cell_add(d, answers, row, &q->answer_count, err);
        if (!status) status = cell_add(d, manual, row, &q->paraphrase_count, err);
        if (status) break;
        q->manual_count = q->paraphrase_count;
        status = myriad_autos(d, q, autos, err);
    }
    return status;
}

/* ---- raw MyriadLAMA: rows to questions ---- */

typedef struct {
    int uuid, relation, subject, answers, phrase, manual;
} raw_columns;

int row_key_order(const void *a, const void *b) {
    const row_key *x = (const row_key *)a, *y = (const row_key *)b;
    int order = text_order(x->uuid, y->uuid);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}
int row_key_same(const row_key *a, const row_key *b) {
    return text_same(a->uuid, b->uuid);
}

/* What a template may become. A long subject in many places is longer than the file itself, by a
   square. */
enum { FILLED_MOST = 1 << 20 };

/* `text`, of that row, with every `from` replaced by `to`. */
static sgf_status text_replace(dataset *d, size_t row, sgf_str text, const char *from, sgf_str to,
                               sgf_str *out, sgf_error *err) {
    size_t size = strlen(from), at = 0, start = 0;
    base_buf buf;
    sgf_status status = SGF_OK;
    base_buf_init(&buf, NULL);
    while (at + size <= text.len && !status) {
        if (memcmp(text.ptr + at, from, size)) {
            at++;
            continue;
        }
        status = base_buf_add(&buf, text.ptr + start, at - start, err);
        if (!status) status = base_buf_add(&buf, to.ptr, to.len, err);
        if (!status && buf.len > FILLED_MOST)
            status = dataset_bad(d, err, row,
                                 "its template with every [X] and [Y] filled is longer than 1 MiB; "
                                 "shorten sub_ent or template");
        start = at += size;
    }
    if (!status) status = base_buf_add(&buf, text.ptr + start, text.len - start, err);
    if (!status) {
        out->ptr = base_arena_text(&d->arena, buf.ptr, buf.len, err);
        out->len = buf.len;
        if (!out->ptr) status = SGF_ERR_MEMORY;
    }
    base_buf_free(&buf);
    return status;
}
/* The template of a row with its blanks filled: [X] the subject, [Y] the mask. */
static sgf_status raw_fill(dataset *d, const raw_columns *c, size_t row, sgf_str subject,
                           question *q, sgf_error *err) {
    sgf_str text;
    sgf_status status = cell_string(d, c->phrase, row, &text, err);
    if (!status && !text.len) return dataset_bad(d, err, row, "has no template");
    if (!status) status = text_replace(d, row, text, "[X]", subject, &text, err);
    if (!status) status = text_replace(d, row, text, "[Y]", sgf_text("[MASK]"), &text, err);
    return status ? status : text_add(d, text, &q->paraphrase_count, err);
}
static int raw_is_manual(const dataset *d, const raw_columns *c, size_t row) {
    return table_type(d->table, c->manual) == SGF_COLUMN_BOOL
               ? cell_bool(d->table, c->manual, row)
               : cell_i64(d->table, c->manual, row) != 0;
}
/* The rows keys[0..n) of one uuid become a question: what they share is taken from the first;
   manual templates come before automatic ones. `autos` has room for n. */
static sgf_status raw_question(dataset *d, const raw_columns *c, const row_key *keys, size_t n,
                               size_t *autos, sgf_error *err) {
    size_t picks[AUTO_PICKS], first = keys[0].row, count = 0, i;
    sgf_str subject = sgf_text("");
    question *q = NULL;
    sgf_status status = question_add(d, first, &q, err);
    if (!status) q->uuid = keys[0].uuid;
    if (!status) status = cell_string(d, c->relation, first, &q->relation, err);
    if (!status) status = cell_string(d, c->subject, first, &subject, err);
    if (!status && !subject.len) status = dataset_bad(d, err, first, "has no sub_ent");
    if (!status) status = cell_add(d, c->answers, first, &q->answer_count, err);
    for (i = 0; i < n && !status; i++) {
        if (cell_null(d->table, c->manual, keys[i].row))
            return dataset_bad(d, err, keys[i].row, "has no is_manual");
        if (!raw_is_manual(d, c, keys[i].row)) autos[count++] = keys[i].row;
        else status = raw_fill(d, c, keys[i].row, subject, q, err);
    }
    if (status) return status;
    q->manual_count = q->paraphrase_count;
    status = autos_pick(q->uuid, count, picks, &count, err);
    for (i = 0; i < count && !status; i++)
        status = raw_fill(d, c, autos[picks[i]], subject, q, err);
    return status;
}
/* Questions come in the order of their uuids, as pandas' groupby gives them to the original. */
static sgf_status raw_group(dataset *d, const raw_columns *c, row_key *keys, size_t *autos,
                            size_t rows, sgf_error *err) {
    size_t row, n;
    sgf_status status = SGF_OK;
    for (row = 0; row < rows && !status; row++) {
        keys[row].row = row;
        status = cell_string(d, c->uuid, row, &keys[row].uuid, err);
        if (!status && !keys[row].uuid.len) status = dataset_bad(d, err, row, "has no uuid");
    }
    if (!status && rows) qsort(keys, rows, sizeof *keys, row_key_order);
    for (row = 0; row < rows && !status; row += n) {
        for (n = 1; row + n < rows && row_key_same(&keys[row], &keys[row + n]); n++) {}
        status = raw_question(d, c, keys + row, n, autos, err);
    }
    return status;
}
static sgf_status raw_read(dataset *d, sgf_error *err) {
    size_t rows = table_rows(d->table);
    row_key *keys;
    size_t *autos;
    raw_columns c;
    sgf_status status;
    c.uuid = column_find(d, "uuid", NULL, NULL);
    c.relation = column_relation(d);
    c.subject = column_find(d, "sub_ent", NULL, NULL);
    c.answers = column_find(d, "obj_aliases", NULL, NULL);
    c.phrase = column_find(d, "template", NULL, NULL);
    c.manual = column_find(d, "is_manual", NULL, NULL);
    if (c.uuid < 0) return column_missing(d, "uuid", err);
    if (c.subject < 0) return column_missing(d, "sub_ent", err);
    if (c.answers < 0) return column_missing(d, "obj_aliases", err);
    if (c.manual < 0) return column_missing(d, "is_manual", err);
    status = column_texts(d, c.uuid, err);
    if (!status) status = column_texts(d, c.subject, err);
    if (!status) status = column_lists(d, c.answers, err);
    if (!status) status = column_texts(d, c.phrase, err);
    if (!status) status = column_bools(d, c.manual, err);
    if (status) return status;
    keys = (row_key *)calloc(rows + 1, sizeof *keys);
    autos = (size_t *)calloc(rows + 1, sizeof *autos);
    if (keys && autos) status = raw_group(d, &c, keys, autos, rows, err);
    else status = base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", d->source.path);
    free(keys);
    free(autos);
    return status;
}

/* ---- WebQA, processed and raw ---- */

enum { MAX_PARAPHRASE_COLUMNS = 64 };

/* question, if paraphrase0 is not there; paraphrase0, paraphrase1, ... without a gap. */
static sgf_status webqa_columns(dataset *d, int *columns, int *count, sgf_error *err) {
    char name[32];
    int i, column, single = column_find(d, "question", "qText", NULL), missing = -1;
    sgf_status status = SGF_OK;
    *count = 0;
    for (i = 0; i < MAX_PARAPHRASE_COLUMNS && !status; i++) {
        snprintf(name, sizeof name, "paraphrase%d", i);
        column = table_find(d->table, name);
        if (!i && column < 0) column = single;
        if (column < 0 && missing < 0) missing = i;
        if (column < 0) continue;
        snprintf(name, sizeof name, "paraphrase%d", missing);
        if (missing >= 0) return column_missing(d, name, err);
        columns[(*count)++] = column;
        status = column_texts(d, column, err);
    }
    return status;
}
static sgf_status webqa_read(dataset *d, sgf_error *err) {
    int columns[MAX_PARAPHRASE_COLUMNS], count, c;
    int uuid = column_find(d, "uuid", NULL, NULL), answers = column_find(d, "answers", NULL, NULL);
    int relation = column_relation(d);
    size_t row;
    question *q = NULL;
    sgf_status status;
    if (answers < 0) return column_missing(d, "answers", err);
    status = webqa_columns(d, columns, &count, err);
    if (!status) status = column_texts(d, uuid, err);
    if (!status) status = column_lists(d, answers, err);
    for (row = 0; row < table_rows(d->table) && !status; row++) {
        sgf_str text = sgf_text("");
        status = question_add(d, row, &q, err);
        if (!status) status = cell_string(d, uuid, row, &q->uuid, err);
        if (!status) status = cell_string(d, relation, row, &q->relation, err);
        if (!status) status = cell_add(d, answers, row, &q->answer_count, err);
        if (!status) status = cell_string(d, columns[0], row, &text, err);
        for (c = 0; c < count && !status; c++)
            status = cell_add(d, columns[c], row, &q->paraphrase_count, err);
        if (status) break;
        q->manual_count = text.len != 0;
        if (!q->uuid.len && text.len) status = question_name(d, text, &q->uuid, err);
    }
    return status;
}

/* ---- a whole data set ---- */

/* Columns that are used may not be there twice: which of them was meant? */
static sgf_status dataset_names(const dataset *d, sgf_error *err) {
    static const char *const used[] = {"uuid",
                                       "answers",
                                       "rel",
                                       "rel_uri",
                                       "relation",
                                       "sub_ent",
                                       "question",
                                       "qText",
                                       "template",
                                       "is_manual",
                                       "obj_aliases",
                                       "manual_paraphrases",
                                       "auto_paraphrases"};
    int c, first;
    size_t i;
    for (c = 0; c < table_columns(d->table); c++) {
        const char *name = table_name(d->table, c);
        for (i = 0; i < sizeof used / sizeof used[0] && strcmp(name, used[i]); i++) {}
        if (i == sizeof used / sizeof used[0] && strncmp(name, "paraphrase", 10)) continue;
        first = table_find(d->table, name);
        if (first < c)
            return base_fail_at(
                err, SGF_ERR_FORMAT, d->source.path, -1,
                "%s: columns %d and %d, counted from 1, are both named \"%s\"; rename "
                "or drop one of them",
                d->source.path, first + 1, c + 1, base_show(sgf_text(name)).text);
    }
    return SGF_OK;
}
static sgf_status dataset_schema(dataset *d, sgf_error *err) {
    char columns[300];
    if (!table_columns(d->table))
        return base_fail_at(err, SGF_ERR_FORMAT, d->source.path, -1,
                            "%s: is empty; questions were wanted", d->source.path);
    if (column_find(d, "manual_paraphrases", "auto_paraphrases", NULL) >= 0)
        d->schema = SCHEMA_MYRIADLAMA;
    else if (column_find(d, "template", NULL, NULL) >= 0) d->schema = SCHEMA_MYRIADLAMA_RAW;
    else if (column_find(d, "paraphrase0", "paraphrase1", NULL) >= 0) d->schema = SCHEMA_WEBQA;
    else if (column_find(d, "question", "qText", NULL) >= 0) d->schema = SCHEMA_WEBQA_RAW;
    else {
        columns_text(d->table, columns, sizeof columns);
        return base_fail_at(
            err, SGF_ERR_FORMAT, d->source.path, -1,
            "%s: no questions: its columns are %s; wanted are those of %s (%s), %s (%s), %s (%s) or "
            "%s (%s)%s",
            d->source.path, columns, schemas[0].name, schemas[0].columns, schemas[1].name,
            schemas[1].columns, schemas[2].name, schemas[2].columns, schemas[3].name,
            schemas[3].columns, json_advice(d));
    }
    return SGF_OK;
}
/* Now that the texts stay where they are: which of them belong to which question. */
static void dataset_link(dataset *d) {
    size_t i, at = 0;
    for (i = 0; i < d->count; i++) {
        question *q = &d->questions[i];
        q->answers = d->texts + at;
        q->paraphrases = q->answers + q->answer_count;
        at += q->answer_count + q->paraphrase_count;
    }
}
enum { RAW_TEST = 2000 };

/* The original draws its 2000 test questions from the raw MyriadLAMA file, and its examples from the rest:
   train_test_split(test_size=2000, seed=42) of Hugging Face datasets. NULL wants them all; so few
   questions that they cannot be split are not. */
static sgf_status raw_split(dataset *d, const char *wanted, sgf_error *err) {
    sgf_allocator mem = base_allocator(NULL);
    size_t *order, n, i, first = RAW_TEST;
    question *chosen;
    int test = wanted && !strcmp(wanted, "test");
    sgf_status status;
    if (d->count <= RAW_TEST || (!test && (!wanted || strcmp(wanted, "train")))) return SGF_OK;
    n = test ? RAW_TEST : d->count - RAW_TEST;
    order = (size_t *)calloc(d->count, sizeof *order);
    chosen = (question *)base_alloc(&mem, n, sizeof *chosen, err);
    status = order ? numpy_permutation(42, d->count, order, err)
                   : base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", d->source.path);
    if (test) first = 0;
    for (i = 0; i < n && chosen && !status; i++) chosen[i] = d->questions[order[first + i]];
    free(order);
    if (status || !chosen) {
        base_free(&mem, chosen, n, sizeof *chosen);
        return status ? status : SGF_ERR_MEMORY;
    }
    base_free(&mem, d->questions, d->cap, sizeof *d->questions);
    d->questions = chosen;
    d->count = d->cap = n;
    snprintf(d->source.split, sizeof d->source.split, "%s", wanted);
    return SGF_OK;
}
/* Results are filed under uuids: no two questions may have the same. */
static sgf_status dataset_check_uuids(const dataset *d, sgf_error *err) {
    row_key *keys = (row_key *)calloc(d->count + 1, sizeof *keys);
    size_t i;
    sgf_status status = SGF_OK;
    if (!keys) return base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", d->source.path);
    for (i = 0; i < d->count; i++) {
        keys[i].uuid = d->questions[i].uuid;
        keys[i].row = d->questions[i].row;
    }
    if (d->count) qsort(keys, d->count, sizeof *keys, row_key_order);
    for (i = 1; i < d->count && !status; i++)
        if (row_key_same(&keys[i - 1], &keys[i]))
            status = base_fail_at(
                err, SGF_ERR_FORMAT, d->source.path, -1,
                "%s: row %llu: the uuid \"%s\" is that of row %llu; each question "
                "needs its own (without one it is the MD5 of the question)",
                d->source.path, (unsigned long long)keys[i].row + 1, base_show(keys[i].uuid).text,
                (unsigned long long)keys[i - 1].row + 1);
    free(keys);
    return status;
}
/* A list that became a text, within a list: nobody answers with brackets and quotes. */
static int is_printed_list(sgf_str text) {
    return text.len > 3 && text.ptr[0] == '[' && strchr("'\"", text.ptr[1]) &&
           text.ptr[text.len - 1] == ']' && strchr("'\"", text.ptr[text.len - 2]);
}
static sgf_status dataset_check(const dataset *d, sgf_error *err) {
    size_t i, k;
    if (!d->count)
        return base_fail_at(err, SGF_ERR_FORMAT, d->source.path, -1, "%s: there are no rows in it",
                            d->source.path);
    for (i = 0; i < d->count; i++) {
        const question *q = &d->questions[i];
        if (!q->paraphrase_count)
            return dataset_bad(d, err, q->row,
                               d->schema == SCHEMA_WEBQA_RAW ? "has no question"
                                                             : "has no paraphrases");
        if (!q->uuid.len) return dataset_bad(d, err, q->row, "has no uuid");
        if (!q->answer_count) return dataset_bad(d, err, q->row, "has no answers");
        for (k = 0; k < q->answer_count; k++)
            if (is_printed_list(q->answers[k]))
                return base_fail_at(err, SGF_ERR_FORMAT, d->source.path, -1,
                                    "%s: row %llu: its answer %s is a list that was printed into a "
                                    "text; in Python, ast.literal_eval makes it a list again",
                                    d->source.path, (unsigned long long)q->row + 1,
                                    base_show(q->answers[k]).text);
    }
    return dataset_check_uuids(d, err);
}
/* A digest of everything that is asked and expected. */
static sgf_status dataset_digest(dataset *d, sgf_error *err) {
    base_buf all;
    size_t row, i;
    sgf_str text;
    sgf_status status = SGF_OK;
    base_buf_init(&all, NULL);
    for (row = 0; row < d->count && !status; row++) {
        const question *q = &d->questions[row];
        status = base_buf_add(&all, q->uuid.ptr, q->uuid.len, err);
        for (i = 0; i < q->answer_count && !status; i++) {
            status = base_buf_add(&all, "\1", 1, err);
            if (!status) status = base_buf_add(&all, q->answers[i].ptr, q->answers[i].len, err);
        }
        for (i = 0; i < q->paraphrase_count && !status; i++) {
            status = base_buf_add(&all, "\2", 1, err);
            if (!status)
                status = base_buf_add(&all, q->paraphrases[i].ptr, q->paraphrases[i].len, err);
        }
    }
    text.ptr = all.ptr ? all.ptr : "";
    text.len = all.len;
    if (!status) hash_md5_hex(text, d->identity);
    base_buf_free(&all);
    return status;
}

sgf_status dataset_load(const char *path, const char *wanted, dataset *d, sgf_error *err) {
    sgf_status status;
    memset(d, 0, sizeof *d);
    status = data_read(path, wanted, &d->source, &d->table, err);
    if (status) return status;
    base_arena_init(&d->arena, NULL);
    status = dataset_names(d, err);
    if (!status) status = dataset_schema(d, err);
    if (!status) switch (d->schema) {
        case SCHEMA_MYRIADLAMA: status = myriad_read(d, err); break;
        case SCHEMA_MYRIADLAMA_RAW: status = raw_read(d, err); break;
        default: status = webqa_read(d, err); break;
        }
    if (!status) {
        dataset_link(d);
        status = dataset_check(d, err);
    }
    if (!status && d->schema == SCHEMA_MYRIADLAMA_RAW) status = raw_split(d, wanted, err);
    if (!status) status = dataset_digest(d, err);
    if (status) dataset_free(d);
    return status;
}

sgf_status dataset_ask(dataset *d, const char *const *texts, size_t n, sgf_error *err) {
    sgf_allocator mem = base_allocator(NULL);
    size_t i;
    memset(d, 0, sizeof *d);
    base_arena_init(&d->arena, NULL);
    snprintf(d->source.path, sizeof d->source.path, "the question");
    d->questions = (question *)base_alloc(&mem, 1, sizeof *d->questions, err);
    if (!d->questions) return SGF_ERR_MEMORY;
    d->cap = d->count = 1;
    d->texts = (sgf_str *)base_alloc(&mem, n, sizeof *d->texts, err);
    if (!d->texts) return SGF_ERR_MEMORY;
    d->text_cap = d->text_count = n;
    for (i = 0; i < n; i++) d->texts[i] = sgf_text(texts[i]);
    d->questions[0].uuid = sgf_text("1");
    d->questions[0].paraphrase_count = d->questions[0].manual_count = n;
    dataset_link(d);
    return SGF_OK;
}

int dataset_masked(sgf_str text) {
    static const char mask[] = "[MASK]";
    size_t i, n = sizeof mask - 1;
    for (i = 0; i + n <= text.len; i++)
        if (!memcmp(text.ptr + i, mask, n)) return 1;
    return 0;
}
const char *dataset_instruction(const char *kind) {
    return !strcmp(kind, "webqa") ? "Answer the question based on general world knowledge. Provide "
                                    "a short and direct answer."
                                  : "Based on the context, predict the [MASK] in the sentence in "
                                    "one word.";
}
sgf_status dataset_examples(const dataset *d, long seed, size_t k, size_t *spares,
                            sgf_example *examples, sgf_error *err) {
    size_t all = k + *spares < d->count ? k + *spares : d->count, n = k, i, j;
    size_t *picks, *more;
    py_random random;
    sgf_status status;
    if (k > d->count)
        return base_fail_at(err, SGF_ERR_ARG, d->source.path, -1,
                            "%s has %llu questions; %llu few-shot examples were asked for "
                            "(--num_fewshots %llu takes them all)",
                            d->source.path, (unsigned long long)d->count, (unsigned long long)k,
                            (unsigned long long)d->count);
    picks = (size_t *)calloc(2 * all + 1, sizeof *picks);
    if (!picks)
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for %llu examples",
                         (unsigned long long)k);
    more = picks + all;
    py_random_seed(&random, seed);
    status = py_random_sample(&random, d->count, k, picks, NULL, err);
    py_random_seed(&random, seed);
    if (!status) status = py_random_sample(&random, d->count, all, more, NULL, err);
    for (i = 0; i < all && !status; i++) {
        for (j = 0; j < k && more[i] != picks[j]; j++) {}
        if (j == k && n < all) picks[n++] = more[i];
    }
    for (i = 0; i < n && !status; i++) {
        const question *q = &d->questions[picks[i]];
        examples[i].question = q->paraphrases[0];
        examples[i].answer = q->answers[0];
        examples[i].paraphrase = q->paraphrases;
        examples[i].paraphrases = q->paraphrase_count;
    }
    *spares = n - k;
    free(picks);
    return status;
}
int dataset_example_is(const sgf_example *example, const question *q) {
    size_t i, j;
    for (i = 0; i < example->paraphrases; i++)
        for (j = 0; j < q->paraphrase_count; j++)
            if (text_same(example->paraphrase[i], q->paraphrases[j])) return 1;
    return 0;
}
