/* The forward pass: against transformers' logits, and against itself, bit for bit. */

static const char *const forward_models[] = {"llama-mha-untied",
                                             "llama-gqa-tied",
                                             "llama3-rope",
                                             "llama-headdim-bf16",
                                             "llama-headdim-f16",
                                             "llama-bias",
                                             "llama-old-spelling",
                                             "linear-rope",
                                             "dynamic-rope",
                                             "yarn-rope",
                                             "yarn-rope-factor",
                                             "yarn-rope-mscale",
                                             "mistral-sharded",
                                             "mistral-window",
                                             "mistral-layer-types",
                                             "qwen2",
                                             "qwen2-window",
                                             "qwen2-layer-types",
                                             "qwen3",
                                             "qwen3-window-bias",
                                             "phi3",
                                             "phi3-window",
                                             "granite",
                                             "granite-bias",
                                             "smollm3",
                                             "smollm3-window",
                                             "olmo2",
                                             "olmo2-bias",
                                             "gemma3",
                                             "gemma3-old-spelling"};
enum { FORWARD_MODELS = sizeof forward_models / sizeof forward_models[0] };

/* One safetensors file by itself. */
static sgf_status tensors_open(sgf__folder *f, const char *path, sgf_error *err) {
    sgf__file *file;
    sgf__folder_init(f, "", NULL, err);
    file = sgf__folder_file(f, sgf_text(path), 0);
    if (file) sgf__safetensors_read(f, file);
    if (!f->status) sgf__folder_sort(f);
    return f->status;
}
static sgf_model *forward_model(const char *name) {
    char path[512];
    sgf_model *model = NULL;
    sgf_error err;
    snprintf(path, sizeof path, "%s/models/%s", golden_path(), name);
    if (sgf_model_load(path, NULL, &model, &err)) printf("    %s\n", err.message);
    return model;
}
/* The arithmetic of forward_session and forward_reference. */
static sgf_arithmetic forward_arithmetic = SGF_ARITHMETIC_F32;
static void forward_in_bf16(void (*test)(void)) {
    forward_arithmetic = SGF_ARITHMETIC_BF16;
    test();
    forward_arithmetic = SGF_ARITHMETIC_F32;
}
static sgf_session *forward_session(const sgf_model *model, sgf_kernels kernels, int threads) {
    sgf_session_options options;
    sgf_session *session = NULL;
    sgf_error err;
    memset(&options, 0, sizeof options);
    options.kernels = kernels;
    options.threads = threads;
    options.arithmetic = forward_arithmetic;
    if (sgf_session_create(model, &options, &session, &err)) return NULL;
    return session;
}

/* One case of cases.json as a layout. */
static sgf_status forward_case(const json_doc *json, uint32_t node, sgf_layout *layout,
                               sgf_error *err) {
    char text[65536];
    uint32_t at = node + 1, i;
    size_t n = 0;
    n += (size_t)snprintf(text + n, sizeof text - n, "{");
    for (i = 0; i < json->nodes[node].count; i++, at = json->nodes[at + 1].next) {
        const char *begin = json->nodes[at].text.ptr - 1, *end;
        uint32_t next = json->nodes[at + 1].next;
        if (sgf__str_is(json->nodes[at].text, "segment_names") ||
            sgf__str_is(json->nodes[at].text, "greedy"))
            continue;
        end = next < json->count && i + 1 < json->nodes[node].count ? json->nodes[next].text.ptr - 1
                                                                    : NULL;
        if (!end)
            for (end = json->nodes[at + 1].text.ptr; *end != '}'; end++) {}
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s", (int)(end - begin), begin);
    }
    while (n && (text[n - 1] == ',' || text[n - 1] == '\n' || text[n - 1] == ' ')) n--;
    text[n++] = '}';
    return layoutfile_parse("a case", base_text_of(text, n), layout, err);
}

static double forward_difference(const float *a, const float *b, size_t n) {
    double top = 0, worst = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= 1e30)) return 1e30;
        if (fabs((double)b[i]) > top) top = fabs((double)b[i]);
        if (d > worst) worst = d;
    }
    return top > 0 ? worst / top : worst;
}

/* What transformers computes for a case. */
typedef struct forward_expected {
    const float *logits; /* [T, V] */
    int32_t greedy[64];
    size_t greedy_count; /* 0 in most cases */
} forward_expected;

typedef int forward_visit(const sgf_model *model, const sgf_layout *layout,
                          const forward_expected *golden, const char *name);

/* The list `greedy` of a case, if it has one. */
static void forward_expected_greedy(const json_doc *json, uint32_t node,
                                    forward_expected *expected) {
    uint32_t list = json_get(json, node, "greedy"), at = list + 1, i;
    expected->greedy_count = list ? json->nodes[list].count : 0;
    CHECK(expected->greedy_count <= 64);
    for (i = 0; i < expected->greedy_count && i < 64; i++, at = json->nodes[at].next) {
        int64_t id = -1;
        CHECK(json_whole(json, at, 0, INT32_MAX, &id));
        expected->greedy[i] = (int32_t)id;
    }
}

/* Every case of every model. */
static void forward_cases(forward_visit *visit) {
    size_t m;
    for (m = 0; m < FORWARD_MODELS; m++) {
        char path[600];
        sgf__folder golden;
        base_arena arena;
        sgf__map map;
        json_doc json;
        sgf_error err;
        uint32_t list, at, i;
        sgf_model *model = forward_model(forward_models[m]);
        CHECK(model != NULL);
        if (!model) return;
        base_arena_init(&arena, NULL);
        snprintf(path, sizeof path, "%s/models/%s/cases.json", golden_path(), forward_models[m]);
        MUST(sgf__map_file(path, NULL, &map, &err), err);
        MUST(json_parse(path, map.data, map.size, &arena, &json, &err), err);
        snprintf(path, sizeof path, "%s/models/%s/golden.safetensors", golden_path(),
                 forward_models[m]);
        MUST(tensors_open(&golden, path, &err), err);
        list = json_get(&json, 0, "cases");
        CHECK(json.nodes[list].count >= 5);
        for (i = 0, at = list + 1; i < json.nodes[list].count; i++, at = json.nodes[at].next) {
            sgf_layout layout;
            sgf_str name = json.nodes[json_get(&json, at, "name")].text;
            const sgf__stored *stored = sgf__folder_find(&golden, name);
            forward_expected expected;
            char label[128];
            snprintf(label, sizeof label, "%s %.*s", forward_models[m], (int)name.len, name.ptr);
            sgf_layout_init(&layout, NULL);
            CHECK(stored != NULL);
            MUST(forward_case(&json, at, &layout, &err), err);
            if (stored) {
                size_t n = layout.tokens * (size_t)model->config.vocab_size;
                float *copy = (float *)malloc(n * sizeof(float));
                CHECK(stored->end - stored->begin == n * sizeof(float));
                memcpy(copy, stored->data, n * sizeof(float));
                expected.logits = copy;
                forward_expected_greedy(&json, at, &expected);
                if (!visit(model, &layout, &expected, label)) printf("    in %s\n", label);
                free(copy);
            }
            sgf_layout_free(&layout);
        }
        sgf__folder_close(&golden);
        sgf__unmap(&map);
        base_arena_free(&arena);
        sgf_model_free(model);
    }
}

/* Logits of every row, by one call. */
static float *forward_logits(const sgf_model *model, const sgf_layout *layout, sgf_kernels kernels,
                             int threads) {
    sgf_session *session = forward_session(model, kernels, threads);
    size_t n = layout->tokens * (size_t)model->config.vocab_size;
    float *out = (float *)malloc(n * sizeof(float));
    sgf_error err;
    if (!session || sgf_forward_layout(session, layout, out, NULL, NULL, &err)) {
        free(out);
        out = NULL;
    }
    sgf_session_free(session);
    return out;
}

static int forward_golden(const sgf_model *model, const sgf_layout *layout,
                          const forward_expected *golden, const char *name) {
    size_t t, V = (size_t)model->config.vocab_size;
    float *out = forward_logits(model, layout, SGF_KERNELS_AUTO, 2);
    double worst = 0;
    (void)name;
    CHECK(out != NULL);
    for (t = 0; out && t < layout->tokens; t++) {
        double d = forward_difference(out + t * V, golden->logits + t * V, V);
        if (d > worst) worst = d;
    }
    if (getenv("SGF_TEST_VERBOSE")) printf("    %-60s %.1e\n", name, worst);
    free(out);
    CHECK(worst < 2e-5);
    return worst < 2e-5;
}
static void test_logits_equal_transformers(void) {
    forward_cases(forward_golden);
}

/* The greedy continuation of a layout, up to an end of sequence: transformers' ids. */
static size_t forward_greedy_tokens;
static int forward_greedy(const sgf_model *model, const sgf_layout *layout,
                          const forward_expected *golden, const char *name) {
    size_t wanted = golden->greedy_count, i;
    int32_t ids[64], e;
    int same = 1, no_reuse;
    (void)name;
    for (i = 0; i < wanted; i++)
        for (e = 0; e < model->config.eos_count; e++)
            if (golden->greedy[i] == model->config.eos[e]) wanted = i + 1;
    for (no_reuse = 0; wanted && no_reuse < 2; no_reuse++) {
        sgf_session_options options;
        sgf_session *session = NULL;
        sgf_task task;
        sgf_error err;
        memset(&options, 0, sizeof options);
        memset(&task, 0, sizeof task);
        options.threads = 2;
        options.no_prefix_reuse = no_reuse;
        task.context = layout;
        task.contexts = 1;
        task.ids = ids;
        task.max_new_tokens = golden->greedy_count;
        same = same && !sgf_session_create(model, &options, &session, &err);
        if (same && sgf_generate(session, &task, 1, NULL, NULL, &err))
            same = 0, printf("    %s\n", err.message);
        same = same && task.count == wanted && !memcmp(ids, golden->greedy, wanted * sizeof ids[0]);
        sgf_session_free(session);
    }
    CHECK(same);
    forward_greedy_tokens += wanted;
    return same;
}
static void test_greedy_tokens_equal_transformers(void) {
    forward_greedy_tokens = 0;
    forward_cases(forward_greedy);
    CHECK(forward_greedy_tokens > 1800); /* 30 continuations of 64, and some that an end cuts */
}

