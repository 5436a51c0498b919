/* segfuse.cu against the processor: exact by memcmp, fast within 2e-2 and with equal tokens. Built twice:
   with tests/cuda_emulator in the place of CUDA (`make cuda-emulated`, no GPU; a Hopper and an Ampere), where it also lets
   memory run out and calls fail, and by nvcc (`make cuda-test`), for a GPU. Run from the top of the
   tree, `tests FILTER` runs the tests whose name holds FILTER. */
#define SEGFUSE_IMPLEMENTATION
#define SGF_CUDA
#include "../segfuse.h"

#include "test.h"

#include <fenv.h>

#ifdef SGF_TEST_EMULATED
#include "cuda_emulator/control.h"
#endif

static const char *golden_path(void) {
    return "tests/golden";
}
static const char *temp_path(const char *name) {
    static char path[8][1400];
    static int next;
    const char *base = getenv("TMPDIR");
    next = (next + 1) % 8;
    snprintf(path[next], sizeof path[next], "%s/segfuse-cuda-%ld-%s",
             base && base[0] ? base : "/tmp", (long)getpid(), name);
    return path[next];
}
#pragma GCC diagnostic push /* their own tests are run by tests/main.c */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../examples/segfuse/base/base.c"
#include "../examples/segfuse/base/json.c"
#include "../examples/segfuse/masks/layoutfile.c"
#include "../examples/segfuse/data/tensors.c"
#include "test_forward.c"

#include "test_generate.c"

#include "../examples/segfuse/tables/column.c"
#include "../examples/segfuse/tables/table.c"
#include "../examples/segfuse/tables/literal.c"
#include "../examples/segfuse/tables/csv.c"
#include "../examples/segfuse/tables/jsonl.c"
#include "../examples/segfuse/tables/lz4.c"
#include "../examples/segfuse/tables/arrow.c"
#include "../examples/segfuse/tables/table_file.c"
#pragma GCC diagnostic pop

enum { EXACT = 1, FAST = 0 };

static sgf_session *cuda_session(const sgf_model *model, int exact) {
    sgf_session_options options;
    sgf_session *session = NULL;
    sgf_error err;
    memset(&options, 0, sizeof options);
    options.device = SGF_DEVICE_CUDA;
    options.exact = exact;
    if (sgf_session_create(model, &options, &session, &err)) printf("    %s\n", err.message);
    return session;
}
static int cuda_same_bits(const float *a, const float *b, size_t n) {
    return !memcmp(a, b, n * sizeof *a);
}

/* A GPU computes no mixture, and says so. */
static int cuda_refuses_mixture(const sgf_model *model, const sgf_layout *layout, int exact) {
    sgf_session *gpu = cuda_session(model, exact);
    sgf_error err;
    int refused;
    err.message[0] = 0;
    refused = gpu &&
              sgf_forward_layout(gpu, layout, NULL, NULL, NULL, &err) == SGF_ERR_UNSUPPORTED &&
              strstr(err.message, "a mixture is computed on a processor only");
    CHECK(refused);
    sgf_session_free(gpu);
    return refused;
}

/* ---- layouts in one call: every architecture, every mask of the golden cases ---- */

static int cuda_exact_case(const sgf_model *model, const sgf_layout *layout,
                           const forward_expected *golden, const char *name) {
    size_t n = layout->tokens * (size_t)model->config.vocab_size;
    size_t m = layout->tokens * (size_t)model->config.dim;
    sgf_session *cpu, *gpu;
    float *room, *theirs;
    sgf_error err;
    int same = 0, exact = 0;
    (void)golden, (void)name;
    if (layout->mixture) return cuda_refuses_mixture(model, layout, EXACT);
    cpu = forward_session(model, SGF_KERNELS_AUTO, 1);
    gpu = cuda_session(model, EXACT);
    room = (float *)malloc(2 * (n + m) * sizeof(float));
    theirs = room + n + m;
    err.message[0] = 0;
    if (cpu && gpu && !sgf_forward_layout(cpu, layout, room, room + n, NULL, &err) &&
        !sgf_forward_layout(gpu, layout, theirs, theirs + n, NULL, &err))
        same = cuda_same_bits(room, theirs, n + m);
    else printf("    %s\n", err.message);
    CHECK(same);
    CHECK(gpu && sgf_session_device(gpu, &exact) == SGF_DEVICE_CUDA && exact);
    sgf_session_free(cpu);
    sgf_session_free(gpu);
    free(room);
    return same;
}
static void test_exact_golden_models(void) {
    forward_cases(cuda_exact_case);
}
static double cuda_worst;
static int cuda_fast_case(const sgf_model *model, const sgf_layout *layout,
                          const forward_expected *golden, const char *name) {
    size_t n = layout->tokens * (size_t)model->config.vocab_size;
    sgf_session *gpu;
    float *ours;
    sgf_error err;
    double d = 1e30;
    int exact = 1;
    if (layout->mixture) return cuda_refuses_mixture(model, layout, FAST);
    gpu = cuda_session(model, FAST);
    ours = (float *)malloc(n * sizeof(float));
    err.message[0] = 0;
    if (gpu && !sgf_forward_layout(gpu, layout, ours, NULL, NULL, &err))
        d = forward_difference(ours, golden->logits, n);
    else printf("    %s\n", err.message);
    if (getenv("SGF_TEST_VERBOSE")) printf("    %-60s %.1e\n", name, d);
    if (d > cuda_worst) cuda_worst = d;
    CHECK(d < 2e-2);
    CHECK(gpu && sgf_session_device(gpu, &exact) == SGF_DEVICE_CUDA && !exact);
    sgf_session_free(gpu);
    free(ours);
    return d < 2e-2;
}
static void test_fast_golden_models(void) {
    cuda_worst = 0;
    forward_cases(cuda_fast_case);
    printf("    worst: %.1e of the greatest logit\n", cuda_worst);
}

