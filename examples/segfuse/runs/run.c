#define _XOPEN_SOURCE 700
#include "run.h"
#include "../masks/layoutfile.h"
#include "accident.h"
#include "../data/lemma.h"
#include "../cli/options.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "journal.h"
#include "relations.h"
#include "shard.h"
#include "results.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many rows a question has in the result. */
static size_t question_rows(const generate_run *run, const sgf_method *m, const question *q) {
    return strcmp(m->name, "per_prompt") ? 1 : method_count(run, m, q);
}
/* The first row of each question, and, behind the last one, how many rows there are. NULL: no memory. */
static size_t *method_rows(const generate_run *run, const sgf_method *m) {
    size_t *first = (size_t *)calloc(run->count + 1, sizeof *first), q;
    for (q = 0; first && q < run->count; q++)
        first[q + 1] = first[q] + question_rows(run, m, &run->data.questions[q]);
    return first;
}

/* ---- batches ---- */

/* The layout of one context of a task, with the mask of --mask FILE if there is one. */
static sgf_status run_layout(const generate_run *run, const sgf_method *method, unsigned accidents,
                             const sgf_prompt *prompt, size_t which, sgf_task *task,
                             sgf_layout *layout, base_arena *arena, sgf_error *err) {
    const sgf_tokenizer *tokenizer = run->model->tokenizer;
    sgf_status status;
    if (accidents)
        status = accident_layout(tokenizer, prompt, method, accidents, task->max_new_tokens, layout,
                                 &task->segment, arena, err);
    else status = sgf_prompt_layout(tokenizer, prompt, method, which, layout, err);
    if (status || !run->matrix) return status;
    status = matrix_set(layout, run->matrix, err);
    if (accidents & ACCIDENT_SWAPPED) accident_hide(layout); /* whatever the matrix says */
    return status;
}
/* One task: the contexts of `method` for a question, or for paraphrase `which` of it. */
static sgf_status batch_task(const generate_run *run, const sgf_method *method, unsigned accidents,
                             const sgf_prompt *prompt, size_t which, batch *b, sgf_error *err) {
    sgf_task *task = &b->tasks[b->count++];
    size_t c;
    sgf_status status = SGF_OK;
    task->context = b->layouts + b->layout_count;
    task->contexts = method->contexts == SGF_CONTEXTS_ENSEMBLE ? prompt->paraphrases : 1;
    task->combine = method->combine;
    task->decoding = method->decoding;
    task->weight = prompt->weight;
    task->max_new_tokens = (size_t)method_tokens(run, method);
    task->ids = (int32_t *)base_arena_alloc(&b->arena, task->max_new_tokens, sizeof(int32_t), err);
    task->trust = (double *)base_arena_alloc(&b->arena, 2 * prompt->paraphrases,
                                             sizeof *task->trust, err);
    if (!task->ids || !task->trust) return SGF_ERR_MEMORY;
    for (c = 0; c < task->contexts && !status; c++) {
        sgf_layout *layout = &b->layouts[b->layout_count++];
        sgf_layout_init(layout, NULL);
        status = run_layout(run, method, accidents, prompt, task->contexts > 1 ? c : which, task,
                            layout, &b->arena, err);
    }
    return status;
}
sgf_status batch_build(const generate_run *run, const sgf_method *m, const size_t *questions,
                       size_t n, batch *b, sgf_error *err) {
    size_t each = strcmp(m->name, "per_prompt") ? 1 : (size_t)run->o.paraphrases, q, t;
    size_t contexts = relation_contexts(run, m);
    sgf_prompt prompt;
    sgf_status status = SGF_OK;
    memset(b, 0, sizeof *b);
    base_arena_init(&b->arena, NULL);
    b->tasks = (sgf_task *)base_arena_alloc(&b->arena, n * each, sizeof *b->tasks, err);
    b->layouts = (sgf_layout *)base_arena_alloc(&b->arena, n * each * contexts, sizeof *b->layouts,
                                                err);
    b->asked = (asked *)base_arena_alloc(&b->arena, n, sizeof *b->asked, err);
    if (!b->tasks || !b->layouts || !b->asked) return SGF_ERR_MEMORY;
    memset(&prompt, 0, sizeof prompt);
    run_prompt(run, &prompt);
    for (q = 0; q < n && !status; q++) {
        const question *one = &run->data.questions[questions[q]];
        const sgf_method *asks = m;
        const generate_run *by = relation_run(run, one, &asks);
        asked *a = &b->asked[q];
        sgf_method own = *asks;
        run_bos(run, &own);
        status = question_ask(by, asks, one, &b->arena, a, err);
        if (!status) status = question_examples(run, &own, one, &b->arena, &prompt, err);
        prompt.weight = a->weight;
        prompt.paraphrase = a->text;
        prompt.manual = a->manual;
        prompt.paraphrases = a->n;
        for (t = 0; t < question_rows(run, m, one) && !status; t++)
            status = batch_task(by, &own, run_accidents(by, asks), &prompt, t, b, err);
    }
    return status;
}
void batch_free(batch *b) {
    while (b->layout_count) sgf_layout_free(&b->layouts[--b->layout_count]);
    base_arena_free(&b->arena);
}

