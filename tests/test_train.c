/* The trainer: its gradient against finite differences, its tokenizer, its determinism. */
#include <dirent.h>

#include "../examples/train/train.h"
#include "../examples/train/bpe.c"
#include "../examples/train/facts.c"
#include "../examples/train/kernels.c"
#include "../examples/train/net.c"
#include "../examples/train/backward.c"
#include "../examples/train/adamw.c"
#include "../examples/train/prompt.c"
#include "../examples/train/save.c"

static const tr_config train_tiny = {32, 2, 4, 2, 8, 64, 64, 128, 1e-5, 10000};

/* T tokens in one causal segment, every third prediction in the loss. */
static void train_plain(tr_sequence *s, size_t T, uint64_t seed) {
    py_random random;
    size_t t;
    py_random_seed(&random, (int64_t)seed);
    memset(s, 0, sizeof *s);
    s->tokens = T;
    s->visible[0][0] = 1;
    for (t = 0; t < T; t++) {
        s->token[t] = (int)py_random_below(&random, 64);
        s->target[t] = (int)py_random_below(&random, 64);
        s->weight[t] = t % 3 == 2 ? 1.0f : 0.0f;
        s->pos[t] = (int)t;
    }
}
/* A prefix, two paraphrases with aligned positions and a mass, a separator that sees nothing, an answer. */
static void train_fused(tr_sequence *s, size_t T, uint64_t seed) {
    static const unsigned char visible[5][5] = {
        {1, 0, 0, 0, 0}, {1, 1, 0, 0, 0}, {1, 0, 1, 0, 0}, {0, 0, 0, 0, 0}, {1, 1, 1, 1, 1}};
    size_t t, a, b;
    train_plain(s, T, seed);
    for (t = 0; t < T; t++) {
        s->seg[t] = t < T / 4 ? 0 : t < T / 2 ? 1 : t < T / 2 + 2 ? 3 : t < 3 * T / 4 ? 2 : 4;
        s->pos[t] = (int)(t < T / 2 + 2 ? t : t < 3 * T / 4 ? t - T / 4 - 2 : t - T / 4);
    }
    for (a = 0; a < 5; a++)
        for (b = 0; b < 5; b++) s->visible[a][b] = visible[a][b];
    s->answer = 4;
    s->log_weight[1] = s->log_weight[2] = -0.6931472f;
    s->weight[T / 2] = 1; /* the row that sees nothing predicts something too */
}

/* Loss at the present weights. The logits are turned into a gradient by the backward pass, so it runs as well. */
static double train_loss(tr_net *net, const tr_sequence *const *batch, size_t n) {
    tr_batch_set(net, batch, n);
    tr_forward(net);
    return tr_backward(net);
}
/* The slope of the loss along `direction`, which is not 0 in [from, from + n) only. */
static double train_slope(tr_net *net, const tr_sequence *const *batch, size_t sequences,
                          size_t from, size_t n, const float *direction, double step) {
    double loss[2];
    int side;
    size_t i;
    float *w = net->param.flat + from, *kept = (float *)tr_alloc(n, sizeof(float));
    memcpy(kept, w, n * sizeof(float));
    for (side = 0; side < 2; side++) {
        for (i = 0; i < n; i++)
            w[i] = (float)((double)kept[i] + (side ? -step : step) * (double)direction[i]);
        loss[side] = train_loss(net, batch, sequences);
    }
    memcpy(w, kept, n * sizeof(float));
    free(kept);
    return (loss[0] - loss[1]) / (2 * step);
}
/* The network computes in float, so a loss near 4 is known to about 1e-6; with a step of 1e-2 along a unit
   vector the slope is known to about 1e-4, and the third derivative adds about as much. A wrong term in a
   backward pass is off by tens of percent, so 1% of the gradient's length plus 5e-4 tells them apart. */
