/* Questions that come and go, and what isolated paraphrases reuse of each other. */

/* ---- streams ---- */

enum { STREAM_TASKS = 40, STREAM_LENGTH = 6 };

/* Tasks of random prompts on a random model, handed out one by one. Some want no token at all, some
   draw, some have several contexts, and every third one shares its prompt with the next. */
typedef struct {
    sgf_layout layout[STREAM_TASKS][2];
    sgf_task task[STREAM_TASKS];
    sampling draws;
    base_arena arena;
    size_t first; /* the number of the first task of the call */
    int32_t ids[STREAM_TASKS][STREAM_LENGTH];
    size_t given, open, most_open, done[STREAM_TASKS];
    size_t fail_next, fail_done, fail_step; /* after so many calls; 0: never */
    float *logits;                          /* [STREAM_TASKS][STREAM_LENGTH][V] */
    size_t V;
    int silent; /* failures do not say why */
    int early;  /* every second task is ended after two ids */
} stream_all;

static sgf_status stream_layout(const sgf_model *model, sgf_layout *layout, size_t tokens,
                                sgf_error *err) {
    int32_t seg, ids[64];
    size_t part, i;
    sgf_status status = SGF_OK;
    sgf_layout_init(layout, NULL);
    for (part = 0; part < 3 && !status; part++) {
        static const sgf_role roles[3] = {SGF_ROLE_SHARED, SGF_ROLE_PARAPHRASE, SGF_ROLE_ANSWER};
        size_t n = part ? tokens : 5;
        for (i = 0; i < n; i++)
            ids[i] = part ? (int32_t)forward_random((uint32_t)model->config.vocab_size)
                          : (int32_t)i + 7;
        status = sgf_layout_segment(layout, roles[part], 0, &seg, err);
        if (!status) status = sgf_layout_add(layout, seg, ids, n, err);
    }
    sgf_mask_set(layout, SGF_MASK_SHARED);
    sgf_layout_place(layout, SGF_POSITIONS_SEQUENTIAL);
    return status;
}
static void stream_make(const sgf_model *model, stream_all *all, sgf_error *err) {
    size_t i, c;
    memset(all, 0, sizeof *all);
    forward_random_state = 5;
    all->V = (size_t)model->config.vocab_size;
    all->logits = (float *)calloc(STREAM_TASKS * STREAM_LENGTH * all->V, sizeof(float));
    base_arena_init(&all->arena, NULL);
    MUST(sampling_make(&all->draws, STREAM_TASKS, all->V, &all->arena, err), *err);
    for (i = 0; i < STREAM_TASKS; i++) {
        sgf_task *task = &all->task[i];
        for (c = 0; c < 2; c++)
            MUST(stream_layout(model, &all->layout[i][c], 1 + forward_random(20), err), *err);
        task->context = all->layout[i % 3 == 1 ? i - 1 : i];
        task->contexts = i % 6 < 2 ? 2 : 1;
        task->ids = all->ids[i];
        task->max_new_tokens = i % 7 ? 1 + i % STREAM_LENGTH : 0;
        all->draws.task[i].temperature = i % 5 ? 0 : 1.5;
        all->draws.task[i].top_p = 0.8;
        py_random_seed(&all->draws.task[i].random, (int64_t)i);
    }
}
static void stream_free(stream_all *all) {
    size_t i;
    for (i = 0; i < 2 * STREAM_TASKS; i++) sgf_layout_free(&all->layout[i / 2][i % 2]);
    free(all->logits);
    base_arena_free(&all->arena);
}
static sgf_status stream_next(void *user, sgf_task **task, sgf_error *err) {
    stream_all *all = (stream_all *)user;
    if (all->fail_next && all->given == all->fail_next)
        return all->silent ? SGF_ERR_IO : sgf__fail(err, SGF_ERR_IO, "no more questions");
    if (all->given == STREAM_TASKS) return SGF_OK;
    *task = &all->task[all->given++];
    if (++all->open > all->most_open) all->most_open = all->open;
    return SGF_OK;
}
static sgf_status stream_done(void *user, sgf_task *task, sgf_error *err) {
    stream_all *all = (stream_all *)user;
    all->done[task - all->task]++;
    all->open--;
    if (!all->fail_done || --all->fail_done) return SGF_OK;
    return all->silent ? SGF_ERR_FORMAT : sgf__fail(err, SGF_ERR_FORMAT, "not that one");
}
static int stream_step(void *user, size_t task, size_t step, const float *logits, int32_t *chosen) {
    stream_all *all = (stream_all *)user;
    task += all->first;
    if (sample_step(&all->draws, task, step, logits, chosen)) return 1;
    memcpy(all->logits + (task * STREAM_LENGTH + step) * all->V, logits, all->V * sizeof(float));
    if (all->early && task % 2 && step == 1) return SGF_END_TASK;
    return all->fail_step && !--all->fail_step;
}
static sgf_stream stream_of(stream_all *all, size_t most) {
    sgf_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.next = stream_next;
    stream.done = stream_done;
    stream.on_step = stream_step;
    stream.user = all;
    stream.most = most;
    return stream;
}

