/* Time and memory in proportion to the input: inputs that are quadratic elsewhere are read at a size and
   at four times that size. Work is counted, not timed: every basic block that runs (the compiler puts a
   call into each: -fsanitize-coverage=trace-pc) and every byte that memcpy and its like touch. Four times
   the input may cost six times the work (sorting is n log n) and eight times the memory (tables double);
   what is quadratic costs sixteen. `make linear`; the names of cases as arguments run those. */
#define _XOPEN_SOURCE 700
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __sanitizer_cov_trace_pc(void); /* which the compiler calls */
static unsigned long long linear_work;
__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void) {
    linear_work++;
}

static void *linear_memcpy(void *to, const void *from, size_t n) {
    linear_work += n / 8;
    return memcpy(to, from, n);
}
static void *linear_memmove(void *to, const void *from, size_t n) {
    linear_work += n / 8;
    return memmove(to, from, n);
}
static void *linear_memset(void *to, int byte, size_t n) {
    linear_work += n / 8;
    return memset(to, byte, n);
}
/* Loops count themselves. */
static int linear_memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
    for (; n && *x == *y; n--) x++, y++;
    return n ? *x - *y : 0;
}
static void *linear_memchr(const void *in, int byte, size_t n) {
    const unsigned char *at = (const unsigned char *)in;
    for (; n; n--, at++)
        if (*at == (unsigned char)byte) return (void *)(uintptr_t)at;
    return NULL;
}
static size_t linear_strlen(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}
static int linear_strcmp(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}
#define memcpy(to, from, n)  linear_memcpy(to, from, n)
#define memmove(to, from, n) linear_memmove(to, from, n)
#define memset(to, byte, n)  linear_memset(to, byte, n)
#define memcmp(a, b, n)      linear_memcmp(a, b, n)
#define memchr(in, byte, n)  linear_memchr(in, byte, n)
#define strlen(text)         linear_strlen(text)
#define strcmp(a, b)         linear_strcmp(a, b)

#define main program_main /* the journal's reader is the program's */
#include "program.c"
#undef main

#include "test.h"

/* ---- texts ---- */

static sgf__buf in; /* the input of the moment */

static void put(const char *text) {
    if (sgf__buf_add(&in, text, strlen(text), NULL)) abort();
}
static void put_n(const char *text, size_t n) {
    while (n--) put(text);
}
static void putf(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(text);
}
/* format with every number below n, and `between` between them */
static void put_each(const char *format, const char *between, size_t n) {
    size_t i;
    char text[256];
    for (i = 0; i < n; i++) {
        if (i) put(between);
        snprintf(text, sizeof text, format, (unsigned)i, (unsigned)i, (unsigned)i, (unsigned)i);
        put(text);
    }
}

/* ---- readers: what is done with an input ---- */

