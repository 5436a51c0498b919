/* What every part of the program is built on: errors in one line, an arena, growing texts, UTF-8 and
   numbers whatever the locale, files that are read whole and files that appear whole. */
#ifndef SEGFUSE_BASE_H
#define SEGFUSE_BASE_H

#include "../../../segfuse.h"

#include <stdio.h>

#if defined(__GNUC__)
#define BASE_PRINTF(text, args) __attribute__((format(printf, text, args)))
#else
#define BASE_PRINTF(text, args)
#endif

/* Fill `err` (NULL allowed) and return `status`, so that a failing function ends in one line. What is
   not printable in the message becomes '?'. `offset`: byte or line in `file`, -1 if none. */
sgf_status base_fail_at(sgf_error *err, sgf_status status, const char *file, int64_t offset,
                        const char *format, ...) BASE_PRINTF(5, 6);
#define base_fail(err, status, ...) base_fail_at(err, status, NULL, -1, __VA_ARGS__)

/* ---- memory: `mem` is a complete allocator, as base_allocator makes it (NULL: malloc, free) ---- */

sgf_allocator base_allocator(const sgf_allocator *mem);
/* count * size zeroed bytes, or NULL with `err` filled. A count of 0 gives a valid pointer. */
void *base_alloc(const sgf_allocator *mem, size_t count, size_t size, sgf_error *err);
void base_free(const sgf_allocator *mem, void *ptr, size_t count, size_t size);
/* Make room for `need` items in a growing array: *items has *cap items of `size` bytes. */
sgf_status base_grow(const sgf_allocator *mem, void **items, size_t *cap, size_t need, size_t size,
                     sgf_error *err);

/* Memory that is freed all at once. */
typedef struct base_block base_block;
typedef struct base_arena {
    sgf_allocator mem;
    base_block *blocks;
} base_arena;
void base_arena_init(base_arena *arena, const sgf_allocator *mem);
void base_arena_free(base_arena *arena);
/* count * size zeroed bytes, aligned to 16, valid until the arena is freed. */
void *base_arena_alloc(base_arena *arena, size_t count, size_t size, sgf_error *err);
/* All memory of `from`, which is empty then, belongs to `arena`; both have one allocator. */
void base_arena_join(base_arena *arena, base_arena *from);
/* A zero-terminated copy of len bytes. */
char *base_arena_text(base_arena *arena, const char *text, size_t len, sgf_error *err);

/* A little-endian integer of 1 to 8 bytes, on any machine, at any address. */
uint64_t base_load(const unsigned char *in, unsigned size);

/* A growing run of bytes; zero-terminated once something was added. It keeps its first failure: all
   later calls return that. */
typedef struct base_buf {
    sgf_allocator mem;
    char *ptr;
    size_t len, cap;
    sgf_status status;
} base_buf;
void base_buf_init(base_buf *buf, const sgf_allocator *mem);
void base_buf_free(base_buf *buf);
sgf_status base_buf_add(base_buf *buf, const void *bytes, size_t len, sgf_error *err);
sgf_status base_buf_text(base_buf *buf, const char *text, sgf_error *err);

/* ---- texts with a length ---- */

sgf_str base_text_of(const char *ptr, size_t len);
int base_str_is(sgf_str s, const char *text);
/* By bytes; the shorter one first if it is the beginning of the other. */
int base_str_compare(sgf_str a, sgf_str b);
int base_is_space(char c);
/* Without white space at both ends. */
sgf_str base_strip(sgf_str s);
int base_ends_with(const char *path, const char *end);
/* A text for a message: cut behind 80 bytes. */
typedef struct base_shown {
    char text[88];
} base_shown;
base_shown base_show(sgf_str s);
/* 1234567 as "1,234,567"; bytes as "1.50 GiB". */
base_shown base_count(uint64_t n);
base_shown base_bytes(double bytes);

/* Decode one code point of at most n bytes. Returns its length in bytes, 0 for what is not UTF-8. */
size_t base_utf8_next(const char *text, size_t n, uint32_t *code);
/* Encode one code point into out[4]; returns the number of bytes. */
size_t base_utf8_put(uint32_t c, char *out);

/* A decimal number in JSON's grammar -> the nearest double. Returns the bytes used, 0 if there is no
   number. */
size_t base_number_parse(const char *text, size_t n, double *value);
/* As Python's repr() prints it, to out[32]; returns the length. */
size_t base_number_print(double value, char *out);
/* A whole text that is a number: 1, else 0. */
int base_text_i64(sgf_str text, int64_t *value);
int base_text_f64(sgf_str text, double *value);

/* ---- files ---- */

typedef struct base_map { /* a whole file, read-only; an empty one has size 0 and valid data */
    const char *data;
    size_t size;
    int mapped;
    sgf_allocator mem;
} base_map;
/* Refused by name: what stands in place of a file, such as a Git LFS pointer or a page of HTML. */
sgf_status base_map_file(const char *path, const sgf_allocator *mem, base_map *map, sgf_error *err);
void base_unmap(base_map *map);
/* 1 if there is no such file (as opposed to one that cannot be read). */
int base_file_missing(const char *path);

/* A file that appears whole or not at all: it is written under another name in the same folder,
   flushed to the disk, then renamed. After a failure every call returns the first error and `path` is
   as it was. */
typedef struct base_out {
    FILE *file;
    uint64_t size;
    sgf_status status;
    char path[1024], temp[1072];
} base_out;
sgf_status base_out_open(base_out *out, const char *path, sgf_error *err);
sgf_status base_out_write(base_out *out, const void *bytes, size_t n, sgf_error *err);
/* Finish: the file is complete under its name, or the error is returned and nothing has changed. */
sgf_status base_out_close(base_out *out, sgf_error *err);
/* Give up: the temporary file is removed, `path` is as it was. */
void base_out_drop(base_out *out);

#endif
