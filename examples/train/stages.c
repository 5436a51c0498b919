/* stages.c - what the model is shown, and the two stages of its training.
 *
 * Stage 1, plain prompts, until the facts are known. Stage 2, a short fine-tune on fused layouts in which
 * about half of the paraphrases are corrupted (hardly legible, or about another subject) and at least one
 * is not: the model learns to listen to the paraphrases that make sense.
 *
 * Paraphrases disagree at the end because training is incomplete on purpose: of each relation's 20
 * templates some are never shown and some rarely (drawn from all 20, manual or not), and misspelt names are shown,
 * but never in the spellings of the validation and test questions. */

typedef struct tr_recipe {
    int seed;
    size_t batch, steps1, steps2;
    double rate1, rate2;
    size_t unseen, rare; /* templates of each relation */
    double rare_weight;  /* how often a rare one is shown, a common one being 1 */
    tr_care care[2];     /* spelling in stage 1 and stage 2 */
    double plain, flex;  /* stage 2: shares of plain prompts and of flex_attention's layout */
    double corrupted;    /* stage 2: share of corrupted paraphrases */
    double
        other; /* of these: shares that ask about another subject, and in another relation's words */
    double even_weights; /* stage 2: share of the shared layouts with mass 1/N */
    double answer_weight
        [2]; /* of the question's own answer in the loss, an example's answer being 1 */
} tr_recipe;

enum { TR_COMMON, TR_RARE, TR_UNSEEN };

typedef struct tr_maker {
    const tr_facts *facts;
    const sgf_tokenizer *tokenizer;
    const tr_recipe *recipe;
    int stage; /* 1 or 2 */
    py_random random;
    size_t *deck, deck_at;               /* every fact once, in random order; then again */
    unsigned char (*kind)[TR_TEMPLATES]; /* [relations] */
    uint64_t *held; /* hashes of misspelt names in validation and test, sorted */
    size_t helds;
    sgf_layout layout;
    sgf_method single, cue, parts, flex;
    char text[TR_MAX_EXAMPLES + 8][TR_TEXT];
} tr_maker;

/* ---- spellings that must not be trained on ---- */

static uint64_t tr_hash(const char *a, sgf_str b) {
    uint64_t hash = 14695981039346656037u;
    size_t i;
    for (; *a; a++) hash = (hash ^ (unsigned char)*a) * 1099511628211u;
    hash = (hash ^ 10) * 1099511628211u;
    for (i = 0; i < b.len; i++) hash = (hash ^ (unsigned char)b.ptr[i]) * 1099511628211u;
    return hash;
}
static int tr_hash_compare(const void *a, const void *b) {
    uint64_t x, y;
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    return x < y ? -1 : x > y;
}
/* The subject in a paraphrase made from `template`; length 0 if it was not made from it. */
static sgf_str tr_subject_of(sgf_str paraphrase, sgf_str template) {
    size_t before = 0;
    sgf_str none = {NULL, 0};
    while (before + 3 <= template.len && memcmp(template.ptr + before, "[X]", 3)) before++;
    if (paraphrase.len < template.len - 3 || memcmp(paraphrase.ptr, template.ptr, before))
        return none;
    none.ptr = paraphrase.ptr + before;
    none.len = paraphrase.len - (template.len - 3);
    return none;
}
static void tr_hold(tr_maker *maker, const tr_questions *const *files, size_t n) {
    size_t f, q, i, r, total = 0;
    for (f = 0; f < n; f++) total += files[f]->count * TR_TEMPLATES;
    maker->held = (uint64_t *)tr_alloc(total, sizeof(uint64_t));
    for (f = 0; f < n; f++)
        for (q = 0; q < files[f]->count; q++) {
            const tr_question *question = &files[f]->question[q];
            for (r = 0; r < maker->facts->relations; r++)
                if (base_str_is(question->rel, maker->facts->relation[r].name)) break;
            if (r == maker->facts->relations)
                tr_die("a question of the unknown relation %.*s", (int)question->rel.len,
                       question->rel.ptr);
            for (i = 0; i < TR_TEMPLATES; i++) {
                sgf_str subject = tr_subject_of(question->paraphrase[i],
                                                maker->facts->relation[r].template[i]);
                char name[TR_TEXT];
                snprintf(name, sizeof name, "%.*s", (int)subject.len,
                         subject.ptr ? subject.ptr : "");
                if (subject.len && !tr_is_subject(maker->facts, (int)r, name))
                    maker->held[maker->helds++] = tr_hash(maker->facts->relation[r].name, subject);
            }
        }
    qsort(maker->held, maker->helds, sizeof(uint64_t), tr_hash_compare);
}
static int tr_is_held(const tr_maker *maker, int relation, const char *subject) {
    uint64_t hash = tr_hash(maker->facts->relation[relation].name, sgf_text(subject));
    return maker->helds &&
           bsearch(&hash, maker->held, maker->helds, sizeof hash, tr_hash_compare) != NULL;
}