/* ---- layouts of all kinds, and their continuation row by row, with the bundled model ---- */

static uint32_t cuda_random_state;
static uint32_t cuda_random(uint32_t n) {
    cuda_random_state = cuda_random_state * 1664525u + 1013904223u;
    return (cuda_random_state >> 8) % n;
}
/* Segments of some tokens, visible to each other as chance wills (some rows see nothing), masses,
   positions that jump. */
static void cuda_random_layout(sgf_layout *layout, uint32_t seed, const sgf_model *model,
                               size_t tokens) {
    size_t made = 0, i;
    int32_t segment = 0, q, k;
    sgf_error err;
    cuda_random_state = seed * 2654435761u + 1;
    sgf_layout_clear(layout);
    while (made < tokens) {
        size_t n = 1 + cuda_random(seed % 3 ? 9 : 70);
        if (n > tokens - made) n = tokens - made;
        MUST(sgf_layout_segment(layout, cuda_random(4) ? SGF_ROLE_PARAPHRASE : SGF_ROLE_SHARED, 0,
                                &segment, &err),
             err);
        for (i = 0; i < n; i++) {
            int32_t id = (int32_t)cuda_random((uint32_t)model->config.vocab_size);
            MUST(sgf_layout_add(layout, segment, &id, 1, &err), err);
        }
        made += n;
    }
    MUST(sgf_layout_segment(layout, SGF_ROLE_ANSWER, -1, &segment, &err), err);
    for (i = 0; i < 3; i++) {
        int32_t id = (int32_t)cuda_random((uint32_t)model->config.vocab_size);
        MUST(sgf_layout_add(layout, segment, &id, 1, &err), err);
    }
    sgf_layout_place(layout, seed % 2 ? SGF_POSITIONS_ALIGNED : SGF_POSITIONS_SEQUENTIAL);
    for (q = 0; q <= segment; q++)
        for (k = 0; k <= segment; k++) sgf_visible_set(layout, q, k, cuda_random(3) > 0);
    for (k = 0; k < segment; k++) {
        sgf_visible_set(layout, segment, k, 1);
        if (cuda_random(2)) layout->segment[k].log_weight = -1.5f + 0.25f * (float)cuda_random(8);
    }
    sgf_visible_set(layout, segment, segment, 1);
}
enum { CUDA_LAYOUTS = 8 };
static void cuda_random_layouts(int exact) {
    sgf_model *model = generate_model();
    size_t V = (size_t)model->config.vocab_size, i, t;
    double worst = 0;
    uint32_t seed;
    for (seed = 0; seed < CUDA_LAYOUTS; seed++) {
        sgf_session *cpu = forward_session(model, SGF_KERNELS_AUTO, 1);
        sgf_session *gpu = cuda_session(model, exact);
        int32_t sequence[2] = {0, 0};
        sgf_layout layout;
        sgf_error err;
        float *room;
        sgf_layout_init(&layout, NULL);
        cuda_random_layout(&layout, seed, model, seed == 3 ? 300 : 20 + 13 * seed);
        room = (float *)malloc(2 * layout.tokens * V * sizeof(float));
        CHECK(cpu && gpu);
        if (!cpu || !gpu) return;
        MUST(sgf_forward_layout(cpu, &layout, room, NULL, &sequence[0], &err), err);
        MUST(sgf_forward_layout(gpu, &layout, room + layout.tokens * V, NULL, &sequence[1], &err),
             err);
        if (exact) CHECK(cuda_same_bits(room, room + layout.tokens * V, layout.tokens * V));
        for (t = 0; t < layout.tokens; t++) {
            double d = forward_difference(room + (layout.tokens + t) * V, room + t * V, V);
            worst = d > worst ? d : worst;
        }
        for (i = 0; i < 3; i++) { /* the answer goes on, a row at a time */
            sgf_row row = {(int32_t)(7 * i + seed), layout.answer_pos + (int32_t)i, layout.answer,
                           0, 1};
            row.sequence = sequence[0];
            MUST(sgf_forward(cpu, &row, 1, room, NULL, &err), err);
            row.sequence = sequence[1];
            MUST(sgf_forward(gpu, &row, 1, room + V, NULL, &err), err);
            if (exact) CHECK(cuda_same_bits(room, room + V, V));
            else CHECK(forward_difference(room + V, room, V) < 2e-2);
        }
        free(room);
        sgf_layout_free(&layout);
        sgf_session_free(cpu);
        sgf_session_free(gpu);
    }
    if (!exact) {
        printf("    worst: %.1e of the greatest logit\n", worst);
        CHECK(worst < 2e-2);
    }
    sgf_model_free(model);
}
static void test_exact_random_layouts(void) {
    cuda_random_layouts(EXACT);
}
static void test_fast_random_layouts(void) {
    cuda_random_layouts(FAST);
}

/* ---- heads of all widths: models made here, of bf16 weights, a window in one of their two layers ---- */

typedef struct cuda_heads {
    int C, H, G, norms, biases;
} cuda_heads;
static const cuda_heads cuda_heads_all[] = {{128, 6, 2, 0, 0}, {128, 8, 8, 1, 1}, {96, 4, 1, 0, 1},
                                            {80, 3, 1, 1, 0},  {64, 14, 2, 0, 1}, {32, 4, 2, 0, 0},
                                            {8, 64, 1, 0, 0}};
enum { HEADS_D = 136, HEADS_F = 200, HEADS_V = 90, HEADS_L = 2, HEADS_TENSORS = 14 * HEADS_L + 2 };

