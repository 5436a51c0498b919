#include "confidence.h"
#include "sample.h"
#include "../cli/hub.h"
#include "../cli/model.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "journal.h"
#include "../data/lemma_book.h"
#include "results.h"
#include "run.h"
#include "../cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    generate_run run;
    long samples;
    double temperature, top_p;
    int only_lemmas;
    sgf_lines lines;
} confidence_run;

/* ---- the table ---- */

typedef struct {
    struct table *table;
    int uuid, paraphrase, prompt, answers, greedy, samples; /* what was generated */
    int greedy_lemma, sample_lemmas, answer_lemmas, confidence;
} confidence_table;

static sgf_status confidence_lemma_columns(confidence_table *t, sgf_error *err) {
    struct table *table = t->table;
    sgf_status status = table_column(table, "greedy_lemma", SGF_COLUMN_LIST_UTF8, &t->greedy_lemma,
                                     err);
    if (!status)
        status = table_column(table, "sample_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &t->sample_lemmas,
                              err);
    if (!status)
        status = table_column(table, "answer_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &t->answer_lemmas,
                              err);
    if (!status) status = table_column(table, "confidence", SGF_COLUMN_F64, &t->confidence, err);
    return status;
}
static sgf_status confidence_create(confidence_table *t, sgf_error *err) {
    sgf_status status = table_create(NULL, &t->table, err);
    if (!status) status = table_column(t->table, "uuid", SGF_COLUMN_UTF8, &t->uuid, err);
    if (!status)
        status = table_column(t->table, "paraphrase", SGF_COLUMN_UTF8, &t->paraphrase, err);
    if (!status) status = table_column(t->table, "prompt", SGF_COLUMN_UTF8, &t->prompt, err);
    if (!status) status = table_column(t->table, "answers", SGF_COLUMN_LIST_UTF8, &t->answers, err);
    if (!status)
        status = table_column(t->table, "greedy_predict", SGF_COLUMN_UTF8, &t->greedy, err);
    if (!status)
        status = table_column(t->table, "sample_predicts", SGF_COLUMN_LIST_UTF8, &t->samples, err);
    return status ? status : confidence_lemma_columns(t, err);
}
/* The last four cells of a row, from what was generated. */
static sgf_status confidence_lemmas(confidence_table *t, sgf_str greedy, const sgf_str *samples,
                                    size_t n, const sgf_str *answers, size_t answer_count,
                                    sgf_error *err) {
    sgf_str *texts = (sgf_str *)calloc(n + answer_count + 1, sizeof *texts);
    lemma_book book;
    sgf_status status;
    if (!texts) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    texts[0] = greedy;
    if (n) memcpy(texts + 1, samples, n * sizeof *texts);
    if (answer_count) memcpy(texts + 1 + n, answers, answer_count * sizeof *texts);
    status = lemma_book_make(&book, texts, n + answer_count + 1, err);
    if (status) return status;
    status = lemma_book_put_one(t->table, t->greedy_lemma, &book, greedy, err);
    if (!status) status = lemma_book_put(t->table, t->sample_lemmas, &book, samples, n, err);
    if (!status)
        status = lemma_book_put(t->table, t->answer_lemmas, &book, answers, answer_count, err);
    if (!status)
        status = table_f64(t->table, t->confidence, lemma_book_share(&book, greedy, samples, n),
                           err);
    lemma_book_free(&book);
    return status;
}

/* ---- sampling ---- */

/* One prompt: its layout, the greedy task and the samples. */
typedef struct {
    const question *asked;
    sgf_str paraphrase;
    size_t row; /* of the result */
    sgf_layout layout;
    sgf_task *tasks; /* [1 + samples]; the first is greedy */
} confidence_prompt;

