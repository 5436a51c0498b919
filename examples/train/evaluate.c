/* evaluate.c - a quick accuracy on a question file, to choose a training recipe on the validation split.
 *
 * Teacher-forced: an answer counts as right when every token of it, and of the newline behind it, is the
 * argmax given the ones before. That is what greedy decoding would write, for the first answer alias. */

enum { TR_FEWSHOT = 5, TR_ASKED = 5 };

typedef struct tr_scores {
    size_t questions;
    double per_prompt, avg, fused, fused_late,
        flex; /* shares of right answers; per_prompt: mean of the paraphrases */
    double one[TR_ASKED];
} tr_scores;

static size_t tr_argmax(const double *logit, size_t V) {
    size_t best = 0, v;
    for (v = 1; v < V; v++)
        if (logit[v] > logit[best]) best = v;
    return best;
}
/* Are the answer's tokens all the argmax of the mean logits of sequences [from, from + n)? Their positions with a
   loss follow one another in the batch: answer_tokens each. */
static int tr_right(const tr_net *net, size_t from, size_t n, size_t answer_tokens, double *mean) {
    size_t V = net->config.V, a, i, v;
    for (a = 0; a < answer_tokens; a++) {
        memset(mean, 0, V * sizeof(double));
        for (i = 0; i < n; i++) {
            size_t at = (from + i) * answer_tokens + a;
            const float *logit = net->logits + at / 32 * V * 32 + at % 32;
            for (v = 0; v < V; v++) mean[v] += (double)logit[v * 32];
        }
        if (tr_argmax(mean, V) != (size_t)net->loss_target[from * answer_tokens + a]) return 0;
    }
    return 1;
}
static void tr_evaluate(tr_net *net, const sgf_tokenizer *tokenizer, const tr_questions *questions,
                        const tr_questions *train, tr_scores *scores) {
    enum { BATCH = TR_ASKED + 3 };
    tr_sequence *sequence = (tr_sequence *)tr_alloc(BATCH, sizeof *sequence);
    const tr_sequence *batch[BATCH];
    sgf_example example[TR_FEWSHOT];
    size_t picked[TR_FEWSHOT], i, q;
    double *mean = (double *)tr_alloc(net->config.V, sizeof(double));
    sgf_method single, fused, late, flex;
    sgf_prompt prompt;
    sgf_layout layout;
    py_random random;
    sgf_error error;
    sgf_layout_init(&layout, NULL);
    memset(&fused, 0, sizeof fused);
    memset(scores, 0, sizeof *scores);
    py_random_seed(&random,
                   42); /* the picks of the original: random.seed(42); random.sample(range(n), 5) */
    if (py_random_sample(&random, train->count, TR_FEWSHOT, picked, NULL, &error))
        tr_die("%s", error.message);
    for (i = 0; i < TR_FEWSHOT; i++) {
        example[i].question = train->question[picked[i]].paraphrase[0];
        example[i].answer = train->question[picked[i]].answer;
    }
    if (sgf_method_find("per_prompt", &single, &error) ||
        sgf_method_find("fused", &fused, &error) ||
        sgf_method_find("flex_attention", &flex, &error))
        tr_die("%s", error.message);
    late = fused;
    late.format = SGF_FORMAT_SHARED_PARTS;
    memset(&prompt, 0, sizeof prompt);
    prompt.instruction = sgf_text(tr_instruction);
    prompt.example = example;
    prompt.examples = TR_FEWSHOT;
    prompt.paraphrases = TR_ASKED;
    for (i = 0; i < BATCH; i++) batch[i] = &sequence[i];
    for (q = 0; q < questions->count; q++) {
        sgf_str answer = questions->question[q].answer;
        size_t tokens[BATCH], right = 0;
        prompt.paraphrase = questions->question[q].paraphrase;
        for (i = 0; i < BATCH; i++) {
            const sgf_method *method = i < TR_ASKED        ? &single
                                       : i == TR_ASKED     ? &fused
                                       : i == TR_ASKED + 1 ? &late
                                                           : &flex;
            tr_sequence_build(tokenizer, &prompt, method, i < TR_ASKED ? i : 0, answer, 0, 1,
                              &layout, &sequence[i]);
        }
        tr_batch_set(net, batch, BATCH);
        tr_forward(net);
        for (i = 0; i < BATCH; i++) tokens[i] = sequence[i].tokens - sequence[i].first_answer;
        for (i = 0; i < TR_ASKED; i++) {
            int hit = tr_right(net, i, 1, tokens[0], mean);
            right += (size_t)hit;
            scores->one[i] += hit;
        }
        scores->per_prompt += (double)right / TR_ASKED;
        scores->avg += tr_right(net, 0, TR_ASKED, tokens[0], mean);
        if (tokens[TR_ASKED] != tokens[0])
            tr_die("an answer has another number of tokens before another newline");
        scores->fused += tr_right(net, TR_ASKED, 1, tokens[0], mean);
        scores->fused_late += tr_right(net, TR_ASKED + 1, 1, tokens[0], mean);
        scores->flex += tr_right(net, TR_ASKED + 2, 1, tokens[0], mean);
    }
    scores->questions = questions->count;
    for (i = 0; i < TR_ASKED; i++) scores->one[i] /= (double)questions->count;
    scores->per_prompt /= (double)questions->count;
    scores->avg /= (double)questions->count;
    scores->fused /= (double)questions->count;
    scores->fused_late /= (double)questions->count;
    scores->flex /= (double)questions->count;
    sgf_layout_free(&layout);
    free(sequence);
    free(mean);
}
static void tr_scores_print(const tr_scores *s, FILE *out) {
    size_t i;
    fprintf(
        out,
        "questions %d  per_prompt %.3f  avg %.3f  fused %.3f  (last A: fused %.3f)  flex_attention %.3f  [",
        (int)s->questions, s->per_prompt, s->avg, s->fused, s->fused_late, s->flex);
    for (i = 0; i < TR_ASKED; i++) fprintf(out, " %.3f", s->one[i]);
    fprintf(out, " ]\n");
}
