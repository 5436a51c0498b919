/* What a method does beyond one greedy pass over its contexts: sgf_decoding, with the bundled model. */

enum { DECODING_MOST = GENERATE_PARAPHRASES };

/* A method with a decoding, for all questions; entropies and weights of each. */
typedef struct {
    generate_result r;
    double trust[GENERATE_QUESTIONS][2 * DECODING_MOST];
} decoding_result;

/* Together, or one after the other, on layouts that `change` (may be NULL) was applied to. */
static int decoding_run(const sgf_model *model, sgf_session *session, const sgf_method *method,
                        int together, void (*change)(sgf_layout *, size_t), decoding_result *d) {
    generate_texts_all all;
    sgf_layout layout[GENERATE_QUESTIONS][DECODING_MOST];
    sgf_task task[GENERATE_QUESTIONS];
    sgf_error err;
    size_t contexts = method->contexts == SGF_CONTEXTS_ENSEMBLE ? DECODING_MOST : 1, q, c;
    int ok = 1;
    generate_prompts(&all, DECODING_MOST);
    memset(task, 0, sizeof task);
    memset(d, 0, sizeof *d);
    d->r.V = (size_t)model->config.vocab_size;
    d->r.logits = (float *)calloc(GENERATE_QUESTIONS * GENERATE_LENGTH * d->r.V, sizeof(float));
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        for (c = 0; c < contexts; c++) {
            sgf_layout_init(&layout[q][c], NULL);
            if (sgf_prompt_layout(model->tokenizer, &all.prompt[q], method, c, &layout[q][c], &err))
                return 0;
        }
        if (change) change(&layout[q][0], q);
        task[q].context = layout[q], task[q].contexts = contexts;
        task[q].combine = method->combine, task[q].decoding = method->decoding;
        task[q].ids = d->r.ids[q], task[q].max_new_tokens = GENERATE_LENGTH;
        task[q].trust = d->trust[q];
    }
    if (together) ok = !sgf_generate(session, task, GENERATE_QUESTIONS, generate_keep, d, &err);
    for (q = 0; !together && ok && q < GENERATE_QUESTIONS; q++) {
        generate_single single;
        single.result = &d->r, single.question = q;
        ok = !sgf_generate(session, &task[q], 1, generate_keep_single, &single, &err);
    }
    if (!ok) printf("    %s\n", err.message);
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        d->r.count[q] = task[q].count, d->r.prefill += task[q].prefill_tokens;
        for (c = 0; c < contexts; c++) sgf_layout_free(&layout[q][c]);
    }
    return ok;
}
static int decoding_same(const decoding_result *a, const decoding_result *b) {
    return generate_same(&a->r, &b->r) && !memcmp(a->trust, b->trust, sizeof a->trust);
}
static void decoding_method(const char *name, sgf_method *method) {
    sgf_error err;
    MUST(sgf_method_find(name, method, &err), err);
}

/* Together, one by one, threads, no reuse, other kernels: the same bits. */
static void test_decodings_have_the_same_bits_however_they_run(void) {
    static const sgf_decoding how[] = {{0.5, 0, 0, 0, 0, 0, 0, 0},    {0, 0, 2, 0, 0, 0, 0, 0},
                                       {0.5, 0, 3, 0.25, 0, 0, 0, 0}, {0, 0, 0, 0.5, 0, 0, 0, 0},
                                       {0, 0, 0, 1, 0, 0, 0, 0},      {0, 0, 0, 0, 0.5, 0, 0, 0},
                                       {0.25, 1, 3, 0, 0, 0, 0, 0}};
    sgf_model *model = generate_model();
    size_t i;
    int threads;
    CHECK(model != NULL);
    for (i = 0; model && i < 2 * (sizeof how / sizeof how[0]); i++) {
        sgf_session_options plain;
        sgf_session *session = generate_session(model, 1, 1);
        decoding_result first, other;
        sgf_method method;
        decoding_method(how[i / 2].tau > 0 ? "entropy_avg" : "fused", &method);
        method.decoding = how[i / 2];
        method.mixture = i % 2;
        CHECK(decoding_run(model, session, &method, 0, NULL, &first));
        sgf_session_free(session);
        for (threads = 1; threads <= 4; threads++) {
            memset(&plain, 0, sizeof plain);
            plain.threads = threads < 4 ? threads : 1;
            if (threads > 3) plain.kernels = SGF_KERNELS_PORTABLE;
            CHECK(!sgf_session_create(model, &plain, &session, NULL));
            CHECK(decoding_run(model, session, &method, threads != 1, NULL, &other));
            CHECK(decoding_same(&first, &other));
            CHECK(other.r.prefill < first.r.prefill);
            free(other.r.logits);
            sgf_session_free(session);
        }
        free(first.r.logits);
    }
    sgf_model_free(model);
}
/* Two questions of three paraphrases in random ids, four new tokens, with a small model: logits of all steps
   (of beams the ids) to out [2][4][V]. 0: failed, -1: this machine has no such kernels. */
