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
                         const sgf_method *method, unsigned accidents, sgf_layout *layout,
                         char *out, size_t cap) {
    static const char letter[] = "BPpma|qx>";
    size_t i = 0, at = 0, len;
    const int32_t *generated;
    base_arena arena;
    sgf_error err;
    base_arena_init(&arena, NULL);
    if (accidents)
        MUST(accident_layout(tokenizer, prompt, method, accidents, 4, layout, &generated, &arena,
                             &err),
             err);
    else MUST(sgf_prompt_layout(tokenizer, prompt, method, 0, layout, &err), err);
    base_arena_free(&arena);
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
         NULL, 0, SGF_FUSION_START_FIRST_ANSWER},
        {"myriadlama_custom",
         "P0{I\n\nQ: q A: a\nQ: s A: b\n\n}p1{Q: two A:}|1{\n}p0{Q: one A:}|0{\n}p2{Q: three A}>{:}",
         NULL, ACCIDENT_SWAPPED, SGF_FUSION_START_FIRST_ANSWER},
        {"myriadlama",
         "P0{I}|{\n\n}q0{Q: q}|{\n\n}q0{Q: r}|{\n\n}x0{A: a}|{\n\n}q1{Q: s}|{\n\n}q1{Q: t}|{\n\n}x1{A: b}"
         "|{\n\n}p0{Q: one}|0{\n\n}p1{Q: two}|1{\n\n}p2{Q: three}>{\n\nA:}",
         NULL, 0, SGF_FUSION_START_FIRST_ANSWER},
        {"myriadlama",
         "P0{I}|{\n\n}q0{Q: q}|{\n\n}q0{Q: r}|{\n\n}x0{A: a}|{\n\n}q1{Q: s}|{\n\n}q1{Q: t}|{\n\n}x1{A: b}"
         "|{\n\n}p0{Q: one}|0{\n\n}p1{Q: two}|1{\n\n}p2{Q: three\n\nA:}",
         NULL, 0, SGF_FUSION_START_AFTER_FIRST},
        {"myriadlama",
         "P0{I}|{\n\n}q0{Q: q}|{\n\n}q0{Q: r}|{\n\n}x0{A: a}|{\n\n}q1{Q: s}|{\n\n}q1{Q: t}|{\n\n}x1{A: b}"
         "|{\n\n}p0{Q: one}|0{\n\n}p1{Q: two}|1{\n\n}p2{Q: thre}>{e}",
         NULL, ACCIDENT_NO_CUE, SGF_FUSION_START_FIRST_ANSWER},
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
        method.fusion_start = expected[i].start;
        methods_text(model->tokenizer, &t.prompt, &method, expected[i].accidents, &layout, text,
                     sizeof text);
        CHECK(!strcmp(text, expected[i].text));
        if (strcmp(text, expected[i].text)) printf("    got %s\n", text);
    }
    /* a separator of one's own; examples that have one wording */
    MUST(sgf_method_find("myriadlama", &method, &err), err);
    method.separator = " / ";
    t.example[0].paraphrases = t.example[1].paraphrases = 0;
    t.prompt.paraphrases = 1;
    methods_text(model->tokenizer, &t.prompt, &method, 0, &layout, text, sizeof text);
    CHECK(!strcmp(
        text,
        "P0{I}|{ / }q0{Q: q}|{ / }x0{A: a}|{ / }q1{Q: s}|{ / }x1{A: b}|{ / }p0{Q: one}>{ / A:}"));
    sgf_layout_free(&layout);
    sgf_model_free(model);
}
/* In equal lines, a paraphrase alone has one prompt, whatever the method and whichever its contexts. */
static void test_every_method_asks_in_equal_lines(void) {
    static const char *const cues[] = {"", " A:", "\nA:"};
    static const char *const prompts[] = {"", "I\n\nQ: q A: a\nQ: s A: b\n\nQ: two A:",
                                          "I\n\nQ: q\nA: a\n\nQ: s\nA: b\n\nQ: two\nA:"};
    static const char *const fused[] = {
        "P0{I\n\nQ: q A: a\nQ: s A: b\n\n}p0{Q: one}|0{\n}p1{Q: two}|1{\n}p2{Q: three}>{ A:}",
        "P0{I\n\nQ: q A: a\nQ: s A: b\n\n}p0{Q: one}|0{\n}p1{Q: two}|1{\n}p2{Q: three}>{ A:}",
        "P0{I\n\nQ: q\nA: a\n\nQ: s\nA: b\n\n}p0{Q: one}|0{\n}p1{Q: two}|1{\n}p2{Q: three}>{\nA:}"};
    sgf_model *model = generate_model();
    methods_texts t;
    sgf_method method, reference;
    sgf_layout alone, layout;
    sgf_error err;
    const char *name;
    char text[1024];
    size_t i, k, which, len, shown, equal = 0;
    int lines, round, chat = 0;
    CHECK(model != NULL);
    if (!model) return;
    methods_prompt(&t);
    sgf_layout_init(&alone, NULL), sgf_layout_init(&layout, NULL);
    MUST(sgf_method_find("fused", &reference, &err), err);
    for (lines = SGF_LINES_OWN; lines <= SGF_LINES_TWO; lines++) {
        reference.lines = (sgf_lines)lines;
        methods_text(model->tokenizer, &t.prompt, &reference, 0, &layout, text, sizeof text);
        CHECK(!strcmp(text, fused[lines]));
    }
    for (round = 0; round < 4; round++)
        for (i = 0; (name = sgf_method_name(i)) != NULL; i++) {
            MUST(sgf_method_find(name, &method, &err), err);
            lines = round % 2 ? SGF_LINES_TWO : SGF_LINES_ONE;
            chat = round > 1;
            t.prompt.before = chat ? "U: " : NULL, t.prompt.after = chat ? ": end\nM:" : NULL;
            method.lines = reference.lines = (sgf_lines)lines;
            if (method.format == SGF_FORMAT_FEW_SHOT_PARTS) {
                CHECK(sgf_prompt_layout(model->tokenizer, &t.prompt, &method, 0, &layout, &err) ==
                      SGF_ERR_ARG);
                CHECK(strstr(err.message, "myriadlama asks its examples in paraphrases"));
                continue;
            }
            for (which = 0; which < 3; which++) {
                sgf_prompt one = t.prompt;
                one.paraphrase += which, one.paraphrases = 1;
                MUST(sgf_prompt_layout(model->tokenizer, &one, &reference, 0, &alone, &err), err);
                if (method.contexts != SGF_CONTEXTS_FUSION) one = t.prompt;
                MUST(sgf_prompt_layout(model->tokenizer, &one, &method, which % one.paraphrases,
                                       &layout, &err),
                     err);
                CHECK(layout.tokens == alone.tokens);
                for (k = 0; k < layout.tokens && k < alone.tokens; k++) {
                    CHECK(layout.token[k] == alone.token[k]);
                    CHECK(layout.pos[k] == alone.pos[k]);
                }
                MUST(sgf_decode(model->tokenizer, layout.token, layout.tokens, 0, text,
                                sizeof text - 1, &len, &err),
                     err);
                text[len] = 0;
                shown = strlen(prompts[lines]) - (chat ? strlen(cues[lines]) : 0);
                CHECK(which != 1 || !memcmp(text + 3 * chat, prompts[lines], shown));
                CHECK(which != 1 || !strcmp(text + 3 * chat + shown, chat ? t.prompt.after : ""));
                equal++;
            }
            if (method.contexts != SGF_CONTEXTS_FUSION || chat) continue;
            /* a fusion has the prefix once, or N times, and each cue in a part of its own */
            methods_text(model->tokenizer, &t.prompt, &method, 0, &layout, text, sizeof text);
            CHECK(method.format == SGF_FORMAT_CONCATENATED ||
                  !memcmp(text, fused[lines], strlen(fused[lines]) / 3));
            CHECK(strstr(text, method.format == SGF_FORMAT_SHARED_CUE ? "Q: one}" : "Q: one"));
            CHECK(method.format == SGF_FORMAT_SHARED_CUE ||
                  !strncmp(strstr(text, "Q: one") + 6, cues[lines], strlen(cues[lines])));
        }
    CHECK(equal == 4 * 3 * 14);
    method.lines = (sgf_lines)7;
    CHECK(sgf_prompt_layout(model->tokenizer, &t.prompt, &method, 0, &layout, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "lines number 7"));
    MUST(sgf_method_find("fused", &method, &err), err);
    method.format = SGF_FORMAT_STANDARD; /* it has room for one paraphrase */
    CHECK(sgf_prompt_layout(model->tokenizer, &t.prompt, &method, 0, &layout, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "fused fuses all"));
    sgf_layout_free(&alone), sgf_layout_free(&layout);
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
    methods_text(model->tokenizer, &t.prompt, &method, 0, &layout, text, sizeof text);
    CHECK(!strcmp(
        text, "p0{I\n\nQ: one\nA:}|0{\n\n}p1{I\n\nQ: two\nA:}|1{\n\n}p2{I\n\nQ: three\nA}>{:}"));
    t.prompt.manual = manual;
    method.mask = SGF_MASK_MANUAL_CROSS;
    methods_text(model->tokenizer, &t.prompt, &method, 0, &layout, text, sizeof text);
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
        CHECK(method.contexts == SGF_CONTEXTS_FUSION || !*sgf_method_separator(&method));
        CHECK((method.prediction == SGF_PREDICTION_FIRST_WORD) ==
              !strncmp(method.name, "myriadlama", 10));
        for (k = 0; k < i; k++) {
            MUST(sgf_method_find(sgf_method_name(k), &other, &err), err);
            CHECK(strcmp(method.about, other.about));
        }
    }
    CHECK(i == 15);
    CHECK(sgf_prediction_take(SGF_PREDICTION_FIRST_WORD, sgf_text(" New York\nQ:")).len == 3);
    CHECK(sgf_prediction_take(SGF_PREDICTION_FIRST_LINE, sgf_text(" New York\nQ:")).len == 8);
    MUST(accident_find("swapped", &accident, &err), err);
    CHECK(accident == ACCIDENT_SWAPPED);
    MUST(accident_find("no-cue", &accident, &err), err);
    CHECK(accident == ACCIDENT_NO_CUE);
    CHECK(accident_find("swap", &accident, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "shifted, swapped, no-cue") != NULL);
}
static void test_ask_takes_the_prediction_of_the_method(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_error err;
    char line[64], word[64];
    CHECK(session != NULL);
    if (!session) return;
    generate_prompts(&all, 3);
    all.paraphrase[0][0] = all.paraphrase[0][1] = all.paraphrase[0][2] = sgf_text(
        "The capital of Mexico is [MASK].");
    MUST(sgf_ask(session, "fused", &all.prompt[0], 0, line, sizeof line, &err), err);
    MUST(sgf_ask(session, "myriadlama_custom", &all.prompt[0], 0, word, sizeof word, &err), err);
    CHECK(strchr(line, ' ') && strlen(word) == strcspn(line, " ") &&
          !memcmp(line, word, strlen(word)));
    CHECK(sgf_ask(session, "weighted_avg", &all.prompt[0], 0, word, sizeof word, &err) ==
          SGF_ERR_ARG);
    CHECK(strstr(err.message, "sgf_prompt.weight for sgf_ask") != NULL);
    all.prompt[0].weight = generate_weights;
    MUST(sgf_ask(session, "weighted_avg", &all.prompt[0], 0, word, sizeof word, &err), err);
    CHECK(sgf_ask(session, "weighted", &all.prompt[0], 0, word, sizeof word, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "weighted_max") != NULL);
    sgf_session_free(session);
    sgf_model_free(model);
}

