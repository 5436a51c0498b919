#define _XOPEN_SOURCE 700
#include "gguf_folder.h"
#include "../base/stop.h"
#include "../cli/hub.h"
#include "../cli/manual.h"
#include "../cli/options.h"
#include "../tables/convert.h"
#include "gguf_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- model.safetensors ---- */

static unsigned gguf_bytes(sgf_dtype dtype) {
    return dtype == SGF_DTYPE_F32 ? 4 : 2;
}
/* The 8-byte length and the header, filled with spaces so that the data are aligned to 8. */
static sgf_status gguf_header(const gguf_model *m, base_buf *out, sgf_error *err) {
    static const char *const names[] = {"F32", "F16", "BF16"};
    static const char blanks[] = "        ";
    unsigned char length[8];
    uint64_t at = 0;
    json_out j;
    size_t i;
    memset(&j, 0, sizeof j);
    base_buf_init(&j.buf, &out->mem);
    json_out_open(&j, "{\"__metadata__\": {\"format\": \"pt\"}");
    j.comma = 1;
    for (i = 0; i < m->count; i++) {
        const gguf_weight *w = &m->weights[i];
        const gguf_tensor *t = w->tensor;
        json_out_key(&j, w->name), json_out_open(&j, "{");
        json_out_field_text(&j, "dtype", names[w->dtype]);
        json_out_key(&j, "shape"), json_out_open(&j, "[");
        if (t->rank > 1) json_out_size(&j, (size_t)t->rows);
        json_out_size(&j, (size_t)t->cols), json_out_close(&j, "]");
        json_out_key(&j, "data_offsets"), json_out_open(&j, "[");
        json_out_size(&j, (size_t)at);
        at += t->rows * t->cols * gguf_bytes(w->dtype);
        json_out_size(&j, (size_t)at), json_out_close(&j, "]}");
    }
    json_out_close(&j, "}");
    if (!j.status && j.buf.len % 8) j.status = base_buf_add(&j.buf, blanks, 8 - j.buf.len % 8, err);
    for (i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)j.buf.len >> 8 * i);
    if (!j.status) j.status = base_buf_add(out, length, 8, err);
    if (!j.status) j.status = base_buf_add(out, j.buf.ptr, j.buf.len, err);
    base_buf_free(&j.buf);
    return j.status;
}
/* A row's values as little-endian bytes. 0: a finite one is too large for f16. */
static int gguf_pack(const float *values, size_t n, sgf_dtype dtype, unsigned char *out) {
    size_t i;
    for (i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, 4);
        if (dtype != SGF_DTYPE_F32)
            bits = dtype == SGF_DTYPE_F16 ? dequantize_f16(values[i]) : dequantize_bf16(values[i]);
        if (dtype == SGF_DTYPE_F16 && (bits & 0x7FFF) == 0x7C00 && values[i] - values[i] == 0)
            return 0;
        *out++ = (unsigned char)bits, *out++ = (unsigned char)(bits >> 8);
        if (dtype == SGF_DTYPE_F32)
            *out++ = (unsigned char)(bits >> 16), *out++ = (unsigned char)(bits >> 24);
    }
    return 1;
}
static sgf_status gguf_write_weight(const gguf_model *m, const gguf_weight *w, base_out *file,
                                    sgf_error *err) {
    size_t cols = (size_t)w->tensor->cols;
    float *values = (float *)base_alloc(&m->g.arena.mem, cols, sizeof *values, err);
    unsigned char *bytes = (unsigned char *)base_alloc(&m->g.arena.mem, cols, 4, err);
    sgf_status status = values && bytes ? SGF_OK : SGF_ERR_MEMORY;
    uint64_t row;
    for (row = 0; row < w->tensor->rows && !status; row++) {
        gguf_weight_row(w, row, values);
        if (stop_signal) status = base_fail(err, SGF_ERR_IO, "stopped; nothing was written");
        else if (!gguf_pack(values, cols, w->dtype, bytes))
            status = base_fail_at(err, SGF_ERR_LIMIT, m->g.file, -1,
                                  "%s: a value of %s is too large for f16; use --dtype bf16",
                                  m->g.file, w->name);
        else status = base_out_write(file, bytes, cols * gguf_bytes(w->dtype), err);
    }
    base_free(&m->g.arena.mem, values, cols, sizeof *values);
    base_free(&m->g.arena.mem, bytes, cols, 4);
    return status;
}
static sgf_status gguf_write_weights(const gguf_model *m, const char *path, sgf_error *err) {
    base_out file;
    base_buf header;
    size_t i;
    sgf_status status;
    base_buf_init(&header, &m->g.arena.mem);
    status = gguf_header(m, &header, err);
    if (!status && (status = base_out_open(&file, path, err)) == SGF_OK) {
        status = base_out_write(&file, header.ptr, header.len, err);
        for (i = 0; i < m->count && !status; i++)
            status = gguf_write_weight(m, &m->weights[i], &file, err);
        if (!status) status = base_out_close(&file, err);
        else base_out_drop(&file);
    }
    base_buf_free(&header);
    return status;
}
static sgf_status gguf_write_text(const json_out *j, const char *path, sgf_error *err) {
    base_out file;
    sgf_status status = base_out_open(&file, path, err);
    if (!status) status = base_out_write(&file, j->buf.ptr, j->buf.len, err);
    if (!status) return base_out_close(&file, err);
    base_out_drop(&file);
    return status;
}

