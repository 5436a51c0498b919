/* Tables: cells, CSV, JSON lines, Arrow IPC both ways, LZ4. */
#include <dirent.h>

static sgf_str table_str(const char *text) {
    sgf_str s;
    s.ptr = text;
    s.len = strlen(text);
    return s;
}
static int table_is(sgf_str got, const char *want) {
    return got.ptr && got.len == strlen(want) && !memcmp(got.ptr, want, got.len);
}
static const char *table_path(const char *name, char *out) {
    snprintf(out, 1024, "%s", temp_path(name));
    return out;
}
static sgf__map table_file(const char *path) {
    sgf__map map;
    memset(&map, 0, sizeof map);
    if (sgf__map_file(path, NULL, &map, NULL)) map.data = NULL;
    return map;
}
static int table_file_is(const char *path, const char *want) {
    sgf__map map = table_file(path);
    int same = map.data && map.size == strlen(want) && !memcmp(map.data, want, map.size);
    if (!same && map.data) printf("    %s holds: %.*s\n", path, (int)map.size, map.data);
    sgf__unmap(&map);
    return same;
}
static int table_same_files(const char *a, const char *b) {
    sgf__map one = table_file(a), two = table_file(b);
    int same = one.data && two.data && one.size == two.size &&
               !memcmp(one.data, two.data, one.size);
    sgf__unmap(&one);
    sgf__unmap(&two);
    return same;
}

/* Rows of every type, some null. */
static struct table *table_sample(size_t rows, const sgf_allocator *mem, sgf_error *err) {
    static const char *const words[] = {
        "a", "it's", "say \"hi\", now", "\xC3\xA9t\xC3\xA9", "two\nlines\ttab", ""};
    static const char *const names[] = {"uuid", "answers", "lemmas", "confidence", "n", "ok"};
    struct table *t;
    sgf_status s = table_create(mem, &t, err);
    size_t i, k;
    if (s) return NULL;
    for (i = 0; i < 6 && !s; i++) s = table_column(t, names[i], (sgf_column_type)i, NULL, err);
    if (!s) s = table_metadata_set(t, "segfuse", table_str("{\"seed\": 1}"), err);
    for (i = 0; i < rows && !s; i++) {
        sgf_str items[8];
        size_t counts[3];
        int c;
        for (k = 0; k < 8; k++) items[k] = table_str(words[(i + k) % 6]);
        counts[0] = i % 3, counts[1] = 0, counts[2] = i % 2;
        if (i % 7 == 6) {
            for (c = 0; c < 6 && !s; c++) s = table_null(t, c, err);
            continue;
        }
        s = table_text(t, 0, items[0], err);
        if (!s) s = table_list(t, 1, items, i % 4, err);
        if (!s) s = table_list_list(t, 2, items, counts, i % 4, err);
        if (!s) s = table_f64(t, 3, (double)i / 10, err);
        if (!s) s = table_i64(t, 4, (int64_t)i * -1234567890123, err);
        if (!s) s = table_bool(t, 5, i % 2 == 0, err);
    }
    if (!s) return t;
    table_free(t);
    return NULL;
}

static void test_table_gives_back_its_cells(void) {
    sgf_error err;
    struct table *t;
    sgf_str items[3];
    size_t counts[2] = {2, 1}, n;
    const sgf_str *list;
    int text, lists, nested, f, i, b;
    items[0] = table_str("x"), items[1] = table_str("yy"), items[2].ptr = NULL, items[2].len = 0;
    MUST(table_create(NULL, &t, &err), err);
    MUST(table_column(t, "text", SGF_COLUMN_UTF8, &text, &err), err);
    MUST(table_column(t, "list", SGF_COLUMN_LIST_UTF8, &lists, &err), err);
    MUST(table_column(t, "nested", SGF_COLUMN_LIST_LIST_UTF8, &nested, &err), err);
    MUST(table_column(t, "f", SGF_COLUMN_F64, &f, &err), err);
    MUST(table_column(t, "i", SGF_COLUMN_I64, &i, &err), err);
    MUST(table_column(t, "b", SGF_COLUMN_BOOL, &b, &err), err);
    MUST(table_text(t, text, items[1], &err), err);
    MUST(table_list(t, lists, items, 3, &err), err);
    MUST(table_list_list(t, nested, items, counts, 2, &err), err);
    MUST(table_f64(t, f, 0.5, &err), err);
    MUST(table_i64(t, i, INT64_MIN, &err), err);
    CHECK(table_rows(t) == 0);
    MUST(table_bool(t, b, 7, &err), err);
    CHECK(table_rows(t) == 1 && table_columns(t) == 6);
    CHECK(table_is(cell_text(t, text, 0), "yy"));
    CHECK(cell_count(t, lists, 0) == 3);
    list = cell_list(t, lists, 0);
    CHECK(list && table_is(list[0], "x") && table_is(list[2], ""));
    CHECK(cell_count(t, nested, 0) == 2);
    list = cell_inner(t, nested, 0, 0, &n);
    CHECK(n == 2 && table_is(list[1], "yy"));
    list = cell_inner(t, nested, 0, 1, &n);
    CHECK(n == 1 && table_is(list[0], ""));
    CHECK(cell_f64(t, f, 0) == 0.5 && cell_i64(t, i, 0) == INT64_MIN && cell_bool(t, b, 0) == 1);
    MUST(table_null(t, text, &err), err);
    MUST(table_null(t, nested, &err), err);
    CHECK(cell_null(t, text, 1) && !cell_text(t, text, 1).ptr && !cell_null(t, text, 0));
    CHECK(cell_null(t, nested, 1) && cell_count(t, nested, 1) == 0);
    CHECK(!cell_text(t, 99, 0).ptr && !cell_text(t, text, 99).ptr && !cell_list(t, text, 0));
    CHECK(!cell_inner(t, nested, 0, 2, &n) && n == 0);
    CHECK(table_find(t, "nested") == nested && table_find(t, "none") == -1);
    CHECK(table_text(t, f, items[0], &err) == SGF_ERR_ARG &&
          strstr(err.message, "'f' holds float64"));
    CHECK(table_column(t, "f", SGF_COLUMN_BOOL, NULL, &err) == SGF_ERR_ARG);
    CHECK(table_write_csv(t, temp_path("ragged.csv"), &err) == SGF_ERR_ARG &&
          strstr(err.message, "'list' has 1"));
    table_drop(t, lists);
    CHECK(table_columns(t) == 5 && table_find(t, "nested") == nested - 1);
    table_free(t);
    table_free(NULL);
}
static void test_table_mends_text_that_is_not_utf8(void) {
    sgf_error err;
    struct table *t;
    MUST(table_create(NULL, &t, &err), err);
    MUST(table_column(t, "x", SGF_COLUMN_UTF8, NULL, &err), err);
    MUST(table_text(t, 0,
                    table_str("a\xFF"
                              "b\xE2\x82"),
                    &err),
         err);
    CHECK(table_is(cell_text(t, 0, 0), "a\xEF\xBF\xBD"
                                       "b\xEF\xBF\xBD\xEF\xBF\xBD"));
    CHECK(table_column(t, "\xFF", SGF_COLUMN_UTF8, NULL, &err) == SGF_ERR_ARG);
    table_free(t);
}
static void test_table_append_joins_shards(void) {
    sgf_error err;
    char one[1024], two[1024];
    struct table *all, *a, *b;
    int i;
    MUST(table_create(NULL, &all, &err), err);
    for (i = 0; i < 2; i++) { /* 20 rows twice, equal to rows written one after the other */
        a = table_sample(20, NULL, &err);
        CHECK(a && table_append(all, a, &err) == SGF_OK);
        table_free(a);
    }
    CHECK(table_rows(all) == 40);
    CHECK(table_is(table_metadata_get(all, "segfuse"), "{\"seed\": 1}"));
    a = table_sample(20, NULL, &err);
    MUST(table_write_jsonl(all, table_path("all.jsonl", one), &err), err);
    MUST(table_write_jsonl(a, table_path("half.jsonl", two), &err), err);
    {
        sgf__map whole = table_file(one), half = table_file(two);
        CHECK(whole.size == 2 * half.size && !memcmp(whole.data, half.data, half.size) &&
              !memcmp(whole.data + half.size, half.data, half.size));
        sgf__unmap(&whole);
        sgf__unmap(&half);
    }
    MUST(table_create(NULL, &b, &err), err);
    MUST(table_column(b, "uuid", SGF_COLUMN_I64, NULL, &err), err);
    CHECK(table_append(all, b, &err) == SGF_ERR_ARG && table_rows(all) == 40);
    CHECK(table_append(all, all, &err) == SGF_ERR_ARG);
    table_free(a);
    table_free(b);
    table_free(all);
}

/* A cell may be made of another cell of its column, which moves when it grows. */
static void test_lists_are_made_of_lists_of_their_column(void) {
    size_t counts[2] = {1, 2}, row, n;
    sgf_error err;
    struct table *t;
    sgf_str items[3];
    items[0] = table_str("x"), items[1] = table_str("yy"), items[2] = table_str("zzz");
    MUST(table_create(NULL, &t, &err), err);
    MUST(table_column(t, "list", SGF_COLUMN_LIST_UTF8, NULL, &err), err);
    MUST(table_column(t, "lists", SGF_COLUMN_LIST_LIST_UTF8, NULL, &err), err);
    MUST(table_list(t, 0, items, 3, &err), err);
    MUST(table_list_list(t, 1, items, counts, 2, &err), err);
    for (row = 1; row < 200; row++) {
        MUST(table_list(t, 0, cell_list(t, 0, row - 1), 3, &err), err);
        MUST(table_list_list(t, 1, cell_inner(t, 1, row - 1, 0, &n), counts, 2, &err), err);
    }
    CHECK(table_rows(t) == 200 && cell_count(t, 0, 199) == 3 && n == 1);
    CHECK(table_is(cell_list(t, 0, 199)[0], "x") && table_is(cell_list(t, 0, 199)[2], "zzz"));
    CHECK(table_is(cell_inner(t, 1, 199, 0, &n)[0], "x") && n == 1);
    CHECK(table_is(cell_inner(t, 1, 199, 1, &n)[1], "zzz") && n == 2);
    table_free(t);
}
/* Cells that share a text are parsed once, and share what comes of it. */
static void test_table_parse_reads_a_shared_text_once(void) {
    enum { SIZE = 100000, ROWS = 3000 };
    static const char *const ends[2] = {"'one']", "'two']"};
    static size_t rows[ROWS];
    int type;
    for (type = SGF_COLUMN_LIST_UTF8; type <= SGF_COLUMN_LIST_LIST_UTF8; type++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, 0);
        char *text = (char *)malloc(SIZE + 16);
        size_t i, before, n = 1;
        sgf_error err;
        struct table *t;
        MUST(table_create(&mem, &t, &err), err);
        MUST(table_column(t, "a", SGF_COLUMN_UTF8, NULL, &err), err);
        for (i = 0; i < 2; i++) {
            size_t open = type == SGF_COLUMN_LIST_UTF8 ? 1 : 2;
            memset(text, ' ', SIZE);
            memset(text, '[', open);
            snprintf(text + SIZE, 16, "%s%s", ends[i], open == 1 ? "" : "]");
            MUST(table_text(t, 0, table_str(text), &err), err);
        }
        free(text);
        for (i = 0; i < ROWS; i++) rows[i] = i % 2;
        MUST(table_select(t, rows, ROWS, &err), err);
        before = heap.peak;
        MUST(table_parse(t, 0, (sgf_column_type)type, &err), err);
        CHECK(heap.peak - before < 4 * SIZE + 256 * ROWS);
        for (i = 0; i < ROWS; i++) {
            const sgf_str *list = type == SGF_COLUMN_LIST_UTF8 ? cell_list(t, 0, i)
                                                               : cell_inner(t, 0, i, 0, &n);
            CHECK(cell_count(t, 0, i) == 1 && n == 1);
            CHECK(table_is(list[0], i % 2 ? "two" : "one"));
        }
        table_free(t);
        CHECK(heap.used == 0);
    }
}
/* A batch is made in memory: it ends at 64 MiB of text, unless a row alone has more. */
static void test_feather_batches_are_bounded(void) {
    static size_t rows[300];
    size_t size = (size_t)1 << 20;
    char *text = (char *)malloc(size);
    sgf__writer w;
    table_loan loan;
    sgf_error err;
    struct table *t;
    MUST(table_create(NULL, &t, &err), err);
    MUST(table_column(t, "a", SGF_COLUMN_UTF8, NULL, &err), err);
    memset(text, 'x', size);
    MUST(table_text(t, 0, sgf__text_of(text, size), &err), err);
    free(text);
    MUST(table_select(t, rows, 300, &err), err);
    MUST(table_lend(t, "t.feather", &loan, &err), err);
    memset(&w, 0, sizeof w);
    w.table = &loan.table;
    w.err = &err;
    w.batch_rows = 65536;
    w.batch_bytes = (size_t)64 << 20;
    w.row_bytes = 0x7fffffff;
    CHECK(sgf__feather_fit(&w, 5) == 5 + 63 && sgf__feather_fit(&w, 290) == 300);
    w.batch_rows = 200;
    ((sgf_str *)t->columns[0].text.items)[7].len = (size_t)100 << 20; /* only looked at */
    CHECK(sgf__feather_fit(&w, 7) == 8 && sgf__feather_fit(&w, 5) == 7);
    w.batch_rows = 20;
    CHECK(sgf__feather_fit(&w, 20) == 40 && !w.out.status);
    ((sgf_str *)t->columns[0].text.items)[7].len = 0x7fffffff;
    (void)sgf__feather_fit(&w, 7);
    CHECK(w.out.status == SGF_ERR_LIMIT && strstr(err.message, "2 GiB"));
    table_lend_end(&loan);
    table_free(t);
}