/* Values about `middle`, so small that sums of `cols` of them stay near 1; kept in `all` to be freed. */
static sgf_tensor heads_tensor(size_t rows, size_t cols, float middle, uint16_t **all, int *n) {
    float spread = middle != 0 ? 0.2f : 1.7f / sqrtf((float)cols);
    uint16_t *data = (uint16_t *)malloc(rows * cols * sizeof(uint16_t));
    sgf_tensor t;
    size_t i;
    for (i = 0; i < rows * cols; i++)
        data[i] = sgf__float_bf16(middle + spread * ((float)cuda_random(2001) / 1000.0f - 1.0f));
    all[(*n)++] = data;
    t.data = data, t.rows = rows, t.cols = cols, t.dtype = SGF_DTYPE_BF16;
    return t;
}
static int heads_model(const cuda_heads *of, sgf_model *m, sgf_layer *layer, uint16_t **all) {
    size_t Q = (size_t)(of->H * of->C), K = (size_t)(of->G * of->C), C = (size_t)of->C, l;
    sgf_config *c = &m->config;
    int n = 0;
    memset(m, 0, sizeof *m);
    memset(layer, 0, HEADS_L * sizeof *layer);
    c->vocab_size = HEADS_V, c->dim = HEADS_D, c->layers = HEADS_L, c->heads = of->H;
    c->kv_heads = of->G, c->head_dim = of->C, c->ffn_dim = HEADS_F, c->context = 1024;
    c->rms_eps = 1e-5f, c->rope_theta = 10000, c->rope_factor = 1, c->tied = 1;
    c->sliding_window = 50, c->sliding_layers[0] = 2;
    c->embedding_scale = c->residual_scale = c->logit_divisor = 1;
    c->score_scale = 1.0f / sqrtf((float)c->head_dim);
    m->layer = layer;
    m->embedding = m->output = heads_tensor(HEADS_V, HEADS_D, 0, all, &n);
    m->norm = heads_tensor(1, HEADS_D, 1, all, &n);
    for (l = 0; l < HEADS_L; l++) {
        sgf_layer *y = &layer[l];
        y->attn_norm = heads_tensor(1, HEADS_D, 1, all, &n);
        y->ffn_norm = heads_tensor(1, HEADS_D, 1, all, &n);
        y->q = heads_tensor(Q, HEADS_D, 0, all, &n);
        y->k = heads_tensor(K, HEADS_D, 0, all, &n);
        y->v = heads_tensor(K, HEADS_D, 0, all, &n);
        y->o = heads_tensor(HEADS_D, Q, 0, all, &n);
        y->gate = heads_tensor(HEADS_F, HEADS_D, 0, all, &n);
        y->up = heads_tensor(HEADS_F, HEADS_D, 0, all, &n);
        y->down = heads_tensor(HEADS_D, HEADS_F, 0, all, &n);
        if (of->norms) y->q_norm = heads_tensor(1, C, 1, all, &n);
        if (of->norms) y->k_norm = heads_tensor(1, C, 1, all, &n);
        if (of->biases) y->q_bias = heads_tensor(1, Q, 0.1f, all, &n);
        if (of->biases) y->k_bias = heads_tensor(1, K, 0.1f, all, &n);
        if (of->biases) y->v_bias = heads_tensor(1, K, 0.1f, all, &n);
    }
    return n;
}
/* One prompt, and then calls of 1, 2, 5, 8 and 9 rows, which take other products. */
static void cuda_heads_case(const cuda_heads *of, int exact, double *worst) {
    static const size_t steps[] = {1, 2, 5, 8, 9, 1};
    enum { ROWS = 9 };
    uint16_t *all[HEADS_TENSORS];
    sgf_layer layer[HEADS_L];
    sgf_session *session[2];
    int32_t sequence[2] = {0, 0};
    sgf_row row[ROWS];
    sgf_layout layout;
    sgf_model model;
    sgf_error err;
    float *out[2];
    size_t i, s, t, made = 0;
    int n, k;
    cuda_random_state = 77;
    n = heads_model(of, &model, layer, all);
    session[0] = forward_session(&model, SGF_KERNELS_AUTO, 1);
    session[1] = cuda_session(&model, exact);
    CHECK(session[0] && session[1]);
    sgf_layout_init(&layout, NULL);
    cuda_random_layout(&layout, 3, &model, 300);
    for (k = 0; k < 2; k++) out[k] = (float *)malloc(layout.tokens * HEADS_V * sizeof(float));
    for (s = 0; session[0] && session[1] && s <= sizeof steps / sizeof steps[0]; s++) {
        size_t rows = s ? steps[s - 1] : layout.tokens;
        memset(row, 0, sizeof row);
        for (k = 0; k < 2; k++) {
            for (i = 0; s && i < rows; i++) {
                row[i].token = (int32_t)((7 * i + s) % HEADS_V), row[i].seg = layout.answer;
                row[i].pos = layout.answer_pos + (int32_t)(made + i);
                row[i].want = 1, row[i].sequence = sequence[k];
            }
            if (s) MUST(sgf_forward(session[k], row, rows, out[k], NULL, &err), err);
            else
                MUST(sgf_forward_layout(session[k], &layout, out[k], NULL, &sequence[k], &err),
                     err);
        }
        made += s ? rows : 0;
        if (exact) CHECK(cuda_same_bits(out[0], out[1], rows * HEADS_V));
        for (t = 0; t < rows; t++) {
            double d = forward_difference(out[1] + t * HEADS_V, out[0] + t * HEADS_V, HEADS_V);
            *worst = d > *worst ? d : *worst;
        }
    }
    for (k = 0; k < 2; k++) sgf_session_free(session[k]), free(out[k]);
    sgf_layout_free(&layout);
    while (n) free(all[--n]);
}
static void cuda_heads_cases(int exact) {
    size_t i;
    for (i = 0; i < sizeof cuda_heads_all / sizeof cuda_heads_all[0]; i++) {
        const cuda_heads *of = &cuda_heads_all[i];
        double worst = 0;
        cuda_heads_case(of, exact, &worst);
        if (!exact)
            printf("    %d heads of %d, %d of keys: worst %.1e of the greatest logit\n", of->H,
                   of->C, of->G, worst);
        CHECK(worst < 2e-2);
    }
}
static void test_exact_heads(void) {
    cuda_heads_cases(EXACT);
}
static void test_fast_heads(void) {
    cuda_heads_cases(FAST);
}

