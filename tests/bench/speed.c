/* bench-speed: how fast the forward pass and the methods are, beside what the machine allows and what others reach.

     bench-speed [--only TEXT] [--rounds N] [--threads N] [--work DIR] [--json FILE]
                 [--llama-bench NAME=PROGRAM]... [--llama2c PROGRAM] [--calm PROGRAM] [--before SEGFUSE]

   Every figure is the median of N rounds (5), after one that is not counted; limits, peers and ours run in turn in the
   same process, so that their ratios hold on a machine whose speed drifts. A peer that is not given is said to be left out. */
#define _GNU_SOURCE /* popen, mkdir */
#define SEGFUSE_IMPLEMENTATION
#include "../../segfuse.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "weights.c"

enum { MAX_ROUNDS = 25, MAX_FIGURES = 96, MAX_PEERS = 6 };

/* ---- figures ---- */

typedef struct figure {
    char name[96], unit[24], against[96];
    double sample[MAX_ROUNDS], ratio, target; /* ratio 0: none; target 0: none */
    int rounds;
} figure;

typedef struct bench {
    const char *only, *work, *json, *llama2c, *calm, *before;
    const char *peer[MAX_PEERS]; /* NAME=PROGRAM of llama-bench */
    int peers, rounds, threads;
    figure figure[MAX_FIGURES];
    int figures;
    double fma_peak, read_peak; /* medians: FLOP/s, bytes/s */
} bench;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static double figure_median(const figure *f) {
    return f->rounds ? f->sample[f->rounds / 2] : 0;
}
static int wanted(const bench *b, const char *name) {
    return !b->only || strstr(name, b->only) != NULL;
}
/* A new figure of sorted samples; its ratio to `base` (0: none) and the ratio that was set as the aim. */
static figure *report(bench *b, const char *name, const char *unit, const double *sample,
                      int rounds, const char *against, double base, double target) {
    figure *f = &b->figure[b->figures < MAX_FIGURES - 1 ? b->figures++ : b->figures];
    memset(f, 0, sizeof *f);
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->unit, sizeof f->unit, "%s", unit);
    snprintf(f->against, sizeof f->against, "%s", against ? against : "");
    memcpy(f->sample, sample, (size_t)rounds * sizeof *sample);
    f->rounds = rounds;
    qsort(f->sample, (size_t)rounds, sizeof *f->sample, ascending);
    f->ratio = base > 0 ? figure_median(f) / base : 0;
    f->target = target;
    printf("%-52s %10.4g %-10s [%.4g, %.4g]", f->name, figure_median(f), f->unit, f->sample[0],
           f->sample[rounds - 1]);
    if (f->ratio > 0) printf("  %.2f of %s", f->ratio, f->against);
    if (target > 0) printf(", wanted %.2f", target);
    printf("\n");
    fflush(stdout);
    return f;
}
static double base_of(const bench *b, const char *name) {
    int i;
    for (i = 0; i < b->figures; i++)
        if (!strcmp(b->figure[i].name, name)) return figure_median(&b->figure[i]);
    return 0;
}
/* The best of the figures whose names begin so; its name goes to *who. */
static double best_of(const bench *b, const char *prefix, const char **who) {
    double best = 0;
    int i;
    for (i = 0; i < b->figures; i++)
        if (!strncmp(b->figure[i].name, prefix, strlen(prefix)) &&
            figure_median(&b->figure[i]) > best) {
            best = figure_median(&b->figure[i]);
            *who = b->figure[i].name;
        }
    return best;
}

/* Rates of `work` units a call over b->rounds calls; the first one is not counted. */
typedef int bench_call(void *user);
static int measure(const bench *b, bench_call *call, void *user, double work, double *rate) {
    int i;
    for (i = -1; i < b->rounds; i++) {
        double start = now();
        if (call(user)) return 1;
        if (i >= 0) rate[i] = work / (now() - start);
    }
    return 0;
}

/* ---- what the machine allows ---- */

