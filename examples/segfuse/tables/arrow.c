/* arrow.h: Arrow IPC files and streams.

   A stream is a run of messages: 0xFFFFFFFF, the size of the metadata, the metadata (a flatbuffer,
   padded to 8 bytes), the body (buffers at the offsets that the metadata gives). The first message
   is the schema; dictionaries and record batches follow. A file is a stream between magic words,
   with a footer that lists the messages. Source: the Arrow columnar format, version 1.5,
   Schema.fbs, Message.fbs and File.fbs; flatbuffers internals. */
#include "arrow.h"
#include "column.h"
#include "lz4.h"

#include <math.h>
#include <string.h>

/* Metadata versions, kinds of messages, and the type ids of Schema.fbs that we read. */
enum {
    ARROW_V4 = 3,
    ARROW_V5 = 4,
    ARROW_SCHEMA = 1,
    ARROW_DICTIONARY = 2,
    ARROW_BATCH = 3,
    ARROW_NULL = 1,
    ARROW_INT = 2,
    ARROW_FLOAT = 3,
    ARROW_UTF8 = 5,
    ARROW_BOOL = 6,
    ARROW_LIST = 12,
    ARROW_UNION = 14,
    ARROW_FIXED_BINARY = 15,
    ARROW_FIXED_LIST = 16,
    ARROW_LARGE_UTF8 = 20,
    ARROW_LARGE_LIST = 21,
    ARROW_UTF8_VIEW = 24,
    ARROW_LAST = 26
};

enum { ARROW_UUID = 1, ARROW_BOOL8 = 2 };

/* ---- flatbuffers ----
   A view of one flatbuffer. Positions are offsets into it; 0 means "absent". A read outside of it
   gives 0 and sets `bad`, which is tested once, when everything has been read. */

typedef struct arrow_flat {
    const unsigned char *bytes;
    size_t size;
    int bad;
} arrow_flat;

static uint64_t arrow_flat_load(arrow_flat *flat, size_t at, unsigned size) {
    if (at <= flat->size && flat->size - at >= size) return base_load(flat->bytes + at, size);
    flat->bad = 1;
    return 0;
}
/* The position of a table's field, or 0 if it is absent. */
static size_t arrow_flat_field(arrow_flat *flat, size_t table, unsigned slot) {
    int64_t vtable = (int64_t)table - (int32_t)(uint32_t)arrow_flat_load(flat, table, 4);
    size_t offset;
    if (flat->bad || vtable < 0 || (uint64_t)vtable > flat->size) return flat->bad = 1, 0;
    if (arrow_flat_load(flat, (size_t)vtable, 2) < 6 + 2 * (uint64_t)slot) return 0;
    offset = (size_t)arrow_flat_load(flat, (size_t)vtable + 4 + 2 * (size_t)slot, 2);
    return offset ? table + offset : 0;
}
static int64_t arrow_flat_int(arrow_flat *flat, size_t table, unsigned slot, unsigned size,
                              int64_t absent) {
    size_t at = arrow_flat_field(flat, table, slot);
    uint64_t value = at ? arrow_flat_load(flat, at, size) : (uint64_t)absent;
    if (at && size < 8 && value >> (8 * size - 1)) value |= ~(uint64_t)0 << 8 * size; /* sign */
    return (int64_t)value;
}
/* Where the offset at `at` points; 0 when at is 0. */
static size_t arrow_flat_follow(arrow_flat *flat, size_t at) {
    uint64_t offset = at ? arrow_flat_load(flat, at, 4) : 0;
    if (offset && offset < flat->size - at) return at + (size_t)offset;
    if (at) flat->bad = 1;
    return 0;
}
static size_t arrow_flat_table(arrow_flat *flat, size_t table, unsigned slot) {
    return arrow_flat_follow(flat, arrow_flat_field(flat, table, slot));
}
/* The first of *count elements of a vector, all of which are inside; 0 and *count 0 if absent. */
static size_t arrow_flat_vector(arrow_flat *flat, size_t table, unsigned slot, size_t element,
                                size_t *count) {
    size_t at = arrow_flat_table(flat, table, slot);
    uint64_t n = at ? arrow_flat_load(flat, at, 4) : 0;
    *count = 0;
    if (!at || flat->bad) return 0;
    if (n > (flat->size - at - 4) / element) return flat->bad = 1, 0;
    *count = (size_t)n;
    return at + 4;
}
static sgf_str arrow_flat_text(arrow_flat *flat, size_t table, unsigned slot) {
    size_t n, at = arrow_flat_vector(flat, table, slot, 1, &n);
    return base_text_of(at ? (const char *)flat->bytes + at : "", at ? n : 0);
}

/* ---- reading the schema ---- */

typedef struct arrow_field {  /* in pre-order: a field's children follow it */
    int type;                 /* id of Schema.fbs */
    unsigned bits, precision; /* of an integer; of a float: 0 half, 1 single, 2 double */
    int has_sign, dense;      /* an integer's; a union's */
    int64_t list_size;        /* of a fixed-size list, or of a fixed-size binary in bytes */
    int extension; /* ARROW_UUID or ARROW_BOOL8; other extension types are their storage's */
    int coded;     /* dictionary-encoded: the column holds indices into dictionary `id` */
    int64_t id;
    unsigned index_bits;
    int index_sign;
    size_t next; /* the field after this one's subtree */
} arrow_field;

typedef struct arrow_dictionary {
    int64_t id;
    size_t field;
    struct column values;
} arrow_dictionary;

typedef struct arrow_span {
    const unsigned char *ptr;
    size_t len;
} arrow_span;

typedef struct arrow_reader {
    const char *file;
    const unsigned char *bytes;
    size_t size, at; /* the file; the message being read */
    struct table *table;
    base_arena scratch; /* decompressed buffers of one column */
    column_array fields, dictionaries;
    int is_file, version, big_endian;
    int overflow;    /* a uint64 that int64 cannot hold was met */
    size_t budget;   /* bytes of the file not yet claimed by a message or buffer: nothing is used
                        twice */
    size_t unbacked; /* cells allowed that have no bytes (null columns) */
    arrow_flat flat; /* of the batch being read: */
    arrow_span body;
    size_t rows, node, nodes, buffer, buffers, variadic, variadics;
    size_t node_at, buffer_at, variadic_at; /* positions of the vectors */
    int compressed;
    sgf_error *err;
} arrow_reader;

