/* The rows of bench-speed: what is measured, on which model, beside whom. Included by speed.c. */

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
static int ours_open_in(const bench *b, const char *dir, int threads, sgf_arithmetic arithmetic,
                        ours *o) {
    sgf_session_options options;
    sgf_error err;
    memset(o, 0, sizeof *o);
    memset(&options, 0, sizeof options);
    options.threads = threads;
    options.device = b->device;
    options.arithmetic = arithmetic;
    sgf_layout_init(&o->rule, NULL);
    if (sgf_model_load(dir, NULL, &o->model, &err) ||
        sgf_session_create(o->model, &options, &o->session, &err) ||
        sgf_layout_segment(&o->rule, SGF_ROLE_ANSWER, -1, NULL, &err)) {
        fprintf(stderr, "%s\n", err.message);
        ours_close(o);
        return 1;
    }
#ifdef TILES_IDLE
    if (arithmetic == SGF_ARITHMETIC_BF16) o->session->unit = 2; /* its own test refuses it */
#endif
    sgf_visible_set(&o->rule, 0, 0, 1);
    o->rows = (sgf_row *)calloc(8192, sizeof *o->rows);
    o->logits = (float *)malloc(64 * (size_t)o->model->config.vocab_size * sizeof(float));
    if (o->rows && o->logits) return 0;
    ours_close(o);
    return 1;
}
static int ours_open(const bench *b, const char *dir, int threads, ours *o) {
    return ours_open_in(b, dir, threads, SGF_ARITHMETIC_F32, o);
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
    return (size_t)sgf_config_parameters(&m->config) *
           (m->embedding.dtype == SGF_DTYPE_F32 ? 4 : 2);
}

/* ---- peers ---- */

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
/* llama-bench of every peer that was given: prompt tokens or generated tokens a second. */
static void contest_llama(bench *b, contest *c, const char *what, const shape *s, const char *test,
                          int threads) {
    char path[700], name[128];
    int i;
    snprintf(path, sizeof path, "%s/%s.gguf", b->work, s->name);
    if (b->peers && !exists(path)) gguf_write(s, path);
    for (i = 0; i < b->peers; i++) {
        const char *command = strchr(b->peer[i], '=') + 1;
        snprintf(name, sizeof name, "%s: %.*s", what, (int)(command - b->peer[i] - 1), b->peer[i]);
        contest_program(c, name, "\"avg_ts\"", "%s -m %s %s -t %d -r 1 -o json 2> /dev/null",
                        command, path, test, threads);
    }
    if (!b->peers) left_out(b, what, "llama-bench NAME=COMMAND");
}
/* torch_peer.py with these arguments; its figures and notes are taken over. */
static void torch_run(bench *b, const char *what, const char *format, ...) {
    char command[3000], arguments[2400], line[4096];
    va_list list;
    FILE *pipe;
    if (!b->torch) {
        left_out(b, what, "torch PYTHON");
        return;
    }
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(command, sizeof command,
             "%s tests/bench/torch_peer.py %s --device %s --threads %d --samples %d 2>> "
             "%s/torch.log",
             b->torch, arguments, b->device == SGF_DEVICE_CUDA ? "cuda" : "cpu", b->threads,
             b->rounds, b->work);
    pipe = popen(command, "r");
    while (pipe && fgets(line, sizeof line, pipe)) {
        char *name = line + 7, *unit = strchr(line, '|'),
             *samples = unit ? strchr(unit + 1, '|') : NULL;
        double sample[MAX_ROUNDS];
        int n = 0;
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, "note ", 5)) note(b, "%s", line + 5);
        if (strncmp(line, "figure ", 7) || !samples) continue;
        *unit++ = 0, *samples++ = 0;
        while (n < MAX_ROUNDS && *samples) sample[n++] = strtod(samples, &samples);
        if (n) {
            figure *f = report(b, name, unit, sample, n, NULL, 0, 0);
            snprintf(f->command, sizeof f->command, "%s", command);
        }
    }
    if (!pipe || pclose(pipe)) note(b, "%-52s failed: %s", what, command);
}

/* ---- the forward pass of a large model ---- */

static const shape shape_1b = {"1b-bf16", SGF_DTYPE_BF16, 2048, 16, 32, 8, 64, 8192, 32000, 8192};
static const shape shape_15m_f32 = {"15m-f32", SGF_DTYPE_F32, 288, 6, 6, 6, 48, 768, 32000, 1024};
static const shape shape_15m_f16 = {"15m-f16", SGF_DTYPE_F16, 288, 6, 6, 6, 48, 768, 32000, 1024};

