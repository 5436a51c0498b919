/* What a test may set on the emulated GPU, and see of it. */
#ifndef EMULATOR_CONTROL_H
#define EMULATOR_CONTROL_H
#include <stddef.h>

namespace emulator {

struct control_state {
    int devices = 1;                 /* cudaGetDeviceCount */
    int major = 9;                   /* compute capability */
    size_t memory = (size_t)1 << 32; /* bytes the GPU has */
    int backwards = 0;               /* 1: threads, and blocks, run from the last to the first */
    size_t fail = 0;                 /* the call of that number (from 1) fails; 0: none */
    int code = 2; /* ... with this cudaError_t, and if it is not 2 (out of memory), */
    int lost = 0; /* all later ones do, too: the device is lost */

    size_t calls = 0, used = 0, allocations = 0; /* CUDA calls, bytes and blocks in use */
    size_t launches = 0, replays = 0;            /* kernels, graphs that ran */
    size_t products = 0;                         /* cublasLtMatmul */
};
inline control_state control;

} /* namespace emulator */
#endif
