#include "sample.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- weights: the library's exp, so that a draw depends on no libm ---- */

#if defined(__GNUC__) && defined(__x86_64__)
#define SAMPLE_INLINE static inline __attribute__((always_inline))
#else
#define SAMPLE_INLINE static inline
#endif

SAMPLE_INLINE float sample_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}
SAMPLE_INLINE uint32_t sample_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}
/* e^x for x <= 0: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor to r^7, times 2^n in two exact steps. 0 for NaN.
   Integers are compared, without branches, so that compilers make vectors of it. */
SAMPLE_INLINE float sample_exp(float x) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    uint32_t bits = sample_bits(x), i, half;
    uint32_t some = (uint32_t)(bits <= 0x7F800000u) | /* all bits; none: it is < -104, or NaN */
                    ((uint32_t)(bits >= 0x80000000u) & (uint32_t)(bits <= 0xC2D00000u));
    float y = sample_float(bits & (0u - some)), t = fmaf(y, 1.44269504f, shift), n = t - shift, r,
          p;
    i = sample_bits(t) - sample_bits(shift);
    half = (uint32_t)((int32_t)i >> 1);
    r = fmaf(n, -0.693145751953125f, y);
    r = fmaf(n, -1.42860677e-06f, r);
    p = fmaf(r, 1.98412698e-4f, 1.38888889e-3f);
    p = fmaf(p, r, 8.33333333e-3f);
    p = fmaf(p, r, 4.16666667e-2f);
    p = fmaf(p, r, 1.66666667e-1f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    p *= sample_float((half + 127u) << 23);
    p *= sample_float((i - half + 127u) << 23);
    return sample_float(sample_bits(p) & (0u - some));
}
SAMPLE_INLINE void sample_temper(const float *x, size_t n, float top, float temperature,
                                 float *out) {
    size_t i;
    for (i = 0; i < n; i++) out[i] = sample_exp((x[i] - top) / temperature);
}
#if defined(__GNUC__) && defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void
sample_temper_fma(const float *x, size_t n, float top, float temperature, float *out) {
    sample_temper(x, n, top, temperature, out);
}
#endif
/* out[n] = exp((x - top) / temperature); 0 for NaN. */
static void sample_exps(const float *x, size_t n, float top, float temperature, float *out) {
#if defined(__GNUC__) && defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        sample_temper_fma(x, n, top, temperature, out);
        return;
    }
#endif
    sample_temper(x, n, top, temperature, out);
}
static int32_t sample_greedy(const float *x, size_t n) {
    size_t v, best = 0;
    float top = -INFINITY;
    for (v = 0; v < n; v++)
        if (x[v] > top) top = x[v], best = v;
    return (int32_t)best;
}

/* ---- top_p: the heaviest ids, from a heap ---- */

/* Is id a before id b: a greater weight, or the same and a lower id? */
static int sample_before(const float *weight, int32_t a, int32_t b) {
    return weight[a] > weight[b] || (weight[a] == weight[b] && a < b);
}
static void sample_sink(const float *weight, int32_t *heap, size_t n, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        int32_t id = heap[at];
        if (child >= n) return;
        if (child + 1 < n && sample_before(weight, heap[child + 1], heap[child])) child++;
        if (sample_before(weight, id, heap[child])) return;
        heap[at] = heap[child];
        heap[child] = id;
        at = child;
    }
}
static double sample_sum(const float *weight, size_t n) {
    double sum = 0;
    size_t v;
    for (v = 0; v < n; v++) sum += (double)weight[v];
    return sum;
}
/* Keep the heaviest ids whose sum reaches `share` of the whole; the others weigh 0 afterwards. */
static void sample_nucleus(float *weight, size_t n, double share, int32_t *heap) {
    double reach = share * sample_sum(weight, n), sum = 0;
    size_t left = n, v;
    for (v = 0; v < n; v++) heap[v] = (int32_t)v;
    for (v = n / 2; v-- > 0;) sample_sink(weight, heap, n, v);
    while (left && sum < reach) {
        sum += (double)weight[heap[0]];
        heap[0] = heap[--left];
        sample_sink(weight, heap, left, 0);
    }
    for (v = 0; v < left; v++) weight[heap[v]] = 0;
}

void sample_weights(const float *logits, size_t n, int32_t best, double temperature, double top_p,
                    float *weight, int32_t *heap) {
    float t = (float)temperature;
    if (t > 0 && logits[best] > -INFINITY && logits[best] < INFINITY)
        sample_exps(logits, n, logits[best], t, weight);
    else {
        memset(weight, 0, n * sizeof *weight);
        weight[best] = 1;
    }
    if (top_p > 0 && top_p < 1) sample_nucleus(weight, n, top_p, heap);
}
int32_t sample_draw(const float *weight, size_t n, double u) {
    double reach = u * sample_sum(weight, n), sum = 0;
    size_t v;
    int32_t id = 0;
    for (v = 0; v < n && sum <= reach; v++)
        if (weight[v] > 0) sum += (double)weight[v], id = (int32_t)v;
    return id;
}
sgf_status sample_probabilities(const float *logits, size_t n, double temperature, double top_p,
                                double *out, const sgf_allocator *mem, sgf_error *err) {
    sgf_allocator from = base_allocator(mem);
    float *weight;
    int32_t *heap;
    size_t v;
    if (!(temperature >= 0 && temperature <= (double)FLT_MAX && top_p >= 0 && top_p <= 1))
        return base_fail(err, SGF_ERR_ARG,
                         "drawing tokens needs a temperature of at least 0 and a top_p from 0 to "
                         "1, not %g and %g",
                         temperature, top_p);
    if (!n || n > INT32_MAX)
        return base_fail(err, SGF_ERR_ARG, "there are no probabilities of %llu ids: give 1 to %d",
                         (unsigned long long)n, (int)INT32_MAX);
    weight = (float *)base_alloc(&from, n, sizeof *weight, err);
    heap = weight ? (int32_t *)base_alloc(&from, n, sizeof *heap, err) : NULL;
    if (heap) {
        double sum;
        sample_weights(logits, n, sample_greedy(logits, n), temperature, top_p, weight, heap);
        sum = sample_sum(weight, n);
        for (v = 0; v < n; v++) out[v] = (double)weight[v] / sum;
    }
    base_free(&from, weight, n, sizeof *weight);
    base_free(&from, heap, n, sizeof *heap);
    return heap ? SGF_OK : SGF_ERR_MEMORY;
}

/* ---- drawing in sgf_generate ---- */

sgf_status sampling_make(sampling *s, size_t n, size_t vocabulary, base_arena *arena,
                         sgf_error *err) {
    s->vocabulary = vocabulary;
    s->task = (sampler *)base_arena_alloc(arena, n, sizeof *s->task, err);
    s->weight = (float *)base_arena_alloc(arena, vocabulary, sizeof *s->weight, err);
    s->heap = (int32_t *)base_arena_alloc(arena, vocabulary, sizeof *s->heap, err);
    return s->task && s->weight && s->heap ? SGF_OK : SGF_ERR_MEMORY;
}
int sample_step(void *user, size_t task, size_t step, const float *logits, int32_t *chosen) {
    const sampling *s = (const sampling *)user;
    sampler *draws = &s->task[task];
    (void)step;
    if (!(draws->temperature > 0)) return 0;
    sample_weights(logits, s->vocabulary, *chosen, draws->temperature, draws->top_p, s->weight,
                   s->heap);
    *chosen = sample_draw(s->weight, s->vocabulary, py_random_double(&draws->random));
    return 0;
}