int layout_dump(generate_run *run, const sgf_method *m) {
    sgf_error err;
    batch b;
    size_t first = 0;
    sgf_status status = batch_build(run, m, &first, run->count ? 1 : 0, &b, &err);
    if (!status && b.layout_count)
        status = layoutfile_write(&b.layouts[0], run->o.dump_layout, &err);
    batch_free(&b);
    return status ? failed(verb_now, &err) : 0;
}

/* ---- one method ---- */

/* `folder`/name of the files of this run of the method, without the extension. */
static void method_path(const generate_run *run, const sgf_method *m, char *path, size_t cap) {
    size_t n;
    result_path(run, m, path, cap);
    n = strlen(path);
    if (run->shards) snprintf(path + n, cap - n, ".shard-%ld-of-%ld", run->shard, run->shards);
}
int method_path_fits(const generate_run *run, const sgf_method *m) {
    char path[1100];
    method_path(run, m, path, sizeof path);
    if (strlen(path) + sizeof ".partial.feather.4294967295-4294967295.tmp" < sizeof path) return 1;
    fprintf(stderr,
            "segfuse generate: the files of %s would have paths of more than %d bytes (%.60s...); "
            "give a shorter --output%s\n",
            m->name, (int)sizeof path, path, run->o.indexs ? " or fewer --indexs" : "");
    return 0;
}
/* The questions of this shard that have a row to be computed, in out[]; *mine counts all of the
   shard. */
static size_t method_todo(const generate_run *run, const size_t *first, const journal *j,
                          size_t *out, size_t *mine) {
    size_t q, row, n = 0;
    *mine = 0;
    for (q = 0; q < run->count; q++) {
        if (!shard_has(run->shard, run->shards, run->data.questions[q].uuid)) continue;
        ++*mine;
        for (row = first[q]; row < first[q + 1] && j->place[row]; row++) {}
        if (row < first[q + 1]) out[n++] = q;
    }
    return n;
}
/* What a row adds to its method's result, for the journal; and back. */
static void result_tally(const method_result *r, uint64_t *tally) {
    memset(tally, 0, MAX_TALLIES * sizeof *tally);
    tally[0] = r->right, tally[1] = r->right_one_way, tally[2] = r->passes;
    tally[3] = r->steps, tally[4] = r->prefill, tally[5] = r->decode;
    tally[6] = r->empty, tally[7] = r->ended;
}
static void result_sum(method_result *r, const journal *j) {
    r->rows = j->count;
    r->right = (size_t)j->tally[0], r->right_one_way = (size_t)j->tally[1];
    r->passes = (size_t)j->tally[2], r->steps = (size_t)j->tally[3];
    r->prefill = (size_t)j->tally[4], r->decode = (size_t)j->tally[5];
    r->empty = (size_t)j->tally[6], r->ended = (size_t)j->tally[7];
}
/* ---- questions in work ---- */

/* A question that is asked: its tasks, and how many of them went out and came back. */
typedef struct work {
    struct work *next;
    size_t question, given, left;
    batch b;
} work;

