/* Layouts, masks and positions; the drawings are those of the header. */

/* A layout of one-token segments: ^ BOS, P prefix, q r s t the questions and A B the answers of two
   examples, a b c paraphrases (a and b manual, c automatic, if `manual`), | separators, > the
   answer. */
static sgf_layout layout_spelled(const char *spelling, int manual) {
    sgf_layout layout;
    int32_t id = 1, segment = 0, paraphrase = -1;
    const char *c;
    sgf_layout_init(&layout, NULL);
    for (c = spelling; *c; c++) {
        sgf_role role = *c == '^'                ? SGF_ROLE_BOS
                        : *c == 'P'              ? SGF_ROLE_SHARED
                        : *c == '|'              ? SGF_ROLE_SEPARATOR
                        : *c == '>'              ? SGF_ROLE_ANSWER
                        : *c == 'A' || *c == 'B' ? SGF_ROLE_EXAMPLE_A
                        : strchr("qrst", *c)     ? SGF_ROLE_EXAMPLE_Q
                        : !manual                ? SGF_ROLE_PARAPHRASE
                        : *c == 'c'              ? SGF_ROLE_AUTO
                                                 : SGF_ROLE_MANUAL;
        int32_t group = role == SGF_ROLE_EXAMPLE_Q || role == SGF_ROLE_EXAMPLE_A
                            ? strchr("stB", *c) != NULL
                        : strchr("^P>", *c)          ? -1
                        : role == SGF_ROLE_SEPARATOR ? paraphrase
                                                     : ++paraphrase;
        sgf_layout_segment(&layout, role, group, &segment, NULL);
        sgf_layout_add(&layout, segment, &id, 1, NULL);
    }
    return layout;
}
/* One line a query, '#' where it sees a key, cut at the diagonal. */
static int layout_draws(const sgf_layout *layout, const char *expected) {
    uint8_t dense[256];
    char text[256];
    size_t q, k, n = 0, T = layout->tokens;
    sgf_mask_dense(layout, dense);
    for (q = 0; q < T; q++) {
        for (k = 0; k <= q; k++) text[n++] = dense[q * T + k] ? '#' : '.';
        for (; k < T; k++)
            if (dense[q * T + k]) return 0;
        text[n++] = '\n';
    }
    text[n] = 0;
    if (strcmp(text, expected)) printf("    got\n%s    wanted\n%s", text, expected);
    return !strcmp(text, expected);
}
static void test_masks_are_drawn_as_documented(void) {
    static const struct {
        sgf_mask mask;
        const char *spelling, *drawing;
    } drawn[] = {
        {SGF_MASK_CAUSAL, "^Pa|b|c>", "#\n##\n###\n####\n#####\n######\n#######\n########\n"},
        {SGF_MASK_SHARED, "^Pa|b|c>", "#\n##\n###\n####\n##..#\n##..##\n##....#\n########\n"},
        {SGF_MASK_SHARED_ORIGINAL, "^Pa|b|c>",
         "#\n##\n###\n####\n##.##\n######\n##.#.##\n########\n"},
        {SGF_MASK_HUB, "^Pa|b|c>", "#\n##\n###\n####\n#####\n######\n####..#\n########\n"},
        {SGF_MASK_ISOLATED, "^a|b|c>", "#\n##\n...\n#..#\n.....\n#....#\n#######\n"},
        {SGF_MASK_MANUAL_CROSS, "^a|b|c>", "#\n##\n.##\n####\n.....\n#....#\n#######\n"},
        {SGF_MASK_FEW_SHOT, "^P|qrA|stB|a|b>",
         "#\n##\n...\n##.#\n##..#\n##.###\n.......\n##.....#\n##......#\n##.....###\n"
         "...........\n##.###.###.#\n.............\n##.###.###...#\n###############\n"},
        {SGF_MASK_FEW_SHOT_ORIGINAL, "^P|qrA|stB|a|b>",
         "#\n##\n...\n##.#\n##..#\n##.###\n.......\n##.##..#\n##.##...#\n##.###.###\n"
         "...........\n##.###.###.#\n.............\n##.###.###...#\n###############\n"}};
    size_t i;
    CHECK(sizeof drawn / sizeof drawn[0] == SGF_MASK_COUNT);
    for (i = 0; i < sizeof drawn / sizeof drawn[0]; i++) {
        sgf_layout layout = layout_spelled(drawn[i].spelling, 1);
        sgf_mask_set(&layout, drawn[i].mask);
        CHECK(layout_draws(&layout, drawn[i].drawing));
        sgf_layout_free(&layout);
    }
}
/* The masks once more, as rules instead of tables. `cross`: both are from the first manual segment to
   the last. */