/* Any number in flight, any reuse: the ids, counts and logits of one task at a time. */
static void test_a_stream_changes_no_bit(void) {
    static const size_t most[] = {0, 1, 2, 3, 7, 100};
    sgf_model *model = forward_model("llama-gqa-tied");
    stream_all *alone = (stream_all *)calloc(1, sizeof *alone);
    stream_all *all = (stream_all *)calloc(1, sizeof *all);
    sgf_error err;
    size_t k, i;
    int no_reuse;
    CHECK(model && alone && all);
    if (!model || !alone || !all) return;
    stream_make(model, alone, &err);
    for (i = 0; i < STREAM_TASKS; i++) {
        sgf_session *session = generate_session(model, 1, 1);
        alone->first = i;
        MUST(sgf_generate(session, &alone->task[i], 1, stream_step, alone, &err), err);
        sgf_session_free(session);
    }
    for (k = 0; k < sizeof most / sizeof most[0]; k++)
        for (no_reuse = 0; no_reuse < 2; no_reuse++) {
            sgf_session *session = generate_session(model, 2, no_reuse);
            sgf_stream stream;
            stream_make(model, all, &err);
            stream = stream_of(all, most[k]);
            MUST(sgf_generate_stream(session, &stream, &err), err);
            CHECK(!memcmp(all->ids, alone->ids, sizeof all->ids));
            for (i = 0; i < STREAM_TASKS; i++)
                CHECK(all->done[i] == 1 && all->task[i].count == alone->task[i].count);
            CHECK(all->most_open ==
                  (most[k] && most[k] < STREAM_TASKS ? most[k] + 1 : STREAM_TASKS));
            sgf_session_free(session);
            if (!k && !no_reuse) { /* the logits of the first run are those of all others */
                free(alone->logits);
                alone->logits = all->logits;
                all->logits = NULL;
            } else
                CHECK(!memcmp(all->logits, alone->logits,
                              STREAM_TASKS * STREAM_LENGTH * all->V * sizeof(float)));
            stream_free(all);
        }
    stream_free(alone);
    free(alone), free(all);
    sgf_model_free(model);
}
/* A task that its step function ends has its first ids, those that share its prompt or its passes all of theirs. */
static void test_a_step_function_ends_its_own_task(void) {
    sgf_model *model = forward_model("llama-gqa-tied");
    stream_all *all = (stream_all *)calloc(2, sizeof *all);
    size_t most, i, ended = 0;
    sgf_error err;
    CHECK(model && all);
    if (!model || !all) return;
    for (most = 0; most < 4; most++) {
        sgf_session *session = generate_session(model, 2, 0);
        for (i = 0; i < 2; i++) {
            sgf_stream stream;
            stream_make(model, &all[i], &err);
            all[i].early = (int)i;
            stream = stream_of(&all[i], most);
            MUST(sgf_generate_stream(session, &stream, &err), err);
        }
        for (i = 0; i < STREAM_TASKS; i++) {
            size_t whole = all[0].task[i].count, n = all[1].task[i].count;
            CHECK(n == (i % 2 && whole > 2 ? 2 : whole) && all[1].done[i] == 1);
            CHECK(!memcmp(all[0].ids[i], all[1].ids[i], n * sizeof(int32_t)));
            ended += n < whole;
        }
        for (i = 0; i < 2; i++) stream_free(&all[i]);
        sgf_session_free(session);
    }
    CHECK(ended > 4 * 5);
    free(all);
    sgf_model_free(model);
}
/* A stream that breaks off leaves nothing open, and the session answers again. */
static void test_a_stream_that_fails_can_be_followed_by_another(void) {
    sgf_model *model = forward_model("llama-gqa-tied");
    stream_all *all = (stream_all *)calloc(1, sizeof *all), *first;
    sgf_session *session = model ? generate_session(model, 2, 0) : NULL;
    sgf_error err;
    size_t after, i;
    int how;
    first = (stream_all *)calloc(1, sizeof *first);
    CHECK(session && all && first);
    if (!session || !all || !first) return;
    stream_make(model, first, &err);
    {
        sgf_stream stream = stream_of(first, 4);
        MUST(sgf_generate_stream(session, &stream, &err), err);
    }
    for (how = 0; how < 4; how++)
        for (after = 1; after < 30; after += 3) {
            sgf_stream stream;
            sgf_status status;
            stream_make(model, all, &err);
            stream = stream_of(all, 4);
            if (how == 0) all->fail_next = after;
            if (how == 1) all->fail_done = after;
            if (how == 2) all->fail_step = after;
            if (how == 3) all->task[after].contexts = 0;
            all->silent = after % 2 != 0;
            err.message[0] = 0;
            status = sgf_generate_stream(session, &stream, &err);
            CHECK(status == (how == 0 ? SGF_ERR_IO : how == 1 ? SGF_ERR_FORMAT : SGF_ERR_ARG));
            CHECK(err.status == status);
            if (how < 2)
                CHECK(strstr(err.message, all->silent ? how ? "`done` of" : "`next` of"
                                          : how       ? "not that one"
                                                      : "no more questions"));
            for (i = 0; i < session->sequence_count; i++) /* only what is kept for reuse */
                CHECK(!session->sequence[i].open || !session->sequence[i].children);
            stream_free(all);
            stream_make(model, all, &err);
            stream = stream_of(all, 4);
            MUST(sgf_generate_stream(session, &stream, &err), err);
            CHECK(!memcmp(all->ids, first->ids, sizeof all->ids));
            stream_free(all);
        }
    stream_free(first);
    free(first), free(all);
    sgf_session_free(session);
    sgf_model_free(model);
}
static void test_a_stream_survives_every_failing_allocation(void) {
    sgf_model *model = forward_model("llama-gqa-tied");
    stream_all *all = (stream_all *)calloc(1, sizeof *all);
    sgf_status status = SGF_ERR_MEMORY;
    sgf_error err;
    size_t fail;
    CHECK(model && all);
    if (!model || !all) return;
    for (fail = 1; status && fail < 100000; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        sgf_session_options options;
        sgf_session *session = NULL;
        sgf_stream stream;
        memset(&options, 0, sizeof options);
        options.threads = 1;
        options.mem = &mem;
        stream_make(model, all, &err);
        stream = stream_of(all, 3);
        status = sgf_session_create(model, &options, &session, &err);
        if (!status) status = sgf_generate_stream(session, &stream, &err);
        sgf_session_free(session);
        stream_free(all);
        CHECK(!heap.used);
        CHECK(!status || err.status == SGF_ERR_MEMORY);
    }
    CHECK(!status && fail > 60);
    free(all);
    sgf_model_free(model);
}