/* Rows in another order and back again are the file they were; picked ones are those rows. */
static void test_table_select_orders_and_picks(void) {
    sgf_error err;
    char one[1024], two[1024];
    size_t order[20], back[20], pick[3] = {19, 6, 19}, none[1] = {20}, i;
    struct table *t = table_sample(20, NULL, &err), *all = table_sample(20, NULL, &err);
    for (i = 0; i < 20; i++) order[i] = i * 7 % 20, back[order[i]] = i;
    CHECK(t && all);
    MUST(table_select(t, order, 20, &err), err);
    CHECK(table_is(cell_text(t, 0, 1), cell_text(all, 0, 7).ptr));
    MUST(table_select(t, back, 20, &err), err);
    MUST(table_write_feather(t, table_path("back.feather", one), &err), err);
    MUST(table_write_feather(all, table_path("all.feather", two), &err), err);
    CHECK(table_same_files(one, two));
    CHECK(table_select(t, none, 1, &err) == SGF_ERR_ARG && table_rows(t) == 20);
    MUST(table_select(t, pick, 3, &err), err);
    CHECK(table_rows(t) == 3 && cell_null(t, 2, 1));
    for (i = 0; i < 3; i++) {
        sgf_str got = cell_text(t, 0, i), want = cell_text(all, 0, pick[i]);
        CHECK(got.len == want.len && cell_null(t, 0, i) == cell_null(all, 0, pick[i]));
        CHECK(cell_count(t, 2, i) == cell_count(all, 2, pick[i]));
    }
    MUST(table_select(t, NULL, 0, &err), err);
    CHECK(table_rows(t) == 0 && table_columns(t) == 6);
    table_free(t);
    table_free(all);
}

/* ---- CSV and Python literals ---- */