/* A method at work: where questions come from and rows go. */
typedef struct {
    generate_run *run;
    const sgf_method *m;
    result_table *t;
    journal *j;
    method_result *result;
    const size_t *first;     /* [questions + 1] see method_rows */
    size_t *todo, todos, at; /* questions that are left to ask, and the next one */
    size_t before, mine;     /* questions of this shard: done before, and all */
    size_t tokens;           /* that earlier runs computed */
    work *open;              /* the newest first */
    progress bar;
} method_work;

static void work_free(method_work *w, work *done) {
    work **at = &w->open;
    while (*at != done) at = &(*at)->next;
    *at = done->next;
    batch_free(&done->b);
    free(done);
}
static sgf_status work_open(method_work *w, sgf_error *err) {
    work *made = (work *)calloc(1, sizeof *made);
    sgf_status status;
    if (!made) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    made->question = w->todo[w->at++];
    status = batch_build(w->run, w->m, &made->question, 1, &made->b, err);
    made->left = made->b.count;
    made->next = w->open;
    w->open = made;
    return status;
}
/* The next task of the newest question, or the first one of the next question, until a signal comes. A
   question that was finished in part is asked only for the rows that it lacks. */
static sgf_status work_next(void *user, sgf_task **task, sgf_error *err) {
    method_work *w = (method_work *)user;
    sgf_status status = SGF_OK;
    while (!*task && !status) {
        work *now = w->open;
        if (now && now->given < now->b.count) {
            if (w->j->place[w->first[now->question] + now->given]) now->left--;
            else *task = &now->b.tasks[now->given];
            now->given++;
        } else if (stop_signal || w->at == w->todos) return SGF_OK;
        else status = work_open(w, err);
    }
    return status;
}
/* A task's row goes to the table and to the journal. */
static sgf_status work_done(void *user, sgf_task *task, sgf_error *err) {
    method_work *w = (method_work *)user;
    work *own = w->open;
    uint64_t tally[MAX_TALLIES];
    method_result one;
    size_t which;
    sgf_status status;
    while (task < own->b.tasks || task >= own->b.tasks + own->b.count) own = own->next;
    which = (size_t)(task - own->b.tasks);
    memset(&one, 0, sizeof one);
    status = result_add(w->run, w->t, &w->run->data.questions[own->question], own->b.asked, which,
                        task, &one, err);
    result_tally(&one, tally);
    if (!status) status = journal_add(w->j, w->first[own->question] + which, tally, err);
    if (!status) status = journal_flush(w->j, err);
    if (status || --own->left) return status;
    work_free(w, own);
    w->result->answered++;
    progress_show(&w->bar, w->before + w->result->answered,
                  (size_t)(w->j->tally[4] + w->j->tally[5]) - w->tokens);
    return SGF_OK;
}
/* All questions of this run that have no row yet, until they are done or a signal comes. */
static sgf_status method_run(generate_run *run, const sgf_method *m, const size_t *first,
                             result_table *t, journal *j, method_result *result, sgf_error *err) {
    method_work w;
    sgf_stream stream;
    sgf_status status;
    memset(&w, 0, sizeof w);
    w.run = run, w.m = m, w.first = first, w.t = t, w.j = j, w.result = result;
    w.todo = (size_t *)calloc(run->count + 1, sizeof *w.todo);
    if (!w.todo) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    w.todos = method_todo(run, first, j, w.todo, &w.mine);
    w.before = w.mine - w.todos;
    w.tokens = (size_t)(j->tally[4] + j->tally[5]);
    if (j->count && !run->o.quiet)
        fprintf(stderr, "%s: %llu of %llu questions are in %s; going on\n", m->name,
                (unsigned long long)w.before, (unsigned long long)w.mine, j->path);
    if (j->cut)
        fprintf(stderr, "%s: its last %llu bytes were not whole and are left out\n", m->name,
                (unsigned long long)j->cut);
    progress_start(&w.bar, m->name, w.mine, w.before, run->o.quiet);
    memset(&stream, 0, sizeof stream);
    stream.next = work_next;
    stream.done = work_done;
    stream.user = &w;
    stream.most = (size_t)run->o.batch *
                  (strcmp(m->name, "per_prompt") ? 1 : (size_t)run->o.paraphrases);
    status = sgf_generate_stream(run->session, &stream, err);
    progress_end(&w.bar);
    result->seconds = clock_now() - w.bar.start;
    result->whole = !status && result->answered == w.todos;
    while (w.open) work_free(&w, w.open);
    free(w.todo);
    return status;
}