sgf_status sample_seed(py_random *random, long seed, sgf_str uuid, sgf_str text, size_t number,
                       sgf_error *err) {
    char numbers[64];
    base_buf buf;
    sgf_str all;
    sgf_status status;
    base_buf_init(&buf, NULL);
    snprintf(numbers, sizeof numbers, "%ld\n", seed);
    status = base_buf_text(&buf, numbers, err);
    if (!status) status = base_buf_add(&buf, uuid.ptr, uuid.len, err);
    snprintf(numbers, sizeof numbers, "\n%llu\n", (unsigned long long)number);
    if (!status) status = base_buf_text(&buf, numbers, err);
    if (!status) status = base_buf_add(&buf, text.ptr, text.len, err);
    all.ptr = buf.ptr, all.len = buf.len;
    if (!status) py_random_seed_text(random, all);
    base_buf_free(&buf);
    return status;
}
static sgf_status confidence_tasks(const confidence_run *c, confidence_prompt *p, sgf_task *tasks,
                                   sampler *draws, base_arena *arena, sgf_error *err) {
    size_t i, n = (size_t)c->samples, tokens = (size_t)c->run.o.max_new_tokens;
    int32_t *ids = (int32_t *)base_arena_alloc(arena, (n + 1) * tokens, sizeof *ids, err);
    sgf_status status = ids ? SGF_OK : SGF_ERR_MEMORY;
    p->tasks = tasks;
    for (i = 0; i <= n && !status; i++) {
        sgf_task *task = &tasks[i];
        task->context = &p->layout;
        task->contexts = 1;
        task->ids = ids + i * tokens;
        task->max_new_tokens = tokens;
        if (!i) continue;
        draws[i].temperature = c->temperature;
        draws[i].top_p = c->top_p;
        status = sample_seed(&draws[i].random, c->run.o.seed, p->asked->uuid, p->paraphrase, i,
                             err);
    }
    return status;
}
static sgf_status confidence_layout(const confidence_run *c, const sgf_method *m,
                                    confidence_prompt *p, base_arena *arena, sgf_error *err) {
    const generate_run *run = &c->run;
    sgf_prompt prompt;
    memset(&prompt, 0, sizeof prompt);
    run_prompt(run, &prompt);
    if (question_examples(run, m, p->asked, arena, &prompt, err)) return err->status;
    prompt.paraphrase = &p->paraphrase;
    prompt.paraphrases = 1;
    return sgf_prompt_layout(run->model->tokenizer, &prompt, m, 0, &p->layout, err);
}
static sgf_status confidence_row(const confidence_run *c, confidence_table *t,
                                 const confidence_prompt *p, base_arena *arena, sgf_error *err) {
    const generate_run *run = &c->run;
    size_t n = (size_t)c->samples, i;
    sgf_str prompt, *texts = (sgf_str *)base_arena_alloc(arena, n + 1, sizeof *texts, err);
    sgf_status status = texts ? prompt_text(run, &p->layout, arena, &prompt, err) : SGF_ERR_MEMORY;
    for (i = 0; i <= n && !status; i++) {
        status = task_text(run, &p->tasks[i], arena, &texts[i], err);
        if (!status) texts[i] = sgf_prediction_take(SGF_PREDICTION_FIRST_LINE, texts[i]);
    }
    if (!status) status = table_text(t->table, t->uuid, p->asked->uuid, err);
    if (!status) status = table_text(t->table, t->paraphrase, p->paraphrase, err);
    if (!status) status = table_text(t->table, t->prompt, prompt, err);
    if (!status)
        status = table_list(t->table, t->answers, p->asked->answers, p->asked->answer_count, err);
    if (!status) status = table_text(t->table, t->greedy, texts[0], err);
    if (!status) status = table_list(t->table, t->samples, texts + 1, n, err);
    return status ? status
                  : confidence_lemmas(t, texts[0], texts + 1, n, p->asked->answers,
                                      p->asked->answer_count, err);
}
/* Some prompts together: layouts, tasks, one sgf_generate, rows. */
static sgf_status confidence_batch(const confidence_run *c, const sgf_method *m,
                                   confidence_prompt **prompts, size_t n, confidence_table *t,
                                   journal *j, sgf_error *err) {
    size_t i, k, each = (size_t)c->samples + 1, made = 0;
    base_arena arena;
    sgf_task *tasks;
    sampling draws;
    sgf_status status;
    base_arena_init(&arena, NULL);
    tasks = (sgf_task *)base_arena_alloc(&arena, n * each, sizeof *tasks, err);
    status = sampling_make(&draws, n * each, (size_t)c->run.model->config.vocab_size, &arena, err);
    if (!tasks) status = SGF_ERR_MEMORY;
    for (; made < n && !status; made++) {
        sgf_layout_init(&prompts[made]->layout, NULL);
        status = confidence_layout(c, m, prompts[made], &arena, err);
        if (!status)
            status = confidence_tasks(c, prompts[made], tasks + made * each,
                                      draws.task + made * each, &arena, err);
    }
    if (!status) status = sgf_generate(c->run.session, tasks, n * each, sample_step, &draws, err);
    for (i = 0; i < n && !status; i++) {
        uint64_t tally[MAX_TALLIES] = {0}; /* the first: tokens computed */
        status = confidence_row(c, t, prompts[i], &arena, err);
        for (k = 0; k < each; k++)
            tally[0] += prompts[i]->tasks[k].prefill_tokens + prompts[i]->tasks[k].decode_tokens;
        if (!status) status = journal_add(j, prompts[i]->row, tally, err);
    }
    while (made) sgf_layout_free(&prompts[--made]->layout);
    base_arena_free(&arena);
    return status ? status : journal_flush(j, err);
}