/* The reference's logits. */
static float *forward_reference(const sgf_model *model, const sgf_layout *layout) {
    float *out = (float *)malloc(layout->tokens * (size_t)model->config.vocab_size * sizeof(float));
    sgf_error err;
    if (!sgf_reference_forward(model, forward_arithmetic, layout, NULL, out, &err)) return out;
    printf("    %s\n", err.message);
    free(out);
    return NULL;
}
/* Every kernel set and number of threads: the reference's bits. */
static int forward_kernels(const sgf_model *model, const sgf_layout *layout,
                           const forward_expected *golden, const char *name) {
    size_t n = layout->tokens * (size_t)model->config.vocab_size * sizeof(float);
    float *wanted = forward_reference(model, layout);
    int kernels, threads, same = 1;
    (void)golden;
    (void)name;
    CHECK(wanted != NULL);
    for (kernels = SGF_KERNELS_AUTO; wanted && kernels < SGF_KERNELS_COUNT; kernels++)
        for (threads = 1; threads <= (kernels == SGF_KERNELS_REFERENCE ? 1 : 3); threads++) {
            float *other = forward_logits(model, layout, (sgf_kernels)kernels, threads);
            if (!other) continue; /* this processor has not got them */
            same = same && !memcmp(wanted, other, n);
            free(other);
        }
    free(wanted);
    CHECK(same);
    return same;
}
static void test_kernels_and_threads_give_the_same_bits(void) {
    forward_cases(forward_kernels);
}
static void test_kernels_and_threads_give_the_same_bits_in_bf16(void) {
    forward_in_bf16(test_kernels_and_threads_give_the_same_bits);
}

/* Token by token on the KV cache, and in odd chunks: the reference's bits. */
static int forward_steps(const sgf_model *model, const sgf_layout *layout,
                         const forward_expected *golden, const char *name) {
    size_t V = (size_t)model->config.vocab_size, T = layout->tokens, t, step;
    float *whole = forward_reference(model, layout);
    float *part = (float *)malloc(T * V * sizeof(float));
    sgf_session *session = forward_session(model, SGF_KERNELS_AUTO, 2);
    sgf_error err;
    int same = 1;
    (void)golden;
    (void)name;
    for (step = 1; step <= 5; step += 2) {
        int32_t q;
        CHECK(!sgf_sequence_open(session, layout, -1, &q, &err));
        for (t = 0; t < T; t += step) {
            sgf_row rows[5];
            size_t k, n = T - t < step ? T - t : step;
            for (k = 0; k < n; k++) {
                rows[k].token = layout->token[t + k];
                rows[k].pos = layout->pos[t + k];
                rows[k].seg = layout->seg[t + k];
                rows[k].sequence = q;
                rows[k].want = 1;
            }
            CHECK(!sgf_forward(session, rows, n, part + t * V, NULL, &err));
        }
        same = same && whole && !memcmp(whole, part, T * V * sizeof(float));
        sgf_sequence_close(session, q);
    }
    sgf_session_free(session);
    free(whole);
    free(part);
    CHECK(same);
    return same;
}
static void test_cache_gives_the_bits_of_recomputation(void) {
    forward_cases(forward_steps);
}
static void test_cache_gives_the_bits_of_recomputation_in_bf16(void) {
    forward_in_bf16(test_cache_gives_the_bits_of_recomputation);
}

static uint32_t forward_random_state;
static uint32_t forward_random(uint32_t n) {
    forward_random_state = forward_random_state * 1664525u + 1013904223u;
    return (forward_random_state >> 8) % n;
}

/* Random layouts of several sequences, mixed in one call: the reference's bits. Zero rows, long
   sequences (several pages), and more rows than a chunk are among them. */
static void forward_batch(const char *name) {
    sgf_model *model = forward_model(name);
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 2) : NULL;
    size_t V, D, round, i, k;
    sgf_error err;
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    D = (size_t)model->config.dim;
    forward_random_state = 7;
    for (round = 0; round < 12; round++) {
        enum { MANY = 4 };
        sgf_layout layout[MANY];
        size_t total = 0, at[MANY] = {0, 0, 0, 0}, n = 0;
        int32_t q[MANY];
        sgf_row *rows;
        float *mixed, *hidden, *alone, *alone_hidden;
        size_t *owner;
        for (i = 0; i < MANY; i++) {
            int32_t S = (int32_t)forward_random(5) + 1, a, b;
            size_t T = round == 0 ? i + 1 : forward_random(110) + 1;
            sgf_layout_init(&layout[i], NULL);
            for (a = 0; a < S; a++)
                CHECK(!sgf_layout_segment(
                    &layout[i], a + 1 == S ? SGF_ROLE_ANSWER : SGF_ROLE_PARAPHRASE, a, NULL, &err));
            for (a = 0; a < S; a++)
                for (b = 0; b < S; b++) sgf_visible_set(&layout[i], a, b, forward_random(3) != 0);
            for (k = 0; k < T; k++) {
                int32_t id = (int32_t)forward_random((uint32_t)V);
                CHECK(!sgf_layout_add(&layout[i], (int32_t)forward_random((uint32_t)S), &id, 1,
                                      &err));
                layout[i].pos[k] = (int32_t)forward_random(100);
            }
            layout[i].segment[0].log_weight = -0.7f;
            total += T;
            CHECK(!sgf_sequence_open(session, &layout[i], -1, &q[i], &err));
        }
        rows = (sgf_row *)malloc(total * sizeof *rows);
        owner = (size_t *)malloc(total * sizeof *owner);
        mixed = (float *)malloc(total * V * sizeof(float));
        hidden = (float *)malloc(total * D * sizeof(float));
        alone = (float *)malloc(total * V * sizeof(float));
        alone_hidden = (float *)malloc(total * D * sizeof(float));
        while (n < total) {
            i = forward_random(MANY);
            if (at[i] == layout[i].tokens) continue;
            rows[n].token = layout[i].token[at[i]];
            rows[n].pos = layout[i].pos[at[i]];
            rows[n].seg = layout[i].seg[at[i]++];
            rows[n].sequence = q[i];
            rows[n].want = 1;
            owner[n++] = i;
        }
        MUST(sgf_forward(session, rows, total, mixed, hidden, &err), err);
        for (i = 0; i < MANY; i++) {
            MUST(sgf_reference_forward(model, forward_arithmetic, &layout[i], alone_hidden, alone,
                                       &err),
                 err);
            for (n = k = 0; n < total; n++)
                if (owner[n] == i) {
                    CHECK(!memcmp(mixed + n * V, alone + k * V, V * sizeof(float)));
                    CHECK(!memcmp(hidden + n * D, alone_hidden + k * D, D * sizeof(float)));
                    k++;
                }
            sgf_sequence_close(session, q[i]);
            sgf_layout_free(&layout[i]);
        }
        free(rows), free(owner), free(mixed), free(hidden), free(alone), free(alone_hidden);
    }
    sgf_session_free(session);
    sgf_model_free(model);
}

static void test_batch_gives_the_bits_of_one_at_a_time(void) {
    forward_batch("llama-gqa-tied");
    forward_batch("qwen2-window"); /* positions jump: windows cut runs anywhere */
    forward_batch("smollm3-window");
    forward_batch("olmo2-bias");
    forward_batch("granite");
    forward_batch("gemma3");
}
static void test_batch_gives_the_bits_of_one_at_a_time_in_bf16(void) {
    forward_in_bf16(test_batch_gives_the_bits_of_one_at_a_time);
}

/* A segment of n random ids. */
static int32_t forward_segment(sgf_layout *layout, sgf_role role, int32_t group, size_t n) {
    int32_t segment = -1;
    sgf_layout_segment(layout, role, group, &segment, NULL);
    while (n--) {
        int32_t id = (int32_t)forward_random(50);
        sgf_layout_add(layout, segment, &id, 1, NULL);
    }
    return segment;
}

/* Isolation: a token of paraphrase 2 changed: nothing of the prefix, paraphrases 1 and 3 changes by
   a bit, every row of paraphrase 2 from there on and of the answer does. */
