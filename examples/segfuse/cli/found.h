/* The models that are on this machine, in the order in which --model looks for them: below
   $SEGFUSE_MODELS, in the project, in the cache of Hugging Face. */
#ifndef SEGFUSE_FOUND_H
#define SEGFUSE_FOUND_H

#include "../../../segfuse.h"

typedef struct {
    char name[300]; /* what --model takes */
    char path[1300];
    const char *where;
    sgf_error err; /* what is broken, if err.status is not SGF_OK */
} found_model;
typedef struct {
    found_model *items;
    size_t count, cap;
} found_models;
/* `found` is freed with free(found.items). */
found_models found_make(void);

#endif