static int decoding_small(const sgf_model *model, sgf_kernels kernels, const sgf_method *method,
                          float *out) {
    enum { N = 3, NEW = 4 };
    int ensemble = method->contexts == SGF_CONTEXTS_ENSEMBLE;
    size_t V = (size_t)model->config.vocab_size, q, c, i;
    sgf_session *session = forward_session(model, kernels, 1);
    generate_result r;
    sgf_layout layout[2][N];
    sgf_task task[2];
    sgf_error err;
    sgf_status status = SGF_OK;
    if (!session) return -1;
    memset(task, 0, sizeof task), memset(&r, 0, sizeof r),
        memset(out, 0, 2 * NEW * V * sizeof *out);
    r.V = V, r.logits = (float *)calloc(2 * GENERATE_LENGTH * V, sizeof(float));
    for (q = 0; q < 2; q++) {
        for (c = 0; c < (ensemble ? N : 1); c++) {
            sgf_layout *l = &layout[q][c];
            int32_t part, segment = 0, id;
            sgf_layout_init(l, NULL);
            for (part = 0; part < N + 2; part++) { /* prefix, paraphrases, cue */
                if (part > 0 && part <= N && ensemble && part != (int32_t)c + 1) continue;
                status = status ? status
                                : sgf_layout_segment(l,
                                                     part == 0  ? SGF_ROLE_SHARED
                                                     : part > N ? SGF_ROLE_ANSWER
                                                                : SGF_ROLE_PARAPHRASE,
                                                     part - 1, &segment, &err);
                for (i = 0; i < (part > N ? 2u : 5u + (size_t)part); i++) {
                    id = 3 + (int32_t)((q * 31 + (size_t)part * 17 + i * 7) % (V - 3));
                    status = status ? status : sgf_layout_add(l, segment, &id, 1, &err);
                }
            }
            sgf_layout_place(l, SGF_POSITIONS_ALIGNED);
            sgf_mask_set(l, SGF_MASK_SHARED);
            l->mixture = method->mixture;
        }
        task[q].context = layout[q], task[q].contexts = ensemble ? N : 1;
        task[q].combine = method->combine, task[q].decoding = method->decoding;
        task[q].ids = r.ids[q], task[q].max_new_tokens = NEW;
    }
    status = status ? status : sgf_generate(session, task, 2, generate_keep, &r, &err);
    for (q = 0; q < 2; q++) {
        memcpy(out + q * NEW * V, r.logits + q * GENERATE_LENGTH * V, NEW * V * sizeof *out);
        for (i = 0; i < NEW && method->decoding.beams; i++)
            out[q * NEW * V + i] = (float)r.ids[q][i];
        for (c = 0; c < (ensemble ? N : 1); c++) sgf_layout_free(&layout[q][c]);
    }
    if (status) printf("    %s\n", err.message);
    sgf_session_free(session);
    free(r.logits);
    return !status;
}
/* By the reference, in plain C, by AVX2 and by AVX-512: the same bits. */
static void test_every_kernel_set_has_the_bits_of_decodings(void) {
    static const char *const names[] = {"llama-gqa-tied", "mistral-window", "gemma3"};
    static const struct {
        const char *name;
        int mixture;
        sgf_decoding how;
    } of[] = {
        {"fused", 0, {0.5, 0, 0, 0, 0, 0, 0, 0}},    {"fused", 0, {0, 0, 2, 0, 0, 0, 0, 0}},
        {"fused", 0, {0, 0, 0, 0.5, 0, 0, 0, 0}},    {"fused", 1, {0, 0, 0, 0, 0, 0, 0, 0}},
        {"fused", 1, {0.5, 0, 0, 0, 0, 0, 0, 0}},    {"fused", 0, {0.25, 1, 0, 0, 0, 0, 0, 0}},
        {"fused", 0, {0.5, 0, 0, 0.25, 0, 3, 1, 0}}, {"entropy_avg", 0, {0, 0, 0, 0, 2, 0, 0, 0}},
        {"origin", 0, {0, 0, 0, 0, 0, 4, 1, 0}},     {"hidden", 0, {0, 0, 0, 0, 0, 0, 0, 0}},
        {"hidden", 0, {0, 0, 0, 0, 0, 0, 0, 1}},     {"hidden", 0, {0, 0, 0, 0, 0, 3, 1, 1}}};
    enum { WAYS = sizeof of / sizeof of[0] };
    size_t m, i, k, V, n, tried = 0;
    for (m = 0; m < 3; m++) {
        sgf_model *model = forward_model(names[m]);
        float *first[WAYS], *other;
        CHECK(model != NULL);
        if (!model) return;
        V = (size_t)model->config.vocab_size, n = 8 * V * sizeof *other;
        other = (float *)malloc(n);
        for (i = 0; i < WAYS; i++) {
            sgf_method method;
            int kernels, made;
            decoding_method(of[i].name, &method);
            method.decoding = of[i].how, method.mixture = of[i].mixture;
            first[i] = (float *)malloc(n);
            CHECK(decoding_small(model, SGF_KERNELS_AUTO, &method, first[i]) == 1);
            for (kernels = SGF_KERNELS_REFERENCE; kernels < SGF_KERNELS_COUNT; kernels++) {
                made = decoding_small(model, (sgf_kernels)kernels, &method, other);
                CHECK(made && (made < 0 || !memcmp(first[i], other, n)));
                tried += made > 0;
            }
            for (k = 0; k < i; k++) /* and each way is another one */
                CHECK(of[i].how.beams || of[k].how.beams || memcmp(first[i], first[k], n));
        }
        for (i = 0; i < WAYS; i++) free(first[i]);
        free(other);
        sgf_model_free(model);
    }
    CHECK(tried >= 3 * 2 * WAYS); /* the reference and plain C are always there */
}
/* The newest states become their mean: after the last layer that is avg, from an earlier one on it is not. */
static void test_hidden_from_the_last_layer_on_is_avg(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    decoding_result avg, hidden, other;
    sgf_method method;
    int32_t l;
    int threads;
    CHECK(session != NULL);
    if (!session) return;
    decoding_method("avg", &method);
    CHECK(decoding_run(model, session, &method, 1, NULL, &avg));
    decoding_method("hidden", &method);
    for (l = 0; l <= model->config.layers; l++) {
        method.decoding.from_layer = l;
        CHECK(decoding_run(model, session, &method, 1, NULL, &hidden));
        CHECK(generate_same(&avg.r, &hidden.r) == (l == model->config.layers));
        for (threads = 1; threads <= 3; threads++) { /* one question at a time, no reuse: */
            sgf_session *plain = generate_session(model, threads, 1);
            CHECK(decoding_run(model, plain, &method, threads == 2, NULL, &other));
            CHECK(generate_same(&hidden.r, &other.r));
            free(other.r.logits);
            sgf_session_free(plain);
        }
        free(hidden.r.logits);
    }
    free(avg.r.logits);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* Chunks of rows end before a question's newest rows, not within: many questions, many contexts. */
static void test_hidden_keeps_the_contexts_of_a_question_together(void) {
    enum { TASKS = 9, N = 60, T = 7 };
    static sgf_layout layout[TASKS][N];
    static float logits[TASKS][80];
    static sgf_task task[TASKS];
    sgf_model *model = forward_model("llama-gqa-tied");
    sgf_session *session = model ? generate_session(model, 2, 0) : NULL;
    generate_single single;
    generate_result r;
    sgf_error err;
    int32_t ids[TASKS], segment, id;
    size_t q, c, i;
    CHECK(session && model->config.vocab_size == 80);
    if (!session) return;
    memset(&r, 0, sizeof r);
    r.V = 80, r.logits = (float *)calloc(TASKS * GENERATE_LENGTH * r.V, sizeof(float));
    for (q = 0; q < TASKS; q++) {
        for (c = 0; c < N; c++) {
            sgf_layout_init(&layout[q][c], NULL);
            MUST(sgf_layout_segment(&layout[q][c], SGF_ROLE_ANSWER, -1, &segment, &err), err);
            for (i = 0; i < T + c % 3; i++) {
                id = (int32_t)((q * 331 + c * 17 + i * 7) % 77 + 3);
                MUST(sgf_layout_add(&layout[q][c], segment, &id, 1, &err), err);
            }
            sgf_mask_set(&layout[q][c], SGF_MASK_CAUSAL);
        }
        task[q].context = layout[q], task[q].contexts = N, task[q].combine = SGF_COMBINE_HIDDEN;
        task[q].ids = &ids[q], task[q].max_new_tokens = 1, task[q].decoding.from_layer = 1;
        single.result = &r, single.question = 0;
        MUST(sgf_generate(session, &task[q], 1, generate_keep_single, &single, &err), err);
        memcpy(logits[q], r.logits, sizeof logits[q]);
    }
    MUST(sgf_generate(session, task, TASKS, generate_keep, &r, &err), err);
    for (q = 0; q < TASKS; q++) {
        CHECK(!memcmp(logits[q], r.logits + q * GENERATE_LENGTH * r.V, sizeof logits[q]));
        for (c = 0; c < N; c++) sgf_layout_free(&layout[q][c]);
    }
    free(r.logits);
    sgf_session_free(session);
    sgf_model_free(model);
}
typedef struct {
    const json_doc *json;
    uint32_t logits, best; /* lists by step */
    int wrong;
} decoding_hooked;
static size_t decoding_reals(const json_doc *json, uint32_t list, double *out, size_t most);
static int decoding_hidden_step(void *user, size_t task, size_t step, const float *logits,
                                int32_t *chosen) {
    decoding_hooked *h = (decoding_hooked *)user;
    double best[4], wanted[16];
    uint32_t at = h->logits + 1;
    size_t i, n;
    (void)task;
    for (i = 0; i < step; i++) at = h->json->nodes[at].next;
    decoding_reals(h->json, h->best, best, 4);
    n = decoding_reals(h->json, at, wanted, 16);
    h->wrong |= n != 14 || fabs((double)logits[*chosen] - best[step]) > 2e-5 * best[step];
    for (i = 0; i < n; i++)
        h->wrong |= fabs((double)logits[i * 157] - wanted[i]) > 2e-5 * best[step];
    return 0;
}
/* Each paraphrase alone costs the rows of the cue, once, and the fusion those of its own. */
static void test_a_paraphrase_alone_costs_its_answer_rows(void) {
    sgf_model *model = generate_model();
    decoding_result plain, weighs;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout;
    size_t cue = 0, q;
    sgf_error err;
    sgf_session *session;
    CHECK(model != NULL);
    if (!model) return;
    generate_prompts(&all, DECODING_MOST);
    decoding_method("fused", &method);
    sgf_layout_init(&layout, NULL);
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[q], &method, 0, &layout, &err), err);
        cue += layout.segment[layout.answer].tokens;
    }
    sgf_layout_free(&layout);
    session = generate_session(model, 1, 0);
    CHECK(cue && decoding_run(model, session, &method, 1, NULL, &plain));
    sgf_session_free(session), session = generate_session(model, 1, 0);
    method.decoding.trust_mass = 0.5;
    CHECK(decoding_run(model, session, &method, 1, NULL, &weighs));
    CHECK(weighs.r.prefill == plain.r.prefill + DECODING_MOST * cue);
    free(plain.r.logits), free(weighs.r.logits);
    sgf_session_free(session);
    sgf_model_free(model);
}
static decoding_result decoding_before; /* of the run whose weights are given by hand */
static void decoding_weigh(sgf_layout *layout, size_t q) {
    sgf_error err;
    MUST(sgf_layout_weigh(layout, decoding_before.trust[q] + DECODING_MOST, DECODING_MOST, &err),
         err);
}
/* Entropy mass is the fusion with the weights exp(-D / T): D is the entropy of Alone_i computed by itself,
   or by how far they agree. */
