/* Products of the arithmetic bf16 by a tile unit (AMX), on the emulated one of tiles.h: with the bits of
   the reference, and only as far as the unit has them. */

#if defined(TILES_EMULATED) && defined(SGF__AMX)
/* How many faults `run` counted. */
static long tiles_refused(void (*run)(void)) {
    long before = tiles_faults, refused;
    run();
    _tile_release();
    refused = tiles_faults - before;
    tiles_faults = before;
    return refused;
}
static void tiles_shape(int t, int rows, int bytes) { /* of tile t; the others have 16 rows of 64 */
    uint16_t c[32] = {1};
    int i;
    for (i = 0; i < 8; i++) {
        c[8 + i] = (uint16_t)(i == t ? bytes : 64);
        ((unsigned char *)c)[48 + i] = (unsigned char)(i == t ? rows : 16);
    }
    _tile_loadconfig(c);
}
static void tiles_unconfigured(void) {
    _tile_zero(0);
}
static void tiles_too_wide(void) {
    tiles_shape(3, 16, 68);
}
static void tiles_too_high(void) {
    tiles_shape(3, 17, 64);
}
static void tiles_misfit(void) {
    tiles_shape(3, 8, 64);
    _tile_dpbf16ps(0, 1, 3);
}
static void tiles_same_operand(void) {
    tiles_shape(0, 16, 64);
    _tile_dpbf16ps(0, 1, 1);
}
/* One output by the unit: w and x [32] bf16 numbers, added to `all`. */
static float tiles_sum(const float *w, const float *x, float all) {
    uint16_t left[16][32], right[16][32];
    float out[16][16], zero[16] = {0};
    int k;
    memset(left, 0, sizeof left), memset(right, 0, sizeof right);
    for (k = 0; k < 32; k++) {
        left[3][k] = sgf__float_bf16(w[k]);
        right[k / 2][2 * 5 + k % 2] = sgf__float_bf16(x[k]);
    }
    tiles_shape(0, 16, 64);
    _tile_loadd(0, zero, 0);
    memset(out, 0, sizeof out);
    out[3][5] = all;
    _tile_loadd(0, out, 64);
    _tile_loadd(1, left, 64);
    _tile_loadd(2, right, 64);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, out, 64);
    _tile_release();
    return out[3][5];
}
static void test_emulated_tiles_do_what_the_manual_says(void) {
    float w[32], x[32];
    memset(w, 0, sizeof w), memset(x, 0, sizeof x);
    tiles_how = 0;
    w[0] = 1, x[0] = 16777216, w[1] = w[2] = x[1] = x[2] = 1; /* two chains */
    CHECK(tiles_sum(w, x, 0) == 16777216);
    w[3] = x[3] = 1;
    CHECK(tiles_sum(w, x, 0) == 16777218);
    CHECK(tiles_sum(w, x, -16777218) == 0);
    memset(w, 0, sizeof w);
    w[0] = 0x1p-127f, x[0] = 4; /* subnormal numbers and sums are 0 */
    CHECK(tiles_sum(w, x, 0) == 0 && tiles_sum(w, x, 0x1p-127f) == 0);
    w[0] = 0x1p-100f, x[0] = -0x1p-26f;
    CHECK(tiles_sum(w, x, 0) == -0x1p-126f);
    x[0] = -0x1p-27f;
    CHECK(tiles_sum(w, x, 0) == 0);
    w[0] = 0x1p-63f, x[0] = 0x1p-63f; /* rounded as if exponents had no end: not to 2^-126 */
    w[2] = 0x1p-75f, x[2] = -0x1.8p-76f;
    CHECK(tiles_sum(w, x, 0) == 0);
    x[2] = -0x1p-76f; /* a tie, to even */
    CHECK(tiles_sum(w, x, 0) == 0x1p-126f);
    tiles_how = TILES_LATE_FLUSH;
    x[2] = -0x1.8p-76f;
    CHECK(tiles_sum(w, x, 0) == 0x1p-126f);
    CHECK(tiles_refused(tiles_unconfigured) == 1);
    CHECK(tiles_refused(tiles_too_wide) == 1 && tiles_refused(tiles_too_high) == 1);
    CHECK(tiles_refused(tiles_misfit) == 1 && tiles_refused(tiles_same_operand) == 1);
    CHECK(!tiles_configs);
    tiles_how = TILES_NONE;
}

/* A unit is used as far as it has the bits of the definition: everywhere, where nothing can be flushed,
   or not at all. Without it a session computes as before, and --kernels amx is refused. */
