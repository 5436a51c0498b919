#include "explain.h"
#include "../base/base.h"
#include "../masks/layoutfile.h"
#include "../runs/sample.h"
#include "../data/lemma.h"
#include "../cli/options.h"
#include "../cli/model.h"
#include "../data/dataset.h"
#include "../runs/methods.h"
#include "../runs/results.h"
#include "../runs/run.h"
#include "../masks/picture.h"
#include "report.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPLAIN_TOP = 5 };

/* The most likely next tokens, the first one first. */
typedef struct {
    int32_t id[EXPLAIN_TOP];
    double share[EXPLAIN_TOP]; /* probabilities */
    size_t count;
} next_tokens;

/* What attention is counted by: a paraphrase, an example, all separators. */
typedef struct {
    char name[48];
    int paraphrase;
} attended;

/* One context of an answer. */
typedef struct {
    sgf_layout *layout; /* the answer stands behind the prompt, but for its last token */
    size_t tokens;      /* of the prompt */
    next_tokens *next;  /* [steps] what this context alone says */
    attended *part;     /* [parts] */
    size_t parts;
    size_t *part_of; /* [segments] */
    double *mass;    /* [steps][layers][parts] shares of 1 */
} context_view;

typedef struct {
    const sgf_task *task;
    context_view *context; /* [task->contexts] */
    next_tokens *next;     /* [steps] what all contexts say together */
    sgf_str generation, prediction;
    int right;
} answer_view;

typedef struct {
    const sgf_method *method;
    batch batch;
    answer_view *answer; /* [batch.count] one for each paraphrase of per_prompt, else one */
} method_view;

typedef struct {
    generate_run *run;
    const question *q;
    base_arena arena;
    method_view *method; /* [methods] */
    size_t methods;
    double *odds; /* [V] */
    sgf_status status;
    sgf_error err; /* of a callback */
} explanation;

static size_t explain_layers(const explanation *e) {
    return (size_t)e->run->model->config.layers;
}
/* Is a right answer known? Not to segfuse ask. */
static int explain_judged(const explanation *e) {
    return e->q->answer_count > 0;
}
static size_t explain_vocabulary(const explanation *e) {
    return (size_t)e->run->model->config.vocab_size;
}

/* ---- what is seen ---- */

/* The ids of the highest logits, the lowest id first on ties, with their odds. */
static void next_pick(const float *logits, const double *odds, size_t V, next_tokens *next) {
    size_t v, i;
    next->count = 0;
    for (v = 0; v < V; v++) {
        if (next->count == EXPLAIN_TOP && !(logits[v] > logits[next->id[EXPLAIN_TOP - 1]]))
            continue;
        if (!(logits[v] > -INFINITY)) continue;
        i = next->count < EXPLAIN_TOP ? next->count++ : EXPLAIN_TOP - 1;
        for (; i && logits[v] > logits[next->id[i - 1]]; i--) next->id[i] = next->id[i - 1];
        next->id[i] = (int32_t)v;
    }
    for (i = 0; i < next->count; i++) next->share[i] = odds[next->id[i]];
}

typedef struct {
    explanation *e;
    method_view *view;
} step_watch;

/* Do a task's contexts say together probabilities, not logits? */
static int explain_probabilities(const sgf_task *t) {
    return t->contexts > 1 && (t->combine == SGF_COMBINE_MAX || t->combine == SGF_COMBINE_AVG_P);
}
/* Has it entropies and weights of the first token? */
static int explain_trusts(const sgf_task *t) {
    return (t->combine == SGF_COMBINE_ENTROPY_AVG && t->contexts > 1) ||
           t->decoding.trust_mass > 0 || t->decoding.select;
}
/* What the contexts of a task say together; probabilities as they are. */
static int explain_step(void *user, size_t task, size_t step, const float *logits,
                        int32_t *chosen) {
    step_watch *w = (step_watch *)user;
    explanation *e = w->e;
    const sgf_task *t = &w->view->batch.tasks[task];
    size_t V = explain_vocabulary(e), v;
    (void)chosen;
    if (explain_probabilities(t))
        for (v = 0; v < V; v++) e->odds[v] = (double)logits[v];
    else e->status = sample_probabilities(logits, V, 1, 0, e->odds, NULL, &e->err);
    if (!e->status) next_pick(logits, e->odds, V, &w->view->answer[task].next[step]);
    return e->status != SGF_OK;
}

typedef struct {
    context_view *view;
    size_t layers;
} mass_watch;

static void explain_mass(void *user, size_t row, int32_t layer, const double *mass,
                         size_t segments) {
    mass_watch *w = (mass_watch *)user;
    double *out = w->view->mass + (row * w->layers + (size_t)layer) * w->view->parts;
    size_t i;
    for (i = 0; i < segments; i++) out[w->view->part_of[i]] += mass[i];
}

