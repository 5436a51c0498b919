/* The program on a system that fails: call number SEGFUSE_FAIL, partly when SEGFUSE_PARTLY is set.
   The tests run it (test_system.c); what is printed does not count as a call. */
#include "system.h"

#define main program_main
#include "../examples/segfuse/main.c"
#undef main

int main(int argc, char **argv) {
    const char *fail = getenv("SEGFUSE_FAIL");
    int status;
    system_reset(fail ? atol(fail) : 0, getenv("SEGFUSE_PARTLY") != NULL);
    status = program_main(argc, argv);
    if (test_system.calls < test_system.fail) fprintf(stderr, "there is no such call\n");
    return status;
}
