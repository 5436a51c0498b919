/* table.h, table_parse and table_parse_lists: texts become other types.

   Lists in CSV are what tools print for them. There are two grammars. The first is that of literals:
   Python's list, tuple, set and frozenset, NumPy's and pandas' arrays, JSON's arrays, R's c(...); items
   are quoted texts, numbers, True and False, or words for a missing value. Where it does not fit,
   the second does: DuckDB's and PostgreSQL's lists, [a, b] and {a,b}, whose items have quotes only
   where they need them. What neither reads is refused, with the cause. */
#include "column.h"
#include "../base/json.h"

#include <math.h>
#include <string.h>

/* What a list may hold: texts; lists (and None); both. */
enum { LITERAL_TEXTS, LITERAL_LISTS, LITERAL_ANY };

typedef struct literal {
    sgf_str text;
    size_t at;
    char *out; /* strings are unescaped to here; never longer than the text */
    size_t made;
    base_arena *arena;
    struct column *to; /* gets the items and, but for LITERAL_TEXTS, the ends of inner lists */
    size_t loose;      /* items of `to` that belong to no inner list yet: behind this one */
    int holds, bare;   /* bare: the second grammar */
    int nested;        /* a list in a list was met */
    const char *why;   /* the first thing that does not fit; the parser stops there */
    sgf_status status; /* of memory */
    sgf_error *err;
} literal;

static const char literal_cut[] =
    "it was cut short when it was printed (...); write it with tolist()";

static const char literal_neither[] = "an item that is neither a text nor a number";

static const char literal_pandas[] =
    "an array whose quotes or backslashes pandas did not escape; write it with tolist()";

static int literal_fail(literal *p, const char *why) {
    if (!p->why) p->why = why;
    return 0;
}
static int literal_at(const literal *p, const char *word) {
    size_t n = strlen(word);
    return p->text.len - p->at >= n && !memcmp(p->text.ptr + p->at, word, n);
}
static void literal_space(literal *p) {
    while (p->at < p->text.len && base_is_space(p->text.ptr[p->at])) p->at++;
}
static int literal_take(literal *p, const char *word) {
    literal_space(p);
    if (!literal_at(p, word)) return 0;
    p->at += strlen(word);
    return 1;
}
static int literal_is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || (c & 0x80);
}
/* The same for a word that ends there. */
static int literal_word(literal *p, const char *word) {
    size_t end = p->at + strlen(word);
    if (!literal_at(p, word) || (end < p->text.len && literal_is_word(p->text.ptr[end]))) return 0;
    p->at = end;
    return 1;
}

/* ---- items ---- */

/* \x41 \u0041 \U00000041 (digits: how many), or \101 when digits is 0: one code point. Two halves of a
   surrogate pair, as JSON writes them, are one. */