static sgf_status arrow_fail(const arrow_reader *r, sgf_status status, const char *what) {
    return base_fail_at(r->err, status, r->file, (int64_t)r->at,
                        "%s: Arrow message at byte %llu: %s", r->file, (unsigned long long)r->at,
                        what);
}
static sgf_status arrow_broken(const arrow_reader *r, const char *what) {
    return arrow_fail(r, SGF_ERR_FORMAT, what);
}
static sgf_status arrow_claim(arrow_reader *r, size_t bytes) {
    if (bytes > r->budget)
        return arrow_broken(r, "it claims bytes that belong to other parts of the file");
    r->budget -= bytes;
    return SGF_OK;
}
static arrow_field *arrow_field_at(const arrow_reader *r, size_t i) {
    return (arrow_field *)r->fields.items + i;
}

/* The canonical extension type that a field's metadata (slot 6) names, if its storage is that of it. */
static int arrow_extension(arrow_flat *flat, size_t table, const arrow_field *field) {
    size_t count, at = arrow_flat_vector(flat, table, 6, 4, &count), i;
    for (i = 0; i < count && !flat->bad; i++) {
        size_t pair = arrow_flat_follow(flat, at + 4 * i);
        sgf_str value = arrow_flat_text(flat, pair, 1);
        if (!base_str_is(arrow_flat_text(flat, pair, 0), "ARROW:extension:name")) continue;
        if (base_str_is(value, "arrow.uuid") && field->type == ARROW_FIXED_BINARY &&
            field->list_size == 16)
            return ARROW_UUID;
        if (base_str_is(value, "arrow.bool8") && field->type == ARROW_INT && field->bits == 8)
            return ARROW_BOOL8;
    }
    return 0;
}
/* A field and its children, at `table` of the schema, to the end of r->fields. */
static sgf_status arrow_get_field(arrow_reader *r, arrow_flat *flat, size_t table, int depth) {
    size_t type = arrow_flat_table(flat, table, 3), coded = arrow_flat_table(flat, table, 4), index;
    size_t count, children = arrow_flat_vector(flat, table, 5, 4, &count), at = r->fields.count, i;
    arrow_field field;
    sgf_status status;
    memset(&field, 0, sizeof field);
    field.type = (int)arrow_flat_int(flat, table, 2, 1, 0);
    if (field.type < ARROW_NULL || field.type > ARROW_LAST)
        return arrow_fail(r, SGF_ERR_UNSUPPORTED, "a column of a type newer than this library");
    if (type && field.type == ARROW_INT) {
        field.bits = (unsigned)arrow_flat_int(flat, type, 0, 4, 0);
        field.has_sign = arrow_flat_int(flat, type, 1, 1, 0) != 0;
    }
    if (type && field.type == ARROW_FLOAT)
        field.precision = (unsigned)arrow_flat_int(flat, type, 0, 2, 0);
    if (type && field.type == ARROW_UNION) field.dense = arrow_flat_int(flat, type, 0, 2, 0) == 1;
    if (type && (field.type == ARROW_FIXED_LIST || field.type == ARROW_FIXED_BINARY))
        field.list_size = arrow_flat_int(flat, type, 0, 4, 0);
    field.extension = arrow_extension(flat, table, &field);
    if (coded) {
        field.coded = 1;
        field.id = arrow_flat_int(flat, coded, 0, 8, 0);
        index = arrow_flat_table(flat, coded, 1);
        field.index_bits = index ? (unsigned)arrow_flat_int(flat, index, 0, 4, 0) : 32;
        field.index_sign = index ? arrow_flat_int(flat, index, 1, 1, 0) != 0 : 1;
    }
    /* A field takes more than 16 bytes; fields that are used twice could make a small file explode.
     */
    if (depth > 64 || at >= flat->size / 16)
        return arrow_broken(r, "the schema is nested too deeply");
    status = column_array_room(&r->scratch.mem, &r->fields, 1, sizeof field, r->err);
    if (status) return status;
    *arrow_field_at(r, r->fields.count++) = field;
    for (i = 0; i < count && !status && !flat->bad; i++)
        status = arrow_get_field(r, flat, arrow_flat_follow(flat, children + 4 * i), depth + 1);
    arrow_field_at(r, at)->next = r->fields.count;
    return status;
}
static int arrow_width_known(unsigned bits) {
    return bits == 8 || bits == 16 || bits == 32 || bits == 64;
}
static int arrow_is_text(const arrow_field *field) {
    return field->extension == ARROW_UUID || field->type == ARROW_NULL ||
           field->type == ARROW_UTF8 || field->type == ARROW_LARGE_UTF8 ||
           field->type == ARROW_UTF8_VIEW;
}
static int arrow_is_list(const arrow_reader *r, size_t i) {
    const arrow_field *field = arrow_field_at(r, i);
    int list = field->type == ARROW_LIST || field->type == ARROW_LARGE_LIST ||
               (field->type == ARROW_FIXED_LIST && field->list_size >= 0);
    return list && !field->coded && field->next > i + 1 &&
           arrow_field_at(r, i + 1)->next == field->next;
}
/* Which of our types field i becomes. */
static sgf_column_type arrow_kind(const arrow_reader *r, size_t i) {
    const arrow_field *field = arrow_field_at(r, i);
    int leaf = field->next == i + 1;
    sgf_column_type inner;
    if (leaf && arrow_is_text(field)) return SGF_COLUMN_UTF8;
    if (leaf && (field->type == ARROW_BOOL || field->extension == ARROW_BOOL8))
        return SGF_COLUMN_BOOL;
    if (leaf && field->type == ARROW_FLOAT && field->precision <= 2) return SGF_COLUMN_F64;
    if (leaf && field->type == ARROW_INT && arrow_width_known(field->bits)) return SGF_COLUMN_I64;
    if (!arrow_is_list(r, i)) return TABLE_OTHER;
    inner = arrow_kind(r, i + 1); /* once: twice a level would double with every level */
    return inner == SGF_COLUMN_LIST_UTF8                                ? SGF_COLUMN_LIST_LIST_UTF8
           : inner == SGF_COLUMN_LIST_LIST_UTF8 || inner == TABLE_OTHER ? TABLE_OTHER
                                                                        : SGF_COLUMN_LIST_UTF8;
}
/* What to call a type that we do not read. */
static const char *arrow_type_text(arrow_reader *r, size_t i) {
    static const char *const names[ARROW_LAST + 1] = {"none",
                                                      "null",
                                                      "int",
                                                      "float",
                                                      "binary",
                                                      "utf8",
                                                      "bool",
                                                      "decimal",
                                                      "date",
                                                      "time",
                                                      "timestamp",
                                                      "interval",
                                                      "list",
                                                      "struct",
                                                      "union",
                                                      "fixed-size binary",
                                                      "fixed-size list",
                                                      "map",
                                                      "duration",
                                                      "large binary",
                                                      "large utf8",
                                                      "large list",
                                                      "run-end encoded",
                                                      "binary view",
                                                      "utf8 view",
                                                      "list view",
                                                      "large list view"};
    const arrow_field *field = arrow_field_at(r, i);
    const char *inner = NULL;
    char text[96];
    if (arrow_is_list(r, i)) {
        const arrow_field *item = arrow_field_at(r, i + 1);
        inner = names[arrow_is_list(r, i + 1) ? arrow_field_at(r, i + 2)->type : item->type];
    }
    snprintf(text, sizeof text,
             field->coded                       ? "dictionary<%s>"
             : inner && arrow_is_list(r, i + 1) ? "list<list<%s>>"
             : inner                            ? "list<%s>"
                                                : "%s",
             inner ? inner : names[field->type]);
    return base_arena_text(&r->table->arena, text, strlen(text), r->err);
}
/* The dictionary with this id, or NULL. */
static arrow_dictionary *arrow_dictionary_find(const arrow_reader *r, int64_t id) {
    arrow_dictionary *all = (arrow_dictionary *)r->dictionaries.items;
    size_t i;
    for (i = 0; i < r->dictionaries.count; i++)
        if (all[i].id == id) return &all[i];
    return NULL;
}
/* The column at field i has been accepted: note the dictionary that its leaf uses. */
static sgf_status arrow_dictionary_note(arrow_reader *r, size_t i) {
    const arrow_field *field = arrow_field_at(r, i);
    arrow_dictionary *known;
    sgf_status status;
    while (field->next > i + 1) field = arrow_field_at(r, ++i);
    if (!field->coded) return SGF_OK;
    if (!arrow_width_known(field->index_bits))
        return arrow_broken(r, "dictionary indices of an unknown width");
    known = arrow_dictionary_find(r, field->id);
    if (known) {
        const arrow_field *other = arrow_field_at(r, known->field);
        if (other->type == field->type && other->bits == field->bits &&
            other->has_sign == field->has_sign && other->extension == field->extension)
            return SGF_OK;
        return arrow_broken(r, "two columns of different types share a dictionary");
    }
    status = column_array_room(&r->scratch.mem, &r->dictionaries, 1, sizeof *known, r->err);
    if (status) return status;
    known = (arrow_dictionary *)r->dictionaries.items + r->dictionaries.count++;
    memset(known, 0, sizeof *known);
    known->id = field->id;
    known->field = i;
    known->values.type = arrow_kind(r, i);
    return SGF_OK;
}
static sgf_status arrow_get_pairs(arrow_reader *r, arrow_flat *flat, size_t schema) {
    size_t count, at = arrow_flat_vector(flat, schema, 2, 4, &count), i, total = 0;
    sgf_status status = SGF_OK;
    if (count > TABLE_MAX_COLUMNS) return arrow_fail(r, SGF_ERR_LIMIT, "too many metadata keys");
    for (i = 0; i < count && !status; i++) {
        size_t pair = arrow_flat_follow(flat, at + 4 * i);
        sgf_str key = arrow_flat_text(flat, pair, 0), value = arrow_flat_text(flat, pair, 1);
        total += key.len + value.len;
        if (flat->bad || total > flat->size) return arrow_broken(r, "broken schema metadata");
        if (column_text_valid(key) < key.len || (key.len && memchr(key.ptr, 0, key.len))) continue;
        status = column_metadata_add(r->table, key, value, r->err);
    }
    return status;
}
/* Schema: endianness 0, fields 1, custom_metadata 2. Makes the columns of the table. */
static sgf_status arrow_get_schema(arrow_reader *r, arrow_flat *flat, size_t schema) {
    size_t count, at = arrow_flat_vector(flat, schema, 1, 4, &count), i, names = 0;
    sgf_status status = SGF_OK;
    r->big_endian = arrow_flat_int(flat, schema, 0, 2, 0) == 1;
    for (i = 0; i < count && !status && !flat->bad; i++) {
        size_t field = arrow_flat_follow(flat, at + 4 * i), first = r->fields.count;
        sgf_str name = arrow_flat_text(flat, field, 0);
        const char *other = NULL;
        sgf_column_type type;
        names += name.len;
        if (names > flat->size) return arrow_broken(r, "broken names of columns");
        status = arrow_get_field(r, flat, field, 0);
        if (status || flat->bad) break;
        type = arrow_kind(r, first);
        if (type == TABLE_OTHER && !(other = arrow_type_text(r, first))) return SGF_ERR_MEMORY;
        if (type == SGF_COLUMN_LIST_UTF8 && arrow_kind(r, first + 1) != SGF_COLUMN_UTF8)
            other = COLUMN_NUMBERS;
        if (type == SGF_COLUMN_LIST_LIST_UTF8 && arrow_kind(r, first + 2) != SGF_COLUMN_UTF8)
            other = COLUMN_NUMBER_LISTS;
        status = column_add(r->table, name, type, other, r->err);
        if (status == SGF_ERR_ARG) return arrow_broken(r, "the name of a column is not UTF-8 text");
        if (status == SGF_ERR_LIMIT) return arrow_fail(r, status, "too many columns");
        if (!status && type != TABLE_OTHER) status = arrow_dictionary_note(r, first);
    }
    if (status) return status;
    if (flat->bad) return arrow_broken(r, "the schema is broken");
    return arrow_get_pairs(r, flat, schema);
}

