/* json.h: reading JSON (RFC 8259), and writing it. */
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_DEPTH = 1024 };

typedef struct json_reader {
    const char *file, *text;
    size_t at, size;
    base_arena *arena;
    void *nodes;
    size_t count, cap;
    int python; /* NaN, Infinity and -Infinity are numbers */
    sgf_error *err;
} json_reader;

static sgf_status json_fail(json_reader *r, const char *what) {
    size_t line = 1, i;
    for (i = 0; i < r->at && i < r->size; i++) line += r->text[i] == '\n';
    if (!r->size || !memchr(r->text, '\n', r->size)) /* one line, perhaps of many: JSON lines */
        return base_fail_at(r->err, SGF_ERR_FORMAT, r->file, (int64_t)r->at,
                            "%s: not JSON: %s at byte %llu", r->file, what,
                            (unsigned long long)r->at);
    return base_fail_at(r->err, SGF_ERR_FORMAT, r->file, (int64_t)r->at,
                        "%s: not JSON: %s at line %llu, byte %llu", r->file, what,
                        (unsigned long long)line, (unsigned long long)r->at);
}
static void json_space(json_reader *r) {
    for (; r->at < r->size; r->at++) {
        char c = r->text[r->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    }
}
int json_hex4(const char *p, uint32_t *code) {
    int i;
    *code = 0;
    for (i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];
        unsigned d = c >= '0' && c <= '9'                 ? c - '0'
                     : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                          : 16;
        if (d > 15) return 0;
        *code = *code << 4 | d;
    }
    return 1;
}
/* At the opening quote; leaves r->at behind the closing one. */
static sgf_status json_string(json_reader *r, sgf_str *out) {
    size_t start = ++r->at, end, n = 0;
    int escaped = 0;
    char *copy;
    while (r->at < r->size && r->text[r->at] != '"') {
        unsigned char c = (unsigned char)r->text[r->at];
        uint32_t code;
        size_t len = 1;
        if (c < 0x20)
            return json_fail(r, "a control character inside a string (it must be escaped)");
        if (c == '\\') {
            escaped = 1;
            len = 2;
            if (r->at + 1 >= r->size || !strchr("\"\\/bfnrtu", r->text[r->at + 1]) ||
                !r->text[r->at + 1])
                return json_fail(r, "an unknown escape");
        } else if (c >= 0x80) {
            len = base_utf8_next(r->text + r->at, r->size - r->at, &code);
            if (!len) return json_fail(r, "invalid UTF-8");
        }
        r->at += len;
    }
    if (r->at >= r->size) return json_fail(r, "a string without its closing quote");
    end = r->at++;
    out->ptr = r->text + start;
    out->len = end - start;
    if (!escaped) return SGF_OK;
    copy = (char *)base_arena_alloc(r->arena, end - start + 1, 1, r->err);
    if (!copy) return SGF_ERR_MEMORY;
    while (start < end) {
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        uint32_t code, low;
        if (r->text[start] != '\\') {
            copy[n++] = r->text[start++];
            continue;
        }
        if (r->text[start + 1] != 'u') {
            copy[n++] = values[strchr(names, r->text[start + 1]) - names];
            start += 2;
            continue;
        }
        r->at = start;
        if (end - start < 6 || !json_hex4(r->text + start + 2, &code))
            return json_fail(r, "\\u without four hexadecimal digits");
        start += 6;
        if (code >= 0xD800 && code <= 0xDBFF && end - start >= 6 && r->text[start] == '\\' &&
            r->text[start + 1] == 'u' && json_hex4(r->text + start + 2, &low) && low >= 0xDC00 &&
            low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            start += 6;
        }
        if (code >= 0xD800 && code <= 0xDFFF) return json_fail(r, "half of a surrogate pair");
        n += base_utf8_put(code, copy + n);
    }
    r->at = end + 1;
    out->ptr = copy;
    out->len = n;
    return SGF_OK;
}
static sgf_status json_push(json_reader *r, uint32_t type, json_node **out) {
    json_node *node;
    sgf_status status = base_grow(&r->arena->mem, &r->nodes, &r->cap, r->count + 1,
                                  sizeof(json_node), r->err);
    if (status) return status;
    if (r->count >= UINT32_MAX) return json_fail(r, "too many values");
    node = (json_node *)r->nodes + r->count++;
    node->type = type;
    node->text.ptr = r->text + r->at;
    node->text.len = 0;
    node->next = (uint32_t)r->count;
    node->count = 0;
    *out = node;
    return SGF_OK;
}
/* What Python writes for numbers that JSON does not have: its bytes, or 0. */
static size_t json_python_number(const char *text, size_t size, double *value) {
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    size_t i, n;
    for (i = 0; i < 3; i++) {
        n = strlen(words[i]);
        if (size < n || memcmp(text, words[i], n) != 0) continue;
        *value = values[i];
        return n;
    }
    return 0;
}
static sgf_status json_scalar(json_reader *r) {
    static const char *const words[] = {"null", "false", "true"};
    json_node *node = NULL;
    sgf_str text;
    sgf_status status;
    uint32_t type;
    if (r->text[r->at] == '"') {
        status = json_string(r, &text);
        if (!status) status = json_push(r, JSON_STRING, &node);
        if (!status) node->text = text;
        return status;
    }
    for (type = 0; type < 3; type++) {
        size_t n = strlen(words[type]);
        if (r->size - r->at >= n && !memcmp(r->text + r->at, words[type], n)) {
            status = json_push(r, type, &node);
            r->at += n;
            return status;
        }
    }
    {
        double value;
        size_t n = base_number_parse(r->text + r->at, r->size - r->at, &value);
        if (!n) {
            n = json_python_number(r->text + r->at, r->size - r->at, &value);
            if (n && !r->python)
                return json_fail(r, "NaN or Infinity, which JSON does not have (in Python: "
                                    "json.dumps(..., allow_nan=False) finds them),");
        }
        if (!n) return json_fail(r, "a value was expected");
        status = json_push(r, JSON_NUMBER, &node);
        if (!status) node->text.len = n;
        r->at += n;
        return status;
    }
}
static sgf_status json_read(json_reader *r) {
    uint32_t open[JSON_DEPTH];
    size_t depth = 0;
    int want_value = 1, first = 0; /* first: an empty array or object may close here */
    for (;;) {
        sgf_status status = SGF_OK;
        json_node *top = depth ? (json_node *)r->nodes + open[depth - 1] : NULL;
        char close = top && top->type == JSON_OBJECT ? '}' : ']', c;
        json_space(r);
        if (r->at >= r->size)
            return depth || want_value ? json_fail(r, "the text ends in the middle of a value")
                                       : SGF_OK;
        c = r->text[r->at];
        if (!want_value && !depth) return json_fail(r, "text after the end of the value");
        if (depth && c == close && (first || !want_value)) {
            r->at++;
            top->next = (uint32_t)r->count;
            depth--;
            want_value = first = 0;
            continue;
        }
        if (!want_value) {
            if (c != ',')
                return json_fail(r, close == '}' ? "',' or '}' was expected"
                                                 : "',' or ']' was expected");
            r->at++;
            want_value = 1;
            first = 0;
            continue;
        }
        if (top) {
            top->count++;
            if (top->type == JSON_OBJECT) {
                if (c != '"') return json_fail(r, "a member's name in quotes was expected");
                status = json_scalar(r);
                if (status) return status;
                json_space(r);
                if (r->at >= r->size || r->text[r->at] != ':')
                    return json_fail(r, "':' was expected");
                r->at++;
                json_space(r);
                if (r->at >= r->size) return json_fail(r, "the text ends in the middle of a value");
                c = r->text[r->at];
            }
        }
        if (c == '{' || c == '[') {
            json_node *node = NULL;
            if (depth == JSON_DEPTH) return json_fail(r, "nesting deeper than 1024");
            open[depth++] = (uint32_t)r->count;
            status = json_push(r, c == '{' ? JSON_OBJECT : JSON_ARRAY, &node);
            r->at++;
            first = want_value = 1;
        } else {
            status = json_scalar(r);
            first = want_value = 0;
        }
        if (status) return status;
    }
}
static sgf_status json_parse_as(int python, const char *file, const char *text, size_t size,
                                base_arena *arena, json_doc *out, sgf_error *err) {
    json_reader r;
    sgf_status status;
    memset(&r, 0, sizeof r);
    r.python = python;
    r.file = file;
    r.text = text;
    r.size = size;
    r.arena = arena;
    r.err = err;
    status = json_read(&r);
    if (!status) {
        json_node *nodes = (json_node *)base_arena_alloc(arena, r.count, sizeof(json_node), err);
        if (nodes) {
            memcpy(nodes, r.nodes, r.count * sizeof(json_node));
            out->file = file;
            out->source = text;
            out->size = size;
            out->nodes = nodes;
            out->count = r.count;
            out->arena = arena;
        } else status = SGF_ERR_MEMORY;
    }
    base_free(&arena->mem, r.nodes, r.cap, sizeof(json_node));
    return status;
}
sgf_status json_parse(const char *file, const char *text, size_t size, base_arena *arena,
                      json_doc *out, sgf_error *err) {
    return json_parse_as(0, file, text, size, arena, out, err);
}
sgf_status json_parse_python(const char *file, const char *text, size_t size, base_arena *arena,
                             json_doc *out, sgf_error *err) {
    return json_parse_as(1, file, text, size, arena, out, err);
}
/* The value of member `key` of object `node`, the last one if there are two; 0 if absent.
 */
