/* base.h: memory, texts, numbers and files of the program. */
#define _XOPEN_SOURCE 700
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Messages quote files, which may hold anything: what is not UTF-8 (a character that was cut, too)
   and control characters become '?'. */
static void base_printable(char *text) {
    size_t left = strlen(text), n;
    uint32_t code;
    for (; left; text += n, left -= n) {
        n = base_utf8_next(text, left, &code);
        if (n && code >= 0x20 && code != 0x7F && (code < 0x80 || code >= 0xA0)) continue;
        if (n && code == '\n') continue;
        if (!n) n = 1;
        memset(text, '?', n);
    }
}
/* Fill `err` (NULL allowed) and return `status`, so that a failing function ends in one line. */
sgf_status base_fail_at(sgf_error *err, sgf_status status, const char *file, int64_t offset,
                        const char *format, ...) {
    if (err) {
        va_list args;
        err->status = status;
        err->offset = offset;
        err->file[0] = 0;
        if (file) snprintf(err->file, sizeof err->file, "%s", file);
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        base_printable(err->message);
    }
    return status;
}
static void *base_malloc(size_t size, void *user) {
    (void)user;
    return malloc(size);
}
static void base_mfree(void *ptr, size_t size, void *user) {
    (void)size;
    (void)user;
    free(ptr);
}
sgf_allocator base_allocator(const sgf_allocator *mem) {
    sgf_allocator standard;
    standard.alloc = base_malloc;
    standard.free = base_mfree;
    standard.user = NULL;
    return mem ? *mem : standard;
}
/* count * size zeroed bytes, or NULL with `err` filled. A count of 0 gives a valid pointer. */
void *base_alloc(const sgf_allocator *mem, size_t count, size_t size, sgf_error *err) {
    void *ptr = NULL;
    size_t bytes = count ? count * size : 1;
    if (!count || !size || bytes / count == size) ptr = mem->alloc(bytes ? bytes : 1, mem->user);
    if (ptr) return memset(ptr, 0, bytes ? bytes : 1);
    base_fail(err, SGF_ERR_MEMORY, "out of memory: %llu items of %llu bytes were wanted",
              (unsigned long long)count, (unsigned long long)size);
    return NULL;
}
void base_free(const sgf_allocator *mem, void *ptr, size_t count, size_t size) {
    if (ptr) mem->free(ptr, count && size ? count * size : 1, mem->user);
}
/* Make room for `need` items in a growing array: *items has *cap items of `size` bytes. */
sgf_status base_grow(const sgf_allocator *mem, void **items, size_t *cap, size_t need, size_t size,
                     sgf_error *err) {
    size_t n = *cap ? *cap : 16;
    void *grown;
    if (need <= *cap) return SGF_OK;
    while (n < need) n = n > SIZE_MAX / 2 ? need : n * 2;
    grown = base_alloc(mem, n, size, err);
    if (!grown) return SGF_ERR_MEMORY;
    if (*items) memcpy(grown, *items, *cap * size);
    base_free(mem, *items, *cap, size);
    *items = grown;
    *cap = n;
    return SGF_OK;
}
struct base_block {
    base_block *next;
    size_t size, used; /* of the bytes after this header */
};

