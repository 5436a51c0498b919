#include "shard.h"
#include "../base/json.h"
#include "../base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHARDS = 100000 };

int shard_parse(const char *text, long *shard, long *shards) {
    char *end = NULL, *last = NULL;
    *shard = *shards = 0;
    if (!text) return 1;
    *shard = strtol(text, &end, 10);
    if (end != text && *end == '/') *shards = strtol(end + 1, &last, 10);
    if (*shards && !*last && *shard >= 1 && *shard <= *shards && *shards <= MAX_SHARDS) return 1;
    fprintf(stderr,
            "segfuse generate: --shard is K/N, part K of N, with K from 1 to N (such as 1/4 to "
            "4/4), not '%s'\n",
            text);
    return 0;
}
int shard_has(long shard, long shards, sgf_str uuid) {
    char hex[33];
    if (!shards) return 1;
    hash_md5_hex(uuid, hex);
    hex[8] = 0;
    return strtoul(hex, NULL, 16) % (unsigned long)shards == (unsigned long)(shard - 1);
}
sgf_status shard_describe(struct table *table, long shard, long shards, const size_t *rows,
                          size_t count, size_t total, sgf_error *err) {
    char number[96];
    base_buf text;
    sgf_str value;
    size_t i;
    sgf_status status;
    base_buf_init(&text, NULL);
    snprintf(number, sizeof number,
             "{\"shard\": %ld, \"shards\": %ld, \"total\": %llu, \"rows\": [", shard, shards,
             (unsigned long long)total);
    status = base_buf_text(&text, number, err);
    for (i = 0; i < count && !status; i++) {
        snprintf(number, sizeof number, "%s%llu", i ? ", " : "", (unsigned long long)rows[i]);
        status = base_buf_text(&text, number, err);
    }
    if (!status) status = base_buf_text(&text, "]}", err);
    value.ptr = text.ptr, value.len = text.len;
    if (!status) status = table_metadata_set(table, "segfuse_shard", value, err);
    base_buf_free(&text);
    return status;
}

static sgf_status shard_bad(const char *path, const char *what, sgf_error *err) {
    return base_fail_at(err, SGF_ERR_FORMAT, path, -1, "%s: %s", path, what);
}
static sgf_status shard_numbers(const json_doc *json, const char *path, shard_part *p,
                                sgf_error *err) {
    static const char *const names[] = {"shard", "shards", "total", "rows"};
    int64_t value[3] = {0, 0, 0}, row;
    uint32_t at[4], i;
    for (i = 0; i < 4; i++) at[i] = json_get(json, 0, names[i]);
    for (i = 0; i < 3; i++)
        if (!at[i] || !json_whole(json, at[i], 0, INT64_MAX, &value[i]))
            return shard_bad(path, "its \"segfuse_shard\" is damaged", err);
    if ((uint64_t)value[2] >= SIZE_MAX / 16) /* arrays of so many pointers are made */
        return shard_bad(path, "its \"segfuse_shard\" names more rows than memory could hold", err);
    if (!at[3] || json->nodes[at[3]].type != JSON_ARRAY || value[0] < 1 || value[0] > value[1] ||
        value[1] > MAX_SHARDS)
        return shard_bad(path, "its \"segfuse_shard\" is damaged", err);
    p->shard = (long)value[0], p->shards = (long)value[1], p->total = (size_t)value[2];
    p->rows = (size_t *)calloc(json->nodes[at[3]].count + (size_t)1, sizeof *p->rows);
    if (!p->rows) return base_fail(err, SGF_ERR_MEMORY, "out of memory for %s", path);
    for (i = at[3] + 1; i < json->nodes[at[3]].next; i = json->nodes[i].next) {
        if (!json_whole(json, i, 0, value[2] - 1, &row))
            return shard_bad(path, "its \"segfuse_shard\" is damaged", err);
        p->rows[p->count++] = (size_t)row;
    }
    return SGF_OK;
}
sgf_status shard_part_read(const struct table *table, const char *path, shard_part *p,
                           sgf_error *err) {
    sgf_str text = table_metadata_get(table, "segfuse_shard");
    base_arena arena;
    json_doc json;
    sgf_status status;
    memset(p, 0, sizeof *p);
    if (table_metadata_get(table, "segfuse_partial").ptr)
        return shard_bad(path, "is of a run that was stopped; start it again to finish it", err);
    if (!text.ptr)
        return shard_bad(path,
                         "is no shard: it has no \"segfuse_shard\" in its metadata; "
                         "segfuse generate --shard K/N writes such files",
                         err);
    base_arena_init(&arena, NULL);
    status = json_parse(path, text.ptr, text.len, &arena, &json, err);
    if (!status) status = shard_numbers(&json, path, p, err);
    if (!status && p->count != table_rows(table))
        status = shard_bad(path, "has other rows than its \"segfuse_shard\" says", err);
    base_arena_free(&arena);
    return status;
}
