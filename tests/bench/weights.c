/* Models of random weights, written in the formats of everybody who is measured: a Hugging Face folder, GGUF
   (llama.cpp and its forks), llama2.c's file and calm's safetensors. Included by speed.c. */

typedef struct shape {
    const char *name;
    sgf_dtype dtype;
    size_t dim, layers, heads, kv_heads, head_dim, ffn, vocab, context;
} shape;

/* One weight of a model: its name in the Hugging Face and the GGUF way. */
typedef struct weight {
    const char *hf, *gguf, *calm;
    size_t rows, cols; /* rows 1: a norm, kept as f32 except in a Hugging Face folder */
    int per_layer;
} weight;

enum { WEIGHTS = 11, BLOCK = 1 << 20 };

static void shape_weights(const shape *s, weight *w) {
    size_t q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
    const weight list[WEIGHTS] = {
        {"model.embed_tokens.weight", "token_embd.weight", "model.embed.weight", s->vocab, s->dim,
         0},
        {"input_layernorm", "attn_norm", "attn.norm", 1, s->dim, 1},
        {"self_attn.q_proj", "attn_q", "attn.wq", q, s->dim, 1},
        {"self_attn.k_proj", "attn_k", "attn.wk", kv, s->dim, 1},
        {"self_attn.v_proj", "attn_v", "attn.wv", kv, s->dim, 1},
        {"self_attn.o_proj", "attn_output", "attn.wo", s->dim, q, 1},
        {"post_attention_layernorm", "ffn_norm", "mlp.norm", 1, s->dim, 1},
        {"mlp.gate_proj", "ffn_gate", "mlp.w1", s->ffn, s->dim, 1},
        {"mlp.down_proj", "ffn_down", "mlp.w2", s->dim, s->ffn, 1},
        {"mlp.up_proj", "ffn_up", "mlp.w3", s->ffn, s->dim, 1},
        {"model.norm.weight", "output_norm.weight", "model.norm.weight", 1, s->dim, 0}};
    memcpy(w, list, sizeof list);
}
static size_t dtype_bytes(sgf_dtype dtype) {
    return dtype == SGF_DTYPE_F32 ? 4 : 2;
}

/* n weights: ones for a norm, else small random ones, the same block again and again. */
static void weights_write(FILE *file, size_t n, sgf_dtype dtype, int norm) {
    static unsigned char block[BLOCK];
    size_t i, size = dtype_bytes(dtype), cap = BLOCK / size;
    uint32_t random = 12345;
    for (i = 0; i < cap && i < n; i++) {
        float value;
        uint16_t half;
        random = random * 1664525u + 1013904223u;
        value = norm ? 1.0f : ((float)(random >> 8) / 8388608.0f - 1.0f) * 0.03f;
        /* f16 of a normal number, its last bits cut */
        half = dtype == SGF_DTYPE_BF16
                   ? sgf__float_bf16(value)
                   : (uint16_t)((sgf__float_bits(value) >> 16 & 0x8000u) |
                                (((sgf__float_bits(value) & 0x7FFFFFFFu) - (112u << 23)) >> 13));
        if (dtype == SGF_DTYPE_F16 && fabsf(value) < 1e-4f) half = 0;
        if (dtype == SGF_DTYPE_F32) memcpy(block + 4 * i, &value, 4);
        else memcpy(block + 2 * i, &half, 2);
    }
    for (; n; n -= i) {
        i = n < cap ? n : cap;
        if (fwrite(block, size, i, file) != i) return;
    }
}

/* Call visit for every weight, layer by layer, in the order of `weights`. */
typedef void weight_visit(void *user, const weight *w, size_t layer);
static void shape_each(const shape *s, weight_visit *visit, void *user) {
    weight w[WEIGHTS];
    size_t l, i;
    shape_weights(s, w);
    visit(user, &w[0], 0);
    for (l = 0; l < s->layers; l++)
        for (i = 1; i + 1 < WEIGHTS; i++) visit(user, &w[i], l);
    visit(user, &w[WEIGHTS - 1], 0);
}

/* ---- safetensors: a Hugging Face folder, or calm's single file ---- */

typedef struct safetensors_writer {
    FILE *file;
    sgf_dtype dtype;
    int calm, data; /* data 0: the header */
    uint64_t at;
} safetensors_writer;

