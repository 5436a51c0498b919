/* The program: one idea, one file. Data goes to stdout or the named file, progress and messages to
   stderr. Exit status: 0 done, 1 failed on input or environment, 2 wrong usage. */
#define _XOPEN_SOURCE 700 /* realpath under -std=c99 */
#define SEGFUSE_IMPLEMENTATION
#include "../../segfuse.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "options.c"
#include "hub.c"
#include "model.c"
#include "dataset.c"
#include "progress.c"
#include "setup.c"
#include "results.c"
#include "run.c"
#include "generate.c"
#include "tokenize.c"
#include "forward.c"
#include "inspect.c"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} verbs[] = {
    {"generate", verb_generate, "answer the questions of a data set by one or more methods"},
    {"forward", verb_forward, "logits of a layout file, as .npy"},
    {"tokenize", verb_tokenize, "texts to ids, ids to texts"},
    {"inspect", verb_inspect, "what is in a model folder or a table"},
};
enum { VERBS = (int)(sizeof verbs / sizeof verbs[0]) };

static void usage(FILE *file) {
    int i;
    fprintf(file, "segfuse " SGF_VERSION ": one question, many paraphrases, one fused answer\n\n"
                  "usage: segfuse VERB [options]     segfuse VERB --help\n\n");
    for (i = 0; i < VERBS; i++) fprintf(file, "  %-10s %s\n", verbs[i].name, verbs[i].help);
}

int main(int argc, char **argv) {
    int i;
    if (argc > 1 &&
        (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
        usage(stdout);
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "--version")) {
        puts("segfuse " SGF_VERSION);
        return 0;
    }
    program_path = argv[0];
    for (i = 0; argc > 1 && i < VERBS; i++)
        if (!strcmp(argv[1], verbs[i].name)) {
            int status = verbs[i].run(argc - 1, argv + 1);
            if (fflush(stdout) || ferror(stdout)) {
                fprintf(stderr, "segfuse %s: writing to stdout failed: %s\n", argv[1],
                        strerror(errno));
                return 1;
            }
            return status;
        }
    if (argc > 1) fprintf(stderr, "segfuse: there is no verb '%s'\n\n", argv[1]);
    usage(stderr);
    return 2;
}
