/* npy.h: .npy files, and masks as text. */
#include "npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sgf_status npy_write(const char *path, const char *descr, const size_t *shape, size_t dims,
                     const void *data, sgf_error *err) {
    size_t i, at, count = 1, item;
    const unsigned char *bytes = (const unsigned char *)data;
    unsigned char head[192];
    char *text = (char *)head + 10;
    uint16_t probe = 1;
    base_out out;
    sgf_status status;
    if (strcmp(descr, "<f4") && strcmp(descr, "|b1"))
        return base_fail(err, SGF_ERR_ARG,
                         "\"<f4\" and \"|b1\" arrays can be written, not \"%.20s\"", descr);
    item = descr[1] == 'f' ? 4 : 1;
    if (!dims || dims > 4)
        return base_fail(err, SGF_ERR_ARG, "an .npy array has 1 to 4 dimensions here, not %d",
                         (int)dims);
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    at = (size_t)snprintf(text, 150, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (i = 0; i < dims; i++) {
        at += (size_t)snprintf(text + at, 150 - at, "%llu,%s", (unsigned long long)shape[i],
                               i + 1 < dims ? " " : "");
        if (shape[i] && count > SIZE_MAX / 8 / shape[i])
            return base_fail(err, SGF_ERR_LIMIT, "an .npy array of more bytes than memory");
        count *= shape[i];
    }
    at += (size_t)snprintf(text + at, 150 - at, "), }");
    while ((10 + at + 1) % 64) text[at++] = ' ';
    text[at++] = '\n';
    head[8] = (unsigned char)(at & 255);
    head[9] = (unsigned char)(at >> 8);
    status = base_out_open(&out, path, err);
    if (status) return status;
    base_out_write(&out, head, 10 + at, err); /* the first error stays in `out` */
    if (*(unsigned char *)&probe || item == 1) base_out_write(&out, data, count * item, err);
    else /* a big-endian machine: the bytes of every item are reversed */
        for (i = 0; i < count * item && !out.status; i++)
            base_out_write(&out, bytes + i / item * item + (item - 1 - i % item), 1, err);
    return base_out_close(&out, err);
}

/* ---- reading .npy: a header that is a Python dictionary, then the items ---- */

typedef struct npy_array {
    const char *file;
    const unsigned char *data; /* the items */
    char kind;                 /* b, i, u, f */
    int size, big;             /* bytes of an item; most significant first */
    int fortran;
    size_t T;
} npy_array;

static sgf_status npy_bad(const char *file, size_t at, const char *what, sgf_error *err) {
    return base_fail_at(err, SGF_ERR_FORMAT, file, (int64_t)at, "%s: byte %llu: %s", file,
                        (unsigned long long)at, what);
}
static size_t npy_space(const char *text, size_t n, size_t at) {
    while (at < n && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t')) at++;
    return at;
}
/* 'descr': "<f4" and the like; anything that is not a plain number is refused. */
static sgf_status npy_type(npy_array *a, const char *text, size_t n, sgf_error *err) {
    static const char *const known[] = {"b1", "i1", "i2", "i4", "i8", "u1",
                                        "u2", "u4", "u8", "f2", "f4", "f8"};
    size_t i;
    for (i = 0; n == 3 && i < sizeof known / sizeof known[0]; i++)
        if (text[0] && strchr("<>|=", text[0]) && !memcmp(text + 1, known[i], 2)) {
            a->kind = known[i][0];
            a->size = known[i][1] - '0';
            a->big = text[0] == '>';
            return SGF_OK;
        }
    return base_fail_at(err, SGF_ERR_UNSUPPORTED, a->file, -1,
                        "%s: an array of type '%.*s'; a mask is bool, integers of 0 and 1 or "
                        "floats of 2, 4 or 8 bytes: mask.astype(bool)",
                        a->file, (int)(n < 40 ? n : 40), text);
}
/* 'shape': (1, 1, T, T) */
static sgf_status npy_shape(npy_array *a, const char *text, size_t n, size_t T, sgf_error *err) {
    uint64_t dim[32];
    size_t dims = 0, at = 0, i;
    int fits = 1;
    for (at = npy_space(text, n, 0); at < n && dims < 32; at = npy_space(text, n, at)) {
        uint64_t value = 0;
        size_t digits = at;
        for (; at < n && text[at] >= '0' && text[at] <= '9' && value < (uint64_t)1 << 56; at++)
            value = value * 10 + (uint64_t)(text[at] - '0');
        if (at == digits) break;
        dim[dims++] = value;
        at = npy_space(text, n, at);
        if (at < n && text[at] == ',') at++;
        else break;
    }
    if (npy_space(text, n, at) < n || dims > 31)
        return base_fail_at(err, SGF_ERR_FORMAT, a->file, -1,
                            "%s: the shape (%.*s) is not a list of sizes", a->file,
                            (int)(n < 60 ? n : 60), text);
    for (i = 0; i < dims; i++) fits = fits && dim[i] == (i + 2 < dims ? 1 : T);
    a->T = T;
    if (fits && dims >= 2) return SGF_OK;
    return base_fail_at(err, SGF_ERR_FORMAT, a->file, -1,
                        "%s: an array of shape (%.*s); the layout has %llu tokens, so a mask has "
                        "shape (%llu, %llu)%s",
                        a->file, (int)(n < 60 ? n : 60), text, (unsigned long long)T,
                        (unsigned long long)T, (unsigned long long)T,
                        dims > 2 ? "; of several batches or heads give one: mask[0, 0]" : "");
}
/* One value of the dictionary, at *at: 0 descr, 1 fortran_order, 2 shape. */
static sgf_status npy_value(npy_array *a, size_t which, const char *text, size_t n, size_t *at,
                            size_t T, sgf_error *err) {
    size_t start = *at + 1, end = start;
    char open = *at < n ? text[*at] : 0, close = open == '(' ? ')' : open;
    if (which == 1) {
        const char *word = text + *at;
        a->fortran = n - *at >= 4 && !memcmp(word, "True", 4);
        if (!a->fortran && !(n - *at >= 5 && !memcmp(word, "False", 5)))
            return npy_bad(a->file, *at, "fortran_order is not True or False", err);
        *at += a->fortran ? 4 : 5;
        return SGF_OK;
    }
    if (which == 0 && open == '[')
        return base_fail_at(err, SGF_ERR_UNSUPPORTED, a->file, -1,
                            "%s: an array of records; a mask is an array of numbers", a->file);
    while (end < n && text[end] != close) end++;
    if (end >= n || (which == 2 ? open != '(' : open != '\'' && open != '"'))
        return npy_bad(a->file, start, "the header is cut or malformed", err);
    *at = end + 1;
    return which == 0 ? npy_type(a, text + start, end - start, err)
                      : npy_shape(a, text + start, end - start, T, err);
}
/* The dictionary: three keys in any order, nothing else. */
static sgf_status npy_header(npy_array *a, const char *text, size_t n, size_t T, sgf_error *err) {
    static const char *const keys[3] = {"descr", "fortran_order", "shape"};
    size_t at = npy_space(text, n, 0), found = 0, i;
    sgf_status status = SGF_OK;
    char next = at < n && text[at++] == '{' ? ',' : 0; /* what precedes a key */
    while (next == ',' && !status) {
        at = npy_space(text, n, at);
        if (found == 7 && at < n && text[at] == '}') return SGF_OK;
        for (i = 0; i < 3; i++) {
            size_t len = strlen(keys[i]);
            if (n - at > len + 2 && (text[at] == '\'' || text[at] == '"') &&
                !memcmp(text + at + 1, keys[i], len) && text[at + len + 1] == text[at])
                break;
        }
        if (i == 3 || (found >> i & 1)) break;
        found |= (size_t)1 << i;
        at = npy_space(text, n, at + strlen(keys[i]) + 2);
        if (at >= n || text[at] != ':') break;
        at = npy_space(text, n, at + 1);
        status = npy_value(a, i, text, n, &at, T, err);
        if (status) return status;
        at = npy_space(text, n, at);
        next = at < n ? text[at++] : 0;
    }
    return next == '}' && found == 7
               ? SGF_OK
               : npy_bad(a->file, at,
                         "the header is not a dictionary of 'descr', 'fortran_order' and "
                         "'shape', once each",
                         err);
}
static sgf_status npy_open(npy_array *a, const char *path, sgf_str file, size_t T, sgf_error *err) {
    const unsigned char *bytes = (const unsigned char *)file.ptr;
    size_t head = 10, n;
    sgf_status status;
    memset(a, 0, sizeof *a);
    a->file = path;
    if (file.len < 12) return npy_bad(path, file.len, "the file ends in its header", err);
    if (bytes[6] < 1 || bytes[6] > 3)
        return base_fail_at(err, SGF_ERR_UNSUPPORTED, path, 6,
                            "%s: .npy version %d.%d; 1.0 to 3.0 are read", path, bytes[6],
                            bytes[7]);
    n = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) n |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24, head = 12;
    if (n > file.len - head || n > 65536)
        return npy_bad(path, 8, "the header is longer than the file or than 64 KiB", err);
    status = npy_header(a, file.ptr + head, n, T, err);
    if (status) return status;
    head += n;
    if (T && (T > SIZE_MAX / 8 / T || (file.len - head) != T * T * (size_t)a->size))
        return base_fail_at(
            err, SGF_ERR_FORMAT, path, (int64_t)head,
            "%s: the header promises %llu items of %d bytes, the file has %llu bytes", path,
            (unsigned long long)T * T, a->size, (unsigned long long)(file.len - head));
    a->data = bytes + head;
    return SGF_OK;
}

/* IEEE 754 from its bits, whatever the machine's own floats are. */
static double npy_float(uint64_t bits, int size) {
    int mantissa = size == 2 ? 10 : size == 4 ? 23 : 52, width = size * 8;
    int exponents = width - 1 - mantissa, most = (1 << exponents) - 1;
    int exponent = (int)(bits >> mantissa) & most;
    uint64_t fraction = bits & (((uint64_t)1 << mantissa) - 1);
    double value;
    if (exponent == most) value = fraction ? (double)NAN : HUGE_VAL;
    else if (!exponent) value = ldexp((double)fraction, 2 - (most + 1) / 2 - mantissa);
    else
        value = ldexp((double)(fraction | (uint64_t)1 << mantissa),
                      exponent - (most / 2) - mantissa);
    return bits >> (width - 1) & 1 ? -value : value;
}
/* Is item i visible? 0 or 1; -1 for a value that says neither, printed to `value`. */
static int npy_item(const npy_array *a, size_t i, char value[40]) {
    const unsigned char *bytes = a->data + i * (size_t)a->size;
    uint64_t bits = 0;
    double number;
    int b;
    for (b = 0; b < a->size; b++) bits |= (uint64_t)bytes[b] << 8 * (a->big ? a->size - 1 - b : b);
    if (a->kind != 'f') {
        if (bits < 2) return (int)bits;
        number = a->kind == 'i' && bits >> (8 * a->size - 1)
                     ? -(double)((~bits & (UINT64_MAX >> (64 - 8 * a->size))) + 1)
                     : (double)bits;
    } else {
        number = npy_float(bits, a->size);
        if (number == 0) return 1;
        if (number <= -10000) return 0;
    }
    snprintf(value, 40, "%.9g", number);
    return -1;
}
static sgf_status npy_mask(const npy_array *a, uint8_t *dense, sgf_error *err) {
    size_t q, k, T = a->T;
    for (q = 0; q < T; q++)
        for (k = 0; k < T; k++) {
            char value[40];
            int bit = npy_item(a, a->fortran ? k * T + q : q * T + k, value);
            if (bit < 0)
                return base_fail_at(
                    err, SGF_ERR_FORMAT, a->file, -1,
                    a->kind == 'f'
                        ? "%s: row %llu, column %llu: %s; floats are added to scores: 0 is visible, "
                          "-inf or at most -10000 hidden. For 0 and 1 save mask.astype(bool)"
                        : "%s: row %llu, column %llu: %s; 0 or 1 is wanted",
                    a->file, (unsigned long long)q, (unsigned long long)k, value);
            if (dense) dense[q * T + k] = (uint8_t)bit;
        }
    return SGF_OK;
}

/* ---- masks as text ---- */

static sgf_status npy_text_mask(const char *path, sgf_str file, size_t T, uint8_t *dense,
                                sgf_error *err) {
    size_t row = 0, column = 0, line = 1, i;
    for (i = 0; i <= file.len; i++) {
        char c = i < file.len ? file.ptr[i] : '\n';
        int seen = c == '1' || c == '#';
        if (c == '\n') {
            if (column && column != T)
                return base_fail_at(err, SGF_ERR_FORMAT, path, (int64_t)line,
                                    "%s: line %llu has %llu cells; the layout has %llu tokens",
                                    path, (unsigned long long)line, (unsigned long long)column,
                                    (unsigned long long)T);
            row += column != 0;
            column = 0;
            line++;
        } else if (seen || c == '0' || c == '.') {
            if (row < T && column < T && dense) dense[row * T + column] = (uint8_t)seen;
            column++;
        } else if (c != ' ' && c != ',' && c != '\t' && c != '\r')
            return base_fail_at(
                err, SGF_ERR_FORMAT, path, (int64_t)line,
                "%s: line %llu, cell %llu: a mask is .npy, or text of 1 0 # and . alone", path,
                (unsigned long long)line, (unsigned long long)column + 1);
    }
    if (row == T) return SGF_OK;
    return base_fail_at(err, SGF_ERR_FORMAT, path, -1,
                        "%s has %llu rows; the layout has %llu tokens", path,
                        (unsigned long long)row, (unsigned long long)T);
}
/* Everything is looked at before the first byte of `dense` changes. */
sgf_status npy_mask_parse(const char *name, sgf_str bytes, size_t T, uint8_t *dense,
                          sgf_error *err) {
    npy_array array;
    sgf_status status;
    if (bytes.len >= 6 && !memcmp(bytes.ptr, "\x93NUMPY", 6)) {
        status = npy_open(&array, name, bytes, T, err);
        if (!status) status = npy_mask(&array, NULL, err);
        return status ? status : npy_mask(&array, dense, err);
    }
    status = npy_text_mask(name, bytes, T, NULL, err);
    return status ? status : npy_text_mask(name, bytes, T, dense, err);
}
sgf_status npy_mask_read(const char *path, size_t T, uint8_t *dense, const sgf_allocator *mem,
                         sgf_error *err) {
    base_map map;
    sgf_status status = base_map_file(path, mem, &map, err);
    if (status) return status;
    status = npy_mask_parse(path, base_text_of(map.data, map.size), T, dense, err);
    base_unmap(&map);
    return status;
}