/* Numbers of everyday size for `features` features of every column: what one product leaves to the next one
   shrinks from layer to layer, at last to subnormals, which processors multiply slowly. */
static void array_fill(const sgf__work *w, int array, size_t features) {
    size_t p, i;
    for (p = 0; p < w->panels; p++)
        for (i = 0; i < features * w->width[p]; i++)
            w->at[array][p][i] = (float)(i * 37 % 101) / 50 - 1;
}
/* The projections of all layers on 512 tokens, nothing else: their share of the FMA peak. */
static int matmul_call(void *user) {
    ours *o = (ours *)user;
    size_t l, i;
    sgf__work w;
    if (sgf__work_prepare(o->session, SGF__CHUNK, &w, NULL)) return 1;
    for (i = 0; i < o->tokens; i += SGF__CHUNK)
        for (l = 0; l < (size_t)o->model->config.layers; l++) {
            const sgf_layer *y = &o->model->layer[l];
            sgf__product job[3];
            w.layer = l;
            array_fill(&w, SGF__NORMED, y->q.cols);
            array_fill(&w, SGF__ATTENDED, y->o.cols);
            job[0] = sgf__projection(&w, SGF__W_Q, NULL, SGF__NORMED, SGF__Q);
            job[1] = sgf__projection(&w, SGF__W_K, NULL, SGF__NORMED, SGF__K);
            job[2] = sgf__projection(&w, SGF__W_V, NULL, SGF__NORMED, SGF__V);
            sgf__matmul(o->session->pool, job, 3);
            job[0] = sgf__projection(&w, SGF__W_O, NULL, SGF__ATTENDED, SGF__NORMED);
            sgf__matmul(o->session->pool, job, 1);
            job[0] = sgf__projection(&w, SGF__W_GATE, NULL, SGF__NORMED, SGF__GATE);
            job[1] = sgf__projection(&w, SGF__W_UP, NULL, SGF__NORMED, SGF__UP);
            sgf__matmul(o->session->pool, job, 2);
            job[0] = sgf__projection(&w, SGF__W_DOWN, NULL, SGF__GATE, SGF__NORMED);
            sgf__matmul(o->session->pool, job, 1);
        }
    return 0;
}
static double layer_parameters(const sgf_model *m) {
    return (double)sgf_config_parameters(&m->config) -
           (double)m->embedding.rows * (double)m->embedding.cols;
}

