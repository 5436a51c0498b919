/* What a method needs of a question (its paraphrases and their confidences), and what it is, for
   --help. */
#ifndef SEGFUSE_METHODS_H
#define SEGFUSE_METHODS_H

#include "setup.h"

/* Does the method weigh paraphrases by confidence? */
int method_weighs(const generate_run *run, const sgf_method *m);
void confidences_free(confidences *c);
/* Read the confidences, if a method wants them; 0 after saying what is wrong. */
int confidences_find(generate_run *run);
typedef struct {
    sgf_str *text; /* [n] its paraphrases */
    unsigned char *manual;
    double *weight; /* NULL: none */
    size_t n;
} asked;
/* The examples of one question; with --chat, as turns before it. `myriadlama` asks examples in several
   wordings, so they are part of the user's text. */
sgf_status question_examples(const generate_run *run, const sgf_method *m, const question *q,
                             base_arena *arena, sgf_prompt *prompt, sgf_error *err);
sgf_status question_ask(const generate_run *run, const sgf_method *m, const question *q,
                        base_arena *arena, asked *a, sgf_error *err);
/* "shifted,no-cue", or "none". */
const char *method_accident_names(unsigned accidents, char *out, size_t cap);
/* generate --method M --help: what M is. The value of --method if --help stands there too. */
const char *method_asked(int argc, char **argv);
int method_help(const char *names);
/* Behind the options: the methods in a line each, and the accidents. */
void methods_help(void);

#endif
