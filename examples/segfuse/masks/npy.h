/* Arrays as .npy files (numpy.lib.format), and dense masks that somebody else made. */
#ifndef SEGFUSE_NPY_H
#define SEGFUSE_NPY_H

#include "../base/base.h"

/* Write an array as .npy (version 1.0, C order, little-endian). descr: "<f4" for floats, "|b1" for
   bytes of 0/1; shape: 1 to 4 sizes. */
sgf_status npy_write(const char *path, const char *descr, const size_t *shape, size_t dims,
                     const void *data, sgf_error *err);

/* Read a dense mask into `dense`, [T, T] of 0/1, row q, column k.
     .npy   bool; integers 0 and 1; or floats as they are added to scores: 0 is visible, -inf or
            anything up to -10000 hidden. Versions 1 to 3, little- and big-endian, C and Fortran
            order; shape [T, T], or that after dimensions of 1, as [1, 1, T, T].
     text   T lines of T characters: 1 or # visible, 0 or . hidden; spaces and commas do not count.
   Another shape, type or value is refused, by name and place; `dense` is then untouched. `mem` may
   be NULL. */
sgf_status npy_mask_read(const char *path, size_t T, uint8_t *dense, const sgf_allocator *mem,
                         sgf_error *err);
/* The same from bytes in memory; messages call them `name`. */
sgf_status npy_mask_parse(const char *name, sgf_str bytes, size_t T, uint8_t *dense,
                          sgf_error *err);

#endif