static sgf_status read_json(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    sgf__arena arena;
    sgf__json_doc doc;
    sgf_status status;
    sgf__arena_init(&arena, mem);
    status = sgf__json_open(&doc, "json", text.ptr, text.len, &arena, err);
    sgf__arena_free(&arena);
    return status;
}
/* A file of a model folder, read by `read`. */
static sgf_status read_folder(sgf_str text, void (*read)(sgf__folder *, sgf__file *),
                              const sgf_allocator *mem, sgf_error *err) {
    sgf__folder folder;
    sgf__file file;
    sgf__folder_init(&folder, "/nowhere", mem, err);
    memset(&file, 0, sizeof file);
    file.path = "/nowhere/file";
    file.map.data = text.ptr;
    file.map.size = text.len;
    read(&folder, &file);
    sgf__folder_close(&folder);
    return folder.status;
}
static void folder_config(sgf__folder *f, sgf__file *file) {
    sgf_config config;
    sgf__config_read(f, file, 0, &config);
}
static void folder_safetensors(sgf__folder *f, sgf__file *file) {
    sgf__safetensors_read(f, file);
    if (!f->status) sgf__folder_sort(f);
}
static void folder_index(sgf__folder *f, sgf__file *file) {
    sgf__folder_json(f, file, file->map.data, file->map.size);
    if (!f->status) sgf__index_read(f, file);
}
static sgf_status read_config(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    return read_folder(text, folder_config, mem, err);
}
static sgf_status read_safetensors(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    return read_folder(text, folder_safetensors, mem, err);
}
static sgf_status read_index(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    return read_folder(text, folder_index, mem, err);
}
static sgf_status read_matrix(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    matrix *m = NULL;
    sgf_status status = matrix_parse(text, "matrix", mem, &m, err);
    matrix_free(m);
    return status;
}
static sgf_status read_layout(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    sgf_layout layout;
    sgf_status status;
    sgf_layout_init(&layout, mem);
    status = layoutfile_parse("layout", text, &layout, err);
    sgf_layout_free(&layout);
    return status;
}
static sgf_status read_tensors(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    tensors t;
    sgf_status status = tensors_read_bytes("weights", text.ptr, text.len, mem, &t, err);
    tensors_free(&t);
    return status;
}
/* tokenizer.json, a zero byte, a text: to ids and back */
static sgf_status read_tokenizer(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    sgf_tokenizer *t = NULL;
    size_t json = strlen(text.ptr), n = 0, len = 0, cap;
    sgf_allocator own = sgf__allocator(mem);
    int32_t *ids;
    sgf_str rest = sgf__text_of(text.ptr + json + 1, text.len - json - 1);
    sgf_status status = sgf__tokenizer_parse("tokenizer", text.ptr, json, mem, &t, err);
    cap = sgf_encode_bound(rest.len);
    ids = (int32_t *)sgf__alloc(&own, cap, sizeof *ids, err);
    if (!status) status = ids ? sgf_encode(t, rest, 1, ids, cap, &n, err) : SGF_ERR_MEMORY;
    if (!status) status = sgf_decode(t, ids, n, 0, NULL, 0, &len, err);
    sgf__free(&own, ids, cap, sizeof *ids);
    sgf_tokenizer_free(t);
    return status;
}
static sgf_status read_lemmas(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    lemma_list lemmas;
    sgf_status status = lemma_list_make(text, mem, &lemmas, err);
    if (status) return status;
    (void)lemma_match(&lemmas, &lemmas, 1);
    lemma_list_free(&lemmas);
    return SGF_OK;
}
/* A table: read, cells that may be lists parsed, rows selected, and written as CSV and JSON lines. */
static sgf_status read_table(sgf_status status, struct table *table, const sgf_allocator *mem,
                             sgf_error *err) {
    table_loan loan;
    sgf__writer w;
    base_buf line;
    size_t row, rows, order[2] = {0, 0};
    int c, lent;
    if (status) return status;
    memset(&w, 0, sizeof w);
    w.err = err;
    sgf__buf_init(&w.body, mem);
    sgf__buf_init(&w.text, mem);
    base_buf_init(&line, mem);
    for (c = table_columns(table); c-- > 0;) {
        (void)table_find(table, table_name(table, c));
        if (table_type(table, c) == SGF_COLUMN_UTF8 && table_parse_lists(table, c, NULL))
            (void)table_parse(table, c, c % 2 ? SGF_COLUMN_LIST_UTF8 : SGF_COLUMN_LIST_LIST_UTF8,
                              NULL);
    }
    rows = table_rows(table);
    lent = rows && !(status = table_lend(table, "rows", &loan, err));
    w.table = &loan.table;
    for (row = 0; row < rows && !status; row++) {
        w.body.len = line.len = 0;
        sgf__csv_row(&w, row + 1);
        status = w.out.status;
        if (!status) status = jsonl_row(&line, table, row, err);
    }
    if (lent) table_lend_end(&loan);
    if (!status && rows) status = table_select(table, order, 2, err);
    base_buf_free(&line);
    sgf__buf_free(&w.body);
    sgf__buf_free(&w.text);
    table_free(table);
    return status;
}
static sgf_status read_csv(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    struct table *table = NULL;
    sgf_status status = csv_read("csv", text.ptr, text.len, mem, &table, err);
    return read_table(status, table, mem, err);
}
static sgf_status read_jsonl(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    struct table *table = NULL;
    sgf_status status = jsonl_read("rows", text.ptr, text.len, mem, &table, err);
    return read_table(status, table, mem, err);
}
/* Only read: table_find of every column would count, too. */
static sgf_status read_names(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    struct table *table = NULL;
    sgf_status status = jsonl_read("rows", text.ptr, text.len, mem, &table, err);
    table_free(table);
    return status;
}
static sgf_status read_arrow(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    struct table *table = NULL;
    sgf_status status = arrow_read("arrow", text.ptr, text.len, mem, &table, err);
    return read_table(status, table, mem, err);
}
static sgf_status read_lz4(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    size_t cap = text.len * 255 + 64, made = 0;
    sgf_allocator own = sgf__allocator(mem);
    unsigned char *out = (unsigned char *)sgf__alloc(&own, cap, 1, err);
    const char *what = out ? lz4_decompress((const unsigned char *)text.ptr, text.len, out, cap,
                                            &made)
                           : "no memory";
    sgf__free(&own, out, cap, 1);
    return what ? sgf__fail(err, SGF_ERR_FORMAT, "%s", what) : SGF_OK;
}
/* Rows of a journal of as many rows as it has lines. */
static sgf_status read_journal(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    journal j;
    size_t i;
    sgf_status status;
    FILE *file = tmpfile();
    journal_init(&j);
    for (i = 0; i < text.len; i++) j.total += text.ptr[i] == '\n';
    j.place = (size_t *)calloc(j.total + 1, sizeof *j.place);
    status = file && j.place ? table_create(mem, &j.table, err) : SGF_ERR_MEMORY;
    if (!status) status = table_column(j.table, "t", SGF_COLUMN_UTF8, NULL, err);
    if (!status) status = table_column(j.table, "l", SGF_COLUMN_LIST_UTF8, NULL, err);
    j.fd = file ? fileno(file) : -1;
    if (!status) status = journal_read(&j, text.ptr, text.len, 0, err);
    if (!status) status = journal_order(&j, err);
    j.fd = -1;
    if (file) fclose(file);
    table_free(j.table);
    journal_close(&j);
    return status;
}