/* Rows that see nothing at all, not even themselves, in the first call of a session. */
static void test_nobody_sees_anything(void) {
    sgf_model *model = generate_model();
    size_t V = (size_t)model->config.vocab_size;
    float *room = (float *)malloc(2 * 3 * V * sizeof(float));
    sgf_layout layout;
    sgf_error err;
    int exact;
    sgf_layout_init(&layout, NULL);
    for (int32_t id = 1; id < 4; id++) {
        int32_t segment = 0;
        if (id == 1) MUST(sgf_layout_segment(&layout, SGF_ROLE_SEPARATOR, 0, &segment, &err), err);
        MUST(sgf_layout_add(&layout, segment, &id, 1, &err), err);
    }
    sgf_layout_place(&layout, SGF_POSITIONS_SEQUENTIAL);
    sgf_visible_set(&layout, 0, 0, 0);
    for (exact = 0; exact < 2; exact++) {
        sgf_session *cpu = forward_session(model, SGF_KERNELS_AUTO, 1);
        sgf_session *gpu = cuda_session(model, exact);
        CHECK(cpu && gpu);
        MUST(sgf_forward_layout(cpu, &layout, room, NULL, NULL, &err), err);
        MUST(sgf_forward_layout(gpu, &layout, room + 3 * V, NULL, NULL, &err), err);
        if (exact) CHECK(cuda_same_bits(room, room + 3 * V, 3 * V));
        else CHECK(forward_difference(room + 3 * V, room, 3 * V) < 2e-2);
        sgf_session_free(cpu);
        sgf_session_free(gpu);
    }
    free(room);
    sgf_layout_free(&layout);
    sgf_model_free(model);
}

/* ---- every method ---- */

enum { CUDA_TOKENS = 4, CUDA_CONTEXTS = GENERATE_QUESTIONS * GENERATE_PARAPHRASES };

/* The answers of all questions, asked together, by one method; `bits` (NULL: the device chooses)
   gets the combined logits of every step. */
typedef struct cuda_answers {
    int32_t ids[GENERATE_QUESTIONS][CUDA_TOKENS];
    size_t count[GENERATE_QUESTIONS];
} cuda_answers;
typedef struct cuda_steps {
    float *at;
    size_t n, cap, V;
} cuda_steps;

static int cuda_step(void *user, size_t task, size_t step, const float *logits, int32_t *chosen) {
    cuda_steps *steps = (cuda_steps *)user;
    (void)task, (void)step, (void)chosen;
    if (steps->n < steps->cap)
        memcpy(steps->at + steps->n++ * steps->V, logits, steps->V * sizeof(float));
    return 0;
}
static int cuda_quiet; /* failures are wanted */
static int cuda_ask(sgf_session *s, const sgf_model *model, const char *name, size_t questions,
                    cuda_answers *answers, cuda_steps *steps) {
    static const double weight[GENERATE_PARAPHRASES] = {0.5, 0.125, 1, 0.25, 1};
    generate_texts_all all;
    sgf_layout context[CUDA_CONTEXTS];
    sgf_task task[GENERATE_QUESTIONS];
    sgf_method method;
    sgf_error err;
    size_t i, c, contexts, n = 0;
    sgf_status status;
    generate_prompts(&all, GENERATE_PARAPHRASES);
    memset(task, 0, sizeof task);
    memset(answers, 0, sizeof *answers);
    status = sgf_method_find(name, &method, &err);
    if (!strcmp(name, "myriadlama_flex")) method.mask = SGF_MASK_MANUAL_CROSS;
    contexts = method.contexts == SGF_CONTEXTS_ENSEMBLE ? GENERATE_PARAPHRASES : 1;
    for (i = 0; i < questions && !status; i++) {
        task[i].context = &context[n];
        task[i].contexts = contexts;
        task[i].combine = method.combine;
        task[i].weight = weight;
        task[i].ids = answers->ids[i];
        task[i].max_new_tokens = CUDA_TOKENS;
        for (c = 0; c < contexts && !status; c++) {
            sgf_layout_init(&context[n], NULL);
            status = sgf_prompt_layout(model->tokenizer, &all.prompt[i], &method, c, &context[n++],
                                       &err);
        }
    }
    if (!status) status = sgf_generate(s, task, questions, steps ? cuda_step : NULL, steps, &err);
    for (i = 0; i < questions; i++) answers->count[i] = task[i].count;
    while (n) sgf_layout_free(&context[--n]);
    if (status && !cuda_quiet) printf("    %s\n", err.message);
    return !status;
}
static void test_exact_methods(void) {
    sgf_model *model = generate_model();
    sgf_session *cpu = forward_session(model, SGF_KERNELS_AUTO, 1);
    sgf_session *gpu = cuda_session(model, EXACT);
    size_t V = (size_t)model->config.vocab_size, cap = GENERATE_QUESTIONS * CUDA_TOKENS, i;
    cuda_steps steps[2];
    for (i = 0; i < 2; i++) {
        steps[i].at = (float *)malloc(cap * V * sizeof(float));
        steps[i].cap = cap, steps[i].V = V;
    }
    CHECK(cpu && gpu);
    for (i = 0; cpu && gpu && sgf_method_name(i); i++) {
        const char *name = sgf_method_name(i);
        size_t questions = strcmp(name, "fused") ? 1 : GENERATE_QUESTIONS;
        cuda_answers a, b, c;
        if (!strcmp(name, "hidden")) continue; /* refused on a GPU: test_device.c */
        steps[0].n = steps[1].n = 0;
        CHECK(cuda_ask(cpu, model, name, questions, &a, &steps[0]));
        CHECK(cuda_ask(gpu, model, name, questions, &b, &steps[1]));
        CHECK(cuda_ask(gpu, model, name, questions, &c, NULL)); /* the GPU combines and chooses */
        CHECK(!memcmp(&a, &b, sizeof a));
        CHECK(!memcmp(&a, &c, sizeof a));
        CHECK(steps[0].n && steps[0].n == steps[1].n);
        CHECK(cuda_same_bits(steps[0].at, steps[1].at, steps[0].n * V));
    }
    sgf_session_free(cpu);
    sgf_session_free(gpu);
    free(steps[0].at);
    free(steps[1].at);
    sgf_model_free(model);
}
/* Prompts that begin alike: what was computed once is copied, and rotated, on the device. */
static void test_exact_rotated_reuse(void) {
    sgf_model *model = generate_model();
    sgf_session *session[2];
    sgf_session_options options;
    size_t V = (size_t)model->config.vocab_size, cap = 2 * CUDA_TOKENS, i;
    cuda_steps steps[2];
    cuda_answers answers[2];
    sgf_error err;
    for (i = 0; i < 2; i++) {
        memset(&options, 0, sizeof options);
        options.device = i ? SGF_DEVICE_CUDA : SGF_DEVICE_CPU;
        options.exact = 1;
        options.reuse_rotated = 1;
        MUST(sgf_session_create(model, &options, &session[i], &err), err);
        steps[i].at = (float *)malloc(cap * V * sizeof(float));
        steps[i].n = 0, steps[i].cap = cap, steps[i].V = V;
        CHECK(cuda_ask(session[i], model, "flex_attention", 2, &answers[i], &steps[i]));
        sgf_session_free(session[i]);
    }
    CHECK(!memcmp(&answers[0], &answers[1], sizeof answers[0]));
    CHECK(steps[0].n && steps[0].n == steps[1].n);
    CHECK(cuda_same_bits(steps[0].at, steps[1].at, steps[0].n * V));
    free(steps[0].at);
    free(steps[1].at);
    sgf_model_free(model);
}

