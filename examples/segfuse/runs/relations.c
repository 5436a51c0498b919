#include "relations.h"
#include "../base/json.h"
#include "../cli/options.h"
#include "methods.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    sgf_str relation; /* "*": all others */
    generate_run run; /* with one method */
    size_t named;     /* bits: which options the file gives */
} relation_choice;
struct relation_choices {
    relation_choice *choice;
    size_t count;
    base_arena arena; /* of the texts */
};

static const struct {
    const char *name;
    size_t at; /* the option's place in generate_options */
    int fuses; /* it changes only a fusion */
} relation_options[] = {
    {"method", offsetof(generate_options, method), 0},
    {"mask", offsetof(generate_options, mask), 1},
    {"mass", offsetof(generate_options, mass), 1},
    {"positions", offsetof(generate_options, positions), 1},
    {"fusion_start", offsetof(generate_options, fusion_start), 1},
    {"fusion", offsetof(generate_options, fusion), 1},
    {"format", offsetof(generate_options, format), 0},
    {"select", offsetof(generate_options, select), 1},
    {"hybrid", offsetof(generate_options, hybrid), 1},
    {"tau", offsetof(generate_options, tau), 0},
    {"from_layer", offsetof(generate_options, from_layer), 0},
    {"beams", offsetof(generate_options, beams), 0},
    {"length_penalty", offsetof(generate_options, length_penalty), 0},
};
enum { RELATION_OPTIONS = (int)(sizeof relation_options / sizeof relation_options[0]) };

const char *relation_option(size_t i) {
    return i < RELATION_OPTIONS ? relation_options[i].name : NULL;
}
static const char **option_of(generate_options *o, size_t i) {
    return (const char **)(void *)((char *)o + relation_options[i].at);
}

/* ---- the file ---- */

