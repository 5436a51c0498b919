/* Tokenizer: against small ones made here; against small ones that `tokenizers` trained and the ids it
   gives (golden/data); and, with real vocabularies, against the test vectors of llama.cpp and
   swift-transformers (the data of --data, unpacked with gzip). */

/* ---- helpers ---- */

/* What `command path` prints, or the file itself when command is NULL. */
static int tok_read(const char *command, const char *path, sgf__buf *out) {
    char line[2048], bytes[65536];
    FILE *file;
    size_t n;
    if (!path) return 0;
    snprintf(line, sizeof line, "%s '%s' 2>/dev/null", command ? command : "cat", path);
    file = command ? popen(line, "r") : fopen(path, "rb");
    if (!file) return 0;
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
        if (sgf__buf_add(out, bytes, n, NULL)) break;
    if (command) pclose(file);
    else fclose(file);
    return out->len > 0;
}
/* The real tokenizer `name`, or NULL. */
static sgf_tokenizer *tok_shared(const char *name) {
    char relative[256];
    sgf_tokenizer *t = NULL;
    sgf_error err;
    sgf__buf json;
    sgf__buf_init(&json, NULL);
    snprintf(relative, sizeof relative, "tokenizers/%s/tokenizer.json.gz", name);
    if (tok_read("gzip -dc", data_path(relative), &json) &&
        sgf__tokenizer_parse(name, json.ptr, json.len, NULL, &t, &err))
        test_errors++, printf("    %s\n", err.message); /* not to be taken for a missing gzip */
    sgf__buf_free(&json);
    return t;
}
static sgf_str tok_str(const char *text, size_t n) {
    sgf_str s;
    s.ptr = text;
    s.len = n;
    return s;
}
/* "1 2 3" of the ids of a text; the result lasts until the next call but one. */
static const char *tok_ids(const sgf_tokenizer *t, sgf_str text, int special) {
    static char results[2][16384];
    static int turn;
    char *out = results[turn = !turn];
    int32_t *ids = (int32_t *)malloc(sgf_encode_bound(text.len) * sizeof *ids);
    size_t count = 0, i, at = 0;
    sgf_error err;
    out[0] = 0;
    if (sgf_encode(t, text, special, ids, sgf_encode_bound(text.len), &count, &err))
        snprintf(out, 16384, "%s", err.message);
    for (i = 0; i < count && at < 16000; i++)
        at += (size_t)snprintf(out + at, 16384 - at, i ? " %ld" : "%ld", (long)ids[i]);
    free(ids);
    return out;
}
static const char *tok_encode(const sgf_tokenizer *t, const char *text) {
    return tok_ids(t, sgf_text(text), 0);
}

enum { TOK_CLEAN_UP = 2 }; /* a flag of tok_decode: the program's clean-up of the text */

static const char *tok_decode(const sgf_tokenizer *t, const char *ids, int flags) {
    static char out[16384];
    int32_t list[1024];
    size_t n = 0, len = 0;
    char *end;
    for (; *ids && n < 1024; ids = end) list[n++] = (int32_t)strtol(ids, &end, 10);
    if (sgf_decode(t, list, n, flags & ~TOK_CLEAN_UP, out, sizeof out - 1, &len, NULL))
        return "failed";
    if (flags & TOK_CLEAN_UP) len = cleanup_spaces(out, len);
    out[len] = 0;
    return out;
}
static sgf_tokenizer_info tok_info(const sgf_tokenizer *t) {
    sgf_tokenizer_info info;
    sgf_tokenizer_describe(t, &info);
    return info;
}

/* ---- small tokenizers ---- */

/* A byte-level tokenizer: byte b has the id b, each of `merges` (pairs of spellings) the next one, others up to 299;
   then `added` (text of entries; ids are the caller's). */
static void tok_byte_level(sgf__buf *json, const char *const (*merges)[2], size_t n,
                           const char *added) {
    char text[256], utf8[5] = {0};
    int byte;
    uint32_t i;
    json->len = 0;
    buf_text(json, "{\"version\":\"1.0\",\"added_tokens\":[", NULL);
    buf_text(json, added, NULL);
    buf_text(
        json,
        "],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
        "\"use_regex\":true},\"post_processor\":null,\"decoder\":{\"type\":\"ByteLevel\"},"
        "\"model\":{\"type\":\"BPE\",\"vocab\":{",
        NULL);
    for (byte = 0; byte < 256; byte++) {
        for (i = 0; sgf__letter_byte(i) != byte; i++) {}
        memset(utf8, 0, sizeof utf8);
        sgf__utf8_put(i, utf8);
        snprintf(text, sizeof text, "%s\"%s%s\":%d", byte ? "," : "",
                 utf8[0] == '"' || utf8[0] == '\\' ? "\\" : "", utf8, byte);
        buf_text(json, text, NULL);
    }
    for (i = 0; i < n; i++) {
        snprintf(text, sizeof text, ",\"%s%s\":%d", merges[i][0], merges[i][1], (int)(256 + i));
        buf_text(json, text, NULL);
    }
    for (i += 256; i < 300; i++) { /* an added token has the next free id */
        snprintf(text, sizeof text, ",\"~~%d\":%d", (int)i, (int)i);
        buf_text(json, text, NULL);
    }
    buf_text(json, "},\"merges\":[", NULL);
    for (i = 0; i < n; i++) {
        snprintf(text, sizeof text, i % 2 ? "%s\"%s %s\"" : "%s[\"%s\", \"%s\"]", i ? ", " : "",
                 merges[i][0], merges[i][1]);
        buf_text(json, text, NULL);
    }
    buf_text(json, "]}}", NULL);
}
static const char *const tok_merges[][2] = {
    {"\xC4\xA0", "t"}, {"h", "e"},   {"\xC4\xA0t", "he"}, {"a", "a"},
    {"aa", "a"},       {"aa", "aa"}, {"l", "l"},          {"\xC3\x83", "\xC2\xA9"}};
enum { TOK_MERGES = sizeof tok_merges / sizeof tok_merges[0] };
#define TOK_ADDED                                                                                                 \
    "{\"id\":300,\"content\":\"<s>\",\"special\":true},{\"id\":301,\"content\":\"<think>\",\"special\":false,"    \
    "\"normalized\":false},{\"id\":302,\"content\":\"<left>\",\"lstrip\":true,\"normalized\":false},{\"id\":303," \
    "\"content\":\"<right>\",\"rstrip\":true,\"normalized\":false},{\"id\":304,\"content\":\"<think>>\",\"normalized\":true}"

/* That tokenizer; `change` (may be NULL) is replaced by `to` in its JSON first. */
static sgf_status tok_small(const char *change, const char *to, const sgf_allocator *mem,
                            sgf_tokenizer **t, sgf_error *err) {
    sgf__buf json, changed;
    sgf_status status;
    sgf__buf_init(&json, NULL);
    sgf__buf_init(&changed, NULL);
    tok_byte_level(&json, tok_merges, TOK_MERGES, TOK_ADDED);
    sgf__replace(tok_str(json.ptr, json.len), sgf_text(change ? change : "\x01"),
                 sgf_text(to ? to : ""), SIZE_MAX, &changed, NULL);
    if (change && changed.len == json.len && !memcmp(changed.ptr, json.ptr, json.len))
        printf("    nothing to change: %s\n", change);
    status = sgf__tokenizer_parse("small.json", changed.ptr, changed.len, mem, t, err);
    sgf__buf_free(&json);
    sgf__buf_free(&changed);
    return status;
}
#define TOK_SPM_HEAD                                                                                                                \
    "{\"added_tokens\":[{\"id\":0,\"content\":\"<unk>\",\"special\":true},{\"id\":1,\"content\":\"<s>\",\"special\":true}],"        \
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\xE2\x96\x81\"},"                   \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xE2\x96\x81\"}]},\"pre_tokenizer\":null,"                  \
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},"            \
    "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[1],\"tokens\":[\"<s>\"]}}}," \
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xE2\x96\x81\"},"             \
    "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,"         \
    "\"stop\":0}]},\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,\"vocab\":{"
#define TOK_SPM                                                                                    \
    TOK_SPM_HEAD                                                                                   \
    "\"<unk>\":0,\"<s>\":1,\"<0xC3>\":2,\"<0xA9>\":3,\"\xE2\x96\x81\":4,\"a\":5,\"b\":6,\"ab\":7," \
    "\"\xE2\x96\x81"                                                                               \
    "ab\":8,\"<0xE2>\":9,\"\xE2\x82\xAC\":10},\"merges\":[\"a b\",\"\xE2\x96\x81 ab\"]}}"

/* ---- against Hugging Face's tokenizers ---- */

/* Ids, the ids before them, and both texts of the ids, by `tokenizers` for four small ones. */
static void test_tokenizer_gives_the_ids_of_hugging_face(void) {
    golden_cases g;
    char name[32] = "", path[256], special[16384];
    sgf_tokenizer *t = NULL;
    int cases = 0;
    for (golden_open(&g, "tokenizers"); golden_next(&g); cases++) {
        sgf_str text = g.field[1], ids = g.field[2], before = g.field[3];
        if (!sgf__str_is(g.field[0], name)) {
            sgf__map map;
            sgf_error err;
            sgf_status status;
            snprintf(name, sizeof name, "%.*s", (int)g.field[0].len, g.field[0].ptr);
            snprintf(path, sizeof path, "%s/data/tokenizers/%s.json", golden_path(), name);
            memset(&map, 0, sizeof map);
            MUST(sgf__map_file(path, NULL, &map, &err), err);
            sgf_tokenizer_free(t);
            t = NULL;
            status = sgf__tokenizer_parse(path, map.data, map.size, NULL, &t, &err);
            sgf__unmap(&map);
            MUST(status, err);
        }
        snprintf(special, sizeof special, "%.*s%s%.*s", (int)before.len, before.ptr,
                 before.len && ids.len ? " " : "", (int)ids.len, ids.ptr);
        if (!sgf__str_is(ids, tok_ids(t, text, 0)))
            printf("    %s: %.*s: wanted %.*s, got %s\n", name, (int)text.len, text.ptr,
                   (int)ids.len, ids.ptr, tok_ids(t, text, 0));
        CHECK(sgf__str_is(ids, tok_ids(t, text, 0)) && !strcmp(special, tok_ids(t, text, 1)));
        if (memchr(text.ptr, 0, text.len)) continue; /* tok_decode gives a C string */
        CHECK(sgf__str_is(g.field[4], tok_decode(t, special, 0)));
        CHECK(sgf__str_is(g.field[5], tok_decode(t, special, SGF_DECODE_SKIP_SPECIAL)));
    }
    sgf_tokenizer_free(t);
    golden_close(&g);
    CHECK(cases == 360);
}

/* ---- against real tokenizers ---- */

