/* hash.h: SHA-512 is FIPS 180-4, MD5 is RFC 1321. */
#include "hash.h"

#include <stdint.h>
#include <string.h>

/* The last one or two blocks of a message: what is left of the text, one 1 bit, zeros, and the
   length in bits. Returns their size. MD5 has blocks of 64 bytes, SHA-512 of 128, big-endian. */
static size_t hash_tail(sgf_str text, size_t block, int big_endian, unsigned char tail[256]) {
    size_t rest = text.len % block, size = rest + 1 + block / 8 <= block ? block : 2 * block, i;
    uint64_t bits = (uint64_t)text.len * 8;
    memset(tail, 0, 256);
    if (rest) memcpy(tail, text.ptr + (text.len - rest), rest);
    tail[rest] = 0x80;
    for (i = 0; i < 8; i++)
        tail[big_endian ? size - 1 - i : size - block / 8 + i] = (unsigned char)(bits >> 8 * i);
    return size;
}

static uint64_t hash_sha512_rotate(uint64_t x, int right) {
    return x >> right | x << (64 - right);
}

static void hash_sha512_block(uint64_t state[8], const unsigned char *block) {
    static const uint64_t constants[80] = {
        0x428a2f98d728ae22u, 0x7137449123ef65cdu, 0xb5c0fbcfec4d3b2fu, 0xe9b5dba58189dbbcu,
        0x3956c25bf348b538u, 0x59f111f1b605d019u, 0x923f82a4af194f9bu, 0xab1c5ed5da6d8118u,
        0xd807aa98a3030242u, 0x12835b0145706fbeu, 0x243185be4ee4b28cu, 0x550c7dc3d5ffb4e2u,
        0x72be5d74f27b896fu, 0x80deb1fe3b1696b1u, 0x9bdc06a725c71235u, 0xc19bf174cf692694u,
        0xe49b69c19ef14ad2u, 0xefbe4786384f25e3u, 0x0fc19dc68b8cd5b5u, 0x240ca1cc77ac9c65u,
        0x2de92c6f592b0275u, 0x4a7484aa6ea6e483u, 0x5cb0a9dcbd41fbd4u, 0x76f988da831153b5u,
        0x983e5152ee66dfabu, 0xa831c66d2db43210u, 0xb00327c898fb213fu, 0xbf597fc7beef0ee4u,
        0xc6e00bf33da88fc2u, 0xd5a79147930aa725u, 0x06ca6351e003826fu, 0x142929670a0e6e70u,
        0x27b70a8546d22ffcu, 0x2e1b21385c26c926u, 0x4d2c6dfc5ac42aedu, 0x53380d139d95b3dfu,
        0x650a73548baf63deu, 0x766a0abb3c77b2a8u, 0x81c2c92e47edaee6u, 0x92722c851482353bu,
        0xa2bfe8a14cf10364u, 0xa81a664bbc423001u, 0xc24b8b70d0f89791u, 0xc76c51a30654be30u,
        0xd192e819d6ef5218u, 0xd69906245565a910u, 0xf40e35855771202au, 0x106aa07032bbd1b8u,
        0x19a4c116b8d2d0c8u, 0x1e376c085141ab53u, 0x2748774cdf8eeb99u, 0x34b0bcb5e19b48a8u,
        0x391c0cb3c5c95a63u, 0x4ed8aa4ae3418acbu, 0x5b9cca4f7763e373u, 0x682e6ff3d6b2b8a3u,
        0x748f82ee5defb2fcu, 0x78a5636f43172f60u, 0x84c87814a1f0ab72u, 0x8cc702081a6439ecu,
        0x90befffa23631e28u, 0xa4506cebde82bde9u, 0xbef9a3f7b2c67915u, 0xc67178f2e372532bu,
        0xca273eceea26619cu, 0xd186b8c721c0c207u, 0xeada7dd6cde0eb1eu, 0xf57d4f7fee6ed178u,
        0x06f067aa72176fbau, 0x0a637dc5a2c898a6u, 0x113f9804bef90daeu, 0x1b710b35131c471bu,
        0x28db77f523047d84u, 0x32caab7b40c72493u, 0x3c9ebe0a15c9bebcu, 0x431d67c49c100d4cu,
        0x4cc5d4becb3e42b6u, 0x597f299cfc657e2au, 0x5fcb6fab3ad6faecu, 0x6c44198c4a475817u,
    };
    uint64_t w[80], s[8];
    int i, j;
    for (i = 0; i < 16; i++)
        for (w[i] = 0, j = 0; j < 8; j++) w[i] = w[i] << 8 | block[8 * i + j];
    for (; i < 80; i++) {
        uint64_t x = w[i - 15], y = w[i - 2];
        x = hash_sha512_rotate(x, 1) ^ hash_sha512_rotate(x, 8) ^ x >> 7;
        y = hash_sha512_rotate(y, 19) ^ hash_sha512_rotate(y, 61) ^ y >> 6;
        w[i] = w[i - 16] + x + w[i - 7] + y;
    }
    memcpy(s, state, sizeof s);
    for (i = 0; i < 80; i++) {
        uint64_t a = s[0], e = s[4], t1, t2;
        t1 = hash_sha512_rotate(e, 14) ^ hash_sha512_rotate(e, 18) ^ hash_sha512_rotate(e, 41);
        t1 += s[7] + ((e & s[5]) ^ (~e & s[6])) + constants[i] + w[i];
        t2 = hash_sha512_rotate(a, 28) ^ hash_sha512_rotate(a, 34) ^ hash_sha512_rotate(a, 39);
        t2 += (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]);
        for (j = 7; j > 0; j--) s[j] = s[j - 1];
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (i = 0; i < 8; i++) state[i] += s[i];
}
void hash_sha512(sgf_str text, unsigned char digest[64]) {
    uint64_t state[8] = {
        0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
        0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
    };
    unsigned char tail[256];
    size_t size = hash_tail(text, 128, 1, tail), at;
    int i;
    for (at = 0; text.len - at >= 128; at += 128)
        hash_sha512_block(state, (const unsigned char *)text.ptr + at);
    for (at = 0; at < size; at += 128) hash_sha512_block(state, tail + at);
    for (i = 0; i < 64; i++) digest[i] = (unsigned char)(state[i / 8] >> (56 - 8 * (i % 8)));
}