/* ---- the folder: made under another name, tried, renamed ---- */

static const char *const gguf_files[] = {"model.safetensors", "tokenizer.json",
                                         "tokenizer_config.json", "generation_config.json",
                                         "config.json"};
enum { GGUF_FILES = (int)(sizeof gguf_files / sizeof *gguf_files) };

static sgf_status gguf_failed_at(const char *path, const char *what, sgf_error *err) {
    return base_fail_at(err, SGF_ERR_IO, path, -1, "%s: %s: %s", path, what, strerror(errno));
}
static void gguf_remove(const char *folder) {
    char path[1200];
    int i;
    for (i = 0; i < GGUF_FILES; i++)
        if (path_make(path, sizeof path, "%s/%s", folder, gguf_files[i])) remove(path);
    rmdir(folder);
}
static sgf_status gguf_fill(const gguf_model *m, const char *folder, sgf_error *err) {
    const json_out *texts[GGUF_FILES];
    char path[1200];
    sgf_model *model;
    sgf_error why;
    sgf_status status = SGF_OK;
    int i;
    texts[0] = NULL;
    texts[1] = &m->tokenizer, texts[2] = &m->tokenizer_config;
    texts[3] = &m->generation, texts[4] = &m->config;
    for (i = GGUF_FILES - 1; i >= 0 && !status; i--) {
        path_make(path, sizeof path, "%s/%s", folder, gguf_files[i]);
        status = texts[i] ? gguf_write_text(texts[i], path, err) : gguf_write_weights(m, path, err);
    }
    if (status) return status;
    if ((status = sgf_model_load(folder, NULL, &model, &why)) != SGF_OK)
        return base_fail_at(err, status, m->g.file, -1, "%s: what it makes cannot be run: %s",
                            m->g.file, why.message);
    sgf_model_free(model);
    return SGF_OK;
}
/* The files of `made` into a folder that is there: config.json, without which it is no model, is
   removed first and comes last. */
static sgf_status gguf_move(const char *made, const char *folder, sgf_error *err) {
    char from[1200], to[1200];
    int i;
    path_make(to, sizeof to, "%s/config.json", folder);
    if (remove(to) && errno != ENOENT) return gguf_failed_at(to, "it cannot be replaced", err);
    for (i = 0; i < GGUF_FILES; i++) {
        path_make(from, sizeof from, "%s/%s", made, gguf_files[i]);
        if (!path_make(to, sizeof to, "%s/%s", folder, gguf_files[i]) || rename(from, to))
            return gguf_failed_at(to, "it cannot be written", err);
    }
    rmdir(made);
    return SGF_OK;
}
static sgf_status gguf_write_folder(const gguf_model *m, const char *folder, sgf_error *err) {
    char made[1100], name[1024];
    size_t n = strlen(folder);
    sgf_status status;
    while (n > 1 && folder[n - 1] == '/') n--;
    if (!path_make(name, sizeof name, "%.*s", (int)n, folder) ||
        !path_make(made, sizeof made, "%s.%ld.tmp", name, (long)getpid()))
        return base_fail(err, SGF_ERR_LIMIT, "the folder's path is too long");
    if (mkdir(made, 0777)) return gguf_failed_at(made, "it cannot be made", err);
    status = gguf_fill(m, made, err);
    if (!status && rename(made, name)) {
        if (is_folder(name)) status = gguf_move(made, name, err);
        else status = gguf_failed_at(name, "it cannot be written", err);
    }
    if (status) gguf_remove(made);
    return status;
}

