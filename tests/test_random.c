/* The picks of CPython 3.11: every expected number below was printed by the Python in the comment.
 */

static void test_random_ints_are_pythons(void) {
    /* random.seed(s); [random.getrandbits(32), ... x3, random.random(), getrandbits(64), (40), (1)]
     */
    static const struct {
        int64_t seed;
        uint32_t words[3];
        double real;
        uint64_t bits64, bits40, bit;
    } cases[] = {
        {0,
         {3626764237u, 1654615998u, 3255389356u},
         0.890243920837131,
         4776171008201404212u,
         562492388602u,
         0},
        {1,
         {577090037u, 2444712010u, 3639700191u},
         0.8022650611681835,
         4705193143269049553u,
         541672336265u,
         1},
        {42,
         {2746317213u, 478163327u, 107420369u},
         0.7415504997598329,
         4117511471858006928u,
         808053162473u,
         0},
        {-42,
         {2746317213u, 478163327u, 107420369u},
         0.7415504997598329,
         4117511471858006928u,
         808053162473u,
         0},
        {2147483648,
         {1455117090u, 1620553392u, 2169224728u},
         0.8786676219787155,
         3005304091043397451u,
         122989052829u,
         0},
        {4294967296,
         {485306839u, 1508871100u, 1794561286u},
         0.9347212762883035,
         11284269182920140557u,
         888526054291u,
         1},
        {123456789012345,
         {2896848117u, 946991832u, 1255537387u},
         0.41024342346817944,
         9681392983356684151u,
         128319967161u,
         1},
        {INT64_MIN,
         {2377109768u, 1691753470u, 4039908392u},
         0.20933427096899082,
         15703473677651568251u,
         92351006563u,
         0},
    };
    size_t i, j;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        py_random random;
        py_random_seed(&random, cases[i].seed);
        for (j = 0; j < 3; j++) CHECK(py_random_bits(&random, 32) == cases[i].words[j]);
        CHECK(py_random_double(&random) == cases[i].real);
        CHECK(py_random_bits(&random, 64) == cases[i].bits64);
        CHECK(py_random_bits(&random, 40) == cases[i].bits40);
        CHECK(py_random_bits(&random, 1) == cases[i].bit);
    }
}

static void test_random_texts_are_pythons(void) {
    /* as above, with random.seed("..."); the long one is "x" * 3000 */
    static const struct {
        const char *seed;
        uint32_t words[3];
        double real;
    } cases[] = {
        {"", {4124137760u, 1951988028u, 2557274880u}, 0.20688680103429935},
        {"a", {1168357962u, 2173948116u, 289208638u}, 0.608733405172185},
        {"42", {2034351728u, 1957669590u, 2719510229u}, 0.9790033048489339},
        {"5d09424876ba7f4-15e8746c51e1d4c",
         {12185322u, 894876285u, 2617770596u},
         0.4896700274793868},
        {"Z\xc3\xbcrich", {2555793655u, 4062522637u, 3861631725u}, 0.25202815730384076},
        {NULL, {2036772161u, 3538435759u, 2616830263u}, 0.3634381242622218},
    };
    static char many[3000];
    size_t i, j;
    py_random random;
    sgf_str text;
    memset(many, 'x', sizeof many);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        text.ptr = cases[i].seed ? cases[i].seed : many;
        text.len = cases[i].seed ? strlen(cases[i].seed) : sizeof many;
        py_random_seed_text(&random, text);
        for (j = 0; j < 3; j++) CHECK(py_random_bits(&random, 32) == cases[i].words[j]);
        CHECK(py_random_double(&random) == cases[i].real);
    }
    text.ptr =
        "\0\0ab"; /* random.seed("\0\0ab"); random.getrandbits(32): leading zeros are no digits */
    text.len = 4;
    py_random_seed_text(&random, text);
    CHECK(py_random_bits(&random, 32) == 398621335u);
}

static void test_random_goes_on_past_its_first_block(void) {
    /* random.seed(42); [random.getrandbits(32) for _ in range(2001)][-1] */
    py_random random;
    int i;
    py_random_seed(&random, 42);
    for (i = 0; i < 2000; i++) py_random_bits(&random, 32);
    CHECK(py_random_bits(&random, 32) == 426724858u);
}

