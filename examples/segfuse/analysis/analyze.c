/* segfuse analyze: which method is better, and how sure is that? Reads result files, prints the
   study as text, JSON or CSV, and writes the report and the detailed table. */
#define _XOPEN_SOURCE 700
#include "../base/unicode.h"
#include "../cli/hub.h"
#include "../cli/model.h"
#include "../data/lemma_book.h"
#include "choice.h"
#include "report.h"
#include "../cli/verbs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    const char *dataset, *model, *data, *report, *format, *table, *detailed, *baseline, *match,
        *by_relation;
    long least, paraphrases, resamples, seed, samples;
    int compare_all, fold;
} analyze_options;

/* ---- which files ---- */

static int path_ends(const char *path, const char *ending) {
    size_t n = strlen(path), k = strlen(ending);
    return n > k && !strcmp(path + n - k, ending);
}
static int path_order(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}
/* The result files of a folder, ascending: FILE.feather, and FILE.csv where there is no Feather of
   that name. The caller frees each path and the list, also after an error. */
static sgf_status folder_results(const char *folder, char ***list, size_t *count, sgf_error *err) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[1200];
    size_t cap = 0;
    sgf_status status = SGF_OK;
    while (dir && (errno = 0, entry = readdir(dir)) != NULL) {
        int csv = path_ends(entry->d_name, ".csv");
        if (!csv && !path_ends(entry->d_name, ".feather")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (csv) {
            char twin[1210];
            snprintf(twin, sizeof twin, "%.*s.feather", (int)strlen(path) - 4, path);
            if (!is_free(twin)) continue;
        }
        if (*count == cap) {
            char **more = (char **)realloc(*list, (cap = cap * 2 + 16) * sizeof **list);
            if (!more) break;
            *list = more;
        }
        (*list)[*count] = (char *)malloc(strlen(path) + 1);
        if (!(*list)[*count]) break;
        strcpy((*list)[(*count)++], path);
    }
    if (dir && entry) status = study_memory(err);
    else if (errno) /* a part of the files would be a wrong comparison */
        status = base_fail_at(err, SGF_ERR_IO, folder, -1, "%s: cannot be read: %s", folder,
                              strerror(errno));
    if (dir) closedir(dir);
    if (*count) qsort(*list, *count, sizeof **list, path_order);
    return status;
}

/* Do two paths name one file? */
static int same_file(const char *a, const char *b) {
    struct stat one, two;
    return !strcmp(a, b) || (!stat(a, &one) && !stat(b, &two) && one.st_dev == two.st_dev &&
                             one.st_ino == two.st_ino);
}
static sgf_status study_add(study *s, const char *path, int named, sgf_error *err) {
    answer_file *more = (answer_file *)realloc(s->file, (s->files + 1) * sizeof *more);
    sgf_status status;
    size_t i;
    if (!more) return study_memory(err);
    s->file = more;
    for (i = 0; i < s->files; i++)
        if (same_file(s->file[i].path, path)) {
            fprintf(stderr, "segfuse analyze: %s is given twice; it counts once\n", path);
            return SGF_OK;
        }
    status = answer_file_read(path, s->fold, &s->file[s->files], err);
    if (status) return status;
    s->file[s->files++].named = named;
    return SGF_OK;
}
/* A folder's files; those that hold no answers are passed over, aloud unless they are tables of our own
   that are expected there. */
static sgf_status study_add_folder(study *s, const char *folder, sgf_error *err) {
    size_t n = 0, i, before = s->files;
    char **paths = NULL;
    sgf_status status = folder_results(folder, &paths, &n, err);
    for (i = 0; i < n; i++) {
        if (!status) status = study_add(s, paths[i], 0, err);
        if (status == SGF_ERR_FORMAT || status == SGF_ERR_UNSUPPORTED) {
            if (!s->file[s->files].ours)
                fprintf(stderr, "segfuse analyze: passed over: %s\n", err->message);
            status = SGF_OK;
        }
        free(paths[i]);
    }
    free(paths);
    if (!status && s->files == before)
        status = base_fail_at(
            err, SGF_ERR_IO, folder, -1,
            "%s: no result files (.feather, .csv) in this folder; segfuse generate "
            "--output makes some",
            folder);
    return status;
}
/* Is it a copy of another of the named files (DIR/fused-5.*)? X.csv and X.json are copies of X.feather;
   without that, X.json is one of X.csv. */
static int is_twin(const char *path, const char *const *files, int count) {
    size_t n = strlen(path);
    int i, csv = path_ends(path, ".csv"), json = path_ends(path, ".json");
    for (i = 0; i < count && (csv || json); i++) {
        size_t stem = n - (csv ? 4 : 5);
        if (strncmp(files[i], path, stem)) continue;
        if (!strcmp(files[i] + stem, ".feather") || (json && !strcmp(files[i] + stem, ".csv")))
            return 1;
    }
    return 0;
}

/* ---- parts of results ---- */

static void study_drop(study *s, size_t i) {
    answer_file_free(&s->file[i]);
    s->files--;
    memmove(&s->file[i], &s->file[i + 1], (s->files - i) * sizeof *s->file);
}
static int same_whole(const answer_file *a, const answer_file *b) {
    char one[1024], two[1024];
    answer_whole(a, one, sizeof one), answer_whole(b, two, sizeof two);
    return !strcmp(one, two) || (a->config.len && a->config.len == b->config.len &&
                                 !memcmp(a->config.ptr, b->config.ptr, a->config.len));
}
/* Shards, and what a stopped run left, are no methods of their own. They are left out if the whole result
   is there, or if several shards are to be merged first; so is a stopped run's file that was not named. */
static void study_parts(study *s) {
    size_t i = 0, k;
    while (i < s->files) {
        const answer_file *f = &s->file[i];
        size_t whole = s->files, parts = 0;
        char path[1024];
        for (k = 0; k < s->files && (f->shards || f->partial); k++) {
            if (!same_whole(f, &s->file[k])) continue;
            if (!s->file[k].shards && !s->file[k].partial) whole = k;
            parts += s->file[k].shards > 0;
        }
        answer_whole(f, path, sizeof path);
        if (f->shards && whole == s->files && parts == 1 && f->named)
            fprintf(stderr, "segfuse analyze: %s is one of %ld shards: a part of the questions\n",
                    f->path, f->shards);
        else if (f->shards && whole < s->files)
            fprintf(stderr, "segfuse analyze: left out: %llu shard%s of %s\n",
                    (unsigned long long)parts, plural(parts), s->file[whole].path);
        else if (f->shards)
            fprintf(stderr,
                    "segfuse analyze: left out: %llu shard%s without their whole; make it first: "
                    "segfuse merge %s.feather %s.shard-*-of-%ld.feather\n",
                    (unsigned long long)parts, plural(parts), path, path, f->shards);
        else if (f->partial && (whole < s->files || !f->named))
            fprintf(stderr,
                    "segfuse analyze: left out: %s, of a run that was stopped; the same segfuse "
                    "generate goes on\n",
                    f->path);
        if (!(f->shards || f->partial) ||
            (f->named && whole == s->files && (f->partial || parts == 1))) {
            i++;
            continue;
        }
        for (k = s->files; f->shards && k-- > i + 1;)
            if (s->file[k].shards && same_whole(f, &s->file[k])) study_drop(s, k);
        study_drop(s, i);
    }
}