static int layout_paraphrase(const sgf_segment *s) {
    return s->role == SGF_ROLE_PARAPHRASE || s->role == SGF_ROLE_MANUAL || s->role == SGF_ROLE_AUTO;
}
static int layout_rule(sgf_mask mask, const sgf_segment *q, const sgf_segment *k, int cross) {
    int original = mask == SGF_MASK_FEW_SHOT_ORIGINAL, group = q->group == k->group;
    int few_shot = mask == SGF_MASK_FEW_SHOT || original;
    int separators = (q->role == SGF_ROLE_SEPARATOR) + (k->role == SGF_ROLE_SEPARATOR);
    int para = layout_paraphrase(q), paras = para + layout_paraphrase(k);
    int q_prefix = !para && (q->role != SGF_ROLE_SEPARATOR || q->group < 0);
    int k_prefix = !layout_paraphrase(k) && (k->role != SGF_ROLE_SEPARATOR || k->group < 0);
    if (mask == SGF_MASK_CAUSAL || q->role == SGF_ROLE_ANSWER) return 1;
    if (k->role == SGF_ROLE_ANSWER) return 0;
    if (mask == SGF_MASK_SHARED_ORIGINAL) return paras < 2 || group;
    if (mask == SGF_MASK_HUB && !q_prefix && k->group == 0) return 1;
    if (mask == SGF_MASK_SHARED || mask == SGF_MASK_HUB)
        return k_prefix || (separators + paras == 2 && group);
    if (mask == SGF_MASK_MANUAL_CROSS && cross) return 1;
    if (separators) return 0;
    if (q == k || k->role == SGF_ROLE_BOS) return 1;
    if (!few_shot) return 0;
    if (k->role == SGF_ROLE_SHARED) return 1;
    if (k->role == SGF_ROLE_EXAMPLE_Q)
        return para || (q->role == SGF_ROLE_EXAMPLE_A && (original || group)) ||
               (q->role == SGF_ROLE_EXAMPLE_Q && original && !group);
    return k->role == SGF_ROLE_EXAMPLE_A &&
           (para || (q->role == SGF_ROLE_EXAMPLE_A && original && !group));
}
static void test_masks_equal_their_rules(void) {
    sgf_layout layout;
    sgf_error err;
    int i, q, k, wrong = 0, mask, S;
    sgf_layout_init(&layout, NULL);
    srand(5);
    for (i = 0; i < 4000; i++) {
        int first = 99, last = -1;
        sgf_layout_clear(&layout);
        S = 1 + rand() % 12;
        for (q = 0; q < S; q++) {
            sgf_role role = (sgf_role)(rand() % SGF_ROLE_COUNT);
            MUST(sgf_layout_segment(&layout, role, rand() % 4 - 1, NULL, &err), err);
            if (role == SGF_ROLE_MANUAL) last = q, first = first < q ? first : q;
        }
        mask = i % SGF_MASK_COUNT;
        sgf_mask_set(&layout, (sgf_mask)mask);
        for (q = 0; q < S; q++)
            for (k = 0; k < S; k++)
                wrong += sgf_visible(&layout, q, k) !=
                         layout_rule((sgf_mask)mask, &layout.segment[q], &layout.segment[k],
                                     q >= first && q <= last && k >= first && k <= last);
        sgf_mask_set(&layout, SGF_MASK_CAUSAL);
        sgf_mask_set(&layout, SGF_MASK_COUNT); /* no mask: changes nothing */
        for (q = 0; q < S; q++) wrong += !sgf_visible(&layout, q, S - 1);
    }
    CHECK(!wrong);
    sgf_layout_free(&layout);
}
/* Separators of few-shot prompts stand between examples, too; those follow no paraphrase. */
static void test_separators_of_examples(void) {
    sgf_layout layout = layout_spelled("P|qA|sB|a|b>", 0);
    sgf_mask_set(&layout, SGF_MASK_FEW_SHOT);
    CHECK(layout_draws(&layout, "#\n..\n#.#\n#.##\n.....\n#....#\n#....##\n........\n"
                                "#.##.##.#\n..........\n#.##.##...#\n############\n"));
    sgf_mask_set(&layout, SGF_MASK_SHARED);
    CHECK(layout_draws(&layout, "#\n##\n###\n####\n#####\n######\n#######\n########\n#########\n"
                                "##########\n########..#\n############\n"));
    sgf_layout_free(&layout);
}
/* Answers see all that came before; what comes behind one sees it by the causal mask alone. */
static void test_answers_see_and_are_not_seen(void) {
    sgf_layout layout = layout_spelled("Pqa>|Ab", 1);
    int mask, q;
    for (mask = 0; mask < SGF_MASK_COUNT; mask++) {
        sgf_mask_set(&layout, (sgf_mask)mask);
        for (q = 0; q < (int)layout.segments; q++) {
            CHECK(sgf_visible(&layout, 3, q));
            if (q != 3) CHECK(sgf_visible(&layout, q, 3) == (mask == SGF_MASK_CAUSAL));
        }
    }
    sgf_layout_free(&layout);
}
static void test_a_lone_bos_is_seen_by_all(void) {
    sgf_layout layout;
    int32_t id = 1, i, segment = 0;
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < 3; i++) {
        sgf_layout_segment(&layout, i ? SGF_ROLE_PARAPHRASE : SGF_ROLE_BOS, i - 1, &segment, NULL);
        sgf_layout_add(&layout, segment, &id, 1, NULL);
    }
    sgf_mask_set(&layout, SGF_MASK_ISOLATED);
    CHECK(layout_draws(&layout, "#\n##\n#.#\n"));
    sgf_layout_free(&layout);
}

