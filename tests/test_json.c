/* The JSON reader: its own cases, those of golden/data, and JSONTestSuite. */
#include <dirent.h>

/* A zero-terminated copy. */
static const char *json_copy(sgf__arena *arena, sgf_str text) {
    char *copy = (char *)sgf__arena_alloc(arena, text.len + 1, 1, NULL);
    memcpy(copy, text.ptr, text.len);
    return copy;
}
/* Every value is walked over; returns how many there are. */
static size_t json_walk(const sgf__json_doc *doc, const char *at) {
    size_t n = 1;
    const char *child;
    sgf_str text = json_str(doc, at), raw = sgf__json_raw(doc, at);
    CHECK(text.ptr && text.len <= raw.len && raw.len && raw.ptr + raw.len <= doc->end);
    CHECK(sgf__json_kind(at) != SGF__STRING || memchr(text.ptr, 0, text.len) || text.len > 1000 ||
          sgf__json_is(at, json_copy(doc->arena, text)));
    for (child = sgf__json_first(at); child; child = sgf__json_next(child))
        n += json_walk(doc, child);
    return n;
}
static sgf_status json_check(const char *text, size_t size, sgf_error *err) {
    sgf__arena arena;
    sgf__json_doc doc;
    sgf_status status;
    sgf__arena_init(&arena, NULL);
    status = sgf__json_open(&doc, "test", text, size, &arena, err);
    if (!status) CHECK(json_walk(&doc, doc.root) > 0);
    sgf__arena_free(&arena);
    return status;
}
/* Values are found by name, counted, unescaped; absent ones are NULL everywhere. */
static void test_json_walk(void) {
    static const char text[] =
        " {\"a\": [1, -2.5e3, {\"x]\": \"\\\"}\"}, [], {} ,null,true,false ] , \"\\u0062\" : \"\\ud83d\\ude00\\n\","
        "\"a\":7 , \"c\" : \"plain\"} ";
    const char *at, *list;
    sgf__arena arena;
    sgf__json_doc doc;
    sgf_error err;
    int64_t value = 3;
    sgf__arena_init(&arena, NULL);
    MUST(sgf__json_open(&doc, "test", text, sizeof text - 1, &arena, &err), err);
    CHECK(sgf__json_kind(doc.root) == SGF__OBJECT && sgf__json_count(doc.root) == 4);
    list = sgf__json_next(sgf__json_first(doc.root));
    CHECK(sgf__json_kind(list) == SGF__ARRAY && sgf__json_count(list) == 8);
    CHECK(sgf__json_whole(&doc, sgf__json_find(doc.root, "a"), 0, 7, &value) && value == 7);
    CHECK(!sgf__json_whole(&doc, sgf__json_find(doc.root, "a"), 8, 9, &value) && value == 7);
    CHECK(sgf__str_is(json_str(&doc, sgf__json_find(doc.root, "b")), "\xF0\x9F\x98\x80\n"));
    CHECK(sgf__str_is(json_str(&doc, sgf__json_find(doc.root, "c")), "plain"));
    at = sgf__json_next(sgf__json_first(list));
    CHECK(sgf__json_number(&doc, at) == -2500 && sgf__str_is(sgf__json_raw(&doc, at), "-2.5e3"));
    at = sgf__json_next(at);
    CHECK(sgf__json_is(sgf__json_find(at, "x]"), "\"}") && !sgf__json_is(at, "x]"));
    at = sgf__json_next(at);
    CHECK(!sgf__json_first(at) && !sgf__json_count(at) && !sgf__json_first(sgf__json_next(at)));
    CHECK(!sgf__json_find(doc.root, "d") && sgf__json_kind(NULL) == SGF__ABSENT);
    CHECK(!sgf__json_first(NULL) && !sgf__json_find(NULL, "a") && !sgf__json_is(NULL, ""));
    CHECK(!sgf__json_count(NULL) && !sgf__json_whole(&doc, NULL, 0, 1, &value));
    MUST(sgf__json_open(&doc, "test", "12", 2, &arena, &err), err); /* a root of digits alone */
    CHECK(sgf__json_number(&doc, doc.root) == 12 &&
          sgf__str_is(sgf__json_raw(&doc, doc.root), "12"));
    CHECK(sgf__json_open_object(&doc, "test", "12", 2, &arena, &err) == SGF_ERR_FORMAT);
    sgf__arena_free(&arena);
}
static sgf_status json_check_nodes(const char *text, size_t size) {
    base_arena arena;
    json_doc json;
    sgf_status status;
    base_arena_init(&arena, NULL);
    status = json_parse("test", text, size, &arena, &json, NULL);
    base_arena_free(&arena);
    return status;
}
/* The header's reader and the program's accept what Python's json accepts, but for NaN, Infinity and half
   surrogate pairs. */