/* ---- reading nodes and buffers of a batch ---- */

/* RecordBatch: length 0, nodes 1, buffers 2, compression 3, variadicCounts 4. */
static sgf_status arrow_batch_begin(arrow_reader *r, size_t batch) {
    arrow_flat *flat = &r->flat;
    size_t compression = arrow_flat_table(flat, batch, 3);
    int64_t rows = arrow_flat_int(flat, batch, 0, 8, 0);
    r->node_at = arrow_flat_vector(flat, batch, 1, 16, &r->nodes);
    r->buffer_at = arrow_flat_vector(flat, batch, 2, 16, &r->buffers);
    r->variadic_at = arrow_flat_vector(flat, batch, 4, 8, &r->variadics);
    r->node = r->buffer = r->variadic = 0;
    r->compressed = compression != 0;
    if (flat->bad || rows < 0) return arrow_broken(r, "a broken record batch");
    r->rows = (size_t)rows;
    if (!compression || arrow_flat_int(flat, compression, 0, 1, 0) == 0) return SGF_OK;
    return base_fail_at(
        r->err, SGF_ERR_UNSUPPORTED, r->file, (int64_t)r->at,
        "%s: compressed with ZSTD, which is not read; convert it in Python: import pyarrow as pa, "
        "pyarrow.feather as f; f.write_feather(pa.ipc.open_%s('%s').read_all(), '%s.feather', "
        "compression='lz4')",
        r->file, r->is_file ? "file" : "stream", r->file, r->file);
}
static sgf_status arrow_node(arrow_reader *r, size_t *length) {
    uint64_t n;
    if (r->node >= r->nodes) return arrow_broken(r, "a record batch with too few columns");
    n = arrow_flat_load(&r->flat, r->node_at + 16 * r->node++, 8);
    if (n > (uint64_t)1 << 48 || n > SIZE_MAX / 32)
        return arrow_broken(r, "a column of an impossible length");
    *length = (size_t)n;
    return SGF_OK;
}
static sgf_status arrow_decompress(arrow_reader *r, arrow_span *span) {
    unsigned char *out;
    const char *what;
    int64_t wanted;
    size_t made = 0;
    if (span->len < 8) return arrow_broken(r, "a compressed buffer without its length");
    wanted = (int64_t)base_load(span->ptr, 8);
    span->ptr += 8;
    span->len -= 8;
    if (wanted == -1) return SGF_OK; /* stored as it is */
    if (wanted < 0 ||
        (uint64_t)wanted / 256 > span->len) /* LZ4 never gains more than a factor 255 */
        return arrow_broken(r, "a compressed buffer of an impossible length");
    out = (unsigned char *)base_arena_alloc(&r->scratch, (size_t)wanted, 1, r->err);
    if (!out) return SGF_ERR_MEMORY;
    what = lz4_decompress(span->ptr, span->len, out, (size_t)wanted, &made);
    if (!what && made != (size_t)wanted) what = "fewer bytes than announced";
    span->ptr = out;
    span->len = (size_t)wanted;
    return what ? base_fail_at(r->err, SGF_ERR_FORMAT, r->file, (int64_t)r->at,
                               "%s: Arrow message at byte %llu: LZ4 data is broken: %s", r->file,
                               (unsigned long long)r->at, what)
                : SGF_OK;
}
/* The next buffer, decompressed. It must have `least` bytes; an empty one is allowed if `least` is
 * 0.
 */