static void test_random_below_is_randrange(void) {
    /* random.seed(42); [random.randrange(n) for n in (1, 2, 3, 7, 10, 1000, 2**32, 2**32+1, 2**63,
     * 2**64-1)] */
    static const uint64_t n[] = {
        1, 2, 3, 7, 10, 1000, 4294967296u, 4294967297u, 9223372036854775808u, UINT64_MAX};
    static const uint64_t wanted[] = {
        0, 0, 2, 2, 3, 228, 2342331444u, 2536146025u, 549661728470919411u, 4033158781666617690u};
    py_random random, before;
    size_t i;
    py_random_seed(&random, 42);
    for (i = 0; i < 10; i++) CHECK(py_random_below(&random, n[i]) == wanted[i]);
    before = random;
    CHECK(py_random_below(&random, 0) == 0 && py_random_bits(&random, 0) == 0);
    CHECK(!memcmp(&before, &random, sizeof random));
    CHECK(py_random_bits(&before, 99) == py_random_bits(&random, 64));
}

static void test_random_sample_is_pythons(void) {
    /* r = random.Random(seed); r.sample(range(n), k), r.getrandbits(32): both ways of picking, and
       the sizes where Python changes from one to the other */
    static const struct {
        int64_t seed;
        uint64_t n;
        size_t k, out[22];
        uint32_t next;
    } cases[] = {
        {1, 0, 0, {0}, 577090037u},
        {1, 1, 1, {0}, 2444712010u},
        {42, 6, 6, {5, 0, 4, 2, 1, 3}, 958682846u},
        {42, 21, 5, {20, 3, 0, 8, 7}, 958682846u},
        {42, 22, 5, {20, 3, 0, 8, 7}, 958682846u},
        {42, 85, 6, {81, 14, 3, 35, 31, 28}, 599310825u},
        {42, 86, 6, {81, 14, 3, 35, 31, 28}, 599310825u},
        {42, 100, 5, {81, 14, 3, 94, 35}, 1051802512u},
        {42, 2000, 5, {1309, 228, 51, 1518, 563}, 1051802512u},
        {42,
         85,
         21,
         {81, 14, 3, 35, 31, 28, 17, 13, 69, 11, 54, 4, 82, 75, 27, 29, 64, 72, 25, 53, 79},
         1929338154u},
        {42,
         86,
         21,
         {81, 14, 3, 35, 31, 28, 17, 13, 69, 11, 75, 54, 4, 27, 29, 64, 77, 71, 25, 83, 53},
         946785248u},
        {42,
         86,
         22,
         {81, 14, 3, 35, 31, 28, 17, 13, 69, 11, 75, 54, 4, 83, 76, 27, 29, 64, 72, 25, 53, 80},
         1929338154u},
        {42,
         277,
         22,
         {57, 12,  140, 125, 114, 71,  52,  44,  216, 16,  15,
          47, 111, 119, 258, 13,  101, 214, 112, 229, 142, 3},
         3259052811u},
        {42,
         278,
         22,
         {57, 12,  140, 125, 114, 71,  52,  44,  216, 16,  15,
          47, 111, 119, 258, 13,  101, 214, 112, 229, 142, 3},
         3259052811u},
        {7, 15, 15, {5, 2, 6, 10, 0, 1, 8, 9, 13, 4, 11, 7, 14, 12, 3}, 1796035739u},
#if SIZE_MAX > 0xffffffffu
        {7,
         1000000000000u,
         8,
         {434439589175u, 54335349840u, 902254243635u, 105380810795u, 641520749048u, 996681516149u,
          234107653877u, 94650323160u},
         1862494042u},
#endif
    };
    size_t i, out[22];
    sgf_error err;
    py_random random;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        py_random_seed(&random, cases[i].seed);
        MUST(py_random_sample(&random, (size_t)cases[i].n, cases[i].k, out, NULL, &err), err);
        CHECK(!memcmp(out, cases[i].out, cases[i].k * sizeof *out));
        CHECK(py_random_bits(&random, 32) == cases[i].next);
    }
    /* random.seed("5d09424876ba7f4-15e8746c51e1d4c"); random.sample(range(15), 5) */
    {
        static const size_t wanted[] = {0, 3, 9, 7, 8};
        py_random_seed_text(&random, sgf_text("5d09424876ba7f4-15e8746c51e1d4c"));
        MUST(py_random_sample(&random, 15, 5, out, NULL, &err), err);
        CHECK(!memcmp(out, wanted, sizeof wanted));
    }
}

