/* Draw the masks of a small layout as one SVG picture: build/mask > mask.svg. Rows are queries,
 * columns keys. */
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"

enum { CELL = 13, GAP = 70, TOP = 62, LEFT = 66 };

/* A prefix (where the mask has one), three paraphrases with separators, and an answer. */
static sgf_status layout_make(sgf_layout *layout, sgf_mask mask, sgf_error *err) {
    static const size_t lengths[3] = {4, 3, 5};
    static const int32_t ids[8] = {0};
    int32_t segment, i;
    sgf_status status = SGF_OK;
    sgf_layout_clear(layout);
    if (mask != SGF_ISOLATED) {
        status = sgf_layout_segment(layout, SGF_SHARED, 0, &segment, err);
        if (!status) status = sgf_layout_add(layout, segment, ids, 5, err);
    }
    for (i = 0; i < 3 && !status; i++) {
        status = sgf_layout_segment(layout, SGF_PARAPHRASE, i, &segment, err);
        if (!status) status = sgf_layout_add(layout, segment, ids, lengths[i], err);
        if (i == 2 || status) break;
        status = sgf_layout_segment(layout, SGF_SEPARATOR, i, &segment, err);
        if (!status) status = sgf_layout_add(layout, segment, ids, 1, err);
    }
    if (!status) status = sgf_layout_segment(layout, SGF_ANSWER, -1, &segment, err);
    if (!status) status = sgf_layout_add(layout, segment, ids, 3, err);
    if (!status) sgf_mask_set(layout, mask);
    return status;
}

static const char *color(sgf_role role) {
    return role == SGF_SHARED      ? "#6b7f99"
           : role == SGF_ANSWER    ? "#c2553a"
           : role == SGF_SEPARATOR ? "#9a9a9a"
                                   : "#2f7f6f";
}

/* One mask, its left edge at x; returns its width. */
static int mask_draw(const sgf_layout *layout, sgf_mask mask, int x) {
    int T = (int)layout->tokens, q, k, size = T * CELL;
    printf("<text x=\"%d\" y=\"20\" font-size=\"15\" font-weight=\"bold\">%s</text>\n", x,
           sgf_mask_name(mask));
    for (q = 0; q < T; q++)
        for (k = 0; k <= q; k++)
            if (sgf_visible(layout, layout->seg[q], layout->seg[k]))
                printf("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
                       x + k * CELL + 1, TOP + q * CELL + 1, CELL - 2, CELL - 2,
                       color(layout->segment[layout->seg[k]].role));
    printf("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#888\"/>\n",
           x, TOP, size, size);
    for (k = 0; k < T; k++) { /* a border and the name of every segment but the separators */
        const sgf_segment *segment = &layout->segment[layout->seg[k]];
        char name[32];
        int middle = k * CELL + (int)segment->tokens * CELL / 2;
        if (k && layout->seg[k] == layout->seg[k - 1]) continue;
        if (k)
            printf("<path d=\"M%d %dv%dM%d %dh%d\" stroke=\"#bbb\" fill=\"none\"/>\n", x + k * CELL,
                   TOP, size, x, TOP + k * CELL, size);
        if (segment->role == SGF_SEPARATOR) continue;
        if (segment->role == SGF_PARAPHRASE)
            snprintf(name, sizeof name, "para %d", (int)segment->group + 1);
        else snprintf(name, sizeof name, "%s", sgf_role_name(segment->role));
        printf("<text x=\"%d\" y=\"%d\" font-size=\"11\" text-anchor=\"end\">%s</text>\n", x - 5,
               TOP + middle + 4, name);
        printf("<text transform=\"translate(%d %d) rotate(-35)\" font-size=\"11\">%s</text>\n",
               x + middle, TOP - 5, name);
    }
    return size;
}

int main(void) {
    static const sgf_mask masks[3] = {SGF_CAUSAL, SGF_ISOLATED, SGF_SHARED_MASK};
    sgf_layout layout;
    sgf_error err;
    int x = LEFT, i;
    sgf_layout_init(&layout, NULL);
    printf(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1060 370\" font-family=\"sans-serif\" fill=\"#333\">\n"
        "<title>Who sees whom: the masks causal, isolated and shared</title>\n"
        "<rect width=\"1060\" height=\"370\" fill=\"#fff\"/>\n");
    for (i = 0; i < 3; i++) {
        if (layout_make(&layout, masks[i], &err)) {
            fprintf(stderr, "%s\n", err.message);
            sgf_layout_free(&layout);
            return 1;
        }
        x += mask_draw(&layout, masks[i], x) + GAP;
    }
    puts("</svg>");
    sgf_layout_free(&layout);
    return 0;
}
