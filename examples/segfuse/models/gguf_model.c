#include "gguf_model.h"
#include "gguf_tokenizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- architectures, and what their files hold ---- */

typedef struct gguf_architecture {
    const char *name, *type, *class_name; /* general.architecture; model_type; architectures */
    int turned;                           /* the rows of q and k are in llama.cpp's order */
    int qkv_bias;                         /* 1: needed, 0: refused, -1: as the file has it */
    int qk_norm;                          /* 1: of each head, 2: of all heads together */
    int after;                            /* norms follow a block instead of being in front of it */
    int scales;                           /* Granite's multipliers */
    int fused;                            /* q, k and v are one weight; gate and up another one */
} gguf_architecture;
static const gguf_architecture gguf_architectures[] = {
    {"llama", "llama", "LlamaForCausalLM", 1, -1, 0, 0, 0, 0},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", 0, 1, 0, 0, 0, 0},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", 0, 0, 1, 0, 0, 0},
    {"smollm3", "smollm3", "SmolLM3ForCausalLM", 1, -1, 0, 0, 0, 0},
    {"granite", "granite", "GraniteForCausalLM", 1, -1, 0, 0, 1, 0},
    {"olmo2", "olmo2", "Olmo2ForCausalLM", 0, 0, 2, 1, 0, 0},
    {"phi3", "phi3", "Phi3ForCausalLM", 0, 0, 0, 0, 0, 1}};

enum {
    GGUF_NEEDED,
    GGUF_OUTPUT,
    GGUF_NORM_BEFORE,
    GGUF_NORM_AFTER,
    GGUF_QK_NORM,
    GGUF_QK_NORM_ALL,
    GGUF_QKV_BIAS,
    GGUF_OTHER_BIAS,
    GGUF_FUSED,
    GGUF_SPLIT
};

static const struct gguf_row {
    const char *gguf, *name; /* in layers: what follows "blk.N." and "model.layers.N." */
    const char *rows, *cols; /* products of V, D, H, G, C, F, Q (H C + 2 G C), U (2 F); "": 1 */
    int layer, when;
    char turned; /* the letter that counts the heads */
} gguf_rows[] = {
    {"token_embd.weight", "model.embed_tokens.weight", "V", "D", 0, GGUF_NEEDED, 0},
    {"output.weight", "lm_head.weight", "V", "D", 0, GGUF_OUTPUT, 0},
    {"output_norm.weight", "model.norm.weight", "", "D", 0, GGUF_NEEDED, 0},
    {"attn_norm.weight", "input_layernorm.weight", "", "D", 1, GGUF_NORM_BEFORE, 0},
    {"attn_qkv.weight", "self_attn.qkv_proj.weight", "Q", "D", 1, GGUF_FUSED, 0},
    {"ffn_up.weight", "mlp.gate_up_proj.weight", "U", "D", 1, GGUF_FUSED, 0},
    {"attn_q.weight", "self_attn.q_proj.weight", "HC", "D", 1, GGUF_SPLIT, 'H'},
    {"attn_k.weight", "self_attn.k_proj.weight", "GC", "D", 1, GGUF_SPLIT, 'G'},
    {"attn_v.weight", "self_attn.v_proj.weight", "GC", "D", 1, GGUF_SPLIT, 0},
    {"attn_output.weight", "self_attn.o_proj.weight", "D", "HC", 1, GGUF_NEEDED, 0},
    {"attn_q.bias", "self_attn.q_proj.bias", "", "HC", 1, GGUF_QKV_BIAS, 'H'},
    {"attn_k.bias", "self_attn.k_proj.bias", "", "GC", 1, GGUF_QKV_BIAS, 'G'},
    {"attn_v.bias", "self_attn.v_proj.bias", "", "GC", 1, GGUF_QKV_BIAS, 0},
    {"attn_output.bias", "self_attn.o_proj.bias", "", "D", 1, GGUF_OTHER_BIAS, 0},
    {"attn_q_norm.weight", "self_attn.q_norm.weight", "", "C", 1, GGUF_QK_NORM, 0},
    {"attn_k_norm.weight", "self_attn.k_norm.weight", "", "C", 1, GGUF_QK_NORM, 0},
    {"attn_q_norm.weight", "self_attn.q_norm.weight", "", "HC", 1, GGUF_QK_NORM_ALL, 0},
    {"attn_k_norm.weight", "self_attn.k_norm.weight", "", "GC", 1, GGUF_QK_NORM_ALL, 0},
    {"post_attention_norm.weight", "post_attention_layernorm.weight", "", "D", 1, GGUF_NORM_AFTER,
     0},
    {"post_ffw_norm.weight", "post_feedforward_layernorm.weight", "", "D", 1, GGUF_NORM_AFTER, 0},
    {"ffn_norm.weight", "post_attention_layernorm.weight", "", "D", 1, GGUF_NORM_BEFORE, 0},
    {"ffn_gate.weight", "mlp.gate_proj.weight", "F", "D", 1, GGUF_SPLIT, 0},
    {"ffn_up.weight", "mlp.up_proj.weight", "F", "D", 1, GGUF_SPLIT, 0},
    {"ffn_down.weight", "mlp.down_proj.weight", "D", "F", 1, GGUF_NEEDED, 0},
    {"ffn_gate.bias", "mlp.gate_proj.bias", "", "F", 1, GGUF_OTHER_BIAS, 0},
    {"ffn_up.bias", "mlp.up_proj.bias", "", "F", 1, GGUF_OTHER_BIAS, 0},
    {"ffn_down.bias", "mlp.down_proj.bias", "", "D", 1, GGUF_OTHER_BIAS, 0}};
