/* segfuse inspect: what is in a model folder, or in a table file. Nothing of the weights is read
   but their headers and a sample, so it is quick for the largest model. */
#ifndef SEGFUSE_INSPECT_H
#define SEGFUSE_INSPECT_H

#include "../data/tensors.h"

int folder_has(const char *path, const char *name);
/* Bytes of all tensors in the files; their types, in the order of the names. */
uint64_t weights_sum(const tensors *w, char *types, size_t cap);
typedef struct inspected {
    const char *path;
    int has_config, has_weights, has_tokenizer; /* the files are there */
    int configured;                             /* config is valid */
    sgf_config config;
    sgf_model *model;         /* NULL if it could not be loaded */
    sgf_tokenizer *tokenizer; /* the model's, else `own` */
    sgf_tokenizer *own;
    sgf_error err; /* the first thing that is wrong; status SGF_OK if nothing is */
} inspected;
/* Load all that can be loaded. The model, once loaded, knows better than config.json whether its
   matrices are tied. */
void inspect_load(inspected *x);

#endif
