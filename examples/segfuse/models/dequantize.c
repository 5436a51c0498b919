/* Block formats of ggml (ggml-common.h). A block holds scales as f16 and small whole numbers. Every
   product here is exact in f32 (11 bits of an f16 times at most 13 of the numbers), so a compiler that
   contracts a * b + c changes no bit. Bytes are read one by one, so any machine reads them right. */
#include "dequantize.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static float dequantize_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}
static uint32_t dequantize_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}
/* The f16 at `in`. */
static float dequantize_half(const unsigned char *in) {
    uint32_t h = in[0] | (uint32_t)in[1] << 8, sign = (h & 0x8000) << 16;
    uint32_t exponent = h >> 10 & 31, fraction = h & 1023;
    if (!exponent) return dequantize_float(sign | dequantize_bits((float)fraction * 0x1p-24f));
    exponent = exponent == 31 ? 255 : exponent + 112;
    return dequantize_float(sign | exponent << 23 | fraction << 13);
}
uint16_t dequantize_bf16(float x) {
    uint32_t bits = dequantize_bits(x);
    if (x != x) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
uint16_t dequantize_f16(float x) {
    uint32_t bits = dequantize_bits(x), sign = bits >> 16 & 0x8000, all = bits & 0x7FFFFFFF, half;
    if (all > 0x7F800000) return (uint16_t)(sign | 0x7E00);
    if (all >= 0x477FF000) return (uint16_t)(sign | 0x7C00); /* rounds to 65536 or more */
    if (all < 0x38800000)                                    /* subnormal: in units of 2^-24 */
        return (uint16_t)(sign | (uint32_t)nearbyint((double)fabsf(x) * 0x1p24));
    half = all - 0x38000000;
    return (uint16_t)(sign | (half + 0xFFF + (half >> 13 & 1)) >> 13);
}

/* ---- blocks of one element ---- */

static void dequantize_block_f32(const unsigned char *in, float *out) {
    *out = dequantize_float(in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 |
                            (uint32_t)in[3] << 24);
}
static void dequantize_block_f16(const unsigned char *in, float *out) {
    *out = dequantize_half(in);
}
static void dequantize_block_bf16(const unsigned char *in, float *out) {
    *out = dequantize_float((uint32_t)in[0] << 16 | (uint32_t)in[1] << 24);
}

/* ---- blocks of 32: low halves of the bytes are elements 0-15, high halves 16-31 ---- */

static int dequantize_nibble(const unsigned char *in, int i) {
    return i < 16 ? in[i] & 15 : in[i - 16] >> 4;
}
static void dequantize_block_q4_0(const unsigned char *in, float *out) {
    float d = dequantize_half(in);
    int i;
    for (i = 0; i < 32; i++) out[i] = d * (float)(dequantize_nibble(in + 2, i) - 8);
}
static void dequantize_block_q4_1(const unsigned char *in, float *out) {
    float d = dequantize_half(in), m = dequantize_half(in + 2);
    int i;
    for (i = 0; i < 32; i++) out[i] = d * (float)dequantize_nibble(in + 4, i) + m;
}
/* Four bytes hold the fifth bits. */
static int dequantize_five(const unsigned char *in, int i) {
    return dequantize_nibble(in + 4, i) | (in[i / 8] >> i % 8 & 1) << 4;
}
static void dequantize_block_q5_0(const unsigned char *in, float *out) {
    float d = dequantize_half(in);
    int i;
    for (i = 0; i < 32; i++) out[i] = d * (float)(dequantize_five(in + 2, i) - 16);
}
static void dequantize_block_q5_1(const unsigned char *in, float *out) {
    float d = dequantize_half(in), m = dequantize_half(in + 2);
    int i;
    for (i = 0; i < 32; i++) out[i] = d * (float)dequantize_five(in + 4, i) + m;
}
static void dequantize_block_q8_0(const unsigned char *in, float *out) {
    float d = dequantize_half(in);
    int i;
    for (i = 0; i < 32; i++) out[i] = d * (float)(signed char)in[2 + i];
}
/* A table of 16 values, dense around zero. */
static const signed char dequantize_nl[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                              1,    13,   25,  38,  53,  69,  89,  113};
static void dequantize_block_iq4_nl(const unsigned char *in, float *out) {
    float d = dequantize_half(in);
    int i;
    for (i = 0; i < 32; i++) out[i] = d * (float)dequantize_nl[dequantize_nibble(in + 2, i)];
}

/* ---- K types: blocks of 256, whose parts have scales of their own ---- */

/* Parts of 16 with 4 bits for scale and minimum; quants of 2 bits, 128 elements in 32 bytes. */
static void dequantize_block_q2_k(const unsigned char *in, float *out) {
    float d = dequantize_half(in + 80), least = dequantize_half(in + 82);
    int i;
    for (i = 0; i < 256; i++) {
        int part = in[i / 16], q = in[16 + i / 128 * 32 + i % 32] >> i / 32 % 4 * 2 & 3;
        out[i] = d * (float)(part & 15) * (float)q - least * (float)(part >> 4);
    }
}
/* Parts of 16 with scales of 6 bits; a third bit of each quant, 0 for minus 4, comes first. */
static void dequantize_block_q3_k(const unsigned char *in, float *out) {
    const unsigned char *scales = in + 96;
    float d = dequantize_half(in + 108);
    int i;
    for (i = 0; i < 256; i++) {
        int k = i / 16, low = scales[k % 8] >> k / 8 * 4 & 15,
            high = scales[8 + k % 4] >> k / 4 * 2 & 3;
        int q = in[32 + i / 128 * 32 + i % 32] >> i / 32 % 4 * 2 & 3;
        q -= in[i % 32] >> i / 32 & 1 ? 0 : 4;
        out[i] = d * (float)((low | high << 4) - 32) * (float)q;
    }
}
/* Parts of 32: the scale and the minimum of part k, 6 bits each, from 12 bytes. */
static int dequantize_scale(const unsigned char *scales, int k, int least) {
    const unsigned char *at = scales + least * 4;
    if (k < 4) return at[k] & 63;
    return (scales[4 + k] >> least * 4 & 15) | at[k - 4] >> 6 << 4;
}
/* Q4_K and Q5_K; `high` holds the fifth bits of the latter. */
static void dequantize_parts(const unsigned char *in, const unsigned char *high,
                             const unsigned char *quants, float *out) {
    float d = dequantize_half(in), least = dequantize_half(in + 2);
    int i;
    for (i = 0; i < 256; i++) {
        int k = i / 32, q = quants[i / 64 * 32 + i % 32] >> k % 2 * 4 & 15;
        if (high) q |= (high[i % 32] >> k & 1) << 4;
        out[i] = d * (float)dequantize_scale(in + 4, k, 0) * (float)q -
                 least * (float)dequantize_scale(in + 4, k, 1);
    }
}
static void dequantize_block_q4_k(const unsigned char *in, float *out) {
    dequantize_parts(in, NULL, in + 16, out);
}
static void dequantize_block_q5_k(const unsigned char *in, float *out) {
    dequantize_parts(in, in + 16, in + 48, out);
}
/* Parts of 16 with scales of 8 bits; quants of 6 bits, four low and two high. */
static void dequantize_block_q6_k(const unsigned char *in, float *out) {
    const unsigned char *high = in + 128, *scales = in + 192;
    float d = dequantize_half(in + 208);
    int i;
    for (i = 0; i < 256; i++) {
        int q = in[i / 128 * 64 + i % 64] >> i / 64 % 2 * 4 & 15;
        q |= (high[i / 128 * 32 + i % 32] >> i / 32 % 4 * 2 & 3) << 4;
        out[i] = d * (float)(signed char)scales[i / 16] * (float)(q - 32);
    }
}

/* ---- by number ---- */

static const dequantize_type dequantize_types[] = {
    {0, "F32", 1, 4, dequantize_block_f32},          {1, "F16", 1, 2, dequantize_block_f16},
    {2, "Q4_0", 32, 18, dequantize_block_q4_0},      {3, "Q4_1", 32, 20, dequantize_block_q4_1},
    {6, "Q5_0", 32, 22, dequantize_block_q5_0},      {7, "Q5_1", 32, 24, dequantize_block_q5_1},
    {8, "Q8_0", 32, 34, dequantize_block_q8_0},      {10, "Q2_K", 256, 84, dequantize_block_q2_k},
    {11, "Q3_K", 256, 110, dequantize_block_q3_k},   {12, "Q4_K", 256, 144, dequantize_block_q4_k},
    {13, "Q5_K", 256, 176, dequantize_block_q5_k},   {14, "Q6_K", 256, 210, dequantize_block_q6_k},
    {20, "IQ4_NL", 32, 18, dequantize_block_iq4_nl}, {30, "BF16", 1, 2, dequantize_block_bf16}};
/* Types that are not read, for messages. */
static const struct {
    uint32_t number;
    const char *name;
} dequantize_others[] = {
    {9, "Q8_1"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"},
    {21, "IQ3_S"}, {22, "IQ2_S"}, {23, "IQ4_XS"},  {24, "I8"},     {25, "I16"},     {26, "I32"},
    {27, "I64"},   {28, "F64"},   {29, "IQ1_M"},   {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"}};

const dequantize_type *dequantize_find(uint32_t number) {
    size_t i;
    for (i = 0; i < sizeof dequantize_types / sizeof *dequantize_types; i++)
        if (dequantize_types[i].number == number) return &dequantize_types[i];
    return NULL;
}
const char *dequantize_name(uint32_t number, char *room) {
    const dequantize_type *type = dequantize_find(number);
    size_t i;
    if (type) return type->name;
    for (i = 0; i < sizeof dequantize_others / sizeof *dequantize_others; i++)
        if (dequantize_others[i].number == number) return dequantize_others[i].name;
    snprintf(room, 24, "type %lu", (unsigned long)number);
    return room;
}
void dequantize(const dequantize_type *type, const unsigned char *in, size_t blocks, float *out) {
    for (; blocks; blocks--, in += type->bytes, out += type->elements) type->block(in, out);
}