enum { GGUF_ROWS = (int)(sizeof gguf_rows / sizeof *gguf_rows) };

/* Keys of an architecture that change what is computed, or might; another one is refused. */
static const char *const gguf_known[] = {"block_count",
                                         "context_length",
                                         "embedding_length",
                                         "feed_forward_length",
                                         "vocab_size",
                                         "attention.head_count",
                                         "attention.head_count_kv",
                                         "attention.key_length",
                                         "attention.value_length",
                                         "attention.layer_norm_rms_epsilon",
                                         "attention.sliding_window",
                                         "rope.freq_base",
                                         "rope.dimension_count",
                                         "rope.scaling.type",
                                         "rope.scaling.factor",
                                         "rope.scaling.original_context_length",
                                         "rope.scaling.finetuned",
                                         "rope.scale_linear",
                                         "tensor_data_layout",
                                         "expert_count",
                                         "expert_used_count"};

/* Granite's, and their names in config.json. */
static const char *const gguf_scales[][2] = {{"attention.scale", "attention_multiplier"},
                                             {"embedding_scale", "embedding_multiplier"},
                                             {"residual_scale", "residual_multiplier"},
                                             {"logit_scale", "logits_scaling"}};
enum { GGUF_KNOWN = (int)(sizeof gguf_known / sizeof *gguf_known) };

/* ---- config.json ---- */

typedef struct gguf_maker {
    gguf_model *m;
    const gguf_architecture *a;
    sgf_error *err;
    sgf_status status;                                         /* the first failure */
    int64_t layers, context, dim, ffn, heads, kv_heads, width; /* width: of a head */
    uint64_t rows;                                             /* of the embedding */
    double eps, theta, window;                                 /* window: of all layers; 0: none */
    size_t used; /* tensors of the file that have a place in the folder */
} gguf_maker;

#define gguf_refuse(k, status_, ...)         \
    ((k)->status = (k)->status ? (k)->status \
                               : base_fail_at((k)->err, status_, (k)->m->g.file, -1, __VA_ARGS__))