static void test_isolation_is_exact(void) {
    static const sgf_mask masks[] = {SGF_MASK_ISOLATED, SGF_MASK_SHARED};
    sgf_model *model = forward_model("llama3-rope");
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 2) : NULL;
    sgf_error err;
    size_t m, p, t;
    CHECK(session != NULL);
    if (!session) return;
    for (m = 0; m < 2; m++)
        for (p = 0; p < 2; p++) {
            sgf_layout a;
            int32_t segment[3], i;
            size_t D = (size_t)model->config.dim, changed;
            float *before, *after;
            forward_random_state = 3;
            sgf_layout_init(&a, NULL);
            if (masks[m] == SGF_MASK_SHARED) forward_segment(&a, SGF_ROLE_SHARED, 0, 5);
            for (i = 0; i < 3; i++) {
                segment[i] = forward_segment(&a, SGF_ROLE_PARAPHRASE, i, 6 + (size_t)i);
                if (i < 2) forward_segment(&a, SGF_ROLE_SEPARATOR, i, 2);
            }
            forward_segment(&a, SGF_ROLE_ANSWER, -1, 4);
            sgf_layout_place(&a, p ? SGF_POSITIONS_ALIGNED : SGF_POSITIONS_SEQUENTIAL);
            sgf_mask_set(&a, masks[m]);
            before = (float *)malloc(a.tokens * D * sizeof(float));
            after = (float *)malloc(a.tokens * D * sizeof(float));
            MUST(sgf_forward_layout(session, &a, NULL, before, NULL, &err), err);
            for (changed = 0; a.seg[changed] != segment[1]; changed++) {}
            a.token[changed] = (a.token[changed] + 1) % 80;
            MUST(sgf_forward_layout(session, &a, NULL, after, NULL, &err), err);
            for (t = 0; t < a.tokens; t++) {
                int same = !memcmp(before + t * D, after + t * D, D * sizeof(float));
                const sgf_segment *s = &a.segment[a.seg[t]];
                int affected = s->role == SGF_ROLE_ANSWER || a.seg[t] == segment[1] ||
                               (masks[m] == SGF_MASK_SHARED && s->role == SGF_ROLE_SEPARATOR &&
                                s->group == 1);
                CHECK(same == !affected);
            }
            free(before), free(after);
            sgf_layout_free(&a);
        }
    sgf_session_free(session);
    sgf_model_free(model);
}

/* A query that sees nothing: its attention output is zero and it goes on; the result is finite and
   does not depend on what stands elsewhere. */
static void test_row_that_sees_nothing(void) {
    sgf_model *model = forward_model("llama-mha-untied");
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 1) : NULL;
    sgf_layout a, b;
    size_t V, v;
    float logits[3 * 128], single[128];
    sgf_error err;
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    sgf_layout_init(&a, NULL);
    sgf_layout_init(&b, NULL);
    forward_random_state = 5;
    forward_segment(&a, SGF_ROLE_PARAPHRASE, 0, 2);
    forward_segment(&a, SGF_ROLE_SEPARATOR, 0, 1);
    sgf_mask_set(&a, SGF_MASK_ISOLATED);
    CHECK(!sgf_visible(&a, 1, 1));
    MUST(sgf_forward_layout(session, &a, logits, NULL, NULL, &err), err);
    forward_segment(&b, SGF_ROLE_SEPARATOR, 0, 1);
    b.token[0] = a.token[2];
    sgf_mask_set(&b, SGF_MASK_ISOLATED);
    MUST(sgf_forward_layout(session, &b, single, NULL, NULL, &err), err);
    CHECK(!memcmp(single, logits + 2 * V, V * sizeof(float)));
    for (v = 0; v < V; v++) CHECK(single[v] - single[v] == 0);
    sgf_layout_free(&a);
    sgf_layout_free(&b);
    sgf_session_free(session);
    sgf_model_free(model);
}

/* Sequences that stand on each other, `piece` tokens in each, up to the greatest depth: the logits
   of every token behind the prefix. */
static void forward_chain(sgf_session *session, const sgf_layout *whole, size_t P, int32_t parent,
                          const float *wanted, size_t piece) {
    size_t V = (size_t)session->model->config.vocab_size, t = P, i, n;
    int32_t chain[SGF_MAX_DEPTH], level = 0, none;
    float *logits = (float *)malloc(whole->tokens * V * sizeof(float));
    sgf_row rows[64];
    sgf_error err;
    for (chain[0] = parent; level + 1 < SGF_MAX_DEPTH && t < whole->tokens; t += n) {
        level++;
        MUST(sgf_sequence_open(session, whole, chain[level - 1], &chain[level], &err), err);
        n = sgf__min(piece, whole->tokens - t);
        if (level + 1 == SGF_MAX_DEPTH) n = whole->tokens - t;
        for (i = 0; i < n; i++) {
            rows[i].token = whole->token[t + i];
            rows[i].pos = whole->pos[t + i];
            rows[i].seg = whole->seg[t + i];
            rows[i].sequence = chain[level];
            rows[i].want = 1;
        }
        MUST(sgf_forward(session, rows, n, logits, NULL, &err), err);
        CHECK(!memcmp(logits, wanted + t * V, n * V * sizeof(float)));
    }
    if (level + 1 == SGF_MAX_DEPTH)
        CHECK(sgf_sequence_open(session, whole, chain[level], &none, &err) == SGF_ERR_ARG);
    for (; level > 0; level--) sgf_sequence_close(session, chain[level]);
    free(logits);
}

/* A sequence that stands on another one computes the bits of the two in one. */
static void forward_parent(const char *name, sgf_kernels kernels) {
    sgf_model *model = forward_model(name);
    sgf_session *session = model ? forward_session(model, kernels, 2) : NULL;
    sgf_layout whole, prefix;
    size_t V, t, P = 37, n = 0;
    int32_t parent, child, none = 77;
    sgf_row rows[64];
    float *a, *b;
    sgf_error err;
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    memset(rows, 0, sizeof rows);
    forward_random_state = 11;
    sgf_layout_init(&whole, NULL);
    sgf_layout_init(&prefix, NULL);
    forward_segment(&whole, SGF_ROLE_SHARED, 0, P);
    forward_segment(&whole, SGF_ROLE_PARAPHRASE, 0, 9);
    forward_segment(&whole, SGF_ROLE_PARAPHRASE, 1, 7);
    forward_segment(&whole, SGF_ROLE_ANSWER, -1, 3);
    sgf_layout_place(&whole, SGF_POSITIONS_ALIGNED);
    sgf_mask_set(&whole, SGF_MASK_SHARED);
    MUST(sgf_layout_weigh(&whole, NULL, 0, &err), err);
    CHECK(whole.segment[1].log_weight == whole.segment[2].log_weight &&
          whole.segment[1].log_weight < -0.69f);
    MUST(sgf_layout_segment(&prefix, SGF_ROLE_SHARED, 0, NULL, &err), err);
    MUST(sgf_layout_add(&prefix, 0, whole.token, P, &err), err);
    sgf_mask_set(&prefix, SGF_MASK_SHARED);
    a = (float *)malloc(whole.tokens * V * sizeof(float));
    b = (float *)malloc(whole.tokens * V * sizeof(float));
    MUST(sgf_reference_forward(model, forward_arithmetic, &whole, NULL, a, &err), err);
    MUST(sgf_forward_layout(session, &prefix, NULL, NULL, &parent, &err), err);
    MUST(sgf_sequence_open(session, &whole, parent, &child, &err), err);
    for (t = P; t < whole.tokens; t++, n++) {
        rows[n].token = whole.token[t];
        rows[n].pos = whole.pos[t];
        rows[n].seg = whole.seg[t];
        rows[n].sequence = child;
        rows[n].want = 1;
    }
    MUST(sgf_forward(session, rows, n, b, NULL, &err), err);
    CHECK(!memcmp(a + P * V, b, n * V * sizeof(float)));
    forward_chain(session, &whole, P, parent, a, 2);
    forward_chain(session, &whole, P, parent, a, 5);
    /* a parent must not grow or go, and a failing call changes nothing */
    sgf_visible_set(&whole, 0, 0, 0); /* nor may a child see it in another way */
    CHECK(sgf_sequence_open(session, &whole, parent, &none, &err) == SGF_ERR_ARG && none == 77);
    sgf_visible_set(&whole, 0, 0, 1);
    whole.answer = 0, whole.segment[0].log_weight = 1;
    CHECK(sgf_sequence_open(session, &whole, parent, &none, &err) == SGF_ERR_ARG && none == 77);
    sgf_sequence_close(session, parent);
    rows[0].sequence = parent;
    CHECK(sgf_forward(session, rows, 1, b, NULL, &err) == SGF_ERR_ARG);
    rows[0].sequence = child;
    rows[0].pos = model->config.context;
    CHECK(sgf_forward(session, rows, 1, b, NULL, &err) == SGF_ERR_LIMIT);
    CHECK(strstr(err.message, "context") != NULL);
    rows[0].pos = 3;
    rows[0].token = (int32_t)V;
    CHECK(sgf_forward(session, rows, 1, b, NULL, &err) == SGF_ERR_ARG);
    free(a), free(b);
    sgf_layout_free(&whole);
    sgf_layout_free(&prefix);
    sgf_session_free(session);
    sgf_model_free(model);
}

