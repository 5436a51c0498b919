#include "picture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURE_HIDDEN = SGF_ROLE_COUNT, PICTURE_EXTRA, PICTURE_MISSING, PICTURE_FUTURE };

/* The colours of roles (as keys), of what is hidden, of what the other mask has too much and too
   little, and of what lies in the future. */
static const char *const picture_colors[] = {"#3f4e63", "#6b7f99", "#2f7f6f", "#3c8c3f", "#c08a1e",
                                             "#8d8d95", "#7a5ea8", "#b56aa0", "#c2553a", "#f0f1f3",
                                             "#e8198b", "#f7c400", "#ffffff"};
static const char *const picture_words[] = {
    "bos",       "shared", "para",   "manual",     "auto",      "sep",  "example q",
    "example a", "answer", "hidden", "only there", "only here", "later"};

int mask_shows(const sgf_layout *layout, const uint8_t *dense, size_t q, size_t k) {
    if (dense) return dense[q * layout->tokens + k];
    return k <= q && sgf_visible(layout, layout->seg[q], layout->seg[k]);
}
static int picture_seen(const picture *p, size_t q, size_t k) {
    return mask_shows(p->layout, p->dense, q, k);
}
/* The colour of a cell. */
static int picture_cell(const picture *p, size_t q, size_t k) {
    int seen = picture_seen(p, q, k), other = p->other ? p->other[q * p->layout->tokens + k] : seen;
    if (seen != other) return other ? PICTURE_EXTRA : PICTURE_MISSING;
    if (seen) return (int)p->layout->segment[p->layout->seg[k]].role;
    return k > q ? PICTURE_FUTURE : PICTURE_HIDDEN;
}
int picture_start(picture *p, const sgf_layout *layout) {
    size_t i;
    memset(p, 0, sizeof *p);
    p->layout = layout;
    p->span = (size_t *)malloc((layout->tokens + 1) * sizeof *p->span);
    for (i = 0; p->span && i <= layout->tokens; i++)
        if (!i || i == layout->tokens || layout->seg[i] != layout->seg[i - 1])
            p->span[p->spans++] = i;
    p->spans--;
    return p->span != NULL;
}
char *picture_name(const sgf_layout *layout, int32_t segment, char *out, size_t cap) {
    const sgf_segment *s = &layout->segment[segment];
    const char *role = sgf_role_name(s->role);
    int32_t i, n = 1;
    for (i = 0; i < segment; i++)
        n += layout->segment[i].role == s->role && layout->segment[i].group == s->group;
    if (s->role == SGF_ROLE_EXAMPLE_Q) snprintf(out, cap, "ex %d q %d", (int)s->group + 1, (int)n);
    else if (s->role == SGF_ROLE_EXAMPLE_A) snprintf(out, cap, "ex %d a", (int)s->group + 1);
    else if (s->role == SGF_ROLE_SHARED || s->role == SGF_ROLE_BOS || s->role == SGF_ROLE_ANSWER ||
             s->group < 0)
        snprintf(out, cap, "%s", role);
    else snprintf(out, cap, "%s %d", role, (int)s->group + 1);
    return out;
}
/* Where the name of each span goes, in pixels: its middle. Names that would overlap the one before,
   and separators that are narrower than a name, are left out (-1). */