static const char *gguf_key_of(const gguf_maker *k, const char *name, char *room, size_t cap) {
    snprintf(room, cap, "%s.%s", k->a->name, name);
    return room;
}
/* A whole number under the architecture's name, at least 1; `absent` -1: it is needed. */
static int64_t gguf_setting(gguf_maker *k, const char *name, int64_t absent) {
    char key[128];
    int64_t value = absent;
    if (k->status) return 1;
    gguf_key_of(k, name, key, sizeof key);
    k->status = gguf_whole(&k->m->g, key, absent, 1 << 30, &value, k->err);
    if (!k->status && value < 1)
        gguf_refuse(k, SGF_ERR_FORMAT, "%s: key %s is missing, or 0", k->m->g.file, key);
    return k->status ? 1 : value;
}
static double gguf_setting_real(gguf_maker *k, const char *name, double absent) {
    char key[128];
    double value = absent;
    gguf_key_of(k, name, key, sizeof key);
    if (!k->status) k->status = gguf_real(&k->m->g, key, absent, &value, k->err);
    return value;
}
/* f32 values were decimal numbers before: 1e-05, not 9.999999747378752e-06. */
static double gguf_decimal(double value) {
    double scale = 1;
    int i;
    for (i = 0; i < 20; i++, scale *= 10)
        if ((float)(rint(value * scale) / scale) == (float)value)
            return rint(value * scale) / scale;
    return value;
}
static void gguf_read_architecture(gguf_maker *k) {
    size_t i, n = sizeof gguf_architectures / sizeof *gguf_architectures;
    gguf *g = &k->m->g;
    int64_t parts = 0;
    sgf_str name;
    k->status = gguf_string(g, "general.architecture", "", &name, k->err);
    if (!k->status) k->status = gguf_whole(g, "split.count", 1, 1 << 20, &parts, k->err);
    if (k->status) return;
    if (parts > 1)
        gguf_refuse(k, SGF_ERR_UNSUPPORTED,
                    "%s: one of %ld parts of a model; llama-gguf-split --merge makes one file of "
                    "them",
                    g->file, (long)parts);
    for (i = 0; i < n && !base_str_is(name, gguf_architectures[i].name); i++) {}
    if (i < n) k->a = &gguf_architectures[i];
    else
        gguf_refuse(k, SGF_ERR_UNSUPPORTED,
                    "%s: its architecture is \"%s\"; known are llama (also Mistral and SmolLM2), "
                    "qwen2, qwen3, smollm3, granite, olmo2 and phi3",
                    g->file, base_show(name).text);
}
static int gguf_is_known(const gguf_maker *k, sgf_str name) {
    int i;
    for (i = 0; i < GGUF_KNOWN; i++)
        if (base_str_is(name, gguf_known[i])) return 1;
    for (i = 0; i < 4 && k->a->scales; i++)
        if (base_str_is(name, gguf_scales[i][0])) return 1;
    return 0;
}
/* Is there a setting whose meaning is not known here? */
static void gguf_read_others(gguf_maker *k) {
    const gguf *g = &k->m->g;
    size_t length = strlen(k->a->name), i;
    for (i = 0; i < g->key_count && !k->status; i++) {
        sgf_str name = g->keys[i].name;
        if (name.len <= length || memcmp(name.ptr, k->a->name, length) || name.ptr[length] != '.')
            continue;
        name = base_text_of(name.ptr + length + 1, name.len - length - 1);
        if (!gguf_is_known(k, name))
            gguf_refuse(k, SGF_ERR_UNSUPPORTED,
                        "%s: key %s changes how the model computes, in a way that is not supported",
                        g->file, base_show(g->keys[i].name).text);
    }
}
static void gguf_read_settings(gguf_maker *k) {
    const gguf_tensor *embedding;
    int64_t experts;
    gguf_read_architecture(k);
    if (k->status) return;
    gguf_read_others(k);
    k->layers = gguf_setting(k, "block_count", -1);
    k->context = gguf_setting(k, "context_length", -1);
    k->dim = gguf_setting(k, "embedding_length", -1);
    k->ffn = gguf_setting(k, "feed_forward_length", -1);
    k->heads = gguf_setting(k, "attention.head_count", -1);
    k->kv_heads = gguf_setting(k, "attention.head_count_kv", k->heads);
    k->width = gguf_setting(k, "attention.key_length", k->dim / k->heads ? k->dim / k->heads : 1);
    k->eps = gguf_decimal(gguf_setting_real(k, "attention.layer_norm_rms_epsilon", -1));
    k->theta = gguf_decimal(gguf_setting_real(k, "rope.freq_base", 10000));
    experts = (int64_t)gguf_setting_real(k, "expert_count", 0);
    if (!k->status && k->eps <= 0)
        gguf_refuse(k, SGF_ERR_FORMAT, "%s: key %s.attention.layer_norm_rms_epsilon is missing",
                    k->m->g.file, k->a->name);
    if (experts)
        gguf_refuse(k, SGF_ERR_UNSUPPORTED, "%s: a mixture of %ld experts is not supported",
                    k->m->g.file, (long)experts);
    if (gguf_setting(k, "attention.value_length", k->width) != k->width ||
        gguf_setting(k, "rope.dimension_count", k->width) != k->width)
        gguf_refuse(
            k, SGF_ERR_UNSUPPORTED,
            "%s: values, or the channels that RoPE turns, that are not as wide as a key (%ld) "
            "are not supported",
            k->m->g.file, (long)k->width);
    if (k->a->fused)
        k->window = fmin(fmax(gguf_setting_real(k, "attention.sliding_window", 0), 0), 1e9);
    else if (gguf_setting(k, "attention.sliding_window", k->context) < k->context)
        gguf_refuse(k, SGF_ERR_UNSUPPORTED,
                    "%s: it has a sliding window, but not which layers have it", k->m->g.file);
    if (k->status) return;
    embedding = gguf_tensor_find(&k->m->g, "token_embd.weight");
    if (embedding) k->rows = embedding->rows;
    if (k->layers > SGF_MAX_LAYERS || k->kv_heads > k->heads || k->heads % k->kv_heads ||
        k->width % 2)
        gguf_refuse(
            k, SGF_ERR_FORMAT,
            "%s: %ld layers with %ld heads of %ld channels, of which %ld have keys, are not "
            "possible",
            k->m->g.file, (long)k->layers, (long)k->heads, (long)k->width, (long)k->kv_heads);
}
/* Llama 3.1 and later: the file holds what each frequency is divided by. Which settings make that? */
static int gguf_is_llama3(const gguf_maker *k, const gguf_tensor *freqs, double *factor) {
    float block[DEQUANTIZE_MOST];
    uint64_t i;
    double f, waves, s, wanted;
    if (freqs->rank != 1 || freqs->type->elements != 1 || freqs->cols != (uint64_t)k->width / 2)
        return 0;
    dequantize(freqs->type, freqs->data + (freqs->cols - 1) * freqs->type->bytes, 1, block);
    *factor = (double)block[0];
    for (i = 0; i < freqs->cols; i++) {
        dequantize(freqs->type, freqs->data + i * freqs->type->bytes, 1, block);
        f = pow(k->theta, -2.0 * (double)i / (double)k->width);
        waves = 8192 * f / 6.283185307179586;
        s = waves - 1 < 0 ? 0 : (waves - 1) / 3;
        wanted = waves > 4 ? 1 : 1 / ((1 - s) / *factor + s);
        if (!(fabs((double)block[0] - wanted) <= 1e-5 * wanted)) return 0;
    }
    return *factor > 1;
}
static void gguf_write_rope(gguf_maker *k, json_out *j) {
    const gguf_tensor *freqs = gguf_tensor_find(&k->m->g, "rope_freqs.weight");
    double factor = gguf_setting_real(k, "rope.scaling.factor",
                                      gguf_setting_real(k, "rope.scale_linear", 1));
    sgf_str type;
    char key[128];
    gguf_key_of(k, "rope.scaling.type", key, sizeof key);
    if (!k->status)
        k->status = gguf_string(&k->m->g, key, factor == 1 ? "none" : "linear", &type, k->err);
    if (k->status) return;
    json_out_field_double(j, "rope_theta", k->theta);
    if (freqs && gguf_is_llama3(k, freqs, &factor) && base_str_is(type, "none")) {
        json_out_key(j, "rope_scaling"), json_out_open(j, "{");
        json_out_field_text(j, "rope_type", "llama3");
        json_out_field_double(j, "factor", gguf_decimal(factor));
        json_out_field_double(j, "low_freq_factor", 1);
        json_out_field_double(j, "high_freq_factor", 4);
        json_out_field_size(j, "original_max_position_embeddings", 8192);
        json_out_close(j, "}");
        k->used++;
    } else if (freqs)
        gguf_refuse(
            k, SGF_ERR_UNSUPPORTED,
            "%s: rope_freqs.weight is not that of Llama 3.1 to 3.3; other changes of RoPE's "
            "frequencies are not supported",
            k->m->g.file);
    else if (base_str_is(type, "linear") || base_str_is(type, "yarn")) {
        json_out_key(j, "rope_scaling"), json_out_open(j, "{");
        json_out_key(j, "rope_type"), json_out_text(j, type);
        json_out_field_double(j, "factor", gguf_decimal(factor));
        if (base_str_is(type, "yarn"))
            json_out_field_size(
                j, "original_max_position_embeddings",
                (size_t)gguf_setting(k, "rope.scaling.original_context_length", -1));
        json_out_close(j, "}");
    } else if (!base_str_is(type, "none"))
        gguf_refuse(k, SGF_ERR_UNSUPPORTED,
                    "%s: RoPE scaled by \"%s\" is not supported; known are none, linear and yarn",
                    k->m->g.file, base_show(type).text);
}
static void gguf_write_id(gguf_maker *k, json_out *j, const char *key, const char *name) {
    int64_t id = -1;
    if (!k->status) k->status = gguf_whole(&k->m->g, name, -1, INT32_MAX, &id, k->err);
    json_out_key(j, key); /* null: Hugging Face has a number of its own for what is absent */
    if (id < 0) json_out_raw(j, "null");
    else json_out_size(j, (size_t)id);
    j->comma = 1;
}
/* The tokens that end an answer: of a text, of a turn, of a message. */
static void gguf_write_eos(gguf_maker *k, json_out *j) {
    static const char *const names[] = {"tokenizer.ggml.eos_token_id",
                                        "tokenizer.ggml.eot_token_id",
                                        "tokenizer.ggml.eom_token_id"};
    int64_t ids[3];
    int i, n = 0;
    for (i = 0; i < 3 && !k->status; i++) {
        k->status = gguf_whole(&k->m->g, names[i], -1, INT32_MAX, &ids[n], k->err);
        if (ids[n] >= 0 && (n < 1 || ids[n] != ids[0]) && (n < 2 || ids[n] != ids[1])) n++;
    }
    json_out_key(j, "eos_token_id");
    if (!n) json_out_raw(j, "null"), j->comma = 1;
    if (n > 1) json_out_open(j, "[");
    for (i = 0; i < n; i++) json_out_size(j, (size_t)ids[i]);
    if (n > 1) json_out_close(j, "]");
}
static void gguf_write_bool(json_out *j, const char *key, int value) {
    json_out_key(j, key);
    json_out_raw(j, value ? "true" : "false");
    j->comma = 1;
}
/* Does the first layer have it? gguf_make_weights sees that all are alike. */
static int gguf_has(const gguf_maker *k, const char *name) {
    return gguf_tensor_find(&k->m->g, name) != NULL;
}
static void gguf_write_config_json(gguf_maker *k) {
    static const char *const dtypes[] = {"float32", "float16", "bfloat16"};
    json_out *j = &k->m->config;
    int i;
    json_out_open(j, "{");
    json_out_key(j, "architectures"), json_out_open(j, "["),
        json_out_text(j, sgf_text(k->a->class_name));
    json_out_close(j, "]");
    json_out_field_text(j, "model_type", k->a->type);
    json_out_field_text(j, "torch_dtype", dtypes[k->m->dtype]);
    json_out_field_size(j, "vocab_size", (size_t)k->rows);
    json_out_field_size(j, "hidden_size", (size_t)k->dim);
    json_out_field_size(j, "intermediate_size", (size_t)k->ffn);
    json_out_field_size(j, "num_hidden_layers", (size_t)k->layers);
    json_out_field_size(j, "num_attention_heads", (size_t)k->heads);
    json_out_field_size(j, "num_key_value_heads", (size_t)k->kv_heads);
    json_out_field_size(j, "head_dim", (size_t)k->width);
    json_out_field_size(j, "max_position_embeddings", (size_t)k->context);
    json_out_field_text(j, "hidden_act", "silu");
    json_out_field_double(j, "rms_norm_eps", k->eps);
    for (i = 0; i < 4 && k->a->scales; i++)
        json_out_field_double(j, gguf_scales[i][1],
                              gguf_decimal(gguf_setting_real(k, gguf_scales[i][0], 1)));
    gguf_write_rope(k, j);
    gguf_write_bool(j, "tie_word_embeddings", !gguf_has(k, "output.weight"));
    if (k->a->qkv_bias < 1) gguf_write_bool(j, "attention_bias", gguf_has(k, "blk.0.attn_q.bias"));
    if (k->a->qkv_bias < 0) gguf_write_bool(j, "mlp_bias", gguf_has(k, "blk.0.ffn_gate.bias"));
    if (k->window >= 1) json_out_field_size(j, "sliding_window", (size_t)k->window);
    if (k->a->qkv_bias == 1) gguf_write_bool(j, "use_sliding_window", 0);
    gguf_write_id(k, j, "bos_token_id", "tokenizer.ggml.bos_token_id");
    gguf_write_eos(k, j);
    gguf_write_id(k, j, "pad_token_id", "tokenizer.ggml.padding_token_id");
    json_out_close(j, "}");
    json_out_raw(j, "\n");
    j = &k->m->generation;
    json_out_open(j, "{");
    gguf_write_id(k, j, "bos_token_id", "tokenizer.ggml.bos_token_id");
    gguf_write_eos(k, j);
    gguf_write_id(k, j, "pad_token_id", "tokenizer.ggml.padding_token_id");
    json_out_close(j, "}");
    json_out_raw(j, "\n");
    if (!k->status && (k->m->config.status || j->status))
        k->status = base_fail(k->err, SGF_ERR_MEMORY, "not enough memory");
}

