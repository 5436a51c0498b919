/* Arrow: files of pyarrow and polars (golden/data/arrow) give the rows that Python's json wrote; streams
   that no writer at hand makes; and Arrow's integration files: every cell of every type that is read
   equals the JSON next to the file, in little- and big-endian files and streams of versions 0.14 to
   21; every other type has its name. That JSON is compressed: it needs gzip. */

/* One file of golden/data/arrow: without the columns that are not read, and lists of numbers, it is the JSON
   lines. */
static int gold_python_files, gold_python_unread;
static void gold_python(const char *path) {
    char wanted[2100], out[1024];
    struct table *t;
    sgf_error err;
    int c;
    if (strstr(path, ".jsonl")) return;
    if (strstr(path, "zstd")) {
        CHECK(table_read(path, NULL, &t, &err) == SGF_ERR_UNSUPPORTED);
        CHECK(strstr(err.message, "ZSTD") != NULL);
        return;
    }
    MUST(table_read(path, NULL, &t, &err), err);
    for (c = table_columns(t); c-- > 0;)
        if (table_type(t, c) == TABLE_OTHER || strstr(table_type_text(t, c), " of numbers")) {
            CHECK(strcmp(table_type_text(t, c), "other") != 0);
            table_drop(t, c);
            gold_python_unread++;
        }
    MUST(table_write_jsonl(t, table_path("rows.jsonl", out), &err), err);
    table_free(t);
    snprintf(wanted, sizeof wanted, "%s.jsonl", path);
    CHECK(table_same_files(wanted, out));
    if (test_errors) printf("    %s\n", path);
    gold_python_files++;
}
static void test_arrow_of_python_gives_its_rows(void) {
    gold_python_files = gold_python_unread = 0;
    table_visit("tests/golden/data/arrow", gold_python);
    CHECK(gold_python_files == 11 && gold_python_unread == 22);
}

/* What `gzip -dc` makes of a file, to be freed; NULL if there is no gzip. */
static char *gold_unzip(const char *path, size_t *size) {
    char command[2100];
    size_t cap = (size_t)1 << 20, got;
    char *text = (char *)malloc(cap);
    FILE *pipe;
    snprintf(command, sizeof command, "gzip -dc '%s' 2> /dev/null", path);
    pipe = popen(command, "r");
    *size = 0;
    while (pipe && (got = fread(text + *size, 1, cap - *size, pipe)) > 0) {
        *size += got;
        if (*size == cap) text = (char *)realloc(text, cap *= 2);
    }
    if (pipe && !pclose(pipe) && *size) return text;
    free(text);
    return NULL;
}

typedef struct gold_file {
    base_arena arena;
    json_doc json;
    size_t cells; /* compared so far */
} gold_file;

