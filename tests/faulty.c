/* The program on a system that fails: call number SEGFUSE_FAIL fails, partly when SEGFUSE_PARTLY is set, or kills
   the program when SEGFUSE_KILL is, or allocation number SEGFUSE_MEMORY of those that the program makes itself (the library's fail in other
   tests). The tests run it (test_system.c); what is printed does not count as a call. */
#include "system.h"

#define SEGFUSE_IMPLEMENTATION
#include "../segfuse.h"

static long faulty_left; /* allocations until the one that fails */

static void *faulty_malloc(size_t size) {
    return faulty_left && !--faulty_left ? NULL : malloc(size);
}
static void *faulty_calloc(size_t n, size_t size) {
    return faulty_left && !--faulty_left ? NULL : calloc(n, size);
}
static void *faulty_realloc(void *old, size_t size) {
    return faulty_left && !--faulty_left ? NULL : realloc(old, size);
}
#define malloc  faulty_malloc
#define calloc  faulty_calloc
#define realloc faulty_realloc
#define main    program_main
#include "program.c"
#undef main

int main(int argc, char **argv) {
    const char *fail = getenv("SEGFUSE_FAIL"), *memory = getenv("SEGFUSE_MEMORY");
    int status;
    faulty_left = memory ? atol(memory) : 0;
    test_system.kill = getenv("SEGFUSE_KILL") != NULL;
    system_reset(fail ? atol(fail) : 0, getenv("SEGFUSE_PARTLY") != NULL);
    status = program_main(argc, argv);
    if (test_system.calls < test_system.fail || faulty_left)
        fprintf(stderr, "there is no such call\n");
    if (test_system.kept) fprintf(stderr, "what should have been removed was not\n");
    return status;
}
