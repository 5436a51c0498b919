/* As much of cuBLASLt as segfuse.cu uses: out [T, N] = alpha x [T, K] w [N, K]^T + beta out, as its naive
   loop. */
#ifndef EMULATOR_CUBLASLT_H
#define EMULATOR_CUBLASLT_H
#include "cuda_runtime.h"

enum cublasStatus_t {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_ALLOC_FAILED = 3,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_EXECUTION_FAILED = 13,
    CUBLAS_STATUS_NOT_SUPPORTED = 15
};
enum cublasComputeType_t { CUBLAS_COMPUTE_32F };
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };
enum cublasLtMatmulDescAttributes_t { CUBLASLT_MATMUL_DESC_TRANSA };
enum cublasLtMatmulPreferenceAttributes_t {
    CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
    CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES
};
enum { CUBLASLT_REDUCTION_SCHEME_NONE = 0, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE = 2 };

namespace emulator {
struct matrix {
    cudaDataType_t type;
    uint64_t rows, columns; /* columns first */
    int64_t stride;
};
struct work {
    cublasOperation_t a = CUBLAS_OP_N;
};
inline cublasStatus_t blas_call() {
    cudaError_t code = call();
    return code == cudaSuccess                 ? CUBLAS_STATUS_SUCCESS
           : code == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED
                                               : CUBLAS_STATUS_EXECUTION_FAILED;
}
inline float matrix_get(const matrix &m, const void *at, uint64_t i) {
    if (m.type == CUDA_R_32F) return ((const float *)at)[i];
    if (m.type == CUDA_R_16BF) return sgf__bf16_float(((const uint16_t *)at)[i]);
    return f16_widen(((const uint16_t *)at)[i]);
}
inline void matrix_set(const matrix &m, void *at, uint64_t i, float x) {
    if (m.type == CUDA_R_32F) ((float *)at)[i] = x;
    else if (m.type == CUDA_R_16BF) ((uint16_t *)at)[i] = sgf__float_bf16(x);
    else ((uint16_t *)at)[i] = f16_narrow(x);
}
inline std::vector<float> matrix_wide(const matrix &m, const void *at) {
    std::vector<float> wide(m.rows * m.columns);
    for (uint64_t c = 0; c < m.columns; c++)
        for (uint64_t r = 0; r < m.rows; r++)
            wide[c * m.rows + r] = matrix_get(m, at, c * (uint64_t)m.stride + r);
    return wide;
}
inline float dot(const float *a, const float *b, uint64_t n) {
    float part[16] = {0}, sum = 0; /* so many sums side by side, for a compiler's vectors */
    uint64_t k = 0;
    for (; k + 16 <= n; k += 16)
        for (int i = 0; i < 16; i++) part[i] += a[k + i] * b[k + i];
    for (; k < n; k++) sum += a[k] * b[k];
    for (int i = 0; i < 16; i++) sum += part[i];
    return sum;
}
} /* namespace emulator */

typedef int *cublasLtHandle_t;
typedef emulator::work *cublasLtMatmulDesc_t;
typedef emulator::matrix *cublasLtMatrixLayout_t;
typedef int *cublasLtMatmulPreference_t;
struct cublasLtMatmulAlgo_t {
    int known;
};
struct cublasLtMatmulHeuristicResult_t {
    cublasLtMatmulAlgo_t algo;
};

template <class T> inline cublasStatus_t emulator_make(T **out, const T &value) {
    cublasStatus_t code = emulator::blas_call();
    if (code) return code;
    *out = new T(value);
    emulator::control.allocations++;
    return code;
}
template <class T> inline cublasStatus_t emulator_drop(T *at) {
    if (at) emulator::control.allocations--;
    delete at;
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtCreate(cublasLtHandle_t *out) {
    return emulator_make(out, 0);
}
inline cublasStatus_t cublasLtDestroy(cublasLtHandle_t at) {
    return emulator_drop(at);
}
inline cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *out, cublasComputeType_t,
                                               cudaDataType_t) {
    return emulator_make(out, emulator::work());
}
inline cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t at) {
    return emulator_drop(at);
}
inline cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t work,
                                                     cublasLtMatmulDescAttributes_t,
                                                     const void *value, size_t bytes) {
    if (bytes != sizeof work->a) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&work->a, value, bytes);
    return emulator::blas_call();
}
inline cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *out, cudaDataType_t type,
                                                 uint64_t rows, uint64_t columns, int64_t stride) {
    return emulator_make(out, emulator::matrix{type, rows, columns, stride});
}
inline cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t at) {
    return emulator_drop(at);
}
inline cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *out) {
    return emulator_make(out, 0);
}
inline cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t at) {
    return emulator_drop(at);
}
inline cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t,
                                                           cublasLtMatmulPreferenceAttributes_t,
                                                           const void *, size_t) {
    return emulator::blas_call();
}
inline cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t, cublasLtMatmulDesc_t work, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
    cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t, int wanted,
    cublasLtMatmulHeuristicResult_t *found, int *count) {
    *count = 0;
    if (work->a != CUBLAS_OP_T || a->rows != b->rows || c->rows != a->columns ||
        c->columns != b->columns || c != d || wanted < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    found->algo.known = 1;
    *count = 1;
    return emulator::blas_call();
}
inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t, const void *alpha,
                                     const void *a, cublasLtMatrixLayout_t A, const void *b,
                                     cublasLtMatrixLayout_t B, const void *beta, const void *c,
                                     cublasLtMatrixLayout_t, void *d, cublasLtMatrixLayout_t D,
                                     const cublasLtMatmulAlgo_t *algorithm, void *, size_t,
                                     cudaStream_t stream) {
    cublasStatus_t code = emulator::blas_call();
    float one = *(const float *)alpha, old = *(const float *)beta;
    emulator::matrix w = *A, x = *B, out = *D;
    if (code) return code;
    if (!algorithm->known || c != d) return CUBLAS_STATUS_INVALID_VALUE;
    stream->add([=] {
        emulator::control.products++;
        std::vector<float> wide = emulator::matrix_wide(w, a), in = emulator::matrix_wide(x, b);
        for (uint64_t t = 0; t < out.columns; t++)
            for (uint64_t n = 0; n < out.rows; n++) {
                uint64_t at = t * (uint64_t)out.stride + n;
                float sum = one * emulator::dot(&wide[n * w.rows], &in[t * x.rows], w.rows);
                if (old != 0) sum += old * emulator::matrix_get(out, d, at);
                emulator::matrix_set(out, d, at, sum);
            }
    });
    return code;
}
#endif
