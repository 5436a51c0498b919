/* --by_relation FILE: a JSON object, relation -> what its questions are asked by. "*" is for the
   relations that are not named; without it they are asked as the command line says.

       {"capital": {"method": "avg"}, "symbol": {"mask": "hub", "mass": "1"}, "*": {"mass": "1/N"}}

   A choice is a run of its own, with its options in place of the command line's: so each relation's
   rows are those of a run with these options. */
#ifndef SEGFUSE_RELATIONS_H
#define SEGFUSE_RELATIONS_H

#include "setup.h"

/* What a choice may name: options of generate. NULL after the last. */
const char *relation_option(size_t i);
/* Read the file and check its methods, masks, ...; the exit status after saying what is wrong, else 0. */
int relations_read(generate_run *run);
/* Once model, data and folder are there: check the relations; choices share what the run has. */
int relations_bind(generate_run *run);
void relations_free(generate_run *run);
/* The run that asks this question, and its method: the choice of its relation, or `run` and *m as
   they are. */
const generate_run *relation_run(const generate_run *run, const question *q, const sgf_method **m);
/* The most contexts that a question of this run has. */
size_t relation_contexts(const generate_run *run, const sgf_method *m);
/* All choices in a line, for the configuration. */
sgf_status relations_text(const generate_run *run, base_buf *out, sgf_error *err);

#endif
