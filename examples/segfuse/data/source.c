#define _XOPEN_SOURCE 700
#include "source.h"
#include "../cli/hub.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a split of a folder may lie that is no save_to_disk folder, in this order. */
static const char *const split_endings[] = {"jsonl", "json",    "ndjson", "csv",
                                            "arrow", "feather", NULL};

static int data_there(const char *folder, const char *name) {
    char path[1300];
    struct stat info;
    return path_make(path, sizeof path, "%s/%s", folder, name) && !stat(path, &info);
}
/* A folder that save_to_disk wrote: of one split, or of several. */
static int is_saved(const char *path) {
    return data_there(path, "state.json");
}
int is_saved_splits(const char *path) {
    return data_there(path, "dataset_dict.json");
}

int is_data_folder(const char *path) {
    return is_folder(path) && (is_saved(path) || is_saved_splits(path));
}

sgf_status data_json_open(data_json *j, const char *folder, const char *name, sgf_error *err) {
    sgf_status status;
    memset(j, 0, sizeof *j);
    base_arena_init(&j->arena, NULL);
    path_make(j->path, sizeof j->path, "%s/%s", folder, name);
    status = base_map_file(j->path, NULL, &j->map, err);
    return status ? status
                  : json_parse(j->path, j->map.data, j->map.size, &j->arena, &j->json, err);
}
void data_json_close(data_json *j) {
    base_arena_free(&j->arena);
    base_unmap(&j->map);
}
uint32_t data_json_array(const data_json *j, const char *key) {
    uint32_t at = j->json.nodes ? json_get(&j->json, 0, key) : 0;
    return at && j->json.nodes[at].type == JSON_ARRAY ? at : 0;
}
int is_entry(sgf_str name, size_t most) {
    size_t i;
    for (i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 32 || name.ptr[i] == 127) return 0;
    return name.len && name.len < most && name.ptr[0] != '.' && !memchr(name.ptr, '/', name.len) &&
           !memchr(name.ptr, 0, name.len);
}

/* A path as a Python literal, for commands that a user copies. It is as long as fits. */
typedef struct {
    char text[2700];
} python_literal;
static python_literal python_text(const char *path) {
    python_literal out;
    size_t n = 0;
    out.text[n++] = '\'';
    for (; *path && n + 6 < sizeof out.text; path++) {
        unsigned char c = (unsigned char)*path;
        if (c < 32 || c == 127) {
            n += (size_t)snprintf(out.text + n, 5, "\\x%02x", c);
            continue;
        }
        if (c == '\'' || c == '\\') out.text[n++] = '\\';
        out.text[n++] = (char)c;
    }
    out.text[n++] = '\'';
    out.text[n] = 0;
    return out;
}

/* Put the rows of one more shard behind those of *table. */
static sgf_status shard_read(const char *path, struct table **table, sgf_error *err) {
    struct table *more = NULL;
    sgf_error why;
    sgf_status status = table_read(path, NULL, *table ? &more : table, err);
    if (status || !more) return status;
    status = table_append(*table, more, &why);
    if (status)
        status = base_fail_at(err, SGF_ERR_FORMAT, path, -1,
                              "%s: does not go with the shards before it: %s", path, why.message);
    table_free(more);
    return status;
}
/* What save_to_disk wrote: the files of state.json's _data_files, one after the other. */
static sgf_status saved_read(data_source *source, struct table **table, sgf_error *err) {
    char path[1300];
    data_json state;
    uint32_t files = 0, i = 0, name;
    sgf_status status = data_json_open(&state, source->path, "state.json", err);
    if (!status && !(files = data_json_array(&state, "_data_files")))
        status = base_fail_at(err, SGF_ERR_FORMAT, state.path, -1,
                              "%s: the list _data_files is missing; the folder was not written by "
                              "save_to_disk of Hugging Face datasets",
                              state.path);
    if (!status && !state.json.nodes[files].count)
        status = base_fail_at(err, SGF_ERR_FORMAT, state.path, -1,
                              "%s: _data_files is empty: the data set has no rows", state.path);
    i = data_json_array(&state, "_indices_data_files");
    if (!status && i && state.json.nodes[i].count)
        status = base_fail_at(
            err, SGF_ERR_UNSUPPORTED, state.path, -1,
            "%s: rows chosen by an index file are not read; save the data set again in Python: "
            "import datasets; datasets.load_from_disk(%s).flatten_indices().save_to_disk('out')",
            state.path, python_text(source->path).text);
    for (i = files + 1; !status && i < state.json.nodes[files].next; i = state.json.nodes[i].next) {
        name = json_get(&state.json, i, "filename");
        if (!name || state.json.nodes[name].type != JSON_STRING ||
            !is_entry(state.json.nodes[name].text, 256))
            status = base_fail_at(err, SGF_ERR_FORMAT, state.path, -1,
                                  "%s: shard %llu of _data_files has no filename in this folder",
                                  state.path, (unsigned long long)source->shards + 1);
        if (status) break;
        path_make(path, sizeof path, "%s/%.*s", source->path, (int)state.json.nodes[name].text.len,
                  state.json.nodes[name].text.ptr);
        status = shard_read(path, table, err);
        source->shards++;
    }
    data_json_close(&state);
    return status;
}

