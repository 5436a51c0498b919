/* segfuse.h - one question, many paraphrases, one fused answer - version 0.1.0
   MIT or public domain, at your choice; see the end of this file.

   A language model often gives different answers to paraphrases of one question. segfuse asks all
   of them at once: it puts them into one sequence, hides each one from the others while the prompt
   is encoded, and lets the answer attend to all of them (attention-level fusion). It runs Llama,
   Qwen2, Qwen3, Mistral, Phi-3, Granite 3, SmolLM3, OLMo-2 and Gemma 3 models from their Hugging Face
   folders [SGF-03], on a CPU, in C99, with libc and libm alone. The reference transformer in [SGF-11]
   defines every result, bit for bit: every kernel, number of threads, batch size and cache gives the
   same floats. (Two options give this up for speed: reuse_rotated, and a GPU without `exact`.)

   Use: in one C or C++ file, before any other header, write

       #define SEGFUSE_IMPLEMENTATION
       #include "segfuse.h"

   and link with -lm -pthread. Other files only include it.

   ------------------------------------------------------------------------------------
   One answer from three wordings (shortened; examples/fuse.c is the whole program):

       static const sgf_str asked[] = {SGF_STR("The capital of Japan is [MASK]."),
                                       SGF_STR("Jpaan's capital is [MASK]."),
                                       SGF_STR("In Nippon, the capital city is [MASK].")};
       sgf_prompt prompt = {SGF_STR("Predict the [MASK] in one word."), NULL, 0, asked, 3, NULL, NULL, NULL, NULL};
       sgf_model *model = NULL;
       sgf_session *session = NULL;
       sgf_error err;
       char answer[64];
       if (sgf_model_load("models/segfuse-2m", NULL, &model, &err) ||
           sgf_session_create(model, NULL, &session, &err) ||
           sgf_ask(session, "fused_agreement", &prompt, 0, answer, sizeof answer, &err)) puts(err.message);
       else puts(answer);
       sgf_session_free(session);
       sgf_model_free(model);
   ------------------------------------------------------------------------------------
   Contents. The front ends at line 2791. It is what an auditor must read: the whole method, but for the
   loop that takes the next token, and beams [SGF-16]. The engine after it gives the bits of the reference,
   which the tests check by memcmp. The front uses e^x, ln x and softmax [SGF-14], copies of layouts [SGF-16],
   RoPE's frequencies and which layers have windows [SGF-22], the loader [SGF-21..23], the tokenizer [SGF-24].

     The front: what you call
       [SGF-01] Conventions: status, errors, memory, text
       [SGF-02] The method: layouts, visibility, masks
       [SGF-03] Models: a Hugging Face folder, mapped
       [SGF-04] Sessions: the forward pass and its KV cache
       [SGF-05] Prompts and methods
       [SGF-06] Generation
       [SGF-07] Tokenizer: text to ids and back, as Hugging Face does it
       [SGF-08] Tables: results become Feather (Arrow IPC) and CSV files
     The front: the method
       [SGF-09] Layouts, visibility, masks
       [SGF-10] The scalars that define the numbers
       [SGF-11] The reference: the whole transformer, in plain loops
       [SGF-12] Prompts and methods
       [SGF-13] Audits of masks: words, comparison, leaks
     The engine
       [SGF-14] Kernels and threads: the reference's sums, many at a time
       [SGF-15] Sessions: KV cache, segment attention, the forward pass
       [SGF-16] Generation: common prefixes, steps
     Memory, files and formats
       [SGF-17] Base: errors, memory, growing buffers
       [SGF-18] Text: UTF-8, and numbers in any locale
       [SGF-19] Platform: files, memory mapping
       [SGF-20] JSON (RFC 8259)
       [SGF-21] safetensors, one file or several
       [SGF-22] config.json and RoPE frequencies
       [SGF-23] Loading a model: every weight by its Hugging Face name
       [SGF-24] Tokenizer
       [SGF-25] Unicode tables
       [SGF-26] Tables: results become Feather (Arrow IPC) and CSV files
   ------------------------------------------------------------------------------------
   Where each claim is decided

     The mask
       paraphrase 2 does not see paraphrase 1      sgf__mask_cells (line 1488), the row of `a`
       token q sees token k if two conditions hold sgf__attends (line 1327)
       ... and, in some layers, a sliding window   sgf__reference_sees (line 1779)
       if it sees nothing, attention gives 0       sgf__reference_attend (line 1833): sum == 0
       what an example's answer may see            sgf__mask_cells (line 1488), the row of `A`
     Fusion
       the prompt's parts and segments             sgf_prompt_layout (line 2347)
       which token is the first to see everything  sgf__answer (line 2294); by format: sgf_fusion_start
       where a paraphrase starts                   sgf_layout_place (line 1348)
       1/N is computed                             sgf_layout_weigh (line 1368)
       a mixture: one softmax per paraphrase       sgf__mixture_end (line 1810)
       1/N enters the scores of the answer         sgf__log_weight (line 1783); added in sgf__reference_attend
       how sure a paraphrase is; weights from it   sgf__doubts (line 2475), sgf__doubt_weights (line 2502)
       logits of several contexts become one row   sgf__combine (line 2422)
     Numbers
       the order in which a product is summed      sgf__sum_add (line 1719)
       in bf16: rounded factors, flushed sums      sgf__rounded (line 1688), sgf__flushed_sum (line 1683)
       a fused multiply-add without the instruction sgf__fma_portable (line 1581)
       softmax, and its exp                        sgf__reference_attend (line 1833), sgf__exp_body (line 1609)
       RMSNorm                                     sgf__reference_norm (line 1753)
       RoPE, rotate-half                           sgf__reference_rope (line 1765), sgf__sincos_d (line 1643)
       RoPE's frequencies                          sgf__rope_frequencies (line 8476)
       one layer, in order                         sgf__reference_layer (line 1901)
     No cache, batch or thread changes a bit       the list at the end of [SGF-11]
     Does a mask keep its promise?                 sgf_mask_leaks (line 2760), sgf_mask_allows (line 2628)
   ------------------------------------------------------------------------------------
   Macros. Set them before the implementation is included. Options that break IEEE arithmetic
   (-ffast-math, -Ofast) are refused. None of these macros changes a CPU result.

       SEGFUSE_IMPLEMENTATION  compile the functions here
       SGF_STATIC              make all functions static, so that one program can hold several copies.
                               Define it before each include in that file; other files cannot
                               call this copy
       SGF_NO_THREADS          one thread, no pthread
       SGF_NO_MMAP             read files instead of mapping them, no POSIX calls
       SGF_NO_STDIO            the program supplies the files, see sgf_host_view; implies SGF_NO_MMAP
       SGF_NO_SIMD             plain C kernels only
       SGF_CUDA                SGF_DEVICE_CUDA works: segfuse.cu, next to this file, is included here
                               for its first part, and is linked in, compiled by nvcc

   Conventions

     Shapes    row-major, written [rows, cols]. T tokens, S segments, V vocabulary, L layers,
               D model width, H query heads, G key/value heads, C head width, F feed-forward width.
     Status    a function that can fail returns sgf_status, SGF_OK = 0, and has an sgf_error * as its last
               argument; it may be NULL. On failure outputs are unchanged, unless the text says
               otherwise.
     Pointers  may be NULL only where the text says so. Zero a struct before you fill it.
     Memory    free each object that you create with its _free function; close a sequence with
               sgf_sequence_close. All memory goes through sgf_allocator.
     Threads   a model or tokenizer does not change after it is loaded and can be shared. A session or
               a layout belongs to one thread at a time. There are no globals.
     Input     every file may be hostile: sizes, offsets and counts are checked before use, and a bad
               file gives an error that names the place. If another process truncates a mapped
               file, the system raises SIGBUS. The library never prints or exits.
   ==================================================================================== */

#ifndef SEGFUSE_H
#define SEGFUSE_H

#define SGF_VERSION "0.1.0"

#if defined(SEGFUSE_IMPLEMENTATION) && defined(__STRICT_ANSI__) && !defined(_POSIX_C_SOURCE) && \
    !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mmap, fsync under -std=c99; elsewhere it would take names away */
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef SGF_STATIC
#define SGF_DEF static
#else
#define SGF_DEF extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ====================================================================================
 * [SGF-01] Conventions: status, errors, memory, text
 * ==================================================================================== */

/* clang-format off */
#define SGF_STATUS_LIST(X)                                                               \
    X(SGF_OK, "ok")                                                                      \
    X(SGF_ERR_ARG, "wrong argument")                                                     \
    X(SGF_ERR_MEMORY, "out of memory")                                                   \
    X(SGF_ERR_IO, "input or output failed")                                              \
    X(SGF_ERR_FORMAT, "malformed input")                                                 \
    X(SGF_ERR_UNSUPPORTED, "not supported")                                              \
    X(SGF_ERR_LIMIT, "limit exceeded")
/* clang-format on */

#define SGF__STATUS_ENUM(name, text) name,
typedef enum sgf_status { SGF_STATUS_LIST(SGF__STATUS_ENUM) SGF_STATUS_COUNT } sgf_status;
#undef SGF__STATUS_ENUM

/* The SGF_VERSION of the linked implementation. */
SGF_DEF const char *sgf_version(void);

/* An error, written only on failure. `message` is a whole sentence: what went wrong, where, and what to do
   about it. */
typedef struct sgf_error {
    sgf_status status;
    int64_t offset;     /* byte (or line, see message) in `file`; -1 if it does not apply */
    char file[256];     /* the path, cut if it is too long; "" if there is none */
    char message[1024]; /* zero-terminated UTF-8 */
} sgf_error;

/* The short name of a status, e.g. "out of memory". Never NULL; static storage. */
SGF_DEF const char *sgf_status_text(sgf_status status);

/* Where memory is allocated. `alloc` returns memory aligned like malloc's, NULL if it fails; `free` gets
   the size that was asked for. A NULL `sgf_allocator *` always means malloc and free. An allocator used
   by several threads at once must be thread-safe. The struct is copied; `user` must outlive every object
   made with it. */
typedef struct sgf_allocator {
    void *(*alloc)(size_t size, void *user);
    void (*free)(void *ptr, size_t size, void *user);
    void *user;
} sgf_allocator;

/* UTF-8 text with a length; not zero-terminated unless stated. */
typedef struct sgf_str {
    const char *ptr;
    size_t len;
} sgf_str;

/* A zero-terminated text as an sgf_str that points to it; NULL gives an empty one. */
SGF_DEF sgf_str sgf_text(const char *text);

/* Initialises an sgf_str, static ones included: sgf_str paris = SGF_STR("Paris"); */
#define SGF_STR(literal) \
    { "" literal, sizeof(literal) - 1 }

#ifdef SGF_NO_STDIO
/* With SGF_NO_STDIO the program defines these five functions. The library passes each path unchanged.
   The files may be constants in the program, an archive, or the storage of a browser or a board. If
   several threads use the library, they may call these functions at the same time. A status other
   than SGF_OK becomes that of the library's call, with a message that names the path. */

/* Gives the whole file. Any alignment is allowed (misaligned weights are copied). The bytes must not
   change until they are released. *bytes = NULL: there is no such file; an empty file has size 0, and
   its *bytes is not NULL. A file may be viewed several times, sometimes only to test that it exists,
   so views should be cheap. */
extern sgf_status sgf_host_view(const char *path, const void **bytes, size_t *size);
extern void sgf_host_release(const void *bytes, size_t size);
/* Creates a file; *file is any pointer but NULL. The library writes it from beginning to end. When it
   is finished with `keep` 1, it appears under `path`; with `keep` 0, and when finishing fails, it is
   removed. If creation failed, it is not finished. */
extern sgf_status sgf_host_create(const char *path, void **file);
extern sgf_status sgf_host_append(void *file, const void *bytes, size_t n);
extern sgf_status sgf_host_finish(void *file, int keep);
#endif

/* ====================================================================================
 * [SGF-02] The method: layouts, visibility, masks
 *
 * A prompt begins with the prefix: the instruction and the few-shot examples. Then come the
 * paraphrases, with separators between them. Last comes the answer segment: the cue (without a cue,
 * the last prompt token) and every generated token. Here is the fusion: its tokens see all
 * paraphrases. (In SGF_FORMAT_CONCATENATED each paraphrase has a prefix of its own.)
 * ==================================================================================== */

/* What a segment is. Masks are made from roles. */
/* clang-format off */
#define SGF_ROLE_LIST(X)                                                                          \
    X(SGF_ROLE_BOS, "bos")             /* a begin-of-sequence token in a segment of its own */    \
    X(SGF_ROLE_SHARED, "shared")       /* text of the prefix */                                   \
    X(SGF_ROLE_PARAPHRASE, "para")     /* one way to ask the question (or its whole prompt) */    \
    X(SGF_ROLE_MANUAL, "manual")       /* a paraphrase written by a person */                     \
    X(SGF_ROLE_AUTO, "auto")           /* a paraphrase made by a machine */                       \
    X(SGF_ROLE_SEPARATOR, "sep")       /* text between paraphrases or examples */                 \
    X(SGF_ROLE_EXAMPLE_Q, "example_q") /* one question paraphrase of a few-shot example */        \
    X(SGF_ROLE_EXAMPLE_A, "example_a") /* the answer of a few-shot example */                     \
    X(SGF_ROLE_ANSWER, "answer")       /* the fused part: the cue, all generated tokens */
/* clang-format on */
#define SGF__ROLE_ENUM(name, text) name,
typedef enum sgf_role { SGF_ROLE_LIST(SGF__ROLE_ENUM) SGF_ROLE_COUNT } sgf_role;
#undef SGF__ROLE_ENUM

/* The role's name as the command line spells it, "unknown" for another number; static storage. */
SGF_DEF const char *sgf_role_name(sgf_role role);

enum { SGF_MAX_SEGMENTS = 1024 };

typedef struct sgf_segment {
    sgf_role role;
    int32_t group;    /* which paraphrase (manual and automatic ones share one numbering) or which
                         example, from 0; questions and answer of one example have its number; a
                         separator has the group of the paraphrase it follows, or -1; BOS and
                         answer have -1, shared text any */
    float log_weight; /* the logarithm of the segment's weight; without a mixture, it is added when
                         an answer token scores a key of this segment; 0 is weight 1 */
    size_t tokens;    /* number of tokens */
} sgf_segment;

/* T tokens, each in one of S segments, and who may see whom:

       token q may attend to token k   iff   k <= q   and   visible(segment[q], segment[k])

   (A layer with a sliding window also needs pos[q] - pos[k] < window.) Every mask of this library is
   an S x S bit matrix in a layout; a T x T matrix is made only for inspection (sgf_mask_dense). The
   arrays belong to the layout and are valid until the next call that adds to it or frees it. Read them
   freely; you may set ids, positions, groups and log_weight. */
typedef struct sgf_layout {
    size_t tokens;  /* T */
    int32_t *token; /* [T] ids */
    int32_t *pos; /* [T] RoPE positions, not negative; the index until sgf_layout_place is called */
    int32_t *seg; /* [T] the segment of each token */
    size_t segments;      /* S */
    sgf_segment *segment; /* [S] */
    uint64_t *visible;    /* [S][SGF_MAX_SEGMENTS / 64] bits; use sgf_visible */
    int32_t answer;     /* the segment of generated tokens; its queries use the weights; -1: none */
    int32_t answer_pos; /* the position of the next generated token */
    int mixture; /* how an answer token attends. 0: by one softmax over all keys that it sees, with the
                    weights in the scores. 1: by the weighted mean of a softmax per paraphrase, each over
                    the keys of this paraphrase (its separator included) and those that belong to
                    none. Weights are divided by their sum over the paraphrases that it sees. The
                    group is the paraphrase's number, below SGF_MAX_SEGMENTS */
    size_t token_cap, segment_cap;
    sgf_allocator mem;
} sgf_layout;

/* An empty layout; `mem` NULL: malloc and free. */
SGF_DEF void sgf_layout_init(sgf_layout *layout, const sgf_allocator *mem);
/* Frees the layout's memory; it is then empty and can be used again. */
SGF_DEF void sgf_layout_free(sgf_layout *layout);
/* Removes all tokens and segments and keeps the memory. */
SGF_DEF void sgf_layout_clear(sgf_layout *layout);
/* A new segment, which sees nothing and is seen by nobody; its number goes to *segment (may be
   NULL). A segment with SGF_ROLE_ANSWER becomes the answer segment and replaces an earlier one.
   SGF_ERR_LIMIT above SGF_MAX_SEGMENTS. */
SGF_DEF sgf_status sgf_layout_segment(sgf_layout *layout, sgf_role role, int32_t group,
                                      int32_t *segment, sgf_error *err);
/* Append n tokens of `segment`. The segment may already have tokens elsewhere. Ids are not checked
   here: a session refuses unknown ones. */
SGF_DEF sgf_status sgf_layout_add(sgf_layout *layout, int32_t segment, const int32_t *ids, size_t n,
                                  sgf_error *err);
/* 1 if segment `query` may see segment `key`; 0 if not, or if one does not exist. */
SGF_DEF int sgf_visible(const sgf_layout *layout, int32_t query, int32_t key);
/* Set or clear it; nothing happens where there are no such segments. */
SGF_DEF void sgf_visible_set(sgf_layout *layout, int32_t query, int32_t key, int visible);

/* How RoPE positions are set. */
typedef enum sgf_positions {
    SGF_POSITIONS_SEQUENTIAL, /* position = index */
    SGF_POSITIONS_ALIGNED     /* every paraphrase starts at the first position after the prefix (its
                                 tokens must be consecutive); its separator follows it; the
                                 answer starts after the highest position used. For masks that
                                 hide paraphrases from each other */
} sgf_positions;
/* Set pos and answer_pos. Call it after the last token was added. */
SGF_DEF void sgf_layout_place(sgf_layout *layout, sgf_positions positions);

/* Give every paraphrase, and the separator that follows it, a weight w: log w is added to the
   scores that answer queries give to its keys; in a mixture, w weighs its softmax. weights[i], from
   1e-300 to 1e300, belongs to group i; there are n. NULL: each weight is 1/N; N is the number of
   paraphrase segments. A weight acts on each key, so a longer paraphrase still gets more of the softmax.
   SGF_ERR_ARG if one is out of range or missing; the layout is then unchanged. */
SGF_DEF sgf_status sgf_layout_weigh(sgf_layout *layout, const double *weights, size_t n,
                                    sgf_error *err);
/* Alone_i: paraphrase `group` alone in a fused prompt, to *out, already initialised. The tokens are the
   same, but the answer sees only the prefix, this paraphrase with its separator, and itself, without
   weights, and its positions follow those that it sees: all keys before it are the fused prompt's.
   SGF_ERR_ARG unless the layout has that paraphrase and ends with tokens of its answer segment. */
SGF_DEF sgf_status sgf_layout_alone(const sgf_layout *layout, int32_t group, sgf_layout *out,
                                    sgf_error *err);

/* Masks by name. Rows are queries, columns keys; # visible, . hidden; later keys are left out. One token
   each: ^ BOS, P prefix, a b c paraphrases (under `manual-cross` a and b are manual), | separators,
   > the answer; q r and A are questions and answer of one few-shot example, s t and B of another.

        causal           shared           shared-original  hub
        ^Pa|b|c>         ^Pa|b|c>         ^Pa|b|c>         ^Pa|b|c>
      ^ #              ^ #              ^ #              ^ #
      P ##             P ##             P ##             P ##
      a ###            a ###            a ###            a ###
      | ####           | ####           | ####           | ####
      b #####          b ##..#          b ##.##          b #####
      | ######         | ##..##         | ######         | ######
      c #######        c ##....#        c ##.#.##        c ####..#
      > ########       > ########       > ########       > ########

        isolated         manual-cross     few-shot            few-shot-original
        ^a|b|c>          ^a|b|c>          ^P|qrA|stB|a|b>     ^P|qrA|stB|a|b>
      ^ #              ^ #              ^ #                 ^ #
      a ##             a ##             P ##                P ##
      | ...            | .##            | ...               | ...
      b #..#           b ####           q ##.#              q ##.#
      | .....          | .....          r ##..#             r ##..#
      c #....#         c #....#         A ##.###            A ##.###
      > #######        > #######        | .......           | .......
                                        s ##.....#          s ##.##..#
                                        t ##......#         t ##.##...#
                                        B ##.....###        B ##.###.###
                                        | ...........       | ...........
                                        a ##.###.###.#      a ##.###.###.#
                                        | .............     | .............
                                        b ##.###.###...#    b ##.###.###...#
                                        > ###############   > ###############
   */
/* clang-format off */
#define SGF_MASK_LIST(X)                                                                          \
    X(SGF_MASK_CAUSAL, "causal")             /* everything sees everything before it */           \
    X(SGF_MASK_ISOLATED, "isolated")         /* a segment sees itself and BOS; separators see     \
                                                nothing and are seen by the answer alone; the     \
                                                answer sees all, as under every mask */           \
    X(SGF_MASK_MANUAL_CROSS, "manual-cross") /* isolated, but all segments from the first manual  \
                                                paraphrase to the last see each other, separators \
                                                between them included */                          \
    X(SGF_MASK_FEW_SHOT, "few-shot")         /* everything but separators sees BOS, the           \
                                                instruction and itself; an example's answer also  \
                                                that example's questions, a paraphrase also all   \
                                                examples; separators as in isolated */            \
    X(SGF_MASK_FEW_SHOT_ORIGINAL, "few-shot-original") /* few-shot, but an example's question     \
                                                also sees the questions of other examples, and    \
                                                its answer also their questions and answers */    \
    X(SGF_MASK_SHARED, "shared")             /* the prefix is causal; a paraphrase sees the       \
                                                prefix and itself; a separator is part of the     \
                                                paraphrase before it (with group -1: the prefix) */ \
    X(SGF_MASK_SHARED_ORIGINAL, "shared-original") /* shared, but separators are part of the      \
                                                prefix: it sees the paraphrases before it, and    \
                                                all later ones see it, so paraphrases leak */     \
    X(SGF_MASK_HUB, "hub")                   /* shared, and every paraphrase sees the first one */
/* clang-format on */
#define SGF__MASK_ENUM(name, text) name,
typedef enum sgf_mask { SGF_MASK_LIST(SGF__MASK_ENUM) SGF_MASK_COUNT } sgf_mask;
#undef SGF__MASK_ENUM

/* The mask's name as the command line spells it, "unknown" for another number; static storage. */
SGF_DEF const char *sgf_mask_name(sgf_mask mask);
/* Find a mask by its name. An unknown name is SGF_ERR_ARG with the list of names. */
SGF_DEF sgf_status sgf_mask_find(const char *name, sgf_mask *mask, sgf_error *err);
/* Set the visibility matrix from the segments' roles and groups. Call it after the last segment was
   made. An unknown mask number changes nothing. */
SGF_DEF void sgf_mask_set(sgf_layout *layout, sgf_mask mask);
/* out[T, T] of 0/1, row-major: row q, column k, causality included; T * T bytes. */
SGF_DEF void sgf_mask_dense(const sgf_layout *layout, uint8_t *out);

/* ---- audits: what a mask does, and whether it keeps its promise ---- */

/* A segment in words: "paraphrase 1", "separator 2", "question 2 of example 1", "shared prefix"; if
   others have the same words, its number follows: "shared prefix (segment 3)". To out,
   zero-terminated, cut at cap - 1 bytes; returns out. */
SGF_DEF char *sgf_segment_text(const sgf_layout *layout, int32_t segment, char *out, size_t cap);

/* Why may token q see token k, or why not? One sentence with both tokens, their segments,
   causality and the bit that decides, to out (zero-terminated, cut at cap - 1 bytes). A tokenizer adds
   the tokens' texts; it may be NULL. SGF_ERR_ARG if there is no such token. */
typedef struct sgf_tokenizer sgf_tokenizer;
SGF_DEF sgf_status sgf_mask_explain(const sgf_layout *layout, const sgf_tokenizer *tokenizer,
                                    size_t q, size_t k, char *out, size_t cap, sgf_error *err);

/* Compare a dense mask [T, T], row-major, nonzero is visible, with the layout's own. Returns the
   number of entries that differ; the first one, row by row, goes to *q and *k (may be NULL;
   untouched if none differs). */
SGF_DEF size_t sgf_mask_compare(const sgf_layout *layout, const uint8_t *dense, size_t *q,
                                size_t *k);

/* Does a mask keep the paraphrases apart? In each layer, information moves from a token to every token
   that sees it. So a mask that hides paraphrase 1 from paraphrase 2 still leaks if a separator sees
   the one and is seen by the other. Each mask promises that no paraphrase learns of another one. But

     causal             promises nothing
     manual-cross       lets manual paraphrases learn of each other
     hub                lets all learn of the first one
     few-shot           also promises that no example learns of another one, and that no question
                        learns of another question of its example
     few-shot-original  promises the second part of that
     shared-original    does not keep its promise

   Returns 1 if information of segment `from` may reach segment `to` under `promise`. Both are elements
   of one layout's segment array. */
SGF_DEF int sgf_mask_allows(sgf_mask promise, const sgf_segment *from, const sgf_segment *to);

enum { SGF_LEAK_PATH = 32 };

typedef struct sgf_leak {
    int32_t from, to;            /* segments */
    size_t hops;                 /* layers it takes; 1: `to` sees `from` itself */
    size_t tokens;               /* in path: hops + 1, at most SGF_LEAK_PATH */
    int32_t path[SGF_LEAK_PATH]; /* tokens, each seen by the next one, from a token of `from` to one
                                    of `to`; a long path leaves out its middle */
} sgf_leak;

/* Find each pair of segments between which information moves against `promise` in at most `layers`
   layers (0: any number), with a shortest path.
     dense   NULL: the layout's own mask. Otherwise this mask, [T, T], nonzero is visible, used as
             given: ones above the diagonal let information move backwards. The layout then only gives
             each token's segment.
     leaks   the first `cap` leaks, sorted by `from`, then `to`; *count is the total. NULL with cap 0:
             count only. */
SGF_DEF sgf_status sgf_mask_leaks(const sgf_layout *layout, const uint8_t *dense, sgf_mask promise,
                                  size_t layers, sgf_leak *leaks, size_t cap, size_t *count,
                                  sgf_error *err);
/* "paraphrase 1 -> separator 1 -> paraphrase 2 (tokens 5 -> 6 -> 7)" to out, zero-terminated, cut
   at cap - 1 bytes; returns out. */
SGF_DEF char *sgf_leak_text(const sgf_layout *layout, const sgf_leak *leak, char *out, size_t cap);

/* ====================================================================================
 * [SGF-03] Models: a Hugging Face folder, mapped
 *
 * Folders that transformers (4 or 5) writes for these architectures. Each is a row of settings in
 * [SGF-22]; no other code asks for a name.
 *
 *     LlamaForCausalLM    Llama 2 and 3, SmolLM2    Phi3ForCausalLM     Phi-3 (4k), Phi-4
 *     MistralForCausalLM  Mistral                   GraniteForCausalLM  Granite 3
 *     Qwen2ForCausalLM    Qwen2, Qwen2.5            SmolLM3ForCausalLM  SmolLM3
 *     Qwen3ForCausalLM    Qwen3                     Olmo2ForCausalLM    OLMo-2
 *                                                   Gemma3ForCausalLM   Gemma 3 (text)
 * ==================================================================================== */

typedef enum sgf_dtype { SGF_DTYPE_F32, SGF_DTYPE_F16, SGF_DTYPE_BF16 } sgf_dtype;

/* "F32", "F16", "BF16": safetensors' names. */
SGF_DEF const char *sgf_dtype_name(sgf_dtype dtype);

/* A weight matrix [rows, cols], row-major, or a vector (rows = 1), in the machine's byte order and
   aligned to its elements. `data` is NULL for a weight that the architecture does not have. */
typedef struct sgf_tensor {
    const void *data;
    size_t rows, cols;
    sgf_dtype dtype;
} sgf_tensor;

/* clang-format off */
typedef enum sgf_rope {
    SGF_ROPE_DEFAULT, SGF_ROPE_LINEAR, SGF_ROPE_DYNAMIC, SGF_ROPE_LLAMA3, SGF_ROPE_YARN
} sgf_rope;
/* clang-format on */

enum { SGF_MAX_LAYERS = 1024, SGF_MAX_EOS = 16 };
enum { SGF_NORM_BEFORE = 1, SGF_NORM_AFTER = 2 };

/* config.json, and the ids of generation_config.json. Every difference between architectures is a
   field here; there is one forward pass. A plain value: it owns nothing. */
typedef struct sgf_config {
    char architecture[32];  /* "LlamaForCausalLM", ... */
    int32_t vocab_size;     /* V; a token of the tokenizer with an id from V on cannot be run */
    int32_t dim;            /* D */
    int32_t layers;         /* L */
    int32_t heads;          /* H */
    int32_t kv_heads;       /* G; H is a multiple of G */
    int32_t head_dim;       /* C, even; H * C may differ from D */
    int32_t ffn_dim;        /* F */
    int32_t context;        /* the model was made for positions below it */
    int32_t sliding_window; /* of the layers in sliding_layers; 0 if there are none */
    uint32_t sliding_layers[SGF_MAX_LAYERS / 32]; /* bit set; read it with sgf_config_window */
    float rms_eps;
    int qkv_bias, out_bias, mlp_bias; /* biases on q/k/v, on o, in the feed-forward */
    int norms;              /* a block's RMSNorm: of its input (1), its output (2) or both (3) */
    int qk_norm;            /* RMSNorm of q and k before RoPE: 1: of every head, 2: of all as one */
    int norm_plus_one;      /* norm weights are stored without 1, which the loader adds */
    int fused;              /* q, k and v are stored as one matrix, gate and up as another */
    int gelu;               /* the feed-forward's gate: 0: SiLU, 1: GELU (by tanh) */
    int tied;               /* the output matrix is the embedding */
    double embedding_scale; /* a factor of embeddings, */
    double residual_scale;  /* of what a block adds, */
    double score_scale;     /* of q k^T; 1 / sqrt(C) if config.json has none */
    double logit_divisor;   /* the output's input is divided by it */
    uint32_t no_rope_layers[SGF_MAX_LAYERS / 32]; /* bit set; read it with sgf_config_rope */
    sgf_rope rope;
    double rope_theta;
    double rope_local_theta;               /* of layers with a window, unscaled; 0: rope_theta */
    double rope_factor;                    /* linear, dynamic, llama3, yarn */
    double rope_low, rope_high;            /* llama3: low_freq_factor, high_freq_factor */
    double rope_original_context;          /* llama3, yarn */
    double rope_beta_fast, rope_beta_slow; /* yarn */
    double rope_attention_factor;          /* yarn; 0: the standard formula */
    double rope_mscale, rope_mscale_all;   /* yarn; 0: absent */
    int rope_truncate;                     /* yarn: round the ends of the blended range outwards */
    int32_t bos;                           /* -1: none */
    int32_t eos[SGF_MAX_EOS];              /* any of them ends an answer */
    int32_t eos_count;
    sgf_dtype dtype; /* of the weights, as config.json says; F32 if it does not say */
} sgf_config;

/* Read config.json and, if there is one, generation_config.json from folder `dir`. `err` names the
   setting that is missing, contradictory or unsupported. */
SGF_DEF sgf_status sgf_config_load(const char *dir, const sgf_allocator *mem, sgf_config *out,
                                   sgf_error *err);
/* The sliding window of layer `layer`: query q sees only keys k with pos[q] - pos[k] < window; 0: none. */
SGF_DEF int32_t sgf_config_window(const sgf_config *config, int32_t layer);
/* The RoPE of layer `layer`: -1: none, 0: the model's, 1: that of rope_local_theta. */
SGF_DEF int32_t sgf_config_rope(const sgf_config *config, int32_t layer);
/* Number of weights of such a model; tied ones count once. */
SGF_DEF uint64_t sgf_config_parameters(const sgf_config *config);
/* Bytes that one token takes in a KV cache: 2 * L * G * C f32; half as many in SGF_ARITHMETIC_BF16. */
SGF_DEF uint64_t sgf_config_kv_bytes(const sgf_config *config);

typedef struct sgf_layer {
    sgf_tensor attn_norm, attn_post_norm;     /* [D] or absent: of attention's input, output */
    sgf_tensor q, k, v;                       /* [H*C, D], [G*C, D], [G*C, D] */
    sgf_tensor q_bias, k_bias, v_bias;        /* [H*C], [G*C], [G*C] or absent */
    sgf_tensor q_norm, k_norm;                /* [C], or [H*C] and [G*C], or absent */
    sgf_tensor o, o_bias;                     /* [D, H*C], [D] or absent */
    sgf_tensor ffn_norm, ffn_post_norm;       /* [D] or absent */
    sgf_tensor gate, up, down;                /* [F, D], [F, D], [D, F] */
    sgf_tensor gate_bias, up_bias, down_bias; /* [F], [F], [D] or absent */
} sgf_layer;

/* Immutable; sessions and threads may share it. All pointers in it are valid until sgf_model_free. */
typedef struct sgf_model {
    sgf_config config;
    sgf_tensor embedding;     /* [V, D] */
    sgf_tensor norm;          /* [D] */
    sgf_tensor output;        /* [V, D]; the embedding itself when tied */
    sgf_layer *layer;         /* [L] */
    sgf_tokenizer *tokenizer; /* NULL if the folder has no tokenizer.json */
    char identity[17];        /* hex digest of settings, tokenizer and a sample of the weights */
    void *storage;            /* mappings and memory; private */
} sgf_model;

/* Load config.json, generation_config.json (optional), model.safetensors or the shards of
   model.safetensors.index.json, and tokenizer.json (optional) from folder `dir`. Weights are
   mapped, not copied: the files must not change before sgf_model_free. `err` names file and tensor
   of what is missing, cut, contradictory or unknown. Free *out with sgf_model_free, after every
   session made from it. */
SGF_DEF sgf_status sgf_model_load(const char *dir, const sgf_allocator *mem, sgf_model **out,
                                  sgf_error *err);
SGF_DEF void sgf_model_free(sgf_model *model); /* NULL is allowed */

/* ====================================================================================
 * [SGF-04] Sessions: the forward pass and its KV cache
 * ==================================================================================== */

/* Which kernels to use. Every choice gives the same bits. */
/* clang-format off */
#define SGF_KERNELS_LIST(X)                                                          \
    X(SGF_KERNELS_AUTO, "auto")         /* the fastest this processor has */         \
    X(SGF_KERNELS_REFERENCE, "naive")   /* sgf_reference_forward; slow */            \
    X(SGF_KERNELS_PORTABLE, "portable") /* plain C */                                \
    X(SGF_KERNELS_AVX2, "avx2")                                                      \
    X(SGF_KERNELS_AVX512, "avx512")                                                  \
    X(SGF_KERNELS_AMX, "amx") /* avx512, and in bf16 products by the tile unit */
/* clang-format on */
#define SGF__KERNELS_ENUM(name, text) name,
typedef enum sgf_kernels { SGF_KERNELS_LIST(SGF__KERNELS_ENUM) SGF_KERNELS_COUNT } sgf_kernels;
#undef SGF__KERNELS_ENUM

/* The arithmetic of products and attention, defined by sgf__sum in [SGF-11]. In each, any kernel, thread
   count, batch and machine gives the same bits. In BF16, products read weights and activations rounded
   to bf16 and sum in the order of tile units (AMX), and the KV cache is bf16: half the memory. Norms,
   RoPE, softmax and all results, also of products, are f32 in both. A session for BF16 keeps a rounded
   copy of weights that are stored as f32 or f16. */
typedef enum sgf_arithmetic { SGF_ARITHMETIC_F32, SGF_ARITHMETIC_BF16 } sgf_arithmetic;

/* The device that computes. A GPU needs segfuse.cu, compiled by nvcc, and this header's implementation
   compiled with SGF_CUDA; without them SGF_DEVICE_CUDA is SGF_ERR_UNSUPPORTED. */
/* clang-format off */
#define SGF_DEVICE_LIST(X)                                                              \
    X(SGF_DEVICE_CPU, "cpu")                                                            \
    X(SGF_DEVICE_CUDA, "cuda") /* the first NVIDIA GPU */                               \
    X(SGF_DEVICE_AUTO, "auto") /* a GPU where this program can use one, else the CPU */
/* clang-format on */
#define SGF__DEVICE_ENUM(name, text) name,
typedef enum sgf_device { SGF_DEVICE_LIST(SGF__DEVICE_ENUM) SGF_DEVICE_COUNT } sgf_device;
#undef SGF__DEVICE_ENUM

/* All zero is the default of every field. */
typedef struct sgf_session_options {
    int threads;               /* 0: one per processor; at most 256 are made */
    sgf_kernels kernels;       /* SGF_KERNELS_AUTO */
    sgf_device device;         /* SGF_DEVICE_CPU */
    sgf_arithmetic arithmetic; /* SGF_ARITHMETIC_F32 */
    int exact; /* 1: a GPU computes the CPU's bits, in f32; 0: it computes fast, in f16 with
                            f32 sums (a model of f32 weights in f32). No effect on a CPU */
    int no_prefix_reuse; /* 1: sgf_generate encodes everything again (same bits, more work) */
    int reuse_rotated;   /* 1: if isolated paraphrases begin with the same tokens (the prompts of
                            flex_attention), sgf_generate encodes these once and rotates the keys to the
                            other positions; results then agree up to rounding only. 0: they are
                            reused only at the same positions, which is exact. */
    const sgf_allocator *mem; /* NULL: malloc and free */
} sgf_session_options;

/* All that changes while a model runs. A model can have many sessions; give each thread its own. */
typedef struct sgf_session sgf_session;

/* A session for `model`, which must outlive it; `options` NULL: the defaults. SGF_ERR_UNSUPPORTED:
   kernels that this processor lacks; arithmetic that is not IEEE 754; BF16 on a GPU; in BF16, a weight
   that rounds to infinity (the message names its tensor). */
SGF_DEF sgf_status sgf_session_create(const sgf_model *model, const sgf_session_options *options,
                                      sgf_session **out, sgf_error *err);
SGF_DEF void sgf_session_free(sgf_session *session); /* NULL is allowed */
/* The device that computes: SGF_DEVICE_CPU or SGF_DEVICE_CUDA. *exact (NULL allowed) becomes 1 if the
   results are, bit for bit, those that this library defines (reuse_rotated aside). */
SGF_DEF sgf_device sgf_session_device(const sgf_session *session, int *exact);
/* A device in words (a GPU: name, memory, compute capability), zero-terminated, cut at cap - 1 bytes.
   SGF_ERR_UNSUPPORTED, with the reason, if this program cannot use it here. */
SGF_DEF sgf_status sgf_device_describe(sgf_device device, char *out, size_t cap, sgf_error *err);

/* A sequence is a list of cached tokens that grows at its end. `rule` is a layout: its segments
   with their weights, its matrix, answer and mixture are copied; its tokens are ignored. `parent` is -1
   or a sequence whose tokens come first and keep their segment numbers (a shared prefix, encoded once).
   A parent must not grow or close while it has children. It may itself have a parent: a chain has at
   most SGF_MAX_DEPTH sequences. *sequence becomes the number of the new one. */
enum { SGF_MAX_DEPTH = 8 };
SGF_DEF sgf_status sgf_sequence_open(sgf_session *session, const sgf_layout *rule, int32_t parent,
                                     int32_t *sequence, sgf_error *err);
SGF_DEF void sgf_sequence_close(sgf_session *session, int32_t sequence);

/* One token to compute. The rows of one sequence must be in order; those of different ones may alternate. */
typedef struct sgf_row {
    int32_t token, pos, seg; /* id, RoPE position, segment */
    int32_t sequence;
    int32_t want; /* 1: logits of this row are wanted */
} sgf_row;

/* The forward pass: append n rows to their sequences and compute them. A row sees itself and the
   earlier tokens of its sequence and its parents, as far as its segment may see theirs. Which other rows
   are in the call does not change its bits.
     logits  [number of rows that want them, V], in row order; NULL if there are none
     hidden  [n, D], the last hidden states after the final norm; NULL if not wanted
   SGF_ERR_LIMIT if a position is not below the model's context; SGF_ERR_ARG for a negative one, an id,
   segment or sequence that does not exist. On failure no sequence changes, and outputs are undefined. */
SGF_DEF sgf_status sgf_forward(sgf_session *session, const sgf_row *rows, size_t n, float *logits,
                               float *hidden, sgf_error *err);

/* Encode a whole layout as a new sequence: logits [T, V] or NULL, hidden [T, D] or NULL. *sequence
   can be continued with sgf_forward; with NULL it is closed again. A row that sees nothing gets 0 from
   attention; if no mask was set, no row sees anything. */
SGF_DEF sgf_status sgf_forward_layout(sgf_session *session, const sgf_layout *layout, float *logits,
                                      float *hidden, int32_t *sequence, sgf_error *err);

/* The same by the reference, in either arithmetic: the whole transformer in plain loops, without a
   session. It defines what every other way computes, bit for bit. It is slow. hidden [T, D], logits [T,
   V]; each may be NULL. Scratch memory is taken from the layout's allocator. SGF_ERR_LIMIT if a
   position is not below the model's context; SGF_ERR_ARG for an id, position, segment or arithmetic
   that does not exist; SGF_ERR_UNSUPPORTED for a weight that rounds to infinity in BF16. */
SGF_DEF sgf_status sgf_reference_forward(const sgf_model *model, sgf_arithmetic arithmetic,
                                         const sgf_layout *layout, float *hidden, float *logits,
                                         sgf_error *err);

/* Where attention goes. While a function is set, sgf_forward calls it for every row that wants
   logits, layer by layer: `row` is the number of the row's logits in this call, mass[segments] the
   share of the row's softmax that fell on the keys of each segment, averaged over the heads. The
   masses sum to 1; they are all 0 for a row that sees nothing. They are computed in addition to
   the forward pass, by the reference's loops, and change no result. `mass` is valid during the call.
   In sgf_generate, `row` counts the active contexts of a pass in the order of the tasks. To know whose
   row it is, generate one task with one context, or compute prompt and answer by sgf_forward. */
typedef void sgf_watch_function(void *user, size_t row, int32_t layer, const double *mass,
                                size_t segments);
/* `see` NULL ends it. On a GPU, sgf_forward fails with SGF_ERR_UNSUPPORTED while a function is set. */
SGF_DEF void sgf_session_watch(sgf_session *session, sgf_watch_function *see, void *user);

/* ====================================================================================
 * [SGF-05] Prompts and methods
 * ==================================================================================== */

/* A few-shot example. */
typedef struct sgf_example {
    sgf_str question, answer;
    const sgf_str *paraphrase; /* [paraphrases] the question in several ways, for
                                  SGF_FORMAT_FEW_SHOT_PARTS; other formats use `question` */
    size_t paraphrases;        /* 0: `question` is the only one */
} sgf_example;

/* One question and its context. The library does not copy it; keep it unchanged during the call. */
typedef struct sgf_prompt {
    sgf_str instruction;        /* the first text of the prompt */
    const sgf_example *example; /* [examples]; NULL if there are none */
    size_t examples;
    const sgf_str *paraphrase; /* [paraphrases]; paraphrase 0 is the original question */
    size_t paraphrases;
    const unsigned char *manual; /* [paraphrases] 1: written by a person (SGF_ROLE_MANUAL), 0: made
                                    by a machine (SGF_ROLE_AUTO), for the mask manual-cross; NULL:
                                    not known (SGF_ROLE_PARAPHRASE) */
    /* [paraphrases]. In a fusion: the weight of each, above 0. In an ensemble: input of the weighted
       rules, 0 or more. NULL: the method decides */
    const double *weight;
    const char *before, *after; /* zero-terminated, NULL: none. Of a chat format: the text before
                                   the user's (with examples that are turns), and that between the
                                   user's and the assistant's */
} sgf_prompt;

/* How a prompt is written. It has parts, joined by + or |; each part is tokenised by itself, and the
   ids are joined. The prefix is everything before the paraphrases. | is the separator, which is a part,
   too. Its text is the method's; if that is NULL, the default named here.

     STANDARD        {instruction}\n\nQ: q1\nA: a1\n\n...Q: q5\nA: a5\n\n  +  Q: {paraphrase}\nA:
     CONCATENATED    N standard prompts joined by |, which is \n\n[SEP]\n\n
     SHARED_PARTS    {instruction}\n\nQ: q1 A: a1\n...Q: q5 A: a5\n  |  parts Q: {paraphrase} A: joined
                     by |, by default \n. If the method's is NULL or "", the first | is no part: after
                     examples, a \n ends the prefix
     SHARED_CUE      the same with parts Q: {paraphrase}  +  the answer cue " A:"
     FEW_SHOT_PARTS  {instruction}  |  for each example parts Q: {its paraphrase} and A: {its answer}  |
                     parts Q: {paraphrase}  |  the answer cue A:, all joined by |, which is \n\n
   {instruction} begins with `before`; after `before` alone no \n\n follows. `after` is the cue at the
   end, and then no paraphrase has an A: of its own. In CONCATENATED, each of the N prompts has both. */
typedef enum sgf_format {
    SGF_FORMAT_STANDARD,
    SGF_FORMAT_CONCATENATED,
    SGF_FORMAT_SHARED_PARTS,
    SGF_FORMAT_SHARED_CUE,
    SGF_FORMAT_FEW_SHOT_PARTS
} sgf_format;

/* The lines of a question and its answer. With OWN they are as the format's row above has them: two
   lines in STANDARD and CONCATENATED, one in SHARED_*. With ONE or TWO every format has the same text
   in the same parts, so methods can be compared in equal prompts: one paraphrase has the same tokens
   in every method, fused or not. The separator is then only
   between paraphrases; FEW_SHOT_PARTS, whose examples are paraphrased, is SGF_ERR_ARG.

            prefix (the last \n of ONE only after examples)                  paraphrase      cue
     ONE    {instruction}\n\nQ: q1 A: a1\n...Q: q5 A: a5\n\n            +  Q: {paraphrase}  +   " A:"
     TWO    {instruction}\n\nQ: q1\nA: a1\n\n...Q: q5\nA: a5\n\n        +  Q: {paraphrase}  +  "\nA:"

   In SHARED_CUE the cue follows the last paraphrase, else each one.
   SHARED_CUE with the default separator is ONE already. */
typedef enum sgf_lines { SGF_LINES_OWN, SGF_LINES_ONE, SGF_LINES_TWO } sgf_lines;

/* How many contexts a question has. */
typedef enum sgf_contexts {
    SGF_CONTEXTS_SINGLE,  /* one, of one paraphrase */
    SGF_CONTEXTS_FUSION,  /* one, of all paraphrases */
    SGF_CONTEXTS_ENSEMBLE /* one for each paraphrase; their logits are combined */
} sgf_contexts;

/* Which token is the first to see everything: the first token of the answer segment.

   FIRST_ANSWER  the token that predicts the first answer token sees everything. A cue at the end is
                 the answer segment: from the first token of " A:" on in SHARED_CUE, of `after` in a
                 chat format, of the separator before A: in FEW_SHOT_PARTS. In the other formats it
                 begins with the last prompt token, the last one of "A:".
   AFTER_FIRST   only generated tokens see everything (as in the scripts of self-ensemble). A cue
                 belongs to the last paraphrase. So the first answer token depends only on the last
                 paraphrase and on what it sees. */
typedef enum sgf_fusion_start {
    SGF_FUSION_START_FIRST_ANSWER,
    SGF_FUSION_START_AFTER_FIRST
} sgf_fusion_start;

/* The begin-of-sequence token. FIRST: once, before the prompt, in a segment of its own. EACH: before
   the prefix and before each prompt or paraphrase, in its segment (in STANDARD the same as FIRST).
   AUTO: FIRST if the tokenizer's own prompts start with one, else NONE. */
typedef enum sgf_bos_rule { SGF_BOS_AUTO, SGF_BOS_FIRST, SGF_BOS_EACH, SGF_BOS_NONE } sgf_bos_rule;

/* How the logits of several contexts become one next token. With one context, its logits are
   used unchanged. Ties go to the lowest id. Weights are normalised over the contexts; if all are 0, they
   count as equal. */
typedef enum sgf_combine {
    SGF_COMBINE_AVG,          /* the mean of raw logits: summed in order, then divided */
    SGF_COMBINE_MAX,          /* the elementwise maximum of the softmax probabilities */
    SGF_COMBINE_WEIGHTED_AVG, /* the weighted sum of raw logits */
    SGF_COMBINE_WEIGHTED_MAX, /* the logits of the context with the highest weight, the first on ties */
    SGF_COMBINE_AVG_P,        /* the mean of the softmax probabilities */
    SGF_COMBINE_ENTROPY_AVG, /* the sum of raw logits, weighted in each step by exp(-H / tau); H is
                                 the entropy of the context's softmax (natural logarithm) */
    SGF_COMBINE_HIDDEN /* AVG, and before it, after each layer from sgf_decoding.from_layer on, the
                          newest token's states of all contexts become their mean */
} sgf_combine;

/* What a method does beyond one greedy pass over its contexts; all zero: nothing. D_i is the doubt of
   paraphrase i, by the first token of Alone_i (sgf_layout_alone; it costs the rows of a cue): its entropy,
   or minus the logarithm of its agreement, the mean over all Alone_j, i too, of the probability of i's best
   token (sgf__doubts). The fields of a fusion need a format with a cue at the end and FIRST_ANSWER. */
typedef struct sgf_decoding {
    double trust_mass; /* a fusion: T, above 0: its paraphrases' weights become exp(-D_i / T) by
                          their sum, for the whole answer, in place of others */
    int agreement;     /* D_i is 0: the entropy, 1: minus the logarithm of the agreement */
    size_t select;     /* a fusion: K, above 0: the answer sees only the K paraphrases of the lowest
                      D_i (the first on ties), weights as above or 1/K each; positions stay */
    double alone; /* a fusion: A, above 0, at most 1: the logits become (1 - A) times the fused ones
                     + A times the mean of those of all Alone_i, in every step */
    double tau;   /* of SGF_COMBINE_ENTROPY_AVG; 0: 1 */
    size_t beams; /* B above 1: beam search, as transformers' generate(num_beams=B); the answer has
                      the highest sum of log p / length^length_penalty; on_step is not called */
    double length_penalty;
    int32_t from_layer; /* of SGF_COMBINE_HIDDEN: 0 to L; L is AVG: there is no layer L */
} sgf_decoding;

/* Which part of the generated text is the prediction. */
typedef enum sgf_prediction {
    SGF_PREDICTION_FIRST_LINE, /* the first line, without white space around it */
    SGF_PREDICTION_FIRST_WORD  /* the first word of that line */
} sgf_prediction;
/* That part of a generation's text; empty if there is nothing but white space. */
SGF_DEF sgf_str sgf_prediction_take(sgf_prediction prediction, sgf_str generation);

/* A method combines the options above. Take a known one with sgf_method_find and change what you like. */
typedef struct sgf_method {
    const char *name;
    const char *about; /* what it does, in a line */
    sgf_contexts contexts;
    sgf_format format;
    sgf_lines lines;
    const char *separator; /* zero-terminated, borrowed; NULL: the format's; "": none */
    sgf_mask mask;
    sgf_positions positions;
    sgf_fusion_start fusion_start;
    sgf_bos_rule bos;
    sgf_combine combine;
    sgf_prediction prediction;
    int even_weights; /* in a fusion: 1: each of N paraphrases has the weight 1/N; 0: 1. The answer
                         tokens, also those of the cue, add log 1/N to their scores for the keys of
                         a paraphrase and of the separator after it (sgf_layout_weigh); the keys of
                         prefix and answer keep weight 1. */
    int mixture;      /* in a fusion: sgf_layout.mixture */
    sgf_decoding decoding;
} sgf_method;

/* The known methods:

     origin             the original question alone
     per_prompt         like origin, once per paraphrase
     avg, max           one context per paraphrase: mean of logits, maximum of probabilities
     weighted_avg,      the same with sgf_prompt.weight: weighted sum of logits, logits of the
     weighted_max       highest weight
     avg_p,             the same with the mean of probabilities, and with the sum of logits weighted
     entropy_avg        by how sure each context is in each step
     hidden             the same with the mean of hidden states from a layer on
     flex_attention     N full prompts, isolated
     myriadlama_flex    the same with the separator \n\n; SGF_MASK_MANUAL_CROSS lets the manual ones
                        see each other
     myriadlama         few-shot examples and question in N paraphrases each, mask few-shot
     myriadlama_custom  one prefix, N parts that end with "A:", mask shared
     fused              one prefix, N parts, one cue, mask shared, aligned, weights 1/N
     fused_agreement    the same without separators, weights by agreement (T 0.25): recommended

   An unknown name is SGF_ERR_ARG with the list of names. */
SGF_DEF sgf_status sgf_method_find(const char *name, sgf_method *method, sgf_error *err);
/* The i-th name, NULL after the last; static storage. */
SGF_DEF const char *sgf_method_name(size_t i);
/* The text that separates the parts of this method's prompts: its own, or the format's ("" for
   SGF_FORMAT_STANDARD, which has none). */
SGF_DEF const char *sgf_method_separator(const sgf_method *method);

/* Build the layout of one context: of all paraphrases (SGF_CONTEXTS_FUSION; `which` is ignored), or of
   paraphrase `which` alone. The layout is cleared first. It then has an answer segment, and
   positions, mask and weights as the method says. On failure its content is undefined. */
SGF_DEF sgf_status sgf_prompt_layout(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                                     const sgf_method *method, size_t which, sgf_layout *layout,
                                     sgf_error *err);

/* ====================================================================================
 * [SGF-06] Generation
 * ==================================================================================== */

/* Answers one question by a known method. Builds the contexts, generates at most max_new_tokens (0: 10),
   decodes them and writes the prediction to out[cap], zero-terminated, cut at cap - 1 bytes. For anything
   else build the layouts yourself, with sgf_prompt_layout, and call sgf_generate. */
SGF_DEF sgf_status sgf_ask(sgf_session *session, const char *method, const sgf_prompt *prompt,
                           size_t max_new_tokens, char *out, size_t cap, sgf_error *err);

/* One question for sgf_generate. Set the fields above the empty line and zero the others. What it
   points to must stay unchanged.

   Consecutive tasks with the same `context` pointer, such as the samples of one prompt, share the
   prompt: it is computed once, and each task continues it with a cache of its own. */
typedef struct sgf_task {
    const sgf_layout *context; /* [contexts], each with an answer segment */
    size_t contexts;
    sgf_combine combine;
    const double *weight;   /* [contexts] for the weighted rules, 0 or more each, else NULL */
    const int32_t *segment; /* [max_new_tokens] the segments of the generated tokens, the same in
                               all contexts; NULL: they belong to the answer segment */
    int32_t *ids;           /* room for max_new_tokens ids; they are written here */
    size_t max_new_tokens;  /* 0: none are generated */
    sgf_decoding decoding;  /* the method's */
    double *trust; /* room for the doubts, then the weights of all paraphrases or contexts, [2][N],
                      of the first token; NULL, or no doubt in use: not written */

    size_t count;          /* ids written, the one that ended the answer included */
    size_t prefill_tokens; /* prompt tokens computed for this task; reused ones are not counted */
    size_t decode_tokens;  /* generated tokens fed back, over all contexts */
} sgf_task;

/* Called with each next token. logits [V] are the combined ones (for SGF_COMBINE_MAX over several
   contexts: probabilities), valid during the call. *chosen is the id of the highest; the function may
   replace it by any id of the vocabulary, to sample for example. It returns 0 to go on, or
   SGF_END_TASK to end this task with *chosen as its last id; the other tasks go on, and their ids are
   the same. Any other value, or an invalid *chosen, stops the generation with SGF_ERR_ARG. */
enum { SGF_END_TASK = 2 };
typedef int sgf_step_function(void *user, size_t task, size_t step, const float *logits,
                              int32_t *chosen);

/* Decode n questions at once. Each step is one forward pass for all of them. A question ends at an
   end-of-sequence id of the model, at a newline that follows something else than white space, or at
   its limit. The ids do not depend on which questions are together, on threads, or on exact reuse.
   `on_step` may be NULL; `task` is the number of the task, `step` that of its token, both from 0. On
   failure the tasks' outputs are undefined, and the session can be used again. */
SGF_DEF sgf_status sgf_generate(sgf_session *session, sgf_task *tasks, size_t n,
                                sgf_step_function *on_step, void *user, sgf_error *err);

/* The same for questions that arrive one by one: at most `most` tasks run at the same time; when one ends,
   the next one takes its place in the following forward pass. */
typedef struct sgf_stream {
    /* Store the next task in *task, or leave it NULL to end the stream; then `next` is not called
       again. The library fetches one task in advance. A task, and what it points to, must stay
       unchanged until `done` gets it (its context: until all tasks that share it are done). */
    sgf_status (*next)(void *user, sgf_task **task, sgf_error *err);
    /* The task has its answer; you own it again. NULL: not called. `next` and `done` may fill *err
       (never NULL here) when they fail; any status but SGF_OK ends the stream and is returned. */
    sgf_status (*done)(void *user, sgf_task *task, sgf_error *err);
    sgf_step_function *on_step; /* its `task` counts arrivals from 0; NULL: not called */
    void *user;                 /* for all three */
    size_t most;                /* tasks in flight; 0: no limit */
} sgf_stream;
/* Decode all questions of a stream, each with the answer that sgf_generate gives. On failure the outputs
   of the tasks in flight are undefined, and the session can be used again. */
SGF_DEF sgf_status sgf_generate_stream(sgf_session *session, const sgf_stream *stream,
                                       sgf_error *err);

/* ====================================================================================
 * [SGF-07] Tokenizer: text to ids and back, as Hugging Face does it
 *
 * What tokenizer.json describes: byte-level BPE (as in GPT-2, Llama 3, Qwen, Mistral, DeepSeek), BPE
 * with byte fallback (as in Llama 2, TinyLlama, Phi-3), and the regular expressions of their
 * pre-tokenizers. An unknown component is an error that names it; it is never ignored.
 *
 *     sgf_tokenizer *t;
 *     int32_t ids[64];
 *     size_t n;
 *     if (sgf_tokenizer_load("Llama-3.2-1B", NULL, &t, &err)) ...
 *     if (sgf_encode(t, text, 1, ids, 64, &n, &err)) ...
 * ==================================================================================== */

/* Read `dir`/tokenizer.json and, if there is one, `dir`/tokenizer_config.json (the names of the BOS
   and EOS tokens). Truncation and padding in tokenizer.json are ignored, as in transformers by
   default. mem may be NULL; encoding and decoding take scratch memory from it, too.
   Free *out with sgf_tokenizer_free. */
SGF_DEF sgf_status sgf_tokenizer_load(const char *dir, const sgf_allocator *mem,
                                      sgf_tokenizer **out, sgf_error *err);
SGF_DEF void sgf_tokenizer_free(sgf_tokenizer *tokenizer); /* NULL is allowed */

/* text -> ids. special != 0 adds what the tokenizer puts around a text (BOS, EOS), as
   encode(add_special_tokens=True) does. Special tokens written out in the text ("<|im_end|>")
   always become their ids; check untrusted texts first.
   At most `cap` ids are written and *count is their number; a text that needs more is SGF_ERR_LIMIT.
   With ids NULL (and any cap) only *count is set. sgf_encode_bound(text.len) ids are always enough:
   a byte gives at most one id, normal form C may lengthen a text 3 times, U+2581 for each space and
   before each piece 6 times, and 64 ids are reserved for special tokens; a normaliser that needs more
   is SGF_ERR_LIMIT. A text that is not UTF-8 is SGF_ERR_FORMAT and names the byte; one of more than
   1 GiB is SGF_ERR_LIMIT. Time is O(n log n). */
SGF_DEF sgf_status sgf_encode(const sgf_tokenizer *tokenizer, sgf_str text, int special,
                              int32_t *ids, size_t cap, size_t *count, sgf_error *err);
SGF_DEF size_t sgf_encode_bound(size_t text_len);

enum { SGF_DECODE_SKIP_SPECIAL = 1 /* leave special tokens out */ };

/* ids -> UTF-8 text of *len bytes, not zero-terminated; bytes that are not UTF-8 become U+FFFD,
   exactly as in Hugging Face. A text longer than `cap` is SGF_ERR_LIMIT, and nothing
   is written; with out NULL only *len is set. An unused id (a padded row of the output
   matrix) gives no text; a negative one is SGF_ERR_ARG. flags: a sum of SGF_DECODE_*. */
SGF_DEF sgf_status sgf_decode(const sgf_tokenizer *tokenizer, const int32_t *ids, size_t count,
                              int flags, char *out, size_t cap, size_t *len, sgf_error *err);

/* The id of a token as tokenizer.json spells it ("\u0120the", "<|im_end|>", in UTF-8);
   -1 if there is none. */
SGF_DEF int32_t sgf_token_id(const sgf_tokenizer *tokenizer, sgf_str token);
/* The bytes of token `id`, which may be part of a character; length 0 if there is no such token.
   Valid as long as the tokenizer. */
SGF_DEF sgf_str sgf_token_text(const sgf_tokenizer *tokenizer, int32_t id);

/* A description of a tokenizer. Strings live as long as the tokenizer. */
typedef struct sgf_tokenizer_info {
    const char *kind;          /* "byte-level BPE", "byte-fallback BPE", "BPE" */
    const char *normalizer;    /* "none", "NFC", "Prepend + Replace", ... */
    const char *pre_tokenizer; /* "none", "Split + ByteLevel", ... */
    size_t size;               /* the highest id + 1; a model's matrices may have more rows */
    size_t tokens;             /* of the vocabulary, without added tokens */
    size_t merges;
    size_t added;      /* see sgf_tokenizer_added */
    int32_t bos, eos;  /* -1: none */
    int ignore_merges; /* a word that is a token is kept whole */
    int clean_up;      /* tokenizer_config.json: clean_up_tokenization_spaces, left to the caller */
    int adds_bos;      /* sgf_encode with special != 0 puts BOS first */
    int adds_eos;      /* ... puts EOS last */
    int config_add_bos; /* tokenizer_config.json: add_bos_token; -1 if it does not say */
} sgf_tokenizer_info;

/* What the files say, into *out; its texts are valid as long as the tokenizer. */
SGF_DEF void sgf_tokenizer_describe(const sgf_tokenizer *tokenizer, sgf_tokenizer_info *out);
/* Added token number `index` < info.added, in the order of the file. special: left out by
   SGF_DECODE_SKIP_SPECIAL. Returns its id, or -1 if there is no such index; text and special may be
   NULL. */
SGF_DEF int32_t sgf_tokenizer_added(const sgf_tokenizer *tokenizer, size_t index, sgf_str *text,
                                    int *special);

/* ====================================================================================
 * [SGF-08] Tables: results become Feather (Arrow IPC) and CSV files
 * ==================================================================================== */

/* A table is borrowed: its columns point to arrays of the caller, which are only read during the
   call. Two questions with their answers and scores:

       const sgf_str question[2] = {{"Largest planet?", 15}, {"7 + 5?", 6}};
       const sgf_str answer[3] = {{"Jupiter", 7}, {"12", 2}, {"twelve", 6}};
       const int64_t ends[2] = {1, 3};
       const double score[2] = {1, 0.5};
       const sgf_column columns[3] = {
           {.name = "question", .type = SGF_COLUMN_UTF8, .text = question},
           {.name = "answers", .type = SGF_COLUMN_LIST_UTF8, .text = answer, .ends = ends},
           {.name = "score", .type = SGF_COLUMN_F64, .f64 = score}};
       const sgf_table table = {.columns = columns, .n_columns = 3, .rows = 2};
       status = sgf_table_write_feather(&table, "scores.feather", NULL, &err); */
typedef enum sgf_column_type {
    SGF_COLUMN_UTF8,           /* texts */
    SGF_COLUMN_LIST_UTF8,      /* lists of texts: answers, prompts */
    SGF_COLUMN_LIST_LIST_UTF8, /* lists of lists of texts: lemmas of answers */
    SGF_COLUMN_F64,
    SGF_COLUMN_I64,
    SGF_COLUMN_BOOL,
    SGF_COLUMN_TYPE_COUNT
} sgf_column_type;

enum { SGF_CELL_NULL = 2 }; /* in `flags`: no value, None in Python */

/* A column has the arrays that its type needs. List i holds the items from the end of list i - 1
   (0 for the first) to its own end, which is not smaller. A null list is stored as ~end. */
typedef struct sgf_column {
    const char *name; /* UTF-8 */
    sgf_column_type type;
    const sgf_str *text;  /* texts: [rows]; else those of all lists. ptr NULL: a null text */
    const int64_t *ends;  /* lists: [rows], in `text`; lists of lists: [rows], in `inner` */
    const int64_t *inner; /* lists of lists: the ends of all inner lists, in `text` */
    const double *f64;    /* [rows] */
    const int64_t *i64;   /* [rows] */
    const uint8_t *flags; /* bool: [rows], 0, 1 or SGF_CELL_NULL; numbers: [rows], SGF_CELL_NULL for
                             a null one, or NULL if there are none */
} sgf_column;

typedef struct sgf_metadata { /* in the schema of a Feather file */
    const char *key;          /* not "pandas", which the writer adds itself */
    sgf_str value;
} sgf_metadata;

typedef struct sgf_table {
    const sgf_column *columns; /* [n_columns] */
    size_t n_columns, rows;
    const sgf_metadata *metadata; /* [n_metadata] */
    size_t n_metadata;
} sgf_table;

/* Write the whole table. The file appears complete under its name or not at all. Bytes of cells and
   metadata that are not UTF-8 become U+FFFD. `mem` may be NULL.

   feather  Arrow IPC file, uncompressed, batches of up to 65536 rows and about 64 MiB of text a
            column; pandas.read_feather, pyarrow, polars and DuckDB give these types and values
            back. SGF_ERR_LIMIT: a cell of 2 GiB.
   csv      RFC 4180 with '\n' line ends, first line the names: what pandas writes with index=False,
            except that a lone '\r' is quoted, too, and not-a-number is nan. Lists are Python
            literals, floats as repr() gives them, booleans True and False, nulls empty; a zero
            byte of a text becomes U+FFFD. Metadata is not written. SGF_ERR_ARG: no columns. */
SGF_DEF sgf_status sgf_table_write_feather(const sgf_table *table, const char *path,
                                           const sgf_allocator *mem, sgf_error *err);
SGF_DEF sgf_status sgf_table_write_csv(const sgf_table *table, const char *path,
                                       const sgf_allocator *mem, sgf_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SEGFUSE_H */

/* ==================================================================================== */
#if defined(SEGFUSE_IMPLEMENTATION) || defined(SGF__SCALARS) /* SGF__SCALARS: see [SGF-10] */
#ifndef SEGFUSE_IMPLEMENTED
#define SEGFUSE_IMPLEMENTED

#include <float.h>
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0)
#error "segfuse defines every result bit for bit: compile without -ffast-math, -Ofast or any of \
their parts, on 32-bit x86 with -msse2 -mfpmath=sse, on s390x with -fexcess-precision=fast"
#endif

#include <math.h>
#include <string.h>

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__)) && !defined(SGF_NO_SIMD)
#define SGF__X86 1
#elif defined(__GNUC__) && defined(__aarch64__) && !defined(__AARCH64EB__) && !defined(SGF_NO_SIMD)
#define SGF__ARM 1
#endif

#ifdef SEGFUSE_IMPLEMENTATION
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__GNUC__)
#define SGF__PRINTF(text, args) __attribute__((format(printf, text, args), cold))
#define SGF__UNUSED             __attribute__((unused))
#else
#define SGF__PRINTF(text, args)
#define SGF__UNUSED
#endif

#ifdef SGF_STATIC
#undef SGF_DEF
#define SGF_DEF SGF__UNUSED static
#else
#undef SGF_DEF
#define SGF_DEF
#endif

/* ---- declarations that the front needs from later sections ---- */

/* Memory and errors ([SGF-17]). An arena is freed as a whole; a buffer is a growing run of bytes. */
typedef struct sgf__block {
    struct sgf__block *next;
    size_t size;
} sgf__block;
typedef struct sgf__arena {
    sgf_allocator mem;
    sgf__block *blocks;
} sgf__arena;
/* Growing bytes, zero-terminated once something was added. The first failure is kept: later calls
   do nothing and return it, so a caller may test `status` once, at the end. */
typedef struct sgf__buf {
    sgf_allocator mem;
    char *ptr;
    size_t len, cap;
    sgf_status status;
} sgf__buf;
#define sgf__fail(err, status, ...) sgf__fail_at(err, status, NULL, -1, __VA_ARGS__)
static SGF__PRINTF(5, 6) sgf_status
    sgf__fail_at(sgf_error *err, sgf_status status, const char *file, int64_t offset,
                 const char *format, ...);
static sgf_allocator sgf__allocator(const sgf_allocator *mem);
static void *sgf__alloc(const sgf_allocator *mem, size_t count, size_t size, sgf_error *err);
static void sgf__free(const sgf_allocator *mem, void *ptr, size_t count, size_t size);
static sgf_status sgf__grow(const sgf_allocator *mem, void *items, size_t *cap, size_t need,
                            size_t size, sgf_error *err);
static void sgf__arena_init(sgf__arena *arena, const sgf_allocator *mem);
static void sgf__arena_free(sgf__arena *arena);
static void *sgf__arena_alloc(sgf__arena *arena, size_t count, size_t size, sgf_error *err);
static void sgf__buf_init(sgf__buf *buf, const sgf_allocator *mem);
static void sgf__buf_free(sgf__buf *buf);
static sgf_status sgf__buf_add(sgf__buf *buf, const void *bytes, size_t len, sgf_error *err);
/* Text ([SGF-17], [SGF-18]); sgf__utf8_next: one code point of at most n bytes, its length, or 0. */
static sgf_str sgf__text_of(const char *ptr, size_t len);
static size_t sgf__utf8_next(const char *text, size_t n, uint32_t *code);
/* Positions ([SGF-22]): the frequencies of RoPE, [C/2]. */
static sgf_status sgf__rope_frequencies(const sgf_config *c, float *inv_freq,
                                        float *attention_factor, sgf_error *err);
/* Sessions ([SGF-15]): can the model take the layout's tokens? Can the arithmetic take its weights? */
static sgf_status sgf__reference_check(const sgf_model *m, const sgf_layout *y, sgf_error *err);
static sgf_status sgf__arithmetic_check(const sgf_model *m, sgf_arithmetic how, sgf_error *err);
/* Called after sgf__reference_attend, for sgf_session_watch: adds each segment's share to mass. */
static void sgf__reference_masses(const sgf_layout *y, size_t t, int32_t window, const float *score,
                                  size_t heads, double *mass);
/* Layouts ([SGF-16]): room for so many tokens and segments; the same segments and tokens, in an initialised
   layout. */
static sgf_status sgf__layout_reserve(sgf_layout *layout, size_t tokens, size_t segments,
                                      sgf_error *err);
static sgf_status sgf__layout_copy(const sgf_layout *from, sgf_layout *to, sgf_error *err);
/* Kernels ([SGF-14]): softmax of each column of score [n][width], not divided by the sum. */
static void sgf__softmax(int simd, float *score, size_t n, size_t width, float *sum);
/* e^x and ln x ([SGF-14]) */
static double sgf__exp_d(double x);
static double sgf__log_d(double x);

/* ====================================================================================
 * [SGF-09] Layouts, visibility, masks
 *
 * A layout is a list of tokens, each with its segment and position, and an S x S bit matrix.
 * A named mask is a table; its rows and columns are kinds of segments. sgf_mask_set looks up each pair.
 * ==================================================================================== */

enum { SGF__WORDS = SGF_MAX_SEGMENTS / 64 }; /* of a row of the matrix */

/* token, pos and seg are one allocation, so they grow together. segment and visible are another one;
   the bits come first. */
static const size_t sgf__token_size = 3 * sizeof(int32_t);
static const size_t sgf__segment_size = sizeof(sgf_segment) + SGF__WORDS * sizeof(uint64_t);

SGF_DEF void sgf_layout_init(sgf_layout *layout, const sgf_allocator *mem) {
    memset(layout, 0, sizeof *layout);
    layout->mem = sgf__allocator(mem);
    layout->answer = -1;
}
SGF_DEF void sgf_layout_free(sgf_layout *layout) {
    sgf_allocator mem = layout->mem; /* sgf_layout_init clears it before it reads it */
    sgf__free(&mem, layout->token, layout->token_cap, sgf__token_size);
    sgf__free(&mem, layout->visible, layout->segment_cap, sgf__segment_size);
    sgf_layout_init(layout, &mem);
}
SGF_DEF void sgf_layout_clear(sgf_layout *layout) {
    layout->tokens = layout->segments = 0;
    layout->answer = -1;
    layout->answer_pos = layout->mixture = 0;
}

SGF_DEF sgf_status sgf_layout_segment(sgf_layout *layout, sgf_role role, int32_t group,
                                      int32_t *segment, sgf_error *err) {
    sgf_status status;
    sgf_segment *made;
    if ((unsigned)role >= SGF_ROLE_COUNT)
        return sgf__fail(err, SGF_ERR_ARG, "there is no role %d; sgf_role lists them", (int)role);
    if (layout->segments == SGF_MAX_SEGMENTS)
        return sgf__fail(err, SGF_ERR_LIMIT, "a layout has at most %d segments",
                         (int)SGF_MAX_SEGMENTS);
    status = sgf__layout_reserve(layout, layout->tokens, layout->segments + 1, err);
    if (status) return status;
    made = &layout->segment[layout->segments];
    memset(made, 0, sizeof *made);
    memset(layout->visible + layout->segments * SGF__WORDS, 0, SGF__WORDS * sizeof(uint64_t));
    made->role = role, made->group = group;
    if (role == SGF_ROLE_ANSWER) layout->answer = (int32_t)layout->segments;
    if (segment) *segment = (int32_t)layout->segments;
    layout->segments++;
    return SGF_OK;
}
/* Is there a segment of that number? */
static int sgf__segment_is(const sgf_layout *layout, int32_t segment) {
    return segment >= 0 && (size_t)segment < layout->segments;
}
SGF_DEF sgf_status sgf_layout_add(sgf_layout *layout, int32_t segment, const int32_t *ids, size_t n,
                                  sgf_error *err) {
    sgf_status status;
    size_t i;
    if (!sgf__segment_is(layout, segment))
        return sgf__fail(err, SGF_ERR_ARG, "segment %d does not exist: the layout has %d",
                         (int)segment, (int)layout->segments);
    if (n > INT32_MAX - layout->tokens)
        return sgf__fail(err, SGF_ERR_LIMIT, "a layout has at most %d tokens; give fewer",
                         (int)INT32_MAX);
    status = sgf__layout_reserve(layout, layout->tokens + n, layout->segments, err);
    if (status) return status;
    for (i = 0; i < n; i++) {
        layout->token[layout->tokens] = ids[i];
        layout->pos[layout->tokens] = (int32_t)layout->tokens;
        layout->seg[layout->tokens++] = segment;
    }
    layout->segment[segment].tokens += n;
    layout->answer_pos = (int32_t)layout->tokens;
    return SGF_OK;
}
/* One bit of the visibility matrix of a layout or a sequence. Both segments must exist. */
static int sgf__sees(const uint64_t *visible, int32_t query, int32_t key) {
    return (int)(visible[query * SGF__WORDS + key / 64] >> (key % 64) & 1);
}
SGF_DEF int sgf_visible(const sgf_layout *layout, int32_t query, int32_t key) {
    return sgf__segment_is(layout, query) && sgf__segment_is(layout, key) &&
           sgf__sees(layout->visible, query, key);
}
SGF_DEF void sgf_visible_set(sgf_layout *layout, int32_t query, int32_t key, int visible) {
    uint64_t bit, *word;
    if (!sgf__segment_is(layout, query) || !sgf__segment_is(layout, key)) return;
    bit = (uint64_t)1 << (key % 64);
    word = &layout->visible[query * SGF__WORDS + key / 64];
    *word = visible ? *word | bit : *word & ~bit;
}

/* The mask rule: may token q attend to token k? (A sliding window may hide more.) */
static int sgf__attends(const sgf_layout *layout, size_t q, size_t k) {
    return k <= q && sgf_visible(layout, layout->seg[q], layout->seg[k]);
}

/* Does `segment` see any segment? */
static int sgf__segment_sees(const sgf_layout *layout, int32_t segment) {
    const uint64_t *row = layout->visible + (size_t)segment * SGF__WORDS;
    size_t i;
    for (i = 0; i < SGF__WORDS; i++)
        if (row[i]) return 1;
    return 0;
}
static int sgf__is_paraphrase(sgf_role role) {
    return role == SGF_ROLE_PARAPHRASE || role == SGF_ROLE_MANUAL || role == SGF_ROLE_AUTO;
}

/* Is it a paraphrase, or the separator after one? */
static int sgf__of_paraphrase(const sgf_segment *s) {
    return sgf__is_paraphrase(s->role) || (s->role == SGF_ROLE_SEPARATOR && s->group >= 0);
}

SGF_DEF void sgf_layout_place(sgf_layout *layout, sgf_positions positions) {
    int32_t next = 0, end = -1; /* end: one more than the highest position so far */
    int32_t start = -1;         /* where paraphrases begin, once there is one */
    int32_t last = -1;          /* the segment of the token before */
    size_t i;
    for (i = 0; i < layout->tokens; i++) {
        sgf_role role = layout->segment[layout->seg[i]].role;
        if (positions == SGF_POSITIONS_ALIGNED && layout->seg[i] != last) {
            if (sgf__is_paraphrase(role)) {
                if (start < 0) start = next;
                next = start;
            } else if (role == SGF_ROLE_ANSWER && end > next) next = end;
        }
        last = layout->seg[i];
        layout->pos[i] = next++;
        if (next > end) end = next;
    }
    layout->answer_pos = end > 0 ? end : 0;
}

SGF_DEF sgf_status sgf_layout_weigh(sgf_layout *layout, const double *weights, size_t n,
                                    sgf_error *err) {
    size_t i, count = 0;
    for (i = 0; i < layout->segments; i++) {
        const sgf_segment *segment = &layout->segment[i];
        if (!sgf__is_paraphrase(segment->role)) continue;
        count++;
        if (weights && (segment->group < 0 || (size_t)segment->group >= n ||
                        !(weights[segment->group] >= 1e-300) || weights[segment->group] > 1e300))
            return sgf__fail(err, SGF_ERR_ARG,
                             "paraphrase %d needs a positive weight; %d weights were given",
                             (int)segment->group + 1, (int)n);
    }
    for (i = 0; i < layout->segments && count; i++) {
        sgf_segment *segment = &layout->segment[i];
        if (sgf__of_paraphrase(segment) && (!weights || (size_t)segment->group < n))
            segment->log_weight = (float)sgf__log_d(weights ? weights[segment->group]
                                                            : 1.0 / (double)count);
    }
    return SGF_OK;
}

/* The number of paraphrases: the highest group + 1. */
static size_t sgf__paraphrases(const sgf_layout *layout) {
    size_t i, n = 0;
    for (i = 0; i < layout->segments; i++)
        if (sgf__is_paraphrase(layout->segment[i].role) && layout->segment[i].group >= (int32_t)n)
            n = (size_t)layout->segment[i].group + 1;
    return n;
}
/* The index of the first token of the cue: the answer's tokens that end the layout. */
static size_t sgf__cue_first(const sgf_layout *layout) {
    size_t n = layout->tokens;
    while (n && layout->seg[n - 1] == layout->answer) n--;
    return n;
}
SGF_DEF sgf_status sgf_layout_alone(const sgf_layout *layout, int32_t group, sgf_layout *out,
                                    sgf_error *err) {
    size_t cue = sgf__cue_first(layout), i, there = 0;
    int32_t next = 0, back, answer = layout->answer;
    sgf_status status;
    for (i = 0; i < layout->segments; i++)
        there += sgf__is_paraphrase(layout->segment[i].role) && layout->segment[i].group == group;
    if (cue == layout->tokens || group < 0 || !there)
        return sgf__fail(
            err, SGF_ERR_ARG,
            "paraphrase %d cannot be asked alone: the prompt has %d paraphrases and must end with an "
            "answer cue",
            (int)group + 1, (int)sgf__paraphrases(layout));
    status = sgf__layout_copy(layout, out, err);
    out->mixture = 0; /* of one: a softmax */
    for (i = 0; i < layout->segments && !status; i++) {
        sgf_segment *s = &out->segment[i];
        s->log_weight = 0;
        if (sgf__of_paraphrase(s) && s->group != group) sgf_visible_set(out, answer, (int32_t)i, 0);
    }
    for (i = 0; i < cue && !status; i++)
        if (sgf_visible(out, answer, out->seg[i]) && out->pos[i] >= next) next = out->pos[i] + 1;
    back = layout->pos[cue] - next;
    for (i = cue; i < layout->tokens && !status; i++) out->pos[i] -= back;
    if (!status) out->answer_pos -= back;
    return status;
}

static const char *const sgf__role_names[] = {
#define SGF__ROLE_TEXT(name, text) text,
    SGF_ROLE_LIST(SGF__ROLE_TEXT)
#undef SGF__ROLE_TEXT
};
SGF_DEF const char *sgf_role_name(sgf_role role) {
    return (unsigned)role < SGF_ROLE_COUNT ? sgf__role_names[role] : "unknown";
}
static const char *const sgf__mask_names[] = {
#define SGF__MASK_TEXT(name, text) text,
    SGF_MASK_LIST(SGF__MASK_TEXT)
#undef SGF__MASK_TEXT
};
SGF_DEF const char *sgf_mask_name(sgf_mask mask) {
    return (unsigned)mask < SGF_MASK_COUNT ? sgf__mask_names[mask] : "unknown";
}
/* The index of `name` in a list of names, or an error that lists them. */
static sgf_status sgf__name_find(const char *what, const char *name, const char *const *names,
                                 size_t n, size_t *index, sgf_error *err) {
    char known[512] = "";
    size_t i, at = 0;
    for (i = 0; i < n; i++)
        if (!strcmp(name, names[i])) {
            *index = i;
            return SGF_OK;
        }
    for (i = 0; i < n && at < sizeof known - 1; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", names[i]);
    return sgf__fail(err, SGF_ERR_ARG, "there is no %s '%.80s'; known: %s", what, name, known);
}
SGF_DEF sgf_status sgf_mask_find(const char *name, sgf_mask *mask, sgf_error *err) {
    size_t index = 0;
    sgf_status status = sgf__name_find("mask", name, sgf__mask_names, SGF_MASK_COUNT, &index, err);
    if (!status) *mask = (sgf_mask)index;
    return status;
}

/* ---- masks ----

   May a token of segment q see one of segment k? (sgf__attends tests k <= q.) A mask is a
   table: rows are kinds of q, columns kinds of k, with the letters of the drawings in [SGF-02], and -:

     ^  BOS                  q  question of an example    a  paraphrase, manual and auto, too
     P  shared prefix        A  answer of an example      |  separator that follows a paraphrase
     -  separator that follows no paraphrase              >  answer

   and the cells say:

     #  yes     =  if q and k are the same segment
     .  no      g  if both are of the same group: paraphrase or example
                o  if they are the same segment, or of different groups
                1  if both are of the same group, or k belongs to paraphrase 1
                m  if both are in the range from the first manual paraphrase to the last
                M  if m, or if they are the same segment */

/* clang-format off */
static const char sgf__mask_cells[8][SGF_MASK_COUNT * 9] = {
    /*                         manual-           few-shot          shared-
              causal  isolated  cross   few-shot original  shared  original   hub
             ^PqA-a|> ^PqA-a|> ^PqA-a|> ^PqA-a|> ^PqA-a|> ^PqA-a|> ^PqA-a|> ^PqA-a|> */
    /* ^ */ "######## #....... #mmmmmm. ##...... ##...... #####... #######. #####...",
    /* P */ "######## #=...... #Mmmmmm. ##...... ##...... #####... #######. #####...",
    /* q */ "######## #.=..... #mMmmmm. ##=..... ##o..... #####... #######. #####...",
    /* A */ "######## #..=.... #mmMmmm. ##g=.... ###o.... #####... #######. #####...",
    /* - */ "######## ........ mmmmmmm. ........ ........ #####g.. #######. #####g..",
    /* a */ "######## #....=.. #mmmmMm. ####.=.. ####.=.. #####gg. #####g#. #####11.",
    /* | */ "######## ........ mmmmmmm. ........ ........ #####gg. #######. #####11.",
    /* > */ "######## ######## ######## ######## ######## ######## ######## ########"};
/* clang-format on */

/* The row and the column of a segment. */
static size_t sgf__mask_kind(const sgf_segment *s) {
    static const unsigned char kinds[] = {0, 1, 5, 5, 5, 6, 2, 3, 7}; /* by role */
    return s->role == SGF_ROLE_SEPARATOR && s->group < 0 ? 4 : kinds[s->role];
}
/* Is it before the paraphrases: BOS, shared text, an example, a separator that follows no paraphrase? */
static int sgf__is_prefix(const sgf_segment *s) {
    return sgf__mask_kind(s) < 5;
}
/* manual: are both in the range from the first manual paraphrase to the last? */
static int sgf__mask_cell(char cell, const sgf_segment *q, const sgf_segment *k, int manual) {
    switch (cell) {
    case '#': return 1;
    case '=': return q == k;
    case 'g': return q->group == k->group;
    case 'o': return q == k || q->group != k->group;
    case '1': return q->group == k->group || k->group == 0;
    case 'm': return manual;
    case 'M': return manual || q == k;
    default: return 0;
    }
}
SGF_DEF void sgf_mask_set(sgf_layout *layout, sgf_mask mask) {
    const sgf_segment *segment = layout->segment;
    int32_t q, k, S = (int32_t)layout->segments, first = S, last = -1;
    if ((unsigned)mask >= SGF_MASK_COUNT) return;
    for (q = S; q-- > 0;)
        if (segment[q].role == SGF_ROLE_MANUAL) {
            first = q;
            if (last < 0) last = q;
        }
    for (q = 0; q < S; q++)
        for (k = 0; k < S; k++) {
            const char *row = sgf__mask_cells[sgf__mask_kind(&segment[q])] + (size_t)mask * 9;
            int manual = q >= first && q <= last && k >= first && k <= last;
            sgf_visible_set(
                layout, q, k,
                sgf__mask_cell(row[sgf__mask_kind(&segment[k])], &segment[q], &segment[k], manual));
        }
}
SGF_DEF void sgf_mask_dense(const sgf_layout *layout, uint8_t *out) {
    size_t q, k, T = layout->tokens;
    for (q = 0; q < T; q++)
        for (k = 0; k < T; k++) out[q * T + k] = (uint8_t)sgf__attends(layout, q, k);
}
#endif /* SEGFUSE_IMPLEMENTATION */

/* ====================================================================================
 * [SGF-10] The scalars that define the numbers
 *
 * A sum is one chain (in bf16: see sgf__sum). It starts at +0 and takes the terms in ascending order. A
 * sum of products uses one fused multiply-add for each term. IEEE 754 defines it exactly, so every
 * machine gives the same value (of a NaN, sign and payload may differ). Products and sums that belong
 * together are written as fma, so no plain a * b + c remains that a compiler could contract. segfuse.cu
 * includes this header with SGF__SCALARS alone and takes these functions from here.
 * ==================================================================================== */

#ifdef __CUDACC__
#define SGF__SCALAR static __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define SGF__SCALAR static inline __attribute__((always_inline, unused))
#else
#define SGF__SCALAR static inline
#endif

SGF__SCALAR uint32_t sgf__float_bits(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    return u;
}
SGF__SCALAR float sgf__bits_float(uint32_t u) {
    float x;
    memcpy(&x, &u, 4);
    return x;
}

/* fmaf without the instruction: the product of two floats is exact in double; the sum is rounded to
   odd (Boldo and Melquiond 2008), so the final rounding to float gives the same as a single rounding. A
   compiler that contracts product + c changes nothing, since the product was exact. */
SGF__SCALAR float sgf__fma_portable(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
    return __fmaf_rn(a, b, c);
#elif defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__aarch64__)
    return fmaf(a, b, c);
#else
    double product = (double)a * (double)b, sum = product + (double)c;
    double shadow = sum - product;
    double lost = (product - (sum - shadow)) + ((double)c - shadow);
    uint64_t bits;
    memcpy(&bits, &sum, 8);
    if (lost != 0 && !(bits & 1) && (bits >> 52 & 0x7FF) != 0x7FF) {
        bits = (lost > 0) == (sum > 0) ? bits + 1 : bits - 1;
        memcpy(&sum, &bits, 8);
    }
    return (float)sum;
#endif
}
SGF__SCALAR float sgf__fma(int simd, float a, float b, float c) {
#if defined(SGF__X86) && !defined(__CUDA_ARCH__)
    if (simd) return __builtin_fmaf(a, b, c);
#endif
    (void)simd;
    return sgf__fma_portable(a, b, c);
}

/* e^x for floats: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor to r^7, times 2^n in two exact steps.
   The error is at most 2 units in the last place; exp(-inf) = 0, overflow gives inf, NaN stays NaN. */
SGF__SCALAR float sgf__exp_body(int simd, float x) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float y = x > 89.0f ? 89.0f : x, t, n, r, p;
    uint32_t i, half;
    y = y < -104.0f ? -104.0f : y;
    t = sgf__fma(simd, y, 1.44269504f, shift);
    i = sgf__float_bits(t) - sgf__float_bits(shift);
    n = t - shift;
    r = sgf__fma(simd, n, -0.693145751953125f, y);
    r = sgf__fma(simd, n, -1.42860677e-06f, r);
    p = sgf__fma(simd, r, 1.98412698e-4f, 1.38888889e-3f);
    p = sgf__fma(simd, p, r, 8.33333333e-3f);
    p = sgf__fma(simd, p, r, 4.16666667e-2f);
    p = sgf__fma(simd, p, r, 1.66666667e-1f);
    p = sgf__fma(simd, p, r, 0.5f);
    p = sgf__fma(simd, p, r, 1.0f);
    p = sgf__fma(simd, p, r, 1.0f);
    p = x < -104.0f ? 0.0f : p; /* it would become 0 below, but by a slow underflow */
    half = (uint32_t)((int32_t)i >> 1);
    p = p * sgf__bits_float((half + 127u) << 23);
    return p * sgf__bits_float((i - half + 127u) << 23);
}
SGF__SCALAR float sgf__exp(float x) {
    return sgf__exp_body(0, x);
}
/* SiLU x / (1 + e^-x), or GELU by tanh (Hendrycks and Gimpel 2016) in the same form:
   x (1 + tanh u) / 2 = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3). */
SGF__SCALAR float sgf__gate_body(int simd, int gelu, float x) {
    float z = gelu ? x * sgf__fma(simd, x * 0.0713548163f, x, 1.59576912f) : x;
    return x / (1.0f + sgf__exp_body(simd, -z));
}

/* sin x and cos x in double, for the tables of RoPE: Taylor series on a small interval, about 1 unit in
   the last place. */
SGF__SCALAR void sgf__sincos_d(double x, double *sine, double *cosine) { /* |x| < 2^30 */
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

/* ---- weights as they are stored -> float, exactly ---- */

SGF__SCALAR float sgf__bf16_float(uint16_t h) {
    return sgf__bits_float((uint32_t)h << 16);
}
SGF__SCALAR float sgf__f16_float(uint16_t h) {
    uint32_t minus = (uint32_t)(h & 0x8000u) << 16, rest = (uint32_t)(h & 0x7FFFu);
    float tiny = (float)rest * 0x1p-24f; /* subnormal: rest < 1024 counts units of 2^-24 */
    uint32_t normal = (rest << 13) + (rest >= 0x7C00u ? 224u << 23 : 112u << 23);
    return sgf__bits_float(minus | (rest < 0x400u ? sgf__float_bits(tiny) : normal));
}
/* Rounded to bf16, to nearest even; a NaN is kept. */
SGF__SCALAR uint16_t sgf__float_bf16(float x) {
    uint32_t u = sgf__float_bits(x), nan = (u & 0x7FFFFFFFu) > 0x7F800000u;
    return (uint16_t)((nan ? u | 0x400000u : u + 0x7FFFu + (u >> 16 & 1u)) >> 16);
}
/* A zero of x's sign where |x| < 2^-126, else x. */
SGF__SCALAR float sgf__flushed(float x) {
    uint32_t u = sgf__float_bits(x);
    return sgf__bits_float(u & 0x7F800000u ? u : u & 0x80000000u);
}
/* A sum, or 0 if it is below 2^-126 when it is rounded to 24 bits whatever its exponent, as by a unit
   without subnormals. scaled: the sum of the same terms times 2^32. */
SGF__SCALAR float sgf__flushed_sum(float sum, float scaled) {
    uint32_t u = sgf__float_bits(sum), size = sgf__float_bits(scaled) & 0x7FFFFFFFu;
    return sgf__bits_float(size < 0x10800000u /* 2^-94 */ ? u & 0x80000000u : u);
}
/* x as a product in the arithmetic bf16 reads it. */
SGF__SCALAR float sgf__rounded(float x) {
    return sgf__bf16_float(sgf__float_bf16(sgf__flushed(x)));
}
#ifdef SEGFUSE_IMPLEMENTATION

/* ====================================================================================
 * [SGF-11] The reference: the whole transformer, in plain loops
 *
 * This code defines every result of this library. It has no cache, batch, threads or vectors: it takes
 * a layout and gives its hidden states and logits. Every exact way, on any machine, gives the same bits;
 * the tests compare them by memcmp. Sums are those of [SGF-10] and, in bf16, sgf__sum.
 *
 *     T tokens, D model width, H query heads, G key/value heads, C head width, F feed-forward width
 *
 * Source: Touvron et al. 2023 (Llama); the sources of its parts are named with each.
 * ==================================================================================== */

/* Element i of a tensor as it is stored, widened to float: exact. */
static float sgf__element(const sgf_tensor *w, size_t i) {
    if (w->dtype == SGF_DTYPE_F32) return ((const float *)w->data)[i];
    if (w->dtype == SGF_DTYPE_BF16) return sgf__bf16_float(((const uint16_t *)w->data)[i]);
    return sgf__f16_float(((const uint16_t *)w->data)[i]);
}
/* A sum of products. f32: one chain. bf16, as Intel's TDPBF16PS: of each 32 terms, those of even and
   of odd number are a chain each; these two are added, then that sum is added to all before. Factors
   are rounded, what is below 2^-126 is 0, and 0 * 0 fills up the last 32. */
typedef struct sgf__sum {
    int bf16;
    size_t terms;
    float part[2], all;
} sgf__sum;
SGF__SCALAR void sgf__sum_add(sgf__sum *s, float w, float x) {
    float *part = &s->part[s->terms++ % 2];
    if (!s->bf16) {
        s->all = sgf__fma_portable(w, x, s->all);
        return;
    }
    w = sgf__rounded(w), x = sgf__rounded(x);
    *part = sgf__flushed_sum(sgf__fma_portable(w, x, *part),
                             sgf__fma_portable(w * 0x1p32f, x, *part * 0x1p32f));
    if (s->terms % 32) return;
    s->all = sgf__flushed(s->all + sgf__flushed(s->part[0] + s->part[1]));
    s->part[0] = s->part[1] = 0;
}
/* Ends a sum, and begins the next one. */
SGF__SCALAR float sgf__sum_end(sgf__sum *s) {
    float all;
    while (s->bf16 && s->terms % 32) sgf__sum_add(s, 0, 0);
    all = s->all;
    s->terms = 0, s->all = 0;
    return all;
}
/* out[rows] = w[rows, cols] x[cols] (+ bias[rows], added last). */
static void sgf__reference_product(int bf16, const sgf_tensor *w, const sgf_tensor *bias,
                                   const float *x, float *out) {
    sgf__sum sum = {bf16, 0, {0, 0}, 0};
    size_t r, k;
    for (r = 0; r < w->rows; r++) {
        for (k = 0; k < w->cols; k++) sgf__sum_add(&sum, sgf__element(w, r * w->cols + k), x[k]);
        out[r] = sgf__sum_end(&sum);
        if (bias && bias->data) out[r] += sgf__element(bias, r);
    }
}
/* RMSNorm (Zhang and Sennrich 2019) of each w->cols floats of x[n]:
   out[i] = x[i] / sqrt(mean of squares + eps) * w[i]; an absent w: out = x. In place is allowed. */
static void sgf__reference_norm(const sgf_tensor *w, float eps, const float *x, size_t n,
                                float *out) {
    size_t width = w->cols, i;
    if (!w->data) memmove(out, x, n * sizeof *x);
    for (; w->data && n; n -= width, x += width, out += width) {
        float sum = 0, scale;
        for (i = 0; i < width; i++) sum = sgf__fma_portable(x[i], x[i], sum);
        scale = 1.0f / sqrtf(sum / (float)width + eps);
        for (i = 0; i < width; i++) out[i] = x[i] * scale * sgf__element(w, i);
    }
}
/* RoPE (Su et al. 2021), rotate-half, of one head x[C] at position pos. */
static void sgf__reference_rope(const float *inv_freq, float scale, int32_t pos, float *x,
                                size_t C) {
    size_t i;
    for (i = 0; i < C / 2; i++) {
        double sine, cosine;
        float a = x[i], b = x[C / 2 + i], c, s;
        sgf__sincos_d((double)((float)pos * inv_freq[i]), &sine, &cosine);
        c = (float)cosine * scale;
        s = (float)sine * scale;
        x[i] = sgf__fma_portable(a, c, -(b * s));
        x[C / 2 + i] = sgf__fma_portable(b, c, a * s);
    }
}
/* May token t attend to token j? The layout's rule must allow it, and the layer's window, if it has one. */
static int sgf__reference_sees(const sgf_layout *y, size_t t, size_t j, int32_t window) {
    return sgf__attends(y, t, j) && (!window || y->pos[t] - y->pos[j] < window);
}
/* The log weight that is added to a score: of an answer query, without a mixture. */
static float sgf__log_weight(const sgf_layout *y, int32_t query, int32_t key) {
    return query == y->answer && !y->mixture ? y->segment[key].log_weight : 0;
}
/* A mixture. Let p be the exp(score - maximum) of a key that the query sees, S_i the sum of p over
   paraphrase i, S_0 that over the keys of no paraphrase, w_i the weight of i. The mean of the
   softmaxes is the sum over keys of p f v, with f_i = w_i / (S_0 + S_i) for keys of paraphrase i and
   f_0 = f_1 + f_2 + ... for the others. All sums are in ascending order. */
typedef struct sgf__mixture {
    /* [i + 1]: of paraphrase i; [0]: of the keys of none. sum: S, at the end f; weight: its logarithm, at
       the end itself */
    float sum[SGF_MAX_SEGMENTS + 1], weight[SGF_MAX_SEGMENTS + 1];
    unsigned char seen[SGF_MAX_SEGMENTS + 1];
    size_t parts;
} sgf__mixture;

static size_t sgf__mixture_part(const sgf_segment *segment) {
    return sgf__of_paraphrase(segment) && segment->group >= 0 && segment->group < SGF_MAX_SEGMENTS
               ? (size_t)segment->group + 1
               : 0;
}
static void sgf__mixture_add(sgf__mixture *m, const sgf_segment *segment, float p) {
    size_t part = sgf__mixture_part(segment);
    if (part && !m->seen[part]) m->weight[part] = segment->log_weight;
    if (part >= m->parts) m->parts = part + 1;
    m->seen[part] = 1;
    m->sum[part] += p;
}
static void sgf__mixture_end(sgf__mixture *m) {
    float top = -INFINITY, total = 0, common = m->sum[0], all;
    size_t i;
    for (i = 1; i < m->parts; i++)
        if (m->seen[i] && m->weight[i] > top) top = m->weight[i];
    for (i = 1; i < m->parts; i++) {
        m->weight[i] = m->seen[i] ? sgf__exp(m->weight[i] - top) : 0;
        total += m->weight[i];
    }
    m->sum[0] = total == 0 && common != 0 ? 1.0f / common : 0; /* no paraphrase: one softmax */
    for (i = 1; i < m->parts; i++) {
        all = common + m->sum[i];
        m->sum[i] = all != 0 && total != 0 ? m->weight[i] / total / all : 0;
        m->sum[0] += m->sum[i];
    }
}
static float sgf__mixture_factor(const sgf__mixture *m, const sgf_segment *segment) {
    return m->sum[sgf__mixture_part(segment)];
}
/* Attention of one query head q[C] of token t: softmax over the keys that t may attend to. k and v:
   one kv head's keys and values, `stride` floats from token to token. out[C]. At the end score[j] is
   exp(score - maximum), in a mixture times its factor, for each key j that t attends to. In bf16, a
   key that only the window hides adds 0 * 0 to the sum over values. */
static void sgf__reference_attend(int bf16, const sgf_layout *y, size_t t, int32_t window,
                                  float scale, const float *q, const float *k, const float *v,
                                  size_t stride, size_t C, float *score, float *out) {
    float top = -INFINITY, sum = 0;
    int mixes = y->mixture && y->seg[t] == y->answer;
    sgf__sum dot = {bf16, 0, {0, 0}, 0};
    sgf__mixture mixture;
    size_t j, c;
    if (mixes) memset(&mixture, 0, sizeof mixture);
    for (j = 0; j <= t; j++) {
        if (!sgf__reference_sees(y, t, j, window)) continue;
        for (c = 0; c < C; c++) sgf__sum_add(&dot, q[c], k[j * stride + c]);
        score[j] = sgf__fma_portable(sgf__sum_end(&dot), scale,
                                     sgf__log_weight(y, y->seg[t], y->seg[j]));
        if (score[j] > top) top = score[j];
    }
    if (!(top > -INFINITY)) top = 0;
    for (j = 0; j <= t; j++) {
        if (!sgf__reference_sees(y, t, j, window)) continue;
        score[j] = sgf__exp(score[j] - top);
        if (mixes) sgf__mixture_add(&mixture, &y->segment[y->seg[j]], score[j]);
    }
    if (mixes) sgf__mixture_end(&mixture);
    for (j = 0; j <= t; j++) {
        if (!sgf__reference_sees(y, t, j, window)) continue;
        if (mixes) score[j] *= sgf__mixture_factor(&mixture, &y->segment[y->seg[j]]);
        sum += score[j];
    }
    for (c = 0; c < C; c++) {
        for (j = 0; j <= t; j++)
            if (sgf__reference_sees(y, t, j, window))
                sgf__sum_add(&dot, score[j], v[j * stride + c]);
            else if (bf16 && sgf__attends(y, t, j)) sgf__sum_add(&dot, 0, 0);
        out[c] = sgf__sum_end(&dot);
        if (bf16) out[c] += 0.0f; /* -0 becomes 0 */
    }
    if (sum == 0 || mixes) return; /* a token that sees nothing gets 0; a mixture divided already */
    for (c = 0; c < C; c++) out[c] *= 1.0f / sum;
}
/* Room for [rows, cols] floats. NULL on failure; *status holds the error. */
static float *sgf__reference_room(sgf__arena *arena, size_t rows, size_t cols, sgf_status *status,
                                  sgf_error *err) {
    float *room = *status ? NULL
                          : (float *)sgf__arena_alloc(arena, rows, cols * sizeof(float), err);
    if (!room && !*status) *status = SGF_ERR_MEMORY;
    return room;
}
typedef struct sgf__reference {
    const sgf_model *model;
    const sgf_layout *layout;
    int bf16;               /* 1: SGF_ARITHMETIC_BF16 */
    float *hidden, *logits; /* out: [T, D] after the final norm, [T, V]; NULL: not wanted */
    float *x, *q, *k, *v;   /* [T, D], [T, H * C], [T, G * C], [T, G * C] */
    float *normed, *mixed, *gate, *up; /* of one token: [D], [H * C], [F], [F] */
    float *score, *inv_freq;           /* [T], [2][C/2]: of rope_theta, of rope_local_theta */
    float rope_scale;
    sgf_watch_function *watch; /* NULL: no masses are wanted */
    void *watch_user;
    const int64_t *number; /* [T] the row number that goes to watch; -1: not watched */
} sgf__reference;

/* What a block adds to the residual stream: x[D] += scale * norm(y[D]). */
static void sgf__reference_add(const sgf_config *c, const sgf_tensor *norm, float *y, float *x) {
    int32_t i;
    sgf__reference_norm(norm, c->rms_eps, y, (size_t)c->dim, y);
    for (i = 0; i < c->dim; i++) x[i] = sgf__fma_portable(y[i], (float)c->residual_scale, x[i]);
}
/* One layer: x[T, D] becomes x + attention, then + feed-forward (SwiGLU, Shazeer 2020). */
static void sgf__reference_layer(sgf__reference *r, int32_t l) {
    const sgf_config *c = &r->model->config;
    const sgf_layer *w = &r->model->layer[l];
    const sgf_layout *y = r->layout;
    size_t D = (size_t)c->dim, C = (size_t)c->head_dim, F = (size_t)c->ffn_dim, t, h, i;
    size_t H = (size_t)c->heads, G = (size_t)c->kv_heads;
    int32_t window = sgf_config_window(c, l), rope = sgf_config_rope(c, l);
    double mass[SGF_MAX_SEGMENTS];
    for (t = 0; t < y->tokens; t++) {
        float *q = r->q + t * H * C, *k = r->k + t * G * C;
        sgf__reference_norm(&w->attn_norm, c->rms_eps, r->x + t * D, D, r->normed);
        sgf__reference_product(r->bf16, &w->q, &w->q_bias, r->normed, q);
        sgf__reference_product(r->bf16, &w->k, &w->k_bias, r->normed, k);
        sgf__reference_product(r->bf16, &w->v, &w->v_bias, r->normed, r->v + t * G * C);
        sgf__reference_norm(&w->q_norm, c->rms_eps, q, H * C, q);
        sgf__reference_norm(&w->k_norm, c->rms_eps, k, G * C, k);
        for (h = 0; rope >= 0 && h < H + G; h++)
            sgf__reference_rope(r->inv_freq + (rope ? C / 2 : 0), rope ? 1 : r->rope_scale,
                                y->pos[t], h < H ? q + h * C : k + (h - H) * C, C);
    }
    for (t = 0; t < y->tokens; t++) {
        float *x = r->x + t * D;
        int watched = r->watch && r->number[t] >= 0;
        if (watched) memset(mass, 0, sizeof mass);
        for (h = 0; h < H; h++) { /* H / G query heads share one key/value head */
            sgf__reference_attend(r->bf16, y, t, window, (float)c->score_scale,
                                  r->q + (t * H + h) * C, r->k + h / (H / G) * C,
                                  r->v + h / (H / G) * C, G * C, C, r->score, r->mixed + h * C);
            if (watched) sgf__reference_masses(y, t, window, r->score, H, mass);
        }
        if (watched) r->watch(r->watch_user, (size_t)r->number[t], l, mass, y->segments);
        sgf__reference_product(r->bf16, &w->o, &w->o_bias, r->mixed, r->normed);
        sgf__reference_add(c, &w->attn_post_norm, r->normed, x);
        sgf__reference_norm(&w->ffn_norm, c->rms_eps, x, D, r->normed);
        sgf__reference_product(r->bf16, &w->gate, &w->gate_bias, r->normed, r->gate);
        sgf__reference_product(r->bf16, &w->up, &w->up_bias, r->normed, r->up);
        for (i = 0; i < F; i++) r->gate[i] = sgf__gate_body(0, c->gelu, r->gate[i]) * r->up[i];
        sgf__reference_product(r->bf16, &w->down, &w->down_bias, r->gate, r->normed);
        sgf__reference_add(c, &w->ffn_post_norm, r->normed, x);
    }
}
/* Logits[V] of one token from its hidden state x[D], which is changed. */
static void sgf__reference_logits(int bf16, const sgf_model *model, float *x, float *logits) {
    int32_t i;
    for (i = 0; i < model->config.dim; i++) x[i] /= (float)model->config.logit_divisor;
    sgf__reference_product(bf16, &model->output, NULL, x, logits);
}
/* The states of the last `newest` tokens of n layouts become their mean: summed in order, then divided. */
static void sgf__reference_mean(sgf__reference *r, size_t n, size_t newest) {
    size_t D = (size_t)r->model->config.dim, i, c;
    for (i = 0; i < newest * D; i++) {
        float sum = 0;
        for (c = 0; c < n; c++) sum += r[c].x[(r[c].layout->tokens - newest) * D + i];
        for (c = 0; c < n; c++) r[c].x[(r[c].layout->tokens - newest) * D + i] = sum / (float)n;
    }
}
/* The transformer on n layouts. SGF_COMBINE_HIDDEN: with the mean after each layer from mean_from on. */
static sgf_status sgf__reference_run(sgf__reference *of, size_t n, int32_t mean_from, size_t newest,
                                     sgf_error *err) {
    const sgf_model *model = of->model;
    const sgf_config *c = &model->config;
    size_t D = (size_t)c->dim, C = (size_t)c->head_dim, V = (size_t)c->vocab_size, t, i;
    size_t HC = (size_t)c->heads * C, GC = (size_t)c->kv_heads * C, F = (size_t)c->ffn_dim;
    sgf_status status = SGF_OK;
    sgf__reference *r;
    sgf__arena arena;
    int32_t l;
    sgf__arena_init(&arena, &of->layout->mem);
    for (r = of; r < of + n && !status; r++) {
        size_t T = r->layout->tokens;
        status = sgf__reference_check(model, r->layout, err);
        r->x = sgf__reference_room(&arena, T, D, &status, err);
        r->q = sgf__reference_room(&arena, T, HC, &status, err);
        r->k = sgf__reference_room(&arena, T, GC, &status, err);
        r->v = sgf__reference_room(&arena, T, GC, &status, err);
        r->normed = sgf__reference_room(&arena, 1, D, &status, err);
        r->mixed = sgf__reference_room(&arena, 1, HC, &status, err);
        r->gate = sgf__reference_room(&arena, 1, F, &status, err);
        r->up = sgf__reference_room(&arena, 1, F, &status, err);
        r->score = sgf__reference_room(&arena, T, 1, &status, err);
        r->inv_freq = sgf__reference_room(&arena, 1, C, &status, err);
        if (!status) status = sgf__rope_frequencies(c, r->inv_freq, &r->rope_scale, err);
        for (i = 0; i < T * D && !status; i++)
            r->x[i] = sgf__element(&model->embedding, (size_t)r->layout->token[i / D] * D + i % D) *
                      (float)c->embedding_scale;
    }
    for (l = 0; l < c->layers && !status; l++) {
        for (r = of; r < of + n; r++) sgf__reference_layer(r, l);
        if (l >= mean_from) sgf__reference_mean(of, n, newest);
    }
    for (r = of; r < of + n && !status; r++)
        for (t = 0; t < r->layout->tokens; t++) {
            sgf__reference_norm(&model->norm, c->rms_eps, r->x + t * D, D, r->normed);
            if (r->hidden) memcpy(r->hidden + t * D, r->normed, D * sizeof(float));
            if (r->logits) sgf__reference_logits(r->bf16, model, r->normed, r->logits + t * V);
        }
    sgf__arena_free(&arena);
    return status;
}
SGF_DEF sgf_status sgf_reference_forward(const sgf_model *model, sgf_arithmetic arithmetic,
                                         const sgf_layout *layout, float *hidden, float *logits,
                                         sgf_error *err) {
    sgf_status status = sgf__arithmetic_check(model, arithmetic, err);
    sgf__reference r;
    memset(&r, 0, sizeof r);
    r.model = model, r.layout = layout, r.bf16 = arithmetic == SGF_ARITHMETIC_BF16;
    r.hidden = hidden, r.logits = logits;
    return status ? status : sgf__reference_run(&r, 1, model->config.layers, 0, err);
}

/* ---- why no cache, batch or thread changes a bit ----

   1. What the reference computes for token t depends on t's id, position and segment, on that
      segment's row of the matrix, the weights, the mixture, whether it is the answer, and on the keys,
      values and positions of the tokens that t may attend to: t itself and earlier ones. So later
      tokens cannot change keys and values. They can be cached: sgf__cache_store (line 5136).
   2. The cache returns keys in token order: first the keys of the parent sequences, then its own, in
      runs of visible segments: sgf__pieces (line 4576). So scores, maximum, sum and output are the same
      chains.
   3. A shared prefix is reused only if its ids, positions, segments and visibility are equal:
      sgf__prefix_get (line 6051). A prefix sees only itself, so 1 applies.
   4. Keys and values are copied only for tokens that see no one but their own segment and one BOS, and only
      from equal ids at equal positions: sgf__isolated_common (line 6108). Exception: reuse_rotated.
   5. Each vector lane computes one output, with its own chain: sgf__tile_run (line 3424), and
      sgf__product_rows (line 3589). Lanes never share a sum. Wider vectors and larger batches compute more
      chains at a time.
   6. One attention group has consecutive tokens of one sequence and one segment, which is checked by
      sgf__group_make (line 4423). They differ only in causality and window. A hidden key gets the score -inf
      (sgf__hide), so it adds +0 to the sum of exps; the product with the values skips it (fma_if), or in
      bf16 may add 0 times a finite number, which changes at most the sign of a zero.
   7. A thread computes whole outputs: the work is divided between outputs, never within a sum:
      sgf__parallel (line 4100).
   8. The arithmetic bf16 numbers the terms of a sum in blocks of 32: features, channels, and the keys
      that the rule, without the window, lets a query see. In a group these are the same keys up to the
      query itself, so all lanes have the same blocks: sgf__attend_values (line 4796).
   9. Logits and hidden states of several contexts are combined in their order: sgf__combine (line 2422),
      sgf__mean_run (line 5305).

   Exceptions: reuse_rotated rotates keys to another position, which rounds again; a GPU computes
   the same bits only with the option `exact`. sgf_session_device tells whether results are exact. */

/* ====================================================================================
 * [SGF-12] Prompts and methods
 *
 * A prompt becomes a layout part by part: text -> ids -> the part's segment. Then sgf_prompt_layout sets
 * positions, mask and weights from the segments' roles.
 * ==================================================================================== */

/* clang-format off */
#define SGF__METHOD(name, about, contexts, format, separator, mask, positions, combine, part, even, agree) \
    {name, about, SGF_CONTEXTS_##contexts, SGF_FORMAT_##format, SGF_LINES_OWN, separator,                 \
     SGF_MASK_##mask, SGF_POSITIONS_##positions, SGF_FUSION_START_FIRST_ANSWER, SGF_BOS_AUTO,             \
     SGF_COMBINE_##combine, SGF_PREDICTION_##part, even, 0, {agree, (agree) > 0, 0, 0, 0, 0, 0, 0}}
static const sgf_method sgf__methods[] = {
    SGF__METHOD("origin", "the original question alone",
                SINGLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, AVG, FIRST_LINE, 0, 0),
    SGF__METHOD("per_prompt", "every paraphrase alone, a row for each",
                SINGLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, AVG, FIRST_LINE, 0, 0),
    SGF__METHOD("avg", "mean of the paraphrases' logits",
                ENSEMBLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, AVG, FIRST_LINE, 0, 0),
    SGF__METHOD("max", "maximum of the paraphrases' probabilities",
                ENSEMBLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, MAX, FIRST_LINE, 0, 0),
    SGF__METHOD("weighted_avg", "sum of the logits, weighted by confidence",
                ENSEMBLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, WEIGHTED_AVG, FIRST_LINE, 0, 0),
    SGF__METHOD("weighted_max", "logits of the most confident paraphrase",
                ENSEMBLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, WEIGHTED_MAX, FIRST_LINE, 0, 0),
    SGF__METHOD("avg_p", "mean of the paraphrases' probabilities",
                ENSEMBLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, AVG_P, FIRST_LINE, 0, 0),
    SGF__METHOD("entropy_avg", "sum of the logits, weighted by how sure each is",
                ENSEMBLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, ENTROPY_AVG, FIRST_LINE, 0, 0),
    SGF__METHOD("hidden", "mean of hidden states, then of logits",
                ENSEMBLE, STANDARD, NULL, CAUSAL, SEQUENTIAL, HIDDEN, FIRST_LINE, 0, 0),
    SGF__METHOD("flex_attention", "N full prompts, isolated",
                FUSION, CONCATENATED, NULL, ISOLATED, SEQUENTIAL, AVG, FIRST_LINE, 0, 0),
    SGF__METHOD("myriadlama_flex", "manual and automatic templates, a full prompt each",
                FUSION, CONCATENATED, "\n\n", ISOLATED, SEQUENTIAL, AVG, FIRST_WORD, 0, 0),
    SGF__METHOD("myriadlama", "question and examples in N paraphrases each",
                FUSION, FEW_SHOT_PARTS, NULL, FEW_SHOT, SEQUENTIAL, AVG, FIRST_WORD, 0, 0),
    SGF__METHOD("myriadlama_custom", "one prefix, paraphrases with a cue each",
                FUSION, SHARED_PARTS, "\n", SHARED, SEQUENTIAL, AVG, FIRST_WORD, 0, 0),
    SGF__METHOD("fused", "one prefix, one cue, aligned, weights 1/N",
                FUSION, SHARED_CUE, NULL, SHARED, ALIGNED, AVG, FIRST_LINE, 1, 0),
    SGF__METHOD("fused_agreement", "fused, no separators, weights by agreement",
                FUSION, SHARED_CUE, "", SHARED, ALIGNED, AVG, FIRST_LINE, 1, 0.25),
};
#undef SGF__METHOD
/* clang-format on */
enum { SGF__METHODS = (int)(sizeof sgf__methods / sizeof sgf__methods[0]) };

SGF_DEF const char *sgf_method_name(size_t i) {
    return i < SGF__METHODS ? sgf__methods[i].name : NULL;
}
SGF_DEF sgf_status sgf_method_find(const char *name, sgf_method *method, sgf_error *err) {
    const char *names[SGF__METHODS];
    size_t i;
    sgf_status status;
    for (i = 0; i < SGF__METHODS; i++) names[i] = sgf__methods[i].name;
    status = sgf__name_find("method", name, names, SGF__METHODS, &i, err);
    if (!status) *method = sgf__methods[i];
    return status;
}
SGF_DEF const char *sgf_method_separator(const sgf_method *method) {
    if (method->separator) return method->separator;
    switch (method->format) {
    case SGF_FORMAT_CONCATENATED: return "\n\n[SEP]\n\n";
    case SGF_FORMAT_SHARED_PARTS:
    case SGF_FORMAT_SHARED_CUE: return "\n";
    case SGF_FORMAT_FEW_SHOT_PARTS: return "\n\n";
    default: return "";
    }
}

static int sgf__is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static sgf_str sgf__strip(sgf_str s) {
    while (s.len && sgf__is_space(s.ptr[0])) s.ptr++, s.len--;
    while (s.len && sgf__is_space(s.ptr[s.len - 1])) s.len--;
    return s;
}
SGF_DEF sgf_str sgf_prediction_take(sgf_prediction prediction, sgf_str generation) {
    sgf_str text = sgf__strip(generation);
    size_t n = 0;
    while (n < text.len && text.ptr[n] != '\n') n++;
    text.len = n;
    for (n = 0; n < text.len && !sgf__is_space(text.ptr[n]);) n++;
    if (prediction == SGF_PREDICTION_FIRST_WORD) text.len = n;
    return sgf__strip(text);
}

/* ---- parts ---- */

/* A layout that is being built. The first failure stays in `status`; later calls do nothing. */
typedef struct sgf__builder {
    const sgf_tokenizer *tokenizer;
    const sgf_prompt *prompt;
    const sgf_method *method;
    sgf_layout *layout;
    const char *separator, *after; /* after: what a chat format writes in place of the cue, or "" */
    size_t first, end;             /* the paraphrases of this context: all, or one */
    int32_t bos;                   /* its id, or -1 */
    int bos_next;                  /* the next part begins with it */
    sgf__buf text;                 /* of the next part */
    void *ids;                     /* of a part; used again for the next one */
    size_t ids_cap;
    sgf_status status;
    sgf_error *err;
} sgf__builder;

/* Add to the text of the next part. */
static void sgf__write(sgf__builder *b, sgf_str text) {
    if (!b->status) b->status = sgf__buf_add(&b->text, text.ptr, text.len, b->err);
}
static void sgf__write_text(sgf__builder *b, const char *text) {
    sgf__write(b, sgf_text(text));
}
static int32_t sgf__segment(sgf__builder *b, sgf_role role, int32_t group) {
    int32_t segment = 0;
    if (!b->status) b->status = sgf_layout_segment(b->layout, role, group, &segment, b->err);
    return segment;
}
/* Ends a part: its text becomes ids of `segment`. */
static void sgf__part_end(sgf__builder *b, int32_t segment) {
    sgf_str text = sgf__text_of(b->text.ptr ? b->text.ptr : "", b->text.len);
    size_t bound = sgf_encode_bound(text.len) + 1, n = 0, bos = b->bos_next != 0;
    int32_t *ids;
    if (!b->status)
        b->status = sgf__grow(&b->text.mem, &b->ids, &b->ids_cap, bound, sizeof *ids, b->err);
    if (b->status) return;
    ids = (int32_t *)b->ids;
    ids[0] = b->bos;
    b->status = sgf_encode(b->tokenizer, text, 0, ids + bos, bound - bos, &n, b->err);
    if (!b->status) b->status = sgf_layout_add(b->layout, segment, ids, n + bos, b->err);
    b->text.len = 0;
    b->bos_next = 0;
}
/* A separator, in a segment of its own; group: the paraphrase it follows, or -1. */
static void sgf__separator(sgf__builder *b, int32_t group) {
    if (!*b->separator) return;
    sgf__write_text(b, b->separator);
    sgf__part_end(b, sgf__segment(b, SGF_ROLE_SEPARATOR, group));
}
static int32_t sgf__paraphrase(sgf__builder *b, size_t i) {
    const unsigned char *manual = b->prompt->manual;
    sgf_role role = !manual ? SGF_ROLE_PARAPHRASE : manual[i] ? SGF_ROLE_MANUAL : SGF_ROLE_AUTO;
    return sgf__segment(b, role, (int32_t)i);
}
static void sgf__write_question(sgf__builder *b, sgf_str question, const char *end) {
    sgf__write_text(b, "Q: ");
    sgf__write(b, question);
    sgf__write_text(b, end);
}
static void sgf__write_instruction(sgf__builder *b) {
    sgf__write_text(b, b->prompt->before);
    sgf__write(b, b->prompt->instruction);
}
/* Instruction and examples. An example takes two lines and an empty line, or one line. */
static void sgf__write_prefix(sgf__builder *b, int one_line) {
    size_t i;
    if (b->method->lines) one_line = b->method->lines == SGF_LINES_ONE;
    sgf__write_instruction(b);
    if (b->prompt->instruction.len || !sgf_text(b->prompt->before).len) sgf__write_text(b, "\n\n");
    for (i = 0; i < b->prompt->examples; i++) {
        sgf__write_question(b, b->prompt->example[i].question, one_line ? " A: " : "\nA: ");
        sgf__write(b, b->prompt->example[i].answer);
        sgf__write_text(b, one_line ? "\n" : "\n\n");
    }
    if (b->method->lines && one_line && i) sgf__write_text(b, "\n");
}
/* A paraphrase with its cue: in one part as the format has it, or in two (sgf_lines). */
static void sgf__write_asked(sgf__builder *b, size_t i, const char *cue, int32_t segment) {
    const sgf_lines lines = b->method->lines;
    if (*b->after) cue = "";
    sgf__write_question(b, b->prompt->paraphrase[i], lines ? "" : cue);
    sgf__part_end(b, segment);
    if (!lines || !*cue) return;
    sgf__write_text(b, lines == SGF_LINES_ONE ? " A:" : "\nA:");
    sgf__part_end(b, segment);
}

/* ---- formats ---- */

/* STANDARD: the prefix is a segment of its own. */
static void sgf__standard(sgf__builder *b) {
    int32_t segment;
    sgf__write_prefix(b, 0);
    sgf__part_end(b, sgf__segment(b, SGF_ROLE_SHARED, 0));
    segment = sgf__paraphrase(b, b->first);
    sgf__write_asked(b, b->first, "\nA:", segment);
}
/* CONCATENATED: each prompt is one segment. */
static void sgf__concatenated(sgf__builder *b) {
    size_t i;
    for (i = b->first; i < b->end; i++) {
        int32_t segment = sgf__paraphrase(b, i);
        b->bos_next = b->method->bos == SGF_BOS_EACH;
        sgf__write_prefix(b, 0);
        sgf__part_end(b, segment);
        sgf__write_asked(b, i, "\nA:", segment);
        if (i + 1 == b->end) break;
        sgf__write_text(b, b->after); /* the last one's is written by sgf__answer */
        if (b->text.len) sgf__part_end(b, segment);
        sgf__separator(b, (int32_t)i);
    }
}
/* The paraphrases, each a part, with a separator after each but the last. */
static void sgf__questions(sgf__builder *b, const char *cue) {
    size_t i;
    for (i = b->first; i < b->end; i++) {
        int32_t segment = sgf__paraphrase(b, i);
        b->bos_next = b->method->bos == SGF_BOS_EACH;
        sgf__write_asked(b, i, cue, segment);
        if (i + 1 < b->end) sgf__separator(b, (int32_t)i);
    }
}
/* SHARED_PARTS and SHARED_CUE. If the method has its own separator, that is a separate part after the
   prefix. Else (NULL or ""), after examples, a newline ends the prefix's text. So
   "\n" (myriadlama_custom) and NULL give different tokens. */
static void sgf__shared(sgf__builder *b) {
    int32_t prefix = sgf__segment(b, SGF_ROLE_SHARED, 0);
    int own = b->method->separator && *b->method->separator;
    b->bos_next = b->method->bos == SGF_BOS_EACH;
    sgf__write_prefix(b, 1);
    if (own && !b->method->lines) sgf__part_end(b, prefix);
    if ((own || b->prompt->examples) && !b->method->lines)
        sgf__write_text(b, own ? b->separator : "\n");
    sgf__part_end(b, prefix);
    sgf__questions(b, b->method->format == SGF_FORMAT_SHARED_CUE ? "" : " A:");
}
/* FEW_SHOT_PARTS: each question of an example, and its answer, is a segment. */
static void sgf__few_shot(sgf__builder *b) {
    size_t e, i;
    b->bos_next = b->method->bos == SGF_BOS_EACH;
    sgf__write_instruction(b);
    sgf__part_end(b, sgf__segment(b, SGF_ROLE_SHARED, 0));
    for (e = 0; e < b->prompt->examples; e++) {
        const sgf_example *example = &b->prompt->example[e];
        const sgf_str *asked = example->paraphrases ? example->paraphrase : &example->question;
        for (i = 0; i < (example->paraphrases ? example->paraphrases : 1); i++) {
            sgf__separator(b, -1);
            sgf__write_question(b, asked[i], "");
            sgf__part_end(b, sgf__segment(b, SGF_ROLE_EXAMPLE_Q, (int32_t)e));
        }
        sgf__separator(b, -1);
        sgf__write_text(b, "A: ");
        sgf__write(b, example->answer);
        sgf__part_end(b, sgf__segment(b, SGF_ROLE_EXAMPLE_A, (int32_t)e));
    }
    sgf__separator(b, -1);
    sgf__questions(b, "");
}
/* Makes the answer segment. It holds the cue; without one, the last prompt token. With AFTER_FIRST it
   is empty, and the cue belongs to the last paraphrase. */
static void sgf__answer(sgf__builder *b) {
    int after_first = b->method->fusion_start == SGF_FUSION_START_AFTER_FIRST;
    int few_shot = b->method->format == SGF_FORMAT_FEW_SHOT_PARTS && !*b->after;
    sgf_layout *layout = b->layout;
    int32_t last, answer;
    if (!b->status && !layout->tokens)
        b->status = sgf__fail(b->err, SGF_ERR_FORMAT,
                              "the tokenizer makes no tokens of the prompt: its vocabulary does "
                              "not cover the text");
    if (b->status) return;
    last = layout->seg[layout->tokens - 1];
    answer = sgf__segment(b, SGF_ROLE_ANSWER, -1);
    if (few_shot) {
        sgf__write_text(b, b->separator);
        sgf__part_end(b, after_first ? last : answer);
    }
    if (*b->after) sgf__write_text(b, b->after);
    else if (few_shot || b->method->format == SGF_FORMAT_SHARED_CUE)
        sgf__write_text(b, few_shot ? "A:" : b->method->lines == SGF_LINES_TWO ? "\nA:" : " A:");
    if (b->text.len) {
        sgf__part_end(b, after_first ? last : answer);
    } else if (!after_first && !b->status) {
        layout->seg[layout->tokens - 1] = answer;
        layout->segment[last].tokens--;
        layout->segment[answer].tokens++;
    }
}
/* Adds BOS in a segment of its own: for FIRST, and for AUTO if the tokenizer's own prompts start with
   one. */
static void sgf__bos(sgf__builder *b) {
    sgf_bos_rule rule = b->method->bos;
    sgf_tokenizer_info info;
    sgf_tokenizer_describe(b->tokenizer, &info);
    b->bos = info.bos;
    if (rule == SGF_BOS_AUTO) rule = info.adds_bos ? SGF_BOS_FIRST : SGF_BOS_NONE;
    if (rule == SGF_BOS_EACH && b->method->format == SGF_FORMAT_STANDARD) rule = SGF_BOS_FIRST;
    if (rule != SGF_BOS_NONE && b->bos < 0)
        b->status = sgf__fail(b->err, SGF_ERR_ARG,
                              "a begin-of-sequence token was asked for, but the model's tokenizer "
                              "has none");
    if (rule == SGF_BOS_FIRST) {
        int32_t segment = sgf__segment(b, SGF_ROLE_BOS, -1);
        if (!b->status) b->status = sgf_layout_add(b->layout, segment, &b->bos, 1, b->err);
    }
}

/* Does a fusion need doubts before it starts? Does it need Alone_i at all? */
static int sgf__scouts(const sgf_decoding *how) {
    return how->trust_mass > 0 || how->select;
}
static int sgf__asks_alone(const sgf_decoding *how) {
    return sgf__scouts(how) || how->alone > 0;
}
SGF_DEF sgf_status sgf_prompt_layout(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                                     const sgf_method *method, size_t which, sgf_layout *layout,
                                     sgf_error *err) {
    int fusion = method->contexts == SGF_CONTEXTS_FUSION;
    sgf__builder b;
    if (!tokenizer)
        return sgf__fail(err, SGF_ERR_ARG,
                         "the model has no tokenizer.json, so it cannot read a prompt");
    if ((unsigned)method->mask >= SGF_MASK_COUNT)
        return sgf__fail(err, SGF_ERR_ARG, "there is no mask number %d", (int)method->mask);
    if ((unsigned)method->format > SGF_FORMAT_FEW_SHOT_PARTS)
        return sgf__fail(err, SGF_ERR_ARG, "there is no format number %d", (int)method->format);
    if (fusion && method->format == SGF_FORMAT_STANDARD)
        return sgf__fail(err, SGF_ERR_ARG,
                         "SGF_FORMAT_STANDARD writes one paraphrase: %s fuses all", method->name);
    if ((unsigned)method->lines > SGF_LINES_TWO)
        return sgf__fail(err, SGF_ERR_ARG, "there are no lines number %d", (int)method->lines);
    if (method->lines && method->format == SGF_FORMAT_FEW_SHOT_PARTS)
        return sgf__fail(err, SGF_ERR_ARG,
                         "%s asks its examples in paraphrases: it has no other format",
                         method->name);
    if (sgf__asks_alone(&method->decoding) &&
        (!fusion || method->fusion_start == SGF_FUSION_START_AFTER_FIRST ||
         (method->format != SGF_FORMAT_SHARED_CUE && method->format != SGF_FORMAT_FEW_SHOT_PARTS)))
        return sgf__fail(err, SGF_ERR_ARG,
                         "%s cannot ask its paraphrases alone: that needs a fusion with one answer "
                         "cue, such as fused, from the first answer token on",
                         method->name);
    if (prompt->examples && !prompt->example)
        return sgf__fail(err, SGF_ERR_ARG, "the prompt has %llu examples, but `example` is NULL",
                         (unsigned long long)prompt->examples);
    if (!prompt->paraphrases || (!fusion && which >= prompt->paraphrases))
        return sgf__fail(err, SGF_ERR_ARG, "paraphrase %llu was asked for; the question has %llu",
                         (unsigned long long)which + 1, (unsigned long long)prompt->paraphrases);
    memset(&b, 0, sizeof b);
    b.tokenizer = tokenizer, b.prompt = prompt;
    b.method = method, b.layout = layout;
    b.separator = sgf_method_separator(method);
    b.after = prompt->after ? prompt->after : "";
    b.first = fusion ? 0 : which, b.end = fusion ? prompt->paraphrases : which + 1;
    b.err = err;
    sgf__buf_init(&b.text, &layout->mem);
    sgf_layout_clear(layout);
    sgf__bos(&b);
    switch (method->format) {
    case SGF_FORMAT_STANDARD: sgf__standard(&b); break;
    case SGF_FORMAT_CONCATENATED: sgf__concatenated(&b); break;
    case SGF_FORMAT_FEW_SHOT_PARTS: sgf__few_shot(&b); break;
    default: sgf__shared(&b); break;
    }
    sgf__answer(&b);
    if (!b.status) {
        sgf_layout_place(layout, method->positions);
        sgf_mask_set(layout, method->mask);
        layout->mixture = fusion && method->mixture;
        if (fusion && (prompt->weight || method->even_weights))
            b.status = sgf_layout_weigh(layout, prompt->weight, prompt->paraphrases, err);
    }
    sgf__free(&b.text.mem, b.ids, b.ids_cap, sizeof(int32_t));
    sgf__buf_free(&b.text);
    return b.status;
}

/* ---- combine contexts into one next token ---- */

/* The highest value; the lowest id on ties. NaN never wins. */
static int32_t sgf__argmax(const float *x, size_t n) {
    size_t i, best = 0;
    float top = -INFINITY;
    for (i = 0; i < n; i++)
        if (x[i] > top) top = x[i], best = i;
    return (int32_t)best;
}
/* Combine logits [contexts][V] into out [V]. `scratch` [V]. ENTROPY_AVG is WEIGHTED_AVG with the weights of
   this step, HIDDEN is AVG: the layers have taken the mean of the states. */
static void sgf__combine(int simd, sgf_combine rule, const double *weight, const float *logits,
                         size_t contexts, size_t V, float *scratch, float *out) {
    size_t c, v, best = 0;
    double total = 0;
    if (rule == SGF_COMBINE_ENTROPY_AVG) rule = SGF_COMBINE_WEIGHTED_AVG;
    if (rule == SGF_COMBINE_HIDDEN) rule = SGF_COMBINE_AVG;
    if (rule == SGF_COMBINE_WEIGHTED_MAX || contexts == 1) {
        for (c = 1; weight && c < contexts; c++)
            if (weight[c] > weight[best]) best = c;
        memcpy(out, logits + best * V, V * sizeof(float));
        return;
    }
    for (c = 0; weight && c < contexts; c++) total += weight[c];
    for (v = 0; v < V; v++) out[v] = 0;
    for (c = 0; c < contexts; c++) {
        const float *x = logits + c * V;
        if (rule == SGF_COMBINE_AVG)
            for (v = 0; v < V; v++) out[v] += x[v];
        else if (rule == SGF_COMBINE_WEIGHTED_AVG) {
            float share = (float)(weight && total > 0 ? weight[c] / total : 1.0 / (double)contexts);
            for (v = 0; v < V; v++) out[v] = sgf__fma_portable(share, x[v], out[v]);
        } else {
            float sum;
            memcpy(scratch, x, V * sizeof(float));
            sgf__softmax(simd, scratch, V, 1, &sum);
            for (v = 0; rule == SGF_COMBINE_AVG_P && v < V; v++) out[v] += scratch[v] / sum;
            for (v = 0; rule == SGF_COMBINE_MAX && v < V; v++)
                out[v] = scratch[v] / sum > out[v] ? scratch[v] / sum : out[v];
        }
    }
    for (v = 0; (rule == SGF_COMBINE_AVG || rule == SGF_COMBINE_AVG_P) && v < V; v++)
        out[v] /= (float)contexts;
}

/* ---- how sure is each paraphrase, asked alone? (sgf_decoding) ---- */

/* The entropy of softmax(x [V]), natural logarithm: log S - (sum of e d) / S; d = x - maximum, e = exp d,
   S the sum of all e. `scratch` [V]. */
static double sgf__entropy(int simd, const float *x, size_t V, float *scratch) {
    float top = x[sgf__argmax(x, V)], sum;
    double all = 0, dot = 0, h;
    size_t v;
    memcpy(scratch, x, V * sizeof(float));
    sgf__softmax(simd, scratch, V, 1, &sum);
    for (v = 0; v < V; v++) {
        float d = x[v] - top;
        all += (double)scratch[v];
        if (scratch[v] > 0) dot += (double)scratch[v] * (double)d; /* an exact product */
    }
    h = all >= 1 && all <= DBL_MAX ? sgf__log_d(all) - dot / all : HUGE_VAL;
    return h == h ? h : HUGE_VAL;
}
/* The doubts of n paraphrases by logits [n][V] of Alone_i, see sgf_decoding. `best` [n] and `scratch` [V]. */
static void sgf__doubts(int simd, int agreement, const float *logits, size_t n, size_t V,
                        double *best, float *scratch, double *doubt) {
    size_t i, k;
    for (i = 0; i < n; i++) {
        doubt[i] = agreement ? 0 : sgf__entropy(simd, logits + i * V, V, scratch);
        best[i] = sgf__argmax(logits + i * V, V);
    }
    for (k = 0; k < n && agreement; k++) {
        float sum;
        memcpy(scratch, logits + k * V, V * sizeof(float));
        sgf__softmax(simd, scratch, V, 1, &sum);
        for (i = 0; i < n; i++) doubt[i] += (double)(scratch[(size_t)best[i]] / sum);
    }
    for (i = 0; i < n && agreement; i++)
        doubt[i] = doubt[i] > 0 ? -sgf__log_d(doubt[i] / (double)n) : HUGE_VAL;
}
/* weight[i] = exp(-doubt[i] / t), normalised. */
static void sgf__trust(const double *doubt, size_t n, double t, double *weight) {
    double low = HUGE_VAL, total = 0;
    size_t i;
    for (i = 0; i < n; i++)
        if (doubt[i] < low) low = doubt[i];
    for (i = 0; i < n; i++)
        total += weight[i] = low < HUGE_VAL ? sgf__exp_d((low - doubt[i]) / t) : 1;
    for (i = 0; i < n; i++) weight[i] /= total;
}
/* The weights of the paraphrases by their doubts; -1: the answer does not see it (select). */
static void sgf__doubt_weights(const sgf_decoding *how, const double *doubt, size_t n,
                               double *weight) {
    double total = 0;
    size_t i, k;
    if (how->trust_mass > 0) sgf__trust(doubt, n, how->trust_mass, weight);
    for (i = 0; i < n; i++) { /* is it among the K first? */
        size_t before = 0;
        for (k = 0; k < n; k++) before += doubt[k] < doubt[i] || (k < i && doubt[k] == doubt[i]);
        if (!(how->trust_mass > 0)) weight[i] = 1;
        if (how->select && before >= how->select) weight[i] = -1;
        else total += weight[i];
    }
    for (i = 0; i < n; i++)
        if (weight[i] >= 0) weight[i] /= total;
}

/* ====================================================================================
 * [SGF-13] Audits of masks: words, comparison, leaks
 *
 * What a mask does, for people who must trust it. None of this is needed to compute an answer.
 * ==================================================================================== */

/* printf to the end of out, which stays zero-terminated. Text that does not fit is cut. */
static SGF__PRINTF(3, 4) void sgf__append(char *out, size_t cap, const char *format, ...) {
    size_t at = cap ? strlen(out) : 0;
    va_list args;
    if (at >= cap) return;
    va_start(args, format);
    vsnprintf(out + at, cap - at, format, args);
    va_end(args);
}

SGF_DEF char *sgf_segment_text(const sgf_layout *layout, int32_t segment, char *out, size_t cap) {
    static const char *const words[] = {"begin-of-sequence", "shared prefix",   "paraphrase",
                                        "manual paraphrase", "auto paraphrase", "separator",
                                        "question",          "answer",          "answer"};
    const sgf_segment *s;
    int numbered, same = 0, before = 0; /* segments of that name, those before this one */
    int32_t i;
    if (cap) out[0] = 0;
    if (!sgf__segment_is(layout, segment)) {
        sgf__append(out, cap, "segment %d, which does not exist", (int)segment);
        return out;
    }
    s = &layout->segment[segment];
    numbered = s->group >= 0 && s->role != SGF_ROLE_BOS && s->role != SGF_ROLE_SHARED &&
               s->role != SGF_ROLE_ANSWER;
    for (i = 0; i < (int32_t)layout->segments; i++)
        if (layout->segment[i].role == s->role &&
            (!numbered || layout->segment[i].group == s->group))
            same++, before += i < segment;
    sgf__append(out, cap, "%s", words[s->role]);
    if (s->role == SGF_ROLE_EXAMPLE_Q && numbered) {
        sgf__append(out, cap, " %d", before + 1);
        same = 1;
    }
    if (s->role == SGF_ROLE_EXAMPLE_Q || s->role == SGF_ROLE_EXAMPLE_A)
        sgf__append(out, cap, numbered ? " of example" : " of an example");
    if (numbered) sgf__append(out, cap, " %d", (int)s->group + 1);
    if (same > 1) sgf__append(out, cap, " (segment %d)", (int)segment);
    return out;
}

/* `token 7 (id 345 " is", paraphrase 2)` */
static void sgf__token_words(const sgf_layout *layout, const sgf_tokenizer *tokenizer, size_t i,
                             char *out, size_t cap) {
    sgf_str text = sgf_text(NULL);
    char name[96];
    size_t at, n;
    uint32_t code;
    if (tokenizer) text = sgf_token_text(tokenizer, layout->token[i]);
    sgf__append(out, cap, "token %d (id %d", (int)i, (int)layout->token[i]);
    if (text.len) sgf__append(out, cap, " \"");
    for (at = 0; at < text.len && at < 48; at += n) {
        unsigned char c = (unsigned char)text.ptr[at];
        n = sgf__utf8_next(text.ptr + at, text.len - at, &code);
        if (c == '\n') sgf__append(out, cap, "\\n");
        else if (!n || c < 0x20 || c == 0x7F) sgf__append(out, cap, "\\x%02X", (unsigned)c);
        else if (c == '"' || c == '\\') sgf__append(out, cap, "\\%c", c);
        else sgf__append(out, cap, "%.*s", (int)n, text.ptr + at);
        if (!n) n = 1;
    }
    if (text.len) sgf__append(out, cap, at < text.len ? "...\"" : "\"");
    sgf__append(out, cap, ", %s)", sgf_segment_text(layout, layout->seg[i], name, sizeof name));
}
SGF_DEF sgf_status sgf_mask_explain(const sgf_layout *layout, const sgf_tokenizer *tokenizer,
                                    size_t q, size_t k, char *out, size_t cap, sgf_error *err) {
    int row, column, bit;
    if (q >= layout->tokens || k >= layout->tokens)
        return sgf__fail(err, SGF_ERR_ARG, "there is no token %llu: the layout has %llu",
                         (unsigned long long)(q < layout->tokens ? k : q),
                         (unsigned long long)layout->tokens);
    row = layout->seg[q], column = layout->seg[k];
    bit = sgf_visible(layout, row, column);
    if (cap) out[0] = 0;
    sgf__token_words(layout, tokenizer, q, out, cap);
    sgf__append(out, cap, sgf__attends(layout, q, k) ? " sees " : " does not see ");
    sgf__token_words(layout, tokenizer, k, out, cap);
    if (k > q)
        sgf__append(out, cap, ": it is later (%d > %d), and no token sees a later one", (int)k,
                    (int)q);
    else if (q == k) sgf__append(out, cap, ", itself: visible[%d][%d] is %d", row, row, bit);
    else
        sgf__append(out, cap, ": %d < %d, %s visible[%d][%d] is %d", (int)k, (int)q,
                    bit ? "and" : "but", row, column, bit);
    return SGF_OK;
}

SGF_DEF size_t sgf_mask_compare(const sgf_layout *layout, const uint8_t *dense, size_t *q,
                                size_t *k) {
    size_t row, column, T = layout->tokens, differ = 0;
    for (row = 0; row < T; row++)
        for (column = 0; column < T; column++) {
            if (sgf__attends(layout, row, column) == (dense[row * T + column] != 0)) continue;
            if (!differ && q) *q = row;
            if (!differ && k) *k = column;
            differ++;
        }
    return differ;
}

/* ---- leaks ----
   Breadth-first search from each segment. In a dense mask it visits tokens. In a layout nothing of size
   T x T is needed: a token reaches all later tokens of a segment that sees it. So only the first token
   that was reached matters in each segment, and a hop counts only if it reaches an earlier one. */

SGF_DEF int sgf_mask_allows(sgf_mask promise, const sgf_segment *from, const sgf_segment *to) {
    int question_from = from->role == SGF_ROLE_EXAMPLE_Q, same_group = from->group == to->group;
    int question_to = to->role == SGF_ROLE_EXAMPLE_Q, both = question_from && question_to;
    if (promise == SGF_MASK_CAUSAL || from == to) return 1;
    if ((question_from || from->role == SGF_ROLE_EXAMPLE_A) &&
        (question_to || to->role == SGF_ROLE_EXAMPLE_A)) {
        if (promise == SGF_MASK_FEW_SHOT) return same_group && !both;
        return promise != SGF_MASK_FEW_SHOT_ORIGINAL || !both || !same_group;
    }
    if (!sgf__is_paraphrase(from->role) || !sgf__is_paraphrase(to->role)) return 1;
    if (promise == SGF_MASK_HUB && from->group == 0) return 1;
    if (promise == SGF_MASK_MANUAL_CROSS && from->role == SGF_ROLE_MANUAL &&
        to->role == SGF_ROLE_MANUAL)
        return 1;
    return from->group >= 0 && same_group;
}

/* Information has arrived at a token. */
typedef struct sgf__arrival {
    int32_t token, hops, before; /* before: the arrival it came from, -1 at its source */
} sgf__arrival;

typedef struct sgf__leaks {
    const sgf_layout *layout;
    sgf__arrival *arrival; /* [T] from one source, hop after hop */
    int32_t arrivals;
    int32_t *found; /* [S] the first arrival in each segment, -1 if there is none */
    /* a layout's own mask: */
    int32_t *first;       /* [S] the first token that was reached, T if there is none */
    int32_t *from, *next; /* [S] see sgf__leaks_hop */
    /* a dense mask: */
    size_t words;      /* of 64 tokens */
    uint64_t *seen;    /* [T][words] bit q of row k: q sees k. NULL: a layout's own mask */
    uint64_t *reached; /* [words] */
} sgf__leaks;

static void sgf__leaks_arrive(sgf__leaks *l, int32_t token, int32_t hops, int32_t before) {
    sgf__arrival *made = &l->arrival[l->arrivals];
    int32_t *found = &l->found[l->layout->seg[token]];
    made->token = token, made->hops = hops, made->before = before;
    if (*found < 0) *found = l->arrivals;
    l->arrivals++;
}
/* One more hop in a layout, from the arrivals [begin, end). For each segment: `from`, the earliest
   of them that it may see; `next`, its first token from there on; then the first arrival that this one sees. */
static void sgf__leaks_hop(sgf__leaks *l, int32_t begin, int32_t end) {
    int32_t S = (int32_t)l->layout->segments, T = (int32_t)l->layout->tokens, s, i;
    for (s = 0; s < S; s++) {
        l->from[s] = l->next[s] = l->first[s];
        for (i = begin; i < end; i++) {
            int32_t token = l->arrival[i].token;
            if (token < l->from[s] && sgf_visible(l->layout, s, l->layout->seg[token]))
                l->from[s] = token;
        }
    }
    for (i = T - 1; i >= 0; i--)
        if (i >= l->from[l->layout->seg[i]]) l->next[l->layout->seg[i]] = i;
    for (s = 0; s < S; s++) {
        int32_t next = l->next[s];
        if (next >= l->first[s]) continue;
        for (i = begin; l->arrival[i].token > next ||
                        !sgf_visible(l->layout, s, l->layout->seg[l->arrival[i].token]);)
            i++;
        l->first[s] = next;
        sgf__leaks_arrive(l, next, l->arrival[i].hops + 1, i);
    }
}
/* The same in a dense mask: all tokens that see one of them and were not reached before. */
static void sgf__leaks_hop_dense(sgf__leaks *l, int32_t begin, int32_t end) {
    int32_t i, token;
    size_t w;
    for (i = begin; i < end; i++)
        for (w = 0; w < l->words; w++) {
            uint64_t fresh = l->seen[(size_t)l->arrival[i].token * l->words + w] & ~l->reached[w];
            l->reached[w] |= fresh;
            for (token = (int32_t)w * 64; fresh; fresh >>= 1, token++)
                if (fresh & 1) sgf__leaks_arrive(l, token, l->arrival[i].hops + 1, i);
        }
}
/* Marks everything that information of segment `from` reaches in `layers` hops. */
static void sgf__leaks_search(sgf__leaks *l, int32_t from, size_t layers) {
    int32_t S = (int32_t)l->layout->segments, T = (int32_t)l->layout->tokens, begin = 0, i;
    size_t hops;
    l->arrivals = 0;
    for (i = 0; i < S; i++) l->found[i] = -1, l->first[i] = T;
    if (l->seen) memset(l->reached, 0, l->words * sizeof(uint64_t));
    for (i = 0; i < T && (l->seen || !l->arrivals); i++) {
        if (l->layout->seg[i] != from) continue;
        if (l->seen) l->reached[i / 64] |= (uint64_t)1 << (i % 64);
        l->first[from] = i;
        sgf__leaks_arrive(l, i, 0, -1);
    }
    for (hops = 0; hops < layers && begin < l->arrivals; hops++) {
        int32_t end = l->arrivals;
        if (l->seen) sgf__leaks_hop_dense(l, begin, end);
        else sgf__leaks_hop(l, begin, end);
        begin = end;
    }
}
/* Makes the leak from the source to segment `to`. A long path leaves out its middle. */
static void sgf__leak_make(const sgf__leaks *l, int32_t from, int32_t to, sgf_leak *leak) {
    const sgf__arrival *at = &l->arrival[l->found[to]];
    size_t hops = (size_t)at->hops, half = SGF_LEAK_PATH / 2;
    memset(leak, 0, sizeof *leak);
    leak->from = from, leak->to = to, leak->hops = hops;
    leak->tokens = hops < SGF_LEAK_PATH ? hops + 1 : (size_t)SGF_LEAK_PATH;
    for (;; at = &l->arrival[at->before]) {
        size_t hop = (size_t)at->hops;
        if (hops - hop < half) leak->path[leak->tokens - 1 - (hops - hop)] = at->token;
        else if (hop < half) leak->path[hop] = at->token;
        if (at->before < 0) return;
    }
}
/* Makes room; packs the columns of a dense mask into bits. */
static sgf_status sgf__leaks_prepare(sgf__leaks *l, const uint8_t *dense, sgf__arena *arena,
                                     sgf_error *err) {
    const sgf_layout *layout = l->layout;
    size_t T = layout->tokens, S = layout->segments, q, k;
    l->arrival = (sgf__arrival *)sgf__arena_alloc(arena, T, sizeof *l->arrival, err);
    l->found = (int32_t *)sgf__arena_alloc(arena, 4 * S, sizeof *l->found, err);
    if (!l->arrival || !l->found) return SGF_ERR_MEMORY;
    l->first = l->found + S, l->from = l->first + S, l->next = l->from + S;
    if (!dense) return SGF_OK;
    l->words = (T + 63) / 64;
    l->seen = (uint64_t *)sgf__arena_alloc(arena, (T + 1) * l->words, sizeof *l->seen, err);
    if (!l->seen) return SGF_ERR_MEMORY;
    l->reached = l->seen + T * l->words;
    for (q = 0; q < T; q++)
        for (k = 0; k < T; k++)
            l->seen[k * l->words + q / 64] |= (uint64_t)(dense[q * T + k] != 0) << (q % 64);
    return SGF_OK;
}
SGF_DEF sgf_status sgf_mask_leaks(const sgf_layout *layout, const uint8_t *dense, sgf_mask promise,
                                  size_t layers, sgf_leak *leaks, size_t cap, size_t *count,
                                  sgf_error *err) {
    const sgf_segment *segment = layout->segment;
    int32_t S = (int32_t)layout->segments, from, to;
    size_t n = 0;
    sgf__leaks l;
    sgf__arena arena;
    sgf_status status;
    if ((unsigned)promise >= SGF_MASK_COUNT)
        return sgf__fail(err, SGF_ERR_ARG, "there is no mask number %d", (int)promise);
    memset(&l, 0, sizeof l);
    l.layout = layout;
    sgf__arena_init(&arena, &layout->mem);
    status = sgf__leaks_prepare(&l, dense, &arena, err);
    for (from = 0; from < S && !status; from++) {
        for (to = 0; to < S && sgf_mask_allows(promise, &segment[from], &segment[to]);) to++;
        if (to == S) continue; /* it may reach all */
        sgf__leaks_search(&l, from, layers ? layers : SIZE_MAX);
        for (; to < S; to++) {
            if (l.found[to] < 0 || sgf_mask_allows(promise, &segment[from], &segment[to])) continue;
            if (n < cap) sgf__leak_make(&l, from, to, &leaks[n]);
            n++;
        }
    }
    if (!status) *count = n;
    sgf__arena_free(&arena);
    return status;
}

/* ==================================================================================== */
/* The front ends here. The rest is the fast engine, which gives the bits of [SGF-11], and files. */

/* ====================================================================================
 * [SGF-14] Kernels and threads: the reference's sums, many at a time
 *
 *     out[n][t] = 0;  for k ascending: out[n][t] = fma(w[n][k], x[k][t], out[n][t])
 *
 * A vector's lanes are different outputs (tokens, weight rows, channels), never parts of one sum: wider
 * vectors compute more sums at a time, and each in the same order.
 *
 * Activations are kept in panels: [features][W] floats for W tokens, W = 1 to 32 (unused
 * lanes are 0). Kernels read and write panels, so panels need no repacking.
 * ==================================================================================== */

/* What the rest needs of the system. */
#if (defined(_WIN32) || defined(SGF_NO_STDIO)) && !defined(SGF_NO_MMAP)
#define SGF_NO_MMAP
#endif
#ifndef SGF_NO_MMAP
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifndef POSIX_MADV_RANDOM
#error \
    "put segfuse.h before the system's headers, or define _POSIX_C_SOURCE as 200809L, or SGF_NO_MMAP"
#endif
#endif
#ifndef SGF_NO_THREADS
#include <pthread.h>
#endif
#ifdef SGF__X86
#include <cpuid.h>
#if defined(__cplusplus) && !defined(__clang__)
#pragma GCC diagnostic push /* gcc 12 warns of its own undefined vectors */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif
#elif defined(SGF__ARM)
#include <arm_neon.h>
#endif

/* Threads: a task works on the items [begin, end). sgf__parallel is at the end of this section. */
typedef void sgf__pool_task(void *context, size_t begin, size_t end, int thread);
typedef struct sgf__pool sgf__pool;
static void sgf__parallel(sgf__pool *pool, size_t n, size_t grain, sgf__pool_task *task,
                          void *context);

/* Prefetches fill the second-level cache, which has room for more of them than the first. */
#if defined(__GNUC__)
#define SGF__INLINE      static inline __attribute__((always_inline, unused))
#define SGF__NOINLINE    __attribute__((noinline))
#define SGF__PREFETCH(p) __builtin_prefetch(p, 0, 2)
#else
#define SGF__INLINE static inline
#define SGF__NOINLINE
#define SGF__PREFETCH(p) (void)(p)
#endif
#if defined(__clang__)
#define SGF__UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define SGF__UNROLL _Pragma("GCC unroll 16")
#else
#define SGF__UNROLL
#endif

/* The instruction sets a kernel is compiled for; a session decides which one runs. */
enum { SGF__PORTABLE, SGF__NEON, SGF__AVX2, SGF__AVX512 };

#ifdef SGF__X86
static int sgf__f16c(void) { /* gcc before 11 does not know the name */
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
}
#endif
static int sgf__simd_best(void) {
#ifdef SGF__X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && sgf__f16c())
        return __builtin_cpu_supports("avx512f") ? SGF__AVX512 : SGF__AVX2;
#endif
#ifdef SGF__ARM
    return SGF__NEON;
#else
    return SGF__PORTABLE;
#endif
}

/* A kernel: SGF__KERNEL(name, parameters, arguments) { body } is compiled once for each instruction set;
   its first parameter is `int simd`, a constant in the body. `call` is what
   each instruction set calls: the body, or a switch over widths. */
#ifdef SGF__X86
#define SGF__TARGET_AVX2   __attribute__((target("avx2,fma,f16c")))
#define SGF__TARGET_AVX512 __attribute__((target("avx512f,avx2,fma,f16c")))
#define SGF__KERNEL_OF(name, call, declare, args)          \
    SGF__TARGET_AVX512 static void name##_avx512 declare { \
        simd = SGF__AVX512;                                \
        call args;                                         \
    }                                                      \
    SGF__TARGET_AVX2 static void name##_avx2 declare {     \
        simd = SGF__AVX2;                                  \
        call args;                                         \
    }                                                      \
    static void name declare {                             \
        if (simd == SGF__AVX512) name##_avx512 args;       \
        else if (simd == SGF__AVX2) name##_avx2 args;      \
        else {                                             \
            simd = SGF__PORTABLE;                          \
            name##_body args;                              \
        }                                                  \
    }                                                      \
    SGF__INLINE void name##_body declare
#else
#define SGF__KERNEL_OF(name, call, declare, args) \
    static void name declare {                    \
        simd = SGF__PORTABLE;                     \
        call args;                                \
    }                                             \
    SGF__INLINE void name##_body declare
#endif
#define SGF__KERNEL(name, declare, args)  \
    SGF__INLINE void name##_body declare; \
    SGF__KERNEL_OF(name, name##_body, declare, args)

/* e^x and ln x in double, for tables made once and for statistics, built like sgf__sincos_d. */
static double sgf__exp_d(double x) {
    double n, r, p = 1;
    int i, half;
    uint64_t a, b;
    double low, high;
    if (x != x) return x;
    if (x > 709.7) return HUGE_VAL;
    if (x < -745.2) return 0;
    n = floor(fma(x, 1.4426950408889634, 0.5));
    r = fma(n, -0x1.62e42fefa38p-1, x);
    r = fma(n, -0x1.ef35793c7673p-45, r);
    for (i = 14; i >= 1; i--) p = fma(p, r / i, 1.0);
    i = (int)n;
    half = i / 2;
    a = (uint64_t)(half + 1023) << 52;
    b = (uint64_t)(i - half + 1023) << 52;
    memcpy(&low, &a, 8);
    memcpy(&high, &b, 8);
    return p * low * high;
}
static double sgf__log_d(double x) { /* x > 0, normal */
    uint64_t bits;
    double m, s, z, p = 0;
    int e, i;
    memcpy(&bits, &x, 8);
    e = (int)(bits >> 52) - 1022;
    bits = (bits & 0xFFFFFFFFFFFFFu) | (uint64_t)1022 << 52;
    memcpy(&m, &bits, 8); /* x = m 2^e, m in [0.5, 1) */
    if (m < 0.70710678118654752) m = m + m, e--;
    s = (m - 1) / (m + 1); /* ln m = 2 artanh s */
    z = s * s;
    for (i = 25; i >= 1; i -= 2) p = fma(p, z, 1.0 / i);
    return fma((double)e, 0x1.62e42fefa38p-1, fma((double)e, 0x1.ef35793c7673p-45, 2 * s * p));
}

static size_t sgf__max(size_t a, size_t b) {
    return a > b ? a : b;
}
static size_t sgf__min(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Bytes of an element. */
static size_t sgf__dtype_size(sgf_dtype dtype) {
    return dtype == SGF_DTYPE_F32 ? 4 : 2;
}
/* out[n] = elements [first, first + n) of the tensor */
SGF__NOINLINE static void sgf__widen(const sgf_tensor *w, size_t first, size_t n, float *out) {
    const float *whole = (const float *)w->data + first;
    const uint16_t *half = (const uint16_t *)w->data + first;
    size_t i;
    if (w->dtype == SGF_DTYPE_F32) memcpy(out, whole, n * sizeof(float));
    else if (w->dtype == SGF_DTYPE_BF16)
        for (i = 0; i < n; i++) out[i] = sgf__bf16_float(half[i]);
    else
        for (i = 0; i < n; i++) out[i] = sgf__f16_float(half[i]);
}

/* ---- vectors: what every kernel is written in, once for each instruction set ----
   load, store, set1, add, fma    as their names say; fma(a, b, c) = a b + c
   fma_if                         lanes whose bit is set get a b + c, the others keep c
   words, transpose               a vector of 32-bit words; a square of words, transposed in place
   low, high                      the words of two vectors in turn, from the lower and upper half of
                                  every 128 bits
   low16, high16                  the bf16 in the lower and upper half of every word, as float
   half                           the f16 in the lower half of every word, as float
   shift                          every word's upper half into its lower one */

#ifdef SGF__X86
#define sgf__512_target                SGF__TARGET_AVX512
#define sgf__512_lanes                 16
#define sgf__512_float                 __m512
#define sgf__512_word                  __m512i
#define sgf__512_zero                  _mm512_setzero_ps()
#define sgf__512_load                  _mm512_loadu_ps
#define sgf__512_store                 _mm512_storeu_ps
#define sgf__512_set1                  _mm512_set1_ps
#define sgf__512_add                   _mm512_add_ps
#define sgf__512_fma                   _mm512_fmadd_ps
#define sgf__512_fma_if(bits, a, b, c) _mm512_mask3_fmadd_ps(a, b, c, (__mmask16)(bits))
#define sgf__512_words(p)              _mm512_loadu_si512((const void *)(p))
#define sgf__512_low                   _mm512_unpacklo_epi32
#define sgf__512_high                  _mm512_unpackhi_epi32
#define sgf__512_as_float              _mm512_castsi512_ps
#define sgf__512_low16(w)              _mm512_castsi512_ps(_mm512_slli_epi32(w, 16))
#define sgf__512_high16(w)             _mm512_castsi512_ps(_mm512_and_si512(w, _mm512_set1_epi32(-65536)))
#define sgf__512_shift(w)              _mm512_srli_epi32(w, 16)
#define sgf__512_half(w)               _mm512_cvtph_ps(_mm512_cvtepi32_epi16(w))

#define sgf__256_target    SGF__TARGET_AVX2
#define sgf__256_lanes     8
#define sgf__256_float     __m256
#define sgf__256_word      __m256i
#define sgf__256_zero      _mm256_setzero_ps()
#define sgf__256_load      _mm256_loadu_ps
#define sgf__256_store     _mm256_storeu_ps
#define sgf__256_set1      _mm256_set1_ps
#define sgf__256_add       _mm256_add_ps
#define sgf__256_fma       _mm256_fmadd_ps
#define sgf__256_words(p)  _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define sgf__256_low       _mm256_unpacklo_epi32
#define sgf__256_high      _mm256_unpackhi_epi32
#define sgf__256_as_float  _mm256_castsi256_ps
#define sgf__256_low16(w)  _mm256_castsi256_ps(_mm256_slli_epi32(w, 16))
#define sgf__256_high16(w) _mm256_castsi256_ps(_mm256_and_si256(w, _mm256_set1_epi32(-65536)))
#define sgf__256_shift(w)  _mm256_srli_epi32(w, 16)
SGF__TARGET_AVX2 SGF__INLINE __m256 sgf__256_half(__m256i w) {
    __m256i low = _mm256_and_si256(w, _mm256_set1_epi32(0xFFFF));
    low = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08);
    return _mm256_cvtph_ps(_mm256_castsi256_si128(low));
}
SGF__TARGET_AVX2 SGF__INLINE __m256 sgf__256_fma_if(uint32_t bits, __m256 a, __m256 b, __m256 c) {
    __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i set = _mm256_and_si256(_mm256_set1_epi32((int)bits), lane);
    return _mm256_blendv_ps(c, _mm256_fmadd_ps(a, b, c),
                            _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane)));
}
#endif

#ifdef SGF__ARM
#define sgf__128_target
#define sgf__128_lanes        4
#define sgf__128_float        float32x4_t
#define sgf__128_word         uint32x4_t
#define sgf__128_zero         vdupq_n_f32(0)
#define sgf__128_load         vld1q_f32
#define sgf__128_store        vst1q_f32
#define sgf__128_set1         vdupq_n_f32
#define sgf__128_add          vaddq_f32
#define sgf__128_fma(a, b, c) vfmaq_f32(c, a, b)
#define sgf__128_words(p)     vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)(const void *)(p)))
#define sgf__128_low          vzip1q_u32
#define sgf__128_high         vzip2q_u32
#define sgf__128_as_float     vreinterpretq_f32_u32
#define sgf__128_low16(w)     vreinterpretq_f32_u32(vshlq_n_u32(w, 16))
#define sgf__128_high16(w)    vreinterpretq_f32_u32(vandq_u32(w, vdupq_n_u32(0xFFFF0000u)))
#define sgf__128_shift(w)     vshrq_n_u32(w, 16)
#define sgf__128_half(w)      vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(w)))
SGF__INLINE float32x4_t sgf__128_fma_if(uint32_t bits, float32x4_t a, float32x4_t b,
                                        float32x4_t c) {
    static const uint32_t lanes[4] = {1, 2, 4, 8};
    return vbslq_f32(vtstq_u32(vdupq_n_u32(bits), vld1q_u32(lanes)), vfmaq_f32(c, a, b), c);
}
#endif

/* Half of the transposition of every square of 4 x 4 words; twice is all of it. */
#define SGF__INTERLEAVE(I, from, to)                          \
    SGF__UNROLL for (i = 0; i < I##_lanes; i += 2) {          \
        int row = i / 4 * 4 + i % 4 / 2;                      \
        (to)[i] = I##_low((from)[row], (from)[row + 2]);      \
        (to)[i + 1] = I##_high((from)[row], (from)[row + 2]); \
    }
#ifdef SGF__X86
SGF__TARGET_AVX512 SGF__INLINE void sgf__512_transpose(__m512i *r) {
    __m512i t[16];
    int i;
    SGF__INTERLEAVE(sgf__512, r, t)
    SGF__INTERLEAVE(sgf__512, t, r)
    SGF__UNROLL for (i = 0; i < 8; i++) { /* then the squares as a whole */
        int row = i + i / 4 * 4;
        t[row] = _mm512_shuffle_i32x4(r[row], r[row + 4], 0x88);
        t[row + 4] = _mm512_shuffle_i32x4(r[row], r[row + 4], 0xDD);
    }
    SGF__UNROLL for (i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xDD);
    }
}
SGF__TARGET_AVX2 SGF__INLINE void sgf__256_transpose(__m256i *r) {
    __m256i t[8], u[8];
    int i;
    SGF__INTERLEAVE(sgf__256, r, t)
    SGF__INTERLEAVE(sgf__256, t, u)
    SGF__UNROLL for (i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
}
#endif
#ifdef SGF__ARM
SGF__INLINE void sgf__128_transpose(uint32x4_t *r) {
    uint32x4_t t[4];
    int i;
    SGF__INTERLEAVE(sgf__128, r, t)
    SGF__INTERLEAVE(sgf__128, t, r)
}
#endif

/* ---- a tile: some rows by some lanes ----
   out[r][lane] = (first ? 0 : out[r][lane]) + sum over k of w[k][r] * x[k][lane], as the chain above.
   ROWS x NV accumulators stay in registers; a step in k loads NV vectors of x, broadcasts ROWS weights
   and issues ROWS * NV fused multiply-adds. There are two forms: fma, where every lane adds
   every step, and fma_if, where step k changes only lanes whose bit is set in seen[k].

   In bf16 (sgf__sum) a tile has two chains an output, which are added to `out` after each 32 steps.
   Vectors do not flush: they compute only where nothing can be flushed. The lowest power of two of a
   number is the exponent of a bf16's last bit; a sum of products is a multiple of the product of both
   factors' lowest powers, so if that is 2^-126 or more no sum is tiny, except 0. sgf__clean tells it
   from the least exponents of weights and activations, for 32 steps at a time. Where it says no, and in
   plain C, sgf__tile_flushed computes. Without tiny numbers no zero is negative, so a lane that a step
   hides may add 0 times a finite number. */

#define SGF__TILE_ROWS  ((size_t)12)
#define SGF__TILE_K     ((size_t)512)
#define SGF__BLOCK      ((size_t)32) /* steps of a sum in bf16; TILE_K is a multiple */
#define SGF__TILE_AHEAD ((size_t)16) /* how many steps ahead x is prefetched */
#define SGF__PANEL      ((size_t)32)
#define SGF__PANELS     8            /* the most panels of a product */
#define SGF__STRIPE     ((size_t)96) /* least rows of a thread; a multiple of each kernel's */

/* `count` steps of k whose weights are stored together. x runs on across parts. */
typedef struct sgf__tile_part {
    const float *w;
    size_t count;
} sgf__tile_part;

typedef struct sgf__tile {
    const sgf__tile_part *part; /* [parts] */
    size_t parts, row;          /* row: the tile's first */
    const float *x;
    float *out;
    size_t w_k, x_k, out_row; /* floats from one step or row to the next */
    const uint32_t *seen;     /* NULL, or [the steps of the only part], at most 32 */
    int first;
    int bf16; /* 1: in that arithmetic, which has one part */
    int clean; /* 1: sgf__clean of all its steps, and where `seen` hides a step the factors are finite */
} sgf__tile;

#define SGF__ADD_ALL(I, v, a, b, c)  I##_fma(a, b, c)
#define SGF__ADD_SEEN(I, v, a, b, c) I##_fma_if(seen[k] >> (v * I##_lanes), a, b, c)

#define SGF__TILE(I, form, ROWS, NV, ADD)                                                     \
    I##_target static void I##_##form##_##ROWS##x##NV(const sgf__tile *tile) {                \
        const float *x = tile->x;                                                             \
        const uint32_t *seen = tile->seen;                                                    \
        size_t w_k = tile->w_k, out_row = tile->out_row, p, k, r, v;                          \
        I##_float sum[ROWS][NV], lanes[NV];                                                   \
        float *out = tile->out;                                                               \
        (void)seen;                                                                           \
        SGF__UNROLL for (r = 0; r < ROWS; r++) SGF__UNROLL for (v = 0; v < NV; v++)           \
            sum[r][v] = tile->first ? I##_zero : I##_load(out + r * out_row + v * I##_lanes); \
        for (p = 0; p < tile->parts; p++) {                                                   \
            const float *w = tile->part[p].w + tile->row;                                     \
            for (k = 0; k < tile->part[p].count; k++, w += w_k, x += tile->x_k) {             \
                SGF__UNROLL for (v = 0; v < NV; v++) {                                        \
                    lanes[v] = I##_load(x + v * I##_lanes);                                   \
                    SGF__PREFETCH(x + SGF__TILE_AHEAD * tile->x_k + v * I##_lanes);           \
                }                                                                             \
                SGF__UNROLL for (r = 0; r < ROWS; r++) {                                      \
                    I##_float weight = I##_set1(w[r]);                                        \
                    SGF__UNROLL for (v = 0; v < NV; v++)                                      \
                        sum[r][v] = ADD(I, v, weight, lanes[v], sum[r][v]);                   \
                }                                                                             \
            }                                                                                 \
        }                                                                                     \
        SGF__UNROLL for (r = 0; r < ROWS; r++) SGF__UNROLL for (v = 0; v < NV; v++)           \
            I##_store(out + r * out_row + v * I##_lanes, sum[r][v]);                          \
    }
/* The rows of a block take turns, HALF at a time, so that both chains of an output stay in registers. */
#define SGF__TILE_PAIRS(I, ROWS, HALF, NV)                                                    \
    I##_target static void I##_pairs_##ROWS##x##NV(const sgf__tile *tile) {                   \
        size_t w_k = tile->w_k, x_k = tile->x_k, done, n, half, k, r, v;                      \
        I##_float even[HALF][NV], odd[HALF][NV], lanes[NV];                                   \
        for (done = 0; done < tile->part->count; done += n) {                                 \
            n = sgf__min(tile->part->count - done, SGF__BLOCK);                               \
            for (half = 0; half < ROWS / HALF; half++) {                                      \
                const float *x = tile->x + done * x_k;                                        \
                const float *w = tile->part->w + tile->row + done * w_k + half * HALF;        \
                float *out = tile->out + half * HALF * tile->out_row;                         \
                SGF__UNROLL for (r = 0; r < HALF; r++) SGF__UNROLL for (v = 0; v < NV; v++)   \
                    even[r][v] = odd[r][v] = I##_zero;                                        \
                for (k = n; k; k -= 2) {                                                      \
                    SGF__PAIRS_STEP(I, HALF, NV, even)                                        \
                    if (k == 1) break;                                                        \
                    SGF__PAIRS_STEP(I, HALF, NV, odd)                                         \
                }                                                                             \
                SGF__UNROLL for (r = 0; r < HALF; r++) SGF__UNROLL for (v = 0; v < NV; v++) { \
                    float *to = out + r * tile->out_row + v * I##_lanes;                      \
                    I##_float before = tile->first && !done ? I##_zero : I##_load(to);        \
                    I##_store(to, I##_add(before, I##_add(even[r][v], odd[r][v])));           \
                }                                                                             \
            }                                                                                 \
        }                                                                                     \
    }
/* Each half prefetches one vector. */
#define SGF__PAIRS_STEP(I, HALF, NV, sum)                                                      \
    SGF__PREFETCH(x + SGF__TILE_AHEAD * x_k + half * I##_lanes);                               \
    SGF__UNROLL for (v = 0; v < NV; v++) lanes[v] = I##_load(x + v * I##_lanes);               \
    SGF__UNROLL for (r = 0; r < HALF; r++) {                                                   \
        I##_float weight = I##_set1(w[r]);                                                     \
        SGF__UNROLL for (v = 0; v < NV; v++) sum[r][v] = I##_fma(weight, lanes[v], sum[r][v]); \
    }                                                                                          \
    x += x_k, w += w_k;
typedef void sgf__tile_kernel(const sgf__tile *tile);
typedef struct sgf__tiles { /* kernels of one width, for a few numbers of rows */
    size_t lanes, rows[3];
    sgf__tile_kernel *kernel[3][3]; /* `all`, `seen`, `pairs` */
} sgf__tiles;

#define SGF__TILE_FORMS(I, ROWS, NV)          \
    SGF__TILE(I, all, ROWS, NV, SGF__ADD_ALL) \
    SGF__TILE(I, seen, ROWS, NV, SGF__ADD_SEEN)
#define SGF__TILE_SIZES(I, MOST, HALF, FEW, NV) \
    SGF__TILE_FORMS(I, MOST, NV)                \
    SGF__TILE_FORMS(I, 4, NV)                   \
    SGF__TILE_FORMS(I, 1, NV)                   \
    SGF__TILE_PAIRS(I, MOST, HALF, NV)          \
    SGF__TILE_PAIRS(I, 4, FEW, NV)              \
    SGF__TILE_PAIRS(I, 1, 1, NV)
#define SGF__TILES(I, MOST, NV)                                               \
    {                                                                         \
        (size_t)(NV) * I##_lanes, {MOST, 4, 1}, {                             \
            {I##_all_##MOST##x##NV, I##_all_4x##NV, I##_all_1x##NV},          \
                {I##_seen_##MOST##x##NV, I##_seen_4x##NV, I##_seen_1x##NV}, { \
                I##_pairs_##MOST##x##NV, I##_pairs_4x##NV, I##_pairs_1x##NV   \
            }                                                                 \
        }                                                                     \
    }

/* ---- weights times a few columns: decoding ----
   Lanes are weight rows: a square of 32-bit words is loaded, transposed in registers, widened, and
   multiplied with broadcast activations; T of the W columns share the work (all; of 32 a half at a time).
   Reading the weights limits the speed of decoding: each row is prefetched SGF__AHEAD bytes before it
   is needed, and at its end the row that follows. w: the first of `lanes` rows, `stride` bytes to the next
   one; x [K][W]; out [lanes][W]; k from 0 to the last whole square, in bf16 (two chains) to the last 32
   steps. Of two chains, a square's even steps come before its odd ones, so that few sums are in
   registers at a time. */
enum { SGF__AHEAD = 512 };
/* The elements of a word: one or two. */
#define SGF__PART_BF16(I, word, part) ((part) ? I##_high16(word) : I##_low16(word))
#define SGF__PART_F16(I, word, part)  I##_half((part) ? I##_shift(word) : (word))
#define SGF__PART_F32(I, word, part)  I##_as_float(word)
#define SGF__GEMV(I, name, PART, PER, CHAINS, W, T)                                       \
    I##_target static void I##_##name##_##W(const char *w, size_t stride, const float *x, \
                                            float *out, size_t K) {                       \
        enum { width = W, columns = T, per = PER, chains = CHAINS, lanes = I##_lanes };   \
        const char *ahead;                                                                \
        I##_float sum[chains][columns], all[columns];                                     \
        I##_word word[lanes];                                                             \
        float column[lanes];                                                              \
        size_t k, i, t, a, b;                                                             \
        SGF__UNROLL for (t = 0; t < columns; t++) {                                       \
            all[t] = sum[0][t] = I##_zero;                                                \
            sum[chains - 1][t] = I##_zero;                                                \
        }                                                                                 \
        for (k = 0; k + lanes * per <= K; k += lanes * per, w += lanes * 4) {             \
            ahead = w + SGF__AHEAD;                                                       \
            if (k + SGF__AHEAD / 4 * per >= K) ahead += lanes * stride - K * (4 / per);   \
            SGF__UNROLL for (i = 0; i < lanes; i++) {                                     \
                word[i] = I##_words(w + i * stride);                                      \
                SGF__PREFETCH(ahead + i * stride);                                        \
            }                                                                             \
            I##_transpose(word);                                                          \
            SGF__UNROLL for (a = 0; a < (chains == 2 ? per : lanes); a++)                 \
                SGF__UNROLL for (b = 0; b < (chains == 2 ? lanes : per); b++) {           \
                size_t row = chains == 2 ? b : a, part = chains == 2 ? a : b;             \
                I##_float weight = PART(I, word[row], part);                              \
                I##_float *to = sum[part % chains];                                       \
                SGF__UNROLL for (t = 0; t < columns; t++) to[t] = I##_fma(                \
                    weight, I##_set1(x[(k + per * row + part) * width + t]), to[t]);      \
            }                                                                             \
            if (chains == 2 && (k + lanes * per) % SGF__BLOCK == 0)                       \
                SGF__UNROLL for (t = 0; t < columns; t++) {                               \
                    all[t] = I##_add(all[t], I##_add(sum[0][t], sum[1][t]));              \
                    sum[0][t] = sum[1][t] = I##_zero;                                     \
                }                                                                         \
        }                                                                                 \
        for (t = 0; t < columns; t++) {                                                   \
            I##_store(column, chains == 2 ? all[t] : sum[0][t]);                          \
            for (i = 0; i < lanes; i++) out[i * width + t] = column[i];                   \
        }                                                                                 \
    }
/* ---- weights for a wide product: twelve rows, widened, transposed to out[k * SGF__TILE_ROWS + r] ----
   The same squares. A square that is wider than a tile is stored beyond the tile's edge: the next k
   overwrites the excess. k from 0 to the last whole square. */
#define SGF__PACK(I, dtype, PART, PER)                                                             \
    I##_target static void I##_##dtype##_pack(const char *w, size_t stride, float *out,            \
                                              size_t count) {                                      \
        enum { per = PER, lanes = I##_lanes };                                                     \
        I##_word word[lanes];                                                                      \
        size_t k, i, part;                                                                         \
        for (k = 0; k + lanes * per <= count; k += lanes * per, w += lanes * 4) {                  \
            SGF__UNROLL for (i = 0; i < lanes; i++) word[i] = I##_words(w + i * stride);           \
            I##_transpose(word);                                                                   \
            SGF__UNROLL for (i = 0; i < lanes; i++) SGF__UNROLL for (part = 0; part < per; part++) \
                I##_store(out + (k + per * i + part) * SGF__TILE_ROWS, PART(I, word[i], part));    \
        }                                                                                          \
    }
typedef void sgf__gemv_kernel(const char *w, size_t stride, const float *x, float *out, size_t K);
typedef void sgf__pack_kernel(const char *w, size_t stride, float *out, size_t count);
#define SGF__GEMVS(I, W, T)                        \
    SGF__GEMV(I, bf16, SGF__PART_BF16, 2, 1, W, T) \
    SGF__GEMV(I, f16, SGF__PART_F16, 2, 1, W, T)   \
    SGF__GEMV(I, f32, SGF__PART_F32, 1, 1, W, T)   \
    SGF__GEMV(I, pairs, SGF__PART_BF16, 2, 2, W, T)
#define SGF__EVERY_DTYPE(I)               \
    SGF__GEMVS(I, 1, 1)                   \
    SGF__GEMVS(I, 2, 2)                   \
    SGF__GEMVS(I, 4, 4)                   \
    SGF__GEMVS(I, 8, 8)                   \
    SGF__PACK(I, bf16, SGF__PART_BF16, 2) \
    SGF__PACK(I, f16, SGF__PART_F16, 2)   \
    SGF__PACK(I, f32, SGF__PART_F32, 1)

/* ---- the kernels of an instruction set ---- */

typedef struct sgf__kernel_set {
    size_t lanes, few;            /* of a vector; most columns of gemv */
    sgf__gemv_kernel *gemv[6][4]; /* [1, 2, 4, 8, 16 or 32 columns][sgf_dtype, or 3: in bf16] */
    sgf__pack_kernel *pack[3];    /* [sgf_dtype] */
    sgf__tiles tiles[4];          /* the widest first; the last has no lanes */
} sgf__kernel_set;
#define SGF__GEMV_ROW(I, T) \
    { I##_f32_##T, I##_f16_##T, I##_bf16_##T, I##_pairs_##T }
#define SGF__PRODUCTS(I, FEW, ...)                                                           \
    I##_lanes, FEW,                                                                          \
        {SGF__GEMV_ROW(I, 1), SGF__GEMV_ROW(I, 2), SGF__GEMV_ROW(I, 4), SGF__GEMV_ROW(I, 8), \
         __VA_ARGS__},                                                                       \
    {                                                                                        \
        I##_f32_pack, I##_f16_pack, I##_bf16_pack                                            \
    }
#ifdef SGF__X86
SGF__EVERY_DTYPE(sgf__512)
SGF__GEMVS(sgf__512, 16, 16) /* it has registers for 16 sums and a square; AVX2 has not */
SGF__GEMVS(sgf__512, 32, 16)
SGF__EVERY_DTYPE(sgf__256)
SGF__TILE_SIZES(sgf__512, 12, 6, 4, 2)
SGF__TILE_SIZES(sgf__512, 12, 12, 4, 1)
SGF__TILE_SIZES(sgf__256, 6, 3, 2, 2)
SGF__TILE_SIZES(sgf__256, 12, 6, 4, 1)
static const sgf__kernel_set sgf__avx512 = {
    SGF__PRODUCTS(sgf__512, 32, SGF__GEMV_ROW(sgf__512, 16), SGF__GEMV_ROW(sgf__512, 32)),
    {SGF__TILES(sgf__512, 12, 2), SGF__TILES(sgf__512, 12, 1), SGF__TILES(sgf__256, 12, 1)}};
static const sgf__kernel_set sgf__avx2 = {
    SGF__PRODUCTS(sgf__256, 8, {0}), {SGF__TILES(sgf__256, 6, 2), SGF__TILES(sgf__256, 12, 1)}};
#endif
#ifdef SGF__ARM
SGF__EVERY_DTYPE(sgf__128)
SGF__TILE_SIZES(sgf__128, 12, 6, 4, 2)
static const sgf__kernel_set sgf__neon = {SGF__PRODUCTS(sgf__128, 8, {0}),
                                          {SGF__TILES(sgf__128, 12, 2)}};
#endif
/* NULL: plain C. */
static const sgf__kernel_set *sgf__kernels_of(int simd) {
#ifdef SGF__X86
    if (simd == SGF__AVX512) return &sgf__avx512;
    if (simd == SGF__AVX2) return &sgf__avx2;
#endif
#ifdef SGF__ARM
    if (simd == SGF__NEON) return &sgf__neon;
#endif
    (void)simd;
    return NULL;
}

/* A tile in plain C: the lanes that fill no vector. */
SGF__KERNEL(sgf__tile_plain, (int simd, const sgf__tile *tile, size_t rows, size_t lanes),
            (simd, tile, rows, lanes)) {
    size_t r, p, k, t;
    for (r = 0; r < rows; r++) {
        float *sum = tile->out + r * tile->out_row;
        const float *x = tile->x;
        for (t = 0; tile->first && t < lanes; t++) sum[t] = 0;
        for (p = 0; p < tile->parts; p++)
            for (k = 0; k < tile->part[p].count; k++, x += tile->x_k) {
                float weight = tile->part[p].w[r + k * tile->w_k];
                if (!tile->seen)
                    for (t = 0; t < lanes; t++) sum[t] = sgf__fma(simd, weight, x[t], sum[t]);
                else
                    for (t = 0; t < lanes; t++)
                        if (tile->seen[k] >> t & 1) sum[t] = sgf__fma(simd, weight, x[t], sum[t]);
            }
    }
}

/* A tile in bf16 by the definition. Steps that are hidden or missing add 0 * 0. */
SGF__KERNEL(sgf__tile_flushed, (int simd, const sgf__tile *tile, size_t rows, size_t lanes),
            (simd, tile, rows, lanes)) {
    float part[2][SGF__PANEL];
    size_t count = tile->part->count, r, k, from, t, n, i;
    for (r = 0; r < rows; r++)
        for (k = 0; k < count; k += SGF__BLOCK)
            for (from = 0; from < lanes; from += n) {
                float *out = tile->out + r * tile->out_row + from;
                n = sgf__min(lanes - from, SGF__PANEL);
                for (t = 0; t < n; t++) part[0][t] = part[1][t] = 0;
                for (i = k; i < k + SGF__BLOCK; i++) {
                    uint32_t seen = i >= count ? 0 : tile->seen ? tile->seen[i] : ~(uint32_t)0;
                    const float *x = tile->x + (seen ? i * tile->x_k : 0) + from;
                    float *sum = part[i % 2], weight = 0;
                    if (seen) weight = sgf__flushed(tile->part->w[r + i * tile->w_k]);
                    for (t = 0; t < n; t++)
                        if (seen >> t & 1)
                            sum[t] = sgf__flushed_sum(
                                sgf__fma(simd, weight, x[t], sum[t]),
                                sgf__fma(simd, weight * 0x1p32f, x[t], sum[t] * 0x1p32f));
                        else sum[t] += 0.0f; /* -0 becomes 0 */
                }
                for (t = 0; t < n; t++) {
                    float sum = sgf__flushed(part[0][t] + part[1][t]);
                    out[t] = sgf__flushed((tile->first && !k ? 0 : out[t]) + sum);
                }
            }
}

/* Lanes [from, lanes) of a tile of any size, cut into those above. With `seen`: at most 32 lanes. */
static void sgf__tile_run(int simd, size_t rows, size_t from, size_t lanes,
                          const sgf__tile *whole) {
    const sgf__kernel_set *set = sgf__kernels_of(simd);
    int form = whole->bf16 ? 2 : whole->seen != NULL;
    size_t t, r, i, size;
    uint32_t seen[32];
    if (whole->bf16 && !whole->clean) set = NULL;
    for (t = from; t < lanes;) {
        const sgf__tiles *fit = set ? set->tiles : NULL;
        sgf__tile tile = *whole;
        tile.x += t;
        tile.out += t;
        for (i = 0; whole->seen && t && i < whole->part->count; i++) seen[i] = whole->seen[i] >> t;
        if (whole->seen && t) tile.seen = seen;
        while (fit && fit->lanes > lanes - t) fit++;
        if (!fit || !fit->lanes) {
            if (whole->bf16) sgf__tile_flushed(simd, &tile, rows, lanes - t);
            else sgf__tile_plain(simd, &tile, rows, lanes - t);
            return;
        }
        for (r = 0; r < rows; r += fit->rows[size]) {
            for (size = 0; fit->rows[size] > rows - r;) size++;
            tile.row = r;
            tile.out = whole->out + r * tile.out_row + t;
            fit->kernel[form][size](&tile);
        }
        t += fit->lanes;
    }
}

/* ---- products of all panels ---- */

/* Rows [row, row + rows), at most 12, of steps [k, k + count), at most 512. out has room for 16 floats
   after its last. */
static void sgf__pack(const sgf__kernel_set *set, const sgf_tensor *w, size_t row, size_t rows,
                      size_t k, size_t count, float *out) {
    size_t size = sgf__dtype_size(w->dtype), done = 0, r, i;
    const char *from = (const char *)w->data + (row * w->cols + k) * size;
    float one[SGF__TILE_K];
    if (set && rows == SGF__TILE_ROWS && row + sgf__max(set->lanes, rows) <= w->rows) {
        done = count - count % (set->lanes * 4 / size);
        for (r = 0; r < rows; r += set->lanes) { /* the last square may repeat some rows */
            size_t at = r + set->lanes <= rows || !r ? r : rows - set->lanes;
            set->pack[w->dtype](from + at * w->cols * size, w->cols * size, out + at, done);
        }
    }
    for (r = 0; done < count && r < rows; r++) {
        sgf__widen(w, (row + r) * w->cols + k + done, count - done, one);
        for (i = done; i < count; i++) out[i * SGF__TILE_ROWS + r] = one[i - done];
    }
}

/* ---- bf16: rounding, and where vectors may compute ---- */

/* Can no sum of these products be flushed? Of the numbers that are not 0, the least exponents as bf16
   stores them: 1 to 255, and 0 for a tiny number. A number is a multiple of 2^(exponent - 134). */
static int sgf__clean(int w, int x) {
    return w && x && w + x >= 2 * 134 - 126;
}
/* to[n] = from[n] rounded; *low becomes the least exponent, if that is less. It is carried from block to
   block: what follows an unclean block is added to a sum that need not be clean. */
SGF__KERNEL(sgf__round, (int simd, const float *from, float *to, size_t n, uint8_t *low),
            (simd, from, to, n, low)) {
    uint32_t least = ((uint32_t)*low << 23) - 1; /* less 1, so that a zero is the greatest */
    size_t i;
    (void)simd;
    if (to != from) memcpy(to, from, n * sizeof *to);
    for (i = 0; i < n; i++) {
        uint32_t u = sgf__float_bits(sgf__rounded(to[i])), m = (u & 0x7FFFFFFFu) - 1;
        to[i] = sgf__bits_float(u);
        least = m < least ? m : least;
    }
    *low = (uint8_t)((least + 1) >> 23);
}
/* to[n] = from[n] widened (NULL: not wanted); *low and *high: the least exponent, and the greatest. */
SGF__KERNEL(sgf__widen_bf16,
            (int simd, const uint16_t *from, float *to, size_t n, uint8_t *low, uint8_t *high),
            (simd, from, to, n, low, high)) {
    uint32_t least = 0x7F800000u - 1, most = 0;
    size_t i;
    (void)simd;
    for (i = 0; i < n; i++) {
        uint32_t u = (uint32_t)from[i] << 16, m = u & 0x7FFFFFFFu;
        if (to) to[i] = sgf__bits_float(u);
        least = m - 1 < least ? m - 1 : least;
        most = m > most ? m : most;
    }
    *low = (uint8_t)((least + 1) >> 23);
    *high = (uint8_t)(most >> 23);
}

/* The least multiple of 32 that is not below K. */
static size_t sgf__blocks(size_t K) {
    return (K + SGF__BLOCK - 1) / SGF__BLOCK * SGF__BLOCK;
}
/* Steps [first, first + count) of a panel [][width], rounded, for a tile unit: word i of to[][32] has the
   steps 2 i and 2 i + 1 in its halves, which are 0 before. */
SGF__KERNEL(sgf__pair,
            (int simd, const float *from, size_t first, size_t count, size_t width, uint32_t *to),
            (simd, from, first, count, width, to)) {
    size_t k, t;
    (void)simd;
    for (k = 0; k < count; k++) {
        uint32_t *words = to + (first + k) / 2 * SGF__PANEL, shift = (first + k) % 2 ? 0 : 16;
        for (t = 0; t < width; t++)
            words[t] |= sgf__float_bits(sgf__rounded(from[k * width + t])) >> shift;
    }
}

/* One projection of all panels. */
typedef struct sgf__product {
    const uint8_t *low;     /* bf16: [stripes] least exponents of w; NULL: f32 */
    uint8_t *const *in_low; /* bf16: [panels] -> [each 32 of K] those of `in`, which is rounded */
    const sgf_tensor *w;    /* [N, K] */
    const sgf_tensor *bias; /* [N], NULL or without data: added last */
    const float *const *in; /* [panels] -> [K][width] */
    float *const *out;      /* [panels] -> [N][width] */
    const size_t *width;    /* [panels] */
    size_t panels;
    int simd, unit;         /* unit: see sgf__amx_unit */
    uint32_t *const *pairs; /* [panels] -> `in` for a tile unit: sgf__pair */
} sgf__product;

/* How many steps from k on, `most` at most, are equally clean for a row and a panel. */
static size_t sgf__clean_steps(const sgf__product *job, size_t row, size_t p, size_t k, size_t most,
                               int *clean) {
    const uint8_t *x = job->in_low ? job->in_low[p] : NULL;
    size_t n = SGF__BLOCK;
    *clean = 1;
    if (!job->low) return most;
    *clean = sgf__clean(job->low[row / SGF__STRIPE], x[k / SGF__BLOCK]);
    while (n < most && sgf__clean(job->low[row / SGF__STRIPE], x[(k + n) / SGF__BLOCK]) == *clean)
        n += SGF__BLOCK;
    return sgf__min(n, most);
}
/* Rows [row, row + rows), at most 12, times steps [k, k + count), at most 512, of every panel. The
   weights are widened once for all panels; a sum over more steps is carried in `out`, which rounds
   nothing. Each panel prefetches a share of the next tile's weights. */
static void sgf__product_tile(const sgf__product *job, size_t row, size_t rows, size_t k,
                              size_t count) {
    size_t K = job->w->cols, size = sgf__dtype_size(job->w->dtype), p, r = 0, end, byte, at;
    const char *ahead = (const char *)job->w->data + ((row + rows) * K + k) * size;
    float weight[SGF__TILE_ROWS * SGF__TILE_K + 16];
    sgf__tile tile;
    sgf__tile_part part;
    sgf__pack(sgf__kernels_of(job->simd), job->w, row, rows, k, count, weight);
    memset(&tile, 0, sizeof tile);
    tile.part = &part, tile.parts = 1, tile.w_k = SGF__TILE_ROWS, tile.bf16 = job->low != NULL;
    for (p = 0; p < job->panels; p++) {
        for (end = rows * (p + 1) / job->panels; r < end; r++)
            for (byte = 0; byte < count * size; byte += 64)
                SGF__PREFETCH(ahead + r * K * size + byte);
        tile.x_k = tile.out_row = job->width[p];
        tile.out = job->out[p] + row * job->width[p];
        for (at = 0; at < count; at += part.count) {
            part.count = sgf__clean_steps(job, row, p, k + at, count - at, &tile.clean);
            part.w = weight + at * SGF__TILE_ROWS;
            tile.x = job->in[p] + (k + at) * job->width[p];
            tile.first = k + at == 0;
            sgf__tile_run(job->simd, rows, 0, job->width[p], &tile);
        }
    }
}
/* Rows [begin, end): all rows of the first steps before the next steps, so that the sums, and the
   activations of these steps, stay in the cache. */
static void sgf__product_rows(const sgf__product *job, size_t begin, size_t end, size_t from) {
    size_t K = job->w->cols, row, k;
    for (k = from; k < K || !k; k += SGF__TILE_K)
        for (row = begin; row < end; row += SGF__TILE_ROWS)
            sgf__product_tile(job, row, sgf__min(end - row, SGF__TILE_ROWS), k,
                              sgf__min(K - k, SGF__TILE_K));
}
static size_t sgf__stripes(const sgf__product *job) {
    return (job->w->rows + SGF__STRIPE - 1) / SGF__STRIPE;
}

/* ---- products by a tile unit (AMX) ----
   TDPBF16PS adds 32 steps to 16 x 16 sums, in the order of sgf__sum. Weights are the left operand;
   activations are the right one, in pairs of steps (sgf__pair). For several panels, 256 steps of 32 rows
   are copied first: where they are stored, rows are often a power of two apart, and would push each other
   out of the cache. Fewer than 16 columns are left to the kernels for decoding, which take no longer than the weights
   take to arrive. A session tests the unit, and uses it no further than it has the bits of sgf__sum. */

enum {
    SGF__UNIT_K = 2048,   /* steps in one go: their activations stay in the second-level cache */
    SGF__UNIT_STEPS = 256 /* steps of 32 rows that are copied: they stay in the first-level cache */
};
#if defined(SGF__X86) && defined(__x86_64__) && !defined(__ILP32__) && defined(__linux__) && \
    (defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11)
#define SGF__AMX          1
#define SGF__TARGET_AMX   __attribute__((target("amx-tile,amx-bf16")))
#define SGF__AMX_ALIGNED  __attribute__((aligned(64))) /* no row of a tile crosses a cache line */
/* gcc does not know that loading a tile reads memory: this keeps writes to p before it or after it. */
#define SGF__AMX_ORDER(p) __asm__ volatile("" : : "r"(p) : "memory")
/* The four tiles of sums, 32 rows by 32 columns, from or to p[32][32]. */
#define SGF__AMX_SUMS(op, p)                      \
    op(0, p, SGF__PANEL * 4);                     \
    op(1, (p) + 16, SGF__PANEL * 4);              \
    op(2, (p) + 16 * SGF__PANEL, SGF__PANEL * 4); \
    op(3, (p) + 16 * SGF__PANEL + 16, SGF__PANEL * 4)

#ifndef SGF__AMX_EMULATED              /* as the tests do */
static uint32_t sgf__amx_saved(void) { /* XCR0: the registers that the system saves */
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}
/* Linux, arch_prctl(ARCH_REQ_XCOMP_PERM, 18): 0 if this process may use tiles. */
static long sgf__amx_permit(void) {
    long n = 158;
    __asm__ volatile("syscall" : "+a"(n) : "D"(0x1023L), "S"(18L) : "rcx", "r11", "memory");
    return n;
}
#endif
static int sgf__amx_here(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 27 & 1) && /* xgetbv */
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & d >> 24 & 1) &&
           (sgf__amx_saved() >> 17 & 3) == 3 && !sgf__amx_permit();
}

/* sums[32][32] = (first ? 0 : sums) + weights of 32 rows times `count` steps of a panel. w: of the first 32
   steps, `stride` numbers to the next row, `next` to the next 32 steps. */
SGF__TARGET_AMX static void sgf__amx_block(const uint16_t *w, size_t stride, size_t next,
                                           const uint32_t *x, size_t count, int first,
                                           float *sums) {
    size_t k;
    SGF__AMX_ORDER(w);
    if (first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        SGF__AMX_SUMS(_tile_loadd, sums);
    }
    for (k = 0; k < count; k += SGF__BLOCK, w += next, x += SGF__BLOCK / 2 * SGF__PANEL) {
        _tile_loadd(6, x, SGF__PANEL * 4);
        _tile_loadd(7, x + 16, SGF__PANEL * 4);
        _tile_loadd(4, w, stride * 2);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, w + 16 * stride, stride * 2);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    SGF__AMX_SUMS(_tile_stored, sums);
    SGF__AMX_ORDER(sums);
}
/* to[count / 32][32][32]: `count` steps, at most SGF__UNIT_STEPS, of some rows; what is missing is 0. */
static void sgf__amx_copy(const uint16_t *w, size_t cols, size_t rows, size_t count, uint16_t *to) {
    size_t r, k;
    if (rows < SGF__PANEL || count % SGF__BLOCK)
        memset(to, 0, SGF__PANEL * SGF__UNIT_STEPS * sizeof *to);
    for (r = 0; r < rows; r++)
        for (k = 0; k < count; k += SGF__BLOCK)
            if (count - k >= SGF__BLOCK) /* a constant size: no call */
                memcpy(to + (k + r) * SGF__BLOCK, w + r * cols + k, SGF__BLOCK * sizeof *to);
            else memcpy(to + (k + r) * SGF__BLOCK, w + r * cols + k, (count - k) * sizeof *to);
}
/* The sums at an edge, between `out` and where they are computed. */
static void sgf__amx_edge(const sgf__product *job, size_t row, size_t rows, float *const *sums,
                          int to_out) {
    size_t p, r;
    for (p = 0; p < job->panels; p++) {
        size_t width = job->width[p];
        float *out = job->out[p] + row * width, *sum = sums[p];
        for (r = 0; sum != out && r < rows; r++)
            memcpy(to_out ? out + r * width : sum + r * SGF__PANEL,
                   to_out ? sum + r * SGF__PANEL : out + r * width, width * sizeof(float));
    }
}
/* Rows [begin, end), of each the first K numbers. Each panel prefetches a share of the weights of the next 32
   rows. */
SGF__TARGET_AMX static void sgf__amx_product(const sgf__product *job, size_t K, size_t begin,
                                             size_t end) {
    /* palette 1; eight tiles of 64 bytes by 16 rows */
    static const uint16_t config[32] = {1,  0,  0,  0,  0,      0,      0,      0,     64, 64,
                                        64, 64, 64, 64, 64,     64,     0,      0,     0,  0,
                                        0,  0,  0,  0,  0x1010, 0x1010, 0x1010, 0x1010};
    const size_t cols = job->w->cols, panels = job->panels;
    SGF__AMX_ALIGNED uint16_t copy[SGF__PANEL * SGF__UNIT_STEPS];
    SGF__AMX_ALIGNED float edge[SGF__PANELS][SGF__PANEL * SGF__PANEL];
    float *sums[SGF__PANELS];
    size_t first, k, row, rows, p, r, i, n;
    _tile_loadconfig(config);
    for (first = 0; first < K; first += SGF__UNIT_K)
        for (row = begin; row < end; row += SGF__PANEL) {
            rows = sgf__min(job->w->rows - row, SGF__PANEL);
            for (p = 0; p < panels; p++)
                sums[p] = rows == SGF__PANEL && job->width[p] == SGF__PANEL
                              ? job->out[p] + row * SGF__PANEL
                              : edge[p];
            if (first) sgf__amx_edge(job, row, rows, sums, 0);
            for (k = first; k < sgf__min(K, first + SGF__UNIT_K); k += n) {
                const uint16_t *w = (const uint16_t *)job->w->data + row * cols + k;
                const uint16_t *ahead = w + SGF__PANEL * cols;
                int copied;
                n = sgf__min(K - k, SGF__UNIT_STEPS);
                copied = panels > 1 || rows < SGF__PANEL || n % SGF__BLOCK;
                if (copied) sgf__amx_copy(w, cols, rows, n, copy);
                for (p = 0; p < panels; p++) {
                    for (r = SGF__PANEL * p / panels; r < SGF__PANEL * (p + 1) / panels; r++)
                        for (i = 0; i < n; i += SGF__BLOCK) SGF__PREFETCH(ahead + r * cols + i);
                    sgf__amx_block(copied ? copy : w, copied ? SGF__BLOCK : cols,
                                   copied ? SGF__PANEL * SGF__BLOCK : SGF__BLOCK,
                                   job->pairs[p] + k / 2 * SGF__PANEL, n, !k, sums[p]);
                }
            }
            sgf__amx_edge(job, row, rows, sums, 1);
        }
    _tile_release();
}
/* Does the unit give the bits of sgf__sum? 2: it does; 1: where nothing can be flushed; 0: it does not, or
   there is none that this process may use. The product fills no tile. Its sums are rounded; the second
   time they, or factors, are around 2^-126. */
static int sgf__amx_unit(void) {
    enum { N = 40, K = 80, T = 32 };
    uint16_t w[N * K];
    float x[K * T], out[N * T], wanted[N * T], *to = out;
    uint32_t pairs[(K + 16) / 2 * T], *pair = pairs;
    uint8_t low[K / 32 + 1] = {0}, *in_low = low; /* nothing is clean: sgf__tile_flushed computes */
    const float *in = x;
    const size_t width = T;
    sgf_tensor weights;
    sgf__product job;
    size_t n;
    int tiny, same = sgf__amx_here();
    memset(&job, 0, sizeof job);
    weights.data = w, weights.rows = N, weights.cols = K, weights.dtype = SGF_DTYPE_BF16;
    job.w = &weights, job.low = low, job.in_low = &in_low, job.in = &in, job.out = &to;
    job.width = &width, job.panels = 1, job.pairs = &pair;
    for (tiny = 0; tiny < 2 && same; tiny += same) {
        for (n = 0; n < N * K; n++) { /* the first row is for what follows */
            float fraction = tiny && n < K ? 0 : (float)(n * 37 % 255) - 127;
            int exponent = !tiny ? 6 : n / K % 2 ? 74 : 132;
            w[n] = sgf__float_bf16(ldexpf(fraction, (int)(n * 11 % 13) - exponent));
        }
        for (n = 0; n < K * T; n++)
            x[n] = ldexpf((float)(n * 89 % 255) - 127,
                          (int)(n * 7 % 13) - (tiny && n % 2 ? 74 : 6));
        if (tiny) { /* 2^-126 - 1.5 * 2^-151 */
            w[0] = sgf__float_bf16(x[0] = 0x1p-63f);
            w[2] = sgf__float_bf16(x[2 * T] = 0x1p-75f), x[2 * T] *= -0.75f;
        }
        memset(pairs, 0, sizeof pairs);
        sgf__pair(0, x, 0, K, T, pairs);
        to = wanted, sgf__product_rows(&job, 0, N, 0);
        to = out, sgf__amx_product(&job, K, 0, N);
        same = !memcmp(out, wanted, sizeof out);
    }
    return tiny;
}
#endif

/* How many stripes from `stripe` on, at most `most`, the unit computes. */
static size_t sgf__unit_stripes(const sgf__product *job, size_t stripe, size_t most) {
    size_t n, p, last = (job->w->cols - 1) / SGF__BLOCK;
    if (!job->unit || !job->low || (job->panels == 1 && job->width[0] < 16)) return 0;
    most = sgf__min(most, sgf__stripes(job) - stripe);
    for (n = 0; n < most; n++)
        for (p = 0; p < job->panels && job->unit < 2; p++)
            if (!sgf__clean(job->low[stripe + n], job->in_low[p][last])) return n;
    return n;
}
/* At most SGF__STRIPE rows, or what sgf__unit_stripes gives to the tile unit. */
static void sgf__product_stripe(const sgf__product *job, size_t begin, size_t end) {
    const sgf__kernel_set *set = sgf__kernels_of(job->simd);
    size_t K = job->w->cols, columns = job->width[0], row = begin, which = 0, p, t;
    size_t size = sgf__dtype_size(job->w->dtype), whole;
    size_t step = job->panels > 1 ? SGF__STRIPE : SGF__TILE_ROWS;
    int clean = 1;
#ifdef SGF__AMX
    if (sgf__unit_stripes(job, begin / SGF__STRIPE, 1))
        sgf__amx_product(job, K, begin, end), row = end;
#endif
    if (row < end && set && job->panels == 1 && columns <= set->few &&
        sgf__clean_steps(job, row, 0, 0, K, &clean) == K && clean) {
        while ((size_t)1 << which < columns) which++;
        whole = K - K % (job->low ? SGF__BLOCK : set->lanes * 4 / size);
        for (; row + set->lanes <= end; row += set->lanes)
            for (t = 0; t < columns; t += 16) /* 32 columns: twice 16 */
                set->gemv[which][job->low ? 3 : job->w->dtype](
                    (const char *)job->w->data + row * K * size, K * size, job->in[0] + t,
                    job->out[0] + row * columns + t, whole);
        if (whole < K) sgf__product_rows(job, begin, row, whole);
    }
    for (; row < end; row += step) sgf__product_rows(job, row, sgf__min(row + step, end), 0);
    for (row = begin; job->bias && job->bias->data && row < end; row++) {
        float bias;
        sgf__widen(job->bias, row, 1, &bias);
        for (p = 0; p < job->panels; p++)
            for (t = 0; t < job->width[p]; t++) job->out[p][row * job->width[p] + t] += bias;
    }
}
/* Stripes [begin, end) of the jobs, counted one job after the other. */
static void sgf__products_part(void *context, size_t begin, size_t end, int thread) {
    const sgf__product *job = (const sgf__product *)context;
    size_t first = 0, row, n;
    (void)thread;
    for (; begin < end; begin += n) {
        while (begin - first >= sgf__stripes(job)) first += sgf__stripes(job++);
        n = sgf__max(1, sgf__unit_stripes(job, begin - first, end - begin));
        row = (begin - first) * SGF__STRIPE;
        sgf__product_stripe(job, row, sgf__min(row + n * SGF__STRIPE, job->w->rows));
    }
}
/* out = w x (+ bias) on every panel of every job, one division of the work for all; no out may alias an
   in. A thread gets work of some microseconds at least: small models do not pay for threads. */
static void sgf__matmul(sgf__pool *pool, sgf__product *job, size_t count) {
    size_t i, p, stripes = 0, columns = 0, cost;
    for (i = 0; i < count; i++) stripes += sgf__stripes(&job[i]);
    for (p = 0; p < job->panels; p++) columns += job->width[p];
    cost = SGF__STRIPE * job->w->cols * columns + 1;
    sgf__parallel(pool, stripes, ((size_t)1 << 17) / cost + 1, sgf__products_part, job);
}
/* ---- the small operations, each on one panel; lanes are tokens ---- */

/* SGF__KERNEL for a body that is compiled once more for each width of a panel (not in plain C). */
#define SGF__KERNEL_WIDTHS(name, declare, args)       \
    SGF__INLINE void name##_body declare;             \
    SGF__INLINE void name##_widths declare {          \
        switch (width) {                              \
        case 1: width = 1, name##_body args; break;   \
        case 2: width = 2, name##_body args; break;   \
        case 4: width = 4, name##_body args; break;   \
        case 8: width = 8, name##_body args; break;   \
        case 16: width = 16, name##_body args; break; \
        case 32: width = 32, name##_body args; break; \
        default: name##_body args;                    \
        }                                             \
    }                                                 \
    SGF__KERNEL_OF(name, name##_widths, declare, args)

/* RMSNorm (Zhang and Sennrich 2019) of some columns:
   out[d][t] = x[d][t] / sqrt(mean of squares + eps) * weight[d] */
SGF__INLINE void sgf__rmsnorm_columns(int simd, const float *x, const float *weight, float eps,
                                      size_t D, size_t width, size_t columns, float *out) {
    float scale[SGF__PANEL];
    size_t d, t;
    for (t = 0; t < columns; t++) scale[t] = 0;
    for (d = 0; d < D; d++)
        for (t = 0; t < columns; t++)
            scale[t] = sgf__fma(simd, x[d * width + t], x[d * width + t], scale[t]);
    for (t = 0; t < columns; t++) scale[t] = 1.0f / sqrtf(scale[t] / (float)D + eps);
    for (d = 0; d < D; d++)
        for (t = 0; t < columns; t++) out[d * width + t] = x[d * width + t] * scale[t] * weight[d];
}
SGF__KERNEL(sgf__rmsnorm,
            (int simd, const float *x, const float *weight, float eps, size_t D, size_t width,
             float *out),
            (simd, x, weight, eps, D, width, out)) {
    size_t t;
    if (width == SGF__PANEL) sgf__rmsnorm_columns(simd, x, weight, eps, D, width, SGF__PANEL, out);
    else if (width < 8) sgf__rmsnorm_columns(simd, x, weight, eps, D, width, width, out);
    else
        for (t = 0; t < width; t += 8)
            sgf__rmsnorm_columns(simd, x + t, weight, eps, D, width, 8, out + t);
}

/* SwiGLU (Shazeer 2020), or GeGLU: gate[i] = silu(gate[i]) * up[i] */
SGF__KERNEL(sgf__swiglu, (int simd, int gelu, float *gate, const float *up, size_t n),
            (simd, gelu, gate, up, n)) {
    size_t i;
    if (gelu)
        for (i = 0; i < n; i++) gate[i] = sgf__gate_body(simd, 1, gate[i]) * up[i];
    else
        for (i = 0; i < n; i++) gate[i] = sgf__gate_body(simd, 0, gate[i]) * up[i];
}

/* x[i] = fma(y[i], scale, x[i]) */
SGF__KERNEL(sgf__residual_add, (int simd, float *x, const float *y, size_t n, float scale),
            (simd, x, y, n, scale)) {
    size_t i;
    for (i = 0; i < n; i++) x[i] = sgf__fma(simd, y[i], scale, x[i]);
}

/* RoPE (Su et al. 2021), rotate-half, on one head of a panel: x [C][width], cosine and sine
   [C/2][width]. */
SGF__KERNEL(sgf__rope_head,
            (int simd, float *x, const float *cosine, const float *sine, size_t half, size_t width),
            (simd, x, cosine, sine, half, width)) {
    size_t i, n = half * width;
    for (i = 0; i < n; i++) {
        float a = x[i], b = x[n + i];
        x[i] = sgf__fma(simd, a, cosine[i], -(b * sine[i]));
        x[n + i] = sgf__fma(simd, b, cosine[i], a * sine[i]);
    }
}

/* score[i] = fma(score[i], scale, plus) */
SGF__KERNEL(sgf__scale, (int simd, float *score, size_t n, float scale, float plus),
            (simd, score, n, scale, plus)) {
    size_t i;
    for (i = 0; i < n; i++) score[i] = sgf__fma(simd, score[i], scale, plus);
}

/* -inf in every column t of row i where bit t of seen[i] is not set. score [n][width], width a multiple
   of 8. */
SGF__KERNEL(sgf__hide, (int simd, float *score, const uint32_t *seen, size_t n, size_t width),
            (simd, score, seen, n, width)) {
    size_t i, t, lane;
    (void)simd;
    for (i = 0; i < n; i++)
        for (t = 0; t < width; t += 8, score += 8)
            for (lane = 0; lane < 8; lane++)
                score[lane] = seen[i] >> t >> lane & 1 ? score[lane] : -INFINITY;
}
/* out[n][width] times 1 / sum[width], or 1 where that is 0; sum becomes these factors. In bf16 a -0 in out
   becomes 0 first. */
SGF__KERNEL(sgf__divide, (int simd, float *out, size_t n, size_t width, float *sum, int bf16),
            (simd, out, n, width, sum, bf16)) {
    const float zero = bf16 ? 0.0f : -0.0f; /* x + -0 is x */
    size_t i, t;
    (void)simd;
    for (t = 0; t < width; t++) sum[t] = 1.0f / (sum[t] != 0 ? sum[t] : 1);
    for (i = 0; i < n; i++)
        for (t = 0; t < width; t++) out[i * width + t] = (out[i * width + t] + zero) * sum[t];
}

/* Softmax of every column of score [n][width], in place: maximum, exp, sum[width] in ascending
   order. The division is left to the caller. A score of -inf is a key that is not seen: it adds 0;
   a column that sees nothing has the sum 0. */
SGF__KERNEL_WIDTHS(sgf__softmax, (int simd, float *score, size_t n, size_t width, float *sum),
                   (simd, score, n, width, sum)) {
    float top[SGF__PANEL];
    size_t i, t;
    for (t = 0; t < width; t++) top[t] = -INFINITY;
    for (i = 0; i < n; i++)
        for (t = 0; t < width; t++)
            top[t] = score[i * width + t] > top[t] ? score[i * width + t] : top[t];
    for (t = 0; t < width; t++) top[t] = top[t] > -INFINITY ? top[t] : 0;
    for (t = 0; t < width; t++) sum[t] = 0;
    for (i = 0; i < n; i++) {
        for (t = 0; t < width; t++) score[i * width + t] -= top[t];
        for (t = 0; width >= 8 && t < width; t++) { /* a vector of columns in one go */
            score[i * width + t] = sgf__exp_body(simd, score[i * width + t]);
            sum[t] += score[i * width + t];
        }
    }
    if (width >= 8) return;
    for (i = 0; i < n * width; i++) score[i] = sgf__exp_body(simd, score[i]);
    for (i = 0; i < n; i++)
        for (t = 0; t < width; t++) sum[t] += score[i * width + t];
}

/* ---- threads ----
   A pool of threads that wait for work. sgf__parallel cuts [0, n) into one run per thread, always the
   same way. Every result is computed whole by one thread, in a fixed order, so the number of threads
   cannot change a bit. */

enum { SGF__MAX_THREADS = 256, SGF__SPINS = 4000 };

struct sgf__pool {
    sgf_allocator mem;
    int threads; /* the caller's included */
#ifndef SGF_NO_THREADS
    int started; /* without the caller's */
    pthread_t ids[SGF__MAX_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    int waits;          /* how many of these three there are; no thread is started without all */
    int numbered;       /* atomic: threads that have taken their number */
    unsigned round;     /* atomic: number of the current task */
    unsigned running;   /* atomic: threads that have not finished it */
    int sleeping, quit; /* under lock */
    sgf__pool_task *task;
    void *context;
    size_t n, parts;
#endif
};

#ifndef SGF_NO_THREADS
/* Wait for a short time; 1 as soon as *value is `wanted`. */
static int sgf__spin(const unsigned *value, unsigned wanted) {
    int i;
    for (i = 0; i < SGF__SPINS; i++) {
        if (__atomic_load_n(value, __ATOMIC_ACQUIRE) == wanted) return 1;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    return 0;
}
static void sgf__pool_part(const sgf__pool *pool, int index) {
    size_t i = (size_t)index, share = pool->n / pool->parts, rest = pool->n % pool->parts;
    size_t begin = share * i + (rest < i ? rest : i), end = begin + share + (i < rest);
    if (i < pool->parts && begin < end) pool->task(pool->context, begin, end, index);
}
static void *sgf__pool_thread(void *argument) {
    sgf__pool *pool = (sgf__pool *)argument;
    int index = __atomic_add_fetch(&pool->numbered, 1, __ATOMIC_RELAXED), quit = 0;
    unsigned round = 1;
    for (; !quit; round++) {
        if (!sgf__spin(&pool->round, round)) {
            pthread_mutex_lock(&pool->lock);
            pool->sleeping++;
            while (pool->round != round) pthread_cond_wait(&pool->wake, &pool->lock);
            pool->sleeping--;
            pthread_mutex_unlock(&pool->lock);
        }
        quit = pool->quit;
        if (!quit) sgf__pool_part(pool, index);
        if (__atomic_sub_fetch(&pool->running, 1, __ATOMIC_ACQ_REL)) continue;
        pthread_mutex_lock(&pool->lock);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->lock);
    }
    return NULL;
}
static void sgf__pool_start(sgf__pool *pool) {
    __atomic_store_n(&pool->running, (unsigned)pool->started, __ATOMIC_RELEASE);
    pthread_mutex_lock(&pool->lock);
    __atomic_add_fetch(&pool->round, 1, __ATOMIC_ACQ_REL);
    if (pool->sleeping) pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}
static void sgf__pool_join(sgf__pool *pool) {
    if (sgf__spin(&pool->running, 0)) return;
    pthread_mutex_lock(&pool->lock);
    while (__atomic_load_n(&pool->running, __ATOMIC_ACQUIRE))
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
/* Start as many threads as the system gives. */
static void sgf__pool_open(sgf__pool *pool, int threads) {
    pool->waits = pthread_mutex_init(&pool->lock, NULL)  ? 0
                  : pthread_cond_init(&pool->wake, NULL) ? 1
                  : pthread_cond_init(&pool->done, NULL) ? 2
                                                         : 3;
    while (pool->waits == 3 && pool->threads < threads && pool->threads < SGF__MAX_THREADS &&
           !pthread_create(&pool->ids[pool->started], NULL, sgf__pool_thread, pool))
        pool->started = pool->threads++;
}
static void sgf__pool_close(sgf__pool *pool) {
    pool->quit = 1;
    if (pool->started) sgf__pool_start(pool);
    while (pool->started) pthread_join(pool->ids[--pool->started], NULL);
    if (pool->waits > 2) pthread_cond_destroy(&pool->done);
    if (pool->waits > 1) pthread_cond_destroy(&pool->wake);
    if (pool->waits > 0) pthread_mutex_destroy(&pool->lock);
}
static int sgf__processors(void) {
#if !defined(SGF_NO_MMAP) && defined(_SC_NPROCESSORS_ONLN)
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n > 0) return n < SGF__MAX_THREADS ? (int)n : SGF__MAX_THREADS;
#endif
    return 1;
}
#endif

/* A pool of at most `threads` threads, the caller's included; 0: one per processor. */
static sgf_status sgf__pool_create(const sgf_allocator *mem, int threads, sgf__pool **pool,
                                   sgf_error *err) {
    sgf__pool *made = (sgf__pool *)sgf__alloc(mem, 1, sizeof *made, err);
    if (!made) return SGF_ERR_MEMORY;
    made->mem = *mem;
    made->threads = 1;
#ifndef SGF_NO_THREADS
    sgf__pool_open(made, threads ? threads : sgf__processors());
#else
    (void)threads;
#endif
    *pool = made;
    return SGF_OK;
}
static void sgf__pool_destroy(sgf__pool *pool) {
    sgf_allocator mem;
    if (!pool) return;
#ifndef SGF_NO_THREADS
    sgf__pool_close(pool);
#endif
    mem = pool->mem;
    sgf__free(&mem, pool, 1, sizeof *pool);
}
/* Run task over [0, n), at least `grain` items a thread; returns when all of it is done. */
static void sgf__parallel(sgf__pool *pool, size_t n, size_t grain, sgf__pool_task *task,
                          void *context) {
    size_t parts = grain ? (n + grain - 1) / grain : n;
    if (!n) return;
    if (!pool || parts < 2 || pool->threads < 2) {
        task(context, 0, n, 0);
        return;
    }
#ifndef SGF_NO_THREADS
    pool->task = task;
    pool->context = context;
    pool->n = n;
    pool->parts = parts < (size_t)pool->threads ? parts : (size_t)pool->threads;
    sgf__pool_start(pool);
    sgf__pool_part(pool, 0);
    sgf__pool_join(pool);
#endif
}

/* ====================================================================================
 * [SGF-15] Sessions: KV cache, segment attention, the forward pass
 *
 * Keys and values are stored in pages of 32 tokens. For every layer and kv head a page holds K as
 * [C][32] (lanes are keys: a tile of scores) and V as [32][C] (lanes are channels: a tile of outputs),
 * as floats, or bf16 in that arithmetic. A sequence is a list of pages, a list of runs of one segment, and its own copy of the
 * visibility bits. A query reads the runs that its segment may see, up to itself: the cost of attention
 * is what is visible. Nothing of size T x T exists.
 * ==================================================================================== */
enum {
    SGF__PAGE = 32,                /* tokens of a page */
    SGF__CHUNK = SGF__PANELS * 32, /* rows that pass the layers together: bounds the workspace */
    SGF__GRAIN = 1 << 15           /* small operations a thread takes at least: some microseconds */
};

typedef struct sgf__run {
    size_t begin, end; /* tokens of the sequence, its parent's not counted */
    int32_t seg;
} sgf__run;

typedef struct sgf__sequence {
    int open, children, depth; /* depth: sequences from the root to this one */
    int32_t parent;
    sgf_layout layout; /* the rule, and the sequence's tokens: in a session that computes by the
                       reference all of them, else its parents' are not among them. A segment's
                       number of tokens counts the parents' in any case. */
    float **page;
    sgf__run *run;
    size_t runs, page_count, page_cap, run_cap;
} sgf__sequence;

/* A prefix that is kept encoded, in a sequence of its own. */
typedef struct sgf__prefix {
    int32_t sequence;
    uint64_t used; /* when, by the session's clock; 0: the slot is empty */
} sgf__prefix;

enum { SGF__PREFIXES = 4 };

/* What a session asks of a GPU. The first part of segfuse.cu has these functions. The session keeps
   sequences, visibility and prefixes; the GPU has the weights, the pages and the activations. */
struct sgf__pass;
struct sgf__flight;
typedef struct sgf__device {
    sgf_status (*describe)(char *out, size_t cap, sgf_error *err);
    sgf_status (*open)(sgf_session *s, sgf_error *err);
    void (*close)(sgf_session *s);
    sgf_status (*page)(sgf_session *s, void **page, sgf_error *err); /* one more page */
    sgf_status (*forward)(sgf_session *s, const struct sgf__pass *pass);
    int (*keeps)(const struct sgf__flight *f); /* do the logits of its next pass stay there? */
    void (*choose_ids)(struct sgf__flight *f); /* if they did: `chosen` of every task */
} sgf__device;
static const sgf__device *sgf__device_linked(void); /* NULL: this program has none */

/* Copies the keys and values of `count` tokens of sequence `source`, from token `from` on, to `sequence`,
   before row `row`, as tokens of segment `seg` (-1: of the source's), the keys rotated by so many
   positions. `source` does not grow in the same call. */
typedef struct sgf__kv_copy {
    size_t row, from, count;
    size_t to; /* set by sgf__rows_add: where they are in `sequence` */
    int32_t source, sequence, seg, rotate;
} sgf__kv_copy;

/* Floats that begin at a cache line, so that no vector crosses one. */
typedef struct sgf__floats {
    float *raw, *at; /* what was allocated; the first line in it */
    size_t count;    /* from `at` on */
} sgf__floats;

/* The matrices that products read: of every layer, then the output. */
enum { SGF__W_Q, SGF__W_K, SGF__W_V, SGF__W_O, SGF__W_GATE, SGF__W_UP, SGF__W_DOWN, SGF__MATRICES };
typedef struct sgf__matrix {
    sgf_tensor w; /* as the model has it; in bf16 a rounded copy, if it is stored otherwise */
    const uint8_t
        *low; /* bf16: of each stripe of rows, the least exponent (sgf__clean); f32: NULL */
} sgf__matrix;

struct sgf_session {
    sgf_allocator mem;
    sgf__arena arena; /* what stays until the session is freed */
    const sgf_model *model;
    sgf__matrix *matrix;           /* [L][SGF__MATRICES], and the output */
    size_t V, D, L, H, G, C, F, R; /* the model's dimensions; R = H / G: heads of a kv head */
    sgf__pool *pool;
    int simd, reuse, rotate;
    int bf16;      /* 1: SGF_ARITHMETIC_BF16 */
    int unit;      /* 0: no tile unit computes, see sgf__amx_unit */
    int reference; /* 1: sgf_reference_forward computes; nothing is cached or shared */
    sgf__sequence *sequence;
    size_t sequence_count, sequence_cap;
    float **free_page; /* pages not in use, kept for the next sequence */
    size_t free_pages, free_cap, pages, page_bytes;
    size_t ropes;                             /* 1, or 2: layers with a window have their own */
    float *inv_freq, rope_scale, score_scale; /* [ropes][C/2] */
    float *rotation;                          /* [ropes][2][C/2] cosines and sines of a KV copy */
    sgf__floats work, block, scores;          /* see sgf__work, sgf__logits, sgf__attend_room */
    size_t score_keys, score_pieces, score_stride; /* see sgf__scores_prepare */
    sgf__prefix prefix[SGF__PREFIXES];             /* what everybody sees */
    sgf__prefix common[SGF__PREFIXES]; /* what segments that see nobody else begin with */
    uint64_t clock;                    /* counts uses of both */
    sgf_watch_function *watch;
    void *watch_user;
    const sgf__device *device; /* NULL: the processor; else pages are its memory */
    void *on;                  /* what `device` works on */
    int exact;
    int keep; /* 1: wanted logits stay on the device, for its `choose_ids` */
};

enum { SGF__LINE = 64 / sizeof(float) };
static float *sgf__line(float *raw) {
    return raw + (64 - (uintptr_t)raw % 64) % 64 / sizeof(float);
}
static void sgf__floats_free(const sgf_allocator *mem, const sgf__floats *floats) {
    sgf__free(mem, floats->raw, floats->count + SGF__LINE, sizeof(float));
}
/* Room for `need` floats; what was there is lost when it grows. */
static sgf_status sgf__floats_reserve(sgf_session *s, sgf__floats *floats, size_t need,
                                      sgf_error *err) {
    float *raw;
    if (need <= floats->count) return SGF_OK;
    raw = (float *)sgf__alloc(&s->mem, need + SGF__LINE, sizeof(float), err);
    if (!raw) return SGF_ERR_MEMORY;
    sgf__floats_free(&s->mem, floats);
    floats->raw = raw;
    floats->at = sgf__line(raw);
    floats->count = need;
    return SGF_OK;
}

/* ---- sequences and pages ---- */

static void sgf__sequence_clear(sgf_session *s, sgf__sequence *q) {
    size_t i;
    for (i = 0; i < q->page_count; i++) s->free_page[s->free_pages++] = q->page[i];
    sgf__free(&s->mem, q->page, q->page_cap, sizeof *q->page);
    sgf__free(&s->mem, q->run, q->run_cap, sizeof *q->run);
    sgf_layout_free(&q->layout);
    memset(q, 0, sizeof *q);
}
/* The open sequence of that number, or NULL. */
static sgf__sequence *sgf__sequence_of(const sgf_session *s, int32_t sequence) {
    int there = sequence >= 0 && (size_t)sequence < s->sequence_count;
    return there && s->sequence[sequence].open ? &s->sequence[sequence] : NULL;
}
static sgf__sequence *sgf__parent_of(const sgf_session *s, const sgf__sequence *q) {
    return q->parent < 0 ? NULL : &s->sequence[q->parent];
}
SGF_DEF void sgf_sequence_close(sgf_session *s, int32_t sequence) {
    sgf__sequence *q = sgf__sequence_of(s, sequence);
    if (!q || q->children) return;
    if (q->parent >= 0) s->sequence[q->parent].children--;
    sgf__sequence_clear(s, q);
}
/* Do a sequence's tokens, and its parents', see under `rule` what they saw when they were computed? */
static int sgf__rule_continues(const sgf_layout *own, const sgf_layout *rule) {
    int32_t S = (int32_t)own->segments, q, k;
    if (own->segments > rule->segments) return 0;
    for (q = 0; q < S; q++) {
        int mixes = own->mixture && q == own->answer, will_mix = rule->mixture && q == rule->answer;
        if (own->segment[q].tokens && mixes != will_mix) return 0;
        for (k = 0; own->segment[q].tokens && k < S; k++)
            if (sgf_visible(own, q, k) != sgf_visible(rule, q, k) ||
                sgf__log_weight(own, q, k) != sgf__log_weight(rule, q, k))
                return 0;
    }
    return 1;
}
/* A layout with the segments of `rule`, and with the tokens of `parent` (NULL: none). */
static sgf_status sgf__rule_copy(const sgf_session *s, const sgf_layout *rule,
                                 const sgf_layout *parent, sgf_layout *made, sgf_error *err) {
    sgf_layout joined = *rule;
    sgf_status status;
    size_t i;
    joined.tokens = parent && s->reference ? parent->tokens : 0;
    if (parent) joined.token = parent->token, joined.pos = parent->pos, joined.seg = parent->seg;
    status = sgf__layout_copy(&joined, made, err);
    for (i = 0; i < made->segments; i++)
        made->segment[i].tokens = parent && i < parent->segments ? parent->segment[i].tokens : 0;
    return status;
}
SGF_DEF sgf_status sgf_sequence_open(sgf_session *s, const sgf_layout *rule, int32_t parent,
                                     int32_t *sequence, sgf_error *err) {
    const sgf__sequence *up = sgf__sequence_of(s, parent);
    size_t i = 0;
    sgf__sequence *made;
    sgf_status status;
    if (s->device && rule->mixture)
        return sgf__fail(err, SGF_ERR_UNSUPPORTED,
                         "a mixture is computed on a processor only, not on a GPU");
    if (parent >= 0 &&
        (!up || up->depth == SGF_MAX_DEPTH || !sgf__rule_continues(&up->layout, rule)))
        return sgf__fail(
            err, SGF_ERR_ARG,
            "sequence %d cannot be a parent: it must be open, its segments must be the "
            "first ones of the child's and see the same there, and a chain of parents "
            "has at most %d sequences",
            (int)parent, (int)SGF_MAX_DEPTH);
    while (i < s->sequence_count && s->sequence[i].open) i++;
    status = sgf__grow(&s->mem, &s->sequence, &s->sequence_cap, i + 1, sizeof *made, err);
    if (status) return status;
    up = sgf__sequence_of(s, parent);
    made = &s->sequence[i];
    sgf_layout_init(&made->layout, &s->mem);
    status = sgf__rule_copy(s, rule, up ? &up->layout : NULL, &made->layout, err);
    if (status) return sgf_layout_free(&made->layout), status;
    made->open = 1;
    made->parent = up ? parent : -1;
    made->depth = up ? up->depth + 1 : 1;
    if (i == s->sequence_count) s->sequence_count++;
    if (up) s->sequence[parent].children++;
    *sequence = (int32_t)i;
    return SGF_OK;
}

/* One more page, in memory of what computes; it is freed with the session. */
static sgf_status sgf__page_make(sgf_session *s, sgf_error *err) {
    void *made = NULL;
    sgf_status status = sgf__grow(&s->mem, &s->free_page, &s->free_cap, s->pages + 1,
                                  sizeof *s->free_page, err); /* room to take all of them back */
    if (!status && s->device) status = s->device->page(s, &made, err);
    else if (!status) {
        made = sgf__arena_alloc(&s->arena, s->page_bytes + 64, 1, err);
        if (!made) status = SGF_ERR_MEMORY;
    }
    if (status) return status;
    s->free_page[s->free_pages++] = s->device ? (float *)made : sgf__line((float *)made);
    s->pages++;
    return SGF_OK;
}
/* Where in a page, in elements, the keys [C][32] and the values [32][C] of a layer and kv head begin:
   layer by layer, all its keys before all its values. */
static void sgf__page_places(const sgf_session *s, size_t layer, size_t g, size_t *k_at,
                             size_t *v_at) {
    *k_at = (2 * layer * s->G + g) * s->C * SGF__PAGE;
    *v_at = *k_at + s->G * s->C * SGF__PAGE;
}

/* Element i of a page. */
static float sgf__cell(const sgf_session *s, const float *page, size_t i) {
    return s->bf16 ? sgf__bf16_float(((const uint16_t *)(const void *)page)[i]) : page[i];
}
static void sgf__cell_set(const sgf_session *s, float *page, size_t i, float x) {
    if (s->bf16) ((uint16_t *)(void *)page)[i] = sgf__float_bf16(sgf__flushed(x));
    else page[i] = x;
}

/* Make room for `more` tokens and runs. */
static sgf_status sgf__sequence_reserve(sgf_session *s, sgf__sequence *q, size_t more,
                                        sgf_error *err) {
    size_t pages = s->reference ? 0 : (q->layout.tokens + more + SGF__PAGE - 1) / SGF__PAGE;
    sgf_status status = sgf__layout_reserve(&q->layout, q->layout.tokens + more, 0, err);
    if (!status)
        status = sgf__grow(&s->mem, &q->run, &q->run_cap, q->runs + more, sizeof *q->run, err);
    if (!status) status = sgf__grow(&s->mem, &q->page, &q->page_cap, pages, sizeof *q->page, err);
    while (!status && q->page_count < pages) {
        if (!s->free_pages) status = sgf__page_make(s, err);
        if (!status) q->page[q->page_count++] = s->free_page[--s->free_pages];
    }
    return status;
}
static void sgf__sequence_add(sgf__sequence *q, int32_t token, int32_t seg, int32_t pos) {
    size_t at = q->layout.tokens++;
    if (!q->runs || q->run[q->runs - 1].seg != seg) {
        q->run[q->runs].begin = at;
        q->run[q->runs++].seg = seg;
    }
    q->run[q->runs - 1].end = at + 1;
    q->layout.token[at] = token;
    q->layout.seg[at] = seg;
    q->layout.pos[at] = pos;
    q->layout.segment[seg].tokens++;
}
/* Remove the last n tokens. */
static void sgf__sequence_drop(sgf__sequence *q, size_t n) {
    for (; n; n--) {
        q->layout.segment[q->layout.seg[--q->layout.tokens]].tokens--;
        if (--q->run[q->runs - 1].end == q->run[q->runs - 1].begin) q->runs--;
    }
}

/* The columns of a panel for so many rows: a power of two from `least` to 32. */
static size_t sgf__panel_width(size_t rows, size_t least) {
    while (least < rows && least < SGF__PANEL) least *= 2;
    return least;
}

/* ---- what a query sees ---- */

/* A row of sgf_forward, which is in its sequence already. */
typedef struct sgf__query {
    const sgf_row *row;
    sgf__sequence *own;
    size_t index;   /* in `own` */
    int64_t number; /* of its logits; -1: they are not wanted */
} sgf__query;

/* Queries that pass attention together: consecutive in one sequence and of one segment, so that they
   differ only in causality (and in a sliding window). */
typedef struct sgf__group {
    const sgf__query *query; /* [count], consecutive rows */
    size_t row, count;       /* first row; at most SGF__PANEL */
    int32_t low, high;       /* least and greatest position */
} sgf__group;

static sgf__group sgf__group_make(const sgf__query *query, size_t row, size_t most) {
    const sgf__query *first = query + row, *q;
    sgf__group g;
    g.query = first;
    g.row = row;
    g.low = g.high = first->row->pos;
    for (g.count = 1; g.count < most; g.count++) {
        q = &first[g.count];
        if (q->own != first->own || q->row->seg != first->row->seg ||
            q->index != first->index + g.count)
            break;
        if (q->row->pos < g.low) g.low = q->row->pos;
        if (q->row->pos > g.high) g.high = q->row->pos;
    }
    return g;
}

/* Keys [lane, lane + count) of one page, each seen by at least one query of a group. */
typedef struct sgf__piece {
    const float *page;
    size_t lane, count;
    size_t number; /* of its first key, among all that the rule lets the group see */
    float log_weight;
    int32_t seg;
    ptrdiff_t ahead;          /* key i is not before queries [0, ahead + i) of the group */
    int mixed;                /* some query of the group does not see some key: */
    uint32_t seen[SGF__PAGE]; /* the queries that see each key, as bits */
} sgf__piece;

/* Does a window hide keys that are so far back? */
static int sgf__too_far(int32_t window, int32_t query, int32_t key) {
    return window && query - key >= window;
}
/* Which queries see which keys of a piece, whose positions are pos[count]. */
static void sgf__piece_mix(const sgf__group *group, int32_t window, const int32_t *pos,
                           sgf__piece *piece) {
    size_t i, t;
    piece->mixed = 0;
    for (i = 0; i < piece->count; i++) {
        piece->mixed |= piece->ahead + (ptrdiff_t)i > 0 ||
                        sgf__too_far(window, group->high, pos[i]);
        piece->seen[i] = 0;
    }
    for (i = 0; piece->mixed && i < piece->count; i++)
        for (t = 0; t < group->count; t++)
            if (piece->ahead + (ptrdiff_t)i <= (ptrdiff_t)t &&
                !sgf__too_far(window, group->query[t].row->pos, pos[i]))
                piece->seen[i] |= (uint32_t)1 << t;
}
/* ---- the workspace of one chunk of rows ---- */

/* The activations: arrays of [features][width] panels. X is the residual stream; NORMED is its norm, which
   projections read, then what o and down add to it. */
/* clang-format off */
enum {
    SGF__X, SGF__NORMED, SGF__COS, SGF__SIN, SGF__Q, SGF__K, SGF__V, SGF__ATTENDED, SGF__GATE, SGF__UP,
    SGF__ARRAYS
};
/* clang-format on */

/* Rows [row, row + count) of a pass: each is the newest token of a context of one question. After each
   layer from `from_layer` on, their states become their mean (SGF_COMBINE_HIDDEN). */
typedef struct sgf__mean {
    size_t row, count;
    size_t newest; /* so many tokens of each sequence, the row and those before it */
    int32_t from_layer;
} sgf__mean;

/* One call of sgf_forward, and the KV copies between its rows. */
typedef struct sgf__pass {
    const sgf_row *row;
    size_t n;
    sgf__kv_copy *copy; /* by ascending rows, all below n */
    size_t copies;
    const sgf__mean *mean; /* by ascending rows */
    size_t means;
    float *logits, *hidden; /* of all rows, or NULL */
    int together;           /* 1: parents may grow, their rows come before their children's */
    sgf__query *query;      /* [n] the rows' places: sgf__forward sets them */
    sgf_error *err;
} sgf__pass;

/* What all steps of the forward pass read and write; the context of every task. */
typedef struct sgf__work {
    sgf_session *s;
    const sgf__query *query;                       /* [n] */
    size_t n, panels, columns, width[SGF__PANELS]; /* columns: the widths' sum */
    float *at[SGF__ARRAYS][SGF__PANELS];
    float *norm;            /* weights of the next norm, which is of each norm_width features */
    float *q_norm, *k_norm; /* [C]; NULL: this layer has no norms of heads */
    size_t norm_width;
    int norm_from, norm_to; /* its arrays, or those of a rounding */
    size_t features[SGF__ARRAYS];
    uint8_t *low[SGF__PANELS]; /* bf16: least exponents of each 32 features of what products read */
    uint32_t *pairs[SGF__PANELS]; /* the same features for a tile unit, if there is one */
    sgf__group group[SGF__CHUNK];
    size_t groups;
    size_t layer;
    int32_t window, rope;
} sgf__work;

/* Lay out panels for n rows: full ones of 32, the last one as narrow as it can be. The
   feed-forward's activations replace those of attention: GATE begins where Q did. */
static sgf_status sgf__work_prepare(sgf_session *s, size_t n, sgf__work *w, sgf_error *err) {
    size_t D = s->D, C = s->C, F = s->F, HC = s->H * C, GC = s->G * C;
    const size_t half = s->ropes * (C / 2);
    const size_t features[SGF__ARRAYS] = {D, D, half, half, HC, GC, GC, HC, F, F};
    const size_t lows = sgf__max(D, sgf__max(HC, F)) / 32 + 1;
    const size_t paired = s->unit ? lows * (SGF__BLOCK / 2) * SGF__PANEL : 0; /* words of a panel */
    size_t first[SGF__ARRAYS], need = 0, a, p;
    sgf_status status;
    memset(w, 0, sizeof *w);
    memcpy(w->features, features, sizeof features);
    w->s = s;
    w->n = n;
    w->panels = (n + SGF__PANEL - 1) / SGF__PANEL;
    for (p = 0; p < w->panels; p++) {
        w->width[p] = sgf__panel_width(n - p * SGF__PANEL, w->panels > 1 ? 8 : 1);
        w->columns += w->width[p];
    }
    for (a = 0; a < SGF__ARRAYS; a++) {
        first[a] = a == SGF__GATE ? first[SGF__Q]
                   : a            ? first[a - 1] + features[a - 1] * w->columns
                                  : paired * w->panels;
        need = sgf__max(need, first[a] + features[a] * w->columns);
    }
    status = sgf__floats_reserve(s, &s->work, need + sgf__max(D, HC) + 2 * C + w->panels * lows,
                                 err);
    if (status) return status;
    for (a = 0; a < SGF__ARRAYS; a++)
        for (p = 0; p < w->panels; p++)
            w->at[a][p] = s->work.at + first[a] + features[a] * p * SGF__PANEL;
    w->norm = s->work.at + need;
    for (p = 0; p < w->panels; p++)
        w->low[p] = (uint8_t *)(w->norm + sgf__max(D, HC) + 2 * C) + p * lows,
        w->pairs[p] = (uint32_t *)(void *)s->work.at + p * paired;
    /* The last panel's unused lanes are computed, too, but never read. They start at 0 in every call, or
       their values would grow from call to call, to infinities and NaN. */
    p = w->panels - 1;
    memset(w->at[SGF__X][p], 0, D * w->width[p] * sizeof(float));
    return SGF_OK;
}
/* Put the rows into groups. */
static void sgf__groups_make(sgf__work *w) {
    size_t row;
    for (row = w->groups = 0; row < w->n; row += w->group[w->groups++].count)
        w->group[w->groups] = sgf__group_make(w->query, row, sgf__min(w->n - row, SGF__PANEL));
}

/* Cut the visible runs of `q`, which is the group's sequence or one of its parents, into pieces of
   pages, those of its parents first: keys in ascending order. Only tokens below `before` and, with a
   sliding window, only those that the group's lowest position still sees. Adds the keys, those that
   the window hides as well, to *keys. Returns the number of pieces. */
static size_t sgf__pieces(const sgf__work *w, const sgf__group *group, const sgf__sequence *q,
                          size_t before, sgf__piece *piece, size_t *keys) {
    const sgf__query *query = group->query;
    const sgf_layout *rule = &query->own->layout;
    const sgf__sequence *up = sgf__parent_of(w->s, q);
    const int32_t *pos = q->layout.pos, window = w->window;
    size_t n = up ? sgf__pieces(w, group, up, up->layout.tokens, piece, keys) : 0;
    size_t i, at, stop, end;
    for (i = 0; i < q->runs && q->run[i].begin < before; i++) {
        int32_t seg = q->run[i].seg;
        if (!sgf__sees(rule->visible, query->row->seg, seg)) continue;
        end = sgf__min(q->run[i].end, before);
        for (at = q->run[i].begin; at < end; *keys += stop - at, at = stop) {
            sgf__piece *p = &piece[n];
            stop = window ? at + 1 : sgf__min(end, (at / SGF__PAGE + 1) * SGF__PAGE);
            if (sgf__too_far(window, group->low, pos[at])) continue;
            while (window && stop < end && stop % SGF__PAGE &&
                   !sgf__too_far(window, group->low, pos[stop]))
                stop++;
            p->page = q->page[at / SGF__PAGE];
            p->lane = at % SGF__PAGE;
            p->count = stop - at;
            p->number = *keys;
            p->log_weight = sgf__log_weight(rule, query->row->seg, seg);
            p->seg = seg;
            p->ahead = q == query->own ? (ptrdiff_t)at - (ptrdiff_t)query->index
                                       : -(ptrdiff_t)SGF__PAGE;
            sgf__piece_mix(group, window, pos + at, p);
            n++;
        }
    }
    return n;
}

/* ---- attention ----
   score[j] = fma(q . k_j, score_scale, log weight), out = (sum over j of exp(score[j] - max) v_j) * (1 /
   sum of exps), all sums over visible keys in ascending order; no visible key: out = 0. */

/* What one thread needs: scores [keys][32], queries and outputs of a kv head, and the pieces that a
   group sees, with their values. */
typedef struct sgf__attend_room {
    float *score, *q, *out;
    float *wide; /* bf16: [C][32], a page's keys, or the values of 32 keys */
    sgf__piece *piece;
    sgf__tile_part *value;     /* [pieces] */
    size_t pieces, k_at, v_at; /* where in a page the keys and values begin */
    int bf16;
    const sgf_layout *mixture; /* NULL: one softmax */
    int unit;         /* a tile unit computes both sums, from what sgf__attend_copy copied: */
    uint16_t *keys;   /* [count][C]: those that the group sees */
    uint16_t *values; /* [C][stride]: by number, from `base` on; 0 where no key is seen */
    uint32_t *pairs;  /* queries, or exps of scores, see sgf__pair */
    size_t count, base, stride;
    const sgf__query
        *owner; /* numbers [base, base + copied) of its segment and kv head g are there */
    size_t g, copied;
} sgf__attend_room;

/* The layout of a group that attends by a mixture, else NULL. */
static const sgf_layout *sgf__mixture_of(const sgf__group *group) {
    const sgf_layout *rule = &group->query->own->layout;
    return rule->mixture && group->query->row->seg == rule->answer ? rule : NULL;
}

/* In bytes: room for one kv head, with so many keys and pieces. */
static size_t sgf__attend_bytes(const sgf_session *s) {
    size_t bytes = ((s->score_keys + 2 * s->R * s->C + s->C) * SGF__PANEL +
                    s->score_stride * (s->C + SGF__PANEL / 2)) *
                       sizeof(float) +
                   s->score_pieces * (sizeof(sgf__piece) + sizeof(sgf__tile_part));
    return (bytes + 63) / 64 * 64;
}
/* For the longest sequence of a call, for every thread. A run is one piece, and one more for every
   edge of a page inside it; a window may cut one before every key. */
static sgf_status sgf__scores_prepare(sgf_session *s, const sgf__query *query, size_t n,
                                      sgf_error *err) {
    size_t i, threads = (size_t)s->pool->threads, need;
    const sgf__sequence *q;
    s->score_keys = s->score_pieces = 0;
    for (i = 0; i < n; i++) {
        size_t keys = 0, runs = 0;
        for (q = query[i].own; q; q = sgf__parent_of(s, q))
            keys += q->layout.tokens, runs += q->runs + 1;
        if (s->model->config.sliding_window) runs += keys;
        s->score_keys = sgf__max(s->score_keys, keys);
        s->score_pieces = sgf__max(s->score_pieces, keys / SGF__PAGE + runs + 1);
    }
    /* Numbers in a row of the values that are copied for a tile unit, and room for the C steps of a query; 0: it
       does not attend. An odd number of cache lines, so that rows are not all in one set of a cache. */
    s->score_stride = ((sgf__max(s->score_keys, s->C) / SGF__BLOCK + 1) | 1) * SGF__BLOCK;
    if (!s->bf16 || s->unit < 2 || n <= SGF__PANEL / 4) s->score_stride = 0;
    need = sgf__attend_bytes(s) / sizeof(float) * threads;
    return sgf__floats_reserve(s, &s->scores, need > s->scores.count ? need + need / 4 : need, err);
}
static sgf__attend_room sgf__attend_room_of(const sgf_session *s, int thread) {
    size_t each = s->R * s->C * SGF__PANEL;
    sgf__attend_room room;
    memset(&room, 0, sizeof room);
    room.bf16 = s->bf16;
    room.score = s->scores.at + (size_t)thread * sgf__attend_bytes(s) / sizeof(float);
    room.q = room.score + s->score_keys * SGF__PANEL;
    room.out = room.q + each;
    room.wide = room.out + each;
    room.stride = s->score_stride;
    room.keys = (uint16_t *)(void *)(room.wide + s->C * SGF__PANEL);
    room.values = room.keys + room.stride * s->C;
    room.pairs = (uint32_t *)(void *)(room.values + room.stride * s->C);
    room.piece = (sgf__piece *)(void *)(room.pairs + room.stride * (SGF__PANEL / 2));
    room.value = (sgf__tile_part *)(void *)(room.piece + s->score_pieces);
    return room;
}
/* ---- attention by a tile unit: two products, whose weights are the keys and the values ---- */

/* to[col * to_row + row] = from[row * from_row + col] */
SGF__KERNEL(sgf__turn,
            (int simd, const uint16_t *from, size_t from_row, size_t rows, size_t cols,
             uint16_t *to, size_t to_row),
            (simd, from, from_row, rows, cols, to, to_row)) {
    size_t row, col;
    (void)simd;
    for (col = 0; col < cols; col++)
        for (row = 0; row < rows; row++) to[col * to_row + row] = from[row * from_row + col];
}
/* The values of keys [from, to), numbered from `base` on, become 0. */
static void sgf__attend_blank(const sgf__attend_room *room, size_t C, size_t from, size_t to) {
    size_t c;
    for (c = 0; c < C; c++)
        memset(room->values + c * room->stride + from, 0, (to - from) * sizeof(uint16_t));
}
/* Copies the keys and values that a group sees. The next group of the same segment sees these keys first,
   so without a window they stay. Values are 0 for keys that only the window hides, and after the last.
   Returns 0 if a value that some query does not see is not finite: the unit would multiply it by 0. */
static int sgf__attend_copy(const sgf__work *w, const sgf__group *group, size_t g,
                            sgf__attend_room *room) {
    const sgf__query *query = group->query;
    size_t C = w->s->C, i, n = 0, end = 0;
    if (w->window || !room->owner || room->g != g || room->owner->own != query->own ||
        room->owner->row->seg != query->row->seg)
        room->copied = 0;
    room->owner = query, room->g = g;
    room->base = room->piece[0].number / SGF__BLOCK * SGF__BLOCK;
    for (i = 0; i < room->pieces; n += room->piece[i++].count) {
        const sgf__piece *piece = &room->piece[i];
        const uint16_t *page = (const uint16_t *)(const void *)piece->page;
        const uint16_t *value = page + room->v_at + piece->lane * C;
        size_t number = piece->number - room->base;
        uint8_t low, high = 0;
        if (piece->mixed) sgf__widen_bf16(w->s->simd, value, NULL, piece->count * C, &low, &high);
        if (high == 255) return 0;
        if (number + piece->count > room->copied) {
            sgf__turn(w->s->simd, page + room->k_at + piece->lane, SGF__PAGE, C, piece->count,
                      room->keys + n * C, C);
            sgf__attend_blank(room, C, end, number);
            sgf__turn(w->s->simd, value, C, piece->count, C, room->values + number, room->stride);
        }
        end = number + piece->count;
    }
    room->count = n, room->copied = end;
    sgf__attend_blank(room, C, end, sgf__blocks(end));
    return 1;
}
/* out[rows][width] = data [rows][stride], of each row the first K numbers, times room->pairs */
static void sgf__attend_product(const sgf__attend_room *room, const uint16_t *data, size_t rows,
                                size_t stride, size_t K, size_t width, float *out) {
    sgf_tensor w;
    sgf__product job;
    memset(&w, 0, sizeof w), memset(&job, 0, sizeof job);
    w.data = data, w.rows = rows, w.cols = stride;
    job.w = &w, job.out = &out, job.width = &width, job.panels = 1, job.pairs = &room->pairs;
#ifdef SGF__AMX
    sgf__amx_product(&job, K, 0, rows);
#else
    (void)K;
#endif
}
/* score [keys][width] = keys times q [C][width] */
static void sgf__attend_unit_keys(int simd, const sgf__attend_room *room, const float *q, size_t C,
                                  size_t width) {
    memset(room->pairs, 0, sgf__blocks(C) * SGF__PANEL / 2 * sizeof(uint32_t));
    sgf__pair(simd, q, 0, C, width, room->pairs);
    sgf__attend_product(room, room->keys, room->count, C, C, width, room->score);
}
/* out [C][width] = values times score */
static void sgf__attend_unit_values(int simd, const sgf__attend_room *room, size_t C, size_t width,
                                    float *out) {
    const float *score = room->score;
    size_t K = sgf__blocks(room->copied), i;
    memset(room->pairs, 0, K * SGF__PANEL / 2 * sizeof(uint32_t));
    for (i = 0; i < room->pieces; score += room->piece[i++].count * width)
        sgf__pair(simd, score, room->piece[i].number - room->base, room->piece[i].count, width,
                  room->pairs);
    sgf__attend_product(room, room->values, C, room->stride, K, width, out);
}
/* List the keys and values of kv head g that a group sees; a tile unit gets copies. */
static void sgf__attend_list(const sgf__work *w, const sgf__group *group, size_t g,
                             sgf__attend_room *room) {
    const sgf__query *last = &group->query[group->count - 1];
    size_t i, keys = 0;
    room->pieces = sgf__pieces(w, group, last->own, last->index + 1, room->piece, &keys);
    sgf__page_places(w->s, w->layer, g, &room->k_at, &room->v_at);
    room->mixture = sgf__mixture_of(group);
    for (i = 0; i < room->pieces && !w->s->bf16; i++) {
        room->value[i].w = room->piece[i].page + room->v_at + room->piece[i].lane * w->s->C;
        room->value[i].count = room->piece[i].count;
    }
    room->unit = room->stride && room->pieces && group->count > SGF__PANEL / 4 &&
                 sgf__attend_copy(w, group, g, room);
}
/* The keys of a piece's page [C][32], which in bf16 are widened; q_low: the least exponent of q. */
static const float *sgf__attend_keys(int simd, const sgf__attend_room *room,
                                     const sgf__piece *piece, size_t C, uint8_t q_low, int *clean) {
    const uint16_t *half = (const uint16_t *)(const void *)piece->page + room->k_at;
    uint8_t low, high;
    if (!room->bf16) return piece->page + room->k_at;
    sgf__widen_bf16(simd, half, room->wide, C * SGF__PAGE, &low, &high);
    *clean = sgf__clean(low, q_low);
    return room->wide;
}
/* bf16: out = sum over keys of score * value, 32 keys at a time. score [keys][width]. `rows`: the
   lanes are channels, out [width][C]; else they are queries, out [C][width]. */
static void sgf__attend_values(int simd, const sgf__attend_room *room, size_t width, size_t C,
                               int rows, float *out) {
    float odds[SGF__BLOCK * SGF__PANEL], *score = room->score;
    uint32_t seen[SGF__BLOCK];
    size_t i = 0, j = 0, k;
    uint8_t w_low = 255, x_low = 255; /* of all blocks so far, see sgf__round */
    sgf__tile tile;
    sgf__tile_part part;
    memset(&tile, 0, sizeof tile);
    tile.part = &part, tile.parts = 1, tile.bf16 = tile.first = 1;
    part.w = rows ? odds : room->wide, tile.x = rows ? room->wide : odds;
    tile.w_k = rows ? width : C, tile.x_k = tile.out_row = rows ? C : width, tile.out = out;
    tile.seen = rows ? NULL : seen;
    for (; i < room->pieces; tile.first = 0) {
        size_t begin = (room->piece[i].number + j) / SGF__BLOCK * SGF__BLOCK;
        int finite = 1;
        part.count = 0;
        while (i < room->pieces && room->piece[i].number + j < begin + SGF__BLOCK) {
            const sgf__piece *piece = &room->piece[i];
            const uint16_t *half = (const uint16_t *)(const void *)piece->page + room->v_at;
            size_t to = piece->number + j - begin, n = sgf__min(piece->count - j, SGF__BLOCK - to);
            uint8_t low, high;
            memset(odds + part.count * width, 0, (to - part.count) * width * sizeof(float));
            memset(room->wide + part.count * C, 0, (to - part.count) * C * sizeof(float));
            for (k = part.count; k < to; k++) seen[k] = 0;
            for (k = 0; k < n; k++) seen[to + k] = piece->mixed ? piece->seen[j + k] : ~(uint32_t)0;
            sgf__round(simd, score, odds + to * width, n * width, &x_low);
            sgf__widen_bf16(simd, half + (piece->lane + j) * C, room->wide + to * C, n * C, &low,
                            &high);
            w_low = low < w_low ? low : w_low;
            finite = finite && high < 255;
            score += n * width, part.count = to + n, j += n;
            if (j == piece->count) i++, j = 0;
        }
        tile.clean = sgf__clean(w_low, x_low) && (rows || finite);
        sgf__tile_run(simd, rows ? width : C, 0, rows ? C : width, &tile);
    }
}

/* The scores of head r of R, score [keys][R], times the factors of the mixture. */
static void sgf__attend_mixture(const sgf__attend_room *room, size_t R, size_t r) {
    sgf__mixture mixture;
    size_t pass, i, j;
    memset(&mixture, 0, sizeof mixture);
    for (pass = 0; pass < 2; pass++) {
        float *score = room->score + r;
        for (i = 0; i < room->pieces; i++) {
            const sgf_segment *segment = &room->mixture->segment[room->piece[i].seg];
            for (j = 0; j < room->piece[i].count; j++, score += R)
                if (!pass) sgf__mixture_add(&mixture, segment, *score);
                else *score *= sgf__mixture_factor(&mixture, segment);
        }
        if (!pass) sgf__mixture_end(&mixture);
    }
}
/* One query, R <= 12 heads that share a kv head: lanes are keys, then channels. q [C][R], out [R][C].
   Leaves exp(score - max), in a mixture times its factor, in score [keys][R]. */
static void sgf__attend_row(int simd, float *q, size_t R, size_t C, float scale,
                            const sgf__attend_room *room, float *out) {
    float dots[SGF__TILE_ROWS * SGF__PAGE], sum[SGF__TILE_ROWS], *score = room->score;
    size_t i, j, r, n = 0;
    sgf__tile tile;
    sgf__tile_part part;
    uint8_t low = 255;
    if (room->bf16) sgf__round(simd, q, q, R * C, &low);
    memset(&tile, 0, sizeof tile);
    part.w = q, part.count = C;
    tile.part = &part, tile.parts = 1, tile.w_k = R, tile.first = 1, tile.bf16 = room->bf16;
    tile.x_k = tile.out_row = SGF__PAGE, tile.out = dots;
    for (i = 0; i < room->pieces; n += room->piece[i++].count) {
        const sgf__piece *piece = &room->piece[i];
        tile.x = sgf__attend_keys(simd, room, piece, C, low, &tile.clean);
        sgf__tile_run(simd, R, 0, SGF__PAGE, &tile);
        for (j = 0; j < piece->count; j++)
            for (r = 0; r < R; r++) score[(n + j) * R + r] = dots[r * SGF__PAGE + piece->lane + j];
        sgf__scale(simd, score + n * R, piece->count * R, scale, piece->log_weight);
    }
    sgf__softmax(simd, score, n, R, sum);
    for (r = 0; r < R && room->mixture; r++) {
        sgf__attend_mixture(room, R, r);
        sum[r] = 1; /* the factors divide */
    }
    memset(out, 0, R * C * sizeof(float));
    if (room->bf16) sgf__attend_values(simd, room, R, C, 1, out);
    tile.x_k = tile.out_row = C, tile.out = out, tile.first = 0;
    for (i = n = 0; i < room->pieces && !room->bf16; n += room->piece[i++].count) {
        part.w = score + n * R, part.count = room->piece[i].count;
        tile.x = room->value[i].w;
        sgf__tile_run(simd, R, 0, C, &tile);
    }
    for (r = 0; r < R; r++) sgf__divide(simd, out + r * C, C, 1, sum + r, room->bf16);
}

/* A group of queries, one head: lanes are queries. q and out [C][width]. Pieces that all queries see
   are computed whole. Of the others, which are on the diagonal or at the edge of a window, SGF__STEP
   keys at a time, without the lanes that are before these keys. */
enum { SGF__STEP = 16 };

static size_t sgf__lanes_before(const sgf__piece *piece, size_t key, size_t width) {
    return piece->mixed && width == SGF__PANEL && piece->ahead + (ptrdiff_t)key >= SGF__STEP
               ? SGF__STEP
               : 0;
}
static void sgf__attend_group(int simd, float *q, size_t C, size_t width, float scale,
                              const sgf__attend_room *room, float *out) {
    float sum[SGF__PANEL], *score = room->score;
    size_t i, j, n = 0, step;
    sgf__tile tile;
    sgf__tile_part part;
    uint8_t low = 255;
    if (room->unit) sgf__attend_unit_keys(simd, room, q, C, width);
    else if (room->bf16) sgf__round(simd, q, q, C * width, &low);
    memset(&tile, 0, sizeof tile);
    tile.bf16 = room->bf16;
    tile.part = &part, tile.parts = 1, tile.x = q, tile.first = 1;
    tile.x_k = tile.out_row = width, tile.w_k = SGF__PAGE;
    for (i = 0; i < room->pieces; n += room->piece[i++].count) {
        const sgf__piece *piece = &room->piece[i];
        const float *keys = room->unit ? NULL
                                       : sgf__attend_keys(simd, room, piece, C, low, &tile.clean);
        step = piece->mixed ? (size_t)SGF__STEP : (size_t)SGF__PAGE;
        for (j = 0; keys && j < piece->count; j += step) {
            part.w = keys + piece->lane + j, part.count = C;
            tile.out = score + (n + j) * width;
            sgf__tile_run(simd, sgf__min(step, piece->count - j),
                          sgf__lanes_before(piece, j, width), width, &tile);
        }
        sgf__scale(simd, score + n * width, piece->count * width, scale, piece->log_weight);
        if (piece->mixed) sgf__hide(simd, score + n * width, piece->seen, piece->count, width);
    }
    sgf__softmax(simd, score, n, width, sum);
    memset(out, 0, C * width * sizeof(float));
    if (room->unit) sgf__attend_unit_values(simd, room, C, width, out);
    else if (room->bf16) sgf__attend_values(simd, room, width, C, 0, out);
    tile.x = score, tile.out = out, tile.w_k = C, tile.first = 0;
    for (i = 0; i < room->pieces && !room->bf16;) {
        const sgf__piece *piece = &room->piece[i];
        if (!piece->mixed) { /* as many as follow each other, in one go */
            tile.part = room->value + i;
            for (n = tile.parts = 0; i < room->pieces && !room->piece[i].mixed; tile.parts++)
                n += room->piece[i++].count;
            sgf__tile_run(simd, C, 0, width, &tile);
            tile.x += n * width;
            continue;
        }
        tile.part = &part, tile.parts = 1;
        for (j = 0; j < piece->count; j += part.count, tile.x += part.count * width) {
            part.w = room->value[i].w + j * C, part.count = sgf__min(SGF__STEP, piece->count - j);
            tile.seen = piece->seen + j;
            sgf__tile_run(simd, C, sgf__lanes_before(piece, j, width), width, &tile);
        }
        tile.seen = NULL;
        i++;
    }
    sgf__divide(simd, out, C, width, sum, room->bf16);
}

/* Columns of a group between the panels and a block [features][width]; unused columns stay as they
   are. */
static void sgf__group_columns(const sgf__group *group, float *const *panel, const size_t *widths,
                               size_t feature, size_t features, size_t width, float *block,
                               int to_panel) {
    size_t t = 0, c;
    while (t < group->count) {
        size_t row = group->row + t, p = row / SGF__PANEL, lane = row % SGF__PANEL;
        size_t n = sgf__min(group->count - t, SGF__PANEL - lane);
        float *at = panel[p] + feature * widths[p] + lane;
        for (c = 0; c < features; c++, at += widths[p])
            if (to_panel) memcpy(at, block + c * width + t, n * sizeof(float));
            else memcpy(block + c * width + t, at, n * sizeof(float));
        t += n;
    }
}
/* Heads [head, head + heads), at most 12, of one row, which share kv head g; out [heads][C]. */
static void sgf__attend_heads(const sgf__work *w, size_t row, size_t head, size_t heads,
                              const sgf__attend_room *room, float *out) {
    size_t C = w->s->C, width = w->width[row / SGF__PANEL], h, c;
    const float *from = w->at[SGF__Q][row / SGF__PANEL] + head * C * width + row % SGF__PANEL;
    for (h = 0; h < heads; h++)
        for (c = 0; c < C; c++) room->q[c * heads + h] = from[(h * C + c) * width];
    sgf__attend_row(w->s->simd, room->q, heads, C, w->s->score_scale, room, out);
}
/* One kv head of a group of a few queries: row by row. */
static void sgf__attend_rows(const sgf__work *w, const sgf__group *group, size_t g,
                             sgf__attend_room *room) {
    size_t C = w->s->C, R = w->s->R, i, r, c;
    for (i = group->row; i < group->row + group->count; i++) {
        sgf__group one = sgf__group_make(w->query, i, 1);
        size_t width = w->width[i / SGF__PANEL];
        float *to = w->at[SGF__ATTENDED][i / SGF__PANEL] + g * R * C * width + i % SGF__PANEL;
        sgf__attend_list(w, &one, g, room);
        for (r = 0; r < R; r += SGF__TILE_ROWS)
            sgf__attend_heads(w, i, g * R + r, sgf__min(R - r, SGF__TILE_ROWS), room,
                              room->out + r * C);
        for (c = 0; c < R * C; c++) to[c * width] = room->out[c];
    }
}

enum { SGF__FEW = 4 }; /* so many queries are computed row by row */

/* Items are (kv head, group), so that threads get equal shares of short and long rows. */
static void sgf__attend_part(void *context, size_t begin, size_t end, int thread) {
    const sgf__work *w = (const sgf__work *)context;
    size_t C = w->s->C, RC = w->s->R * C, item, i;
    sgf__attend_room room = sgf__attend_room_of(w->s, thread);
    float *q, *out;
    int whole; /* the group is a panel: q, which bf16 may round, and out are used in place */
    for (item = begin; item < end; item++) {
        const sgf__group *group = &w->group[item % w->groups];
        size_t g = item / w->groups, width = sgf__panel_width(group->count, 8);
        if (group->count <= SGF__FEW || sgf__mixture_of(group)) {
            sgf__attend_rows(w, group, g, &room);
            continue;
        }
        sgf__attend_list(w, group, g, &room);
        whole = group->count == SGF__PANEL && group->row % SGF__PANEL == 0;
        if (whole) {
            q = w->at[SGF__Q][group->row / SGF__PANEL] + g * RC * width;
            out = w->at[SGF__ATTENDED][group->row / SGF__PANEL] + g * RC * width;
        } else {
            q = room.q, out = room.out;
            memset(q, 0, RC * width * sizeof(float));
            sgf__group_columns(group, w->at[SGF__Q], w->width, g * RC, RC, width, q, 0);
        }
        for (i = 0; i < RC; i += C)
            sgf__attend_group(w->s->simd, q + i * width, C, width, w->s->score_scale, &room,
                              out + i * width);
        if (!whole)
            sgf__group_columns(group, w->at[SGF__ATTENDED], w->width, g * RC, RC, width, out, 1);
    }
}

/* Tell the watch function which segments the rows attended to. */
static void sgf__attend_watch(const sgf__work *w) {
    size_t H = w->s->H, row, h, i, j;
    sgf__attend_room room = sgf__attend_room_of(w->s, 0);
    double mass[SGF_MAX_SEGMENTS];
    for (row = 0; row < w->n; row++) {
        const sgf__query *query = &w->query[row];
        sgf__group one = sgf__group_make(w->query, row, 1);
        if (query->number < 0) continue;
        memset(mass, 0, sizeof mass);
        for (h = 0; h < H; h++) {
            const float *score = room.score;
            double sum = 0;
            sgf__attend_list(w, &one, h / w->s->R, &room);
            sgf__attend_heads(w, row, h, 1, &room, room.out);
            for (i = 0; i < room.pieces; i++)
                for (j = 0; j < room.piece[i].count; j++) sum += (double)*score++;
            score = room.score;
            for (i = 0; i < room.pieces; i++)
                for (j = 0; j < room.piece[i].count; j++)
                    mass[room.piece[i].seg] += (double)*score++ / sum / (double)H;
        }
        w->s->watch(w->s->watch_user, (size_t)query->number, (int32_t)w->layer, mass,
                    query->own->layout.segments);
    }
}
SGF_DEF void sgf_session_watch(sgf_session *s, sgf_watch_function *see, void *user) {
    s->watch = see;
    s->watch_user = user;
}

/* ---- the forward pass of one chunk of rows ---- */

/* Embeddings into X, and the cosines and sines of every row's position: cos(pos * inv_freq), the
   angle rounded to float as transformers does, its cosine computed in double. */
static void sgf__embed_part(void *context, size_t begin, size_t end, int thread) {
    sgf__work *w = (sgf__work *)context;
    const sgf_session *s = w->s;
    size_t D = s->D, half = s->C / 2, i, j, at;
    float value[256], scale = (float)s->model->config.embedding_scale;
    (void)thread;
    for (i = begin; i < end; i++) {
        size_t p = i / SGF__PANEL, lane = i % SGF__PANEL, width = w->width[p], n;
        const sgf_row *row = w->query[i].row;
        float *x = w->at[SGF__X][p] + lane;
        for (at = 0; at < D; at += n) {
            n = sgf__min(D - at, 256);
            sgf__widen(&s->model->embedding, (size_t)row->token * D + at, n, value);
            for (j = 0; j < n; j++) x[(at + j) * width] = value[j] * scale;
        }
        for (j = 0; j < s->ropes * half; j++) {
            double sine, cosine;
            float by = j < half ? s->rope_scale : 1;
            sgf__sincos_d((double)((float)row->pos * s->inv_freq[j]), &sine, &cosine);
            w->at[SGF__COS][p][j * width + lane] = (float)cosine * by;
            w->at[SGF__SIN][p][j * width + lane] = (float)sine * by;
        }
    }
}
static void sgf__norm_part(void *context, size_t begin, size_t end, int thread) {
    sgf__work *w = (sgf__work *)context;
    size_t p;
    (void)thread;
    for (p = begin; p < end; p++)
        sgf__rmsnorm(w->s->simd, w->at[w->norm_from][p], w->norm, w->s->model->config.rms_eps,
                     w->norm_width, w->width[p], w->at[w->norm_to][p]);
}
/* The norm of array `from` to array `to`, which may be the same. Returns the array that has the
   result: `from` if there are no weights. */
static int sgf__norm(sgf__work *w, const sgf_tensor *weight, int from, int to) {
    if (!weight->data) return from;
    w->norm_width = weight->cols, w->norm_from = from, w->norm_to = to;
    sgf__widen(weight, 0, weight->cols, w->norm);
    sgf__parallel(w->s->pool, w->panels, 2, sgf__norm_part, w);
    return to;
}
/* The panels of one array follow each other in memory: floats [begin, end) of all of them. */
static void sgf__swiglu_part(void *context, size_t begin, size_t end, int thread) {
    sgf__work *w = (sgf__work *)context;
    (void)thread;
    sgf__swiglu(w->s->simd, w->s->model->config.gelu, w->at[SGF__GATE][0] + begin,
                w->at[SGF__UP][0] + begin, end - begin);
}
/* x += scale * normed, where projections leave their result */
static void sgf__residual_part(void *context, size_t begin, size_t end, int thread) {
    sgf__work *w = (sgf__work *)context;
    (void)thread;
    sgf__residual_add(w->s->simd, w->at[SGF__X][0] + begin, w->at[SGF__NORMED][0] + begin,
                      end - begin, (float)w->s->model->config.residual_scale);
}
static void sgf__residual(sgf__work *w, const sgf_tensor *norm) {
    (void)sgf__norm(w, norm, SGF__NORMED, SGF__NORMED);
    sgf__parallel(w->s->pool, w->columns * w->s->D, SGF__GRAIN, sgf__residual_part, w);
}

/* Head norm and RoPE, where the layer has them, for one head of Q or K. */
static void sgf__head_rotate(const sgf__work *w, int array, size_t head, const float *norm) {
    size_t C = w->s->C, at = w->rope == 1 ? C / 2 : 0, p;
    for (p = 0; p < w->panels; p++) {
        size_t width = w->width[p];
        float *x = w->at[array][p] + head * C * width;
        if (norm) sgf__rmsnorm(w->s->simd, x, norm, w->s->model->config.rms_eps, C, width, x);
        if (w->rope >= 0)
            sgf__rope_head(w->s->simd, x, w->at[SGF__COS][p] + at * width,
                           w->at[SGF__SIN][p] + at * width, C / 2, width);
    }
}
/* The rows' keys and values of one kv head into their pages. */
static void sgf__cache_store(const sgf__work *w, size_t g) {
    size_t C = w->s->C, i, c, k_at, v_at;
    sgf__page_places(w->s, w->layer, g, &k_at, &v_at);
    for (i = 0; i < w->n; i++) {
        const sgf__query *query = &w->query[i];
        size_t p = i / SGF__PANEL, width = w->width[p], cell = query->index % SGF__PAGE;
        float *page = query->own->page[query->index / SGF__PAGE];
        const float *k = w->at[SGF__K][p] + g * C * width + i % SGF__PANEL;
        const float *v = w->at[SGF__V][p] + g * C * width + i % SGF__PANEL;
        for (c = 0; c < C; c++) {
            sgf__cell_set(w->s, page, k_at + c * SGF__PAGE + cell, k[c * width]);
            sgf__cell_set(w->s, page, v_at + cell * C + c, v[c * width]);
        }
    }
}
/* Items are the kv heads, each with the query heads that share it. */
static void sgf__heads_part(void *context, size_t begin, size_t end, int thread) {
    const sgf__work *w = (const sgf__work *)context;
    size_t R = w->s->R, g, r;
    (void)thread;
    for (g = begin; g < end; g++) {
        for (r = 0; r < R; r++) sgf__head_rotate(w, SGF__Q, g * R + r, w->q_norm);
        sgf__head_rotate(w, SGF__K, g, w->k_norm);
        sgf__cache_store(w, g);
    }
}
/* The weights of a norm of heads; NULL: there is none, or one of all heads, which is computed here. */
static float *sgf__head_norm(sgf__work *w, const sgf_tensor *weight, int array, float *room) {
    if (weight->cols > w->s->C) (void)sgf__norm(w, weight, array, array);
    if (!weight->data || weight->cols > w->s->C) return NULL;
    sgf__widen(weight, 0, w->s->C, room);
    return room;
}
static sgf__product sgf__projection(const sgf__work *w, int matrix, const sgf_tensor *bias, int in,
                                    int out) {
    const sgf__matrix *m = &w->s->matrix[w->layer * SGF__MATRICES + (size_t)matrix];
    sgf__product product;
    product.w = &m->w;
    product.low = m->low;
    product.in_low = w->low;
    product.bias = bias;
    product.in = (const float *const *)w->at[in];
    product.out = w->at[out];
    product.width = w->width;
    product.panels = w->panels;
    product.simd = w->s->simd, product.unit = w->s->unit, product.pairs = w->pairs;
    return product;
}
/* A panel [K][width], which products read as panel p: rounded into `to`, 32 features at a time. */
static void sgf__round_panel(const sgf__work *w, size_t p, const float *from, float *to, size_t K,
                             size_t width) {
    size_t k, n;
    if (w->s->unit) memset(w->pairs[p], 0, sgf__blocks(K) * SGF__PANEL / 2 * sizeof(uint32_t));
    for (k = 0; k < K; k += n, from += n * width, to += n * width) {
        uint8_t *low = &w->low[p][k / SGF__BLOCK];
        n = sgf__min(K - k, SGF__BLOCK);
        *low = k ? low[-1] : 255;
        sgf__round(w->s->simd, from, to, n * width, low);
        if (w->s->unit) sgf__pair(w->s->simd, to, k, n, width, w->pairs[p]);
    }
}
static void sgf__round_part(void *context, size_t begin, size_t end, int thread) {
    const sgf__work *w = (const sgf__work *)context;
    (void)thread;
    for (; begin < end; begin++)
        sgf__round_panel(w, begin, w->at[w->norm_from][begin], w->at[w->norm_to][begin],
                         w->features[w->norm_from], w->width[begin]);
}
/* bf16: the array that products will read is rounded, the residual stream into NORMED. Returns the
   array that has the result. */
static int sgf__rounded_array(sgf__work *w, int from) {
    if (!w->s->bf16) return from;
    w->norm_from = from, w->norm_to = from == SGF__X ? SGF__NORMED : from;
    sgf__parallel(w->s->pool, w->panels, 2, sgf__round_part, w);
    return w->norm_to;
}
/* x += attention(norm(x)); x += feed_forward(norm(x)) */
static void sgf__layer_forward(sgf__work *w, size_t l) {
    sgf_session *s = w->s;
    const sgf_layer *layer = &s->model->layer[l];
    sgf__product product[3];
    size_t items = w->groups * s->G, scores = w->n * s->score_keys * s->H * s->C;
    float *heads = w->norm + sgf__max(s->D, s->H * s->C);
    int in = sgf__norm(w, &layer->attn_norm, SGF__X, SGF__NORMED);
    w->layer = l;
    w->window = sgf_config_window(&s->model->config, (int32_t)l);
    w->rope = sgf_config_rope(&s->model->config, (int32_t)l);
    in = sgf__rounded_array(w, in);
    product[0] = sgf__projection(w, SGF__W_Q, &layer->q_bias, in, SGF__Q);
    product[1] = sgf__projection(w, SGF__W_K, &layer->k_bias, in, SGF__K);
    product[2] = sgf__projection(w, SGF__W_V, &layer->v_bias, in, SGF__V);
    sgf__matmul(s->pool, product, 3);
    w->q_norm = sgf__head_norm(w, &layer->q_norm, SGF__Q, heads);
    w->k_norm = sgf__head_norm(w, &layer->k_norm, SGF__K, heads + s->C);
    sgf__parallel(s->pool, s->G, SGF__GRAIN * s->G / (w->columns * s->D) + 1, sgf__heads_part, w);
    sgf__parallel(s->pool, items, SGF__GRAIN * items / scores + 1, sgf__attend_part, w);
    if (s->watch) sgf__attend_watch(w);
    (void)sgf__rounded_array(w, SGF__ATTENDED);
    product[0] = sgf__projection(w, SGF__W_O, &layer->o_bias, SGF__ATTENDED, SGF__NORMED);
    sgf__matmul(s->pool, product, 1);
    sgf__residual(w, &layer->attn_post_norm);
    in = sgf__rounded_array(w, sgf__norm(w, &layer->ffn_norm, SGF__X, SGF__NORMED));
    product[0] = sgf__projection(w, SGF__W_GATE, &layer->gate_bias, in, SGF__GATE);
    product[1] = sgf__projection(w, SGF__W_UP, &layer->up_bias, in, SGF__UP);
    sgf__matmul(s->pool, product, 2);
    sgf__parallel(s->pool, w->columns * s->F, SGF__GRAIN / 8, sgf__swiglu_part, w);
    (void)sgf__rounded_array(w, SGF__GATE);
    product[0] = sgf__projection(w, SGF__W_DOWN, &layer->down_bias, SGF__GATE, SGF__NORMED);
    sgf__matmul(s->pool, product, 1);
    sgf__residual(w, &layer->ffn_post_norm);
}

typedef struct sgf__spread_job {
    const float *block; /* [V][width] */
    float *logits;      /* [n, V] */
    size_t V, width, n;
} sgf__spread_job;

/* Ids [begin, end) of every row. */
static void sgf__spread_part(void *context, size_t begin, size_t end, int thread) {
    sgf__spread_job *job = (sgf__spread_job *)context;
    size_t v, i;
    (void)thread;
    for (v = begin; v < end; v++)
        for (i = 0; i < job->n; i++) job->logits[i * job->V + v] = job->block[v * job->width + i];
}
/* Logits of the rows that want them, from the normed panels: gather up to 32 columns, multiply,
   spread. */
static sgf_status sgf__logits(const sgf__work *w, float *logits, sgf_error *err) {
    sgf_session *s = w->s;
    size_t D = s->D, V = s->V, i = 0, j, d;
    float divisor = (float)s->model->config.logit_divisor;
    const sgf__matrix *matrix = &s->matrix[s->L * SGF__MATRICES];
    while (i < w->n) {
        size_t column[SGF__PANEL], n = 0, width;
        sgf__spread_job spread;
        sgf__product product;
        const float *in;
        float *out;
        for (; i < w->n && n < SGF__PANEL; i++)
            if (w->query[i].number >= 0) column[n++] = i;
        if (!n) break;
        width = sgf__panel_width(n, 1);
        if (sgf__floats_reserve(s, &s->block, (D + V) * width, err)) return SGF_ERR_MEMORY;
        in = s->block.at;
        memset(s->block.at, 0, D * width * sizeof(float));
        for (j = 0; j < n; j++) {
            size_t p = column[j] / SGF__PANEL;
            const float *from = w->at[SGF__NORMED][p] + column[j] % SGF__PANEL;
            for (d = 0; d < D; d++) s->block.at[d * width + j] = from[d * w->width[p]] / divisor;
        }
        spread.logits = logits + (size_t)w->query[column[0]].number * V;
        out = n == 1 ? spread.logits : s->block.at + D * width; /* one column needs no spreading */
        if (s->bf16) sgf__round_panel(w, 0, in, s->block.at, D, width);
        product.w = &matrix->w, product.low = matrix->low, product.in_low = w->low;
        product.bias = NULL, product.simd = s->simd, product.unit = s->unit,
        product.pairs = w->pairs;
        product.in = &in, product.out = &out, product.width = &width, product.panels = 1;
        sgf__matmul(s->pool, &product, 1);
        spread.block = out, spread.V = V, spread.width = width, spread.n = n;
        if (n > 1) sgf__parallel(s->pool, V, SGF__GRAIN / n + 1, sgf__spread_part, &spread);
    }
    return SGF_OK;
}

static float *sgf__state(const sgf__work *w, size_t i, size_t d) {
    return &w->at[SGF__X][i / SGF__PANEL][d * w->width[i / SGF__PANEL] + i % SGF__PANEL];
}
/* As sgf__reference_mean: rows [row, row + n) of the chunk. */
static void sgf__mean_run(sgf__work *w, size_t row, size_t n) {
    size_t d, i;
    for (d = 0; d < w->s->D; d++) {
        float sum = 0;
        for (i = row; i < row + n; i++) sum += *sgf__state(w, i, d);
        for (i = row; i < row + n; i++) *sgf__state(w, i, d) = sum / (float)n;
    }
}
/* Up to SGF__CHUNK rows, from number `first` of the pass on. logits of the whole call, hidden of these
   rows; NULL: not wanted. */
static sgf_status sgf__chunk_forward(sgf_session *s, const sgf__pass *pass, size_t first,
                                     size_t n) {
    size_t D = s->D, i, d, l;
    float *hidden = pass->hidden ? pass->hidden + first * D : NULL;
    sgf__work w;
    sgf_status status = sgf__work_prepare(s, n, &w, pass->err);
    if (status) return status;
    w.query = pass->query + first;
    sgf__groups_make(&w);
    sgf__parallel(s->pool, n, 16, sgf__embed_part, &w);
    for (l = 0; l < s->L; l++) {
        sgf__layer_forward(&w, l);
        for (i = 0; i < pass->means; i++) {
            const sgf__mean *m = &pass->mean[i];
            if (m->row >= first && m->row < first + n && (int32_t)l >= m->from_layer)
                sgf__mean_run(&w, m->row - first, m->count);
        }
    }
    (void)sgf__norm(&w, &s->model->norm, SGF__X, SGF__NORMED);
    for (i = 0; hidden && i < n; i++)
        for (d = 0; d < D; d++)
            hidden[i * D + d] =
                w.at[SGF__NORMED][i / SGF__PANEL][d * w.width[i / SGF__PANEL] + i % SGF__PANEL];
    return pass->logits ? sgf__logits(&w, pass->logits, pass->err) : SGF_OK;
}

/* ---- KV copies: keys and values that are computed already ---- */

/* Keys and values of `count` cells of one page, which are copied to another one. */
typedef struct sgf__copy_piece {
    const void *from;
    void *to;
    int32_t from_cell, to_cell, count;
} sgf__copy_piece;
typedef struct sgf__kv_copy_job {
    const sgf_session *s;
    const sgf__kv_copy *copy;
    const float *rotation; /* s->rotation, or NULL: the positions are the same */
} sgf__kv_copy_job;

/* What is copied from token i of a copy on, up to a page's edge. */
static sgf__copy_piece sgf__copy_cut(const sgf_session *s, const sgf__kv_copy *copy, size_t i) {
    size_t to = copy->to + i, from = copy->from + i;
    size_t to_cell = to % SGF__PAGE, from_cell = from % SGF__PAGE;
    sgf__copy_piece piece;
    piece.to = s->sequence[copy->sequence].page[to / SGF__PAGE];
    piece.from = s->sequence[copy->source].page[from / SGF__PAGE];
    piece.to_cell = (int32_t)to_cell, piece.from_cell = (int32_t)from_cell;
    piece.count = (int32_t)sgf__min(copy->count - i, SGF__PAGE - sgf__max(from_cell, to_cell));
    return piece;
}
static void sgf__cells_copy(const sgf_session *s, const float *old, size_t from, float *page,
                            size_t to, size_t n) {
    size_t size = s->bf16 ? sizeof(uint16_t) : sizeof(float);
    memcpy((char *)page + to * size, (const char *)old + from * size, n * size);
}
/* Keys [C][32] at `from` of one page to `to` of another, n lanes, rotated as RoPE does; cosine NULL: as
   they are. */
static void sgf__keys_copy(const sgf_session *s, const float *cosine, const float *old, size_t from,
                           float *page, size_t to, size_t n) {
    size_t half = s->C / 2, c, i;
    for (c = 0; !cosine && c < s->C; c++)
        sgf__cells_copy(s, old, from + c * SGF__PAGE, page, to + c * SGF__PAGE, n);
    for (c = 0; cosine && c < half; c++)
        for (i = 0; i < n; i++) {
            size_t at = c * SGF__PAGE + i, beyond = at + half * SGF__PAGE;
            float a = sgf__cell(s, old, from + at), b = sgf__cell(s, old, from + beyond);
            sgf__cell_set(s, page, to + at,
                          sgf__fma_portable(a, cosine[c], -(b * cosine[half + c])));
            sgf__cell_set(s, page, to + beyond,
                          sgf__fma_portable(b, cosine[c], a * cosine[half + c]));
        }
}
/* Items are the kv heads of all layers. */
static void sgf__kv_copy_part(void *context, size_t begin, size_t end, int thread) {
    const sgf__kv_copy_job *job = (const sgf__kv_copy_job *)context;
    size_t C = job->s->C, G = job->s->G, item, i, n, k_at, v_at;
    (void)thread;
    for (item = begin; item < end; item++) {
        int32_t rope = sgf_config_rope(&job->s->model->config, (int32_t)(item / G));
        const float *cosine = job->rotation && rope >= 0 ? job->rotation + (rope ? C : 0) : NULL;
        sgf__page_places(job->s, item / G, item % G, &k_at, &v_at);
        for (i = 0; i < job->copy->count; i += n) {
            sgf__copy_piece piece = sgf__copy_cut(job->s, job->copy, i);
            size_t from = (size_t)piece.from_cell, to = (size_t)piece.to_cell;
            float *page = (float *)piece.to;
            const float *old = (const float *)piece.from;
            n = (size_t)piece.count;
            sgf__keys_copy(job->s, cosine, old, k_at + from, page, k_at + to, n);
            sgf__cells_copy(job->s, old, v_at + from * C, page, v_at + to * C, n * C);
        }
    }
}
/* Keys and values of every layer. The angle is a double, that of a position is rounded to float, so
   rotated keys are equal up to rounding only. The keys include rope_scale. */
static void sgf__kv_copy_run(sgf_session *s, const sgf__kv_copy *copy) {
    size_t half = s->C / 2, i;
    sgf__kv_copy_job job;
    for (i = 0; copy->rotate && i < s->ropes * half; i++) {
        double sine, cosine;
        float *to = s->rotation + i % half + (i < half ? 0 : s->C);
        sgf__sincos_d((double)copy->rotate * (double)s->inv_freq[i], &sine, &cosine);
        to[0] = (float)cosine;
        to[half] = (float)sine;
    }
    job.s = s;
    job.copy = copy;
    job.rotation = copy->rotate ? s->rotation : NULL;
    sgf__parallel(s->pool, s->L * s->G, SGF__GRAIN / (copy->count * half * 4) + 1,
                  sgf__kv_copy_part, &job);
}

/* ---- rows enter their sequences ---- */

/* Can the model take a token of these segments? */
static sgf_status sgf__token_check(const sgf_config *c, const sgf_layout *segments, int32_t token,
                                   int32_t pos, int32_t seg, sgf_error *err) {
    if (token < 0 || token >= c->vocab_size)
        return sgf__fail(err, SGF_ERR_ARG, "token id %d: the model's ids are 0 to %d", (int)token,
                         (int)c->vocab_size - 1);
    if (!sgf__segment_is(segments, seg))
        return sgf__fail(err, SGF_ERR_ARG, "segment %d: the sequence has %d", (int)seg,
                         (int)segments->segments);
    if (pos < 0) return sgf__fail(err, SGF_ERR_ARG, "position %d: the first one is 0", (int)pos);
    if (pos < c->context) return SGF_OK;
    return sgf__fail(
        err, SGF_ERR_LIMIT,
        "position %d is too far: the model's context is %d tokens; shorten the prompt, use fewer "
        "paraphrases or aligned positions",
        (int)pos, (int)c->context);
}
static sgf_status sgf__row_check(const sgf_session *s, const sgf_row *row, int together,
                                 sgf_error *err) {
    const sgf__sequence *q = sgf__sequence_of(s, row->sequence);
    if (!q) return sgf__fail(err, SGF_ERR_ARG, "sequence %d is not open", (int)row->sequence);
    if (q->children && !together)
        return sgf__fail(err, SGF_ERR_ARG, "sequence %d cannot grow while it is the parent of %d",
                         (int)row->sequence, q->children);
    return sgf__token_check(&s->model->config, &q->layout, row->token, row->pos, row->seg, err);
}
/* Remove the first n rows and copies from their sequences again, in any order. */
static void sgf__rows_undo(sgf_session *s, const sgf__pass *pass, size_t n, size_t copies) {
    while (n) sgf__sequence_drop(&s->sequence[pass->row[--n].sequence], 1);
    while (copies--)
        sgf__sequence_drop(&s->sequence[pass->copy[copies].sequence], pass->copy[copies].count);
}
static sgf_status sgf__copy_add(sgf_session *s, sgf__kv_copy *copy, sgf_error *err) {
    sgf__sequence *q = &s->sequence[copy->sequence];
    const sgf_layout *from = &s->sequence[copy->source].layout;
    sgf_status status = sgf__sequence_reserve(s, q, copy->count, err);
    size_t i;
    copy->to = q->layout.tokens;
    for (i = copy->from; !status && i < copy->from + copy->count; i++)
        sgf__sequence_add(q, from->token[i], copy->seg < 0 ? from->seg[i] : copy->seg,
                          from->pos[i] + copy->rotate);
    return status;
}
/* Check all rows and add them, with the copies between them, to their sequences: all or nothing. */
static sgf_status sgf__rows_add(sgf_session *s, const sgf__pass *pass) {
    size_t i, copies = 0;
    int64_t wanted = 0;
    sgf_status status = SGF_OK;
    for (i = 0; i < pass->n && !status; i++) {
        const sgf_row *row = &pass->row[i];
        sgf__query *query = &pass->query[i];
        while (!status && copies < pass->copies && pass->copy[copies].row == i) {
            status = sgf__copy_add(s, &pass->copy[copies], pass->err);
            copies += !status;
        }
        if (!status) status = sgf__row_check(s, row, pass->together, pass->err);
        query->own = sgf__sequence_of(s, row->sequence);
        if (!status) status = sgf__sequence_reserve(s, query->own, 1, pass->err);
        if (status) break;
        query->row = row;
        query->index = query->own->layout.tokens;
        query->number = row->want ? wanted++ : -1;
        sgf__sequence_add(query->own, row->token, row->seg, row->pos);
    }
    if (status) sgf__rows_undo(s, pass, i, copies);
    return status;
}

/* ---- by the processor, by the reference ---- */

/* Adds each segment's share of the softmax, divided by the number of heads, to its mass. */
static void sgf__reference_masses(const sgf_layout *y, size_t t, int32_t window, const float *score,
                                  size_t heads, double *mass) {
    double sum = 0;
    size_t j;
    for (j = 0; j <= t; j++)
        if (sgf__reference_sees(y, t, j, window)) sum += (double)score[j];
    for (j = 0; j <= t; j++)
        if (sgf__reference_sees(y, t, j, window))
            mass[y->seg[j]] += (double)score[j] / sum / (double)heads;
}
/* Are all tokens, positions and segments of the layout such that the model can take them? */
static sgf_status sgf__reference_check(const sgf_model *m, const sgf_layout *y, sgf_error *err) {
    sgf_status status = SGF_OK;
    size_t t;
    for (t = 0; t < y->tokens && !status; t++)
        status = sgf__token_check(&m->config, y, y->token[t], y->pos[t], y->seg[t], err);
    return status;
}
/* Rows from `first` on that pass the layers together: those of a mean are not parted. */
static size_t sgf__chunk_rows(const sgf__pass *pass, size_t first) {
    size_t end = sgf__min(pass->n, first + SGF__CHUNK), i;
    for (i = 0; i < pass->means; i++)
        if (pass->mean[i].row < end && end < pass->mean[i].row + pass->mean[i].count)
            end = pass->mean[i].row;
    return end - first;
}
static sgf_status sgf__chunks_forward(sgf_session *s, const sgf__pass *pass) {
    size_t i, n;
    sgf_status status = sgf__scores_prepare(s, pass->query, pass->n, pass->err);
    for (i = 0; i < pass->copies && !status; i++) sgf__kv_copy_run(s, &pass->copy[i]);
    for (i = 0; i < pass->n && !status; i += n) {
        n = sgf__chunk_rows(pass, i);
        status = sgf__chunk_forward(s, pass, i, n);
    }
    return status;
}
/* The mean that the state of a sequence's last row becomes, or NULL. */
static const sgf__mean *sgf__mean_of(const sgf__pass *pass, const sgf__sequence *q) {
    size_t i, row;
    for (i = 0; i < pass->means; i++)
        for (row = pass->mean[i].row; row < pass->mean[i].row + pass->mean[i].count; row++)
            if (pass->query[row].own == q) return &pass->mean[i];
    return NULL;
}
/* The rows of one sequence, or of all that share its mean: their whole layouts are computed, if
   anything is asked of them. */
static sgf_status sgf__reference_rows(sgf_session *s, const sgf__sequence *q,
                                      const sgf__pass *pass) {
    const sgf__query *query = pass->query;
    const sgf__mean *mean = sgf__mean_of(pass, q);
    size_t D = s->D, n = mean ? mean->count : 1, i, c, asked = 0;
    sgf_status status;
    sgf__reference *r;
    sgf__arena arena;
    for (i = 0; i < pass->n; i++)
        asked += query[i].own == q && (pass->hidden || query[i].number >= 0);
    if (!asked || (mean && query[mean->row].own != q)) return SGF_OK;
    sgf__arena_init(&arena, &s->mem);
    r = (sgf__reference *)sgf__arena_alloc(&arena, n, sizeof *r, pass->err);
    for (c = 0; c < n; c++) {
        const sgf__sequence *own = mean ? query[mean->row + c].own : q;
        size_t T = own->layout.tokens;
        int64_t *number = r ? (int64_t *)sgf__arena_alloc(&arena, T, sizeof *number, pass->err)
                            : NULL;
        float *x = number ? (float *)sgf__arena_alloc(&arena, T, D * sizeof *x, pass->err) : NULL;
        if (!x) return sgf__arena_free(&arena), SGF_ERR_MEMORY;
        for (i = 0; i < T; i++) number[i] = -1;
        for (i = 0; i < pass->n; i++)
            if (query[i].own == own) number[query[i].index] = query[i].number;
        r[c].model = s->model, r[c].layout = &own->layout;
        r[c].bf16 = s->bf16, r[c].number = number, r[c].hidden = x;
        r[c].watch = s->watch, r[c].watch_user = s->watch_user;
    }
    status = sgf__reference_run(r, n, mean ? mean->from_layer : (int32_t)s->L,
                                mean ? mean->newest : 0, pass->err);
    for (i = 0; i < pass->n && !status; i++) {
        float *at;
        for (c = 0; c < n && r[c].layout != &query[i].own->layout; c++) {}
        if (c == n) continue;
        at = r[c].hidden + query[i].index * D;
        if (pass->hidden) memcpy(pass->hidden + i * D, at, D * sizeof(float));
        if (pass->logits && query[i].number >= 0)
            sgf__reference_logits(s->bf16, s->model, at,
                                  pass->logits + (size_t)query[i].number * s->V);
    }
    sgf__arena_free(&arena);
    return status;
}

/* ---- the forward pass ---- */

static sgf_status sgf__forward(sgf_session *s, sgf__pass *pass) {
    sgf_status status = SGF_ERR_MEMORY;
    size_t i;
    pass->query = (sgf__query *)sgf__alloc(&s->mem, pass->n, sizeof *pass->query, pass->err);
    if (pass->query) status = sgf__rows_add(s, pass);
    if (!status) {
        if (s->device) status = s->device->forward(s, pass);
        else if (!s->reference) status = sgf__chunks_forward(s, pass);
        for (i = 0; s->reference && i < s->sequence_count && !status; i++)
            status = sgf__reference_rows(s, &s->sequence[i], pass);
        if (status) sgf__rows_undo(s, pass, pass->n, pass->copies);
    }
    sgf__free(&s->mem, pass->query, pass->n, sizeof *pass->query);
    return status;
}
SGF_DEF sgf_status sgf_forward(sgf_session *s, const sgf_row *rows, size_t n, float *logits,
                               float *hidden, sgf_error *err) {
    sgf__pass pass;
    memset(&pass, 0, sizeof pass);
    pass.row = rows, pass.n = n;
    pass.logits = logits, pass.hidden = hidden;
    pass.err = err;
    return sgf__forward(s, &pass);
}

/* Token i of a layout as a row of a sequence. */
static sgf_row sgf__row_of(const sgf_layout *layout, size_t i, int32_t sequence, int want) {
    sgf_row row;
    row.token = layout->token[i];
    row.pos = layout->pos[i];
    row.seg = layout->seg[i];
    row.sequence = sequence;
    row.want = want;
    return row;
}
SGF_DEF sgf_status sgf_forward_layout(sgf_session *s, const sgf_layout *layout, float *logits,
                                      float *hidden, int32_t *sequence, sgf_error *err) {
    int32_t made = 0;
    size_t i, T = layout->tokens;
    sgf_row *rows = (sgf_row *)sgf__alloc(&s->mem, T, sizeof *rows, err);
    sgf_status status = rows ? sgf_sequence_open(s, layout, -1, &made, err) : SGF_ERR_MEMORY;
    if (!status) {
        for (i = 0; i < T; i++) rows[i] = sgf__row_of(layout, i, made, logits != NULL);
        status = sgf_forward(s, rows, T, logits, hidden, err);
        if (status || !sequence) sgf_sequence_close(s, made);
        else *sequence = made;
    }
    sgf__free(&s->mem, rows, T, sizeof *rows);
    return status;
}

/* ---- making and freeing ---- */

/* Does this build, in this thread, compute as IEEE 754 says: no reordered sums, no flushed subnormals,
   rounding to nearest? Options such as clang's -funsafe-math-optimizations define no macro. */
static int sgf__arithmetic_sound(void) {
    volatile float terms[6] = {16777216.0f, 1.0f, 1.0f, 3.0f, 0x1p-75f, 0x1p-70f};
    float sum = 0, x[6];
    int i;
    for (i = 0; i < 6; i++) x[i] = terms[i];
    for (i = 0; i < 3; i++) sum += x[i];
    return sum == 16777216.0f && x[0] + x[3] == 16777220.0f && x[4] * x[5] > 0;
}
static sgf_status sgf__kernels_choose(sgf_session *s, sgf_kernels kernels, sgf_error *err) {
    int best = sgf__simd_best();
    int amx = kernels == SGF_KERNELS_AMX, any = kernels == SGF_KERNELS_AUTO;
    s->simd = any || amx                      ? best
              : kernels == SGF_KERNELS_AVX512 ? SGF__AVX512
              : kernels == SGF_KERNELS_AVX2   ? SGF__AVX2
                                              : SGF__PORTABLE;
#ifdef SGF__AMX
    if (amx || (any && s->bf16)) s->unit = sgf__amx_unit();
#endif
    if (s->simd <= best && (s->unit || !amx)) return SGF_OK;
    return sgf__fail(err, SGF_ERR_UNSUPPORTED, "this processor (or build) has no %s",
                     amx ? "tile unit (AMX) that is permitted and has the right bits"
                     : kernels == SGF_KERNELS_AVX512 ? "AVX-512"
                                                     : "AVX2 with FMA");
}
SGF_DEF sgf_status sgf_device_describe(sgf_device device, char *out, size_t cap, sgf_error *err) {
    const sgf__device *gpu = sgf__device_linked();
    if (device != SGF_DEVICE_CPU && gpu) {
        sgf_status status = gpu->describe(out, cap, err);
        if (!status || device == SGF_DEVICE_CUDA) return status;
    } else if (device == SGF_DEVICE_CUDA)
        return sgf__fail(err, SGF_ERR_UNSUPPORTED,
                         "this program was built for the CPU alone; `make cuda` builds one that "
                         "uses an NVIDIA GPU");
    if (cap) snprintf(out, cap, "cpu");
    return SGF_OK;
}
SGF_DEF sgf_device sgf_session_device(const sgf_session *s, int *exact) {
    if (exact) *exact = !s->device || s->exact;
    return s->device ? SGF_DEVICE_CUDA : SGF_DEVICE_CPU;
}
/* Open the device that the options ask for. AUTO is the processor where no GPU can be used, but
   reports a GPU that fails or is too small. */
static sgf_status sgf__device_open(sgf_session *s, const sgf_session_options *options,
                                   sgf_error *err) {
    char text[8];
    sgf_status status;
    if (options->device == SGF_DEVICE_CPU || (options->device == SGF_DEVICE_AUTO && s->bf16))
        return SGF_OK;
    if (s->bf16)
        return sgf__fail(err, SGF_ERR_UNSUPPORTED,
                         "the arithmetic bf16 is computed on a processor only, not on a GPU");
    status = sgf_device_describe(SGF_DEVICE_CUDA, text, sizeof text, err);
    if (status) return options->device == SGF_DEVICE_AUTO ? SGF_OK : status;
    s->device = sgf__device_linked();
    s->exact = options->exact;
    return s->device->open(s, err);
}
static sgf_status sgf__options_check(const sgf_session_options *options, sgf_error *err) {
    if (options->threads < 0)
        return sgf__fail(err, SGF_ERR_ARG, "%d threads were asked for; 0 is one per processor",
                         options->threads);
    if ((unsigned)options->device >= SGF_DEVICE_COUNT)
        return sgf__fail(err, SGF_ERR_ARG, "there is no device number %d", (int)options->device);
    if ((unsigned)options->kernels >= SGF_KERNELS_COUNT)
        return sgf__fail(err, SGF_ERR_ARG, "there are no kernels number %d", (int)options->kernels);
    if (!sgf__arithmetic_sound())
        return sgf__fail(err, SGF_ERR_UNSUPPORTED,
                         "this program does not compute as IEEE 754 says: compile without unsafe "
                         "math options, and do not flush subnormals or change the rounding mode");
    return SGF_OK;
}
/* Matrix i of those that products read. */
static const sgf_tensor *sgf__matrix_of(const sgf_model *model, size_t i) {
    const sgf_layer *y =
        &model->layer[sgf__min(i / SGF__MATRICES, (size_t)model->config.layers - 1)];
    const sgf_tensor *w[SGF__MATRICES];
    w[0] = &y->q, w[1] = &y->k, w[2] = &y->v, w[3] = &y->o;
    w[4] = &y->gate, w[5] = &y->up, w[6] = &y->down;
    return i < (size_t)model->config.layers * SGF__MATRICES ? w[i % SGF__MATRICES] : &model->output;
}
static sgf_status sgf__matrix_refuse(const sgf_model *model, size_t i, sgf_error *err) {
    static const char *const names[2][SGF__MATRICES] = {
        {"self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.gate", "mlp.up",
         "mlp.down"},
        {"self_attn.qkv", "self_attn.qkv", "self_attn.qkv", "self_attn.o", "mlp.gate_up",
         "mlp.gate_up", "mlp.down"}};
    const size_t layer = i / SGF__MATRICES;
    char name[64] = "lm_head.weight";
    if (layer < (size_t)model->config.layers)
        snprintf(name, sizeof name, "layers.%d.%s_proj.weight", (int)layer,
                 names[model->config.fused != 0][i % SGF__MATRICES]);
    return sgf__fail(err, SGF_ERR_UNSUPPORTED,
                     "%s has a number that is too large for bf16; use the arithmetic f32", name);
}
static sgf_status sgf__arithmetic_check(const sgf_model *m, sgf_arithmetic how, sgf_error *err) {
    size_t all = (size_t)m->config.layers * SGF__MATRICES + 1, i, k;
    if ((unsigned)how > SGF_ARITHMETIC_BF16)
        return sgf__fail(err, SGF_ERR_ARG, "there is no arithmetic number %d", (int)how);
    for (i = 0; i < all && how == SGF_ARITHMETIC_BF16; i++) {
        const sgf_tensor *w = sgf__matrix_of(m, i);
        uint32_t infinite = 0; /* finite numbers that round to infinity: only floats do */
        for (k = 0; w->dtype == SGF_DTYPE_F32 && k < w->rows * w->cols; k++)
            infinite |= (sgf__float_bits(((const float *)w->data)[k]) & 0x7FFFFFFFu) - 0x7F7F8000u <
                        0x8000u;
        if (infinite) return sgf__matrix_refuse(m, i, err);
    }
    return SGF_OK;
}
/* What products of the arithmetic bf16 read of one matrix: stripes [begin, end). */
typedef struct sgf__matrix_job {
    const sgf_tensor *from;
    uint16_t *to; /* NULL: it is stored as bf16 */
    uint8_t *low; /* [stripes] */
    int simd;
} sgf__matrix_job;

static void sgf__matrix_part(void *context, size_t begin, size_t end, int thread) {
    const sgf__matrix_job *job = (const sgf__matrix_job *)context;
    size_t stripe = SGF__STRIPE * job->from->cols, all = job->from->rows * job->from->cols, i;
    (void)thread;
    for (; begin < end; begin++) {
        size_t first = begin * stripe, n = sgf__min(stripe, all - first);
        const uint16_t *half = job->to ? job->to : (const uint16_t *)job->from->data;
        uint8_t high;
        for (i = first; job->to && i < first + n; i++)
            job->to[i] = sgf__float_bf16(sgf__flushed(sgf__element(job->from, i)));
        sgf__widen_bf16(job->simd, half + first, NULL, n, &job->low[begin], &high);
    }
}
static sgf_status sgf__matrix_round(sgf_session *s, sgf__matrix *m, sgf_error *err) {
    size_t stripes = (m->w.rows + SGF__STRIPE - 1) / SGF__STRIPE;
    sgf__matrix_job job;
    job.from = &m->w, job.to = NULL, job.simd = s->simd;
    job.low = (uint8_t *)sgf__arena_alloc(&s->arena, stripes, 1, err);
    if (!job.low) return SGF_ERR_MEMORY;
    if (m->w.dtype != SGF_DTYPE_BF16) {
        job.to = (uint16_t *)sgf__arena_alloc(&s->arena, m->w.rows, m->w.cols * 2, err);
        if (!job.to) return SGF_ERR_MEMORY;
    }
    sgf__parallel(s->pool, stripes, 1, sgf__matrix_part, &job);
    if (job.to) m->w.data = job.to, m->w.dtype = SGF_DTYPE_BF16;
    m->low = job.low;
    return SGF_OK;
}
/* The matrices that products read. */
static sgf_status sgf__matrices_make(sgf_session *s, sgf_error *err) {
    size_t all = s->L * SGF__MATRICES + 1, i;
    sgf_status status = SGF_OK;
    s->matrix = (sgf__matrix *)sgf__arena_alloc(&s->arena, all, sizeof *s->matrix, err);
    if (!s->matrix) return SGF_ERR_MEMORY;
    for (i = 0; i < all && !status; i++) {
        s->matrix[i].w = *sgf__matrix_of(s->model, i);
        if (s->bf16 && !s->device) status = sgf__matrix_round(s, &s->matrix[i], err);
    }
    return status;
}
SGF_DEF sgf_status sgf_session_create(const sgf_model *model, const sgf_session_options *options,
                                      sgf_session **out, sgf_error *err) {
    sgf_session_options standard;
    sgf_allocator mem;
    sgf_session *s;
    sgf_status status;
    memset(&standard, 0, sizeof standard);
    if (!options) options = &standard;
    if (!model) return sgf__fail(err, SGF_ERR_ARG, "a session needs a model; was it loaded?");
    status = sgf__options_check(options, err);
    if (!status) status = sgf__arithmetic_check(model, options->arithmetic, err);
    if (status) return status;
    mem = sgf__allocator(options->mem);
    s = (sgf_session *)sgf__alloc(&mem, 1, sizeof *s, err);
    if (!s) return SGF_ERR_MEMORY;
    s->mem = mem;
    sgf__arena_init(&s->arena, &mem);
    s->model = model;
    s->V = (size_t)model->config.vocab_size, s->D = (size_t)model->config.dim;
    s->L = (size_t)model->config.layers, s->F = (size_t)model->config.ffn_dim;
    s->H = (size_t)model->config.heads, s->G = (size_t)model->config.kv_heads;
    s->C = (size_t)model->config.head_dim, s->R = s->H / s->G;
    s->score_scale = (float)model->config.score_scale;
    s->ropes = model->config.rope_local_theta > 0 ? 2 : 1;
    s->bf16 = options->arithmetic == SGF_ARITHMETIC_BF16;
    s->page_bytes = s->L * 2 * s->G * s->C * SGF__PAGE * (s->bf16 ? 2 : sizeof(float));
    s->rotation = (float *)sgf__arena_alloc(&s->arena, 3 * s->C, sizeof(float), err);
    if (s->rotation) s->inv_freq = s->rotation + 2 * s->C;
    else status = SGF_ERR_MEMORY;
    if (!status) status = sgf__kernels_choose(s, options->kernels, err);
    if (!status) status = sgf__pool_create(&mem, options->threads, &s->pool, err);
    if (!status) status = sgf__rope_frequencies(&model->config, s->inv_freq, &s->rope_scale, err);
    if (!status) status = sgf__device_open(s, options, err);
    if (!status) status = sgf__matrices_make(s, err);
    s->reference = options->kernels == SGF_KERNELS_REFERENCE && !s->device;
    s->reuse = !options->no_prefix_reuse && !s->reference;
    s->rotate = options->reuse_rotated;
    if (status) sgf_session_free(s);
    else *out = s;
    return status;
}
SGF_DEF void sgf_session_free(sgf_session *s) {
    sgf_allocator mem;
    size_t i;
    if (!s) return;
    mem = s->mem;
    for (i = 0; i < s->sequence_count; i++)
        if (s->sequence[i].open) sgf__sequence_clear(s, &s->sequence[i]);
    if (s->on) s->device->close(s);
    sgf__free(&mem, s->free_page, s->free_cap, sizeof *s->free_page);
    sgf__free(&mem, s->sequence, s->sequence_cap, sizeof *s->sequence);
    sgf__floats_free(&mem, &s->work);
    sgf__floats_free(&mem, &s->block);
    sgf__floats_free(&mem, &s->scores);
    sgf__pool_destroy(s->pool);
    sgf__arena_free(&s->arena);
    sgf__free(&mem, s, 1, sizeof *s);
}

/* ====================================================================================
 * [SGF-16] Generation: common prefixes, steps
 *
 * In: tasks with layouts. Out: their next ids, until each ends. When a task starts, each context of
 * its prompt gets a sequence, which continues a shared prefix that is kept encoded, takes KV copies of
 * common prefixes, and computes the rest. Then, again and again: one forward pass computes the rows of
 * all tasks in flight; each task combines the logits of its contexts, chooses an id, and ends or lists
 * the rows of the next pass. What is reused has the bits that computing it again would give (except
 * rotated KV copies).
 * ==================================================================================== */

/* The sequences of a task, one for each context, with its prompt in them. Tasks in a row with the same
   contexts share one; the first id of each is fed to sequences of its own that continue those. */
typedef struct sgf__prompt {
    struct sgf__prompt *parent; /* what these sequences continue; NULL: nothing */
    const sgf_layout *context;  /* [contexts] the task's or `made` */
    size_t contexts, room;      /* room: of `sequence` and `logits` */
    size_t users;      /* tasks, prompts that continue it, and a flight that may share it */
    int32_t *sequence; /* [room]; -1: not open */
    int shared;
    float *logits;            /* [room][V] of a shared one; NULL until they are computed */
    struct sgf__prompt *next; /* of those that leave when the pass is over */
    sgf_layout
        *made;    /* [room] a fusion and each of its paraphrases alone; NULL: none is asked for */
    int32_t base; /* the sequence of their common tokens, all before the cue; or -1 */
} sgf__prompt;

/* A beam search: what a beam has written, and an id that it may write next. */
typedef struct sgf__hypothesis {
    double score;        /* the sum of log p; if it ended, divided by length^length_penalty */
    size_t count, from;  /* from: the beam that it continues */
    int32_t *ids;        /* [max_new_tokens] */
    int written;         /* as of sgf__active */
    sgf__prompt *prompt; /* sequences of its own, which continue the task's */
} sgf__hypothesis;
typedef struct sgf__beam_next {
    double score;
    size_t beam;
    int32_t id;
} sgf__beam_next;
typedef struct sgf__beams {
    size_t running, ended, most;
    sgf__hypothesis *run, *next, *done; /* [B] each, the best first */
    sgf__beam_next *candidate;          /* [most] */
    sgf__arena arena;
} sgf__beams;

typedef struct sgf__active {
    sgf_task *task;
    size_t number; /* of arrival, from 0 */
    sgf__prompt *prompt;
    size_t at;         /* its first row in `logits`; the other contexts' follow */
    int written;       /* something else than white space was generated */
    sgf__beams *beams; /* NULL: greedy */
    int scouts;        /* the paraphrases are asked alone first; then the fusion starts */
    int32_t chosen;    /* by the device, if the flight keeps its logits there */
} sgf__active;

typedef struct sgf__flight {
    sgf_session *s;
    const sgf_stream *stream;
    sgf_task *list; /* [left] tasks before those of the stream */
    size_t left;
    sgf_task *waiting; /* the next task; NULL: there are no more */
    size_t arrived;
    sgf__active *active; /* [count] in the order of arrival */
    size_t count, cap;
    sgf__prompt *behind;          /* prompts that leave when the pass is over */
    sgf__prompt *prompt;          /* of the last task that started, if the next one shares it */
    sgf_row *row;                 /* of the next pass */
    size_t rows, row_cap, wanted; /* wanted: rows with logits */
    sgf__kv_copy *copy;
    size_t copies, copy_cap;
    sgf__mean *mean;
    size_t means, mean_cap;
    sgf__floats logits; /* [wanted][V] */
    float *combined;    /* [2][V]: combined logits, and scratch */
    double *trust;      /* doubts, then weights, of one task */
    size_t trust_cap;
    int keep;          /* the logits stayed on the device, and each task has its `chosen` */
    sgf_status status; /* the first failure, which ends the flight */
    sgf_error *err;
} sgf__flight;

/* Is there room for one more item in one of the lists? */
static int sgf__flight_room(sgf__flight *f, void *items, size_t *cap, size_t count, size_t size) {
    if (!f->status) f->status = sgf__grow(&f->s->mem, items, cap, count + 1, size, f->err);
    return !f->status;
}
/* Does the task take the mean of hidden states? With one context, or after the last layer, it is nothing. */
static int sgf__takes_mean(const sgf_session *s, const sgf_task *task) {
    return task->combine == SGF_COMBINE_HIDDEN && task->contexts > 1 &&
           task->decoding.from_layer < (int32_t)s->L;
}
/* List a row for the next pass. */
static void sgf__row_list(sgf__flight *f, sgf_row row) {
    if (!sgf__flight_room(f, &f->row, &f->row_cap, f->rows, sizeof row)) return;
    f->row[f->rows++] = row;
    f->wanted += row.want != 0;
}
/* List a KV copy for it, before the rows that are listed later. */
static void sgf__copy_list(sgf__flight *f, sgf__kv_copy copy) {
    if (!sgf__flight_room(f, &f->copy, &f->copy_cap, f->copies, sizeof copy)) return;
    copy.row = f->rows;
    f->copy[f->copies++] = copy;
    f->s->sequence[copy.source].children++; /* it stays until the pass is over */
}
/* The next rows are the newest ones of all contexts of a task, which has `count` ids: list their merge,
   if its states become their mean. */
static void sgf__mean_list(sgf__flight *f, const sgf_task *task, size_t count) {
    sgf__mean *m;
    if (!sgf__takes_mean(f->s, task) ||
        !sgf__flight_room(f, &f->mean, &f->mean_cap, f->means, sizeof *m))
        return;
    m = &f->mean[f->means++];
    m->row = f->rows, m->count = task->contexts;
    m->newest = count + 1;
    m->from_layer = task->decoding.from_layer;
}
static void sgf__prompt_leave(sgf_session *s, sgf__prompt *p);
/* The pass is over or cancelled: what it copies from may be replaced. */
static void sgf__pass_end(sgf__flight *f) {
    sgf__prompt *p;
    while (f->copies) f->s->sequence[f->copy[--f->copies].source].children--;
    while ((p = f->behind) != NULL) f->behind = p->next, sgf__prompt_leave(f->s, p);
    f->rows = f->wanted = f->means = 0;
}

/* ---- prefixes that are kept encoded ---- */

/* Part of a layout: token `bos`, if that is not -1, then those from `first` on, `count` in all. */
typedef struct sgf__layout_part {
    const sgf_layout *layout;
    size_t first, count;
    int32_t bos;
} sgf__layout_part;

/* The index of its n-th token. */
static size_t sgf__part_token(const sgf__layout_part *part, size_t n) {
    return part->bos < 0 ? part->first + n : n ? part->first + n - 1 : (size_t)part->bos;
}
/* Encode a part and keep it in one of `prefixes`, in place of the one that was used longest ago and has
   no children. NULL after a failure, and if all have some. *prefill counts its tokens. */
static sgf__prefix *sgf__prefix_keep(sgf__flight *f, sgf__prefix *prefixes,
                                     const sgf__layout_part *part, size_t *prefill) {
    sgf_session *s = f->s;
    sgf_layout rule = *part->layout; /* of the segments up to the part's */
    sgf__prefix *slot = NULL;
    size_t rows = f->rows, n;
    int32_t sequence = -1;
    int i;
    for (i = 0; i < SGF__PREFIXES; i++) {
        if (prefixes[i].used && s->sequence[prefixes[i].sequence].children) continue;
        if (!slot || prefixes[i].used < slot->used) slot = &prefixes[i];
    }
    if (!slot) return NULL;
    rule.answer = -1;
    rule.segments = 0;
    for (n = 0; n < part->count; n++)
        rule.segments = sgf__max(rule.segments, (size_t)rule.seg[sgf__part_token(part, n)] + 1);
    f->status = sgf_sequence_open(s, &rule, -1, &sequence, f->err);
    for (n = 0; n < part->count; n++)
        sgf__row_list(f, sgf__row_of(&rule, sgf__part_token(part, n), sequence, 0));
    if (!f->status) f->status = sgf_forward(s, f->row + rows, part->count, NULL, NULL, f->err);
    f->rows = rows;
    if (f->status) {
        sgf_sequence_close(s, sequence);
        return NULL;
    }
    if (slot->used) sgf_sequence_close(s, slot->sequence);
    slot->sequence = sequence;
    slot->used = ++s->clock;
    *prefill += part->count;
    return slot;
}

/* ---- the shared prefix ----
   By causality its keys and values depend on nothing else, so they are those of every layout that
   begins alike. The sequence of a context continues that of its prefix. */

/* The number of leading tokens of prefix segments (examples are prefix, too). */
static size_t sgf__prefix_length(const sgf_layout *layout) {
    size_t n = 0;
    while (n < layout->tokens && sgf__is_prefix(&layout->segment[layout->seg[n]]) &&
           layout->seg[n] != layout->answer)
        n++;
    return n < layout->tokens ? n : 0; /* something must be left to compute */
}
/* The slot that holds the first n tokens of `layout`, encoded now if they are not kept. NULL after a
   failure, and if there is no room: then the caller computes the whole prompt. */
static sgf__prefix *sgf__prefix_get(sgf__flight *f, const sgf_layout *layout, size_t n,
                                    size_t *prefill) {
    sgf_session *s = f->s;
    size_t bytes = n * sizeof(int32_t);
    sgf__layout_part part;
    int i;
    for (i = 0; i < SGF__PREFIXES; i++) {
        sgf__prefix *slot = &s->prefix[i];
        const sgf_layout *kept = slot->used ? &s->sequence[slot->sequence].layout : NULL;
        if (!kept || kept->tokens != n || memcmp(kept->token, layout->token, bytes) ||
            memcmp(kept->pos, layout->pos, bytes) || memcmp(kept->seg, layout->seg, bytes) ||
            !sgf__rule_continues(kept, layout))
            continue;
        slot->used = ++s->clock;
        return slot;
    }
    part.layout = layout, part.first = 0, part.count = n, part.bos = -1;
    return sgf__prefix_keep(f, s->prefix, &part, prefill);
}

/* ---- common prefixes of isolated runs ----
   The prompts of flex_attention begin alike: instruction and examples. Keys and values of a token that
   sees its own segment alone, or that and a lone BOS, follow from these tokens and their positions,
   so those of an equal common prefix are the same, bit for bit, and can be copied. Without a BOS only
   differences of positions count (RoPE is a rotation): V is the same anywhere, and K is rotated, which
   is equal up to rounding. */

enum { SGF__COMMON_LEAST = 16 }; /* shorter ones are not worth it */

/* Where the run of one segment ends that begins at token `first`. */
static size_t sgf__run_end(const sgf_layout *layout, size_t first) {
    size_t i = first;
    while (i < layout->tokens && layout->seg[i] == layout->seg[first]) i++;
    return i;
}
/* The isolated run that begins at token `first`; count 0 if there is none that is worth it, or if its
   BOS sees something before it, too. The last token is left out: it is computed, since its logits may
   be wanted. */
static sgf__layout_part sgf__isolated_at(const sgf_layout *layout, size_t first) {
    sgf__layout_part run;
    int32_t seg = layout->seg[first], k;
    size_t i, n = sgf__run_end(layout, first) - first - 1;
    run.layout = layout, run.first = first, run.count = 0, run.bos = -1;
    if (n < SGF__COMMON_LEAST || seg == layout->answer || (first && layout->seg[first - 1] == seg))
        return run;
    for (i = 0; i < first; i++) {
        if (!sgf_visible(layout, seg, layout->seg[i])) continue;
        if (run.bos >= 0 || layout->segment[layout->seg[i]].role != SGF_ROLE_BOS) return run;
        run.bos = (int32_t)i;
    }
    for (k = 0; k < run.bos; k++)
        if (sgf_visible(layout, layout->seg[run.bos], layout->seg[k])) return run;
    run.count = n + (run.bos >= 0);
    return run;
}
/* How many tokens two runs have in common after the BOS; `rotated`: their positions may differ by one
   distance. */
static size_t sgf__isolated_common(const sgf__layout_part *a, const sgf__layout_part *b,
                                   int rotated) {
    const sgf_layout *x = a->layout, *y = b->layout;
    int32_t distance = rotated ? x->pos[a->first] - y->pos[b->first] : 0;
    size_t bos = a->bos >= 0, n;
    if (bos != (b->bos >= 0)) return 0;
    for (n = 0; n < a->count && n < b->count; n++) {
        size_t i = sgf__part_token(a, n), k = sgf__part_token(b, n);
        if (x->token[i] != y->token[k] || x->pos[i] - y->pos[k] != (n < bos ? 0 : distance) ||
            sgf_visible(x, x->seg[i], x->seg[i]) != sgf_visible(y, y->seg[k], y->seg[k]))
            break;
    }
    return n > bos ? n - bos : 0;
}
/* The kept prefix that has most tokens of a run, and how many. */
static size_t sgf__common_find(sgf_session *s, const sgf__layout_part *run, sgf__prefix **slot) {
    size_t best = 0, n;
    sgf__layout_part kept;
    int i;
    for (i = 0; i < SGF__PREFIXES; i++) {
        if (!s->common[i].used) continue;
        kept.layout = &s->sequence[s->common[i].sequence].layout;
        kept.count = kept.layout->tokens;
        kept.bos = kept.layout->seg[0] == kept.layout->seg[kept.count - 1] ? -1 : 0;
        kept.first = kept.bos < 0 ? 0 : 1;
        n = sgf__isolated_common(run, &kept, s->rotate && run->bos < 0);
        if (n > best) best = n, *slot = &s->common[i];
    }
    return best;
}
/* List the KV copy, into `sequence`, of what the run at token `first` begins with: a kept prefix, or one
   that is encoded now because the next isolated run begins so, too. Returns how many tokens are copied.
   Only the first isolated run of a layout (*runs counts them) is worth encoding for: the others have
   other positions in every question. */
static size_t sgf__common_list(sgf__flight *f, const sgf_layout *layout, size_t first,
                               int32_t sequence, size_t *runs, size_t *prefill) {
    sgf_session *s = f->s;
    sgf__layout_part run = sgf__isolated_at(layout, first), next;
    sgf__prefix *slot = NULL;
    size_t i = first, n = run.count ? sgf__common_find(s, &run, &slot) : 0, common;
    sgf__kv_copy copy;
    memset(&copy, 0, sizeof copy);
    next.count = 0;
    if (run.count && !(*runs)++ && n < SGF__COMMON_LEAST)
        while (!next.count && (i = sgf__run_end(layout, i)) < layout->tokens)
            next = sgf__isolated_at(layout, i);
    common = next.count ? sgf__isolated_common(&run, &next, 1) : 0;
    if (common >= SGF__COMMON_LEAST) {
        run.count = common + (run.bos >= 0);
        slot = sgf__prefix_keep(f, s->common, &run, prefill);
        n = slot ? common : 0;
    }
    if (n < SGF__COMMON_LEAST) return 0;
    slot->used = ++s->clock;
    copy.source = slot->sequence, copy.sequence = sequence, copy.seg = layout->seg[first];
    copy.from = run.bos >= 0, copy.count = n;
    copy.rotate = layout->pos[first] - s->sequence[copy.source].layout.pos[copy.from];
    sgf__copy_list(f, copy);
    return n;
}

/* ---- tasks start ---- */

static sgf_status sgf__layout_reserve(sgf_layout *layout, size_t tokens, size_t segments,
                                      sgf_error *err) {
    size_t cap = tokens < 256 ? 256 : tokens + tokens / 2, i;
    if (tokens > layout->token_cap) {
        int32_t *made = (int32_t *)sgf__alloc(&layout->mem, cap, sgf__token_size, err);
        if (!made) return SGF_ERR_MEMORY;
        for (i = 0; i < 3 && layout->tokens; i++)
            memcpy(made + i * cap, layout->token + i * layout->token_cap,
                   layout->tokens * sizeof *made);
        sgf__free(&layout->mem, layout->token, layout->token_cap, sgf__token_size);
        layout->token = made, layout->pos = made + cap, layout->seg = made + 2 * cap;
        layout->token_cap = cap;
    }
    cap = segments < 16 ? 16 : segments * 2;
    if (segments > layout->segment_cap) {
        uint64_t *made = (uint64_t *)sgf__alloc(&layout->mem, cap, sgf__segment_size, err);
        sgf_segment *segment;
        if (!made) return SGF_ERR_MEMORY;
        segment = (sgf_segment *)(void *)(made + cap * SGF__WORDS);
        if (layout->visible) {
            memcpy(made, layout->visible, layout->segments * SGF__WORDS * sizeof *made);
            memcpy(segment, layout->segment, layout->segments * sizeof *segment);
        }
        sgf__free(&layout->mem, layout->visible, layout->segment_cap, sgf__segment_size);
        layout->visible = made, layout->segment = segment;
        layout->segment_cap = cap;
    }
    return SGF_OK;
}
static sgf_status sgf__layout_copy(const sgf_layout *from, sgf_layout *to, sgf_error *err) {
    size_t T = from->tokens, S = from->segments, i;
    sgf_status status = sgf__layout_reserve(to, T, S, err);
    if (status) return status;
    to->tokens = T, to->segments = S;
    to->answer = from->answer, to->answer_pos = from->answer_pos;
    to->mixture = from->mixture;
    for (i = 0; i < T; i++)
        to->token[i] = from->token[i], to->pos[i] = from->pos[i], to->seg[i] = from->seg[i];
    for (i = 0; i < S; i++) to->segment[i] = from->segment[i];
    for (i = 0; i < S * SGF__WORDS; i++) to->visible[i] = from->visible[i];
    return SGF_OK;
}
static sgf_status sgf__task_check(const sgf_session *s, const sgf_task *task, size_t number,
                                  sgf_error *err) {
    int32_t limit = s->model->config.context;
    int weighs = (task->combine == SGF_COMBINE_WEIGHTED_AVG ||
                  task->combine == SGF_COMBINE_WEIGHTED_MAX) &&
                 task->contexts > 1;
    const sgf_decoding *how = &task->decoding;
    const char *wrong =
        !task->ids && task->max_new_tokens  ? "has no ids to write to"
        : !task->contexts || !task->context ? "has no context"
        : (unsigned)task->combine > SGF_COMBINE_HIDDEN
            ? "has a rule to combine that is not in sgf_combine"
        : task->combine == SGF_COMBINE_HIDDEN &&
                (how->from_layer < 0 || how->from_layer > (int32_t)s->L)
            ? "takes the mean of hidden states from a layer on that the model does not have"
        : sgf__takes_mean(s, task) && task->contexts > SGF__CHUNK
            ? "takes the mean of the hidden states of more than 256 contexts"
        : !(how->tau >= 0 && how->tau <= DBL_MAX && how->trust_mass >= 0 &&
            how->trust_mass <= DBL_MAX)
            ? "has a temperature that is not above 0"
        : !(how->alone >= 0 && how->alone <= 1)
            ? "has a share of the paraphrases alone that is not in 0 to 1"
        : how->beams > s->V || !(fabs(how->length_penalty) <= 1e9)
            ? "has more beams than the vocabulary has ids, or no finite length penalty"
        : sgf__asks_alone(how) && (task->contexts != 1 || !sgf__paraphrases(task->context) ||
                                   sgf__cue_first(task->context) == task->context->tokens)
            ? "asks paraphrases alone, which needs one fused context that ends with "
              "an answer cue"
        : weighs && !task->weight ? "needs a weight for each context: its rule is a weighted one "
                                    "(sgf_task.weight; sgf_prompt.weight for sgf_ask)"
                                  : NULL;
    size_t c;
    if (wrong) return sgf__fail(err, SGF_ERR_ARG, "question %d %s", (int)number + 1, wrong);
    if (s->device && sgf__takes_mean(s, task))
        return sgf__fail(err, SGF_ERR_UNSUPPORTED,
                         "hidden states become their mean on a processor only, not on a GPU");
    for (c = 0; c < task->contexts; c++) {
        const sgf_layout *layout = &task->context[c];
        wrong = weighs && !(task->weight[c] >= 0 && task->weight[c] <= DBL_MAX)
                    ? "its weight is negative or not finite"
                : layout->answer < 0 || !layout->tokens ? "it needs tokens and an answer segment"
                : !sgf__segment_sees(layout, layout->answer)
                    ? "the answer's segment sees none; set the mask when all segments are there "
                      "(sgf_mask_set, sgf_visible_set)"
                    : NULL;
        if (wrong)
            return sgf__fail(err, SGF_ERR_ARG, "question %d, context %d: %s", (int)number + 1,
                             (int)c + 1, wrong);
        if (layout->answer_pos < 0 ||
            layout->answer_pos > limit || /* the last id is not fed back: */
            task->max_new_tokens > (size_t)(limit - layout->answer_pos) + 1)
            return sgf__fail(
                err, SGF_ERR_LIMIT,
                "question %d: the prompt is too long: its %llu tokens end at position %d "
                "and %llu are to be generated, but the model's context is %d; use fewer "
                "paraphrases or examples, or aligned positions",
                (int)number + 1, (unsigned long long)layout->tokens, (int)layout->answer_pos,
                (unsigned long long)task->max_new_tokens, (int)limit);
    }
    return SGF_OK;
}

static void sgf__prompt_leave(sgf_session *s, sgf__prompt *p) {
    size_t c;
    if (!p || --p->users) return;
    for (c = 0; p->sequence && c < p->room; c++) sgf_sequence_close(s, p->sequence[c]);
    sgf_sequence_close(s, p->base);
    sgf__prompt_leave(s, p->parent);
    for (c = 0; p->made && c < p->room; c++) sgf_layout_free(&p->made[c]);
    sgf__free(&s->mem, p->made, p->room, sizeof *p->made);
    sgf__free(&s->mem, p->sequence, p->room, sizeof *p->sequence);
    sgf__free(&s->mem, p->logits, p->room, s->V * sizeof(float));
    sgf__free(&s->mem, p, 1, sizeof *p);
}
/* A prompt with one user, and no sequence open yet; NULL after a failure. */
static sgf__prompt *sgf__prompt_make(sgf__flight *f, const sgf_layout *context, size_t contexts) {
    sgf_session *s = f->s;
    sgf__prompt *p = (sgf__prompt *)sgf__alloc(&s->mem, 1, sizeof *p, f->err);
    size_t c;
    f->status = SGF_ERR_MEMORY;
    if (!p) return NULL;
    p->context = context;
    p->contexts = p->room = contexts;
    p->users = 1;
    p->base = -1;
    p->sequence = (int32_t *)sgf__alloc(&s->mem, contexts, sizeof *p->sequence, f->err);
    for (c = 0; p->sequence && c < contexts; c++) p->sequence[c] = -1;
    if (p->sequence) f->status = SGF_OK;
    else sgf__prompt_leave(s, p);
    return f->status ? NULL : p;
}

/* Open a context's sequence. List the copies and the rows that its first `end` tokens still need. The
   sequence continues `base`, which has all tokens before the cue, or (-1) its shared prefix. */
static void sgf__context_start(sgf__flight *f, const sgf_layout *layout, int32_t base, size_t end,
                               int32_t *sequence, size_t *prefill) {
    int reuse = f->s->reuse;
    size_t prefix = base >= 0 ? sgf__cue_first(layout) : reuse ? sgf__prefix_length(layout) : 0;
    size_t runs = 0, i;
    sgf__prefix *slot = prefix && base < 0 ? sgf__prefix_get(f, layout, prefix, prefill) : NULL;
    if (slot) base = slot->sequence;
    if (base < 0) prefix = 0;
    if (!f->status) f->status = sgf_sequence_open(f->s, layout, base, sequence, f->err);
    for (i = prefix; i < end && !f->status; i++) {
        if (reuse && (i == prefix || layout->seg[i] != layout->seg[i - 1]))
            i += sgf__common_list(f, layout, i, *sequence, &runs, prefill);
        if (i == end) break; /* all that the caller wants is copied */
        sgf__row_list(f, sgf__row_of(layout, i, *sequence, i + 1 == layout->tokens));
        ++*prefill;
    }
}
/* The contexts of a fusion whose paraphrases are asked alone: the fused one, then Alone_i. */
static sgf__prompt *sgf__alone_make(sgf__flight *f, const sgf_layout *fused) {
    const sgf_allocator *mem = &f->s->mem;
    size_t n = sgf__paraphrases(fused) + 1, c;
    sgf__prompt *p = sgf__prompt_make(f, fused, n);
    if (!p) return NULL;
    p->context = p->made = (sgf_layout *)sgf__alloc(mem, n, sizeof *p->made, f->err);
    if (!p->made) f->status = SGF_ERR_MEMORY;
    for (c = 0; c < n && p->made; c++) sgf_layout_init(&p->made[c], mem);
    if (!f->status) f->status = sgf__layout_copy(fused, &p->made[0], f->err);
    for (c = 1; c < n && !f->status; c++)
        f->status = sgf_layout_alone(fused, (int32_t)c - 1, &p->made[c], f->err);
    return p;
}
/* The paraphrases have said how sure they are: the fused context gets its weights and starts. Those
   that the answer is not combined with leave. logits [contexts - 1][V]: of Alone_i. */
static void sgf__scouts_end(sgf__flight *f, sgf__active *a, const float *logits) {
    const sgf_decoding *how = &a->task->decoding;
    sgf_session *s = f->s;
    sgf__prompt *p = a->prompt;
    sgf_layout *fused = &p->made[0];
    size_t n = p->contexts - 1, i, k;
    double *doubt, *weight;
    f->status = sgf__grow(&s->mem, &f->trust, &f->trust_cap, 2 * n, sizeof *f->trust, f->err);
    if (f->status) return;
    doubt = f->trust, weight = doubt + n;
    sgf__doubts(s->simd, how->agreement, logits, n, s->V, weight, f->combined, doubt);
    sgf__doubt_weights(how, doubt, n, weight);
    for (i = 0; i < n; i++) {
        for (k = 0; weight[i] < 0 && k < fused->segments; k++)
            if (sgf__of_paraphrase(&fused->segment[k]) && fused->segment[k].group == (int32_t)i)
                sgf_visible_set(fused, fused->answer, (int32_t)k, 0);
        if (weight[i] < 0) weight[i] = 0;
    }
    if (a->task->trust) memcpy(a->task->trust, f->trust, 2 * n * sizeof *f->trust);
    for (i = 0; i < n; i++)
        if (!(weight[i] >= 1e-300)) weight[i] = 1e-300; /* what sgf_layout_weigh takes */
    f->status = sgf_layout_weigh(fused, weight, n, f->err);
    if (how->alone > 0) { /* the next step needs them */
        p->logits = (float *)sgf__alloc(&s->mem, p->room, s->V * sizeof(float), f->err);
        if (!p->logits) f->status = SGF_ERR_MEMORY;
        else memcpy(p->logits + s->V, logits, n * s->V * sizeof(float));
    } else
        for (; p->contexts > 1; p->contexts--) {
            sgf_sequence_close(s, p->sequence[p->contexts - 1]);
            p->sequence[p->contexts - 1] = -1;
        }
    a->scouts = 0;
    a->at = f->wanted;
    if (!f->status)
        sgf__context_start(f, fused, p->base, fused->tokens, &p->sequence[0],
                           &a->task->prefill_tokens);
}
/* Call `done` of the stream for a task that ended or, with NULL, `next` for the waiting one. */
static void sgf__stream_call(sgf__flight *f, sgf_task *ended) {
    const sgf_stream *stream = f->stream;
    sgf_error said;
    said.message[0] = 0;
    f->status = ended ? stream->done(stream->user, ended, &said)
                      : stream->next(stream->user, &f->waiting, &said);
    if (f->status && !said.message[0])
        sgf__fail(f->err, f->status, "`%s` of the stream failed: %s", ended ? "done" : "next",
                  sgf_status_text(f->status));
    else if (f->status && f->err) *f->err = said;
}
/* The next task, checked. */
static void sgf__task_next(sgf__flight *f) {
    f->waiting = NULL;
    if (f->left) f->left--, f->waiting = f->list++;
    else if (f->stream->next) sgf__stream_call(f, NULL);
    if (!f->status && f->waiting)
        f->status = sgf__task_check(f->s, f->waiting, f->arrived++, f->err);
}
/* The waiting task starts. The one after it is fetched first, since it may share the prompt. */
static void sgf__task_start(sgf__flight *f) {
    sgf_task *task = f->waiting;
    sgf__prompt *p = f->prompt;
    sgf__active *a;
    int begins = !p, means = sgf__takes_mean(f->s, task);
    size_t c;
    if (!sgf__flight_room(f, &f->active, &f->cap, f->count, sizeof *a)) return;
    if (begins && sgf__asks_alone(&task->decoding)) p = sgf__alone_make(f, task->context);
    else if (begins) p = sgf__prompt_make(f, task->context, task->contexts);
    if (!p) return;
    a = &f->active[f->count++]; /* from here on it is freed with the flight */
    memset(a, 0, sizeof *a);
    a->task = task;
    a->number = f->arrived - 1;
    a->prompt = p;
    a->scouts = sgf__scouts(&task->decoding);
    f->prompt = NULL;
    task->count = task->prefill_tokens = task->decode_tokens = 0;
    if (!f->status) sgf__task_next(f);
    if (!f->status && f->s->reuse && f->waiting && f->waiting->context == task->context &&
        f->waiting->contexts == task->contexts && !p->made && !means &&
        !sgf__takes_mean(f->s, f->waiting) && !sgf__asks_alone(&f->waiting->decoding)) {
        f->prompt = p;
        p->users++;
        p->shared = 1;
    }
    if (!begins) return;
    if (!f->status && p->made && f->s->reuse) /* what all contexts continue */
        sgf__context_start(f, task->context, -1, sgf__cue_first(task->context), &p->base,
                           &task->prefill_tokens);
    a->at = f->wanted;
    c = a->scouts ? 1 : 0; /* the fused context waits for the others */
    for (; c < p->contexts && !f->status; c++)
        sgf__context_start(f, &p->context[c], p->base, p->context[c].tokens - (size_t)means,
                           &p->sequence[c], &task->prefill_tokens);
    if (means) sgf__mean_list(f, task, 0);
    for (c = 0; means && c < p->contexts && !f->status; c++, ++task->prefill_tokens)
        sgf__row_list(f, sgf__row_of(&p->context[c], p->context[c].tokens - 1, p->sequence[c], 1));
}

/* Is it the last of `count` ids of the answer? */
static int sgf__task_ends(const sgf_session *s, const sgf_task *task, size_t count, int32_t id,
                          int *written) {
    const sgf_config *config = &s->model->config;
    int ends = count == task->max_new_tokens;
    sgf_str text = sgf_text("");
    int32_t e;
    size_t i;
    for (e = 0; e < config->eos_count; e++)
        if (config->eos[e] == id) ends = 1;
    if (s->model->tokenizer) text = sgf_token_text(s->model->tokenizer, id);
    for (i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' && *written) ends = 1;
        if (!sgf__is_space(text.ptr[i])) *written = 1;
    }
    return ends;
}
/* Sequences that continue those of a prompt, which gets one more user. NULL after a failure. */
static sgf__prompt *sgf__prompt_continue(sgf__flight *f, sgf__prompt *base) {
    sgf__prompt *own = sgf__prompt_make(f, base->context, base->contexts);
    size_t c;
    for (c = 0; own && c < base->contexts && !f->status; c++)
        f->status = sgf_sequence_open(f->s, &base->context[c], base->sequence[c], &own->sequence[c],
                                      f->err);
    if (own) own->parent = base, base->users++;
    return own;
}
/* Feed id number `step` of an answer back: one row for each context of its prompt. */
static void sgf__prompt_feed(sgf__flight *f, sgf_task *task, const sgf__prompt *p, int32_t id,
                             size_t step) {
    size_t c;
    sgf_row row;
    sgf__mean_list(f, task, step + 1);
    for (c = 0; c < p->contexts; c++) {
        const sgf_layout *layout = &p->context[c];
        row.sequence = p->sequence[c];
        row.token = id;
        row.pos = layout->answer_pos + (int32_t)step;
        row.seg = task->segment ? task->segment[step] : layout->answer;
        row.want = 1;
        sgf__row_list(f, row);
        task->decode_tokens++;
    }
}
/* Feed the last id of a task back. Where the prompt is shared, the task gets sequences of its own the
   first time. */
static void sgf__task_feed(sgf__flight *f, sgf__active *a) {
    const sgf_task *task = a->task;
    if (a->prompt->shared) {
        sgf__prompt *own = sgf__prompt_continue(f, a->prompt);
        if (!own) return;
        a->prompt->users--; /* `own` is what uses it now */
        a->prompt = own;
    }
    a->at = f->wanted;
    sgf__prompt_feed(f, a->task, a->prompt, task->ids[task->count - 1], task->count - 1);
}

/* ---- the decoding loop ---- */

/* One forward pass over all rows that were listed, into f->logits.at. */
static void sgf__flight_pass(sgf__flight *f) {
    sgf_session *s = f->s;
    size_t i;
    sgf__pass pass;
    f->keep = s->keep = s->device && s->device->keeps(f);
    f->status = sgf__floats_reserve(s, &f->logits, f->keep ? 0 : f->wanted * s->V, f->err);
    memset(&pass, 0, sizeof pass);
    pass.row = f->row, pass.n = f->rows, pass.together = 1;
    pass.copy = f->copy, pass.copies = f->copies;
    pass.mean = f->mean, pass.means = f->means;
    pass.logits = f->logits.at, pass.err = f->err;
    if (!f->status) f->status = sgf__forward(s, &pass);
    s->keep = 0;
    if (!f->status && f->keep) s->device->choose_ids(f);
    for (i = 0; i < f->count && !f->status; i++) {
        sgf__prompt *p = f->active[i].prompt;
        if (!p->shared || p->logits) continue; /* else this is the task that started it */
        p->logits = (float *)sgf__alloc(&s->mem, p->contexts, s->V * sizeof(float), f->err);
        if (!p->logits) f->status = SGF_ERR_MEMORY;
        else
            memcpy(p->logits, f->logits.at + f->active[i].at * s->V,
                   p->contexts * s->V * sizeof(float));
    }
    sgf__pass_end(f);
}
/* The logits of the contexts, those from number `at` on, become those of the next token, in
   f->combined. */
static void sgf__active_combine(sgf__flight *f, sgf__active *a, size_t at, int first) {
    sgf_session *s = f->s;
    sgf_task *task = a->task;
    sgf__prompt *p = a->prompt;
    size_t V = s->V, n = p->contexts, i;
    const float *logits = f->logits.at + at * V;
    const double *weight = task->weight;
    float *out = f->combined, *scratch = out + V, alone = (float)task->decoding.alone;
    if (p->logits && p->made) memcpy(p->logits, logits, V * sizeof(float));
    if (p->logits && first) logits = p->logits;
    if (task->combine == SGF_COMBINE_ENTROPY_AVG && n > 1 && !p->made) {
        f->status = sgf__grow(&s->mem, &f->trust, &f->trust_cap, 2 * n, sizeof *f->trust, f->err);
        if (f->status) return;
        for (i = 0; i < n; i++) f->trust[i] = sgf__entropy(s->simd, logits + i * V, V, scratch);
        sgf__trust(f->trust, n, task->decoding.tau > 0 ? task->decoding.tau : 1, f->trust + n);
        if (first && task->trust) memcpy(task->trust, f->trust, 2 * n * sizeof *f->trust);
        weight = f->trust + n;
    }
    if (!p->made || n == 1)
        sgf__combine(s->simd, task->combine, weight, logits, n, V, scratch, out);
    else { /* the fused context's and the mean of those of Alone_i */
        sgf__combine(s->simd, SGF_COMBINE_AVG, NULL, logits + V, n - 1, V, scratch, out);
        for (i = 0; i < V; i++) out[i] = sgf__fma_portable(alone, out[i], (1 - alone) * logits[i]);
    }
    if (!p->made) return;
    sgf__free(&s->mem, p->logits, p->room, V * sizeof(float));
    p->logits = NULL;
}
/* Choose the next id of one task. Was it the last one? */
static int sgf__active_choose(sgf__flight *f, sgf__active *a) {
    sgf_task *task = a->task;
    size_t V = f->s->V;
    int32_t id = a->chosen;
    int said = 0, ends;
    if (!task->max_new_tokens) return 1;
    if (!f->keep) {
        sgf__active_combine(f, a, a->at, !task->count || a->prompt->shared);
        if (f->status) return 0;
        id = sgf__argmax(f->combined, V);
    }
    if (f->stream->on_step)
        said = f->stream->on_step(f->stream->user, a->number, task->count, f->combined, &id);
    if (said && said != SGF_END_TASK)
        f->status = sgf__fail(f->err, SGF_ERR_ARG, "generation was stopped by the caller");
    else if (id < 0 || (size_t)id >= V)
        f->status = sgf__fail(
            f->err, SGF_ERR_ARG,
            "question %d: the step function chose the id %d; the vocabulary has %d ids",
            (int)a->number + 1, (int)id, (int)V);
    if (f->status) return 0;
    task->ids[task->count++] = id;
    ends = sgf__task_ends(f->s, task, task->count, id, &a->written);
    return ends || said == SGF_END_TASK;
}
/* ---- beam search ---- */

static void sgf__active_end(sgf_session *s, sgf__active *a) {
    sgf__beams *m = a->beams;
    size_t i;
    for (i = 0; m && m->run && i < 2 * a->task->decoding.beams; i++) /* run and next */
        sgf__prompt_leave(s, (m->run < m->next ? m->run : m->next)[i].prompt);
    if (m) sgf__arena_free(&m->arena);
    sgf__free(&s->mem, m, 1, sizeof *m);
    sgf__prompt_leave(s, a->prompt);
}
static void sgf__beams_make(sgf__flight *f, sgf__active *a) {
    const sgf_config *config = &f->s->model->config;
    size_t B = a->task->decoding.beams, n = a->task->max_new_tokens, i;
    sgf__beams *m = (sgf__beams *)sgf__alloc(&f->s->mem, 1, sizeof *m, f->err);
    int32_t *ids;
    f->status = SGF_ERR_MEMORY;
    if (!(a->beams = m)) return;
    sgf__arena_init(&m->arena, &f->s->mem);
    m->running = 1;
    m->most = B * (config->eos_count > 1 ? (size_t)config->eos_count + 1 : 2);
    m->run = (sgf__hypothesis *)sgf__arena_alloc(&m->arena, 3 * B, sizeof *m->run, f->err);
    m->candidate = (sgf__beam_next *)sgf__arena_alloc(&m->arena, m->most, sizeof *m->candidate,
                                                      f->err);
    ids = (int32_t *)sgf__arena_alloc(&m->arena, n * B, 3 * sizeof *ids, f->err);
    if (m->run) m->next = m->run + B, m->done = m->run + 2 * B;
    if (!m->run || !m->candidate || !ids) return;
    for (i = 0; i < 3 * B; i++) m->run[i].ids = ids + i * n;
    f->status = SGF_OK;
}
/* The best continuations of all beams; the lower beam and id on ties. Returns their number. */
static size_t sgf__beams_candidates(sgf__flight *f, sgf__active *a) {
    sgf__beams *m = a->beams;
    size_t V = f->s->V, C = a->prompt->contexts, b, v, i, n = 0;
    int chances = C > 1 && !a->prompt->made &&
                  (a->task->combine == SGF_COMBINE_MAX || a->task->combine == SGF_COMBINE_AVG_P);
    float *x = f->combined, *e = x + V, top, sum;
    for (b = 0; b < m->running; b++) {
        double total = 0;
        sgf__active_combine(f, a, a->at + b * C, !m->run[0].count);
        if (f->status) return 0;
        top = chances ? 0 : x[sgf__argmax(x, V)];
        memcpy(e, x, V * sizeof *e);
        if (!chances) sgf__softmax(f->s->simd, e, V, 1, &sum);
        for (v = 0; v < V; v++) total += (double)e[v];
        total = total > 0 ? sgf__log_d(total) : 0;
        for (v = 0; v < V; v++) {
            double p = !chances   ? (double)x[v] - (double)top
                       : x[v] > 0 ? sgf__log_d((double)x[v])
                                  : -HUGE_VAL;
            double score = m->run[b].score + (p - total);
            if (!(score > (n == m->most ? m->candidate[n - 1].score : -HUGE_VAL))) continue;
            i = n < m->most ? n++ : n - 1;
            for (; i && score > m->candidate[i - 1].score; i--)
                m->candidate[i] = m->candidate[i - 1];
            m->candidate[i].score = score, m->candidate[i].beam = b;
            m->candidate[i].id = (int32_t)v;
        }
    }
    return n;
}
/* One step. The B best candidates that do not end run on; those of the first B that end compete for
   the B places of ended ones. Was it the last step? Then the best one is the answer. */
static int sgf__beams_choose(sgf__flight *f, sgf__active *a) {
    sgf_task *task = a->task;
    sgf__beams *m = a->beams;
    size_t B = task->decoding.beams, n = sgf__beams_candidates(f, a), kept = 0, i, k;
    double alpha = task->decoding.length_penalty;
    double divisor = (double)(m->run[0].count + 1);
    if (f->status) return 0;
    if (alpha < 1 || alpha > 1) divisor = sgf__exp_d(alpha * sgf__log_d(divisor));
    for (i = 0; i < n; i++) {
        const sgf__beam_next *c = &m->candidate[i];
        const sgf__hypothesis *from = &m->run[c->beam];
        sgf__hypothesis made, *to = &m->next[kept];
        int written = from->written;
        double score = c->score;
        if (sgf__task_ends(f->s, task, from->count + 1, c->id, &written)) {
            score /= divisor;
            for (k = m->ended; k && score > m->done[k - 1].score; k--) {}
            if (i >= B || k == B) continue;
            if (m->ended < B) m->ended++;
            made = m->done[m->ended - 1]; /* the worst one leaves its ids */
            memmove(m->done + k + 1, m->done + k, (m->ended - 1 - k) * sizeof made);
            m->done[k] = made;
            to = &m->done[k];
        } else if (kept++ == B) {
            kept = B;
            continue;
        }
        memcpy(to->ids, from->ids, from->count * sizeof *to->ids);
        to->ids[from->count] = c->id;
        to->count = from->count + 1;
        to->score = score, to->written = written, to->from = c->beam;
    }
    if (kept && (m->ended < B || m->next[0].score / divisor > m->done[B - 1].score)) {
        a->at = kept; /* how many run on: sgf__beams_feed */
        return 0;
    }
    if (!m->ended) return 1; /* no candidate: all logits are NaN */
    task->count = m->done[0].count;
    memcpy(task->ids, m->done[0].ids, task->count * sizeof *task->ids);
    return 1;
}
/* A row for each context of each beam. A beam that is continued once keeps its sequences; else each of
   its continuations gets copies of its generated tokens. */
static void sgf__beams_feed(sgf__flight *f, sgf__active *a) {
    sgf__beams *m = a->beams;
    sgf__prompt *base = a->prompt;
    size_t running = a->at, step = m->next[0].count - 1, i, k, c;
    sgf__hypothesis *run = m->next;
    a->at = f->wanted;
    for (i = 0; i < running && !f->status; i++) {
        sgf__prompt **from = &m->run[run[i].from].prompt, *old = *from;
        size_t heirs = 0;
        for (k = 0; k < running; k++) heirs += run[k].from == run[i].from;
        if (old && heirs == 1) *from = NULL, run[i].prompt = old;
        else if ((run[i].prompt = sgf__prompt_continue(f, base)) == NULL) return;
        for (c = 0; old && heirs > 1 && c < base->contexts && !f->status; c++) {
            sgf__kv_copy copy;
            memset(&copy, 0, sizeof copy);
            copy.source = old->sequence[c], copy.sequence = run[i].prompt->sequence[c];
            copy.from = f->s->sequence[copy.source].layout.tokens - step, copy.count = step;
            copy.seg = -1;
            sgf__copy_list(f, copy);
        }
        sgf__prompt_feed(f, a->task, run[i].prompt, run[i].ids[step], step);
    }
    for (i = 0; i < m->running; i++) { /* they leave when their tokens are copied */
        sgf__prompt *old = m->run[i].prompt;
        if (old) old->next = f->behind, f->behind = old;
        m->run[i].prompt = NULL;
    }
    m->next = m->run, m->run = run;
    m->running = running;
}
/* Choose the next id of every task; those that end leave, the others are listed for the next pass. */
static void sgf__flight_choose(sgf__flight *f) {
    size_t i, kept = 0;
    for (i = 0; i < f->count; i++) {
        sgf__active a = f->active[i];
        int scouts = a.scouts, ends = 0;
        int beams = a.task->decoding.beams > 1 && a.task->max_new_tokens;
        if (!f->status && !scouts && beams && !a.beams) sgf__beams_make(f, &a);
        if (!f->status && scouts) sgf__scouts_end(f, &a, f->logits.at + a.at * f->s->V);
        else if (!f->status) ends = beams ? sgf__beams_choose(f, &a) : sgf__active_choose(f, &a);
        if (!f->status && !ends && !scouts) beams ? sgf__beams_feed(f, &a) : sgf__task_feed(f, &a);
        if (ends) sgf__active_end(f->s, &a);
        else f->active[kept++] = a;
        if (ends && f->stream->done) sgf__stream_call(f, a.task);
    }
    f->count = kept;
}
/* Decode the tasks of a list, then those of a stream. */
static sgf_status sgf__decode_all(sgf_session *s, sgf_task *list, size_t n,
                                  const sgf_stream *stream, sgf_error *err) {
    sgf__flight f;
    memset(&f, 0, sizeof f);
    f.s = s;
    f.stream = stream;
    f.list = list;
    f.left = n;
    f.err = err;
    f.combined = (float *)sgf__alloc(&s->mem, 2 * s->V, sizeof(float), err);
    if (f.combined) sgf__task_next(&f);
    else f.status = SGF_ERR_MEMORY;
    while (!f.status && (f.count || f.waiting)) {
        while (!f.status && f.waiting && (!stream->most || f.count < stream->most))
            sgf__task_start(&f);
        f.keep = 0;
        if (!f.status && f.rows) sgf__flight_pass(&f);
        if (!f.status) sgf__flight_choose(&f);
    }
    sgf__pass_end(&f);
    while (f.count) sgf__active_end(s, &f.active[--f.count]);
    sgf__prompt_leave(s, f.prompt);
    sgf__free(&s->mem, f.active, f.cap, sizeof *f.active);
    sgf__free(&s->mem, f.row, f.row_cap, sizeof *f.row);
    sgf__free(&s->mem, f.copy, f.copy_cap, sizeof *f.copy);
    sgf__free(&s->mem, f.mean, f.mean_cap, sizeof *f.mean);
    sgf__floats_free(&s->mem, &f.logits);
    sgf__free(&s->mem, f.combined, 2 * s->V, sizeof(float));
    sgf__free(&s->mem, f.trust, f.trust_cap, sizeof *f.trust);
    return f.status;
}
SGF_DEF sgf_status sgf_generate_stream(sgf_session *s, const sgf_stream *stream, sgf_error *err) {
    return sgf__decode_all(s, NULL, 0, stream, err);
}
SGF_DEF sgf_status sgf_generate(sgf_session *s, sgf_task *tasks, size_t n,
                                sgf_step_function *on_step, void *user, sgf_error *err) {
    sgf_stream stream;
    sgf_status status = SGF_OK;
    size_t i;
    for (i = 0; i < n && !status; i++) /* all of them, before there is work to lose */
        status = sgf__task_check(s, &tasks[i], i, err);
    memset(&stream, 0, sizeof stream);
    stream.on_step = on_step;
    stream.user = user;
    return status ? status : sgf__decode_all(s, tasks, n, &stream, err);
}

/* ---- one question from text to text ---- */

SGF_DEF sgf_status sgf_ask(sgf_session *s, const char *name, const sgf_prompt *prompt,
                           size_t max_new_tokens, char *out, size_t cap, sgf_error *err) {
    const sgf_tokenizer *tokenizer = s->model->tokenizer;
    size_t i, made = 0, len = 0;
    sgf_method method;
    sgf_task task;
    sgf_str text;
    sgf__arena arena;
    sgf_layout *context;
    char *whole = NULL;
    sgf_status status = sgf_method_find(name, &method, err);
    if (status) return status;
    memset(&task, 0, sizeof task);
    task.max_new_tokens = max_new_tokens ? max_new_tokens : 10;
    if (task.max_new_tokens > (size_t)s->model->config.context)
        return sgf__fail(err, SGF_ERR_LIMIT,
                         "%llu new tokens are more than the model's context of %d",
                         (unsigned long long)task.max_new_tokens, (int)s->model->config.context);
    task.contexts = method.contexts == SGF_CONTEXTS_ENSEMBLE ? prompt->paraphrases : 1;
    sgf__arena_init(&arena, &s->mem);
    context = (sgf_layout *)sgf__arena_alloc(&arena, task.contexts, sizeof *context, err);
    task.ids = (int32_t *)sgf__arena_alloc(&arena, task.max_new_tokens, sizeof(int32_t), err);
    if (!context || !task.ids) status = SGF_ERR_MEMORY;
    for (; made < task.contexts && !status; made++) {
        sgf_layout_init(&context[made], &s->mem);
        status = sgf_prompt_layout(tokenizer, prompt, &method, made, &context[made], err);
    }
    task.context = context;
    task.combine = method.combine;
    task.decoding = method.decoding;
    task.weight = prompt->weight;
    if (!status) status = sgf_generate(s, &task, 1, NULL, NULL, err);
    for (i = 0; i < 2 && !status; i++) { /* measure, then write */
        if (i && !(whole = (char *)sgf__arena_alloc(&arena, len + 1, 1, err)))
            status = SGF_ERR_MEMORY;
        else
            status = sgf_decode(tokenizer, task.ids, task.count, SGF_DECODE_SKIP_SPECIAL, whole,
                                i ? len : 0, &len, err);
    }
    if (!status && cap) {
        text = sgf_prediction_take(method.prediction, sgf__text_of(whole, len));
        if (text.len > cap - 1) text.len = cap - 1;
        memcpy(out, text.ptr, text.len);
        out[text.len] = 0;
    }
    while (made) sgf_layout_free(&context[--made]);
    sgf__arena_free(&arena);
    return status;
}

#ifdef SGF_CUDA
#define SGF__CUDA_SESSIONS
#include "segfuse.cu" /* its first part: sgf__device_linked */
#undef SGF__CUDA_SESSIONS
#else
static const sgf__device *sgf__device_linked(void) {
    return NULL;
}
#endif

/* ====================================================================================
 * [SGF-17] Base: errors, memory, growing buffers
 *
 * All sections below use these functions.
 * ==================================================================================== */

SGF_DEF const char *sgf_version(void) {
    return SGF_VERSION;
}
SGF_DEF const char *sgf_status_text(sgf_status status) {
#define SGF__STATUS_TEXT(name, text) text,
    static const char *const texts[] = {SGF_STATUS_LIST(SGF__STATUS_TEXT)};
#undef SGF__STATUS_TEXT
    return (unsigned)status < SGF_STATUS_COUNT ? texts[status] : "unknown status";
}

/* Messages quote files, which may hold anything: what is not UTF-8 (a character that was cut, too)
   and control characters become '?'. */
static void sgf__printable(char *text) {
    size_t left = strlen(text), n;
    uint32_t code;
    for (; left; text += n, left -= n) {
        n = sgf__utf8_next(text, left, &code);
        if (n && code >= 0x20 && code != 0x7F && (code < 0x80 || code >= 0xA0)) continue;
        if (!n) n = 1;
        memset(text, '?', n);
    }
}
/* Fill `err` (NULL allowed) and return `status`, so that a failing function ends in one line. */
static SGF__PRINTF(5, 6) sgf_status
    sgf__fail_at(sgf_error *err, sgf_status status, const char *file, int64_t offset,
                 const char *format, ...) {
    if (err) {
        va_list args;
        err->status = status;
        err->offset = offset;
        err->file[0] = 0;
        if (file) snprintf(err->file, sizeof err->file, "%s", file);
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        sgf__printable(err->message);
    }
    return status;
}

static void *sgf__malloc(size_t size, void *user) {
    (void)user;
    return malloc(size);
}
static void sgf__mfree(void *ptr, size_t size, void *user) {
    (void)size;
    (void)user;
    free(ptr);
}
static sgf_allocator sgf__allocator(const sgf_allocator *mem) {
    static const sgf_allocator standard = {sgf__malloc, sgf__mfree, NULL};
    return mem ? *mem : standard;
}

/* count * size zeroed bytes, or NULL with `err` filled. A count of 0 gives a valid pointer. */
static void *sgf__alloc(const sgf_allocator *mem, size_t count, size_t size, sgf_error *err) {
    void *ptr = NULL;
    size_t bytes = count ? count * size : 1;
    if (!count || !size || bytes / count == size) ptr = mem->alloc(bytes ? bytes : 1, mem->user);
    if (ptr) return memset(ptr, 0, bytes ? bytes : 1);
    sgf__fail(err, SGF_ERR_MEMORY, "out of memory: %llu items of %llu bytes were wanted",
              (unsigned long long)count, (unsigned long long)size);
    return NULL;
}
static void sgf__free(const sgf_allocator *mem, void *ptr, size_t count, size_t size) {
    if (ptr) (mem->free)(ptr, count && size ? count * size : 1, mem->user);
}

/* Make room for `need` items in a growing array of *cap items of `size` bytes. `items` is the address of
   the pointer to the first one, a pointer to any type. */
static sgf_status sgf__grow(const sgf_allocator *mem, void *items, size_t *cap, size_t need,
                            size_t size, sgf_error *err) {
    size_t n = *cap ? *cap : 16;
    void *grown, *old;
    if (need <= *cap) return SGF_OK;
    while (n < need) n = n > SIZE_MAX / 2 ? need : n * 2;
    grown = sgf__alloc(mem, n, size, err);
    if (!grown) return SGF_ERR_MEMORY;
    memcpy(&old, items, sizeof old);
    if (old) memcpy(grown, old, *cap * size);
    sgf__free(mem, old, *cap, size);
    memcpy(items, &grown, sizeof grown);
    *cap = n;
    return SGF_OK;
}

/* Memory that is freed as a whole: a list of allocations, each with its link and size in front. */
enum { SGF__ARENA_LINK = 16 };

static void sgf__arena_init(sgf__arena *arena, const sgf_allocator *mem) {
    arena->mem = sgf__allocator(mem);
    arena->blocks = NULL;
}
static void sgf__arena_free(sgf__arena *arena) {
    while (arena->blocks) {
        sgf__block *block = arena->blocks;
        arena->blocks = block->next;
        sgf__free(&arena->mem, block, block->size, 1);
    }
}
/* count * size zeroed bytes, aligned to 16, valid until the arena is freed. */
static void *sgf__arena_alloc(sgf__arena *arena, size_t count, size_t size, sgf_error *err) {
    int fits = !size || count <= (SIZE_MAX - SGF__ARENA_LINK) / size;
    size_t bytes = fits ? SGF__ARENA_LINK + count * size : SIZE_MAX;
    sgf__block *block = (sgf__block *)sgf__alloc(&arena->mem, bytes, fits ? 1 : SIZE_MAX, err);
    if (!block) return NULL;
    block->next = arena->blocks;
    block->size = bytes;
    arena->blocks = block;
    return (char *)block + SGF__ARENA_LINK;
}

static void sgf__buf_init(sgf__buf *buf, const sgf_allocator *mem) {
    memset(buf, 0, sizeof *buf);
    buf->mem = sgf__allocator(mem);
}
static void sgf__buf_free(sgf__buf *buf) {
    sgf__free(&buf->mem, buf->ptr, buf->cap, 1);
    sgf__buf_init(buf, &buf->mem);
}
/* Make room for `more` bytes and a zero. */
static sgf_status sgf__buf_reserve(sgf__buf *buf, size_t more, sgf_error *err) {
    if (buf->status || more < buf->cap - buf->len) return buf->status;
    if (more > SIZE_MAX - buf->len - 1)
        return buf->status = sgf__fail(err, SGF_ERR_LIMIT, "a text would exceed the address space");
    return buf->status = sgf__grow(&buf->mem, &buf->ptr, &buf->cap, buf->len + more + 1, 1, err);
}
static sgf_status sgf__buf_add(sgf__buf *buf, const void *bytes, size_t len, sgf_error *err) {
    if (sgf__buf_reserve(buf, len, err)) return buf->status;
    if (len) memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = 0;
    return SGF_OK;
}

/* ---- text with a length ---- */

static sgf_str sgf__text_of(const char *ptr, size_t len) {
    sgf_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}
SGF_DEF sgf_str sgf_text(const char *text) {
    return sgf__text_of(text, text ? strlen(text) : 0);
}
static int sgf__str_is(sgf_str s, const char *text) {
    size_t n = strlen(text);
    return s.len == n && !memcmp(s.ptr, text, n);
}

/* ====================================================================================
 * [SGF-18] Text: UTF-8, and numbers in any locale
 *
 * Numbers are read and written without regard to the locale: 0.5 has a point everywhere.
 * ==================================================================================== */

/* Decode one code point of at most n bytes. Returns its length in bytes, or 0 when the bytes are
   not valid UTF-8 (overlong forms, surrogates, values above U+10FFFF and cut sequences are not). */
static size_t sgf__utf8_next(const char *text, size_t n, uint32_t *code) {
    const unsigned char *p = (const unsigned char *)text;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len, i;
    uint32_t c;
    if (!n) return 0;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || len > n) return 0;
    c = p[0] & (0x7Fu >> len);
    for (i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
    *code = c;
    return len;
}
/* Encode one code point into out[4]; returns the number of bytes. */
static size_t sgf__utf8_put(uint32_t c, char *out) {
    static const uint32_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;
    for (i = n - 1; i; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[n] | c);
    return n;
}

/* The position after the digits that begin at text[i]. */
static size_t sgf__digits_end(const char *text, size_t n, size_t i) {
    while (i < n && text[i] >= '0' && text[i] <= '9') i++;
    return i;
}
/* A decimal number in JSON's grammar -> the nearest double. Returns the bytes used, 0 if there is
   no number. Up to 19 digits and small powers of ten need one exact operation (Clinger 1990). All
   other numbers are read by strtod as a whole number with an exponent, which is the same in every
   locale: the first 800 digits, and a 1 if another digit is not 0, since 767 digits decide how a
   double is rounded. */
static size_t sgf__number_parse(const char *text, size_t n, double *value) {
    enum { KEPT = 800 };
    char kept[KEPT + 32];
    size_t begin = n && text[0] == '-', point, end, i, used = 0, count = 0;
    int64_t exponent = 0;
    uint64_t digits = 0;
    double d, ten = 1;
    int more = 0;
    point = end = i = sgf__digits_end(text, n, begin);
    if (point == begin || (text[begin] == '0' && point > begin + 1)) return 0;
    if (point < n && text[point] == '.') {
        end = i = sgf__digits_end(text, n, point + 1);
        if (end == point + 1) return 0;
    }
    if (i < n && (text[i] == 'e' || text[i] == 'E')) {
        size_t first = i + 1 + (i + 1 < n && (text[i + 1] == '+' || text[i + 1] == '-'));
        int negative = text[first - 1] == '-';
        i = sgf__digits_end(text, n, first);
        if (i == first) return 0;
        for (; first < i && exponent < INT64_MAX / 100; first++)
            exponent = exponent * 10 + (text[first] - '0');
        if (negative) exponent = -exponent;
    }
    if (end > point) exponent -= (int64_t)(end - point - 1);
    for (; begin < end; begin++) {
        if (begin == point || (!used && text[begin] == '0')) continue;
        if (++used <= 19) digits = digits * 10 + (uint64_t)(text[begin] - '0');
        if (used <= KEPT) kept[count++] = text[begin];
        else more |= text[begin] != '0', exponent++;
    }
    if (used <= 19 && digits <= ((uint64_t)1 << 53) && exponent >= -22 && exponent <= 22) {
        for (end = (size_t)(exponent < 0 ? -exponent : exponent); end; end--) ten *= 10;
        d = exponent < 0 ? (double)digits / ten : (double)digits * ten;
    } else if (!used) d = 0;
    else {
        if (more) kept[count++] = '1', exponent--;
        exponent = exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : exponent; /* inf, 0 */
        snprintf(kept + count, sizeof kept - count, "e%d", (int)exponent);
        d = strtod(kept, NULL);
    }
    *value = text[0] == '-' ? -d : d;
    return i;
}
/* A decimal text that reads back as the same double, in Python's spelling ("0.1", "1e-07", "inf",
   "nan", always with a point or exponent), and as short as Python's but for one digit at a few powers
   of two. out has room for 32 bytes; returns the length. */
static size_t sgf__number_print(double value, char *out) {
    char text[64], digit[40];
    const char *minus, *p = text;
    int precision = value < 2.3e-308 && value > -2.3e-308 ? 0 : 14, exponent, count = 0;
    if (value != value) return (size_t)snprintf(out, 32, "nan");
    if (value - value != 0) return (size_t)snprintf(out, 32, value < 0 ? "-inf" : "inf");
    do { /* and back, both in the same locale */
        snprintf(text, sizeof text, "%.*e", precision, value);
    } while (strtod(text, NULL) != value && ++precision <= 16);
    minus = text[0] == '-' ? "-" : "";
    memset(digit, '0', sizeof digit);
    for (; *p && *p != 'e'; p++) /* the point of the locale is left out */
        if (*p >= '0' && *p <= '9' && count < 20) digit[count++] = *p;
    exponent = *p ? atoi(p + 1) : 0;
    while (count > 1 && digit[count - 1] == '0') count--;
    if (exponent < -4 || exponent >= 16)
        return (size_t)snprintf(out, 32, "%s%c%s%.*se%c%02d", minus, digit[0], count > 1 ? "." : "",
                                count - 1, digit + 1, exponent < 0 ? '-' : '+', abs(exponent));
    if (exponent < 0)
        return (size_t)snprintf(out, 32, "%s0.%.*s%.*s", minus, -1 - exponent, "000", count, digit);
    count = count > exponent + 1 ? count - exponent - 1 : 1; /* digits after the point */
    return (size_t)snprintf(out, 32, "%s%.*s.%.*s", minus, exponent + 1, digit, count,
                            digit + exponent + 1);
}

/* ---- a leak in words ---- */

SGF_DEF char *sgf_leak_text(const sgf_layout *layout, const sgf_leak *leak, char *out, size_t cap) {
    size_t i, cut = leak->hops + 1 > leak->tokens ? leak->tokens / 2 : SIZE_MAX;
    char name[96];
    if (cap) out[0] = 0;
    for (i = 0; i < leak->tokens; i++) {
        int32_t segment = layout->seg[leak->path[i]];
        if (i == cut) sgf__append(out, cap, " -> ...");
        else if (i && segment == layout->seg[leak->path[i - 1]]) continue;
        sgf__append(out, cap, "%s%s", i ? " -> " : "",
                    sgf_segment_text(layout, segment, name, sizeof name));
    }
    for (i = 0; i < leak->tokens; i++)
        sgf__append(out, cap, "%s%s%d", i ? " -> " : " (tokens ", i == cut ? "... -> " : "",
                    (int)leak->path[i]);
    sgf__append(out, cap, ")");
    return out;
}

/* ====================================================================================
 * [SGF-19] Platform: files, memory mapping
 *
 * Files are mapped into memory; with SGF_NO_MMAP they are read, and with SGF_NO_STDIO the program
 * provides them. Results do not depend on it.
 * ==================================================================================== */

typedef struct sgf__map { /* a whole file, read-only */
    const char *data;
    size_t size;
    size_t cap;  /* bytes of memory that were allocated for it; 0: it is mapped */
    int missing; /* there is no such file (as opposed to one that cannot be read) */
    sgf_allocator mem;
} sgf__map;

/* A file that appears whole or not at all: it is written under another name in the same folder, flushed
   to the disk, then renamed. After a failure every call returns the first error, and `path` is as it
   was. */
typedef struct sgf__out {
    const char *path; /* the caller's */
    void *file;       /* a FILE, or what sgf_host_create gave; NULL: none is open */
    uint64_t size;
    sgf_status status;
    char temp[1024];
} sgf__out;

#ifdef SGF_NO_STDIO
#define SGF__FILE_REASON(status) sgf_status_text(status)
#else
#define SGF__FILE_REASON(status) strerror(errno)
#endif
static sgf_status sgf__file_failed(sgf_error *err, sgf_status status, const char *path,
                                   int64_t offset, const char *what) {
    return sgf__fail_at(err, status, path, offset, "%s: %s: %s", path, what,
                        SGF__FILE_REASON(status));
}
/* For a file of the wrong format: an error if it is the result of a failed download, else SGF_OK. */
static sgf_status sgf__not_the_file(const char *path, const char *bytes, size_t size,
                                    sgf_error *err) {
    enum { LOOKED_AT = 512 };
    size_t n = 0;
    while (size && sgf__is_space(*bytes)) bytes++, size--;
    while (n < size && n < LOOKED_AT &&
           ((unsigned char)bytes[n] >= 0x20 || sgf__is_space(bytes[n])))
        n++;
    if (n < 8 || (n < size && n < LOOKED_AT)) return SGF_OK; /* it is no text */
    if (size >= 23 && !memcmp(bytes, "version https://git-lfs", 23))
        return sgf__fail_at(err, SGF_ERR_FORMAT, path, -1,
                            "%s: this is a Git LFS pointer, not the file: git lfs pull, or hf "
                            "download, fetches it",
                            path);
    if (*bytes != '<' && (n < size || (*bytes | 32) < 'a' || (*bytes | 32) > 'z')) return SGF_OK;
    return sgf__fail_at(err, SGF_ERR_FORMAT, path, -1,
                        "%s: this is %s (\"%.*s\"), not the file: download it again (hf download; "
                        "for models with restricted access hf auth login first)",
                        path, *bytes == '<' ? "a web page" : "a message", (int)sgf__min(n, 60),
                        bytes);
}

#ifdef SGF_NO_STDIO

static void sgf__unmap(sgf__map *map) {
    if (map->data) sgf_host_release(map->data, map->size);
    map->data = NULL;
    map->size = 0;
}
static sgf_status sgf__map_file(const char *path, const sgf_allocator *mem, sgf__map *map,
                                sgf_error *err) {
    const void *bytes = NULL;
    size_t size = 0;
    sgf_status status = sgf_host_view(path, &bytes, &size);
    (void)mem;
    if (status) return sgf__file_failed(err, status, path, -1, "cannot be opened");
    map->missing = !bytes;
    if (!bytes)
        return sgf__fail_at(err, SGF_ERR_IO, path, -1,
                            "%s: cannot be opened: there is no such file", path);
    map->data = (const char *)bytes;
    map->size = size;
    return SGF_OK;
}
#define sgf__out_create(out)           sgf_host_create((out)->path, &(out)->file)
#define sgf__out_append(out, bytes, n) sgf_host_append((out)->file, bytes, n)
#define sgf__out_finish(out, keep)     sgf_host_finish((out)->file, keep)

#else

static void sgf__unmap(sgf__map *map) {
    void *data = (void *)(uintptr_t)map->data;
#ifndef SGF_NO_MMAP
    if (!map->cap && data) munmap(data, map->size);
#endif
    if (map->cap) sgf__free(&map->mem, data, map->cap, 1);
    map->data = NULL;
    map->size = 0;
}
/* Read a file to its end. */
static sgf_status sgf__read_whole(FILE *file, const char *path, sgf__map *map, sgf_error *err) {
    sgf__buf buf;
    sgf_status status;
    size_t got;
    sgf__buf_init(&buf, &map->mem);
    do {
        if (sgf__buf_reserve(&buf, 65536, err)) break;
        got = fread(buf.ptr + buf.len, 1, buf.cap - buf.len - 1, file);
        buf.len += got;
    } while (got);
    status = buf.status;
    if (!status && ferror(file))
        status = sgf__file_failed(err, SGF_ERR_IO, path, (int64_t)buf.len, "cannot be read");
    map->data = buf.ptr;
    map->size = buf.len;
    map->cap = buf.cap;
    if (status) sgf__unmap(map);
    return status;
}
/* Map or read a whole file. An empty file gives size 0 and valid data. */
static sgf_status sgf__map_file(const char *path, const sgf_allocator *mem, sgf__map *map,
                                sgf_error *err) {
    sgf_status status = SGF_OK;
    FILE *file = fopen(path, "rb");
    sgf__map made;
    map->missing = !file && (errno == ENOENT || errno == ENOTDIR);
    if (!file) return sgf__file_failed(err, SGF_ERR_IO, path, -1, "cannot be opened");
    memset(&made, 0, sizeof made);
    made.mem = sgf__allocator(mem);
#ifndef SGF_NO_MMAP
    {
        struct stat info;
        if (!fstat(fileno(file), &info) && S_ISREG(info.st_mode) && info.st_size > 0 &&
            (uint64_t)info.st_size <= SIZE_MAX) {
            void *view = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
            if (view != MAP_FAILED) made.data = (const char *)view;
            made.size = (size_t)info.st_size;
        }
    }
#endif
    if (!made.data) status = sgf__read_whole(file, path, &made, err); /* or a pipe, an empty file */
    fclose(file);
    if (!status) *map = made;
    return status;
}

#ifdef _WIN32
#define SGF__NEW_FILE "wb" /* "x" is unknown to old C libraries there */
#else
#define SGF__NEW_FILE "wbx"
#endif
/* A new file next to out->path, of a name that no file has: path.PROCESS-N.tmp. */
static sgf_status sgf__out_create(sgf__out *out) {
    long process = 0;
    int i;
#ifndef SGF_NO_MMAP
    struct stat info;
    process = (long)getpid();
    if (!stat(out->path, &info)) /* a device or pipe is not replaced */
        errno = S_ISREG(info.st_mode) ? ENOENT : S_ISDIR(info.st_mode) ? EISDIR : EEXIST;
    if (errno != ENOENT) return SGF_ERR_IO;
#endif
    errno = ENAMETOOLONG;
    if (strlen(out->path) > sizeof out->temp - 32) return SGF_ERR_IO;
    for (errno = EEXIST, i = 0; i < 1000 && !out->file && errno == EEXIST; i++) {
        snprintf(out->temp, sizeof out->temp, "%s.%ld-%d.tmp", out->path, process, i);
        out->file = fopen(out->temp, SGF__NEW_FILE);
    }
    return out->file ? SGF_OK : SGF_ERR_IO;
}
static sgf_status sgf__out_append(sgf__out *out, const void *bytes, size_t n) {
    return fwrite(bytes, 1, n, (FILE *)out->file) == n ? SGF_OK : SGF_ERR_IO;
}
static sgf_status sgf__out_finish(sgf__out *out, int keep) {
    FILE *file = (FILE *)out->file;
    int failed = keep && fflush(file), reason;
#ifndef SGF_NO_MMAP
    failed = failed || (keep && fsync(fileno(file)));
#endif
    reason = errno;
    if (fclose(file) && !failed) failed = 1, reason = errno;
#ifdef _WIN32
    if (keep && !failed) remove(out->path); /* rename does not replace a file there */
#endif
    if (keep && !failed && rename(out->temp, out->path)) failed = 1, reason = errno;
    if (!keep || failed) remove(out->temp);
    errno = reason;
    return failed ? SGF_ERR_IO : SGF_OK;
}

#endif /* SGF_NO_STDIO */

/* Keep a failure. */
static sgf_status sgf__out_end(sgf__out *out, sgf_status status, sgf_error *err) {
    if (status) sgf__file_failed(err, status, out->path, (int64_t)out->size, "cannot be written");
    return out->status = status;
}
static void sgf__out_open(sgf__out *out, const char *path, sgf_error *err) {
    memset(out, 0, sizeof *out);
    out->path = path;
    if (sgf__out_end(out, sgf__out_create(out), err)) out->file = NULL; /* nothing to finish */
}
static void sgf__out_write(sgf__out *out, const void *bytes, size_t n, sgf_error *err) {
    if (out->status || !n) return;
    if (!sgf__out_end(out, sgf__out_append(out, bytes, n), err)) out->size += n;
}
/* Finish: the file is complete under its name, or the first error is returned and nothing has changed. */
static sgf_status sgf__out_close(sgf__out *out, sgf_error *err) {
    sgf_status status = out->file ? sgf__out_finish(out, !out->status) : SGF_OK;
    out->file = NULL;
    return out->status ? out->status : sgf__out_end(out, status, err);
}

/* ====================================================================================
 * [SGF-20] JSON (RFC 8259)
 *
 * sgf__json_open checks a whole text: invalid UTF-8, lone surrogates, nesting deeper than
 * 1024 and text after the value are refused, with the file, the line and the byte. No tree
 * is built. A value is a pointer to its first byte in the text; a member is two values: its
 * name, then its value. NULL is an absent value, which every function takes. As the text was
 * checked, walking cannot fail; only sgf__json_take may run out of memory.
 *
 *     sgf__json_open(&doc, "config.json", text, size, &arena, err)      doc.root is the value
 *     rope = sgf__json_find(doc.root, "rope_scaling");                  a member of an object
 *     if (sgf__json_kind(rope) == SGF__OBJECT) ...
 *     for (at = sgf__json_first(list); at; at = sgf__json_next(at))     the elements of an array
 *         ok = sgf__json_whole(&doc, at, 0, 100, &value);
 *     for (at = sgf__json_first(object); at;) {                         the members of an object
 *         name = sgf__json_take(&doc, &at);
 *         text = sgf__json_take(&doc, &at); }
 *
 * Passing over a value takes time linear in its length. A message about a value is
 * sgf__fail_at(err, status, doc.file, value - doc.text, ...).
 * ==================================================================================== */

/* The kind of a value is its first byte; of a number '0'. */
enum { SGF__ABSENT, SGF__NULL = 'n', SGF__FALSE = 'f', SGF__TRUE = 't', SGF__NUMBER = '0' };
enum { SGF__STRING = '"', SGF__ARRAY = '[', SGF__OBJECT = '{', SGF__JSON_DEPTH = 1024 };

typedef struct sgf__json_doc {
    const char *file;       /* its name, for messages */
    const char *text, *end; /* the text, which must stay, and its end */
    const char *root;       /* its value */
    sgf__arena *arena;      /* for strings with escapes */
    sgf_error *err;
} sgf__json_doc;

static int sgf__hex4(const char *p, uint32_t *code) {
    static const char digits[] = "0123456789abcdefABCDEF";
    int i;
    for (i = 0, *code = 0; i < 4; i++) {
        const char *digit = p[i] ? strchr(digits, p[i]) : NULL;
        if (!digit) return 0;
        *code = *code << 4 | (uint32_t)(digit - digits - (digit >= digits + 16 ? 6 : 0));
    }
    return 1;
}
/* The first byte that is no white space; end NULL: there is one. */
static const char *sgf__json_blank(const char *p, const char *end) {
    while (p != end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) p++;
    return p;
}
/* The escape at p (a backslash) -> the *n bytes of its character in out[4]. Returns the position
   after it; NULL if it is none, with the reason in *wrong. */
static const char *sgf__json_escape(const char *p, const char *end, char *out, size_t *n,
                                    const char **wrong) {
    static const char names[] = "\"\\/bfnrtu", values[] = "\"\\/\b\f\n\r\t";
    const char *name = end - p < 2 || !p[1] ? NULL : strchr(names, p[1]);
    uint32_t code, low;
    if (!name) return *wrong = "an unknown escape", (const char *)NULL;
    *out = values[name - names];
    *n = 1;
    if (*name != 'u') return p + 2;
    if (end - p < 6 || !sgf__hex4(p + 2, &code))
        return *wrong = "\\u without four hexadecimal digits", (const char *)NULL;
    p += 6;
    if (code >= 0xD800 && code <= 0xDBFF && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        sgf__hex4(p + 2, &low) && low >= 0xDC00 && low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        p += 6;
    }
    if (code >= 0xD800 && code <= 0xDFFF)
        return *wrong = "half of a surrogate pair", (const char *)NULL;
    *n = sgf__utf8_put(code, out);
    return p;
}
/* p is at the opening quote: the position after the closing one. After an error, which is in *wrong,
   its position; the same below. */
static const char *sgf__json_check_string(const char *p, const char *end, const char **wrong) {
    const char *next = p + 1;
    uint32_t code;
    char out[4];
    size_t n;
    while (!*wrong) {
        for (p = next; p < end && (signed char)*p >= 0x20 && *p != '"' && *p != '\\'; p++) {}
        if (p < end && *p == '"') return p + 1;
        if (p == end) *wrong = "a string without its closing quote";
        else if (*p == '\\') next = sgf__json_escape(p, end, out, &n, wrong);
        else if ((unsigned char)*p < 0x20)
            *wrong = "a control character inside a string (it must be escaped)";
        else {
            n = sgf__utf8_next(p, (size_t)(end - p), &code);
            if (!n) *wrong = "invalid UTF-8";
            next = p + n;
        }
    }
    return p;
}
/* The position of a member's value. */
static const char *sgf__json_check_name(const char *p, const char *end, const char **wrong) {
    if (*p != '"') return *wrong = "a member's name in quotes was expected", p;
    p = sgf__json_check_string(p, end, wrong);
    if (*wrong) return p;
    p = sgf__json_blank(p, end);
    if (p == end || *p != ':') return *wrong = "':' was expected", p;
    p = sgf__json_blank(p + 1, end);
    if (p == end) *wrong = "the text ends in the middle of a value";
    return p;
}
/* A value that is neither array nor object. */
static const char *sgf__json_check_scalar(const char *p, const char *end, const char **wrong) {
    static const char *const words[] = {"null", "false", "true"};
    size_t size = (size_t)(end - p), n = 0, i;
    double value;
    if (*p == '"') return sgf__json_check_string(p, end, wrong);
    for (i = 0; i < 3 && !n; i++)
        if (size >= strlen(words[i]) && !memcmp(p, words[i], strlen(words[i])))
            n = strlen(words[i]);
    if (!n) n = sgf__number_parse(p, size, &value);
    if (!n)
        *wrong = *p == '-' || (*p >= '0' && *p <= '9') ? "a number that JSON does not have"
                                                       : "a value was expected";
    return p + n;
}
/* Check the text; *at is the position of an error. Returns what is wrong, or NULL. */
static const char *sgf__json_check(const sgf__json_doc *d, const char **at) {
    char close[SGF__JSON_DEPTH]; /* of the arrays and objects that are open */
    const char *p = d->text, *end = d->end, *wrong = NULL;
    size_t depth = 0;
    int want_value = 1, first = 0; /* first: an empty array or object may close here */
    for (; !wrong; *at = p) {
        char closing = depth ? close[depth - 1] : 0;
        p = sgf__json_blank(p, end);
        if (p == end && !depth && !want_value) return NULL;
        if (p == end)
            wrong = p == d->root ? "the text is empty" : "the text ends in the middle of a value";
        else if (!depth && !want_value) wrong = "text after the end of the value";
        else if (*p == closing && (first || !want_value)) {
            p++;
            depth--;
            want_value = first = 0;
        } else if (!want_value && *p != ',')
            wrong = closing == '}' ? "',' or '}' was expected" : "',' or ']' was expected";
        else if (!want_value) {
            p++;
            want_value = 1;
            first = 0;
        } else {
            if (closing == '}') p = sgf__json_check_name(p, end, &wrong);
            if (wrong) continue;
            first = want_value = *p == '{' || *p == '[';
            if (!want_value) p = sgf__json_check_scalar(p, end, &wrong);
            else if (depth == SGF__JSON_DEPTH) wrong = "nesting deeper than 1024";
            else close[depth++] = *p++ == '{' ? '}' : ']';
        }
    }
    return wrong;
}
/* Check `size` bytes. `file` names them in messages; file, text and arena must outlive *d. */
static sgf_status sgf__json_open(sgf__json_doc *d, const char *file, const char *text, size_t size,
                                 sgf__arena *arena, sgf_error *err) {
    const char *at, *wrong, *p;
    long line = 1;
    d->file = file;
    d->text = size ? text : "";
    d->end = d->text + size;
    d->root = sgf__json_blank(d->text, d->end);
    d->arena = arena;
    d->err = err;
    wrong = sgf__json_check(d, &at);
    if (!wrong) return SGF_OK;
    if (sgf__not_the_file(file, d->text, size, err)) return SGF_ERR_FORMAT;
    for (p = d->text; p < at; p++) line += *p == '\n';
    return sgf__fail_at(err, SGF_ERR_FORMAT, file, at - d->text,
                        "%s: not JSON: %s at line %ld, byte %llu", file, wrong, line,
                        (unsigned long long)(at - d->text));
}
/* The root must be an object. */
static sgf_status sgf__json_open_object(sgf__json_doc *d, const char *file, const char *text,
                                        size_t size, sgf__arena *arena, sgf_error *err) {
    sgf_status status = sgf__json_open(d, file, text, size, arena, err);
    if (status || *d->root == '{') return status;
    return sgf__fail_at(err, SGF_ERR_FORMAT, file, 0,
                        "%s: an object of keys and values, {...}, was wanted, and it is not one",
                        file);
}

static int sgf__json_kind(const char *at) {
    if (!at) return SGF__ABSENT;
    return strchr("nft\"[{", *at) ? *at : (int)SGF__NUMBER;
}
/* The position after a value. end: of the text; NULL for any value but the root. */
static const char *sgf__json_end(const char *at, const char *end) {
    size_t depth = 0;
    if (*at != '"' && *at != '[' && *at != '{') {
        while (at != end && *at > ' ' && *at != ',' && *at != ']' && *at != '}') at++;
        return at;
    }
    do {
        while (depth && *at < '[' && *at != '"') at++;
        if (*at == '"') {
            do {
                for (at++; *at != '"' && *at != '\\'; at++) {}
            } while (*at++ == '\\');
        } else {
            depth += *at == '[' || *at == '{';
            depth -= *at == ']' || *at == '}';
            at++;
        }
    } while (depth);
    return at;
}
/* The first element of an array, the first name of an object; NULL if there is none. */
static const char *sgf__json_first(const char *at) {
    if (!at || (*at != '[' && *at != '{')) return NULL;
    at = sgf__json_blank(at + 1, NULL);
    return *at == ']' || *at == '}' ? NULL : at;
}
/* `end` is the end of a value: the next element or name; after a name its value; NULL after the last.
   Not for the root. */
static const char *sgf__json_after(const char *end) {
    end = sgf__json_blank(end, NULL);
    return *end == ',' || *end == ':' ? sgf__json_blank(end + 1, NULL) : NULL;
}
static const char *sgf__json_next(const char *at) {
    return sgf__json_after(sgf__json_end(at, NULL));
}
/* The elements of an array, the members of an object. */
static size_t sgf__json_count(const char *at) {
    size_t n = 0, names = at && *at == '{';
    for (at = sgf__json_first(at); at; at = sgf__json_next(at)) n++;
    return n >> names;
}
/* Is it a string, and this one? */
static int sgf__json_is(const char *at, const char *text) {
    size_t left = strlen(text), n;
    const char *why;
    char c[4];
    if (!at || *at++ != '"') return 0;
    for (; *at != '"'; text += n, left -= n) {
        n = 1;
        c[0] = *at;
        at = *at == '\\' ? sgf__json_escape(at, at + 12, c, &n, &why) : at + 1;
        if (n > left || *text != *c || (n > 1 && memcmp(text, c, n) != 0)) return 0;
    }
    return !left;
}
/* values[i] becomes the value of member names[i] of an object; the last one if there are several; NULL if
   there is none. Returns a name that appears twice, or NULL. */
static const char *sgf__json_pick(const char *object, const char *const *names, size_t n,
                                  const char **values) {
    const char *at = object && *object == '{' ? sgf__json_first(object) : NULL, *twice = NULL;
    size_t i;
    for (i = 0; i < n; i++) values[i] = NULL;
    for (; at; at = sgf__json_next(at)) {
        for (i = 0; i < n && !sgf__json_is(at, names[i]); i++) {}
        at = sgf__json_next(at);
        if (i == n) continue;
        if (values[i]) twice = names[i];
        values[i] = at;
    }
    return twice;
}
/* The value of one member. */
static const char *sgf__json_find(const char *object, const char *name) {
    const char *value;
    (void)sgf__json_pick(object, &name, 1, &value);
    return value;
}
/* A value as it is spelled: a number's digits. In the text. */
static sgf_str sgf__json_raw(const sgf__json_doc *d, const char *at) {
    return sgf__text_of(at, (size_t)(sgf__json_end(at, d->end) - at));
}
/* The bytes of a string, in the text or the arena; ptr is NULL when memory ran out. "" if it is no
   string. *at becomes the next value, as with sgf__json_next. */
static sgf_str sgf__json_take(const sgf__json_doc *d, const char **at) {
    const char *p = *at + 1, *end = p, *next, *why;
    sgf_str s = sgf_text("");
    char *copy;
    size_t n;
    while (**at == '"' && *end != '"' && *end != '\\') end++;
    if (**at == '"' && *end == '"') s = sgf__text_of(p, (size_t)(end++ - p));
    else end = sgf__json_end(*at, d->end);
    next = sgf__json_blank(end, d->end);
    if (**at == '"' && !s.len && end - p > 1) {
        copy = (char *)sgf__arena_alloc(d->arena, (size_t)(end - p), 1, d->err);
        for (s = sgf__text_of(copy, 0); copy && p < end - 1; s.len += n) {
            n = 1;
            if (*p == '\\') p = sgf__json_escape(p, p + 12, copy + s.len, &n, &why);
            else copy[s.len] = *p++;
        }
    }
    *at = next == d->end || *next == ']' || *next == '}' ? NULL : sgf__json_blank(next + 1, NULL);
    return s;
}
/* 0 if it is no number. */
static double sgf__json_number(const sgf__json_doc *d, const char *at) {
    double value = 0;
    if (at) sgf__number_parse(at, (size_t)(d->end - at), &value);
    return value;
}
/* A number that is a whole one and fits: 1, else 0 and *value is as it was. */
static int sgf__json_whole(const sgf__json_doc *d, const char *at, int64_t least, int64_t most,
                           int64_t *value) {
    double number = sgf__json_number(d, at);
    if (sgf__json_kind(at) != SGF__NUMBER) return 0;
    if (!(number >= (double)least && number <= (double)most) || number > 9007199254740992.0 ||
        number < -9007199254740992.0 || (double)(int64_t)number != number)
        return 0;
    *value = (int64_t)number;
    return 1;
}

/* ====================================================================================
 * [SGF-21] safetensors, one file or several
 *
 * In:  bytes [0, 8) u64 LE length N <= 100,000,000; [8, 8 + N) a JSON object
 *      {name: {"dtype", "shape": [..], "data_offsets": [begin, end]}, "__metadata__": {..}};
 *      then the data, to which the offsets are relative.
 * Out: one list of the tensors of all files, sorted by name, each with its bytes.
 * Invariant: the tensors of a file tile its data exactly (no hole, no overlap, nothing after them),
 *      and end - begin is what dtype and shape say; every product was checked. Names are unique.
 * Source: github.com/huggingface/safetensors, README and safetensors/src/tensor.rs.
 * Time is O(n log n) in the length of the headers for every input: names are sorted, not hashed.
 * ==================================================================================== */

/* The first three are the weights we compute with, in the order of sgf_dtype. */
/* clang-format off */
static const struct { const char *name; unsigned bits; } sgf__dtypes[] = {
    {"F32", 32}, {"F16", 16}, {"BF16", 16}, {"BOOL", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6},
    {"U8", 8}, {"I8", 8}, {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16}, {"U16", 16}, {"I32", 32}, {"U32", 32}, {"F64", 64},
    {"I64", 64}, {"U64", 64}, {"C64", 64}};
/* clang-format on */
enum { SGF__DTYPES = sizeof sgf__dtypes / sizeof *sgf__dtypes };

SGF_DEF const char *sgf_dtype_name(sgf_dtype dtype) {
    return (unsigned)dtype <= SGF_DTYPE_BF16 ? sgf__dtypes[dtype].name : "unknown dtype";
}

typedef struct sgf__file { /* a file of the folder, mapped until the folder is closed */
    struct sgf__file *next;
    sgf_str name;
    const char *path;
    sgf__map map;
    sgf__json_doc doc; /* its JSON */
} sgf__file;

typedef struct sgf__stored { /* a tensor in a header */
    sgf_str name;
    const sgf__file *file;
    const char *body;    /* JSON: its value in the header */
    unsigned dtype;      /* index in sgf__dtypes */
    char shape[72];      /* "[2048, 512]" */
    uint64_t begin, end; /* data_offsets */
    const char *data;    /* the bytes, little-endian, perhaps misaligned */
    const void *usable;  /* aligned and in the machine's byte order; NULL until it is needed */
    int indexed;         /* model.safetensors.index.json has it */
} sgf__stored;

typedef struct sgf__folder { /* a model folder that is being read */
    const char *dir;
    sgf__arena arena;
    sgf__file *files;
    void **list; /* sgf__stored *[count]: in the order of the files, at last sorted by name */
    size_t count, cap;
    uint64_t digest;
    sgf_status status; /* of the first failure; the functions below then do nothing */
    sgf_error *err;
} sgf__folder;

/* A failure, "PATH: ...", of any kind and of a file's format. The format string needs an argument. */
#define sgf__folder_fail(f, why, path, format, ...) \
    ((f)->status = sgf__fail_at((f)->err, why, path, -1, "%s: " format, path, __VA_ARGS__))
#define sgf__file_fail(f, file, ...) sgf__folder_fail(f, SGF_ERR_FORMAT, (file)->path, __VA_ARGS__)
/* The first 80 bytes of a text, for "%.*s" in a message. */
#define SGF__SHOWN(s)                (int)((s).len < 80 ? (s).len : 80), (s).ptr

static void sgf__folder_init(sgf__folder *f, const char *dir, const sgf_allocator *mem,
                             sgf_error *err) {
    memset(f, 0, sizeof *f);
    sgf__arena_init(&f->arena, mem);
    f->dir = dir;
    f->digest = 0xCBF29CE484222325u;
    f->err = err;
}
static void sgf__folder_close(sgf__folder *f) {
    for (; f->files; f->files = f->files->next) sgf__unmap(&f->files->map);
    sgf__free(&f->arena.mem, f->list, f->cap, sizeof(void *));
    sgf__arena_free(&f->arena);
}
/* Map a file of the folder; NULL after a failure and, with `optional` 1, if there is none. */
static sgf__file *sgf__folder_file(sgf__folder *f, sgf_str name, int optional) {
    size_t n = strlen(f->dir);
    sgf__file *file = (sgf__file *)sgf__arena_alloc(&f->arena, 1, sizeof *file, f->err);
    char *path = (char *)sgf__arena_alloc(&f->arena, n + name.len + 2, 1, f->err);
    sgf_error said;
    if (!file || !path) f->status = SGF_ERR_MEMORY;
    if (f->status) return NULL;
    memcpy(path, f->dir, n);
    if (n && path[n - 1] != '/') path[n++] = '/';
    memcpy(path + n, name.ptr, name.len);
    f->status = sgf__map_file(path, &f->arena.mem, &file->map, &said);
    if (f->status && optional && file->map.missing) f->status = SGF_OK;
    else if (f->status && f->err) *f->err = said;
    if (!file->map.data) return NULL;
    file->name = sgf__text_of(path + n, name.len);
    file->path = path;
    file->next = f->files;
    return f->files = file;
}
/* Check the JSON of a file, or of a part of it: an object. */
static void sgf__folder_json(sgf__folder *f, sgf__file *file, const char *text, size_t size) {
    f->status = sgf__json_open_object(&file->doc, file->path, text, size, &f->arena, f->err);
}
/* FNV-1a, 64 bits, continued with n bytes: the identity of what was read. */
static void sgf__folder_digest(sgf__folder *f, const char *bytes, size_t n) {
    size_t i;
    for (i = 0; i < n; i++) f->digest = (f->digest ^ (unsigned char)bytes[i]) * 0x100000001B3u;
}

/* Heap sort of pointers: O(n log n) for every input, no memory. */
static void sgf__sort(void **items, size_t n, int (*compare)(const void *, const void *)) {
    size_t start = n / 2, end = n;
    while (end > 1) {
        size_t at, child;
        void *item;
        if (start) item = items[--start];
        else {
            item = items[--end];
            items[end] = items[0];
        }
        for (at = start; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && compare(items[child], items[child + 1]) < 0) child++;
            if (compare(item, items[child]) >= 0) break;
            items[at] = items[child];
        }
        items[at] = item;
    }
}
/* Of anything whose first member is an sgf_str. */
static int sgf__text_compare(const void *a, const void *b) {
    sgf_str x = *(const sgf_str *)a, y = *(const sgf_str *)b;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : x.len < y.len ? -1 : x.len > y.len;
}
/* By name, then by file. */
static int sgf__stored_compare(const void *a, const void *b) {
    const sgf__stored *x = (const sgf__stored *)a, *y = (const sgf__stored *)b;
    int order = sgf__text_compare(x, y);
    return order || x->file == y->file ? order : sgf__text_compare(&x->file->name, &y->file->name);
}
static int sgf__place_compare(const void *a, const void *b) {
    const sgf__stored *x = (const sgf__stored *)a, *y = (const sgf__stored *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}
/* A whole number in digits alone: 1, else 0. Not for the root. */
static int sgf__json_u64(const char *at, uint64_t *value) {
    uint64_t sum = 0, digit;
    if (*at < '0' || *at > '9') return 0;
    for (; *at >= '0' && *at <= '9'; at++, sum = sum * 10 + digit) {
        digit = (uint64_t)(*at - '0');
        if (sum > (UINT64_MAX - digit) / 10) return 0;
    }
    *value = sum;
    return strchr(",]} \n\t\r", *at) != NULL;
}

static void sgf__stored_fail(sgf__folder *f, const sgf__stored *t, const char *wrong) {
    sgf_str body = sgf__json_raw(&t->file->doc, t->body);
    sgf__file_fail(f, t->file, "tensor %.*s: %s; the file is damaged, it says %.*s",
                   SGF__SHOWN(t->name), wrong, SGF__SHOWN(body));
}
/* Read the shape and the data_offsets (JSON) of a tensor, of which dtype is set. Returns what is
   wrong with them, or NULL. */
static const char *sgf__stored_span(sgf__stored *t, const char *shape, const char *offsets) {
    uint64_t size = 1, n = 0, bits = sgf__dtypes[t->dtype].bits;
    size_t used = 1;
    const char *at;
    if (*shape != '[') return "its shape is not a list";
    t->shape[0] = '[';
    for (at = sgf__json_first(shape); at; at = sgf__json_next(at), size *= n) {
        if (!sgf__json_u64(at, &n)) return "its shape is not a list of whole numbers below 2^64";
        if (n && size > UINT64_MAX / n) return "its shape has more than 2^64 elements";
        if (used < 44) /* two sizes of any length */
            used += (size_t)snprintf(t->shape + used, sizeof t->shape - used, "%s%llu",
                                     used > 1 ? ", " : "", (unsigned long long)n);
    }
    t->shape[used] = ']';
    at = *offsets == '[' && sgf__json_count(offsets) == 2 ? sgf__json_first(offsets) : NULL;
    if (!at || !sgf__json_u64(at, &t->begin) || !sgf__json_u64(sgf__json_next(at), &t->end))
        return "its data_offsets are not two whole numbers below 2^64";
    if (size > UINT64_MAX / bits) return "its shape has more than 2^64 bits";
    if (size * bits % 8) return "it does not fill its last byte";
    if (t->end < t->begin) return "its data_offsets are reversed";
    return t->end - t->begin == size * bits / 8 ? NULL : "dtype and shape take other bytes";
}
/* A tensor's name and description (JSON). *at is the name, and becomes the description. */
static void sgf__stored_read(sgf__folder *f, const sgf__file *file, const char **at) {
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    const char *value[3], *wrong;
    sgf__stored *t = (sgf__stored *)sgf__arena_alloc(&f->arena, 1, sizeof *t, f->err);
    if (!t || sgf__grow(&f->arena.mem, &f->list, &f->cap, f->count + 1, sizeof t, f->err))
        f->status = SGF_ERR_MEMORY;
    if (f->status) return;
    f->list[f->count++] = t;
    t->file = file;
    t->name = sgf__json_take(&file->doc, at);
    t->body = *at;
    if (!t->name.ptr) f->status = SGF_ERR_MEMORY;
    wrong = sgf__json_pick(t->body, keys, 3, value);
    if (wrong || !value[0] || !value[1] || !value[2])
        wrong = "an object with dtype, shape and data_offsets, each of them once, was wanted";
    while (!wrong && !sgf__json_is(value[0], sgf__dtypes[t->dtype].name))
        if (++t->dtype == SGF__DTYPES) wrong = "its dtype is not one of safetensors'";
    if (!wrong) wrong = sgf__stored_span(t, value[1], value[2]);
    if (wrong && !f->status) sgf__stored_fail(f, t, wrong);
}
/* "__metadata__": names and texts, or null. Nothing of it is used. */
static void sgf__metadata_check(sgf__folder *f, const sgf__file *file, const char *object) {
    const char *at = sgf__json_first(object);
    int ok = *object == '{' || *object == 'n';
    for (; at && ok; at = sgf__json_next(at)) {
        at = sgf__json_next(at);
        ok = *at == '"';
    }
    if (!ok) sgf__file_fail(f, file, "%s is not an object of texts", "__metadata__");
}
/* The entries from `first` on are those of `file`. They must tile its data exactly. The digest gets 64
   bytes from the middle of every tensor, in the order of the names: enough to tell a fine-tuned model
   from its origin. */
static void sgf__folder_tile(sgf__folder *f, size_t first, const sgf__file *file) {
    const char *data = file->doc.end; /* after the header */
    uint64_t size = (uint64_t)(file->map.data + file->map.size - data), at = 0;
    void **order = f->count > first ? f->list + first : NULL;
    size_t n = f->count - first, i;
    sgf__sort(order, n, sgf__place_compare);
    for (i = 0; i < n && !f->status; i++) {
        sgf__stored *t = (sgf__stored *)order[i];
        if (t->begin != at) sgf__stored_fail(f, t, "there is a hole or an overlap before its data");
        at = t->end;
        if (at <= size) t->data = data + t->begin;
    }
    if (at != size && !f->status)
        sgf__file_fail(f, file,
                       "the file is %s: its tensors take %llu bytes, %llu are there; download it "
                       "again",
                       at > size ? "cut" : "damaged", (unsigned long long)at,
                       (unsigned long long)size);
    sgf__sort(order, n, sgf__stored_compare);
    for (i = 0; i < n && !f->status; i++) {
        const sgf__stored *t = (const sgf__stored *)order[i];
        size_t bytes = (size_t)(t->end - t->begin), sample = bytes < 64 ? bytes : 64;
        sgf__folder_digest(f, t->data + (bytes - sample) / 2, sample);
    }
}
/* Add the tensors of a file to the list, and its header to the digest. */
static void sgf__safetensors_read(sgf__folder *f, sgf__file *file) {
    const char *bytes = file->map.data, *at, *metadata = NULL;
    size_t size = file->map.size, first = f->count, i;
    uint64_t header = 0;
    for (i = 8; i-- && size >= 8;) header = header << 8 | (unsigned char)bytes[i];
    if (size >= 8 && header <= 100000000 && header <= size - 8)
        sgf__folder_json(f, file, bytes + 8, (size_t)header);
    else if (!(f->status = sgf__not_the_file(file->path, bytes, size, f->err)))
        sgf__file_fail(f, file,
                       "of %llu bytes the header takes %llu (at most 100000000); the file is cut "
                       "or no safetensors file, download it again",
                       (unsigned long long)size, (unsigned long long)header);
    if (f->status) return;
    sgf__folder_digest(f, bytes + 8, (size_t)header);
    for (at = sgf__json_first(file->doc.root); at && !f->status; at = sgf__json_next(at)) {
        if (sgf__json_is(at, "__metadata__")) {
            if (metadata) sgf__file_fail(f, file, "%s is there twice", "__metadata__");
            metadata = at = sgf__json_next(at);
        } else sgf__stored_read(f, file, &at);
    }
    if (metadata && !f->status) sgf__metadata_check(f, file, metadata);
    if (!f->status) sgf__folder_tile(f, first, file);
}
/* Sort the whole list. Two tensors of one name are refused. */
static void sgf__folder_sort(sgf__folder *f) {
    void **list = f->list;
    size_t i;
    sgf__sort(list, f->count, sgf__stored_compare);
    for (i = 1; i < f->count && !f->status; i++) {
        const sgf__stored *a = (const sgf__stored *)list[i - 1], *b = (const sgf__stored *)list[i];
        if (!sgf__text_compare(a, b))
            sgf__file_fail(f, b->file, "\"%.*s\" is there twice, here and in %s; remove one",
                           SGF__SHOWN(b->name), a->file->path);
    }
}
/* The tensor of that name; NULL if there is none. The list is sorted. */
static sgf__stored *sgf__folder_find(const sgf__folder *f, sgf_str name) {
    void **list = f->list;
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sgf__text_compare(list[middle], &name) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == f->count || sgf__text_compare(list[low], &name)) return NULL;
    return (sgf__stored *)list[low];
}
/* The name of a file in the folder: nothing that leads out of it. */
static int sgf__plain_name(sgf_str name) {
    size_t i;
    for (i = 0; i < name.len; i++)
        if (strchr("/\\:", name.ptr[i])) return 0; /* finds a zero byte as well */
    return name.len && !sgf__str_is(name, ".") && !sgf__str_is(name, "..");
}
/* Read the distinct files that the index names, in the order of their names. Every tensor of the
   index must be in the file that the index names for it, and be there once. */
static void sgf__index_read(sgf__folder *f, const sgf__file *index) {
    const char *map = sgf__json_find(index->doc.root, "weight_map"), *at = sgf__json_first(map);
    size_t n = sgf__json_count(map), i;
    sgf_str *names = (sgf_str *)sgf__arena_alloc(&f->arena, n, sizeof *names, f->err);
    sgf_str *files = (sgf_str *)sgf__arena_alloc(&f->arena, n, sizeof *files, f->err);
    void **order = (void **)sgf__arena_alloc(&f->arena, n, sizeof *order, f->err);
    if (!names || !files || !order) f->status = SGF_ERR_MEMORY;
    else if (sgf__json_kind(map) != SGF__OBJECT)
        sgf__file_fail(f, index, "it has no object \"%s\"", "weight_map");
    for (i = 0; i < n && !f->status; i++) {
        names[i] = sgf__json_take(&index->doc, &at);
        files[i] = sgf__json_take(&index->doc, &at);
        order[i] = &files[i];
        if (!names[i].ptr || !files[i].ptr) f->status = SGF_ERR_MEMORY;
        else if (!sgf__plain_name(files[i]))
            sgf__file_fail(f, index, "tensor %.*s needs the name of a file next to the index",
                           SGF__SHOWN(names[i]));
    }
    if (!f->status) sgf__sort(order, n, sgf__text_compare);
    for (i = 0; i < n && !f->status; i++) {
        sgf__file *file = NULL;
        if (!i || sgf__text_compare(order[i - 1], order[i]))
            file = sgf__folder_file(f, *(const sgf_str *)order[i], 0);
        if (file) sgf__safetensors_read(f, file);
    }
    if (!f->status) sgf__folder_sort(f);
    for (i = 0; i < n && !f->status; i++) {
        sgf__stored *t = sgf__folder_find(f, names[i]);
        if (!t || t->indexed++ || sgf__text_compare(&files[i], &t->file->name))
            sgf__file_fail(f, index,
                           "tensor %.*s is not in %.*s, or twice in this index; download all "
                           "files again",
                           SGF__SHOWN(names[i]), SGF__SHOWN(files[i]));
    }
}
/* Read model.safetensors, or else the shards of model.safetensors.index.json. */
static void sgf__folder_weights(sgf__folder *f) {
    static const char whole[] = "model.safetensors", shards[] = "model.safetensors.index.json";
    sgf__file *file = sgf__folder_file(f, sgf_text(whole), 1), *index = NULL;
    if (file) sgf__safetensors_read(f, file);
    else if (!f->status) index = sgf__folder_file(f, sgf_text(shards), 1);
    if (index) sgf__folder_json(f, index, index->map.data, index->map.size);
    if (!file && !index && !f->status)
        sgf__folder_fail(f, SGF_ERR_IO, f->dir,
                         "neither %s nor %s is there; save other formats again with "
                         "save_pretrained(.., safe_serialization=True)",
                         whole, shards);
    if (f->status) return;
    if (file) sgf__folder_sort(f);
    else sgf__index_read(f, index);
}

/* ====================================================================================
 * [SGF-22] config.json and RoPE frequencies
 *
 * In:  config.json in the spellings of transformers 4 (rope_theta, rope_scaling, torch_dtype) and
 *      5 (rope_parameters, dtype); the ids of generation_config.json override its own.
 * Out: an sgf_config in which every size is within bounds and every switch decided, so that no
 *      later code checks again or knows the name of an architecture.
 * An absent key takes the default of transformers' configuration class; an unknown architecture,
 * activation, RoPE type or quantisation is refused by name.
 * Source: transformers 5, configuration_*.py and modeling_*.py in models/{llama, mistral, qwen2, qwen3,
 *      phi3, granite, smollm3, olmo2, gemma3}, modeling_rope_utils.py.
 * ==================================================================================== */

/* In the order of the texts of SGF__ARCHITECTURE below. */
/* clang-format off */
static const struct sgf__architecture {
    int32_t kv_heads, head_dim, context; /* defaults; 0: as many as heads, D / H */
    int32_t eos, window;                 /* -1: none; 0: none */
    double theta, eps;
    int norms, qkv_bias, qk_norm, fused, tied;
    int attention_key, mlp_key; /* attention_bias and mlp_bias decide */
    int windows, window_key, window_from_key, types_key; /* layers may have a window; use_sliding_window, max_window_layers, layer_types decide */
    int multipliers, no_rope, plain_rope, gemma; /* keys of Granite, SmolLM3; no RoPE types; Gemma's keys */
} sgf__architectures[] = {
    /*             eos     window       eps   norms           keys  windows     multipliers, ... */
    {0, 0, 2048,   2,      0,    1e4, 1e-6, 1, 0, 0, 0, 0,  1, 1,  0, 0, 0, 0,  0, 0, 0, 0},
    {8, 0, 131072, 2,      4096, 1e4, 1e-6, 1, 0, 0, 0, 0,  0, 0,  1, 0, 0, 1,  0, 0, 0, 0},
    {32, 0, 32768, -1,     4096, 1e4, 1e-6, 1, 1, 0, 0, 0,  0, 0,  0, 1, 1, 1,  0, 0, 0, 0},
    {32, 128, 32768, -1,   4096, 1e4, 1e-6, 1, 0, 1, 0, 0,  1, 0,  0, 1, 1, 1,  0, 0, 0, 0},
    {0, 0, 4096,   32000,  0,    1e4, 1e-5, 1, 0, 0, 1, 0,  0, 0,  1, 0, 0, 0,  0, 0, 1, 0},
    {0, 0, 2048,   2,      0,    1e4, 1e-6, 1, 0, 0, 0, 0,  1, 1,  0, 0, 0, 0,  1, 0, 0, 0},
    {4, 0, 32768,  128001, 0,    2e6, 1e-6, 1, 0, 0, 0, 1,  1, 1,  0, 1, 0, 1,  0, 1, 0, 0},
    {0, 0, 2048,   50279,  0,    1e4, 1e-5, 2, 0, 2, 0, 0,  1, 0,  0, 0, 0, 0,  0, 0, 0, 0},
    {4, 256, 131072, 1,    4096, 1e6, 1e-6, 3, 0, 1, 0, 1,  1, 0,  1, 0, 0, 1,  0, 0, 0, 1}};

enum { SGF__KEYS = 55 }; /* rows of sgf__keys */

typedef struct sgf__config_reader { /* defaults are set, then the keys change them */
    sgf_config c;
    sgf__folder *f;
    const sgf__file *file;
    struct sgf__architecture a;
    const char *object[3]; /* config.json's, its RoPE settings, those of layers with a window */
    int32_t window, window_from; /* the layers from window_from on look back that far, */
    int32_t pattern;             /* not every layer of that number (0: no such rule), */
    int32_t no_rope_every; /* or those without RoPE: with no_rope, every layer of that number */
    int windowed, dtype, rope, local_rope, attention_bias, mlp_bias, both_ways, ignored;
    double eps, rotary, query_scalar;
} sgf__config_reader;

/* Kinds of values: one of some texts (its index is stored), a whole number, one that may be null
   (then 0), a number above `least`, true or false. */
enum {
    SGF__ARCHITECTURE, SGF__RECURRENT, SGF__MODEL_TYPE, SGF__ACT, SGF__QUANTISED, SGF__NESTED, SGF__CAPPED, SGF__DTYPE,
    SGF__ROPE_TYPE, SGF__LAYER_TYPE, SGF__SETTINGS, SGF__INT, SGF__INT_OR_NULL, SGF__REAL, SGF__FLAG, SGF__OLDER /* an older spelling of the key in the row before */
};
static const struct {
    const char *wanted;  /* what a refused value is told; for numbers the range follows */
    const char *text[12]; /* in the order of sgf__architectures, sgf_dtype, sgf_rope */
} sgf__kinds[] = {
    {"supported are LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, "
     "Phi3ForCausalLM, GraniteForCausalLM, SmolLM3ForCausalLM, Olmo2ForCausalLM and Gemma3ForCausalLM",
     {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Phi3ForCausalLM",
      "GraniteForCausalLM", "SmolLM3ForCausalLM", "Olmo2ForCausalLM", "Gemma3ForCausalLM"}},
    {"its recurrent layers pass a state through every token, so nothing can hide one segment from another",
     {"Qwen3NextForCausalLM", "Qwen3_5ForCausalLM", "Qwen3_5ForConditionalGeneration", "Lfm2ForCausalLM",
      "FalconH1ForCausalLM", "GraniteMoeHybridForCausalLM", "BambaForCausalLM", "NemotronHForCausalLM",
      "JambaForCausalLM", "Zamba2ForCausalLM", "Mamba2ForCausalLM"}},
    {"that is not the type of \"architectures\"",
     {"llama", "mistral", "qwen2", "qwen3", "phi3", "granite", "smollm3", "olmo2", "gemma3_text"}},
    {"supported are \"silu\" and \"gelu_pytorch_tanh\"", {"silu", "gelu_pytorch_tanh"}},
    {"quantised weights are not supported; take the model in F32, F16 or BF16", {NULL}},
    {"the text part of a larger model is not supported", {NULL}},
    {"null was wanted; soft caps are not supported", {NULL}},
    {"supported are \"float32\", \"float16\" and \"bfloat16\"", {"float32", "float16", "bfloat16"}},
    {"supported are \"default\", \"linear\", \"dynamic\", \"llama3\" and \"yarn\"",
     {"default", "linear", "dynamic", "llama3", "yarn"}},
    {"supported are \"full_attention\" and \"sliding_attention\"",
     {"full_attention", "sliding_attention"}},
    {"an object or null is supported; RoPE that differs by layer is not", {NULL}},
    {"a whole number from ", {NULL}},
    {"null, or a whole number from ", {NULL}},
    {"a number above ", {NULL}},
    {"true or false was wanted", {NULL}}};

#define SGF__KEEP   -2.0 /* an absent key: its field stays as it is */
#define SGF__NEEDED -3.0 /* an absent key: refused */

/* Every key that is read, in the order of reading. */
#define SGF__AT(field) offsetof(sgf__config_reader, field)
static const struct sgf__key {
    int in_rope;       /* 1: it is in the RoPE settings, 2: in those of layers with a window */
    const char *name;
    unsigned kind;          /* index in sgf__kinds */
    double least, most;
    double absent;     /* its value if it is absent or null, or SGF__KEEP or SGF__NEEDED */
    size_t field;      /* offset in the reader */
    size_t when;       /* offset of an int that must not be 0, or the key is ignored; 0: always */
} sgf__keys[SGF__KEYS] = {
    {0, "vocab_size", SGF__INT, 1, 1 << 24, SGF__NEEDED, SGF__AT(c.vocab_size), 0},
    {0, "hidden_size", SGF__INT, 1, 1 << 20, SGF__NEEDED, SGF__AT(c.dim), 0},
    {0, "intermediate_size", SGF__INT, 1, 1 << 20, SGF__NEEDED, SGF__AT(c.ffn_dim), 0},
    {0, "num_hidden_layers", SGF__INT, 1, SGF_MAX_LAYERS, SGF__NEEDED, SGF__AT(c.layers), 0},
    {0, "num_attention_heads", SGF__INT, 1, 1 << 20, SGF__NEEDED, SGF__AT(c.heads), 0},
    {0, "num_key_value_heads", SGF__INT_OR_NULL, 1, 1 << 20, SGF__KEEP, SGF__AT(c.kv_heads), 0},
    {0, "head_dim", SGF__INT, 1, 1 << 20, SGF__KEEP, SGF__AT(c.head_dim), 0},
    {0, "max_position_embeddings", SGF__INT, 1, INT32_MAX, SGF__KEEP, SGF__AT(c.context), 0},
    {0, "attention_bias", SGF__FLAG, 0, 0, 0, SGF__AT(attention_bias), 0},
    {0, "mlp_bias", SGF__FLAG, 0, 0, 0, SGF__AT(mlp_bias), 0},
    {0, "tie_word_embeddings", SGF__FLAG, 0, 0, SGF__KEEP, SGF__AT(c.tied), 0},
    {0, "rms_norm_eps", SGF__REAL, 0, 1, SGF__KEEP, SGF__AT(eps), 0},
    {0, "hidden_act", SGF__ACT, 0, 0, 0, SGF__AT(c.gelu), 0},
    {0, "hidden_activation", SGF__ACT, 0, 0, 1, SGF__AT(c.gelu), SGF__AT(a.gemma)},
    {0, "embedding_multiplier", SGF__REAL, 0, 1e12, 1, SGF__AT(c.embedding_scale), SGF__AT(a.multipliers)},
    {0, "residual_multiplier", SGF__REAL, 0, 1e12, 1, SGF__AT(c.residual_scale), SGF__AT(a.multipliers)},
    {0, "attention_multiplier", SGF__REAL, 0, 1e12, 1, SGF__AT(c.score_scale), SGF__AT(a.multipliers)},
    {0, "logits_scaling", SGF__REAL, 0, 1e12, 1, SGF__AT(c.logit_divisor), SGF__AT(a.multipliers)},
    {0, "query_pre_attn_scalar", SGF__REAL, 0, 1e12, 256, SGF__AT(query_scalar), SGF__AT(a.gemma)},
    {0, "final_logit_softcapping", SGF__CAPPED, 0, 0, SGF__KEEP, SGF__AT(ignored), SGF__AT(a.gemma)},
    {0, "attn_logit_softcapping", SGF__CAPPED, 0, 0, SGF__KEEP, SGF__AT(ignored), SGF__AT(a.gemma)},
    {0, "use_bidirectional_attention", SGF__FLAG, 0, 0, 0, SGF__AT(both_ways), SGF__AT(a.gemma)},
    {0, "quantization_config", SGF__QUANTISED, 0, 0, SGF__KEEP, SGF__AT(ignored), 0},
    {0, "text_config", SGF__NESTED, 0, 0, SGF__KEEP, SGF__AT(ignored), 0},
    {0, "dtype", SGF__DTYPE, 0, 0, 0, SGF__AT(dtype), 0},
    {0, "torch_dtype", SGF__OLDER, 0, 0, 0, 0, 0},
    {0, "use_sliding_window", SGF__FLAG, 0, 0, 0, SGF__AT(windowed), SGF__AT(a.window_key)},
    {0, "max_window_layers", SGF__INT, 0, INT32_MAX, 28, SGF__AT(window_from),
     SGF__AT(a.window_from_key)},
    {0, "sliding_window", SGF__INT_OR_NULL, 1, INT32_MAX, SGF__KEEP, SGF__AT(window), SGF__AT(windowed)},
    {0, "sliding_window_pattern", SGF__INT, 1, INT32_MAX, 6, SGF__AT(pattern), SGF__AT(a.gemma)},
    {0, "no_rope_layer_interval", SGF__INT, 1, INT32_MAX, 4, SGF__AT(no_rope_every), SGF__AT(a.no_rope)},
    {0, "rope_theta", SGF__REAL, 1, 1e12, SGF__KEEP, SGF__AT(c.rope_theta), 0},
    {0, "rope_local_base_freq", SGF__REAL, 1, 1e12, 10000, SGF__AT(c.rope_local_theta), SGF__AT(a.gemma)},
    {0, "partial_rotary_factor", SGF__REAL, 0, 1, 1, SGF__AT(rotary), 0},
    {0, "rope_scaling", SGF__SETTINGS, 0, 0, SGF__KEEP, SGF__AT(ignored), 0},
    {0, "rope_parameters", SGF__OLDER, 0, 0, 0, 0, 0},
    {1, "rope_theta", SGF__REAL, 1, 1e12, SGF__KEEP, SGF__AT(c.rope_theta), 0},
    {2, "rope_theta", SGF__REAL, 1, 1e12, SGF__KEEP, SGF__AT(c.rope_local_theta), SGF__AT(a.gemma)},
    {2, "rope_type", SGF__ROPE_TYPE, 0, 0, 0, SGF__AT(local_rope), 0},
    {2, "type", SGF__OLDER, 0, 0, 0, 0, 0},
    {1, "partial_rotary_factor", SGF__REAL, 0, 1, SGF__KEEP, SGF__AT(rotary), 0},
    {1, "rope_type", SGF__ROPE_TYPE, 0, 0, 0, SGF__AT(rope), 0},
    {1, "type", SGF__OLDER, 0, 0, 0, 0, 0},
    {1, "factor", SGF__REAL, 0, 1e12, 0, SGF__AT(c.rope_factor), SGF__AT(rope)},
    {1, "low_freq_factor", SGF__REAL, 0, 1e12, 0, SGF__AT(c.rope_low), SGF__AT(rope)},
    {1, "high_freq_factor", SGF__REAL, 0, 1e12, 0, SGF__AT(c.rope_high), SGF__AT(rope)},
    {1, "beta_fast", SGF__REAL, 0, 1e12, 32, SGF__AT(c.rope_beta_fast), SGF__AT(rope)},
    {1, "beta_slow", SGF__REAL, 0, 1e12, 1, SGF__AT(c.rope_beta_slow), SGF__AT(rope)},
    {1, "attention_factor", SGF__REAL, 0, 1e12, 0, SGF__AT(c.rope_attention_factor), SGF__AT(rope)},
    {1, "mscale", SGF__REAL, 0, 1e12, 0, SGF__AT(c.rope_mscale), SGF__AT(rope)},
    {1, "mscale_all_dim", SGF__REAL, 0, 1e12, 0, SGF__AT(c.rope_mscale_all), SGF__AT(rope)},
    {1, "truncate", SGF__FLAG, 0, 0, 1, SGF__AT(c.rope_truncate), SGF__AT(rope)},
    {1, "original_max_position_embeddings", SGF__REAL, 0, 1e12, 0,
     SGF__AT(c.rope_original_context), SGF__AT(rope)},
    {0, "original_max_position_embeddings", SGF__REAL, 0, 1e12, SGF__KEEP,
     SGF__AT(c.rope_original_context), SGF__AT(rope)},
    {0, "bos_token_id", SGF__INT, -1, INT32_MAX, SGF__KEEP, SGF__AT(c.bos), 0}};
#undef SGF__AT
/* clang-format on */

/* "FILE: "key" is VALUE; WANTED" */
static void sgf__config_refuse(sgf__config_reader *r, sgf_status why, const char *key,
                               const char *at, const char *wanted) {
    sgf_str value = sgf__json_raw(&r->file->doc, at);
    sgf__folder_fail(r->f, why, r->file->path, "\"%s\" is %.*s; %s", key, SGF__SHOWN(value),
                     wanted);
}
/* The index of a value in the texts of its kind, or -1. */
static int sgf__kind_index(unsigned kind, const char *at) {
    int i;
    for (i = 0; sgf__kinds[kind].text[i]; i++)
        if (sgf__json_is(at, sgf__kinds[kind].text[i])) return i;
    return -1;
}
/* The value of a key, NULL if it is absent or null. */
static const char *sgf__config_find(const sgf__config_reader *r, const char *key) {
    const char *at = sgf__json_find(r->object[0], key);
    return at && *at != 'n' ? at : NULL;
}
/* Is the value at `at` of kind k? *value is the number to store. */
static int sgf__config_value(sgf__config_reader *r, const struct sgf__key *k, const char *at,
                             double *value) {
    const char *member = sgf__json_first(at), *by_layer, *full, *local;
    int64_t whole = 0;
    switch (k->kind) {
    case SGF__FLAG: *value = *at == 't'; return *at == 't' || *at == 'f';
    case SGF__INT_OR_NULL:
    case SGF__INT:
        if (!sgf__json_whole(&r->file->doc, at, (int64_t)k->least, (int64_t)k->most, &whole))
            return 0;
        *value = (double)whole;
        return 1;
    case SGF__REAL:
        *value = sgf__json_number(&r->file->doc, at);
        return sgf__json_kind(at) == SGF__NUMBER && *value > k->least && *value <= k->most;
    case SGF__SETTINGS: /* an object without objects in it, or one for each type of layer */
        by_layer = r->a.gemma ? sgf__config_find(r, "rope_parameters") : NULL;
        if (by_layer) {
            r->object[1] = full = sgf__json_find(at, "full_attention");
            r->object[2] = local = sgf__json_find(at, "sliding_attention");
            return at == by_layer && (full || local) && (!full || *full == '{') &&
                   (!local || *local == '{');
        }
        if (r->a.gemma && sgf__json_find(at, "type")) return 0; /* transformers ignores it there */
        for (; member && *at == '{'; member = sgf__json_next(member)) {
            member = sgf__json_next(member);
            if (*member == '{') return 0;
        }
        r->object[1] = at;
        return *at == '{';
    default: *value = sgf__kind_index(k->kind, at); return *value >= 0;
    }
}
/* Read key i into its field. */
static void sgf__config_key(sgf__config_reader *r, int i) {
    const struct sgf__key *k = sgf__keys + i;
    const char *at = sgf__json_find(r->object[k->in_rope], k->name), *name = k->name;
    void *field = (char *)r + k->field;
    double value = k->absent;
    int ranged = k->kind >= SGF__INT && k->kind <= SGF__REAL;
    char wanted[112];
    if (k->kind == SGF__OLDER) return;
    if (k->when && !*(const int *)(const void *)((const char *)r + k->when)) return;
    if (at && k->kind == SGF__SETTINGS && *at == '{' && !sgf__json_first(at)) at = NULL;
    if ((!at || *at == 'n') && i + 1 < SGF__KEYS && k[1].kind == SGF__OLDER) {
        name = k[1].name;
        at = sgf__json_find(r->object[k->in_rope], name);
    }
    if (!at || *at == 'n') {
        if (value == SGF__NEEDED) sgf__file_fail(r->f, r->file, "\"%s\" is missing", name);
        if (at && k->kind == SGF__INT_OR_NULL) value = 0;
        if (value <= SGF__KEEP) return;
    } else if (!sgf__config_value(r, k, at, &value)) {
        snprintf(wanted, sizeof wanted, ranged ? "%s%.0f to %.0f was wanted" : "%s",
                 sgf__kinds[k->kind].wanted, k->least, k->most);
        sgf__config_refuse(r, k->kind < SGF__INT ? SGF_ERR_UNSUPPORTED : SGF_ERR_FORMAT, name, at,
                           wanted);
        return;
    }
    if (k->kind == SGF__REAL) *(double *)field = value;
    else if (k->kind == SGF__INT || k->kind == SGF__INT_OR_NULL) *(int32_t *)field = (int32_t)value;
    else *(int *)field = (int)value;
}
/* The architecture and its defaults. */
static void sgf__config_architecture(sgf__config_reader *r) {
    const char *list = sgf__config_find(r, "architectures");
    const char *type = sgf__config_find(r, "model_type");
    const char *name = list && *list == '[' ? sgf__json_first(list) : NULL;
    int by_type = sgf__kind_index(SGF__MODEL_TYPE, type);
    int known = name ? sgf__kind_index(SGF__ARCHITECTURE, name) : by_type;
    if (!name && !type) sgf__file_fail(r->f, r->file, "\"%s\" is missing", "architectures");
    else if (name && sgf__kind_index(SGF__RECURRENT, name) >= 0)
        sgf__config_refuse(r, SGF_ERR_UNSUPPORTED, "architectures", name,
                           sgf__kinds[SGF__RECURRENT].wanted);
    else if (known < 0)
        sgf__config_refuse(r, SGF_ERR_UNSUPPORTED, name ? "architectures" : "model_type",
                           name ? name : type, sgf__kinds[SGF__ARCHITECTURE].wanted);
    else if (type && by_type != known)
        sgf__config_refuse(r, SGF_ERR_FORMAT, "model_type", type,
                           sgf__kinds[SGF__MODEL_TYPE].wanted);
    if (r->f->status) return;
    snprintf(r->c.architecture, sizeof r->c.architecture, "%s",
             sgf__kinds[SGF__ARCHITECTURE].text[known]);
    r->a = sgf__architectures[known];
    r->c.kv_heads = r->a.kv_heads;
    r->c.head_dim = r->a.head_dim;
    r->c.context = r->a.context;
    r->c.eos[0] = r->a.eos;
    r->c.eos_count = r->a.eos >= 0;
    r->windowed = r->a.windows;
    r->window = r->a.window;
    r->eps = r->a.eps;
    r->c.tied = r->a.tied;
    r->c.rope_theta = r->a.theta;
    r->c.embedding_scale = r->c.residual_scale = r->c.logit_divisor = 1;
}
/* The fields that follow from several keys; do the keys fit together? */
static void sgf__config_finish(sgf__config_reader *r) {
    sgf_config *c = &r->c;
    const char *wrong = NULL, *unsupported = NULL;
    int llama3 = r->rope == SGF_ROPE_LLAMA3;
    if (!c->kv_heads) c->kv_heads = c->heads;
    if (!c->head_dim && c->dim % c->heads == 0) c->head_dim = c->dim / c->heads;
    c->rms_eps = (float)r->eps;
    c->qkv_bias = r->a.qkv_bias || (r->a.attention_key && r->attention_bias);
    c->out_bias = r->a.attention_key && r->attention_bias;
    c->mlp_bias = r->a.mlp_key && r->mlp_bias;
    c->qk_norm = r->a.qk_norm;
    c->norms = r->a.norms;
    c->fused = r->a.fused;
    if (c->head_dim && c->score_scale == 0)
        c->score_scale = (double)(1.0f / sqrtf((float)c->head_dim));
    if ((c->norm_plus_one = r->a.gemma) != 0) {
        c->embedding_scale = sqrt((double)c->dim);
        c->score_scale = 1 / sqrt(r->query_scalar);
    }
    c->dtype = (sgf_dtype)r->dtype;
    c->rope = (sgf_rope)r->rope;
    if (r->rope && c->rope_original_context == 0) c->rope_original_context = c->context;
    if (r->rope == SGF_ROPE_YARN && c->rope_factor == 0)
        c->rope_factor = c->context / c->rope_original_context;
    if (c->heads % c->kv_heads)
        wrong = "\"num_attention_heads\" is no multiple of \"num_key_value_heads\"";
    else if (!c->head_dim)
        wrong = "\"hidden_size\" is no multiple of \"num_attention_heads\"; \"head_dim\" is needed";
    else if (r->rope && c->rope_factor == 0) wrong = "\"factor\" of RoPE is missing";
    else if (llama3 && c->rope_low == 0) wrong = "\"low_freq_factor\" is missing";
    else if (llama3 && c->rope_high == 0) wrong = "\"high_freq_factor\" is missing";
    else if (llama3 && c->rope_high <= c->rope_low)
        wrong = "\"high_freq_factor\" must be above \"low_freq_factor\"";
    else if (c->head_dim % 2 || (int64_t)c->heads * c->head_dim > (1 << 24))
        unsupported = "\"head_dim\" (or hidden_size / num_attention_heads) must be even, and "
                      "together the heads at most 16777216 wide";
    else if (r->rope == SGF_ROPE_DYNAMIC && c->head_dim < 4)
        unsupported = "\"dynamic\" RoPE needs a \"head_dim\" of 4 or more";
    else if (r->rotary != 1)
        unsupported =
            "\"partial_rotary_factor\" must be 1; RoPE on a part of a head is not supported";
    else if ((r->a.plain_rope && r->rope) || (r->a.gemma && r->rope > SGF_ROPE_LINEAR) ||
             r->local_rope)
        unsupported =
            "\"rope_type\" must be \"default\" here, or \"linear\" in Gemma's full attention; "
            "\"longrope\" is not supported";
    else if (r->both_ways) unsupported = "\"use_bidirectional_attention\" is not supported";
    if (wrong || unsupported)
        sgf__folder_fail(r->f, wrong ? SGF_ERR_FORMAT : SGF_ERR_UNSUPPORTED, r->file->path, "%s",
                         wrong ? wrong : unsupported);
}
/* Which layers have no RoPE: those with 0 in no_rope_layers; without it every no_rope_every-th. Which
   look back over a window: those that layer_types names (with it a Mistral is what transformers'
   AutoModel loads as Ministral); without it as the reader's fields say. */
static void sgf__config_layers(sgf__config_reader *r) {
    const char *ropes = r->a.no_rope ? sgf__config_find(r, "no_rope_layers") : NULL;
    const char *types = r->a.types_key ? sgf__config_find(r, "layer_types") : NULL;
    const char *rope = sgf__json_first(ropes), *type = sgf__json_first(types);
    sgf_config *c = &r->c;
    int32_t l;
    if (!r->windowed) r->window = 0;
    if (types && (*types != '[' || sgf__json_count(types) != (size_t)c->layers))
        sgf__config_refuse(r, SGF_ERR_FORMAT, "layer_types", types,
                           "one entry per layer was wanted");
    for (l = 0; l < c->layers && !r->f->status; l++) {
        int64_t turns = !r->a.no_rope || (l + 1) % r->no_rope_every != 0;
        int ruled, slides;
        if (ropes && (*ropes != '[' || !sgf__json_whole(&r->file->doc, rope, 0, 1, &turns)))
            sgf__config_refuse(r, SGF_ERR_FORMAT, "no_rope_layers", ropes,
                               "0 or 1 for every layer was wanted");
        ruled = r->pattern     ? (l + 1) % r->pattern != 0
                : r->a.no_rope ? !turns
                               : l >= r->window_from;
        slides = type ? sgf__kind_index(SGF__LAYER_TYPE, type) : r->window && ruled;
        if (slides < 0)
            sgf__config_refuse(r, SGF_ERR_UNSUPPORTED, "layer_types", type,
                               sgf__kinds[SGF__LAYER_TYPE].wanted);
        else if (slides && !r->window)
            sgf__config_refuse(r, SGF_ERR_FORMAT, "layer_types", type,
                               "but \"sliding_window\" is absent or \"use_sliding_window\" false");
        c->no_rope_layers[l / 32] |= (uint32_t)!turns << (l % 32);
        c->sliding_layers[l / 32] |= (uint32_t)(slides > 0) << (l % 32);
        if (slides) c->sliding_window = r->window;
        rope = rope ? sgf__json_next(rope) : NULL;
        type = type ? sgf__json_next(type) : NULL;
    }
}
/* One id, a list of them, or null: none. They may be beyond V (of a model whose vocabulary was cut): such a
   token is never chosen, and the forward pass refuses it. */
static void sgf__config_eos(sgf__config_reader *r) {
    const char *ids = sgf__config_find(r, "eos_token_id"), *at = ids;
    sgf_config *c = &r->c;
    int64_t id = 0;
    if (sgf__json_find(r->object[0], "eos_token_id")) c->eos_count = 0;
    if (ids && *ids == '[') at = sgf__json_first(ids);
    for (; at && !r->f->status; at = at == ids ? NULL : sgf__json_next(at)) {
        if (!sgf__json_whole(&r->file->doc, at, 0, INT32_MAX, &id))
            sgf__config_refuse(r, SGF_ERR_FORMAT, "eos_token_id", at,
                               "a token id, or a list of them, was wanted");
        else if (c->eos_count == SGF_MAX_EOS)
            sgf__config_refuse(r, SGF_ERR_LIMIT, "eos_token_id", ids,
                               "at most 16 ids are supported");
        else c->eos[c->eos_count++] = (int32_t)id;
    }
}
/* Read config.json into *c or, with `ids` 1, generation_config.json, which changes its ids. */
static void sgf__config_read(sgf__folder *f, sgf__file *file, int ids, sgf_config *c) {
    sgf__config_reader r;
    int i;
    memset(&r, 0, sizeof r);
    if (ids) r.c = *c;
    else r.c.bos = -1;
    r.f = f;
    r.file = file;
    sgf__folder_json(f, file, file->map.data, file->map.size);
    r.object[0] = file->doc.root;
    if (!f->status && !ids) sgf__config_architecture(&r);
    for (i = ids ? SGF__KEYS - 1 : 0; i < SGF__KEYS && !f->status; i++) sgf__config_key(&r, i);
    if (!f->status && !ids) sgf__config_finish(&r);
    if (!f->status && !ids) sgf__config_layers(&r);
    if (!f->status) sgf__config_eos(&r);
    if (!f->status) *c = r.c;
}
/* Map a file of the folder, if there is one, and add it to the digest. */
static sgf__file *sgf__folder_digested(sgf__folder *f, const char *name) {
    sgf__file *file = f->status ? NULL : sgf__folder_file(f, sgf_text(name), 1);
    if (file) sgf__folder_digest(f, file->map.data, file->map.size);
    return file;
}
static void sgf__folder_config(sgf__folder *f, sgf_config *c) {
    sgf__file *file = sgf__folder_digested(f, "config.json");
    if (file) sgf__config_read(f, file, 0, c);
    else if (!f->status)
        sgf__folder_fail(f, SGF_ERR_IO, f->dir,
                         "there is no %s; a Hugging Face model folder was wanted", "config.json");
    file = sgf__folder_digested(f, "generation_config.json");
    if (file) sgf__config_read(f, file, 1, c);
}
SGF_DEF sgf_status sgf_config_load(const char *dir, const sgf_allocator *mem, sgf_config *out,
                                   sgf_error *err) {
    sgf__folder f;
    sgf_config c;
    if (!dir || !out)
        return sgf__fail(err, SGF_ERR_ARG, "sgf_config_load: dir and out must not be NULL");
    sgf__folder_init(&f, dir, mem, err);
    sgf__folder_config(&f, &c);
    if (!f.status) *out = c;
    sgf__folder_close(&f);
    return f.status;
}
SGF_DEF int32_t sgf_config_window(const sgf_config *config, int32_t layer) {
    if (layer < 0 || layer >= SGF_MAX_LAYERS) return 0;
    return config->sliding_layers[layer / 32] >> (layer % 32) & 1 ? config->sliding_window : 0;
}
SGF_DEF int32_t sgf_config_rope(const sgf_config *config, int32_t layer) {
    if (layer < 0 || layer >= SGF_MAX_LAYERS) return -1;
    if (config->no_rope_layers[layer / 32] >> (layer % 32) & 1) return -1;
    return config->rope_local_theta > 0 && sgf_config_window(config, layer) > 0;
}
SGF_DEF uint64_t sgf_config_kv_bytes(const sgf_config *config) {
    return 2 * (uint64_t)config->layers * (uint64_t)config->kv_heads * (uint64_t)config->head_dim *
           sizeof(float);
}

/* ---- RoPE ---- f_i = theta^(-2i/C), i = 0 .. C/2-1, in double, rounded once at the end */

#define SGF__PI 3.14159265358979323846

/* llama3: long waves are stretched by `factor`, short ones kept, those between blended. */
static double sgf__rope_llama3(const sgf_config *c, double f) {
    double waves = c->rope_original_context * f / (2 * SGF__PI); /* in the original context */
    double s = (waves - c->rope_low) / (c->rope_high - c->rope_low);
    if (waves > c->rope_high) return f;
    if (waves < c->rope_low) return f / c->rope_factor;
    return fma(s, f, (1 - s) * f / c->rope_factor);
}
/* yarn: the (fractional) i at which a wave turns `rotations` times in the original context. */
static double sgf__yarn_index(const sgf_config *c, double rotations) {
    return c->head_dim * sgf__log_d(c->rope_original_context / (rotations * 2 * SGF__PI)) /
           (2 * sgf__log_d(c->rope_theta));
}
static double sgf__yarn_scale(double factor, double mscale) {
    return factor > 1 ? fma(0.1 * mscale, sgf__log_d(factor), 1) : 1;
}
/* inv_freq[C/2], those of rope_local_theta behind them if there is one, and the factor on every
   cosine and sine of the first. SGF_ROPE_DYNAMIC changes frequencies only beyond the context, which no
   session reaches. */
static sgf_status sgf__rope_frequencies(const sgf_config *c, float *inv_freq,
                                        float *attention_factor, sgf_error *err) {
    double width = c->head_dim, low = 0, high = 0, scale = 1;
    int32_t half = c->head_dim / 2, n = c->rope_local_theta > 0 ? 2 * half : half, j;
    if (c->rope == SGF_ROPE_YARN) {
        low = sgf__yarn_index(c, c->rope_beta_fast);
        high = sgf__yarn_index(c, c->rope_beta_slow);
        if (c->rope_truncate) low = floor(low), high = ceil(high);
        low = low < 0 ? 0 : low;
        high = high > width - 1 ? width - 1 : high;
        if (low == high) high += 0.001; /* no division by zero */
        scale = c->rope_attention_factor;
        if (scale == 0 && c->rope_mscale > 0 && c->rope_mscale_all > 0)
            scale = sgf__yarn_scale(c->rope_factor, c->rope_mscale) /
                    sgf__yarn_scale(c->rope_factor, c->rope_mscale_all);
        if (scale == 0) scale = sgf__yarn_scale(c->rope_factor, 1);
    }
    for (j = 0; j < n; j++) {
        int32_t i = j % half;
        sgf_rope rope = j < half ? c->rope : SGF_ROPE_DEFAULT;
        double f = sgf__exp_d(-2.0 * i / width *
                              sgf__log_d(j < half ? c->rope_theta : c->rope_local_theta));
        if (rope == SGF_ROPE_LINEAR) f /= c->rope_factor;
        if (rope == SGF_ROPE_LLAMA3) f = sgf__rope_llama3(c, f);
        if (rope == SGF_ROPE_YARN) { /* from kept (ramp 0) to stretched (ramp 1) */
            double ramp = (i - low) / (high - low);
            ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
            f = fma(f / c->rope_factor, ramp, f * (1 - ramp));
        }
        if (!(f >= 0 && f <= 1))
            return sgf__fail(err, SGF_ERR_FORMAT,
                             "RoPE: its theta or factor turns channel %d by %g a token; 0 to 1 was "
                             "wanted",
                             i, f);
        inv_freq[j] = (float)f;
    }
    *attention_factor = (float)scale;
    return SGF_OK;
}

/* ====================================================================================
 * [SGF-23] Loading a model: every weight by its Hugging Face name
 *
 * The tensors of a model are a table: names, the shapes that the configuration asks for, and the
 * fields they fill. Rows of one name are parts of one matrix, in this order. Weights are used in the
 * mapping; only misaligned ones are copied and, on a big-endian machine, all. Tensors that are not in
 * the table (rotary_emb.inv_freq) are ignored.
 * ==================================================================================== */

enum { SGF__EMBEDDING, SGF__OUTPUT, SGF__NORM, SGF__LAYER }; /* rows of the table */

/* clang-format off */
#define SGF__AT(field) offsetof(sgf_layer, field)
#define SGF__IF(field) offsetof(sgf_config, field)
static const struct sgf__weight {
    const char *name;        /* what follows "model." or "model.layers.N."; the output's: all */
    const char *rows, *cols; /* products of V, D, H, G, C, F; rows "": a vector */
    size_t field;            /* offset in sgf_layer, of the first three in sgf_model */
    size_t when;             /* offset of a setting in sgf_config; 0: always */
    unsigned values;         /* the values that it may have, as bits */
} sgf__weights[] = {
    {"embed_tokens.weight", "V", "D", offsetof(sgf_model, embedding), 0, 0},
    {"lm_head.weight", "V", "D", offsetof(sgf_model, output), 0, 0},
    {"norm.weight", "", "D", offsetof(sgf_model, norm), 0, 0},
    {"input_layernorm.weight", "", "D", SGF__AT(attn_norm), SGF__IF(norms), 1 << 1 | 1 << 3},
    {"self_attn.q_proj.weight", "HC", "D", SGF__AT(q), SGF__IF(fused), 1 << 0},
    {"self_attn.k_proj.weight", "GC", "D", SGF__AT(k), SGF__IF(fused), 1 << 0},
    {"self_attn.v_proj.weight", "GC", "D", SGF__AT(v), SGF__IF(fused), 1 << 0},
    {"self_attn.qkv_proj.weight", "HC", "D", SGF__AT(q), SGF__IF(fused), 1 << 1},
    {"self_attn.qkv_proj.weight", "GC", "D", SGF__AT(k), SGF__IF(fused), 1 << 1},
    {"self_attn.qkv_proj.weight", "GC", "D", SGF__AT(v), SGF__IF(fused), 1 << 1},
    {"self_attn.o_proj.weight", "D", "HC", SGF__AT(o), 0, 0},
    {"self_attn.q_proj.bias", "", "HC", SGF__AT(q_bias), SGF__IF(qkv_bias), 1 << 1},
    {"self_attn.k_proj.bias", "", "GC", SGF__AT(k_bias), SGF__IF(qkv_bias), 1 << 1},
    {"self_attn.v_proj.bias", "", "GC", SGF__AT(v_bias), SGF__IF(qkv_bias), 1 << 1},
    {"self_attn.o_proj.bias", "", "D", SGF__AT(o_bias), SGF__IF(out_bias), 1 << 1},
    {"self_attn.q_norm.weight", "", "C", SGF__AT(q_norm), SGF__IF(qk_norm), 1 << 1},
    {"self_attn.k_norm.weight", "", "C", SGF__AT(k_norm), SGF__IF(qk_norm), 1 << 1},
    {"self_attn.q_norm.weight", "", "HC", SGF__AT(q_norm), SGF__IF(qk_norm), 1 << 2},
    {"self_attn.k_norm.weight", "", "GC", SGF__AT(k_norm), SGF__IF(qk_norm), 1 << 2},
    {"post_attention_layernorm.weight", "", "D", SGF__AT(ffn_norm), SGF__IF(norms), 1 << 1},
    {"post_attention_layernorm.weight", "", "D", SGF__AT(attn_post_norm), SGF__IF(norms), 1 << 2 | 1 << 3},
    {"pre_feedforward_layernorm.weight", "", "D", SGF__AT(ffn_norm), SGF__IF(norms), 1 << 3},
    {"post_feedforward_layernorm.weight", "", "D", SGF__AT(ffn_post_norm), SGF__IF(norms), 1 << 2 | 1 << 3},
    {"mlp.gate_proj.weight", "F", "D", SGF__AT(gate), SGF__IF(fused), 1 << 0},
    {"mlp.up_proj.weight", "F", "D", SGF__AT(up), SGF__IF(fused), 1 << 0},
    {"mlp.gate_up_proj.weight", "F", "D", SGF__AT(gate), SGF__IF(fused), 1 << 1},
    {"mlp.gate_up_proj.weight", "F", "D", SGF__AT(up), SGF__IF(fused), 1 << 1},
    {"mlp.down_proj.weight", "D", "F", SGF__AT(down), 0, 0},
    {"mlp.gate_proj.bias", "", "F", SGF__AT(gate_bias), SGF__IF(mlp_bias), 1 << 1},
    {"mlp.up_proj.bias", "", "F", SGF__AT(up_bias), SGF__IF(mlp_bias), 1 << 1},
    {"mlp.down_proj.bias", "", "D", SGF__AT(down_bias), SGF__IF(mlp_bias), 1 << 1}};
#undef SGF__AT
#undef SGF__IF
/* clang-format on */
enum { SGF__WEIGHTS = sizeof sgf__weights / sizeof *sgf__weights };

static uint64_t sgf__size(const sgf_config *c, const char *letters) {
    static const char names[] = "VDHGCF";
    int32_t sizes[6];
    uint64_t n = 1;
    sizes[0] = c->vocab_size, sizes[1] = c->dim, sizes[2] = c->heads;
    sizes[3] = c->kv_heads, sizes[4] = c->head_dim, sizes[5] = c->ffn_dim;
    for (; *letters; letters++) n *= (uint64_t)sizes[strchr(names, *letters) - names];
    return n;
}
/* Elements of a weight; 0 if the model does not have it. */
static uint64_t sgf__elements(const sgf_config *c, const struct sgf__weight *y) {
    const void *setting = (const char *)c + y->when;
    int there = !y->when || y->values >> *(const int *)setting & 1;
    return there ? sgf__size(c, y->rows) * sgf__size(c, y->cols) : 0;
}
SGF_DEF uint64_t sgf_config_parameters(const sgf_config *config) {
    uint64_t n = 0, i;
    for (i = 0; i < SGF__WEIGHTS; i++)
        n += sgf__elements(config, &sgf__weights[i]) *
             (uint64_t)(i < SGF__LAYER ? 1 : config->layers);
    return config->tied ? n - sgf__elements(config, &sgf__weights[SGF__OUTPUT]) : n;
}

typedef struct sgf__model { /* what model->storage points to */
    sgf_model model;
    sgf__folder folder;
    int flat; /* no name begins with "model.": a folder that AutoModel saved */
} sgf__model;

/* The bytes of t, aligned and in the machine's order: a copy, if they must be one, is made once. */
static const void *sgf__stored_data(sgf__folder *f, sgf__stored *t) {
    static const uint16_t one = 1;
    size_t size = sgf__dtypes[t->dtype].bits / 8, bytes = (size_t)(t->end - t->begin), i;
    int swap = *(const unsigned char *)&one == 0;
    char *copy;
    if (!swap && (uintptr_t)t->data % size == 0) return t->data;
    if (t->usable) return t->usable;
    t->usable = copy = (char *)sgf__arena_alloc(&f->arena, bytes, 1, f->err);
    for (i = 0; copy && i < bytes; i++) copy[i] = t->data[swap ? i ^ (size - 1) : i];
    if (!copy) f->status = SGF_ERR_MEMORY;
    return copy;
}
/* The tensor of row k of the table, NULL if there is none. Its name is written to name[96]. */
static sgf__stored *sgf__weight_find(const sgf__model *m, size_t k, size_t layer, char *name) {
    const char *prefix = m->flat || k == SGF__OUTPUT ? "" : "model.";
    if (k < SGF__LAYER) snprintf(name, 96, "%s%s", prefix, sgf__weights[k].name);
    else snprintf(name, 96, "%slayers.%d.%s", prefix, (int)layer, sgf__weights[k].name);
    return sgf__folder_find(&m->folder, sgf_text(name));
}
/* Replace a norm's weights by 1 + weights, in f32. */
static void sgf__plus_one(sgf__folder *f, sgf_tensor *w) {
    float *made = (float *)sgf__arena_alloc(&f->arena, w->cols, sizeof *made, f->err);
    size_t i;
    for (i = 0; made && i < w->cols; i++) made[i] = 1.0f + sgf__element(w, i);
    if (!made) f->status = SGF_ERR_MEMORY;
    w->data = made;
    w->dtype = SGF_DTYPE_F32;
}
/* Find the tensor of row k of the table, check that it is what the table wants, and fill its field.
   A tied model may store embedding or output alone. */
static void sgf__fetch(sgf__model *m, size_t k, size_t layer) {
    const struct sgf__weight *y = &sgf__weights[k];
    const sgf_config *c = &m->model.config;
    unsigned long long rows = sgf__size(c, y->rows), cols = sgf__size(c, y->cols), whole = 0;
    char *object = k < SGF__LAYER ? (char *)&m->model : (char *)&m->model.layer[layer];
    sgf_tensor *out = (sgf_tensor *)(void *)(object + y->field);
    sgf__folder *f = &m->folder;
    char name[96], other[96], shape[72];
    sgf__stored *t = sgf__weight_find(m, k, layer, name);
    size_t first = 0, i;
    int type;
    for (i = 0; i < SGF__WEIGHTS; i++)
        if (!strcmp(sgf__weights[i].name, y->name) && sgf__elements(c, &sgf__weights[i])) {
            if (i == k) first = (size_t)whole;
            whole += sgf__size(c, sgf__weights[i].rows);
        }
    snprintf(shape, sizeof shape, *y->rows ? "[%llu, %llu]" : "[%llu]", *y->rows ? whole : cols,
             cols);
    if (!t && c->tied && k <= SGF__OUTPUT) t = sgf__weight_find(m, SGF__OUTPUT - k, 0, other);
    type = t && t->dtype > SGF_DTYPE_BF16;
    if (!t)
        sgf__folder_fail(f, SGF_ERR_FORMAT, f->dir,
                         "tensor %s is missing; a %s of %d layers needs it (is a file missing, or "
                         "config.json of another model?)",
                         name, c->architecture, (int)c->layers);
    else if (type || strcmp(t->shape, shape) != 0)
        sgf__folder_fail(f, type ? SGF_ERR_UNSUPPORTED : SGF_ERR_FORMAT, t->file->path,
                         "%s: wanted %s in F32, F16 or BF16, file has %s in %s; %s", name, shape,
                         t->shape, sgf__dtypes[t->dtype].name,
                         type ? "this type is not supported"
                              : "config.json and weights are not of one model");
    else {
        out->data = sgf__stored_data(f, t);
        out->rows = (size_t)rows;
        out->cols = (size_t)cols;
        out->dtype = (sgf_dtype)t->dtype;
        if (first && out->data)
            out->data = (const char *)out->data + first * out->cols * sgf__dtype_size(out->dtype);
        if (out->data && c->norm_plus_one && strstr(y->name, "norm.weight")) sgf__plus_one(f, out);
    }
}
/* All weights. If a tied model stores embedding and output and they differ, both are used, whatever
   the configuration says, as in transformers 5. */
static void sgf__fetch_all(sgf__model *m) {
    sgf_tensor *in = &m->model.embedding, *out = &m->model.output;
    size_t layers = (size_t)m->model.config.layers, i, k;
    sgf__folder *f = &m->folder;
    char name[96];
    m->model.layer = (sgf_layer *)sgf__arena_alloc(&f->arena, layers, sizeof(sgf_layer), f->err);
    if (!m->model.layer) f->status = SGF_ERR_MEMORY;
    m->flat = !sgf__weight_find(m, SGF__NORM, 0, name);
    m->flat = m->flat && sgf__folder_find(f, sgf_text("norm.weight"));
    for (k = 0; k < SGF__WEIGHTS; k++)
        for (i = 0; i < (k < SGF__LAYER ? 1 : layers) && !f->status; i++)
            if (sgf__elements(&m->model.config, &sgf__weights[k])) sgf__fetch(m, k, i);
    if (f->status) return;
    i = sgf__dtypes[in->dtype].bits / 8;
    if (m->model.config.tied && in->data != out->data && in->dtype == out->dtype &&
        !memcmp(in->data, out->data, in->rows * in->cols * i))
        *out = *in;
    m->model.config.tied = out->data == in->data;
}
/* Add the tokenizer's files to the digest. 1 if there is a tokenizer. */
static int sgf__tokenizer_digest(sgf__folder *f) {
    sgf__file *file = sgf__folder_digested(f, "tokenizer.json"), *config = NULL;
    if (file) sgf__unmap(&file->map), config = sgf__folder_digested(f, "tokenizer_config.json");
    if (config) sgf__unmap(&config->map);
    return file && !f->status;
}
SGF_DEF sgf_status sgf_model_load(const char *dir, const sgf_allocator *mem, sgf_model **out,
                                  sgf_error *err) {
    sgf_allocator allocator = sgf__allocator(mem);
    sgf_status status;
    sgf__folder *f;
    sgf__model *m;
    int tokenizer = 0;
    if (!dir || !out)
        return sgf__fail(err, SGF_ERR_ARG, "sgf_model_load: dir and out must not be NULL");
    m = (sgf__model *)sgf__alloc(&allocator, 1, sizeof *m, err);
    if (!m) return SGF_ERR_MEMORY;
    f = &m->folder;
    sgf__folder_init(f, dir, &allocator, err);
    m->model.storage = m;
    sgf__folder_config(f, &m->model.config);
    if (!f->status) tokenizer = sgf__tokenizer_digest(f);
    if (!f->status) sgf__folder_weights(f);
    if (!f->status) sgf__fetch_all(m);
    if (!f->status && tokenizer)
        f->status = sgf_tokenizer_load(dir, &allocator, &m->model.tokenizer, err);
    status = f->status;
    snprintf(m->model.identity, sizeof m->model.identity, "%08lx%08lx",
             (unsigned long)(f->digest >> 32), (unsigned long)(f->digest & 0xFFFFFFFFu));
    if (status) sgf_model_free(&m->model);
    else *out = &m->model;
    return status;
}
SGF_DEF void sgf_model_free(sgf_model *model) {
    sgf__model *m = model ? (sgf__model *)model->storage : NULL;
    sgf_allocator mem;
    if (!m) return;
    sgf_tokenizer_free(model->tokenizer);
    mem = m->folder.arena.mem;
    sgf__folder_close(&m->folder);
    sgf__free(&mem, m, 1, sizeof *m);
}

/* ====================================================================================
 * [SGF-24] Tokenizer
 *
 * Text -> ids: (1) added tokens are cut out of the raw text, (2) each piece between them is
 * normalised, (3) cut into words by regular expressions, (4) a word is split into its bytes (or
 * characters), and the adjacent pair with the lowest rank, the leftmost on ties, is merged until
 * no pair has a rank (Sennrich et al. 2016; byte-level: Radford et al. 2019).
 *
 * Inside, a token is the bytes that it encodes: the letters with which byte-level files spell
 * bytes (GPT-2's bytes_to_unicode) are undone when the file is read. Tokens with other
 * letters are kept as they are spelled ("raw"); no text can merge into them.
 *
 * A file is hostile: ids are bounded by the file's size, tables are sized once from counted
 * entries, and a table whose keys were made to collide is refused instead of searched.
 * Source: huggingface/tokenizers, whose ids and texts are matched exactly.
 * ==================================================================================== */

/* Kinds of characters, which are general categories: 0 none of these, 1 Lu, 2 Ll, 3 Lt, 4 Lm, 5 Lo, 6 M, 7 Nd,
   8 Nl and No, 9 P, 10 S, 11 Z, 12 control characters that are white space. Sets are sums of 1 << kind. */
enum { SGF__UNI_OTHER, SGF__UNI_LU, SGF__UNI_M = 6, SGF__UNI_KINDS = 13, SGF__UNI_UNSTABLE = 16 };
enum { SGF__UNI_LETTERS = 0x3E, SGF__UNI_NUMBERS = 0x180, SGF__UNI_SPACES = 0x1800 };

/* What the tokenizer needs of Unicode; tables and functions are in [SGF-25]. */
typedef struct sgf__uni_map { /* one character or two -> one or two; 0: none */
    uint32_t from[2], to[2];
} sgf__uni_map;
typedef struct sgf__unicode {
    unsigned char *kind; /* [size]: its kind; plus UNSTABLE, see [SGF-25] */
    uint32_t size;
    unsigned char *combining; /* [size] canonical combining class; NULL without NFC */
    sgf__uni_map *maps;       /* hash table of decompositions and compositions; NULL without NFC */
} sgf__unicode;

static sgf_status sgf__unicode_init(sgf__unicode *u, int with_nfc, sgf__arena *arena,
                                    sgf_error *err);
static sgf_status sgf__nfc(const sgf__unicode *u, sgf_str text, sgf__buf *out, sgf_error *err);

static unsigned sgf__uni_kind(const sgf__unicode *u, uint32_t code) {
    if (code < u->size) return u->kind[code] & 15;
    return code - 0xE0100 < 240 ? SGF__UNI_M : SGF__UNI_OTHER;
}

enum { SGF__TOKEN_RAW = 1, SGF__TOKEN_SPECIAL = 2, SGF__TOKEN_BYTE = 4, SGF__TOKEN_HERE = 8 };
enum { SGF__STEP_NFC, SGF__STEP_PREPEND, SGF__STEP_REPLACE, SGF__STEPS = 8 };
enum { SGF__PREPEND_NEVER, SGF__PREPEND_ALWAYS, SGF__PREPEND_FIRST };
#define SGF__MARK        "\xE2\x96\x81" /* U+2581, sentencepiece's letter for a space */
#define SGF__REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
enum {
    SGF__TOKEN_PROBES = 512,  /* a search longer than this means that keys were made to collide */
    SGF__PART_BYTES = 256,    /* longest added token, and text in a normaliser or decoder */
    SGF__TOKEN_BYTES = 65535, /* longest token */
    SGF__AROUND = 64,
    SGF__SHORT_WORD = 32,
    SGF__TEXT_BYTES = 1 << 30,
    SGF__SEQUENCES = 8, /* how deep Sequences, and groups of an expression, may be nested */
    SGF__SPLITS = 8,
    SGF__OPS = 256 /* of a regular expression */
};
#define SGF__NONE ((size_t)-1)

typedef struct sgf__token {
    const char *text;
    uint32_t len, flags; /* flags: a sum of SGF__TOKEN_*, and the byte of a byte token << 8 */
} sgf__token;

typedef struct sgf__token_slot {
    uint32_t tag;
    int32_t next_id; /* id + 1; 0: free */
} sgf__token_slot;

typedef struct sgf__merge { /* left right -> id; next_id 0: free */
    int32_t left, right, next_id;
    uint32_t rank;
} sgf__merge;

typedef struct sgf__added {
    sgf_str text;
    int32_t id;
    unsigned flags; /* a sum of these */
} sgf__added;
enum { SGF__LSTRIP = 1, SGF__RSTRIP = 2, SGF__SPECIAL = 4, SGF__NORMALIZED = 8 };

/* Added tokens to look for, sorted by their bytes. */
typedef struct sgf__added_set {
    sgf__added *items;
    size_t count;
    size_t first[257]; /* items that begin with byte b: first[b] .. first[b + 1] */
} sgf__added_set;

typedef struct sgf__step {
    int kind;
    sgf_str from, to;
} sgf__step;

/* A regular expression is a list of operations on a text. They ask for the class of a character: below 128
   its code, else 128 + kind; after the text it is END. */
enum { SGF__CLASS_END = 128 + SGF__UNI_KINDS, SGF__CLASSES };
enum {
    SGF__OP_END,  /* it matches */
    SGF__OP_JUMP, /* go on `to` operations later, or before */
    SGF__OP_FORK, /* the next operation or, if that fails, the one at `to` */
    SGF__OP_LOOK, /* what follows up to END must match here (inverted: must not); then `to` */
    SGF__OP_LINE, /* the end of a line */
    SGF__OP_TAKE  /* a character; `many`: as many as there are, or fewer */
};
typedef struct sgf__range {
    uint32_t first, last;
} sgf__range;
typedef struct sgf__op {
    int kind, inverted;
    int32_t to;          /* relative */
    int least, many;     /* TAKE; least 0: or none */
    int decided;         /* TAKE: if the most characters do not lead to a match, fewer do not */
    uint64_t takes[3];   /* TAKE: a bit for each class */
    uint64_t starts[3];  /* classes: with such a character a match from here on may begin */
    uint32_t begin, end; /* TAKE: also these ranges of characters; inverted: all others */
} sgf__op;
typedef struct sgf__regex {
    const sgf__unicode *unicode;
    sgf__op *ops; /* [count] */
    sgf__range *ranges;
    size_t count, range_count;
} sgf__regex;
/* A pre-tokenizer: the text becomes parts, which are matches or what is between them. */
typedef struct sgf__split {
    sgf__regex regex;
    unsigned joins; /* bit 2 a + b: a part joins the one before it; a, b: that one, it is a match */
    unsigned invert; /* matches count as what is between them, and the other way round */
} sgf__split;
enum { SGF__REMOVES = 16 }; /* in `joins`: matches are left out */

struct sgf_tokenizer {
    sgf__arena arena;
    sgf_tokenizer_info info; /* its texts are set by sgf_tokenizer_describe */
    char *spare;             /* where the next token's bytes go */
    size_t spare_len;

    sgf__token *tokens; /* [info.size] by id */
    size_t cap;
    sgf__token_slot *entries; /* [slot_mask + 1] bytes -> id, vocabulary only */
    size_t slot_mask;
    sgf__merge *merges; /* [merge_mask + 1] pair -> id */
    size_t merge_mask;
    int32_t letter_id[256]; /* the token of a byte; not byte-level: of an ASCII character */
    int32_t byte_id[256];   /* with byte_fallback the token "<0xNN>"; -1: none */
    int byte_level, byte_fallback, fuse_unk;
    int32_t unk;

    sgf__step steps[SGF__STEPS + 1]; /* the normaliser; the last one is refused */
    size_t step_count;
    char normalizer[96]; /* "NFC + Replace" */
    sgf__unicode unicode;
    sgf_str mark; /* what a space becomes, and what `prepend` puts before a piece; or "" */
    int prepend;  /* SGF__PREPEND_* */
    sgf__split splits[SGF__SPLITS + 1]; /* the last one is refused */
    size_t split_count;
    char pre_tokenizer[160]; /* "Split + ByteLevel" */

    sgf_str decode_from, decode_to; /* not byte-level: Replace; from empty: none */
    int decode_bytes, decode_strip;

    sgf__added *added; /* [info.added] */
    sgf__added_set all_added, raw_added, normal_added;
    int32_t before[SGF__AROUND], after[SGF__AROUND]; /* ids around a text */
    size_t before_count, after_count;
    int has_post; /* tokenizer.json has a post_processor */
};

/* ---- tables ---- */

static uint64_t sgf__token_hash(const char *text, size_t n) {
    uint64_t hash = 0x9E3779B97F4A7C15u ^ n, word;
    for (; n >= 8; n -= 8, text += 8) {
        memcpy(&word, text, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, text, n);
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
    return hash * 0xD6E8FEB86659FD93u;
}
static int sgf__token_is(const sgf__token *token, const char *text, size_t n, unsigned raw) {
    return token->len == n &&
           (token->flags & (SGF__TOKEN_HERE | SGF__TOKEN_RAW)) == (SGF__TOKEN_HERE | raw) &&
           !memcmp(token->text, text, n);
}
/* The slot of these bytes, or the free one for them; NULL when the table was made to collide. */
static sgf__token_slot *sgf__token_slot_of(const sgf_tokenizer *t, const char *text, size_t n,
                                           unsigned raw) {
    uint64_t hash = sgf__token_hash(text, n);
    uint32_t tag = (uint32_t)hash;
    size_t at = (size_t)(hash >> 32), probes;
    for (probes = 0; probes < SGF__TOKEN_PROBES; probes++, at++) {
        sgf__token_slot *slot = &t->entries[at & t->slot_mask];
        if (!slot->next_id) return slot;
        if (slot->tag == tag && sgf__token_is(&t->tokens[slot->next_id - 1], text, n, raw))
            return slot;
    }
    return NULL;
}
static int32_t sgf__token_find(const sgf_tokenizer *t, const char *text, size_t n, unsigned raw) {
    const sgf__token_slot *slot = sgf__token_slot_of(t, text, n, raw);
    return slot ? slot->next_id - 1 : -1;
}
/* As above for a pair. */
static sgf__merge *sgf__merge_slot_of(const sgf_tokenizer *t, int32_t left, int32_t right) {
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)((hash ^ hash >> 32) * 0xD6E8FEB86659FD93u >> 32), probes;
    for (probes = 0; probes < SGF__TOKEN_PROBES; probes++, at++) {
        sgf__merge *slot = &t->merges[at & t->merge_mask];
        if (!slot->next_id || (slot->left == left && slot->right == right)) return slot;
    }
    return NULL;
}
static const sgf__merge *sgf__merge_find(const sgf_tokenizer *t, int32_t left, int32_t right) {
    const sgf__merge *slot = sgf__merge_slot_of(t, left, right);
    return slot && slot->next_id ? slot : NULL;
}
static size_t sgf__table_size(size_t items) {
    size_t size = 16;
    while (size < items + items / 2 + 1 && size <= SIZE_MAX / 2) size *= 2;
    return size;
}

/* ---- merging a word ---- */

/* The first failure is kept in `status`; then the functions do nothing. */
typedef struct sgf__encoder {
    const sgf_tokenizer *t;
    sgf_error *err;
    sgf_status status;
    sgf__buf ids;           /* int32_t: the result so far */
    sgf__buf text[2];       /* a piece after one step of the normaliser, and after the next */
    sgf__buf word;          /* a piece with its mark before it */
    sgf__buf symbols, heap; /* of a long word */
    sgf__buf choices;       /* see sgf__match_try */
} sgf__encoder;

/* Room for `count` items of `size` bytes at the end of a buffer; NULL after a failure. */
static void *sgf__encoder_room(sgf__encoder *e, sgf__buf *buf, size_t count, size_t size) {
    size_t bytes = count > SIZE_MAX / size ? SIZE_MAX : count * size;
    if (!e->status) e->status = sgf__buf_reserve(buf, bytes, e->err);
    return e->status ? NULL : buf->ptr + buf->len;
}
static void sgf__encoder_add(sgf__encoder *e, int32_t id) {
    if (!e->status) e->status = sgf__buf_add(&e->ids, &id, sizeof id, e->err);
}

/* ids[n] -> the merged ids, in place; returns their number. n <= SGF__SHORT_WORD. Quadratic, and
   the fastest way for words of ordinary length; the definition, too. */
static size_t sgf__merge_short(const sgf_tokenizer *t, int32_t *ids, size_t n) {
    const sgf__merge *merge[SGF__SHORT_WORD]; /* of ids[i] and ids[i + 1] */
    size_t i;
    for (i = 0; i + 1 < n; i++) merge[i] = sgf__merge_find(t, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = n;
        for (i = 0; i + 1 < n; i++)
            if (merge[i] && (best == n || merge[i]->rank < merge[best]->rank)) best = i;
        if (best == n) break;
        ids[best] = merge[best]->next_id - 1;
        n--;
        for (i = best + 1; i < n; i++) {
            ids[i] = ids[i + 1];
            merge[i - 1] = merge[i];
        }
        if (best) merge[best - 1] = sgf__merge_find(t, ids[best - 1], ids[best]);
        if (best + 1 < n) merge[best] = sgf__merge_find(t, ids[best], ids[best + 1]);
    }
    return n;
}

typedef struct sgf__symbol { /* a linked list over the word; id -1: merged into the one before */
    int32_t id, prev, next;
    const sgf__merge *merge; /* with the next one, or NULL */
} sgf__symbol;

/* Heaps of candidates, rank << 32 | position of the left symbol: the smallest is merged first. */
static uint64_t sgf__heap_pop(uint64_t *heap, size_t *n) {
    uint64_t top = heap[0], last = heap[--*n];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < *n) {
        if (child + 1 < *n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= last) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}
/* Put the merge of symbol `at` with its next one into the heap, if they merge. */
static void sgf__heap_offer(const sgf_tokenizer *t, sgf__symbol *s, int32_t at, uint64_t *heap,
                            size_t *n) {
    uint64_t key;
    size_t i;
    if (at < 0) return;
    s[at].merge = s[at].next < 0 ? NULL : sgf__merge_find(t, s[at].id, s[s[at].next].id);
    if (!s[at].merge) return;
    key = (uint64_t)s[at].merge->rank << 32 | (uint32_t)at;
    for (i = (*n)++; i && heap[(i - 1) / 2] > key; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = key;
}
/* The same for a word of any length, in O(n log n): candidates wait in a heap, and one whose pair
   has changed meanwhile is dropped when it is popped. Every merge offers at most two. */
static size_t sgf__merge_long(sgf__encoder *e, int32_t *ids, size_t n) {
    const sgf_tokenizer *t = e->t;
    size_t i, heap_len = 0, kept = 0;
    sgf__symbol *s = (sgf__symbol *)sgf__encoder_room(e, &e->symbols, n, sizeof *s);
    uint64_t *heap = (uint64_t *)sgf__encoder_room(e, &e->heap, 3 * n, sizeof *heap);
    if (!s || !heap) return 0;
    for (i = 0; i < n; i++) {
        s[i].id = ids[i];
        s[i].prev = (int32_t)i - 1;
        s[i].next = i + 1 < n ? (int32_t)i + 1 : -1;
    }
    for (i = 0; i < n; i++) sgf__heap_offer(t, s, (int32_t)i, heap, &heap_len);
    while (heap_len) {
        uint64_t top = sgf__heap_pop(heap, &heap_len);
        int32_t at = (int32_t)(uint32_t)top, right = s[at].next;
        if (s[at].id < 0 || !s[at].merge || s[at].merge->rank != top >> 32) continue;
        s[at].id = s[at].merge->next_id - 1;
        s[at].next = s[right].next;
        s[right].id = -1;
        if (s[at].next >= 0) s[s[at].next].prev = at;
        sgf__heap_offer(t, s, s[at].prev, heap, &heap_len);
        sgf__heap_offer(t, s, at, heap, &heap_len);
    }
    for (i = 0; i < n; i++)
        if (s[i].id >= 0) ids[kept++] = s[i].id;
    return kept;
}

/* The bytes or characters of a word as ids; at most one a byte. What the vocabulary lacks becomes
   byte tokens, the unknown token, or nothing. */
static size_t sgf__word_split(const sgf_tokenizer *t, const char *word, size_t n, int32_t *ids) {
    size_t at, len, i, count = 0;
    int unknown = 0; /* an unknown character waits: its neighbours may join it */
    for (at = 0; at < n; at += len) {
        unsigned char c = (unsigned char)word[at];
        int32_t id;
        len = t->byte_level || c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        id = len == 1 ? t->letter_id[c] : sgf__token_find(t, word + at, len, 0);
        if (id >= 0) {
            if (unknown) ids[count++] = t->unk;
            unknown = 0;
            ids[count++] = id;
            continue;
        }
        for (i = 0; i < len && t->byte_id[(unsigned char)word[at + i]] >= 0; i++) {}
        if (i == len) {
            for (i = 0; i < len; i++) ids[count++] = t->byte_id[(unsigned char)word[at + i]];
        } else if (t->unk >= 0) {
            if (unknown && !t->fuse_unk) ids[count++] = t->unk;
            unknown = 1;
        }
    }
    if (unknown) ids[count++] = t->unk;
    return count;
}
static void sgf__encode_word(sgf__encoder *e, const char *word, size_t n) {
    const sgf_tokenizer *t = e->t;
    int32_t *ids = (int32_t *)sgf__encoder_room(e, &e->ids, n, sizeof *ids);
    size_t count = 1;
    if (!ids || !n) return;
    if (!t->info.ignore_merges || (ids[0] = sgf__token_find(t, word, n, 0)) < 0) {
        count = sgf__word_split(t, word, n, ids);
        if (count <= SGF__SHORT_WORD) count = sgf__merge_short(t, ids, count);
        else count = sgf__merge_long(e, ids, count);
    }
    e->ids.len += count * sizeof *ids;
}

/* ---- pre-tokenizers: a piece of text -> words, by regular expressions ---- */

/* A part of a text, and the work that may still be spent on matching in it. */
typedef struct sgf__matcher {
    const sgf__regex *r;
    const char *text;
    size_t n;
    uint64_t left;
    sgf__buf *choices; /* sgf__choice: a stack */
    sgf_error *err;
} sgf__matcher;
/* `op` continues at `high`, then at the character before it, ..., at last at `low`. */
typedef struct sgf__choice {
    const sgf__op *op;
    size_t low, high;
} sgf__choice;

/* The position of the character before `at`. */
static size_t sgf__utf8_back(const char *text, size_t at) {
    do at--;
    while (((unsigned char)text[at] & 0xC0) == 0x80);
    return at;
}
static int sgf__has_class(const uint64_t *classes, unsigned c) {
    return classes[c >> 6] >> (c & 63) & 1;
}
static unsigned sgf__class_at(const sgf__matcher *m, size_t at) {
    uint32_t code = 0;
    if (at == m->n) return SGF__CLASS_END;
    if ((signed char)m->text[at] >= 0) return (unsigned char)m->text[at];
    (void)sgf__utf8_next(m->text + at, m->n - at, &code);
    return 128 + sgf__uni_kind(m->r->unicode, code);
}
/* The length of the character at `at`, from 128 on, if the operation takes it, else 0. */
static size_t sgf__op_takes(const sgf__matcher *m, const sgf__op *op, size_t at) {
    uint32_t code = 0, i;
    size_t len = sgf__utf8_next(m->text + at, m->n - at, &code);
    int takes = sgf__has_class(op->takes, 128 + sgf__uni_kind(m->r->unicode, code));
    for (i = op->begin; i < op->end && !takes; i++)
        takes = code >= m->r->ranges[i].first && code <= m->r->ranges[i].last;
    return takes != op->inverted ? len : 0;
}
/* The end of the characters that the operation takes from `at` on. */
static size_t sgf__op_run(const sgf__matcher *m, const sgf__op *op, size_t at) {
    size_t len, n = op->many ? m->n : at + (at < m->n);
    for (;; at += len) {
        while (at < n && (signed char)m->text[at] >= 0 &&
               sgf__has_class(op->takes, (unsigned char)m->text[at]))
            at++;
        if (at >= n || (signed char)m->text[at] >= 0) return at;
        len = sgf__op_takes(m, op, at);
        if (!len) return at;
    }
}
/* The end of the match from `op` on that begins at `at`, or SGF__NONE: every operation takes as much as
   it can, and if one fails, the last one that had a choice takes its next one. The result does
   not count if m->left is 0 then. */
static size_t sgf__match_try(sgf__matcher *m, const sgf__op *op, size_t at) {
    size_t low, high, base = m->choices->len;
    sgf__choice made, *last;
    uint32_t code;
    while (op->kind != SGF__OP_END) {
        const sgf__op *next = op + 1, *other = next;
        int fits = 1, chooses = 0;
        low = high = at;
        if (op->kind == SGF__OP_TAKE) {
            at = sgf__op_run(m, op, at);
            m->left -= m->left < at - low ? m->left : at - low;
            fits = at > low || !op->least;
            if (at > low && !op->decided) {
                low += op->least ? sgf__utf8_next(m->text + low, at - low, &code) : 0;
                high = sgf__utf8_back(m->text, at);
                chooses = high >= low;
            }
        } else if (op->kind == SGF__OP_FORK) {
            unsigned c = sgf__class_at(m, at);
            for (; op->kind == SGF__OP_FORK && !chooses; op = next) {
                next = op + 1, other = op + op->to;
                if (!sgf__has_class(next->starts, c)) next = other;
                else chooses = sgf__has_class(other->starts, c);
            }
        } else if (op->kind == SGF__OP_LINE) fits = at == m->n || m->text[at] == '\n';
        else {
            if (op->kind == SGF__OP_LOOK)
                fits = (sgf__match_try(m, next, at) != SGF__NONE) != op->inverted;
            next = op + op->to;
        }
        if (chooses) {
            made.op = other, made.low = low, made.high = high;
            if (sgf__buf_add(m->choices, &made, sizeof made, m->err)) m->left = 0;
            m->left -= m->left > 0;
        }
        op = next;
        if (fits) continue;
        at = SGF__NONE;
        if (m->choices->len == base || !m->left) break;
        m->left--;
        last = (sgf__choice *)(void *)(m->choices->ptr + m->choices->len) - 1;
        op = last->op;
        at = last->high;
        if (at > last->low) last->high = sgf__utf8_back(m->text, at);
        else m->choices->len -= sizeof *last;
    }
    m->choices->len = base;
    return at;
}
/* The end of the match that begins at `at`, or SGF__NONE. */
static size_t sgf__match_at(sgf__encoder *e, sgf__matcher *m, size_t at) {
    const sgf__op *first = m->r->ops;
    int may = sgf__has_class(first->starts, sgf__class_at(m, at));
    size_t end = may ? sgf__match_try(m, first, at) : SGF__NONE;
    if (m->left) return end;
    e->status = m->choices->status;
    if (!e->status)
        e->status = sgf__fail(
            e->err, SGF_ERR_LIMIT,
            "the regular expression of a pre-tokenizer takes too long on this text");
    return SGF__NONE;
}

/* A text that is cut into pieces. The one that is not cut off yet begins at `begin`. */
typedef struct sgf__cutter {
    sgf__encoder *e;
    size_t index; /* of the split */
    sgf_str text;
    size_t begin;
    unsigned last; /* its last part is a match */
} sgf__cutter;

static void sgf__encode_split(sgf__encoder *e, sgf_str text, size_t index);

static void sgf__cut(const sgf__cutter *c, size_t end) {
    sgf_str piece = sgf__text_of(c->text.ptr + c->begin, end - c->begin);
    int removed = c->last && c->e->t->splits[c->index].joins & SGF__REMOVES;
    if (!piece.len || removed) return;
    if (c->index + 1 < c->e->t->split_count) sgf__encode_split(c->e, piece, c->index + 1);
    else sgf__encode_word(c->e, piece.ptr, piece.len);
}
/* At `begin` a part begins, a match or what is between two. */
static void sgf__cut_part(sgf__cutter *c, size_t begin, unsigned matched) {
    const sgf__split *split = &c->e->t->splits[c->index];
    matched ^= split->invert;
    if (!(split->joins >> (2 * c->last + matched) & 1)) {
        sgf__cut(c, begin);
        c->begin = begin;
    }
    c->last = matched;
}
/* The pieces that a split makes go to the next split; after the last one they are words. */
static void sgf__encode_split(sgf__encoder *e, sgf_str text, size_t index) {
    size_t at = 0, end, done = 0, last_end = SGF__NONE;
    uint32_t code;
    sgf__matcher m;
    sgf__cutter c;
    if (index == e->t->split_count) {
        sgf__encode_word(e, text.ptr, text.len);
        return;
    }
    memset(&c, 0, sizeof c);
    c.e = e;
    c.index = index;
    c.text = text;
    m.r = &e->t->splits[index].regex;
    m.text = text.ptr;
    m.n = text.len;
    m.choices = &e->choices;
    m.err = e->err;
    m.left = ((uint64_t)1 << 20) + 64 * (uint64_t)text.len;
    while (at <= text.len && !e->status) {
        while (at < text.len && (signed char)text.ptr[at] >= 0 &&
               !sgf__has_class(m.r->ops->starts, (unsigned char)text.ptr[at]))
            at++;
        end = sgf__match_at(e, &m, at);
        if (end == SGF__NONE || (end == at && at == last_end)) { /* not two empty ones in a place */
            if (at == text.len) break;
            at += sgf__utf8_next(text.ptr + at, text.len - at, &code);
            continue;
        }
        if (done < at) sgf__cut_part(&c, done, 0);
        sgf__cut_part(&c, at, 1);
        done = at = last_end = end;
    }
    if (done < text.len) sgf__cut_part(&c, done, 0);
    sgf__cut(&c, text.len);
}

/* ---- the normaliser, and what is done to a piece before it is cut into words ---- */

/* Stops when `out` has more than `most` bytes. */
static sgf_status sgf__replace(sgf_str text, sgf_str from, sgf_str to, size_t most, sgf__buf *out,
                               sgf_error *err) {
    size_t begin = 0, at = 0;
    while (at + from.len <= text.len && out->len <= most && !out->status) {
        if (text.ptr[at] != from.ptr[0] || memcmp(text.ptr + at, from.ptr, from.len) != 0) {
            at++;
            continue;
        }
        (void)sgf__buf_add(out, text.ptr + begin, at - begin, err);
        (void)sgf__buf_add(out, to.ptr, to.len, err);
        begin = at += from.len;
    }
    return sgf__buf_add(out, text.ptr + begin, text.len - begin, err);
}
/* text -> its normal form, in one of the two buffers, or itself. */
static sgf_status sgf__normalize(const sgf_tokenizer *t, sgf_str text, sgf__buf *bufs, sgf_str *out,
                                 sgf_error *err) {
    size_t i, most = sgf_encode_bound(text.len);
    for (i = 0; i < t->step_count && text.len; i++) {
        const sgf__step *step = &t->steps[i];
        sgf__buf *buf = &bufs[i & 1];
        sgf_status status;
        buf->len = 0;
        if (step->kind == SGF__STEP_NFC) status = sgf__nfc(&t->unicode, text, buf, err);
        else if (step->kind == SGF__STEP_REPLACE)
            status = sgf__replace(text, step->from, step->to, most, buf, err);
        else {
            (void)sgf__buf_add(buf, step->to.ptr, step->to.len, err);
            status = sgf__buf_add(buf, text.ptr, text.len, err);
        }
        if (status) return status;
        if (buf->len > most)
            return sgf__fail(
                err, SGF_ERR_LIMIT,
                "the tokenizer's normalizer makes a text of %llu bytes %llu bytes long",
                (unsigned long long)text.len, (unsigned long long)buf->len);
        text = sgf__text_of(buf->ptr, buf->len);
    }
    *out = text;
    return SGF_OK;
}
/* Cut a normalised piece between added tokens into words. first: it is the start of the text. */
static void sgf__encode_piece(sgf__encoder *e, sgf_str text, int first) {
    const sgf_tokenizer *t = e->t;
    sgf_str mark = t->mark;
    if (!text.len || e->status) return;
    if (mark.len) {
        int marked = text.ptr[0] == ' ' ||
                     (text.len >= mark.len && !memcmp(text.ptr, mark.ptr, mark.len));
        e->word.len = 0;
        if (!marked &&
            (t->prepend == SGF__PREPEND_ALWAYS || (t->prepend == SGF__PREPEND_FIRST && first)))
            (void)sgf__buf_add(&e->word, mark.ptr, mark.len, e->err);
        e->status = sgf__replace(text, sgf_text(" "), mark, SIZE_MAX, &e->word, e->err);
        text = sgf__text_of(e->word.ptr, e->word.len);
    }
    sgf__encode_split(e, text, 0);
}

/* ---- added tokens ---- */

/* The first of the sorted items [low, high) whose byte at `depth` is at least `c`, else `high`. */
static size_t sgf__added_bound(const sgf__added *items, size_t low, size_t high, size_t depth,
                               unsigned c) {
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((unsigned char)items[middle].text.ptr[depth] < c) low = middle + 1;
        else high = middle;
    }
    return low;
}
/* The longest added token that begins at text[0]. The candidates are a run of the sorted items,
   which gets shorter with every byte. */
static const sgf__added *sgf__added_match(const sgf__added_set *set, const char *text, size_t n,
                                          size_t *len) {
    size_t low = set->first[(unsigned char)text[0]], high = set->first[(unsigned char)text[0] + 1],
           depth;
    const sgf__added *found = NULL;
    for (depth = 1; low < high; depth++) {
        if (set->items[low].text.len == depth) {
            found = &set->items[low++];
            *len = depth;
        }
        if (depth == n) break;
        low = sgf__added_bound(set->items, low, high, depth, (unsigned char)text[depth]);
        high = sgf__added_bound(set->items, low, high, depth, (unsigned char)text[depth] + 1u);
    }
    return found;
}
/* The length of the white space character at `at`, or 0. */
static size_t sgf__white_at(const sgf_tokenizer *t, sgf_str text, size_t at) {
    uint32_t code = 0;
    size_t len = sgf__utf8_next(text.ptr + at, text.len - at, &code);
    return SGF__UNI_SPACES >> sgf__uni_kind(&t->unicode, code) & 1 ? len : 0;
}
/* Where the spaces that end just before `end` begin, not before `least`. */
static size_t sgf__spaces_before(const sgf_tokenizer *t, sgf_str text, size_t least, size_t end) {
    size_t at = end;
    while (at == end && end > least) {
        at = sgf__utf8_back(text.ptr, end);
        if (sgf__white_at(t, text, at)) end = at;
    }
    return end;
}
/* Added tokens give their ids, the text between them is a piece. The raw text is searched for those
   that are not normalised, then each of its pieces, normalised, for the others. */
static void sgf__encode_cut(sgf__encoder *e, sgf_str text, int first, int normalized) {
    const sgf__added_set *set = normalized ? &e->t->normal_added : &e->t->raw_added;
    size_t done = 0, at = 0, len = 0;
    while (done < text.len && !e->status) {
        const sgf__added *added = NULL;
        size_t begin, end;
        for (; set->count && at < text.len && !added; at += !added) {
            size_t c = (unsigned char)text.ptr[at];
            if (set->first[c] < set->first[c + 1])
                added = sgf__added_match(set, text.ptr + at, text.len - at, &len);
        }
        begin = added ? at : text.len;
        at = end = begin + (added ? len : 0);
        if (begin < done) continue; /* inside the spaces that the one before took */
        if (added && added->flags & SGF__LSTRIP)
            begin = sgf__spaces_before(e->t, text, done, begin);
        while (added && added->flags & SGF__RSTRIP && (len = sgf__white_at(e->t, text, end)) > 0)
            end += len;
        if (done < begin) {
            sgf_str piece = sgf__text_of(text.ptr + done, begin - done);
            if (normalized) sgf__encode_piece(e, piece, first && !done);
            else {
                e->status = sgf__normalize(e->t, piece, e->text, &piece, e->err);
                sgf__encode_cut(e, piece, first && !done, 1);
            }
        }
        if (added) sgf__encoder_add(e, added->id);
        done = end;
    }
}

/* How many bytes are valid UTF-8, from the first on. */
static size_t sgf__utf8_valid(const char *text, size_t n) {
    size_t at, len;
    uint32_t code;
    for (at = 0; at < n; at += len) {
        len = (unsigned char)text[at] < 0x80 ? 1 : sgf__utf8_next(text + at, n - at, &code);
        if (!len) break;
    }
    return at;
}
static sgf_status sgf__text_check(sgf_str text, sgf_error *err) {
    size_t valid;
    if (text.len > SGF__TEXT_BYTES)
        return sgf__fail(err, SGF_ERR_LIMIT,
                         "a text of %llu bytes is too long to encode; the most is %d",
                         (unsigned long long)text.len, (int)SGF__TEXT_BYTES);
    valid = sgf__utf8_valid(text.ptr, text.len);
    if (valid == text.len) return SGF_OK;
    return sgf__fail_at(err, SGF_ERR_FORMAT, NULL, (int64_t)valid,
                        "the text to encode is not UTF-8 at byte %llu; convert it first",
                        (unsigned long long)valid);
}
SGF_DEF size_t sgf_encode_bound(size_t text_len) {
    return text_len > (SIZE_MAX - SGF__AROUND) / 8 ? SIZE_MAX : text_len * 8 + SGF__AROUND;
}
SGF_DEF sgf_status sgf_encode(const sgf_tokenizer *tokenizer, sgf_str text, int special,
                              int32_t *ids, size_t cap, size_t *count, sgf_error *err) {
    const sgf_tokenizer *t = tokenizer;
    sgf__encoder e;
    sgf__buf *bufs[] = {&e.ids, &e.text[0], &e.text[1], &e.word, &e.symbols, &e.heap, &e.choices};
    size_t i, n;
    e.t = t;
    e.err = err;
    e.status = sgf__text_check(text, err);
    for (i = 0; i < sizeof bufs / sizeof *bufs; i++) sgf__buf_init(bufs[i], &t->arena.mem);
    (void)sgf__encoder_room(&e, &e.ids, text.len / 3 + 64, sizeof *ids); /* most texts need less */
    for (i = 0; special && i < t->before_count; i++) sgf__encoder_add(&e, t->before[i]);
    sgf__encode_cut(&e, text, 1, 0);
    for (i = 0; special && i < t->after_count; i++) sgf__encoder_add(&e, t->after[i]);
    n = e.ids.len / sizeof *ids;
    if (!e.status && n > sgf_encode_bound(text.len))
        e.status = sgf__fail(err, SGF_ERR_LIMIT,
                             "the tokenizer's normalizer makes %llu tokens of a text of %llu bytes",
                             (unsigned long long)n, (unsigned long long)text.len);
    if (!e.status && ids && n > cap)
        e.status = sgf__fail(err, SGF_ERR_LIMIT, "the text has %llu tokens, there is room for %llu",
                             (unsigned long long)n, (unsigned long long)cap);
    if (!e.status) {
        if (ids && n) memcpy(ids, e.ids.ptr, n * sizeof *ids);
        *count = n;
    }
    for (i = 0; i < sizeof bufs / sizeof *bufs; i++) sgf__buf_free(bufs[i]);
    return e.status;
}

/* ---- ids -> text ---- */

/* The length of the longest start of a character in text[n], at least 1: what one U+FFFD replaces. */
static size_t sgf__utf8_part(const char *text, size_t n) {
    unsigned char lead = (unsigned char)text[0], next = n > 1 ? (unsigned char)text[1] : 0;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0xE0 || lead > 0xF4 || next < low || next > high) return 1;
    return lead >= 0xF0 && n > 2 && ((unsigned char)text[2] & 0xC0) == 0x80 ? 3 : 2;
}
/* Bytes -> UTF-8. Byte-level: U+FFFD for every wrong sequence. Otherwise a run of byte tokens is text
   as a whole, or each of its bytes is U+FFFD. */
static void sgf__bytes_decode(sgf__buf *bytes, int byte_level, sgf__buf *out, sgf_error *err) {
    int whole = byte_level || sgf__utf8_valid(bytes->ptr, bytes->len) == bytes->len;
    const char *p = bytes->ptr, *end = bytes->len ? p + bytes->len : p;
    while (p < end) {
        size_t valid = whole ? sgf__utf8_valid(p, (size_t)(end - p)) : 0;
        (void)sgf__buf_add(out, p, valid, err);
        p += valid;
        if (p == end) break;
        (void)sgf__buf_add(out, SGF__REPLACEMENT, 3, err);
        p += whole ? sgf__utf8_part(p, (size_t)(end - p)) : 1;
    }
    bytes->len = 0;
}

static const sgf__token *sgf__token_at(const sgf_tokenizer *t, int32_t id) {
    if (id < 0 || (size_t)id >= t->info.size || !(t->tokens[id].flags & SGF__TOKEN_HERE))
        return NULL;
    return &t->tokens[id];
}
/* One token: bytes wait in `bytes` until a token of another kind follows. */
static void sgf__decode_token(const sgf_tokenizer *t, const sgf__token *token, sgf__buf *bytes,
                              sgf__buf *out, sgf_error *err) {
    sgf_str text = sgf__text_of(token->text, token->len);
    char byte = (char)(token->flags >> 8);
    if (token->flags & SGF__TOKEN_BYTE) text = sgf__text_of(&byte, 1);
    if (t->byte_level || (token->flags & SGF__TOKEN_BYTE)) {
        (void)sgf__buf_add(bytes, text.ptr, text.len, err);
        return;
    }
    sgf__bytes_decode(bytes, 0, out, err);
    if (t->decode_from.len)
        (void)sgf__replace(text, t->decode_from, t->decode_to, SIZE_MAX, out, err);
    else (void)sgf__buf_add(out, text.ptr, text.len, err);
}
SGF_DEF sgf_status sgf_decode(const sgf_tokenizer *tokenizer, const int32_t *ids, size_t count,
                              int flags, char *out, size_t cap, size_t *len, sgf_error *err) {
    unsigned left_out = flags & SGF_DECODE_SKIP_SPECIAL ? SGF__TOKEN_SPECIAL : 0;
    sgf__buf text, bytes;
    sgf_status status = SGF_OK;
    size_t i;
    for (i = 0; i < count; i++)
        if (ids[i] < 0)
            return sgf__fail(err, SGF_ERR_ARG,
                             "token number %llu to decode is %ld; ids are not negative",
                             (unsigned long long)i, (long)ids[i]);
    sgf__buf_init(&text, &tokenizer->arena.mem);
    sgf__buf_init(&bytes, &tokenizer->arena.mem);
    for (i = 0; i < count; i++) {
        const sgf__token *token = sgf__token_at(tokenizer, ids[i]);
        if (token && !(token->flags & left_out))
            sgf__decode_token(tokenizer, token, &bytes, &text, err);
    }
    sgf__bytes_decode(&bytes, tokenizer->byte_level, &text, err);
    status = bytes.status ? bytes.status : text.status;
    if (tokenizer->decode_strip && text.len && text.ptr[0] == ' ')
        memmove(text.ptr, text.ptr + 1, --text.len);
    if (!status && out && text.len > cap)
        status = sgf__fail(err, SGF_ERR_LIMIT,
                           "the decoded text has %llu bytes, there is room for %llu",
                           (unsigned long long)text.len, (unsigned long long)cap);
    if (!status) {
        if (out && text.len) memcpy(out, text.ptr, text.len);
        *len = text.len;
    }
    sgf__buf_free(&text);
    sgf__buf_free(&bytes);
    return status;
}

/* ---- reading tokenizer.json ---- */

/* The first failure is kept in `status`, and nothing is undone: a reader goes on until its next loop or
   test of the status. What it reads is checked JSON, and what it writes stays within its bounds. */
typedef struct sgf__loader {
    sgf_tokenizer *t;
    sgf__json_doc doc;
    const char *part;   /* what is read, for messages */
    sgf__arena scratch; /* texts with escapes */
    sgf__buf pair;      /* a token, or the two of a merge */
    sgf_error *err;
    sgf_status status;
    int decoders;    /* see sgf__read_decoder */
    int no_cut;      /* see sgf__read_merges */
    int32_t made;    /* the token of the last merge */
    int32_t next_id; /* of an added token that is not in the vocabulary */
} sgf__loader;

/* sgf__bad(l, condition, "format", ...): what is wrong in the file, "FILE: PART: ...".
   sgf__unknown: what is not known here, "FILE: PART: ... is not supported". */
#define sgf__bad(l, condition, ...) \
    ((condition) ? sgf__loader_fail(l, SGF_ERR_FORMAT, "", __VA_ARGS__) : (void)0)
#define sgf__unknown(l, condition, ...)                                                       \
    ((condition) ? sgf__loader_fail(l, SGF_ERR_UNSUPPORTED, " is not supported", __VA_ARGS__) \
                 : (void)0)
static SGF__PRINTF(4, 5) void sgf__loader_fail(sgf__loader *l, sgf_status status, const char *end,
                                               const char *format, ...) {
    char text[900];
    va_list args;
    if (l->status) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    l->status = sgf__fail_at(l->err, status, l->doc.file, -1, "%s: %s: %s%s", l->doc.file, l->part,
                             text, end);
}
static void sgf__type_unknown(sgf__loader *l, sgf_str type, const char *known) {
    sgf__loader_fail(l, SGF_ERR_UNSUPPORTED, known, "%.*s is not supported here; known are ",
                     SGF__SHOWN(type));
}
/* Memory that lives as long as the tokenizer; NULL after a failure. */
static void *sgf__loader_alloc(sgf__loader *l, size_t count, size_t size) {
    void *ptr = l->status ? NULL : sgf__arena_alloc(&l->t->arena, count, size, l->err);
    if (!ptr && !l->status) l->status = SGF_ERR_MEMORY;
    return ptr;
}
/* The string *value, "" if it is none; *value becomes the next one. */
static sgf_str sgf__loader_take(sgf__loader *l, const char **value) {
    sgf_str text = *value ? sgf__json_take(&l->doc, value) : sgf_text("");
    if (text.ptr) return text;
    if (!l->status) l->status = SGF_ERR_MEMORY;
    return sgf_text("");
}
/* The value of `key`: true or false, `standard` where it is absent or null. */
static int sgf__loader_flag(sgf__loader *l, const char *value, const char *key, int standard) {
    int kind = sgf__json_kind(value);
    if (kind == SGF__ABSENT || kind == SGF__NULL) return standard;
    sgf__bad(l, kind != SGF__TRUE && kind != SGF__FALSE, "\"%s\" is neither true nor false", key);
    return kind == SGF__TRUE;
}
static int sgf__read_flag(sgf__loader *l, const char *object, const char *key, int standard) {
    return sgf__loader_flag(l, sgf__json_find(object, key), key, standard);
}
/* The same for a text, "" where it is absent or null. */
static sgf_str sgf__loader_text(sgf__loader *l, const char *value, const char *key) {
    int kind = sgf__json_kind(value);
    sgf__bad(l, kind != SGF__STRING && kind != SGF__ABSENT && kind != SGF__NULL,
             "\"%s\" is not a text", key);
    return sgf__loader_take(l, &value);
}
static sgf_str sgf__read_text(sgf__loader *l, const char *object, const char *key) {
    return sgf__loader_text(l, sgf__json_find(object, key), key);
}
/* The values of some members of an object; none may be there twice. */
static void sgf__read_members(sgf__loader *l, const char *object, const char *const *names,
                              size_t n, const char **values) {
    const char *twice = sgf__json_pick(object, names, n, values);
    sgf__bad(l, twice != NULL, "%s appears twice", twice ? twice : "");
}
/* A short zero-terminated copy that lives as long as the tokenizer. */
static sgf_str sgf__loader_keep(sgf__loader *l, sgf_str text) {
    char *copy;
    sgf__unknown(l, text.len > SGF__PART_BYTES, "the text \"%.*s\", longer than %d bytes,",
                 SGF__SHOWN(text), (int)SGF__PART_BYTES);
    copy = (char *)sgf__loader_alloc(l, text.len + 1, 1);
    if (!copy) return sgf_text("");
    if (text.len) memcpy(copy, text.ptr, text.len);
    return sgf__text_of(copy, text.len);
}

/* ---- normalizer, pre_tokenizer, decoder: readers of a component with its type ---- */

typedef void sgf__part_reader(sgf__loader *l, const char *at, sgf_str type);

/* A component of tokenizer.json: null, an object with a type, or a Sequence of them in `list`. */
static void sgf__read_part(sgf__loader *l, const char *at, const char *list,
                           sgf__part_reader *reader, int depth) {
    sgf_str type = sgf__read_text(l, at, "type");
    if (!at || *at == SGF__NULL || l->status) return;
    sgf__bad(l, !type.len, "it is not an object with a type");
    if (!sgf__str_is(type, "Sequence")) {
        if (!l->status) reader(l, at, type);
        return;
    }
    at = sgf__json_find(at, list);
    sgf__bad(l, sgf__json_kind(at) != SGF__ARRAY, "a Sequence without its list %s", list);
    sgf__unknown(l, depth == SGF__SEQUENCES, "a Sequence in %d others", (int)SGF__SEQUENCES);
    for (at = sgf__json_first(at); at && !l->status; at = sgf__json_next(at)) {
        sgf__bad(l, *at != SGF__OBJECT, "an entry of %s is not an object", list);
        sgf__read_part(l, at, list, reader, depth + 1);
    }
}
/* pattern {"String": from} and content: what Replace is made of. */
static void sgf__read_replace(sgf__loader *l, const char *at, sgf_str *from, sgf_str *to) {
    const char *pattern = sgf__json_find(at, "pattern"), *content = sgf__json_find(at, "content");
    *from = sgf__loader_keep(l, sgf__read_text(l, pattern, "String"));
    *to = sgf__loader_keep(l, sgf__loader_text(l, content, "content"));
    sgf__unknown(l, !from->len || sgf__json_find(pattern, "Regex"),
                 "a Replace by another pattern than a text (\"String\")");
    sgf__bad(l, !content, "a Replace without its content");
}
static void sgf__read_normalizer(sgf__loader *l, const char *at, sgf_str type) {
    static const char *const kinds[] = {"NFC", "Prepend", "Replace"}; /* SGF__STEP_* */
    sgf_tokenizer *t = l->t;
    sgf__step *step = &t->steps[t->step_count];
    while (step->kind < 3 && !sgf__str_is(type, kinds[step->kind])) step->kind++;
    if (step->kind == 3) sgf__type_unknown(l, type, "NFC, Prepend and Replace");
    sgf__unknown(l, t->step_count == SGF__STEPS, "a normalizer of more than %d steps",
                 (int)SGF__STEPS);
    if (l->status) return;
    if (step->kind == SGF__STEP_PREPEND) {
        step->to = sgf__loader_keep(l, sgf__read_text(l, at, "prepend"));
        sgf__bad(l, !sgf__json_find(at, "prepend"), "a Prepend without its text");
    } else if (step->kind == SGF__STEP_REPLACE) sgf__read_replace(l, at, &step->from, &step->to);
    if (t->step_count++) strcat(t->normalizer, " + ");
    strcat(t->normalizer, kinds[step->kind]);
}

/* ---- regular expressions as Oniguruma reads them, as far as published tokenizers go ---- */

typedef struct sgf__pattern {
    sgf__loader *l;
    sgf__regex *r;
    const char *begin, *at, *end;
    int fold, depth; /* it is in (?i: ); in so many groups */
    uint32_t before; /* the letter before, in (?i: ) */
} sgf__pattern;

/* From `at` on the expression is not known. */
static void sgf__pattern_unknown(sgf__pattern *p, const char *at) {
    sgf_str all = sgf__text_of(p->begin, (size_t)(p->end - p->begin));
    sgf__unknown(p->l, 1, "\"%.*s\", from byte %d of the regular expression \"%.*s\" on,",
                 (int)(p->end - at < 8 ? p->end - at : 8), at, (int)(at - p->begin),
                 (int)(all.len < 400 ? all.len : 400), all.ptr);
    p->at = p->end;
}
static int sgf__pattern_is(const sgf__pattern *p, const char *text) {
    size_t n = strlen(text);
    return (size_t)(p->end - p->at) >= n && !memcmp(p->at, text, n);
}
/* Is the text next? Then it is read. */
static int sgf__pattern_take(sgf__pattern *p, const char *text) {
    int is = sgf__pattern_is(p, text);
    if (is) p->at += strlen(text);
    return is;
}
static int sgf__pattern_is_any(const sgf__pattern *p, const char *characters) {
    return p->at < p->end && *p->at && strchr(characters, *p->at);
}
/* A new operation before number `at`. */
static sgf__op *sgf__op_add(sgf__pattern *p, size_t at, int kind) {
    sgf__regex *r = p->r;
    sgf__op *op = &r->ops[at];
    sgf__unknown(p->l, r->count == SGF__OPS, "a regular expression of more than %d operations",
                 (int)SGF__OPS);
    if (p->l->status) return op;
    memmove(op + 1, op, (r->count++ - at) * sizeof *op);
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->least = op->decided = 1;
    op->begin = op->end = (uint32_t)r->range_count;
    return op;
}
/* The operation takes the characters from first to last, too. */
static void sgf__op_range(sgf__regex *r, sgf__op *op, uint32_t first, uint32_t last) {
    for (; first <= last && first < 128; first++)
        op->takes[first >> 6] |= (uint64_t)1 << (first & 63);
    if (last < 128) return;
    r->ranges[r->range_count].first = first;
    r->ranges[r->range_count++].last = last;
    op->end++;
}
/* A character and, in (?i: ), its other forms. */
static void sgf__op_letter(sgf__pattern *p, sgf__op *op, uint32_t c) {
    uint32_t lower = c | 32;
    sgf__op_range(p->r, op, c, c);
    if (!p->fold) return;
    if (lower >= 'a' && lower <= 'z') sgf__op_range(p->r, op, c ^ 32, c ^ 32);
    if (lower == 's') sgf__op_range(p->r, op, 0x17F, 0x17F);
    if (lower == 'k') sgf__op_range(p->r, op, 0x212A, 0x212A);
}
static void sgf__op_kinds(const sgf__regex *r, sgf__op *op, uint32_t kinds) {
    uint32_t c;
    op->takes[2] |= kinds;
    for (c = 0; c < 128; c++)
        if (kinds >> sgf__uni_kind(r->unicode, c) & 1) sgf__op_range(NULL, op, c, c);
}
static void sgf__op_invert(sgf__op *op) {
    op->takes[0] = ~op->takes[0];
    op->takes[1] = ~op->takes[1];
    if (op->begin < op->end) op->inverted = 1;
    else op->takes[2] ^= (1 << SGF__UNI_KINDS) - 1;
}
/* The next character, perhaps after a backslash. For one like \s it is 0, and *kinds says which. */
static uint32_t sgf__pattern_char(sgf__pattern *p, uint32_t *kinds) {
    static const char *const names[] = {"s",     "d",    "p{L}", "p{Lu}", "p{Ll}", "p{Lt}", "p{Lm}",
                                        "p{Lo}", "p{M}", "p{N}", "p{Nd}", "p{P}",  "p{S}",  "p{Z}"};
    static const uint32_t sets[] = {
        SGF__UNI_SPACES, 1 << 7,          SGF__UNI_LETTERS, 1 << 1, 1 << 2, 1 << 3,  1 << 4,
        1 << 5,          1 << SGF__UNI_M, SGF__UNI_NUMBERS, 1 << 7, 1 << 9, 1 << 10, 1 << 11};
    static const char letters[] = "rntfv", controls[] = "\r\n\t\f\v";
    const char *begin = p->at, *letter;
    uint32_t code = 0;
    size_t i, n;
    *kinds = 0;
    p->at += sgf__utf8_next(p->at, (size_t)(p->end - p->at), &code);
    if (code != '\\') {
        if (p->fold && code > 127) sgf__pattern_unknown(p, begin);
        return code;
    }
    code = p->at < p->end ? (unsigned char)*p->at : 0;
    letter = code ? strchr(letters, (int)code) : NULL;
    for (i = 0; i < sizeof names / sizeof *names && !p->fold && !letter; i++) {
        n = strlen(names[i]);
        if ((code | 32) != (uint32_t)names[i][0] || (size_t)(p->end - p->at) < n ||
            memcmp(p->at + 1, names[i] + 1, n - 1) != 0)
            continue;
        *kinds = code & 32 ? sets[i]
                           : sets[i] ^ ((1 << SGF__UNI_KINDS) - 1); /* \S, \P{L}: all others */
        p->at += n;
        return 0;
    }
    if (letter) code = (uint32_t)controls[letter - letters];
    else if (code <= ' ' || code > 126 || (code >= '0' && code <= '9') ||
             ((code | 32) >= 'a' && (code | 32) <= 'z'))
        return sgf__pattern_unknown(p, begin), 0u;
    p->at++;
    return code;
}
/* After a '['. Classes inside it are parts of it. */
static void sgf__pattern_class(sgf__pattern *p, sgf__op *op) {
    int depth = 1, inverted = sgf__pattern_take(p, "^");
    const char *begin = p->at;
    uint32_t first, last, kinds;
    while (depth && p->at < p->end) {
        if (sgf__pattern_is(p, "[^") || sgf__pattern_is(p, "[:") || sgf__pattern_is(p, "&&") ||
            (p->at == begin && sgf__pattern_is(p, "]")))
            sgf__pattern_unknown(p, p->at);
        else if (sgf__pattern_take(p, "[")) depth++;
        else if (sgf__pattern_take(p, "]")) depth--;
        else {
            first = last = sgf__pattern_char(p, &kinds);
            if (kinds) sgf__op_kinds(p->r, op, kinds);
            else if (!sgf__pattern_is(p, "-") || sgf__pattern_is(p, "-]"))
                sgf__op_letter(p, op, first);
            else {
                p->at++;
                last = sgf__pattern_char(p, &kinds);
                if (kinds || last < first || p->fold) sgf__pattern_unknown(p, begin);
                else sgf__op_range(p->r, op, first, last);
            }
        }
    }
    if (depth) sgf__pattern_unknown(p, begin);
    if (inverted) sgf__op_invert(op);
}
static int sgf__pattern_number(sgf__pattern *p, int absent) {
    int number = sgf__pattern_is_any(p, "0123456789") ? 0 : absent;
    for (; sgf__pattern_is_any(p, "0123456789") && number < SGF__OPS; p->at++)
        number = number * 10 + (*p->at - '0');
    return number;
}
/* The quantifier, if there is one: at least and at most (-1: no limit) so many. Returns 1 if it is
   possessive: it takes as many as there are, or there is no match. */
static int sgf__pattern_count(sgf__pattern *p, int *least, int *most) {
    const char *begin = p->at;
    int possessive = 1;
    *least = *most = 1;
    if (sgf__pattern_take(p, "?")) *least = 0;
    else if (sgf__pattern_take(p, "*")) *least = 0, *most = -1;
    else if (sgf__pattern_take(p, "+")) *most = -1;
    else if (sgf__pattern_take(p, "{")) {
        possessive = 0;
        *least = *most = sgf__pattern_number(p, -1);
        if (sgf__pattern_take(p, ",")) *most = sgf__pattern_number(p, -1);
        if (*least < 0 && *most > 0) *least = 0;
        if (*least < 0 || !*most || (*most > 0 && *most < *least) || !sgf__pattern_take(p, "}"))
            sgf__pattern_unknown(p, begin);
    } else return 0;
    possessive = possessive && sgf__pattern_take(p, "+");
    if (sgf__pattern_is_any(p, "?*+{")) sgf__pattern_unknown(p, begin);
    return possessive;
}
static int sgf__pattern_alternatives(sgf__pattern *p);

/* At a '('. Returns 1 if the group may match nothing. */
static int sgf__pattern_group(sgf__pattern *p) {
    static const char *const kinds[] = {"(?=", "(?!", "(?:", "(?i:", "("};
    enum { AHEAD, NOT_AHEAD, PLAIN, FOLD, CAPTURE };
    const char *begin = p->at;
    size_t first = p->r->count;
    int kind = AHEAD, fold = p->fold, empty;
    while (!sgf__pattern_take(p, kinds[kind])) kind++;
    if ((kind == CAPTURE && sgf__pattern_is(p, "?")) || p->depth == SGF__SEQUENCES)
        sgf__pattern_unknown(p, begin);
    if (kind <= NOT_AHEAD) sgf__op_add(p, first, SGF__OP_LOOK)->inverted = kind == NOT_AHEAD;
    p->fold |= kind == FOLD;
    p->depth++;
    empty = sgf__pattern_alternatives(p);
    p->depth--;
    p->fold = fold;
    if (!sgf__pattern_take(p, ")")) sgf__pattern_unknown(p, begin);
    if (kind > NOT_AHEAD) return empty;
    sgf__op_add(p, p->r->count, SGF__OP_END);
    p->r->ops[first].to = (int32_t)(p->r->count - first);
    return 1;
}
/* A character or a class. */
static void sgf__pattern_single(sgf__pattern *p, sgf__op *op) {
    static const char pairs[] = "ssstfffifl"; /* single letters match these in (?i: ) */
    const char *begin = p->at;
    uint32_t kinds, c, before = p->before;
    size_t i;
    p->before = 0;
    if (sgf__pattern_take(p, "[")) sgf__pattern_class(p, op);
    else if (sgf__pattern_take(p, ".")) {
        sgf__op_range(p->r, op, '\n', '\n');
        sgf__op_invert(op);
    } else {
        c = sgf__pattern_char(p, &kinds);
        if (kinds) sgf__op_kinds(p->r, op, kinds);
        else sgf__op_letter(p, op, c);
        p->before = p->fold ? c | 32 : 0;
        for (i = 0; pairs[i]; i += 2)
            if (before == (uint32_t)pairs[i] && p->before == (uint32_t)pairs[i + 1])
                sgf__pattern_unknown(p, begin);
    }
}
/* One of these or a group, and its quantifier. Returns 1 if it may match nothing. */
static int sgf__pattern_item(sgf__pattern *p) {
    sgf__regex *r = p->r;
    size_t first = r->count;
    const char *begin = p->at, *end;
    int single = 0, empty = 0, least, most, possessive, i, copies;
    if (*begin == '(') empty = sgf__pattern_group(p);
    else if (sgf__pattern_take(p, "$")) empty = sgf__op_add(p, first, SGF__OP_LINE)->least;
    else if (sgf__pattern_is_any(p, "^*+?{")) sgf__pattern_unknown(p, begin);
    else sgf__pattern_single(p, sgf__op_add(p, first, SGF__OP_TAKE)), single = 1;
    end = p->at;
    possessive = sgf__pattern_count(p, &least, &most);
    if (p->l->status || end == p->at) return empty;
    if (single) { /* so many operations as there must be, and those that may */
        sgf__op op = r->ops[first];
        int many = most < 0, join = many && least && !possessive; /* the last of them is many */
        copies = many ? least + !join : most;
        for (i = 0; i < copies; i++) {
            op.least = i < least;
            op.many = many && i == copies - 1;
            op.decided = possessive || (op.least && !op.many);
            if (i) *sgf__op_add(p, r->count, SGF__OP_TAKE) = op;
            else r->ops[first] = op;
        }
        return !least;
    }
    if (empty || possessive || *end == '{') return sgf__pattern_unknown(p, begin), 1;
    if (!least) sgf__op_add(p, first, SGF__OP_FORK);
    else sgf__op_add(p, r->count, SGF__OP_FORK)->to = 2;
    if (most < 0) { /* back to the first */
        sgf__op_add(p, r->count, SGF__OP_JUMP);
        r->ops[r->count - 1].to = (int32_t)first - (int32_t)(r->count - 1);
    }
    if (!least) r->ops[first].to = (int32_t)(r->count - first);
    return !least;
}
/* Up to the end or a ')'. Returns 1 if it may match nothing. */
static int sgf__pattern_alternatives(sgf__pattern *p) {
    sgf__regex *r = p->r;
    size_t first = r->count, jump = 0, before; /* jump: the last JUMP to the end of all, + 1 */
    int empty = 0, this_empty = 1;
    while (p->at < p->end && *p->at != ')') {
        if (!sgf__pattern_take(p, "|")) {
            this_empty &= sgf__pattern_item(p);
            continue;
        }
        p->before = 0;
        empty |= this_empty;
        this_empty = 1;
        sgf__op_add(p, first, SGF__OP_FORK);
        sgf__op_add(p, r->count, SGF__OP_JUMP)->to = (int32_t)jump;
        jump = r->count;
        r->ops[first].to = (int32_t)(jump - first);
        first = jump;
    }
    for (; jump && !p->l->status; jump = before) {
        before = (size_t)r->ops[jump - 1].to;
        r->ops[jump - 1].to = (int32_t)(r->count - (jump - 1));
    }
    return empty | this_empty;
}
/* Add to `classes` those of the characters with which a match from operation `i` on may begin. */
static void sgf__regex_starts(const sgf__regex *r, size_t i, char *seen, uint64_t *classes) {
    for (; !seen[i]; i += r->ops[i].to ? (size_t)r->ops[i].to : 1) {
        const sgf__op *op = &r->ops[i];
        int k;
        seen[i] = 1;
        for (k = 0; k < 3 && (op->kind == SGF__OP_TAKE || op->kind == SGF__OP_END); k++)
            classes[k] |= op->kind == SGF__OP_END ? UINT64_MAX : op->takes[k];
        if (op->begin < op->end) classes[2] |= (1 << SGF__UNI_KINDS) - 1;
        if (op->kind == SGF__OP_END || (op->kind == SGF__OP_TAKE && op->least)) return;
        if (op->kind == SGF__OP_FORK) sgf__regex_starts(r, i + 1, seen, classes);
    }
}
/* Which choices need not be made: by the next character. */
static void sgf__regex_decide(sgf__regex *r) {
    size_t i, next;
    for (i = 0; i < r->count; i++) {
        char seen[SGF__OPS] = {0};
        sgf__regex_starts(r, i, seen, r->ops[i].starts);
    }
    for (i = 0; i + 1 < r->count; i++) {
        sgf__op *op = &r->ops[i];
        const uint64_t *after = r->ops[i + 1].starts;
        uint64_t kinds = op->begin < op->end ? (1 << SGF__UNI_KINDS) - 1 : op->takes[2];
        for (next = i + 1; r->ops[next].kind == SGF__OP_JUMP;) next += (size_t)r->ops[next].to;
        op->decided |= r->ops[next].kind == SGF__OP_END ||
                       !((after[0] & op->takes[0]) | (after[1] & op->takes[1]) |
                         (after[2] & kinds));
    }
}
/* One more split, by a regular expression or (`literal`) by a text. */
static void sgf__split_add(sgf__loader *l, sgf_str pattern, int literal, unsigned joins) {
    sgf_tokenizer *t = l->t;
    sgf__split *split = &t->splits[t->split_count];
    sgf__regex *r = &split->regex;
    sgf__pattern p;
    uint32_t code = 0;
    sgf__unknown(l, t->split_count == SGF__SPLITS, "more than %d splits", (int)SGF__SPLITS);
    memset(&p, 0, sizeof p);
    p.l = l;
    p.r = r;
    p.begin = p.at = pattern.ptr;
    p.end = p.at + pattern.len;
    split->joins = joins;
    r->unicode = &t->unicode;
    r->ops = (sgf__op *)sgf__loader_alloc(l, SGF__OPS + 1, sizeof *r->ops);
    r->ranges = (sgf__range *)sgf__loader_alloc(l, pattern.len + 1, sizeof *r->ranges);
    if (l->status) return;
    while (literal && p.at < p.end && !l->status) {
        p.at += sgf__utf8_next(p.at, (size_t)(p.end - p.at), &code);
        sgf__op_range(r, sgf__op_add(&p, r->count, SGF__OP_TAKE), code, code);
    }
    if (p.at < p.end) (void)sgf__pattern_alternatives(&p);
    if (p.at < p.end) sgf__pattern_unknown(&p, p.at);
    sgf__op_add(&p, r->count, SGF__OP_END);
    if (l->status) return;
    sgf__regex_decide(r);
    t->split_count++;
}
static void sgf__read_split(sgf__loader *l, const char *at) {
    static const struct {
        const char *name;
        unsigned joins;
    } behaviors[] = {{"Isolated", 0},
                     {"Removed", SGF__REMOVES},
                     {"MergedWithPrevious", 1 << 1},
                     {"MergedWithNext", 1 << 2},
                     {"Contiguous", 1 | 1 << 3}};
    const char *pattern = sgf__json_find(at, "pattern"), *behavior = sgf__json_find(at, "behavior");
    const char *regex = sgf__json_find(pattern, "Regex");
    sgf_str text = sgf__read_text(l, pattern, regex ? "Regex" : "String");
    int invert = sgf__read_flag(l, at, "invert", 0);
    size_t i = 0;
    while (i < 5 && !sgf__json_is(behavior, behaviors[i].name)) i++;
    sgf__bad(l, !text.len, "a Split without its pattern, a Regex or a String");
    sgf__bad(l, i == 5,
             "the behavior of a Split is none of Isolated, Removed, MergedWithPrevious, "
             "MergedWithNext and Contiguous");
    if (l->status) return;
    l->t->splits[l->t->split_count].invert = (unsigned)invert;
    sgf__split_add(l, text, !regex, behaviors[i].joins);
}
static void sgf__read_byte_level(sgf__loader *l, const char *at) {
    static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
                               "\\s+(?!\\S)|\\s+";
    sgf_tokenizer *t = l->t;
    int prefix = sgf__read_flag(l, at, "add_prefix_space", 1);
    sgf__unknown(l, prefix && t->split_count, "ByteLevel with add_prefix_space after another one");
    if (prefix) t->mark = sgf_text(" "), t->prepend = SGF__PREPEND_ALWAYS;
    t->byte_level = 1;
    if (sgf__read_flag(l, at, "use_regex", 1)) sgf__split_add(l, sgf_text(gpt2), 0, 0);
}
static void sgf__read_metaspace(sgf__loader *l, const char *at) {
    static const char *const schemes[] = {"never", "always", "first"}; /* SGF__PREPEND_* */
    sgf_tokenizer *t = l->t;
    sgf_str scheme = sgf__read_text(l, at, "prepend_scheme");
    int prefix = sgf__read_flag(l, at, "add_prefix_space", 1);
    uint32_t code;
    t->mark = sgf__loader_keep(l, sgf__read_text(l, at, "replacement"));
    sgf__bad(l, !t->mark.len || sgf__utf8_next(t->mark.ptr, t->mark.len, &code) != t->mark.len,
             "the replacement of Metaspace is not one character");
    while (scheme.len && t->prepend < 3 && !sgf__str_is(scheme, schemes[t->prepend])) t->prepend++;
    sgf__bad(l, t->prepend == 3, "prepend_scheme \"%.*s\" is not never, always or first",
             SGF__SHOWN(scheme));
    sgf__bad(l, t->prepend && !prefix, "add_prefix_space is false and prepend_scheme is \"%.*s\"",
             SGF__SHOWN(scheme));
    if (!scheme.len) t->prepend = prefix ? SGF__PREPEND_ALWAYS : SGF__PREPEND_NEVER;
    if (sgf__read_flag(l, at, "split", 1)) sgf__split_add(l, t->mark, 1, 1 << 2);
}
static void sgf__read_pre_tokenizer(sgf__loader *l, const char *at, sgf_str type) {
    sgf_tokenizer *t = l->t;
    int first = !t->pre_tokenizer[0], single = 0;
    sgf__unknown(l, t->byte_level || t->mark.len, "%.*s after %s", SGF__SHOWN(type),
                 t->byte_level ? "ByteLevel" : "Metaspace");
    if (sgf__str_is(type, "Split")) sgf__read_split(l, at);
    else if (sgf__str_is(type, "ByteLevel")) sgf__read_byte_level(l, at);
    else if (sgf__str_is(type, "Metaspace") && first) sgf__read_metaspace(l, at);
    else if (sgf__str_is(type, "Digits")) {
        single = sgf__read_flag(l, at, "individual_digits", 0);
        sgf__split_add(l, sgf_text(single ? "\\p{N}" : "\\p{N}+"), 0, 0);
    } else sgf__type_unknown(l, type, "ByteLevel, Split, Digits and Metaspace");
    if (l->status) return;
    if (!first) strcat(t->pre_tokenizer, " + ");
    strncat(t->pre_tokenizer, type.ptr, type.len);
}
/* Not byte-level: Replace, ByteFallback, Fuse, Strip in this order; only Fuse is a must. */
static void sgf__read_decoder(sgf__loader *l, const char *at, sgf_str type) {
    static const char *const kinds[] = {"Replace", "ByteFallback", "Fuse", "Strip"};
    enum { REPLACE, FALLBACK, FUSE, STRIP, KINDS };
    sgf_tokenizer *t = l->t;
    int kind = t->byte_level ? KINDS : REPLACE;
    int64_t start = 0, stop = 0;
    while (kind < KINDS && !sgf__str_is(type, kinds[kind])) kind++;
    if (t->byte_level && sgf__str_is(type, "ByteLevel")) kind = FUSE;
    if (kind < l->decoders || (kind == STRIP && l->decoders < STRIP)) kind = KINDS;
    if (kind == STRIP && (!sgf__json_is(sgf__json_find(at, "content"), " ") ||
                          !sgf__json_whole(&l->doc, sgf__json_find(at, "start"), 0, 1, &start) ||
                          !sgf__json_whole(&l->doc, sgf__json_find(at, "stop"), 0, 0, &stop)))
        kind = KINDS;
    if (kind == KINDS)
        sgf__type_unknown(
            l, type,
            "ByteLevel alone, or Replace, ByteFallback, Fuse, Strip of one space in order");
    if (kind == REPLACE) sgf__read_replace(l, at, &t->decode_from, &t->decode_to);
    t->decode_bytes |= kind == FALLBACK;
    t->decode_strip |= (int)start;
    l->decoders = kind + 1; /* the first kind that may follow */
}

/* ---- vocab and merges ---- */

/* The byte that a letter of a byte-level file spells; -1: none. Bytes that print stand for themselves,
   the others are U+0100, U+0101, ... in order (GPT-2's bytes_to_unicode). */
static int sgf__letter_byte(unsigned letter) {
    if (letter < 256)
        return (letter > 32 && letter < 127) || (letter > 160 && letter != 173) ? (int)letter : -1;
    letter -= 256;
    return letter < 33 ? (int)letter : letter < 67 ? (int)letter + 94 : letter == 67 ? 173 : -1;
}
/* A token as the file spells it -> the bytes that it encodes, in out (as long as it); returns their
   number. */
static size_t sgf__token_bytes(const sgf_tokenizer *t, sgf_str text, char *out, unsigned *raw) {
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t at = 0, n = 0;
    *raw = 0;
    while (t->byte_level && at < text.len) {
        int two = p[at] >= 0xC2 && p[at] <= 0xC5 && at + 1 < text.len, byte;
        byte = sgf__letter_byte(two            ? (p[at] & 0x1Fu) << 6 | (p[at + 1] & 0x3Fu)
                                : p[at] < 0x80 ? p[at]
                                               : 0);
        if (byte < 0) break;
        out[n++] = (char)byte;
        at += two ? 2 : 1;
    }
    if (t->byte_level && at == text.len) return n;
    *raw = t->byte_level ? SGF__TOKEN_RAW : 0;
    if (text.len) memcpy(out, text.ptr, text.len);
    return text.len;
}
/* The id of a token as the file spells it: of an added one, or of the vocabulary. -1 if there is none,
   or no memory. */
static int32_t sgf__token_id(const sgf_tokenizer *t, sgf_str token, sgf__buf *scratch,
                             sgf_error *err) {
    size_t n = 0;
    unsigned raw;
    const sgf__added *added = NULL;
    if (token.len) added = sgf__added_match(&t->all_added, token.ptr, token.len, &n);
    if (added && n == token.len) return added->id;
    scratch->len = 0;
    if (token.len > SGF__TOKEN_BYTES || sgf__buf_reserve(scratch, token.len, err)) return -1;
    n = sgf__token_bytes(t, token, scratch->ptr, &raw);
    return sgf__token_find(t, scratch->ptr, n, raw);
}
static int32_t sgf__loader_id(sgf__loader *l, sgf_str token) {
    int32_t id = sgf__token_id(l->t, token, &l->pair, l->err);
    if (!l->status) l->status = l->pair.status;
    return id;
}
/* The bytes of a token, from its spelling. */
static void sgf__token_spell(sgf__loader *l, sgf__token *token, sgf_str text) {
    sgf_tokenizer *t = l->t;
    unsigned raw;
    if (t->spare_len <= text.len) {
        t->spare_len = text.len < 65536 ? 65536 : text.len + 1;
        t->spare = (char *)sgf__loader_alloc(l, t->spare_len, 1);
        if (!t->spare) t->spare_len = 0;
    }
    if (!t->spare_len) return;
    token->len = (uint32_t)sgf__token_bytes(t, text, t->spare, &raw);
    token->text = t->spare;
    token->flags = (token->flags & ~(uint32_t)SGF__TOKEN_RAW) | raw;
    t->spare += token->len;
    t->spare_len -= token->len;
}
/* The token with the id that `number` spells gets its bytes. Nothing else may have that id. NULL after
   a failure. */
static sgf__token *sgf__token_put(sgf__loader *l, int64_t id, sgf_str text) {
    sgf_tokenizer *t = l->t;
    int64_t most = l->doc.end - l->doc.text;
    void *tokens = t->tokens;
    sgf__token *token;
    if (most < 1 << 20) most = 1 << 20;
    if (most >= INT32_MAX) most = INT32_MAX - 1;
    sgf__unknown(l, text.len > SGF__TOKEN_BYTES, "the token \"%.*s\", longer than %d bytes,",
                 SGF__SHOWN(text), (int)SGF__TOKEN_BYTES);
    sgf__bad(l, id < 0 || id > most,
             "the token \"%.*s\" has an id that is not a whole number from 0 to %ld",
             SGF__SHOWN(text), (long)most);
    if (!l->status)
        l->status = sgf__grow(&t->arena.mem, &tokens, &t->cap, (size_t)id + 1, sizeof(sgf__token),
                              l->err);
    if (l->status) return NULL;
    t->tokens = (sgf__token *)tokens;
    if (t->info.size <= (size_t)id) t->info.size = (size_t)id + 1;
    token = &t->tokens[id];
    sgf__bad(l, token->flags & SGF__TOKEN_HERE,
             "two tokens have the id %ld; the second is \"%.*s\"", (long)id, SGF__SHOWN(text));
    token->flags |= SGF__TOKEN_HERE;
    sgf__token_spell(l, token, text);
    return l->status ? NULL : token;
}
static void sgf__read_vocab(sgf__loader *l, const char *vocab) {
    sgf_tokenizer *t = l->t;
    size_t count = sgf__json_count(vocab);
    const char *at;
    t->entries = (sgf__token_slot *)sgf__loader_alloc(l, sgf__table_size(count),
                                                      sizeof *t->entries);
    t->slot_mask = sgf__table_size(count) - 1;
    t->tokens = (sgf__token *)sgf__alloc(&t->arena.mem, count, sizeof *t->tokens, l->err);
    if (t->tokens) t->cap = count;
    else l->status = SGF_ERR_MEMORY;
    for (at = sgf__json_first(vocab); at && !l->status; at = sgf__json_next(at)) {
        sgf_str text = sgf__loader_take(l, &at);
        int64_t number = 0;
        int whole = sgf__json_whole(&l->doc, at, 0, INT32_MAX - 1, &number);
        sgf__token *token = sgf__token_put(l, whole ? number : -1, text);
        sgf__token_slot *slot;
        if (!token) return;
        slot = sgf__token_slot_of(t, token->text, token->len, token->flags & SGF__TOKEN_RAW);
        sgf__bad(l, !slot, "its tokens collide in a hash table, as if made to");
        if (!slot) return;
        sgf__bad(l, slot->next_id != 0, "the token \"%.*s\" appears twice", SGF__SHOWN(text));
        slot->tag = (uint32_t)sgf__token_hash(token->text, token->len);
        slot->next_id = (int32_t)(token - t->tokens) + 1;
        t->info.tokens++;
    }
}

/* The token that the merge of the two texts in l->pair makes: merges are in the order of these, so the
   last one and the next one are tried first. */
static int32_t sgf__merge_makes(const sgf__loader *l, const char *bytes, size_t n, unsigned raw) {
    const sgf_tokenizer *t = l->t;
    int32_t id = l->made;
    for (; id < l->made + 2 && (size_t)id < t->info.size; id++)
        if (sgf__token_is(&t->tokens[id], bytes, n, raw)) return id;
    return sgf__token_find(t, bytes, n, raw);
}
static void sgf__merge_put(sgf__loader *l, sgf_str left, sgf_str right) {
    sgf_tokenizer *t = l->t;
    unsigned raw_left, raw_right;
    size_t n, m;
    int32_t a, b;
    char *bytes;
    sgf__merge *merge;
    l->pair.len = 0;
    l->status = sgf__buf_reserve(&l->pair, left.len + right.len, l->err);
    if (l->status) return;
    bytes = l->pair.ptr;
    n = sgf__token_bytes(t, left, bytes, &raw_left);
    m = sgf__token_bytes(t, right, bytes + n, &raw_right);
    a = sgf__token_find(t, bytes, n, raw_left);
    b = sgf__token_find(t, bytes + n, m, raw_right);
    if (raw_left || raw_right) { /* what they make is spelled, too */
        memcpy(bytes, left.ptr, n = left.len);
        memcpy(bytes + n, right.ptr, m = right.len);
    }
    l->made = sgf__merge_makes(l, bytes, n + m, raw_left | raw_right);
    sgf__bad(l, a < 0 || b < 0 || l->made < 0,
             "merge %lu, \"%.*s\" with \"%.*s\": %s is not in model.vocab",
             (unsigned long)t->info.merges + 1, SGF__SHOWN(left), SGF__SHOWN(right),
             a < 0   ? "the first"
             : b < 0 ? "the second"
                     : "what they make together");
    merge = sgf__merge_slot_of(t, a, b);
    sgf__bad(l, !merge, "its pairs collide in a hash table, as if made to");
    if (l->status) return;
    l->no_cut |= m >= 3 && !memcmp(bytes + n, SGF__MARK, 3) &&
                 (n < 3 || memcmp(bytes + n - 3, SGF__MARK, 3) != 0);
    merge->left = a;
    merge->right = b;
    merge->next_id = l->made + 1;
    merge->rank = (uint32_t)t->info.merges++; /* a pair that appears twice has its last rank */
}
/* One merge: "a b" or ["a", "b"]. */
static void sgf__read_merge(sgf__loader *l, const char *at) {
    const char *first = *at == SGF__ARRAY ? sgf__json_first(at) : at, *second = first, *space;
    sgf_str left = sgf__loader_take(l, &second), right = {"", 0};
    int texts = sgf__json_kind(first) == SGF__STRING;
    if (*at == SGF__ARRAY) {
        texts &= sgf__json_kind(second) == SGF__STRING;
        right = sgf__loader_take(l, &second);
        texts &= !second;
    } else if (texts) {
        if (left.len >= 8 && !memcmp(left.ptr, "#version", 8)) return; /* a header, not a merge */
        space = left.len ? (const char *)memchr(left.ptr, ' ', left.len) : NULL;
        if (space) {
            right = sgf__text_of(space + 1, left.len - (size_t)(space - left.ptr) - 1);
            left.len = (size_t)(space - left.ptr);
        }
        texts = space && (!right.len || !memchr(right.ptr, ' ', right.len));
    }
    sgf__bad(l, !texts, "merge %lu is neither a text with one space nor a pair of texts",
             (unsigned long)l->t->info.merges + 1);
    if (!l->status) sgf__merge_put(l, left, right);
}
/* Where no token has a mark after something else, words are cut at marks: no merge crosses them. */
static void sgf__read_merges(sgf__loader *l, const char *merges) {
    sgf_tokenizer *t = l->t;
    const char *at = sgf__json_first(merges);
    size_t size = sgf__table_size(sgf__json_count(merges));
    t->merges = (sgf__merge *)sgf__loader_alloc(l, size, sizeof *t->merges);
    t->merge_mask = size - 1;
    l->no_cut = t->byte_level || t->info.ignore_merges || t->split_count ||
                sgf__token_find(t, SGF__MARK, 3, 0) < 0;
    for (; at && !l->status; at = sgf__json_next(at)) sgf__read_merge(l, at);
    if (l->no_cut) return;
    sgf__split_add(l, sgf_text(SGF__MARK "+"), 0, 1 << 2);
}
static void sgf__read_model(sgf__loader *l, const char *model) {
    enum { TYPE, UNK, PREFIX, SUFFIX, VOCAB, MERGES, DROPOUT, IGNORE, FALLBACK, FUSE, KEYS };
    static const char *const keys[KEYS] = {"type",
                                           "unk_token",
                                           "continuing_subword_prefix",
                                           "end_of_word_suffix",
                                           "vocab",
                                           "merges",
                                           "dropout",
                                           "ignore_merges",
                                           "byte_fallback",
                                           "fuse_unk"};
    sgf_tokenizer *t = l->t;
    const char *dropout;
    const char *at[KEYS];
    sgf_str text[SUFFIX + 1], unk;
    int i;
    sgf__read_members(l, model, keys, KEYS, at);
    dropout = at[DROPOUT];
    for (i = TYPE; i <= SUFFIX; i++) text[i] = sgf__loader_text(l, at[i], keys[i]);
    unk = text[UNK];
    sgf__unknown(l, text[TYPE].len && !sgf__str_is(text[TYPE], "BPE"),
                 "the type %.*s (known is BPE)", SGF__SHOWN(text[TYPE]));
    for (i = PREFIX; i <= SUFFIX; i++) sgf__unknown(l, text[i].len > 0, "%s", keys[i]);
    sgf__unknown(
        l,
        dropout && *dropout != SGF__NULL &&
            !(sgf__json_kind(dropout) == SGF__NUMBER && sgf__json_number(&l->doc, dropout) == 0),
        "dropout (random merges, for training; set it to null)");
    t->info.ignore_merges = sgf__loader_flag(l, at[IGNORE], keys[IGNORE], 0);
    t->byte_fallback = sgf__loader_flag(l, at[FALLBACK], keys[FALLBACK], 0);
    t->fuse_unk = sgf__loader_flag(l, at[FUSE], keys[FUSE], 0);
    sgf__unknown(l, t->byte_level && t->byte_fallback,
                 "byte_fallback together with a ByteLevel pre_tokenizer");
    l->part = "model.vocab";
    sgf__bad(l, sgf__json_kind(at[VOCAB]) != SGF__OBJECT, "no object of tokens and ids");
    if (!l->status) sgf__read_vocab(l, at[VOCAB]);
    l->part = "model.merges";
    sgf__bad(l, sgf__json_kind(at[MERGES]) != SGF__ARRAY, "no list");
    if (!l->status) sgf__read_merges(l, at[MERGES]);
    l->part = "model";
    if (l->status || !unk.len) return;
    t->unk = sgf__loader_id(l, unk);
    sgf__bad(l, t->unk < 0, "unk_token \"%.*s\" is not in model.vocab", SGF__SHOWN(unk));
}

/* ---- added tokens, post_processor, tables ---- */

/* As Hugging Face does, whatever "id" the file gives: a token that is known already keeps its id; any
   other one gets the next free id, in the order of the list. */
static void sgf__read_added_item(sgf__loader *l, const char *at, sgf__added *out) {
    static const char *const flags[] = {"lstrip", "rstrip", "special", "normalized"};
    sgf_tokenizer *t = l->t;
    sgf_str text = sgf__read_text(l, at, "content");
    int32_t id = sgf__loader_id(l, text);
    sgf__token spelled = {NULL, 0, 0};
    int64_t again;
    int i;
    sgf__bad(l, !text.len, "entry %lu needs a content (not empty)",
             (unsigned long)t->info.added + 1);
    sgf__unknown(l, sgf__read_flag(l, at, "single_word", 0), "\"%.*s\" with single_word",
                 SGF__SHOWN(text));
    if (l->next_id < (int32_t)t->info.tokens) l->next_id = (int32_t)t->info.tokens;
    if (id < 0 && sgf__json_whole(&l->doc, sgf__json_find(at, "id"), 0, l->next_id - 1, &again) &&
        sgf__token_at(t, (int32_t)again)) {
        sgf__token_spell(l, &spelled, text);
        if (!l->status &&
            sgf__token_is(&t->tokens[again], spelled.text, spelled.len, spelled.flags))
            id = (int32_t)again; /* it is there twice; see sgf__added_init */
    }
    if (id < 0) (void)sgf__token_put(l, id = l->next_id, text);
    if (id >= l->next_id) l->next_id = id + 1;
    out->id = id;
    for (i = 0; i < 4; i++)
        if (sgf__read_flag(l, at, flags[i], i == 3 && !(out->flags & SGF__SPECIAL)))
            out->flags |= 1u << i;
    out->text = sgf__loader_keep(l, text);
    if (l->status) return;
    if (out->flags & SGF__SPECIAL) t->tokens[id].flags |= SGF__TOKEN_SPECIAL;
    t->info.added++;
}
/* An added token that is looked for in normalised text: its text, normalised. It is also decoded to
   that, if it is not in the vocabulary. */
static void sgf__added_normalize(sgf__loader *l, sgf__added *added, sgf__buf *bufs) {
    int32_t known = sgf__loader_id(l, added->text);
    if (!l->status) l->status = sgf__normalize(l->t, added->text, bufs, &added->text, l->err);
    added->text = sgf__loader_keep(l, added->text);
    if (!l->status && known < 0) sgf__token_spell(l, &l->t->tokens[added->id], added->text);
}
/* The added tokens whose flags, masked, are `value`, as they are to be found in the text. */
static void sgf__added_init(sgf__loader *l, unsigned mask, unsigned value, sgf__added_set *set) {
    sgf_tokenizer *t = l->t;
    sgf__buf bufs[2];
    size_t i, b, n = 0;
    sgf__added *copies = (sgf__added *)sgf__loader_alloc(l, t->info.added, sizeof *copies);
    sgf__added *items = (sgf__added *)sgf__loader_alloc(l, t->info.added, sizeof *items);
    void **order = (void **)sgf__loader_alloc(l, t->info.added, sizeof *order);
    sgf__buf_init(&bufs[0], &t->arena.mem);
    sgf__buf_init(&bufs[1], &t->arena.mem);
    for (i = 0; !l->status && i < t->info.added; i++) {
        if ((t->added[i].flags & mask) != value) continue;
        copies[n] = t->added[i];
        order[n] = &copies[n];
        if (value) sgf__added_normalize(l, &copies[n], bufs);
        n += copies[n].text.len > 0;
    }
    sgf__buf_free(&bufs[0]);
    sgf__buf_free(&bufs[1]);
    if (l->status) return;
    sgf__sort(order, n, sgf__text_compare);
    for (i = 0; i < n; i++) { /* one that is there twice with the same id and flags counts once */
        const sgf__added *item = (const sgf__added *)order[i], *last = items + set->count - 1;
        int again = set->count && !sgf__text_compare(last, item);
        sgf__bad(l, again && (last->id != item->id || last->flags != item->flags),
                 "\"%.*s\" appears twice%s", SGF__SHOWN(item->text), value ? " (normalized)" : "");
        if (!again) items[set->count++] = *item;
    }
    for (i = 0, b = 0; b <= 256; b++) {
        while (i < set->count && (unsigned char)items[i].text.ptr[0] < b) i++;
        set->first[b] = i;
    }
    set->items = items;
}
static void sgf__read_added(sgf__loader *l, const char *list) {
    sgf_tokenizer *t = l->t;
    int kind = sgf__json_kind(list), strips = 0;
    const char *at;
    size_t i;
    sgf__bad(l, kind != SGF__ABSENT && kind != SGF__NULL && kind != SGF__ARRAY, "it is not a list");
    t->added = (sgf__added *)sgf__loader_alloc(l, sgf__json_count(list), sizeof *t->added);
    for (at = sgf__json_first(list); at && !l->status; at = sgf__json_next(at))
        sgf__read_added_item(l, at, &t->added[t->info.added]);
    for (i = 0; i < t->info.added; i++) strips |= (t->added[i].flags & SGF__RSTRIP) != 0;
    for (i = 0; i < t->info.added; i++) /* Hugging Face has no rule where they overlap */
        sgf__unknown(
            l, strips && sgf__is_space(t->added[i].text.ptr[0]),
            "\"%.*s\", which begins with white space, next to one that strips it (rstrip),",
            SGF__SHOWN(t->added[i].text));
    sgf__added_init(l, SGF__NORMALIZED, 0, &t->raw_added);
    sgf__added_init(l, SGF__NORMALIZED, SGF__NORMALIZED, &t->normal_added);
    sgf__added_init(l, 0, 0, &t->all_added); /* from here on, sgf__token_id finds them */
}

/* A template: "single" is a list of {"SpecialToken": {"id": name}}, whose ids "special_tokens" lists,
   and of one {"Sequence": {"id": "A"}}, the text. */
static void sgf__read_post_processor(sgf__loader *l, const char *at, sgf_str type) {
    sgf_tokenizer *t = l->t;
    const char *single = sgf__json_find(at, "single"), *all = sgf__json_find(at, "special_tokens");
    size_t *count = &t->before_count;
    int64_t id = -1;
    if (sgf__str_is(type, "ByteLevel")) return; /* it moves offsets, which are not computed here */
    if (!sgf__str_is(type, "TemplateProcessing"))
        sgf__type_unknown(l, type, "TemplateProcessing and ByteLevel");
    sgf__bad(l, sgf__json_kind(single) != SGF__ARRAY, "\"single\" is not a list");
    /* each entry is looked up in special_tokens */
    sgf__unknown(l, sgf__json_count(single) > SGF__AROUND + 1,
                 "\"single\" with more than %d entries", (int)SGF__AROUND + 1);
    sgf__unknown(l, t->before_count || t->after_count, "a second template");
    for (at = sgf__json_first(single); at && !l->status; at = sgf__json_next(at)) {
        const char *token = sgf__json_find(at, "SpecialToken");
        const char *text = sgf__json_find(sgf__json_find(at, "Sequence"), "id"), *ids;
        sgf_str name = sgf__loader_keep(l, sgf__read_text(l, token, "id"));
        if (!token && sgf__json_is(text, "A") && count == &t->before_count) {
            count = &t->after_count;
            continue;
        }
        sgf__unknown(l, !token, "\"single\" of other entries than SpecialToken and one Sequence A");
        ids = sgf__json_find(sgf__json_find(all, name.ptr), "ids");
        sgf__bad(l, sgf__json_kind(ids) != SGF__ARRAY, "\"%.*s\" is not among its special_tokens",
                 SGF__SHOWN(name));
        for (ids = sgf__json_first(ids); ids && !l->status; ids = sgf__json_next(ids)) {
            sgf__bad(l,
                     !sgf__json_whole(&l->doc, ids, 0, INT32_MAX - 1, &id) ||
                         !sgf__token_at(t, (int32_t)id),
                     "\"%.*s\" has an id that no token has", SGF__SHOWN(name));
            sgf__unknown(l, *count == SGF__AROUND, "a template of more than %d ids",
                         (int)SGF__AROUND);
            if (!l->status)
                (count == &t->before_count ? t->before : t->after)[(*count)++] = (int32_t)id;
        }
    }
    sgf__unknown(l, count == &t->before_count, "\"single\" without Sequence A");
}

/* Tables for single bytes and characters; not byte-level, tokens spelled <0xNN> (also in small letters)
   decode to that byte. */
static void sgf__bytes_init(sgf_tokenizer *t) {
    char name[8], four[4] = {'0', '0', '0', '0'}, byte;
    uint32_t value;
    size_t i;
    for (i = 0; i < 256; i++) {
        byte = (char)i;
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
        t->letter_id[i] = sgf__token_find(t, &byte, 1, 0);
        t->byte_id[i] = t->byte_fallback ? sgf__token_find(t, name, 6, 0) : -1;
    }
    for (i = 0; t->decode_bytes && i < t->info.size; i++) {
        sgf__token *token = &t->tokens[i];
        if (token->len != 6 || memcmp(token->text, "<0x", 3) != 0 || token->text[5] != '>')
            continue;
        memcpy(four + 2, token->text + 3, 2);
        if (sgf__hex4(four, &value)) token->flags |= SGF__TOKEN_BYTE | value << 8;
    }
}
static void sgf__read_tokenizer(sgf__loader *l) {
    enum { NORMALIZER, PRE, DECODER, MODEL, ADDED, POST, KEYS };
    static const char *const keys[KEYS] = {"normalizer", "pre_tokenizer", "decoder",
                                           "model",      "added_tokens",  "post_processor"};
    sgf_tokenizer *t = l->t;
    const char *at[KEYS];
    size_t i;
    int nfc = 0;
    sgf__read_members(l, l->doc.root, keys, KEYS, at);
    sgf__bad(l, sgf__json_kind(at[MODEL]) != SGF__OBJECT, "no \"model\", an object");
    l->part = keys[NORMALIZER];
    sgf__read_part(l, at[NORMALIZER], "normalizers", sgf__read_normalizer, 0);
    for (i = 0; i < t->step_count; i++) nfc |= t->steps[i].kind == SGF__STEP_NFC;
    if (!l->status) l->status = sgf__unicode_init(&t->unicode, nfc, &t->arena, l->err);
    l->part = keys[PRE];
    sgf__read_part(l, at[PRE], "pretokenizers", sgf__read_pre_tokenizer, 0);
    l->part = keys[DECODER];
    sgf__read_part(l, at[DECODER], "decoders", sgf__read_decoder, 0);
    sgf__unknown(l, l->decoders < 3, "none, or one without Fuse,");
    l->part = keys[MODEL];
    if (!l->status) sgf__read_model(l, at[MODEL]);
    if (l->status) return;
    l->part = keys[ADDED];
    sgf__read_added(l, at[ADDED]);
    l->part = keys[POST];
    t->has_post = at[POST] && *at[POST] != SGF__NULL;
    sgf__read_part(l, at[POST], "processors", sgf__read_post_processor, 0);
    sgf__bytes_init(t);
}

/* ---- tokenizer_config.json ---- */

/* The id of the token "<s>" or {"content": "<s>", ...}, or -1. */
static int32_t sgf__read_config_token(sgf__loader *l, const char *key) {
    const char *value = sgf__json_find(l->doc.root, key);
    sgf_str token;
    if (sgf__json_kind(value) == SGF__OBJECT) value = sgf__json_find(value, "content");
    token = sgf__loader_take(l, &value);
    return token.len ? sgf__loader_id(l, token) : -1;
}
/* What the folder's tokenizer_config.json adds. The tokens around a text are those of
   tokenizer.json's post_processor; only if it has none does add_bos_token count, as in
   transformers 5. */
static void sgf__read_config(sgf__loader *l) {
    sgf_tokenizer *t = l->t;
    sgf_tokenizer_info *info = &t->info;
    const char *root = l->doc.root;
    int add_eos = sgf__read_flag(l, root, "add_eos_token", 0);
    info->bos = sgf__read_config_token(l, "bos_token");
    info->eos = sgf__read_config_token(l, "eos_token");
    info->clean_up = sgf__read_flag(l, root, "clean_up_tokenization_spaces", 0);
    info->config_add_bos = sgf__read_flag(l, root, "add_bos_token", -1);
    if (t->has_post) return;
    if (info->config_add_bos == 1 && info->bos >= 0) t->before[t->before_count++] = info->bos;
    if (add_eos && info->eos >= 0) t->after[t->after_count++] = info->eos;
}

/* One of the two files. */
static sgf_status sgf__loader_run(sgf_tokenizer *t, const char *file, const char *text, size_t size,
                                  void (*reader)(sgf__loader *), sgf_error *err) {
    sgf__loader l;
    memset(&l, 0, sizeof l);
    l.t = t;
    l.part = "the file";
    l.err = err;
    sgf__arena_init(&l.scratch, &t->arena.mem);
    sgf__buf_init(&l.pair, &t->arena.mem);
    l.status = sgf__json_open_object(&l.doc, file, text, size, &l.scratch, err);
    if (!l.status) reader(&l);
    sgf__arena_free(&l.scratch);
    sgf__buf_free(&l.pair);
    return l.status;
}
/* tokenizer.json from memory, which may be freed afterwards. */
static sgf_status sgf__tokenizer_parse(const char *file, const char *text, size_t size,
                                       const sgf_allocator *mem, sgf_tokenizer **out,
                                       sgf_error *err) {
    sgf_allocator allocator = sgf__allocator(mem);
    sgf_tokenizer *t = (sgf_tokenizer *)sgf__alloc(&allocator, 1, sizeof *t, err);
    sgf_status status;
    if (!t) return SGF_ERR_MEMORY;
    sgf__arena_init(&t->arena, mem);
    t->unk = t->info.bos = t->info.eos = t->info.config_add_bos = -1;
    status = sgf__loader_run(t, file, text, size, sgf__read_tokenizer, err);
    if (t->before_count) t->info.bos = t->before[0];
    if (t->after_count) t->info.eos = t->after[t->after_count - 1];
    if (status) sgf_tokenizer_free(t);
    else *out = t;
    return status;
}
SGF_DEF sgf_status sgf_tokenizer_load(const char *dir, const sgf_allocator *mem,
                                      sgf_tokenizer **out, sgf_error *err) {
    sgf_tokenizer *t = NULL;
    sgf__folder f;
    sgf__file *file;
    sgf__folder_init(&f, dir, mem, err);
    file = sgf__folder_file(&f, sgf_text("tokenizer.json"), 0);
    if (file)
        f.status = sgf__tokenizer_parse(file->path, file->map.data, file->map.size, mem, &t, err);
    file = f.status ? NULL : sgf__folder_file(&f, sgf_text("tokenizer_config.json"), 1);
    if (file)
        f.status = sgf__loader_run(t, file->path, file->map.data, file->map.size, sgf__read_config,
                                   err);
    if (f.status) sgf_tokenizer_free(t);
    else *out = t;
    sgf__folder_close(&f);
    return f.status;
}
SGF_DEF void sgf_tokenizer_free(sgf_tokenizer *tokenizer) {
    sgf_allocator mem;
    if (!tokenizer) return;
    mem = tokenizer->arena.mem;
    sgf__free(&mem, tokenizer->tokens, tokenizer->cap, sizeof(sgf__token));
    sgf__arena_free(&tokenizer->arena);
    sgf__free(&mem, tokenizer, 1, sizeof *tokenizer);
}

/* ---- questions about a tokenizer ---- */

SGF_DEF int32_t sgf_token_id(const sgf_tokenizer *tokenizer, sgf_str token) {
    sgf__buf scratch;
    int32_t id;
    sgf__buf_init(&scratch, &tokenizer->arena.mem);
    id = token.len ? sgf__token_id(tokenizer, token, &scratch, NULL) : -1;
    sgf__buf_free(&scratch);
    return id;
}
SGF_DEF sgf_str sgf_token_text(const sgf_tokenizer *tokenizer, int32_t id) {
    const sgf__token *token = sgf__token_at(tokenizer, id);
    return token ? sgf__text_of(token->text, token->len) : sgf_text("");
}
SGF_DEF void sgf_tokenizer_describe(const sgf_tokenizer *tokenizer, sgf_tokenizer_info *out) {
    const sgf_tokenizer *t = tokenizer;
    *out = t->info;
    out->kind = t->byte_level ? "byte-level BPE" : t->byte_fallback ? "byte-fallback BPE" : "BPE";
    out->normalizer = t->step_count ? t->normalizer : "none";
    out->pre_tokenizer = t->pre_tokenizer[0] ? t->pre_tokenizer : "none";
    out->adds_bos = out->bos >= 0 && t->before_count && t->before[0] == out->bos;
    out->adds_eos = out->eos >= 0 && t->after_count && t->after[t->after_count - 1] == out->eos;
}
SGF_DEF int32_t sgf_tokenizer_added(const sgf_tokenizer *tokenizer, size_t index, sgf_str *text,
                                    int *special) {
    const sgf__added *added;
    if (index >= tokenizer->info.added) return -1;
    added = &tokenizer->added[index];
    if (text) *text = added->text;
    if (special) *special = (added->flags & SGF__SPECIAL) != 0;
    return added->id;
}

/* ====================================================================================
 * [SGF-25] Unicode tables
 *
 * General categories are those of Unicode 16, combining classes and decompositions those of
 * Unicode 9: Hugging Face's regular expressions and its NFC know these. The tables are printed
 * by tests/golden/unicode_tables.py as numbers in base 27: see sgf__uni_number.
 * Loading a tokenizer unpacks them, so that looking up a character is one load.
 *
 * Normal form C (Unicode Standard Annex 15): decompose, sort runs of combining marks by class,
 * compose. A character is stable if no character before it changes it; a text of stable
 * characters is copied.
 * ==================================================================================== */

static const char sgf__uni_table_kinds[] =
    "n%p#w*.L-}#-]j&<M<q/L-,-r/,-,-t#/p/.,n#,=(,-#^;-%<-+(,K,w--j$m.-{$iA5q)5{;4%RE4%$%4%D5T%4%DE4"
    "%4%c4%$5$%4%D%$%45($EX$&%$&%$&%q)5v*5$&%$%D%nBk$4%45$%T%x$dI(g0{*^l'w(h#s$'-'q*ucc'-$%3'E,$S="
    "$,D#$#4%h*#o%{4$5DEj.f#$%-$%45l>s<x4-o$t@4%g'5qY#t63'}#o8<3M#}:,),9,9,)y$j0SX<g*M<-<=y&,#Li3'"
    "h&w,j&]8)|Z,(o$#-z#79-Y8j&H=(v(3()d2k03~Ty&(m(j&y3t%7-L'3)=k-Y't%'I'j#3k)#e/I3,#x&d#p.-y#y$t%"
    "r8'q.#z3j@I(}*(o$h&9<j&,'g)I#~$383k-#n$#(CX3)(o$393I(y$)S8#H93j&8=|#=(,)3I#y#S83k-#n$#8#8#83)"
    "#j#S93IC)i$X#(i$j&9H),~%I#s%#H#k-#n$#8#i#3)(d%#I#I3(}(893j&,-i$(z##I#~$383k-#n$#8#i#3)(o$393I"
    "i$IS8#H93j&-(|#~%)(#y#CH#XC8#(#8C8CHCm'Sj#CI#Y3(t#)m(j&Kh%d#j#~$#H#{-#w)3)(o$#I#Yi$9#H3(3893j"
    "&i$,q$-(I,~$#H#{-#h&#i#3)(o$#I#Yi$9t#8#893j&#8)h'Ys%#H#r89(o$#I#Y(-SH)q$H93j&v%-y##I#|*Cp.#s%"
    "#(3n$C)Sz##)#d%t#j&39,h'v<)8o$S-y#'d%,j&<~58#(#i##p.#(#h&)8t%(3i##'#o$#j&3Xd3(Mk)-,M9~#j&k&-)"
    "-)-)]9~$#s5Sg,,9i#y&#t5#h%)~##=m#^<~5w9g,(j&}#y#YXI(I8o$HY}'n'()j&Y=t6#$d#$3t9,'Eix'#X3n$#(#X"
    "3r8#X3y3#X3n$#(#X3g)#dB#X3}G3Iw%i,Cw)m&t#eS3v#3,ug.-,l*.u/<CvLLK~$i$|*Yn%q+I<n%|*9h'}'#H#9h'e"
    "?j3L'L-()3j&t#k&t#|&I#)j&t#~4'u?i$i#9n4)(d#wI~%t2#n'Sn'S-C<j&d23i#s&l:Su/t#j&+Cs4{-j#3<u?i&#p"
    "13)j&t#j&t#r$'}#3u2f=j#f<m*~$#<j&r$m&t%x%LId2~'8j&l:s(y$]s5g,Cm#j&CHj&d2x#<p%$%d#s93Dg%y$I,w,"
    "X)y#)8I(d#i:rEz''k4g6iF|y#p%fZp%z$v#3u#3{$z${$z$v#3u#3{$#$#$#$#${$z$o(3{$|${$|${$|$f##5T&-%ME"
    "#5T&MU35T#M{$e#M3E#5T&=#~&d#t.>d#.j,-f(-q'.r)+'3|#M<'k&M<#|'C~3}(z3}(=$^$=%D5D%-$Me#~#$-$-$-T"
    "-%T%X%=54n#$U^%-s>$%l#=Sjy(]t1<rg&f-}&q,|CuNn-pe.v(g2p=<y2l&jn)o-xE]n3<ex(3n3#u_r<s<$%D5h$T%$"
    "5$v#7D%fZ5~#cI$%d#]+<u6#%d#%3oAi$',m(){-n%n$#n$#n$#n$#n$#n$#n$#n$#j3j<'m3=q'i4z/#hUh'jj%p/|)."
    "L-'(+l&=q'-v%z#,h#=K'(,=#iS39=7(,sU,G(d#w9#}W#=[m&i3}6n%-w)y2#k&i2f%-j)n3k&r7j)es'ti|%mFnwt1'"
    "st9CdAn%}7x#<eo&'Lw)j&8|+{;(Y,i&,'i179wIk&9}#y$e.r%=l(EmE'{$c4%m%'=c(REp,e#%e#%|(T%$%4%3$%#%#"
    "%x$q,G$%(7%n$)H)X){-j#^)C|#^t#e?]y$9{=}*y$<j&t#}*y#L(,8)j&z0d%<{-~'s&,o1CYf<s(f(#'j&S<i#)'s%j"
    "&i##r8s(n%H)~$93j&3]w)'y#M(I{=)(I89i#9()(k.8'<x&j#<(79~%y#3y#3y#n%n$#n$#t9-Wp%'=SrO~4d%,93j&t"
    "#vwt)h'{-Sk=udo'gs(3e`s6k$h'f#d#()h&-}'#i##(#8#8#jaq*r)mq(<|)hF3j@i$-d3m'^x)l&t#x)g5#v(-,M#,-"
    "<Si##jq#SL-}#-]j&<M<q/L-,-r/,-,-r$h&'|:7t2Cy#3y#3y#3HCs$#s$x'=3m'#u/#q+#8#g)3r(i4gj#d#LSd;Cx%"
    "gBq*;M#g(C-|;f;)fn#o1Ck=}()m0Si3[n%f,+~$+d#x6j#d#d2#,s5S~$,l#}8y7z7pN3j&t#o5Sp5S}7y$e?s&,t&#~"
    "(#j$#4#u&#d)#k$#5Ce?h'rm'n%k-~%~$k.x##f9#r%}Hy#3(#l:#8C(3{-#,f%{-=q$t2y$v%q<q+#8d#l#k-|#C,u/d"
    "#,~EoAS;8z)3t;(I#9d#YX#H#o13IS)v%i$w%i$o1;,o1Kd3~$-z09Sl#r$n%j@Cr$k-3f%q+d#f%|*i$]h'q$pOqKu@l"
    ">x'm>i$|#s5Yy$j&t#j&X'(g-Cj#,'h-y$=lf%w2#g9#9,38r)Hu@Yo1k&(y$k-y&[m#f-|*Y]s6v,q$|+{-n%Iu?h)r$"
    "Si,j&)89(n%Y|:y&<#])x'e/i$j&t#Is5s(#j&](9(y$~4)<(n%Iv<s(X]Y,9j&(,(L#i,s&|*#e/n'}#)8)yDn$#(#X#"
    "g)#h&,t#f<n'd#j&t#Y#~$383k-#n$#8#i##9(o$393I3(t#)d#i#93o$Cj#s&h&#(3(#x6#(t%#)3)#Y#j#()(<#<y$9"
    "j1u?}*Xm#j&<#,)Hz1v<g,8,(y$j&oh$f<o$3t%d.X9i4v<m*L(s&j&t#f(l+w9~'(,t#j&t#h,u0j03h)Sj&;L-n$vs$"
    "l:h),l[e3f3j&v%h'~$3(3~$#8#p.z##93Y()(9Ln%j&rI~$3m7o$3o$(,()e0(i&}7o$(Yg%)y$(y&q;x)L(m#x'qKi$"
    "l&|q$y3,m(j&t#s%#h6d%#d%(m#~%j&t+C<d23l-#s(lKn$#8#x6z#C)#9#o$()y$j&t#y##8#i3j##9#j#(i$j&xl'q+"
    "Y<i$9()}'#n4o$Cj#f(j&)oR(}(y,t1x',tx4q]gc#m#s&nz$gnZwY<x'qe8r))y#h)~%uiy#d#wl-~uf&d2}*j&tsFod"
    "-i$t2#j&S<eO#j&t#d23j#,~%v<o$m#^W,-~%j&#q$#v,d#q+ed*G}77Lj&n{$e3f3~-]|[vLS)({@i$Y|'~E7,')s&9m"
    "(nir%y${v;m8h&{ty'W#m$#7#v|&}((j1H3(m(Xy$|i)xhSu`d#}'Cs%i$h&3-9,q|w#uy%j&t#yf*fMr;3|-n%hf#tCi"
    "}%~%r73~Cj#Mz#y$d%=o$i2YsDq,rGI-mi#i,h'i,h'~Sn%h/eq#q/r/q/k$#y*q/r/$#43$343T#z$U#%#k$#u&q/r/4"
    "#T3z$#j$#r/4#T#e##$Cj$#r/q/r/q/r/q/r/q/r/q/r/q/w03|.-}.-v#|.-}.-v#|.-}.-v#|.-}.-v#|.-}.-v#$%3"
    "}=zx+{@^|=h%)w()=m#}(j##h)kx8e&(~+t#v#ki%o$#m*3o$#9#j#d#}Dt3)oc|:Co$m$3j&S(-vr'd2)g*l:Yj&d#-d"
    "w*j0'Yj&{i%d29(j&S,qe+n$#X#8#g)#~z$3v%o$m8j4k4o$'Sj&S<jx1lC-K-[fMd;-j)dy$X#j0#8#(3(#h&#X#(#(t"
    "#(S(#(#(#H#8#(3(#(#(#(#(#8#(3X#n$#X#X#(#h&#l*d#H#i##l*{>=ep&q:Sv[h'l)3l)#l)#m6~%e(ze$jAt1x'q:"
    "Sx%i$=m(~#l|#rg6Sq*Cg(C}g#SwXt#r'S-}(r'StAy$m&t#g8y$i23r'S=yD|~'h'w(3g(Cm&d#tAi$l)3}&t#x%i$rx"
    "##}Vj&og7ygkCd3{v|#t#yn%3x~i%m(vrt&}(zh.nuVoo,qsAe}r$d#nr}#";
static const char sgf__uni_combining[] =
    "f=8v1#$'#':#$;#$B#(+#%F#'G#%F#.G#(z0#'{0#+7#$7#$6#&6#&7#%6$&7#'6#$7#$'#%:#$7#$)#%%#$$#%%#$$#0"
    "(z*(#p*$6#'7#$6#&7#$2#$&#)7#)6#%7#$6#%7#$2#$/#$'#$|0#$%#$%#$%#$%#$%#$%#$%#$%#%%#$%#$%#$%$$%$$"
    "%#$%$$z/#$6$$s/l#+m0#$o/#$%#$%S$,#$%#$%#$%#$%#$%#$%#$%#%h/#%6#(7#$6#%7#$63$l.n$*f/%'##$6#$7%%"
    "#$$6#%7#$6F$j.A$d/#$6#%7#$6#%7#&6#$7#%6#$7#$6#&7#$6#$7#$6#$7#$6#$7#$6#%7s&*##$6#$7E'#$,#$&#$("
    "#N&6f%17$$6#%7#$6#%7#$6#&7#&6#$|.#$%#$%#&r/#$6#%7#%6#(7`$g13$'&$d1#$6#%7p$$g13$'w$$&3$'w$$&3$"
    "'w$$&3$'m%$#m%$#*$i&#$1n$$z&3$'m%$#j%$#v$%t'#$s'0'|'u$%91'+p#%|'>$#$$#$$*Z$e'#$%$$'('&%$#$%e("
    "#$~0$%d1b$6y$$n0$%'v#$k0k;&7xC$~0B$#p&$#-$d1h($&}%$.#$3#$6x($7#$6k#$j07+d1%$6S(7#)6#%7#$6d%$n"
    "02$'I$d1#$6#*7Y%~0^$&.%'g#$&k&&h1$$s1#({0#%7#'6#$7$*s1'${0)$7&%#~'%##$6#*7#$6#%7#$+#$J#$/#$F#"
    "H[($##$)#$<#$7#$6l;%7#%s1#'t1#&s1#%t1'$#&%s1#$t1#$6#$7#%s1#'{0#$7mx$&#{%$~0i$Cd1h5$:#$7#$+#$6"
    "#%'r$%t0z|I$f1'-#C%#t#%#{*$~0u'$#>5d1]&6H$j0h$$&/$'q)$d1$%##$6%%7(%#$$#W$~0x)$#pm<$Eg=*x/#*6#"
    "%7vD$6d)$#h&(7}_$6$$7K$##$s1#${0'$j0x&$d1#$6sS$j0[$#]$##$&i#&h1S%~0b$&p#$',$&s$$'#$&j'$##$'u#"
    "$&3$';*d1&(#j($~0&$&i%$'#$&})$'#$&l%$'d%$##$&|$$'xP$#wh<(2_*t1pg=$s1tz'%s0#&r0&$l1#(6+++%(7#%"
    "6A'7g&&#zm%*#$4#%*#$%#$(#ts#*6v$)7#$g1";
static const char sgf__uni_single[] =
    "px$p?'m#%}-Tge$-e3,zv$lm*(%(%(%~$%(%(%k+bj(&{'.(%@+:+l&+u%+F&z}$~~$-0%|r$%}qL&'{mHq+lk%'w2g}c"
    "r3'igm%gul#k~TpqXwm#duJxmNyr(i|p$#qki$p|p#fjv#dz%zw,ik=gm-x~)yXxOqi+uvVg|$sy%hy$rr7me3er,pqp$"
    "mq'guArq*zw<uhBms|#kv:sk?ys%wxVshLwm)gtZpi,qo)|m(toJoj}#xt#mLpv9oe)hw*im'zl-}~(n-|h+|r-nq&fg$"
    "ggUuDjm&ki)k}5ev0ih<rwg#vh)gyIyl&vm4tr)~s<x{.syx#{q%|x3|z%oNmn4xGzmBrle$wxafgcbrhYou%xj){r:g}"
    "/zvYvu*t{Nl|v#px3wn&s{;fj#jyPvxUopZi|6ok9wwKqz*gyAtuZld'ssKmi3sq)|~KqeS||Qm}-smMqpLsq9{|Vin${"
    ".kp@ki=ol(wl,vm*kzy#~Qrz'ij(mh*m|.qo-~sHmi'do&y(qsq$r{<sg'{~Rkkf#s|$j1li$im/gs#|f%||'sn&wd$wi"
    "5g|.vk0i~$lg}#n5mq#i}G~iB}i#wh_fMkq%te,yy7x{,n|Sh|+tp'zf#d|#pe<x;fk0g:uw9fj'y,p?gpl$ww[xkB{s'"
    "qhm#wl:}y#yf0u,lv-|w&mq+ry&hj5yv0ew5fuq#xpd#ese$d~=o2z~'eToh(oRf{$ye'i|Ffij$ef8x~j#yki$dw2oh8"
    "vjOuod#~bpg*ot0|vQlsf$ui#yj,xg.lO|Snq&ds*hh#md.wu-l#{e-rv'xre${gG||EdkJgp$|}8q}7}r(hx#vzn#|j)"
    "py<mr*j-pWdm.is#dgFuuv#kjk#mmf#g(lk2do&hfEgmOek9zr)vpYrk*xi4op2wr]nt3l{&mi$&qm4%mp=&plOgu%n~#"
    "v%?{&~mJh|Ekx$zo)%po'%y|'&z=dw+'Wh'f}&ns2ox(ulj$dOx/}Xu$y0xx#i0h/sg#e0ky%K~m&e@k&p/ik%o6s:wk#"
    "iq'y8xGxx#u<hl#yx&k:O%C;?x''d;k*|Oiu#x#}(zMo6}i#n5#ph#xh'q4oV}(n^q(kl$|3r|)wJr)z{o#{ju9fd|7vq"
    "j#&tr%~+{i#xd#n)fQi(uj$j+w*p+kd$z-g6d#uH~=tv%?~5w*}Lg2}*q4n'k6o*|[v-u(hGdKy83n)rm&k*sZn^br-~E"
    "oRuk)fi(w2{2fQw6q(gB+~9h#m$n-Il[qi#yHm<zAl7rQg>zh%|7{q%ie#{*d#uLf)j'u(-f#|+u,jYtt#hOmLnAji&|/"
    "v1m4~%Sx'mr$y|&ng~49ly0ryx:sz&r%xfg<|l/slPohq9x+txx$hmh'5Gznh7jzf7i,Wh+o2j%i,g$xgHlsx8nkk7?d#"
    "p#{pi7{zv8mzHk&sti7dsi7Wor$vs$Gi{q>uqq>[xpIgyIOh'7}yI{jJ+u$|#O'h#e(CGm$K+##zwm7gf{5fyHx#v|n7z"
    "zn7;x#h7v/d#n%j)f-q$s*d#r%#x#l#C`dS{HfI|=z%ox&oj*jKk&m$z3n9%{2eru7tgu77`t#Cg*edw7o*ltv7t'Sk,v"
    "5xmR[xhSu(#eyx7kex7x#`Sduy7hsy7?zh%td%x~SdmT[y,g(kw|7jw{7tw{7hq{7-h#t/'mqUouUd'x#h'y}Ult~9np~"
    "9riV//t#lmx>rex>wwe8#yrj6frQ#joV}i{:ixckil;G|uV}|Vi(Kv%y4iwWd%r~Wqth8{lh8x33+)p't#~%YOt't#3q$"
    "Oo*f-z%d3yvj8ryj8i*u0u$d/ygk8ryj8m.w$xyZk{[x#j%i&ft[hy]}$gxn8ofn8vIq:qi^jt^vv^|%yn@/}t>n/jhEr"
    "~v#jeR3;v)Mhlq8lhy:tl`|1d?i(dsp8tqp8d1}D{naxuad/h+y<zup8inp8ejcqtcmzr8wrr8~scqxcl'u$'rut8v~I|"
    "sJzot8s|v8xkv8[v/s:s&f)s(s&`Wdxu8}hv8zE~)vvf#rig#1xmv8iqw8|W|iv8x'|~u8v1s$-sqh#txh#i(9u(qvs5|"
    "zr5u{w8vnw8miy8rox8Wu$lr{8gk{8x#vy|8vAwx|8h#xyk#v}k#z{k##|xl#x#x#t#{*s}l#~om#oje9qfe9ite9wle9"
    "|~y6ggy6fxh9e$n5gtd<Stvn#nmi9%o&q$spi9'#d'd|n#wjo#who#q,lhi<e|k9z)g*dfp#ftk<glm9n}m9d'j{m9k.k"
    "jq#}vq#K7ztp9}L#qnq9nqq#|xq<duq9/mqr#~wr<{lq9vks#dos#5}$ylu9eyt9yrs#vft#n)s*wqt#uiy<j%vhy<n~y"
    "<{qv9|ew9z|v9t/Omsx9p+tpx9niy9}fy9|ph7mtl:}dw#u,{hw#vqw#evVv|z;[xxj#Gptf7/qu3shp$vzx#9l#xzd#y"
    "}d#+Kw&jq}9lq}9}(d+t+d5p7{&j1fGk2+d#zq}9oNy6}oj=lg{#+z%wok:fdk:erd:kpm=3phn=pKwvo=zv|#SO+g*p%"
    "q4f'd7s,s*u$vy}#jl~#n%{k~#dz~#/upj:nzi:?whd$}ld$v{|$xhw>|;z{y=Gzze$e,|7w>iwm:njm:|#~-k.fvo:g}"
    "w&dzi4^m(|yj4esi4p/krv:u$uxt:o.n%xzu:iyu:{Ji8'i.fYy$lmx:zkv:pjq$eqq$zgx:huv>xqr${vq#hjr#iq{:i"
    "@{n|>Cuks$jm~:kx~>frd?r{~:#f%zke;mkd;yus$net$l3u$r)|mt$njl?f|h;nMu<thw$j%ysw$xqm;iqr?oyr?|Ge4"
    "ggn;r{x$yiy$7?K?g&pjr;";
static const char sgf__uni_split[] =
    "uy$t?tYhe)kZy|$'#'#7#7#'#G#3#s1k%g*'#X%#f4x#g*<&#u%F#'#7#a&#gEe*t3'#gm&tEtv#L-#8(#8(#8(#t$0&}"
    "'-s%$%'k*;(%#n*,#s%5w$L-#8(#8(#8(#t$0&f|F}e*ol)prTivj#xOn$%)F.7#%wil-$#%mml-8#%#+'#'#'#'#'#'#"
    ",%#'#'#'#'#,%#,%#'#,%#'#,%#'#'#'#'#v#(1/K#G#w|o8kwl#}mq,'#?5#%#%#%#%d.{#<'#'5'#%%'#";
static const char sgf__uni_pair[] =
    "l*x'rY#%#%#%#-#',%^+q##%#%#/32#%#%#/8%,'(#%#%#%#-<&2#%#%#/30D&$#%#%#%#-#',%^+q##%#%#/32#%#%#/"
    "8%,'(#%#%#%#-<&2#%#%#/30$%1{(*n%#l%'n%#l%h#n%#d%q#n%#l%%n%#l%-n%#l%-n%#h%#n%#i%&2n%#l%'n%#l%%"
    "n%#l%f#n%#l%Zn%#d%6n%#l%+n%#l%%n%#l%d#n%#h%m#n%#i%&%n%#l%%n%#l%'n%#l%h#n%#l%e#(',n%#h%n#n%#i%"
    "%o#n%#l%p#n%#l%Xn%#e%(8n%#l%p#n%#l%Xn%#i%'2n%#l%'n%#l%-n%#|$&6n%#l%p#n%#l%Xn%#h%8n%#l%%n%#l%n"
    "#n%#l%Xn%#h%Yn%#l%Xn%#i%&4n%#l%%n%#l%'n%#l%+n%#l%%n%#l%^n%#d%o#n%#d%#n%#l%/'0n%#l%/n%#l%-n%#~"
    "&EAn%#p$1#n%#l(@@n%#g$#n%#o$#n%#o$#n%#|/2n%#l%(n%#l%9n%#l%:n%#|(%+n%#mP#'#{T#n%#h8&3n%#w$#n%#"
    "w$[n%#yXk#'#k(3fA#ms##y%'8n%#l$&$n%#r-%n%#h%#n%#Y#n%#v;?n%#l%'n%#w$&n%#l%'n%#w$&n%#l%'n%#o$&n"
    "%#l%'n%#{$&n%#l%'n%#{$&n%#l%'n%#t%Mn%#h%#n%#g'&Vn%#n&*,n%#w$d#n%#n1i#n%#p%#n%#h9)n%#{c('#ig##"
    "n%#u'h-(du$#4%#+#+#<%#<%#3#r%#{'=1S#S03#+#+#l##k#=1S#90;#3#H(##1t*O2#3*%0V'1u#(0)$O/N.#o%C#.:"
    ".#3*%0{%'1x$(0)$O/}';5'#v.n#4n%#j&1#n%#l%'n%#t$&&n%#z8&''#p=#n%#h%#n%#i%&*n%#l%+n%#o$#n%#{9&#"
    "'#o<#n%#y&*n%#l%+n%#l%)n%#w$(n%#x$&#n%#ih#u+f`#%r%#p%%z%$k5m&#s#%#i#4#kz#y6xWD+#0&#t6j&k*#UsY"
    "w.d=$&R#Uy+l#g*n(YT'#%Uu3j%e*t2f%e*@*##%$%J3Ie3m%o('#%Up6|%h)$%-/,-Myx#k6oLgz/xm$xk(,%#,%#,%#"
    ",%#4'#x&L#,%#,&#'#0%#xpFt:|o1n%#h%_n%#l%[n%#l%?n%#t/h$n%#w8/n%#l%[n%#l%?n%#l%6n%#l%/n%#o:}#'#"
    "%%'#f?|#n%#l%)n%#pd#w#'#gi#%n%#h%(n%#h%)n%#l%[n%#l%Xn%#l%bn%#l%1n%#h%'n%#x/f$n%#{8#n%#l%h#n%#"
    "l%?n%#h%>n%#onJa'#jsJ~#n%#l%*n%#h%{#n%#l%/n%#l%[n%#h%Zn%#l%[n%#l%?n%#l%*n%#|/{#n%#l%1n%#r-2'#"
    "%%'#eF#n%#l%/n%#d%#n%#l%[n%#{rJa'#vwJ~#n%#h%w#n%#l%[n%#{BZ'#7#'#ukI#'#sxJ#n%#l%[n%#l%?n%#l%*n"
    "%#h%4n%#l%;n%#l%(n%#uD{#'#'1'#tI,n%#l%d#n%#h%i#n%#l%%n%#l%1n%#l%$n%#l%[n%#h%Zn%#l%%n%#h%$n%#h"
    "%,n%#l%f#n%#l%?n%#j##Su#/'+#qG%(wO([n%#l%Vn%#d/2n%#l%$n%#l%5n%#l%.n%#ulJ$'#~gJ$'#%$'#%5'#%.'#"
    "xgJ)'#~hK^n%#l%Vn%#l%.n%#t/&n%#l%$n%#l%5n%#l%.n%#doJ$'#}kK1n%#l%Wn%#o$#n%#l%Vn%#t/2n%#l%$n%#l"
    "%5n%#l%.n%#qpJ$'#frI$'#%$'#%5'#%.'#%d#'#xQ#n%#l%Vn%#hO2'#%$'#%5'#%.'#%d#'#nSi#n%#l%j#n%#l%Vn%"
    "#l%.n%#xe%*C#%m|FJ'#%%'#%p%'#hfGf$#%kgGJ'#%%'#%p%'#d}Ff$#%g~FJ'#%%'#~gG&G#%eiGJ'#%%'#gdG&G#%i"
    "eGJ'#%%'#%p%'#djGf$#%gkGJ'#%%'#%p%'#hfGf$#%kgGJ'#%%'#%p%'#flGf$#%imGJ'#%%'#%p%'#ugGf$#%xhGJ'#"
    "%%'#tmG&G#%vnGJ'#%%'#hiG&G#%jjGJ'#%%'#%p%'#foG%d$mpG%J$%%$%p%|jGf$#%dlGJ'#%%'#%p%'#zpGf$#%}qG"
    "J'#%%'#%p%'#zpGq%4%#,%#,%#<%#<%#4%#zxF'x%'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#h##'#'#'#'#'#'#'#'#'#'"
    "#'#'#'#'#'#|'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#'#wqGk%#&}qGp%{qG#5#8%(l|G)~eHk%#&#*$%x%~t$((uyK)sq"
    "G#E#H%(y}G)xgHw%,%#$%x%qfHw%#%#p%n|Ge%#&h#*g#'r%h##z'e%#&#*soH&##%#p%}hHe%#&;*J%I#%3e$;#i&e%#"
    "&#*2%Klw$J{zK(x%fpG#7#6%(jgH)nmHw%L%#$%x%xrJ~/<+#,6#s)B#3#)#}'X#8(#0&#j$;#,%#f$>#@&#,&#0%#wmP"
    ":#qqP%#s#.#snP#+#xqP#'#X&#'#0&#'#0*#'#@&#'#0&#'#v$F#;#'#+#s'T#'#t##'#o%*#'#'#'#}t3oj%ho@,%#,%"
    "#,%#,%#,%#,%#,%#,%#,%#,%#,%#0&#,%#,%#@*##%0%$#%0%$#%0%$#%0%$#%p(:$s--#]1#,%#,%#,%#,%#,%#,%#,%"
    "#,%#,%#,%#,%#0&#,%#,%#@*##%0%$#%0%$#%0%$#%0%$#%p(:$q+&#'#'#'#P'#kuh,yep#y}m&,%#L2#o5q%w('#up#"
    "u4kH#UqWj.}:#6$%=pF~)s2'#";
enum {
    SGF__UNI_LIMIT = 205824, /* no table has this code point or a higher one */
    SGF__UNI_SLOTS = 8192,   /* for 2060 decompositions, 940 of which compose again */
    SGF__HANGUL = 0xAC00,    /* 11172 syllables: 19 first consonants, 21 vowels, */
    SGF__HANGUL_L = 0x1100,  /* and none or one of 27 last consonants */
    SGF__HANGUL_V = 0x1161,
    SGF__HANGUL_T = 0x11A7
};

/* The next number of a table. Its digits are the characters from '#' to '~' without '\\', lowest
   first; a digit below 64 is the last. */
static uint32_t sgf__uni_number(const char **at) {
    uint32_t number = 0, scale = 1, digit;
    do {
        digit = (uint32_t)(*(*at)++ - '#');
        if (digit > '\\' - '#') digit--;
        number += digit * scale;
        scale *= 27;
    } while (digit >= 64);
    return number;
}
/* 0, 1, 2, 3, ... -> 0, -1, 1, -2, ... */
static uint32_t sgf__uni_signed(uint32_t number) {
    return number & 1 ? 0 - (number / 2 + 1) : number / 2;
}
/* Runs of one kind from code 0 on: 16 * (length - 1) + kind; kind 15: capital, small, capital, ... */
static void sgf__uni_kinds(unsigned char *kind, const char *table) {
    while (*table) {
        uint32_t run = sgf__uni_number(&table), n = run / 16 + 1, i;
        if (run % 16 < 15) memset(kind, (int)(run % 16), n);
        else
            for (i = 0; i < n; i++) kind[i] = (unsigned char)(SGF__UNI_LU + i % 2);
        kind += n;
    }
}
/* Runs of marks of one combining class: gap to the run before, length, change of the class. */
static void sgf__uni_marks(sgf__unicode *u, const char *table) {
    uint32_t code = 0, class_ = 0, end;
    while (*table) {
        code += sgf__uni_number(&table);
        end = code + sgf__uni_number(&table);
        class_ += sgf__uni_signed(sgf__uni_number(&table));
        for (; code < end; code++) {
            u->combining[code] = (unsigned char)class_;
            u->kind[code] |= SGF__UNI_UNSTABLE;
        }
    }
}
/* The entry of a character (second 0) or of a pair that composes; if there is none, a free one. */
static sgf__uni_map *sgf__uni_find(const sgf__unicode *u, uint32_t first, uint32_t second) {
    size_t slot = (first * 0x9E3779B1u ^ second * 0x85EBCA77u) >> 19;
    while (u->maps[slot].from[0] &&
           (u->maps[slot].from[0] != first || u->maps[slot].from[1] != second))
        slot = (slot + 1) % SGF__UNI_SLOTS;
    return &u->maps[slot];
}
/* Decompositions, as changes to the one before: of the code (if the first number is odd, else 1),
   of the first character, of the second. */
static void sgf__uni_maps(sgf__unicode *u, const char *table, int second, int composes) {
    sgf__uni_map apart = {{0, 0}, {0, 0}}, together = apart;
    while (*table) {
        uint32_t number = sgf__uni_number(&table);
        apart.from[0] += number & 1 ? sgf__uni_number(&table) : 1;
        apart.to[0] += sgf__uni_signed(number / 2);
        if (second) apart.to[1] += sgf__uni_signed(sgf__uni_number(&table));
        memcpy(together.from, apart.to, sizeof apart.to);
        memcpy(together.to, apart.from, sizeof apart.from);
        *sgf__uni_find(u, apart.from[0], 0) = apart;
        if (composes) *sgf__uni_find(u, apart.to[0], apart.to[1]) = together;
        u->kind[composes ? apart.to[1] : apart.from[0]] |= SGF__UNI_UNSTABLE;
    }
}
static sgf_status sgf__unicode_init(sgf__unicode *u, int with_nfc, sgf__arena *arena,
                                    sgf_error *err) {
    uint32_t code;
    u->size = SGF__UNI_LIMIT;
    u->kind = (unsigned char *)sgf__arena_alloc(arena, u->size, 1, err);
    if (!u->kind) return SGF_ERR_MEMORY;
    sgf__uni_kinds(u->kind, sgf__uni_table_kinds);
    if (!with_nfc) return SGF_OK;
    u->combining = (unsigned char *)sgf__arena_alloc(arena, u->size, 1, err);
    if (!u->combining) return SGF_ERR_MEMORY;
    u->maps = (sgf__uni_map *)sgf__arena_alloc(arena, SGF__UNI_SLOTS, sizeof *u->maps, err);
    if (!u->maps) return SGF_ERR_MEMORY;
    sgf__uni_marks(u, sgf__uni_combining);
    sgf__uni_maps(u, sgf__uni_single, 0, 0);
    sgf__uni_maps(u, sgf__uni_split, 1, 0);
    sgf__uni_maps(u, sgf__uni_pair, 1, 1);
    for (code = SGF__HANGUL_V; code < SGF__HANGUL_T + 28; code++)
        u->kind[code] |= SGF__UNI_UNSTABLE;
    return SGF_OK;
}

/* The unit that is read: characters with their classes, class << 24 | code point. */
typedef struct sgf__unit {
    const sgf__unicode *u;
    sgf__buf codes; /* of uint32_t */
    sgf_error *err;
} sgf__unit;

static void sgf__unit_add(sgf__unit *unit, uint32_t code) {
    if (code < unit->u->size) code |= (uint32_t)unit->u->combining[code] << 24;
    (void)sgf__buf_add(&unit->codes, &code, sizeof code, unit->err);
}
/* Full canonical decomposition: the first part may decompose again, the second never does. */
static void sgf__unit_decompose(sgf__unit *unit, uint32_t code) {
    uint32_t first, second, index = code - SGF__HANGUL;
    if (index < 11172) {
        first = index % 28 ? code - index % 28 : SGF__HANGUL_L + index / 588;
        second = index % 28 ? SGF__HANGUL_T + index % 28 : SGF__HANGUL_V + index / 28 % 21;
    } else {
        const sgf__uni_map *map = sgf__uni_find(unit->u, code, 0);
        first = map->to[0];
        second = map->to[1];
    }
    if (first) sgf__unit_decompose(unit, first);
    if (!first) sgf__unit_add(unit, code);
    if (second) sgf__unit_add(unit, second);
}
/* Sort a run of marks by class; equal ones keep their order. Most runs are sorted. */
static void sgf__unit_sort(sgf__unit *unit, size_t begin, size_t n) {
    uint32_t *codes = (uint32_t *)(void *)unit->codes.ptr + begin, *sorted, class_;
    size_t i = 1;
    while (i < n && codes[i - 1] >> 24 <= codes[i] >> 24) i++;
    if (i >= n || sgf__buf_reserve(&unit->codes, n * sizeof *codes, unit->err)) return;
    codes = (uint32_t *)(void *)unit->codes.ptr + begin;
    sorted = (uint32_t *)(void *)(unit->codes.ptr + unit->codes.len);
    for (class_ = 1; class_ < 256; class_++)
        for (i = 0; i < n; i++)
            if (codes[i] >> 24 == class_) *sorted++ = codes[i];
    memcpy(codes, sorted - n, n * sizeof *codes);
}
/* The character that the two compose to, or 0. */
static uint32_t sgf__uni_compose(const sgf__unicode *u, uint32_t first, uint32_t second) {
    if (first - SGF__HANGUL_L < 19 && second - SGF__HANGUL_V < 21)
        return SGF__HANGUL + ((first - SGF__HANGUL_L) * 21 + (second - SGF__HANGUL_V)) * 28;
    if (first - SGF__HANGUL < 11172 && (first - SGF__HANGUL) % 28 == 0 &&
        second - SGF__HANGUL_T - 1 < 27)
        return first + (second - SGF__HANGUL_T);
    return sgf__uni_find(u, first, second)->to[0];
}
/* Write the unit's normal form. A mark composes with the last starter (a character of class 0) unless
   a character of the same or a higher class, or another starter, is between them. */
static void sgf__unit_end(sgf__unit *unit, sgf__buf *out) {
    size_t count = unit->codes.len / sizeof(uint32_t), i, run;
    uint32_t *codes = (uint32_t *)(void *)unit->codes.ptr, *starter = NULL, *kept, *code, last = 0;
    for (i = 0; i < count; i = run + 1) {
        for (run = i; run < count && codes[run] >> 24; run++) {}
        sgf__unit_sort(unit, i, run - i);
        codes = (uint32_t *)(void *)unit->codes.ptr;
    }
    for (kept = code = codes; code < codes + count; code++) {
        uint32_t class_ = *code >> 24, value = *code & 0xFFFFFF, composed = 0;
        if (starter && (!last || last < class_))
            composed = sgf__uni_compose(unit->u, *starter, value);
        if (composed) {
            *starter = composed;
            continue;
        }
        if (!class_) starter = kept;
        last = class_;
        *kept++ = value;
    }
    for (code = codes; code < kept; code++) {
        char bytes[4];
        (void)sgf__buf_add(out, bytes, sgf__utf8_put(*code, bytes), unit->err);
    }
    unit->codes.len = 0;
}
/* Append the normal form C of `text`, which must be UTF-8; else it only ends. A unit is a run of
   characters that are not ASCII, with the ASCII character before it. */
static sgf_status sgf__nfc(const sgf__unicode *u, sgf_str text, sgf__buf *out, sgf_error *err) {
    size_t at = 0, begin = 0, len; /* from `begin` on nothing is written yet */
    uint32_t code = 0;
    sgf__unit unit;
    sgf_status status;
    unit.u = u;
    unit.err = err;
    sgf__buf_init(&unit.codes, &out->mem);
    while (at < text.len) {
        size_t first;
        int unstable = 0;
        while (at < text.len && (signed char)text.ptr[at] >= 0) at++;
        first = at > begin ? at - 1 : at;
        for (; at < text.len && (signed char)text.ptr[at] < 0; at += len ? len : 1) {
            len = sgf__utf8_next(text.ptr + at, text.len - at, &code);
            unstable |= len && code < u->size && u->kind[code] & SGF__UNI_UNSTABLE;
        }
        if (!unstable) continue;
        (void)sgf__buf_add(out, text.ptr + begin, first - begin, err);
        for (begin = first; begin < at; begin += len ? len : 1) {
            len = sgf__utf8_next(text.ptr + begin, at - begin, &code);
            if (len) sgf__unit_decompose(&unit, code);
        }
        sgf__unit_end(&unit, out);
    }
    (void)sgf__buf_add(out, text.ptr + begin, text.len - begin, err);
    status = unit.codes.status ? unit.codes.status : out->status;
    sgf__buf_free(&unit.codes);
    return status;
}

/* ====================================================================================
 * [SGF-26] Tables: results become Feather (Arrow IPC) and CSV files
 *
 * A column has leaves: texts, numbers or bools. Lists are one or two levels of ends above them.
 * Bytes that are not UTF-8 are written as U+FFFD, so that every file can be read back.
 * ==================================================================================== */

/* By sgf_column_type: nodes (one a level of lists, one for the leaves) and buffers in a record
   batch; the type of Schema.fbs, sizes and values of its two fields; what pandas calls it. */
typedef struct sgf__column_kind {
    unsigned char nodes, buffers, id, value[2];
    const char *sizes, *pandas, *numpy;
} sgf__column_kind;
static const sgf__column_kind sgf__column_kinds[] = {
    {1, 3, 5, {0, 0}, "00", "unicode", "object"},
    {2, 5, 12, {0, 0}, "00", "list[unicode]", "object"},
    {3, 7, 12, {0, 0}, "00", "list[list[unicode]]", "object"},
    {1, 2, 3, {2, 0}, "20", "float64", "float64"}, /* precision: double */
    {1, 2, 2, {64, 1}, "41", "int64", "int64"},    /* bits, signed */
    {1, 2, 6, {0, 0}, "00", "bool", "bool"}};

/* The ends of the lists on a level: 1, 2 for lists of lists; NULL on the last level, the leaves. */
static const int64_t *sgf__level_ends(const sgf_column *c, int level) {
    return level == sgf__column_kinds[c->type].nodes ? NULL : level == 1 ? c->ends : c->inner;
}
/* Where the first n lists end. List i holds the items from this of i up to this of i + 1. */
static size_t sgf__list_end(const int64_t *ends, size_t n) {
    int64_t end = n ? ends[n - 1] : 0;
    return (size_t)(end < 0 ? ~end : end);
}
/* Is item i of the level with these ends null? */
static int sgf__item_null(const sgf_column *c, const int64_t *ends, size_t i) {
    if (ends) return ends[i] < 0;
    if (c->type <= SGF_COLUMN_LIST_LIST_UTF8) return !c->text[i].ptr;
    return c->flags && c->flags[i] == SGF_CELL_NULL;
}

/* ---- a file under construction ---- */

typedef struct sgf__writer {
    const sgf_table *table;
    size_t batch_rows, batch_bytes, row_bytes; /* Feather: see sgf__feather_fit */
    sgf__out out;
    sgf__buf body, text; /* CSV: lines; a cell. Feather: the body of a message; pandas' metadata */
    sgf__buf meta, blocks; /* Feather: a message's metadata; the footer's list of batches */
    size_t node, buffer;   /* where in `meta` the next ones belong */
    sgf_error *err;        /* after the first failure, out.status, nothing more is done */
} sgf__writer;

static void sgf__add(sgf__writer *w, sgf__buf *to, const char *bytes, size_t n) {
    if (!w->out.status) w->out.status = sgf__buf_add(to, bytes, n, w->err);
}
static void sgf__put(sgf__writer *w, sgf__buf *to, const char *text) {
    sgf__add(w, to, text, strlen(text));
}
/* What replaces code point c, NULL if nothing does: in a CSV field (`kind` is a comma), in a JSON
   string (a colon), in a Python literal (its quote). Where Python's repr() escapes every code
   point that is not printable, this leaves unassigned ones as they are. */
static const char *sgf__escape(uint32_t c, char kind, char *room) {
    static const uint32_t ranges[][2] = {
        {0x00, 0x1F},       {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},
        {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},
        {0x8E2, 0x8E2},     {0x1680, 0x1680},   {0x180E, 0x180E},   {0x2000, 0x200F},
        {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},   {0xE000, 0xF8FF},
        {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD},
        {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
        {0xE0000, 0xE007F}, {0xF0000, 0x10FFFF}};
    int json = kind == ':', size = json ? 1 : (c > 0xFF) + (c > 0xFFFF), i = 0;
    if (kind == ',') return c == '"' ? "\"\"" : c ? NULL : "\xEF\xBF\xBD"; /* no zeros in text */
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    if (c == '\t') return "\\t";
    while (c > ranges[i][1]) i++;
    if (c == '\\' || c == (uint32_t)(json ? '"' : kind)) snprintf(room, 16, "\\%c", (int)c);
    else if (json ? c >= 0x20 : c < ranges[i][0]) return NULL;
    else snprintf(room, 16, "\\%c%0*x", "xuU"[size], 2 << size, (unsigned)c);
    return room;
}
/* Add a text between two of `around`; `kind` as above, 0: without escapes. */
static void sgf__put_text(sgf__writer *w, sgf__buf *to, sgf_str text, const char *around,
                          char kind) {
    size_t i, len, start = 0;
    char room[16];
    uint32_t c;
    sgf__put(w, to, around);
    for (i = 0; i < text.len; i += len) {
        const char *other = "\xEF\xBF\xBD";
        len = sgf__utf8_next(text.ptr + i, text.len - i, &c);
        if (len) other = kind ? sgf__escape(c, kind, room) : NULL;
        else len = 1;
        if (!other) continue;
        sgf__add(w, to, text.ptr + start, i - start);
        sgf__put(w, to, other);
        start = i + len;
    }
    if (start < text.len) sgf__add(w, to, text.ptr + start, text.len - start);
    sgf__put(w, to, around);
}
static void sgf__flush(sgf__writer *w, sgf__buf *from) {
    sgf__out_write(&w->out, from->ptr, from->len, w->err);
    from->len = 0;
}
static sgf_status sgf__table_write(const sgf_table *t, const char *path, const sgf_allocator *mem,
                                   void (*body)(sgf__writer *w), sgf_error *err) {
    sgf__writer w;
    sgf__buf *all[4] = {&w.body, &w.meta, &w.blocks, &w.text};
    size_t i;
    for (i = 0; i < t->n_columns; i++)
        if ((unsigned)t->columns[i].type >= SGF_COLUMN_TYPE_COUNT)
            return sgf__fail_at(err, SGF_ERR_ARG, path, -1,
                                "%s: not written: column '%s' is of no known type", path,
                                t->columns[i].name);
    memset(&w, 0, sizeof w);
    sgf__out_open(&w.out, path, err);
    w.table = t;
    w.batch_rows = 65536;
    w.batch_bytes = (size_t)64 << 20;
    w.row_bytes = 0x7fffffff;
    w.err = err;
    for (i = 0; i < 4; i++) sgf__buf_init(all[i], mem);
    body(&w);
    for (i = 0; i < 4; i++) sgf__buf_free(all[i]);
    return sgf__out_close(&w.out, err);
}

/* ---- CSV (RFC 4180); lists become Python literals, as pandas writes them ---- */

/* The items [begin, end), lists or (inner NULL) texts, go to w->text. */
static void sgf__csv_list(sgf__writer *w, const sgf_column *c, const int64_t *inner, size_t begin,
                          size_t end) {
    size_t i;
    for (i = begin; i < end; i++) {
        sgf__put(w, &w->text, i > begin ? ", " : "[");
        if (sgf__item_null(c, inner, i)) sgf__put(w, &w->text, "None");
        else if (inner)
            sgf__csv_list(w, c, NULL, sgf__list_end(inner, i), sgf__list_end(inner, i + 1));
        else {
            sgf_str s = c->text[i];
            int two = s.len && memchr(s.ptr, '\'', s.len) && !memchr(s.ptr, '"', s.len);
            sgf__put_text(w, &w->text, s, two ? "\"" : "'", two ? '"' : '\'');
        }
    }
    sgf__put(w, &w->text, begin < end ? "]" : "[]");
}
/* The text of a cell; in w->text where it has to be made. */
static sgf_str sgf__csv_cell(sgf__writer *w, const sgf_column *c, size_t row) {
    const int64_t *ends = sgf__level_ends(c, 1);
    char number[40];
    if (sgf__item_null(c, ends, row)) return sgf__text_of(NULL, 0);
    if (c->type == SGF_COLUMN_UTF8) return c->text[row];
    if (c->type == SGF_COLUMN_BOOL) return sgf_text(c->flags[row] ? "True" : "False");
    if (c->type == SGF_COLUMN_F64) sgf__number_print(c->f64[row], number);
    if (c->type == SGF_COLUMN_I64) snprintf(number, sizeof number, "%lld", (long long)c->i64[row]);
    w->text.len = 0;
    if (ends)
        sgf__csv_list(w, c, sgf__level_ends(c, 2), sgf__list_end(ends, row),
                      sgf__list_end(ends, row + 1));
    else sgf__put(w, &w->text, number);
    return sgf__text_of(w->text.ptr, w->text.len);
}
/* Row 0: the names, row r: the cells of row r - 1. */
static void sgf__csv_row(sgf__writer *w, size_t row) {
    size_t i, k;
    for (i = 0; i < w->table->n_columns; i++) {
        const sgf_column *c = &w->table->columns[i];
        sgf_str text = row ? sgf__csv_cell(w, c, row - 1) : sgf_text(c->name);
        /* An empty line is no row. A byte order mark is no part of the first name. */
        int quotes = (w->table->n_columns == 1 && !text.len) ||
                     (!row && !i && !strncmp(c->name, "\xEF\xBB\xBF", 3));
        for (k = 0; k < text.len && !quotes; k++)
            quotes = text.ptr[k] && strchr(",\"\r\n", text.ptr[k]);
        sgf__put(w, &w->body, i ? "," : "");
        sgf__put_text(w, &w->body, text, quotes ? "\"" : "", ',');
    }
    sgf__put(w, &w->body, "\n");
}
static void sgf__csv_write(sgf__writer *w) {
    enum { FLUSH = 65536 };
    size_t row;
    for (row = 0; row <= w->table->rows && !w->out.status; row++) {
        sgf__csv_row(w, row);
        if (w->body.len >= FLUSH) sgf__flush(w, &w->body);
    }
    sgf__flush(w, &w->body);
}
SGF_DEF sgf_status sgf_table_write_csv(const sgf_table *table, const char *path,
                                       const sgf_allocator *mem, sgf_error *err) {
    if (table->n_columns) return sgf__table_write(table, path, mem, sgf__csv_write, err);
    return sgf__fail_at(err, SGF_ERR_ARG, path, -1,
                        "%s: not written: a table without columns has no header", path);
}

/* ---- Feather V2, an Arrow IPC file ----
   "ARROW1", the schema, record batches, a footer that lists them. All but the footer are messages:
   0xFFFFFFFF, the size of the metadata, the metadata (a flatbuffer, padded to 8 bytes), the body
   (buffers, padded to 64 bytes). Source: the Arrow columnar format, version 1.5, with Schema.fbs,
   Message.fbs, File.fbs. Flatbuffers are written from the top down, so that offsets point forward:
   `link` is the place of the offset that points to the new object. */

/* Little-endian integers; bytes after the eighth are 0. */
static void sgf__fb_set(sgf__writer *w, sgf__buf *b, size_t at, uint64_t value, size_t size) {
    size_t i;
    for (i = 0; i < size && !w->out.status; i++)
        b->ptr[at + i] = (char)(unsigned char)(i < 8 ? value >> 8 * i : 0);
}
static void sgf__fb_put(sgf__writer *w, sgf__buf *b, uint64_t value, size_t size) {
    if (!w->out.status) w->out.status = sgf__buf_reserve(b, size, w->err);
    sgf__fb_set(w, b, b->len, value, size);
    if (!w->out.status) b->len += size;
}
/* Zeros until `ahead` bytes further on is a multiple of `align`, a power of two. */
static void sgf__fb_align(sgf__writer *w, sgf__buf *b, size_t align, size_t ahead) {
    sgf__fb_put(w, b, 0, (0 - (b->len + ahead)) & (align - 1));
}
/* A table, its vtable before it: sizes[i] is the size of field i, '0' if it is absent; field[i] its
   value, which becomes its place. */
static void sgf__fb_table(sgf__writer *w, size_t link, const char *sizes, size_t *field) {
    size_t n = strlen(sizes), head = 4 + 2 * n, offset = 4, size, start, i, at[8] = {0};
    sgf__buf *b = &w->meta;
    for (size = 8; size; size /= 2) /* the largest come first, so that all are aligned */
        for (i = 0; i < n; i++) {
            if ((size_t)(sizes[i] - '0') != size) continue;
            if (size == 8 && offset == 4) offset = 8;
            at[i] = offset;
            offset += size;
        }
    sgf__fb_align(w, b, 8, head);
    start = b->len + head;
    sgf__fb_set(w, b, link, start - link, 4);
    sgf__fb_put(w, b, head, 2);
    sgf__fb_put(w, b, offset, 2);
    for (i = 0; i < n; i++) sgf__fb_put(w, b, at[i], 2);
    sgf__fb_put(w, b, head, 4); /* from the table back to its vtable */
    sgf__fb_put(w, b, 0, offset - 4);
    for (i = 0; i < n; i++) {
        sgf__fb_set(w, b, start + at[i], field[i], (size_t)(sizes[i] - '0'));
        field[i] = start + at[i];
    }
}
/* A vector of n elements that are 0; returns where they are. */
static size_t sgf__fb_vector(sgf__writer *w, size_t link, size_t n, size_t size) {
    sgf__fb_align(w, &w->meta, size > 4 ? 8 : 4, 4);
    sgf__fb_set(w, &w->meta, link, w->meta.len - link, 4);
    sgf__fb_put(w, &w->meta, n, 4);
    sgf__fb_put(w, &w->meta, 0, n * size);
    return w->meta.len - n * size;
}
static void sgf__fb_text(sgf__writer *w, size_t link, sgf_str text) {
    size_t at = sgf__fb_vector(w, link, 0, 1);
    sgf__put_text(w, &w->meta, text, "", 0);
    sgf__fb_set(w, &w->meta, at - 4, w->meta.len - at, 4);
    sgf__fb_put(w, &w->meta, 0, 1);
}

/* Field: name 0, nullable 1, type_type 2, type 3, dictionary 4, children 5. The items of a list
   are of the type before its own. */
static void sgf__feather_field(sgf__writer *w, size_t link, const char *name,
                               sgf_column_type type) {
    const sgf__column_kind *kind = &sgf__column_kinds[type];
    size_t field[6] = {0, 1, kind->id, 0, 0, 0}, of[2] = {kind->value[0], kind->value[1]};
    sgf__fb_table(w, link, "411404", field);
    sgf__fb_table(w, field[3], kind->sizes, of);
    sgf__fb_text(w, field[0], sgf_text(name));
    link = sgf__fb_vector(w, field[5], kind->nodes > 1, 4);
    if (kind->nodes > 1) sgf__feather_field(w, link, "item", (sgf_column_type)(type - 1));
}
/* Schema: endianness 0, fields 1, custom_metadata 2 (KeyValue: key 0, value 1), pandas' first. */
static void sgf__feather_schema(sgf__writer *w, size_t link) {
    const sgf_table *t = w->table;
    size_t schema[3] = {0, 0, 0}, list, i;
    sgf__fb_table(w, link, "044", schema);
    list = sgf__fb_vector(w, schema[1], t->n_columns, 4);
    for (i = 0; i < t->n_columns; i++)
        sgf__feather_field(w, list + 4 * i, t->columns[i].name, t->columns[i].type);
    list = sgf__fb_vector(w, schema[2], 1 + t->n_metadata, 4);
    for (i = 0; i <= t->n_metadata; i++) {
        size_t pair[2] = {0, 0};
        sgf__fb_table(w, list + 4 * i, "44", pair);
        sgf__fb_text(w, pair[0], sgf_text(i ? t->metadata[i - 1].key : "pandas"));
        sgf__fb_text(w, pair[1],
                     i ? t->metadata[i - 1].value : sgf__text_of(w->text.ptr, w->text.len));
    }
}
/* What pandas needs to read the same DataFrame: an index 0 .. rows - 1, its names for the types. */
static void sgf__feather_pandas(sgf__writer *w) {
    char text[320];
    size_t i;
    snprintf(text, sizeof text,
             "{\"index_columns\": [{\"kind\": \"range\", \"name\": null, \"start\": 0, \"stop\": "
             "%llu, \"step\": 1}], \"column_indexes\": [{\"name\": null, \"field_name\": null, "
             "\"pandas_type\": \"unicode\", \"numpy_type\": \"object\", \"metadata\": "
             "{\"encoding\": \"UTF-8\"}}], \"columns\": [",
             (unsigned long long)w->table->rows);
    sgf__put(w, &w->text, text);
    for (i = 0; i < w->table->n_columns; i++) {
        const sgf_column *c = &w->table->columns[i];
        sgf__put(w, &w->text, i ? ", {\"name\": " : "{\"name\": ");
        sgf__put_text(w, &w->text, sgf_text(c->name), "\"", ':');
        sgf__put(w, &w->text, ", \"field_name\": ");
        sgf__put_text(w, &w->text, sgf_text(c->name), "\"", ':');
        snprintf(text, sizeof text,
                 ", \"pandas_type\": \"%s\", \"numpy_type\": \"%s\", \"metadata\": null}",
                 sgf__column_kinds[c->type].pandas, sgf__column_kinds[c->type].numpy);
        sgf__put(w, &w->text, text);
    }
    sgf__put(w, &w->text,
             "], \"attributes\": {}, \"creator\": {\"library\": \"segfuse\", \"version\": \"1\"}, "
             "\"pandas_version\": \"2.2.3\"}");
}

/* ---- record batches ---- */

/* The buffer that began at `start` of the body is complete. Texts can be longer than their weight
   was: U+FFFD has three bytes. */
static void sgf__feather_buffer(sgf__writer *w, size_t start) {
    if (w->body.len - start > 0x7fffffff && !w->out.status)
        w->out.status = sgf__fail(w->err, SGF_ERR_LIMIT, "%s: a cell of 2 GiB or more",
                                  w->out.path);
    sgf__fb_set(w, &w->meta, w->buffer, start, 8);
    sgf__fb_set(w, &w->meta, w->buffer + 8, w->body.len - start, 8);
    w->buffer += 16;
    sgf__fb_align(w, &w->body, 64, 0);
}
/* A bit for each of the items [begin, end): is it not null, or (`bools`) is it true? Returns how
   many are 0. */
static size_t sgf__feather_bits(sgf__writer *w, const sgf_column *c, const int64_t *ends, int bools,
                                size_t begin, size_t end) {
    size_t i, zeros = 0;
    unsigned bits = 0;
    for (i = begin; i < end; i++) {
        int set = !sgf__item_null(c, ends, i) && (!bools || c->flags[i]);
        zeros += !set;
        bits |= (unsigned)set << (i - begin) % 8;
        if ((i - begin) % 8 < 7 && i + 1 < end) continue;
        sgf__fb_put(w, &w->body, bits, 1);
        bits = 0;
    }
    return zeros;
}
/* The leaves [begin, end): offsets and bytes of texts; bits; or 8 bytes each. */
static void sgf__feather_leaves(sgf__writer *w, const sgf_column *c, size_t begin, size_t end) {
    size_t i, start = w->body.len, offset = start;
    uint64_t value;
    if (c->type == SGF_COLUMN_BOOL) (void)sgf__feather_bits(w, c, NULL, 1, begin, end);
    else if (c->type <= SGF_COLUMN_LIST_LIST_UTF8) {
        sgf__fb_put(w, &w->body, 0, 4 * (end - begin + 1));
        sgf__feather_buffer(w, start);
        for (i = begin, start = w->body.len; i < end; i++) {
            sgf__put_text(w, &w->body, c->text[i], "", 0);
            sgf__fb_set(w, &w->body, offset += 4, w->body.len - start, 4);
        }
    } else
        for (i = begin; i < end; i++) {
            memcpy(&value, c->type == SGF_COLUMN_F64 ? (const void *)(c->f64 + i) : c->i64 + i, 8);
            sgf__fb_put(w, &w->body, value, 8);
        }
    sgf__feather_buffer(w, start);
}
/* Each level has a node, a validity bitmap (empty when nothing is null), and offsets or leaves. */
static void sgf__feather_column(sgf__writer *w, const sgf_column *c, size_t begin, size_t end) {
    int level;
    for (level = 1;; level++) {
        const int64_t *ends = sgf__level_ends(c, level);
        size_t i, first, start = w->body.len, nulls = sgf__feather_bits(w, c, ends, 0, begin, end);
        if (!nulls) w->body.len = start;
        sgf__feather_buffer(w, start);
        sgf__fb_set(w, &w->meta, w->node, end - begin, 8);
        sgf__fb_set(w, &w->meta, w->node + 8, nulls, 8);
        w->node += 16;
        if (level == sgf__column_kinds[c->type].nodes) break;
        start = w->body.len;
        first = sgf__list_end(ends, begin);
        for (i = begin; i <= end; i++) sgf__fb_put(w, &w->body, sgf__list_end(ends, i) - first, 4);
        sgf__feather_buffer(w, start);
        begin = first;
        end = sgf__list_end(ends, end);
    }
    sgf__feather_leaves(w, c, begin, end);
}
/* Bytes of text, or number of items if larger, that a row adds to a batch. */
static size_t sgf__feather_weight(const sgf_column *c, size_t row) {
    size_t begin = row, end = row + 1, weight = 0, items = 0;
    int level;
    if (c->type > SGF_COLUMN_LIST_LIST_UTF8) return 0;
    for (level = 1; level < sgf__column_kinds[c->type].nodes; level++) {
        begin = sgf__list_end(sgf__level_ends(c, level), begin);
        end = sgf__list_end(sgf__level_ends(c, level), end);
        if (end - begin > items) items = end - begin;
    }
    for (; begin < end; begin++) weight += c->text[begin].len + 1;
    return weight > items ? weight : items;
}
/* Where a batch from row `begin` on ends. It is made in memory, and so has at most batch_bytes a
   column, unless one row alone has more, up to what 32-bit offsets reach. */
static size_t sgf__feather_fit(sgf__writer *w, size_t begin) {
    size_t rows = w->table->rows - begin, end, i, row, total, weight;
    end = begin + (rows < w->batch_rows ? rows : w->batch_rows);
    for (i = 0; i < w->table->n_columns && !w->out.status; i++) {
        for (row = begin, total = 0; row < end; row++, total += weight) {
            weight = sgf__feather_weight(&w->table->columns[i], row);
            if (row == begin ? weight > w->row_bytes
                             : total > w->batch_bytes || weight > w->batch_bytes - total)
                break;
        }
        if (row == begin)
            w->out.status = sgf__fail_at(
                w->err, SGF_ERR_LIMIT, w->out.path, -1,
                "%s: column '%s', row %llu: a cell of 2 GiB or more cannot be written", w->out.path,
                w->table->columns[i].name, (unsigned long long)row);
        end = row;
    }
    return end;
}

/* ---- messages and the file ---- */

/* A flatbuffer; its root follows the first 8 bytes of the message, which also end a stream. */
static void sgf__message_begin(sgf__writer *w, const char *sizes, size_t *root) {
    sgf__fb_put(w, &w->meta, 0xFFFFFFFFu, 12);
    sgf__fb_table(w, 8, sizes, root);
}
static void sgf__message_end(sgf__writer *w, const size_t *message) {
    sgf__fb_set(w, &w->meta, message[3], w->body.len, 8);
    sgf__fb_align(w, &w->meta, 8, 0);
    sgf__fb_set(w, &w->meta, 4, w->meta.len - 8, 4);
    sgf__fb_put(w, &w->blocks, w->out.size, 8); /* Block: offset, metadata and body length */
    sgf__fb_put(w, &w->blocks, w->meta.len, 8);
    sgf__fb_put(w, &w->blocks, w->body.len, 8);
    sgf__flush(w, &w->meta);
    sgf__flush(w, &w->body);
}
/* Message: version 0 (4 is V5), header_type 1, header 2, bodyLength 3. RecordBatch: length 0,
   nodes 1, buffers 2. */
static void sgf__feather_batch(sgf__writer *w, size_t begin, size_t end) {
    const sgf_table *t = w->table;
    size_t message[4] = {4, 3, 0, 0}, batch[3] = {end - begin, 0, 0}, i, nodes = 0, buffers = 0;
    for (i = 0; i < t->n_columns; i++) {
        nodes += sgf__column_kinds[t->columns[i].type].nodes;
        buffers += sgf__column_kinds[t->columns[i].type].buffers;
    }
    sgf__message_begin(w, "2148", message);
    sgf__fb_table(w, message[2], "844", batch);
    w->node = sgf__fb_vector(w, batch[1], nodes, 16);
    w->buffer = sgf__fb_vector(w, batch[2], buffers, 16);
    for (i = 0; i < t->n_columns; i++) sgf__feather_column(w, &t->columns[i], begin, end);
    sgf__message_end(w, message);
}
/* Footer: version 0, schema 1, dictionaries 2, recordBatches 3. Its length and the magic follow. */
static void sgf__feather_write(sgf__writer *w) {
    size_t message[4] = {4, 1, 0, 0}, footer[4] = {4, 0, 0, 0}, list, begin = 0, end;
    sgf__feather_pandas(w);
    sgf__put(w, &w->meta, "ARROW1");
    sgf__fb_put(w, &w->meta, 0, 2);
    sgf__flush(w, &w->meta);
    sgf__message_begin(w, "2148", message);
    sgf__feather_schema(w, message[2]);
    sgf__message_end(w, message);
    w->blocks.len = 0; /* the schema is not listed */
    for (; begin < w->table->rows && !w->out.status; begin = end) {
        end = sgf__feather_fit(w, begin);
        sgf__feather_batch(w, begin, end);
    }
    sgf__message_begin(w, "2444", footer);
    (void)sgf__fb_vector(w, footer[2], 0, 24);
    list = sgf__fb_vector(w, footer[3], w->blocks.len / 24, 24);
    if (!w->out.status && w->blocks.len) memcpy(w->meta.ptr + list, w->blocks.ptr, w->blocks.len);
    sgf__feather_schema(w, footer[1]);
    sgf__fb_put(w, &w->meta, w->meta.len - 8, 4);
    sgf__put(w, &w->meta, "ARROW1");
    sgf__flush(w, &w->meta);
}
SGF_DEF sgf_status sgf_table_write_feather(const sgf_table *table, const char *path,
                                           const sgf_allocator *mem, sgf_error *err) {
    return sgf__table_write(table, path, mem, sgf__feather_write, err);
}
#endif /* SEGFUSE_IMPLEMENTATION */
#endif /* SEGFUSE_IMPLEMENTED */
#endif /* SEGFUSE_IMPLEMENTATION or SGF__SCALARS */

/* ------------------------------------------------------------------------------------
   Sources
     Attention over segments: "self-ensemble" (the Python project this method comes from), and
       Dong et al. 2024, Flex Attention. Parallel context windows: Ratner et al. 2023; APE: Yang
       et al. 2025.
     The model: Vaswani et al. 2017; RMSNorm, Zhang and Sennrich 2019; RoPE, Su et al. 2021;
       SwiGLU, Shazeer 2020; grouped heads, Ainslie et al. 2023; YaRN, Peng et al. 2023; the
       names and configuration keys of Hugging Face transformers.
     Arithmetic: Boldo and Melquiond 2008 (fma by rounding to odd); Clinger 1990 (reading
       decimal numbers).
     Formats: RFC 8259 (JSON), RFC 4180 (CSV), safetensors, Arrow columnar format and IPC, the
       Unicode Character Database.

   License: MIT or public domain (Unlicense), as you choose; both texts are in the file LICENSE
   that comes with this header, and either may be taken from there.

     Copyright (c) 2026 the segfuse authors

     Permission is hereby granted, free of charge, to any person obtaining a copy of this software
     and associated documentation files (the "Software"), to deal in the Software without
     restriction, including without limitation the rights to use, copy, modify, merge, publish,
     distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
     Software is furnished to do so, subject to the following conditions: The above copyright
     notice and this permission notice shall be included in all copies or substantial portions of
     the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
     IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A
     PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE
     LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
     OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
     DEALINGS IN THE SOFTWARE.
   ------------------------------------------------------------------------------------ */
