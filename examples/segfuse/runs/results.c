#define _XOPEN_SOURCE 700
#include "results.h"
#include "../base/statistics.h"
#include "../cli/options.h"
#include "../cli/hub.h"
#include "configuration.h"
#include "relations.h"
#include "shard.h"
#include "../data/lemma_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- folders and names ---- */

int folder_make(const char *path) {
    char part[1200];
    size_t i;
    int why;
    if (!path_make(part, sizeof part, "%s", path)) return errno = ENAMETOOLONG, 0;
    for (i = 1;; i++) {
        char end = part[i];
        if (end && end != '/') continue;
        part[i] = 0;
        if (mkdir(part, 0777) && (why = errno) != 0 && !is_folder(part)) return errno = why, 0;
        if (!end) return 1;
        part[i] = end;
    }
}
/* What a method does beyond one pass: its name in files and configurations, the value that means
   nothing, and the one that is not named. */
static const struct {
    const char *name;
    double none, usual;
} decodings[] = {{"entropy", 0, 0.5}, {"agreement", 0, 0.25},  {"select", 0, 0},
                 {"hybrid", 1, 1},    {"tau", 0, 0},           {"from_layer", 0, 0},
                 {"beams", 0, 0},     {"length_penalty", 0, 1}};
enum { DECODINGS = (int)(sizeof decodings / sizeof decodings[0]) };
static double decoding_value(const sgf_method *m, size_t i) {
    const sgf_decoding *d = &m->decoding;
    const double value[DECODINGS] = {d->agreement ? 0 : d->trust_mass,
                                     d->agreement ? d->trust_mass : 0,
                                     (double)d->select,
                                     1 - d->alone,
                                     d->tau,
                                     (double)d->from_layer,
                                     (double)d->beams,
                                     d->length_penalty};
    return value[i];
}
void result_path(const generate_run *run, const sgf_method *m, char *path, size_t cap) {
    const char *folder = run->folder;
    sgf_method known; /* as it is without options: that is not named */
    size_t n, i;
    if (m->contexts == SGF_CONTEXTS_SINGLE) snprintf(path, cap, "%s/%s", folder, m->name);
    else if (m->contexts == SGF_CONTEXTS_ENSEMBLE)
        snprintf(path, cap, "%s/ensemble_%s-%ld", folder, m->name, run->o.paraphrases);
    else if (method_by_kind(m)) {
        char manuals[32] = "all";
        if (run->o.manuals >= 0) snprintf(manuals, sizeof manuals, "m%ld", run->o.manuals);
        snprintf(path, cap, "%s/%s_%s_a%llu%s", folder, m->name, manuals,
                 (unsigned long long)method_autos(run),
                 m->mask == SGF_MASK_MANUAL_CROSS ? "_xattn" : "");
    } else if (!strcmp(m->name, "myriadlama"))
        snprintf(path, cap, "%s/myriadlama_flex_%ldparas", folder, run->o.paraphrases);
    else if (!strcmp(m->name, "myriadlama_custom"))
        snprintf(path, cap, "%s/%s_%ldparas", folder, m->name, run->o.paraphrases);
    else if (run->o.indexs && !strcmp(m->name, "flex_attention"))
        snprintf(path, cap, "%s/diversity/%s-%s", folder, m->name, run->o.indexs);
    else snprintf(path, cap, "%s/%s-%ld", folder, m->name, run->o.paraphrases);
    n = strlen(path);
    if (sgf_method_find(m->name, &known, NULL)) known = *m;
    if (m->lines) n += (size_t)snprintf(path + n, cap - n, "-%s", lines_name(m->lines));
    if (m->mixture && n < cap) n += (size_t)snprintf(path + n, cap - n, "-mixture");
    for (i = 0; i < DECODINGS && n < cap; i++) {
        char number[40], *whole;
        double value = decoding_value(m, i);
        base_number_print(value, number);
        whole = strstr(number, ".0");
        if (whole && !whole[2]) *whole = 0;
        if (i + 1 == DECODINGS && (!m->decoding.beams || value == decodings[i].usual)) break;
        if (i + 1 == DECODINGS ||
            (value != decodings[i].none && value != decoding_value(&known, i)))
            n += (size_t)snprintf(path + n, cap - n, "-%s%s", decodings[i].name,
                                  value != decodings[i].usual ? number : "");
    }
    if (run->by && n < cap) n += (size_t)snprintf(path + n, cap - n, "-by_relation");
    if (run->o.tag && n < cap) snprintf(path + n, cap - n, ".%s", run->o.tag);
}
int result_writable(const char *path) {
    char probe[1200], folder[1200], *slash;
    FILE *file;
    int ok;
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    if (!folder_make(folder)) {
        fprintf(stderr, "segfuse %s: the output folder %s cannot be made: %s\n", verb_now, folder,
                strerror(errno));
        return 0;
    }
    snprintf(probe, sizeof probe, "%s.probe", path);
    file = fopen(probe, "wb");
    ok = file && fputs("x", file) >= 0;
    if (file) ok = !fclose(file) && ok;
    if (!ok)
        fprintf(stderr, "segfuse %s: %s.feather cannot be written: %s\n", verb_now, path,
                strerror(errno));
    remove(probe);
    return ok;
}

