/* segfuse ask: a question of one's own, in one or more wordings; the answers on stdout, nothing is written. */
#include "results.h"
#include "run.h"
#include "../analysis/explain.h"
#include "../base/hash.h"
#include "../cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A question without the mark that statements have is asked as those of WebQA, and without the bundled examples, which
   have it. */
static int ask_masked(const char *const *texts, size_t n) {
    size_t i;
    for (i = 0; i < n; i++)
        if (dataset_masked(sgf_text(texts[i]))) return 1;
    return 0;
}
enum { ASK_ANSWER = 24 }; /* columns */

static void ask_fill(generate_run *run, const char *const *texts, size_t n) {
    generate_options *o = &run->o;
    int masked = ask_masked(texts, n);
    run->wording = texts;
    o->paraphrases = (long)n;
    if (!o->method) o->method = n > 1 ? "per_prompt,fused_agreement" : "origin";
    if (!o->dataset) o->dataset = masked ? "myriadlama" : "webqa";
    if (o->fewshots < 0) o->fewshots = masked || o->fewshot_data ? 5 : 0;
}
/* Confidences come from `segfuse confidence`, question by question; 0 after saying so. */
static int ask_weightless(const generate_run *run) {
    size_t i;
    for (i = 0; i < run->methods; i++) {
        if (!method_weighs(run, &run->method[i])) continue;
        fprintf(stderr,
                "segfuse ask: %s weighs by confidences, which a question of your own has not; "
                "fused with --mass W,W,.. takes numbers of yours\n",
                run->method[i].name);
        return 0;
    }
    return 1;
}
/* Which wordings the answer is to. */
static void ask_to(const generate_run *run, const sgf_method *m, size_t i) {
    const question *q = &run->data.questions[0];
    if (q->paraphrase_count == 1 || m->contexts == SGF_CONTEXTS_SINGLE)
        text_shown(q->paraphrases[i]);
    else printf("all %llu", (unsigned long long)q->paraphrase_count);
}
/* --digest: the logits of every step of every answer of one method, for their MD5. */
typedef char ask_digest[33];
typedef struct {
    size_t vocabulary;
    base_buf *logits; /* [tasks] */
} ask_bits;

static int ask_step(void *user, size_t task, size_t step, const float *logits, int32_t *chosen) {
    ask_bits *bits = (ask_bits *)user;
    size_t i;
    (void)step, (void)chosen;
    for (i = 0; i < bits->vocabulary; i++) {
        unsigned char bytes[4];
        uint32_t word;
        int k;
        memcpy(&word, &logits[i], 4);
        for (k = 0; k < 4; k++) bytes[k] = (unsigned char)(word >> 8 * k); /* on every machine */
        if (base_buf_add(&bits->logits[task], bytes, 4, NULL)) return 1;
    }
    return 0;
}
/* Answer; with --digest, *digest becomes a digest for each task, which the caller frees. */
static sgf_status ask_decode(const generate_run *run, batch *b, ask_digest **digest,
                             sgf_error *err) {
    ask_bits bits;
    sgf_status status;
    size_t i;
    if (!run->o.digest) return sgf_generate(run->session, b->tasks, b->count, NULL, NULL, err);
    bits.vocabulary = (size_t)run->model->config.vocab_size;
    bits.logits = (base_buf *)calloc(b->count + 1, sizeof *bits.logits);
    *digest = (ask_digest *)calloc(b->count + 1, sizeof **digest);
    if (!bits.logits || !*digest) {
        free(bits.logits);
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for the digests");
    }
    for (i = 0; i < b->count; i++) base_buf_init(&bits.logits[i], NULL);
    status = sgf_generate(run->session, b->tasks, b->count, ask_step, &bits, err);
    for (i = 0; i < b->count; i++) {
        hash_md5_hex(base_text_of(bits.logits[i].ptr, bits.logits[i].len), (*digest)[i]);
        base_buf_free(&bits.logits[i]);
    }
    free(bits.logits);
    return status;
}
static sgf_status ask_print(const generate_run *run, const sgf_method *m, batch *b,
                            ask_digest *digest, size_t *empty, size_t *ended, sgf_error *err) {
    size_t i;
    for (i = 0; i < b->count; i++) {
        const sgf_task *task = &b->tasks[i];
        sgf_str text;
        sgf_status status = task_text(run, task, &b->arena, &text, err);
        int used;
        if (status) return status;
        if (!run->o.quiet) printf("%-18s ", i ? "" : m->name);
        text = sgf_prediction_take(m->prediction, text);
        used = text_shown(text);
        *empty += !text.len;
        *ended += !text.len && task->count == 1 && task_ended(run, task);
        if (!run->o.quiet) {
            printf("%*s ", used < ASK_ANSWER ? ASK_ANSWER - used : 0, "");
            if (digest) printf("%s ", digest[i]);
            ask_to(run, m, i);
        } else if (digest) printf("\t%s", digest[i]);
        putchar('\n');
    }
    return SGF_OK;
}
/* All methods answer before the first answer is printed: what goes wrong leaves no half of a table. */
static sgf_status ask_all(const generate_run *run, sgf_error *err) {
    batch b[MAX_METHODS];
    ask_digest *digest[MAX_METHODS];
    size_t first = 0, built = 0, empty = 0, ended = 0, i;
    sgf_status status = SGF_OK;
    while (built < run->methods && !status) {
        batch *now = &b[built];
        digest[built] = NULL;
        status = batch_build(run, &run->method[built], &first, 1, now, err);
        if (!status) status = ask_decode(run, now, &digest[built], err);
        built++;
    }
    if (!status && !run->o.quiet)
        printf("%-18s %-*s %s%s\n", "method", (int)ASK_ANSWER, "answer",
               run->o.digest ? "MD5 of all logits                " : "", "to");
    for (i = 0; i < run->methods && !status; i++)
        status = ask_print(run, &run->method[i], &b[i], digest[i], &empty, &ended, err);
    if (!status && !run->o.quiet && empty) printf("\n"), empty_tell(run, empty, ended);
    while (built) free(digest[--built]), batch_free(&b[built]);
    return status;
}
static int ask_do(generate_run *run) {
    sgf_error err;
    int status;
    if (!generate_mass(run) || !generate_matrix(run) || !generate_methods(run) ||
        !ask_weightless(run))
        return 2;
    status = generate_load(run);
    if (status) return status;
    if (run->o.dump_layout && layout_dump(run, &run->method[0])) return 1;
    if (run->o.explain) return explain_do(run);
    return ask_all(run, &err) ? failed(verb_now, &err) : 0;
}

