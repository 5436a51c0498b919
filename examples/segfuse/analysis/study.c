#include "study.h"
#include "../base/unicode.h"
#include "../cli/options.h"
#include "../data/lemma_book.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void study_free(study *s) {
    size_t i;
    for (i = 0; i < s->files; i++) answer_file_free(&s->file[i]);
    for (i = 0; i < s->paraphrase_studies; i++) free(s->paraphrase[i].rows);
    free(s->file), free(s->question), free(s->summary), free(s->pair), free(s->paraphrase);
    free(s->relation), free(s->relation_questions);
    base_arena_free(&s->arena);
    memset(s, 0, sizeof *s);
}
sgf_status study_memory(sgf_error *err) {
    return base_fail(err, SGF_ERR_MEMORY, "out of memory for the results");
}
int study_compares(const answer_file *f) {
    return !f->apart && !f->aside;
}
size_t rows_of(const answer_file *f, size_t q) {
    return f->apart ? 0 : f->first[q + 1] - f->first[q];
}
size_t study_foldable(const study *s) {
    size_t i, n = 0;
    for (i = 0; i < s->files; i++) n += s->file[i].foldable[s->way];
    return n;
}
size_t right_of(const answer_file *f, size_t q, int way) {
    size_t i, n = 0;
    for (i = f->first[q]; i < f->first[q + 1]; i++) n += f->right[way][f->order[i]];
    return n;
}

/* ---- questions ---- */

typedef struct {
    sgf_str uuid;
    size_t order; /* of first appearance */
} uuid_place;

static int uuid_place_order(const void *a, const void *b) {
    const uuid_place *x = (const uuid_place *)a, *y = (const uuid_place *)b;
    int order = answer_text_order(&x->uuid, &y->uuid);
    return order ? order : x->order < y->order ? -1 : x->order > y->order;
}
static int uuid_first_order(const void *a, const void *b) {
    const uuid_place *x = (const uuid_place *)a, *y = (const uuid_place *)b;
    return x->order < y->order ? -1 : x->order > y->order;
}
/* Which rows of a file belong to which question, by counting. place[i] is the question of uuid i. */
static sgf_status study_assign(answer_file *f, const sgf_str *uuids, const size_t *place, size_t n,
                               sgf_error *err) {
    size_t row, q, *at = (size_t *)calloc(n + 1, sizeof *at);
    size_t *of = (size_t *)calloc(f->rows + 1, sizeof *of);
    f->first = (size_t *)calloc(n + 2, sizeof *f->first);
    f->order = (size_t *)calloc(f->rows + 1, sizeof *f->order);
    if (at && of && f->first && f->order) {
        for (row = 0; row < f->rows; row++) {
            of[row] = place[texts_find(uuids, n, f->uuid[row])];
            f->first[of[row] + 1]++;
        }
        for (q = 0; q < n; q++) f->first[q + 1] += f->first[q], at[q] = f->first[q];
        for (row = 0; row < f->rows; row++) f->order[at[of[row]]++] = row;
    }
    free(at);
    free(of);
    return f->first && f->order && at && of ? SGF_OK : study_memory(err);
}
/* What a question is: from the first row that asks it. */
static sgf_status study_describe(study *s, asked_question *q, answer_file *f, size_t row,
                                 sgf_error *err) {
    size_t n = 0;
    const sgf_str *items = list_cell(&f->answers, row, &n);
    sgf_str *answers = (sgf_str *)base_arena_alloc(&s->arena, n + 1, sizeof *answers, err);
    if (!answers) return SGF_ERR_MEMORY;
    if (n) memcpy(answers, items, n * sizeof *answers);
    q->uuid = f->uuid[row];
    q->answers = answers;
    q->answer_count = n;
    q->text = answer_asked(f, row);
    return SGF_OK;
}
/* Are these the question's answers, in any order? `scratch` has room for both. */
static int study_same_answers(const asked_question *q, const sgf_str *items, size_t n,
                              sgf_str *scratch) {
    size_t i, count[2];
    for (i = 0; i < n && i < q->answer_count; i++)
        if (!text_same(items[i], q->answers[i])) break;
    if (i == n && i == q->answer_count) return 1;
    if (n) memcpy(scratch, items, n * sizeof *scratch);
    if (q->answer_count) memcpy(scratch + n, q->answers, q->answer_count * sizeof *scratch);
    count[0] = texts_unique(scratch, n);
    count[1] = texts_unique(scratch + n, q->answer_count);
    for (i = 0; i < count[0] && count[0] == count[1]; i++)
        if (!text_same(scratch[i], scratch[n + i])) return 0;
    return count[0] == count[1];
}
/* What looks like a slip: other answers than the files before have, the same question twice. The rows of
   per_prompt differ by their paraphrase. */
