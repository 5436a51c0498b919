/* A tile unit (AMX) that loads and stores tiles, each as 16 vectors of AVX-512, and does not multiply: on a machine
   without a unit, what the kernels for one take besides its multiplications. Results are wrong. Included before
   segfuse.h. `make bench CFLAGS="-O3 -DTILES_IDLE"`: the rows of the forward pass and of attention in bf16. */
#define SGF__AMX_EMULATED
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>

static uint32_t sgf__amx_saved(void) {
    return 0x60000;
}
static long sgf__amx_permit(void) {
    return 0;
}
__attribute__((target("avx512f"))) static void idle_load(const void *from, size_t stride) {
    int r;
    for (r = 0; r < 16; r++) {
        __m512i row = _mm512_loadu_si512((const char *)from + (size_t)r * stride);
        __asm__ volatile("" : : "v"(row)); /* it is read */
    }
}
__attribute__((target("avx512f"))) static void idle_store(void *to, size_t stride) {
    int r;
    for (r = 0; r < 16; r++)
        _mm512_storeu_si512((char *)to + (size_t)r * stride, _mm512_setzero_si512());
}
#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig(config)   (void)(config)
#define _tile_release()            (void)0
#define _tile_zero(t)              (void)0
#define _tile_loadd(t, p, stride)  idle_load(p, stride)
#define _tile_stored(t, p, stride) idle_store(p, stride)
#define _tile_dpbf16ps(to, w, x)   (void)0