#ifdef SGF__X86
/* Twelve chains of their own: a compiler must not find that two of them are equal. */
#define PEAK_LOOP(name, target, vector, set1, fmadd, store, WIDTH)                    \
    target static double name(size_t n) {                                             \
        volatile float tiny = 1e-9f;                                                  \
        vector t = set1(tiny), s[12];                                                 \
        float out[WIDTH];                                                             \
        double sum = 0;                                                               \
        int i;                                                                        \
        SGF__UNROLL for (i = 0; i < 12; i++) s[i] = set1(tiny * (float)i);            \
        for (; n; n--) SGF__UNROLL for (i = 0; i < 12; i++) s[i] = fmadd(s[i], t, t); \
        for (i = 0; i < 12; i++) {                                                    \
            store(out, s[i]);                                                         \
            sum += (double)out[0];                                                    \
        }                                                                             \
        return sum;                                                                   \
    }
PEAK_LOOP(peak_512, SGF__TARGET_AVX512, __m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps,
          16)
PEAK_LOOP(peak_256, SGF__TARGET_AVX2, __m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps, 8)
#endif

typedef struct limit_job {
    sgf__pool *pool;
    const char *memory;
    size_t n;
    int simd;
    double sink[64];
} limit_job;

static void peak_part(void *context, size_t begin, size_t end, int thread) {
    limit_job *job = (limit_job *)context;
    (void)begin, (void)end;
#ifdef SGF__X86
    if (job->simd == SGF__AVX512) job->sink[thread] = peak_512(job->n);
    else if (job->simd == SGF__AVX2) job->sink[thread] = peak_256(job->n);
#endif
    (void)thread;
}
/* The sum of all words, in eight accumulators. */
static void read_part(void *context, size_t begin, size_t end, int thread) {
    limit_job *job = (limit_job *)context;
    const uint64_t *p = (const uint64_t *)(const void *)job->memory;
    uint64_t sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    size_t i, k;
    for (i = begin * 8192; i < end * 8192; i += 8) {
        if ((i & 7) == 0) __builtin_prefetch(p + i + 512);
        for (k = 0; k < 8; k++) sum[k] += p[i + k];
    }
    for (k = 1; k < 8; k++) sum[0] += sum[k];
    job->sink[thread] = (double)sum[0];
}
static int peak_call(void *user) {
    limit_job *job = (limit_job *)user;
    sgf__parallel(job->pool, (size_t)sgf__pool_threads(job->pool), 1, peak_part, job);
    return 0;
}
static int read_call(void *user) {
    limit_job *job = (limit_job *)user;
    sgf__parallel(job->pool, job->n / 65536, 1, read_part, job);
    return 0;
}
static void limits(bench *b) {
    sgf_allocator mem = sgf__allocator(NULL);
    double rate[MAX_ROUNDS];
    limit_job job;
    size_t bytes = (size_t)1 << 30;
    char *memory;
    memset(&job, 0, sizeof job);
    if (sgf__pool_create(&mem, b->threads, &job.pool, NULL)) return;
    job.simd = sgf__simd_best();
    job.n = (size_t)1 << 23;
    if (job.simd) {
        measure(b, peak_call, &job,
                (double)job.n * 12 * 2 * (job.simd == SGF__AVX512 ? 16 : 8) * b->threads, rate);
        b->fma_peak = figure_median(
            report(b, "limit: f32 fused multiply-adds", "FLOP/s", rate, b->rounds, NULL, 0, 0));
    }
    memory = (char *)malloc(bytes + 8192);
    if (memory) {
        memset(memory, 1, bytes + 8192);
        job.memory = memory;
        job.n = bytes;
        measure(b, read_call, &job, (double)bytes, rate);
        b->read_peak = figure_median(
            report(b, "limit: reading memory", "bytes/s", rate, b->rounds, NULL, 0, 0));
    }
    free(memory);
    sgf__pool_destroy(job.pool);
}

/* ---- ours: one model in a session ---- */

typedef struct ours {
    sgf_model *model;
    sgf_session *session;
    sgf_layout rule; /* one segment that sees itself */
    sgf_row *rows;
    float *logits;
    size_t tokens, steps, batch;
} ours;

