/* Two kinds of vocabularies: "gpt2" (byte-level BPE, with merges) and "llama" (SentencePiece, with
   scores, from which the merges follow). What a GGUF file does not hold is the expression that cuts a
   text into words; it has a name of llama.cpp's, and a name that is not known is refused. */
#include "gguf_tokenizer.h"

#include <stdlib.h>
#include <string.h>

/* tokenizer.ggml.token_type */
enum { GGUF_NORMAL = 1, GGUF_UNKNOWN, GGUF_CONTROL, GGUF_USER, GGUF_UNUSED, GGUF_BYTE };

enum { GGUF_PIECE = 512 }; /* bytes of the longest token of SentencePiece */

#define GGUF_SPACE "\xE2\x96\x81" /* U+2581, SentencePiece's blank */

/* The expressions, as the tokenizer.json of the models that they are named after have them. */
#define GGUF_WORDS(digits)                                               \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define GGUF_UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define GGUF_LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
static const char gguf_tekken[] =
    "[^\\r\\n\\p{L}\\p{N}]?" GGUF_UPPER "*" GGUF_LOWER "+|[^\\r\\n\\p{L}\\p{N}]?" GGUF_UPPER
    "+" GGUF_LOWER "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

typedef struct gguf_pre {
    const char *name;
    const char *words; /* NULL: GPT-2's, which ByteLevel has built in */
    int nfc, digits;   /* digits: each is a word of its own, before the expression */
    int whole, bos;    /* whole: a word of the vocabulary is not merged; bos: added by default */
} gguf_pre;
static const gguf_pre gguf_pres[] = {{"llama-bpe", GGUF_WORDS("\\p{N}{1,3}"), 0, 0, 1, 1},
                                     {"llama3", GGUF_WORDS("\\p{N}{1,3}"), 0, 0, 1, 1},
                                     {"llama-v3", GGUF_WORDS("\\p{N}{1,3}"), 0, 0, 1, 1},
                                     {"dbrx", GGUF_WORDS("\\p{N}{1,3}"), 0, 0, 0, 0},
                                     {"qwen2", GGUF_WORDS("\\p{N}"), 1, 0, 0, 0},
                                     {"deepseek-r1-qwen", GGUF_WORDS("\\p{N}"), 1, 0, 0, 0},
                                     {"tekken", gguf_tekken, 0, 0, 1, 1},
                                     {"smollm", NULL, 0, 1, 0, 0},
                                     {"refact", NULL, 0, 1, 0, 0},
                                     {"starcoder", NULL, 0, 1, 0, 0},
                                     {"gpt-2", NULL, 0, 0, 0, 0},
                                     {"olmo", NULL, 0, 0, 0, 0}};

typedef struct gguf_token {
    sgf_str text;
    size_t id;
} gguf_token;
typedef struct gguf_vocabulary {
    gguf *g;
    sgf_error *err;
    sgf_status status; /* the first failure */
    sgf_str *tokens, *merges;
    double *types, *scores; /* [count], or NULL */
    size_t count, merge_count;
    gguf_token *sorted; /* those in model.vocab, by text */
    size_t sorted_count;
    const gguf_pre *pre;         /* NULL: SentencePiece */
    int64_t bos, eos, unk, pad;  /* -1: none */
    int add_bos, add_eos, blank; /* blank: one is put in front of a text */
    int strips;                  /* Phi-3: most added tokens take the spaces that follow */
} gguf_vocabulary;

#define gguf_vocabulary_bad(v, status_, ...) \
    ((v)->status = (v)->status ? (v)->status \
                               : base_fail_at((v)->err, status_, (v)->g->file, -1, __VA_ARGS__))

/* ---- reading ---- */

