#include "accident.h"

#include <stdio.h>
#include <string.h>

static const char *const accident_names[] = {"shifted", "swapped", "no-cue"};
enum { ACCIDENTS = (int)(sizeof accident_names / sizeof accident_names[0]) };

const char *accident_name(size_t i) {
    return i < ACCIDENTS ? accident_names[i] : NULL;
}
sgf_status accident_find(const char *name, unsigned *accident, sgf_error *err) {
    size_t i;
    for (i = 0; i < ACCIDENTS; i++)
        if (!strcmp(accident_names[i], name)) {
            *accident = 1u << i;
            return SGF_OK;
        }
    return base_fail(err, SGF_ERR_ARG, "there is no accident '%.80s'; known: %s, %s, %s", name,
                     accident_names[0], accident_names[1], accident_names[2]);
}

/* The tokens of a layout while they are changed, and its segments. */
typedef struct accident_tokens {
    int32_t *token, *seg; /* [n] */
    sgf_segment *segment; /* [segments] */
    size_t n, segments;
    int32_t answer;
} accident_tokens;

static sgf_status accident_check(const sgf_prompt *prompt, const sgf_method *m, unsigned accidents,
                                 sgf_error *err) {
    if (accidents & ~(unsigned)ACCIDENT_ALL)
        return base_fail(err, SGF_ERR_ARG, "%s: accidents %u are not known; all together are %d",
                         m->name, accidents, (int)ACCIDENT_ALL);
    if (m->contexts != SGF_CONTEXTS_FUSION)
        return base_fail(err, SGF_ERR_ARG, "%s: accidents are for methods with one context",
                         m->name);
    if (accidents & ACCIDENT_SWAPPED && prompt->paraphrases < 2)
        return base_fail(err, SGF_ERR_ARG, "%s: the accident swapped needs two paraphrases",
                         m->name);
    if (accidents & ACCIDENT_SHIFTED && m->bos == SGF_BOS_EACH)
        return base_fail(err, SGF_ERR_ARG,
                         "%s: the accident shifted has one BOS, or none, not one for each "
                         "paraphrase",
                         m->name);
    return SGF_OK;
}
/* SWAPPED: the prompt with its first two paraphrases in the other order. */
static sgf_status accident_swap(sgf_prompt *prompt, base_arena *arena, sgf_error *err) {
    size_t n = prompt->paraphrases;
    sgf_str *text = (sgf_str *)base_arena_alloc(arena, n, sizeof *text, err);
    unsigned char *manual = (unsigned char *)base_arena_alloc(arena, n, 1, err);
    if (!text || !manual) return SGF_ERR_MEMORY;
    memcpy(text, prompt->paraphrase, n * sizeof *text);
    text[0] = prompt->paraphrase[1], text[1] = prompt->paraphrase[0];
    prompt->paraphrase = text;
    if (!prompt->manual) return SGF_OK;
    memcpy(manual, prompt->manual, n);
    manual[0] = prompt->manual[1], manual[1] = prompt->manual[0];
    prompt->manual = manual;
    return SGF_OK;
}
static sgf_status accident_take(const sgf_layout *layout, accident_tokens *t, base_arena *arena,
                                sgf_error *err) {
    t->n = layout->tokens;
    t->segments = layout->segments;
    t->answer = layout->answer;
    t->token = (int32_t *)base_arena_alloc(arena, t->n, sizeof *t->token, err);
    t->seg = (int32_t *)base_arena_alloc(arena, t->n, sizeof *t->seg, err);
    t->segment = (sgf_segment *)base_arena_alloc(arena, t->segments, sizeof *t->segment, err);
    if (!t->token || !t->seg || !t->segment) return SGF_ERR_MEMORY;
    memcpy(t->token, layout->token, t->n * sizeof *t->token);
    memcpy(t->seg, layout->seg, t->n * sizeof *t->seg);
    memcpy(t->segment, layout->segment, t->segments * sizeof *t->segment);
    return SGF_OK;
}
/* SHIFTED: other ids for the same text, in the segments that were counted on the old ones. What was
   counted and is not there goes to *segment. */
