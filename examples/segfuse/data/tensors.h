/* The tensors of safetensors files, by their headers: names, types, shapes. No weight is read. */
#ifndef SEGFUSE_TENSORS_H
#define SEGFUSE_TENSORS_H

#include "../base/base.h"

typedef struct tensors_entry {
    sgf_str name;
    const char *dtype; /* as the file spells it: "BF16" */
    const uint64_t *shape;
    size_t rank;
    uint64_t begin, end; /* its bytes, counted from the end of the header */
    size_t file;         /* number of its file */
} tensors_entry;

typedef struct tensors {
    base_arena arena;       /* holds all of it */
    tensors_entry *entries; /* [count], sorted by name; each name once */
    size_t count, files, cap;
} tensors;

/* The tensors of one file. Its header must be whole: known types, spans of bytes that suit the shapes and
   cover the rest of the file without a gap. `mem` may be NULL (malloc). Free with tensors_free, after a
   failure too. */
sgf_status tensors_read_file(const char *path, const sgf_allocator *mem, tensors *out,
                             sgf_error *err);
/* The same of `size` bytes in memory, which need not stay; `path` names them in messages. */
sgf_status tensors_read_bytes(const char *path, const char *bytes, size_t size,
                              const sgf_allocator *mem, tensors *out, sgf_error *err);
/* Those of model.safetensors in a folder, else of all files that model.safetensors.index.json names. */
sgf_status tensors_read_folder(const char *dir, const sgf_allocator *mem, tensors *out,
                               sgf_error *err);
void tensors_free(tensors *t);

#endif
