/* bench-speed: how fast the forward pass and the methods are, beside what the machine allows and what others reach.

     bench-speed [--only TEXT] [--rounds N] [--threads N] [--work DIR] [--json FILE]
                 [--llama-bench NAME=COMMAND]... [--llama2c PROGRAM] [--calm PROGRAM]
                 [--torch PYTHON] [--before SEGFUSE] [--device cpu|cuda] [--small 1]

   Run it at the top of the tree. --only: the rows that have TEXT in their names, and what they are compared with.
   --torch: a Python with torch and transformers; it runs tests/bench/torch_peer.py. --device cuda, where it was built
   for it (bench-speed-cuda): the rows of rows_cuda.c instead; --small: on a small model, to try them.

   Every figure is the median of N rounds (5), after one that is not counted; in a round the peers of a row and ours run
   in turn, and the limits are measured in the same process, so that ratios hold on a machine whose speed drifts. A peer
   that is not given is said to be left out. The rows are in rows.c and rows_cuda.c, the models of random weights in weights.c. */
#define _GNU_SOURCE /* popen, mkdir */
#ifdef TILES_IDLE
#include "idle.h"
#endif
#define SEGFUSE_IMPLEMENTATION
#include "../../segfuse.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "weights.c"

enum { MAX_ROUNDS = 25, MAX_FIGURES = 160, MAX_PEERS = 6, MAX_ENTRIES = 16, MAX_NOTES = 48 };

/* ---- figures ---- */

typedef struct figure {
    char name[96], unit[24], against[96], command[3000]; /* against, command: "" if there is none */
    double sample[MAX_ROUNDS], ratio, target;            /* ratio 0: none; target 0: none */
    int rounds;
    int at_most; /* the median itself, not a ratio, must not be above the target */
} figure;

/* What the machine allows (limits_open). */
enum { FMA, BF16, READ, CACHED, LIMITS };
typedef struct limit limit;

typedef struct bench {
    const char *self, *only, *work, *json, *llama2c, *calm, *torch, *before;
    const char *peer[MAX_PEERS]; /* NAME=COMMAND of llama-bench */
    int peers, rounds, threads, small;
    sgf_device device;
    limit *limit[2]; /* [LIMITS] each: with all threads, with one */
    figure figure[MAX_FIGURES];
    int figures;
    char note[MAX_NOTES][256]; /* what was left out, and what figures need to be understood */
    int notes;
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
/* Is this row to be measured? */
static int wanted(const bench *b, const char *name) {
    return !b->only || strstr(name, b->only) != NULL;
}
/* A line that is printed and kept in the JSON. */
static void note(bench *b, const char *format, ...) {
    char *text = b->note[b->notes < MAX_NOTES - 1 ? b->notes++ : b->notes];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof b->note[0], format, list);
    va_end(list);
    printf("%s\n", text);
    fflush(stdout);
}
static void left_out(bench *b, const char *what, const char *option) {
    note(b, "%-52s left out: no --%s", what, option);
}
/* A new figure of sorted samples, nothing printed. */
static figure *figure_add(bench *b, const char *name, const char *unit, const double *sample,
                          int rounds) {
    figure *f = &b->figure[b->figures < MAX_FIGURES - 1 ? b->figures++ : b->figures];
    memset(f, 0, sizeof *f);
    snprintf(f->name, sizeof f->name, "%.95s", name);
    snprintf(f->unit, sizeof f->unit, "%.23s", unit);
    memcpy(f->sample, sample, (size_t)rounds * sizeof *sample);
    f->rounds = rounds;
    qsort(f->sample, (size_t)rounds, sizeof *f->sample, ascending);
    return f;
}
static void figure_print(const figure *f) {
    printf("%-52s %10.4g %-11s [%.4g, %.4g]", f->name, figure_median(f), f->unit, f->sample[0],
           f->sample[f->rounds - 1]);
    if (f->ratio > 0) printf("  %.2f of %s", f->ratio, f->against);
    if (f->target > 0) printf(", wanted %s%.2f", f->at_most ? "at most " : "", f->target);
    printf("\n");
    fflush(stdout);
}
/* A new figure; its ratio to `base` (0: none) and the ratio that was set as the aim. */
static figure *report(bench *b, const char *name, const char *unit, const double *sample,
                      int rounds, const char *against, double base, double target) {
    figure *f = figure_add(b, name, unit, sample, rounds);
    if (base > 0) {
        snprintf(f->against, sizeof f->against, "%.95s", against);
        f->ratio = figure_median(f) / base;
        f->target = target;
    }
    figure_print(f);
    return f;
}
static double base_of(const bench *b, const char *name) {
    int i;
    for (i = 0; i < b->figures; i++)
        if (!strcmp(b->figure[i].name, name)) return figure_median(&b->figure[i]);
    return 0;
}
/* One figure more: how many times figure `name` is what its row was not compared with. Nothing if one of them is
   missing. */