/* ---- the command ---- */

int gguf_is(const char *path) {
    char begin[4];
    FILE *file = is_folder(path) ? NULL : fopen(path, "rb");
    int is = file && fread(begin, 1, 4, file) == 4 && !memcmp(begin, "GGUF", 4);
    if (file) fclose(file);
    return is;
}
/* "Q4_1, Q8_0 and F32": the types that the weights had. */
static void gguf_types(const gguf_model *m, char *out, size_t cap) {
    const dequantize_type *seen[32];
    size_t i, k, kinds = 0, n = 0;
    out[0] = 0;
    for (i = 0; i < m->count; i++) {
        for (k = 0; k < kinds && seen[k] != m->weights[i].tensor->type; k++) {}
        if (k < kinds || kinds == COUNT_OF(seen)) continue;
        seen[kinds++] = m->weights[i].tensor->type;
    }
    for (k = 0; k < kinds && n < cap; k++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s",
                              !k              ? ""
                              : k + 1 < kinds ? ", "
                                              : " and ",
                              seen[k]->name);
}
static void gguf_report(const gguf_model *m, const char *folder, int chosen) {
    static const char *const names[] = {"f32", "f16", "bf16"};
    char types[256];
    uint64_t bytes = 0;
    size_t i;
    for (i = 0; i < m->count; i++)
        bytes += m->weights[i].tensor->rows * m->weights[i].tensor->cols *
                 gguf_bytes(m->weights[i].dtype);
    gguf_types(m, types, sizeof types);
    fprintf(stderr, "segfuse convert: %s: %s parameters, %s in %s", folder,
            base_count(m->parameters).text, base_bytes((double)bytes).text, names[m->dtype]);
    if (chosen && m->dtype != SGF_DTYPE_F32) fprintf(stderr, ", rounded from %s\n", types);
    else
        fprintf(stderr, ", which holds every value of %s%s\n", types,
                m->dtype == SGF_DTYPE_F32 && !chosen
                    ? "; --dtype bf16 takes half of the memory and rounds"
                    : "");
}
int gguf_convert(const char *file, const char *folder, const char *dtype, int rewrite) {
    static const char *const names[] = {"f32", "f16", "bf16"};
    int chosen = -1, i, status = 1;
    base_map map;
    gguf_model m;
    sgf_error err;
    char path[1200];
    for (i = 0; dtype && i < 3; i++)
        if (!strcmp(dtype, names[i])) chosen = i;
    if (!path_make(path, sizeof path, "%s/config.json", folder) ||
        (!is_free(folder) && !is_folder(folder))) {
        fprintf(stderr, "segfuse convert: %s is no folder; a model is a folder of files\n", folder);
        return 1;
    }
    for (i = 0; i < GGUF_FILES && !rewrite; i++)
        if (path_make(path, sizeof path, "%s/%s", folder, gguf_files[i]) &&
            !output_free("convert", path, 0))
            return 1;
    if (base_map_file(file, NULL, &map, &err)) return failed("convert", &err);
    stop_watch();
    if (gguf_model_make(file, map.data, map.size, chosen, NULL, &m, &err) ||
        gguf_write_folder(&m, folder, &err))
        failed("convert", &err);
    else gguf_report(&m, folder, chosen >= 0), status = 0;
    gguf_model_free(&m);
    base_unmap(&map);
    return stop_signal && status ? stop_status() : status;
}
