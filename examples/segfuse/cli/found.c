#define _XOPEN_SOURCE 700
#include "found.h"
#include "hub.h"
#include "model.h"
#include "inspect.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int found_compare(const void *a, const void *b) {
    return strcmp(((const found_model *)a)->name, ((const found_model *)b)->name);
}
/* The same folder under another name does not count twice. */
static int found_is_known(const found_models *found, const char *path) {
    struct stat one, other;
    size_t i;
    if (stat(path, &one)) return 0;
    for (i = 0; i < found->count; i++)
        if (!stat(found->items[i].path, &other) && one.st_dev == other.st_dev &&
            one.st_ino == other.st_ino)
            return 1;
    return 0;
}
/* A new entry, zeroed; NULL when memory is out. */
static found_model *found_new(found_models *found, const char *name, const char *where) {
    found_model *m;
    if (found->count == found->cap) {
        size_t cap = found->cap ? 2 * found->cap : 16;
        m = (found_model *)realloc(found->items, cap * sizeof *m);
        if (!m) return NULL;
        found->items = m;
        found->cap = cap;
    }
    m = &found->items[found->count++];
    memset(m, 0, sizeof *m);
    path_make(m->name, sizeof m->name, "%s", name);
    m->where = where;
    return m;
}
/* Model folders in `folder`, and one folder deeper (ORG/NAME). */
static void found_in_folder(found_models *found, const char *folder, const char *before,
                            const char *where) {
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[1300], name[300];
    found_model *m;
    while (dir && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        if (!path_make(path, sizeof path, "%s/%s", folder, entry->d_name)) continue;
        if (!path_make(name, sizeof name, "%s%s", before, entry->d_name)) continue;
        if (!is_folder(path) || found_is_known(found, path)) continue;
        if (folder_has(path, "config.json")) {
            if ((m = found_new(found, name, where)) != NULL)
                path_make(m->path, sizeof m->path, "%s", path);
        } else if (!*before && path_make(name, sizeof name, "%s/", entry->d_name))
            found_in_folder(found, path, name, where);
    }
    if (dir) closedir(dir);
}
/* models--ORG--NAME is ORG/NAME; 0 if it is none. */
static int hub_id_of(const char *folder, char *id, size_t cap) {
    char *dashes;
    if (strncmp(folder, "models--", 8) || !path_make(id, cap, "%s", folder + 8)) return 0;
    dashes = strstr(id, "--");
    if (dashes) *dashes = '/', memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
    return is_hub_id(id);
}
static void found_in_hub(found_models *found) {
    char hub[1024], place[1200], id[300];
    const struct dirent *entry;
    found_model *m;
    DIR *dir;
    hub_folder(hub, sizeof hub);
    dir = opendir(hub);
    while (dir && (entry = readdir(dir)) != NULL) {
        const char *name;
        if (!hub_id_of(entry->d_name, id, sizeof id)) continue;
        name = registry_name_of(id);
        if (!(m = found_new(found, name ? name : id, "Hugging Face cache"))) continue;
        hub_place(id, place, sizeof place);
        m->err.status = SGF_OK;
        if (!hub_snapshot(id, place, m->path, sizeof m->path, &m->err))
            path_make(m->path, sizeof m->path, "%s", place);
    }
    if (dir) closedir(dir);
}
static void found_sort(found_models *found, size_t first) {
    if (found->count > first)
        qsort(found->items + first, found->count - first, sizeof *found->items, found_compare);
}
found_models found_make(void) {
    const char *home = environment("SEGFUSE_MODELS");
    found_models found;
    char path[1024];
    size_t first = 0;
    int i;
    memset(&found, 0, sizeof found);
    if (home) found_in_folder(&found, home, "", "$SEGFUSE_MODELS");
    found_sort(&found, first);
    first = found.count;
    for (i = 0; project_place(i, "models", path, sizeof path); i++)
        found_in_folder(&found, path, "", "bundled");
    found_sort(&found, first);
    first = found.count;
    found_in_hub(&found);
    found_sort(&found, first);
    return found;
}