/* The same in layers without RoPE and with a theta of their own: the keys of each are turned as its own are. */
static void test_exact_rotated_layers(void) {
    static const char *const names[] = {"smollm3", "gemma3", "olmo2"};
    enum { RUNS = 3, COMMON = 40, NEW = 3 };
    for (const char *name : names) {
        sgf_model *model = forward_model(name);
        size_t V = model ? (size_t)model->config.vocab_size : 0, i, k, prefill[2] = {0, 0};
        float *room = (float *)calloc(2 * NEW * V + 1, sizeof(float));
        int32_t ids[2][NEW] = {{0}, {0}}, seg = 0, id;
        sgf_layout layout;
        sgf_error err;
        CHECK(model != NULL);
        if (!model) return;
        sgf_layout_init(&layout, NULL);
        for (i = 0; i <= RUNS; i++) {
            MUST(sgf_layout_segment(&layout, i < RUNS ? SGF_ROLE_PARAPHRASE : SGF_ROLE_ANSWER,
                                    (int32_t)i, &seg, &err),
                 err);
            for (k = 0; k < (i < RUNS ? COMMON + 2 + i : 2); k++) {
                id = (int32_t)(k < COMMON ? 3 + 7 * k % 41 : 4 + 5 * i);
                MUST(sgf_layout_add(&layout, seg, &id, 1, &err), err);
            }
        }
        sgf_mask_set(&layout, SGF_MASK_ISOLATED);
        sgf_layout_place(&layout, SGF_POSITIONS_SEQUENTIAL);
        for (i = 0; i < 2; i++) {
            cuda_steps steps = {room + i * NEW * V, 0, NEW, V};
            sgf_session_options options;
            sgf_session *session = NULL;
            sgf_task task;
            memset(&options, 0, sizeof options);
            memset(&task, 0, sizeof task);
            options.device = i ? SGF_DEVICE_CUDA : SGF_DEVICE_CPU;
            options.exact = options.reuse_rotated = 1;
            task.context = &layout, task.contexts = 1, task.ids = ids[i];
            task.max_new_tokens = NEW;
            MUST(sgf_session_create(model, &options, &session, &err), err);
            MUST(sgf_generate(session, &task, 1, cuda_step, &steps, &err), err);
            prefill[i] = task.prefill_tokens;
            sgf_session_free(session);
        }
        CHECK(prefill[0] == prefill[1] && prefill[0] < layout.tokens);
        CHECK(!memcmp(ids[0], ids[1], sizeof ids[0]));
        CHECK(cuda_same_bits(room, room + NEW * V, NEW * V));
        free(room);
        sgf_layout_free(&layout);
        sgf_model_free(model);
    }
}

/* ---- questions of the bundled test split: the same tokens, fast ---- */

