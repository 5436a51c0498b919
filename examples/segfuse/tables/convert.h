/* segfuse convert: a table from one format to another. */
#ifndef SEGFUSE_CONVERT_H
#define SEGFUSE_CONVERT_H

/* A file that is there is only replaced when that was asked for. */
int output_free(const char *verb, const char *path, int rewrite);

#endif