static void test_repr_is_pythons(void) {
    static const char *const cases[][2] = {{"", "''"},
                                           {"a", "'a'"},
                                           {"it's", "\"it's\""},
                                           {"say \"hi\"", "'say \"hi\"'"},
                                           {"it's \"x\"", "'it\\'s \"x\"'"},
                                           {"a\\b", "'a\\\\b'"},
                                           {"\n\t\r", "'\\n\\t\\r'"},
                                           {"\x01\x1b\x7f", "'\\x01\\x1b\\x7f'"},
                                           {"\xC2\xA0\xC3\xA9", "'\\xa0\xC3\xA9'"},
                                           {"\xE2\x80\x8B", "'\\u200b'"},
                                           {"\xF0\x9F\x98\x80", "'\xF0\x9F\x98\x80'"},
                                           {"\xF3\xA0\x80\x81", "'\\U000e0001'"}};
    sgf_error err;
    sgf__writer w;
    sgf_column column;
    size_t i;
    memset(&w, 0, sizeof w);
    memset(&column, 0, sizeof column);
    w.err = &err;
    column.type = SGF_COLUMN_LIST_UTF8;
    sgf__buf_init(&w.text, NULL);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgf_str text = table_str(cases[i][0]);
        w.text.len = 0;
        column.text = &text;
        sgf__csv_list(&w, &column, NULL, 0, 1);
        MUST(w.out.status, err);
        CHECK(!strncmp(w.text.ptr + 1, cases[i][1], w.text.len - 2) &&
              strlen(cases[i][1]) == w.text.len - 2);
    }
    sgf__buf_free(&w.text);
}
static void test_numbers_are_printed_as_python_does(void) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {0.1, "0.1"},
                 {100.0, "100.0"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {11892394383145766.0, "1.1892394383145766e+16"},
                 {0.0001, "0.0001"},
                 {0.00001, "1e-05"},
                 {5e-324, "5e-324"},
                 {1.0 / 3, "0.3333333333333333"},
                 {-1.7976931348623157e308, "-1.7976931348623157e+308"}};
    char text[32];
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(sgf__number_print(cases[i].value, text) == strlen(cases[i].text));
        CHECK(!strcmp(text, cases[i].text));
    }
}
static void test_csv_is_written_as_pandas_does(void) {
    sgf_error err;
    char path[1024];
    struct table *t = table_sample(7, NULL, &err);
    CHECK(t != NULL);
    MUST(table_write_csv(t, table_path("sample.csv", path), &err), err);
    CHECK(table_file_is(
        path, "uuid,answers,lemmas,confidence,n,ok\n"
              "a,[],[],0.0,0,True\n"
              "it's,\"[\"\"it's\"\"]\",\"[[\"\"it's\"\"]]\",0.1,-1234567890123,False\n"
              "\"say \"\"hi\"\", now\",\"['say \"\"hi\"\", now', '\xC3\xA9t\xC3\xA9']\","
              "\"[['say \"\"hi\"\", now', '\xC3\xA9t\xC3\xA9'], []]\",0.2,-2469135780246,True\n"
              "\xC3\xA9t\xC3\xA9,\"['\xC3\xA9t\xC3\xA9', 'two\\nlines\\ttab', '']\",\"[[], [], "
              "['\xC3\xA9t\xC3\xA9']]\",0.3,-3703703670369,False\n"
              "\"two\nlines\ttab\",[],[],0.4,-4938271560492,True\n"
              ",[''],\"[['', 'a']]\",0.5,-6172839450615,False\n"
              ",,,,,\n"));
    table_free(t);
}
static sgf_status table_csv(const char *text, struct table **t, sgf_error *err) {
    return csv_read("x.csv", text, strlen(text), NULL, t, err);
}
static void test_csv_reads_quotes_lines_and_marks(void) {
    sgf_error err;
    struct table *t;
    MUST(table_csv("\xEF\xBB\xBF"
                   "a,\"b,\"\"c\"\n1,\"two\r\nlines\"\r\n\n\"\",x\"y\n3,",
                   &t, &err),
         err);
    CHECK(table_columns(t) == 2 && table_rows(t) == 3);
    CHECK(!strcmp(table_name(t, 0), "a") && !strcmp(table_name(t, 1), "b,\"c"));
    CHECK(table_is(cell_text(t, 1, 0), "two\r\nlines"));
    CHECK(table_is(cell_text(t, 0, 1), "") && table_is(cell_text(t, 1, 1), "x\"y"));
    CHECK(table_is(cell_text(t, 0, 2), "3") && table_is(cell_text(t, 1, 2), ""));
    table_free(t);
    t = NULL;
    CHECK(table_csv("a,b\n1,2\n\"3\n", &t, &err) &&
          strstr(err.message, "line 3, column 1: a quoted field without"));
    CHECK(table_csv("a,b\n1,2\n3\n", &t, &err) &&
          strstr(err.message, "row at line 3 has 1 fields, the header has 2"));
    CHECK(table_csv("a,b\n1,2,3\n", &t, &err) && strstr(err.message, "line 2 has 3 fields"));
    CHECK(table_csv("a,b\n\"1\"x,2\n", &t, &err) &&
          strstr(err.message, "line 2, column 4: text after"));
    CHECK(table_csv("a,b\n1,\xE9\n", &t, &err) &&
          strstr(err.message, "line 2, column 3: a byte that is not UTF-8"));
    CHECK(table_csv("", &t, &err) && strstr(err.message, "empty"));
    CHECK(csv_read("x.csv", "a\0b", 3, NULL, &t, &err) && strstr(err.message, "zero byte") && !t);
}
/* An empty line would not be a row, whatever is missing there. */
static void test_csv_of_one_column_keeps_its_empty_rows(void) {
    static const sgf_column_type types[] = {SGF_COLUMN_UTF8, SGF_COLUMN_LIST_UTF8, SGF_COLUMN_F64};
    char path[1024];
    int i;
    for (i = 0; i < 3; i++) {
        sgf_error err;
        struct table *t;
        sgf__map map;
        MUST(table_create(NULL, &t, &err), err);
        MUST(table_column(t, "a", types[i], NULL, &err), err);
        MUST(table_null(t, 0, &err), err);
        MUST(table_write_csv(t, table_path("one.csv", path), &err), err);
        table_free(t);
        map = table_file(path);
        CHECK(map.size == 5 && !memcmp(map.data, "a\n\"\"\n", 5));
        sgf__unmap(&map);
    }
}
/* What a text or a name may hold comes back from a CSV file, but for zero bytes. */
static void test_csv_reads_back_what_it_writes(void) {
    static const char *const names[] = {"\xEF\xBB\xBFmark", "PAR1",       "ARROW1",     "FEA1",
                                        "BZh91AY&SY",       "PK\x03\x04", "\x04\"M\x18"};
    char path[1024];
    sgf_error err;
    struct table *t;
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        MUST(table_create(NULL, &t, &err), err);
        MUST(table_column(t, names[i], SGF_COLUMN_UTF8, NULL, &err), err);
        MUST(table_column(t, "b", SGF_COLUMN_UTF8, NULL, &err), err);
        MUST(table_text(t, 0, sgf__text_of("a\0\"\0", 4), &err), err);
        MUST(table_text(t, 1, sgf__text_of("\0", 1), &err), err);
        MUST(table_write_csv(t, table_path("back.csv", path), &err), err);
        table_free(t);
        MUST(table_read(path, NULL, &t, &err), err);
        CHECK(!strcmp(table_name(t, 0), names[i]) && table_rows(t) == 1);
        CHECK(table_is(cell_text(t, 0, 0), "a\xEF\xBF\xBD\"\xEF\xBF\xBD"));
        CHECK(table_is(cell_text(t, 1, 0), "\xEF\xBF\xBD"));
        table_free(t);
    }
    MUST(table_create(NULL, &t, &err), err);
    CHECK(table_write_csv(t, table_path("none.csv", path), &err) == SGF_ERR_ARG &&
          strstr(err.message, "none.csv: not written: a table without columns"));
    CHECK(!fopen(path, "rb"));
    table_free(t);
}
/* Files may have a name twice: the first goes to the first, the second to the second. */
static void test_columns_of_one_name_stay_apart(void) {
    static const char *const more[] = {"x,a,x\n3,-,4\n", "a,x,x\n-,3,4\n", "x,x,a\n3,4,-\n"};
    char path[1024];
    sgf_error err;
    size_t i;
    for (i = 0; i < 3; i++) {
        struct table *t, *from;
        MUST(table_csv("x,x,a\n1,2,+\n", &t, &err), err);
        MUST(table_csv(more[i], &from, &err), err);
        MUST(table_append(t, from, &err), err);
        table_free(from);
        MUST(table_write_csv(t, table_path("twice.csv", path), &err), err);
        CHECK(table_file_is(path, "x,x,a\n1,2,+\n3,4,-\n"));
        CHECK(table_write_jsonl(t, table_path("twice.jsonl", path), &err) == SGF_ERR_ARG &&
              strstr(err.message, "twice.jsonl: not written: columns 1 and 2, ") &&
              strstr(err.message, "both named 'x'"));
        CHECK(!fopen(path, "rb"));
        MUST(table_write_feather(t, table_path("twice.feather", path), &err), err);
        MUST(table_csv("x,a,a\n1,2,3\n", &from, &err), err);
        CHECK(table_append(t, from, &err) == SGF_ERR_ARG && table_rows(t) == 2);
        CHECK(strstr(err.message, "column 'x' (utf8) of the first has no equal"));
        table_free(from);
        table_drop(t, 1);
        MUST(table_write_jsonl(t, table_path("twice.jsonl", path), &err), err);
        CHECK(table_file_is(path, "{\"x\": \"1\", \"a\": \"+\"}\n{\"x\": \"3\", \"a\": \"-\"}\n"));
        CHECK(!remove(path));
        table_free(t);
    }
}
/* What no column can hold is named, with the record where it began. */
static void test_json_that_no_column_holds_is_named(void) {
    static const char *const cases[][2] = {{"[[[1]]]", "mixed lists (from record 2 on)"},
                                           {"[{}]", "lists of objects (from record 2 on)"},
                                           {"{\"b\": 1}", "objects (from record 2 on)"},
                                           {"[1, [\"x\"]]", "mixed lists (from record 2 on)"}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        sgf_error err;
        struct table *t;
        snprintf(text, sizeof text, "{\"a\": null}\n{\"a\": %s}\n", cases[i][0]);
        MUST(table_parse_file("x.jsonl", text, strlen(text), NULL, &t, &err), err);
        CHECK(table_type(t, 0) == TABLE_OTHER);
        CHECK(!strcmp(table_type_text(t, 0), cases[i][1]));
        CHECK(!strcmp(table_format(t), "JSON lines"));
        table_free(t);
    }
}
/* What Python's csv and pandas write of cells with commas, quotes, lines, ... */
static void test_csv_of_python_gives_its_cells(void) {
    golden_cases g;
    int cases = 0;
    for (golden_open(&g, "csv"); golden_next(&g); cases++) {
        base_arena arena;
        json_doc json;
        sgf_error err;
        struct table *t;
        uint32_t row = 1, cell;
        size_t k;
        int c;
        base_arena_init(&arena, NULL);
        MUST(json_parse("cells", g.field[1].ptr, g.field[1].len, &arena, &json, &err), err);
        MUST(table_parse_file("x.csv", g.field[0].ptr, g.field[0].len, NULL, &t, &err), err);
        CHECK(table_rows(t) + 1 == json.nodes[0].count);
        CHECK((size_t)table_columns(t) == json.nodes[1].count);
        for (k = 0; k < json.nodes[0].count && !test_errors; k++, row = json.nodes[row].next)
            for (c = 0, cell = row + 1; c < table_columns(t); c++, cell++) {
                sgf_str want = json.nodes[cell].text,
                        got = k ? cell_text(t, c, k - 1) : table_str(table_name(t, c));
                CHECK(got.len == want.len && !memcmp(got.ptr ? got.ptr : "", want.ptr, got.len));
            }
        if (test_errors) printf("    %.*s\n", (int)g.field[0].len, g.field[0].ptr);
        table_free(t);
        base_arena_free(&arena);
        if (test_errors) break;
    }
    golden_close(&g);
    CHECK(cases == 90);
}
static void test_csv_spectrum_equals_its_json(void) {
    static const char *const names[] = {"comma_in_quotes",
                                        "empty",
                                        "empty_crlf",
                                        "escaped_quotes",
                                        "json",
                                        "newlines",
                                        "newlines_crlf",
                                        "quotes_and_newlines",
                                        "simple",
                                        "simple_crlf",
                                        "utf8"};
    size_t i, row;
    NEED_DATA("csv/csvs", "csvs of github.com/maxogden/csv-spectrum; csv/json its json");
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];
        sgf_error err;
        struct table *csv, *json;
        int c;
        snprintf(path, sizeof path, "csv/csvs/%s.csv", names[i]);
        MUST(table_read(data_path(path), NULL, &csv, &err), err);
        snprintf(path, sizeof path, "csv/json/%s.json", names[i]);
        MUST(table_read(data_path(path), NULL, &json, &err), err);
        CHECK(table_columns(csv) == table_columns(json) && table_rows(csv) == table_rows(json));
        for (c = 0; c < table_columns(csv); c++)
            for (row = 0; row < table_rows(csv); row++) {
                sgf_str a = cell_text(csv, c, row);
                sgf_str b = cell_text(json, table_find(json, table_name(csv, c)), row);
                CHECK(a.len == b.len && b.ptr && !memcmp(a.ptr, b.ptr, a.len));
            }
        table_free(csv);
        table_free(json);
    }
}
static void test_table_parse_reads_python_literals(void) {
    sgf_error err;
    struct table *t;
    size_t n;
    const sgf_str *list;
    MUST(table_csv(
             "list,nested,f,i,b\n"
             "\"['a', \"\"it's\"\", '\\x41\\u00e9\\U0001f600\\n\\'\\101\\q', None]\",\"[('a',), "
             "[], None]\","
             "1e-07,-9223372036854775808,True\n"
             "\"('x','y',)\",[],nan,0,False\n"
             ",,,,\n"
             "\"['p' 'q'\n 'r']\",\"[ array(['u'], dtype=object)\n array([], dtype=object) "
             "]\",-inf,9223372036854775807,true\n",
             &t, &err),
         err);
    MUST(table_parse(t, 0, SGF_COLUMN_LIST_UTF8, &err), err);
    MUST(table_parse(t, 1, SGF_COLUMN_LIST_LIST_UTF8, &err), err);
    MUST(table_parse(t, 2, SGF_COLUMN_F64, &err), err);
    MUST(table_parse(t, 3, SGF_COLUMN_I64, &err), err);
    MUST(table_parse(t, 4, SGF_COLUMN_BOOL, &err), err);
    list = cell_list(t, 0, 0);
    CHECK(cell_count(t, 0, 0) == 4 && table_is(list[1], "it's"));
    CHECK(table_is(list[2], "A\xC3\xA9\xF0\x9F\x98\x80\n'A\\q") && !list[3].ptr);
    CHECK(cell_count(t, 0, 1) == 2 && cell_null(t, 0, 2) && cell_count(t, 0, 3) == 3);
    CHECK(table_is(cell_list(t, 0, 3)[2], "r"));
    CHECK(cell_count(t, 1, 0) == 3 && table_is(cell_inner(t, 1, 0, 0, &n)[0], "a") && n == 1);
    CHECK(cell_count(t, 1, 1) == 0 && !cell_null(t, 1, 1) && cell_count(t, 1, 3) == 2);
    CHECK(table_is(cell_inner(t, 1, 3, 0, &n)[0], "u") && !cell_inner(t, 1, 3, 1, &n) && n == 0);
    CHECK(cell_f64(t, 2, 0) == 1e-07 && cell_f64(t, 2, 1) != cell_f64(t, 2, 1));
    CHECK(cell_i64(t, 3, 0) == INT64_MIN && cell_i64(t, 3, 3) == INT64_MAX);
    CHECK(cell_bool(t, 4, 0) && !cell_bool(t, 4, 1) && cell_null(t, 4, 2) && cell_bool(t, 4, 3));
    table_free(t);
    MUST(table_csv("x\n12\n\"['a', 1]\"\n", &t, &err), err);
    CHECK(table_parse(t, 0, SGF_COLUMN_LIST_UTF8, &err) == SGF_ERR_FORMAT &&
          strstr(err.message, "'x', row 1"));
    CHECK(table_parse(t, 0, SGF_COLUMN_I64, &err) == SGF_ERR_FORMAT &&
          strstr(err.message, "row 2"));
    CHECK(table_is(cell_text(t, 0, 0), "12"));
    table_free(t);
}

