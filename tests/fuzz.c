/* libFuzzer targets: bytes from a stranger into every reader. One program holds them all; the part of
   its name behind "fuzz-" says which one runs: build/fuzz-json, build/fuzz-csv, ...; see `make fuzz`.
   A target must return whatever it is given: no crash, no leak, no access out of bounds, nothing
   undefined, and time and memory within the limits that `make fuzz` sets. */
#define main program_main /* the journal's reader is the program's */
#include "program.c"
#undef main

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes of a JSON string; "" if it is none. */
static sgf_str json_str(const sgf__json_doc *doc, const char *at) {
    return at ? sgf__json_take(doc, &at) : sgf_text("");
}
static void fuzz_json_walk(const sgf__json_doc *doc, const char *at) {
    const char *child;
    (void)json_str(doc, at);
    (void)sgf__json_raw(doc, at);
    (void)sgf__json_number(doc, at);
    (void)sgf__json_find(at, "a");
    for (child = sgf__json_first(at); child; child = sgf__json_next(child))
        fuzz_json_walk(doc, child);
}
/* The header's reader and the program's take the same texts. */
static void fuzz_json(const char *text, size_t size) {
    sgf__arena arena;
    base_arena nodes;
    sgf__json_doc doc;
    json_doc json;
    sgf_status status;
    sgf__arena_init(&arena, NULL);
    base_arena_init(&nodes, NULL);
    status = sgf__json_open(&doc, "fuzz", text, size, &arena, NULL);
    if (!status) fuzz_json_walk(&doc, doc.root);
    if (!json_parse("fuzz", text, size, &nodes, &json, NULL) != !status) abort();
    sgf__arena_free(&arena);
    base_arena_free(&nodes);
}

/* ---- the method's files ---- */

static void fuzz_layout(const char *text, size_t size) {
    sgf_layout layout;
    base_buf back;
    sgf_error err;
    base_buf_init(&back, NULL);
    sgf_layout_init(&layout, NULL);
    if (!layoutfile_parse("fuzz", base_text_of(text, size), &layout, &err))
        (void)layoutfile_text(&layout, &back, &err);
    sgf_layout_free(&layout);
    base_buf_free(&back);
}
/* Rows of 1 0 # and ., or .npy: of one, two and three tokens. */
static void fuzz_mask(const char *text, size_t size) {
    uint8_t dense[9];
    size_t T;
    for (T = 1; T <= 3; T++) (void)npy_mask_parse("fuzz", base_text_of(text, size), T, dense, NULL);
}
static void fuzz_npy(const char *text, size_t size) {
    if (size >= 6 && !memcmp(text, "\x93NUMPY", 6)) fuzz_mask(text, size);
}
static void fuzz_matrix(const char *text, size_t size) {
    matrix *m;
    sgf_layout layout;
    int i;
    if (matrix_parse(base_text_of(text, size), "fuzz", NULL, &m, NULL)) return;
    sgf_layout_init(&layout, NULL);
    for (i = 0; i < 3; i++)
        (void)sgf_layout_segment(&layout, i ? SGF_ROLE_PARAPHRASE : SGF_ROLE_SHARED, i, NULL, NULL);
    (void)matrix_set(&layout, m, NULL);
    sgf_layout_free(&layout);
    matrix_free(m);
}

/* ---- a model's files ---- */

