/* segfuse tokenize: JSON strings, one a line, on stdin -> JSON id lists on stdout; --decode: the
 * reverse. */
#include "../base/json.h"
#include "../runs/cleanup.h"
#include "model.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sgf_status tokenize_line(const sgf_tokenizer *tokenizer, const json_doc *json, int special,
                                sgf_error *err) {
    sgf_str text = json->nodes[0].text;
    size_t cap = sgf_encode_bound(text.len), n = 0, i;
    int32_t *ids = (int32_t *)malloc((cap + 1) * sizeof *ids);
    sgf_status status;
    if (!ids)
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for a line of %llu bytes",
                         (unsigned long long)text.len);
    status = sgf_encode(tokenizer, text, special, ids, cap, &n, err);
    if (!status) {
        putchar('[');
        for (i = 0; i < n; i++) printf("%s%d", i ? ", " : "", (int)ids[i]);
        puts("]");
    }
    free(ids);
    return status;
}
static sgf_status detokenize_line(const sgf_tokenizer *tokenizer, const json_doc *json, int flags,
                                  int clean, sgf_error *err) {
    size_t n = json->nodes[0].count, i, len = 0, cap = 0;
    int32_t *ids = (int32_t *)malloc((n + 1) * sizeof *ids);
    char *text = NULL;
    uint32_t at = 1;
    base_buf quoted;
    sgf_status status = ids ? SGF_OK : base_fail(err, SGF_ERR_MEMORY, "out of memory");
    base_buf_init(&quoted, NULL);
    for (i = 0; i < n && !status; i++, at = json->nodes[at].next) {
        int64_t id;
        if (!json_whole(json, at, 0, INT32_MAX, &id))
            status = base_fail(err, SGF_ERR_FORMAT, "not a list of token ids");
        else ids[i] = (int32_t)id;
    }
    if (!status) status = sgf_decode(tokenizer, ids, n, flags, NULL, 0, &cap, err);
    if (!status && !(text = (char *)malloc(cap + 1)))
        status = base_fail(err, SGF_ERR_MEMORY, "out of memory");
    if (!status) status = sgf_decode(tokenizer, ids, n, flags, text, cap, &len, err);
    if (!status) {
        sgf_str s;
        s.ptr = text;
        s.len = clean ? cleanup_spaces(text, len) : len;
        status = json_quote(&quoted, s, err);
    }
    if (!status) {
        fwrite(quoted.ptr, 1, quoted.len, stdout);
        putchar('\n');
    }
    base_buf_free(&quoted);
    free(text);
    free(ids);
    return status;
}

/* One line of stdin without its end, in a buffer that grows; 0 at the end or when reading failed. */
static int line_read(base_buf *line, sgf_status *status, sgf_error *err) {
    int c = EOF;
    line->len = 0;
    while (!*status && (c = getc(stdin)) != EOF && c != '\n') {
        char byte = (char)c;
        *status = base_buf_add(line, &byte, 1, err);
    }
    if (!*status && ferror(stdin))
        *status = base_fail(err, SGF_ERR_IO, "reading stdin failed: %s", strerror(errno));
    return !*status && (c == '\n' || line->len > 0);
}

int verb_tokenize(int argc, char **argv) {
    const char *model = NULL, *rest[1];
    int decode = 0, no_special = 0, skip = 0, clean = 0, rests, status;
    char path[1024], name[64];
    size_t number = 0;
    sgf_tokenizer *tokenizer;
    sgf_error err;
    base_buf line;
    sgf_status bad = SGF_OK;
    option options[] = {
        {"model", OPTION_TEXT, (void *)&model, "MODEL",
         "folder, short name or Hugging Face id (bundled)"},
        {"no_special_tokens", OPTION_FLAG, &no_special, NULL, "do not add BOS and EOS"},
        {"decode", OPTION_FLAG, &decode, NULL, "JSON id lists to JSON strings"},
        {"skip_special_tokens", OPTION_FLAG, &skip, NULL,
         "with --decode: leave special tokens out"},
        {"clean_up", OPTION_FLAG, &clean, NULL, "with --decode: clean_up_tokenization_spaces"},
        ROWS_END};
    status = options_parse(argc, argv, options, "",
                           "JSON strings, one a line, on stdin -> JSON lists of ids on stdout.",
                           rest, &rests, 0);
    if (status >= 0) return status;
    if (!model_find("tokenize", model, path, sizeof path)) return 1;
    if (sgf_tokenizer_load(path, NULL, &tokenizer, &err)) return failed("tokenize", &err);
    base_buf_init(&line, NULL);
    while (line_read(&line, &bad, &err)) {
        base_arena arena;
        json_doc json;
        number++;
        if (!line.len) continue;
        snprintf(name, sizeof name, "stdin line %llu", (unsigned long long)number);
        base_arena_init(&arena, NULL);
        bad = json_parse(name, line.ptr, line.len, &arena, &json, &err);
        if (!bad && json.nodes[0].type != (decode ? JSON_ARRAY : JSON_STRING))
            bad = base_fail(&err, SGF_ERR_FORMAT, "%s: a JSON %s was expected", name,
                            decode ? "list of ids" : "string");
        if (!bad && decode)
            bad = detokenize_line(tokenizer, &json, skip ? SGF_DECODE_SKIP_SPECIAL : 0, clean,
                                  &err);
        else if (!bad) bad = tokenize_line(tokenizer, &json, !no_special, &err);
        base_arena_free(&arena);
    }
    base_buf_free(&line);
    sgf_tokenizer_free(tokenizer);
    return bad ? failed("tokenize", &err) : 0;
}
