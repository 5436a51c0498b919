/* table.h, table_parse: texts become other types.

   Lists in CSV are Python literals, as pandas writes them: the grammar is that of Python's repr(),
   and a little more, such as what NumPy prints. */
#include "column.h"

#include <string.h>

typedef struct literal {
    sgf_str text;
    size_t at;
    char *out; /* strings are unescaped to here; never longer than the text */
    size_t made;
} literal;

static void literal_space(literal *p) {
    while (p->at < p->text.len && strchr(" \t\r\n", p->text.ptr[p->at]) && p->text.ptr[p->at])
        p->at++;
}
static int literal_take(literal *p, const char *word) {
    size_t n = strlen(word);
    literal_space(p);
    if (p->text.len - p->at < n || memcmp(p->text.ptr + p->at, word, n)) return 0;
    p->at += n;
    return 1;
}
/* \x41 \u0041 \U00000041 (digits: how many), or \101 when digits is 0: one code point. */
static int literal_code(literal *p, unsigned digits) {
    uint32_t code = 0;
    unsigned i, base = digits ? 16 : 8, most = digits ? digits : 3;
    for (i = 0; i < most && p->at < p->text.len; i++, p->at++) {
        unsigned c = (unsigned char)p->text.ptr[p->at];
        unsigned d = c >= '0' && c <= '9'                 ? c - '0'
                     : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                          : 16;
        if (d >= base) break;
        code = code * base + d;
    }
    if ((digits && i < digits) || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
    p->made += base_utf8_put(code, p->out + p->made);
    return 1;
}
static int literal_escape(literal *p) {
    static const char names[] = "\\'\"abfnrtv", values[] = "\\'\"\a\b\f\n\r\t\v";
    const char *found;
    char c;
    if (p->at >= p->text.len) return 0;
    c = p->text.ptr[p->at++];
    if (c == 'x') return literal_code(p, 2);
    if (c == 'u') return literal_code(p, 4);
    if (c == 'U') return literal_code(p, 8);
    if (c >= '0' && c <= '7') return p->at--, literal_code(p, 0);
    if (c == '\n') return 1; /* a continued line */
    found = c ? strchr(names, c) : NULL;
    if (!found) p->out[p->made++] = '\\'; /* an unknown escape is kept */
    p->out[p->made++] = found ? values[found - names] : c;
    return 1;
}
/* 'text' or "text", or None. */
static int literal_text(literal *p, sgf_str *text) {
    size_t start = p->made;
    char quote;
    if (literal_take(p, "None")) return *text = base_text_of(NULL, 0), 1;
    if (p->at >= p->text.len || (p->text.ptr[p->at] != '\'' && p->text.ptr[p->at] != '"')) return 0;
    quote = p->text.ptr[p->at++];
    while (p->at < p->text.len && p->text.ptr[p->at] != quote) {
        char c = p->text.ptr[p->at++];
        if (c != '\\') p->out[p->made++] = c;
        else if (!literal_escape(p)) return 0;
    }
    if (p->at++ >= p->text.len) return 0;
    *text = base_text_of(p->out + start, p->made - start);
    return 1;
}
/* Between the items of a list: a comma, or only white space, as NumPy prints its arrays. */
static int literal_end(literal *p, const char *close) {
    literal_take(p, ",");
    return literal_take(p, close);
}
/* A list or tuple of texts, added to the end of column->text. */
static sgf_status literal_items(const sgf_allocator *mem, literal *p, struct column *to, int *good,
                                sgf_error *err) {
    const char *close = literal_take(p, "[") ? "]" : ")";
    *good = close[0] == ']' || literal_take(p, "(");
    if (!*good || literal_take(p, close)) return SGF_OK;
    for (;;) {
        sgf_str text;
        sgf_status status = column_array_room(mem, &to->text, 1, sizeof text, err);
        if (status) return status;
        *good = literal_text(p, &text);
        if (!*good) return SGF_OK;
        column_put_text(to, text);
        if (literal_end(p, close)) return SGF_OK;
    }
}
/* The same, or array([...], dtype=object): a list of lists of a DataFrame from Feather, in CSV. */
static sgf_status literal_list(const sgf_allocator *mem, literal *p, struct column *to, int *good,
                               sgf_error *err) {
    int array = literal_take(p, "array(");
    sgf_status status = literal_items(mem, p, to, good, err);
    if (status || !*good || !array) return status;
    if (literal_take(p, ",")) *good = literal_take(p, "dtype=object");
    *good = *good && literal_take(p, ")");
    return status;
}
static sgf_status literal_lists(const sgf_allocator *mem, literal *p, struct column *to, int *good,
                                sgf_error *err) {
    const char *close = literal_take(p, "[") ? "]" : ")";
    *good = close[0] == ']' || literal_take(p, "(");
    if (!*good || literal_take(p, close)) return SGF_OK;
    for (;;) {
        int null = literal_take(p, "None");
        sgf_status status = column_array_room(mem, &to->inner, 1, sizeof(int64_t), err);
        if (!status && !null) status = literal_list(mem, p, to, good, err);
        if (status || !*good) return status;
        column_put_end(&to->inner, to->text.count, null);
        if (literal_end(p, close)) return SGF_OK;
    }
}
/* One text as a cell of `to`, which has room for it; *good is 0 when it does not fit the type. */
static sgf_status literal_convert(struct table *table, sgf_str text, struct column *to, int *good,
                                  sgf_error *err) {
    const sgf_allocator *mem = &table->arena.mem;
    literal p;
    int64_t i = 0;
    double d = 0;
    sgf_status status = SGF_OK;
    *good = 1;
    memset(&p, 0, sizeof p);
    p.text = text;
    switch (to->type) {
    case SGF_COLUMN_I64:
        *good = base_text_i64(text, &i);
        column_put_i64(to, i, 0);
        return SGF_OK;
    case SGF_COLUMN_F64:
        *good = base_text_f64(text, &d);
        column_put_f64(to, d, 0);
        return SGF_OK;
    case SGF_COLUMN_BOOL:
        column_put_flag(to, base_str_is(text, "True") || base_str_is(text, "true"));
        *good = column_flag(to, to->flags.count - 1) || base_str_is(text, "False") ||
                base_str_is(text, "false");
        return SGF_OK;
    default: break;
    }
    p.out = (char *)base_arena_alloc(&table->arena, text.len, 1, err);
    if (!p.out) return SGF_ERR_MEMORY;
    if (to->type == SGF_COLUMN_LIST_UTF8) status = literal_list(mem, &p, to, good, err);
    else status = literal_lists(mem, &p, to, good, err);
    literal_space(&p);
    if (p.at < text.len) *good = 0;
    column_put_end(&to->ends, to->type == SGF_COLUMN_LIST_UTF8 ? to->text.count : to->inner.count,
                   0);
    return status;
}
/* How many of the first `most` bytes to show, without cutting a character. */
static int literal_clip(sgf_str text, size_t most) {
    if (text.len <= most) return (int)text.len;
    while (most && ((unsigned char)text.ptr[most] & 0xC0) == 0x80) most--;
    return (int)most;
}
/* Rows by their text's address: cells of a dictionary share texts, and a text is parsed once. */
typedef struct literal_shared {
    size_t *rows, cap; /* row + 1, or 0; cap is a power of two above twice the number of rows */
} literal_shared;

static sgf_status literal_shared_init(literal_shared *shared, const sgf_allocator *mem, size_t rows,
                                      sgf_error *err) {
    shared->rows = NULL;
    for (shared->cap = 16; shared->cap / 2 <= rows && shared->cap <= SIZE_MAX / 2;)
        shared->cap *= 2;
    shared->rows = (size_t *)base_alloc(mem, shared->cap, sizeof *shared->rows, err);
    return shared->rows ? SGF_OK : SGF_ERR_MEMORY;
}
/* The first row with the text of row `row`, which is `row` itself if none was met before. */
static size_t literal_shared_row(literal_shared *shared, const sgf_str *texts, size_t row) {
    uint64_t key = ((uint64_t)(uintptr_t)texts[row].ptr ^ (uint64_t)texts[row].len << 40) *
                   UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(key >> 32) & (shared->cap - 1);
    for (; shared->rows[at]; at = (at + 1) & (shared->cap - 1)) {
        const sgf_str *known = &texts[shared->rows[at] - 1];
        if (known->ptr == texts[row].ptr && known->len == texts[row].len)
            return shared->rows[at] - 1;
    }
    shared->rows[at] = row + 1;
    return row;
}
sgf_status table_parse(struct table *table, int column, sgf_column_type type, sgf_error *err) {
    struct column *at = column_at(table, column), made;
    const sgf_allocator *mem = &table->arena.mem;
    int list = type == SGF_COLUMN_LIST_UTF8 || type == SGF_COLUMN_LIST_LIST_UTF8;
    size_t row, rows, first;
    literal_shared shared = {NULL, 0};
    sgf_status status;
    if (!at)
        return base_fail(err, SGF_ERR_ARG, "there is no column %d, the table has %d", column,
                         table_columns(table));
    if ((unsigned)type >= TABLE_OTHER)
        return base_fail(err, SGF_ERR_ARG, "texts cannot be parsed as type %d", (int)type);
    if (at->type != SGF_COLUMN_UTF8)
        return base_fail(err, SGF_ERR_ARG, "column %d (%s) does not hold texts to be parsed",
                         column, at->name);
    if (type == SGF_COLUMN_UTF8) return SGF_OK;
    memset(&made, 0, sizeof made);
    made.name = at->name;
    made.name_len = at->name_len;
    made.type = type;
    rows = at->text.count;
    status = column_room(mem, &made, rows, 0, 0, err);
    if (!status && list) status = literal_shared_init(&shared, mem, rows, err);
    for (row = 0; row < rows && !status; row++) {
        sgf_str text = column_items(at)[row];
        int good = 1;
        first = list && text.len ? literal_shared_row(&shared, column_items(at), row) : row;
        if (!text.len) column_put_null(&made);
        else if (first < row) status = column_copy_cell(mem, &made, &made, first, err);
        else status = literal_convert(table, text, &made, &good, err);
        if (!good)
            status = base_fail(err, SGF_ERR_FORMAT, "column '%s', row %llu: not %s: %.*s", at->name,
                               (unsigned long long)row + 1, column_type_text(type),
                               literal_clip(text, 60), text.ptr);
    }
    base_free(mem, shared.rows, shared.cap, sizeof *shared.rows);
    column_clear(mem, status ? &made : at);
    if (!status) *at = made;
    return status;
}