static void train_check_gradient(const tr_sequence *const *batch, size_t sequences) {
    tr_net net;
    size_t many = 2 + 6 * train_tiny.L, k, i, from, n, try;
    float *grad, *direction;
    py_random random;
    tr_net_create(&train_tiny, 1, &net);
    tr_net_init(&net, 3);
    py_random_seed(&random, 5);
    for (i = 0; i < net.param.count; i++) /* away from the all-ones norms and the tiny embedding */
        net.param.flat[i] += (float)(py_random_double(&random) - 0.5) * 0.2f;
    grad = (float *)tr_alloc(net.param.count, sizeof(float));
    direction = (float *)tr_alloc(net.param.count, sizeof(float));
    train_loss(&net, batch, sequences);
    memcpy(grad, net.grad.flat, net.param.count * sizeof(float));
    for (k = 0; k < many; k++) {
        const tr_layer *l = &net.param.layer[k / 6 < train_tiny.L ? k / 6 : 0];
        const float *begin[6], *at = k == many - 1 ? net.param.norm : net.param.embedding;
        begin[0] = l->norm1, begin[1] = l->qkv, begin[2] = l->o, begin[3] = l->norm2,
        begin[4] = l->gu, begin[5] = l->down;
        if (k < many - 2) at = begin[k % 6];
        from = (size_t)(at - net.param.flat);
        n = at == net.param.embedding                   ? 64 * 32
            : k % 6 == 0 || k % 6 == 3 || k == many - 1 ? 32
                                                        : 32 * 32;
        for (try = 0; try < 4;
             try++) { /* along the gradient itself, then along random directions */
            double length = 0, expected = 0, got, whole = 0;
            for (i = 0; i < n; i++) {
                direction[i] = try ? (float)(py_random_double(&random) - 0.5) : grad[from + i];
                length += (double)direction[i] * (double)direction[i];
                whole += (double)grad[from + i] * (double)grad[from + i];
            }
            for (i = 0; i < n; i++) {
                direction[i] = (float)((double)direction[i] / sqrt(length));
                expected += (double)direction[i] * (double)grad[from + i];
            }
            got = train_slope(&net, batch, sequences, from, n, direction, 1e-2);
            CHECK(whole > 0);
            CHECK(fabs(got - expected) <= 0.01 * sqrt(whole) + 5e-4);
            if (fabs(got - expected) > 0.01 * sqrt(whole) + 5e-4)
                printf("    tensor %d, try %d: gradient %g, finite difference %g\n", (int)k,
                       (int)try, expected, got);
        }
    }
    free(grad);
    free(direction);
    tr_net_free(&net);
}

static tr_sequence train_sequence[3];
static const tr_sequence *const train_batch[3] = {&train_sequence[0], &train_sequence[1],
                                                  &train_sequence[2]};

static void test_train_gradient_is_right_for_plain_prompts(void) {
    train_plain(&train_sequence[0], 45, 1); /* not a multiple of a panel */
    train_plain(&train_sequence[1], 20, 2);
    train_check_gradient(train_batch, 2);
}
static void test_train_gradient_is_right_for_fused_layouts(void) {
    train_fused(&train_sequence[0], 48, 3);
    train_fused(&train_sequence[1], 72, 4);
    train_check_gradient(train_batch, 2);
}
/* The forward pass without the loss: a row that sees nothing has a zero attention output. */
static void test_train_blind_rows_attend_to_nothing(void) {
    tr_net net;
    size_t c;
    train_fused(&train_sequence[0], 48, 3);
    tr_net_create(&train_tiny, 1, &net);
    tr_net_init(&net, 3);
    tr_batch_set(&net, train_batch, 1);
    tr_forward(&net);
    for (c = 0; c < 32; c++) {
        CHECK(tr_panel(net.state.attn, &net, 0, 32, 0)[c * 32 + 24] ==
              0); /* token 24 is the separator */
        CHECK(tr_panel(net.state.attn, &net, 0, 32, 0)[c * 32 + 23] != 0);
    }
    tr_net_free(&net);
}