static void ours_close(ours *o) {
    sgf_session_free(o->session);
    sgf_model_free(o->model);
    sgf_layout_free(&o->rule);
    free(o->rows);
    free(o->logits);
}
static int ours_open(const bench *b, const char *dir, ours *o) {
    sgf_session_options options;
    sgf_error err;
    memset(o, 0, sizeof *o);
    memset(&options, 0, sizeof options);
    options.threads = b->threads;
    sgf_layout_init(&o->rule, NULL);
    if (sgf_model_load(dir, NULL, &o->model, &err) ||
        sgf_session_create(o->model, &options, &o->session, &err) ||
        sgf_layout_segment(&o->rule, SGF_ANSWER, -1, NULL, &err)) {
        fprintf(stderr, "%s\n", err.message);
        ours_close(o);
        return 1;
    }
    sgf_visible_set(&o->rule, 0, 0, 1);
    o->rows = (sgf_row *)calloc(8192, sizeof *o->rows);
    o->logits = (float *)malloc(64 * (size_t)o->model->config.vocab_size * sizeof(float));
    return !o->rows || !o->logits;
}
/* o->tokens rows of one new sequence, the logits of the last. */
static int prefill_call(void *user) {
    ours *o = (ours *)user;
    sgf_error err;
    int32_t q;
    size_t i;
    if (sgf_sequence_open(o->session, &o->rule, -1, &q, &err)) return 1;
    for (i = 0; i < o->tokens; i++) {
        o->rows[i].token = (int32_t)(i * 7919 % (size_t)o->model->config.vocab_size);
        o->rows[i].pos = (int32_t)i;
        o->rows[i].seg = 0;
        o->rows[i].sequence = q;
        o->rows[i].want = i + 1 == o->tokens;
    }
    if (sgf_forward(o->session, o->rows, o->tokens, o->logits, NULL, &err)) return 1;
    sgf_sequence_close(o->session, q);
    return 0;
}
/* o->steps steps of o->batch sequences, each from its first token. */
static int decode_call(void *user) {
    ours *o = (ours *)user;
    sgf_error err;
    int32_t q[64];
    size_t i, step;
    for (i = 0; i < o->batch; i++)
        if (sgf_sequence_open(o->session, &o->rule, -1, &q[i], &err)) return 1;
    for (step = 0; step < o->steps; step++) {
        for (i = 0; i < o->batch; i++) {
            o->rows[i].token = (int32_t)((step * 31 + i * 7 + 5) %
                                         (size_t)o->model->config.vocab_size);
            o->rows[i].pos = (int32_t)step;
            o->rows[i].seg = 0;
            o->rows[i].sequence = q[i];
            o->rows[i].want = 1;
        }
        if (sgf_forward(o->session, o->rows, o->batch, o->logits, NULL, &err)) return 1;
    }
    for (i = 0; i < o->batch; i++) sgf_sequence_close(o->session, q[i]);
    return 0;
}
static size_t weight_bytes(const sgf_model *m) {
    return (size_t)m->parameters * (m->embedding.dtype == SGF_F32 ? 4 : 2);
}

/* ---- peers ---- */

/* Run a command; the number behind the last `key` of its output. 0 if it failed. */
static double run_number(const char *command, const char *key) {
    char line[4096];
    double value = 0;
    FILE *pipe = popen(command, "r");
    if (!pipe) return 0;
    while (fgets(line, sizeof line, pipe)) {
        const char *at = strstr(line, key);
        if (at) value = strtod(at + strlen(key) + strspn(at + strlen(key), "\": ="), NULL);
    }
    return pclose(pipe) ? 0 : value;
}
/* One figure of a peer that is a program: b->rounds runs. */
static void peer_program(bench *b, const char *name, const char *command, const char *key) {
    double rate[MAX_ROUNDS];
    int i;
    for (i = 0; i < b->rounds; i++)
        if ((rate[i] = run_number(command, key)) <= 0) {
            printf("%-52s failed: %s\n", name, command);
            return;
        }
    report(b, name, "tokens/s", rate, b->rounds, NULL, 0, 0);
}
/* llama-bench of every peer that was given: prompt tokens or generated tokens a second. */
static void peer_llama(bench *b, const char *what, const char *gguf, const char *test) {
    char command[1200], name[128];
    int i;
    for (i = 0; i < b->peers; i++) {
        const char *program = strchr(b->peer[i], '=') + 1;
        snprintf(name, sizeof name, "%s: %.*s", what, (int)(program - b->peer[i] - 1), b->peer[i]);
        snprintf(command, sizeof command, "%s -m %s %s -t %d -r 1 -o json 2> /dev/null", program,
                 gguf, test, b->threads);
        peer_program(b, name, command, "\"avg_ts\"");
    }
    if (!b->peers) printf("%-52s left out: no --llama-bench NAME=PROGRAM\n", what);
}

