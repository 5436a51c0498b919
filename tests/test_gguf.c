/* Models in GGUF files: weights, ids and configuration of what is made of them (golden/make_gguf.py), and
   hostile files. */

static const char *const gguf_names[] = {"llama",   "llama3",  "qwen2", "qwen3", "sentencepiece",
                                         "smollm3", "granite", "olmo2", "phi3"};
enum { GGUF_NAMES = (int)(sizeof gguf_names / sizeof *gguf_names) };

/* A copy of the file, to change; the caller frees it. */
static char *gguf_load(const char *name, size_t *size) {
    char path[256], *copy = NULL;
    base_map map;
    snprintf(path, sizeof path, "%s/gguf/%s.gguf", golden_path(), name);
    *size = 0;
    if (base_map_file(path, NULL, &map, NULL)) return NULL;
    copy = (char *)malloc(map.size);
    if (copy) memcpy(copy, map.data, *size = map.size);
    base_unmap(&map);
    return copy;
}
static const gguf_weight *gguf_weight_named(const gguf_model *m, sgf_str name) {
    size_t i;
    for (i = 0; i < m->count; i++)
        if (base_str_is(name, m->weights[i].name)) return &m->weights[i];
    return NULL;
}
static void test_gguf_weights_are_those_of_the_package(void) {
    int n;
    for (n = 0; n < GGUF_NAMES; n++) {
        char name[64];
        size_t size, lines = 0;
        char *bytes = gguf_load(gguf_names[n], &size);
        golden_cases g;
        gguf_model m;
        sgf_error err;
        MUST(gguf_model_make(gguf_names[n], bytes, size, -1, NULL, &m, &err), err);
        snprintf(name, sizeof name, "gguf_%s_weights", gguf_names[n]);
        for (golden_open(&g, name); golden_next(&g); lines++) {
            const gguf_weight *w = gguf_weight_named(&m, g.field[0]);
            unsigned char digest[64];
            char shape[64], hex[132];
            uint64_t row, n_all;
            float *all;
            int i;
            CHECK(w);
            if (!w) continue;
            snprintf(shape, sizeof shape, w->tensor->rank > 1 ? "%dx%d" : "%d",
                     (int)(w->tensor->rank > 1 ? w->tensor->rows : w->tensor->cols),
                     (int)w->tensor->cols);
            all = (float *)malloc((size_t)(w->tensor->rows * w->tensor->cols) * sizeof *all);
            for (row = 0; row < w->tensor->rows; row++)
                gguf_weight_row(w, row, all + row * w->tensor->cols);
            for (i = 0; i < 4; i++) {
                double wanted;
                CHECK(base_text_f64(g.field[3 + i], &wanted) && (double)all[i] == wanted);
            }
            for (n_all = 0; n_all < w->tensor->rows * w->tensor->cols; n_all++) {
                uint32_t bits;
                unsigned char *little = (unsigned char *)(all + n_all);
                memcpy(&bits, all + n_all, 4);
                for (i = 0; i < 4; i++) little[i] = (unsigned char)(bits >> 8 * i);
            }
            hash_sha512(base_text_of((const char *)all, (size_t)n_all * 4), digest);
            for (i = 0; i < 64; i++) snprintf(hex + 2 * i, 3, "%02x", (unsigned)digest[i]);
            CHECK(base_str_is(g.field[1], shape));
            CHECK(base_str_is(g.field[2], hex));
            free(all);
        }
        CHECK(lines == m.count && lines > 7);
        golden_close(&g);
        gguf_model_free(&m);
        free(bytes);
    }
}
static void test_gguf_ids_are_those_of_the_tokenizer(void) {
    int n;
    for (n = 0; n < GGUF_NAMES; n++) {
        char name[64];
        size_t size, lines = 0;
        char *bytes = gguf_load(gguf_names[n], &size);
        golden_cases g;
        gguf_model m;
        sgf_tokenizer *t;
        sgf_error err;
        MUST(gguf_model_make(gguf_names[n], bytes, size, -1, NULL, &m, &err), err);
        MUST(sgf__tokenizer_parse(gguf_names[n], m.tokenizer.buf.ptr, m.tokenizer.buf.len, NULL, &t,
                                  &err),
             err);
        snprintf(name, sizeof name, "gguf_%s_ids", gguf_names[n]);
        for (golden_open(&g, name); golden_next(&g); lines++) {
            const char *got = tok_ids(t, g.field[0], 1);
            if (!base_str_is(g.field[1], got))
                printf("    %s: %.*s: wanted %.*s, got %s\n", gguf_names[n], (int)g.field[0].len,
                       g.field[0].ptr, (int)g.field[1].len, g.field[1].ptr, got);
            CHECK(base_str_is(g.field[1], got));
        }
        CHECK(lines == 52);
        golden_close(&g);
        sgf_tokenizer_free(t);
        gguf_model_free(&m);
        free(bytes);
    }
}
static void test_gguf_settings_become_config_json(void) {
    int n;
    for (n = 0; n < GGUF_NAMES; n++) {
        int every = n == 0, llama3 = n == 1;
        size_t size;
        char *bytes = gguf_load(gguf_names[n], &size);
        gguf_model m;
        sgf_config c;
        sgf_error err;
        MUST(gguf_model_make(gguf_names[n], bytes, size, -1, NULL, &m, &err), err);
        MUST(config_parse(m.config.buf.ptr, m.config.buf.len, &c, &err), err);
        CHECK(c.context == 512 && c.rms_eps == 1e-6f && c.ffn_dim == 32);
        CHECK(c.heads == (llama3 ? 4 : 2) && c.kv_heads == (llama3 ? 2 : 1));
        CHECK(c.head_dim == (llama3 ? 32 : 16));
        CHECK(c.dim == (every ? 256 : 32));
        CHECK(c.layers == (every ? 2 : !strcmp(gguf_names[n], "smollm3") ? 4 : 1));
        CHECK(c.rope_theta == (llama3 ? 500000 : 10000));
        CHECK(c.rope == (llama3 ? SGF_ROPE_LLAMA3 : SGF_ROPE_DEFAULT));
        CHECK(!llama3 || (c.rope_factor == 8 && c.rope_low == 1 && c.rope_high == 4 &&
                          c.rope_original_context == 8192));
        CHECK(c.tied == (strcmp(gguf_names[n], "qwen3") != 0));
        CHECK(c.qkv_bias == (llama3 || !strcmp(gguf_names[n], "qwen2")) && c.out_bias == llama3);
        CHECK(c.qk_norm == (!strcmp(gguf_names[n], "qwen3")   ? 1
                            : !strcmp(gguf_names[n], "olmo2") ? 2
                                                              : 0));
        CHECK(c.eos_count == 1 && c.no_rope_layers[0] == (c.layers == 4 ? 8 : 0));
        CHECK(c.sliding_window == (strcmp(gguf_names[n], "phi3") ? 0 : 7));
        CHECK(c.residual_scale == (strcmp(gguf_names[n], "granite") ? 1.0 : 0.22));
        CHECK(c.logit_divisor == (strcmp(gguf_names[n], "granite") ? 1.0 : 8.0));
        CHECK(c.dtype == SGF_DTYPE_F32 && m.dtype == SGF_DTYPE_F32);
        CHECK(sgf_config_parameters(&c) == m.parameters);
        CHECK(strstr(m.tokenizer_config.buf.ptr,
                     "\"chat_template\": \"{% for message in messages %}"));
        gguf_model_free(&m);
        free(bytes);
    }
}
/* All f16, by the library's reader and back; halves between two of them; bf16 as the library rounds. */
static void test_gguf_half_precision(void) {
    uint32_t i, seed = 1;
    for (i = 0; i < 65536; i++) {
        unsigned char two[2];
        float x = sgf__f16_float((uint16_t)i), got;
        two[0] = (unsigned char)i, two[1] = (unsigned char)(i >> 8);
        dequantize(dequantize_find(1), two, 1, &got);
        CHECK(x == got || (x != x && got != got));
        CHECK(x != x || dequantize_f16(x) == i);
        if ((i & 0x7FFF) < 0x7BFF) { /* halfway to the next one: to the even one */
            float next = sgf__f16_float((uint16_t)(i + 1)), half = (x + next) / 2;
            CHECK(dequantize_f16(half) == i + (i & 1));
            CHECK(dequantize_f16(half + (half - x) / 4) == i + 1);
            CHECK(dequantize_f16(half - (half - x) / 4) == i);
        }
    }
    CHECK(dequantize_f16(65519) == 0x7BFF && dequantize_f16(65520) == 0x7C00);
    CHECK(dequantize_f16(-1e30f) == 0xFC00 && dequantize_f16(1e-9f) == 0);
    for (i = 0; i < 100000; i++) {
        float x;
        seed = seed * 1664525 + 1013904223;
        memcpy(&x, &seed, 4);
        if (x == x) CHECK(dequantize_bf16(x) == sgf__float_bf16(x));
    }
}
static void test_gguf_types_that_keep_everything(void) {
    size_t size, i;
    char *bytes = gguf_load("llama", &size);
    gguf_model m;
    sgf_error err;
    MUST(gguf_model_make("llama", bytes, size, -1, NULL, &m, &err), err);
    for (i = 0; i < m.count; i++) {
        const char *type = m.weights[i].tensor->type->name;
        CHECK(m.weights[i].dtype == (!strcmp(type, "F16")    ? SGF_DTYPE_F16
                                     : !strcmp(type, "BF16") ? SGF_DTYPE_BF16
                                                             : SGF_DTYPE_F32));
        CHECK(!i || m.weights[i - 1].dtype == SGF_DTYPE_F32 ||
              m.weights[i].dtype != SGF_DTYPE_F32); /* aligned */
    }
    gguf_model_free(&m);
    MUST(gguf_model_make("llama", bytes, size, SGF_DTYPE_BF16, NULL, &m, &err), err);
    for (i = 0; i < m.count; i++) CHECK(m.weights[i].dtype == SGF_DTYPE_BF16);
    gguf_model_free(&m);
    free(bytes);
}

