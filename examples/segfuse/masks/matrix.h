/* A visibility matrix of your own, from a small text file. Rows are queries, columns keys; a cell is
   # or 1 (sees), . or 0 (does not), or = (sees its own: itself, or, of another role, the segment of
   the same number). With labels it is a rule on roles and fits any number of paraphrases. This is
   `hub`:

       // every paraphrase sees the first one
                bos shared para1 para sep1 sep answer
       bos       #    #      .    .    .    .    .
       shared    #    #      .    .    .    .    .
       para      #    #      #    =    #    =    .
       sep       #    #      #    =    #    =    .
       answer    #    #      #    #    #    #    #

   Labels are roles; a role with a number (para1, example_q2, sep3: they count from 1) precedes the
   role alone, and `para` also stands for manual and auto where these have no label. The first line
   labels the columns, the first word of every other line its row. Without labels there are S lines of
   S cells, segment by segment, for layouts of just S segments. Spaces between cells do not
   count; // starts a comment. */
#ifndef SEGFUSE_MATRIX_H
#define SEGFUSE_MATRIX_H

#include "../base/base.h"

typedef struct matrix matrix;

/* Read one from a file. An error names the line. `mem` may be NULL. Free it with matrix_free. */
sgf_status matrix_read(const char *path, const sgf_allocator *mem, matrix **out, sgf_error *err);
/* The same from a text in memory; messages call it `name`. */
sgf_status matrix_parse(sgf_str text, const char *name, const sgf_allocator *mem, matrix **out,
                        sgf_error *err);
/* NULL is allowed. */
void matrix_free(matrix *m);
/* Make it the layout's visibility matrix. SGF_ERR_ARG if it does not fit: a role of the layout that
   has no label, another number of segments. The layout is then untouched. */
sgf_status matrix_set(sgf_layout *layout, const matrix *m, sgf_error *err);

#endif
