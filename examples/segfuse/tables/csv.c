/* csv.h: CSV (RFC 4180), read. */
#include "csv.h"
#include "column.h"

#include <string.h>

typedef struct csv_reader {
    const char *file, *text;
    size_t size, at, line, line_at; /* line: number of the current line, line_at: where it begins */
    char *out;                      /* fields are unquoted to here; never longer than the file */
    size_t made;
    sgf_error *err;
} csv_reader;

static sgf_status csv_fail(const csv_reader *csv, sgf_status status, const char *what) {
    return base_fail_at(csv->err, status, csv->file, (int64_t)csv->at,
                        "%s: not CSV: line %llu, column %llu: %s", csv->file,
                        (unsigned long long)csv->line,
                        (unsigned long long)(csv->at - csv->line_at + 1), what);
}
/* Copy bytes up to the next of `stops` (or the end) to the output. */
static sgf_status csv_copy(csv_reader *csv, const char *stops) {
    while (csv->at < csv->size && !strchr(stops, csv->text[csv->at])) {
        uint32_t code;
        size_t len = base_utf8_next(csv->text + csv->at, csv->size - csv->at, &code);
        if (!len)
            return csv_fail(csv, SGF_ERR_FORMAT,
                            "a byte that is not UTF-8; save the file as UTF-8");
        memcpy(csv->out + csv->made, csv->text + csv->at, len);
        csv->made += len;
        csv->at += len;
        if (code != '\n') continue;
        csv->line++;
        csv->line_at = csv->at;
    }
    if (csv->at < csv->size && !csv->text[csv->at])
        return csv_fail(csv, SGF_ERR_FORMAT, "a zero byte; this is no text file");
    return SGF_OK;
}
/* One field; leaves csv->at at the comma, the line end or the end of the file. */
static sgf_status csv_get(csv_reader *csv, sgf_str *field) {
    size_t start = csv->made, open_line = csv->line, open = csv->at, open_at = csv->line_at;
    sgf_status status;
    if (csv->at >= csv->size || csv->text[csv->at] != '"') status = csv_copy(csv, ",\r\n");
    else
        for (;;) {
            csv->at++;
            status = csv_copy(csv, "\"");
            if (status) break;
            if (csv->at >= csv->size) {
                csv->line = open_line, csv->at = open, csv->line_at = open_at;
                return csv_fail(csv, SGF_ERR_FORMAT, "a quoted field without its closing quote");
            }
            csv->at++;
            if (csv->at >= csv->size || csv->text[csv->at] != '"') break; /* "" is a quote */
            csv->out[csv->made++] = '"';
        }
    *field = base_text_of(csv->out + start, csv->made - start);
    if (!status && csv->at < csv->size && !strchr(",\r\n", csv->text[csv->at]))
        return csv_fail(csv, SGF_ERR_FORMAT, "text after a closing quote");
    return status;
}
/* Pass a line end, if there is one here. */
static int csv_line_end(csv_reader *csv) {
    size_t at = csv->at;
    if (at < csv->size && csv->text[at] == '\r') at++;
    if (at < csv->size && csv->text[at] == '\n') at++;
    if (at == csv->at) return 0;
    csv->at = csv->line_at = at;
    csv->line++;
    return 1;
}
/* One line: the names of columns into an empty table, or a row. */
static sgf_status csv_line(csv_reader *csv, struct table *table, int header) {
    size_t count = 0, line = csv->line;
    sgf_status status = SGF_OK;
    sgf_str field;
    for (;;) {
        status = csv_get(csv, &field);
        if (status) return status;
        if (header) {
            status = column_add(table, field, SGF_COLUMN_UTF8, NULL, csv->err);
            if (status == SGF_ERR_MEMORY) return status;
            if (status)
                return csv_fail(csv, status,
                                "this is no header: too many columns, or a name that is not text");
        } else if (count < table->count) {
            status = column_room(&table->arena.mem, &table->columns[count], 1, 0, 1, csv->err);
            if (status) return status;
            column_put_text(&table->columns[count], field);
        }
        count++;
        if (csv->at >= csv->size || csv->text[csv->at] != ',') break;
        csv->at++;
    }
    if (!header && count != table->count)
        return base_fail_at(
            csv->err, SGF_ERR_FORMAT, csv->file, (int64_t)csv->at,
            "%s: not CSV: the row at line %llu has %llu fields, the header has %llu", csv->file,
            (unsigned long long)line, (unsigned long long)count, (unsigned long long)table->count);
    csv_line_end(csv);
    return SGF_OK;
}
sgf_status csv_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                    struct table **table, sgf_error *err) {
    csv_reader csv;
    struct table *made;
    int header = 1;
    sgf_status status = table_create(mem, &made, err);
    if (status) return status;
    made->format = "CSV";
    memset(&csv, 0, sizeof csv);
    csv.file = file;
    csv.text = (const char *)bytes;
    csv.size = size;
    csv.line = 1;
    csv.err = err;
    csv.at = csv.line_at = size >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3) ? 3
                                                                          : 0; /* byte order mark */
    csv.out = (char *)base_arena_alloc(&made->arena, size, 1, err);
    if (!csv.out) status = SGF_ERR_MEMORY;
    while (!status && csv.at < size) {
        if (csv_line_end(&csv)) continue;
        status = csv_line(&csv, made, header);
        header = 0;
    }
    if (!status && header)
        status = csv_fail(&csv, SGF_ERR_FORMAT, "the file is empty, a header was expected");
    if (status) table_free(made);
    else *table = made;
    return status;
}