/* ---- weights ---- */

static uint64_t gguf_product(const gguf_maker *k, const char *letters) {
    static const char names[] = "VDHGCFQU";
    uint64_t n = 1;
    for (; *letters; letters++) {
        uint64_t of[8];
        of[0] = k->rows, of[1] = (uint64_t)k->dim, of[2] = (uint64_t)k->heads;
        of[3] = (uint64_t)k->kv_heads, of[4] = (uint64_t)k->width, of[5] = (uint64_t)k->ffn;
        of[6] = (of[2] + 2 * of[3]) * of[4], of[7] = 2 * of[5];
        n *= of[strchr(names, *letters) - names]; /* two settings, each below 2^31 */
    }
    return n;
}
/* Must the file have this weight? 1, 0: it may not, -1: it may. */
static int gguf_wants(const gguf_maker *k, const struct gguf_row *row) {
    int bias = k->a->qkv_bias < 0 ? gguf_has(k, "blk.0.attn_q.bias") : k->a->qkv_bias;
    switch (row->when) {
    case GGUF_OUTPUT: return -1;
    case GGUF_FUSED: return k->a->fused;
    case GGUF_SPLIT: return !k->a->fused;
    case GGUF_NORM_BEFORE: return !k->a->after;
    case GGUF_NORM_AFTER: return k->a->after;
    case GGUF_QK_NORM: return k->a->qk_norm == 1;
    case GGUF_QK_NORM_ALL: return k->a->qk_norm == 2;
    case GGUF_QKV_BIAS: return bias;
    case GGUF_OTHER_BIAS: /* as Hugging Face's Llama has them */
        if (k->a->qkv_bias >= 0) return 0;
        return !strncmp(row->gguf, "attn", 4) ? bias : gguf_has(k, "blk.0.ffn_gate.bias");
    default: return 1;
    }
}
static void gguf_make_weight(gguf_maker *k, const struct gguf_row *row, int64_t layer) {
    gguf_model *m = k->m;
    gguf_weight *w = &m->weights[m->count];
    char name[64];
    uint64_t rows = gguf_product(k, row->rows), cols = gguf_product(k, row->cols);
    const gguf_tensor *t;
    int wants = gguf_wants(k, row);
    if (k->status || !wants) return;
    if (row->layer) snprintf(name, sizeof name, "blk.%ld.%s", (long)layer, row->gguf);
    else snprintf(name, sizeof name, "%s", row->gguf);
    t = gguf_tensor_find(&m->g, name);
    if (!t && wants < 0) return;
    if (!t)
        gguf_refuse(k, SGF_ERR_FORMAT,
                    "%s: tensor %s is missing; a %s model of %ld layers needs it", m->g.file, name,
                    k->a->name, (long)k->layers);
    else if (t->rows != rows || t->cols != cols || t->rank != (*row->rows ? 2u : 1u))
        gguf_refuse(k, SGF_ERR_FORMAT,
                    "%s: tensor %s is [%llu, %llu], and its keys say [%llu, %llu]", m->g.file, name,
                    (unsigned long long)t->rows, (unsigned long long)t->cols,
                    (unsigned long long)rows, (unsigned long long)cols);
    else if (t->rank == 1 && t->type->elements > 1)
        gguf_refuse(k, SGF_ERR_UNSUPPORTED, "%s: tensor %s, a vector, is stored in blocks (%s)",
                    m->g.file, name, t->type->name);
    if (k->status) return;
    if (row->layer)
        snprintf(w->name, sizeof w->name, "model.layers.%ld.%s", (long)layer, row->name);
    else snprintf(w->name, sizeof w->name, "%s", row->name);
    w->tensor = t;
    w->turned = !k->a->turned || !row->turned ? 0
                : row->turned == 'H'          ? (uint64_t)k->heads
                                              : (uint64_t)k->kv_heads;
    m->parameters += rows * cols;
    m->count++;
    k->used++;
}
static void gguf_make_weights(gguf_maker *k) {
    gguf_model *m = k->m;
    int64_t layer;
    size_t i;
    int r;
    m->weights = (gguf_weight *)base_arena_alloc(&m->g.arena, m->g.tensor_count + 1,
                                                 sizeof *m->weights, k->err);
    if (!m->weights) k->status = SGF_ERR_MEMORY;
    for (r = 0; r < GGUF_ROWS && !k->status; r++)
        for (layer = 0; layer < (gguf_rows[r].layer ? k->layers : 1) && !k->status; layer++)
            gguf_make_weight(k, &gguf_rows[r], layer);
    for (i = 0; i < m->g.tensor_count && !k->status && k->used < m->g.tensor_count; i++) {
        size_t n;
        for (n = 0; n < m->count && m->weights[n].tensor != &m->g.tensors[i]; n++) {}
        if (n < m->count || base_str_is(m->g.tensors[i].name, "rope_freqs.weight")) continue;
        gguf_refuse(k, SGF_ERR_UNSUPPORTED,
                    "%s: tensor %s has no place in a %s model as it is known here", m->g.file,
                    base_show(m->g.tensors[i].name).text, k->a->name);
    }
}
static int gguf_dtype_of(const gguf_weight *w) {
    const char *name = w->tensor->type->name;
    return !strcmp(name, "F16")    ? SGF_DTYPE_F16
           : !strcmp(name, "BF16") ? SGF_DTYPE_BF16
                                   : SGF_DTYPE_F32;
}
/* f32 first, so that each weight is aligned to its type. */
static int gguf_weight_order(const void *a, const void *b) {
    const gguf_weight *x = (const gguf_weight *)a, *y = (const gguf_weight *)b;
    if ((x->dtype == SGF_DTYPE_F32) != (y->dtype == SGF_DTYPE_F32))
        return x->dtype == SGF_DTYPE_F32 ? -1 : 1;
    return strcmp(x->name, y->name);
}
/* dtype -1: each weight keeps its 16 bits, and what is quantised becomes f32, which holds it exactly. */
static void gguf_choose_dtype(gguf_model *m, int dtype) {
    int found = -1, mixed = 0;
    size_t i;
    for (i = 0; i < m->count; i++) {
        int own = gguf_dtype_of(&m->weights[i]);
        m->weights[i].dtype = (sgf_dtype)(dtype < 0 ? own : dtype);
        if (m->weights[i].tensor->rank < 2) continue;
        mixed |= found >= 0 && found != own;
        found = own;
    }
    m->dtype = dtype >= 0           ? (sgf_dtype)dtype
               : mixed || found < 0 ? SGF_DTYPE_F32
                                    : (sgf_dtype)found;
    if (m->count) qsort(m->weights, m->count, sizeof *m->weights, gguf_weight_order);
}
void gguf_weight_row(const gguf_weight *w, uint64_t row, float *out) {
    const gguf_tensor *t = w->tensor;
    uint64_t all = t->rank > 1 ? t->rows : t->cols, half, head;
    size_t blocks = (size_t)(t->cols / t->type->elements), i;
    if (w->turned &&
        t->rank > 1) { /* channels i and i + C/2 of a head are neighbours in the file */
        half = all / w->turned / 2;
        head = row / (2 * half) * 2 * half;
        row = head + (row - head) % half * 2 + (row - head) / half;
    }
    dequantize(t->type, t->data + row * blocks * t->type->bytes, blocks, out);
    if (!w->turned || t->rank > 1) return;
    half = all / w->turned / 2; /* a bias: its elements are in that order */
    for (i = 0; i < all; i++) {
        uint64_t at = i % (2 * half), from = i - at + at % half * 2 + at / half;
        dequantize(t->type, t->data + from * t->type->bytes, 1, out + i);
    }
}