static void trust_mass_is_the_fusion_with_these_weights(int agreement) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    decoding_result by_hand;
    sgf_layout fused, alone;
    sgf_method method;
    sgf_error err;
    size_t q, i, V;
    float *logits, *scratch, *first;
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    decoding_method("fused", &method);
    method.decoding.trust_mass = 0.25, method.decoding.agreement = agreement;
    CHECK(decoding_run(model, session, &method, 1, NULL, &decoding_before));
    method.decoding.trust_mass = 0;
    CHECK(decoding_run(model, session, &method, 1, decoding_weigh, &by_hand));
    CHECK(generate_same(&decoding_before.r, &by_hand.r));
    generate_prompts(&all, DECODING_MOST);
    sgf_layout_init(&fused, NULL), sgf_layout_init(&alone, NULL);
    scratch = (float *)malloc((DECODING_MOST + 1) * V * sizeof(float));
    first = scratch + V;
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        double weight[DECODING_MOST], doubt[DECODING_MOST], best[DECODING_MOST], total = 0;
        const double *trust = decoding_before.trust[q];
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[q], &method, 0, &fused, &err), err);
        for (i = 0; i < DECODING_MOST; i++) {
            MUST(sgf_layout_alone(&fused, (int32_t)i, &alone, &err), err);
            logits = (float *)malloc(alone.tokens * V * sizeof(float));
            MUST(sgf_reference_forward(model, SGF_ARITHMETIC_F32, &alone, NULL, logits, &err), err);
            memcpy(first + i * V, logits + (alone.tokens - 1) * V, V * sizeof(float));
            free(logits);
            total += weight[i] = exp(-trust[i] / 0.25);
        }
        sgf__doubts(0, agreement, first, DECODING_MOST, V, best, scratch, doubt);
        CHECK(!memcmp(doubt, trust, sizeof doubt));
        for (i = 0; i < DECODING_MOST; i++)
            CHECK(fabs(weight[i] / total - trust[DECODING_MOST + i]) < 1e-12);
    }
    free(scratch), free(by_hand.r.logits), free(decoding_before.r.logits);
    sgf_layout_free(&fused), sgf_layout_free(&alone);
    sgf_session_free(session);
    sgf_model_free(model);
}
static void test_entropy_mass_is_the_fusion_with_these_weights(void) {
    trust_mass_is_the_fusion_with_these_weights(0);
}
static void test_agreement_mass_is_the_fusion_with_these_weights(void) {
    trust_mass_is_the_fusion_with_these_weights(1);
}
/* Alone_i is what a prompt of that paraphrase alone gives: the last one has no separator, so its tokens are
   the same, too. */
