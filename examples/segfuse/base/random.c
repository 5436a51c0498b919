/* random.h: MT19937 (Matsumoto and Nishimura 1998, mt19937ar.c), seeded and used as CPython 3.11 does in
   Modules/_randommodule.c and Lib/random.py. A seed is a whole number of any size, read as 32-bit digits;
   a text is first turned into the number whose big-endian bytes are the text followed by its SHA-512.
   NumPy: SeedSequence and PCG64 (O'Neill 2014, pcg_setseq_128_xsl_rr_64), numpy/random/bit_generator.pyx
   and _generator.pyx. */
#include "random.h"

#include "base.h"
#include "hash.h"

#include <stdint.h>

/* ---- Python's random ---- */

#define PY_RANDOM_SIZE  624u
#define PY_RANDOM_SHIFT 397u

/* Digit `at`, counted from the least, of the number whose big-endian bytes are `high` then `low`.
 */
static uint32_t py_seed_digit(sgf_str high, sgf_str low, size_t at) {
    uint32_t digit = 0;
    size_t i;
    for (i = 0; i < 4; i++) {
        size_t back = 4 * at + i; /* bytes behind this one */
        uint32_t byte = 0;
        if (back < low.len) byte = (unsigned char)low.ptr[low.len - 1 - back];
        else if (back - low.len < high.len)
            byte = (unsigned char)high.ptr[high.len - 1 - (back - low.len)];
        digit |= byte << 8 * i;
    }
    return digit;
}
/* init_by_array of mt19937ar.c, with that number as its key. */
static void py_random_init(py_random *random, sgf_str high, sgf_str low) {
    uint32_t *w = random->words, i;
    size_t digits, j = 0, k;
    while (high.len && !high.ptr[0]) high.ptr++, high.len--;
    while (!high.len && low.len && !low.ptr[0]) low.ptr++, low.len--;
    digits = (high.len + low.len + 3) / 4;
    if (!digits) digits = 1; /* zero has one digit */
    w[0] = 19650218u;
    for (i = 1; i < PY_RANDOM_SIZE; i++) w[i] = 1812433253u * (w[i - 1] ^ w[i - 1] >> 30) + i;
    i = 1;
    for (k = digits > PY_RANDOM_SIZE ? digits : PY_RANDOM_SIZE; k; k--) {
        w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1664525u) + py_seed_digit(high, low, j) +
               (uint32_t)j;
        if (++i == PY_RANDOM_SIZE) w[0] = w[PY_RANDOM_SIZE - 1], i = 1;
        if (++j == digits) j = 0;
    }
    for (k = PY_RANDOM_SIZE - 1; k; k--) {
        w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1566083941u) - i;
        if (++i == PY_RANDOM_SIZE) w[0] = w[PY_RANDOM_SIZE - 1], i = 1;
    }
    w[0] = 0x80000000u;
    random->at = PY_RANDOM_SIZE;
}
void py_random_seed(py_random *random, int64_t seed) {
    uint64_t number = seed < 0 ? 0 - (uint64_t)seed : (uint64_t)seed;
    char bytes[8];
    sgf_str high, low;
    int i;
    for (i = 0; i < 8; i++) bytes[i] = (char)(unsigned char)(number >> (56 - 8 * i));
    high.ptr = low.ptr = bytes;
    high.len = 0;
    low.len = 8;
    py_random_init(random, high, low);
}
void py_random_seed_text(py_random *random, sgf_str text) {
    unsigned char digest[64];
    sgf_str low;
    hash_sha512(text, digest);
    low.ptr = (const char *)digest;
    low.len = 64;
    py_random_init(random, text, low);
}