/* ---- the configuration, as JSON ---- */

void config_text(base_buf *buf, const char *key, const char *value) {
    base_buf_text(buf, buf->len > 1 ? ", " : "", NULL);
    json_quote(buf, sgf_text(key), NULL);
    base_buf_text(buf, ": ", NULL);
    json_quote(buf, sgf_text(value), NULL);
}
void config_number(base_buf *buf, const char *key, long value) {
    char text[96];
    snprintf(text, sizeof text, "%s\"%s\": %ld", buf->len > 1 ? ", " : "", key, value);
    base_buf_text(buf, text, NULL);
}
static void config_yes(base_buf *buf, const char *key, int yes) {
    char text[96];
    snprintf(text, sizeof text, "%s\"%s\": %s", buf->len > 1 ? ", " : "", key,
             yes ? "true" : "false");
    base_buf_text(buf, text, NULL);
}
void config_device(base_buf *buf, const generate_run *run, int exact) {
    int same = 1;
    config_text(buf, "device",
                sgf_session_device(run->session, &same) == SGF_DEVICE_CUDA ? "cuda" : "cpu");
    config_yes(buf, "exact", exact && same);
    if (arithmetic_named(run->o.arithmetic) == SGF_ARITHMETIC_BF16)
        config_text(buf, "arithmetic", "bf16"); /* f32 is not written, as before there were two */
}
void config_real(base_buf *buf, const char *key, double value) {
    char number[40], text[128];
    base_number_print(value, number);
    snprintf(text, sizeof text, "%s\"%s\": %s", buf->len > 1 ? ", " : "", key, number);
    base_buf_text(buf, text, NULL);
}
/* May --reuse rotated change this method's last bits? Only segments that see nobody else are turned. */
static int method_rotates(const generate_run *run, const sgf_method *m) {
    return run->rotated && m->contexts == SGF_CONTEXTS_FUSION &&
           (run->matrix || m->mask == SGF_MASK_ISOLATED || m->mask == SGF_MASK_MANUAL_CROSS);
}
void config_chat(const generate_run *run, base_buf *buf) {
    const char *after = run->chat.name ? run->chat.after : run->o.chat_after;
    if (run->chat.name) config_text(buf, "chat", run->chat.name);
    if (run->before.ptr) config_text(buf, "chat_before", run->before.ptr);
    if (run->chat.name) config_text(buf, "chat_next", run->chat.next);
    if (after) config_text(buf, "chat_after", after);
}
void config_begin(const generate_run *run, const char *method, size_t samples, base_buf *buf) {
    base_buf_text(buf, "{", NULL);
    config_text(buf, "segfuse", SGF_VERSION);
    config_text(buf, "method", method);
    config_text(buf, "model", run->model_name);
    config_text(buf, "model_identity", run->model->identity);
    config_text(buf, "dataset", run->o.dataset);
    config_text(buf, "data_identity", run->data.identity);
    config_text(buf, "fewshot_identity", run->fewshot.identity);
    config_number(buf, "num_fewshots", run->o.fewshots);
    config_number(buf, "seed", run->o.seed);
    config_number(buf, "samples", (long)samples);
    config_chat(run, buf);
}
void method_config(const generate_run *run, const sgf_method *m, size_t samples, int lemmas,
                   base_buf *buf) {
    static const char *const formats[] = {"standard", "concatenated", "shared", "shared+cue",
                                          "few-shot"};
    static const char *const bos[] = {"auto", "first", "each", "none"};
    char accidents[64], mass[64];
    size_t fewer = method_fewer(run, m, samples), i;
    method_mass(m, mass, sizeof mass);
    config_begin(run, m->name, samples, buf);
    if (!method_by_kind(m))
        config_number(buf, "num_paraphrases", strcmp(m->name, "origin") ? run->o.paraphrases : 1);
    else {
        if (run->o.manuals < 0) config_text(buf, "num_manual", "all");
        else config_number(buf, "num_manual", run->o.manuals);
        config_number(buf, "num_auto", (long)method_autos(run));
    }
    if (fewer) config_number(buf, "fewer_paraphrases", (long)fewer);
    if (run->o.indexs) config_text(buf, "indexs", run->o.indexs);
    config_number(buf, "max_new_tokens", method_tokens(run, m));
    config_text(buf, "format", formats[m->format]);
    if (m->lines) config_text(buf, "lines", lines_name(m->lines));
    config_text(buf, "mask", run->matrix ? run->mask_text : sgf_mask_name(m->mask));
    config_text(buf, "positions", m->positions == SGF_POSITIONS_ALIGNED ? "aligned" : "sequential");
    config_text(buf, "mass",
                m->contexts == SGF_CONTEXTS_FUSION && run->o.mass && !(m->decoding.trust_mass > 0)
                    ? run->o.mass
                    : mass);
    if (m->mixture) config_text(buf, "fusion", "mixture");
    for (i = 2; i < DECODINGS; i++) /* the first two are the mass */
        if (decoding_value(m, i) != decodings[i].none || (m->decoding.beams && i + 1 == DECODINGS))
            config_real(buf, decodings[i].name, decoding_value(m, i));
    if (method_weighs(run, m)) config_text(buf, "confidence_identity", run->sure.identity);
    config_text(buf, "fusion_start",
                m->fusion_start == SGF_FUSION_START_AFTER_FIRST ? "after-first" : "first-answer");
    config_text(buf, "bos", bos[m->bos]);
    config_text(buf, "prediction",
                m->prediction == SGF_PREDICTION_FIRST_WORD ? "first-word" : "first-line");
    config_text(buf, "accidents",
                method_accident_names(run_accidents(run, m), accidents, sizeof accidents));
    config_text(buf, "lemmas", lemmas ? "yes" : "no");
    if (m->contexts == SGF_CONTEXTS_FUSION) config_text(buf, "separator", sgf_method_separator(m));
    if (method_rotates(run, m)) config_text(buf, "reuse", "rotated");
    config_device(buf, run, !method_rotates(run, m));
    if (run->by) {
        base_buf by;
        base_buf_init(&by, NULL);
        if (!relations_text(run, &by, NULL) && !base_buf_add(&by, "", 1, NULL))
            config_text(buf, "by_relation", by.ptr);
        base_buf_free(&by);
    }
    if (run->o.tag) config_text(buf, "tag", run->o.tag);
    base_buf_text(buf, "}", NULL);
}

