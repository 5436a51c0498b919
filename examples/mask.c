/* Draw every mask as one SVG picture: build/mask > mask.svg. Rows are queries, columns keys; a
   colour is the role of the key. It is the picture of the README. */
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"

enum { CELL = 9, LEFT = 62, TOP = 44, WIDE = 268, HIGH = 266, COLUMNS = 4 };

/* A layout that shows what the mask is about: P shared, p paraphrase, m manual, a auto, | separator,
   q and A question and answer of an example, > answer; the letter's number is its tokens. */
static const char *layout_of(sgf_mask mask) {
    if (mask == SGF_MASK_ISOLATED) return "p5|1p4|1p6>3";
    if (mask == SGF_MASK_MANUAL_CROSS) return "m5|1m4|1a6>3";
    if (mask == SGF_MASK_FEW_SHOT || mask == SGF_MASK_FEW_SHOT_ORIGINAL)
        return "P3q2q3A1q2q2A1p3p4>2";
    return "P4p4|1p3|1p5>3";
}
static sgf_status layout_make(sgf_layout *layout, const char *spelling, sgf_error *err) {
    static const char letters[] = "PpmaqA|>";
    static const sgf_role roles[] = {SGF_ROLE_SHARED,    SGF_ROLE_PARAPHRASE, SGF_ROLE_MANUAL,
                                     SGF_ROLE_AUTO,      SGF_ROLE_EXAMPLE_Q,  SGF_ROLE_EXAMPLE_A,
                                     SGF_ROLE_SEPARATOR, SGF_ROLE_ANSWER};
    static const int32_t ids[10] = {0};
    int32_t segment, paraphrase = -1, example = 0;
    sgf_status status = SGF_OK;
    sgf_layout_clear(layout);
    for (; *spelling && !status; spelling += 2) {
        sgf_role role = roles[strchr(letters, spelling[0]) - letters];
        int is_example = role == SGF_ROLE_EXAMPLE_Q || role == SGF_ROLE_EXAMPLE_A;
        if (strchr("pma", spelling[0])) paraphrase++;
        status = sgf_layout_segment(layout, role, is_example ? example : paraphrase, &segment, err);
        if (!status)
            status = sgf_layout_add(layout, segment, ids, (size_t)(spelling[1] - '0'), err);
        example += role == SGF_ROLE_EXAMPLE_A;
    }
    return status;
}

static const char *color(sgf_role role) {
    static const char *const colors[] = {"#3f4e63", "#6b7f99", "#2f7f6f", "#3c8c3f", "#c08a1e",
                                         "#8d8d95", "#7a5ea8", "#b56aa0", "#c2553a"};
    return colors[role];
}
static const char *word(sgf_role role) {
    static const char *const words[] = {"bos", "shared",   "paraphrase", "manual", "auto",
                                        "",    "question", "answer",     "answer"};
    return words[role];
}

static void mask_draw(const sgf_layout *layout, sgf_mask mask, int x, int y) {
    int T = (int)layout->tokens, q, k, size = T * CELL;
    printf("<text x=\"%d\" y=\"%d\" font-size=\"14\" font-weight=\"bold\">%s</text>\n", x, y - 10,
           sgf_mask_name(mask));
    for (q = 0; q < T; q++) {
        const sgf_segment *own = &layout->segment[layout->seg[q]];
        for (k = 0; k <= q; k++)
            printf("<path fill=\"%s\" d=\"M%d %dh8v8h-8z\"/>\n",
                   sgf_visible(layout, layout->seg[q], layout->seg[k])
                       ? color(layout->segment[layout->seg[k]].role)
                       : "#edeff1",
                   x + k * CELL, y + q * CELL);
        if (q && layout->seg[q] == layout->seg[q - 1]) continue;
        if (q) /* the borders of a segment */
            printf("<path stroke=\"#555\" stroke-width=\".7\" fill=\"none\" "
                   "d=\"M%g %gH%gV%d\"/>\n",
                   x - .5, y + q * CELL - .5, x + q * CELL - .5, y + size);
        printf("<text x=\"%d\" y=\"%g\" text-anchor=\"end\" fill=\"%s\">%s</text>\n", x - 6,
               y + (q + (double)own->tokens / 2) * CELL + 3.5, color(own->role), word(own->role));
    }
}

int main(void) {
    sgf_layout layout;
    sgf_error err;
    int i, high = (SGF_MASK_COUNT + COLUMNS - 1) / COLUMNS * HIGH + 14;
    sgf_layout_init(&layout, NULL);
    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
           "font-family=\"Helvetica,Arial,sans-serif\" font-size=\"10.5\" fill=\"#333\">\n"
           "<title>Who sees whom: the masks</title>\n<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>\n",
           COLUMNS * WIDE, high, COLUMNS * WIDE, high);
    for (i = 0; i < SGF_MASK_COUNT; i++) {
        if (layout_make(&layout, layout_of((sgf_mask)i), &err)) {
            fprintf(stderr, "%s\n", err.message);
            sgf_layout_free(&layout);
            return 1;
        }
        sgf_mask_set(&layout, (sgf_mask)i);
        mask_draw(&layout, (sgf_mask)i, LEFT + i % COLUMNS * WIDE, TOP + i / COLUMNS * HIGH);
    }
    puts("</svg>");
    sgf_layout_free(&layout);
    return 0;
}