static sgf_status study_doubt(const study *s, answer_file *f, sgf_error *err) {
    size_t q, i, n, most = 0;
    int each = !strncmp(f->method, "per_prompt", 10) && f->asked.column < 0;
    sgf_str *scratch;
    for (q = 0; q < s->questions; q++) {
        if (!rows_of(f, q)) continue;
        list_cell(&f->answers, f->order[f->first[q]], &n);
        n += s->question[q].answer_count + rows_of(f, q);
        most = n > most ? n : most;
    }
    scratch = (sgf_str *)calloc(most + 1, sizeof *scratch);
    if (!scratch) return study_memory(err);
    for (q = 0; q < s->questions; q++) {
        const sgf_str *items;
        if (!rows_of(f, q)) continue;
        items = list_cell(&f->answers, f->order[f->first[q]], &n);
        f->other_answers += !study_same_answers(&s->question[q], items, n, scratch);
        for (i = 0; i < rows_of(f, q); i++) scratch[i] = answer_asked(f, f->order[f->first[q] + i]);
        if (!each) f->repeated += i - texts_unique(scratch, i);
    }
    free(scratch);
    return SGF_OK;
}
/* All questions of all files, in the order in which they appear first. */
static sgf_status study_questions(study *s, sgf_error *err) {
    size_t total = 0, i, row, n = 0, *place;
    uuid_place *all;
    sgf_str *uuids;
    sgf_status status = SGF_OK;
    for (i = 0; i < s->files; i++) total += s->file[i].apart ? 0 : s->file[i].rows;
    all = (uuid_place *)calloc(total + 1, sizeof *all);
    uuids = (sgf_str *)calloc(total + 1, sizeof *uuids);
    place = (size_t *)calloc(total + 1, sizeof *place);
    if (!all || !uuids || !place) status = study_memory(err);
    for (i = total = 0; i < s->files && !status; i++)
        for (row = 0; row < s->file[i].rows && !s->file[i].apart; row++) {
            all[total].uuid = s->file[i].uuid[row];
            all[total].order = total;
            total++;
        }
    if (!status) qsort(all, total, sizeof *all, uuid_place_order);
    for (i = 0; i < total && !status; i++)
        if (!n || answer_text_order(&all[n - 1].uuid, &all[i].uuid)) all[n++] = all[i];
    for (i = 0; i < n; i++) uuids[i] = all[i].uuid;
    if (!status) qsort(all, n, sizeof *all, uuid_first_order);
    for (i = 0; i < n; i++) place[texts_find(uuids, n, all[i].uuid)] = i;
    s->questions = n;
    if (!status && !(s->question = (asked_question *)calloc(n + 1, sizeof *s->question)))
        status = study_memory(err);
    for (i = 0; i < s->files && !status; i++) {
        answer_file *f = &s->file[i];
        if (f->apart) continue;
        status = study_assign(f, uuids, place, n, err);
        for (row = 0; row < n && !status; row++)
            if (!s->question[row].uuid.ptr && rows_of(f, row))
                status = study_describe(s, &s->question[row], f, f->order[f->first[row]], err);
        if (!status) status = study_doubt(s, f, err);
    }
    free(all), free(uuids), free(place);
    return status;
}

/* ---- the vote: what most paraphrases answer, a method that costs nothing more ---- */

typedef struct {
    sgf_str words;
    size_t row;
} ballot;

