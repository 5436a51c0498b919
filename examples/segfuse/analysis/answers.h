/* Result files: what a method answered, question by question. Ours and the original's: Feather, CSV
   with Python lists, JSON lines. */
#ifndef SEGFUSE_ANSWERS_H
#define SEGFUSE_ANSWERS_H

#include "../runs/methods.h"

/* A column that holds lists, as such (Feather) or as texts that print lists (CSV). */
typedef struct {
    const struct table *table; /* where the lists are: the file's table, or `own` */
    struct table *own;
    int column;
    int plain; /* the cells are single texts */
    sgf_str one;
} list_column;
void list_close(list_column *list);
/* Single texts, whatever they look like. */
void list_plain(list_column *list, const struct table *table, int column);
/* What list_open takes for a list: any, see table_parse_lists, a plain text too. */
#define LIST_ANY SGF_COLUMN_TYPE_COUNT
/* Open column `name` for lists of that type; list->column is -1 if there is none, or none of a type
   that could be one. `path` is for the error. Close it in any case. */
sgf_status list_open(const char *path, const struct table *table, const char *name,
                     sgf_column_type type, list_column *list, sgf_error *err);
const sgf_str *list_cell(list_column *list, size_t row, size_t *n);
enum { ONE_WAY, TWO_WAY };
typedef struct {
    char path[1024], name[128]; /* name: shown, and different for every file */
    char method[64], model[128], dataset[64];
    char mask[64], positions[32], mass[64];
    char format[32];  /* as of method_format; "": the file does not say */
    sgf_str config;   /* the whole configuration; length 0 if there is none */
    long seed;        /* -1: the file does not say */
    long paraphrases; /* how many the method used; 0: the file does not say */
    long shards;      /* a part of so many of a result; else 0 */
    int partial;      /* what a run that was stopped left */
    int named;        /* by the user, not found in a folder */
    int ours;         /* answer_file_read failed, as it is another table of segfuse */
    int derived;      /* not a file: computed from another one */
    int aside;        /* of another number of paraphrases: not compared with the rest */
    int apart;        /* its rows cannot be assigned to questions */
    struct table *table;
    list_column answers, asked, stored; /* stored: answer_lemmas */
    base_arena arena;
    size_t hopeless;    /* rows without an answer that could be right */
    size_t rows, empty; /* empty: predictions of blanks only */
    size_t foldable[2]; /* wrong predictions that fold = 1 would make right, one-way, two-way */
    sgf_str *uuid, *prediction; /* [rows] */
    sgf_str *words;             /* [rows] the lemmas that the prediction was matched by, joined */
    uint8_t *right[2];          /* [rows] one-way, two-way */
    size_t
        other_answers; /* questions whose answers differ from those of the first file with them */
    size_t repeated;   /* rows that ask what a row before asks, with the same uuid */
    size_t *first, *order; /* rows of question q: order[first[q]] .. order[first[q + 1] - 1] */
} answer_file;
void answer_file_free(answer_file *f);
sgf_status answer_file_room(answer_file *f, size_t rows, sgf_error *err);
/* What the methods are compared as. */
typedef enum { KIND_BASELINE, KIND_ENSEMBLE, KIND_FUSION, KIND_OTHER } method_kind;
method_kind answer_kind(const answer_file *f);
/* Where a row's question stands in words: for the lists of questions. */
sgf_str answer_asked(answer_file *f, size_t row);
/* The result that a shard or a stopped run's file is a part of: the path without what marks the part
   and without its ending. */
void answer_whole(const answer_file *f, char *path, size_t cap);
/* Do two files belong to one method, model and data, so that only the number of paraphrases differs? */
int answer_same_method(const answer_file *a, const answer_file *b);
/* A cell as text, a number too: whole ones as such, what is no number as the empty text. */
sgf_str answer_cell_text(base_arena *arena, const struct table *table, int column, size_t row,
                         sgf_error *err);
/* Read, match, and leave nothing behind on failure. A row is right by the lemmas of the normal forms
   of its texts, folded or not: see unicode.h. The file's lemmas are used for texts that are in it. */
sgf_status answer_file_read(const char *path, int fold, answer_file *f, sgf_error *err);

#endif
