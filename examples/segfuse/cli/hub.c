#define _XOPEN_SOURCE 700
#include "hub.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name, *id;
} registry[] = {
    {"llama3.2_1b", "meta-llama/Llama-3.2-1B"},
    {"llama3.2_1b_it", "meta-llama/Llama-3.2-1B-Instruct"},
    {"llama3.2_3b", "meta-llama/Llama-3.2-3B"},
    {"llama3.2_3b_it", "meta-llama/Llama-3.2-3B-Instruct"},
    {"llama3.1_8b", "meta-llama/Llama-3.1-8B"},
    {"llama3.1_8b_it", "meta-llama/Llama-3.1-8B-Instruct"},
    {"llama3.1_70b", "meta-llama/Llama-3.1-70B"},
    {"llama3.1_70b_it", "meta-llama/Llama-3.1-70B-Instruct"},
    {"qwen2.5_3b", "Qwen/Qwen2.5-3B"},
    {"qwen2.5_3b_it", "Qwen/Qwen2.5-3B-Instruct"},
    {"qwen2.5_7b", "Qwen/Qwen2.5-7B"},
    {"qwen2.5_7b_it", "Qwen/Qwen2.5-7B-Instruct"},
    {"qwen2.5_14b", "Qwen/Qwen2.5-14B"},
    {"qwen2.5_14b_it", "Qwen/Qwen2.5-14B-Instruct"},
    {"qwen3_1.7b", "Qwen/Qwen3-1.7B"},
    {"qwen3_4b", "Qwen/Qwen3-4B"},
    {"qwen3_8b", "Qwen/Qwen3-8B"},
    /* small ones, for a CPU */
    {"smollm2_135m", "HuggingFaceTB/SmolLM2-135M"},
    {"smollm2_135m_it", "HuggingFaceTB/SmolLM2-135M-Instruct"},
    {"smollm2_360m", "HuggingFaceTB/SmolLM2-360M"},
    {"smollm2_360m_it", "HuggingFaceTB/SmolLM2-360M-Instruct"},
    {"smollm2_1.7b", "HuggingFaceTB/SmolLM2-1.7B"},
    {"smollm2_1.7b_it", "HuggingFaceTB/SmolLM2-1.7B-Instruct"},
    {"qwen2.5_0.5b", "Qwen/Qwen2.5-0.5B"},
    {"qwen2.5_0.5b_it", "Qwen/Qwen2.5-0.5B-Instruct"},
    {"qwen2.5_1.5b", "Qwen/Qwen2.5-1.5B"},
    {"qwen2.5_1.5b_it", "Qwen/Qwen2.5-1.5B-Instruct"},
    {"qwen3_0.6b", "Qwen/Qwen3-0.6B"},
    {"tinyllama_1.1b_it", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"},
    {"mistral_7b", "mistralai/Mistral-7B-v0.3"},
    {"mistral_7b_it", "mistralai/Mistral-7B-Instruct-v0.3"},
    {"deepseek_r1_distill_qwen_1.5b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"},
    {"deepseek_r1_distill_llama_8b", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"},
    {"deepseek_r1_distill_qwen_14b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B"},
    {"deepseek_r1_distill_qwen_32b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"},
};
enum { REGISTERED = (int)(sizeof registry / sizeof registry[0]) };

const char *registry_name(size_t i) {
    return i < REGISTERED ? registry[i].name : NULL;
}
const char *registry_id(const char *name) {
    int i;
    for (i = 0; i < REGISTERED; i++)
        if (!strcmp(registry[i].name, name)) return registry[i].id;
    return NULL;
}
const char *registry_name_of(const char *id) {
    int i;
    for (i = 0; i < REGISTERED; i++)
        if (!strcmp(registry[i].id, id)) return registry[i].name;
    return NULL;
}

int is_free(const char *path) {
    return access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR);
}
int is_folder(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}
int path_make(char *out, size_t cap, const char *format, ...) {
    va_list arguments;
    int n;
    va_start(arguments, format);
    n = vsnprintf(out, cap, format, arguments);
    va_end(arguments);
    if (n >= 0 && (size_t)n < cap) return 1;
    out[0] = 0;
    return 0;
}
const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}
/* `path` and what is `below` it; a ~ at its beginning is the home folder. */
static void path_from_home(const char *path, const char *below, char *out, size_t cap) {
    const char *home = environment("HOME");
    int tilde = home && path[0] == '~' && (!path[1] || path[1] == '/');
    path_make(out, cap, "%s%s%s", tilde ? home : "", tilde ? path + 1 : path, below);
}
void hub_folder(char *out, size_t cap) {
    const char *hub = environment("HF_HUB_CACHE"), *home = environment("HF_HOME"),
               *cache = environment("XDG_CACHE_HOME");
    if (!hub) hub = environment("HUGGINGFACE_HUB_CACHE"); /* its older name, which still counts */
    if (hub) path_from_home(hub, "", out, cap);
    else if (home) path_from_home(home, "/hub", out, cap);
    else path_from_home(cache ? cache : "~/.cache", "/huggingface/hub", out, cap);
}