static void test_the_last_paraphrase_alone_is_its_own_prompt(void) {
    sgf_model *model = generate_model();
    generate_texts_all all;
    sgf_layout fused, alone, own;
    sgf_method method;
    sgf_error err;
    float *a, *b;
    size_t V, s;
    CHECK(model != NULL);
    if (!model) return;
    V = (size_t)model->config.vocab_size;
    generate_prompts(&all, 3);
    decoding_method("fused", &method);
    sgf_layout_init(&fused, NULL), sgf_layout_init(&alone, NULL), sgf_layout_init(&own, NULL);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &fused, &err), err);
    MUST(sgf_layout_alone(&fused, 2, &alone, &err), err);
    all.prompt[0].paraphrase += 2, all.prompt[0].paraphrases = 1;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &own, &err), err);
    a = (float *)malloc(alone.tokens * V * sizeof(float)),
    b = (float *)malloc(own.tokens * V * sizeof(float));
    MUST(sgf_reference_forward(model, SGF_ARITHMETIC_F32, &alone, NULL, a, &err), err);
    MUST(sgf_reference_forward(model, SGF_ARITHMETIC_F32, &own, NULL, b, &err), err);
    CHECK(alone.answer_pos == own.answer_pos && alone.tokens > own.tokens);
    CHECK(!memcmp(a + (alone.tokens - 1) * V, b + (own.tokens - 1) * V, V * sizeof(float)));
    CHECK(sgf_layout_alone(&fused, 3, &alone, &err) == SGF_ERR_ARG &&
          strstr(err.message, "paraphrase 4 cannot be asked alone: the prompt has 3 paraphrases"));
    for (s = 0; s < fused.segments; s++) /* no paraphrase has number 1 any more */
        if (fused.segment[s].group == 1) fused.segment[s].group = 2;
    CHECK(sgf_layout_alone(&fused, 1, &alone, &err) == SGF_ERR_ARG &&
          strstr(err.message, "paraphrase 2 cannot be asked alone"));
    method.fusion_start = SGF_FUSION_START_AFTER_FIRST;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &fused, &err), err);
    CHECK(sgf_layout_alone(&fused, 0, &alone, &err) == SGF_ERR_ARG && strstr(err.message, "cue"));
    free(a), free(b);
    sgf_layout_free(&fused), sgf_layout_free(&alone), sgf_layout_free(&own);
    sgf_model_free(model);
}
/* Only the K surest, the first of equal ones: */
static void decoding_leave(sgf_layout *layout, size_t q) {
    const double *entropy = decoding_before.trust[q];
    sgf_layout left;
    sgf_error err;
    size_t i, k;
    sgf_layout_init(&left, NULL);
    for (i = 0; i < layout->segments; i++) {
        const sgf_segment *s = &layout->segment[i];
        MUST(sgf_layout_segment(&left, s->role, s->group, NULL, &err), err);
    }
    for (i = 0; i < layout->tokens; i++) { /* without the tokens of the others */
        const sgf_segment *s = &layout->segment[layout->seg[i]];
        size_t before = 0;
        for (k = 0; s->group >= 0 && k < DECODING_MOST; k++)
            before += entropy[k] < entropy[s->group] ||
                      (entropy[k] == entropy[s->group] && (int32_t)k < s->group);
        if (sgf__of_paraphrase(s) && before >= 2) continue;
        MUST(sgf_layout_add(&left, layout->seg[i], &layout->token[i], 1, &err), err);
        left.pos[left.tokens - 1] = layout->pos[i];
    }
    left.answer_pos = layout->answer_pos;
    sgf_mask_set(&left, SGF_MASK_SHARED);
    for (i = 0; i < left.segments; i++)
        if (sgf__of_paraphrase(&left.segment[i]))
            left.segment[i].log_weight = (float)sgf__log_d(0.5);
    sgf_layout_free(layout);
    *layout = left;
}
static void test_select_is_a_layout_without_the_others(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    decoding_result by_hand, all;
    sgf_method method;
    size_t q, i, k;
    CHECK(session != NULL);
    if (!session) return;
    decoding_method("fused", &method);
    method.decoding.select = 2;
    CHECK(decoding_run(model, session, &method, 1, NULL, &decoding_before));
    for (q = 0; q < GENERATE_QUESTIONS; q++)
        for (i = k = 0; i < DECODING_MOST; i++) {
            double weight = decoding_before.trust[q][DECODING_MOST + i];
            CHECK(weight == 0 || weight == 0.5);
            k += weight > 0;
            if (i == DECODING_MOST - 1) CHECK(k == 2);
        }
    method.decoding.select = 0;
    CHECK(decoding_run(model, session, &method, 1, decoding_leave, &by_hand));
    CHECK(generate_same(&decoding_before.r, &by_hand.r));
    free(by_hand.r.logits);
    CHECK(decoding_run(model, session, &method, 1, NULL, &by_hand));
    method.decoding.select = DECODING_MOST + 4; /* more than there are: all */
    CHECK(decoding_run(model, session, &method, 1, NULL, &all));
    CHECK(generate_same(&all.r, &by_hand.r));
    free(by_hand.r.logits), free(all.r.logits), free(decoding_before.r.logits);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* alone = 1 is the mean over Alone_i; between, NumPy's sum of both. */
static void test_hybrid_is_between_the_fusion_and_the_mean(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    decoding_result plain, end, half;
    sgf_layout fused, alone[DECODING_MOST];
    sgf_method method;
    sgf_error err;
    size_t q, i, V;
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    decoding_method("fused", &method);
    CHECK(decoding_run(model, session, &method, 1, NULL, &plain));
    method.decoding.alone = 1;
    CHECK(decoding_run(model, session, &method, 1, NULL, &end));
    method.decoding.alone = 0.25;
    CHECK(decoding_run(model, session, &method, 1, NULL, &half));
    generate_prompts(&all, DECODING_MOST);
    sgf_layout_init(&fused, NULL);
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        generate_result mean;
        generate_single single;
        sgf_task task;
        memset(&mean, 0, sizeof mean);
        memset(&task, 0, sizeof task);
        mean.V = V, mean.logits = (float *)calloc(GENERATE_LENGTH * V, sizeof(float));
        single.result = &mean, single.question = 0;
        method.decoding.alone = 0;
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[q], &method, 0, &fused, &err), err);
        for (i = 0; i < DECODING_MOST; i++) {
            sgf_layout_init(&alone[i], NULL);
            MUST(sgf_layout_alone(&fused, (int32_t)i, &alone[i], &err), err);
        }
        task.context = alone, task.contexts = DECODING_MOST;
        task.ids = mean.ids[0], task.max_new_tokens = GENERATE_LENGTH;
        MUST(sgf_generate(session, &task, 1, generate_keep_single, &single, &err), err);
        CHECK(task.count == end.r.count[q] &&
              !memcmp(mean.ids[0], end.r.ids[q], sizeof mean.ids[0]));
        CHECK(!memcmp(mean.logits, end.r.logits + q * GENERATE_LENGTH * V,
                      task.count * V * sizeof(float)));
        for (i = 0; i < V; i++) {
            float a = plain.r.logits[q * GENERATE_LENGTH * V + i], b = mean.logits[i];
            CHECK(fabs(0.75 * (double)a + 0.25 * (double)b -
                       (double)half.r.logits[q * GENERATE_LENGTH * V + i]) <
                  1e-5 * (1 + fabs((double)a)));
        }
        for (i = 0; i < DECODING_MOST; i++) sgf_layout_free(&alone[i]);
        free(mean.logits);
    }
    sgf_layout_free(&fused);
    free(plain.r.logits), free(end.r.logits), free(half.r.logits);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* Any rule to combine changes nothing of a fusion, whose weights, one for each paraphrase, fit their room. */
