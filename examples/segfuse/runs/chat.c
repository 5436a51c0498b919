#include "chat.h"
#include "../base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the template, so that one way of writing it is left ---- */

/* A template as the marks below want it. In {{ }} and {% %} white space is left out, a text is in '...'
   with its escapes read, and 'a' + 'b' is one text. */
static sgf_status template_plain(sgf_str text, base_buf *out, sgf_error *err) {
    char quote = 0;
    int code = 0;
    size_t i;
    for (i = 0; i < text.len && !out->status; i++) {
        const char *at = text.ptr + i;
        char next = i + 1 < text.len ? at[1] : 0, c = *at;
        if (quote) {
            if (c == quote) quote = 0, c = '\'';
            else if (c == '\\' && next) i++, c = next == 'n' ? '\n' : next == 't' ? '\t' : next;
        } else if (code) {
            if (base_is_space(c)) continue;
            if ((c == '}' || c == '%') && next == '}') code = 0;
            if (c == '\'' || c == '"') {
                quote = c, c = '\'';
                if (out->len > 1 && !memcmp(out->ptr + out->len - 2, "'+", 2)) {
                    out->len -= 2;
                    continue;
                }
            }
        } else if (c == '{' && (next == '{' || next == '%')) code = 1;
        base_buf_add(out, &c, 1, err);
    }
    return out->status;
}
static int plain_has(const char *plain, const char *mark) {
    return strstr(plain, mark) != NULL;
}

/* ---- the formats ---- */

typedef struct {
    const char *name;
    const char *marks[6]; /* texts that the template has; after a '!', one that it has not */
    const char *system, *system_end; /* NULL: no system message */
    const char *user, *after, *next, *turn_end;
} chat_row; /* %B and %E are BOS and EOS; `next`: from an answer's end to the next question */
static const chat_row chat_rows[] = {
    {"ChatML",
     {"<|im_start|>", "<|im_end|>\n'", "'<|im_start|>assistant\n", "!<|im_sep|>", "!## Metadata"},
     "<|im_start|>system\n",
     "<|im_end|>\n",
     "<|im_start|>user\n",
     "<|im_end|>\n<|im_start|>assistant\n",
     "<|im_end|>\n<|im_start|>user\n",
     "<|im_end|>"},
    {"Llama 3",
     {"<|end_header_id|>\n\n'", "'<|start_header_id|>assistant<|end_header_id|>\n\n'",
      "<|eot_id|>'", "!thinking"},
     "<|start_header_id|>system<|end_header_id|>\n\n",
     "<|eot_id|>",
     "<|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|>"},
    {"Llama 2",
     {"<<SYS>>\n", "\n<</SYS>>\n\n", "'[INST] '", "' [/INST]'"},
     "[INST] <<SYS>>\n",
     "\n<</SYS>>\n\n",
     "",
     " [/INST]",
     " %E%B[INST] ",
     NULL},
    {"Mistral", /* the spaces are those of the template; see mistral_fit */
     {"[INST]", "[/INST]'", "'[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]'", "!<<SYS>>"},
     "[SYSTEM_PROMPT]",
     "[/SYSTEM_PROMPT]",
     "[INST]",
     "[/INST]",
     "%E[INST]",
     NULL},
    {"Mistral",
     {"[INST]", "[/INST]'", "!SYSTEM_PROMPT", "!<<SYS>>"},
     NULL,
     NULL,
     "[INST]",
     "[/INST]",
     "%E[INST]",
     NULL},
    {"Phi-3",
     {"<|system|>\n'", "<|user|>\n'", "<|end|>\n'", "'<|assistant|>\n'"},
     "<|system|>\n",
     "<|end|>\n",
     "<|user|>\n",
     "<|end|>\n<|assistant|>\n",
     "<|end|>\n<|user|>\n",
     "<|end|>"},
    {"Phi-3", /* that of small: every role */
     {"'<|'+message['role']+'|>\n'+message['content']+'<|end|>\n'", "'<|assistant|>\n'"},
     "<|system|>\n",
     "<|end|>\n",
     "<|user|>\n",
     "<|end|>\n<|assistant|>\n",
     "<|end|>\n<|user|>\n",
     "<|end|>"},
    {"Phi-3", /* the first one: a system message is dropped */
     {"'<|user|>\n'+message['content']+'<|end|>\n<|assistant|>\n'", "!<|system|>"},
     NULL,
     NULL,
     "<|user|>\n",
     "<|end|>\n<|assistant|>\n",
     "<|end|>\n<|user|>\n",
     "<|end|>"},
    {"Phi-4 mini",
     {"'<|'+message['role']+'|>'", "<|end|>'", "'<|assistant|>'", "!<|end|>\n"},
     "<|system|>",
     "<|end|>",
     "<|user|>",
     "<|end|><|assistant|>",
     "<|end|><|user|>",
     "<|end|>"},
    {"Gemma",
     {"'<start_of_turn>", "<end_of_turn>\n'", "'<start_of_turn>model\n'"},
     NULL,
     NULL,
     "<start_of_turn>user\n",
     "<end_of_turn>\n<start_of_turn>model\n",
     "<end_of_turn>\n<start_of_turn>user\n",
     "<end_of_turn>"},
    {"DeepSeek-R1",
     {"'<\xef\xbd\x9cUser\xef\xbd\x9c>'",
      "'<\xef\xbd\x9c"
      "Assistant\xef\xbd\x9c>",
      "{{bos_token}}{{ns.system_prompt}}", "!thinking"},
     "",
     "",
     "<\xef\xbd\x9cUser\xef\xbd\x9c>",
     "<\xef\xbd\x9c"
     "Assistant\xef\xbd\x9c>",
     "<\xef\xbd\x9c"
     "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c><\xef\xbd\x9cUser\xef\xbd\x9c>",
     NULL},
    {"Zephyr", /* as of TinyLlama */
     {"'<|system|>\n'", "'<|user|>\n'", "'<|assistant|>'}}\n", "eos_token", "!<|end|>"},
     "<|system|>\n",
     "%E\n",
     "<|user|>\n",
     "%E\n<|assistant|>\n",
     "%E\n<|user|>\n",
     NULL},
};
enum { CHAT_ROWS = (int)(sizeof chat_rows / sizeof chat_rows[0]) };