/* In whose name the attention on a segment is counted. */
static void attended_name(const sgf_layout *layout, size_t segment, attended *out) {
    const sgf_segment *s = &layout->segment[segment];
    out->paraphrase = layoutfile_is_paraphrase(s->role);
    if (s->role == SGF_ROLE_SEPARATOR) snprintf(out->name, sizeof out->name, "separators");
    else if (s->role == SGF_ROLE_ANSWER) snprintf(out->name, sizeof out->name, "answer");
    else if (s->role == SGF_ROLE_EXAMPLE_Q || s->role == SGF_ROLE_EXAMPLE_A)
        snprintf(out->name, sizeof out->name, "example %d", (int)s->group + 1);
    else picture_name(layout, (int32_t)segment, out->name, sizeof out->name);
}
static sgf_status explain_parts(explanation *e, context_view *view, sgf_error *err) {
    size_t S = view->layout->segments, i, k;
    view->part = (attended *)base_arena_alloc(&e->arena, S, sizeof *view->part, err);
    view->part_of = (size_t *)base_arena_alloc(&e->arena, S, sizeof *view->part_of, err);
    if (!view->part || !view->part_of) return SGF_ERR_MEMORY;
    for (i = 0; i < S; i++) {
        attended *next = &view->part[view->parts];
        attended_name(view->layout, i, next);
        for (k = 0; strcmp(view->part[k].name, next->name); k++) {}
        view->part_of[i] = k;
        view->parts += k == view->parts;
    }
    return SGF_OK;
}
/* The fusion as the answer saw it: the weights, and those that were left out. */
static sgf_status explain_weigh(const sgf_task *task, sgf_layout *layout, size_t n,
                                sgf_error *err) {
    double *weight = task->trust + n;
    size_t i, k;
    if (task->combine == SGF_COMBINE_ENTROPY_AVG || !explain_trusts(task)) return SGF_OK;
    for (i = 0; i < n; i++)
        for (k = 0; weight[i] == 0 && k < layout->segments; k++)
            if (layout->segment[k].group == (int32_t)i &&
                (layoutfile_is_paraphrase(layout->segment[k].role) ||
                 layout->segment[k].role == SGF_ROLE_SEPARATOR))
                sgf_visible_set(layout, layout->answer, (int32_t)k, 0);
    for (i = 0; i < n; i++) weight[i] = weight[i] >= 1e-300 ? weight[i] : 1e-300;
    return sgf_layout_weigh(layout, weight, n, err);
}
/* The answer behind the prompt, as decoding puts it there. */
static sgf_status explain_extend(const sgf_task *task, sgf_layout *layout, sgf_error *err) {
    int32_t pos = layout->answer_pos;
    size_t i;
    sgf_status status = SGF_OK;
    for (i = 0; i + 1 < task->count && !status; i++) {
        int32_t seg = task->segment ? task->segment[i] : layout->answer;
        status = sgf_layout_add(layout, seg, &task->ids[i], 1, err);
        if (!status) layout->pos[layout->tokens - 1] = pos + (int32_t)i;
    }
    return status;
}
/* Compute a context with its answer: the logits of all steps, and their attention. */
static sgf_status explain_replay(explanation *e, context_view *view, float *logits,
                                 sgf_error *err) {
    sgf_session *s = e->run->session;
    const sgf_layout *l = view->layout;
    sgf_row *rows = (sgf_row *)base_arena_alloc(&e->arena, l->tokens, sizeof *rows, err);
    mass_watch watch;
    int32_t sequence = -1;
    size_t i;
    sgf_status status = rows ? sgf_sequence_open(s, l, -1, &sequence, err) : SGF_ERR_MEMORY;
    if (status) return status;
    for (i = 0; i < l->tokens; i++) {
        rows[i].token = l->token[i];
        rows[i].pos = l->pos[i];
        rows[i].seg = l->seg[i];
        rows[i].sequence = sequence;
        rows[i].want = i + 1 >= view->tokens;
    }
    watch.view = view;
    watch.layers = explain_layers(e);
    sgf_session_watch(s, explain_mass, &watch);
    status = sgf_forward(s, rows, l->tokens, logits, NULL, err);
    sgf_session_watch(s, NULL, NULL);
    sgf_sequence_close(s, sequence);
    return status;
}
static sgf_status explain_context(explanation *e, const sgf_task *task, sgf_layout *layout,
                                  context_view *view, sgf_error *err) {
    size_t V = explain_vocabulary(e), i;
    sgf_allocator mem = base_allocator(NULL);
    float *logits;
    sgf_status status;
    view->layout = layout;
    view->tokens = layout->tokens;
    status = explain_extend(task, layout, err);
    if (!status) status = explain_parts(e, view, err);
    if (status) return status;
    view->next = (next_tokens *)base_arena_alloc(&e->arena, task->count, sizeof *view->next, err);
    view->mass = (double *)base_arena_alloc(&e->arena, task->count * explain_layers(e),
                                            view->parts * sizeof *view->mass, err);
    logits = (float *)base_alloc(&mem, task->count * V, sizeof *logits, err);
    status = view->next && view->mass && logits ? SGF_OK : SGF_ERR_MEMORY;
    if (!status) status = explain_replay(e, view, logits, err);
    for (i = 0; i < task->count && !status; i++) {
        status = sample_probabilities(logits + i * V, V, 1, 0, e->odds, NULL, err);
        if (!status) next_pick(logits + i * V, e->odds, V, &view->next[i]);
    }
    base_free(&mem, logits, task->count * V, sizeof *logits);
    return status;
}
static sgf_status explain_answer(explanation *e, const method_view *view, answer_view *answer,
                                 sgf_layout *layouts, sgf_error *err) {
    const sgf_task *task = answer->task;
    size_t c;
    sgf_status status = task_text(e->run, task, &e->arena, &answer->generation, err);
    if (!status) status = explain_weigh(task, layouts, view->batch.asked[0].n, err);
    if (status) return status;
    answer->prediction = sgf_prediction_take(view->method->prediction, answer->generation);
    status = lemma_match_any(answer->prediction, e->q->answers, e->q->answer_count, NULL,
                             &answer->right, err);
    for (c = 0; c < task->contexts && !status; c++)
        status = explain_context(e, task, &layouts[c], &answer->context[c], err);
    return status;
}
static sgf_status explain_method(explanation *e, method_view *view, sgf_error *err) {
    step_watch watch;
    batch *b = &view->batch;
    size_t i, first = 0, chosen = 0;
    sgf_status status;
    e->methods++;
    status = batch_build(e->run, view->method, &chosen, 1, b, err);
    if (status) return status;
    view->answer = (answer_view *)base_arena_alloc(&e->arena, b->count, sizeof *view->answer, err);
    if (!view->answer) return SGF_ERR_MEMORY;
    for (i = 0; i < b->count; i++) {
        answer_view *answer = &view->answer[i];
        answer->task = &b->tasks[i];
        answer->next = (next_tokens *)base_arena_alloc(&e->arena, b->tasks[i].max_new_tokens,
                                                       sizeof *answer->next, err);
        answer->context = (context_view *)base_arena_alloc(&e->arena, b->tasks[i].contexts,
                                                           sizeof *answer->context, err);
        if (!answer->next || !answer->context) return SGF_ERR_MEMORY;
    }
    watch.e = e;
    watch.view = view;
    status = sgf_generate(e->run->session, b->tasks, b->count, explain_step, &watch, err);
    if (e->status) *err = e->err;
    for (i = 0; i < b->count && !status; first += b->tasks[i++].contexts)
        status = explain_answer(e, view, &view->answer[i], b->layouts + first, err);
    return status;
}
static void explanation_free(explanation *e) {
    while (e->methods) batch_free(&e->method[--e->methods].batch);
    base_arena_free(&e->arena);
}

/* ---- words for both forms ---- */

/* The next character of a text as something that can be shown: control characters, those that turn
   the direction of writing, and bytes that are no UTF-8 become escapes. Returns its bytes; *columns is
   the room it takes in a terminal. */
