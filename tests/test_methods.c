/* The methods: their prompts, rules of prediction and accidents; golden logits; and the same through
 * the program. */

/* ---- prompts ---- */

/* Two examples in two paraphrases each, a question in three. */
typedef struct {
    sgf_str asked[2][2], paraphrase[3];
    sgf_example example[2];
    sgf_prompt prompt;
} methods_texts;

static void methods_prompt(methods_texts *t) {
    memset(t, 0, sizeof *t);
    t->asked[0][0] = sgf_text("q"), t->asked[0][1] = sgf_text("r");
    t->asked[1][0] = sgf_text("s"), t->asked[1][1] = sgf_text("t");
    t->example[0].question = t->asked[0][0], t->example[0].answer = sgf_text("a");
    t->example[1].question = t->asked[1][0], t->example[1].answer = sgf_text("b");
    t->example[0].paraphrase = t->asked[0], t->example[0].paraphrases = 2;
    t->example[1].paraphrase = t->asked[1], t->example[1].paraphrases = 2;
    t->paraphrase[0] = sgf_text("one"), t->paraphrase[1] = sgf_text("two");
    t->paraphrase[2] = sgf_text("three");
    t->prompt.instruction = sgf_text("I");
    t->prompt.example = t->example, t->prompt.examples = 2;
    t->prompt.paraphrase = t->paraphrase, t->prompt.paraphrases = 3;
}
/* The segments of a method's prompt as text: each with the first letter of its role (P prefix, p m a
   paraphrases, | separator, q x example, > answer) and its group. */
