/* Runs that are stopped, killed, cut short and divided end in the same files as one that was left
   alone. */
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* Start the program with these arguments (words, separated by spaces), its output in a file. */
static pid_t runs_start(const char *arguments) {
    char line[2048], *word[64];
    int n = 0;
    pid_t pid;
    snprintf(line, sizeof line, "build/segfuse %s", arguments);
    for (word[0] = strtok(line, " "); word[n] && n < 63;) word[++n] = strtok(NULL, " ");
    fflush(stdout);
    pid = fork();
    if (pid) return pid;
    n = open(temp_path("started.txt"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (n >= 0) dup2(n, 1), dup2(n, 2), close(n);
    signal(SIGINT, SIG_DFL); /* shells ignore it for what they run in the background */
    execv(word[0], word);
    _exit(127);
}
static long runs_size(const char *path) {
    struct stat info;
    return stat(path, &info) ? -1 : (long)info.st_size;
}
/* Wait until the file has that many bytes or the process ends; 1 if it is still there. */
static int runs_wait(pid_t pid, const char *path, long bytes, int *status) {
    struct timespec pause = {0, 200000};
    while (runs_size(path) < bytes) {
        if (waitpid(pid, status, WNOHANG) == pid) return 0;
        nanosleep(&pause, NULL);
    }
    return 1;
}
/* The three files of `name` in folder `b` are those in folder `a`, and nothing else of it is
   there. */
static void runs_same(const char *a, const char *b, const char *name) {
    char line[1024];
    snprintf(line, sizeof line,
             "cd '%s' && for e in feather csv json; do cmp %s/%s.$e %s/%s.$e || exit 1; done && "
             "ls %s | grep -c '^%s[.]'",
             temp_folder, a, name, b, name, b, name);
    program_says(line, 0, "3");
}
static const char runs_options[] =
    "generate --method per_prompt --max_samples 12 --num_fewshots 1 --lemmatize --quiet --batch_size "
    "1";

/* Arguments with an output folder below the temporary one. */
static const char *runs_into(const char *folder, const char *more) {
    static char line[4][1024];
    static int next;
    next = (next + 1) % 4;
    snprintf(line[next], sizeof line[next], "%s --output %s %s", runs_options, temp_path(folder),
             more);
    return line[next];
}
static void runs_says(const char *arguments, int wanted, const char *text) {
    char line[1100];
    snprintf(line, sizeof line, "build/segfuse %s", arguments);
    program_says(line, wanted, text);
}
/* The undisturbed run that all others are compared with. */
static void runs_reference(void) {
    static int made;
    if (!made) runs_says(runs_into("ref", ""), 0, "per_prompt");
    made = 1;
}
/* A run whose files cannot be written at the end: it leaves a journal of all questions. */
static void runs_journal(const char *folder) {
    char path[600];
    runs_reference();
    snprintf(path, sizeof path, "%s", temp_path(folder));
    mkdir(path, 0777);
    snprintf(path + strlen(path), 32, "/per_prompt.csv");
    CHECK(!mkdir(path, 0777));
    runs_says(runs_into(folder, ""), 1, "the 12 questions that are done are kept in");
    CHECK(!rmdir(path));
}

static void test_a_killed_run_goes_on(void) {
    py_random random;
    char path[600];
    int i, killed = 0, status = -1;
    long size = 0;
    runs_reference();
    /* what one leaves that is killed while it writes the result */
    program_says("mkdir '%s/killed' && touch '%s/killed/per_prompt.feather.123-0.tmp'", 0, "");
    py_random_seed(&random, 5);
    snprintf(path, sizeof path, "%s", temp_path("killed/per_prompt.journal"));
    for (i = 0; i < 8; i++) {
        size_t more = 0;
        pid_t pid;
        py_random_sample(&random, 6000, 1, &more, NULL, NULL);
        pid = runs_start(runs_into("killed", "--kernels portable")); /* slowly */
        if (!runs_wait(pid, path, size + (long)more, &status)) break;
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        size = runs_size(path) > 0 ? runs_size(path) : 0;
    }
    CHECK(killed > 0);
    runs_says(runs_into("killed", ""), 0, "");
    runs_same("ref", "killed", "per_prompt");
}
static void test_an_interrupted_run_leaves_what_is_done(void) {
    static const int numbers[] = {SIGINT, SIGTERM};
    char path[600];
    size_t i;
    int status = 0, tries = 0;
    runs_reference();
    snprintf(path, sizeof path, "%s", temp_path("stopped/per_prompt.journal"));
    for (i = 0; i < 2; i++) {
        long size = runs_size(path) > 0 ? runs_size(path) : 0;
        pid_t pid = runs_start(
            runs_into("stopped", i ? "--threads 1 --kernels portable" /* slowly */
                                   : "--threads 1 --kernels portable --rewrite"));
        if (runs_wait(pid, path, size + 1500, &status)) {
            kill(pid, numbers[i]);
            waitpid(pid, &status, 0);
        }
        if (WIFEXITED(status) && !WEXITSTATUS(status)) { /* over too soon: from the beginning */
            CHECK(++tries < 5);
            if (tries >= 5) return;
            i = (size_t)-1;
            continue;
        }
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 128 + numbers[i]);
        program_says("cat '%s/started.txt'", 0,
                     i ? "the same command goes on from there"
                       : "the same command without --rewrite goes on from there");
        program_says("build/segfuse inspect '%s/stopped/per_prompt.partial.feather'", 0,
                     "predict_lemma");
    }
    program_says("build/segfuse merge '%s/refused.feather' '%s/stopped/per_prompt.partial.feather'",
                 1, "of a run that was stopped");
    runs_says(runs_into("stopped", ""), 0, "");
    runs_same("ref", "stopped", "per_prompt");
}
/* A power cut may leave any part of what was written last. */
static void test_a_torn_journal_is_believed_up_to_the_tear(void) {
    py_random random;
    char whole[600], path[600];
    int i;
    runs_journal("torn");
    snprintf(path, sizeof path, "%s", temp_path("torn/per_prompt.journal"));
    snprintf(whole, sizeof whole, "%s", temp_path("whole.journal"));
    CHECK(!rename(path, whole));
    py_random_seed(&random, 11);
    for (i = 0; i < 8; i++) {
        sgf__map map;
        size_t at = 0;
        FILE *file;
        sgf_error err;
        MUST(sgf__map_file(whole, NULL, &map, &err), err);
        MUST(py_random_sample(&random, map.size, 1, &at, NULL, &err), err);
        if (i == 0) at = 0;
        if (i == 1) at = 20; /* in the configuration */
        if (i == 2) at = map.size;
        file = fopen(path, "wb");
        if (file) fwrite(map.data, 1, at, file);
        if (file && i > 5) /* zeros, or old bytes, where data was to come */
            fwrite(i % 2 ? "\0\0\0\0\0\0\0\n{}\n" : map.data, 1, 11, file);
        if (file) fclose(file);
        sgf__unmap(&map);
        /* another batch size, number of threads and kernel: the same bytes */
        runs_says(runs_into("torn", i % 2 ? "--batch_size 3 --threads 2 --kernels portable" : ""),
                  0, "");
        runs_same("ref", "torn", "per_prompt");
        program_says("rm '%s'/torn/per_prompt.*", 0, "");
    }
}
static void test_a_journal_of_another_configuration_is_refused(void) {
    char path[600];
    struct flock lock;
    int fd;
    runs_journal("other");
    runs_says(runs_into("other", "--seed 43"), 1, "--seed is 42 there and 43 here");
    runs_says(runs_into("other", "--max_samples 11"), 1,
              "has rows of more questions than are asked for now");
    runs_says(runs_into("other", "--bos none"), 1, "--bos is 'auto' there and 'none' here");
    runs_says(runs_into("other", "--data models/questions/validation.jsonl"), 1,
              "--data (another content)");
    snprintf(path, sizeof path, "%s", temp_path("other/per_prompt.journal"));
    fd = open(path, O_RDWR);
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    CHECK(fd >= 0 && !fcntl(fd, F_SETLK, &lock));
    runs_says(runs_into("other", ""), 1, "another run is at work on this result");
    close(fd);
    runs_says(runs_into("other", "--seed 43 --rewrite"), 0, "");
    runs_says(runs_into("other", ""), 1,
              "per_prompt.feather already exists, with another configuration: --seed is 43 "
              "there and 42 here");
    runs_says(runs_into("other", "--seed 43"), 0, "nothing to do");
    runs_says(runs_into("other", "--rewrite"), 0, "");
    runs_same("ref", "other", "per_prompt");
}
/* More questions, fewer, lemmas later: the files are those of one run. */
static void test_a_result_grows(void) {
    static const char *const steps[] = {"--max_samples 3", "--max_samples 8 --lemmatize",
                                        "--max_samples 12", "--max_samples 12 --lemmatize"};
    static const char *const said[] = {"3 questions", "has 3 questions; going on from there",
                                       "has 8 questions; going on from there", "lemmas added to"};
    char line[1100];
    size_t i;
    runs_reference();
    for (i = 0; i < 4; i++) {
        snprintf(line, sizeof line,
                 "build/segfuse generate --method per_prompt --num_fewshots 1 --output %s %s",
                 temp_path("grown"), steps[i]);
        program_says(line, 0, said[i]);
    }
    runs_same("ref", "grown", "per_prompt");
    runs_says(runs_into("grown", "--max_samples 5"), 0, "and 12 questions; nothing to do");
    /* lemmas of segfuse lemmatize count, too: the configuration follows */
    snprintf(
        line, sizeof line,
        "build/segfuse generate --method per_prompt --num_fewshots 1 --max_samples 12 --quiet --output %s",
        temp_path("late"));
    program_says(line, 0, "12 questions");
    program_says("build/segfuse lemmatize '%s/late/per_prompt.feather'", 0, "rows, lemmas of");
    runs_says(runs_into("late", ""), 0, "lemmas added to");
    runs_same("ref", "late", "per_prompt");
}
static void test_shards_grow(void) {
    int i;
    for (i = 0; i < 2; i++) {
        char line[600];
        snprintf(line, sizeof line,
                 "build/segfuse generate --method per_prompt --num_fewshots 1 --quiet --output %s "
                 "--max_samples %d --shard 1/2 && build/segfuse generate --method per_prompt "
                 "--num_fewshots 1 --quiet --output %s --max_samples %d --shard 2/2 --lemmatize",
                 temp_path("grown-shards"), i ? 12 : 5, temp_path("grown-shards"), i ? 12 : 5);
        program_says(line, 0,
                     i ? "12 questions, 5 paraphrases, 1 example; shard 2 of 2: "
                       : "shard 1 of 2: ");
    }
    runs_reference();
    program_says(
        "rm '%s/grown-shards/per_prompt.shard-2-of-2.feather'; build/segfuse generate "
        "--method per_prompt --num_fewshots 1 --quiet --output '%s/grown-shards' --max_samples 12 "
        "--shard 2/2 && build/segfuse merge '%s/grown-shards/all.feather' '%s/grown-shards'/*shard*.feather",
        0, "all.feather, .csv and .json: 60 rows of 2 shards");
    program_says(
        "build/segfuse lemmatize '%s/grown-shards/all.csv' && cmp '%s/grown-shards/all.csv' "
        "'%s/ref/per_prompt.csv' && echo same",
        0, "same");
}
/* Row numbers in a file are not believed: they become places in memory. */
static void test_a_damaged_shard_does_not_grow(void) {
    static const char command[] =
        "build/segfuse generate --method fused --num_fewshots 1 --quiet --output '%s/hurt' --shard "
        "1/1 --max_samples ";
    char line[400];
    struct table *table = NULL;
    snprintf(line, sizeof line, "%s2", command);
    program_says(line, 0, "shard 1 of 1: 2 questions");
    CHECK(!table_read(temp_path("hurt/fused-5.shard-1-of-1.feather"), NULL, &table, NULL));
    if (!table) return;
    CHECK(!table_metadata_set(
        table, "segfuse_shard",
        sgf_text("{\"shard\": 1, \"shards\": 1, \"total\": 90000000, \"rows\": [0, 80000000]}"),
        NULL));
    CHECK(!table_write_feather(table, temp_path("hurt/fused-5.shard-1-of-1.feather"), NULL));
    table_free(table);
    snprintf(line, sizeof line, "%s3", command);
    program_says(line, 1, "its \"segfuse_shard\" is damaged; --rewrite makes it anew");
}
static void test_variants_have_names(void) {
    program_says(
        "build/segfuse generate --max_samples 2 --quiet --output '%s/tags' && build/segfuse "
        "generate --max_samples 2 --quiet --positions sequential --tag seq-1 --output '%s/tags' "
        "&& ls '%s/tags'",
        0, "fused_agreement-5.seq-1.feather");
    program_says("build/segfuse generate --tag a/b --output '%s/tags'", 2,
                 "--tag is a word of at most 40");
}
/* Questions with fewer wordings than asked for are asked with those they have. */
static void test_fewer_paraphrases(void) {
    program_file(
        "fewer.jsonl",
        "{\"uuid\": \"1\", \"answers\": [\"a\"], \"paraphrase0\": \"[MASK] a\", \"paraphrase1\": "
        "\"b [MASK]\", \"paraphrase2\": \"c [MASK]\"}\n{\"uuid\": \"2\", \"answers\": [\"a\"], "
        "\"paraphrase0\": \"[MASK] d\"}\n{\"uuid\": \"3\", \"answers\": [\"a\"], "
        "\"paraphrase0\": \"[MASK] e\", \"paraphrase1\": \"f [MASK]\"}\n");
    program_says("build/segfuse generate --data '%s/fewer.jsonl' --method per_prompt,avg,fused "
                 "--num_paraphrases 3 --mass 1,2,3 --output '%s/fewer'",
                 0, "avg: 2 of 3 questions have fewer paraphrases than were asked for");
    program_says("grep -o '^[123],' '%s/fewer/per_prompt.csv' | tr -d '\\n'", 0, "1,1,1,2,3,3,");
    program_says("cat '%s/fewer/fused-3.json'", 0, "\"fewer_paraphrases\": 2");
    program_says(
        "build/segfuse generate --data '%s/fewer.jsonl' --indexs 0,2 --output '%s/fewer' --quiet && "
        "cat '%s/fewer/fused_agreement-2.csv'",
        0, "1,\"['[MASK] a', 'c [MASK]']\"");
    program_says(
        "build/segfuse generate --data '%s/fewer.jsonl' --indexs 1,2 --output '%s/fewer' --quiet",
        1, "row 2 has none of the paraphrases that were asked for (--indexs); it has 1");
}
/* A question that is among the examples is asked without itself; what a larger sample takes next stands in. */
static void test_nobody_is_its_own_example(void) {
    struct table *table = NULL;
    FILE *file;
    int i;
    temp_path("");
    file = fopen(temp_path("self.jsonl"), "wb");
    for (i = 0; file && i < 12; i++)
        fprintf(file,
                "{\"uuid\": \"%d\", \"answers\": [\"a%d\"], \"paraphrase0\": \"[MASK] q%d.\"}\n", i,
                i, i);
    if (file) fclose(file);
    program_says(
        "build/segfuse generate --data '%s/self.jsonl' --fewshot_data '%s/self.jsonl' "
        "--num_fewshots 3 --method origin --output '%s/self'",
        0, "few-shot examples: 3 questions are among them; in their own prompt the next example");
    /* Python: random.seed(42); random.sample(range(12), 4) == [10, 1, 0, 4] */
    CHECK(!table_read(temp_path("self/origin.feather"), NULL, &table, NULL) &&
          table_rows(table) == 12);
    for (i = 0; i < 12; i++) {
        char prompt[2048], own[32];
        sgf_str text = cell_text(table, table_find(table, "prompt"), (size_t)i);
        snprintf(prompt, sizeof prompt, "%.*s", (int)text.len, text.ptr);
        snprintf(own, sizeof own, "q%d.\nA: a%d\n", i, i);
        CHECK(!strstr(prompt, own));
        CHECK(!strstr(prompt, "q4.\nA: a4\n") == (i != 10 && i != 1 && i != 0));
        CHECK((strstr(prompt, "q10.\nA: a10\n") != NULL) == (i != 10));
    }
    table_free(table);
    program_says("build/segfuse ask 'what is it?' --num_fewshots 1", 0,
                 "few-shot examples: they complete [MASK], the questions have none");
    program_says("build/segfuse ask 'what is it?'", 0, "it has not learned to answer other texts");
}
/* A file size limit stands for the full disk: a write fails half way. */
static void test_a_full_disk_keeps_what_is_done(void) {
    char line[1400];
    runs_reference();
    snprintf(line, sizeof line, "sh -c \"ulimit -f 16; build/segfuse %s\"", runs_into("full", ""));
    program_says(line, 1, "writing failed: File too large");
    program_says("tail -c 1 '%s/full/per_prompt.journal' | od -c", 0, "\\n");
    program_says("ls '%s/full' | wc -l", 0, "1");
    program_says(line, 1, "the same command goes on from there");
    runs_says(runs_into("full", ""), 0, "");
    runs_same("ref", "full", "per_prompt");
    /* trap: ThreadSanitizer writes a file of its own before main, and must not die of it */
    snprintf(line, sizeof line, "(trap '' XFSZ; ulimit -f 0; exec build/segfuse %s) 2>&1 | cat",
             runs_into("none", ""));
    program_says(line, 0, "none/per_prompt.feather cannot be written");
    program_says("test -z \"$(ls '%s/none')\" && echo empty", 0, "empty");
}

static void test_shards_merge_into_the_whole(void) {
    static const char *const parts[] = {"--shard 1/3", "--shard 2/3", "--shard 3/3"};
    size_t i;
    runs_reference();
    for (i = 0; i < 3; i++) runs_says(runs_into("shards", parts[i]), 0, parts[i] + 10);
    program_says("cd '%s/shards' && ls per_prompt.shard-*-of-3.feather | wc -l", 0, "3");
    program_says("build/segfuse merge '%s/merged/per_prompt.feather' "
                 "'%s'/shards/per_prompt.shard-*.feather",
                 1, "merged/per_prompt.csv: cannot be written");
    program_says("mkdir '%s/merged'", 0, "");
    program_says("build/segfuse merge '%s/merged/per_prompt.feather' "
                 "$(ls -r '%s'/shards/per_prompt.shard-*.feather)",
                 0, "");
    runs_same("ref", "merged", "per_prompt");
    program_says("build/segfuse merge '%s/merged/per_prompt.feather' "
                 "'%s'/shards/per_prompt.shard-*.feather",
                 1, "already exists; --rewrite");
    program_says("cd '%s' && S=$OLDPWD/build/segfuse && $S merge refused.feather "
                 "shards/per_prompt.shard-[13]*.feather",
                 1, "of 3 shards these are missing: 2");
    program_says(
        "cd '%s/shards' && $OLDPWD/build/segfuse merge refused.feather per_prompt.shard-1* "
        "2>/dev/null; $OLDPWD/build/segfuse merge refused.feather "
        "per_prompt.shard-[13]*.feather per_prompt.shard-1-of-3.feather",
        1, "shard 1 is given twice");
    program_says("build/segfuse merge '%s/refused.feather' '%s/ref/per_prompt.feather'", 1,
                 "is no shard");
    runs_says(runs_into("shards", "--shard 1/2"), 0, "");
    runs_says(runs_into("seed", "--shard 2/3 --seed 43"), 0, "");
    program_says("cd '%s/shards' && $OLDPWD/build/segfuse merge refused.feather "
                 "per_prompt.shard-1-of-2.feather per_prompt.shard-2-of-3.feather",
                 1, "per_prompt.shard-2-of-3.feather is shard 2 of 3");
    program_says("cd '%s/shards' && $OLDPWD/build/segfuse merge refused.feather "
                 "per_prompt.shard-1-of-3.feather ../seed/per_prompt.shard-2-of-3.feather",
                 1, "--seed is 42 there and 43 here");
    runs_says("generate --shard 0/3", 2, "--shard is K/N");
    runs_says("generate --shard 4/3", 2, "--shard is K/N");
    runs_says("generate --shard 1", 2, "--shard is K/N");
    runs_says("merge x", 2, "needed");
    runs_says("merge x.csv y", 2, "ends with .feather");
}
#ifdef TEST_SANITIZED
#define RUNS_LITTLE_MEMORY ""
#else
#define RUNS_LITTLE_MEMORY "ulimit -v 1000000; "
#endif
/* What a shard says about the whole costs no memory before its rows are there. */
static void test_a_shards_total_is_not_believed(void) {
    static const char *const totals[] = {"1099511627776", "4294967295"};
    char text[128];
    struct table *table = NULL;
    sgf_error err;
    size_t i;
    for (i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "{\"shard\": 1, \"shards\": 1, \"total\": %s, \"rows\": [0]}",
                 totals[i]);
        MUST(table_create(NULL, &table, &err), err);
        MUST(table_column(table, "uuid", SGF_COLUMN_UTF8, NULL, &err), err);
        MUST(table_text(table, 0, sgf_text("a"), &err), err);
        MUST(table_metadata_set(table, "segfuse_shard", sgf_text(text), &err), err);
        MUST(table_write_feather(table, temp_path("total.feather"), &err), err);
        table_free(table);
        program_says(RUNS_LITTLE_MEMORY "build/segfuse merge '%s/whole.feather' '%s/total.feather'",
                     1, "rows, but have 1 together");
    }
}
/* A shard that holds no question is a shard like the others. */
static void test_empty_shards_merge(void) {
    char line[1200];
    int i;
    for (i = 1; i <= 4; i++) {
        snprintf(line, sizeof line,
                 "build/segfuse generate --method origin --max_samples 1 --quiet --shard %d/4 "
                 "--output '%s/empty'",
                 i, temp_folder);
        program_says(line, 0, "of 4");
    }
    program_says("build/segfuse merge '%s/empty/origin.feather' '%s'/empty/origin.shard-*.feather",
                 0, "");
    program_says("build/segfuse inspect '%s/empty/origin.feather'", 0, "1 row");
}

