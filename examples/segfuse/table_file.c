/* table.h: any file becomes a table. */
#include "arrow.h"
#include "column.h"
#include "csv.h"
#include "jsonl.h"

#include <string.h>

/* ---- any file ---- */

/* Formats that are not read, known by their first bytes (and, where those are not enough, by the
   file's name), with the line of Python that converts one; @ stands for the path. */
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
/* A table in memory; `path` gives the extension and stands in messages. */
static sgf_status table_parse_file(const char *path, const char *bytes, size_t size,
                                   const sgf_allocator *mem, struct table **table, sgf_error *err) {
    size_t i = size >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3) ? 3 : 0;
    size_t k;
    for (k = 0; size >= 4 && k < sizeof foreigns / sizeof foreigns[0]; k++)
        if (foreign_is(&foreigns[k], path, bytes, size))
            return foreign_refuse(&foreigns[k], path, err);
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