static size_t char_show(sgf_str text, char out[16], int *columns) {
    uint32_t c = 0;
    size_t n = base_utf8_next(text.ptr, text.len, &c);
    int wide = (c >= 0x1100 && c < 0x1160) || (c >= 0x2E80 && c < 0xA4D0) ||
               (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xF900 && c < 0xFB00) ||
               (c >= 0xFE30 && c < 0xFE70) || (c >= 0xFF00 && c < 0xFF61) ||
               (c >= 0x1F300 && c < 0x1FB00) || (c >= 0x20000 && c < 0x3FFFE);
    if (!n) snprintf(out, 16, "\\x%02X", (unsigned char)*text.ptr);
    else if (c == '\n') snprintf(out, 16, "\\n");
    else if (c == '\t') snprintf(out, 16, "\\t");
    else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c < 0x2010) ||
             (c >= 0x2028 && c < 0x202F) || (c >= 0x2066 && c < 0x206A) || c == 0xFEFF)
        snprintf(out, 16, "\\u%04X", (unsigned)c);
    else {
        memcpy(out, text.ptr, n);
        out[n] = 0;
        *columns = 1 + wide;
        return n;
    }
    *columns = (int)strlen(out);
    return n ? n : 1;
}
static sgf_str text_rest(sgf_str text, size_t at) {
    text.ptr += at;
    text.len -= at;
    return text;
}
static sgf_str explain_token(const explanation *e, int32_t id) {
    return sgf_token_text(e->run->model->tokenizer, id);
}
/* Added tokens, such as <|im_end|>: nobody knows them by their first letters. */
static int explain_added(const explanation *e, int32_t id) {
    const sgf_tokenizer *t = e->run->model->tokenizer;
    sgf_tokenizer_info info;
    size_t i;
    sgf_tokenizer_describe(t, &info);
    for (i = 0; i < info.added; i++)
        if (sgf_tokenizer_added(t, i, NULL, NULL) == id) return 1;
    return 0;
}
/* "para 2", for a context or answer among several. */
static const char *explain_which(size_t i, char out[32]) {
    snprintf(out, 32, "para %llu", (unsigned long long)i + 1);
    return out;
}
/* What is computed, in a line. */
static void explain_setting(const explanation *e, const sgf_method *m, char *out, size_t cap) {
    int n;
    if (m->contexts != SGF_CONTEXTS_FUSION) {
        snprintf(out, cap, "%s",
                 m->contexts == SGF_CONTEXTS_ENSEMBLE
                     ? "one context for each paraphrase, one answer"
                     : "one context with one paraphrase");
        return;
    }
    n = snprintf(out, cap, "one context; mask %s, positions %s, mass %s, fusion from %s",
                 e->run->matrix ? e->run->o.mask : sgf_mask_name(m->mask),
                 m->positions == SGF_POSITIONS_ALIGNED ? "aligned" : "sequential",
                 e->run->o.mass    ? e->run->o.mass
                 : m->even_weights ? "1/N"
                                   : "1",
                 m->fusion_start == SGF_FUSION_START_AFTER_FIRST ? "the second answer token"
                                                                 : "the first answer token");
    if (n > 0 && (size_t)n < cap && run_accidents(e->run, m)) {
        char names[64];
        snprintf(out + n, cap - (size_t)n, "; accidents %s",
                 method_accident_names(run_accidents(e->run, m), names, sizeof names));
    }
}
/* Of many layers a table shows the means of neighbours: in how many columns, and which layers. */
enum { EXPLAIN_COLUMNS = 12 };
static size_t layers_together(size_t layers) {
    return layers <= 2 * EXPLAIN_COLUMNS ? 1 : (layers + EXPLAIN_COLUMNS - 1) / EXPLAIN_COLUMNS;
}
static size_t layers_end(size_t first, size_t together, size_t layers) {
    return first + together < layers ? first + together : layers;
}
/* The share of attention that a part gets at a step: in `together` layers from `layer` on, or (layer ==
   layers) in the mean of all; step == steps: in the mean of all steps. */
static double explain_share(const explanation *e, const answer_view *a, const context_view *view,
                            size_t step, size_t layer, size_t together, size_t part) {
    size_t layers = explain_layers(e), steps = a->task->count, s, l;
    size_t s0 = step == steps ? 0 : step, s1 = step == steps ? steps : step + 1;
    size_t l0 = layer == layers ? 0 : layer;
    size_t l1 = layer == layers ? layers : layers_end(layer, together, layers);
    double sum = 0;
    for (s = s0; s < s1; s++)
        for (l = l0; l < l1; l++) sum += view->mass[(s * layers + l) * view->parts + part];
    return sum / (double)((s1 - s0) * (l1 - l0));
}
/* The paraphrase that gets most, and its share of what falls on paraphrases; 0 if there are not two
   of them, or nothing falls on any. */
static int explain_favourite(const explanation *e, const answer_view *a, const context_view *view,
                             size_t *best, double *share) {
    size_t i, found = 0;
    double sum = 0, most = -1;
    for (i = 0; i < view->parts; i++) {
        double x = explain_share(e, a, view, a->task->count, explain_layers(e), 1, i);
        if (!view->part[i].paraphrase) continue;
        found++;
        sum += x;
        if (x > most) most = x, *best = i;
    }
    if (found < 2 || !(sum > 0)) return 0;
    *share = most / sum;
    return 1;
}
/* The first token of a run of one segment that ends at the prompt's end at the latest; its end. */
static size_t explain_span(const context_view *view, size_t at) {
    const int32_t *seg = view->layout->seg;
    size_t end = at + 1;
    while (end < view->tokens && seg[end] == seg[at]) end++;
    return end;
}
/* Has the first context of the answer the same ids in this place? */
static int explain_repeated(const context_view *first, const context_view *view, size_t at,
                            size_t end) {
    return view != first && end <= first->tokens &&
           !memcmp(first->layout->token + at, view->layout->token + at,
                   (end - at) * sizeof(int32_t));
}
static sgf_status explain_decode(explanation *e, const int32_t *ids, size_t n, sgf_str *out,
                                 sgf_error *err) {
    const sgf_tokenizer *t = e->run->model->tokenizer;
    char *text;
    sgf_status status = sgf_decode(t, ids, n, 0, NULL, 0, &out->len, err);
    if (status) return status;
    text = (char *)base_arena_alloc(&e->arena, out->len + 1, 1, err);
    out->ptr = text;
    return text ? sgf_decode(t, ids, n, 0, text, out->len, &out->len, err) : SGF_ERR_MEMORY;
}

