/* What a session shows of itself, and drawing tokens at random. */

/* ---- attention masses ---- */

enum { WATCH_ROWS = 64, WATCH_LAYERS = 8, WATCH_SEGMENTS = 8 };
typedef struct {
    double mass[WATCH_ROWS][WATCH_LAYERS][WATCH_SEGMENTS];
    size_t calls;
} watch_record;

static void watch_see(void *user, size_t row, int32_t layer, const double *mass, size_t segments) {
    watch_record *record = (watch_record *)user;
    if (row < WATCH_ROWS && layer < WATCH_LAYERS && segments <= WATCH_SEGMENTS)
        memcpy(record->mass[row][layer], mass, segments * sizeof *mass);
    record->calls++;
}
/* prefix (3 tokens), two paraphrases (4 and 2), a separator (1) between them, the answer (2) */
static void watch_layout(sgf_layout *layout, sgf_mask mask) {
    sgf_layout_init(layout, NULL);
    forward_random_state = 5;
    forward_segment(layout, SGF_ROLE_SHARED, 0, 3);
    forward_segment(layout, SGF_ROLE_PARAPHRASE, 0, 4);
    forward_segment(layout, SGF_ROLE_SEPARATOR, 0, 1);
    forward_segment(layout, SGF_ROLE_PARAPHRASE, 1, 2);
    forward_segment(layout, SGF_ROLE_ANSWER, -1, 2);
    sgf_layout_place(layout, SGF_POSITIONS_SEQUENTIAL);
    sgf_mask_set(layout, mask);
}
static int watch_near(double a, double b) {
    return fabs(a - b) < 1e-6;
}

/* With queries that are zero every visible key has the same weight: a segment's mass is its number
   of visible keys, times its mass in the layout for the answer's rows. */
static void watch_equal_scores(const char *name) {
    sgf_model *model = forward_model(name);
    sgf_session *session;
    sgf_layout layout;
    watch_record *record = (watch_record *)calloc(1, sizeof *record);
    double weights[2] = {3, 1};
    sgf_error err;
    float *zeros, *logits;
    size_t l, V;
    CHECK(model && record);
    if (!model || !record) return;
    V = (size_t)model->config.vocab_size;
    zeros = (float *)calloc(model->layer[0].q.rows * model->layer[0].q.cols, sizeof(float));
    for (l = 0; l < (size_t)model->config.layers; l++) {
        model->layer[l].q.data = zeros;
        model->layer[l].q.dtype = SGF_DTYPE_F32;
        CHECK(!model->layer[l].q_bias.data);
    }
    if (model->config.sliding_window) model->config.sliding_window = 6;
    session = forward_session(model, SGF_KERNELS_AUTO, 2);
    watch_layout(&layout, SGF_MASK_SHARED);
    MUST(sgf_layout_weigh(&layout, weights, 2, &err), err);
    logits = (float *)malloc(layout.tokens * V * sizeof(float));
    sgf_session_watch(session, watch_see, record);
    MUST(sgf_forward_layout(session, &layout, logits, NULL, NULL, &err), err);
    CHECK(record->calls == layout.tokens * (size_t)model->config.layers);
    for (l = 0; l < (size_t)model->config.layers; l++) {
        int windowed = sgf_config_window(&model->config, (int32_t)l) > 0;
        const double(*m)[WATCH_SEGMENTS] = NULL;
        /* token 5: 3 keys of the prefix, 3 of its own paraphrase */
        m = (const double(*)[WATCH_SEGMENTS])record->mass[5];
        CHECK(watch_near(m[l][0], 0.5) && watch_near(m[l][1], 0.5) && m[l][2] + m[l][3] == 0);
        /* token 8, the first of paraphrase 2: itself and the prefix, which a window of 6 leaves out
         */
        m = (const double(*)[WATCH_SEGMENTS])record->mass[8];
        CHECK(watch_near(m[l][0], windowed ? 0 : 0.75) && watch_near(m[l][3], windowed ? 1 : 0.25));
        /* token 10, the first of the answer: 3 keys, 4 and the separator behind them with weight
           3, 2 with weight 1, itself; in the window are the last 6 */
        m = (const double(*)[WATCH_SEGMENTS])record->mass[10];
        CHECK(watch_near(m[l][1], windowed ? 6 / 12. : 12 / 21.));
        CHECK(watch_near(m[l][0], windowed ? 0 : 3 / 21.));
        CHECK(watch_near(m[l][3], windowed ? 2 / 12. : 2 / 21.));
        CHECK(watch_near(m[l][4], windowed ? 1 / 12. : 1 / 21.));
    }
    free(zeros), free(logits), free(record);
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}

static void test_attention_masses_of_equal_scores_count_keys(void) {
    watch_equal_scores("mistral-window");
    watch_equal_scores("llama-headdim-bf16");
}

/* Masses sum to 1, or are 0 where nothing is seen; what the mask hides has none; rows of a sequence
   with a parent have the same; watching changes no logit. *first gets the masses of the whole. */
