/* Masks looked into: attention over spans against the reference, leaks against brute force on the
   token graph, explanations, dense masks from files, matrices of one's own. */

/* A random layout of T tokens: ragged runs, several spans of a segment, empty segments, any matrix,
   rows that see nothing, masses. */
static void mask_random_layout(sgf_layout *layout, size_t T, size_t vocabulary) {
    static const float mass[4] = {0, -1.5f, 0.25f, -0.6931472f};
    uint32_t S = 1 + forward_random(6), density = forward_random(5), q, k;
    int32_t segment = 0;
    size_t t;
    sgf_layout_clear(layout);
    for (q = 0; q < S; q++) {
        sgf_role role = (sgf_role)forward_random(SGF_ROLE_COUNT);
        sgf_layout_segment(layout, role, (int32_t)forward_random(4) - 1, NULL, NULL);
        layout->segment[q].log_weight = mass[forward_random(4)];
    }
    for (q = 0; q < S; q++)
        for (k = 0; k < S; k++)
            sgf_visible_set(layout, (int32_t)q, (int32_t)k, forward_random(4) < density);
    if (forward_random(3) == 0)
        for (q = forward_random(S), k = 0; k < S; k++)
            sgf_visible_set(layout, (int32_t)q, (int32_t)k, 0);
    for (t = 0; t < T; t++) {
        int32_t id = (int32_t)forward_random((uint32_t)vocabulary);
        if (!t || forward_random(3) == 0) segment = (int32_t)forward_random(S);
        sgf_layout_add(layout, segment, &id, 1, NULL);
        if (density % 2) layout->pos[t] = (int32_t)forward_random(60);
    }
    layout->answer = (int32_t)forward_random(S + 1) - 1;
}

/* ---- attention ---- */

/* Cases on one model; every 40th is long enough for more than one page of the cache. Every kernel set
   in turn gives the reference's hidden states. */
static void mask_attention(const char *name, int cases) {
    static float wanted[64 * 128], hidden[64 * 128];
    sgf_model *model = forward_model(name);
    sgf_session *session[SGF_KERNELS_COUNT];
    sgf_layout layout;
    sgf_error err;
    int i, wrong = 0, zero_rows = 0, sets = 0;
    size_t q, k;
    CHECK(model != NULL);
    if (!model) return;
    for (i = 0; i < SGF_KERNELS_COUNT; i++) {
        session[sets] = forward_session(model, (sgf_kernels)i, 1);
        sets += session[sets] != NULL; /* this processor may not have them */
    }
    CHECK(model->config.dim <= 128 && sets >= 3);
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < cases; i++) {
        size_t T = i % 40 == 39 ? 33 + forward_random(24) : 1 + forward_random(11);
        mask_random_layout(&layout, T, (size_t)model->config.vocab_size);
        layout.mixture = i % 3 == 1;
        for (q = 0; q < T; q++) {
            for (k = 0; k <= q && !sgf_visible(&layout, layout.seg[q], layout.seg[k]);) k++;
            zero_rows += k > q;
        }
        MUST(sgf_reference_forward(model, SGF_ARITHMETIC_F32, &layout, wanted, NULL, &err), err);
        MUST(sgf_forward_layout(session[i % sets], &layout, NULL, hidden, NULL, &err), err);
        if (memcmp(wanted, hidden, T * (size_t)model->config.dim * sizeof(float)) && wrong++ < 3)
            printf("    %s: case %d of %d tokens differs\n", name, i, (int)T);
    }
    CHECK(!wrong && zero_rows > cases / 10);
    for (i = 0; i < sets; i++) sgf_session_free(session[i]);
    sgf_layout_free(&layout);
    sgf_model_free(model);
}
static void test_attention_equals_the_reference(void) {
    forward_random_state = 11;
    mask_attention("llama-gqa-tied", 900);
    mask_attention("qwen3", 900);
    mask_attention("qwen2", 900);
    mask_attention("mistral-window", 300);
}

/* ---- leaks ---- */

/* How many hops what token k knows takes to every token, by the definition; -1: it does not get
   there. */
