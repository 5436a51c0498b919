/* What a session hands to a device: a device in plain C, of the reference's loops, that knows nothing but
   the calls. Ids, logits and hidden states must be the processor's, bit for bit. */

typedef struct test_device {
    const sgf_model *model;
    const float *inv_freq;
    float rope_scale, *kept; /* logits that stay here */
    void *page[4096];        /* [L][2][SGF__PAGE][G * C] floats each */
    size_t pages, calls, copies, chosen;
} test_device;

static int device_here;    /* 1: there is a device */
static size_t device_fail; /* this call of the session fails; 0: none */
static test_device device_made;

static sgf_status device_call(sgf_error *err) {
    if (++device_made.calls != device_fail) return SGF_OK;
    return sgf__fail(err, SGF_ERR_IO, "the device of the tests fails");
}
static sgf_status device_describe(char *out, size_t cap, sgf_error *err) {
    if (!device_here)
        return sgf__fail(err, SGF_ERR_UNSUPPORTED, "there is no device; try make cuda");
    snprintf(out, cap, "a device of the tests");
    return SGF_OK;
}
static sgf_status device_open(const sgf_model *model, const float *inv_freq, float rope_scale,
                              int exact, void **device, sgf_error *err) {
    (void)exact;
    memset(&device_made, 0, sizeof device_made);
    device_made.model = model;
    device_made.inv_freq = inv_freq;
    device_made.rope_scale = rope_scale;
    *device = &device_made;
    return device_call(err);
}
static void device_close(void *device) {
    test_device *d = (test_device *)device;
    if (!d) return;
    while (d->pages) free(d->page[--d->pages]);
    free(d->kept);
    d->kept = NULL;
}
static sgf_status device_page(void *device, void **page, sgf_error *err) {
    test_device *d = (test_device *)device;
    const sgf_config *c = &d->model->config;
    if (device_call(err)) return SGF_ERR_IO;
    if (d->pages == 4096) return sgf__fail(err, SGF_ERR_MEMORY, "no more pages");
    *page = calloc((size_t)(c->layers * 2 * SGF__PAGE * c->kv_heads * c->head_dim), sizeof(float));
    d->page[d->pages++] = *page;
    return SGF_OK;
}
/* The keys (values = 0) or values of all heads in one cell. */
static float *device_cell(const test_device *d, const void *page, int32_t layer, int values,
                          int32_t cell) {
    size_t GC = (size_t)(d->model->config.kv_heads * d->model->config.head_dim);
    return (float *)(uintptr_t)page +
           ((size_t)(2 * layer + values) * SGF__PAGE + (size_t)cell) * GC;
}
static void device_copy(const test_device *d, const sgf__device_copy *copy) {
    const sgf_config *c = &d->model->config;
    size_t C = (size_t)c->head_dim, G = (size_t)c->kv_heads, g, i;
    int32_t l, n;
    for (l = 0; l < c->layers; l++)
        for (n = 0; n < copy->count; n++) {
            int32_t rope = sgf_config_rope(c, l);
            const float *inv_freq = d->inv_freq + (rope == 1 ? C / 2 : 0);
            float *to = device_cell(d, copy->to, l, 0, copy->to_cell + n);
            const float *from = device_cell(d, copy->from, l, 0, copy->from_cell + n);
            memcpy(device_cell(d, copy->to, l, 1, copy->to_cell + n),
                   device_cell(d, copy->from, l, 1, copy->from_cell + n), G * C * sizeof *to);
            memcpy(to, from, G * C * sizeof *to);
            for (g = 0; copy->rotate && rope >= 0 && g < G; g++)
                for (i = 0; i < C / 2; i++) {
                    float *a = to + g * C + i, *b = a + C / 2, x = *a, y = *b;
                    double sine, cosine;
                    sgf__sincos_d((double)copy->rotate * (double)inv_freq[i], &sine, &cosine);
                    *a = sgf__fma_portable(x, (float)cosine, -(y * (float)sine));
                    *b = sgf__fma_portable(y, (float)cosine, x * (float)sine);
                }
        }
}
/* Query head h, q[C], of a row: softmax over the keys of its group's spans. */
static void device_attend(const test_device *d, const sgf__device_call *call,
                          const sgf__device_row *row, int32_t l, size_t h, const float *q,
                          float *out) {
    const sgf_config *c = &d->model->config;
    const sgf__device_group *group = &call->group[row->group];
    size_t C = (size_t)c->head_dim, at = h / (size_t)(c->heads / c->kv_heads) * C, i;
    static float score[8192];
    float top = -INFINITY, sum = 0, scale = (float)c->score_scale;
    int32_t round, k, j, n;
    for (i = 0; i < C; i++) out[i] = 0;
    for (round = 0; round < 2; round++)
        for (k = n = 0; k < group->spans; k++) {
            const sgf__device_span *span = &call->span[group->span + k];
            for (j = span->begin; j < span->end && (!span->own || j <= row->index); j++, n++) {
                const void *page = call->page[span->first_page + j / SGF__PAGE];
                const float *x = device_cell(d, page, l, round, j % SGF__PAGE) + at;
                float dot = 0;
                if (round) {
                    score[n] = sgf__exp(score[n] - top);
                    sum += score[n];
                    for (i = 0; i < C; i++) out[i] = sgf__fma_portable(score[n], x[i], out[i]);
                    continue;
                }
                for (i = 0; i < C; i++) dot = sgf__fma_portable(q[i], x[i], dot);
                score[n] = sgf__fma_portable(dot, scale, span->log_weight);
                if (score[n] > top) top = score[n];
            }
        }
    for (i = 0; sum != 0 && i < C; i++) out[i] *= 1.0f / sum;
}
static void device_layer(const test_device *d, const sgf__device_call *call, int32_t l, float *x,
                         float *q, float *room) {
    const sgf_config *c = &d->model->config;
    const sgf_layer *w = &d->model->layer[l];
    size_t D = (size_t)c->dim, C = (size_t)c->head_dim, H = (size_t)c->heads, r, h, i;
    size_t G = (size_t)c->kv_heads, F = (size_t)c->ffn_dim;
    int32_t rope = sgf_config_rope(c, l);
    float *mixed = room + D, *gate = mixed + H * C, *up = gate + F;
    for (r = 0; r < call->rows; r++) {
        const sgf__device_row *row = &call->row[r];
        float *k = device_cell(d, row->page, l, 0, row->cell);
        sgf__reference_norm(&w->attn_norm, c->rms_eps, x + r * D, D, room);
        sgf__reference_product(0, &w->q, &w->q_bias, room, q + r * H * C);
        sgf__reference_product(0, &w->k, &w->k_bias, room, k);
        sgf__reference_product(0, &w->v, &w->v_bias, room,
                               device_cell(d, row->page, l, 1, row->cell));
        sgf__reference_norm(&w->q_norm, c->rms_eps, q + r * H * C, H * C, q + r * H * C);
        sgf__reference_norm(&w->k_norm, c->rms_eps, k, G * C, k);
        for (h = 0; rope >= 0 && h < H + G; h++)
            sgf__reference_rope(d->inv_freq + (rope ? C / 2 : 0), rope ? 1 : d->rope_scale,
                                row->pos, h < H ? q + (r * H + h) * C : k + (h - H) * C, C);
    }
    for (r = 0; r < call->rows; r++, x += D) {
        for (h = 0; h < H; h++)
            device_attend(d, call, &call->row[r], l, h, q + (r * H + h) * C, mixed + h * C);
        sgf__reference_product(0, &w->o, &w->o_bias, mixed, room);
        sgf__reference_add(c, &w->attn_post_norm, room, x);
        sgf__reference_norm(&w->ffn_norm, c->rms_eps, x, D, room);
        sgf__reference_product(0, &w->gate, &w->gate_bias, room, gate);
        sgf__reference_product(0, &w->up, &w->up_bias, room, up);
        for (i = 0; i < F; i++) gate[i] = sgf__gate_body(0, c->gelu, gate[i]) * up[i];
        sgf__reference_product(0, &w->down, &w->down_bias, gate, room);
        sgf__reference_add(c, &w->ffn_post_norm, room, x);
    }
}
static sgf_status device_forward(void *device, const sgf__device_call *call, sgf_error *err) {
    test_device *d = (test_device *)device;
    const sgf_model *m = d->model;
    size_t D = (size_t)m->config.dim, V = (size_t)m->config.vocab_size, r, i, wanted = 0;
    size_t HC = (size_t)(m->config.heads * m->config.head_dim);
    float *x = (float *)malloc(call->rows * D * sizeof *x);
    float *q = (float *)malloc(call->rows * HC * sizeof *q);
    float *room = (float *)malloc((D + HC + 2 * (size_t)m->config.ffn_dim) * sizeof *room);
    float *logits = call->logits;
    int32_t l;
    sgf_status status = device_call(err);
    if (call->keep) {
        if (!call->first_kept)
            d->kept = (float *)realloc(d->kept, (call->all_kept + 1) * V * sizeof(float));
        logits = d->kept + call->first_kept * V;
    }
    for (i = 0; !status && i < call->copies; i++, d->copies++) device_copy(d, &call->copy[i]);
    for (r = 0; r < call->rows; r++)
        for (i = 0; i < D; i++)
            x[r * D + i] = sgf__element(&m->embedding, (size_t)call->row[r].token * D + i) *
                           (float)m->config.embedding_scale;
    for (l = 0; !status && l < m->config.layers; l++) device_layer(d, call, l, x, q, room);
    for (r = 0; !status && r < call->rows; r++) {
        sgf__reference_norm(&m->norm, m->config.rms_eps, x + r * D, D, room);
        if (call->hidden) memcpy(call->hidden + r * D, room, D * sizeof *room);
        if (call->row[r].want && logits) sgf__reference_logits(0, m, room, logits + wanted++ * V);
    }
    CHECK(status || !logits || wanted == call->wanted);
    free(x), free(q), free(room);
    return status;
}
static sgf_status device_choose(void *device, sgf__device_choice *choice, size_t n,
                                sgf_error *err) {
    test_device *d = (test_device *)device;
    size_t V = (size_t)d->model->config.vocab_size, i;
    float *room = (float *)malloc(2 * V * sizeof *room);
    for (i = 0; i < n; i++, d->chosen++) {
        sgf__combine(SGF__PORTABLE, choice[i].combine, choice[i].weight,
                     d->kept + choice[i].first * V, choice[i].contexts, V, room + V, room);
        choice[i].id = sgf__argmax(room, V);
    }
    free(room);
    return device_call(err);
}
const sgf__device_functions *sgf__cuda(void) {
    static const sgf__device_functions functions = {device_describe, device_open,    device_close,
                                                    device_page,     device_forward, device_choose};
    return &functions;
}

