/* All tests in one program: run from the top of the tree, `tests FILTER` runs the groups whose name
 * holds FILTER, `tests -FILTER` the others. */
#define _XOPEN_SOURCE 700 /* posix_openpt under -std=c99 */
#include "system.h"       /* first: it stands between the header and the system */

#define SEGFUSE_IMPLEMENTATION
#include "../segfuse.h"

#include <fenv.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test.h"

/* units of the program that are tested here */
#include "../examples/segfuse/base/base.c"
#include "../examples/segfuse/base/hash.c"
#include "../examples/segfuse/base/random.c"
#include "../examples/segfuse/runs/sample.c"
#include "../examples/segfuse/runs/accident.c"
#include "../examples/segfuse/data/lemma.c"
#include "../examples/segfuse/base/statistics.c"
#include "../examples/segfuse/base/json.c"
#include "../examples/segfuse/data/tensors.c"
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

/* Where the committed golden files are. */
static const char *golden_path(void) {
    return "tests/golden";
}
/* A file of the test data beside the checkout, NULL if it is not there. */
static const char *shared_path(const char *relative) {
    static char path[1024];
    FILE *file;
    snprintf(path, sizeof path, "../shared/%s", relative);
    file = fopen(path, "rb");
    if (!file) return NULL;
    fclose(file);
    return path;
}
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
#include "test_methods.c"
#include "test_dataset.c"
#include "test_mask.c"
#include "test_hub.c"
#include "test_firstrun.c"
#include "test_runs.c"
#include "test_cli.c"
#include "test_analyze.c"
#include "test_explain.c"
#include "test_sampling.c"
#include "test_stream.c"
#include "test_system.c"

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } groups[] = {
        /* a line for each: they merge well */
        /* clang-format off */
        {"json", tests_json},
        {"layout", tests_layout},
        {"forward", tests_forward},
        {"mask", tests_mask},
        {"model", tests_model},
        {"tokenizer", tests_tokenizer},
        {"generate", tests_generate},
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
        {"hub", tests_hub},
        {"firstrun", tests_firstrun},
        {"runs", tests_runs},
        {"cli", tests_cli},
        {"analyze", tests_analyze},
        {"explain", tests_explain},
        {"system", tests_system},
        /* clang-format on */
    };
    const char *filter = argc < 2 ? "" : argv[1];
    size_t i;
    for (i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        const char *name = groups[i].name;
        if (filter[0] == '-' ? strstr(name, filter + 1) != NULL : !strstr(name, filter)) continue;
        printf("-- %s\n", name);
        groups[i].run();
    }
    temp_remove();
    printf("%d passed, %d failed, %d skipped\n", test_passed, test_failed, test_skipped);
    return test_failed != 0;
}
