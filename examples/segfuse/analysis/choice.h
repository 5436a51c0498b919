/* analyze --by_relation: which method, mask, mass, ... is best for each relation, written as the file
   that `segfuse generate --by_relation` reads. */
#ifndef SEGFUSE_CHOICE_H
#define SEGFUSE_CHOICE_H

#include "study.h"

/* The best overall is "*". A relation of at least `least` questions gets another choice if that has
   more right answers. Says on stderr what was chosen. */
sgf_status choice_write(const study *s, size_t least, const char *path, sgf_error *err);

#endif