/* ---- wrong files ---- */

/* Where `text` is in the file, from the `skip`-th place on. */
static char *gguf_place_of(char *bytes, size_t size, const char *text, int skip) {
    size_t n = strlen(text), at;
    for (at = 0; at + n <= size; at++)
        if (!memcmp(bytes + at, text, n) && !skip--) return bytes + at;
    return NULL;
}
static void gguf_refused(const char *what, const char *bytes, size_t size, const char *says) {
    char *exact = (char *)malloc(size ? size : 1); /* so that a sanitizer sees a byte too far */
    gguf_model m;
    sgf_error err;
    sgf_status status;
    memcpy(exact, bytes, size);
    err.message[0] = 0;
    status = gguf_model_make("m.gguf", exact, size, -1, NULL, &m, &err);
    CHECK(status && strstr(err.message, says));
    if (!status || !strstr(err.message, says))
        printf("    %s: wanted '%s', got '%s'\n", what, says, status ? err.message : "no error");
    gguf_model_free(&m);
    free(exact);
}
static void test_gguf_wrong_files_are_refused(void) {
    static const struct {
        const char *name, *from, *to; /* of the same length */
        int skip;
        const char *says;
    } cases[] = {
        {"llama", "GGUF", "GGML", 0, "this is no GGUF file"},
        {"llama", "llama", "lIama", 0, "its architecture is \"lIama\"; known are llama"},
        {"llama", "general.architecture", "general.architectura", 0, "its architecture is \"\""},
        {"llama", "llama.vocab_size", "llama.vocab_sise", 0, "llama.vocab_sise changes how"},
        {"llama", "llama.block_count", "llama.bl\xFF\xFFk_count", 0, "not UTF-8"},
        {"qwen2", "qwen2.block_count", "general.block_cou", 0,
         "qwen2.block_count is missing, or 0"},
        {"llama", "smollm", "smolly", 0,
         "how its tokenizer cuts a text into words (tokenizer.ggml.pre) is \"smolly\"; known are"},
        {"llama", "tokenizer.ggml.pre", "tokenizer.ggml.prx", 0, "is \"\", which does not say it"},
        {"llama", "gpt2", "bert", 0, "its vocabulary is of the kind \"bert\""},
        {"llama", "tokenizer.ggml.merges", "tokenizer.ggml.nerges", 0,
         "has no tokenizer.ggml.merges"},
        {"sentencepiece", "tokenizer.ggml.scores", "tokenizer.ggml.skores", 0,
         "has no tokenizer.ggml.scores"},
        {"llama", "tokenizer.ggml.tokens", "tokenizer.ggml.tokenz", 0, "0 tokens do not suit"},
        {"llama", "blk.1.attn_v.weight", "blk.1.attn_z.weight", 0,
         "tensor blk.1.attn_v.weight is missing; a llama model of 2 layers needs it"},
        {"llama", "blk.1.attn_q.weight", "blk.0.attn_q.weight", 0,
         "blk.0.attn_q.weight appears twice"},
        {"qwen3", "output.weight", "outpux.weight", 0,
         "outpux.weight has no place in a qwen3 model"},
        {"qwen3", "general.architecture", "general.achitecture1", 0, "its architecture is \"\""},
        {"llama3", "rope_freqs.weight", "rope_freqz.weight", 0, "has no place"},
        {"qwen2", "blk.0.attn_q.bias", "blk.0.attn_q.bios", 0, "attn_q.bias is missing"}};
    size_t i, size;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *bytes = gguf_load(cases[i].name, &size);
        char *at = gguf_place_of(bytes, size, cases[i].from, cases[i].skip);
        CHECK(at);
        if (at) memcpy(at, cases[i].to, strlen(cases[i].to));
        gguf_refused(cases[i].from, bytes, size, cases[i].says);
        free(bytes);
    }
}
/* The u64 or u32 `offset` bytes behind the first place of `text` (NULL: the file's begin) is `value`. */
static void test_gguf_wrong_numbers_are_refused(void) {
    static const struct {
        const char *text;
        int offset, bytes;
        uint64_t value;
        const char *says;
    } cases[] = {{NULL, 4, 4, 1, "another version than 2 and 3"},
                 {NULL, 4, 4, 0x03000000, "big-endian"},
                 {NULL, 8, 8, UINT64_MAX, "counts more keys or tensors than fit"},
                 {NULL, 8, 8, 1, "is missing"},
                 {NULL, 16, 8, UINT64_MAX, "counts more keys or tensors than fit"},
                 {NULL, 16, 8, (uint64_t)1 << 61, "counts more keys or tensors than fit"},
                 {NULL, 24, 8, UINT64_MAX, "the file is cut"},
                 {NULL, 24, 8, (uint64_t)1 << 63, "the file is cut"},
                 {"general.architecture", 20, 4, 99, "a type that is not known"},
                 {"general.architecture", 20, 4, GGUF_ARRAY, "array's length wraps"},
                 {"general.architecture", 24, 8, UINT64_MAX - 7, "the file is cut"},
                 {"llama.block_count", 21, 4, 0, "llama.block_count is missing, or 0"},
                 {"llama.block_count", 21, 4, 3, "a llama model of 3 layers needs it"},
                 {"llama.block_count", 21, 4, 1, "has no place"},
                 {"llama.block_count", 21, 4, 2000000000, "is not a whole number from 0 to"},
                 {"llama.embedding_length", 26, 4, 255, "and its keys say"},
                 {"llama.attention.head_count", 30, 4, 0, "is missing, or 0"},
                 {"llama.rope.dimension_count", 30, 4, 8, "not as wide as a key"},
                 {"tokenizer.ggml.tokens", 25, 4, GGUF_U8, ""},
                 {"tokenizer.ggml.tokens", 29, 8, UINT64_MAX, "the file is cut"},
                 {"tokenizer.ggml.token_type", 29, 4, GGUF_U64, ""},
                 {"tokenizer.ggml.token_type", 33, 8, UINT64_MAX, "array's length wraps"},
                 {"tokenizer.ggml.token_type", 33, 8, 301, ""},
                 {"tokenizer.ggml.token_type", 41, 4, 77, "token 0 is of a type that is not known"},
                 {"tokenizer.ggml.bos_token_id", 31, 4, 302, "is not a whole number from 0 to 301"},
                 {"blk.0.attn_q.weight", 19, 4, 5, "more than 4 dimensions"},
                 {"blk.0.attn_q.weight", 19, 4, 1, ""},
                 {"blk.0.attn_q.weight", 23, 8, UINT64_MAX, "the size of a tensor wraps"},
                 {"blk.0.attn_q.weight", 23, 8, 255, "no whole number of blocks"},
                 {"blk.0.attn_q.weight", 31, 8, (uint64_t)1 << 54, "not in the file"},
                 {"blk.0.attn_q.weight", 31, 8, 33, ""},
                 {"blk.0.attn_q.weight", 39, 4, 16,
                  "is stored as IQ2_XXS, which is not read; known are F32"},
                 {"blk.0.attn_q.weight", 39, 4, 4, "is stored as type 4, which is not read"},
                 {"blk.0.attn_q.weight", 43, 8, UINT64_MAX - 31, "not in the file"},
                 {"blk.0.attn_q.weight", 43, 8, 1, "its offset is not aligned"},
                 {"blk.0.attn_q.weight", 43, 8, 0, "shares its bytes"}};
    size_t i, size;
    int k;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *bytes = gguf_load("llama", &size), what[80];
        char *at = cases[i].text ? gguf_place_of(bytes, size, cases[i].text, 0) : bytes;
        snprintf(what, sizeof what, "%s + %d", cases[i].text ? cases[i].text : "begin",
                 cases[i].offset);
        CHECK(at);
        for (k = 0; at && k < cases[i].bytes; k++)
            at[cases[i].offset + k] = (char)(cases[i].value >> 8 * k);
        gguf_refused(what, bytes, size, cases[i].says);
        free(bytes);
    }
}
static void test_gguf_cut_at_every_length(void) {
    size_t size, n;
    char *bytes = gguf_load("qwen2", &size);
    for (n = 0; n < size; n++)
        if (n < 4 || n > size - 33)
            gguf_refused("cut", bytes, n, n < 4 ? "no GGUF file" : "m.gguf");
        else gguf_refused("cut", bytes, n, n < 24 ? "cut" : "m.gguf");
    free(bytes);
}
/* Whatever a byte is: an error or a model, and the same for all tools that look for memory errors. */
static void test_gguf_changed_bytes(void) {
    size_t size, n, refused = 0, taken = 0;
    char *bytes = gguf_load("qwen2", &size);
    for (n = 0; n < 12000; n += 1 + n / 400) {
        char was = bytes[n];
        int k;
        for (k = 0; k < 3; k++) {
            gguf_model m;
            sgf_error err;
            bytes[n] = (char)(k == 0 ? was ^ 1 : k == 1 ? 0xFF : 0);
            if (gguf_model_make("m.gguf", bytes, size, -1, NULL, &m, &err)) refused++;
            else taken++;
            gguf_model_free(&m);
        }
        bytes[n] = was;
    }
    CHECK(refused > 100 && taken > 100);
    free(bytes);
}
static void test_gguf_survives_lack_of_memory(void) {
    size_t size, fail;
    char *bytes = gguf_load("sentencepiece", &size);
    sgf_status status = SGF_ERR_MEMORY;
    for (fail = 1; status && fail < 2000; fail++) {
        test_heap heap;
        sgf_allocator mem = test_heap_init(&heap, fail);
        gguf_model m;
        status = gguf_model_make("m.gguf", bytes, size, -1, &mem, &m, NULL);
        CHECK(!status || status == SGF_ERR_MEMORY);
        gguf_model_free(&m);
        CHECK(!heap.used);
    }
    CHECK(!status && fail > 20);
    free(bytes);
}