void base_arena_init(base_arena *arena, const sgf_allocator *mem) {
    arena->mem = base_allocator(mem);
    arena->blocks = NULL;
}
void base_arena_free(base_arena *arena) {
    while (arena->blocks) {
        base_block *block = arena->blocks;
        arena->blocks = block->next;
        base_free(&arena->mem, block, sizeof *block + block->size, 1);
    }
}
/* count * size zeroed bytes, aligned to 16, valid until the arena is freed. */
void *base_arena_alloc(base_arena *arena, size_t count, size_t size, sgf_error *err) {
    size_t header = (sizeof(base_block) + 15) & ~(size_t)15, bytes;
    base_block *block = arena->blocks;
    void *ptr;
    if (size && count > (SIZE_MAX / 4) / size)
        return base_alloc(&arena->mem, SIZE_MAX, SIZE_MAX, err);
    bytes = (count * size + 15) & ~(size_t)15;
    if (!block || block->size - block->used < bytes) {
        size_t want = block ? block->size * 2 : 4096;
        if (want > ((size_t)1 << 22)) want = (size_t)1 << 22;
        if (want < bytes + header) want = bytes + header;
        block = (base_block *)base_alloc(&arena->mem, sizeof *block + want, 1, err);
        if (!block) return NULL;
        block->size = want;
        block->used = header - sizeof *block;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    ptr = (char *)(block + 1) + block->used;
    block->used += bytes;
    return ptr;
}
void base_arena_join(base_arena *arena, base_arena *from) {
    base_block **last;
    for (last = &arena->blocks; *last; last = &(*last)->next) {}
    *last = from->blocks;
    from->blocks = NULL;
}
/* A zero-terminated copy of len bytes. */
char *base_arena_text(base_arena *arena, const char *text, size_t len, sgf_error *err) {
    char *copy = (char *)base_arena_alloc(arena, len + 1, 1, err);
    if (copy && len) memcpy(copy, text, len);
    return copy;
}
uint64_t base_load(const unsigned char *in, unsigned size) {
    uint64_t value = 0;
    while (size--) value = value << 8 | in[size];
    return value;
}
void base_buf_init(base_buf *buf, const sgf_allocator *mem) {
    buf->mem = base_allocator(mem);
    buf->ptr = NULL;
    buf->len = buf->cap = 0;
    buf->status = SGF_OK;
}
void base_buf_free(base_buf *buf) {
    base_free(&buf->mem, buf->ptr, buf->cap, 1);
    buf->ptr = NULL;
    buf->len = buf->cap = 0;
}
sgf_status base_buf_add(base_buf *buf, const void *bytes, size_t len, sgf_error *err) {
    void *ptr = buf->ptr;
    if (buf->status) return buf->status;
    if (len > SIZE_MAX - buf->len - 1)
        return buf->status = base_fail(err, SGF_ERR_LIMIT, "a text would exceed the address space");
    buf->status = base_grow(&buf->mem, &ptr, &buf->cap, buf->len + len + 1, 1, err);
    if (buf->status) return buf->status;
    buf->ptr = (char *)ptr;
    if (len) memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = 0;
    return SGF_OK;
}
sgf_status base_buf_text(base_buf *buf, const char *text, sgf_error *err) {
    return base_buf_add(buf, text, strlen(text), err);
}

/* ---- texts with a length ---- */

sgf_str base_text_of(const char *ptr, size_t len) {
    sgf_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}
int base_str_is(sgf_str s, const char *text) {
    size_t n = strlen(text);
    return s.len == n && !memcmp(s.ptr, text, n);
}
int base_str_compare(sgf_str a, sgf_str b) {
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}
int base_is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
sgf_str base_strip(sgf_str s) {
    while (s.len && base_is_space(s.ptr[0])) s.ptr++, s.len--;
    while (s.len && base_is_space(s.ptr[s.len - 1])) s.len--;
    return s;
}
int base_ends_with(const char *path, const char *end) {
    size_t n = strlen(path), m = strlen(end);
    return n >= m && !strcmp(path + n - m, end);
}
base_shown base_show(sgf_str s) {
    base_shown out;
    size_t i = 0, n = 0, len;
    uint32_t code;
    while (i < s.len && (len = base_utf8_next(s.ptr + i, s.len - i, &code)) != 0 && n + len <= 80) {
        memcpy(out.text + n, s.ptr + i, len);
        if (code < 0x20 || code == 0x7F) out.text[n] = '?';
        n += len;
        i += len;
    }
    if (i < s.len) memcpy(out.text + n, "...", 3), n += 3;
    out.text[n] = 0;
    return out;
}
base_shown base_count(uint64_t n) {
    base_shown out;
    char digits[24];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), i, k = 0;
    for (i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0) out.text[k++] = ',';
        out.text[k++] = digits[i];
    }
    out.text[k] = 0;
    return out;
}
base_shown base_bytes(double bytes) {
    base_shown out;
    if (bytes >= 1 << 30) snprintf(out.text, sizeof out.text, "%.2f GiB", bytes / (1 << 30));
    else snprintf(out.text, sizeof out.text, "%.2f MiB", bytes / (1 << 20));
    return out;
}
/* Decode one code point of at most n bytes. Returns its length in bytes, or 0 when the bytes are
   not valid UTF-8 (overlong forms, surrogates, values above U+10FFFF and cut sequences are not). */
