/* A test is a function; CHECK counts a failure and goes on; SKIP says why and leaves. For
 * tests/mutate.py, TEST_MUTANTS: the first test that fails ends the program, and each tells its time
 * and the mutants it reached. The variable TEST_MUTANT says which mutant lives, TEST_LIMITS,
 * "name=seconds,..,", which tests run and how much processor time they may take, TEST_WITHOUT which
 * ones do not. */
#ifndef SGF_TEST_H
#define SGF_TEST_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sanitizers reserve terabytes: no limit on memory then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define TEST_SANITIZED
#endif
#endif

static int test_passed, test_failed, test_skipped;
static int test_errors;            /* failed checks of the running test */
static const char *test_skip_text; /* set by SKIP */

#define CHECK(condition)                                                                        \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            if (++test_errors <= 10) printf("    %s:%d: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                                       \
    } while (0)
/* The call must succeed; if not, its message is shown and the test ends. */
#define MUST(call, error)                                                              \
    do {                                                                               \
        if ((call) != SGF_OK) {                                                        \
            test_errors++;                                                             \
            printf("    %s:%d: %s: %s\n", __FILE__, __LINE__, #call, (error).message); \
            return;                                                                    \
        }                                                                              \
    } while (0)
#define SKIP(reason)               \
    do {                           \
        test_skip_text = (reason); \
        return;                    \
    } while (0)
#define RUN(function) test_run(#function, function)

#ifdef TEST_MUTANTS
#include <sys/time.h>
#include <time.h>

/* Seconds of processor time that the test may take, 0: it is not to run. */
static int test_limit(const char *name) {
    const char *limits = getenv("TEST_LIMITS"), *without = getenv("TEST_WITHOUT"), *at;
    size_t n = strlen(name);
    if (without && strstr(without, name)) return 0;
    if (!limits) return 3600;
    for (at = limits; (at = strstr(at, name)) != NULL; at += n)
        if (at[n] == '=' && (at == limits || at[-1] == ',')) return atoi(at + n + 1);
    return 0;
}
#endif

static void test_run(const char *name, void (*function)(void)) {
#ifdef TEST_MUTANTS
    struct itimerval limit = {{0, 0}, {test_limit(name), 0}};
    clock_t begin = clock();
    const char *mutant = getenv("TEST_MUTANT");
    int i;
    if (!limit.it_value.tv_sec) return;
    sgf__mutant = mutant ? atoi(mutant) : 0;
    setitimer(ITIMER_PROF, &limit, NULL);
    fprintf(stderr, "%s\n", name);
#endif
    test_errors = 0;
    test_skip_text = NULL;
    function();
#ifdef TEST_MUTANTS
    printf("time %s %.3f\nreached %s", name, (double)(clock() - begin) / CLOCKS_PER_SEC, name);
    for (i = 0; i < SGF__MUTANTS; i++)
        if (sgf__mutant_hit[i]) printf(" %d", i), sgf__mutant_hit[i] = 0;
    printf("\n");
#endif
    if (test_errors) test_failed++, printf("FAILED  %s\n", name);
    else if (test_skip_text) test_skipped++, printf("skipped %s: %s\n", name, test_skip_text);
    else test_passed++, printf("ok      %s\n", name);
    fflush(stdout);
#ifdef TEST_MUTANTS
    if (test_failed) exit(1);
#endif
}

/* Memory that runs out: allocation number `fail` (from 1; 0: none) returns NULL. */
typedef struct test_heap {
    size_t calls, fail; /* allocations so far; the one that fails */
    size_t used, peak;  /* bytes */
    size_t most;        /* bytes above which every allocation fails */
} test_heap;
static void *test_heap_alloc(size_t size, void *user) {
    test_heap *heap = (test_heap *)user;
    void *made;
    if (++heap->calls == heap->fail || size > heap->most - heap->used || !(made = malloc(size)))
        return NULL;
    heap->used += size;
    if (heap->used > heap->peak) heap->peak = heap->used;
    return made;
}
static void test_heap_free(void *ptr, size_t size, void *user) {
    ((test_heap *)user)->used -= size;
    free(ptr);
}
static sgf_allocator test_heap_init(test_heap *heap, size_t fail) {
    sgf_allocator mem;
    memset(heap, 0, sizeof *heap);
    heap->most = SIZE_MAX;
    heap->fail = fail;
    mem.alloc = test_heap_alloc;
    mem.free = test_heap_free;
    mem.user = heap;
    return mem;
}
#endif
