/* Progress on stderr: one line that updates on a terminal; elsewhere a plain line every tenth and
   every minute. Rates count what this run did, not what it found done. */
#ifndef SEGFUSE_PROGRESS_H
#define SEGFUSE_PROGRESS_H

#include "base.h"

typedef struct {
    const char *label;
    size_t first, total; /* done before, and all */
    double start, shown;
    int terminal, tenth, quiet, open; /* open: a line without its end is on the terminal */
} progress;
double clock_now(void);
void progress_start(progress *p, const char *label, size_t total, size_t done, int quiet);
/* `done` of all questions are done; this run has computed `tokens` tokens. */
void progress_show(progress *p, size_t done, size_t tokens);
void progress_end(progress *p);

#endif