/* ---- the whole file ---- */

/* All (question, paraphrase) pairs, in order. */
static confidence_prompt *confidence_prompts(const confidence_run *c, size_t *count) {
    const generate_run *run = &c->run;
    size_t i, k, n = 0, most = (size_t)run->o.paraphrases;
    confidence_prompt *prompts;
    for (i = 0; i < run->count; i++) n += run->data.questions[i].paraphrase_count;
    prompts = (confidence_prompt *)calloc(n + 1, sizeof *prompts);
    *count = 0;
    for (i = 0; prompts && i < run->count; i++) {
        const question *q = &run->data.questions[i];
        for (k = 0; k < q->paraphrase_count && (!most || k < most); k++) {
            prompts[*count].asked = q;
            prompts[*count].row = *count;
            prompts[(*count)++].paraphrase = q->paraphrases[k];
        }
    }
    return prompts;
}
static void confidence_config(const confidence_run *c, base_buf *buf) {
    const generate_run *run = &c->run;
    config_begin(run, "confidence", run->count, buf);
    config_number(buf, "num_paraphrases", run->o.paraphrases);
    config_number(buf, "num_samples", c->samples);
    config_real(buf, "temperature", c->temperature);
    config_real(buf, "top_p", c->top_p);
    config_number(buf, "max_new_tokens", run->o.max_new_tokens);
    config_text(buf, "format", "standard");
    if (c->lines) config_text(buf, "lines", lines_name(c->lines));
    config_device(buf, run, 1);
    base_buf_text(buf, "}", NULL);
}
/* Ask what the journal does not have yet, until all is done or a signal comes. */
static sgf_status confidence_ask(const confidence_run *c, confidence_prompt *prompts, size_t count,
                                 confidence_table *t, journal *j, sgf_error *err) {
    confidence_prompt **todo = (confidence_prompt **)calloc(count + 1, sizeof *todo);
    size_t i, at, n = 0, step = (size_t)c->run.o.batch;
    uint64_t tokens = j->tally[0];
    sgf_method method;
    progress bar;
    sgf_status status = todo ? sgf_method_find("per_prompt", &method, err)
                             : base_fail(err, SGF_ERR_MEMORY, "out of memory");
    method.lines = c->lines;
    if (!status) run_bos(&c->run, &method);
    for (i = 0; todo && i < count; i++)
        if (!j->place[i]) todo[n++] = &prompts[i];
    if (j->count && !c->run.o.quiet)
        fprintf(stderr, "confidence: %llu of %llu prompts are in %s; going on\n",
                (unsigned long long)j->count, (unsigned long long)count, j->path);
    progress_start(&bar, "confidence", count, j->count, c->run.o.quiet);
    for (at = 0; at < n && !status && !stop_signal; at += step) {
        status = confidence_batch(c, &method, todo + at, n - at < step ? n - at : step, t, j, err);
        if (!status) progress_show(&bar, j->count, (size_t)(j->tally[0] - tokens));
    }
    progress_end(&bar);
    free(todo);
    return status;
}
/* *whole becomes 0 if a signal ended it: what is done stays in the journal. */
static sgf_status confidence_all(confidence_run *c, confidence_table *t, const base_buf *config,
                                 const char *path, int *whole, sgf_error *err) {
    size_t count = 0;
    confidence_prompt *prompts = confidence_prompts(c, &count);
    journal j;
    sgf_status status = prompts ? confidence_create(t, err)
                                : base_fail(err, SGF_ERR_MEMORY, "out of memory");
    journal_init(&j);
    stop_watch();
    if (!status) status = journal_open(&j, path, config, count, c->run.o.rewrite, t->table, err);
    if (!status) status = confidence_ask(c, prompts, count, t, &j, err);
    *whole = j.count == count;
    if (!status && *whole) {
        status = journal_order(&j, err);
        if (!status) status = result_write(path, t->table, config, err);
        if (!status) journal_remove(&j);
    } else if (j.count)
        fprintf(stderr,
                "confidence: the %llu prompts that are done are kept in %s; the same command%s "
                "goes on from there\n",
                (unsigned long long)j.count, j.path, c->run.o.rewrite ? " without --rewrite" : "");
    journal_close(&j);
    free(prompts);
    return status;
}

