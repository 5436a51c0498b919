/* What the page can ask of the library. The worker calls these functions; each gives a JSON text that is
   valid until the next call, {"error": "..."} if something went wrong. There are no files: the page
   stores those of the model here, see SGF_NO_STDIO in segfuse.h. */
#define SEGFUSE_IMPLEMENTATION
#include "../../segfuse.h"

#include "../segfuse/base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
enum { FILES = 8, EXAMPLES = 8, PARAPHRASES = 20, STEPS = 10, TOP = 5, LEAKS = 20, TOKENS = 1000 };

/* ---- the files of the model ---- */

static struct {
    const char *path;
    const void *bytes;
    size_t size;
} files[FILES];
static size_t file_count;

void *EXPORT(web_memory)(size_t size) {
    return malloc(size);
}
/* Takes a file: both pointers are from web_memory and stay in use. */
void EXPORT(web_file)(const char *path, const void *bytes, size_t size) {
    if (file_count == FILES) return;
    files[file_count].path = path;
    files[file_count].bytes = bytes;
    files[file_count++].size = size;
}
sgf_status sgf_host_view(const char *path, const void **bytes, size_t *size) {
    size_t i;
    *bytes = NULL;
    for (i = 0; i < file_count; i++)
        if (!strcmp(files[i].path, path)) *bytes = files[i].bytes, *size = files[i].size;
    return SGF_OK;
}
void sgf_host_release(const void *bytes, size_t size) {
    (void)bytes, (void)size;
}
/* The page writes no files. */
sgf_status sgf_host_create(const char *path, void **file) {
    (void)path, (void)file;
    return SGF_ERR_IO;
}
sgf_status sgf_host_append(void *file, const void *bytes, size_t n) {
    (void)file, (void)bytes, (void)n;
    return SGF_ERR_IO;
}
sgf_status sgf_host_finish(void *file, int keep) {
    (void)file, (void)keep;
    return SGF_ERR_IO;
}

/* ---- JSON ---- */

typedef struct {
    char *ptr;
    size_t len, cap;
    int failed; /* out of memory */
} bytes;
static bytes out;

static void put(bytes *b, const void *from, size_t n) {
    if (b->len + n + 1 > b->cap) {
        size_t cap = 2 * (b->len + n + 1);
        char *more = (char *)realloc(b->ptr, cap);
        if (!more) b->failed = 1;
        if (!more) return;
        b->ptr = more;
        b->cap = cap;
    }
    memcpy(b->ptr + b->len, from, n);
    b->len += n;
    b->ptr[b->len] = 0;
}
static void put_raw(const char *text) {
    put(&out, text, strlen(text));
}
static void put_number(const char *before, double x) {
    char text[64];
    snprintf(text, sizeof text, "%.9g", x);
    put_raw(before);
    put_raw(text);
}
/* A string. Its text is UTF-8. */
static void put_text(const char *before, const char *text, size_t n) {
    size_t i;
    put_raw(before);
    put_raw("\"");
    for (i = 0; i < n; i++) {
        char escape[8];
        unsigned char c = (unsigned char)text[i];
        snprintf(escape, sizeof escape, "\\u%04x", c);
        if (c < 32 || c == '"' || c == '\\') put_raw(escape);
        else put(&out, text + i, 1);
    }
    put_raw("\"");
}
static void put_begin(void) {
    out.len = 0;
    put_raw("{");
}
static const char *put_end(sgf_status status, const sgf_error *err) {
    if (status) {
        put_begin();
        put_text("\"error\":", err->message, strlen(err->message));
    }
    put_raw("}");
    if (!out.failed) return out.ptr;
    out.failed = 0;
    return "{\"error\":\"out of memory; close other pages and try again\"}";
}

/* ---- the model and the question ---- */

static sgf_model *model;
static sgf_session *session;
static struct {
    sgf_str instruction, paraphrase[PARAPHRASES];
    sgf_example example[EXAMPLES];
    double weight[PARAPHRASES];
    size_t examples, paraphrases;
    char *kept[1 + PARAPHRASES + 2 * EXAMPLES]; /* the texts, to be freed */
    size_t keeps;
} asked;
static sgf_layout fused;
static int by_entropy; /* weights of the fused prompt, see sgf_decoding */

