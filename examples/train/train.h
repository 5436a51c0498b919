/* train.h - what the files of the trainer share.
 *
 * The trainer is one translation unit: main.c includes segfuse.h with its implementation (the trainer
 * makes its prompts with the library), what it shares with the program (../segfuse: texts, files, JSON,
 * random numbers), and then the .c files of this folder.
 *
 *   bpe.c       byte-level BPE: training, encoding, tokenizer.json
 *   facts.c     relations, templates and facts; careless spelling; the question files
 *   prompt.c    a prompt as one sequence with segments, positions, mask and loss marks
*   kernels.c   arithmetic, and a loop over threads
 *   net.c       the network: parameters, forward pass, loss
 *   backward.c  its gradient
 *   adamw.c     the optimiser and the learning-rate schedule
 *   save.c      model.safetensors, config.json, the loss picture
 *   evaluate.c  accuracy on a question file
 *   main.c      the command line and the two training stages
 *
 * Dimension letters as in segfuse.h: T tokens, D model width, L layers, H heads, G key/value heads, C head
 * dimension, F feed-forward width, V vocabulary. Everything is deterministic: the same seed gives the same
 * files byte for byte, with any number of threads. */
#ifndef TRAIN_H
#define TRAIN_H

#include "../segfuse/base/base.h"
#include "../segfuse/base/hash.h"
#include "../segfuse/base/json.h"
#include "../segfuse/base/random.h"

enum {
    TR_PANEL = 32, /* tokens side by side in a panel: activations are [features][32] */
    TR_MAX_LAYERS = 16,
    TR_MAX_THREADS = 64,
    TR_MAX_TOKENS = 2048, /* of one sequence */
    TR_MAX_SEGMENTS = 32,
    TR_MAX_EXAMPLES = 8,
    TR_TEMPLATES = 20, /* of a relation: 5 manual, then 15 auto */
    TR_MANUAL = 5,
    TR_MAX_NAMES = 12 /* a subject's or an answer's aliases, itself included */
};

static const char tr_instruction[] =
    "Based on the context, predict the [MASK] in the sentence in one word.";

/* Print a message and leave: a trainer has nothing to save when its input or its machine fails. */
static BASE_PRINTF(1, 2) void tr_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "segfuse-train: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}
static void *tr_alloc(size_t count, size_t size) {
    void *ptr = size && count > SIZE_MAX / size ? NULL : calloc(count ? count : 1, size);
    if (!ptr)
        tr_die("out of memory: %llu items of %llu bytes", (unsigned long long)count,
               (unsigned long long)size);
    return ptr;
}

/* An independent generator for one purpose; only the main thread draws. */
static void tr_random_for(py_random *random, int seed, const char *purpose) {
    char text[64];
    snprintf(text, sizeof text, "%d:%s", seed, purpose);
    py_random_seed_text(random, sgf_text(text));
}

/* A prompt with its answer as the network sees it: a layout of segfuse.h in plain arrays, and the loss. */
typedef struct tr_sequence {
    size_t tokens;
    int token[TR_MAX_TOKENS], pos[TR_MAX_TOKENS], seg[TR_MAX_TOKENS];
    int target[TR_MAX_TOKENS];   /* the token to be predicted here */
    float weight[TR_MAX_TOKENS]; /* of this prediction in the loss; 0: none */
    size_t
        first_answer; /* predictions from here on are the question's own answer, not an example's */
    int answer;       /* the answer segment */
    unsigned char visible[TR_MAX_SEGMENTS][TR_MAX_SEGMENTS]; /* [query segment][key segment] */
    float log_weight[TR_MAX_SEGMENTS];                       /* added to the answer's scores */
} tr_sequence;

#endif /* TRAIN_H */
