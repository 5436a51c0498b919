/* Calls to the system that fail (system.h): call 1, 2, 3, ... of a piece of work fails, until there is
   no such call. Either the work is done all the same, or an error says why; nothing leaks, no temporary
   file stays behind, and what stood there stands there. */
#include <dirent.h>

/* Descriptors are given out from the lowest free number: is one lost? */
static int system_lowest(void) {
    int fd = open("/dev/null", O_RDONLY);
    close(fd);
    return fd;
}
static int system_files(void) {
    DIR *dir = opendir(temp_folder);
    int n = 0;
    while (dir && readdir(dir)) n++;
    if (dir) closedir(dir);
    return n;
}
static int system_holds(const char *path, const sgf__buf *wanted) {
    sgf__map map;
    int same;
    if (sgf__map_file(path, NULL, &map, NULL)) return 0;
    same = map.size == wanted->len && !memcmp(map.data, wanted->ptr, map.size);
    sgf__unmap(&map);
    return same;
}
static void system_keep(const char *path, sgf__buf *content) {
    sgf__map map;
    CHECK(!sgf__map_file(path, NULL, &map, NULL));
    CHECK(!sgf__buf_add(content, map.data, map.size, NULL));
    sgf__unmap(&map);
}

/* ---- pieces of work ---- */

typedef sgf_status system_work(const char *path, const sgf_allocator *mem, sgf_error *err);

static sgf_status system_model(const char *path, const sgf_allocator *mem, sgf_error *err) {
    sgf_model *model = NULL;
    sgf_status status = sgf_model_load(path, mem, &model, err);
    CHECK((model != NULL) == !status);
    sgf_model_free(model);
    return status;
}
static sgf_status system_table(const char *path, const sgf_allocator *mem, sgf_error *err) {
    struct table *table = NULL;
    sgf_status status = table_read(path, mem, &table, err);
    CHECK((table != NULL) == !status);
    CHECK(status || table_rows(table) == 9);
    table_free(table);
    return status;
}
static sgf_status system_layout(const char *path, const sgf_allocator *mem, sgf_error *err) {
    sgf_layout layout;
    sgf_status status;
    sgf_layout_init(&layout, mem);
    status = layoutfile_read(path, &layout, err);
    CHECK(layout.tokens == (status ? 0u : 1u));
    sgf_layout_free(&layout);
    return status;
}
static sgf_status system_mask(const char *path, const sgf_allocator *mem, sgf_error *err) {
    uint8_t dense[4] = {7, 7, 7, 7};
    sgf_status status = npy_mask_read(path, 2, dense, mem, err);
    CHECK(dense[1] == (status ? 7 : 0));
    return status;
}
static sgf_status system_matrix(const char *path, const sgf_allocator *mem, sgf_error *err) {
    matrix *rule = NULL;
    sgf_status status = matrix_read(path, mem, &rule, err);
    CHECK((rule != NULL) == !status);
    matrix_free(rule);
    return status;
}

static sgf_status system_write_table(const char *path, const sgf_allocator *mem, sgf_error *err,
                                     sgf_status (*write_it)(const struct table *, const char *,
                                                            sgf_error *)) {
    struct table *table = table_sample(9, mem, err);
    sgf_status status = table ? write_it(table, path, err) : SGF_ERR_MEMORY;
    table_free(table);
    return status;
}
static sgf_status system_feather(const char *path, const sgf_allocator *mem, sgf_error *err) {
    return system_write_table(path, mem, err, table_write_feather);
}
static sgf_status system_csv(const char *path, const sgf_allocator *mem, sgf_error *err) {
    return system_write_table(path, mem, err, table_write_csv);
}
static sgf_status system_jsonl(const char *path, const sgf_allocator *mem, sgf_error *err) {
    return system_write_table(path, mem, err, table_write_jsonl);
}
static sgf_status system_write_layout(const char *path, const sgf_allocator *mem, sgf_error *err) {
    static const int32_t id = 1;
    sgf_layout layout;
    sgf_status status;
    sgf_layout_init(&layout, mem);
    status = sgf_layout_segment(&layout, SGF_ROLE_SHARED, -1, NULL, err);
    if (!status) status = sgf_layout_add(&layout, 0, &id, 1, err);
    if (!status) status = layoutfile_write(&layout, path, err);
    sgf_layout_free(&layout);
    return status;
}
static sgf_status system_npy(const char *path, const sgf_allocator *mem, sgf_error *err) {
    static const uint8_t dense[4] = {1, 0, 1, 1};
    static const size_t shape[2] = {2, 2};
    (void)mem;
    return npy_write(path, "|b1", shape, 2, dense, err);
}