/* ---- inputs: about n bytes or a part of that ---- */

static void json_deep(size_t n) {
    put_n("[", n);
}
static void json_deep_often(size_t n) {
    for (put("["); n > 2048; n -= 2048) put_n("[", 1000), put_n("]", 1000), put(",");
    put("0]");
}
static void json_keys(size_t n) {
    put("{"), put_each("\"k%u\": 1", ", ", n / 12), put("}");
}
static void json_same_key(size_t n) {
    put("{"), put_each("\"k\": %u", ", ", n / 10), put("}");
}
static void json_escapes(size_t n) {
    put("\""), put_n("\\ud83d\\ude00", n / 12), put("\"");
}
static void json_digits(size_t n) {
    put_n("7", n);
}
static void json_spaces(size_t n) {
    put_n(" ", n), put("1");
}

#define CONFIG                                                                                  \
    "\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"vocab_size\": 8, " \
    "\"hidden_size\": 4, \"num_hidden_layers\": 1, \"num_attention_heads\": 1, "                \
    "\"intermediate_size\": 4, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-5}"
static void config_keys(size_t n) {
    put("{"), put_each("\"k%u\": 1, ", "", n / 12), put(CONFIG);
}
static void config_ends(size_t n) {
    put("{\"eos_token_id\": ["), put_each("%u", ", ", n / 6), put("], " CONFIG);
}

/* Every label must be new. */
static void matrix_labels(size_t n) {
    put_each("para%u", " ", n < 99999 ? n : 99999);
    put("\n");
}
static void layout_tokens(size_t n) {
    put("{\"tokens\": ["), put_each("%u", ", ", n / 16), put("], \"segments\": ["),
        put_n("0, ", n / 16 - 1), put("0], \"visible\": [[1]]}");
}
static void layout_many_segments(size_t n) { /* too many */
    put("{\"tokens\": [1], \"segments\": [0], \"visible\": ["), put_each("[1]", ", ", n / 5),
        put("]}");
}

/* The header's length goes before it; every tensor is empty. */
static void weights(const char *format, size_t n) {
    unsigned char size[8];
    size_t i, at = in.len;
    put("12345678{"), put_each(format, ", ", n), put("}");
    for (i = 0; i < 8; i++) size[i] = (unsigned char)((in.len - at - 8) >> 8 * i);
    memcpy(in.ptr + at, size, 8);
}
static void weights_many(size_t n) {
    weights("\"t%u\": {\"dtype\": \"F32\", \"shape\": [0], \"data_offsets\": [0, 0]}", n / 64);
}
static void weights_same(size_t n) {
    weights("\"t\": {\"dtype\": \"F32\", \"shape\": [0], \"data_offsets\": [0, 0]}", n / 64);
}
static void weights_dims(size_t n) {
    unsigned char size[8];
    size_t i;
    put("12345678{\"t\": {\"dtype\": \"F32\", \"shape\": ["), put_n("1, ", n / 3),
        put("0], \"data_offsets\": [0, 0]}}");
    for (i = 0; i < 8; i++) size[i] = (unsigned char)((in.len - 8) >> 8 * i);
    memcpy(in.ptr, size, 8);
}
static void index_names(size_t n) {
    put("{\"weight_map\": {"), put_each("\"w%u\": \"m-%u.safetensors\"", ", ", n / 32), put("}}");
}

