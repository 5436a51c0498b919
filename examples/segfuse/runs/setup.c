#define _XOPEN_SOURCE 700
#include "setup.h"
#include "../base/base.h"
#include "../base/hash.h"
#include "accident.h"
#include "../cli/options.h"
#include "../cli/hub.h"
#include "../cli/model.h"
#include "../data/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- methods and options ---- */

int method_by_kind(const sgf_method *m) {
    return !strcmp(m->name, "myriadlama_flex");
}
unsigned method_accidents(const sgf_method *m) {
    switch (m->format) {
    case SGF_FORMAT_CONCATENATED: return m->contexts == SGF_CONTEXTS_FUSION ? ACCIDENT_SHIFTED : 0u;
    case SGF_FORMAT_SHARED_PARTS: return ACCIDENT_SWAPPED;
    case SGF_FORMAT_FEW_SHOT_PARTS: return (unsigned)ACCIDENT_SHIFTED | ACCIDENT_NO_CUE;
    default: return 0u;
    }
}
unsigned run_accidents(const generate_run *run, const sgf_method *m) {
    return run->accidents[m - run->method];
}
static const char *const lines_names[] = {"own", "line", "lines", NULL}; /* by sgf_lines */

int lines_find(const char *format, sgf_lines *lines) {
    int i = format ? choice_find(verb_now, "format", format, lines_names) : 0;
    *lines = i < 0 ? SGF_LINES_OWN : (sgf_lines)i;
    return i >= 0;
}
const char *lines_name(sgf_lines lines) {
    return lines ? lines_names[lines] : "";
}
static int own_separator(const sgf_method *m) {
    return m->separator && *m->separator;
}
const char *method_format(const sgf_method *m) {
    static const char *const own[] = {"standard", "concatenated", "shared", "shared+cue",
                                      "few-shot"};
    if (m->lines) return lines_name(m->lines);
    return m->format == SGF_FORMAT_SHARED_CUE && !own_separator(m) ? lines_name(SGF_LINES_ONE)
                                                                   : own[m->format];
}
void method_mass(const sgf_method *m, char *out, size_t cap) {
    char number[40];
    base_number_print(m->decoding.trust_mass, number);
    if (m->decoding.trust_mass > 0)
        snprintf(out, cap, "%s:%s", m->decoding.agreement ? "agreement" : "entropy", number);
    else snprintf(out, cap, "%s", m->even_weights ? "1/N" : "1");
}
void method_label(const sgf_method *m, char *out, size_t cap) {
    snprintf(out, cap, "%s%s%s", m->name, m->lines ? "-" : "", lines_name(m->lines));
}
/* The same prompts for all methods. What is so by itself keeps its files' names. */
static int generate_lines(const generate_run *run, sgf_method *m) {
    if (!lines_find(run->o.format, &m->lines)) return 0;
    if (m->lines == SGF_LINES_ONE && m->format == SGF_FORMAT_SHARED_CUE && !own_separator(m))
        m->lines = SGF_LINES_OWN;
    if (!m->lines || m->format != SGF_FORMAT_FEW_SHOT_PARTS) return 1;
    fprintf(stderr,
            "segfuse %s: --format %s: %s asks its examples in paraphrases and has no other format; "
            "leave it out\n",
            verb_now, run->o.format, m->name);
    return 0;
}
/* --accidents A,A,...: every one must be of one of the methods. */
static int generate_accidents(generate_run *run) {
    const char *at = run->o.accidents;
    size_t i;
    if (at && run->o.format && strcmp(run->o.format, "own")) {
        fprintf(stderr, "segfuse generate: --accidents are those of the original's prompts: leave "
                        "out --format\n");
        return 0;
    }
    for (; at && *at; at += strspn(at, ",")) {
        char name[32];
        unsigned accident = 0;
        int used = 0;
        sgf_error err;
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : (int)sizeof name - 1, at);
        at += n;
        if (accident_find(name, &accident, &err)) return !failed(verb_now, &err);
        for (i = 0; i < run->methods; i++) {
            if (!(method_accidents(&run->method[i]) & accident)) continue;
            used = 1;
            run->accidents[i] |= accident;
            if (accident == ACCIDENT_SHIFTED)
                run->method[i].fusion_start = SGF_FUSION_START_AFTER_FIRST;
        }
        if (used && !(accident == ACCIDENT_SHIFTED && run->o.fusion_start &&
                      strcmp(run->o.fusion_start, "after-first")))
            continue;
        fprintf(stderr,
                used ? "segfuse generate: --accidents %s begins fusion where it does: leave out "
                       "--fusion_start\n"
                     : "segfuse generate: --accidents %s: it is of none of these methods; see "
                       "segfuse generate --method NAME --help\n",
                name);
        return 0;
    }
    return 1;
}
/* Options that only myriadlama_flex has. */
static int generate_manual(generate_run *run) {
    const generate_options *o = &run->o;
    size_t i, found = 0;
    for (i = 0; i < run->methods; i++) {
        if (!method_by_kind(&run->method[i])) continue;
        found++;
        if (o->manual_cross) run->method[i].mask = SGF_MASK_MANUAL_CROSS;
    }
    if (found && o->indexs) {
        fprintf(stderr, "segfuse generate: myriadlama_flex picks by --num_manual and --num_auto, "
                        "not by --indexs\n");
        return 0;
    }
    if (o->manual_cross && o->mask && strcmp(o->mask, "manual-cross")) {
        fprintf(stderr,
                "segfuse generate: --allow_manual_cross_attention is --mask manual-cross, "
                "not %s\n",
                o->mask);
        return 0;
    }
    if (found || (o->manuals < 0 && o->autos < 0 && !o->manual_cross)) return 1;
    fprintf(stderr, "segfuse generate: --num_manual, --num_auto and --allow_manual_cross_attention "
                    "are for --method myriadlama_flex\n");
    return 0;
}