/* ---- the figures ---- */

static int exists(const char *path) {
    struct stat info;
    return !stat(path, &info);
}
/* The folder of a model of that shape, written at its first use. */
static const char *model_folder(const bench *b, const shape *s, char *dir, size_t cap) {
    char path[700];
    snprintf(dir, cap, "%s/%s", b->work, s->name);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    if (!exists(path)) folder_write(s, dir);
    return dir;
}
static const shape shape_1b = {"1b-bf16", SGF_BF16, 2048, 16, 32, 8, 64, 8192, 32000, 8192};
static const shape shape_15m_f32 = {"15m-f32", SGF_F32, 288, 6, 6, 6, 48, 768, 32000, 1024};
static const shape shape_15m_f16 = {"15m-f16", SGF_F16, 288, 6, 6, 6, 48, 768, 32000, 1024};

/* The projections of all layers on 512 tokens, nothing else: their share of the FMA peak. */
static int matmul_call(void *user) {
    ours *o = (ours *)user;
    size_t l, i;
    sgf__work w;
    if (sgf__work_prepare(o->session, SGF__CHUNK, &w, NULL)) return 1;
    for (i = 0; i < o->tokens; i += SGF__CHUNK)
        for (l = 0; l < (size_t)o->model->config.layers; l++) {
            const sgf_layer *y = &o->model->layer[l];
            sgf__matmul_job job[3];
            job[0] = sgf__projection(o->session, &w, &y->q, NULL, SGF__NORMED, SGF__Q);
            job[1] = sgf__projection(o->session, &w, &y->k, NULL, SGF__NORMED, SGF__K);
            job[2] = sgf__projection(o->session, &w, &y->v, NULL, SGF__NORMED, SGF__V);
            sgf__project(o->session, job, 3);
            job[0] = sgf__projection(o->session, &w, &y->o, NULL, SGF__ATTENDED, SGF__NORMED);
            sgf__project(o->session, job, 1);
            job[0] = sgf__projection(o->session, &w, &y->gate, NULL, SGF__NORMED, SGF__GATE);
            job[1] = sgf__projection(o->session, &w, &y->up, NULL, SGF__NORMED, SGF__UP);
            sgf__project(o->session, job, 2);
            job[0] = sgf__projection(o->session, &w, &y->down, NULL, SGF__GATE, SGF__NORMED);
            sgf__project(o->session, job, 1);
        }
    return 0;
}
static double layer_parameters(const sgf_model *m) {
    return (double)m->parameters - (double)m->embedding.rows * (double)m->embedding.cols;
}

