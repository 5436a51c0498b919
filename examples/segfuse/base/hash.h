/* MD5 and SHA-512. They name things and seed generators; they protect nothing. */
#ifndef SEGFUSE_HASH_H
#define SEGFUSE_HASH_H

#include "../../../segfuse.h"

/* hashlib.md5(text).hexdigest(): 32 hexadecimal digits and a zero byte. */
void hash_md5_hex(sgf_str text, char out[33]);
/* hashlib.sha512(text).digest() */
void hash_sha512(sgf_str text, unsigned char digest[64]);

#endif