/* What the finished result at `path` says of itself, for the table. What it took is not in it. */
static sgf_status result_recall(const char *path, method_result *r, sgf_error *err) {
    char file[1200];
    struct table *table;
    size_t row;
    int answers, prediction, one_way, two_way;
    sgf_status status;
    snprintf(file, sizeof file, "%s.feather", path);
    status = table_read(file, NULL, &table, err);
    if (status) return status;
    answers = table_find(table, "answers");
    prediction = table_find(table, "prediction");
    for (row = 0; row < table_rows(table) && !status; row++) {
        status = lemma_match_any(cell_text(table, prediction, row), cell_list(table, answers, row),
                                 cell_count(table, answers, row), &one_way, &two_way, err);
        r->right += (size_t)two_way, r->right_one_way += (size_t)one_way;
        r->empty += !cell_text(table, prediction, row).len;
        r->rows++;
    }
    table_free(table);
    return status;
}
/* A result that is there gets its lemmas. */
static sgf_status result_complete(const generate_run *run, const sgf_method *m, const char *path,
                                  size_t samples, sgf_error *err) {
    static const char *const names[] = {"predict_lemma", "answer_lemmas"};
    char file[1200];
    struct table *table;
    base_buf config;
    size_t i;
    sgf_status status;
    snprintf(file, sizeof file, "%s.feather", path);
    status = table_read(file, NULL, &table, err);
    if (status) return status;
    base_buf_init(&config, NULL);
    method_config(run, m, samples, 1, &config);
    for (i = 0; i < 2; i++)
        if (table_find(table, names[i]) >= 0) table_drop(table, table_find(table, names[i]));
    status = result_lemmatize(table, err);
    if (!status) status = result_write(path, table, &config, err);
    base_buf_free(&config);
    table_free(table);
    return status;
}
int method_wanted(const generate_run *run, const sgf_method *m, method_result *result) {
    char path[1100];
    base_buf config;
    sgf_error err;
    int begun = 0, lemmas;
    result_found there;
    sgf_status status;
    memset(result, 0, sizeof *result);
    memset(&there, 0, sizeof there);
    method_label(m, result->name, sizeof result->name);
    method_path(run, m, path, sizeof path);
    if (!result_writable(path)) return -1;
    if (run->o.rewrite) return 1;
    base_buf_init(&config, NULL);
    method_config(run, m, run->count, 0, &config);
    status = journal_peek(path, &config, &begun, &err);
    if (!status && !begun) status = result_peek(path, &config, &there, &err);
    base_buf_free(&config);
    if (status) return failed(verb_now, &err), -1;
    if (!there.samples || there.samples < run->count) return 1;
    lemmas = run->o.lemmatize && !there.lemmas;
    if (lemmas) status = result_complete(run, m, path, there.samples, &err);
    if (!status) status = result_recall(path, result, &err);
    if (status) return failed(verb_now, &err), -1;
    if (lemmas) fprintf(stderr, "%s: lemmas added to %s.feather, .csv and .json\n", m->name, path);
    else
        fprintf(stderr,
                "%s: %s.feather already exists, of this very configuration and %llu question%s; "
                "nothing to do (--rewrite makes it anew)\n",
                m->name, path, (unsigned long long)there.samples, plural(there.samples));
    return 0;
}

/* Is `name` one of the temporary files that a killed writer of `base` leaves: base.PID-N.tmp? */
static int is_leftover(const char *name, const char *base) {
    size_t n = strlen(base);
    if (strncmp(name, base, n) || name[n] != '.') return 0;
    name += n + 1;
    n = strspn(name, "0123456789");
    if (!n || name[n] != '-') return 0;
    name += n + 1;
    return !strcmp(name + strspn(name, "0123456789"), ".tmp");
}
/* Remove what stopped and killed runs of this result left; it is complete now, and the journal's
   lock says that nobody else is writing it. */