/* Prefill and decoding of a large model. */
static void large(bench *b) {
    char dir[600], gguf[700];
    const char *who = "";
    double rate[MAX_ROUNDS], one;
    ours o;
    if (b->only && strncmp(b->only, "1B", 2)) return;
    if (ours_open(b, model_folder(b, &shape_1b, dir, sizeof dir), &o)) return;
    snprintf(gguf, sizeof gguf, "%s/%s.gguf", b->work, shape_1b.name);
    if (b->peers && !exists(gguf)) gguf_write(&shape_1b, gguf);
    if (wanted(b, "1B prefill 512")) {
        peer_llama(b, "1B prefill 512", gguf, "-p 512 -n 0 -ub 512");
        one = best_of(b, "1B prefill 512: ", &who);
        o.tokens = 512;
        if (measure(b, prefill_call, &o, 512, rate)) return;
        report(b, "1B prefill 512", "tokens/s", rate, b->rounds, who, one, 1.6);
    }
    if (wanted(b, "1B matmul")) {
        o.tokens = 512;
        if (measure(b, matmul_call, &o, 2 * 512 * layer_parameters(o.model), rate)) return;
        report(b, "1B matmul part of 512", "FLOP/s", rate, b->rounds, "FMA peak", b->fma_peak,
               0.75);
    }
    if (wanted(b, "1B prefill 4096")) {
        peer_llama(b, "1B prefill 4096", gguf, "-p 4096 -n 0 -ub 512");
        one = best_of(b, "1B prefill 4096: ", &who);
        o.tokens = 4096;
        if (measure(b, prefill_call, &o, 4096, rate)) return;
        report(b, "1B prefill 4096", "tokens/s", rate, b->rounds, who, one, 1.8);
    }
    if (wanted(b, "1B decode")) {
        peer_llama(b, "1B decode", gguf, "-p 0 -n 32");
        one = best_of(b, "1B decode: ", &who);
        o.batch = 1, o.steps = 32;
        if (measure(b, decode_call, &o, 32, rate)) return;
        report(b, "1B decode", "tokens/s", rate, b->rounds, who, one, 1.1);
        {
            int i;
            for (i = 0; i < b->rounds; i++) rate[i] *= (double)weight_bytes(o.model);
            report(b, "1B decode, weights read", "bytes/s", rate, b->rounds, "reading memory",
                   b->read_peak, 0.85);
        }
    }
    if (wanted(b, "1B batch")) {
        static const size_t batches[] = {2, 4, 8, 16, 32};
        size_t i;
        for (i = 0; i < sizeof batches / sizeof batches[0]; i++) {
            char name[64];
            o.batch = batches[i], o.steps = 8;
            snprintf(name, sizeof name, "1B batch of %u", (unsigned)batches[i]);
            if (measure(b, decode_call, &o, (double)(o.batch * o.steps), rate)) return;
            report(b, name, "tokens/s", rate, b->rounds, "1B decode", base_of(b, "1B decode"),
                   o.batch == 32 ? 9 : 0);
        }
    }
    ours_close(&o);
}

/* Decoding of a tiny model, where threads and calls cost more than arithmetic. */
static void tiny(bench *b) {
    static const shape *const shapes[] = {&shape_15m_f32, &shape_15m_f16};
    int k;
    for (k = 0; k < 2; k++) {
        char dir[600], path[700], tokens[700], command[2000], what[64], name[128];
        const char *who = "";
        double rate[MAX_ROUNDS], best;
        ours o;
        snprintf(what, sizeof what, "15M decode %s", k ? "f16" : "f32");
        if (!wanted(b, what)) continue;
        if (ours_open(b, model_folder(b, shapes[k], dir, sizeof dir), &o)) return;
        snprintf(path, sizeof path, "%s/%s.gguf", b->work, shapes[k]->name);
        if (b->peers && !exists(path)) gguf_write(shapes[k], path);
        peer_llama(b, what, path, "-p 0 -n 256");
        snprintf(name, sizeof name, "%s: %s", what, k ? "calm" : "llama2.c");
        if (!k && b->llama2c) {
            snprintf(path, sizeof path, "%s/%s.bin", b->work, shapes[k]->name);
            snprintf(tokens, sizeof tokens, "%s/tokenizer.bin", b->work);
            if (!exists(path)) llama2_write(shapes[k], path, tokens);
            snprintf(command, sizeof command,
                     "OMP_NUM_THREADS=%d %s %s -t 0 -n 256 -z %s 2>&1 > /dev/null", b->threads,
                     b->llama2c, path, tokens);
            peer_program(b, name, command, "achieved tok/s");
        } else if (k && b->calm) {
            snprintf(path, sizeof path, "%s/%s.calm", b->work, shapes[k]->name);
            if (!exists(path)) safetensors_write(shapes[k], 1, path);
            snprintf(command, sizeof command,
                     "CALM_CPU=1 OMP_NUM_THREADS=%d %s %s -t 0 -n 256 2>&1", b->threads, b->calm,
                     path);
            peer_program(b, name, command, "throughput");
        } else printf("%-52s left out: no --%s PROGRAM\n", name, k ? "calm" : "llama2c");
        best = best_of(b, what, &who);
        o.batch = 1, o.steps = 256;
        if (measure(b, decode_call, &o, 256, rate)) return;
        report(b, what, "tokens/s", rate, b->rounds, who, best, 1.0);
        ours_close(&o);
    }
}

