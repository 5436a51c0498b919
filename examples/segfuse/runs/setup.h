/* A run: what it was asked to do (options), and what that names (model, questions, examples), loaded.
 */
#ifndef SEGFUSE_SETUP_H
#define SEGFUSE_SETUP_H

#include "../masks/matrix.h"
#include "../data/dataset.h"
#include "chat.h"

typedef struct {
    const char *method, *model, *dataset, *data, *fewshot_data, *mask, *fusion_start, *positions,
        *mass, *bos, *accidents, *confidence, *format, *by_relation;
    const char *separator, *output, *device, *indexs, *kernels, *dump_layout, *shard;
    const char *explain, *report, *reuse, *tag, *chat_before, *chat_after;
    const char *select, *hybrid, *tau, *from_layer, *beams, *length_penalty; /* of sgf_decoding */
    const char *fusion; /* of sgf_method.mixture */
    const char *arithmetic;
    long fewshots, paraphrases, samples, max_new_tokens, batch, threads, seed;
    long manuals, autos; /* of myriadlama_flex; -1: not given */
    int rewrite, lemmatize, quiet, manual_cross, exact, chat, digest;
} generate_options;
/* How sure the model is of a paraphrase, as segfuse confidence found out. */
typedef struct {
    sgf_str uuid, paraphrase;
    double value;
    size_t row;
} confidence;
typedef struct {
    struct table *table;
    confidence *item; /* in order of uuid, paraphrase, row */
    size_t count;
    char path[1100];
    char identity[33]; /* MD5 of all of it; "" if none is used */
} confidences;
typedef struct relation_choices relation_choices; /* see relations.h */
enum { MAX_METHODS = 32 };
/* A run: everything that does not change from method to method. */
typedef struct {
    generate_options o;
    sgf_method method[MAX_METHODS];
    unsigned accidents[MAX_METHODS]; /* of each; see run_accidents */
    size_t methods;
    confidences sure;
    char model_path[1024], model_name[256], folder[1024], data_path[1024], fewshot_path[1024];
    sgf_model *model;
    sgf_session *session;
    dataset data, fewshot;
    const char *instruction;    /* NULL: the data set's */
    chat_format chat;           /* --chat; else its name is NULL */
    base_buf before;            /* of the prompts: --chat without examples, or --chat_before */
    const char *const *wording; /* [o.paraphrases] the one question of segfuse ask; else NULL */
    sgf_example *examples;      /* [o.fewshots + spares] */
    size_t spares;              /* for questions that are among the examples themselves */
    double *mass;               /* one per paraphrase, or NULL */
    matrix *matrix;             /* --mask FILE, or NULL */
    char mask_text[64];         /* what stands for it in the configuration */
    size_t *index;              /* --indexs */
    size_t indexes, count;      /* questions to answer */
    long shard, shards;         /* --shard: 1-based; 0, 0: all questions */
    double trust;               /* --mass entropy or agreement: T; 0: another mass */
    int agreement;              /* it is --mass agreement */
    int rotated;                /* --reuse rotated */
    relation_choices *by;       /* --by_relation, or NULL */
} generate_run;
/* What a method did, for the table. */
typedef struct {
    char name[32];
    size_t rows, right, right_one_way, passes, steps, prefill, decode;
    size_t empty,
        ended;       /* predictions without text; those of them that ended with the first token */
    size_t carried;  /* rows of a result that was there: what they took is not known */
    size_t answered; /* questions, by this run; the others were in the journal */
    double seconds;  /* of this run */
    int whole;       /* no question is missing */
} method_result;
/* --format: is it a known one? The lines that it means; NULL means own. */
int lines_find(const char *format, sgf_lines *lines);
/* The name of a method's lines for files and configurations: "", "line", "lines". */
const char *lines_name(sgf_lines lines);
/* What a method's prompts are called where methods are compared: equal names are equal prompts. */
const char *method_format(const sgf_method *m);
/* The mass of a fusion's paraphrases, as --mass takes it: 1, 1/N, entropy:T or agreement:T. Numbers given
   by hand, and confidences, are not the method's. */
void method_mass(const sgf_method *m, char *out, size_t cap);
/* NAME, or NAME-line: the method with its format, as in file names. */
void method_label(const sgf_method *m, char *out, size_t cap);
/* Only myriadlama_flex asks manual and automatic templates by number. */
int method_by_kind(const sgf_method *m);
/* The accidents of the original's script for this method. */
unsigned method_accidents(const sgf_method *m);
/* The accidents that one of the run's methods was given; 0: none. */
unsigned run_accidents(const generate_run *run, const sgf_method *m);
/* --method M,M,...; "all" are the two baselines. */
int generate_methods(generate_run *run);
/* --mask FILE: what is no mask's name but a file, or looks like one's name. */
int generate_matrix(generate_run *run);
/* --mass entropy:T, agreement:T, or W,W,...: as many positive numbers as paraphrases. */
int generate_mass(generate_run *run);
/* --indexs 0,2,4: which paraphrases to use. */
int generate_indexs(generate_run *run);
/* The token limit: as asked, else the original's. */
long method_tokens(const generate_run *run, const sgf_method *m);
size_t method_autos(const generate_run *run);
size_t method_count(const generate_run *run, const sgf_method *m, const question *q);
/* How many of the first questions have fewer paraphrases than the method asks for. */
size_t method_fewer(const generate_run *run, const sgf_method *m, size_t samples);
/* Has every question a paraphrase that the method asks? */
sgf_status method_enough(const generate_run *run, const sgf_method *m, sgf_error *err);
/* The place of the i-th in --indexs and --mass: those that the question has not are left out. */
size_t method_slot(const generate_run *run, const sgf_method *m, const question *q, size_t i);
/* The paraphrase at place i. */
size_t method_pick(const generate_run *run, const sgf_method *m, const question *q, size_t i);
/* Has the model what the method's options ask for: beams, layers? */
sgf_status method_fits(const generate_run *run, const sgf_method *m, sgf_error *err);
sgf_device device_named(const char *name);
/* Was this program built for that device? Says so if not. */
int device_known(const char *device);
int generate_load(generate_run *run);
/* The instruction, and what a chat format puts around the user's text. */
void run_prompt(const generate_run *run, sgf_prompt *prompt);
/* With --chat, a method that leaves BOS open has it if the template writes it. */
void run_bos(const generate_run *run, sgf_method *m);
/* --chat_before and --chat_after are for models that --chat does not know; 0 after saying so. */
int chat_usage(const generate_options *o);
/* Where results go. 0 after saying that no path is so long: a part of one is another folder. */
int run_folder(generate_run *run);

#endif
