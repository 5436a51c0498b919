/* prompt.c - a prompt of the library becomes a training sequence.
 *
 * The layout is the one that the run-time uses (sgf_prompt_layout), so training and use cannot differ in
 * a token. The answer's tokens are appended to it. The loss is on what a model is asked for: the answers
 * of the few-shot examples, the question's own answer, and the newline that ends each. */

/* Predict tokens [from, to) of the text that begins at token `start`, for each range of bytes. */
static void tr_mark_examples(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt, int one_line,
                             size_t start, float weight, tr_sequence *s) {
    size_t begin[TR_MAX_EXAMPLES], end[TR_MAX_EXAMPLES], at = prompt->instruction.len + 2, t, i,
                                                         byte = 0;
    for (i = 0; i < prompt->examples; i++) {
        begin[i] = at + 3 + prompt->example[i].question.len + 3; /* "Q: ", the question, " A:" */
        end[i] = begin[i] + 1 + prompt->example[i].answer.len + 1;
        at = end[i] + (one_line ? 0 : 1);
    }
    for (t = start, i = 0; i < prompt->examples && t < s->tokens; t++) {
        if (byte >= begin[i] && byte < end[i])
            s->target[t - 1] = s->token[t], s->weight[t - 1] = weight;
        byte += sgf_token_text(tokenizer, s->token[t]).len;
        if (byte >= end[i]) i++;
    }
}
static void tr_sequence_copy(const sgf_layout *layout, tr_sequence *s) {
    size_t t, a, b;
    if (layout->tokens > TR_MAX_TOKENS || layout->segments > TR_MAX_SEGMENTS)
        tr_die("a prompt of %d tokens in %d segments is too large", (int)layout->tokens,
               (int)layout->segments);
    s->tokens = layout->tokens;
    s->answer = layout->answer;
    for (t = 0; t < s->tokens; t++) {
        s->token[t] = layout->token[t];
        s->pos[t] = layout->pos[t];
        s->seg[t] = layout->seg[t];
        s->weight[t] = 0;
        s->target[t] = 0;
    }
    for (a = 0; a < layout->segments; a++) {
        s->log_weight[a] = layout->segment[a].log_weight;
        for (b = 0; b < layout->segments; b++)
            s->visible[a][b] = (unsigned char)sgf_visible(layout, (int32_t)a, (int32_t)b);
    }
}
/* Build the sequence for `prompt` under `method`; paraphrase `which` if the method takes one. */
static void tr_sequence_build(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                              const sgf_method *method, size_t which, sgf_str answer,
                              float example_weight, float answer_weight, sgf_layout *layout,
                              tr_sequence *s) {
    int one_line = method->format == SGF_FORMAT_SHARED_PARTS ||
                   method->format == SGF_FORMAT_SHARED_CUE;
    int32_t ids[512];
    char text[256];
    size_t t, n, i;
    sgf_error error;
    if (sgf_prompt_layout(tokenizer, prompt, method, which, layout, &error))
        tr_die("%s", error.message);
    tr_sequence_copy(layout, s);
    for (t = 0; t < s->tokens; t++) {
        int begins = !t || s->seg[t] != s->seg[t - 1];
        if (t && (!begins || method->format != SGF_FORMAT_CONCATENATED)) continue;
        if (layout->segment[s->seg[t]].role == SGF_ROLE_SEPARATOR || s->seg[t] == s->answer)
            continue;
        tr_mark_examples(tokenizer, prompt, one_line, t, example_weight, s);
    }
    snprintf(text, sizeof text, " %.*s%s", (int)answer.len, answer.ptr, one_line ? "\n" : "\n\n");
    if (sgf_encode(tokenizer, sgf_text(text), 0, ids, 512, &n, &error)) tr_die("%s", error.message);
    if (s->tokens + n > TR_MAX_TOKENS) tr_die("an answer does not fit behind its prompt");
    s->first_answer = s->tokens - 1;
    for (i = 0; i < n; i++) {
        t = s->tokens++;
        s->target[t - 1] = s->token[t] = ids[i];
        s->weight[t - 1] = answer_weight;
        s->weight[t] = 0;
        s->target[t] = 0;
        s->seg[t] = s->answer;
        s->pos[t] = layout->answer_pos + (int)i;
    }
    s->tokens--; /* nothing is predicted after the newline, so it need not be computed */
}
