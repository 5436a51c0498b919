/* Prompts, methods and generation, with the bundled model. */

static sgf_model *generate_model(void) {
    sgf_model *model = NULL;
    sgf_error err;
    if (sgf_model_load("models/segfuse-2m", NULL, &model, &err)) printf("    %s\n", err.message);
    return model;
}
static sgf_session *generate_session(const sgf_model *model, int threads, int no_reuse) {
    sgf_session_options options;
    sgf_session *session = NULL;
    memset(&options, 0, sizeof options);
    options.threads = threads;
    options.no_prefix_reuse = no_reuse;
    sgf_session_create(model, &options, &session, NULL);
    return session;
}

/* Questions with five paraphrases each, and three examples. */
enum { GENERATE_QUESTIONS = 4, GENERATE_PARAPHRASES = 5 };
static const char *const generate_texts[GENERATE_QUESTIONS][GENERATE_PARAPHRASES] = {
    {"The capital of Japan is [MASK].", "[MASK] is the capital of Japan.",
     "Japan has its capital in [MASK].", "The seat of Japan's government is [MASK].",
     "Japan is governed from the city of [MASK]."},
    {"The chemical symbol of iron is [MASK].", "Iron has the symbol [MASK].",
     "[MASK] stands for iron.", "Chemists write iron as [MASK].",
     "In formulas iron is written [MASK]."},
    {"A dolphin is a [MASK].", "The dolphin belongs to the class of [MASK].",
     "A dolphin is a kind of [MASK].", "Biologists count the dolphin among the [MASK].",
     "As an animal, the dolphin is a [MASK]."},
    {"Hamlet was written by [MASK].", "[MASK] wrote Hamlet.", "The author of Hamlet is [MASK].",
     "Hamlet is a work of [MASK].", "Hamlet came from the pen of [MASK]."}};

typedef struct {
    sgf_str paraphrase[GENERATE_QUESTIONS][GENERATE_PARAPHRASES];
    sgf_example example[3];
    sgf_prompt prompt[GENERATE_QUESTIONS];
} generate_texts_all;

static void generate_prompts(generate_texts_all *all, size_t paraphrases) {
    size_t q, i;
    memset(all, 0, sizeof *all);
    all->example[0].question = sgf_text("The capital of France is [MASK]."),
    all->example[0].answer = sgf_text("Paris");
    all->example[1].question = sgf_text("[MASK] is the symbol of gold."),
    all->example[1].answer = sgf_text("Au");
    all->example[2].question = sgf_text("The frog is an [MASK]."),
    all->example[2].answer = sgf_text("amphibian");
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        for (i = 0; i < GENERATE_PARAPHRASES; i++)
            all->paraphrase[q][i] = sgf_text(generate_texts[q][i]);
        all->prompt[q].instruction = sgf_text(
            "Based on the context, predict the [MASK] in the sentence in one word.");
        all->prompt[q].example = all->example;
        all->prompt[q].examples = 3;
        all->prompt[q].paraphrase = all->paraphrase[q];
        all->prompt[q].paraphrases = paraphrases;
    }
}

enum { GENERATE_LENGTH = 8 };

/* What a method gives: ids and the logits of every step, of every question. */
typedef struct {
    int32_t ids[GENERATE_QUESTIONS][GENERATE_LENGTH];
    size_t count[GENERATE_QUESTIONS], prefill, V;
    float *logits; /* [questions][GENERATE_LENGTH][V] */
} generate_result;

static int generate_keep(void *user, size_t task, size_t step, const float *logits,
                         int32_t *chosen) {
    generate_result *r = (generate_result *)user;
    (void)chosen;
    memcpy(r->logits + (task * GENERATE_LENGTH + step) * r->V, logits, r->V * sizeof(float));
    return 0;
}
typedef struct {
    generate_result *result;
    size_t question;
} generate_single;
static int generate_keep_single(void *user, size_t task, size_t step, const float *logits,
                                int32_t *chosen) {
    generate_single *single = (generate_single *)user;
    return generate_keep(single->result, task + single->question, step, logits, chosen);
}

