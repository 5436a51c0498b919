/* Lemmas and matching. The expected lists are what spaCy 3 with en_core_web_lg gives, or its rules.
 */

/* The lemmas of a text joined by '|'; out holds `size` bytes. */
static const char *lemmas_joined(const char *text, size_t n, char *out, size_t size) {
    sgf_str s;
    lemma_list lemmas;
    sgf_error err;
    size_t i, at = 0;
    s.ptr = text;
    s.len = n;
    if (lemma_list_make(s, NULL, &lemmas, &err))
        return err.message[0] ? "failed" : "failed without a message";
    out[0] = 0;
    for (i = 0; i < lemmas.count && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%.*s", i ? "|" : "",
                               (int)lemmas.items[i].len, lemmas.items[i].ptr);
    lemma_list_free(&lemmas);
    return out;
}
typedef struct lemmas_case {
    const char *text, *wanted;
} lemmas_case;

static void lemmas_check(const lemmas_case *cases, size_t n) {
    size_t i;
    for (i = 0; i < n; i++) {
        char out[512];
        const char *got = lemmas_joined(cases[i].text, strlen(cases[i].text), out, sizeof out);
        if (!strcmp(got, cases[i].wanted)) continue;
        printf("    %s -> %s, wanted %s\n", cases[i].text, got, cases[i].wanted);
        test_errors++;
    }
}
#define LEMMAS_CHECK(cases) lemmas_check(cases, sizeof cases / sizeof *cases)

static void test_lemmas_splits_tokens_as_spacy_does(void) {
    static const lemmas_case cases[] = {
        {"", ""},
        {"New York", "new|york"},
        {"Lima, Peru", "lima|,|peru"},
        {"(Bonn)", "(|bonn|)"},
        {"\"Hamlet\"", "\"|hamlet|\""},
        {"\xe2\x80\x9cHamlet\xe2\x80\x9d", "\"|hamlet|\""},
        {"Rhine-Main", "rhine|-|main"},
        {"1914\xe2\x80\x93"
         "1918",
         "1914\xe2\x80\x93"
         "1918"},
        {"and/or", "and|/|or"},
        {"Anna's", "anna|'s"},
        {"Anna\xe2\x80\x99s", "anna|\xe2\x80\x99s"},
        {"don't", "do|not"},
        {"cannot", "can|not"},
        {"I'm", "i|be"},
        {"they've", "they|have"},
        {"Dr. No", "dr.|no"},
        {"e.g. tea", "e.g.|tea"},
        {"a. b", "a.|b"},
        {"the end.", "the|end|."},
        {"the U.S.", "the|u.s."},
        {"NASA.", "nasa|."},
        {"wait...", "wait|..."},
        {"wait...what", "wait|...|what"},
        {"end.Then", "end|.|then"},
        {"one,two", "one|,|two"},
        {"5km", "5|km"},
        {"$5", "$|5"},
        {"5\xe2\x82\xac", "5|\xe2\x82\xac"},
        {"10-20", "10|-|20"},
        {"+49", "+49"},
        {"+a", "+|a"},
        {"3.14", "3.14"},
        {"two  blanks", "two| |blank"},
        {" tea", " |tea"},
        {"tea\n", "tea|\n"},
        {"caf\xc3\xa9\xc2\xa0noir", "caf\xc3\xa9|\xc2\xa0|noir"},
        {"O'Brien", "o'brien"},
        {"a--b", "a|--|b"},
        {"-", "-"},
        {"#1", "#|1"},
        {"tea \xe2\x98\x95", "tea|\xe2\x98\x95"},
    };
    LEMMAS_CHECK(cases);
}

