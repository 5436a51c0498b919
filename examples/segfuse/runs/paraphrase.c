/* segfuse paraphrase: new wordings of every question, made by the model itself. Five prompts show the
   same five questions, each prompt with other paraphrases of them; wording k is sampled from
   prompt k. Writes the processed schema: uuid, answers, paraphrase0 (the question), paraphrase1, ... */
#include "sample.h"
#include "../cli/hub.h"
#include "../cli/model.h"
#include "../base/progress.h"
#include "results.h"
#include "run.h"
#include "confidence.h"
#include "../cli/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARAPHRASE_EXAMPLES = 5,
    PARAPHRASE_PROMPTS = 5,
    PARAPHRASE_DRAWS = 4, /* a wording that is empty or not new is drawn again, so often in all */
    PARAPHRASE_CHUNK = 64 /* questions that are asked all prompts before the next ones */
};

static const char paraphrase_instruction[] =
    "Rewrite the question in other words. The meaning must stay the same; the wording and the "
    "structure of the sentence should differ, and it should sound as if a person asked it.";

static const struct {
    const char *question, *paraphrase[PARAPHRASE_PROMPTS];
} paraphrase_examples[PARAPHRASE_EXAMPLES] = {
    {"what money is used in japan?",
     {"which currency do people in Japan pay with?", "what is the Japanese currency called?",
      "if I go shopping in Japan, what money do I need?", "what do the Japanese use as money?",
      "name the currency of Japan, please?"}},
    {"where did marie curie study?",
     {"at which university was Marie Curie a student?", "what school did Marie Curie go to?",
      "where did Marie Curie get her degrees?", "Marie Curie was educated at which university?",
      "can you tell me where Marie Curie was a student?"}},
    {"when did the berlin wall come down?",
     {"in what year did the wall in Berlin fall?", "what was the year the Berlin Wall was opened?",
      "how long ago did people tear down the Berlin Wall?",
      "the fall of the Berlin Wall was in which year?", "do you know when the Berlin Wall fell?"}},
    {"who painted the night watch?",
     {"which painter made The Night Watch?", "The Night Watch is the work of which artist?",
      "whose painting is The Night Watch?", "who is the artist behind The Night Watch?",
      "what is the name of the man who painted The Night Watch?"}},
    {"what language do they speak in brazil?",
     {"which language is spoken by Brazilians?", "what is the main language of Brazil?",
      "in Brazil, people talk to each other in what language?",
      "what tongue would I hear in the streets of Brazil?",
      "which language should I learn before I go to Brazil?"}}};

typedef struct {
    generate_run run;
    long wordings; /* --num_paraphrases */
    double temperature, top_p;
    size_t tokens;            /* computed */
    size_t redrawn, given_up; /* draws that were empty or not new; wordings that never came */
} paraphrase_run;

/* One question on its way: wording 0 is the question. */
typedef struct {
    const question *asked;
    sgf_str wording[1 + PARAPHRASE_PROMPTS];
} paraphrase_row;

/* ---- prompts ---- */

static sgf_status layout_part(sgf_layout *layout, const sgf_tokenizer *tokenizer, sgf_role role,
                              sgf_str text, sgf_error *err) {
    size_t cap = sgf_encode_bound(text.len), n;
    int32_t *ids = (int32_t *)malloc(cap * sizeof *ids), segment;
    sgf_status status = ids ? sgf_encode(tokenizer, text, 0, ids, cap, &n, err)
                            : base_fail(err, SGF_ERR_MEMORY, "out of memory");
    if (!status)
        status = sgf_layout_segment(layout, role, role == SGF_ROLE_ANSWER ? -1 : 0, &segment, err);
    if (!status) status = sgf_layout_add(layout, segment, ids, n, err);
    free(ids);
    return status;
}
/* Instruction and examples without a chat format, or with one that is given by hand. */
static sgf_status paraphrase_prefix(const sgf_prompt *prompt, const sgf_example *example,
                                    base_buf *out, sgf_error *err) {
    size_t i;
    if (prompt->before) base_buf_text(out, prompt->before, err);
    base_buf_add(out, prompt->instruction.ptr, prompt->instruction.len, err);
    if (prompt->instruction.len) base_buf_text(out, "\n\n", err);
    for (i = 0; i < PARAPHRASE_EXAMPLES; i++) {
        base_buf_text(out, "Q: ", err);
        base_buf_add(out, example[i].question.ptr, example[i].question.len, err);
        base_buf_text(out, "\nParaphrase: ", err);
        base_buf_add(out, example[i].answer.ptr, example[i].answer.len, err);
        base_buf_text(out, "\n\n", err);
    }
    return out->status;
}
/* Instruction and examples of prompt k (the same for all questions, so encoded once), the question,
   and the cue. */