/* Three steps of training; a digest of all weights. */
static void train_steps(int threads, int simd, char digest[33]) {
    tr_net net;
    tr_adamw adam;
    int step;
    sgf_str bytes;
    tr_net_create(&train_tiny, threads, &net);
    if (net.simd > simd) net.simd = simd;
    tr_net_init(&net, 7);
    tr_adamw_create(&net, &adam);
    for (step = 0; step < 3; step++) {
        train_plain(&train_sequence[0], 45, 10);
        train_fused(&train_sequence[1], 60, 11);
        train_fused(&train_sequence[2], 33, 12);
        CHECK(train_loss(&net, train_batch, 3) > 0);
        tr_adamw_step(&adam, tr_rate(1e-2, (size_t)step, 2, 3));
    }
    bytes.ptr = (const char *)net.param.flat;
    bytes.len = net.param.count * sizeof(float);
    hash_md5_hex(bytes, digest);
    tr_adamw_free(&adam);
    tr_net_free(&net);
}
/* Nor on the processor and the compiler. */
static void test_train_weights_do_not_depend_on_threads(void) {
    char digest[33];
    int threads, simd;
    for (threads = 1; threads <= 3; threads++) {
        train_steps(threads, TR_AVX512, digest);
        CHECK(!strcmp(digest, "36b34db9fe9812dce5e67514ba428b1f"));
    }
    for (simd = TR_PORTABLE; simd <= TR_AVX2; simd++) {
        train_steps(2, simd, digest);
        CHECK(!strcmp(digest, "36b34db9fe9812dce5e67514ba428b1f"));
    }
}
static void test_train_loss_falls(void) {
    tr_net net;
    tr_adamw adam;
    double first = 0, last = 0;
    int step;
    train_plain(&train_sequence[0], 45, 1);
    train_fused(&train_sequence[1], 48, 2);
    tr_net_create(&train_tiny, 1, &net);
    tr_net_init(&net, 1);
    tr_adamw_create(&net, &adam);
    for (step = 0; step < 60; step++) {
        last = train_loss(&net, train_batch, 2);
        if (!step) first = last;
        tr_adamw_step(&adam, 1e-2);
    }
    CHECK(first > 3.5 && first < 5);
    CHECK(last < 0.2);
    tr_adamw_free(&adam);
    tr_net_free(&net);
}

/* ---- the files, and what the library makes of them ---- */

static const char *const train_texts[] = {
    "The capital of France is [MASK].", "[MASK] is the capital city of France.",
    "Na\xC3\xAFve caf\xC3\xA9s in 1984:\n\nit's \xE6\x9D\xB1\xE4\xBA\xAC!  ", " Paris\n",
    " Paris\n\n"};
enum { TRAIN_TEXTS = 5, TRAIN_V = 288 };