/* ---- accidents ---- */

/* Tokens of one letter, and ".\n\n", which crosses the border between a text and a separator; BOS in
   front of every text. */
static sgf_tokenizer *methods_tokenizer(int bos) {
    static const char json[] =
        "{\"added_tokens\": [{\"id\": 13, \"content\": \"<s>\", \"special\": true, \"single_word\": false,"
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
        "{\"<s>\": {\"id\": \"<s>\", \"ids\": [13], \"tokens\": [\"<s>\"]}}},";
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
enum { METHODS_LATE = 4 };
/* Build a layout with accidents: the number of the segment of every token, a digit each, then those of
   the next METHODS_LATE generated ones if some of them do not belong to the answer. */
static void methods_segments(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                             const sgf_method *method, unsigned accidents, sgf_layout *layout,
                             char *out) {
    const int32_t *generated = NULL;
    base_arena arena;
    sgf_error err;
    size_t i;
    base_arena_init(&arena, NULL);
    MUST(accident_layout(tokenizer, prompt, method, accidents, METHODS_LATE, layout, &generated,
                         &arena, &err),
         err);
    for (i = 0; i < layout->tokens; i++) *out++ = (char)('0' + layout->seg[i]);
    if (generated) *out++ = '+';
    for (i = 0; generated && i < METHODS_LATE; i++) *out++ = (char)('0' + generated[i]);
    *out = 0;
    base_arena_free(&arena);
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
        method.fusion_start = SGF_FUSION_START_AFTER_FIRST;
        prompt.instruction = sgf_text("I.");
        /* I . || Q : _ a . || Q : _ b . || Q : _ c . */
        methods_segments(tokenizer, &prompt, &method, ACCIDENT_NO_CUE, &layout, text);
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
        CHECK(layout.answer == (bos ? 8 : 7));
        /* [BOS] I .|| Q : _ a .|| Q : _ b .|| Q : _ c .   in the segments of the 20 counted ids */
        methods_segments(tokenizer, &prompt, &method, ACCIDENT_NO_CUE | ACCIDENT_SHIFTED, &layout,
                         text);
        CHECK(!strcmp(text, bos ? "00"
                                  "1"
                                  "22222"
                                  "3"
                                  "44444"
                                  "5"
                                  "666"
                                  "+6677"
                                : "00"
                                  "1"
                                  "22222"
                                  "3"
                                  "44444"
                                  "5"
                                  "66"
                                  "+6667"));
        CHECK(layout.tokens == (bos ? 18 : 17) && layout.answer == 7);
        CHECK(layout.token[0] == (bos ? 13 : 0) && layout.token[bos + 1] == 12);
        CHECK(layout.segment[2].tokens == 5 && layout.segment[6].tokens == (bos ? 3 : 2) &&
              layout.segment[layout.answer].tokens == 0);
        CHECK(layout.answer_pos == (int32_t)layout.tokens && layout.pos[1] == 1);
        /* without a token that crosses a border, a BOS alone moves every border by one, and the
           last prompt token is fused */
        paraphrase[0] = sgf_text("a"), paraphrase[1] = sgf_text("b"), paraphrase[2] = sgf_text("c");
        prompt.instruction = sgf_text("I");
        methods_segments(tokenizer, &prompt, &method, ACCIDENT_NO_CUE | ACCIDENT_SHIFTED, &layout,
                         text);
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
        paraphrase[0] = sgf_text("a."), paraphrase[1] = sgf_text("b."),
        paraphrase[2] = sgf_text("c.");
        sgf_tokenizer_free(tokenizer);
    }
    sgf_layout_free(&layout);
}
/* Generated tokens are computed in the segments that are given for them: step by step, what a layout
   gives that has them there. */
static void test_generated_tokens_have_segments(void) {
    sgf_model *model = generate_model();
    sgf_session *session = model ? generate_session(model, 1, 0) : NULL;
    generate_texts_all all;
    sgf_method method;
    sgf_layout layout, whole;
    sgf_task task;
    sgf_error err;
    generate_result r;
    int32_t ids[4], segment[4];
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
    method.fusion_start = SGF_FUSION_START_AFTER_FIRST;
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &whole, &err), err);
    MUST(sgf_prompt_layout(model->tokenizer, &all.prompt[0], &method, 0, &layout, &err), err);
    layout.tokens -= 2; /* two generated tokens take the place of these */
    layout.answer_pos -= 2;
    for (i = 0; i < 4; i++) segment[i] = i < 2 ? layout.seg[layout.tokens + i] : layout.answer;
    memset(&task, 0, sizeof task);
    task.context = &layout;
    task.contexts = 1;
    task.ids = ids;
    task.segment = segment;
    task.max_new_tokens = 4;
    segment[2] = (int32_t)layout.segments; /* there is no such segment */
    CHECK(sgf_generate(session, &task, 1, NULL, NULL, &err) == SGF_ERR_ARG);
    segment[2] = layout.answer;
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
    base_arena arena;
    const int32_t *segment;
    sgf_error err;
    size_t V, i, length[2] = {0, 0};
    float *logits[4];
    CHECK(session != NULL);
    if (!session) return;
    V = (size_t)model->config.vocab_size;
    generate_prompts(&all, 3);
    sgf_layout_init(&layout, NULL);
    base_arena_init(&arena, NULL);
    MUST(sgf_method_find("myriadlama_custom", &method, &err), err);
    for (i = 0; i < 4; i++) {
        all.paraphrase[0][1] = sgf_text(i % 2 ? "1 2" : "2 1");
        MUST(accident_layout(model->tokenizer, &all.prompt[0], &method,
                             i < 2 ? ACCIDENT_SWAPPED : 0, 0, &layout, &segment, &arena, &err),
             err);
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
    CHECK(accident_layout(model->tokenizer, &all.prompt[0], &method, ACCIDENT_SWAPPED, 0, &layout,
                          &segment, &arena, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "swapped needs two") != NULL);
    MUST(sgf_method_find("avg", &method, &err), err);
    CHECK(accident_layout(model->tokenizer, &all.prompt[1], &method, ACCIDENT_SHIFTED, 0, &layout,
                          &segment, &arena, &err) == SGF_ERR_ARG);
    method.contexts = SGF_CONTEXTS_FUSION;
    method.bos = SGF_BOS_EACH;
    CHECK(accident_layout(model->tokenizer, &all.prompt[1], &method, ACCIDENT_SHIFTED, 0, &layout,
                          &segment, &arena, &err) == SGF_ERR_ARG);
    CHECK(accident_layout(model->tokenizer, &all.prompt[1], &method, 8, 0, &layout, &segment,
                          &arena, &err) == SGF_ERR_ARG);
    base_arena_free(&arena);
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
}

/* ---- golden files: transformers with the T x T mask of every method (tests/oracle/methods.py) ---- */

enum { METHODS_MOST = 8 };

typedef struct {
    sgf_str asked[METHODS_MOST][METHODS_MOST], paraphrase[METHODS_MOST];
    unsigned char manual[METHODS_MOST];
    sgf_example example[METHODS_MOST];
    sgf_prompt prompt;
} methods_question;