static uint32_t gold_get(const gold_file *g, uint32_t node, const char *key) {
    return json_get(&g->json, node, key);
}
static sgf_str gold_text(const gold_file *g, uint32_t node, const char *key) {
    return g->json.nodes[gold_get(g, node, key)].text;
}
/* Child i of an array. */
static uint32_t gold_child(const gold_file *g, uint32_t array, size_t i) {
    uint32_t at = array + 1;
    if (g->json.nodes[array].next == array + 1 + g->json.nodes[array].count)
        return at + (uint32_t)i; /* scalars */
    while (i--) at = g->json.nodes[at].next;
    return at;
}
static int64_t gold_int(const gold_file *g, uint32_t node) {
    int64_t value = 0;
    base_text_i64(g->json.nodes[node].text, &value);
    return value;
}
/* The column that holds the values of a dictionary. */
static uint32_t gold_dictionary(const gold_file *g, int64_t id) {
    uint32_t all = gold_get(g, 0, "dictionaries"), i;
    for (i = all + 1; i < g->json.nodes[all].next; i = g->json.nodes[i].next)
        if (gold_int(g, gold_get(g, i, "id")) == id)
            return gold_child(g, gold_get(g, gold_get(g, i, "data"), "columns"), 0);
    return 0;
}
static int gold_is_uuid(const gold_file *g, uint32_t field) {
    uint32_t pairs = gold_get(g, field, "metadata");
    return pairs && g->json.nodes[pairs].count &&
           sgf__str_is(gold_text(g, pairs + 1, "value"), "arrow.uuid");
}
/* Is the text the 32 digits with - between them, in small letters? */
static int gold_uuid_is(sgf_str digits, sgf_str text) {
    size_t i, k = 0;
    for (i = 0; i < text.len; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23) k += text.ptr[i] != '-' ? 100 : 0;
        else if (k < digits.len && (digits.ptr[k] | 32) == (text.ptr[i] | 32)) k++;
    return text.len == 36 && k == 32;
}
/* The type we give to a field. */
static sgf_column_type gold_type(const gold_file *g, uint32_t field) {
    static const struct {
        const char *name;
        sgf_column_type type;
    } read[] = {{"utf8", SGF_COLUMN_UTF8},     {"largeutf8", SGF_COLUMN_UTF8},
                {"utf8view", SGF_COLUMN_UTF8}, {"null", SGF_COLUMN_UTF8},
                {"int", SGF_COLUMN_I64},       {"floatingpoint", SGF_COLUMN_F64},
                {"bool", SGF_COLUMN_BOOL}};
    sgf_str name = gold_text(g, gold_get(g, field, "type"), "name");
    uint32_t coded = gold_get(g, field, "dictionary");
    size_t i;
    if (gold_is_uuid(g, field)) return SGF_COLUMN_UTF8;
    for (i = 0; i < sizeof read / sizeof read[0]; i++)
        if (sgf__str_is(name, read[i].name)) return read[i].type;
    if (coded && g->json.nodes[coded].type == JSON_OBJECT) return TABLE_OTHER;
    if (sgf__str_is(name, "list") || sgf__str_is(name, "largelist") ||
        sgf__str_is(name, "fixedsizelist")) {
        sgf_column_type item = gold_type(g, gold_child(g, gold_get(g, field, "children"), 0));
        return item == SGF_COLUMN_LIST_UTF8 ? SGF_COLUMN_LIST_LIST_UTF8
               : item == SGF_COLUMN_LIST_LIST_UTF8 || item == TABLE_OTHER ? TABLE_OTHER
                                                                          : SGF_COLUMN_LIST_UTF8;
    }
    return TABLE_OTHER;
}
/* Where list k of this JSON column begins and ends; 0 if it is null. */
static int gold_range(const gold_file *g, uint32_t field, uint32_t column, size_t k, size_t *begin,
                      size_t *end) {
    uint32_t valid = gold_get(g, column, "VALIDITY"), offsets = gold_get(g, column, "OFFSET");
    size_t size = (size_t)gold_int(g, gold_get(g, gold_get(g, field, "type"), "listSize"));
    *begin = offsets ? (size_t)gold_int(g, gold_child(g, offsets, k)) : k * size;
    *end = offsets ? (size_t)gold_int(g, gold_child(g, offsets, k + 1)) : *begin + size;
    return !valid || gold_int(g, gold_child(g, valid, k));
}
/* Are these texts the integers begin..end of the JSON column? */
static int gold_items(const gold_file *g, uint32_t column, size_t begin, size_t end,
                      const sgf_str *items, size_t n) {
    uint32_t valid = gold_get(g, column, "VALIDITY"), data = gold_get(g, column, "DATA");
    size_t i, same = 0;
    for (i = 0; i < n && n == end - begin; i++) {
        sgf_str want = g->json.nodes[gold_child(g, data, begin + i)].text;
        if (valid && !gold_int(g, gold_child(g, valid, begin + i))) same += !items[i].ptr;
        else same += items[i].len == want.len && !memcmp(items[i].ptr, want.ptr, want.len);
    }
    return n == end - begin && same == n;
}
static int gold_lists(const gold_file *g, uint32_t field, uint32_t column, size_t k,
                      const struct table *t, int c, size_t row) {
    uint32_t inner = gold_child(g, gold_get(g, field, "children"), 0);
    size_t begin, end, first, last, n, i;
    if (!gold_range(g, field, column, k, &begin, &end)) return cell_null(t, c, row);
    column = gold_child(g, gold_get(g, column, "children"), 0);
    if (table_type(t, c) == SGF_COLUMN_LIST_UTF8)
        return gold_items(g, column, begin, end, cell_list(t, c, row), cell_count(t, c, row));
    if (cell_count(t, c, row) != end - begin) return 0;
    for (i = begin; i < end; i++) {
        const sgf_str *items = cell_inner(t, c, row, i - begin, &n);
        int there = gold_range(g, inner, column, i, &first, &last);
        if (there ? !gold_items(g, gold_child(g, gold_get(g, column, "children"), 0), first, last,
                                items, n)
                  : n != 0)
            return 0;
    }
    return 1;
}
/* The bytes of a view: in place, or in hexadecimal in another buffer. */
static sgf_str gold_view(const gold_file *g, uint32_t column, uint32_t view, char *bytes) {
    uint32_t buffers = gold_get(g, column, "VARIADIC_DATA_BUFFERS"), i;
    sgf_str hex, out;
    if (gold_get(g, view, "INLINED")) return gold_text(g, view, "INLINED");
    i = gold_child(g, buffers, (size_t)gold_int(g, gold_get(g, view, "BUFFER_INDEX")));
    hex = g->json.nodes[i].text;
    hex.ptr += 2 * gold_int(g, gold_get(g, view, "OFFSET"));
    out.ptr = bytes;
    out.len = (size_t)gold_int(g, gold_get(g, view, "SIZE"));
    for (i = 0; i < out.len; i++) {
        unsigned byte = 0;
        sscanf(hex.ptr + 2 * (size_t)i, "%2x", &byte);
        bytes[i] = (char)byte;
    }
    return out;
}
/* Does the table's cell hold value k of this JSON column? */
static int gold_same(const gold_file *g, uint32_t field, uint32_t column, size_t k,
                     const struct table *t, int c, size_t row) {
    uint32_t valid = gold_get(g, column, "VALIDITY"), data = gold_get(g, column, "DATA"),
             views = gold_get(g, column, "VIEWS"), at;
    char bytes[256];
    double want, got;
    if (table_type(t, c) == SGF_COLUMN_LIST_UTF8 || table_type(t, c) == SGF_COLUMN_LIST_LIST_UTF8)
        return gold_lists(g, field, column, k, t, c, row);
    if ((!data && !views) || (valid && !gold_int(g, gold_child(g, valid, k))))
        return cell_null(t, c, row);
    at = gold_child(g, data ? data : views, k);
    if (cell_null(t, c, row)) return 0;
    switch (table_type(t, c)) {
    case SGF_COLUMN_UTF8: {
        sgf_str text = cell_text(t, c, row),
                gold = data ? g->json.nodes[at].text : gold_view(g, column, at, bytes);
        if (gold_is_uuid(g, field)) return gold_uuid_is(gold, text);
        return text.len == gold.len && !memcmp(text.ptr, gold.ptr, gold.len);
    }
    case SGF_COLUMN_I64: return cell_i64(t, c, row) == gold_int(g, at);
    case SGF_COLUMN_BOOL:
        return cell_bool(t, c, row) ==
               (g->json.nodes[at].type == JSON_TRUE || sgf__str_is(g->json.nodes[at].text, "1"));
    default:
        want = json_number(&g->json, at);
        got = cell_f64(t, c, row);
        if (!sgf__str_is(gold_text(g, gold_get(g, field, "type"), "precision"), "DOUBLE"))
            return (float)want == (float)got;
        return want == got;
    }
}
static int gold_cell(const gold_file *g, uint32_t field, uint32_t column, size_t k,
                     const struct table *t, int c, size_t row) {
    uint32_t coded = gold_get(g, field, "dictionary"), valid = gold_get(g, column, "VALIDITY");
    if (!coded || g->json.nodes[coded].type != JSON_OBJECT)
        return gold_same(g, field, column, k, t, c, row);
    if (!gold_int(g, gold_child(g, valid, k))) return cell_null(t, c, row);
    k = (size_t)gold_int(g, gold_child(g, gold_get(g, column, "DATA"), k));
    column = gold_dictionary(g, gold_int(g, gold_get(g, coded, "id")));
    return gold_same(g, field, column, k, t, c, row);
}
/* Column c of the table against field c of the schema, batch by batch. */
static void gold_column(gold_file *g, const char *path, const struct table *t, int c,
                        uint32_t field) {
    uint32_t batches = gold_get(g, 0, "batches"), i;
    size_t row = 0, k, wrong = 0;
    sgf_str name = gold_text(g, field, "name");
    int large = sgf__str_is(gold_text(g, gold_get(g, field, "type"), "bitWidth"), "64");
    CHECK(sgf__str_is(name, table_name(t, c)));
    if (table_type(t, c) == TABLE_OTHER) {
        CHECK(gold_type(g, field) == TABLE_OTHER ||
              (large && strstr(table_type_text(t, c), "uint64")));
        CHECK(strcmp(table_type_text(t, c), "other") != 0);
        return;
    }
    CHECK(table_type(t, c) == gold_type(g, field));
    for (i = batches + 1; i < g->json.nodes[batches].next; i = g->json.nodes[i].next) {
        uint32_t column = gold_child(g, gold_get(g, i, "columns"), (size_t)c);
        size_t n = (size_t)gold_int(g, gold_get(g, column, "count"));
        for (k = 0; k < n && row + k < table_rows(t); k++)
            wrong += !gold_cell(g, field, column, k, t, c, row + k);
        row += n;
    }
    g->cells += row;
    CHECK(row == table_rows(t) && !wrong);
    if (wrong) printf("    %s: column %s: %d wrong cells\n", path, table_name(t, c), (int)wrong);
}
static void gold_table(gold_file *g, const char *path) {
    uint32_t fields = gold_get(g, gold_get(g, 0, "schema"), "fields");
    struct table *t;
    sgf_error err;
    size_t c;
    MUST(table_read(path, NULL, &t, &err), err);
    CHECK((size_t)table_columns(t) == g->json.nodes[fields].count);
    for (c = 0; c < g->json.nodes[fields].count; c++)
        gold_column(g, path, t, (int)c, gold_child(g, fields, c));
    table_free(t);
}