/* A tiny model in the folder of the temporary files. */
static void train_folder(char dir[512], tr_net *net) {
    static const tr_config config = {32, 2, 4, 2, 8, 64, TRAIN_V, 256, 1e-5, 10000};
    tr_bpe bpe;
    size_t i;
    snprintf(dir, 512, "%s", temp_path("x"));
    dir[strlen(dir) - 2] = 0;
    tr_bpe_create(&bpe);
    for (i = 0; i < TRAIN_TEXTS; i++) tr_bpe_count(&bpe, train_texts[i], i < 3 ? 3 : 50);
    tr_bpe_train(&bpe, TRAIN_V);
    CHECK(bpe.merges == TRAIN_V - 256 - TR_SPECIAL);
    tr_bpe_write(&bpe, dir);
    tr_bpe_free(&bpe);
    tr_net_create(&config, 2, net);
    tr_net_init(net, 5);
    for (i = 0; i < net->param.count; i++) net->param.flat[i] *= 1.5f;
    tr_weights_round(&net->param);
    tr_weights_write(&config, &net->param, dir);
    tr_config_write(&config, dir);
}
static void test_train_tokenizer_gives_texts_back(void) {
    char dir[512], text[256];
    tr_net net;
    sgf_tokenizer_info info;
    sgf_tokenizer *tokenizer;
    sgf_error error;
    size_t i, n, len, bytes = 0;
    int32_t ids[128], byte[256];
    train_folder(dir, &net);
    tr_net_free(&net);
    MUST(sgf_tokenizer_load(dir, NULL, &tokenizer, &error), error);
    sgf_tokenizer_describe(tokenizer, &info);
    CHECK(info.size == TRAIN_V && info.eos == TRAIN_V - 2 && info.bos == -1);
    for (i = 0; i < TRAIN_TEXTS; i++) {
        CHECK(sgf_encode(tokenizer, sgf_text(train_texts[i]), 1, ids, 128, &n, &error) == SGF_OK);
        CHECK(n < strlen(train_texts[i])); /* something was merged */
        CHECK(sgf_decode(tokenizer, ids, n, 0, text, sizeof text, &len, &error) == SGF_OK);
        CHECK(len == strlen(train_texts[i]) && !memcmp(text, train_texts[i], len));
    }
    for (i = 0; i < 256; i++) byte[i] = (int32_t)i; /* token i is byte i */
    for (i = 0; i < 256; i++)
        bytes += sgf_token_text(tokenizer, byte[i]).len == 1 &&
                 (unsigned char)sgf_token_text(tokenizer, byte[i]).ptr[0] == i;
    CHECK(bytes == 256);
    sgf_tokenizer_free(tokenizer);
}
/* What is trained is what will run: for a plain, a fused and a concatenated prompt, the logits of the trainer's
   network at the answer are those of the library on the same folder, up to rounding (the residual is added at
   another place). The loss stands where the answers are. */
static void test_train_network_is_the_librarys(void) {
    static const char *const methods[] = {"per_prompt", "fused", "flex_attention"};
    char dir[512];
    tr_net net;
    sgf_model *model;
    sgf_session *session;
    sgf_error error;
    sgf_layout layout;
    sgf_example example[2];
    sgf_str paraphrase[2];
    sgf_prompt prompt;
    sgf_method method;
    const tr_sequence *batch[1];
    float *logits = (float *)tr_alloc(256 * TRAIN_V, sizeof(float));
    size_t m, v, k;
    train_folder(dir, &net);
    MUST(sgf_model_load(dir, NULL, &model, &error), error);
    MUST(sgf_session_create(model, NULL, &session, &error), error);
    example[0].question = sgf_text(train_texts[0]), example[0].answer = sgf_text("Paris");
    example[1].question = sgf_text(train_texts[1]), example[1].answer = sgf_text("Paris");
    paraphrase[0] = sgf_text(train_texts[1]), paraphrase[1] = sgf_text("Where?");
    memset(&prompt, 0, sizeof prompt);
    prompt.instruction = sgf_text("Say it.");
    prompt.example = example, prompt.examples = 2;
    prompt.paraphrase = paraphrase, prompt.paraphrases = 2;
    sgf_layout_init(&layout, NULL);
    for (m = 0; m < 3; m++) {
        tr_sequence *s = &train_sequence[0];
        size_t losses = 0, last;
        double worst = 0;
        MUST(sgf_method_find(methods[m], &method, &error), error);
        tr_sequence_build(model->tokenizer, &prompt, &method, 0, sgf_text("Paris"), 1, 1, &layout,
                          s);
        last = layout.tokens - 1; /* predicts the answer's first token */
        CHECK(last == s->first_answer && s->weight[last] > 0);
        for (k = 0; k < s->tokens; k++) losses += s->weight[k] > 0;
        CHECK(losses == (m == 2 ? 5u : 3u) * 2); /* " Paris" and a newline, for each answer */
        MUST(sgf_forward_layout(session, &layout, logits, NULL, NULL, &error), error);
        batch[0] = s;
        tr_batch_set(&net, batch, 1);
        tr_forward(&net);
        for (k = 0; k < net.losses && net.loss_at[k] != last; k++) {}
        CHECK(k < net.losses);
        for (v = 0; v < TRAIN_V; v++) {
            double off = fabs((double)net.logits[(k / 32 * TRAIN_V + v) * 32 + k % 32] -
                              (double)logits[last * TRAIN_V + v]);
            worst = off > worst ? off : worst;
        }
        CHECK(worst < 1e-4);
    }
    free(logits);
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
    tr_net_free(&net);
}

