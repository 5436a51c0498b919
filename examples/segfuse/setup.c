/* A run: what it was asked to do (options), and what that names (model, questions, examples), loaded.
 */

typedef struct {
    const char *method, *model, *dataset, *data, *fewshot_data, *mask, *fusion_start, *positions,
        *mass, *bos;
    const char *separator, *output, *device, *indexs, *kernels, *dump_layout, *shard;
    long fewshots, paraphrases, samples, max_new_tokens, batch, threads, seed;
    int rewrite, lemmatize, quiet;
} generate_options;

/* A run: everything that does not change from method to method. */
typedef struct {
    generate_options o;
    char model_path[1024], model_name[256], folder[1024], data_path[1024], fewshot_path[1024];
    sgf_model *model;
    sgf_session *session;
    dataset data, fewshot;
    sgf_example *examples;
    double *mass;          /* one per paraphrase, or NULL */
    size_t *index;         /* --indexs */
    size_t indexes, count; /* questions to answer */
    long shard, shards;    /* --shard: 1-based; 0, 0: all questions */
} generate_run;

/* What a method did, for the table. */
typedef struct {
    char name[32];
    size_t rows, right, right_one_way, passes, steps, prefill, decode;
    size_t answered; /* questions, by this run; the others were in the journal */
    double seconds;  /* of this run */
    int whole;       /* no question is missing */
} method_result;

/* ---- methods and options ---- */

static int generate_method(const generate_run *run, const char *name, sgf_method *m) {
    static const char *const starts[] = {"first-answer", "after-first", NULL};
    static const char *const positions[] = {"sequential", "aligned", NULL};
    static const char *const bos[] = {"auto", "first", "each", "none", NULL};
    const generate_options *o = &run->o;
    sgf_error err;
    int i;
    if (sgf_method_find(name, m, &err) || (o->mask && sgf_mask_find(o->mask, &m->mask, &err))) {
        fprintf(stderr, "segfuse generate: %s\n", err.message);
        return 0;
    }
    if (o->fusion_start) {
        if ((i = choice_find("generate", "fusion_start", o->fusion_start, starts)) < 0) return 0;
        m->fusion_start = (sgf_fusion_start)i;
    }
    if (o->positions) {
        if ((i = choice_find("generate", "positions", o->positions, positions)) < 0) return 0;
        m->positions = (sgf_positions)i;
    }
    if (o->bos) {
        if ((i = choice_find("generate", "bos", o->bos, bos)) < 0) return 0;
        m->bos = (sgf_bos_rule)i;
    }
    m->separator = o->separator ? o->separator : m->separator;
    if (o->mass && m->contexts == 1) {
        m->even_mass = !strcmp(o->mass, "1/N");
        m->mass = run->mass;
    }
    return 1;
}
/* --mass W,W,...: as many positive numbers as paraphrases. */
static int generate_mass(generate_run *run) {
    const char *at = run->o.mass;
    long i, n = run->o.paraphrases;
    if (!at || !strcmp(at, "1") || !strcmp(at, "1/N")) return 1;
    run->mass = (double *)calloc((size_t)n + 1, sizeof(double));
    for (i = 0; run->mass && i < n; i++) {
        size_t used = sgf__number_parse(at, strlen(at), &run->mass[i]);
        if (!used || !(run->mass[i] > 0) || at[used] != (i + 1 < n ? ',' : 0)) break;
        at += used + 1;
    }
    if (run->mass && i == n) return 1;
    fprintf(stderr,
            "segfuse generate: --mass is 1, 1/N or %ld positive numbers with commas, not '%s'\n", n,
            run->o.mass);
    return 0;
}
/* --indexs 0,2,4: which paraphrases to use. */
static int generate_indexs(generate_run *run) {
    const char *at = run->o.indexs;
    if (!at) return 1;
    run->index = (size_t *)calloc(strlen(at) / 2 + 2, sizeof *run->index);
    while (run->index) {
        char *end;
        long i = strtol(at, &end, 10);
        if (end == at || i < 0 || (*end && *end != ',')) break;
        run->index[run->indexes++] = (size_t)i;
        at = end + 1;
        if (*end) continue;
        run->o.paraphrases = (long)run->indexes;
        return 1;
    }
    fprintf(stderr, "segfuse generate: --indexs is a list such as 0,1,2, not '%s'\n",
            run->o.indexs);
    return 0;
}

/* The token limit: as asked, else the original's. */
static long method_tokens(const generate_run *run, const sgf_method *m) {
    if (run->o.max_new_tokens) return run->o.max_new_tokens;
    return !strcmp(run->o.dataset, "webqa") && !strcmp(m->name, "flex_attention") ? 20 : 10;
}