static int gguf_type(const gguf_vocabulary *v, size_t id) {
    return v->types ? (int)v->types[id] : GGUF_NORMAL;
}
static int gguf_token_order(const void *a, const void *b) {
    return base_str_compare(((const gguf_token *)a)->text, ((const gguf_token *)b)->text);
}
static const gguf_token *gguf_token_find(const gguf_vocabulary *v, sgf_str text) {
    gguf_token wanted;
    wanted.text = text;
    return v->sorted_count ? (const gguf_token *)bsearch(&wanted, v->sorted, v->sorted_count,
                                                         sizeof wanted, gguf_token_order)
                           : NULL;
}
/* An id under tokenizer.ggml; -1 if there is none. */
static int64_t gguf_id(gguf_vocabulary *v, const char *name) {
    int64_t id = -1;
    if (!v->status)
        v->status = gguf_whole(v->g, name, -1, v->count ? (int64_t)v->count - 1 : 0, &id, v->err);
    return id;
}
static int gguf_flag(gguf_vocabulary *v, const char *name, int absent) {
    int64_t flag = absent;
    if (!v->status) v->status = gguf_whole(v->g, name, absent, 1, &flag, v->err);
    return (int)flag;
}
/* One number for each token, or NULL. */
static double *gguf_per_token(gguf_vocabulary *v, const char *name) {
    double *values = NULL;
    size_t n = 0;
    if (!v->status) v->status = gguf_reals(v->g, name, &values, &n, v->err);
    if (!v->status && values && n != v->count)
        gguf_vocabulary_bad(v, SGF_ERR_FORMAT, "%s: %s has %llu entries for %llu tokens",
                            v->g->file, name, (unsigned long long)n, (unsigned long long)v->count);
    return values;
}
/* Which kind, and which words? */
static void gguf_read_kind(gguf_vocabulary *v) {
    sgf_str model, pre;
    size_t i, n = sizeof gguf_pres / sizeof *gguf_pres;
    v->status = gguf_string(v->g, "tokenizer.ggml.model", "", &model, v->err);
    if (!v->status) v->status = gguf_string(v->g, "tokenizer.ggml.pre", "", &pre, v->err);
    if (v->status || base_str_is(model, "llama")) return;
    if (!base_str_is(model, "gpt2")) {
        gguf_vocabulary_bad(v, SGF_ERR_UNSUPPORTED,
                            "%s: its vocabulary is of the kind \"%s\"; known are \"gpt2\" "
                            "(byte-level) and \"llama\" (SentencePiece)",
                            v->g->file, base_show(model).text);
        return;
    }
    for (i = 0; i < n && !base_str_is(pre, gguf_pres[i].name); i++) {}
    if (i < n) v->pre = &gguf_pres[i];
    else
        gguf_vocabulary_bad(
            v, SGF_ERR_UNSUPPORTED,
            "%s: how its tokenizer cuts a text into words (tokenizer.ggml.pre) is \"%s\"%s; known "
            "are llama-bpe, qwen2, deepseek-r1-qwen, tekken, smollm, refact, starcoder, dbrx, olmo "
            "and gpt-2",
            v->g->file, base_show(pre).text,
            !pre.len || base_str_is(pre, "default") ? ", which does not say it" : "");
}
static void gguf_read_vocabulary(gguf_vocabulary *v, uint64_t rows) {
    gguf *g = v->g;
    size_t i;
    gguf_read_kind(v);
    if (!v->status)
        v->status = gguf_strings(g, "tokenizer.ggml.tokens", &v->tokens, &v->count, v->err);
    if (!v->status && (!v->count || v->count > rows))
        gguf_vocabulary_bad(v, SGF_ERR_FORMAT,
                            "%s: %llu tokens do not suit an embedding of %llu rows", g->file,
                            (unsigned long long)v->count, (unsigned long long)rows);
    v->types = gguf_per_token(v, "tokenizer.ggml.token_type");
    v->scores = gguf_per_token(v, "tokenizer.ggml.scores");
    if (!v->status && v->pre)
        v->status = gguf_strings(g, "tokenizer.ggml.merges", &v->merges, &v->merge_count, v->err);
    if (v->pre ? !v->merges : !v->scores)
        gguf_vocabulary_bad(v, SGF_ERR_FORMAT,
                            "%s: its tokenizer has no %s, without which no text can be read; take "
                            "the file of another maker",
                            g->file, v->pre ? "tokenizer.ggml.merges" : "tokenizer.ggml.scores");
    for (i = 0; i < v->count && !v->status; i++)
        if (v->types && !(v->types[i] >= 0 && v->types[i] <= GGUF_BYTE))
            gguf_vocabulary_bad(v, SGF_ERR_FORMAT, "%s: token %llu is of a type that is not known",
                                g->file, (unsigned long long)i);
    v->bos = gguf_id(v, "tokenizer.ggml.bos_token_id");
    v->eos = gguf_id(v, "tokenizer.ggml.eos_token_id");
    v->unk = gguf_id(v, "tokenizer.ggml.unknown_token_id");
    v->pad = gguf_id(v, "tokenizer.ggml.padding_token_id");
    v->add_bos = gguf_flag(v, "tokenizer.ggml.add_bos_token", v->pre ? v->pre->bos : 1);
    v->add_eos = gguf_flag(v, "tokenizer.ggml.add_eos_token", 0);
    v->blank = gguf_flag(v, "tokenizer.ggml.add_space_prefix", 1);
    if (!v->pre && gguf_flag(v, "tokenizer.ggml.remove_extra_whitespaces", 0))
        gguf_vocabulary_bad(v, SGF_ERR_UNSUPPORTED,
                            "%s: its tokenizer removes spaces (remove_extra_whitespaces), which is "
                            "not supported",
                            g->file);
}
/* The file does not say which tokens take the spaces around them. Phi-3's are known, Phi-4's not. */
static void gguf_read_strips(gguf_vocabulary *v) {
    sgf_str name;
    if (!v->status) v->status = gguf_string(v->g, "general.architecture", "", &name, v->err);
    if (v->status || !base_str_is(name, "phi3")) return;
    v->strips = 1;
    if (v->pre)
        gguf_vocabulary_bad(
            v, SGF_ERR_UNSUPPORTED,
            "%s: a phi3 model with a byte-level vocabulary (Phi-4) is not supported: "
            "the file does not say which tokens take spaces",
            v->g->file);
}
/* model.vocab. Byte-level files fill ids that the original does not have with unused tokens. */
static void gguf_sort_vocabulary(gguf_vocabulary *v) {
    size_t i;
    if (v->status) return;
    v->sorted = (gguf_token *)base_arena_alloc(&v->g->arena, v->count, sizeof *v->sorted, v->err);
    if (!v->sorted) {
        v->status = SGF_ERR_MEMORY;
        return;
    }
    for (i = 0; i < v->count; i++) {
        gguf_token *t = &v->sorted[v->sorted_count];
        t->text = v->tokens[i];
        t->id = i;
        v->sorted_count += !v->pre || gguf_type(v, i) != GGUF_UNUSED;
    }
    qsort(v->sorted, v->sorted_count, sizeof *v->sorted, gguf_token_order);
    for (i = 1; i < v->sorted_count; i++)
        if (!gguf_token_order(&v->sorted[i - 1], &v->sorted[i]))
            gguf_vocabulary_bad(
                v, SGF_ERR_FORMAT, "%s: tokens %llu and %llu have the same text, \"%s\"",
                v->g->file, (unsigned long long)v->sorted[i - 1].id,
                (unsigned long long)v->sorted[i].id, base_show(v->sorted[i].text).text);
}