static void test_train_checkpoint_and_log_are_files(void) {
    char path[512], dir[512];
    tr_net net;
    tr_log log;
    base_map map;
    sgf_error error;
    int i;
    train_folder(dir, &net);
    snprintf(path, sizeof path, "%s", temp_path("checkpoint"));
    memset(&log, 0, sizeof log);
    for (i = 0; i < 300; i++) tr_log_add(&log, i + 1, i < 200 ? 1 : 2, 1e-3, i ? 5.0 / i : 9);
    CHECK(!tr_checkpoint_read(temp_path("no checkpoint"), &net.param, &log));
    tr_checkpoint_write(path, &net.param, &log);
    free(log.point);
    memset(&log, 0, sizeof log);
    memcpy(net.grad.flat, net.param.flat, net.param.count * sizeof(float));
    memset(net.param.flat, 0, net.param.count * sizeof(float));
    CHECK(tr_checkpoint_read(path, &net.param, &log));
    CHECK(log.points == 300 && log.point[299].step == 300);
    CHECK(!memcmp(net.grad.flat, net.param.flat, net.param.count * sizeof(float)));
    tr_net_free(&net);
    tr_log_write(&log, dir);
    tr_picture_write(&log, dir);
    free(log.point);
    MUST(base_map_file(temp_path("loss.tsv"), NULL, &map, &error), error);
    CHECK(map.size > 300 * 20 &&
          !memcmp(map.data, "step\tstage\tlearning_rate\tloss\n1\t1\t0.001000\t9.000000\n", 52));
    base_unmap(&map);
    MUST(base_map_file(temp_path("loss.svg"), NULL, &map, &error), error);
    CHECK(map.size > 2000 && !memcmp(map.data, "<svg ", 5) &&
          !memcmp(map.data + map.size - 7, "</svg>\n", 7));
    base_unmap(&map);
}

/* ---- facts and questions ---- */