/* Prefill and decoding of a large model. */
static void prefill(bench *b, ours *o, ours *bf16, int threads, size_t tokens, double target) {
    char plain[120], name[96], test[48], dir[600];
    contest c;
    snprintf(plain, sizeof plain, "1B prefill %u", (unsigned)tokens);
    if (!wanted(b, row_name(b, threads, plain, name))) return;
    c.entries = 0;
    if (threads == b->threads)
        torch_run(b, "1B prefill: PyTorch", "engine %s --prefill %u --batch ''",
                  model_folder(b, &shape_1b, dir, sizeof dir), (unsigned)tokens);
    snprintf(test, sizeof test, "-p %u -n 0 -ub 512", (unsigned)tokens);
    contest_llama(b, &c, name, &shape_1b, test, threads);
    o->tokens = tokens;
    contest_call(&c, name, prefill_call, o, (double)tokens, "", target);
    snprintf(plain, sizeof plain, "%s in bf16", name);
    bf16->tokens = tokens;
    contest_call(&c, plain, prefill_call, bf16, (double)tokens, name, 0.9);
    contest_run(b, &c, "tokens/s");
    snprintf(test, sizeof test, "PyTorch prefill %u, bf16", (unsigned)tokens);
    if (threads == b->threads) compare(b, plain, test, 1.3);
}
static void decode(bench *b, ours *o, ours *bf16, int threads) {
    char name[96], bytes[128], most[96];
    double rate[MAX_ROUNDS];
    entry *decoded;
    contest c;
    int i;
    if (!wanted(b, row_name(b, threads, "1B decode", name))) return;
    c.entries = 0;
    contest_llama(b, &c, name, &shape_1b, "-p 0 -n 32", threads);
    o->batch = 1, o->steps = 32;
    contest_call(&c, name, decode_call, o, 32, "", 1.1);
    decoded = &c.entry[c.entries - 1];
    snprintf(bytes, sizeof bytes, "%s in bf16", name);
    bf16->batch = 1, bf16->steps = 32;
    contest_call(&c, bytes, decode_call, bf16, 32, name, 0.9);
    contest_limit(b, &c, threads, READ, name, most);
    contest_run(b, &c, "tokens/s");
    if (base_of(b, name) <= 0) return;
    for (i = 0; i < b->rounds; i++) rate[i] = decoded->sample[i] * (double)weight_bytes(o->model);
    snprintf(bytes, sizeof bytes, "%s, weights read", name);
    report(b, bytes, "bytes/s", rate, b->rounds, most, base_of(b, most), 0.85);
}
/* A step of many sequences, beside the same steps of one, in turn. */
static void batches(bench *b, ours *o, ours *bf16) {
    static const size_t sizes[] = {1, 2, 4, 8, 16, 32};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    ours one[2 * SIZES]; /* the same model and session, each with its own batch */
    char dir[600];
    contest c;
    size_t i;
    if (!wanted(b, "1B batch")) return;
    torch_run(b, "1B batch: PyTorch", "engine %s --prefill '' --batch 1,32",
              model_folder(b, &shape_1b, dir, sizeof dir));
    c.entries = 0;
    for (i = 0; i < 2 * SIZES; i++) {
        const size_t size = sizes[i / 2];
        const char *in = i % 2 ? " in bf16" : "";
        const char *against = i % 2 ? "1B batch of 1 in bf16" : "1B batch of 1";
        char name[64];
        one[i] = i % 2 ? *bf16 : *o;
        one[i].batch = size, one[i].steps = 8;
        snprintf(name, sizeof name, "1B batch of %u%s", (unsigned)size, in);
        contest_call(&c, name, decode_call, &one[i], (double)(8 * size), i / 2 ? against : NULL,
                     size < 32 ? 0
                     : i % 2   ? 18
                               : 9);
    }
    contest_run(b, &c, "tokens/s");
    compare(b, "1B batch of 32 in bf16", "PyTorch batch of 32, bf16", 1.4);
}
static void large(bench *b, int threads) {
    static const char *const names[] = {"1B prefill 512", "1B matmul part of 512", "1B decode",
                                        "1B prefill 4096", "1B batch"};
    const size_t few = threads == b->threads ? 5 : 3; /* with one thread the first ones */
    char dir[600], name[96], most[96];
    size_t i, any = 0;
    ours o, bf16; /* the same model in the other arithmetic */
    for (i = 0; i < few; i++) any += (size_t)wanted(b, row_name(b, threads, names[i], name));
    if (!any || ours_open(b, model_folder(b, &shape_1b, dir, sizeof dir), threads, &o)) return;
    if (ours_open_in(b, dir, threads, SGF_ARITHMETIC_BF16, &bf16)) {
        ours_close(&o);
        return;
    }
    prefill(b, &o, &bf16, threads, 512, 1.6);
    if (wanted(b, row_name(b, threads, names[1], name))) {
        contest c;
        c.entries = 0;
        o.tokens = 512;
        contest_limit(b, &c, threads, FMA, name, most);
        contest_call(&c, name, matmul_call, &o, 2 * 512 * layer_parameters(o.model), most, 0.75);
        contest_run(b, &c, "FLOP/s");
    }
    decode(b, &o, &bf16, threads);
    if (threads == b->threads) {
        prefill(b, &o, &bf16, threads, 4096, 1.8);
        batches(b, &o, &bf16);
    }
    ours_close(&bf16);
    ours_close(&o);
}

/* ---- decoding of a tiny model, where threads and calls cost more than arithmetic ---- */

