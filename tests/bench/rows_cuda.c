/* The rows of bench-speed on an NVIDIA GPU (--device cuda). Included by speed.c where SGF_CUDA is defined. */

#include "cuda.h"

/* Llama 3.2 3B's shape; and its attention with little else. --small: to try the program. */
static const shape shape_3b = {"3b-bf16", SGF_DTYPE_BF16, 3072,   28,   24, 8,
                               128,       8192,           128256, 16384};
static const shape shape_heads = {"heads-bf16", SGF_DTYPE_BF16, 64, 4, 24, 8, 128, 64, 2048, 16384};
static const shape shape_small = {"small-bf16", SGF_DTYPE_BF16, 192, 2, 6, 2, 32, 192, 2048, 16384};

enum { LONG = 8192, LONG_SMALL = 512, RAGGED_MOST = 256 };

/* `n` lengths between 1/2 and 3/2 of their mean, `total` in all; as a list for torch_peer.py, too. */
static void ragged(size_t *length, size_t n, size_t total, char *text, size_t cap) {
    size_t left = total, i, at = 0;
    uint32_t random = 1;
    for (i = 0; i < n; i++) {
        size_t mean = left / (n - i);
        random = random * 1664525u + 1013904223u;
        length[i] = i + 1 == n ? left : mean / 2 + (random >> 8) % (mean + 1);
        left -= length[i];
        at += (size_t)snprintf(text + at, cap - at, "%s%u", i ? "," : "", (unsigned)length[i]);
    }
}
static double pairs_of(const size_t *length, size_t n) {
    double pairs = 0;
    size_t i;
    for (i = 0; i < n; i++) pairs += (double)length[i] * (double)(length[i] + 1) / 2;
    return pairs;
}

/* ---- prefill attention: isolated segments of unequal lengths, or one ---- */

/* Attention alone in `n` segments, of one layer; what torch_peer.py measured stands beside it. */
static void cuda_attention(bench *b, ours *o, size_t tokens, size_t n) {
    size_t length[RAGGED_MOST], i;
    char text[RAGGED_MOST * 8], name[96], planned[96], peer[64], masks[64];
    const char *who = NULL, *unused = NULL;
    double rate[MAX_ROUNDS], base, mask, work;
    const sgf_config *of = &o->model->config;
    bench_cuda_watch watch;
    sgf_layout layout;
    int32_t sequence;
    sgf_error err;
    int failed = 0, k;
    if (n == 1) snprintf(name, sizeof name, "attention, causal, %u tokens", (unsigned)tokens);
    else
        snprintf(name, sizeof name, "attention, %u isolated segments, %u tokens", (unsigned)n,
                 (unsigned)tokens);
    if (!wanted(b, name)) return;
    ragged(length, n, tokens, text, sizeof text);
    work = 4.0 * of->heads * of->head_dim * pairs_of(length, n);
    torch_run(b, name,
              "attention --lengths %s --heads %d --kv_heads %d --head_dim %d --dtypes bf16", text,
              of->heads, of->kv_heads, of->head_dim);
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < n; i++)
        failed |= segment_add(&layout, SGF_ROLE_PARAPHRASE, (int32_t)i, length[i], (uint32_t)i);
    sgf_layout_place(&layout, SGF_POSITIONS_SEQUENTIAL);
    sgf_mask_set(&layout, n == 1 ? SGF_MASK_CAUSAL : SGF_MASK_ISOLATED);
    memset(&watch, 0, sizeof watch);
    watch.rounds = b->rounds;
    err.message[0] = 0;
    bench_cuda_look(&watch);
    failed |= sgf_forward_layout(o->session, &layout, NULL, NULL, &sequence, &err) != SGF_OK;
    bench_cuda_look(NULL);
    sgf_layout_free(&layout);
    if (failed) {
        note(b, "%-52s failed: %s", name, err.message);
        return;
    }
    sgf_sequence_close(o->session, sequence);
    for (k = 0; k < b->rounds; k++) rate[k] = work / watch.attention[k];
    if (n == 1) {
        base = best_of(b, "PyTorch sdpa by FLASH_ATTENTION, causal", &who);
        report(b, name, "FLOP/s", rate, b->rounds, who, base, 0.7);
        snprintf(planned, sizeof planned, "%.70s, by any sdpa", name);
        base = best_of(b, "PyTorch sdpa", &who);
        if (base > 0) report(b, planned, "FLOP/s", rate, b->rounds, who, base, 0);
        return;
    }
    snprintf(peer, sizeof peer, "FlexAttention, isolated in %u ", (unsigned)n);
    base = best_of(b, peer, &who);
    report(b, name, "FLOP/s", rate, b->rounds, who, base, 1);
    for (k = 0; k < b->rounds; k++) rate[k] = work / (watch.attention[k] + watch.planning);
    snprintf(planned, sizeof planned, "%.70s, with its plan", name);
    for (k = 0; k < 2; k++) {
        snprintf(masks, sizeof masks, "FlexAttention's block masks, %sisolated in %u,",
                 k ? "compiled, " : "", (unsigned)n);
        mask = best_of(b, masks, &unused);
        if (base > 0 && mask > 0)
            report(b, planned, "FLOP/s", rate, b->rounds,
                   k ? "FlexAttention with its block mask, compiled"
                     : "FlexAttention with its block mask",
                   1 / (1 / base + 1 / (mask * work)), k ? 0 : 5);
    }
}

