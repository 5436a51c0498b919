/* What the program says about itself: the overview, the manual page, completion for shells. Verbs
   and their options are described by their tables alone (main.c, options.c); what concerns no
   single verb stands here. */
#ifndef SEGFUSE_MANUAL_H
#define SEGFUSE_MANUAL_H

#include "options.h"

#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* The verb of that name; NULL after saying that there is none. */
const program_verb *verb_find(const char *name);
void overview(FILE *out);

#endif
