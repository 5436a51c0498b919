/* An emulated tile unit (AMX). Included before segfuse.h, it takes the place of the instructions, of
   CPUID, of XCR0 and of the system's permission, so that the kernel for the unit runs on any x86-64:
   with the results that Intel's manual defines, and with the faults that it names, which are counted.
   TILES_REAL: nothing is emulated, the tests use the unit of this machine. */
#ifndef SGF_TEST_TILES_H
#define SGF_TEST_TILES_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(TILES_REAL)
#define TILES_EMULATED
#define SGF__AMX_EMULATED
#include <cpuid.h>
#include <immintrin.h>

/* clang-format off */
enum {
    TILES_NONE = 1,          /* the processor has no unit */
    TILES_NO_BF16 = 2,       /* it has one for other types */
    TILES_NOT_SAVED = 4,     /* the system does not save its registers */
    TILES_NOT_PERMITTED = 8, /* the system does not permit it */
    TILES_LATE_FLUSH = 16,   /* it rounds as IEEE 754 says, to subnormals, and then flushes */
    TILES_WRONG_ORDER = 32,  /* it adds one chain of 32, and not two of 16 */
    TILES_ODD_ROUNDING = 64  /* it cuts off what does not fit */
};
/* clang-format on */
static int tiles_how = TILES_NONE;
static long tiles_products; /* atomic: TDPBF16PS that ran */
static long tiles_configs;  /* atomic: threads whose tiles are configured */
static long tiles_faults;   /* atomic: instructions that the processor would have refused */

typedef struct tiles_state {
    int rows[8], bytes[8], on;
    unsigned char data[8][16][64];
} tiles_state;
static __thread tiles_state tiles_now;

static int tiles_fault(const char *what) {
    if (__atomic_add_fetch(&tiles_faults, 1, __ATOMIC_RELAXED) <= 3)
        printf("    tiles: %s\n", what);
    return 0;
}
/* May an instruction use this tile? */
static int tiles_ready(int t) {
    if (!tiles_now.on) return tiles_fault("a tile was used before tiles were configured");
    if (t < 0 || t > 7) return tiles_fault("there are tiles 0 to 7");
    return tiles_now.rows[t] || tiles_fault("a tile without rows was used");
}
static void tiles_release(void) {
    if (tiles_now.on) __atomic_sub_fetch(&tiles_configs, 1, __ATOMIC_RELAXED);
    memset(&tiles_now, 0, sizeof tiles_now);
}
static void tiles_configure(const void *memory) {
    unsigned char c[64];
    int i, bad = 0;
    memcpy(c, memory, sizeof c);
    tiles_release();
    for (i = 1; i < 64; i++) bad |= (i < 16 || (i >= 32 && i < 48) || i >= 56) && c[i];
    for (i = 0; i < 8; i++) {
        tiles_now.bytes[i] = c[16 + 2 * i] | c[17 + 2 * i] << 8, tiles_now.rows[i] = c[48 + i];
        bad |= tiles_now.bytes[i] > 64 || tiles_now.rows[i] > 16 ||
               !tiles_now.bytes[i] != !tiles_now.rows[i];
    }
    if (c[0] != 1 || bad) {
        memset(&tiles_now, 0, sizeof tiles_now);
        tiles_fault("a configuration that the processor refuses");
        return;
    }
    tiles_now.on = 1;
    __atomic_add_fetch(&tiles_configs, 1, __ATOMIC_RELAXED);
}
static void tiles_zero(int t) {
    if (tiles_ready(t)) memset(tiles_now.data[t], 0, sizeof tiles_now.data[t]);
}
static void tiles_load(int t, const void *from, size_t stride) {
    int r;
    if (!tiles_ready(t)) return;
    memset(tiles_now.data[t], 0, sizeof tiles_now.data[t]);
    for (r = 0; r < tiles_now.rows[t]; r++)
        memcpy(tiles_now.data[t][r], (const char *)from + (size_t)r * stride,
               (size_t)tiles_now.bytes[t]);
}
static void tiles_store(int t, void *to, size_t stride) {
    int r;
    for (r = 0; tiles_ready(t) && r < tiles_now.rows[t]; r++)
        memcpy((char *)to + (size_t)r * stride, tiles_now.data[t][r], (size_t)tiles_now.bytes[t]);
}
/* A bf16, widened; subnormal: a zero. */
static float tiles_wide(uint16_t h) {
    uint32_t u = (uint32_t)(h & 0x7F80 ? h : h & 0x8000) << 16;
    float x;
    memcpy(&x, &u, 4);
    return x;
}
/* a b + c, rounded as if exponents had no end, then a zero below 2^-126. a b is exact in double; where
   the sum is near 2^-126 it is exact, too, or a b is far too small to matter. */