#ifdef SGF_TEST_EMULATED
enum { CUDA_BUNDLED = 6 };
#else
enum { CUDA_BUNDLED = 100000 }; /* all */
#endif
static sgf_status cuda_bundled(sgf_session *s, const sgf_model *model, const struct table *table,
                               size_t row, int32_t *ids, size_t *count, sgf_error *err) {
    generate_texts_all all;
    sgf_layout context;
    sgf_method method;
    sgf_task task;
    sgf_prompt prompt;
    sgf_status status = sgf_method_find("fused", &method, err);
    generate_prompts(&all, GENERATE_PARAPHRASES);
    prompt = all.prompt[0];
    prompt.paraphrase = cell_list(table, table_find(table, "manual_paraphrases"), row);
    memset(&task, 0, sizeof task);
    sgf_layout_init(&context, NULL);
    if (!status) status = sgf_prompt_layout(model->tokenizer, &prompt, &method, 0, &context, err);
    task.context = &context;
    task.contexts = 1;
    task.ids = ids;
    task.max_new_tokens = 10;
    if (!status) status = sgf_generate(s, &task, 1, NULL, NULL, err);
    *count = task.count;
    sgf_layout_free(&context);
    return status;
}
static void test_fast_bundled_questions(void) {
    sgf_model *model = generate_model();
    sgf_session *cpu = forward_session(model, SGF_KERNELS_AUTO, 0);
    sgf_session *gpu = cuda_session(model, FAST);
    struct table *table = NULL;
    size_t row, rows, same = 0, asked = 0, step;
    sgf_error err;
    MUST(table_read("models/questions/test.jsonl", NULL, &table, &err), err);
    CHECK(cpu && gpu);
    rows = table_rows(table);
    step = rows > CUDA_BUNDLED ? rows / CUDA_BUNDLED : 1;
    for (row = 0; cpu && gpu && row < rows; row += step, asked++) {
        int32_t ids[2][10];
        size_t count[2];
        MUST(cuda_bundled(cpu, model, table, row, ids[0], &count[0], &err), err);
        MUST(cuda_bundled(gpu, model, table, row, ids[1], &count[1], &err), err);
        if (count[0] == count[1] && !memcmp(ids[0], ids[1], count[0] * sizeof(int32_t))) same++;
        else printf("    question %d is answered with other tokens\n", (int)row + 1);
    }
    printf("    %d of %d questions: the same tokens\n", (int)same, (int)asked);
    CHECK(asked && same == asked);
    table_free(table);
    sgf_session_free(cpu);
    sgf_session_free(gpu);
    sgf_model_free(model);
}
static void test_fast_methods(void) {
    sgf_model *model = generate_model();
    sgf_session *cpu = forward_session(model, SGF_KERNELS_AUTO, 1);
    sgf_session *gpu = cuda_session(model, FAST);
    size_t i;
    CHECK(cpu && gpu);
    for (i = 0; cpu && gpu && sgf_method_name(i); i++) {
        cuda_answers a, b;
        size_t questions = strcmp(sgf_method_name(i), "fused") ? 1 : GENERATE_QUESTIONS;
        if (!strcmp(sgf_method_name(i), "hidden")) continue; /* refused on a GPU: test_device.c */
        CHECK(cuda_ask(cpu, model, sgf_method_name(i), questions, &a, NULL));
        CHECK(cuda_ask(gpu, model, sgf_method_name(i), questions, &b, NULL));
        CHECK(!memcmp(&a, &b, sizeof a));
    }
    sgf_session_free(cpu);
    sgf_session_free(gpu);
    sgf_model_free(model);
}

/* ---- what is not there, or fails ---- */

static void test_watching_is_refused(void) {
    sgf_model *model = generate_model();
    sgf_session *gpu = cuda_session(model, EXACT);
    generate_texts_all all;
    sgf_method method;
    char answer[64];
    sgf_error err;
    generate_prompts(&all, 1);
    MUST(sgf_method_find("origin", &method, &err), err);
    sgf_session_watch(
        gpu, [](void *, size_t, int32_t, const double *, size_t) {}, NULL);
    CHECK(sgf_ask(gpu, "origin", &all.prompt[0], 1, answer, sizeof answer, &err) ==
          SGF_ERR_UNSUPPORTED);
    CHECK(strstr(err.message, "device cpu") != NULL);
    sgf_session_watch(gpu, NULL, NULL);
    MUST(sgf_ask(gpu, "origin", &all.prompt[0], 1, answer, sizeof answer, &err), err);
    sgf_session_free(gpu);
    sgf_model_free(model);
}

#ifdef SGF_TEST_EMULATED
using emulator::control;

/* A small prompt through `session`: all the bits of a step, and of a second one. */
static sgf_status cuda_small(const sgf_model *model, sgf_session *session, float *out,
                             sgf_error *err) {
    size_t V = (size_t)model->config.vocab_size, i;
    int32_t sequence = 0, k;
    sgf_layout layout;
    sgf_row row[2];
    sgf_status status;
    sgf_layout_init(&layout, NULL);
    cuda_random_layout(&layout, 4, model, 40);
    memset(row, 0, sizeof row);
    status = sgf_forward_layout(session, &layout, out, NULL, &sequence, err);
    for (k = 0; k < 2 && !status; k++) {
        for (i = 0; i < 2; i++) {
            row[i].token = 5 + (int32_t)i, row[i].seg = layout.answer, row[i].sequence = sequence;
            row[i].pos = layout.answer_pos + 2 * k + (int32_t)i;
            row[i].want = 1;
        }
        status = sgf_forward(session, row, 2, out + (layout.tokens + 2 * (size_t)k) * V, NULL, err);
    }
    sgf_layout_free(&layout);
    return status;
}
enum { CUDA_SMALL = 40 + 3 + 4 };

