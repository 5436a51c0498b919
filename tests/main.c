/* All tests in one program: run from the top of the tree, `tests FILTER` runs the groups whose name
 * holds FILTER, `tests -FILTER` the others; `tests --data DIR [FILTER]` the tests on other people's data,
 * which is in that folder. */
#define _XOPEN_SOURCE 700 /* posix_openpt under -std=c99 */
#include "system.h"       /* first: it stands between the header and the system */
#include "tiles.h"

#define SEGFUSE_IMPLEMENTATION
#define SGF_CUDA /* the device of test_device.c, and how many rows a call of it has at most */
#include <stddef.h>
static size_t device_rows = 4096;
#define SGF__DEVICE_ROWS device_rows
#include "../segfuse.h"

#include <fenv.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test.h"

/* units of the program that are tested here */
#include "../examples/segfuse/base/base.c"
#include "../examples/segfuse/base/unicode.c"
#include "../examples/segfuse/base/hash.c"
#include "../examples/segfuse/base/random.c"
#include "../examples/segfuse/runs/sample.c"
#include "../examples/segfuse/runs/accident.c"
#include "../examples/segfuse/data/lemma.c"
#include "../examples/segfuse/base/statistics.c"
#include "../examples/segfuse/base/json.c"
#include "../examples/segfuse/data/tensors.c"
#include "../examples/segfuse/models/dequantize.c"
#include "../examples/segfuse/models/gguf.c"
#include "../examples/segfuse/models/gguf_model.c"
#include "../examples/segfuse/models/gguf_tokenizer.c"
#include "../examples/segfuse/masks/layoutfile.c"
#include "../examples/segfuse/masks/matrix.c"
#include "../examples/segfuse/masks/npy.c"
#include "../examples/segfuse/tables/column.c"
#include "../examples/segfuse/tables/table.c"
#include "../examples/segfuse/tables/literal.c"
#include "../examples/segfuse/tables/csv.c"
#include "../examples/segfuse/tables/jsonl.c"
#include "../examples/segfuse/tables/lz4.c"
#include "../examples/segfuse/tables/arrow.c"
#include "../examples/segfuse/tables/table_file.c"
#include "../examples/segfuse/runs/cleanup.c"
#include "../examples/segfuse/runs/chat.c"

/* Where the committed golden files are. */
static const char *golden_path(void) {
    return "tests/golden";
}
/* Cases of tests/golden/data/NAME.txt, made by make_data.py: one a line, tabs between the fields. */
typedef struct golden_cases {
    char *text, *at;
    sgf_str field[8]; /* of the case at hand */
    int fields;
} golden_cases;

static sgf_status buf_text(sgf__buf *buf, const char *text, sgf_error *err) {
    return sgf__buf_add(buf, text, strlen(text), err);
}
static void golden_open(golden_cases *g, const char *name) {
    char path[256];
    sgf__map map;
    memset(g, 0, sizeof *g);
    snprintf(path, sizeof path, "%s/data/%s.txt", golden_path(), name);
    memset(&map, 0, sizeof map);
    if (sgf__map_file(path, NULL, &map, NULL)) return;
    g->at = g->text = (char *)calloc(map.size + 1, 1);
    if (g->text) memcpy(g->text, map.data, map.size);
    sgf__unmap(&map);
}
/* The value of %XX; %= is the second field. */
static char *golden_unescape(golden_cases *g, char *from, sgf_str *field) {
    char *to = from, *begin = from;
    for (; *from && *from != '\t' && *from != '\n'; from++) {
        char digits[3] = {0, 0, 0};
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        if (from[1] == '=') {
            *field = g->field[1];
            return from + 2;
        }
        memcpy(digits, from + 1, 2);
        *to++ = (char)strtol(digits, NULL, 16);
        from += 2;
    }
    field->ptr = begin;
    field->len = (size_t)(to - begin);
    return from;
}
static int golden_next(golden_cases *g) {
    char *at = g->at;
    g->fields = 0;
    if (!at || !*at) return 0;
    do at = golden_unescape(g, at + (g->fields > 0), &g->field[g->fields]);
    while (++g->fields < 8 && *at == '\t');
    g->at = at + (*at == '\n');
    return 1;
}
static int64_t golden_int(const golden_cases *g, int field) {
    return strtoll(g->field[field].ptr, NULL, 10);
}
static void golden_close(golden_cases *g) {
    free(g->text);
}

/* The folder of other people's data, --data DIR; NULL: their tests do not run. */
static const char *data_folder;

/* A file or folder of it, good for the next three calls; NULL if it is not there. */
static const char *data_path(const char *relative) {
    static char path[4][1024];
    static int next;
    struct stat info;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", data_folder, relative);
    return stat(path[next], &info) ? NULL : path[next];
}
#define NEED_DATA(relative, source)                                                       \
    do {                                                                                  \
        if (!data_path(relative)) SKIP(relative " is not in that folder; it is " source); \
    } while (0)

static char temp_folder[256];