/* ---- methods: questions a second, prompts of the lengths that real ones have ---- */

enum { SHOTS_TOKENS = 90, QUESTION_TOKENS = 14, PARAPHRASES = 5, NEW_TOKENS = 10, QUESTIONS = 16 };

static int segment_fill(sgf_layout *l, sgf_role role, int32_t group, size_t n, uint32_t seed) {
    int32_t segment, id;
    size_t i;
    if (sgf_layout_segment(l, role, group, &segment, NULL)) return 1;
    for (i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        id = (int32_t)(seed >> 8) % 2000;
        if (sgf_layout_add(l, segment, &id, 1, NULL)) return 1;
    }
    return 0;
}
/* The context of `origin` (kind 0) or `fused` (1) or `flex_attention` (2) for question `seed`. */
static int context_fill(sgf_layout *l, int kind, uint32_t seed) {
    int32_t p;
    int failed = 0;
    if (kind < 2) failed |= segment_fill(l, SGF_SHARED, -1, SHOTS_TOKENS, 1);
    for (p = 0; p < (kind ? PARAPHRASES : 1); p++)
        failed |= segment_fill(l, SGF_PARAPHRASE, p,
                               QUESTION_TOKENS + (kind == 2 ? SHOTS_TOKENS : 0),
                               seed + (uint32_t)p);
    failed |= segment_fill(l, SGF_ANSWER, -1, 2, 2);
    sgf_layout_place(l, kind == 2 ? SGF_SEQUENTIAL : SGF_ALIGNED);
    sgf_mask_set(l, kind == 2 ? SGF_ISOLATED : SGF_SHARED_MASK);
    if (kind == 1) failed |= sgf_layout_mass(l, NULL, 0, NULL) != SGF_OK;
    return failed;
}
typedef struct questions {
    sgf_session *session;
    sgf_layout context[QUESTIONS * PARAPHRASES];
    sgf_task task[QUESTIONS];
    int32_t ids[QUESTIONS][NEW_TOKENS];
    size_t count, together; /* questions, and how many of them in one call */
} questions;

static int questions_call(void *user) {
    questions *q = (questions *)user;
    size_t i;
    for (i = 0; i < q->count; i += q->together)
        if (sgf_generate(q->session, q->task + i, q->together, NULL, NULL, NULL)) return 1;
    return 0;
}
static int questions_rate(const bench *b, questions *q, int kind, size_t contexts, size_t count,
                          size_t together, double *rate) {
    size_t i, c;
    int failed = 0;
    memset(q->task, 0, sizeof q->task);
    q->count = count;
    q->together = together;
    for (i = 0; i < count; i++) {
        for (c = 0; c < contexts; c++) {
            sgf_layout *l = &q->context[i * PARAPHRASES + c];
            sgf_layout_init(l, NULL);
            failed |= context_fill(l, kind, 100 + (uint32_t)(i * PARAPHRASES + c));
        }
        q->task[i].context = &q->context[i * PARAPHRASES];
        q->task[i].contexts = contexts;
        q->task[i].combine = SGF_AVG;
        q->task[i].ids = q->ids[i];
        q->task[i].max_new_tokens = NEW_TOKENS;
    }
    failed = failed || measure(b, questions_call, q, (double)count, rate);
    for (i = 0; i < count; i++)
        for (c = 0; c < contexts; c++) sgf_layout_free(&q->context[i * PARAPHRASES + c]);
    return failed;
}
static void methods(bench *b) {
    static const struct {
        const char *name, *against;
        int kind;
        size_t contexts, count, together;
        double target;
    } row[] = {{"1B origin", "", 0, 1, 3, 1, 0},
               {"1B fused", "1B origin", 1, 1, 3, 1, 0.6},
               {"1B avg", "1B origin", 0, PARAPHRASES, 3, 1, 0.5},
               {"1B fused, 16 at a time", "1B fused", 1, 1, 16, 16, 2},
               {"1B flex_attention, 4 at a time", "", 2, 1, 4, 4, 0}};
    char dir[600];
    double rate[MAX_ROUNDS];
    questions *q;
    ours o;
    size_t i;
    if ((b->only && strcmp(b->only, "1B questions")) ||
        ours_open(b, model_folder(b, &shape_1b, dir, sizeof dir), &o))
        return;
    q = (questions *)calloc(1, sizeof *q);
    if (!q) return;
    q->session = o.session;
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (questions_rate(b, q, row[i].kind, row[i].contexts, row[i].count, row[i].together, rate))
            break;
        report(b, row[i].name, "questions/s", rate, b->rounds, row[i].against,
               base_of(b, row[i].against), row[i].target);
    }
    free(q);
    ours_close(&o);
}