/* The texts of an array; their number. */
static size_t methods_strings(const json_doc *json, uint32_t list, sgf_str *out) {
    uint32_t at = list + 1, i, n = list ? json->nodes[list].count : 0;
    CHECK(n <= METHODS_MOST);
    for (i = 0; i < n && i < METHODS_MOST; i++, at = json->nodes[at].next)
        out[i] = json->nodes[at].text;
    return i;
}
/* The numbers of an array; their number. */
static size_t methods_numbers(const json_doc *json, uint32_t list, int32_t *out, size_t most) {
    uint32_t at = list + 1, i, n = list ? json->nodes[list].count : 0;
    for (i = 0; i < n && i < most; i++, at = json->nodes[at].next) {
        int64_t value = -1;
        CHECK(json_whole(json, at, 0, INT32_MAX, &value));
        out[i] = (int32_t)value;
    }
    return n;
}
static void methods_question_read(const json_doc *json, methods_question *q) {
    uint32_t node = json_get(json, 0, "prompt"), list, at, i;
    int32_t manual[METHODS_MOST] = {0};
    memset(q, 0, sizeof *q);
    q->prompt.instruction = json->nodes[json_get(json, node, "instruction")].text;
    q->prompt.paraphrase = q->paraphrase;
    q->prompt.paraphrases = methods_strings(json, json_get(json, node, "paraphrases"),
                                            q->paraphrase);
    methods_numbers(json, json_get(json, node, "manual"), manual, METHODS_MOST);
    for (i = 0; i < METHODS_MOST; i++) q->manual[i] = (unsigned char)manual[i];
    q->prompt.manual = q->manual;
    q->prompt.example = q->example;
    list = json_get(json, node, "examples");
    for (i = 0, at = list + 1; i < json->nodes[list].count; i++, at = json->nodes[at].next) {
        sgf_example *example = &q->example[q->prompt.examples++];
        example->paraphrase = q->asked[i];
        example->paraphrases = methods_strings(json, json_get(json, at, "questions"), q->asked[i]);
        example->question = q->asked[i][0];
        example->answer = json->nodes[json_get(json, at, "answer")].text;
    }
}
static void methods_choose(const json_doc *json, uint32_t at, sgf_method *method,
                           unsigned *accidents) {
    sgf_str start = json->nodes[json_get(json, at, "fusion_start")].text;
    sgf_str mask = json->nodes[json_get(json, at, "mask")].text, accident[METHODS_MOST];
    sgf_str which = json->nodes[json_get(json, at, "method")].text;
    char name[64];
    sgf_error err;
    size_t i, n = methods_strings(json, json_get(json, at, "accidents"), accident);
    snprintf(name, sizeof name, "%.*s", (int)which.len, which.ptr);
    MUST(sgf_method_find(name, method, &err), err);
    snprintf(name, sizeof name, "%.*s", (int)mask.len, mask.ptr);
    if (mask.len) MUST(sgf_mask_find(name, &method->mask, &err), err);
    if (start.len) method->fusion_start = SGF_FUSION_START_AFTER_FIRST;
    *accidents = 0;
    for (i = 0; i < n; i++) {
        unsigned bit = 0;
        snprintf(name, sizeof name, "%.*s", (int)accident[i].len, accident[i].ptr);
        MUST(accident_find(name, &bit, &err), err);
        *accidents |= bit;
    }
}
/* Ids, positions and mask are equal; so are the tokens chosen; logits are near. */
static void methods_compare(const sgf_model *model, const json_doc *json, uint32_t at,
                            const sgf_layout *layout, const int32_t *segment,
                            const sgf__stored *stored) {
    enum { STEPS = GENERATE_LENGTH };
    size_t V = (size_t)model->config.vocab_size, T = layout->tokens, t, n;
    int32_t *numbers = (int32_t *)calloc(T + 1, sizeof *numbers), wanted[STEPS], ids[STEPS];
    unsigned char *dense = (unsigned char *)malloc(T * T);
    float *golden = (float *)malloc(STEPS * V * sizeof(float));
    sgf_session *session = generate_session(model, 1, 0);
    generate_result r;
    sgf_str bits;
    char digest[33];
    sgf_task task;
    sgf_error err;
    memset(&r, 0, sizeof r);
    r.V = V;
    r.logits = (float *)calloc(STEPS * V, sizeof(float));
    CHECK(methods_numbers(json, json_get(json, at, "ids"), numbers, T) == T);
    CHECK(!memcmp(numbers, layout->token, T * sizeof *numbers));
    CHECK(methods_numbers(json, json_get(json, at, "positions"), numbers, T) == T);
    CHECK(!memcmp(numbers, layout->pos, T * sizeof *numbers));
    sgf_mask_dense(layout, dense);
    bits.ptr = (const char *)dense;
    bits.len = T * T;
    hash_md5_hex(bits, digest);
    CHECK(sgf__str_is(json->nodes[json_get(json, at, "visible")].text, digest));
    n = methods_numbers(json, json_get(json, at, "greedy"), wanted, STEPS);
    memset(&task, 0, sizeof task);
    task.context = layout;
    task.contexts = 1;
    task.ids = ids;
    task.segment = segment;
    task.max_new_tokens = n;
    MUST(sgf_generate(session, &task, 1, generate_keep, &r, &err), err);
    CHECK(n > 1 && task.count == n && !memcmp(ids, wanted, n * sizeof *ids));
    CHECK(stored && stored->end - stored->begin == n * V * sizeof(float));
    memcpy(golden, stored->data, n * V * sizeof(float));
    for (t = 0; t < n; t++) CHECK(forward_difference(r.logits + t * V, golden + t * V, V) < 1e-4);
    sgf_session_free(session);
    free(numbers), free(dense), free(golden), free(r.logits);
}
static void test_every_fusion_equals_transformers(void) {
    char path[600];
    sgf__folder golden;
    base_arena arena;
    sgf__map map;
    json_doc json;
    sgf_model *model = NULL;
    methods_question question;
    sgf_layout layout;
    sgf_error err;
    uint32_t list, at, i;
    int errors;
    base_arena_init(&arena, NULL);
    sgf_layout_init(&layout, NULL);
    snprintf(path, sizeof path, "%s/methods/model", golden_path());
    MUST(sgf_model_load(path, NULL, &model, &err), err);
    snprintf(path, sizeof path, "%s/methods/cases.json", golden_path());
    MUST(sgf__map_file(path, NULL, &map, &err), err);
    MUST(json_parse(path, map.data, map.size, &arena, &json, &err), err);
    snprintf(path, sizeof path, "%s/methods/golden.safetensors", golden_path());
    MUST(tensors_open(&golden, path, &err), err);
    methods_question_read(&json, &question);
    list = json_get(&json, 0, "cases");
    CHECK(json.nodes[list].count >= 15);
    for (i = 0, at = list + 1; i < json.nodes[list].count; i++, at = json.nodes[at].next) {
        sgf_str name = json.nodes[json_get(&json, at, "name")].text;
        sgf_method method;
        unsigned accidents = 0;
        const int32_t *segment;
        base_arena late;
        errors = test_errors;
        base_arena_init(&late, NULL);
        methods_choose(&json, at, &method, &accidents);
        if (accidents)
            MUST(accident_layout(model->tokenizer, &question.prompt, &method, accidents,
                                 GENERATE_LENGTH, &layout, &segment, &late, &err),
                 err);
        else {
            segment = NULL;
            MUST(sgf_prompt_layout(model->tokenizer, &question.prompt, &method, 0, &layout, &err),
                 err);
        }
        methods_compare(model, &json, at, &layout, segment, sgf__folder_find(&golden, name));
        base_arena_free(&late);
        if (errors != test_errors) printf("    in %.*s\n", (int)name.len, name.ptr);
    }
    sgf_layout_free(&layout);
    sgf__folder_close(&golden);
    sgf__unmap(&map);
    base_arena_free(&arena);
    sgf_model_free(model);
}

/* ---- through the program ---- */