static sgf_status arrow_buffer(arrow_reader *r, uint64_t least, arrow_span *span) {
    uint64_t offset, length;
    sgf_status status;
    if (r->buffer >= r->buffers) return arrow_broken(r, "a record batch with too few buffers");
    offset = arrow_flat_load(&r->flat, r->buffer_at + 16 * r->buffer, 8);
    length = arrow_flat_load(&r->flat, r->buffer_at + 16 * r->buffer++ + 8, 8);
    if (!length) offset = 0;
    if (offset > r->body.len || length > r->body.len - offset)
        return arrow_broken(r, "a buffer outside of its message");
    span->ptr = r->body.ptr + offset;
    span->len = (size_t)length;
    status = arrow_claim(r, span->len);
    if (!status && r->compressed && span->len) status = arrow_decompress(r, span);
    if (!status && span->len < least)
        return arrow_broken(r, "a buffer is too short for its column");
    return status;
}
/* The validity bitmap of n cells; span->len is 0 when there is none, and all are valid. */
static sgf_status arrow_validity(arrow_reader *r, size_t n, arrow_span *span) {
    sgf_status status = arrow_buffer(r, 0, span);
    if (!status && span->len && span->len < (n + 7) / 8)
        return arrow_broken(r, "a validity bitmap is too short for its column");
    return status;
}
static int arrow_bit(const arrow_span *span, size_t i) {
    return span->ptr[i / 8] >> i % 8 & 1;
}
static int arrow_valid(const arrow_span *validity, size_t i) {
    return !validity->len || arrow_bit(validity, i);
}
static uint64_t arrow_word(const arrow_reader *r, const arrow_span *span, size_t i,
                           unsigned width) {
    const unsigned char *p = span->ptr + i * width;
    uint64_t value = 0;
    unsigned k;
    if (!r->big_endian) return base_load(p, width);
    for (k = 0; k < width; k++) value = value << 8 | p[k];
    return value;
}
static sgf_status arrow_unbacked(arrow_reader *r, size_t n) {
    if (n > r->unbacked)
        return arrow_fail(r, SGF_ERR_LIMIT, "far more null cells than a file of this size has");
    r->unbacked -= n;
    return SGF_OK;
}

/* ---- reading leaves: texts and numbers, appended to a column ---- */

static sgf_status arrow_text_bad(const arrow_reader *r, size_t i) {
    return base_fail_at(r->err, SGF_ERR_FORMAT, r->file, (int64_t)r->at,
                        "%s: Arrow message at byte %llu: text %llu of a column is not UTF-8",
                        r->file, (unsigned long long)r->at, (unsigned long long)i);
}
static sgf_status arrow_utf8(arrow_reader *r, const arrow_field *field, struct column *to) {
    unsigned width = field->type == ARROW_LARGE_UTF8 ? 8 : 4;
    arrow_span validity, offsets, data;
    uint64_t begin = 0, end = 0, first = 0, last = 0;
    const char *copy = "";
    size_t n = 0, i;
    sgf_status status = arrow_node(r, &n);
    if (!status) status = arrow_validity(r, n, &validity);
    if (!status) status = arrow_buffer(r, n ? ((uint64_t)n + 1) * width : 0, &offsets);
    if (n)
        first = status ? 0 : arrow_word(r, &offsets, 0, width),
        last = status ? 0 : arrow_word(r, &offsets, n, width);
    if (!status) status = arrow_buffer(r, last, &data);
    if (!status && first > last) status = arrow_broken(r, "offsets that go backwards");
    if (!status) status = column_room(&r->scratch.mem, to, n, 0, n, r->err);
    if (status) return status;
    if (last > first)
        copy = base_arena_text(&r->table->arena, (const char *)data.ptr + first,
                               (size_t)(last - first), r->err);
    if (!copy) return SGF_ERR_MEMORY;
    for (i = 0, end = first; i < n; i++) {
        sgf_str text;
        begin = end;
        end = arrow_word(r, &offsets, i + 1, width);
        if (end < begin || end > last) return arrow_broken(r, "offsets that go backwards");
        text = base_text_of(copy + (begin - first), (size_t)(end - begin));
        if (!arrow_valid(&validity, i)) text = base_text_of(NULL, 0);
        else if (column_text_valid(text) < text.len) return arrow_text_bad(r, i);
        column_put_text(to, text);
    }
    return SGF_OK;
}
/* The data buffers of a view column, copied into the table; each is UTF-8 as a whole, so that a
   view needs only begin and end between two characters. */