/* ---- --write_confidence: lemmas and confidences of a file that has samples ---- */

static sgf_status confidence_column(const struct table *table, const char *path, const char *name,
                                    sgf_column_type type, int *column, sgf_error *err) {
    *column = table_find(table, name);
    if (*column >= 0 && table_type(table, *column) == type) return SGF_OK;
    return base_fail_at(err, SGF_ERR_FORMAT, path, -1,
                        "%s: there is no column %s of texts; make the file with segfuse confidence "
                        "--rewrite",
                        path, name);
}
static sgf_status confidence_add(confidence_table *t, const char *path, sgf_error *err) {
    static const char *const names[] = {"greedy_lemma", "sample_lemmas", "answer_lemmas",
                                        "confidence"};
    size_t row, rows = table_rows(t->table);
    int i, column;
    sgf_status status = confidence_column(t->table, path, "greedy_predict", SGF_COLUMN_UTF8,
                                          &t->greedy, err);
    if (!status)
        status = confidence_column(t->table, path, "sample_predicts", SGF_COLUMN_LIST_UTF8,
                                   &t->samples, err);
    if (!status)
        status = confidence_column(t->table, path, "answers", SGF_COLUMN_LIST_UTF8, &t->answers,
                                   err);
    if (status) return status;
    for (i = 0; i < 4; i++)
        if ((column = table_find(t->table, names[i])) >= 0) table_drop(t->table, column);
    t->greedy = table_find(t->table, "greedy_predict"); /* numbers may have gone down */
    t->samples = table_find(t->table, "sample_predicts");
    t->answers = table_find(t->table, "answers");
    status = confidence_lemma_columns(t, err);
    for (row = 0; row < rows && !status; row++)
        status = confidence_lemmas(
            t, cell_text(t->table, t->greedy, row), cell_list(t->table, t->samples, row),
            cell_count(t->table, t->samples, row), cell_list(t->table, t->answers, row),
            cell_count(t->table, t->answers, row), err);
    return status;
}
static int confidence_write(const char *path) {
    char file[1200];
    confidence_table t;
    sgf_error err;
    sgf_status status;
    memset(&t, 0, sizeof t);
    snprintf(file, sizeof file, "%s.feather", path);
    if (is_free(file)) {
        fprintf(stderr, "segfuse confidence: %s is not there; make it without --write_confidence\n",
                file);
        return 1;
    }
    status = table_read(file, NULL, &t.table, &err);
    if (status) return failed("confidence", &err);
    if (table_find(t.table, "confidence") >= 0 && table_find(t.table, "greedy_lemma") >= 0 &&
        table_find(t.table, "sample_lemmas") >= 0 && table_find(t.table, "answer_lemmas") >= 0)
        fprintf(stderr, "%s has its confidences already; nothing to do\n", file);
    else {
        status = confidence_add(&t, file, &err);
        if (!status) {
            snprintf(file, sizeof file, "%s.csv", path);
            status = table_write_csv(t.table, file, &err);
        }
        snprintf(file, sizeof file, "%s.feather", path);
        if (!status) status = table_write_feather(t.table, file, &err);
        if (!status)
            fprintf(stderr, "%s: lemmas and confidences of %llu rows added\n", file,
                    (unsigned long long)table_rows(t.table));
    }
    table_free(t.table);
    return status ? failed("confidence", &err) : 0;
}

