/* What other tools write, and what stands where a file should be: read as those tools read it back, or
   refused with the cause. */

/* A table of one CSV column of that cell, which is quoted. */
static void cells_csv(const char *cell, struct table **t) {
    sgf_error err;
    char text[1024] = "answers\n\"";
    size_t n = strlen(text);
    for (; *cell; cell++) {
        if (*cell == '"') text[n++] = '"';
        text[n++] = *cell;
    }
    memcpy(text + n, "\"\n", 3);
    *t = NULL;
    MUST(table_csv(text, t, &err), err);
}
/* The texts of the first cell, with | behind each; ~ for null. */
static const char *cells_text(const struct table *t) {
    static char out[512];
    size_t lists = table_type(t, 0) == SGF_COLUMN_LIST_LIST_UTF8 ? cell_count(t, 0, 0) : 1, i, k;
    size_t n = lists == 1 ? cell_count(t, 0, 0) : 0, at = 0;
    out[0] = 0;
    for (i = 0; i < lists; i++) {
        const sgf_str *items = cell_list(t, 0, 0);
        if (table_type(t, 0) == SGF_COLUMN_LIST_LIST_UTF8) items = cell_inner(t, 0, 0, i, &n);
        for (k = 0; k < n; k++)
            at += (size_t)snprintf(out + at, sizeof out - at, "%.*s|",
                                   items[k].ptr ? (int)items[k].len : 1,
                                   items[k].ptr ? items[k].ptr : "~");
    }
    return out;
}
static void test_lists_are_read_whatever_wrote_them(void) {
    static const char *const cases[][2] = {
        /* Python */
        {"['a', \"it's\", 'tab\\t\\'']", "a|it's|tab\t'|"},
        {"('a',)", "a|"},
        {"('x)', 'y\\')')", "x)|y')|"},
        {"{'b', 'a'}", "b|a|"},
        {"frozenset({'c'})", "c|"},
        {"set()", ""},
        {"dict_keys(['a', 'b'])", "a|b|"},
        {"deque(['a'], maxlen=3)", "a|"},
        {"[u'a', None, nan, 1984, 1984.0, True]", "a|~|~|1984|1984.0|True|"},
        {"[['a', 'b'], ['c']]", "a|b|c|"},
        {"[['a'], 'b', None]", "a|b|~|"},
        {"  ['a',]\n", "a|"},
        /* NumPy */
        {"['a' \"it's\"\n 'c']", "a|it's|c|"},
        {"[1984 1985]", "1984|1985|"},
        {"[1984.  -2.5]", "1984.0|-2.5|"},
        {"[ True False]", "True|False|"},
        {"array(['a', None], dtype=object)", "a|~|"},
        {"array([['a'],\n       ['b']], dtype='<U1')", "a|b|"},
        {"array([], shape=(0, 2), dtype=float64)", ""},
        {"array(['a'], dtype=StringDType(na_object=nan))", "a|"},
        {"[np.str_('a'), np.int64(3), np.float64(nan), np.True_]", "a|3|~|True|"},
        /* pandas */
        {"<ArrowStringArray>\n['a', 'b']\nLength: 2, dtype: str", "a|b|"},
        {"['a', 'b']\nCategories (2, str): ['a', 'b']", "a|b|"},
        {"Index(['a'], dtype='str')", "a|"},
        {"[<NA>, 'a']", "~|a|"},
        /* JSON */
        {"[\"a\",\"caf\\u00e9 \\ud83d\\ude00\",\"b\\/c\",null,true,1e3]",
         "a|caf\xC3\xA9 \xF0\x9F\x98\x80|b/c|~|True|1000.0|"},
        /* DuckDB, PostgreSQL */
        {"[a, New York, 'it\\'s', 007, NULL]", "a|New York|it's|007|~|"},
        {"[[a, b], ['c, d']]", "a|b|c, d|"},
        {"[2020-01-01]", "2020-01-01|"},
        {"{Tokyo,\"New York\",NULL}", "Tokyo|New York|~|"},
        /* R */
        {"c(\"a\", NA, \"b\")", "a|~|b|"},
        {"c(1L, 2L)", "1|2|"},
        {"character(0)", ""},
        /* plain texts */
        {"Tokyo, Japan", "Tokyo, Japan|"},
        {"[X] was born in [Y]", "[X] was born in [Y]|"},
        {"(500) Days of Summer", "(500) Days of Summer|"},
        {"print(\"hello\")", "print(\"hello\")|"},
        {"\"Tokyo\"", "Tokyo|"},
        {"\"A\" and \"B\"", "\"A\" and \"B\"|"},
        {"1984", "1984|"},
        {"f(x) + f()", "f(x) + f()|"},
        {"f()", "f()|"},
        {"A(n) (B)", "A(n) (B)|"},
        {"nan", ""},
        {"None", ""},
        {"<NA>", ""},
        {"N/A", ""}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table *t;
        sgf_error err;
        cells_csv(cases[i][0], &t);
        MUST(table_parse_lists(t, 0, &err), err);
        if (strcmp(cells_text(t), cases[i][1]) != 0)
            test_errors++, printf("    %s: %s\n", cases[i][0], cells_text(t));
        CHECK(table_type(t, 0) != SGF_COLUMN_UTF8);
        table_free(t);
    }
}
static void test_what_is_no_list_is_refused_with_the_cause(void) {
    static const char *const cases[][2] = {
        {"['a' ... 'b']", "cut short"},
        {"['a', ..., 'b']", "cut short"},
        {"[   0    1 ... 1999]", "cut short"},
        {"array(['a', ..., 'b'], shape=(2000,), dtype=object)", "cut short"},
        {"[\xE2\x80\x98"
         "a\xE2\x80\x99]",
         "curly quotes"},
        {"{'a': 1}", "a dict"},
        {"{'text': ['a'], 'answer_start': [1]}", "a dict"},
        {"Counter({'a': 1})", "neither a list nor one text"},
        {"OrderedDict([('a', 1)])", "neither a list nor one text"},
        {"dict_items([('a', 1)])", "neither a list nor one text"},
        {"Series([], dtype: object)", "neither a list nor one text"},
        {"[b'a']", "bytes"},
        {"[Timestamp('2020-01-01')]", "neither a text nor a number"},
        {"[Decimal('1.5')]", "neither a text nor a number"},
        {"(unknown)", "needs quotes"},
        {"[a:b]", "needs quotes"},
        {"['a', 'b", "a text without its end"},
        {"[a, b", "a list without its end"},
        {"['it''s']", "a comma is wanted"},
        {"['a', 'b' 'c']", "two items without a comma"},
        {"[\"a\"; \"b\"]", "a comma is wanted"},
        {"[\"a\",,\"b\"]", "a comma with nothing before it"},
        {"[\"a\"]x", "text behind the list"},
        {"[[['a']]]", "lists in lists of lists"},
        {"['\\ud800']", "no character"},
        {"\"['a']\"", "quoted twice"},
        {"\"[\"\"a\"\", \"\"b\"\"]\"", "quoted twice"},
        {"<ArrowStringArray>\n['a', 'it's']\nLength: 2, dtype: str", "did not escape"},
        {"<StringArray>\n['a\\tb']\nLength: 1, dtype: string", "did not escape"},
        {"Index(['a\\tb'], dtype='str')", "did not escape"},
        {"<ArrowStringArray>\n['a', 'b']\nLength: 1, dtype: str", "another length"},
        {"shape: (1,)\nSeries: '' [str]\n[\n\t\"a\"\n]", "a Series that polars printed"},
        {"0    a\n1    b\nName: x, dtype: str", "a Series that pandas printed"},
        {"<map object at 0x7f00>", "an object that Python printed"},
        {"1984.0", "a whole number that became a float"}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table *t;
        sgf_error err;
        cells_csv(cases[i][0], &t);
        err.message[0] = 0;
        CHECK(table_parse_lists(t, 0, &err) == SGF_ERR_FORMAT);
        if (!strstr(err.message, cases[i][1]) ||
            !strstr(err.message, "'answers', row 1: not a list") ||
            !strstr(err.message, "what is read: ["))
            test_errors++, printf("    %s: %s\n", cases[i][0], err.message);
        CHECK(table_type(t, 0) == SGF_COLUMN_UTF8 && table_rows(t) == 1);
        table_free(t);
    }
}
/* What a cell is does not depend on the others. */
static void test_cells_are_read_by_themselves(void) {
    static const char *const rows[] = {"Tokyo\n", "\"['a', 'b']\"\n", "\"[['c'], []]\"\n", "\n",
                                       "nan\n"};
    int first, second;
    for (first = 0; first < 3; first++)
        for (second = 0; second < 5; second++) {
            char text[128];
            struct table *t, *alone;
            sgf_error err;
            snprintf(text, sizeof text, "x,answers\n1,%s2,%s", rows[first], rows[second]);
            MUST(table_csv(text, &t, &err), err);
            snprintf(text, sizeof text, "x,answers\n1,%s", rows[first]);
            MUST(table_csv(text, &alone, &err), err);
            table_drop(t, 0), table_drop(alone, 0);
            MUST(table_parse_lists(t, 0, &err), err);
            MUST(table_parse_lists(alone, 0, &err), err);
            snprintf(text, sizeof text, "%s", cells_text(alone));
            CHECK(!strcmp(cells_text(t), text) && text[0] && table_rows(t) == 2);
            CHECK(cell_null(t, 0, 1) == (second > 2));
            table_free(t), table_free(alone);
        }
}
static void test_texts_of_json_stay_what_they_are(void) {
    static const char text[] =
        "{\"a\": \"None\"}\n{\"a\": \"1984.0\"}\n{\"a\": \"\\\"x\\\"\"}\n{\"a\": \"['y']\"}\n";
    struct table *t;
    sgf_error err;
    MUST(jsonl_read("x.jsonl", text, strlen(text), NULL, &t, &err), err);
    MUST(table_parse_lists(t, 0, &err), err);
    CHECK(table_is(cell_list(t, 0, 0)[0], "None") && table_is(cell_list(t, 0, 1)[0], "1984.0"));
    CHECK(table_is(cell_list(t, 0, 2)[0], "\"x\"") && table_is(cell_list(t, 0, 3)[0], "y"));
    CHECK(table_parse_lists(t, 0, &err) == SGF_ERR_ARG &&
          table_parse_lists(t, 1, &err) == SGF_ERR_ARG);
    table_free(t);
}