static int tok_vector_file(const sgf_tokenizer *t, const char *name) {
    static const char mark[] = "\n__ggml_vocab_test__\n";
    char path[256], *text, *line;
    sgf__buf in, out;
    int wrong = 0, count = 0;
    sgf__buf_init(&in, NULL);
    sgf__buf_init(&out, NULL);
    snprintf(path, sizeof path, "tokenizers/llamacpp-vectors/%s.inp", name);
    tok_read(NULL, data_path(path), &in);
    snprintf(path, sizeof path, "tokenizers/llamacpp-vectors/%s.out", name);
    tok_read(NULL, data_path(path), &out);
    for (text = in.ptr, line = out.ptr; text && line && *line; count++) {
        char *end = strstr(text, mark), *newline = strchr(line, '\n');
        size_t n = end ? (size_t)(end - text) : strlen(text);
        const char *wanted = line + strspn(line, " ");
        if (newline) *newline = 0;
        if (!end && !n) break;
        if (strcmp(tok_ids(t, tok_str(text, n), 0), wanted) != 0 && ++wrong < 4)
            printf("    %s text %d: wanted %s, got %s\n", name, count, wanted,
                   tok_ids(t, tok_str(text, n), 0));
        text = end ? end + strlen(mark) : text + n;
        line = newline ? newline + 1 : line + strlen(line);
    }
    sgf__buf_free(&in);
    sgf__buf_free(&out);
    return wrong ? -wrong : count;
}
static void test_tokenizer_gives_the_ids_of_llama_cpp(void) {
    static const char *const pairs[][2] = {{"gpt2", "gpt-2"},
                                           {"llama3.2", "llama-bpe"},
                                           {"qwen2.5", "qwen2"},
                                           {"qwen3", "qwen2"},
                                           {"qwen2.5", "deepseek-r1-qwen"},
                                           {"phi3-llama2vocab", "llama-spm"},
                                           {"phi3-llama2vocab", "phi-3"}};
    size_t i;
    NEED_DATA("tokenizers", "made of several sources (tests/README.md)");
    for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        sgf_tokenizer *t = tok_shared(pairs[i][0]);
        if (!t) SKIP("gzip is not installed: apt-get install gzip");
        CHECK(tok_vector_file(t, pairs[i][1]) >= 46);
        sgf_tokenizer_free(t);
    }
}

/* Member `key` of `object`: a list of numbers as "1 2 3". */
static const char *tok_json_ids(const sgf__json_doc *doc, const char *object, const char *key,
                                size_t skip) {
    static char out[16384];
    const char *number = sgf__json_first(sgf__json_find(object, key));
    size_t at = 0, i;
    out[0] = 0;
    for (i = 0; number; i++, number = sgf__json_next(number)) {
        sgf_str digits = sgf__json_raw(doc, number);
        if (i >= skip)
            at += (size_t)snprintf(out + at, sizeof out - at, at ? " %.*s" : "%.*s",
                                   (int)digits.len, digits.ptr);
    }
    return out;
}
static void tok_swift(const sgf__json_doc *doc, const char *model, const char *name, int bos) {
    sgf_tokenizer *t = tok_shared(name);
    const char *list = sgf__json_find(doc->root, model), *at;
    int flags = bos ? 0 : TOK_CLEAN_UP; /* what each model's tokenizer_config.json asks for */
    CHECK(t && sgf__json_count(list) >= 18);
    for (at = t ? sgf__json_first(list) : NULL; at; at = sgf__json_next(at)) {
        sgf_str input = json_str(doc, sgf__json_find(at, "input"));
        const char *encoded = sgf__json_find(at, "encoded");
        const char *wanted = tok_json_ids(doc, encoded, "input_ids", 0);
        CHECK(sgf__json_is(sgf__json_find(at, "decoded_without_special"),
                           tok_decode(t, wanted, flags | SGF_DECODE_SKIP_SPECIAL)));
        CHECK(
            sgf__json_is(sgf__json_find(at, "decoded_with_special"), tok_decode(t, wanted, flags)));
        wanted = tok_json_ids(doc, encoded, "input_ids", bos ? 1 : 0);
        CHECK(!strcmp(tok_ids(t, input, !bos), wanted));
    }
    sgf_tokenizer_free(t);
}
static void test_tokenizer_gives_the_ids_and_texts_of_transformers(void) {
    sgf__buf text;
    sgf__arena arena;
    sgf__json_doc doc;
    sgf_error err;
    NEED_DATA("tokenizers", "made of several sources (tests/README.md)");
    sgf__buf_init(&text, NULL);
    sgf__arena_init(&arena, NULL);
    if (tok_read("gzip -dc", data_path("tokenizers/gpt2/tokenizer.json.gz"), &text)) {
        text.len = 0;
        tok_read(NULL, data_path("tokenizers/swift-vectors/tokenizer_tests.json"), &text);
        MUST(sgf__json_open(&doc, "tokenizer_tests.json", text.ptr, text.len, &arena, &err), err);
        tok_swift(&doc, "distilgpt2", "gpt2", 0);
        tok_swift(&doc, "pcuenq/Llama-3.2-1B-Instruct-tokenizer", "llama3.2", 0);
        tok_swift(&doc, "coreml-projects/Llama-2-7b-chat-coreml", "phi3-llama2vocab",
                  1); /* this file adds no BOS */
    } else test_skip_text = "gzip is not installed: apt-get install gzip";
    sgf__arena_free(&arena);
    sgf__buf_free(&text);
}
static void test_tokenizer_loads_folders_and_their_config(void) {
    char dir[1024], path[1100], *slash;
    sgf__buf json;
    FILE *file;
    sgf_tokenizer *t = NULL;
    sgf_tokenizer_info info;
    sgf_error err;
    snprintf(dir, sizeof dir, "%s", temp_path("tokenizer.json"));
    sgf__buf_init(&json, NULL);
    tok_byte_level(&json, tok_merges, TOK_MERGES, TOK_ADDED);
    file = fopen(dir, "wb");
    CHECK(file && fwrite(json.ptr, 1, json.len, file) == json.len);
    if (file) fclose(file);
    sgf__buf_free(&json);
    slash = strrchr(dir, '/');
    CHECK(slash != NULL);
    if (!slash) return;
    *slash = 0;
    snprintf(path, sizeof path, "%s/tokenizer_config.json", dir);
    remove(path);
    MUST(sgf_tokenizer_load(dir, NULL, &t, &err), err);
    CHECK(tok_info(t).bos == -1 && tok_info(t).size == 305);
    sgf_tokenizer_free(t);
    file = fopen(path, "wb");
    CHECK(file != NULL);
    if (!file) return;
    fputs(
        "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"<think>\"}, \"add_bos_token\": true, "
        "\"clean_up_tokenization_spaces\": true}",
        file);
    fclose(file);
    MUST(sgf_tokenizer_load(dir, NULL, &t, &err), err);
    sgf_tokenizer_describe(t, &info);
    CHECK(tok_info(t).bos == 300 && tok_info(t).eos == 301 && info.clean_up &&
          info.config_add_bos == 1);
    CHECK(info.adds_bos && !info.adds_eos && !strcmp(info.kind, "byte-level BPE") &&
          !strcmp(info.pre_tokenizer, "ByteLevel"));
    CHECK(info.tokens == 300 && info.merges == TOK_MERGES && info.added == 5);
    CHECK(!strcmp(tok_ids(t, sgf_text("he"), 1), "300 257") && !strcmp(tok_encode(t, "he"), "257"));
    sgf_tokenizer_free(t);
    file = fopen(path, "wb");
    if (file)
        fputs("{\"eos_token\": \"<think>\", \"add_bos_token\": true, \"add_eos_token\": true}",
              file),
            fclose(file);
    MUST(sgf_tokenizer_load(dir, NULL, &t, &err), err);
    sgf_tokenizer_describe(t, &info);
    CHECK(!info.adds_bos && info.adds_eos && tok_info(t).bos == -1 && !info.clean_up);
    CHECK(!strcmp(tok_ids(t, sgf_text("he"), 1), "257 301") && !strcmp(tok_encode(t, "he"), "257"));
    sgf_tokenizer_free(t);
    file = fopen(path, "wb");
    if (file) fputs("{\"bos_token\": ", file), fclose(file);
    t = NULL;
    CHECK(sgf_tokenizer_load(dir, NULL, &t, &err) == SGF_ERR_FORMAT && !t &&
          strstr(err.file, "tokenizer_config.json"));
    file = fopen(path, "wb");
    if (file) fputs("7", file), fclose(file);
    CHECK(sgf_tokenizer_load(dir, NULL, &t, &err) == SGF_ERR_FORMAT && !t &&
          strstr(err.message, "tokenizer_config.json: an object of keys"));
    file = fopen(path, "wb"); /* "true" is not true */
    if (file) fputs("{\"bos_token\": \"<s>\", \"add_bos_token\": \"true\"}", file), fclose(file);
    CHECK(sgf_tokenizer_load(dir, NULL, &t, &err) == SGF_ERR_FORMAT && !t &&
          strstr(err.message, "\"add_bos_token\" is neither true nor false"));
    remove(path);
    CHECK(sgf_tokenizer_load("/nowhere/at/all", NULL, &t, &err) == SGF_ERR_IO && !t &&
          strstr(err.message, "tokenizer.json"));
}

/* ---- Unicode ---- */

/* Every code point is in the classes that the regular expressions of `tokenizers` give it, no other. */
static void test_unicode_classes_as_by_tokenizers(void) {
    enum { CODES = 0x110000 };
    static const uint32_t sets[] = {SGF__UNI_LETTERS, SGF__UNI_NUMBERS, SGF__UNI_SPACES};
    unsigned char *kind = (unsigned char *)calloc(CODES, 1);
    golden_cases g;
    sgf__arena arena;
    sgf__unicode u;
    sgf_error err;
    uint32_t code, last, wrong = 0;
    int ranges = 0, flag;
    sgf__arena_init(&arena, NULL);
    memset(&u, 0, sizeof u);
    MUST(sgf__unicode_init(&u, 0, &arena, &err), err);
    for (golden_open(&g, "unicode_classes"); golden_next(&g); ranges++) {
        flag = sgf__str_is(g.field[0], "L") ? 1 : sgf__str_is(g.field[0], "N") ? 2 : 4;
        last = (uint32_t)strtoul(g.field[2].ptr, NULL, 16);
        for (code = (uint32_t)strtoul(g.field[1].ptr, NULL, 16); code <= last; code++)
            kind[code] |= (unsigned char)flag;
    }
    golden_close(&g);
    for (code = 0; code < CODES; code++)
        for (flag = 0; flag < 3; flag++)
            wrong += (sets[flag] >> sgf__uni_kind(&u, code) & 1) !=
                     (uint32_t)(kind[code] >> flag & 1);
    CHECK(ranges > 700 && !wrong);
    sgf__arena_free(&arena);
    free(kind);
}
/* "44 30C" -> UTF-8 */
static size_t tok_hex(sgf_str codes, char *out) {
    const char *at = codes.ptr;
    char *end;
    size_t n = 0;
    while (at < codes.ptr + codes.len) {
        n += sgf__utf8_put((uint32_t)strtoul(at, &end, 16), out + n);
        at = end;
    }
    return n;
}
/* NFC of every code point alone, and of random texts, is that of `tokenizers`. */
static void test_nfc_as_by_tokenizers(void) {
    golden_cases g;
    sgf__arena arena;
    sgf__unicode u;
    sgf__buf out;
    sgf_error err;
    char in[64], wanted[64];
    uint32_t code = 0, next, kept = 0;
    int cases = 0, more = 1;
    sgf__buf_init(&out, NULL);
    sgf__arena_init(&arena, NULL);
    memset(&u, 0, sizeof u);
    MUST(sgf__unicode_init(&u, 1, &arena, &err), err);
    golden_open(&g, "nfc");
    while (more) { /* single code points ascend; those between them stay as they are */
        more = golden_next(&g);
        next = more && golden_int(&g, 0) == 1 ? (uint32_t)strtoul(g.field[1].ptr, NULL, 16)
               : code < 0x110000              ? 0x110000
                                              : 0;
        for (; code < next; code++) {
            size_t n = code >= 0xD800 && code < 0xE000 ? 0 : sgf__utf8_put(code, in);
            out.len = 0;
            MUST(sgf__nfc(&u, tok_str(in, n), &out, &err), err);
            kept += out.len == n && !memcmp(out.ptr, in, n);
        }
        if (!more) break;
        if (next == code && next < 0x110000) code++, kept++;
        cases++;
        out.len = 0;
        MUST(sgf__nfc(&u, tok_str(in, tok_hex(g.field[1], in)), &out, &err), err);
        CHECK(out.len == tok_hex(g.field[2], wanted) && !memcmp(out.ptr, wanted, out.len));
    }
    golden_close(&g);
    CHECK(kept == 0x110000 && cases == 2120);
    sgf__arena_free(&arena);
    sgf__buf_free(&out);
}

