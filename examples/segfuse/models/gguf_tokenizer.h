/* The tokenizer of a GGUF file as Hugging Face's tokenizer.json and tokenizer_config.json. */
#ifndef SEGFUSE_GGUF_TOKENIZER_H
#define SEGFUSE_GGUF_TOKENIZER_H

#include "../base/json.h"
#include "gguf.h"

/* Write both texts. `rows`: of the embedding, which the vocabulary must not exceed; `context`: the
   model's. Both writers are begun; their errors are returned, too. */
sgf_status gguf_tokenizer(gguf *g, uint64_t rows, int64_t context, json_out *tokenizer,
                          json_out *config, sgf_error *err);

#endif