/* datasets/D/M as segfuse generate makes it, or one of the other places that are usual. */
static int folder_find(const analyze_options *o, char *folder, size_t cap) {
    static const char *const roots[] = {"datasets", "results", NULL};
    int i;
    for (i = 0; roots[i]; i++) {
        snprintf(folder, cap, "%s/%s/%s", roots[i], o->dataset, o->model);
        if (is_folder(folder)) return 1;
    }
    snprintf(folder, cap, "results/%s", o->model);
    if (is_folder(folder)) return 1;
    fprintf(stderr,
            "segfuse analyze: there is no folder datasets/%s/%s (nor results/%s/%s, results/%s); "
            "name the files or their folder\n",
            o->dataset, o->model, o->dataset, o->model, o->model);
    return 0;
}

/* The end of a path, from its last k folders on. */
static const char *path_tail(const char *path, int k) {
    const char *at = path + strlen(path);
    while (at > path && (at[-1] != '/' || k-- > 0)) at--;
    return at;
}
static int shares_name(const study *s, size_t file) {
    size_t k;
    for (k = 0; k < s->files; k++)
        if (k != file && !strcmp(s->file[k].name, s->file[file].name)) return 1;
    return 0;
}
/* What tells files apart joins their names: model and data where there are several; of names that are
   still shared the seed, then the folders, then a number. */
static sgf_status study_names(study *s, sgf_error *err) {
    int models = 0, sets = 0, depth, k;
    uint8_t *shared = (uint8_t *)calloc(s->files + 1, 1);
    size_t i;
    char name[128];
    if (!shared) return study_memory(err);
    for (i = 1; i < s->files; i++) {
        models |= strcmp(s->file[i].model, s->file[0].model) != 0;
        sets |= strcmp(s->file[i].dataset, s->file[0].dataset) != 0;
    }
    for (i = 0; i < s->files; i++) {
        answer_file *f = &s->file[i];
        int model = models && f->model[0], set = sets && f->dataset[0];
        snprintf(name, sizeof name, "%.60s%s%.40s%s%.20s%s", f->name, model || set ? " (" : "",
                 model ? path_tail(f->model, 0) : "", model && set ? ", " : "",
                 set ? f->dataset : "", model || set ? ")" : "");
        if (model || set) strcpy(f->name, name);
    }
    for (i = 0; i < s->files; i++)
        for (k = 0; k < (int)s->files; k++)
            if (s->file[i].seed != s->file[k].seed && !strcmp(s->file[i].name, s->file[k].name))
                shared[i] = s->file[i].seed >= 0;
    for (i = 0; i < s->files; i++)
        if (shared[i]) {
            snprintf(name, sizeof name, "%.100s seed %ld", s->file[i].name, s->file[i].seed);
            strcpy(s->file[i].name, name);
        }
    for (depth = 1; depth < 8; depth++) {
        for (i = 0; i < s->files; i++) shared[i] = (uint8_t)shares_name(s, i);
        for (i = 0; i < s->files; i++)
            if (shared[i])
                snprintf(s->file[i].name, sizeof s->file[i].name, "%.120s",
                         path_tail(s->file[i].path, depth));
    }
    for (i = 0; i < s->files; i++)
        if (shares_name(s, i)) {
            snprintf(name, sizeof name, "%.110s (%u)", s->file[i].name, (unsigned)i + 1);
            strcpy(s->file[i].name, name);
        }
    free(shared);
    return SGF_OK;
}
/* In folders, methods are compared at one number of paraphrases: as asked, else 5, else the largest
   there is. The others are only used for the accuracy by number. Returns the number, or 0 after
   saying that no result has it. */
static long study_choose(study *s, long wanted, int aside) {
    size_t i = 0, left = 0;
    long most = 0, five = 0, has = 0;
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[i];
        if (answer_kind(f) == KIND_BASELINE) continue;
        most = f->paraphrases > most ? f->paraphrases : most;
        five |= f->paraphrases == 5;
        has |= f->paraphrases == wanted;
    }
    if (wanted && most && !has) {
        fprintf(stderr,
                "segfuse analyze: no result for --num_paraphrases %ld; the largest number there is "
                "%ld (--compare_all shows all)\n",
                wanted, most);
        return 0;
    }
    if (!wanted) wanted = five ? 5 : most;
    for (i = 0; i < s->files;) {
        answer_file *f = &s->file[i];
        f->aside = !f->named && answer_kind(f) != KIND_BASELINE && f->paraphrases &&
                   f->paraphrases != wanted;
        if (f->aside && !aside) left++, study_drop(s, i);
        else i++;
    }
    if (left)
        fprintf(stderr,
                "segfuse analyze: left out: %llu result%s for another number of paraphrases than "
                "%ld; --compare_all shows all\n",
                (unsigned long long)left, plural(left), wanted);
    return wanted ? wanted : 1;
}

/* ---- text ---- */

