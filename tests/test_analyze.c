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

/* ---- what users do ---- */

/* A result of six questions in which `right` predictions are right. */
static void analyze_result(const char *name, const char *config, const char *header, int right) {
    char path[64];
    FILE *file;
    int i;
    snprintf(path, sizeof path, "%s.csv", name);
    if (!(file = fopen(temp_path(path), "wb"))) return;
    fprintf(file, "%s\n", header);
    for (i = 0; i < 6; i++)
        fprintf(file, "%d,q%d,['word%d'],%s%d,x\n", i, i, i, i < right ? "word" : "no", i);
    fclose(file);
    snprintf(path, sizeof path, "%s.json", name);
    if (config) program_file(path, config);
}
#define ANALYZE_HEADER "n,uuid,answers,prediction,generation"

static void test_analyze_unicode_forms(void) {
    program_file("nf.csv", "uuid,answers,prediction\n"
                           "1,['S\xc3\xa3o Paulo'],Sa\xcc\x83o Paulo\n"
                           "2,['caf\xc3\xa9s'],cafe\xcc\x81\n"
                           "3,['New York'],New\xc2\xa0York\n"
                           "4,\"[\"\"d'Ivoire\"\"]\",d\xe2\x80\x99Ivoire\n"
                           "5,['Jean-Paul'],Jean\xe2\x80\x91Paul\n"
                           "6,['Tokyo'],\xe2\x80\x8bTokyo\n"
                           "7,['Tokyo'],Kyoto\n"
                           "8,['a\xc2\xa0z'],\xc2\xa0\n"); /* a blank is in it, and no answer */
    program_says("build/segfuse analyze '%s/nf.csv' --format csv --table methods 2>&1", 0,
                 ",8,8,1,Wilson,2,0.25,");
    program_says("build/segfuse analyze '%s/nf.csv'", 0,
                 "\n4 wrong predictions would match after folding typographic characters; --fold "
                 "does it\n");
    program_says("build/segfuse analyze '%s/nf.csv' --fold", 0, "nf            0.7500");
    program_says("build/segfuse analyze '%s/nf.csv' --fold", 0,
                 "; typographic characters are folded (--fold)");
    program_says("build/segfuse analyze '%s/nf.csv' --fold --report '%s/nf.html' && grep -c "
                 "'with typographic characters folded' '%s/nf.html'",
                 0, "\n1\n");
    program_says("build/segfuse analyze '%s/nf.csv' --report '%s/nf.html' && grep -c "
                 "'4 wrong predictions would match' '%s/nf.html'",
                 0, "\n1\n");
    program_says("build/segfuse lemmatize '%s/nf.csv'", 0, "8 rows");
    program_says("grep '^1,' '%s/nf.csv'", 0, ",\"['sa\xcc\x83o', 'paulo']\",");
    program_says("build/segfuse analyze '%s/nf.csv' --format json", 0, "\"right_if_folded\": 4");
    program_says("build/segfuse analyze '%s/nf.csv' --fold", 0, "nf            0.7500");
    program_file("nfc.csv", "uuid,paraphrase,prompt,answers,greedy_predict,sample_predicts\n"
                            "q1,p,p,['x'],caf\xc3\xa9s,\"['cafe\xcc\x81s', 'tea']\"\n");
    program_says("build/segfuse lemmatize '%s/nfc.csv' && tail -1 '%s/nfc.csv'", 0, ",0.5");
}
static void test_analyze_leaves_parts_out(void) {
    program_says("for k in 1 2; do build/segfuse generate --method fused --max_samples 8 --quiet "
                 "--shard $k/2 --output '%s/sh'; done; cp '%s/sh/fused-5.shard-1-of-2.feather' "
                 "'%s/one.feather'",
                 0, "");
    program_says("build/segfuse analyze '%s/sh'", 1,
                 "left out: 2 shards without their whole; make it first: segfuse merge ");
    program_says("build/segfuse analyze '%s/one.feather'", 0, "is one of 2 shards: a part");
    program_says("build/segfuse merge '%s/sh/fused-5.feather' '%s/sh'/*.feather", 0, "");
    program_says("build/segfuse analyze '%s/sh' --format csv", 0, "left out: 2 shards of ");
    program_says("build/segfuse analyze '%s/sh' --format csv 2>&1 | grep -c '^fused'", 0, "1\n");
    program_says("build/segfuse analyze '%s/sh'/* --format csv 2>&1 | grep -c '^fused'", 0, "1\n");
    program_says("rm '%s/sh'/*shard*; cp '%s/one.feather' '%s/sh/renamed.feather'", 0, "");
    program_says("build/segfuse analyze '%s/sh' --format csv", 0, "left out: 1 shard of ");
}
static void test_analyze_leaves_a_stopped_run_out(void) {
    struct table *table = NULL;
    const sgf_str answer = sgf_text("a");
    int uuid, answers, prediction, i;
    mkdir(temp_path("stop"), 0777);
    analyze_result("stop/origin", NULL, ANALYZE_HEADER, 3);
    CHECK(!table_create(NULL, &table, NULL));
    table_column(table, "uuid", SGF_COLUMN_UTF8, &uuid, NULL);
    table_column(table, "answers", SGF_COLUMN_LIST_UTF8, &answers, NULL);
    table_column(table, "prediction", SGF_COLUMN_UTF8, &prediction, NULL);
    for (i = 0; i < 2; i++) {
        table_text(table, uuid, sgf_text(i ? "q1" : "q0"), NULL);
        table_list(table, answers, &answer, 1, NULL);
        table_text(table, prediction, answer, NULL);
    }
    table_metadata_set(table, "segfuse_partial", sgf_text("{}"), NULL);
    CHECK(!table_write_feather(table, temp_path("stop/fused-5.partial.feather"), NULL));
    table_free(table);
    program_says("build/segfuse analyze '%s/stop' --format csv", 0, "of a run that was stopped");
    program_says("build/segfuse analyze '%s/stop' --format csv 2>&1 | grep -c fused-5.partial,", 1,
                 "0\n");
    program_says("build/segfuse analyze '%s/stop/fused-5.partial.feather' --format csv", 0,
                 "\nfused-5.partial,"); /* by name it is looked at */
}
static void test_analyze_leaves_our_other_tables_out(void) {
    mkdir(temp_path("ours"), 0777);
    analyze_result("ours/origin", NULL, ANALYZE_HEADER, 3);
    program_file("ours/confidence.csv", "uuid,paraphrase,prompt,answers,greedy_predict,"
                                        "sample_predicts\nq1,p,p,['a'],a,['a']\n");
    program_says("build/segfuse analyze '%s/ours' --detailed '%s/ours/rows.csv' --samples 0 "
                 ">'%s/said' 2>&1; cat '%s/said'",
                 0, "6 questions\n\nmethod");
    program_says("build/segfuse analyze '%s/ours' 2>&1 | head -1", 0, "6 questions\n");
    program_says("build/segfuse analyze '%s/ours' --format csv | wc -l", 0, "2\n");
    program_says("build/segfuse analyze '%s/ours/rows.csv'", 1, "--detailed wrote, not a method's");
    program_says("build/segfuse analyze '%s/ours/confidence.csv'", 1,
                 "holds confidences of segfuse confidence");
    program_says("build/segfuse analyze '%s/ours/origin.csv' --detailed '%s/ours/origin.csv'", 2,
                 "would replace one of the results");
    program_says("head -1 '%s/ours/origin.csv'", 0, ANALYZE_HEADER);
}
static void test_analyze_names_tell_apart(void) {
    static const char *const folders[] = {"na", "nb", "na/r", "nb/r"};
    char config[200], name[32];
    int i;
    for (i = 0; i < 4; i++) mkdir(temp_path(folders[i]), 0777);
    for (i = 0; i < 4; i++) { /* models m0 and m1 in folders; in files below, seeds 0 and 1 */
        snprintf(
            config, sizeof config,
            "{\"segfuse\": \"0.1.0\", \"method\": \"fused\", \"model\": \"org/m%d\", \"dataset\": "
            "\"d\", \"num_paraphrases\": 5, \"seed\": %d}",
            i < 2 ? i : 0, i % 2);
        snprintf(name, sizeof name, "%s/fused-5", folders[i]);
        analyze_result(name, config, ANALYZE_HEADER, 3 + i);
    }
    program_says("build/segfuse analyze '%s/na/fused-5.csv' '%s/nb/fused-5.csv'", 0,
                 "several models on d: 6 questions");
    program_says("build/segfuse analyze '%s/na' '%s/nb'", 0, "\nfused-5 (m1)  0.6667");
    program_says("build/segfuse analyze '%s/na/r' '%s/nb/r'", 0, "\nfused-5 seed 1  1.0000");
    program_says("rm '%s/na/r/fused-5.json' '%s/nb/r/fused-5.json'; build/segfuse analyze "
                 "'%s/na/r/fused-5.csv' '%s/nb/r/fused-5.csv'",
                 0, "\nnb/r/fused-5.csv  1.0000"); /* the nearest folders are equal too */
    /* the columns of relations are as wide as the names */
    analyze_result("a_long_name_of_method-one", NULL, "rel,uuid,answers,prediction,generation", 3);
    analyze_result("a_long_name_of_method-two", NULL, "rel,uuid,answers,prediction,generation", 4);
    program_says("build/segfuse analyze '%s/a_long_name_of_method-one.csv' "
                 "'%s/a_long_name_of_method-two.csv'",
                 0, "questions  a_long_name_of_method-two  a_long_name_of_method-one\n");
}
static void test_analyze_says_what_is_doubtful(void) {
    analyze_result("six", NULL, ANALYZE_HEADER, 3);
    program_file("others.csv", "uuid,answers,prediction\nq0,['word0'],word0\nq1,['else'],word1\n"
                               "q1,['else'],word1\nq2,[],x\n");
    program_file("far.csv", "uuid,answers,prediction\nz,['a'],a\n");
    program_says("build/segfuse analyze '%s/six.csv' '%s/others.csv'", 0,
                 "\nothers: 1 row without answers counts as wrong\n"
                 "others: 2 questions with other answers than in the files before it; are they of "
                 "one data set?\n"
                 "others: 1 row asks again what a row before asks, with the same uuid\n");
    program_says("build/segfuse analyze '%s/six.csv' '%s/far.csv'", 0,
                 "\n1 pair of methods answered no question in common and cannot be compared");
    program_says("build/segfuse analyze '%s/six.csv' '%s/./six.csv'", 0,
                 "given twice; it counts once\n6 questions\n");
    program_says("build/segfuse analyze '%s/far.csv'", 0,
                 "\nThe methods differ on 0 of 1 question (");
    program_says("build/segfuse analyze '%s/far.csv' --samples 0 | head -1", 0, "1 question\n");
    program_says("build/segfuse analyze '%s/far.csv' --report '%s/r.html' && grep -c "
                 "'>1 question, 1 method;' '%s/r.html'",
                 0, "\n1\n");
    program_says("cat '%s/six.csv' | cut -d, -f2- | sed 's/^/,/;s/^,uuid/,uuid/' > '%s/index.csv'; "
                 "build/segfuse analyze '%s/index.csv' --format csv",
                 0, ",6,6,0,Wilson,3,0.5,"); /* the index that pandas writes has no name */
}
static void test_analyze_reads_numbers(void) {
    program_file("numbers.jsonl", "{\"uuid\": 1, \"answers\": [\"1914\"], \"prediction\": 1914}\n"
                                  "{\"uuid\": 2, \"answers\": [\"7\"], \"prediction\": 8}\n");
    program_says("build/segfuse analyze '%s/numbers.jsonl' --format csv", 0,
                 ",2,2,0,Wilson,1,0.5,");
    program_file("floats.csv",
                 "uuid,answers,prediction\n1,['1914'],1914.0\n2,['7'],\n3,['8'],7.0\n");
    program_says("build/segfuse analyze '%s/floats.csv' --format csv", 0, ",3,3,1,Wilson,1,0.333");
    program_says("build/segfuse analyze '%s/floats.csv'", 0, ".0 is left out\n");
    program_file("years.jsonl", "{\"uuid\": 1, \"answers\": 1914, \"prediction\": 1914}\n");
    program_says("build/segfuse analyze '%s/years.jsonl' --format csv", 0, ",1,1,0,Wilson,1,1.0,");
    program_file("decimal.csv", "uuid,answers,prediction\n1,['2.0'],2.0\n2,['7'],7.5\n");
    program_says("build/segfuse analyze '%s/decimal.csv' --format csv", 0, ",2,2,0,Wilson,1,0.5,");
}
static void test_analyze_reads_mixed_cells(void) {
    program_file("mixed.csv", "uuid,answers,prediction\n1,tea,tea\n2,\"['a', 'b']\",b\n"
                              "3,['nan'],nan\n4,['x'],None\n5,['x'],\n");
    program_says("build/segfuse analyze '%s/mixed.csv' --match one-way --format csv", 0,
                 ",5,5,2,Wilson,3,0.6,"); /* nan is an answer there, and None is none */
}
static void test_analyze_odd_options(void) {
    static const char *const names[] = {"np/fused-1", "np/fused-3", "np/ensemble_avg-3"};
    int i;
    mkdir(temp_path("np"), 0777);
    for (i = 0; i < 3; i++) analyze_result(names[i], NULL, ANALYZE_HEADER, 3);
    program_says("build/segfuse analyze '%s/np'", 0,
                 "left out: 1 result for another number of paraphrases than 3; --compare_all");
    program_says("build/segfuse analyze '%s/np' --num_paraphrases 4", 1,
                 "no result for --num_paraphrases 4; the largest number there is 3");
    program_says("build/segfuse analyze '%s/np/fused-3.csv' --num_paraphrases 1", 2,
                 "--num_paraphrases chooses among the results of a folder");
    program_says("build/segfuse analyze '%s/np/fused-3.csv' --compare_all", 2,
                 "--compare_all chooses among the results of a folder");
    program_says("build/segfuse analyze '%s/np' --table pairs", 2,
                 "--table pairs needs --format csv");
    program_says("build/segfuse analyze '%s/np' --samples -1", 2,
                 "--samples needs a whole number from 0");
    program_says("build/segfuse analyze '%s/np' --compare_all", 0,
                 "  fused         1: 0.5000  3: 0.5000  best: 1");
}
static void test_lemmatize_the_csv_beside(void) {
    program_says(
        "build/segfuse generate --method fused --max_samples 3 --quiet --output '%s/tw' && cp "
        "'%s/tw/fused-5.json' '%s/tw.json'",
        0, "");
    program_says("build/segfuse lemmatize '%s/tw/fused-5.feather'", 0, "fused-5.csv: 3 rows");
    program_says("head -1 '%s/tw/fused-5.csv'", 0, ",predict_lemma,answer_lemmas\n");
    program_says("cmp '%s/tw/fused-5.json' '%s/tw.json' && echo same", 0, "same");
    program_says("sed -i '$d' '%s/tw/fused-5.csv'; cp '%s/tw/fused-5.csv' '%s/tw.csv'", 0, "");
    program_says("build/segfuse lemmatize --rewrite '%s/tw/fused-5.feather'", 0,
                 "fused-5.csv: other rows than in");
    program_says("cmp '%s/tw/fused-5.csv' '%s/tw.csv' && echo same", 0, "same");
}

static void tests_analyze(void) {
    RUN(test_analyze_unicode_forms);
    RUN(test_analyze_leaves_parts_out);
    RUN(test_analyze_leaves_a_stopped_run_out);
    RUN(test_analyze_leaves_our_other_tables_out);
    RUN(test_analyze_names_tell_apart);
    RUN(test_analyze_says_what_is_doubtful);
    RUN(test_analyze_reads_numbers);
    RUN(test_analyze_reads_mixed_cells);
    RUN(test_analyze_odd_options);
    RUN(test_lemmatize_the_csv_beside);
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