/* Two questions with three manual and two automatic paraphrases, and an example in two. */
static void methods_files(void) {
    program_file(
        "methods.jsonl",
        "{\"uuid\": \"u1\", \"answers\": [\"Tokyo\"], \"manual_paraphrases\": [\"Japan's capital is "
        "[MASK].\", \"[MASK] is Japan's capital.\", \"The capital of Japan is [MASK].\"], "
        "\"auto_paraphrases\": [\"Japan is governed from [MASK].\", \"The seat of Japan is [MASK].\"]}\n"
        "{\"uuid\": \"u2\", \"answers\": [\"Mexico City\"], \"manual_paraphrases\": [\"Mexico's capital is "
        "[MASK].\", \"[MASK] is Mexico's capital.\", \"The capital of Mexico is [MASK].\"], "
        "\"auto_paraphrases\": [\"Mexico is governed from [MASK].\", \"The seat of Mexico is [MASK].\"]}\n");
    program_file(
        "methods-shots.jsonl",
        "{\"uuid\": \"s1\", \"answers\": [\"Paris\"], \"manual_paraphrases\": [\"France's capital is "
        "[MASK].\", \"The capital of France is [MASK].\"], \"auto_paraphrases\": []}\n");
}
/* Run `generate` on them; %s in the options is the folder of temporary files. */
static void methods_run(const char *options, int wanted, const char *text) {
    char given[1024], command[1400];
    temp_path("");
    snprintf(given, sizeof given, options, temp_folder, temp_folder, temp_folder);
    snprintf(command, sizeof command,
             "build/segfuse generate --quiet --data '%%s/methods.jsonl' --fewshot_data "
             "'%%s/methods-shots.jsonl' --num_fewshots 1 %s",
             given);
    program_says(command, wanted, text);
}
/* The columns of a result as "a,b,c", and its table. */
static struct table *methods_result(const char *name, char *columns, size_t cap) {
    struct table *table = NULL;
    sgf_error err;
    size_t at = 0;
    int i;
    columns[0] = 0;
    if (table_read(temp_path(name), NULL, &table, &err)) {
        printf("    %s\n", err.message);
        return NULL;
    }
    for (i = 0; i < table_columns(table); i++)
        at += (size_t)snprintf(columns + at, cap - at, "%s%s", i ? "," : "", table_name(table, i));
    return table;
}
static void test_files_and_columns_of_every_method(void) {
    static const struct {
        const char *options, *file, *columns;
        size_t rows, asked;
    } runs[] = {
        {"--method all --num_paraphrases 3", "origin",
         "uuid,answers,question,prompt,prediction,generation", 2, 0},
        {"--method all --num_paraphrases 3", "per_prompt",
         "uuid,answers,paraphrase,prompt,prediction,generation", 6, 0},
        {"--method avg --num_ensemble 4", "ensemble_avg-4",
         "uuid,paraphrases,prompts,answers,prediction,generation", 2, 4},
        {"--method flex_attention --num_paraphrases 3", "flex_attention-3",
         "uuid,paraphrases,answers,prediction,generation", 2, 3},
        {"--method flex_attention --indexs 4,0", "diversity/flex_attention-4,0",
         "uuid,paraphrases,answers,prediction,generation", 2, 2},
        {"--method myriadlama_flex --num_auto 2", "myriadlama_flex_all_a2",
         "uuid,templates,answers,prediction,generation", 2, 5},
        {"--method myriadlama_flex --num_manual 2 --num_auto 1 --allow_manual_cross_attention",
         "myriadlama_flex_m2_a1_xattn", "uuid,templates,answers,prediction,generation", 2, 3},
        {"--method myriadlama --num_paraphrases 3", "myriadlama_flex_3paras",
         "uuid,templates,answers,prediction,generation", 2, 3},
        {"--method myriadlama_custom --num_paraphrases 3 --lemmaize", "myriadlama_custom_3paras",
         "uuid,templates,answers,prediction,generation,predict_lemma,answer_lemmas", 2, 3},
        {"--method fused --num_paraphrases 2", "fused-2",
         "uuid,paraphrases,answers,prediction,generation", 2, 2},
    };
    size_t i, row;
    methods_files();
    for (i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        char options[512], file[128], columns[256];
        struct table *table;
        int asked, prediction;
        snprintf(options, sizeof options, "%s --output '%%s/methods'", runs[i].options);
        methods_run(options, 0, "");
        snprintf(file, sizeof file, "methods/%s.feather", runs[i].file);
        table = methods_result(file, columns, sizeof columns);
        CHECK(table && !strcmp(columns, runs[i].columns));
        CHECK(table && table_rows(table) == runs[i].rows);
        if (!table) continue;
        asked = table_find(table, "templates");
        if (asked < 0) asked = table_find(table, "paraphrases");
        CHECK((asked >= 0) == (runs[i].asked > 0));
        prediction = table_find(table, "prediction");
        for (row = 0; row < table_rows(table); row++) {
            sgf_str text = cell_text(table, prediction, row);
            if (asked >= 0) CHECK(cell_count(table, asked, row) == runs[i].asked);
            if (strstr(runs[i].options, "myriadlama")) CHECK(!memchr(text.ptr, ' ', text.len));
        }
        if (strstr(runs[i].options, "--num_manual 2")) { /* manual, then automatic ones */
            const sgf_str *templates = cell_list(table, asked, 0);
            CHECK(sgf__str_is(templates[0], "Japan's capital is [MASK].") &&
                  sgf__str_is(templates[1], "[MASK] is Japan's capital.") &&
                  sgf__str_is(templates[2], "Japan is governed from [MASK]."));
        }
        table_free(table);
    }
}
/* The metadata of a result, zero-terminated. */
static void methods_configuration(const char *name, char *out, size_t cap) {
    struct table *table = NULL;
    sgf_str text;
    out[0] = 0;
    if (table_read(temp_path(name), NULL, &table, NULL)) return;
    text = table_metadata_get(table, "segfuse");
    snprintf(out, cap, "%.*s", (int)text.len, text.ptr);
    table_free(table);
}
/* A file of confidences: the i-th paraphrase of the question has value[i]; -1: no row. */
static void methods_confidences(const char *path, const double *value, size_t n) {
    static const char *const texts[3] = {"%s's capital is [MASK].", "[MASK] is %s's capital.",
                                         "The capital of %s is [MASK]."};
    struct table *table = NULL;
    sgf_error err;
    size_t q, i;
    MUST(table_create(NULL, &table, &err), err);
    MUST(table_column(table, "uuid", SGF_COLUMN_UTF8, NULL, &err), err);
    MUST(table_column(table, "paraphrase", SGF_COLUMN_UTF8, NULL, &err), err);
    MUST(table_column(table, "confidence", SGF_COLUMN_F64, NULL, &err), err);
    for (q = 2; q-- > 0;)
        for (i = 0; i < n; i++) {
            char text[128];
            if (value[i] < 0) continue;
            snprintf(text, sizeof text, texts[i], q ? "Mexico" : "Japan");
            MUST(table_text(table, 0, sgf_text(q ? "u2" : "u1"), &err), err);
            MUST(table_text(table, 1, sgf_text(text), &err), err);
            MUST(table_f64(table, 2, value[i], &err), err);
        }
    MUST(table_write_feather(table, path, &err), err);
    table_free(table);
}
/* The generation of the first question. */
static void methods_generation(const char *name, char *out, size_t cap) {
    char columns[256];
    struct table *table = methods_result(name, columns, sizeof columns);
    sgf_str text;
    out[0] = 0;
    if (!table) return;
    text = cell_text(table, table_find(table, "generation"), 0);
    snprintf(out, cap, "%.*s", (int)text.len, text.ptr);
    table_free(table);
}
/* --format: another prompt has another file, the method's own keeps its name; equal lines are one prompt. */
static void test_formats_through_the_program(void) {
    static const double second[3] = {0, 1, 0};
    char text[2048], one[64], folder[300], columns[256], prompt[512];
    struct table *table;
    methods_files();
    methods_run(
        "--method origin,avg,fused,flex_attention --num_paraphrases 3 --output '%s/formats'", 0,
        "prompt format: standard of origin, avg; line of fused; concatenated of "
        "flex_attention (a difference may be the format's: --format line asks all alike)");
    methods_run("--method origin,avg,fused,flex_attention --num_paraphrases 3 --format lines "
                "--output '%s/formats'",
                0, "prompt format: lines of origin, avg, fused, flex_attention\n");
    methods_configuration("formats/ensemble_avg-3.feather", text, sizeof text);
    CHECK(strstr(text, "\"format\": \"standard\"") && !strstr(text, "\"lines\""));
    methods_configuration("formats/flex_attention-3-lines.feather", text, sizeof text);
    CHECK(strstr(text, "\"format\": \"concatenated\", \"lines\": \"lines\""));
    /* fused asks on one line by itself: the same result; the prompts of all are one */
    methods_run("--method fused,origin,avg --num_paraphrases 3 --format line --output '%s/formats'",
                0, "fused-3.feather already exists");
    table = methods_result("formats/ensemble_avg-3-line.feather", columns, sizeof columns);
    CHECK(table && cell_count(table, table_find(table, "prompts"), 0) == 3);
    if (table) {
        sgf_str asked = cell_list(table, table_find(table, "prompts"), 0)[1];
        snprintf(prompt, sizeof prompt, "%.*s", (int)asked.len, asked.ptr);
        CHECK(strstr(prompt, "\n\nQ: France's capital is [MASK]. A: Paris\n\nQ: [MASK] is Japan's "
                             "capital. A:"));
        table_free(table);
    }
    program_says("build/segfuse analyze '%s/formats' --num_paraphrases 3 --samples 0", 0,
                 "avg-3-lines");
    program_says("build/segfuse analyze '%s/formats' --samples 0", 0,
                 "The prompts differ in format");
    program_says("build/segfuse analyze '%s/formats/fused-3.feather' "
                 "'%s/formats/ensemble_avg-3-line.feather' --format csv | cut -d, -f1,17",
                 0, "fused-3,line\navg-3-line,line\n");
    /* confidences are asked in the format they are for */
    methods_run("--method weighted_max --num_paraphrases 3 --format line --output '%s/formats'", 1,
                "formats/confidence-line.feather is not there");
    snprintf(folder, sizeof folder, "%s", temp_path("formats/confidence-line.feather"));
    methods_confidences(folder, second, 3);
    methods_run("--method weighted_max --num_paraphrases 3 --format line --output '%s/formats'", 0,
                "weighted_max-line");
    methods_run("--method avg --indexs 1 --format line --output '%s/formats'", 0, "avg-line");
    methods_generation("formats/ensemble_weighted_max-3-line.feather", text, sizeof text);
    methods_generation("formats/ensemble_avg-1-line.feather", one, sizeof one);
    CHECK(one[0] && !strcmp(text, one));
    program_says("build/segfuse confidence --quiet --data '%s/methods.jsonl' --fewshot_data "
                 "'%s/methods-shots.jsonl' --num_fewshots 1 --num_samples 2 --format lines "
                 "--output '%s/formats' && ls '%s/formats'",
                 0, "confidence-lines.feather");
    methods_configuration("formats/confidence-lines.feather", text, sizeof text);
    CHECK(strstr(text, "\"lines\": \"lines\""));
    /* what another format contradicts */
    methods_run("--method fused,myriadlama --format lines --output '%s/formats'", 2,
                "--format lines: myriadlama asks its examples in paraphrases");
    methods_run("--method flex_attention --format line --accidents shifted --output '%s/formats'",
                2, "--accidents are those of the original's prompts: leave out --format");
    methods_run("--method fused --format two --output '%s/formats'", 2, "known: own, line, lines");
}
/* Are the rows of a relation, of table `by`, those of another result? Returns how many there are. */
static size_t methods_same_rows(const char *by, const char *other, const char *first) {
    static const char *const names[] = {"uuid", "prediction", "generation"};
    char columns[256];
    struct table *a = methods_result(by, columns, sizeof columns);
    struct table *b = methods_result(other, columns, sizeof columns);
    size_t row, i, n = 0;
    CHECK(a && b && table_rows(a) == table_rows(b));
    for (row = 0; a && b && row < table_rows(a); row++) {
        sgf_str uuid = cell_text(a, table_find(a, "uuid"), row), one, two;
        if (!memchr(first, uuid.ptr[0], strlen(first))) continue;
        for (i = 0; i < 3; i++) {
            one = cell_text(a, table_find(a, names[i]), row);
            two = cell_text(b, table_find(b, names[i]), row);
            CHECK(one.len == two.len && !memcmp(one.ptr, two.ptr, one.len));
        }
        n++;
    }
    table_free(a), table_free(b);
    return n;
}
/* Decodings through the program: names, configurations, what a batch and a stop change (nothing), and
   what is refused before the first question. */
