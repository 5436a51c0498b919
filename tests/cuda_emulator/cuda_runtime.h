/* A GPU for segfuse.cu's tests, on one thread of a processor: as much of CUDA's runtime and language as
   that file uses. Kernels are C++ functions; the threads of a block are fibers that take turns at
   __syncthreads and at the operations of a warp. It finds wrong indices, missing barriers (a test
   runs everything forwards and backwards: results must not change), copies that nobody waited for,
   memory read before it was written (it holds NaN), launches of wrong shape, blocks of kernels that
   may begin early and wait for nobody, and deadlocks, of blocks that wait for each other, too (their
   static __shared__ variables are one: such a kernel may use none across blocks_meet). Kernels run one after the other, and products
   of four warps are computed where they begin: what touches something too early is not found. It
   knows nothing of speed. Device memory is ordinary memory, so a sanitizer finds reads out of
   bounds. */
#ifndef EMULATOR_CUDA_RUNTIME_H
#define EMULATOR_CUDA_RUNTIME_H
#include "control.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <functional>
#include <tuple>
#include <utility>
#include <map>
#include <type_traits>
#include <vector>

#define SGF__EMULATOR
#ifndef EMULATED_AMPERE /* else: a Hopper */
#define SGF__GROUPS
#define SGF__FOLLOWS
#endif
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define SHARED_ROOM(name) \
    char *name = emulator::state.on->room /* the shared memory that the launch names */
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__       static

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {
    }
};
struct uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
inline uint2 make_uint2(unsigned x, unsigned y) {
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
    return {x, y, z, w};
}

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorNoDevice = 100,
    cudaErrorIllegalAddress = 700
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum { cudaStreamNonBlocking = 1 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };
enum cudaDataType_t { CUDA_R_32F, CUDA_R_16F, CUDA_R_16BF };

