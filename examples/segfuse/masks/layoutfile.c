/* layoutfile.h: layouts as JSON. Reader and writer keep their first error and do nothing after it. */
#include "layoutfile.h"
#include "../base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

sgf_role layoutfile_role(sgf_str name) {
    int i = 0;
    while (i < SGF_ROLE_COUNT && !base_str_is(name, sgf_role_name((sgf_role)i))) i++;
    return (sgf_role)i;
}
int layoutfile_is_paraphrase(sgf_role role) {
    return role == SGF_ROLE_PARAPHRASE || role == SGF_ROLE_MANUAL || role == SGF_ROLE_AUTO;
}

/* ---- reading ---- */

typedef struct layout_reader {
    json_doc doc;
    sgf_layout layout; /* what was read so far */
    sgf_status status;
    sgf_error *err;
} layout_reader;

static void layout_bad(layout_reader *r, uint32_t node, const char *key, const char *what) {
    const char *place = r->doc.nodes[node].text.ptr; /* not in the source if it had escapes */
    int inside = node && (uintptr_t)place - (uintptr_t)r->doc.source < r->doc.size;
    int64_t at = inside ? (int64_t)(place - r->doc.source) : -1;
    if (!r->status)
        r->status = base_fail_at(r->err, SGF_ERR_FORMAT, r->doc.file, at, "%s: \"%s\" %s",
                                 r->doc.file, key, what);
}
/* The node of the list under `key`, which has `count` elements (SIZE_MAX: any number); 0 if it is
   missing, and after an error. */