/* ---- decode attention: five paraphrases behind a prefix that all questions share ---- */

/* Attention alone in the first step of 32 questions: of one row each that sees five paraphrases (fused), or of five
   rows that see one each (avg). */
static void cuda_decode_attention(bench *b, const sgf_model *model, const asking *how) {
    questions *q;
    size_t rows = how->together * how->contexts, keys;
    char peer[96];
    const char *who = NULL;
    double rate[MAX_ROUNDS], base;
    bench_cuda_watch watch;
    int failed, k;
    if (!wanted(b, how->name)) return;
    q = questions_open(b, model, how);
    if (!q) {
        note(b, "%-52s failed: no session", how->name);
        return;
    }
    keys = q->context[0].tokens + 1;
    torch_run(b, how->name, "decode --rows %u --length %u --heads %d --kv_heads %d --head_dim %d",
              (unsigned)rows, (unsigned)keys, model->config.heads, model->config.kv_heads,
              model->config.head_dim);
    memset(&watch, 0, sizeof watch);
    watch.rounds = b->rounds;
    watch.rows = rows;
    bench_cuda_look(&watch);
    failed = questions_call(q);
    bench_cuda_look(NULL);
    questions_close(q);
    if (failed || !watch.calls) {
        note(b, "%-52s failed: %s", how->name, failed ? "an error of the library" : "no step");
        return;
    }
    for (k = 0; k < b->rounds; k++) rate[k] = 1 / watch.attention[k];
    snprintf(peer, sizeof peer, "FlexAttention, decoding %u rows", (unsigned)rows);
    base = best_of(b, peer, &who);
    report(b, how->name, "calls/s", rate, b->rounds, who, base, 1.5);
}

/* ---- the whole model ---- */

static void contest_cuda_limit(contest *c, const char *name, bench_call *call, double work,
                               const char *unit) {
    contest_call(c, name, call, NULL, work, NULL, 0);
    c->entry[c->entries - 1].unit = unit;
}
/* One sequence, token by token, as answers are made; beside copies of the card's memory. */
static void cuda_decode(bench *b, const sgf_model *model) {
    enum { TOKENS = 256 };
    static const asking how = {"decode, one sequence", NULL, 0, ORIGIN, 1, 1, 1, 0, 0, 0, 0, 16};
    static int32_t ids[TOKENS];
    double rate[MAX_ROUNDS];
    questions *q;
    contest c;
    int i;
    if (!wanted(b, how.name) || !(q = questions_open(b, model, &how))) return;
    q->task[0].ids = ids;
    q->task[0].max_new_tokens = TOKENS;
    c.entries = 0;
    contest_cuda_limit(&c, "limit: copying memory", bench_cuda_copies, bench_cuda_copies_bytes(),
                       "bytes/s");
    contest_call(&c, how.name, questions_call, q, TOKENS, NULL, 0);
    contest_run(b, &c, "tokens/s");
    questions_close(q);
    if (base_of(b, how.name) <= 0) return;
    for (i = 0; i < b->rounds; i++) rate[i] = c.entry[1].sample[i] * (double)weight_bytes(model);
    report(b, "decode, one sequence, weights read", "bytes/s", rate, b->rounds,
           "limit: copying memory", base_of(b, "limit: copying memory"), 0.8);
}
/* Operations: two for each weight of a layer and each token, four for each visible pair and each channel. */
static void cuda_prefill(bench *b, ours *o, size_t tokens) {
    const sgf_config *of = &o->model->config;
    char name[96];
    double pairs = (double)tokens * (double)(tokens + 1) / 2;
    contest c;
    snprintf(name, sizeof name, "prefill, %u tokens", (unsigned)tokens);
    if (!wanted(b, name)) return;
    c.entries = 0;
    contest_cuda_limit(&c, "limit: bf16 products", bench_cuda_products,
                       bench_cuda_products_operations(), "FLOP/s");
    o->tokens = tokens;
    contest_call(&c, name, prefill_call, o,
                 2 * layer_parameters(o->model) * (double)tokens +
                     4.0 * of->heads * of->head_dim * of->layers * pairs,
                 "limit: bf16 products", 0.55);
    contest_run(b, &c, "FLOP/s");
}
/* Questions a second, beside the original's loop and beside transformers with its cache. No reuse: nothing that the
   questions have in common is kept from one to the next, as in theirs. */