static void methods_text(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                         const sgf_method *method, sgf_layout *layout, char *out, size_t cap) {
    static const char letter[] = "BPpma|qx>";
    size_t i = 0, at = 0, len;
    sgf_error err;
    MUST(sgf_prompt_layout(tokenizer, prompt, method, 0, layout, &err), err);
    while (i < layout->tokens) {
        const sgf_segment *segment = &layout->segment[layout->seg[i]];
        size_t n = 1;
        while (i + n < layout->tokens && layout->seg[i + n] == layout->seg[i]) n++;
        out[at++] = letter[segment->role];
        if (segment->group >= 0) out[at++] = (char)('0' + segment->group);
        out[at++] = '{';
        MUST(sgf_decode(tokenizer, layout->token + i, n, 0, out + at, cap - at - 8, &len, &err),
             err);
        at += len;
        out[at++] = '}';
        i += n;
    }
    out[at] = 0;
}
static void test_prompts_of_the_myriadlama_methods(void) {
    static const struct {
        const char *method, *text, *without; /* the answer's examples only as `question` */
        unsigned accidents;
        sgf_fusion_start start;
    } expected[] = {
        {"myriadlama_custom",
         "P0{I\n\nQ: q A: a\nQ: s A: b\n\n}p0{Q: one A:}|0{\n}p1{Q: two A:}|1{\n}p2{Q: three A}>{:}",
         NULL, 0, SGF_FIRST_ANSWER},
        {"myriadlama_custom",
         "P0{I\n\nQ: q A: a\nQ: s A: b\n\n}p1{Q: two A:}|1{\n}p0{Q: one A:}|0{\n}p2{Q: three A}>{:}",
         NULL, SGF_SWAPPED, SGF_FIRST_ANSWER},
        {"myriadlama",
         "P0{I}|{\n\n}q0{Q: q}|{\n\n}q0{Q: r}|{\n\n}x0{A: a}|{\n\n}q1{Q: s}|{\n\n}q1{Q: t}|{\n\n}x1{A: b}"
         "|{\n\n}p0{Q: one}|0{\n\n}p1{Q: two}|1{\n\n}p2{Q: three}>{\n\nA:}",
         NULL, 0, SGF_FIRST_ANSWER},
        {"myriadlama",
         "P0{I}|{\n\n}q0{Q: q}|{\n\n}q0{Q: r}|{\n\n}x0{A: a}|{\n\n}q1{Q: s}|{\n\n}q1{Q: t}|{\n\n}x1{A: b}"
         "|{\n\n}p0{Q: one}|0{\n\n}p1{Q: two}|1{\n\n}p2{Q: three\n\nA:}",
         NULL, 0, SGF_AFTER_FIRST},
        {"myriadlama",
         "P0{I}|{\n\n}q0{Q: q}|{\n\n}q0{Q: r}|{\n\n}x0{A: a}|{\n\n}q1{Q: s}|{\n\n}q1{Q: t}|{\n\n}x1{A: b}"
         "|{\n\n}p0{Q: one}|0{\n\n}p1{Q: two}|1{\n\n}p2{Q: thre}>{e}",
         NULL, SGF_NO_CUE, SGF_FIRST_ANSWER},
    };
    sgf_model *model = generate_model();
    methods_texts t;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    char text[1024];
    size_t i;
    CHECK(model != NULL);
    if (!model) return;
    methods_prompt(&t);
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        MUST(sgf_method_find(expected[i].method, &method, &err), err);
        method.accidents = expected[i].accidents;
        method.fusion_start = expected[i].start;
        methods_text(model->tokenizer, &t.prompt, &method, &layout, text, sizeof text);
        CHECK(!strcmp(text, expected[i].text));
        if (strcmp(text, expected[i].text)) printf("    got %s\n", text);
    }
    /* a separator of one's own; examples that have one wording */
    MUST(sgf_method_find("myriadlama", &method, &err), err);
    method.separator = " / ";
    t.example[0].paraphrases = t.example[1].paraphrases = 0;
    t.prompt.paraphrases = 1;
    methods_text(model->tokenizer, &t.prompt, &method, &layout, text, sizeof text);
    CHECK(!strcmp(
        text,
        "P0{I}|{ / }q0{Q: q}|{ / }x0{A: a}|{ / }q1{Q: s}|{ / }x1{A: b}|{ / }p0{Q: one}>{ / A:}"));
    sgf_layout_free(&layout);
    sgf_model_free(model);
}
static void test_manual_and_automatic_paraphrases_have_their_roles(void) {
    static const unsigned char manual[3] = {1, 1, 0};
    sgf_model *model = generate_model();
    methods_texts t;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    char text[1024];
    CHECK(model != NULL);
    if (!model) return;
    methods_prompt(&t);
    t.prompt.examples = 0;
    sgf_layout_init(&layout, NULL);
    MUST(sgf_method_find("myriadlama_flex", &method, &err), err);
    methods_text(model->tokenizer, &t.prompt, &method, &layout, text, sizeof text);
    CHECK(!strcmp(
        text, "p0{I\n\nQ: one\nA:}|0{\n\n}p1{I\n\nQ: two\nA:}|1{\n\n}p2{I\n\nQ: three\nA}>{:}"));
    t.prompt.manual = manual;
    method.mask = SGF_MANUAL_CROSS;
    methods_text(model->tokenizer, &t.prompt, &method, &layout, text, sizeof text);
    CHECK(!strcmp(
        text, "m0{I\n\nQ: one\nA:}|0{\n\n}m1{I\n\nQ: two\nA:}|1{\n\n}a2{I\n\nQ: three\nA}>{:}"));
    CHECK(sgf_visible(&layout, 2, 0) && sgf_visible(&layout, 2, 1) && sgf_visible(&layout, 1, 0));
    CHECK(!sgf_visible(&layout, 4, 0) && !sgf_visible(&layout, 3, 2) && sgf_visible(&layout, 5, 4));
    sgf_layout_free(&layout);
    sgf_model_free(model);
}
static void test_every_method_can_be_described(void) {
    size_t i, k;
    sgf_method method, other;
    sgf_error err;
    unsigned accident = 0;
    for (i = 0; sgf_method_name(i); i++) {
        MUST(sgf_method_find(sgf_method_name(i), &method, &err), err);
        CHECK(!strcmp(method.name, sgf_method_name(i)) && strlen(method.about) > 8);
        CHECK(!method.accidents && (method.contexts == 1 || !*sgf_method_separator(&method)));
        CHECK((method.prediction == SGF_FIRST_WORD) == !strncmp(method.name, "myriadlama", 10));
        for (k = 0; k < i; k++) {
            MUST(sgf_method_find(sgf_method_name(k), &other, &err), err);
            CHECK(strcmp(method.about, other.about));
        }
    }
    CHECK(i == 11);
    method.prediction = SGF_FIRST_WORD;
    CHECK(sgf_method_prediction(&method, sgf_text(" New York\nQ:")).len == 3);
    method.prediction = SGF_FIRST_LINE;
    CHECK(sgf_method_prediction(&method, sgf_text(" New York\nQ:")).len == 8);
    MUST(sgf_accident_find("swapped", &accident, &err), err);
    CHECK(accident == SGF_SWAPPED);
    MUST(sgf_accident_find("no-cue", &accident, &err), err);
    CHECK(accident == SGF_NO_CUE);
    CHECK(sgf_accident_find("swap", &accident, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "shifted, swapped, no-cue") != NULL);
}
static void test_ask_takes_the_prediction_of_the_method(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_error err;
    char line[64], word[64];
    CHECK(session != NULL);
    if (!session) return;
    generate_prompts(&all, 3);
    all.paraphrase[0][0] = all.paraphrase[0][1] = all.paraphrase[0][2] = sgf_text(
        "The capital of Mexico is [MASK].");
    MUST(sgf_method_find("fused", &method, &err), err);
    MUST(sgf_ask(session, &method, &all.prompt[0], 0, line, sizeof line, &err), err);
    method.prediction = SGF_FIRST_WORD;
    MUST(sgf_ask(session, &method, &all.prompt[0], 0, word, sizeof word, &err), err);
    CHECK(strchr(line, ' ') && strlen(word) == strcspn(line, " ") &&
          !memcmp(line, word, strlen(word)));
    MUST(sgf_method_find("weighted_avg", &method, &err), err);
    CHECK(sgf_ask(session, &method, &all.prompt[0], 0, word, sizeof word, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "weights") != NULL);
    method.mass = generate_weights;
    MUST(sgf_ask(session, &method, &all.prompt[0], 0, word, sizeof word, &err), err);
    sgf_session_free(session);
    sgf_model_free(model);
}