static void contest_tiny_peer(bench *b, contest *c, const char *what, const shape *s, int half) {
    const char *program = half ? b->calm : b->llama2c;
    char path[700], tokens[700], name[128];
    snprintf(name, sizeof name, "%s: %s", what, half ? "calm" : "llama2.c");
    if (!program) {
        left_out(b, name, half ? "calm PROGRAM" : "llama2c PROGRAM");
    } else if (!half) {
        snprintf(path, sizeof path, "%s/%s.bin", b->work, s->name);
        snprintf(tokens, sizeof tokens, "%s/tokenizer.bin", b->work);
        if (!exists(path)) llama2_write(s, path, tokens);
        contest_program(c, name, "achieved tok/s",
                        "OMP_NUM_THREADS=%d %s %s -t 0 -n 256 -z %s 2>&1 > /dev/null", b->threads,
                        program, path, tokens);
    } else {
        snprintf(path, sizeof path, "%s/%s.calm", b->work, s->name);
        if (!exists(path)) safetensors_write(s, 1, path);
        contest_program(c, name, "throughput",
                        "CALM_CPU=1 OMP_NUM_THREADS=%d %s %s -t 0 -n 256 2>&1", b->threads, program,
                        path);
    }
}
static void tiny(bench *b) {
    static const shape *const shapes[] = {&shape_15m_f32, &shape_15m_f16};
    int k, i;
    for (k = 0; k < 2; k++) {
        const char *what = k ? "15M decode f16" : "15M decode f32";
        char dir[600], name[96], most[96];
        double rate[MAX_ROUNDS];
        contest c;
        ours o, one;
        entry *decoded;
        if (!wanted(b, what)) continue;
        model_folder(b, shapes[k], dir, sizeof dir);
        if (ours_open(b, dir, b->threads, &o)) return;
        if (ours_open(b, dir, 1, &one)) {
            ours_close(&o);
            return;
        }
        c.entries = 0;
        contest_llama(b, &c, what, shapes[k], "-p 0 -n 256", b->threads);
        contest_tiny_peer(b, &c, what, shapes[k], k);
        o.batch = one.batch = 1, o.steps = one.steps = 256;
        contest_call(&c, what, decode_call, &o, 256, "", 1.0);
        decoded = &c.entry[c.entries - 1];
        snprintf(name, sizeof name, "%s, 1 thread", what);
        contest_call(&c, name, decode_call, &one, 256, NULL, 0);
        contest_limit(b, &c, b->threads, CACHED, what, most);
        contest_run(b, &c, "tokens/s");
        for (i = 0; i < b->rounds; i++)
            rate[i] = decoded->sample[i] * (double)weight_bytes(o.model);
        snprintf(name, sizeof name, "%s, weights read", what);
        if (base_of(b, what) > 0)
            report(b, name, "bytes/s", rate, b->rounds, most, base_of(b, most), 0);
        ours_close(&one);
        ours_close(&o);
    }
}

/* ---- methods: questions a second, prompts of the lengths that real ones have ---- */

enum {
    SHOTS_TOKENS = 90,
    QUESTION_TOKENS = 14,
    SEPARATOR_TOKENS = 4,
    CUE_TOKENS = 2,
    PARAPHRASES = 5,
    NEW_TOKENS = 10,
    QUESTIONS = 64
};
typedef enum prompt_kind { ORIGIN, FUSED, FLEX } prompt_kind;

/* A row: how questions are asked. */
typedef struct asking {
    const char *name, *against; /* "": the best PyTorch loop; NULL: nothing */
    double target;
    prompt_kind kind;
    size_t contexts, count, together; /* of a question; questions; how many at a time */
    int ragged;                       /* answers of 1 to NEW_TOKENS tokens, as real ones have */
    int stream; /* when a question ends another one enters; else they come and go together */
    int reuse_rotated, no_prefix_reuse; /* of sgf_session_options */
    size_t shots;                       /* tokens before the question; 0: SHOTS_TOKENS */
} asking;

static int segment_fill(sgf_layout *l, int32_t segment, size_t n, uint32_t seed) {
    int32_t id;
    size_t i;
    for (i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        id = (int32_t)(seed >> 8) % 2000;
        if (sgf_layout_add(l, segment, &id, 1, NULL)) return 1;
    }
    return 0;
}
static int segment_add(sgf_layout *l, sgf_role role, int32_t group, size_t n, uint32_t seed) {
    int32_t segment = 0;
    return sgf_layout_segment(l, role, group, &segment, NULL) || segment_fill(l, segment, n, seed);
}
/* The context of question `seed`; instruction and examples are the same for all, and stand in every paraphrase of
   `flex_attention`. */
static int context_fill(sgf_layout *l, const asking *how, uint32_t seed) {
    const prompt_kind kind = how->kind;
    const size_t shots = how->shots ? how->shots : SHOTS_TOKENS;
    int32_t p, segment = 0;
    int failed = 0;
    if (kind != FLEX) failed |= segment_add(l, SGF_ROLE_SHARED, -1, shots, 1);
    for (p = 0; p < (kind == ORIGIN ? 1 : PARAPHRASES) && !failed; p++) {
        if (kind == FLEX && p)
            failed |= segment_add(l, SGF_ROLE_SEPARATOR, p - 1, SEPARATOR_TOKENS, 3);
        failed |= sgf_layout_segment(l, SGF_ROLE_PARAPHRASE, p, &segment, NULL) != SGF_OK;
        if (kind == FLEX) failed |= segment_fill(l, segment, shots, 1);
        failed |= segment_fill(l, segment, QUESTION_TOKENS, seed + (uint32_t)p);
    }
    failed |= segment_add(l, SGF_ROLE_ANSWER, -1, CUE_TOKENS, 2);
    sgf_layout_place(l, kind == FLEX ? SGF_POSITIONS_SEQUENTIAL : SGF_POSITIONS_ALIGNED);
    sgf_mask_set(l, kind == FLEX ? SGF_MASK_ISOLATED : SGF_MASK_SHARED);
    if (kind == FUSED) failed |= sgf_layout_weigh(l, NULL, 0, NULL) != SGF_OK;
    return failed;
}