static int layout_positions(const sgf_layout *layout, const char *expected) {
    char text[256];
    size_t i, n = 0;
    for (i = 0; i < layout->tokens; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d ", (int)layout->pos[i]);
    snprintf(text + n, sizeof text - n, "| %d", (int)layout->answer_pos);
    if (strcmp(text, expected)) printf("    got %s, wanted %s\n", text, expected);
    return !strcmp(text, expected);
}
static void test_positions(void) {
    static const int32_t ids[4] = {1, 2, 3, 4};
    static const size_t lengths[3] = {2, 4, 1};
    sgf_layout layout;
    int32_t segment, i;
    sgf_layout_init(&layout, NULL);
    sgf_layout_place(&layout, SGF_POSITIONS_ALIGNED);
    CHECK(layout.answer_pos == 0);
    sgf_layout_segment(&layout, SGF_ROLE_SHARED, 0, &segment, NULL);
    sgf_layout_add(&layout, segment, ids, 1, NULL);
    sgf_layout_place(&layout, SGF_POSITIONS_ALIGNED);
    CHECK(layout.answer_pos == 1);
    sgf_layout_add(&layout, segment, ids + 1, 2, NULL);
    for (i = 0; i < 3; i++) {
        sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, i, &segment, NULL);
        sgf_layout_add(&layout, segment, ids, lengths[i], NULL);
    }
    sgf_layout_segment(&layout, SGF_ROLE_ANSWER, -1, &segment, NULL);
    sgf_layout_place(&layout, SGF_POSITIONS_ALIGNED);
    CHECK(layout_positions(&layout, "0 1 2 3 4 3 4 5 6 3 | 7"));
    sgf_layout_add(&layout, segment, ids, 2, NULL);
    sgf_layout_place(&layout, SGF_POSITIONS_ALIGNED);
    CHECK(layout_positions(&layout, "0 1 2 3 4 3 4 5 6 3 7 8 | 9"));
    sgf_layout_place(&layout, SGF_POSITIONS_SEQUENTIAL);
    CHECK(layout_positions(&layout, "0 1 2 3 4 5 6 7 8 9 10 11 | 12"));
    sgf_layout_clear(&layout);
    CHECK(layout_positions(&layout, "| 0"));
    sgf_layout_free(&layout);
}
/* Examples, and the separators behind them, are prefix: encoded once, in order, whatever stands
   behind. */
