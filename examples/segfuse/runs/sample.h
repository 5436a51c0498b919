/* Sampling: next tokens drawn at random from their probabilities. */
#ifndef SEGFUSE_SAMPLE_H
#define SEGFUSE_SAMPLE_H

#include "../base/base.h"
#include "../base/random.h"

/* The probabilities out[n] of the ids, given their logits [n]:

       w[v] = exp((logits[v] - the highest) / temperature), in f32, by the library's exp; 0 for NaN
       top_p in (0, 1): the ids by w descending, the lowest id first on ties; the first ones, as few
           as have together at least top_p of the sum of all w, keep their w; the others get 0
       out[v] = w[v] / the sum of all w, in double

   These are transformers' TemperatureLogitsWarper, TopPLogitsWarper and softmax. Temperature 0 gives
   the greedy choice probability 1; top_p 0 and 1 keep all ids. All sums are in double, in ascending
   order of ids (of ranks for top_p). `mem`: NULL for malloc. SGF_ERR_ARG for a temperature that is
   negative or not finite, top_p outside [0, 1], or n = 0. */
sgf_status sample_probabilities(const float *logits, size_t n, double temperature, double top_p,
                                double *out, const sgf_allocator *mem, sgf_error *err);
/* The weights w[n] alone; `best`: the id of the highest logit; `heap` [n] is scratch. */
void sample_weights(const float *logits, size_t n, int32_t best, double temperature, double top_p,
                    float *weight, int32_t *heap);
/* The lowest id v with w[0] + ... + w[v] > u * (the sum of all w), for u in [0, 1). */
int32_t sample_draw(const float *weight, size_t n, double u);

/* How one task draws. A temperature of 0 takes the greedy choice and draws nothing. */
typedef struct sampler {
    double temperature, top_p;
    py_random random; /* its own, seeded; advanced by one number a step */
} sampler;

/* The samplers of the tasks of one sgf_generate: sample_step is its step function, and this its
   `user`. Contexts must not be combined by SGF_COMBINE_MAX: those logits are probabilities. */
typedef struct sampling {
    sampler *task; /* [tasks] */
    size_t vocabulary;
    float *weight; /* [vocabulary] */
    int32_t *heap; /* [vocabulary] */
} sampling;
/* n samplers, zeroed, in the arena. */
sgf_status sampling_make(sampling *s, size_t n, size_t vocabulary, base_arena *arena,
                         sgf_error *err);
int sample_step(void *user, size_t task, size_t step, const float *logits, int32_t *chosen);

#endif