static size_t gold_cells, gold_files, gold_unread;

static void gold_check(const char *path) {
    char name[2100];
    size_t n = strlen(path), size;
    gold_file g;
    sgf_error err;
    char *text;
    if (n < 8 || strcmp(path + n - 8, ".json.gz") || strstr(path, "zstd")) return;
    text = gold_unzip(path, &size);
    gold_unread += !text;
    if (!text) return;
    memset(&g, 0, sizeof g);
    base_arena_init(&g.arena, NULL);
    MUST(json_parse(path, text, size, &g.arena, &g.json, &err), err);
    snprintf(name, sizeof name, "%.*s.arrow_file", (int)n - 8, path);
    gold_table(&g, name);
    snprintf(name, sizeof name, "%.*s.stream", (int)n - 8, path);
    gold_table(&g, name);
    gold_files += 2;
    gold_cells += g.cells;
    base_arena_free(&g.arena);
    free(text);
}
static void test_arrow_values_equal_the_json_beside_the_files(void) {
    static const char *const folders[] = {"0.14.1",
                                          "0.17.1",
                                          "1.0.0-bigendian",
                                          "1.0.0-littleendian",
                                          "2.0.0-compression",
                                          "4.0.0-shareddict",
                                          "cpp-21.0.0"};
    size_t i;
    NEED_DATA("arrow-ipc/integration",
              "data/arrow-ipc-stream/integration of github.com/apache/arrow-testing");
    gold_cells = gold_files = gold_unread = 0;
    for (i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char folder[1200];
        snprintf(folder, sizeof folder, "%s/arrow-ipc/integration/%s", data_folder, folders[i]);
        table_visit(folder, gold_check);
    }
    if (!gold_files) SKIP("gzip is not installed: apt-get install gzip");
    CHECK(!gold_unread && gold_cells > 9000);
    printf("    %d cells of %d files\n", (int)gold_cells, (int)gold_files);
}