static sgf_status arrow_view_buffers(arrow_reader *r, sgf_str **out, size_t *count) {
    uint64_t n;
    size_t i;
    if (r->variadic >= r->variadics)
        return arrow_broken(r, "a view column without its number of buffers");
    n = arrow_flat_load(&r->flat, r->variadic_at + 8 * r->variadic++, 8);
    if (n > r->buffers - r->buffer) return arrow_broken(r, "a record batch with too few buffers");
    *count = (size_t)n;
    *out = (sgf_str *)base_arena_alloc(&r->scratch, *count, sizeof(sgf_str), r->err);
    if (!*out) return SGF_ERR_MEMORY;
    for (i = 0; i < *count; i++) {
        arrow_span data;
        sgf_status status = arrow_buffer(r, 0, &data);
        const char *copy = status ? NULL
                                  : base_arena_text(&r->table->arena, (const char *)data.ptr,
                                                    data.len, r->err);
        if (!copy) return status ? status : SGF_ERR_MEMORY;
        (*out)[i] = base_text_of(copy, data.len);
        if (column_text_valid((*out)[i]) < data.len) return arrow_text_bad(r, 0);
    }
    return SGF_OK;
}
/* A view is a length and, up to 12 bytes, the text; else 4 bytes of it, a buffer's number, an
 * offset.
 */
static sgf_status arrow_views(arrow_reader *r, struct column *to) {
    arrow_span validity, views;
    sgf_str *data = NULL;
    const char *copy;
    size_t n = 0, i, count = 0;
    sgf_status status = arrow_node(r, &n);
    if (!status) status = arrow_validity(r, n, &validity);
    if (!status) status = arrow_buffer(r, (uint64_t)n * 16, &views);
    if (!status) status = arrow_view_buffers(r, &data, &count);
    if (!status) status = column_room(&r->scratch.mem, to, n, 0, n, r->err);
    if (status) return status;
    copy = base_arena_text(&r->table->arena, (const char *)views.ptr, n * 16, r->err);
    if (!copy) return SGF_ERR_MEMORY;
    for (i = 0; i < n; i++) {
        uint64_t length = arrow_word(r, &views, 4 * i, 4), k = arrow_word(r, &views, 4 * i + 2, 4);
        uint64_t offset = arrow_word(r, &views, 4 * i + 3, 4);
        sgf_str text = base_text_of(copy + 16 * i + 4, (size_t)length);
        int good;
        if (!arrow_valid(&validity, i)) {
            column_put_text(to, base_text_of(NULL, 0));
            continue;
        }
        if (length <= 12) good = column_text_valid(text) == text.len;
        else {
            if (k >= count || offset > data[k].len || length > data[k].len - offset)
                return arrow_broken(r, "a text outside of its buffer");
            text.ptr = data[k].ptr + offset; /* a 0 follows the copy */
            good = ((unsigned char)text.ptr[0] & 0xC0) != 0x80 &&
                   ((unsigned char)text.ptr[length] & 0xC0) != 0x80;
        }
        if (!good) return arrow_text_bad(r, i);
        column_put_text(to, text);
    }
    return SGF_OK;
}
static double arrow_half(unsigned h) {
    double value = h >> 10 & 31 ? (h & 1023) + 1024.0 : (double)(h & 1023);
    if ((h >> 10 & 31) == 31) value = h & 1023 ? (double)NAN : (double)INFINITY;
    else value = ldexp(value, (h >> 10 & 31 ? (int)(h >> 10 & 31) : 1) - 25);
    return h >> 15 ? -value : value;
}
static double arrow_float(uint64_t bits, unsigned width) {
    uint32_t bits32 = (uint32_t)bits;
    double d;
    float f;
    if (width == 2) return arrow_half((unsigned)bits);
    memcpy(&f, &bits32, 4);
    memcpy(&d, &bits, 8);
    return width == 4 ? (double)f : d;
}
static int64_t arrow_int(arrow_reader *r, uint64_t value, unsigned width, int has_sign) {
    if (has_sign && width < 8 && value >> (8 * width - 1)) value |= ~(uint64_t)0 << 8 * width;
    if (!has_sign && value >> 63) r->overflow = 1;
    return (int64_t)value;
}
static sgf_status arrow_numbers(arrow_reader *r, const arrow_field *field, struct column *to) {
    unsigned width = to->type == SGF_COLUMN_F64 ? 2u << field->precision : field->bits / 8;
    int bits = field->type == ARROW_BOOL;
    arrow_span validity, data;
    size_t n, i;
    sgf_status status = arrow_node(r, &n);
    if (!status) status = arrow_validity(r, n, &validity);
    if (!status) status = arrow_buffer(r, bits ? (n + 7) / 8 : (uint64_t)n * width, &data);
    if (!status) status = column_room(&r->scratch.mem, to, n, 0, 0, r->err);
    if (status) return status;
    for (i = 0; i < n; i++) {
        if (!arrow_valid(&validity, i)) column_put_null(to);
        else if (to->type == SGF_COLUMN_BOOL)
            column_put_flag(to, bits ? arrow_bit(&data, i) : data.ptr[i] != 0);
        else if (to->type == SGF_COLUMN_F64)
            column_put_f64(to, arrow_float(arrow_word(r, &data, i, width), width), 0);
        else
            column_put_i64(to, arrow_int(r, arrow_word(r, &data, i, width), width, field->has_sign),
                           0);
    }
    return SGF_OK;
}
/* 16 bytes become 8-4-4-4-12 digits, as Python's str() of a UUID. */
static sgf_status arrow_uuids(arrow_reader *r, struct column *to) {
    static const char digits[] = "0123456789abcdef";
    arrow_span validity, data;
    size_t n = 0, i, k;
    sgf_status status = arrow_node(r, &n);
    if (!status) status = arrow_validity(r, n, &validity);
    if (!status) status = arrow_buffer(r, (uint64_t)n * 16, &data);
    if (!status) status = column_room(&r->scratch.mem, to, n, 0, n, r->err);
    for (i = 0; i < n && !status; i++) {
        char text[36], *at = text, *copy = NULL;
        for (k = 0; k < 16; k++) {
            if (k == 4 || k == 6 || k == 8 || k == 10) *at++ = '-';
            *at++ = digits[data.ptr[16 * i + k] >> 4];
            *at++ = digits[data.ptr[16 * i + k] & 15];
        }
        if (arrow_valid(&validity, i)) copy = base_arena_text(&r->table->arena, text, 36, r->err);
        if (arrow_valid(&validity, i) && !copy) status = SGF_ERR_MEMORY;
        else column_put_text(to, base_text_of(copy, copy ? 36 : 0));
    }
    return status;
}
/* A column of type Null has a node and no buffers. */
static sgf_status arrow_nulls(arrow_reader *r, struct column *to) {
    size_t n;
    sgf_status status = arrow_node(r, &n);
    if (!status) status = arrow_unbacked(r, n);
    if (!status) status = column_room(&r->scratch.mem, to, n, 0, n, r->err);
    for (; !status && n; n--) column_put_null(to);
    return status;
}
static sgf_status arrow_plain(arrow_reader *r, size_t i, struct column *to) {
    const arrow_field *field = arrow_field_at(r, i);
    if (field->extension == ARROW_UUID) return arrow_uuids(r, to);
    switch (field->type) {
    case ARROW_NULL: return arrow_nulls(r, to);
    case ARROW_UTF8:
    case ARROW_LARGE_UTF8: return arrow_utf8(r, field, to);
    case ARROW_UTF8_VIEW: return arrow_views(r, to);
    default: return arrow_numbers(r, field, to);
    }
}
static void arrow_put_copy(struct column *to, const struct column *from, size_t i) {
    switch (to->type) {
    case SGF_COLUMN_UTF8: column_put_text(to, column_items(from)[i]); break;
    case SGF_COLUMN_F64:
        column_put_f64(to, ((const double *)from->values.items)[i], column_null(from, i));
        break;
    case SGF_COLUMN_I64:
        column_put_i64(to, ((const int64_t *)from->values.items)[i], column_null(from, i));
        break;
    default: column_put_flag(to, column_flag(from, i)); break;
    }
}
/* A leaf; if it is dictionary-encoded, the dictionary's values for its indices. */
static sgf_status arrow_leaf(arrow_reader *r, size_t field, struct column *to) {
    const arrow_field *f = arrow_field_at(r, field);
    const arrow_dictionary *known = f->coded ? arrow_dictionary_find(r, f->id) : NULL;
    unsigned width = f->index_bits / 8;
    arrow_span validity, indices;
    size_t n = 0, i;
    sgf_status status;
    if (!known) return arrow_plain(r, field, to);
    status = arrow_node(r, &n);
    if (!status) status = arrow_validity(r, n, &validity);
    if (!status) status = arrow_buffer(r, (uint64_t)n * width, &indices);
    if (!status) status = column_room(&r->scratch.mem, to, n, 0, n, r->err);
    for (i = 0; i < n && !status; i++) {
        uint64_t index = arrow_valid(&validity, i) ? arrow_word(r, &indices, i, width) : 0;
        if (!arrow_valid(&validity, i)) column_put_null(to);
        else if (index >= column_rows(&known->values))
            return arrow_broken(r, "an index outside of its dictionary");
        else arrow_put_copy(to, &known->values, (size_t)index);
    }
    return status;
}