uint32_t json_get(const json_doc *j, uint32_t node, const char *key) {
    uint32_t i, at = node + 1, found = 0;
    if (j->nodes[node].type != JSON_OBJECT) return 0;
    for (i = 0; i < j->nodes[node].count; i++) {
        if (base_str_is(j->nodes[at].text, key)) found = at + 1;
        at = j->nodes[at + 1].next;
    }
    return found;
}
/* A file of keys must be one object. */
sgf_status json_object(const json_doc *j, sgf_error *err) {
    if (j->nodes[0].type == JSON_OBJECT) return SGF_OK;
    return base_fail_at(err, SGF_ERR_FORMAT, j->file, 0,
                        "%s: an object of keys and values, {...}, was wanted, and it is not one",
                        j->file);
}
double json_number(const json_doc *j, uint32_t node) {
    sgf_str text = j->nodes[node].text;
    double value = 0;
    if (!base_number_parse(text.ptr, text.len, &value))
        json_python_number(text.ptr, text.len, &value);
    return value;
}
/* A number that is a whole one and fits: 1, else 0 and *value is as it was. */
int json_whole(const json_doc *j, uint32_t node, int64_t least, int64_t most, int64_t *value) {
    double d;
    if (j->nodes[node].type != JSON_NUMBER) return 0;
    d = json_number(j, node);
    if (!(d >= (double)least && d <= (double)most) || d > 9007199254740992.0 ||
        d < -9007199254740992.0)
        return 0;
    if ((double)(int64_t)d != d) return 0;
    *value = (int64_t)d;
    return 1;
}
/* Add `s` as a JSON string in quotes. Non-ASCII stays as it is; s must be UTF-8. */
sgf_status json_quote(base_buf *buf, sgf_str s, sgf_error *err) {
    size_t i, start = 0;
    sgf_status status = base_buf_add(buf, "\"", 1, err);
    for (i = 0; !status && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char escape[8];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        status = base_buf_add(buf, s.ptr + start, i - start, err);
        start = i + 1;
        if (c == '\n') memcpy(escape, "\\n", 3);
        else if (c == '\t') memcpy(escape, "\\t", 3);
        else if (c == '\r') memcpy(escape, "\\r", 3);
        else if (c < 0x20) snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
        else escape[0] = '\\', escape[1] = (char)c, escape[2] = 0;
        if (!status) status = base_buf_text(buf, escape, err);
    }
    if (!status) status = base_buf_add(buf, s.ptr + start, s.len - start, err);
    return status ? status : base_buf_add(buf, "\"", 1, err);
}