/* ---- the verb ---- */

static void confidence_path(const confidence_run *c, char *path, size_t cap) {
    snprintf(path, cap, "%s/confidence%s%s", c->run.folder, c->lines ? "-" : "",
             lines_name(c->lines));
}
/* How sure, and how right: the mean confidence of the greedy answers that match an answer, and of the
   others. */
static void confidence_print(const confidence_run *c, const confidence_table *t, const char *path,
                             double seconds) {
    double sum[2] = {0, 0};
    size_t n[2] = {0, 0}, row, rows = table_rows(t->table);
    int right;
    for (row = 0; row < rows; row++) {
        if (lemma_match_any(cell_text(t->table, t->greedy, row),
                            cell_list(t->table, t->answers, row),
                            cell_count(t->table, t->answers, row), NULL, &right, NULL))
            return;
        sum[right] += cell_f64(t->table, t->confidence, row);
        n[right]++;
    }
    printf("\n%s on %s: %llu question%s, %llu prompts, %ld samples each; %.1f prompts/s\n\n",
           c->run.model_name, c->run.o.dataset, (unsigned long long)c->run.count,
           plural(c->run.count), (unsigned long long)rows, c->samples,
           seconds > 0 ? (double)rows / seconds : 0);
    printf("greedy answer    prompts   mean confidence\n");
    for (right = 1; right >= 0; right--)
        if (n[right])
            printf("%-15s %8llu   %.3f\n", right ? "right" : "wrong", (unsigned long long)n[right],
                   sum[right] / (double)n[right]);
    printf("\nconfidence: the share of samples whose lemmas match the greedy answer's, two-way.\n"
           "Results: %s.feather and .csv\n",
           path);
}
static int confidence_do(confidence_run *c) {
    char path[1100];
    generate_run *run = &c->run;
    confidence_table t;
    base_buf config;
    sgf_error err;
    sgf_status status = SGF_OK;
    double start = clock_now();
    int begun = 0, whole = 1, code = 0;
    result_found there;
    if (c->only_lemmas) {
        if (!run->o.output) {
            if (!model_find("confidence", run->o.model, run->model_path, sizeof run->model_path))
                return 1;
            model_name(run->o.model, run->model_name, sizeof run->model_name);
        }
        if (!run_folder(run)) return 1;
        confidence_path(c, path, sizeof path);
        return confidence_write(path);
    }
    if ((code = generate_load(run)) != 0) return code;
    if (!run_folder(run)) return 1;
    confidence_path(c, path, sizeof path);
    if (!result_writable(path)) return 1;
    memset(&t, 0, sizeof t);
    base_buf_init(&config, NULL);
    confidence_config(c, &config);
    memset(&there, 0, sizeof there);
    if (!run->o.rewrite) {
        status = journal_peek(path, &config, &begun, &err);
        if (!status && !begun) status = result_peek(path, &config, &there, &err);
    }
    if (!status && there.samples && there.samples < run->count)
        status = base_fail_at(&err, SGF_ERR_ARG, path, -1,
                              "%s.feather already exists, of %llu question%s; --rewrite makes it "
                              "anew with %llu, another --output leaves it alone",
                              path, (unsigned long long)there.samples, plural(there.samples),
                              (unsigned long long)run->count);
    if (!status && there.samples)
        fprintf(stderr,
                "%s.feather already exists, of this very configuration; nothing to do (--rewrite "
                "makes it anew)\n",
                path);
    else if (!status) {
        status = confidence_all(c, &t, &config, path, &whole, &err);
        if (!status && whole) confidence_print(c, &t, path, clock_now() - start);
        else if (!status) code = stop_status();
    }
    base_buf_free(&config);
    table_free(t.table);
    return status ? failed("confidence", &err) : code;
}