static void test_random_large_samples_are_pythons(void) {
    /* random.seed(3); s = random.sample(range(n), 10000); sum(i*x for i, x in enumerate(s)),
     * random.getrandbits(32) */
    static const size_t n[] = {1000000, 12000};
    static const uint64_t sums[] = {24795892019413u, 300160361098u},
                          next[] = {3370744703u, 622532038u};
    static size_t out[10000];
    sgf_error err;
    size_t i, j;
    for (i = 0; i < 2; i++) {
        py_random random;
        uint64_t sum = 0;
        py_random_seed(&random, 3);
        MUST(py_random_sample(&random, n[i], 10000, out, NULL, &err), err);
        for (j = 0; j < 10000; j++) sum += (uint64_t)j * out[j];
        CHECK(sum == sums[i]);
        CHECK(py_random_bits(&random, 32) == next[i]);
    }
}

static void test_random_sample_refuses_more_than_there_is(void) {
    py_random random, before;
    size_t out[3] = {7, 7, 7};
    sgf_error err;
    py_random_seed(&random, 42);
    before = random;
    CHECK(py_random_sample(&random, 2, 3, out, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "sample of 3") && strstr(err.message, "2 items"));
    CHECK(py_random_sample(&random, SIZE_MAX, SIZE_MAX / 2, out, NULL, NULL) == SGF_ERR_LIMIT);
    CHECK(out[0] == 7 && !memcmp(&before, &random, sizeof random));
}

static void test_random_shuffle_is_pythons(void) {
    /* random.seed(42); x = list(range(10)); random.shuffle(x); x, random.getrandbits(32) */
    static const size_t wanted[] = {7, 3, 2, 8, 5, 6, 9, 4, 0, 1};
    size_t x[10], i;
    py_random random;
    for (i = 0; i < 10; i++) x[i] = i;
    py_random_seed(&random, 42);
    py_random_shuffle(&random, x, 10);
    CHECK(!memcmp(x, wanted, sizeof x));
    CHECK(py_random_bits(&random, 32) == 2536146025u);
    py_random_shuffle(&random, NULL, 0);
}