static void compare(bench *b, const char *name, const char *against, double target) {
    double base = base_of(b, against), samples[MAX_ROUNDS];
    char title[96];
    int i, k;
    for (i = 0; i < b->figures && strcmp(b->figure[i].name, name); i++) continue;
    if (i == b->figures || base <= 0) return;
    for (k = 0; k < b->figure[i].rounds; k++) samples[k] = b->figure[i].sample[k] / base;
    snprintf(title, sizeof title, "%.60s: times", name);
    report(b, title, "", samples, k, against, 1, target);
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

/* ---- contests: peers and ours, in turn ---- */

typedef int bench_call(void *user);

/* A program, whose output has a rate behind the last `key`, or a call of ours that does `work`. */
typedef struct entry {
    char name[96], command[1200];
    const char *key, *unit; /* unit NULL: the contest's */
    bench_call *call;       /* NULL: a program */
    void *user;
    double work, target, sample[MAX_ROUNDS];
    const char *against; /* a figure's name; "": the best of the entries before; NULL: nothing */
} entry;

typedef struct contest {
    entry entry[MAX_ENTRIES];
    int entries;
} contest;

static entry *contest_add(contest *c, const char *name) {
    entry *e = &c->entry[c->entries < MAX_ENTRIES - 1 ? c->entries++ : c->entries];
    memset(e, 0, sizeof *e);
    snprintf(e->name, sizeof e->name, "%s", name);
    return e;
}
static void contest_call(contest *c, const char *name, bench_call *call, void *user, double work,
                         const char *against, double target) {
    entry *e = contest_add(c, name);
    e->call = call, e->user = user, e->work = work;
    e->against = against, e->target = target;
}
static void contest_program(contest *c, const char *name, const char *key, const char *format,
                            ...) {
    entry *e = contest_add(c, name);
    va_list list;
    va_start(list, format);
    vsnprintf(e->command, sizeof e->command, format, list);
    va_end(list);
    e->key = key;
}
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
/* The rate of one run; 0: it failed. */
static double entry_rate(const entry *e) {
    double start = now();
    if (!e->call) return run_number(e->command, e->key);
    return e->call(e->user) ? 0 : e->work / (now() - start);
}
static void entry_report(bench *b, const contest *c, const entry *e, const char *unit) {
    const char *who = e->against;
    double base = who ? base_of(b, who) : 0;
    figure *f;
    int k;
    for (k = 0; who && !*e->against && &c->entry[k] < e; k++)
        if (base_of(b, c->entry[k].name) > base) {
            who = c->entry[k].name;
            base = base_of(b, who);
        }
    f = report(b, e->name, e->unit ? e->unit : unit, e->sample, b->rounds, who, base, e->target);
    snprintf(f->command, sizeof f->command, "%s", e->command);
}
/* All entries in turn, round by round; programs warm up by themselves, calls in a round that is not counted.
   An entry that fails is said to, and the others go on. */
static void contest_run(bench *b, contest *c, const char *unit) {
    int failed[MAX_ENTRIES] = {0}, i, round;
    for (round = -1; round < b->rounds; round++)
        for (i = 0; i < c->entries; i++) {
            entry *e = &c->entry[i];
            double rate = failed[i] || (round < 0 && !e->call) ? 1 : entry_rate(e);
            if (rate <= 0) failed[i] = 1;
            else if (round >= 0) e->sample[round] = rate;
        }
    for (i = 0; i < c->entries; i++)
        if (failed[i])
            note(b, "%-52s failed: %s", c->entry[i].name,
                 c->entry[i].call ? "an error of the library" : c->entry[i].command);
        else entry_report(b, c, &c->entry[i], unit);
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

/* Sums of two bf16 products, which engines that round activations to bf16 use. */
__attribute__((target("avx512f,avx512bf16"))) static double peak_bf16(size_t n) {
    volatile float tiny = 1e-9f;
    __m512 s[12];
    __m512bh t = _mm512_cvtne2ps_pbh(_mm512_set1_ps(tiny), _mm512_set1_ps(tiny));
    float out[16];
    double sum = 0;
    int i;
    SGF__UNROLL for (i = 0; i < 12; i++) s[i] = _mm512_set1_ps(tiny * (float)i);
    for (; n; n--) SGF__UNROLL for (i = 0; i < 12; i++) s[i] = _mm512_dpbf16_ps(s[i], t, t);
    for (i = 0; i < 12; i++) {
        _mm512_storeu_ps(out, s[i]);
        sum += (double)out[0];
    }
    return sum;
}
#endif

enum { PEAK_FMA_512, PEAK_FMA_256, PEAK_BF16, READ_BLOCK = 1 << 16 };

struct limit {
    const char *name, *unit; /* name NULL: this machine has not got it */
    bench_call *call;
    double work; /* operations or bytes of a call */
    sgf_allocator mem;
    sgf__pool *pool;
    const char *memory;
    size_t n, times; /* loops or bytes; passes over them */
    int kind;
    double sink[64];
};

static void peak_part(void *context, size_t begin, size_t end, int thread) {
    limit *job = (limit *)context;
    (void)begin, (void)end;
#ifdef SGF__X86
    if (job->kind == PEAK_FMA_512) job->sink[thread] = peak_512(job->n);
    else if (job->kind == PEAK_FMA_256) job->sink[thread] = peak_256(job->n);
    else job->sink[thread] = peak_bf16(job->n);
#endif
    (void)thread;
}
/* The sum of all words, in eight accumulators. Items are blocks; they count on through the passes. */
static void read_part(void *context, size_t begin, size_t end, int thread) {
    limit *job = (limit *)context;
    uint64_t sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    size_t block, i, k;
    for (block = begin; block < end; block++) {
        const uint64_t *p = (const uint64_t *)(const void *)(job->memory +
                                                             block % (job->n / READ_BLOCK) *
                                                                 READ_BLOCK);
        for (i = 0; i < READ_BLOCK / 8; i += 8) {
            __builtin_prefetch(p + i + 512);
            for (k = 0; k < 8; k++) sum[k] += p[i + k];
        }
    }
    for (k = 1; k < 8; k++) sum[0] += sum[k];
    job->sink[thread] = (double)sum[0];
}
static int peak_call(void *user) {
    limit *job = (limit *)user;
    sgf__parallel(job->pool, (size_t)job->pool->threads, 1, peak_part, job);
    return 0;
}
static int read_call(void *user) {
    limit *job = (limit *)user;
    size_t threads = (size_t)job->pool->threads, blocks = job->n / READ_BLOCK, pass;
    for (pass = 0; pass < job->times; pass++)
        sgf__parallel(job->pool, blocks, blocks / threads, read_part, job);
    return 0;
}
/* What a row is called with so many threads. */
static const char *row_name(const bench *b, int threads, const char *name, char *out) {
    snprintf(out, 96, "%.80s%s", name, threads == b->threads ? "" : ", 1 thread");
    return out;
}
/* The limit, in turn with the other entries of a row: the speed of a shared machine moves while the rows pass.
   The figure's name goes to `name` [96]. */
static void contest_limit(const bench *b, contest *c, int threads, int which, const char *row,
                          char *name) {
    limit *job = &b->limit[threads == b->threads ? 0 : 1][which];
    snprintf(name, 96, "%s, the limit", row);
    if (!job->name) return;
    contest_call(c, name, job->call, job, job->work, NULL, 0);
    c->entry[c->entries - 1].unit = job->unit;
}
static void limits_close(limit *of) {
    if (!of) return;
    sgf__pool_destroy(of->pool);
    free(of);
}
enum { READ_BYTES = 1 << 30 };
/* memory: READ_BYTES and 8 KiB more, which the prefetches of read_part reach. NULL: no memory. */
static limit *limits_open(int threads, const char *memory) {
    const size_t cached = (size_t)30 << 20; /* of the 15M model in f16 */
    int simd = sgf__simd_best(), i, wide = simd == SGF__AVX512;
    limit *of = (limit *)calloc(LIMITS, sizeof *of);
    if (of) of->mem = sgf__allocator(NULL);
    if (!of || sgf__pool_create(&of->mem, threads, &of->pool, NULL)) {
        free(of);
        return NULL;
    }
    for (i = 0; i < LIMITS; i++) {
        of[i].pool = of->pool;
        of[i].memory = memory;
        of[i].call = i == READ || i == CACHED ? read_call : peak_call;
        of[i].unit = i == READ || i == CACHED ? "bytes/s" : "FLOP/s";
        of[i].n = i == READ ? READ_BYTES : i == CACHED ? cached : (size_t)1 << 23;
        of[i].times = i == CACHED ? 50 : 1;
        of[i].work = (double)of[i].n * (double)of[i].times;
    }
#ifdef SGF__X86
    if (wide || simd == SGF__AVX2) {
        of[FMA].name = "limit: f32 fused multiply-adds";
        of[FMA].kind = wide ? PEAK_FMA_512 : PEAK_FMA_256;
        of[FMA].work *= 12 * 2 * (wide ? 16 : 8) * threads;
    }
    if (wide && __builtin_cpu_supports("avx512bf16")) {
        of[BF16].name = "limit: vdpbf16ps";
        of[BF16].kind = PEAK_BF16;
        of[BF16].work *= 12 * 4 * 16 * threads;
    }
#endif
    (void)wide;
    of[READ].name = "limit: reading memory";
    of[CACHED].name = "limit: reading 30 MB again and again";
    return of;
}
static void limits(bench *b, int threads) {
    limit *of = b->limit[threads == b->threads ? 0 : 1];
    char name[96];
    int i;
    for (i = 0; i < LIMITS; i++) {
        contest c;
        c.entries = 0;
        if (!of[i].name) continue;
        contest_call(&c, row_name(b, threads, of[i].name, name), of[i].call, &of[i], of[i].work,
                     NULL, 0);
        contest_run(b, &c, of[i].unit);
    }
}

#include "rows.c"

/* ---- JSON ---- */

static void json_text(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text; text++)
        if (*text == '"' || *text == '\\') fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < 32) fprintf(file, "\\u%04x", (unsigned)*text);
        else fputc(*text, file);
    fputc('"', file);
}
/* The first line a command prints, as a member of the JSON. */
static void json_command(FILE *file, const char *key, const char *command) {
    char line[256] = "";
    FILE *pipe = popen(command, "r");
    if (pipe && fgets(line, sizeof line, pipe)) line[strcspn(line, "\n")] = 0;
    if (pipe) pclose(pipe);
    fprintf(file, "\"%s\": ", key);
    json_text(file, line);
    fprintf(file, ",\n ");
}
static void json_figure(FILE *file, const figure *f) {
    int k;
    fprintf(file, "  {\"name\": ");
    json_text(file, f->name);
    fprintf(file, ", \"unit\": \"%s\", \"median\": %.6g, \"samples\": [", f->unit,
            figure_median(f));
    for (k = 0; k < f->rounds; k++) fprintf(file, "%s%.6g", k ? ", " : "", f->sample[k]);
    fprintf(file, "]");
    if (f->ratio > 0) {
        fprintf(file, ", \"ratio\": %.4g, \"against\": ", f->ratio);
        json_text(file, f->against);
    }
    if (f->target > 0)
        fprintf(file, ", \"%s\": %.4g", f->at_most ? "at_most" : "wanted", f->target);
    if (*f->command) {
        fprintf(file, ", \"command\": ");
        json_text(file, f->command);
    }
    fprintf(file, "}");
}
static void json_write(const bench *b) {
    FILE *file = b->json ? fopen(b->json, "wb") : NULL;
    int i;
    if (!file) return;
    fprintf(file, "{\"version\": \"%s\", \"threads\": %d, \"rounds\": %d,\n ", sgf_version(),
            b->threads, b->rounds);
    json_command(file, "date", "date -u +%Y-%m-%dT%H:%M:%SZ");
    json_command(file, "commit", "git describe --always --dirty --abbrev=12 2> /dev/null");
    json_command(file, "system", "uname -srm");
    json_command(file, "cpu", "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2> /dev/null");
    json_command(file, "cpu_family_model_stepping",
                 "sed -n 's/^\\(cpu family\\|model\\|stepping\\)[[:space:]]*: //p' /proc/cpuinfo "
                 "2> /dev/null | head -3 | tr '\\n' ' '");
    json_command(file, "processors", "getconf _NPROCESSORS_ONLN");
    json_command(file, "l3", "getconf LEVEL3_CACHE_SIZE 2> /dev/null");
    json_command(file, "memory", "sed -n 's/^MemTotal: *//p' /proc/meminfo 2> /dev/null");
    fprintf(file, "\"compiler\": ");
#ifdef __clang__
    json_text(file, __VERSION__);
#else
    json_text(file, "gcc " __VERSION__);
#endif
#ifdef BENCH_FLAGS
    fprintf(file, ", \"flags\": ");
    json_text(file, BENCH_FLAGS);
#endif
    fprintf(file, ",\n \"notes\": [");
    for (i = 0; i < b->notes; i++) {
        fprintf(file, "%s\n  ", i ? "," : "");
        json_text(file, b->note[i]);
    }
    fprintf(file, "\n ],\n \"figures\": [");
    for (i = 0; i < b->figures; i++) {
        fprintf(file, "%s\n", i ? "," : "");
        json_figure(file, &b->figure[i]);
    }
    fprintf(file, "\n ]}\n");
    fclose(file);
}

