/* segfuse mask: draw, check, explain, compare and export the mask of a layout. */
#include "layoutfile.h"
#include "matrix.h"
#include "npy.h"
#include "../cli/model.h"
#include "picture.h"
#include "../cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *kind, *matrix, *segments, *layout, *dense, *promise, *explain, *compare, *output,
        *model, *positions, *dump_layout;
    long generated, layers;
    int check, draw;
} mask_options;

/* What the options name. */
typedef struct {
    mask_options o;
    char model[1024]; /* the folder of --model */
    sgf_layout layout;
    matrix *matrix;
    uint8_t *dense, *other; /* --dense, --compare */
    sgf_tokenizer *tokenizer;
    sgf_mask promise;
    char title[256];
} mask_work;

/* ---- the layout ---- */

enum { SEGMENT_MOST = 1000000 };

/* One item of --segments, role:tokens. A paraphrase gets the next number, a separator that of the
   paraphrase it follows, questions and answers of an example that of the example, which its answer
   ends. */
static sgf_status mask_segment(mask_work *w, const char *item, size_t n, int32_t *paraphrases,
                               int32_t *examples, sgf_error *err) {
    const char *colon = (const char *)memchr(item, ':', n);
    size_t letters = colon ? (size_t)(colon - item) : n;
    int32_t id = 0, segment, group = -1;
    long count = 1;
    sgf_status status;
    sgf_str name = base_text_of(item, letters);
    sgf_role role = base_str_is(name, "cue") ? SGF_ROLE_ANSWER : layoutfile_role(name);
    if (colon) {
        char *end;
        count = strtol(colon + 1, &end, 10);
        if (end != item + n || end == colon + 1 || count < 0) count = -1;
    }
    if (role != SGF_ROLE_COUNT && count > SEGMENT_MOST)
        return base_fail(err, SGF_ERR_LIMIT, "--segments: '%.*s': at most %d tokens in a segment",
                         (int)(n < 40 ? n : 40), item, (int)SEGMENT_MOST);
    if (role == SGF_ROLE_COUNT || count < 0)
        return base_fail(err, SGF_ERR_ARG,
                         "--segments: '%.*s' is not ROLE:TOKENS; roles: bos, shared, para, manual, "
                         "auto, sep, example_q, example_a, cue",
                         (int)(n < 40 ? n : 40), item);
    if (layoutfile_is_paraphrase(role)) group = (*paraphrases)++;
    else if (role == SGF_ROLE_SEPARATOR) group = *paraphrases - 1;
    else if (role == SGF_ROLE_EXAMPLE_Q) group = *examples;
    else if (role == SGF_ROLE_EXAMPLE_A) group = (*examples)++;
    segment = w->layout.answer;
    status = role == SGF_ROLE_ANSWER && segment >= 0
                 ? SGF_OK
                 : sgf_layout_segment(&w->layout, role, group, &segment, err);
    for (; count > 0 && !status; count--) status = sgf_layout_add(&w->layout, segment, &id, 1, err);
    return status;
}
static sgf_status mask_segments(mask_work *w, sgf_error *err) {
    const char *at = w->o.segments;
    int32_t paraphrases = 0, examples = 0;
    sgf_status status = SGF_OK;
    while (!status) {
        size_t n = strcspn(at, ",");
        status = mask_segment(w, at, n, &paraphrases, &examples, err);
        if (!at[n]) break;
        at += n + 1;
    }
    return status;
}
/* --generated: answer tokens after the prompt. */
static sgf_status mask_generated(mask_work *w, sgf_error *err) {
    int32_t segment = w->layout.answer, id = 0;
    long i;
    sgf_status status = SGF_OK;
    if (w->o.generated && segment < 0)
        status = sgf_layout_segment(&w->layout, SGF_ROLE_ANSWER, -1, &segment, err);
    for (i = 0; i < w->o.generated && !status; i++)
        status = sgf_layout_add(&w->layout, segment, &id, 1, err);
    return status;
}
/* A file of --dense or --compare: what it holds for this layout. */
static sgf_status mask_file(const mask_work *w, const char *path, uint8_t **out, sgf_error *err) {
    size_t T = w->layout.tokens;
    if (!path) return SGF_OK;
    if (T > 65535)
        return base_fail(err, SGF_ERR_LIMIT, "%s: a dense mask of %d tokens; 65535 at most", path,
                         (int)T);
    *out = (uint8_t *)malloc(T * T + 1);
    if (!*out)
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for a mask of %d x %d", (int)T,
                         (int)T);
    return npy_mask_read(path, T, *out, NULL, err);
}
static sgf_status mask_load(mask_work *w, sgf_error *err) {
    const mask_options *o = &w->o;
    sgf_mask kind = SGF_MASK_ISOLATED;
    sgf_status status = o->layout ? layoutfile_read(o->layout, &w->layout, err)
                                  : mask_segments(w, err);
    if (!status) status = mask_generated(w, err);
    if (!status && !w->layout.tokens)
        status = base_fail(err, SGF_ERR_ARG, "the layout has no tokens");
    if (!status && o->kind) status = sgf_mask_find(o->kind, &kind, err);
    w->promise = kind;
    if (!status && o->promise) status = sgf_mask_find(o->promise, &w->promise, err);
    if (!status && o->kind) sgf_mask_set(&w->layout, kind);
    if (!status && o->matrix) status = matrix_read(o->matrix, NULL, &w->matrix, err);
    if (!status && o->matrix) status = matrix_set(&w->layout, w->matrix, err);
    if (!status && o->positions)
        sgf_layout_place(&w->layout, strcmp(o->positions, "aligned") ? SGF_POSITIONS_SEQUENTIAL
                                                                     : SGF_POSITIONS_ALIGNED);
    if (!status) status = mask_file(w, o->dense, &w->dense, err);
    if (!status) status = mask_file(w, o->compare, &w->other, err);
    if (status || !o->model) return status;
    return sgf_tokenizer_load(w->model, NULL, &w->tokenizer, err);
}

