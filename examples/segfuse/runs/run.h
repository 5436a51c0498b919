/* Running one method: its questions, some in flight together, from the prompt to a row of its table. */
#ifndef SEGFUSE_RUN_H
#define SEGFUSE_RUN_H

#include "methods.h"

/* A batch of questions: their tasks, layouts and texts, in one arena. */
typedef struct {
    base_arena arena;
    sgf_task *tasks;
    sgf_layout *layouts;
    asked *asked; /* [questions] */
    size_t count, layout_count;
} batch;
/* The tasks of the n questions named. Ends also after a failure with batch_free. */
sgf_status batch_build(const generate_run *run, const sgf_method *m, const size_t *questions,
                       size_t n, batch *b, sgf_error *err);
void batch_free(batch *b);
/* The layout of the first question's first context, for `segfuse forward`. */
int layout_dump(generate_run *run, const sgf_method *m);
/* Does that path leave room for the endings of all its files, the temporary ones included? Says so
   if not, before any folder is made. */
int method_path_fits(const generate_run *run, const sgf_method *m);
/* Before anything runs: may this method's files be written, and are they there already? 1 to run
   it, 0 if there is nothing to do (then *result says what they hold), -1 if it cannot be. */
int method_wanted(const generate_run *run, const sgf_method *m, method_result *result);
/* Run one method and write its files. 0, or the exit status. */
int method_do(generate_run *run, const sgf_method *m, method_result *result);
void run_free(generate_run *run);

#endif
