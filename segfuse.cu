/* segfuse.cu - the forward pass of segfuse.h on an NVIDIA GPU. MIT or public domain, as segfuse.h.

   Compile it with nvcc into an object file and link it, cudart and cublasLt to a program whose
   implementation of segfuse.h was compiled with SGF_CUDA (`make cuda` does both):

       nvcc -std=c++17 -O3 -fmad=false -gencode arch=compute_90a,code=sm_90a \
           -gencode arch=compute_80,code=compute_80 -c segfuse.cu -o segfuse_cuda.o

   (for a Hopper, and for all others from Ampere on, whose drivers compile it).

   segfuse.h includes this file, too: its first part, in C, belongs to the sessions of [SGF-15] and
   turns what they keep into lists for the kernels. The rest is compiled by nvcc. It has the weights, the
   pages of keys and values, the activations, one public function, sgf__cuda(), and two ways to compute:

     exact   f32, every sum the ascending fmaf chain of [SGF-14]: the CPU's bits. Every kernel below
             with a template argument EXACT = true, `product` and `attend_exact`. -fmad=false keeps
             nvcc from contracting what the CPU does not contract.
     fast    16-bit weights, activations, keys and values, f32 sums and residual stream: cuBLASLt for
             many rows, `few_rows` for few; attention on tensor cores by `attend`, and by `attend_wide`
             for long prompts where the chip is a Hopper. The 16-bit type is f16: bf16 weights become
             f16 when they are brought here, because activations then are rounded 8 times finer at the
             same speed. Models whose weights are f32, or whose heads `attend` does not fit, are
             computed in f32 with `attend_exact`.

   Kernels follow each other closely: on a Hopper or newer, each is launched when the one ahead has
   begun, and does what depends on nobody until that one has ended (next_may_begin, wait_for_last).

   Nothing here exits or prints. Every CUDA call is checked; a failure is an sgf_status with a sentence.

   Letters as in segfuse.h: T rows, V vocabulary, D model width, H query heads, G key/value heads,
   R = H / G, C head width, F feed-forward width. All matrices are row-major. */

#ifndef SGF__CUDA_SESSIONS
#define SGF__SCALARS
#include "segfuse.h"
#endif

/* ====================================================================================
 * What a session asks of the kernels
 *
 * The session keeps sequences, visibility and prefixes on the host. The device holds the weights, the
 * pages of keys and values, and the activations. A call has rows and, for consecutive rows of one
 * sequence and one segment, the spans of keys that they see.
 * ==================================================================================== */

enum { SGF__DEVICE_PAGE = 32 }; /* tokens of a page, as SGF__PAGE */
#ifndef SGF__DEVICE_ROWS
#define SGF__DEVICE_ROWS ((size_t)4096) /* rows of one call at most */
#endif

typedef struct sgf__device_row {
    void *page;   /* its keys and values are stored there, */
    int32_t cell; /* in this place */
    int32_t token, pos;
    int32_t index; /* the row's number in its own sequence */
    int32_t want;  /* 1: logits are wanted */
    int32_t group;
} sgf__device_row;

/* Keys [begin, end) of one sequence: key j is cell j % SGF__DEVICE_PAGE of
   pages[first_page + j / SGF__DEVICE_PAGE]. Equal first_page: the same sequence. */
typedef struct sgf__device_span {
    int32_t first_page, begin, end;
    int32_t own;      /* 1: the rows' own sequence: a row sees keys j <= index; 0: it sees all */
    float log_weight; /* added to the scores */
} sgf__device_span;

/* Rows [row, row + rows) see spans [span, span + spans), in ascending order of keys. */
typedef struct sgf__device_group {
    int32_t row, rows, span, spans;
} sgf__device_group;

/* Copy keys and values of `count` cells of one page to another one, the keys rotated by so many
   positions, before any row is computed. */
typedef struct sgf__device_copy {
    const void *from;
    void *to;
    int32_t from_cell, to_cell, count, rotate;
} sgf__device_copy;

typedef struct sgf__device_call {
    sgf__device_row *row;
    sgf__device_group *group;
    sgf__device_span *span;
    sgf__device_copy *copy;
    void **page;
    size_t rows, groups, spans, copies, pages, wanted;
    float *logits; /* [wanted, V] on the host, or NULL: */
    int keep;      /* 1: logits stay on the device as number first_kept, ... of all_kept */
    size_t first_kept, all_kept;
    float *hidden; /* [rows, D] on the host, or NULL */
} sgf__device_call;

/* Choose the next token from kept logits [first, first + contexts): sgf_combine, greedy. */
typedef struct sgf__device_choice {
    size_t first, contexts;
    sgf_combine combine;
    const double *weight;
    int32_t id; /* what is chosen */
} sgf__device_choice;

typedef struct sgf__device_functions {
    sgf_status (*describe)(char *out, size_t cap, sgf_error *err);
    sgf_status (*open)(const sgf_model *model, const float *inv_freq, float rope_scale, int exact,
                       void **device, sgf_error *err);
    void (*close)(void *device);
    sgf_status (*page)(void *device, void **page, sgf_error *err); /* one more page */
    sgf_status (*forward)(void *device, const sgf__device_call *call, sgf_error *err);
    sgf_status (*choose_ids)(void *device, sgf__device_choice *choice, size_t n, sgf_error *err);
} sgf__device_functions;

#ifdef __cplusplus
extern "C"
#endif
    const sgf__device_functions *
    sgf__cuda(void); /* at the end of this file */

#ifdef SGF__CUDA_SESSIONS
/* ====================================================================================
 * Sessions, in C: a part of segfuse.h's implementation, which includes this file for it
 * ==================================================================================== */

typedef char sgf__device_pages_are_equal[(int)SGF__PAGE == (int)SGF__DEVICE_PAGE ? 1 : -1];

/* What is handed over. The spans grow as needed; the first failure is kept. */
typedef struct sgf__device_lists {
    sgf_session *s;
    sgf__device_call call;
    int32_t *listed; /* [sequences] where its pages begin in call.page; -1: not listed */
    size_t span_cap;
    sgf__arena arena;
    sgf_status status;
    sgf_error *err;
} sgf__device_lists;

static void *sgf__device_alloc(sgf__device_lists *d, size_t count, size_t size) {
    void *made = d->status ? NULL : sgf__arena_alloc(&d->arena, count, size, d->err);
    if (!made) d->status = SGF_ERR_MEMORY;
    return made;
}
/* The spans of `q`, which is `own` or one of its parents, that a query of segment `seg` sees, below
   key `before`: runs that touch and have the same weight are one span. The parents' come first: keys
   in ascending order, as sgf__pieces has them. */
static void sgf__device_spans(sgf__device_lists *d, const sgf__sequence *own, int32_t seg,
                              const sgf__sequence *q, size_t before) {
    const sgf__sequence *up = sgf__parent_of(d->s, q);
    sgf__device_call *call = &d->call;
    int32_t *listed = &d->listed[q - d->s->sequence];
    size_t i, first;
    if (up) sgf__device_spans(d, own, seg, up, up->layout.tokens);
    if (!d->status)
        d->status = sgf__grow(&d->s->mem, &call->span, &d->span_cap, call->spans + q->runs,
                              sizeof *call->span, d->err);
    if (d->status) return;
    if (*listed < 0) {
        *listed = (int32_t)call->pages;
        for (i = 0; i < q->page_count; i++) call->page[call->pages++] = q->page[i];
    }
    first = call->spans;
    for (i = 0; i < q->runs && q->run[i].begin < before; i++) {
        const sgf__run *run = &q->run[i];
        sgf__device_span made, *last = call->spans > first ? &call->span[call->spans - 1] : NULL;
        if (!sgf__sees(own->layout.visible, seg, run->seg)) continue;
        made.first_page = *listed;
        made.begin = (int32_t)run->begin;
        made.end = (int32_t)sgf__min(run->end, before);
        made.own = q == own;
        made.log_weight = sgf__log_weight(&own->layout, seg, run->seg);
        if (last && last->end == made.begin && last->log_weight == made.log_weight)
            last->end = made.end;
        else call->span[call->spans++] = made;
    }
}
/* List rows, their groups, and what these see. */
static void sgf__device_list(sgf__device_lists *d, const sgf__query *query, size_t n) {
    sgf__device_call *call = &d->call;
    size_t i, j;
    call->groups = call->spans = call->pages = 0;
    for (i = 0; i < d->s->sequence_count; i++) d->listed[i] = -1;
    for (i = j = 0; i < n; call->groups++) {
        sgf__group g = sgf__group_make(query, i, n - i);
        sgf__device_group *made = &call->group[call->groups];
        const sgf__query *last = &query[i + g.count - 1];
        made->row = (int32_t)i;
        made->rows = (int32_t)g.count;
        made->span = (int32_t)call->spans;
        sgf__device_spans(d, last->own, last->row->seg, last->own, last->index + 1);
        made->spans = (int32_t)call->spans - made->span;
        for (i += g.count; j < i; j++) {
            sgf__device_row *row = &call->row[j];
            row->index = (int32_t)query[j].index;
            row->cell = row->index % SGF__PAGE;
            row->page = query[j].own->page[row->index / SGF__PAGE];
            row->token = query[j].row->token;
            row->pos = query[j].row->pos;
            row->want = query[j].number >= 0;
            row->group = (int32_t)call->groups;
        }
    }
}
static size_t sgf__queries_wanted(const sgf__query *query, size_t n) {
    size_t i, wanted = 0;
    for (i = 0; i < n; i++) wanted += query[i].number >= 0;
    return wanted;
}
static sgf__device_copy sgf__device_copy_of(const sgf_session *s, const sgf__kv_copy *copy,
                                            size_t i) {
    sgf__copy_piece piece = sgf__copy_cut(s, copy, i);
    sgf__device_copy made;
    made.from = piece.from, made.to = piece.to;
    made.from_cell = piece.from_cell, made.to_cell = piece.to_cell;
    made.count = piece.count, made.rotate = copy->rotate;
    return made;
}
static sgf_status sgf__device_forward(sgf_session *s, const sgf__pass *pass) {
    size_t most = sgf__min(pass->n, SGF__DEVICE_ROWS), pieces = 0, at, i, k;
    sgf__device_lists d;
    sgf__device_call *call = &d.call;
    if (s->watch)
        return sgf__fail(pass->err, SGF_ERR_UNSUPPORTED,
                         "where attention goes can be watched on the processor only: use the "
                         "device cpu for that");
    memset(&d, 0, sizeof d);
    d.s = s;
    d.err = pass->err;
    sgf__arena_init(&d.arena, &s->mem);
    for (i = 0; i < pass->copies; i++) pieces += 2 * (pass->copy[i].count / SGF__PAGE) + 3;
    call->row = (sgf__device_row *)sgf__device_alloc(&d, most, sizeof *call->row);
    call->group = (sgf__device_group *)sgf__device_alloc(&d, most, sizeof *call->group);
    call->copy = (sgf__device_copy *)sgf__device_alloc(&d, pieces, sizeof *call->copy);
    call->page = (void **)sgf__device_alloc(&d, s->pages, sizeof *call->page);
    d.listed = (int32_t *)sgf__device_alloc(&d, s->sequence_count, sizeof *d.listed);
    for (i = 0; i < pass->copies && !d.status; i++)
        for (k = 0; k < pass->copy[i].count; k += (size_t)call->copy[call->copies++].count)
            call->copy[call->copies] = sgf__device_copy_of(s, &pass->copy[i], k);
    call->keep = s->keep;
    call->all_kept = s->keep ? sgf__queries_wanted(pass->query, pass->n) : 0;
    for (at = 0; at < pass->n && !d.status; at += call->rows, call->copies = 0) {
        call->rows = sgf__min(pass->n - at, SGF__DEVICE_ROWS);
        sgf__device_list(&d, pass->query + at, call->rows);
        call->first_kept += call->wanted;
        call->wanted = s->keep || pass->logits ? sgf__queries_wanted(pass->query + at, call->rows)
                                               : 0;
        call->logits = pass->logits && !s->keep ? pass->logits + call->first_kept * s->V : NULL;
        call->hidden = pass->hidden ? pass->hidden + at * s->D : NULL;
        if (!d.status) d.status = sgf__cuda()->forward(s->on, call, pass->err);
    }
    sgf__free(&s->mem, call->span, d.span_cap, sizeof *call->span);
    sgf__arena_free(&d.arena);
    return d.status;
}
/* Are the next ids all that the host needs? Then the logits of the next pass stay on the device, which
   combines them and chooses. */
static int sgf__device_keeps(const sgf__flight *f) {
    size_t i;
    if (f->stream->on_step) return 0;
    for (i = 0; i < f->count; i++)
        if (f->active[i].prompt->shared || f->active[i].prompt->made ||
            f->active[i].task->decoding.beams > 1 ||
            f->active[i].task->combine > SGF_COMBINE_WEIGHTED_MAX)
            return 0;
    return 1;
}
/* The device's choice for every task. */
static void sgf__device_choose(sgf__flight *f) {
    sgf_session *s = f->s;
    size_t n = f->count, i;
    sgf__device_choice *choice = (sgf__device_choice *)sgf__alloc(&s->mem, n, sizeof *choice,
                                                                  f->err);
    f->status = choice ? SGF_OK : SGF_ERR_MEMORY;
    for (i = 0; !f->status && i < n; i++) {
        choice[i].first = f->active[i].at;
        choice[i].contexts = f->active[i].task->contexts;
        choice[i].combine = f->active[i].task->combine;
        choice[i].weight = f->active[i].task->weight;
    }
    if (!f->status) f->status = sgf__cuda()->choose_ids(s->on, choice, n, f->err);
    for (i = 0; !f->status && i < n; i++) f->active[i].chosen = choice[i].id;
    sgf__free(&s->mem, choice, n, sizeof *choice);
}
/* The functions of a session's sgf__device, by those of the kernels. */
static sgf_status sgf__device_describe(char *out, size_t cap, sgf_error *err) {
    return sgf__cuda()->describe(out, cap, err);
}
static sgf_status sgf__device_start(sgf_session *s, sgf_error *err) {
    return sgf__cuda()->open(s->model, s->inv_freq, s->rope_scale, s->exact, &s->on, err);
}
static void sgf__device_stop(sgf_session *s) {
    sgf__cuda()->close(s->on);
}
static sgf_status sgf__device_page(sgf_session *s, void **page, sgf_error *err) {
    return sgf__cuda()->page(s->on, page, err);
}
static const sgf__device *sgf__device_linked(void) {
    static const sgf__device functions = {
        sgf__device_describe, sgf__device_start, sgf__device_stop,  sgf__device_page,
        sgf__device_forward,  sgf__device_keeps, sgf__device_choose};
    return &functions;
}

#else /* the kernels: all that follows is compiled by nvcc */

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

namespace {

/* ====================================================================================
 * Types, and what the chip can do
 * ==================================================================================== */

constexpr float F16_MOST = 65504; /* the greatest f16 */
struct bf16 {
    uint16_t bits;
};
struct f16 {
    uint16_t bits;
};

enum {
    PAGE = SGF__DEVICE_PAGE,
    HEAD_MOST = 512,          /* C at most */
    TILE = 64,                /* keys that `attend` takes at a time */
    VOCABULARY_THREADS = 1024 /* of a block that walks a row of logits */
};

/* `attend_wide` computes, where the chip has it, when a bucket has more pairs of a row and a head than this: fewer do
   not fill its blocks. */
#ifndef SGF_WIDE
#define SGF_WIDE 512
#endif
/* 1: products of few rows are computed by `few_chain` where it fits; 0: all by `few_rows`. */
#ifndef SGF_CHAIN
#define SGF_CHAIN 1
#endif

/* Hopper's products of four warps exist in code for sm_90a alone (SGF__GROUPS); kernels for sm_90 and newer can begin
   before the one ahead has ended (SGF__FOLLOWS). What a chip got, `probe` tells the host. */
#ifdef SGF__EMULATOR /* tests/cuda_emulator defines these for a processor */
using namespace emulator;
#else
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define SGF__GROUPS
#endif
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define SGF__FOLLOWS
#endif
__device__ __forceinline__ float f16_widen(uint16_t bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
__device__ __forceinline__ uint16_t f16_narrow(float x) {
    uint16_t bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
/* Two neighbours in a 32-bit word. */
__device__ __forceinline__ uint32_t f16_pack(float low, float high) {
    uint32_t word;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
    return word;
}
/* 2^x, to about 2 units in the last place. */
__device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
/* The shared memory that the launch names. */
#define SHARED_ROOM(name) extern __shared__ __align__(1024) char name[]
typedef uint32_t shared_place; /* an address of shared memory */
__device__ __forceinline__ shared_place shared_at(const void *at) {
    return (uint32_t)__cvta_generic_to_shared(at);
}
/* Four 8 x 8 matrices of 16-bit values from shared memory; lane l gives the address of row l % 8 of
   matrix l / 8 and gets of each matrix columns 2 (l % 4) and the next of row l / 4. */
__device__ __forceinline__ void matrices_load(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_at(row))
                 : "memory");
}
/* The same of the transposed matrices. */
__device__ __forceinline__ void matrices_load_turned(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_at(row))
                 : "memory");
}
/* d[16, 8] += a[16, 16] b[16, 8] by one warp; which lane holds what is in the PTX manual, "Matrix
   fragments for mma.m16n8k16", and beside its use in `attend`. */
__device__ __forceinline__ void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                                    uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
/* 16 bytes from global to shared memory, without waiting; `there` false: 16 zeros, nothing is
   read. */
__device__ __forceinline__ void copy16(shared_place to, const void *from, bool there) {
    int bytes = there ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
                 : "memory");
}
/* The copies since the last one are a group. */
__device__ __forceinline__ void copy_close() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}
/* Wait for this thread's groups but the last `N`. */
template <int N> __device__ __forceinline__ void copy_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}
/* 16 bytes that are read once, and so take no place in L1; what lies beside them is wanted soon. Not `ld.global.nc`: a
   compiler may move that behind wait_for_last. */
__device__ __forceinline__ uint4 load_once(const void *at) {
    uint4 x;
    asm volatile("ld.global.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
                 : "l"(at)
                 : "memory");
    return x;
}
/* The next kernel may begin; the kernel ahead has ended, and what it wrote is there. Every kernel of a call calls both,
   and until the second returns it writes nothing, and reads only what no kernel writes: weights, and what was uploaded
   before the call's first kernel. */
__device__ __forceinline__ void next_may_begin() {
#ifdef SGF__FOLLOWS
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}
__device__ __forceinline__ void wait_for_last() {
#ifdef SGF__FOLLOWS
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
/* The 128 bytes there, which no kernel writes, are wanted soon. */
__device__ __forceinline__ void expect(const void *at) {
    asm volatile("prefetch.global.L2 [%0];" ::"l"(at));
}
/* Counts a block that has written; true for the last of `all`, which leaves 0. Its threads see what the others wrote, once
   they have met the one that asked. */
__device__ __forceinline__ bool last_of(int32_t *count, int32_t all) {
    int32_t before;
    asm volatile("atom.acq_rel.gpu.global.add.s32 %0, [%1], 1;"
                 : "=r"(before)
                 : "l"(count)
                 : "memory");
    if (before + 1 < all) return false;
    *count = 0;
    return true;
}
/* Where all blocks of a grid meet, which must all be on the chip at once. *gate counts arrivals, and is a multiple of
   the grid whenever a kernel begins. A block's first thread knows what it was before the block's first arrival, so how
   many arrivals end the meeting that is the block's `times`th. */
struct meeting {
    unsigned long long *gate, before;
    unsigned times;
};
__device__ __forceinline__ meeting meeting_at(unsigned long long *gate) {
    meeting m = {gate, 0, 0};
    if (threadIdx.x == 0) m.before = *(volatile unsigned long long *)gate;
    return m;
}
/* Each block sees what the others wrote before they came. */
__device__ __forceinline__ void blocks_meet(meeting &m) {
    __syncthreads();
    if (threadIdx.x == 0) {
        unsigned long long all = gridDim.x, here, wanted;
        asm volatile("red.release.gpu.global.add.u64 [%0], 1;" ::"l"(m.gate) : "memory");
        wanted = (m.before / all + ++m.times) * all;
        do
            asm volatile("ld.acquire.gpu.global.u64 %0, [%1];"
                         : "=l"(here)
                         : "l"(m.gate)
                         : "memory");
        while (here < wanted);
    }
    __syncthreads();
}
#ifdef SGF__GROUPS
/* Of an int that all lanes of a warp have, so that the compiler knows. */
__device__ __forceinline__ int same_in_warp(int x) {
    return __shfl_sync(0xFFFFFFFFu, x, 0);
}
/* Products of four warps, a group. Operands in shared memory are panels: [64][64] values, 128 bytes a row, the 16
   bytes numbered c of row r in place c ^ r % 8 (swizzled), at a multiple of 1024 bytes. Results as those of `mma`,
   rows 16w to 16w + 15 in warp w. They are computed aside: groups_begin before, groups_close after some, and
   groups_wait until all but the last N that were closed are done; no register of theirs may be touched before. */
typedef uint64_t panel; /* a place in one, as the PTX manual's "Matrix descriptor" */
__device__ __forceinline__ panel panel_at(const void *at) {
    const uint64_t swizzled = (uint64_t)1 << 62, eight_rows = (uint64_t)(1024 >> 4) << 32,
                   unused = (uint64_t)1 << 16;
    return swizzled | eight_rows | unused | (__cvta_generic_to_shared(at) & 0x3FFFF) >> 4;
}
__device__ __forceinline__ panel panel_plus(panel from, unsigned bytes) {
    return from + (bytes >> 4);
}
#define SGF__FOUR(x) "+f"((x)[0]), "+f"((x)[1]), "+f"((x)[2]), "+f"((x)[3])
#define SGF__EIGHT_OF(d)                                                                 \
    SGF__FOUR(d[0]), SGF__FOUR(d[1]), SGF__FOUR(d[2]), SGF__FOUR(d[3]), SGF__FOUR(d[4]), \
        SGF__FOUR(d[5]), SGF__FOUR(d[6]), SGF__FOUR(d[7])
#define SGF__REGISTERS                                                                       \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, " \
    "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}"
/* d[64, 64] += a[64, 16] b[64, 16]^T: a and b begin at a column of a panel that is a multiple of 16. */
__device__ __forceinline__ void group_scores(float (*d)[4], panel a, panel b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 " SGF__REGISTERS
                 ", %32, %33, 1, 1, 1, 0, 0;"
                 : SGF__EIGHT_OF(d)
                 : "l"(a), "l"(b));
}
/* d[64, 64] += a[64, 16] b[16, 64]: a as in `mma`; b begins at a row of a panel that is a multiple of 16. */
__device__ __forceinline__ void group_values(float (*d)[4], const uint32_t (&a)[4], panel b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 " SGF__REGISTERS
                 ", {%32, %33, %34, %35}, %36, 1, 1, 1, 1;"
                 : SGF__EIGHT_OF(d)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
__device__ __forceinline__ void groups_begin() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void groups_close() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int N> __device__ __forceinline__ void groups_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
}
/* What this thread wrote into shared memory is there for such products, once the others wait for it. */
__device__ __forceinline__ void groups_see() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
/* What is done with these 4 N registers stays on its side of this. */
template <int N> __device__ __forceinline__ void registers_settle(float (*d)[4]) {
    int n;
#pragma unroll
    for (n = 0; n < N; n++) asm volatile("" : SGF__FOUR(d[n])::"memory");
}
#endif
#endif