static void test_examples_are_prefix(void) {
    sgf_layout layout = layout_spelled("Pq|A|a|b>", 0);
    sgf_layout_place(&layout, SGF_POSITIONS_ALIGNED);
    CHECK(layout_positions(&layout, "0 1 2 3 4 5 6 5 7 | 8"));
    CHECK(sgf__prefix_length(&layout) == 5);
    sgf_layout_free(&layout);
}
static void test_mass_is_a_logarithm(void) {
    static const double weights[3] = {0.5, 0.25, 1}, bad[3] = {1, 0, 1};
    sgf_layout layout = layout_spelled("Pabc>", 0);
    sgf_error err;
    MUST(sgf_layout_weigh(&layout, NULL, 0, &err), err);
    CHECK(layout.segment[0].log_weight == 0 && layout.segment[4].log_weight == 0);
    CHECK(layout.segment[1].log_weight == -1.09861228866810969f);
    MUST(sgf_layout_weigh(&layout, weights, 3, &err), err);
    CHECK(layout.segment[1].log_weight == -0.69314718f &&
          layout.segment[2].log_weight == -1.38629436f && layout.segment[3].log_weight == 0);
    CHECK(sgf_layout_weigh(&layout, bad, 3, &err) == SGF_ERR_ARG &&
          layout.segment[2].log_weight == -1.38629436f);
    CHECK(sgf_layout_weigh(&layout, weights, 2, &err) == SGF_ERR_ARG);
    sgf_layout_free(&layout);
}
static void test_mass_without_paraphrases_changes_nothing(void) {
    static const double weights[1] = {0.5};
    sgf_layout layout;
    sgf_error err;
    sgf_layout_init(&layout, NULL);
    MUST(sgf_layout_segment(&layout, SGF_ROLE_SEPARATOR, 0, NULL, &err), err);
    MUST(sgf_layout_segment(&layout, SGF_ROLE_ANSWER, -1, NULL, &err), err);
    MUST(sgf_layout_weigh(&layout, NULL, 0, &err), err);
    CHECK(layout.segment[0].log_weight == 0);
    MUST(sgf_layout_weigh(&layout, weights, 1, &err), err);
    CHECK(layout.segment[0].log_weight == 0);
    sgf_layout_free(&layout);
}
static void test_names_are_listed_when_unknown(void) {
    sgf_mask mask;
    sgf_method method;
    sgf_error err;
    CHECK(sgf_mask_find("shared", &mask, &err) == SGF_OK && mask == SGF_MASK_SHARED);
    CHECK(sgf_mask_find("sharde", &mask, &err) == SGF_ERR_ARG &&
          strstr(err.message, "causal, isolated, manual-cross, few-shot, few-shot-original, "
                              "shared, shared-original, hub"));
    CHECK(sgf_method_find("median", &method, &err) == SGF_ERR_ARG &&
          strstr(err.message, "flex_attention"));
    CHECK(sgf_method_find("fused", &method, &err) == SGF_OK && method.even_weights &&
          method.positions == SGF_POSITIONS_ALIGNED);
}
static void test_segments_have_a_limit(void) {
    sgf_layout layout;
    sgf_error err;
    int32_t id = 5;
    size_t i;
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < SGF_MAX_SEGMENTS; i++)
        CHECK(!sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, 0, NULL, &err));
    CHECK(sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, 0, NULL, &err) == SGF_ERR_LIMIT);
    CHECK(sgf_layout_add(&layout, SGF_MAX_SEGMENTS, &id, 1, &err) == SGF_ERR_ARG &&
          layout.tokens == 0);
    sgf_layout_free(&layout);
}