static void test_lemmas_of_nouns(void) {
    static const lemmas_case cases[] = {
        {"rivers", "river"},
        {"cities", "city"},
        {"ties", "tie"},
        {"movies", "movie"},
        {"glasses", "glass"},
        {"dishes", "dish"},
        {"churches", "church"},
        {"aches", "ache"},
        {"foxes", "fox"},
        {"waltzes", "waltz"},
        {"houses", "house"},
        {"causes", "cause"},
        {"viruses", "virus"},
        {"heroes", "hero"},
        {"shoes", "shoe"},
        {"analyses", "analysis"},
        {"syntheses", "synthesis"},
        {"housewives", "housewife"},
        {"werewolves", "werewolf"},
        {"firemen", "fireman"},
        {"specimen", "specimen"},
        {"women", "woman"},
        {"grandchildren", "grandchild"},
        {"plateaus", "plateau"},
        {"tableaux", "tableau"},
        {"vertebrae", "vertebra"},
        {"reggae", "reggae"},
        {"fungi", "fungus"},
        {"bacteria", "bacterium"},
        {"mice", "mouse"},
        {"taxis", "taxi"},
        {"glass", "glass"},
        {"virus", "virus"},
        {"tennis", "tennis"},
        {"physics", "physics"},
        {"gas", "gas"},
        {"yes", "yes"},
    };
    LEMMAS_CHECK(cases);
}

static void test_lemmas_of_verbs(void) {
    static const lemmas_case cases[] = {
        {"making", "make"},
        {"stopped", "stop"},
        {"reading", "read"},
        {"acting", "act"},
        {"agreed", "agree"},
        {"rewriting", "rewrite"},
        {"underwriting", "underwrite"},
        {"rewritten", "rewrite"},
        {"travelled", "travel"},
        {"recalled", "recall"},
        {"passing", "pass"},
        {"creating", "create"},
        {"initiated", "initiate"},
        {"treating", "treat"},
        {"describing", "describe"},
        {"receding", "recede"},
        {"visited", "visit"},
        {"developing", "develop"},
        {"worshipping", "worship"},
        {"arranging", "arrange"},
        {"belonging", "belong"},
        {"hanging", "hang"},
        {"merged", "merge"},
        {"centred", "centre"},
        {"mixed", "mix"},
        {"acquiring", "acquire"},
        {"studied", "study"},
        {"died", "die"},
        {"panicked", "panic"},
        {"underlying", "underlie"},
        {"king", "king"},
        {"red", "red"},
        {"hundred", "hundred"},
        {"need", "need"},
        {"bring", "bring"},
        {"went", "go"},
        {"was", "be"},
        {"were", "be"},
        {"Has", "have"},
        {"withdrew", "withdraw"},
        {"overcame", "overcome"},
        {"resent", "resent"},
        {"unmarried", "unmarried"},
        {"undermined", "undermine"},
        {"unified", "unify"},
        {"united", "united"},
        {"larger", "large"},
        {"happiest", "happy"},
    };
    LEMMAS_CHECK(cases);
}

static void test_lemmas_of_capitalised_words(void) {
    static const lemmas_case cases[] = {
        {"Beatles", "beatle"}, /* alone: a plural, as spaCy's tagger sees it */
        {"The Beatles", "the|beatles"},
        {"Athens", "athens"},
        {"Paris", "paris"},
        {"Texas", "texas"},
        {"BBS", "bbs"},
        {"Acting", "act"},
        {"Dancing", "dance"},
        {"Beijing", "beijing"},
        {"Wyoming", "wyoming"},
        {"Stirling", "stirling"},
        {"Rolling Stones", "rolling|stones"},
        {"Ch'ing", "ch'e"},
        {"Spider-men", "spider|-|men"}, /* behind a capital and a hyphen: part of the name */
        {"spider-men", "spider|-|man"},
        {"a Spider-men", "a|spider|-|men"},
        {"Them", "they"},
        {"THEM", "them"}, /* not a pronoun in capitals */
        {"HE", "he"},
        {"US", "us"},
        {"IT", "it"},
        {"IS", "be"},
        {"I", "i"},
    };
    LEMMAS_CHECK(cases);
}

