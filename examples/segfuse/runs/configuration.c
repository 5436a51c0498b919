#include "configuration.h"
#include "../base/json.h"
#include "../cli/options.h"

#include <stdio.h>
#include <string.h>

/* What to change on the command line for a setting that has another name there. */
static void config_name(sgf_str key, char *out, size_t cap) {
    static const char *const names[][2] = {{"segfuse", "the version of segfuse"},
                                           {"model_identity", "--model (another content)"},
                                           {"data_identity", "--data (another content)"},
                                           {"fewshot_identity", "--fewshot_data (another content)"},
                                           {"samples", "--max_samples"},
                                           {"lines", "--format"},
                                           {"lemmas", "--lemmatize"}};
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (base_str_is(key, names[i][0])) {
            snprintf(out, cap, "%s", names[i][1]);
            return;
        }
    snprintf(out, cap, "--%.60s", base_show(key).text);
}
static int config_values_same(const json_doc *a, uint32_t x, const json_doc *b, uint32_t y) {
    uint32_t i, n = a->nodes[x].next - x;
    if (n != b->nodes[y].next - y) return 0;
    for (i = 0; i < n; i++) {
        const json_node *one = &a->nodes[x + i], *two = &b->nodes[y + i];
        int scalar = one->type != JSON_ARRAY && one->type != JSON_OBJECT;
        if (one->type != two->type || one->count != two->count) return 0;
        if (scalar && !text_same(one->text, two->text)) return 0;
    }
    return 1;
}
/* A value for a message, or "not set". */
static void config_value(const json_doc *j, uint32_t node, char *out, size_t cap) {
    const json_node *at = &j->nodes[node];
    static const char *const words[] = {"null", "false", "true"};
    if (!node) snprintf(out, cap, "not set");
    else if (at->type == JSON_ARRAY || at->type == JSON_OBJECT)
        snprintf(out, cap, "of %lu values", (unsigned long)at->count);
    else if (at->type == JSON_NUMBER || at->type == JSON_STRING)
        snprintf(out, cap, at->type == JSON_STRING ? "'%.60s'" : "%.60s", base_show(at->text).text);
    else
        snprintf(out, cap, "%s", words[at->type == JSON_TRUE ? 2 : at->type == JSON_FALSE ? 1 : 0]);
}
static int config_exact(const json_doc *j) {
    uint32_t exact = json_get(j, 0, "exact");
    return exact && j->nodes[exact].type == JSON_TRUE;
}
/* What a later run may add to a result: questions, and the lemmas of all. */
static int config_grows_by(sgf_str key) {
    return base_str_is(key, "samples") || base_str_is(key, "fewer_paraphrases") ||
           base_str_is(key, "lemmas");
}
/* Is there a member of `a` that `b` has not, or has otherwise? Then out says which. */
static int config_member_differs(const json_doc *a, const json_doc *b, int grows, int swapped,
                                 char *out, size_t cap) {
    uint32_t i, key = 1;
    char name[80], values[2][80];
    for (i = 0; i < a->nodes[0].count; i++, key = a->nodes[key + 1].next) {
        uint32_t other = 0, k, at = 1;
        for (k = 0; k < b->nodes[0].count && !other; k++, at = b->nodes[at + 1].next)
            if (text_same(b->nodes[at].text, a->nodes[key].text)) other = at + 1;
        if (other && config_values_same(a, key + 1, b, other)) continue;
        if (grows && config_grows_by(a->nodes[key].text)) continue;
        if (other && base_str_is(a->nodes[key].text, "device") && config_exact(a) &&
            config_exact(b))
            continue; /* the same bits, whatever computed them */
        config_name(a->nodes[key].text, name, sizeof name);
        config_value(a, key + 1, values[swapped], sizeof values[0]);
        config_value(b, other, values[!swapped], sizeof values[0]);
        snprintf(out, cap, "%s is %s there and %s here", name, values[0], values[1]);
        return 1;
    }
    return 0;
}
static int config_differs(sgf_str there, sgf_str here, int grows, char *out, size_t cap) {
    base_arena arena;
    json_doc a, b;
    int differs = 1;
    if (there.len == here.len && (!here.len || !memcmp(there.ptr, here.ptr, here.len))) return 0;
    base_arena_init(&arena, NULL);
    if (json_parse("", there.ptr, there.len, &arena, &a, NULL) ||
        json_parse("", here.ptr, here.len, &arena, &b, NULL) || a.nodes[0].type != JSON_OBJECT ||
        b.nodes[0].type != JSON_OBJECT)
        snprintf(out, cap, "what is written there is no configuration of segfuse");
    else
        differs = config_member_differs(&a, &b, grows, 0, out, cap) ||
                  config_member_differs(&b, &a, grows, 1, out, cap);
    base_arena_free(&arena);
    return differs;
}
int config_difference(sgf_str there, sgf_str here, char *out, size_t cap) {
    return config_differs(there, here, 0, out, cap);
}
sgf_status config_grows(const char *file, sgf_str there, const base_buf *here, sgf_error *err) {
    char what[320];
    sgf_str text;
    text.ptr = here->ptr, text.len = here->len;
    if (!config_differs(there, text, 1, what, sizeof what)) return SGF_OK;
    return base_fail_at(err, SGF_ERR_ARG, file, -1,
                        "%s already exists, with another configuration: %s; --rewrite replaces "
                        "it, %sanother --output leaves it alone",
                        file, what, strcmp(verb_now, "generate") ? "" : "--tag NAME or ");
}
void config_extent(sgf_str config, size_t *samples, int *lemmas) {
    base_arena arena;
    json_doc json;
    uint32_t node;
    int64_t count = 0;
    *samples = 0;
    *lemmas = 0;
    base_arena_init(&arena, NULL);
    if (!json_parse("", config.ptr, config.len, &arena, &json, NULL)) {
        node = json_get(&json, 0, "samples");
        if (node && json_whole(&json, node, 0, INT32_MAX, &count)) *samples = (size_t)count;
        node = json_get(&json, 0, "lemmas");
        *lemmas = node && base_str_is(json.nodes[node].text, "yes");
    }
    base_arena_free(&arena);
}