struct cudaDeviceProp {
    char name[256];
    int major, minor, multiProcessorCount, cooperativeLaunch;
    size_t sharedMemPerBlockOptin;
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

/* ---- fibers ---- */

enum {
    STACK = 1 << 16,
    WARP = 32,
    THREADS_MOST = 1024,
    PAYLOAD = 64,
    PROCESSORS = 4,
#ifdef EMULATED_AMPERE /* the smallest, compute capability 8.6 */
    ROOM = 99 << 10
#else
    ROOM = 227 << 10
#endif
};

struct copy {
    void *to;
    const void *from; /* NULL: zeros */
};
struct fiber {
    void *sp;
    char *stack;
    dim3 thread;
    int number;
    int waits; /* 0: runs, 1: for its warp, 2: for its block, 3: for all blocks */
    bool done;
    size_t rounds;            /* operations of its warp that it took part in */
    std::vector<copy> copies; /* under way, in order */
    std::vector<size_t> ends; /* of the groups that were closed, in `copies` */
};
struct warp_state {
    alignas(8) char payload[2][WARP][PAYLOAD]; /* of even and odd operations */
};
struct processor { /* holds a block */
    fiber fibers[THREADS_MOST];
    warp_state warps[THREADS_MOST / WARP];
    dim3 block;
    size_t waits; /* calls of wait_for_last */
    alignas(1024) char room[ROOM];
};
struct machine {
    processor all[PROCESSORS];
    processor *on = all; /* the one whose block runs */
    fiber *now = nullptr;
    void *main_sp = nullptr;
    unsigned threads = 0;
    std::function<void()> body;
    size_t room_bytes = 0;
    bool together = false; /* the launch was cooperative */
};
inline machine state;

#if !defined(__x86_64__)
#error "the emulator switches stacks by x86-64 instructions"
#endif
extern "C" void emulator_switch(void **save, void *load);
__asm__(".text\n.weak emulator_switch\n.type emulator_switch,@function\nemulator_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");

[[noreturn]] inline void broken(const char *what) {
    fprintf(stderr, "emulator: %s\n", what);
    abort();
}
inline void fiber_leave() {
    emulator_switch(&state.now->sp, state.main_sp);
}
inline void fiber_main() {
    for (;;) {
        state.body();
        if (!state.now->copies.empty())
            broken("a thread ended with copies that it did not wait for");
        state.now->done = true;
        fiber_leave();
    }
}
inline void fiber_prepare(fiber *f) {
    if (!f->stack) f->stack = (char *)aligned_alloc(64, STACK);
    void **top = (void **)(void *)(f->stack + STACK);
    *--top = nullptr; /* the stack is 8 off 16 when a function begins */
    *--top = (void *)fiber_main;
    for (int i = 0; i < 6; i++) *--top = nullptr;
    f->sp = top;
    f->waits = 0;
    f->done = false;
    f->rounds = 0;
    f->copies.clear();
    f->ends.clear();
}
/* The threads [first, last) take turns until each is done or waits for the block. */
inline void warp_run(unsigned first, unsigned last) {
    for (;;) {
        bool whole = true, any = false;
        for (unsigned i = first; i < last; i++) {
            fiber *f = &state.on->fibers[control.backwards ? first + last - 1 - i : i];
            if (f->done || f->waits) continue;
            state.now = f;
            threadIdx = f->thread;
            emulator_switch(&state.main_sp, f->sp);
        }
        for (unsigned i = first; i < last; i++) {
            if (state.on->fibers[i].done) continue;
            if (state.on->fibers[i].waits == 1) any = true;
            else whole = false;
        }
        if (!any) return;
        if (!whole) broken("some lanes wait for their warp, others for their block");
        for (unsigned i = first; i < last; i++) state.on->fibers[i].waits = 0;
    }
}
/* Run the block until it has ended (true) or its threads wait for all blocks. Threads that ended are
   not waited for, but by other blocks. */
inline bool block_run() {
    unsigned warps = (state.threads + WARP - 1) / WARP;
    for (;;) {
        unsigned left = 0, meets = 0;
        for (unsigned n = 0; n < warps; n++) {
            unsigned warp = control.backwards ? warps - 1 - n : n;
            warp_run(warp * WARP, warp * WARP + WARP);
        }
        for (unsigned i = 0; i < state.threads; i++) {
            left += !state.on->fibers[i].done;
            meets += !state.on->fibers[i].done && state.on->fibers[i].waits == 3;
        }
        if (!left) return true;
        if (meets && meets < state.threads)
            broken("some threads wait for all blocks, others do not");
        if (meets) return false;
        for (unsigned i = 0; i < state.threads; i++) state.on->fibers[i].waits = 0;
    }
}
inline void block_begin(dim3 block) {
    state.on->block = block;
    state.on->waits = 0;
    memset(state.on->room, 0xFF, state.room_bytes); /* NaN */
    for (unsigned i = 0; i < state.threads; i++) {
        fiber *f = &state.on->fibers[i];
        f->number = (int)i;
        f->thread = dim3(i, 0, 0);
        fiber_prepare(f);
    }
}
/* One block after the other; those that wait for all others stay on their processors. */
inline void grid_run(dim3 grid, dim3 block, size_t room, bool early, bool together,
                     const std::function<void()> &body) {
    size_t blocks = (size_t)grid.x * grid.y * grid.z, waiting = 0;
    state.room_bytes = room, state.together = together;
    gridDim = grid, blockDim = block, state.threads = block.x, state.body = body;
    auto run = [&] {
        blockIdx = state.on->block;
        if (!block_run()) return false;
        if (early && !state.on->waits)
            broken("a block of a kernel that may begin early waits for nobody");
        return true;
    };
    for (size_t n = 0; n < blocks; n++) {
        size_t i = control.backwards ? blocks - 1 - n : n;
        state.on = &state.all[waiting];
        block_begin(dim3((unsigned)(i % grid.x), (unsigned)(i / grid.x % grid.y),
                         (unsigned)(i / grid.x / grid.y)));
        if (run()) continue;
        waiting++;
    }
    while (waiting) {
        size_t ended = 0;
        if (waiting < blocks) broken("blocks wait for one that has ended");
        for (size_t n = 0; n < blocks; n++) {
            state.on = &state.all[control.backwards ? blocks - 1 - n : n];
            for (unsigned i = 0; i < state.threads; i++) state.on->fibers[i].waits = 0;
            ended += run();
        }
        if (ended && ended < blocks) broken("blocks wait for one that has ended");
        waiting -= ended;
    }
    state.on = state.all;
    control.launches++;
}

inline void wait_for(int what) {
    state.now->waits = what;
    fiber_leave();
}
/* All lanes of a warp give something; each may then look at what all gave. */
template <class T> inline const char (*exchange(const T &mine))[PAYLOAD] {
    static_assert(sizeof(T) <= PAYLOAD, "payload");
    fiber *f = state.now;
    auto &room = state.on->warps[f->number / WARP].payload[f->rounds++ % 2];
    memcpy(room[f->number % WARP], (const void *)&mine, sizeof mine);
    wait_for(1);
    return room;
}
template <class T> inline T given(const char (*room)[PAYLOAD], int lane) {
    T value;
    memcpy((void *)&value, room[lane], sizeof value);
    return value;
}

/* ---- what segfuse.cu asks of the chip ---- */

inline float f16_widen(uint16_t h) {
    static float *table = nullptr; /* of all 65536 */
    if (!table) {
        table = new float[65536];
        for (int i = 0; i < 65536; i++) {
            int exponent = i >> 10 & 31;
            float fraction = (float)(i & 1023) / 1024, sign = i & 0x8000 ? -1.0f : 1.0f;
            table[i] = exponent == 31  ? (i & 1023 ? NAN : sign * INFINITY)
                       : exponent == 0 ? sign * ldexpf(fraction, -14)
                                       : sign * ldexpf(1 + fraction, exponent - 15);
        }
    }
    return table[h];
}
inline uint16_t f16_narrow(float x) { /* to nearest even */
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    float size = fabsf(x);
    if (x != x) return 0x7FFF;
    if (size >= 65520.0f) return (uint16_t)(sign | 0x7C00);
    int exponent = size > 0 ? ilogbf(size) : -14;
    if (exponent < -14) exponent = -14;
    float units = nearbyintf(ldexpf(size, 10 - exponent)); /* 1024 is 1 * 2^exponent */
    return (uint16_t)(sign | ((uint32_t)units + ((uint32_t)(exponent + 14) << 10)));
}
inline uint32_t f16_pack(float low, float high) {
    return (uint32_t)f16_narrow(low) | (uint32_t)f16_narrow(high) << 16;
}
inline float exp2_fast(float x) {
    float y = exp2f(x);
    return y < 1.17549435e-38f ? 0 : y; /* .ftz */
}
inline uint16_t matrix_value(const char (*room)[PAYLOAD], int matrix, int row, int column) {
    return given<const uint16_t *>(room, matrix * 8 + row)[column];
}
inline void matrices_load(uint32_t (&r)[4], const void *row) {
    auto room = exchange(row);
    int lane = state.now->number % WARP;
    for (int m = 0; m < 4; m++)
        r[m] = (uint32_t)matrix_value(room, m, lane / 4, lane % 4 * 2) |
               (uint32_t)matrix_value(room, m, lane / 4, lane % 4 * 2 + 1) << 16;
    wait_for(1); /* shared memory may be written again only when all have read */
}
inline void matrices_load_turned(uint32_t (&r)[4], const void *row) {
    auto room = exchange(row);
    int lane = state.now->number % WARP;
    for (int m = 0; m < 4; m++)
        r[m] = (uint32_t)matrix_value(room, m, lane % 4 * 2, lane / 4) |
               (uint32_t)matrix_value(room, m, lane % 4 * 2 + 1, lane / 4) << 16;
    wait_for(1);
}
/* The fragments of mma.m16n8k16, from the PTX manual: with t = lane % 4, u = lane / 4,
     a[0], a[1], a[2], a[3]  (u, 2t), (u + 8, 2t), (u, 2t + 8), (u + 8, 2t + 8), each with its right
                             neighbour
     b0, b1                  (2t, u), (2t + 8, u), each with the element below
     d[0..3]                 (u, 2t), (u, 2t + 1), (u + 8, 2t), (u + 8, 2t + 1) */
struct fragments {
    uint32_t a[4], b[2];
};
inline float half_of(uint32_t word, int upper) {
    return f16_widen((uint16_t)(upper ? word >> 16 : word));
}
inline void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    fragments mine = {{a[0], a[1], a[2], a[3]}, {b0, b1}};
    auto room = exchange(mine);
    int lane = state.now->number % WARP, t = lane % 4, u = lane / 4;
    for (int i = 0; i < 4; i++) {
        int row = u + i / 2 * 8, column = 2 * t + i % 2;
        for (int k = 0; k < 16; k++) {
            int holder = row % 8 * 4 + k % 8 / 2, below = column * 4 + k % 8 / 2;
            const fragments *left = (const fragments *)(const void *)room[holder];
            const fragments *right = (const fragments *)(const void *)room[below];
            d[i] += half_of(left->a[row / 8 + k / 8 * 2], k % 2) * half_of(right->b[k / 8], k % 2);
        }
    }
}
typedef char *shared_place;
inline shared_place shared_at(const void *at) {
    return (char *)(uintptr_t)at;
}
inline void copy16(shared_place to, const void *from, bool there) {
    if ((uintptr_t)to % 16 || (uintptr_t)from % 16) broken("copy16 of unaligned memory");
    state.now->copies.push_back({to, there ? from : nullptr});
}
inline void copy_close() {
    state.now->ends.push_back(state.now->copies.size());
}
template <int N> inline void copy_wait() {
    fiber *f = state.now;
    size_t groups = f->ends.size() > N ? f->ends.size() - N : 0;
    size_t n = groups ? f->ends[groups - 1] : 0;
    for (size_t i = 0; i < n; i++)
        if (f->copies[i].from) memcpy(f->copies[i].to, f->copies[i].from, 16);
        else memset(f->copies[i].to, 0, 16);
    f->copies.erase(f->copies.begin(), f->copies.begin() + (ptrdiff_t)n);
    f->ends.erase(f->ends.begin(), f->ends.begin() + (ptrdiff_t)groups);
    for (size_t &end : f->ends) end -= n;
}