static void safetensors_visit(void *user, const weight *w, size_t layer) {
    safetensors_writer *out = (safetensors_writer *)user;
    sgf_dtype dtype = out->calm && w->rows == 1 ? SGF_DTYPE_F32 : out->dtype;
    uint64_t bytes = (uint64_t)(w->rows * w->cols * dtype_bytes(dtype));
    char name[128], shape_text[64];
    if (out->data) {
        weights_write(out->file, w->rows * w->cols, dtype, w->rows == 1);
        return;
    }
    if (!w->per_layer) snprintf(name, sizeof name, "%s", out->calm ? w->calm : w->hf);
    else
        snprintf(name, sizeof name, "model.layers.%u.%s.weight", (unsigned)layer,
                 out->calm ? w->calm : w->hf);
    if (w->rows == 1) snprintf(shape_text, sizeof shape_text, "%u", (unsigned)w->cols);
    else snprintf(shape_text, sizeof shape_text, "%u,%u", (unsigned)w->rows, (unsigned)w->cols);
    fprintf(out->file, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
            name, sgf_dtype_name(dtype), shape_text, (unsigned long long)out->at,
            (unsigned long long)(out->at + bytes));
    out->at += bytes;
}
static void safetensors_write(const shape *s, int calm, const char *path) {
    safetensors_writer out;
    size_t header, i;
    unsigned char size[8] = {0};
    memset(&out, 0, sizeof out);
    out.file = fopen(path, "wb");
    if (!out.file) return;
    out.dtype = s->dtype;
    out.calm = calm;
    fwrite(size, 1, 8, out.file);
    if (!calm) fprintf(out.file, "{\"__metadata__\":{\"format\":\"pt\"}");
    else {
        fprintf(
            out.file,
            "{\"__metadata__\":{\"arch\":\"llama\",\"dtype\":\"fp16\",\"dim\":\"%u\","
            "\"hidden_dim\":\"%u\",\"n_layers\":\"%u\",\"n_heads\":\"%u\",\"n_kv_heads\":\"%u\","
            "\"vocab_size\":\"%u\",\"head_dim\":\"%u\",\"rope_theta\":\"10000\","
            "\"rotary_dim\":\"%u\",\"max_seq_len\":\"%u\",\"bos_token_id\":\"1\","
            "\"eos_token_id\":\"-1\"}",
            (unsigned)s->dim, (unsigned)s->ffn, (unsigned)s->layers, (unsigned)s->heads,
            (unsigned)s->kv_heads, (unsigned)s->vocab, (unsigned)s->head_dim, (unsigned)s->head_dim,
            (unsigned)s->context);
        out.at = s->vocab * 12;
        fprintf(out.file,
                ",\"tokenizer.tokens\":{\"dtype\":\"U8\",\"shape\":[%u],\"data_offsets\":[0,%u]}"
                ",\"tokenizer.scores\":{\"dtype\":\"F32\",\"shape\":[%u],\"data_offsets\":[%u,%u]}",
                (unsigned)s->vocab * 8, (unsigned)s->vocab * 8, (unsigned)s->vocab,
                (unsigned)s->vocab * 8, (unsigned)s->vocab * 12);
    }
    shape_each(s, safetensors_visit, &out);
    fprintf(out.file, "}");
    while (ftell(out.file) % 64) fputc(' ', out.file); /* weights on a cache line */
    header = (size_t)ftell(out.file) - 8;
    for (i = 0; calm && i < s->vocab; i++) fprintf(out.file, "t%06u%c", (unsigned)i, 0);
    if (calm) weights_write(out.file, s->vocab, SGF_DTYPE_F32, 1);
    out.data = 1;
    shape_each(s, safetensors_visit, &out);
    for (i = 0; i < 8; i++) size[i] = (unsigned char)(header >> 8 * i);
    fseek(out.file, 0, SEEK_SET);
    fwrite(size, 1, 8, out.file);
    fclose(out.file);
}
static void folder_write(const shape *s, const char *dir) {
    static const char *const dtypes[] = {"float32", "float16", "bfloat16"};
    char path[600];
    FILE *file;
    mkdir(dir, 0777);
    snprintf(path, sizeof path, "%s/config.json", dir);
    file = fopen(path, "wb");
    if (!file) return;
    fprintf(file,
            "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", "
            "\"hidden_size\": %u, \"num_hidden_layers\": %u, \"num_attention_heads\": %u, "
            "\"num_key_value_heads\": %u, \"head_dim\": %u, \"intermediate_size\": %u, "
            "\"vocab_size\": %u, \"max_position_embeddings\": %u, \"rms_norm_eps\": 1e-5, "
            "\"rope_theta\": 10000.0, \"hidden_act\": \"silu\", \"tie_word_embeddings\": true, "
            "\"torch_dtype\": \"%s\"}\n",
            (unsigned)s->dim, (unsigned)s->layers, (unsigned)s->heads, (unsigned)s->kv_heads,
            (unsigned)s->head_dim, (unsigned)s->ffn, (unsigned)s->vocab, (unsigned)s->context,
            dtypes[s->dtype]);
    fclose(file);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    safetensors_write(s, 0, path);
}

/* ---- GGUF version 3 ---- */

typedef struct gguf_writer {
    FILE *file;
    sgf_dtype dtype;
    int data;
    uint64_t at;
} gguf_writer;