/* ---- merges ---- */

/* "a b": two tokens that make a third one. */
static int gguf_merge_fits(const gguf_vocabulary *v, sgf_str merge, base_buf *joined) {
    const char *space = merge.len ? (const char *)memchr(merge.ptr, ' ', merge.len) : NULL;
    sgf_str left, right;
    if (!space) return 0;
    left = base_text_of(merge.ptr, (size_t)(space - merge.ptr));
    right = base_text_of(space + 1, merge.len - left.len - 1);
    joined->len = 0;
    if (base_buf_add(joined, left.ptr, left.len, NULL) ||
        base_buf_add(joined, right.ptr, right.len, NULL))
        return 0;
    return left.len && right.len && !memchr(right.ptr, ' ', right.len) &&
           gguf_token_find(v, left) && gguf_token_find(v, right) &&
           gguf_token_find(v, base_text_of(joined->ptr, joined->len));
}
static void gguf_write_merges(gguf_vocabulary *v, json_out *j) {
    base_buf joined;
    size_t i;
    base_buf_init(&joined, &v->g->arena.mem);
    for (i = 0; i < v->merge_count && !v->status; i++) {
        int fits = gguf_merge_fits(v, v->merges[i], &joined);
        if (joined.status) v->status = base_fail(v->err, SGF_ERR_MEMORY, "not enough memory");
        else if (!fits)
            gguf_vocabulary_bad(v, SGF_ERR_FORMAT,
                                "%s: merge %llu, \"%s\", is not two tokens with a space between "
                                "them that make a third token",
                                v->g->file, (unsigned long long)i, base_show(v->merges[i]).text);
        if (!v->status) json_out_text(j, v->merges[i]);
    }
    base_buf_free(&joined);
}
/* SentencePiece merges two neighbours that make the token with the best score. So every way to make a
   token of two others is a merge, the best score first; ties as in transformers' generate_merges. */