inline uint4 load_once(const void *at) {
    uint4 x;
    memcpy(&x, at, sizeof x);
    return x;
}
inline void expect(const void *) {
}
inline bool last_of(int32_t *count, int32_t all) {
    if (++*count < all) return false;
    *count = 0;
    return true;
}
struct meeting {
    unsigned long long *gate;
};
inline meeting meeting_at(unsigned long long *gate) {
    return {gate};
}
inline void blocks_meet(meeting &there) {
    if (!there.gate) broken("blocks meet at no gate");
    if (!state.together) broken("blocks meet that were not launched together");
    wait_for(3);
}
inline int same_in_warp(int x) {
    return x;
}
inline void next_may_begin() {
}
inline void wait_for_last() {
    state.on->waits++;
}
/* Operands of a group's products in shared memory: the place of 16-bit value `column` of `row` is where a row of 128
   bytes has it, and bits 4 to 6 of its address are turned by bits 7 to 9. */
typedef const char *panel;
inline panel panel_at(const void *at) {
    return (panel)at;
}
inline panel panel_plus(panel from, unsigned bytes) {
    return from + bytes;
}
inline float panel_value(panel from, int row, int column) {
    uintptr_t at = (uintptr_t)from + (uintptr_t)(row * 128 + column * 2);
    at ^= (at >> 7 & 7) << 4;
    if (at < (uintptr_t)state.on->room || at >= (uintptr_t)state.on->room + state.room_bytes)
        broken("a product of what is not in shared memory");
    return f16_widen(*(const uint16_t *)at);
}
inline void group_scores(float (*d)[4], panel a, panel b) {
    int lane = state.now->number % WARP, warp = state.now->number / WARP % 4;
    float left[2][16];
    for (int k = 0; k < 32; k++)
        left[k / 16][k % 16] = panel_value(a, 16 * warp + lane / 4 + k / 16 * 8, k % 16);
    for (int n = 0; n < 8; n++)
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 16; k++)
                d[n][i] += left[i / 2][k] * panel_value(b, 8 * n + lane % 4 * 2 + i % 2, k);
}
inline void group_values(float (*d)[4], const uint32_t (&a)[4], panel b) {
    fragments mine = {{a[0], a[1], a[2], a[3]}, {0, 0}};
    auto room = exchange(mine);
    int lane = state.now->number % WARP;
    float left[2][16];
    for (int k = 0; k < 32; k++) {
        const fragments *from = (const fragments *)(const void *)room[lane / 4 * 4 + k % 8 / 2];
        left[k / 16][k % 16] = half_of(from->a[k / 16 + k % 16 / 8 * 2], k % 2);
    }
    for (int n = 0; n < 8; n++)
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 16; k++)
                d[n][i] += left[i / 2][k] * panel_value(b, k, 8 * n + lane % 4 * 2 + i % 2);
}
inline void groups_begin() {
}
inline void groups_close() {
}
template <int N> inline void groups_wait() {
}
inline void groups_see() {
}
template <int N> inline void registers_settle(float (*)[4]) {
}