static int name_width(const study *s) {
    size_t i, width = 12;
    for (i = 0; i < s->files; i++)
        if (strlen(s->file[i].name) > width) width = strlen(s->file[i].name);
    return (int)width;
}
static void text_summary(const study *s, const size_t *rank) {
    int width = name_width(s), starred = 0, said = 0, formats = 0; /* said: by a file */
    size_t i, k;
    for (i = 0; i < s->files; i++)
        for (k = 0; k < s->files && s->file[i].format[0]; k++, said = 1)
            formats |= s->file[k].format[0] && strcmp(s->file[k].format, s->file[i].format);
    printf("\n%-*s  accuracy  95%% interval     %s   rows  empty%s\n", width, "method",
           s->way == TWO_WAY ? "one-way" : "two-way", said ? "  format" : "");
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[rank[i]];
        const method_summary *m = &s->summary[rank[i]];
        printf("%-*s  %.4f    %.4f-%.4f%s   %.4f  %6llu %6llu%s%s\n", width, f->name,
               m->rate[s->way], m->low[s->way], m->high[s->way], m->clustered ? "*" : " ",
               m->rate[1 - s->way], (unsigned long long)m->rows, (unsigned long long)f->empty,
               f->format[0] ? "  " : "", f->format);
        starred |= m->clustered;
    }
    printf("\naccuracy: %s; empty predictions are wrong%s%s\n",
           s->way == TWO_WAY ? "two-way match of lemmas (answer in prediction, or the reverse)"
                             : "one-way match of lemmas (answer in prediction)",
           s->fold ? "; typographic characters are folded (--fold)" : "",
           starred ? "\n* several rows a question: bootstrap over questions; else Wilson" : "");
    if (formats)
        printf("The prompts differ in format, which may be the difference between two methods; "
               "segfuse generate --format line asks all alike\n");
}
/* What --fold would change, and what makes comparisons doubtful. */
static void text_notes(const study *s, FILE *out) {
    size_t i, apart = 0, folded = study_foldable(s);
    if (folded)
        fprintf(out,
                "%llu wrong prediction%s would match after folding typographic characters; --fold "
                "does it\n",
                (unsigned long long)folded, plural(folded));
    for (i = 0; i < s->pairs; i++) apart += !s->pair[i].questions;
    if (apart && s->questions)
        fprintf(out,
                "%llu pair%s of methods answered no question in common and cannot be compared; are "
                "they of one data set?\n",
                (unsigned long long)apart, plural(apart));
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[i];
        if (f->hopeless)
            fprintf(out, "%s: %llu row%s without answers count%s as wrong\n", f->name,
                    (unsigned long long)f->hopeless, plural(f->hopeless),
                    f->hopeless == 1 ? "s" : "");
        if (f->other_answers)
            fprintf(out,
                    "%s: %llu question%s with other answers than in the files before it; are they "
                    "of one data set?\n",
                    f->name, (unsigned long long)f->other_answers, plural(f->other_answers));
        if (f->repeated)
            fprintf(out, "%s: %llu row%s ask%s again what a row before asks, with the same uuid\n",
                    f->name, (unsigned long long)f->repeated, plural(f->repeated),
                    f->repeated == 1 ? "s" : "");
    }
}
/* What the original's scripts print: the gain over origin, and of fusion over the ensembles' mean. */
static void text_gains(const study *s, const size_t *rank, size_t base) {
    int width = name_width(s), turned, printed = 0;
    char p[16], holm[16], kappa[16];
    size_t i;
    for (i = 0; i < s->files && base < s->files; i++) {
        const method_pair *pair = study_pair_of(s, rank[i], base, &turned);
        double rate, sign;
        if (!pair || !pair->questions) continue;
        rate = pair->rate[pair->first == base ? 0 : 1];
        if (!printed++)
            printf("\nCompared with %s, on the questions both answered (+-: standard error of the "
                   "paired difference):\n%-*s  difference +-      95%% "
                   "interval       relative  McNemar p  Holm p    kappa\n",
                   s->file[base].name, width, "");
        sign = turned ? -1 : 1;
        printf("%-*s  %+.4f    %.4f  %+.4f..%+.4f   ", width, s->file[rank[i]].name,
               sign * pair->difference + 0, pair->error, turned ? 0 - pair->high : pair->low,
               turned ? 0 - pair->low : pair->high);
        if (rate > 0) printf("%+7.1f%%", 100 * sign * pair->difference / rate + 0);
        else printf("       -");
        printf("  %-9s  %-8s  %s\n", p_text(pair->p, p), p_text(pair->holm, holm),
               kappa_text(pair->kappa, kappa));
    }
    for (i = 0, printed = 0; i < s->files; i++) {
        const answer_file *f = &s->file[rank[i]];
        size_t ensembles = 0, k;
        double mean = 0, gain;
        if (!study_compares(f) || answer_kind(f) != KIND_FUSION) continue;
        for (k = 0; k < s->files; k++) {
            const answer_file *g = &s->file[k];
            if (study_compares(g) && answer_kind(g) == KIND_ENSEMBLE &&
                !strcmp(f->model, g->model) && !strcmp(f->dataset, g->dataset))
                mean += s->summary[k].rate[s->way], ensembles++;
        }
        if (!ensembles) continue;
        mean /= (double)ensembles;
        gain = s->summary[rank[i]].rate[s->way] - mean;
        printf("%s%s: %+.4f over the mean of %llu logit ensemble%s, %.4f", printed++ ? "" : "\n",
               f->name, gain, (unsigned long long)ensembles, plural(ensembles), mean);
        if (mean > 0) printf(" (%+.1f%%)", 100 * gain / mean);
        printf("\n");
    }
}
static void text_pairs(const study *s) {
    int width = name_width(s);
    char p[16], kappa[16];
    size_t i;
    if (s->pairs > 45)
        printf("\nThe %llu pairs of methods: --format csv --table pairs\n",
               (unsigned long long)s->pairs);
    if (s->pairs < 2 || s->pairs > 45) return;
    printf("\nEvery two methods (only: the questions that one of them alone gets right):\n"
           "%-*s  %-*s  only 1st  only 2nd  same answer  McNemar p  kappa\n",
           width, "1st", width, "2nd");
    for (i = 0; i < s->pairs; i++) {
        const method_pair *m = &s->pair[i];
        if (!m->single || !m->questions) continue;
        printf("%-*s  %-*s  %8llu  %8llu  %10.1f%%  %-9s  %s\n", width, s->file[m->first].name,
               width, s->file[m->second].name, (unsigned long long)m->counts.first,
               (unsigned long long)m->counts.second, 100 * (double)m->same / (double)m->questions,
               p_text(m->p, p), kappa_text(m->kappa, kappa));
    }
}
static void text_paraphrases(const study *s) {
    size_t i, k;
    for (i = 0; i < s->paraphrase_studies; i++) {
        const paraphrase_study *p = &s->paraphrase[i];
        double n = (double)p->questions;
        printf("\n%s: %llu question%s, each asked in up to %llu ways\n", s->file[p->file].name,
               (unsigned long long)p->questions, plural(p->questions),
               (unsigned long long)p->places);
        printf("  accuracy of each  ");
        for (k = 0; k < p->places; k++)
            printf("%s%.4f",
                   k && k % 8 == 0 ? "\n                    "
                   : k             ? " "
                                   : "",
                   (double)p->right[k] / (double)p->rows[k]);
        printf("\n  any right (oracle) %.4f, all right %.4f, all answers equal %.4f\n",
               (double)p->any / n, (double)p->all / n, (double)p->equal / n);
    }
}
static void text_series(const study *s) {
    size_t i, k;
    char name[256];
    if (!study_has_series(s)) return;
    printf("\nOver the number of paraphrases:\n");
    for (i = 0; i < s->files; i++) {
        size_t before = 0, all = 0, best = i;
        for (k = 0; k < s->files; k++) {
            all += (size_t)answer_same_method(&s->file[k], &s->file[i]);
            if (k < i) before += (size_t)answer_same_method(&s->file[k], &s->file[i]);
        }
        if (before || all < 2) continue;
        printf("  %-*s ", name_width(s), study_series_name(s, i, name));
        for (k = i; k < s->files; k++) {
            double rate = s->summary[k].rate[s->way];
            if (!answer_same_method(&s->file[k], &s->file[i])) continue;
            printf(" %ld: %.4f ", s->file[k].paraphrases, rate);
            if (rate > s->summary[best].rate[s->way]) best = k;
        }
        printf(" best: %ld\n", s->file[best].paraphrases);
    }
}
static void text_relations(const study *s, const size_t *rank) {
    size_t r, i, printed, left = 0;
    if (!s->relations) return;
    printf("\nBy relation:\n%-28s  questions", "");
    for (i = printed = 0; i < s->files; i++) {
        if (!study_compares(&s->file[rank[i]])) continue;
        if (printed++ < 8) printf("  %5s", s->file[rank[i]].name);
        else left++;
    }
    printf("\n");
    for (r = 0; r < s->relations; r++) {
        sgf_str name = s->relation[r];
        name.len = name.len < 28 ? name.len : 28;
        text_print(name, 28);
        printf("%*s  %9llu", 28 - (int)name.len, "", (unsigned long long)s->relation_questions[r]);
        for (i = printed = 0; i < s->files && printed < 8; i++) {
            size_t at = r * s->files + rank[i];
            int width = (int)strlen(s->file[rank[i]].name);
            if (!study_compares(&s->file[rank[i]])) continue;
            printed++;
            if (width < 5) width = 5;
            if (s->relation_rows[at])
                printf("  %*.3f", width,
                       (double)s->relation_right[at] / (double)s->relation_rows[at]);
            else printf("  %*s", width, "-");
        }
        printf("\n");
    }
    if (left)
        printf("%llu more method%s: --format csv --table relations\n", (unsigned long long)left,
               plural(left));
}
static void text_question(const study *s, size_t q) {
    const asked_question *ask = &s->question[q];
    size_t i, k;
    printf("\n  ");
    text_print(ask->text.len ? ask->text : ask->uuid, 90);
    printf("\n    %-*s  ", name_width(s), "answers");
    for (i = 0; i < ask->answer_count && i < 4; i++) {
        if (i) printf(" | ");
        text_print(ask->answers[i], 40);
    }
    printf("%s\n", ask->answer_count > 4 ? " | ..." : "");
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[i];
        size_t n = rows_of(f, q);
        if (!study_compares(f) || !n) continue;
        printf("    %-*s  ", name_width(s), f->name);
        for (k = 0; k < n && k < 6; k++) {
            size_t row = f->order[f->first[q] + k];
            if (k) printf(" | ");
            printf("%s ", f->right[s->way][row] ? "+" : "-");
            if (unicode_blank(f->prediction[row])) printf("(empty)");
            else text_print(f->prediction[row], 40);
        }
        printf("%s\n", n > 6 ? " | ..." : "");
    }
}
static void text_questions(const study *s, long samples) {
    size_t q, printed = 0, differ = 0;
    if (samples && s->questions) printf("\nThe first questions (+ right, - wrong):\n");
    for (q = 0; q < s->questions && q < (size_t)samples; q++) text_question(s, q);
    for (q = 0; q < s->questions; q++) differ += (size_t)study_differs(s, q);
    printf("\nThe methods differ on %llu of %llu question%s (--format csv --table questions)%s\n",
           (unsigned long long)differ, (unsigned long long)s->questions, plural(s->questions),
           samples && differ ? "; the first of them:" : "");
    for (q = 0; q < s->questions && printed < (size_t)samples; q++)
        if (study_differs(s, q)) printed++, text_question(s, q);
}
static sgf_status text_all(const study *s, const analyze_options *o, const char *title, size_t base,
                           sgf_error *err) {
    size_t *rank = (size_t *)calloc(s->files + 1, sizeof *rank), i;
    if (!rank) return study_memory(err);
    study_rank(s, rank);
    printf("%s%s%llu question%s", title, *title ? ": " : "", (unsigned long long)s->questions,
           plural(s->questions));
    if (s->common < s->questions)
        printf(
            ", of which every method answered %llu; two methods are compared on those both answered",
            (unsigned long long)s->common);
    printf("\n");
    for (i = 0; i < s->files; i++)
        if (s->file[i].apart)
            printf("%s: its uuids are single letters (a slip of the original's per_prompt), so its "
                   "rows belong to no question: not compared\n",
                   s->file[i].path);
    text_summary(s, rank);
    text_notes(s, stdout);
    text_gains(s, rank, base);
    text_pairs(s);
    text_paraphrases(s);
    text_series(s);
    text_relations(s, rank);
    text_questions(s, o->samples);
    free(rank);
    return SGF_OK;
}