static void test_weights_of_a_fusion_fit_their_room_with_any_rule(void) {
    enum { N = 3, NEW = 3 };
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    double trust[2][2 * N + 2];
    int32_t ids[2][NEW];
    generate_texts_all all;
    sgf_layout layout;
    sgf_method method;
    sgf_task task;
    sgf_error err;
    size_t i, k;
    CHECK(session != NULL);
    if (!session) return;
    generate_prompts(&all, N);
    decoding_method("fused_agreement", &method);
    method.decoding.alone = 0.5;
    sgf_layout_init(&layout, NULL);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    for (i = 0; i < 2; i++) {
        memset(&task, 0, sizeof task);
        task.context = &layout, task.contexts = 1, task.decoding = method.decoding;
        task.combine = i ? SGF_COMBINE_ENTROPY_AVG : SGF_COMBINE_AVG;
        task.ids = ids[i], task.max_new_tokens = NEW, task.trust = trust[i];
        for (k = 0; k < 2 * N + 2; k++) trust[i][k] = -7;
        MUST(sgf_generate(session, &task, 1, NULL, NULL, &err), err);
        CHECK(trust[i][2 * N] == -7 && trust[i][2 * N + 1] == -7);
        CHECK(fabs(trust[i][N] + trust[i][N + 1] + trust[i][N + 2] - 1) < 1e-12);
    }
    CHECK(!memcmp(trust[0], trust[1], sizeof trust[0]) && !memcmp(ids[0], ids[1], sizeof ids[0]));
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}
static void test_decodings_refuse_what_is_wrong(void) {
    static const sgf_decoding wrong[] = {
        {-1, 0, 0, 0, 0, 0, 0, 0}, {NAN, 0, 0, 0, 0, 0, 0, 0},  {INFINITY, 0, 0, 0, 0, 0, 0, 0},
        {0, 0, 0, 0, -1, 0, 0, 0}, {0, 0, 0, -0.1, 0, 0, 0, 0}, {0, 0, 0, 1.5, 0, 0, 0, 0},
        {0, 0, 0, NAN, 0, 0, 0, 0}};
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_layout layout;
    sgf_method method;
    sgf_task task;
    sgf_error err;
    int32_t id;
    size_t i;
    CHECK(session != NULL);
    if (!session) return;
    generate_prompts(&all, 3);
    memset(&task, 0, sizeof task);
    decoding_method("fused", &method);
    sgf_layout_init(&layout, NULL);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    task.context = &layout, task.contexts = 1, task.ids = &id, task.max_new_tokens = 1;
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        task.decoding = wrong[i];
        CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
        CHECK(strstr(err.message, i < 4 ? "has a temperature that" : "not in 0 to 1"));
    }
    memset(&task.decoding, 0, sizeof task.decoding);
    task.combine = SGF_COMBINE_HIDDEN;
    for (i = 0; i < 2; i++) {
        task.decoding.from_layer = i ? -1 : model->config.layers + 1;
        CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
        CHECK(strstr(err.message, "from a layer on that the model does not have"));
    }
    memset(&task.decoding, 0, sizeof task.decoding);
    task.combine = SGF_COMBINE_AVG;
    task.decoding.select = 1;
    method.fusion_start = SGF_FUSION_START_AFTER_FIRST;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "one fused context that ends with an answer cue"));
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}