/* ---- calls that fail on demand, streams that record ---- */

inline cudaError_t call() {
    control.calls++;
    if (control.lost) return (cudaError_t)control.code;
    if (control.calls != control.fail) return cudaSuccess;
    if (control.code != cudaErrorMemoryAllocation) control.lost = 1;
    return (cudaError_t)control.code;
}
struct stream {
    bool recording = false;
    std::vector<std::function<void()>> record;
    void add(std::function<void()> work) {
        if (recording) record.push_back(work);
        else work();
    }
};
struct graph {
    std::vector<std::function<void()>> work;
};
inline std::map<void *, size_t> allocated;

template <class... P, size_t... I, class Tuple>
inline void apply(void (*kernel)(P...), const Tuple &arguments, std::index_sequence<I...>) {
    kernel(std::get<I>(arguments)...);
}

} /* namespace emulator */

inline void __syncthreads() {
    emulator::wait_for(2);
}
inline void __syncwarp() {
    emulator::wait_for(1);
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T mine, int lanes) {
    if (mask != 0xFFFFFFFFu) emulator::broken("a shuffle of a part of a warp");
    auto room = emulator::exchange(mine);
    return emulator::given<T>(room, emulator::state.now->number % emulator::WARP ^ lanes);
}

typedef emulator::stream *cudaStream_t;
typedef emulator::graph *cudaGraph_t, *cudaGraphExec_t;