static float tiles_fma(float a, float b, float c) {
    double exact = (double)a * (double)b + (double)c;
    float sum = fmaf(a, b, c);
    if (tiles_how & TILES_ODD_ROUNDING && fabs((double)sum) > fabs(exact)) sum = nextafterf(sum, 0);
    if (fabs(tiles_how & TILES_LATE_FLUSH ? (double)sum : exact + copysign(0x1p-151, exact)) <
        0x1p-126)
        return copysignf(0, sum);
    return sum;
}
static void tiles_multiply(int to, int left, int right) {
    int m, n, k, half;
    if (!tiles_ready(to) || !tiles_ready(left) || !tiles_ready(right)) return;
    if (to == left || to == right || left == right || tiles_now.rows[to] != tiles_now.rows[left] ||
        tiles_now.bytes[to] != tiles_now.bytes[right] ||
        tiles_now.bytes[left] / 4 != tiles_now.rows[right] ||
        (tiles_now.bytes[to] | tiles_now.bytes[left]) % 4) {
        tiles_fault("a product of tiles whose shapes do not fit");
        return;
    }
    for (m = 0; m < tiles_now.rows[to]; m++)
        for (n = 0; n < tiles_now.bytes[to] / 4; n++) {
            float part[2] = {0, 0}, all;
            for (k = 0; k < tiles_now.bytes[left] / 4; k++)
                for (half = 0; half < 2; half++) {
                    uint16_t w, x;
                    float *sum = &part[tiles_how & TILES_WRONG_ORDER ? 0 : half];
                    memcpy(&w, &tiles_now.data[left][m][4 * k + 2 * half], 2);
                    memcpy(&x, &tiles_now.data[right][k][4 * n + 2 * half], 2);
                    *sum = tiles_fma(tiles_wide(w), tiles_wide(x), *sum);
                }
            memcpy(&all, &tiles_now.data[to][m][4 * n], 4);
            all = tiles_fma(1, all, tiles_fma(1, part[0], part[1]));
            memcpy(&tiles_now.data[to][m][4 * n], &all, 4);
        }
    __atomic_add_fetch(&tiles_products, 1, __ATOMIC_RELAXED);
}
static int tiles_cpuid(unsigned leaf, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
    int known = (__get_cpuid)(leaf, a, b, c, d);
    *c |= leaf == 1 ? 1u << 27 : 0;
    return known;
}
static int tiles_cpuid_count(unsigned leaf, unsigned sub, unsigned *a, unsigned *b, unsigned *c,
                             unsigned *d) {
    int known = (__get_cpuid_count)(leaf, sub, a, b, c, d);
    if (leaf != 7 || sub) return known;
    *d &= ~(5u << 22);
    if (!(tiles_how & TILES_NONE)) *d |= tiles_how & TILES_NO_BF16 ? 4u << 22 : 5u << 22;
    return 1;
}
static uint32_t sgf__amx_saved(void) {
    return tiles_how & TILES_NOT_SAVED ? 0xE7 : 0x600E7;
}
static long sgf__amx_permit(void) {
    return tiles_how & TILES_NOT_PERMITTED ? -95 : 0; /* EOPNOTSUPP */
}
#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig  tiles_configure
#define _tile_release     tiles_release
#define _tile_zero        tiles_zero
#define _tile_loadd       tiles_load
#define _tile_stored      tiles_store
#define _tile_dpbf16ps    tiles_multiply
#define __get_cpuid       tiles_cpuid
#define __get_cpuid_count tiles_cpuid_count
#endif
#endif
