/* segfuse models: the models of this machine, in the order in which --model looks for them. Only
   config.json and the headers of the weights are read. */
#define _XOPEN_SOURCE 700
#include "found.h"
#include "hub.h"
#include "inspect.h"
#include "model.h"
#include "verbs.h"
#include "../runs/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What keeps a folder from being a model that answers; SGF_OK if nothing does. */
static sgf_status models_read(const found_model *m, sgf_config *c, uint64_t *bytes,
                              sgf_error *err) {
    char types[256];
    tensors w;
    sgf_status status = m->err.status;
    if (status) *err = m->err;
    else status = sgf_config_load(m->path, NULL, c, err);
    if (status) return status;
    if (!folder_has(m->path, "model.safetensors") &&
        !folder_has(m->path, "model.safetensors.index.json"))
        return base_fail(err, SGF_ERR_IO, "%s: there is no model.safetensors", m->path);
    status = tensors_read_folder(m->path, NULL, &w, err);
    if (!status) *bytes = weights_sum(&w, types, sizeof types);
    tensors_free(&w);
    if (!status && !folder_has(m->path, "tokenizer.json"))
        status = base_fail(err, SGF_ERR_IO, "%s: there is no tokenizer.json", m->path);
    return status;
}
/* The table's columns, also of its head. */
static void models_row(const char *name, const char *parameters, const char *memory,
                       const char *chat, const char *architecture, const char *from) {
    printf("%-28s %15s %10s  %-12s %-20s %s\n", name, parameters, memory, chat, architecture, from);
}
static void models_line(const found_model *m, long context) {
    sgf_config c;
    sgf_error err, other;
    chat_format chat;
    uint64_t bytes = 0, tokens;
    sgf_status status;
    memset(&c, 0, sizeof c);
    status = models_read(m, &c, &bytes, &err);
    tokens = context ? (uint64_t)context : c.context < 4096 ? (uint64_t)c.context : 4096;
    if (chat_find(m->path, NULL, &chat, &other)) chat.name = "not known";
    models_row(
        m->name, c.layers ? base_count(sgf_config_parameters(&c)).text : "-",
        bytes ? base_bytes((double)bytes + (double)sgf_config_kv_bytes(&c) * (double)tokens).text
              : "-",
        chat.name ? chat.name : "-", c.layers ? c.architecture : "-", m->where);
    if (status)
        text_wrap(stdout, err.message, 2,
                  printf("  %s: ", status == SGF_ERR_UNSUPPORTED ? "not supported" : "not usable")),
            printf("\n");
}
static void models_known(void) {
    size_t i;
    printf("\nShort names (`hf download ID` gets a model):\n");
    for (i = 0; registry_name(i); i++)
        printf("  %-30s %s\n", registry_name(i), registry_id(registry_name(i)));
}
int verb_models(int argc, char **argv) {
    const char *rest[1];
    long context = 0;
    int rests, known = 0, status;
    size_t i;
    option options[] = {
        {"context", OPTION_COUNT, &context, "1..N",
         "tokens that memory is counted for (4096, or the model's)"},
        {"known", OPTION_FLAG, &known, NULL, "also the short names, and what they are short for"},
        ROWS_END};
    found_models found;
    status = options_parse(argc, argv, options, "",
                           "The models of this machine: bundled, below $SEGFUSE_MODELS and in the "
                           "cache of\nHugging Face; what they need, and whether they can be run.",
                           rest, &rests, 0);
    if (status >= 0) return status;
    found = found_make();
    models_row("name", "parameters", "memory", "chat", "architecture", "from");
    for (i = 0; i < found.count; i++) models_line(&found.items[i], context);
    if (known) models_known();
    free(found.items);
    return 0;
}