/* Threads and blocks from the last to the first: no result depends on who is first. */
static void test_order_of_threads(void) {
    sgf_model *model = generate_model();
    size_t n = CUDA_SMALL * (size_t)model->config.vocab_size, way, exact;
    float *room = (float *)malloc(2 * n * sizeof(float));
    sgf_error err;
    for (exact = 0; exact < 2; exact++) {
        cuda_answers answers[2][2];
        for (way = 0; way < 2; way++) {
            sgf_session *gpu;
            control.backwards = (int)way;
            gpu = cuda_session(model, (int)exact);
            MUST(cuda_small(model, gpu, room + way * n, &err), err);
            CHECK(cuda_ask(gpu, model, "max", 1, &answers[way][0], NULL));
            CHECK(cuda_ask(gpu, model, "fused", 2, &answers[way][1], NULL));
            sgf_session_free(gpu);
        }
        control.backwards = 0;
        CHECK(cuda_same_bits(room, room + n, n));
        CHECK(!memcmp(answers[0], answers[1], sizeof answers[0]));
    }
    free(room);
    sgf_model_free(model);
}
/* A decode of steps of one shape runs as a graph, and gives the same. */
static void test_graphs_replay(void) {
    sgf_model *model = generate_model();
    sgf_session *gpu = cuda_session(model, FAST);
    size_t before = control.replays;
    cuda_answers a, b;
    CHECK(cuda_ask(gpu, model, "fused", 1, &a, NULL));
    CHECK(cuda_ask(gpu, model, "fused", 1, &b, NULL));
    CHECK(control.replays > before);
    CHECK(!memcmp(&a, &b, sizeof a));
    sgf_session_free(gpu);
    sgf_model_free(model);
}
static void test_no_gpu(void) {
    sgf_model *model = generate_model();
    sgf_session_options options;
    sgf_session *session = NULL;
    sgf_error err;
    char text[256];
    int old, exact = 0;
    for (old = 0; old < 2; old++) { /* none; one that is too old */
        control.devices = old;
        control.major = old ? 7 : 9;
        memset(&options, 0, sizeof options);
        options.device = SGF_DEVICE_CUDA;
        CHECK(sgf_session_create(model, &options, &session, &err) == SGF_ERR_UNSUPPORTED);
        CHECK(strstr(err.message, old ? "compute capability 7.0" : "no NVIDIA GPU") != NULL);
        CHECK(sgf_device_describe(SGF_DEVICE_AUTO, text, sizeof text, &err) == SGF_OK);
        CHECK(!strcmp(text, "cpu"));
        options.device = SGF_DEVICE_AUTO;
        MUST(sgf_session_create(model, &options, &session, &err), err);
        CHECK(sgf_session_device(session, &exact) == SGF_DEVICE_CPU && exact);
        sgf_session_free(session);
        session = NULL;
    }
    control.devices = 1;
    control.major = 9;
    MUST(sgf_session_create(model, &options, &session, &err), err);
    CHECK(sgf_session_device(session, NULL) == SGF_DEVICE_CUDA);
    sgf_session_free(session);
    CHECK(!control.allocations && !control.used);
    sgf_model_free(model);
}
/* GPUs of all sizes up to the one that is large enough: one sentence, and nothing stays behind. */
static void test_too_little_memory(void) {
    sgf_model *model = generate_model();
    float *room = (float *)malloc(CUDA_SMALL * (size_t)model->config.vocab_size * sizeof(float));
    size_t whole = control.memory, sizes = 0, done = 0;
    sgf_session_options options;
    sgf_error err;
    memset(&options, 0, sizeof options);
    options.device = SGF_DEVICE_AUTO; /* AUTO, too, says that the GPU is too small */
    for (control.memory = 1 << 20; !done; control.memory += control.memory / 4, sizes++) {
        sgf_session *session = NULL;
        sgf_status status = sgf_session_create(model, &options, &session, &err);
        if (!status) status = cuda_small(model, session, room, &err);
        if (status) {
            CHECK(status == SGF_ERR_MEMORY);
            CHECK(strstr(err.message, "the GPU has too little memory for ") || /* pinned memory */
                  strstr(err.message, "out of memory"));
            if (session) { /* it goes on where it was when there is memory */
                size_t small = control.memory;
                control.memory = whole;
                MUST(cuda_small(model, session, room, &err), err);
                control.memory = small;
            }
        } else done = 1;
        sgf_session_free(session);
        CHECK(!control.allocations && !control.used);
    }
    CHECK(sizes > 5);
    control.memory = whole;
    free(room);
    sgf_model_free(model);
}
/* Every single call to CUDA and cuBLASLt fails: with no memory, and with a device that is lost. */
static void cuda_failures(int exact, int code) {
    sgf_model *model = forward_model("llama-headdim-bf16");
    size_t step = 1, tried = 0, finished = 0;
    sgf_session_options options;
    sgf_error err;
    float *room = (float *)malloc(CUDA_SMALL * (size_t)model->config.vocab_size * sizeof(float));
    memset(&options, 0, sizeof options);
    options.device = SGF_DEVICE_CUDA;
    options.exact = exact;
    control.code = code;
    for (control.fail = 1; !finished; control.fail += step, tried++) {
        sgf_session *session = NULL;
        sgf_status status;
        control.calls = 0;
        control.lost = 0;
        err.message[0] = 0;
        status = sgf_session_create(model, &options, &session, &err);
        if (!status) status = cuda_small(model, session, room, &err);
        finished = control.calls < control.fail;
        CHECK(finished ? status == SGF_OK : status != SGF_OK && err.message[0]);
        sgf_session_free(session);
        CHECK(!control.allocations && !control.used);
        if (tried > 60) step = 7;
    }
    CHECK(tried > 60);
    control.fail = 0;
    control.lost = 0;
    free(room);
    sgf_model_free(model);
}
static void test_calls_that_fail(void) {
    cuda_failures(FAST, 2);
    cuda_failures(EXACT, 2);
    cuda_failures(FAST, 700);
}
/* Calls fail while answers are made: between graphs, while one is captured, in the choice of a token. After want of
   memory the session answers as before; a lost device is said. */