static int literal_code(literal *p, unsigned digits) {
    uint32_t code = 0, low;
    unsigned i, base = digits ? 16 : 8, most = digits ? digits : 3;
    for (i = 0; i < most && p->at < p->text.len; i++, p->at++) {
        unsigned c = (unsigned char)p->text.ptr[p->at];
        unsigned d = c >= '0' && c <= '9'                 ? c - '0'
                     : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                          : 16;
        if (d >= base) break;
        code = code * base + d;
    }
    if (code >= 0xD800 && code <= 0xDBFF && digits == 4 && literal_at(p, "\\u") &&
        p->text.len - p->at >= 6 && json_hex4(p->text.ptr + p->at + 2, &low) && low >= 0xDC00 &&
        low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        p->at += 6;
    }
    if ((digits && i < digits) || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return literal_fail(p, "an escape that is no character");
    p->made += base_utf8_put(code, p->out + p->made);
    return 1;
}
static int literal_escape(literal *p, char quote) {
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
    if (!found && !(c == '/' && quote == '"')) p->out[p->made++] = '\\'; /* JSON's \/ is / */
    p->out[p->made++] = found ? values[found - names] : c; /* an unknown escape is kept */
    return 1;
}
/* 'text' or "text" */
static int literal_quoted(literal *p, sgf_str *text) {
    size_t start = p->made;
    char quote = p->text.ptr[p->at++];
    while (p->at < p->text.len && p->text.ptr[p->at] != quote) {
        char c = p->text.ptr[p->at++];
        if (c != '\\') p->out[p->made++] = c;
        else if (!literal_escape(p, quote)) return literal_fail(p, "a text without its end");
    }
    if (p->at++ >= p->text.len) return literal_fail(p, "a text without its end");
    *text = base_text_of(p->out + start, p->made - start);
    return 1;
}
static int literal_quote_here(const literal *p) {
    return p->at < p->text.len && (p->text.ptr[p->at] == '\'' || p->text.ptr[p->at] == '"');
}
/* Words for a missing value: Python's, NumPy's, pandas', R's, JSON's and SQL's. */
static const char *const literal_missing[] = {"None", "nan",  "NaN",  "<NA>",         "NA",
                                              "NaT",  "null", "NULL", "NA_character_"};

/* Python's and NumPy's, JSON's, R's and Excel's. */
static const char *const literal_truths[] = {"True", "true", "TRUE", "False", "false", "FALSE"};

/* Is there a point behind which no digits follow? */
static int literal_is_point(const literal *p, size_t at) {
    return at < p->text.len && p->text.ptr[at] == '.' &&
           (at + 1 == p->text.len || p->text.ptr[at + 1] < '0' || p->text.ptr[at + 1] > '9');
}
/* A number as Python's str() gives it: a whole one by its digits, others by repr. `text` is as written, or
   a copy. */
static int literal_number(literal *p, sgf_str *text) {
    static const char *const infinities[] = {"inf", "Infinity", "Inf"};
    size_t first = p->at, n, i;
    int negative = literal_at(p, "-"), whole;
    char digits[40];
    double value;
    for (i = 0; i < 3; i++) {
        p->at = first + (size_t)negative;
        if (literal_word(p, infinities[i])) return *text = sgf_text(negative ? "-inf" : "inf"), 1;
    }
    p->at = first;
    for (i = first + (size_t)negative;
         i < p->text.len && p->text.ptr[i] >= '0' && p->text.ptr[i] <= '9';)
        i++;
    n = base_number_parse(p->text.ptr + first,
                          literal_is_point(p, i) ? i - first : p->text.len - first, &value);
    if (!n) return 0;
    p->at += n;
    whole = p->at == i;
    if (whole && literal_is_point(p, i)) p->at++, whole = 0; /* NumPy's 1. */
    else if (whole && literal_at(p, "L")) p->at++;           /* R's 1L */
    if (p->at < p->text.len && literal_is_word(p->text.ptr[p->at])) return p->at = first, 0;
    *text = base_text_of(p->text.ptr + first, n);
    if (!whole) *text = base_text_of(digits, base_number_print(value, digits));
    text->ptr = base_arena_text(p->arena, text->ptr, text->len, p->err);
    if (!text->ptr) p->status = SGF_ERR_MEMORY;
    return text->ptr != NULL;
}
/* An item of the second grammar that has no quotes: up to a comma or the end of its list. */
static int literal_bare(literal *p, sgf_str *text) {
    size_t first = p->at;
    while (p->at < p->text.len && !strchr(",]}", p->text.ptr[p->at])) {
        if (strchr("'\"()[{\\:=", p->text.ptr[p->at]))
            return literal_fail(p, p->text.ptr[p->at] == '(' ? literal_neither
                                                             : "a text that needs quotes");
        p->at++;
    }
    *text = base_strip(base_text_of(p->text.ptr + first, p->at - first));
    if (!text->len) return literal_fail(p, "a comma with nothing before it");
    if (text->ptr[0] == '<') return literal_fail(p, "an object that was printed");
    if (base_str_is(*text, "NULL") || base_str_is(*text, "null")) *text = base_text_of(NULL, 0);
    return 1;
}
/* A text, a number, a truth value or a missing value. */
static int literal_scalar(literal *p, sgf_str *text) {
    static const char *const curly[] = {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9C",
                                        "\xE2\x80\x9D"};
    size_t i, first = p->at;
    if (literal_at(p, "...") || literal_at(p, "\xE2\x80\xA6")) return literal_fail(p, literal_cut);
    for (i = 0; i < 4; i++)
        if (literal_at(p, curly[i]))
            return literal_fail(p,
                                "curly quotes, as word processors write them; use straight ones");
    if (literal_quote_here(p)) return literal_quoted(p, text);
    if (p->bare) return literal_bare(p, text);
    if (literal_at(p, "b'") || literal_at(p, "b\""))
        return literal_fail(p, "bytes; decode them to texts first");
    if (literal_at(p, "u'") || literal_at(p, "u\"")) return p->at++, literal_quoted(p, text);
    for (i = 0; i < sizeof literal_missing / sizeof literal_missing[0]; i++)
        if (literal_word(p, literal_missing[i])) return *text = base_text_of(NULL, 0), 1;
    if (literal_at(p, "np.")) { /* np.str_('a'), np.int64(3), np.True_, np.nan */
        p->at += 3;
        if (literal_word(p, "nan")) return *text = base_text_of(NULL, 0), 1;
        if (literal_word(p, "True_")) return *text = sgf_text("True"), 1;
        if (literal_word(p, "False_")) return *text = sgf_text("False"), 1;
        while (p->at < p->text.len && literal_is_word(p->text.ptr[p->at])) p->at++;
        if (literal_take(p, "(") && !literal_at(p, "np.") && literal_scalar(p, text) &&
            literal_take(p, ")"))
            return 1;
        return literal_fail(p, literal_neither);
    }
    for (i = 0; i < 6; i++)
        if (literal_word(p, literal_truths[i]))
            return *text = sgf_text(i < 3 ? "True" : "False"), 1;
    if (literal_number(p, text)) return 1;
    p->at = first;
    return literal_fail(p, literal_neither);
}

/* ---- lists ---- */

static int literal_put(literal *p, sgf_str text) {
    if (!p->status)
        p->status = column_array_room(&p->arena->mem, &p->to->text, 1, sizeof text, p->err);
    if (!p->status) column_put_text(p->to, text);
    return !p->status;
}
/* What was added since the last inner list is one more. */
static int literal_put_end(literal *p, int null) {
    if (!p->status)
        p->status = column_array_room(&p->arena->mem, &p->to->inner, 1, sizeof(int64_t), p->err);
    if (!p->status) column_put_end(&p->to->inner, p->to->text.count, null);
    p->loose = p->to->text.count;
    return !p->status;
}
/* Names before a list that change nothing about its items. */
static const char *const literal_names[] = {"np.array(",    "array(",     "frozenset(", "set(",
                                            "dict_values(", "dict_keys(", "deque(",     "Index("};
/* , dtype='<U1', shape=(0, 2)) behind the list of such a name */
static int literal_name_end(literal *p) {
    while (!literal_take(p, ")")) {
        if (!literal_take(p, ",")) return literal_fail(p, "a list without its end");
        literal_space(p);
        while (p->at < p->text.len && literal_is_word(p->text.ptr[p->at])) p->at++;
        if (!literal_take(p, "=")) return literal_fail(p, "text behind the list");
        literal_space(p);
        if (literal_quote_here(p)) {
            const char *end = (const char *)memchr(p->text.ptr + p->at + 1, p->text.ptr[p->at],
                                                   p->text.len - p->at - 1);
            if (!end) return literal_fail(p, "a text without its end");
            p->at = (size_t)(end - p->text.ptr) + 1;
        }
        while (p->at < p->text.len && literal_is_word(p->text.ptr[p->at])) p->at++;
        if (literal_at(p, "(")) {
            const char *end = (const char *)memchr(p->text.ptr + p->at, ')', p->text.len - p->at);
            if (!end) return literal_fail(p, "a list without its end");
            p->at = (size_t)(end - p->text.ptr) + 1;
        }
    }
    return 1;
}
static int literal_list(literal *p, int depth);

/* One item of a list at that depth: a text, or (at depth 0) a list. */
static int literal_item(literal *p, int depth) {
    static const char opens[] = "[({";
    sgf_str text;
    size_t i;
    int list = p->at < p->text.len && strchr(opens, p->text.ptr[p->at]) != NULL;
    for (i = 0; i < sizeof literal_names / sizeof literal_names[0] && !list; i++)
        list = literal_at(p, literal_names[i]);
    if (list && depth) return literal_fail(p, "lists in lists of lists");
    if (list && p->holds == LITERAL_TEXTS) return literal_fail(p, "a list where a text is wanted");
    if (list) {
        p->nested = 1;
        if (p->to->text.count > p->loose && !literal_put_end(p, 0)) return 0;
        return literal_list(p, depth + 1) && literal_put_end(p, 0);
    }
    if (!literal_scalar(p, &text)) return 0;
    if (depth || p->holds != LITERAL_LISTS) return literal_put(p, text);
    return text.ptr ? literal_fail(p, "a text where a list is wanted") : literal_put_end(p, 1);
}
/* The items up to `close`. Between them are commas, or only white space, as NumPy prints its arrays. */
static int literal_items(literal *p, const char *close, int depth) {
    int commas = 0, spaces = 0;
    if (literal_take(p, close)) return 1;
    for (;;) {
        size_t end;
        literal_space(p);
        if (!literal_item(p, depth)) return 0;
        end = p->at;
        if (literal_take(p, ",")) commas = 1;
        else if (literal_take(p, close)) return 1;
        else if (p->at >= p->text.len) return literal_fail(p, "a list without its end");
        else if (literal_at(p, ":"))
            return literal_fail(p, "a dict; take the list out of it first");
        else if (p->at == end || close[0] != ']' || p->bare)
            return literal_fail(p, "text behind an item where a comma is wanted");
        else spaces = 1;
        if (commas && spaces) return literal_fail(p, "two items without a comma between them");
        if (literal_take(p, close)) return 1;
    }
}
/* <ArrowStringArray>\n['a', 'b']\nLength: 2, dtype: str: pandas does not escape quotes, so that only the
   right number of items is the right list. */
static int literal_array(literal *p, int depth) {
    size_t first = p->to->text.count, count = 0;
    if (memchr(p->text.ptr, '\\', p->text.len)) return literal_fail(p, literal_pandas);
    while (p->at < p->text.len && p->text.ptr[p->at] != '>') p->at++;
    if (!literal_take(p, ">") || !literal_take(p, "["))
        return literal_fail(p, "an object that was printed");
    if (!literal_items(p, "]", depth) || !literal_take(p, "Length:")) {
        if (p->why != literal_cut) p->why = literal_pandas;
        return 0;
    }
    literal_space(p);
    for (; p->at < p->text.len && p->text.ptr[p->at] >= '0' && p->text.ptr[p->at] <= '9'; p->at++)
        if (count < SIZE_MAX / 16) count = count * 10 + (size_t)(p->text.ptr[p->at] - '0');
    if (count != p->to->text.count - first || !literal_take(p, ", dtype:"))
        return literal_fail(p, "an array of another length than it says; write it with tolist()");
    p->at = p->text.len;
    return 1;
}
/* A list of any kind, with its name. */
static int literal_list(literal *p, int depth) {
    static const char *const opens[] = {"[", "(", "{"}, *const closes[] = {"]", ")", "}"};
    size_t i, names = sizeof literal_names / sizeof literal_names[0];
    literal_space(p);
    if (!p->bare) {
        if (literal_take(p, "c(") || literal_take(p, "list("))
            return literal_items(p, ")", depth); /* R */
        if (literal_take(p, "character(0)") || literal_take(p, "set()") ||
            literal_take(p, "frozenset()"))
            return 1;
        if (literal_at(p, "<") && !depth) return literal_array(p, depth);
        for (i = 0; i < names && !literal_take(p, literal_names[i]); i++) {}
        if (i < names) {
            literal_space(p);
            if (!literal_at(p, "[") && !literal_at(p, "(") && !literal_at(p, "{"))
                return literal_fail(p, "a name without a list behind it");
            if (literal_names[i][0] == 'I' && memchr(p->text.ptr, '\\', p->text.len))
                return literal_fail(p, literal_pandas);
            return literal_list(p, depth) && literal_name_end(p);
        }
    }
    for (i = 0; i < 3 && !literal_at(p, opens[i]); i++) {}
    if (i == 3) return literal_fail(p, "neither a list nor one text; write a list");
    if (p->bare && i == 1) return literal_fail(p, "a text that needs quotes");
    p->at++;
    if (!literal_items(p, closes[i], depth)) return 0;
    if (!depth && !p->bare && literal_take(p, "Categories (")) { /* pandas */
        if (memchr(p->text.ptr, '\\', p->text.len)) return literal_fail(p, literal_pandas);
        p->at = p->text.len;
    }
    return 1;
}
/* The whole text as one list, by the first grammar that fits; nothing is added if none does. */
static int literal_lists(literal *p) {
    size_t texts = p->to->text.count, lists = p->to->inner.count;
    const char *why = NULL;
    for (p->bare = 0; p->bare < 2; p->bare++) {
        p->at = p->made = 0;
        p->why = NULL;
        p->loose = texts;
        if (literal_list(p, 0)) {
            literal_space(p);
            if (p->at < p->text.len) literal_fail(p, "text behind the list");
            else if (p->holds == LITERAL_ANY && p->to->text.count > p->loose) literal_put_end(p, 0);
        }
        if (p->status || !p->why) return !p->status;
        if (!p->bare || why == literal_neither) why = p->why;
        p->to->text.count = texts;
        p->to->inner.count = lists;
        p->nested = 0;
        if (why == literal_cut) break;
    }
    p->why = why;
    return 0;
}

/* ---- cells ---- */

int table_missing(sgf_str text) {
    size_t i;
    for (i = 0; i < sizeof literal_missing / sizeof literal_missing[0]; i++)
        if (base_str_is(text, literal_missing[i])) return 1;
    return base_str_is(text, "N/A") || base_str_is(text, "n/a");
}
static int literal_begins(sgf_str text, const char *word) {
    size_t n = strlen(word);
    return text.len >= n && !memcmp(text.ptr, word, n);
}
int table_is_list(sgf_str text) {
    static const char *const calls[] = {"c(", "list(", "character(0)"};
    char open, close, quote = 0;
    size_t i, depth = 0;
    int quoted; /* its first item has quotes: brackets between quotes do not count */
    text = base_strip(text);
    if (!text.len) return 0;
    open = text.ptr[0];
    close = text.ptr[text.len - 1];
    if (open == '<') /* <StringArray> */
        for (i = 1; i < text.len && literal_is_word(text.ptr[i]); i++)
            if (literal_begins(base_text_of(text.ptr + i, text.len - i), "Array")) return 1;
    for (i = 0; i < 3 && close == ')'; i++)
        if (literal_begins(text, calls[i])) return 1;
    if (base_str_is(text, "set()") || base_str_is(text, "frozenset()")) return 1;
    for (i = 0; i < text.len && literal_is_word(text.ptr[i]); i++) {}
    if (i && close == ')' && i + 1 < text.len && text.ptr[i] == '(' &&
        strchr("[({", text.ptr[i + 1])) /* a name: Counter({...}) */
        return 1;
    if (open != '[' && open != '(' && open != '{') return 0;
    close = open == '[' ? ']' : open == '(' ? ')' : '}';
    for (i = 1; i < text.len && base_is_space(text.ptr[i]); i++) {}
    quoted = i < text.len && (text.ptr[i] == '\'' || text.ptr[i] == '"');
    if (i < text.len && strchr("'\"[({", text.ptr[i]) && open != '(') return 1;
    for (i = 0; i < text.len; i++) { /* does its end belong to its beginning? */
        char c = text.ptr[i];
        if (quote) i += c == '\\', quote = c == quote ? 0 : quote;
        else if (quoted && (c == '\'' || c == '"')) quote = c;
        else if (c == open) depth++;
        else if (c == close && !--depth) break;
    }
    if (i >= text.len) return open != '(' || quoted;
    return i + 1 == text.len ||
           literal_begins(base_strip(base_text_of(text.ptr + i + 1, text.len - i - 1)),
                          "Categories (");
}
/* Is this no plain text, though no list? What it is, or NULL. */
static const char *literal_odd(sgf_str text, int csv) {
    const char *line = text.ptr;
    size_t i, n = text.len;
    if (literal_begins(text, "shape: ("))
        return "a Series that polars printed; write its to_list()";
    if (text.ptr[0] == '<' && text.ptr[n - 1] == '>')
        for (i = 0; i + 6 < n; i++)
            if (!memcmp(text.ptr + i, " at 0x", 6))
                return "an object that Python printed; write the list of what is in it";
    for (i = 0; i < n; i++)
        if (text.ptr[i] == '\n') line = text.ptr + i + 1;
    for (i = (size_t)(line - text.ptr); line > text.ptr && i + 7 < n; i++)
        if (!memcmp(text.ptr + i, "dtype: ", 7))
            return "a Series that pandas printed; write its tolist()";
    for (i = text.ptr[0] == '-'; i < n && text.ptr[i] >= '0' && text.ptr[i] <= '9';) i++;
    if (csv && i && i + 2 == n && text.ptr[i] == '.' && text.ptr[i + 1] == '0')
        return "a whole number that became a float, as pandas makes it beside missing values; write "
               "it without .0";
    return NULL;
}
/* A text that is not printed as a list is a list of itself. */
static int literal_lone(literal *p, int csv) {
    sgf_str text = base_strip(p->text), inner;
    const char *odd = text.len ? literal_odd(text, csv) : NULL;
    if (odd) return literal_fail(p, odd);
    if (csv && text.len > 2 && text.ptr[0] == text.ptr[text.len - 1] &&
        (text.ptr[0] == '"' || text.ptr[0] == '\'') &&
        table_is_list(base_text_of(text.ptr + 1, text.len - 2)))
        return literal_fail(p, "a list that was quoted twice");
    if (csv && text.len > 1 && (text.ptr[0] == '"' || text.ptr[0] == '\'')) {
        p->at = (size_t)(text.ptr - p->text.ptr);
        if (literal_quoted(p, &inner) && p->at == (size_t)(text.ptr - p->text.ptr) + text.len) {
            return literal_put(p, inner) && literal_put_end(p, 0);
        }
        p->why = NULL;
    }
    return literal_put(p, p->text) && literal_put_end(p, 0);
}
/* A list as a cell of `to`, which has room for it. *nested is set if there are lists in it. */
static sgf_status literal_cell(struct table *table, sgf_str text, struct column *to, int holds,
                               int *nested, int *good, const char **why, sgf_error *err) {
    literal p;
    int lone = holds == LITERAL_ANY && !table_is_list(text);
    memset(&p, 0, sizeof p);
    p.text = text;
    p.arena = &table->arena;
    p.to = to;
    p.holds = holds;
    p.err = err;
    p.out = (char *)base_arena_alloc(&table->arena, text.len, 1, err);
    if (!p.out) return SGF_ERR_MEMORY;
    *good = lone ? literal_lone(&p, !strcmp(table->format, "CSV")) : literal_lists(&p);
    if (p.status) return p.status;
    *why = p.why;
    if (p.nested && nested) *nested = 1;
    column_put_end(&to->ends, holds == LITERAL_TEXTS ? to->text.count : to->inner.count, 0);
    return SGF_OK;
}
/* One text as a cell of `to`, which has room for it; *good is 0 when it does not fit the type, *why is the
   cause, if it is known. */
static sgf_status literal_convert(struct table *table, sgf_str text, struct column *to, int *good,
                                  const char **why, sgf_error *err) {
    int64_t i = 0;
    double d = 0;
    size_t k;
    *good = 1;
    switch (to->type) {
    case SGF_COLUMN_I64:
        *good = base_text_i64(text, &i);
        column_put_i64(to, i, 0);
        return SGF_OK;
    case SGF_COLUMN_F64:
        *good = base_text_f64(text, &d);
        if (memchr(text.ptr, ',', text.len)) *why = "a decimal comma? write a point";
        column_put_f64(to, d, 0);
        return SGF_OK;
    case SGF_COLUMN_BOOL:
        for (k = 0; k < 6 && !base_str_is(text, literal_truths[k]); k++) {}
        column_put_flag(to, k < 3);
        *good = k < 6;
        return SGF_OK;
    default: break;
    }
    return literal_cell(table, text, to,
                        to->type == SGF_COLUMN_LIST_UTF8 ? LITERAL_TEXTS : LITERAL_LISTS, NULL,
                        good, why, err);
}
/* How many of the first `most` bytes to show: of one line, without cutting a character. */
static int literal_clip(sgf_str text, size_t most) {
    const char *end = text.len ? (const char *)memchr(text.ptr, '\n', text.len) : NULL;
    if (end > text.ptr) text.len = (size_t)(end - text.ptr);
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
/* The cells of column `at` as a column of `made`'s type; `any`: as lists of whatever form, see
   table_parse_lists. */
static sgf_status literal_column(struct table *table, const struct column *at, struct column *made,
                                 int any, int *nested, sgf_error *err) {
    const sgf_allocator *mem = &table->arena.mem;
    int list = made->type == SGF_COLUMN_LIST_UTF8 || made->type == SGF_COLUMN_LIST_LIST_UTF8;
    int csv = !strcmp(table->format, "CSV");
    size_t row, rows = at->text.count, first;
    literal_shared shared = {NULL, 0};
    sgf_status status = column_room(mem, made, rows, 0, 0, err);
    if (!status && list) status = literal_shared_init(&shared, mem, rows, err);
    for (row = 0; row < rows && !status; row++) {
        sgf_str text = column_items(at)[row];
        const char *why = NULL;
        int good = 1;
        first = list && text.len ? literal_shared_row(&shared, column_items(at), row) : row;
        if (!text.len || (any && csv && table_missing(text))) column_put_null(made);
        else if (first < row) status = column_copy_cell(mem, made, made, first, err);
        else if (any)
            status = literal_cell(table, text, made, LITERAL_ANY, nested, &good, &why, err);
        else status = literal_convert(table, text, made, &good, &why, err);
        if (!good && !status)
            status = base_fail(
                err, SGF_ERR_FORMAT, "column '%s', row %llu: not %s: %.*s%s%s%s%s", at->name,
                (unsigned long long)row + 1, any ? "a list of texts" : column_type_text(made->type),
                literal_clip(text, 60), text.ptr, why ? " (" : "", why ? why : "", why ? ")" : "",
                any ? "; what is read: ['a', 'b'] of Python, NumPy, pandas and JSON, ('a',) and {'a'} "
                      "of Python, [a, b] of DuckDB, {a,b} of PostgreSQL, c(\"a\", \"b\") of R, and "
                      "one plain text"
                    : "");
    }
    base_free(mem, shared.rows, shared.cap, sizeof *shared.rows);
    return status;
}
static struct column literal_made(const struct column *at, sgf_column_type type) {
    struct column made;
    memset(&made, 0, sizeof made);
    made.name = at->name;
    made.name_len = at->name_len;
    made.type = type;
    return made;
}
sgf_status table_parse(struct table *table, int column, sgf_column_type type, sgf_error *err) {
    struct column *at = column_at(table, column), made;
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
    made = literal_made(at, type);
    status = literal_column(table, at, &made, 0, NULL, err);
    column_clear(&table->arena.mem, status ? &made : at);
    if (!status) *at = made;
    return status;
}
/* Lists of one list each, or none, become lists of texts. */
static void literal_flatten(struct column *made) {
    int64_t *ends = (int64_t *)made->ends.items;
    size_t i, begin, end, inner, last;
    int valid;
    for (i = made->ends.count; i-- > 0;) {
        valid = column_range(&made->ends, i, &begin, &end);
        last = 0;
        if (end) column_range(&made->inner, end - 1, &inner, &last);
        ends[i] = valid ? (int64_t)last : ~(int64_t)last;
    }
    made->inner.count = 0;
    made->type = SGF_COLUMN_LIST_UTF8;
}
sgf_status table_parse_lists(struct table *table, int column, sgf_error *err) {
    struct column *at = column_at(table, column), made;
    int nested = 0;
    sgf_status status;
    if (!at || at->type != SGF_COLUMN_UTF8)
        return base_fail(err, SGF_ERR_ARG, "column %d does not hold texts to be parsed", column);
    made = literal_made(at, SGF_COLUMN_LIST_LIST_UTF8);
    status = literal_column(table, at, &made, 1, &nested, err);
    if (!status && !nested) literal_flatten(&made);
    column_clear(&table->arena.mem, status ? &made : at);
    if (!status) *at = made;
    return status;
}
