/* kernels.c - the trainer's arithmetic: products of panels, norm, exp, log, sine; and a loop over threads.
 *
 * Plain C, in loops over tokens side by side that the compiler turns into vectors (-O3). Every sum is one
 * chain in ascending order, and a product that is added to something is a fused multiply-add, written as
 * such: the bits are the same with any vectors and with none. (-ffp-contract=off, so that the compiler adds
 * no fused ones of its own.) */

#ifdef __GNUC__
#define TR_INLINE static inline __attribute__((always_inline))
#define TR_UNROLL _Pragma("GCC unroll 16")
#else
#define TR_INLINE static inline
#define TR_UNROLL
#endif

/* Define `name` from `name_body`, for each set of instructions that an x86 processor may have. `declare` and
   `args` are the parameters and arguments in parentheses; the first is `int simd`, a constant in the body. */
enum { TR_PORTABLE, TR_AVX2, TR_AVX512 };
#if defined(__GNUC__) && defined(__x86_64__)
#define TR_KERNEL(name, declare, args)                                              \
    __attribute__((target("avx512f,avx2,fma"))) static void name##_avx512 declare { \
        simd = TR_AVX512;                                                           \
        name##_body args;                                                           \
    }                                                                               \
    __attribute__((target("avx2,fma"))) static void name##_avx2 declare {           \
        simd = TR_AVX2;                                                             \
        name##_body args;                                                           \
    }                                                                               \
    static void name declare {                                                      \
        if (simd == TR_AVX512) name##_avx512 args;                                  \
        else if (simd == TR_AVX2) name##_avx2 args;                                 \
        else {                                                                      \
            simd = TR_PORTABLE;                                                     \
            name##_body args;                                                       \
        }                                                                           \
    }
static int tr_simd_best(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return TR_PORTABLE;
    return __builtin_cpu_supports("avx512f") ? TR_AVX512 : TR_AVX2;
}
#else
#define TR_KERNEL(name, declare, args) \
    static void name declare {         \
        simd = TR_PORTABLE;            \
        name##_body args;              \
    }
static int tr_simd_best(void) {
    return TR_PORTABLE;
}
#endif

/* ---- scalars ---- */

TR_INLINE uint32_t tr_float_bits(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    return u;
}
TR_INLINE float tr_bits_float(uint32_t u) {
    float x;
    memcpy(&x, &u, 4);
    return x;
}
/* fmaf. Where it is no instruction, from double: the product of two floats is exact there, and the sum is
   rounded to odd (Boldo and Melquiond 2008), so that only the last rounding counts. */
TR_INLINE float tr_fma(int simd, float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__) || defined(FP_FAST_FMAF)
    return (void)simd, fmaf(a, b, c);
#else
    double product = (double)a * (double)b, sum = product + (double)c, shadow = sum - product;
    double error = (product - (sum - shadow)) + ((double)c - shadow);
    uint64_t bits;
    if (simd) return fmaf(a, b, c);
    memcpy(&bits, &sum, 8);
    if (error != 0 && !(bits & 1) && (bits >> 52 & 0x7FF) != 0x7FF) {
        bits = (error > 0) == (sum > 0) ? bits + 1 : bits - 1;
        memcpy(&sum, &bits, 8);
    }
    return (float)sum;
#endif
}
/* e^x: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor to r^7, times 2^n in two exact steps. exp(-inf) = 0. */
TR_INLINE float tr_exp(int simd, float x) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float y = x > 89.0f ? 89.0f : x, t, n, r, p;
    uint32_t i, half;
    y = y < -104.0f ? -104.0f : y;
    t = tr_fma(simd, y, 1.44269504f, shift);
    i = tr_float_bits(t) - tr_float_bits(shift);
    n = t - shift;
    r = tr_fma(simd, n, -0.693145751953125f, y);
    r = tr_fma(simd, n, -1.42860677e-06f, r);
    p = tr_fma(simd, r, 1.98412698e-4f, 1.38888889e-3f);
    p = tr_fma(simd, p, r, 8.33333333e-3f);
    p = tr_fma(simd, p, r, 4.16666667e-2f);
    p = tr_fma(simd, p, r, 1.66666667e-1f);
    p = tr_fma(simd, p, r, 0.5f);
    p = tr_fma(simd, p, r, 1.0f);
    p = tr_fma(simd, p, r, 1.0f);
    p = x < -104.0f ? 0.0f : p;
    half = (uint32_t)((int32_t)i >> 1);
    p = p * tr_bits_float((half + 127u) << 23);
    return p * tr_bits_float((i - half + 127u) << 23);
}