static void gguf_u32(FILE *file, uint32_t x) {
    fwrite(&x, 4, 1, file);
}
static void gguf_u64(FILE *file, uint64_t x) {
    fwrite(&x, 8, 1, file);
}
static void gguf_text(FILE *file, const char *text) {
    gguf_u64(file, strlen(text));
    fwrite(text, 1, strlen(text), file);
}
static void gguf_pad(FILE *file) {
    while (ftell(file) % 32) fputc(0, file);
}
static void gguf_visit(void *user, const weight *w, size_t layer) {
    static const uint32_t types[] = {0, 1, 30};
    gguf_writer *out = (gguf_writer *)user;
    sgf_dtype dtype = w->rows == 1 ? SGF_DTYPE_F32 : out->dtype;
    char name[128];
    if (out->data) {
        weights_write(out->file, w->rows * w->cols, dtype, w->rows == 1);
        gguf_pad(out->file);
        return;
    }
    if (w->per_layer) snprintf(name, sizeof name, "blk.%u.%s.weight", (unsigned)layer, w->gguf);
    else snprintf(name, sizeof name, "%s", w->gguf);
    gguf_text(out->file, name);
    gguf_u32(out->file, w->rows == 1 ? 1 : 2);
    gguf_u64(out->file, w->cols);
    if (w->rows > 1) gguf_u64(out->file, w->rows);
    gguf_u32(out->file, types[dtype]);
    gguf_u64(out->file, out->at);
    out->at += (w->rows * w->cols * dtype_bytes(dtype) + 31) & ~(uint64_t)31;
}
static void gguf_write(const shape *s, const char *path) {
    const struct {
        const char *name;
        size_t value;
    } numbers[] = {{"llama.context_length", s->context},
                   {"llama.embedding_length", s->dim},
                   {"llama.block_count", s->layers},
                   {"llama.feed_forward_length", s->ffn},
                   {"llama.attention.head_count", s->heads},
                   {"llama.attention.head_count_kv", s->kv_heads},
                   {"llama.rope.dimension_count", s->head_dim},
                   {"llama.vocab_size", s->vocab}};
    enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
    gguf_writer out;
    float eps = 1e-5f;
    size_t i;
    memset(&out, 0, sizeof out);
    out.file = fopen(path, "wb");
    if (!out.file) return;
    out.dtype = s->dtype;
    fwrite("GGUF", 1, 4, out.file);
    gguf_u32(out.file, 3);
    gguf_u64(out.file, 2 + (WEIGHTS - 2) * s->layers);
    gguf_u64(out.file, NUMBERS + 3);
    gguf_text(out.file, "general.architecture"), gguf_u32(out.file, 8);
    gguf_text(out.file, "llama");
    gguf_text(out.file, "tokenizer.ggml.model"), gguf_u32(out.file, 8);
    gguf_text(out.file, "no_vocab");
    gguf_text(out.file, "llama.attention.layer_norm_rms_epsilon"), gguf_u32(out.file, 6);
    fwrite(&eps, 4, 1, out.file);
    for (i = 0; i < NUMBERS; i++) {
        gguf_text(out.file, numbers[i].name), gguf_u32(out.file, 4);
        gguf_u32(out.file, (uint32_t)numbers[i].value);
    }
    shape_each(s, gguf_visit, &out);
    gguf_pad(out.file);
    out.data = 1;
    shape_each(s, gguf_visit, &out);
    fclose(out.file);
}

/* ---- llama2.c: seven numbers, then the weights by kind; and its tokenizer file ---- */

static void llama2_write(const shape *s, const char *path, const char *tokenizer) {
    static const size_t order[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const size_t head[7] = {s->dim, s->ffn, s->layers, s->heads, s->kv_heads, s->vocab, s->context};
    weight w[WEIGHTS];
    float score = 0;
    size_t i, l;
    FILE *file = fopen(path, "wb");
    if (!file) return;
    shape_weights(s, w);
    for (i = 0; i < 7; i++) gguf_u32(file, (uint32_t)head[i]);
    weights_write(file, w[0].rows * w[0].cols, SGF_DTYPE_F32, 0);
    for (i = 0; i < sizeof order / sizeof order[0]; i++)
        for (l = 0; l < s->layers; l++)
            weights_write(file, w[order[i]].rows * w[order[i]].cols, SGF_DTYPE_F32,
                          w[order[i]].rows == 1);
    weights_write(file, s->dim, SGF_DTYPE_F32, 1);
    weights_write(file, s->context * s->head_dim, SGF_DTYPE_F32, 1);
    fclose(file);
    file = fopen(tokenizer, "wb");
    if (!file) return;
    gguf_u32(file, 8);
    for (i = 0; i < s->vocab; i++) {
        fwrite(&score, 4, 1, file);
        gguf_u32(file, 7);
        fprintf(file, "t%06u", (unsigned)i);
    }
    fclose(file);
}