/* A tokenizer of characters: "a" to "h" are 0 to 7, then what is given. */
static void tok_begin(const char *pre, const char *more, size_t n) {
    putf("{\"pre_tokenizer\": %s, \"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": "
         "\"Fuse\"}]}, \"model\": {\"type\": \"BPE\", \"unk_token\": \"a\", \"vocab\": {"
         "\"a\": 0, \"b\": 1, \"c\": 2, \"d\": 3, \"e\": 4, \"f\": 5, \"g\": 6, \"h\": 7",
         pre);
    if (n) put(", "), put_each(more, ", ", n);
}
static void tok_merges(void) {
    put("}, \"merges\": [");
}
static void tok_added(void) {
    put("]}, \"added_tokens\": [");
}
static void tok_text(void) {
    put("]}");
    if (sgf__buf_add(&in, "", 1, NULL)) abort();
}
/* Every entry of the template is looked up among all special tokens. */
static void tok_template(size_t n) {
    tok_begin("null", "", 0);
    tok_merges(), put("]}, \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [");
    put_each("{\"SpecialToken\":{\"id\":\"z\"}}", ", ", n);
    put("], \"special_tokens\": {"), put_each("\"%u\": 0", ", ", n);
    put(", \"z\": {\"ids\": []}}}}");
    if (sgf__buf_add(&in, "", 1, NULL)) abort();
}
/* aa, aaaa, ... merge: a run of one letter is the queue at its fullest. */
static void tok_run(size_t n) {
    size_t k, i;
    tok_begin("null", "", 0);
    for (k = 2, i = 8; k <= 4096; k *= 2, i++) {
        put(", \""), put_n("a", k), putf("\": %u", (unsigned)i);
    }
    tok_merges();
    for (k = 1; k <= 2048; k *= 2) {
        put(k > 1 ? ", [\"" : "[\""), put_n("a", k), put("\", \""), put_n("a", k), put("\"]");
    }
    tok_added(), tok_text(), put_n("a", n);
}
/* Every merge moves everything by one: (a b), (ab c), ... */
static void tok_chain(size_t n) {
    tok_begin("null", "", 0);
    put(", \"ab\": 8, \"abc\": 9, \"abcd\": 10, \"abcde\": 11");
    tok_merges(), put("\"a b\", \"ab c\", \"abc d\", \"abcd e\"");
    tok_added(), tok_text(), put_n("abcde", n / 5);
}
static void tok_vocab(size_t n) {
    tok_begin("null", "\"x%u\": 1%06u", n / 16);
    tok_merges(), tok_added(), tok_text(), put_n("abc", 10);
}
static void tok_many(size_t n) { /* words and the merges that make them */
    char word[16];
    size_t i, k, words = n / 48;
    tok_begin("null", "", 0);
    for (k = 0; k < 2; k++)
        for (i = 8; i < words; i++) { /* i in digits of eight letters, the highest first */
            int digits = i < 64 ? 2 : i < 512 ? 3 : i < 4096 ? 4 : 5, at;
            for (at = 0; at < digits; at++)
                word[at] = (char)('a' + (i >> 3 * (digits - 1 - at) & 7));
            word[digits] = 0;
            if (!k) putf(", \"%s\": %u", word, (unsigned)i);
            else putf("%s\"%.*s %c\"", i > 8 ? ", " : "", digits - 1, word, word[digits - 1]);
            if (!k && i + 1 == words) tok_merges();
        }
    tok_added(), tok_text(), put_n("abcdefgh", n / 16);
}
static void tok_added_many(size_t n) {
    size_t i;
    tok_begin("null", "", 0), tok_merges(), tok_added();
    for (i = 0; i < n / 64; i++) /* the next free ids: eight are taken */
        putf("%s{\"id\": %u, \"content\": \"<%u>\", \"special\": true}", i ? ", " : "",
             (unsigned)i + 8, (unsigned)i);
    tok_text(), put_each("<%u>", "", n / 64);
}
/* Added tokens of the longest length that all but match everywhere. */
static void tok_added_near(size_t n) {
    size_t i;
    tok_begin("null", "", 0), tok_merges(), tok_added();
    for (i = 0; i < n / 300; i++) {
        putf("%s{\"id\": %u, \"content\": \"", i ? ", " : "", (unsigned)i + 8);
        put_n("a", 240), putf("%u\"}", (unsigned)i);
    }
    tok_text(), put_n("a", n);
}
#define GPT2 "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}"
static void tok_bytes(const char *piece, size_t n) { /* with GPT-2's regular expression */
    size_t i;
    put("{\"pre_tokenizer\": " GPT2
        ", \"decoder\": {\"type\": \"ByteLevel\"}, \"model\": {\"type\": \"BPE\", \"vocab\": {");
    for (i = 0; i < 256; i++) {
        int shown = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174;
        unsigned code = shown ? (unsigned)i : 256u, k;
        for (k = 0; !shown && k < i; k++)
            code += !((k >= 33 && k <= 126) || (k >= 161 && k <= 172) || k >= 174);
        putf("%s\"\\u%04x\": %u", i ? ", " : "", code, (unsigned)i);
    }
    put(", \"\\u0120\\u0120\": 256, \"aa\": 257"), tok_merges();
    put("\"\\u0120 \\u0120\", \"a a\""), tok_added(), tok_text(), put_n(piece, n / strlen(piece));
}
static void tok_spaces(size_t n) {
    tok_bytes(" ", n);
}
static void tok_lines(size_t n) {
    tok_bytes(" \n", n);
}
static void tok_letters(size_t n) {
    tok_bytes("a", n);
}
static void tok_digits(size_t n) {
    tok_bytes("7", n);
}
static void tok_quotes(size_t n) {
    tok_bytes("'", n);
}
static void tok_broken(size_t n) { /* at its end */
    tok_bytes("a", n), put("\xFF");
}
static void tok_marks(size_t n) {
    tok_bytes("\xCC\x81", n);
}

static void lemmas_word(size_t n) {
    put_n("a", n);
}
static void lemmas_dots(size_t n) {
    put_n("a.", n / 2);
}
static void lemmas_hyphens(size_t n) {
    put_n("a-", n / 2);
}
static void lemmas_quotes(size_t n) {
    put_n("'", n);
}
static void lemmas_brackets(size_t n) {
    put_n("((", n / 2);
}
static void lemmas_words(size_t n) {
    put_n("the cities' ", n / 12);
}
static void lemmas_urls(size_t n) {
    put_n("http://a.b/", n / 11);
}
static void lemmas_capitals(size_t n) {
    put_n("\xC4\xB0", n / 2);
}

