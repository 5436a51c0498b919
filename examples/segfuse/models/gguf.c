#include "gguf.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading, byte by byte ---- */

typedef struct gguf_reader {
    gguf *g;
    const unsigned char *begin, *at, *end;
    sgf_status status;
    sgf_error *err;
} gguf_reader;

static void gguf_bad(gguf_reader *r, const char *what) {
    if (r->status) return;
    r->status = base_fail_at(r->err, SGF_ERR_FORMAT, r->g->file, r->at - r->begin,
                             "%s: %s, at byte %llu", r->g->file, what,
                             (unsigned long long)(r->at - r->begin));
}
static int gguf_left(gguf_reader *r, uint64_t bytes) {
    if (!r->status && bytes > (uint64_t)(r->end - r->at))
        gguf_bad(r, "the file is cut; download it again");
    return !r->status;
}
static uint64_t gguf_number(gguf_reader *r, unsigned size) {
    uint64_t value;
    if (!gguf_left(r, size)) return 0;
    value = base_load(r->at, size);
    r->at += size;
    return value;
}
static sgf_str gguf_text(gguf_reader *r) {
    uint64_t n = gguf_number(r, 8);
    sgf_str text = {"", 0};
    if (!gguf_left(r, n)) return text;
    text.ptr = (const char *)r->at;
    text.len = (size_t)n;
    r->at += n;
    return text;
}
/* Bytes of a value; 0 for strings and arrays, and for types that there are not. */
static unsigned gguf_size(uint32_t type) {
    static const unsigned char sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}
static int gguf_utf8(sgf_str text) {
    size_t at, n;
    uint32_t code;
    for (at = 0; at < text.len; at += n)
        if (!(n = base_utf8_next(text.ptr + at, text.len - at, &code)) || !code) return 0;
    return 1;
}
static void gguf_read_key(gguf_reader *r, gguf_key *key) {
    uint64_t i;
    key->name = gguf_text(r);
    key->type = key->item = (uint32_t)gguf_number(r, 4);
    key->count = 1;
    if (!r->status && !gguf_utf8(key->name)) gguf_bad(r, "the name of a key is not UTF-8");
    if (key->type == GGUF_ARRAY) {
        key->item = (uint32_t)gguf_number(r, 4);
        key->count = gguf_number(r, 8);
    }
    key->value = r->at;
    if (r->status) return;
    if (key->item != GGUF_STRING) {
        unsigned size = gguf_size(key->item);
        if (!size) gguf_bad(r, "a key has a type that is not known (or an array of arrays)");
        else if (key->count > UINT64_MAX / size) gguf_bad(r, "an array's length wraps");
        else if (gguf_left(r, key->count * size)) r->at += key->count * size;
    } else
        for (i = 0; i < key->count && !r->status; i++) (void)gguf_text(r);
}
static void gguf_read_tensor(gguf_reader *r, gguf_tensor *t, uint64_t *offset) {
    char room[24];
    uint32_t number, i;
    t->name = gguf_text(r);
    t->rank = (uint32_t)gguf_number(r, 4);
    t->rows = t->cols = 1;
    if (!r->status && !gguf_utf8(t->name)) gguf_bad(r, "the name of a tensor is not UTF-8");
    if (t->rank > 4) gguf_bad(r, "a tensor has more than 4 dimensions");
    for (i = 0; i < t->rank && !r->status; i++) {
        uint64_t n = gguf_number(r, 8), *product = i ? &t->rows : &t->cols;
        if (n && *product > (uint64_t)INT64_MAX / n) gguf_bad(r, "the size of a tensor wraps");
        else *product *= n;
    }
    number = (uint32_t)gguf_number(r, 4);
    *offset = gguf_number(r, 8);
    if (r->status || (t->type = dequantize_find(number)) != NULL) return;
    r->status = base_fail_at(
        r->err, SGF_ERR_UNSUPPORTED, r->g->file, r->at - r->begin,
        "%s: tensor %s is stored as %s, which is not read; known are F32, F16, "
        "BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K and IQ4_NL",
        r->g->file, base_show(t->name).text, dequantize_name(number, room));
}
/* The bytes of the tensor, which must be in the file. */
static void gguf_place(gguf_reader *r, gguf_tensor *t, uint64_t offset, uint64_t alignment) {
    uint64_t left = (uint64_t)(r->end - r->at), blocks = t->cols / t->type->elements;
    uint64_t row = blocks * t->type->bytes; /* fits: a file that large is refused below */
    const char *what = NULL;
    if (t->cols % t->type->elements) what = "its rows are no whole number of blocks";
    else if (offset % alignment) what = "its offset is not aligned";
    else if (blocks > left / t->type->bytes || (row && t->rows > left / row) || offset > left ||
             row * t->rows > left - offset)
        what = "its data are not in the file, which is cut or damaged; download it again";
    if (what)
        r->status = base_fail_at(r->err, SGF_ERR_FORMAT, r->g->file, -1, "%s: tensor %s: %s",
                                 r->g->file, base_show(t->name).text, what);
    else t->data = r->at + offset;
}

