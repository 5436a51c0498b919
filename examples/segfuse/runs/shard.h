/* Shards: a data set in N parts that can be answered apart from each other, on any machines. A
   question belongs to shard 1 + h mod N, h the first 8 hexadecimal digits of the MD5 of its uuid: the
   same everywhere, whatever else is in the data set. The Feather file of a shard says in its schema,
   under "segfuse_shard", which rows of the whole it holds:

       {"shard": 2, "shards": 4, "total": 636, "rows": [0, 3, 7, ...]} */
#ifndef SEGFUSE_SHARD_H
#define SEGFUSE_SHARD_H

#include "../tables/table.h"

/* "K/N", 1 <= K <= N; NULL is no shard, 0 and 0. */
int shard_parse(const char *text, long *shard, long *shards);
int shard_has(long shard, long shards, sgf_str uuid);
/* Say in the table's metadata what it is a part of; row i is row rows[i] of the whole. */
sgf_status shard_describe(struct table *table, long shard, long shards, const size_t *rows,
                          size_t count, size_t total, sgf_error *err);
/* What a shard's file says about itself. */
typedef struct {
    long shard, shards;
    size_t total, count, *rows;
    size_t first; /* segfuse merge: its first row among those joined */
} shard_part;
/* Read the description of a table that was read from `path`. p->rows is to be freed in any case. */
sgf_status shard_part_read(const struct table *table, const char *path, shard_part *p,
                           sgf_error *err);

#endif
