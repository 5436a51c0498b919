/* lz4.h: LZ4 frames, decompression.

   One frame is decompressed; the caller says beforehand how many bytes there may be. Blocks may
   refer to earlier ones (the whole output is kept) unless the frame declares them independent.
   Every checksum that is present is verified. Source: lz4_Frame_format.md 1.6.4,
   lz4_Block_format.md, xxHash specification 0.1. */
#include "lz4.h"

#include <string.h>

static uint32_t lz4_rotate(uint32_t x, int bits) {
    return x << bits | x >> (32 - bits);
}

/* XXH32 with seed 0. */
static uint32_t lz4_xxh32(const unsigned char *p, size_t n) {
    const uint32_t p1 = 2654435761u, p2 = 2246822519u, p3 = 3266489917u, p4 = 668265263u,
                   p5 = 374761393u;
    uint32_t lane[4], hash = p5;
    size_t i, at = 0;
    lane[0] = p1 + p2, lane[1] = p2, lane[2] = 0, lane[3] = 0u - p1;
    for (; n - at >= 16; at += 16)
        for (i = 0; i < 4; i++)
            lane[i] = lz4_rotate(lane[i] + (uint32_t)base_load(p + at + 4 * i, 4) * p2, 13) * p1;
    if (n >= 16)
        hash = lz4_rotate(lane[0], 1) + lz4_rotate(lane[1], 7) + lz4_rotate(lane[2], 12) +
               lz4_rotate(lane[3], 18);
    hash += (uint32_t)n;
    for (; n - at >= 4; at += 4)
        hash = lz4_rotate(hash + (uint32_t)base_load(p + at, 4) * p3, 17) * p4;
    for (; at < n; at++) hash = lz4_rotate(hash + p[at] * p5, 11) * p1;
    hash = (hash ^ hash >> 15) * p2;
    hash = (hash ^ hash >> 13) * p3;
    return hash ^ hash >> 16;
}

typedef struct lz4_stream {
    const unsigned char *in;
    size_t in_size, at;
    unsigned char *out;
    size_t out_size, made; /* capacity, and bytes so far */
    const char *what;      /* the first error, NULL if none */
} lz4_stream;

static int lz4_bad(lz4_stream *z, const char *what) {
    if (!z->what) z->what = what;
    return 0;
}
/* A length of 15 continues in bytes of 255 and a last one. */
static int lz4_length(lz4_stream *z, size_t end, size_t *length) {
    unsigned byte;
    if (*length < 15) return 1;
    do {
        if (z->at >= end) return lz4_bad(z, "a length runs past its block");
        byte = z->in[z->at++];
        *length += byte;
        if (*length > z->out_size) return lz4_bad(z, "more bytes than announced");
    } while (byte == 255);
    return 1;
}
/* Sequences of literals and matches from in[at, end). A match reaches back to out[oldest] at most.
 */
static int lz4_block(lz4_stream *z, size_t end, size_t oldest) {
    while (z->at < end) {
        unsigned token = z->in[z->at++];
        size_t length = token >> 4, offset;
        if (!lz4_length(z, end, &length)) return 0;
        if (length > end - z->at) return lz4_bad(z, "literals run past their block");
        if (length > z->out_size - z->made) return lz4_bad(z, "more bytes than announced");
        if (length) memcpy(z->out + z->made, z->in + z->at, length);
        z->made += length;
        z->at += length;
        if (z->at == end) return 1; /* the last sequence has no match */
        if (end - z->at < 2) return lz4_bad(z, "a match without its offset");
        offset = (size_t)base_load(z->in + z->at, 2);
        z->at += 2;
        if (!offset || offset > z->made - oldest)
            return lz4_bad(z, "a match that begins before the data");
        length = token & 15;
        if (!lz4_length(z, end, &length)) return 0;
        length += 4;
        if (length > z->out_size - z->made) return lz4_bad(z, "more bytes than announced");
        for (; length; length--, z->made++)
            z->out[z->made] = z->out[z->made - offset]; /* may overlap */
    }
    return lz4_bad(z, "a block that ends with a match");
}
/* One block with its size and checksum; 0 at the end mark too, with z->what still NULL. */
static int lz4_next(lz4_stream *z, unsigned flags, size_t most) {
    size_t size, start, made = z->made;
    int stored, ok = 1;
    if (z->in_size - z->at < 4) return lz4_bad(z, "the frame is cut short");
    size = (size_t)base_load(z->in + z->at, 4);
    z->at += 4;
    if (!size) return 0;
    stored = size >> 31 != 0;
    size &= 0x7fffffff;
    if (size > most) return lz4_bad(z, "a block larger than the frame allows");
    if (size > z->in_size - z->at) return lz4_bad(z, "the frame is cut short");
    start = z->at;
    if (stored) {
        if (size > z->out_size - z->made) return lz4_bad(z, "more bytes than announced");
        memcpy(z->out + z->made, z->in + z->at, size);
        z->made += size;
        z->at += size;
    } else ok = lz4_block(z, start + size, flags & 0x20 ? made : 0);
    if (ok && z->made - made > most) return lz4_bad(z, "a block larger than the frame allows");
    if (ok && flags & 0x10) {
        if (z->in_size - z->at < 4) return lz4_bad(z, "the frame is cut short");
        if (base_load(z->in + z->at, 4) != lz4_xxh32(z->in + start, size))
            return lz4_bad(z, "the checksum of a block is wrong");
        z->at += 4;
    }
    return ok;
}
const char *lz4_decompress(const unsigned char *in, size_t in_size, unsigned char *out,
                           size_t out_size, size_t *made) {
    /* magic, FLG (version 2 bits, independent, block checksums, size, checksum, 0, dictionary),
       BD, ... */
    lz4_stream z;
    uint64_t content = 0;
    unsigned flags;
    memset(&z, 0, sizeof z);
    z.in = in;
    z.in_size = in_size;
    z.out = out;
    z.out_size = out_size;
    if (in_size < 7 || base_load(in, 4) != 0x184D2204u) return "not an LZ4 frame";
    flags = in[4];
    if (flags >> 6 != 1 || flags & 2 || in[5] & 0x8F || in[5] >> 4 < 4)
        return "an LZ4 frame of unknown version";
    if (flags & 1) return "an LZ4 frame that needs a dictionary";
    z.at = flags & 8 ? 14 : 6;
    if (z.at >= in_size) return "the frame is cut short";
    if (flags & 8) content = base_load(in + 6, 8);
    if (in[z.at] != (lz4_xxh32(in + 4, z.at - 4) >> 8 & 0xFF))
        return "the checksum of the header is wrong";
    z.at++;
    while (lz4_next(&z, flags, (size_t)1 << (8 + 2 * (in[5] >> 4)))) {}
    if (z.what) return z.what;
    if (flags & 8 && content != z.made)
        return "the frame holds another number of bytes than it says";
    if (flags & 4) {
        if (in_size - z.at < 4) return "the frame is cut short";
        if (base_load(in + z.at, 4) != lz4_xxh32(out, z.made))
            return "the checksum of the data is wrong";
    }
    *made = z.made;
    return NULL;
}
