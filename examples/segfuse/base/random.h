/* Random picks as Python and NumPy make them: the same seed gives the numbers that Python 3.11's `random`
   gives, so the picks made here are those of a Python script. Not for secrets. */
#ifndef SEGFUSE_RANDOM_H
#define SEGFUSE_RANDOM_H

#include "../../../segfuse.h"

/* Python's generator. Plain data, owned by the caller: seed it before use, copy it to remember a place
   in the sequence. One thread at a time. */
typedef struct py_random {
    uint32_t words[624];
    uint32_t at; /* the next word; 624: make new ones first */
} py_random;

/* random.seed(seed); as in Python, n and -n are the same seed. */
void py_random_seed(py_random *random, int64_t seed);
/* random.seed("text"). Takes any bytes; Python's are the text's UTF-8. */
void py_random_seed_text(py_random *random, sgf_str text);

/* random.getrandbits(bits), 0 <= bits <= 64; more count as 64. */
uint64_t py_random_bits(py_random *random, unsigned bits);
/* random.randrange(n): 0 <= result < n, every value equally likely. 0 for n = 0. */
uint64_t py_random_below(py_random *random, uint64_t n);
/* random.random(): 0 <= result < 1, a multiple of 2^-53. */
double py_random_double(py_random *random);
/* random.shuffle(items) */
void py_random_shuffle(py_random *random, size_t *items, size_t n);
/* random.sample(range(n), k): k different numbers below n, in the order they were picked, to out[k].
   Needs time for k picks and scratch memory from `mem` (NULL: malloc) for at most 12 k + 21 numbers,
   however large n is. k > n is SGF_ERR_ARG; a failed call leaves `random` and `out` untouched. */
sgf_status py_random_sample(py_random *random, size_t n, size_t k, size_t *out,
                            const sgf_allocator *mem, sgf_error *err);

/* numpy.random.default_rng(seed).permutation(n) to out[n]: how Hugging Face datasets shuffle before they
   split. n above 2^32 is SGF_ERR_LIMIT. */
sgf_status numpy_permutation(uint64_t seed, uint64_t n, size_t *out, sgf_error *err);

#endif