/* ---- what the options name ---- */

/* Which split of which folder was chosen, where nobody said so. */
static void source_tell(const char *what, const data_source *source) {
    if (source->split[0]) fprintf(stderr, "%s: split %s, %s\n", what, source->split, source->path);
}
/* The questions and the examples. Without --fewshot_data the examples come from the train split of what
   --data names, if that has splits, else from the bundled one. */
static sgf_status generate_questions(generate_run *run, sgf_error *err) {
    generate_options *o = &run->o;
    const char *data = o->data, *fewshot = o->fewshot_data;
    sgf_status status;
    if (!data)
        data = project_path("models/questions/test.jsonl", run->data_path, sizeof run->data_path);
    status = dataset_load(data, "test", &run->data, err);
    if (status) return status;
    source_tell("--data", &run->data.source);
    if (!fewshot && o->data && run->data.source.split[0]) fewshot = o->data;
    if (!fewshot)
        fewshot = project_path("models/questions/train.jsonl", run->fewshot_path,
                               sizeof run->fewshot_path);
    if (!o->dataset)
        o->dataset = run->data.schema == SCHEMA_WEBQA || run->data.schema == SCHEMA_WEBQA_RAW
                         ? "webqa"
                         : "myriadlama";
    if (!o->fewshots) return SGF_OK;
    status = dataset_load(fewshot, "train", &run->fewshot, err);
    if (status) return status;
    source_tell("--fewshot_data", &run->fewshot.source);
    if (o->data && !o->fewshot_data && fewshot != data)
        fprintf(stderr, "few-shot examples: %s (--fewshot_data names others)\n", fewshot);
    run->examples = (sgf_example *)calloc((size_t)o->fewshots + 1, sizeof *run->examples);
    if (!run->examples) return sgf__fail(err, SGF_ERR_MEMORY, "out of memory");
    return dataset_examples(&run->fewshot, o->seed, (size_t)o->fewshots, run->examples, err);
}
/* Has every question the paraphrases that are asked for? */
static sgf_status generate_enough(const generate_run *run, sgf_error *err) {
    const dataset *d = &run->data;
    size_t most = (size_t)run->o.paraphrases, i;
    for (i = 0; i < run->indexes; i++) most = run->index[i] + 1 > most ? run->index[i] + 1 : most;
    for (i = 0; i < run->count && d->questions[i].paraphrase_count >= most; i++) {}
    if (i == run->count) return SGF_OK;
    if (d->schema == SCHEMA_WEBQA_RAW)
        return sgf__fail_at(
            err, SGF_ERR_ARG, d->source.path, -1,
            "%s: questions without paraphrases, %llu were asked for; make some with "
            "segfuse paraphrase, or ask each question alone: --method origin",
            d->source.path, (unsigned long long)most);
    return sgf__fail_at(err, SGF_ERR_ARG, d->source.path, -1,
                        "%s: row %llu has %llu paraphrases; %llu were asked for "
                        "(--num_paraphrases, --indexs)",
                        d->source.path, (unsigned long long)d->questions[i].row + 1,
                        (unsigned long long)d->questions[i].paraphrase_count,
                        (unsigned long long)most);
}
static int generate_load(generate_run *run) {
    generate_options *o = &run->o;
    sgf_session_options how;
    sgf_error err;
    sgf_status status;
    memset(&how, 0, sizeof how);
    how.threads = (int)o->threads;
    how.kernels = kernels_named(o->kernels);
    status = generate_questions(run, &err);
    if (!status) {
        run->count = o->samples && (size_t)o->samples < run->data.count ? (size_t)o->samples
                                                                        : run->data.count;
        status = generate_enough(run, &err);
    }
    if (status) return failed("generate", &err);
    if (!model_find("generate", o->model, run->model_path, sizeof run->model_path)) return 1;
    status = sgf_model_load(run->model_path, NULL, &run->model, &err);
    if (!status && !run->model->tokenizer)
        status = sgf__fail(&err, SGF_ERR_IO, "%s has no tokenizer.json; prompts need one",
                           run->model_path);
    if (!status && o->max_new_tokens > run->model->config.context)
        status = sgf__fail(&err, SGF_ERR_ARG, "--max_new_tokens %ld: the model's context is %d",
                           o->max_new_tokens, (int)run->model->config.context);
    if (!status) status = sgf_session_create(run->model, &how, &run->session, &err);
    if (status) return failed("generate", &err);
    model_name(o->model, run->model_name, sizeof run->model_name);
    return 0;
}