static void test_table_parse_refuses_what_is_no_literal(void) {
    static const struct {
        sgf_column_type type;
        const char *text;
    } cases[] = {{SGF_COLUMN_LIST_UTF8, "['\\x4']"},
                 {SGF_COLUMN_LIST_UTF8, "['\\x4g']"},
                 {SGF_COLUMN_LIST_UTF8, "['\\ud800']"},
                 {SGF_COLUMN_LIST_UTF8, "['\\U00110000']"},
                 {SGF_COLUMN_LIST_UTF8, "['a"},
                 {SGF_COLUMN_LIST_UTF8, "['a'"},
                 {SGF_COLUMN_LIST_UTF8, "['a' 'b'"},
                 {SGF_COLUMN_LIST_UTF8, "['a\\"},
                 {SGF_COLUMN_LIST_UTF8, "['a\\x"},
                 {SGF_COLUMN_LIST_UTF8, "["},
                 {SGF_COLUMN_LIST_UTF8, "('a']"},
                 {SGF_COLUMN_LIST_UTF8, "{'a': 1}"},
                 {SGF_COLUMN_LIST_UTF8, "'a'"},
                 {SGF_COLUMN_LIST_UTF8, "['a'] b"},
                 {SGF_COLUMN_LIST_UTF8, "array(['a'], dtype='int)"},
                 {SGF_COLUMN_LIST_UTF8, "array(['a'], dtype=f(int]"},
                 {SGF_COLUMN_LIST_UTF8, "array(['a'], int)"},
                 {SGF_COLUMN_LIST_UTF8, "array(['a']"},
                 {SGF_COLUMN_LIST_UTF8, "array('a')"},
                 {SGF_COLUMN_LIST_LIST_UTF8, "['a']"},
                 {SGF_COLUMN_LIST_LIST_UTF8, "[['a'], 'b']"},
                 {SGF_COLUMN_LIST_LIST_UTF8, "[['a']"},
                 {SGF_COLUMN_LIST_LIST_UTF8, "None"},
                 {SGF_COLUMN_I64, "-"},
                 {SGF_COLUMN_I64, "1a"},
                 {SGF_COLUMN_I64, "1.0"},
                 {SGF_COLUMN_I64, "9223372036854775808"},
                 {SGF_COLUMN_I64, "-9223372036854775809"},
                 {SGF_COLUMN_I64, "18446744073709551616"},
                 {SGF_COLUMN_I64, "99999999999999999999"},
                 {SGF_COLUMN_F64, "-"},
                 {SGF_COLUMN_F64, "1x"},
                 {SGF_COLUMN_F64, "--1"},
                 {SGF_COLUMN_F64, "infinite"},
                 {SGF_COLUMN_BOOL, "yes"},
                 {SGF_COLUMN_BOOL, "WAHR"}};
    static const char *const good[][2] = {
        {"['a\\\nb']", "ab"}, /* a continued line */
        {"['\\7\\1012']", "\7A2"},
        {"[ 'a' , ]", "a"},
        {"array(['a'])", "a"},
        {"array(('a',), dtype=object)", "a"},
        {"['\\xE9\\u20ac\\uD7FF']", "\xC3\xA9\xE2\x82\xAC\xED\x9F\xBF"}};
    char csv[256];
    sgf_error err;
    struct table *t;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(csv, sizeof csv, "x\n\"%s\"\n", cases[i].text);
        MUST(table_csv(csv, &t, &err), err);
        err.message[0] = 0;
        if (table_parse(t, 0, cases[i].type, &err) != SGF_ERR_FORMAT ||
            !strstr(err.message, "'x', row 1: not ") || !strstr(err.message, cases[i].text))
            test_errors++, printf("    %s: %s\n", cases[i].text, err.message);
        CHECK(table_type(t, 0) == SGF_COLUMN_UTF8 && table_is(cell_text(t, 0, 0), cases[i].text));
        table_free(t);
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(csv, sizeof csv, "x\n\"%s\"\n", good[i][0]);
        MUST(table_csv(csv, &t, &err), err);
        MUST(table_parse(t, 0, SGF_COLUMN_LIST_UTF8, &err), err);
        CHECK(cell_count(t, 0, 0) == 1 && table_is(cell_list(t, 0, 0)[0], good[i][1]));
        CHECK(table_parse(t, 0, SGF_COLUMN_I64, &err) == SGF_ERR_ARG); /* it is parsed */
        table_free(t);
    }
    MUST(table_csv("x\n1\n", &t, &err), err);
    CHECK(table_parse(t, -1, SGF_COLUMN_I64, &err) == SGF_ERR_ARG);
    CHECK(table_parse(t, 1, SGF_COLUMN_I64, &err) == SGF_ERR_ARG);
    CHECK(table_parse(t, 0, TABLE_OTHER, &err) == SGF_ERR_ARG);
    MUST(table_parse(t, 0, SGF_COLUMN_UTF8, &err), err);
    MUST(table_parse(t, 0, SGF_COLUMN_F64, &err), err);
    CHECK(cell_f64(t, 0, 0) == 1);
    table_free(t);
    { /* a long cell is shown cut, between two characters */
        char text[128];
        memset(text, 'a', 59);
        snprintf(text + 59, sizeof text - 59, "\xE2\x82\xAC, and much more");
        snprintf(csv, sizeof csv, "x\n\"%s\"\n", text);
        MUST(table_csv(csv, &t, &err), err);
        CHECK(table_parse(t, 0, SGF_COLUMN_I64, &err) == SGF_ERR_FORMAT);
        CHECK(strlen(strstr(err.message, "aaa")) == 59);
        table_free(t);
    }
}
/* What there is not has no value, and no column is found beside the last. */
static void test_cells_that_are_not_there(void) {
    sgf_error err;
    struct table *t;
    size_t n = 7;
    MUST(table_csv("a,b\n1,2\n", &t, &err), err);
    CHECK(table_find(t, "c") == -1 && !table_name(t, 2) && !table_name(t, -1));
    CHECK(table_type(t, 2) == TABLE_OTHER && table_type(t, -1) == TABLE_OTHER);
    CHECK(!cell_text(t, 0, 1).ptr && !cell_text(t, 2, 0).ptr);
    CHECK(!cell_null(t, 0, 0) && !cell_list(t, 0, 0) && cell_count(t, 0, 0) == 0);
    CHECK(cell_count(t, 5, 0) == 0 && !cell_list(t, 5, 0) && !cell_bool(t, 5, 0));
    CHECK(!cell_inner(t, 0, 0, 0, &n) && n == 0);
    table_free(t);
}
/* A cell of another type, for no column, or with an impossible size: refused, and nothing has changed. */
static void test_cells_that_are_refused(void) {
    static const size_t counts[2] = {SIZE_MAX / 16, SIZE_MAX / 16};
    sgf_error err;
    struct table *t, *other;
    sgf_str text = sgf_text("x");
    size_t row = 1;
    int c, type;
    MUST(table_create(NULL, &t, &err), err);
    for (type = 0; type < TABLE_OTHER; type++) {
        char name[2] = {(char)('a' + type), 0};
        MUST(table_column(t, name, (sgf_column_type)type, &c, &err), err);
        CHECK(c == type);
    }
    CHECK(table_column(t, "z", TABLE_OTHER, &c, &err) == SGF_ERR_ARG && c == TABLE_OTHER - 1);
    for (c = -1; c <= TABLE_OTHER; c++) {
        type = c < 0 ? TABLE_OTHER : c;
        err.message[0] = 0;
        CHECK(type == SGF_COLUMN_UTF8 || table_text(t, c, text, &err) == SGF_ERR_ARG);
        CHECK(type == SGF_COLUMN_F64 || table_f64(t, c, 1, &err) == SGF_ERR_ARG);
        CHECK(type == SGF_COLUMN_I64 || table_i64(t, c, 1, &err) == SGF_ERR_ARG);
        CHECK(type == SGF_COLUMN_BOOL || table_bool(t, c, 1, &err) == SGF_ERR_ARG);
        CHECK(type == SGF_COLUMN_LIST_UTF8 || table_list(t, c, &text, 1, &err) == SGF_ERR_ARG);
        CHECK(type == SGF_COLUMN_LIST_LIST_UTF8 ||
              table_list_list(t, c, &text, &row, 1, &err) == SGF_ERR_ARG);
        CHECK(strstr(err.message, type == TABLE_OTHER ? "there is no column" : " holds "));
    }
    CHECK(table_null(t, -1, &err) == SGF_ERR_ARG && table_null(t, 99, &err) == SGF_ERR_ARG);
    CHECK(table_list_list(t, SGF_COLUMN_LIST_LIST_UTF8, NULL, counts, 2, &err) == SGF_ERR_LIMIT);
    CHECK(table_metadata_set(t, "k\xFF", text, &err) == SGF_ERR_ARG);
    CHECK(table_metadata_set(t, "k", sgf_text("v\xC3"), &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "UTF-8") && !table_metadata_get(t, "k").ptr);
    CHECK(table_append(t, t, &err) == SGF_ERR_ARG);
    CHECK(table_rows(t) == 0 && table_select(t, &row, 1, &err) == SGF_ERR_ARG);
    for (c = 0; c < TABLE_OTHER; c++) MUST(table_null(t, c, &err), err);
    CHECK(table_rows(t) == 1 && table_select(t, &row, 1, &err) == SGF_ERR_ARG);
    CHECK(cell_null(t, SGF_COLUMN_F64, 0) && !cell_null(t, SGF_COLUMN_F64, 1));
    MUST(table_create(NULL, &other, &err), err);
    MUST(table_column(other, "a", SGF_COLUMN_UTF8, NULL, &err), err);
    CHECK(table_append(t, other, &err) == SGF_ERR_ARG && table_rows(t) == 1);
    table_free(other);
    /* a folder that is not there; columns of two lengths */
    CHECK(table_write_csv(t, temp_path("none/t.csv"), &err) == SGF_ERR_IO);
    CHECK(table_write_jsonl(t, temp_path("none/t.jsonl"), &err) == SGF_ERR_IO);
    CHECK(table_write_feather(t, temp_path("none/t.feather"), &err) == SGF_ERR_IO);
    CHECK(strstr(err.message, "none/t.feather"));
    MUST(table_f64(t, SGF_COLUMN_F64, 2, &err), err);
    CHECK(table_write_csv(t, temp_path("t.csv"), &err) == SGF_ERR_ARG);
    CHECK(table_write_jsonl(t, temp_path("t.jsonl"), &err) == SGF_ERR_ARG);
    CHECK(table_write_feather(t, temp_path("t.feather"), &err) == SGF_ERR_ARG);
    CHECK(!fopen(temp_path("t.csv"), "rb") && !fopen(temp_path("t.feather"), "rb"));
    table_free(t);
}
static void test_numbers_print_as_python_prints_them(void) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1, "1.0"},
                 {-0.0, "-0.0"},
                 {1e22, "1e+22"},
                 {1e-7, "1e-07"},
                 {1e16, "1e+16"},
                 {123456789, "123456789.0"},
                 {0.0001, "0.0001"},
                 {(double)NAN, "nan"},
                 {HUGE_VAL, "inf"},
                 {-HUGE_VAL, "-inf"},
                 {5e-324, "5e-324"},
                 {1.0 / 3, "0.3333333333333333"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"}};
    char out[32];
    size_t i, n;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        n = sgf__number_print(cases[i].value, out);
        if (n != strlen(cases[i].text) || memcmp(out, cases[i].text, n) != 0)
            test_errors++, printf("    %s: %.*s\n", cases[i].text, (int)n, out);
    }
}

/* ---- JSON ---- */

