/* Running one method: its questions in batches, from the prompt to a row of its table. */

/* ---- batches ---- */

/* The paraphrases of a question that are used. */
static void question_paraphrases(const generate_run *run, const question *q, sgf_str *out) {
    size_t i, n = (size_t)run->o.paraphrases;
    for (i = 0; i < n; i++) out[i] = q->paraphrases[run->index ? run->index[i] : i];
}

/* A batch of questions: their tasks, layouts and texts, in one arena. */
typedef struct {
    sgf__arena arena;
    sgf_task *tasks;
    sgf_layout *layouts;
    sgf_str *paraphrases; /* [questions][N] */
    size_t count, layout_count;
} batch;

static sgf_status batch_build(const generate_run *run, const sgf_method *m, size_t first, size_t n,
                              batch *b, sgf_error *err) {
    size_t N = (size_t)run->o.paraphrases, each = strcmp(m->name, "per_prompt") ? 1 : N, q, t, c;
    size_t contexts = m->contexts == 2 ? N : 1, tokens = (size_t)method_tokens(run, m);
    sgf_prompt prompt;
    sgf_status status = SGF_OK;
    memset(b, 0, sizeof *b);
    sgf__arena_init(&b->arena, NULL);
    b->tasks = (sgf_task *)sgf__arena_alloc(&b->arena, n * each, sizeof *b->tasks, err);
    b->layouts = (sgf_layout *)sgf__arena_alloc(&b->arena, n * each * contexts, sizeof *b->layouts,
                                                err);
    b->paraphrases = (sgf_str *)sgf__arena_alloc(&b->arena, n * N, sizeof *b->paraphrases, err);
    if (!b->tasks || !b->layouts || !b->paraphrases) return SGF_ERR_MEMORY;
    memset(&prompt, 0, sizeof prompt);
    prompt.instruction = sgf_text(dataset_instruction(run->o.dataset));
    prompt.example = run->examples;
    prompt.examples = (size_t)run->o.fewshots;
    prompt.paraphrases = N;
    for (q = 0; q < n && !status; q++) {
        prompt.paraphrase = b->paraphrases + q * N;
        question_paraphrases(run, &run->data.questions[first + q], b->paraphrases + q * N);
        for (t = 0; t < each && !status; t++) {
            sgf_task *task = &b->tasks[b->count++];
            task->context = b->layouts + b->layout_count;
            task->contexts = contexts;
            task->combine = m->combine;
            task->max_new_tokens = tokens;
            task->ids = (int32_t *)sgf__arena_alloc(&b->arena, tokens, sizeof(int32_t), err);
            if (!task->ids) return SGF_ERR_MEMORY;
            for (c = 0; c < contexts && !status; c++) {
                sgf_layout *layout = &b->layouts[b->layout_count++];
                sgf_layout_init(layout, NULL);
                status = sgf_prompt_layout(run->model->tokenizer, &prompt, m, contexts > 1 ? c : t,
                                           layout, err);
            }
        }
    }
    return status;
}
static void batch_free(batch *b) {
    while (b->layout_count) sgf_layout_free(&b->layouts[--b->layout_count]);
    sgf__arena_free(&b->arena);
}

/* The layout of the first question's first context, for `segfuse forward`. */
static int layout_dump(generate_run *run, const sgf_method *m) {
    sgf_error err;
    batch b;
    sgf_status status = batch_build(run, m, 0, run->count ? 1 : 0, &b, &err);
    if (!status && b.layout_count)
        status = sgf_layout_write(&b.layouts[0], run->o.dump_layout, &err);
    batch_free(&b);
    return status ? failed("generate", &err) : 0;
}

/* ---- one method ---- */

static sgf_status method_run(generate_run *run, const sgf_method *m, result_table *t,
                             method_result *result, sgf_error *err) {
    size_t first, k, step = (size_t)run->o.batch,
                     each = strcmp(m->name, "per_prompt") ? 1 : (size_t)run->o.paraphrases;
    sgf_status status = SGF_OK;
    progress bar;
    progress_start(&bar, m->name, run->count, run->o.quiet);
    for (first = 0; first < run->count && !status; first += step) {
        size_t n = run->count - first < step ? run->count - first : step;
        batch b;
        status = batch_build(run, m, first, n, &b, err);
        if (!status) status = sgf_generate(run->session, b.tasks, b.count, NULL, NULL, err);
        for (k = 0; k < b.count && !status; k++)
            status = result_add(run, t, &run->data.questions[first + k / each],
                                b.paraphrases + k / each * (size_t)run->o.paraphrases,
                                (size_t)run->o.paraphrases, k % each, &b.tasks[k], result, err);
        batch_free(&b);
        if (!status) progress_show(&bar, first + n);
    }
    result->seconds = clock_now() - bar.start;
    return status;
}

/* Before anything runs: may this method's files be written, and are they there already? 1 to run it, 0 if there is
   nothing to do, -1 if it cannot be. */
static int method_wanted(const generate_run *run, const sgf_method *m) {
    char path[1050];
    sgf__buf config;
    int found;
    result_path(run, m, path, sizeof path);
    if (!result_writable(path)) return -1;
    if (run->o.rewrite) return 1;
    sgf__buf_init(&config, NULL);
    method_config(run, m, &config);
    found = result_exists(path, &config);
    sgf__buf_free(&config);
    if (found > 0)
        fprintf(stderr,
                "%s: %s.feather is there already, of this very configuration; nothing to do "
                "(--rewrite makes it anew)\n",
                m->name, path);
    if (found < 0)
        fprintf(
            stderr,
            "segfuse generate: %s.feather is there already, with another configuration (compare "
            "%s.json); give --rewrite or another --output\n",
            path, path);
    return found > 0 ? 0 : found < 0 ? -1 : 1;
}

/* Run one method and write its files. 0, or the exit status. */
static int method_do(generate_run *run, const sgf_method *m, method_result *result) {
    char path[1050];
    result_table t;
    sgf__buf config;
    sgf_error err;
    sgf_status status;
    memset(result, 0, sizeof *result);
    memset(&t, 0, sizeof t);
    snprintf(result->name, sizeof result->name, "%s", m->name);
    result_path(run, m, path, sizeof path);
    sgf__buf_init(&config, NULL);
    method_config(run, m, &config);
    status = result_create(&t, m, run->o.lemmatize, &err);
    if (!status) status = method_run(run, m, &t, result, &err);
    if (!status) status = result_write(path, &t, &config, &err);
    sgf_table_free(t.table);
    sgf__buf_free(&config);
    return status ? failed("generate", &err) : 0;
}
