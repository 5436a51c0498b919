/* segfuse generate: questions -> answers, by one or more methods, into Feather and CSV, and a table
 * at the end. */
#include "relations.h"
#include "shard.h"
#include "results.h"
#include "run.h"
#include "../analysis/explain.h"
#include "../cli/verbs.h"

#include <stdio.h>
#include <string.h>

/* Options of which one makes no sense with, or without, the other; 0 after saying so. */
static int generate_usage(const generate_options *o) {
    const char *other = o->shard       ? "--shard"
                        : o->rewrite   ? "--rewrite"
                        : o->lemmatize ? "--lemmatize"
                        : o->samples   ? "--max_samples"
                                       : NULL;
    const char *tag = o->tag ? o->tag : "x";
    if (!*tag || strlen(tag) > 40 ||
        tag[strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_-")])
        fprintf(stderr,
                "segfuse generate: --tag is a word of at most 40 letters, digits, '-' and "
                "'_' for the files' names, not '%s'\n",
                tag);
    else if (!o->explain && o->report)
        fprintf(stderr, "segfuse generate: --report belongs to --explain; segfuse analyze --report "
                        "shows results\n");
    else if (o->explain && other)
        fprintf(stderr,
                "segfuse generate: --explain looks at one question and writes no results; "
                "leave out %s\n",
                other);
    else return 1;
    return 0;
}
static int generate_all(generate_run *run) {
    method_result results[MAX_METHODS];
    int wanted[MAX_METHODS], status;
    size_t i;
    if (!generate_indexs(run) || !generate_mass(run) || !generate_matrix(run) ||
        !generate_methods(run))
        return 2;
    for (i = 0; i < run->methods && !strcmp(run->method[i].name, "origin"); i++) {}
    if (i == run->methods && !run->o.indexs) run->o.paraphrases = 1; /* nobody asks another */
    if (!shard_parse(run->o.shard, &run->shard, &run->shards)) return 2;
    status = relations_read(run);
    if (!status) status = generate_load(run);
    if (status) return status;
    if (!run_folder(run)) return 1;
    for (i = 0; i < run->methods && !run->o.explain; i++)
        if (!method_path_fits(run, &run->method[i])) return 1;
    if (!confidences_find(run) || relations_bind(run)) return 1;
    for (i = 0; i < run->methods && !run->o.explain; i++)
        if ((wanted[i] = method_wanted(run, &run->method[i], &results[i])) < 0) return 1;
    if (run->o.dump_layout && layout_dump(run, &run->method[0])) return 1;
    if (run->o.explain) {
        const sgf_method *asks = run->method;
        return explain_do((generate_run *)relation_run(run, &run->data.questions[0], &asks));
    }
    for (i = 0; i < run->methods && !status; i++)
        if (wanted[i]) status = method_do(run, &run->method[i], &results[i]);
    if (status) i--; /* the last one is not whole */
    if (i) results_print(run, results, i);
    return status;
}

int verb_generate(int argc, char **argv) {
    generate_run run;
    generate_options *o = &run.o;
    static const char *const pages[] = {".html", ".htm", NULL};
    const char *rest[1];
    int rests, status;
    option options[] = {
        {NULL, OPTION_HEADING, NULL, NULL, "What to ask, and how:"},
        {"method", OPTION_TEXT, (void *)&o->method, "METHOD[,METHOD...]",
         "how to answer (fused_agreement)"},
        ROW_MODEL(o->model),
        ROW_DATASET(o->dataset, "the instruction, and where results go (as the data is)"),
        ROW_DATA(o->data),
        ROW_FEWSHOT_DATA(o->fewshot_data),
        ROW_FEWSHOTS(o->fewshots),
        {"num_paraphrases", OPTION_COUNT, &o->paraphrases, "1..N", "paraphrases of a question (5)"},
        {"num_ensemble", OPTION_COUNT, &o->paraphrases, "1..N", "the original's name for it"},
        {"indexs", OPTION_TEXT, (void *)&o->indexs, "0,1,2",
         "which paraphrases, instead of the first N"},
        {"num_manual", OPTION_COUNT, &o->manuals, "N", "manual templates (myriadlama_flex: all)"},
        {"num_auto", OPTION_COUNT, &o->autos, "N",
         "automatic templates behind them (myriadlama_flex: 5)"},
        {"allow_manual_cross_attention", OPTION_FLAG, &o->manual_cross, NULL,
         "manual templates see each other: --mask manual-cross (myriadlama_flex)"},
        {"max_samples", OPTION_COUNT, &o->samples, "1..N", "questions to answer (all)"},
        ROWS_ANSWER(o),
        ROWS_CHAT(o),
        ROWS_METHOD(o, "1|1/N|confidence|entropy[:T]|agreement[:T]|W,W,..",
                    "softmax mass of the paraphrases (fusion); confidence: shares of it; entropy: "
                    "exp(-H / T) of each alone (T 0.5); agreement: what all give to its best "
                    "token, ^ 1/T (T 0.25)"),
        ROWS_DECODING(o),
        {"by_relation", OPTION_TEXT, (void *)&o->by_relation, "FILE",
         "JSON: relation -> mask, mass, method, ...; segfuse analyze --by_relation writes one"},
        {"confidence", OPTION_TEXT, (void *)&o->confidence, "FILE",
         "for weighted_* and --mass confidence (confidence.feather in the output folder)"},
        {NULL, OPTION_HEADING, NULL, NULL,
         "What the original's scripts do by accident, to compare with their results:"},
        {"accidents", OPTION_TEXT, (void *)&o->accidents, "ACCIDENT[,ACCIDENT...]",
         "none without this; each method takes those of its own script (see below)"},
        {NULL, OPTION_HEADING, NULL, NULL, "Looking at one question; no result is written:"},
        {"explain", OPTION_TEXT, (void *)&o->explain, "UUID",
         "its prompts, masks, candidates and attention, by each method; also by its number, from 1"},
        {"report", OPTION_TEXT, (void *)&o->report, "FILE.html", "... as a page"},
        {NULL, OPTION_HEADING, NULL, NULL, "Running:"},
        ROWS_OUTPUT(o->output),
        {"rewrite", OPTION_FLAG, &o->rewrite, NULL,
         "forget results and journals that are there, start anew"},
        {"tag", OPTION_TEXT, (void *)&o->tag, "NAME",
         "a word for the files' names: variants of a method side by side"},
        {"shard", OPTION_TEXT, (void *)&o->shard, "K/N",
         "the K-th of N parts of the questions (from 1); see segfuse merge"},
        {"lemmatize", OPTION_FLAG, &o->lemmatize, NULL, "add predict_lemma and answer_lemmas"},
        {"lemmaize", OPTION_FLAG, &o->lemmatize, NULL, "the original's spelling of it"},
        {"batch_size", OPTION_COUNT, &o->batch, "1..N",
         "questions in flight (16); changes no result"},
        {"reuse", OPTION_TEXT, (void *)&o->reuse, "exact|rotated",
         "rotated: flex_attention's prompts share their examples; equal up to rounding (exact)"},
        ROWS_MACHINE(o->threads, o->device, o->exact, o->kernels, o->arithmetic),
        {"dump_layout", OPTION_TEXT, (void *)&o->dump_layout, "OUT.json",
         "the first context, for segfuse forward"},
        ROW_QUIET(o->quiet),
        ROWS_END};
    memset(&run, 0, sizeof run);
    o->method = "fused_agreement";
    o->fewshots = o->paraphrases = 5, o->batch = 16, o->seed = 42;
    o->manuals = o->autos = -1;
    if (method_asked(argc, argv)) return method_help(method_asked(argc, argv));
    status = options_parse(argc, argv, options, "",
                           "Answer questions; write Feather and CSV; end with a table.", rest,
                           &rests, 0);
    if (!status && options_as == FORM_PARSE) methods_help();
    if (status >= 0) return status;
    if (!device_known(o->device) || !chat_usage(o)) return 2;
    if (!generate_usage(o) || !output_ends("report", o->report, pages, ".html")) return 2;
    status = generate_all(&run);
    run_free(&run);
    return status;
}