size_t base_utf8_next(const char *text, size_t n, uint32_t *code) {
    const unsigned char *p = (const unsigned char *)text;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len, i;
    uint32_t c;
    if (!n) return 0;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || len > n) return 0;
    c = p[0] & (0x7Fu >> len);
    for (i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
    *code = c;
    return len;
}
/* Encode one code point into out[4]; returns the number of bytes. */
size_t base_utf8_put(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}
/* A decimal number in JSON's grammar -> the nearest double. Returns the bytes used, 0 if there is
   no number. Up to 19 digits and small powers of ten need one exact operation (Clinger 1990); the
   rest goes to strtod as a whole number and an exponent, which no locale spells in another way: its
   first 800 digits, and a 1 if others follow, since 767 decide how a double is rounded. */
size_t base_number_parse(const char *text, size_t n, double *value) {
    enum { KEPT = 800 };
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char kept[KEPT + 32];
    uint64_t digits = 0;
    int64_t used = 0, scale = 0, exponent = 0;
    int negative = 0, sign = 1, point = 0, more = 0;
    size_t i = 0, start;
    double d;
    if (i < n && text[i] == '-') negative = 1, i++;
    start = i;
    if (i >= n || text[i] < '0' || text[i] > '9') return 0;
    if (text[i] == '0' && i + 1 < n && text[i + 1] >= '0' && text[i + 1] <= '9') return 0;
    for (; i < n; i++) {
        if (text[i] == '.' && !point && i + 1 < n && text[i + 1] >= '0' && text[i + 1] <= '9') {
            point = 1;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') break;
        if (used || text[i] != '0') used++;
        if (used <= 19) digits = digits * 10 + (uint64_t)(text[i] - '0');
        if (used && used <= KEPT) kept[used - 1] = text[i];
        if (used > KEPT) more |= text[i] != '0', scale++;
        scale -= point;
    }
    if (i == start || (i < n && text[i] == '.')) return 0;
    if (i < n && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (i < n && (text[i] == '+' || text[i] == '-')) sign = text[i++] == '-' ? -1 : 1;
        if (i >= n || text[i] < '0' || text[i] > '9') return 0;
        for (; i < n && text[i] >= '0' && text[i] <= '9'; i++)
            if (exponent < INT64_MAX / 100) exponent = exponent * 10 + (text[i] - '0');
    }
    exponent = sign * exponent + scale;
    if (used <= 19 && digits <= ((uint64_t)1 << 53) && exponent >= -22 && exponent <= 22) {
        d = (double)digits;
        d = exponent < 0 ? d / ten[-exponent] : d * ten[exponent];
    } else if (!used) d = 0;
    else {
        size_t count = used < KEPT ? (size_t)used : (size_t)KEPT;
        if (more) kept[count++] = '1', exponent--;
        exponent = exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : exponent; /* inf, 0 */
        snprintf(kept + count, sizeof kept - count, "e%d", (int)exponent);
        d = strtod(kept, NULL);
    }
    *value = negative ? -d : d;
    return i;
}
/* A decimal text that reads back as the same double, in Python's spelling ("0.1", "1e-07", "inf",
   "nan", always with a point or exponent), and as short as Python's but for one digit at a few powers
   of two. out has room for 32 bytes; returns the length. */
size_t base_number_print(double value, char *out) {
    char text[64], digit[24];
    int precision = value < 2.3e-308 && value > -2.3e-308 ? 0 : 14, exponent, count = 0, i, n = 0;
    const char *p = text;
    if (value != value) return (size_t)snprintf(out, 32, "nan");
    if (value > 1.7976931348623157e308) return (size_t)snprintf(out, 32, "inf");
    if (value < -1.7976931348623157e308) return (size_t)snprintf(out, 32, "-inf");
    do {
        snprintf(text, sizeof text, "%.*e", precision,
                 value); /* and back, both in the same locale */
    } while (strtod(text, NULL) != value && ++precision <= 16);
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && count < 20)
            digit[count++] = *p; /* what is between digits is the point */
    exponent = *p ? atoi(p + 1) : 0;
    while (count > 1 && digit[count - 1] == '0') count--;
    if (text[0] == '-') out[n++] = '-';
    if (exponent < -4 || exponent >= 16) {
        out[n++] = digit[0];
        if (count > 1) out[n++] = '.';
        for (i = 1; i < count; i++) out[n++] = digit[i];
        return (size_t)(n + snprintf(out + n, 32 - (size_t)n, "e%c%02d", exponent < 0 ? '-' : '+',
                                     abs(exponent)));
    }
    for (i = exponent < 0 ? exponent : 0; i < count || i <= exponent + 1; i++) {
        if (i == exponent + 1) out[n++] = '.';
        out[n++] = i >= 0 && i < count ? digit[i] : '0';
    }
    out[n] = 0;
    return (size_t)n;
}
int base_text_i64(sgf_str text, int64_t *value) {
    uint64_t digits = 0;
    size_t i = 0;
    int negative = text.len > 1 && text.ptr[0] == '-';
    if (negative) i = 1;
    if (!text.len) return 0;
    for (; i < text.len; i++) {
        unsigned d = (unsigned char)text.ptr[i] - (unsigned)'0';
        if (d > 9 || digits > (UINT64_MAX - d) / 10) return 0;
        digits = digits * 10 + d;
    }
    if (digits > (uint64_t)INT64_MAX + (negative ? 1u : 0u)) return 0;
    *value = negative ? (int64_t)(0 - digits) : (int64_t)digits;
    return 1;
}
int base_text_f64(sgf_str text, double *value) {
    int negative = text.len && text.ptr[0] == '-';
    sgf_str rest = base_text_of(text.ptr + negative, text.len - (size_t)negative);
    if (base_str_is(rest, "inf")) *value = negative ? -(double)INFINITY : (double)INFINITY;
    else if (base_str_is(rest, "nan") || base_str_is(rest, "NaN")) *value = (double)NAN;
    else return text.len && base_number_parse(text.ptr, text.len, value) == text.len;
    return 1;
}

