#include "inspect.h"
#include "hub.h"
#include "model.h"
#include "../data/dataset.h"
#include "../runs/chat.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int folder_has(const char *path, const char *name) {
    char file[1400];
    return path_make(file, sizeof file, "%s/%s", path, name) && !is_free(file);
}

/* ---- the configuration ---- */

static void inspect_attention(const sgf_config *c) {
    int32_t i, windows = 0;
    for (i = 0; i < c->layers; i++) windows += sgf_config_window(c, i) != 0;
    printf("attention       %d query heads, %d key/value heads of %d", (int)c->heads,
           (int)c->kv_heads, (int)c->head_dim);
    if (c->qkv_bias) printf(", biases on q, k, v%s", c->out_bias ? " and o" : "");
    if (c->qk_norm) printf(", RMSNorm of q and k");
    if (c->norms & SGF_NORM_AFTER) printf(", RMSNorm after the blocks");
    if (windows)
        printf(", window %d in %d of %d layers", (int)c->sliding_window, (int)windows,
               (int)c->layers);
    printf("\n");
}
static void inspect_positions(const sgf_config *c) {
    static const char *const ropes[] = {"default", "linear", "dynamic", "llama3", "yarn"};
    int32_t i, without = 0;
    for (i = 0; i < c->layers; i++) without += sgf_config_rope(c, i) < 0;
    printf("positions       RoPE %s, theta %.10g", ropes[c->rope], c->rope_theta);
    if (c->rope != SGF_ROPE_DEFAULT) printf(", factor %g", c->rope_factor);
    if (c->rope_local_theta > 0)
        printf(", theta %.10g in layers with a window", c->rope_local_theta);
    if (without) printf(", no RoPE in %d of %d layers", (int)without, (int)c->layers);
    printf(", context %s\n", base_count((uint64_t)c->context).text);
}
static void inspect_config(const sgf_config *c) {
    printf("architecture    %s\n", c->architecture);
    printf("shape           %d layers, width %d, feed-forward %d%s%s\n", (int)c->layers,
           (int)c->dim, (int)c->ffn_dim, c->mlp_bias ? " with biases" : "",
           c->gelu ? ", GELU" : "");
    inspect_attention(c);
    inspect_positions(c);
    printf("vocabulary      %s%s\n", base_count((uint64_t)c->vocab_size).text,
           c->tied ? ", output tied to the embedding" : "");
    printf("parameters      %s\n", base_count(sgf_config_parameters(c)).text);
}

/* ---- weights and memory ---- */

uint64_t weights_sum(const tensors *w, char *types, size_t cap) {
    const char *seen[32]; /* dtypes; there are 22 */
    uint64_t bytes = 0;
    size_t i, k, kinds = 0, n = 0;
    types[0] = 0;
    for (i = 0; i < w->count; i++) {
        const tensors_entry *t = &w->entries[i];
        bytes += t->end - t->begin;
        for (k = 0; k < kinds && seen[k] != t->dtype;) k++;
        if (k < kinds) continue;
        seen[kinds++] = t->dtype;
        snprintf(types + n, cap - n, "%s%s", n ? ", " : "", t->dtype);
        n += strlen(types + n);
    }
    return bytes;
}
/* What is in the files; what there would be if they are not there or cannot be read. */
static uint64_t inspect_weights(const char *path, const sgf_config *c, int there) {
    char types[256];
    tensors w;
    uint64_t bytes;
    if (!tensors_read_folder(path, NULL, &w, NULL)) {
        bytes = weights_sum(&w, types, sizeof types);
        printf("weights         %s bytes (%s) in %s; %s tensors in %s file%s\n",
               base_count(bytes).text, base_bytes((double)bytes).text, types,
               base_count(w.count).text, base_count(w.files).text, w.files == 1 ? "" : "s");
    } else {
        bytes = sgf_config_parameters(c) * (c->dtype == SGF_DTYPE_F32 ? 4 : 2);
        printf("weights         %s; in %s they take %s bytes (%s)\n",
               there ? "not readable" : "missing", sgf_dtype_name(c->dtype), base_count(bytes).text,
               base_bytes((double)bytes).text);
    }
    tensors_free(&w);
    return bytes;
}
/* `context` 0: the model's, at most 4096. */
static void inspect_memory(const sgf_config *c, uint64_t weights, long context) {
    uint64_t tokens = context ? (uint64_t)context : c->context < 4096 ? (uint64_t)c->context : 4096;
    double cache = (double)sgf_config_kv_bytes(c) * (double)tokens;
    printf("KV cache        %s bytes a token, in F32\n", base_count(sgf_config_kv_bytes(c)).text);
    printf("memory          %s for %s tokens: weights %s, KV cache %s%s\n",
           base_bytes((double)weights + cache).text, base_count(tokens).text,
           base_bytes((double)weights).text, base_bytes(cache).text,
           tokens > (uint64_t)c->context ? "; more tokens than the model was made for" : "");
}

