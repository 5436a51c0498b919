#!/usr/bin/env python3
"""Compare model folders as segfuse reads them with transformers.

    model_oracle.py [--header segfuse.h] [--cc cc] [--rounds N]   random tiny models, every architecture
    model_oracle.py --golden > tests/golden/rope.inc               the values of test_model.c

Every tensor (shape, type, bytes), the sliding windows and the RoPE frequencies must agree, for folders of
transformers 5 and for the same ones with config.json in the spelling of transformers 4. Needs torch and
transformers; no network.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import torch
import transformers

DRIVER = r"""
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"
static unsigned long long elements;
static void show(const char *name, const sgf_tensor *t) {
    const unsigned char *p = (const unsigned char *)t->data;
    size_t i, n = t->rows * t->cols * (t->dtype == SGF_DTYPE_F32 ? 4 : 2);
    uint64_t sum = 0;
    if (!p) return;
    elements += t->rows * t->cols;
    for (i = 0; i < n; i++) sum += p[i] * (uint64_t)(i + 1);
    printf("tensor %s %d %d %s %llu\n", name, (int)t->rows, (int)t->cols, sgf_dtype_name(t->dtype), (unsigned long long)sum);
}
int main(int argc, char **argv) {
    sgf_model *m;
    sgf_error e;
    float f[8192], factor;
    int i, k;
    if (sgf_model_load(argv[1], NULL, &m, &e)) return fprintf(stderr, "%s\n", e.message), 1;
    show("model.embed_tokens.weight", &m->embedding);
    show("model.norm.weight", &m->norm);
    show("lm_head.weight", &m->output);
    if (m->output.data == m->embedding.data) elements -= m->output.rows * m->output.cols;
    for (i = 0; i < m->config.layers; i++) {
        const sgf_layer *y = m->layer + i;
        const struct { const char *name; const sgf_tensor *t; } all[] = {
            {"input_layernorm.weight", &y->attn_norm}, {"self_attn.q_proj.weight", &y->q}, {"self_attn.k_proj.weight", &y->k},
            {"self_attn.v_proj.weight", &y->v}, {"self_attn.q_proj.bias", &y->q_bias}, {"self_attn.k_proj.bias", &y->k_bias},
            {"self_attn.v_proj.bias", &y->v_bias}, {"self_attn.q_norm.weight", &y->q_norm}, {"self_attn.k_norm.weight", &y->k_norm},
            {"self_attn.o_proj.weight", &y->o}, {"self_attn.o_proj.bias", &y->o_bias}, {"post_attention_layernorm.weight", &y->ffn_norm},
            {"mlp.gate_proj.weight", &y->gate}, {"mlp.up_proj.weight", &y->up}, {"mlp.down_proj.weight", &y->down},
            {"mlp.gate_proj.bias", &y->gate_bias}, {"mlp.up_proj.bias", &y->up_bias}, {"mlp.down_proj.bias", &y->down_bias},
            {"attention's output norm", &y->attn_post_norm}, {"the feed-forward's output norm", &y->ffn_post_norm}};
        for (k = 0; k < 20; k++) {
            char name[200];
            snprintf(name, sizeof name, "model.layers.%d.%s", i, all[k].name);
            show(name, all[k].t);
        }
        printf("window %d %d, rope %d\n", i, (int)sgf_config_window(&m->config, i), (int)sgf_config_rope(&m->config, i));
    }
    if (sgf__rope_frequencies(&m->config, f, &factor, &e)) return fprintf(stderr, "%s\n", e.message), 1;
    printf("factor %.9g\nfreq", (double)factor);
    for (i = 0; i < m->config.head_dim / (m->config.rope_local_theta > 0 ? 1 : 2); i++) printf(" %.9g", (double)f[i]);
    printf("\neps %.9g\nparameters %llu %llu\nids %d", (double)m->config.rms_eps, elements,
           (unsigned long long)sgf_config_parameters(&m->config), (int)m->config.bos);
    for (i = 0; i < m->config.eos_count; i++) printf(" %d", (int)m->config.eos[i]);
    printf("\n");
    sgf_model_free(m);
    return 0;
}
"""

CLASSES = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
    "mistral": (transformers.MistralConfig, transformers.MistralForCausalLM),
    "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM),
    "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM),
    "phi3": (transformers.Phi3Config, transformers.Phi3ForCausalLM),
    "granite": (transformers.GraniteConfig, transformers.GraniteForCausalLM),
    "smollm3": (transformers.SmolLM3Config, transformers.SmolLM3ForCausalLM),
    "olmo2": (transformers.Olmo2Config, transformers.Olmo2ForCausalLM),
    "gemma3_text": (transformers.Gemma3TextConfig, transformers.Gemma3ForCausalLM),
}


def rope(r, context):
    """One of the RoPE settings, as rope_parameters."""
    base = {"rope_theta": r.choice([10000.0, 500000.0, 1e6])}
    kind = r.choice(["default", "linear", "dynamic", "llama3", "yarn", "yarn"])
    base["rope_type"] = kind
    if kind != "default":
        base["factor"] = r.choice([2.0, 4.0, 8.0, 32.0])
    if kind == "llama3":
        base.update(low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=r.choice([64, 8192]))
    if kind == "yarn":
        base["original_max_position_embeddings"] = r.choice([context, context // 4])
        base.update(r.choice([{}, {"beta_fast": 16.0, "beta_slow": 2.0}, {"attention_factor": 1.25},
                              {"mscale": 0.707, "mscale_all_dim": 1.0}, {"truncate": False}]))
    return base


def random_config(r, kind):
    heads, groups, width = r.choice([(4, 2), (4, 4), (6, 2), (3, 1)]) + (r.choice([8, 16, 64]),)
    context, layers = r.choice([128, 2048, 32768]), r.choice([1, 2, 5])
    options = dict(vocab_size=r.choice([50, 128]), hidden_size=heads * r.choice([8, 16]), intermediate_size=r.choice([24, 40]),
                   num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=groups, max_position_embeddings=context,
                   rms_norm_eps=r.choice([1e-5, 1e-6]), tie_word_embeddings=r.choice([True, False]),
                   rope_parameters=rope(r, context), bos_token_id=r.choice([None, 1]), eos_token_id=r.choice([None, 2, [3, 4]]))
    if kind != "qwen2" and r.random() < 0.7:
        options["head_dim"] = width
    if kind in ("llama", "qwen3", "granite", "smollm3", "olmo2", "gemma3_text"):
        options["attention_bias"] = r.choice([True, False])
    if kind in ("llama", "granite", "smollm3"):
        options["mlp_bias"] = r.choice([True, False])
    if kind in ("phi3", "smollm3", "olmo2", "gemma3_text"):
        options["pad_token_id"] = 0
    if kind == "phi3":
        options["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0}
    if kind == "gemma3_text":
        options.update(sliding_window=16, layer_types=[r.choice(["full_attention", "sliding_attention"]) for _ in range(layers)])
        options["rope_parameters"] = {
            "full_attention": r.choice([{"rope_type": "default"}, {"rope_type": "linear", "factor": 8.0}]) | {"rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": r.choice([100.0, 10000.0])}}
    if kind == "smollm3":
        options.update(use_sliding_window=r.choice([True, False]), sliding_window=32,
                       no_rope_layers=r.choice([None, [r.choice([0, 1]) for _ in range(layers)]]))
    if kind in ("mistral", "phi3"):
        options["sliding_window"] = r.choice([None, 16])
    if kind in ("qwen2", "qwen3"):
        options.update(use_sliding_window=r.choice([True, False]), sliding_window=32, max_window_layers=r.choice([0, 1, 28]))
        if options["use_sliding_window"] and r.random() < 0.5:
            options["layer_types"] = [r.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]
    return CLASSES[kind][0](**options)


def old_spelling(folder):
    """config.json as transformers 4 wrote it."""
    path = os.path.join(folder, "config.json")
    config = json.load(open(path))
    parameters = config.pop("rope_parameters")
    if "full_attention" in parameters:
        config["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        parameters = parameters["full_attention"]
    config["rope_theta"] = parameters.pop("rope_theta")
    config["rope_scaling"] = None if parameters["rope_type"] == "default" else parameters
    if config["rope_scaling"] and len(config["rope_scaling"]) % 2 and config["model_type"] != "gemma3_text":
        config["rope_scaling"]["type"] = config["rope_scaling"].pop("rope_type")
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.45.0"
    json.dump(config, open(path, "w"))


def weight_sum(tensor):
    raw = tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().astype(np.uint64)
    return int((raw * np.arange(1, len(raw) + 1, dtype=np.uint64)).sum(dtype=np.uint64))


def tensors(model):
    """Names and weights as the driver shows them."""
    c, kind = model.config, model.config.model_type
    heads = c.num_attention_heads, c.num_key_value_heads, c.num_key_value_heads
    C = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    for name, t in model.state_dict().items():
        parts = [(name, t)]
        if "qkv_proj" in name:
            parts = [(name.replace("qkv", letter), part) for letter, part in zip("qkv", t.split([h * C for h in heads]))]
        if "gate_up" in name:
            parts = [(name.replace("gate_up", side), part) for side, part in zip(("gate", "up"), t.chunk(2))]
        for name, t in parts:
            if kind in ("olmo2", "gemma3_text"):
                name = name.replace("post_attention_layernorm.weight", "attention's output norm")
                name = name.replace("pre_feedforward_layernorm.weight", "post_attention_layernorm.weight")
                name = name.replace("post_feedforward_layernorm.weight", "the feed-forward's output norm")
            if kind == "gemma3_text" and name.endswith(("norm.weight", "output norm")):
                t = 1 + t.float()
            yield name, t


def expected(model):
    config, lines, count = model.config, [], 0
    names = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    for name, t in tensors(model):
        rows, cols = t.shape if t.dim() == 2 else (1, t.shape[0])
        lines.append(f"tensor {name} {rows} {cols} {names[t.dtype]} {weight_sum(t)}")
    for i in range(config.num_hidden_layers):
        rope = 0
        if config.model_type in ("mistral", "phi3"):
            window = config.sliding_window
        else:
            window = getattr(model.model.layers[i].self_attn, "sliding_window", None)
        if config.model_type == "smollm3" and not config.no_rope_layers[i]:
            rope = -1
        if config.model_type == "gemma3_text" and window:
            rope = 1
        lines.append(f"window {i} {window or 0}, rope {rope}")
    count = sum(p.numel() for p in model.parameters())
    lines.append(f"parameters {count} {count}")
    lines.append(f"eps {np.float32(config.rms_norm_eps):.9g}")
    ids = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    lines.append(" ".join(["ids", str(-1 if config.bos_token_id is None else config.bos_token_id)] +
                          [str(i) for i in ids if i is not None]))
    return set(lines)


def frequencies(config):
    if config.model_type == "gemma3_text":
        both = []
        for name in ("full_attention", "sliding_attention"):
            plain = transformers.LlamaConfig(head_dim=config.head_dim, rope_parameters=dict(config.rope_parameters[name]))
            both.append(frequencies(plain)[0])
        return np.concatenate(both), 1.0
    kind = config.rope_parameters["rope_type"]
    if kind == "default":
        f, factor = transformers.models.llama.modeling_llama.LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    else:
        f, factor = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS[kind](config, "cpu")
    return f.numpy(), factor


def run(driver, folder):
    out = subprocess.run([driver, folder], capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{folder}: {out.stderr}")
    lines = out.stdout.strip().split("\n")
    freq = [np.array(l.split()[1:], dtype=np.float32) for l in lines if l.startswith("freq")][0]
    factor = [float(l.split()[1]) for l in lines if l.startswith("factor")][0]
    return {l for l in lines if not l.startswith(("freq", "factor"))}, freq, factor


def golden():
    cases = [{"rope_type": "default"}, {"rope_type": "linear", "factor": 4.0}, {"rope_type": "dynamic", "factor": 2.0},
             {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 2048},
             {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048},
             {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048, "truncate": False},
             {"rope_type": "yarn", "factor": 40.0, "original_max_position_embeddings": 4096, "beta_fast": 16.0,
              "beta_slow": 2.0, "mscale": 0.707, "mscale_all_dim": 1.0},
             {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "attention_factor": 1.5},
             {"rope_type": "yarn", "rope_theta": 20.0, "factor": 4.0, "beta_fast": 1000.0,
              "original_max_position_embeddings": 4096}]
    for parameters in cases:
        config = transformers.LlamaConfig(head_dim=16, max_position_embeddings=64, hidden_size=8, num_attention_heads=2,
                                          rope_parameters={"rope_theta": 10000.0, **parameters})
        f, factor = frequencies(config)
        text = json.dumps({"rope_parameters": parameters})[1:-1].replace('"', '\\"')
        numbers = ", ".join(f"{x:.9e}f" for x in f)
        print(f'{{"{text}", {{{numbers}}}, {np.float32(factor):.9e}f}},')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--header", default=os.path.join(os.path.dirname(__file__), "../../segfuse.h"))
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--golden", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    if options.golden:
        return golden()
    worst = 0.0
    with tempfile.TemporaryDirectory() as work:
        driver, source = os.path.join(work, "driver"), os.path.join(work, "driver.c")
        open(source, "w").write(DRIVER)
        subprocess.run([options.cc, "-O1", "-std=c99", "-I", os.path.dirname(os.path.abspath(options.header)), source, "-o",
                        driver, "-lm", "-lpthread"], check=True)
        for seed in range(options.rounds):
            for kind in CLASSES:
                r = random.Random(f"{kind}{seed}")
                torch.manual_seed(seed)
                config = random_config(r, kind)
                model = CLASSES[kind][1](config).to(r.choice([torch.float32, torch.float16, torch.bfloat16]))
                with torch.no_grad():
                    for p in model.parameters():
                        p.normal_()
                folder = os.path.join(work, f"{kind}-{seed}")
                size = r.choice(["20KB", "5GB"])
                model.save_pretrained(folder, max_shard_size=size)
                wanted = expected(model)
                f, factor = frequencies(config)
                for spelling in ("new", "old"):
                    if spelling == "old":
                        old_spelling(folder)
                    got, freq, scale = run(driver, folder)
                    if got != wanted:
                        sys.exit(f"{folder} ({spelling}): only here {sorted(got - wanted)}, only there {sorted(wanted - got)}")
                    error = float(np.max(np.abs(freq.astype(np.float64) - f) / f))
                    worst = max(worst, error, abs(scale - factor))
                    if error > 1e-6 or abs(scale - factor) > 1e-6:  # transformers blends in f32, which cancels
                        sys.exit(f"{folder} ({spelling}, {config.rope_parameters}): {freq} {scale}, wanted {f} {factor}")
                print(f"ok {kind} {seed} {config.rope_parameters.get('rope_type', '')} {len(os.listdir(folder))} files", flush=True)
    print(f"all equal; largest relative difference of a frequency {worst:.2e}")


if __name__ == "__main__":
    main()