/* Confidences, for the rules that want them. */
static const double generate_weights[GENERATE_PARAPHRASES] = {0.25, 0.5, 0.125, 0.75, 0.5};

static int generate_blind; /* 1: nobody sees the logits, which are 0 in the results then */

/* All questions at once (together), or one after the other. `swap`: in reverse order. */
static int generate_run_method(const sgf_model *model, sgf_session *session, const char *name,
                               size_t paraphrases, int together, int reverse, generate_result *r) {
    generate_texts_all all;
    sgf_layout layouts[GENERATE_QUESTIONS][GENERATE_PARAPHRASES];
    sgf_task task[GENERATE_QUESTIONS];
    sgf_method method;
    sgf_error err;
    size_t q, c, contexts;
    int ok = 1;
    generate_prompts(&all, paraphrases);
    memset(task, 0, sizeof task);
    memset(r, 0, sizeof *r);
    r->V = (size_t)model->config.vocab_size;
    r->logits = (float *)calloc(GENERATE_QUESTIONS * GENERATE_LENGTH * r->V, sizeof(float));
    if (sgf_method_find(name, &method, &err)) return 0;
    contexts = method.contexts == SGF_CONTEXTS_ENSEMBLE ? paraphrases : 1;
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        for (c = 0; c < contexts; c++) {
            sgf_layout_init(&layouts[q][c], NULL);
            if (sgf_prompt_layout(model->tokenizer, &all.prompt[q], &method, c, &layouts[q][c],
                                  &err)) {
                printf("    %s\n", err.message);
                return 0;
            }
        }
        task[q].context = layouts[q];
        task[q].contexts = contexts;
        task[q].combine = method.combine;
        task[q].weight = generate_weights;
        task[q].ids = r->ids[q];
        task[q].max_new_tokens = GENERATE_LENGTH;
    }
    if (together)
        ok = !sgf_generate(session, task, GENERATE_QUESTIONS, generate_blind ? NULL : generate_keep,
                           r, &err);
    for (q = 0; !together && ok && q < GENERATE_QUESTIONS; q++) {
        generate_single single;
        single.result = r;
        single.question = reverse ? GENERATE_QUESTIONS - 1 - q : q;
        ok = !sgf_generate(session, &task[single.question], 1, generate_keep_single, &single, &err);
    }
    if (!ok) printf("    %s\n", err.message);
    for (q = 0; q < GENERATE_QUESTIONS; q++) {
        r->count[q] = task[q].count;
        r->prefill += task[q].prefill_tokens;
        for (c = 0; c < contexts; c++) sgf_layout_free(&layouts[q][c]);
    }
    return ok;
}
static int generate_same(const generate_result *a, const generate_result *b) {
    return !memcmp(a->ids, b->ids, sizeof a->ids) && !memcmp(a->count, b->count, sizeof a->count) &&
           !memcmp(a->logits, b->logits,
                   GENERATE_QUESTIONS * GENERATE_LENGTH * a->V * sizeof(float));
}

/* Together or alone, in another order, with and without reuse of prefixes, with 1, 2 and 3 threads:
   ids and logits are the same bits, for every method. */