/* ---- reading lists ---- */

typedef struct arrow_lists { /* n lists: validity, and offsets or one fixed size */
    size_t n;
    arrow_span validity, offsets;
    unsigned width; /* of an offset; 0 for fixed-size lists */
    uint64_t size;
} arrow_lists;

static sgf_status arrow_get_lists(arrow_reader *r, size_t i, arrow_lists *lists) {
    const arrow_field *field = arrow_field_at(r, i);
    sgf_status status = arrow_node(r, &lists->n);
    if (!status) status = arrow_validity(r, lists->n, &lists->validity);
    lists->width = field->type == ARROW_LIST ? 4 : field->type == ARROW_LARGE_LIST ? 8 : 0;
    lists->size = (uint64_t)field->list_size;
    if (status) return status;
    if (!lists->width) return lists->size ? SGF_OK : arrow_unbacked(r, lists->n);
    return arrow_buffer(r, lists->n ? ((uint64_t)lists->n + 1) * lists->width : 0, &lists->offsets);
}
/* All offsets ascend, up to `items`. */
static sgf_status arrow_check_lists(arrow_reader *r, const arrow_lists *lists, size_t items) {
    uint64_t before = 0, at = 0;
    size_t i;
    if (!lists->width && lists->size && lists->n > items / lists->size)
        return arrow_broken(r, "a list that ends behind its items");
    for (i = 0; i <= lists->n && lists->width && lists->n; i++, before = at) {
        at = arrow_word(r, &lists->offsets, i, lists->width);
        if (at < before || at > items) return arrow_broken(r, "a list that ends behind its items");
    }
    return SGF_OK;
}
/* Where list i begins and ends; 0 if it is null (then it is empty, whatever its offsets say). */
static int arrow_list_range(const arrow_reader *r, const arrow_lists *lists, size_t i,
                            size_t *begin, size_t *end) {
    *begin = lists->width ? (size_t)arrow_word(r, &lists->offsets, i, lists->width)
                          : i * (size_t)lists->size;
    *end = lists->width ? (size_t)arrow_word(r, &lists->offsets, i + 1, lists->width)
                        : *begin + (size_t)lists->size;
    if (arrow_valid(&lists->validity, i)) return 1;
    *end = *begin;
    return 0;
}
/* The items of lists, to `items`: numbers and truth values as Python prints them, NaN as null. */
static sgf_status arrow_items(arrow_reader *r, size_t field, struct column *items) {
    struct column leaf;
    sgf_status status;
    size_t i, n;
    memset(&leaf, 0, sizeof leaf);
    leaf.type = arrow_kind(r, field);
    if (leaf.type == SGF_COLUMN_UTF8) return arrow_leaf(r, field, items);
    status = arrow_leaf(r, field, &leaf);
    n = column_rows(&leaf);
    if (!status) status = column_room(&r->scratch.mem, items, n, 0, n, r->err);
    for (i = 0; i < n && !status; i++) {
        char text[40] = "", *copy = NULL;
        double value = leaf.type == SGF_COLUMN_F64 ? ((const double *)leaf.values.items)[i] : 0;
        if (column_null(&leaf, i) || isnan(value)) {
            column_put_null(items);
            continue;
        }
        if (leaf.type == SGF_COLUMN_F64) text[base_number_print(value, text)] = 0;
        else if (leaf.type == SGF_COLUMN_I64)
            snprintf(text, sizeof text, "%lld", (long long)((const int64_t *)leaf.values.items)[i]);
        else snprintf(text, sizeof text, column_flag(&leaf, i) ? "True" : "False");
        copy = base_arena_text(&r->table->arena, text, strlen(text), r->err);
        if (!copy) status = SGF_ERR_MEMORY;
        else column_put_text(items, base_text_of(copy, strlen(text)));
    }
    column_clear(&r->scratch.mem, &leaf);
    return status;
}
static void arrow_put_texts(struct column *to, const struct column *from, size_t begin,
                            size_t end) {
    for (; begin < end; begin++) column_put_text(to, column_items(from)[begin]);
}
static sgf_status arrow_list(arrow_reader *r, size_t field, struct column *to,
                             struct column *items) {
    arrow_lists lists;
    size_t i, begin, end;
    sgf_status status = arrow_get_lists(r, field, &lists);
    if (!status) status = arrow_items(r, field + 1, items);
    if (!status) status = arrow_check_lists(r, &lists, items->text.count);
    if (!status) status = column_room(&r->scratch.mem, to, lists.n, 0, items->text.count, r->err);
    for (i = 0; i < lists.n && !status; i++) {
        int valid = arrow_list_range(r, &lists, i, &begin, &end);
        arrow_put_texts(to, items, begin, end);
        column_put_end(&to->ends, to->text.count, !valid);
    }
    return status;
}
static sgf_status arrow_list_list(arrow_reader *r, size_t field, struct column *to,
                                  struct column *items) {
    arrow_lists outer, inner;
    size_t i, k, last, begin, end;
    sgf_status status = arrow_get_lists(r, field, &outer);
    if (!status) status = arrow_get_lists(r, field + 1, &inner);
    if (!status) status = arrow_items(r, field + 2, items);
    if (!status) status = arrow_check_lists(r, &outer, inner.n);
    if (!status) status = arrow_check_lists(r, &inner, items->text.count);
    if (!status)
        status = column_room(&r->scratch.mem, to, outer.n, inner.n, items->text.count, r->err);
    for (i = 0; i < outer.n && !status; i++) {
        int valid = arrow_list_range(r, &outer, i, &k, &last);
        for (; k < last; k++) {
            int whole = arrow_list_range(r, &inner, k, &begin, &end);
            arrow_put_texts(to, items, begin, end);
            column_put_end(&to->inner, to->text.count, !whole);
        }
        column_put_end(&to->ends, to->inner.count, !valid);
    }
    return status;
}

