/* transformers' clean_up_tokenization_spaces: " ." -> ".", " n't" -> "n't", and so on. */
#ifndef SEGFUSE_CLEANUP_H
#define SEGFUSE_CLEANUP_H

#include <stddef.h>

/* Clean up a decoded text in place. Returns its new length, which is not greater. */
size_t cleanup_spaces(char *text, size_t len);

#endif