/* ---- JSON ---- */

static void json_method(json_out *j, const study *s, size_t i) {
    static const char *const ways[] = {"one_way", "two_way"};
    const answer_file *f = &s->file[i];
    const method_summary *m = &s->summary[i];
    int way;
    json_out_open(j, "{");
    json_out_field_text(j, "name", f->name);
    json_out_field_text(j, "method", f->method);
    json_out_field_text(j, "file", f->path);
    if (f->paraphrases) json_out_field_size(j, "paraphrases", (size_t)f->paraphrases);
    if (f->format[0]) json_out_field_text(j, "format", f->format);
    json_out_field_size(j, "rows", m->rows);
    json_out_field_size(j, "questions", m->questions);
    json_out_field_size(j, "empty", f->empty);
    json_out_field_size(j, "right_if_folded", f->foldable[s->way]);
    json_out_field_text(j, "interval", m->clustered ? "bootstrap over questions" : "Wilson");
    for (way = TWO_WAY; way >= ONE_WAY; way--) {
        json_out_key(j, ways[way]);
        json_out_open(j, "{");
        json_out_field_size(j, "right", m->right[way]);
        json_out_field_double(j, "accuracy", m->rate[way]);
        json_out_field_double(j, "low", m->low[way]);
        json_out_field_double(j, "high", m->high[way]);
        json_out_close(j, "}");
    }
    json_out_close(j, "}");
}
static void json_pair(json_out *j, const study *s, const method_pair *p) {
    json_out_open(j, "{");
    json_out_field_text(j, "first", s->file[p->first].name);
    json_out_field_text(j, "second", s->file[p->second].name);
    json_out_field_size(j, "questions", p->questions);
    json_out_field_double(j, "difference", p->difference);
    json_out_field_double(j, "low", p->low);
    json_out_field_double(j, "high", p->high);
    json_out_field_double(j, "standard_error", p->error);
    if (p->single) {
        json_out_field_size(j, "both_right", p->counts.both);
        json_out_field_size(j, "only_first_right", p->counts.first);
        json_out_field_size(j, "only_second_right", p->counts.second);
        json_out_field_size(j, "both_wrong", p->counts.neither);
        json_out_field_size(j, "same_prediction", p->same);
        json_out_field_double(j, "mcnemar_p", p->p);
        json_out_field_double(j, "holm_p", p->holm);
        json_out_field_double(j, "kappa", p->kappa);
    }
    json_out_close(j, "}");
}
static void json_paraphrases(json_out *j, const study *s, const paraphrase_study *p) {
    size_t k;
    json_out_open(j, "{");
    json_out_field_text(j, "name", s->file[p->file].name);
    json_out_field_size(j, "questions", p->questions);
    json_out_field_size(j, "any_right", p->any);
    json_out_field_size(j, "all_right", p->all);
    json_out_field_size(j, "all_equal", p->equal);
    json_out_key(j, "accuracy");
    json_out_open(j, "[");
    for (k = 0; k < p->places; k++) json_out_double(j, (double)p->right[k] / (double)p->rows[k]);
    json_out_close(j, "]");
    json_out_close(j, "}");
}
static void json_relation(json_out *j, const study *s, size_t r) {
    size_t i;
    json_out_open(j, "{");
    json_out_key(j, "relation"), json_out_text(j, s->relation[r]);
    for (i = 0; i < s->files; i++) {
        size_t at = r * s->files + i;
        if (!s->relation_rows[at]) continue;
        json_out_key(j, s->file[i].name);
        json_out_open(j, "{");
        json_out_field_size(j, "rows", s->relation_rows[at]);
        json_out_field_size(j, "right", s->relation_right[at]);
        json_out_close(j, "}");
    }
    json_out_close(j, "}");
}
/* One question with what every method answered: [prediction, right] for each row. */
static void json_question(json_out *j, const study *s, size_t q) {
    const asked_question *ask = &s->question[q];
    size_t i, k;
    json_out_open(j, "{");
    json_out_key(j, "uuid"), json_out_text(j, ask->uuid);
    if (ask->text.len) json_out_key(j, "question"), json_out_text(j, ask->text);
    if (ask->relation.len) json_out_key(j, "relation"), json_out_text(j, ask->relation);
    json_out_key(j, "answers");
    json_out_open(j, "[");
    for (i = 0; i < ask->answer_count; i++) json_out_text(j, ask->answers[i]);
    json_out_close(j, "]");
    json_out_key(j, "predictions");
    json_out_open(j, "{");
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[i];
        if (!study_compares(f) || !rows_of(f, q)) continue;
        json_out_key(j, f->name);
        json_out_open(j, "[");
        for (k = f->first[q]; k < f->first[q + 1]; k++) {
            json_out_open(j, "[");
            json_out_text(j, f->prediction[f->order[k]]);
            json_out_size(j, f->right[s->way][f->order[k]]);
            json_out_close(j, "]");
        }
        json_out_close(j, "]");
    }
    json_out_close(j, "}");
    json_out_close(j, "}");
}
static void json_all(json_out *j, const study *s) {
    size_t i;
    json_out_open(j, "{");
    json_out_field_text(j, "segfuse", SGF_VERSION);
    json_out_field_text(j, "match", s->way == TWO_WAY ? "two-way" : "one-way");
    json_out_field_size(j, "fold", (size_t)s->fold);
    json_out_field_size(j, "questions", s->questions);
    json_out_field_size(j, "questions_of_all_methods", s->common);
    json_out_field_size(j, "resamples", s->resamples);
    json_out_field_size(j, "seed", (size_t)s->seed);
    json_out_key(j, "methods"), json_out_open(j, "[");
    for (i = 0; i < s->files; i++) json_method(j, s, i);
    json_out_close(j, "]");
    json_out_key(j, "pairs"), json_out_open(j, "[");
    for (i = 0; i < s->pairs; i++) json_pair(j, s, &s->pair[i]);
    json_out_close(j, "]");
    json_out_key(j, "paraphrases"), json_out_open(j, "[");
    for (i = 0; i < s->paraphrase_studies; i++) json_paraphrases(j, s, &s->paraphrase[i]);
    json_out_close(j, "]");
    json_out_key(j, "relations"), json_out_open(j, "[");
    for (i = 0; i < s->relations; i++) json_relation(j, s, i);
    json_out_close(j, "]");
    json_out_key(j, "differences"), json_out_open(j, "[");
    for (i = 0; i < s->questions; i++)
        if (study_differs(s, i)) json_out_raw(j, "\n"), json_question(j, s, i);
    json_out_close(j, "]");
    json_out_close(j, "}");
    json_out_raw(j, "\n");
}