static void test_random_permutation_is_numpys(void) {
    /* numpy.random.default_rng(seed).permutation(n): the first four and the last three */
    static const struct {
        uint64_t seed;
        size_t n, want[7];
    } cases[] = {{42, 10, {5, 6, 0, 7, 9, 1, 8}},
                 {0, 7, {2, 4, 3, 6, 5, 0, 1}},
                 {((uint64_t)1 << 40) + 5, 12, {9, 5, 1, 2, 4, 6, 11}},
                 {42, 100000, {45262, 49850, 30394, 90177, 5668, 22113, 75400}}};
    size_t *out = (size_t *)malloc(100000 * sizeof *out), i, k;
    sgf_error err;
    for (i = 0; out && i < sizeof cases / sizeof *cases; i++) {
        size_t n = cases[i].n, sum = 0;
        MUST(numpy_permutation(cases[i].seed, n, out, &err), err);
        for (k = 0; k < 7; k++) CHECK(out[k < 4 ? k : n - 7 + k] == cases[i].want[k]);
        for (k = 0; k < n; k++) sum += out[k];
        CHECK(sum == n * (n - 1) / 2);
    }
    free(out);
    CHECK(numpy_permutation(1, 0, NULL, &err) == SGF_OK);
    CHECK(numpy_permutation(1, (uint64_t)1 << 33, NULL, &err) == SGF_ERR_LIMIT);
}
static void test_random_hashes_are_the_standard_ones(void) {
    /* hashlib.md5(b"a" * n).hexdigest(), hashlib.sha512(b"a" * n).hexdigest()[:16]: lengths around
     * the blocks */
    static const struct {
        size_t n;
        const char *md5, *sha512;
    } cases[] = {
        {0, "d41d8cd98f00b204e9800998ecf8427e", "cf83e1357eefb8bd"},
        {3, "47bce5c74f589f4867dbd57e9ca9f808", "d6f644b19812e97b"},
        {55, "ef1772b6dff9a122358552954ad0df65", "b0220c772cbf6c18"},
        {56, "3b0c8ac703f828b04c6c197006d17218", "962b64aae357d2a4"},
        {63, "b06521f39153d618550606be297466d5", "c1b0f5c6d3b03dfe"},
        {64, "014842d480b571495a4a0363793f7367", "01d35c10c6c38c2d"},
        {111, "089f243d1e831c5879aa375ee364a06e", "fa9121c7b32b9e01"},
        {112, "9146ef3527c7cfcc66dc615c3986e391", "c01d080efd492776"},
        {119, "8a7bd0732ed6a28ce75f6dabc90e1613", "130396a75cb483f2"},
        {120, "5f61c0ccad4cac44c75ff505e1f1e537", "f241de612b01aa2f"},
        {127, "020406e1d05cdc2aa287641f7ae2cc39", "828613968b501dc0"},
        {128, "e510683b3f5ffe4093d021808bc6ff70", "b73d1929aa615934"},
        {129, "b325dc1c6f5e7a2b7cf465b9feab7948", "4f681e0bd53cda4b"},
        {1000, "cabe45dcc9ae5b66ba86600cca6b8ba8", "67ba5535a46e3f86"},
    };
    char text[1000], hex[33];
    size_t i, j;
    memset(text, 'a', sizeof text);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char digest[64];
        sgf_str s;
        s.ptr = text;
        s.len = cases[i].n;
        hash_md5_hex(s, hex);
        CHECK(!strcmp(hex, cases[i].md5));
        hash_sha512(s, digest);
        for (j = 0; j < 8; j++) snprintf(hex + 2 * j, 3, "%02x", digest[j]);
        CHECK(!strcmp(hex, cases[i].sha512));
    }
}

static int random_near(double a, double b) {
    return fabs(a - b) < 1e-14;
}

static void test_random_wilson_is_the_formula(void) {
    /* p = k/n; d = 1+z*z/n; c = (p+z*z/2/n)/d; h = z*sqrt(p*(1-p)/n+z*z/4/n/n)/d; c-h, c+h */
    double low, high, z = 1.959963984540054;
    wilson_interval(448, 1013, z, &low, &high);
    CHECK(random_near(low, 0.4119417515919393) && random_near(high, 0.4729960634577211));
    wilson_interval(1, 2, z, &low, &high);
    CHECK(random_near(low, 0.09453120573423074) && random_near(high, 0.9054687942657693));
    wilson_interval(0, 10, z, &low, &high);
    CHECK(low == 0 && random_near(high, 0.2775327998628892));
    wilson_interval(10, 10, z, &low, &high);
    CHECK(random_near(low, 0.7224672001371107) && high == 1);
    wilson_interval(11, 10, -z, &low, &high);
    CHECK(random_near(low, 0.7224672001371107) && high == 1);
    wilson_interval(0, 0, z, &low, &high);
    CHECK(low == 0 && high == 1);
}

static void tests_random(void) {
    RUN(test_random_ints_are_pythons);
    RUN(test_random_texts_are_pythons);
    RUN(test_random_goes_on_past_its_first_block);
    RUN(test_random_below_is_randrange);
    RUN(test_random_sample_is_pythons);
    RUN(test_random_large_samples_are_pythons);
    RUN(test_random_sample_refuses_more_than_there_is);
    RUN(test_random_shuffle_is_pythons);
    RUN(test_random_permutation_is_numpys);
    RUN(test_random_hashes_are_the_standard_ones);
    RUN(test_random_wilson_is_the_formula);
}