static int row_fits(const chat_row *row, const char *plain) {
    size_t i;
    for (i = 0; i < sizeof row->marks / sizeof row->marks[0] && row->marks[i]; i++)
        if (row->marks[i][0] == '!' ? plain_has(plain, row->marks[i] + 1)
                                    : !plain_has(plain, row->marks[i]))
            return 0;
    return 1;
}
/* A text with BOS and EOS for %B and %E, cut behind cap - 1 bytes. */
static void chat_fill(char *out, size_t cap, const char *text, const char *bos, const char *eos) {
    size_t n = 0;
    *out = 0;
    for (; text && *text && n + 1 < cap; text++) {
        int token = *text == '%' && (text[1] == 'B' || text[1] == 'E');
        if (token) n += (size_t)snprintf(out + n, cap - n, "%s", *++text == 'B' ? bos : eos);
        else if (n + 1 < cap) out[n++] = *text, out[n] = 0;
    }
}
/* Versions of Mistral differ in the spaces at the marks: as in the template, if it has one way. A system
   message is part of the last user's text. */
static int mistral_fit(const char *plain, const char *eos, chat_format *f) {
    static const char *const opens[] = {"'[INST]'", "'[INST] '", "' [INST] '"};
    static const char *const ends[] = {"'[/INST]'", "' [/INST]'"};
    size_t i, open = 0, end = 0, kinds = 0;
    for (i = 0; i < 3; i++)
        if (plain_has(plain, opens[i])) open = i, kinds++;
    for (i = 0; i < 2; i++)
        if (plain_has(plain, ends[i])) end = i, kinds += 4;
    snprintf(f->user, sizeof f->user, "%.*s", (int)strlen(opens[open]) - 2, opens[open] + 1);
    snprintf(f->after, sizeof f->after, "%.*s", (int)strlen(ends[end]) - 2, ends[end] + 1);
    snprintf(f->answer, sizeof f->answer, "%s%s", f->after,
             plain_has(plain, "' '+message['content']") ? " " : "");
    snprintf(f->next, sizeof f->next, "%.40s%s%.60s", eos,
             plain_has(plain, "eos_token+' '") ? " " : "", f->user);
    f->last = plain_has(plain, "loop.lastandsystem_message");
    return kinds == 5;
}
/* Llama 3.1 to 3.3 write two dates before the system message. Today's is the template's own for a
   reader without a clock, so that a prompt is the same tomorrow. */