/* ---- CSV: one table at a time ---- */

static void csv_text(sgf_str text) {
    size_t i;
    int quote = 0;
    for (i = 0; i < text.len; i++) quote |= strchr(",\"\n\r", text.ptr[i]) && text.ptr[i];
    if (quote) putchar('"');
    for (i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') putchar('"');
        putchar(text.ptr[i]);
    }
    if (quote) putchar('"');
}
static void csv_double(double value) {
    char text[40];
    if (value != value) return; /* an empty cell */
    text[base_number_print(value, text)] = 0;
    fputs(text, stdout);
}
static void csv_methods(const study *s) {
    size_t i;
    int way;
    printf("name,method,file,paraphrases,rows,questions,empty,interval,right,accuracy,low,high,"
           "right_one_way,accuracy_one_way,low_one_way,high_one_way,format\n");
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[i];
        const method_summary *m = &s->summary[i];
        csv_text(sgf_text(f->name)), putchar(',');
        csv_text(sgf_text(f->method)), putchar(',');
        csv_text(sgf_text(f->path)), putchar(',');
        if (f->paraphrases) printf("%ld", f->paraphrases);
        printf(",%llu,%llu,%llu,%s", (unsigned long long)m->rows, (unsigned long long)m->questions,
               (unsigned long long)f->empty, m->clustered ? "bootstrap" : "Wilson");
        for (way = TWO_WAY; way >= ONE_WAY; way--) {
            printf(",%llu,", (unsigned long long)m->right[way]);
            csv_double(m->rate[way]), putchar(',');
            csv_double(m->low[way]), putchar(',');
            csv_double(m->high[way]);
        }
        putchar(','), csv_text(sgf_text(f->format)), putchar('\n');
    }
}
static void csv_pairs(const study *s) {
    size_t i;
    printf("first,second,questions,difference,low,high,both_right,only_first_right,"
           "only_second_right,both_wrong,same_prediction,mcnemar_p,holm_p,kappa,standard_error\n");
    for (i = 0; i < s->pairs; i++) {
        const method_pair *p = &s->pair[i];
        csv_text(sgf_text(s->file[p->first].name)), putchar(',');
        csv_text(sgf_text(s->file[p->second].name));
        printf(",%llu,", (unsigned long long)p->questions);
        csv_double(p->difference), putchar(',');
        csv_double(p->low), putchar(',');
        csv_double(p->high);
        if (p->single)
            printf(",%llu,%llu,%llu,%llu,%llu,", (unsigned long long)p->counts.both,
                   (unsigned long long)p->counts.first, (unsigned long long)p->counts.second,
                   (unsigned long long)p->counts.neither, (unsigned long long)p->same);
        else printf(",,,,,,");
        csv_double(p->p), putchar(',');
        csv_double(p->holm), putchar(',');
        csv_double(p->kappa), putchar(',');
        csv_double(p->error), putchar('\n');
    }
}
static void csv_paraphrases(const study *s) {
    size_t i, k;
    printf("name,paraphrase,rows,right,questions,any_right,all_right,all_equal\n");
    for (i = 0; i < s->paraphrase_studies; i++) {
        const paraphrase_study *p = &s->paraphrase[i];
        for (k = 0; k < p->places; k++) {
            csv_text(sgf_text(s->file[p->file].name));
            printf(",%llu,%llu,%llu,%llu,%llu,%llu,%llu\n", (unsigned long long)k,
                   (unsigned long long)p->rows[k], (unsigned long long)p->right[k],
                   (unsigned long long)p->questions, (unsigned long long)p->any,
                   (unsigned long long)p->all, (unsigned long long)p->equal);
        }
    }
}
static void csv_relations(const study *s) {
    size_t r, i;
    printf("relation,name,rows,right,accuracy\n");
    for (r = 0; r < s->relations; r++)
        for (i = 0; i < s->files; i++) {
            size_t at = r * s->files + i;
            if (!s->relation_rows[at]) continue;
            csv_text(s->relation[r]), putchar(',');
            csv_text(sgf_text(s->file[i].name));
            printf(",%llu,%llu,", (unsigned long long)s->relation_rows[at],
                   (unsigned long long)s->relation_right[at]);
            csv_double((double)s->relation_right[at] / (double)s->relation_rows[at]);
            putchar('\n');
        }
}
/* The questions where the methods differ; a row for each row of a method. */
static void csv_questions(const study *s) {
    size_t q, i, k;
    printf("uuid,relation,question,answer,name,prediction,right\n");
    for (q = 0; q < s->questions; q++) {
        const asked_question *ask = &s->question[q];
        if (!study_differs(s, q)) continue;
        for (i = 0; i < s->files; i++) {
            const answer_file *f = &s->file[i];
            if (!study_compares(f)) continue;
            for (k = f->first[q]; k < f->first[q + 1]; k++) {
                csv_text(ask->uuid), putchar(',');
                csv_text(ask->relation), putchar(',');
                csv_text(ask->text), putchar(',');
                if (ask->answer_count) csv_text(ask->answers[0]);
                putchar(','), csv_text(sgf_text(f->name)), putchar(',');
                csv_text(f->prediction[f->order[k]]);
                printf(",%d\n", f->right[s->way][f->order[k]]);
            }
        }
    }
}