static void layout_file(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    if (file) fputs(text, file), fclose(file);
}
static void test_layout_files(void) {
    static const char *const bad[][2] = {
        {"{\"tokens\": [1], \"visible\": [[1]]}", "segments"},
        {"{\"tokens\": [1], \"segments\": [1], \"visible\": [[1]]}", "segments"},
        {"{\"tokens\": [1, 2], \"segments\": [0], \"visible\": [[1]]}", "length"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1, 0]]}", "square"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[2]]}", "0 and 1"},
        {"{\"tokens\": [1.5], \"segments\": [0], \"visible\": [[1]]}", "whole number"},
        {"{\"tokens\": [-1], \"segments\": [0], \"visible\": [[1]]}", "whole number"},
        {"{\"tokens\": [], \"segments\": [], \"visible\": []}", "empty"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"answer\": 3}", "answer"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"mass\": [\"x\"]}", "log_mass"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"mass\": [1e999]}", "finite"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"roles\": [\"paraphrase\"]}",
         "roles"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"roles\": [7]}", "roles"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"groups\": [0.5]}", "groups"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"groups\": [2147483647]}",
         "groups"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"fusion\": \"mean\"}",
         "mixture"},
        {"{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]], \"fusion\": true}", "mixture"},
        {"{\"tokens\": \"\\u0041\", \"segments\": [0], \"visible\": [[1]]}", "tokens"},
        {"[1", "not JSON"}};
    sgf_layout a = layout_spelled("Pa|b|c>", 0), b;
    char path[1400];
    sgf_error err;
    size_t i;
    snprintf(path, sizeof path, "%s", temp_path("layout.json"));
    sgf_layout_init(&b, NULL);
    sgf_layout_place(&a, SGF_POSITIONS_ALIGNED);
    sgf_mask_set(&a, SGF_MASK_SHARED);
    MUST(sgf_layout_weigh(&a, NULL, 0, &err), err);
    a.mixture = 1;
    MUST(layoutfile_write(&a, path, &err), err);
    MUST(layoutfile_read(path, &b, &err), err);
    CHECK(b.mixture && a.tokens == b.tokens && a.segments == b.segments && a.answer == b.answer &&
          a.answer_pos == b.answer_pos);
    CHECK(!memcmp(a.pos, b.pos, a.tokens * sizeof(int32_t)) &&
          !memcmp(a.seg, b.seg, a.tokens * sizeof(int32_t)));
    CHECK(layout_draws(&b, "#\n##\n###\n#..#\n#..##\n#....#\n#######\n"));
    for (i = 0; i < a.segments; i++)
        CHECK(a.segment[i].role == b.segment[i].role &&
              a.segment[i].log_weight == b.segment[i].log_weight &&
              a.segment[i].group == b.segment[i].group &&
              a.segment[i].tokens == b.segment[i].tokens);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        layout_file(path, bad[i][0]);
        CHECK(layoutfile_read(path, &b, &err) == SGF_ERR_FORMAT);
        CHECK(strstr(err.message, bad[i][1]) && strstr(err.message, "layout.json"));
        CHECK(b.tokens == a.tokens); /* untouched */
    }
    CHECK(layoutfile_read(temp_path("none.json"), &b, &err) == SGF_ERR_IO);
    sgf_layout_free(&a);
    sgf_layout_free(&b);
}
static void test_npy_files(void) {
    static const float values[6] = {0, 1, -2, 0.5f, 4, 1e9f};
    size_t shape[2] = {2, 3};
    char path[1400], bytes[256];
    sgf_error err;
    FILE *file;
    size_t n;
    snprintf(path, sizeof path, "%s", temp_path("a.npy"));
    MUST(npy_write(path, "<f4", shape, 2, values, &err), err);
    file = fopen(path, "rb");
    n = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) fclose(file);
    CHECK(
        n == 128 + 24 &&
        !memcmp(
            bytes,
            "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,), }",
            70));
    CHECK(bytes[127] == '\n' && !memcmp(bytes + 128 + 4, "\x00\x00\x80\x3f", 4));
    CHECK(npy_write(path, "<f16", shape, 2, values, &err) == SGF_ERR_ARG);
    shape[0] = SIZE_MAX / 4;
    CHECK(npy_write(path, "<f4", shape, 2, values, &err) == SGF_ERR_LIMIT);
    shape[0] = 2;
    CHECK(npy_write("/dev/full", "<f4", shape, 2, values, &err) == SGF_ERR_IO);
    CHECK(npy_write("/nonexistent/a.npy", "<f4", shape, 2, values, &err) == SGF_ERR_IO);
}