static void mask_reach(const uint8_t *dense, size_t T, int32_t (*hops)[64]) {
    size_t source, q, k, round;
    for (source = 0; source < T; source++) {
        for (q = 0; q < T; q++) hops[source][q] = q == source ? 0 : -1;
        for (round = 1; round <= T; round++)
            for (q = 0; q < T; q++)
                for (k = 0; k < T && hops[source][q] < 0; k++)
                    if (dense[q * T + k] && hops[source][k] >= 0 &&
                        hops[source][k] < (int32_t)round)
                        hops[source][q] = (int32_t)round;
    }
}
/* The fewest hops between two segments, 0 if it takes more than `layers`. */
static int32_t mask_hops(const sgf_layout *layout, int32_t (*hops)[64], int32_t from, int32_t to,
                         size_t layers) {
    int32_t best = INT32_MAX;
    size_t q, k;
    for (k = 0; k < layout->tokens; k++)
        for (q = 0; q < layout->tokens; q++)
            if (layout->seg[k] == from && layout->seg[q] == to && hops[k][q] >= 0 &&
                hops[k][q] < best)
                best = hops[k][q];
    return best == INT32_MAX || (layers && (size_t)best > layers) ? 0 : best;
}
/* A path is what it says: from segment to segment, every token seen by the next. */
static int mask_path_holds(const sgf_layout *layout, const uint8_t *dense, const sgf_leak *leak) {
    size_t i, T = layout->tokens;
    if (leak->tokens != leak->hops + 1 || layout->seg[leak->path[0]] != leak->from ||
        layout->seg[leak->path[leak->hops]] != leak->to)
        return 0;
    for (i = 0; i < leak->hops; i++)
        if (!dense[(size_t)leak->path[i + 1] * T + (size_t)leak->path[i]]) return 0;
    return 1;
}
/* sgf_mask_leaks on one mask against the definition. */
static int mask_leaks_agree(const sgf_layout *layout, const uint8_t *dense, int own,
                            sgf_mask promise, size_t layers, size_t *leaking) {
    static int32_t hops[64][64];
    sgf_leak leaks[36];
    size_t count = 99, n = 0;
    int32_t from, to, S = (int32_t)layout->segments;
    mask_reach(dense, layout->tokens, hops);
    if (sgf_mask_leaks(layout, own ? NULL : dense, promise, layers, leaks, 36, &count, NULL))
        return 0;
    for (from = 0; from < S; from++)
        for (to = 0; to < S; to++) {
            int32_t wanted = sgf_mask_allows(promise, &layout->segment[from], &layout->segment[to])
                                 ? 0
                                 : mask_hops(layout, hops, from, to, layers);
            if (!wanted) continue;
            if (n >= count || leaks[n].from != from || leaks[n].to != to ||
                leaks[n].hops != (size_t)wanted || !mask_path_holds(layout, dense, &leaks[n]))
                return 0;
            n++;
        }
    *leaking += n > 0;
    return n == count;
}
static void test_leaks_equal_brute_force(void) {
    static uint8_t dense[64 * 64];
    sgf_layout layout;
    size_t i, j, leaking = 0, wrong = 0, cases = 6000;
    forward_random_state = 12;
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < cases; i++) {
        size_t T = 1 + forward_random(16), layers = forward_random(5);
        sgf_mask promise = (sgf_mask)forward_random(SGF_MASK_COUNT);
        mask_random_layout(&layout, T, 50);
        if (i % 2)
            for (j = 0; j < layout.segments; j++)
                layout.segment[j].role = SGF_ROLE_PARAPHRASE, layout.segment[j].group = (int32_t)j;
        sgf_mask_dense(&layout, dense);
        wrong += !mask_leaks_agree(&layout, dense, 1, promise, layers, &leaking);
        wrong += !mask_leaks_agree(&layout, dense, 0, promise, layers, &leaking);
        for (j = 0; j < T * T; j++)
            dense[j] = forward_random(8) == 0; /* no segments, no causality */
        wrong += !mask_leaks_agree(&layout, dense, 0, promise, layers, &leaking);
    }
    CHECK(!wrong && leaking > cases / 4);
    sgf_layout_free(&layout);
}
static void test_masks_keep_their_promises(void) {
    static const struct {
        sgf_mask mask, promise;
        const char *spelling, *leak; /* NULL: none */
    } cases[] = {
        {SGF_MASK_CAUSAL, SGF_MASK_CAUSAL, "Pa|b|c>", NULL},
        {SGF_MASK_CAUSAL, SGF_MASK_ISOLATED, "Pa|b|c>",
         "paraphrase 1 -> paraphrase 2 (tokens 1 -> 3)"},
        {SGF_MASK_ISOLATED, SGF_MASK_ISOLATED, "a|b|c>", NULL},
        {SGF_MASK_SHARED, SGF_MASK_SHARED, "Pa|b|c>", NULL},
        {SGF_MASK_SHARED_ORIGINAL, SGF_MASK_SHARED_ORIGINAL, "Pa|b|c>",
         "paraphrase 1 -> separator 1 -> paraphrase 2 (tokens 1 -> 2 -> 3)"},
        {SGF_MASK_HUB, SGF_MASK_HUB, "Pa|b|c>", NULL},
        {SGF_MASK_HUB, SGF_MASK_ISOLATED, "Pa|b|c>",
         "paraphrase 1 -> paraphrase 2 (tokens 1 -> 3)"},
        {SGF_MASK_FEW_SHOT, SGF_MASK_FEW_SHOT, "P|qr|A|st|B|a|b|c>", NULL},
        {SGF_MASK_FEW_SHOT_ORIGINAL, SGF_MASK_FEW_SHOT_ORIGINAL, "P|qr|A|st|B|a|b|c>", NULL},
        {SGF_MASK_FEW_SHOT_ORIGINAL, SGF_MASK_FEW_SHOT, "PqrAstBab>",
         "question 1 of example 1 -> question 1 of example 2 (tokens 1 -> 4)"}};
    size_t i, count;
    sgf_leak leak;
    sgf_error err;
    char text[256];
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgf_layout layout = layout_spelled(cases[i].spelling, 0);
        sgf_mask_set(&layout, cases[i].mask);
        MUST(sgf_mask_leaks(&layout, NULL, cases[i].promise, 0, &leak, 1, &count, &err), err);
        CHECK((count > 0) == (cases[i].leak != NULL));
        if (count) CHECK(!strcmp(sgf_leak_text(&layout, &leak, text, sizeof text), cases[i].leak));
        sgf_layout_free(&layout);
    }
    { /* among manual paraphrases it is no leak; one layer is not enough for two hops */
        sgf_layout layout = layout_spelled("a|b|c>", 1);
        sgf_mask_set(&layout, SGF_MASK_MANUAL_CROSS);
        MUST(sgf_mask_leaks(&layout, NULL, SGF_MASK_MANUAL_CROSS, 0, NULL, 0, &count, &err), err);
        CHECK(count == 0);
        MUST(sgf_mask_leaks(&layout, NULL, SGF_MASK_ISOLATED, 0, &leak, 1, &count, &err), err);
        CHECK(count == 1 && leak.hops == 1);
        sgf_layout_free(&layout);
        layout = layout_spelled("Pa|b|c>", 0);
        sgf_mask_set(&layout, SGF_MASK_SHARED_ORIGINAL);
        MUST(sgf_mask_leaks(&layout, NULL, SGF_MASK_SHARED, 1, NULL, 0, &count, &err), err);
        CHECK(count == 0);
        MUST(sgf_mask_leaks(&layout, NULL, SGF_MASK_SHARED, 2, NULL, 0, &count, &err), err);
        CHECK(count == 3);
        sgf_layout_free(&layout);
    }
}
/* A chain of 100 paraphrases, each seeing the one before: 99 hops from end to end. */
static void test_a_long_leak_lacks_its_middle(void) {
    sgf_layout layout;
    int32_t id = 1, i, segment;
    uint8_t *dense = (uint8_t *)malloc(100 * 100);
    sgf_leak *leaks = (sgf_leak *)malloc(4950 * sizeof *leaks);
    size_t count = 0, pass;
    sgf_error err;
    char text[2048];
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < 100; i++) {
        MUST(sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, i, &segment, &err), err);
        MUST(sgf_layout_add(&layout, segment, &id, 1, &err), err);
        sgf_visible_set(&layout, i, i, 1);
        if (i) sgf_visible_set(&layout, i, i - 1, 1);
    }
    if (dense) sgf_mask_dense(&layout, dense);
    for (pass = 0; pass < 2 && dense && leaks; pass++) {
        MUST(sgf_mask_leaks(&layout, pass ? dense : NULL, SGF_MASK_ISOLATED, 0, leaks, 4950, &count,
                            &err),
             err);
        CHECK(count == 4950 && leaks[98].to == 99 && leaks[98].hops == 99);
        CHECK(leaks[98].tokens == SGF_LEAK_PATH && leaks[98].path[15] == 15 &&
              leaks[98].path[16] == 84);
        sgf_leak_text(&layout, &leaks[98], text, sizeof text);
        CHECK(strstr(text, "paraphrase 16 -> ... -> paraphrase 85 -> ") &&
              strstr(text, "15 -> ... -> 84"));
        CHECK(strlen(sgf_leak_text(&layout, &leaks[98], text, 40)) == 39);
        /* the longest path that is whole, and the next one */
        CHECK(leaks[SGF_LEAK_PATH - 2].tokens == SGF_LEAK_PATH &&
              leaks[SGF_LEAK_PATH - 1].tokens == SGF_LEAK_PATH &&
              leaks[SGF_LEAK_PATH - 1].hops == SGF_LEAK_PATH);
        CHECK(!strstr(sgf_leak_text(&layout, &leaks[SGF_LEAK_PATH - 2], text, sizeof text), "..."));
        CHECK(strstr(sgf_leak_text(&layout, &leaks[SGF_LEAK_PATH - 1], text, sizeof text), "..."));
        MUST(sgf_mask_leaks(&layout, pass ? dense : NULL, SGF_MASK_ISOLATED, 98, NULL, 0, &count,
                            &err),
             err);
        CHECK(count == 4949);
    }
    free(dense);
    free(leaks);
    sgf_layout_free(&layout);
}