static void picture_labels(const picture *p, double cell, double room, double *at) {
    double last = -1e9;
    size_t i;
    for (i = 0; i < p->spans; i++) {
        double middle = (double)(p->span[i] + p->span[i + 1]) * cell / 2;
        double width = (double)(p->span[i + 1] - p->span[i]) * cell;
        int minor = p->layout->segment[p->layout->seg[p->span[i]]].role == SGF_ROLE_SEPARATOR;
        at[i] = (minor && width < room) || middle < last + room ? -1 : middle;
        if (at[i] >= 0) last = middle;
    }
}
/* Which colours the legend explains, in order; returns their number. */
static size_t picture_legend(const picture *p, int out[PICTURE_FUTURE + 1]) {
    size_t n = 0, T = p->layout->tokens, i;
    int c, differ[2] = {0, 0};
    for (i = 0; p->other && i < T * T; i++) {
        int seen = picture_seen(p, i / T, i % T);
        if (seen != p->other[i]) differ[!p->other[i]] = 1;
    }
    for (c = 0; c < PICTURE_FUTURE; c++) {
        int used = c == PICTURE_HIDDEN || (c == PICTURE_EXTRA && differ[0]) ||
                   (c == PICTURE_MISSING && differ[1]);
        for (i = 0; c < SGF_ROLE_COUNT && i < p->layout->segments; i++)
            used |= (int)p->layout->segment[i].role == c && p->layout->segment[i].tokens;
        if (used) out[n++] = c;
    }
    return n;
}

sgf_status file_write(const char *path, const base_buf *text, sgf_error *err) {
    base_out out;
    sgf_status status = base_out_open(&out, path, err);
    if (!status) status = base_out_write(&out, text->ptr, text->len, err);
    return status ? status : base_out_close(&out, err);
}

/* ---- text ---- */

/* Few tokens: a row and a column for each. */
void text_tokens(FILE *out, const picture *p) {
    const sgf_layout *l = p->layout;
    size_t T = l->tokens, q, k;
    char name[96];
    for (q = 0; q < T; q++) {
        int first = !q || l->seg[q] != l->seg[q - 1];
        fprintf(out, "%5d  %-24.24s ", (int)q,
                first ? sgf_segment_text(l, l->seg[q], name, sizeof name) : "");
        for (k = 0; k < T; k++)
            if (picture_seen(p, q, k)) fputc('#', out);
            else if (k <= q) fputc('.', out);
            else if (p->dense) fputc(' ', out);
        fputc('\n', out);
    }
}
/* Many: a row and a column for each segment. # all pairs of tokens, . none, + some (of a dense mask);
   a space where all keys stand later. */
void text_segments(FILE *out, const picture *p) {
    const sgf_layout *l = p->layout;
    size_t T = l->tokens, S = l->segments, q, k;
    size_t *pairs = (size_t *)calloc(S * S, 2 * sizeof *pairs); /* visible ones, all */
    char name[96];
    if (!pairs) return;
    for (q = 0; q < T; q++)
        for (k = 0; k < (p->dense ? T : q + 1); k++) {
            size_t *pair = pairs + 2 * ((size_t)l->seg[q] * S + (size_t)l->seg[k]);
            pair[0] += (size_t)picture_seen(p, q, k);
            pair[1] += k <= q;
        }
    for (q = 0; q < S; q++) {
        fprintf(out, "%5d  %-24.24s %6d tokens  ", (int)q,
                sgf_segment_text(l, (int32_t)q, name, sizeof name), (int)l->segment[q].tokens);
        for (k = 0; k < S; k++) {
            const size_t *pair = pairs + 2 * (q * S + k);
            fputc(!pair[0] ? pair[1] ? '.' : ' ' : pair[0] == pair[1] ? '#' : '+', out);
        }
        fputc('\n', out);
    }
    free(pairs);
}
void picture_text(FILE *out, const picture *p) {
    if (p->layout->tokens <= 100) text_tokens(out, p);
    else text_segments(out, p);
}

/* ---- SVG ---- */

enum { SVG_MOST = 400000 }; /* shapes; a browser needs minutes for more */

/* Room for names: at the left, and above, where they lean. */
enum { SVG_LEFT = 82, SVG_TOP = 74, SVG_LEGEND = 20 };