static void csv_empty_row(size_t n) {
    put("a"), put_n(",", n / 2), put("\n"), put_n(",", n / 2);
}
static void csv_columns(size_t n) { /* as many as there may be */
    size_t row;
    put_each("c%u", ",", 1000), put("\n");
    for (row = 0; row < n / 1000; row++) put_n(",", 999), put("\n");
}
static void csv_empty_rows(size_t n) {
    put("a,b\n"), put_n(",\n", n / 2);
}
static void csv_huge_cell(size_t n) {
    put("a\n\""), put_n("x\n", n / 2), put("\"\n");
}
static void csv_quotes(size_t n) {
    put("a\n"), put_n("\"\"", n / 2), put("\n");
}
static void csv_open(size_t n) {
    put("a\n\""), put_n("x\n", n / 2);
}
static void csv_list(size_t n) {
    put("a,b\n\"["), put_n("'x', ", n / 5), put("'y']\",1\n");
}
static void csv_lists(size_t n) {
    put("a,b\n\"["), put_n("['x'], ", n / 7), put("[]]\",1\n");
}
static void csv_short_lists(size_t n) {
    put("a,b\n"), put_n("[['x']],['y']\n", n / 14);
}
static void csv_open_lists(size_t n) {
    put("a,b\n"), put_n("[", n), put(",1\n");
}

static void csv_semicolons(size_t n) { /* with commas in the header, too: read twice */
    put("a;b,c;d\n"), put_n("1;2;3\n", n / 6);
}
static void csv_tools(size_t n) { /* one list after the other, in many ways */
    put("a,b\n"), put_n("\"{'a', 'b'}\",\"[a, 'b, c', NULL]\"\n(x,\"c(\"\"a\"\", 1.5)\"\n", n / 60);
}
static void csv_open_brackets(size_t n) {
    put("a\n"), put_n("[", n / 2), put_n("(", n / 2);
}
static void csv_numbers(size_t n) {
    put("a,b\n1,["), put_n("1e9 ", n / 4), put("]\n");
}
static void jsonl_numbers(size_t n) {
    put("{\"a\": NaN, \"b\": ["), put_n("1.5, ", n / 5), put("2]}");
}
static void jsonl_nan(size_t n) {
    put_n("{\"a\": NaN, \"b\": \"x\"}\n", n / 24), put("{\"a\": \"y\"}");
}
static void jsonl_rows(size_t n) {
    put_each("{\"a\": %u}\n", "", n / 10);
}
static void jsonl_columns(size_t n) {
    put_each("{\"c%u\": 1}\n", "", 1000), put_n("{\"c0\": 1}\n", n / 10);
}
/* Long names that begin alike, in the other order in every other row. */
static void jsonl_long_names(size_t n) {
    size_t columns = n / 512, row, i;
    for (row = 0; row < 4; row++)
        for (i = 0; i < columns; i++) {
            put(i ? ", \"" : "{\""), put_n("name", 25);
            putf("%04u\": 1%s", (unsigned)(row % 2 ? columns - 1 - i : i),
                 i + 1 < columns ? "" : "}\n");
        }
}
static void jsonl_no_cells(size_t n) {
    put("{"), put_each("\"c%u\": 1", ", ", 1000), put("}\n"), put_n("{}\n", n / 3);
}
static void jsonl_lists(size_t n) {
    put("{\"a\": ["), put_n("\"x\", ", n / 5), put("\"y\"]}\n");
}
static void jsonl_array(size_t n) {
    put("["), put_each("{\"a\": \"%u\"}", ",\n", n / 14), put("]");
}
static void jsonl_empty(size_t n) {
    put("{\"a\": 1}\n"), put_n("\n", n);
}

/* What the library's own writer makes: that many columns, rows; one row a batch or all of them. */
static void arrow_one(sgf__writer *w) {
    w->batch_rows = 1;
    sgf__feather_write(w);
}
static void arrow(size_t columns, size_t rows, void (*write)(sgf__writer *w)) {
    const char *base = getenv("TMPDIR");
    char path[512], name[32];
    struct table *table = NULL;
    table_loan loan;
    sgf__map map;
    size_t i, row;
    sgf_error err;
    int fd, failed;
    snprintf(path, sizeof path, "%s/segfuse-linear-XXXXXX", base && *base ? base : "/tmp");
    fd = mkstemp(path);
    failed = fd < 0 || table_create(NULL, &table, &err);
    for (i = 0; i < columns && !failed; i++) {
        snprintf(name, sizeof name, "c%u", (unsigned)i);
        failed = table_column(table, name, SGF_COLUMN_UTF8, NULL, &err) != SGF_OK;
    }
    for (row = 0; row < rows; row++)
        for (i = 0; i < columns && !failed; i++)
            failed = table_text(table, (int)i, sgf_text("x"), &err) != SGF_OK;
    failed = failed || table_lend(table, path, &loan, &err);
    if (failed) abort();
    failed = sgf__table_write(&loan.table, path, NULL, write, &err) ||
             sgf__map_file(path, NULL, &map, &err);
    table_lend_end(&loan);
    if (failed || sgf__buf_add(&in, map.data, map.size, NULL)) abort();
    sgf__unmap(&map);
    table_free(table);
    close(fd);
    remove(path);
}
static void arrow_columns(size_t n) {
    arrow(n / 512, 1, arrow_one);
}
static void arrow_batches(size_t n) {
    arrow(1, n / 512, arrow_one);
}
static void arrow_rows(size_t n) {
    arrow(1, n / 8, sgf__feather_write);
}