/* ---- CSV ---- */

static void test_csv_of_other_separators(void) {
    static const char *const cases[] = {"a;b\n1,5;\"x;y\"\n",
                                        "a\tb\n1,5\tx;y\n",
                                        "a|b\r\n1,5|x;y\r\n",
                                        "sep=;\r\na;b\r\n1,5;\"x;y\"\r\n",
                                        "\xEF\xBB\xBFsep=,\na,b\n\"1,5\",x;y\n",
                                        "\"sep=\t\"\na\tb\n1,5\tx;y\n",
                                        "a\tb\n\"1,5\"\tx;y"};
    size_t i;
    struct table *t;
    sgf_error err;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MUST(table_csv(cases[i], &t, &err), err);
        CHECK(table_columns(t) == 2 && table_rows(t) == 1 && !strcmp(table_name(t, 1), "b"));
        CHECK(table_is(cell_text(t, 0, 0), "1,5") && table_is(cell_text(t, 1, 0), "x;y"));
        table_free(t);
    }
    /* commas and another one: what fits every row */
    MUST(table_csv("a;b;c, d\n1;2;3\n", &t, &err), err);
    CHECK(table_columns(t) == 3);
    table_free(t);
    MUST(table_csv("a;x,b\n1,2\n", &t, &err), err);
    CHECK(table_columns(t) == 2 && !strcmp(table_name(t, 0), "a;x"));
    table_free(t);
    CHECK(table_csv("a;b;c,d\n1;2;0,5\n", &t, &err) && strstr(err.message, "sep=';'") &&
          strstr(err.message, "is its separator a comma?"));
    CHECK(table_csv("a;b,c\n1;2;3\n", &t, &err) && strstr(err.message, "fits no better"));
    CHECK(
        table_csv("a;b\nWhat; then?;1\n", &t, &err) && strstr(err.message, "line 2 has 3 fields") &&
        strstr(err.message, "pandas.read_csv('x.csv', sep=';').to_csv('x.csv.csv', index=False)"));
    CHECK(table_csv("a\tb\n1\n", &t, &err) && strstr(err.message, "sep='\\t'"));
}
static void test_csv_that_is_something_else(void) {
    static const char *const cases[][2] = {
        {"a,b\n1,2\n\xEF\xBB\xBF"
         "a,b\n3,4\n",
         "line 3 is the header again: files were joined"},
        {"{\"a\": 1, \"b\": 2}\n", "this is JSON; name the file .jsonl"},
        {"\"a;b\"\n\"1;2\"\n", "every line is one field in quotes"},
        {"\"a,b\"\n\"1,2\"\n", "every line is one field in quotes"}};
    size_t i;
    struct table *t;
    sgf_error err;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(table_csv(cases[i][0], &t, &err) && strstr(err.message, cases[i][1]));
    CHECK(table_parse_file("x.csv", "a\0,\0b\0c\0\n\0", 10, NULL, &t, &err) &&
          strstr(err.message, "UTF-16") && strstr(err.message, "utf-16-le"));
    CHECK(table_parse_file("x.csv", "\0a\0,\0b\0c\0\n", 10, NULL, &t, &err) &&
          strstr(err.message, "utf-16-be"));
    MUST(table_csv("score\n\"0,5\"\n", &t, &err), err);
    CHECK(table_parse(t, 0, SGF_COLUMN_F64, &err) && strstr(err.message, "a decimal comma?"));
    table_free(t);
}

