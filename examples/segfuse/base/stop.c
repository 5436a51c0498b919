#define _XOPEN_SOURCE 700
#include "stop.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t stop_signal; /* the signal that came, 0 if none did */

static void stop_note(int number) {
    static const char text[] = "\nstopping after the questions in work; once more stops at once\n";
    stop_signal = number;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (write(2, text, sizeof text - 1) < 0) return; /* nobody reads it */
}
void stop_watch(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action, old;
    size_t i;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = stop_note;
    action.sa_flags = SA_RESTART;
    for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(numbers[i], &action, NULL);
}
int stop_status(void) {
    return 128 + (int)stop_signal;
}