static void test_unicode_classes_are_those_of_hugging_face(void) {
    static const char *const names[] = {"L", "N", "s"};
    static const uint32_t sets[] = {SGF__UNI_LETTERS, SGF__UNI_NUMBERS, SGF__UNI_SPACES};
    sgf__buf text;
    sgf__arena arena;
    sgf__json_doc doc;
    sgf__unicode u;
    sgf_error err;
    size_t k, wrong = 0;
    NEED_DATA("unicode/hf-tokenizers-0.23.2-classes.json",
              "made with tokenizers (tests/README.md)");
    sgf__buf_init(&text, NULL);
    sgf__arena_init(&arena, NULL);
    memset(&u, 0, sizeof u);
    MUST(sgf__unicode_init(&u, 0, &arena, &err), err);
    tok_read(NULL, data_path("unicode/hf-tokenizers-0.23.2-classes.json"), &text);
    MUST(sgf__json_open(&doc, "classes", text.ptr, text.len, &arena, &err), err);
    for (k = 0; k < 3; k++) {
        const char *at = sgf__json_first(sgf__json_find(doc.root, names[k]));
        uint32_t code = 0;
        int more = 1;
        while (more) {
            int64_t first = 0x110000, last = 0x110000;
            more = at != NULL;
            if (more) {
                const char *pair = sgf__json_first(at);
                sgf__json_whole(&doc, pair, 0, 0x10FFFF, &first);
                sgf__json_whole(&doc, sgf__json_next(pair), 0, 0x10FFFF, &last);
                at = sgf__json_next(at);
            }
            for (; code <= last && code < 0x110000; code++)
                wrong += !(sets[k] >> sgf__uni_kind(&u, code) & 1) != (code < first);
        }
    }
    CHECK(wrong == 0);
    sgf__arena_free(&arena);
    sgf__buf_free(&text);
}
/* The general categories of all characters: their digest is that of a sweep through tokenizers 0.23.3. */
static void test_unicode_kinds_are_those_of_hugging_face(void) {
    uint64_t digest = 0xCBF29CE484222325u;
    sgf__arena arena;
    sgf__unicode u;
    sgf_error err;
    uint32_t code;
    sgf__arena_init(&arena, NULL);
    memset(&u, 0, sizeof u);
    MUST(sgf__unicode_init(&u, 1, &arena, &err), err);
    for (code = 0; code < 0x110000; code++)
        digest = (digest ^ sgf__uni_kind(&u, code)) * 0x100000001B3u;
    CHECK(digest == 0xc64126ccd74782c3u);
    sgf__arena_free(&arena);
}
/* "0044 030C" ; ... -> UTF-8 */
static size_t tok_hex_column(char **line, char *out) {
    size_t n = 0;
    char *end = *line;
    while (**line && **line != ';') {
        n += sgf__utf8_put((uint32_t)strtoul(*line, &end, 16), out + n);
        *line = end;
    }
    if (**line) ++*line;
    return n;
}
static void test_nfc_follows_the_normalization_test(void) {
    sgf__buf text, out;
    sgf__arena arena;
    sgf__unicode u;
    sgf_error err;
    char *line, *next;
    int lines = 0, different = 0;
    NEED_DATA("unicode/NormalizationTest-15.0.txt.bz2", "NormalizationTest.txt of unicode.org");
    sgf__buf_init(&text, NULL);
    sgf__buf_init(&out, NULL);
    sgf__arena_init(&arena, NULL);
    memset(&u, 0, sizeof u);
    MUST(sgf__unicode_init(&u, 1, &arena, &err), err);
    if (!tok_read("bzip2 -dc", data_path("unicode/NormalizationTest-15.0.txt.bz2"), &text))
        SKIP("bzip2 is not installed: apt-get install bzip2");
    for (line = text.ptr; line && *line; line = next) {
        char column[5][256];
        size_t len[5], i, wrong = 0;
        next = strchr(line, '\n');
        next = next ? next + 1 : line + strlen(line);
        if (!((*line >= '0' && *line <= '9') || (*line >= 'A' && *line <= 'F'))) continue;
        for (i = 0; i < 5; i++) len[i] = tok_hex_column(&line, column[i]);
        for (i = 0; i < 5; i++) {
            const char *wanted = column[i < 3 ? 1 : 3];
            size_t n = len[i < 3 ? 1 : 3];
            out.len = 0;
            MUST(sgf__nfc(&u, tok_str(column[i], len[i]), &out, &err), err);
            wrong += out.len != n || memcmp(out.ptr, wanted, n) != 0;
        }
        lines++;
        different += wrong > 0;
    }
    CHECK(lines == 19074 &&
          different ==
              651); /* those with characters younger than Unicode 9, as tokenizers 0.23.3 */
    sgf__arena_free(&arena);
    sgf__buf_free(&text);
    sgf__buf_free(&out);
}
static void test_nfc_of_long_runs_of_marks(void) {
    enum { MARKS = 100000 };
    static const char *const marks[] = {"\xCC\x81", "\xCC\xA3", "\xCD\x85", "\xCC\xB4",
                                        "\xE0\xA4\xBC"}; /* 230 220 240 1 7 */
    sgf__buf in, out;
    sgf__arena arena;
    sgf__unicode u;
    sgf_error err;
    size_t i;
    sgf__buf_init(&in, NULL);
    sgf__buf_init(&out, NULL);
    sgf__arena_init(&arena, NULL);
    memset(&u, 0, sizeof u);
    MUST(sgf__unicode_init(&u, 1, &arena, &err), err);
    buf_text(&in, "e", NULL);
    for (i = 0; i < MARKS; i++) buf_text(&in, marks[i % 5], NULL);
    buf_text(&in, "x", NULL);
    MUST(sgf__nfc(&u, tok_str(in.ptr, in.len), &out, &err), err);
    CHECK(out.len == in.len); /* e and U+0323 become U+1EB9, which has 3 bytes, too */
    CHECK(!memcmp(out.ptr, "\xE1\xBA\xB9\xCC\xB4\xCC\xB4", 7) && out.ptr[out.len - 1] == 'x');
    sgf__arena_free(&arena);
    sgf__buf_free(&in);
    sgf__buf_free(&out);
}

/* ---- small tokenizers ---- */

static void test_tokenizer_merges_by_rank_then_from_the_left(void) {
    sgf_tokenizer *t = NULL;
    sgf_error err;
    MUST(tok_small(NULL, NULL, NULL, &t, &err), err);
    CHECK(!strcmp(tok_encode(t, "the the"), "116 257 258"));
    CHECK(!strcmp(tok_encode(t, "aaa"), "260") && !strcmp(tok_encode(t, "aaaa"), "261") &&
          !strcmp(tok_encode(t, "aaaaa"), "259 260"));
    CHECK(!strcmp(tok_encode(t, "\xC3\xA9"), "263") && !strcmp(tok_encode(t, ""), ""));
    CHECK(!strcmp(tok_decode(t, "116 257 258 263", 0), "the the\xC3\xA9"));
    CHECK(sgf_token_id(t, sgf_text("\xC4\xA0the")) == 258 &&
          sgf_token_id(t, sgf_text("<think>")) == 301);
    CHECK(sgf_token_id(t, sgf_text("nowhere")) == -1 && sgf_token_id(t, sgf_text("")) == -1);
    CHECK(sgf__str_is(sgf_token_text(t, 258), " the") && sgf_token_text(t, 305).len == 0 &&
          sgf_token_text(t, -1).len == 0);
    CHECK(tok_info(t).size == 305);
    sgf_tokenizer_free(t);
    sgf_tokenizer_free(NULL);
}
#define TOK_PLAIN                                                                               \
    "{\"added_tokens\":[{\"id\":0,\"content\":\"<s>\",\"special\":true}],\"pre_tokenizer\":%s," \
    "\"decoder\":{\"type\":%s},\"model\":{\"type\":\"BPE\",\"vocab\":{\"<s>\":0,%s]}}"

/* ---- regular expressions ---- */

typedef struct tok_regex {
    sgf_tokenizer *t; /* of which only the first split and the Unicode tables are there */
    sgf_error err;
    sgf_status status;
} tok_regex;

static tok_regex tok_regex_read(const char *expression) {
    tok_regex r;
    sgf__loader l;
    memset(&l, 0, sizeof l);
    memset(&r, 0, sizeof r);
    r.t = (sgf_tokenizer *)calloc(1, sizeof *r.t);
    sgf__arena_init(&r.t->arena, NULL);
    l.t = r.t;
    l.doc.file = l.part = "test";
    l.err = &r.err;
    l.status = sgf__unicode_init(&r.t->unicode, 0, &r.t->arena, &r.err);
    if (!l.status) sgf__split_add(&l, sgf_text(expression), 0, 0);
    r.status = l.status;
    return r;
}
static void tok_regex_free(tok_regex *r) {
    sgf__arena_free(&r->t->arena);
    free(r->t);
}
/* Where the match from operation `i` on ends, if `now` has that of the operations after it, and `next` that
   of all operations at the next character. This is the definition. */
