#include "methods.h"
#include "../base/hash.h"
#include "accident.h"
#include "../cli/options.h"
#include "../cli/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- confidences ---- */

int method_weighs(const generate_run *run, const sgf_method *m) {
    if (m->contexts == SGF_CONTEXTS_ENSEMBLE)
        return m->combine == SGF_COMBINE_WEIGHTED_AVG || m->combine == SGF_COMBINE_WEIGHTED_MAX;
    return m->contexts == SGF_CONTEXTS_FUSION && run->o.mass && !strcmp(run->o.mass, "confidence");
}
void confidences_free(confidences *c) {
    table_free(c->table);
    free(c->item);
    memset(c, 0, sizeof *c);
}
static int confidence_order(const void *a, const void *b) {
    const confidence *x = (const confidence *)a, *y = (const confidence *)b;
    int order = text_order(x->uuid, y->uuid);
    if (!order) order = text_order(x->paraphrase, y->paraphrase);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}
/* The first one of this question and paraphrase, NULL if there is none. */
static const confidence *confidence_get(const confidences *c, sgf_str uuid, sgf_str paraphrase) {
    size_t low = 0, high = c->count;
    confidence wanted;
    wanted.uuid = uuid;
    wanted.paraphrase = paraphrase;
    wanted.row = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (confidence_order(&c->item[middle], &wanted) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == c->count || text_order(c->item[low].uuid, uuid) ||
        text_order(c->item[low].paraphrase, paraphrase))
        return NULL;
    return &c->item[low];
}
static sgf_status confidences_bad(const confidences *c, size_t row, const char *what,
                                  sgf_error *err) {
    return base_fail_at(err, SGF_ERR_FORMAT, c->path, -1, "%s: row %llu: %s", c->path,
                        (unsigned long long)row + 1, what);
}
/* The rows of the table, and a digest of what they say. */
static sgf_status confidences_read(confidences *c, const int *column, sgf_error *err) {
    char number[40];
    base_buf all;
    sgf_str text;
    size_t i;
    sgf_status status = SGF_OK;
    c->count = table_rows(c->table);
    c->item = (confidence *)calloc(c->count + 1, sizeof *c->item);
    if (!c->item) return base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", c->path);
    for (i = 0; i < c->count; i++) {
        confidence *item = &c->item[i];
        item->uuid = cell_text(c->table, column[0], i);
        item->paraphrase = cell_text(c->table, column[1], i);
        item->value = cell_f64(c->table, column[2], i);
        item->row = i;
        if (!item->uuid.ptr || !item->paraphrase.ptr || cell_null(c->table, column[2], i))
            return confidences_bad(c, i, "has no uuid, no paraphrase or no confidence", err);
        if (!(item->value >= 0 && item->value <= 1))
            return confidences_bad(c, i, "its confidence is not between 0 and 1", err);
    }
    qsort(c->item, c->count, sizeof *c->item, confidence_order);
    base_buf_init(&all, NULL);
    for (i = 0; i < c->count && !status; i++) {
        const confidence *item = &c->item[i];
        snprintf(number, sizeof number, "\2%.17g\3", item->value);
        status = base_buf_add(&all, item->uuid.ptr, item->uuid.len, err);
        if (!status) status = base_buf_text(&all, "\1", err);
        if (!status) status = base_buf_add(&all, item->paraphrase.ptr, item->paraphrase.len, err);
        if (!status) status = base_buf_text(&all, number, err);
    }
    text.ptr = all.ptr ? all.ptr : "";
    text.len = all.len;
    if (!status) hash_md5_hex(text, c->identity);
    base_buf_free(&all);
    return status;
}
static sgf_status confidences_load(confidences *c, sgf_error *err) {
    static const char *const names[] = {"uuid", "paraphrase", "confidence"};
    int column[3], i;
    sgf_status status;
    if (is_free(c->path))
        return base_fail_at(err, SGF_ERR_IO, c->path, -1,
                            "%s is not there: weights are confidences; make them with segfuse "
                            "confidence, or name their file with --confidence",
                            c->path);
    status = table_read(c->path, NULL, &c->table, err);
    for (i = 0; i < 3 && !status; i++) {
        column[i] = table_find(c->table, names[i]);
        if (column[i] < 0)
            status = base_fail_at(err, SGF_ERR_FORMAT, c->path, -1,
                                  "%s: the column \"%s\" is missing; wanted uuid, paraphrase and "
                                  "confidence, as segfuse confidence writes them",
                                  c->path, names[i]);
    }
    if (!status && table_type(c->table, column[2]) == SGF_COLUMN_UTF8)
        status = table_parse(c->table, column[2], SGF_COLUMN_F64, err);
    return status ? status : confidences_read(c, column, err);
}
/* Every paraphrase that the method asks must have a confidence. */
static sgf_status confidences_check(const generate_run *run, const sgf_method *m, sgf_error *err) {
    size_t q, i;
    for (q = 0; q < run->count; q++) {
        const question *asks = &run->data.questions[q];
        for (i = 0; i < method_count(run, m, asks); i++) {
            sgf_str text = asks->paraphrases[method_pick(run, m, asks, i)];
            if (confidence_get(&run->sure, asks->uuid, text)) continue;
            return base_fail_at(err, SGF_ERR_ARG, run->sure.path, -1,
                                "%s has no confidence for this paraphrase of question %s: '%s'",
                                run->sure.path, base_show(asks->uuid).text, base_show(text).text);
        }
    }
    return SGF_OK;
}
int confidences_find(generate_run *run) {
    confidences *c = &run->sure;
    sgf_error err;
    sgf_status status = SGF_OK;
    size_t i;
    for (i = 0; i < run->methods && !status; i++) {
        if (!method_weighs(run, &run->method[i])) continue;
        if (!c->path[0]) {
            if (run->o.confidence) snprintf(c->path, sizeof c->path, "%s", run->o.confidence);
            else
                snprintf(c->path, sizeof c->path, "%s/confidence%s%s.feather", run->folder,
                         run->method[i].lines ? "-" : "", lines_name(run->method[i].lines));
            status = confidences_load(c, &err);
        }
        if (!status) status = confidences_check(run, &run->method[i], &err);
    }
    return !status || !failed(verb_now, &err);
}