static int ballot_order(const void *a, const void *b) {
    const ballot *x = (const ballot *)a, *y = (const ballot *)b;
    int order = answer_text_order(&x->words, &y->words);
    return order ? order : x->row < y->row ? -1 : x->row > y->row;
}
/* The row whose prediction, as lemmas, is the most frequent; the earliest one on ties. */
static size_t vote_row(ballot *ballots, size_t n) {
    size_t i, begin = 0, best = 0, most = 0;
    qsort(ballots, n, sizeof *ballots, ballot_order);
    for (i = 1; i <= n; i++) {
        if (i < n && !answer_text_order(&ballots[i].words, &ballots[begin].words)) continue;
        if (i - begin > most || (i - begin == most && ballots[begin].row < best))
            most = i - begin, best = ballots[begin].row;
        begin = i;
    }
    return best;
}
static sgf_status vote_make(const study *s, const answer_file *from, answer_file *out,
                            sgf_error *err) {
    answer_file vote, *f = &vote;
    size_t q, k, row = 0, questions = 0;
    ballot *ballots = (ballot *)calloc(from->rows + 1, sizeof *ballots);
    sgf_status status;
    memset(f, 0, sizeof *f);
    base_arena_init(&f->arena, NULL);
    f->answers.column = f->asked.column = f->stored.column = -1;
    f->derived = 1;
    f->aside = from->aside;
    memcpy(f->format, from->format, sizeof f->format);
    snprintf(f->path, sizeof f->path, "%s", from->path);
    snprintf(f->name, sizeof f->name, "%.100s vote", from->name);
    snprintf(f->method, sizeof f->method, "%.50s vote", from->method);
    for (q = 0; q < s->questions; q++) questions += rows_of(from, q) > 0;
    status = answer_file_room(f, questions, err);
    if (!status && !(f->first = (size_t *)calloc(s->questions + 2, sizeof *f->first)))
        status = study_memory(err);
    if (!status && !(f->order = (size_t *)calloc(questions + 1, sizeof *f->order)))
        status = study_memory(err);
    if (!status && !ballots) status = study_memory(err);
    for (q = 0; q < s->questions && !status; q++) {
        size_t n = rows_of(from, q), chosen;
        f->first[q + 1] = f->first[q] + (n > 0);
        if (!n) continue;
        for (k = 0; k < n; k++) {
            ballots[k].row = from->order[from->first[q] + k];
            ballots[k].words = from->words[ballots[k].row];
        }
        chosen = vote_row(ballots, n);
        f->order[row] = row;
        f->uuid[row] = from->uuid[chosen];
        f->prediction[row] = from->prediction[chosen];
        f->words[row] = from->words[chosen];
        f->right[0][row] = from->right[0][chosen];
        f->right[1][row] = from->right[1][chosen];
        f->empty += (size_t)unicode_blank(f->prediction[row]);
        row++;
    }
    free(ballots);
    if (status) answer_file_free(f);
    else *out = vote;
    return status;
}
static int has_several_rows(const study *s, const answer_file *f) {
    size_t q;
    for (q = 0; q < s->questions; q++)
        if (rows_of(f, q) > 1) return 1;
    return 0;
}

/* ---- what is computed ---- */