static void lz4_frame(const char *block, size_t size, size_t n) {
    static const char head[] = "\x04\x22\x4D\x18\x60\x40\x82"; /* version 1, independent, 64 KB */
    unsigned char length[4];
    size_t i;
    if (sgf__buf_add(&in, head, 7, NULL)) abort();
    for (i = 0; i < 4; i++) length[i] = (unsigned char)(size >> 8 * i);
    while (n--)
        if (sgf__buf_add(&in, length, 4, NULL) || sgf__buf_add(&in, block, size, NULL)) abort();
    if (sgf__buf_add(&in, "\0\0\0\0", 4, NULL)) abort();
}
static void lz4_blocks(size_t n) {
    lz4_frame("\x10x", 2, n / 6);
}
/* One byte, then copies of it as long as 600 bytes of 255 say. */
static void lz4_bombs(size_t n) {
    char block[128];
    memset(block, 0xFF, sizeof block);
    memcpy(block, "\x1Fx\x01\x00", 4);
    memcpy(block + 121, "\x00\x50xxxxx", 7);
    lz4_frame(block, 128, n / 132);
}

static void journal_rows(size_t n) {
    put_each("{\"row\": %u, \"tally\": [1], \"cells\": {\"t\": \"x\", \"l\": [\"y\"]}}\n", "",
             n / 60);
}
static void journal_backwards(size_t n) {
    size_t i = n / 60;
    while (i--)
        putf("{\"row\": %u, \"tally\": [], \"cells\": {\"l\": [], \"t\": \"x\"}}\n", (unsigned)i);
}
static void journal_same_row(size_t n) {
    put_n("{\"row\": 0, \"tally\": [], \"cells\": {\"t\": \"x\", \"l\": []}}\n", n / 60);
}

/* Keys of a vocabulary, or of nothing; no tensors. */
static void gguf_put(uint64_t number, int bytes) {
    char text[8];
    int i;
    for (i = 0; i < bytes; i++) text[i] = (char)(number >> 8 * i);
    if (sgf__buf_add(&in, text, (size_t)bytes, NULL)) abort();
}
static void gguf_put_text(const char *text) {
    gguf_put(strlen(text), 8);
    put(text);
}
static void gguf_put_list(const char *key, uint32_t type, size_t n) {
    gguf_put_text(key);
    gguf_put(GGUF_ARRAY, 4), gguf_put(type, 4), gguf_put(n, 8);
}
static void gguf_begin(const char *model, size_t tensors, size_t keys) {
    put("GGUF");
    gguf_put(3, 4), gguf_put(tensors, 8), gguf_put(keys, 8);
    gguf_put_text("tokenizer.ggml.model"), gguf_put(GGUF_STRING, 4), gguf_put_text(model);
    gguf_put_text("tokenizer.ggml.pre"), gguf_put(GGUF_STRING, 4), gguf_put_text("smollm");
}
static void gguf_scores(size_t n) { /* long tokens that differ at their ends */
    char text[512];
    size_t i, count = n / 500;
    gguf_begin("llama", 0, 4);
    gguf_put_list("tokenizer.ggml.tokens", GGUF_STRING, count);
    for (i = 0; i < count; i++) {
        memset(text, 'a', 490);
        snprintf(text + 490, 20, "%lu", (unsigned long)i);
        gguf_put_text(i ? text : "a");
    }
    gguf_put_list("tokenizer.ggml.scores", GGUF_F32, count);
    for (i = 0; i < count; i++) gguf_put(0, 4);
}
static void gguf_merges(size_t n) { /* "a b" makes "ab" */
    char text[64];
    size_t i, count = n / 60;
    gguf_begin("gpt2", 0, 4);
    gguf_put_list("tokenizer.ggml.tokens", GGUF_STRING, 2 * count + 1);
    gguf_put_text("z");
    for (i = 0; i < 2 * count; i++) {
        snprintf(text, sizeof text, i % 2 ? "z%lu" : "%lu", (unsigned long)i / 2);
        gguf_put_text(text);
    }
    gguf_put_list("tokenizer.ggml.merges", GGUF_STRING, count);
    for (i = 0; i < count; i++) {
        snprintf(text, sizeof text, "z %lu", (unsigned long)i);
        gguf_put_text(text);
    }
}
static void gguf_many(size_t n) { /* empty tensors, and keys of the architecture */
    char text[64];
    size_t i, count = n / 80;
    gguf_begin("gpt2", count, 2 + count);
    for (i = 0; i < count; i++) {
        snprintf(text, sizeof text, "llama.%lu", (unsigned long)i * 7919 % count);
        gguf_put_text(text), gguf_put(GGUF_U8, 4), gguf_put(1, 1);
    }
    for (i = 0; i < count; i++) {
        snprintf(text, sizeof text, "blk.%lu.x", (unsigned long)i * 7919 % count);
        gguf_put_text(text), gguf_put(1, 4), gguf_put(0, 8), gguf_put(0, 4), gguf_put(0, 8);
    }
    gguf_put(0, 8), gguf_put(0, 8), gguf_put(0, 8), gguf_put(0, 8);
}
static sgf_status read_gguf(sgf_str text, const sgf_allocator *mem, sgf_error *err) {
    gguf g;
    json_out texts[2];
    sgf_status status = gguf_read("gguf", text.ptr, text.len, mem, &g, err);
    memset(texts, 0, sizeof texts);
    base_buf_init(&texts[0].buf, mem);
    base_buf_init(&texts[1].buf, mem);
    if (!status && gguf_find(&g, "tokenizer.ggml.tokens"))
        status = gguf_tokenizer(&g, UINT32_MAX, 1, &texts[0], &texts[1], err);
    base_buf_free(&texts[0].buf);
    base_buf_free(&texts[1].buf);
    gguf_free(&g);
    return status;
}