__device__ __forceinline__ float widen(float x) {
    return x;
}
__device__ __forceinline__ float widen(bf16 x) {
    return sgf__bf16_float(x.bits);
}
__device__ __forceinline__ float widen(f16 x) {
    return f16_widen(x.bits);
}
__device__ __forceinline__ void narrow(float x, float *out) {
    *out = x;
}
/* What f16 cannot hold becomes its greatest value; NaN stays. */
__device__ __forceinline__ float within_f16(float x) {
    return x > F16_MOST ? F16_MOST : x < -F16_MOST ? -F16_MOST : x;
}
__device__ __forceinline__ void narrow(float x, f16 *out) {
    out->bits = f16_narrow(within_f16(x));
}
__device__ __forceinline__ float fma_(float a, float b, float c) {
    return sgf__fma_portable(a, b, c);
}

__device__ __forceinline__ void follow() {
    next_may_begin();
    wait_for_last();
}
/* SwiGLU, or GeGLU, of column f of F; bias[2F]: of gates and ups, NULL: none. */
__device__ __forceinline__ float gated(int gelu, float gate, float up, const float *bias, int f,
                                       int F) {
    if (bias) gate += bias[f], up += bias[F + f];
    return sgf__gate_body(0, gelu, gate) * up;
}

/* The sum of x over the threads of the block, which are a multiple of 32; all get it. */
__device__ float block_sum(float x) {
    __shared__ float part[32];
    int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32, i;
    for (i = 16; i > 0; i /= 2) x += __shfl_xor_sync(0xFFFFFFFFu, x, i);
    __syncthreads(); /* a sum before this one was read */
    if (lane == 0) part[warp] = x;
    __syncthreads();
    x = lane < (int)blockDim.x / 32 ? part[lane] : 0;
    for (i = 16; i > 0; i /= 2) x += __shfl_xor_sync(0xFFFFFFFFu, x, i);
    return x;
}

/* A page holds, for every layer and kv head, K [32][C] and V [32][C]; behind them the positions of
   its keys, int32 [32]. */
template <class T>
__device__ __forceinline__ T *page_keys(void *page, int layer, int g, int G, int C) {
    return (T *)page + (size_t)(layer * G + g) * 2 * PAGE * (size_t)C;
}
template <class T>
__device__ __forceinline__ int32_t *page_positions(void *page, int layers, int G, int C) {
    return (int32_t *)(void *)((T *)page + (size_t)layers * (size_t)G * 2 * PAGE * (size_t)C);
}

/* ====================================================================================
 * Kernels: everything but attention
 * ==================================================================================== */

/* bf16 weights become f16, in place; *lost becomes 1 if one is too great for it. A thread for each. */
__global__ void weights_to_f16(uint16_t *w, size_t n, int *lost) {
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    f16 made;
    float x;
    if (i >= n) return;
    x = sgf__bf16_float(w[i]);
    if (x > F16_MOST || x < -F16_MOST) *lost = 1;
    narrow(x, &made);
    w[i] = made.bits;
}

/* What this code was compiled for: there[0], [1] = 1 if it has SGF__FOLLOWS, SGF__GROUPS. One block. */
__global__ void probe(int *there) {
    (void)there;
#ifdef SGF__FOLLOWS
    there[0] = 1;
#endif
#ifdef SGF__GROUPS
    there[1] = 1;
#endif
}

/* x[T, D] = the rows' embeddings (sgf__embed_part). A block for each row. */
template <class W>
__global__ void embed(const sgf__device_row *rows, const W *table, float *x, int D, float scale) {
    const W *from;
    int d;
    follow();
    from = table + (size_t)rows[blockIdx.x].token * (size_t)D;
    for (d = (int)threadIdx.x; d < D; d += (int)blockDim.x)
        x[(size_t)blockIdx.x * (size_t)D + d] = widen(from[d]) * scale;
}

/* cosine, sine [T, ropes, C/2] of the rows' positions (sgf__embed_part); scale: of the first rope. A block for each
   row. */
__global__ void angles(const sgf__device_row *rows, const float *inv_freq, float first_scale,
                       int half, int ropes, float *cosine, float *sine) {
    size_t at = (size_t)blockIdx.x * (size_t)(ropes * half);
    int i;
    follow();
    for (i = (int)threadIdx.x; i < ropes * half; i += (int)blockDim.x) {
        float scale = i < half ? first_scale : 1;
        float angle = (float)rows[blockIdx.x].pos * inv_freq[i];
        double s, c;
        sgf__sincos_d((double)angle, &s, &c);
        cosine[at + i] = (float)c * scale;
        sine[at + i] = (float)s * scale;
    }
}

/* out[row, D] = RMSNorm of x[pick[row], D]; pick NULL: of x[row] (sgf__rmsnorm). A block for each row.
   EXACT: one thread adds the squares, in order, as the others bring them into shared memory. */
template <bool EXACT, class T>
__global__ void __launch_bounds__(1024)
    norm(const float *x, const int32_t *pick, const float *weight, float eps, int D, T *out) {
    enum { PART = 1024, KEPT = 4 };
    __shared__ float part[PART], scale;
    const float *from;
    int d, at, n, i = (int)threadIdx.x, step = (int)blockDim.x;
    float sum = 0;
    float kept[KEPT], by[KEPT]; /* the first of what a thread has of x and of the weights */
    next_may_begin();
#pragma unroll
    for (n = 0; n < KEPT; n++) by[n] = i + n * step < D ? weight[i + n * step] : 0;
    wait_for_last();
    from = x + (size_t)(pick ? pick[blockIdx.x] : (int)blockIdx.x) * (size_t)D;
    out += (size_t)blockIdx.x * (size_t)D;
#pragma unroll
    for (n = 0; n < KEPT; n++) kept[n] = i + n * step < D ? from[i + n * step] : 0;
    if (EXACT) {
        for (at = 0; at < D; at += PART) {
            int count = D - at < PART ? D - at : PART;
            for (d = i; d < count; d += step) part[d] = from[at + d];
            __syncthreads();
            for (d = 0; i == 0 && d < count; d++) sum = fma_(part[d], part[d], sum);
            __syncthreads();
        }
    } else {
#pragma unroll
        for (n = 0; n < KEPT; n++) sum = fma_(kept[n], kept[n], sum);
        for (d = i + KEPT * step; d < D; d += step) sum = fma_(from[d], from[d], sum);
        sum = block_sum(sum);
    }
    if (i == 0) scale = 1.0f / sqrtf(sum / (float)D + eps);
    __syncthreads();
#pragma unroll
    for (n = 0; n < KEPT; n++)
        if (i + n * step < D) narrow(kept[n] * scale * by[n], out + i + n * step);
    for (d = i + KEPT * step; d < D; d += step) narrow(from[d] * scale * weight[d], out + d);
}

/* out[T, N] (+)= x[T, K] w[N, K]^T + bias, every output one ascending chain (sgf__reference_product). A block
   of 256 threads makes 64 columns (n) by ROWS rows (t); it walks k in steps of 32 that it brings
   into shared memory. A thread has 64 ROWS / 256 outputs. */
template <class W, int ROWS>
__global__ void product(const W *w, const float *x, const float *bias, float *out, int N, int K,
                        int T, int add) {
    enum {
        COLUMNS = 64,
        STEP = 32,
        ACROSS = ROWS < 16 ? 64 : 16, /* threads along n; the others along t */
        DOWN = 256 / ACROSS,
        NS = COLUMNS / ACROSS,
        TS = ROWS / DOWN
    };
    __shared__ float ws[STEP][COLUMNS + 1], xs[STEP][ROWS + 1];
    int n0 = (int)blockIdx.x * COLUMNS, t0 = (int)blockIdx.y * ROWS, i, j, k, at;
    int tn = (int)threadIdx.x % ACROSS, tt = (int)threadIdx.x / ACROSS;
    float sum[NS][TS];
    follow();
    for (i = 0; i < NS; i++)
        for (j = 0; j < TS; j++) sum[i][j] = 0;
    for (at = 0; at < K; at += STEP) {
        int count = K - at < STEP ? K - at : STEP;
        for (i = (int)threadIdx.x; i < COLUMNS * STEP; i += 256) {
            int n = n0 + i / STEP;
            if (n < N && i % STEP < count)
                ws[i % STEP][i / STEP] = widen(w[(size_t)n * (size_t)K + at + i % STEP]);
        }
        for (i = (int)threadIdx.x; i < ROWS * STEP; i += 256) {
            int t = t0 + i / STEP;
            if (t < T && i % STEP < count)
                xs[i % STEP][i / STEP] = x[(size_t)t * (size_t)K + at + i % STEP];
        }
        __syncthreads();
        for (k = 0; k < count; k++)
            for (i = 0; i < NS; i++)
                for (j = 0; j < TS; j++)
                    sum[i][j] = fma_(ws[k][tn + i * ACROSS], xs[k][tt + j * DOWN], sum[i][j]);
        __syncthreads();
    }
    for (i = 0; i < NS; i++)
        for (j = 0; j < TS; j++) {
            int n = n0 + tn + i * ACROSS, t = t0 + tt + j * DOWN;
            float *to = out + (size_t)t * (size_t)N + n;
            if (n >= N || t >= T) continue;
            if (bias) sum[i][j] += bias[n];
            *to = add ? *to + sum[i][j] : sum[i][j];
        }
}

/* Where rotated heads go: queries to q [T, H C], keys and values into the rows' pages. */
template <class T> struct heads {
    const sgf__device_row *rows;
    const float *cosine, *sine; /* [T, ropes, C/2] */
    T *q;
    int H, G, C, layer, layers;
    int rope, ropes; /* of the layer: which (sgf_config_rope); of the model: how many */
};
/* What channels c and C/2 + c of a head of one row need: the angle by which they are turned, and where keys and values
   go. */
struct head_pair {
    float cosine, sine;
    void *page;
    int cell;
};
/* Heads: first the H query heads, then the G keys, then the G values. Nothing here waits for what it asks for. */
template <class T>
__device__ __forceinline__ head_pair head_find(const heads<T> &a, int row, int head, int c) {
    int half = a.C / 2;
    head_pair found = {};
    int at = (row * a.ropes + (a.rope > 0 ? 1 : 0)) * half + c;
    if (head < a.H + a.G && a.rope >= 0) found.cosine = a.cosine[at], found.sine = a.sine[at];
    if (head >= a.H) found.page = a.rows[row].page, found.cell = a.rows[row].cell;
    return found;
}
/* The two channels (sgf__head_rotate, sgf__cache_store). The first key's first channel brings the position, too. */
template <class T>
__device__ __forceinline__ void head_put(const heads<T> &a, const head_pair &found, int row,
                                         int head, int c, float x, float y) {
    int half = a.C / 2, g = head - a.H;
    bool is_v = g >= a.G, as_is = is_v || a.rope < 0;
    T *to = head < a.H ? a.q + ((size_t)row * (size_t)a.H + (size_t)head) * (size_t)a.C + c
                       : page_keys<T>(found.page, a.layer, is_v ? g - a.G : g, a.G, a.C) +
                             ((is_v ? PAGE : 0) + found.cell) * a.C + c;
    narrow(as_is ? x : fma_(x, found.cosine, -(y * found.sine)), to);
    narrow(as_is ? y : fma_(y, found.cosine, x * found.sine), to + half);
    if (g == 0 && c == 0)
        page_positions<T>(found.page, a.layers, a.G, a.C)[found.cell] = a.rows[row].pos;
}

/* Products of T <= FEW rows, which decoding needs, of f16: x[T, K] and w[.., K], K a multiple of 8.
     PLAIN    out[T, N] (+)= x w[N, K]^T + bias[N]
     GATED    h[T, N] = SwiGLU of x w[2N, K]^T, gates and ups behind each other, with bias[2N]
     ROTATED  pair n of N: channels n % (C/2) and C/2 + n % (C/2) of head n / (C/2); bias: of all heads
   bias NULL: none. */
enum few_way { PLAIN, GATED, ROTATED };
enum {
    FEW = 8,
    FEW_THREADS = 256,
    FEW_PAIRS = 8,  /* of a block */
    FEW_LONG = 4096 /* K from which warps have much to read, and more of it should be on its way */
};
struct few_job {
    const f16 *w, *x;
    const float *bias;
    float *out;
    f16 *h;
    heads<f16> to;
    int N, K, rows, add;
};
/* What is added to the sums of a pair, or of two outputs, and where they go. */
struct few_end {
    float bias[2], out[2];
    head_pair to;
};
/* It is asked for pair n (or two outputs) and row `of` of x; row: of w, of both. */
__device__ __forceinline__ few_end few_find(const few_job &a, few_way way, int of, int n,
                                            const int (&row)[2]) {
    int half = a.to.C / 2, s;
    few_end end = {};
#pragma unroll
    for (s = 0; s < 2; s++)
        if ((way == PLAIN ? row[s] : n) < a.N) {
            if (a.bias) end.bias[s] = a.bias[row[s]];
            if (way == PLAIN && a.add) end.out[s] = a.out[(size_t)of * (size_t)a.N + row[s]];
        }
    if (way == ROTATED && n < a.N) end.to = head_find(a.to, of, n / half, n % half);
    return end;
}
__device__ __forceinline__ void few_store(const few_job &a, few_way way, int of, int n,
                                          const int (&row)[2], const few_end &end,
                                          const float (&made)[2]) {
    float x = made[0] + end.bias[0], y = made[1] + end.bias[1];
    size_t at = (size_t)of * (size_t)a.N;
    if (way == PLAIN) {
        if (row[0] < a.N) a.out[at + row[0]] = end.out[0] + x;
        if (row[1] < a.N) a.out[at + row[1]] = end.out[1] + y;
    } else if (n >= a.N) return;
    else if (way == GATED) narrow(gated(0, x, y, NULL, n, a.N), a.h + at + n);
    else {
        int half = a.to.C / 2;
        head_put(a.to, end.to, of, n / half, n % half, x, y);
    }
}
/* Eight warps share 16 rows of w, so 16 outputs or 8 pairs; each takes 64 of K in turn, 16 bytes a lane, and multiplies
   them on tensor cores with all rows of x, in whatever order k comes. The weights of DEEP turns are on their way at
   once, the first of them before the kernel ahead has ended. */
