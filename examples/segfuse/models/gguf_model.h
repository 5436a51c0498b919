/* A GGUF file as the folder that Hugging Face's libraries and segfuse read. */
#ifndef SEGFUSE_GGUF_MODEL_H
#define SEGFUSE_GGUF_MODEL_H

#include "../base/json.h"
#include "gguf.h"

/* A weight of the folder. */
typedef struct gguf_weight {
    char name[96]; /* Hugging Face's */
    const gguf_tensor *tensor;
    sgf_dtype dtype;
    uint64_t turned; /* heads whose rows llama.cpp put into another order; 0: none */
} gguf_weight;

typedef struct gguf_model {
    gguf g;
    json_out config, generation, tokenizer, tokenizer_config; /* the texts of the files */
    gguf_weight *weights; /* [count], in the order of the file that is written */
    size_t count;
    sgf_dtype dtype; /* of the matrices */
    uint64_t parameters;
} gguf_model;

/* Everything but the weights' values: a file that this takes can be converted. dtype -1: one that holds
   every value exactly, each weight's own or f32. Free with gguf_model_free, after a failure too. */
sgf_status gguf_model_make(const char *file, const char *bytes, size_t size, int dtype,
                           const sgf_allocator *mem, gguf_model *out, sgf_error *err);
void gguf_model_free(gguf_model *m);
/* Row `row` of a weight as it is written, in f32, to out[cols]. */
void gguf_weight_row(const gguf_weight *w, uint64_t row, float *out);

#endif