static void test_json_values_decide_the_types(void) {
    static const char text[] =
        "{\"a\": null, \"n\": 1, \"l\": []}\n"
        "{\"n\": 2.5, \"a\": [[\"x\"], null, []], \"l\": [\"p\", null]}\r\n\n"
        "{\"late\": true, \"a\": [], \"o\": {\"k\": 1}, \"mixed\": 1}\n"
        "{\"mixed\": \"text\"}";
    sgf_error err;
    struct table *t;
    size_t n;
    MUST(jsonl_read("x.jsonl", text, sizeof text - 1, NULL, &t, &err), err);
    CHECK(table_rows(t) == 4 && table_columns(t) == 6);
    CHECK(table_type(t, table_find(t, "a")) == SGF_COLUMN_LIST_LIST_UTF8);
    CHECK(cell_null(t, 0, 0) && cell_count(t, 0, 1) == 3 && !cell_null(t, 0, 2) &&
          cell_null(t, 0, 3));
    CHECK(table_is(cell_inner(t, 0, 1, 0, &n)[0], "x"));
    CHECK(table_type(t, 1) == SGF_COLUMN_F64 && cell_f64(t, 1, 0) == 1 && cell_f64(t, 1, 1) == 2.5);
    CHECK(table_type(t, 2) == SGF_COLUMN_LIST_UTF8 && cell_count(t, 2, 1) == 2 &&
          !cell_list(t, 2, 1)[1].ptr);
    CHECK(table_type(t, table_find(t, "late")) == SGF_COLUMN_BOOL &&
          cell_null(t, table_find(t, "late"), 0));
    CHECK(table_type(t, table_find(t, "o")) == TABLE_OTHER);
    CHECK(strstr(table_type_text(t, table_find(t, "mixed")), "record 4") != NULL);
    CHECK(table_write_csv(t, temp_path("other.csv"), &err) == SGF_ERR_UNSUPPORTED &&
          strstr(err.message, "'o'"));
    table_free(t);
    t = NULL;
    CHECK(jsonl_read("x.jsonl", "{}\n{\"a\": }", 10, NULL, &t, &err) &&
          strstr(err.message, "x.jsonl, line 2"));
    CHECK(jsonl_read("x.json", "[{}, 3]", 7, NULL, &t, &err) &&
          strstr(err.message, "record 2 is not an object"));
    CHECK(jsonl_read("x.json", "[{\"a\":1,\"a\":2}]", 15, NULL, &t, &err) &&
          strstr(err.message, "twice") && !t);
}
/* No digit is lost silently: what neither int64 nor float64 holds as it stands is no number of a table. */
static void test_json_numbers_keep_their_digits(void) {
    static const struct {
        const char *text;
        sgf_column_type type;
        const char *words;
    } cases[] = {
        {"{\"a\":12345678901234567890}", TABLE_OTHER,
         "whole numbers that int64 cannot hold (from record 1"},
        {"{\"a\":0.5}\n{\"a\":-9223372036854775809}", TABLE_OTHER,
         "whole numbers that int64 cannot"},
        {"{\"a\":9007199254740993}\n{\"a\":0.5}", TABLE_OTHER,
         "values of several types (from record 2"},
        {"{\"a\":0.5}\n{\"a\":-9007199254740993}", TABLE_OTHER,
         "values of several types (from record 2"},
        {"{\"a\":9007199254740992}\n{\"a\":0.5}", SGF_COLUMN_F64, "float64"},
        {"{\"a\":0.5}\n{\"a\":-9007199254740992}", SGF_COLUMN_F64, "float64"},
        {"{\"a\":1e19}\n{\"a\":1.5E300}\n{\"a\":12345678901234567890.0}", SGF_COLUMN_F64,
         "float64"},
        {"{\"a\":9223372036854775807}\n{\"a\":-9223372036854775808}", SGF_COLUMN_I64, "int64"}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgf_error err;
        struct table *t;
        MUST(jsonl_read("x.jsonl", cases[i].text, strlen(cases[i].text), NULL, &t, &err), err);
        if (table_type(t, 0) != cases[i].type || !strstr(table_type_text(t, 0), cases[i].words))
            test_errors++, printf("    %s: %s\n", cases[i].text, table_type_text(t, 0));
        table_free(t);
    }
}
/* A list of nulls may be one of texts or of lists: what comes before or behind it decides. */
static void test_json_lists_of_nulls_are_lists_of_either_kind(void) {
    static const char *const cases[] = {"{\"a\": [null]}\n{\"a\": []}\n{\"a\": [null, null]}\n"
                                        "{\"a\": null}\n{\"a\": [[\"x\", null], []]}\n",
                                        "{\"a\": [[\"x\", null], []]}\n{\"a\": [null, null]}\n"};
    static const char other[] = "{\"a\": [null, \"x\"]}\n{\"a\": [[\"x\"]]}\n";
    char path[1024];
    sgf_error err;
    struct table *t;
    size_t i;
    for (i = 0; i < 2; i++) {
        MUST(jsonl_read("x.jsonl", cases[i], strlen(cases[i]), NULL, &t, &err), err);
        CHECK(table_type(t, 0) == SGF_COLUMN_LIST_LIST_UTF8);
        MUST(table_write_jsonl(t, table_path("nulls.jsonl", path), &err), err);
        CHECK(table_file_is(path, cases[i]));
        table_free(t);
    }
    MUST(jsonl_read("x.jsonl", other, strlen(other), NULL, &t, &err), err);
    CHECK(strstr(table_type_text(t, 0), "several types (from record 2"));
    table_free(t);
}
/* Members in any order find their columns; none may come twice, whatever its value and type. */
static void test_json_members_have_one_column_each(void) {
    static const char *const twice[] = {"{\"a\":1,\"a\":null}", "{\"a\":null,\"a\":1}",
                                        "{\"a\":null,\"a\":null}", "{\"a\":{},\"b\":1,\"a\":{}}"};
    sgf__buf text;
    sgf_error err;
    struct table *t = NULL;
    size_t i, k;
    for (i = 0; i < 4; i++)
        CHECK(jsonl_read("x.jsonl", twice[i], strlen(twice[i]), NULL, &t, &err) == SGF_ERR_FORMAT &&
              strstr(err.message, "x.jsonl: record 1 has the member 'a' twice") && !t);
    sgf__buf_init(&text, NULL);
    for (k = 0; k < 50; k++)
        for (i = 0; i < 50; i++) {
            char member[64];
            snprintf(member, sizeof member, "%s\"%.*s%d\": %d%s", i ? ", " : "{", (int)(k * i % 3),
                     "cc", (int)(i * (k + 1) % 50), (int)(i * k), i == 49 ? "}\n" : "");
            if ((k + 1) % 2 == 0 || (k + 1) % 5 == 0) continue; /* not every i would be another */
            CHECK(!buf_text(&text, member, &err));
        }
    MUST(jsonl_read("x.jsonl", text.ptr, text.len, NULL, &t, &err), err);
    CHECK(table_rows(t) == 20);
    for (k = i = 0; k < 50; k++) {
        size_t m;
        if ((k + 1) % 2 == 0 || (k + 1) % 5 == 0) continue;
        for (m = 0; m < 50; m++) {
            char name[64];
            snprintf(name, sizeof name, "%.*s%d", (int)(k * m % 3), "cc", (int)(m * (k + 1) % 50));
            CHECK(cell_i64(t, table_find(t, name), i) == (int64_t)(m * k));
        }
        i++;
    }
    table_free(t);
    sgf__buf_free(&text);
}
/* The message has the line; the error's file is the path, its offset the byte of the file. */
static void test_json_errors_are_placed_in_the_file(void) {
    sgf_error err;
    struct table *t = NULL;
    CHECK(jsonl_read("x.jsonl", "{}\n  {\"a\": }\n", 14, NULL, &t, &err) == SGF_ERR_FORMAT);
    CHECK(!strcmp(err.file, "x.jsonl") && err.offset == 11 && strstr(err.message, "line 2"));
    CHECK(jsonl_read("x.jsonl", "\xEF\xBB\xBF{}\n?", 7, NULL, &t, &err) == SGF_ERR_FORMAT);
    CHECK(!strcmp(err.file, "x.jsonl") && err.offset == 6 && !t);
}

/* ---- the library's writers over borrowed arrays ---- */

/* The example of the header. */
static void test_borrowed_columns_as_in_the_header(void) {
    const sgf_str question[2] = {{"Largest planet?", 15}, {"7 + 5?", 6}};
    const sgf_str answer[3] = {{"Jupiter", 7}, {"12", 2}, {"twelve", 6}};
    const int64_t ends[2] = {1, 3};
    const double score[2] = {1, 0.5};
    const sgf_column columns[3] = {
        {.name = "question", .type = SGF_COLUMN_UTF8, .text = question},
        {.name = "answers", .type = SGF_COLUMN_LIST_UTF8, .text = answer, .ends = ends},
        {.name = "score", .type = SGF_COLUMN_F64, .f64 = score}};
    const sgf_table table = {.columns = columns, .n_columns = 3, .rows = 2};
    char path[1024];
    sgf_error err;
    struct table *t;
    MUST(sgf_table_write_csv(&table, table_path("scores.csv", path), NULL, &err), err);
    CHECK(table_file_is(path, "question,answers,score\nLargest planet?,['Jupiter'],1.0\n"
                              "7 + 5?,\"['12', 'twelve']\",0.5\n"));
    MUST(sgf_table_write_feather(&table, table_path("scores.feather", path), NULL, &err), err);
    MUST(table_read(path, NULL, &t, &err), err);
    CHECK(table_rows(t) == 2 && table_columns(t) == 3);
    CHECK(table_is(cell_text(t, 0, 1), "7 + 5?") && cell_f64(t, 2, 1) == 0.5);
    CHECK(cell_count(t, 1, 1) == 2 && table_is(cell_list(t, 1, 1)[1], "twelve"));
    CHECK(cell_count(t, 1, 0) == 1 && !strcmp(table_type_text(t, 2), "float64"));
    table_free(t);
}
/* Every type with a null; bytes that are not UTF-8 in names of keys, values and cells. */
static void test_borrowed_columns_of_every_type(void) {
    const sgf_str text[4] = {{"a\xFFz", 3}, {NULL, 0}, {"\xE2\x82", 2}, {"'\xC3", 2}};
    const int64_t ends[3] = {2, ~(int64_t)2, 4}, inner[3] = {1, ~(int64_t)1, 4};
    const int64_t lists[3] = {2, ~(int64_t)2, 3}, i64[3] = {INT64_MIN, 7, 0};
    const double f64[3] = {0, 1, -1};
    const int64_t none[3] = {0, 0, 0};
    const uint8_t null[3] = {0, SGF_CELL_NULL, 0}, bools[3] = {1, SGF_CELL_NULL, 0};
    const sgf_metadata metadata[1] = {{"k\xFF", {"v\xC3", 2}}};
    sgf_column columns[6];
    sgf_table table;
    char path[1024];
    sgf_error err;
    struct table *t;
    int c;
    memset(columns, 0, sizeof columns);
    memset(&table, 0, sizeof table);
    for (c = 0; c < 6; c++) columns[c].type = (sgf_column_type)c;
    columns[0].name = "t", columns[0].text = text;
    columns[1].name = "l", columns[1].text = text, columns[1].ends = ends;
    columns[2].name = "ll", columns[2].text = text, columns[2].ends = lists;
    columns[2].inner = inner;
    columns[3].name = "f", columns[3].f64 = f64, columns[3].flags = null;
    columns[4].name = "i", columns[4].i64 = i64;
    columns[5].name = "b", columns[5].flags = bools;
    table.columns = columns, table.n_columns = 6, table.rows = 3;
    table.metadata = metadata, table.n_metadata = 1;
    MUST(sgf_table_write_csv(&table, table_path("types.csv", path), NULL, &err), err);
    CHECK(table_file_is(path, "t,l,ll,f,i,b\n"
                              "a\xEF\xBF\xBDz,\"['a\xEF\xBF\xBDz', None]\","
                              "\"[['a\xEF\xBF\xBDz'], None]\",0.0,-9223372036854775808,True\n"
                              ",,,,7,\n"
                              "\xEF\xBF\xBD\xEF\xBF\xBD,\"['\xEF\xBF\xBD\xEF\xBF\xBD', "
                              "\"\"'\xEF\xBF\xBD\"\"]\",\"[[None, '\xEF\xBF\xBD\xEF\xBF\xBD', "
                              "\"\"'\xEF\xBF\xBD\"\"]]\",-1.0,0,False\n"));
    MUST(sgf_table_write_feather(&table, table_path("types.feather", path), NULL, &err), err);
    MUST(table_read(path, NULL, &t, &err), err);
    CHECK(table_is(table_metadata_get(t, "k\xEF\xBF\xBD"), "v\xEF\xBF\xBD"));
    for (c = 0; c < 6; c++) CHECK(cell_null(t, c, 1) == (c != 4) && !cell_null(t, c, 0));
    CHECK(table_is(cell_text(t, 0, 0), "a\xEF\xBF\xBDz"));
    CHECK(cell_count(t, 2, 0) == 2 && !cell_inner(t, 2, 0, 1, NULL));
    table_free(t);
    columns[2].inner = NULL; /* no inner lists */
    columns[2].ends = columns[1].ends = none;
    MUST(sgf_table_write_feather(&table, table_path("empty.feather", path), NULL, &err), err);
    MUST(table_read(path, NULL, &t, &err), err);
    CHECK(table_rows(t) == 3 && cell_count(t, 2, 2) == 0 && !cell_null(t, 2, 2));
    table_free(t);
    table.rows = table.n_columns = 0;
    CHECK(sgf_table_write_csv(&table, path, NULL, &err) == SGF_ERR_ARG);
}
static void test_borrowed_columns_that_are_refused(void) {
    const sgf_str text[2] = {{"a", 1}, {"b", 1}};
    const int64_t ends[2] = {2, 1};
    sgf_column column;
    sgf_table table;
    sgf_error err;
    sgf__map map;
    char path[1024];
    memset(&column, 0, sizeof column);
    memset(&table, 0, sizeof table);
    table.columns = &column, table.n_columns = 1, table.rows = 2;
    column.name = "column", column.text = text, column.ends = ends;
    column.type = SGF_COLUMN_LIST_UTF8; /* ends that descend */
    CHECK(sgf_table_write_feather(&table, table_path("refused.feather", path), NULL, &err) ==
          SGF_ERR_LIMIT);
    CHECK(strstr(err.message, "'column', row 1"));
    column.type = SGF_COLUMN_TYPE_COUNT;
    CHECK(sgf_table_write_feather(&table, path, NULL, &err) == SGF_ERR_ARG);
    CHECK(sgf_table_write_csv(&table, path, NULL, &err) == SGF_ERR_ARG);
    CHECK(strstr(err.message, "'column'") && !strcmp(err.file, path));
    CHECK(sgf__map_file(path, NULL, &map, NULL) && map.missing);
}

