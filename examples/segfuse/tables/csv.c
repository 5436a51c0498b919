/* csv.h: CSV (RFC 4180), read. */
#include "csv.h"
#include "column.h"

#include <string.h>

typedef struct csv_reader {
    const char *file, *text;
    size_t size, at, line, line_at; /* line: number of the current line, line_at: where it begins */
    char *out;                      /* fields are unquoted to here; never longer than the file */
    size_t made;
    char sep;      /* between fields */
    char stops[4]; /* where a field without quotes ends */
    int count_bad; /* a row has another number of fields than the header */
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
        return csv_fail(csv, SGF_ERR_FORMAT,
                        "a zero byte; this is no text, or UTF-16: save it as UTF-8");
    return SGF_OK;
}
/* One field; leaves csv->at at the comma, the line end or the end of the file. */
static sgf_status csv_get(csv_reader *csv, sgf_str *field) {
    size_t start = csv->made, open_line = csv->line, open = csv->at, open_at = csv->line_at;
    sgf_status status;
    if (csv->at >= csv->size || csv->text[csv->at] != '"') status = csv_copy(csv, csv->stops);
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
    if (!status && csv->at < csv->size && !strchr(csv->stops, csv->text[csv->at]))
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
/* Is the last row the names of the columns? */
static int csv_is_header(const struct table *table) {
    size_t i;
    for (i = 0; i < table->count; i++) {
        const struct column *at = &table->columns[i];
        sgf_str text = column_items(at)[at->text.count - 1];
        if (!i && text.len >= 3 && !memcmp(text.ptr, "\xEF\xBB\xBF", 3))
            text.ptr += 3, text.len -= 3;
        if (column_name_compare(text, at)) return 0;
    }
    return table->count > 1;
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
        if (csv->at >= csv->size || csv->text[csv->at] != csv->sep) break;
        csv->at++;
    }
    if (!header && count != table->count) {
        csv->count_bad = 1;
        return base_fail_at(
            csv->err, SGF_ERR_FORMAT, csv->file, (int64_t)csv->at,
            "%s: not CSV: the row at line %llu has %llu fields, the header has %llu", csv->file,
            (unsigned long long)line, (unsigned long long)count, (unsigned long long)table->count);
    }
    if (!header && csv_is_header(table))
        return base_fail_at(csv->err, SGF_ERR_FORMAT, csv->file, (int64_t)csv->at,
                            "%s: line %llu is the header again: files were joined; remove the "
                            "headers behind the first",
                            csv->file, (unsigned long long)line);
    csv_line_end(csv);
    return SGF_OK;
}

/* ---- the separator ----
   It is a comma, or what Excel's first line says (sep=;), or what the header has instead of commas: ; or a
   tab or |. Every row must then have as many fields as the header. A header that has commas and another
   one is read with that which fits all rows. */

static const char csv_separators[] = ",;\t|";

