/* GGUF files (ggml-org/ggml, docs/gguf.md), versions 2 and 3:

   1. "GGUF", u32 version, u64 number of tensors, u64 number of keys
   2. keys: string, u32 type, value. A string is u64 length, bytes; an array u32 type, u64 n, n items
   3. tensors: name, u32 rank, u64 dimensions (the first is a row's length), u32 type, u64 offset
   4. from the next multiple of general.alignment (32) on: the data, to which offsets are relative

   Little-endian. Nothing in the file is believed: counts, lengths and offsets are checked against its
   size, names and keys appear once, and no two tensors share bytes. */
#ifndef SEGFUSE_GGUF_H
#define SEGFUSE_GGUF_H

#include "../base/base.h"
#include "dequantize.h"

enum {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64
};

typedef struct gguf_key {
    sgf_str name;
    uint32_t type, item; /* item: of an array */
    uint64_t count;      /* items; 1 if it is no array */
    const unsigned char *value;
} gguf_key;

typedef struct gguf_tensor {
    sgf_str name;
    uint32_t rank;
    uint64_t rows, cols; /* cols: the first dimension; rows: the product of the others */
    const dequantize_type *type;
    const unsigned char *data;
} gguf_tensor;

typedef struct gguf {
    const char *file; /* its name, for messages */
    base_arena arena;
    gguf_key *keys;       /* [key_count], sorted by name */
    gguf_tensor *tensors; /* [tensor_count], sorted by name */
    size_t key_count, tensor_count;
} gguf;

/* Read what is in front of the data. The bytes must stay. Free with gguf_free, after a failure too. */
sgf_status gguf_read(const char *file, const char *bytes, size_t size, const sgf_allocator *mem,
                     gguf *out, sgf_error *err);
void gguf_free(gguf *g);
/* NULL if there is none. */
const gguf_key *gguf_find(const gguf *g, const char *name);
const gguf_tensor *gguf_tensor_find(const gguf *g, const char *name);
/* A key that may be absent (the value is `absent` then), but not of another kind. Whole numbers and
   truth values of every width are one kind; so are floats, which may be given as whole numbers. */
sgf_status gguf_whole(const gguf *g, const char *name, int64_t absent, int64_t most, int64_t *out,
                      sgf_error *err);
sgf_status gguf_real(const gguf *g, const char *name, double absent, double *out, sgf_error *err);
sgf_status gguf_string(const gguf *g, const char *name, const char *absent, sgf_str *out,
                       sgf_error *err);
/* Arrays; *count 0 and NULL if absent. Each string is UTF-8 without zero bytes. In the arena. */
sgf_status gguf_strings(gguf *g, const char *name, sgf_str **out, size_t *count, sgf_error *err);
/* Arrays of numbers, of any width. */
sgf_status gguf_reals(gguf *g, const char *name, double **out, size_t *count, sgf_error *err);

#endif