/* ---- what is asked ---- */

/* 0 clean or nothing promised, 1 it leaks. */
static int mask_check(const mask_work *w, sgf_error *err) {
    enum { SHOWN = 20 };
    sgf_leak leaks[SHOWN];
    char text[2048];
    size_t count, i;
    if (w->promise == SGF_MASK_CAUSAL) {
        printf("check: causal promises nothing; --promise isolated asks for more\n");
        return 0;
    }
    if (sgf_mask_leaks(&w->layout, w->dense, w->promise, (size_t)w->o.layers, leaks, SHOWN, &count,
                       err))
        return -1;
    printf("check: %s keeps what %s promises", w->title, sgf_mask_name(w->promise));
    if (count) printf("? no: %llu leak%s", (unsigned long long)count, plural(count));
    if (w->o.layers) printf(" within %ld layers", w->o.layers);
    printf("\n");
    for (i = 0; i < count && i < SHOWN; i++)
        printf("  %s, %llu layer%s\n", sgf_leak_text(&w->layout, &leaks[i], text, sizeof text),
               (unsigned long long)leaks[i].hops, leaks[i].hops > 1 ? "s" : "");
    if (count > SHOWN) printf("  and %llu more\n", (unsigned long long)(count - SHOWN));
    return count > 0;
}
/* Does the drawn mask show k to q? */
static int mask_seen(const mask_work *w, size_t q, size_t k) {
    return mask_shows(&w->layout, w->dense, q, k);
}
static int mask_explain(const mask_work *w, size_t q, size_t k, sgf_error *err) {
    char text[1024];
    if (sgf_mask_explain(&w->layout, w->tokenizer, q, k, text, sizeof text, err)) return -1;
    if (w->dense)
        printf("%s has %d at row %d, column %d", w->o.dense, mask_seen(w, q, k), (int)q, (int)k);
    if (w->dense && !w->o.kind && !w->o.matrix && !w->o.layout) { /* no other mask was named */
        printf("\n");
        return 0;
    }
    printf("%s%s\n", w->dense ? "; by the layout's own rule " : "", text);
    return 0;
}
/* 0 equal, 1 different. */
static int mask_compare(const mask_work *w, sgf_error *err) {
    size_t T = w->layout.tokens, q = 0, k = 0;
    size_t differ = sgf_mask_compare(&w->layout, w->other, &q, &k);
    if (!differ) {
        printf("compare: %s equals %s, all %d x %d entries\n", w->o.compare, w->title, (int)T,
               (int)T);
        return 0;
    }
    printf("compare: %s differs from %s in %llu of %llu entries, first at row %d, column %d, where "
           "it has %d:\n  ",
           w->o.compare, w->title, (unsigned long long)differ, (unsigned long long)(T * T), (int)q,
           (int)k, w->other[q * T + k]);
    return mask_explain(w, q, k, err) ? -1 : 1;
}

