/* generate --explain: one question seen from inside, by every method: the parts of its prompt, who
   may see whom, the most likely next tokens, and where the answer looks; as text, and as a page.

   The answer is generated as ever. Then every context is computed once more with its answer behind
   it, which gives, to the last bit, the logits of each step again, and what its attention sees. */
#ifndef SEGFUSE_EXPLAIN_H
#define SEGFUSE_EXPLAIN_H

#include "../runs/setup.h"

/* A text as it is; returns the columns it took. */
int text_shown(sgf_str text);
/* 0, or the exit status. */
int explain_do(generate_run *run);

#endif