/* ---- writing ---- */

void json_out_raw(json_out *j, const char *text) {
    if (!j->status) j->status = base_buf_text(&j->buf, text, &j->err);
}
void json_out_next(json_out *j) {
    if (j->comma) json_out_raw(j, ", ");
    j->comma = 1;
}
void json_out_text(json_out *j, sgf_str text) {
    json_out_next(j);
    if (!j->status) j->status = json_quote(&j->buf, text, &j->err);
}
void json_out_key(json_out *j, const char *key) {
    json_out_text(j, sgf_text(key));
    json_out_raw(j, ": ");
    j->comma = 0;
}
void json_out_double(json_out *j, double value) {
    char text[40];
    json_out_next(j);
    text[value == value ? base_number_print(value, text) : 0] = 0;
    json_out_raw(j, *text ? text : "null");
}
void json_out_size(json_out *j, size_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_out_next(j);
    json_out_raw(j, text);
}
void json_out_open(json_out *j, const char *bracket) {
    json_out_next(j);
    json_out_raw(j, bracket);
    j->comma = 0;
}
void json_out_close(json_out *j, const char *bracket) {
    json_out_raw(j, bracket);
    j->comma = 1;
}
void json_out_field_text(json_out *j, const char *key, const char *text) {
    json_out_key(j, key), json_out_text(j, sgf_text(text));
}
void json_out_field_size(json_out *j, const char *key, size_t value) {
    json_out_key(j, key), json_out_size(j, value);
}
void json_out_field_double(json_out *j, const char *key, double value) {
    json_out_key(j, key), json_out_double(j, value);
}