static int llama_fit(const char *plain, chat_format *f) {
    static const char dates[] =
        "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
    if (!plain_has(plain, "Date: ")) return 1;
    strcat(f->system, dates);
    return plain_has(plain, "'Cutting Knowledge Date: December 2023\n'") &&
           plain_has(plain, "'26 Jul 2024'") &&
           plain_has(plain, "'Today Date: '+date_string+'\n\n'");
}
/* A model that can leave its thoughts out does so: an answer has a few tokens. One that cannot begins
   with them. */
static void think_fit(const char *plain, chat_format *f) {
    if (plain_has(plain, "enable_thinking")) strcat(f->after, "<think>\n\n</think>\n\n");
    else if (plain_has(plain, "'<|im_start|>assistant\n<think>\n'") ||
             plain_has(plain, "Assistant\xef\xbd\x9c><think>\n'"))
        strcat(f->after, "<think>\n");
}
sgf_status chat_recognise(sgf_str template_text, const char *bos, const char *eos, chat_format *f,
                          sgf_error *err) {
    const chat_row *row = NULL;
    base_buf plain;
    int i, rows = 0, fits = 0;
    sgf_status status;
    memset(f, 0, sizeof *f);
    base_buf_init(&plain, NULL);
    status = template_plain(template_text, &plain, err);
    for (i = 0; i < CHAT_ROWS && !status && plain.len; i++)
        if (row_fits(&chat_rows[i], plain.ptr)) row = &chat_rows[i], rows++;
    if (rows == 1) {
        f->name = row->name;
        f->begins = plain_has(plain.ptr, "bos_token");
        f->has_system = row->system != NULL;
        f->turn_end = row->turn_end;
        fits = 1;
        chat_fill(f->system, sizeof f->system, row->system, bos, eos);
        chat_fill(f->system_end, sizeof f->system_end, row->system_end, bos, eos);
        chat_fill(f->user, sizeof f->user, row->user, bos, eos);
        chat_fill(f->answer, sizeof f->answer, row->after, bos, eos);
        chat_fill(f->next, sizeof f->next, row->next, bos, eos);
        chat_fill(f->after, sizeof f->after, row->after, bos, eos);
        if (!strcmp(f->name, "Mistral")) fits = mistral_fit(plain.ptr, eos, f);
        if (!strcmp(f->name, "Llama 2")) strcat(f->answer, " ");
        if (!strcmp(f->name, "Llama 3")) fits = llama_fit(plain.ptr, f);
        think_fit(plain.ptr, f);
    }
    base_buf_free(&plain);
    if (status || fits) return status;
    memset(f, 0, sizeof *f);
    return base_fail(
        err, SGF_ERR_UNSUPPORTED,
        "its chat template is of a format that is not known (known: ChatML, Llama 2 and "
        "3, Mistral, Phi-3, Phi-4 mini, Gemma, DeepSeek-R1, Zephyr); --chat_before TEXT "
        "--chat_after TEXT give what it writes around a user's text");
}