/* ---- Arrow ---- */

static void table_small_batches(sgf__writer *w) {
    w->batch_rows = 7;
    w->batch_bytes = w->row_bytes = 40;
    sgf__feather_write(w);
}
static void table_tiny_batches(sgf__writer *w) {
    w->batch_bytes = w->row_bytes = 2;
    sgf__feather_write(w);
}
static sgf_status table_write_batches(const struct table *t, const char *path,
                                      void (*body)(sgf__writer *w), sgf_error *err) {
    table_loan loan;
    sgf_status status = table_lend(t, path, &loan, err);
    if (status) return status;
    status = sgf__table_write(&loan.table, path, NULL, body, err);
    table_lend_end(&loan);
    return status;
}
static void test_feather_gives_back_the_table(void) {
    static const size_t sizes[] = {0, 1, 8, 100};
    char lines[1024], feather[1024], again[1024];
    size_t i;
    for (i = 0; i < 4; i++) {
        sgf_error err;
        struct table *t = table_sample(sizes[i], NULL, &err), *back;
        int c;
        CHECK(t != NULL);
        MUST(table_write_feather(t, table_path("t.feather", feather), &err), err);
        MUST(table_read(feather, NULL, &back, &err), err);
        CHECK(table_rows(back) == sizes[i] && table_columns(back) == 6);
        for (c = 0; c < 6; c++) CHECK(table_type(back, c) == table_type(t, c));
        CHECK(table_is(table_metadata_get(back, "segfuse"), "{\"seed\": 1}"));
        CHECK(table_metadata_get(back, "pandas").ptr != NULL);
        MUST(table_write_jsonl(t, table_path("t.jsonl", lines), &err), err);
        MUST(table_write_jsonl(back, table_path("again.jsonl", again), &err), err);
        CHECK(table_same_files(lines, again));
        MUST(table_write_feather(back, table_path("again.feather", again), &err), err);
        CHECK(table_same_files(feather, again));
        table_free(back);
        MUST(table_write_batches(t, feather, table_small_batches, &err), err); /* the same rows */
        MUST(table_read(feather, NULL, &back, &err), err);
        MUST(table_write_jsonl(back, table_path("again.jsonl", again), &err), err);
        CHECK(table_same_files(lines, again));
        table_free(back);
        if (sizes[i] > 2)
            CHECK(table_write_batches(t, feather, table_tiny_batches, &err) == SGF_ERR_LIMIT &&
                  strstr(err.message, "row 1"));
        table_free(t);
    }
}
static void test_feather_of_no_columns_is_read(void) {
    char path[1024];
    sgf_error err;
    struct table *t;
    MUST(table_create(NULL, &t, &err), err);
    MUST(table_write_feather(t, table_path("none.feather", path), &err), err);
    table_free(t);
    MUST(table_read(path, NULL, &t, &err), err);
    CHECK(table_columns(t) == 0 && table_rows(t) == 0);
    table_free(t);
}
static void test_arrow_reads_nested_text_of_another_writer(void) {
    static const char *const files[] = {"arrow-ipc/js-nested-utf8/webq_nested.arrow_file",
                                        "arrow-ipc/js-nested-utf8/webq_nested.stream"};
    sgf__map map;
    base_arena arena;
    json_doc json;
    sgf_error err;
    size_t f, row;
    NEED_DATA("arrow-ipc/js-nested-utf8",
              "written by the npm package apache-arrow from WebQuestions (tests/README.md)");
    map = table_file(data_path("arrow-ipc/js-nested-utf8/webq_nested.json"));
    base_arena_init(&arena, NULL);
    MUST(json_parse("json", map.data, map.size, &arena, &json, &err), err);
    for (f = 0; f < 2; f++) {
        struct table *t;
        int c;
        MUST(table_read(data_path(files[f]), NULL, &t, &err), err);
        CHECK(table_columns(t) == 6 && table_rows(t) == 40);
        for (c = 0; c < 6; c++) {
            uint32_t at = json_get(&json, 0, table_name(t, c)) + 1, item, word;
            for (row = 0; row < 40; row++, at = json.nodes[at].next) {
                size_t i = 0, k = 0, n;
                CHECK((json.nodes[at].type == JSON_NULL) == cell_null(t, c, row));
                if (json.nodes[at].type == JSON_NULL) continue;
                switch (table_type(t, c)) {
                case SGF_COLUMN_UTF8: {
                    sgf_str got = cell_text(t, c, row), want = json.nodes[at].text;
                    CHECK(got.len == want.len && !memcmp(got.ptr, want.ptr, got.len));
                    break;
                }
                case SGF_COLUMN_F64: CHECK(cell_f64(t, c, row) == json_number(&json, at)); break;
                case SGF_COLUMN_LIST_UTF8:
                    CHECK(cell_count(t, c, row) == json.nodes[at].count);
                    for (item = at + 1; item < json.nodes[at].next; item++, i++) {
                        sgf_str got = cell_list(t, c, row)[i], want = json.nodes[item].text;
                        CHECK((got.ptr == NULL) == (json.nodes[item].type == JSON_NULL));
                        if (got.ptr)
                            CHECK(got.len == want.len && !memcmp(got.ptr, want.ptr, got.len));
                    }
                    break;
                default:
                    CHECK(cell_count(t, c, row) == json.nodes[at].count);
                    for (item = at + 1; item < json.nodes[at].next;
                         item = json.nodes[item].next, i++) {
                        const sgf_str *inner = cell_inner(t, c, row, i, &n);
                        CHECK(n == json.nodes[item].count);
                        for (word = item + 1, k = 0; k < n; word++, k++)
                            CHECK(inner[k].len == json.nodes[word].text.len &&
                                  !memcmp(inner[k].ptr, json.nodes[word].text.ptr, inner[k].len));
                    }
                }
            }
        }
        table_free(t);
    }
    base_arena_free(&arena);
    sgf__unmap(&map);
}
/* Without its unreadable columns, as Feather, which takes names twice. */
static sgf_status table_dump(const char *path, const char *out, sgf_error *err) {
    struct table *t;
    int c;
    sgf_status status = table_read(path, NULL, &t, err);
    if (status) return status;
    for (c = table_columns(t); c-- > 0;)
        if (table_type(t, c) == TABLE_OTHER) table_drop(t, c);
    status = table_write_feather(t, out, err);
    table_free(t);
    return status;
}
/* Call visit(path) for every file of a folder. */
static void table_visit(const char *folder, void (*visit)(const char *path)) {
    char path[2048];
    struct dirent *entry;
    DIR *dir = opendir(folder);
    CHECK(dir != NULL);
    if (!dir) return;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        visit(path);
    }
    closedir(dir);
}
/* Every golden file is read, except for ZSTD; the file and the stream of a pair hold the same rows.
 */
static void table_check_golden(const char *path) {
    char stream[2048], one[1024], two[1024];
    sgf_error err;
    sgf_status status;
    size_t n = strlen(path);
    if (n < 11 || strcmp(path + n - 11, ".arrow_file")) return;
    snprintf(stream, sizeof stream, "%.*s.stream", (int)n - 11, path);
    status = table_dump(path, table_path("file.feather", one), &err);
    if (strstr(path, "zstd")) {
        CHECK(status == SGF_ERR_UNSUPPORTED && strstr(err.message, "ZSTD"));
        return;
    }
    if (status || table_dump(stream, table_path("stream.feather", two), &err))
        printf("    %s\n", err.message);
    CHECK(!status && table_same_files(one, two));
}
static void test_arrow_reads_every_golden_file(void) {
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
    for (i = 0; i < 7; i++) {
        char folder[1200];
        snprintf(folder, sizeof folder, "%s/arrow-ipc/integration/%s", data_folder, folders[i]);
        table_visit(folder, table_check_golden);
    }
}

/* ---- hostile files ---- */

