#define _XOPEN_SOURCE 700
#include "model.h"
#include "../models/gguf_folder.h"
#include "hub.h"
#include "inspect.h"
#include "options.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where this program lies, with a slash in it; "" if that cannot be found out. */
static char program_path[1024];
const char *program_called = "segfuse"; /* as the user wrote it */

void program_find(const char *called) {
    const char *path = environment("PATH");
    ssize_t n;
    program_called = called;
    n = readlink("/proc/self/exe", program_path, sizeof program_path - 1);
    program_path[n > 0 ? n : 0] = 0;
    if (strchr(called, '/') && !program_path[0])
        path_make(program_path, sizeof program_path, "%s", called);
    while (path && *path && !program_path[0]) {
        size_t length = strcspn(path, ":");
        path_make(program_path, sizeof program_path, "%.*s/%s", (int)length, path, called);
        if (access(program_path, X_OK)) program_path[0] = 0;
        path += length + (path[length] == ':');
    }
}

int project_place(int i, const char *relative, char *out, size_t cap) {
    static const char *const above[] = {"..", "../share/segfuse"};
    const char *slash = strrchr(program_path, '/');
    if (!i) return path_make(out, cap, "%s", relative);
    if (!slash || i > 2) return 0;
    return path_make(out, cap, "%.*s/%s/%s", (int)(slash - program_path), program_path,
                     above[i - 1], relative);
}
const char *project_path(const char *relative, char *out, size_t cap) {
    struct stat info;
    int i;
    for (i = 0; project_place(i, relative, out, cap); i++)
        if (!stat(out, &info)) return out;
    project_place(0, relative, out, cap);
    return out;
}
/* The last part of a path, without trailing slashes. */
static void path_name(const char *path, char *out, size_t cap) {
    size_t end = strlen(path), begin;
    while (end > 1 && path[end - 1] == '/') end--;
    for (begin = end; begin && path[begin - 1] != '/'; begin--) {}
    snprintf(out, cap, "%.*s", (int)(end - begin), path + begin);
}
/* A snapshot in the hub's cache, .../models--ORG--NAME/snapshots/COMMIT, is called NAME. */
static void snapshot_name(const char *path, char *out, size_t cap) {
    const char *at = strstr(path, "/snapshots/"), *begin = at, *name = at, *commit;
    if (!at || !at[11]) return;
    commit = at + 11 + strcspn(at + 11, "/");
    if (commit[strspn(commit, "/")]) return; /* a folder in it */
    while (begin > path && begin[-1] != '/') begin--;
    if (strncmp(begin, "models--", 8)) return;
    while (name > begin && strncmp(name - 2, "--", 2)) name--;
    snprintf(out, cap, "%.*s", (int)(at - name), name);
}
void model_name(const char *given, char *out, size_t cap) {
    char *whole = NULL;
    if (!given) given = BUNDLED_MODEL;
    path_name(given, out, cap);
    if (!out[0] || !strcmp(out, ".") || !strcmp(out, "..")) /* these have names of their own */
        whole = realpath(given, NULL);
    if (whole) path_name(whole, out, cap);
    snapshot_name(whole ? whole : given, out, cap);
    free(whole);
}

/* Is there a folder at s->path? */
static int model_look(model_search *s) {
    size_t n = strlen(s->places);
    snprintf(s->places + n, sizeof s->places - n, "%s%s", n ? ", " : "", s->path);
    return is_folder(s->path);
}
/* Is it below $SEGFUSE_MODELS, under this name? */
static int model_look_at_home(model_search *s, const char *name) {
    const char *home = environment("SEGFUSE_MODELS");
    if (!home) return 0;
    path_make(s->path, s->cap, "%s/%s", home, name);
    return model_look(s);
}
static int model_look_in_project(model_search *s, const char *name) {
    char relative[1024];
    int i;
    if (!path_make(relative, sizeof relative, "models/%s", name)) return 0;
    for (i = 0; project_place(i, relative, s->path, s->cap); i++)
        if (model_look(s)) return 1;
    return 0;
}
int model_search_for(model_search *s, const char *name, sgf_error *err) {
    const char *id = registry_id(name);
    char last[256], place[1200];
    s->places[0] = 0;
    if (!name[0]) return 0; /* not the whole of models/ */
    path_make(s->path, s->cap, "%s", name);
    if (model_look(s) || model_look_at_home(s, name) || model_look_in_project(s, name)) return 1;
    if (!id && is_hub_id(name)) id = name;
    if (!id) return 0;
    path_name(id, last, sizeof last);
    if (strcmp(last, name) && model_look_at_home(s, last)) return 1;
    hub_place(id, place, sizeof place);
    path_make(s->path, s->cap, "%s", place);
    if (!model_look(s)) return 0;
    return hub_snapshot(id, place, s->path, s->cap, err) ? 1 : -1;
}
void model_advise(FILE *out, const char *name) {
    const char *id = registry_id(name);
    name_nearest near = nearest_to(name);
    size_t i;
    if (!id && is_hub_id(name) && strchr(name, '/')) id = name;
    if (id) {
        fprintf(out, "`hf download %s` gets it\n", id);
        return;
    }
    nearest_try(&near, sgf_text(BUNDLED_MODEL));
    for (i = 0; registry_name(i); i++) nearest_try(&near, sgf_text(registry_name(i)));
    if (near.best.ptr) fprintf(out, "Did you mean %s? ", near.best.ptr);
    fprintf(out,
            "Give --model a Hugging Face folder, an id ORG/NAME after `hf download ORG/NAME`, or a "
            "short name such as %s; segfuse models shows what is here\n",
            registry_name(0));
}
/* A GGUF file, or a folder without config.json that holds one: what makes a model of it. */
static int model_is_gguf(const char *verb, const char *name) {
    char file[1300];
    DIR *dir = is_folder(name) && !folder_has(name, "config.json") ? opendir(name) : NULL;
    const struct dirent *entry;
    int is = 0;
    path_make(file, sizeof file, "%s", name);
    while (dir && !is && (entry = readdir(dir)) != NULL)
        is = has_ending(entry->d_name, ".gguf") &&
             path_make(file, sizeof file, "%s/%s", name, entry->d_name) && gguf_is(file);
    if (dir) closedir(dir);
    else is = gguf_is(file);
    if (!is) return 0;
    fprintf(
        stderr,
        "segfuse %s: %s is a GGUF file, which is converted once: segfuse convert %s FOLDER; then "
        "--model FOLDER\n",
        verb, file, file);
    return 1;
}
int model_find(const char *verb, const char *name, char *path, size_t cap) {
    model_search s;
    sgf_error err;
    int found;
    s.path = path;
    s.cap = cap;
    if (!name) name = BUNDLED_MODEL;
    found = model_search_for(&s, name, &err);
    if (model_is_gguf(verb, found > 0 ? path : name)) return 0;
    if (found > 0) return 1;
    if (found < 0) {
        fprintf(stderr, "segfuse %s: %s\n", verb, err.message);
        return 0;
    }
    fprintf(stderr, "segfuse %s: there is no model '%s'; looked for %s. ", verb, name,
            s.places[0] ? s.places : "nothing");
    model_advise(stderr, name);
    return 0;
}
int is_model(const char *name) {
    char path[1024];
    struct stat info;
    model_search s;
    s.path = path;
    s.cap = sizeof path;
    if (!stat(name, &info)) return S_ISDIR(info.st_mode) || gguf_is(name);
    return registry_id(name) || model_search_for(&s, name, NULL);
}