/* ---- JSON and Arrow ---- */

static void test_json_of_python_has_nan(void) {
    static const char text[] = "{\"f\": NaN, \"t\": NaN, \"i\": 1, \"l\": [\"x\", NaN]}\n"
                               "{\"f\": -Infinity, \"t\": \"text\", \"i\": NaN, \"l\": NaN}\n"
                               "{\"f\": 2, \"t\": NaN, \"i\": 3, \"l\": [Infinity]}\n";
    struct table *t;
    sgf_error err;
    base_buf line;
    CHECK(json_check_nodes("NaN", 3) && json_check_nodes("[-Infinity]", 11));
    MUST(jsonl_read("x.jsonl", text, strlen(text), NULL, &t, &err), err);
    CHECK(table_type(t, 0) == SGF_COLUMN_F64 && isnan(cell_f64(t, 0, 0)) && !cell_null(t, 0, 0));
    CHECK(cell_f64(t, 0, 1) == -HUGE_VAL && cell_f64(t, 0, 2) == 2);
    CHECK(table_type(t, 1) == SGF_COLUMN_UTF8 && cell_null(t, 1, 0) && cell_null(t, 1, 2));
    CHECK(table_type(t, 2) == SGF_COLUMN_F64 && isnan(cell_f64(t, 2, 1)) && cell_f64(t, 2, 2) == 3);
    CHECK(cell_count(t, 3, 0) == 2 && !cell_list(t, 3, 0)[1].ptr && cell_null(t, 3, 1));
    CHECK(table_is(cell_list(t, 3, 2)[0], "inf"));
    base_buf_init(&line, NULL);
    MUST(jsonl_row(&line, t, 1, &err), err);
    CHECK(!strcmp(line.ptr, "{\"f\": null, \"t\": \"text\", \"i\": null, \"l\": null}\n"));
    base_buf_free(&line);
    table_free(t);
    CHECK(jsonl_read("x.jsonl", "{\"a\": nan}", 10, NULL, &t, &err) &&
          strstr(err.message, "a value"));
}
static void test_json_lists_of_numbers_are_texts(void) {
    static const char text[] =
        "{\"a\": [1984, 18446744073709551616, 2.50, 1e3, true, \"x\", null]}\n{\"a\": []}\n";
    struct table *t;
    sgf_error err;
    MUST(jsonl_read("x.jsonl", text, strlen(text), NULL, &t, &err), err);
    CHECK(!strcmp(cells_text(t), "1984|18446744073709551616|2.5|1000.0|True|x|~|"));
    CHECK(!strcmp(table_type_text(t, 0), "list<utf8> of numbers"));
    table_free(t);
    MUST(jsonl_read("x.jsonl", "{\"a\": [[1], [\"b\"]]}", 19, NULL, &t, &err), err);
    CHECK(!strcmp(cells_text(t), "1|b|"));
    CHECK(!strcmp(table_type_text(t, 0), "list<list<utf8>> of numbers"));
    table_free(t);
}
/* A file of golden/tables as JSON lines. */
static void golden_table_is(const char *name, const char *want) {
    char path[256], out[1024];
    struct table *t;
    sgf_error err;
    int c;
    snprintf(path, sizeof path, "%s/tables/%s", golden_path(), name);
    MUST(table_read(path, NULL, &t, &err), err);
    for (c = table_columns(t); c-- > 0;)
        if (table_type(t, c) == TABLE_OTHER) table_drop(t, c);
    MUST(table_write_jsonl(t, table_path("golden.jsonl", out), &err), err);
    CHECK(table_file_is(out, want));
    table_free(t);
}
static void test_arrow_extension_types_and_numbers(void) {
    golden_table_is(
        "extensions.arrow",
        "{\"uuid\": \"00112233-4455-4677-8899-aabbccddeeff\", \"bool8\": true, \"json\": \"[\\\"a\\\"]\", "
        "\"uuids\": [\"00112233-4455-4677-8899-aabbccddeeff\", null], \"coded\": null}\n"
        "{\"uuid\": null, \"bool8\": false, \"json\": null, \"uuids\": [], "
        "\"coded\": \"00112233-4455-4677-8899-aabbccddeeff\"}\n");
    golden_table_is(
        "numbers.arrow",
        "{\"int\": [\"1984\", null, \"-5\"], \"double\": [\"1984.0\", \"0.1\", \"1e+20\"], "
        "\"half\": [\"1.5\"], \"bool\": [\"True\", \"False\"], \"fixed\": [\"1\", \"2\"], "
        "\"lists\": [[\"1\"], [\"2\", \"3\"]], \"coded\": [\"7\"], \"words\": [\"a\"], "
        "\"views\": [\"a\"]}\n"
        "{\"int\": null, \"double\": [null, \"-inf\"], \"half\": [], \"bool\": [null], "
        "\"fixed\": [\"3\", \"4\"], \"lists\": [null, []], \"coded\": [\"8\", \"7\"], "
        "\"words\": [\"b\", \"a\"], \"views\": [\"b\", null]}\n");
}