static sgf_status paraphrase_layout(const generate_run *run, size_t k, sgf_str wording,
                                    sgf_layout *layout, sgf_error *err) {
    const sgf_tokenizer *tokenizer = run->model->tokenizer;
    sgf_example example[PARAPHRASE_EXAMPLES];
    sgf_prompt prompt;
    sgf_tokenizer_info info;
    int32_t segment;
    base_buf text;
    sgf_str part;
    size_t i;
    sgf_status status = SGF_OK;
    base_buf_init(&text, NULL);
    sgf_tokenizer_describe(tokenizer, &info);
    memset(&prompt, 0, sizeof prompt);
    run_prompt(run, &prompt);
    if ((run->chat.name ? run->chat.begins : info.adds_bos) && info.bos >= 0) {
        status = sgf_layout_segment(layout, SGF_ROLE_BOS, -1, &segment, err);
        if (!status) status = sgf_layout_add(layout, segment, &info.bos, 1, err);
    }
    for (i = 0; i < PARAPHRASE_EXAMPLES; i++)
        example[i].question = sgf_text(paraphrase_examples[i].question),
        example[i].answer = sgf_text(paraphrase_examples[i].paraphrase[k]);
    if (!status && run->chat.name)
        status = chat_before(&run->chat, sgf_text(run->instruction), example, PARAPHRASE_EXAMPLES,
                             &text, err);
    else if (!status) status = paraphrase_prefix(&prompt, example, &text, err);
    part.ptr = text.ptr, part.len = text.len;
    if (!status) status = layout_part(layout, tokenizer, SGF_ROLE_SHARED, part, err);
    text.len = 0;
    if (!status) status = base_buf_text(&text, "Q: ", err);
    if (!status) status = base_buf_add(&text, wording.ptr, wording.len, err);
    part.ptr = text.ptr, part.len = text.len;
    if (!status) status = layout_part(layout, tokenizer, SGF_ROLE_PARAPHRASE, part, err);
    text.len = 0;
    if (!status) status = base_buf_text(&text, prompt.after ? prompt.after : "\nParaphrase:", err);
    part.ptr = text.ptr, part.len = text.len;
    if (!status) status = layout_part(layout, tokenizer, SGF_ROLE_ANSWER, part, err);
    base_buf_free(&text);
    if (status) return status;
    sgf_layout_place(layout, SGF_POSITIONS_SEQUENTIAL);
    sgf_mask_set(layout, SGF_MASK_CAUSAL);
    return SGF_OK;
}

/* ---- sampling ---- */

