/* A program without files: the implementation compiled with SGF_NO_STDIO, the model and what is written in a store of the
   program's own. It prints what examples/fuse.c prints; then it writes and reads one file of each kind while call number
   1, 2, 3, ... of the store fails: an error or the same result, everything released, nothing half-written. */
#define SGF_NO_STDIO
#define main fuse
#include "../examples/fuse.c"
#undef main

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            fprintf(stderr, "FAILED  no_stdio.c:%d: %s\n", __LINE__, #what); \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

/* ---- the store ---- */

typedef struct stored {
    char path[80]; /* "": free */
    char *bytes;
    size_t size;
    int begun; /* not finished yet */
} stored;
static stored store[16];
static int views, begun;    /* not released, not finished */
static int calls, fails_at; /* the call that fails; 0: none */

static int fails(void) {
    return ++calls == fails_at;
}
static stored *find(const char *path, int unfinished) {
    size_t i;
    for (i = 0; i < sizeof store / sizeof store[0]; i++)
        if (!strcmp(store[i].path, path) && store[i].begun == unfinished) return &store[i];
    return NULL;
}
static void forget(stored *file) {
    free(file->bytes);
    memset(file, 0, sizeof *file);
}
sgf_status sgf_host_view(const char *path, const void **bytes, size_t *size) {
    const stored *file = find(path, 0);
    if (fails()) return SGF_ERR_IO;
    if (!file) return SGF_OK;
    views++;
    *bytes = file->bytes ? file->bytes : ""; /* NULL would say that there is none */
    *size = file->size;
    return SGF_OK;
}
void sgf_host_release(const void *bytes, size_t size) {
    (void)bytes;
    (void)size;
    views--;
}
sgf_status sgf_host_create(const char *path, void **file) {
    stored *made = find("", 0);
    *file = &views; /* of a creation that fails it must not be used */
    if (fails()) return SGF_ERR_IO;
    CHECK(made && strlen(path) < sizeof made->path);
    strcpy(made->path, path);
    made->begun = 1;
    begun++;
    *file = made;
    return SGF_OK;
}
sgf_status sgf_host_append(void *handle, const void *bytes, size_t n) {
    stored *file = (stored *)handle;
    if (fails()) return SGF_ERR_LIMIT;
    file->bytes = (char *)realloc(file->bytes, file->size + n);
    CHECK(file->bytes != NULL);
    memcpy(file->bytes + file->size, bytes, n);
    file->size += n;
    return SGF_OK;
}
sgf_status sgf_host_finish(void *handle, int keep) {
    stored *file = (stored *)handle, *old = find(file->path, 0);
    begun--;
    if (!keep || fails()) {
        forget(file);
        return keep ? SGF_ERR_IO : SGF_OK;
    }
    if (old) forget(old);
    file->begun = 0;
    return SGF_OK;
}

/* ---- what is done with it ---- */

static void bring(const char *path) { /* of the machine that runs this test */
    void *handle = NULL;
    char part[65536];
    size_t n;
    FILE *file = fopen(path, "rb");
    CHECK(file && !sgf_host_create(path, &handle));
    while ((n = fread(part, 1, sizeof part, file)) > 0) CHECK(!sgf_host_append(handle, part, n));
    CHECK(!sgf_host_finish(handle, 1));
    fclose(file);
}
/* A file of each kind is written, and a model is read. */
static sgf_status work(sgf_error *err) {
    sgf_str word = sgf_text("Nippon");
    sgf_column column;
    sgf_table table;
    sgf_model *model = NULL;
    const stored *csv, *feather;
    sgf_status status;
    memset(&column, 0, sizeof column);
    column.name = "word";
    column.text = &word;
    memset(&table, 0, sizeof table);
    table.columns = &column;
    table.n_columns = table.rows = 1;
    status = sgf_table_write_csv(&table, "t.csv", NULL, err);
    if (!status) status = sgf_table_write_feather(&table, "t.feather", NULL, err);
    csv = find("t.csv", 0);
    feather = find("t.feather", 0);
    CHECK(status || (csv->size == 12 && !memcmp(csv->bytes, "word\nNippon\n", 12)));
    CHECK(status || !memcmp(feather->bytes, "ARROW1", 6));
    CHECK(status || !memcmp(feather->bytes + feather->size - 6, "ARROW1", 6));
    if (!status) status = sgf_model_load("models/segfuse-2m", NULL, &model, err);
    sgf_model_free(model);
    CHECK(views == 0 && begun == 0);
    return status;
}
static void put(const char *path, const char *text) {
    void *handle = NULL;
    CHECK(!sgf_host_create(path, &handle) && !sgf_host_append(handle, text, strlen(text)) &&
          !sgf_host_finish(handle, 1));
}

int main(void) {
    static const char *const files[] = {"config.json", "generation_config.json",
                                        "model.safetensors", "tokenizer.json",
                                        "tokenizer_config.json"};
    static const char *const made[] = {"t.csv", "t.feather"};
    sgf_tokenizer *tokenizer;
    sgf_error err;
    char path[80];
    int failed = 0;
    size_t i;
    for (i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "models/segfuse-2m/%s", files[i]);
        bring(path);
    }
    CHECK(fuse() == 0 && views == 0);

    CHECK(!work(&err));
    for (fails_at = 1;; fails_at++) {
        for (i = 0; i < sizeof made / sizeof made[0]; i++)
            if (find(made[i], 0)) forget(find(made[i], 0));
        calls = 0;
        err.message[0] = 0;
        if (work(&err)) {
            failed++;
            CHECK(strstr(err.message, err.file) && err.file[0] && err.offset >= -1);
        }
        for (i = 0; i < sizeof made / sizeof made[0]; i++) CHECK(!find(made[i], 1));
        if (calls < fails_at) break;
    }
    CHECK(failed > 15);

    fails_at = 0;
    CHECK(sgf_tokenizer_load("nowhere", NULL, &tokenizer, &err) == SGF_ERR_IO);
    CHECK(!strcmp(err.message, "nowhere/tokenizer.json: cannot be opened: there is no such file"));
    put("empty/tokenizer.json", "");
    CHECK(sgf_tokenizer_load("empty", NULL, &tokenizer, &err) == SGF_ERR_FORMAT && views == 0);
    for (i = 0; i < sizeof store / sizeof store[0]; i++) forget(&store[i]);
    return 0;
}