static void test_units_are_used_as_far_as_they_are_right(void) {
    static const int cases[10][2] = {{0, 2},
                                     {TILES_LATE_FLUSH, 1},
                                     {TILES_WRONG_ORDER, 0},
                                     {TILES_WRONG_ORDER | TILES_LATE_FLUSH, 0},
                                     {TILES_ODD_ROUNDING, 0},
                                     {TILES_ODD_ROUNDING | TILES_LATE_FLUSH, 0},
                                     {TILES_NONE, 0},
                                     {TILES_NO_BF16, 0},
                                     {TILES_NOT_SAVED, 0},
                                     {TILES_NOT_PERMITTED, 0}};
    sgf_model *model = forward_model("llama-headdim-bf16");
    size_t i;
    for (i = 0; model && i < 10; i++) {
        sgf_session_options options;
        sgf_session *session = NULL;
        sgf_error err;
        int kernels, arithmetic;
        tiles_how = cases[i][0];
        CHECK(sgf__amx_unit() == cases[i][1]);
        for (arithmetic = 0; arithmetic < 2; arithmetic++)
            for (kernels = SGF_KERNELS_AUTO; kernels < SGF_KERNELS_COUNT; kernels++) {
                int asked = kernels == SGF_KERNELS_AMX;
                memset(&options, 0, sizeof options);
                options.threads = 1, options.kernels = (sgf_kernels)kernels;
                options.arithmetic = (sgf_arithmetic)arithmetic;
                if (sgf_session_create(model, &options, &session, &err)) {
                    CHECK(!asked ||
                          (!cases[i][1] && strstr(err.message, "no tile unit (AMX) that")));
                    CHECK(kernels != SGF_KERNELS_AUTO && kernels != SGF_KERNELS_PORTABLE);
                    continue;
                }
                CHECK(session->unit ==
                      (asked || (arithmetic && kernels == SGF_KERNELS_AUTO) ? cases[i][1] : 0));
                CHECK(!asked || (session->unit && session->simd == sgf__simd_best()));
                sgf_session_free(session);
            }
    }
    CHECK(model && !tiles_faults && !tiles_configs);
    sgf_model_free(model);
    tiles_how = TILES_NONE;
}