/* ---- every call of it fails ---- */

/* Call `at` fails; 0 when the work has no such call. */
static int system_try(system_work *work, const char *path, long at, int partly,
                      sgf_status *status) {
    test_heap heap;
    sgf_allocator mem = test_heap_init(&heap, 0);
    int reached, lowest = system_lowest(), files = system_files();
    sgf_error err;
    memset(&err, 0, sizeof err);
    system_reset(at, partly);
    *status = work(path, &mem, &err);
    reached = test_system.calls >= at;
    system_reset(0, 0);
    CHECK(!*status || (*status == SGF_ERR_IO && err.status == *status && strlen(err.message) > 10));
    CHECK(!heap.used);
    CHECK(system_lowest() == lowest);
    CHECK(system_files() == files);
    return reached;
}
static void system_reads(system_work *work, const char *path) {
    sgf_status status;
    long at = 1, errors = 0;
    while (system_try(work, path, at++, 0, &status)) errors += status != SGF_OK;
    CHECK(!status && errors > 0);
}
/* After an error the old content is there, after success the new one. */
static void system_writes(system_work *work, const char *name) {
    char path[1024];
    sgf__buf old, made;
    sgf_status status;
    long at = 1, errors = 0;
    int reached;
    snprintf(path, sizeof path, "%s", temp_path(name));
    sgf__buf_init(&old, NULL);
    sgf__buf_init(&made, NULL);
    program_file(name, "old");
    system_keep(path, &old);
    system_try(work, path, 0, 0, &status);
    system_keep(path, &made);
    CHECK(!status && !system_holds(path, &old));
    do {
        program_file(name, "old");
        reached = system_try(work, path, at++, 0, &status);
        CHECK(system_holds(path, status ? &old : &made));
        errors += status != SGF_OK;
    } while (reached);
    CHECK(!status && errors >= 6); /* stat, open, fdopen, fflush, fsync, fclose, rename at least */
    sgf__buf_free(&old);
    sgf__buf_free(&made);
}
static void test_every_reader_survives_every_failing_call(void) {
    sgf_error err;
    struct table *t = table_sample(9, NULL, &err);
    char path[3][1024];
    int i;
    CHECK(t != NULL);
    if (!t) return;
    for (i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s", temp_path(i ? i > 1 ? "s.jsonl" : "s.csv" : "s.x"));
    MUST(table_write_feather(t, path[0], &err), err);
    MUST(table_write_csv(t, path[1], &err), err);
    MUST(table_write_jsonl(t, path[2], &err), err);
    table_free(t);
    for (i = 0; i < 3; i++) system_reads(system_table, path[i]);
    system_reads(system_model, "models/segfuse-2m");
    program_file("s.json", "{\"tokens\": [1], \"segments\": [0], \"visible\": [[1]]}");
    system_reads(system_layout, temp_path("s.json"));
    program_file("s.txt", "10\n11\n");
    system_reads(system_mask, temp_path("s.txt"));
    system_reads(system_matrix, temp_path("s.txt"));
}
static void test_every_writer_survives_every_failing_call(void) {
    system_writes(system_feather, "w.feather");
    system_writes(system_csv, "w.csv");
    system_writes(system_jsonl, "w.jsonl");
    system_writes(system_write_layout, "w.json");
    system_writes(system_npy, "w.npy");
}
/* A system that gives fewer threads gives the same answer. */
static void test_threads_that_do_not_start_change_nothing(void) {
    sgf_model *model = generate_model();
    char expected[64] = "", answer[64];
    memory_question q;
    sgf_error err;
    long at;
    if (!model) {
        CHECK(model != NULL);
        return;
    }
    MUST(memory_question_make("fused", &q, &err), err);
    MUST(memory_ask(model, NULL, &q, expected, sizeof expected, &err), err);
    for (at = 1; at <= 7; at++) { /* the lock, two conditions, three threads */
        sgf_session *session = NULL;
        sgf_session_options options;
        memset(&options, 0, sizeof options);
        options.threads = 4;
        system_reset(at, 0);
        MUST(sgf_session_create(model, &options, &session, &err), err);
        CHECK(test_system.calls == (at < 7 ? at : 6));
        system_reset(0, 0);
        MUST(sgf_ask(session, q.method.name, &q.prompt, 3, answer, sizeof answer, &err), err);
        CHECK(!strcmp(answer, expected));
        sgf_session_free(session);
    }
    sgf_model_free(model);
}

/* ---- the program ---- */

/* The program on a system whose call `at` fails, wholly or partly, which has no memory for its
   allocation `at`, or where it is killed at that call; 0 when there is no such call. */
typedef enum { SYSTEM_CALL, SYSTEM_PART, SYSTEM_MEMORY, SYSTEM_KILL } system_fault;
static int system_kept; /* was it a file's removal that failed? */

static int system_program(const char *arguments, long at, system_fault fault, int *status) {
    static const char *const variables[] = {"SEGFUSE_FAIL", "SEGFUSE_PARTLY=1 SEGFUSE_FAIL",
                                            "SEGFUSE_MEMORY", "SEGFUSE_KILL=1 SEGFUSE_FAIL"};
    char line[2048];
    const char *output;
    snprintf(line, sizeof line, "%s=%ld build/segfuse-faulty %s", variables[fault], at, arguments);
    output = program_run(line, status);
    system_kept = 0;
    if (fault == SYSTEM_KILL && *status >= 128) return 1;
    CHECK(*status == 0 || *status == (strncmp(arguments, "mask ", 5) ? 1 : 2));
    CHECK(!*status || (strstr(output, ": ") && fault != SYSTEM_PART));
    if (*status > 2) printf("    %s\n%.500s\n", line, output);
    system_kept = strstr(output, "what should have been removed was not") != NULL;
    return !strstr(output, "there is no such call");
}
#define SYSTEM_BUILT                          \
    if (access("build/segfuse-faulty", X_OK)) \
    SKIP("build/segfuse-faulty is not built: make build/segfuse-faulty")

/* Whatever fails, the same command goes on from there, to the same bytes. */
static void test_a_run_survives_every_failing_call(void) {
    static const char options[] = "generate --method per_prompt --max_samples 2 --num_fewshots 1 "
                                  "--batch_size 1 --threads 2 --quiet --output";
    char line[1024];
    int fault, status, reached, errors = 0;
    long at;
    SYSTEM_BUILT;
    temp_path("");
    snprintf(line, sizeof line, "build/segfuse %s '%s/sound'", options, temp_folder);
    program_says(line, 0, "");
    for (fault = SYSTEM_CALL; fault <= SYSTEM_KILL; fault++)
        for (at = 1, reached = 1; reached && at < 1000; at++) {
            program_says("rm -rf '%s/unsound'", 0, "");
            snprintf(line, sizeof line, "%s '%s/unsound'", options, temp_folder);
            reached = system_program(line, at, (system_fault)fault, &status);
            if (!system_kept && status < 128)
                program_says("ls '%s' '%s/unsound' 2> /dev/null | grep -c '[.]tmp$\\|[.]probe$'", 1,
                             "0");
            snprintf(line, sizeof line, "build/segfuse %s '%s/unsound'", options, temp_folder);
            if (status || system_kept) program_says(line, 0, "");
            runs_same("sound", "unsound", "per_prompt");
            errors += status != 0;
        }
    CHECK(errors > 80);
}
static void test_merge_and_convert_survive_every_failing_call(void) {
    char line[1400], more[1024];
    int i, status, reached, errors = 0;
    long at;
    SYSTEM_BUILT;
    for (i = 1; i <= 2; i++) {
        snprintf(
            line, sizeof line,
            "build/segfuse generate --method per_prompt --max_samples 2 --num_fewshots 1 --quiet "
            "--shard %d/2 --output '%%s/parts'",
            i);
        program_says(line, 0, "");
    }
    program_says("mkdir -p '%s/joined' '%s/sound' && build/segfuse merge --rewrite "
                 "'%s/joined/per_prompt.feather' '%s'/parts/*.feather",
                 0, "");
    program_says("cp -r '%s/joined' '%s/whole' && build/segfuse convert "
                 "'%s/whole/per_prompt.feather' '%s/whole/table.jsonl'",
                 0, "");
    for (i = 0; i < 2; i++)
        for (at = 1, reached = 1; reached && at < 1000; at++) {
            program_says("rm -rf '%s'/joined/*", 0, "");
            snprintf(more, sizeof more,
                     i ? "convert '%s/whole/per_prompt.feather' '%s/joined/table.jsonl'"
                       : "merge '%s/joined/per_prompt.feather' '%s'/parts/*.feather",
                     temp_folder, temp_folder);
            reached = system_program(more, at, 0, &status);
            program_says("ls '%s/joined' | grep -c '[.]tmp$'", 1, "0");
            if (i) program_says("test -e '%s/joined/table.jsonl'", status, "");
            else if (status) {
                snprintf(line, sizeof line, "build/segfuse %s --rewrite", more);
                program_says(line, 0, "");
            }
            if (!i) runs_same("whole", "joined", "per_prompt");
            else if (!status)
                program_says("cmp '%s/joined/table.jsonl' '%s/whole/table.jsonl'", 0, "");
            errors += status;
        }
    CHECK(errors > 20);
}

/* A model's folder is whole, or not there. */
static void test_a_model_is_converted_whole_or_not_at_all(void) {
    char command[1024];
    int fault, status, reached, errors = 0;
    long at;
    SYSTEM_BUILT;
    program_says("build/segfuse convert tests/golden/gguf/qwen2.gguf '%s/sound-model'", 0, "");
    snprintf(command, sizeof command, "convert tests/golden/gguf/qwen2.gguf '%s/a-model'",
             temp_folder);
    for (fault = SYSTEM_CALL; fault <= SYSTEM_KILL; fault++)
        for (at = 1, reached = 1; reached && at < 1000; at++) {
            reached = system_program(command, at, (system_fault)fault, &status);
            if (!system_kept && fault != SYSTEM_KILL)
                program_says("ls -d '%s'/a-model.*.tmp", 2, "");
            if (fault != SYSTEM_KILL) program_says("test -e '%s/a-model'", status, "");
            program_says("test ! -e '%s/a-model' || diff -r '%s/a-model' '%s/sound-model'", 0, "");
            program_says("rm -rf '%s'/a-model*", 0, "");
            errors += status != 0;
        }
    CHECK(errors > 60);
}

/* Is each line in one of the other two texts? */
static int system_lines_in(const char *text, const char *one, const char *other) {
    char line[512];
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        snprintf(line, sizeof line, "%.*s\n", (int)strcspn(text, "\n"), text);
        if (!strstr(one, line) && !strstr(other, line)) return 0;
    }
    return 1;
}
/* Verbs that look at results: what they print and write is what a sound system gives, or they fail and
   say why, and every file is the old one or the new one. */
