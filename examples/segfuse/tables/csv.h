/* Reading CSV (RFC 4180). */
#ifndef SEGFUSE_CSV_H
#define SEGFUSE_CSV_H

#include "table.h"

/* CSV in memory: a header line, then rows; all columns are SGF_COLUMN_UTF8. Blank lines are
   skipped. */
sgf_status csv_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                    struct table **table, sgf_error *err);

#endif