typedef struct gguf_pair {
    const gguf_token *left, *right;
    double score;
    size_t letters; /* of the left one */
    size_t whole;   /* the token they make; all of one are in the order of their ids */
    size_t right_letters;
} gguf_pair;
static int gguf_pair_order(const void *a, const void *b) {
    const gguf_pair *x = (const gguf_pair *)a, *y = (const gguf_pair *)b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->letters != y->letters) return x->letters > y->letters ? -1 : 1;
    if (x->right_letters != y->right_letters) return x->right_letters > y->right_letters ? -1 : 1;
    if (x->whole != y->whole) return x->whole < y->whole ? -1 : 1;
    if (x->left->id != y->left->id) return x->left->id < y->left->id ? -1 : 1;
    return x->right->id < y->right->id ? -1 : x->right->id > y->right->id;
}
static size_t gguf_letters(sgf_str text) {
    size_t i, n = 0;
    for (i = 0; i < text.len; i++) n += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return n;
}
/* Is it found by merging, rather than cut out of the text before? */
static int gguf_is_merged(const gguf_vocabulary *v, const gguf_token *t) {
    return t && gguf_type(v, t->id) == GGUF_NORMAL;
}
/* The merges that make token `id`, added to the pairs. */
static void gguf_pairs_of(gguf_vocabulary *v, size_t id, gguf_pair **pairs, size_t *cap,
                          size_t *n) {
    sgf_str text = v->tokens[id];
    size_t at;
    for (at = 1; at < text.len && !v->status; at++) {
        void *grown = *pairs;
        gguf_pair *p;
        const gguf_token *left, *right;
        if (((unsigned char)text.ptr[at] & 0xC0) == 0x80) continue;
        left = gguf_token_find(v, base_text_of(text.ptr, at));
        if (!gguf_is_merged(v, left)) continue;
        right = gguf_token_find(v, base_text_of(text.ptr + at, text.len - at));
        if (!gguf_is_merged(v, right)) continue;
        v->status = base_grow(&v->g->arena.mem, &grown, cap, *n + 1, sizeof **pairs, v->err);
        *pairs = (gguf_pair *)grown;
        if (v->status) return;
        p = &(*pairs)[(*n)++];
        p->left = left;
        p->right = right;
        p->score = v->scores[id];
        p->whole = id;
        p->letters = gguf_letters(left->text);
        p->right_letters = gguf_letters(right->text);
    }
}
static void gguf_write_scores(gguf_vocabulary *v, json_out *j) {
    gguf_pair *pairs = NULL;
    size_t cap = 0, n = 0, i;
    for (i = 0; i < v->count && !v->status; i++) {
        if (gguf_type(v, i) != GGUF_NORMAL) continue;
        if (v->tokens[i].len > GGUF_PIECE || v->scores[i] != v->scores[i])
            gguf_vocabulary_bad(v, SGF_ERR_FORMAT,
                                "%s: token %llu is longer than %d bytes, or its score is no number",
                                v->g->file, (unsigned long long)i, (int)GGUF_PIECE);
        else gguf_pairs_of(v, i, &pairs, &cap, &n);
    }
    if (n) qsort(pairs, n, sizeof *pairs, gguf_pair_order);
    for (i = 0; i < n && !v->status; i++) {
        json_out_open(j, "[");
        json_out_text(j, pairs[i].left->text);
        json_out_text(j, pairs[i].right->text);
        json_out_close(j, "]");
    }
    base_free(&v->g->arena.mem, pairs, cap, sizeof *pairs);
}

/* ---- tokenizer.json ---- */

