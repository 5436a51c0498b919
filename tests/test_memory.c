/* Memory that runs out: allocation 1, 2, 3, ... fails until the work gets through. Every failure is
   an error, leaks nothing, and leaves what it had to leave. */

static const char *const memory_texts[3] = {"The capital of Japan is [MASK].",
                                            "[MASK] is the capital of Japan.",
                                            "Japan has its capital in [MASK]."};
static const double memory_weights[3] = {0.5, 0.25, 0.25};

typedef struct {
    sgf_str paraphrase[3];
    sgf_example example;
    sgf_prompt prompt;
    sgf_method method;
} memory_question;

static sgf_status memory_question_make(const char *method, memory_question *q, sgf_error *err) {
    size_t i;
    memset(q, 0, sizeof *q);
    for (i = 0; i < 3; i++) q->paraphrase[i] = sgf_text(memory_texts[i]);
    q->example.question = sgf_text("The capital of France is [MASK].");
    q->example.answer = sgf_text("Paris");
    q->prompt.instruction = sgf_text("Predict the [MASK].");
    q->prompt.example = &q->example;
    q->prompt.examples = 1;
    q->prompt.paraphrase = q->paraphrase;
    q->prompt.paraphrases = 3;
    if (sgf_method_find(method, &q->method, err)) return err->status;
    if (q->method.combine >= SGF_COMBINE_WEIGHTED_AVG) q->prompt.weight = memory_weights;
    return SGF_OK;
}

/* A session and an answer, with the memory of `heap`. */
static sgf_status memory_ask(const sgf_model *model, const sgf_allocator *mem,
                             const memory_question *q, char *answer, size_t cap, sgf_error *err) {
    sgf_session *session = NULL;
    sgf_session_options options;
    sgf_status status;
    memset(&options, 0, sizeof options);
    options.threads = 1;
    options.mem = mem;
    status = sgf_session_create(model, &options, &session, err);
    if (!status) status = sgf_ask(session, q->method.name, &q->prompt, 3, answer, cap, err);
    sgf_session_free(session);
    return status;
}

static void test_every_method_survives_every_failing_allocation(void) {
    sgf_model *model = generate_model();
    sgf_error err;
    size_t m, fail;
    if (!model) {
        CHECK(model != NULL);
        return;
    }
    for (m = 0; sgf_method_name(m); m++) {
        sgf_status status = SGF_ERR_MEMORY;
        char expected[64] = "", answer[64] = "untouched";
        memory_question q;
        MUST(memory_question_make(sgf_method_name(m), &q, &err), err);
        MUST(memory_ask(model, NULL, &q, expected, sizeof expected, &err), err);
        for (fail = 1; status && fail < 100000; fail++) {
            test_heap heap;
            sgf_allocator mem = test_heap_init(&heap, fail);
            status = memory_ask(model, &mem, &q, answer, sizeof answer, &err);
            CHECK(!heap.used);
            CHECK(!status || (err.status == SGF_ERR_MEMORY && err.message[0]));
            CHECK(!status || !strcmp(answer, "untouched"));
        }
        CHECK(!status && fail > 20 && !strcmp(answer, expected));
    }
    sgf_model_free(model);
}

/* The same session goes on after a failure, and its answers are what they were. */
static void test_a_session_goes_on_after_a_failing_allocation(void) {
    static const char *const names[] = {"avg", "flex_attention", "fused"};
    sgf_model *model = generate_model();
    size_t m, fail;
    sgf_error err;
    if (!model) {
        CHECK(model != NULL);
        return;
    }
    for (m = 0; m < 3; m++) {
        sgf_status status = SGF_ERR_MEMORY;
        char expected[64] = "";
        memory_question q;
        MUST(memory_question_make(names[m], &q, &err), err);
        MUST(memory_ask(model, NULL, &q, expected, sizeof expected, &err), err);
        for (fail = 1; status && fail < 10000; fail += 3) {
            test_heap heap;
            sgf_allocator mem = test_heap_init(&heap, 0);
            sgf_session *session = NULL;
            sgf_session_options options;
            char answer[64] = "";
            memset(&options, 0, sizeof options);
            options.threads = 1;
            options.mem = &mem;
            MUST(sgf_session_create(model, &options, &session, &err), err);
            heap.fail = heap.calls + fail;
            status = sgf_ask(session, q.method.name, &q.prompt, 3, answer, sizeof answer, &err);
            heap.fail = 0;
            if (status)
                CHECK(!sgf_ask(session, q.method.name, &q.prompt, 3, answer, sizeof answer, &err));
            CHECK(!strcmp(answer, expected));
            sgf_session_free(session);
            CHECK(!heap.used);
        }
        CHECK(!status);
    }
    sgf_model_free(model);
}

static void test_layout_files_survive_every_failing_allocation(void) {
    sgf_status status = SGF_ERR_MEMORY;
    const char *path = temp_path("memory.json");
    sgf_model *model = generate_model();
    sgf_layout layout, back;
    memory_question q;
    sgf_error err;
    size_t fail;
    if (!model) {
        CHECK(model != NULL);
        return;
    }
    sgf_layout_init(&layout, NULL);
    MUST(memory_question_make("fused", &q, &err), err);
    MUST(sgf_prompt_layout(model->tokenizer, &q.prompt, &q.method, 0, &layout, &err), err);
    MUST(layoutfile_write(&layout, path, &err), err);
    for (fail = 1; status && fail < 10000; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        sgf_layout_init(&back, &mem);
        status = layoutfile_read(path, &back, &err);
        CHECK(status ? !back.tokens && err.status == SGF_ERR_MEMORY
                     : back.tokens == layout.tokens &&
                           !memcmp(back.token, layout.token, back.tokens * sizeof *back.token));
        sgf_layout_free(&back);
        CHECK(!heap.used);
    }
    CHECK(!status && fail > 5);
    sgf_layout_free(&layout);
    sgf_model_free(model);
}

static void tests_memory(void) {
    RUN(test_every_method_survives_every_failing_allocation);
    RUN(test_a_session_goes_on_after_a_failing_allocation);
    RUN(test_layout_files_survive_every_failing_allocation);
}
