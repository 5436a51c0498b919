/* Weights as GGUF stores them -> f32, with the bits of gguf.quants.dequantize (PyPI). */
#ifndef SEGFUSE_DEQUANTIZE_H
#define SEGFUSE_DEQUANTIZE_H

#include "../../../segfuse.h"

enum { DEQUANTIZE_MOST = 256 }; /* elements of the longest block */

typedef struct dequantize_type {
    uint32_t number; /* in the file */
    const char *name;
    unsigned elements, bytes; /* of a block */
    void (*block)(const unsigned char *in, float *out);
} dequantize_type;

/* NULL: a type that is not read. */
const dequantize_type *dequantize_find(uint32_t number);
/* "Q4_1", also of types that are not read; "type 99" written to room[24] for others. */
const char *dequantize_name(uint32_t number, char *room);
/* in: `blocks` blocks; out: their elements. */
void dequantize(const dequantize_type *type, const unsigned char *in, size_t blocks, float *out);
/* f32 -> the 16 bits of bf16 or f16, to nearest even. A NaN stays one. */
uint16_t dequantize_bf16(float x);
uint16_t dequantize_f16(float x);

#endif