static void test_batch_order_threads_and_reuse_change_nothing(void) {
    sgf_model *model = generate_model();
    size_t i;
    int threads, together, reuse;
    CHECK(model != NULL);
    if (!model) return;
    for (i = 0; sgf_method_name(i); i++) {
        generate_result first;
        sgf_session *session = generate_session(model, 1, 1);
        CHECK(generate_run_method(model, session, sgf_method_name(i), 3, 0, 0, &first));
        sgf_session_free(session);
        for (threads = 1; threads <= 3; threads++)
            for (together = 0; together < 2; together++)
                for (reuse = 0; reuse < 2; reuse++) {
                    generate_result other;
                    session = generate_session(model, threads, !reuse);
                    CHECK(generate_run_method(model, session, sgf_method_name(i), 3, together, 1,
                                              &other));
                    CHECK(generate_same(&first, &other));
                    CHECK(reuse ? other.prefill < first.prefill : other.prefill == first.prefill);
                    free(other.logits);
                    sgf_session_free(session);
                }
        free(first.logits);
    }
    sgf_model_free(model);
}
/* A prefix is kept for its ids and positions and segments: with one of these changed it is not reused. */
static void test_prefixes_of_other_positions_are_others(void) {
    sgf_model *model = generate_model();
    generate_texts_all all;
    sgf_layout layout;
    sgf_method method;
    sgf_error err;
    generate_result r[2];
    size_t moved, fresh, t;
    generate_prompts(&all, 3);
    MUST(sgf_method_find("fused", &method, &err), err);
    for (fresh = 0; fresh < 2; fresh++) {
        sgf_session *session = generate_session(model, 1, 0);
        sgf_layout_init(&layout, NULL);
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
        memset(&r[fresh], 0, sizeof r[fresh]);
        r[fresh].V = (size_t)model->config.vocab_size;
        r[fresh].logits = (float *)calloc(GENERATE_LENGTH * r[fresh].V, sizeof(float));
        for (moved = 0; moved < 2; moved++) {
            sgf_task task;
            memset(&task, 0, sizeof task);
            task.context = &layout, task.contexts = 1, task.combine = method.combine;
            task.ids = r[fresh].ids[0], task.max_new_tokens = GENERATE_LENGTH;
            for (t = 0; moved && t < layout.tokens; t++) layout.pos[t] += 3;
            layout.answer_pos += moved ? 3 : 0;
            if (!moved && fresh) continue;
            MUST(sgf_generate(session, &task, 1, generate_keep, &r[fresh], &err), err);
            r[fresh].count[0] = task.count, r[fresh].prefill = task.prefill_tokens;
        }
        sgf_layout_free(&layout);
        sgf_session_free(session);
    }
    CHECK(r[0].count[0] == r[1].count[0] && r[0].prefill == r[1].prefill);
    CHECK(!memcmp(r[0].ids, r[1].ids, sizeof r[0].ids));
    CHECK(!memcmp(r[0].logits, r[1].logits, GENERATE_LENGTH * r[0].V * sizeof(float)));
    free(r[0].logits), free(r[1].logits);
    sgf_model_free(model);
}

/* With one paraphrase every method is one prompt: the ensembles and the flex methods are origin; the
   ones with a shared prefix are plain causal decoding of their own prompt. */
static void test_one_paraphrase_is_the_plain_prompt(void) {
    static const char *const same[] = {"per_prompt",      "avg",          "max",
                                       "weighted_avg",    "weighted_max", "flex_attention",
                                       "myriadlama_flex", "hidden"};
    static const char *const shared[] = {"fused", "myriadlama_custom"};
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 2, 0) : NULL;
    generate_result origin, other;
    generate_texts_all all;
    sgf_method method;
    sgf_error err;
    size_t i, q, V;
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    CHECK(generate_run_method(model, session, "origin", 1, 1, 0, &origin));
    for (i = 0; i < sizeof same / sizeof same[0]; i++) {
        CHECK(generate_run_method(model, session, same[i], 1, 1, 0, &other));
        CHECK(generate_same(&origin, &other));
        free(other.logits);
    }
    free(origin.logits);

    generate_prompts(&all, 1);
    for (i = 0; i < 2 * GENERATE_QUESTIONS; i++) {
        sgf_layout own, plain;
        float *logits;
        size_t t;
        q = i % GENERATE_QUESTIONS;
        CHECK(generate_run_method(model, session, shared[i / GENERATE_QUESTIONS], 1, 1, 0, &other));
        MUST(sgf_method_find(shared[i / GENERATE_QUESTIONS], &method, &err), err);
        sgf_layout_init(&own, NULL);
        sgf_layout_init(&plain, NULL);
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[q], &method, 0, &own, &err), err);
        MUST(sgf_layout_segment(&plain, SGF_ROLE_SHARED, 0, NULL, &err), err);
        MUST(sgf_layout_add(&plain, 0, own.token, own.tokens, &err), err);
        MUST(sgf_layout_add(&plain, 0, other.ids[q], other.count[q], &err), err);
        sgf_mask_set(&plain, SGF_MASK_CAUSAL);
        logits = (float *)malloc(plain.tokens * V * sizeof(float));
        MUST(sgf_forward_layout(session, &plain, logits, NULL, NULL, &err), err);
        for (t = 0; t < other.count[q]; t++)
            CHECK(!memcmp(other.logits + (q * GENERATE_LENGTH + t) * V,
                          logits + (own.tokens - 1 + t) * V, V * sizeof(float)));
        free(logits);
        free(other.logits);
        sgf_layout_free(&own);
        sgf_layout_free(&plain);
    }
    sgf_session_free(session);
    sgf_model_free(model);
}