/* Every value of an enumeration has a text of its own, and a value that there is not is survived. */
static void test_everything_has_a_name(void) {
    int i, k;
    CHECK(!strcmp(sgf_version(), SGF_VERSION));
    for (i = 0; i < SGF_STATUS_COUNT; i++)
        for (k = 0; k < i; k++)
            CHECK(strcmp(sgf_status_text((sgf_status)i), sgf_status_text((sgf_status)k)) != 0);
    for (i = 0; i < SGF_ROLE_COUNT; i++)
        for (k = 0; k < i; k++)
            CHECK(strcmp(sgf_role_name((sgf_role)i), sgf_role_name((sgf_role)k)) != 0);
    for (i = 0; i < SGF_MASK_COUNT; i++) {
        sgf_mask mask;
        CHECK(!sgf_mask_find(sgf_mask_name((sgf_mask)i), &mask, NULL) && mask == (sgf_mask)i);
    }
    for (i = 0; accident_name((size_t)i); i++)
        for (k = 0; k < i; k++)
            CHECK(strcmp(accident_name((size_t)i), accident_name((size_t)k)) != 0);
    CHECK(i == ACCIDENTS && !accident_name((size_t)-1));
    CHECK(!strcmp(sgf_status_text((sgf_status)99), "unknown status") &&
          !strcmp(sgf_status_text((sgf_status)-1), "unknown status"));
    CHECK(!strcmp(sgf_role_name((sgf_role)99), "unknown") &&
          !strcmp(sgf_mask_name((sgf_mask)99), "unknown"));
}
static void test_layouts_that_are_not_written(void) {
    sgf_layout l;
    sgf_error err;
    sgf_layout_init(&l, NULL);
    CHECK(sgf_layout_segment(&l, SGF_ROLE_SHARED, 0, NULL, NULL) == SGF_OK);
    CHECK(layoutfile_write(&l, temp_path("none/l.json"), &err) == SGF_ERR_IO);
    CHECK(strstr(err.message, "none/l.json"));
    sgf_layout_free(&l);
}
/* What each mask promises about two questions, or a question and its answer, of examples. */
static void test_masks_allow_what_they_promise(void) {
    sgf_segment q0, q1, a0, other, para, same;
    int m;
    memset(&q0, 0, sizeof q0);
    q0.role = SGF_ROLE_EXAMPLE_Q;
    q1 = a0 = other = para = same = q0;
    a0.role = SGF_ROLE_EXAMPLE_A;
    other.group = 1;
    para.role = same.role = SGF_ROLE_PARAPHRASE;
    for (m = 0; m < SGF_MASK_COUNT; m++) {
        sgf_mask mask = (sgf_mask)m;
        CHECK(sgf_mask_allows(mask, &q0, &q0) == 1 && sgf_mask_allows(mask, &q0, &a0) == 1);
        CHECK(sgf_mask_allows(mask, &q0, &q1) ==
              (mask != SGF_MASK_FEW_SHOT && mask != SGF_MASK_FEW_SHOT_ORIGINAL));
        CHECK(sgf_mask_allows(mask, &q0, &other) == (mask != SGF_MASK_FEW_SHOT));
        CHECK(sgf_mask_allows(mask, &para, &same) == 1 && sgf_mask_allows(mask, &q0, &para) == 1);
        para.group = -1, same.group = -1; /* in no group: alone */
        CHECK(sgf_mask_allows(mask, &para, &same) == (mask == SGF_MASK_CAUSAL));
        para.group = same.group = 0;
    }
}
static void test_tokens_need_their_segment(void) {
    sgf_layout l;
    sgf_error err;
    int32_t ids[2] = {5, 6};
    sgf_layout_init(&l, NULL);
    CHECK(sgf_layout_add(&l, 0, ids, 2, &err) == SGF_ERR_ARG && strstr(err.message, "segment 0"));
    CHECK(sgf_layout_segment(&l, SGF_ROLE_SHARED, 0, NULL, NULL) == SGF_OK);
    CHECK(sgf_layout_add(&l, -1, ids, 2, &err) == SGF_ERR_ARG && strstr(err.message, "segment -1"));
    CHECK(sgf_layout_add(&l, 1, ids, 2, &err) == SGF_ERR_ARG && strstr(err.message, "segment 1"));
    CHECK(sgf_layout_add(&l, 0, ids, (size_t)INT32_MAX + 1, &err) == SGF_ERR_LIMIT &&
          l.tokens == 0);
    CHECK(sgf_layout_add(&l, 0, ids, 2, &err) == SGF_OK && l.tokens == 2 && l.token[1] == 6);
    sgf_layout_free(&l);
}