/* ---- result tables ---- */

sgf_status result_create(result_table *t, const sgf_method *m, sgf_error *err) {
    sgf_status status = table_create(NULL, &t->table, err);
    int each = !strcmp(m->name, "per_prompt"), templates = !strncmp(m->name, "myriadlama", 10);
    t->method = m;
    t->question = t->paraphrase = t->paraphrases = t->prompt = t->prompts = -1;
    if (!status) status = table_column(t->table, "uuid", SGF_COLUMN_UTF8, &t->uuid, err);
    if (!status && m->contexts == SGF_CONTEXTS_SINGLE)
        status = table_column(t->table, "answers", SGF_COLUMN_LIST_UTF8, &t->answers, err);
    if (!status && m->contexts == SGF_CONTEXTS_SINGLE)
        status = table_column(t->table, each ? "paraphrase" : "question", SGF_COLUMN_UTF8,
                              each ? &t->paraphrase : &t->question, err);
    if (!status && m->contexts == SGF_CONTEXTS_SINGLE)
        status = table_column(t->table, "prompt", SGF_COLUMN_UTF8, &t->prompt, err);
    if (!status && m->contexts != SGF_CONTEXTS_SINGLE)
        status = table_column(t->table, templates ? "templates" : "paraphrases",
                              SGF_COLUMN_LIST_UTF8, &t->paraphrases, err);
    if (!status && m->contexts == SGF_CONTEXTS_ENSEMBLE)
        status = table_column(t->table, "prompts", SGF_COLUMN_LIST_UTF8, &t->prompts, err);
    if (!status && m->contexts != SGF_CONTEXTS_SINGLE)
        status = table_column(t->table, "answers", SGF_COLUMN_LIST_UTF8, &t->answers, err);
    if (!status)
        status = table_column(t->table, "prediction", SGF_COLUMN_UTF8, &t->prediction, err);
    if (!status)
        status = table_column(t->table, "generation", SGF_COLUMN_UTF8, &t->generation, err);
    return status;
}
sgf_status prompt_text(const generate_run *run, const sgf_layout *layout, base_arena *arena,
                       sgf_str *out, sgf_error *err) {
    size_t cap = 0;
    char *text;
    sgf_status status = sgf_decode(run->model->tokenizer, layout->token, layout->tokens, 0, NULL, 0,
                                   &cap, err);
    if (status) return status;
    text = (char *)base_arena_alloc(arena, cap + 1, 1, err);
    if (!text) return SGF_ERR_MEMORY;
    out->ptr = text;
    return sgf_decode(run->model->tokenizer, layout->token, layout->tokens, 0, text, cap, &out->len,
                      err);
}
sgf_status task_text(const generate_run *run, const sgf_task *task, base_arena *arena, sgf_str *out,
                     sgf_error *err) {
    size_t cap = 0;
    char *text;
    sgf_status status = sgf_decode(run->model->tokenizer, task->ids, task->count,
                                   SGF_DECODE_SKIP_SPECIAL, NULL, 0, &cap, err);
    if (status) return status;
    text = (char *)base_arena_alloc(arena, cap + 1, 1, err);
    if (!text) return SGF_ERR_MEMORY;
    out->ptr = text;
    return sgf_decode(run->model->tokenizer, task->ids, task->count, SGF_DECODE_SKIP_SPECIAL, text,
                      cap, &out->len, err);
}
/* A row's lemmas, in the columns lemmas[0] and [1]. */
static sgf_status row_lemmas(struct table *table, const int *lemmas, sgf_str prediction,
                             const sgf_str *answers, size_t n, sgf_error *err) {
    sgf_str *texts = (sgf_str *)calloc(n + 1, sizeof *texts);
    lemma_book book;
    sgf_status status;
    if (!texts) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    texts[n] = prediction;
    if (n) memcpy(texts, answers, n * sizeof *texts);
    status = lemma_book_make(&book, texts, n + 1, err);
    if (status) return status;
    status = lemma_book_put_one(table, lemmas[0], &book, prediction, err);
    if (!status) status = lemma_book_put(table, lemmas[1], &book, answers, n, err);
    lemma_book_free(&book);
    return status;
}
sgf_status result_lemmatize(struct table *table, sgf_error *err) {
    int lemmas[2], prediction, answers;
    size_t row, rows = table_rows(table);
    sgf_status status;
    prediction = table_find(table, "prediction"), answers = table_find(table, "answers");
    status = table_column(table, "predict_lemma", SGF_COLUMN_LIST_UTF8, &lemmas[0], err);
    if (!status)
        status = table_column(table, "answer_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &lemmas[1], err);
    for (row = 0; row < rows && !status; row++)
        status = row_lemmas(table, lemmas, cell_text(table, prediction, row),
                            cell_list(table, answers, row), cell_count(table, answers, row), err);
    return status;
}

int task_ended(const generate_run *run, const sgf_task *task) {
    const sgf_config *config = &run->model->config;
    int32_t e;
    for (e = 0; e < config->eos_count; e++)
        if (config->eos[e] == task->ids[task->count - 1]) return 1;
    return 0;
}
void empty_tell(const generate_run *run, size_t empty, size_t ended) {
    const sgf_config *config = &run->model->config;
    sgf_str end = sgf_text("");
    if (!empty) return;
    if (config->eos_count) end = sgf_token_text(run->model->tokenizer, config->eos[0]);
    printf("%llu prediction%s empty", (unsigned long long)empty, empty == 1 ? " is" : "s are");
    if (ended)
        printf(": the model ended %s at once with %s%s",
               ended == empty ? empty == 1 ? "it" : "them" : "some", base_show(end).text,
               run->o.fewshots ? "" : "; give it examples (--num_fewshots, --fewshot_data)");
    printf(".\n");
}

/* Contexts computed for its tokens: for the first one its own and those of the paraphrases alone, then
   those that a generated token was fed to, of all beams. */
static size_t task_passes(const sgf_task *task, size_t paraphrases) {
    const sgf_decoding *d = &task->decoding;
    int alone = d->alone > 0 || d->trust_mass > 0 || d->select;
    return task->contexts + (alone ? paraphrases : 0) + task->decode_tokens;
}
sgf_status result_add(const generate_run *run, result_table *t, const question *q, const asked *a,
                      size_t which, const sgf_task *task, method_result *result, sgf_error *err) {
    base_arena arena;
    sgf_str generation, prediction, *prompts;
    size_t c;
    int one_way = 0, two_way = 0;
    const sgf_method *asks = t->method;
    sgf_status status;
    relation_run(run, q, &asks);
    generation = sgf_text("");
    base_arena_init(&arena, NULL);
    prompts = (sgf_str *)base_arena_alloc(&arena, task->contexts, sizeof *prompts, err);
    status = prompts ? task_text(run, task, &arena, &generation, err) : SGF_ERR_MEMORY;
    prediction = sgf_prediction_take(asks->prediction, generation);
    for (c = 0; c < task->contexts && !status && (t->prompt >= 0 || t->prompts >= 0); c++)
        status = prompt_text(run, &task->context[c], &arena, &prompts[c], err);
    if (!status)
        status = lemma_match_any(prediction, q->answers, q->answer_count, &one_way, &two_way, err);
    if (!status) status = table_text(t->table, t->uuid, q->uuid, err);
    if (!status) status = table_list(t->table, t->answers, q->answers, q->answer_count, err);
    if (!status && t->question >= 0)
        status = table_text(t->table, t->question, a->text[which], err);
    if (!status && t->paraphrase >= 0)
        status = table_text(t->table, t->paraphrase, a->text[which], err);
    if (!status && t->prompt >= 0) status = table_text(t->table, t->prompt, prompts[0], err);
    if (!status && t->paraphrases >= 0)
        status = table_list(t->table, t->paraphrases, a->text, a->n, err);
    if (!status && t->prompts >= 0)
        status = table_list(t->table, t->prompts, prompts, task->contexts, err);
    if (!status) status = table_text(t->table, t->prediction, prediction, err);
    if (!status) status = table_text(t->table, t->generation, base_strip(generation), err);
    result->rows++;
    result->right += (size_t)two_way;
    result->right_one_way += (size_t)one_way;
    result->prefill += task->prefill_tokens;
    result->decode += task->decode_tokens;
    result->passes += task_passes(task, a->n);
    result->steps += task->count;
    result->empty += !prediction.len;
    result->ended += !prediction.len && task->count == 1 && task_ended(run, task);
    base_arena_free(&arena);
    return status;
}

sgf_status result_write(const char *path, struct table *table, const base_buf *config,
                        sgf_error *err) {
    char file[1100];
    sgf_str value;
    base_out out;
    sgf_status status;
    value.ptr = config->ptr;
    value.len = config->len;
    status = table_metadata_set(table, "segfuse", value, err);
    snprintf(file, sizeof file, "%s.csv", path);
    if (!status) status = table_write_csv(table, file, err);
    snprintf(file, sizeof file, "%s.json", path);
    if (!status) status = base_out_open(&out, file, err);
    if (!status) {
        base_out_write(&out, config->ptr, config->len, err);
        base_out_write(&out, "\n", 1, err);
        status = base_out_close(&out, err);
    }
    snprintf(file, sizeof file, "%s.feather", path);
    return status ? status : table_write_feather(table, file, err);
}

sgf_status result_peek(const char *path, const base_buf *config, result_found *found,
                       sgf_error *err) {
    char file[1200];
    struct table *table;
    sgf_str there;
    sgf_status status;
    memset(found, 0, sizeof *found);
    snprintf(file, sizeof file, "%s.feather", path);
    if (is_free(file)) return SGF_OK;
    status = table_read(file, NULL, &table, err);
    if (status) return status;
    there = table_metadata_get(table, "segfuse");
    status = config_grows(file, there, config, err);
    if (!status) {
        config_extent(there, &found->samples, &found->lemmas);
        found->lemmas = found->lemmas && table_find(table, "predict_lemma") >= 0 &&
                        table_find(table, "answer_lemmas") >= 0;
    }
    table_free(table);
    return status;
}

/* ---- the table at the end ---- */

/* Were all methods asked alike? */
static void formats_print(const generate_run *run) {
    size_t i, k, more = 0;
    printf("\nprompt format: ");
    for (i = 0; i < run->methods; i++) {
        const char *format = method_format(&run->method[i]);
        for (k = 0; k < i && strcmp(method_format(&run->method[k]), format); k++) {}
        if (k < i) continue;
        printf("%s%s", more++ ? "; " : "", format);
        for (k = i; k < run->methods && (more > 1 || run->methods > 1); k++)
            if (!strcmp(method_format(&run->method[k]), format))
                printf("%s%s", k > i ? ", " : " of ", run->method[k].name);
    }
    printf(more > 1 ? " (a difference may be the format's: --format line asks all alike)\n" : "\n");
}
void results_print(const generate_run *run, const method_result *r, size_t n) {
    size_t i, earlier = 0, empty = 0, ended = 0, mine = 0;
    int wide = 14; /* of the longest name */
    for (i = 0; i < n; i++) {
        if ((int)strlen(r[i].name) > wide) wide = (int)strlen(r[i].name);
        empty += r[i].empty, ended += r[i].ended;
    }
    printf("\n%s on %s: %llu question%s, %ld paraphrase%s, %ld example%s", run->model_name,
           run->o.dataset, (unsigned long long)run->count, plural(run->count), run->o.paraphrases,
           plural((size_t)run->o.paraphrases), run->o.fewshots, plural((size_t)run->o.fewshots));
    for (i = 0; i < run->count; i++)
        mine += (size_t)shard_has(run->shard, run->shards, run->data.questions[i].uuid);
    if (run->shards)
        printf("; shard %ld of %ld: %llu question%s", run->shard, run->shards,
               (unsigned long long)mine, plural(mine));
    printf("\n\n");
    printf("%-*s  %-24s %-9s %s%-12s %10s %9s %8s\n", wide, "method", "accuracy (95% interval)",
           "one-way", empty ? "  empty  " : "", "passes/step", "prefill", "decode", "q/s");
    for (i = 0; i < n; i++) {
        double low, high, rows = r[i].rows ? (double)r[i].rows : 1;
        if (!r[i].rows) continue;
        wilson_interval(r[i].right, r[i].rows, 1.959963984540054, &low, &high);
        printf("%-*s  %.3f (%.3f to %.3f)   %.3f     ", wide, r[i].name, (double)r[i].right / rows,
               low, high, (double)r[i].right_one_way / rows);
        if (empty) printf("%7llu  ", (unsigned long long)r[i].empty);
        if (!r[i].steps) { /* there already; the files do not say what it took */
            printf("%-12s %10s %9s %8s\n", "-", "-", "-", "-");
            earlier++;
            continue;
        }
        printf("%-12.4g", (double)r[i].passes / (double)r[i].steps);
        if (r[i].carried) printf(" %10s %9s", "-", "-"), earlier++;
        else
            printf(" %10llu %9llu", (unsigned long long)r[i].prefill,
                   (unsigned long long)r[i].decode);
        printf(" %8.1f\n", r[i].seconds > 0 ? (double)r[i].answered / r[i].seconds : 0);
    }
    formats_print(run);
    printf(
        "accuracy: two-way match of lemmas; one-way: the prediction must contain the answer. per_prompt counts one row\n"
        "per paraphrase. passes/step: contexts computed for each next token. prefill, decode: tokens computed.\n"
        "%s",
        earlier ? "-: the result, or a part of it, was there already.\n" : "");
    empty_tell(run, empty, ended);
    printf("Results: %s/*.feather and *.csv\n", run->folder);
}