/* ---- keys and tensors in order ---- */

static int gguf_key_order(const void *a, const void *b) {
    return base_str_compare(((const gguf_key *)a)->name, ((const gguf_key *)b)->name);
}
static int gguf_tensor_order(const void *a, const void *b) {
    return base_str_compare(((const gguf_tensor *)a)->name, ((const gguf_tensor *)b)->name);
}
static int gguf_place_order(const void *a, const void *b) {
    const gguf_tensor *x = (const gguf_tensor *)a, *y = (const gguf_tensor *)b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return x->rows * x->cols < y->rows * y->cols ? -1 : x->rows * x->cols > y->rows * y->cols;
}
static sgf_status gguf_twice(const gguf *g, const char *what, sgf_str name, sgf_error *err) {
    return base_fail_at(err, SGF_ERR_FORMAT, g->file, -1, "%s: %s %s %s; the file is damaged",
                        g->file, what, base_show(name).text, "appears twice, or shares its bytes");
}
static sgf_status gguf_sort(gguf *g, sgf_error *err) {
    gguf_tensor *t = g->tensors;
    size_t i;
    if (g->key_count) qsort(g->keys, g->key_count, sizeof *g->keys, gguf_key_order);
    for (i = 1; i < g->key_count; i++)
        if (!gguf_key_order(&g->keys[i - 1], &g->keys[i]))
            return gguf_twice(g, "key", g->keys[i].name, err);
    if (g->tensor_count) qsort(t, g->tensor_count, sizeof *t, gguf_place_order);
    for (i = 1; i < g->tensor_count; i++)
        if (t[i - 1].data +
                t[i - 1].rows * (t[i - 1].cols / t[i - 1].type->elements) * t[i - 1].type->bytes >
            t[i].data)
            return gguf_twice(g, "tensor", t[i].name, err);
    if (g->tensor_count) qsort(t, g->tensor_count, sizeof *t, gguf_tensor_order);
    for (i = 1; i < g->tensor_count; i++)
        if (!gguf_tensor_order(&t[i - 1], &t[i])) return gguf_twice(g, "tensor", t[i].name, err);
    return SGF_OK;
}
/* A count of things of at least `least` bytes each; else the file is cut. */
static size_t gguf_count(gguf_reader *r, uint64_t count, unsigned least) {
    if (!r->status && count > (uint64_t)(r->end - r->at) / least)
        gguf_bad(r,
                 "it counts more keys or tensors than fit into the file, which is cut or damaged");
    return r->status ? 0 : (size_t)count;
}
static void gguf_read_all(gguf_reader *r) {
    gguf *g = r->g;
    uint64_t n_tensors, n_keys, *offsets;
    int64_t alignment = 32;
    uint32_t version;
    size_t i;
    if (r->end - r->begin < 4 || memcmp(r->begin, "GGUF", 4) != 0)
        gguf_bad(r, "this is no GGUF file: it does not begin with \"GGUF\"");
    else r->at += 4;
    version = (uint32_t)gguf_number(r, 4);
    if (!r->status && version && !(version & 0xFFFF))
        gguf_bad(r, "a GGUF file of a big-endian machine is not read");
    if (!r->status && version != 2 && version != 3)
        gguf_bad(r, "a GGUF file of another version than 2 and 3 is not read");
    n_tensors = gguf_number(r, 8);
    n_keys = gguf_number(r, 8);
    g->key_count = gguf_count(r, n_keys, 8 + 4 + 1);
    if (r->status) return;
    g->keys = (gguf_key *)base_arena_alloc(&g->arena, g->key_count, sizeof *g->keys, r->err);
    if (!g->keys) r->status = SGF_ERR_MEMORY;
    for (i = 0; i < g->key_count && !r->status; i++) gguf_read_key(r, &g->keys[i]);
    g->tensor_count = gguf_count(r, n_tensors, 8 + 4 + 4 + 8);
    if (r->status) return;
    g->tensors = (gguf_tensor *)base_arena_alloc(&g->arena, g->tensor_count, sizeof *g->tensors,
                                                 r->err);
    offsets = (uint64_t *)base_arena_alloc(&g->arena, g->tensor_count, sizeof *offsets, r->err);
    if (!g->tensors || !offsets) r->status = SGF_ERR_MEMORY;
    for (i = 0; i < g->tensor_count && !r->status; i++)
        gguf_read_tensor(r, &g->tensors[i], &offsets[i]);
    for (i = 0; i < g->key_count && !r->status; i++) /* not sorted yet */
        if (base_str_is(g->keys[i].name, "general.alignment") && g->keys[i].type == GGUF_U32)
            alignment = (int64_t)base_load(g->keys[i].value, 4);
    if (alignment < 1 || alignment > 65536 || (alignment & (alignment - 1)))
        gguf_bad(r, "general.alignment is no power of two up to 65536");
    if (r->status) return;
    i = (size_t)(-(r->at - r->begin) & (alignment - 1));
    r->at = (size_t)(r->end - r->at) < i ? r->end : r->at + i;
    for (i = 0; i < g->tensor_count && !r->status; i++)
        gguf_place(r, &g->tensors[i], offsets[i], (uint64_t)alignment);
    if (!r->status) r->status = gguf_sort(g, r->err);
}
sgf_status gguf_read(const char *file, const char *bytes, size_t size, const sgf_allocator *mem,
                     gguf *out, sgf_error *err) {
    gguf_reader r;
    memset(out, 0, sizeof *out);
    memset(&r, 0, sizeof r);
    out->file = file;
    base_arena_init(&out->arena, mem);
    r.g = out;
    r.begin = r.at = (const unsigned char *)bytes;
    r.end = r.begin + size;
    r.err = err;
    gguf_read_all(&r);
    return r.status;
}
void gguf_free(gguf *g) {
    base_arena_free(&g->arena);
    memset(g, 0, sizeof *g);
}