static void method_sweep(const char *path) {
    static const char *const endings[] = {"feather", "csv", "json"};
    char folder[1200], base[1200], file[2400], *slash;
    size_t i;
    const struct dirent *entry;
    DIR *dir;
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (!slash) return;
    *slash = 0;
    dir = opendir(*folder ? folder : "/");
    while (dir && (entry = readdir(dir)) != NULL)
        for (i = 0; i < 6; i++) {
            int partial = i >= 3, gone;
            snprintf(base, sizeof base, "%s%s.%s", slash + 1, partial ? ".partial" : "",
                     endings[i % 3]);
            gone = is_leftover(entry->d_name, base) || (partial && !strcmp(entry->d_name, base));
            snprintf(file, sizeof file, "%s/%s", folder, entry->d_name);
            if (gone) remove(file);
        }
    if (dir) closedir(dir);
}
/* The result, complete: its files appear, the journal and what an earlier stop left go. */
static sgf_status method_finish(const generate_run *run, const char *path, result_table *t,
                                journal *j, const base_buf *config, sgf_error *err) {
    sgf_status status = journal_order(j, err);
    if (!status && run->o.lemmatize) status = result_lemmatize(t->table, err);
    if (!status && run->shards)
        status = shard_describe(t->table, run->shard, run->shards, j->rows, j->count, j->total,
                                err);
    if (!status) status = result_write(path, t->table, config, err);
    if (status) return status;
    journal_remove(j);
    method_sweep(path);
    return SGF_OK;
}
/* A run that was stopped: what is done so far, under a name of its own. */
static sgf_status method_partial(const generate_run *run, const char *path, result_table *t,
                                 journal *j, const base_buf *config, sgf_error *err) {
    char name[1150], text[96];
    sgf_status status;
    if (!j->count) return SGF_OK;
    snprintf(name, sizeof name, "%s.partial", path);
    snprintf(text, sizeof text, "{\"rows\": %llu, \"of\": %llu}", (unsigned long long)j->count,
             (unsigned long long)j->total);
    status = journal_order(j, err);
    if (!status && run->o.lemmatize) status = result_lemmatize(t->table, err);
    if (!status) status = table_metadata_set(t->table, "segfuse_partial", sgf_text(text), err);
    return status ? status : result_write(name, t->table, config, err);
}
/* What a user whose run ended early wants to know. */
static void method_kept(const generate_run *run, const sgf_method *m, const size_t *first,
                        const char *path, const journal *j) {
    size_t done = 0, q, row;
    if (!j->count) return;
    for (q = 0; q < run->count; q++) {
        for (row = first[q]; row < first[q + 1] && j->place[row]; row++) {}
        done += row == first[q + 1];
    }
    fprintf(stderr, "%s: the %llu question%s that %s done %s kept in %s", m->name,
            (unsigned long long)done, plural(done), done == 1 ? "is" : "are",
            done == 1 ? "is" : "are", j->path);
    if (stop_signal) fprintf(stderr, " and %s.partial.feather", path);
    fprintf(stderr, "; the same command%s goes on from there\n",
            run->o.rewrite ? " without --rewrite" : "");
}