/* ---- what stands where a file should be ---- */

#define LFS_POINTER "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n"

static void test_stand_ins_are_named(void) {
    static const char *const cases[][2] = {
        {LFS_POINTER, "this is a Git LFS pointer"},
        {"\xEF\xBB\xBF\n<!DOCTYPE html>\n<html>\n", "a page of HTML or XML"},
        {"<HTML><body>", "a page of HTML or XML"},
        {"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>",
         "a page of HTML or XML"},
        {"Entry not found", "\"Entry not found\"; check the address"},
        {"404: Not Found\n", "a server's answer"},
        {"Invalid username or password.", "a server's answer"},
        {"{\"error\":\"Repository not found\"}", "a server's answer"},
        {"{\"message\": \"Not Found\", \"status\": \"404\"}", "a server's answer"}};
    static const char *const files[] = {"question\nnot found\n",
                                        "{\"question\": \"Why not found?\"}\n",
                                        "{\"message\": \"hi\"}\n", "version\n1\n"};
    size_t i;
    base_map map;
    sgf_error err;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_file("stand.in", cases[i][0]);
        CHECK(base_map_file(temp_path("stand.in"), NULL, &map, &err) == SGF_ERR_FORMAT &&
              strstr(err.message, cases[i][1]));
    }
    for (i = 0; i < sizeof files / sizeof files[0]; i++) {
        program_file("stand.in", files[i]);
        MUST(base_map_file(temp_path("stand.in"), NULL, &map, &err), err);
        base_unmap(&map);
    }
    program_file("p.jsonl", LFS_POINTER);
    program_says("build/segfuse convert '%s/p.jsonl' '%s/p-from-jsonl.csv'", 1,
                 "p.jsonl: this is a Git LFS pointer");
    program_says("build/segfuse forward --layout '%s/p.jsonl' --output '%s/p.npy'", 1,
                 "LFS pointer");
    program_says("build/segfuse mask --segments shared:2,cue:1 --matrix '%s/p.jsonl'", 2,
                 "LFS pointer");
    program_says(
        "build/segfuse mask --kind shared --segments shared:2,cue:1 --compare '%s/p.jsonl'", 2,
        "LFS pointer");
    program_says("mkdir -p '%s/lfs' && cp '%s/p.jsonl' '%s/lfs/state.json'", 0, "");
    program_says("build/segfuse inspect '%s/lfs'", 1, "state.json: this is a Git LFS pointer");
}