/* Does this wording say something that none before it says? */
static int wording_is_new(const paraphrase_row *row, size_t k, sgf_str text) {
    size_t i;
    if (!text.len) return 0;
    for (i = 0; i < k; i++)
        if (text_same(row->wording[i], text)) return 0;
    return 1;
}
/* Draw wording k of the rows that have none yet. */
static sgf_status paraphrase_draw(paraphrase_run *p, paraphrase_row **rows, size_t n, size_t k,
                                  size_t draw, base_arena *keep, sgf_error *err) {
    const generate_run *run = &p->run;
    size_t i, made = 0, tokens = (size_t)run->o.max_new_tokens;
    base_arena arena;
    sgf_task *tasks;
    sgf_layout *layouts;
    sampling draws;
    int32_t *ids;
    sgf_status status;
    base_arena_init(&arena, NULL);
    tasks = (sgf_task *)base_arena_alloc(&arena, n, sizeof *tasks, err);
    layouts = (sgf_layout *)base_arena_alloc(&arena, n, sizeof *layouts, err);
    ids = (int32_t *)base_arena_alloc(&arena, n * tokens, sizeof *ids, err);
    status = sampling_make(&draws, n, (size_t)run->model->config.vocab_size, &arena, err);
    if (!tasks || !layouts || !ids) status = SGF_ERR_MEMORY;
    for (; made < n && !status; made++) {
        sgf_task *task = &tasks[made];
        const paraphrase_row *row = rows[made];
        sgf_layout_init(&layouts[made], NULL);
        status = paraphrase_layout(run, k - 1, row->wording[0], &layouts[made], err);
        if (!status)
            status = sample_seed(&draws.task[made].random, run->o.seed, row->asked->uuid,
                                 row->wording[0], k * PARAPHRASE_DRAWS + draw, err);
        task->context = &layouts[made];
        task->contexts = 1;
        task->ids = ids + made * tokens;
        task->max_new_tokens = tokens;
        draws.task[made].temperature = p->temperature;
        draws.task[made].top_p = p->top_p;
    }
    if (!status) status = sgf_generate(run->session, tasks, n, sample_step, &draws, err);
    for (i = 0; i < n && !status; i++) {
        sgf_str text = sgf_text("");
        status = task_text(run, &tasks[i], keep, &text, err);
        text = sgf_prediction_take(SGF_PREDICTION_FIRST_LINE, text);
        p->tokens += tasks[i].prefill_tokens + tasks[i].decode_tokens;
        if (!status && wording_is_new(rows[i], k, text)) rows[i]->wording[k] = text;
        else p->redrawn++;
    }
    while (made) sgf_layout_free(&layouts[--made]);
    base_arena_free(&arena);
    return status;
}
/* All wordings of some questions. What is still empty or not new after the last draw becomes the
   question itself, so that every question has as many wordings as the others. */
static sgf_status paraphrase_chunk(paraphrase_run *p, paraphrase_row *rows, size_t n, size_t before,
                                   base_arena *keep, progress *bar, sgf_error *err) {
    size_t k, i, at, draw, step = (size_t)p->run.o.batch;
    paraphrase_row *todo[PARAPHRASE_CHUNK];
    sgf_status status = SGF_OK;
    for (k = 1; k <= (size_t)p->wordings && !status; k++) {
        size_t left = n;
        for (i = 0; i < n; i++) todo[i] = &rows[i];
        for (draw = 0; draw < PARAPHRASE_DRAWS && left && !status; draw++) {
            for (at = 0; at < left && !status; at += step)
                status = paraphrase_draw(p, todo + at, left - at < step ? left - at : step, k, draw,
                                         keep, err);
            for (i = at = 0; i < left; i++)
                if (!todo[i]->wording[k].len) todo[at++] = todo[i];
            left = at;
        }
        for (i = 0; i < left; i++) todo[i]->wording[k] = todo[i]->wording[0];
        p->given_up += left;
        if (!status) progress_show(bar, before + n * k / (size_t)p->wordings, p->tokens);
    }
    return status;
}

/* ---- the file ---- */