/* A row that does not exist is refused before anything is computed; the sequence goes on after it. */
static void test_rows_that_are_refused(void) {
    sgf_model *model = forward_model("llama-headdim-bf16");
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 1) : NULL;
    static const struct {
        int32_t token, pos, seg, sequence;
        sgf_status status;
        const char *says;
    } bad[] = {{1, 0, 0, -1, SGF_ERR_ARG, "sequence -1 is not open"},
               {1, 0, 0, 1, SGF_ERR_ARG, "sequence 1 is not open"},
               {1, 0, 0, 99, SGF_ERR_ARG, "sequence 99 is not open"},
               {-1, 0, 0, 0, SGF_ERR_ARG, "token id -1"},
               {INT32_MAX, 0, 0, 0, SGF_ERR_ARG, "token id 2147483647"},
               {1, 0, -1, 0, SGF_ERR_ARG, "segment -1: the sequence has 2"},
               {1, 0, 2, 0, SGF_ERR_ARG, "segment 2: the sequence has 2"},
               {1, -1, 0, 0, SGF_ERR_ARG, "position -1: the first one is 0"},
               {1, INT32_MAX, 0, 0, SGF_ERR_LIMIT, "position 2147483647"}};
    sgf_layout rule, small;
    int32_t sequence, closed, none = 77;
    sgf_row rows[2];
    float *a, *b;
    sgf_error err;
    size_t i, bytes;
    CHECK(session != NULL);
    if (!session) return;
    bytes = (size_t)model->config.vocab_size * sizeof(float);
    a = (float *)malloc(bytes), b = (float *)malloc(2 * bytes);
    memset(rows, 0, sizeof rows);
    sgf_layout_init(&rule, NULL);
    sgf_layout_init(&small, NULL);
    MUST(sgf_layout_segment(&rule, SGF_ROLE_SHARED, 0, NULL, &err), err);
    MUST(sgf_layout_segment(&small, SGF_ROLE_SHARED, 0, NULL, &err), err);
    MUST(sgf_layout_segment(&rule, SGF_ROLE_ANSWER, -1, NULL, &err), err);
    sgf_mask_set(&rule, SGF_MASK_SHARED);
    MUST(sgf_sequence_open(session, &rule, -1, &sequence, &err), err);
    MUST(sgf_sequence_open(session, &rule, -1, &closed, &err), err);
    CHECK(sequence == 0 && closed == 1);
    rows[0].token = 3, rows[0].sequence = closed, rows[0].want = 1;
    MUST(sgf_forward(session, rows, 1, a, NULL, &err), err);
    sgf_sequence_close(session, closed);
    sgf_sequence_close(session, closed); /* nothing happens, as for those that never were */
    sgf_sequence_close(session, -1);
    sgf_sequence_close(session, 99);
    rows[0].sequence = sequence;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rows[1].token = bad[i].token, rows[1].pos = bad[i].pos;
        rows[1].seg = bad[i].seg, rows[1].sequence = bad[i].sequence;
        CHECK(sgf_forward(session, rows, 2, b, NULL, &err) == bad[i].status);
        CHECK(strstr(err.message, bad[i].says));
    }
    MUST(sgf_forward(session, rows, 0, NULL, NULL, &err), err); /* no rows: nothing to do */
    MUST(sgf_forward(session, rows, 1, b, NULL, &err), err);
    CHECK(!memcmp(a, b, bytes)); /* it is the first row of its sequence */
    CHECK(sgf_sequence_open(session, &rule, closed, &none, &err) == SGF_ERR_ARG);
    CHECK(sgf_sequence_open(session, &rule, 99, &none, &err) == SGF_ERR_ARG);
    CHECK(sgf_sequence_open(session, &small, sequence, &none, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "sequence 0 cannot be a parent") && none == 77);
    sgf_layout_free(&rule);
    sgf_layout_free(&small);
    free(a), free(b);
    sgf_session_free(session);
    sgf_model_free(model);
}

static void test_parent_gives_the_bits_of_the_whole(void) {
    forward_parent("llama-headdim-bf16", SGF_KERNELS_AUTO);
    forward_parent("llama-headdim-bf16", SGF_KERNELS_REFERENCE);
    forward_parent("qwen2-window", SGF_KERNELS_AUTO);
    forward_parent("mistral-window", SGF_KERNELS_AUTO);
    forward_parent("granite-bias", SGF_KERNELS_REFERENCE);
    forward_parent("smollm3", SGF_KERNELS_AUTO);
    forward_parent("gemma3", SGF_KERNELS_AUTO);
}
static void test_parent_gives_the_bits_of_the_whole_in_bf16(void) {
    forward_in_bf16(test_parent_gives_the_bits_of_the_whole);
}

static void forward_weights(void *weights, size_t n, sgf_dtype dtype) {
    size_t i;
    for (i = 0; i < n; i++) {
        float value = (float)forward_random(2001) / 777.0f - 1.3f;
        if (dtype == SGF_DTYPE_F32) ((float *)weights)[i] = value;
        else if (dtype == SGF_DTYPE_BF16) ((uint16_t *)weights)[i] = sgf__float_bf16(value);
        else
            ((uint16_t *)weights)[i] = (uint16_t)(forward_random(0x4000) | forward_random(2) << 15);
    }
}
/* Two projections of up to three panels, at every kernel set, against the definition: shapes that are
   no multiple of anything, one row, one column, and every width of a panel. */
enum { MATMUL_SCALES = 4 }; /* bf16: how small the numbers are */
static float matmul_number(int scale) {
    float x = (float)forward_random(2001) / 1000.0f - 1.0f;
    if (scale == 1 && forward_random(40) == 0) x *= 0x1p-70f; /* a few tiny products */
    if (scale == 2) x *= 0x1p-60f;                            /* most are near 2^-126 */
    if (scale == 3) x = forward_random(5) ? ldexpf(x, -(int)forward_random(140)) : 0;
    return x;
}
static void matmul_of(int bf16, int scale) {
    enum { SHAPES = 13 };
    static const size_t shapes[SHAPES][4] = {
        /* N, K, panels, width of the last */
        {1, 1, 1, 1},     {13, 7, 1, 8},    {33, 80, 1, 16}, {100, 257, 1, 32}, {96, 512, 3, 8},
        {47, 300, 2, 32}, {5, 1000, 1, 16}, {203, 97, 1, 1}, {67, 64, 1, 2},    {131, 259, 1, 4},
        {64, 33, 1, 8},   {1, 300, 1, 1},   {70, 300, 1, 16}};
    size_t s, i, p, t, N, K;
    int simd, dtype;
    forward_random_state = 1 + (uint32_t)scale;
    for (s = 0; s < SHAPES; s++)
        for (dtype = bf16 ? SGF_DTYPE_BF16 : 0; dtype < 3; dtype++) {
            static uint8_t low[3], x_low[3][40];
            uint8_t *in_low[3], high;
            const float *in[3];
            float *out[3], *wanted[3], bias[256], column[1000], product[256];
            void *weights;
            sgf_tensor w, b;
            sgf__product job[2];
            size_t width[3] = {32, 32, 32};
            N = shapes[s][0], K = shapes[s][1];
            width[shapes[s][2] - 1] = shapes[s][3];
            weights = malloc(N * K * sizeof(float));
            forward_weights(weights, N * K, (sgf_dtype)dtype);
            for (i = 0; bf16 && scale && i < N * K; i++) /* some of them subnormal */
                ((uint16_t *)weights)[i] = sgf__float_bf16(scale == 2 ? matmul_number(2) * 0x1p-8f
                                                                      : matmul_number(scale));
            for (i = 0; bf16 && i < N; i += SGF__STRIPE)
                sgf__widen_bf16(0, (uint16_t *)weights + i * K, NULL,
                                sgf__min(N - i, SGF__STRIPE) * K, &low[i / SGF__STRIPE], &high);
            w.data = weights, w.rows = N, w.cols = K, w.dtype = (sgf_dtype)dtype;
            for (i = 0; i < N; i++) bias[i] = (float)forward_random(100) / 7.0f;
            b.data = bias, b.rows = 1, b.cols = N, b.dtype = SGF_DTYPE_F32;
            for (p = 0; p < shapes[s][2]; p++) {
                float *x = (float *)malloc(K * width[p] * sizeof(float));
                for (i = 0; i < K * width[p]; i++) x[i] = matmul_number(scale);
                in_low[p] = x_low[p];
                for (i = 0; bf16 && i < K; i += SGF__BLOCK) {
                    x_low[p][i / SGF__BLOCK] = i ? x_low[p][i / SGF__BLOCK - 1] : 255;
                    sgf__round(0, x + i * width[p], x + i * width[p],
                               sgf__min(K - i, SGF__BLOCK) * width[p], &x_low[p][i / SGF__BLOCK]);
                }
                in[p] = x;
                wanted[p] = (float *)malloc(N * width[p] * sizeof(float));
                out[p] = (float *)malloc(N * width[p] * sizeof(float));
                for (t = 0; t < width[p]; t++) {
                    for (i = 0; i < K; i++) column[i] = x[i * width[p] + t];
                    sgf__reference_product(bf16, &w, NULL, column, product);
                    for (i = 0; i < N; i++) wanted[p][i * width[p] + t] = product[i] + bias[i];
                }
            }
            memset(job, 0, sizeof job);
            job[0].w = &w, job[0].bias = &b, job[0].in = in, job[0].out = out;
            job[0].low = bf16 ? low : NULL, job[0].in_low = in_low;
            job[0].width = width, job[0].panels = shapes[s][2];
            for (simd = SGF__PORTABLE; simd <= sgf__simd_best(); simd++) {
                job[0].simd = simd;
                job[1] = job[0];
                sgf__matmul(NULL, job, 2);
                for (p = 0; p < shapes[s][2]; p++)
                    CHECK(!memcmp(wanted[p], out[p], N * width[p] * sizeof(float)));
            }
            for (p = 0; p < shapes[s][2]; p++)
                free((void *)(uintptr_t)in[p]), free(wanted[p]), free(out[p]);
            free(weights);
        }
}
static void test_matmul_gives_the_reference_bits(void) {
    int scale;
    matmul_of(0, 0);
    for (scale = 0; scale < MATMUL_SCALES; scale++) matmul_of(1, scale);
}

