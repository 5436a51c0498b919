/* Statistics of right and wrong answers: exact tests, agreement, resampling. */

/* The 97.5% point of the normal distribution: 95% intervals. */
static const double interval_z = 1.959963984540054;

/* Two methods on the same questions: how many of them both, only one, or neither got right. */
typedef struct {
    size_t both, first, second, neither;
} paired_counts;

/* McNemar's exact test (1947): if the methods were equally good, each question that only one of
   them gets right would be a fair coin. The two-sided binomial p of the smaller side. The terms of
   the binomial grow from 2^-n; `power` keeps their exponent, so that no n underflows. */
static double mcnemar_p(const paired_counts *c) {
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
/* Cohen's kappa (1960) of right and wrong: agreement beyond chance, 1 at most. Not a number when
   chance alone explains everything (both always right, or both always wrong). */
static double kappa_of(const paired_counts *c) {
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
/* The point below which a share of q of n ascending values lies; between two of them in proportion
   (NumPy's default). */
static double quantile_of(const double *ascending, size_t n, double q) {
    double at = q * (double)(n - 1), low = floor(at), part = at - low;
    size_t i = (size_t)low;
    if (!n) return NAN;
    if (i + 1 >= n) return ascending[n - 1];
    return ascending[i] + (ascending[i + 1] - ascending[i]) * part;
}
/* The middle 95% of n values, which are sorted here. */
static void middle_95(double *values, size_t n, double *low, double *high) {
    qsort(values, n, sizeof *values, double_order);
    *low = quantile_of(values, n, 0.025);
    *high = quantile_of(values, n, 0.975);
}
/* Holm's step-down correction (1979) of n p-values for having looked n times. `order` is scratch. */
static void holm_correct(const double *p, double *corrected, size_t *order, size_t n) {
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

/* The bootstrap (Efron 1979) of the accuracies of several methods on the same questions. A question
   is drawn with all its rows, so the rows of one question may depend on each other, and with all
   methods, so differences are paired.
     right, rows [methods][questions]: right rows, and rows, of each question
     rates       [methods][resamples]: the accuracies */
static void bootstrap_rates(const uint32_t *right, const uint32_t *rows, size_t methods,
                            size_t questions, size_t resamples, int64_t seed, uint32_t *drawn,
                            double *rates) {
    sgf_random random;
    size_t r, i, m;
    sgf_random_seed(&random, seed);
    for (r = 0; r < resamples; r++) {
        for (i = 0; i < questions; i++) drawn[i] = (uint32_t)sgf_random_below(&random, questions);
        for (m = 0; m < methods; m++) {
            const uint32_t *hit = right + m * questions, *all = rows + m * questions;
            uint64_t hits = 0, total = 0;
            for (i = 0; i < questions; i++) hits += hit[drawn[i]], total += all[drawn[i]];
            rates[m * resamples + r] = total ? (double)hits / (double)total : 0;
        }
    }
}