static void test_decodings_through_the_program(void) {
    static const struct {
        const char *options, *file, *says;
    } runs[] = {
        {"--method fused --mass entropy", "fused-3-entropy", "\"mass\": \"entropy:0.5\""},
        {"--method fused --mass entropy:0.25 --select 2", "fused-3-entropy0.25-select2",
         "\"select\": 2"},
        {"--method fused --mass agreement", "fused-3-agreement", "\"mass\": \"agreement:0.25\""},
        {"--method fused --mass agreement:0.1 --select 1", "fused-3-agreement0.1-select1",
         "\"select\": 1"},
        {"--method fused_agreement", "fused_agreement-3", "\"mass\": \"agreement:0.25\""},
        {"--method fused_agreement --mass agreement:0.5 --fusion mixture",
         "fused_agreement-3-mixture-agreement0.5", "\"separator\": \"\""},
        {"--method fused --hybrid 0.5", "fused-3-hybrid0.5", "\"hybrid\": 0.5"},
        {"--method fused --fusion mixture", "fused-3-mixture", "\"fusion\": \"mixture\""},
        {"--method fused --fusion mixture --mass entropy", "fused-3-mixture-entropy",
         "\"fusion\": \"mixture\""},
        {"--method entropy_avg --tau 2", "ensemble_entropy_avg-3-tau2", "\"tau\": 2"},
        {"--method hidden", "ensemble_hidden-3", "\"method\": \"hidden\""},
        {"--method hidden --from_layer 2", "ensemble_hidden-3-from_layer2", "\"from_layer\": 2"},
        {"--method fused --beams 3", "fused-3-beams3", "\"length_penalty\": 1"},
        {"--method origin --num_paraphrases 1 --beams 2 --length_penalty 0",
         "origin-beams2-length_penalty0", "\"beams\": 2"},
        {"--method avg_p", "ensemble_avg_p-3", "\"method\": \"avg_p\""},
    };
    static const char *const wrong[][2] = {
        {"--select 0",
         "--select is a whole number from 1 to 3, the number of paraphrases, not '0'"},
        {"--select 4", "not '4'"},
        {"--select 1.5", "not '1.5'"},
        {"--hybrid 1.01", "--hybrid is a number from 0 to 1, not '1.01'"},
        {"--hybrid nan", "not 'nan'"},
        {"--mass entropy:0", "--mass entropy:T is for a number T above 0, not '0'"},
        {"--mass entropy:-1", "not '-1'"},
        {"--mass agreement:inf", "--mass agreement:T is for a number T above 0, not 'inf'"},
        {"--mass agreement --method avg", "--mass is for"},
        {"--mass entropi",
         "--mass is 1, 1/N, confidence, entropy[:T], agreement[:T] or 3 positive numbers"},
        {"--method entropy_avg --tau 0", "--tau is a number above 0, not '0'"},
        {"--tau 1", "--tau is for the method entropy_avg"},
        {"--method hidden --from_layer -1",
         "--from_layer is a whole number from 0 to the number of layers, not '-1'"},
        {"--method hidden --from_layer 1.5", "not '1.5'"},
        {"--method avg --from_layer 1", "--from_layer is for the method hidden"},
        {"--method hidden --explain 1", "hidden takes the mean of all: leave it out"},
        {"--method avg --hybrid 0.5", "--hybrid is for methods that fuse attention"},
        {"--method flex_attention --select 2", "not flex_attention"},
        {"--mass entropy --fusion_start after-first", "one answer cue for all"},
        {"--beams 0", "--beams is a whole number from 1 to the size of the vocabulary, not '0'"},
        {"--beams 2.5", "not '2.5'"},
        {"--length_penalty 1", "--length_penalty is for --beams of 2 or more"},
        {"--beams 2 --length_penalty x", "--length_penalty is a number"},
        {"--beams 2 --explain 1", "--explain shows greedy answers"},
        {"--beams 2 --length_penalty 2 --explain 1", "--explain shows greedy answers"},
        {"--fusion mean", "softmax, mixture"},
        {"--method avg --fusion mixture", "--fusion is for methods that fuse attention"},
        {"--select 2 --mass 1", "--select gives its paraphrases the mass 1/K"},
    };
    char options[300], file[128], other[128], text[2048];
    size_t i;
    methods_files();
    for (i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        snprintf(options, sizeof options, "--num_paraphrases 3 --output '%%s/decodings' %s",
                 runs[i].options);
        methods_run(options, 0, "passes/step");
        snprintf(file, sizeof file, "decodings/%s.feather", runs[i].file);
        methods_configuration(file, text, sizeof text);
        CHECK(strstr(text, runs[i].says));
        snprintf(options, sizeof options,
                 "--num_paraphrases 3 --output '%%s/decodings1' --max_samples 1 %s",
                 runs[i].options);
        methods_run(options, 0, "");
        snprintf(options, sizeof options,
                 "--num_paraphrases 3 --output '%%s/decodings1' --batch_size 1 %s",
                 runs[i].options);
        methods_run(options, 0, ""); /* it goes on from the first question */
        snprintf(other, sizeof other, "decodings1/%s.feather", runs[i].file);
        CHECK(methods_same_rows(file, other, "u") == 2);
    }
    methods_run("--num_paraphrases 3 --output '%s/decodings' --mass entropy --explain 1", 0,
                "How sure each paraphrase is of the first token");
    methods_run("--num_paraphrases 3 --output '%s/decodings' --mass agreement --explain 1", 0,
                "minus the logarithm of its agreement");
    methods_run("--num_paraphrases 3 --output '%s/decodings' --method avg_p --explain 1", 0,
                "(combined: the mean of the contexts)");
    program_file("by.json", "{\"*\": {\"select\": 2, \"mass\": \"entropy:0.25\"}}");
    methods_run("--method fused --num_paraphrases 3 --output '%s/decodings' --by_relation "
                "'%s/by.json'",
                0, "");
    CHECK(methods_same_rows("decodings/fused-3-by_relation.feather",
                            "decodings/fused-3-entropy0.25-select2.feather", "u") == 2);
    methods_run("--num_paraphrases 3 --output '%s/wrong' --beams 4000", 1,
                "--beams 4000: the model's vocabulary has ");
    /* passes/step: of two tokens of avg the first takes 3 contexts, the second those of 3 beams */
    methods_run(
        "--num_paraphrases 3 --output '%s/passes' --method avg --beams 3 --max_new_tokens 2 "
        "| awk '/^avg/ { print $7 }'",
        0, "6\n");
    methods_run(
        "--num_paraphrases 3 --output '%s/passes' --hybrid 0.5 --beams 2 --max_new_tokens 2 "
        "| awk '/^fused/ { print $7 }'",
        0, "6\n");
    methods_run("--num_paraphrases 3 --output '%s/wrong' --method hidden --from_layer 5", 1,
                "--from_layer 5: the model has 4 layers; from layer 4 on is avg");
    program_says("build/segfuse ask --mass entropy 'The capital of Japan is [MASK].' "
                 "'[MASK] is the capital of Japan.'",
                 0, "fused");
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(options, sizeof options, "--num_paraphrases 3 --output '%%s/wrong' %s",
                 wrong[i][0]);
        methods_run(options, 2, wrong[i][1]);
    }
}