/* ---- where the template is ---- */

/* "chat_template": a text, or a list of {"name", "template"} of which "default" counts. */
static sgf_str template_of(const json_doc *j) {
    uint32_t node = json_get(j, 0, "chat_template"), i, at;
    sgf_str none = {NULL, 0};
    if (!node) return none;
    if (j->nodes[node].type == JSON_STRING) return j->nodes[node].text;
    if (j->nodes[node].type != JSON_ARRAY) return none;
    for (i = 0, at = node + 1; i < j->nodes[node].count; i++, at = j->nodes[at].next) {
        uint32_t name, text;
        if (j->nodes[at].type != JSON_OBJECT) continue;
        name = json_get(j, at, "name"), text = json_get(j, at, "template");
        if (name && text && base_str_is(j->nodes[name].text, "default") &&
            j->nodes[text].type == JSON_STRING)
            return j->nodes[text].text;
    }
    return none;
}
static void token_copy(const sgf_tokenizer *tokenizer, int32_t id, char *out, size_t cap) {
    sgf_str text = {NULL, 0};
    if (id >= 0) text = sgf_token_text(tokenizer, id);
    snprintf(out, cap, "%.*s", text.len < cap ? (int)text.len : 0, text.ptr ? text.ptr : "");
}
sgf_status chat_find(const char *folder, const sgf_tokenizer *tokenizer, chat_format *f,
                     sgf_error *err) {
    char path[1400], bos[40] = "", eos[40] = "";
    sgf_tokenizer_info info;
    base_arena arena;
    base_map map;
    json_doc json;
    sgf_str text = {NULL, 0};
    sgf_status status = SGF_OK;
    int alone;
    memset(f, 0, sizeof *f);
    if (tokenizer) {
        sgf_tokenizer_describe(tokenizer, &info);
        token_copy(tokenizer, info.bos, bos, sizeof bos);
        token_copy(tokenizer, info.eos, eos, sizeof eos);
    }
    snprintf(path, sizeof path, "%.1300s/chat_template.jinja", folder);
    alone = !base_file_missing(path);
    if (!alone) snprintf(path, sizeof path, "%.1300s/tokenizer_config.json", folder);
    if (!alone && base_file_missing(path)) return SGF_OK;
    status = base_map_file(path, NULL, &map, err);
    if (status) return status;
    base_arena_init(&arena, NULL);
    text.ptr = map.data, text.len = map.size;
    if (!alone) {
        status = json_parse_python(path, map.data, map.size, &arena, &json, err);
        if (!status) status = json_object(&json, err);
        if (!status) text = template_of(&json);
    }
    if (!status && text.len) status = chat_recognise(text, bos, eos, f, err);
    base_arena_free(&arena);
    base_unmap(&map);
    return status;
}
static void before_instruction(base_buf *out, sgf_str instruction, sgf_error *err) {
    base_buf_add(out, instruction.ptr, instruction.len, err);
    if (instruction.len) base_buf_text(out, "\n\n", err);
}
sgf_status chat_before(const chat_format *f, sgf_str instruction, const sgf_example *example,
                       size_t examples, base_buf *out, sgf_error *err) {
    size_t i;
    base_buf_text(out, f->system, err);
    if (f->has_system) base_buf_add(out, instruction.ptr, instruction.len, err);
    base_buf_text(out, f->system_end, err);
    base_buf_text(out, f->user, err);
    if (!f->has_system && !f->last) before_instruction(out, instruction, err);
    for (i = 0; i < examples; i++) {
        base_buf_text(out, "Q: ", err);
        base_buf_add(out, example[i].question.ptr, example[i].question.len, err);
        base_buf_text(out, f->answer, err);
        base_buf_add(out, example[i].answer.ptr, example[i].answer.len, err);
        base_buf_text(out, f->next, err);
    }
    if (f->last) before_instruction(out, instruction, err);
    return out->status;
}