/* ---- text ---- */

enum { EXPLAIN_INDENT = 29, EXPLAIN_WIDTH = 70 };

/* A text in quotes, cut to `width` columns and padded to them; 0: as it is. */
static void text_quoted(sgf_str text, int width) {
    char one[16];
    int room = width ? width - 2 : INT_MAX, used = 0, columns;
    size_t at, whole = 0;
    for (at = 0; at < text.len;
         at += char_show(text_rest(text, at), one, &columns), used += columns)
        if (used <= room - 2) whole = at; /* what fits with dots behind it */
    if (used <= room) whole = text.len;
    putchar('"');
    for (at = 0, used = 0; at < whole; used += columns) {
        at += char_show(text_rest(text, at), one, &columns);
        fputs(one, stdout);
    }
    used += printf(whole < text.len ? "..\"" : "\"");
    printf("%*s", width - 1 - used > 0 ? width - 1 - used : 0, "");
}
int text_shown(sgf_str text) {
    char one[16];
    int columns, used = 0;
    size_t at = 0;
    for (; at < text.len; used += columns) {
        at += char_show(text_rest(text, at), one, &columns);
        fputs(one, stdout);
    }
    return used;
}
/* Where a line of text that begins at `at` ends: behind line feeds, else behind the last space that
   fits. */
static size_t text_line(sgf_str text, size_t at, int width) {
    char one[16];
    int columns, used = 0;
    size_t space = 0, next;
    for (; at < text.len; at = next) {
        next = at + char_show(text_rest(text, at), one, &columns);
        if ((used += columns) > width) return space ? space : at;
        if (text.ptr[at] == '\n' && next < text.len && text.ptr[next] != '\n') return next;
        if (text.ptr[at] == ' ') space = next;
    }
    return text.len;
}
/* A text in lines; of more than `most`, those in the middle are left out. The first one stands behind
   what was printed already. */
static void text_lines(sgf_str text, int most) {
    size_t at, end;
    int lines = 0, i = 0;
    for (at = 0; at < text.len; at = text_line(text, at, EXPLAIN_WIDTH)) lines++;
    for (at = 0; at < text.len || !i; at = end, i++) {
        sgf_str line = text_rest(text, at);
        end = text_line(text, at, EXPLAIN_WIDTH);
        line.len = end - at;
        if (lines > most && i >= most - 2 && i + 1 < lines) {
            if (i == most - 2)
                printf("%*s... %d lines ...\n", EXPLAIN_INDENT, "", lines - most + 1);
            continue;
        }
        if (i) printf("%*s", EXPLAIN_INDENT, "");
        text_shown(line);
        putchar('\n');
    }
}
static void text_ids(const int32_t *ids, size_t n) {
    base_buf buf;
    sgf_str text;
    char number[16];
    size_t i;
    base_buf_init(&buf, NULL);
    base_buf_text(&buf, "ids", NULL);
    for (i = 0; i < n; i++) {
        snprintf(number, sizeof number, " %d", (int)ids[i]);
        base_buf_text(&buf, number, NULL);
    }
    text.ptr = buf.ptr;
    text.len = buf.len;
    printf("%*s", EXPLAIN_INDENT, "");
    text_lines(text, 4);
    base_buf_free(&buf);
}
static sgf_status text_prompt(explanation *e, const answer_view *a, sgf_error *err) {
    size_t c, at, end;
    char which[32], name[96];
    for (c = 0; c < a->task->contexts; c++) {
        const context_view *view = &a->context[c];
        const sgf_layout *l = view->layout;
        if (a->task->contexts > 1) printf("\n%s", explain_which(c, which));
        printf("\nPrompt: %llu tokens\n   #  segment      tokens    text, ids\n",
               (unsigned long long)view->tokens);
        for (at = 0; at < view->tokens; at = end) {
            sgf_str text;
            sgf_status status;
            end = explain_span(view, at);
            printf("%4d  %-12.12s %4llu-%-4llu ", (int)l->seg[at],
                   picture_name(l, l->seg[at], name, sizeof name), (unsigned long long)at,
                   (unsigned long long)end - 1);
            if (explain_repeated(&a->context[0], view, at, end)) {
                printf("as in para 1\n");
                continue;
            }
            status = explain_decode(e, l->token + at, end - at, &text, err);
            if (status) return status;
            text_lines(text, 8);
            text_ids(l->token + at, end - at);
        }
    }
    return SGF_OK;
}
static void text_mask(const context_view *view, const char *title) {
    picture p;
    if (!picture_start(&p, view->layout)) return;
    printf("\nMask %s: a row looks, a column is seen (#) or not (.)\n", title);
    if (view->layout->tokens <= 64) text_tokens(stdout, &p);
    else text_segments(stdout, &p);
    free(p.span);
}
/* A token in 9 columns, cut if it is no added one. */
static void text_token(const explanation *e, int32_t id) {
    sgf_str text = explain_token(e, id);
    text_quoted(text, explain_added(e, id) && text.len > 7 ? (int)text.len + 2 : 9);
}
/* One line: the candidates, the chosen one marked. */
static void text_next(const explanation *e, const next_tokens *next, int32_t chosen) {
    size_t i;
    for (i = 0; i < next->count; i++) {
        printf(" %c", next->id[i] == chosen ? '*' : ' ');
        text_token(e, next->id[i]);
        printf(" %5.1f", 100 * next->share[i]);
    }
    printf("\n");
}
/* What the numbers in task->trust are. */
static const char *trust_name(const sgf_task *task) {
    return task->decoding.agreement ? "minus the logarithm of its agreement with all"
                                    : "entropy (natural logarithm)";
}
/* How sure each paraphrase, or context, is of the first token. */
static void text_trust(const sgf_task *task, size_t n) {
    size_t i;
    if (!explain_trusts(task)) return;
    printf("\nHow sure each paraphrase is of the first token: %s, weight\n", trust_name(task));
    for (i = 0; i < n; i++)
        printf("  %-4llu %8.4f %8.4f\n", (unsigned long long)i + 1, task->trust[i],
               task->trust[n + i]);
}
static void text_steps(const explanation *e, const answer_view *a) {
    size_t step, c;
    char which[32];
    const sgf_task *task = a->task;
    int many = task->contexts > 1;
    printf("\nNext tokens: the five most likely, in percent%s; * is what the answer takes\n",
           !explain_probabilities(task)         ? ""
           : task->combine == SGF_COMBINE_AVG_P ? " (combined: the mean of the contexts)"
                                                : " (combined: the most that any context gives)");
    printf("step\n");
    for (step = 0; step < task->count; step++) {
        printf("%4llu %-8s", (unsigned long long)step + 1, many ? "combined" : "");
        text_next(e, &a->next[step], task->ids[step]);
        for (c = 0; c < task->contexts && many; c++) {
            printf("     %-8s", explain_which(c, which));
            text_next(e, &a->context[c].next[step], task->ids[step]);
        }
    }
}
/* Shares of attention: a row for each part, and a column for the mean and for each layer or some of
   them (of one step), or for each step (in the mean of its layers). */