static void test_lemmas_lowers_every_script(void) {
    static const lemmas_case cases[] = {
        {"\xc3\x89"
         "COLE \xc5\x81\xc3\x93"
         "D\xc5\xb9",
         "\xc3\xa9"
         "cole|\xc5\x82\xc3\xb3"
         "d\xc5\xba"},
        {"\xce\x9f\xce\x94\xce\x9f\xce\xa3", "\xce\xbf\xce\xb4\xce\xbf\xcf\x82"}, /* final sigma */
        {"\xd0\x9c\xd0\x9e\xd0\xa1\xd0\x9a\xd0\x92\xd0\x90",
         "\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0"},
        {"\xc4\xb0zmir", "i\xcc\x87zmir"},
        {"\xe1\xba\xb0n", "\xe1\xba\xb1n"},
        {"\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac"},
    };
    /* sum(c * ord(chr(c).lower()) for c in range(0x110000) if c != 0x130 and c is an upper case
     * letter) % 2**64 */
    uint64_t sum = 0, changed = 0;
    uint32_t c;
    LEMMAS_CHECK(cases);
    for (c = 0; c < 0x110000; c++)
        if (lemma_char_lower(c) != c) changed++, sum += (uint64_t)c * lemma_char_lower(c);
    CHECK(changed == 1432 && sum == 2084384875909u);
    for (changed = 0, c = 0; c < 0x110000; c++) changed += lemma_char_class(c) == LEMMA_SPACE;
    CHECK(changed == 29); /* sum(chr(c).isspace() for c in range(0x110000)) */
}

static void test_lemmas_tables_are_sorted(void) {
    size_t t, i;
    for (t = 0; t < sizeof lemma_tables / sizeof *lemma_tables; t++)
        for (i = 0; i < lemma_tables[t].count; i++) {
            const char *entry = lemma_tables[t].items[i];
            size_t n = strcspn(entry, "=");
            const char *found = lemma_word_find((int)t, entry, n);
            CHECK(found == (entry[n] ? entry + n + 1 : entry + n));
        }
    CHECK(!lemma_word_find(LEMMA_IN_LOWER, "", 0));
    CHECK(!lemma_word_find(LEMMA_IN_LOWER, "fe", 2));
    CHECK(!lemma_word_find(LEMMA_IN_LOWER, "feet=", 5));
    CHECK(!lemma_word_find(LEMMA_IN_LOWER, "feet\0", 5));
}

static int lemmas_matches(const char *prediction, const char *gold, int two_way) {
    lemma_list p, g;
    int match = -1;
    if (lemma_list_make(sgf_text(prediction), NULL, &p, NULL)) return -1;
    if (!lemma_list_make(sgf_text(gold), NULL, &g, NULL)) {
        match = lemma_match(&p, &g, two_way);
        lemma_list_free(&g);
    }
    lemma_list_free(&p);
    return match;
}
static void test_lemmas_match_slices(void) {
    CHECK(lemmas_matches("the rivers of Peru", "river", 0) == 1);
    CHECK(lemmas_matches("river", "the rivers of Peru", 0) == 0);
    CHECK(lemmas_matches("river", "the rivers of Peru", 1) == 1);
    CHECK(lemmas_matches("New York City", "York New", 1) == 0);
    CHECK(lemmas_matches("New old York", "New York", 1) == 0);
    CHECK(lemmas_matches("ab", "a", 1) == 0); /* whole lemmas only */
    CHECK(lemmas_matches("x x x y x x x x y z", "x x x x y", 0) == 1);
    CHECK(lemmas_matches("x y x y x z", "x y x z", 0) == 1);
    CHECK(lemmas_matches("", "tea", 1) == 0);
    CHECK(lemmas_matches("tea", "", 1) == 0);
    CHECK(lemmas_matches("", "", 1) == 0);
}
static void test_lemmas_any_alias_counts(void) {
    sgf_str answers[3];
    int one = -1, two = -1;
    sgf_error err;
    answers[0] = sgf_text("Republic of Chile");
    answers[1] = sgf_text("Lima, Peru");
    answers[2] = sgf_text("the city of kings");
    MUST(lemma_match_any(sgf_text("Lima"), answers, 3, &one, &two, &err), err);
    CHECK(one == 0 && two == 1);
    MUST(lemma_match_any(sgf_text("It is the City of king."), answers, 3, &one, &two, &err), err);
    CHECK(one == 1 && two == 1);
    MUST(lemma_match_any(sgf_text(""), answers, 3, &one, &two, &err), err);
    CHECK(one == 0 && two == 0);
    MUST(lemma_match_any(sgf_text("Lima"), answers, 0, &one, NULL, &err), err);
    CHECK(one == 0);
    MUST(lemma_match_any(sgf_text("Lima"), answers, 2, NULL, &two, &err), err);
    CHECK(two == 1);
}