static BASE_PRINTF(2, 3) void svg_put(svg_file *s, const char *format, ...) {
    char text[512];
    va_list args;
    int n;
    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!s->status)
        s->status = base_buf_add(&s->buf, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1,
                                 s->err);
}
/* A text without the characters that mean something in XML. */
static void svg_text(svg_file *s, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<') svg_put(s, "&lt;");
        else if (c == '&') svg_put(s, "&amp;");
        else svg_put(s, "%c", c < 0x20 ? ' ' : c);
    }
}
/* What one span sees of another: a rectangle; of itself, or of one that reaches behind it, stairs. */
static void svg_block(svg_file *s, const picture *p, double cell, size_t q, size_t k, int x,
                      int y) {
    const sgf_layout *l = p->layout;
    size_t top = p->span[q], bottom = p->span[q + 1], left = p->span[k], right = p->span[k + 1], i;
    int seen = sgf_visible(l, l->seg[top], l->seg[left]);
    const char *color = picture_colors[seen ? (int)l->segment[l->seg[left]].role : PICTURE_HIDDEN];
    if (k > q) return;
    s->shapes++;
    if (k < q) {
        svg_put(s, "<path fill=\"%s\" d=\"M%g %gh%gv%gh-%gz\"/>\n", color, x + (double)left * cell,
                y + (double)top * cell, (double)(right - left) * cell,
                (double)(bottom - top) * cell, (double)(right - left) * cell);
        return;
    }
    svg_put(s, "<path fill=\"%s\" d=\"M%g %g", color, x + (double)left * cell,
            y + (double)top * cell);
    for (i = top; i < bottom; i++) svg_put(s, "h%gv%g", cell, cell);
    svg_put(s, "H%gz\"/>\n", x + (double)left * cell);
}
/* Runs of one colour in every row: for dense masks, and for what differs. */
static void svg_rows(svg_file *s, const picture *p, double cell, int x, int y) {
    size_t T = p->layout->tokens, q, k, end;
    for (q = 0; q < T && s->shapes < SVG_MOST; q++)
        for (k = 0; k < T; k = end) {
            int color = picture_cell(p, q, k);
            for (end = k + 1; end < T && picture_cell(p, q, end) == color;) end++;
            if (color == PICTURE_FUTURE) continue;
            if (!p->dense && color != PICTURE_EXTRA && color != PICTURE_MISSING) continue;
            svg_put(s, "<path fill=\"%s\" d=\"M%g %gh%gv%gh-%gz\"/>\n", picture_colors[color],
                    x + (double)k * cell, y + (double)q * cell, (double)(end - k) * cell, cell,
                    (double)(end - k) * cell);
            s->shapes++;
        }
}
static void svg_lines(svg_file *s, const picture *p, double cell, int x, int y) {
    size_t T = p->layout->tokens, i;
    double size = (double)T * cell;
    if (cell >= 5) { /* a grid of tokens */
        svg_put(s, "<path stroke=\"#fff\" stroke-width=\"1.2\" fill=\"none\" d=\"");
        for (i = 1; i < T; i++)
            svg_put(s, "M%g %dv%gM%d %gh%g", x + (double)i * cell, y, size, x, y + (double)i * cell,
                    size);
        svg_put(s, "\"/>\n");
    }
    svg_put(s, "<path stroke=\"#8a8f98\" stroke-width=\".8\" fill=\"none\" d=\"");
    for (i = 1; i < p->spans; i++) {
        double at = (double)p->span[i] * cell;
        svg_put(s, "M%g %gV%gM%d %gh%g", x + at, y + at, y + size, x, y + at, at);
    }
    svg_put(s, "\"/>\n<path stroke=\"#c9ccd1\" fill=\"none\" d=\"M%d %dv%gh%gv-%gz\"/>\n", x, y,
            size, size, size);
}
static void svg_names(svg_file *s, const picture *p, double cell, int x, int y) {
    double *at = (double *)malloc((p->spans + 1) * sizeof *at);
    char name[64];
    size_t i;
    if (!at) return;
    picture_labels(p, cell, 12, at);
    for (i = 0; i < p->spans; i++) {
        int32_t segment = p->layout->seg[p->span[i]];
        const char *color = picture_colors[p->layout->segment[segment].role];
        if (at[i] < 0) continue;
        picture_name(p->layout, segment, name, sizeof name);
        svg_put(s,
                "<text x=\"%d\" y=\"%g\" text-anchor=\"end\" fill=\"%s\">%s</text>\n"
                "<text transform=\"translate(%g %d)rotate(-40)\" fill=\"%s\">%s</text>\n",
                x - 7, y + at[i] + 4, color, name, x + at[i] + 3, y - 6, color, name);
    }
    free(at);
}
static void svg_legend(svg_file *s, const picture *p, int x, int y) {
    int colors[PICTURE_FUTURE + 1];
    size_t n = picture_legend(p, colors), i;
    for (i = 0; i < n; i++) {
        svg_put(s,
                "<path fill=\"%s\"%s d=\"M%d %dh11v11h-11z\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
                picture_colors[colors[i]], colors[i] == PICTURE_HIDDEN ? " stroke=\"#c9ccd1\"" : "",
                x, y, x + 16, y + 10, picture_words[colors[i]]);
        x += 28 + 7 * (int)strlen(picture_words[colors[i]]);
    }
}
sgf_status svg_draw(svg_file *s, const char *name, const picture *p, sgf_error *err) {
    size_t T = p->layout->tokens, q, k;
    double cell = T > 720 ? 720.0 / (double)T : T < 24 ? 16 : T < 60 ? 12 : 720.0 / (double)T;
    double size = (double)T * cell, width = size < 420 ? 420 : size;
    int x = SVG_LEFT, y = SVG_TOP + 24;
    memset(s, 0, sizeof *s);
    base_buf_init(&s->buf, NULL);
    s->err = err;
    if (!p->dense && p->spans > 800)
        return base_fail(err, SGF_ERR_LIMIT,
                         "%s: the layout has %d runs of segments; an SVG is made of at most 800; "
                         "take a .png",
                         name, (int)p->spans);
    svg_put(s,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" "
            "height=\"%g\" font-family=\"Helvetica,Arial,sans-serif\" font-size=\"12\" "
            "fill=\"#333\">\n<title>",
            x + width + 24, y + size + 44, x + width + 24, y + size + 44);
    svg_text(s, p->title);
    svg_put(s, "</title>\n<path fill=\"#fff\" d=\"M0 0h%gv%gH0z\"/>\n", x + width + 24,
            y + size + 44);
    svg_put(s, "<text x=\"14\" y=\"24\" font-size=\"16\" font-weight=\"bold\">");
    svg_text(s, p->title);
    svg_put(s, "</text>\n");
    for (q = 0; q < p->spans && !p->dense; q++)
        for (k = 0; k <= q; k++) svg_block(s, p, cell, q, k, x, y);
    if (p->dense || p->other) svg_rows(s, p, cell, x, y);
    svg_lines(s, p, cell, x, y);
    svg_names(s, p, cell, x, y);
    svg_legend(s, p, x, y + (int)size + SVG_LEGEND);
    svg_put(s, "</svg>\n");
    if (!s->status && s->shapes >= SVG_MOST)
        return base_fail(err, SGF_ERR_LIMIT,
                         "%s: this mask is made of more than %d runs; take a .png", name,
                         (int)SVG_MOST);
    return s->status;
}
sgf_status picture_svg(const char *path, const picture *p, sgf_error *err) {
    svg_file s;
    sgf_status status = svg_draw(&s, path, p, err);
    if (!status) status = file_write(path, &s.buf, err);
    base_buf_free(&s.buf);
    return status;
}