static uint32_t py_random_word(py_random *random) {
    uint32_t *w = random->words, x;
    if (random->at >= PY_RANDOM_SIZE) {
        uint32_t i;
        for (i = 0; i < PY_RANDOM_SIZE; i++) {
            x = (w[i] & 0x80000000u) | (w[(i + 1) % PY_RANDOM_SIZE] & 0x7fffffffu);
            w[i] = w[(i + PY_RANDOM_SHIFT) % PY_RANDOM_SIZE] ^ x >> 1 ^ (x & 1 ? 0x9908b0dfu : 0);
        }
        random->at = 0;
    }
    x = w[random->at++];
    x ^= x >> 11;
    x ^= x << 7 & 0x9d2c5680u;
    x ^= x << 15 & 0xefc60000u;
    return x ^ x >> 18;
}
uint64_t py_random_bits(py_random *random, unsigned bits) {
    uint64_t low;
    if (!bits) return 0;
    if (bits <= 32) return py_random_word(random) >> (32 - bits);
    low = py_random_word(random);
    return low | (uint64_t)(py_random_word(random) >> (bits < 64 ? 64 - bits : 0)) << 32;
}
uint64_t py_random_below(py_random *random, uint64_t n) {
    unsigned bits = 0;
    uint64_t value;
    while (bits < 64 && n >> bits) bits++;
    do value = py_random_bits(random, bits);
    while (n && value >= n);
    return value;
}
double py_random_double(py_random *random) {
    uint32_t high = py_random_word(random) >> 5, low = py_random_word(random) >> 6;
    return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
}
void py_random_shuffle(py_random *random, size_t *items, size_t n) {
    for (; n > 1; n--) {
        size_t j = (size_t)py_random_below(random, n), held = items[n - 1];
        items[n - 1] = items[j];
        items[j] = held;
    }
}

/* Add `value` to a hash set of size - 1 = mask slots that hold value + 1, 0 where they are free.
   Returns 0 if it was there. Values are random, so they are their own hash. */
static int py_set_add(size_t *set, size_t mask, size_t value) {
    size_t slot = value & mask;
    while (set[slot]) {
        if (set[slot] == value + 1) return 0;
        slot = (slot + 1) & mask;
    }
    set[slot] = value + 1;
    return 1;
}
/* Python copies the population when that is smaller than its set of k picks would be, and
   picks without copying otherwise. The two ways give different numbers, so we follow. */
sgf_status py_random_sample(py_random *random, size_t n, size_t k, size_t *out,
                            const sgf_allocator *mem, sgf_error *err) {
    sgf_allocator allocator = base_allocator(mem);
    size_t set_size = 0, most, i, *scratch;
    int copies;
    if (k > n)
        return base_fail(err, SGF_ERR_ARG,
                         "a sample of %llu was wanted from %llu items: ask for fewer",
                         (unsigned long long)k, (unsigned long long)n);
    if (k > SIZE_MAX / 16)
        return base_fail(err, SGF_ERR_LIMIT, "a sample of %llu items", (unsigned long long)k);
    if (k > 5)
        for (set_size = 1; set_size < 3 * k;) set_size *= 4;
    copies = n <= 21 + set_size;
    for (most = 16; most < 2 * k;) most *= 2;
    if (copies) most = n;
    scratch = (size_t *)base_alloc(&allocator, most, sizeof *scratch, err);
    if (!scratch) return SGF_ERR_MEMORY;
    for (i = 0; copies && i < n; i++) scratch[i] = i;
    for (i = 0; i < k; i++) {
        size_t j = (size_t)py_random_below(random, copies ? n - i : n);
        if (copies) {
            out[i] = scratch[j];
            scratch[j] = scratch[n - i - 1];
        } else {
            while (!py_set_add(scratch, most - 1, j)) j = (size_t)py_random_below(random, n);
            out[i] = j;
        }
    }
    base_free(&allocator, scratch, most, sizeof *scratch);
    return SGF_OK;
}

/* ---- NumPy's default_rng ---- */

/* Unsigned integers of 128 bits, in two halves. */
typedef struct numpy_u128 {
    uint64_t high, low;
} numpy_u128;

static numpy_u128 numpy_u128_add(numpy_u128 a, numpy_u128 b) {
    a.low += b.low;
    a.high += b.high + (a.low < b.low);
    return a;
}
/* The low 128 bits of a * b. */
static numpy_u128 numpy_u128_mul(numpy_u128 a, numpy_u128 b) {
    uint64_t a0 = a.low & 0xFFFFFFFFu, a1 = a.low >> 32, b0 = b.low & 0xFFFFFFFFu, b1 = b.low >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32), cross = a0 * b1 + (middle & 0xFFFFFFFFu);
    numpy_u128 out;
    out.low = a.low * b.low;
    out.high = a1 * b1 + (middle >> 32) + (cross >> 32) + a.high * b.low + a.low * b.high;
    return out;
}

