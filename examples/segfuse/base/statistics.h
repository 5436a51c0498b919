/* Statistics of right and wrong answers: intervals, exact tests, agreement, resampling. */
#ifndef SEGFUSE_STATISTICS_H
#define SEGFUSE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* The 97.5% point of the normal distribution: 95% intervals. */
static const double interval_z = 1.959963984540054;

/* Wilson's score interval for k hits in n tries: it holds the true rate in 95% of cases for z = 1.96.
   0 <= *low <= k/n <= *high <= 1; n = 0 gives [0, 1]. Unlike k/n +- error it is right for small n and
   for rates near 0 and 1. k > n counts as n. */
void wilson_interval(size_t k, size_t n, double z, double *low, double *high);

/* Two methods on the same questions: how many of them both, only one, or neither got right. */
typedef struct paired_counts {
    size_t both, first, second, neither;
} paired_counts;

/* McNemar's exact test (1947): if the methods were equally good, each question that only one of them gets
   right would be a fair coin. The two-sided binomial p of the smaller side. */
double mcnemar_p(const paired_counts *c);
/* Cohen's kappa (1960) of right and wrong: agreement beyond chance, 1 at most. Not a number when chance
   alone explains everything (both always right, or both always wrong). */
double kappa_of(const paired_counts *c);

/* The value below which a share of q of n ascending values is; linear between two of them (NumPy's
   default). */
double quantile_of(const double *ascending, size_t n, double q);
/* The middle 95% of n values, which are sorted here. */
void middle_95(double *values, size_t n, double *low, double *high);
/* Holm's step-down correction (1979) of n p-values for having looked n times. `order` [n] is scratch. */
void holm_correct(const double *p, double *corrected, size_t *order, size_t n);

/* The bootstrap (Efron 1979) of the accuracies of several methods on the same questions. A question
   is drawn with all its rows, so the rows of one question may depend on each other, and with all
   methods, so differences are paired.
     right, rows [methods][questions]: right rows, and rows, of each question
     drawn       [questions]: scratch
     rates       [methods][resamples]: the accuracies */
void bootstrap_rates(const uint32_t *right, const uint32_t *rows, size_t methods, size_t questions,
                     size_t resamples, int64_t seed, uint32_t *drawn, double *rates);

#endif