static sgf_status study_paraphrases(study *s, size_t file, sgf_error *err) {
    const answer_file *f = &s->file[file];
    paraphrase_study *p = &s->paraphrase[s->paraphrase_studies];
    size_t q, k;
    memset(p, 0, sizeof *p);
    p->file = file;
    for (q = 0; q < s->questions; q++)
        p->places = p->places < rows_of(f, q) ? rows_of(f, q) : p->places;
    p->rows = (size_t *)calloc(2 * p->places + 1, sizeof *p->rows);
    if (!p->rows) return study_memory(err);
    p->right = p->rows + p->places;
    s->paraphrase_studies++;
    for (q = 0; q < s->questions; q++) {
        size_t n = rows_of(f, q), right = 0, equal = 1;
        const size_t *row = f->order + f->first[q];
        if (!n) continue;
        for (k = 0; k < n; k++) {
            p->rows[k]++;
            p->right[k] += f->right[s->way][row[k]];
            right += f->right[s->way][row[k]];
            equal = equal && !answer_text_order(&f->words[row[0]], &f->words[row[k]]);
        }
        p->questions++;
        p->any += right > 0;
        p->all += right == n;
        p->equal += equal;
    }
    return SGF_OK;
}
/* The right rows, and the rows, that a file has for each question of `set`. */
static void study_counts(const answer_file *f, int way, const uint32_t *set, size_t n,
                         uint32_t *right, uint32_t *rows) {
    size_t i;
    for (i = 0; i < n; i++) {
        rows[i] = (uint32_t)rows_of(f, set[i]);
        right[i] = (uint32_t)right_of(f, set[i], way);
    }
}
static sgf_status study_summary(study *s, size_t file, sgf_error *err) {
    const answer_file *f = &s->file[file];
    method_summary *m = &s->summary[file];
    size_t row, q;
    int way;
    m->rows = f->rows;
    for (row = 0; row < f->rows; row++)
        for (way = 0; way < 2; way++) m->right[way] += f->right[way][row];
    for (q = 0; q < s->questions; q++) m->questions += rows_of(f, q) > 0;
    m->clustered = !f->apart && m->questions < m->rows;
    for (way = 0; way < 2; way++) {
        m->rate[way] = m->rows ? (double)m->right[way] / (double)m->rows : 0;
        wilson_interval(m->right[way], m->rows, interval_z, &m->low[way], &m->high[way]);
    }
    if (m->clustered) {
        uint32_t *set = (uint32_t *)calloc(4 * m->questions + 1, sizeof *set), *right, *rows;
        double *rates = (double *)calloc(s->resamples + 1, sizeof *rates);
        right = set + m->questions, rows = right + m->questions;
        if (set && rates) {
            for (q = row = 0; q < s->questions; q++)
                if (rows_of(f, q)) set[row++] = (uint32_t)q;
            for (way = 0; way < 2; way++) {
                study_counts(f, way, set, m->questions, right, rows);
                bootstrap_rates(right, rows, 1, m->questions, s->resamples, s->seed,
                                rows + m->questions, rates);
                middle_95(rates, s->resamples, &m->low[way], &m->high[way]);
            }
        }
        free(set), free(rates);
        if (!set || !rates) return study_memory(err);
    }
    return SGF_OK;
}
static void study_pair(study *s, method_pair *p) {
    const answer_file *a = &s->file[p->first], *b = &s->file[p->second];
    size_t q, hits[2] = {0, 0}, rows[2] = {0, 0};
    double sum = 0, squares = 0; /* of each question's difference */
    p->single = !s->summary[p->first].clustered && !s->summary[p->second].clustered;
    for (q = 0; q < s->questions; q++) {
        size_t n = rows_of(a, q), m = rows_of(b, q), x, y;
        double one;
        if (!n || !m) continue;
        x = right_of(a, q, s->way), y = right_of(b, q, s->way);
        hits[0] += x, hits[1] += y, rows[0] += n, rows[1] += m;
        one = (double)x / (double)n - (double)y / (double)m;
        sum += one, squares += one * one;
        p->questions++;
        if (!p->single) continue;
        if (x && y) p->counts.both++;
        else if (x) p->counts.first++;
        else if (y) p->counts.second++;
        else p->counts.neither++;
        p->same += !answer_text_order(&a->words[a->order[a->first[q]]],
                                      &b->words[b->order[b->first[q]]]);
    }
    p->difference = p->low = p->high = p->error = NAN;
    p->p = p->holm = p->kappa = NAN;
    if (!p->questions) return;
    p->rate[0] = (double)hits[0] / (double)rows[0];
    p->rate[1] = (double)hits[1] / (double)rows[1];
    p->difference = p->rate[0] - p->rate[1];
    if (p->questions > 1) {
        double n = (double)p->questions, variance = (squares - sum * sum / n) / (n - 1) / n;
        p->error = sqrt(variance > 0 ? variance : 0);
    }
    if (p->single) p->p = mcnemar_p(&p->counts), p->kappa = kappa_of(&p->counts);
}
static void study_holm(study *s, double *scratch, size_t *order) {
    size_t i, n = 0;
    double *p = scratch, *corrected = scratch + s->pairs;
    for (i = 0; i < s->pairs; i++)
        if (s->pair[i].single && s->pair[i].questions) p[n++] = s->pair[i].p;
    holm_correct(p, corrected, order, n);
    for (i = n = 0; i < s->pairs; i++)
        if (s->pair[i].single && s->pair[i].questions) s->pair[i].holm = corrected[n++];
}
/* The questions that both answered. */
static size_t study_overlap(const study *s, const method_pair *p, uint32_t *set) {
    size_t q, n = 0;
    for (q = 0; q < s->questions; q++)
        if (rows_of(&s->file[p->first], q) && rows_of(&s->file[p->second], q))
            set[n++] = (uint32_t)q;
    return n;
}
static int study_covers(const answer_file *f, const uint32_t *set, size_t n) {
    size_t i;
    for (i = 0; i < n; i++)
        if (!rows_of(f, set[i])) return 0;
    return 1;
}
/* The intervals of all differences between methods that share one set of questions, from one series
   of resamples. */