static const asking askings[] = {
    {"1B origin", NULL, 0, ORIGIN, 1, 3, 1, 0, 0, 0, 0, 0},
    {"1B fused", "1B origin", 0.6, FUSED, 1, 3, 1, 0, 0, 0, 0, 0},
    {"1B avg", "1B origin", 0.5, ORIGIN, PARAPHRASES, 3, 1, 0, 0, 0, 0, 0},
    {"1B fused, 16 at a time", "1B fused", 2, FUSED, 1, 16, 16, 0, 0, 0, 0, 0},
    {"1B fused, entropy mass", "1B fused", 0.9, FUSED, 1, 3, 1, 0, 0, 0, 0, 0},
    {"1B entropy_avg", "1B avg", 0.97, ORIGIN, PARAPHRASES, 3, 1, 0, 0, 0, 0, 0},
    {"1B origin in bf16", "1B origin", 0, ORIGIN, 1, 3, 1, 0, 0, 0, 0, 0},
    {"1B fused in bf16", "1B origin in bf16", 0.8, FUSED, 1, 3, 1, 0, 0, 0, 0, 0},
    {"1B origin, 4 at a time", "1B origin", 0, ORIGIN, 1, 4, 4, 0, 0, 0, 0, 0},
    {"1B origin, 4 beams as 4 questions", "1B origin, 4 at a time", 0.6, ORIGIN, 1, 3, 1, 0, 0, 0,
     0, 0},
    {"1B fused, 64 ragged, in closed batches of 16", NULL, 0, FUSED, 1, 64, 16, 1, 0, 0, 0, 0},
    {"1B fused, 64 ragged, 16 in flight", "1B fused, 64 ragged, in closed batches of 16", 0, FUSED,
     1, 64, 16, 1, 1, 0, 0, 0},
    {"1B flex_attention, 16 at a time, no reuse", "", 0, FLEX, 1, 16, 16, 0, 0, 0, 1, 0},
    {"1B flex_attention, 16 at a time", "", 100, FLEX, 1, 16, 16, 0, 0, 0, 0, 0},
    {"1B flex_attention, 16 at a time, rotated reuse", "", 100, FLEX, 1, 16, 16, 0, 0, 1, 0, 0},
    {"1B flex_attention, 16 at a time, in bf16", "", 15, FLEX, 1, 16, 16, 0, 0, 0, 0, 0},
    {"1B flex_attention, 16 at a time, rotated reuse, in bf16", "", 50, FLEX, 1, 16, 16, 0, 0, 1, 0,
     0},
};
enum { ASKINGS = sizeof askings / sizeof askings[0] };

/* What a row does beyond one greedy pass. */
static void asking_decodes(const asking *how, sgf_task *task) {
    if (strstr(how->name, "entropy mass")) task->decoding.trust_mass = 0.5;
    if (strstr(how->name, "entropy_avg")) task->combine = SGF_COMBINE_ENTROPY_AVG;
    if (strstr(how->name, "4 beams")) task->decoding.beams = 4, task->decoding.length_penalty = 1;
}
static sgf_arithmetic asking_arithmetic(const asking *how) {
    return strstr(how->name, "in bf16") ? SGF_ARITHMETIC_BF16 : SGF_ARITHMETIC_F32;
}
/* What its questions count as: every beam is one. */
static double asking_work(const asking *how) {
    return (double)how->count * (strstr(how->name, "4 beams") ? 4 : 1);
}

typedef struct questions {
    const asking *how;
    sgf_session *session;
    sgf_layout context[QUESTIONS * PARAPHRASES];
    sgf_task task[QUESTIONS];
    int32_t ids[QUESTIONS][NEW_TOKENS];
    size_t next; /* of a stream */
} questions;