static void test_answers_that_fail(void) {
    enum { TRIES = 16 };
    sgf_model *model = generate_model();
    cuda_answers wanted, got;
    size_t last = 0, i, failed = 0;
    for (i = 0; i < TRIES + 2; i++) { /* the first counts calls */
        sgf_session *gpu = cuda_session(model, FAST);
        int lost = i % 2 == 0, answered;
        control.calls = 0;
        control.code = lost ? 700 : 2;
        control.fail = i ? last / 2 + 1 + (i - 1) * last / 2 / TRIES : 0; /* not in the prompt */
        cuda_quiet = i > 0;
        answered = cuda_ask(gpu, model, "fused", 1, i ? &got : &wanted, NULL);
        cuda_quiet = 0;
        if (i == 0) last = control.calls;
        else if (control.fail <= last) {
            CHECK(!answered);
            failed++;
        }
        control.fail = 0;
        if (i && !lost) {
            CHECK(cuda_ask(gpu, model, "fused", 1, &got, NULL));
            CHECK(!memcmp(&got, &wanted, sizeof got));
        }
        control.lost = 0;
        sgf_session_free(gpu);
        CHECK(!control.allocations && !control.used);
    }
    CHECK(last > TRIES && failed >= TRIES);
    sgf_model_free(model);
}

/* A whole file, zero-terminated; NULL if it cannot be read. */
static char *cuda_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = (char *)malloc(1 << 16);
    size_t n = file ? fread(text, 1, (1 << 16) - 1, file) : 0;
    text[n] = 0;
    if (file) fclose(file);
    else free(text);
    if (size) *size = n;
    return file ? text : NULL;
}
/* The program: what its results say of the device, and which runs may go on with them. */
static int cuda_says(const char *arguments, int status, const char *text) {
    char command[1600], out[8192];
    FILE *pipe;
    size_t n;
    int got;
    snprintf(command, sizeof command, "./build/segfuse-emulated %s 2>&1", arguments);
    pipe = popen(command, "r");
    n = pipe ? fread(out, 1, sizeof out - 1, pipe) : 0;
    out[n] = 0;
    got = pipe ? pclose(pipe) : -1;
    if (got == status * 256 && strstr(out, text)) return 1;
    printf("    %s: exit %d, not %d with '%s':\n%s\n", command, got / 256, status, text, out);
    return 0;
}
static void test_program_on_devices(void) {
    static const char *const devices[] = {"--device cpu", "--device cuda --exact", "--device cuda"};
    static const char *const recorded[] = {"\"device\": \"cpu\", \"exact\": true",
                                           "\"device\": \"cuda\", \"exact\": true",
                                           "\"device\": \"cuda\", \"exact\": false"};
    char folder[3][300], arguments[1200], *csv[3], *json;
    size_t i, n[3];
    for (i = 0; i < 3; i++) {
        snprintf(folder[i], sizeof folder[i], "%s", temp_path(i ? i > 1 ? "c" : "b" : "a"));
        snprintf(
            arguments, sizeof arguments,
            "generate --method fused --max_samples 2 --max_new_tokens 3 --quiet %s --output '%s'",
            devices[i], folder[i]);
        CHECK(cuda_says(arguments, 0, "fused"));
        snprintf(arguments, sizeof arguments, "%s/fused-5.csv", folder[i]);
        csv[i] = cuda_file(arguments, &n[i]);
        snprintf(arguments, sizeof arguments, "%s/fused-5.json", folder[i]);
        json = cuda_file(arguments, NULL);
        CHECK(json && strstr(json, recorded[i]) != NULL);
        free(json);
    }
    CHECK(csv[0] && csv[1] && n[0] == n[1] && !memcmp(csv[0], csv[1], n[0]));
    for (i = 0; i < 3; i++) free(csv[i]);
    snprintf(arguments, sizeof arguments,
             "generate --method fused --max_samples 2 --max_new_tokens 3 --quiet %s --output '%s'",
             devices[1], folder[0]); /* the same bits: what is there is taken */
    CHECK(cuda_says(arguments, 0, "fused"));
    snprintf(arguments, sizeof arguments,
             "generate --method fused --max_samples 2 --max_new_tokens 3 --quiet %s --output '%s'",
             devices[2], folder[0]);
    CHECK(
        cuda_says(arguments, 1, "another configuration: --device is 'cpu' there and 'cuda' here"));
    CHECK(cuda_says("generate --explain 1 --device cuda", 1, "use the device cpu"));
    for (i = 0; i < 3; i++) {
        snprintf(arguments, sizeof arguments, "rm -rf '%s'", folder[i]);
        CHECK(!system(arguments));
    }
}
#endif

int main(int argc, char **argv) {
    char text[256];
    sgf_error err;
#define CUDA_RUN(function) \
    if (argc < 2 || strstr(#function, argv[1])) RUN(function)
    if (sgf_device_describe(SGF_DEVICE_CUDA, text, sizeof text, &err)) {
        printf("skipped cuda: %s\n", err.message);
        return 0;
    }
    printf("-- cuda: %s\n", text);
    CUDA_RUN(test_exact_golden_models);
    CUDA_RUN(test_exact_random_layouts);
    CUDA_RUN(test_exact_heads);
    CUDA_RUN(test_exact_methods);
    CUDA_RUN(test_exact_rotated_reuse);
    CUDA_RUN(test_exact_rotated_layers);
    CUDA_RUN(test_fast_golden_models);
    CUDA_RUN(test_fast_random_layouts);
    CUDA_RUN(test_fast_heads);
    CUDA_RUN(test_nobody_sees_anything);
    CUDA_RUN(test_fast_methods);
    CUDA_RUN(test_fast_bundled_questions);
    CUDA_RUN(test_watching_is_refused);
#ifdef SGF_TEST_EMULATED
    CUDA_RUN(test_order_of_threads);
    CUDA_RUN(test_graphs_replay);
    CUDA_RUN(test_no_gpu);
    CUDA_RUN(test_too_little_memory);
    CUDA_RUN(test_calls_that_fail);
    CUDA_RUN(test_answers_that_fail);
    CUDA_RUN(test_program_on_devices);
#endif
    printf("%d passed, %d failed, %d skipped\n", test_passed, test_failed, test_skipped);
    return test_failed != 0;
}