/* ---- what must be linear ---- */

static const struct {
    const char *name;
    void (*make)(size_t n);
    sgf_status (*read)(sgf_str text, const sgf_allocator *mem, sgf_error *err);
    sgf_status wanted;
} cases[] = {
    /* clang-format off */
    {"JSON, nested without end", json_deep, read_json, SGF_ERR_FORMAT},
    {"JSON, nested deeply, often", json_deep_often, read_json, SGF_OK},
    {"JSON, many keys", json_keys, read_json, SGF_OK},
    {"JSON, one key often", json_same_key, read_json, SGF_OK},
    {"JSON, escapes", json_escapes, read_json, SGF_OK},
    {"JSON, one long number", json_digits, read_json, SGF_OK},
    {"JSON, white space", json_spaces, read_json, SGF_OK},
    {"config, unknown keys", config_keys, read_config, SGF_OK},
    {"config, many ends", config_ends, read_config, SGF_ERR_LIMIT},
    {"matrix, many labels", matrix_labels, read_matrix, SGF_ERR_FORMAT},
    {"layout, many tokens", layout_tokens, read_layout, SGF_OK},
    {"layout, too many segments", layout_many_segments, read_layout, SGF_ERR_FORMAT},
    {"safetensors, many tensors", weights_many, read_safetensors, SGF_OK},
    {"safetensors, one name often", weights_same, read_safetensors, SGF_ERR_FORMAT},
    {"safetensors, many dimensions", weights_dims, read_safetensors, SGF_OK},
    {"tensors, many", weights_many, read_tensors, SGF_OK},
    {"tensors, one name often", weights_same, read_tensors, SGF_ERR_FORMAT},
    {"tensors, many dimensions", weights_dims, read_tensors, SGF_OK},
    {"index, many files", index_names, read_index, SGF_ERR_IO},
    {"tokenizer, a run of one letter", tok_run, read_tokenizer, SGF_OK},
    {"tokenizer, a chain of merges", tok_chain, read_tokenizer, SGF_OK},
    {"tokenizer, a large vocabulary", tok_vocab, read_tokenizer, SGF_OK},
    {"tokenizer, many merges", tok_many, read_tokenizer, SGF_OK},
    {"tokenizer, many added tokens", tok_added_many, read_tokenizer, SGF_OK},
    {"tokenizer, near misses of long ones", tok_added_near, read_tokenizer, SGF_OK},
    {"tokenizer, a template of many tokens", tok_template, read_tokenizer, SGF_ERR_UNSUPPORTED},
    {"text, spaces", tok_spaces, read_tokenizer, SGF_OK},
    {"text, empty lines", tok_lines, read_tokenizer, SGF_OK},
    {"text, one long word", tok_letters, read_tokenizer, SGF_OK},
    {"text, one long number", tok_digits, read_tokenizer, SGF_OK},
    {"text, quotes", tok_quotes, read_tokenizer, SGF_OK},
    {"text, not UTF-8", tok_broken, read_tokenizer, SGF_ERR_FORMAT},
    {"text, combining marks", tok_marks, read_tokenizer, SGF_OK},
    {"lemmas, one long word", lemmas_word, read_lemmas, SGF_OK},
    {"lemmas, dots", lemmas_dots, read_lemmas, SGF_OK},
    {"lemmas, hyphens", lemmas_hyphens, read_lemmas, SGF_OK},
    {"lemmas, quotes", lemmas_quotes, read_lemmas, SGF_OK},
    {"lemmas, brackets", lemmas_brackets, read_lemmas, SGF_OK},
    {"lemmas, many words", lemmas_words, read_lemmas, SGF_OK},
    {"lemmas, addresses", lemmas_urls, read_lemmas, SGF_OK},
    {"lemmas, letters that grow", lemmas_capitals, read_lemmas, SGF_OK},
    {"CSV, too many columns", csv_empty_row, read_csv, SGF_ERR_LIMIT},
    {"CSV, many columns", csv_columns, read_csv, SGF_OK},
    {"CSV, empty rows", csv_empty_rows, read_csv, SGF_OK},
    {"CSV, a huge cell", csv_huge_cell, read_csv, SGF_OK},
    {"CSV, quotes", csv_quotes, read_csv, SGF_OK},
    {"CSV, quotes that stay open", csv_open, read_csv, SGF_ERR_FORMAT},
    {"CSV, a long list", csv_list, read_csv, SGF_OK},
    {"CSV, a list of many lists", csv_lists, read_csv, SGF_OK},
    {"CSV, many short lists", csv_short_lists, read_csv, SGF_OK},
    {"CSV, lists that stay open", csv_open_lists, read_csv, SGF_OK},
    {"CSV, two separators", csv_semicolons, read_csv, SGF_OK},
    {"CSV, lists of many tools", csv_tools, read_csv, SGF_OK},
    {"CSV, open brackets", csv_open_brackets, read_csv, SGF_OK},
    {"CSV, a list of numbers", csv_numbers, read_csv, SGF_OK},
    {"JSON lines, a list of numbers", jsonl_numbers, read_jsonl, SGF_OK},
    {"JSON lines, NaN", jsonl_nan, read_jsonl, SGF_OK},
    {"JSON lines, many rows", jsonl_rows, read_jsonl, SGF_OK},
    {"JSON lines, many columns", jsonl_columns, read_jsonl, SGF_ERR_LIMIT},
    {"JSON lines, long names", jsonl_long_names, read_names, SGF_OK},
    {"JSON lines, rows without cells", jsonl_no_cells, read_jsonl, SGF_ERR_LIMIT},
    {"JSON lines, a long list", jsonl_lists, read_jsonl, SGF_OK},
    {"JSON lines, as an array", jsonl_array, read_jsonl, SGF_OK},
    {"JSON lines, empty lines", jsonl_empty, read_jsonl, SGF_OK},
    {"Arrow, many columns", arrow_columns, read_arrow, SGF_OK},
    {"Arrow, many batches", arrow_batches, read_arrow, SGF_OK},
    {"Arrow, many rows", arrow_rows, read_arrow, SGF_OK},
    {"GGUF, scores of long tokens", gguf_scores, read_gguf, SGF_OK},
    {"GGUF, many merges", gguf_merges, read_gguf, SGF_OK},
    {"GGUF, many keys and tensors", gguf_many, read_gguf, SGF_OK},
    {"LZ4, many blocks", lz4_blocks, read_lz4, SGF_OK},
    {"LZ4, long copies", lz4_bombs, read_lz4, SGF_OK},
    {"journal, many rows", journal_rows, read_journal, SGF_OK},
    {"journal, from the end", journal_backwards, read_journal, SGF_OK},
    {"journal, one row often", journal_same_row, read_journal, SGF_OK},
    /* clang-format on */
};