/* ---- golden files of NumPy and transformers (tests/oracle/decoding.py) ---- */

static int decoding_golden(base_arena *arena, sgf__map *map, json_doc *json) {
    char path[300];
    sgf_error err;
    base_arena_init(arena, NULL);
    snprintf(path, sizeof path, "%s/decoding.json", golden_path());
    if (!sgf__map_file(path, NULL, map, &err) &&
        !json_parse(path, map->data, map->size, arena, json, &err))
        return 1;
    printf("    %s\n", err.message);
    return 0;
}
static size_t decoding_reals(const json_doc *json, uint32_t list, double *out, size_t most) {
    uint32_t at = list + 1, i, n = json->nodes[list].count;
    for (i = 0; i < n && i < most; i++, at = json->nodes[at].next)
        sgf__number_parse(json->nodes[at].text.ptr, json->nodes[at].text.len, &out[i]);
    return n;
}
static void test_doubts_and_weights_equal_numpy(void) {
    enum { ROWS = 4, V = 40 };
    base_arena arena;
    sgf__map map;
    json_doc json;
    double entropy[ROWS], agreement[ROWS], ours[ROWS], best[ROWS], weight[ROWS], wanted[ROWS];
    double eighths[V], T;
    float logits[ROWS * V], scratch[V];
    uint32_t node, list, at, i, k;
    CHECK(decoding_golden(&arena, &map, &json));
    node = json_get(&json, 0, "entropy");
    CHECK(decoding_reals(&json, json_get(&json, node, "entropy"), entropy, ROWS) == ROWS);
    list = json_get(&json, node, "eighths");
    for (i = 0, at = list + 1; i < ROWS; i++, at = json.nodes[at].next) {
        CHECK(decoding_reals(&json, at, eighths, V) == V);
        for (k = 0; k < V; k++) logits[i * V + k] = (float)(eighths[k] / 8);
    }
    CHECK(decoding_reals(&json, json_get(&json, node, "agreement"), agreement, ROWS) == ROWS);
    sgf__doubts(0, 1, logits, ROWS, V, best, scratch, ours);
    for (i = 0; i < ROWS; i++) CHECK(fabs(ours[i] - agreement[i]) < 1e-6);
    sgf__doubts(0, 0, logits, ROWS, V, best, scratch, ours);
    for (i = 0; i < ROWS; i++) CHECK(fabs(ours[i] - entropy[i]) < 1e-6);
    list = json_get(&json, node, "weights");
    CHECK(json.nodes[list].count == 3);
    for (i = 0, at = list + 1; i < 3; i++, at = json.nodes[at].next) {
        sgf_str text = json.nodes[json_get(&json, at, "T")].text;
        sgf__number_parse(text.ptr, text.len, &T);
        CHECK(decoding_reals(&json, json_get(&json, at, "w"), wanted, ROWS) == ROWS);
        sgf__trust(ours, ROWS, T, weight);
        for (k = 0; k < ROWS; k++) CHECK(fabs(weight[k] - wanted[k]) < 1e-6);
    }
    sgf__unmap(&map);
    base_arena_free(&arena);
}
static void test_beams_equal_transformers(void) {
    enum { MOST = 64, NEW = 8 };
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    base_arena arena;
    sgf__map map;
    json_doc json;
    sgf_layout layout;
    sgf_error err;
    uint32_t list, at, i;
    CHECK(session && decoding_golden(&arena, &map, &json));
    if (!session) return;
    sgf_layout_init(&layout, NULL);
    list = json_get(&json, 0, "beams");
    CHECK(json.nodes[list].count == 16);
    for (i = 0, at = list + 1; i < json.nodes[list].count; i++, at = json.nodes[at].next) {
        double number[MOST];
        int32_t ids[MOST], answer[NEW], segment;
        sgf_str text = json.nodes[json_get(&json, at, "length_penalty")].text;
        sgf_task task;
        size_t n = decoding_reals(&json, json_get(&json, at, "ids"), number, MOST), k;
        for (k = 0; k < n; k++) ids[k] = (int32_t)number[k];
        sgf_layout_clear(&layout);
        MUST(sgf_layout_segment(&layout, SGF_ROLE_SHARED, 0, &segment, &err), err);
        MUST(sgf_layout_add(&layout, segment, ids, n - 1, &err), err);
        MUST(sgf_layout_segment(&layout, SGF_ROLE_ANSWER, -1, &segment, &err), err);
        MUST(sgf_layout_add(&layout, segment, &ids[n - 1], 1, &err), err);
        sgf_mask_set(&layout, SGF_MASK_CAUSAL);
        memset(&task, 0, sizeof task);
        task.context = &layout, task.contexts = 1, task.ids = answer, task.max_new_tokens = NEW;
        sgf__number_parse(text.ptr, text.len, &task.decoding.length_penalty);
        text = json.nodes[json_get(&json, at, "beams")].text;
        sgf__number_parse(text.ptr, text.len, &number[0]);
        task.decoding.beams = (size_t)number[0];
        MUST(sgf_generate(session, &task, 1, NULL, NULL, &err), err);
        n = decoding_reals(&json, json_get(&json, at, "answer"), number, MOST);
        CHECK(task.count == n);
        for (k = 0; k < n && k < task.count; k++) CHECK(answer[k] == (int32_t)number[k]);
        CHECK(n != task.count || n <= NEW);
    }
    sgf_layout_free(&layout);
    sgf__unmap(&map);
    base_arena_free(&arena);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* Contexts of three lengths, with hooks on the layers. */
static void test_hidden_equals_transformers_with_hooks(void) {
    enum { N = 3, MOST = 64, NEW = 4 };
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    base_arena arena;
    sgf__map map;
    json_doc json;
    sgf_layout layout[N];
    sgf_error err;
    uint32_t node, list, at, i;
    size_t c, n, k;
    CHECK(session && decoding_golden(&arena, &map, &json));
    if (!session) return;
    node = json_get(&json, 0, "hidden");
    list = json_get(&json, node, "contexts");
    CHECK(json.nodes[list].count == N);
    for (c = 0, at = list + 1; c < N; c++, at = json.nodes[at].next) {
        double number[MOST];
        int32_t segment, id;
        sgf_layout_init(&layout[c], NULL);
        MUST(sgf_layout_segment(&layout[c], SGF_ROLE_ANSWER, -1, &segment, &err), err);
        n = decoding_reals(&json, at, number, MOST);
        for (k = 0; k < n; k++) {
            id = (int32_t)number[k];
            MUST(sgf_layout_add(&layout[c], segment, &id, 1, &err), err);
        }
        sgf_mask_set(&layout[c], SGF_MASK_CAUSAL);
    }
    list = json_get(&json, node, "cases");
    CHECK(json.nodes[list].count == (uint32_t)model->config.layers + 1);
    for (i = 0, at = list + 1; i < json.nodes[list].count; i++, at = json.nodes[at].next) {
        decoding_hooked hooked;
        double answer[NEW];
        int32_t ids[NEW];
        sgf_task task;
        memset(&task, 0, sizeof task);
        hooked.json = &json, hooked.wrong = 0;
        hooked.logits = json_get(&json, at, "logits"), hooked.best = json_get(&json, at, "best");
        task.context = layout, task.contexts = N, task.combine = SGF_COMBINE_HIDDEN;
        task.ids = ids, task.max_new_tokens = NEW, task.decoding.from_layer = (int32_t)i;
        MUST(sgf_generate(session, &task, 1, decoding_hidden_step, &hooked, &err), err);
        CHECK(decoding_reals(&json, json_get(&json, at, "answer"), answer, NEW) == NEW);
        CHECK(!hooked.wrong && task.count == NEW);
        for (k = 0; k < task.count; k++) CHECK(ids[k] == (int32_t)answer[k]);
    }
    for (c = 0; c < N; c++) sgf_layout_free(&layout[c]);
    sgf__unmap(&map);
    base_arena_free(&arena);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* Beams by recomputation: every hypothesis is a whole layout that the reference computes. */
static size_t decoding_beams_anew(const sgf_model *model, const sgf_layout *prompt, size_t B,
                                  int32_t *best) {
    enum { MOST = 8, NEW = 4 };
    typedef struct {
        double score;
        size_t count;
        int32_t ids[NEW];
    } one;
    size_t V = (size_t)model->config.vocab_size, running = 1, ended = 0, b, i, k, v, n, step;
    one run[MOST], next[2 * MOST], done[2 * MOST];
    float *logits = (float *)malloc((prompt->tokens + NEW) * V * sizeof *logits);
    sgf_session *session = generate_session(model, 1, 1);
    sgf_error err;
    memset(run, 0, sizeof run);
    for (step = 0; step < NEW && running; step++) {
        for (b = n = 0; b < running; b++) {
            sgf_layout all;
            double total = 0;
            const float *x;
            sgf_layout_init(&all, NULL);
            if (sgf__layout_copy(prompt, &all, &err)) return 0;
            for (k = 0; k < step; k++) {
                if (sgf_layout_add(&all, all.answer, &run[b].ids[k], 1, &err)) return 0;
                all.pos[all.tokens - 1] = prompt->answer_pos + (int32_t)k;
            }
            if (sgf_forward_layout(session, &all, logits, NULL, NULL, &err)) return 0;
            x = logits + (all.tokens - 1) * V;
            for (v = 0; v < V; v++) total += exp((double)x[v]);
            for (v = 0; v < V; v++) {
                one made = run[b];
                made.score += (double)x[v] - log(total);
                made.ids[made.count++] = (int32_t)v;
                for (i = n; i && made.score > next[i - 1].score; i--)
                    if (i < 2 * B) next[i] = next[i - 1];
                if (i < 2 * B) next[i] = made;
                if (n < 2 * B) n++;
            }
            sgf_layout_free(&all);
        }
        for (i = running = 0; i < n; i++) {
            sgf_task task;
            int written = 0, ends = 0;
            memset(&task, 0, sizeof task);
            task.max_new_tokens = NEW;
            for (k = 0; k < next[i].count; k++)
                ends = sgf__task_ends(session, &task, k + 1, next[i].ids[k], &written);
            if (!ends && running < B) run[running++] = next[i];
            if (!ends || i >= B) continue;
            next[i].score /= (double)next[i].count;
            for (k = ended++; k && next[i].score > done[k - 1].score; k--) done[k] = done[k - 1];
            done[k] = next[i];
            if (ended > B) ended = B;
        }
        if (ended == B && running && run[0].score / (double)(step + 1) <= done[B - 1].score) break;
    }
    memcpy(best, done[0].ids, done[0].count * sizeof *best);
    free(logits);
    sgf_session_free(session);
    return done[0].count;
}
static void test_beams_of_a_fusion_equal_recomputation(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    size_t q, n;
    int32_t wanted[4], ids[4];
    CHECK(session != NULL);
    if (!session) return;
    generate_prompts(&all, 3);
    decoding_method("fused", &method);
    sgf_layout_init(&layout, NULL);
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        sgf_task task;
        memset(&task, 0, sizeof task);
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[q], &method, 0, &layout, &err), err);
        task.context = &layout, task.contexts = 1, task.ids = ids, task.max_new_tokens = 4;
        task.decoding.beams = 3, task.decoding.length_penalty = 1;
        MUST(sgf_generate(session, &task, 1, NULL, NULL, &err), err);
        n = decoding_beams_anew(model, &layout, 3, wanted);
        CHECK(n && task.count == n && !memcmp(ids, wanted, n * sizeof *ids));
    }
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* The prompt is computed once for all beams; B = 1 is greedy; batches, threads and reuse change nothing. */
static void test_beams_share_the_prompt_and_one_is_greedy(void) {
    static const char *const names[] = {"fused", "avg_p", "entropy_avg", "max"};
    sgf_model *model = generate_model();
    size_t i, run;
    CHECK(model != NULL);
    for (i = 0; model && i < 4; i++) {
        decoding_result greedy, one, first, other;
        sgf_method method;
        sgf_session *session = generate_session(model, 1, 0);
        decoding_method(names[i], &method);
        if (!i) method.decoding.trust_mass = 0.5, method.decoding.alone = 0.25;
        CHECK(decoding_run(model, session, &method, 1, NULL, &greedy));
        method.decoding.beams = 1;
        CHECK(decoding_run(model, session, &method, 1, NULL, &one));
        CHECK(decoding_same(&greedy, &one));
        sgf_session_free(session), session = generate_session(model, 1, 0);
        method.decoding.beams = 3, method.decoding.length_penalty = 1;
        CHECK(decoding_run(model, session, &method, 1, NULL, &first));
        CHECK(first.r.prefill == greedy.r.prefill);
        for (run = 0; run < 3; run++) {
            sgf_session_free(session), session = generate_session(model, (int)run, run == 1);
            CHECK(decoding_run(model, session, &method, (int)run, NULL, &other));
            CHECK(decoding_same(&first, &other));
            free(other.r.logits);
        }
        free(greedy.r.logits), free(one.r.logits), free(first.r.logits);
        sgf_session_free(session);
    }
    sgf_model_free(model);
}

