/* What bench-speed needs of the GPU beyond the API: the card's limits, and attention alone. segfuse.cu is a part of
   this file, so what is measured are its kernels, launched as it launches them. */
#define sgf__cuda sgf_cuda_itself
#include "../../segfuse.cu"
#undef sgf__cuda

#include <time.h>

#include "cuda.h"

namespace {

double seconds_now() {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- attention alone ---- */

bench_cuda_watch *watch; /* of the session that runs; NULL: nobody looks */
cudaEvent_t begin, end;  /* made at their first use, kept to the end */

/* The call that was just computed: plan it again, and let every layer attend again, `rounds` times after one that is
   not counted. Layers take turns, so that no cache holds what is read. */
sgf_status attention_watch(gpu *d, const sgf__device_call *call, sgf_error *err) {
    double start = seconds_now();
    float ms = 0;
    prepared p;
    int round, l;
    TRY(call_prepare(d, call, &p, err));
    watch->planning += seconds_now() - start;
    watch->calls++;
    if (!begin) CUDA(err, "cudaEventCreate", cudaEventCreate(&begin));
    if (!end) CUDA(err, "cudaEventCreate", cudaEventCreate(&end));
    for (round = -1; round < watch->rounds; round++) {
        CUDA(err, "cudaEventRecord", cudaEventRecord(begin, d->stream));
        for (l = 0; l < d->L; l++) TRY(PASS(d, attention(d, &p.s, &p.u, &p.a, l, err)));
        CUDA(err, "cudaEventRecord", cudaEventRecord(end, d->stream));
        CUDA(err, "attention", cudaEventSynchronize(end));
        CUDA(err, "attention", cudaEventElapsedTime(&ms, begin, end));
        if (round >= 0) watch->attention[round] += 1e-3 * (double)ms / d->L;
    }
    return SGF_OK;
}
sgf_status forward_watched(void *device, const sgf__device_call *call, sgf_error *err) {
    sgf_status status = gpu_forward(device, call, err);
    if (status || !watch || (watch->rows && (watch->rows != call->rows || watch->calls)))
        return status;
    return attention_watch((gpu *)device, call, err);
}

/* ---- the card's limits ---- */

/* Random numbers in [-1, 1) as bf16: products of zeros are faster than those of data. A thread for each. */
__global__ void random_fill(uint16_t *to, size_t n, uint32_t seed) {
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    uint32_t x = (uint32_t)i * 2654435761u + seed;
    if (i >= n) return;
    x ^= x >> 16, x *= 0x7FEB352Du, x ^= x >> 15, x *= 0x846CA68Bu, x ^= x >> 16;
    to[i] = sgf__float_bf16((float)(x >> 8) / 8388608.0f - 1.0f);
}

enum { TIMES = 20, ROOMS = 3 };
struct limits {
    gpu *d; /* its stream, its cuBLASLt, its memory (as slabs) */
    size_t side, bytes;
    cublasLtMatmulDesc_t work;
    cublasLtMatrixLayout_t layout;
    cublasLtMatmulAlgo_t algorithm;
} card;

sgf_status limits_fill(sgf_error *err) {
    gpu *d = card.d;
    cublasLtMatmulHeuristicResult_t found;
    cublasLtMatmulPreference_t wish = NULL;
    cublasOperation_t turned = CUBLAS_OP_T;
    cublasStatus_t code;
    int count = 0;
    CUDA(err, "cudaStreamCreate", cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking));
    TRY(d->slab.room(ROOMS, err));
    while (d->slab.n < ROOMS) {
        TRY(memory_take(d, card.bytes, "what measures its limits", &d->slab.at[d->slab.n], err));
        TRY(launch(d, "random_fill", err, random_fill, grid_of(card.bytes / 2 / 256), 256,
                   (uint16_t *)(void *)d->slab.at[d->slab.n], card.bytes / 2,
                   (uint32_t)d->slab.n + 1));
        d->slab.n++;
    }
    BLAS(err, "cublasLtCreate", cublasLtCreate(&d->blas));
    BLAS(err, "plan", cublasLtMatmulDescCreate(&card.work, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    BLAS(err, "plan",
         cublasLtMatmulDescSetAttribute(card.work, CUBLASLT_MATMUL_DESC_TRANSA, &turned,
                                        sizeof turned));
    BLAS(err, "plan",
         cublasLtMatrixLayoutCreate(&card.layout, CUDA_R_16BF, card.side, card.side,
                                    (int64_t)card.side));
    BLAS(err, "plan", cublasLtMatmulPreferenceCreate(&wish));
    code = cublasLtMatmulAlgoGetHeuristic(d->blas, card.work, card.layout, card.layout, card.layout,
                                          card.layout, wish, 1, &found, &count);
    cublasLtMatmulPreferenceDestroy(wish);
    BLAS(err, "choosing an algorithm",
         code == CUBLAS_STATUS_SUCCESS && !count ? CUBLAS_STATUS_NOT_SUPPORTED : code);
    card.algorithm = found.algo;
    CUDA(err, "random numbers", cudaStreamSynchronize(d->stream));
    return SGF_OK;
}
sgf_status copies(sgf_error *err) {
    char **at = card.d->slab.at;
    int i;
    for (i = 0; i < TIMES; i++)
        CUDA(err, "copy",
             cudaMemcpyAsync(at[i % 2], at[1 - i % 2], card.bytes, cudaMemcpyDeviceToDevice,
                             card.d->stream));
    CUDA(err, "copy", cudaStreamSynchronize(card.d->stream));
    return SGF_OK;
}
sgf_status products(sgf_error *err) {
    char **at = card.d->slab.at;
    float one = 1, zero = 0;
    int i;
    for (i = 0; i < TIMES; i++)
        BLAS(err, "cublasLtMatmul",
             cublasLtMatmul(card.d->blas, card.work, &one, at[0], card.layout, at[1], card.layout,
                            &zero, at[2], card.layout, at[2], card.layout, &card.algorithm, NULL, 0,
                            card.d->stream));
    CUDA(err, "products", cudaStreamSynchronize(card.d->stream));
    return SGF_OK;
}

} /* namespace */

extern "C" {

const sgf__device_functions *sgf__cuda(void) {
    static sgf__device_functions functions;
    functions = *sgf_cuda_itself();
    functions.forward = forward_watched;
    return &functions;
}

void bench_cuda_look(bench_cuda_watch *at) {
    watch = at;
}

sgf_status bench_cuda_limits_open(size_t side, sgf_error *err) {
    sgf_status status;
    memset(&card, 0, sizeof card);
    card.d = (gpu *)calloc(1, sizeof *card.d);
    if (!card.d) return fail(err, SGF_ERR_MEMORY, "out of memory");
    card.side = side;
    card.bytes = 16 * side * side; /* eight matrices, or one */
    status = limits_fill(err);
    if (status) bench_cuda_limits_close();
    return status;
}
void bench_cuda_limits_close(void) {
    if (card.layout) cublasLtMatrixLayoutDestroy(card.layout);
    if (card.work) cublasLtMatmulDescDestroy(card.work);
    gpu_close(card.d);
    memset(&card, 0, sizeof card);
}
int bench_cuda_copies(void *user) {
    return copies((sgf_error *)user) != SGF_OK;
}
double bench_cuda_copies_bytes(void) {
    return 2.0 * (double)card.bytes * TIMES;
}
int bench_cuda_products(void *user) {
    return products((sgf_error *)user) != SGF_OK;
}
double bench_cuda_products_operations(void) {
    double side = (double)card.side;
    return 2 * side * side * side * TIMES;
}

} /* extern "C" */