static sgf_status questions_next(void *user, sgf_task **task, sgf_error *err) {
    questions *q = (questions *)user;
    (void)err;
    if (q->next < q->how->count) *task = &q->task[q->next++];
    return SGF_OK;
}
static int questions_call(void *user) {
    questions *q = (questions *)user;
    sgf_stream stream;
    size_t i;
    for (i = 0; i < q->how->count; i++) q->task[i].count = 0;
    memset(&stream, 0, sizeof stream);
    stream.next = questions_next, stream.user = q, stream.most = q->how->together;
    q->next = 0;
    if (q->how->stream) return sgf_generate_stream(q->session, &stream, NULL) != SGF_OK;
    for (i = 0; i < q->how->count; i += q->how->together)
        if (sgf_generate(q->session, q->task + i, q->how->together, NULL, NULL, NULL)) return 1;
    return 0;
}
static void questions_close(questions *q) {
    size_t i;
    if (!q) return;
    for (i = 0; i < QUESTIONS * PARAPHRASES; i++) sgf_layout_free(&q->context[i]);
    sgf_session_free(q->session);
    free(q);
}
/* The questions of a row, in a session of their own; NULL: it cannot be. */
static questions *questions_open(const bench *b, const sgf_model *model, const asking *how) {
    questions *q = (questions *)calloc(1, sizeof *q);
    sgf_session_options options;
    size_t i, c;
    int failed = 0;
    if (!q) return NULL;
    q->how = how;
    memset(&options, 0, sizeof options);
    options.threads = b->threads;
    options.device = b->device;
    options.reuse_rotated = how->reuse_rotated;
    options.no_prefix_reuse = how->no_prefix_reuse;
    options.arithmetic = asking_arithmetic(how);
    for (i = 0; i < QUESTIONS * PARAPHRASES; i++) sgf_layout_init(&q->context[i], NULL);
    for (i = 0; i < how->count; i++) {
        sgf_task *task = &q->task[i];
        for (c = 0; c < how->contexts; c++)
            failed |= context_fill(&q->context[i * PARAPHRASES + c], how,
                                   100 + (uint32_t)(i * PARAPHRASES + c));
        task->context = &q->context[i * PARAPHRASES];
        task->contexts = how->contexts;
        task->combine = SGF_COMBINE_AVG;
        asking_decodes(how, task);
        task->ids = q->ids[i];
        task->max_new_tokens = how->ragged ? 1 + i * 7 % NEW_TOKENS : NEW_TOKENS;
    }
    if (failed || sgf_session_create(model, &options, &q->session, NULL)) {
        questions_close(q);
        return NULL;
    }
    return q;
}
/* Rows that are compared run in turn: `from` to `end` of askings, those that are wanted or are what a wanted one is
   compared with. */