static void watch_shares(sgf_kernels kernels, watch_record *first) {
    sgf_model *model = forward_model("llama-headdim-bf16");
    sgf_session *session = model ? forward_session(model, kernels, 2) : NULL;
    sgf_layout layout;
    watch_record *whole = (watch_record *)calloc(1, sizeof *whole);
    watch_record *tail = (watch_record *)calloc(1, sizeof *tail);
    float *plain, *watched;
    size_t V, T, t, l, k, n = 0;
    int32_t parent, child;
    sgf_row rows[16];
    sgf_layout prefix;
    sgf_error err;
    CHECK(session && whole && tail);
    if (!session || !whole || !tail) return;
    V = (size_t)model->config.vocab_size;
    watch_layout(&layout, SGF_MASK_ISOLATED);
    T = layout.tokens;
    plain = (float *)malloc(T * V * sizeof(float));
    watched = (float *)malloc(T * V * sizeof(float));
    MUST(sgf_forward_layout(session, &layout, plain, NULL, NULL, &err), err);
    sgf_session_watch(session, watch_see, whole);
    MUST(sgf_forward_layout(session, &layout, watched, NULL, NULL, &err), err);
    CHECK(!memcmp(plain, watched, T * V * sizeof(float)));
    for (t = 0; t < T; t++)
        for (l = 0; l < (size_t)model->config.layers; l++) {
            double sum = 0;
            for (k = 0; k < layout.segments; k++) {
                double m = whole->mass[t][l][k];
                CHECK(m >= 0 && (m == 0 || sgf_visible(&layout, layout.seg[t], (int32_t)k)));
                sum += m;
            }
            CHECK(layout.seg[t] == 2 ? sum == 0 : fabs(sum - 1) < 1e-12);
        }
    /* the last 4 tokens as a child of the others */
    sgf_layout_init(&prefix, NULL);
    for (k = 0; k < 4; k++)
        MUST(sgf_layout_segment(&prefix, layout.segment[k].role, 0, NULL, &err), err);
    for (t = 0; t + 4 < T; t++)
        MUST(sgf_layout_add(&prefix, layout.seg[t], &layout.token[t], 1, &err), err);
    sgf_layout_place(&prefix, SGF_POSITIONS_SEQUENTIAL);
    sgf_mask_set(&prefix, SGF_MASK_ISOLATED);
    MUST(sgf_forward_layout(session, &prefix, NULL, NULL, &parent, &err), err);
    MUST(sgf_sequence_open(session, &layout, parent, &child, &err), err);
    for (t = T - 4; t < T; t++, n++) {
        rows[n].token = layout.token[t], rows[n].pos = layout.pos[t], rows[n].seg = layout.seg[t];
        rows[n].sequence = child, rows[n].want = 1;
    }
    sgf_session_watch(session, watch_see, tail);
    MUST(sgf_forward(session, rows, n, watched, NULL, &err), err);
    CHECK(tail->calls == 4 * (size_t)model->config.layers);
    CHECK(!memcmp(whole->mass[T - 4], tail->mass[0], 4 * sizeof tail->mass[0]));
    sgf_session_watch(session, NULL, NULL);
    MUST(sgf_forward_layout(session, &layout, watched, NULL, NULL, &err), err);
    CHECK(tail->calls == 4 * (size_t)model->config.layers);
    *first = *whole;
    free(plain), free(watched), free(whole), free(tail);
    sgf_layout_free(&layout);
    sgf_layout_free(&prefix);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* The reference's masses, bit for bit. */
static void test_attention_masses_are_shares(void) {
    static const sgf_kernels kernels[] = {SGF_KERNELS_REFERENCE, SGF_KERNELS_AUTO,
                                          SGF_KERNELS_PORTABLE};
    watch_record *record = (watch_record *)calloc(2, sizeof *record);
    size_t i;
    for (i = 0; record && i < 3; i++) {
        watch_shares(kernels[i], &record[i > 0]);
        CHECK(!memcmp(&record[0], &record[i > 0], sizeof *record));
    }
    free(record);
}

/* ---- the distribution ---- */

static void test_probabilities_of_small_cases(void) {
    float x[4], big[2] = {1000, 999}, odd[3] = {NAN, 1, NAN}, none[2] = {-INFINITY, -INFINITY},
                top[3] = {3, INFINITY, 5};
    double p[4];
    sgf_error err;
    x[0] = 0, x[1] = (float)log(4), x[2] = (float)log(2), x[3] = 0; /* 1 : 4 : 2 : 1 */
    MUST(sample_probabilities(x, 4, 1, 0, p, NULL, &err), err);
    CHECK(watch_near(p[0], 0.125) && watch_near(p[1], 0.5) && watch_near(p[2], 0.25) &&
          p[0] == p[3]);
    MUST(sample_probabilities(x, 4, 0.5, 1, p, NULL, &err), err); /* squares: 1 : 16 : 4 : 1 */
    CHECK(watch_near(p[0], 1 / 22.) && watch_near(p[1], 16 / 22.) && watch_near(p[2], 4 / 22.));
    MUST(sample_probabilities(x, 4, 2, 0, p, NULL, &err), err); /* roots: 1 : 2 : sqrt 2 : 1 */
    CHECK(watch_near(p[1], 2 / (4 + sqrt(2))));
    MUST(sample_probabilities(x, 4, 0, 0, p, NULL, &err), err); /* greedy */
    CHECK(p[0] == 0 && p[1] == 1 && p[2] == 0 && p[3] == 0);
    MUST(sample_probabilities(x, 4, 1e-30, 0, p, NULL, &err), err);
    CHECK(p[1] == 1);
    MUST(sample_probabilities(x, 4, 1, 0.45, p, NULL, &err), err);
    CHECK(p[1] == 1);
    MUST(sample_probabilities(x, 4, 1, 0.7, p, NULL, &err), err);
    CHECK(watch_near(p[1], 2 / 3.) && watch_near(p[2], 1 / 3.) && p[0] == 0 && p[3] == 0);
    MUST(sample_probabilities(x, 4, 1, 0.8, p, NULL, &err), err); /* a tie: the lowest id is kept */
    CHECK(watch_near(p[0], 1 / 7.) && p[3] == 0);
    MUST(sample_probabilities(big, 2, 1, 0, p, NULL, &err), err);
    CHECK(watch_near(p[0], 1 / (1 + exp(-1))));
    MUST(sample_probabilities(odd, 3, 1, 0.9, p, NULL, &err), err);
    CHECK(p[0] == 0 && p[1] == 1 && p[2] == 0);
    MUST(sample_probabilities(none, 2, 1, 0, p, NULL, &err), err);
    CHECK(p[0] == 1 && p[1] == 0);
    MUST(sample_probabilities(top, 3, 1, 0, p, NULL, &err), err);
    CHECK(p[0] == 0 && p[1] == 1 && p[2] == 0);
    p[0] = 7;
    CHECK(sample_probabilities(x, 4, -1, 0, p, NULL, &err) == SGF_ERR_ARG);
    CHECK(sample_probabilities(x, 4, NAN, 0, p, NULL, &err) == SGF_ERR_ARG);
    CHECK(sample_probabilities(x, 4, INFINITY, 0, p, NULL, &err) == SGF_ERR_ARG);
    CHECK(sample_probabilities(x, 4, 1, 1.5, p, NULL, &err) == SGF_ERR_ARG);
    CHECK(sample_probabilities(x, 4, 1, NAN, p, NULL, &err) == SGF_ERR_ARG);
    CHECK(sample_probabilities(x, 0, 1, 0, p, NULL, &err) == SGF_ERR_ARG);
    CHECK(p[0] == 7);
}

static float *sampling_logits(size_t n, uint32_t seed, int ties) {
    float *x = (float *)malloc(n * sizeof *x);
    size_t i;
    forward_random_state = seed;
    for (i = 0; x && i < n; i++)
        x[i] = ties ? (float)forward_random(9) : (float)forward_random(1u << 20) / 131072.0f;
    return x;
}
/* The nucleus as it is defined: ids ranked by a plain sort, the first ones that reach the share. */
static void sampling_nucleus(const float *weight, size_t n, double share, float *out) {
    int32_t *id = (int32_t *)malloc(n * sizeof *id), swap;
    double whole = 0, sum = 0;
    size_t i, j;
    for (i = 0; i < n; i++) whole += (double)weight[i];
    for (i = 0; i < n; i++) {
        id[i] = (int32_t)i;
        for (j = i; j > 0 && weight[id[j]] > weight[id[j - 1]]; j--)
            swap = id[j], id[j] = id[j - 1], id[j - 1] = swap;
        out[i] = 0;
    }
    for (i = 0; i < n && sum < share * whole; i++) {
        out[id[i]] = weight[id[i]];
        sum += (double)weight[id[i]];
    }
    free(id);
}
/* The weights have the bits of the library's exp; top-p keeps what a sort says. */
static void test_weights_are_the_library_s(void) {
    static const double temperature[] = {0.3, 1, 1.5}, share[] = {0, 0.1, 0.5, 0.9, 0.999, 1};
    enum { N = 1003 };
    float plain[N], other[N], wanted[N];
    int32_t heap[N];
    size_t c, t, k, i;
    for (c = 0; c < 6; c++)
        for (t = 0; t < 3; t++)
            for (k = 0; k < 6; k++) {
                float *x = sampling_logits(N, (uint32_t)c + 1, c > 3);
                float top = x[sgf__argmax(x, N)];
                if (c == 3) x[5] = NAN, x[8] = -INFINITY, x[9] = -300;
                for (i = 0; i < N; i++) {
                    plain[i] = sgf__exp((x[i] - top) / (float)temperature[t]);
                    if (plain[i] != plain[i]) plain[i] = 0;
                }
                if (share[k] > 0 && share[k] < 1) sampling_nucleus(plain, N, share[k], wanted);
                else memcpy(wanted, plain, sizeof wanted);
                sample_weights(x, N, sgf__argmax(x, N), temperature[t], share[k], other, heap);
                CHECK(!memcmp(other, wanted, sizeof wanted));
                sample_temper(x, N, top, (float)temperature[t], other);
                CHECK(!memcmp(other, plain, sizeof plain));
                free(x);
            }
}

/* A draw inverts the cumulative distribution: every id is drawn for just the u in its interval. */
static void test_a_draw_inverts_the_distribution(void) {
    static const float weight[] = {0, 2, 0, 1, 4, 0, 1, 0}; /* borders at 1/4, 3/8, 7/8 of 8 */
    CHECK(sample_draw(weight, 8, 0) == 1 && sample_draw(weight, 8, 0.2499) == 1);
    CHECK(sample_draw(weight, 8, 0.25) == 3 && sample_draw(weight, 8, 0.3749) == 3);
    CHECK(sample_draw(weight, 8, 0.375) == 4 && sample_draw(weight, 8, 0.8749) == 4);
    CHECK(sample_draw(weight, 8, 0.875) == 6 && sample_draw(weight, 8, 1 - 0x1p-53) == 6);
    CHECK(sample_draw(weight, 1, 0.5) == 0);
}
/* Pearson's statistic of the counts against the probabilities; ids that cannot be drawn must not
   be. Ids of less than 5 expected draws are pooled. *freedom gets the degrees of freedom. */
static double sampling_chi2(const size_t *count, const double *p, size_t n, size_t draws,
                            int *freedom) {
    double chi2 = 0, rest = 0, rest_count = 0, d;
    size_t i;
    *freedom = -1;
    for (i = 0; i < n; i++) {
        double expected = p[i] * (double)draws;
        if (p[i] <= 0) CHECK(count[i] == 0);
        if (expected < 5) {
            rest += expected;
            rest_count += (double)count[i];
            continue;
        }
        d = (double)count[i] - expected;
        chi2 += d * d / expected;
        ++*freedom;
    }
    if (rest > 0) d = rest_count - rest, chi2 += d * d / rest, ++*freedom;
    return chi2;
}
/* The 99.9% point of chi-square, by Wilson and Hilferty: good to 1% from 3 degrees of freedom. */
static double sampling_critical(int freedom) {
    double v = 2.0 / (9.0 * freedom), root = 1 - v + 3.0902 * sqrt(v);
    return freedom * root * root * root;
}
static void test_draws_follow_the_distribution(void) {
    enum { N = 60, DRAWS = 100000 };
    static const double share[] = {0, 0.8};
    size_t count[N], i, k;
    double p[N];
    float weight[N], *x = sampling_logits(N, 7, 0);
    int32_t heap[N];
    py_random random;
    sgf_error err;
    int freedom;
    for (k = 0; k < 2; k++) {
        double chi2;
        MUST(sample_probabilities(x, N, 1.5, share[k], p, NULL, &err), err);
        sample_weights(x, N, sgf__argmax(x, N), 1.5, share[k], weight, heap);
        memset(count, 0, sizeof count);
        py_random_seed(&random, 2026);
        for (i = 0; i < DRAWS; i++) count[sample_draw(weight, N, py_random_double(&random))]++;
        chi2 = sampling_chi2(count, p, N, DRAWS, &freedom);
        CHECK(freedom > 5 && chi2 < sampling_critical(freedom));
        p[3] += 0.01, p[7] -= 0.01; /* the test itself can see a difference of one in a hundred */
        if (k == 0 && p[7] > 0)
            CHECK(sampling_chi2(count, p, N, DRAWS, &freedom) > sampling_critical(freedom));
    }
    free(x);
}

/* ---- drawing in sgf_generate ---- */

enum { SAMPLING_TASKS = 12, SAMPLING_LENGTH = 6 };
typedef struct {
    int32_t ids[SAMPLING_TASKS][SAMPLING_LENGTH];
    size_t count[SAMPLING_TASKS], prefill, V;
    size_t number[SAMPLING_TASKS]; /* of the tasks of the call */
    float *logits;                 /* [tasks][SAMPLING_LENGTH][V] */
    sampling draws;
    int probabilities; /* the combined logits are some: draw by their logarithms */
} sampling_result;

static int sampling_keep(void *user, size_t task, size_t step, const float *logits,
                         int32_t *chosen) {
    sampling_result *r = (sampling_result *)user;
    float *kept;
    size_t v;
    int status;
    task = r->number[task];
    kept = r->logits + (task * SAMPLING_LENGTH + step) * r->V;
    memcpy(kept, logits, r->V * sizeof(float));
    for (v = 0; r->probabilities && v < r->V; v++) kept[v] = logf(logits[v]);
    status = sample_step(&r->draws, task, step, kept, chosen);
    memcpy(kept, logits, r->V * sizeof(float));
    return status;
}
/* Six tasks on each of two questions: greedy first, then drawing, the last two with top-p. `how`:
   0 all in one call, 1 one by one from the last to the first, 2 the questions in turn, so that no two
   neighbours share a prompt. */
static int sampling_run(const sgf_model *model, const char *name, sgf_session *session, int how,
                        sampling_result *r) {
    generate_texts_all all;
    sgf_layout layout[2][3];
    sgf_task task[SAMPLING_TASKS], mixed[SAMPLING_TASKS];
    base_arena arena;
    sgf_method method;
    sgf_error err;
    size_t q, c, i, contexts;
    int ok = !sgf_method_find(name, &method, &err);
    generate_prompts(&all, 3);
    memset(r, 0, sizeof *r);
    memset(task, 0, sizeof task);
    contexts = method.contexts == SGF_CONTEXTS_ENSEMBLE ? 3 : 1;
    r->probabilities = contexts > 1 && method.combine == SGF_COMBINE_MAX;
    r->V = (size_t)model->config.vocab_size;
    r->logits = (float *)calloc(SAMPLING_TASKS * SAMPLING_LENGTH * r->V, sizeof(float));
    for (q = 0; q < 2; q++)
        for (c = 0; c < contexts; c++) {
            sgf_layout_init(&layout[q][c], NULL);
            ok = ok && !sgf_prompt_layout(model->tokenizer, &all.prompt[q], &method, c,
                                          &layout[q][c], &err);
        }
    base_arena_init(&arena, NULL);
    ok = ok && !sampling_make(&r->draws, SAMPLING_TASKS, r->V, &arena, &err);
    for (i = 0; ok && i < SAMPLING_TASKS; i++) {
        r->number[i] = i;
        task[i].context = layout[i / 6];
        task[i].contexts = contexts;
        task[i].combine = method.combine;
        task[i].ids = r->ids[i];
        task[i].max_new_tokens = SAMPLING_LENGTH;
        r->draws.task[i].temperature = i % 6 ? 2.5 : 0;
        r->draws.task[i].top_p = i % 6 > 3 ? 0.9 : 0;
        py_random_seed(&r->draws.task[i].random, (int64_t)i + 1);
    }
    if (how == 0) ok = ok && !sgf_generate(session, task, SAMPLING_TASKS, sampling_keep, r, &err);
    for (i = SAMPLING_TASKS; how == 1 && ok && i-- > 0;) {
        r->number[0] = i;
        ok = !sgf_generate(session, &task[i], 1, sampling_keep, r, &err);
    }
    for (i = 0; how == 2 && i < SAMPLING_TASKS; i++)
        mixed[i] = task[r->number[i] = i % 2 * 6 + i / 2];
    if (how == 2) ok = ok && !sgf_generate(session, mixed, SAMPLING_TASKS, sampling_keep, r, &err);
    for (i = 0; how == 2 && i < SAMPLING_TASKS; i++) task[i % 2 * 6 + i / 2] = mixed[i];
    if (!ok) printf("    %s\n", err.message);
    for (i = 0; i < SAMPLING_TASKS; i++) {
        r->count[i] = task[i].count;
        r->prefill += task[i].prefill_tokens;
    }
    for (q = 0; q < 2; q++)
        for (c = 0; c < contexts; c++) sgf_layout_free(&layout[q][c]);
    base_arena_free(&arena);
    return ok;
}
static int sampling_same_ids(const sampling_result *a, const sampling_result *b) {
    return !memcmp(a->ids, b->ids, sizeof a->ids) && !memcmp(a->count, b->count, sizeof a->count);
}

/* Samples that share a prompt have the bits of samples that do not, with any kernels and threads, in
   any order, alone or together; the prompt is computed once. */
static void test_a_shared_prompt_changes_no_bit(void) {
    static const char *const methods[] = {"origin", "avg", "max", "flex_attention", "fused"};
    static const sgf_kernels kernels[] = {SGF_KERNELS_AUTO, SGF_KERNELS_PORTABLE};
    sgf_model *model = generate_model();
    sgf_session_options options;
    size_t m, i, set;
    int different = 0;
    CHECK(model != NULL);
    if (!model) return;
    for (m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        sampling_result alone, shared, mixed;
        sgf_session *session = generate_session(model, 1, 1);
        CHECK(sampling_run(model, methods[m], session, 1, &alone));
        sgf_session_free(session);
        for (set = 0; set < 2; set++) {
            memset(&options, 0, sizeof options);
            options.threads = (int)set + 1;
            options.kernels = kernels[set];
            if (sgf_session_create(model, &options, &session, NULL)) continue;
            CHECK(sampling_run(model, methods[m], session, 0, &shared));
            CHECK(sampling_same_ids(&alone, &shared));
            CHECK(!memcmp(alone.logits, shared.logits,
                          SAMPLING_TASKS * SAMPLING_LENGTH * alone.V * sizeof(float)));
            CHECK(shared.prefill * 4 < alone.prefill);
            CHECK(sampling_run(model, methods[m], session, 2, &mixed));
            CHECK(sampling_same_ids(&alone, &mixed));
            CHECK(!memcmp(alone.logits, mixed.logits,
                          SAMPLING_TASKS * SAMPLING_LENGTH * alone.V * sizeof(float)));
            CHECK(mixed.prefill > shared.prefill);
            free(shared.logits), free(mixed.logits);
            sgf_session_free(session);
        }
        for (i = 1; i < SAMPLING_TASKS; i++)
            different += i != 6 && memcmp(alone.ids[i], alone.ids[i / 6 * 6], sizeof alone.ids[0]);
        free(alone.logits);
    }
    CHECK(different > 10); /* the samples are samples */
    sgf_model_free(model);
}

/* The first tokens of 600 samples of one prompt against the probabilities of its logits. */
typedef struct {
    double p[8192];
    size_t count[8192], V;
    sampling draws;
} sampling_first;
static int sampling_first_step(void *user, size_t task, size_t step, const float *logits,
                               int32_t *chosen) {
    sampling_first *first = (sampling_first *)user;
    const sampler *s = &first->draws.task[task];
    if (sample_step(&first->draws, task, step, logits, chosen)) return 1;
    if (step) return 0;
    first->count[*chosen]++;
    return sample_probabilities(logits, first->V, s->temperature, s->top_p, first->p, NULL, NULL) !=
           SGF_OK;
}
static void test_samples_follow_the_model(void) {
    enum { SAMPLES = 600 };
    static const double temperatures[] = {1.5, 1, 0.8};
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 2, 0) : NULL;
    sgf_task *task = (sgf_task *)calloc(SAMPLES, sizeof *task);
    sampling_first *first = (sampling_first *)calloc(1, sizeof *first);
    base_arena arena;
    int32_t ids[SAMPLES][2];
    generate_texts_all all;
    sgf_layout layout;
    sgf_method method;
    sgf_error err;
    size_t i, t;
    int freedom;
    CHECK(session && task && first && model->config.vocab_size <= 8192);
    if (!session || !task || !first) return;
    first->V = (size_t)model->config.vocab_size;
    base_arena_init(&arena, NULL);
    MUST(sampling_make(&first->draws, SAMPLES, first->V, &arena, &err), err);
    generate_prompts(&all, 1);
    sgf_layout_init(&layout, NULL);
    MUST(sgf_method_find("origin", &method, &err), err);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[3], &method, 0, &layout, &err), err);
    for (t = 0; t < 3; t++) {
        memset(task, 0, SAMPLES * sizeof *task);
        memset(first->count, 0, sizeof first->count);
        for (i = 0; i < SAMPLES; i++) {
            char seed[32];
            snprintf(seed, sizeof seed, "sample %d", (int)i);
            py_random_seed_text(&first->draws.task[i].random, sgf_text(seed));
            first->draws.task[i].temperature = temperatures[t], first->draws.task[i].top_p = 0.9;
            task[i].context = &layout, task[i].contexts = 1, task[i].ids = ids[i];
            task[i].max_new_tokens = t ? 1 : 2;
        }
        MUST(sgf_generate(session, task, SAMPLES, sampling_first_step, first, &err), err);
        CHECK(sampling_chi2(first->count, first->p, first->V, SAMPLES, &freedom) <
              sampling_critical(freedom));
        CHECK(freedom > (t ? 0 : 2));
    }
    free(task), free(first);
    base_arena_free(&arena);
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* A step function may choose any id of the vocabulary, and no other. */
static int sampling_choose(void *user, size_t task, size_t step, const float *logits,
                           int32_t *chosen) {
    (void)task, (void)logits;
    if (step == 1) *chosen = *(const int32_t *)user;
    return 0;
}
static void test_a_step_function_chooses_the_token(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_layout layout;
    sgf_method method;
    sgf_task task;
    sgf_error err;
    int32_t ids[4], greedy[4], V, own;
    CHECK(session != NULL);
    if (!session) return;
    V = model->config.vocab_size;
    generate_prompts(&all, 1);
    sgf_layout_init(&layout, NULL);
    MUST(sgf_method_find("origin", &method, &err), err);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    memset(&task, 0, sizeof task);
    task.context = &layout, task.contexts = 1, task.ids = ids, task.max_new_tokens = 4;
    MUST(sgf_generate(session, &task, 1, NULL, NULL, &err), err);
    memcpy(greedy, ids, sizeof ids);
    for (own = 0; own < V; own += V - 1) {
        size_t n;
        MUST(sgf_generate(session, &task, 1, sampling_choose, &own, &err), err);
        CHECK(ids[0] == greedy[0] && ids[1] == own);
        n = task.count; /* what follows is what follows these ids */
        MUST(sgf_layout_add(&layout, layout.answer, ids, 2, &err), err);
        sgf_layout_place(&layout, method.positions);
        task.ids = ids + 2, task.max_new_tokens = 2;
        memcpy(greedy, ids, sizeof ids);
        if (n > 2) MUST(sgf_generate(session, &task, 1, NULL, NULL, &err), err);
        CHECK(n == 2 || (task.count + 2 == n && !memcmp(ids, greedy, n * sizeof *ids)));
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
        task.ids = ids, task.max_new_tokens = 4;
    }
    for (own = -1; own <= V; own += V + 1) {
        CHECK(sgf_generate(session, &task, 1, sampling_choose, &own, &err) == SGF_ERR_ARG);
        CHECK(strstr(err.message, "the vocabulary has") != NULL);
    }
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}