/* ---- questions ---- */

static void tr_maker_create(const tr_facts *facts, const sgf_tokenizer *tokenizer,
                            const tr_recipe *recipe, tr_maker *maker) {
    py_random random;
    sgf_error error;
    size_t r, i, order[TR_TEMPLATES];
    memset(maker, 0, sizeof *maker);
    maker->facts = facts;
    maker->tokenizer = tokenizer;
    maker->recipe = recipe;
    maker->deck = (size_t *)tr_alloc(facts->facts, sizeof(size_t));
    maker->kind = (unsigned char(*)[TR_TEMPLATES])tr_alloc(facts->relations, sizeof *maker->kind);
    tr_random_for(&random, recipe->seed, "templates");
    for (r = 0; r < facts->relations; r++) {
        for (i = 0; i < TR_TEMPLATES; i++) order[i] = i;
        py_random_shuffle(&random, order, TR_TEMPLATES);
        for (i = 0; i < TR_TEMPLATES; i++)
            maker->kind[r][order[i]] = i < recipe->unseen                  ? TR_UNSEEN
                                       : i < recipe->unseen + recipe->rare ? TR_RARE
                                                                           : TR_COMMON;
    }
    sgf_layout_init(&maker->layout, NULL);
    if (sgf_method_find("per_prompt", &maker->single, &error) ||
        sgf_method_find("fused", &maker->cue, &error) ||
        sgf_method_find("flex_attention", &maker->flex, &error))
        tr_die("%s", error.message);
    maker->parts = maker->cue;
    maker->parts.format = SGF_FORMAT_SHARED_PARTS;
}
static void tr_maker_free(tr_maker *maker) {
    sgf_layout_free(&maker->layout);
    free(maker->deck);
    free(maker->kind);
    free(maker->held);
}
static const tr_fact *tr_fact_draw(tr_maker *maker) {
    if (maker->deck_at == maker->facts->facts) {
        py_random_shuffle(&maker->random, maker->deck, maker->facts->facts);
        maker->deck_at = 0;
    }
    return &maker->facts->fact[maker->deck[maker->deck_at++]];
}
static sgf_str tr_template_draw(tr_maker *maker, int relation) {
    for (;;) {
        size_t i = (size_t)py_random_below(&maker->random, TR_TEMPLATES);
        int kind = maker->kind[relation][i];
        if (kind == TR_COMMON ||
            (kind == TR_RARE && py_random_double(&maker->random) < maker->recipe->rare_weight))
            return maker->facts->relation[relation].template[i];
    }
}
/* A question about the fact, as training shows it. */
static sgf_str tr_ask(tr_maker *maker, const tr_fact *fact, char out[TR_TEXT]) {
    char subject[TR_TEXT];
    do
        tr_subject_write(&maker->random, maker->facts, fact, &maker->recipe->care[maker->stage - 1],
                         subject);
    while (tr_is_held(maker, fact->relation, subject));
    tr_render(tr_template_draw(maker, fact->relation), sgf_text(subject), out);
    return sgf_text(out);
}
/* A question that does not help: about another subject, in the words of another relation, or with a name that can
   hardly be read. */
