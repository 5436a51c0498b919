/* bpe.c - byte-level BPE (Sennrich et al. 2016; bytes as in GPT-2): training, and tokenizer.json.
 *
 * Text is cut into words as at run time (the pre-tokenizer of Llama 3); a word is a string of bytes; the
 * pair of neighbours that is most frequent over all words becomes one token, again and again. Ids: the
 * 256 bytes, then the merges in the order they were made, then the special tokens. */

enum { TR_SPECIAL = 2 };
static const char *const tr_special[TR_SPECIAL] = {"<|endoftext|>", "<|pad|>"};
static const char tr_split_regex[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

typedef struct tr_word {
    char *text; /* its bytes */
    int *id;    /* its tokens so far, [ids] */
    size_t len, ids;
    uint32_t hash;
    long count;
} tr_word;

typedef struct tr_bpe {
    tr_word *word; /* a hash table with open addressing: text NULL is a free place */
    size_t words, places;
    int (*merge)[2]; /* [merges] the pair that became token 256 + i */
    size_t merges;
} tr_bpe;

static void tr_bpe_create(tr_bpe *bpe) {
    memset(bpe, 0, sizeof *bpe);
    bpe->places = 1 << 16;
    bpe->word = (tr_word *)tr_alloc(bpe->places, sizeof *bpe->word);
}

/* ---- words ---- */

static tr_word *tr_word_find(tr_bpe *bpe, const char *text, size_t len) {
    uint32_t hash = 2166136261u;
    size_t i;
    for (i = 0; i < len; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    for (i = hash & (bpe->places - 1); bpe->word[i].text; i = (i + 1) & (bpe->places - 1))
        if (bpe->word[i].hash == hash && bpe->word[i].len == len &&
            !memcmp(bpe->word[i].text, text, len))
            break;
    bpe->word[i].hash = hash;
    return &bpe->word[i];
}
static void tr_word_add(tr_bpe *bpe, const char *text, size_t len, long count) {
    tr_word *word;
    size_t i;
    word = tr_word_find(bpe, text, len);
    if (!word->text) {
        if (++bpe->words > bpe->places / 2)
            tr_die("more than %d different words", (int)(bpe->places / 2));
        word->text = (char *)tr_alloc(len + 1, 1);
        word->id = (int *)tr_alloc(len, sizeof(int));
        memcpy(word->text, text, len);
        word->len = word->ids = len;
        for (i = 0; i < len; i++) word->id[i] = (unsigned char)text[i];
    }
    word->count += count;
}
/* Kinds of characters, and where a word of tr_split_regex ends. A character beyond ASCII counts as a letter,
   as those of the facts are; only the choice of merges would notice. */
enum { TR_LETTER, TR_DIGIT, TR_SPACE, TR_LINE, TR_OTHER, TR_END };
static int tr_is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static int tr_kind(char c) {
    if (!c) return TR_END;
    if (c == '\n' || c == '\r') return TR_LINE;
    if (c == ' ' || (c >= '\t' && c <= '\f')) return TR_SPACE;
    if (c >= '0' && c <= '9') return TR_DIGIT;
    return (unsigned char)c >= 0x80 || tr_is_letter(c) ? TR_LETTER : TR_OTHER;
}
static const char *tr_kind_run(const char *at, int kind) {
    while (tr_kind(*at) == kind) at++;
    return at;
}
static const char *tr_word_end(const char *at) {
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    int kind = tr_kind(*at);
    const char *end = at, *line = NULL;
    size_t i, k;
    for (i = 0; *at == '\'' && i < sizeof endings / sizeof endings[0]; i++) {
        for (k = 0; endings[i][k] && (at[1 + k] | 32) == endings[i][k];) k++;
        if (!endings[i][k]) return at + 1 + k;
    }
    if (kind == TR_LETTER) return tr_kind_run(at, TR_LETTER);
    if (kind == TR_DIGIT) {
        while (end < at + 3 && tr_kind(*end) == TR_DIGIT) end++;
        return end;
    }
    if (kind != TR_LINE && tr_kind(at[1]) == TR_LETTER) return tr_kind_run(at + 1, TR_LETTER);
    if (kind == TR_OTHER || (*at == ' ' && tr_kind(at[1]) == TR_OTHER))
        return tr_kind_run(tr_kind_run(at + 1, TR_OTHER), TR_LINE);
    for (; tr_kind(*end) == TR_SPACE || tr_kind(*end) == TR_LINE; end++)
        if (tr_kind(*end) == TR_LINE) line = end + 1;
    if (line) return line;
    return *end && end - at > 1 ? end - 1 : end; /* the last space belongs to the word after it */
}
/* Count the words of a text `count` times. */
static void tr_bpe_count(tr_bpe *bpe, const char *text, long count) {
    const char *end;
    for (; *text; text = end) {
        end = tr_word_end(text);
        tr_word_add(bpe, text, (size_t)(end - text), count);
    }
}

/* ---- training ---- */

/* The most frequent pair; the lowest ids among equals. pairs [V][V] comes zeroed and is left so. */
static uint32_t tr_pair_best(const tr_bpe *bpe, uint32_t *pairs, size_t V, int best[2]) {
    uint32_t most = 0;
    size_t w, i;
    for (w = 0; w < bpe->places; w++)
        for (i = 0; i + 1 < bpe->word[w].ids; i++) {
            int a = bpe->word[w].id[i], b = bpe->word[w].id[i + 1];
            pairs[(size_t)a * V + (size_t)b] += (uint32_t)bpe->word[w].count;
        }
    for (w = 0; w < bpe->places; w++)
        for (i = 0; i + 1 < bpe->word[w].ids; i++) {
            int a = bpe->word[w].id[i], b = bpe->word[w].id[i + 1];
            uint32_t *count = &pairs[(size_t)a * V + (size_t)b];
            if (*count > most ||
                (*count == most && most && (a < best[0] || (a == best[0] && b < best[1]))))
                most = *count, best[0] = a, best[1] = b;
            *count = 0;
        }
    return most;
}
static void tr_pair_merge(tr_word *word, const int pair[2], int made) {
    size_t i, n = 0;
    for (i = 0; i < word->ids; i++) {
        int both = i + 1 < word->ids && word->id[i] == pair[0] && word->id[i + 1] == pair[1];
        word->id[n++] = both ? made : word->id[i];
        i += (size_t)both;
    }
    word->ids = n;
}
/* Make merges until the vocabulary, special tokens included, has V entries or no pair is left. */
static void tr_bpe_train(tr_bpe *bpe, size_t V) {
    uint32_t *pairs = (uint32_t *)tr_alloc(V * V, sizeof(uint32_t));
    size_t want = V > 256 + TR_SPECIAL ? V - 256 - TR_SPECIAL : 0, w;
    bpe->merge = (int(*)[2])tr_alloc(want, sizeof *bpe->merge);
    for (bpe->merges = 0; bpe->merges < want; bpe->merges++) {
        int *pair = bpe->merge[bpe->merges];
        if (tr_pair_best(bpe, pairs, V, pair) < 2) break;
        for (w = 0; w < bpe->places; w++)
            tr_pair_merge(&bpe->word[w], pair, (int)(256 + bpe->merges));
    }
    free(pairs);
}
static void tr_bpe_free(tr_bpe *bpe) {
    size_t w;
    for (w = 0; w < bpe->places; w++) free(bpe->word[w].text), free(bpe->word[w].id);
    free(bpe->word);
    free(bpe->merge);
    memset(bpe, 0, sizeof *bpe);
}

/* ---- tokenizer.json ---- */

/* A token's bytes as GPT-2 spells them: every byte is a printable character. */
static void tr_token_spell(const tr_bpe *bpe, int id, base_buf *out) {
    char utf8[4];
    unsigned b, next = 256, c;
    if (id >= 256) {
        tr_token_spell(bpe, bpe->merge[id - 256][0], out);
        tr_token_spell(bpe, bpe->merge[id - 256][1], out);
        return;
    }
    for (b = 0;; b++) {
        int printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        c = printable ? b : next++;
        if (b == (unsigned)id) break;
    }
    base_buf_add(out, utf8, base_utf8_put(c, utf8), NULL);
}
static void tr_token_quote(const tr_bpe *bpe, int id, base_buf *out) {
    base_buf spelt;
    sgf_str text;
    base_buf_init(&spelt, NULL);
    tr_token_spell(bpe, id, &spelt);
    text.ptr = spelt.ptr;
    text.len = spelt.len;
    json_quote(out, text, NULL);
    base_buf_free(&spelt);
}
static void tr_file_write(const char *dir, const char *name, const void *bytes, size_t size) {
    base_out out;
    sgf_error error;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (base_out_open(&out, path, &error) || base_out_write(&out, bytes, size, &error) ||
        base_out_close(&out, &error))
        tr_die("%s", error.message);
}
static void tr_bpe_write(const tr_bpe *bpe, const char *dir) {
    base_buf b;
    char text[512];
    int i, size = 256 + (int)bpe->merges;
    base_buf_init(&b, NULL);
    base_buf_text(
        &b,
        "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [",
        NULL);
    for (i = 0; i < TR_SPECIAL; i++) {
        snprintf(
            text, sizeof text,
            "%s\n    {\"id\": %d, \"content\": \"%s\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
            "\"normalized\": false, \"special\": true}",
            i ? "," : "", size + i, tr_special[i]);
        base_buf_text(&b, text, NULL);
    }
    base_buf_text(
        &b,
        "\n  ],\n  \"normalizer\": null,\n  \"pre_tokenizer\": {\n    \"type\": \"Sequence\",\n    \"pretokenizers\": [\n"
        "      {\"type\": \"Split\", \"pattern\": {\"Regex\": ",
        NULL);
    json_quote(&b, sgf_text(tr_split_regex), NULL);
    base_buf_text(
        &b,
        "}, \"behavior\": \"Isolated\", \"invert\": false},\n"
        "      {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}\n"
        "    ]\n  },\n  \"post_processor\": null,\n"
        "  \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true},\n"
        "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n"
        "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n"
        "    \"byte_fallback\": false,\n    \"ignore_merges\": false,\n    \"vocab\": {",
        NULL);
    for (i = 0; i < size; i++) {
        base_buf_text(&b, i ? ",\n      " : "\n      ", NULL);
        tr_token_quote(bpe, i, &b);
        snprintf(text, sizeof text, ": %d", i);
        base_buf_text(&b, text, NULL);
    }
    base_buf_text(&b, "\n    },\n    \"merges\": [", NULL);
    for (i = 0; i < (int)bpe->merges; i++) {
        base_buf_text(&b, i ? ",\n      [" : "\n      [", NULL);
        tr_token_quote(bpe, bpe->merge[i][0], &b);
        base_buf_text(&b, ", ", NULL);
        tr_token_quote(bpe, bpe->merge[i][1], &b);
        base_buf_text(&b, "]", NULL);
    }
    if (base_buf_text(&b, "\n    ]\n  }\n}\n", NULL)) tr_die("out of memory");
    tr_file_write(dir, "tokenizer.json", b.ptr, b.len);
    base_buf_free(&b);
    snprintf(
        text, sizeof text,
        "{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"bos_token\": null,\n  \"eos_token\": \"%s\",\n"
        "  \"pad_token\": \"%s\",\n  \"unk_token\": null,\n  \"add_bos_token\": false,\n"
        "  \"clean_up_tokenization_spaces\": false,\n  \"model_max_length\": 2048\n}\n",
        tr_special[0], tr_special[1]);
    tr_file_write(dir, "tokenizer_config.json", text, strlen(text));
}