/* ---- values by name ---- */

const gguf_key *gguf_find(const gguf *g, const char *name) {
    gguf_key wanted;
    wanted.name = sgf_text(name);
    return g->key_count ? (const gguf_key *)bsearch(&wanted, g->keys, g->key_count, sizeof wanted,
                                                    gguf_key_order)
                        : NULL;
}
const gguf_tensor *gguf_tensor_find(const gguf *g, const char *name) {
    gguf_tensor wanted;
    wanted.name = sgf_text(name);
    return g->tensor_count ? (const gguf_tensor *)bsearch(&wanted, g->tensors, g->tensor_count,
                                                          sizeof wanted, gguf_tensor_order)
                           : NULL;
}
static sgf_status gguf_wrong(const gguf *g, const char *name, const char *wanted, sgf_error *err) {
    return base_fail_at(err, SGF_ERR_FORMAT, g->file, -1, "%s: key %s is not %s", g->file, name,
                        wanted);
}
/* A number of any type: 1, else 0. */
static int gguf_value(uint32_t type, const unsigned char *at, double *out) {
    unsigned size = gguf_size(type);
    uint64_t bits;
    if (!size) return 0;
    bits = base_load(at, size);
    if (type == GGUF_F32) {
        uint32_t low = (uint32_t)bits;
        float single;
        memcpy(&single, &low, 4);
        *out = (double)single;
    } else if (type == GGUF_F64) memcpy(out, &bits, 8);
    else if ((type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64) &&
             bits >> (8 * size - 1))
        *out = -(double)((~bits & UINT64_MAX >> (64 - 8 * size)) + 1);
    else *out = (double)bits;
    return 1;
}
sgf_status gguf_real(const gguf *g, const char *name, double absent, double *out, sgf_error *err) {
    const gguf_key *key = gguf_find(g, name);
    *out = absent;
    if (!key) return SGF_OK;
    if (key->type == GGUF_ARRAY || !gguf_value(key->type, key->value, out) ||
        !(*out >= -1e300 && *out <= 1e300))
        return gguf_wrong(g, name, "a number", err);
    return SGF_OK;
}
sgf_status gguf_whole(const gguf *g, const char *name, int64_t absent, int64_t most, int64_t *out,
                      sgf_error *err) {
    double value;
    sgf_status status = gguf_real(g, name, (double)absent, &value, err);
    *out = absent;
    if (status || !gguf_find(g, name)) return status;
    if (!(value >= 0 && value <= (double)most) || value != (double)(int64_t)value)
        return base_fail_at(err, SGF_ERR_FORMAT, g->file, -1,
                            "%s: key %s is not a whole number from 0 to %lld", g->file, name,
                            (long long)most);
    *out = (int64_t)value;
    return SGF_OK;
}
/* The string at *at, which is moved behind it. gguf_read has checked its length. */
static sgf_str gguf_take(const unsigned char **at) {
    sgf_str text;
    text.len = (size_t)base_load(*at, 8);
    text.ptr = (const char *)*at + 8;
    *at += 8 + text.len;
    return text;
}
sgf_status gguf_string(const gguf *g, const char *name, const char *absent, sgf_str *out,
                       sgf_error *err) {
    const gguf_key *key = gguf_find(g, name);
    const unsigned char *at;
    *out = sgf_text(absent);
    if (!key) return SGF_OK;
    if (key->type != GGUF_STRING) return gguf_wrong(g, name, "a text", err);
    at = key->value;
    *out = gguf_take(&at);
    return gguf_utf8(*out) ? SGF_OK : gguf_wrong(g, name, "UTF-8", err);
}
sgf_status gguf_strings(gguf *g, const char *name, sgf_str **out, size_t *count, sgf_error *err) {
    const gguf_key *key = gguf_find(g, name);
    const unsigned char *at;
    size_t i;
    *out = NULL;
    *count = 0;
    if (!key) return SGF_OK;
    if (key->type != GGUF_ARRAY || key->item != GGUF_STRING)
        return gguf_wrong(g, name, "a list of texts", err);
    *out = (sgf_str *)base_arena_alloc(&g->arena, (size_t)key->count, sizeof **out, err);
    if (!*out) return SGF_ERR_MEMORY;
    *count = (size_t)key->count;
    for (i = 0, at = key->value; i < *count; i++) {
        (*out)[i] = gguf_take(&at);
        if (!gguf_utf8((*out)[i]))
            return base_fail_at(err, SGF_ERR_FORMAT, g->file, -1,
                                "%s: text %llu of key %s, counted from 0, is not UTF-8", g->file,
                                (unsigned long long)i, name);
    }
    return SGF_OK;
}
sgf_status gguf_reals(gguf *g, const char *name, double **out, size_t *count, sgf_error *err) {
    const gguf_key *key = gguf_find(g, name);
    size_t i;
    *out = NULL;
    *count = 0;
    if (!key) return SGF_OK;
    if (key->type != GGUF_ARRAY || !gguf_size(key->item))
        return gguf_wrong(g, name, "a list of numbers", err);
    *out = (double *)base_arena_alloc(&g->arena, (size_t)key->count, sizeof **out, err);
    if (!*out) return SGF_ERR_MEMORY;
    *count = (size_t)key->count;
    for (i = 0; i < *count; i++)
        (void)gguf_value(key->item, key->value + i * gguf_size(key->item), &(*out)[i]);
    return SGF_OK;
}