static void test_convert_goes_round(void) {
    program_file("types.jsonl",
                 "{\"uuid\": \"1\", \"answers\": [\"it's\", \"b, c\"], \"l\": [[\"x\"], []], "
                 "\"confidence\": 0.25, \"n\": -3, \"ok\": true, \"code\": \"007\", \"s\": "
                 "\"[x\", \"e\": []}\n"
                 "{\"uuid\": \"2\", \"answers\": [], \"l\": [], \"confidence\": 1e-07, \"n\": 12, "
                 "\"ok\": false, \"code\": \"12\", \"s\": \"say \\\"hi\\\"\\n\", \"e\": []}\n");
    program_says("cd '%s' && S=$OLDPWD/build/segfuse && $S convert types.jsonl t1.feather && "
                 "$S convert t1.feather t2.csv && $S convert t2.csv t3.feather && "
                 "$S convert t3.feather t4.jsonl && cmp types.jsonl t4.jsonl && cmp t1.feather "
                 "t3.feather && $S convert t4.jsonl t5.arrow && $S convert t5.arrow t6.csv && "
                 "cmp t2.csv t6.csv && echo same",
                 0, "same");
    program_says("build/segfuse inspect '%s/t3.feather'", 0, "n                    int64");
    program_says("build/segfuse inspect '%s/t3.feather'", 0, "code                 utf8");
    program_says("build/segfuse inspect '%s/t3.feather'", 0, "e                    list<utf8>");
    program_says("build/segfuse convert '%s/t1.feather' '%s/t2.csv'", 1, "already exists");
    program_says("build/segfuse convert --rewrite '%s/t1.feather' '%s/t2.csv'", 0, "");
    program_says("build/segfuse convert '%s/t1.feather' '%s/t2.parquet'", 2, "known: .feather");
    program_says("build/segfuse convert '%s/none.csv' '%s/t9.csv'", 1, "none.csv");
    program_says("build/segfuse convert '%s/t1.feather'", 2, "IN and OUT");
    program_file("nan.csv", "f,t\nnan,NaN\n-inf,1\n,1\n1.5,1\n"); /* t is not as we write it */
    program_says("cd '%s' && S=$OLDPWD/build/segfuse && $S convert nan.csv nan.feather && "
                 "$S inspect nan.feather && $S convert nan.feather nan2.csv && "
                 "cmp nan.csv nan2.csv",
                 0, "f                    float64\n  t                    utf8\n");
    runs_reference();
    program_says(
        "cd '%s' && S=$OLDPWD/build/segfuse && $S convert ref/per_prompt.feather ref/r.jsonl "
        "&& $S convert ref/r.jsonl ref/r.csv && cmp ref/r.csv ref/per_prompt.csv && echo same",
        0, "same");
}

