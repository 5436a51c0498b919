/* table.h: tables become files, files become tables. */
#include "arrow.h"
#include "column.h"
#include "csv.h"
#include "jsonl.h"

#include <string.h>

/* ---- writing ---- */

/* The table as the library's writers take it: its arrays are lent, not copied. */
typedef struct table_loan {
    sgf_table table;
    sgf_column *columns;
    sgf_metadata *metadata;
    sgf_allocator mem;
    size_t pairs; /* that there is room for */
} table_loan;

static void table_lend_end(table_loan *loan) {
    base_free(&loan->mem, loan->columns, loan->table.n_columns, sizeof *loan->columns);
    base_free(&loan->mem, loan->metadata, loan->pairs, sizeof *loan->metadata);
}
static sgf_status table_lend(const struct table *table, const char *path, table_loan *loan,
                             sgf_error *err) {
    const sgf_metadata *pairs = (const sgf_metadata *)table->pairs.items;
    sgf_status status = column_check(table, path, err);
    size_t i;
    if (status) return status;
    memset(loan, 0, sizeof *loan);
    loan->mem = table->arena.mem;
    loan->pairs = table->pairs.count;
    loan->table.n_columns = table->count;
    loan->table.rows = table_rows(table);
    loan->columns = (sgf_column *)base_alloc(&loan->mem, table->count, sizeof *loan->columns, err);
    if (!loan->columns) return SGF_ERR_MEMORY;
    loan->metadata = (sgf_metadata *)base_alloc(&loan->mem, loan->pairs, sizeof *pairs, err);
    if (!loan->metadata) {
        table_lend_end(loan);
        return SGF_ERR_MEMORY;
    }
    for (i = 0; i < table->count; i++) {
        const struct column *from = &table->columns[i];
        sgf_column *to = &loan->columns[i];
        to->name = from->name;
        to->type = from->type;
        to->text = column_items(from);
        to->ends = (const int64_t *)from->ends.items;
        to->inner = (const int64_t *)from->inner.items;
        to->f64 = (const double *)from->values.items;
        to->i64 = (const int64_t *)from->values.items;
        to->flags = (const uint8_t *)from->flags.items;
    }
    for (i = 0; i < loan->pairs; i++) /* a file that was read may have the writer's own key */
        if (strcmp(pairs[i].key, "pandas")) loan->metadata[loan->table.n_metadata++] = pairs[i];
    loan->table.columns = loan->columns;
    loan->table.metadata = loan->metadata;
    return SGF_OK;
}
sgf_status table_write_feather(const struct table *table, const char *path, sgf_error *err) {
    table_loan loan;
    sgf_status status = table_lend(table, path, &loan, err);
    if (status) return status;
    status = sgf_table_write_feather(&loan.table, path, &loan.mem, err);
    table_lend_end(&loan);
    return status;
}
sgf_status table_write_csv(const struct table *table, const char *path, sgf_error *err) {
    table_loan loan;
    sgf_status status = table_lend(table, path, &loan, err);
    if (status) return status;
    status = sgf_table_write_csv(&loan.table, path, &loan.mem, err);
    table_lend_end(&loan);
    return status;
}
sgf_status table_write_jsonl(const struct table *table, const char *path, sgf_error *err) {
    return jsonl_write(table, path, err);
}

/* ---- reading ---- */

/* Formats that are not read, known by their first bytes (and, where those are not enough, by the
   file's name), with the line of Python that converts one; @ is the path. */
typedef struct foreign {
    const char *name, *magic, *ending, *python;
    size_t size; /* of the magic bytes */
} foreign;

static const foreign foreigns[] = {
    {"Parquet", "PAR1", "", "import pandas; pandas.read_parquet('@').to_feather('@.feather')", 4},
    {"Feather version 1", "FEA1", "",
     "import pandas; pandas.read_feather('@').to_feather('@.feather')  # with an older pyarrow", 4},
    {"a ZSTD-compressed file", "\x28\xB5\x2F\xFD", "",
     "import zstandard, shutil; "
     "shutil.copyfileobj(zstandard.open('@', 'rb'), open('@.out', 'wb'))",
     4},
    {"an LZ4-compressed file", "\x04\x22\x4D\x18", "",
     "import lz4.frame, shutil; shutil.copyfileobj(lz4.frame.open('@'), open('@.out', 'wb'))", 4},
    {"a gzip-compressed file", "\x1F\x8B", "",
     "import gzip, shutil; shutil.copyfileobj(gzip.open('@'), open('@.out', 'wb'))", 2},
    {"a bzip2-compressed file", "BZh91AY&SY", "",
     "import bz2, shutil; shutil.copyfileobj(bz2.open('@'), open('@.out', 'wb'))", 10},
    {"an xz-compressed file",
     "\xFD"
     "7zXZ",
     "", "import lzma, shutil; shutil.copyfileobj(lzma.open('@'), open('@.out', 'wb'))", 6},
    {"an Excel workbook", "PK\x03\x04", ".xlsx",
     "import pandas; pandas.read_excel('@').to_csv('@.csv', index=False)", 4},
    {"a zip archive", "PK\x03\x04", "", "import zipfile; zipfile.ZipFile('@').extractall()", 4},
    {"an Excel workbook", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "",
     "import pandas; pandas.read_excel('@').to_csv('@.csv', index=False)", 8},
    {"an SQLite database", "SQLite format 3", "",
     "import pandas, sqlite3; pandas.read_sql('select * from NAME', sqlite3.connect('@'))"
     ".to_feather('@.feather')",
     16},
    {"a Python pickle", "\x80\x04\x95", "",
     "import pandas; pandas.read_pickle('@').to_feather('@.feather')", 3},
    {"a Python pickle", "\x80\x05\x95", "",
     "import pandas; pandas.read_pickle('@').to_feather('@.feather')", 3},
    {"UTF-16 text", "\xFF\xFE", "",
     "open('@.out', 'w', encoding='utf-8').write(open('@', encoding='utf-16').read())", 2},
    {"UTF-16 text", "\xFE\xFF", "",
     "open('@.out', 'w', encoding='utf-8').write(open('@', encoding='utf-16').read())", 2}};

