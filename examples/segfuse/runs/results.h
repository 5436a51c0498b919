/* Results: where a method's files go, the configuration they carry, the table of rows, and what is
   printed at the end. */
#ifndef SEGFUSE_RESULTS_H
#define SEGFUSE_RESULTS_H

#include "methods.h"

/* Make a folder and those above it. 0 with the errno of the first one that cannot be made. */
int folder_make(const char *path);
/* `folder`/name of the method's files, without the extension. */
void result_path(const generate_run *run, const sgf_method *m, char *path, size_t cap);
/* Found out before the first question: can the files of this method be written? */
int result_writable(const char *path);
void config_text(base_buf *buf, const char *key, const char *value);
void config_number(base_buf *buf, const char *key, long value);
/* What computed, and whether its bits are those that everybody gets. `exact` 0: not for another
   reason. */
void config_device(base_buf *buf, const generate_run *run, int exact);
void config_real(base_buf *buf, const char *key, double value);
/* The chat format and what it writes, if there is one. */
void config_chat(const generate_run *run, base_buf *buf);
/* What every configuration begins with: the model, the questions, the examples and the chat format. */
void config_begin(const generate_run *run, const char *method, size_t samples, base_buf *buf);
/* The configuration of the first `samples` questions, with or without lemmas. */
void method_config(const generate_run *run, const sgf_method *m, size_t samples, int lemmas,
                   base_buf *buf);
typedef struct {
    struct table *table;
    const sgf_method *method;
    int uuid, question, paraphrase, paraphrases, prompt, prompts, answers, prediction, generation;
} result_table;
/* The original's columns, in its order. */
sgf_status result_create(result_table *t, const sgf_method *m, sgf_error *err);
/* A context's prompt as text. */
sgf_status prompt_text(const generate_run *run, const sgf_layout *layout, base_arena *arena,
                       sgf_str *out, sgf_error *err);
/* What a task generated, as text. */
sgf_status task_text(const generate_run *run, const sgf_task *task, base_arena *arena, sgf_str *out,
                     sgf_error *err);
/* One finished task -> one row. */
sgf_status result_add(const generate_run *run, result_table *t, const question *q, const asked *a,
                      size_t which, const sgf_task *task, method_result *result, sgf_error *err);
/* Feather, CSV and, beside the CSV, the configuration. */
sgf_status result_write(const char *path, struct table *table, const base_buf *config,
                        sgf_error *err);
/* Did the model end the answer, with its last token? */
int task_ended(const generate_run *run, const sgf_task *task);
/* How many predictions are empty, and why. */
void empty_tell(const generate_run *run, size_t empty, size_t ended);
/* The result at `path`, if there is one of this configuration; one of another, or of another program,
   is SGF_ERR_ARG. */
typedef struct {
    size_t samples; /* how many questions it is of; 0: there is none */
    int lemmas;     /* it has those columns, and says so */
} result_found;
sgf_status result_peek(const char *path, const base_buf *config, result_found *found,
                       sgf_error *err);
/* Add predict_lemma and answer_lemmas, behind the other columns. */
sgf_status result_lemmatize(struct table *table, sgf_error *err);
void results_print(const generate_run *run, const method_result *r, size_t n);

#endif