static void gguf_write_flag(json_out *j, const char *key, int value) {
    json_out_key(j, key);
    json_out_raw(j, value ? "true" : "false");
    j->comma = 1;
}
static void gguf_write_raw(json_out *j, const char *key, const char *json) {
    json_out_key(j, key);
    json_out_raw(j, json);
    j->comma = 1;
}
static int gguf_keeps_spaces(sgf_str token) {
    return base_str_is(token, "<unk>") || base_str_is(token, "<s>") ||
           base_str_is(token, "<|endoftext|>");
}
static void gguf_write_added(gguf_vocabulary *v, json_out *j) {
    size_t i;
    json_out_key(j, "added_tokens");
    json_out_open(j, "[");
    for (i = 0; i < v->count; i++) {
        int type = gguf_type(v, i);
        int special = type == GGUF_CONTROL || type == GGUF_UNKNOWN;
        if ((!special && type != GGUF_USER) || !v->tokens[i].len) continue;
        json_out_open(j, "\n{");
        json_out_field_size(j, "id", i);
        json_out_key(j, "content"), json_out_text(j, v->tokens[i]);
        gguf_write_raw(j, "single_word", "false, \"lstrip\": false, \"normalized\": false");
        gguf_write_flag(j, "rstrip", v->strips && !gguf_keeps_spaces(v->tokens[i]));
        gguf_write_flag(j, "special", special);
        json_out_close(j, "}");
    }
    json_out_close(j, "]");
}
static void gguf_write_words(const gguf_vocabulary *v, json_out *j) {
    const gguf_pre *pre = v->pre;
    json_out_key(j, "pre_tokenizer");
    json_out_open(j, "{\"type\": \"Sequence\", \"pretokenizers\": [");
    if (pre->digits) json_out_raw(j, "{\"type\": \"Digits\", \"individual_digits\": true}, ");
    if (pre->words) {
        json_out_raw(j, "{\"type\": \"Split\", \"pattern\": {\"Regex\": ");
        json_out_text(j, sgf_text(pre->words));
        json_out_raw(j, "}, \"behavior\": \"Isolated\", \"invert\": false}, ");
    }
    json_out_raw(j,
                 "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, "
                 "\"use_regex\": ");
    json_out_raw(j, pre->words ? "false}" : "true}");
    json_out_close(j, "]}");
}
static void gguf_write_special(const gguf_vocabulary *v, json_out *j, int64_t id) {
    if (id < 0) return;
    json_out_open(j, "{\"SpecialToken\": {");
    json_out_key(j, "id"), json_out_text(j, v->tokens[id]);
    json_out_field_size(j, "type_id", 0);
    json_out_close(j, "}}");
}
/* What is put around a text. */
static void gguf_write_around(const gguf_vocabulary *v, json_out *j) {
    int64_t bos = v->add_bos ? v->bos : -1, eos = v->add_eos ? v->eos : -1;
    int i, pair;
    if (bos < 0 && eos < 0) {
        gguf_write_raw(j, "post_processor", "null");
        return;
    }
    json_out_key(j, "post_processor");
    json_out_open(j, "{");
    json_out_field_text(j, "type", "TemplateProcessing");
    for (pair = 0; pair < 2; pair++) {
        json_out_key(j, pair ? "pair" : "single");
        json_out_open(j, "[");
        for (i = 0; i <= pair; i++) {
            gguf_write_special(v, j, bos);
            json_out_open(j, "{\"Sequence\": {");
            json_out_field_text(j, "id", i ? "B" : "A");
            json_out_field_size(j, "type_id", (size_t)i);
            json_out_close(j, "}}");
            gguf_write_special(v, j, eos);
        }
        json_out_close(j, "]");
    }
    json_out_key(j, "special_tokens");
    json_out_open(j, "{");
    for (i = 0; i < 2; i++) {
        int64_t id = i ? eos : bos;
        if (id < 0 || (i && eos == bos)) continue;
        json_out_text(j, v->tokens[id]);
        json_out_raw(j, ": {");
        j->comma = 0;
        json_out_key(j, "id"), json_out_text(j, v->tokens[id]);
        json_out_key(j, "ids"), json_out_open(j, "["), json_out_size(j, (size_t)id);
        json_out_close(j, "]");
        json_out_key(j, "tokens"), json_out_open(j, "["), json_out_text(j, v->tokens[id]);
        json_out_close(j, "]}");
    }
    json_out_close(j, "}}");
}
static void gguf_write_parts(const gguf_vocabulary *v, json_out *j) {
    if (v->pre) {
        gguf_write_raw(j, "normalizer", v->pre->nfc ? "{\"type\": \"NFC\"}" : "null");
        gguf_write_words(v, j);
        gguf_write_raw(j, "decoder",
                       "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
                       "\"trim_offsets\": true, \"use_regex\": true}");
        return;
    }
    json_out_key(j, "normalizer");
    json_out_raw(j, "{\"type\": \"Sequence\", \"normalizers\": [");
    if (v->blank) json_out_raw(j, "{\"type\": \"Prepend\", \"prepend\": \"" GGUF_SPACE "\"}, ");
    json_out_raw(j, "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": "
                    "\"" GGUF_SPACE "\"}]}");
    j->comma = 1;
    gguf_write_raw(j, "pre_tokenizer", "null");
    json_out_key(j, "decoder");
    json_out_raw(j, "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": "
                    "{\"String\": \"" GGUF_SPACE "\"}, \"content\": \" \"}, {\"type\": "
                    "\"ByteFallback\"}, {\"type\": \"Fuse\"}");
    if (v->blank)
        json_out_raw(j, ", {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}");
    json_out_close(j, "]}");
}
static void gguf_write_model(gguf_vocabulary *v, json_out *j) {
    int bytes = 0;
    size_t i;
    for (i = 0; i < v->count; i++) bytes |= gguf_type(v, i) == GGUF_BYTE;
    json_out_key(j, "model");
    json_out_open(j, "{\"type\": \"BPE\", \"dropout\": null, \"continuing_subword_prefix\": null, "
                     "\"end_of_word_suffix\": null");
    j->comma = 1;
    json_out_key(j, "unk_token");
    if (v->pre || v->unk < 0) json_out_raw(j, "null");
    else json_out_text(j, v->tokens[v->unk]);
    j->comma = 1;
    gguf_write_flag(j, "fuse_unk", !v->pre);
    gguf_write_flag(j, "byte_fallback", !v->pre && bytes);
    gguf_write_flag(j, "ignore_merges", v->pre && v->pre->whole);
    json_out_key(j, "vocab");
    json_out_open(j, "{");
    for (i = 0; i < v->count; i++) {
        if (v->pre && gguf_type(v, i) == GGUF_UNUSED) continue;
        json_out_text(j, v->tokens[i]);
        json_out_raw(j, ": ");
        j->comma = 0;
        json_out_size(j, i);
    }
    json_out_close(j, "}");
    json_out_key(j, "merges");
    json_out_open(j, "[");
    if (v->pre) gguf_write_merges(v, j);
    else gguf_write_scores(v, j);
    json_out_close(j, "]}");
}