/* ---- accidents ---- */

/* Tokens of one letter, and ".\n\n", which crosses the border between a text and a separator; BOS in
   front of every text. */
static sgf_tokenizer *methods_tokenizer(int bos) {
    static const char json[] =
        "{\"added_tokens\": [{\"id\": 60, \"content\": \"<s>\", \"special\": true, \"single_word\": false,"
        "\"lstrip\": false, \"rstrip\": false, \"normalized\": false}],"
        "\"model\": {\"type\": \"BPE\", \"vocab\": {\"I\": 0, \"Q\": 1, \"A\": 2, \":\": 3, \"\\u0120\": 4,"
        "\"\\u010a\": 5, \".\": 6, \"a\": 7, \"b\": 8, \"c\": 9, \"q\": 10, \"\\u010a\\u010a\": 11,"
        "\".\\u010a\\u010a\": 12}, \"merges\": [\"\\u010a \\u010a\", \". \\u010a\\u010a\"]},"
        "%s"
        "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true,"
        "\"use_regex\": false}, \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true,"
        "\"trim_offsets\": true, \"use_regex\": false}}";
    static const char template_[] =
        "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\":"
        "{\"id\": \"<s>\", \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}],"
        "\"pair\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"special_tokens\":"
        "{\"<s>\": {\"id\": \"<s>\", \"ids\": [60], \"tokens\": [\"<s>\"]}}},";
    char folder[512];
    sgf_tokenizer *tokenizer = NULL;
    sgf_error err;
    FILE *file;
    snprintf(folder, sizeof folder, "%s", temp_path(bos ? "with-bos" : "without-bos"));
    mkdir(folder, 0777);
    file = fopen(temp_path(bos ? "with-bos/tokenizer.json" : "without-bos/tokenizer.json"), "wb");
    if (file) fprintf(file, json, bos ? template_ : ""), fclose(file);
    if (sgf_tokenizer_load(folder, NULL, &tokenizer, &err)) printf("    %s\n", err.message);
    return tokenizer;
}
/* The number of the segment of every token, a digit each, then those of the late ones. */
static void methods_segments(const sgf_layout *layout, char *out) {
    size_t i;
    for (i = 0; i < layout->tokens + layout->late; i++) {
        if (i == layout->tokens) *out++ = '+';
        *out++ = (char)('0' + layout->seg[i]);
    }
    *out = 0;
}
/* Three one-letter questions, without instruction and examples, under flex_attention with the
   separator "\n\n": "Q: a.|Q: b.|Q: c." Written out, with what the original's index rule gives. */
