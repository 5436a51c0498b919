/* tensors.h: an 8-byte length, a JSON object {"name": {"dtype": .., "shape": [..], "data_offsets":
   [begin, end]}, ..}, then the data (github.com/huggingface/safetensors). */
#include "tensors.h"

#include "../base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TENSORS_HEADER = 100000000 }; /* bytes; the format allows no more */

/* ---- one tensor ---- */

static const struct {
    const char *name;
    unsigned bits;
} tensors_dtypes[] = {{"F32", 32}, {"F16", 16},        {"BF16", 16},       {"BOOL", 8},
                      {"F4", 4},   {"F6_E2M3", 6},     {"F6_E3M2", 6},     {"U8", 8},
                      {"I8", 8},   {"F8_E5M2", 8},     {"F8_E4M3", 8},     {"F8_E8M0", 8},
                      {"I16", 16}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"U16", 16},
                      {"I32", 32}, {"U32", 32},        {"F64", 64},        {"I64", 64},
                      {"U64", 64}, {"C64", 64}};

static sgf_status tensors_fail(const char *path, sgf_str name, const char *what, sgf_error *err) {
    return base_fail_at(err, SGF_ERR_FORMAT, path, -1, "%s: tensor %s: %s; the file is damaged",
                        path, base_show(name).text, what);
}
static int tensors_whole(const json_doc *j, uint32_t node, uint64_t *value) {
    int64_t whole;
    if (!json_whole(j, node, 0, INT64_MAX, &whole)) return 0;
    *value = (uint64_t)whole;
    return 1;
}
static sgf_status tensors_shape(const json_doc *j, uint32_t node, tensors_entry *t,
                                sgf_error *err) {
    size_t rank = j->nodes[node].count, i;
    uint64_t *shape;
    if (j->nodes[node].type != JSON_ARRAY)
        return tensors_fail(j->file, t->name, "its shape is not a list", err);
    shape = (uint64_t *)base_arena_alloc(j->arena, rank, sizeof *shape, err);
    if (!shape) return SGF_ERR_MEMORY;
    for (i = 0; i < rank; i++) /* numbers have no children: element i is node + 1 + i */
        if (!tensors_whole(j, ++node, &shape[i]))
            return tensors_fail(j->file, t->name, "its shape is not a list of whole numbers", err);
    t->shape = shape;
    t->rank = rank;
    return SGF_OK;
}
/* end - begin must be what the type and the shape take. */
static sgf_status tensors_span(const char *path, const tensors_entry *t, unsigned bits,
                               sgf_error *err) {
    uint64_t size = bits;
    size_t i;
    for (i = 0; i < t->rank; i++) {
        if (t->shape[i] && size > UINT64_MAX / t->shape[i])
            return tensors_fail(path, t->name, "its shape has more than 2^64 bits", err);
        size *= t->shape[i];
    }
    if (t->end < t->begin) return tensors_fail(path, t->name, "its data_offsets are reversed", err);
    if (size % 8 || t->end - t->begin != size / 8)
        return tensors_fail(path, t->name, "its data_offsets do not suit its dtype and shape", err);
    return SGF_OK;
}
/* The member of the header whose name is node `key`. */
static sgf_status tensors_member(const json_doc *j, uint32_t key, tensors_entry *t,
                                 sgf_error *err) {
    uint32_t dtype = json_get(j, key + 1, "dtype"), shape = json_get(j, key + 1, "shape");
    uint32_t span = json_get(j, key + 1, "data_offsets");
    size_t i, types = sizeof tensors_dtypes / sizeof *tensors_dtypes;
    sgf_status status;
    t->name = j->nodes[key].text;
    if (!dtype || !shape || !span)
        return tensors_fail(j->file, t->name, "dtype, shape or data_offsets is missing", err);
    for (i = 0; i < types; i++)
        if (j->nodes[dtype].type == JSON_STRING &&
            base_str_is(j->nodes[dtype].text, tensors_dtypes[i].name))
            break;
    if (i == types)
        return tensors_fail(j->file, t->name, "its dtype is not one of safetensors'", err);
    t->dtype = tensors_dtypes[i].name;
    if (j->nodes[span].type != JSON_ARRAY || j->nodes[span].count != 2 ||
        !tensors_whole(j, span + 1, &t->begin) || !tensors_whole(j, span + 2, &t->end))
        return tensors_fail(j->file, t->name, "its data_offsets are not two whole numbers", err);
    status = tensors_shape(j, shape, t, err);
    return status ? status : tensors_span(j->file, t, tensors_dtypes[i].bits, err);
}

/* ---- one file ---- */