/* ---- files that are read ---- */

void base_unmap(base_map *map) {
    if (map->mapped && map->data) munmap((void *)(uintptr_t)map->data, map->size);
    if (!map->mapped && map->data)
        base_free(&map->mem, (void *)(uintptr_t)map->data, map->size + 1, 1);
    map->data = NULL;
    map->size = 0;
}
/* Bring a whole file into view. An empty file gives size 0 and valid data. */
static sgf_status base_map_bytes(const char *path, const sgf_allocator *mem, base_map *map,
                                 sgf_error *err) {
    sgf_status status = SGF_ERR_IO;
    char *data = NULL;
    size_t size = 0;
    FILE *file = NULL;
    map->mem = base_allocator(mem);
    {
        struct stat info;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return base_fail_at(err, SGF_ERR_IO, path, -1, "%s: cannot be opened: %s", path,
                                strerror(errno));
        if (!fstat(fd, &info) && S_ISDIR(info.st_mode)) {
            close(fd);
            return base_fail_at(err, SGF_ERR_IO, path, -1, "%s: is a folder, a file was wanted",
                                path);
        }
        if (!fstat(fd, &info) && S_ISREG(info.st_mode) && info.st_size > 0 &&
            (uint64_t)info.st_size <= SIZE_MAX) {
            void *view = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
            if (view != MAP_FAILED) {
                close(fd);
                map->data = (const char *)view;
                map->size = (size_t)info.st_size;
                map->mapped = 1;
                return SGF_OK;
            }
        }
        file = fdopen(fd, "rb"); /* a pipe, an empty file: read it */
        if (!file) close(fd);
    }
    if (!file)
        return base_fail_at(err, SGF_ERR_IO, path, -1, "%s: cannot be opened: %s", path,
                            strerror(errno));
    {
        void *grown = NULL;
        size_t cap = 0, got;
        do {
            status = base_grow(&map->mem, &grown, &cap, size + 65536, 1, err);
            if (status) break;
            data = (char *)grown;
            got = fread(data + size, 1, cap - size - 1, file);
            size += got;
        } while (got);
        if (!status && ferror(file))
            status = base_fail_at(err, SGF_ERR_IO, path, (int64_t)size,
                                  "%s: reading failed after %llu bytes: %s", path,
                                  (unsigned long long)size, strerror(errno));
        fclose(file);
        if (!status) { /* shrink to size + 1, the length base_unmap frees */
            char *exact = (char *)base_alloc(&map->mem, size + 1, 1, err);
            if (exact) memcpy(exact, data, size);
            else status = SGF_ERR_MEMORY;
            base_free(&map->mem, data, cap, 1);
            data = exact;
        } else base_free(&map->mem, grown, cap, 1);
    }
    if (status) return status;
    map->data = data;
    map->size = size;
    map->mapped = 0;
    return SGF_OK;
}
/* Does `text` begin with `word`, or (within) hold it? Capitals and small letters are the same. */
static int base_says(sgf_str text, const char *word, int within) {
    size_t n = strlen(word), at, i;
    for (at = 0; at + n <= text.len && (within || !at); at++) {
        for (i = 0; i < n && (text.ptr[at + i] | 32) == (word[i] | 32); i++) {}
        if (i == n) return 1;
    }
    return 0;
}
/* One short line, as servers answer instead of a file. */
static int base_is_answer(sgf_str text) {
    static const char *const words[] = {"not found",         "denied",
                                        "forbidden",         "unauthorized",
                                        "not authenticated", "is restricted",
                                        "bad gateway",       "invalid user",
                                        "internal server",   "too many requests",
                                        "rate limit",        "redirecting to",
                                        "gateway time",      "request timeout",
                                        "moved permanently", "service unavailable"};
    size_t i;
    if (text.len > 400 || (text.len && memchr(text.ptr, '\n', text.len))) return 0;
    if (base_says(text, "{\"error\":", 0)) return 1;
    if (text.len && (text.ptr[0] == '{' || text.ptr[0] == '[') &&
        !base_says(text, "{\"message\":", 0) && !base_says(text, "{\"detail\":", 0))
        return 0;
    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (base_says(text, words[i], 1)) return 1;
    return 0;
}
/* What stands where a file should be: what git leaves without git-lfs, a page, a server's answer. */
static sgf_status base_refuse_stand_in(const char *path, sgf_str text, sgf_error *err) {
    if (base_says(text, "\xEF\xBB\xBF", 0)) text.ptr += 3, text.len -= 3;
    while (text.len && base_is_space(text.ptr[0])) text.ptr++, text.len--;
    if (base_says(text, "version https://git-lfs.github.com/spec/", 0) ||
        base_says(text, "version https://hawser.github.com/spec/", 0))
        return base_fail_at(err, SGF_ERR_FORMAT, path, 0,
                            "%s: this is a Git LFS pointer, not the file: git lfs pull, or hf "
                            "download, fetches it",
                            path);
    if (base_says(text, "<!doctype", 0) || base_says(text, "<html", 0) ||
        base_says(text, "<head", 0) || base_says(text, "<?xml", 0))
        return base_fail_at(err, SGF_ERR_FORMAT, path, 0,
                            "%s: this is a page of HTML or XML, not data; the address it came from "
                            "is that of a page, a login or an error. Download the file itself (on "
                            "the hub: /resolve/ instead of /blob/, or hf download)",
                            path);
    if (text.len <= 1000 && base_is_answer(base_strip(text)))
        return base_fail_at(err, SGF_ERR_FORMAT, path, 0,
                            "%s: this is a server's answer, not data: \"%s\"; check the address "
                            "and whether you may read it, and download the file again",
                            path, base_show(base_strip(text)).text);
    return SGF_OK;
}
sgf_status base_map_file(const char *path, const sgf_allocator *mem, base_map *map,
                         sgf_error *err) {
    sgf_status status = base_map_bytes(path, mem, map, err);
    if (status) return status;
    status = base_refuse_stand_in(path, base_text_of(map->data, map->size), err);
    if (status) base_unmap(map);
    return status;
}
/* 1 if there is no such file (as opposed to one that cannot be read). */
int base_file_missing(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return errno == ENOENT || errno == ENOTDIR;
    fclose(file);
    return 0;
}