/* Every text goes through, and all bytes but the swallowed blanks come out again. */
static void test_lemmas_takes_any_bytes(void) {
    uint32_t seed = 1;
    int round;
    char out[512];
    CHECK(!strcmp(lemmas_joined("\xff\xfe", 2, out, sizeof out), "\xff\xfe"));
    CHECK(!strcmp(lemmas_joined("Bonn\xc3", 5, out, sizeof out), "bonn\xc3"));
    CHECK(!strcmp(lemmas_joined("\xed\xa0\x80s", 4, out, sizeof out), "\xed\xa0\x80s"));
    for (round = 0; round < 4000; round++) {
        static const char bits[] = "'s..-- \"(ingedsnt\xe2\x80\x99\xc3";
        char text[24];
        sgf_str s;
        lemma_list lemmas;
        size_t i;
        s.ptr = text;
        s.len = (size_t)round % sizeof text;
        for (i = 0; i < s.len; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = round % 2 ? (char)(unsigned char)(seed >> 24)
                                : bits[(seed >> 24) % (sizeof bits)];
        }
        CHECK(lemma_list_make(s, NULL, &lemmas, NULL) == SGF_OK);
        for (i = 0; i < lemmas.count; i++) CHECK(lemmas.items[i].len > 0);
        lemma_list_free(&lemmas);
        lemma_list_free(&lemmas);
    }
    lemma_list_free(NULL);
}

/* A megabyte of everything that is peeled, cut or chained: a quadratic step would take hours. */
static void test_lemmas_is_linear(void) {
    static const char *const patterns[] = {"\"", ".",   "'s", "a-",  "a,",           "-",    "a",
                                           "A.", "n't", " ",  "5km", "\xe2\x80\xa6", "((a))"};
    size_t size = (size_t)1 << 20, i, k;
    char *text = (char *)malloc(size);
    CHECK(text != NULL);
    for (i = 0; text && i < sizeof patterns / sizeof *patterns; i++) {
        sgf_str s;
        lemma_list lemmas;
        for (k = 0; k < size; k++) text[k] = patterns[i][k % strlen(patterns[i])];
        s.ptr = text;
        s.len = size;
        CHECK(lemma_list_make(s, NULL, &lemmas, NULL) == SGF_OK);
        CHECK(lemma_match(&lemmas, &lemmas, 1) == 1);
        lemma_list_free(&lemmas);
    }
    free(text);
}

static void test_lemmas_survives_lack_of_memory(void) {
    sgf_status status = SGF_ERR_MEMORY;
    size_t fail;
    for (fail = 1; status && fail < 20; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        lemma_list lemmas;
        lemmas.count = 77;
        status = lemma_list_make(sgf_text("a b c d e f g h i j k l m n o p q r s t u v w x y z"),
                                 &mem, &lemmas, NULL);
        CHECK(status ? status == SGF_ERR_MEMORY && lemmas.count == 77 : lemmas.count == 26);
        if (!status) lemma_list_free(&lemmas);
        CHECK(!heap.used);
    }
    CHECK(!status && fail > 3);
}

static void test_lemmas_that_are_known_are_copied(void) {
    sgf_status status = SGF_ERR_MEMORY;
    sgf_str items[2];
    size_t fail;
    items[0] = sgf_text("new"), items[1] = sgf_text("york");
    for (fail = 1; status && fail < 20; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        lemma_list copy, made;
        copy.count = 77;
        status = lemma_list_copy(items, 2, &mem, &copy, NULL);
        CHECK(status ? status == SGF_ERR_MEMORY && copy.count == 77 : copy.count == 2);
        if (!status) {
            CHECK(!lemma_list_make(sgf_text("in New York"), NULL, &made, NULL));
            CHECK(lemma_match(&made, &copy, 0) == 1 && lemma_match(&copy, &made, 0) == 0);
            lemma_list_free(&made);
            lemma_list_free(&copy);
        }
        CHECK(!heap.used);
    }
    CHECK(!status && fail > 2);
    {
        lemma_list none = {0};
        CHECK(!lemma_list_copy(NULL, 0, NULL, &none, NULL) && none.count == 0);
        lemma_list_free(&none);
    }
}

/* ---- gold lists of spaCy ---- */