/* A path for a file of that name in a folder of this run's own; good for the next seven calls. */
static const char *temp_path(const char *name) {
    static char path[8][1400];
    static int next;
    if (!temp_folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(temp_folder, sizeof temp_folder, "%s/segfuse-tests-XXXXXX",
                 base && base[0] ? base : "/tmp");
        if (!mkdtemp(temp_folder)) exit(1);
    }
    next = (next + 1) % 8;
    snprintf(path[next], sizeof path[next], "%s/%s", temp_folder, name);
    return path[next];
}
static void temp_remove(void) {
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", temp_folder);
    if (temp_folder[0] && system(command)) printf("%s stays behind\n", temp_folder);
}

/* The bytes of a JSON string; "" if it is none. */
static sgf_str json_str(const sgf__json_doc *doc, const char *at) {
    return at ? sgf__json_take(doc, &at) : sgf_text("");
}
/* A config.json in memory. */
static sgf_status config_parse(const char *text, size_t size, sgf_config *c, sgf_error *err) {
    sgf__folder f;
    sgf__file file;
    sgf__folder_init(&f, "", NULL, err);
    memset(&file, 0, sizeof file);
    file.path = "config.json";
    file.map.data = text;
    file.map.size = size;
    sgf__config_read(&f, &file, 0, c);
    sgf__folder_close(&f);
    return f.status;
}
/* The tensors of a file in memory, and of a file. Close with sgf__folder_close. */
static sgf_status tensors_parse(sgf__folder *f, const char *name, const char *bytes, size_t size,
                                sgf_error *err) {
    static sgf__file file;
    sgf__folder_init(f, "", NULL, err);
    memset(&file, 0, sizeof file);
    file.path = name;
    file.map.data = bytes;
    file.map.size = size;
    sgf__safetensors_read(f, &file);
    if (!f->status) sgf__folder_sort(f);
    return f->status;
}
static const sgf__stored *tensors_at(const sgf__folder *f, size_t i) {
    return (const sgf__stored *)((void **)f->list)[i];
}

#include "test_json.c"
#include "test_layout.c"
#include "test_forward.c"
#include "test_model.c"
#include "test_tokenizer.c"
#include "test_generate.c"
#include "test_memory.c"
#include "test_random.c"
#include "test_tensors.c"
#include "test_lemmas.c"
#include "test_table.c"
#include "test_arrow.c"
#include "test_train.c"
#include "test_program.c"
#include "test_decoding.c"
#include "test_methods.c"
#include "test_dataset.c"
#include "test_cells.c"
#include "test_tiles.c"
#include "test_mask.c"
#include "test_hub.c"
#include "test_firstrun.c"
#include "test_runs.c"
#include "test_gguf.c"
#include "test_cli.c"
#include "test_analyze.c"
#include "test_explain.c"
#include "test_sampling.c"
#include "test_stream.c"
#include "test_device.c"
#include "test_system.c"

typedef struct test_group {
    const char *name;
    void (*run)(void);
} test_group;

int main(int argc, char **argv) {
    static const test_group groups[] = {
        /* a line for each: they merge well */
        /* clang-format off */
        {"json", tests_json},
        {"layout", tests_layout},
        {"forward", tests_forward},
        {"tiles", tests_tiles},
        {"mask", tests_mask},
        {"model", tests_model},
        {"tokenizer", tests_tokenizer},
        {"generate", tests_generate},
        {"decoding", tests_decoding},
        {"methods", tests_methods},
        {"sampling", tests_sampling},
        {"stream", tests_stream},
        {"memory", tests_memory},
        {"random", tests_random},
        {"tensors", tests_tensors},
        {"lemmas", tests_lemmas},
        {"table", tests_table},
        {"arrow", tests_arrow},
        {"train", tests_train},
        {"program", tests_program},
        {"dataset", tests_dataset},
        {"cells", tests_cells},
        {"hub", tests_hub},
        {"firstrun", tests_firstrun},
        {"runs", tests_runs},
        {"gguf", tests_gguf},
        {"cli", tests_cli},
        {"analyze", tests_analyze},
        {"explain", tests_explain},
        {"device", tests_device},
        {"system", tests_system},
        /* clang-format on */
    };
    static const test_group data_groups[] = {
        /* clang-format off */
        {"json", data_json},
        {"model", data_model},
        {"tokenizer", data_tokenizer},
        {"lemmas", data_lemmas},
        {"table", data_table},
        {"arrow", data_arrow},
        {"gguf", data_gguf},
        {"dataset", data_dataset},
        {"hub", data_hub},
        {"analyze", data_analyze},
        /* clang-format on */
    };
    const test_group *group = groups;
    size_t count = sizeof groups / sizeof groups[0], i;
    const char *filter;
    if (argc > 2 && !strcmp(argv[1], "--data")) {
        data_folder = argv[2];
        group = data_groups;
        count = sizeof data_groups / sizeof data_groups[0];
        argc -= 2, argv += 2;
    }
    filter = argc < 2 ? "" : argv[1];
    for (i = 0; i < count; i++) {
        const char *name = group[i].name;
        if (filter[0] == '-' ? strstr(name, filter + 1) != NULL : !strstr(name, filter)) continue;
        printf("-- %s\n", name);
        group[i].run();
    }
    temp_remove();
    printf("%d passed, %d failed, %d skipped\n", test_passed, test_failed, test_skipped);
    return test_failed != 0;
}
