/* The report: one HTML page of the whole study, self-contained, for screens from a phone to a desk
   and for paper. A section is a function in the list at the end; charts are inline SVG in per cent
   of the page's width, so that text keeps its size. Everything from a file goes through html_text,
   or through the JSON of the question browser, which is only ever shown as text. */
#ifndef SEGFUSE_REPORT_H
#define SEGFUSE_REPORT_H

#include "study.h"

typedef struct {
    base_buf buf;
    sgf_status status;
    sgf_error err;
    const study *s;
    const char *title;
    size_t *rank; /* the files, best first */
    size_t base;  /* the method others are compared with; s->files if there is none */
} report;
void html(report *r, const char *text);
/* Numbers and our own words: nothing that stands in a file. */
void html_print(report *r, const char *format, ...) BASE_PRINTF(2, 3);
void html_text(report *r, sgf_str text);
void html_open(report *r, const char *id, const char *heading);
void html_lines(report *r, const char *const *lines);
/* A page, up to its body. */
void html_begin(report *r, const char *title);
/* Its end, and the file, if nothing failed so far. */
sgf_status html_end(report *r, const char *path, sgf_error *err);
sgf_status report_write(const study *s, const char *title, size_t base, const char *path,
                        sgf_error *err);

#endif
