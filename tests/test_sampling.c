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
    forward_segment(layout, SGF_SHARED, 0, 3);
    forward_segment(layout, SGF_PARAPHRASE, 0, 4);
    forward_segment(layout, SGF_SEPARATOR, 0, 1);
    forward_segment(layout, SGF_PARAPHRASE, 1, 2);
    forward_segment(layout, SGF_ANSWER, -1, 2);
    sgf_layout_place(layout, SGF_SEQUENTIAL);
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
        model->layer[l].q.dtype = SGF_F32;
        CHECK(!model->layer[l].q_bias.data);
    }
    if (model->config.sliding_window) model->config.sliding_window = 6;
    session = forward_session(model, SGF_KERNELS_AUTO, 2);
    watch_layout(&layout, SGF_SHARED_MASK);
    MUST(sgf_layout_mass(&layout, weights, 2, &err), err);
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
        /* token 10, the first of the answer: 3 keys, 4 with weight 3, 1 separator of paraphrase 1
           with weight 1, 2 keys with weight 1, itself; in the window are the last 6 */
        m = (const double(*)[WATCH_SEGMENTS])record->mass[10];
        CHECK(watch_near(m[l][1], windowed ? 6 / 10. : 12 / 19.));
        CHECK(watch_near(m[l][0], windowed ? 0 : 3 / 19.));
        CHECK(watch_near(m[l][3], windowed ? 2 / 10. : 2 / 19.));
        CHECK(watch_near(m[l][4], windowed ? 1 / 10. : 1 / 19.));
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

/* Masses sum to 1, or are 0 where nothing is seen; what the mask hides has none; rows that stand on
   parents have the same; watching changes no logit. */
static void test_attention_masses_are_shares(void) {
    sgf_model *model = forward_model("llama-headdim-bf16");
    sgf_session *session = model ? forward_session(model, SGF_KERNELS_AUTO, 2) : NULL;
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
    watch_layout(&layout, SGF_ISOLATED);
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
    sgf_layout_place(&prefix, SGF_SEQUENTIAL);
    sgf_mask_set(&prefix, SGF_ISOLATED);
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
    free(plain), free(watched), free(whole), free(tail);
    sgf_layout_free(&layout);
    sgf_layout_free(&prefix);
    sgf_session_free(session);
    sgf_model_free(model);
}

static void tests_sampling(void) {
    RUN(test_attention_masses_of_equal_scores_count_keys);
    RUN(test_attention_masses_are_shares);
}