/* ---- tests ---- */

static sgf_session *device_session(const sgf_model *model, sgf_device device, int rotated) {
    sgf_session_options options;
    sgf_session *session = NULL;
    memset(&options, 0, sizeof options);
    options.threads = 1;
    options.device = device;
    options.reuse_rotated = rotated;
    options.exact = 1;
    device_here = 1;
    if (sgf_session_create(model, &options, &session, NULL)) session = NULL;
    options.arithmetic = SGF_ARITHMETIC_BF16; /* the processor's alone */
    if (session && device == SGF_DEVICE_CUDA) {
        sgf_session *none = NULL;
        sgf_error err;
        CHECK(sgf_session_create(model, &options, &none, &err) == SGF_ERR_UNSUPPORTED && !none);
        CHECK(strstr(err.message, "the arithmetic bf16 is computed on a processor only"));
    }
    device_here = 0;
    return session;
}
/* Logits and hidden states of the layouts of every mask, the last third of the rows in calls of one. */
static void test_device_gives_the_bits_of_the_processor(void) {
    static const char *const folders[] = {"llama-gqa-tied", "qwen3",   "llama-bias",
                                          "granite",        "smollm3", "olmo2"};
    static const size_t rows[] = {4096, 7, 1};
    size_t f, m, i, k;
    for (f = 0; f < sizeof folders / sizeof folders[0]; f++)
        for (m = 0; m < SGF_MASK_COUNT; m++) {
            char dir[256];
            sgf_model *model = NULL;
            sgf_layout layout;
            sgf_error err;
            float *out[2];
            size_t T, V, D, size = 0;
            snprintf(dir, sizeof dir, "tests/golden/models/%s", folders[f]);
            MUST(sgf_model_load(dir, NULL, &model, &err), err);
            V = (size_t)model->config.vocab_size, D = (size_t)model->config.dim;
            device_rows = rows[m % 3];
            sgf_layout_init(&layout, NULL);
            mask_random_layout(&layout, 40 + 15 * m, V);
            sgf_mask_set(&layout, (sgf_mask)m);
            T = layout.tokens;
            for (k = 0; k < 2; k++) {
                sgf_session *s = device_session(model, k ? SGF_DEVICE_CUDA : SGF_DEVICE_CPU, 0);
                int32_t sequence = -1;
                size_t done;
                CHECK(s && sgf_session_device(s, NULL) == (k ? SGF_DEVICE_CUDA : SGF_DEVICE_CPU));
                size = T * (V + D);
                out[k] = (float *)calloc(size, sizeof(float));
                if (!s || !out[k]) return;
                MUST(sgf_sequence_open(s, &layout, -1, &sequence, &err), err);
                for (done = 0; done < T;) { /* most at once, then row by row */
                    size_t n = done ? 1 : T - T / 3;
                    sgf_row row[256];
                    for (i = 0; i < n; i++) {
                        row[i].token = layout.token[done + i], row[i].pos = layout.pos[done + i];
                        row[i].seg = layout.seg[done + i], row[i].sequence = sequence;
                        row[i].want = 1;
                    }
                    MUST(sgf_forward(s, row, n, out[k] + done * V, out[k] + T * V + done * D, &err),
                         err);
                    done += n;
                }
                sgf_session_free(s);
            }
            CHECK(!memcmp(out[0], out[1], size * sizeof(float)));
            free(out[0]), free(out[1]);
            sgf_layout_free(&layout);
            sgf_model_free(model);
        }
    device_rows = 4096;
}
/* A small one with a tokenizer. */
static sgf_model *device_model(void) {
    sgf_model *model = NULL;
    sgf_error err;
    if (sgf_model_load("tests/golden/methods/model", NULL, &model, &err))
        printf("    %s\n", err.message);
    return model;
}
/* Every method, with and without a function that sees the logits: the ids are chosen by the device
   where nobody looks, and keys are copied and rotated as on the processor. */