static void fuzz_safetensors(const char *text, size_t size) {
    sgf__folder folder;
    sgf__file file;
    tensors t;
    sgf__folder_init(&folder, "", NULL, NULL);
    memset(&file, 0, sizeof file);
    file.path = "/nowhere/fuzz";
    file.map.data = text;
    file.map.size = size;
    sgf__safetensors_read(&folder, &file);
    if (!folder.status) sgf__folder_sort(&folder);
    sgf__folder_close(&folder);
    (void)tensors_read_bytes("fuzz", text, size, NULL, &t, NULL);
    tensors_free(&t);
}
/* model.safetensors.index.json; the files it names are not there. */
static void fuzz_index(const char *text, size_t size) {
    sgf__folder folder;
    sgf__file file;
    sgf__folder_init(&folder, "/nowhere", NULL, NULL);
    memset(&file, 0, sizeof file);
    file.path = "fuzz";
    sgf__folder_json(&folder, &file, text, size);
    if (!folder.status) sgf__index_read(&folder, &file);
    sgf__folder_close(&folder);
}
static void fuzz_config(const char *text, size_t size) {
    sgf__folder folder;
    sgf__file file;
    sgf_config config;
    sgf__folder_init(&folder, "", NULL, NULL);
    memset(&file, 0, sizeof file);
    file.path = "fuzz";
    file.map.data = text;
    file.map.size = size;
    sgf__config_read(&folder, &file, 0, &config);
    sgf__folder_close(&folder);
}
/* tokenizer.json, a zero byte, a text */
static void fuzz_tokenizer(const char *text, size_t size) {
    sgf_tokenizer *t;
    const char *end = size ? (const char *)memchr(text, 0, size) : NULL;
    size_t json = end ? (size_t)(end - text) : size, n = 0, len = 0, cap;
    sgf_str rest = {"", 0};
    int32_t *ids;
    if (sgf__tokenizer_parse("fuzz", text, json, NULL, &t, NULL)) return;
    if (end) rest.ptr = end + 1, rest.len = size - json - 1;
    cap = sgf_encode_bound(rest.len);
    ids = (int32_t *)malloc(cap * sizeof *ids + 1);
    if (ids && !sgf_encode(t, rest, 1, ids, cap, &n, NULL))
        (void)sgf_decode(t, ids, n, 0, NULL, 0, &len, NULL);
    free(ids);
    sgf_tokenizer_free(t);
}

/* What `convert` makes of it: texts, and a row of every weight. */
static void fuzz_gguf(const char *text, size_t size) {
    gguf_model m;
    sgf_tokenizer *t;
    size_t i;
    if (!gguf_model_make("fuzz", text, size, -1, NULL, &m, NULL)) {
        for (i = 0; i < m.count; i++) {
            const gguf_tensor *tensor = m.weights[i].tensor;
            float *row = (float *)malloc((size_t)tensor->cols * sizeof *row + 1);
            if (row && tensor->rows) gguf_weight_row(&m.weights[i], tensor->rows - 1, row);
            free(row);
        }
        if (!sgf__tokenizer_parse("fuzz", m.tokenizer.buf.ptr, m.tokenizer.buf.len, NULL, &t, NULL))
            sgf_tokenizer_free(t);
    }
    gguf_model_free(&m);
}

/* ---- questions, answers, results ---- */

static void fuzz_lemmas(const char *text, size_t size) {
    sgf_str s = {text, size};
    lemma_list lemmas;
    if (!lemma_list_make(s, NULL, &lemmas, NULL)) lemma_list_free(&lemmas);
}
/* A table that was read: columns without cells go, texts that may be lists become lists, and rows are
   written. */
static void fuzz_table(struct table *table) {
    table_loan loan;
    sgf__writer w;
    base_buf line;
    size_t row;
    int c;
    memset(&w, 0, sizeof w);
    base_buf_init(&line, NULL);
    for (c = table_columns(table); c-- > 0;)
        if (table_type(table, c) == TABLE_OTHER) table_drop(table, c);
        else if (table_type(table, c) == SGF_COLUMN_UTF8 && table_parse_lists(table, c, NULL))
            (void)table_parse(table, c, c % 2 ? SGF_COLUMN_LIST_UTF8 : SGF_COLUMN_LIST_LIST_UTF8,
                              NULL);
    if (!table_lend(table, "fuzz", &loan, NULL)) {
        w.table = &loan.table;
        sgf__buf_init(&w.body, NULL);
        sgf__buf_init(&w.text, NULL);
        for (row = 0; row < table_rows(table) && row < 16; row++) {
            sgf__csv_row(&w, row + 1);
            (void)jsonl_row(&line, table, row, NULL);
        }
        sgf__buf_free(&w.body);
        sgf__buf_free(&w.text);
        table_lend_end(&loan);
    }
    base_buf_free(&line);
    table_free(table);
}
typedef sgf_status fuzz_reader(const char *file, const void *bytes, size_t size,
                               const sgf_allocator *mem, struct table **table, sgf_error *err);
