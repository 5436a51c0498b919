/* The chat format of a model: what its template writes around a system message and a user's text.

   The template is a program in Jinja. It is not run: it is recognised by the texts that it writes, and a
   template that has other ones is refused. */
#ifndef SEGFUSE_CHAT_H
#define SEGFUSE_CHAT_H

#include "../base/base.h"

typedef struct {
    const char *name; /* "ChatML"; NULL: the model has no template */
    int begins;       /* the template writes BOS first */
    int has_system;   /* 0: the instruction is the beginning of the user's first text */
    int last;         /* 1: it is that of the last one */
    char system[120], system_end[48], user[80];
    char answer[128];     /* of an example: from its question to its answer */
    char next[160];       /* ... from its answer to the next question */
    char after[120];      /* from the question to where the model's answer begins */
    const char *turn_end; /* the token that ends the assistant's turn; NULL: EOS */
} chat_format;

/* The format of the model in `folder`, of chat_template.jinja or of "chat_template" in
   tokenizer_config.json. A template that is not known is SGF_ERR_UNSUPPORTED. */
sgf_status chat_find(const char *folder, const sgf_tokenizer *tokenizer, chat_format *format,
                     sgf_error *err);
/* The format of this text of a template; bos, eos: the texts of these tokens. */
sgf_status chat_recognise(sgf_str template_text, const char *bos, const char *eos,
                          chat_format *format, sgf_error *err);
/* Adds what comes before the question: the instruction, then each example as a turn of the user and one
   of the assistant. */
sgf_status chat_before(const chat_format *format, sgf_str instruction, const sgf_example *example,
                       size_t examples, base_buf *out, sgf_error *err);

#endif