/* ---- explanation and comparison ---- */

static void test_explanations(void) {
    static const struct {
        size_t q, k;
        const char *text;
    } cases[] = {
        {3, 1,
         "token 3 (id 1, paraphrase 2) does not see token 1 (id 1, paraphrase 1): 1 < 3, but "
         "visible[3][1] is 0"},
        {4, 3,
         "token 4 (id 1, separator 2) sees token 3 (id 1, paraphrase 2): 3 < 4, and visible[4][3] "
         "is 1"},
        {2, 5,
         "token 2 (id 1, separator 1) does not see token 5 (id 1, paraphrase 3): it is later "
         "(5 > 2), and no token sees a later one"},
        {0, 0,
         "token 0 (id 1, shared prefix) sees token 0 (id 1, shared prefix), itself: "
         "visible[0][0] is 1"}};
    sgf_layout layout = layout_spelled("Pa|b|c>", 0);
    char text[512];
    sgf_error err;
    size_t i;
    sgf_mask_set(&layout, SGF_MASK_SHARED);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MUST(sgf_mask_explain(&layout, NULL, cases[i].q, cases[i].k, text, sizeof text, &err), err);
        CHECK(!strcmp(text, cases[i].text));
        if (strcmp(text, cases[i].text)) printf("    got %s\n", text);
    }
    MUST(sgf_mask_explain(&layout, NULL, 3, 1, text, 20, &err), err);
    CHECK(!strcmp(text, "token 3 (id 1, para"));
    CHECK(sgf_mask_explain(&layout, NULL, 3, 7, text, sizeof text, &err) == SGF_ERR_ARG &&
          strstr(err.message, "no token 7: the layout has 7"));
    sgf_layout_free(&layout);
}
static void test_explanations_quote_the_tokens(void) {
    static const char *const texts[] = {" capital", "\n", "\"", "\\"};
    sgf_model *model = NULL;
    sgf_error err;
    size_t i, n;
    MUST(sgf_model_load("models/segfuse-2m", NULL, &model, &err), err);
    for (i = 0; i < 4; i++) {
        static const char *const quoted[] = {"\" capital\"", "\"\\n\"", "\"\\\"\"", "\"\\\\\""};
        int32_t ids[16], segment;
        char text[512];
        sgf_layout layout;
        sgf_layout_init(&layout, NULL);
        MUST(sgf_encode(model->tokenizer, sgf_text(texts[i]), 0, ids, 16, &n, &err), err);
        MUST(sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, 0, &segment, &err), err);
        MUST(sgf_layout_add(&layout, segment, ids, n, &err), err);
        MUST(sgf_mask_explain(&layout, model->tokenizer, 0, 0, text, sizeof text, &err), err);
        CHECK(n == 1 && strstr(text, quoted[i]));
        sgf_layout_free(&layout);
    }
    sgf_model_free(model);
}
static void test_segments_in_words(void) {
    static const char *const words[] = {
        "shared prefix",       "question 1 of example 1", "question 2 of example 1",
        "answer of example 1", "separator (segment 4)",   "question 1 of example 2",
        "answer of example 2", "separator (segment 7)",   "manual paraphrase 1",
        "separator 1",         "auto paraphrase 2",       "answer"};
    sgf_layout layout = layout_spelled("PqrA|sB|a|c>", 1);
    char text[64];
    int32_t i;
    for (i = 0; i < 12; i++)
        CHECK(!strcmp(sgf_segment_text(&layout, i, text, sizeof text), words[i]));
    CHECK(strlen(sgf_segment_text(&layout, 1, text, 5)) == 4);
    CHECK(strstr(sgf_segment_text(&layout, -1, text, sizeof text), "does not exist"));
    CHECK(
        strstr(sgf_segment_text(&layout, (int32_t)layout.segments, text, sizeof text), "segment") &&
        strstr(text, "does not exist"));
    sgf_layout_free(&layout);
}
static void test_comparison(void) {
    sgf_layout layout = layout_spelled("Pa|b|c>", 0);
    uint8_t dense[49];
    size_t q = 99, k = 99;
    sgf_mask_set(&layout, SGF_MASK_SHARED_ORIGINAL);
    sgf_mask_dense(&layout, dense);
    CHECK(sgf_mask_compare(&layout, dense, &q, &k) == 0 && q == 99);
    sgf_mask_set(&layout, SGF_MASK_SHARED);
    CHECK(sgf_mask_compare(&layout, dense, &q, &k) == 5 && q == 3 && k == 2);
    dense[1] = 1; /* the future */
    CHECK(sgf_mask_compare(&layout, dense, &q, &k) == 6 && q == 0 && k == 1);
    CHECK(sgf_mask_compare(&layout, dense, NULL, NULL) == 6);
    sgf_layout_free(&layout);
}

/* ---- dense masks from files ---- */