/* ---- PNG ----
   One byte a pixel while drawing: an index of a palette. In the file every row is the difference to
   the one above (filter 2), so a mask is mostly zeros, and DEFLATE with its fixed codes writes runs
   of a byte as a literal and matches of distance 1 (RFC 1950, 1951; the PNG specification). */

enum { PNG_INK = PICTURE_FUTURE + 1, PNG_LINE, PNG_COLORS };

typedef struct {
    unsigned char *pixel; /* [height][width] */
    size_t width, height;
} png_image;

/* Letters of 5 x 9 pixels, one byte a row, the highest bit at the left; three letters hang below the
   line. */
/* clang-format off */
static const char png_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.,:/()";
static const unsigned char png_font[][9] = {
    {0, 0, 14, 1, 15, 17, 15, 0, 0}, /* a */
    {16, 16, 30, 17, 17, 17, 30, 0, 0}, /* b */
    {0, 0, 15, 16, 16, 16, 15, 0, 0}, /* c */
    {1, 1, 15, 17, 17, 17, 15, 0, 0}, /* d */
    {0, 0, 14, 17, 31, 16, 14, 0, 0}, /* e */
    {6, 8, 30, 8, 8, 8, 8, 0, 0}, /* f */
    {0, 0, 15, 17, 17, 17, 15, 1, 14}, /* g */
    {16, 16, 30, 17, 17, 17, 17, 0, 0}, /* h */
    {4, 0, 12, 4, 4, 4, 14, 0, 0}, /* i */
    {2, 0, 6, 2, 2, 2, 2, 18, 12}, /* j */
    {16, 16, 18, 20, 24, 20, 18, 0, 0}, /* k */
    {12, 4, 4, 4, 4, 4, 14, 0, 0}, /* l */
    {0, 0, 26, 21, 21, 21, 17, 0, 0}, /* m */
    {0, 0, 30, 17, 17, 17, 17, 0, 0}, /* n */
    {0, 0, 14, 17, 17, 17, 14, 0, 0}, /* o */
    {0, 0, 30, 17, 17, 17, 30, 16, 16}, /* p */
    {0, 0, 15, 17, 17, 17, 15, 1, 1}, /* q */
    {0, 0, 22, 24, 16, 16, 16, 0, 0}, /* r */
    {0, 0, 15, 16, 14, 1, 30, 0, 0}, /* s */
    {8, 8, 30, 8, 8, 8, 6, 0, 0}, /* t */
    {0, 0, 17, 17, 17, 17, 15, 0, 0}, /* u */
    {0, 0, 17, 17, 17, 10, 4, 0, 0}, /* v */
    {0, 0, 17, 21, 21, 21, 10, 0, 0}, /* w */
    {0, 0, 17, 10, 4, 10, 17, 0, 0}, /* x */
    {0, 0, 17, 17, 17, 17, 15, 1, 14}, /* y */
    {0, 0, 31, 2, 4, 8, 31, 0, 0}, /* z */
    {14, 17, 19, 21, 25, 17, 14, 0, 0}, /* 0 */
    {4, 12, 4, 4, 4, 4, 14, 0, 0}, /* 1 */
    {14, 17, 1, 6, 8, 16, 31, 0, 0}, /* 2 */
    {14, 17, 1, 6, 1, 17, 14, 0, 0}, /* 3 */
    {2, 6, 10, 18, 31, 2, 2, 0, 0}, /* 4 */
    {31, 16, 30, 1, 1, 17, 14, 0, 0}, /* 5 */
    {14, 16, 16, 30, 17, 17, 14, 0, 0}, /* 6 */
    {31, 1, 2, 4, 4, 8, 8, 0, 0}, /* 7 */
    {14, 17, 17, 14, 17, 17, 14, 0, 0}, /* 8 */
    {14, 17, 17, 15, 1, 1, 14, 0, 0}, /* 9 */
    {0, 0, 0, 14, 0, 0, 0, 0, 0}, /* - */
    {0, 0, 0, 0, 0, 0, 31, 0, 0}, /* _ */
    {0, 0, 0, 0, 0, 0, 4, 0, 0}, /* . */
    {0, 0, 0, 0, 0, 4, 4, 8, 0}, /* , */
    {0, 0, 4, 0, 0, 4, 0, 0, 0}, /* : */
    {1, 1, 2, 4, 8, 16, 16, 0, 0}, /* / */
    {2, 4, 8, 8, 8, 4, 2, 0, 0}, /* ( */
    {8, 4, 2, 2, 2, 4, 8, 0, 0}, /* ) */
};
/* clang-format on */