static sgf_status paraphrase_columns(const paraphrase_run *p, struct table *table, int *relation,
                                     sgf_error *err) {
    char name[32];
    size_t i;
    long k;
    sgf_status status = table_column(table, "uuid", SGF_COLUMN_UTF8, NULL, err);
    *relation = -1;
    if (!status) status = table_column(table, "answers", SGF_COLUMN_LIST_UTF8, NULL, err);
    for (k = 0; k <= p->wordings && !status; k++) {
        snprintf(name, sizeof name, "paraphrase%ld", k);
        status = table_column(table, name, SGF_COLUMN_UTF8, NULL, err);
    }
    for (i = 0; i < p->run.count && *relation < 0 && !status; i++)
        if (p->run.data.questions[i].relation.len)
            status = table_column(table, "rel", SGF_COLUMN_UTF8, relation, err);
    return status;
}
static sgf_status paraphrase_add(const paraphrase_run *p, struct table *table, int relation,
                                 const paraphrase_row *row, sgf_error *err) {
    const question *q = row->asked;
    long k;
    sgf_status status = table_text(table, 0, q->uuid, err);
    if (!status) status = table_list(table, 1, q->answers, q->answer_count, err);
    for (k = 0; k <= p->wordings && !status; k++)
        status = table_text(table, 2 + (int)k, row->wording[k], err);
    if (!status && relation >= 0) status = table_text(table, relation, q->relation, err);
    return status;
}
static sgf_status paraphrase_all(paraphrase_run *p, struct table *table, sgf_error *err) {
    const generate_run *run = &p->run;
    size_t at, i;
    int relation;
    progress bar;
    sgf_status status = paraphrase_columns(p, table, &relation, err);
    progress_start(&bar, "paraphrase", run->count, 0, run->o.quiet);
    for (at = 0; at < run->count && !status; at += PARAPHRASE_CHUNK) {
        size_t n = run->count - at < PARAPHRASE_CHUNK ? run->count - at : PARAPHRASE_CHUNK;
        paraphrase_row rows[PARAPHRASE_CHUNK];
        base_arena keep;
        base_arena_init(&keep, NULL);
        memset(rows, 0, sizeof rows);
        for (i = 0; i < n; i++) {
            rows[i].asked = &run->data.questions[at + i];
            rows[i].wording[0] = rows[i].asked->paraphrases[0];
        }
        status = paraphrase_chunk(p, rows, n, at, &keep, &bar, err);
        for (i = 0; i < n && !status; i++)
            status = paraphrase_add(p, table, relation, &rows[i], err);
        base_arena_free(&keep);
    }
    progress_end(&bar);
    return status;
}
static sgf_status paraphrase_write(const paraphrase_run *p, struct table *table, const char *path,
                                   sgf_error *err) {
    const generate_run *run = &p->run;
    base_buf config;
    sgf_str value;
    sgf_status status;
    if (base_ends_with(path, ".csv")) return table_write_csv(table, path, err);
    if (!base_ends_with(path, ".feather")) return table_write_jsonl(table, path, err);
    base_buf_init(&config, NULL);
    base_buf_text(&config, "{", NULL);
    config_text(&config, "segfuse", SGF_VERSION);
    config_text(&config, "method", "paraphrase");
    config_text(&config, "model", run->model_name);
    config_text(&config, "model_identity", run->model->identity);
    config_text(&config, "data_identity", run->data.identity);
    config_number(&config, "seed", run->o.seed);
    config_number(&config, "num_paraphrases", p->wordings);
    config_real(&config, "temperature", p->temperature);
    config_real(&config, "top_p", p->top_p);
    config_number(&config, "max_new_tokens", run->o.max_new_tokens);
    config_chat(run, &config);
    config_device(&config, run, 1);
    base_buf_text(&config, "}", NULL);
    value.ptr = config.ptr, value.len = config.len;
    status = table_metadata_set(table, "segfuse", value, err);
    base_buf_free(&config);
    return status ? status : table_write_feather(table, path, err);
}

/* ---- the verb ---- */

/* The command that asks the new wordings. The file is of the schema that WebQA has, so that the
   instruction must be named. */