static void text_attention(const explanation *e, const answer_view *a, const context_view *view,
                           int by_layer) {
    size_t layers = explain_layers(e), steps = a->task->count, first, i, part;
    size_t together = by_layer ? layers_together(layers) : 1;
    size_t count = by_layer ? layers : steps, fits = by_layer ? EXPLAIN_COLUMNS * together : 7;
    int wide = by_layer ? 6 : 10;
    for (first = 0; first < count; first += fits) {
        size_t last = first + fits < count ? first + fits : count;
        printf("  %-18s   mean", by_layer ? "layer" : "answer token");
        for (i = first; i < last; i += together) {
            char range[24];
            snprintf(range, sizeof range, together > 1 ? "%u-%u" : "%u", (unsigned)i,
                     (unsigned)layers_end(i, together, layers) - 1);
            if (by_layer) printf("%6s", range);
            else putchar(' '), text_token(e, a->task->ids[i]);
        }
        printf("\n");
        for (part = 0; part < view->parts; part++) {
            printf("  %-18.18s %6.1f", view->part[part].name,
                   100 * explain_share(e, a, view, by_layer ? 0 : steps, layers, 1, part));
            for (i = first; i < last; i += together)
                printf("%*.1f", wide,
                       100 * explain_share(e, a, view, by_layer ? 0 : i, by_layer ? i : layers,
                                           together, part));
            printf("\n");
        }
    }
}
static void text_attentions(const explanation *e, const answer_view *a) {
    size_t c, best = 0;
    double share = 0;
    char which[32];
    printf("\nAttention: percent of the softmax mass, mean of the heads\n");
    for (c = 0; c < a->task->contexts; c++) {
        const context_view *view = &a->context[c];
        if (a->task->contexts > 1) printf("%s\n", explain_which(c, which));
        printf("of the first answer token ");
        text_quoted(explain_token(e, a->task->ids[0]), 0);
        printf(layers_together(explain_layers(e)) > 1
                   ? ", means of neighbouring layers (--report has every layer)\n"
                   : "\n");
        text_attention(e, a, view, 1);
        if (a->task->count > 1) {
            printf("of every answer token, mean of the layers\n");
            text_attention(e, a, view, 0);
        }
        if (explain_favourite(e, a, view, &best, &share))
            printf("The answer looks most at %s: %.1f%% of what falls on paraphrases.\n",
                   view->part[best].name, 100 * share);
    }
}
static void text_answer(const answer_view *a, int judged) {
    printf("prediction ");
    text_quoted(a->prediction, 0);
    if (judged) printf(" is %s", a->right ? "right" : "wrong");
    printf("; generation ");
    text_quoted(a->generation, 0);
    printf("\n");
}
static sgf_status text_method(explanation *e, const method_view *view, sgf_error *err) {
    char setting[512], which[32];
    size_t i;
    const sgf_method *m = view->method;
    explain_setting(e, m, setting, sizeof setting);
    printf("\n==== %s: %s\n%s\n", m->name, m->about, setting);
    for (i = 0; i < view->batch.count; i++) {
        const answer_view *a = &view->answer[i];
        sgf_status status;
        if (view->batch.count > 1) printf("\n-- %s: ", explain_which(i, which));
        text_answer(a, explain_judged(e));
        status = text_prompt(e, a, err);
        if (status) return status;
        text_mask(&a->context[0], m->contexts != SGF_CONTEXTS_FUSION ? "causal"
                                  : e->run->matrix                   ? e->run->o.mask
                                                                     : sgf_mask_name(m->mask));
        text_trust(a->task, view->batch.asked[0].n);
        text_steps(e, a);
        text_attentions(e, a);
    }
    return SGF_OK;
}
static void text_head(const explanation *e) {
    size_t i;
    if (explain_judged(e)) {
        printf("question ");
        text_shown(e->q->uuid);
        printf(", row %llu of %s", (unsigned long long)e->q->row + 1, e->run->data.source.path);
    } else printf("question");
    if (e->q->relation.len) printf(", relation "), text_shown(e->q->relation);
    printf("\n  ");
    text_shown(e->q->paraphrases[0]);
    if (explain_judged(e)) printf("\nanswers: ");
    for (i = 0; i < e->q->answer_count; i++) {
        if (i) printf(" | ");
        text_shown(e->q->answers[i]);
    }
    printf("\nmodel %s, %ld examples\n", e->run->model_name, e->run->o.fewshots);
}
static void text_verdicts(const explanation *e) {
    size_t i, k;
    char which[32];
    printf("\nmethod             answer    prediction\n");
    for (i = 0; i < e->methods; i++)
        for (k = 0; k < e->method[i].batch.count; k++) {
            const answer_view *a = &e->method[i].answer[k];
            printf("%-18s %-9s ", k ? "" : e->method[i].method->name,
                   e->method[i].batch.count > 1 ? explain_which(k, which) : "");
            text_quoted(a->prediction, explain_judged(e) ? 30 : 0);
            printf("%s\n", !explain_judged(e) ? "" : a->right ? " right" : " wrong");
        }
}
static sgf_status explain_text(explanation *e, sgf_error *err) {
    size_t i;
    sgf_status status = SGF_OK;
    text_head(e);
    for (i = 0; i < e->methods && !status; i++) status = text_method(e, &e->method[i], err);
    if (!status) text_verdicts(e);
    return status;
}

/* ---- the page ---- */