/* ---- what isolated paraphrases begin with ---- */

enum { ISOLATED_RUNS = 4, ISOLATED_COMMON = 45, ISOLATED_STEPS = 5 };
/* What stands before them: nothing; a BOS that all see; one that does not see itself; one behind a token that nobody
   sees. */
typedef enum isolated_bos {
    ISOLATED_ALONE,
    ISOLATED_BOS,
    ISOLATED_BLIND_BOS,
    ISOLATED_LATE_BOS
} isolated_bos;

/* ISOLATED_RUNS paraphrases that begin with the same ISOLATED_COMMON tokens, isolated, a separator between them. */
static sgf_status stream_isolated(const sgf_model *model, int question, isolated_bos bos,
                                  sgf_positions positions, sgf_layout *layout, sgf_error *err) {
    int32_t seg, ids[80], separator[2] = {3, 4}, first = 1;
    size_t i, k;
    sgf_status status = SGF_OK;
    sgf_layout_clear(layout);
    if (bos == ISOLATED_LATE_BOS)
        status = sgf_layout_segment(layout, SGF_ROLE_SEPARATOR, 0, &seg, err);
    if (bos == ISOLATED_LATE_BOS && !status)
        status = sgf_layout_add(layout, seg, separator, 1, err);
    if (bos && !status) status = sgf_layout_segment(layout, SGF_ROLE_BOS, -1, &seg, err);
    if (bos && !status) status = sgf_layout_add(layout, seg, &first, 1, err);
    for (i = 0; i < ISOLATED_RUNS && !status; i++) {
        size_t own = 2 + (size_t)question + i;
        forward_random_state = 77;
        for (k = 0; k < ISOLATED_COMMON; k++)
            ids[k] = (int32_t)forward_random((uint32_t)model->config.vocab_size);
        forward_random_state = (uint32_t)question * 100 + (uint32_t)i;
        for (; k < ISOLATED_COMMON + own; k++)
            ids[k] = (int32_t)forward_random((uint32_t)model->config.vocab_size);
        if (i) status = sgf_layout_segment(layout, SGF_ROLE_SEPARATOR, (int32_t)i - 1, &seg, err);
        if (i && !status) status = sgf_layout_add(layout, seg, separator, 2, err);
        if (!status)
            status = sgf_layout_segment(layout, SGF_ROLE_PARAPHRASE, (int32_t)i, &seg, err);
        if (!status) status = sgf_layout_add(layout, seg, ids, k, err);
    }
    if (!status) status = sgf_layout_segment(layout, SGF_ROLE_ANSWER, -1, &seg, err);
    if (!status) status = sgf_layout_add(layout, seg, separator, 1, err);
    sgf_mask_set(layout, SGF_MASK_ISOLATED);
    if (bos == ISOLATED_BLIND_BOS && !status) sgf_visible_set(layout, 0, 0, 0);
    sgf_layout_place(layout, positions);
    return status;
}
typedef struct {
    float *logits; /* [ISOLATED_STEPS][V] */
    size_t V, prefill;
    int32_t ids[ISOLATED_STEPS];
} isolated_answer;
static int isolated_keep(void *user, size_t task, size_t step, const float *logits,
                         int32_t *chosen) {
    isolated_answer *a = (isolated_answer *)user;
    (void)task, (void)chosen;
    memcpy(a->logits + step * a->V, logits, a->V * sizeof(float));
    return 0;
}
static void isolated_ask(sgf_session *session, const sgf_layout *layout, isolated_answer *a) {
    sgf_task task;
    sgf_error err;
    memset(&task, 0, sizeof task);
    memset(a->logits, 0, ISOLATED_STEPS * a->V * sizeof(float));
    task.context = layout, task.contexts = 1, task.ids = a->ids,
    task.max_new_tokens = ISOLATED_STEPS;
    MUST(sgf_generate(session, &task, 1, isolated_keep, a, &err), err);
    a->prefill = task.prefill_tokens;
}
/* How far two answers are apart, in parts of the largest logit. */
static double isolated_distance(const isolated_answer *a, const isolated_answer *b) {
    double most = 0, apart = 0;
    size_t i;
    for (i = 0; i < a->V; i++) { /* of the first step: later ones depend on the choice */
        double x = fabs((double)a->logits[i]),
               d = fabs((double)a->logits[i] - (double)b->logits[i]);
        most = x > most ? x : most;
        apart = d > apart ? d : apart;
    }
    return apart / most;
}
/* One model, four questions after each other on one session. */
static void isolated_check(const char *name, isolated_bos bos, sgf_positions positions) {
    sgf_model *model = forward_model(name);
    sgf_session_options options;
    sgf_session *plain = NULL, *exact = NULL, *rotated = NULL;
    sgf_layout layout;
    sgf_error err;
    isolated_answer a, b, c;
    size_t tokens = ISOLATED_RUNS * ISOLATED_COMMON;
    /* in bf16 another rounding of a key changes many others; of tiny random models by up to 4.8e-2 */
    double limit = forward_arithmetic == SGF_ARITHMETIC_F32 ? 1e-4
                   : strchr(name, '/')                      ? 2e-2
                                                            : 6e-2;
    int question;
    CHECK(model != NULL);
    if (!model) return;
    memset(&options, 0, sizeof options);
    options.arithmetic = forward_arithmetic;
    options.threads = 1, options.no_prefix_reuse = 1;
    MUST(sgf_session_create(model, &options, &plain, &err), err);
    options.threads = 2, options.no_prefix_reuse = 0;
    MUST(sgf_session_create(model, &options, &exact, &err), err);
    options.reuse_rotated = 1;
    MUST(sgf_session_create(model, &options, &rotated, &err), err);
    a.V = b.V = c.V = (size_t)model->config.vocab_size;
    a.logits = (float *)calloc(3 * ISOLATED_STEPS * a.V, sizeof(float));
    b.logits = a.logits + ISOLATED_STEPS * a.V;
    c.logits = b.logits + ISOLATED_STEPS * a.V;
    sgf_layout_init(&layout, NULL);
    for (question = 0; question < 4; question++) {
        size_t saved,
            first = bos == ISOLATED_BOS || bos == ISOLATED_BLIND_BOS; /* a prefix is kept */
        int turns = positions == SGF_POSITIONS_SEQUENTIAL && !bos;
        MUST(stream_isolated(model, question, bos, positions, &layout, &err), err);
        isolated_ask(plain, &layout, &a);
        isolated_ask(exact, &layout, &b);
        isolated_ask(rotated, &layout, &c);
        CHECK(!memcmp(a.logits, b.logits, ISOLATED_STEPS * a.V * sizeof(float)));
        CHECK(!memcmp(a.ids, b.ids, sizeof a.ids));
        if (turns) CHECK(isolated_distance(&a, &c) < limit);
        else CHECK(!memcmp(a.logits, c.logits, ISOLATED_STEPS * a.V * sizeof(float)));
        CHECK(a.prefill == layout.tokens);
        /* aligned: all heads are one; else the first one only, which needs to be computed once */
        saved = positions == SGF_POSITIONS_ALIGNED ? tokens : ISOLATED_COMMON;
        CHECK(b.prefill == layout.tokens - (question ? first : 0) - saved +
                               (question ? 0 : ISOLATED_COMMON + (size_t)(bos != ISOLATED_ALONE)));
        if (turns) CHECK(c.prefill == layout.tokens - tokens + (question ? 0 : ISOLATED_COMMON));
        else CHECK(c.prefill == b.prefill);
    }
    sgf_layout_free(&layout);
    free(a.logits);
    sgf_session_free(plain), sgf_session_free(exact), sgf_session_free(rotated);
    sgf_model_free(model);
}
static void test_equal_beginnings_are_encoded_once(void) {
    static const char *const names[] = {
        "llama-gqa-tied", "qwen3",     "mistral-window",    "smollm3",
        "gemma3",         "olmo2",     "granite-bias",      "phi3-window",
        "llama3-rope",    "yarn-rope", "llama-headdim-bf16"};
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        isolated_check(names[i], ISOLATED_ALONE, SGF_POSITIONS_SEQUENTIAL);
        isolated_check(names[i], ISOLATED_ALONE, SGF_POSITIONS_ALIGNED);
        isolated_check(names[i], ISOLATED_BOS, SGF_POSITIONS_SEQUENTIAL);
        isolated_check(names[i], ISOLATED_BOS, SGF_POSITIONS_ALIGNED);
    }
    /* of more than two layers: what a BOS sees reaches the keys of others in the third */
    isolated_check("../../../models/segfuse-2m", ISOLATED_BLIND_BOS, SGF_POSITIONS_ALIGNED);
    isolated_check("../../../models/segfuse-2m", ISOLATED_LATE_BOS, SGF_POSITIONS_ALIGNED);
}
/* Keys that are rotated are rounded once more; where nothing is rotated, the bits are equal. */
static void isolated_bundled(void) {
    isolated_check("../../../models/segfuse-2m", ISOLATED_ALONE, SGF_POSITIONS_SEQUENTIAL);
}
static void test_equal_beginnings_are_encoded_once_in_bf16(void) {
    forward_in_bf16(test_equal_beginnings_are_encoded_once);
    forward_in_bf16(isolated_bundled);
}
/* A BOS that stands behind something and sees it has other keys than one that stands alone: what sees such a
   BOS is computed where it stands. */
