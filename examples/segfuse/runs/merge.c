/* segfuse merge: the shards of a result -> the file that a run without shards would have written. */
#include "../cli/hub.h"
#include "configuration.h"
#include "shard.h"
#include "results.h"
#include "../tables/convert.h"
#include "../cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char **file;  /* [shards] the file of each; NULL: not there */
    shard_part *part;   /* [shards] and what it says about itself */
    const char **owner; /* [total] the file a row came from */
    size_t *place;      /* [total] its row among those joined */
    long shards;
    size_t total, rows;
    base_buf config;
    struct table *table;
} merge;

/* The first shard says what all must be like. */
static sgf_status merge_begin(merge *g, const struct table *table, const shard_part *p,
                              sgf_error *err) {
    sgf_str config = table_metadata_get(table, "segfuse");
    int c;
    sgf_status status = base_buf_add(&g->config, config.ptr, config.len, err);
    g->shards = p->shards;
    g->total = p->total;
    g->file = (const char **)calloc((size_t)p->shards, sizeof *g->file);
    g->part = (shard_part *)calloc((size_t)p->shards, sizeof *g->part);
    if (!g->file || !g->part)
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for %ld shards", p->shards);
    if (!status) status = table_create(NULL, &g->table, err);
    for (c = 0; c < table_columns(table) && !status; c++)
        status = table_column(g->table, table_name(table, c), table_type(table, c), NULL, err);
    return status;
}
/* One more shard, behind those joined. The rows of *p go to the merge. */
static sgf_status merge_add(merge *g, const char *path, const char *first, struct table *table,
                            shard_part *p, sgf_error *err) {
    char what[320];
    sgf_str config;
    sgf_error why;
    sgf_status status = g->table ? SGF_OK : merge_begin(g, table, p, err);
    if (status) return status;
    config.ptr = g->config.ptr, config.len = g->config.len;
    if (config_difference(config, table_metadata_get(table, "segfuse"), what, sizeof what))
        return base_fail_at(err, SGF_ERR_ARG, path, -1, "%s does not belong to %s: %s", path, first,
                            what);
    if (p->shards != g->shards || p->total != g->total)
        return base_fail_at(err, SGF_ERR_ARG, path, -1,
                            "%s is shard %ld of %ld of %llu rows, %s is one of %ld of %llu rows",
                            path, p->shard, p->shards, (unsigned long long)p->total, first,
                            g->shards, (unsigned long long)g->total);
    if (g->file[p->shard - 1])
        return base_fail_at(err, SGF_ERR_ARG, path, -1, "shard %ld is given twice: %s and %s",
                            p->shard, g->file[p->shard - 1], path);
    g->file[p->shard - 1] = path;
    p->first = g->rows;
    g->rows += p->count;
    g->part[p->shard - 1] = *p;
    p->rows = NULL;
    status = table_append(g->table, table, &why);
    return status ? base_fail_at(err, status, path, -1, "%s: %s", path, why.message) : SGF_OK;
}
/* Which row of the whole is which of those joined; each must be in one shard. */
static sgf_status merge_place(merge *g, const char *path, const shard_part *p, sgf_error *err) {
    size_t i;
    for (i = 0; i < p->count; i++) {
        size_t row = p->rows[i];
        if (g->owner[row])
            return base_fail_at(err, SGF_ERR_FORMAT, path, -1, "row %llu is in %s and in %s",
                                (unsigned long long)row, g->owner[row], path);
        g->owner[row] = path;
        g->place[row] = p->first + i;
    }
    return SGF_OK;
}
/* All shards, and so all rows, must be there. The total is only what a file says: memory is taken
   for it when the shards have as many rows. */