static void fuzz_read(fuzz_reader *read, const char *text, size_t size) {
    struct table *table;
    if (!read("fuzz", text, size, NULL, &table, NULL)) fuzz_table(table);
}
static int fuzz_is_file(const char *text, size_t size) {
    return size >= 6 && !memcmp(text, "ARROW1", 6);
}
static void fuzz_arrow(const char *text, size_t size) {
    if (fuzz_is_file(text, size)) fuzz_read(arrow_read, text, size);
}
static void fuzz_stream(const char *text, size_t size) {
    if (!fuzz_is_file(text, size)) fuzz_read(arrow_read, text, size);
}
static void fuzz_csv(const char *text, size_t size) {
    fuzz_read(csv_read, text, size);
}
static void fuzz_jsonl(const char *text, size_t size) {
    fuzz_read(jsonl_read, text, size);
}
static void fuzz_lz4(const char *text, size_t size) {
    unsigned char *out = (unsigned char *)malloc(70000);
    size_t made;
    if (out) (void)lz4_decompress((const unsigned char *)text, size, out, 70000, &made);
    free(out);
}
/* The rows of a journal, without its first line. */
static void fuzz_journal(const char *text, size_t size) {
    static const char *const names[] = {"text", "list", "lists", "f64", "i64", "bool"};
    static const sgf_column_type types[] = {
        SGF_COLUMN_UTF8, SGF_COLUMN_LIST_UTF8, SGF_COLUMN_LIST_LIST_UTF8,
        SGF_COLUMN_F64,  SGF_COLUMN_I64,       SGF_COLUMN_BOOL};
    static FILE *file; /* what is not believed is cut off there */
    journal j;
    int i, failed;
    if (!file && !(file = tmpfile())) abort();
    journal_init(&j);
    j.total = 8;
    j.place = (size_t *)calloc(j.total + 1, sizeof *j.place);
    failed = !j.place || table_create(NULL, &j.table, NULL);
    for (i = 0; i < 6 && !failed; i++)
        failed = table_column(j.table, names[i], types[i], NULL, NULL) != SGF_OK;
    j.fd = fileno(file);
    if (!failed && !journal_read(&j, text, size, 0, NULL)) (void)journal_order(&j, NULL);
    j.fd = -1;
    table_free(j.table);
    journal_close(&j);
}

/* ---- which one ---- */

static const struct {
    const char *name;
    void (*run)(const char *text, size_t size);
} targets[] = {
    /* clang-format off */
    {"json", fuzz_json},
    {"layout", fuzz_layout},
    {"mask", fuzz_mask},
    {"npy", fuzz_npy},
    {"matrix", fuzz_matrix},
    {"safetensors", fuzz_safetensors},
    {"index", fuzz_index},
    {"config", fuzz_config},
    {"tokenizer", fuzz_tokenizer},
    {"gguf", fuzz_gguf},
    {"lemmas", fuzz_lemmas},
    {"arrow", fuzz_arrow},
    {"stream", fuzz_stream},
    {"csv", fuzz_csv},
    {"jsonl", fuzz_jsonl},
    {"lz4", fuzz_lz4},
    {"journal", fuzz_journal},
    /* clang-format on */
};
enum { TARGETS = (int)(sizeof targets / sizeof targets[0]) };
static int target;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *name = strstr((*argv)[0], "fuzz-");
    (void)argc;
    for (target = 0; name && target < TARGETS; target++)
        if (!strcmp(name + 5, targets[target].name)) return 0;
    fprintf(stderr, "call it fuzz-NAME, NAME one of");
    for (target = 0; target < TARGETS; target++) fprintf(stderr, " %s", targets[target].name);
    fprintf(stderr, "\n");
    exit(2);
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    targets[target].run((const char *)data, size);
    return 0;
}
