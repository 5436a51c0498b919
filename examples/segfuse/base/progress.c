#define _XOPEN_SOURCE 700
#include "progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

double clock_now(void) {
    struct timespec t = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
void progress_start(progress *p, const char *label, size_t total, size_t done, int quiet) {
    memset(p, 0, sizeof *p);
    p->label = label;
    p->total = total;
    p->first = done;
    p->tenth = total ? (int)(done * 10 / total) : 0;
    p->start = p->shown = clock_now();
    p->terminal = isatty(2);
    p->quiet = quiet;
}
/* "12 s", "3:05 min", "1:02:03 h". */
static void progress_time(double seconds, char *out, size_t cap) {
    long s = seconds < 1e8 ? (long)(seconds + 0.5) : 100000000;
    if (s < 60) snprintf(out, cap, "%ld s", s);
    else if (s < 3600) snprintf(out, cap, "%ld:%02ld min", s / 60, s % 60);
    else snprintf(out, cap, "%ld:%02ld:%02ld h", s / 3600, s / 60 % 60, s % 60);
}
static int terminal_width(void) {
    struct winsize size;
    return !ioctl(2, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}
void progress_show(progress *p, size_t done, size_t tokens) {
    double now = clock_now(), spent = now - p->start,
           rate = spent > 0 ? (double)(done - p->first) / spent : 0;
    int last = done == p->total, tenth = p->total ? (int)(done * 10 / p->total) : 10;
    char line[256], left[32];
    int n, width;
    if (p->quiet) return;
    if (p->terminal ? now - p->shown < 0.1 && !last
                    : tenth == p->tenth && now - p->shown < 60 && !last)
        return;
    p->shown = now;
    p->tenth = tenth;
    progress_time(rate > 0 ? (double)(p->total - done) / rate : 0, left, sizeof left);
    n = snprintf(line, sizeof line, "%s: %llu/%llu, %.*f questions/s, %.0f tokens/s, %s left",
                 p->label, (unsigned long long)done, (unsigned long long)p->total,
                 rate < 10 ? 2 : 0, rate, spent > 0 ? (double)tokens / spent : 0, left);
    if (!p->terminal) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    width = terminal_width() - 1; /* a line that wraps could not be written over */
    fprintf(stderr, "\r%.*s\033[K", n < width ? n : width, line);
    p->open = 1;
}
void progress_end(progress *p) {
    if (p->open) fputc('\n', stderr);
    p->open = 0;
}