/* The number of an option, from `least` to `most`, `open` without these; 0 after saying what is wanted. */
static int decoding_number(const char *name, const char *text, double least, double most, int open,
                           const char *wanted, double *out) {
    size_t used = base_number_parse(text, strlen(text), out);
    if (used && !text[used] && *out <= most && (open ? *out > least : *out >= least)) return 1;
    fprintf(stderr, "segfuse %s: --%s is %s, not '%s'\n", verb_now, name, wanted, text);
    return 0;
}
/* --beams, --length_penalty. */
static int generate_beams(const generate_options *o, sgf_decoding *d) {
    static const char whole[] = "a whole number from 1 to the size of the vocabulary";
    const char *wrong = NULL;
    double beams = 1;
    if (o->beams && (!decoding_number("beams", o->beams, 1, 1e9, 0, whole, &beams) ||
                     (beams > (double)(long)beams &&
                      !decoding_number("beams", o->beams, 1, 0, 0, whole, &beams))))
        return 0;
    d->beams = beams > 1 ? (size_t)beams : 0;
    d->length_penalty = d->beams ? 1 : 0;
    if (o->length_penalty && !decoding_number("length_penalty", o->length_penalty, -1000, 1000, 0,
                                              "a number from -1000 to 1000", &d->length_penalty))
        return 0;
    if (o->length_penalty && !d->beams) wrong = "--length_penalty is for --beams of 2 or more";
    if (d->beams && o->explain) wrong = "--explain shows greedy answers; leave out --beams";
    if (d->beams && o->digest) wrong = "--digest is of greedy steps; leave out --beams";
    if (!wrong) return 1;
    fprintf(stderr, "segfuse %s: %s\n", verb_now, wrong);
    return 0;
}
/* --from_layer; whether the model has so many layers is seen when it is loaded. */
static int generate_hidden(const generate_options *o, sgf_decoding *d) {
    static const char whole[] = "a whole number from 0 to the number of layers";
    double layer = d->from_layer;
    if (o->from_layer &&
        (!decoding_number("from_layer", o->from_layer, 0, SGF_MAX_LAYERS, 0, whole, &layer) ||
         (layer > (double)(long)layer &&
          !decoding_number("from_layer", o->from_layer, 1, 0, 0, whole, &layer))))
        return 0;
    d->from_layer = (int32_t)layer;
    if (!o->explain) return 1;
    fprintf(stderr,
            "segfuse %s: --explain computes each context by itself, hidden takes the mean of all: "
            "leave it out\n",
            verb_now);
    return 0;
}
/* --mass entropy or agreement, --select, --hybrid, --tau. */
static int generate_decoding(const generate_run *run, sgf_method *m) {
    const generate_options *o = &run->o;
    const char *alone;
    sgf_decoding *d = &m->decoding;
    double select = 0, fused = 1;
    char wanted[100];
    snprintf(wanted, sizeof wanted, "a whole number from 1 to %ld, the number of paraphrases",
             o->paraphrases);
    if (o->tau && !decoding_number("tau", o->tau, 0, 1e9, 1, "a number above 0", &d->tau)) return 0;
    if (m->combine != SGF_COMBINE_ENTROPY_AVG) d->tau = 0;
    if (m->combine == SGF_COMBINE_HIDDEN && !generate_hidden(o, d)) return 0;
    if (!generate_beams(o, d)) return 0;
    if (m->contexts != SGF_CONTEXTS_FUSION) return 1;
    if ((o->select &&
         (!decoding_number("select", o->select, 1, (double)o->paraphrases, 0, wanted, &select) ||
          (select > (double)(long)select &&
           !decoding_number("select", o->select, 1, 0, 0, wanted, &select)))) ||
        (o->hybrid &&
         !decoding_number("hybrid", o->hybrid, 0, 1, 0, "a number from 0 to 1", &fused)))
        return 0;
    if (o->mass) d->trust_mass = run->trust, d->agreement = run->agreement;
    d->select = (size_t)select;
    d->alone = 1 - fused;
    alone = d->trust_mass > 0 ? d->agreement ? "mass agreement" : "mass entropy"
            : o->select       ? "select"
                              : "hybrid";
    if ((d->trust_mass > 0 || o->select || o->hybrid) &&
        (m->fusion_start != SGF_FUSION_START_FIRST_ANSWER ||
         (m->format != SGF_FORMAT_SHARED_CUE && m->format != SGF_FORMAT_FEW_SHOT_PARTS))) {
        int late = m->fusion_start != SGF_FUSION_START_FIRST_ANSWER;
        fprintf(
            stderr,
            "segfuse %s: --%s asks each paraphrase alone, which needs one answer cue for all and "
            "--fusion_start first-answer; %s%s\n",
            verb_now, alone, late ? "leave out --fusion_start" : "fused is so by itself, not ",
            late ? "" : m->name);
        return 0;
    }
    if (!o->select || !o->mass || d->trust_mass > 0 || !strcmp(o->mass, "1/N")) return 1;
    fprintf(stderr,
            "segfuse %s: --select gives its paraphrases the mass 1/K, or that of --mass entropy or "
            "agreement, not --mass %s\n",
            verb_now, o->mass);
    return 0;
}
/* A method by name, with what the options change. */
static int generate_method(generate_run *run, const char *name) {
    static const char *const starts[] = {"first-answer", "after-first", NULL};
    static const char *const positions[] = {"sequential", "aligned", NULL};
    static const char *const bos[] = {"auto", "first", "each", "none", NULL};
    static const char *const reuse[] = {"exact", "rotated", NULL};
    static const char *const fusions[] = {"softmax", "mixture", NULL};
    const generate_options *o = &run->o;
    sgf_method *m = &run->method[run->methods];
    sgf_error err;
    int i;
    if (run->methods == MAX_METHODS) {
        fprintf(stderr, "segfuse %s: --method names at most %d methods\n", verb_now,
                (int)MAX_METHODS);
        return 0;
    }
    if (sgf_method_find(name, m, &err) ||
        (o->mask && !run->matrix && sgf_mask_find(o->mask, &m->mask, &err)))
        return !failed(verb_now, &err);
    if (o->fusion_start) {
        if ((i = choice_find(verb_now, "fusion_start", o->fusion_start, starts)) < 0) return 0;
        m->fusion_start = (sgf_fusion_start)i;
    }
    if (o->positions) {
        if ((i = choice_find(verb_now, "positions", o->positions, positions)) < 0) return 0;
        m->positions = (sgf_positions)i;
    }
    if (o->bos) {
        if ((i = choice_find(verb_now, "bos", o->bos, bos)) < 0) return 0;
        m->bos = (sgf_bos_rule)i;
    }
    if (o->reuse) {
        if ((i = choice_find(verb_now, "reuse", o->reuse, reuse)) < 0) return 0;
        run->rotated = i;
    }
    if (o->fusion && m->contexts == SGF_CONTEXTS_FUSION) {
        if ((i = choice_find(verb_now, "fusion", o->fusion, fusions)) < 0) return 0;
        m->mixture = i;
    }
    m->separator = o->separator ? o->separator : m->separator;
    if (!generate_lines(run, m)) return 0;
    if (o->mass && m->contexts == SGF_CONTEXTS_FUSION) m->even_weights = !strcmp(o->mass, "1/N");
    if (!generate_decoding(run, m)) return 0;
    run->methods++;
    return 1;
}
/* Options that change only a fusion need one. */
static int generate_fused(const generate_run *run) {
    const generate_options *o = &run->o;
    const char *only = o->mass           ? "mass"
                       : o->mask         ? "mask"
                       : o->positions    ? "positions"
                       : o->fusion_start ? "fusion_start"
                       : o->separator    ? "separator"
                       : o->select       ? "select"
                       : o->hybrid       ? "hybrid"
                       : o->fusion       ? "fusion"
                                         : NULL;
    size_t i;
    for (i = 0; i < run->methods && run->method[i].combine != SGF_COMBINE_ENTROPY_AVG; i++) {}
    if (o->tau && i == run->methods) {
        fprintf(stderr, "segfuse %s: --tau is for the method entropy_avg\n", verb_now);
        return 0;
    }
    for (i = 0; i < run->methods && run->method[i].combine != SGF_COMBINE_HIDDEN; i++) {}
    if (o->from_layer && i == run->methods) {
        fprintf(stderr, "segfuse %s: --from_layer is for the method hidden\n", verb_now);
        return 0;
    }
    for (i = 0; i < run->methods; i++)
        if (run->method[i].contexts == SGF_CONTEXTS_FUSION) return 1;
    if (!only) return 1;
    fprintf(stderr,
            "segfuse %s: --%s is for methods that fuse attention (fused, flex_attention, ...); %s "
            "does not\n",
            verb_now, only, run->methods == 1 ? run->method[0].name : "none of these");
    return 0;
}
int generate_methods(generate_run *run) {
    const char *at = run->o.method;
    for (; *at; at += strspn(at, ",")) {
        char name[32];
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : (int)sizeof name - 1, at);
        at += n;
        if (!strcmp(name, "all")) {
            if (!generate_method(run, "origin") || !generate_method(run, "per_prompt")) return 0;
        } else if (n && !generate_method(run, name)) return 0;
    }
    if (run->methods) return generate_fused(run) && generate_manual(run) && generate_accidents(run);
    fprintf(stderr, "segfuse %s: --method names 1 to 32 methods; see segfuse generate --help\n",
            verb_now);
    return 0;
}
int generate_matrix(generate_run *run) {
    const char *path = run->o.mask;
    char digest[33];
    base_map map;
    sgf_mask mask;
    sgf_error err;
    sgf_str text;
    if (!path || !sgf_mask_find(path, &mask, &err)) return 1;
    if (access(path, F_OK) && !strpbrk(path, "./")) {
        value_words names;
        value_read("MASK", &names);
        return value_known(verb_now, "mask", path, &names);
    }
    if (matrix_read(path, NULL, &run->matrix, &err) || base_map_file(path, NULL, &map, &err)) {
        fprintf(stderr, "segfuse %s: --mask: %s\n", verb_now, err.message);
        return 0;
    }
    text.ptr = (const char *)map.data;
    text.len = map.size;
    hash_md5_hex(text, digest);
    base_unmap(&map);
    snprintf(run->mask_text, sizeof run->mask_text, "matrix %s", digest);
    return 1;
}
int generate_mass(generate_run *run) {
    const char *at = run->o.mass;
    long i, n = run->o.paraphrases;
    if (!at || !strcmp(at, "1") || !strcmp(at, "1/N") || !strcmp(at, "confidence")) return 1;
    for (i = 0; i < 2; i++) {
        const char *name = i ? "agreement" : "entropy", *end;
        if (strncmp(at, name, strlen(name))) continue;
        end = at + strlen(name);
        if (*end && *end != ':') continue;
        run->agreement = (int)i;
        run->trust = i ? 0.25 : 0.5;
        return !*end || decoding_number(i ? "mass agreement:T" : "mass entropy:T", end + 1, 0, 1e9,
                                        1, "for a number T above 0", &run->trust);
    }
    run->mass = (double *)calloc((size_t)n + 1, sizeof(double));
    for (i = 0; run->mass && i < n; i++) {
        size_t used = base_number_parse(at, strlen(at), &run->mass[i]);
        if (!used || !(run->mass[i] > 0) || at[used] != (i + 1 < n ? ',' : 0)) break;
        at += used + 1;
    }
    if (run->mass && i == n) return 1;
    fprintf(
        stderr,
        "segfuse %s: --mass is 1, 1/N, confidence, entropy[:T], agreement[:T] or %ld positive numbers "
        "with commas, not '%s'\n",
        verb_now, n, run->o.mass);
    return 0;
}
int generate_indexs(generate_run *run) {
    const char *at = run->o.indexs;
    if (!at) return 1;
    run->index = (size_t *)calloc(strlen(at) / 2 + 2, sizeof *run->index);
    while (run->index) {
        char *end;
        long i = strtol(at, &end, 10);
        if (end == at || i < 0 || (*end && *end != ',')) break;
        run->index[run->indexes++] = (size_t)i;
        at = end + 1;
        if (*end) continue;
        run->o.paraphrases = (long)run->indexes;
        return 1;
    }
    fprintf(stderr, "segfuse generate: --indexs is a list such as 0,1,2, not '%s'\n",
            run->o.indexs);
    return 0;
}