static void hash_md5_block(uint32_t state[4], const unsigned char *block) {
    static const uint32_t constants[64] = {
        0xd76aa478u, 0xe8c7b756u, 0x242070dbu, 0xc1bdceeeu, 0xf57c0fafu, 0x4787c62au, 0xa8304613u,
        0xfd469501u, 0x698098d8u, 0x8b44f7afu, 0xffff5bb1u, 0x895cd7beu, 0x6b901122u, 0xfd987193u,
        0xa679438eu, 0x49b40821u, 0xf61e2562u, 0xc040b340u, 0x265e5a51u, 0xe9b6c7aau, 0xd62f105du,
        0x02441453u, 0xd8a1e681u, 0xe7d3fbc8u, 0x21e1cde6u, 0xc33707d6u, 0xf4d50d87u, 0x455a14edu,
        0xa9e3e905u, 0xfcefa3f8u, 0x676f02d9u, 0x8d2a4c8au, 0xfffa3942u, 0x8771f681u, 0x6d9d6122u,
        0xfde5380cu, 0xa4beea44u, 0x4bdecfa9u, 0xf6bb4b60u, 0xbebfbc70u, 0x289b7ec6u, 0xeaa127fau,
        0xd4ef3085u, 0x04881d05u, 0xd9d4d039u, 0xe6db99e5u, 0x1fa27cf8u, 0xc4ac5665u, 0xf4292244u,
        0x432aff97u, 0xab9423a7u, 0xfc93a039u, 0x655b59c3u, 0x8f0ccc92u, 0xffeff47du, 0x85845dd1u,
        0x6fa87e4fu, 0xfe2ce6e0u, 0xa3014314u, 0x4e0811a1u, 0xf7537e82u, 0xbd3af235u, 0x2ad7d2bbu,
        0xeb86d391u,
    };
    static const unsigned char left_by[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    static const unsigned char first[4] = {0, 1, 5, 0}, step[4] = {1, 5, 3, 7};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], w[16];
    int i, left;
    for (i = 0; i < 16; i++)
        w[i] = block[4 * i] | (uint32_t)block[4 * i + 1] << 8 | (uint32_t)block[4 * i + 2] << 16 |
               (uint32_t)block[4 * i + 3] << 24;
    for (i = 0; i < 64; i++) {
        uint32_t mix, x;
        int round = i / 16;
        if (round == 0) mix = (b & c) | (~b & d);
        else if (round == 1) mix = (d & b) | (~d & c);
        else if (round == 2) mix = b ^ c ^ d;
        else mix = c ^ (b | ~d);
        x = a + mix + constants[i] + w[(first[round] + step[round] * i) % 16];
        left = left_by[round][i % 4];
        a = d, d = c, c = b;
        b += x << left | x >> (32 - left);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}
void hash_md5_hex(sgf_str text, char out[33]) {
    uint32_t state[4] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
    unsigned char tail[256];
    size_t size = hash_tail(text, 64, 0, tail), at;
    int i;
    for (at = 0; text.len - at >= 64; at += 64)
        hash_md5_block(state, (const unsigned char *)text.ptr + at);
    for (at = 0; at < size; at += 64) hash_md5_block(state, tail + at);
    for (i = 0; i < 32; i++) out[i] = "0123456789abcdef"[state[i / 8] >> 4 * (i % 8 ^ 1) & 15];
    out[32] = 0;
}