static void cuda_questions(bench *b, const sgf_model *model, const char *dir, prompt_kind kind) {
    enum { ROWS = 3 };
    static const char *const ways[ROWS] = {"one at a time, no reuse", "one at a time",
                                           "64 at a time"};
    const char *method = kind == FLEX ? "flex_attention" : "fused";
    const int question = QUESTION_TOKENS + (kind == FLEX ? SHOTS_TOKENS : 0);
    char name[ROWS][96], title[96], spans[200] = "";
    /* what stands beside them, and the ratio that is wanted of each row */
    static const struct {
        const char *prefix, *suffix, *by;
        double target[ROWS];
    } peers[] = {{"PyTorch loop", ", flex", "the original's loop", {0, 50, 300}},
                 {"PyTorch loop", "", "the fastest loop", {0, 0, 0}},
                 {"transformers with a cache", "", "transformers", {3, 3, 0}}};
    asking how[ROWS];
    questions *q[ROWS] = {NULL};
    size_t i, k, at = 0;
    contest c;
    int any = 0;
    for (i = 0; i < ROWS; i++) {
        snprintf(name[i], sizeof name[i], "%s, %s", method, ways[i]);
        any |= wanted(b, name[i]);
    }
    if (!any) return;
    if (kind == FUSED) at += (size_t)snprintf(spans, sizeof spans, "%d,", SHOTS_TOKENS);
    for (i = 0; i < PARAPHRASES; i++)
        at += (size_t)(kind == FLEX && i + 1 < PARAPHRASES
                           ? snprintf(spans + at, sizeof spans - at, "%d,%d,", question,
                                      SEPARATOR_TOKENS)
                           : snprintf(spans + at, sizeof spans - at, "%d,", question));
    snprintf(spans + at, sizeof spans - at, "%d", CUE_TOKENS);
    torch_run(b, method, "loop %s --title %s --spans %s --shared %d --steps %d --questions 16", dir,
              method, spans, kind == FUSED, NEW_TOKENS);
    torch_run(b, method, "cached %s --title %s --spans %s --shared %d --steps %d", dir, method,
              spans, kind == FUSED, NEW_TOKENS);
    c.entries = 0;
    for (i = 0; i < ROWS; i++) {
        memset(&how[i], 0, sizeof how[i]);
        how[i].name = name[i], how[i].kind = kind, how[i].contexts = 1;
        how[i].count = i + 1 == ROWS ? QUESTIONS : 8;
        how[i].together = i + 1 == ROWS ? QUESTIONS : 1;
        how[i].no_prefix_reuse = i == 0;
        if ((q[i] = questions_open(b, model, &how[i])))
            contest_call(&c, name[i], questions_call, q[i], (double)how[i].count, NULL, 0);
    }
    contest_run(b, &c, "questions/s");
    for (i = 0; i < ROWS; i++) questions_close(q[i]);
    for (k = 0; k < sizeof peers / sizeof peers[0]; k++)
        for (i = 0; i < ROWS && c.entries == ROWS; i++) {
            const char *who = NULL;
            double rate;
            snprintf(title, sizeof title, "%s, %s%s", peers[k].prefix, method, peers[k].suffix);
            rate = best_of(b, title, &who);
            if (rate <= 0 || base_of(b, name[i]) <= 0) continue;
            snprintf(title, sizeof title, "%.60s, by %s", name[i], peers[k].by);
            report(b, title, "questions/s", c.entry[i].sample, b->rounds, who, rate,
                   peers[k].target[i]);
        }
}

/* All rows. Returns nonzero if there is no GPU, or it has no room for them. */
static int cuda(bench *b) {
    static const size_t segments[] = {1, 16, 64, 256};
    static const asking decodes[] = {
        {"decode attention, 32 rows, fused", NULL, 0, FUSED, 1, 32, 32, 0, 0, 0, 0, 2048},
        {"decode attention, 160 rows, avg", NULL, 0, ORIGIN, PARAPHRASES, 32, 32, 0, 0, 0, 0,
         2048}};
    const shape *heads = b->small ? &shape_small : &shape_heads;
    const shape *whole = b->small ? &shape_small : &shape_3b;
    const size_t tokens = b->small ? LONG_SMALL : LONG;
    char text[200], dir[600];
    sgf_error err;
    size_t i;
    int failed;
    ours o;
    if (sgf_device_describe(SGF_DEVICE_CUDA, text, sizeof text, &err)) {
        fprintf(stderr, "bench-speed: %s\n", err.message);
        return 1;
    }
    note(b, "%s", text);
    if (ours_open(b, model_folder(b, heads, dir, sizeof dir), 1, &o)) return 1;
    for (i = 0; i < sizeof segments / sizeof segments[0]; i++)
        cuda_attention(b, &o, tokens, segments[i]);
    for (i = 0; i < sizeof decodes / sizeof decodes[0]; i++)
        cuda_decode_attention(b, o.model, &decodes[i]);
    ours_close(&o);
    json_write(b);
    if (bench_cuda_limits_open(b->small ? 256 : 8192, &err)) {
        fprintf(stderr, "bench-speed: %s\n", err.message);
        return 1;
    }
    failed = ours_open(b, model_folder(b, whole, dir, sizeof dir), 1, &o);
    if (!failed) {
        cuda_decode(b, o.model);
        cuda_prefill(b, &o, tokens);
        json_write(b);
        cuda_questions(b, o.model, dir, FLEX);
        cuda_questions(b, o.model, dir, FUSED);
        ours_close(&o);
    }
    bench_cuda_limits_close();
    return failed;
}