static void mask_bytes(const char *path, const void *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    if (file) fwrite(bytes, 1, n, file), fclose(file);
}
/* An .npy file of version `version` with this dictionary and these items. */
static void mask_npy(const char *path, int version, const char *dictionary, const void *items,
                     size_t n) {
    unsigned char bytes[1024];
    size_t len = strlen(dictionary), head = version > 1 ? 12 : 10;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)version, bytes[7] = 0;
    bytes[8] = (unsigned char)(len & 255), bytes[9] = (unsigned char)(len >> 8);
    bytes[10] = bytes[11] = 0;
    memcpy(bytes + head, dictionary, len);
    memcpy(bytes + head + len, items, n);
    mask_bytes(path, bytes, head + len + n);
}
static void test_dense_masks_of_every_type_are_read(void) {
    /* [[1, 0], [1, 1]] */
    static const struct {
        const char *descr, *items;
        size_t size;
    } cases[] = {
        {"|b1", "\1\0\1\1", 1},
        {"|u1", "\1\0\1\1", 1},
        {"|i1", "\1\0\1\1", 1},
        {"<i2", "\1\0\0\0\1\0\1\0", 2},
        {"<i4", "\1\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0", 4},
        {">i4", "\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\1", 4},
        {"<i8", "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 8},
        {"<f2", "\0\0\0\xfc\0\0\0\x80", 2},                     /* 0, -inf, 0, -0 */
        {">f2", "\0\0\xfb\xff\0\0\0\0", 2},                     /* -65504 */
        {"<f4", "\0\0\0\0\xff\xff\x7f\xff\0\0\0\0\0\0\0\0", 4}, /* the least float */
        {">f4", "\0\0\0\0\xff\x80\0\0\0\0\0\0\0\0\0\0", 4},
        {"<f8", "\0\0\0\0\0\0\0\0\0\0\0\0\0\x88\xc3\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 8},
        {">f8", "\0\0\0\0\0\0\0\0\xff\xef\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
         8}};
    static const char *const shapes[] = {"(2, 2)", "(1, 1, 2, 2)", "(1,2,2,)"};
    char path[1400], text[256];
    uint8_t dense[4];
    sgf_error err;
    size_t i, j;
    snprintf(path, sizeof path, "%s", temp_path("mask.npy"));
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (j = 0; j < 3; j++) {
            snprintf(text, sizeof text,
                     "{'descr': '%s', 'fortran_order': False, 'shape': %s, }   \n", cases[i].descr,
                     shapes[j]);
            mask_npy(path, 1 + (int)j, text, cases[i].items, 4 * cases[i].size);
            MUST(npy_mask_read(path, 2, dense, NULL, &err), err);
            CHECK(!memcmp(dense, "\1\0\1\1", 4));
        }
    mask_npy(path, 1, "{\"shape\":(2,2),\"descr\":\"|b1\",\"fortran_order\":True}", "\1\1\0\1", 4);
    MUST(npy_mask_read(path, 2, dense, NULL, &err), err);
    CHECK(!memcmp(dense, "\1\0\1\1", 4));
    mask_bytes(path, "# .\r\n\n1,1", 9);
    MUST(npy_mask_read(path, 2, dense, NULL, &err), err);
    CHECK(!memcmp(dense, "\1\0\1\1", 4));
}
static void test_dense_masks_that_are_refused(void) {
    static const struct {
        const char *dictionary, *items;
        size_t n;
        const char *said;
    } cases[] = {
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }", "", 0, "type '|O'"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2), }", "", 0, "astype(bool)"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (2, 2), }", "", 0, "type '<f16'"},
        {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 2), }", "", 0, "records"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 3), }", "", 0, "shape (2, 3)"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }", "", 0, "shape (2, 2)"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 1, 2, 2), }", "", 0, "mask[0, 0]"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (99999999999999999999, 2), }", "", 0,
         "shape"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (-2, 2), }", "", 0, "list of sizes"},
        {"{'descr': '|b1', 'fortran_order': Maybe, 'shape': (2, 2), }", "", 0, "True or False"},
        {"{'descr': '|b1', 'fortran_order': False, }", "", 0, "once each"},
        {"{'descr': '|b1', 'descr': '|b1', 'shape': (2, 2), }", "", 0, "once each"},
        {"{'descr' '|b1'}", "", 0, "once each"},
        {"{'descr': '|b1", "", 0, "cut"},
        {"{'descr': 7, 'fortran_order': False, 'shape': (2, 2), }", "", 0, "cut or malformed"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': [2, 2], }", "", 0, "malformed"},
        {"{'descr': '|b1', 'fortran_order': Tru", "", 0, "True or False"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2 2), }", "", 0, "list of sizes"},
        {"{'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2,2,), 'descr': 0}",
         "", 0, "list of sizes"},
        {"{'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2,3,), 'descr': 0}",
         "", 0, "an array of shape"},
        {"{'descr': '<a type of more than forty letters and digits', 'shape': (2, 2)}", "", 0,
         "type '<a type of more than forty letters and d'"},
        {"{'descr': '?b1', 'fortran_order': False, 'shape': (2, 2), }", "", 0, "type '?b1'"},
        {"{'descr\": '|b1', 'fortran_order': False, 'shape': (2, 2), }", "", 0, "once each"},
        {"{'descr': '|b1'; 'fortran_order': False, 'shape': (2, 2), }", "", 0, "once each"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2)", "\1\0\1\1", 4, "once each"},
        {"{'descr'    ", "", 0, "once each"},
        {" ", "", 0, "ends in its header"},
        {"{ ", "", 0, "dictionary"},
        {"[]", "", 0, "dictionary"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\1", 3, "promises 4"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\1\1\1", 5,
         "promises 4"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\2\1", 4,
         "row 1, column 0: 2; 0 or 1"},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\xff\1", 4,
         "-1; 0 or 1"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2), }",
         "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 32,
         "row 1, column 0: -2; 0 or 1"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), }", "\xff\xff\0\0\0\0\0\0", 8,
         "row 0, column 0: 65535; 0 or 1"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }", "\0\x3c\0\0\0\0\0\0", 8,
         "row 0, column 0: 1; floats are added"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }", "\0\0\0\xbc\0\0\0\0", 8,
         "column 1: -1;"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
         "\0\0\0\0\0\0\xc0\x7f\0\0\0\0\0\0\0\0", 16, "column 1: nan"}};
    static const char *const texts[][2] = {
        {"10\n1", "line 2 has 1 cells"}, {"10\n11\n11\n", "has 3 rows"},
        {"10\n", "has 1 rows"},          {"", "has 0 rows"},
        {"10\n1x\n", "line 2, cell 2"},  {"101\n", "line 1 has 3 cells"}};
    char path[1400];
    uint8_t dense[4] = {7, 7, 7, 7};
    sgf_error err;
    FILE *file;
    size_t i;
    snprintf(path, sizeof path, "%s", temp_path("mask.npy"));
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mask_npy(path, 1, cases[i].dictionary, cases[i].items, cases[i].n);
        CHECK(npy_mask_read(path, 2, dense, NULL, &err) != SGF_OK);
        CHECK(strstr(err.message, cases[i].said) && strstr(err.message, "mask.npy"));
        if (!strstr(err.message, cases[i].said)) printf("    %s\n", err.message);
    }
    /* a type whose byte order is a zero byte */
    mask_npy(path, 1, "{'descr': '<u1', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\1\1", 4);
    file = fopen(path, "r+b");
    CHECK(file && !fseek(file, 10 + 11, SEEK_SET) && fputc(0, file) == 0 && !fclose(file));
    CHECK(npy_mask_read(path, 2, dense, NULL, &err) == SGF_ERR_UNSUPPORTED);
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mask_bytes(path, texts[i][0], strlen(texts[i][0]));
        CHECK(npy_mask_read(path, 2, dense, NULL, &err) == SGF_ERR_FORMAT);
        CHECK(strstr(err.message, texts[i][1]));
    }
    mask_npy(path, 0, "{}", "", 0);
    CHECK(npy_mask_read(path, 2, dense, NULL, &err) == SGF_ERR_UNSUPPORTED &&
          strstr(err.message, "version 0.0") && err.offset == 6);
    mask_npy(path, 9, "{}", "", 0);
    CHECK(npy_mask_read(path, 2, dense, NULL, &err) == SGF_ERR_UNSUPPORTED &&
          strstr(err.message, "version 9.0"));
    mask_bytes(path, "\x93NUMPY\1\0\xff\xff{'", 12);
    CHECK(npy_mask_read(path, 2, dense, NULL, &err) == SGF_ERR_FORMAT &&
          strstr(err.message, "longer than the file"));
    CHECK(npy_mask_read(temp_path("none.npy"), 2, dense, NULL, &err) == SGF_ERR_IO);
    CHECK(!memcmp(dense, "\7\7\7\7", 4));
}