static void test_device_answers_as_the_processor(void) {
    static const char *const names[] = {"origin", "avg", "weighted_max", "flex_attention", "fused"};
    sgf_model *model = device_model();
    size_t i, copies = 0, chosen = 0;
    for (i = 0; model && i < 2 * sizeof names / sizeof names[0]; i++) {
        const char *name = names[i / 2];
        size_t paraphrases = i / 2 ? 3 : 1;
        generate_result a, b;
        sgf_session *cpu = device_session(model, SGF_DEVICE_CPU, (int)i & 1);
        sgf_session *gpu = device_session(model, SGF_DEVICE_CUDA, (int)i & 1);
        device_rows = i & 1 ? 50 : 4096;
        generate_blind = (int)i & 1;
        CHECK(cpu && gpu && generate_run_method(model, cpu, name, paraphrases, 1, 0, &a) &&
              generate_run_method(model, gpu, name, paraphrases, 1, 0, &b));
        CHECK(generate_same(&a, &b) && a.count[0] > 0);
        copies += device_made.copies, chosen += device_made.chosen;
        free(a.logits), free(b.logits);
        sgf_session_free(cpu), sgf_session_free(gpu);
    }
    generate_blind = 0;
    device_rows = 4096;
    CHECK(copies && chosen);
    sgf_model_free(model);
}
/* A device that fails at call 1, 2, 3, ...: its message arrives, and the session then does the work. */
static void test_device_that_fails_leaves_the_session_whole(void) {
    sgf_model *model = device_model();
    generate_result wanted, got;
    sgf_session *cpu = device_session(model, SGF_DEVICE_CPU, 0);
    size_t fail, failed = 0;
    generate_blind = 1;
    CHECK(generate_run_method(model, cpu, "fused", 3, 1, 0, &wanted));
    for (fail = 1; fail < 60; fail += 1 + fail / 8) {
        generate_texts_all all;
        sgf_session *gpu;
        sgf_error err;
        char text[64];
        device_fail = fail;
        gpu = device_session(model, SGF_DEVICE_CUDA, 0);
        CHECK((gpu == NULL) == (fail == 1));
        if (!gpu) continue;
        generate_prompts(&all, 3);
        if (sgf_ask(gpu, "fused", &all.prompt[0], 0, text, sizeof text, &err)) {
            CHECK(!strcmp(err.message, "the device of the tests fails"));
            failed++;
        }
        device_fail = 0;
        CHECK(generate_run_method(model, gpu, "fused", 3, 1, 0, &got));
        CHECK(generate_same(&wanted, &got));
        free(got.logits);
        sgf_session_free(gpu);
    }
    device_fail = 0;
    generate_blind = 0;
    CHECK(failed > 5);
    free(wanted.logits);
    sgf_session_free(cpu);
    sgf_model_free(model);
}
static void device_watch(void *user, size_t row, int32_t layer, const double *mass, size_t n) {
    (void)row, (void)layer, (void)mass, (void)n;
    ++*(int *)user;
}
static void test_device_cannot_be_watched(void) {
    sgf_model *model = device_model();
    sgf_session *gpu = device_session(model, SGF_DEVICE_CUDA, 0);
    sgf_layout layout;
    sgf_error err;
    int seen = 0;
    char text[64];
    CHECK(gpu != NULL);
    if (!gpu) return;
    sgf_layout_init(&layout, NULL);
    mask_random_layout(&layout, 20, 50);
    sgf_session_watch(gpu, device_watch, &seen);
    CHECK(sgf_forward_layout(gpu, &layout, NULL, NULL, NULL, &err) == SGF_ERR_UNSUPPORTED);
    CHECK(!seen && strstr(err.message, "use the device cpu"));
    device_here = 1;
    CHECK(!sgf_device_describe(SGF_DEVICE_AUTO, text, sizeof text, &err) &&
          !strcmp(text, "a device of the tests"));
    device_here = 0;
    CHECK(!sgf_device_describe(SGF_DEVICE_AUTO, text, sizeof text, &err) && !strcmp(text, "cpu"));
    sgf_layout_free(&layout);
    sgf_session_free(gpu);
    sgf_model_free(model);
}

static void test_device_takes_no_mean_of_hidden_states(void) {
    sgf_model *model = device_model();
    sgf_session *gpu = device_session(model, SGF_DEVICE_CUDA, 0);
    generate_texts_all all;
    sgf_error err;
    char answer[64];
    CHECK(gpu != NULL);
    if (!gpu) return;
    generate_prompts(&all, 3);
    CHECK(sgf_ask(gpu, "hidden", &all.prompt[0], 2, answer, sizeof answer, &err) ==
          SGF_ERR_UNSUPPORTED);
    CHECK(strstr(err.message, "become their mean on a processor only, not on a GPU"));
    sgf_session_free(gpu);
    sgf_model_free(model);
}

static void tests_device(void) {
    RUN(test_device_gives_the_bits_of_the_processor);
    RUN(test_device_answers_as_the_processor);
    RUN(test_device_that_fails_leaves_the_session_whole);
    RUN(test_device_cannot_be_watched);
    RUN(test_device_takes_no_mean_of_hidden_states);
}
