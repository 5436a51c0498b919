/* segfuse lemmatize and analyze: the statistics on small exact cases, then the verbs as a user runs
   them, on files made here. */

static paired_counts pair_of(size_t both, size_t first, size_t second, size_t neither) {
    paired_counts c;
    c.both = both, c.first = first, c.second = second, c.neither = neither;
    return c;
}
static void test_mcnemar_is_the_binomial(void) {
    paired_counts c = pair_of(9, 0, 0, 9);
    CHECK(mcnemar_p(&c) == 1);
    c = pair_of(0, 5, 5, 0);
    CHECK(mcnemar_p(&c) == 1);
    c = pair_of(3, 0, 1, 2);
    CHECK(mcnemar_p(&c) == 1);
    c = pair_of(3, 0, 10, 2);
    CHECK(mcnemar_p(&c) == 2.0 / 1024); /* both tails of ten heads */
    c = pair_of(3, 8, 2, 0);
    CHECK(mcnemar_p(&c) == 2.0 * (1 + 10 + 45) / 1024);
    c = pair_of(3, 2, 8, 0);
    CHECK(mcnemar_p(&c) == 2.0 * (1 + 10 + 45) / 1024);
    c = pair_of(0, 0, 4000, 0); /* far below the smallest double */
    CHECK(mcnemar_p(&c) == 0);
    c = pair_of(0, 100000, 100500, 0); /* terms far above the largest one */
    CHECK(fabs(mcnemar_p(&c) - 0.2651) < 1e-3);
}
static void test_kappa_is_agreement_beyond_chance(void) {
    paired_counts c = pair_of(20, 5, 10, 15); /* Cohen's textbook case */
    CHECK(fabs(kappa_of(&c) - 0.4) < 1e-15);
    c = pair_of(7, 0, 0, 3);
    CHECK(kappa_of(&c) == 1);
    c = pair_of(0, 5, 5, 0);
    CHECK(kappa_of(&c) == -1);
    c = pair_of(7, 0, 0, 0);
    CHECK(kappa_of(&c) != kappa_of(&c)); /* chance explains everything */
    c = pair_of(0, 0, 0, 0);
    CHECK(kappa_of(&c) != kappa_of(&c));
}
static void test_quantiles_and_holm(void) {
    double values[5] = {5, 1, 4, 2, 3}, low, high, corrected[4];
    static const double p[4] = {0.01, 0.04, 0.03, 0.005};
    size_t order[4];
    middle_95(values, 5, &low, &high);
    CHECK(values[0] == 1 && values[4] == 5 && fabs(low - 1.1) < 1e-15 && fabs(high - 4.9) < 1e-15);
    CHECK(quantile_of(values, 5, 0.5) == 3 && quantile_of(values, 5, 1) == 5);
    CHECK(quantile_of(values, 0, 0.5) != quantile_of(values, 0, 0.5));
    holm_correct(p, corrected, order, 4);
    CHECK(corrected[3] == 0.02 && corrected[0] == 0.03 && corrected[2] == 0.06);
    CHECK(corrected[1] == 0.06); /* never below the one before it */
}
static void test_bootstrap_is_paired_and_seeded(void) {
    enum { N = 40, R = 500 };
    uint32_t right[2 * N], rows[2 * N], drawn[N];
    static double rates[2 * R], again[2 * R];
    size_t i, same = 0;
    for (i = 0; i < N; i++) {
        rows[i] = 1, right[i] = i % 3 == 0;
        rows[N + i] = 3, right[N + i] = 3 * right[i]; /* the same rate, three rows each */
    }
    bootstrap_rates(right, rows, 2, N, R, 7, drawn, rates);
    bootstrap_rates(right, rows, 2, N, R, 7, drawn, again);
    CHECK(!memcmp(rates, again, sizeof rates));
    for (i = 0; i < R; i++) same += rates[i] == rates[R + i];
    CHECK(same == R);
    bootstrap_rates(right, rows, 2, N, R, 8, drawn, again);
    CHECK(memcmp(rates, again, sizeof rates));
}

/* ---- files ---- */

/* Ten questions; origin is right on the first five, better on the first eight, each has two rows a
   question and is right on the first row of each. */