/* Numbers [n] that end at the end of a page; the next one cannot be read. */
static uint16_t *tiles_guarded(size_t n, char **memory, size_t *used) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *made = NULL;
    *used = (n * 2 + page - 1) / page * page;
    if (posix_memalign(&made, page, *used + page)) return NULL;
    *memory = (char *)made;
    mprotect(*memory + *used, page, PROT_NONE);
    return (uint16_t *)(void *)(*memory + *used - n * 2);
}
static void tiles_unguard(char *memory, size_t used) {
    mprotect(memory + used, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE);
    free(memory);
}
/* w [N, K] times panels, of which the last has so many columns; numbers as in matmul_number. */
static void tiles_product(size_t N, size_t K, size_t panels, size_t last, int scale, int unit) {
    static float x[4][5000 * 32], out[4][300 * 32], column[5000], wanted[300];
    static uint32_t pairs[4][5024 / 2 * 32];
    static uint8_t low[4], x_low[4][160];
    const float *in[4];
    float *to[4], bias[300];
    uint32_t *pair[4];
    uint8_t *in_low[4], high;
    size_t width[4] = {32, 32, 32, 32}, p, i, t, n, used;
    sgf_tensor w, b;
    sgf__product job;
    char *memory;
    int same = 1;
    uint16_t *weights = tiles_guarded(N * K, &memory, &used);
    CHECK(weights != NULL);
    if (!weights) return;
    for (i = 0; i < N * K; i++) weights[i] = sgf__float_bf16(matmul_number(scale));
    for (i = 0; i < N; i += SGF__STRIPE)
        sgf__widen_bf16(0, weights + i * K, NULL, sgf__min(N - i, SGF__STRIPE) * K,
                        &low[i / SGF__STRIPE], &high);
    for (i = 0; i < N; i++) bias[i] = (float)forward_random(100) / 7.0f;
    w.data = weights, w.rows = N, w.cols = K, w.dtype = SGF_DTYPE_BF16;
    b.data = bias, b.rows = 1, b.cols = N, b.dtype = SGF_DTYPE_F32;
    width[panels - 1] = last;
    for (p = 0; p < panels; p++) {
        in[p] = x[p], to[p] = out[p], pair[p] = pairs[p], in_low[p] = x_low[p];
        for (i = 0; i < K * width[p]; i++) x[p][i] = matmul_number(scale);
        for (i = 0; i < K; i += n) {
            n = sgf__min(K - i, SGF__BLOCK);
            x_low[p][i / SGF__BLOCK] = i ? x_low[p][i / SGF__BLOCK - 1] : 255;
            sgf__round(0, x[p] + i * width[p], x[p] + i * width[p], n * width[p],
                       &x_low[p][i / SGF__BLOCK]);
        }
        memset(pairs[p], 0, sizeof pairs[p]);
        sgf__pair(sgf__simd_best(), x[p], 0, K, width[p], pairs[p]);
        for (i = 0; i < N * width[p]; i++) out[p][i] = NAN;
    }
    memset(&job, 0, sizeof job);
    job.low = low, job.in_low = in_low, job.w = &w, job.bias = &b, job.in = in, job.out = to;
    job.width = width, job.panels = panels, job.simd = sgf__simd_best(), job.unit = unit;
    job.pairs = pair;
    sgf__matmul(NULL, &job, 1);
    for (p = 0; p < panels; p++)
        for (t = 0; t < width[p]; t++) {
            for (i = 0; i < K; i++) column[i] = x[p][i * width[p] + t];
            sgf__reference_product(1, &w, &b, column, wanted);
            for (n = 0; n < N; n++)
                same = same && !memcmp(&wanted[n], &out[p][n * width[p] + t], sizeof(float));
        }
    CHECK(same);
    tiles_unguard(memory, used);
}
static void test_products_by_tiles_give_the_reference_bits(void) {
    static const size_t N[] = {1, 15, 16, 17, 31, 32, 33, 64, 95, 96, 97, 191, 193, 290};
    static const size_t K[] = {1, 2, 31, 32, 33, 63, 64, 95, 96, 130};
    static const size_t width[] = {8, 16, 32};
    size_t n, k, panels, last, count = 0;
    int scale, unit;
    long before = tiles_products;
    forward_random_state = 5;
    for (unit = 1; unit <= 2; unit++) {
        tiles_how = unit == 1 ? TILES_LATE_FLUSH : 0;
        for (n = 0; n < sizeof N / sizeof *N; n++)
            for (k = 0; k < sizeof K / sizeof *K; k++, count++) {
                panels = 1 + count % 3, last = width[count % 5 % 3], scale = (int)(count % 7 % 4);
                tiles_product(N[n], K[k], panels, last, scale, unit);
            }
        tiles_product(33, 4999, 2, 32, 0, unit); /* more steps than the cache keeps */
        tiles_product(32, 2048, 1, 32, 0, unit);
        tiles_product(100, 2080, 4, 16, 0, unit);
    }
    CHECK(tiles_products > before + 1000 && !tiles_faults && !tiles_configs);
    tiles_how = TILES_NONE;
}
/* Narrow products are left to other kernels, and so is what a unit that flushes otherwise would flush. */
static void test_tiles_compute_only_what_they_should(void) {
    long before = tiles_products;
    tiles_how = TILES_LATE_FLUSH;
    tiles_product(40, 64, 1, 8, 0, 1);
    tiles_product(40, 64, 1, 32, 2, 1);
    CHECK(tiles_products == before);
    tiles_product(40, 64, 1, 16, 0, 1);
    CHECK(tiles_products == before + 2 * 2 * 4);
    tiles_how = 0;
    tiles_product(40, 64, 1, 32, 2, 2);
    CHECK(tiles_products == before + 2 * 2 * 2 * 4);
    tiles_how = TILES_NONE;
}

/* Whole models, with a unit that is used everywhere, one that is used where nothing is flushed, and one
   that is wrong, so that other kernels compute. */