/* ---- streams that no writer at hand makes ---- */

/* A field of a schema at `link`: its type's id and, for integers, its bits; returns where the offsets of
   its children are. */
static size_t gold_field(sgf__writer *w, size_t link, const char *name, size_t id, size_t bits,
                         size_t children) {
    size_t field[6] = {0, 1, 0, 0, 0, 0}, kind[2] = {0, 1};
    field[2] = id;
    kind[0] = bits;
    sgf__fb_table(w, link, "411404", field);
    sgf__fb_table(w, field[3], bits ? "41" : "00", kind);
    sgf__fb_text(w, field[0], sgf_text(name));
    return sgf__fb_vector(w, field[5], children, 4);
}
/* Begin a message with a header of three slots (the second a vector or an offset); their places go to
   at. The first slot is `rows`, in a schema 1 for big-endian. */
static void gold_message(sgf__writer *w, size_t version, size_t type, size_t body, size_t rows,
                         size_t at[3]) {
    size_t message[4] = {0, 0, 0, 0};
    message[0] = version;
    message[1] = type;
    message[3] = body;
    memset(w, 0, sizeof *w);
    sgf__buf_init(&w->meta, NULL);
    sgf__message_begin(w, "2148", message);
    at[0] = rows;
    at[1] = at[2] = 0;
    sgf__fb_table(w, message[2], type == ARROW_BATCH ? "844" : rows ? "240" : "040", at);
}
/* The message that was begun, and its body, to the end of a stream. */
static void gold_end(sgf__buf *stream, sgf__writer *w, const void *body, size_t size) {
    sgf__fb_align(w, &w->meta, 8, 0);
    sgf__fb_set(w, &w->meta, 4, w->meta.len - 8, 4);
    CHECK(!w->out.status && !sgf__buf_add(stream, w->meta.ptr, w->meta.len, NULL) &&
          !sgf__buf_add(stream, body, size, NULL));
    sgf__buf_free(&w->meta);
}
/* Lists of lists of lists: what a column is must not be asked twice for each. */
static void test_arrow_lists_as_deep_as_there_may_be(void) {
    sgf__buf stream;
    sgf__writer w;
    struct table *t = NULL;
    sgf_error err;
    size_t at[3], link, i;
    sgf__buf_init(&stream, NULL);
    gold_message(&w, ARROW_V5, ARROW_SCHEMA, 0, 0, at);
    link = sgf__fb_vector(&w, at[1], 1, 4);
    for (i = 0; i < 60; i++) link = gold_field(&w, link, "deep", ARROW_LIST, 0, 1);
    gold_field(&w, link, "text", ARROW_UTF8, 0, 0);
    gold_end(&stream, &w, "", 0);
    MUST(arrow_read("deep.arrow", stream.ptr, stream.len, NULL, &t, &err), err);
    CHECK(table_columns(t) == 1 && table_type(t, 0) == TABLE_OTHER);
    CHECK(!strcmp(table_type_text(t, 0), "list<list<list>>"));
    table_free(t);
    sgf__buf_free(&stream);
}
/* A big-endian stream with a number, a float and a text; and a schema of a version to come. */
static void test_arrow_reads_big_endian(void) {
    static const unsigned char body[32 + 16] = {
        0x00, 0x00, 0x01, 0x02, 0xFF, 0xFF, 0xFF, 0xFE, /* 258, -2 */
        0x3F, 0xF8, 0,    0,    0,    0,    0,    0,
        0xC0, 0,    0,    0,    0,    0,    0,    0, /* 1.5, -2 */
        0,    0,    0,    0,    0,    0,    0,    1,
        0,    0,    0,    4,    0,    0,    0,    0, /* offsets 0, 1, 4 */
        'a',  'b',  'c',  'd'};
    static const size_t places[7][2] = {{0, 0}, {0, 8}, {0, 0}, {8, 16}, {0, 0}, {24, 12}, {40, 4}};
    sgf__buf stream;
    sgf__writer w;
    struct table *t = NULL;
    sgf_error err;
    size_t at[3], link, i, first;
    sgf__buf_init(&stream, NULL);
    gold_message(&w, ARROW_V5, ARROW_SCHEMA, 0, 1, at);
    first = at[1];
    link = sgf__fb_vector(&w, first, 3, 4);
    gold_field(&w, link, "number", ARROW_INT, 32, 0);
    gold_field(&w, link + 4, "float", ARROW_FLOAT, 2, 0);
    gold_field(&w, link + 8, "text", ARROW_UTF8, 0, 0);
    gold_end(&stream, &w, "", 0);
    gold_message(&w, ARROW_V5, ARROW_BATCH, sizeof body, 2, at);
    link = sgf__fb_vector(&w, at[1], 3, 16);
    for (i = 0; i < 3; i++) sgf__fb_set(&w, &w.meta, link + 16 * i, 2, 8);
    link = sgf__fb_vector(&w, at[2], 7, 16);
    for (i = 0; i < 7; i++) {
        sgf__fb_set(&w, &w.meta, link + 16 * i, places[i][0], 8);
        sgf__fb_set(&w, &w.meta, link + 16 * i + 8, places[i][1], 8);
    }
    gold_end(&stream, &w, body, sizeof body);
    MUST(arrow_read("big.arrow", stream.ptr, stream.len, NULL, &t, &err), err);
    CHECK(table_rows(t) == 2 && cell_i64(t, 0, 0) == 258 && cell_i64(t, 0, 1) == -2);
    CHECK(cell_f64(t, 1, 0) == 1.5 && cell_f64(t, 1, 1) == -2);
    CHECK(table_is(cell_text(t, 2, 0), "a") && table_is(cell_text(t, 2, 1), "bcd"));
    table_free(t);
    stream.len = 0;
    t = NULL;
    gold_message(&w, ARROW_V5 + 1, ARROW_SCHEMA, 0, 0, at);
    gold_field(&w, sgf__fb_vector(&w, at[1], 1, 4), "text", ARROW_UTF8, 0, 0);
    gold_end(&stream, &w, "", 0);
    CHECK(arrow_read("new.arrow", stream.ptr, stream.len, NULL, &t, &err) != SGF_OK && !t);
    CHECK(strstr(err.message, "version") != NULL);
    sgf__buf_free(&stream);
}
/* Run ends are not read, but what stands behind them is; version 4 gave them a validity bitmap. */
static void test_arrow_passes_run_ends_of_both_versions(void) {
    int version;
    for (version = ARROW_V4; version <= ARROW_V5; version++) {
        static const uint64_t lengths[4] = {3, 1, 1, 3};
        unsigned char body[24];
        sgf__buf stream;
        sgf__writer w;
        struct table *t = NULL;
        sgf_error err;
        size_t at[3], link, children, i, skipped = version == ARROW_V4 ? 6 : 5;
        sgf__buf_init(&stream, NULL);
        gold_message(&w, (size_t)version, ARROW_SCHEMA, 0, 0, at);
        link = sgf__fb_vector(&w, at[1], 2, 4);
        children = gold_field(&w, link, "runs", 22, 0, 2);
        gold_field(&w, children, "run_ends", ARROW_INT, 32, 0);
        gold_field(&w, children + 4, "values", ARROW_UTF8, 0, 0);
        gold_field(&w, link + 4, "text", ARROW_UTF8, 0, 0);
        gold_end(&stream, &w, "", 0);
        memset(body, 0, sizeof body);
        for (i = 0; i < 4; i++) body[4 * i] = (unsigned char)i;
        memcpy(body + 16, "abc", 3);
        gold_message(&w, (size_t)version, ARROW_BATCH, sizeof body, 3, at);
        link = sgf__fb_vector(&w, at[1], 4, 16);
        for (i = 0; i < 4; i++) sgf__fb_set(&w, &w.meta, link + 16 * i, lengths[i], 8);
        link = sgf__fb_vector(&w, at[2], skipped + 3, 16) + 16 * (skipped + 1);
        sgf__fb_set(&w, &w.meta, link + 8, 16, 8);
        sgf__fb_set(&w, &w.meta, link + 16, 16, 8);
        sgf__fb_set(&w, &w.meta, link + 24, 3, 8);
        gold_end(&stream, &w, body, sizeof body);
        MUST(arrow_read("runs.arrow", stream.ptr, stream.len, NULL, &t, &err), err);
        CHECK(!strcmp(table_type_text(t, 0), "run-end encoded"));
        CHECK(table_rows(t) == 3 && table_is(cell_text(t, 1, 2), "c"));
        table_free(t);
        sgf__buf_free(&stream);
    }
}

static void tests_arrow(void) {
    RUN(test_arrow_of_python_gives_its_rows);
    RUN(test_arrow_reads_big_endian);
    RUN(test_arrow_lists_as_deep_as_there_may_be);
    RUN(test_arrow_passes_run_ends_of_both_versions);
}
static void data_arrow(void) {
    RUN(test_arrow_values_equal_the_json_beside_the_files);
}