long method_tokens(const generate_run *run, const sgf_method *m) {
    if (run->o.max_new_tokens) return run->o.max_new_tokens;
    return !strcmp(run->o.dataset, "webqa") && m->contexts == SGF_CONTEXTS_FUSION ? 20 : 10;
}

/* ---- which paraphrases a method asks ---- */

static size_t at_most(size_t n, size_t most) {
    return n < most ? n : most;
}
/* The manual ones of a question, for a method that picks by kind. */
static size_t method_manuals(const generate_run *run, const question *q) {
    return run->o.manuals < 0 ? q->manual_count : at_most((size_t)run->o.manuals, q->manual_count);
}
size_t method_autos(const generate_run *run) {
    if (run->wording) return 0; /* people wrote them all */
    return run->o.autos < 0 ? 5 : (size_t)run->o.autos;
}
size_t method_count(const generate_run *run, const sgf_method *m, const question *q) {
    size_t i, n = 0;
    if (method_by_kind(m))
        return method_manuals(run, q) +
               at_most(method_autos(run), q->paraphrase_count - q->manual_count);
    if (!run->index) return at_most((size_t)run->o.paraphrases, q->paraphrase_count);
    for (i = 0; i < run->indexes; i++) n += run->index[i] < q->paraphrase_count;
    return n;
}
size_t method_pick(const generate_run *run, const sgf_method *m, const question *q, size_t i) {
    size_t manuals = method_manuals(run, q);
    if (method_by_kind(m)) return i < manuals ? i : q->manual_count + i - manuals;
    return run->index ? run->index[method_slot(run, m, q, i)] : i;
}
size_t method_slot(const generate_run *run, const sgf_method *m, const question *q, size_t i) {
    size_t at = 0;
    if (!run->index || method_by_kind(m)) return i;
    for (;; at++)
        if (run->index[at] < q->paraphrase_count && !i--) return at;
}
size_t method_fewer(const generate_run *run, const sgf_method *m, size_t samples) {
    size_t i, n = 0;
    if (!strcmp(m->name, "origin")) return 0; /* it asks one */
    for (i = 0; i < samples; i++) {
        const question *q = &run->data.questions[i];
        size_t wanted = method_by_kind(m)
                            ? (run->o.manuals < 0 ? q->manual_count : (size_t)run->o.manuals) +
                                  method_autos(run)
                            : (size_t)run->o.paraphrases;
        n += method_count(run, m, q) < wanted;
    }
    return n;
}
/* A question with fewer than the method wants is asked with those it has. */
sgf_status method_enough(const generate_run *run, const sgf_method *m, sgf_error *err) {
    const dataset *d = &run->data;
    size_t i, most = 0, fewer = method_fewer(run, m, run->count);
    for (i = 0; i < run->count; i++)
        if (d->questions[i].paraphrase_count > most) most = d->questions[i].paraphrase_count;
    if (fewer && most == 1 && !run->index && !method_by_kind(m))
        return base_fail_at(
            err, SGF_ERR_ARG, d->source.path, -1,
            "%s: questions without paraphrases, %ld were asked for; make some with segfuse "
            "paraphrase, or ask each question alone: --method origin",
            d->source.path, run->o.paraphrases);
    for (i = 0; i < run->indexes; i++)
        if (run->index[i] >= most)
            return base_fail_at(err, SGF_ERR_ARG, d->source.path, -1,
                                "%s: --indexs %llu: a question has at most %llu paraphrases, 0 to "
                                "%llu",
                                d->source.path, (unsigned long long)run->index[i],
                                (unsigned long long)most, (unsigned long long)most - 1);
    for (i = 0; i < run->count; i++)
        if (!method_count(run, m, &d->questions[i]))
            return base_fail_at(
                err, SGF_ERR_ARG, d->source.path, -1,
                "%s: row %llu has none of the paraphrases that were asked for (%s); "
                "it has %llu",
                d->source.path, (unsigned long long)d->questions[i].row + 1,
                method_by_kind(m) ? "--num_manual, --num_auto" : "--indexs",
                (unsigned long long)d->questions[i].paraphrase_count);
    return SGF_OK;
}