const char *EXPORT(web_load)(void) {
    sgf_error err;
    int i;
    sgf_status status = sgf_model_load("model", NULL, &model, &err);
    sgf_layout_init(&fused, NULL);
    if (!status) status = sgf_session_create(model, NULL, &session, &err);
    put_begin();
    if (!status) {
        put_number("\"parameters\":", (double)sgf_config_parameters(&model->config));
        put_number(",\"layers\":", model->config.layers);
        put_number(",\"context\":", model->config.context);
        put_text(",\"version\":", sgf_version(), strlen(sgf_version()));
        put_raw(",\"masks\":[");
        for (i = 0; i < SGF_MASK_COUNT; i++) {
            const char *name = sgf_mask_name((sgf_mask)i);
            put_text(i ? "," : "", name, strlen(name));
        }
        put_raw("]");
    }
    return put_end(status, &err);
}
static sgf_str keep(char *text, size_t n) {
    sgf_str s;
    asked.kept[asked.keeps++] = text;
    s.ptr = text;
    s.len = n;
    return s;
}
/* A new question. The texts are from web_memory, and belong to this unit afterwards. */
void EXPORT(web_question)(char *instruction, size_t n) {
    while (asked.keeps) free(asked.kept[--asked.keeps]);
    asked.examples = asked.paraphrases = 0;
    asked.instruction = keep(instruction, n);
}
int EXPORT(web_example)(char *question, size_t n, char *answer, size_t m) {
    sgf_example *e = &asked.example[asked.examples];
    if (asked.examples == EXAMPLES) return 0;
    memset(e, 0, sizeof *e);
    e->question = keep(question, n);
    e->answer = keep(answer, m);
    asked.examples++;
    return 1;
}
int EXPORT(web_paraphrase)(char *text, size_t n, double weight) {
    if (asked.paraphrases == PARAPHRASES) return 0;
    asked.weight[asked.paraphrases] = weight;
    asked.paraphrase[asked.paraphrases++] = keep(text, n);
    return 1;
}
static sgf_prompt prompt_make(const double *weights) {
    sgf_prompt p;
    memset(&p, 0, sizeof p);
    p.instruction = asked.instruction;
    p.example = asked.example;
    p.examples = asked.examples;
    p.paraphrase = asked.paraphrase;
    p.paraphrases = asked.paraphrases;
    p.weight = weights;
    return p;
}

/* ---- the fused prompt and its mask ---- */

static sgf_status fail(sgf_error *err, sgf_status status, const char *format, size_t n) {
    memset(err, 0, sizeof *err);
    err->status = status;
    snprintf(err->message, sizeof err->message, format, n);
    return status;
}
/* Positions between the two rules: `part` 0 is aligned, 1 sequential. */
static sgf_status positions_set(double part, sgf_error *err) {
    size_t i;
    double last;
    int32_t *aligned = (int32_t *)malloc((fused.tokens + 1) * sizeof *aligned);
    if (!aligned) return fail(err, SGF_ERR_MEMORY, "out of memory for %zu positions", fused.tokens);
    sgf_layout_place(&fused, SGF_POSITIONS_ALIGNED);
    memcpy(aligned, fused.pos, fused.tokens * sizeof *aligned);
    last = fused.answer_pos;
    sgf_layout_place(&fused, SGF_POSITIONS_SEQUENTIAL);
    for (i = 0; i < fused.tokens; i++)
        fused.pos[i] = aligned[i] + (int32_t)floor(part * (fused.pos[i] - aligned[i]) + 0.5);
    fused.answer_pos = (int32_t)(last + floor(part * (fused.answer_pos - last) + 0.5));
    free(aligned);
    return SGF_OK;
}
/* Builds the fused prompt. mass: 0: every paraphrase has weight 1, 1: 1/N, 2: its own, 3: by the entropy of
   its first token alone. */