/* After 32 steps whose sum is flushed come 32 steps that vectors may compute, but not add: the reference
   gives 0, and vectors alone would give 2^-133. */
static void test_matmul_flushes_what_follows_tiny_numbers(void) {
    enum { ROWS = 32, K = 64 };
    static const size_t widths[3] = {1, 8, 32};
    uint16_t weights[ROWS * K];
    float x[K * 32], out[ROWS * 32], wanted[ROWS];
    uint8_t low, high, x_low[2], *in_low = x_low;
    sgf_tensor w;
    sgf__product job;
    const float *in = x;
    float *to = out, column[K];
    size_t i, k, n;
    int simd;
    memset(weights, 0, sizeof weights), memset(column, 0, sizeof column);
    for (i = 0; i < ROWS; i++) {
        weights[i * K] = weights[i * K + 34] = sgf__float_bf16(0x1p-63f);
        weights[i * K + 32] = sgf__float_bf16(-0x1.02p-63f);
    }
    column[0] = 0x1.02p-63f, column[32] = 0x1.02p-49f, column[34] = 0x1.04p-49f;
    w.data = weights, w.rows = ROWS, w.cols = K, w.dtype = SGF_DTYPE_BF16;
    sgf__reference_product(1, &w, NULL, column, wanted);
    CHECK(wanted[0] == 0);
    sgf__widen_bf16(0, weights, NULL, ROWS * K, &low, &high);
    for (n = 0; n < 3; n++) {
        for (i = 0; i < K * widths[n]; i++) x[i] = column[i / widths[n]];
        for (k = 0; k < 2; k++) {
            x_low[k] = k ? x_low[0] : 255;
            sgf__round(0, x + 32 * k * widths[n], x + 32 * k * widths[n], 32 * widths[n],
                       &x_low[k]);
        }
        memset(&job, 0, sizeof job);
        job.w = &w, job.in = &in, job.out = &to, job.low = &low, job.in_low = &in_low;
        job.width = &widths[n], job.panels = 1;
        for (simd = SGF__PORTABLE; simd <= sgf__simd_best(); simd++) {
            job.simd = simd;
            sgf__matmul(NULL, &job, 1);
            for (i = 0; i < ROWS * widths[n]; i++) CHECK(out[i] == wanted[i / widths[n]]);
        }
    }
}

/* A model made here: 33 heads of 80 over 11 kv heads, widths that are no multiple of anything, a window in one layer,
   and weights of all three types. Every kernel set gives the reference's bits. */
enum { ODD_D = 37, ODD_H = 33, ODD_G = 11, ODD_C = 80, ODD_F = 45, ODD_V = 51, ODD_L = 2 };
static sgf_tensor odd_tensor(size_t rows, size_t cols, sgf_dtype dtype) {
    sgf_tensor t;
    void *data = malloc(rows * cols * sizeof(float));
    forward_weights(data, rows * cols, dtype);
    t.data = data, t.rows = rows, t.cols = cols, t.dtype = dtype;
    return t;
}
static void odd_free(const sgf_tensor *t) {
    free((void *)(uintptr_t)t->data);
}
static void odd_model(sgf_model *m, sgf_layer *layer) {
    sgf_config *c = &m->config;
    size_t l;
    memset(m, 0, sizeof *m);
    memset(layer, 0, ODD_L * sizeof *layer);
    c->vocab_size = ODD_V, c->dim = ODD_D, c->layers = ODD_L, c->heads = ODD_H, c->kv_heads = ODD_G;
    c->head_dim = ODD_C, c->ffn_dim = ODD_F, c->context = 512, c->rms_eps = 1e-5f;
    c->rope_theta = 10000, c->rope_factor = 1, c->tied = 1;
    c->sliding_window = 40, c->sliding_layers[0] = 2;
    c->embedding_scale = c->residual_scale = c->logit_divisor = 1;
    c->score_scale = 1.0f / sqrtf((float)c->head_dim);
    m->layer = layer;
    m->embedding = m->output = odd_tensor(ODD_V, ODD_D, SGF_DTYPE_F32);
    m->norm = odd_tensor(1, ODD_D, SGF_DTYPE_BF16);
    for (l = 0; l < ODD_L; l++) {
        layer[l].attn_norm = odd_tensor(1, ODD_D, SGF_DTYPE_F32);
        layer[l].ffn_norm = odd_tensor(1, ODD_D, SGF_DTYPE_F32);
        layer[l].q = odd_tensor(ODD_H * ODD_C, ODD_D, SGF_DTYPE_BF16);
        layer[l].k = odd_tensor(ODD_G * ODD_C, ODD_D, SGF_DTYPE_F32);
        layer[l].v = odd_tensor(ODD_G * ODD_C, ODD_D, SGF_DTYPE_F16);
        layer[l].o = odd_tensor(ODD_D, ODD_H * ODD_C, SGF_DTYPE_BF16);
        layer[l].gate = odd_tensor(ODD_F, ODD_D, SGF_DTYPE_F32);
        layer[l].up = odd_tensor(ODD_F, ODD_D, SGF_DTYPE_BF16);
        layer[l].down = odd_tensor(ODD_D, ODD_F, SGF_DTYPE_F32);
    }
}
static void odd_model_free(sgf_model *m) {
    size_t l, i;
    odd_free(&m->embedding), odd_free(&m->norm);
    for (l = 0; l < ODD_L; l++) {
        const sgf_layer *y = &m->layer[l];
        const sgf_tensor *all[9];
        all[0] = &y->attn_norm, all[1] = &y->ffn_norm, all[2] = &y->q, all[3] = &y->k;
        all[4] = &y->v, all[5] = &y->o, all[6] = &y->gate, all[7] = &y->up, all[8] = &y->down;
        for (i = 0; i < 9; i++) odd_free(all[i]);
    }
}
/* Sessions and the reference refuse a model with the same sentence; NULL: both take it. */
static void odd_refused(const sgf_model *model, const sgf_layout *layout, const char *sentence) {
    sgf_session_options options;
    sgf_session *session = NULL;
    sgf_error err, reference;
    sgf_status status;
    memset(&options, 0, sizeof options);
    options.arithmetic = forward_arithmetic;
    status = sgf_session_create(model, &options, &session, &err);
    CHECK(sgf_reference_forward(model, forward_arithmetic, layout, NULL, NULL, &reference) ==
          status);
    CHECK((status != SGF_OK) == (sentence != NULL));
    if (sentence && status) CHECK(strstr(err.message, sentence));
    if (status) CHECK(!strcmp(err.message, reference.message));
    sgf_session_free(session);
}
static void test_odd_shapes_give_the_reference_bits(void) {
    static const size_t counts[5] = {41, 3, 70, 6, 30};
    sgf_model model;
    sgf_layer layer[ODD_L];
    sgf_layout layout;
    sgf_error err;
    float *big;
    int32_t i;
    size_t t;
    forward_random_state = 21;
    odd_model(&model, layer);
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < 5; i++) {
        MUST(sgf_layout_segment(&layout, i < 4 ? SGF_ROLE_PARAPHRASE : SGF_ROLE_ANSWER, i, NULL,
                                &err),
             err);
        for (t = 0; t < counts[i]; t++) {
            int32_t id = (int32_t)forward_random(ODD_V);
            MUST(sgf_layout_add(&layout, i, &id, 1, &err), err);
        }
    }
    for (t = 0; t < 20; t++) layout.seg[60 + t] = (int32_t)(t % 3); /* broken runs */
    sgf_layout_place(&layout, SGF_POSITIONS_SEQUENTIAL);
    sgf_mask_set(&layout, SGF_MASK_ISOLATED);
    sgf_visible_set(&layout, 3, 2, 1);
    MUST(sgf_layout_weigh(&layout, NULL, 0, &err), err);
    CHECK(forward_kernels(&model, &layout, NULL, "odd"));
    forward_arithmetic = SGF_ARITHMETIC_BF16;
    CHECK(forward_kernels(&model, &layout, NULL, "odd in bf16"));
    for (t = 0; t < (size_t)ODD_G * ODD_C * ODD_D; t++) { /* tiny keys, then tiny values */
        ((float *)(uintptr_t)layer[0].k.data)[t] *= ldexpf(1, -(int)(100 + forward_random(30)));
        ((float *)(uintptr_t)layer[1].v.data)[t] = ldexpf(1.5f, -(int)(105 + forward_random(30)));
    }
    layer[1].v.dtype = SGF_DTYPE_F32;
    CHECK(forward_kernels(&model, &layout, NULL, "odd and tiny in bf16"));
    big = (float *)(uintptr_t)layer[1].down.data + 40;
    *big = FLT_MAX;
    odd_refused(&model, &layout, "layers.1.mlp.down_proj.weight has a number that is too large");
    *big = sgf__bits_float(0xFF7F8000u); /* the least that rounds to infinity */
    odd_refused(&model, &layout, "layers.1.mlp.down_proj.weight has a number that is too large");
    *big = sgf__bits_float(0x7F7F7FFFu);
    odd_refused(&model, &layout, NULL);
    *big = INFINITY;
    odd_refused(&model, &layout, NULL);
    forward_arithmetic = (sgf_arithmetic)2;
    odd_refused(&model, &layout, "there is no arithmetic number 2");
    forward_arithmetic = SGF_ARITHMETIC_F32;
    sgf_layout_free(&layout);
    odd_model_free(&model);
}