/* ---- attention alone: 32 segments of 128 tokens, isolated and causal ---- */

static const shape shape_attention = {"attention", SGF_BF16, 64, 1, 32, 8, 64, 64, 64, 8192};

typedef struct attention {
    ours o;
    sgf_layout layout;
    int32_t sequence;
} attention;

/* Every row of the layout against the keys that are there: what attention does in one layer. */
static int attention_call(void *user) {
    attention *a = (attention *)user;
    sgf_session *s = a->o.session;
    size_t at, i;
    for (at = 0; at < a->layout.tokens; at += SGF__CHUNK) {
        sgf__attend_job job;
        sgf__work w;
        if (sgf__work_prepare(s, SGF__CHUNK, &w, NULL)) return 1;
        for (i = 0; i < SGF__CHUNK; i++) {
            w.query[i].all = s->sequence, w.query[i].own = &s->sequence[a->sequence];
            w.query[i].index = at + i, w.query[i].watched = -1;
            w.query[i].seg = a->layout.seg[at + i], w.query[i].pos = a->layout.pos[at + i];
        }
        sgf__groups_make(&w);
        memset(&job, 0, sizeof job);
        job.s = s, job.query = w.query, job.group = w.group, job.groups = w.groups;
        job.q = w.at[SGF__Q], job.out = w.at[SGF__ATTENDED], job.width = w.width;
        sgf__parallel(s->pool, w.groups * (size_t)s->model->config.kv_heads, 1, sgf__attend_part,
                      &job);
    }
    return 0;
}
static void segments(bench *b) {
    enum { SEGMENTS = 32, LENGTH = 128 };
    const double T = SEGMENTS * LENGTH,
                 pairs[2] = {T * (T + 1) / 2, SEGMENTS * LENGTH * (LENGTH + 1) / 2.0};
    const sgf_mask masks[2] = {SGF_CAUSAL, SGF_ISOLATED};
    const char *const names[2] = {"attention, causal", "attention, isolated"};
    char dir[600];
    double rate[MAX_ROUNDS], median[2];
    attention a;
    int k;
    int32_t i;
    if (!wanted(b, "attention") ||
        ours_open(b, model_folder(b, &shape_attention, dir, sizeof dir), &a.o))
        return;
    sgf_layout_init(&a.layout, NULL);
    for (i = 0; i < SEGMENTS; i++) segment_fill(&a.layout, SGF_PARAPHRASE, i, LENGTH, 5);
    for (i = 0; i < (int32_t)a.layout.tokens; i++) a.layout.token[i] %= 64;
    sgf_layout_place(&a.layout, SGF_SEQUENTIAL);
    for (k = 0; k < 2; k++) {
        sgf_mask_set(&a.layout, masks[k]);
        if (sgf_forward_layout(a.o.session, &a.layout, NULL, NULL, &a.sequence, NULL) ||
            measure(b, attention_call, &a, 4.0 * 32 * 64 * pairs[k], rate))
            return;
        sgf_sequence_close(a.o.session, a.sequence);
        median[k] = figure_median(
            report(b, names[k], "FLOP/s", rate, b->rounds, "FMA peak", b->fma_peak, 0));
    }
    rate[0] = (pairs[0] / median[0]) / (pairs[1] / median[1]);
    report(b, "attention, isolated: times faster than causal", "times", rate, 1,
           "the ratio of pairs", pairs[0] / pairs[1], 1 / 1.3);
    sgf_layout_free(&a.layout);
    ours_close(&a.o);
}