static sgf_status study_bootstrap_set(study *s, method_pair *p, uint32_t *set, sgf_error *err) {
    size_t n = study_overlap(s, p, set), i, r, members = 0;
    size_t *member = (size_t *)calloc(s->files + 1, sizeof *member); /* file -> 1 + its place */
    uint32_t *counts;
    double *rates, *difference;
    for (i = 0; member && i < s->files; i++)
        if (study_compares(&s->file[i]) && study_covers(&s->file[i], set, n)) member[i] = ++members;
    counts = (uint32_t *)calloc(2 * members * n + n + 1, sizeof *counts);
    rates = (double *)calloc((members + 1) * s->resamples + 1, sizeof *rates);
    if (member && counts && rates) {
        uint32_t *rows = counts + members * n;
        for (i = 0; i < s->files; i++)
            if (member[i])
                study_counts(&s->file[i], s->way, set, n, counts + (member[i] - 1) * n,
                             rows + (member[i] - 1) * n);
        bootstrap_rates(counts, rows, members, n, s->resamples, s->seed, rows + members * n, rates);
        difference = rates + members * s->resamples;
        for (i = 0; i < s->pairs; i++) {
            method_pair *other = &s->pair[i];
            if (other->questions != n || !member[other->first] || !member[other->second]) continue;
            for (r = 0; r < s->resamples; r++)
                difference[r] = rates[(member[other->first] - 1) * s->resamples + r] -
                                rates[(member[other->second] - 1) * s->resamples + r];
            middle_95(difference, s->resamples, &other->low, &other->high);
        }
    }
    free(rates), free(counts);
    i = member && counts && rates;
    free(member);
    return i ? SGF_OK : study_memory(err);
}
static sgf_status study_pairs(study *s, sgf_error *err) {
    size_t i, k, q, most = s->files * s->files / 2 + 1;
    uint32_t *set = (uint32_t *)calloc(s->questions + 1, sizeof *set);
    double *scratch;
    size_t *order;
    sgf_status status = SGF_OK;
    s->pair = (method_pair *)calloc(most, sizeof *s->pair);
    scratch = (double *)calloc(2 * most, sizeof *scratch);
    order = (size_t *)calloc(most, sizeof *order);
    if (!set || !s->pair || !scratch || !order) status = study_memory(err);
    for (i = 0; i < s->files && !status; i++)
        for (k = i + 1; k < s->files; k++) {
            method_pair *p = &s->pair[s->pairs];
            if (!study_compares(&s->file[i]) || !study_compares(&s->file[k])) continue;
            p->first = i, p->second = k;
            study_pair(s, p);
            s->pairs++;
        }
    if (!status) study_holm(s, scratch, order);
    for (i = 0; i < s->pairs && !status; i++)
        if (s->pair[i].questions && s->pair[i].low != s->pair[i].low)
            status = study_bootstrap_set(s, &s->pair[i], set, err);
    for (q = 0; q < s->questions; q++) {
        for (i = 0; i < s->files; i++)
            if (study_compares(&s->file[i]) && !rows_of(&s->file[i], q)) break;
        s->common += i == s->files;
    }
    free(set), free(scratch), free(order);
    return status;
}

