/* segfuse confidence: how sure is the model of its answer to each paraphrase? The share of samples
   whose lemmas match those of the greedy answer, two-way; what weighted_avg and weighted_max weigh
   with. */
#ifndef SEGFUSE_CONFIDENCE_H
#define SEGFUSE_CONFIDENCE_H

#include "../base/random.h"

/* A sample's own generator: what it draws depends on the seed, the question, the wording and its
   number, and on nothing that is computed beside it. */
sgf_status sample_seed(py_random *random, long seed, sgf_str uuid, sgf_str text, size_t number,
                       sgf_error *err);

#endif