static void test_a_bos_that_sees_something_is_no_beginning(void) {
    sgf_model *model = forward_model("../../../models/segfuse-2m");
    sgf_session *plain, *exact;
    sgf_layout layout;
    sgf_error err;
    isolated_answer a, b;
    CHECK(model != NULL);
    if (!model) return;
    plain = generate_session(model, 1, 1);
    exact = generate_session(model, 1, 0);
    a.V = b.V = (size_t)model->config.vocab_size;
    a.logits = (float *)calloc(2 * ISOLATED_STEPS * a.V, sizeof(float));
    b.logits = a.logits + ISOLATED_STEPS * a.V;
    sgf_layout_init(&layout, NULL);
    MUST(stream_isolated(model, 1, ISOLATED_LATE_BOS, SGF_POSITIONS_ALIGNED, &layout, &err), err);
    sgf_visible_set(&layout, 1, 0, 1);
    isolated_ask(plain, &layout, &a);
    isolated_ask(exact, &layout, &b);
    CHECK(!memcmp(a.logits, b.logits, ISOLATED_STEPS * a.V * sizeof(float)));
    CHECK(b.prefill == layout.tokens);
    sgf_layout_free(&layout);
    free(a.logits);
    sgf_session_free(plain), sgf_session_free(exact);
    sgf_model_free(model);
}
/* The reuse of heads, with allocations that fail. */
static void test_reuse_survives_every_failing_allocation(void) {
    sgf_model *model = forward_model("llama-gqa-tied");
    sgf_status status = SGF_ERR_MEMORY;
    sgf_layout layout;
    sgf_error err;
    size_t fail;
    CHECK(model != NULL);
    if (!model) return;
    sgf_layout_init(&layout, NULL);
    MUST(stream_isolated(model, 1, ISOLATED_ALONE, SGF_POSITIONS_SEQUENTIAL, &layout, &err), err);
    for (fail = 1; status && fail < 100000; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        sgf_session_options options;
        sgf_session *session = NULL;
        sgf_task task;
        int32_t ids[2];
        memset(&options, 0, sizeof options);
        memset(&task, 0, sizeof task);
        options.threads = 1;
        options.mem = &mem;
        options.reuse_rotated = 1;
        task.context = &layout, task.contexts = 1, task.ids = ids, task.max_new_tokens = 2;
        status = sgf_session_create(model, &options, &session, &err);
        if (!status) status = sgf_generate(session, &task, 1, NULL, NULL, &err);
        CHECK(!status || err.status == SGF_ERR_MEMORY);
        sgf_session_free(session);
        CHECK(!heap.used);
    }
    CHECK(!status && fail > 30);
    sgf_layout_free(&layout);
    sgf_model_free(model);
}

static void tests_stream(void) {
    RUN(test_a_stream_changes_no_bit);
    RUN(test_a_step_function_ends_its_own_task);
    RUN(test_a_stream_that_fails_can_be_followed_by_another);
    RUN(test_a_stream_survives_every_failing_allocation);
    RUN(test_equal_beginnings_are_encoded_once);
    RUN(test_equal_beginnings_are_encoded_once_in_bf16);
    RUN(test_a_bos_that_sees_something_is_no_beginning);
    RUN(test_reuse_survives_every_failing_allocation);
}