sgf_device device_named(const char *name) {
#define DEVICE_TEXT(device, text) \
    if (name && !strcmp(name, text)) return device;
    SGF_DEVICE_LIST(DEVICE_TEXT)
#undef DEVICE_TEXT
    return SGF_DEVICE_AUTO;
}
int device_known(const char *device) {
    char text[200];
    sgf_error err;
    if (device_named(device) != SGF_DEVICE_CUDA ||
        sgf_device_describe(SGF_DEVICE_CUDA, text, sizeof text, &err) != SGF_ERR_UNSUPPORTED)
        return 1;
    fprintf(stderr, "segfuse %s: --device cuda: %s\n", verb_now, err.message);
    return 0;
}

/* ---- what the options name ---- */

/* Which split of which folder was chosen, where nobody said so. */
static void source_tell(const char *what, const data_source *source) {
    if (source->split[0]) fprintf(stderr, "%s: split %s, %s\n", what, source->split, source->path);
}
/* The questions and the examples. Without --fewshot_data the examples come from the train split of what
   --data names, if that has splits, else from the bundled one. */
static sgf_status generate_questions(generate_run *run, sgf_error *err) {
    generate_options *o = &run->o;
    const char *data = o->data, *fewshot = o->fewshot_data;
    sgf_status status;
    size_t i;
    if (!data)
        data = project_path("models/questions/test.jsonl", run->data_path, sizeof run->data_path);
    status = run->wording ? dataset_ask(&run->data, run->wording, (size_t)o->paraphrases, err)
                          : dataset_load(data, "test", &run->data, err);
    if (status) return status;
    source_tell("--data", &run->data.source);
    if (!fewshot && o->data && run->data.source.split[0]) fewshot = o->data;
    if (!fewshot)
        fewshot = project_path("models/questions/train.jsonl", run->fewshot_path,
                               sizeof run->fewshot_path);
    if (!o->dataset)
        o->dataset = run->data.schema == SCHEMA_WEBQA || run->data.schema == SCHEMA_WEBQA_RAW
                         ? "webqa"
                         : "myriadlama";
    if (!o->fewshots) return SGF_OK;
    status = dataset_load(fewshot, "train", &run->fewshot, err);
    if (status) return status;
    source_tell("--fewshot_data", &run->fewshot.source);
    if (o->data && !o->fewshot_data && fewshot != data)
        fprintf(stderr, "few-shot examples: %s (--fewshot_data names others)\n", fewshot);
    run->spares = (size_t)o->fewshots;
    run->examples = (sgf_example *)calloc(2 * (size_t)o->fewshots, sizeof *run->examples);
    if (!run->examples) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    status = dataset_examples(&run->fewshot, o->seed, (size_t)o->fewshots, &run->spares,
                              run->examples, err);
    for (i = 0; i < (size_t)o->fewshots + run->spares && !status;
         i++) /* asked as the question is */
        if (o->paraphrases && run->examples[i].paraphrases > (size_t)o->paraphrases)
            run->examples[i].paraphrases = (size_t)o->paraphrases;
    return status;
}
static sgf_status question_unknown(const dataset *d, const char *name, sgf_error *err) {
    name_nearest near = nearest_to(name);
    char best[112] = "";
    size_t i;
    for (i = 0; i < d->count; i++) nearest_try(&near, d->questions[i].uuid);
    if (near.best.ptr) snprintf(best, sizeof best, "did you mean %s? ", base_show(near.best).text);
    return base_fail_at(err, SGF_ERR_ARG, d->source.path, -1,
                        "%s has no question '%.100s'; %s--explain takes a uuid or the number of a "
                        "question, 1 to %llu; segfuse convert %s questions.csv lists them",
                        d->source.path, name, best, (unsigned long long)d->count, d->source.path);
}
/* --explain: the question of that uuid, or of that number if none has it, becomes the only one. */
static sgf_status question_choose(generate_run *run, const char *name, sgf_error *err) {
    dataset *d = &run->data;
    size_t at = 0;
    while (at < d->count && !text_same(d->questions[at].uuid, sgf_text(name))) at++;
    if (at == d->count) {
        char *end = NULL;
        long number = strspn(name, "0123456789") < 10 ? strtol(name, &end, 10) : 0;
        if (number < 1 || *end || (size_t)number > d->count) return question_unknown(d, name, err);
        at = (size_t)number - 1;
    }
    d->questions[0] = d->questions[at];
    run->count = 1;
    return SGF_OK;
}
/* What is odd about the questions and the examples, once all is there. */
static void generate_tell(const generate_run *run) {
    const dataset *d = &run->data;
    int masked = d->count && dataset_masked(d->questions[0].paraphrases[0]);
    size_t i, q, k = (size_t)run->o.fewshots, own = 0, complete = 0;
    for (i = 0; i < run->methods; i++) {
        size_t fewer = method_fewer(run, &run->method[i], run->count);
        if (fewer)
            fprintf(
                stderr,
                "%s: %llu of %llu questions have fewer paraphrases than were asked for; each is "
                "asked with those it has\n",
                run->method[i].name, (unsigned long long)fewer, (unsigned long long)run->count);
    }
    for (q = 0; q < run->count; q++) {
        for (i = 0; i < k && !dataset_example_is(&run->examples[i], &d->questions[q]); i++) {}
        own += i < k;
    }
    if (own)
        fprintf(stderr,
                "few-shot examples: %llu question%s among them; in %s own prompt the next example "
                "takes the place\n",
                (unsigned long long)own, own == 1 ? " is" : "s are", own == 1 ? "its" : "their");
    for (i = 0; i < k; i++) complete += (size_t)dataset_masked(run->examples[i].question);
    if (k && complete == k && !masked)
        fprintf(stderr, "few-shot examples: they complete [MASK], the questions have none; give "
                        "examples of their kind with --fewshot_data, or --num_fewshots 0\n");
    if (!masked && !strcmp(run->model_name, BUNDLED_MODEL))
        fprintf(stderr, "the bundled model completes statements such as \"The capital of Japan is "
                        "[MASK].\"; it has not learned to answer other texts\n");
}
int chat_usage(const generate_options *o) {
    if (!o->chat || (!o->chat_before && !o->chat_after)) {
        if (!o->accidents || (!o->chat && !o->chat_before && !o->chat_after)) return 1;
        fprintf(stderr, "segfuse %s: --accidents are of prompts without a chat format\n", verb_now);
        return 0;
    }
    fprintf(stderr,
            "segfuse %s: --chat takes the model's own format, --chat_before and --chat_after give "
            "another one; leave out one or the other\n",
            verb_now);
    return 0;
}
void run_prompt(const generate_run *run, sgf_prompt *prompt) {
    if (!run->chat.name) prompt->instruction = sgf_text(run->instruction);
    prompt->before = run->before.ptr; /* question_examples adds examples */
    prompt->after = run->chat.name ? run->chat.after : run->o.chat_after;
}
void run_bos(const generate_run *run, sgf_method *m) {
    if (run->chat.name && m->bos == SGF_BOS_AUTO)
        m->bos = run->chat.begins ? SGF_BOS_FIRST : SGF_BOS_NONE;
}
/* --chat: the format of the model's template. */
static sgf_status generate_chat(generate_run *run, sgf_error *err) {
    const sgf_tokenizer *tokenizer = run->model->tokenizer;
    const sgf_config *config = &run->model->config;
    chat_format *f = &run->chat;
    sgf_error why;
    int32_t end = -1, k;
    size_t i;
    base_buf_init(&run->before, NULL);
    if (run->o.chat_before) return base_buf_text(&run->before, run->o.chat_before, err);
    if (!run->o.chat) return SGF_OK;
    if (chat_find(run->model_path, tokenizer, f, &why))
        return base_fail(err, why.status, "--chat: %s: %s", run->model_name, why.message);
    if (!f->name)
        return base_fail(err, SGF_ERR_ARG,
                         "--chat: %s has no chat template, as a base model that was not tuned for "
                         "chat; ask it without --chat",
                         run->model_name);
    if (chat_before(f, sgf_text(run->instruction), NULL, 0, &run->before, err)) return err->status;
    for (i = 0; i < run->methods; i++) run_bos(run, &run->method[i]);
    if (f->turn_end) end = sgf_token_id(tokenizer, sgf_text(f->turn_end));
    for (k = 0; k < config->eos_count && config->eos[k] != end; k++) {}
    if (f->turn_end && k == config->eos_count)
        fprintf(stderr,
                "%s: its answers do not end at %s, the end of a turn: \"eos_token_id\" of "
                "generation_config.json does not have its id\n",
                run->model_name, f->turn_end);
    return SGF_OK;
}
sgf_status method_fits(const generate_run *run, const sgf_method *m, sgf_error *err) {
    const sgf_config *c = &run->model->config;
    if (m->decoding.beams > (size_t)c->vocab_size)
        return base_fail(err, SGF_ERR_ARG, "--beams %s: the model's vocabulary has %d tokens",
                         run->o.beams, (int)c->vocab_size);
    if (m->decoding.from_layer > c->layers)
        return base_fail(err, SGF_ERR_ARG,
                         "--from_layer %s: the model has %d layers; from layer %d on is avg",
                         run->o.from_layer, (int)c->layers, (int)c->layers);
    return SGF_OK;
}
int generate_load(generate_run *run) {
    generate_options *o = &run->o;
    sgf_session_options how;
    sgf_error err;
    sgf_status status;
    size_t i;
    int cpu = 0; /* does a method need it? */
    memset(&how, 0, sizeof how);
    how.threads = (int)o->threads;
    how.kernels = kernels_named(o->kernels);
    how.arithmetic = arithmetic_named(o->arithmetic);
    how.device = device_named(o->device);
    how.exact = o->exact;
    for (i = 0; i < run->methods; i++)
        cpu |= run->method[i].mixture || run->method[i].combine == SGF_COMBINE_HIDDEN;
    if ((o->explain || cpu) && how.device == SGF_DEVICE_AUTO) /* a GPU does not watch attention */
        how.device = SGF_DEVICE_CPU;
    how.reuse_rotated = run->rotated;
    status = generate_questions(run, &err);
    if (!status) {
        run->count = o->samples && (size_t)o->samples < run->data.count ? (size_t)o->samples
                                                                        : run->data.count;
        if (o->explain) status = question_choose(run, o->explain, &err);
        for (i = 0; i < run->methods && !status; i++)
            status = method_enough(run, &run->method[i], &err);
    }
    if (status) return failed(verb_now, &err);
    if (!model_find(verb_now, o->model, run->model_path, sizeof run->model_path)) return 1;
    status = sgf_model_load(run->model_path, NULL, &run->model, &err);
    if (!status && !run->model->tokenizer)
        status = base_fail(&err, SGF_ERR_IO, "%s has no tokenizer.json; prompts need one",
                           run->model_path);
    if (!status && o->max_new_tokens > run->model->config.context)
        status = base_fail(&err, SGF_ERR_ARG, "--max_new_tokens %ld: the model's context is %d",
                           o->max_new_tokens, (int)run->model->config.context);
    model_name(o->model, run->model_name, sizeof run->model_name);
    if (!run->instruction) run->instruction = dataset_instruction(o->dataset);
    if (!status) status = generate_chat(run, &err);
    for (i = 0; i < run->methods && !status; i++) status = method_fits(run, &run->method[i], &err);
    if (!status) status = sgf_session_create(run->model, &how, &run->session, &err);
    if (status) return failed(verb_now, &err);
    generate_tell(run);
    return 0;
}
int run_folder(generate_run *run) {
    int fits = run->o.output
                   ? path_make(run->folder, sizeof run->folder, "%s", run->o.output)
                   : path_make(run->folder, sizeof run->folder, "datasets/%s/%s",
                               run->o.dataset ? run->o.dataset : "myriadlama", run->model_name);
    if (!fits)
        fprintf(stderr,
                "segfuse %s: the path of the output folder is longer than %d bytes; give a "
                "shorter --output\n",
                verb_now, (int)sizeof run->folder - 1);
    return fits;
}
