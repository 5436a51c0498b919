/* segfuse forward: the logits of a layout file, so that anybody can check a mask against another
 * system. */
#include "layoutfile.h"
#include "npy.h"
#include "../cli/model.h"
#include "../runs/setup.h"
#include "../cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int verb_forward(int argc, char **argv) {
    const char *name = NULL, *layout_path = NULL, *output = NULL, *kernels = NULL, *device = NULL;
    const char *arithmetic = NULL;
    static const char *const endings[] = {".npy", NULL};
    const char *rest[1];
    long threads = 0;
    int rests, status, exact = 0;
    char path[1024];
    sgf_model *model = NULL;
    sgf_session *session = NULL;
    sgf_session_options how;
    sgf_layout layout;
    float *logits = NULL;
    size_t shape[2];
    sgf_error err;
    sgf_status bad;
    option options[] = {ROW_MODEL(name),
                        {"layout", OPTION_TEXT, (void *)&layout_path, "FILE.json",
                         "tokens, segments, positions, visible, mass"},
                        {"output", OPTION_TEXT, (void *)&output, "OUT.npy", "float32 [T, V]"},
                        ROWS_MACHINE(threads, device, exact, kernels, arithmetic),
                        ROWS_END};
    status = options_parse(argc, argv, options, "",
                           "Logits of every token of a layout, as a NumPy file.", rest, &rests, 0);
    if (status >= 0) return status;
    if (!device_known(device)) return 2;
    if (!layout_path || !output) {
        fprintf(stderr,
                "segfuse forward: --layout and --output are needed; see segfuse forward --help\n");
        return 2;
    }
    if (!output_ends("output", output, endings, ".npy")) return 2;
    memset(&how, 0, sizeof how);
    how.threads = (int)threads;
    how.kernels = kernels_named(kernels);
    how.arithmetic = arithmetic_named(arithmetic);
    how.device = device_named(device);
    how.exact = exact;
    if (!model_find("forward", name, path, sizeof path)) return 1;
    sgf_layout_init(&layout, NULL);
    bad = sgf_model_load(path, NULL, &model, &err);
    if (!bad) bad = sgf_session_create(model, &how, &session, &err);
    if (!bad) bad = layoutfile_read(layout_path, &layout, &err);
    if (!bad) {
        shape[0] = layout.tokens;
        shape[1] = (size_t)model->config.vocab_size;
        logits = shape[1] && shape[0] > SIZE_MAX / 4 / shape[1]
                     ? NULL
                     : (float *)malloc(shape[0] * shape[1] * sizeof(float));
        if (!logits)
            bad = base_fail(&err, SGF_ERR_MEMORY, "out of memory for %llu x %llu logits",
                            (unsigned long long)shape[0], (unsigned long long)shape[1]);
    }
    if (!bad) bad = sgf_forward_layout(session, &layout, logits, NULL, NULL, &err);
    if (!bad) bad = npy_write(output, "<f4", shape, 2, logits, &err);
    free(logits);
    sgf_layout_free(&layout);
    sgf_session_free(session);
    sgf_model_free(model);
    return bad ? failed("forward", &err) : 0;
}