/* Calls visit with each JSON line of a shared file; 0 if the file is not there. */
static int lemmas_for_lines(const char *relative, void (*visit)(const json_doc *, void *),
                            void *context) {
    const char *path = data_path(relative);
    sgf__map map;
    size_t at = 0, end;
    if (!path || sgf__map_file(path, NULL, &map, NULL)) return 0;
    for (; at < map.size; at = end + 1) {
        base_arena arena;
        json_doc json;
        sgf_error err;
        for (end = at; end < map.size && map.data[end] != '\n';) end++;
        base_arena_init(&arena, NULL);
        if (json_parse(relative, map.data + at, end - at, &arena, &json, &err))
            test_errors++, printf("    %s\n", err.message);
        else visit(&json, context);
        base_arena_free(&arena);
    }
    sgf__unmap(&map);
    return 1;
}
typedef struct lemmas_share {
    int exact, total;
} lemmas_share;

static void lemmas_gold_line(const json_doc *json, void *context) {
    lemmas_share *share = (lemmas_share *)context;
    uint32_t list = json_get(json, 0, "lemmas"), i;
    lemma_list made;
    int same;
    if (lemma_list_make(json->nodes[json_get(json, 0, "text")].text, NULL, &made, NULL)) return;
    same = made.count == json->nodes[list].count;
    for (i = 0; same && i < made.count; i++)
        same = lemma_same_text(made.items[i], json->nodes[list + 1 + i].text);
    share->exact += same;
    share->total++;
    lemma_list_free(&made);
}
static void test_lemmas_equal_spacys_gold_list(void) {
    lemmas_share share = {0, 0};
    NEED_DATA("myriadlama/lemma-dev.jsonl",
              "made from github.com/GuoYibo233/self-ensemble (tests/README.md)");
    CHECK(lemmas_for_lines("myriadlama/lemma-dev.jsonl", lemmas_gold_line, &share));
    printf("    %d of %d gold texts exact (%.2f%%)\n", share.exact, share.total,
           100.0 * share.exact / share.total);
    CHECK(share.total == 3928 && share.exact >= 3909); /* 99.5% */
}

typedef struct lemmas_counts {
    int rows, one_way[4], two_way[4], disagree;
} lemmas_counts;
static const char *const lemmas_files[4] = {"ensemble_avg-m5a0s1", "ensemble_avg-m0a15s1",
                                            "ensemble_avg-m0a15s3", "ensemble_avg-m5a0s3"};

static void lemmas_result_line(const json_doc *json, void *context) {
    lemmas_counts *counts = (lemmas_counts *)context;
    uint32_t list = json_get(json, 0, "answers"), i;
    sgf_str answers[512];
    int one = 0, two = 0, f;
    for (i = 0; i < json->nodes[list].count && i < 512; i++)
        answers[i] = json->nodes[list + 1 + i].text;
    if (lemma_match_any(json->nodes[json_get(json, 0, "prediction")].text, answers, i, &one, &two,
                        NULL))
        return;
    for (f = 0; f < 4; f++)
        if (sgf__str_is(json->nodes[json_get(json, 0, "file")].text, lemmas_files[f])) {
            counts->one_way[f] += one;
            counts->two_way[f] += two;
        }
    counts->disagree += two != (json->nodes[json_get(json, 0, "correct")].type == JSON_TRUE);
    counts->disagree += one != (json->nodes[json_get(json, 0, "correct_oneway")].type == JSON_TRUE);
    counts->rows++;
}
static void test_lemmas_give_the_gold_accuracies(void) {
    static const int two_way[4] = {448, 385, 451, 515}, one_way[4] = {408, 343, 414, 474};
    lemmas_counts counts;
    int f;
    memset(&counts, 0, sizeof counts);
    NEED_DATA("myriadlama/results-dev.jsonl",
              "made from github.com/GuoYibo233/self-ensemble (tests/README.md)");
    CHECK(lemmas_for_lines("myriadlama/results-dev.jsonl", lemmas_result_line, &counts));
    CHECK(counts.rows == 4052 && counts.disagree == 0);
    for (f = 0; f < 4; f++)
        CHECK(counts.two_way[f] == two_way[f] && counts.one_way[f] == one_way[f]);
}