/* ---- the tokenizer ---- */

/* " 128001 <|end_of_text|>"; a negative id is " none". */
static void inspect_token(const sgf_tokenizer *t, int32_t id) {
    if (id < 0) printf(" none");
    else if (!t) printf(" %d", (int)id);
    else printf(" %d %s", (int)id, base_show(sgf_token_text(t, id)).text);
}
/* The ids that end an answer; t may be NULL. */
static void inspect_ends(const sgf_tokenizer *t, const sgf_config *c) {
    int32_t i;
    printf("answers end at ");
    if (!c->eos_count) printf(" no id, as the model names none");
    for (i = 0; i < c->eos_count; i++) {
        printf("%s", i ? "," : "");
        inspect_token(t, c->eos[i]);
    }
    printf("\n");
}
/* Is there a chat template, and does --chat take it? */
static void inspect_chat(const char *path, const sgf_tokenizer *t) {
    chat_format f;
    sgf_error err;
    printf("chat template   ");
    if (chat_find(path, t, &f, &err)) printf("not used by --chat: %s\n", err.message);
    else if (!f.name) printf("none, as of a base model; --chat refuses it\n");
    else
        printf("%s, which --chat uses; the instruction is %s\n", f.name,
               f.has_system ? "the system message" : "the beginning of the user's text");
}
/* The first few of what may be hundreds. */
static void inspect_added(const sgf_tokenizer *t, size_t count) {
    size_t i;
    printf("added tokens    %s", base_count(count).text);
    for (i = 0; i < count && i < 4; i++) {
        printf("%s", i ? "," : ":");
        inspect_token(t, sgf_tokenizer_added(t, i, NULL, NULL));
    }
    printf("%s\n", count > i ? ", ..." : "");
}
static void inspect_tokenizer(const sgf_tokenizer *t) {
    sgf_tokenizer_info info;
    sgf_tokenizer_describe(t, &info);
    printf("tokenizer       %s, %s tokens, %s merges, pre-tokenizer %s, normalizer %s\n", info.kind,
           base_count(info.tokens).text, base_count(info.merges).text, info.pre_tokenizer,
           info.normalizer);
    printf("special ids     bos");
    inspect_token(t, info.bos);
    printf("%s, eos", info.adds_bos ? " (put before a text)" : "");
    inspect_token(t, info.eos);
    printf("%s\n", info.adds_eos ? " (put after a text)" : "");
    inspect_added(t, info.added);
}

/* ---- the whole folder ---- */