static void tiles_models(int how, int used, const char *name) {
    long before = tiles_products;
    tiles_how = how;
    forward_arithmetic = SGF_ARITHMETIC_BF16;
    forward_batch(name);
    CHECK(used ? tiles_products > before + 1000 : tiles_products <= before + 12 * 24);
    CHECK(!tiles_faults && !tiles_configs);
    forward_arithmetic = SGF_ARITHMETIC_F32;
    tiles_how = TILES_NONE;
}
static void test_models_on_tiles_give_the_reference_bits(void) {
    tiles_models(0, 1, "gemma3");
    tiles_models(TILES_LATE_FLUSH, 1, "llama-gqa-tied");
    tiles_models(TILES_WRONG_ORDER, 0, "llama-gqa-tied");
}
/* A context of isolated segments, of random ids. */
static void tiles_context(int32_t segments, size_t tokens, sgf_layout *layout) {
    sgf_error err;
    int32_t i;
    size_t t;
    sgf_layout_init(layout, NULL);
    for (i = 0; i < segments; i++) {
        MUST(sgf_layout_segment(layout, SGF_ROLE_PARAPHRASE, i, NULL, &err), err);
        for (t = 0; t < tokens; t++) {
            int32_t id = (int32_t)forward_random(ODD_V);
            MUST(sgf_layout_add(layout, i, &id, 1, &err), err);
        }
    }
    sgf_layout_place(layout, SGF_POSITIONS_SEQUENTIAL);
    sgf_mask_set(layout, SGF_MASK_ISOLATED);
}
/* Several contexts in one call: the logits of all their tokens are the reference's. */
static void tiles_contexts_agree(const sgf_model *model, const sgf_layout *layout, size_t n) {
    static float logits[200 * ODD_V];
    sgf_session *s = forward_session(model, SGF_KERNELS_AMX, 1);
    sgf_row row[200];
    sgf_error err;
    size_t rows = 0, i, t;
    int32_t sequence;
    CHECK(s != NULL);
    if (!s) return;
    for (i = 0; i < n; i++) {
        MUST(sgf_sequence_open(s, &layout[i], -1, &sequence, &err), err);
        for (t = 0; t < layout[i].tokens; t++)
            row[rows++] = sgf__row_of(&layout[i], t, sequence, 1);
    }
    MUST(sgf_forward(s, row, rows, logits, NULL, &err), err);
    for (rows = i = 0; i < n; rows += layout[i++].tokens) {
        float *wanted = forward_reference(model, &layout[i]);
        CHECK(wanted &&
              !memcmp(wanted, logits + rows * ODD_V, layout[i].tokens * ODD_V * sizeof(float)));
        free(wanted);
    }
    sgf_session_free(s);
}
/* A segment's next group uses what was copied for its last one; another sequence, segment or kv head does not. */
static void test_groups_on_tiles_read_their_own_keys(void) {
    sgf_model model;
    sgf_layer layer[ODD_L];
    sgf_layout one[2], segments;
    long before = tiles_products;
    forward_random_state = 31;
    forward_arithmetic = SGF_ARITHMETIC_BF16;
    tiles_how = 0;
    odd_model(&model, layer);
    tiles_context(1, 75, &one[0]), tiles_context(1, 45, &one[1]), tiles_context(3, 20, &segments);
    tiles_contexts_agree(&model, one, 1);
    tiles_contexts_agree(&model, one, 2);
    tiles_contexts_agree(&model, &segments, 1);
    CHECK(tiles_products > before + 1000 && !tiles_faults && !tiles_configs);
    sgf_layout_free(&one[0]), sgf_layout_free(&one[1]), sgf_layout_free(&segments);
    odd_model_free(&model);
    forward_arithmetic = SGF_ARITHMETIC_F32;
    tiles_how = TILES_NONE;
}
/* Attention uses a unit only if that flushes as the definition says. */
static void test_attention_by_tiles_gives_the_reference_bits(void) {
    long before = tiles_products, wrong;
    tiles_how = TILES_LATE_FLUSH;
    tiny_attention_agrees(SGF_KERNELS_AMX);
    wrong = tiles_products - before, before = tiles_products;
    tiles_how = 0;
    tiny_attention_agrees(SGF_KERNELS_AMX);
    CHECK(tiles_products > before + wrong + 1000 && !tiles_faults && !tiles_configs);
    tiles_how = TILES_NONE;
}
static void tests_tiles(void) {
    RUN(test_emulated_tiles_do_what_the_manual_says);
    RUN(test_units_are_used_as_far_as_they_are_right);
    RUN(test_products_by_tiles_give_the_reference_bits);
    RUN(test_tiles_compute_only_what_they_should);
    RUN(test_attention_by_tiles_gives_the_reference_bits);
    RUN(test_groups_on_tiles_read_their_own_keys);
    RUN(test_models_on_tiles_give_the_reference_bits);
}
#else
static void test_tiles(void) {
    SKIP("tile units are emulated on x86-64 under Linux, with gcc 11 or clang 12 or later, and "
         "without TILES_REAL");
}
static void tests_tiles(void) {
    RUN(test_tiles);
}
#endif