/* ---- tokenizer_config.json ---- */

static void gguf_write_name(const gguf_vocabulary *v, json_out *j, const char *key, int64_t id) {
    json_out_key(j, key);
    if (id < 0) json_out_raw(j, "null");
    else json_out_text(j, v->tokens[id]);
    j->comma = 1;
}
static void gguf_write_config(gguf_vocabulary *v, int64_t context, json_out *j) {
    sgf_str template;
    v->status = gguf_string(v->g, "tokenizer.chat_template", "", &template, v->err);
    if (v->status) return;
    json_out_open(j, "{");
    json_out_field_text(j, "tokenizer_class", "PreTrainedTokenizerFast");
    gguf_write_name(v, j, "bos_token", v->bos);
    gguf_write_name(v, j, "eos_token", v->eos);
    gguf_write_name(v, j, "unk_token", v->unk);
    gguf_write_name(v, j, "pad_token", v->pad);
    gguf_write_flag(j, "add_bos_token", v->add_bos && v->bos >= 0);
    gguf_write_flag(j, "clean_up_tokenization_spaces", 0);
    json_out_field_size(j, "model_max_length", (size_t)context);
    if (template.len) json_out_key(j, "chat_template"), json_out_text(j, template);
    json_out_close(j, "}");
    json_out_raw(j, "\n");
}

sgf_status gguf_tokenizer(gguf *g, uint64_t rows, int64_t context, json_out *tokenizer,
                          json_out *config, sgf_error *err) {
    gguf_vocabulary v;
    json_out *j = tokenizer;
    memset(&v, 0, sizeof v);
    v.g = g;
    v.err = err;
    gguf_read_vocabulary(&v, rows);
    gguf_read_strips(&v);
    gguf_sort_vocabulary(&v);
    if (v.status) return v.status;
    json_out_open(j, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null");
    j->comma = 1;
    gguf_write_added(&v, j);
    gguf_write_parts(&v, j);
    gguf_write_around(&v, j);
    gguf_write_model(&v, j);
    json_out_close(j, "}");
    json_out_raw(j, "\n");
    if (!v.status) gguf_write_config(&v, context, config);
    if (v.status) return v.status;
    if (tokenizer->status || config->status)
        return base_fail(err, SGF_ERR_MEMORY, "%s: not enough memory for its tokenizer", g->file);
    return SGF_OK;
}