static const char *const explain_style[] = {
    ".tokens{font:.85rem/1.7 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:"
    "pre-wrap;display:block}",
    ".tokens span{background:var(--card);border-radius:.2rem}.tokens span:nth-of-type(2n){"
    "background:var(--track)}",
    "td.text{white-space:normal;text-align:left;min-width:15rem}td.text,.parts th,.parts td{"
    "vertical-align:top}",
    "details{font-size:.82rem;color:var(--soft)}details table{color:var(--ink)}summary{cursor:pointer;min-height:1.5rem}",
    "h3{margin:1.6rem 0 .4rem}h4{margin:1.1rem 0 .2rem;font-size:.95rem}",
    "td.share{--k:var(--accent);background:color-mix(in srgb,var(--k) calc(var(--p)*.55),transparent)}"
    "td.k0{--k:var(--c7)}td.k1{--k:var(--c0)}td.k2{--k:var(--c1)}td.k3{--k:var(--c5)}",
    ".cue{background:linear-gradient(to left,var(--paper) 1rem,transparent 3rem) right/3rem 100% "
    "no-repeat local,linear-gradient(to left,color-mix(in srgb,var(--ink) 30%,transparent),transparent) "
    "right/.9rem 100% no-repeat scroll}.cue caption{max-width:calc(100vw - 3rem)}th .quote,td .quote{white-space:pre}.cue .share{font-size:.85rem;padding:.42rem .4rem}",
    "caption{text-align:left;color:var(--soft);padding:.3rem 0;font-size:.9rem}",
    ".taken{font-weight:700}.quote{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
    "white-space:pre-wrap}",
    ".steps{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr));gap:"
    "1rem 2rem}.steps figure{margin:0}",
    ".mask svg{height:auto;max-width:min(100%,36rem);overflow:visible}.mask svg path[fill=\"#fff\"]{fill:var(--paper)}.mask svg path[fill="
    "\"#f0f1f3\"]{fill:var(--track)}.mask svg path[stroke=\"#fff\"]{stroke:var(--paper)}",
    "@media(max-width:40rem){.parts thead{display:none}.parts tr{display:flex;flex-wrap:wrap}.parts "
    "td,.parts th{border:0;padding:.2rem .6rem .2rem 0}.parts td.text{flex-basis:100%;min-width:0;"
    "border-bottom:1px solid var(--line)}}",
    NULL};