/* ---- segfuse confidence ---- */

static struct table *confidence_read(const char *name) {
    char path[1400];
    struct table *table = NULL;
    sgf_error err;
    snprintf(path, sizeof path, "%s/confidence.feather", temp_path(name));
    if (table_read(path, NULL, &table, &err)) printf("    %s\n", err.message);
    return table;
}
static int confidence_same_text(sgf_str a, sgf_str b) {
    return a.len == b.len && !memcmp(a.ptr, b.ptr, a.len);
}
/* The columns of DESIGN's table, their types, and what must hold between them. */
static void test_confidence_file(void) {
    static const char *const names[] = {"uuid",         "paraphrase",     "prompt",
                                        "answers",      "greedy_predict", "sample_predicts",
                                        "greedy_lemma", "sample_lemmas",  "answer_lemmas",
                                        "confidence"};
    static const sgf_column_type types[] = {SGF_COLUMN_UTF8,           SGF_COLUMN_UTF8,
                                            SGF_COLUMN_UTF8,           SGF_COLUMN_LIST_UTF8,
                                            SGF_COLUMN_UTF8,           SGF_COLUMN_LIST_UTF8,
                                            SGF_COLUMN_LIST_UTF8,      SGF_COLUMN_LIST_LIST_UTF8,
                                            SGF_COLUMN_LIST_LIST_UTF8, SGF_COLUMN_F64};
    struct table *t;
    size_t row, i, varied = 0;
    int c;
    program_says("build/segfuse confidence --max_samples 4 --num_paraphrases 3 --num_samples 30 "
                 "--quiet --output '%s/c'",
                 0, "4 questions, 12 prompts, 30 samples each");
    t = confidence_read("c");
    CHECK(t && table_columns(t) == 10 && table_rows(t) == 12);
    if (!t) return;
    for (c = 0; c < 10; c++)
        CHECK(!strcmp(table_name(t, c), names[c]) && table_type(t, c) == types[c]);
    for (row = 0; row < 12; row++) {
        sgf_str greedy = cell_text(t, 4, row);
        size_t n = cell_count(t, 5, row), matches = 0, count;
        CHECK(n == 30 && cell_count(t, 7, row) == 30);
        CHECK(cell_count(t, 8, row) == cell_count(t, 3, row));
        for (i = 0; i < n; i++) {
            int two_way = 0;
            lemma_list lemmas;
            sgf_str sample = cell_list(t, 5, row)[i];
            CHECK(!memchr(sample.ptr, '\n', sample.len));
            CHECK(!lemma_match_any(sample, &greedy, 1, NULL, &two_way, NULL));
            matches += (size_t)two_way;
            varied += !confidence_same_text(sample, greedy);
            CHECK(!lemma_list_make(sample, NULL, &lemmas, NULL));
            cell_inner(t, 7, row, i, &count);
            CHECK(count == lemmas.count);
            lemma_list_free(&lemmas);
        }
        CHECK(cell_f64(t, 9, row) == (double)matches / 30);
    }
    CHECK(varied > 10);
    table_free(t);
    program_says("build/segfuse confidence --max_samples 4 --num_paraphrases 3 --num_samples 30 "
                 "--output '%s/c'",
                 0, "nothing to do");
    program_says("build/segfuse confidence --max_samples 4 --num_paraphrases 3 --num_samples 31 "
                 "--output '%s/c'",
                 1, "another configuration");
}
/* What a prompt's samples are depends on nothing but the prompt and the seed. */
static void test_confidence_does_not_depend_on_the_rest(void) {
    struct table *few, *many;
    size_t row, i, other = 0;
    program_says("build/segfuse confidence --max_samples 3 --num_paraphrases 2 --num_samples 20 "
                 "--quiet --batch_size 1 --threads 1 --kernels portable --output '%s/few'",
                 0, "");
    program_says("build/segfuse confidence --max_samples 6 --num_paraphrases 4 --num_samples 30 "
                 "--quiet --batch_size 7 --threads 3 --output '%s/many'",
                 0, "");
    program_says("build/segfuse confidence --max_samples 3 --num_paraphrases 2 --num_samples 20 "
                 "--quiet --batch_size 5 --seed 43 --output '%s/seed'",
                 0, "");
    few = confidence_read("few");
    many = confidence_read("many");
    CHECK(few && many && table_rows(few) == 6 && table_rows(many) == 24);
    for (row = 0; few && many && row < 6; row++) {
        size_t twin = row / 2 * 4 + row % 2;
        CHECK(confidence_same_text(cell_text(few, 1, row), cell_text(many, 1, twin)));
        CHECK(confidence_same_text(cell_text(few, 4, row), cell_text(many, 4, twin)));
        for (i = 0; i < 20; i++)
            CHECK(confidence_same_text(cell_list(few, 5, row)[i], cell_list(many, 5, twin)[i]));
    }
    table_free(many);
    many = confidence_read("seed");
    for (row = 0; few && many && row < 6; row++)
        for (i = 0; i < 20; i++)
            other += !confidence_same_text(cell_list(few, 5, row)[i], cell_list(many, 5, row)[i]);
    CHECK(other > 3);
    table_free(few);
    table_free(many);
}
/* --write_confidence gives a file of samples the columns it lacks: the very file that was there. */
static void test_write_confidence_restores_the_columns(void) {
    char path[1400];
    sgf_error err;
    struct table *t;
    program_says("build/segfuse confidence --max_samples 2 --num_paraphrases 2 --num_samples 10 "
                 "--quiet --output '%s/w'",
                 0, "");
    program_says("cp '%s/w/confidence.feather' '%s/w/whole'", 0, "");
    t = confidence_read("w");
    CHECK(t != NULL);
    if (!t) return;
    while (table_columns(t) > 6) table_drop(t, 6);
    snprintf(path, sizeof path, "%s/confidence.feather", temp_path("w"));
    MUST(table_write_feather(t, path, &err), err);
    table_free(t);
    program_says("cmp '%s/w/confidence.feather' '%s/w/whole'", 1, "differ");
    program_says("build/segfuse confidence --write_confidence --output '%s/w'", 0, "4 rows added");
    program_says("cmp '%s/w/confidence.feather' '%s/w/whole' && echo same", 0, "same");
    program_says("build/segfuse confidence --write_confidence --output '%s/w'", 0, "nothing to do");
    program_says("build/segfuse confidence --write_confidence --output '%s/none'", 1,
                 "is not there");
}
static void test_confidence_wrong_usage(void) {
    program_says("build/segfuse confidence --help", 0, "--num_samples");
    program_says("build/segfuse confidence --temperature 0", 2, "--temperature is above 0");
    program_says("build/segfuse confidence --temperature hot", 2, "needs a number");
    program_says("build/segfuse confidence --temperature -1", 2, "needs a number");
    program_says("build/segfuse confidence --top_p 1.5", 2, "at most 1");
    program_says("build/segfuse confidence --num_samples 0", 2, "from 1 to");
    program_says("build/segfuse confidence --data '%s/none.jsonl' --output '%s/x'", 1,
                 "segfuse confidence: ");
}