static int tensors_by_place(const void *a, const void *b) {
    const tensors_entry *x = (const tensors_entry *)a, *y = (const tensors_entry *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}
static int tensors_by_name(const void *a, const void *b) {
    return base_str_compare(((const tensors_entry *)a)->name, ((const tensors_entry *)b)->name);
}
/* The header's JSON, copied to the arena. */
static sgf_status tensors_header(const char *path, const char *bytes, size_t size,
                                 base_arena *arena, const char **text, size_t *length,
                                 sgf_error *err) {
    uint64_t n = 0;
    int i;
    for (i = 7; i >= 0 && size >= 8; i--) n = n << 8 | (unsigned char)bytes[i];
    if (size < 8 || n > TENSORS_HEADER)
        return base_fail_at(err, SGF_ERR_FORMAT, path, 0, "%s is no safetensors file", path);
    if (n > size - 8)
        return base_fail_at(err, SGF_ERR_FORMAT, path, 0,
                            "%s: the file is cut in its header; download it again", path);
    *length = (size_t)n;
    *text = base_arena_text(arena, bytes + 8, *length, err);
    return *text ? SGF_OK : SGF_ERR_MEMORY;
}
/* The tensors must tile the bytes that follow the header. */
static sgf_status tensors_tile(const char *path, tensors_entry *t, size_t count, uint64_t left,
                               sgf_error *err) {
    uint64_t at = 0;
    size_t i;
    if (count) qsort(t, count, sizeof *t, tensors_by_place);
    for (i = 0; i < count; at = t[i++].end)
        if (t[i].begin != at)
            return tensors_fail(path, t[i].name,
                                t[i].begin > at ? "there is a hole before its data"
                                                : "its data overlap another tensor's",
                                err);
    if (at == left) return SGF_OK;
    return base_fail_at(err, SGF_ERR_FORMAT, path, -1,
                        "%s: the tensors take %llu bytes, %llu are there; %s", path,
                        (unsigned long long)at, (unsigned long long)left,
                        at > left ? "the file is cut: download it again" : "the file is damaged");
}
/* Add the tensors of one file, whose bytes need not stay. */
static sgf_status tensors_add(const char *path, const char *bytes, size_t size, tensors *out,
                              sgf_error *err) {
    size_t first = out->count, length = 0, i;
    const char *text = NULL;
    void *grown = out->entries;
    uint32_t key = 1;
    json_doc j;
    sgf_status status = tensors_header(path, bytes, size, &out->arena, &text, &length, err);
    if (!status) status = json_parse(path, text, length, &out->arena, &j, err);
    if (!status) status = json_object(&j, err);
    if (!status)
        status = base_grow(&out->arena.mem, &grown, &out->cap, first + j.nodes[0].count,
                           sizeof *out->entries, err);
    if (status) return status;
    out->entries = (tensors_entry *)grown;
    for (i = 0; i < j.nodes[0].count && !status; i++, key = j.nodes[key + 1].next) {
        if (base_str_is(j.nodes[key].text, "__metadata__")) continue;
        out->entries[out->count].file = out->files;
        status = tensors_member(&j, key, &out->entries[out->count++], err);
    }
    out->files++;
    if (status) return status;
    return tensors_tile(path, out->entries ? out->entries + first : NULL, out->count - first,
                        size - 8 - length, err);
}
static sgf_status tensors_add_file(const char *path, tensors *out, sgf_error *err) {
    base_map map;
    sgf_status status = base_map_file(path, &out->arena.mem, &map, err);
    if (status) return status;
    status = tensors_add(path, map.data, map.size, out, err);
    base_unmap(&map);
    return status;
}
/* Sort by name; a name that is there twice is refused. */
static sgf_status tensors_sort(const char *path, tensors *out, sgf_error *err) {
    size_t i;
    if (out->count) qsort(out->entries, out->count, sizeof *out->entries, tensors_by_name);
    for (i = 1; i < out->count; i++)
        if (!tensors_by_name(&out->entries[i - 1], &out->entries[i]))
            return tensors_fail(path, out->entries[i].name, "it is there twice", err);
    return SGF_OK;
}
sgf_status tensors_read_bytes(const char *path, const char *bytes, size_t size,
                              const sgf_allocator *mem, tensors *out, sgf_error *err) {
    sgf_status status;
    memset(out, 0, sizeof *out);
    base_arena_init(&out->arena, mem);
    status = tensors_add(path, bytes, size, out, err);
    return status ? status : tensors_sort(path, out, err);
}
sgf_status tensors_read_file(const char *path, const sgf_allocator *mem, tensors *out,
                             sgf_error *err) {
    sgf_status status;
    memset(out, 0, sizeof *out);
    base_arena_init(&out->arena, mem);
    status = tensors_add_file(path, out, err);
    return status ? status : tensors_sort(path, out, err);
}
void tensors_free(tensors *t) {
    base_free(&t->arena.mem, t->entries, t->cap, sizeof *t->entries);
    base_arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}

/* ---- the files of an index: {"weight_map": {tensor: file, ..}} ---- */

static int tensors_text_order(const void *a, const void *b) {
    return base_str_compare(*(const sgf_str *)a, *(const sgf_str *)b);
}
/* A file in the same folder, and nothing that leads out of it. */
static int tensors_plain_name(sgf_str name) {
    size_t i;
    for (i = 0; i < name.len; i++)
        if (strchr("/\\:", name.ptr[i])) return 0; /* finds a zero byte as well */
    return name.len && !base_str_is(name, ".") && !base_str_is(name, "..");
}
/* The different files that the members of `map` name, sorted: [*count] in the arena. */
static sgf_status tensors_files(const json_doc *j, uint32_t map, sgf_str **out, size_t *count,
                                sgf_error *err) {
    size_t n = j->nodes[map].count, i, kept = 0;
    uint32_t key = map + 1;
    sgf_str *files = (sgf_str *)base_arena_alloc(j->arena, n, sizeof *files, err);
    if (!files) return SGF_ERR_MEMORY;
    for (i = 0; i < n; i++, key = j->nodes[key + 1].next) {
        files[i] = j->nodes[key + 1].text;
        if (j->nodes[key + 1].type != JSON_STRING || !tensors_plain_name(files[i]))
            return tensors_fail(j->file, j->nodes[key].text,
                                "its file is not given as the name of a file in this folder", err);
    }
    if (n) qsort(files, n, sizeof *files, tensors_text_order);
    for (i = 0; i < n; i++)
        if (!kept || tensors_text_order(&files[kept - 1], &files[i])) files[kept++] = files[i];
    *out = files;
    *count = kept;
    return SGF_OK;
}
/* Every tensor of the index is in the file that the index names. */
static sgf_status tensors_index_check(const json_doc *j, uint32_t map, const tensors *t,
                                      const sgf_str *files, sgf_error *err) {
    uint32_t key = map + 1;
    size_t i;
    for (i = 0; i < j->nodes[map].count; i++, key = j->nodes[key + 1].next) {
        const tensors_entry *found;
        tensors_entry wanted;
        wanted.name = j->nodes[key].text;
        found = t->count ? (const tensors_entry *)bsearch(&wanted, t->entries, t->count,
                                                          sizeof wanted, tensors_by_name)
                         : NULL;
        if (!found || tensors_text_order(&files[found->file], &j->nodes[key + 1].text))
            return tensors_fail(j->file, wanted.name, "it is not in the file that is named", err);
    }
    return SGF_OK;
}
static sgf_status tensors_index(const char *dir, const json_doc *j, tensors *out, sgf_error *err) {
    uint32_t map = json_get(j, 0, "weight_map");
    size_t count = 0, i;
    char path[1400];
    sgf_str *files = NULL;
    sgf_status status;
    if (!map || j->nodes[map].type != JSON_OBJECT)
        return base_fail_at(err, SGF_ERR_FORMAT, j->file, -1,
                            "%s: there is no object \"weight_map\" in it", j->file);
    status = tensors_files(j, map, &files, &count, err);
    for (i = 0; i < count && !status; i++) {
        int n = snprintf(path, sizeof path, "%s/%.*s", dir, (int)files[i].len, files[i].ptr);
        if (n < 0 || (size_t)n >= sizeof path)
            status = base_fail(err, SGF_ERR_LIMIT, "the path of a file of weights is too long");
        else status = tensors_add_file(path, out, err);
    }
    if (!status) status = tensors_sort(j->file, out, err);
    return status ? status : tensors_index_check(j, map, out, files, err);
}
sgf_status tensors_read_folder(const char *dir, const sgf_allocator *mem, tensors *out,
                               sgf_error *err) {
    char path[1400];
    base_map map;
    json_doc j;
    sgf_status status;
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    if (!base_file_missing(path)) return tensors_read_file(path, mem, out, err);
    memset(out, 0, sizeof *out);
    base_arena_init(&out->arena, mem);
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", dir);
    status = base_map_file(path, mem, &map, err);
    if (status) return status;
    status = json_parse(path, map.data, map.size, &out->arena, &j, err);
    if (!status) status = tensors_index(dir, &j, out, err);
    base_unmap(&map);
    return status;
}