/* ---- the program ---- */

static void test_data_of_other_tools_is_read_or_refused(void) {
    program_file("c.csv",
                 "uuid,answers,question,paraphrase1,paraphrase2\nq,\"{'a', 'b'}\",x,nan,y\n"
                 "r,Tokyo,z,NA,\n");
    dataset_gives("c.csv", "",
                  "{\"uuid\": \"q\", \"answers\": [\"a\", \"b\"], \"manual\": 1, "
                  "\"paraphrases\": [\"x\", \"y\"]}\n{\"uuid\": \"r\", \"answers\": [\"Tokyo\"], "
                  "\"manual\": 1, \"paraphrases\": [\"z\"]}\n");
    program_file("c.csv", "uuid;answers;question\nq;Tokyo;What, then?\n");
    dataset_gives("c.csv", "",
                  "\"answers\": [\"Tokyo\"], \"manual\": 1, \"paraphrases\": [\"What, then?\"]");
    program_file("c.jsonl", "{\"question\": \"q\", \"answers\": [1984], \"score\": NaN}\n");
    dataset_gives("c.jsonl", "", "\"answers\": [\"1984\"]");
    program_file("c.jsonl", "{\"question\": \"q\", \"answers\": 2.5}\n");
    dataset_gives("c.jsonl", "", "\"answers\": [\"2.5\"]");
    program_file("c.jsonl", "{\"question\": \"q\", \"answers\": true}\n");
    dataset_gives("c.jsonl", "", "\"answers\": [\"True\"]");
    dataset_refuses(
        "c.jsonl", "{\"question\": \"q\", \"answers\": 1984.0}\n",
        "row 1: the column \"answers\" holds 1984.0, a whole number that became a float");
    dataset_refuses("c.jsonl", "{\"question\": \"q\", \"answers\": [\"['a', 'b']\"]}\n",
                    "row 1: its answer ['a', 'b'] is a list that was printed into a text");
    dataset_refuses("c.csv", "question,answers,answers\nq,a,b\n",
                    "columns 2 and 3, counted from 1, are both named \"answers\"");
    dataset_refuses("c.csv", "question,answers\nq,None\n", "row 1: has no answers");
    dataset_refuses(
        "c.csv", "question,answers\nq,a\nr,['a' ... 'b']\n",
        "c.csv: column 'answers', row 2: not a list of texts: ['a' ... 'b'] (it was cut");
    program_file("c.csv", "answers,note,x,x\nTokyo,[MASK],1,2\n\"{'a'}\",[1],3,4\n");
    program_says("build/segfuse convert --rewrite '%s/c.csv' '%s/c.feather'", 0,
                 "columns 3 and 4, counted from 1, are both named 'x'");
    program_says(
        "build/segfuse convert --rewrite '%s/c.feather' '%s/c2.csv' 2> /dev/null; cat '%s/c2.csv'",
        0, "answers,note,x,x\n['Tokyo'],[MASK],1,2\n['a'],[1],3,4\n");
    program_file("c.jsonl", "{\"a\": [1]}\n");
    program_says("build/segfuse convert --rewrite '%s/c.jsonl' '%s/c2.jsonl'", 0,
                 "column 'a' holds list<utf8> of numbers; they are written as texts");
}

static void tests_cells(void) {
    RUN(test_lists_are_read_whatever_wrote_them);
    RUN(test_what_is_no_list_is_refused_with_the_cause);
    RUN(test_cells_are_read_by_themselves);
    RUN(test_texts_of_json_stay_what_they_are);
    RUN(test_csv_of_other_separators);
    RUN(test_csv_that_is_something_else);
    RUN(test_json_of_python_has_nan);
    RUN(test_json_lists_of_numbers_are_texts);
    RUN(test_arrow_extension_types_and_numbers);
    RUN(test_stand_ins_are_named);
    RUN(test_data_of_other_tools_is_read_or_refused);
}