/* ---- reading columns and batches ---- */

/* Pass over the nodes and buffers of a field that is not read. */
static void arrow_skip(arrow_reader *r, size_t i) {
    /* by type id: buffers of a field without its children; V: a view, more buffers in
       variadicCounts; U and R: a union and run ends, to which version 4 gave a validity bitmap */
    static const char buffers[] = "-0223322222221U2122332RVV33";
    const arrow_field *field = arrow_field_at(r, i);
    size_t child;
    r->node++;
    if (field->coded) {
        r->buffer += 2;
        return;
    }
    if (buffers[field->type] == 'V') {
        uint64_t more = r->variadic < r->variadics
                            ? arrow_flat_load(&r->flat, r->variadic_at + 8 * r->variadic, 8)
                            : 0;
        r->variadic++;
        r->buffer += 2 + (size_t)(more < r->buffers ? more : r->buffers);
    } else if (buffers[field->type] == 'U') {
        r->buffer += 1 + (size_t)field->dense + (r->version == ARROW_V4);
    } else if (buffers[field->type] == 'R') {
        r->buffer += r->version == ARROW_V4;
    } else r->buffer += (size_t)(buffers[field->type] - '0');
    for (child = i + 1; child < field->next; child = arrow_field_at(r, child)->next)
        arrow_skip(r, child);
}
static sgf_status arrow_column(arrow_reader *r, size_t field, struct column *to) {
    struct column items;
    sgf_status status;
    size_t rows = column_rows(to);
    if (to->type == TABLE_OTHER) {
        arrow_skip(r, field);
        return SGF_OK;
    }
    memset(&items, 0, sizeof items);
    items.type = SGF_COLUMN_UTF8;
    r->overflow = 0;
    if (to->type == SGF_COLUMN_LIST_UTF8) status = arrow_list(r, field, to, &items);
    else if (to->type == SGF_COLUMN_LIST_LIST_UTF8) status = arrow_list_list(r, field, to, &items);
    else status = arrow_leaf(r, field, to);
    column_clear(&r->scratch.mem, &items);
    base_arena_free(&r->scratch);
    if (!status && column_rows(to) - rows != r->rows)
        return arrow_broken(r, "a column whose length is not the batch's");
    if (!status && r->overflow) {
        column_clear(&r->scratch.mem, to);
        to->type = TABLE_OTHER;
        to->other = "uint64 with values above 9223372036854775807";
    }
    return status;
}
static sgf_status arrow_batch(arrow_reader *r, size_t batch) {
    size_t i, field = 0;
    sgf_status status = arrow_batch_begin(r, batch);
    for (i = 0; i < r->table->count && !status; i++) {
        status = arrow_column(r, field, &r->table->columns[i]);
        field = arrow_field_at(r, field)->next;
    }
    return status;
}
/* DictionaryBatch: id 0, data 1, isDelta 2. The dictionary is replaced, or a delta added to it. */
static sgf_status arrow_dictionary_batch(arrow_reader *r, size_t header) {
    arrow_dictionary *known = arrow_dictionary_find(r, arrow_flat_int(&r->flat, header, 0, 8, 0));
    size_t data = arrow_flat_table(&r->flat, header, 1);
    sgf_status status;
    if (!known) return SGF_OK; /* of a column that is not read */
    if (!data) return arrow_broken(r, "a dictionary without data");
    if (!arrow_flat_int(&r->flat, header, 2, 1, 0)) column_clear(&r->scratch.mem, &known->values);
    status = arrow_batch_begin(r, data);
    r->overflow = 0;
    if (!status) status = arrow_plain(r, known->field, &known->values);
    base_arena_free(&r->scratch);
    if (!status && r->overflow)
        return arrow_fail(r, SGF_ERR_UNSUPPORTED,
                          "a dictionary of numbers above 9223372036854775807");
    return status;
}

/* ---- reading messages and files ---- */

/* The message at r->at: its metadata to r->flat, its body to r->body, the header's type and
 *position. type is 0 at the end of the stream. *next is where the next message begins. */