static void test_json_texts_are_accepted_as_by_python(void) {
    golden_cases g;
    size_t cases = 0;
    for (golden_open(&g, "json"); golden_next(&g); cases++) {
        sgf_str text = g.field[1];
        sgf_error err;
        int accepted = !json_check(text.ptr, text.len, &err), wanted = golden_int(&g, 0) != 0;
        if (accepted != wanted)
            printf("    %.*s: %s\n", (int)text.len, text.ptr, accepted ? "accepted" : err.message);
        CHECK(accepted == wanted && accepted == !json_check_nodes(text.ptr, text.len));
    }
    golden_close(&g);
    CHECK(cases == 420);
}
/* The header's reader and the program's: every y_ file is accepted and every n_ file refused. Of the i_ files (the standard leaves them open) numbers out of range
   and deep nesting are accepted; what is not UTF-8, starts with a BOM or holds half a surrogate pair is refused. */
static void test_json_test_suite(void) {
    char folder[1024], path[1400];
    struct dirent *entry;
    size_t files = 0;
    DIR *dir;
    NEED_DATA("json/test_parsing", "test_parsing of github.com/nst/JSONTestSuite");
    snprintf(folder, sizeof folder, "%s", data_path("json/test_parsing"));
    dir = opendir(folder);
    while (dir && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        sgf__map map;
        sgf_error err;
        int accepted, wanted = name[0] == 'y';
        if (!strstr(name, ".json")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        MUST(sgf__map_file(path, NULL, &map, &err), err);
        accepted = !json_check(map.data, map.size, &err);
        CHECK(accepted == !json_check_nodes(map.data, map.size));
        if (name[0] == 'i')
            wanted = !strncmp(name, "i_number", 8) ||
                     !strcmp(name, "i_structure_500_nested_arrays.json");
        if (accepted != wanted) printf("    %s: %s\n", name, accepted ? "accepted" : err.message);
        CHECK(accepted == wanted);
        sgf__unmap(&map);
        files++;
    }
    if (dir) closedir(dir);
    CHECK(files > 300);
}
/* A hundred million brackets are refused at once, with the place. */
static void test_json_nesting_is_bounded(void) {
    size_t n = 100000000;
    char *text = (char *)malloc(n);
    sgf_error err;
    CHECK(text != NULL);
    if (!text) return;
    memset(text, '[', n);
    CHECK(json_check(text, n, &err) == SGF_ERR_FORMAT &&
          strstr(err.message, "nesting deeper than 1024"));
    CHECK(strstr(err.message, "byte 1024") != NULL);
    free(text);
}
static void test_json_numbers_in_any_locale(void) {
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"0", 0},
                 {"-0.5", -0.5},
                 {"1e-6", 1e-6},
                 {"500000.0", 5e5},
                 {"1e22", 1e22},
                 {"123456789012345678901234567890", 123456789012345678901234567890.0},
                 {"2.5e-320", 2.5e-320},
                 {"1.7976931348623157e308", 1.7976931348623157e308}};
    static const char *const comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE",
                                        "fr_FR"};
    size_t i, round;
    for (round = 0; round < 2; round++) {
        for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            double value = -1;
            CHECK(sgf__number_parse(cases[i].text, strlen(cases[i].text), &value) ==
                  strlen(cases[i].text));
            CHECK(value == cases[i].value);
        }
        { /* more digits than are kept: the last one still decides on which side of a half they are */
            char text[1200];
            double value = 0;
            memset(text, '0', sizeof text);
            memcpy(text, "9007199254740993.", 17);
            CHECK(sgf__number_parse(text, sizeof text, &value) == sizeof text &&
                  value == 9007199254740992.0);
            text[sizeof text - 1] = '1';
            CHECK(sgf__number_parse(text, sizeof text, &value) == sizeof text &&
                  value == 9007199254740994.0);
            memset(text, '1', sizeof text); /* 1.11e1199, then 1.11e299 */
            CHECK(sgf__number_parse(text, sizeof text, &value) == sizeof text && value == HUGE_VAL);
            memcpy(text + sizeof text - 5, "e-900", 5);
            CHECK(sgf__number_parse(text, sizeof text, &value) == sizeof text &&
                  value == 1.1111111111111111e294);
            memset(text, '0', sizeof text); /* 1e-1180 times 1e+1181, and other extremes */
            text[1] = '.';
            memcpy(text + 1181, "1e1181", 6);
            CHECK(sgf__number_parse(text, 1187, &value) == 1187 && value == 10);
            memcpy(text + 1181, "1e-9999999999999999999", 19);
            CHECK(sgf__number_parse(text, 1200, &value) == 1200 && value == 0);
        }
        for (i = 0; i < 5 && !setlocale(LC_ALL, comma[i]); i++) {} /* where the system has one */
    }
    setlocale(LC_ALL, "C");
}

static void tests_json(void) {
    RUN(test_json_texts_are_accepted_as_by_python);
    RUN(test_json_walk);
    RUN(test_json_nesting_is_bounded);
    RUN(test_json_numbers_in_any_locale);
}
static void data_json(void) {
    RUN(test_json_test_suite);
}