const char *EXPORT(web_fused)(int mask, double part, int mass) {
    sgf_error err;
    sgf_method method;
    sgf_prompt prompt = prompt_make(mass == 2 ? asked.weight : NULL);
    sgf_status status = sgf_method_find("fused", &method, &err);
    method.mask = (sgf_mask)mask;
    method.even_weights = mass == 1 || mass == 3;
    by_entropy = mass == 3;
    if (!status) status = sgf_prompt_layout(model->tokenizer, &prompt, &method, 0, &fused, &err);
    if (!status && fused.tokens > TOKENS)
        status = fail(&err, SGF_ERR_LIMIT,
                      "the prompt has %zu tokens; this page computes at most 1000: shorten the "
                      "paraphrases, or remove some",
                      fused.tokens);
    if (!status) status = positions_set(part, &err);
    put_begin();
    return put_end(status, &err);
}
void EXPORT(web_switch)(int query, int key) {
    sgf_visible_set(&fused, query, key, !sgf_visible(&fused, query, key));
}
static void put_token(int32_t id) {
    char text[256];
    size_t n = 0;
    sgf_decode(model->tokenizer, &id, 1, 0, text, sizeof text, &n, NULL);
    put_text("", text, n);
}
static void put_leaks(const sgf_leak *leak, size_t n, size_t count) {
    size_t i, j;
    char text[1024];
    put_number(",\"leakCount\":", (double)count);
    put_raw(",\"leaks\":[");
    for (i = 0; i < n; i++) {
        sgf_leak_text(&fused, &leak[i], text, sizeof text);
        put_text(i ? ",{\"text\":" : "{\"text\":", text, strlen(text));
        put_number(",\"hops\":", (double)leak[i].hops);
        put_raw(",\"path\":[");
        for (j = 0; j < leak[i].tokens; j++) put_number(j ? "," : "", leak[i].path[j]);
        put_raw("]}");
    }
    put_raw("]");
}
/* Tokens, segments, what sees what, and where information leaks against the promise of `mask`. */
const char *EXPORT(web_describe)(int mask) {
    sgf_error err;
    sgf_leak leak[LEAKS];
    size_t i, k, count = 0;
    char text[128];
    sgf_status status = sgf_mask_leaks(&fused, NULL, (sgf_mask)mask, (size_t)model->config.layers,
                                       leak, LEAKS, &count, &err);
    put_begin();
    put_raw("\"tokens\":[");
    for (i = 0; i < fused.tokens; i++) {
        put_raw(i ? ",[" : "[");
        put_token(fused.token[i]);
        put_number(",", fused.token[i]);
        put_number(",", fused.pos[i]);
        put_number(",", fused.seg[i]);
        put_raw("]");
    }
    put_raw("],\"segments\":[");
    for (i = 0; i < fused.segments; i++) {
        const sgf_segment *s = &fused.segment[i];
        sgf_segment_text(&fused, (int32_t)i, text, sizeof text);
        put_text(i ? ",{\"text\":" : "{\"text\":", text, strlen(text));
        put_text(",\"role\":", sgf_role_name(s->role), strlen(sgf_role_name(s->role)));
        put_number(",\"group\":", s->group);
        put_number(",\"weight\":", exp((double)s->log_weight));
        put_raw(",\"sees\":\"");
        for (k = 0; k < fused.segments; k++)
            put_raw(sgf_visible(&fused, (int32_t)i, (int32_t)k) ? "1" : "0");
        put_raw("\"}");
    }
    put_raw("]");
    put_leaks(leak, count < LEAKS ? count : LEAKS, count);
    return put_end(status, &err);
}
/* Why can token q see token k, or why not? */
const char *EXPORT(web_explain)(size_t q, size_t k) {
    sgf_error err;
    char text[2048];
    sgf_status status = sgf_mask_explain(&fused, model->tokenizer, q, k, text, sizeof text, &err);
    put_begin();
    if (!status) put_text("\"text\":", text, strlen(text));
    return put_end(status, &err);
}

/* ---- answers ---- */

typedef struct {
    bytes logits; /* of every step, little-endian: what is digested */
    struct {
        int32_t id;
        double p;
    } top[STEPS][TOP];
    size_t steps;
} record;
typedef struct {
    record records[PARAPHRASES + 1];
    double *mass; /* [STEPS][layers][segments] */
    size_t step, segments;
} watching;
static watching seen;