/* Attention in bf16, number by number, with numbers around 2^-126 in every place: what one group of queries, and
   one query with several heads, get from keys and values that are put into the cache. */
enum { TINY_T = 290, TINY_FIRST = 10, TINY_C = ODD_C, TINY_HEADS = 3, TINY_KINDS = 8 };
typedef struct tiny_attention {
    float q[TINY_HEADS][TINY_T][TINY_C], k[TINY_T][TINY_C], v[TINY_T][TINY_C], scale;
} tiny_attention;
static float tiny_number(int exponent, int spread) {
    float x = (float)forward_random(2001) / 1000.0f - 1.0f;
    return ldexpf(x, exponent - (int)forward_random((uint32_t)spread + 1));
}
static void tiny_fill(tiny_attention *a, int kind) {
    size_t h, t, c;
    a->scale = kind == 1 ? 0x1p126f : 0.25f; /* 1: scores whose sums are about 2^-126 */
    for (t = 0; t < TINY_T; t++)
        for (c = 0; c < TINY_C; c++) {
            for (h = 0; h < TINY_HEADS; h++)
                a->q[h][t][c] = kind == 1 ? tiny_number(-63, 4) : tiny_number(0, 3);
            a->k[t][c] = kind == 1 ? tiny_number(-64, 4) : tiny_number(kind == 2 ? 5 : 0, 3);
            a->v[t][c] = kind == 2   ? tiny_number(-40, 90)  /* and small probabilities */
                         : kind == 3 ? tiny_number(-120, 10) /* all sums of values */
                                     : tiny_number(0, 3);
            if (kind == 4 && t == 50) a->v[t][c] = INFINITY; /* queries before it do not see it */
            if (kind < 5) continue;
            /* 32 unclean keys leave 2^-112 1.0078, and some 2^-130 by a small probability (5) or 2^-127 by small
               values (6); a clean key takes the former away: 0. 7: of the 32 keys that are summed together, those of the
               first segment are clean, and 0 in every other channel; those of the second are tiny */
            for (h = 0; h < TINY_HEADS; h++) a->q[h][t][c] = c ? 0 : 4;
            a->k[t][c] = kind == 5 && t == 2 && !c ? -12.5f : 0;
            a->v[t][c] = t == 0    ? 0x1.02p-112f
                         : t == 32 ? -0x1.02p-112f
                         : t == 2  ? (kind == 5 ? 0x1p-112f : 0x1.8p-126f)
                         : t == 4  ? (kind == 5 ? 0 : -0x1p-126f)
                                   : 0;
            if (kind == 7) a->v[t][c] = t >= TINY_FIRST ? tiny_number(-122, 6) : (float)(c % 2);
        }
}
/* The same values as the cache has them, in layer 0 and kv head 0. */
static void tiny_store(sgf_session *s, size_t T, const sgf__sequence *own, tiny_attention *a) {
    size_t t, c, k_at, v_at;
    sgf__page_places(s, 0, 0, &k_at, &v_at);
    for (t = 0; t < T; t++)
        for (c = 0; c < TINY_C; c++) {
            float *page = own->page[t / SGF__PAGE];
            size_t k = k_at + c * SGF__PAGE + t % SGF__PAGE, v = v_at + t % SGF__PAGE * TINY_C + c;
            sgf__cell_set(s, page, k, a->k[t][c]), sgf__cell_set(s, page, v, a->v[t][c]);
            a->k[t][c] = sgf__cell(s, page, k), a->v[t][c] = sgf__cell(s, page, v);
        }
}
static int tiny_same(const float *wanted, const float *out, size_t step) {
    size_t c;
    for (c = 0; c < TINY_C; c++)
        if (memcmp(&wanted[c], &out[c * step], 4) &&
            (wanted[c] == wanted[c] || out[c * step] == out[c * step]))
            return 0;
    return 1;
}
static int tiny_agrees(sgf_session *s, const sgf_layout *y, const sgf__query *query, int32_t window,
                       const tiny_attention *a) {
    float wanted[TINY_HEADS][TINY_C], score[TINY_T], q[TINY_C * SGF__PANEL],
        out[TINY_C * SGF__PANEL];
    sgf__attend_room room = sgf__attend_room_of(s, 0);
    size_t row, t, c, h, width;
    sgf__group group;
    sgf__work w;
    int same = 1;
    memset(&w, 0, sizeof w);
    w.s = s, w.query = query, w.window = window;
    for (row = 0; row < y->tokens; row += group.count) {
        if (!row || window) /* NaN: what this group must not read */
            memset(s->scores.at, 0xFF, s->scores.count * sizeof(float));
        group = sgf__group_make(query, row, sgf__min(y->tokens - row, SGF__PANEL));
        width = sgf__panel_width(group.count, 8);
        sgf__attend_list(&w, &group, 0, &room);
        memset(q, 0, sizeof q);
        for (t = 0; t < group.count; t++)
            for (c = 0; c < TINY_C; c++) q[c * width + t] = a->q[0][row + t][c];
        sgf__attend_group(s->simd, q, TINY_C, width, a->scale, &room, out);
        for (t = 0; t < group.count; t++) {
            sgf__reference_attend(1, y, row + t, window, a->scale, a->q[0][row + t], a->k[0],
                                  a->v[0], TINY_C, TINY_C, score, wanted[0]);
            same = same && tiny_same(wanted[0], out + t, width);
        }
    }
    for (row = 0; row < y->tokens; row++) {
        group = sgf__group_make(query, row, 1);
        sgf__attend_list(&w, &group, 0, &room);
        for (h = 0; h < TINY_HEADS; h++)
            for (c = 0; c < TINY_C; c++) q[c * TINY_HEADS + h] = a->q[h][row][c];
        sgf__attend_row(s->simd, q, TINY_HEADS, TINY_C, a->scale, &room, out);
        for (h = 0; h < TINY_HEADS; h++) {
            sgf__reference_attend(1, y, row, window, a->scale, a->q[h][row], a->k[0], a->v[0],
                                  TINY_C, TINY_C, score, wanted[0]);
            same = same && tiny_same(wanted[0], out + h * TINY_C, 1);
        }
    }
    return same;
}
/* Two segments, or three, of which the second has the first one's positions: a window hides the beginning of
   both, and so whole blocks of 32 keys between those that are seen. */
static void tiny_layout(int segments, sgf_layout *layout) {
    static const size_t end[2][3] = {{TINY_FIRST, 75, 75}, {130, 260, TINY_T}};
    const size_t *until = end[segments - 2];
    sgf_error err;
    int32_t id = 1, i;
    size_t t;
    sgf_layout_init(layout, NULL);
    for (i = 0; i < segments; i++)
        MUST(sgf_layout_segment(layout, SGF_ROLE_SHARED, 0, NULL, &err), err);
    for (t = 0; t < until[2]; t++) {
        i = (t >= until[0]) + (t >= until[1]);
        MUST(sgf_layout_add(layout, i, &id, 1, &err), err);
    }
    sgf_layout_place(layout, SGF_POSITIONS_SEQUENTIAL);
    for (t = until[0]; t < until[2] && segments == 3; t++) layout->pos[t] -= (int32_t)until[0];
    sgf_mask_set(layout, SGF_MASK_CAUSAL);
}
static void tiny_attention_agrees(sgf_kernels kernels) {
    static const int32_t window[3] = {0, 45, 20};
    static tiny_attention a;
    sgf__query query[TINY_T];
    sgf_row row[TINY_T];
    sgf_model model;
    sgf_layer layer[ODD_L];
    sgf_layout layout;
    sgf_error err;
    int32_t sequence = -1;
    size_t i, t;
    int kind, segments;
    forward_random_state = 22;
    odd_model(&model, layer);
    forward_arithmetic = SGF_ARITHMETIC_BF16;
    for (segments = 2; segments < 4; segments++) {
        sgf_session *s = forward_session(&model, kernels, 1);
        if (!s) break; /* this processor has no such kernels */
        tiny_layout(segments, &layout);
        MUST(sgf_forward_layout(s, &layout, NULL, NULL, &sequence, &err), err);
        for (t = 0; t < layout.tokens; t++) {
            row[t] = sgf__row_of(&layout, t, sequence, 0);
            query[t].row = &row[t], query[t].own = sgf__sequence_of(s, sequence);
            query[t].index = t, query[t].number = -1;
        }
        MUST(sgf__scores_prepare(s, query, layout.tokens, &err), err);
        for (kind = 0; kind < TINY_KINDS; kind += segments == 3 ? 4 : 1) {
            tiny_fill(&a, kind);
            tiny_store(s, layout.tokens, query->own, &a);
            for (i = 0; i < 3; i++) CHECK(tiny_agrees(s, &layout, query, window[i], &a));
        }
        sgf_layout_free(&layout);
        sgf_session_free(s);
    }
    forward_arithmetic = SGF_ARITHMETIC_F32;
    odd_model_free(&model);
}
static void test_attention_of_tiny_numbers_gives_the_reference_bits(void) {
    tiny_attention_agrees(SGF_KERNELS_PORTABLE);
    tiny_attention_agrees(SGF_KERNELS_AVX2);
    tiny_attention_agrees(SGF_KERNELS_AVX512);
}

/* Tiles: every number of rows and lanes, in one part or two, added to what is there or not, for all
   lanes or for some, has the bits of the chain, and touches nothing else. */