void inspect_load(inspected *x) {
    sgf_error other;
    if (x->has_config) x->configured = !sgf_config_load(x->path, NULL, &x->config, &x->err);
    if (x->configured && x->has_weights) sgf_model_load(x->path, NULL, &x->model, &x->err);
    if (x->model) {
        x->config = x->model->config;
        x->tokenizer = x->model->tokenizer;
    } else if (x->has_tokenizer) {
        if (sgf_tokenizer_load(x->path, NULL, &x->own, &other) && !x->err.status) x->err = other;
        x->tokenizer = x->own;
    }
}
/* The exit status: 0 if the model can be run. */
static int inspect_verdict(const inspected *x) {
    printf("verdict         ");
    if (x->err.status)
        printf("%s: %s\n", x->err.status == SGF_ERR_UNSUPPORTED ? "not supported" : "not usable",
               x->err.message);
    else if (x->model && x->has_tokenizer) printf("supported\n");
    else if (x->model)
        printf(
            "supported by forward; generate and tokenize need tokenizer.json, which is missing\n");
    else
        printf("incomplete; missing:%s%s%s\n", x->has_config ? "" : " config.json",
               x->has_weights ? "" : " weights (model.safetensors, or its index and shards)",
               x->has_tokenizer ? "" : " tokenizer.json");
    return !x->model;
}
static int inspect_model(const char *path, long context) {
    char name[256];
    inspected x;
    int status;
    memset(&x, 0, sizeof x);
    x.path = path;
    x.has_config = folder_has(path, "config.json");
    x.has_tokenizer = folder_has(path, "tokenizer.json");
    x.has_weights = folder_has(path, "model.safetensors") ||
                    folder_has(path, "model.safetensors.index.json");
    if (!x.has_config && !x.has_tokenizer && !x.has_weights) {
        fprintf(stderr,
                "segfuse inspect: %s: neither config.json nor model.safetensors nor tokenizer.json "
                "is there; a Hugging Face model folder was wanted\n",
                path);
        return 1;
    }
    inspect_load(&x);
    model_name(path, name, sizeof name);
    printf("model           %s\nfolder          %s\n", name, path);
    if (x.configured) {
        inspect_config(&x.config);
        inspect_memory(&x.config, inspect_weights(path, &x.config, x.has_weights), context);
    }
    if (x.tokenizer) inspect_tokenizer(x.tokenizer);
    if (x.configured) inspect_ends(x.tokenizer, &x.config);
    if (x.tokenizer) inspect_chat(path, x.tokenizer);
    if (x.model) printf("identity        %s\n", x.model->identity);
    status = inspect_verdict(&x);
    sgf_model_free(x.model);
    sgf_tokenizer_free(x.own);
    return status;
}

/* ---- other files ---- */