/* In double, for tables and the loss: Taylor series on a small interval, so that no libm matters. */
static void tr_sincos_double(double x, double *sine, double *cosine) { /* |x| < 2^30 */
    double n = floor(fma(x, 0.63661977236758134, 0.5)), r, z, s = 0, c = 0, t;
    int i, quadrant = (int)(int64_t)n & 3;
    r = fma(n, -0x1.921fb54442d18p+0, x); /* pi / 2 in three parts */
    r = fma(n, -0x1.1a62633145c07p-54, r);
    r = fma(n, 0x1.f1976b7ed8fbcp-110, r);
    z = r * r;
    for (i = 17; i >= 3; i -= 2) s = fma(s, -z / ((i + 2) * (i + 1)), 1.0);
    s = r * fma(s, -z / 6, 1.0);
    for (i = 18; i >= 2; i -= 2) c = fma(c, -z / ((i + 2) * (i + 1)), 1.0);
    c = fma(c, -z / 2, 1.0);
    if (quadrant & 1) t = s, s = c, c = -t;
    if (quadrant & 2) s = -s, c = -c;
    *sine = s;
    *cosine = c;
}
static double tr_exp_double(double x) { /* |x| < 700 */
    double n = floor(fma(x, 1.4426950408889634, 0.5)), r, p = 1;
    int i;
    r = fma(n, -0x1.62e42fefa38p-1, x);
    r = fma(n, -0x1.ef35793c7673p-45, r);
    for (i = 14; i >= 1; i--) p = fma(p, r / i, 1.0);
    return ldexp(p, (int)n);
}
static double tr_log_double(double x) { /* x > 0, normal */
    double m, s, z, p = 0;
    int e, i;
    m = frexp(x, &e); /* x = m 2^e, m in [0.5, 1) */
    if (m < 0.70710678118654752) m = m + m, e--;
    s = (m - 1) / (m + 1); /* ln m = 2 artanh s */
    z = s * s;
    for (i = 25; i >= 1; i -= 2) p = fma(p, z, 1.0 / i);
    return fma((double)e, 0x1.62e42fefa38p-1, fma((double)e, 0x1.ef35793c7673p-45, 2 * s * p));
}

/* ---- weights in a file ---- */

static uint16_t tr_float_bf16(float x) { /* to nearest even */
    uint32_t u = tr_float_bits(x);
    if ((u & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7FFFu + (u >> 16 & 1u)) >> 16);
}
static inline float tr_bf16_float(uint16_t h) {
    return tr_bits_float((uint32_t)h << 16);
}
static inline float tr_f16_float(uint16_t h) {
    float size = (float)(h & 0x3FFu), value;
    int e = h >> 10 & 31;
    if (e == 31) value = size > 0 ? NAN : INFINITY;
    else value = e ? ldexpf(1024 + size, e - 25) : ldexpf(size, -24);
    return h & 0x8000u ? -value : value;
}

/* ---- panels: [features][32 tokens] ---- */

/* A block of `out` that is kept in registers: at most TR_ROWS and TR_LANES. */
enum { TR_ROWS = 8, TR_LANES = 32 };
TR_INLINE void tr_block(int simd, size_t rows, size_t lanes, const float *w, size_t w_stride,
                        const float *x, size_t x_stride, float *out, size_t out_stride,
                        size_t count, int first) {
    float sum[TR_ROWS][TR_LANES];
    size_t k, r, t;
    for (r = 0; r < rows; r++)
        for (t = 0; t < lanes; t++) sum[r][t] = first ? 0.0f : out[r * out_stride + t];
    for (k = 0; k < count; k++, x += x_stride) {
        TR_UNROLL for (r = 0; r < rows; r++) {
            float weight = w[r * w_stride + k];
            for (t = 0; t < lanes; t++) sum[r][t] = tr_fma(simd, weight, x[t], sum[r][t]);
        }
    }
    for (r = 0; r < rows; r++)
        for (t = 0; t < lanes; t++) out[r * out_stride + t] = sum[r][t];
}
/* out[rows][lanes] (+)= w [rows][count] x [count][lanes]; rows of w, x and out are that far apart. */
TR_INLINE void tr_multiply_body(int simd, size_t rows, size_t lanes, const float *w,
                                size_t w_stride, const float *x, size_t x_stride, float *out,
                                size_t out_stride, size_t count, int first) {
    const size_t R = simd == TR_AVX512 ? TR_ROWS : 4, L = simd == TR_AVX512 ? TR_LANES : 16;
    size_t r, t;
    for (t = 0; t < lanes; t += L)
        for (r = 0; r < rows; r += R) {
            size_t height = rows - r < R ? rows - r : R, width = lanes - t < L ? lanes - t : L;
            if (height == R && width == L)
                tr_block(simd, R, L, w + r * w_stride, w_stride, x + t, x_stride,
                         out + r * out_stride + t, out_stride, count, first);
            else
                tr_block(simd, height, width, w + r * w_stride, w_stride, x + t, x_stride,
                         out + r * out_stride + t, out_stride, count, first);
        }
}
TR_KERNEL(tr_multiply,
          (int simd, size_t rows, size_t lanes, const float *w, size_t w_stride, const float *x,
           size_t x_stride, float *out, size_t out_stride, size_t count, int first),
          (simd, rows, lanes, w, w_stride, x, x_stride, out, out_stride, count, first))

