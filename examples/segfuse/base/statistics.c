/* statistics.h: intervals, exact tests, agreement, resampling. */
#include "statistics.h"

#include "random.h"

#include <math.h>
#include <stdlib.h>

/* Wilson 1927: the rates p with |k/n - p| <= z sqrt(p (1 - p) / n). */
void wilson_interval(size_t k, size_t n, double z, double *low, double *high) {
    double tries = (double)n, rate, centre, half, scale;
    *low = 0;
    *high = 1;
    if (!n) return;
    if (k > n) k = n;
    rate = (double)k / tries;
    scale = 1 + z * z / tries;
    centre = (rate + z * z / (2 * tries)) / scale;
    half = fabs(z) * sqrt(rate * (1 - rate) / tries + z * z / (4 * tries * tries)) / scale;
    if (k > 0) *low = centre - half < rate ? centre - half : rate;
    if (k < n) *high = centre + half > rate ? centre + half : rate;
}

/* The terms of the binomial grow from 2^-n; `power` keeps their exponent, so that no n underflows. */
double mcnemar_p(const paired_counts *c) {
    size_t n = c->first + c->second, least = c->first < c->second ? c->first : c->second, i;
    double term = 1, sum = 1, p;
    int power = 0;
    if (!n || c->first == c->second) return 1;
    for (i = 0; i < least; i++) {
        term *= (double)(n - i) / (double)(i + 1);
        sum += term;
        if (term > 1e200 || sum > 1e200)
            term = ldexp(term, -600), sum = ldexp(sum, -600), power += 600;
    }
    p = ldexp(2 * sum, power - (int)n);
    return p < 1 ? p : 1;
}
double kappa_of(const paired_counts *c) {
    double n = (double)(c->both + c->first + c->second + c->neither), seen, chance;
    double a = (double)(c->both + c->first), b = (double)(c->both + c->second);
    if (!(n > 0)) return NAN;
    seen = (double)(c->both + c->neither) / n;
    chance = (a * b + (n - a) * (n - b)) / (n * n);
    return chance < 1 ? (seen - chance) / (1 - chance) : NAN;
}

static int double_order(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
double quantile_of(const double *ascending, size_t n, double q) {
    double at = q * (double)(n - 1), low = floor(at), part = at - low;
    size_t i = (size_t)low;
    if (!n) return NAN;
    if (i + 1 >= n) return ascending[n - 1];
    return ascending[i] + (ascending[i + 1] - ascending[i]) * part;
}
void middle_95(double *values, size_t n, double *low, double *high) {
    qsort(values, n, sizeof *values, double_order);
    *low = quantile_of(values, n, 0.025);
    *high = quantile_of(values, n, 0.975);
}
void holm_correct(const double *p, double *corrected, size_t *order, size_t n) {
    double least = 0;
    size_t i, k;
    for (i = 0; i < n; i++) { /* insertion: n is a number of pairs of methods */
        for (k = i; k && p[order[k - 1]] > p[i]; k--) order[k] = order[k - 1];
        order[k] = i;
    }
    for (i = 0; i < n; i++) {
        double value = p[order[i]] * (double)(n - i);
        if (value > least) least = value < 1 ? value : 1;
        corrected[order[i]] = least;
    }
}

void bootstrap_rates(const uint32_t *right, const uint32_t *rows, size_t methods, size_t questions,
                     size_t resamples, int64_t seed, uint32_t *drawn, double *rates) {
    py_random random;
    size_t r, i, m;
    py_random_seed(&random, seed);
    for (r = 0; r < resamples; r++) {
        for (i = 0; i < questions; i++) drawn[i] = (uint32_t)py_random_below(&random, questions);
        for (m = 0; m < methods; m++) {
            const uint32_t *hit = right + m * questions, *all = rows + m * questions;
            uint64_t hits = 0, total = 0;
            for (i = 0; i < questions; i++) hits += hit[drawn[i]], total += all[drawn[i]];
            rates[m * resamples + r] = total ? (double)hits / (double)total : 0;
        }
    }
}