static size_t tok_match_op(const sgf__matcher *m, size_t i, size_t at, const size_t *now,
                           const size_t *next) {
    const sgf__op *op = m->r->ops + i;
    size_t to = i + (size_t)op->to, end;
    sgf__op one = *op;
    one.many = 0;
    switch (op->kind) {
    case SGF__OP_END: return at;
    case SGF__OP_JUMP: return now[to];
    case SGF__OP_FORK: return now[i + 1] != SGF__NONE ? now[i + 1] : now[to];
    case SGF__OP_LOOK: return (now[i + 1] != SGF__NONE) != op->inverted ? now[to] : SGF__NONE;
    case SGF__OP_LINE: return at == m->n || m->text[at] == '\n' ? now[i + 1] : SGF__NONE;
    default: break;
    }
    if (sgf__op_run(m, &one, at) == at) return op->least ? SGF__NONE : now[i + 1];
    end = next[op->many ? i : i + 1];
    if (end == SGF__NONE && op->least && op->many) end = next[i + 1];
    return end == SGF__NONE && !op->least && !op->decided ? now[i + 1] : end;
}
/* What sgf__match_try should find at every place: from the text's end back. */
static size_t *tok_match_table(const sgf__matcher *m) {
    size_t rows[2][SGF__OPS + 1], at = m->n, i, row = 0, pass;
    size_t *ends = (size_t *)calloc(m->n + 1, sizeof *ends);
    if (!ends) return NULL;
    for (;; row ^= 1, at = sgf__utf8_back(m->text, at)) {
        for (pass = 0; pass < 2; pass++) /* what a loop jumps back to is known in the second one */
            for (i = m->r->count; i--;)
                rows[row][i] = pass || m->r->ops[i].to >= 0
                                   ? tok_match_op(m, i, at, rows[row], rows[row ^ 1])
                                   : SGF__NONE;
        ends[at] = rows[row][0];
        if (!at) return ends;
    }
}
/* Every place is asked with choices and by the table; they must agree. "aa|b-c": the matches, each after the
   one before it, and - for what is not matched. */
static const char *tok_matches(const tok_regex *r, const char *text, size_t n) {
    static char out[1024];
    sgf__matcher m;
    sgf__buf choices;
    size_t at, used = 0, end, wanted, done = 0, *ends;
    int may;
    memset(&m, 0, sizeof m);
    sgf__buf_init(&choices, NULL);
    m.choices = &choices;
    m.r = &r->t->splits[0].regex;
    m.text = text;
    m.n = n;
    ends = tok_match_table(&m);
    if (!ends) return "no memory";
    out[0] = 0;
    for (at = 0; at < n; at++) {
        unsigned char c = (unsigned char)text[at];
        if ((c & 0xC0) == 0x80) continue;
        m.left = 1000000;
        may = sgf__has_class(m.r->ops->starts, sgf__class_at(&m, at));
        end = may ? sgf__match_try(&m, m.r->ops, at) : SGF__NONE;
        wanted = ends[at];
        if (m.left && end != wanted) return "the table has another match";
        if (at < done || used > 900) continue;
        if (wanted == SGF__NONE || wanted == at) used += (size_t)snprintf(out + used, 8, "-");
        else
            used += (size_t)snprintf(out + used, 100, "%s%.*s",
                                     used && out[used - 1] != '-' ? "|" : "",
                                     (int)(wanted - at < 90 ? wanted - at : 90), text + at);
        if (wanted != SGF__NONE && wanted > at) done = wanted;
    }
    free(ends);
    sgf__buf_free(&choices);
    return out;
}
/* The ids are those of Hugging Face's tokenizers 0.23.3. */
static void test_tokenizer_joins_the_parts_of_a_split(void) {
    static const struct {
        const char *behavior, *pattern, *ids; /* of "b12ba1a" */
    } cases[] = {{"Isolated", "{\"Regex\":\"[12]\"}", "2 3 4 10 3 1"},
                 {"Removed", "{\"Regex\":\"[12]\"}", "2 10 1"},
                 {"MergedWithPrevious", "{\"Regex\":\"[12]\"}", "6 4 2 8 1"},
                 {"MergedWithNext", "{\"Regex\":\"[12]\"}", "2 3 7 1 9"},
                 {"Contiguous", "{\"Regex\":\"[12]\"}", "2 5 10 3 1"},
                 {"MergedWithPrevious", "{\"String\":\"a\"},\"invert\":true", "2 5 2 8 1"},
                 {"Removed", "{\"String\":\"1\"},\"invert\":true", "3 3"}};
    static const char vocab[] =
        "\"a\":1,\"b\":2,\"1\":3,\"2\":4,\"12\":5,\"b1\":6,\"2b\":7,\"a1\":8,\"1a\":9,\"ba\":10},"
        "\"merges\":[\"1 2\",\"b 1\",\"2 b\",\"a 1\",\"1 a\",\"b a\"";
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char pre[256], json[1024];
        sgf_tokenizer *t = NULL;
        sgf_error err;
        snprintf(pre, sizeof pre, "{\"type\":\"Split\",\"behavior\":\"%s\",\"pattern\":%s}",
                 cases[i].behavior, cases[i].pattern);
        snprintf(json, sizeof json, TOK_PLAIN, pre, "\"Fuse\"", vocab);
        MUST(sgf__tokenizer_parse("split.json", json, strlen(json), NULL, &t, &err), err);
        if (strcmp(tok_encode(t, "b12ba1a"), cases[i].ids) != 0)
            test_errors++, printf("    %s %s: %s\n", cases[i].behavior, cases[i].pattern,
                                  tok_encode(t, "b12ba1a"));
        sgf_tokenizer_free(t);
    }
}
#define TOK_GPT2 \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define TOK_LLAMA3                                                           \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The results are those of Hugging Face's tokenizers 0.23.3. */
static void test_tokenizer_matches_regular_expressions(void) {
    static const struct {
        const char *regex, *text, *matches;
    } cases[] = {
        {TOK_GPT2, "Hello  world it's 12345", "Hello| | world| it|'s| 12345"},
        {TOK_GPT2, "IT'S we'll'LL", "IT|'|S| we|'ll|'|LL"},
        {TOK_GPT2, "a\n\n b\t\t", "a|\n\n| b|\t\t"},
        {TOK_LLAMA3, "Hello  world it's 12345", "Hello| | world| it|'s| |123|45"},
        {TOK_LLAMA3, "IT'S we'll'LL", "IT|'S| we|'ll|'LL"},
        {TOK_LLAMA3,
         "a'\xC5\xBF"
         "b",
         "a|'\xC5\xBF|b"},
        {TOK_LLAMA3, "a\n\n b  \n  \n   c", "a|\n\n| b|  \n  \n|  | c"},
        {TOK_LLAMA3, "x = (y);\r\n\r\nz", "x| =| (|y|);\r\n\r\n|z"},
        {TOK_LLAMA3,
         "\tfoo \xE2\x80\x82"
         "bar",
         "\tfoo| |\xE2\x80\x82"
         "bar"},
        {TOK_LLAMA3, "   ", "   "},
        {"a++a|b", "aab", "--b"},
        {"a?+b", "aab", "-ab"},
        {"(?:a|ab)(?:c|bcd)+", "abcdab", "abcd--"},
        {"(ab)?c|x*", "abcxx", "abc|xx"},
        {"a{2}b{,1}c{1,}", "aabccaac", "aabcc|aac"},
        {"(?:(?:a|b)+,?)+;", "ab,ba;a", "ab,ba;-"},
        {"(?=(\\d{3})+(?!\\d))\\d", "1234567", "-2--5--"},
        {"\\s+$", " a \n b ", "-- --- "},
        {".\\n", "ab\nc", "-b\n-"},
        {"[^a-c\xC3\xA4-\xC3\xB6]+", "abx\xC3\xA5y\xC3\xBC", "--x-y\xC3\xBC"},
        {"[a[b]\\]\\-]+", "x]-ab[", "-]-ab-"},
        {"(?i:k's)", "\xE2\x84\xAA'S", "\xE2\x84\xAA'S"},
        {"\\p{Lu}\\p{Ll}|\\P{L}\\p{M}", "ABc1\xCC\x81", "-Bc|1\xCC\x81"},
    };
    static const char *const unknown[] = {"\\w+",
                                          "\\bx",
                                          "^a",
                                          "a*?",
                                          "a{1,2}+",
                                          "(?<=a)b",
                                          "(?i)a",
                                          "(?>a)",
                                          "[a&&b]",
                                          "[[:alpha:]]",
                                          "[^a[^b]]",
                                          "(a",
                                          "a)",
                                          "[a",
                                          "a{",
                                          "a{3,1}",
                                          "*a",
                                          "(?:a*)*",
                                          "(?:a){2}",
                                          "(?i:ss)",
                                          "(?i:\xC3\xA4)",
                                          "(?i:[a-z])",
                                          "(?i:\\s)",
                                          "\\p{Han}",
                                          "\\",
                                          "\\x41",
                                          "[b-a]",
                                          "[]a]",
                                          "((((((((((a))))))))))",
                                          "a{300}"};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tok_regex r = tok_regex_read(cases[i].regex);
        const char *got = r.status ? r.err.message
                                   : tok_matches(&r, cases[i].text, strlen(cases[i].text));
        if (strcmp(got, cases[i].matches) != 0)
            test_errors++,
                printf("    %s: wanted %s, got %s\n", cases[i].regex, cases[i].matches, got);
        tok_regex_free(&r);
    }
    for (i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        tok_regex r = tok_regex_read(unknown[i]);
        if (r.status != SGF_ERR_UNSUPPORTED || !strstr(r.err.message, "not supported"))
            test_errors++,
                printf("    %s: status %d, %s\n", unknown[i], (int)r.status, r.err.message);
        tok_regex_free(&r);
    }
}
/* Random expressions on random texts: the two ways to match agree, and none takes long. */
static void test_tokenizer_matches_in_two_ways_alike(void) {
    static const char *const parts[] = {"a",   "b", "\\s", "[^a]", "[a\xC3\xA4]", "(?:",   "(",
                                        ")",   "|", "?",   "*",    "+",           "{1,2}", "(?!",
                                        "(?=", "$", ".",   "++",   "ab",          "\\p{L}"};
    static const char *const texts[] = {"a",        "b",  " ",   "\n",
                                        "\xC3\xA4", "ab", "aaa", "\xE4\xB8\x80"};
    uint32_t seed = 3;
    int round, read = 0;
    for (round = 0; round < 60000; round++) {
        char regex[160] = "", text[200] = "";
        tok_regex r;
        int i, n;
        seed = seed * 1664525u + 1013904223u;
        n = 1 + (int)(seed >> 20) % 12;
        for (i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            strcat(regex, parts[(seed >> 16) % 20]);
        }
        r = tok_regex_read(regex);
        for (i = 0; i < 3 && !r.status; i++) {
            int k;
            text[0] = 0;
            for (k = 0; k < 12; k++) {
                seed = seed * 1664525u + 1013904223u;
                strcat(text, texts[(seed >> 16) % 8]);
            }
            read++;
            if (!strcmp(tok_matches(&r, text, strlen(text)), "the table has another match"))
                test_errors++, printf("    %s on %s\n", regex, text);
        }
        tok_regex_free(&r);
    }
    CHECK(read > 5000);
}
static void test_tokenizer_long_words_merge_like_short_ones(void) {
    sgf_tokenizer *t = NULL;
    sgf_error err;
    uint32_t seed = 1;
    int round;
    MUST(tok_small(NULL, NULL, NULL, &t, &err), err);
    for (round = 0; round < 3000; round++) {
        int32_t a[SGF__SHORT_WORD], b[SGF__SHORT_WORD];
        size_t n, i, m;
        sgf__encoder e;
        memset(&e, 0, sizeof e);
        e.t = t;
        sgf__buf_init(&e.symbols, NULL);
        sgf__buf_init(&e.heap, NULL);
        seed = seed * 1664525u + 1013904223u;
        n = 1 + (seed >> 16) % SGF__SHORT_WORD;
        for (i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            a[i] = b[i] = "aaaahelt "[(seed >> 16) % 9];
        }
        m = n;
        n = sgf__merge_short(t, a, n);
        m = sgf__merge_long(&e, b, m);
        CHECK(!e.status && m == n && !memcmp(a, b, n * sizeof *a));
        sgf__buf_free(&e.symbols);
        sgf__buf_free(&e.heap);
    }
    sgf_tokenizer_free(t);
}
static void test_tokenizer_long_text_takes_linear_time_or_is_refused(void) {
    enum { BYTES = 1000000 };
    static const char *const units[] = {"a", " ", "'", "<think", "he", " \n", "\xCC\x81"};
    static const char *const slow[][2] = {{"\\\\s+$", " "},           {"a+;|a", "a"},
                                          {"(?:a|aa)+$", "a"},        {"(?=a+;)b|a", "a"},
                                          {"(?:(?:a+b?)+;)|b", "ab"}, {"(?:a?)(?:ab|a)+c", "ab"}};
    sgf_tokenizer *t = NULL;
    sgf_error err;
    char *text = (char *)malloc(BYTES);
    size_t i, k, count, refused = 0, short_refused = 0;
    sgf_status status;
    MUST(tok_small("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", NULL, &t, &err),
         err);
    for (k = 0; text && k < sizeof units / sizeof units[0]; k++) {
        size_t n = strlen(units[k]), len = BYTES / n * n;
        for (i = 0; i < len; i++) text[i] = units[k][i % n];
        CHECK(sgf_encode(t, tok_str(text, len), 0, NULL, 0, &count, &err) == SGF_OK && count > 0 &&
              count <= sgf_encode_bound(len));
    }
    sgf_tokenizer_free(t);
    for (k = 0; text && k < sizeof slow / sizeof slow[0]; k++) {
        size_t n = strlen(slow[k][1]);
        char pre[256];
        snprintf(
            pre, sizeof pre,
            "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
            "\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"%s\"}},{\"type\":\"ByteLevel\","
            "\"add_prefix_space\":false,\"use_regex\":false}]},\"unused\":{",
            slow[k][0]);
        MUST(tok_small("\"pre_tokenizer\":{", pre, NULL, &t, &err), err);
        for (i = 0; i < BYTES; i++) text[i] = slow[k][1][i % n];
        text[BYTES - 1] = 'x';
        status = sgf_encode(t, tok_str(text, BYTES), 0, NULL, 0, &count, &err);
        short_refused += /* the two ways of (?:a|aa)+ double with every letter */
            sgf_encode(t, tok_str(text + BYTES - 1000, 1000), 0, NULL, 0, &count, &err) != SGF_OK;
        CHECK(status == SGF_OK ? count > 0
                               : status == SGF_ERR_LIMIT && strstr(err.message, "takes too long"));
        refused += status != SGF_OK;
        sgf_tokenizer_free(t);
    }
    CHECK(refused > 2 && refused < 6 && short_refused == 1);
    free(text);
}
#define TOK_TEMPLATE(single, tokens)                                          \
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[" single \
    "],\"special_tokens\":{" tokens "}}"
