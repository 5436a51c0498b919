/* Models by name: the original's short names, and what `hf download` has brought to this machine.

   The cache of huggingface_hub, as its constants.py and file_download.py define it:
       models--ORG--NAME/refs/main              a commit
       models--ORG--NAME/snapshots/COMMIT/FILE  a link to models--ORG--NAME/blobs/DIGEST */
#ifndef SEGFUSE_HUB_H
#define SEGFUSE_HUB_H

#include "../base/base.h"

/* The names, in order; NULL behind the last. */
const char *registry_name(size_t i);
/* The Hugging Face id of a name of the original; NULL if it is none. */
const char *registry_id(const char *name);
/* The other way round. */
const char *registry_name_of(const char *id);
/* Is there nothing at `path`? What cannot be looked at may well be there. */
int is_free(const char *path);
int is_folder(const char *path);
/* printf to a path. One that does not fit is left empty (there is nothing at such a place): 0. */
int path_make(char *out, size_t cap, const char *format, ...);
/* The value of an environment variable; NULL if it is not set, or empty. */
const char *environment(const char *name);
/* Where huggingface_hub keeps its cache. */
void hub_folder(char *out, size_t cap);
/* A word as a shell reads it back. */
void shell_print(const char *word);
/* ORG/NAME or NAME, as huggingface_hub takes them; nothing else becomes a path in the cache. */
int is_hub_id(const char *id);
/* The folder of a model in the cache; `id` is a valid one. */
void hub_place(const char *id, char *out, size_t cap);
int has_ending(const char *text, const char *ending);
/* The current snapshot in the folder of model `id`: 1, and `path` is it; else 0, and err says what
   is broken. What stands in the cache came from elsewhere: a commit must be a plain name. */
int hub_snapshot(const char *id, const char *place, char *path, size_t cap, sgf_error *err);

#endif