/* ---- matrices of one's own ---- */

static const char mask_hub[] =
    "// every paraphrase sees the first one\n"
    "         bos shared para1 para sep1 sep answer\n"
    "bos       #    .      .    .    .    .    .\n"
    "shared    #    #      .    .    .    .    .\n"
    "para      #    #      #    =    #    =    .\r\n"
    "sep       #    #      #    =    #    =    .   // as its paraphrase\n"
    "\n"
    "answer    #    #      #    #    #    #    #";
static void test_matrices_by_role(void) {
    sgf_layout named = layout_spelled("Pa|b|c|d|e>", 0), own = layout_spelled("Pa|b|c|d|e>", 0);
    matrix *rule = NULL;
    char path[1400];
    int32_t q, k;
    sgf_error err;
    snprintf(path, sizeof path, "%s", temp_path("rule.txt"));
    layout_file(path, mask_hub);
    MUST(matrix_read(path, NULL, &rule, &err), err);
    MUST(matrix_set(&own, rule, &err), err);
    sgf_mask_set(&named, SGF_MASK_HUB);
    for (q = 0; q < (int32_t)named.segments; q++)
        for (k = 0; k <= q; k++) CHECK(sgf_visible(&named, q, k) == sgf_visible(&own, q, k));
    sgf_layout_free(&named);
    named = layout_spelled("PqA>", 0);
    CHECK(matrix_set(&named, rule, &err) == SGF_ERR_ARG &&
          strstr(err.message, "no row 'example_q'") && strstr(err.message, "example 1"));
    matrix_free(rule);
    rule = NULL;
    layout_file(path, "example_q example_a para1 para auto answer\n"
                      "example_q = . . . . .\nexample_a = = . . . .\npara # # . = . .\n"
                      "auto 1 1 0 1 = 0\nanswer ######\n");
    MUST(matrix_read(path, NULL, &rule, &err), err);
    sgf_layout_free(&named);
    named = layout_spelled("qrAsBabc>", 1);
    MUST(matrix_set(&named, rule, &err), err);
    CHECK(layout_draws(&named, "#\n.#\n###\n...#\n...##\n#####.\n#####.#\n#####.##\n#########\n"));
    matrix_free(rule);
    sgf_layout_free(&named);
    sgf_layout_free(&own);
}
static void test_matrices_by_segment(void) {
    static const char *const bad[][2] = {
        {"", "is empty"},
        {"// nothing\n\n", "is empty"},
        {"#.\n", "fewer rows"},
        {"#.\n##\n##\n", "line 3: more rows"},
        {"#.\n#\n", "line 2 has 1 cells; 2"},
        {"#=\n##\n", "= needs labels"},
        {"#?\n##\n", "line 1: a cell is"},
        {"para answer\n", "rows are missing"},
        {"para para\npara # #\n", "line 1: a label that was there"},
        {"para\npara #\npara #\n", "line 3: a label that was there"},
        {"para paraphrase\n", "'paraphrase' is not a label"},
        {"para0\npara0 #\n", "'para0' is not a label"},
        {"para1234567\n", "is not a label"},
        {"para\npara # #\n", "line 2 has 2 cells; 1"},
        {"para\n#\n", "'#' is not a label"},
        {"para\npara x\n", "a cell is # or 1, . or 0, or ="}};
    sgf_layout layout = layout_spelled("ab>", 0);
    matrix *rule = NULL;
    char path[1400];
    sgf_error err;
    size_t i;
    snprintf(path, sizeof path, "%s", temp_path("rule.txt"));
    layout_file(path, "1 0 0 // a\n1,1,0\n# # #\n");
    MUST(matrix_read(path, NULL, &rule, &err), err);
    MUST(matrix_set(&layout, rule, &err), err);
    CHECK(layout_draws(&layout, "#\n##\n###\n"));
    sgf_layout_free(&layout);
    layout = layout_spelled("Pab>", 0);
    CHECK(matrix_set(&layout, rule, &err) == SGF_ERR_ARG &&
          strstr(err.message, "a matrix of 3 segments; the layout has 4"));
    sgf_layout_free(&layout);
    matrix_free(rule);
    rule = NULL;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        layout_file(path, bad[i][0]);
        CHECK(matrix_read(path, NULL, &rule, &err) == SGF_ERR_FORMAT && !rule);
        CHECK(strstr(err.message, bad[i][1]) && strstr(err.message, "rule.txt"));
        if (!strstr(err.message, bad[i][1])) printf("    %s\n", err.message);
    }
    CHECK(matrix_read(temp_path("none"), NULL, &rule, &err) == SGF_ERR_IO);
}