/* Bytes that may be anything: an answer or an error, no leak, memory in proportion. */
static void table_feed(const char *name, const char *bytes, size_t size) {
    test_heap heap;
    sgf_allocator mem = test_heap_init(&heap, 0);
    struct table *t = NULL;
    sgf_error err;
    sgf_status status;
    heap.most = ((size_t)48 << 20) + 4096 * size; /* LZ4 can gain a factor 255 */
    status = table_parse_file(name, bytes, size, &mem, &t, &err);
    CHECK((status == SGF_OK) == (t != NULL));
    CHECK(status != SGF_ERR_MEMORY);
    if (status) CHECK(err.message[0] != 0);
    table_free(t);
    CHECK(heap.used == 0);
    t = NULL;
    if (!arrow_read(name, bytes, size, &mem, &t, &err)) table_free(t);
    CHECK(heap.used == 0);
}
static void table_feed_file(const char *path) {
    sgf__map map = table_file(path);
    CHECK(map.data != NULL);
    if (map.data) table_feed(path, map.data, map.size);
    sgf__unmap(&map);
}
/* Every format's parser gets what the fuzzers begin with, whatever format that is. */
static void test_files_of_other_formats_give_clean_errors(void) {
    static const char *const folders[] = {"arrow", "csv",         "jsonl",     "json",  "lz4",
                                          "npy",   "safetensors", "tokenizer", "stream"};
    size_t i;
    for (i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char folder[64];
        snprintf(folder, sizeof folder, "tests/corpus/%s", folders[i]);
        table_visit(folder, table_feed_file);
    }
    table_visit("tests/golden/data/arrow", table_feed_file);
}
static void test_hostile_files_give_clean_errors(void) {
    NEED_DATA("arrow-ipc/fuzz-file",
              "data/arrow-ipc-file of github.com/apache/arrow-testing (tests/README.md)");
    table_visit(data_path("arrow-ipc/fuzz-file"), table_feed_file);
    table_visit(data_path("csv/arrow-csv/fuzzing"), table_feed_file);
    table_feed_file(data_path("arrow-ipc/forward-compatibility/schema_v6.arrow"));
}
static void test_damaged_files_give_clean_errors(void) {
    static const uint64_t words[] = {
        0, 1, 0x7fffffff, 0xffffffff, (uint64_t)1 << 40, INT64_MAX, UINT64_MAX, UINT64_MAX - 7};
    static const char *const names[] = {"d.feather", "d.csv", "d.jsonl"};
    char path[1024];
    unsigned char *copy;
    sgf_error err;
    size_t at, k;
    uint32_t seed = 1;
    int f;
    struct table *t = table_sample(12, NULL, &err);
    CHECK(t != NULL);
    for (f = 0; f < 3; f++) {
        sgf__map map;
        table_path(names[f], path);
        if (f == 0) MUST(table_write_feather(t, path, &err), err);
        if (f == 1) MUST(table_write_csv(t, path, &err), err);
        if (f == 2) MUST(table_write_jsonl(t, path, &err), err);
        map = table_file(path);
        copy = (unsigned char *)malloc(map.size);
        for (at = 0; at < map.size;
             at += f ? 1 : 3) { /* cut short: an exact copy, so that ASan sees its end */
            char *cut = (char *)malloc(at + 1);
            memcpy(cut, map.data, at);
            table_feed(path, cut, at);
            free(cut);
        }
        for (at = 0; f == 0 && at + 8 <= map.size; at += 4)
            for (k = 0; k < sizeof words / sizeof words[0]; k++) {
                memcpy(copy, map.data, map.size);
                memcpy(copy + at, &words[k], 8);
                table_feed(path, (const char *)copy, map.size);
            }
        for (k = 0; k < 2000; k++) {
            memcpy(copy, map.data, map.size);
            for (at = 0; at < 1 + k % 4; at++) {
                seed = seed * 1664525u + 1013904223u;
                copy[seed % map.size] = (unsigned char)(seed >> 24);
            }
            table_feed(path, (const char *)copy, map.size);
        }
        free(copy);
        sgf__unmap(&map);
    }
    table_free(t);
}
static void test_a_failing_allocation_leaks_nothing(void) {
    static const char *const names[] = {"m.feather", "m.csv", "m.jsonl"};
    char path[1024], out[1024];
    size_t fail;
    int f;
    for (f = 0; f < 3; f++) {
        for (fail = 0; fail < 400; fail++) { /* round 0 never fails and leaves the file */
            test_heap heap;
            sgf_allocator mem = test_heap_init(&heap, fail);
            sgf_error err;
            struct table *t = table_sample(9, &mem, &err), *back = NULL;
            table_path(names[f], path);
            table_path("m.out", out);
            if (t && f == 0) table_write_feather(t, fail ? out : path, &err);
            if (t && f == 1) table_write_csv(t, fail ? out : path, &err);
            if (t && f == 2) table_write_jsonl(t, fail ? out : path, &err);
            if (!table_read(path, &mem, &back, &err)) {
                if (f == 1) table_parse(back, 2, SGF_COLUMN_LIST_LIST_UTF8, &err);
                if (t) table_append(t, back, &err);
            }
            table_free(t);
            table_free(back);
            CHECK(heap.used == 0);
        }
    }
}
static void test_other_formats_are_refused_by_name(void) {
    static const struct {
        const char *bytes, *name;
    } cases[] = {{"PAR1....PAR1", "Parquet"},
                 {"FEA1........", "Feather version 1"},
                 {"\x28\xB5\x2F\xFD....", "ZSTD"},
                 {"\x1F\x8B......", "gzip"},
                 {"\x04\x22\x4D\x18....", "LZ4"},
                 {"BZh91AY&SY", "bzip2"},
                 {"\xFD"
                  "7zXZ\0.",
                  "xz"},
                 {"PK\x03\x04....", "zip"},
                 {"SQLite format 3\0", "SQLite"},
                 {"\x80\x04\x95.", "pickle"},
                 {"\xFF\xFE"
                  "a.b.c.",
                  "UTF-16"}};
    sgf_error err;
    struct table *t = NULL;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = strlen(cases[i].bytes) + 1;
        CHECK(table_parse_file("in.x", cases[i].bytes, n, NULL, &t, &err) == SGF_ERR_UNSUPPORTED);
        CHECK(strstr(err.message, cases[i].name) && strstr(err.message, "in Python: "));
        CHECK(strstr(err.message, "('in.x")); /* the line works as it stands */
    }
    CHECK(table_parse_file("in.x", "PAR1....PAR1", 12, NULL, &t, &err) == SGF_ERR_UNSUPPORTED);
    CHECK(table_parse_file("in.xlsx", "PK\x03\x04", 5, NULL, &t, &err) == SGF_ERR_UNSUPPORTED &&
          strstr(err.message, "Excel"));
    CHECK(table_read(temp_path("absent.feather"), NULL, &t, &err) == SGF_ERR_IO && !t);
}

/* ---- LZ4 ---- */

/* The texts of the frames in golden/data/lz4.txt: a period, a period that moves, noise. */
static unsigned char *table_lz4_plain(int64_t kind, size_t n) {
    unsigned char *out = (unsigned char *)malloc(n + 1);
    uint32_t x = 1;
    size_t i;
    for (i = 0; out && i < n; i++) {
        x = x * 1103515245u + 12345u;
        out[i] = (unsigned char)(kind == 0   ? 'a' + i % 7
                                 : kind == 1 ? 'a' + (i / 500 * 7 + i % 9) % 26
                                             : x >> 16 & 255);
    }
    return out;
}
/* The bytes of a field in hexadecimal, in place. */
static size_t table_unhex(sgf_str *field) {
    unsigned char *to = (unsigned char *)(uintptr_t)field->ptr;
    size_t i;
    for (i = 0; i < field->len / 2; i++) {
        char digits[3] = {0, 0, 0};
        memcpy(digits, field->ptr + 2 * i, 2);
        to[i] = (unsigned char)strtol(digits, NULL, 16);
    }
    return field->len = i;
}
/* Frames of the package lz4: blocks that are linked or not, checksums, sizes, levels. Cut anywhere, or
   with less room, they are refused; with a byte changed nothing is written outside the room, and a
   checksum of the content finds it. */
static void test_lz4_frames_of_python(void) {
    golden_cases g;
    int cases = 0;
    for (golden_open(&g, "lz4"); golden_next(&g); cases++) {
        size_t n = (size_t)golden_int(&g, 1), size = table_unhex(&g.field[2]), made = 0, at;
        const unsigned char *in = (const unsigned char *)g.field[2].ptr;
        unsigned char *plain = table_lz4_plain(golden_int(&g, 0), n),
                      *out = (unsigned char *)malloc(n + 1), *copy = (unsigned char *)malloc(size);
        const char *what = lz4_decompress(in, size, out, n, &made);
        if (what) printf("    frame %d: %s\n", cases, what);
        CHECK(!what && made == n && !memcmp(out, plain, n));
        if (n) CHECK(lz4_decompress(in, size, out, n - 1, &made) != NULL);
        for (at = 0; size < 2000 && at < size; at++) {
            CHECK(lz4_decompress(in, at, out, n, &made) != NULL);
            memcpy(copy, in, size);
            copy[at] ^= 0x55;
            made = 0;
            if (!lz4_decompress(copy, size, out, n, &made)) {
                CHECK(made <= n);
                if (in[4] & 4) CHECK(made == n && !memcmp(out, plain, n));
            }
        }
        free(plain), free(out), free(copy);
    }
    golden_close(&g);
    CHECK(cases == 23);
}
static void test_lz4_frames_decompress(void) {
    static const char *const files[][2] = {
        {"gettysburg.txt.lz4", "gettysburg.txt"},
        {"pg_control.tar.lz4", "pg_control.tar"},
        {"pi.txt.lz4", "pi.txt"},
        {"random.data.lz4", "random.data"},
        {"repeat.txt.lz4", "repeat.txt"},
        {"commons-compress/bla.tar.lz4", "commons-compress/bla.tar"},
        {"Mark.Twain-Tom.Sawyer.txt.lz4", NULL}};
    char path[256];
    size_t i, made;
    NEED_DATA("lz4/pi.txt", "from testdata of github.com/pierrec/lz4 (tests/README.md)");
    for (i = 0; i < sizeof files / sizeof files[0]; i++) {
        sgf__map in, plain;
        unsigned char *out;
        size_t room = (size_t)1 << 20;
        const char *what;
        snprintf(path, sizeof path, "lz4/%s", files[i][0]);
        in = table_file(data_path(path));
        memset(&plain, 0, sizeof plain);
        if (files[i][1]) {
            snprintf(path, sizeof path, "lz4/%s", files[i][1]);
            plain = table_file(data_path(path));
            room = plain.size;
        }
        out = (unsigned char *)malloc(room);
        made = 0;
        what = lz4_decompress((const unsigned char *)in.data, in.size, out, room, &made);
        if (what) printf("    %s: %s\n", files[i][0], what);
        CHECK(!what);
        if (files[i][1]) {
            CHECK(made == plain.size && !memcmp(out, plain.data, made));
            CHECK(lz4_decompress((const unsigned char *)in.data, in.size, out, room - 1, &made) !=
                  NULL);
            sgf__unmap(&plain);
        } else CHECK(made > 300000); /* its checksum was verified */
        free(out);
        sgf__unmap(&in);
    }
}
/* A frame with these flags (0x08: it says that it holds `content` bytes) around some blocks and what
   follows them; returns its length. */