static void analyze_files(void) {
    FILE *origin, *better, *each;
    int i;
    mkdir(temp_path("an"), 0777);
    origin = fopen(temp_path("an/origin.csv"), "wb");
    better = fopen(temp_path("an/ensemble_avg-5.csv"), "wb");
    each = fopen(temp_path("an/per_prompt.csv"), "wb");
    if (!origin || !better || !each) return;
    fputs("uuid,answers,question,prediction,rel\n", origin);
    fputs("uuid,paraphrases,answers,prediction\n", better);
    fputs("uuid,answers,paraphrase,prediction\n", each);
    for (i = 0; i < 10; i++) {
        fprintf(origin, "q%d,\"['the river %d', 'x']\",What is %d?,%s%d,rel%d\n", i, i, i,
                i < 5   ? "Rivers "
                : i < 9 ? "lake "
                        : "",
                i < 9 ? i : 0, i % 2);
        fprintf(better, "q%d,\"('What is %d?', 'Say %d')\",\"['the river %d', 'x']\",%s\n", i, i, i,
                i, i < 8 ? "x" : "\"<b>no</b></script>\"");
        fprintf(each,
                "q%d,\"['the river %d', 'x']\",What is %d?,x\nq%d,\"['the river %d', 'x']\","
                "Say %d,\n",
                i, i, i, i, i, i);
    }
    fclose(origin), fclose(better), fclose(each);
}
static void test_lemmatize_in_place(void) {
    analyze_files();
    program_says("build/segfuse lemmatize '%s/an/origin.csv'", 0, "10 rows");
    program_says("head -1 '%s/an/origin.csv'", 0,
                 "uuid,answers,question,prediction,rel,predict_lemma,answer_lemmas");
    program_says(
        "sed -n 2p '%s/an/origin.csv'", 0,
        "q0,\"['the river 0', 'x']\",What is 0?,Rivers 0,rel0,\"['river', '0']\",\"[['the', "
        "'river', '0'], ['x']]\"");
    program_says("cp '%s/an/origin.csv' '%s/before.csv'", 0, "");
    program_says(
        "build/segfuse lemmatize '%s/an/origin.csv' 2>&1 && cmp '%s/an/origin.csv' '%s/before.csv'",
        0, "has its lemmas already; nothing changed");
    program_says("build/segfuse lemmatize --rewrite '%s/an/origin.csv' && cmp '%s/an/origin.csv' "
                 "'%s/before.csv' && echo same",
                 0, "same");
    program_says("build/segfuse generate --method fused --max_samples 3 --quiet --output '%s/l'", 0,
                 "");
    program_says("build/segfuse lemmatize '%s/l/fused-5.feather'", 0, "3 rows");
    program_says("build/segfuse inspect '%s/l/fused-5.feather'", 0,
                 "answer_lemmas        list<list<utf8>>");
    program_says("strings '%s/l/fused-5.feather' | grep -c model_identity", 0, ""); /* metadata */
    program_says("ls '%s' | grep -c tmp || true", 0, "0");
}
static void test_lemmatize_a_confidence_file(void) {
    program_file("confidence.csv",
                 "uuid,paraphrase,prompt,answers,greedy_predict,sample_predicts\n"
                 "q1,p,p,['river'],Rivers,\"['river', 'the rivers', 'lake', '']\"\n");
    program_says("build/segfuse lemmatize '%s/confidence.csv'", 0, "1 row, ");
    program_says("tail -1 '%s/confidence.csv'", 0,
                 "\"[['river'], ['the', 'river'], ['lake'], []]\",[['river']],0.5");
}
static void test_lemmatize_refuses(void) {
    program_file("other.csv", "a,b\n1,2\n");
    /* what was read counts, not the name */
    program_file("lem.txt", "{\"uuid\": \"1\", \"answers\": [\"a\"], \"prediction\": \"a\"}\n");
    program_says("build/segfuse lemmatize '%s/lem.txt' && cat '%s/lem.txt'", 0,
                 "{\"uuid\": \"1\", \"answers\": [\"a\"], \"prediction\": \"a\", "
                 "\"predict_lemma\": [\"a\"], \"answer_lemmas\": [[\"a\"]]}\n");
    program_file("array", "[{\"uuid\": \"1\", \"answers\": [\"a\"], \"prediction\": \"a\"}]");
    program_says("build/segfuse lemmatize '%s/array'", 1,
                 "a JSON array is not changed in place; segfuse convert IN OUT.jsonl");
    program_file("cutlist.csv", "uuid,answers,prediction\n1,\"['a'\",a\n");
    program_says("build/segfuse lemmatize", 2, "at least one file");
    program_says("build/segfuse lemmatize '%s/none.csv'", 1, "none.csv");
    program_says("build/segfuse lemmatize '%s/other.csv'", 1, "no column");
    program_says("cat '%s/other.csv'", 0, "a,b\n1,2");
    program_says("build/segfuse lemmatize '%s/cutlist.csv'", 1, "cutlist.csv");
    program_says("build/segfuse lemmatize models/segfuse-2m/model.safetensors", 1,
                 "segfuse lemmatize");
}

