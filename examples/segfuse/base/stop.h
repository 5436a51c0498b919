/* Ctrl-C: the first one lets the questions in work end and keeps what is done, the second one ends the
   program at once. SIGTERM (what batch systems send) and SIGHUP (a lost connection) count as
   Ctrl-C. */
#ifndef SEGFUSE_STOP_H
#define SEGFUSE_STOP_H

#include <signal.h>

extern volatile sig_atomic_t stop_signal;
/* From here on signals are noted. One that is ignored (nohup) stays so. */
void stop_watch(void);
/* The exit status of a run that was stopped, as a shell gives it: 130 after Ctrl-C, 143 after
   SIGTERM. */
int stop_status(void);

#endif