/* Allocation 1, 2, 3, ... fails until the answer is there: an error each time, and nothing leaks. */
static void test_decodings_survive_every_failing_allocation(void) {
    sgf_model *model = generate_model();
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    int32_t ids[3], wanted[3];
    size_t run, fail;
    CHECK(model != NULL);
    if (!model) return;
    generate_prompts(&all, 2);
    decoding_method("fused", &method);
    sgf_layout_init(&layout, NULL);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    for (run = 0; run < 2; run++) {
        sgf_status status = SGF_ERR_MEMORY;
        for (fail = 0; status && fail < 10000; fail = fail ? fail + 1 : 1) {
            test_heap heap;
            sgf_allocator mem = test_heap_init(&heap, fail ? fail : SIZE_MAX);
            sgf_session_options options;
            sgf_session *session = NULL;
            sgf_task task;
            memset(&options, 0, sizeof options);
            memset(&task, 0, sizeof task);
            options.threads = 1, options.mem = &mem;
            task.context = &layout, task.contexts = 1, task.ids = ids, task.max_new_tokens = 3;
            task.decoding.trust_mass = 0.5, task.decoding.alone = run ? 0.5 : 0;
            task.decoding.beams = 2, task.decoding.length_penalty = 1;
            status = sgf_session_create(model, &options, &session, &err);
            if (!status) status = sgf_generate(session, &task, 1, NULL, NULL, &err);
            sgf_session_free(session);
            CHECK(!heap.used);
            CHECK(!status || err.status == SGF_ERR_MEMORY);
            if (fail) continue;
            CHECK(!status);
            memcpy(wanted, ids, sizeof ids), status = SGF_ERR_MEMORY;
        }
        CHECK(!status && fail > 40 && !memcmp(ids, wanted, sizeof ids));
    }
    sgf_layout_free(&layout);
    sgf_model_free(model);
}

static void tests_decoding(void) {
    RUN(test_decodings_have_the_same_bits_however_they_run);
    RUN(test_every_kernel_set_has_the_bits_of_decodings);
    RUN(test_hidden_from_the_last_layer_on_is_avg);
    RUN(test_hidden_keeps_the_contexts_of_a_question_together);
    RUN(test_hidden_equals_transformers_with_hooks);
    RUN(test_a_paraphrase_alone_costs_its_answer_rows);
    RUN(test_entropy_mass_is_the_fusion_with_these_weights);
    RUN(test_agreement_mass_is_the_fusion_with_these_weights);
    RUN(test_the_last_paraphrase_alone_is_its_own_prompt);
    RUN(test_select_is_a_layout_without_the_others);
    RUN(test_hybrid_is_between_the_fusion_and_the_mean);
    RUN(test_weights_of_a_fusion_fit_their_room_with_any_rule);
    RUN(test_decodings_refuse_what_is_wrong);
    RUN(test_decodings_survive_every_failing_allocation);
    RUN(test_doubts_and_weights_equal_numpy);
    RUN(test_beams_equal_transformers);
    RUN(test_beams_of_a_fusion_equal_recomputation);
    RUN(test_beams_share_the_prompt_and_one_is_greedy);
}