static void test_analyze_counts(void) {
    analyze_files();
    program_says("build/segfuse analyze '%s/an' --format csv | grep ^origin", 0,
                 ",10,10,0,Wilson,5,0.5,");
    program_says("build/segfuse analyze '%s/an' --format csv | grep ^avg", 0, ",8,0.8,");
    program_says("build/segfuse analyze '%s/an' --format csv | grep '^per_prompt,'", 0,
                 ",20,10,10,bootstrap,10,0.5,");
    /* Rivers 0 does not hold "the river 0", which holds it */
    program_says("build/segfuse analyze '%s/an' --format csv | grep ^origin", 0, ",0,0.0,0.0,");
    program_says("build/segfuse analyze '%s/an' --format csv --table pairs | grep ^avg-5,origin", 0,
                 "avg-5,origin,10,0.30000000000000004,");
    program_says("build/segfuse analyze '%s/an' --format csv --table pairs | grep ^avg-5,origin", 0,
                 ",5,3,0,2,0,0.25,");
    program_says("build/segfuse analyze '%s/an' --format csv --table paraphrases | tail -1", 0,
                 "per_prompt,1,10,0,10,10,0,0");
    program_says("build/segfuse analyze '%s/an' --format csv --table relations | grep rel0,origin",
                 0, "rel0,origin,5,3,0.6");
    program_says("build/segfuse analyze '%s/an' --format csv --table questions | grep -c avg-5", 0,
                 "5");
    program_says("build/segfuse analyze '%s/an' --match one-way --format json", 0,
                 "\"match\": \"one-way\"");
    program_says("build/segfuse analyze '%s/an/origin.csv' '%s/an/ensemble_avg-5.csv'", 0,
                 "avg-5         0.8000");
    program_says("build/segfuse analyze '%s/an'", 0, "per_prompt vote");
}
static void test_analyze_on_the_intersection(void) {
    program_file("a.csv", "uuid,answers,prediction\n1,['a'],a\n2,['b'],b\n3,['c'],x\n");
    program_file("b.csv", "uuid,answers,prediction\n2,['b'],x\n3,['c'],c\n4,['d'],d\n");
    program_file("c.csv", "uuid,answers,prediction\n9,['b'],x\n");
    program_file("d.csv", "uuid,answers,prediction\n1,['a'],x\n2,['b'],b\n");
    program_says("build/segfuse analyze '%s/a.csv' '%s/d.csv' --baseline a", 0,
                 "  -50.0%"); /* of a's 2 of 2 there, not 2 of 3 */
    program_says("build/segfuse analyze '%s/a.csv' '%s/b.csv' --format csv --table pairs", 0,
                 "\na,b,2,0.0,");
    program_says("build/segfuse analyze '%s/a.csv' '%s/b.csv'", 0,
                 "4 questions, of which every method answered 2");
    program_says("build/segfuse analyze '%s/a.csv' '%s/c.csv' --format csv --table pairs", 0,
                 "\na,c,0,,,,"); /* nothing in common, and no number made of it */
    program_says("build/segfuse analyze '%s/a.csv' '%s/c.csv' --report '%s/r.html'", 0,
                 "4 questions");
}
static void test_analyze_takes_the_lemmas_of_the_file(void) {
    program_file("given.csv", "uuid,answers,prediction,predict_lemma,answer_lemmas\n"
                              "1,['a'],z,['a'],[['a']]\n2,['b'],b,['z'],[['b']]\n3,['c'],c,,\n"
                              "4,['d'],,['d'],[['d']]\n");
    program_says("build/segfuse analyze '%s/given.csv' --format csv --table methods", 0,
                 ",4,4,1,Wilson,2,0.5,"); /* rows 1 and 3; an empty prediction is wrong anyway */
}
static void test_analyze_refuses(void) {
    program_file("nopred.csv", "uuid,answers\n1,['a']\n");
    program_file("noanswers.csv", "uuid,prediction\n1,a\n");
    program_file("nouuid.csv", "uuid,answers,prediction\n,['a'],a\n");
    program_file("empty.csv", "uuid,answers,prediction\n");
    program_says("build/segfuse analyze", 2, "--dataset and --model");
    program_says("build/segfuse analyze --dataset webqa --model nowhere", 1,
                 "datasets/webqa/nowhere");
    program_says("build/segfuse analyze '%s/none.feather'", 1, "none.feather");
    program_says("build/segfuse analyze '%s/nopred.csv'", 1, "no column \"prediction\"");
    program_says("build/segfuse analyze '%s/noanswers.csv'", 1, "no column \"answers\"");
    program_says("build/segfuse analyze '%s/nouuid.csv'", 1, "row 1 has no uuid");
    program_says("build/segfuse analyze '%s/empty.csv'", 0, "0 questions");
    program_says("build/segfuse analyze '%s/empty.csv' --report '%s/r.html'", 0, "0 questions");
    program_says("mkdir '%s/e' && build/segfuse analyze '%s/e'", 1, "no result files");
    program_says("build/segfuse analyze '%s/a.csv' --baseline best", 1, "none of the methods: a");
    program_says("build/segfuse analyze '%s/a.csv' --format xml", 2, "text, json, csv");
    program_says("build/segfuse analyze '%s/a.csv' --report '%s/r.pdf'", 2, "ends in .html");
    program_says("build/segfuse analyze '%s/a.csv' --detailed '%s/d.xlsx'", 2,
                 "--detailed ends in .feather or .csv, which");
    program_says("build/segfuse analyze '%s/a.csv' --resamples 5", 2, "100 to 1000000");
    program_says("build/segfuse analyze '%s/a.csv' --report /nowhere/r.html", 1, "/nowhere/r.html");
}
static void test_report_holds_everything_and_nothing_runs(void) {
    analyze_files();
    program_says("build/segfuse analyze '%s/an' --report '%s/r.html' --samples 0", 0, "");
    program_says("grep -c 'id=\"methods\"\\|id=\"bars\"\\|id=\"gains\"\\|id=\"agreement\"\\|"
                 "id=\"paraphrases\"\\|id=\"relations\"\\|id=\"questions\"' '%s/r.html'",
                 0, "7");
    program_says("grep -c 'no.u003c/b>' '%s/r.html'", 0, "2");   /* two questions, as data ... */
    program_says("grep -c '<b>no' '%s/r.html' || true", 0, "0"); /* ... and never as a tag */
    program_says("grep -o '</script>' '%s/r.html' | wc -l", 0, "2");
    program_says("grep -i 'http:\\|https:\\|//' '%s/r.html' | wc -l", 0, "0"); /* no network */
}
static void test_detailed_table(void) {
    analyze_files();
    program_says(
        "build/segfuse analyze '%s/an/origin.csv' '%s/an/per_prompt.csv' --detailed '%s/d.csv'", 0,
        "per_prompt");
    program_says(
        "sed -n 2p '%s/d.csv'", 0,
        "origin,0,q0,rel0,What is 0?,,,,Rivers 0,\"['the river 0', 'x']\",\"['river', '0']\","
        "\"[['the', 'river', '0'], ['x']]\",True,False");
    program_says(
        "build/segfuse analyze '%s/an/origin.csv' '%s/an/per_prompt.csv' --detailed '%s/d.feather'",
        0, "per_prompt");
    program_says("build/segfuse inspect '%s/d.feather'", 0, ": 30 rows");
}
/* From raw predictions and answers alone: the accuracies of the gold lemmas, both ways. */
static void test_analyze_gives_the_gold_accuracies(void) {
    static const char *const rows[4] = {
        "ensemble_avg-m5a0s1,448,408", "ensemble_avg-m0a15s1,385,343",
        "ensemble_avg-m0a15s3,451,414", "ensemble_avg-m5a0s3,515,474"};
    char command[2600], name[64], wanted[2][32];
    const char *path = data_path("myriadlama/results-dev.jsonl");
    int i;
    NEED_DATA("myriadlama/results-dev.jsonl",
              "made from github.com/GuoYibo233/self-ensemble (tests/README.md)");
    for (i = 0; i < 4; i++) {
        size_t n = strcspn(rows[i], ",");
        snprintf(name, sizeof name, "%.*s", (int)n, rows[i]);
        snprintf(wanted[0], sizeof wanted[0], "Wilson,%.3s,0.", rows[i] + n + 1);
        snprintf(wanted[1], sizeof wanted[1], ",%.3s,0.", rows[i] + n + 5);
        snprintf(command, sizeof command, "grep '\"%s\"' '%s' > '%s'", name, path,
                 temp_path("gold.jsonl"));
        program_says(command, 0, "");
        program_says("build/segfuse analyze '%s/gold.jsonl' --format csv", 0, wanted[0]);
        program_says("build/segfuse analyze '%s/gold.jsonl' --format csv", 0, wanted[1]);
    }
}

static void tests_analyze(void) {
    RUN(test_mcnemar_is_the_binomial);
    RUN(test_kappa_is_agreement_beyond_chance);
    RUN(test_quantiles_and_holm);
    RUN(test_bootstrap_is_paired_and_seeded);
    RUN(test_lemmatize_in_place);
    RUN(test_lemmatize_a_confidence_file);
    RUN(test_lemmatize_refuses);
    RUN(test_analyze_counts);
    RUN(test_analyze_on_the_intersection);
    RUN(test_analyze_takes_the_lemmas_of_the_file);
    RUN(test_analyze_refuses);
    RUN(test_report_holds_everything_and_nothing_runs);
    RUN(test_detailed_table);
}
static void data_analyze(void) {
    RUN(test_analyze_gives_the_gold_accuracies);
}