#define TOK_SPECIAL(name) "{\"SpecialToken\":{\"id\":\"" name "\",\"type_id\":0}}"
#define TOK_TEXT          "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}"
#define TOK_TWO \
    "\"<s>\":{\"id\":\"<s>\",\"ids\":[300,5,6]},\"<e>\":{\"id\":\"<e>\",\"ids\":[301,7]}"
static void test_tokenizer_puts_a_space_before_a_text(void) {
    sgf_tokenizer *t = NULL;
    sgf_error err;
    int byte;
    MUST(tok_small("\"add_prefix_space\":false", "\"add_prefix_space\":true", NULL, &t, &err), err);
    CHECK(!strcmp(tok_encode(t, "he"), "32 257") && !strcmp(tok_encode(t, " he"), "32 257"));
    CHECK(!strcmp(tok_encode(t, "<s>he"), "300 32 257") && !strcmp(tok_encode(t, ""), ""));
    for (byte = 0; byte < 256; byte++) { /* every byte has its token */
        sgf_str text = sgf_token_text(t, byte);
        CHECK(text.len == 1 && (unsigned char)text.ptr[0] == byte);
    }
    sgf_tokenizer_free(t);
}
static void test_tokenizer_puts_the_template_around_a_text(void) {
    static const struct {
        const char *processor, *says;
        sgf_status status;
    } cases[] = {
        {TOK_TEMPLATE(TOK_SPECIAL("<x>") "," TOK_TEXT, TOK_TWO), "\"<x>\" is not among",
         SGF_ERR_FORMAT},
        {TOK_TEMPLATE(TOK_SPECIAL("<s>") "," TOK_TEXT, "\"<s>\":{\"ids\":[300,305]}"),
         "\"<s>\" has an id that no token has", SGF_ERR_FORMAT},
        {TOK_TEMPLATE(TOK_SPECIAL("<s>") "," TOK_TEXT, "\"<s>\":{\"ids\":[\"300\"]}"),
         "\"<s>\" has an id that no token has", SGF_ERR_FORMAT},
        {TOK_TEMPLATE(TOK_SPECIAL("<s>") "," TOK_TEXT, "\"<s>\":{\"ids\":300}"),
         "\"<s>\" is not among", SGF_ERR_FORMAT},
        {TOK_TEMPLATE(TOK_SPECIAL("<s>"), TOK_TWO), "\"single\" without Sequence A",
         SGF_ERR_UNSUPPORTED},
        {TOK_TEMPLATE(TOK_TEXT "," TOK_TEXT, TOK_TWO), "than SpecialToken and one Sequence A",
         SGF_ERR_UNSUPPORTED},
        {TOK_TEMPLATE("{\"Sequence\":{\"id\":\"B\"}}", TOK_TWO), "Sequence A", SGF_ERR_UNSUPPORTED},
        {"\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":7}", "is not a list",
         SGF_ERR_FORMAT}};
    sgf_tokenizer *t = NULL;
    sgf_error err;
    size_t i;
    MUST(tok_small("\"post_processor\":null",
                   TOK_TEMPLATE(TOK_SPECIAL("<s>") "," TOK_TEXT "," TOK_SPECIAL("<e>"), TOK_TWO),
                   NULL, &t, &err),
         err);
    CHECK(!strcmp(tok_ids(t, sgf_text("he"), 1), "300 5 6 257 301 7"));
    CHECK(!strcmp(tok_ids(t, sgf_text(""), 1), "300 5 6 301 7"));
    CHECK(!strcmp(tok_ids(t, sgf_text("he"), 0), "257"));
    sgf_tokenizer_free(t);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        t = NULL;
        CHECK(tok_small("\"post_processor\":null", cases[i].processor, NULL, &t, &err) ==
                  cases[i].status &&
              !t);
        CHECK(strstr(err.message, cases[i].says));
    }
}
static void test_tokenizer_cuts_added_tokens_out_first(void) {
    sgf_tokenizer *t = NULL;
    sgf_error err;
    sgf_str text;
    int special = 5;
    MUST(tok_small(NULL, NULL, NULL, &t, &err), err);
    CHECK(!strcmp(tok_encode(t, "he<s>he"), "257 300 257") &&
          !strcmp(tok_encode(t, "<s><s>"), "300 300"));
    CHECK(!strcmp(tok_encode(t, "<think>>"),
                  "301 62")); /* the raw one is cut before the normalized one is looked for */
    CHECK(!strcmp(tok_encode(t, "he \n<left> he"), "257 302 32 257"));
    CHECK(!strcmp(tok_encode(t, "he <right> \nhe"), "257 32 303 257"));
    CHECK(!strcmp(tok_encode(t, "he<left>"), "257 302") &&
          !strcmp(tok_encode(t, "he <left>"), "257 302") &&
          !strcmp(tok_encode(t, " <left>"), "302") && !strcmp(tok_encode(t, "<left>"), "302"));
    CHECK(!strcmp(tok_encode(t, "\xC3\xA9\xE3\x80\x80\xC2\xA0<left>"), "263 302"));
    CHECK(!strcmp(tok_encode(t, "<right>\xC2\xA0\xE3\x80\x80\xC3\xA9"), "303 263"));
    CHECK(!strcmp(tok_encode(t, "<right>  <left>"), "303 302") &&
          !strcmp(tok_encode(t, "<s"), "60 115"));
    CHECK(!strcmp(tok_decode(t, "257 300 301", 0), "he<s><think>"));
    CHECK(!strcmp(tok_decode(t, "257 300 301", SGF_DECODE_SKIP_SPECIAL), "he<think>"));
    CHECK(sgf_tokenizer_added(t, 0, &text, &special) == 300 && sgf__str_is(text, "<s>") &&
          special == 1);
    CHECK(sgf_tokenizer_added(t, 1, NULL, NULL) == 301 &&
          sgf_tokenizer_added(t, 5, &text, NULL) == -1);
    sgf_tokenizer_free(t);
    /* one that is there twice with the same id and flags */
    MUST(tok_small("{\"id\":301,", "{\"id\":300,\"content\":\"<s>\",\"special\":true},{\"id\":301,",
                   NULL, &t, &err),
         err);
    CHECK(!strcmp(tok_encode(t, "<s>he<think>"), "300 257 301"));
    sgf_tokenizer_free(t);
    /* a token takes no space that belongs to the one before */
    MUST(tok_small("\"id\":301,\"content\":\"<think>\"", "\"id\":301,\"content\":\"<t> \"", NULL,
                   &t, &err),
         err);
    CHECK(!strcmp(tok_encode(t, "<t> <left>"), "301 302") &&
          !strcmp(tok_encode(t, "<t>   <left>he"), "301 302 257"));
    sgf_tokenizer_free(t);
}
static void test_tokenizer_ignore_merges_takes_whole_words(void) {
    sgf_tokenizer *t = NULL;
    sgf_error err;
    /* "llo" is a token that no merge makes */
    MUST(tok_small("\"~~299\"", "\"llo\"", NULL, &t, &err), err);
    CHECK(!strcmp(tok_encode(t, "llo"), "262 111"));
    sgf_tokenizer_free(t);
    MUST(tok_small("\"~~299\":299}", "\"llo\":299},\"ignore_merges\":true", NULL, &t, &err), err);
    CHECK(!strcmp(tok_encode(t, "llo"), "299") &&
          !strcmp(tok_encode(t, "llollo"), "262 111 262 111"));
    sgf_tokenizer_free(t);
}
static void test_tokenizer_falls_back_to_bytes(void) {
    sgf_tokenizer *t = NULL;
    sgf_tokenizer_info info;
    sgf_error err;
    MUST(sgf__tokenizer_parse("spm", TOK_SPM, strlen(TOK_SPM), NULL, &t, &err), err);
    sgf_tokenizer_describe(t, &info);
    CHECK(!strcmp(info.kind, "byte-fallback BPE") && !strcmp(info.normalizer, "Prepend + Replace"));
    CHECK(!strcmp(tok_encode(t, "ab ab"), "8 8") && !strcmp(tok_ids(t, sgf_text("ab"), 1), "1 8"));
    CHECK(!strcmp(tok_encode(t, "a\xC3\xA9"), "4 5 2 3") && !strcmp(tok_encode(t, "xyb"), "4 0 6"));
    CHECK(!strcmp(tok_encode(t, "\xE2\x82\xAC  "), "4 10 4 4"));
    CHECK(!strcmp(tok_decode(t, "8 8 2 3 10", 0), "ab ab\xC3\xA9\xE2\x82\xAC"));
    CHECK(!strcmp(tok_decode(t, "2 3 2 5", 0), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                                               "a")); /* the run as a whole is wrong */
    CHECK(!strcmp(tok_decode(t, "8 8 2 3 10 9 9", 0),
                  "ab ab\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD"));
    CHECK(!strcmp(tok_decode(t, "1 8", SGF_DECODE_SKIP_SPECIAL), "ab") &&
          !strcmp(tok_decode(t, "1 8", 0), "<s> ab"));
    sgf_tokenizer_free(t);
}
/* The ids are those of Hugging Face's tokenizers 0.23.3. */
static void test_tokenizer_marks_spaces_as_metaspace_says(void) {
    static const char vocab[] = "\"\xE2\x96\x81\":1,\"a\":2,\"b\":3,\"ab\":4,\"\xE2\x96\x81"
                                "ab\":5,\"b\xE2\x96\x81\":6},\"merges\":[\"a b\",\"\xE2\x96\x81 "
                                "ab\",\"b \xE2\x96\x81\"";
    static const char *const texts[4] = {"ab ab", "ab<s>ab", " ab  b", "b a"};
    static const struct {
        const char *scheme, *split, *ids[4];
    } cases[] = {{"always", "true", {"5 5", "5 0 5", "5 1 1 3", "1 3 1 2"}},
                 {"always", "false", {"5 5", "5 0 5", "5 1 1 3", "1 6 2"}},
                 {"first", "true", {"5 5", "5 0 4", "5 1 1 3", "1 3 1 2"}},
                 {"first", "false", {"5 5", "5 0 4", "5 1 1 3", "1 6 2"}},
                 {"never", "true", {"4 5", "4 0 4", "5 1 1 3", "3 1 2"}},
                 {"never", "false", {"4 5", "4 0 4", "5 1 1 3", "6 2"}}};
    static const struct {
        const char *pre, *ids; /* without a scheme; of "ab ab" */
    } older[] = {
        {"{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\"}", "5 5"},
        {"{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\",\"add_prefix_space\":false}",
         "4 5"}};
    size_t i, k;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char pre[256], json[1024];
        sgf_tokenizer *t = NULL;
        sgf_error err;
        snprintf(
            pre, sizeof pre,
            "{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\",\"prepend_scheme\":\"%s\","
            "\"split\":%s}",
            cases[i].scheme, cases[i].split);
        snprintf(json, sizeof json, TOK_PLAIN, pre, "\"Fuse\"", vocab);
        MUST(sgf__tokenizer_parse("marks.json", json, strlen(json), NULL, &t, &err), err);
        for (k = 0; k < 4; k++) CHECK(!strcmp(tok_encode(t, texts[k]), cases[i].ids[k]));
        sgf_tokenizer_free(t);
    }
    for (i = 0; i < 2; i++) {
        char json[1024];
        sgf_tokenizer *t = NULL;
        sgf_error err;
        snprintf(json, sizeof json, TOK_PLAIN, older[i].pre, "\"Fuse\"", vocab);
        MUST(sgf__tokenizer_parse("marks.json", json, strlen(json), NULL, &t, &err), err);
        CHECK(!strcmp(tok_encode(t, "ab ab"), older[i].ids));
        sgf_tokenizer_free(t);
    }
    { /* what Hugging Face refuses */
        static const char *const wrong[][2] = {
            {"\"replacement\":\"aa\"", "not one character"},
            {"\"replacement\":\"\"", "not one character"},
            {"\"replacement\":\"a\",\"prepend_scheme\":\"allways\"", "\"allways\" is not never"},
            {"\"replacement\":\"a\",\"prepend_scheme\":\"first\",\"add_prefix_space\":false",
             "add_prefix_space is false"},
            {"\"replacement\":\"a\",\"split\":\"false\"", "\"split\" is neither"}};
        for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            char pre[256], json[1024];
            sgf_tokenizer *t = NULL;
            sgf_error err;
            snprintf(pre, sizeof pre, "{\"type\":\"Metaspace\",%s}", wrong[i][0]);
            snprintf(json, sizeof json, TOK_PLAIN, pre, "\"Fuse\"", vocab);
            CHECK(sgf__tokenizer_parse("marks.json", json, strlen(json), NULL, &t, &err) ==
                      SGF_ERR_FORMAT &&
                  strstr(err.message, wrong[i][1]));
        }
    }
    { /* nothing else is put before a text: it would be an unknown token */
        static const char with_unk[] =
            "\"\xE2\x96\x81\":1,\"a\":2},\"unk_token\":\"<s>\",\"merges\":[";
        char json[1024];
        sgf_tokenizer *t = NULL;
        sgf_error err;
        snprintf(json, sizeof json, TOK_PLAIN, older[0].pre, "\"Fuse\"", with_unk);
        MUST(sgf__tokenizer_parse("marks.json", json, strlen(json), NULL, &t, &err), err);
        CHECK(!strcmp(tok_encode(t, "a a"), "1 2 1 2") && !strcmp(tok_encode(t, "x"), "1 0"));
        sgf_tokenizer_free(t);
    }
}
#define TOK_GPT2_SPLIT                                                                               \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| " \
    "?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
