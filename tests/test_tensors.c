/* The program's reader of safetensors headers: what the library's reader says, and what it refuses. */

static void test_tensors_are_the_librarys(void) {
    static const char *const folders[] = {"models/segfuse-2m", "tests/golden/models/qwen3",
                                          "tests/golden/models/llama-headdim-f16"};
    size_t f, i, k;
    for (f = 0; f < sizeof folders / sizeof *folders; f++) {
        char path[256];
        size_t at = 0;
        sgf__folder library;
        tensors t;
        sgf_error err;
        snprintf(path, sizeof path, "%s/model.safetensors", folders[f]);
        MUST(tensors_open(&library, path, &err), err);
        MUST(tensors_read_folder(folders[f], NULL, &t, &err), err);
        for (i = 0; i < library.count; i++) {
            const sgf__stored *b = tensors_at(&library, i);
            const tensors_entry *a = &t.entries[at];
            char shape[72];
            size_t n = 1;
            if (++at > t.count) break;
            shape[0] = '[';
            for (k = 0; k < a->rank; k++)
                n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%d", k ? ", " : "",
                                      (int)a->shape[k]);
            snprintf(shape + n, sizeof shape - n, "]");
            CHECK(!base_str_compare(a->name, b->name) && !strcmp(shape, b->shape));
            CHECK(!strcmp(a->dtype, sgf__dtypes[b->dtype].name));
            CHECK(a->begin == b->begin && a->end == b->end);
        }
        CHECK(at == t.count && at > 5 && t.files == 1);
        tensors_free(&t);
        sgf__folder_close(&library);
    }
}
static void test_tensors_of_several_files(void) {
    tensors t;
    sgf_error err;
    size_t i;
    MUST(tensors_read_folder("tests/golden/models/mistral-sharded", NULL, &t, &err), err);
    CHECK(t.files > 1 && t.count > t.files);
    for (i = 1; i < t.count; i++)
        CHECK(base_str_compare(t.entries[i - 1].name, t.entries[i].name) < 0);
    tensors_free(&t);
    CHECK(tensors_read_folder("tests", NULL, &t, &err) == SGF_ERR_IO);
    tensors_free(&t);
}

/* The header, its length before it, `data` bytes behind it. Returns the size. */
static size_t tensors_make(const char *header, size_t data, char out[1024]) {
    size_t n = strlen(header), i;
    for (i = 0; i < 8; i++) out[i] = (char)(n >> 8 * i & 255);
    memcpy(out + 8, header, n);
    memset(out + 8 + n, 0, data);
    return 8 + n + data;
}
#define TENSORS_ONE(dtype, shape, span) \
    "{\"a\": {\"dtype\": " dtype ", \"shape\": " shape ", \"data_offsets\": " span "}}"