#ifdef SGF_CUDA
#include "rows_cuda.c"
#endif

int main(int argc, char **argv) {
    static void (*const parts[])(bench * b) = {methods, memory, tiny, segments, bundled};
    static bench b;
    char *memory;
    size_t part;
    int i;
    b.self = argv[0];
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
        else if (!strcmp(key, "--torch")) b.torch = value;
        else if (!strcmp(key, "--before")) b.before = value;
        else if (!strcmp(key, "--llama-bench") && strchr(value, '=') && b.peers < MAX_PEERS)
            b.peer[b.peers++] = value;
        else if (!strcmp(key, "--small")) b.small = atoi(value);
        else if (!strcmp(key, "--device") && !strcmp(value, "cuda")) b.device = SGF_DEVICE_CUDA;
        else if (!strcmp(key, "--peak")) return peak(&b, atoi(value)); /* what memory() runs */
        else break;
    }
    if (i < argc || b.rounds < 1 || b.rounds > MAX_ROUNDS || b.threads < 1 || b.threads > 64) {
        fprintf(stderr, "usage: see the first lines of tests/bench/speed.c\n");
        return 2;
    }
#ifdef TILES_IDLE
    note(&b, "In bf16, forward passes and attention: a tile unit that does not multiply (idle.h).");
#endif
    mkdir(b.work, 0777);
    if (b.device == SGF_DEVICE_CUDA) {
#ifdef SGF_CUDA
        i = cuda(&b);
        json_write(&b);
        return i;
#else
        fprintf(stderr, "bench-speed: --device cuda needs build/bench-speed-cuda\n");
        return 2;
#endif
    }
    memory = (char *)malloc(READ_BYTES + 8192);
    if (memory) memset(memory, 1, READ_BYTES + 8192);
    b.limit[0] = limits_open(b.threads, memory);
    b.limit[1] = limits_open(1, memory);
    if (!memory || !b.limit[0] || !b.limit[1]) {
        fprintf(stderr, "bench-speed: no memory for what measures the limits\n");
        return 1;
    }
    limits(&b, b.threads);
    if (b.threads > 1) limits(&b, 1);
    large(&b, b.threads);
    if (b.threads > 1) large(&b, 1);
    for (part = 0; part < sizeof parts / sizeof parts[0]; part++) {
        json_write(&b); /* a run that is cut short leaves what it has */
        parts[part](&b);
    }
    json_write(&b);
    limits_close(b.limit[0]);
    limits_close(b.limit[1]);
    free(memory);
    return 0;
}