/* ---- segfuse paraphrase ---- */

/* The processed schema, in every format; the same rows whatever is computed together; every wording
   there, and none of one question twice unless it is the question. */
static void test_paraphrase_writes_the_processed_schema(void) {
    struct table *t = NULL;
    size_t row;
    int k, i;
    sgf_error err;
    program_file("raw.jsonl",
                 "{\"question\": \"What is the capital of Japan?\", \"answers\": [\"Tokyo\"]}\n"
                 "{\"question\": \"Who wrote Hamlet?\", \"answers\": [\"Shakespeare\", \"Bard\"]}\n"
                 "{\"question\": \"What is iron's symbol?\", \"answers\": [\"Fe\"]}\n");
    program_says("build/segfuse paraphrase --data '%s/raw.jsonl' --output '%s/p.jsonl'", 0,
                 "3 questions, 5 new wordings each");
    program_says("build/segfuse paraphrase --data '%s/raw.jsonl' --output '%s/p.feather' "
                 "--batch_size 1 --threads 1 --kernels portable --quiet",
                 0, "");
    program_says("build/segfuse paraphrase --data '%s/raw.jsonl' --output '%s/p.csv' --quiet", 0,
                 "");
    program_says("build/segfuse paraphrase --data '%s/raw.jsonl' --output '%s/p.csv'", 1,
                 "already exists");
    MUST(table_read(temp_path("p.feather"), NULL, &t, &err), err);
    CHECK(table_rows(t) == 3 && table_columns(t) == 8);
    for (row = 0; row < 3; row++)
        for (k = 1; k <= 5; k++) {
            sgf_str text = cell_text(t, 2 + k, row);
            CHECK(text.len > 0);
            for (i = 1; i < k; i++)
                CHECK(!confidence_same_text(text, cell_text(t, 2 + i, row)) ||
                      confidence_same_text(text, cell_text(t, 2, row)));
        }
    MUST(table_write_jsonl(t, temp_path("again.jsonl"), &err), err);
    MUST(table_write_csv(t, temp_path("again.csv"), &err), err);
    table_free(t);
    program_says("cmp '%s/p.jsonl' '%s/again.jsonl' && echo same", 0, "same");
    program_says("cmp '%s/p.csv' '%s/again.csv' && echo same", 0, "same");
    program_says("build/segfuse generate --method avg --data '%s/p.jsonl' --output '%s/po'", 0,
                 "avg");
}
static void test_paraphrase_wrong_usage(void) {
    program_says("build/segfuse paraphrase --help", 0, "--num_paraphrases");
    program_says("build/segfuse paraphrase --output x.parquet", 2, "ends in .jsonl");
    program_says("build/segfuse paraphrase --num_paraphrases 6", 2, "from 1 to 5");
    program_says("build/segfuse paraphrase --top_p 0", 2, "above 0");
}

static void tests_sampling(void) {
    RUN(test_attention_masses_of_equal_scores_count_keys);
    RUN(test_attention_masses_are_shares);
    RUN(test_probabilities_of_small_cases);
    RUN(test_weights_are_the_library_s);
    RUN(test_a_draw_inverts_the_distribution);
    RUN(test_draws_follow_the_distribution);
    RUN(test_a_shared_prompt_changes_no_bit);
    RUN(test_samples_follow_the_model);
    RUN(test_a_step_function_chooses_the_token);
    RUN(test_confidence_file);
    RUN(test_confidence_does_not_depend_on_the_rest);
    RUN(test_write_confidence_restores_the_columns);
    RUN(test_confidence_wrong_usage);
    RUN(test_paraphrase_writes_the_processed_schema);
    RUN(test_paraphrase_wrong_usage);
}
