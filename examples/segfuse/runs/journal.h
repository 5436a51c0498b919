/* The journal of a run: every row that is finished, on disk, beside a result that does not exist yet.

       line 1   the configuration, as in the result
       after    {"row": 12, "tally": [1, 0, ...], "cells": {"uuid": "...", "answers": [...], ...}}

   Rows come in any order; "row" is the row's number in the whole result. The lines of a batch are
   appended by one write, so that a killed program loses nothing that was finished; every
   JOURNAL_SYNC seconds they are brought to the disk itself, so that a power cut loses that much. A
   line that is not whole ends what is believed: it and what follows is cut off, and computed
   again. While a run works on a journal it holds a lock on it. */
#ifndef SEGFUSE_JOURNAL_H
#define SEGFUSE_JOURNAL_H

#include "../tables/table.h"

enum { MAX_TALLIES = 8 };
typedef struct {
    char path[1200];
    int fd;
    struct table *table; /* the caller's; row i of it is row rows[i] of the result */
    size_t *rows, count, cap;
    size_t *place;     /* [total] where a row of the result is in the table, from 1; 0: not yet */
    size_t total, cut; /* cut: bytes that were not whole lines */
    size_t beyond;     /* rows of questions behind the last one of this run */
    uint64_t tally[MAX_TALLIES]; /* sums over all rows */
    uint64_t size;               /* of the file, whole lines */
    double synced;
    base_buf waiting; /* lines that have not been written */
} journal;
/* The row added last to the table is row `row` of the result. It is on disk after the next
   journal_flush. */
sgf_status journal_add(journal *j, size_t row, const uint64_t *tally, sgf_error *err);
/* What was added is safe from a kill now, and from a power cut within JOURNAL_SYNC seconds. */
sgf_status journal_flush(journal *j, sgf_error *err);
void journal_init(journal *j);
/* Let go of the journal. One without a row is removed. */
void journal_close(journal *j);
/* Before a run: are there finished rows in `path`.journal? If so they must be of this
   configuration. */
sgf_status journal_peek(const char *path, const base_buf *config, int *begun, sgf_error *err);
/* Begin or go on with `path`.journal of a result of `total` rows. `table` has the result's columns
   and no rows; the rows that are done are added to it. A journal of another configuration is
   SGF_ERR_ARG with the option that differs, unless `rewrite` says to forget it. */
sgf_status journal_open(journal *j, const char *path, const base_buf *config, size_t total,
                        int rewrite, struct table *table, sgf_error *err);
/* Put the table into the result's order. */
sgf_status journal_order(journal *j, sgf_error *err);
/* The result is in place: the journal has done its work. */
void journal_remove(journal *j);

#endif