static sgf_str tr_ask_badly(tr_maker *maker, const tr_fact *fact, char out[TR_TEXT]) {
    const tr_facts *facts = maker->facts;
    const tr_relation *relation = &facts->relation[fact->relation];
    double how = py_random_double(&maker->random);
    char subject[TR_TEXT];
    if (how < maker->recipe->other) {
        size_t which = relation->first + (size_t)py_random_below(&maker->random, relation->count);
        return tr_ask(maker, &facts->fact[which], out);
    }
    if (how < 2 * maker->recipe->other) {
        int which = (int)py_random_below(&maker->random, facts->relations);
        tr_render(tr_template_draw(maker, which), fact->subject[0], out);
        return sgf_text(out);
    }
    do
        tr_misspell(&maker->random, facts, fact->relation, fact->subject[0],
                    1 + (int)py_random_below(&maker->random, 4), subject);
    while (tr_is_held(maker, fact->relation, subject));
    tr_render(tr_template_draw(maker, fact->relation), sgf_text(subject), out);
    return sgf_text(out);
}

/* ---- sequences ---- */

/* One training sequence: a fact, few-shot examples, N paraphrases, in the layout of `method`. */
static void tr_make(tr_maker *maker, const sgf_method *method, size_t N, size_t examples,
                    double corrupted, tr_sequence *out) {
    sgf_example example[TR_MAX_EXAMPLES];
    sgf_str paraphrase[8];
    sgf_prompt prompt;
    const tr_fact *fact = tr_fact_draw(maker);
    size_t i, clean = (size_t)py_random_below(&maker->random, N);
    for (i = 0; i < examples; i++) {
        const tr_fact *shown = tr_fact_draw(maker);
        example[i].question = tr_ask(maker, shown, maker->text[i]);
        example[i].answer = shown->answer[0];
    }
    for (i = 0; i < N; i++) {
        int bad = i != clean && py_random_double(&maker->random) < corrupted;
        paraphrase[i] = bad ? tr_ask_badly(maker, fact, maker->text[TR_MAX_EXAMPLES + i])
                            : tr_ask(maker, fact, maker->text[TR_MAX_EXAMPLES + i]);
    }
    memset(&prompt, 0, sizeof prompt);
    prompt.instruction = sgf_text(tr_instruction);
    prompt.example = example;
    prompt.examples = examples;
    prompt.paraphrase = paraphrase;
    prompt.paraphrases = N;
    tr_sequence_build(maker->tokenizer, &prompt, method, 0, fact->answer[0], 1,
                      (float)maker->recipe->answer_weight[maker->stage - 1], &maker->layout, out);
}
static size_t tr_examples_draw(tr_maker *maker) {
    return py_random_double(&maker->random) < 0.6 ? 5 : (size_t)py_random_below(&maker->random, 6);
}
static void tr_make_plain(tr_maker *maker, tr_sequence *out) {
    size_t examples = tr_examples_draw(maker);
    int standard = py_random_double(&maker->random) < 0.6;
    tr_make(maker, standard ? &maker->single : &maker->cue, 1, examples, 0, out);
}
static void tr_make_fused(tr_maker *maker, tr_sequence *out) {
    const tr_recipe *recipe = maker->recipe;
    double kind = py_random_double(&maker->random);
    size_t N = 2 + (size_t)py_random_below(&maker->random, 5);
    sgf_method method;
    if (kind < recipe->plain) tr_make_plain(maker, out);
    else if (kind < recipe->plain + recipe->flex)
        tr_make(maker, &maker->flex, N < 6 ? N : 5, tr_examples_draw(maker), recipe->corrupted,
                out);
    else {
        method = py_random_double(&maker->random) < 0.5 ? maker->cue : maker->parts;
        method.even_weights = py_random_double(&maker->random) < recipe->even_weights;
        tr_make(maker, &method, N, tr_examples_draw(maker), recipe->corrupted, out);
    }
}

