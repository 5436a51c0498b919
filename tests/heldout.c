/* The held-out set: inputs that no fuzzer and no developer has seen. heldout COUNT SEED gives every reader
   (the targets of fuzz.c) its corpus as it is, then COUNT files made from it by a generator of its own,
   seeded: other changes than libFuzzer's, guided by nothing. The numbers of a seed are spent on one
   release and its finding is written down in SECURITY.md, so that the set says what was left, not what
   was tuned. Compiled with sanitizers (`make heldout`); every input must return. */
#define _XOPEN_SOURCE 700
#include "fuzz.c"

enum { HELDOUT_FILES = 256, HELDOUT_MOST = 65536 };

typedef struct {
    char *bytes;
    size_t size;
} heldout_file;

static heldout_file files[HELDOUT_FILES];
static size_t file_count;
static py_random random_state;

static size_t below(size_t n) {
    return (size_t)py_random_below(&random_state, n);
}
static void heldout_load(const char *name) {
    char folder[64], path[400];
    struct dirent *entry;
    DIR *dir;
    snprintf(folder, sizeof folder, "tests/corpus/%s", name);
    for (dir = opendir(folder); dir && (entry = readdir(dir)) && file_count < HELDOUT_FILES;) {
        sgf__map map;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || sgf__map_file(path, NULL, &map, NULL)) continue;
        if (map.size <= HELDOUT_MOST && (files[file_count].bytes = (char *)malloc(map.size + 1))) {
            memcpy(files[file_count].bytes, map.data, map.size);
            files[file_count++].size = map.size;
        }
        sgf__unmap(&map);
    }
    if (dir) closedir(dir);
}
static int heldout_order(const void *a, const void *b) { /* folders have none */
    const heldout_file *x = (const heldout_file *)a, *y = (const heldout_file *)b;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return memcmp(x->bytes, y->bytes, x->size);
}
static void heldout_forget(void) {
    while (file_count) free(files[--file_count].bytes);
}

/* Put n bytes over the `gone` at `at`. */
static void splice(char *text, size_t *size, size_t at, size_t gone, const char *bytes, size_t n) {
    if (*size - gone + n > HELDOUT_MOST) return;
    memmove(text + at + n, text + at + gone, *size - at - gone);
    memcpy(text + at, bytes, n);
    *size += n - gone;
}
static const char *const odd[] = {"0",
                                  "-1",
                                  "1e999",
                                  "4294967295",
                                  "4294967296",
                                  "18446744073709551615",
                                  "9223372036854775808",
                                  "[",
                                  "]",
                                  "{",
                                  "}",
                                  "\"",
                                  "\\u0000",
                                  "\\ud800",
                                  "\n",
                                  "\r",
                                  "\xFF",
                                  "\xC0\x80",
                                  ",",
                                  "null",
                                  "'"};
/* One change. */
static void change(char *text, size_t *size) {
    static char piece[HELDOUT_MOST];
    static const uint64_t edges[] = {0,       1,           127,       128,        255,
                                     256,     32767,       65535,     0x7fffffff, 0x80000000u,
                                     1 << 16, 0xffffffffu, INT64_MAX, UINT64_MAX, UINT64_MAX - 7};
    size_t at = below(*size + 1), n = *size - at ? 1 + below(*size - at < 64 ? *size - at : 64) : 0,
           i;
    uint64_t value = edges[below(sizeof edges / sizeof edges[0])];
    const heldout_file *other = &files[below(file_count)];
    switch (below(9)) {
    case 0: /* one bit */
        if (n) text[at] = (char)(text[at] ^ 1 << below(8));
        break;
    case 1: /* a number of 1, 2, 4 or 8 bytes, of either order */
        n = (size_t)1 << below(4);
        if (*size - at < n) break;
        for (i = 0; i < n; i++) text[below(2) ? at + i : at + n - 1 - i] = (char)(value >> 8 * i);
        break;
    case 2: splice(text, size, at, n, "", 0); break;
    case 3: /* again */
        memcpy(piece, text + at, n);
        splice(text, size, at, 0, piece, n);
        break;
    case 4: /* again, often */
        for (i = 0; n && (i + 1) * n <= sizeof piece / 8; i++) memcpy(piece + i * n, text + at, n);
        splice(text, size, at, 0, piece, n ? below(i + 1) * n : 0);
        break;
    case 5: /* from another file */
        if (!other->size) break;
        i = below(other->size);
        splice(text, size, at, below(2) ? n : 0, other->bytes + i, 1 + below(other->size - i));
        break;
    case 6: /* an odd word */
        i = below(sizeof odd / sizeof odd[0]);
        splice(text, size, at, below(2) ? n : 0, odd[i], strlen(odd[i]));
        break;
    case 7: /* a number written in digits is another one */
        while (at < *size && (text[at] < '0' || text[at] > '9')) at++;
        for (n = 0; at + n < *size && text[at + n] >= '0' && text[at + n] <= '9';) n++;
        i = below(7);
        splice(text, size, at, n, odd[i], strlen(odd[i]));
        break;
    default: *size = at; break; /* cut */
    }
}
int main(int argc, char **argv) {
    size_t count = argc > 1 ? (size_t)atol(argv[1]) : 1000, i, k, all = 0;
    long seed = argc > 2 ? atol(argv[2]) : 1;
    static char text[HELDOUT_MOST];
    int t;
    for (t = 0; t < TARGETS; t++) {
        if (argc > 3 && strcmp(argv[3], targets[t].name)) continue;
        heldout_load(targets[t].name);
        if (!file_count) {
            printf("FAILED  no corpus for %s: run it from the top of the tree\n", targets[t].name);
            return 1;
        }
        qsort(files, file_count, sizeof *files, heldout_order);
        for (i = 0; i < file_count; i++) targets[t].run(files[i].bytes, files[i].size);
        py_random_seed(&random_state, seed * 100 + t);
        for (i = 0; i < count; i++) {
            const heldout_file *from = &files[below(file_count)];
            char *exact;
            size_t size = from->size;
            memcpy(text, from->bytes, size);
            for (k = 1 + below(6); k; k--) change(text, &size);
            exact = (char *)malloc(size ? size : 1); /* so that a byte too far is seen */
            if (!exact) return 1;
            memcpy(exact, text, size);
            targets[t].run(exact, size);
            free(exact);
        }
        printf("ok      %s: %lu files and %lu made from them\n", targets[t].name,
               (unsigned long)file_count, (unsigned long)count);
        fflush(stdout);
        all += file_count + count;
        heldout_forget();
    }
    printf("%lu inputs of seed %ld returned\n", (unsigned long)all, seed);
    return 0;
}
