/* The verbs of the program: each reads its options, does its work and returns the exit status. */
#ifndef SEGFUSE_VERBS_H
#define SEGFUSE_VERBS_H

#include "options.h"

int verb_confidence(int argc, char **argv);
int verb_paraphrase(int argc, char **argv);
int verb_tokenize(int argc, char **argv);
int verb_forward(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_models(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_convert(int argc, char **argv);
int verb_merge(int argc, char **argv);
int verb_mask(int argc, char **argv);
int verb_lemmatize(int argc, char **argv);
int verb_generate(int argc, char **argv);
int verb_ask(int argc, char **argv);
int verb_analyze(int argc, char **argv);
int verb_help(int argc, char **argv);
int verb_man(int argc, char **argv);
int verb_completion(int argc, char **argv);
int verb_interactive(int argc, char **argv);

/* The i-th verb or heading of the overview; NULL behind the last. */
const program_verb *verb_at(size_t i);

#endif