static void tiles_of(size_t rows, size_t lanes, int first, const uint32_t *seen) {
    enum { ROWS = 30, LANES = 50, COUNT = 9, W_STRIDE = 31, X_STRIDE = 53, OUT_STRIDE = 57 };
    static float w[COUNT * W_STRIDE], x[COUNT * X_STRIDE], before[ROWS * OUT_STRIDE];
    static float wanted[ROWS * OUT_STRIDE], out[ROWS * OUT_STRIDE];
    sgf__tile_part part[2];
    sgf__tile tile;
    size_t i, r, t, k;
    int simd;
    forward_random_state = 3;
    for (i = 0; i < COUNT * W_STRIDE; i++) w[i] = (float)forward_random(2001) / 999.0f - 1.0f;
    for (i = 0; i < COUNT * X_STRIDE; i++) x[i] = (float)forward_random(2001) / 999.0f - 1.0f;
    for (i = 0; i < ROWS * OUT_STRIDE; i++) before[i] = (float)forward_random(99);
    memcpy(wanted, before, sizeof wanted);
    for (r = 0; r < rows; r++)
        for (t = 0; t < lanes; t++) {
            float sum = first ? 0 : before[r * OUT_STRIDE + t];
            for (k = 0; k < COUNT; k++)
                if (!seen || seen[k] >> t & 1)
                    sum = sgf__fma_portable(w[k * W_STRIDE + r], x[k * X_STRIDE + t], sum);
            wanted[r * OUT_STRIDE + t] = sum;
        }
    memset(&tile, 0, sizeof tile);
    part[0].w = w, part[0].count = seen ? COUNT : 4;
    part[1].w = w + 4 * W_STRIDE, part[1].count = COUNT - 4;
    tile.part = part, tile.parts = seen ? 1 : 2, tile.x = x, tile.w_k = W_STRIDE;
    tile.x_k = X_STRIDE, tile.out_row = OUT_STRIDE, tile.seen = seen, tile.first = first;
    for (simd = SGF__PORTABLE; simd <= sgf__simd_best(); simd++) {
        memcpy(out, before, sizeof out);
        tile.out = out;
        sgf__tile_run(simd, rows, 0, lanes, &tile);
        CHECK(!memcmp(out, wanted, sizeof out));
    }
}
static void test_tiles_of_any_shape_give_the_reference_bits(void) {
    static const uint32_t seen[9] = {0xFFFFFFFFu, 0x0F0F1234u, 0,          0x80000001u, 0x13579BDFu,
                                     0xFFFF0000u, 0x0000FFFFu, 0xAAAAAAAA, 0x7FFFFFFFu};
    size_t rows, lanes;
    int first;
    for (rows = 1; rows <= 30; rows++)
        for (lanes = 1; lanes <= 50; lanes++)
            for (first = 0; first < 2; first++) {
                tiles_of(rows, lanes, first, NULL);
                if (lanes <= 32) tiles_of(rows, lanes, first, seen);
            }
}
/* Our exp, sine and cosine against the machine's; halves against the definition of their bits. */
static void test_own_functions_are_accurate(void) {
    double worst = 0, worst_d = 0, worst_trig = 0, worst_log = 0;
    int i;
    forward_random_state = 2;
    for (i = 0; i < 200000; i++) {
        float x = ((float)forward_random(1u << 24) / 8388608.0f - 1.0f) * 87.0f;
        double e = exp((double)x), d = fabs((double)sgf__exp(x) - e) / e, s, c,
               y = (double)x * 3000.0;
        if (d > worst) worst = d;
        d = fabs(sgf__exp_d((double)x) - e) / e;
        if (d > worst_d) worst_d = d;
        sgf__sincos_d(y, &s, &c);
        d = fabs(s - sin(y)) + fabs(c - cos(y));
        if (d > worst_trig) worst_trig = d;
        y = fabs((double)x) + 1.5;
        d = fabs(sgf__log_d(y) - log(y)) / log(y);
        if (d > worst_log) worst_log = d;
    }
    CHECK(worst < 1.2e-7 && worst_d < 4e-16 && worst_trig < 6e-16 && worst_log < 6e-16);
    CHECK(sgf__exp(0.0f) == 1.0f && sgf__exp(-INFINITY) == 0.0f && sgf__exp(200.0f) == INFINITY);
    CHECK(sgf__exp(NAN) != sgf__exp(NAN));
    CHECK(sgf__exp_d(NAN) != sgf__exp_d(NAN) && sgf__exp_d(710) == HUGE_VAL);
    CHECK(sgf__exp_d(-746) == 0 && sgf__exp_d(0) == 1 && sgf__log_d(1) == 0);
    CHECK(sgf__float_bf16(NAN) == 0x7FC0 && sgf__float_bf16(-INFINITY) == 0xFF80);
    CHECK(sgf__float_bf16(sgf__bits_float(0x7F800001u)) == 0x7FC0); /* never to infinity */
    CHECK(sgf__f16_float(0x3C00) == 1.0f && sgf__f16_float(1) == 0x1p-24f &&
          sgf__f16_float(0xFC00) == -INFINITY);
    CHECK(sgf__float_bf16(1.00390625f) == 0x3F80 && sgf__float_bf16(1.01171875f) == 0x3F82);
}
/* The arithmetic bf16, number by number: what is flushed, rounded, and in which order. */
static float bf16_sum(size_t n, const float *w, const float *x) {
    sgf__sum sum = {1, 0, {0, 0}, 0};
    size_t i;
    for (i = 0; i < n; i++) sgf__sum_add(&sum, w[i], x[i]);
    return sgf__sum_end(&sum);
}
static void test_bf16_halves_the_cache(void) {
    sgf_model *model = forward_model("llama-gqa-tied");
    size_t bytes[2] = {0, 0};
    int i;
    for (i = 0; model && i < 2; i++) {
        sgf_session_options options;
        sgf_session *session;
        memset(&options, 0, sizeof options);
        options.threads = 1, options.arithmetic = (sgf_arithmetic)i;
        CHECK(!sgf_session_create(model, &options, &session, NULL));
        bytes[i] = session->page_bytes;
        sgf_session_free(session);
    }
    CHECK(model && bytes[0] == SGF__PAGE * sgf_config_kv_bytes(&model->config));
    CHECK(bytes[1] * 2 == bytes[0]);
    sgf_model_free(model);
}
static void test_bf16_is_what_it_says(void) {
    float w[40], x[40];
    size_t i;
    for (i = 0; i < 40; i++) w[i] = x[i] = 0;
    w[0] = 0x1p-100f, x[0] = 0x1p-26f; /* 2^-126 stays; half of it does not, whatever follows */
    CHECK(bf16_sum(1, w, x) == 0x1p-126f);
    x[0] = 0x1p-27f, w[2] = 1, x[2] = 0x1p-126f;
    CHECK(bf16_sum(3, w, x) == 0x1p-126f);
    w[0] = 1, x[0] = 0x1p-126f, w[2] = 0x1p-75f; /* rounded as if exponents had no end */
    x[2] = -0x1.8p-76f;
    CHECK(bf16_sum(3, w, x) == 0);
    x[2] = -0x1p-76f; /* a tie, to even */
    CHECK(bf16_sum(3, w, x) == 0x1p-126f);
    x[2] = -0x1p-74f;
    CHECK(bf16_sum(3, w, x) == 0);
    w[2] = 0x1.8p-127f, x[2] = 0x1p100f; /* a tiny factor is 0 */
    CHECK(bf16_sum(3, w, x) == 0x1p-126f);
    w[2] = 0, w[1] = 1, x[1] = -0x1.8p-126f; /* the sum of both chains */
    CHECK(bf16_sum(3, w, x) == 0);
    x[0] = 0x1p-126f, x[1] = 0, w[32] = 1, x[32] = -0x1.8p-126f; /* ... and of two blocks */
    CHECK(bf16_sum(33, w, x) == 0);
    x[0] = 16777216, x[1] = 1, x[32] = 0, w[2] = 1, x[2] = 1; /* even and odd chains are apart */
    CHECK(bf16_sum(3, w, x) == 16777216);
    w[3] = 1, x[3] = 1;
    CHECK(bf16_sum(4, w, x) == 16777218);
    CHECK(sgf__rounded(0x1.01p0f) == 1 && sgf__rounded(0x1.03p0f) == 0x1.04p0f);
    CHECK(sgf__rounded(0x1.fffffcp-127f) == 0 && sgf__rounded(FLT_MAX) == INFINITY);
    CHECK(1 / sgf__rounded(-0x1p-140f) == -INFINITY && sgf__rounded(NAN) != sgf__rounded(NAN));
}
/* A session on a machine that rounds another way, or for kernels that there are not, is refused. */
static void test_sessions_that_are_refused(void) {
    static const int modes[] = {
#ifdef FE_UPWARD
        FE_UPWARD,
#endif
#ifdef FE_DOWNWARD
        FE_DOWNWARD,
#endif
#ifdef FE_TOWARDZERO
        FE_TOWARDZERO,
#endif
        FE_TONEAREST};
    sgf_model *model = forward_model("llama-headdim-bf16");
    sgf_session *session = NULL;
    sgf_session_options options;
    sgf_error err;
    size_t i, n = sizeof modes / sizeof modes[0];
    CHECK(model != NULL);
    if (!model) return;
    for (i = 0; i + 1 < n; i++) {
        sgf_status status;
        if (fesetround(modes[i])) continue;
        status = sgf_session_create(model, NULL, &session, &err);
        fesetround(FE_TONEAREST);
        CHECK(status == SGF_ERR_UNSUPPORTED && !session && strstr(err.message, "rounding mode"));
    }
    memset(&options, 0, sizeof options);
    options.kernels = SGF_KERNELS_AVX512;
    if (sgf__simd_best() < SGF__AVX512) {
        CHECK(sgf_session_create(model, &options, &session, &err) == SGF_ERR_UNSUPPORTED);
        CHECK(!session && strstr(err.message, "AVX-512"));
    } else MUST(sgf_session_create(model, &options, &session, &err), err);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* What a caller forgets is said, and not computed. */
static void test_forgotten_masks_and_ids(void) {
    static const int32_t id = 3;
    sgf_model *model = forward_model("llama-headdim-bf16");
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 1) : NULL;
    sgf_layout layout;
    sgf_task task;
    sgf_error err;
    int32_t made[1];
    CHECK(session != NULL);
    if (!session) return;
    sgf_layout_init(&layout, NULL);
    MUST(sgf_layout_segment(&layout, SGF_ROLE_ANSWER, -1, NULL, &err), err);
    MUST(sgf_layout_add(&layout, 0, &id, 1, &err), err);
    sgf_layout_place(&layout, SGF_POSITIONS_SEQUENTIAL);
    memset(&task, 0, sizeof task);
    task.context = &layout;
    task.contexts = task.max_new_tokens = 1;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG &&
          strstr(err.message, "no ids"));
    task.ids = made;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG &&
          strstr(err.message, "sgf_mask_set"));
    sgf_mask_set(&layout, SGF_MASK_CAUSAL);
    MUST(sgf_generate(session, &task, 1, NULL, NULL, &err), err);
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}
static void test_layouts_that_are_not_encoded(void) {
    sgf_model *model = forward_model("llama-headdim-bf16");
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 1) : NULL;
    float *good, *again;
    int32_t sequence = 77, id;
    size_t bytes;
    sgf_layout l;
    sgf_error err;
    CHECK(session != NULL);
    if (!session) return;
    bytes = 3 * (size_t)model->config.vocab_size * sizeof(float);
    good = (float *)malloc(bytes), again = (float *)malloc(bytes);
    forward_random_state = 5;
    sgf_layout_init(&l, NULL);
    forward_segment(&l, SGF_ROLE_SHARED, 0, 3);
    sgf_layout_place(&l, SGF_POSITIONS_SEQUENTIAL);
    sgf_mask_set(&l, SGF_MASK_SHARED);
    MUST(sgf_forward_layout(session, &l, good, NULL, NULL, &err), err);
    id = l.token[1];
    l.token[1] = model->config.vocab_size;
    CHECK(sgf_forward_layout(session, &l, again, NULL, &sequence, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "token id") && sequence == 77);
    l.token[1] = id;
    l.pos[2] = model->config.context;
    CHECK(sgf_forward_layout(session, &l, again, NULL, &sequence, &err) == SGF_ERR_LIMIT);
    CHECK(strstr(err.message, "context") && sequence == 77);
    l.pos[2] = 2;
    MUST(sgf_forward_layout(session, &l, again, NULL, &sequence, &err), err);
    CHECK(!memcmp(good, again, bytes) && sequence == 0); /* what failed holds no sequence */
    free(good), free(again);
    sgf_layout_free(&l);
    sgf_session_free(session);
    sgf_model_free(model);
}
static void test_portable_fma_rounds_once(void) {
    const float above = 1 + FLT_EPSILON, below = 0.5f * (1 - FLT_EPSILON);
    int i;
    for (i = 0; i < 8; i++) { /* a tie in double precision, which the exact sum is not */
        float a = i & 1 ? -above : above, c = i & 2 ? -8388609.0f : 8388609.0f, x, y;
        c += i & 4 ? 1 : 0;
        x = fmaf(a, below, c);
        y = sgf__fma_portable(a, below, c);
        CHECK(!memcmp(&x, &y, sizeof x));
    }
    forward_random_state = 4;
    for (i = 0; i < 300000; i++) {
        float a = (float)forward_random(1u << 24) - 8e6f,
              b = (float)forward_random(1u << 24) - 8e6f,
              c = (float)forward_random(1u << 24) - 8e6f, x, y;
        if (i % 4 == 1) c = -a * b;
        if (i % 4 == 2) a *= 1e-30f, b *= 1e-22f, c *= 1e-45f;
        if (i % 4 == 3) c *= 1e9f;
        x = fmaf(a, b, c);
        y = sgf__fma_portable(a, b, c);
        CHECK(!memcmp(&x, &y, sizeof x));
    }
}