/* "5", or "3 to 7" */
static base_shown show_range(size_t least, size_t most) {
    base_shown out;
    if (least == most) snprintf(out.text, sizeof out.text, "%llu", (unsigned long long)least);
    else
        snprintf(out.text, sizeof out.text, "%llu to %llu", (unsigned long long)least,
                 (unsigned long long)most);
    return out;
}
/* How many different relations there are; 0 if the data has none. */
static size_t relations_count(const dataset *d) {
    row_key *keys = (row_key *)calloc(d->count + 1, sizeof *keys);
    size_t i, n = 0, found = 0;
    for (i = 0; keys && i < d->count; i++)
        if (d->questions[i].relation.len) keys[n++].uuid = d->questions[i].relation;
    if (n) qsort(keys, n, sizeof *keys, row_key_order);
    for (i = 0; i < n; i++) found += !i || !row_key_same(&keys[i - 1], &keys[i]);
    free(keys);
    return found;
}
static void inspect_questions(const dataset *d) {
    size_t least[3] = {SIZE_MAX, SIZE_MAX, SIZE_MAX}, most[3] = {0, 0, 0}, i, k;
    size_t relations = relations_count(d);
    for (i = 0; i < d->count; i++) {
        const question *q = &d->questions[i];
        size_t counts[3];
        counts[0] = q->manual_count;
        counts[1] = q->paraphrase_count - q->manual_count;
        counts[2] = q->answer_count;
        for (k = 0; k < 3; k++) {
            if (counts[k] < least[k]) least[k] = counts[k];
            if (counts[k] > most[k]) most[k] = counts[k];
        }
    }
    printf("schema: %s\nquestions: %s", schemas[d->schema].name, base_count(d->count).text);
    if (relations) printf(" of %s relations", base_count(relations).text);
    printf("\nparaphrases: %s manual, %s automatic a question\nanswers: %s a question\n",
           show_range(least[0], most[0]).text, show_range(least[1], most[1]).text,
           show_range(least[2], most[2]).text);
}
static sgf_status texts_print(const sgf_str *texts, size_t n, base_buf *line, sgf_error *err) {
    size_t i;
    sgf_status status = SGF_OK;
    for (i = 0; i < n && !status; i++) {
        if (i) status = base_buf_text(line, ", ", err);
        if (!status) status = json_quote(line, texts[i], err);
    }
    return status;
}
/* The questions as the methods get them: all their paraphrases in one list, `manual` the first. */
static sgf_status questions_print(const dataset *d, size_t n, sgf_error *err) {
    char manual[64];
    base_buf line;
    size_t i;
    sgf_status status = SGF_OK;
    base_buf_init(&line, NULL);
    for (i = 0; i < d->count && i < n && !status; i++) {
        const question *q = &d->questions[i];
        line.len = 0;
        status = base_buf_text(&line, "{\"uuid\": ", err);
        if (!status) status = json_quote(&line, q->uuid, err);
        if (!status && q->relation.len) status = base_buf_text(&line, ", \"rel\": ", err);
        if (!status && q->relation.len) status = json_quote(&line, q->relation, err);
        if (!status) status = base_buf_text(&line, ", \"answers\": [", err);
        if (!status) status = texts_print(q->answers, q->answer_count, &line, err);
        snprintf(manual, sizeof manual, "], \"manual\": %llu, \"paraphrases\": [",
                 (unsigned long long)q->manual_count);
        if (!status) status = base_buf_text(&line, manual, err);
        if (!status) status = texts_print(q->paraphrases, q->paraphrase_count, &line, err);
        if (!status) printf("%s]}\n", line.ptr);
    }
    base_buf_free(&line);
    return status;
}
/* --split chooses one of several splits of a folder, or of raw MyriadLAMA; what has none is an error. */
static sgf_status split_check(const dataset *d, const char *split, sgf_error *err) {
    if (!split || d->source.split[0]) return SGF_OK;
    return base_fail_at(err, SGF_ERR_ARG, d->source.path, -1,
                        "%s is not divided into splits; leave out --split", d->source.path);
}
static int inspect_show(const char *path, const char *split, long count) {
    dataset d;
    sgf_error err;
    sgf_status status = dataset_load(path, split, &d, &err);
    if (!status) status = split_check(&d, split, &err);
    if (!status) status = questions_print(&d, count ? (size_t)count : SIZE_MAX, &err);
    dataset_free(&d);
    return status ? failed("inspect", &err) : 0;
}
/* A file that is no table: what it is, if that is known, and what reads it. NULL if not. */
static const char *inspect_other(const char *path) {
    const char *what = NULL;
    base_map map;
    base_arena arena;
    json_doc json;
    size_t at = 0;
    if (base_map_file(path, NULL, &map, NULL)) return NULL;
    base_arena_init(&arena, NULL);
    while (at < map.size && strchr(" \t\r\n", map.data[at]) && map.data[at]) at++;
    if (map.size >= 6 && !memcmp(map.data, "\x93NUMPY", 6))
        what = "a NumPy array, and no table; segfuse mask --dense and --compare read masks";
    else if (map.size >= 4 && !memcmp(map.data, "\x89PNG", 4)) what = "a picture, and no table";
    else if (at < map.size && map.data[at] == '{' &&
             !json_parse(path, map.data, map.size, &arena, &json, NULL))
        what = json_get(&json, 0, "tokens") && json_get(&json, 0, "visible")
                   ? "a layout, and no table; segfuse forward --layout and mask --layout read it"
                   : "one JSON object over several lines; rows are objects, each on a line of its "
                     "own, or all in one array: [{...}, {...}]";
    base_arena_free(&arena);
    base_unmap(&map);
    return what;
}
/* A table file, a folder that save_to_disk wrote, or a split of one. */
static int inspect_data(const char *path, const char *split) {
    data_source source;
    dataset d;
    struct table *table;
    sgf_error err;
    sgf_str config;
    int c, is_result;
    if (split && !is_folder(path)) {
        sgf_status status = dataset_load(path, split, &d, &err);
        if (!status) status = split_check(&d, split, &err);
        dataset_free(&d);
        if (status) return failed("inspect", &err);
    }
    if (data_read(path, split, &source, &table, &err)) {
        const char *other = is_folder(path) ? NULL : inspect_other(path);
        if (!other) return failed("inspect", &err);
        fprintf(stderr, "segfuse inspect: %s: %s\n", path, other);
        return 1;
    }
    printf("%s: %llu row%s, %s", source.path, (unsigned long long)table_rows(table),
           plural(table_rows(table)), table_format(table));
    if (source.shards)
        printf(", %s file%s of a data set folder", base_count(source.shards).text,
               source.shards == 1 ? "" : "s");
    printf("\n");
    for (c = 0; c < table_columns(table); c++)
        printf("  %-20s %s\n", base_show(sgf_text(table_name(table, c))).text,
               table_type_text(table, c));
    config = table_metadata_get(table, "segfuse");
    if (config.ptr) printf("segfuse: "), text_print(config, SIZE_MAX), printf("\n");
    is_result = table_find(table, "prediction") >= 0 || table_find(table, "sample_predicts") >= 0;
    table_free(table);
    if (is_result) return 0;
    if (dataset_load(path, split, &d, &err)) printf("not a data set: %s\n", err.message);
    else inspect_questions(&d);
    dataset_free(&d);
    return 0;
}
/* Every split of a folder that has several. */
static int inspect_splits(const char *path) {
    data_json dict;
    char split[64];
    sgf_error err;
    uint32_t splits, i;
    int status = 0;
    if (data_json_open(&dict, path, "dataset_dict.json", &err)) {
        data_json_close(&dict);
        return failed("inspect", &err);
    }
    splits = data_json_array(&dict, "splits");
    for (i = splits + 1; splits && i < dict.json.nodes[splits].next; i = dict.json.nodes[i].next) {
        sgf_str name = dict.json.nodes[i].text;
        if (dict.json.nodes[i].type != JSON_STRING || !is_entry(name, sizeof split)) continue;
        snprintf(split, sizeof split, "%.*s", (int)name.len, name.ptr);
        if (i > splits + 1) printf("\n");
        if (inspect_data(path, split)) status = 1;
    }
    data_json_close(&dict);
    return status;
}
static int inspect_safetensors(const char *path) {
    tensors all;
    sgf_error err;
    size_t i, k;
    sgf_status status = tensors_read_file(path, NULL, &all, &err);
    if (!status) printf("%s: %llu tensors\n", path, (unsigned long long)all.count);
    for (i = 0; i < all.count && !status; i++) {
        const tensors_entry *t = &all.entries[i];
        printf("  ");
        text_print(t->name, SIZE_MAX);
        printf(" %s [", t->dtype);
        for (k = 0; k < t->rank; k++)
            printf("%s%llu", k ? ", " : "", (unsigned long long)t->shape[k]);
        printf("]\n");
    }
    tensors_free(&all);
    return status ? failed("inspect", &err) : 0;
}
static int inspect_file(const char *path, const char *split) {
    if (has_ending(path, ".safetensors")) return inspect_safetensors(path);
    return is_folder(path) && is_saved_splits(path) && !split ? inspect_splits(path)
                                                              : inspect_data(path, split);
}