int verb_confidence(int argc, char **argv) {
    confidence_run c;
    generate_options *o = &c.run.o;
    const char *rest[1];
    int rests, status;
    option options[] = {
        {NULL, OPTION_HEADING, NULL, NULL, "What to ask, and how often:"},
        ROW_MODEL(o->model),
        ROW_DATASET(o->dataset, "the instruction, and where results go (as the data is)"),
        ROW_DATA(o->data),
        ROW_FEWSHOT_DATA(o->fewshot_data),
        ROW_FEWSHOTS(o->fewshots),
        {"num_paraphrases", OPTION_COUNT, &o->paraphrases, "N",
         "the first N of each question (0: all)"},
        {"max_samples", OPTION_COUNT, &o->samples, "1..N", "questions to ask (all)"},
        {"max_new_tokens", OPTION_COUNT, &o->max_new_tokens, "1..N", "10"},
        {"format", OPTION_TEXT, (void *)&o->format, "own|line|lines",
         "of the prompts, as of generate; the files are then confidence-line.*, ..."},
        ROWS_CHAT(o),
        {NULL, OPTION_HEADING, NULL, NULL, "Sampling:"},
        {"num_samples", OPTION_COUNT, &c.samples, "1..N", "samples of each prompt (100)"},
        {"temperature", OPTION_NUMBER, &c.temperature, "X", "1"},
        {"top_p", OPTION_NUMBER, &c.top_p, "X", "1: from all tokens"},
        {"seed", OPTION_COUNT, &o->seed, "N", "of the samples and the few-shot picks (42)"},
        {NULL, OPTION_HEADING, NULL, NULL, "Running:"},
        ROWS_OUTPUT(o->output),
        ROW_REWRITE(o->rewrite),
        {"write_confidence", OPTION_FLAG, &c.only_lemmas, NULL,
         "add lemmas and confidences to a file of samples"},
        {"batch_size", OPTION_COUNT, &o->batch, "1..N", "prompts in flight (4); changes no result"},
        ROWS_MACHINE(o->threads, o->device, o->exact, o->kernels, o->arithmetic),
        ROW_QUIET(o->quiet),
        ROWS_END};
    memset(&c, 0, sizeof c);
    o->fewshots = 5, o->batch = 4, o->seed = 42, o->max_new_tokens = 10;
    c.samples = 100, c.temperature = 1, c.top_p = 1;
    status = options_parse(
        argc, argv, options, "",
        "The model's confidence in its answer to each paraphrase: the share of\n"
        "samples that match the greedy answer. Writes confidence.feather and CSV.",
        rest, &rests, 0);
    if (status >= 0) return status;
    if (!device_known(o->device) || !chat_usage(o) || !lines_find(o->format, &c.lines)) return 2;
    if (!(c.temperature > 0) || !(c.top_p > 0 && c.top_p <= 1)) {
        fprintf(stderr, "segfuse confidence: --temperature is above 0, --top_p above 0 and at most "
                        "1\n");
        return 2;
    }
    status = confidence_do(&c);
    run_free(&c.run);
    return status;
}