static void paraphrase_next(const paraphrase_run *p, const char *path) {
    const generate_options *o = &p->run.o;
    printf("To ask them: %s generate --dataset %s", program_called, o->dataset);
    if (o->model) printf(" --model "), shell_print(o->model);
    printf(" --data "), shell_print(path);
    if (o->data && p->run.data.source.split[0]) printf(" --fewshot_data "), shell_print(o->data);
    printf(" --num_paraphrases %ld\n", p->wordings + 1);
}
static int paraphrase_do(paraphrase_run *p, const char *output) {
    generate_run *run = &p->run;
    char path[1100], folder[1100], *slash;
    struct table *table = NULL;
    sgf_error err;
    sgf_status status;
    int code = generate_load(run);
    if (code) return code;
    if (!run_folder(run)) return 1;
    if (!path_make(path, sizeof path, "%s%s", output ? output : run->folder,
                   output ? "" : "/paraphrases.jsonl")) {
        fprintf(stderr,
                "segfuse paraphrase: --output is longer than %d bytes; give a shorter one\n",
                (int)sizeof path - 1);
        return 1;
    }
    if (!run->o.rewrite && !is_free(path)) {
        fprintf(stderr,
                "segfuse paraphrase: %s already exists; give --rewrite or another --output\n",
                path);
        return 1;
    }
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    if (slash && slash != folder && !folder_make(folder)) {
        fprintf(stderr, "segfuse paraphrase: the folder %s cannot be made: %s\n", folder,
                strerror(errno));
        return 1;
    }
    status = table_create(NULL, &table, &err);
    if (!status) status = paraphrase_all(p, table, &err);
    if (!status) status = paraphrase_write(p, table, path, &err);
    table_free(table);
    if (status) return failed("paraphrase", &err);
    printf("%s: %llu question%s, %ld new wordings each\n", path, (unsigned long long)run->count,
           plural(run->count), p->wordings);
    if (p->redrawn)
        printf("%llu draws were empty or not new; %llu wordings stayed so after %d draws and are "
               "the question itself\n",
               (unsigned long long)p->redrawn, (unsigned long long)p->given_up, PARAPHRASE_DRAWS);
    paraphrase_next(p, path);
    return 0;
}
int verb_paraphrase(int argc, char **argv) {
    paraphrase_run p;
    generate_options *o = &p.run.o;
    static const char *const endings[] = {".jsonl", ".feather", ".csv", NULL};
    const char *rest[1], *output = NULL;
    int rests, status;
    option options[] = {
        ROW_MODEL(o->model),
        ROW_DATASET(o->dataset, "where the file goes (as the data is)"),
        ROW_DATA(o->data),
        {"output", OPTION_TEXT, (void *)&output, "OUT",
         ".jsonl, .feather or .csv (paraphrases.jsonl in datasets/..)"},
        {"num_paraphrases", OPTION_COUNT, &p.wordings, "1..5", "new wordings (5)"},
        {"max_samples", OPTION_COUNT, &o->samples, "1..N", "questions to reword (all)"},
        {"max_new_tokens", OPTION_COUNT, &o->max_new_tokens, "1..N", "30"},
        ROWS_CHAT(o),
        {"temperature", OPTION_NUMBER, &p.temperature, "X", "1.5"},
        {"top_p", OPTION_NUMBER, &p.top_p, "X", "0.9"},
        {"seed", OPTION_COUNT, &o->seed, "N", "of the samples (42)"},
        ROW_REWRITE(o->rewrite),
        {"batch_size", OPTION_COUNT, &o->batch, "1..N",
         "questions in flight (16); changes no result"},
        ROWS_MACHINE(o->threads, o->device, o->exact, o->kernels, o->arithmetic),
        ROW_QUIET(o->quiet),
        ROWS_END};
    memset(&p, 0, sizeof p);
    o->batch = 16, o->seed = 42, o->max_new_tokens = 30;
    p.run.instruction = paraphrase_instruction;
    p.wordings = PARAPHRASE_PROMPTS, p.temperature = 1.5, p.top_p = 0.9;
    status = options_parse(
        argc, argv, options, "",
        "New wordings of every question, sampled from the model with few-shot\n"
        "prompts. A small model writes poor ones; look at them before you use them.",
        rest, &rests, 0);
    if (status >= 0) return status;
    if (!device_known(o->device) || !chat_usage(o)) return 2;
    if (!(p.temperature > 0) || !(p.top_p > 0 && p.top_p <= 1)) {
        fprintf(stderr, "segfuse paraphrase: --temperature is above 0, --top_p above 0 and at most "
                        "1\n");
        return 2;
    }
    if (!output_ends("output", output, endings, ".jsonl, .feather or .csv")) return 2;
    status = paraphrase_do(&p, output);
    run_free(&p.run);
    return status;
}