static const foreign foreign_utf16[2] = {
    {"UTF-16 text", "", "",
     "open('@.out', 'w', encoding='utf-8').write(open('@', encoding='utf-16-be').read())", 0},
    {"UTF-16 text", "", "",
     "open('@.out', 'w', encoding='utf-8').write(open('@', encoding='utf-16-le').read())", 0}};

static sgf_status foreign_refuse(const foreign *f, const char *path, sgf_error *err) {
    char line[512];
    const char *at;
    size_t n = 0;
    for (at = f->python; *at && n < sizeof line - 1; at++) {
        if (*at == '@') n += (size_t)snprintf(line + n, sizeof line - n, "%s", path);
        else line[n++] = *at;
        if (n > sizeof line - 1) n = sizeof line - 1;
    }
    line[n] = 0;
    return base_fail_at(err, SGF_ERR_UNSUPPORTED, path, -1,
                        "%s: %s is not read; convert it in Python: %s", path, f->name, line);
}
/* Might these bytes be CSV? Binary formats hold zero bytes, or bytes that are not UTF-8, so that a
   table whose first column happens to be named like one of them is still read. */
static int foreign_is_text(const char *bytes, size_t size) {
    return !memchr(bytes, 0, size) && column_text_valid(base_text_of(bytes, size)) == size;
}
static int foreign_is(const foreign *f, const char *path, const char *bytes, size_t size) {
    int closed = size >= 2 * f->size && !memcmp(bytes + size - f->size, f->magic, f->size);
    return size >= f->size && !memcmp(bytes, f->magic, f->size) &&
           base_ends_with(path, f->ending) &&
           (closed || !foreign_is_text(bytes, size)); /* Parquet and Feather 1 end as they begin */
}
/* UTF-16 without a byte order mark: a zero byte beside each of the first four, which are ASCII. */
static int foreign_is_utf16(const char *bytes, size_t size, int zero) {
    int i;
    for (i = 0; i < 8 && size >= 8; i++)
        if (i % 2 == zero ? bytes[i] != 0 : bytes[i] < '\t' || bytes[i] > '~') return 0;
    return size >= 8;
}
/* A table in memory; messages name `path`, whose extension counts. */
static sgf_status table_parse_file(const char *path, const char *bytes, size_t size,
                                   const sgf_allocator *mem, struct table **table, sgf_error *err) {
    size_t i = size >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3) ? 3 : 0;
    size_t k;
    for (k = 0; size >= 4 && k < sizeof foreigns / sizeof foreigns[0]; k++)
        if (foreign_is(&foreigns[k], path, bytes, size))
            return foreign_refuse(&foreigns[k], path, err);
    for (k = 0; k < 2; k++)
        if (foreign_is_utf16(bytes, size, (int)k))
            return foreign_refuse(&foreign_utf16[k], path, err);
    if (size >= 6 && !memcmp(bytes, "ARROW1", 6) && !foreign_is_text(bytes, size))
        return arrow_read(path, bytes, size, mem, table, err);
    if (size >= 8 &&
        (!memcmp(bytes, "\xFF\xFF\xFF\xFF", 4) || !bytes[3])) /* no text has a 0 byte there */
        return arrow_read(path, bytes, size, mem, table, err);
    while (i < size && bytes[i] && strchr(" \t\r\n", bytes[i])) i++;
    if (base_ends_with(path, ".json") || base_ends_with(path, ".jsonl") ||
        base_ends_with(path, ".ndjson") ||
        (!base_ends_with(path, ".csv") && i < size && (bytes[i] == '{' || bytes[i] == '[')))
        return jsonl_read(path, bytes, size, mem, table, err);
    return csv_read(path, bytes, size, mem, table, err);
}
sgf_status table_read(const char *path, const sgf_allocator *mem, struct table **table,
                      sgf_error *err) {
    base_map map;
    sgf_status status = base_map_file(path, mem, &map, err);
    if (status) return status;
    status = table_parse_file(path, map.data, map.size, mem, table, err);
    base_unmap(&map);
    return status;
}