/* ---- training ---- */

static void tr_stage(tr_net *net, tr_adamw *adam, tr_maker *maker, int stage, tr_log *log) {
    const tr_recipe *recipe = maker->recipe;
    size_t steps = stage == 1 ? recipe->steps1 : recipe->steps2, step, i, tokens = 0;
    double top = stage == 1 ? recipe->rate1 : recipe->rate2, mean = 0;
    tr_sequence *sequence = (tr_sequence *)tr_alloc(recipe->batch, sizeof *sequence);
    const tr_sequence **batch = (const tr_sequence **)tr_alloc(recipe->batch, sizeof *batch);
    int before = log->points ? log->point[log->points - 1].step : 0;
    for (i = 0; i < recipe->batch; i++) batch[i] = &sequence[i];
    maker->stage = stage;
    tr_random_for(&maker->random, recipe->seed,
                  stage == 1 ? "stage 1" : "stage 2"); /* alone as after stage 1 */
    for (i = 0; i < maker->facts->facts; i++) maker->deck[i] = i;
    maker->deck_at = maker->facts->facts;
    for (step = 0; step < steps; step++) {
        double rate = tr_rate(top, step, stage == 1 ? 60 : 20, steps), loss, norm;
        for (i = 0; i < recipe->batch; i++) {
            if (stage == 1) tr_make_plain(maker, &sequence[i]);
            else tr_make_fused(maker, &sequence[i]);
            tokens += sequence[i].tokens;
        }
        tr_batch_set(net, batch, recipe->batch);
        tr_forward(net);
        loss = tr_backward(net);
        norm = tr_adamw_step(adam, rate);
        if (!(loss < 1e6))
            tr_die("the loss is %g at step %d: lower the learning rate", loss, (int)step);
        tr_log_add(log, before + (int)step + 1, stage, rate, loss);
        mean += loss;
        if ((step + 1) % 50 == 0 || step + 1 == steps) {
            size_t n = step % 50 + 1;
            fprintf(stderr,
                    "stage %d  step %5d/%d  loss %.4f  gradient %.2f  rate %.5f  tokens %.2fM\n",
                    stage, (int)step + 1, (int)steps, mean / (double)n, norm, rate,
                    (double)tokens / 1e6);
            mean = 0;
        }
    }
    free(sequence);
    free(batch);
}

/* The tokenizer's corpus: every template, and every name about as often as the training will show it. */
static void tr_corpus_count(tr_bpe *bpe, const tr_facts *facts) {
    char text[TR_TEXT];
    size_t r, i, f;
    tr_bpe_count(bpe, tr_instruction, 1000);
    tr_bpe_count(bpe, "\n\nQ: ", 20000);
    tr_bpe_count(bpe, ".\nA: ", 20000);
    tr_bpe_count(bpe, " A:", 20000);
    tr_bpe_count(bpe, "\n\n[SEP]\n\n", 2000);
    for (r = 0; r < facts->relations; r++)
        for (i = 0; i < TR_TEMPLATES; i++) {
            tr_render(facts->relation[r].template[i], sgf_text(" "), text);
            tr_bpe_count(bpe, text, (long)facts->relation[r].count);
        }
    for (f = 0; f < facts->facts; f++)
        for (i = 0; i < facts->fact[f].subjects || i < facts->fact[f].answers; i++) {
            const tr_fact *fact = &facts->fact[f];
            if (i < fact->subjects) {
                snprintf(text, sizeof text, " %.*s", (int)fact->subject[i].len,
                         fact->subject[i].ptr);
                tr_bpe_count(bpe, text, i ? 2 : 12);
            }
            if (i < fact->answers) {
                snprintf(text, sizeof text, " %.*s", (int)fact->answer[i].len, fact->answer[i].ptr);
                tr_bpe_count(bpe, text, i ? 1 : 20);
            }
        }
}
