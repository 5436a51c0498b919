/* libFuzzer targets: bytes from a stranger into every reader. Build with -DFUZZ_json, -DFUZZ_table,
   ...; see `make fuzz`. A target must return whatever it is given: no crash, no leak, no access out
   of bounds. */
#define SEGFUSE_IMPLEMENTATION
#include "../segfuse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    sgf_error err;
#if defined(FUZZ_json)
    sgf__arena arena;
    sgf__json json;
    sgf__arena_init(&arena, NULL);
    (void)sgf__json_parse("fuzz", text, size, &arena, &json, &err);
    sgf__arena_free(&arena);
#elif defined(FUZZ_layout)
    sgf__layout_reader r;
    sgf__arena arena;
    sgf__arena_init(&arena, NULL);
    sgf_layout_init(&r.layout, NULL);
    r.err = &err;
    if (!sgf__json_parse("fuzz", text, size, &arena, &r.json, &err)) (void)sgf__layout_parse(&r);
    sgf_layout_free(&r.layout);
    sgf__arena_free(&arena);
#elif defined(FUZZ_safetensors)
    sgf__safetensors st;
    if (!sgf__safetensors_parse("fuzz", text, size, NULL, &st, &err)) sgf__safetensors_close(&st);
#elif defined(FUZZ_config)
    sgf_config config;
    (void)sgf__config_parse("fuzz", text, size, NULL, &config, &err);
#elif defined(FUZZ_tokenizer) /* tokenizer.json, a zero byte, a text */
    sgf_tokenizer *t;
    const char *end = size ? (const char *)memchr(text, 0, size) : NULL;
    size_t json = end ? (size_t)(end - text) : size, n = 0, len = 0;
    if (!sgf__tokenizer_parse("fuzz", text, json, NULL, &t, &err)) {
        sgf_str rest = {end ? end + 1 : "", end ? size - json - 1 : 0};
        size_t cap = sgf_encode_bound(rest.len);
        int32_t *ids = (int32_t *)malloc(cap * sizeof *ids + 1);
        if (ids && !sgf_encode(t, rest, 1, ids, cap, &n, &err))
            (void)sgf_decode(t, ids, n, 0, NULL, 0, &len, &err);
        free(ids);
        sgf_tokenizer_free(t);
    }
#elif defined(FUZZ_lemmas)
    sgf_str s = {text, size};
    sgf_lemmas lemmas;
    if (!sgf_lemmas_make(s, NULL, &lemmas, &err)) sgf_lemmas_free(&lemmas);
#elif defined(FUZZ_mask)  /* .npy and text; a matrix */
    uint8_t dense[9];
    sgf_matrix *matrix;
    sgf__map map;
    memset(&map, 0, sizeof map);
    map.data = text;
    map.size = size;
    if (sgf__mask_parse("fuzz", &map, 2, dense, &err))
        (void)sgf__mask_parse("fuzz", &map, 3, dense, &err);
    if (!sgf__matrix_make("fuzz", text, size, NULL, &matrix, &err)) {
        sgf_layout layout;
        int i;
        sgf_layout_init(&layout, NULL);
        for (i = 0; i < 3; i++)
            (void)sgf_layout_segment(&layout, i ? SGF_PARAPHRASE : SGF_SHARED, i, NULL, &err);
        (void)sgf_matrix_set(&layout, matrix, &err);
        sgf_layout_free(&layout);
        sgf_matrix_free(matrix);
    }
#elif defined(FUZZ_table) /* Arrow file or stream, CSV, JSON lines: the content decides */
    sgf_table *table;
    if (!sgf__table_read("fuzz", text, size, NULL, &table, &err)) sgf_table_free(table);
#endif
    return 0;
}