static size_t table_lz4(unsigned char *frame, unsigned flags, unsigned size, unsigned content,
                        const char *blocks, size_t n) {
    size_t at = 6;
    memcpy(frame, "\x04\x22\x4D\x18", 4);
    frame[4] = (unsigned char)flags, frame[5] = (unsigned char)size;
    if (flags & 8) {
        memset(frame + 6, 0, 8);
        frame[6] = (unsigned char)content;
        at = 14;
    }
    frame[at] = (unsigned char)(lz4_xxh32(frame + 4, at - 4) >> 8);
    memcpy(frame + at + 1, blocks, n);
    return at + 1 + n;
}
static void test_lz4_frames_say_what_is_wrong(void) {
#define LZ4(blocks) blocks, sizeof(blocks) - 1
    static const struct {
        unsigned flags, size, content;
        const char *blocks;
        size_t n;
        const char *result; /* the bytes, or words of the error */
    } cases[] = {{0x60, 0x40, 0, LZ4("\6\0\0\0\x50hello\0\0\0\0"), "hello"},
                 {0x60, 0x40, 0, LZ4("\5\0\0\x80hello\0\0\0\0behind"), "hello"},
                 {0x60, 0x40, 0, LZ4("\0\0\0\0"), ""},
                 {0x60, 0x40, 0,
                  LZ4("\5\0\0\0\x10"
                      "a\1\0\0\0\0\0\0"),
                  "aaaaa"}, /* a match on itself */
                 {0x60, 0x40, 0,
                  LZ4("\6\0\0\0\x1F"
                      "a\1\0\1\0\0\0\0\0"),
                  "more bytes than announced"},
                 {0x60, 0x40, 0,
                  LZ4("\4\0\0\0\x10"
                      "a\1\0\0\0\0\0"),
                  "ends with a match"},
                 {0x60, 0x40, 0, LZ4("\1\0\0\0\xF0\0\0\0\0"), "a length runs past"},
                 {0x60, 0x40, 0, LZ4("\3\0\0\0\xF0\xFF\0\0\0\0\0"), "more bytes than announced"},
                 {0x60, 0x40, 0,
                  LZ4("\2\0\0\0\x60"
                      "a\0\0\0\0"),
                  "literals run past"},
                 {0x60, 0x40, 0,
                  LZ4("\3\0\0\0\x10"
                      "a\1\0\0\0\0"),
                  "without its offset"},
                 {0x60, 0x40, 0,
                  LZ4("\4\0\0\0\x10"
                      "a\0\0\0\0\0\0"),
                  "before the data"},
                 {0x60, 0x40, 0,
                  LZ4("\4\0\0\0\x10"
                      "a\2\0\0\0\0\0"),
                  "before the data"},
                 {0x60, 0x40, 0,
                  LZ4("\4\0\0\0\x1F"
                      "a\1\0\0\0\0\0"),
                  "a length runs past"},
                 {0x60, 0x40, 0,
                  LZ4("\x0D\0\0\0\xC0"
                      "abcdefghijkl\0\0\0\0"),
                  "more bytes than announced"},
                 {0x60, 0x40, 0,
                  LZ4("\x0C\0\0\x80"
                      "abcdefghijkl\0\0\0\0"),
                  "more bytes than announced"},
                 {0x60, 0x40, 0,
                  LZ4("\x0B\0\0\x80"
                      "abcdefghijk\0\0\0\0"),
                  "abcdefghijk"}, /* just fits */
                 {0x60, 0x40, 0, LZ4("\1\0\1\0\0"), "larger than the frame allows"},
                 {0x60, 0x40, 0, LZ4("\0\0\1\0\0"), "cut short"},
                 {0x60, 0x40, 0, LZ4("\2\0\0\0\x10"), "cut short"},
                 {0x60, 0x40, 0,
                  LZ4("\2\0\0\0\x10"
                      "a\0\0\0"),
                  "cut short"},
                 {0x60, 0x40, 0, LZ4(""), "cut short"},
                 {0x40, 0x40, 0,
                  LZ4("\3\0\0\0\x20"
                      "ab\4\0\0\0\0\2\0\0\0\0\0\0"),
                  "ababab"},
                 {0x60, 0x40, 0,
                  LZ4("\3\0\0\0\x20"
                      "ab\4\0\0\0\0\2\0\0\0\0\0\0"),
                  "before the data"},
                 {0x70, 0x40, 0,
                  LZ4("\2\0\0\0\x10"
                      "a\0\0\0\0\0\0\0\0"),
                  "checksum of a block"},
                 {0x70, 0x40, 0,
                  LZ4("\2\0\0\0\x10"
                      "a\0\0\0"),
                  "cut short"},
                 {0x68, 0x40, 1,
                  LZ4("\2\0\0\0\x10"
                      "a\0\0\0\0"),
                  "a"},
                 {0x68, 0x40, 2,
                  LZ4("\2\0\0\0\x10"
                      "a\0\0\0\0"),
                  "another number of bytes"},
                 {0x64, 0x40, 0,
                  LZ4("\2\0\0\0\x10"
                      "a\0\0\0\0\0\0\0\0"),
                  "checksum of the data"},
                 {0x64, 0x40, 0,
                  LZ4("\2\0\0\0\x10"
                      "a\0\0\0\0\0\0\0"),
                  "cut short"},
                 {0x20, 0x40, 0, LZ4("\0\0\0\0"), "unknown version"},
                 {0xE0, 0x40, 0, LZ4("\0\0\0\0"), "unknown version"},
                 {0x62, 0x40, 0, LZ4("\0\0\0\0"), "unknown version"},
                 {0x60, 0x30, 0, LZ4("\0\0\0\0"), "unknown version"},
                 {0x60, 0xC0, 0, LZ4("\0\0\0\0"), "unknown version"},
                 {0x60, 0x41, 0, LZ4("\0\0\0\0"), "unknown version"},
                 {0x61, 0x40, 0, LZ4("\0\0\0\0"), "needs a dictionary"}};
#undef LZ4
    unsigned char frame[64], out[12];
    size_t i, n, made;
    const char *what;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        n = table_lz4(frame, cases[i].flags, cases[i].size, cases[i].content, cases[i].blocks,
                      cases[i].n);
        memset(out, 7, sizeof out);
        what = lz4_decompress(frame, n, out, 11, &made);
        if (what ? !strstr(what, cases[i].result)
                 : made != strlen(cases[i].result) || memcmp(out, cases[i].result, made) != 0)
            test_errors++, printf("    case %d: %s\n", (int)i, what ? what : "other bytes");
        CHECK(out[11] == 7);
    }
    n = table_lz4(frame, 0x74, 0x40, 0,
                  "\2\0\0\0\x10"
                  "abbbb\0\0\0\0dddd",
                  18);
    for (i = 0; i < 4; i++) {
        frame[13 + i] = (unsigned char)(lz4_xxh32(frame + 11, 2) >> 8 * i);
        frame[21 + i] = (unsigned char)(lz4_xxh32((const unsigned char *)"a", 1) >> 8 * i);
    }
    CHECK(!lz4_decompress(frame, n, out, 11, &made) && made == 1 && out[0] == 'a');
    frame[6] ^= 1;
    what = lz4_decompress(frame, n, out, 11, &made);
    CHECK(what && strstr(what, "checksum of the header"));
    frame[6] ^= 1, frame[3] ^= 1;
    what = lz4_decompress(frame, n, out, 11, &made);
    CHECK(what && strstr(what, "not an LZ4 frame"));
    frame[3] ^= 1;
    what = lz4_decompress(frame, 6, out, 11, &made);
    CHECK(what && strstr(what, "not an LZ4 frame"));
    table_lz4(frame, 0x68, 0x40, 1, "", 0);
    what = lz4_decompress(frame, 14, out, 11, &made);
    CHECK(what && strstr(what, "cut short"));
}
static void test_lz4_refuses_broken_frames(void) {
    static const char *const files[] = {
        "malformed.block.lz4", "commons-compress/ArithmeticException.lz4",
        "commons-compress/ArrayIndexOutOfBoundsException1.lz4",
        "commons-compress/ArrayIndexOutOfBoundsException2.lz4", "repeat.txt.lz4"};
    unsigned char out[4096];
    char path[256];
    size_t i, made = 0, at;
    NEED_DATA("lz4/pi.txt", "from testdata of github.com/pierrec/lz4 (tests/README.md)");
    for (i = 0; i < 5; i++) {
        sgf__map in;
        unsigned char *copy;
        snprintf(path, sizeof path, "lz4/%s", files[i]);
        in = table_file(data_path(path));
        if (i < 4)
            CHECK(lz4_decompress((const unsigned char *)in.data, in.size, out, sizeof out, &made) !=
                  NULL);
        copy = (unsigned char *)malloc(in.size);
        for (at = 0; at < in.size; at++) {
            CHECK(lz4_decompress((const unsigned char *)in.data, at, out, sizeof out, &made) !=
                  NULL);
            memcpy(copy, in.data, in.size);
            copy[at] ^= 0x55;
            if (lz4_decompress(copy, in.size, out, sizeof out, &made) == NULL)
                CHECK(i == 4 && made <= sizeof out);
        }
        free(copy);
        sgf__unmap(&in);
    }
}
static void test_xxh32_equals_its_published_values(void) {
    CHECK(lz4_xxh32((const unsigned char *)"", 0) == 0x02CC5D05u);
    CHECK(lz4_xxh32((const unsigned char *)"a", 1) == 0x550D7456u);
    CHECK(lz4_xxh32((const unsigned char *)"abc", 3) == 0x32D153FFu);
    CHECK(lz4_xxh32((const unsigned char *)"Nobody inspects the spammish repetition", 39) ==
          0xE2293B2Fu);
}

static void tests_table(void) {
    RUN(test_table_gives_back_its_cells);
    RUN(test_table_mends_text_that_is_not_utf8);
    RUN(test_table_append_joins_shards);
    RUN(test_lists_are_made_of_lists_of_their_column);
    RUN(test_table_parse_reads_a_shared_text_once);
    RUN(test_feather_batches_are_bounded);
    RUN(test_table_select_orders_and_picks);
    RUN(test_repr_is_pythons);
    RUN(test_numbers_are_printed_as_python_does);
    RUN(test_csv_is_written_as_pandas_does);
    RUN(test_csv_reads_quotes_lines_and_marks);
    RUN(test_csv_of_one_column_keeps_its_empty_rows);
    RUN(test_csv_reads_back_what_it_writes);
    RUN(test_columns_of_one_name_stay_apart);
    RUN(test_json_that_no_column_holds_is_named);
    RUN(test_csv_of_python_gives_its_cells);
    RUN(test_table_parse_reads_python_literals);
    RUN(test_table_parse_refuses_what_is_no_literal);
    RUN(test_cells_that_are_not_there);
    RUN(test_cells_that_are_refused);
    RUN(test_numbers_print_as_python_prints_them);
    RUN(test_json_values_decide_the_types);
    RUN(test_json_numbers_keep_their_digits);
    RUN(test_json_lists_of_nulls_are_lists_of_either_kind);
    RUN(test_json_members_have_one_column_each);
    RUN(test_json_errors_are_placed_in_the_file);
    RUN(test_borrowed_columns_as_in_the_header);
    RUN(test_borrowed_columns_of_every_type);
    RUN(test_borrowed_columns_that_are_refused);
    RUN(test_feather_gives_back_the_table);
    RUN(test_feather_of_no_columns_is_read);
    RUN(test_files_of_other_formats_give_clean_errors);
    RUN(test_damaged_files_give_clean_errors);
    RUN(test_a_failing_allocation_leaks_nothing);
    RUN(test_other_formats_are_refused_by_name);
    RUN(test_lz4_frames_of_python);
    RUN(test_lz4_frames_say_what_is_wrong);
    RUN(test_xxh32_equals_its_published_values);
}
static void data_table(void) {
    RUN(test_csv_spectrum_equals_its_json);
    RUN(test_arrow_reads_nested_text_of_another_writer);
    RUN(test_arrow_reads_every_golden_file);
    RUN(test_hostile_files_give_clean_errors);
    RUN(test_lz4_frames_decompress);
    RUN(test_lz4_refuses_broken_frames);
}