typedef struct numpy_pcg64 {
    numpy_u128 state, step;
    uint32_t kept; /* the upper half of the last number, where it is still to be used */
    int has_kept;
} numpy_pcg64;

static uint64_t numpy_pcg64_next(numpy_pcg64 *pcg) {
    static const numpy_u128 factor = {0x2360ED051FC65DA4u, 0x4385DF649FCCF645u};
    unsigned turn;
    uint64_t x;
    pcg->state = numpy_u128_add(numpy_u128_mul(pcg->state, factor), pcg->step);
    turn = (unsigned)(pcg->state.high >> 58);
    x = pcg->state.high ^ pcg->state.low;
    return turn ? x >> turn | x << (64 - turn) : x;
}
static uint32_t numpy_pcg64_half(numpy_pcg64 *pcg) {
    uint64_t x;
    if (pcg->has_kept) {
        pcg->has_kept = 0;
        return pcg->kept;
    }
    x = numpy_pcg64_next(pcg);
    pcg->kept = (uint32_t)(x >> 32);
    pcg->has_kept = 1;
    return (uint32_t)x;
}
/* 0 <= result <= most: as many bits as `most` has, again and again until they are small enough. */
static uint32_t numpy_pcg64_upto(numpy_pcg64 *pcg, uint32_t most) {
    uint32_t mask = most, value;
    mask |= mask >> 1, mask |= mask >> 2, mask |= mask >> 4, mask |= mask >> 8, mask |= mask >> 16;
    do value = numpy_pcg64_half(pcg) & mask;
    while (value > most);
    return value;
}

/* SeedSequence's hash of one word; *key changes with every call. */
static uint32_t numpy_seed_hash(uint32_t value, uint32_t *key, uint32_t factor) {
    value ^= *key;
    *key *= factor;
    value *= *key;
    return value ^ value >> 16;
}
/* SeedSequence(seed).generate_state(8), and PCG64 begun with it. */
static void numpy_pcg64_seed(numpy_pcg64 *pcg, uint64_t seed) {
    uint32_t pool[4] = {0, 0, 0, 0}, key = 0x43B0D7E5u, x;
    uint64_t words[4] = {0, 0, 0, 0};
    numpy_u128 start;
    unsigned i, k;
    pool[0] = (uint32_t)seed;
    pool[1] = (uint32_t)(seed >> 32);
    for (i = 0; i < 4; i++) pool[i] = numpy_seed_hash(pool[i], &key, 0x931E8875u);
    for (i = 0; i < 4; i++)
        for (k = 0; k < 4; k++) {
            if (i == k) continue;
            x = 0xCA01F9DDu * pool[k] - 0x4973F715u * numpy_seed_hash(pool[i], &key, 0x931E8875u);
            pool[k] = x ^ x >> 16;
        }
    key = 0x8B51F9DDu;
    for (i = 0; i < 8; i++)
        words[i / 2] |= (uint64_t)numpy_seed_hash(pool[i % 4], &key, 0x58F38DEDu) << i % 2 * 32;
    start.high = words[0], start.low = words[1];
    pcg->step.high = words[2] << 1 | words[3] >> 63;
    pcg->step.low = words[3] << 1 | 1;
    pcg->state = numpy_u128_add(pcg->step, start);
    pcg->has_kept = 0;
    numpy_pcg64_next(pcg);
}
sgf_status numpy_permutation(uint64_t seed, uint64_t n, size_t *out, sgf_error *err) {
    numpy_pcg64 pcg;
    size_t i;
    if (n > (uint64_t)1 << 32 || n > SIZE_MAX)
        return base_fail(err, SGF_ERR_LIMIT, "a permutation of more than 2^32 numbers");
    numpy_pcg64_seed(&pcg, seed);
    for (i = 0; i < n; i++) out[i] = i;
    for (i = (size_t)n; i-- > 1;) {
        size_t k = numpy_pcg64_upto(&pcg, (uint32_t)i), kept = out[i];
        out[i] = out[k];
        out[k] = kept;
    }
    return SGF_OK;
}