/* ---- output ---- */

static int mask_ends(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n > m && !strcmp(text + n - m, end);
}
static sgf_status mask_array(const mask_work *w, const char *path, sgf_error *err) {
    size_t T = w->layout.tokens, shape[2], q, k;
    uint8_t *out = T <= 65535 ? (uint8_t *)malloc(T * T + 1) : NULL;
    sgf_status status;
    if (!out)
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for a mask of %d x %d", (int)T,
                         (int)T);
    shape[0] = shape[1] = T;
    for (q = 0; q < T; q++)
        for (k = 0; k < T; k++) out[q * T + k] = (uint8_t)mask_seen(w, q, k);
    status = npy_write(path, "|b1", shape, 2, out, err);
    free(out);
    return status;
}
/* Rows of # and ., as --compare and --dense read them. */
static sgf_status mask_rows(const mask_work *w, const char *path, sgf_error *err) {
    size_t T = w->layout.tokens, q, k;
    char *row = (char *)malloc(T + 1);
    base_out out;
    sgf_status status;
    if (!row) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    status = base_out_open(&out, path, err);
    for (q = 0; q < T && !status; q++) {
        for (k = 0; k < T; k++) row[k] = mask_seen(w, q, k) ? '#' : '.';
        row[T] = '\n';
        status = base_out_write(&out, row, T + 1, err);
    }
    free(row);
    return status ? status : base_out_close(&out, err);
}
static sgf_status mask_output(const mask_work *w, const picture *p, sgf_error *err) {
    const char *path = w->o.output;
    if (mask_ends(path, ".npy")) return mask_array(w, path, err);
    if (mask_ends(path, ".txt")) return mask_rows(w, path, err);
    return mask_ends(path, ".svg") ? picture_svg(path, p, err) : picture_png(path, p, err);
}
/* How much of the causal triangle is visible, then the drawing. */
static void mask_draw(const mask_work *w, const picture *p) {
    size_t T = w->layout.tokens, q, k, seen = 0;
    for (q = 0; q < T; q++)
        for (k = 0; k <= q; k++) seen += (size_t)mask_seen(w, q, k);
    printf("%s: %llu token%s in %llu segment%s, %llu of %llu pair%s visible (%.1f%%)\n", w->title,
           (unsigned long long)T, plural(T), (unsigned long long)w->layout.segments,
           plural((size_t)w->layout.segments), (unsigned long long)seen,
           (unsigned long long)(T * (T + 1) / 2), plural(T * (T + 1) / 2),
           100.0 * (double)seen / (double)(T * (T + 1) / 2));
    picture_text(stdout, p);
}

/* Usage that no table of options can check; 0 after saying what is wrong. */
static int mask_usage(const mask_options *o, size_t *q, size_t *k) {
    const char *wrong = NULL;
    int used = 0;
    if (!o->segments == !o->layout) wrong = "either --segments or --layout is needed";
    else if (o->kind && o->matrix) wrong = "--kind and --matrix are two masks; give one";
    else if (o->segments && !o->kind && !o->matrix && !o->dense)
        wrong = "--kind, --matrix or --dense is needed: which mask?";
    else if (o->dense && o->compare)
        wrong = "--compare compares a file with --kind or --matrix; leave --dense out";
    else if (o->explain && (sscanf(o->explain, "%zu,%zu%n", q, k, &used) != 2 || o->explain[used] ||
                            strchr(o->explain, '-')))
        wrong = "--explain needs two tokens, Q,K, counted from 0";
    else if (o->output && !mask_ends(o->output, ".npy") && !mask_ends(o->output, ".txt") &&
             !mask_ends(o->output, ".svg") && !mask_ends(o->output, ".png"))
        wrong = "--output ends in .npy, .txt, .png or .svg";
    if (wrong) fprintf(stderr, "segfuse mask: %s; see segfuse mask --help\n", wrong);
    return !wrong;
}
static int mask_run(mask_work *w, size_t q, size_t k, sgf_error *err) {
    const mask_options *o = &w->o;
    int leaks = 0, differs = 0;
    picture p;
    if (mask_load(w, err) || !picture_start(&p, &w->layout)) return -1;
    snprintf(w->title, sizeof w->title, "%s",
             o->dense    ? o->dense
             : o->matrix ? o->matrix
             : o->kind   ? o->kind
                         : o->layout);
    p.dense = w->dense;
    p.other = w->other;
    p.title = w->title;
    if (o->draw || (!o->output && !o->check && !o->explain && !o->compare && !o->dump_layout))
        mask_draw(w, &p);
    if (o->check) leaks = mask_check(w, err);
    if (leaks >= 0 && o->explain && mask_explain(w, q, k, err)) leaks = -1;
    if (leaks >= 0 && o->compare) differs = mask_compare(w, err);
    if (leaks >= 0 && o->output && mask_output(w, &p, err)) leaks = -1;
    if (leaks >= 0 && o->dump_layout && layoutfile_write(&w->layout, o->dump_layout, err))
        leaks = -1;
    free(p.span);
    return leaks < 0 || differs < 0 ? -1 : leaks || differs;
}