/* How often each is in the header outside of quotes. */
static void csv_count(const char *text, size_t size, size_t counts[4]) {
    const char *found;
    size_t i;
    int quoted = 0;
    memset(counts, 0, 4 * sizeof *counts);
    for (i = 0; i < size && (quoted || (text[i] != '\n' && text[i] != '\r')); i++) {
        quoted ^= text[i] == '"';
        found = quoted || !text[i] ? NULL : strchr(csv_separators, text[i]);
        if (found) counts[found - csv_separators]++;
    }
}
/* The separator that the first line names, or 0; *at is behind the line. */
static char csv_named(const char *text, size_t size, size_t *at) {
    size_t i = *at, quoted = i < size && text[i] == '"';
    char sep;
    i += quoted;
    if (size < i + 5 || memcmp(text + i, "sep=", 4) != 0) return 0;
    sep = text[i + 4];
    i += 5 + quoted;
    if (i < size && text[i] != '\r' && text[i] != '\n') return 0;
    *at = i;
    return sep && strchr(csv_separators, sep) ? sep : 0;
}
static sgf_status csv_read_by(const char *file, const char *text, size_t size, size_t at, char sep,
                              int *count_bad, const sgf_allocator *mem, struct table **table,
                              sgf_error *err) {
    csv_reader csv;
    struct table *made;
    int header = 1;
    sgf_status status = table_create(mem, &made, err);
    if (status) return status;
    made->format = "CSV";
    memset(&csv, 0, sizeof csv);
    csv.file = file;
    csv.text = text;
    csv.size = size;
    csv.line = 1;
    csv.err = err;
    csv.at = csv.line_at = at;
    csv.sep = csv.stops[0] = sep;
    csv.stops[1] = '\r', csv.stops[2] = '\n';
    csv.out = (char *)base_arena_alloc(&made->arena, size, 1, err);
    if (!csv.out) status = SGF_ERR_MEMORY;
    while (!status && csv.at < size) {
        if (csv_line_end(&csv)) continue;
        status = csv_line(&csv, made, header);
        header = 0;
    }
    if (!status && header)
        status = csv_fail(&csv, SGF_ERR_FORMAT, "the file is empty, a header was expected");
    *count_bad = csv.count_bad;
    if (status) table_free(made);
    else *table = made;
    return status;
}
/* Is this one column whose name, and every row, holds as many of a separator? Then each line is in quotes. */
static int csv_is_lines(const struct table *table) {
    const struct column *at = table->columns;
    size_t row, i, k, have, rows = table->count == 1 ? at->text.count : 0, want = 0;
    char sep = 0;
    for (k = 0; rows && !want && csv_separators[k]; k++)
        for (i = 0, sep = csv_separators[k]; i < at->name_len; i++) want += at->name[i] == sep;
    for (row = 0; row < rows && want; row++) {
        sgf_str text = column_items(at)[row];
        for (i = have = 0; i < text.len; i++) have += text.ptr[i] == sep;
        if (have != want) return 0;
    }
    return want > 0;
}
/* The error with a sentence about the separator behind it. */
static sgf_status csv_refuse(const char *file, char sep, const char *what, const sgf_error *why,
                             sgf_error *err) {
    char name[4] = {0};
    snprintf(name, sizeof name, sep == '\t' ? "\\t" : "%c", sep);
    return base_fail_at(err, SGF_ERR_FORMAT, file, why->offset,
                        "%s; %s; convert it in Python: import pandas; pandas.read_csv('%s', "
                        "sep='%s').to_csv('%s.csv', index=False)",
                        why->message, what, file, name, file);
}
sgf_status csv_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                    struct table **table, sgf_error *err) {
    const char *text = (const char *)bytes;
    struct table *other = NULL;
    sgf_error why, second;
    sgf_status status;
    size_t at = size >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3) ? 3 : 0, first, counts[4], best = 1,
           i;
    int bad = 0, other_bad;
    char sep;
    for (first = at; first < size && (text[first] == '\r' || text[first] == '\n');) first++;
    if (size - first > 3 && (!memcmp(text + first, "{\"", 2) || !memcmp(text + first, "[{\"", 3)))
        return base_fail_at(err, SGF_ERR_FORMAT, file, 0,
                            "%s: not CSV: this is JSON; name the file .jsonl or .json", file);
    sep = csv_named(text, size, &at);
    if (sep) return csv_read_by(file, text, size, at, sep, &bad, mem, table, err);
    csv_count(text + first, size - first, counts);
    for (i = 2; i < 4; i++)
        if (counts[i] > counts[best]) best = i;
    sep = csv_separators[best];
    if (!counts[best]) {
        status = csv_read_by(file, text, size, at, ',', &bad, mem, table, err);
        if (status || !csv_is_lines(*table)) return status;
        table_free(*table);
        *table = NULL;
        return base_fail_at(
            err, SGF_ERR_FORMAT, file, 0,
            "%s: every line is one field in quotes that holds its separators; convert "
            "it in Python: import csv; open('%s.csv', 'w').writelines(r[0] + '\\n' "
            "for r in csv.reader(open('%s')))",
            file, file, file);
    }
    if (!counts[0]) {
        status = csv_read_by(file, text, size, at, sep, &bad, mem, table, &why);
        return !status || status == SGF_ERR_MEMORY
                   ? (status ? base_fail(err, status, "%s", why.message) : status)
                   : csv_refuse(file, sep,
                                "the header has no comma, this seems to be its separator", &why,
                                err);
    }
    status = csv_read_by(file, text, size, at, ',', &bad, mem, table, &why);
    if (status && !bad) return base_fail_at(err, status, file, why.offset, "%s", why.message);
    if (!csv_read_by(file, text, size, at, sep, &other_bad, mem, &other, &second)) {
        if (status) return *table = other, SGF_OK;
        i = table_rows(other);
        table_free(other);
        if (!i) return SGF_OK;
        table_free(*table);
        *table = NULL;
        snprintf(why.message, sizeof why.message, "%s: is its separator a comma?", file);
        why.offset = 0;
        return csv_refuse(file, sep, "every row fits the header with this one, too", &why, err);
    }
    if (!status || second.status == SGF_ERR_MEMORY)
        return status ? base_fail(err, SGF_ERR_MEMORY, "%s", second.message) : SGF_OK;
    return csv_refuse(file, sep, "the header has this separator, too, which fits no better", &why,
                      err);
}