static uint32_t layout_list(layout_reader *r, const char *key, size_t count, int optional) {
    uint32_t node = json_get(&r->doc, 0, key);
    if (!node && !optional)
        layout_bad(r, 0, key, "is missing: a layout needs tokens, segments and visible");
    else if (node && r->doc.nodes[node].type != JSON_ARRAY)
        layout_bad(r, node, key, "is not a list");
    else if (node && count != SIZE_MAX && r->doc.nodes[node].count != count)
        layout_bad(r, node, key, "has another length than \"tokens\" or \"visible\" asks for");
    return r->status ? 0 : node;
}
static void layout_ints(layout_reader *r, const char *key, size_t count, int64_t most, int optional,
                        int32_t *out) {
    uint32_t node = layout_list(r, key, count, optional), at = node + 1;
    size_t i;
    for (i = 0; node && i < count && !r->status; i++, at = r->doc.nodes[at].next) {
        int64_t value = 0;
        if (!json_whole(&r->doc, at, 0, most, &value))
            layout_bad(r, at, key, "holds something else than a whole number in range");
        out[i] = (int32_t)value;
    }
}
/* The next segment; a node of 0 leaves the default. */
static void layout_segment(layout_reader *r, uint32_t role_at, uint32_t group_at,
                           uint32_t log_mass_at) {
    const json_node *nodes = r->doc.nodes;
    sgf_role role = SGF_ROLE_SHARED;
    int64_t group = -1;
    double log_mass = 0;
    if (role_at)
        role = nodes[role_at].type == JSON_STRING ? layoutfile_role(nodes[role_at].text)
                                                  : SGF_ROLE_COUNT;
    if (log_mass_at)
        log_mass = nodes[log_mass_at].type == JSON_NUMBER ? json_number(&r->doc, log_mass_at)
                                                          : HUGE_VAL;
    if (role == SGF_ROLE_COUNT)
        layout_bad(r, role_at, "roles",
                   "holds something else than bos, shared, para, manual, auto, sep, example_q, "
                   "example_a and answer");
    if (group_at && !json_whole(&r->doc, group_at, -1, INT32_MAX - 1, &group))
        layout_bad(r, group_at, "groups", "holds something else than whole numbers");
    if (!(fabs(log_mass) <= 1e30))
        layout_bad(r, log_mass_at, "log_mass", "holds something else than finite numbers");
    if (!r->status) r->status = sgf_layout_segment(&r->layout, role, (int32_t)group, NULL, r->err);
    if (!r->status) r->layout.segment[r->layout.segments - 1].log_weight = (float)log_mass;
}
static void layout_segments(layout_reader *r, size_t S) {
    const char *keys[3] = {"roles", "groups", "log_mass"};
    uint32_t at[3], answer, fusion;
    int64_t value = -1;
    size_t i, k;
    if (!json_get(&r->doc, 0, keys[2])) keys[2] = "mass"; /* the older name */
    for (k = 0; k < 3; k++) {
        at[k] = layout_list(r, keys[k], S, 1);
        if (at[k]) at[k]++; /* the first element */
    }
    answer = json_get(&r->doc, 0, "answer");
    if (answer && r->doc.nodes[answer].type != JSON_NULL &&
        !json_whole(&r->doc, answer, 0, (int64_t)S - 1, &value))
        layout_bad(r, answer, "answer", "is not the number of a segment");
    for (i = 0; i < S && !r->status; i++) {
        layout_segment(r, at[0], at[1], at[2]);
        for (k = 0; k < 3; k++)
            if (at[k]) at[k] = r->doc.nodes[at[k]].next;
    }
    r->layout.answer = (int32_t)value;
    fusion = json_get(&r->doc, 0, "fusion");
    if (fusion && r->doc.nodes[fusion].type == JSON_STRING)
        r->layout.mixture = base_str_is(r->doc.nodes[fusion].text, "mixture");
    if (fusion && !r->layout.mixture &&
        (r->doc.nodes[fusion].type != JSON_STRING ||
         !base_str_is(r->doc.nodes[fusion].text, "softmax")))
        layout_bad(r, fusion, "fusion", "is neither \"softmax\" nor \"mixture\"");
}
static void layout_matrix(layout_reader *r, uint32_t node, size_t S) {
    const json_node *nodes = r->doc.nodes;
    uint32_t row = node + 1;
    size_t q, k;
    for (q = 0; q < S && !r->status; q++, row = nodes[row].next) {
        uint32_t at = row + 1;
        if (nodes[row].type != JSON_ARRAY || nodes[row].count != S) {
            layout_bad(r, row, "visible", "is not square: S rows of S values 0 or 1 are wanted");
            return;
        }
        for (k = 0; k < S && !r->status; k++, at = nodes[at].next) {
            int64_t bit = nodes[at].type == JSON_TRUE;
            if (nodes[at].type != JSON_TRUE && nodes[at].type != JSON_FALSE &&
                !json_whole(&r->doc, at, 0, 1, &bit))
                layout_bad(r, at, "visible", "holds something else than 0 and 1");
            sgf_visible_set(&r->layout, (int32_t)q, (int32_t)k, (int)bit);
        }
    }
}
static void layout_read_all(layout_reader *r) {
    uint32_t tokens = layout_list(r, "tokens", SIZE_MAX, 0);
    uint32_t visible = layout_list(r, "visible", SIZE_MAX, 0);
    sgf_layout *layout = &r->layout;
    int32_t zero = 0;
    size_t T, S, i;
    if (r->status) return;
    T = r->doc.nodes[tokens].count;
    S = r->doc.nodes[visible].count;
    if (!T || !S) layout_bad(r, visible, "tokens", "and \"visible\" must not be empty");
    if (S > SGF_MAX_SEGMENTS) layout_bad(r, visible, "visible", "has more than 1024 segments");
    if (!r->status) layout_segments(r, S);
    if (!r->status) layout_matrix(r, visible, S);
    for (i = 0; i < T && !r->status; i++) r->status = sgf_layout_add(layout, 0, &zero, 1, r->err);
    if (!r->status) layout_ints(r, "tokens", T, INT32_MAX, 0, layout->token);
    if (!r->status) layout_ints(r, "segments", T, (int64_t)S - 1, 0, layout->seg);
    if (!r->status) layout_ints(r, "positions", T, INT32_MAX - 1, 1, layout->pos);
    if (r->status) return;
    layout->segment[0].tokens = 0;
    layout->answer_pos = 0;
    for (i = 0; i < T; i++) {
        layout->segment[layout->seg[i]].tokens++;
        if (layout->pos[i] >= layout->answer_pos) layout->answer_pos = layout->pos[i] + 1;
    }
}
sgf_status layoutfile_parse(const char *name, sgf_str text, sgf_layout *layout, sgf_error *err) {
    layout_reader r;
    base_arena arena;
    base_arena_init(&arena, &layout->mem);
    sgf_layout_init(&r.layout, &layout->mem);
    r.err = err;
    r.status = json_parse(name, text.ptr, text.len, &arena, &r.doc, err);
    if (!r.status) layout_read_all(&r);
    if (!r.status) {
        sgf_layout_free(layout);
        *layout = r.layout;
    } else sgf_layout_free(&r.layout);
    base_arena_free(&arena);
    return r.status;
}
sgf_status layoutfile_read(const char *path, sgf_layout *layout, sgf_error *err) {
    base_map map;
    sgf_status status = base_map_file(path, &layout->mem, &map, err);
    if (status) return status;
    status = layoutfile_parse(path, base_text_of(map.data, map.size), layout, err);
    base_unmap(&map);
    return status;
}