int verb_ask(int argc, char **argv) {
    generate_run run;
    generate_options *o = &run.o;
    static const char *const pages[] = {".html", ".htm", NULL};
    const char **texts = (const char **)calloc((size_t)argc + 1, sizeof *texts);
    int n, looks = 0, status;
    option options[] = {
        {NULL, OPTION_HEADING, NULL, NULL, "How to answer:"},
        {"method", OPTION_TEXT, (void *)&o->method, "METHOD[,METHOD...]",
         "(per_prompt and fused; one wording: origin); see segfuse generate --help"},
        ROW_MODEL(o->model),
        ROW_DATASET(o->dataset, "the instruction (myriadlama if [MASK] stands in a TEXT)"),
        {"fewshot_data", OPTION_TEXT, (void *)&o->fewshot_data, "FILE",
         "few-shot examples, or their folder (the bundled train split)"},
        {"num_fewshots", OPTION_COUNT, &o->fewshots, "N",
         "examples in a prompt (5; without [MASK] and --fewshot_data 0)"},
        ROWS_ANSWER(o),
        ROWS_CHAT(o),
        ROWS_METHOD(o, "1|1/N|entropy[:T]|agreement[:T]|W,W,..",
                    "softmax mass of the wordings (fusion)"),
        ROWS_DECODING(o),
        {NULL, OPTION_HEADING, NULL, NULL, "Looking inside:"},
        {"explain", OPTION_FLAG, &looks, NULL, "prompts, masks, candidates and attention"},
        {"report", OPTION_TEXT, (void *)&o->report, "FILE.html", "... as a page"},
        {"dump_layout", OPTION_TEXT, (void *)&o->dump_layout, "OUT.json",
         "the first context, for segfuse forward"},
        {"digest", OPTION_FLAG, &o->digest, NULL,
         "the MD5 of each answer's logits (with --quiet after a tab), to compare machines"},
        {NULL, OPTION_HEADING, NULL, NULL, "Running:"},
        ROWS_MACHINE(o->threads, o->device, o->exact, o->kernels, o->arithmetic),
        {"quiet", OPTION_FLAG, &o->quiet, NULL, "the answers alone, one a line"},
        ROWS_END};
    if (!texts) {
        fprintf(stderr, "segfuse ask: out of memory\n");
        return 1;
    }
    memset(&run, 0, sizeof run);
    o->fewshots = o->manuals = o->autos = -1, o->seed = 42;
    status = options_parse(
        argc, argv, options, "TEXT...",
        "Answer a question of your own, in one or more wordings. A statement with "
        "[MASK] is completed, another text is a question.",
        texts, &n, argc);
    if (status < 0 && !n) {
        fprintf(stderr, "segfuse ask: ask what? One TEXT for each wording, in quotation marks; see "
                        "segfuse ask --help\n");
        status = 2;
    }
    if (status < 0 && (!device_known(o->device) || !chat_usage(o) ||
                       !output_ends("report", o->report, pages, ".html")))
        status = 2;
    if (status < 0) {
        ask_fill(&run, texts, (size_t)n);
        if (looks || o->report) o->explain = "1";
        status = ask_do(&run);
        run_free(&run);
    }
    free((void *)texts);
    return status;
}