/* ---- the detailed table: every row of every file, with what it was matched by ---- */

typedef struct {
    struct table *table;
    int method, index, uuid, relation, question, paraphrases, prompts, generation, prediction,
        answers, lemma, answer_lemmas, correct, correct_one_way;
} detail_table;

static sgf_status detail_create(detail_table *t, sgf_error *err) {
    const struct {
        const char *name;
        sgf_column_type type;
        int *column;
    } columns[] = {{"method", SGF_COLUMN_UTF8, &t->method},
                   {"index", SGF_COLUMN_I64, &t->index},
                   {"uuid", SGF_COLUMN_UTF8, &t->uuid},
                   {"relation", SGF_COLUMN_UTF8, &t->relation},
                   {"question", SGF_COLUMN_UTF8, &t->question},
                   {"paraphrases", SGF_COLUMN_LIST_UTF8, &t->paraphrases},
                   {"prompts", SGF_COLUMN_LIST_UTF8, &t->prompts},
                   {"generation", SGF_COLUMN_UTF8, &t->generation},
                   {"prediction", SGF_COLUMN_UTF8, &t->prediction},
                   {"answers", SGF_COLUMN_LIST_UTF8, &t->answers},
                   {"predict_lemma", SGF_COLUMN_LIST_UTF8, &t->lemma},
                   {"answer_lemmas", SGF_COLUMN_LIST_LIST_UTF8, &t->answer_lemmas},
                   {"correct", SGF_COLUMN_BOOL, &t->correct},
                   {"correct_one_way", SGF_COLUMN_BOOL, &t->correct_one_way}};
    size_t i;
    sgf_status status = table_create(NULL, &t->table, err);
    for (i = 0; i < sizeof columns / sizeof columns[0] && !status; i++)
        status = table_column(t->table, columns[i].name, columns[i].type, columns[i].column, err);
    return status;
}
static sgf_status detail_list(struct table *table, int column, list_column *list, size_t row,
                              sgf_error *err) {
    size_t n = 0;
    const sgf_str *items;
    if (list->column < 0) return table_null(table, column, err);
    items = list_cell(list, row, &n);
    return table_list(table, column, items, n, err);
}
/* The answers' lemmas, of the file where it has them. */
static sgf_status detail_answer_lemmas(detail_table *t, answer_file *f, size_t row,
                                       const lemma_book *book, sgf_error *err) {
    size_t n = 0;
    const sgf_str *items = list_cell(&f->answers, row, &n);
    if (f->stored.column >= 0 && !cell_null(f->stored.table, f->stored.column, row)) {
        size_t i, total = 0, lists = cell_count(f->stored.table, f->stored.column, row), count;
        size_t *counts = (size_t *)calloc(lists + 1, sizeof *counts);
        const sgf_str *first = NULL;
        sgf_status status;
        for (i = 0; counts && i < lists; i++) { /* inner lists stand next to each other */
            const sgf_str *inner = cell_inner(f->stored.table, f->stored.column, row, i, &count);
            if (!total) first = inner;
            total += counts[i] = count;
        }
        status = counts ? table_list_list(t->table, t->answer_lemmas, first, counts, lists, err)
                        : study_memory(err);
        free(counts);
        return status;
    }
    return lemma_book_put(t->table, t->answer_lemmas, book, items, n, err);
}
typedef struct {
    list_column paraphrases, prompts, lemmas;
    int generation;
    lemma_book book;
} detail_source;