static int on_step(void *user, size_t task, size_t step, const float *logits, int32_t *chosen) {
    record *r = &seen.records[task];
    size_t V = (size_t)model->config.vocab_size, i, j;
    double sum = 0, top = logits[*chosen];
    (void)user;
    put(&r->logits, logits, V * sizeof *logits); /* WebAssembly is little-endian */
    for (i = 0; i < V; i++) sum += exp(logits[i] - top);
    for (i = 0; i < TOP; i++) r->top[step][i].p = -1;
    for (i = 0; i < V; i++) {
        double p = exp(logits[i] - top) / sum;
        for (j = TOP; j > 0 && p > r->top[step][j - 1].p; j--)
            if (j < TOP) r->top[step][j] = r->top[step][j - 1];
        if (j == TOP) continue;
        r->top[step][j].id = (int32_t)i;
        r->top[step][j].p = p;
    }
    r->steps = step + 1;
    seen.step = step + 1;
    return r->logits.failed;
}
static void on_attention(void *user, size_t row, int32_t layer, const double *mass,
                         size_t segments) {
    size_t at = (seen.step * (size_t)model->config.layers + (size_t)layer) * segments;
    (void)user, (void)row;
    if (segments != fused.segments) return; /* a paraphrase alone, for its entropy */
    if (seen.step < STEPS) memcpy(seen.mass + at, mass, segments * sizeof *mass);
}
/* {"answer": ..., "digest": ..., "steps": [[["token", probability], ...], ...]} */
static sgf_status put_answer(const sgf_task *task, record *r, sgf_error *err) {
    char text[1024], digest[33];
    size_t n = 0, i, j;
    sgf_str all;
    sgf_status status = sgf_decode(model->tokenizer, task->ids, task->count,
                                   SGF_DECODE_SKIP_SPECIAL, text, sizeof text, &n, err);
    if (status) return status;
    all.ptr = text;
    all.len = n;
    all = sgf_prediction_take(SGF_PREDICTION_FIRST_LINE, all);
    put_text("{\"answer\":", all.ptr, all.len);
    all.ptr = r->logits.ptr;
    all.len = r->logits.len;
    hash_md5_hex(all, digest);
    put_text(",\"digest\":", digest, 32);
    put_raw(",\"steps\":[");
    for (i = 0; i < r->steps; i++) {
        put_raw(i ? ",[" : "[");
        for (j = 0; j < TOP; j++) {
            put_raw(j ? ",[" : "[");
            put_token(r->top[i][j].id);
            put_number(",", r->top[i][j].p);
            put_raw("]");
        }
        put_raw("]");
    }
    put_raw("]}");
    return SGF_OK;
}
static void records_begin(size_t n) {
    size_t i;
    for (i = 0; i < n; i++) seen.records[i].logits.len = seen.records[i].steps = 0;
    seen.step = 0;
}
static void put_attention(size_t steps) {
    size_t i, l, s, at = 0;
    put_raw(",\"attention\":[");
    for (i = 0; i < steps && i < STEPS; i++) {
        put_raw(i ? ",[" : "[");
        for (l = 0; l < (size_t)model->config.layers; l++) {
            put_raw(l ? ",[" : "[");
            for (s = 0; s < fused.segments; s++) put_number(s ? "," : "", seen.mass[at++]);
            put_raw("]");
        }
        put_raw("]");
    }
    put_raw("]");
}
/* The answer to the fused prompt as it is now, and where attention fell. */
const char *EXPORT(web_answer)(void) {
    sgf_error err;
    sgf_task task;
    int32_t ids[STEPS];
    sgf_status status;
    double trust[2][PARAPHRASES]; /* [2][asked.paraphrases]: entropies, then weights */
    size_t n = asked.paraphrases, i;
    size_t cells = STEPS * (size_t)model->config.layers * fused.segments;
    free(seen.mass);
    seen.mass = (double *)calloc(cells + 1, sizeof *seen.mass);
    out.failed |= !seen.mass;
    put_begin();
    if (!seen.mass) return put_end(SGF_OK, NULL);
    memset(&task, 0, sizeof task);
    task.context = &fused;
    task.contexts = 1;
    task.combine = SGF_COMBINE_AVG;
    task.ids = ids;
    task.max_new_tokens = STEPS;
    task.decoding.trust_mass = by_entropy ? 0.5 : 0; /* as --mass entropy */
    task.trust = trust[0];
    records_begin(1);
    sgf_session_watch(session, on_attention, NULL);
    status = sgf_generate(session, &task, 1, on_step, NULL, &err);
    sgf_session_watch(session, NULL, NULL);
    put_raw("\"fused\":");
    if (!status) status = put_answer(&task, &seen.records[0], &err);
    put_attention(task.count);
    put_raw(",\"weights\":[");
    for (i = 0; i < n && by_entropy && !status; i++) put_number(i ? "," : "", trust[0][n + i]);
    put_raw("]");
    return put_end(status, &err);
}
/* The answer of avg, and those to single paraphrases: bit i of `wanted` is paraphrase i, others are null. */
const char *EXPORT(web_alone)(unsigned wanted) {
    sgf_error err;
    sgf_method method;
    sgf_layout layout[PARAPHRASES];
    sgf_task task[PARAPHRASES + 1];
    int32_t ids[PARAPHRASES + 1][STEPS];
    sgf_prompt prompt = prompt_make(NULL);
    size_t i, n = asked.paraphrases, tasks = 0, at = 0;
    sgf_status status = sgf_method_find("avg", &method, &err);
    memset(task, 0, sizeof task);
    for (i = 0; i < n; i++) sgf_layout_init(&layout[i], NULL);
    for (i = 0; i < n && !status; i++)
        status = sgf_prompt_layout(model->tokenizer, &prompt, &method, i, &layout[i], &err);
    for (i = 0; i <= n; i++) {
        if (i < n && !(wanted >> i & 1)) continue;
        task[tasks].context = i < n ? &layout[i] : layout;
        task[tasks].contexts = i < n ? 1 : n;
        task[tasks].combine = SGF_COMBINE_AVG;
        task[tasks].ids = ids[tasks];
        task[tasks++].max_new_tokens = STEPS;
    }
    records_begin(tasks);
    if (!status) status = sgf_generate(session, task, tasks, on_step, NULL, &err);
    put_begin();
    put_raw("\"alone\":[");
    for (i = 0; i < n && !status; i++) {
        if (i) put_raw(",");
        if (!(wanted >> i & 1)) put_raw("null");
        else status = put_answer(&task[at], &seen.records[at], &err), at++;
    }
    put_raw("],\"avg\":");
    if (!status) status = put_answer(&task[at], &seen.records[at], &err);
    for (i = 0; i < n; i++) sgf_layout_free(&layout[i]);
    return put_end(status, &err);
}