/* The texts of a layout's segments, joined with '|'. */
static void generate_layout_text(const sgf_model *model, const sgf_layout *layout, char *out,
                                 size_t cap) {
    size_t i = 0, at = 0;
    while (i < layout->tokens) {
        size_t n = 1, len = 0;
        while (i + n < layout->tokens && layout->seg[i + n] == layout->seg[i]) n++;
        if (at) out[at++] = '|';
        if (!sgf_decode(model->tokenizer, layout->token + i, n, 0, out + at, cap - at - 2, &len,
                        NULL))
            at += len;
        i += n;
    }
    out[at] = 0;
}
static void test_prompts_are_the_documented_texts(void) {
    static const char *const expected[][2] = {
        {"origin", "I\n\nQ: q\nA: a\n\n|Q: one\nA|:"},
        {"flex_attention",
         "I\n\nQ: q\nA: a\n\nQ: one\nA:|\n\n[SEP]\n\n|I\n\nQ: q\nA: a\n\nQ: two\nA|:"},
        {"fused", "I\n\nQ: q A: a\n\n|Q: one|\n|Q: two| A:"}};
    sgf_model *model = generate_model();
    sgf_str paraphrases[2];
    sgf_example example;
    sgf_prompt prompt;
    size_t i;
    CHECK(model != NULL);
    if (!model) return;
    memset(&prompt, 0, sizeof prompt);
    paraphrases[0] = sgf_text("one"), paraphrases[1] = sgf_text("two");
    example.question = sgf_text("q"), example.answer = sgf_text("a");
    prompt.instruction = sgf_text("I");
    prompt.example = &example, prompt.examples = 1;
    prompt.paraphrase = paraphrases, prompt.paraphrases = 2;
    for (i = 0; i < 3; i++) {
        sgf_method method;
        sgf_layout layout;
        sgf_error err;
        char text[512];
        sgf_layout_init(&layout, NULL);
        MUST(sgf_method_find(expected[i][0], &method, &err), err);
        MUST(sgf_prompt_layout(model->tokenizer, &prompt, &method, 0, &layout, &err), err);
        generate_layout_text(model, &layout, text, sizeof text);
        CHECK(!strcmp(text, expected[i][1]));
        if (strcmp(text, expected[i][1])) printf("    got %s\n", text);
        CHECK(layout.answer >= 0);
        /* after-first: the same tokens, the answer segment still empty */
        method.fusion_start = SGF_FUSION_START_AFTER_FIRST;
        MUST(sgf_prompt_layout(model->tokenizer, &prompt, &method, 0, &layout, &err), err);
        CHECK(layout.segment[layout.answer].tokens == 0 &&
              layout.seg[layout.tokens - 1] != layout.answer);
        sgf_layout_free(&layout);
    }
    sgf_model_free(model);
}
/* The two fusion starts differ exactly where they should: in what the last prompt token sees. */
static void test_fusion_start_decides_the_first_token(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout[2];
    sgf_error err;
    size_t V, i;
    float *logits[2];
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    generate_prompts(&all, 3);
    MUST(sgf_method_find("flex_attention", &method, &err), err);
    for (i = 0; i < 2; i++) {
        method.fusion_start = i ? SGF_FUSION_START_AFTER_FIRST : SGF_FUSION_START_FIRST_ANSWER;
        sgf_layout_init(&layout[i], NULL);
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout[i], &err),
             err);
        logits[i] = (float *)malloc(layout[i].tokens * V * sizeof(float));
        MUST(sgf_forward_layout(session, &layout[i], logits[i], NULL, NULL, &err), err);
    }
    CHECK(layout[0].tokens == layout[1].tokens);
    CHECK(!memcmp(logits[0], logits[1], (layout[0].tokens - 1) * V * sizeof(float)));
    CHECK(memcmp(logits[0] + (layout[0].tokens - 1) * V, logits[1] + (layout[0].tokens - 1) * V,
                 V * sizeof(float)));
    for (i = 0; i < 2; i++) free(logits[i]), sgf_layout_free(&layout[i]);
    sgf_session_free(session);
    sgf_model_free(model);
}
static void test_ask_and_its_refusals(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout;
    char answer[64] = "as it was", *too_long;
    sgf_error err;
    CHECK(session != NULL);
    if (!session) return;
    generate_prompts(&all, 5);
    MUST(sgf_ask(session, "fused", &all.prompt[0], 0, answer, sizeof answer, &err), err);
    CHECK(answer[0] && !strchr(answer, '\n') && answer[0] != ' ');
    too_long = (char *)malloc(40001);
    memset(too_long, 'x', 40000);
    too_long[40000] = 0;
    all.paraphrase[0][1] = sgf_text(too_long);
    strcpy(answer, "as it was");
    CHECK(sgf_ask(session, "fused", &all.prompt[0], 0, answer, sizeof answer, &err) ==
          SGF_ERR_LIMIT);
    CHECK(strstr(err.message, "context is 2048") != NULL && !strcmp(answer, "as it was"));
    free(too_long);
    all.prompt[0].paraphrases = 0;
    CHECK(sgf_ask(session, "fused", &all.prompt[0], 0, answer, sizeof answer, &err) == SGF_ERR_ARG);
    MUST(sgf_method_find("fused", &method, &err), err);
    method.bos = SGF_BOS_FIRST;
    sgf_layout_init(&layout, NULL);
    CHECK(sgf_prompt_layout(model->tokenizer, &all.prompt[1], &method, 0, &layout, &err) ==
          SGF_ERR_ARG);
    sgf_layout_free(&layout);
    CHECK(strstr(err.message, "begin-of-sequence") != NULL);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* The rules for combining logits, on small numbers. */
static void test_combination_rules(void) {
    static const float logits[6] = {1, 2, 4, 3, 2, 2};
    static const double weight[2] = {1, 3}, equal[2] = {2, 2}, nothing[2] = {0, 0};
    float out[3], scratch[3];
    sgf__combine(0, SGF_COMBINE_AVG, NULL, logits, 2, 3, scratch, out);
    CHECK(out[0] == 2 && out[1] == 2 && out[2] == 3 && sgf__argmax(out, 3) == 2);
    sgf__combine(0, SGF_COMBINE_WEIGHTED_AVG, weight, logits, 2, 3, scratch, out);
    CHECK(out[0] == 2.5f && out[1] == 2 && out[2] == 2.5f);
    CHECK(sgf__argmax(out, 3) == 0); /* ties: the lowest id */
    sgf__combine(0, SGF_COMBINE_WEIGHTED_AVG, nothing, logits, 2, 3, scratch, out);
    CHECK(out[0] == 2 && out[2] == 3); /* weights that are all 0 prefer nobody */
    sgf__combine(0, SGF_COMBINE_WEIGHTED_MAX, weight, logits, 2, 3, scratch, out);
    CHECK(out[0] == 3);
    sgf__combine(0, SGF_COMBINE_WEIGHTED_MAX, equal, logits, 2, 3, scratch, out);
    CHECK(out[0] == 1); /* ties: the first */
    sgf__combine(0, SGF_COMBINE_MAX, NULL, logits, 2, 3, scratch, out);
    CHECK(fabs((double)out[2] - exp(4) / (exp(1) + exp(2) + exp(4))) < 1e-6);
    CHECK(fabs((double)out[0] - exp(3) / (exp(3) + 2 * exp(2))) < 1e-6);
    CHECK(sgf_prediction_take(SGF_PREDICTION_FIRST_LINE, sgf_text("  a b \nc")).len == 3 &&
          sgf_prediction_take(SGF_PREDICTION_FIRST_WORD, sgf_text(" ab c\n")).len == 2);
    CHECK(sgf_prediction_take(SGF_PREDICTION_FIRST_LINE, sgf_text(" \n ")).len == 0);
}

/* Weights are masses in a fusion and weights of contexts in an ensemble, never both; a format can be used for one
   paraphrase alone. */
static void test_weights_are_used_once(void) {
    static const double weights[3] = {0.2, 0.3, 0.5};
    sgf_model *model = generate_model();
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    size_t i, paraphrases = 0;
    CHECK(model != NULL);
    if (!model) return;
    generate_prompts(&all, 3);
    sgf_layout_init(&layout, NULL);
    MUST(sgf_method_find("avg", &method, &err), err);
    method.combine = SGF_COMBINE_WEIGHTED_AVG;
    all.prompt[0].weight = weights;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 1, &layout, &err), err);
    for (i = 0; i < layout.segments; i++) CHECK(layout.segment[i].log_weight == 0);
    MUST(sgf_method_find("fused", &method, &err), err);
    all.prompt[0].weight = weights;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    CHECK(layout.segment[1].log_weight == -1.60943791f &&
          layout.segment[5].log_weight == -0.69314718f);
    CHECK(layout.segment[2].log_weight == -1.60943791f); /* the separator behind the first */
    method.contexts = SGF_CONTEXTS_ENSEMBLE;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 2, &layout, &err), err);
    for (i = 0; i < layout.segments; i++)
        paraphrases += layout.segment[i].role == SGF_ROLE_PARAPHRASE;
    CHECK(paraphrases == 1 && layout.segment[1].group == 2);
    sgf_layout_free(&layout);
    sgf_model_free(model);
}
/* Limits that no machine has are refused before anything is computed. */
static void test_generate_checks_its_limits(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout;
    sgf_task task;
    sgf_error err;
    char answer[8];
    int32_t ids[1];
    CHECK(session != NULL);
    if (!session) return;
    generate_prompts(&all, 1);
    sgf_layout_init(&layout, NULL);
    MUST(sgf_method_find("origin", &method, &err), err);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    memset(&task, 0, sizeof task);
    task.context = &layout;
    task.contexts = 1;
    task.ids = ids;
    task.max_new_tokens = SIZE_MAX;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_LIMIT);
    task.max_new_tokens = (size_t)(2048 - layout.answer_pos) + 2;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_LIMIT);
    CHECK(sgf_ask(session, "origin", &all.prompt[0], SIZE_MAX, answer, sizeof answer, &err) ==
          SGF_ERR_LIMIT);
    sgf_layout_free(&layout);
    CHECK(!layout.tokens && !layout.segments && layout.mem.alloc && layout.answer == -1);
    MUST(sgf_layout_segment(&layout, SGF_ROLE_ANSWER, -1, NULL, &err),
         err); /* an empty one again */
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* What a caller may get wrong is refused, and said. */
static void test_generate_refuses_what_is_wrong(void) {
    static const double bad[] = {-1, INFINITY, NAN};
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    sgf_session_options options;
    sgf_layout layout[2];
    sgf_task task;
    sgf_error err;
    double weight[2] = {0, 0};
    int32_t ids[1], token = 5, segment;
    size_t i;
    CHECK(session != NULL);
    if (!session) return;
    memset(&task, 0, sizeof task);
    memset(&options, 0, sizeof options);
    for (i = 0; i < 2; i++) {
        sgf_layout_init(&layout[i], NULL);
        CHECK(sgf_layout_segment(&layout[i], (sgf_role)SGF_ROLE_COUNT, 0, NULL, &err) ==
              SGF_ERR_ARG);
        MUST(sgf_layout_segment(&layout[i], SGF_ROLE_SHARED, -1, &segment, &err), err);
        sgf_mask_set(&layout[i], SGF_MASK_CAUSAL); /* too early: */
        MUST(sgf_layout_segment(&layout[i], SGF_ROLE_ANSWER, -1, &segment, &err), err);
        MUST(sgf_layout_add(&layout[i], segment, &token, 1, &err), err);
    }
    task.ids = ids, task.max_new_tokens = 1;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "has no context"));
    task.contexts = 2;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "has no context"));
    task.context = layout;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "the answer's segment sees none"));
    for (i = 0; i < 2; i++) sgf_mask_set(&layout[i], SGF_MASK_CAUSAL);
    task.combine = (sgf_combine)(SGF_COMBINE_HIDDEN + 1);
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "rule to combine that is not in sgf_combine"));
    task.combine = SGF_COMBINE_WEIGHTED_AVG;
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "a weight for each context"));
    task.weight = weight;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weight[1] = bad[i];
        CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
        CHECK(strstr(err.message, "context 2: its weight is negative or not finite"));
    }
    weight[1] = 0; /* all 0: as equal ones */
    MUST(sgf_generate(session, &task, 1, NULL, NULL, &err), err);
    for (i = 0; i < 2; i++) sgf_layout_free(&layout[i]);
    sgf_session_free(session);
    session = NULL;
    CHECK(sgf_session_create(NULL, NULL, &session, &err) == SGF_ERR_ARG);
    options.threads = -1;
    CHECK(sgf_session_create(model, &options, &session, &err) == SGF_ERR_ARG);
    options.threads = 0, options.kernels = (sgf_kernels)SGF_KERNELS_COUNT;
    CHECK(sgf_session_create(model, &options, &session, &err) == SGF_ERR_ARG);
    options.kernels = SGF_KERNELS_AUTO, options.device = (sgf_device)SGF_DEVICE_COUNT;
    CHECK(sgf_session_create(model, &options, &session, &err) == SGF_ERR_ARG && !session);
    sgf_model_free(model);
}
/* A tokenizer that covers nothing of the prompt is refused, not trusted. */
static void test_a_prompt_without_tokens_is_refused(void) {
    static const char json[] =
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"z\": 0}, \"merges\": []},"
        "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true,"
        "\"use_regex\": true}, \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true,"
        "\"trim_offsets\": true, \"use_regex\": true}}";
    generate_texts_all all;
    sgf_tokenizer *tokenizer;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    generate_prompts(&all, 2);
    sgf_layout_init(&layout, NULL);
    MUST(sgf__tokenizer_parse("test", json, sizeof json - 1, NULL, &tokenizer, &err), err);
    MUST(sgf_method_find("fused", &method, &err), err);
    CHECK(sgf_prompt_layout(tokenizer, &all.prompt[0], &method, 0, &layout, &err) != SGF_OK);
    sgf_layout_free(&layout);
    sgf_tokenizer_free(tokenizer);
}

static void tests_generate(void) {
    RUN(test_combination_rules);
    RUN(test_prompts_are_the_documented_texts);
    RUN(test_prefixes_of_other_positions_are_others);
    RUN(test_one_paraphrase_is_the_plain_prompt);
    RUN(test_batch_order_threads_and_reuse_change_nothing);
    RUN(test_fusion_start_decides_the_first_token);
    RUN(test_ask_and_its_refusals);
    RUN(test_weights_are_used_once);
    RUN(test_generate_checks_its_limits);
    RUN(test_generate_refuses_what_is_wrong);
    RUN(test_a_prompt_without_tokens_is_refused);
}
