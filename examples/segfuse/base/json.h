/* JSON (RFC 8259): read into a flat list of nodes, and written into memory.

   Nodes are in document order; `next` is the node after a value's whole subtree, so the children of
   node i are i+1, node[i+1].next, ... (a member is a key node, then its value). Node 0 is the root; as
   no member can be the root, 0 also means "absent". Time and memory are linear in the text. Refused:
   invalid UTF-8, lone surrogates, nesting deeper than 1024. */
#ifndef SEGFUSE_JSON_H
#define SEGFUSE_JSON_H

#include "base.h"

enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

typedef struct json_node {
    sgf_str text;  /* a string's bytes, unescaped; a number's literal; in the source or the arena */
    uint32_t next; /* first node after this subtree */
    uint32_t count; /* elements of an array, members of an object */
    uint32_t type;
} json_node;

typedef struct json_doc {
    const char *file, *source;
    size_t size;      /* of the source */
    json_node *nodes; /* node i's bytes in the source: nodes[i].text.ptr for scalars */
    size_t count;
    base_arena *arena;
} json_doc;

/* Parse `size` bytes; `file` names them in messages. Nodes and unescaped strings live in `arena`,
   other strings in `text`, which must stay. */
sgf_status json_parse(const char *file, const char *text, size_t size, base_arena *arena,
                      json_doc *out, sgf_error *err);
/* The same, but NaN, Infinity and -Infinity are numbers, as Python's json writes and reads them. */
sgf_status json_parse_python(const char *file, const char *text, size_t size, base_arena *arena,
                             json_doc *out, sgf_error *err);
/* The value of member `key` of object `node`, the last one if there are two; 0 if absent. */
uint32_t json_get(const json_doc *j, uint32_t node, const char *key);
/* A file of keys must be one object. */
sgf_status json_object(const json_doc *j, sgf_error *err);
double json_number(const json_doc *j, uint32_t node);
/* A number that is a whole one and fits: 1, else 0 and *value is as it was. */
int json_whole(const json_doc *j, uint32_t node, int64_t least, int64_t most, int64_t *value);
/* Four hexadecimal digits: 1, else 0. */
int json_hex4(const char *p, uint32_t *code);
/* Add `s` as a JSON string in quotes. Non-ASCII stays as it is; s must be UTF-8. */
sgf_status json_quote(base_buf *buf, sgf_str s, sgf_error *err);

/* A writer of JSON into memory: commas, quotes, numbers that read back as they were. Its first error
   stays in `status`. */
typedef struct json_out {
    base_buf buf;
    int comma; /* a value was written before the next one */
    sgf_status status;
    sgf_error err;
} json_out;
void json_out_raw(json_out *j, const char *text);
void json_out_next(json_out *j);
void json_out_text(json_out *j, sgf_str text);
void json_out_key(json_out *j, const char *key);
void json_out_double(json_out *j, double value);
void json_out_size(json_out *j, size_t value);
void json_out_open(json_out *j, const char *bracket);
void json_out_close(json_out *j, const char *bracket);
void json_out_field_text(json_out *j, const char *key, const char *text);
void json_out_field_size(json_out *j, const char *key, size_t value);
void json_out_field_double(json_out *j, const char *key, double value);

#endif