/* A relation's rows are those of a run with its options, whatever the method of the others is. */
static void test_relations_have_their_own_options(void) {
    static const char *const bad[][3] = {
        {"{\"capitol\": {\"mass\": \"1\"}}", "1",
         "no question of %s/related.jsonl has the relation 'capitol'; did you mean capital?"},
        {"{\"capital\": {\"mask\": \"hidden\"}}", "2",
         "relation 'capital': --mask 'hidden' is not known"},
        {"{\"capital\": {\"method\": \"median\"}}", "2",
         "relation 'capital': there is no method 'median'"},
        {"{\"capital\": {\"method\": \"per_prompt\"}}", "2",
         "one method with one answer to a question is wanted, not 'per_prompt'"},
        {"{\"capital\": {\"method\": \"avg,max\"}}", "2", "not 'avg,max'"},
        {"{\"capital\": {\"method\": \"avg\", \"mask\": \"hub\"}}", "2",
         "relation 'capital': --mask is for methods that fuse attention"},
        {"{\"capital\": {\"mass\": \"1,2\"}}", "2", "relation 'capital': --mass is "},
        {"{\"capital\": {\"masks\": \"hub\"}}", "1",
         "relation 'capital': there is no option 'masks' for a relation; known: method, mask"},
        {"{\"capital\": {\"mask\": []}}", "1", "relation 'capital': mask is a text"},
        {"{\"capital\": \"hub\"}", "1", "an object of options is wanted"},
        {"{\"*\": {}, \"*\": {}}", "1", "relation '*': it is there twice"},
        {"{}", "1", "names no relation"},
        {"[]", "1", "bad.json"},
        {"{", "1", "bad.json"},
    };
    char text[2048], options[512], wanted[256];
    size_t i;
    program_file(
        "related.jsonl",
        "{\"uuid\": \"a1\", \"rel\": \"capital\", \"answers\": [\"Tokyo\"], \"manual_paraphrases\": [\"Japan's capital is [MASK].\", \"[MASK] is Japan's capital.\", \"The seat of Japan is [MASK].\"]}\n"
        "{\"uuid\": \"b1\", \"rel\": \"lake\", \"answers\": [\"Friedr\"], \"manual_paraphrases\": [\"The Nile flows through [MASK].\", \"[MASK] has the Nile.\", \"The Nile is a river in [MASK].\"]}\n"
        "{\"uuid\": \"c1\", \"rel\": \"river\", \"answers\": [\"Portugal\"], \"manual_paraphrases\": [\"The Nile flows through [MASK].\", \"[MASK] has the Nile.\", \"The Nile is a river in [MASK].\"]}\n"
        "{\"uuid\": \"a2\", \"rel\": \"capital\", \"answers\": [\"Paris\"], \"manual_paraphrases\": [\"France's capital is [MASK].\", \"[MASK] is France's capital.\", \"The seat of France is [MASK].\"]}\n"
        "{\"uuid\": \"d1\", \"answers\": [\"wet\"], \"manual_paraphrases\": [\"Water is [MASK].\", \"[MASK] is what water is.\", \"All water is [MASK].\"]}\n");
    program_file("by.json", "{\"capital\": {\"method\": \"max\", \"format\": \"line\"}, \"lake\": "
                            "{\"mask\": \"hub\", \"mass\": 1}, \"*\": {\"method\": "
                            "\"myriadlama_custom\"}}");
    methods_files();
#define RELATED(options)                                                       \
    "build/segfuse generate --quiet --data '%s/related.jsonl' --fewshot_data " \
    "'%s/methods-shots.jsonl' --num_fewshots 1 --num_paraphrases 3 "           \
    "--output '%s/related' " options
    program_says(RELATED("--method fused --mass 1,2,3 --by_relation '%s/by.json'"), 0, "fused");
    program_says(RELATED("--method max --format line"), 0, "max-line");
    program_says(RELATED("--method fused --mask hub --mass 1 --tag hub"), 0, "fused");
    program_says(RELATED("--method myriadlama_custom --mass 1,2,3"), 0, "myriadlama_custom");
    CHECK(methods_same_rows("related/fused-3-by_relation.feather",
                            "related/ensemble_max-3-line.feather", "a") == 2);
    CHECK(methods_same_rows("related/fused-3-by_relation.feather", "related/fused-3.hub.feather",
                            "b") == 1);
    CHECK(methods_same_rows("related/fused-3-by_relation.feather",
                            "related/myriadlama_custom_3paras.feather", "cd") == 2);
    methods_configuration("related/fused-3-by_relation.feather", text, sizeof text);
    CHECK(strstr(text,
                 "\"by_relation\": \"capital: method max, format line; lake: mask hub, mass 1; "
                 "*: method myriadlama_custom\""));
    /* tuned on these results: two methods have three right, the first of them is the rest's */
#define ANALYZE(options)                                              \
    "build/segfuse analyze '%s/related/ensemble_max-3-line.feather' " \
    "'%s/related/fused-3.hub.feather' "                               \
    "'%s/related/myriadlama_custom_3paras.feather' --resamples 100 --samples 0 " options
    snprintf(options, sizeof options,
             " --data '%.200s/related.jsonl' --by_relation '%.200s/tuned.json'", temp_folder,
             temp_folder);
    snprintf(text, sizeof text, ANALYZE("%s --min_questions 1"), temp_folder, temp_folder,
             temp_folder, options);
    program_says(text, 0,
                 "fused-3.hub is best overall; 1 of 3 relations have another choice, 0 "
                 "have fewer than 1 questions\n3 right answers become 4");
    program_says("cat '%s/tuned.json'", 0,
                 "{\n    \"river\": {\"method\": \"myriadlama_custom\", \"mass\": \"1,2,3\"},\n"
                 "    \"*\": {\"method\": \"fused\", \"mask\": \"hub\", \"mass\": \"1\"}\n}\n");
    program_says(RELATED("--method fused --by_relation '%s/tuned.json' --tag tuned"), 0, "0.800");
    snprintf(text, sizeof text, ANALYZE("%s --min_questions 2"), temp_folder, temp_folder,
             temp_folder, options);
    program_says(text, 0, "0 of 3 relations have another choice, 2 have fewer than 2 questions");
    program_says("cat '%s/tuned.json'", 0,
                 "{\n    \"*\": {\"method\": \"fused\", \"mask\": \"hub\", \"mass\": \"1\"}\n}\n");
    program_says(ANALYZE("--by_relation tuned.json"), 1,
                 "the relations of these questions are not known");
    program_says(ANALYZE("--by_relation tuned.txt"), 2, ".json");
    program_says(ANALYZE("--by_relation '%s/related/fused-3.hub.json'"), 2,
                 "would replace the configuration of a result");
    program_says("build/segfuse analyze '%s/related/fused-3-by_relation.feather' --data "
                 "'%s/related.jsonl' --by_relation '%s/tuned.json'",
                 1, "made with --by_relation or with the mask of a file");
    program_says(RELATED("--method fused --separator= --tag bare"), 0, "fused");
    program_says("build/segfuse analyze '%s/related/fused-3.bare.feather' --data "
                 "'%s/related.jsonl' --by_relation '%s/bare.json'",
                 1, "made with --separator, which is not chosen by relation");
    program_says(RELATED("--method fused_agreement --mass 1/N --tag even"), 0, "fused");
    program_says(
        "build/segfuse analyze '%s/related/fused_agreement-3.even.feather' --data "
        "'%s/related.jsonl' --resamples 100 --by_relation '%s/even.json' && cat '%s/even.json'",
        0, "\"mass\": \"1/N\"");
    program_says(RELATED("--num_fewshots 0 --method avg"), 0, "avg");
    program_says("build/segfuse analyze '%s/related/fused-3.hub.feather' "
                 "'%s/related/ensemble_avg-3.feather' --data '%s/related.jsonl' --by_relation "
                 "'%s/tuned.json'",
                 1, "differ in num_fewshots, which is not chosen by relation");
#undef ANALYZE
    /* the file's choices are in the resume key; the order of questions and the batch are not */
    program_says(RELATED("--method fused --mass 1,2,3 --by_relation '%s/by.json'"), 0,
                 "nothing to do");
    program_says(RELATED("--method fused --mass 1,2,3 --explain a1 --by_relation '%s/by.json'"), 0,
                 "max");
    program_says(
        RELATED("--method fused --mass 1,2,3 --by_relation '%s/by.json' --tag one --batch_size 1"),
        0, "");
    CHECK(methods_same_rows("related/fused-3-by_relation.feather",
                            "related/fused-3-by_relation.one.feather", "abcd") == 5);
    program_file("by.json", "{\"capital\": {\"method\": \"avg\"}}"); /* the rest as it is */
    program_says(RELATED("--method fused --mass 1,2,3 --by_relation '%s/by.json'"), 1,
                 "--by_relation is '");
    program_says(RELATED("--method fused --mass 1,2,3 --by_relation '%s/by.json' --rewrite"), 0,
                 "fused");
    program_says(RELATED("--method fused --mass 1,2,3"), 0, "fused");
    CHECK(methods_same_rows("related/fused-3-by_relation.feather", "related/fused-3.feather",
                            "bcd") == 3);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        program_file("bad.json", bad[i][0]);
        temp_path("");
        snprintf(wanted, sizeof wanted, bad[i][2], temp_folder);
        program_says(RELATED("--method fused --by_relation '%s/bad.json'"), bad[i][1][0] - '0',
                     wanted);
        program_says(RELATED("--method fused --by_relation '%s/bad.json'"), bad[i][1][0] - '0',
                     "bad.json");
    }
    snprintf(options, sizeof options, "--by_relation '%%s/by.json' --output '%%s/wrong'");
    methods_run(options, 1, "methods.jsonl have no relations (column rel, rel_uri or relation)");
    program_says(RELATED("--method origin --by_relation '%s/by.json'"), 2,
                 "one method of all paraphrases");
    program_says(RELATED("--method avg,max --by_relation '%s/by.json'"), 2,
                 "one method of all paraphrases");
    program_says(RELATED("--method fused --by_relation '%s/none.json'"), 1, "none.json");
#undef RELATED
}
static void test_accidents_through_the_program(void) {
    char text[2048];
    methods_files();
    methods_run("--method flex_attention,myriadlama,myriadlama_custom --num_paraphrases 3 "
                "--accidents shifted,swapped,no-cue --output '%s/accidents'",
                0, "myriadlama_custom  ");
    methods_configuration("accidents/flex_attention-3.feather", text, sizeof text);
    CHECK(strstr(text, "\"fusion_start\": \"after-first\"") &&
          strstr(text, "\"accidents\": \"shifted\""));
    methods_configuration("accidents/myriadlama_flex_3paras.feather", text, sizeof text);
    CHECK(strstr(text, "\"accidents\": \"shifted,no-cue\""));
    methods_configuration("accidents/myriadlama_custom_3paras.feather", text, sizeof text);
    CHECK(strstr(text, "\"fusion_start\": \"first-answer\"") &&
          strstr(text, "\"accidents\": \"swapped\"") && strstr(text, "\"separator\": \"\\n\""));
    program_says("build/segfuse generate --method fused --accidents swapped", 2,
                 "none of these methods");
    program_says("build/segfuse generate --method flex_attention --accidents shifted "
                 "--fusion_start first-answer",
                 2, "leave out --fusion_start");
    program_says("build/segfuse generate --method flex_attention --accidents shiftd", 2,
                 "did you mean shifted");
}
static void test_wrong_options_of_methods(void) {
    methods_files();
    program_says("build/segfuse generate --method fused --num_manual 2", 2,
                 "for --method myriadlama_flex");
    program_says("build/segfuse generate --method myriadlama_flex --indexs 0,1", 2,
                 "not by --indexs");
    program_says("build/segfuse generate --method myriadlama_flex --mask shared "
                 "--allow_manual_cross_attention",
                 2, "is --mask manual-cross, not shared");
    program_says("build/segfuse generate --method myriadlama --help", 0, "generate_myriadlama.py");
    program_says("build/segfuse generate --help --method=all,fused", 0, "fused-N.feather");
    program_says("build/segfuse generate --help --method fuse", 2, "there is no method 'fuse'");
    program_says("build/segfuse generate --help", 0, "accidents");
    methods_run("--method myriadlama_flex --output '%s/wrong'", 0,
                "questions have fewer paraphrases than were asked for");
    methods_run("--method myriadlama_flex --num_manual 0 --num_auto 0 --output '%s/wrong'", 1,
                "row 1 has none of the paraphrases that were asked for (--num_manual, --num_auto)");
    methods_run(
        "--method myriadlama_custom --num_paraphrases 1 --accidents swapped --output '%s/wrong'", 1,
        "swapped needs two paraphrases");
}

/* Confidence on one paraphrase alone is that paraphrase: the second weighs all, as --indexs 1. */
static void test_weights_are_the_confidences(void) {
    static const double second[3] = {0, 1, 0}, missing[3] = {1, 1, -1}, even[3] = {0.5, 0.5, 0.5};
    static const char *const methods[] = {"weighted_avg", "weighted_max"};
    char text[2048], first[64], file[128], folder[300];
    size_t i;
    methods_files();
    methods_run("--method weighted_avg --num_paraphrases 3 --output '%s/sure'", 1,
                "confidence.feather is not there");
    methods_confidences(temp_path("missing.feather"), missing, 3);
    methods_run(
        "--method weighted_max --num_paraphrases 3 --output '%s/sure' --confidence '%s/missing.feather'",
        1, "paraphrase of question u1: 'The capital of Japan is [MASK].'");
    snprintf(folder, sizeof folder, "%s", temp_path("sure"));
    mkdir(folder, 0777);
    methods_confidences(temp_path("sure/confidence.feather"), second,
                        3); /* where it is by default */
    methods_run("--method weighted_avg,weighted_max --num_paraphrases 3 --output '%s/sure'", 0,
                "weighted_max");
    methods_run("--method avg --indexs 1 --output '%s/sure'", 0, "avg");
    methods_generation("sure/ensemble_avg-1.feather", first, sizeof first);
    CHECK(first[0]);
    for (i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "sure/ensemble_%s-3.feather", methods[i]);
        methods_generation(file, text, sizeof text);
        CHECK(!strcmp(text, first));
        methods_configuration(file, text, sizeof text);
        CHECK(strstr(text, "\"confidence_identity\": \"") != NULL);
    }
    /* as masses: equal confidences are the mass 1/N; other confidences are another configuration */
    methods_confidences(temp_path("even.feather"), even, 3);
    methods_run(
        "--method fused --num_paraphrases 3 --mass confidence --confidence '%s/even.feather' "
        "--output '%s/even' --dump_layout '%s/even.json'",
        0, "fused");
    methods_run(
        "--method fused --num_paraphrases 3 --output '%s/third' --dump_layout '%s/third.json'", 0,
        "fused");
    program_says("cmp '%s/even.json' '%s/third.json'", 0, "");
    methods_run("--method fused --num_paraphrases 3 --mass confidence --output '%s/even' "
                "--confidence '%s/sure/confidence.feather'",
                1, "confidence_identity");
    program_file("wrong.csv", "uuid,paraphrase,confidence\nu1,a,1.5\n");
    methods_run(
        "--method weighted_avg --num_paraphrases 3 --output '%s/sure' --rewrite --confidence '%s/wrong.csv'",
        1, "wrong.csv: row 1: its confidence is not between 0 and 1");
    program_file("wrong.csv", "uuid,paraphrase\nu1,a\n");
    methods_run("--method weighted_avg --num_paraphrases 3 --output '%s/sure' --rewrite "
                "--confidence '%s/wrong.csv'",
                1, "the column \"confidence\" is missing");
}

