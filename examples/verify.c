/* Verify a mask that somebody else made: a prefix that everybody sees, paraphrases that must not see
   each other. The mask is a NumPy file or text, [T, T], bool, 0/1 or additive; the numbers are the
   tokens of the prefix and of every paraphrase:

       build/verify mask.npy 40 12 11 9

   Says whether it is the mask `shared`, why the first entry that differs should be otherwise, and
   where information leaks. Exit status: 0 it is, 1 it is not. */
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"

#include "segfuse/base/base.c"
#include "segfuse/masks/npy.c" /* reads .npy */

static sgf_status layout_make(sgf_layout *layout, char **sizes, int n, sgf_error *err) {
    int32_t segment, id = 0;
    sgf_status status = SGF_OK;
    int i;
    for (i = 0; i < n && !status; i++) {
        long left = strtol(sizes[i], NULL, 10);
        status = sgf_layout_segment(layout, i ? SGF_ROLE_PARAPHRASE : SGF_ROLE_SHARED, i - 1,
                                    &segment, err);
        for (; left > 0 && !status; left--) status = sgf_layout_add(layout, segment, &id, 1, err);
    }
    if (!status) sgf_mask_set(layout, SGF_MASK_SHARED);
    return status;
}

/* 1 if the mask is right. */
static int verify(const sgf_layout *layout, const uint8_t *mask, sgf_error *err) {
    sgf_leak leaks[10];
    char text[1024];
    size_t differ, found = 0, q = 0, k = 0, i;
    differ = sgf_mask_compare(layout, mask, &q, &k);
    if (differ && !sgf_mask_explain(layout, NULL, q, k, text, sizeof text, err))
        printf("%d entries differ, the first at [%d, %d]:\n  %s\n", (int)differ, (int)q, (int)k,
               text);
    if (!sgf_mask_leaks(layout, mask, SGF_MASK_SHARED, 0, leaks, 10, &found, err))
        for (i = 0; i < found && i < 10; i++)
            printf("leak: %s\n", sgf_leak_text(layout, &leaks[i], text, sizeof text));
    if (!differ) printf("this is the mask `shared`\n");
    return !differ;
}

int main(int argc, char **argv) {
    sgf_layout layout;
    sgf_error err;
    uint8_t *mask = NULL;
    int right = 0;
    sgf_status status;
    if (argc < 4) {
        fprintf(stderr, "usage: verify MASK.npy PREFIX PARAPHRASE [PARAPHRASE...]\n");
        return 2;
    }
    sgf_layout_init(&layout, NULL);
    status = layout_make(&layout, argv + 2, argc - 2, &err);
    if (!status && layout.tokens < 60000)
        mask = (uint8_t *)malloc(layout.tokens * layout.tokens + 1);
    if (!status && mask) status = npy_mask_read(argv[1], layout.tokens, mask, NULL, &err);
    if (status) fprintf(stderr, "%s\n", err.message);
    else if (!mask) fprintf(stderr, "not enough memory for the mask\n");
    else right = verify(&layout, mask, &err);
    free(mask);
    sgf_layout_free(&layout);
    return !right;
}