static void test_other_verbs_survive_every_failing_call(void) {
    static const char *const verbs[] = {
        "analyze '%s/verbs'", "lemmatize --rewrite '%s/verbs/per_prompt.feather'",
        "inspect '%s/verbs/per_prompt.feather'",
        "mask --kind shared --segments shared:4,para:3,sep:1,para:3,cue:2 --output '%s/verbs/m.npy'"};
    static const char sums[] = "cd '%s/verbs' && for f in *; do cksum $f; done";
    char line[1400], command[1024], before[4096], after[4096];
    int fault, status, reached, errors = 0;
    size_t i;
    long at;
    SYSTEM_BUILT;
    temp_path("");
    program_says(
        "build/segfuse generate --method per_prompt,fused --max_samples 2 --num_fewshots 1 "
        "--quiet --output '%s/looked'",
        0, "");
    for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        snprintf(command, sizeof command, verbs[i], temp_folder);
        program_says("rm -rf '%s/verbs' && cp -r '%s/looked' '%s/verbs'", 0, "");
        snprintf(line, sizeof line, sums, temp_folder);
        snprintf(before, sizeof before, "%s", program_run(line, &status));
        snprintf(line, sizeof line, "build/segfuse %s > '%s/sound.txt'", command, temp_folder);
        program_says(line, 0, "");
        snprintf(line, sizeof line, sums, temp_folder);
        snprintf(after, sizeof after, "%s", program_run(line, &status));
        for (fault = SYSTEM_CALL; fault <= SYSTEM_MEMORY; fault++)
            for (at = 1, reached = 1; reached && at < 1000; at++) {
                const char *now;
                program_says("rm -rf '%s/verbs' && cp -r '%s/looked' '%s/verbs'", 0, "");
                snprintf(line, sizeof line, "%s > '%s/unsound.txt'", command, temp_folder);
                reached = system_program(line, at, (system_fault)fault, &status);
                errors += status;
                if (!status) program_says("cmp '%s/sound.txt' '%s/unsound.txt'", 0, "");
                snprintf(line, sizeof line, sums, temp_folder);
                now = program_run(line, &status);
                CHECK(system_lines_in(now, before, after));
            }
    }
    CHECK(errors > 40);
}

static void tests_system(void) {
    RUN(test_every_reader_survives_every_failing_call);
    RUN(test_every_writer_survives_every_failing_call);
    RUN(test_threads_that_do_not_start_change_nothing);
    RUN(test_a_run_survives_every_failing_call);
    RUN(test_merge_and_convert_survive_every_failing_call);
    RUN(test_a_model_is_converted_whole_or_not_at_all);
    RUN(test_other_verbs_survive_every_failing_call);
}
