/* Pictures of masks: text, SVG and PNG, without a library. A picture has margins with the names of
   the segments, the mask with a colour for every role of key, borders between spans, and a legend.
   Text and SVG grow with the number of spans, not of pairs of tokens; a PNG of a mask is mostly
   repetition, and DEFLATE takes that out. */
#ifndef SEGFUSE_PICTURE_H
#define SEGFUSE_PICTURE_H

#include "../base/base.h"

#include <stdio.h>

/* What is drawn. */
typedef struct {
    const sgf_layout *layout;
    const uint8_t *dense; /* [T, T] of 0/1: drawn instead of the layout's mask; or NULL */
    const uint8_t *other; /* [T, T]: where this one differs is marked; or NULL */
    const char *title;
    size_t *span; /* [spans + 1] first tokens of runs of one segment, then T */
    size_t spans;
} picture;
/* Does the mask that is looked at, the layout's own or a dense one, show k to q? */
int mask_shows(const sgf_layout *layout, const uint8_t *dense, size_t q, size_t k);
int picture_start(picture *p, const sgf_layout *layout);
/* "para 2", "ex 1 q 3", "shared": short enough for a margin. */
char *picture_name(const sgf_layout *layout, int32_t segment, char *out, size_t cap);
/* A whole file at once, or none of it. */
sgf_status file_write(const char *path, const base_buf *text, sgf_error *err);
void picture_text(FILE *out, const picture *p);
/* Its two forms: a cell for each pair of tokens, or of segments. */
void text_tokens(FILE *out, const picture *p);
void text_segments(FILE *out, const picture *p);
typedef struct {
    base_buf buf;
    sgf_status status;
    sgf_error *err;
    size_t shapes;
} svg_file;
/* The whole picture, into s->buf; `name` begins the messages. */
sgf_status svg_draw(svg_file *s, const char *name, const picture *p, sgf_error *err);
sgf_status picture_svg(const char *path, const picture *p, sgf_error *err);
sgf_status picture_png(const char *path, const picture *p, sgf_error *err);

#endif
