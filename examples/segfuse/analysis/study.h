/* The study behind `segfuse analyze` and its report: result files brought together question by
   question, and everything that is computed from them. */
#ifndef SEGFUSE_STUDY_H
#define SEGFUSE_STUDY_H

#include "../base/statistics.h"
#include "answers.h"

typedef struct {
    sgf_str uuid, text, relation; /* text, relation: length 0 if unknown */
    const sgf_str *answers;
    size_t answer_count;
} asked_question;
typedef struct {
    size_t rows, questions, right[2];
    double rate[2], low[2], high[2]; /* 95% */
    int clustered; /* several rows a question: the interval is a bootstrap over questions */
} method_summary;
/* Two methods, first minus second, on the questions that both answered. */
typedef struct {
    size_t first, second, questions;
    double rate[2]; /* accuracies on these questions */
    double difference, low, high;
    double error; /* of the difference: the standard error of the mean over questions */
    int single;   /* both have one row a question; only then what follows is defined */
    paired_counts counts;
    double p, holm, kappa;
    size_t same; /* equal predictions, as lemmas */
} method_pair;
/* A file with several rows a question: what its paraphrases have in common. */
typedef struct {
    size_t file, questions, any, all, equal;
    size_t places;        /* the most rows a question has */
    size_t *rows, *right; /* [places] of the first, second, ... paraphrase */
} paraphrase_study;
typedef struct {
    int way;  /* ONE_WAY or TWO_WAY: what counts as right in comparisons */
    int fold; /* are texts folded before they are matched? */
    size_t resamples;
    int64_t seed;
    answer_file *file;
    size_t files;
    asked_question *question;
    size_t questions, common; /* common: answered by every method that is compared */
    method_summary *summary;  /* [files] */
    method_pair *pair;
    size_t pairs;
    paraphrase_study *paraphrase;
    size_t paraphrase_studies;
    sgf_str *relation; /* ascending */
    size_t relations;
    size_t *relation_questions;             /* [relations] */
    size_t *relation_rows, *relation_right; /* [relations][files] */
    base_arena arena;
} study;
void study_free(study *s);
sgf_status study_memory(sgf_error *err);
int study_compares(const answer_file *f);
size_t rows_of(const answer_file *f, size_t q);
/* How many wrong predictions, of all files, would be right if texts were folded. */
size_t study_foldable(const study *s);
/* How many of a question's rows are right. */
size_t right_of(const answer_file *f, size_t q, int way);
/* Everything, once the files are read. Files with several rows a question get their vote behind
   them. `data`: the questions, for their relations; it stays until the study is freed, or is NULL. */
sgf_status study_make(study *s, const dataset *data, sgf_error *err);
/* The place of the method that others are compared with: by name or method; origin or the first
   where nothing is asked. files if there is none of that name. */
size_t study_baseline(const study *s, const char *name);
/* The files, best first. rank has room for s->files, which are few. */
void study_rank(const study *s, size_t *rank);
/* The pair of two methods; *turned says that it stands the other way round. NULL if there is none. */
const method_pair *study_pair_of(const study *s, size_t a, size_t b, int *turned);
/* Are there methods with results for several numbers of paraphrases? */
int study_has_series(const study *s);
/* A method in its results for several numbers of paraphrases, with what tells it from another of that
   name: model, data, seed. */
const char *study_series_name(const study *s, size_t file, char out[256]);
/* Do the methods with one answer a question differ on this one: some right and some wrong? */
int study_differs(const study *s, size_t q);
const char *p_text(double p, char out[16]);
const char *kappa_text(double kappa, char out[16]);

#endif