static void html_shown(report *r, sgf_str text, int lines) {
    char one[16];
    int columns;
    size_t at = 0, next;
    for (; at < text.len && !r->status; at = next) {
        next = at + char_show(text_rest(text, at), one, &columns);
        html_text(r, sgf_text(one));
        if (lines && text.ptr[at] == '\n') html(r, "\n");
    }
}
static void html_quoted(report *r, sgf_str text) {
    html(r, "<span class=\"quote\">&quot;");
    html_shown(r, text, 0);
    html(r, "&quot;</span>");
}
static void html_verdict(report *r, const explanation *e, const answer_view *a) {
    if (!explain_judged(e)) return;
    html_print(r, "<span class=\"verdict %s\">%s</span>", a->right ? "right" : "wrong",
               a->right ? "right" : "wrong");
}
static void page_head(report *r, const explanation *e) {
    size_t i, k;
    char which[32];
    html(r, "<header>\n<h1>");
    html_shown(r, e->q->paraphrases[0], 0);
    html(r, "</h1>\n<p>");
    if (explain_judged(e)) html(r, "Right answers: ");
    for (i = 0; i < e->q->answer_count; i++) {
        if (i) html(r, ", ");
        html(r, "<strong>");
        html_shown(r, e->q->answers[i], 0);
        html(r, "</strong>");
    }
    html(r, "</p>\n<p class=\"note\">");
    if (explain_judged(e)) {
        html(r, "Question ");
        html_shown(r, e->q->uuid, 0);
        html_print(r, ", row %llu of ", (unsigned long long)e->q->row + 1);
        html_shown(r, sgf_text(e->run->data.source.path), 0);
        if (e->q->relation.len) html(r, ", relation "), html_shown(r, e->q->relation, 0);
        html(r, "; model ");
    } else html(r, "Model ");
    html_shown(r, sgf_text(e->run->model_name), 0);
    html_print(r, ", %ld examples.</p>\n</header>\n<main>\n", e->run->o.fewshots);
    html_open(r, "answers", "Answers");
    html(r, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"h-answers\">"
            "<table><thead><tr><th scope=\"col\">method</th><th scope=\"col\">prediction</th>");
    if (explain_judged(e)) html(r, "<th scope=\"col\">is</th>");
    html(r, "</tr></thead>\n<tbody>\n");
    for (i = 0; i < e->methods; i++)
        for (k = 0; k < e->method[i].batch.count; k++) {
            const answer_view *a = &e->method[i].answer[k];
            html_print(r, "<tr><th scope=\"row\"><a href=\"#m%u\">%s</a>%s%s</th><td>", (unsigned)i,
                       e->method[i].method->name, e->method[i].batch.count > 1 ? ", " : "",
                       e->method[i].batch.count > 1 ? explain_which(k, which) : "");
            html_quoted(r, a->prediction);
            html(r, "</td>");
            if (explain_judged(e)) html(r, "<td>");
            html_verdict(r, e, a);
            html(r, explain_judged(e) ? "</td></tr>\n" : "</tr>\n");
        }
    html(r, "</tbody></table></div>\n</section>\n");
}
/* The tokens one by one; a finger has no title, so the ids stand below, too. */
static void page_tokens(report *r, const explanation *e, const int32_t *ids, size_t n) {
    size_t i;
    html(r, "<span class=\"tokens\">");
    for (i = 0; i < n; i++) {
        html_print(r, "<span title=\"id %d\">", (int)ids[i]);
        html_shown(r, explain_token(e, ids[i]), 1);
        html(r, "</span>");
    }
    html_print(r, "</span><details><summary>%llu id%s</summary>", (unsigned long long)n,
               n > 1 ? "s" : "");
    for (i = 0; i < n; i++) html_print(r, i ? " %d" : "%d", (int)ids[i]);
    html(r, "</details>");
}
static void page_prompt(report *r, const explanation *e, const answer_view *a,
                        const context_view *view) {
    const sgf_layout *l = view->layout;
    size_t at, end;
    char name[96];
    html_print(
        r,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"prompt\"><table "
        "class=\"parts\"><caption>%llu tokens</caption><thead><tr><th scope=\"col\">#</th><th "
        "scope=\"col\">segment</th><th scope=\"col\">tokens</th><th scope=\"col\" "
        "style=\"text-align:left\">text</th></tr></thead>\n<tbody>\n",
        (unsigned long long)view->tokens);
    for (at = 0; at < view->tokens; at = end) {
        end = explain_span(view, at);
        html_print(r,
                   "<tr><td>%d</td><th scope=\"row\">%s</th><td>%llu&ndash;%llu</td>"
                   "<td class=\"text\">",
                   (int)l->seg[at], picture_name(l, l->seg[at], name, sizeof name),
                   (unsigned long long)at, (unsigned long long)end - 1);
        if (explain_repeated(&a->context[0], view, at, end))
            html(r, "<span class=\"note\">as in para 1</span>");
        else page_tokens(r, e, l->token + at, end - at);
        html(r, "</td></tr>\n");
    }
    html(r, "</tbody></table></div>\n");
}
static void page_mask(report *r, const context_view *view, const char *title) {
    picture p;
    svg_file svg;
    sgf_error err;
    if (r->status) return;
    html(r, "<h3>Mask</h3>\n<p class=\"note\">A row is a token that looks, a column one that is "
            "seen; colours are what is seen.</p>\n<div class=\"mask\">");
    if (!picture_start(&p, view->layout)) {
        r->status = base_fail(&r->err, SGF_ERR_MEMORY, "out of memory");
        return;
    }
    p.title = title;
    if (!svg_draw(&svg, "mask", &p, &err)) html(r, svg.buf.ptr);
    else {
        html(r, "<p>No picture: ");
        html_text(r, sgf_text(err.message));
        html(r, "</p>");
    }
    html(r, "</div>\n");
    base_buf_free(&svg.buf);
    free(p.span);
}
static void page_bars(report *r, const explanation *e, const next_tokens *next, int32_t chosen) {
    size_t i;
    for (i = 0; i < next->count; i++) {
        sgf_str text = explain_token(e, next->id[i]);
        int taken = next->id[i] == chosen;
        html(r, "<svg width=\"100%\" height=\"34\" role=\"img\"><title>");
        html_shown(r, text, 0);
        html_print(r, ", id %d: %.2f%%%s</title><text x=\"0\" y=\"14\"%s>&quot;", (int)next->id[i],
                   100 * next->share[i], taken ? ", taken" : "", taken ? " class=\"taken\"" : "");
        html_shown(r, text, 0);
        html_print(
            r,
            "&quot;</text><text x=\"100%%\" y=\"14\" text-anchor=\"end\"%s>%.2f%%</text><rect "
            "class=\"track\" y=\"20\" width=\"100%%\" height=\"7\"/><rect class=\"bar\" "
            "y=\"20\" width=\"%.2f%%\" height=\"7\"/></svg>\n",
            taken ? " class=\"taken\"" : "", 100 * next->share[i], 100 * next->share[i]);
    }
}
/* What each context alone says at a step. */
static void page_contexts(report *r, const explanation *e, const answer_view *a, size_t step) {
    size_t c, i;
    char which[32];
    html_print(
        r,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"contexts of step "
        "%llu\"><table class=\"pin\"><caption>Step %llu, every context alone</caption><tbody>"
        "\n",
        (unsigned long long)step + 1, (unsigned long long)step + 1);
    for (c = 0; c < a->task->contexts; c++) {
        const next_tokens *next = &a->context[c].next[step];
        html_print(r, "<tr><th scope=\"row\">%s</th>", explain_which(c, which));
        for (i = 0; i < next->count; i++) {
            html_print(r, "<td class=\"share%s\" style=\"--p:%.1f%%\">",
                       next->id[i] == a->task->ids[step] ? " taken" : "", 100 * next->share[i]);
            html_quoted(r, explain_token(e, next->id[i]));
            html_print(r, " %.1f%%</td>", 100 * next->share[i]);
        }
        html(r, "</tr>\n");
    }
    html(r, "</tbody></table></div>\n");
}
static void page_steps(report *r, const explanation *e, const method_view *view,
                       const answer_view *a) {
    size_t step;
    int many = a->task->contexts > 1;
    size_t i, n = view->batch.asked[0].n;
    if (explain_trusts(a->task)) {
        html_print(r,
                   "<h3>How sure each paraphrase is</h3>\n<table><thead><tr><th>of the first token"
                   "</th><th>%s</th><th>weight</th></tr></thead><tbody>\n",
                   trust_name(a->task));
        for (i = 0; i < n; i++)
            html_print(r, "<tr><th scope=\"row\">%llu</th><td>%.4f</td><td>%.4f</td></tr>\n",
                       (unsigned long long)i + 1, a->task->trust[i], a->task->trust[n + i]);
        html(r, "</tbody></table>\n");
    }
    html(r, "<h3>Next tokens</h3>\n<p class=\"note\">The five most likely at each step; what the "
            "answer takes is bold.");
    if (many && a->task->combine == SGF_COMBINE_MAX)
        html(r, " The bars are the highest probability that any context gives.");
    else if (many) html(r, " The bars are what the contexts say together.");
    html(r, "</p>\n<div class=\"steps\">\n");
    for (step = 0; step < a->task->count; step++) {
        html_print(r, "<figure><h4>Step %llu</h4>\n", (unsigned long long)step + 1);
        page_bars(r, e, &a->next[step], a->task->ids[step]);
        html(r, "</figure>\n");
    }
    html(r, "</div>\n");
    for (step = 0; step < a->task->count && many; step++) page_contexts(r, e, a, step);
}
/* What a row of the table is about, for its colour; rows of a kind share a scale. */
static unsigned part_kind(const attended *part) {
    if (part->paraphrase) return 1;
    return !strcmp(part->name, "answer") ? 2 : !strcmp(part->name, "separators") ? 3 : 0;
}
/* Column i of a table: 0 is the mean of the others. */
static double page_share(const explanation *e, const answer_view *a, const context_view *view,
                         int by_layer, size_t i, size_t together, size_t part) {
    size_t layers = explain_layers(e), steps = a->task->count;
    return 100 * explain_share(e, a, view,
                               by_layer ? 0
                               : i      ? i - 1
                                        : steps,
                               by_layer && i ? (i - 1) * together : layers, together, part);
}
static void page_attention(report *r, const explanation *e, const answer_view *a,
                           const context_view *view, int by_layer, size_t together) {
    size_t layers = explain_layers(e), i, part;
    size_t count = by_layer ? (layers + together - 1) / together : a->task->count;
    double most[4] = {0, 0, 0, 0};
    html(r,
         "<div class=\"scroll cue\" tabindex=\"0\" role=\"region\" aria-label=\"attention\"><table "
         "class=\"pin\"><caption>");
    if (by_layer) {
        html(r, "Of the first answer token, ");
        html_quoted(r, explain_token(e, a->task->ids[0]));
        html(r, together > 1 ? ", by layer, means of neighbours" : ", by layer");
    } else html(r, "Of every answer token, mean of the layers");
    html(r, "</caption><thead><tr><th scope=\"col\">on</th><th scope=\"col\">mean</th>");
    for (i = 0; i < count; i++) {
        html(r, "<th scope=\"col\">");
        if (!by_layer) html_quoted(r, explain_token(e, a->task->ids[i]));
        else if (together > 1)
            html_print(r, "%u&ndash;%u", (unsigned)(i * together),
                       (unsigned)layers_end(i * together, together, layers) - 1);
        else html_print(r, "%u", (unsigned)i);
        html(r, "</th>");
    }
    html(r, "</tr></thead>\n<tbody>\n");
    for (part = 0; part < view->parts; part++)
        for (i = 0; i <= count; i++) {
            double share = page_share(e, a, view, by_layer, i, together, part);
            double *top = &most[part_kind(&view->part[part])];
            if (share > *top) *top = share;
        }
    for (part = 0; part < view->parts; part++) {
        unsigned kind = part_kind(&view->part[part]);
        html_print(r, "<tr><th scope=\"row\">%s</th>", view->part[part].name);
        for (i = 0; i <= count; i++) {
            double share = page_share(e, a, view, by_layer, i, together, part);
            html_print(r, "<td class=\"share k%u\" style=\"--p:%.0f%%\">%.1f</td>", kind,
                       most[kind] > 0 ? 100 * share / most[kind] : 0, share);
        }
        html(r, "</tr>\n");
    }
    html(r, "</tbody></table></div>\n");
}
/* By layer; of many layers their means, and all of them behind a line that opens. */
static void page_layers(report *r, const explanation *e, const answer_view *a,
                        const context_view *view) {
    size_t layers = explain_layers(e), together = layers_together(layers);
    page_attention(r, e, a, view, 1, together);
    if (together == 1) return;
    html_print(r, "<details><summary>Every layer of %u</summary>\n", (unsigned)layers);
    page_attention(r, e, a, view, 1, 1);
    html(r, "</details>\n");
}
static void page_attentions(report *r, const explanation *e, const answer_view *a) {
    size_t c, best = 0;
    double share = 0;
    char which[32];
    html(r,
         "<h3>Attention</h3>\n<p class=\"note\">Percent of the softmax mass, mean of the heads. "
         "Colours compare within a kind: what comes before, paraphrases, separators, answer; the "
         "strongest is a table's highest value of that kind.</p>\n");
    for (c = 0; c < a->task->contexts; c++) {
        const context_view *view = &a->context[c];
        if (a->task->contexts > 1) html_print(r, "<h4>%s</h4>\n", explain_which(c, which));
        if (explain_favourite(e, a, view, &best, &share))
            html_print(r,
                       "<p>The answer looks most at <strong>%s</strong>: %.1f%% of what falls on "
                       "paraphrases.</p>\n",
                       view->part[best].name, 100 * share);
        page_layers(r, e, a, view);
        if (a->task->count > 1) page_attention(r, e, a, view, 0, 1);
    }
}
static void page_method(report *r, const explanation *e, size_t at) {
    const method_view *view = &e->method[at];
    const sgf_method *m = view->method;
    char text[512], which[32];
    size_t i, c;
    snprintf(text, sizeof text, "m%u", (unsigned)at);
    html_open(r, text, m->name);
    explain_setting(e, m, text, sizeof text);
    html(r, "<p>");
    html_text(r, sgf_text(m->about));
    html(r, "</p>\n<p class=\"note\">");
    html_shown(r, sgf_text(text), 0);
    html(r, ".</p>\n");
    for (i = 0; i < view->batch.count; i++) {
        const answer_view *a = &view->answer[i];
        if (view->batch.count > 1) html_print(r, "<h3>%s</h3>\n", explain_which(i, which));
        html(r, "<p>Prediction ");
        html_quoted(r, a->prediction);
        if (explain_judged(e)) html(r, ": ");
        html_verdict(r, e, a);
        html(r, "; generation ");
        html_quoted(r, a->generation);
        html(r, ".</p>\n<h3>Prompt</h3>\n");
        for (c = 0; c < a->task->contexts; c++) {
            if (a->task->contexts > 1) html_print(r, "<h4>%s</h4>\n", explain_which(c, which));
            page_prompt(r, e, a, &a->context[c]);
        }
        page_mask(r, &a->context[0], m->name);
        page_steps(r, e, view, a);
        page_attentions(r, e, a);
    }
    html(r, "</section>\n");
}
static sgf_status explain_page(const explanation *e, const char *path, sgf_error *err) {
    report r;
    size_t i;
    html_begin(&r, "One question");
    html(&r, "<style>\n");
    html_lines(&r, explain_style);
    html(&r, "</style>\n");
    page_head(&r, e);
    for (i = 0; i < e->methods; i++) page_method(&r, e, i);
    html(&r, "</main>\n<footer><p>Made by segfuse " SGF_VERSION ".</p></footer>\n");
    return html_end(&r, path, err);
}

/* ---- the whole ---- */

int explain_do(generate_run *run) {
    explanation explained, *e = &explained;
    const char *page = run->o.report;
    size_t i;
    sgf_error err;
    sgf_status status = SGF_OK;
    memset(e, 0, sizeof *e);
    e->run = run;
    e->q = &run->data.questions[0];
    base_arena_init(&e->arena, NULL);
    e->method = (method_view *)base_arena_alloc(&e->arena, run->methods, sizeof *e->method, &err);
    e->odds = (double *)base_arena_alloc(&e->arena, explain_vocabulary(e), sizeof *e->odds, &err);
    if (!e->method || !e->odds) status = SGF_ERR_MEMORY;
    for (i = 0; i < run->methods && !status; i++) {
        e->method[i].method = &run->method[i];
        status = explain_method(e, &e->method[i], &err);
    }
    if (!status) status = page ? explain_page(e, page, &err) : explain_text(e, &err);
    if (!status && page) {
        text_verdicts(e);
        printf("\nReport: %s\n", page);
    }
    explanation_free(e);
    return status ? failed(verb_now, &err) : 0;
}