static void test_bits_need_their_segments(void) {
    static const int32_t none[] = {-1, 2, SGF_MAX_SEGMENTS, INT32_MIN, INT32_MAX};
    sgf_layout l;
    size_t i;
    sgf_layout_init(&l, NULL);
    sgf_visible_set(&l, 0, 0, 1);
    CHECK(!sgf_visible(&l, 0, 0));
    CHECK(sgf_layout_segment(&l, SGF_ROLE_SHARED, 0, NULL, NULL) == SGF_OK);
    CHECK(sgf_layout_segment(&l, SGF_ROLE_ANSWER, -1, NULL, NULL) == SGF_OK);
    for (i = 0; i < sizeof none / sizeof none[0]; i++) {
        sgf_visible_set(&l, 0, none[i], 1);
        sgf_visible_set(&l, none[i], 1, 1);
        CHECK(!sgf_visible(&l, 0, none[i]) && !sgf_visible(&l, none[i], 1));
    }
    for (i = 0; i < 4; i++) CHECK(!sgf_visible(&l, (int32_t)i / 2, (int32_t)i % 2));
    sgf_visible_set(&l, 1, 0, 1);
    CHECK(sgf_visible(&l, 1, 0) && !sgf_visible(&l, 0, 1));
    sgf_layout_free(&l);
}

static void tests_layout(void) {
    RUN(test_bits_need_their_segments);
    RUN(test_masks_are_drawn_as_documented);
    RUN(test_masks_equal_their_rules);
    RUN(test_separators_of_examples);
    RUN(test_answers_see_and_are_not_seen);
    RUN(test_a_lone_bos_is_seen_by_all);
    RUN(test_positions);
    RUN(test_examples_are_prefix);
    RUN(test_mass_is_a_logarithm);
    RUN(test_mass_without_paraphrases_changes_nothing);
    RUN(test_names_are_listed_when_unknown);
    RUN(test_segments_have_a_limit);
    RUN(test_everything_has_a_name);
    RUN(test_masks_allow_what_they_promise);
    RUN(test_tokens_need_their_segment);
    RUN(test_layouts_that_are_not_written);
    RUN(test_layout_files);
    RUN(test_npy_files);
}