static sgf_status relation_bad(const generate_run *run, sgf_str relation, const char *what,
                               sgf_error *err) {
    return base_fail_at(err, SGF_ERR_FORMAT, run->o.by_relation, -1, "%s: relation '%s': %s",
                        run->o.by_relation, base_show(relation).text, what);
}
/* The options that the file names for a relation. */
static sgf_status relation_options_read(generate_run *run, const json_doc *json, uint32_t node,
                                        relation_choice *c, sgf_error *err) {
    char what[260];
    uint32_t i, at = node + 1;
    if (json->nodes[node].type != JSON_OBJECT)
        return relation_bad(run, c->relation, "an object of options is wanted, {\"mask\": ...}",
                            err);
    for (i = 0; i < json->nodes[node].count; i++, at = json->nodes[at + 1].next) {
        const json_node *value = &json->nodes[at + 1];
        sgf_str key = json->nodes[at].text;
        char *text;
        size_t k = 0;
        while (k < RELATION_OPTIONS && !base_str_is(key, relation_options[k].name)) k++;
        if (k == RELATION_OPTIONS) {
            snprintf(
                what, sizeof what,
                "there is no option '%.60s' for a relation; known: method, mask, mass, "
                "positions, fusion_start, fusion, format, select, hybrid, tau, from_layer, beams, "
                "length_penalty",
                base_show(key).text);
            return relation_bad(run, c->relation, what, err);
        }
        if (value->type != JSON_STRING && value->type != JSON_NUMBER) {
            snprintf(what, sizeof what, "%s is a text, such as the command line takes",
                     relation_options[k].name);
            return relation_bad(run, c->relation, what, err);
        }
        text = base_arena_text(&run->by->arena, value->text.ptr, value->text.len, err);
        if (!text) return SGF_ERR_MEMORY;
        *option_of(&c->run.o, k) = text;
        c->named |= (size_t)1 << k;
    }
    return SGF_OK;
}
static sgf_status relations_parse(generate_run *run, const json_doc *json, sgf_error *err) {
    relation_choices *by = run->by;
    size_t k;
    uint32_t i, at = 1;
    sgf_status status = json_object(json, err);
    if (status) return status;
    by->choice = (relation_choice *)calloc(json->nodes[0].count + 1, sizeof *by->choice);
    if (!by->choice) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    for (i = 0; i < json->nodes[0].count && !status; i++, at = json->nodes[at + 1].next) {
        relation_choice *c = &by->choice[by->count++];
        c->run.o = run->o;
        c->relation = base_text_of(
            base_arena_text(&by->arena, json->nodes[at].text.ptr, json->nodes[at].text.len, err),
            json->nodes[at].text.len);
        if (!c->relation.ptr) return SGF_ERR_MEMORY;
        status = relation_options_read(run, json, at + 1, c, err);
        for (k = 0; k + 1 < by->count && !status; k++)
            if (text_same(by->choice[k].relation, c->relation))
                status = relation_bad(run, c->relation, "it is there twice", err);
    }
    if (!status && !by->count)
        status = base_fail_at(err, SGF_ERR_FORMAT, run->o.by_relation, -1,
                              "%s: names no relation; segfuse analyze --by_relation makes such a "
                              "file",
                              run->o.by_relation);
    return status;
}
/* The choice's method with its options, as of a command line of its own. */
static int relation_make(const generate_run *run, relation_choice *c) {
    static char who[400];
    const char *verb = verb_now;
    generate_run *own = &c->run;
    sgf_method known;
    size_t i;
    int good;
    /* what the command line says of fusions is not for an ensemble */
    if (!sgf_method_find(own->o.method, &known, NULL) && known.contexts != SGF_CONTEXTS_FUSION)
        for (i = 0; i < RELATION_OPTIONS; i++)
            if (relation_options[i].fuses && !(c->named >> i & 1))
                *option_of(&own->o, i) = own->o.separator = NULL;
    if (strcmp(own->o.method, "entropy_avg") && own->o.tau == run->o.tau) own->o.tau = NULL;
    if (strcmp(own->o.method, "hidden") && own->o.from_layer == run->o.from_layer)
        own->o.from_layer = NULL;
    if (strcmp(own->o.method, "myriadlama_flex"))
        own->o.manuals = own->o.autos = -1, own->o.manual_cross = 0;
    own->indexes = run->indexes, own->index = run->index;
    own->o.paraphrases = run->o.paraphrases;
    snprintf(who, sizeof who, "%s: %.200s: relation '%.80s'", verb_now, run->o.by_relation,
             base_show(c->relation).text);
    verb_now = who; /* what is wrong is said of this place */
    good = generate_mass(own) && generate_matrix(own) && generate_methods(own);
    if (good && (own->methods != 1 || !strcmp(own->method[0].name, "per_prompt"))) {
        fprintf(stderr,
                "segfuse %s: one method with one answer to a question is wanted, not '%.60s'\n",
                verb_now, own->o.method);
        good = 0;
    }
    verb_now = verb;
    return good;
}
int relations_read(generate_run *run) {
    base_arena arena;
    base_map map;
    json_doc json;
    sgf_error err;
    sgf_status status;
    size_t i;
    if (!run->o.by_relation) return 0;
    if (run->methods != 1 || run->method[0].contexts == SGF_CONTEXTS_SINGLE) {
        fprintf(stderr,
                "segfuse %s: --by_relation is for one method of all paraphrases (fused, "
                "avg, ...); its file may name others\n",
                verb_now);
        return 2;
    }
    if (run->rotated) {
        fprintf(stderr, "segfuse %s: --by_relation and --reuse rotated do not go together\n",
                verb_now);
        return 2;
    }
    status = base_map_file(run->o.by_relation, NULL, &map, &err);
    if (status) return failed(verb_now, &err);
    base_arena_init(&arena, NULL);
    run->by = (relation_choices *)calloc(1, sizeof *run->by);
    if (!run->by) status = base_fail(&err, SGF_ERR_MEMORY, "out of memory");
    else {
        base_arena_init(&run->by->arena, NULL);
        status = json_parse(run->o.by_relation, (const char *)map.data, map.size, &arena, &json,
                            &err);
        if (!status) status = relations_parse(run, &json, &err);
    }
    base_arena_free(&arena);
    base_unmap(&map);
    if (status) return failed(verb_now, &err);
    for (i = 0; i < run->by->count; i++)
        if (!relation_make(run, &run->by->choice[i])) return 2;
    return 0;
}

/* ---- its relations ---- */

