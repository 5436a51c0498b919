/* Reading Arrow IPC: Feather V2 files and streams. */
#ifndef SEGFUSE_ARROW_H
#define SEGFUSE_ARROW_H

#include "table.h"

/* Metadata versions, kinds of messages, and the type ids of Schema.fbs that we read. */
enum {
    ARROW_V4 = 3,
    ARROW_V5 = 4,
    ARROW_SCHEMA = 1,
    ARROW_DICTIONARY = 2,
    ARROW_BATCH = 3,
    ARROW_NULL = 1,
    ARROW_INT = 2,
    ARROW_FLOAT = 3,
    ARROW_UTF8 = 5,
    ARROW_BOOL = 6,
    ARROW_LIST = 12,
    ARROW_UNION = 14,
    ARROW_FIXED_LIST = 16,
    ARROW_LARGE_UTF8 = 20,
    ARROW_LARGE_LIST = 21,
    ARROW_UTF8_VIEW = 24,
    ARROW_LAST = 26
};

/* A file or a stream in memory. */
sgf_status arrow_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                      struct table **table, sgf_error *err);

#endif