static sgf_status arrow_message(arrow_reader *r, int *type, size_t *header, size_t *next) {
    size_t left = r->size - r->at, prefix = 4, length, root;
    int64_t body;
    sgf_status status;
    *type = 0;
    if (!left) return SGF_OK; /* a stream may end without saying so */
    if (left >= 4 && base_load(r->bytes + r->at, 4) == 0xFFFFFFFFu) prefix = 8;
    if (left < prefix) return arrow_broken(r, "the file is cut short");
    length = (size_t)base_load(r->bytes + r->at + prefix - 4, 4);
    if (!length) return SGF_OK;
    if (length > left - prefix)
        return arrow_broken(r, "the file is cut short, or is no Arrow file");
    r->flat.bytes = r->bytes + r->at + prefix;
    r->flat.size = length;
    r->flat.bad = 0;
    root = (size_t)arrow_flat_load(&r->flat, 0, 4);
    r->version = (int)arrow_flat_int(&r->flat, root, 0, 2, 0);
    *type = (int)arrow_flat_int(&r->flat, root, 1, 1, 0);
    *header = arrow_flat_table(&r->flat, root, 2);
    body = arrow_flat_int(&r->flat, root, 3, 8, 0);
    if (r->flat.bad || !*header || *type <= 0) return arrow_broken(r, "its metadata is broken");
    if (r->version != ARROW_V4 && r->version != ARROW_V5)
        return arrow_fail(r, SGF_ERR_UNSUPPORTED, "a metadata version other than 4 and 5");
    left -= prefix + length;
    if (body < 0 || (uint64_t)body > left) return arrow_broken(r, "the file is cut short");
    r->body.ptr = r->flat.bytes + length;
    r->body.len = (size_t)body;
    *next = r->at + prefix + length + (size_t)body;
    status = arrow_claim(r, prefix + length);
    return status;
}
static sgf_status arrow_dispatch(arrow_reader *r, int type, size_t header) {
    switch (type) {
    case ARROW_DICTIONARY: return arrow_dictionary_batch(r, header);
    case ARROW_BATCH: return arrow_batch(r, header);
    case ARROW_SCHEMA: return arrow_broken(r, "a second schema");
    default: return arrow_fail(r, SGF_ERR_UNSUPPORTED, "a tensor, which is not read; tables are");
    }
}
static sgf_status arrow_stream(arrow_reader *r) {
    size_t header, next = 0;
    int type, first = 1;
    for (;; first = 0, r->at = next) {
        sgf_status status = arrow_message(r, &type, &header, &next);
        if (status) return status;
        if (first && type != ARROW_SCHEMA)
            return arrow_broken(r, "a stream must begin with its schema");
        if (!type) return SGF_OK;
        status = first ? arrow_get_schema(r, &r->flat, header) : arrow_dispatch(r, type, header);
        if (status) return status;
    }
}
/* Messages of the footer's list in `slot`: Block{offset, metadata length, body length}. */
static sgf_status arrow_blocks(arrow_reader *r, arrow_flat *footer, size_t root, unsigned slot,
                               int wanted) {
    size_t count, at = arrow_flat_vector(footer, root, slot, 24, &count), i, header, next;
    sgf_status status = SGF_OK;
    int type;
    for (i = 0; i < count && !status; i++) {
        uint64_t place = arrow_flat_load(footer, at + 24 * i, 8);
        if (place >= r->size)
            return arrow_broken(r, "the footer names a block outside of the file");
        r->at = (size_t)place;
        status = arrow_message(r, &type, &header, &next);
        if (!status && type != wanted)
            return arrow_broken(r, "the footer names a block of another kind");
        if (!status) status = arrow_dispatch(r, type, header);
    }
    return status;
}
/* Footer: version 0, schema 1, dictionaries 2, recordBatches 3; its length and the magic end the
 * file.
 */
static sgf_status arrow_file(arrow_reader *r) {
    arrow_flat footer;
    size_t root, schema, length;
    sgf_status status;
    int version;
    if (r->size < 8 + 4 + 10 || memcmp(r->bytes + r->size - 6, "ARROW1", 6))
        return arrow_broken(r, "the file is cut short: it does not end with ARROW1");
    length = (size_t)base_load(r->bytes + r->size - 10, 4);
    if (length < 4 || length > r->size - 18)
        return arrow_broken(r, "a footer of an impossible length");
    r->at = r->size - 10 - length;
    footer.bytes = r->bytes + r->at;
    footer.size = length;
    footer.bad = 0;
    root = (size_t)arrow_flat_load(&footer, 0, 4);
    version = (int)arrow_flat_int(&footer, root, 0, 2, 0);
    schema = arrow_flat_table(&footer, root, 1);
    if (footer.bad || !schema) return arrow_broken(r, "the footer is broken");
    if (version > ARROW_V5) /* old writers leave 0 here; the messages are checked for themselves */
        return arrow_fail(r, SGF_ERR_UNSUPPORTED, "a metadata version above 5");
    status = arrow_get_schema(r, &footer, schema);
    if (!status) status = arrow_blocks(r, &footer, root, 2, ARROW_DICTIONARY);
    if (!status) status = arrow_blocks(r, &footer, root, 3, ARROW_BATCH);
    if (!status && footer.bad) return arrow_broken(r, "the footer is broken");
    return status;
}
/* Read an Arrow file or stream in memory; `file` names it in messages. */
sgf_status arrow_read(const char *file, const void *bytes, size_t size, const sgf_allocator *mem,
                      struct table **table, sgf_error *err) {
    arrow_reader r;
    size_t i;
    sgf_status status;
    memset(&r, 0, sizeof r);
    r.file = file;
    r.bytes = (const unsigned char *)bytes;
    r.size = r.budget = size;
    r.unbacked = size > SIZE_MAX / 128 ? SIZE_MAX : ((size_t)1 << 20) + size * 64;
    r.err = err;
    status = table_create(mem, &r.table, err);
    if (status) return status;
    base_arena_init(&r.scratch, mem);
    r.is_file = size >= 8 && !memcmp(bytes, "ARROW1", 6);
    r.table->format = r.is_file ? "Arrow file" : "Arrow stream";
    status = r.is_file ? arrow_file(&r) : arrow_stream(&r);
    for (i = 0; i < r.dictionaries.count; i++)
        column_clear(&r.scratch.mem, &((arrow_dictionary *)r.dictionaries.items)[i].values);
    column_array_free(&r.scratch.mem, &r.dictionaries, sizeof(arrow_dictionary));
    column_array_free(&r.scratch.mem, &r.fields, sizeof(arrow_field));
    base_arena_free(&r.scratch);
    if (status) table_free(r.table);
    else *table = r.table;
    return status;
}
