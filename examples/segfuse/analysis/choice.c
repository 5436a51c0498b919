#include "choice.h"
#include "../base/json.h"
#include "../cli/options.h"
#include "../runs/relations.h"
#include "../runs/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A result that can be chosen: one row a question, with its configuration. */
typedef struct {
    const answer_file *f;
    size_t file;
    json_doc config;
    sgf_method method; /* as it is without options */
} candidate;
typedef struct {
    const study *s;
    candidate *item; /* the best first */
    size_t count;
    base_arena arena;
    const char *path;
} choice;

/* The text of a setting, as the command line takes it; length 0 if it is not there. */
static sgf_str setting(const json_doc *j, const char *key) {
    uint32_t node = json_get(j, 0, key);
    sgf_str text = sgf_text("");
    if (!node || (j->nodes[node].type != JSON_STRING && j->nodes[node].type != JSON_NUMBER))
        return text;
    text = j->nodes[node].text;
    if (j->nodes[node].type == JSON_NUMBER && text.len > 2 &&
        !memcmp(text.ptr + text.len - 2, ".0", 2))
        text.len -= 2;
    return text;
}
/* What the option of `generate` was, if it was not the method's own. */
static sgf_str candidate_option(const candidate *c, const char *name) {
    const sgf_method *m = &c->method;
    sgf_str value = setting(&c->config, strcmp(name, "format") ? name : "lines");
    const char *own = "";
    char mass[64];
    if (!strcmp(name, "mask")) own = sgf_mask_name(m->mask);
    if (!strcmp(name, "mass")) method_mass(m, mass, sizeof mass), own = mass;
    if (!strcmp(name, "positions"))
        own = m->positions == SGF_POSITIONS_ALIGNED ? "aligned" : "sequential";
    if (!strcmp(name, "fusion_start")) own = "first-answer";
    if (base_str_is(value, own)) value.len = 0;
    return value;
}
/* A choice is an option of one command line; what that line says else must be the same for all. */
static sgf_status candidates_alike(const choice *c, sgf_error *err) {
    static const char *const keys[] = {
        "num_fewshots",     "num_paraphrases", "seed",    "indexs",         "bos",
        "accidents",        "dataset",         "samples", "model_identity", "data_identity",
        "fewshot_identity", "arithmetic"};
    size_t i, k;
    for (i = 0; i < c->count; i++) {
        const json_doc *one = &c->item[0].config, *other = &c->item[i].config;
        if (json_get(other, 0, "separator") &&
            !base_str_is(setting(other, "separator"), sgf_method_separator(&c->item[i].method)))
            return base_fail_at(
                err, SGF_ERR_ARG, c->item[i].f->path, -1,
                "%s: made with --separator, which is not chosen by relation; leave it "
                "out",
                c->item[i].f->path);
        if (json_get(other, 0, "by_relation") || setting(other, "mask").len > 40)
            return base_fail_at(err, SGF_ERR_ARG, c->item[i].f->path, -1,
                                "%s: made with --by_relation or with the mask of a file, so it is "
                                "no choice for a relation; leave it out",
                                c->item[i].f->path);
        for (k = 0; k < sizeof keys / sizeof keys[0]; k++)
            if (!text_same(setting(one, keys[k]), setting(other, keys[k])) &&
                !(!strcmp(keys[k], "num_paraphrases") &&
                  (!strcmp(c->item[0].method.name, "origin") ||
                   !strcmp(c->item[i].method.name, "origin"))))
                return base_fail_at(err, SGF_ERR_ARG, c->item[i].f->path, -1,
                                    "%s and %s differ in %s, which is not chosen by relation; "
                                    "leave one out",
                                    c->item[0].f->path, c->item[i].f->path, keys[k]);
    }
    return SGF_OK;
}
static sgf_status candidates_find(choice *c, sgf_error *err) {
    const study *s = c->s;
    size_t *rank = (size_t *)calloc(s->files + 1, sizeof *rank), i;
    sgf_status status = SGF_OK;
    c->item = (candidate *)calloc(s->files + 1, sizeof *c->item);
    if (!rank || !c->item) {
        free(rank);
        return study_memory(err);
    }
    study_rank(s, rank);
    for (i = 0; i < s->files && !status; i++) {
        const answer_file *f = &s->file[rank[i]];
        candidate *one = &c->item[c->count];
        if (!study_compares(f) || f->derived || !f->config.len || s->summary[rank[i]].clustered)
            continue;
        status = json_parse(f->path, f->config.ptr, f->config.len, &c->arena, &one->config, err);
        if (!status) status = sgf_method_find(f->method, &one->method, err);
        one->f = f, one->file = rank[i];
        c->count++;
    }
    free(rank);
    if (status) return status;
    if (!c->count)
        return base_fail(err, SGF_ERR_ARG,
                         "--by_relation: none of these files is a result of segfuse generate with "
                         "one answer to a question");
    if (!s->relations)
        return base_fail(err, SGF_ERR_ARG,
                         "--by_relation: the relations of these questions are not known; --data "
                         "FILE names the questions with their relations");
    if (s->common < s->questions)
        return base_fail(err, SGF_ERR_ARG,
                         "--by_relation: the files answer different questions, %llu of %llu "
                         "together; give results of one split",
                         (unsigned long long)s->common, (unsigned long long)s->questions);
    return candidates_alike(c, err);
}
/* The best of relation r, the overall best if none has more right answers. */
static size_t choice_of(const choice *c, size_t r) {
    const size_t *right = c->s->relation_right + r * c->s->files;
    size_t i, best = 0;
    for (i = 1; i < c->count; i++)
        if (right[c->item[i].file] > right[c->item[best].file]) best = i;
    return best;
}
static void choice_put(json_out *j, sgf_str relation, const candidate *c) {
    const char *name;
    size_t i;
    json_out_raw(j, j->buf.len > 1 ? ",\n    " : "\n    ");
    j->comma = 0; /* written, with its line */
    json_out_text(j, relation);
    json_out_raw(j, ": ");
    j->comma = 0;
    json_out_open(j, "{");
    json_out_field_text(j, "method", c->method.name);
    for (i = 1; (name = relation_option(i)) != NULL; i++) {
        sgf_str value = candidate_option(c, name);
        if (value.len) json_out_key(j, name), json_out_text(j, value);
    }
    json_out_close(j, "}");
}
static sgf_status choice_save(const choice *c, const json_out *j, sgf_error *err) {
    base_out out;
    sgf_status status = j->status;
    if (status) {
        if (err) *err = j->err;
        return status;
    }
    status = base_out_open(&out, c->path, err);
    if (status) return status;
    base_out_write(&out, j->buf.ptr, j->buf.len, err);
    return base_out_close(&out, err);
}
sgf_status choice_write(const study *s, size_t least, const char *path, sgf_error *err) {
    choice c;
    json_out j;
    size_t r, own = 0, few = 0, all = 0, right = 0;
    sgf_status status;
    memset(&c, 0, sizeof c);
    memset(&j, 0, sizeof j);
    c.s = s, c.path = path;
    base_arena_init(&c.arena, NULL);
    base_buf_init(&j.buf, NULL);
    status = candidates_find(&c, err);
    if (!status) {
        json_out_raw(&j, "{");
        for (r = 0; r < s->relations; r++) {
            size_t enough = s->relation_questions[r] >= least;
            size_t best = enough ? choice_of(&c, r) : 0;
            few += !enough, own += best > 0;
            all += s->relation_right[r * s->files + c.item[0].file];
            right += s->relation_right[r * s->files + c.item[best].file];
            if (best) choice_put(&j, s->relation[r], &c.item[best]);
        }
        choice_put(&j, sgf_text("*"), &c.item[0]);
        json_out_raw(&j, "\n}\n");
        status = choice_save(&c, &j, err);
    }
    if (!status)
        fprintf(stderr,
                "%s: %s is best overall; %llu of %llu relations have another choice, %llu have "
                "fewer than %llu questions\n%llu right answers become %llu on the questions that "
                "they were chosen by, which says little: use the file on other questions\n",
                path, c.item[0].f->name, (unsigned long long)own, (unsigned long long)s->relations,
                (unsigned long long)few, (unsigned long long)least, (unsigned long long)all,
                (unsigned long long)right);
    base_buf_free(&j.buf);
    base_arena_free(&c.arena);
    free(c.item);
    return status;
}
