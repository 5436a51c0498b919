/* Ctrl-C: the first one lets the questions in work end and keeps what is done, the second one ends the
   program at once. SIGTERM (what batch systems send) and SIGHUP (a lost connection) count as
   Ctrl-C. */

static volatile sig_atomic_t stop_signal; /* the signal that came, 0 if none did */

static void stop_note(int number) {
    static const char text[] = "\nstopping after the questions in work; once more stops at once\n";
    stop_signal = number;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (write(2, text, sizeof text - 1) < 0) return; /* nobody reads it */
}
/* From here on signals are noted. One that is ignored (nohup) stays so. */
static void stop_watch(void) {
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
/* The exit status of a run that was stopped, as a shell gives it: 130 after Ctrl-C, 143 after
   SIGTERM. */
static int stop_status(void) {
    return 128 + (int)stop_signal;
}