/* ---- the program ---- */

static void test_gguf_convert_makes_a_folder(void) {
    int n;
    for (n = 0; n < GGUF_NAMES; n++) {
        char line[400];
        snprintf(line, sizeof line, "build/segfuse convert tests/golden/gguf/%s.gguf '%%s/gguf-%s'",
                 gguf_names[n], gguf_names[n]);
        program_says(line, 0, "parameters");
        snprintf(line, sizeof line,
                 "build/segfuse ask --model '%%s/gguf-%s' --method fused "
                 "--max_new_tokens 2 'one of it' 'is it'",
                 gguf_names[n]);
        program_says(line, 0, "");
    }
    program_says("ls '%s' | grep tmp", 1, "");
    program_says("build/segfuse convert tests/golden/gguf/llama.gguf '%s/gguf-llama'", 1,
                 "model.safetensors already exists; --rewrite replaces it");
    program_says("build/segfuse convert --rewrite --dtype bf16 tests/golden/gguf/llama.gguf "
                 "'%s/gguf-llama/'",
                 0, "in bf16, rounded from");
    program_says("build/segfuse inspect '%s/gguf-llama'", 0, "BF16");
    program_says("mkdir '%s/gguf-other' && touch '%s/gguf-other/tokenizer.json' && build/segfuse "
                 "convert tests/golden/gguf/qwen2.gguf '%s/gguf-other'",
                 1, "gguf-other/tokenizer.json already exists");
    program_says("rm '%s/gguf-other/tokenizer.json'; touch '%s/gguf-other/mine'; build/segfuse "
                 "convert tests/golden/gguf/qwen2.gguf '%s/gguf-other' && ls '%s/gguf-other'",
                 0, "generation_config.json\nmine\nmodel.safetensors");
    program_says("build/segfuse convert --dtype f16 tests/golden/gguf/qwen2.gguf '%s/gguf-f16'", 0,
                 "in f16, rounded from");
    program_says("build/segfuse convert tests/golden/gguf/qwen2.gguf README.md", 1, "is no folder");
    program_says("build/segfuse convert tests/golden/gguf/qwen2.gguf '%s/gguf-none/there'", 1,
                 "cannot be made");
    program_says("build/segfuse convert --dtype q8 tests/golden/gguf/qwen2.gguf '%s/x'", 2,
                 "known: bf16, f16, f32");
    program_says("build/segfuse convert --dtype f16 README.md '%s/x.csv'", 2, "is no GGUF file");
    program_says("build/segfuse convert '%s/none.gguf' '%s/x'", 1, "none.gguf");
    program_says("head -c 5000 tests/golden/gguf/qwen2.gguf > '%s/cut.gguf'; build/segfuse convert "
                 "'%s/cut.gguf' '%s/gguf-cut'; s=$?; ls '%s' | grep gguf-cut; exit $s",
                 1, "the file is cut; download it again");
    program_says("build/segfuse ask --model tests/golden/gguf/qwen2.gguf a", 1,
                 "segfuse convert tests/golden/gguf/qwen2.gguf FOLDER");
    program_says("build/segfuse inspect tests/golden/gguf/qwen2.gguf", 1,
                 "segfuse convert tests/golden/gguf/qwen2.gguf FOLDER");
    program_says("build/segfuse generate --model tests/golden/gguf", 1, "segfuse convert ");
}