/* A BOS before each paraphrase and the prefix is all that SGF_BOS_EACH changes. */
static void test_each_paraphrase_has_its_bos(void) {
    sgf_tokenizer *tokenizer = methods_tokenizer(1);
    sgf_str paraphrase[2];
    sgf_prompt prompt;
    sgf_layout each, none;
    sgf_method method;
    sgf_error err;
    const char *name;
    size_t i, k, n, fusions = 0;
    CHECK(tokenizer != NULL);
    if (!tokenizer) return;
    paraphrase[0] = sgf_text("a."), paraphrase[1] = sgf_text("b.");
    memset(&prompt, 0, sizeof prompt);
    prompt.instruction = sgf_text("I.");
    prompt.paraphrase = paraphrase, prompt.paraphrases = 2;
    sgf_layout_init(&each, NULL), sgf_layout_init(&none, NULL);
    for (i = 0; (name = sgf_method_name(i)) != NULL; i++) {
        MUST(sgf_method_find(name, &method, &err), err);
        if (method.contexts != SGF_CONTEXTS_FUSION || method.format == SGF_FORMAT_STANDARD)
            continue;
        method.bos = SGF_BOS_NONE;
        MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &none, &err), err);
        method.bos = SGF_BOS_EACH;
        MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &each, &err), err);
        for (k = n = 0; k < each.tokens; k++) {
            int starts = k == 0 || each.seg[k] != each.seg[k - 1];
            sgf_role role = each.segment[each.seg[k]].role;
            CHECK((each.token[k] == 13) ==
                  (starts && (role == SGF_ROLE_SHARED || sgf__is_paraphrase(role))));
            if (each.token[k] == 13) continue;
            CHECK(n < none.tokens && each.token[k] == none.token[n]);
            n++;
        }
        CHECK(n == none.tokens && each.tokens > n);
        fusions++;
    }
    CHECK(fusions > 2);
    sgf_layout_free(&each), sgf_layout_free(&none);
    sgf_tokenizer_free(tokenizer);
}
/* Segments that belong to no paraphrase have no group; BOS and ranges are checked. */
static void test_prompts_number_what_belongs_to_a_paraphrase(void) {
    static const sgf_bos_rule rules[] = {SGF_BOS_FIRST, SGF_BOS_EACH};
    sgf_tokenizer *tokenizer = methods_tokenizer(1);
    sgf_str paraphrase[2];
    sgf_example shot;
    sgf_prompt prompt;
    sgf_layout layout;
    sgf_method method;
    sgf_error err;
    const char *name;
    size_t i, k, r, bos = 0, separators = 0;
    CHECK(tokenizer != NULL);
    if (!tokenizer) return;
    paraphrase[0] = sgf_text("a."), paraphrase[1] = sgf_text("b.");
    memset(&shot, 0, sizeof shot);
    shot.question = sgf_text("b."), shot.answer = sgf_text("a");
    memset(&prompt, 0, sizeof prompt);
    prompt.instruction = sgf_text("I."), prompt.example = &shot, prompt.examples = 1;
    prompt.paraphrase = paraphrase, prompt.paraphrases = 2;
    sgf_layout_init(&layout, NULL);
    for (i = 0; (name = sgf_method_name(i)) != NULL; i++)
        for (r = 0; r < 2; r++) {
            MUST(sgf_method_find(name, &method, &err), err);
            method.bos = rules[r];
            MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &layout, &err), err);
            for (k = 0; k < layout.segments; k++) {
                const sgf_segment *s = &layout.segment[k];
                int question = sgf__is_paraphrase(s->role) || s->role == SGF_ROLE_EXAMPLE_Q ||
                               s->role == SGF_ROLE_EXAMPLE_A || s->role == SGF_ROLE_SHARED;
                CHECK(question || s->role == SGF_ROLE_SEPARATOR ? s->group >= -1 : s->group == -1);
                if (s->role == SGF_ROLE_BOS) bos++;
                if (s->role == SGF_ROLE_SEPARATOR && s->group == -1) separators++;
            }
            CHECK(sgf_prompt_layout(NULL, &prompt, &method, 0, &layout, &err) == SGF_ERR_ARG);
            if (method.contexts == SGF_CONTEXTS_FUSION) continue;
            MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 1, &layout, &err), err);
            CHECK(sgf_prompt_layout(tokenizer, &prompt, &method, 2, &layout, &err) == SGF_ERR_ARG);
            CHECK(strstr(err.message, "paraphrase 3 was asked for; the question has 2"));
        }
    CHECK(bos > 0 && separators > 0);
    MUST(sgf_method_find("origin", &method, &err), err);
    method.bos = SGF_BOS_FIRST;
    tokenizer->info.bos = 0; /* the first id is an id */
    MUST(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &layout, &err), err);
    CHECK(layout.token[0] == 0);
    tokenizer->info.bos = -1;
    CHECK(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &layout, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "begin-of-sequence"));
    prompt.paraphrases = 0;
    CHECK(sgf_prompt_layout(tokenizer, &prompt, &method, 0, &layout, &err) == SGF_ERR_ARG);
    sgf_layout_free(&layout);
    sgf_tokenizer_free(tokenizer);
}

/* ---- chat formats ---- */

/* The whole text of a layout, and its ids, are those of the case. */
static void chat_case(const sgf_tokenizer *tokenizer, const json_doc *json, const char *name,
                      const sgf_prompt *prompt, sgf_bos_rule bos) {
    char key[32], text[2048];
    sgf_method method;
    sgf_layout layout;
    sgf_error err;
    size_t len = 0, i;
    uint32_t ids, at, wanted = json_get(json, 0, name);
    snprintf(key, sizeof key, "%s_ids", name);
    ids = json_get(json, 0, key);
    MUST(sgf_method_find(name, &method, &err), err);
    method.bos = bos;
    sgf_layout_init(&layout, NULL);
    MUST(sgf_prompt_layout(tokenizer, prompt, &method, 0, &layout, &err), err);
    MUST(sgf_decode(tokenizer, layout.token, layout.tokens, 0, text, sizeof text, &len, &err), err);
    CHECK(wanted && !base_str_compare(base_text_of(text, len), json->nodes[wanted].text));
    CHECK(ids && layout.tokens == json->nodes[ids].count);
    for (i = 0, at = ids + 1; ids && i < layout.tokens && i < json->nodes[ids].count; i++, at++)
        CHECK(layout.token[i] == (int32_t)json_number(json, at));
    sgf_layout_free(&layout);
}
static void test_chat_prompts_equal_those_of_transformers(void) {
    sgf_str paraphrase[2];
    sgf_tokenizer *tokenizer = NULL;
    sgf_example shot;
    sgf_prompt prompt;
    sgf_error err;
    base_map map;
    size_t begin, end, known = 0, refused = 0;
    MUST(sgf_tokenizer_load("tests/golden/chat", NULL, &tokenizer, &err), err);
    MUST(base_map_file("tests/golden/chat/cases.jsonl", NULL, &map, &err), err);
    memset(&shot, 0, sizeof shot), memset(&prompt, 0, sizeof prompt);
    shot.question = sgf_text("The red one?"), shot.answer = sgf_text("a rose");
    paraphrase[0] = sgf_text("What's blue?"), paraphrase[1] = sgf_text("Which is the blue one?");
    prompt.paraphrase = paraphrase, prompt.paraphrases = 2;
    for (begin = 0; begin < map.size; begin = end + 1) {
        static const char instruction[] = "Name it in one word.";
        uint32_t format, text;
        chat_format f;
        base_arena arena;
        json_doc json;
        sgf_status status;
        for (end = begin; end < map.size && map.data[end] != '\n';) end++;
        base_arena_init(&arena, NULL);
        MUST(json_parse("cases.jsonl", map.data + begin, end - begin, &arena, &json, &err), err);
        format = json_get(&json, 0, "format"), text = json_get(&json, 0, "template");
        status = chat_recognise(json.nodes[text].text, "<s>", "</s>", &f, &err);
        if (json.nodes[format].type == JSON_NULL) {
            CHECK(status == SGF_ERR_UNSUPPORTED && !f.name &&
                  strstr(err.message, "--chat_before TEXT"));
            refused++;
        } else {
            base_buf before;
            base_buf_init(&before, NULL);
            MUST(status, err);
            CHECK(f.name && base_str_is(json.nodes[format].text, f.name));
            MUST(chat_before(&f, sgf_text(instruction), &shot, 1, &before, &err), err);
            prompt.before = before.ptr, prompt.after = f.after;
            chat_case(tokenizer, &json, "origin", &prompt, f.begins ? SGF_BOS_FIRST : SGF_BOS_NONE);
            chat_case(tokenizer, &json, "fused", &prompt, f.begins ? SGF_BOS_FIRST : SGF_BOS_NONE);
            CHECK(!f.turn_end || sgf_token_id(tokenizer, sgf_text(f.turn_end)) >= 0);
            base_buf_free(&before);
            known++;
        }
        base_arena_free(&arena);
    }
    CHECK(known == 21 && refused == 3);
    base_unmap(&map);
    sgf_tokenizer_free(tokenizer);
}
/* What comes before the paraphrases is the prefix, what follows them the cue, in every format. */
static void test_chat_formats_keep_the_shape_of_a_fusion(void) {
    static const char *const wanted[][2] = {
        {"fused", "P0{<B>Q: q A: a\n"
                  "Q: s A: b\n"
                  "\n}p0{Q: one}|0{\n}p1{Q: two}|1{\n}p2{Q: three}>{<E>}"},
        {"myriadlama_custom", "P0{<B>Q: q A: a\n"
                              "Q: s A: b\n"
                              "\n}p0{Q: one}|0{\n}p1{Q: two}|1{\n}p2{Q: three}>{<E>}"},
        {"myriadlama", "P0{<B>}|{\n\n}q0{Q: q}|{\n\n}q0{Q: r}|{\n\n}x0{A: a}|{\n\n}q1{Q: s}|{\n\n}"
                       "q1{Q: t}|{\n\n}x1{A: b}|{\n\n}p0{Q: one}|0{\n\n}p1{Q: two}|1{\n\n}"
                       "p2{Q: three}>{<E>}"},
        {"myriadlama_flex", "p0{<B>Q: q\nA: a\n\nQ: s\nA: b\n\nQ: one<E>}|0{\n\n}"
                            "p1{<B>Q: q\nA: a\n\nQ: s\nA: b\n\nQ: two<E>}|1{\n\n}"
                            "p2{<B>Q: q\nA: a\n\nQ: s\nA: b\n\nQ: three}>{<E>}"},
        {"origin", "P0{<B>Q: q\nA: a\n\nQ: s\nA: b\n\n}p0{Q: one}>{<E>}"}};
    sgf_tokenizer *tokenizer = NULL;
    methods_texts t;
    sgf_layout layout;
    sgf_method method;
    sgf_error err;
    char text[1024];
    size_t i;
    MUST(sgf_tokenizer_load("tests/golden/chat", NULL, &tokenizer, &err), err);
    methods_prompt(&t);
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        MUST(sgf_method_find(wanted[i][0], &method, &err), err);
        t.prompt.instruction = sgf_text(NULL);
        t.prompt.before = "<B>", t.prompt.after = "<E>";
        methods_text(tokenizer, &t.prompt, &method, 0, &layout, text, sizeof text);
        CHECK(!strcmp(text, wanted[i][1]));
        t.prompt.instruction = sgf_text("I");
        methods_text(tokenizer, &t.prompt, &method, 0, &layout, text, sizeof text);
        CHECK(strstr(text, strcmp(wanted[i][0], "myriadlama") ? "{<B>I\n\nQ: q" : "{<B>I}"));
        method.fusion_start = SGF_FUSION_START_AFTER_FIRST;
        methods_text(tokenizer, &t.prompt, &method, 0, &layout, text, sizeof text);
        CHECK(!layout.segment[layout.segments - 1].tokens && strstr(text, "<E>}"));
    }
    sgf_layout_free(&layout);
    sgf_tokenizer_free(tokenizer);
}