static void askings_run(bench *b, const sgf_model *model, size_t from, size_t end) {
    const char *who = "";
    int measured[ASKINGS] = {0};
    questions *q[ASKINGS] = {NULL};
    size_t i, k;
    contest c;
    c.entries = 0;
    best_of(b, "PyTorch loop, ", &who);
    for (i = end; i-- > from;) {
        measured[i] |= wanted(b, askings[i].name);
        for (k = from; k < i && measured[i]; k++)
            if (askings[i].against && !strcmp(askings[i].against, askings[k].name)) measured[k] = 1;
    }
    for (i = from; i < end; i++) {
        const char *against = askings[i].against;
        if (!measured[i] || !(q[i] = questions_open(b, model, &askings[i]))) continue;
        contest_call(&c, askings[i].name, questions_call, q[i], asking_work(&askings[i]),
                     against && !*against ? (*who ? who : NULL) : against, askings[i].target);
    }
    if (c.entries) contest_run(b, &c, "questions/s");
    for (i = from; i < end; i++) questions_close(q[i]);
}
static void methods(bench *b) {
    enum { RAGGED = 10, FLEXES = 12 };
    char dir[600], spans[200] = "";
    sgf_model *model;
    sgf_error err;
    int any = 0, flex = 0, p;
    size_t i, at = 0;
    for (i = 0; i < ASKINGS; i++) {
        any |= wanted(b, askings[i].name);
        flex |= askings[i].kind == FLEX && wanted(b, askings[i].name);
    }
    flex |= wanted(b, "PyTorch loop");
    if (!any && !flex) return;
    model_folder(b, &shape_1b, dir, sizeof dir);
    if (sgf_model_load(dir, NULL, &model, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return;
    }
    askings_run(b, model, 0, RAGGED);
    askings_run(b, model, RAGGED, FLEXES);
    for (p = 0; p < PARAPHRASES; p++)
        at += (size_t)snprintf(spans + at, sizeof spans - at, "%d,%d,",
                               SHOTS_TOKENS + QUESTION_TOKENS,
                               p + 1 < PARAPHRASES ? SEPARATOR_TOKENS : CUE_TOKENS);
    spans[at - 1] = 0;
    if (flex)
        torch_run(b, "1B flex_attention: PyTorch loop",
                  "loop %s --spans %s --steps %d --questions 16", dir, spans, NEW_TOKENS);
    askings_run(b, model, FLEXES, ASKINGS);
    sgf_model_free(model);
}

/* ---- memory: what a run needs besides weights and KV ---- */

/* Keys and values of all tokens that are there at a time, a shared prefix once. */
static double kv_bytes(const sgf_model *m, const questions *q) {
    const sgf_config *c = &m->config;
    size_t shared = q->how->kind == FLEX ? 0 : SHOTS_TOKENS, tokens = shared, i;
    for (i = 0; i < q->how->together; i++)
        tokens += q->context[i * PARAPHRASES].tokens - shared + NEW_TOKENS - 1;
    return (double)tokens * 2 * (asking_arithmetic(q->how) ? 2 : 4) * c->layers * c->kv_heads *
           c->head_dim;
}
/* In a process of its own (--peak): run a row's questions once, print what the process took at most. */
static int peak(const bench *b, int row) {
    char dir[600], line[256];
    double kilobytes = 0;
    sgf_model *model;
    questions *q;
    FILE *status;
    if (row < 0 || row >= ASKINGS ||
        sgf_model_load(model_folder(b, &shape_1b, dir, sizeof dir), NULL, &model, NULL))
        return 1;
    q = questions_open(b, model, &askings[row]);
    if (!q || questions_call(q)) return 1;
    status = fopen("/proc/self/status", "r"); /* getrusage counts what ran before exec, too */
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "VmHWM:", 6)) kilobytes = strtod(line + 6, NULL);
    if (status) fclose(status);
    printf("peak %.0f\nweights %.0f\nkv %.0f\nrest %.0f\n", kilobytes * 1024,
           (double)weight_bytes(model), kv_bytes(model, q),
           kilobytes > 0 ? kilobytes * 1024 - (double)weight_bytes(model) - kv_bytes(model, q) : 0);
    questions_close(q);
    sgf_model_free(model);
    return 0;
}
static void memory(bench *b) {
    static const int rows[] = {1, 3, 7}; /* of askings: fused, 16 at a time, in bf16 */
    size_t i;
    int k;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[96], command[900];
        double sample[MAX_ROUNDS], rest[MAX_ROUNDS];
        figure *f;
        snprintf(name, sizeof name, "memory, %s", askings[rows[i]].name);
        if (!wanted(b, name)) continue;
        snprintf(command, sizeof command, "%s --work %s --threads %d --peak %d", b->self, b->work,
                 b->threads, rows[i]);
        for (k = 0; k < b->rounds; k++) {
            sample[k] = run_number(command, "peak ") / 1e6;
            rest[k] = run_number(command, "rest ") / 1e6;
            if (sample[k] <= 0 || rest[k] <= 0) break;
        }
        if (k < b->rounds) {
            note(b, "%-52s not measured: %s", name, command);
            continue;
        }
        f = report(b, name, "MB", sample, b->rounds, NULL, 0, 0);
        snprintf(f->command, sizeof f->command, "%s", command);
        note(b, "%s: weights %.1f MB, KV %.1f MB", name, run_number(command, "weights ") / 1e6,
             run_number(command, "kv ") / 1e6);
        snprintf(name, sizeof name, "memory, %s, besides them", askings[rows[i]].name);
        f = figure_add(b, name, "MB", rest, b->rounds);
        f->target = 64, f->at_most = 1;
        figure_print(f);
    }
}

/* ---- attention alone: 32 segments of 128 tokens, isolated and causal ---- */

