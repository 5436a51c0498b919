/* Reading JSON lines. */
#ifndef SEGFUSE_JSONL_H
#define SEGFUSE_JSONL_H

#include "table.h"

/* JSON lines, or one array of objects, in memory. */
sgf_status jsonl_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                      struct table **table, sgf_error *err);

#endif