/* A model with this template: the bundled one. */
static void chat_model(const char *template_text) {
    program_says(
        "mkdir -p '%s/chatty' && cd models/segfuse-2m && for f in *.json model.safetensors; do "
        "ln -sf \"$PWD/$f\" '%s/chatty/'; done",
        0, "");
    program_file("chatty/chat_template.jinja", template_text);
}
static void test_chat_through_the_program(void) {
    static const char chatml[] =
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] "
        "+ '<|im_end|>' + '\\n'}}{% endfor %}{{ '<|im_start|>assistant\\n' }}";
    char text[4096];
    methods_files();
    methods_run(
        "--chat --output '%s/none'", 1,
        "--chat: segfuse-2m has no chat template, as a base model that was not tuned for chat");
    chat_model("{{ bos_token }}{{ 'USER: ' + messages[0].content + ' ASSISTANT:' }}");
    methods_run(
        "--model '%s/chatty' --chat --output '%s/none'", 1,
        "--chat: chatty: its chat template is of a format that is not known (known: ChatML, ");
    program_says("build/segfuse inspect '%s/chatty'", 0, "chat template   not used by --chat: its");
    chat_model(chatml);
    program_says(
        "build/segfuse inspect '%s/chatty'", 0,
        "chat template   ChatML, which --chat uses; the instruction is the system message\n");
    program_says("build/segfuse inspect", 0, "chat template   none, as of a base model");
    methods_run(
        "--model '%s/chatty' --method origin,fused --num_paraphrases 3 --max_samples 1 --chat "
        "--output '%s/chats'",
        0, "do not end at <|im_end|>");
    methods_configuration("chats/fused-3.feather", text, sizeof text);
    CHECK(strstr(text,
                 "\"chat\": \"ChatML\", \"chat_before\": \"<|im_start|>system\\nBased on the "));
    CHECK(strstr(text, "\"chat_after\": \"<|im_end|>\\n<|im_start|>assistant\\n\"") &&
          strstr(text, "\"chat_next\": \"<|im_end|>\\n<|im_start|>user\\n\"") &&
          strstr(text, "\"bos\": \"none\""));
    program_says(
        "grep -A 5 \"^Q: France\" '%s/chats/origin.csv'", 0,
        "Q: France's capital is [MASK].<|im_end|>\n<|im_start|>assistant\nParis<|im_end|>\n"
        "<|im_start|>user\nQ: Japan's capital is [MASK].<|im_end|>\n<|im_start|>assistant\n");
    /* the result of another prompt is not gone on with */
    methods_run("--model '%s/chatty' --method fused --num_paraphrases 3 --output '%s/chats'", 1,
                "--chat is 'ChatML' there and not set here; --rewrite replaces it, --tag NAME");
    methods_run("--model '%s/chatty' --method fused --num_paraphrases 3 --chat --output '%s/chats'",
                0, "fused");
    /* given as texts, the same format is the same prompt */
    methods_run("--model '%s/chatty' --method origin --tag own --max_samples 1 --output '%s/chats' "
                "--bos none --chat_before \"$(printf '<|im_start|>user\\nx')\" --chat_after ' ['",
                0, "origin");
    methods_configuration("chats/origin.own.feather", text, sizeof text);
    CHECK(strstr(text, "\"chat_before\": \"<|im_start|>user\\nx\", \"chat_after\": \" [\"") &&
          !strstr(text, "\"chat\": "));
    program_says("build/segfuse ask --model '%s/chatty' --chat --explain 'a [MASK]' 'the [MASK]'",
                 0, "<|im_start|>user");
    program_says("mkdir -p '%s/only' && ln -sfn ../chatty '%s/only/chatty' && printf "
                 "'ask\\nchatty\\ny\\nWho?\\n\\nn\\n' | SEGFUSE_MODELS='%s/only' "
                 "build/segfuse interactive",
                 0, "ask --model chatty --chat -- ");
    methods_run("--chat --chat_after x --output '%s/none'", 2, "leave out one or the other");
    methods_run("--method flex_attention --accidents shifted --chat --output '%s/none'", 2,
                "--accidents are of prompts without a chat format");
    program_says("build/segfuse ask --model '%s/chatty' --chat --quiet 'a [MASK]' 'the [MASK]'", 0,
                 "");
    program_says("build/segfuse confidence --quiet --model '%s/chatty' --chat --max_samples 1 "
                 "--num_paraphrases 1 --num_samples 1 --output '%s/chats'",
                 0, "confidence");
    methods_configuration("chats/confidence.feather", text, sizeof text);
    CHECK(strstr(text, "\"chat\": \"ChatML\""));
    program_says("build/segfuse paraphrase --quiet --model '%s/chatty' --chat --max_samples 1 "
                 "--num_paraphrases 1 --output '%s/chats/p.feather'",
                 0, "1 question");
    methods_configuration("chats/p.feather", text, sizeof text);
    CHECK(strstr(text, "\"chat_before\": \"<|im_start|>system\\n"));
    /* older folders: a list of templates in tokenizer_config.json */
    program_says("cd '%s/chatty' && rm -f chat_template.jinja tokenizer_config.json", 0, "");
    program_file(
        "chatty/tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"x\"}, {\"name\": \"default\", "
        "\"template\": \"{{ '<start_of_turn>' + role + 'x<end_of_turn>\\\\n' }}"
        "{{ '<start_of_turn>model\\\\n' }}\"}]}");
    program_says(
        "build/segfuse inspect '%s/chatty'", 0,
        "chat template   Gemma, which --chat uses; the instruction is the beginning of the user's text\n");
    program_file("chatty/tokenizer_config.json", "{\"chat_template\": 7}");
    program_says("build/segfuse inspect '%s/chatty'", 0, "chat template   none");
}

static void tests_methods(void) {
    RUN(test_chat_through_the_program);
    RUN(test_chat_prompts_equal_those_of_transformers);
    RUN(test_chat_formats_keep_the_shape_of_a_fusion);
    RUN(test_each_paraphrase_has_its_bos);
    RUN(test_prompts_number_what_belongs_to_a_paraphrase);
    RUN(test_every_method_can_be_described);
    RUN(test_prompts_of_the_myriadlama_methods);
    RUN(test_every_method_asks_in_equal_lines);
    RUN(test_manual_and_automatic_paraphrases_have_their_roles);
    RUN(test_ask_takes_the_prediction_of_the_method);
    RUN(test_accident_shifted);
    RUN(test_generated_tokens_have_segments);
    RUN(test_accident_swapped);
    RUN(test_every_fusion_equals_transformers);
    RUN(test_files_and_columns_of_every_method);
    RUN(test_formats_through_the_program);
    RUN(test_relations_have_their_own_options);
    RUN(test_accidents_through_the_program);
    RUN(test_decodings_through_the_program);
    RUN(test_weights_are_the_confidences);
    RUN(test_wrong_options_of_methods);
}