enum cudaLaunchAttributeID {
    cudaLaunchAttributeCooperative,
    cudaLaunchAttributeProgrammaticStreamSerialization
};
struct cudaLaunchAttribute {
    cudaLaunchAttributeID id;
    struct {
        int cooperative, programmaticStreamSerializationAllowed;
    } val;
};
struct cudaLaunchConfig_t {
    dim3 gridDim, blockDim;
    size_t dynamicSmemBytes;
    cudaStream_t stream;
    cudaLaunchAttribute *attrs;
    unsigned numAttrs;
};
enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize,
    cudaFuncAttributePreferredSharedMemoryCarveout
};
enum { cudaSharedmemCarveoutMaxShared = 100 };

inline cudaError_t cudaGetLastError() {
    return emulator::control.lost ? (cudaError_t)emulator::control.code : cudaSuccess;
}
inline const char *cudaGetErrorString(cudaError_t code) {
    return code == cudaErrorMemoryAllocation ? "out of memory"
           : code == cudaErrorNoDevice       ? "no CUDA-capable device is detected"
           : code == cudaErrorIllegalAddress ? "an illegal memory access was encountered"
                                             : "emulated error";
}
inline cudaError_t cudaGetDeviceCount(int *count) {
    cudaError_t code = emulator::call();
    *count = emulator::control.devices;
    return code ? code : *count ? cudaSuccess : cudaErrorNoDevice;
}
inline cudaError_t cudaSetDevice(int) {
    return emulator::call();
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "emulated GPU");
    p->major = emulator::control.major;
    p->multiProcessorCount = emulator::PROCESSORS;
    p->sharedMemPerBlockOptin = emulator::ROOM;
    p->cooperativeLaunch = 1;
    return emulator::call();
}
inline cudaError_t cudaMemGetInfo(size_t *left, size_t *all) {
    *left = emulator::control.memory - emulator::control.used;
    *all = emulator::control.memory;
    return emulator::call();
}
inline cudaError_t cudaMalloc(void **at, size_t bytes) {
    cudaError_t code = emulator::call();
    if (code) return code;
    if (bytes > emulator::control.memory - emulator::control.used) return cudaErrorMemoryAllocation;
    *at = aligned_alloc(256, (bytes + 255) & ~(size_t)255);
    memset(*at, 0xFF, bytes); /* NaN, whatever the type */
    emulator::allocated[*at] = bytes;
    emulator::control.used += bytes;
    emulator::control.allocations++;
    return cudaSuccess;
}
/* Memory goes even where the call fails, so that leaks are ours. */
inline cudaError_t cudaFree(void *at) {
    auto found = emulator::allocated.find(at);
    if (found == emulator::allocated.end()) emulator::broken("cudaFree of what was not taken");
    emulator::control.used -= found->second;
    emulator::control.allocations--;
    emulator::allocated.erase(found);
    free(at);
    return emulator::call();
}
inline cudaError_t cudaMallocHost(void **at, size_t bytes) {
    return cudaMalloc(at, bytes);
}
inline cudaError_t cudaFreeHost(void *at) {
    return cudaFree(at);
}
inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                                   cudaStream_t stream) {
    cudaError_t code = emulator::call();
    if (!code) stream->add([=] { memcpy(to, from, bytes); });
    return code;
}
inline cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t stream) {
    cudaError_t code = emulator::call();
    if (!code) stream->add([=] { memset(at, value, bytes); });
    return code;
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    cudaError_t code = emulator::call();
    if (!code) *stream = new emulator::stream, emulator::control.allocations++;
    return code;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    emulator::control.allocations--;
    return cudaSuccess;
}
template <class... P>
inline cudaError_t cudaFuncSetAttribute(void (*)(P...), cudaFuncAttribute, int bytes) {
    return bytes > emulator::ROOM ? cudaErrorInvalidValue : emulator::call();
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (stream->recording) emulator::broken("waiting while a stream is captured");
    return emulator::call();
}
inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    cudaError_t code = emulator::call();
    if (!code) stream->recording = true, stream->record.clear();
    return code;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *made) {
    cudaError_t code = emulator::call();
    stream->recording = false;
    if (code) return code;
    *made = new emulator::graph{stream->record};
    emulator::control.allocations++;
    return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t *made, cudaGraph_t from, int) {
    cudaError_t code = emulator::call();
    if (code) return code;
    *made = new emulator::graph(*from);
    emulator::control.allocations++;
    return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    emulator::control.allocations--;
    return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
    return cudaGraphDestroy(graph);
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
    cudaError_t code = emulator::call();
    for (size_t i = 0; !code && i < graph->work.size(); i++) graph->work[i]();
    emulator::control.replays += !code;
    return code;
}
template <class... P, class... A>
inline cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(P...),
                                      A... arguments) {
    cudaError_t code = emulator::call();
    dim3 grid = config->gridDim, block = config->blockDim;
    size_t room = config->dynamicSmemBytes;
    bool early = false, together = false;
    for (unsigned i = 0; i < config->numAttrs; i++) {
        early = early || config->attrs[i].val.programmaticStreamSerializationAllowed;
        together = together || config->attrs[i].val.cooperative;
    }
    std::tuple<P...> kept(arguments...);
    if (code) return code;
    if (!grid.x || !grid.y || grid.y > 65535 || !block.x || block.x > emulator::THREADS_MOST ||
        block.x % emulator::WARP || room > emulator::ROOM ||
        (together && (size_t)grid.x * grid.y * grid.z > emulator::PROCESSORS))
        return cudaErrorInvalidConfiguration;
    config->stream->add([=] {
        emulator::grid_run(grid, block, room, early, together,
                           [&] { emulator::apply(kernel, kept, std::index_sequence_for<P...>()); });
    });
    return cudaSuccess;
}
/* Events know nothing of speed, either: whatever lies between two took a millisecond. */
typedef int *cudaEvent_t;
inline cudaError_t cudaEventCreate(cudaEvent_t *event) {
    static int any;
    *event = &any;
    return emulator::call();
}
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) {
    return emulator::call();
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) {
    return emulator::call();
}
inline cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t, cudaEvent_t) {
    *ms = 1;
    return emulator::call();
}
#endif