/* Steps that do not go together are refused, and the message names them. */
static void test_tokenizer_refuses_steps_that_do_not_fit(void) {
    static const struct {
        const char *pre, *decoder, *says;
        sgf_status status;
    } cases[] = {
        {"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":\"Digits\","
         "\"individual_digits\":true}]}",
         "\"ByteLevel\"", "Digits after ByteLevel", SGF_ERR_UNSUPPORTED},
        {"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Metaspace\",\"replacement\":\"_\"},"
         "{\"type\":\"ByteLevel\"}]}",
         "\"ByteLevel\"", "ByteLevel after Metaspace", SGF_ERR_UNSUPPORTED},
        {"{\"type\":\"Split\",\"behavior\":\"Isolated\"}", "\"ByteLevel\"", "without its pattern",
         SGF_ERR_FORMAT},
        {TOK_GPT2_SPLIT "\"behavior\":\"Merged\"}", "\"ByteLevel\"", "the behavior of a Split",
         SGF_ERR_FORMAT},
        {"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
         "{\"type\":\"ByteLevel\"}]}",
         "\"ByteLevel\"", "add_prefix_space after", SGF_ERR_UNSUPPORTED},
        {"{\"type\":\"Metaspace\"}", "\"Fuse\"", "not one character", SGF_ERR_FORMAT},
        {"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
         "{\"type\":\"Metaspace\",\"replacement\":\"_\"}]}",
         "\"Fuse\"", "Metaspace is not supported", SGF_ERR_UNSUPPORTED},
        {"{\"type\":\"Sequence\",\"pretokenizers\":[7]}", "\"Fuse\"",
         "an entry of pretokenizers is not an object", SGF_ERR_FORMAT},
        {"{\"type\":\"Sequence\",\"pretokenizers\":7}", "\"Fuse\"",
         "without its list pretokenizers", SGF_ERR_FORMAT},
        {"{\"typ\":\"Digits\"}", "\"Fuse\"", "not an object with a type", SGF_ERR_FORMAT},
        {"null", "\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"Fuse\"}]",
         "decoder: Fuse is not supported here", SGF_ERR_UNSUPPORTED},
        {"null", "\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"ByteFallback\"}]",
         "decoder: ByteFallback is not supported here", SGF_ERR_UNSUPPORTED},
        {"null",
         "\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"Replace\",\"pattern\":{\"String\":"
         "\"_\"},\"content\":\" \"}]",
         "decoder: Replace is not supported here", SGF_ERR_UNSUPPORTED},
        {"null", "\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0",
         "decoder: Strip is not supported here", SGF_ERR_UNSUPPORTED},
        {"null",
         "\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \","
         "\"start\":2,\"stop\":0}]",
         "decoder: Strip is not supported here", SGF_ERR_UNSUPPORTED},
        {"null",
         "\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\"_\","
         "\"start\":1,\"stop\":0}]",
         "decoder: Strip is not supported here", SGF_ERR_UNSUPPORTED},
        {"{\"type\":\"ByteLevel\"}",
         "\"Sequence\",\"decoders\":[{\"type\":\"ByteLevel\"},{\"type\":\"ByteLevel\"}]",
         "ByteLevel alone", SGF_ERR_UNSUPPORTED}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[2048];
        sgf_tokenizer *t = NULL;
        sgf_error err;
        sgf_status status;
        memset(&err, 0, sizeof err);
        snprintf(json, sizeof json, TOK_PLAIN, cases[i].pre, cases[i].decoder,
                 "\"a\":1},\"merges\":[");
        status = sgf__tokenizer_parse("steps.json", json, strlen(json), NULL, &t, &err);
        if (status != cases[i].status || t || !strstr(err.message, cases[i].says))
            test_errors++, printf("    case %d: status %d, %s\n", (int)i, (int)status, err.message);
        sgf_tokenizer_free(t);
    }
}
static void test_tokenizer_cuts_digits_apart(void) {
    static const char pre[] = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
                              "\"individual_digits\":true},{\"type\":\"ByteLevel\","
                              "\"add_prefix_space\":false,\"use_regex\":true}]}";
    static const char vocab[] =
        "\"a\":1,\"1\":2,\"2\":3,\"12\":4,\"\xC4\xA0\":5,\"\xC4\xA0"
        "1\":6,\"\xC3\x82\":7,\"\xC2\xB2\":8},\"merges\":[\"1 2\",\"\xC4\xA0 1\"";
    char json[1024];
    sgf_tokenizer *t = NULL;
    sgf_error err;
    snprintf(json, sizeof json, TOK_PLAIN, pre, "\"ByteLevel\"", vocab);
    MUST(sgf__tokenizer_parse("digits.json", json, strlen(json), NULL, &t, &err), err);
    CHECK(!strcmp(tok_encode(t, "a12 12"), "1 2 3 5 2 3") && !strcmp(tok_encode(t, "12"), "2 3"));
    CHECK(!strcmp(tok_encode(t, "a a"), "1 5 1"));
    CHECK(!strcmp(tok_encode(t, "2a\xC2\xB2"
                                "1"),
                  "3 1 7 8 2")); /* a superscript is a number */
    sgf_tokenizer_free(t);
}
static void test_tokenizer_decodes_wrong_bytes_like_rust(void) {
    static const char *const cases[][2] = {/* ids are bytes; wanted, with ? for U+FFFD */
                                           {"65 255 66", "A?B"},
                                           {"226 130 172", "\xE2\x82\xAC"},
                                           {"226 130", "?"},
                                           {"226 130 65", "?A"},
                                           {"224 128 128", "???"},
                                           {"237 160 128", "???"},
                                           {"240 159 152", "?"},
                                           {"240 159 152 65", "?A"},
                                           {"244 144 128 128", "????"},
                                           {"195 195 169", "?\xC3\xA9"},
                                           {"240 128 65", "??A"},
                                           {"128 65", "?A"},
                                           {"245 128 128 128", "????"},
                                           {"255 128", "??"},
                                           {"193 128", "??"},
                                           {"999 65 305", "A"},
                                           {"", ""}};
    sgf_tokenizer *t = NULL;
    sgf_error err;
    size_t i, len = 77;
    int32_t negative = -1;
    MUST(tok_small(NULL, NULL, NULL, &t, &err), err);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgf__buf wanted;
        sgf__buf_init(&wanted, NULL);
        sgf__replace(sgf_text(cases[i][1]), sgf_text("?"), sgf_text("\xEF\xBF\xBD"), SIZE_MAX,
                     &wanted, NULL);
        CHECK(!strcmp(tok_decode(t, cases[i][0], 0), wanted.ptr));
        sgf__buf_free(&wanted);
    }
    CHECK(sgf_decode(t, &negative, 1, 0, NULL, 0, &len, &err) == SGF_ERR_ARG && len == 77);
    sgf_tokenizer_free(t);
}
static void test_tokenizer_cleans_up_spaces_when_asked(void) {
    sgf_tokenizer *t = NULL;
    sgf_error err;
    const char *ids;
    MUST(tok_small(NULL, NULL, NULL, &t, &err), err);
    ids = tok_encode(t, "do n't , we 've ' it 's . he 'm ? a 're !");
    CHECK(!strcmp(tok_decode(t, ids, TOK_CLEAN_UP), "don't, we've'it's. he'm? a're!"));
    CHECK(!strcmp(tok_decode(t, ids, 0), "do n't , we 've ' it 's . he 'm ? a 're !"));
    sgf_tokenizer_free(t);
}
static void test_tokenizer_says_when_there_is_no_room(void) {
    sgf_tokenizer *t = NULL;
    sgf_error err;
    int32_t ids[4] = {-7, -7, -7, -7};
    char out[4] = "xyz";
    size_t count = 77;
    MUST(tok_small(NULL, NULL, NULL, &t, &err), err);
    CHECK(sgf_encode(t, sgf_text("hexhexx"), 0, ids, 4, &count, &err) == SGF_ERR_LIMIT &&
          count == 77 && ids[0] == -7);
    CHECK(strstr(err.message, "5") != NULL);
    CHECK(sgf_encode(t, sgf_text("hexhexx"), 0, NULL, 0, &count, &err) == SGF_OK && count == 5);
    CHECK(sgf_encode(t, sgf_text("a\xFF"), 0, ids, 4, &count, &err) == SGF_ERR_FORMAT &&
          err.offset == 1 && count == 5);
    ids[0] = ids[1] = 258;
    CHECK(sgf_decode(t, ids, 2, 0, out, 3, &count, &err) == SGF_ERR_LIMIT && count == 5 &&
          !strcmp(out, "xyz"));
    CHECK(sgf_decode(t, ids, 2, 0, NULL, 0, &count, &err) == SGF_OK && count == 8);
    sgf_tokenizer_free(t);
}