static void tests_gguf(void) {
    RUN(test_gguf_weights_are_those_of_the_package);
    RUN(test_gguf_ids_are_those_of_the_tokenizer);
    RUN(test_gguf_settings_become_config_json);
    RUN(test_gguf_half_precision);
    RUN(test_gguf_types_that_keep_everything);
    RUN(test_gguf_wrong_files_are_refused);
    RUN(test_gguf_wrong_numbers_are_refused);
    RUN(test_gguf_cut_at_every_length);
    RUN(test_gguf_changed_bytes);
    RUN(test_gguf_survives_lack_of_memory);
    RUN(test_gguf_convert_makes_a_folder);
}

/* ---- other people's data ---- */

/* llama.cpp's file of Llama 2's vocabulary, which has no weights. */
static void test_gguf_sentencepiece_gives_the_ids_of_llama_cpp(void) {
    base_map map;
    gguf g;
    json_out texts[2];
    sgf_tokenizer *t;
    sgf_error err;
    NEED_DATA("tokenizers/llamacpp-vectors/ggml-vocab-llama-spm.gguf", "of ggml-org/llama.cpp");
    MUST(base_map_file(data_path("tokenizers/llamacpp-vectors/ggml-vocab-llama-spm.gguf"), NULL,
                       &map, &err),
         err);
    memset(texts, 0, sizeof texts);
    base_buf_init(&texts[0].buf, NULL);
    base_buf_init(&texts[1].buf, NULL);
    MUST(gguf_read("spm", map.data, map.size, NULL, &g, &err), err);
    MUST(gguf_tokenizer(&g, 32000, 4096, &texts[0], &texts[1], &err), err);
    MUST(sgf__tokenizer_parse("spm", texts[0].buf.ptr, texts[0].buf.len, NULL, &t, &err), err);
    CHECK(tok_vector_file(t, "llama-spm") > 40);
    sgf_tokenizer_free(t);
    gguf_free(&g);
    base_buf_free(&texts[0].buf);
    base_buf_free(&texts[1].buf);
    base_unmap(&map);
}
static void data_gguf(void) {
    RUN(test_gguf_sentencepiece_gives_the_ids_of_llama_cpp);
}