static void png_box(png_image *m, size_t x, size_t y, size_t width, size_t height, int color) {
    size_t i, j;
    for (j = y; j < y + height && j < m->height; j++)
        for (i = x; i < x + width && i < m->width; i++)
            m->pixel[j * m->width + i] = (unsigned char)color;
}
/* A text whose letters are 6 * scale wide; upright: from (x, y) to the right; else from there up. */
static void png_text(png_image *m, size_t x, size_t y, const char *text, size_t scale, int color,
                     int upright) {
    size_t i, row, column;
    for (i = 0; text[i]; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
        const char *found = strchr(png_letters, c);
        if (c == ' ') continue;
        for (row = 0; row < 9; row++)
            for (column = 0; column < 5; column++) {
                size_t along = (i * 6 + column) * scale, across = row * scale;
                if (!(png_font[found ? found - png_letters : 36][row] >> (4 - column) & 1))
                    continue;
                if (upright) png_box(m, x + along, y + across, scale, scale, color);
                else if (y >= along + scale)
                    png_box(m, x + across, y - along - scale, scale, scale, color);
            }
    }
}

/* Bits into the file, the lowest first. */
typedef struct {
    base_buf *out;
    sgf_error *err;
    sgf_status status;
    uint64_t bits;
    int count;
    uint32_t a, b; /* Adler-32 */
    int last;      /* the byte of the run that is open, -1: none */
    size_t run;
} png_deflate;