typedef struct {
    size_t bytes, peak;
    unsigned long long work;
    sgf_status status;
    sgf_error err;
} linear_cost;

static linear_cost linear_measure(size_t which, size_t n) {
    linear_cost cost;
    test_heap heap;
    sgf_allocator mem = test_heap_init(&heap, 0);
    memset(&cost, 0, sizeof cost);
    in.len = 0;
    cases[which].make(n);
    cost.bytes = in.len;
    linear_work = 0;
    cost.status = cases[which].read(sgf__text_of(in.ptr, in.len), &mem, &cost.err);
    cost.work = linear_work;
    cost.peak = heap.peak;
    if (heap.used) cost.status = SGF_STATUS_COUNT; /* a leak */
    return cost;
}
int main(int argc, char **argv) {
    size_t i, n = 32768, wrong = 0, count = 0;
    sgf__buf_init(&in, NULL);
    printf("%-38s %9s %12s %12s   four times the input: work, memory\n", "input", "bytes",
           "blocks/byte", "memory/byte");
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        linear_cost small, large;
        double work, memory, size;
        int bad;
        if (argc > 1 && !strstr(cases[i].name, argv[1])) continue;
        small = linear_measure(i, n);
        large = linear_measure(i, 4 * n);
        size = (double)large.bytes / (double)small.bytes / 4;
        work = (double)large.work / (double)(small.work ? small.work : 1) / size;
        memory = small.peak ? (double)large.peak / (double)small.peak / size : 0;
        bad = small.status != cases[i].wanted || large.status != cases[i].wanted || work > 6 ||
              (memory > 8.5 && large.peak > (1 << 20));
        printf("%-38s %9lu %12.1f %12.1f   %.2f, %.2f%s\n", cases[i].name,
               (unsigned long)large.bytes, (double)large.work / (double)large.bytes,
               (double)large.peak / (double)large.bytes, work, memory, bad ? "  FAILED" : "");
        if (small.status != cases[i].wanted || large.status != cases[i].wanted)
            printf("    %s: %s\n",
                   large.status < SGF_STATUS_COUNT ? sgf_status_text(large.status) : "leaks",
                   large.status ? large.err.message : "is accepted");
        wrong += (size_t)bad;
        count++;
    }
    sgf__buf_free(&in);
    printf("%lu inputs, %lu failed\n", (unsigned long)count, (unsigned long)wrong);
    return wrong != 0 || !count;
}