/* ---- relations ---- */

typedef struct {
    sgf_str uuid, relation;
} uuid_relation;

static int uuid_relation_order(const void *a, const void *b) {
    return answer_text_order(&((const uuid_relation *)a)->uuid, &((const uuid_relation *)b)->uuid);
}
/* Relations go to the questions that have none. */
static void study_relate(study *s, uuid_relation *all, size_t n) {
    uuid_relation *found, wanted;
    size_t i;
    if (n) qsort(all, n, sizeof *all, uuid_relation_order);
    for (i = 0; i < s->questions && n; i++) {
        wanted.uuid = s->question[i].uuid;
        found = (uuid_relation *)bsearch(&wanted, all, n, sizeof *all, uuid_relation_order);
        if (found && !s->question[i].relation.len) s->question[i].relation = found->relation;
    }
}
/* Those of a result file's own column, if it has one. */
static sgf_status study_relate_file(study *s, const answer_file *f, sgf_error *err) {
    static const char *const names[] = {"relation", "rel", "rel_uri"};
    int relation = -1;
    size_t row, i;
    uuid_relation *all;
    for (i = 0; i < 3 && relation < 0; i++) relation = table_find(f->table, names[i]);
    if (relation < 0 || (table_type(f->table, relation) != SGF_COLUMN_UTF8 &&
                         table_type(f->table, relation) != SGF_COLUMN_I64))
        return SGF_OK;
    all = (uuid_relation *)calloc(f->rows + 1, sizeof *all);
    if (!all) return study_memory(err);
    for (row = 0; row < f->rows; row++) {
        all[row].uuid = f->uuid[row];
        all[row].relation = answer_cell_text(&s->arena, f->table, relation, row, err);
    }
    study_relate(s, all, f->rows);
    free(all);
    return SGF_OK;
}
/* Those of the questions' data file. */
static sgf_status study_relate_data(study *s, const dataset *data, sgf_error *err) {
    size_t i;
    uuid_relation *all = (uuid_relation *)calloc(data->count + 1, sizeof *all);
    if (!all) return study_memory(err);
    for (i = 0; i < data->count; i++) {
        all[i].uuid = data->questions[i].uuid;
        all[i].relation = data->questions[i].relation;
    }
    study_relate(s, all, data->count);
    free(all);
    return SGF_OK;
}
static sgf_status study_relations(study *s, sgf_error *err) {
    size_t q, i, n = 0;
    s->relation = (sgf_str *)calloc(s->questions + 1, sizeof *s->relation);
    if (!s->relation) return study_memory(err);
    for (q = 0; q < s->questions; q++)
        if (s->question[q].relation.len) s->relation[n++] = s->question[q].relation;
    s->relations = n = texts_unique(s->relation, n);
    s->relation_questions = (size_t *)calloc(n + 2 * n * s->files + 1, sizeof(size_t));
    if (!s->relation_questions) return study_memory(err);
    s->relation_rows = s->relation_questions + n;
    s->relation_right = s->relation_rows + n * s->files;
    for (q = 0; q < s->questions; q++) {
        size_t at = texts_find(s->relation, n, s->question[q].relation);
        if (at < n) s->relation_questions[at]++;
        for (i = 0; i < s->files && at < n; i++) {
            if (s->file[i].apart) continue;
            s->relation_rows[at * s->files + i] += rows_of(&s->file[i], q);
            s->relation_right[at * s->files + i] += right_of(&s->file[i], q, s->way);
        }
    }
    return SGF_OK;
}