static void png_bits(png_deflate *d, uint32_t value, int n) {
    d->bits |= (uint64_t)value << d->count;
    for (d->count += n; d->count >= 8; d->count -= 8, d->bits >>= 8) {
        unsigned char byte = (unsigned char)d->bits;
        if (!d->status) d->status = base_buf_add(d->out, &byte, 1, d->err);
    }
}
/* A code of the fixed alphabet: its highest bit first. */
static void png_code(png_deflate *d, uint32_t symbol) {
    uint32_t code, turned = 0;
    int n = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8, i;
    code = symbol < 144   ? 0x30 + symbol
           : symbol < 256 ? 0x190 + symbol - 144
           : symbol < 280 ? symbol - 256
                          : 0xC0 + symbol - 280;
    for (i = 0; i < n; i++) turned |= (code >> i & 1) << (n - 1 - i);
    png_bits(d, turned, n);
}
/* Write the open run: its byte once, then copies of the byte before, 258 and 3 to 10 at a time. */
static void png_flush(png_deflate *d) {
    size_t left = d->run;
    if (left) png_code(d, (uint32_t)d->last), left--;
    for (; left >= 258; left -= 258) png_code(d, 285), png_bits(d, 0, 5);
    for (; left >= 3; left -= left >= 10 ? 10 : left)
        png_code(d, 257 + (uint32_t)(left >= 10 ? 10 : left) - 3), png_bits(d, 0, 5);
    for (; left; left--) png_code(d, (uint32_t)d->last);
    d->run = 0;
}
static void png_byte(png_deflate *d, unsigned char byte) {
    if (byte != d->last) png_flush(d);
    d->last = byte;
    d->run++;
    d->a = (d->a + byte) % 65521;
    d->b = (d->b + d->a) % 65521;
}
static sgf_status png_compress(const png_image *m, base_buf *out, sgf_error *err) {
    png_deflate d;
    size_t x, y;
    int i;
    memset(&d, 0, sizeof d);
    d.out = out;
    d.err = err;
    d.a = 1;
    d.last = -1;
    d.status = base_buf_add(out, "\x78\x01", 2, err);
    png_bits(&d, 3, 3); /* the last block; fixed codes */
    for (y = 0; y < m->height; y++) {
        const unsigned char *row = m->pixel + y * m->width;
        png_byte(&d, 2);
        for (x = 0; x < m->width; x++)
            png_byte(&d, (unsigned char)(row[x] - (y ? *(row + x - m->width) : 0)));
    }
    png_flush(&d);
    png_code(&d, 256);
    png_bits(&d, 0, (8 - d.count) % 8);
    for (i = 24; i >= 0; i -= 8) png_bits(&d, (d.b << 16 | d.a) >> i & 255, 8);
    return d.status;
}
/* Length, name, data, CRC-32 of name and data. */
static sgf_status png_chunk(base_out *file, const char *name, const void *data, size_t n,
                            sgf_error *err) {
    unsigned char head[8], tail[4];
    uint32_t crc = 0xFFFFFFFFu;
    size_t i;
    int bit;
    sgf_status status;
    for (i = 0; i < 4; i++) head[i] = (unsigned char)(n >> (24 - 8 * i));
    memcpy(head + 4, name, 4);
    for (i = 0; i < n + 4; i++) {
        crc ^= i < 4 ? head[4 + i] : ((const unsigned char *)data)[i - 4];
        for (bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    crc = ~crc;
    for (i = 0; i < 4; i++) tail[i] = (unsigned char)(crc >> (24 - 8 * i));
    status = base_out_write(file, head, 8, err);
    if (!status) status = base_out_write(file, data, n, err);
    return status ? status : base_out_write(file, tail, 4, err);
}
static sgf_status png_write(const char *path, const png_image *m, sgf_error *err) {
    static const char *const more[2] = {"#22262c", "#8a8f98"}; /* ink, lines */
    unsigned char head[13], palette[3 * PNG_COLORS];
    base_buf data;
    base_out file;
    int i, c;
    sgf_status status;
    for (i = 0; i < 4; i++) {
        head[i] = (unsigned char)(m->width >> (24 - 8 * i));
        head[4 + i] = (unsigned char)(m->height >> (24 - 8 * i));
    }
    memcpy(head + 8, "\x08\x03\0\0", 5); /* 8 bits, palette */
    for (i = 0; i < PNG_COLORS; i++) {
        const char *color = i < PNG_INK ? picture_colors[i] : more[i - PNG_INK];
        long rgb = strtol(color + 1, NULL, 16);
        for (c = 0; c < 3; c++) palette[3 * i + c] = (unsigned char)(rgb >> (16 - 8 * c));
    }
    base_buf_init(&data, NULL);
    status = png_compress(m, &data, err);
    if (!status) status = base_out_open(&file, path, err);
    if (!status) {
        status = base_out_write(&file, "\x89PNG\r\n\x1a\n", 8, err);
        if (!status) status = png_chunk(&file, "IHDR", head, sizeof head, err);
        if (!status) status = png_chunk(&file, "PLTE", palette, sizeof palette, err);
        if (!status) status = png_chunk(&file, "IDAT", data.ptr, data.len, err);
        if (!status) status = png_chunk(&file, "IEND", "", 0, err);
        status = base_out_close(&file, err);
    }
    base_buf_free(&data);
    return status;
}

/* The mask itself, its left upper corner at (x, y). */
static void png_mask(png_image *m, const picture *p, size_t cell, size_t x, size_t y) {
    size_t T = p->layout->tokens, gap = cell >= 5, q, k, i;
    for (q = 0; q < T; q++)
        for (k = 0; k < T; k++) {
            int color = picture_cell(p, q, k);
            if (color == PICTURE_FUTURE) continue;
            png_box(m, x + k * cell, y + q * cell, cell - gap, cell - gap, color);
        }
    for (i = 1; i < p->spans && cell >= 3; i++) {
        size_t at = p->span[i] * cell;
        png_box(m, x + at - 1, y + at, 1, T * cell - at, PNG_LINE);
        png_box(m, x, y + at - 1, at, 1, PNG_LINE);
    }
    png_box(m, x - 2, y - 2, T * cell + 4, 1, PNG_LINE);
    png_box(m, x - 2, y + T * cell + 1, T * cell + 4, 1, PNG_LINE);
    png_box(m, x - 2, y - 2, 1, T * cell + 4, PNG_LINE);
    png_box(m, x + T * cell + 1, y - 2, 1, T * cell + 4, PNG_LINE);
}
/* Names at the left and, standing, above; with a tick on the border of every span. */
static void png_names(png_image *m, const picture *p, size_t cell, size_t scale, size_t x,
                      size_t y) {
    double *at = (double *)malloc((p->spans + 1) * sizeof *at);
    char name[64];
    size_t i;
    if (!at) return;
    picture_labels(p, (double)cell, 9.0 * (double)scale, at);
    for (i = 0; i < p->spans; i++) {
        int32_t segment = p->layout->seg[p->span[i]];
        int color = (int)p->layout->segment[segment].role;
        size_t middle = at[i] < 0 ? 0 : (size_t)at[i], width;
        if (i) png_box(m, x - 2 - 3 * scale, y + p->span[i] * cell - 1, 3 * scale, 1, PNG_LINE);
        if (i) png_box(m, x + p->span[i] * cell - 1, y - 2 - 3 * scale, 1, 3 * scale, PNG_LINE);
        if (at[i] < 0) continue;
        width = strlen(picture_name(p->layout, segment, name, sizeof name)) * 6 * scale;
        png_text(m, x - 5 * scale - width, y + middle - 4 * scale, name, scale, color, 1);
        png_text(m, x + middle - 4 * scale, y - 5 * scale, name, scale, color, 0);
    }
    free(at);
}
static void png_legend(png_image *m, const picture *p, size_t scale, size_t x, size_t y) {
    int colors[PICTURE_FUTURE + 1];
    size_t n = picture_legend(p, colors), i;
    for (i = 0; i < n; i++) {
        const char *word = picture_words[colors[i]];
        png_box(m, x, y, 8 * scale, 8 * scale, PNG_LINE);
        png_box(m, x + 1, y + 1, 8 * scale - 2, 8 * scale - 2, colors[i]);
        png_text(m, x + 11 * scale, y + scale / 2, word, scale, PNG_INK, 1);
        x += (11 + 6 * strlen(word) + 9) * scale;
    }
}
sgf_status picture_png(const char *path, const picture *p, sgf_error *err) {
    size_t T = p->layout->tokens, cell = T <= 40 ? 18 : T >= 720 ? 1 : 720 / T, size = T * cell;
    size_t scale = 2 + size / 800, longest = 0, i, x, y, legend = 0, n;
    int colors[PICTURE_FUTURE + 1];
    char name[64];
    png_image m;
    sgf_status status;
    for (i = 0; i < p->layout->segments; i++) {
        n = strlen(picture_name(p->layout, (int32_t)i, name, sizeof name));
        if (n > longest) longest = n;
    }
    n = picture_legend(p, colors);
    for (i = 0; i < n; i++) legend += (20 + 6 * strlen(picture_words[colors[i]])) * scale;
    if (legend < 6 * (scale + 1) * strlen(p->title)) legend = 6 * (scale + 1) * strlen(p->title);
    x = (longest * 6 + 10) * scale;
    y = x + 14 * (scale + 1);
    m.width = x + (size > legend ? size : legend) + 10 * scale;
    m.height = y + size + 24 * scale;
    if (T > 32768)
        return base_fail(err, SGF_ERR_LIMIT, "%s: a picture of %d tokens; 32768 at most", path,
                         (int)T);
    m.pixel = (unsigned char *)malloc(m.width * m.height);
    if (!m.pixel)
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for %d x %d pixels", (int)m.width,
                         (int)m.height);
    memset(m.pixel, PICTURE_FUTURE, m.width * m.height);
    png_text(&m, 5 * scale, 4 * scale, p->title, scale + 1, PNG_INK, 1);
    png_mask(&m, p, cell, x, y);
    png_names(&m, p, cell, scale, x, y);
    png_legend(&m, p, scale, x, y + size + 9 * scale);
    status = png_write(path, &m, err);
    free(m.pixel);
    return status;
}