/* ---- files that are written ---- */

static sgf_status base_out_fail(base_out *out, sgf_error *err) {
    out->status = base_fail_at(err, SGF_ERR_IO, out->path, (int64_t)out->size,
                               "%s: writing failed after %llu bytes: %s", out->path,
                               (unsigned long long)out->size, strerror(errno));
    if (out->file) fclose(out->file);
    out->file = NULL;
    remove(out->temp);
    return out->status;
}
/* A new file in the folder of out->path, under a name that is not in use. */
static FILE *base_temp_open(base_out *out) {
    struct stat info;
    int fd = -1, i;
    FILE *file;
    if (stat(out->path, &info)) {
        if (errno != ENOENT) return NULL;
    } else if (!S_ISREG(info.st_mode)) {
        errno = S_ISDIR(info.st_mode) ? EISDIR : EEXIST; /* a device or pipe is not replaced */
        return NULL;
    }
    for (i = 0; i < 1000 && fd < 0; i++) {
        snprintf(out->temp, sizeof out->temp, "%s.%ld-%d.tmp", out->path, (long)getpid(), i);
        fd = open(out->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) return NULL;
    }
    file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!file && fd >= 0) close(fd), remove(out->temp);
    return file;
}
sgf_status base_out_open(base_out *out, const char *path, sgf_error *err) {
    memset(out, 0, sizeof *out);
    if (strlen(path) >= sizeof out->path)
        return out->status = base_fail_at(err, SGF_ERR_LIMIT, path, -1,
                                          "a path of more than %d bytes: %s",
                                          (int)sizeof out->path - 1, path);
    snprintf(out->path, sizeof out->path, "%s", path);
    out->file = base_temp_open(out);
    if (!out->file)
        return out->status = base_fail_at(err, SGF_ERR_IO, path, -1, "%s: cannot be written: %s",
                                          path, strerror(errno));
    return SGF_OK;
}
sgf_status base_out_write(base_out *out, const void *bytes, size_t n, sgf_error *err) {
    if (out->status) return out->status;
    if (n && fwrite(bytes, 1, n, out->file) != n) return base_out_fail(out, err);
    out->size += n;
    return SGF_OK;
}
/* Finish: the file is complete under its name, or the error is returned and nothing has changed. */
sgf_status base_out_close(base_out *out, sgf_error *err) {
    int failed;
    if (out->status) return out->status;
    failed = fflush(out->file) != 0;
    failed = failed || fsync(fileno(out->file)) != 0;
    if (failed) return base_out_fail(out, err);
    failed = fclose(out->file) != 0;
    out->file = NULL;
    if (failed || rename(out->temp, out->path)) return base_out_fail(out, err);
    return SGF_OK;
}
/* Give up: the temporary file goes, `path` is as it was. */
void base_out_drop(base_out *out) {
    if (out->file) fclose(out->file);
    if (out->file) remove(out->temp);
    out->file = NULL;
}