/* ---- bad files ---- */
/* As tokenizers 0.23.3 does, whatever "id" the file gives to an added token. */
static void test_tokenizer_added_tokens_get_the_next_ids(void) {
    static const char *const ids[] = {"5", "301", "9000000"};
    size_t i;
    for (i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        sgf_tokenizer *t = NULL;
        sgf_error err;
        char to[32];
        snprintf(to, sizeof to, "\"id\":%s", ids[i]);
        MUST(tok_small("\"id\":300", to, NULL, &t, &err), err);
        CHECK(!strcmp(tok_encode(t, "<s><think>"), "300 301"));
        sgf_tokenizer_free(t);
    }
}

static void test_tokenizer_refuses_by_name(void) {
    static const struct {
        const char *change, *to, *says;
        sgf_status status;
    } cases[] = {
        {"\"type\":\"BPE\"", "\"type\":\"Unigram\"", "Unigram", SGF_ERR_UNSUPPORTED},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Lowercase\"}", "Lowercase",
         SGF_ERR_UNSUPPORTED},
        {"\"normalizer\":null", "\"normalizer\":7", "normalizer", SGF_ERR_FORMAT},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Sequence\"}", "normalizers",
         SGF_ERR_FORMAT},
        {"\"normalizer\":null",
         "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a\"},\"content\":\"\"}",
         "Replace", SGF_ERR_UNSUPPORTED},
        {"\"type\":\"ByteLevel\",\"add", "\"type\":\"Whitespace\",\"add", "Whitespace",
         SGF_ERR_UNSUPPORTED},
        {"{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}",
         "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\w+\"},\"behavior\":\"Isolated\",\"invert\":false}",
         "\"\\w+\", from byte 0", SGF_ERR_UNSUPPORTED},
        {"\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":{\"type\":\"CTC\"}", "CTC",
         SGF_ERR_UNSUPPORTED},
        {"\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":null", "decoder",
         SGF_ERR_UNSUPPORTED},
        {"\"post_processor\":null", "\"post_processor\":{\"type\":\"BertProcessing\"}",
         "BertProcessing", SGF_ERR_UNSUPPORTED},
        {"\"type\":\"BPE\"", "\"dropout\":0.1", "dropout", SGF_ERR_UNSUPPORTED},
        {"\"type\":\"BPE\"", "\"end_of_word_suffix\":\"</w>\"", "end_of_word_suffix",
         SGF_ERR_UNSUPPORTED},
        {"\"type\":\"BPE\"", "\"byte_fallback\":true", "byte_fallback", SGF_ERR_UNSUPPORTED},
        {"\"type\":\"BPE\"", "\"unk_token\":\"<nil>\"", "<nil>", SGF_ERR_FORMAT},
        {"\"vocab\"", "\"vocal\"", "model.vocab", SGF_ERR_FORMAT},
        {"\"merges\"", "\"merged\"", "model.merges", SGF_ERR_FORMAT},
        {"\"vocab\":{", "\"vocab\":7,\"v\":{", "model.vocab: no object", SGF_ERR_FORMAT},
        {"\"vocab\":{", "\"vocab\":[],\"v\":{", "model.vocab: no object", SGF_ERR_FORMAT},
        {"\"merges\":[", "\"merges\":{},\"m\":[", "model.merges: no list", SGF_ERR_FORMAT},
        {"\"merges\"", "\"merges\":[],\"merges\"", "twice", SGF_ERR_FORMAT},
        {"\"model\"", "\"models\"", "model", SGF_ERR_FORMAT},
        {"\"a\":97", "\"a\":98", "two tokens have the id 98", SGF_ERR_FORMAT},
        {"\"a\":97", "\"b\":97", "twice", SGF_ERR_FORMAT},
        {"\"a\":97", "\"a\":-1", "id", SGF_ERR_FORMAT},
        {"\"a\":97", "\"a\":9.5", "id", SGF_ERR_FORMAT},
        {"\"a\":97", "\"a\":2147483647", "a whole number from 0 to", SGF_ERR_FORMAT},
        {"\"a\":97", "\"a\":99999999999999999999999", "a whole number from 0 to", SGF_ERR_FORMAT},
        {"\"a\":97", "\"a\":097", "a number that JSON does not have", SGF_ERR_FORMAT},
        {"\"a\":97", "\"a\" 97", "':' was expected", SGF_ERR_FORMAT},
        {"\"a\":97,", "\"a\":97", "',' or '}' was expected", SGF_ERR_FORMAT},
        {"\"h e\"", "\"h z\"", "merge 2", SGF_ERR_FORMAT},
        {"\"h e\"", "\"\xE4\xB8\x80 e\"", "the first", SGF_ERR_FORMAT},
        {"\"h e\"", "\"h \xE4\xB8\x80\"", "the second", SGF_ERR_FORMAT},
        {"\"h e\"", "\"he\"", "one space", SGF_ERR_FORMAT},
        {"\"h e\"", "\"h e l\"", "one space", SGF_ERR_FORMAT},
        {"\"h e\"", "[\"h\"]", "nor a pair", SGF_ERR_FORMAT},
        {"\"h e\"", "[\"h\", 7]", "nor a pair", SGF_ERR_FORMAT},
        {"\"h e\"", "[7, \"h\"]", "nor a pair", SGF_ERR_FORMAT},
        {"\"h e\"", "[\"h\", \"e\", \"h\"]", "nor a pair", SGF_ERR_FORMAT},
        {"\"h e\"", "{\"h\": \"e\"}", "nor a pair", SGF_ERR_FORMAT},
        {"\"h e\"", "[]", "nor a pair", SGF_ERR_FORMAT},
        {"\"h e\"", "7", "nor a pair", SGF_ERR_FORMAT},
        {"{\"id\":301,", "{\"id\":300,\"content\":\"<s>\"},{\"id\":301,", "\"<s>\" appears twice",
         SGF_ERR_FORMAT},
        {"\"id\":300,\"content\":\"<s>\"", "\"id\":300,\"content\":\"\"", "content",
         SGF_ERR_FORMAT},
        {"\"id\":303,\"content\":\"<right>\"", "\"id\":303,\"content\":\"<left>\"",
         "\"<left>\" appears twice", SGF_ERR_FORMAT},
        {"\"id\":304,\"content\":\"<think>>\"", "\"id\":304,\"content\":\"<think>\"",
         "\"<think>\" appears twice", SGF_ERR_FORMAT},
        {"\"id\":300,\"content\":\"<s>\"", "\"id\":300,\"single_word\":true,\"content\":\"<s>\"",
         "single_word", SGF_ERR_UNSUPPORTED},
        /* a value of the wrong kind is not taken for false or absent */
        {"\"type\":\"BPE\"", "\"ignore_merges\":\"true\"", "\"ignore_merges\" is neither",
         SGF_ERR_FORMAT},
        {"\"type\":\"BPE\"", "\"byte_fallback\":1", "\"byte_fallback\" is neither", SGF_ERR_FORMAT},
        {"\"type\":\"BPE\"", "\"unk_token\":5", "\"unk_token\" is not a text", SGF_ERR_FORMAT},
        {"\"type\":\"BPE\"", "\"dropout\":\"0.5\"", "dropout", SGF_ERR_UNSUPPORTED},
        {"\"id\":300", "\"single_word\":\"no\",\"id\":300", "\"single_word\" is neither",
         SGF_ERR_FORMAT},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Prepend\"}", "without its text",
         SGF_ERR_FORMAT},
        {"\"normalizer\":null",
         "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}",
         "without its content", SGF_ERR_FORMAT},
        {"\"normalizer\":null",
         "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\",\"Regex\":\"b\"},"
         "\"content\":\"\"}",
         "Replace", SGF_ERR_UNSUPPORTED},
        {"\"id\":301,\"content\":\"<think>\"", "\"id\":301,\"content\":\"  \"", "white space",
         SGF_ERR_UNSUPPORTED},
        {"\"model\":{", "\"model\":{\"ignore_merges\":true},\"model\":{", "model appears twice",
         SGF_ERR_FORMAT},
        {"\"type\":\"BPE\"", "\"type\":\"\\u0007\\u009b\"", "type ???", SGF_ERR_UNSUPPORTED}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgf_tokenizer *t = NULL;
        sgf_error err;
        sgf_status status;
        memset(&err, 0, sizeof err);
        status = tok_small(cases[i].change, cases[i].to, NULL, &t, &err);
        if (status != cases[i].status || t || !strstr(err.message, cases[i].says) ||
            strcmp(err.file, "small.json") != 0 || strpbrk(err.message, "\x07\x1b\x9b"))
            test_errors++, printf("    case %d (%s): status %d, %s\n", (int)i, cases[i].to,
                                  (int)status, err.message);
        sgf_tokenizer_free(t);
    }
}
/* Objects elsewhere may have members of the same names. */
static void test_tokenizer_takes_vocab_and_merges_of_its_model(void) {
    static const char *const around[] = {
        "\"other\":{\"vocab\":{\"he\":7},\"merges\":[\"a b\"]},\"normalizer\":null",
        "\"vocab\":{\"he\":7},\"merges\":[\"a b\"],\"normalizer\":null"};
    sgf_tokenizer *t = NULL;
    sgf_error err;
    size_t i;
    for (i = 0; i < 2; i++) {
        MUST(tok_small("\"normalizer\":null", around[i], NULL, &t, &err), err);
        CHECK(!strcmp(tok_encode(t, "he the"), "257 258") && tok_info(t).size == 305);
        sgf_tokenizer_free(t);
    }
    MUST(tok_small("\"type\":\"BPE\"",
                   "\"type\":\"BPE\",\"more\":{\"vocab\":{\"he\":7},\"merges\":[\"a b\"]}", NULL,
                   &t, &err),
         err);
    CHECK(!strcmp(tok_encode(t, "he the"), "257 258") && tok_info(t).size == 305);
    sgf_tokenizer_free(t);
}
static void test_tokenizer_refuses_what_is_not_a_tokenizer(void) {
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "[]",
                                        "7",
                                        "null",
                                        "{}",
                                        "{\"model\":{}}",
                                        "not JSON",
                                        "\xFF\xFE",
                                        "{\"model\":{\"type\":\"BPE\",\"vocab\":[],\"merges\":{}}}",
                                        "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[]",
                                        "\"model\":{\"vocab\":{},\"merges\":[]}",
                                        "{\"model\":{\"vocab\":{]},\"merges\":[]}}",
                                        "{\"model\":{\"vocab\":{},\"merges\":[}]}}",
                                        "[\"model\",{\"vocab\":{},\"merges\":[]}]"};
    size_t i;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sgf_tokenizer *t = NULL;
        sgf_error err;
        memset(&err, 0, sizeof err);
        CHECK(sgf__tokenizer_parse("x", texts[i], strlen(texts[i]), NULL, &t, &err) != SGF_OK &&
              !t && strlen(err.message) > 10);
    }
}
static void test_tokenizer_refuses_every_cut_file(void) {
    sgf__buf json;
    size_t n;
    sgf__buf_init(&json, NULL);
    tok_byte_level(&json, tok_merges, TOK_MERGES, TOK_ADDED);
    for (n = 0; n < json.len; n++) {
        sgf_tokenizer *t = NULL;
        char *exact = (char *)malloc(n ? n : 1); /* so that a sanitizer sees a byte too many */
        memcpy(exact, json.ptr, n);
        CHECK(sgf__tokenizer_parse("cut", exact, n, NULL, &t, NULL) == SGF_ERR_FORMAT && !t);
        free(exact);
    }
    sgf__buf_free(&json);
}
static void test_tokenizer_survives_random_damage(void) {
    sgf__buf json;
    uint32_t seed = 7;
    int round, good = 0;
    sgf__buf_init(&json, NULL);
    for (round = 0; round < 4000; round++) {
        sgf_tokenizer *t = NULL;
        int edits = 1 + round % 3, k;
        json.len = 0;
        if (round % 2) tok_byte_level(&json, tok_merges, TOK_MERGES, TOK_ADDED);
        else buf_text(&json, TOK_SPM, NULL);
        for (k = 0; k < edits; k++) {
            size_t at, from, n;
            seed = seed * 1664525u + 1013904223u;
            at = (seed >> 8) % json.len;
            seed = seed * 1664525u + 1013904223u;
            from = (seed >> 8) % json.len;
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 8) % 12;
            if (at + n > json.len || from + n > json.len) continue;
            if (seed >> 31) memmove(json.ptr + at, json.ptr + from, n);
            else json.ptr[at] = "\"\\{}[],:0123456789a\xC3"[(seed >> 16) % 20];
        }
        if (!sgf__tokenizer_parse("damaged", json.ptr, json.len, NULL, &t, NULL)) {
            int32_t ids[512], all[4] = {0, 5, 260, 304};
            char text[4096];
            size_t count = 0, len;
            good++;
            CHECK(sgf_encode(t, sgf_text("he <s>aaaa\xC3\xA9 'll\n\n  12 \xE2\x82\xAC the<think>>"),
                             1, ids, 512, &count, NULL) != SGF_ERR_ARG);
            CHECK(sgf_decode(t, ids, count, 0, text, sizeof text, &len, NULL) == SGF_OK);
            CHECK(sgf_decode(t, all, 4, 3, text, sizeof text, &len, NULL) == SGF_OK);
        }
        sgf_tokenizer_free(t);
    }
    CHECK(good > 100);
    sgf__buf_free(&json);
}
static void test_tokenizer_refuses_keys_made_to_collide(void) {
    enum { KEYS = 700 };
    sgf__buf json;
    sgf_tokenizer *t = NULL;
    sgf_error err;
    char key[32], text[64];
    size_t slots = sgf__table_size(256 + KEYS);
    uint32_t number = 0, i = 0;
    sgf__buf_init(&json, NULL);
    buf_text(&json, "\"\xC4\x80\":0", NULL);
    for (; i < KEYS; number++) { /* keys whose search begins at the same place */
        int n = snprintf(key, sizeof key, "k%u", (unsigned)number);
        if ((sgf__token_hash(key, (size_t)n) >> 32) % slots) continue;
        snprintf(text, sizeof text, ",\"%s\":%d", key, (int)(1000 + i++));
        buf_text(&json, text, NULL);
    }
    CHECK(tok_small("\"\xC4\x80\":0", json.ptr, NULL, &t, &err) == SGF_ERR_FORMAT && !t &&
          strstr(err.message, "collide"));
    sgf_tokenizer_free(t);
    sgf__buf_free(&json);
}