static void test_accident_shifted(void) {
    sgf_str paraphrase[3];
    sgf_prompt prompt;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    char text[128];
    int bos;
    memset(&prompt, 0, sizeof prompt);
    paraphrase[0] = sgf_text("a."), paraphrase[1] = sgf_text("b."), paraphrase[2] = sgf_text("c.");
    prompt.paraphrase = paraphrase;
    prompt.paraphrases = 3;
    sgf_layout_init(&layout, NULL);
    for (bos = 0; bos < 2; bos++) {
        sgf_tokenizer *tokenizer = methods_tokenizer(bos);
        CHECK(tokenizer != NULL);
        if (!tokenizer) return;
        MUST(sgf_method_find("myriadlama", &method, &err), err);
        method.accidents = SGF_NO_CUE;
        method.fusion_start = SGF_AFTER_FIRST;
        prompt.instruction = sgf_text("I.");
        /* I . || Q : _ a . || Q : _ b . || Q : _ c . */
        MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &layout, &err), err);
        methods_segments(&layout, text);
        CHECK(!strcmp(text, bos ? "011"
                                  "2"
                                  "33333"
                                  "4"
                                  "55555"
                                  "6"
                                  "77777"
                                : "00"
                                  "1"
                                  "22222"
                                  "3"
                                  "44444"
                                  "5"
                                  "66666"));
        CHECK(!layout.late && layout.answer == (bos ? 8 : 7));
        method.accidents = SGF_NO_CUE | SGF_SHIFTED;
        /* [BOS] I .|| Q : _ a .|| Q : _ b .|| Q : _ c .   in the segments of the 20 counted ids */
        MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &layout, &err), err);
        methods_segments(&layout, text);
        CHECK(!strcmp(text, bos ? "00"
                                  "1"
                                  "22222"
                                  "3"
                                  "44444"
                                  "5"
                                  "666"
                                  "+66"
                                : "00"
                                  "1"
                                  "22222"
                                  "3"
                                  "44444"
                                  "5"
                                  "66"
                                  "+666"));
        CHECK(layout.tokens == (bos ? 18 : 17) && layout.late == (bos ? 2 : 3));
        CHECK(layout.token[0] == (bos ? 60 : 0) && layout.token[bos + 1] == 12);
        CHECK(layout.segment[2].tokens == 5 && layout.segment[6].tokens == (bos ? 3 : 2) &&
              layout.segment[layout.answer].tokens == 0);
        CHECK(layout.answer_pos == (int32_t)layout.tokens && layout.pos[1] == 1);
        /* without a token that crosses a border, a BOS alone moves every border by one, and the
           last prompt token is fused */
        paraphrase[0] = sgf_text("a"), paraphrase[1] = sgf_text("b"), paraphrase[2] = sgf_text("c");
        prompt.instruction = sgf_text("I");
        MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &layout, &err), err);
        methods_segments(&layout, text);
        CHECK(!strcmp(text, bos ? "0"
                                  "1"
                                  "2222"
                                  "3"
                                  "4444"
                                  "5"
                                  "6666"
                                  "7"
                                : "0"
                                  "1"
                                  "2222"
                                  "3"
                                  "4444"
                                  "5"
                                  "6666"));
        CHECK(!layout.late);
        paraphrase[0] = sgf_text("a."), paraphrase[1] = sgf_text("b."),
        paraphrase[2] = sgf_text("c.");
        sgf_tokenizer_free(tokenizer);
    }
    sgf_layout_free(&layout);
}
/* Late tokens are computed in the segments that were counted for them: step by step, what a layout
   gives in which they stand there. */
