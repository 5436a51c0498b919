/* segfuse.cu against the processor: exact by memcmp, fast within 2e-2 and with equal tokens. Built twice:
   with tests/cuda_emulator in the place of CUDA (`make cuda-emulated`, no GPU), where it also lets
   memory run out and calls fail, and by nvcc (`make cuda-test`), for a GPU. Run from the top of the
   tree, `tests FILTER` runs the tests whose name holds FILTER. */
#define SEGFUSE_IMPLEMENTATION
#define SGF_CUDA
#include "../segfuse.h"

#include "test.h"

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
#include "test_forward.c"

#include "test_generate.c"
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

/* ---- layouts in one call: every architecture, every mask of the golden cases ---- */

static int cuda_exact_case(const sgf_model *model, const sgf_layout *layout,
                           const forward_expected *golden, const char *name) {
    size_t n = layout->tokens * (size_t)model->config.vocab_size;
    size_t m = layout->tokens * (size_t)model->config.dim;
    sgf_session *cpu = forward_session(model, SGF_KERNELS_AUTO, 1);
    sgf_session *gpu = cuda_session(model, EXACT);
    float *room = (float *)malloc(2 * (n + m) * sizeof(float)), *theirs = room + n + m;
    sgf_error err;
    int same = 0, exact = 0;
    (void)golden, (void)name;
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
    sgf_session *gpu = cuda_session(model, FAST);
    float *ours = (float *)malloc(n * sizeof(float));
    sgf_error err;
    double d = 1e30;
    int exact = 1;
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
        MUST(sgf_layout_segment(layout, cuda_random(4) ? SGF_PARAPHRASE : SGF_SHARED, 0, &segment,
                                &err),
             err);
        for (i = 0; i < n; i++) {
            int32_t id = (int32_t)cuda_random((uint32_t)model->config.vocab_size);
            MUST(sgf_layout_add(layout, segment, &id, 1, &err), err);
        }
        made += n;
    }
    MUST(sgf_layout_segment(layout, SGF_ANSWER, -1, &segment, &err), err);
    for (i = 0; i < 3; i++) {
        int32_t id = (int32_t)cuda_random((uint32_t)model->config.vocab_size);
        MUST(sgf_layout_add(layout, segment, &id, 1, &err), err);
    }
    sgf_layout_place(layout, seed % 2 ? SGF_ALIGNED : SGF_SEQUENTIAL);
    for (q = 0; q <= segment; q++)
        for (k = 0; k <= segment; k++) sgf_visible_set(layout, q, k, cuda_random(3) > 0);
    for (k = 0; k < segment; k++) {
        sgf_visible_set(layout, segment, k, 1);
        if (cuda_random(2)) layout->segment[k].log_mass = -1.5f + 0.25f * (float)cuda_random(8);
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

static int cuda_step(void *user, size_t task, size_t step, const float *logits, int32_t chosen) {
    cuda_steps *steps = (cuda_steps *)user;
    (void)task, (void)step, (void)chosen;
    if (steps->n < steps->cap)
        memcpy(steps->at + steps->n++ * steps->V, logits, steps->V * sizeof(float));
    return 0;
}
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
    if (!strcmp(name, "myriadlama_flex")) method.mask = SGF_MANUAL_CROSS;
    contexts = method.contexts == 2 ? GENERATE_PARAPHRASES : 1;
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
    if (status) printf("    %s\n", err.message);
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
static void test_fast_methods(void) {
    sgf_model *model = generate_model();
    sgf_session *cpu = forward_session(model, SGF_KERNELS_AUTO, 1);
    sgf_session *gpu = cuda_session(model, FAST);
    size_t i;
    CHECK(cpu && gpu);
    for (i = 0; cpu && gpu && sgf_method_name(i); i++) {
        cuda_answers a, b;
        CHECK(cuda_ask(cpu, model, sgf_method_name(i), GENERATE_QUESTIONS, &a, NULL));
        CHECK(cuda_ask(gpu, model, sgf_method_name(i), GENERATE_QUESTIONS, &b, NULL));
        CHECK(!memcmp(&a, &b, sizeof a));
    }
    sgf_session_free(cpu);
    sgf_session_free(gpu);
    sgf_model_free(model);
}

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
    CUDA_RUN(test_exact_methods);
    CUDA_RUN(test_fast_golden_models);
    CUDA_RUN(test_fast_random_layouts);
    CUDA_RUN(test_fast_methods);
    printf("%d passed, %d failed, %d skipped\n", test_passed, test_failed, test_skipped);
    return test_failed != 0;
}