/* More segments than one word of a row of the visibility matrix has bits. */
static void test_many_segments_give_the_reference_bits(void) {
    enum { SEGMENTS = 150 };
    sgf_model *model = forward_model("llama-gqa-tied");
    sgf_layout layout;
    float *wanted, *fast;
    int32_t q, k;
    CHECK(model != NULL);
    if (!model) return;
    sgf_layout_init(&layout, NULL);
    forward_random_state = 12;
    for (q = 0; q < SEGMENTS; q++)
        forward_segment(&layout, SGF_ROLE_PARAPHRASE, q, 1 + (size_t)q % 3);
    sgf_mask_set(&layout, SGF_MASK_ISOLATED);
    for (q = 0; q < SEGMENTS; q++)
        for (k = 0; k < q; k++) sgf_visible_set(&layout, q, k, forward_random(4) == 0);
    sgf_layout_place(&layout, SGF_POSITIONS_ALIGNED);
    wanted = forward_reference(model, &layout);
    fast = forward_logits(model, &layout, SGF_KERNELS_AUTO, 2);
    CHECK(wanted && fast &&
          !memcmp(wanted, fast, layout.tokens * (size_t)model->config.vocab_size * sizeof(float)));
    free(wanted), free(fast);
    sgf_layout_free(&layout);
    sgf_model_free(model);
}
static void test_devices_of_this_build(void) {
    char text[64];
    sgf_error err;
    CHECK(!sgf_device_describe(SGF_DEVICE_CPU, text, sizeof text, &err) && !strcmp(text, "cpu"));
    CHECK(!sgf_device_describe(SGF_DEVICE_AUTO, text, sizeof text, &err) && !strcmp(text, "cpu"));
    CHECK(sgf_device_describe(SGF_DEVICE_CUDA, text, sizeof text, &err) == SGF_ERR_UNSUPPORTED);
    CHECK(strstr(err.message, "make cuda"));
}

/* A session is used again for layouts of other shapes: long and plain, then short and in many pieces. */
static void test_a_session_serves_layouts_of_every_shape(void) {
    sgf_model *model = forward_model("llama-gqa-tied");
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 1) : NULL;
    static const size_t lengths[] = {120, 60, 119, 33, 100};
    sgf_error err;
    size_t i, t, V;
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    forward_random_state = 9;
    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        sgf_layout layout;
        float *again = (float *)malloc(lengths[i] * V * sizeof(float)), *fresh;
        sgf_layout_init(&layout, NULL);
        if (i % 2 == 0) forward_segment(&layout, SGF_ROLE_SHARED, 0, lengths[i]);
        else {
            forward_segment(&layout, SGF_ROLE_PARAPHRASE, 0, lengths[i]);
            MUST(sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, 1, NULL, &err), err);
            for (t = 0; t < lengths[i]; t++) layout.seg[t] = (int32_t)(t & 1);
        }
        sgf_mask_set(&layout, SGF_MASK_CAUSAL);
        MUST(sgf_forward_layout(session, &layout, again, NULL, NULL, &err), err);
        fresh = forward_reference(model, &layout);
        CHECK(fresh && !memcmp(again, fresh, lengths[i] * V * sizeof(float)));
        free(again), free(fresh);
        sgf_layout_free(&layout);
    }
    sgf_session_free(session);
    sgf_model_free(model);
}

static void tests_forward(void) {
    RUN(test_tiles_of_any_shape_give_the_reference_bits);
    RUN(test_own_functions_are_accurate);
    RUN(test_bf16_is_what_it_says);
    RUN(test_bf16_halves_the_cache);
    RUN(test_sessions_that_are_refused);
    RUN(test_forgotten_masks_and_ids);
    RUN(test_layouts_that_are_not_encoded);
    RUN(test_portable_fma_rounds_once);
    RUN(test_many_segments_give_the_reference_bits);
    RUN(test_devices_of_this_build);
    RUN(test_matmul_gives_the_reference_bits);
    RUN(test_matmul_flushes_what_follows_tiny_numbers);
    RUN(test_odd_shapes_give_the_reference_bits);
    RUN(test_attention_of_tiny_numbers_gives_the_reference_bits);
    RUN(test_logits_equal_transformers);
    RUN(test_greedy_tokens_equal_transformers);
    RUN(test_kernels_and_threads_give_the_same_bits);
    RUN(test_cache_gives_the_bits_of_recomputation);
    RUN(test_batch_gives_the_bits_of_one_at_a_time);
    RUN(test_kernels_and_threads_give_the_same_bits_in_bf16);
    RUN(test_cache_gives_the_bits_of_recomputation_in_bf16);
    RUN(test_batch_gives_the_bits_of_one_at_a_time_in_bf16);
    RUN(test_parent_gives_the_bits_of_the_whole_in_bf16);
    RUN(test_parent_gives_the_bits_of_the_whole);
    RUN(test_rows_that_are_refused);
    RUN(test_isolation_is_exact);
    RUN(test_row_that_sees_nothing);
    RUN(test_a_session_serves_layouts_of_every_shape);
}
