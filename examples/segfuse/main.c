/* The program: one idea, one file. Data goes to stdout or the named file, progress and messages to
   stderr. Exit status: 0 done, 1 failed on input or environment, 2 wrong usage, 128 + the signal that
   stopped a run. */
#define _XOPEN_SOURCE 700
#include "cli/model.h"
#include "cli/manual.h"
#include "cli/verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const program_verb verbs[] = {
    {NULL, NULL, "Answer questions:"},
    {"generate", verb_generate, "answer the questions of a data set by one or more methods"},
    {"ask", verb_ask, "answer a question of your own, in one or more wordings"},
    {"interactive", verb_interactive, "asks what to do, step by step; shows the command, runs it"},
    {"confidence", verb_confidence, "how sure the model is of its answer to each paraphrase"},
    {"paraphrase", verb_paraphrase, "new wordings of every question, by the model itself"},
    {NULL, NULL, "Files:"},
    {"merge", verb_merge, "the shards of a result become one file"},
    {"convert", verb_convert, "a table as Feather, CSV or JSON lines; a GGUF model as a folder"},
    {NULL, NULL, "Understand results:"},
    {"analyze", verb_analyze, "compare methods: accuracy, intervals, tests; a report"},
    {"lemmatize", verb_lemmatize, "add lemmas to result files, in place"},
    {NULL, NULL, "Look inside:"},
    {"inspect", verb_inspect, "what is in a model folder or a table"},
    {"models", verb_models,
     "the models of this machine: memory, chat format, supported or why not"},
    {"tokenize", verb_tokenize, "texts to ids, ids to texts"},
    {"mask", verb_mask, "draw, check, explain, compare and export a mask"},
    {"forward", verb_forward, "logits of a layout file, as .npy"},
    {NULL, NULL, "The program itself:"},
    {"check", verb_check, "what this machine offers, which models are here, and whether all works"},
    {"help", verb_help, "this text, or that of a verb"},
    {"man", verb_man, "the manual page"},
    {"completion", verb_completion, "completion of what you type, for bash and zsh"},
};
enum { VERBS = (int)(sizeof verbs / sizeof verbs[0]) };

const program_verb *verb_at(size_t i) {
    return i < VERBS ? &verbs[i] : NULL;
}

static int verb_run(const program_verb *v, int argc, char **argv) {
    int status = v->run(argc, argv);
    if (!fflush(stdout) && !ferror(stdout)) return status;
    fprintf(stderr, "segfuse %s: writing to stdout failed: %s\n", v->name, strerror(errno));
    return 1;
}
int main(int argc, char **argv) {
    const program_verb *v;
    program_find(argv[0]);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to report, not to die of */
    if (argc < 2) {
        overview(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--version")) argv[1] = (char *)"version";
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) argv[1] = (char *)"help";
    if (!strcmp(argv[1], "version")) {
        puts("segfuse " SGF_VERSION);
        return 0;
    }
    v = verb_find(argv[1]);
    return v ? verb_run(v, argc - 1, argv + 1) : 2;
}