static sgf_status detail_row(detail_table *t, const study *s, answer_file *f, size_t row, size_t q,
                             detail_source *d, sgf_error *err) {
    const asked_question *ask = q < s->questions ? &s->question[q] : NULL;
    sgf_status status = table_text(t->table, t->method, sgf_text(f->name), err);
    if (!status) status = table_i64(t->table, t->index, (int64_t)row, err);
    if (!status) status = table_text(t->table, t->uuid, f->uuid[row], err);
    if (!status)
        status = ask && ask->relation.len ? table_text(t->table, t->relation, ask->relation, err)
                                          : table_null(t->table, t->relation, err);
    if (!status) status = table_text(t->table, t->question, answer_asked(f, row), err);
    if (!status) status = detail_list(t->table, t->paraphrases, &d->paraphrases, row, err);
    if (!status) status = detail_list(t->table, t->prompts, &d->prompts, row, err);
    if (!status)
        status = d->generation >= 0 ? table_text(t->table, t->generation,
                                                 cell_text(f->table, d->generation, row), err)
                                    : table_null(t->table, t->generation, err);
    if (!status) status = table_text(t->table, t->prediction, f->prediction[row], err);
    if (!status) status = detail_list(t->table, t->answers, &f->answers, row, err);
    if (!status)
        status = d->lemmas.column >= 0 && !cell_null(d->lemmas.table, d->lemmas.column, row)
                     ? detail_list(t->table, t->lemma, &d->lemmas, row, err)
                     : lemma_book_put_one(t->table, t->lemma, &d->book, f->prediction[row], err);
    if (!status) status = detail_answer_lemmas(t, f, row, &d->book, err);
    if (!status) status = table_bool(t->table, t->correct, f->right[TWO_WAY][row], err);
    if (!status) status = table_bool(t->table, t->correct_one_way, f->right[ONE_WAY][row], err);
    return status;
}
/* Paraphrases or prompts: a list under the second name, or a single text under the first one. */
static sgf_status detail_open(const answer_file *f, const char *single, const char *several,
                              list_column *list, sgf_error *err) {
    int column = table_find(f->table, single);
    if (column < 0 || table_type(f->table, column) != SGF_COLUMN_UTF8)
        return list_open(f->path, f->table, several, LIST_ANY, list, err);
    list_plain(list, f->table, column);
    return SGF_OK;
}
static sgf_status detail_file(detail_table *t, const study *s, answer_file *f, sgf_error *err) {
    detail_source d;
    size_t row, q, n = 0, cap = f->rows, count = 0, i;
    size_t *of = (size_t *)calloc(f->rows + 1, sizeof *of);
    sgf_str *texts;
    sgf_status status;
    memset(&d, 0, sizeof d);
    d.generation = table_find(f->table, "generation");
    if (list_open(f->path, f->table, "predict_lemma", SGF_COLUMN_LIST_UTF8, &d.lemmas, NULL))
        list_close(&d.lemmas);
    for (row = 0; row < f->rows; row++) list_cell(&f->answers, row, &n), cap += n;
    texts = (sgf_str *)calloc(cap + 1, sizeof *texts);
    status = detail_open(f, "paraphrase", "paraphrases", &d.paraphrases, err);
    if (!status) status = detail_open(f, "prompt", "prompts", &d.prompts, err);
    if (!status && (!of || !texts)) status = study_memory(err);
    for (row = 0; row < f->rows && !status; row++) {
        const sgf_str *items = list_cell(&f->answers, row, &n);
        texts[count++] = f->prediction[row];
        for (i = 0; i < n; i++) texts[count++] = items[i];
        of[row] = s->questions;
    }
    if (!status) {
        status = lemma_book_make(&d.book, texts, count, err);
        texts = NULL;
    }
    for (q = 0; q < s->questions && !status && !f->apart; q++)
        for (i = f->first[q]; i < f->first[q + 1]; i++) of[f->order[i]] = q;
    for (row = 0; row < f->rows && !status; row++)
        status = detail_row(t, s, f, row, of[row], &d, err);
    lemma_book_free(&d.book);
    list_close(&d.paraphrases), list_close(&d.prompts), list_close(&d.lemmas);
    free(of), free(texts);
    return status;
}
static sgf_status detail_write(const study *s, const char *path, sgf_error *err) {
    detail_table t;
    size_t i;
    sgf_status status = detail_create(&t, err);
    for (i = 0; i < s->files && !status; i++)
        if (!s->file[i].derived) status = detail_file(&t, s, &s->file[i], err);
    if (!status)
        status = path_ends(path, ".csv") ? table_write_csv(t.table, path, err)
                                         : table_write_feather(t.table, path, err);
    table_free(t.table);
    return status;
}

/* ---- the verb ---- */

/* "MODEL on DATASET", as the options say it or the files do; without what is not one for all. */
static void study_title(const study *s, const analyze_options *o, char *title, size_t cap) {
    const char *model = o->model, *data = o->dataset;
    size_t i;
    int models = 0, sets = 0;
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[i];
        if (f->derived) continue;
        models |= !o->model && model && f->model[0] && strcmp(model, f->model);
        sets |= !o->dataset && data && f->dataset[0] && strcmp(data, f->dataset);
        if (!model && f->model[0]) model = f->model;
        if (!data && f->dataset[0]) data = f->dataset;
    }
    *title = 0;
    if (models) model = "several models";
    if (sets) data = "several data sets";
    if (model && data) snprintf(title, cap, "%.120s on %.60s", model, data);
}
static int analyze_read(study *s, analyze_options *o, const char *const *files, int count,
                        sgf_error *err) {
    char folder[1200];
    sgf_status status = SGF_OK;
    int i, folders = !count;
    size_t n;
    if (!count) {
        if (!o->dataset || !o->model) {
            fprintf(stderr, "segfuse analyze: name result files or a folder of them, or give "
                            "--dataset and --model; see segfuse analyze --help\n");
            return 2;
        }
        if (!folder_find(o, folder, sizeof folder)) return 1;
        status = study_add_folder(s, folder, err);
    } else if (o->dataset && !o->model) {
        fprintf(stderr, "segfuse analyze: --dataset needs --model\n");
        return 2;
    }
    for (i = 0; i < count; i++) folders += is_folder(files[i]);
    if (!folders && (o->paraphrases || o->compare_all)) {
        fprintf(stderr,
                "segfuse analyze: --%s chooses among the results of a folder, and only "
                "files are named\n",
                o->compare_all ? "compare_all" : "num_paraphrases");
        return 2;
    }
    for (i = 0; i < count && !status; i++) {
        if (is_folder(files[i])) status = study_add_folder(s, files[i], err);
        else if (!is_twin(files[i], files, count)) status = study_add(s, files[i], 1, err);
    }
    if (status) return failed("analyze", err);
    for (n = 0; n < s->files; n++)
        if (o->detailed && same_file(o->detailed, s->file[n].path)) {
            fprintf(stderr, "segfuse analyze: --detailed %s would replace one of the results\n",
                    o->detailed);
            return 2;
        }
    for (n = 0; n < s->files && o->by_relation; n++) {
        const char *dot = strrchr(s->file[n].path, '.');
        size_t stem = dot ? (size_t)(dot - s->file[n].path) : 0;
        if (strlen(o->by_relation) != stem + 5 || strncmp(o->by_relation, s->file[n].path, stem))
            continue;
        fprintf(stderr,
                "segfuse analyze: --by_relation %s would replace the configuration of a result\n",
                o->by_relation);
        return 2;
    }
    study_parts(s);
    if (!s->files) return 1; /* which was said */
    if (folders &&
        !(o->paraphrases = study_choose(s, o->paraphrases, o->compare_all || o->report != NULL)))
        return 1;
    return 0;
}
static int analyze_print(study *s, const analyze_options *o, const char *title, size_t base) {
    json_out j;
    sgf_error err;
    if (strcmp(o->format, "text")) text_notes(s, stderr);
    if (o->report && report_write(s, title, base, o->report, &err)) return failed("analyze", &err);
    if (o->detailed && detail_write(s, o->detailed, &err)) return failed("analyze", &err);
    if (o->by_relation && choice_write(s, (size_t)o->least, o->by_relation, &err))
        return failed("analyze", &err);
    if (!strcmp(o->format, "json")) {
        memset(&j, 0, sizeof j);
        base_buf_init(&j.buf, NULL);
        json_all(&j, s);
        if (!j.status) fwrite(j.buf.ptr, 1, j.buf.len, stdout);
        base_buf_free(&j.buf);
        if (j.status) return failed("analyze", &j.err);
    } else if (!strcmp(o->format, "csv")) {
        if (!strcmp(o->table, "methods")) csv_methods(s);
        if (!strcmp(o->table, "pairs")) csv_pairs(s);
        if (!strcmp(o->table, "paraphrases")) csv_paraphrases(s);
        if (!strcmp(o->table, "relations")) csv_relations(s);
        if (!strcmp(o->table, "questions")) csv_questions(s);
    } else if (text_all(s, o, title, base, &err)) return failed("analyze", &err);
    return 0;
}
static int analyze_run(study *s, analyze_options *o, const char *const *files, int count) {
    char path[1200], title[256];
    dataset data;
    sgf_error err;
    sgf_status status;
    size_t base;
    int result = analyze_read(s, o, files, count, &err);
    if (result) return result;
    if (!o->data) project_path("models/questions/test.jsonl", path, sizeof path);
    status = dataset_load(o->data ? o->data : path, "test", &data, &err);
    if (status && (o->data || !is_free(path))) return failed("analyze", &err);
    if (status) memset(&data, 0, sizeof data); /* the bundled questions only give relations */
    status = study_names(s, &err);
    if (!status) status = study_make(s, &data, &err);
    base = status ? 0 : study_baseline(s, o->baseline);
    study_title(s, o, title, sizeof title);
    if (status) result = failed("analyze", &err);
    else if (o->baseline && base == s->files) {
        fprintf(stderr, "segfuse analyze: --baseline %s is none of the methods:", o->baseline);
        for (base = 0; base < s->files; base++)
            fprintf(stderr, "%s %s", base ? "," : "", s->file[base].name);
        fprintf(stderr, "\n");
        result = 1;
    } else result = analyze_print(s, o, title, base);
    dataset_free(&data);
    return result;
}