static void train_facts(tr_facts *facts) {
    static const char *const subjects[] = {"Paris ; Lutetia | France",
                                           "Pari | Utopia",
                                           "Rome | Italy ; Italia",
                                           "Oslo | Norway",
                                           "Bern | Switzerland",
                                           "Lima | Peru",
                                           "Vienna | Austria",
                                           "Doha | Qatar",
                                           "Accra | Ghana"};
    char text[4096], path[512];
    size_t n = 0, i;
    for (i = 0; i < TR_TEMPLATES; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s: %d says [X] lies in [MASK].\n",
                              i < TR_MANUAL ? "manual" : "auto", (int)i);
    for (i = 0; i < 9; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "fact: %s\n", subjects[i]);
    snprintf(path, sizeof path, "%s", temp_path("country.facts"));
    tr_file_write(temp_path(""), "country.facts", text, n);
    memset(facts, 0, sizeof *facts);
    base_arena_init(&facts->arena, NULL);
    tr_relation_read(facts, path, "country.txt");
}
static void test_train_misspelling_never_names_another_subject(void) {
    tr_facts facts;
    py_random random;
    char text[TR_TEXT];
    int i, changed = 0;
    train_facts(&facts);
    CHECK(facts.facts == 9 && facts.fact[0].subjects == 2 && facts.fact[2].answers == 2);
    py_random_seed(&random, 1);
    for (i = 0; i < 500; i++) {
        tr_misspell(&random, &facts, 0, facts.fact[0].subject[0], 1 + i % 2, text);
        CHECK(!tr_is_subject(&facts, 0, text)); /* "Pari" is one slip away and a subject */
        CHECK(text[0] == 'P' && strlen(text) >= 3 && strlen(text) <= 7);
        changed += strcmp(text, "Paris") != 0;
    }
    CHECK(changed == 500);
    tr_facts_free(&facts);
}
static void test_train_questions_are_written_and_read(void) {
    static const tr_care care = {0.3, 0.3, 0.3};
    char dir[512], path[512], first[33];
    tr_facts facts;
    tr_questions questions;
    base_map map;
    sgf_error error;
    sgf_str all;
    int again;
    train_facts(&facts);
    snprintf(dir, sizeof dir, "%s", temp_path("x"));
    dir[strlen(dir) - 2] = 0;
    snprintf(path, sizeof path, "%s", temp_path("test.jsonl"));
    for (again = 0; again < 2; again++) { /* the same seed, the same bytes */
        char digest[33];
        tr_questions_write(&facts, dir, 1, &care);
        MUST(base_map_file(path, NULL, &map, &error), error);
        all.ptr = map.data;
        all.len = map.size;
        hash_md5_hex(all, digest);
        if (again) CHECK(!strcmp(first, digest));
        memcpy(first, digest, 33);
        base_unmap(&map);
    }
    tr_questions_read(path, &questions);
    CHECK(questions.count == 3); /* a third of nine */
    CHECK(base_str_is(questions.question[0].rel, "country"));
    CHECK(questions.question[0].paraphrase[0].ptr[0] == '0' &&
          questions.question[0].paraphrase[19].ptr[0] == '1');
    base_arena_free(&questions.arena);
    tr_facts_free(&facts);
}

/* The bundled facts and questions are what their card says. */
static void test_train_facts_and_questions_are_complete(void) {
    static const char *const files[] = {"models/questions/train.jsonl",
                                        "models/questions/validation.jsonl",
                                        "models/questions/test.jsonl"};
    static const size_t rows[] = {209, 267, 636};
    tr_facts facts;
    size_t r, f;
    tr_facts_read("models/facts", &facts);
    CHECK(facts.facts == 1906 && facts.relations == 19);
    for (r = 0; r < facts.relations; r++)
        CHECK(facts.relation[r].templates == 20 && facts.relation[r].manual == 5);
    tr_facts_free(&facts);
    for (f = 0; f < 3; f++) {
        struct table *table;
        sgf_error err;
        size_t row;
        int manual, automatic;
        MUST(table_read(files[f], NULL, &table, &err), err);
        CHECK(table_rows(table) == rows[f]);
        manual = table_find(table, "manual_paraphrases");
        automatic = table_find(table, "auto_paraphrases");
        for (row = 0; row < rows[f]; row++)
            CHECK(cell_count(table, manual, row) == 5 && cell_count(table, automatic, row) == 15);
        table_free(table);
    }
}

static void tests_train(void) {
    RUN(test_train_gradient_is_right_for_plain_prompts);
    RUN(test_train_gradient_is_right_for_fused_layouts);
    RUN(test_train_blind_rows_attend_to_nothing);
    RUN(test_train_weights_do_not_depend_on_threads);
    RUN(test_train_loss_falls);
    RUN(test_train_tokenizer_gives_texts_back);
    RUN(test_train_network_is_the_librarys);
    RUN(test_train_checkpoint_and_log_are_files);
    RUN(test_train_misspelling_never_names_another_subject);
    RUN(test_train_questions_are_written_and_read);
    RUN(test_train_facts_and_questions_are_complete);
}