sgf_status study_make(study *s, const dataset *data, sgf_error *err) {
    size_t i, given = s->files, kept = 0;
    answer_file *all = (answer_file *)calloc(2 * given + 1, sizeof *all);
    sgf_status status = all ? study_questions(s, err) : study_memory(err);
    for (i = 0; i < given && !status; i++) status = study_relate_file(s, &s->file[i], err);
    if (!status && data) status = study_relate_data(s, data, err);
    if (!status && !(s->paraphrase = (paraphrase_study *)calloc(given + 1, sizeof *s->paraphrase)))
        status = study_memory(err);
    for (i = 0; i < given && !status;
         i++) { /* a file moves to `all`; its lists point to its table */
        int several = !s->file[i].apart && has_several_rows(s, &s->file[i]);
        all[kept++] = s->file[i];
        memset(&s->file[i], 0, sizeof s->file[i]);
        if (several) status = vote_make(s, &all[kept - 1], &all[kept], err);
        if (several && !status) kept++;
    }
    if (!all) return status;
    for (i = 0; i < given; i++) answer_file_free(&s->file[i]);
    free(s->file);
    s->file = all;
    s->files = kept;
    if (!status && !(s->summary = (method_summary *)calloc(kept + 1, sizeof *s->summary)))
        status = study_memory(err);
    for (i = 0; i < kept && !status; i++) status = study_summary(s, i, err);
    for (i = 0; i < kept && !status; i++)
        if (s->summary[i].clustered) status = study_paraphrases(s, i, err);
    if (!status) status = study_pairs(s, err);
    if (!status) status = study_relations(s, err);
    return status;
}

/* ---- looking at it ---- */

size_t study_baseline(const study *s, const char *name) {
    size_t i;
    for (i = 0; i < s->files; i++)
        if (study_compares(&s->file[i]) && (!strcmp(s->file[i].name, name ? name : "origin") ||
                                            !strcmp(s->file[i].method, name ? name : "origin")))
            return i;
    for (i = 0; i < s->files && !name; i++)
        if (study_compares(&s->file[i])) return i;
    return s->files;
}
void study_rank(const study *s, size_t *rank) {
    size_t i, k;
    for (i = 0; i < s->files; i++) {
        double rate = s->summary[i].rate[s->way];
        for (k = i; k && s->summary[rank[k - 1]].rate[s->way] < rate; k--) rank[k] = rank[k - 1];
        rank[k] = i;
    }
}
const method_pair *study_pair_of(const study *s, size_t a, size_t b, int *turned) {
    size_t i;
    for (i = 0; i < s->pairs; i++) {
        *turned = s->pair[i].first == b && s->pair[i].second == a;
        if (*turned || (s->pair[i].first == a && s->pair[i].second == b)) return &s->pair[i];
    }
    return NULL;
}
int study_has_series(const study *s) {
    size_t i, k;
    for (i = 0; i < s->files; i++)
        for (k = 0; k < i; k++)
            if (s->file[i].paraphrases && s->file[k].paraphrases &&
                s->file[i].paraphrases != s->file[k].paraphrases &&
                answer_same_method(&s->file[i], &s->file[k]))
                return 1;
    return 0;
}
const char *study_series_name(const study *s, size_t file, char out[256]) {
    const answer_file *f = &s->file[file];
    int model = 0, data = 0, seed = 0, n;
    size_t k;
    for (k = 0; k < s->files; k++) {
        if (strcmp(s->file[k].method, f->method)) continue;
        model |= strcmp(s->file[k].model, f->model) != 0;
        data |= strcmp(s->file[k].dataset, f->dataset) != 0;
        seed |= s->file[k].seed != f->seed;
    }
    n = snprintf(out, 256, "%s%s%.80s%s%s", f->method, model ? " " : "", model ? f->model : "",
                 data ? " " : "", data ? f->dataset : "");
    if (seed && n > 0 && n < 220) snprintf(out + n, 256 - (size_t)n, " seed %ld", f->seed);
    return out;
}
int study_differs(const study *s, size_t q) {
    size_t i, right = 0, rows = 0;
    for (i = 0; i < s->files; i++) {
        if (!study_compares(&s->file[i]) || s->summary[i].clustered) continue;
        right += right_of(&s->file[i], q, s->way);
        rows += rows_of(&s->file[i], q);
    }
    return right && right < rows;
}

const char *p_text(double p, char out[16]) {
    if (p != p) return "-";
    if (p < 0.0001) return "<0.0001";
    snprintf(out, 16, "%.4f", p);
    return out;
}
const char *kappa_text(double kappa, char out[16]) {
    if (kappa != kappa) return "-";
    snprintf(out, 16, "%.3f", kappa);
    return out;
}
