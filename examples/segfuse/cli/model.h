/* Where models are: a folder, a folder below $SEGFUSE_MODELS, below ./models or the models folder
   of the program's project or installation, or a snapshot in the cache of Hugging Face. */
#ifndef SEGFUSE_MODEL_H
#define SEGFUSE_MODEL_H

#include "../../../segfuse.h"

#include <stdio.h>

#define BUNDLED_MODEL "segfuse-2m"
extern const char *program_called;
void program_find(const char *called);
/* The i-th place where a file of the project may be: here; above the folder of this program
   (build/segfuse -> its project); where `make install` puts it. 0 behind the last. */
int project_place(int i, const char *relative, char *out, size_t cap);
/* The first of these places that is there; else the first. */
const char *project_path(const char *relative, char *out, size_t cap);
/* What results are filed under: the registry's name, or the last part of the path or id. */
void model_name(const char *given, char *out, size_t cap);
typedef struct model_search {
    char *path; /* the place looked at last */
    size_t cap;
    char places[4096]; /* all of them, for a message */
} model_search;
/* 1: s->path is the folder of the model; 0: there is none, s->places is where it was looked for;
   -1: it is in the cache, but broken, and err says how. */
int model_search_for(model_search *s, const char *name, sgf_error *err);
/* After "there is no such model": how to come by it. */
void model_advise(FILE *out, const char *name);
/* The folder of the model that the user calls `name` (NULL: the bundled one): 1, else 0 after
   saying why. */
int model_find(const char *verb, const char *name, char *path, size_t cap);
/* Is this word a model rather than a file? */
int is_model(const char *name);

#endif