/* ---- the bundled model, by the program ---- */

static void bundled(bench *b) {
    static const char *const names[] = {"origin", "per_prompt", "avg", "flex_attention", "fused"};
    size_t i;
    int k;
    if (!wanted(b, "bundled")) return;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        double before = 0;
        for (k = 0; k < 2; k++) {
            const char *program = k ? "build/segfuse" : b->before;
            char command[1200], name[128];
            double rate[MAX_ROUNDS];
            int round;
            if (!program) continue;
            snprintf(
                command, sizeof command,
                "%s generate --method %s --dataset myriadlama --max_samples 400 --threads %d --quiet "
                "--rewrite --output %s/out > /dev/null",
                program, names[i], b->threads, b->work);
            for (round = 0; round < b->rounds; round++) {
                double start = now();
                if (system(command)) return;
                rate[round] = 400 / (now() - start);
            }
            snprintf(name, sizeof name, "bundled %s%s", names[i], k ? "" : ": before");
            report(b, name, "questions/s", rate, b->rounds, "before", before, 0);
            before = figure_median(&b->figure[b->figures - 1]);
        }
    }
}

/* ---- JSON ---- */

static void json_write(const bench *b) {
    FILE *file = b->json ? fopen(b->json, "wb") : NULL;
    int i, k;
    if (!file) return;
    fprintf(file, "{\"version\": \"%s\", \"threads\": %d, \"figures\": [", sgf_version(),
            b->threads);
    for (i = 0; i < b->figures; i++) {
        const figure *f = &b->figure[i];
        fprintf(file, "%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"median\": %.6g, \"samples\": [",
                i ? "," : "", f->name, f->unit, figure_median(f));
        for (k = 0; k < f->rounds; k++) fprintf(file, "%s%.6g", k ? ", " : "", f->sample[k]);
        fprintf(file, "]");
        if (f->ratio > 0)
            fprintf(file, ", \"ratio\": %.4g, \"against\": \"%s\"", f->ratio, f->against);
        if (f->target > 0) fprintf(file, ", \"wanted\": %.4g", f->target);
        fprintf(file, "}");
    }
    fprintf(file, "\n]}\n");
    fclose(file);
}

int main(int argc, char **argv) {
    static bench b;
    int i;
    b.work = "build/bench";
    b.rounds = 5;
    b.threads = sgf__processors();
    for (i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *value = argv[i + 1];
        if (!strcmp(key, "--only")) b.only = value;
        else if (!strcmp(key, "--rounds")) b.rounds = atoi(value);
        else if (!strcmp(key, "--threads")) b.threads = atoi(value);
        else if (!strcmp(key, "--work")) b.work = value;
        else if (!strcmp(key, "--json")) b.json = value;
        else if (!strcmp(key, "--llama2c")) b.llama2c = value;
        else if (!strcmp(key, "--calm")) b.calm = value;
        else if (!strcmp(key, "--before")) b.before = value;
        else if (!strcmp(key, "--llama-bench") && strchr(value, '=') && b.peers < MAX_PEERS)
            b.peer[b.peers++] = value;
        else break;
    }
    if (i < argc || b.rounds < 1 || b.rounds > MAX_ROUNDS || b.threads < 1 || b.threads > 64) {
        fprintf(stderr, "usage: see the first lines of tests/bench/speed.c\n");
        return 2;
    }
    mkdir(b.work, 0777);
    limits(&b);
    large(&b);
    methods(&b);
    tiny(&b);
    segments(&b);
    bundled(&b);
    json_write(&b);
    return 0;
}
