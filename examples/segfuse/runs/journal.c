#define _XOPEN_SOURCE 700
#include "journal.h"
#include "../base/json.h"
#include "../tables/jsonl.h"
#include "../base/progress.h"
#include "configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_SYNC 5.0 /* seconds */

static sgf_status journal_failed(const journal *j, const char *what, sgf_error *err) {
    return base_fail_at(err, SGF_ERR_IO, j->path, (int64_t)j->size, "%s: %s: %s", j->path, what,
                        strerror(errno));
}

/* Bring the names in the folder of `path` to the disk: what was made, renamed or removed. */
static void folder_sync(const char *path) {
    char folder[1200], *slash;
    int fd;
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = 0;
    fd = open(slash ? folder : ".", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

/* ---- the lock ---- */

/* 0 if the journal is ours, -1 after an error. Only this process's locks go when any of its
   descriptors of the file is closed, so nothing else here opens a journal that is in use. */
static sgf_status journal_lock(journal *j, sgf_error *err) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (!fcntl(j->fd, F_SETLK, &lock)) return SGF_OK;
    if (errno != EACCES && errno != EAGAIN) { /* a file system without locks */
        fprintf(stderr,
                "%s: cannot be locked (%s); take care that no other run has the same output\n",
                j->path, strerror(errno));
        return SGF_OK;
    }
    if (fcntl(j->fd, F_GETLK, &lock) || lock.l_type == F_UNLCK) lock.l_pid = 0;
    return base_fail_at(err, SGF_ERR_IO, j->path, -1,
                        "%s: another run is at work on this result (process %ld); wait for it, or "
                        "give another --output",
                        j->path, (long)lock.l_pid);
}
/* Open and lock. A run that ended in between may have removed the file that was opened. */
static sgf_status journal_claim(journal *j, sgf_error *err) {
    struct stat ours, named;
    sgf_status status;
    for (;;) {
        j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (j->fd < 0) return journal_failed(j, "the journal cannot be written", err);
        status = journal_lock(j, err);
        if (!status && fstat(j->fd, &ours)) status = journal_failed(j, "cannot be looked at", err);
        if (!status && stat(j->path, &named)) {
            if (errno != ENOENT) status = journal_failed(j, "cannot be looked at", err);
        } else if (!status && ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
            return SGF_OK;
        close(j->fd);
        j->fd = -1;
        if (status) return status;
    }
}

/* ---- reading it back ---- */

static sgf_status journal_text(const journal *j, base_buf *text, sgf_error *err) {
    char piece[65536];
    sgf_status status = SGF_OK;
    while (!status) {
        ssize_t n = read(j->fd, piece, sizeof piece);
        if (n == 0) break;
        if (n > 0) status = base_buf_add(text, piece, (size_t)n, err);
        else if (errno != EINTR) status = journal_failed(j, "reading failed", err);
    }
    return status;
}
/* The texts of the list at `node` to out[]; returns how many, SIZE_MAX if it is not such a list. */
static size_t journal_items(const json_doc *json, uint32_t node, sgf_str *out) {
    const json_node *nodes = json->nodes;
    uint32_t i;
    size_t n = 0;
    if (nodes[node].type != JSON_ARRAY) return SIZE_MAX;
    for (i = node + 1; i < nodes[node].next; i = nodes[i].next) {
        if (nodes[i].type != JSON_STRING) return SIZE_MAX;
        out[n++] = nodes[i].text;
    }
    return n;
}
static int journal_list(journal *j, int column, const json_doc *json, uint32_t node) {
    sgf_str *items = (sgf_str *)base_arena_alloc(json->arena, json->nodes[node].count + 1,
                                                 sizeof *items, NULL);
    size_t n = items ? journal_items(json, node, items) : SIZE_MAX;
    return n != SIZE_MAX && !table_list(j->table, column, items, n, NULL);
}
static int journal_lists(journal *j, int column, const json_doc *json, uint32_t node) {
    const json_node *nodes = json->nodes;
    uint32_t i;
    size_t n = 0, all = 0, lists = nodes[node].count;
    sgf_str *items = (sgf_str *)base_arena_alloc(json->arena, nodes[node].next - node,
                                                 sizeof *items, NULL);
    size_t *counts = (size_t *)base_arena_alloc(json->arena, lists + 1, sizeof *counts, NULL);
    if (!items || !counts || nodes[node].type != JSON_ARRAY) return 0;
    for (i = node + 1; i < nodes[node].next; i = nodes[i].next) {
        counts[n] = journal_items(json, i, items + all);
        if (counts[n] == SIZE_MAX) return 0;
        all += counts[n++];
    }
    return !table_list_list(j->table, column, items, counts, n, NULL);
}
/* The value at `node` becomes the next cell of the column. 0 if it is of another type. */
static int journal_cell(journal *j, int column, const json_doc *json, uint32_t node) {
    const json_node *at = &json->nodes[node];
    int64_t whole = 0;
    if (!node) return 0;
    if (at->type == JSON_NULL) return !table_null(j->table, column, NULL);
    switch (table_type(j->table, column)) {
    case SGF_COLUMN_UTF8:
        return at->type == JSON_STRING && !table_text(j->table, column, at->text, NULL);
    case SGF_COLUMN_LIST_UTF8: return journal_list(j, column, json, node);
    case SGF_COLUMN_LIST_LIST_UTF8: return journal_lists(j, column, json, node);
    case SGF_COLUMN_F64:
        return at->type == JSON_NUMBER &&
               !table_f64(j->table, column, json_number(json, node), NULL);
    case SGF_COLUMN_I64:
        return at->type == JSON_NUMBER && base_text_i64(at->text, &whole) &&
               !table_i64(j->table, column, whole, NULL);
    case SGF_COLUMN_BOOL:
        return (at->type == JSON_TRUE || at->type == JSON_FALSE) &&
               !table_bool(j->table, column, at->type == JSON_TRUE, NULL);
    default: return 0;
    }
}
/* The row that was just added to the table is row `row` of the result. */
static sgf_status journal_number(journal *j, size_t row, const uint64_t *tally, sgf_error *err) {
    void *rows = j->rows;
    size_t i;
    sgf_allocator mem = base_allocator(NULL);
    sgf_status status = base_grow(&mem, &rows, &j->cap, j->count + 1, sizeof *j->rows, err);
    j->rows = (size_t *)rows;
    if (status) return status;
    j->rows[j->count++] = row;
    j->place[row] = j->count;
    for (i = 0; i < MAX_TALLIES; i++) j->tally[i] += tally[i];
    return SGF_OK;
}
/* One line; 0 if it is not a row. A row that stands there twice counts once. */
static int journal_line(journal *j, const char *text, size_t size) {
    base_arena arena;
    json_doc json;
    uint64_t tally[MAX_TALLIES] = {0};
    int64_t row = 0, count = 0;
    uint32_t cells, list, i;
    size_t n = 0;
    int c, good;
    base_arena_init(&arena, NULL);
    good = !json_parse(j->path, text, size, &arena, &json, NULL);
    good = good && (i = json_get(&json, 0, "row")) != 0 &&
           json_whole(&json, i, 0, INT64_MAX, &row) && (cells = json_get(&json, 0, "cells")) != 0 &&
           (list = json_get(&json, 0, "tally")) != 0 && json.nodes[list].type == JSON_ARRAY &&
           json.nodes[list].count <= MAX_TALLIES;
    for (i = good ? list + 1 : 0; good && i < json.nodes[list].next; i = json.nodes[i].next) {
        good = json_whole(&json, i, 0, INT64_MAX, &count);
        tally[n++] = (uint64_t)count;
    }
    if (good && (uint64_t)row >= j->total) j->beyond++;
    else if (good && !j->place[row]) {
        for (c = 0; c < table_columns(j->table) && good; c++)
            good = journal_cell(j, c, &json, json_get(&json, cells, table_name(j->table, c)));
        good = good && !journal_number(j, (size_t)row, tally, NULL);
    }
    base_arena_free(&arena);
    return good;
}
/* Believe the lines up to the first that is not whole; that one and the rest are cut off. */
static sgf_status journal_read(journal *j, const char *text, size_t size, size_t at,
                               sgf_error *err) {
    size_t i;
    while (at < size) {
        const char *end = (const char *)memchr(text + at, '\n', size - at);
        if (!end || !journal_line(j, text + at, (size_t)(end - text) - at)) break;
        at = (size_t)(end - text) + 1;
    }
    j->size = at;
    j->cut = size - at;
    if (!j->cut) return SGF_OK;
    if (ftruncate(j->fd, (off_t)at)) return journal_failed(j, "cannot be cut", err);
    { /* half a row may be in the table */
        size_t *rows = (size_t *)calloc(j->count + 1, sizeof *rows);
        sgf_status status = SGF_ERR_MEMORY;
        for (i = 0; rows && i < j->count; i++) rows[i] = i;
        if (rows) status = table_select(j->table, rows, j->count, err);
        else base_fail(err, status, "out of memory");
        free(rows);
        return status;
    }
}

/* ---- writing ---- */

/* Append what is waiting. After a failure (a full disk) the journal ends with the last whole line. */
static sgf_status journal_write(journal *j, sgf_error *err) {
    size_t at = 0;
    while (at < j->waiting.len) {
        ssize_t n = write(j->fd, j->waiting.ptr + at, j->waiting.len - at);
        if (n > 0) at += (size_t)n;
        else if (n == 0 || errno != EINTR) {
            sgf_status status = journal_failed(j, "writing failed", err);
            if (ftruncate(j->fd, (off_t)j->size)) { /* the next start cuts it */
            }
            return status;
        }
    }
    j->size += at;
    j->waiting.len = 0;
    return SGF_OK;
}
static sgf_status journal_sync(journal *j, sgf_error *err) {
    j->synced = clock_now();
    if (fsync(j->fd) && errno != EINVAL && errno != ENOTSUP) /* some file systems have none */
        return journal_failed(j, "writing failed", err);
    return SGF_OK;
}
sgf_status journal_add(journal *j, size_t row, const uint64_t *tally, sgf_error *err) {
    char number[64];
    size_t i, start = j->waiting.len;
    sgf_status status;
    snprintf(number, sizeof number, "{\"row\": %llu, \"tally\": [", (unsigned long long)row);
    status = base_buf_text(&j->waiting, number, err);
    for (i = 0; i < MAX_TALLIES && !status; i++) {
        snprintf(number, sizeof number, "%s%llu", i ? ", " : "", (unsigned long long)tally[i]);
        status = base_buf_text(&j->waiting, number, err);
    }
    if (!status) status = base_buf_text(&j->waiting, "], \"cells\": ", err);
    if (!status) status = jsonl_row(&j->waiting, j->table, j->count, err);
    if (!status) {
        j->waiting.len--; /* its line end */
        status = base_buf_text(&j->waiting, "}\n", err);
    }
    if (!status) status = journal_number(j, row, tally, err);
    if (status) j->waiting.len = start;
    return status;
}
sgf_status journal_flush(journal *j, sgf_error *err) {
    sgf_status status = journal_write(j, err);
    if (!status && clock_now() - j->synced >= JOURNAL_SYNC) status = journal_sync(j, err);
    return status;
}

/* ---- a whole journal ---- */

void journal_init(journal *j) {
    memset(j, 0, sizeof *j);
    j->fd = -1;
    base_buf_init(&j->waiting, NULL);
}
void journal_close(journal *j) {
    sgf_allocator mem = base_allocator(NULL);
    if (j->fd >= 0) {
        if (!j->count) remove(j->path);
        else journal_sync(j, NULL);
        close(j->fd);
    }
    base_free(&mem, j->rows, j->cap, sizeof *j->rows);
    free(j->place);
    base_buf_free(&j->waiting);
    journal_init(j);
}
sgf_status journal_peek(const char *path, const base_buf *config, int *begun, sgf_error *err) {
    char name[1200], *line = NULL;
    size_t cap = 0;
    sgf_str was;
    ssize_t n;
    FILE *file;
    sgf_status status = SGF_OK;
    snprintf(name, sizeof name, "%s.journal", path);
    *begun = 0;
    file = fopen(name, "rb");
    if (!file) return SGF_OK; /* what else is wrong with it comes out when it is opened */
    n = getline(&line, &cap, file);
    *begun = n > 0 && getc(file) != EOF;
    was.ptr = line;
    was.len = n > 0 ? (size_t)n - 1 : 0;
    if (*begun) status = config_grows(name, was, config, err);
    free(line);
    fclose(file);
    return status;
}
sgf_status journal_open(journal *j, const char *path, const base_buf *config, size_t total,
                        int rewrite, struct table *table, sgf_error *err) {
    base_buf text;
    const char *end;
    sgf_status status;
    journal_init(j);
    base_buf_init(&text, NULL);
    snprintf(j->path, sizeof j->path, "%s.journal", path);
    j->table = table;
    j->total = total;
    j->place = (size_t *)calloc(total + 1, sizeof *j->place);
    status = j->place ? journal_claim(j, err) : base_fail(err, SGF_ERR_MEMORY, "out of memory");
    if (!status && rewrite && ftruncate(j->fd, 0))
        status = journal_failed(j, "cannot be emptied", err);
    if (!status) status = journal_text(j, &text, err);
    end = text.len ? (const char *)memchr(text.ptr, '\n', text.len) : NULL;
    if (!status && end && (size_t)(end - text.ptr) + 1 < text.len) {
        sgf_str was;
        was.ptr = text.ptr, was.len = (size_t)(end - text.ptr);
        status = config_grows(j->path, was, config, err);
        if (!status) status = journal_read(j, text.ptr, text.len, was.len + 1, err);
        if (!status && j->beyond)
            status = base_fail_at(err, SGF_ERR_ARG, j->path, -1,
                                  "%s has rows of more questions than are asked for now; raise "
                                  "--max_samples or leave it out, or begin anew with --rewrite",
                                  j->path);
        if (status) close(j->fd), j->fd = -1; /* not ours to remove */
    } else if (!status) {                     /* new, or nothing was finished */
        if (text.len && ftruncate(j->fd, 0)) status = journal_failed(j, "cannot be emptied", err);
        if (!status) status = base_buf_add(&j->waiting, config->ptr, config->len, err);
        if (!status) status = base_buf_text(&j->waiting, "\n", err);
        if (!status) status = journal_write(j, err);
        if (!status) status = journal_sync(j, err);
        if (!status) folder_sync(j->path);
    }
    base_buf_free(&text);
    if (status) journal_close(j);
    return status;
}
sgf_status journal_order(journal *j, sgf_error *err) {
    size_t *order = (size_t *)calloc(j->count + 1, sizeof *order), row, n = 0;
    sgf_status status;
    if (!order) return base_fail(err, SGF_ERR_MEMORY, "out of memory");
    for (row = 0; row < j->total; row++)
        if (j->place[row]) order[n++] = j->place[row] - 1;
    status = table_select(j->table, order, n, err);
    for (row = n = 0; row < j->total && !status; row++)
        if (j->place[row]) j->rows[n] = row, j->place[row] = ++n;
    free(order);
    return status;
}
void journal_remove(journal *j) {
    folder_sync(j->path);
    remove(j->path);
}