int verb_inspect(int argc, char **argv) {
    const char *model = NULL, *rest[1];
    const char *split = NULL;
    long context = 0, questions = -1;
    int rests, status;
    char path[1024];
    option options[] = {
        {"model", OPTION_TEXT, (void *)&model, "MODEL", "a model (the bundled one)"},
        {"context", OPTION_COUNT, &context, "N", "tokens to count memory for (4096 at most)"},
        {"questions", OPTION_COUNT, &questions, "N",
         "print N questions of a data set, 0 for all, as JSON\n                               lines"},
        {"split", OPTION_TEXT, (void *)&split, "NAME",
         "of a folder with several; of raw MyriadLAMA"},
        ROWS_END};
    status = options_parse(
        argc, argv, options, "[MODEL|FILE|FOLDER]",
        "What is in a model folder, in a Feather, CSV, JSON or safetensors file, or in a data set.",
        rest, &rests, 1);
    if (status >= 0) return status;
    if (rests && questions >= 0) return inspect_show(rest[0], split, questions);
    if (rests && (is_data_folder(rest[0]) || !is_model(rest[0])))
        return inspect_file(rest[0], split);
    if (!model_find("inspect", rests ? rest[0] : model, path, sizeof path)) return 1;
    return inspect_model(path, context);
}