static int is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
void shell_print(const char *word) {
    const char *plain = "+-./:=@_,%";
    const char *at = word;
    while (is_letter_or_digit(*at) || (*at && strchr(plain, *at))) at++;
    if (*word && !*at) {
        printf("%s", word);
        return;
    }
    putchar('\'');
    for (; *word; word++) {
        if (*word == '\'') printf("'\\''");
        else putchar(*word);
    }
    putchar('\'');
}
/* Letters, digits and, between them, . _ - only: it names one thing in a folder, and nothing
   outside. */
static int is_plain_name(const char *name, size_t n) {
    size_t i;
    if (!n || n > 96 || strchr(".-", name[0]) || strchr(".-", name[n - 1])) return 0;
    for (i = 0; i < n; i++)
        if (!is_letter_or_digit(name[i]) && !strchr("._-", name[i])) return 0;
    return 1;
}
int is_hub_id(const char *id) {
    const char *slash = strchr(id, '/'), *name = slash ? slash + 1 : id;
    if (strstr(id, "--") || strstr(id, "..")) return 0;
    return (!slash || is_plain_name(id, (size_t)(slash - id))) && is_plain_name(name, strlen(name));
}
void hub_place(const char *id, char *out, size_t cap) {
    const char *slash = strchr(id, '/'), *name = slash ? slash + 1 : id;
    char hub[1024];
    hub_folder(hub, sizeof hub);
    if (!hub[0]) out[0] = 0; /* a cache whose path does not fit */
    else
        path_make(out, cap, "%s/models--%.*s%s%s", hub, slash ? (int)(slash - id) : 0, id,
                  slash ? "--" : "", name);
}
/* What refs/main says: 1, 0 if there is no such file. Spaces around it do not count. */
static int hub_read_commit(const char *place, char *commit, size_t cap) {
    char path[1200];
    FILE *file;
    size_t n, begin = 0;
    path_make(path, sizeof path, "%s/refs/main", place);
    file = fopen(path, "rb");
    if (!file) return 0;
    n = fread(commit, 1, cap - 1, file);
    fclose(file);
    while (n && strchr(" \r\n\t", commit[n - 1])) n--; /* finds zero bytes as well */
    while (begin < n && strchr(" \r\n\t", commit[begin])) begin++;
    memmove(commit, commit + begin, n - begin);
    commit[n - begin] = 0;
    return 1;
}
int has_ending(const char *text, const char *ending) {
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && !strcmp(text + n - m, ending);
}
/* A file of the model that is a link to nothing, which an interrupted download leaves behind. */
static int hub_broken_link(const char *snapshot, char *name, size_t cap) {
    DIR *folder = opendir(snapshot);
    const struct dirent *entry;
    char path[1400];
    struct stat info;
    int broken = 0;
    while (folder && !broken && (entry = readdir(folder)) != NULL) {
        if (!has_ending(entry->d_name, ".json") && !has_ending(entry->d_name, ".safetensors"))
            continue;
        if (!path_make(path, sizeof path, "%s/%s", snapshot, entry->d_name)) continue;
        broken = stat(path, &info) && !lstat(path, &info);
        if (broken) path_make(name, cap, "%s", entry->d_name);
    }
    if (folder) closedir(folder);
    return broken;
}
int hub_snapshot(const char *id, const char *place, char *path, size_t cap, sgf_error *err) {
    char commit[128], name[300];
    if (!hub_read_commit(place, commit, sizeof commit))
        base_fail(err, SGF_ERR_IO,
                  "%s is in the cache, but %s/refs/main, which names its current version, is not "
                  "there; `hf download %s` mends it",
                  id, place, id);
    else if (!is_plain_name(commit, strlen(commit)))
        base_fail(err, SGF_ERR_FORMAT,
                  "%s/refs/main should hold the name of a commit, not \"%s\"; `hf download %s` "
                  "mends it",
                  place, base_show(sgf_text(commit)).text, id);
    else if (!path_make(path, cap, "%s/snapshots/%s", place, commit) || !is_folder(path))
        base_fail(err, SGF_ERR_IO,
                  "%s/refs/main names the commit %s, but there is no folder %s/snapshots/%s; "
                  "`hf download %s` mends it",
                  place, commit, place, commit, id);
    else if (hub_broken_link(path, name, sizeof name))
        base_fail(err, SGF_ERR_IO,
                  "%s/%s is a link to a file that is not there (an interrupted download?); "
                  "`hf download %s` mends it",
                  path, name, id);
    else return 1;
    return 0;
}