static sgf_status merge_check(merge *g, sgf_error *err) {
    char missing[256] = "";
    size_t i, n = 0, row;
    sgf_status status = SGF_OK;
    for (i = 0; i < (size_t)g->shards; i++)
        if (!g->file[i] && strlen(missing) + 16 < sizeof missing) {
            n = strlen(missing);
            snprintf(missing + n, sizeof missing - n, "%s%llu", n ? ", " : "",
                     (unsigned long long)i + 1);
        }
    if (*missing)
        return base_fail(err, SGF_ERR_ARG, "of %ld shards these are missing: %s", g->shards,
                         missing);
    if (g->total > g->rows)
        return base_fail(err, SGF_ERR_FORMAT,
                         "the shards are of %llu rows, but have %llu together: some were damaged; "
                         "make them again with segfuse generate --shard K/N --rewrite",
                         (unsigned long long)g->total, (unsigned long long)g->rows);
    g->owner = (const char **)calloc(g->total + 1, sizeof *g->owner);
    g->place = (size_t *)calloc(g->total + 1, sizeof *g->place);
    if (!g->owner || !g->place)
        return base_fail(err, SGF_ERR_MEMORY, "out of memory for %llu rows",
                         (unsigned long long)g->total);
    for (i = 0; i < (size_t)g->shards && !status; i++)
        status = merge_place(g, g->file[i], &g->part[i], err);
    if (status) return status;
    for (row = 0; row < g->total; row++)
        if (!g->owner[row])
            return base_fail(err, SGF_ERR_FORMAT, "row %llu is in none of the shards",
                             (unsigned long long)row);
    return SGF_OK;
}
static sgf_status merge_read(merge *g, const char *path, const char *first, sgf_error *err) {
    struct table *table;
    shard_part p;
    sgf_status status = table_read(path, NULL, &table, err);
    if (status) return status;
    status = shard_part_read(table, path, &p, err);
    if (!status) status = merge_add(g, path, first, table, &p, err);
    free(p.rows);
    table_free(table);
    return status;
}
/* Join `files` and write `path`.feather, .csv and .json. */
static sgf_status merge_files(const char **files, size_t n, const char *path, sgf_error *err) {
    merge g;
    size_t i, k;
    sgf_status status = SGF_OK;
    memset(&g, 0, sizeof g);
    base_buf_init(&g.config, NULL);
    for (i = 0; i < n && !status; i++) status = merge_read(&g, files[i], files[0], err);
    if (!status) status = merge_check(&g, err);
    if (!status) status = table_select(g.table, g.place, g.total, err);
    if (!status) status = result_write(path, g.table, &g.config, err);
    if (!status)
        fprintf(stderr, "%s.feather, .csv and .json: %llu row%s of %ld shard%s\n", path,
                (unsigned long long)g.total, plural(g.total), g.shards, plural((size_t)g.shards));
    table_free(g.table);
    base_buf_free(&g.config);
    for (k = 0; g.part && k < (size_t)g.shards; k++) free(g.part[k].rows);
    free(g.file);
    free(g.part);
    free(g.owner);
    free(g.place);
    return status;
}

int verb_merge(int argc, char **argv) {
    static const char *const endings[] = {"feather", "csv", "json"};
    const char **rest = (const char **)calloc((size_t)argc + 1, sizeof *rest);
    char path[1050], file[1100];
    int rests, status, rewrite = 0;
    size_t i;
    sgf_error err;
    option options[] = {{"rewrite", OPTION_FLAG, &rewrite, NULL, "replace OUT if it is there"},
                        ROWS_END};
    if (!rest) return 1;
    status = options_parse(argc, argv, options, "OUT.feather SHARD...",
                           "Join the Feather files of generate --shard 1/N to N/N: the file, and "
                           "the CSV and configuration beside it, are those of a run without "
                           "shards, byte for byte.",
                           rest, &rests, argc);
    if (status < 0 && rests < 2) {
        fprintf(stderr, "segfuse merge: OUT.feather and the shards' Feather files are needed; see "
                        "segfuse merge --help\n");
        status = 2;
    } else if (status < 0 && (!has_ending(rest[0], ".feather") || strlen(rest[0]) >= 1024)) {
        fprintf(stderr, "segfuse merge: %s: OUT comes first, a path that ends with .feather\n",
                rest[0]);
        status = 2;
    }
    if (status < 0) {
        snprintf(path, sizeof path, "%.*s", (int)(strlen(rest[0]) - strlen(".feather")), rest[0]);
        for (i = 0; i < 3 && status < 0; i++) {
            snprintf(file, sizeof file, "%s.%s", path, endings[i]);
            if (!output_free("merge", file, rewrite)) status = 1;
        }
    }
    if (status < 0)
        status = merge_files(rest + 1, (size_t)rests - 1, path, &err) ? failed("merge", &err) : 0;
    free(rest);
    return status;
}