static sgf_status accident_shift(const sgf_tokenizer *tokenizer, accident_tokens *t,
                                 size_t max_new_tokens, const int32_t **segment, base_arena *arena,
                                 sgf_error *err) {
    size_t bos = t->segments && t->segment[0].role == SGF_ROLE_BOS, counted = t->n - bos, len = 0;
    size_t bound, n = 0, i;
    int32_t *ids, *seg, *generated;
    char *text;
    sgf_status status = sgf_decode(tokenizer, t->token + bos, counted, 0, NULL, 0, &len, err);
    if (status) return status;
    bound = sgf_encode_bound(len);
    text = (char *)base_arena_alloc(arena, len + 1, 1, err);
    ids = (int32_t *)base_arena_alloc(arena, bound + 1, sizeof *ids, err);
    seg = (int32_t *)base_arena_alloc(arena, bound + 1, sizeof *seg, err);
    generated = (int32_t *)base_arena_alloc(arena, max_new_tokens, sizeof *generated, err);
    if (!text || !ids || !seg || !generated) return SGF_ERR_MEMORY;
    status = sgf_decode(tokenizer, t->token + bos, counted, 0, text, len, &len, err);
    if (bos) ids[0] = t->token[0];
    if (!status)
        status = sgf_encode(tokenizer, base_text_of(text, len), 0, ids + bos, bound, &n, err);
    if (status) return status;
    n += bos;
    t->segments -= bos, t->segment += bos, t->answer -= (int32_t)bos;
    for (i = 0; i < n; i++) seg[i] = i < counted ? t->seg[bos + i] - (int32_t)bos : t->answer;
    for (i = 0; i < max_new_tokens; i++)
        generated[i] = n + i < counted ? t->seg[bos + n + i] - (int32_t)bos : t->answer;
    if (n < counted) *segment = generated;
    t->token = ids, t->seg = seg, t->n = n;
    return SGF_OK;
}
/* Build the layout again of these tokens and segments. */
static sgf_status accident_build(const accident_tokens *t, const sgf_method *method,
                                 const sgf_prompt *prompt, sgf_layout *layout, sgf_error *err) {
    sgf_status status = SGF_OK;
    size_t i;
    sgf_layout_clear(layout);
    for (i = 0; i < t->segments && !status; i++)
        status = sgf_layout_segment(layout, t->segment[i].role, t->segment[i].group, NULL, err);
    for (i = 0; i < t->n && !status; i++)
        status = sgf_layout_add(layout, t->seg[i], &t->token[i], 1, err);
    if (status) return status;
    sgf_layout_place(layout, method->positions);
    sgf_mask_set(layout, method->mask);
    if (!prompt->weight && !method->even_weights) return SGF_OK;
    return sgf_layout_weigh(layout, prompt->weight, prompt->paraphrases, err);
}
void accident_hide(sgf_layout *layout) {
    int32_t p, s, S = (int32_t)layout->segments;
    for (p = 0; p < S; p++) {
        sgf_role role = layout->segment[p].role;
        if (layout->segment[p].group != 1 || role < SGF_ROLE_PARAPHRASE || role > SGF_ROLE_AUTO)
            continue;
        for (s = 0; s < S; s++) {
            sgf_visible_set(layout, p, s, 0);
            sgf_visible_set(layout, s, p, 0);
        }
    }
}

sgf_status accident_layout(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                           const sgf_method *method, unsigned accidents, size_t max_new_tokens,
                           sgf_layout *layout, const int32_t **segment, base_arena *arena,
                           sgf_error *err) {
    sgf_prompt asked = *prompt;
    sgf_method plain = *method;
    accident_tokens t;
    sgf_status status = accident_check(prompt, method, accidents, err);
    int no_cue = accidents & ACCIDENT_NO_CUE && method->format == SGF_FORMAT_FEW_SHOT_PARTS;
    int after = accidents & ACCIDENT_SHIFTED ||
                method->fusion_start == SGF_FUSION_START_AFTER_FIRST;
    size_t i;
    *segment = NULL;
    plain.fusion_start = after && !no_cue ? SGF_FUSION_START_AFTER_FIRST
                                          : SGF_FUSION_START_FIRST_ANSWER;
    if (!status && accidents & ACCIDENT_SWAPPED) status = accident_swap(&asked, arena, err);
    if (!status) status = sgf_prompt_layout(tokenizer, &asked, &plain, 0, layout, err);
    if (!status) status = accident_take(layout, &t, arena, err);
    if (status) return status;
    if (no_cue) { /* the answer segment is the cue */
        t.n -= t.segment[t.answer].tokens;
        if (!after) t.seg[t.n - 1] = t.answer;
    }
    for (i = 0; i < t.segments && accidents & ACCIDENT_SWAPPED; i++) {
        sgf_segment *s = &t.segment[i];
        if (s->role >= SGF_ROLE_PARAPHRASE && s->role <= SGF_ROLE_SEPARATOR && s->group >= 0 &&
            s->group < 2)
            s->group = 1 - s->group;
    }
    if (accidents & ACCIDENT_SHIFTED)
        status = accident_shift(tokenizer, &t, max_new_tokens, segment, arena, err);
    if (!status) status = accident_build(&t, method, prompt, layout, err);
    if (!status && accidents & ACCIDENT_SWAPPED) accident_hide(layout);
    return status;
}