/* ---- a question, as a method asks it ---- */

/* The confidences: for a fusion as shares of 1, so that equal ones are the mass 1/N. One of 0 counts
   as a thousandth there, as a mass is positive. */
static void asked_weigh(const generate_run *run, const sgf_method *m, sgf_str uuid, asked *a) {
    double sum = 0;
    size_t i;
    for (i = 0; i < a->n; i++) {
        a->weight[i] = confidence_get(&run->sure, uuid, a->text[i])->value;
        if (m->contexts == SGF_CONTEXTS_FUSION && a->weight[i] < 0.001) a->weight[i] = 0.001;
        sum += a->weight[i];
    }
    for (i = 0; i < a->n && m->contexts == SGF_CONTEXTS_FUSION; i++) a->weight[i] /= sum;
}
/* The run's examples, *n of them: one that is the question itself makes room for the next one. NULL after
   an error. */
static const sgf_example *examples_pick(const generate_run *run, const question *q,
                                        base_arena *arena, size_t *n, sgf_error *err) {
    size_t k = (size_t)run->o.fewshots, all = k + run->spares, i;
    sgf_example *own;
    for (i = 0; i < k && !dataset_example_is(&run->examples[i], q); i++) {}
    *n = k;
    if (i == k) return run->examples;
    own = (sgf_example *)base_arena_alloc(arena, k, sizeof *own, err);
    for (i = *n = 0; own && i < all && *n < k; i++)
        if (!dataset_example_is(&run->examples[i], q)) own[(*n)++] = run->examples[i];
    return own;
}
sgf_status question_examples(const generate_run *run, const sgf_method *m, const question *q,
                             base_arena *arena, sgf_prompt *prompt, sgf_error *err) {
    base_buf before;
    prompt->before = run->before.ptr;
    prompt->example = examples_pick(run, q, arena, &prompt->examples, err);
    if (!prompt->example && run->o.fewshots) return SGF_ERR_MEMORY;
    if (!run->chat.name || m->format == SGF_FORMAT_FEW_SHOT_PARTS) return SGF_OK;
    base_buf_init(&before, NULL);
    chat_before(&run->chat, sgf_text(run->instruction), prompt->example, prompt->examples, &before,
                err);
    prompt->examples = 0;
    prompt->before = before.status ? NULL : base_arena_text(arena, before.ptr, before.len, err);
    base_buf_free(&before);
    return prompt->before ? SGF_OK : SGF_ERR_MEMORY;
}
sgf_status question_ask(const generate_run *run, const sgf_method *m, const question *q,
                        base_arena *arena, asked *a, sgf_error *err) {
    size_t i;
    a->n = method_count(run, m, q);
    a->text = (sgf_str *)base_arena_alloc(arena, a->n, sizeof *a->text, err);
    a->manual = (unsigned char *)base_arena_alloc(arena, a->n, 1, err);
    a->weight = NULL;
    if (!a->text || !a->manual) return SGF_ERR_MEMORY;
    for (i = 0; i < a->n; i++) {
        size_t pick = method_pick(run, m, q, i);
        a->text[i] = q->paraphrases[pick];
        a->manual[i] = pick < q->manual_count;
    }
    if (!method_weighs(run, m) && !(run->mass && m->contexts == SGF_CONTEXTS_FUSION)) return SGF_OK;
    a->weight = (double *)base_arena_alloc(arena, a->n, sizeof *a->weight, err);
    if (!a->weight) return SGF_ERR_MEMORY;
    if (method_weighs(run, m)) asked_weigh(run, m, q->uuid, a);
    else
        for (i = 0; i < a->n; i++) a->weight[i] = run->mass[method_slot(run, m, q, i)];
    return SGF_OK;
}

