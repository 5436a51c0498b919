/* Between cuda.cu and rows_cuda.c. */
#ifndef BENCH_CUDA_H
#define BENCH_CUDA_H
#include "../../segfuse.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Attention alone. After every forward pass of `rows` rows, the first of its kind (rows 0: after every one), all layers
   attend again, `rounds` times. */
typedef struct bench_cuda_watch {
    size_t rows;
    int rounds, calls;    /* calls: how many were looked at */
    double planning;      /* seconds: to plan them and fill the staging buffer, on the host */
    double attention[25]; /* of each round: seconds of one layer, of all calls together */
} bench_cuda_watch;
void bench_cuda_look(bench_cuda_watch *at); /* NULL: no more */

/* The card's limits: copies of its memory, 16 side^2 bytes each (1 GiB for 8192), and bf16 products of [side, side]. A
   call is nonzero where something failed; its user is an sgf_error. */
sgf_status bench_cuda_limits_open(size_t side, sgf_error *err);
void bench_cuda_limits_close(void);
int bench_cuda_copies(void *user);
int bench_cuda_products(void *user);
double bench_cuda_copies_bytes(void); /* of a call, read and written */
double bench_cuda_products_operations(void);

#ifdef __cplusplus
}
#endif
#endif
