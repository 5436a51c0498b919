/* JSON lines, read and written. */
#ifndef SEGFUSE_JSONL_H
#define SEGFUSE_JSONL_H

#include "table.h"

/* JSON lines, or one array of objects, in memory. */
sgf_status jsonl_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                      struct table **table, sgf_error *err);
/* Add one row and its line end. */
sgf_status jsonl_row(base_buf *line, const struct table *table, size_t row, sgf_error *err);
/* See table_write_jsonl. */
sgf_status jsonl_write(const struct table *table, const char *path, sgf_error *err);

#endif