int verb_analyze(int argc, char **argv) {
    analyze_options o;
    study s;
    static const char *const pages[] = {".html", ".htm", NULL};
    static const char *const tables[] = {".feather", ".csv", NULL};
    static const char *const choices[] = {".json", NULL};
    int rests, status;
    const char **files = (const char **)calloc((size_t)argc + 1, sizeof *files);
    option options[] = {
        {NULL, OPTION_HEADING, NULL, NULL, "Which results (or name files and folders):"},
        {"dataset", OPTION_TEXT, (void *)&o.dataset, "NAME",
         "with --model: the folder datasets/NAME/MODEL"},
        {"model", OPTION_TEXT, (void *)&o.model, "NAME", "the model's name in that path"},
        {"num_paraphrases", OPTION_COUNT, &o.paraphrases, "N",
         "of a folder, the results for N paraphrases (5)"},
        {"compare_all", OPTION_FLAG, &o.compare_all, NULL,
         "of a folder, every number of paraphrases"},
        {"data", OPTION_TEXT, (void *)&o.data, "FILE",
         "the questions, for their relations (the bundled test split)"},
        {NULL, OPTION_HEADING, NULL, NULL, "How to compare:"},
        {"match", OPTION_TEXT, (void *)&o.match, "two-way|one-way",
         "what is right in comparisons (two-way)"},
        {"fold", OPTION_FLAG, &o.fold, NULL,
         "curly quotes, dashes, odd blanks as plain ones before matching"},
        {"baseline", OPTION_TEXT, (void *)&o.baseline, "NAME",
         "the method to compare with (origin)"},
        {"resamples", OPTION_COUNT, &o.resamples, "100..1000000", "of the bootstrap (10000)"},
        {"seed", OPTION_COUNT, &o.seed, "N", "of the bootstrap, as Python's (42)"},
        {NULL, OPTION_HEADING, NULL, NULL, "What to print and write:"},
        {"format", OPTION_TEXT, (void *)&o.format, "text|json|csv",
         "of what goes to stdout (text)"},
        {"table", OPTION_TEXT, (void *)&o.table, "methods|pairs|paraphrases|relations|questions",
         "which table as CSV (methods)"},
        {"samples", OPTION_COUNT, &o.samples, "N", "questions to show with their answers (3)"},
        {"report", OPTION_TEXT, (void *)&o.report, "OUT.html", "the report: one page, no network"},
        {"detailed", OPTION_TEXT, (void *)&o.detailed, "OUT",
         "every row with its match: .feather or .csv"},
        {"by_relation", OPTION_TEXT, (void *)&o.by_relation, "OUT.json",
         "which of the results is best for each relation, for generate --by_relation on other "
         "questions"},
        {"min_questions", OPTION_COUNT, &o.least, "1..N",
         "... for relations of so many questions; the others take the overall best (10)"},
        ROWS_END};
    memset(&o, 0, sizeof o);
    memset(&s, 0, sizeof s);
    o.format = "text", o.match = "two-way";
    o.resamples = 10000, o.seed = 42, o.samples = 3, o.least = 10;
    if (!files) {
        fprintf(stderr, "segfuse analyze: out of memory\n");
        return 1;
    }
    status = options_parse(argc, argv, options, "FILE|DIR...",
                           "Compare methods: accuracies with intervals, tests, agreement, and the "
                           "questions where they differ.",
                           files, &rests, argc);
    if (status < 0 && (!output_ends("report", o.report, pages, ".html") ||
                       !output_ends("detailed", o.detailed, tables, ".feather or .csv") ||
                       !output_ends("by_relation", o.by_relation, choices, ".json")))
        status = 2;
    if (status < 0 && o.table && strcmp(o.format, "csv")) {
        fprintf(stderr, "segfuse analyze: --table %s needs --format csv\n", o.table);
        status = 2;
    }
    if (status < 0) {
        s.way = strcmp(o.match, "one-way") ? TWO_WAY : ONE_WAY;
        s.resamples = (size_t)o.resamples;
        s.seed = o.seed;
        s.fold = o.fold;
        if (!o.table) o.table = "methods";
        base_arena_init(&s.arena, NULL);
        status = analyze_run(&s, &o, files, rests);
        study_free(&s);
    }
    free(files);
    return status;
}