/* ---- what a method is ---- */

const char *method_accident_names(unsigned accidents, char *out, size_t cap) {
    size_t i, at = 0;
    snprintf(out, cap, "none");
    for (i = 0; accident_name(i); i++)
        if (accidents >> i & 1)
            at += (size_t)snprintf(out + at, cap - at, "%s%s", at ? "," : "", accident_name(i));
    return out;
}
static const struct {
    const char *name, *script, *file, *columns;
} method_notes[] = {
    {"origin", "generate_original.py, generate_baseline.py", "origin",
     "uuid, answers, question, prompt, prediction, generation"},
    {"per_prompt", "generate_original.py, generate_baseline.py", "per_prompt",
     "uuid, answers, paraphrase, prompt, prediction, generation"},
    {"avg", "generate_original.py", "ensemble_avg-N",
     "uuid, paraphrases, prompts, answers, prediction, generation"},
    {"max", "generate_original.py", "ensemble_max-N",
     "uuid, paraphrases, prompts, answers, prediction, generation"},
    {"weighted_avg", "generate_original.py", "ensemble_weighted_avg-N",
     "uuid, paraphrases, prompts, answers, prediction, generation"},
    {"weighted_max", "generate_original.py", "ensemble_weighted_max-N",
     "uuid, paraphrases, prompts, answers, prediction, generation"},
    {"avg_p", NULL, "ensemble_avg_p-N",
     "uuid, paraphrases, prompts, answers, prediction, generation"},
    {"entropy_avg", NULL, "ensemble_entropy_avg-N",
     "uuid, paraphrases, prompts, answers, prediction, generation"},
    {"hidden", NULL, "ensemble_hidden-N",
     "uuid, paraphrases, prompts, answers, prediction, generation"},
    {"flex_attention", "generate_flex_attention.py (flex_attention_generate.py)",
     "flex_attention-N; with --indexs diversity/flex_attention-I,I,...",
     "uuid, paraphrases, answers, prediction, generation"},
    {"myriadlama_flex", "the first myriadlama_flex_attention_generate.py",
     "myriadlama_flex_{all or mN}_aN[_xattn]", "uuid, templates, answers, prediction, generation"},
    {"myriadlama", "generate_myriadlama.py", "myriadlama_flex_Nparas",
     "uuid, templates, answers, prediction, generation"},
    {"myriadlama_custom", "myriadlama_custom_attention_generate.py", "myriadlama_custom_Nparas",
     "uuid, templates, answers, prediction, generation"},
    {"fused", NULL, "fused-N", "uuid, paraphrases, answers, prediction, generation"},
    {"fused_agreement", NULL, "fused_agreement-N",
     "uuid, paraphrases, answers, prediction, generation"},
};
/* The separator as C writes it. */
static const char *separator_text(const sgf_method *m, char *out, size_t cap) {
    const char *text = sgf_method_separator(m);
    size_t at = 0;
    for (; *text && at + 3 < cap; text++) {
        if (*text == '\n') out[at++] = '\\', out[at++] = 'n';
        else out[at++] = *text;
    }
    out[at] = 0;
    return out;
}
static void method_describe(const sgf_method *m) {
    static const char *const prompts[] = {
        "instruction, examples, one paraphrase, \"A:\"",
        "N such prompts: instruction, examples, paraphrase, \"A:\"",
        "instruction and examples once, then \"Q: paraphrase A:\" N times",
        "instruction and examples once, then \"Q: paraphrase\" N times, then \"A:\"",
        "instruction; N questions and an answer an example; N paraphrases; \"A:\""};
    char text[64];
    size_t i;
    printf("%s: %s\n\n", m->name, m->about);
    printf("  %-13s %s\n", "contexts",
           m->contexts == SGF_CONTEXTS_FUSION     ? "one, with all paraphrases"
           : m->contexts == SGF_CONTEXTS_ENSEMBLE ? "one for each paraphrase, one answer"
                                                  : "one, with one paraphrase");
    printf("  %-13s %s\n", "prompt", prompts[m->format]);
    if (m->contexts == SGF_CONTEXTS_FUSION) {
        printf("  %-13s \"%s\"\n", "separator", separator_text(m, text, sizeof text));
        printf("  %-13s %s\n", "mask", sgf_mask_name(m->mask));
        printf("  %-13s %s\n", "positions",
               m->positions == SGF_POSITIONS_ALIGNED ? "aligned" : "sequential");
        method_mass(m, text, sizeof text);
        printf("  %-13s %s\n", "mass", text);
        printf("  %-13s %s\n", "accidents",
               method_accident_names(method_accidents(m), text, sizeof text));
    }
    if (m->combine == SGF_COMBINE_ENTROPY_AVG)
        printf("  %-13s exp(-H / --tau), H the entropy of each context at each step\n", "weights");
    else if (m->combine == SGF_COMBINE_HIDDEN) {
        printf(
            "  %-13s after each layer from --from_layer L on (0, all), the newest token's hidden\n",
            "states");
        printf("  %-13s state is the mean over the contexts; layers are 0, 1, ...; L the number\n",
               "");
        printf("  %-13s of layers: avg\n", "");
    } else if (m->combine == SGF_COMBINE_WEIGHTED_AVG || m->combine == SGF_COMBINE_WEIGHTED_MAX)
        printf("  %-13s confidence.feather in the output folder, or --confidence\n", "weights");
    printf("  %-13s the first %s, at most %s tokens\n", "prediction",
           m->prediction == SGF_PREDICTION_FIRST_WORD ? "word" : "line",
           m->contexts == SGF_CONTEXTS_FUSION ? "10 (webqa: 20)" : "10");
    for (i = 0; i < sizeof method_notes / sizeof method_notes[0]; i++) {
        if (strcmp(method_notes[i].name, m->name)) continue;
        printf("  %-13s %s.feather\n", "file", method_notes[i].file);
        printf("  %-13s %s\n", "columns", method_notes[i].columns);
        if (method_notes[i].script) printf("  %-13s %s\n", "original", method_notes[i].script);
    }
}
const char *method_asked(int argc, char **argv) {
    const char *method = NULL;
    int i, help = 0;
    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) help = 1;
        else if (!strcmp(argv[i], "--method") && i + 1 < argc) method = argv[++i];
        else if (!strncmp(argv[i], "--method=", 9)) method = argv[i] + 9;
    }
    return help && method && *method ? method : NULL;
}
int method_help(const char *names) {
    int more = 0;
    for (; *names; names += strspn(names, ",")) {
        size_t n = strcspn(names, ",");
        char name[32];
        sgf_method m;
        sgf_error err;
        snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : (int)sizeof name - 1, names);
        names += n;
        if (!strcmp(name, "all")) {
            printf("%sall: the two baselines, origin and per_prompt\n", more++ ? "\n" : "");
            continue;
        }
        if (sgf_method_find(name, &m, &err)) return failed(verb_now, &err), 2;
        if (more++) printf("\n");
        method_describe(&m);
    }
    return 0;
}
void methods_help(void) {
    static const char *const accidents[][2] = {
        {"shifted", "flex_attention, myriadlama_flex, myriadlama: segments are counted on the ids "
                    "of the single parts, without BOS; then the whole text is tokenised again, "
                    "with BOS; the answer begins where the count ends"},
        {"swapped", "myriadlama_custom: the first two paraphrases change places, and what is "
                    "first then sees nothing and is seen by nobody"},
        {"no-cue", "myriadlama: the final \"A:\" is lost"}};
    size_t i;
    sgf_method m;
    printf("\nMethods (segfuse generate --method NAME --help says more):\n");
    for (i = 0; sgf_method_name(i); i++)
        if (!sgf_method_find(sgf_method_name(i), &m, NULL)) printf("  %-18s %s\n", m.name, m.about);
    printf("  %-18s %s\n", "all", "origin and per_prompt");
    printf("\nAccidents of the original's scripts:\n");
    for (i = 0; i < sizeof accidents / sizeof accidents[0]; i++)
        text_wrap(stdout, accidents[i][1], 21, printf("  %-18s ", accidents[i][0])), printf("\n");
    text_wrap(stdout,
              "Others are values of options: --fusion_start after-first (all of them), --mask "
              "few-shot-original (myriadlama), --mask shared-original (myriadlama_custom).",
              2, printf("  "));
    printf("\n");
}