static void test_late_tokens_belong_to_the_prompt(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout, whole;
    sgf_task task;
    sgf_error err;
    generate_result r;
    int32_t ids[4];
    size_t V, t, i;
    float *logits;
    CHECK(session != NULL);
    if (!session) return;
    V = r.V = (size_t)model->config.vocab_size;
    r.logits = (float *)calloc(GENERATE_LENGTH * V, sizeof(float));
    generate_prompts(&all, 3);
    sgf_layout_init(&layout, NULL);
    sgf_layout_init(&whole, NULL);
    MUST(sgf_method_find("flex_attention", &method, &err), err);
    method.fusion_start = SGF_AFTER_FIRST;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &whole, &err), err);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    layout.tokens -= 2; /* two counted tokens that are not there */
    layout.late = 2;
    layout.answer_pos -= 2;
    memset(&task, 0, sizeof task);
    task.context = &layout;
    task.contexts = 1;
    task.ids = ids;
    task.max_new_tokens = 4;
    MUST(sgf_generate(session, &task, 1, generate_keep, &r, &err), err);
    logits = (float *)malloc((whole.tokens + 4) * V * sizeof(float));
    for (i = 0; i < task.count; i++) {
        if (i < 2) whole.token[layout.tokens + i] = ids[i];
        else MUST(sgf_layout_add(&whole, whole.answer, ids + i, 1, &err), err);
    }
    MUST(sgf_forward_layout(session, &whole, logits, NULL, NULL, &err), err);
    CHECK(task.count > 2);
    for (t = 0; t < task.count; t++)
        CHECK(!memcmp(r.logits + t * V, logits + (layout.tokens - 1 + t) * V, V * sizeof(float)));
    free(logits);
    free(r.logits);
    sgf_layout_free(&layout);
    sgf_layout_free(&whole);
    sgf_session_free(session);
    sgf_model_free(model);
}
/* The answer of the custom script does not depend on the second paraphrase at all, but for the room
   it takes; without the accident it does. */
static void test_accident_swapped(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    size_t V, i, length[2] = {0, 0};
    float *logits[4];
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    generate_prompts(&all, 3);
    sgf_layout_init(&layout, NULL);
    MUST(sgf_method_find("myriadlama_custom", &method, &err), err);
    for (i = 0; i < 4; i++) {
        method.accidents = i < 2 ? SGF_SWAPPED : 0;
        all.paraphrase[0][1] = sgf_text(i % 2 ? "1 2" : "2 1");
        MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
        if (i < 2) length[i] = layout.tokens;
        logits[i] = (float *)malloc(layout.tokens * V * sizeof(float));
        MUST(sgf_forward_layout(session, &layout, logits[i], NULL, NULL, &err), err);
        memmove(logits[i], logits[i] + (layout.tokens - 1) * V, V * sizeof(float));
    }
    CHECK(length[0] == length[1]); /* the two texts have the same number of tokens */
    CHECK(!memcmp(logits[0], logits[1], V * sizeof(float)));
    CHECK(memcmp(logits[2], logits[3], V * sizeof(float)));
    CHECK(memcmp(logits[0], logits[2], V * sizeof(float)));
    for (i = 0; i < 4; i++) free(logits[i]);
    all.prompt[0].paraphrases = 1;
    method.accidents = SGF_SWAPPED;
    CHECK(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err) ==
          SGF_ERR_ARG);
    CHECK(strstr(err.message, "swapped needs two") != NULL);
    MUST(sgf_method_find("avg", &method, &err), err);
    method.accidents = SGF_SHIFTED;
    CHECK(sgf_prompt_layout(model->tokenizer, &all.prompt[1], &method, 0, &layout, &err) ==
          SGF_ERR_ARG);
    method.contexts = 1;
    method.bos = SGF_BOS_EACH;
    CHECK(sgf_prompt_layout(model->tokenizer, &all.prompt[1], &method, 0, &layout, &err) ==
          SGF_ERR_ARG);
    method.accidents = 8;
    CHECK(sgf_prompt_layout(model->tokenizer, &all.prompt[1], &method, 0, &layout, &err) ==
          SGF_ERR_ARG);
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}

static void tests_methods(void) {
    RUN(test_every_method_can_be_described);
    RUN(test_prompts_of_the_myriadlama_methods);
    RUN(test_manual_and_automatic_paraphrases_have_their_roles);
    RUN(test_ask_takes_the_prediction_of_the_method);
    RUN(test_accident_shifted);
    RUN(test_late_tokens_belong_to_the_prompt);
    RUN(test_accident_swapped);
}