/* ---- memory ---- */

static void test_tokenizer_survives_every_failing_allocation(void) {
    int passed = 0;
    size_t fail;
    for (fail = 1; fail < 400 && !passed; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        sgf_tokenizer *t = NULL;
        int32_t ids[256];
        char text[512];
        size_t count = 77, len = 77;
        sgf_error err;
        sgf_status status;
        status = tok_small("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", &mem, &t,
                           &err);
        if (!status) {
            status = sgf_encode(
                t,
                sgf_text(
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa e\xCC\x81 <think>> he"),
                1, ids, 256, &count, &err);
            CHECK(!status || count == 77);
            if (!status) status = sgf_decode(t, ids, count, 3, text, sizeof text, &len, &err);
            CHECK(!status || len == 77);
            passed = !status;
        }
        CHECK(!status || status == SGF_ERR_MEMORY);
        sgf_tokenizer_free(t);
        CHECK(heap.used == 0);
    }
    CHECK(passed);
}

static void tests_tokenizer(void) {
    RUN(test_tokenizer_merges_by_rank_then_from_the_left);
    RUN(test_tokenizer_matches_regular_expressions);
    RUN(test_tokenizer_long_words_merge_like_short_ones);
    RUN(test_tokenizer_long_text_takes_linear_time_or_is_refused);
    RUN(test_tokenizer_puts_a_space_before_a_text);
    RUN(test_tokenizer_puts_the_template_around_a_text);
    RUN(test_tokenizer_cuts_added_tokens_out_first);
    RUN(test_tokenizer_ignore_merges_takes_whole_words);
    RUN(test_tokenizer_falls_back_to_bytes);
    RUN(test_tokenizer_marks_spaces_as_metaspace_says);
    RUN(test_tokenizer_refuses_steps_that_do_not_fit);
    RUN(test_tokenizer_matches_in_two_ways_alike);
    RUN(test_tokenizer_joins_the_parts_of_a_split);
    RUN(test_tokenizer_cuts_digits_apart);
    RUN(test_tokenizer_decodes_wrong_bytes_like_rust);
    RUN(test_tokenizer_cleans_up_spaces_when_asked);
    RUN(test_tokenizer_says_when_there_is_no_room);
    RUN(test_tokenizer_added_tokens_get_the_next_ids);
    RUN(test_tokenizer_refuses_by_name);
    RUN(test_tokenizer_takes_vocab_and_merges_of_its_model);
    RUN(test_tokenizer_refuses_what_is_not_a_tokenizer);
    RUN(test_tokenizer_refuses_every_cut_file);
    RUN(test_tokenizer_survives_random_damage);
    RUN(test_tokenizer_refuses_keys_made_to_collide);
    RUN(test_tokenizer_survives_every_failing_allocation);
    RUN(test_tokenizer_loads_folders_and_their_config);
    RUN(test_unicode_classes_as_by_tokenizers);
    RUN(test_nfc_as_by_tokenizers);
    RUN(test_nfc_of_long_runs_of_marks);
    RUN(test_tokenizer_gives_the_ids_of_hugging_face);
}
static void data_tokenizer(void) {
    RUN(test_unicode_classes_are_those_of_hugging_face);
    RUN(test_unicode_kinds_are_those_of_hugging_face);
    RUN(test_nfc_follows_the_normalization_test);
    RUN(test_tokenizer_gives_the_ids_of_llama_cpp);
    RUN(test_tokenizer_gives_the_ids_and_texts_of_transformers);
}