static const shape shape_attention = {"attention", SGF_DTYPE_BF16, 64, 1, 32, 8, 64, 64, 64, 8192};

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
        sgf_row row[SGF__CHUNK];
        sgf__query query[SGF__CHUNK];
        sgf__work w;
        if (sgf__work_prepare(s, SGF__CHUNK, &w, NULL)) return 1;
        for (i = 0; i < SGF__CHUNK; i++) {
            memset(&row[i], 0, sizeof row[i]);
            row[i].sequence = a->sequence, row[i].token = a->layout.token[at + i];
            row[i].seg = a->layout.seg[at + i], row[i].pos = a->layout.pos[at + i];
            query[i].row = &row[i], query[i].own = &s->sequence[a->sequence];
            query[i].index = at + i, query[i].number = -1;
        }
        w.query = query;
        sgf__groups_make(&w);
        if (!at && sgf__scores_prepare(s, query, SGF__CHUNK, NULL)) return 1;
        sgf__parallel(s->pool, w.groups * (size_t)s->model->config.kv_heads, 1, sgf__attend_part,
                      &w);
    }
    return 0;
}
static void segments(bench *b) {
    enum { SEGMENTS = 32, LENGTH = 128 };
    const double T = SEGMENTS * LENGTH,
                 pairs[2] = {T * (T + 1) / 2, SEGMENTS * LENGTH * (LENGTH + 1) / 2.0};
    const sgf_mask masks[2] = {SGF_MASK_CAUSAL, SGF_MASK_ISOLATED};
    const char *const names[4] = {"attention alone, causal", "attention alone, isolated",
                                  "attention alone, causal, in bf16",
                                  "attention alone, isolated, in bf16"};
    const char *who = NULL;
    char dir[600], most[96];
    double rate[MAX_ROUNDS];
    attention a[4];
    contest c;
    int k, first;
    int32_t i;
    if (!wanted(b, names[0]) && !wanted(b, names[1])) return;
    torch_run(b, "attention alone: FlexAttention",
              "attention --segments %d --length %d --heads 32 --kv_heads 8 --head_dim 64", SEGMENTS,
              LENGTH);
    best_of(b, "FlexAttention, isolated ", &who);
    c.entries = 0;
    contest_limit(b, &c, b->threads, FMA, "attention alone", most);
    first = c.entries;
    model_folder(b, &shape_attention, dir, sizeof dir);
    for (k = 0; k < 4; k++) {
        sgf_arithmetic arithmetic = k < 2 ? SGF_ARITHMETIC_F32 : SGF_ARITHMETIC_BF16;
        if (ours_open_in(b, dir, b->threads, arithmetic, &a[k].o)) return;
        sgf_layout_init(&a[k].layout, NULL);
        for (i = 0; i < SEGMENTS; i++) segment_add(&a[k].layout, SGF_ROLE_PARAPHRASE, i, LENGTH, 5);
        for (i = 0; i < (int32_t)a[k].layout.tokens; i++) a[k].layout.token[i] %= 64;
        sgf_layout_place(&a[k].layout, SGF_POSITIONS_SEQUENTIAL);
        sgf_mask_set(&a[k].layout, masks[k % 2]);
        if (sgf_forward_layout(a[k].o.session, &a[k].layout, NULL, NULL, &a[k].sequence, NULL))
            return;
        contest_call(&c, names[k], attention_call, &a[k], 4.0 * 32 * 64 * pairs[k % 2],
                     k % 2 ? who : most, k % 2 ? 2.5 : 0);
    }
    contest_run(b, &c, "FLOP/s");
    for (k = 0; k < b->rounds && base_of(b, names[0]) > 0 && base_of(b, names[1]) > 0; k++)
        rate[k] = (pairs[0] / c.entry[first].sample[k]) / (pairs[1] / c.entry[first + 1].sample[k]);
    if (k == b->rounds)
        report(b, "attention alone, isolated: times faster than causal", "times", rate, b->rounds,
               "the ratio of pairs", pairs[0] / pairs[1], 1 / 1.3);
    for (k = 0; k < 4; k++) {
        sgf_layout_free(&a[k].layout);
        ours_close(&a[k].o);
    }
}

/* ---- the bundled model, by the program ---- */

static void bundled(bench *b) {
    static const char *const names[] = {"origin", "per_prompt", "avg", "flex_attention", "fused"};
    size_t i;
    int k;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[2][96];
        char commands[2][1200];
        double sample[2][MAX_ROUNDS], before = 0;
        int round, failed = 0;
        snprintf(name[0], sizeof name[0], "bundled %s: before", names[i]);
        snprintf(name[1], sizeof name[1], "bundled %s", names[i]);
        if (!wanted(b, name[1])) continue;
        if (!b->before) left_out(b, name[0], "before SEGFUSE");
        for (k = 0; k < 2; k++)
            snprintf(commands[k], sizeof commands[k],
                     "%s generate --method %s --dataset myriadlama --max_samples 400 --threads %d "
                     "--quiet --rewrite --output %s/out > /dev/null",
                     k ? "build/segfuse" : b->before, names[i], b->threads, b->work);
        for (round = -1; round < b->rounds && !failed; round++)
            for (k = b->before ? 0 : 1; k < 2 && !failed; k++) {
                double start = now();
                failed = system(commands[k]) != 0;
                if (failed) note(b, "%-52s failed: %s", name[k], commands[k]);
                if (round >= 0) sample[k][round] = 400 / (now() - start);
            }
        for (k = b->before ? 0 : 1; k < 2 && !failed; k++) {
            figure *f = report(b, name[k], "questions/s", sample[k], b->rounds, name[0], before, 0);
            snprintf(f->command, sizeof f->command, "%s", commands[k]);
            before = figure_median(f);
        }
    }
}
