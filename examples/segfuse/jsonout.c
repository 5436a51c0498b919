/* A writer of JSON into memory: commas, quotes, numbers that read back as they were. */

typedef struct {
    sgf__buf buf;
    int comma; /* a value stands before the next one */
    sgf_status status;
    sgf_error err;
} json_out;

static void json_raw(json_out *j, const char *text) {
    if (!j->status) j->status = sgf__buf_text(&j->buf, text, &j->err);
}
static void json_next(json_out *j) {
    if (j->comma) json_raw(j, ", ");
    j->comma = 1;
}
static void json_text(json_out *j, sgf_str text) {
    json_next(j);
    if (!j->status) j->status = sgf__json_quote(&j->buf, text, &j->err);
}
static void json_key(json_out *j, const char *key) {
    json_text(j, sgf_text(key));
    json_raw(j, ": ");
    j->comma = 0;
}
static void json_double(json_out *j, double value) {
    char text[40];
    json_next(j);
    text[value == value ? sgf__number_print(value, text) : 0] = 0;
    json_raw(j, *text ? text : "null");
}
static void json_size(json_out *j, size_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_next(j);
    json_raw(j, text);
}
static void json_open(json_out *j, const char *bracket) {
    json_next(j);
    json_raw(j, bracket);
    j->comma = 0;
}
static void json_close(json_out *j, const char *bracket) {
    json_raw(j, bracket);
    j->comma = 1;
}
static void json_field_text(json_out *j, const char *key, const char *text) {
    json_key(j, key), json_text(j, sgf_text(text));
}
static void json_field_size(json_out *j, const char *key, size_t value) {
    json_key(j, key), json_size(j, value);
}
static void json_field_double(json_out *j, const char *key, double value) {
    json_key(j, key), json_double(j, value);
}