static sgf_status relation_known(const generate_run *run, sgf_str relation, sgf_error *err) {
    const dataset *d = &run->data;
    name_nearest near = nearest_to(base_show(relation).text);
    char best[112] = "";
    size_t i, any = 0;
    for (i = 0; i < d->count; i++) {
        if (text_same(d->questions[i].relation, relation)) return SGF_OK;
        any |= d->questions[i].relation.len;
        if (d->questions[i].relation.len) nearest_try(&near, d->questions[i].relation);
    }
    if (near.best.ptr)
        snprintf(best, sizeof best, "; did you mean %.80s?", base_show(near.best).text);
    return base_fail_at(err, SGF_ERR_ARG, run->o.by_relation, -1,
                        any ? "%s: no question of %s has the relation '%s'%s"
                            : "%s: the questions of %s have no relations (column rel, rel_uri or "
                              "relation), so not '%s'%s",
                        run->o.by_relation, d->source.path, base_show(relation).text, best);
}
int relations_bind(generate_run *run) {
    sgf_error err;
    sgf_status status = SGF_OK;
    size_t i;
    for (i = 0; run->by && i < run->by->count && !status; i++) {
        relation_choice *c = &run->by->choice[i];
        generate_run *own = &c->run;
        if (!base_str_is(c->relation, "*")) status = relation_known(run, c->relation, &err);
        own->o.dataset = run->o.dataset;
        memcpy(own->folder, run->folder, sizeof own->folder);
        memcpy(own->model_path, run->model_path, sizeof own->model_path);
        memcpy(own->model_name, run->model_name, sizeof own->model_name);
        memcpy(own->data_path, run->data_path, sizeof own->data_path);
        memcpy(own->fewshot_path, run->fewshot_path, sizeof own->fewshot_path);
        own->model = run->model, own->session = run->session, own->fewshot = run->fewshot;
        own->data = run->data, own->count = run->count;
        own->examples = run->examples, own->spares = run->spares;
        if (!status) status = method_enough(own, &own->method[0], &err);
        if (!status) status = method_fits(own, &own->method[0], &err);
        if (!status && !confidences_find(own)) return 1;
    }
    return status ? failed(verb_now, &err) : 0;
}
void relations_free(generate_run *run) {
    size_t i;
    if (!run->by) return;
    for (i = 0; i < run->by->count; i++) {
        generate_run *own = &run->by->choice[i].run;
        confidences_free(&own->sure);
        free(own->mass);
        matrix_free(own->matrix);
    }
    base_arena_free(&run->by->arena);
    free(run->by->choice);
    free(run->by);
    run->by = NULL;
}
const generate_run *relation_run(const generate_run *run, const question *q, const sgf_method **m) {
    const relation_choice *found = NULL;
    size_t i;
    for (i = 0; run->by && i < run->by->count; i++) {
        const relation_choice *c = &run->by->choice[i];
        if (text_same(c->relation, q->relation)) {
            found = c;
            break;
        }
        if (base_str_is(c->relation, "*")) found = c;
    }
    if (!found) return run;
    *m = &found->run.method[0];
    return &found->run;
}
size_t relation_contexts(const generate_run *run, const sgf_method *m) {
    size_t i, most = m->contexts == SGF_CONTEXTS_ENSEMBLE ? (size_t)run->o.paraphrases : 1;
    for (i = 0; run->by && i < run->by->count; i++) {
        size_t own = relation_contexts(&run->by->choice[i].run, run->by->choice[i].run.method);
        most = own > most ? own : most;
    }
    return most;
}
sgf_status relations_text(const generate_run *run, base_buf *out, sgf_error *err) {
    size_t i, k;
    sgf_status status = SGF_OK;
    for (i = 0; run->by && i < run->by->count && !status; i++) {
        relation_choice *c = &run->by->choice[i];
        int more = 0;
        if (i) status = base_buf_text(out, "; ", err);
        if (!status) status = base_buf_add(out, c->relation.ptr, c->relation.len, err);
        for (k = 0; k < RELATION_OPTIONS && !status; k++) {
            if (!(c->named >> k & 1)) continue;
            status = base_buf_text(out, more++ ? ", " : ": ", err);
            if (!status) status = base_buf_text(out, relation_options[k].name, err);
            if (!status) status = base_buf_text(out, " ", err);
            if (!status)
                status = base_buf_text(out,
                                       relation_options[k].at == offsetof(generate_options, mask) &&
                                               c->run.matrix
                                           ? c->run.mask_text
                                           : *option_of(&c->run.o, k),
                                       err);
        }
        if (!status && c->run.sure.identity[0]) {
            status = base_buf_text(out, ", confidences ", err);
            if (!status) status = base_buf_text(out, c->run.sure.identity, err);
        }
    }
    return status;
}