/* text -> its normal form; "failed" if there is none. */
static const char *normal_of(const char *text, int fold, base_arena *arena) {
    sgf_str out;
    if (unicode_normal(sgf_text(text), fold, arena, &out, NULL)) return "failed";
    return base_arena_text(arena, out.ptr, out.len, NULL);
}
static void test_normal_form_c(void) {
    static const char *const cases[][2] = {
        {"S\xc3\xa3o", "S\xc3\xa3o"},
        {"Sa\xcc\x83o", "S\xc3\xa3o"},
        {"\xe2\x84\xab", "\xc3\x85"},                             /* Angstrom */
        {"q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"},               /* marks in order */
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"}, /* han */
        {"\xe0\xa4\x95\xe0\xa4\xbc", "\xe0\xa4\x95\xe0\xa4\xbc"}, /* excluded */
        {"a\xcc", "a\xcc"},                                       /* no UTF-8 */
        {"d\xe2\x80\x99\xc3\xa9", "d\xe2\x80\x99\xc3\xa9"},
        {"", ""},
    };
    static const char *const folds[][2] = {
        {"C\xc3\xb4te d\xe2\x80\x99Ivoire", "C\xc3\xb4te d'Ivoire"},
        {"New\xc2\xa0 York", "New York"},
        {"Jean\xe2\x80\x91Paul", "Jean-Paul"},
        {"\xe2\x80\x8bTo\xc2\xadkyo", "Tokyo"},
        {"\xef\xbc\xa1\xef\xbc\x91", "A1"},
        {"\xe2\x80\x9cx\xe2\x80\x9d", "\"x\""},
    };
    base_arena arena;
    size_t i, n = 100000;
    char *marks = (char *)malloc(2 * n + 2);
    base_arena_init(&arena, NULL);
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(!strcmp(normal_of(cases[i][0], 0, &arena), cases[i][1]));
    for (i = 0; i < sizeof folds / sizeof *folds; i++)
        CHECK(!strcmp(normal_of(folds[i][0], 1, &arena), folds[i][1]));
    if (marks) { /* a hundred thousand marks, out of order */
        for (i = 0; i < n; i++) memcpy(marks + 2 * i, i % 2 ? "\xcc\xa3" : "\xcc\x87", 2);
        marks[2 * n] = 0;
        CHECK(!memcmp(normal_of(marks, 0, &arena), "\xcc\xa3\xcc\xa3", 4));
    }
    free(marks);
    CHECK(unicode_blank(sgf_text(" \xe2\x80\x8b\xc2\xa0")) && unicode_blank(sgf_text("")));
    CHECK(!unicode_blank(sgf_text("\xc2\xa0.")) && !unicode_blank(sgf_text("\xff")));
    base_arena_free(&arena);
}
/* e and an accent is one letter to the match, and stays two in the lemmas that are written. */
static void test_lemmas_match_normal_forms(void) {
    sgf_str answers[1];
    char out[64];
    int one = 0, two = 0;
    answers[0] = sgf_text("caf\xc3\xa9s");
    CHECK(!lemma_match_any(sgf_text("cafe\xcc\x81s"), answers, 1, &one, &two, NULL) && one && two);
    CHECK(!strcmp(lemmas_joined("cafe\xcc\x81s", 7, out, sizeof out), "cafe\xcc\x81s"));
    answers[0] = sgf_text("C\xc3\xb4te d'Ivoire");
    CHECK(!lemma_match_any(sgf_text("C\xc3\xb4te d\xe2\x80\x99Ivoire"), answers, 1, &one, &two,
                           NULL));
    CHECK(!one && !two); /* folding is asked for */
}

static void tests_lemmas(void) {
    RUN(test_normal_form_c);
    RUN(test_lemmas_match_normal_forms);
    RUN(test_lemmas_splits_tokens_as_spacy_does);
    RUN(test_lemmas_of_nouns);
    RUN(test_lemmas_of_verbs);
    RUN(test_lemmas_of_capitalised_words);
    RUN(test_lemmas_lowers_every_script);
    RUN(test_lemmas_tables_are_sorted);
    RUN(test_lemmas_match_slices);
    RUN(test_lemmas_any_alias_counts);
    RUN(test_lemmas_takes_any_bytes);
    RUN(test_lemmas_is_linear);
    RUN(test_lemmas_survives_lack_of_memory);
    RUN(test_lemmas_that_are_known_are_copied);
}
static void data_lemmas(void) {
    RUN(test_lemmas_equal_spacys_gold_list);
    RUN(test_lemmas_give_the_gold_accuracies);
}