static void test_tensors_broken_headers_are_refused(void) {
    static const struct {
        const char *header;
        size_t data;
        const char *says; /* NULL: fine */
    } cases[] = {
        {"{}", 0, NULL},
        {"{\"__metadata__\": {\"format\": \"pt\"}}", 0, NULL},
        {TENSORS_ONE("\"F32\"", "[2, 1]", "[0, 8]"), 8, NULL},
        {TENSORS_ONE("\"BOOL\"", "[]", "[0, 1]"), 1, NULL},
        {TENSORS_ONE("\"F4\"", "[2]", "[0, 1]"), 1, NULL},
        {TENSORS_ONE("\"F64\"", "[0, 3]", "[0, 0]"), 0, NULL},
        {"[]", 0, "object"},
        {"{\"a\": 3}", 0, "missing"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1]}}", 0, "missing"},
        {TENSORS_ONE("\"F31\"", "[1]", "[0, 4]"), 4, "dtype"},
        {TENSORS_ONE("3", "[1]", "[0, 4]"), 4, "dtype"},
        {TENSORS_ONE("\"F32\"", "3", "[0, 4]"), 4, "not a list"},
        {TENSORS_ONE("\"F32\"", "[-1]", "[0, 4]"), 4, "whole numbers"},
        {TENSORS_ONE("\"F32\"", "[[1]]", "[0, 4]"), 4, "whole numbers"},
        {TENSORS_ONE("\"F32\"", "[1]", "[0]"), 4, "data_offsets"},
        {TENSORS_ONE("\"F32\"", "[1]", "[0.5, 4]"), 4, "data_offsets"},
        {TENSORS_ONE("\"F32\"", "[1]", "[4, 0]"), 4, "reversed"},
        {TENSORS_ONE("\"F32\"", "[2]", "[0, 4]"), 4, "do not suit"},
        {TENSORS_ONE("\"F4\"", "[1]", "[0, 0]"), 0, "do not suit"},
        {TENSORS_ONE("\"U8\"", "[4294967296, 4294967296, 2]", "[0, 0]"), 0, "2^64"},
        {TENSORS_ONE("\"F32\"", "[1]", "[4, 8]"), 8, "hole"},
        {TENSORS_ONE("\"F32\"", "[1]", "[0, 4]"), 3, "cut"},
        {TENSORS_ONE("\"F32\"", "[1]", "[0, 4]"), 5, "damaged"},
        {"{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 2]}, "
         "\"b\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [1, 3]}}",
         3, "overlap"},
        {"{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1]}, "
         "\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [1, 2]}}",
         2, "twice"},
    };
    char bytes[1024];
    tensors t;
    sgf_error err;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = tensors_make(cases[i].header, cases[i].data, bytes);
        sgf_status status = tensors_read_bytes("x", bytes, size, NULL, &t, &err);
        CHECK(cases[i].says ? status == SGF_ERR_FORMAT && strstr(err.message, cases[i].says)
                            : !status);
        if (cases[i].says ? !status || !strstr(err.message, cases[i].says) : status)
            printf("    %s: %s\n", cases[i].header, status ? err.message : "taken");
        tensors_free(&t);
    }
    CHECK(tensors_read_bytes("x", bytes, 7, NULL, &t, &err) == SGF_ERR_FORMAT);
    tensors_free(&t);
    bytes[5] = 1; /* a length of 2^40 and more */
    CHECK(tensors_read_bytes("x", bytes, 100, NULL, &t, &err) == SGF_ERR_FORMAT);
    tensors_free(&t);
    bytes[5] = 0, bytes[1] = 1;
    CHECK(tensors_read_bytes("x", bytes, 100, NULL, &t, &err) == SGF_ERR_FORMAT);
    tensors_free(&t);
}
/* An index that names what is not there, or leads out of its folder. */
static void test_tensors_broken_indexes_are_refused(void) {
    static const struct {
        const char *index, *says;
    } cases[] = {
        {"{}", "weight_map"},
        {"{\"weight_map\": {\"a\": 3}}", "name of a file"},
        {"{\"weight_map\": {\"a\": \"../one.safetensors\"}}", "name of a file"},
        {"{\"weight_map\": {\"a\": \"..\"}}", "name of a file"},
        {"{\"weight_map\": {\"b\": \"one.safetensors\"}}", "not in the file"},
        {"{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"}}", "twice"},
        {"{\"weight_map\": {\"a\": \"three.safetensors\"}}", "three.safetensors"},
    };
    char bytes[1024], dir[512], path[600];
    tensors t;
    sgf_error err;
    base_out out;
    size_t size = tensors_make(TENSORS_ONE("\"F32\"", "[1]", "[0, 4]"), 4, bytes), i;
    snprintf(dir, sizeof dir, "%s", temp_path("x"));
    dir[strlen(dir) - 2] = 0;
    for (i = 0; i < 2; i++) {
        MUST(base_out_open(&out, temp_path(i ? "two.safetensors" : "one.safetensors"), &err), err);
        base_out_write(&out, bytes, size, &err);
        MUST(base_out_close(&out, &err), err);
    }
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", dir);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        MUST(base_out_open(&out, path, &err), err);
        base_out_write(&out, cases[i].index, strlen(cases[i].index), &err);
        MUST(base_out_close(&out, &err), err);
        CHECK(tensors_read_folder(dir, NULL, &t, &err) != SGF_OK);
        CHECK(strstr(err.message, cases[i].says));
        if (!strstr(err.message, cases[i].says)) printf("    %s\n", err.message);
        tensors_free(&t);
    }
    remove(path);
}
static void test_tensors_survive_lack_of_memory(void) {
    sgf_status status = SGF_ERR_MEMORY;
    size_t fail;
    for (fail = 1; status && fail < 100; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        tensors t;
        status = tensors_read_folder("tests/golden/models/mistral-sharded", &mem, &t, NULL);
        CHECK(!status || status == SGF_ERR_MEMORY);
        tensors_free(&t);
        CHECK(!heap.used);
    }
    CHECK(!status && fail > 5);
}

static void tests_tensors(void) {
    RUN(test_tensors_are_the_librarys);
    RUN(test_tensors_of_several_files);
    RUN(test_tensors_broken_headers_are_refused);
    RUN(test_tensors_broken_indexes_are_refused);
    RUN(test_tensors_survive_lack_of_memory);
}
