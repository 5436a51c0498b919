/* LZ4 frames, decompression: what pandas and pyarrow write into Feather files by default. */
#ifndef SEGFUSE_LZ4_H
#define SEGFUSE_LZ4_H

#include "../base/base.h"

/* Decompress the frame at in[0, in_size) to out[out_size]. Returns NULL and the number of bytes in
   *made, or what is wrong. Bytes after the frame are ignored. */
const char *lz4_decompress(const unsigned char *in, size_t in_size, unsigned char *out,
                           size_t out_size, size_t *made);

#endif