/* RMSNorm (Zhang and Sennrich 2019): out[d][t] = x[d][t] / sqrt(mean of squares + eps) * weight[d] */
TR_INLINE void tr_rmsnorm_body(int simd, const float *x, const float *weight, float eps, size_t D,
                               float *out) {
    float scale[32];
    size_t d, t;
    for (t = 0; t < 32; t++) scale[t] = 0;
    for (d = 0; d < D; d++)
        for (t = 0; t < 32; t++) scale[t] = tr_fma(simd, x[d * 32 + t], x[d * 32 + t], scale[t]);
    for (t = 0; t < 32; t++) scale[t] = 1.0f / sqrtf(scale[t] / (float)D + eps);
    for (d = 0; d < D; d++)
        for (t = 0; t < 32; t++) out[d * 32 + t] = x[d * 32 + t] * scale[t] * weight[d];
}
TR_KERNEL(tr_rmsnorm,
          (int simd, const float *x, const float *weight, float eps, size_t D, float *out),
          (simd, x, weight, eps, D, out))

/* SwiGLU (Shazeer 2020): gate = gate / (1 + exp(-gate)) * up */
TR_INLINE void tr_swiglu_body(int simd, float *gate, const float *up, size_t n) {
    size_t i;
    for (i = 0; i < n; i++) gate[i] = gate[i] / (1.0f + tr_exp(simd, -gate[i])) * up[i];
}
TR_KERNEL(tr_swiglu, (int simd, float *gate, const float *up, size_t n), (simd, gate, up, n))

/* RoPE (Su et al. 2021), rotate-half, on one head: x [C][32]; cosine and sine [C/2][32]. */
TR_INLINE void tr_rope_body(int simd, float *x, const float *cosine, const float *sine,
                            size_t half) {
    size_t i, n = half * 32;
    for (i = 0; i < n; i++) {
        float a = x[i], b = x[n + i];
        x[i] = tr_fma(simd, a, cosine[i], -(b * sine[i]));
        x[n + i] = tr_fma(simd, b, cosine[i], a * sine[i]);
    }
}
TR_KERNEL(tr_rope, (int simd, float *x, const float *cosine, const float *sine, size_t half),
          (simd, x, cosine, sine, half))

/* ---- threads ---- */

typedef void tr_work(void *context, size_t item, int thread);
typedef struct tr_crew {
    size_t next, items; /* next: atomic */
    tr_work *work;
    void *context;
} tr_crew;
typedef struct tr_worker {
    tr_crew *crew;
    int thread;
} tr_worker;

/* Take the next item until there is none. */
static void *tr_worker_run(void *argument) {
    const tr_worker *worker = (const tr_worker *)argument;
    tr_crew *crew = worker->crew;
    size_t item;
    while ((item = __atomic_fetch_add(&crew->next, 1, __ATOMIC_RELAXED)) < crew->items)
        crew->work(crew->context, item, worker->thread);
    return NULL;
}
/* work(context, item, thread) for every item, on up to `threads` threads. An item is computed by one thread,
   in one order, so the number of threads changes no bit. */
static void tr_parallel(int threads, size_t items, tr_work *work, void *context) {
    tr_crew crew;
    tr_worker worker[TR_MAX_THREADS];
    pthread_t id[TR_MAX_THREADS];
    int i, started = 1;
    crew.next = 0;
    crew.items = items;
    crew.work = work;
    crew.context = context;
    for (i = 0; i < threads; i++) worker[i].crew = &crew, worker[i].thread = i;
    while (started < threads &&
           !pthread_create(&id[started], NULL, tr_worker_run, &worker[started]))
        started++; /* where the system gives fewer, these do all the work */
    tr_worker_run(&worker[0]);
    for (i = 1; i < started; i++) pthread_join(id[i], NULL);
}