/* ---- segfuse mask ---- */

/* A whole file; *n its size. Freed by the caller. */
static unsigned char *mask_slurp(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = (unsigned char *)malloc((size_t)1 << 25);
    *n = file && bytes ? fread(bytes, 1, (size_t)1 << 25, file) : 0;
    if (file) fclose(file);
    return bytes;
}
static uint32_t mask_big_endian(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
/* n bits, the lowest first; `turned`: the highest first, as Huffman codes stand. */
static uint32_t mask_bits(const unsigned char *data, size_t *at, int n, int turned) {
    uint32_t value = 0;
    int i;
    for (i = 0; i < n; i++, ++*at) {
        uint32_t bit = data[*at / 8] >> (*at % 8) & 1;
        value = turned ? value << 1 | bit : value | bit << i;
    }
    return value;
}
/* Inflate one block of fixed codes (RFC 1951, 3.2.6); returns the bytes written, 0 on an error. */
static size_t mask_inflate(const unsigned char *data, size_t size, unsigned char *out, size_t cap) {
    static const int base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    size_t at = 16, n = 0; /* behind the two bytes of zlib */
    uint32_t a = 1, b = 0;
    size_t i;
    if (mask_bits(data, &at, 3, 0) != 3) return 0;
    while (at / 8 + 4 < size) {
        uint32_t code = mask_bits(data, &at, 7, 1), symbol;
        if (code < 24) symbol = 256 + code;
        else {
            code = code << 1 | mask_bits(data, &at, 1, 1);
            if (code < 0xC0) symbol = code - 0x30;
            else if (code < 0xC8) symbol = 280 + code - 0xC0;
            else symbol = 144 + (code << 1 | mask_bits(data, &at, 1, 1)) - 0x190;
        }
        if (symbol == 256) break;
        if (symbol < 256) {
            if (n == cap) return 0;
            out[n++] = (unsigned char)symbol;
        } else {
            int k, extra = symbol < 265 || symbol == 285 ? 0 : ((int)symbol - 261) / 4;
            int length = base[symbol - 257] + (int)mask_bits(data, &at, extra, 0);
            if (mask_bits(data, &at, 5, 1) || !n || n + (size_t)length > cap) return 0;
            for (k = 0; k < length; k++, n++) out[n] = out[n - 1];
        }
    }
    for (i = 0; i < n; i++) a = (a + out[i]) % 65521, b = (b + a) % 65521;
    at = (at + 7) / 8;
    return at + 4 == size && mask_big_endian(data + at) == (b << 16 | a) ? n : 0;
}
/* The pixels of a PNG of ours, palette indices: [height][width]; NULL if anything is wrong. */
static unsigned char *mask_png(const char *path, size_t *width, size_t *height) {
    size_t size, at = 8, n = 0, x, y, cap = (size_t)1 << 25;
    unsigned char *bytes = mask_slurp(path, &size), *out = (unsigned char *)malloc(cap);
    int ok = size > 60 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8), chunks = 0;
    while (ok && at + 12 <= size) {
        size_t len = mask_big_endian(bytes + at), i;
        uint32_t crc = 0xFFFFFFFFu;
        if (len > size - at - 12) break;
        for (i = 0; i < len + 4; i++) {
            int bit;
            crc ^= bytes[at + 4 + i];
            for (bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        }
        ok = ~crc == mask_big_endian(bytes + at + 8 + len) &&
             !memcmp(bytes + at + 4, "IHDRPLTEIDATIEND" + 4 * chunks, 4);
        if (!chunks) *width = mask_big_endian(bytes + at + 8);
        if (!chunks) *height = mask_big_endian(bytes + at + 12);
        if (chunks == 2) n = mask_inflate(bytes + at + 8, len, out, cap);
        at += 12 + len;
        chunks++;
    }
    ok = ok && chunks == 4 && at == size && n == (*width + 1) * *height;
    for (y = 0; ok && y < *height; y++) {
        unsigned char *row = out + y * *width;
        ok = out[y * (*width + 1)] == 2; /* the difference to the row above */
        for (x = 0; x < *width; x++) {
            row[x] = out[y * (*width + 1) + 1 + x];
            if (y) row[x] = (unsigned char)(row[x] + *(row + x - *width));
        }
    }
    free(bytes);
    if (ok) return out;
    free(out);
    return NULL;
}
/* Does the picture at `path` show the layout's mask, cells of `cell` pixels from (x, y) on? */
static void mask_png_shows(const char *path, const sgf_layout *layout, size_t cell, size_t x,
                           size_t y) {
    enum { HIDDEN = SGF_ROLE_COUNT, FUTURE = SGF_ROLE_COUNT + 3 };
    size_t width = 0, height = 0, q, k, wrong = 0, T = layout->tokens;
    unsigned char *pixel = mask_png(path, &width, &height);
    CHECK(pixel && width >= x + T * cell && height >= y + T * cell);
    for (q = 0; pixel && q < T; q++)
        for (k = 0; k < T; k++) {
            int seen = k <= q && sgf_visible(layout, layout->seg[q], layout->seg[k]);
            int wanted = seen    ? (int)layout->segment[layout->seg[k]].role
                         : k > q ? (int)FUTURE
                                 : (int)HIDDEN;
            wrong += pixel[(y + q * cell + cell / 2) * width + x + k * cell + cell / 2] != wanted;
        }
    CHECK(!wrong);
    free(pixel);
}
static void test_pictures(void) {
    static const char *const small = "shared:5,para:4,sep:1,para:3,sep:1,para:5,cue:1";
    static const char *const large = "shared:1000,para:700,sep:10,para:800,sep:10,para:700,sep:10,"
                                     "para:800";
    static const int32_t sizes[] = {1000, 700, 10, 800, 10, 700, 10, 800, 66};
    static const int32_t id = 0;
    char command[512];
    unsigned char *bytes;
    sgf_layout layout;
    size_t n = 0;
    int32_t i, t;
    snprintf(command, sizeof command,
             "build/segfuse mask --kind shared --segments %s --output %%s/a.png", small);
    program_says(command, 0, "");
    layout = layout_spelled("PPPPP", 0);
    sgf_layout_clear(&layout);
    for (i = 0; i < 7; i++) {
        static const sgf_role roles[] = {
            SGF_ROLE_SHARED,    SGF_ROLE_PARAPHRASE, SGF_ROLE_SEPARATOR, SGF_ROLE_PARAPHRASE,
            SGF_ROLE_SEPARATOR, SGF_ROLE_PARAPHRASE, SGF_ROLE_ANSWER};
        static const int32_t lengths[] = {5, 4, 1, 3, 1, 5, 1};
        sgf_layout_segment(&layout, roles[i], (i - 1) / 2, NULL, NULL);
        for (t = 0; t < lengths[i]; t++) sgf_layout_add(&layout, i, &id, 1, NULL);
    }
    sgf_mask_set(&layout, SGF_MASK_SHARED);
    mask_png_shows(temp_path("a.png"), &layout, 18, 92, 134);
    snprintf(command, sizeof command,
             "build/segfuse mask --kind shared --segments %s --generated 66 --output %%s/b.png",
             large);
    program_says(command, 0, "");
    sgf_layout_clear(&layout);
    for (i = 0; i < 9; i++) {
        sgf_layout_segment(&layout,
                           i == 0   ? SGF_ROLE_SHARED
                           : i == 8 ? SGF_ROLE_ANSWER
                           : i % 2  ? SGF_ROLE_PARAPHRASE
                                    : SGF_ROLE_SEPARATOR,
                           (i - 1) / 2, NULL, NULL);
        for (t = 0; t < sizes[i]; t++) sgf_layout_add(&layout, i, &id, 1, NULL);
    }
    sgf_mask_set(&layout, SGF_MASK_SHARED);
    CHECK(layout.tokens == 4096);
    mask_png_shows(temp_path("b.png"), &layout, 1, 322, 434);
    free(mask_slurp(temp_path("b.png"), &n));
    CHECK(n > 100000 && n < 1000000);
    snprintf(command, sizeof command,
             "build/segfuse mask --kind shared --segments %s --generated 66 --output %%s/b.svg",
             large);
    program_says(command, 0, "");
    bytes = mask_slurp(temp_path("b.svg"), &n);
    CHECK(n > 10000 && n < 200000 && !memcmp(bytes, "<svg xmlns=", 11) &&
          !memcmp(bytes + n - 7, "</svg>\n", 7));
    free(bytes);
    sgf_layout_free(&layout);
}
static void test_mask_verb(void) {
#define MASK_SHORT "--segments shared:2,para:2,sep:1,para:1,cue:1"
    program_says("build/segfuse mask --kind shared " MASK_SHORT, 0,
                 "shared: 7 tokens in 5 segments, 25 of 28 pairs visible (89.3%)\n"
                 "    0  shared prefix            #\n"
                 "    1                           ##\n"
                 "    2  paraphrase 1             ###\n"
                 "    3                           ####\n"
                 "    4  separator 1              #####\n"
                 "    5  paraphrase 2             ##...#\n"
                 "    6  answer                   #######\n");
    program_says("build/segfuse mask --kind hub --segments shared:200,para:20,sep:2,para:20,sep:2,"
                 "para:20 --generated 5",
                 0, "    5  paraphrase 3                 20 tokens  ###..# \n");
    program_says("build/segfuse mask --kind shared --check " MASK_SHORT, 0,
                 "check: shared keeps what shared promises\n");
    program_says("build/segfuse mask --kind shared-original --check " MASK_SHORT, 1,
                 "paraphrase 1 -> separator 1 -> paraphrase 2 (tokens 2 -> 4 -> 5), 2 layers\n");
    program_says("build/segfuse mask --kind shared-original --check --layers 1 " MASK_SHORT, 0,
                 "promises within 1 layers");
    program_says("build/segfuse mask --kind hub --promise isolated --check " MASK_SHORT, 1,
                 "no: 1 leak\n  paraphrase 1 -> paraphrase 2");
    program_says("build/segfuse mask --kind causal --check " MASK_SHORT, 0, "promises nothing");
    program_says("build/segfuse mask --kind shared --explain 5,2 " MASK_SHORT, 0,
                 "token 5 (id 0, paraphrase 2) does not see token 2 (id 0, paraphrase 1): 2 < 5, "
                 "but visible[3][1] is 0\n");
    program_says("build/segfuse mask --kind shared --explain 5,7 " MASK_SHORT, 2, "no token 7");
    program_says("build/segfuse mask --kind shared-original --output %s/o.npy " MASK_SHORT, 0, "");
    program_says("build/segfuse mask --kind shared-original --compare %s/o.npy " MASK_SHORT, 0,
                 "equals shared-original, all 7 x 7 entries");
    program_says("build/segfuse mask --kind shared --compare %s/o.npy " MASK_SHORT, 1,
                 "differs from shared in 1 of 49 entries, first at row 5, column 4, where it has "
                 "1:\n  token 5 (id 0, paraphrase 2) does not see token 4 (id 0, separator 1)");
    program_says("build/segfuse mask --dense %s/o.npy --check " MASK_SHORT, 1,
                 "paraphrase 1 -> separator 1 -> paraphrase 2");
    program_says("build/segfuse mask --dense %s/o.npy --explain 5,4 " MASK_SHORT, 0,
                 "o.npy has 1 at row 5, column 4\n"); /* no other mask was named */
    program_says("build/segfuse mask --dense %s/o.npy --kind shared --explain 5,4 " MASK_SHORT, 0,
                 "column 4; by the layout's own rule token 5 (id 0, paraphrase 2) does not see");
    program_says("build/segfuse mask --kind shared --draw --check " MASK_SHORT, 0,
                 "paraphrase 2             ##...#");
    program_says("build/segfuse mask --dense %s/o.npy " MASK_SHORT, 0,
                 "paraphrase 2             ##..##");
    program_says("build/segfuse mask --kind causal --segments shared:80,para:30 --output %s/c.txt "
                 "&& build/segfuse mask --dense %s/c.txt --segments para:50,para:60",
                 0, "    1  paraphrase 2                 60 tokens  ##\n");
    program_says("build/segfuse mask --kind hub --output %s/h.txt " MASK_SHORT " && cat %s/h.txt",
                 0, "#......\n##.....\n###....\n####...\n#####..\n######.\n#######\n");
    program_says("build/segfuse mask --kind hub --compare %s/h.txt " MASK_SHORT, 0, "equals hub");
    program_file("m.txt", "shared para sep answer\nshared #...\npara # = = .\nsep # = = .\n"
                          "answer ####\n");
    program_says("build/segfuse mask --matrix %s/m.txt --check " MASK_SHORT, 0, "keeps what");
    program_says(
        "build/segfuse mask --kind shared --dump_layout %s/l.json --positions aligned " MASK_SHORT
        " && grep positions %s/l.json",
        0, "[0,1,2,3,4,2,5]");
    program_says("build/segfuse mask --layout %s/l.json --explain 5,2", 0, "does not see");
    program_says("build/segfuse mask --layout %s/l.json --explain 5,5 --model models/segfuse-2m", 0,
                 "(id 0 \"");
#undef MASK_SHORT
}
/* A matrix that says what `hub` says gives the answers that `hub` gives, and says so in the file. */
static void test_generation_with_a_matrix(void) {
    static const char *const run = "build/segfuse generate --method fused --max_samples 3 "
                                   "--num_paraphrases 4 --num_fewshots 2 --rewrite --quiet ";
    char command[700];
    program_file("hub.txt", mask_hub);
    snprintf(command, sizeof command,
             "%s --mask hub --output %%s/named > /dev/null; %s --mask %%s/hub.txt --output "
             "%%s/own > /dev/null",
             run, run);
    temp_path("");
    {
        char line[2048];
        int status;
        snprintf(line, sizeof line, command, temp_folder, temp_folder, temp_folder);
        program_run(line, &status);
        CHECK(status == 0);
        snprintf(line, sizeof line,
                 "cmp %s/named/fused-4.csv %s/own/fused-4.csv && grep matrix %s/own/fused-4.json",
                 temp_folder, temp_folder, temp_folder);
        CHECK(strstr(program_run(line, &status), "\"mask\": \"matrix ") && status == 0);
    }
    program_file("small.txt", "para answer\npara = .\nanswer # #\n");
    program_says("build/segfuse generate --method fused --max_samples 1 --mask %s/small.txt "
                 "--output %s/out",
                 1, "small.txt has no row 'shared'");
    program_file("bad.txt", "para ?\n");
    program_says("build/segfuse generate --method fused --mask %s/bad.txt --output %s/out", 2,
                 "bad.txt: line 1: '?' is not a label");
}
/* Matrices from memory, and what is refused in them and of them. */
static void test_matrices_from_memory(void) {
    static const struct {
        const char *text, *says;
    } wrong[] = {{"", "mine: the file is empty"},
                 {"para\npara \x01\n", "line 2"},
                 {"para para\n", "a label that was there before"},
                 {"p\x1b[31m\xff\n", "'p?[31m?' is not a label"}};
    static const char nul[] = "#\0\n##\n";
    sgf_layout layout = layout_spelled("ab>", 0);
    matrix *rule = NULL;
    sgf_str text;
    sgf_error err;
    size_t i;
    MUST(matrix_parse(sgf_text("1..\n11.\n1.1\n"), "mine", NULL, &rule, &err), err);
    MUST(matrix_set(&layout, rule, &err), err);
    CHECK(sgf_visible(&layout, 1, 0) && sgf_visible(&layout, 2, 0) && !sgf_visible(&layout, 2, 1));
    matrix_free(rule);
    CHECK(matrix_set(&layout, NULL, &err) == SGF_ERR_ARG);
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        rule = NULL;
        CHECK(matrix_parse(sgf_text(wrong[i].text), "mine", NULL, &rule, &err) == SGF_ERR_FORMAT &&
              !rule && strstr(err.message, wrong[i].says) && !strcmp(err.file, "mine"));
    }
    text.ptr = nul; /* a zero byte is no cell */
    text.len = sizeof nul - 1;
    CHECK(matrix_parse(text, "mine", NULL, &rule, &err) == SGF_ERR_FORMAT && !rule);
    sgf_layout_free(&layout);
}
static void test_mask_verb_refuses(void) {
    program_says("build/segfuse mask", 2, "--segments or --layout");
    program_says("build/segfuse mask --segments para:3", 2, "which mask?");
    program_says("build/segfuse mask --segments para:3 --kind hub --matrix a", 2, "two masks");
    program_says("build/segfuse mask --segments para:3 --kind hub --explain 3", 2, "Q,K");
    program_says("build/segfuse mask --segments para:3 --kind hub --explain -1,0", 2, "Q,K");
    program_says("build/segfuse mask --segments para:3 --kind hub --output a.jpg", 2, ".npy, .txt");
    program_says("build/segfuse mask --segments para:3 --kind hubb", 2, "did you mean hub?");
    program_says("build/segfuse mask --segments para:3 --dense a --compare b", 2, "leave --dense");
    program_says("build/segfuse mask --segments para:3,other:2 --kind hub", 2, "'other:2' is not");
    program_says("build/segfuse mask --segments para:-3 --kind hub", 2, "'para:-3' is not");
    program_says("build/segfuse mask --segments shared:4000000000 --kind shared", 2,
                 "'shared:4000000000': at most 1000000 tokens in a segment");
    program_says("build/segfuse mask --segments para:0 --kind hub", 2, "has no tokens");
    program_says("build/segfuse mask --segments para:2 --kind hub --compare none.npy", 2,
                 "none.npy: cannot be opened");
    program_says("build/segfuse mask --segments para:2 --kind hub --output /none/a.png", 2,
                 "/none/a.png: cannot be written");
    program_says("build/segfuse mask --segments para:70000 --kind hub --output %s/a.png", 2,
                 "32768 at most");
}

static void tests_mask(void) {
    RUN(test_attention_equals_the_reference);
    RUN(test_leaks_equal_brute_force);
    RUN(test_masks_keep_their_promises);
    RUN(test_a_long_leak_lacks_its_middle);
    RUN(test_explanations);
    RUN(test_explanations_quote_the_tokens);
    RUN(test_segments_in_words);
    RUN(test_comparison);
    RUN(test_dense_masks_of_every_type_are_read);
    RUN(test_dense_masks_that_are_refused);
    RUN(test_matrices_by_role);
    RUN(test_matrices_by_segment);
    RUN(test_pictures);
    RUN(test_mask_verb);
    RUN(test_generation_with_a_matrix);
    RUN(test_matrices_from_memory);
    RUN(test_mask_verb_refuses);
}
