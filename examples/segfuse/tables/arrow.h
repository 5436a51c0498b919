/* Reading Arrow IPC: Feather V2 files and streams. */
#ifndef SEGFUSE_ARROW_H
#define SEGFUSE_ARROW_H

#include "table.h"

/* A file or a stream in memory. */
sgf_status arrow_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                      struct table **table, sgf_error *err);

#endif