/* ---- writing ---- */

typedef struct layout_writer {
    base_buf *buf;
    sgf_status status;
    sgf_error *err;
} layout_writer;

static BASE_PRINTF(2, 3) void layout_put(layout_writer *w, const char *format, ...) {
    char text[96];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!w->status) w->status = base_buf_text(w->buf, text, w->err);
}
static void layout_put_ints(layout_writer *w, const char *key, const int32_t *values, size_t n) {
    size_t i;
    layout_put(w, "  \"%s\": [", key);
    for (i = 0; i < n && !w->status; i++) layout_put(w, "%s%d", i ? "," : "", (int)values[i]);
    layout_put(w, "],\n");
}
sgf_status layoutfile_text(const sgf_layout *layout, base_buf *buf, sgf_error *err) {
    int32_t q, k, S = (int32_t)layout->segments;
    layout_writer w;
    w.buf = buf;
    w.status = SGF_OK;
    w.err = err;
    layout_put(&w, "{\n");
    layout_put_ints(&w, "tokens", layout->token, layout->tokens);
    layout_put_ints(&w, "segments", layout->seg, layout->tokens);
    layout_put_ints(&w, "positions", layout->pos, layout->tokens);
    layout_put(&w, "  \"visible\": [");
    for (q = 0; q < S && !w.status; q++) {
        layout_put(&w, q ? ",\n              [" : "[");
        for (k = 0; k < S && !w.status; k++)
            layout_put(&w, "%s%d", k ? "," : "", sgf_visible(layout, q, k));
        layout_put(&w, "]");
    }
    layout_put(&w, "],\n  \"roles\": [");
    for (q = 0; q < S && !w.status; q++)
        layout_put(&w, "%s\"%s\"", q ? "," : "", sgf_role_name(layout->segment[q].role));
    layout_put(&w, "],\n  \"groups\": [");
    for (q = 0; q < S && !w.status; q++)
        layout_put(&w, "%s%d", q ? "," : "", (int)layout->segment[q].group);
    layout_put(&w, "],\n  \"log_mass\": [");
    for (q = 0; q < S && !w.status; q++) {
        char number[40];
        base_number_print((double)layout->segment[q].log_weight, number);
        layout_put(&w, "%s%s", q ? "," : "", number);
    }
    layout_put(&w, layout->mixture ? "],\n  \"fusion\": \"mixture\"" : "]");
    if (layout->answer >= 0) layout_put(&w, ",\n  \"answer\": %d\n}\n", (int)layout->answer);
    else layout_put(&w, ",\n  \"answer\": null\n}\n");
    return w.status;
}
sgf_status layoutfile_write(const sgf_layout *layout, const char *path, sgf_error *err) {
    base_buf buf;
    base_out out;
    sgf_status status;
    base_buf_init(&buf, &layout->mem);
    status = layoutfile_text(layout, &buf, err);
    if (!status) status = base_out_open(&out, path, err);
    if (!status) {
        base_out_write(&out, buf.ptr, buf.len, err);
        status = base_out_close(&out, err);
    }
    base_buf_free(&buf);
    return status;
}