/* Rows and logits are the committed ones, to the last bit. */
static void test_the_golden_digest(void) {
    program_says("sh tests/digest.sh build/segfuse 4 --threads 2", 0, "ok      golden digest");
    program_says("sh tests/digest.sh build/segfuse 4 --threads 2 --arithmetic bf16", 0,
                 "ok      golden digest");
    program_says("build/segfuse check --arithmetic bf16", 0, "in the arithmetic bf16");
}
/* A result and a journal of one arithmetic are not continued in the other; f32 is not written down. */
static void test_the_arithmetic_is_part_of_the_configuration(void) {
    const char *run =
        "build/segfuse generate --method fused --max_samples 2 --quiet --output '%s/%s' %s";
    char command[400];
    snprintf(command, sizeof command, run, "%s", "f32", "&& ! grep -q arithmetic '%s'/f32/*.json");
    program_says(command, 0, "");
    snprintf(command, sizeof command, run, "%s", "f32", "--arithmetic bf16");
    program_says(command, 1, "--arithmetic is not set there and 'bf16' here");
    snprintf(command, sizeof command, run, "%s", "bf16", "--arithmetic bf16");
    program_says(command, 0, "");
    program_says("grep -h arithmetic '%s'/bf16/*.json", 0, "\"arithmetic\": \"bf16\"");
    snprintf(command, sizeof command, run, "%s", "bf16", "--arithmetic f32");
    program_says(command, 1, "--arithmetic is 'bf16' there and not set here");
    program_says("build/segfuse generate --arithmetic bf17", 2,
                 "--arithmetic 'bf17' is not known; did you mean bf16? known: f32, bf16");
}

static void tests_runs(void) {
    RUN(test_a_killed_run_goes_on);
    RUN(test_an_interrupted_run_leaves_what_is_done);
    RUN(test_a_torn_journal_is_believed_up_to_the_tear);
    RUN(test_a_journal_of_another_configuration_is_refused);
    RUN(test_a_result_grows);
    RUN(test_shards_grow);
    RUN(test_a_damaged_shard_does_not_grow);
    RUN(test_variants_have_names);
    RUN(test_the_arithmetic_is_part_of_the_configuration);
    RUN(test_fewer_paraphrases);
    RUN(test_nobody_is_its_own_example);
    RUN(test_a_full_disk_keeps_what_is_done);
    RUN(test_shards_merge_into_the_whole);
    RUN(test_a_shards_total_is_not_believed);
    RUN(test_empty_shards_merge);
    RUN(test_convert_goes_round);
    RUN(test_the_golden_digest);
}