/* The rows of a result of fewer questions become the first ones of this run. */
static sgf_status method_carry(const generate_run *run, const sgf_method *m, const char *path,
                               const size_t *first, const base_buf *config, result_table *t,
                               journal *j, size_t *carried, sgf_error *err) {
    char file[1200];
    struct table *table;
    shard_part part;
    result_found there;
    size_t row, rows;
    int c;
    sgf_status status = result_peek(path, config, &there, err);
    if (status || there.samples >= run->count || !there.samples) return status;
    snprintf(file, sizeof file, "%s.feather", path);
    status = table_read(file, NULL, &table, err);
    if (status) return status;
    memset(&part, 0, sizeof part);
    rows = table_rows(table);
    if (run->shards) status = shard_part_read(table, file, &part, err);
    for (c = table_columns(table); c-- && !status;)
        if (table_find(t->table, table_name(table, c)) < 0) {
            const char *name = table_name(table, c);
            if (strcmp(name, "predict_lemma") && strcmp(name, "answer_lemmas"))
                status = base_fail_at(err, SGF_ERR_ARG, file, -1,
                                      "%s has a column \"%s\" that is not ours, and the run would "
                                      "lose it; give --tag NAME, another --output or --rewrite",
                                      file, name);
            else table_drop(table, c);
        }
    if (!status && (table_columns(table) != table_columns(t->table) ||
                    (!run->shards && rows != first[there.samples])))
        status = base_fail_at(
            err, SGF_ERR_FORMAT, file, -1,
            "%s does not have the rows and columns that were written; --rewrite makes it anew",
            file);
    for (row = 0; row < part.count && !status; row++)
        if (part.rows[row] >= first[there.samples] || (row && part.rows[row] <= part.rows[row - 1]))
            status = base_fail_at(err, SGF_ERR_FORMAT, file, -1,
                                  "%s: its \"segfuse_shard\" is damaged; --rewrite makes it anew",
                                  file);
    if (!status) status = table_append(t->table, table, err);
    for (row = 0; row < rows && !status; row++) {
        uint64_t tally[MAX_TALLIES];
        method_result one;
        int one_way, two_way;
        memset(&one, 0, sizeof one);
        status = lemma_match_any(cell_text(t->table, t->prediction, row),
                                 cell_list(t->table, t->answers, row),
                                 cell_count(t->table, t->answers, row), &one_way, &two_way, err);
        one.right = (size_t)two_way, one.right_one_way = (size_t)one_way;
        one.empty = !cell_text(t->table, t->prediction, row).len;
        result_tally(&one, tally);
        if (!status) status = journal_add(j, run->shards ? part.rows[row] : row, tally, err);
    }
    if (!status) status = journal_flush(j, err);
    if (!status && !run->o.quiet)
        fprintf(stderr, "%s: %s has %llu questions; going on from there\n", m->name, file,
                (unsigned long long)there.samples);
    *carried = rows;
    free(part.rows);
    table_free(table);
    return status;
}

int method_do(generate_run *run, const sgf_method *m, method_result *result) {
    char path[1100];
    size_t *first = method_rows(run, m);
    result_table t;
    journal j;
    base_buf config, kept; /* of the result, and of the journal, which has no lemmas */
    sgf_error err;
    sgf_status status;
    memset(result, 0, sizeof *result);
    memset(&t, 0, sizeof t);
    journal_init(&j);
    method_label(m, result->name, sizeof result->name);
    method_path(run, m, path, sizeof path);
    base_buf_init(&config, NULL);
    base_buf_init(&kept, NULL);
    method_config(run, m, run->count, run->o.lemmatize, &config);
    method_config(run, m, run->count, 0, &kept);
    stop_watch();
    status = first ? result_create(&t, m, &err) : base_fail(&err, SGF_ERR_MEMORY, "out of memory");
    if (!status)
        status = journal_open(&j, path, &kept, first[run->count], run->o.rewrite, t.table, &err);
    if (!status && !j.count && !run->o.rewrite)
        status = method_carry(run, m, path, first, &kept, &t, &j, &result->carried, &err);
    if (!status) status = method_run(run, m, first, &t, &j, result, &err);
    result_sum(result, &j);
    if (!status)
        status = result->whole ? method_finish(run, path, &t, &j, &config, &err)
                               : method_partial(run, path, &t, &j, &config, &err);
    if (status) failed(verb_now, &err);
    if (status || !result->whole) method_kept(run, m, first, path, &j);
    journal_close(&j);
    table_free(t.table);
    base_buf_free(&config);
    base_buf_free(&kept);
    free(first);
    return status ? 1 : result->whole ? 0 : stop_status();
}

void run_free(generate_run *run) {
    relations_free(run);
    sgf_session_free(run->session);
    sgf_model_free(run->model);
    dataset_free(&run->data);
    dataset_free(&run->fewshot);
    confidences_free(&run->sure);
    free(run->examples);
    free(run->mass);
    base_buf_free(&run->before);
    matrix_free(run->matrix);
    free(run->index);
}