sgf_status gguf_model_make(const char *file, const char *bytes, size_t size, int dtype,
                           const sgf_allocator *mem, gguf_model *out, sgf_error *err) {
    gguf_maker k;
    memset(out, 0, sizeof *out);
    memset(&k, 0, sizeof k);
    base_buf_init(&out->config.buf, mem);
    base_buf_init(&out->generation.buf, mem);
    base_buf_init(&out->tokenizer.buf, mem);
    base_buf_init(&out->tokenizer_config.buf, mem);
    k.m = out;
    k.err = err;
    k.status = gguf_read(file, bytes, size, mem, &out->g, err);
    if (!k.status) gguf_read_settings(&k);
    if (!k.status) gguf_make_weights(&k);
    if (!k.status) gguf_choose_dtype(out, dtype);
    if (!k.status) gguf_write_config_json(&k);
    if (!k.status)
        k.status = gguf_tokenizer(&out->g, k.rows, k.context, &out->tokenizer,
                                  &out->tokenizer_config, err);
    return k.status;
}
void gguf_model_free(gguf_model *m) {
    base_buf_free(&m->config.buf);
    base_buf_free(&m->generation.buf);
    base_buf_free(&m->tokenizer.buf);
    base_buf_free(&m->tokenizer_config.buf);
    gguf_free(&m->g);
}