/* Choose among the splits that dataset_dict.json names: the wanted one, or the only one there is. */
static sgf_status split_choose(data_source *source, const char *wanted, sgf_error *err) {
    char known[256] = "", folder[1024];
    data_json dict;
    uint32_t splits, i, found = 0, n = 0;
    sgf_status status = data_json_open(&dict, source->path, "dataset_dict.json", err);
    splits = status ? 0 : data_json_array(&dict, "splits");
    for (i = splits + 1; splits && i < dict.json.nodes[splits].next; i = dict.json.nodes[i].next) {
        sgf_str name = dict.json.nodes[i].text;
        size_t used = strlen(known);
        if (dict.json.nodes[i].type != JSON_STRING || !is_entry(name, sizeof source->split))
            continue;
        snprintf(known + used, sizeof known - used, "%s%.*s", n++ ? ", " : "", (int)name.len,
                 name.ptr);
        if (!found || base_str_is(name, wanted)) found = i;
    }
    if (!status && (!found || (n > 1 && !base_str_is(dict.json.nodes[found].text, wanted))))
        status = base_fail_at(
            err, SGF_ERR_FORMAT, source->path, -1,
            "%s: the split \"%s\" was wanted; dataset_dict.json names: %s; name a split's folder",
            source->path, wanted, n ? known : "none");
    if (!status) {
        snprintf(source->split, sizeof source->split, "%.*s", (int)dict.json.nodes[found].text.len,
                 dict.json.nodes[found].text.ptr);
        snprintf(folder, sizeof folder, "%s", source->path);
        if (!path_make(source->path, sizeof source->path, "%s/%s", folder, source->split))
            status = base_fail(err, SGF_ERR_LIMIT, "%s: the path is too long", folder);
    }
    data_json_close(&dict);
    return status;
}
/* The name of a Parquet file in a folder, or in data/ below it, where the hub has them. */
static int parquet_find(const char *folder, char *name, size_t cap) {
    static const char *const below[] = {"", "/data"};
    struct dirent *entry;
    char path[1100];
    int i, found = 0;
    for (i = 0; i < 2 && !found; i++) {
        DIR *dir = path_make(path, sizeof path, "%s%s", folder, below[i]) ? opendir(path) : NULL;
        while (dir && !found && (entry = readdir(dir)) != NULL)
            if (base_ends_with(entry->d_name, ".parquet"))
                found = path_make(name, cap, "%s/%s", path, entry->d_name);
        if (dir) closedir(dir);
    }
    return found;
}
/* A folder that save_to_disk did not write: WANTED.jsonl, WANTED.csv, ... in it. */
static sgf_status split_file(data_source *source, const char *wanted, sgf_error *err) {
    char path[1100], feather[128];
    int i;
    snprintf(feather, sizeof feather, "%.100s.feather", wanted);
    for (i = 0; split_endings[i]; i++) {
        if (!path_make(path, sizeof path, "%s/%s.%s", source->path, wanted, split_endings[i]) ||
            access(path, F_OK))
            continue;
        snprintf(source->split, sizeof source->split, "%s", wanted);
        if (!path_make(source->path, sizeof source->path, "%s", path)) break;
        return SGF_OK;
    }
    if (parquet_find(source->path, path, sizeof path))
        return base_fail_at(err, SGF_ERR_UNSUPPORTED, path, -1,
                            "%s: Parquet is not read; convert it in Python: import pandas; "
                            "pandas.read_parquet(%s).to_feather(%s)",
                            path, python_text(path).text, python_text(feather).text);
    return base_fail_at(
        err, SGF_ERR_IO, source->path, -1,
        "%s: a folder without data: neither state.json nor dataset_dict.json (what save_to_disk of "
        "Hugging Face datasets writes), nor %s.jsonl, .json, .csv, .arrow or .feather",
        source->path, wanted);
}
sgf_status data_read(const char *path, const char *wanted, data_source *source,
                     struct table **table, sgf_error *err) {
    size_t n = strlen(path);
    sgf_status status = SGF_OK;
    memset(source, 0, sizeof *source);
    *table = NULL;
    if (!wanted) wanted = "test";
    if (n >= sizeof source->path)
        return base_fail_at(err, SGF_ERR_LIMIT, path, -1, "a path of more than %d bytes: %s",
                            (int)sizeof source->path - 1, path);
    while (n > 1 && path[n - 1] == '/') n--;
    snprintf(source->path, sizeof source->path, "%.*s", (int)n, path);
    if (is_folder(source->path) && is_saved_splits(source->path))
        status = split_choose(source, wanted, err);
    else if (is_folder(source->path) && !is_saved(source->path))
        status = split_file(source, wanted, err);
    if (status) return status;
    status = is_folder(source->path) ? saved_read(source, table, err)
                                     : table_read(source->path, NULL, table, err);
    if (status) table_free(*table), *table = NULL;
    return status;
}