int verb_mask(int argc, char **argv) {
    mask_work w;
    mask_options *o = &w.o;
    const char *rest[1];
    size_t q = 0, k = 0;
    int rests, status;
    sgf_error err;
    option options[] = {
        {NULL, OPTION_HEADING, NULL, NULL, "What:"},
        {"segments", OPTION_TEXT, (void *)&o->segments, "ROLE:TOKENS,...",
         "a layout: bos, shared, para, manual, auto, sep, example_q, example_a, cue"},
        {"layout", OPTION_TEXT, (void *)&o->layout, "FILE.json",
         "a layout with its own mask, as generate --dump_layout writes it"},
        {"generated", OPTION_COUNT, &o->generated, "0..1000000", "answer tokens after it (0)"},
        {"kind", OPTION_TEXT, (void *)&o->kind, "MASK", "a mask by name"},
        {"matrix", OPTION_TEXT, (void *)&o->matrix, "FILE",
         "a matrix of your own: rows of # and . by segment, or by role with labels"},
        {"dense", OPTION_TEXT, (void *)&o->dense, "FILE",
         "look at this T x T mask instead: .npy, or text of 0 1 or # ."},
        {"draw", OPTION_FLAG, &o->draw, NULL,
         "as text; so it is, too, when nothing else is asked for"},
        {NULL, OPTION_HEADING, NULL, NULL, "Questions about it:"},
        {"check", OPTION_FLAG, &o->check, NULL,
         "does it leak? then the exit status is 1 (after errors 2)"},
        {"promise", OPTION_TEXT, (void *)&o->promise, "MASK",
         "whose promise it must keep (that of --kind, else isolated)"},
        {"layers", OPTION_COUNT, &o->layers, "N", "hops that information can make (any number)"},
        {"explain", OPTION_TEXT, (void *)&o->explain, "Q,K", "why token Q sees token K, or not"},
        {"model", OPTION_TEXT, (void *)&o->model, "MODEL", "texts of the tokens in explanations"},
        {"compare", OPTION_TEXT, (void *)&o->compare, "FILE",
         "another T x T mask; exit status 1 and the first difference if it is not equal"},
        {NULL, OPTION_HEADING, NULL, NULL, "Files:"},
        {"output", OPTION_TEXT, (void *)&o->output, "OUT",
         ".npy (bool [T, T]), .txt (rows of # and .), .png or .svg (differences are marked)"},
        {"positions", OPTION_TEXT, (void *)&o->positions, "sequential|aligned",
         "where RoPE puts the tokens of --dump_layout"},
        {"dump_layout", OPTION_TEXT, (void *)&o->dump_layout, "OUT.json",
         "the layout, for segfuse forward"},
        ROWS_END};
    memset(&w, 0, sizeof w);
    status = options_parse(
        argc, argv, options, "",
        "Draw a mask (with no question and no file: as text), check it for leaks, "
        "explain one of its bits, compare it with another one, export it.",
        rest, &rests, 0);
    if (status >= 0) return status;
    if (!mask_usage(o, &q, &k)) return 2;
    if (o->model && !model_find("mask", o->model, w.model, sizeof w.model)) return 2;
    snprintf(err.message, sizeof err.message, "out of memory");
    sgf_layout_init(&w.layout, NULL);
    status = mask_run(&w, q, k, &err);
    sgf_layout_free(&w.layout);
    matrix_free(w.matrix);
    sgf_tokenizer_free(w.tokenizer);
    free(w.dense);
    free(w.other);
    if (status < 0) failed("mask", &err);
    return status < 0 ? 2 : status; /* as of diff: 1 says something about the mask */
}