template <few_way WAY, int DEEP>
__global__ void __launch_bounds__(FEW_THREADS, DEEP > 2 ? 2 : 3) few_rows(few_job a) {
    enum { WARPS = FEW_THREADS / 32, STEP = 64 };
    __shared__ float part[WARPS][32][4];
    int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32, t = lane % 4, u = lane / 4;
    int n = (int)blockIdx.x * FEW_PAIRS + u, half = a.to.C / 2, k, i, j, s;
    int row[2]; /* of w, of both sides of pair n; behind the last one: computed for nobody */
    const f16 *w[2], *x = a.x + (size_t)u * (size_t)a.K + t * 8;
    float sum[4][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    bool waited = false;
    next_may_begin();
    if (WAY == PLAIN) n += (int)blockIdx.x * FEW_PAIRS; /* 16 outputs a block */
    row[0] = WAY == ROTATED ? n / half * a.to.C + n % half : n;
    row[1] = row[0] + (WAY == ROTATED ? half : WAY == GATED ? a.N : FEW_PAIRS);
#pragma unroll
    for (s = 0; s < 2; s++) {
        bool there = (WAY == PLAIN ? row[s] : n) < a.N;
        w[s] = a.w + (size_t)(there ? row[s] : 0) * (size_t)a.K + t * 8;
    }
    for (k = warp * STEP; k < a.K || !waited; k += DEEP * WARPS * STEP) {
        uint4 weight[DEEP][2][2], value[DEEP][2];
#pragma unroll
        for (j = 0; j < DEEP; j++)
#pragma unroll
            for (i = 0; i < 2; i++) { /* 32 values of k: 8 a lane */
                int at = k + j * WARPS * STEP + i * 32;
#pragma unroll
                for (s = 0; s < 2; s++)
                    weight[j][i][s] = at + t * 8 < a.K ? load_once(w[s] + at)
                                                       : make_uint4(0, 0, 0, 0);
            }
        if (!waited) wait_for_last();
        waited = true;
#pragma unroll
        for (j = 0; j < DEEP; j++)
#pragma unroll
            for (i = 0; i < 2; i++) {
                int at = k + j * WARPS * STEP + i * 32;
                value[j][i] = u < a.rows && at + t * 8 < a.K
                                  ? *(const uint4 *)(const void *)(x + at)
                                  : make_uint4(0, 0, 0, 0);
            }
#pragma unroll
        for (j = 0; j < DEEP; j++)
#pragma unroll
            for (i = 0; i < 2; i++) {
                uint4 *of = weight[j][i], with = value[j][i];
                uint32_t low[4] = {of[0].x, of[1].x, of[0].y, of[1].y};
                uint32_t high[4] = {of[0].z, of[1].z, of[0].w, of[1].w};
                mma(sum[2 * i], low, with.x, with.y);
                mma(sum[2 * i + 1], high, with.z, with.w);
            }
    }
    for (i = 0; i < 4; i++) part[warp][lane][i] = sum[0][i] + sum[1][i] + sum[2][i] + sum[3][i];
    __syncthreads();
    if (warp) return;
    for (i = 0; i < 4; i++) { /* row[0], row[1] of x rows 2t, 2t + 1 */
        sum[0][i] = part[0][lane][i];
        for (j = 1; j < WARPS; j++) sum[0][i] += part[j][lane][i];
    }
    for (j = 0; j < 2; j++) {
        int of = 2 * t + j;
        float made[2] = {sum[0][j], sum[0][2 + j]};
        if (of < a.rows) few_store(a, WAY, of, n, row, few_find(a, WAY, of, n, row), made);
    }
}

/* Jobs of few rows in turn, each of which needs what all blocks made of the one before. A block for each multiprocessor
   stays to the end. Its eight warps share tiles of 8 rows of w, so 8 outputs or 4 pairs; each takes 128 of K in turn,
   through SLOTS places of its own in shared memory, into which weights come in the order of their use, those of the next
   job, too, while blocks wait for each other. So memory rests less than where one kernel a job begins and ends. */
enum {
    CHAIN_THREADS = 256,
    CHAIN_WARPS = CHAIN_THREADS / 32,
    CHAIN_JOBS = 4,
    CHAIN_ROWS = 8,                       /* of w, of a tile */
    CHAIN_STEP = 128,                     /* of K */
    CHAIN_SLOT = CHAIN_ROWS * CHAIN_STEP, /* values */
    CHAIN_PAD = 32,                       /* values between rows of x, for the banks */
    CHAIN_MANY = 10,                      /* slots of a warp, beside which `attend` has room, too */
    CHAIN_LEAST = 4
};
struct chain_job : few_job {
    few_way way;
    const float *from, *norm; /* x is RMSNorm of from[T, K] */
    float eps;                /* with norm[K] and this; norm NULL: x is as it is */
    int tiles, turn;          /* how many; the block that takes the first */
};
struct chain_jobs {
    chain_job job[CHAIN_JOBS];
    int jobs;
};
/* x in shared memory: values from a row to the next. Of 16 bytes the middle words are swapped, so that they are the left
   operand of two products, whose right operands are words 0 and 1, and 2 and 3, of 16 bytes of w: of the first its rows
   0 to 7 are results, of the second its rows 8 to 15. Behind K there are zeros to the end of a step. */
__device__ __host__ __forceinline__ int chain_width(int K) {
    return (K + CHAIN_STEP - 1) / CHAIN_STEP * CHAIN_STEP + CHAIN_PAD;
}
/* Floats: what the warps have of a tile for each warp. */
__device__ __host__ __forceinline__ int chain_sums(int rows) {
    return CHAIN_WARPS * CHAIN_WARPS * CHAIN_ROWS * rows;
}
/* This block's first tile. */
__device__ __forceinline__ int chain_first(const chain_job &a) {
    int block = (int)blockIdx.x - a.turn;
    return block < 0 ? block + (int)gridDim.x : block;
}
/* Row `side` of pair n of w: of two outputs, of gate and up, of the halves of a head. */
__device__ __forceinline__ int chain_row(const chain_job &a, int n, int side) {
    int half = a.to.C / 2;
    return a.way == PLAIN   ? 2 * n + side
           : a.way == GATED ? n + side * a.N
                            : n / half * a.to.C + n % half + side * half;
}
/* What a warp fetches next, from k on of a tile: lane l, 8 values from k + l % 16 * 8 of side l / 16 of each of its four
   pairs. job == jobs: nothing. */
struct chain_place {
    int job, tile, k, K;
    const f16 *w; /* this lane's of the first pair */
    int pair;     /* values from a pair to the next */
    int left;     /* pairs that there are */
    int tiles;    /* of the job */
    int jump;     /* values from a tile to the block's next; 0: they are not evenly apart */
};
/* The next place, if k is behind the last of its tile. */
__device__ __forceinline__ void chain_settle(const chain_jobs &all, chain_place &at, int warp) {
    int lane = (int)threadIdx.x % 32, side = lane / 16, first = warp * CHAIN_STEP, n, row;
    if (at.k < at.K) return;
    if (at.jump && at.tile + (int)gridDim.x < at.tiles) {
        at.tile += (int)gridDim.x;
        at.w += at.jump - (at.k - first);
        at.k = first;
        at.left -= CHAIN_ROWS / 2 * (int)gridDim.x;
        return;
    }
    do {
        at.tile += (int)gridDim.x;
        while (at.tile >= all.job[at.job].tiles) {
            if (++at.job == all.jobs) return;
            at.tile = chain_first(all.job[at.job]);
        }
        at.k = first;
        at.K = all.job[at.job].K;
    } while (at.k >= at.K);
    const chain_job &a = all.job[at.job];
    n = at.tile * (CHAIN_ROWS / 2), row = chain_row(a, n, side);
    at.w = a.w + (size_t)row * (size_t)a.K + at.k + lane % 16 * 8;
    at.pair = a.way == PLAIN ? 2 * a.K : a.K;
    at.left = a.way == PLAIN ? (a.N - row + 1) / 2 : a.N - n;
    at.tiles = a.tiles;
    at.jump = a.way == ROTATED ? 0 : CHAIN_ROWS / 2 * (int)gridDim.x * at.pair;
}
__device__ __forceinline__ void chain_fetch(const chain_jobs &all, chain_place &at, int warp,
                                            f16 *slot) {
    int lane = (int)threadIdx.x % 32, side = lane / 16, c = lane % 16, i;
    if (at.job < all.jobs) {
        shared_place to = shared_at(slot + side * CHAIN_STEP + (c ^ (side * 4)) * 8);
        const f16 *w = at.w;
        int left = at.k + c * 8 < at.K ? at.left : 0;
#pragma unroll
        for (i = 0; i < CHAIN_ROWS / 2; i++) {
            copy16(to + i * (int)(2 * CHAIN_STEP * sizeof(f16)), w, i < left);
            w += at.pair;
        }
        at.k += CHAIN_WARPS * CHAIN_STEP;
        at.w += CHAIN_WARPS * CHAIN_STEP;
        chain_settle(all, at, warp);
    }
    copy_close();
}
/* Warps share the rows of x: each lane takes 4 or 8 values of `row` in turn, the first numbered `first`, `step` from one
   to the next; row < 0: it has none. */
struct chain_share {
    int warps, row, first, step;
};
__device__ __forceinline__ chain_share chain_split(int rows) {
    int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32, warps = CHAIN_WARPS / rows;
    int row = warp / warps;
    chain_share own = {warps, row < rows ? row : -1, warp % warps * 32 + lane, warps * 32};
    return own;
}
/* to[rows][chain_width(K)] = RMSNorm of a.from (`norm`). sums: room for a float a warp. */
__device__ __forceinline__ void chain_norm(const chain_job &a, const chain_share &own, float *sums,
                                           f16 *to) {
    enum { EACH = 4 }; /* that a lane asks for at once */
    int K = own.row < 0 ? 0 : a.K / 4, wide = own.row < 0 ? 0 : chain_width(a.K) / 4, i, k;
    const float4 *from = (const float4 *)(const void *)(a.from + (ptrdiff_t)own.row * a.K);
    const float4 *norm = (const float4 *)(const void *)a.norm;
    uint32_t *row = (uint32_t *)(void *)(to + own.row * chain_width(a.K));
    float4 x[EACH], by[EACH];
    float sum = 0, scale;
    for (k = own.first; k < K; k += EACH * own.step) {
#pragma unroll
        for (i = 0; i < EACH; i++) {
            x[i] = by[i] = make_float4(0, 0, 0, 0);
            if (k + i * own.step < K) x[i] = from[k + i * own.step], by[i] = norm[k + i * own.step];
        }
#pragma unroll
        for (i = 0; i < EACH; i++) {
            sum = fma_(x[i].x, x[i].x, fma_(x[i].y, x[i].y, sum));
            sum = fma_(x[i].z, x[i].z, fma_(x[i].w, x[i].w, sum));
        }
    }
    for (i = 16; i > 0; i /= 2) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, i);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
    __syncthreads();
    for (sum = 0, i = 0; i < own.warps && K; i++) sum += sums[own.row * own.warps + i];
    scale = 1.0f / sqrtf(sum / (float)a.K + a.eps);
    for (k = own.first; k < K; k += EACH * own.step) {
#pragma unroll
        for (i = 0; i < EACH; i++) /* again, if the row did not fit registers */
            if (K > EACH * own.step && k + i * own.step < K)
                x[i] = from[k + i * own.step], by[i] = norm[k + i * own.step];
#pragma unroll
        for (i = 0; i < EACH; i++)
            if (k + i * own.step < K) {
                uint32_t *four = row + (k + i * own.step) / 2 * 4 + (k + i * own.step) % 2;
                four[0] = f16_pack(within_f16(x[i].x * scale * by[i].x),
                                   within_f16(x[i].y * scale * by[i].y));
                four[2] = f16_pack(within_f16(x[i].z * scale * by[i].z),
                                   within_f16(x[i].w * scale * by[i].w));
            }
    }
    for (k = K + own.first; k < wide; k += own.step) row[2 * k] = row[2 * k + 1] = 0;
    __syncthreads();
}
/* to[rows][chain_width(K)] = a.x. */
__device__ __forceinline__ void chain_bring(const chain_job &a, const chain_share &own, f16 *to) {
    enum { EACH = 4 }; /* as above */
    int K = a.K / 8, wide = own.row < 0 ? 0 : chain_width(a.K) / 8, i, k;
    const uint4 *from = (const uint4 *)(const void *)(a.x + (ptrdiff_t)own.row * a.K);
    uint4 *row = (uint4 *)(void *)(to + own.row * chain_width(a.K)), x[EACH];
    for (k = own.first; k < wide; k += EACH * own.step) {
#pragma unroll
        for (i = 0; i < EACH; i++)
            x[i] = k + i * own.step < K ? from[k + i * own.step] : make_uint4(0, 0, 0, 0);
#pragma unroll
        for (i = 0; i < EACH; i++)
            if (k + i * own.step < wide)
                row[k + i * own.step] = make_uint4(x[i].x, x[i].z, x[i].y, x[i].w);
    }
    __syncthreads();
}
/* Two blocks would fit a multiprocessor's registers, so that `attend` fits beside one. */
template <int SLOTS>
__global__ void __launch_bounds__(CHAIN_THREADS, 2)
    few_chain(const __grid_constant__ chain_jobs all, unsigned long long *gate) {
    SHARED_ROOM(room); /* sums of a tile for each warp, the warps' slots, x */
    int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32, t = lane % 4, u = lane / 4;
    float *sums = (float *)(void *)room;
    f16 *slots = (f16 *)(void *)(sums + chain_sums(all.job[0].rows)) + warp * SLOTS * CHAIN_SLOT;
    f16 *brought = slots + (CHAIN_WARPS - warp) * SLOTS * CHAIN_SLOT;
    int j, i, k, w, tile, grid = (int)gridDim.x;
    int now = 0, last = SLOTS - 1; /* the slot that is read, and the one before */
    int turned = u % 2 * 4;        /* odd rows of a slot have 4 and 4 pieces of 16 bytes swapped */
    chain_place ahead = {0, chain_first(all.job[0]) - grid, 0, 0, NULL, 0, 0, 0, 0};
    chain_share own = chain_split(all.job[0].rows);
    meeting there;
    chain_settle(all, ahead, warp);
#pragma unroll 1
    for (i = 0; i < SLOTS - 1; i++) chain_fetch(all, ahead, warp, slots + i * CHAIN_SLOT);
    wait_for_last();
    there = meeting_at(gate);
#pragma unroll 1
    for (j = 0; j < all.jobs; j++) {
        const chain_job &a = all.job[j];
        float *part = sums + u * CHAIN_ROWS + t * 2; /* this lane's, of a warp's of a tile */
        const f16 *x = brought + (u < a.rows ? u : 0) * chain_width(a.K) + t * 8;
        if (j) blocks_meet(there);
        if (j + 1 == all.jobs)
            next_may_begin(); /* no sooner: what `attend` expects would be gone from L2 */
        if (j + 1 < all.jobs && all.job[j + 1].norm && threadIdx.x == 0) /* 128 bytes a block */
            for (k = (int)blockIdx.x * 32; k < all.job[j + 1].K; k += (int)gridDim.x * 32)
                expect(all.job[j + 1].norm + k);
        if (a.norm) chain_norm(a, own, sums, brought);
        else chain_bring(a, own, brought);
        /* Eight tiles, then each warp sums and stores one of them: pair t of it and row u of x. It asks early for what
           it adds. */
        for (tile = chain_first(a); tile < a.tiles; tile += CHAIN_WARPS * grid) {
            int mine = tile + warp * grid, n = mine * (CHAIN_ROWS / 2) + t;
            bool ends = mine < a.tiles && u < a.rows;
            int row[2] = {chain_row(a, n, 0), chain_row(a, n, 1)};
            few_end end = {};
            if (ends) end = few_find(a, a.way, u, n, row);
            for (w = 0; w < CHAIN_WARPS && tile + w * grid < a.tiles; w++) {
                float sum[4][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
                float *to = part + (w * CHAIN_WARPS + warp) * a.rows * CHAIN_ROWS;
#pragma unroll 1
                for (k = warp * CHAIN_STEP; k < a.K; k += CHAIN_WARPS * CHAIN_STEP) {
                    const f16 *slot = slots + now * CHAIN_SLOT + u * CHAIN_STEP;
                    const f16 *even = slot + (t ^ turned) * 8, *odd = slot + ((t + 4) ^ turned) * 8;
                    copy_wait<SLOTS - 2>();
                    __syncwarp(); /* the slot is here, and all have read the one before */
                    chain_fetch(all, ahead, warp, slots + last * CHAIN_SLOT);
#pragma unroll
                    for (i = 0; i < CHAIN_STEP / 32; i++) { /* 32 values of k: 8 a lane */
                        uint4 of = *(const uint4 *)(const void *)((i % 2 ? odd : even) +
                                                                  i / 2 * 64);
                        uint4 with = *(const uint4 *)(const void *)(x + k + i * 32);
                        uint32_t left[4] = {with.x, with.y, with.z, with.w};
                        mma(sum[i % 2 * 2], left, of.x, of.y);
                        mma(sum[i % 2 * 2 + 1], left, of.z, of.w);
                    }
                    last = now, now = now + 1 < SLOTS ? now + 1 : 0;
                }
                for (i = 0; i < 2 && u < a.rows; i++)
                    to[i] = (sum[0][i] + sum[1][2 + i]) + (sum[2][i] + sum[3][2 + i]);
            }
            __syncthreads();
            if (ends) {
                const float *from = part + warp * CHAIN_WARPS * a.rows * CHAIN_ROWS;
                float made[2] = {0, 0};
#pragma unroll
                for (i = 0; i < CHAIN_WARPS; i++, from += a.rows * CHAIN_ROWS)
                    made[0] += from[0], made[1] += from[1];
                few_store(a, a.way, u, n, row, end, made);
            }
            if (tile + CHAIN_WARPS * grid < a.tiles) __syncthreads(); /* sums are read */
        }
    }
    copy_wait<0>();
}

/* x[T, N] += bias[N]. A block for each row. */
__global__ void add_bias(float *x, const float *bias, int N) {
    int n;
    follow();
    for (n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
        x[(size_t)blockIdx.x * (size_t)N + n] += bias[n];
}

/* RMSNorm of x[.., stride][n], in place. A block for each row. */
template <bool EXACT>
__global__ void norm_here(float *x, int stride, const float *weight, float eps, int n) {
    __shared__ float scale;
    float sum = 0;
    int i;
    follow();
    x += (size_t)blockIdx.x * (size_t)stride;
    if (EXACT)
        for (i = 0; threadIdx.x == 0 && i < n; i++) sum = fma_(x[i], x[i], sum);
    else {
        for (i = (int)threadIdx.x; i < n; i += (int)blockDim.x) sum = fma_(x[i], x[i], sum);
        sum = block_sum(sum);
    }
    if (threadIdx.x == 0) scale = 1.0f / sqrtf(sum / (float)n + eps);
    __syncthreads();
    for (i = (int)threadIdx.x; i < n; i += (int)blockDim.x) x[i] = x[i] * scale * weight[i];
}
/* x[T, N] = fma(y, scale, x). A block for each row, as in the next two. */
__global__ void residual_add(float *x, const float *y, float scale, int N) {
    size_t at = (size_t)blockIdx.x * (size_t)N;
    int n;
    follow();
    for (n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
        x[at + n] = fma_(y[at + n], scale, x[at + n]);
}
/* out[T, N] = x: what a layer without a norm before a block reads. */
template <class T> __global__ void as_it_is(const float *x, T *out, int N) {
    size_t at = (size_t)blockIdx.x * (size_t)N;
    int n;
    follow();
    for (n = (int)threadIdx.x; n < N; n += (int)blockDim.x) narrow(x[at + n], out + at + n);
}
/* x[T, N] /= by */
template <class T> __global__ void divide(T *x, float by, int N) {
    size_t at = (size_t)blockIdx.x * (size_t)N;
    int n;
    follow();
    for (n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
        narrow(widen(x[at + n]) / by, x + at + n);
}

/* The heads of one row of qkv [T, (H + 2G) C]: bias and rotation, and into their places. A block for each row; its
   threads take pairs of channels in turn. */
template <class T> __global__ void rotate_store(heads<T> a, const float *qkv, const float *bias) {
    int row = (int)blockIdx.x, half = a.C / 2, all = (a.H + 2 * a.G) * half, i;
    follow();
    qkv += (size_t)row * 2 * (size_t)all;
    for (i = (int)threadIdx.x; i < all; i += (int)blockDim.x) {
        int head = i / half, c = i % half, at = head * a.C + c;
        float x = qkv[at], y = qkv[at + half];
        if (bias) x += bias[at], y += bias[at + half];
        head_put(a, head_find(a, row, head, c), row, head, c, x, y);
    }
}
/* The same with the norms of heads, q_norm and k_norm [C] (NULL: none). A block for each head (x) and row (y). */
template <bool EXACT, class T>
__global__ void norm_rotate_store(heads<T> a, const float *qkv, const float *bias,
                                  const float *q_norm, const float *k_norm, float eps) {
    __shared__ float x[HEAD_MOST], scale;
    int head = (int)blockIdx.x, row = (int)blockIdx.y, C = a.C, half = C / 2, c;
    const float *weight = head < a.H ? q_norm : head < a.H + a.G ? k_norm : NULL;
    size_t from = ((size_t)row * (size_t)(a.H + 2 * a.G) + (size_t)head) * (size_t)C;
    follow();
    for (c = (int)threadIdx.x; c < C; c += (int)blockDim.x)
        x[c] = bias ? qkv[from + c] + bias[head * C + c] : qkv[from + c];
    __syncthreads();
    if (weight) {
        float sum = 0;
        if (EXACT)
            for (c = 0; threadIdx.x == 0 && c < C; c++) sum = fma_(x[c], x[c], sum);
        else {
            for (c = (int)threadIdx.x; c < C; c += (int)blockDim.x) sum = fma_(x[c], x[c], sum);
            sum = block_sum(sum);
        }
        if (threadIdx.x == 0) scale = 1.0f / sqrtf(sum / (float)C + eps);
        __syncthreads();
        for (c = (int)threadIdx.x; c < C; c += (int)blockDim.x) x[c] = x[c] * scale * weight[c];
        __syncthreads();
    }
    for (c = (int)threadIdx.x; c < half; c += (int)blockDim.x)
        head_put(a, head_find(a, row, head, c), row, head, c, x[c], x[half + c]);
}

/* KV copies: keys, rotated, and values from page to page (sgf__kv_copy_run). A block for each copy (x) and each
   kv head of each layer (y); a thread for each channel of half a head. */
template <class T>
__global__ void kv_copy(const sgf__device_copy *copies, const float *inv_freq,
                        const int32_t *rope_of, int layers, int G, int C) {
    sgf__device_copy own;
    bool turned;
    int layer = (int)blockIdx.y / G, g = (int)blockIdx.y % G, half = C / 2, c, i;
    const T *from;
    T *to;
    follow();
    own = copies[blockIdx.x];
    turned = own.rotate && rope_of[layer] >= 0;
    if (rope_of[layer] > 0) inv_freq += half;
    from = page_keys<T>((void *)own.from, layer, g, G, C) + own.from_cell * C;
    to = page_keys<T>(own.to, layer, g, G, C) + own.to_cell * C;
    for (c = (int)threadIdx.x; c < half; c += (int)blockDim.x) {
        double s = 0, k = 1;
        float sine, cosine;
        if (turned) sgf__sincos_d((double)own.rotate * (double)inv_freq[c], &s, &k);
        sine = (float)s, cosine = (float)k;
        for (i = 0; i < own.count; i++) {
            float a = widen(from[i * C + c]), b = widen(from[i * C + half + c]);
            const T *value = from + (PAGE + i) * C;
            if (turned) {
                narrow(fma_(a, cosine, -(b * sine)), to + i * C + c);
                narrow(fma_(b, cosine, a * sine), to + i * C + half + c);
            } else to[i * C + c] = from[i * C + c], to[i * C + half + c] = from[i * C + half + c];
            to[(PAGE + i) * C + c] = value[c];
            to[(PAGE + i) * C + half + c] = value[half + c];
        }
    }
    if (blockIdx.y == 0 && (int)threadIdx.x < own.count)
        page_positions<T>(own.to, layers, G, C)[own.to_cell + (int)threadIdx.x] =
            page_positions<T>((void *)own.from, layers, G, C)[own.from_cell + (int)threadIdx.x] +
            own.rotate;
}

/* h[T, F] = SwiGLU of gu [T, 2F], gate and up side by side (sgf__swiglu). A thread for four columns (x) of a row
   (y). */
enum { SWIGLU_COLUMNS = 4, SWIGLU_THREADS = 256 };
template <class T> __global__ void swiglu(const T *gu, const float *bias, T *h, int F, int gelu) {
    int f = (int)(blockIdx.x * SWIGLU_COLUMNS * SWIGLU_THREADS + threadIdx.x), i;
    size_t row = blockIdx.y;
    float gate[SWIGLU_COLUMNS], up[SWIGLU_COLUMNS];
    follow();
    gu += 2 * row * (size_t)F;
    h += row * (size_t)F;
#pragma unroll
    for (i = 0; i < SWIGLU_COLUMNS; i++) {
        int at = f + i * SWIGLU_THREADS;
        gate[i] = at < F ? widen(gu[at]) : 0, up[i] = at < F ? widen(gu[F + at]) : 0;
        if (sizeof(T) == 2) gate[i] = within_f16(gate[i]), up[i] = within_f16(up[i]);
    }
#pragma unroll
    for (i = 0; i < SWIGLU_COLUMNS; i++) {
        int at = f + i * SWIGLU_THREADS;
        if (at < F) narrow(gated(gelu, gate[i], up[i], bias, at, F), h + at);
    }
}

/* ====================================================================================
 * Kernels: attention
 * ==================================================================================== */

__device__ __forceinline__ bool too_far(int window, int query, int key) {
    return window && query - key >= window;
}

/* out[T, H C], the chains of sgf__reference_attend. A block of 128 threads for each head (x) and row (y).
   It walks the row's visible keys twice: for the maximum of the scores, then for their exponentials,
   128 at a time in shared memory, which thread 0 sums and thread c multiplies with channel c of V. */
template <class T>
__global__ void attend_exact(const sgf__device_row *rows, const sgf__device_group *groups,
                             const sgf__device_span *spans, void *const *pages, const T *q, T *out,
                             int H, int G, int C, int layer, int layers, int window, float scale) {
    enum { KEYS = 128, CHANNELS = HEAD_MOST / KEYS };
    __shared__ float query[HEAD_MOST], weight[KEYS], top, sum;
    int head = (int)blockIdx.x, row = (int)blockIdx.y, i = (int)threadIdx.x, c, k, pass, s;
    int g = head / (H / G);
    sgf__device_row own;
    sgf__device_group group;
    float best = -INFINITY, total = 0, acc[CHANNELS];
    size_t at = ((size_t)row * (size_t)H + (size_t)head) * (size_t)C;
    follow();
    own = rows[row];
    group = groups[own.group];
    for (c = i; c < C; c += KEYS) query[c] = widen(q[at + c]);
    for (k = 0; k < CHANNELS; k++) acc[k] = 0;
    __syncthreads();
    for (pass = 0; pass < 2; pass++) {
        for (s = group.span; s < group.span + group.spans; s++) {
            sgf__device_span span = spans[s];
            int end = span.own && own.index + 1 < span.end ? own.index + 1 : span.end, base;
            void *const *page = pages + span.first_page;
            for (base = span.begin; base < end; base += KEYS) {
                int j = base + i, count = end - base < KEYS ? end - base : KEYS;
                float score = 0;
                bool seen = j < end;
                if (seen && window)
                    seen = !too_far(window, own.pos,
                                    page_positions<T>(page[j / PAGE], layers, G, C)[j % PAGE]);
                if (seen) {
                    const T *key = page_keys<T>(page[j / PAGE], layer, g, G, C) + (j % PAGE) * C;
                    for (c = 0; c < C; c++) score = fma_(query[c], widen(key[c]), score);
                    score = fma_(score, scale, span.log_weight);
                    if (pass == 0 && score > best) best = score;
                }
                if (pass == 0) continue;
                weight[i] = seen ? sgf__exp(score - top) : -1; /* -1: not seen */
                __syncthreads();
                for (k = 0; i == 0 && k < count; k++)
                    if (!(weight[k] < 0)) total += weight[k];
                for (c = 0; c < CHANNELS && i + c * KEYS < C; c++)
                    for (k = 0; k < count; k++) {
                        const T *value = page_keys<T>(page[(base + k) / PAGE], layer, g, G, C) +
                                         (PAGE + (base + k) % PAGE) * C;
                        if (!(weight[k] < 0))
                            acc[c] = fma_(weight[k], widen(value[i + c * KEYS]), acc[c]);
                    }
                __syncthreads();
            }
        }
        if (pass == 0) {
            weight[i] = best;
            __syncthreads();
            for (k = 1; i == 0 && k < KEYS; k++)
                if (weight[k] > best) best = weight[k];
            if (i == 0) top = best > -INFINITY ? best : 0;
        } else if (i == 0) sum = total;
        __syncthreads();
    }
    for (c = 0; c < CHANNELS && i + c * KEYS < C; c++)
        narrow(acc[c] * (1.0f / (sum != 0 ? sum : 1)), out + at + i + c * KEYS);
}

/* What one block of `attend` or `attend_wide` does for one kv head: up to 64 / R or 192 / R rows against some spans. */
struct item {
    int32_t list, rows;  /* which: list[list], ... */
    int32_t span, spans; /* of the plan's own spans */
    int32_t partial; /* slot[partial], ...: where its rows' results go; -1: it is all they have */
    int32_t low;     /* the least index of its rows */
    int32_t keys;    /* of its spans, for the last of its rows, tiled */
};

/* Which partial results are a row's. */
struct parts {
    int32_t first, count; /* -1: none, its item wrote the output; 0: it sees nothing */
};

/* What the two kernels get: q, out [T, H C]; partial results: outputs partial[.., H, C], maximum and sum of weights
   partial_ml[.., H, 2]. */
struct attending {
    const sgf__device_row *rows;
    const item *items;
    const int32_t *list;
    const sgf__device_span *spans;
    void *const *pages;
    const f16 *q;
    f16 *out;
    const parts *of;
    const int32_t *slot;
    float *partial, *partial_ml;
    int32_t *arrived; /* [T, G]: how many of a row's parts are there; 0 between kernels */
    int H, G, C, layer, layers, window;
    float scale; /* of scores, as exponents of 2 */
};

/* Exponents are of 2. */
#define LOG2E 1.44269504f
/* Where a block is among the keys of its item. */
struct place {
    int span, base, end; /* keys [base, min(base + TILE, end)) of that span */
    void *const *page;   /* of the span's sequence */
};
/* Who sees its keys (as sgf__device_span's own), and their mass. */
struct kind {
    int own;
    float mass;
};
__device__ __forceinline__ kind kind_of(const attending &a, int span) {
    kind of = {a.spans[span].own, a.spans[span].log_weight * LOG2E};
    return of;
}
__device__ __forceinline__ place place_of(const attending &a, int span) {
    place at = {span, a.spans[span].begin, a.spans[span].end, a.pages + a.spans[span].first_page};
    return at;
}
/* The next tile; its span is `last` when there is none. */
__device__ __forceinline__ place place_next(const attending &a, place at, int last) {
    at.base += TILE;
    if (at.base >= at.end && ++at.span < last) at = place_of(a, at.span);
    return at;
}

/* Where value c of row `row` of a tile [64][CP] is in shared memory: in rows of CP + 8, or in panels of 64 columns. */
template <int CP, bool PANELS>
__device__ __forceinline__ unsigned tile_at(unsigned row, unsigned c) {
    return PANELS ? (c / 64 * TILE + row) * 64 + (c / 8 % 8 ^ row % 8) * 8 : row * (CP + 8) + c;
}
/* What a thread copies of a tile: 16 bytes of each of these keys. Their values are PAGE keys behind them. */
template <int CP, int THREADS> struct lines {
    enum { CHUNKS = CP / 8, ALL = TILE * CHUNKS, N = (ALL + THREADS - 1) / THREADS };
    const char *at[N];
    uint32_t there; /* bit n: at[n] is */
};
template <int CP, int THREADS>
__device__ __forceinline__ lines<CP, THREADS> tile_find(const attending &a, place at, int g) {
    const unsigned head = (unsigned)(a.layer * a.G + g) * (unsigned)(4 * PAGE * a.C);
    lines<CP, THREADS> of;
    int n, last = at.end - 1;
    of.there = 0;
#pragma unroll
    for (n = 0; n < of.N; n++) {
        unsigned i = threadIdx.x + (unsigned)(n * THREADS), row = i / of.CHUNKS;
        unsigned c = i % of.CHUNKS * 8;
        int key = at.base + (int)row, j = key < last ? key : last;
        of.at[n] = (const char *)at.page[(unsigned)j / PAGE] +
                   ((unsigned)j % PAGE * (unsigned)(2 * a.C) + (head + 2 * c));
        if (key <= last && c < (unsigned)a.C && (of.ALL % THREADS == 0 || row < TILE))
            of.there |= 1u << n;
    }
    return of;
}
/* The keys, or (skip = PAGE) the values, into a tile, without waiting; what is not there becomes 0. */
template <int CP, int THREADS, bool PANELS>
__device__ __forceinline__ void tile_copy(shared_place to, const attending &a,
                                          const lines<CP, THREADS> &of, int skip) {
    int n;
#pragma unroll
    for (n = 0; n < of.N; n++) {
        unsigned i = threadIdx.x + (unsigned)(n * THREADS), row = i / of.CHUNKS;
        if (of.ALL % THREADS == 0 || row < TILE)
            copy16(to + 2 * tile_at<CP, PANELS>(row, i % of.CHUNKS * 8), of.at[n] + skip * 2 * a.C,
                   of.there >> n & 1);
    }
}

/* A block's rows are pairs p of a row p / R of the item and a head p % R of the R that share the kv head, so that a
   decode step, too, fills tiles, and K and V are read once for all heads and for all sequences that stand on the same
   prefix. A warp has 16 pairs. With t = lane % 4 and u = lane / 4, a lane holds of scores [16, 64] the elements
   (u, 8n + 2t), (u, 8n + 2t + 1), (u + 8, 8n + 2t), (u + 8, 8n + 2t + 1), and outputs [16, CP] alike. This is what it
   knows of its pairs u and u + 8. */
struct two_pairs {
    int index[2];         /* of their rows; -1: none */
    float top[2], sum[2]; /* of scores so far: their maximum, and of their exponentials */
};
/* The number of the row of a lane's pair u + 8h; -1: none. */
__device__ __forceinline__ int pair_row(const attending &a, const item &own, int R, int h) {
    int pair = (int)threadIdx.x / 32 * 16 + (int)threadIdx.x % 32 / 4 + 8 * h;
    return pair / R < own.rows ? a.list[own.list + pair / R] : -1;
}
__device__ __forceinline__ void pairs_begin(const attending &a, const item &own, int R,
                                            two_pairs *p) {
    int h;
    for (h = 0; h < 2; h++) {
        int row = pair_row(a, own, R, h);
        p->index[h] = row < 0 ? -1 : a.rows[row].index;
        p->top[h] = -INFINITY, p->sum[h] = 0;
    }
}
/* Where head p % R of that row is in q and out. */
__device__ __forceinline__ size_t pair_at(const attending &a, int row, int head) {
    return ((size_t)row * (size_t)a.H + (size_t)head) * (size_t)a.C;
}
/* Scores become weights, exponentials of 2 above the greatest score so far; sums and outputs so far are to be
   multiplied by shrink. ROUNDED: sums are of the weights as V meets them, in f16; among many keys that averages out. */
template <bool ROUNDED>
__device__ __forceinline__ void weigh(const attending &a, const item &own, int R, place now,
                                      kind of, float scale, float (&score)[TILE / 8][4],
                                      float (&shrink)[2], two_pairs *p) {
    int t = (int)threadIdx.x % 4, n, i, h;
    float highest[2];
    if (now.base + TILE > now.end || (of.own && now.base + TILE - 1 > own.low)) {
        int limit[2]; /* what a row does not see weighs nothing */
        for (h = 0; h < 2; h++)
            limit[h] = of.own && p->index[h] + 1 < now.end ? p->index[h] + 1 : now.end;
#pragma unroll
        for (n = 0; n < TILE / 8; n++)
#pragma unroll
            for (i = 0; i < 4; i++)
                if (now.base + 8 * n + 2 * t + i % 2 >= limit[i / 2]) score[n][i] = -INFINITY;
    }
    if (a.window) {
        int pos[2];
        for (h = 0; h < 2; h++) {
            int row = pair_row(a, own, R, h);
            pos[h] = row < 0 ? 0 : a.rows[row].pos;
        }
#pragma unroll
        for (n = 0; n < TILE / 8; n++)
#pragma unroll
            for (i = 0; i < 2; i++) {
                int j = now.base + 8 * n + 2 * t + i, key = 0;
                if (j < now.end)
                    key = page_positions<f16>(now.page[j / PAGE], a.layers, a.G, a.C)[j % PAGE];
                for (h = 0; h < 2; h++)
                    if (too_far(a.window, pos[h], key)) score[n][2 * h + i] = -INFINITY;
            }
    }
    for (h = 0; h < 2; h++) highest[h] = -INFINITY;
#pragma unroll
    for (n = 0; n < TILE / 8; n++)
#pragma unroll
        for (i = 0; i < 4; i++) highest[i / 2] = fmaxf(highest[i / 2], score[n][i]);
    for (h = 0; h < 2; h++) { /* the four lanes of a row agree on its maximum */
        float safe;
        highest[h] = fmaxf(highest[h], __shfl_xor_sync(0xFFFFFFFFu, highest[h], 1));
        highest[h] = fmaxf(highest[h], __shfl_xor_sync(0xFFFFFFFFu, highest[h], 2));
        highest[h] = fmaxf(p->top[h], fma_(highest[h], scale, of.mass));
        safe = highest[h] > -INFINITY ? highest[h] : 0; /* nothing was seen yet */
        shrink[h] = exp2_fast(p->top[h] - safe);
        p->top[h] = highest[h];
        highest[h] = of.mass - safe;
        p->sum[h] *= shrink[h];
    }
#pragma unroll
    for (n = 0; n < TILE / 8; n++)
#pragma unroll
        for (i = 0; i < 4; i++) {
            score[n][i] = exp2_fast(fma_(score[n][i], scale, highest[i / 2]));
            p->sum[i / 2] += ROUNDED ? f16_widen(f16_narrow(score[n][i])) : score[n][i];
        }
}
/* Weights of keys 16s to 16s + 15 as the left operand of a product. */
__device__ __forceinline__ void weights_pack(const float (&score)[TILE / 8][4], int s,
                                             uint32_t (&a)[4]) {
    a[0] = f16_pack(score[2 * s][0], score[2 * s][1]);
    a[1] = f16_pack(score[2 * s][2], score[2 * s][3]);
    a[2] = f16_pack(score[2 * s + 1][0], score[2 * s + 1][1]);
    a[3] = f16_pack(score[2 * s + 1][2], score[2 * s + 1][3]);
}
template <int CP>
__device__ __forceinline__ void outputs_shrink(float (&acc)[CP / 8][4], const float (&shrink)[2]) {
    int n, i;
    if (shrink[0] == 1 && shrink[1] == 1) return;
#pragma unroll
    for (n = 0; n < CP / 8; n++)
#pragma unroll
        for (i = 0; i < 4; i++) acc[n][i] *= shrink[i / 2];
}
/* Where the results of a lane's pairs u and u + 8 go. */
struct pair_ends {
    int row[2];  /* -1: there is none */
    int slot[2]; /* -1: into the output */
};
__device__ __forceinline__ pair_ends ends_find(const attending &a, const item &own, int R) {
    int warp = (int)threadIdx.x / 32, u = (int)threadIdx.x % 32 / 4, h;
    pair_ends to;
    for (h = 0; h < 2; h++) {
        int pair = warp * 16 + u + 8 * h;
        to.row[h] = pair_row(a, own, R, h);
        to.slot[h] = to.row[h] < 0 || own.partial < 0 ? -1 : a.slot[own.partial + pair / R];
    }
    return to;
}
/* The outputs of a lane's pairs, or the partial results. */
template <int CP>
__device__ __forceinline__ void outputs_store(const attending &a, const pair_ends &to, int g, int R,
                                              const float (&acc)[CP / 8][4], two_pairs *p) {
    int warp = (int)threadIdx.x / 32, t = (int)threadIdx.x % 4, u = (int)threadIdx.x % 32 / 4;
    int n, i, h;
    for (h = 0; h < 2; h++) {
        p->sum[h] += __shfl_xor_sync(0xFFFFFFFFu, p->sum[h], 1);
        p->sum[h] += __shfl_xor_sync(0xFFFFFFFFu, p->sum[h], 2);
    }
    for (h = 0; h < 2; h++) {
        int head = g * R + (warp * 16 + u + 8 * h) % R;
        size_t at, slot;
        if (to.row[h] < 0) continue;
        at = pair_at(a, to.row[h], head);
        if (to.slot[h] < 0) {
            float share = p->sum[h] > 0 ? 1.0f / p->sum[h] : 0;
#pragma unroll
            for (n = 0; n < CP / 8; n++)
                if (8 * n + 2 * t < a.C)
                    *(uint32_t *)(void *)(a.out + at + 8 * n + 2 * t) = f16_pack(
                        acc[n][2 * h] * share, acc[n][2 * h + 1] * share);
            continue;
        }
        slot = (size_t)to.slot[h] * (size_t)a.H + (size_t)head;
#pragma unroll
        for (n = 0; n < CP / 8; n++)
            for (i = 0; i < 2; i++)
                if (8 * n + 2 * t + i < a.C)
                    a.partial[slot * (size_t)a.C + 8 * n + 2 * t + i] = acc[n][2 * h + i];
        if (t == 0) a.partial_ml[2 * slot] = p->top[h], a.partial_ml[2 * slot + 1] = p->sum[h];
    }
}
/* The parts of row threadIdx.x of a block that leaves partial results; count 0: there is no such row. */
__device__ __forceinline__ parts parts_find(const attending &a, const item &own) {
    parts none = {0, 0};
    return own.partial >= 0 && (int)threadIdx.x < own.rows
               ? a.of[a.list[own.list + (int)threadIdx.x]]
               : none;
}
/* Behind outputs_store: the block that leaves the last part of a row (whole[its number]) puts them all together,
   scaled to a common maximum, for the heads of its kv head. A thread for four channels. */
template <int ROWS>
__device__ __forceinline__ void parts_merge(const attending &a, const item &own, int g, int R,
                                            parts mine, parts (&whole)[ROWS]) {
    const int32_t *row = a.list + own.list;
    int r = (int)threadIdx.x, fours = R * a.C / 4, n, i;
    if (own.partial < 0) return;
    __syncthreads(); /* all that the block leaves is written */
    if (r < own.rows) {
        if (!last_of(a.arrived + row[r] * a.G + g, mine.count)) mine.count = 0;
        whole[r] = mine;
    }
    __syncthreads();
    for (n = (int)threadIdx.x; n < own.rows * fours; n += (int)blockDim.x) {
        parts of = whole[n / fours];
        int c = n % fours * 4, head = g * R + c / a.C;
        size_t slot = (size_t)of.first * (size_t)a.H + (size_t)head;
        const float *ml = a.partial_ml + 2 * slot, *x = a.partial + slot * (size_t)a.C + c % a.C;
        float top = -INFINITY, sum = 0;
        float4 all = {0, 0, 0, 0};
        uint2 out;
        if (of.count == 0) continue;
#pragma unroll 4
        for (i = 0; i < of.count; i++) {
            float m = ml[2 * a.H * i], s = ml[2 * a.H * i + 1], next = fmaxf(top, m), shrink, grow;
            float4 part = *(const float4 *)(const void *)(x + (size_t)i * (size_t)(a.H * a.C));
            shrink = next > -INFINITY ? exp2_fast(top - next) : 0;
            grow = next > -INFINITY ? exp2_fast(m - next) : 0;
            top = next, sum = fma_(sum, shrink, s * grow);
            all.x = fma_(all.x, shrink, part.x * grow), all.y = fma_(all.y, shrink, part.y * grow);
            all.z = fma_(all.z, shrink, part.z * grow), all.w = fma_(all.w, shrink, part.w * grow);
        }
        sum = sum > 0 ? 1.0f / sum : 0;
        out.x = f16_pack(all.x * sum, all.y * sum), out.y = f16_pack(all.z * sum, all.w * sum);
        *(uint2 *)(void *)(a.out + pair_at(a, row[n / fours], head) + c % a.C) = out;
    }
}
/* Keys and values of the item's first tiles are wanted soon. (This asks them into L2, where the kernel ahead, which may
   not have ended, still writes the newest.) */
__device__ __forceinline__ void tiles_expect(const attending &a, place at, int last, int g) {
    enum { TILES = 8, LINE = 128 };
    int bytes = 2 * a.C, lines = (bytes + LINE - 1) / LINE, tile, i;
    size_t head = (size_t)(a.layer * a.G + g) * (size_t)(2 * PAGE * bytes);
    for (tile = 0; tile < TILES && at.span < last; tile++, at = place_next(a, at, last))
        for (i = (int)threadIdx.x; i < 2 * TILE * lines; i += (int)blockDim.x) {
            int key = at.base + i / (2 * lines), side = i / lines % 2;
            if (key < at.end)
                expect((const char *)at.page[key / PAGE] + head +
                       (size_t)((side * PAGE + key % PAGE) * bytes + i % lines * LINE));
        }
}

/* Segment attention on tensor cores, for prefill and decode alike: FlashAttention-2's loop (Dao 2023)
   over the keys that the item's spans name, and no others. A block of four warps for each kv head
   of each item, the longest items first. Scores and sums are f32; weights are rounded to f16 before
   they meet V. While one tile is multiplied, the next one is on its way (copy16): K during weights
   times V, V during the next scores. */
enum { ATTEND_THREADS = 128 };
template <int CP> __global__ void __launch_bounds__(ATTEND_THREADS) attend(attending a) {
    enum { THREADS = ATTEND_THREADS, STRIDE = CP + 8, CS = CP / 16 };
    __shared__ __align__(16) f16 ks[TILE * STRIDE], vs[TILE * STRIDE];
    __shared__ parts whole[TILE];
    int g = (int)(blockIdx.x % (unsigned)a.G), R = a.H / a.G, lane = (int)threadIdx.x % 32;
    int warp = (int)threadIdx.x / 32, t = lane % 4, u = lane / 4, i, n, s, last;
    uint32_t query[CS][4];
    float acc[CP / 8][4], shrink[2], scale = a.scale;
    two_pairs pairs;
    lines<CP, THREADS> line;
    place now, next;
    kind of;
    pair_ends to;
    parts mine;
    item own;
    next_may_begin(); /* and until wait_for_last only what was uploaded is read */
    own = a.items[blockIdx.x / (unsigned)a.G];
    last = own.span + own.spans;
    if (own.rows) {
        now = place_of(a, own.span);
        of = kind_of(a, own.span);
        line = tile_find<CP, THREADS>(a, now, g);
        tiles_expect(a, now, last, g);
        pairs_begin(a, own, R, &pairs);
        to = ends_find(a, own, R);
        mine = parts_find(a, own);
    }
    wait_for_last();
    if (own.rows == 0) return; /* the whole block: an item that fills the grid */
    tile_copy<CP, THREADS, false>(shared_at(ks), a, line, 0);
    copy_close();
    tile_copy<CP, THREADS, false>(shared_at(vs), a, line, PAGE);
    copy_close();
    for (s = 0; s < CS; s++)
        for (i = 0; i < 4; i++) { /* a fragment: rows u, u + 8; columns 2t, 2t + 8 */
            int c = s * 16 + 2 * t + (i / 2) * 8, row = to.row[i % 2];
            int head = g * R + (warp * 16 + u + i % 2 * 8) % R;
            query[s][i] = row >= 0 && c < a.C
                              ? *(const uint32_t *)(const void *)(a.q + pair_at(a, row, head) + c)
                              : 0;
        }
    for (n = 0; n < CP / 8; n++)
        for (i = 0; i < 4; i++) acc[n][i] = 0;
    for (; now.span < last; now = next) {
        float score[TILE / 8][4];
        next = place_next(a, now, last);
        copy_wait<1>(); /* K is here */
        __syncthreads();
        for (n = 0; n < TILE / 8; n++)
            for (i = 0; i < 4; i++) score[n][i] = 0;
#pragma unroll
        for (s = 0; s < CS; s++)
#pragma unroll
            for (n = 0; n < TILE / 8; n += 2) { /* keys 8n to 8n + 15, channels 16s to 16s + 15 */
                uint32_t b[4];
                matrices_load(b, ks + (8 * n + lane / 16 * 8 + lane % 8) * STRIDE + 16 * s +
                                     lane / 8 % 2 * 8);
                mma(score[n], query[s], b[0], b[1]);
                mma(score[n + 1], query[s], b[2], b[3]);
            }
        __syncthreads(); /* K was read */
        if (next.span < last) {
            line = tile_find<CP, THREADS>(a, next, g);
            tile_copy<CP, THREADS, false>(shared_at(ks), a, line, 0);
        }
        copy_close();
        weigh<true>(a, own, R, now, of, scale, score, shrink, &pairs);
        if (next.span != now.span && next.span < last) of = kind_of(a, next.span);
        outputs_shrink<CP>(acc, shrink);
        copy_wait<1>(); /* V is here */
        __syncthreads();
#pragma unroll
        for (s = 0; s < TILE / 16; s++) { /* keys 16s to 16s + 15 */
            uint32_t weight[4];
            weights_pack(score, s, weight);
#pragma unroll
            for (n = 0; n < CP / 8; n += 2) { /* channels 8n to 8n + 15 */
                uint32_t b[4];
                matrices_load_turned(b, vs + (16 * s + lane % 16) * STRIDE + 8 * n + lane / 16 * 8);
                mma(acc[n], weight, b[0], b[1]);
                mma(acc[n + 1], weight, b[2], b[3]);
            }
        }
        __syncthreads(); /* V was read */
        if (next.span < last) tile_copy<CP, THREADS, false>(shared_at(vs), a, line, PAGE);
        copy_close();
    }
    copy_wait<0>();
    outputs_store<CP>(a, to, g, R, acc, &pairs);
    parts_merge(a, own, g, R, mine, whole);
}

/* The same with Hopper's products of four warps, for long prompts: three such groups, 192 pairs, share a tile. The
   products of a tile with V run while its successor's scores are weighed (FlashAttention-3's overlap within a group,
   Shah et al. 2024). Four tiles of keys and values are in shared memory: of two of them copies are on their way, one is
   multiplied with the queries, and one with its weights. CP: 64 or 128. */
enum { WIDE_PAIRS = 192, WIDE_THREADS = 384, WIDE_TILES = 4, PANEL_BYTES = 64 * 128 };
template <int CP>
constexpr size_t wide_bytes() { /* shared memory: queries, tiles, and what aligns them */
    return (WIDE_PAIRS + WIDE_TILES * 2 * TILE) * CP * sizeof(f16) + 1024;
}
#ifdef SGF__GROUPS
/* Copies keys and values of the tile at *ahead, and goes to the next; the copies are a group, if there are any. */
template <int CP>
__device__ __forceinline__ void wide_copy(shared_place to, const attending &a, place *ahead,
                                          int last, int g) {
    if (ahead->span < last) {
        const lines<CP, WIDE_THREADS> line = tile_find<CP, WIDE_THREADS>(a, *ahead, g);
        tile_copy<CP, WIDE_THREADS, true>(to, a, line, 0);
        tile_copy<CP, WIDE_THREADS, true>(to + TILE * CP * 2, a, line, PAGE);
        *ahead = place_next(a, *ahead, last);
    }
    copy_close();
}
/* score[64, 64] = q k^T of a group's queries and the keys of the next tile, begun when they are here and all groups are
   done with the tile before the last, whose place the one after the next takes. */
template <int CP>
__device__ __forceinline__ void wide_scores(float (&score)[TILE / 8][4], panel q, panel k,
                                            shared_place to, const attending &a, place *ahead,
                                            int last, int g) {
    int s, n, i;
    copy_wait<1>();
    groups_see();
    __syncthreads();
    wide_copy<CP>(to, a, ahead, last, g);
#pragma unroll
    for (n = 0; n < TILE / 8; n++)
#pragma unroll
        for (i = 0; i < 4; i++) score[n][i] = 0;
    registers_settle<TILE / 8>(score);
    groups_begin();
#pragma unroll
    for (s = 0; s < CP / 16; s++) { /* channels 16s to 16s + 15 */
        unsigned at = (unsigned)(s / 4 * PANEL_BYTES + s % 4 * 32);
        group_scores(score, panel_plus(q, at), panel_plus(k, at));
    }
    groups_close();
}
/* acc[64, CP] += weights v of a tile, begun. */
template <int CP>
__device__ __forceinline__ void group_values_of(float (&acc)[CP / 8][4],
                                                const uint32_t (&weight)[TILE / 16][4], panel v) {
    int s, n;
#pragma unroll
    for (s = 0; s < TILE / 16; s++) /* keys 16s to 16s + 15 */
#pragma unroll
        for (n = 0; n < CP / 64; n++)
            group_values(acc + 8 * n, weight[s],
                         panel_plus(v, (unsigned)(n * PANEL_BYTES + s * 16 * 128)));
}
#endif
template <int CP> __global__ void __launch_bounds__(WIDE_THREADS) attend_wide(attending a) {
#ifdef SGF__GROUPS
    enum { BYTES = TILE * CP * 2 }; /* of the keys of a tile, and of its values */
    SHARED_ROOM(room);
    __shared__ parts whole[WIDE_PAIRS];
    char *queries = room + (1024 - (uintptr_t)room % 1024) % 1024;
    char *tiles = queries + WIDE_PAIRS / TILE * BYTES;
    int g = (int)(blockIdx.x % (unsigned)a.G), R = a.H / a.G, tile, i, n, s, last;
    float acc[CP / 8][4], score[TILE / 8][4], shrink[2], scale = a.scale;
    uint32_t weight[TILE / 16][4];
    panel mine, first; /* the queries of this thread's group; the keys of the first tile */
    two_pairs pairs;
    place now, ahead; /* ahead: what is copied next */
    item own;
    follow();
    own = a.items[blockIdx.x / (unsigned)a.G];
    last = own.span + own.spans;
    if (own.rows == 0) return; /* the whole block: an item that fills the grid */
    now = ahead = place_of(a, own.span);
    for (i = (int)threadIdx.x; i < WIDE_PAIRS * CP / 8; i += WIDE_THREADS) {
        int pair = i / (CP / 8), c = i % (CP / 8) * 8, there = pair / R < own.rows && c < a.C;
        int row = there ? a.list[own.list + pair / R] : 0;
        copy16(shared_at(queries + pair / TILE * BYTES) +
                   2 * tile_at<CP, true>((unsigned)pair % TILE, (unsigned)c),
               a.q + pair_at(a, row, g * R + pair % R) + (there ? c : 0), there);
    }
    wide_copy<CP>(shared_at(tiles), a, &ahead, last, g);
    wide_copy<CP>(shared_at(tiles + 2 * BYTES), a, &ahead, last, g);
    pairs_begin(a, own, R, &pairs);
    mine = panel_at(queries + same_in_warp((int)threadIdx.x / 128) * BYTES);
    first = panel_at(tiles);
    for (n = 0; n < CP / 8; n++)
        for (i = 0; i < 4; i++) acc[n][i] = 0;
    wide_scores<CP>(score, mine, panel_plus(first, 0), shared_at(tiles + 4 * BYTES), a, &ahead,
                    last, g);
    groups_wait<0>();
    registers_settle<TILE / 8>(score);
    weigh<false>(a, own, R, now, kind_of(a, now.span), scale, score, shrink, &pairs);
    for (s = 0; s < TILE / 16; s++) weights_pack(score, s, weight[s]);
    for (tile = 1; (now = place_next(a, now, last)).span < last; tile++) {
        registers_settle<CP / 8>(acc);
        wide_scores<CP>(score, mine, panel_plus(first, (unsigned)(tile % WIDE_TILES * 2 * BYTES)),
                        shared_at(tiles) + (unsigned)((tile + 2) % WIDE_TILES * 2 * BYTES), a,
                        &ahead, last, g);
        groups_begin();
        group_values_of<CP>(
            acc, weight,
            panel_plus(first, (unsigned)((tile - 1) % WIDE_TILES * 2 * BYTES + BYTES)));
        groups_close();
        groups_wait<1>();
        registers_settle<TILE / 8>(score);
        weigh<false>(a, own, R, now, kind_of(a, now.span), scale, score, shrink, &pairs);
        groups_wait<0>();
        registers_settle<CP / 8>(acc);
        outputs_shrink<CP>(acc, shrink);
        for (s = 0; s < TILE / 16; s++) weights_pack(score, s, weight[s]);
    }
    copy_wait<0>();
    registers_settle<CP / 8>(acc);
    groups_begin();
    group_values_of<CP>(acc, weight,
                        panel_plus(first, (unsigned)((tile - 1) % WIDE_TILES * 2 * BYTES + BYTES)));
    groups_close();
    groups_wait<0>();
    registers_settle<CP / 8>(acc);
    own = a.items[blockIdx.x / (unsigned)a.G];
    outputs_store<CP>(a, ends_find(a, own, R), g, R, acc, &pairs);
    parts_merge(a, own, g, R, parts_find(a, own), whole);
#else
    (void)a;
#endif
}

/* out[T, H C] = 0 for rows that see nothing. A block for each row. */
__global__ void attend_nothing(const parts *of, f16 *out, int N) {
    int i;
    follow();
    if (of[blockIdx.x].count) return;
    for (i = (int)threadIdx.x; i < N; i += (int)blockDim.x)
        narrow(0, out + (size_t)blockIdx.x * (size_t)N + i);
}

/* ====================================================================================
 * Kernels: from logits to the next token
 * ==================================================================================== */

struct choice {
    int32_t first, contexts, rule, best, share; /* share: where its shares begin */
};

/* stats[2 row], [2 row + 1] = maximum of logits[row, V], sum of exp(logit - maximum) (sgf__softmax). A
   block for each row. */
template <bool EXACT>
__global__ void __launch_bounds__(VOCABULARY_THREADS)
    softmax_stats(const float *logits, int V, float *stats) {
    enum { THREADS = VOCABULARY_THREADS };
    __shared__ float part[THREADS], top;
    const float *x = logits + (size_t)blockIdx.x * (size_t)V;
    int i = (int)threadIdx.x, v, k;
    float best = -INFINITY, sum = 0;
    follow();
#pragma unroll 8
    for (v = i; v < V; v += THREADS)
        if (x[v] > best) best = x[v];
    part[i] = best;
    __syncthreads();
    for (k = THREADS / 2; k > 0; k /= 2) {
        if (i < k && part[i + k] > part[i]) part[i] = part[i + k];
        __syncthreads();
    }
    if (i == 0) top = part[0] > -INFINITY ? part[0] : 0;
    __syncthreads();
    if (EXACT) {
        for (v = 0; v < V; v += THREADS) {
            int count = V - v < THREADS ? V - v : THREADS;
            if (i < count) part[i] = sgf__exp(x[v + i] - top);
            __syncthreads();
            for (k = 0; i == 0 && k < count; k++) sum += part[k];
            __syncthreads();
        }
    } else {
#pragma unroll 4
        for (v = i; v < V; v += THREADS) sum += sgf__exp(x[v] - top);
        sum = block_sum(sum);
    }
    if (i == 0) stats[2 * blockIdx.x] = top, stats[2 * blockIdx.x + 1] = sum;
}

/* ids[task] = sgf__argmax of sgf__combine over the task's logits. A block for each task; the lowest id
   wins ties, NaN never wins. */
__global__ void __launch_bounds__(VOCABULARY_THREADS)
    choose(const choice *choices, const float *shares, const float *logits, const float *stats,
           int V, int32_t *ids) {
    enum { THREADS = VOCABULARY_THREADS };
    __shared__ float value[THREADS];
    __shared__ int32_t id[THREADS];
    choice own;
    int i = (int)threadIdx.x, v, c, k;
    float best = -INFINITY;
    int32_t best_id = 0;
    const float *first;
    follow();
    own = choices[blockIdx.x];
    first = logits + (size_t)own.first * (size_t)V;
    if (own.rule == SGF_COMBINE_WEIGHTED_MAX || own.contexts == 1) {
        first += (size_t)own.best * (size_t)V;
        if (V % 4)
            for (v = i; v < V; v += THREADS) {
                if (first[v] > best) best = first[v], best_id = v;
            }
        else /* the usual case, 16 bytes at once */
#pragma unroll 8
            for (v = 4 * i; v < V; v += 4 * THREADS) {
                float4 x = *(const float4 *)(const void *)(first + v);
                if (x.x > best) best = x.x, best_id = v;
                if (x.y > best) best = x.y, best_id = v + 1;
                if (x.z > best) best = x.z, best_id = v + 2;
                if (x.w > best) best = x.w, best_id = v + 3;
            }
    } else
        for (v = i; v < V; v += THREADS) {
            const float *x = first + v;
            float out = 0;
            for (c = 0; c < own.contexts; c++, x += V) {
                if (own.rule == SGF_COMBINE_AVG) out += *x;
                else if (own.rule == SGF_COMBINE_WEIGHTED_AVG)
                    out = fma_(shares[own.share + c], *x, out);
                else {
                    float p = sgf__exp(*x - stats[2 * (own.first + c)]) /
                              stats[2 * (own.first + c) + 1];
                    out = p > out ? p : out;
                }
            }
            if (own.rule == SGF_COMBINE_AVG) out /= (float)own.contexts;
            if (out > best) best = out, best_id = v;
        }
    value[i] = best, id[i] = best_id;
    __syncthreads();
    for (k = THREADS / 2; k > 0; k /= 2) {
        if (i < k && (value[i + k] > value[i] ||
                      (value[i + k] == value[i] && value[i] > -INFINITY && id[i + k] < id[i])))
            value[i] = value[i + k], id[i] = id[i + k];
        __syncthreads();
    }
    if (i == 0) ids[blockIdx.x] = id[0];
}

/* ====================================================================================
 * The host's side: errors, memory, weights
 * ==================================================================================== */

sgf_status fail(sgf_error *err, sgf_status status, const char *format, ...) {
    if (err) {
        va_list args;
        err->status = status;
        err->offset = -1;
        err->file[0] = 0;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return status;
}
/* A CUDA call that failed. What was done before may be what failed: launches report late. */
sgf_status fail_cuda(sgf_error *err, cudaError_t code, const char *what) {
    cudaGetLastError();
    return fail(err, code == cudaErrorMemoryAllocation ? SGF_ERR_MEMORY : SGF_ERR_IO,
                "the GPU failed (%s: %s); the session cannot go on: free it, and make another "
                "one or use the device cpu",
                what, cudaGetErrorString(code));
}
#define CUDA(err, what, call)                                         \
    do {                                                              \
        cudaError_t code_ = (call);                                   \
        if (code_ != cudaSuccess) return fail_cuda(err, code_, what); \
    } while (0)
#define TRY(call)                              \
    do {                                       \
        sgf_status status_ = (call);           \
        if (status_ != SGF_OK) return status_; \
    } while (0)

size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}
size_t most(size_t a, size_t b) {
    return a > b ? a : b;
}
/* Capacities are powers of two, so that steps of a decode have the same. */
size_t rounded(size_t n) {
    size_t cap = 16;
    while (cap < n) cap *= 2;
    return cap;
}

/* A growing array of plain values. */
template <class T> struct array {
    T *at;
    size_t n, cap;
    sgf_status room(size_t need, sgf_error *err) {
        if (need > cap) {
            T *grown = (T *)realloc((void *)at, rounded(need) * sizeof(T));
            if (!grown)
                return fail(err, SGF_ERR_MEMORY, "out of memory: %llu bytes were wanted",
                            (unsigned long long)(rounded(need) * sizeof(T)));
            at = grown;
            cap = rounded(need);
        }
        return SGF_OK;
    }
    sgf_status add(const T &value, sgf_error *err) {
        TRY(room(n + 1, err));
        at[n++] = value;
        return SGF_OK;
    }
};

/* Memory of the device, or pinned memory of the host. */
struct buffer {
    char *at;
    size_t size;
};

struct layer_weights {
    void *qkv, *o, *gu, *down; /* [(H+2G)C, D], [D, HC], [2F, D], [D, F] */
    float *attn_norm, *ffn_norm, *q_norm, *k_norm, *qkv_bias, *o_bias, *gu_bias, *down_bias;
    float *attn_post_norm, *ffn_post_norm, *q_all,
        *k_all; /* q_all, k_all: norms of all heads as one */
};

/* A matrix product that cuBLASLt has an algorithm for. */
struct product_plan {
    int N, K, T;
    cudaDataType_t type; /* of out */
    cublasLtMatmulDesc_t work;
    cublasLtMatrixLayout_t w, x, out;
    cublasLtMatmulAlgo_t algorithm;
};

/* What decides which kernels run with which launches and addresses: two calls of the same shape differ
   only in the numbers that were uploaded. */
struct shape {
    size_t rows, wanted, copies;                        /* how many, exactly */
    size_t groups, spans, pages, items, list, partials; /* capacities */
    size_t bytes;                                       /* of the upload */
    int wide, blind, hidden;                            /* blind: there are rows that see nothing */
    size_t first_kept;
};

struct graph {
    shape of;
    cudaGraphExec_t run[2]; /* the first layers, the others if there are; NULL: not captured yet */
    uint64_t used;
};

enum {
    PLANS = 64,
    GRAPHS = 8,
    GRAPH_ROWS = 256,  /* calls of more rows are not worth a graph */
    GRAPH_FIRST = 2,   /* layers of the first graph: while they run, the second is launched */
    SLAB = 32 << 20,   /* bytes of pages that are taken at once, at least one page */
    LOGITS_ROWS = 256, /* rows of logits that go to the host at once */
    WORKSPACE = 32 << 20
};

struct gpu {
    const sgf_model *model;
    int D, L, H, G, C, F, V, exact, processors;
    int ropes; /* 2: layers with a window have their own */
    int plain; /* nothing but norms before the blocks, and those of heads: what the fastest kernels know */
    int follows, has_groups; /* SGF__FOLLOWS, SGF__GROUPS */
    int chain;               /* SGF_CHAIN */
    sgf_dtype type;          /* of the weights here; of activations and pages, too, unless exact */
    float rope_scale;
    size_t page_bytes;
    cudaStream_t stream;
    cublasLtHandle_t blas;
    char *weights;
    void *embedding, *output;
    float *norm, *inv_freq;
    int32_t *rope_of;         /* [L] sgf_config_rope */
    unsigned long long *gate; /* blocks_meet */
    size_t room;              /* shared memory that a block may have */
    layer_weights layer[SGF_MAX_LAYERS];
    array<char *> slab;   /* memory that pages are cut from */
    size_t slab_left;     /* pages left in the last slab */
    buffer staging, call; /* what a call uploads, pinned and on the device */
    buffer choices;       /* pinned: what gpu_choose uploads, and the ids it gets */
    buffer work, partial, arrived, logits, hidden, blas_work, ids;
    product_plan plan[PLANS];
    unsigned plans; /* made so far */
    graph graphs[GRAPHS];
    uint64_t clock;
    array<item> items, ordered;
    array<size_t> of_length;
    array<sgf__device_span> cut; /* the plan's spans */
    array<int32_t> list, slot, bucket_rows, level_bucket;
    array<parts> of;
    array<struct bucket> buckets;
};

sgf_status memory_take(gpu *d, size_t bytes, const char *what, char **out, sgf_error *err) {
    size_t left = 0, all = 0;
    void *made = NULL;
    cudaError_t code = cudaMalloc(&made, bytes);
    if (code == cudaSuccess) {
        *out = (char *)made;
        return SGF_OK;
    }
    if (code != cudaErrorMemoryAllocation) return fail_cuda(err, code, "cudaMalloc");
    cudaGetLastError();
    if (cudaMemGetInfo(&left, &all) != cudaSuccess) cudaGetLastError();
    (void)d;
    return fail(err, SGF_ERR_MEMORY,
                "the GPU has too little memory for %s: %llu MiB are wanted, %llu of its %llu MiB "
                "are free; use a smaller model or batch, or the device cpu",
                what, (unsigned long long)((bytes + (1 << 20) - 1) >> 20),
                (unsigned long long)(left >> 20), (unsigned long long)(all >> 20));
}
void graph_drop(graph *g) {
    int k;
    for (k = 0; k < 2; k++)
        if (g->run[k]) cudaGraphExecDestroy(g->run[k]);
    memset(g, 0, sizeof *g);
}
void graphs_drop(gpu *d) {
    int i;
    for (i = 0; i < GRAPHS; i++) graph_drop(&d->graphs[i]);
}
/* Rows that a product has room for: cuBLASLt is asked for whole 64 rows, so that few shapes need a
   plan; what the rows behind the last one hold does not matter. `few_rows` takes as many as there are. */
size_t padded(const gpu *d, size_t rows) {
    return d->type == SGF_DTYPE_F16 && rows <= FEW ? rows : (rows + 63) / 64 * 64;
}
/* It is gone even where that fails. */
sgf_status buffer_drop(buffer *b, cudaError_t (*drop)(void *), const char *what, sgf_error *err) {
    char *at = b->at;
    b->at = NULL;
    b->size = 0;
    if (at) CUDA(err, what, drop(at));
    return SGF_OK;
}
/* Room for `size` bytes; what was there is lost when it grows, and so are the graphs, which know the
   old address. */
sgf_status buffer_reserve(gpu *d, buffer *b, size_t size, const char *what, sgf_error *err) {
    if (size <= b->size) return SGF_OK;
    graphs_drop(d);
    CUDA(err, "waiting", cudaStreamSynchronize(d->stream));
    TRY(buffer_drop(b, cudaFree, "cudaFree", err));
    TRY(memory_take(d, size, what, &b->at, err));
    b->size = size;
    return SGF_OK;
}

/* One kernel into the stream. Shapes of the launch, and `shared` bytes of shared memory besides what it declares, are
   beside each kernel. It may begin when the one before has, and waits for it (next_may_begin). `together`: its blocks
   meet (blocks_meet), so all of them come onto the chip or, while another session's are there, none. */
template <class... P, class... A>
sgf_status launch_with(gpu *d, const char *what, sgf_error *err, void (*kernel)(P...), dim3 grid,
                       unsigned threads, size_t shared, bool together, A... args) {
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute how[2] = {};
    if (d->follows) {
        how[config.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
        how[config.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
    }
    if (together) {
        how[config.numAttrs].id = cudaLaunchAttributeCooperative;
        how[config.numAttrs++].val.cooperative = 1;
    }
    config.gridDim = grid;
    config.blockDim = dim3(threads);
    config.dynamicSmemBytes = shared;
    config.stream = d->stream;
    config.attrs = how;
    CUDA(err, what, cudaLaunchKernelEx(&config, kernel, args...));
    return SGF_OK;
}
template <class... P, class... A>
sgf_status launch(gpu *d, const char *what, sgf_error *err, void (*kernel)(P...), dim3 grid,
                  unsigned threads, A... args) {
    return launch_with(d, what, err, kernel, grid, threads, 0, false, args...);
}
dim3 grid_of(size_t x, size_t y = 1) {
    return dim3((unsigned)x, (unsigned)y, 1);
}

/* Weights are placed twice: to count their bytes (base NULL), then to bring them there. */
struct placing {
    gpu *d;
    char *base;
    size_t used;
    int *lost; /* on the device: 1 if a weight did not fit f16; behind it, what `probe` finds */
    array<char> wide; /* a part of a matrix, widened */
};
void *place_bytes(placing *p, size_t bytes) {
    char *at = p->base ? p->base + p->used : NULL;
    p->used += (bytes + 255) & ~(size_t)255;
    return at;
}
size_t type_size(sgf_dtype type) {
    return type == SGF_DTYPE_F32 ? 4 : 2;
}
float stored_value(const sgf_tensor *w, size_t i) {
    if (w->dtype == SGF_DTYPE_F32) return ((const float *)w->data)[i];
    if (w->dtype == SGF_DTYPE_F16) return sgf__f16_float(((const uint16_t *)w->data)[i]);
    return sgf__bf16_float(((const uint16_t *)w->data)[i]);
}
/* `count` tensors behind each other as values of `type`: their own, or float. */
sgf_status place_tensors(placing *p, const sgf_tensor *const *w, int count, sgf_dtype type,
                         void **out, sgf_error *err) {
    enum { PART = 1 << 18 };
    size_t all = 0, done, i;
    char *to;
    int k;
    for (k = 0; k < count; k++) all += w[k]->data ? w[k]->rows * w[k]->cols : 0;
    *out = NULL;
    if (!all) return SGF_OK;
    to = (char *)place_bytes(p, all * type_size(type));
    if (!to) return SGF_OK;
    *out = to;
    for (k = 0; k < count; k++) {
        size_t n = w[k]->rows * w[k]->cols;
        if (type_size(w[k]->dtype) == type_size(type)) {
            CUDA(err, "bringing the weights",
                 cudaMemcpyAsync(to, w[k]->data, n * type_size(type), cudaMemcpyHostToDevice,
                                 p->d->stream));
            if (w[k]->dtype != type)
                TRY(launch(p->d, "weights_to_f16", err, weights_to_f16, grid_of((n + 255) / 256),
                           256, (uint16_t *)(void *)to, n, p->lost));
            to += n * type_size(type);
            continue;
        }
        TRY(p->wide.room(PART * sizeof(float), err));
        for (done = 0; done < n; done += PART) {
            size_t now = least(PART, n - done);
            float *wide = (float *)(void *)p->wide.at;
            for (i = 0; i < now; i++) wide[i] = stored_value(w[k], done + i);
            CUDA(err, "bringing the weights",
                 cudaMemcpyAsync(to, wide, now * sizeof(float), cudaMemcpyHostToDevice,
                                 p->d->stream));
            CUDA(err, "bringing the weights", cudaStreamSynchronize(p->d->stream));
            to += now * sizeof(float);
        }
    }
    return SGF_OK;
}
sgf_status place_matrices(placing *p, void **out, sgf_error *err, const sgf_tensor *a,
                          const sgf_tensor *b = NULL, const sgf_tensor *c = NULL) {
    const sgf_tensor *list[3] = {a, b, c};
    return place_tensors(p, list, c ? 3 : b ? 2 : 1, p->d->type, out, err);
}
sgf_status place_vectors(placing *p, float **out, sgf_error *err, const sgf_tensor *a,
                         const sgf_tensor *b = NULL, const sgf_tensor *c = NULL) {
    const sgf_tensor *list[3] = {a, b, c};
    void *at = NULL;
    TRY(place_tensors(p, list, c ? 3 : b ? 2 : 1, SGF_DTYPE_F32, &at, err));
    *out = (float *)at;
    return SGF_OK;
}
sgf_status place_model(placing *p, const float *inv_freq, sgf_error *err) {
    gpu *d = p->d;
    const sgf_model *m = d->model;
    size_t angles = (size_t)(d->ropes * d->C / 2);
    int32_t rope_of[SGF_MAX_LAYERS];
    int l;
    TRY(place_matrices(p, &d->embedding, err, &m->embedding));
    d->output = d->embedding;
    if (m->output.data != m->embedding.data) TRY(place_matrices(p, &d->output, err, &m->output));
    TRY(place_vectors(p, &d->norm, err, &m->norm));
    for (l = 0; l < d->L; l++) {
        const sgf_layer *from = &m->layer[l];
        layer_weights *to = &d->layer[l];
        TRY(place_matrices(p, &to->qkv, err, &from->q, &from->k, &from->v));
        TRY(place_matrices(p, &to->o, err, &from->o));
        TRY(place_matrices(p, &to->gu, err, &from->gate, &from->up));
        TRY(place_matrices(p, &to->down, err, &from->down));
        TRY(place_vectors(p, &to->attn_norm, err, &from->attn_norm));
        TRY(place_vectors(p, &to->ffn_norm, err, &from->ffn_norm));
        bool all = m->config.qk_norm == 2;
        TRY(place_vectors(p, all ? &to->q_all : &to->q_norm, err, &from->q_norm));
        TRY(place_vectors(p, all ? &to->k_all : &to->k_norm, err, &from->k_norm));
        TRY(place_vectors(p, &to->attn_post_norm, err, &from->attn_post_norm));
        TRY(place_vectors(p, &to->ffn_post_norm, err, &from->ffn_post_norm));
        TRY(place_vectors(p, &to->qkv_bias, err, &from->q_bias, &from->k_bias, &from->v_bias));
        TRY(place_vectors(p, &to->o_bias, err, &from->o_bias));
        TRY(place_vectors(p, &to->gu_bias, err, &from->gate_bias, &from->up_bias));
        TRY(place_vectors(p, &to->down_bias, err, &from->down_bias));
    }
    d->inv_freq = (float *)place_bytes(p, angles * sizeof(float));
    d->rope_of = (int32_t *)place_bytes(p, (size_t)d->L * sizeof(int32_t));
    for (l = 0; l < d->L; l++) rope_of[l] = sgf_config_rope(&m->config, l);
    if (p->base) {
        CUDA(err, "bringing the weights",
             cudaMemcpyAsync(d->inv_freq, inv_freq, angles * sizeof(float), cudaMemcpyHostToDevice,
                             d->stream));
        CUDA(err, "bringing the weights",
             cudaMemcpyAsync(d->rope_of, rope_of, (size_t)d->L * sizeof(int32_t),
                             cudaMemcpyHostToDevice, d->stream));
    }
    return SGF_OK;
}
/* The type that matrices have here: when exact, the one that all have, or F32; when fast, F16 if all
   have 16 bits and `attend` fits the heads, else F32. */
sgf_dtype common_type(const gpu *d) {
    const sgf_model *m = d->model;
    sgf_dtype type = m->embedding.dtype;
    int same = m->output.dtype == type, l;
    for (l = 0; l < d->L; l++) {
        const sgf_layer *w = &m->layer[l];
        same = same && w->q.dtype == type && w->k.dtype == type && w->v.dtype == type &&
               w->o.dtype == type && w->gate.dtype == type && w->up.dtype == type &&
               w->down.dtype == type;
    }
    if (!same) return SGF_DTYPE_F32;
    if (d->exact || type == SGF_DTYPE_F32) return type;
    return d->C % 8 || d->C > 128 || d->H / d->G > 64 ? SGF_DTYPE_F32 : SGF_DTYPE_F16;
}

/* ====================================================================================
 * The plan: which block of `attend` does what
 *
 * A group of rows sees spans of its own sequence and of the sequences that it stands on, level by
 * level. Groups that see the same spans of the same ancestor share a bucket: its keys are read
 * once for all their rows. Levels that a group shares with nobody are one bucket. Buckets are cut into
 * items of some rows, and, when there are few, along their keys, so that every multiprocessor has work;
 * then a row has several partial results, which the last of its blocks puts together.
 * ==================================================================================== */

struct bucket {
    int32_t span, spans; /* of the call */
    size_t rows, first;  /* how many, and where they begin in bucket_rows */
    size_t groups;
};

int spans_equal(const sgf__device_span *a, const sgf__device_span *b, int n) {
    int i;
    for (i = 0; i < n; i++)
        if (a[i].first_page != b[i].first_page || a[i].begin != b[i].begin ||
            a[i].end != b[i].end || a[i].own != b[i].own || a[i].log_weight != b[i].log_weight)
            return 0;
    return 1;
}
/* The number of spans of the first level of spans [at, end). */
int32_t level_length(const sgf__device_span *span, int32_t at, int32_t end) {
    int32_t n = 1;
    while (at + n < end && span[at + n].first_page == span[at].first_page) n++;
    return n;
}
/* Fill buckets and bucket_rows. */
sgf_status plan_buckets(gpu *d, const sgf__device_call *call, sgf_error *err) {
    size_t i, k, b, n = 0;
    int32_t at, length, r;
    d->buckets.n = d->level_bucket.n = 0;
    for (i = 0; i < call->groups; i++) {
        const sgf__device_group *g = &call->group[i];
        for (at = g->span; at < g->span + g->spans; at += length) {
            const sgf__device_span *span = call->span + at;
            length = level_length(call->span, at, g->span + g->spans);
            b = d->buckets.n;
            for (k = 0; !span->own && k < d->buckets.n; k++) {
                const bucket *other = &d->buckets.at[k];
                if (other->spans == length && spans_equal(call->span + other->span, span, length)) {
                    b = k;
                    break;
                }
            }
            if (b == d->buckets.n) {
                bucket made = {at, length, 0, 0, 0};
                TRY(d->buckets.add(made, err));
            }
            d->buckets.at[b].rows += (size_t)g->rows;
            d->buckets.at[b].groups++;
            TRY(d->level_bucket.add((int32_t)b, err));
        }
    }
    for (i = k = 0; i < call->groups; i++) { /* levels that nobody shares are one */
        const sgf__device_group *g = &call->group[i];
        bucket *before = NULL;
        for (at = g->span; at < g->span + g->spans; at += length, k++) {
            bucket *now = &d->buckets.at[d->level_bucket.at[k]];
            length = level_length(call->span, at, g->span + g->spans);
            if (now->groups > 1) before = NULL;
            else if (!before) before = now;
            else {
                before->spans += now->spans;
                now->spans = 0;
                now->rows = 0;
            }
        }
    }
    for (b = 0; b < d->buckets.n; b++) {
        d->buckets.at[b].first = n;
        n += d->buckets.at[b].rows;
        d->buckets.at[b].rows = 0;
    }
    TRY(d->bucket_rows.room(n + 1, err));
    for (i = k = 0; i < call->groups; i++) {
        const sgf__device_group *g = &call->group[i];
        for (at = g->span; at < g->span + g->spans; at += length) {
            bucket *to = &d->buckets.at[d->level_bucket.at[k++]];
            length = level_length(call->span, at, g->span + g->spans);
            for (r = 0; to->spans && r < g->rows; r++)
                d->bucket_rows.at[to->first + to->rows++] = g->row + r;
        }
    }
    return SGF_OK;
}
/* The end of a span for rows up to `index`. */
int32_t span_end(const sgf__device_span *span, int32_t index) {
    return span->own && index + 1 < span->end ? index + 1 : span->end;
}
/* Keys as tiles count them, which hold those of one span. */
size_t tiled(size_t keys) {
    return (keys + TILE - 1) / TILE * TILE;
}
/* Items for rows [at, at + count) of a bucket; `step`: keys of an item at most, tiled. */
sgf_status plan_items(gpu *d, const sgf__device_call *call, const bucket *b, size_t at,
                      size_t count, size_t step, sgf_error *err) {
    const int32_t *rows = d->bucket_rows.at + b->first + at;
    int32_t high = 0, low = INT32_MAX, s;
    size_t i, keys = 0;
    item made;
    for (i = 0; i < count; i++) {
        int32_t index = call->row[rows[i]].index;
        high = index > high ? index : high;
        low = index < low ? index : low;
    }
    memset(&made, 0, sizeof made);
    made.list = (int32_t)d->list.n;
    made.rows = (int32_t)count;
    made.span = (int32_t)d->cut.n;
    made.low = low;
    for (s = b->span; s < b->span + b->spans; s++) {
        sgf__device_span span = call->span[s];
        int32_t end = span_end(&span, high);
        while (span.begin < end) {
            span.end = (int32_t)least((size_t)end, (size_t)span.begin + (step - keys));
            TRY(d->cut.add(span, err));
            keys += tiled((size_t)(span.end - span.begin));
            span.begin = span.end;
            if (keys < step) continue;
            made.spans = (int32_t)d->cut.n - made.span;
            made.keys = (int32_t)keys;
            TRY(d->items.add(made, err));
            made.span = (int32_t)d->cut.n;
            keys = 0;
        }
    }
    made.spans = (int32_t)d->cut.n - made.span;
    made.keys = (int32_t)keys;
    if (made.spans) TRY(d->items.add(made, err));
    for (i = 0; i < count; i++) TRY(d->list.add(rows[i], err));
    return SGF_OK;
}
/* How many keys an item may have, so that there is work for all multiprocessors, two items each, and none
   of them works on a long item when all others are done: a prefix that many short sequences share. */
size_t plan_step(const gpu *d, const sgf__device_call *call, size_t each) {
    size_t b, keys = 0, step;
    for (b = 0; b < d->buckets.n; b++) {
        const bucket *k = &d->buckets.at[b];
        size_t cuts = (k->rows + each - 1) / each, length = 0;
        int32_t s;
        for (s = k->span; s < k->span + k->spans; s++)
            length += tiled((size_t)(call->span[s].end - call->span[s].begin));
        keys += cuts * length * (size_t)d->G;
    }
    step = tiled(keys / (2 * (size_t)d->processors));
    return most(step, TILE);
}
/* The items with most tiles of keys first: what begins last should end soon. */
sgf_status plan_order(gpu *d, sgf_error *err) {
    size_t most_tiles = 0, i, k, n = 0;
    for (i = 0; i < d->items.n; i++)
        most_tiles = most(most_tiles, (size_t)(d->items.at[i].keys / TILE));
    TRY(d->of_length.room(most_tiles + 1, err)); /* how many, then where they go */
    TRY(d->ordered.room(d->items.n, err));
    memset(d->of_length.at, 0, (most_tiles + 1) * sizeof *d->of_length.at);
    for (i = 0; i < d->items.n; i++) d->of_length.at[d->items.at[i].keys / TILE]++;
    for (k = most_tiles + 1; k-- > 0;) {
        size_t count = d->of_length.at[k];
        d->of_length.at[k] = n;
        n += count;
    }
    for (i = 0; i < d->items.n; i++)
        d->ordered.at[d->of_length.at[d->items.at[i].keys / TILE]++] = d->items.at[i];
    for (i = 0; i < d->items.n; i++) d->items.at[i] = d->ordered.at[i];
    return SGF_OK;
}
/* Number the partial results, a row's behind each other. */
sgf_status plan_parts(gpu *d, const sgf__device_call *call, shape *s, sgf_error *err) {
    size_t i;
    int32_t r, n = 0, partials = 0;
    parts none = {0, 0};
    d->of.n = 0;
    for (i = 0; i < call->rows; i++) TRY(d->of.add(none, err));
    for (i = 0; i < d->items.n; i++)
        for (r = 0; r < d->items.at[i].rows; r++)
            d->of.at[d->list.at[d->items.at[i].list + r]].count++;
    s->blind = 0;
    for (i = 0; i < d->items.n; i++) {
        item *it = &d->items.at[i];
        it->partial = -1;
        for (r = 0; r < it->rows; r++)
            if (d->of.at[d->list.at[it->list + r]].count != 1) it->partial = partials;
        if (it->partial < 0) continue;
        partials += it->rows;
    }
    for (i = 0; i < d->items.n; i++) /* a row whose only item writes the output */
        for (r = 0; d->items.at[i].partial < 0 && r < d->items.at[i].rows; r++)
            d->of.at[d->list.at[d->items.at[i].list + r]].count = -1;
    for (i = 0; i < call->rows; i++) {
        parts *p = &d->of.at[i];
        p->first = n;
        if (p->count == 0) s->blind = 1;
        n += p->count > 0 ? p->count : 0;
        p->count = p->count > 0 ? 0 : p->count; /* counted again as they are numbered */
    }
    TRY(d->slot.room((size_t)n + 1, err));
    d->slot.n = (size_t)n;
    for (i = 0; i < d->items.n; i++) {
        const item *it = &d->items.at[i];
        for (r = 0; it->partial >= 0 && r < it->rows; r++) {
            parts *p = &d->of.at[d->list.at[it->list + r]];
            d->slot.at[it->partial + r] = p->first + p->count++;
        }
    }
    return SGF_OK;
}
/* The whole plan of a call. */
sgf_status plan_make(gpu *d, const sgf__device_call *call, shape *s, sgf_error *err) {
    size_t R = (size_t)(d->H / d->G), widest = 0, b, at, each, step;
    d->items.n = d->cut.n = d->list.n = 0;
    TRY(d->items.room(1, err)); /* where there are none, too, the grid's are filled with zeros */
    TRY(plan_buckets(d, call, err));
    for (b = 0; b < d->buckets.n; b++) widest = most(widest, d->buckets.at[b].rows);
    s->wide = d->has_groups && widest * R > SGF_WIDE;
    each = (s->wide ? WIDE_PAIRS : ATTEND_THREADS / 2) / R;
    step = plan_step(d, call, each);
    for (b = 0; b < d->buckets.n; b++)
        for (at = 0; at < d->buckets.at[b].rows; at += each)
            TRY(plan_items(d, call, &d->buckets.at[b], at, least(each, d->buckets.at[b].rows - at),
                           step, err));
    TRY(plan_order(d, err));
    return plan_parts(d, call, s, err);
}

/* ====================================================================================
 * A call: upload, launches, results
 * ==================================================================================== */

/* What was uploaded, as the kernels see it. */
struct uploaded {
    const sgf__device_row *row;
    const sgf__device_group *group;
    const sgf__device_span *span;
    const sgf__device_copy *copy;
    void *const *page;
    const int32_t *wanted; /* numbers of the rows whose logits are wanted */
    const item *items;
    const int32_t *list, *slot;
    const parts *of;
};

/* One array of the upload: its place in both buffers. */
template <class T> T *upload_part(gpu *d, size_t *at, const T *from, size_t n, size_t cap) {
    size_t here = *at;
    *at += (cap * sizeof(T) + 15) & ~(size_t)15;
    if (from && d->staging.at) {
        memcpy(d->staging.at + here, (const void *)from, n * sizeof(T));
        memset(d->staging.at + here + n * sizeof(T), 0, (cap - n) * sizeof(T));
    }
    return (T *)(void *)(d->call.at + here);
}
/* Lay out the upload for a shape; with `call`, fill the staging buffer too. Returns its bytes. */
size_t upload_lay(gpu *d, const shape *s, const sgf__device_call *call, uploaded *u) {
    size_t at = 0, i, n = 0;
    int chained = d->exact || d->type == SGF_DTYPE_F32;
    u->row = upload_part(d, &at, call ? call->row : NULL, s->rows, s->rows);
    u->copy = upload_part(d, &at, call ? call->copy : NULL, s->copies, s->copies);
    u->page = upload_part(d, &at, call ? call->page : NULL, call ? call->pages : 0, s->pages);
    u->group = upload_part(d, &at, call && chained ? call->group : NULL, call ? call->groups : 0,
                           s->groups);
    u->span = upload_part(d, &at,
                          !call     ? NULL
                          : chained ? call->span
                                    : d->cut.at,
                          chained ? (call ? call->spans : 0) : d->cut.n, s->spans);
    u->items = upload_part(d, &at, call ? d->items.at : NULL, d->items.n, s->items);
    u->list = upload_part(d, &at, call ? d->list.at : NULL, d->list.n, s->list);
    u->slot = upload_part(d, &at, call ? d->slot.at : NULL, d->slot.n, s->partials);
    u->of = upload_part(d, &at, call ? d->of.at : NULL, d->of.n, chained ? 0 : s->rows);
    u->wanted = (const int32_t *)(const void *)(d->call.at + at);
    for (i = 0; call && i < call->rows; i++)
        if (call->row[i].want && n < s->wanted)
            ((int32_t *)(void *)(d->staging.at + at))[n++] = (int32_t)i;
    return at + s->wanted * sizeof(int32_t);
}

/* The activations, one after the other in d->work. T values but where float is said. */
struct activations {
    float *x;                    /* [T, D] the residual stream */
    float *added;                /* [T, D] what a block adds to it, unless d->plain */
    float *cosine, *sine;        /* [T, ropes, C/2] */
    float *qkv;                  /* [T, (H+2G)C] */
    char *gu;                    /* [T, 2F] */
    char *normed, *q, *attended; /* [T, D], [T, HC], [T, HC] */
    char *h;                     /* [T, F] */
    char *last;                  /* [wanted, D] */
};
size_t activations_lay(const gpu *d, const shape *s, activations *a) {
    size_t size = d->exact ? 4 : type_size(d->type), T = padded(d, s->rows), at = 0, i;
    size_t HC = (size_t)d->H * (size_t)d->C, GC = (size_t)d->G * (size_t)d->C;
    size_t angles = T * (size_t)(d->ropes * d->C / 2) * 4;
    size_t bytes[11] = {T * (size_t)d->D * 4,
                        angles,
                        angles,
                        T * (HC + 2 * GC) * 4,
                        T * 2 * (size_t)d->F * size,
                        T * (size_t)d->D * size,
                        T * HC * size,
                        T * HC * size,
                        T * (size_t)d->F * size,
                        padded(d, s->wanted) * (size_t)d->D * size,
                        d->plain ? 0 : T * (size_t)d->D * 4};
    char *place[11];
    for (i = 0; i < 11; i++) {
        place[i] = d->work.at + at;
        at += (bytes[i] + 255) & ~(size_t)255;
    }
    a->x = (float *)(void *)place[0], a->cosine = (float *)(void *)place[1];
    a->sine = (float *)(void *)place[2], a->qkv = (float *)(void *)place[3];
    a->gu = place[4];
    a->normed = place[5], a->q = place[6], a->attended = place[7], a->h = place[8];
    a->last = place[9];
    a->added = (float *)(void *)place[10];
    return at;
}

#define BLAS(err, what, call)                                                                   \
    do {                                                                                        \
        cublasStatus_t code_ = (call);                                                          \
        if (code_ != CUBLAS_STATUS_SUCCESS)                                                     \
            return fail(err, code_ == CUBLAS_STATUS_ALLOC_FAILED ? SGF_ERR_MEMORY : SGF_ERR_IO, \
                        "the GPU failed (%s: cuBLASLt status %d); free the session, and make "  \
                        "another one or use the device cpu",                                    \
                        what, (int)code_);                                                      \
    } while (0)

void plan_drop(product_plan *p) {
    if (p->work) cublasLtMatmulDescDestroy(p->work);
    if (p->w) cublasLtMatrixLayoutDestroy(p->w);
    if (p->x) cublasLtMatrixLayoutDestroy(p->x);
    if (p->out) cublasLtMatrixLayoutDestroy(p->out);
    memset(p, 0, sizeof *p);
}
sgf_status plan_find(gpu *d, int N, int K, int T, cudaDataType_t type, product_plan **out,
                     sgf_error *err) {
    cudaDataType_t in = d->type == SGF_DTYPE_F32 ? CUDA_R_32F : CUDA_R_16F;
    size_t bytes = WORKSPACE;
    cublasOperation_t turned = CUBLAS_OP_T;
    cublasLtMatmulPreference_t wish = NULL;
    uint32_t aligned = 4; /* bytes: logits may begin at any row of out */
    /* parts of a sum are added in f32, whatever the type of out */
    uint32_t sums = CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    cublasLtMatmulHeuristicResult_t found;
    cublasStatus_t code;
    product_plan *p;
    int count = 0, i;
    for (i = 0; i < PLANS; i++) {
        p = *out = &d->plan[i];
        if (p->out && p->N == N && p->K == K && p->T == T && p->type == type) return SGF_OK;
    }
    p = *out = &d->plan[d->plans++ % PLANS]; /* the oldest */
    plan_drop(p);
    if (type == CUDA_R_16F) aligned = 2;
    while (aligned < 256 && (size_t)N * (type == CUDA_R_16F ? 2 : 4) % (2 * aligned) == 0)
        aligned *= 2;
    /* cuBLASLt counts columns first: out^T [N, T] = (w^T [K, N])^T x^T [K, T] */
    BLAS(err, "plan", cublasLtMatmulDescCreate(&p->work, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    BLAS(err, "plan",
         cublasLtMatmulDescSetAttribute(p->work, CUBLASLT_MATMUL_DESC_TRANSA, &turned,
                                        sizeof turned));
    BLAS(err, "plan", cublasLtMatrixLayoutCreate(&p->w, in, (uint64_t)K, (uint64_t)N, K));
    BLAS(err, "plan", cublasLtMatrixLayoutCreate(&p->x, in, (uint64_t)K, (uint64_t)T, K));
    BLAS(err, "plan", cublasLtMatmulPreferenceCreate(&wish));
    code = cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                &bytes, sizeof bytes);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = cublasLtMatmulPreferenceSetAttribute(
            wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &aligned, sizeof aligned);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = cublasLtMatmulPreferenceSetAttribute(
            wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &aligned, sizeof aligned);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = cublasLtMatmulPreferenceSetAttribute(
            wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &sums, sizeof sums);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = cublasLtMatrixLayoutCreate(&p->out, type, (uint64_t)N, (uint64_t)T, N);
    if (code == CUBLAS_STATUS_SUCCESS)
        code = cublasLtMatmulAlgoGetHeuristic(d->blas, p->work, p->w, p->x, p->out, p->out, wish, 1,
                                              &found, &count);
    cublasLtMatmulPreferenceDestroy(wish);
    if (code == CUBLAS_STATUS_SUCCESS && !count) code = CUBLAS_STATUS_NOT_SUPPORTED;
    if (code != CUBLAS_STATUS_SUCCESS) plan_drop(p);
    BLAS(err, "choosing an algorithm", code);
    p->algorithm = found.algo;
    p->N = N, p->K = K, p->T = T, p->type = type;
    return SGF_OK;
}

/* The forward pass, for each type W of weights, type A of activations and pages, and way. */
template <class W, class A, bool EXACT> struct pass {
    static bool is_few(int T, int K) {
        return !EXACT && sizeof(W) == 2 && T <= FEW && K % 8 == 0;
    }
    static few_job few_of(const void *w, const char *x, int N, int K, int T) {
        few_job job = {};
        job.w = (const f16 *)w, job.x = (const f16 *)(const void *)x;
        job.N = N, job.K = K, job.rows = T;
        return job;
    }
    template <few_way WAY> static sgf_status few(gpu *d, const few_job &a, sgf_error *err) {
        size_t pairs = WAY == PLAIN ? (size_t)(a.N + 1) / 2 : (size_t)a.N;
        return launch(d, "few_rows", err, a.K > FEW_LONG ? few_rows<WAY, 4> : few_rows<WAY, 2>,
                      grid_of((pairs + FEW_PAIRS - 1) / FEW_PAIRS), FEW_THREADS, a);
    }
    /* out [T, N] (+)= x [T, K] w [N, K]^T by cuBLASLt; `type`: of out. */
    static sgf_status multiply_many(gpu *d, const void *w, const char *x, void *out,
                                    cudaDataType_t type, int N, int K, int T, int add,
                                    sgf_error *err) {
        float one = 1, beta = add ? 1.0f : 0.0f;
        product_plan *p;
        TRY(plan_find(d, N, K, (int)padded(d, (size_t)T), type, &p, err));
        BLAS(err, "cublasLtMatmul",
             cublasLtMatmul(d->blas, p->work, &one, w, p->w, x, p->x, &beta, out, p->out, out,
                            p->out, &p->algorithm, d->blas_work.at, WORKSPACE, d->stream));
        return SGF_OK;
    }
    /* out [T, N] (+)= x [T, K] w [N, K]^T (+ bias). */
    static sgf_status multiply(gpu *d, const void *w, const char *x, const float *bias, float *out,
                               int N, int K, int T, int add, sgf_error *err) {
        if constexpr (EXACT) {
            if (T > 4)
                return launch(d, "product", err, product<W, 32>,
                              grid_of((size_t)(N + 63) / 64, (size_t)(T + 31) / 32), 256,
                              (const W *)w, (const float *)(const void *)x, bias, out, N, K, T,
                              add);
            return launch(d, "product", err, product<W, 4>, grid_of((size_t)(N + 63) / 64), 256,
                          (const W *)w, (const float *)(const void *)x, bias, out, N, K, T, add);
        } else {
            if (is_few(T, K)) {
                few_job job = few_of(w, x, N, K, T);
                job.out = out;
                job.add = add;
                job.bias = bias;
                return few<PLAIN>(d, job, err);
            }
            TRY(multiply_many(d, w, x, out, CUDA_R_32F, N, K, T, add, err));
            if (bias)
                return launch(d, "add_bias", err, add_bias, grid_of((size_t)T), 256, out, bias, N);
            return SGF_OK;
        }
    }
    template <int CP>
    static sgf_status attend_on(gpu *d, const shape *s, const attending &a, sgf_error *err) {
        enum { WIDE = CP <= 64 ? 64 : 128 };
        dim3 grid = grid_of(s->items * (size_t)d->G);
        if (s->wide)
            return launch_with(d, "attend_wide", err, attend_wide<WIDE>, grid, WIDE_THREADS,
                               wide_bytes<WIDE>(), false, a);
        return launch(d, "attend", err, attend<CP>, grid, ATTEND_THREADS, a);
    }
    static sgf_status attend_fast(gpu *d, const shape *s, const uploaded *u, const activations *a,
                                  int l, sgf_error *err) {
        float *partial = (float *)(void *)d->partial.at;
        float *ml = partial + s->partials * (size_t)d->H * (size_t)d->C;
        attending all = {};
        all.rows = u->row, all.items = u->items, all.list = u->list;
        all.spans = u->span, all.pages = u->page;
        all.q = (const f16 *)(void *)a->q, all.out = (f16 *)(void *)a->attended;
        all.of = u->of, all.slot = u->slot;
        all.partial = partial, all.partial_ml = ml;
        all.arrived = (int32_t *)(void *)d->arrived.at;
        all.H = d->H, all.G = d->G, all.C = d->C, all.layer = l, all.layers = d->L;
        all.window = (int)sgf_config_window(&d->model->config, l);
        all.scale = LOG2E * (float)d->model->config.score_scale;
        TRY(d->C <= 16   ? attend_on<16>(d, s, all, err)
            : d->C <= 32 ? attend_on<32>(d, s, all, err)
            : d->C <= 64 ? attend_on<64>(d, s, all, err)
            : d->C <= 96 ? attend_on<96>(d, s, all, err)
                         : attend_on<128>(d, s, all, err));
        if (!s->blind) return SGF_OK;
        return launch(d, "attend_nothing", err, attend_nothing, grid_of(s->rows), 256, u->of,
                      all.out, d->H * d->C);
    }
    static sgf_status attention(gpu *d, const shape *s, const uploaded *u, const activations *a,
                                int l, sgf_error *err) {
        if constexpr (sizeof(A) == 4)
            return launch(d, "attend_exact", err, attend_exact<A>, grid_of((size_t)d->H, s->rows),
                          128, u->row, u->group, u->span, u->page, (const A *)(void *)a->q,
                          (A *)(void *)a->attended, d->H, d->G, d->C, l, d->L,
                          (int)sgf_config_window(&d->model->config, l),
                          (float)d->model->config.score_scale);
        else return attend_fast(d, s, u, a, l, err);
    }
    /* normed [T, D] = RMSNorm of the residual stream. */
    static sgf_status norm_rows(gpu *d, const shape *s, const activations *a, const float *weight,
                                sgf_error *err) {
        const int32_t *all = NULL;
        if (!weight)
            return launch(d, "as_it_is", err, as_it_is<A>, grid_of(s->rows), 256,
                          (const float *)a->x, (A *)(void *)a->normed, d->D);
        return launch(d, "norm", err, norm<EXACT, A>, grid_of(s->rows), s->rows <= FEW ? 1024 : 256,
                      (const float *)a->x, all, weight, d->model->config.rms_eps, d->D,
                      (A *)(void *)a->normed);
    }
    static bool heads_normed(const layer_weights *w) {
        return w->q_norm || w->k_norm;
    }
    static heads<A> heads_to(const gpu *d, const uploaded *u, const activations *a, int l) {
        heads<A> to = {u->row,  a->cosine,
                       a->sine, (A *)(void *)a->q,
                       d->H,    d->G,
                       d->C,    l,
                       d->L,    (int)sgf_config_rope(&d->model->config, l),
                       d->ropes};
        return to;
    }
    /* Few rows of queries, keys and values, rotated. */
    static few_job heads_job(const gpu *d, const shape *s, const uploaded *u, const activations *a,
                             int l) {
        few_job job = few_of(d->layer[l].qkv, a->normed, (d->H + 2 * d->G) * d->C / 2, d->D,
                             (int)s->rows);
        job.bias = d->layer[l].qkv_bias;
        job.to = heads_to(d, u, a, l);
        return job;
    }
    /* Queries, keys and values of `normed`, rotated, in their places. */
    static sgf_status heads_make(gpu *d, const shape *s, const uploaded *u, const activations *a,
                                 int l, sgf_error *err) {
        const layer_weights *w = &d->layer[l];
        int T = (int)s->rows, all = d->H + 2 * d->G;
        if constexpr (!EXACT && sizeof(W) == 2)
            if (is_few(T, d->D) && !heads_normed(w) && !w->q_all)
                return few<ROTATED>(d, heads_job(d, s, u, a, l), err);
        TRY(multiply(d, w->qkv, a->normed, w->q_all ? w->qkv_bias : NULL, a->qkv, all * d->C, d->D,
                     T, 0, err));
        if (w->q_all) {
            float eps = d->model->config.rms_eps;
            TRY(launch(d, "norm_here", err, norm_here<EXACT>, grid_of(s->rows), 256, a->qkv,
                       all * d->C, (const float *)w->q_all, eps, d->H * d->C));
            TRY(launch(d, "norm_here", err, norm_here<EXACT>, grid_of(s->rows), 256,
                       a->qkv + d->H * d->C, all * d->C, (const float *)w->k_all, eps,
                       d->G * d->C));
        }
        return heads_store(d, s, u, a, l, err);
    }
    /* The same of a->qkv, which was multiplied. */
    static sgf_status heads_store(gpu *d, const shape *s, const uploaded *u, const activations *a,
                                  int l, sgf_error *err) {
        const layer_weights *w = &d->layer[l];
        int all = d->H + 2 * d->G;
        heads<A> to = heads_to(d, u, a, l);
        if (heads_normed(w))
            return launch(d, "norm_rotate_store", err, norm_rotate_store<EXACT, A>,
                          grid_of((size_t)all, s->rows), 64, to, (const float *)a->qkv,
                          (const float *)w->qkv_bias, (const float *)w->q_norm,
                          (const float *)w->k_norm, d->model->config.rms_eps);
        return launch(d, "rotate_store", err, rotate_store<A>, grid_of(s->rows), 256, to,
                      (const float *)a->qkv, w->q_all ? NULL : (const float *)w->qkv_bias);
    }
    /* How `few_chain` fits the chip's shared memory: slots of a warp (0: not at all), and bytes in all. */
    struct chain_room {
        int slots;
        size_t bytes;
    };
    static chain_room chain_fit(const gpu *d, const shape *s) {
        chain_room fit = {};
        int widest = (int)most(most((size_t)d->D, (size_t)d->F), (size_t)(d->H * d->C));
        if (!d->chain || s->rows > FEW || d->D % 8 || d->F % 8) return fit;
        for (fit.slots = CHAIN_MANY; fit.slots >= CHAIN_LEAST;
             fit.slots -= CHAIN_MANY - CHAIN_LEAST) {
            fit.bytes = (size_t)chain_sums((int)s->rows) * sizeof(float) +
                        sizeof(f16) * ((size_t)(CHAIN_WARPS * fit.slots * CHAIN_SLOT) +
                                       s->rows * (size_t)chain_width(widest));
            if (fit.bytes <= d->room) return fit;
        }
        fit.slots = 0;
        return fit;
    }
    /* One job more; norm: of `from` it takes the RMSNorm as x, NULL: x is the job's. */
    static void chain_add(chain_jobs *c, const gpu *d, few_way way, const few_job &of,
                          const float *from, const float *norm) {
        const chain_job *last = c->jobs ? &c->job[c->jobs - 1] : NULL;
        chain_job *job = &c->job[c->jobs++];
        *(few_job *)job = of;
        job->way = way;
        job->from = from, job->norm = norm;
        job->eps = d->model->config.rms_eps;
        job->tiles = ((way == PLAIN ? of.N : 2 * of.N) + CHAIN_ROWS - 1) / CHAIN_ROWS;
        if (last) job->turn = (last->turn + last->tiles) % d->processors;
    }
    static sgf_status chain_launch(gpu *d, const shape *s, chain_jobs *c, sgf_error *err) {
        chain_room fit = chain_fit(d, s);
        return launch_with(d, "few_chain", err,
                           fit.slots == CHAIN_MANY ? few_chain<CHAIN_MANY> : few_chain<CHAIN_LEAST>,
                           grid_of((size_t)d->processors), CHAIN_THREADS, fit.bytes, true, *c,
                           d->gate);
    }
    static few_job gate_job(const gpu *d, const shape *s, const activations *a,
                            const layer_weights *w) {
        few_job job = few_of(w->gu, a->normed, d->F, d->D, (int)s->rows);
        job.bias = w->gu_bias;
        job.h = (f16 *)(void *)a->h;
        return job;
    }
    /* Few rows of x += `from` w[D, K]^T + bias. */
    static few_job residual_job(const gpu *d, const shape *s, const activations *a, const void *w,
                                const char *from, const float *bias, int K) {
        few_job job = few_of(w, from, d->D, K, (int)s->rows);
        job.bias = bias;
        job.out = a->x;
        job.add = 1;
        return job;
    }
    /* h [T, F] = SwiGLU of `normed`. Gates and ups have the type of activations. */
    static sgf_status gate(gpu *d, const shape *s, const activations *a, const layer_weights *w,
                           sgf_error *err) {
        const size_t each = SWIGLU_COLUMNS * SWIGLU_THREADS;
        int T = (int)s->rows, F = d->F;
        if constexpr (!EXACT && sizeof(W) == 2)
            if (is_few(T, d->D) && !d->model->config.gelu)
                return few<GATED>(d, gate_job(d, s, a, w), err);
        if constexpr (EXACT)
            TRY(multiply(d, w->gu, a->normed, NULL, (float *)(void *)a->gu, 2 * F, d->D, T, 0,
                         err));
        else
            TRY(multiply_many(d, w->gu, a->normed, a->gu, sizeof(A) == 2 ? CUDA_R_16F : CUDA_R_32F,
                              2 * F, d->D, T, 0, err));
        return launch(d, "swiglu", err, swiglu<A>, grid_of(((size_t)F + each - 1) / each, s->rows),
                      SWIGLU_THREADS, (const A *)(const void *)a->gu, (const float *)w->gu_bias,
                      (A *)(void *)a->h, F, d->model->config.gelu);
    }
    /* x += scale * norm(`from` w[D, K]^T + bias); norm NULL: none. */
    static sgf_status residual(gpu *d, const shape *s, const activations *a, const void *w,
                               const char *from, const float *bias, int K, const float *norm,
                               sgf_error *err) {
        int T = (int)s->rows;
        if (d->plain) return multiply(d, w, from, bias, a->x, d->D, K, T, 1, err);
        TRY(multiply(d, w, from, bias, a->added, d->D, K, T, 0, err));
        if (norm)
            TRY(launch(d, "norm_here", err, norm_here<EXACT>, grid_of(s->rows), 256, a->added, d->D,
                       norm, d->model->config.rms_eps, d->D));
        return launch(d, "residual_add", err, residual_add, grid_of(s->rows), 256, a->x,
                      (const float *)a->added, (float)d->model->config.residual_scale, d->D);
    }
    /* sgf__layer_forward */
    static sgf_status layer(gpu *d, const shape *s, const uploaded *u, const activations *a, int l,
                            sgf_error *err) {
        const layer_weights *w = &d->layer[l];
        TRY(norm_rows(d, s, a, w->attn_norm, err));
        TRY(heads_make(d, s, u, a, l, err));
        TRY(attention(d, s, u, a, l, err));
        TRY(residual(d, s, a, w->o, a->attended, w->o_bias, d->H * d->C, w->attn_post_norm, err));
        TRY(norm_rows(d, s, a, w->ffn_norm, err));
        TRY(gate(d, s, a, w, err));
        return residual(d, s, a, w->down, a->h, w->down_bias, d->F, w->ffn_post_norm, err);
    }
    /* Queries, keys and values, in their places or, where their norms are still to come, in a->qkv for heads_store. */
    static void heads_chain(chain_jobs *c, const gpu *d, const shape *s, const uploaded *u,
                            const activations *a, int l) {
        const layer_weights *w = &d->layer[l];
        few_job job = heads_job(d, s, u, a, l);
        if (heads_normed(w)) {
            job.bias = NULL; /* heads_store adds it */
            job.N *= 2;
            job.out = a->qkv;
        }
        chain_add(c, d, heads_normed(w) ? PLAIN : ROTATED, job, a->x, w->attn_norm);
    }
    /* Whether `few_chain` makes the logits, too. */
    static bool logits_chained(const gpu *d, const shape *s, int keep) {
        return chain_fit(d, s).slots && keep && s->wanted == s->rows && !s->hidden;
    }
    /* sgf__layer_forward by `few_chain`, from queries, keys and values on to those of the next layer, or the logits. */
    static sgf_status layer_chained(gpu *d, const shape *s, const uploaded *u, const activations *a,
                                    int keep, int l, sgf_error *err) {
        const layer_weights *w = &d->layer[l];
        chain_jobs first = {}, rest = {};
        if (l == 0) {
            heads_chain(&first, d, s, u, a, l);
            TRY(chain_launch(d, s, &first, err));
        }
        if (heads_normed(w)) TRY(heads_store(d, s, u, a, l, err));
        TRY(attention(d, s, u, a, l, err));
        chain_add(&rest, d, PLAIN, residual_job(d, s, a, w->o, a->attended, w->o_bias, d->H * d->C),
                  NULL, NULL);
        chain_add(&rest, d, GATED, gate_job(d, s, a, w), a->x, w->ffn_norm);
        chain_add(&rest, d, PLAIN, residual_job(d, s, a, w->down, a->h, w->down_bias, d->F), NULL,
                  NULL);
        if (l + 1 < d->L) heads_chain(&rest, d, s, u, a, l + 1);
        else if (logits_chained(d, s, keep)) {
            few_job job = few_of(d->output, a->normed, d->V, d->D, (int)s->rows);
            job.out = logits_at(d, s->first_kept);
            chain_add(&rest, d, PLAIN, job, a->x, d->norm);
        }
        return chain_launch(d, s, &rest, err);
    }
    /* Layers [from, to), and what comes before the first and after the last. keep: logits go to d->logits. */
    static sgf_status enqueue(gpu *d, const shape *s, const uploaded *u, const activations *a,
                              int keep, int from, int to, sgf_error *err) {
        float eps = d->model->config.rms_eps, divisor = (float)d->model->config.logit_divisor;
        const int32_t *all = NULL;
        int l;
        if (from == 0 && s->copies)
            TRY(launch(d, "kv_copy", err, kv_copy<A>, grid_of(s->copies, (size_t)(d->L * d->G)), 32,
                       u->copy, (const float *)d->inv_freq, (const int32_t *)d->rope_of, d->L, d->G,
                       d->C));
        if (from == 0) {
            TRY(launch(d, "embed", err, embed<W>, grid_of(s->rows), 128, u->row,
                       (const W *)d->embedding, a->x, d->D,
                       (float)d->model->config.embedding_scale));
            TRY(launch(d, "angles", err, angles, grid_of(s->rows), 32, u->row,
                       (const float *)d->inv_freq, d->rope_scale, d->C / 2, d->ropes, a->cosine,
                       a->sine));
        }
        for (l = from; l < to; l++) {
            if constexpr (!EXACT && sizeof(W) == 2)
                if (chain_fit(d, s).slots) {
                    TRY(layer_chained(d, s, u, a, keep, l, err));
                    continue;
                }
            TRY(layer(d, s, u, a, l, err));
        }
        if (to < d->L) return SGF_OK;
        if (s->hidden)
            TRY(launch(d, "norm", err, norm<EXACT, float>, grid_of(s->rows), 256,
                       (const float *)a->x, all, (const float *)d->norm, eps, d->D,
                       (float *)(void *)d->hidden.at));
        if (!s->wanted) return SGF_OK;
        if constexpr (!EXACT && sizeof(W) == 2)
            if (logits_chained(d, s, keep)) return SGF_OK;
        TRY(launch(d, "norm", err, norm<EXACT, A>, grid_of(s->wanted), 256, (const float *)a->x,
                   u->wanted, (const float *)d->norm, eps, d->D, (A *)(void *)a->last));
        if (divisor != 1)
            TRY(launch(d, "divide", err, divide<A>, grid_of(s->wanted), 256, (A *)(void *)a->last,
                       divisor, d->D));
        return keep ? logits(d, a, 0, s->wanted, s->first_kept, err) : SGF_OK;
    }
    static float *logits_at(const gpu *d, size_t row) {
        return (float *)(void *)d->logits.at + row * (size_t)d->V;
    }
    /* Rows [first, first + n) of the wanted ones: their logits to row `to` of d->logits. */
    static sgf_status logits(gpu *d, const activations *a, size_t first, size_t n, size_t to,
                             sgf_error *err) {
        return multiply(d, d->output, a->last + first * (size_t)d->D * sizeof(A), NULL,
                        logits_at(d, to), d->V, d->D, (int)n, 0, err);
    }
};

/* The right pass for weights and way. */
#define PASS(d, call)                                                                             \
    ((d)->exact                   ? (d)->type == SGF_DTYPE_F32   ? pass<float, float, true>::call \
                                    : (d)->type == SGF_DTYPE_F16 ? pass<f16, float, true>::call   \
                                                                 : pass<bf16, float, true>::call  \
     : (d)->type == SGF_DTYPE_F32 ? pass<float, float, false>::call                               \
                                  : pass<f16, f16, false>::call)

/* Layers [from, to) of a call, with what comes before the first and after the last: all that graphs can hold. */
sgf_status call_enqueue(gpu *d, const shape *s, const uploaded *u, const activations *a, int keep,
                        int from, int to, sgf_error *err) {
    if (from == 0)
        CUDA(err, "upload",
             cudaMemcpyAsync(d->call.at, d->staging.at, s->bytes, cudaMemcpyHostToDevice,
                             d->stream));
    return PASS(d, enqueue(d, s, u, a, keep, from, to, err));
}
graph *graph_find(gpu *d, const shape *s) {
    graph *oldest = &d->graphs[0];
    int i;
    for (i = 0; i < GRAPHS; i++) {
        graph *g = &d->graphs[i];
        if (g->used && !memcmp(&g->of, s, sizeof *s)) {
            g->used = ++d->clock;
            return g;
        }
        if (g->used < oldest->used) oldest = g;
    }
    graph_drop(oldest);
    oldest->of = *s;
    return oldest;
}
/* A shape that comes a second time is captured; from then on a call is two launches. */
sgf_status graph_run(gpu *d, graph *g, const shape *s, const uploaded *u, const activations *a,
                     sgf_error *err) {
    int from = 0, to = d->L < GRAPH_FIRST ? d->L : GRAPH_FIRST, k;
    for (k = 0; k < 2 && from < d->L; k++, from = to, to = d->L) {
        cudaGraph_t made = NULL;
        cudaError_t code;
        sgf_status status;
        if (!g->run[k]) {
            CUDA(err, "capture",
                 cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeThreadLocal));
            status = call_enqueue(d, s, u, a, 1, from, to, err);
            code = cudaStreamEndCapture(d->stream, &made);
            if (!status && code != cudaSuccess) status = fail_cuda(err, code, "capture");
            if (!status) {
                code = cudaGraphInstantiate(&g->run[k], made, 0);
                if (code != cudaSuccess) status = fail_cuda(err, code, "capture");
            }
            if (made) cudaGraphDestroy(made);
            if (status) return status;
        }
        CUDA(err, "cudaGraphLaunch", cudaGraphLaunch(g->run[k], d->stream));
    }
    return SGF_OK;
}

sgf_status pinned_reserve(gpu *d, buffer *b, size_t bytes, sgf_error *err) {
    void *made = NULL;
    if (bytes <= b->size) return SGF_OK;
    bytes = rounded(bytes);
    graphs_drop(d);
    TRY(buffer_drop(b, cudaFreeHost, "cudaFreeHost", err));
    CUDA(err, "cudaMallocHost", cudaMallocHost(&made, bytes));
    b->at = (char *)made;
    b->size = bytes;
    return SGF_OK;
}

/* What a call became: its shape, and where its upload and its activations are. */
struct prepared {
    shape s;
    uploaded u;
    activations a;
};
/* Room for attending.arrived, of which 0 is written here alone: kernels leave it so. */
sgf_status arrived_reserve(gpu *d, size_t bytes, sgf_error *err) {
    buffer *b = &d->arrived;
    size_t before = b->size, made;
    TRY(buffer_reserve(d, b, bytes, "attention", err));
    made = b->size, b->size = before; /* should it fail, it is made again */
    if (made != before) CUDA(err, "cudaMemsetAsync", cudaMemsetAsync(b->at, 0, made, d->stream));
    b->size = made;
    return SGF_OK;
}
/* Plan the call, make room, and fill the staging buffer. */
sgf_status call_prepare(gpu *d, const sgf__device_call *call, prepared *p, sgf_error *err) {
    int chained = d->exact || d->type == SGF_DTYPE_F32;
    shape *s = &p->s;
    size_t kept;
    memset(s, 0, sizeof *s);
    CUDA(err, "waiting", cudaStreamSynchronize(d->stream)); /* the staging buffer is free again */
    if (!chained) TRY(plan_make(d, call, s, err));
    s->rows = call->rows;
    s->wanted = call->wanted;
    s->copies = call->copies;
    s->pages = rounded(call->pages);
    s->groups = chained ? rounded(call->groups) : 0;
    s->spans = rounded(chained ? call->spans : d->cut.n);
    if (!chained) {
        s->items = call->rows > GRAPH_ROWS ? most(1, d->items.n) : rounded(d->items.n);
        s->list = rounded(d->list.n);
        s->partials = rounded(d->slot.n);
    }
    s->hidden = call->hidden != NULL;
    s->first_kept = call->first_kept;
    s->bytes = upload_lay(d, s, NULL, &p->u);
    TRY(pinned_reserve(d, &d->staging, s->bytes, err));
    TRY(buffer_reserve(d, &d->call, d->staging.size, "a call", err));
    TRY(buffer_reserve(d, &d->work, activations_lay(d, s, &p->a), "activations", err));
    TRY(buffer_reserve(d, &d->partial,
                       s->partials * (size_t)d->H * (size_t)(d->C + 2) * sizeof(float), "attention",
                       err));
    if (s->partials) TRY(arrived_reserve(d, s->rows * (size_t)d->G * sizeof(int32_t), err));
    TRY(buffer_reserve(d, &d->hidden, call->hidden ? s->rows * (size_t)d->D * sizeof(float) : 0,
                       "hidden states", err));
    kept = call->keep ? call->all_kept : least(s->wanted, LOGITS_ROWS);
    if (kept && padded(d, kept) != kept) kept += 63; /* the last rows of a call may be padded */
    if (call->first_kept == 0) /* logits of the calls before this one are not lost */
        TRY(buffer_reserve(d, &d->logits, kept * (size_t)d->V * sizeof(float), "logits", err));
    upload_lay(d, s, call, &p->u);
    activations_lay(d, s, &p->a);
    return SGF_OK;
}

sgf_status gpu_forward(void *device, const sgf__device_call *call, sgf_error *err) {
    gpu *d = (gpu *)device;
    size_t V = (size_t)d->V, done;
    prepared p;
    graph *g = NULL;
    TRY(call_prepare(d, call, &p, err));
    if (call->keep && !call->hidden && p.s.rows <= GRAPH_ROWS) g = graph_find(d, &p.s);
    if (g && g->used) TRY(graph_run(d, g, &p.s, &p.u, &p.a, err));
    else TRY(call_enqueue(d, &p.s, &p.u, &p.a, call->keep, 0, d->L, err));
    if (g) g->used = ++d->clock;
    if (call->hidden)
        CUDA(err, "hidden states",
             cudaMemcpyAsync(call->hidden, d->hidden.at, p.s.rows * (size_t)d->D * sizeof(float),
                             cudaMemcpyDeviceToHost, d->stream));
    for (done = 0; call->logits && done < p.s.wanted; done += LOGITS_ROWS) {
        size_t n = least(LOGITS_ROWS, p.s.wanted - done);
        TRY(PASS(d, logits(d, &p.a, done, n, 0, err)));
        CUDA(err, "logits",
             cudaMemcpyAsync(call->logits + done * V, d->logits.at, n * V * sizeof(float),
                             cudaMemcpyDeviceToHost, d->stream));
    }
    if (!call->keep) CUDA(err, "the forward pass", cudaStreamSynchronize(d->stream));
    return SGF_OK;
}

/* ---- the next tokens ---- */

sgf_status gpu_choose(void *device, sgf__device_choice *list, size_t n, sgf_error *err) {
    gpu *d = (gpu *)device;
    size_t i, c, shares = 0, rows = 0, at_shares, at_stats, at_ids, bytes;
    int softmax = 0;
    choice *to;
    float *share, *stats;
    const char *from;
    const int32_t *ids;
    const float *logits = (const float *)(const void *)d->logits.at;
    for (i = 0; i < n; i++) {
        shares += list[i].contexts;
        rows = most(rows, list[i].first + list[i].contexts);
        if (list[i].combine == SGF_COMBINE_MAX && list[i].contexts > 1) softmax = 1;
    }
    at_shares = (n * sizeof(choice) + 15) & ~(size_t)15; /* choices, shares | stats, ids */
    at_stats = at_shares + ((shares * sizeof(float) + 15) & ~(size_t)15);
    at_ids = at_stats + rows * 2 * sizeof(float);
    bytes = at_ids + n * sizeof(int32_t);
    TRY(pinned_reserve(d, &d->choices, bytes, err));
    TRY(buffer_reserve(d, &d->ids, rounded(bytes), "the next tokens", err));
    to = (choice *)(void *)d->choices.at;
    share = (float *)(void *)(d->choices.at + at_shares);
    stats = (float *)(void *)(d->ids.at + at_stats);
    shares = 0;
    for (i = 0; i < n; i++) { /* as sgf__combine weighs */
        const sgf__device_choice *own = &list[i];
        double total = 0;
        to[i].first = (int32_t)own->first;
        to[i].contexts = (int32_t)own->contexts;
        to[i].rule = (int32_t)own->combine;
        to[i].best = 0;
        to[i].share = (int32_t)shares;
        for (c = 1; own->weight && c < own->contexts; c++)
            if (own->weight[c] > own->weight[to[i].best]) to[i].best = (int32_t)c;
        for (c = 0; own->weight && c < own->contexts; c++) total += own->weight[c];
        for (c = 0; c < own->contexts; c++)
            share[shares++] = (float)(own->weight && total > 0 ? own->weight[c] / total
                                                               : 1.0 / (double)own->contexts);
    }
    /* Pinned memory is the device's, too. Shares are read often, and so are brought there. */
    from = shares == n ? d->choices.at : d->ids.at;
    if (from == d->ids.at)
        CUDA(
            err, "upload",
            cudaMemcpyAsync(d->ids.at, d->choices.at, at_stats, cudaMemcpyHostToDevice, d->stream));
    if (softmax)
        TRY(launch(d, "softmax_stats", err, d->exact ? softmax_stats<true> : softmax_stats<false>,
                   grid_of(rows), VOCABULARY_THREADS, logits, d->V, stats));
    TRY(launch(d, "choose", err, choose, grid_of(n), VOCABULARY_THREADS,
               (const choice *)(const void *)from, (const float *)(const void *)(from + at_shares),
               logits, (const float *)stats, d->V, (int32_t *)(void *)(d->choices.at + at_ids)));
    CUDA(err, "the next tokens", cudaStreamSynchronize(d->stream));
    ids = (const int32_t *)(const void *)(d->choices.at + at_ids);
    for (i = 0; i < n; i++) list[i].id = ids[i];
    return SGF_OK;
}

/* ---- pages, opening and closing ---- */

sgf_status gpu_page(void *device, void **page, sgf_error *err) {
    gpu *d = (gpu *)device;
    size_t pages = most(1, SLAB / d->page_bytes);
    char *made = NULL;
    if (!d->slab_left) {
        TRY(d->slab.room(d->slab.n + 1, err));
        TRY(memory_take(d, pages * d->page_bytes, "keys and values", &made, err));
        d->slab.at[d->slab.n++] = made;
        d->slab_left = pages;
    }
    *page = d->slab.at[d->slab.n - 1] + (pages - d->slab_left--) * d->page_bytes;
    return SGF_OK;
}
void gpu_close(void *device) {
    gpu *d = (gpu *)device;
    buffer *all[] = {&d->call,   &d->work,   &d->partial,   &d->arrived,
                     &d->logits, &d->hidden, &d->blas_work, &d->ids};
    size_t i;
    if (!d) return;
    if (d->stream) cudaStreamSynchronize(d->stream);
    graphs_drop(d);
    for (i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i]->at) cudaFree(all[i]->at);
    if (d->staging.at) cudaFreeHost(d->staging.at);
    if (d->choices.at) cudaFreeHost(d->choices.at);
    for (i = 0; i < d->slab.n; i++) cudaFree(d->slab.at[i]);
    if (d->weights) cudaFree(d->weights);
    for (i = 0; i < PLANS; i++) plan_drop(&d->plan[i]);
    if (d->blas) cublasLtDestroy(d->blas);
    if (d->stream) cudaStreamDestroy(d->stream);
    cudaGetLastError();
    free(d->slab.at);
    free(d->items.at);
    free(d->ordered.at);
    free(d->of_length.at);
    free(d->cut.at);
    free(d->list.at);
    free(d->slot.at);
    free(d->bucket_rows.at);
    free(d->level_bucket.at);
    free(d->of.at);
    free(d->buckets.at);
    free(d);
}
sgf_status gpu_describe(char *out, size_t cap, sgf_error *err) {
    cudaDeviceProp properties;
    size_t left = 0, all = 0;
    int count = 0;
    cudaError_t code = cudaGetDeviceCount(&count);
    if (code == cudaSuccess && count) code = cudaSetDevice(0);
    if (code == cudaSuccess && count) code = cudaGetDeviceProperties(&properties, 0);
    if (code == cudaSuccess && count) code = cudaMemGetInfo(&left, &all);
    if (code != cudaSuccess || !count) {
        cudaGetLastError();
        return fail(err, SGF_ERR_UNSUPPORTED,
                    "no NVIDIA GPU can be used here (%s); use the device cpu",
                    code == cudaSuccess ? "there is none" : cudaGetErrorString(code));
    }
    if (properties.major < 8)
        return fail(err, SGF_ERR_UNSUPPORTED,
                    "%s has compute capability %d.%d, and 8.0 (Ampere) is the least; use the "
                    "device cpu",
                    properties.name, properties.major, properties.minor);
    if (cap)
        snprintf(out, cap, "%s, %.1f of %.1f GiB free, compute capability %d.%d", properties.name,
                 (double)left / (double)(1 << 30), (double)all / (double)(1 << 30),
                 properties.major, properties.minor);
    return SGF_OK;
}
/* More shared memory than a kernel has without asking. */
template <class... P> sgf_status room_allow(void (*kernel)(P...), size_t bytes, sgf_error *err) {
    CUDA(err, "cudaFuncSetAttribute",
         cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes));
    return SGF_OK;
}
/* Kernels between which a multiprocessor is never idle, and so cannot divide its memory anew: all have as much of it
   shared as there can be. */
template <class... K> sgf_status room_share(sgf_error *err, K... kernels) {
    cudaError_t codes[] = {cudaFuncSetAttribute(kernels,
                                                cudaFuncAttributePreferredSharedMemoryCarveout,
                                                cudaSharedmemCarveoutMaxShared)...};
    for (cudaError_t code : codes) CUDA(err, "cudaFuncSetAttribute", code);
    return SGF_OK;
}
/* gpu.plain */
bool is_plain(const sgf_config *c) {
    for (int32_t l = 0; l < c->layers; l++)
        if (sgf_config_rope(c, l) != 0) return false;
    return c->norms == SGF_NORM_BEFORE && c->qk_norm < 2 && !c->gelu && c->residual_scale == 1 &&
           c->logit_divisor == 1;
}
sgf_status gpu_fill(gpu *d, const float *inv_freq, sgf_error *err) {
    const sgf_config *c = &d->model->config;
    size_t cells;
    cudaDeviceProp properties;
    placing p;
    sgf_status status;
    int flags[3] = {0, 0, 0}; /* as placing.lost */
    unsigned long long nobody = 0;
    d->D = c->dim, d->L = c->layers, d->H = c->heads, d->G = c->kv_heads, d->C = c->head_dim;
    d->F = c->ffn_dim, d->V = c->vocab_size;
    d->ropes = c->rope_local_theta > 0 ? 2 : 1;
    d->plain = is_plain(c);
    if (d->C > HEAD_MOST)
        return fail(err, SGF_ERR_UNSUPPORTED,
                    "heads of %d channels are too wide for the GPU, which takes %d; use the "
                    "device cpu",
                    d->C, (int)HEAD_MOST);
    d->type = common_type(d);
    cells = (size_t)d->L * (size_t)d->G * 2 * PAGE * (size_t)d->C;
    d->page_bytes = cells * (d->exact ? 4 : type_size(d->type)) + PAGE * sizeof(int32_t);
    d->page_bytes = (d->page_bytes + 255) & ~(size_t)255;
    CUDA(err, "cudaSetDevice", cudaSetDevice(0));
    CUDA(err, "cudaGetDeviceProperties", cudaGetDeviceProperties(&properties, 0));
    d->processors = properties.multiProcessorCount;
    d->room = properties.sharedMemPerBlockOptin;
    CUDA(err, "cudaStreamCreate", cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking));
    memset(&p, 0, sizeof p);
    p.d = d;
    TRY(place_model(&p, inv_freq, err));
    TRY(memory_take(d, p.used + 256, "the weights", &d->weights, err));
    p.base = d->weights;
    p.lost = (int *)(void *)(d->weights + p.used);
    d->gate = (unsigned long long *)(void *)(d->weights + p.used + 64);
    p.used = 0;
    CUDA(err, "bringing the weights",
         cudaMemcpyAsync(p.lost, flags, sizeof flags, cudaMemcpyHostToDevice, d->stream));
    CUDA(err, "bringing the weights",
         cudaMemcpyAsync(d->gate, &nobody, sizeof nobody, cudaMemcpyHostToDevice, d->stream));
    TRY(launch(d, "probe", err, probe, grid_of(1), 32, p.lost + 1));
    status = place_model(&p, inv_freq, err);
    free(p.wide.at);
    if (status) return status;
    CUDA(err, "bringing the weights",
         cudaMemcpyAsync(flags, p.lost, sizeof flags, cudaMemcpyDeviceToHost, d->stream));
    CUDA(err, "bringing the weights", cudaStreamSynchronize(d->stream));
    d->follows = flags[1];
    if (d->exact) return SGF_OK;
    d->has_groups = flags[2];
    if (d->has_groups) {
        TRY(room_allow(attend_wide<64>, wide_bytes<64>(), err));
        TRY(room_allow(attend_wide<128>, wide_bytes<128>(), err));
    }
    d->chain = SGF_CHAIN && properties.cooperativeLaunch && d->plain;
    if (d->chain) {
        TRY(room_allow(few_chain<CHAIN_MANY>, d->room, err));
        TRY(room_allow(few_chain<CHAIN_LEAST>, d->room, err));
        TRY(room_share(err, few_chain<CHAIN_MANY>, few_chain<CHAIN_LEAST>, attend<16>, attend<32>,
                       attend<64>, attend<96>, attend<128>, attend_nothing, rotate_store<f16>,
                       norm_rotate_store<false, f16>));
    }
    if (flags[0])
        return fail(err, SGF_ERR_UNSUPPORTED,
                    "the model has weights above %.0f, which f16 cannot hold; compute exactly "
                    "(--exact) or on the device cpu",
                    (double)F16_MOST);
    BLAS(err, "cublasLtCreate", cublasLtCreate(&d->blas));
    return buffer_reserve(d, &d->blas_work, WORKSPACE, "matrix products", err);
}
sgf_status gpu_open(const sgf_model *model, const float *inv_freq, float rope_scale, int exact,
                    void **device, sgf_error *err) {
    gpu *d = (gpu *)calloc(1, sizeof *d);
    sgf_status status;
    if (!d) return fail(err, SGF_ERR_MEMORY, "out of memory");
    d->model = model;
    d->rope_scale = rope_scale;
    d->exact = exact != 0;
    status = gpu_fill(d, inv_freq, err);
    if (status) gpu_close(d);
    else *device = d;
    return status;
}

} /* namespace */

extern "C" const sgf__device_functions *sgf__cuda(void) {
    static const sgf__device_functions functions = {gpu_describe, gpu_open,    gpu_close,
                                                    gpu_page,     gpu_forward, gpu_choose};
    return &functions;
}
#endif /* SGF__CUDA_SESSIONS */
