#!/usr/bin/env python3
"""config.json in random combinations of old and new keys: what transformers' configuration classes make of it is what
segfuse.h computes, or segfuse.h refuses it.

Every value that the forward pass uses is compared: sizes, biases, windows of all layers, RoPE's frequencies and its
factor, end-of-sequence ids, type. For --models of those that both accept, a model of random weights is saved and its
logits are compared, too.

    config_oracle.py [--count 2000] [--models 40] [--seed 1]
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = os.environ["TQDM_DISABLE"] = "1"

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

HARNESS = r"""
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"
int main(int argc, char **argv) {
    int i, l;
    for (i = 1; i < argc; i++) {
        sgf_config c;
        sgf_error err;
        float freq[4096], factor;
        sgf_status status = sgf_config_load(argv[i], NULL, &c, &err);
        if (!status && c.head_dim > 8192) return 1;
        if (!status) status = sgf__rope_frequencies(&c, freq, &factor, &err);
        if (status) { printf("refused\t%s\n", err.message); continue; }
        printf("{\"vocab_size\": %d, \"dim\": %d, \"layers\": %d, \"heads\": %d, \"kv_heads\": %d, \"head_dim\": %d, "
               "\"ffn_dim\": %d, \"context\": %d, \"eps\": %.9g, \"qkv_bias\": %d, \"out_bias\": %d, \"mlp_bias\": %d, "
               "\"qk_norm\": %d, \"tied\": %d, \"dtype\": %d, \"factor\": %.9g", c.vocab_size, c.dim, c.layers, c.heads,
               c.kv_heads, c.head_dim, c.ffn_dim, c.context, (double)c.rms_eps, c.qkv_bias, c.out_bias, c.mlp_bias,
               c.qk_norm, c.tied, (int)c.dtype, (double)factor);
        printf(", \"scales\": [%.9g, %.9g, %.9g, %.9g], \"gelu\": %d", c.embedding_scale, c.residual_scale,
               c.score_scale, c.logit_divisor, c.gelu);
        printf(", \"ropes\": [");
        for (l = 0; l < c.layers; l++) printf("%s%d", l ? ", " : "", sgf_config_rope(&c, l));
        printf("], \"windows\": [");
        for (l = 0; l < c.layers; l++) printf("%s%d", l ? ", " : "", sgf_config_window(&c, l));
        printf("], \"eos\": [");
        for (l = 0; l < c.eos_count; l++) printf("%s%d", l ? ", " : "", c.eos[l]);
        printf("], \"freq\": [");
        for (l = 0; l < c.head_dim / (c.rope_local_theta > 0 ? 1 : 2); l++) printf("%s%.9g", l ? ", " : "", (double)freq[l]);
        printf("]}\n");
    }
    return 0;
}
"""

KINDS = {"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM",
         "qwen3": "Qwen3ForCausalLM", "phi3": "Phi3ForCausalLM", "granite": "GraniteForCausalLM",
         "smollm3": "SmolLM3ForCausalLM", "olmo2": "Olmo2ForCausalLM", "gemma3_text": "Gemma3ForCausalLM"}
BIASED = ("llama", "qwen3", "granite", "smollm3", "olmo2", "gemma3_text")


def rope(r, key):
    """RoPE's settings in one of the two spellings, whole or with something odd."""
    kind = r.choice(["default", "linear", "dynamic", "llama3", "yarn", "default"])
    settings = {r.choice(["rope_type", "rope_type", "type"]): kind}
    if kind != "default" and r.random() < 0.95:
        settings["factor"] = r.choice([1.0, 2.0, 4, 8.0, 32.0])
    if kind == "llama3":
        settings.update(low_freq_factor=r.choice([1.0, 1]), high_freq_factor=4.0)
    if kind in ("llama3", "yarn", "dynamic") and r.random() < 0.8:
        settings["original_max_position_embeddings"] = r.choice([32, 64, 8192])
    if kind == "yarn":
        for name, values in (("beta_fast", [32, 16]), ("beta_slow", [1, 2]), ("attention_factor", [1.0, 0.9, None]),
                             ("mscale", [1.0, 0.707]), ("mscale_all_dim", [1.0, 0.707]), ("truncate", [True, False])):
            if r.random() < 0.3:
                settings[name] = r.choice(values)
    if r.random() < 0.1:
        settings[r.choice(["factor", "rope_type", "original_max_position_embeddings", "low_freq_factor"])] = None
    if r.random() < 0.05:
        settings["partial_rotary_factor"] = r.choice([0.5, 1.0])
    if key == "rope_parameters" and r.random() < 0.85:
        settings["rope_theta"] = r.choice([10000.0, 500000, 1e6])
    return settings if r.random() < 0.97 else r.choice([{}, None, {"rope_type": "nonsense"}])


def combination(r):
    kind = r.choice(list(KINDS))
    heads = r.choice([2, 4])
    c = {"model_type": kind, "architectures": [KINDS[kind]], "vocab_size": 64, "hidden_size": 32,
         "intermediate_size": 48, "num_hidden_layers": r.choice([1, 2, 3]), "num_attention_heads": heads}
    maybe = [
        ("num_key_value_heads", [1, 2, heads, None, 3]), ("head_dim", [8, 16, 32, None]),
        ("max_position_embeddings", [128, 64, 4096, None]), ("rms_norm_eps", [1e-5, 1e-6, 1e-2, None]),
        ("hidden_act", ["silu", "gelu", None]), ("attention_bias", [True, False, None]),
        ("mlp_bias", [True, False]), ("tie_word_embeddings", [True, False, None]),
        ("rope_theta", [10000.0, 500000.0, 1000000, None]), ("sliding_window", [4, 16, 4096, None, 0]),
        ("use_sliding_window", [True, False, None]), ("max_window_layers", [0, 1, 2, 28, None]),
        ("dtype", ["float32", "bfloat16", "float16", None]), ("torch_dtype", ["float32", "bfloat16", None]),
        ("eos_token_id", [2, [2, 3], None, [], 63]), ("bos_token_id", [1, None]), ("attention_dropout", [0.0]),
        ("partial_rotary_factor", [1.0, 0.5]), ("original_max_position_embeddings", [32]),
        ("pad_token_id", [None, 0]),
        ("layer_types", [["full_attention"] * c["num_hidden_layers"], ["sliding_attention"] * c["num_hidden_layers"],
                         ["full_attention"] * (c["num_hidden_layers"] - 1) + ["sliding_attention"], ["full_attention"],
                         None]),
        ("quantization_config", [None]), ("pretraining_tp", [1, 2]), ("use_cache", [True]),
        ("embedding_multiplier", [12.0, 3, None]), ("residual_multiplier", [0.22]), ("logits_scaling", [8.0, 3]),
        ("attention_multiplier", [0.125, 1]), ("query_pre_attn_scalar", [16, 100]),
        ("hidden_activation", ["gelu_pytorch_tanh", "silu", "gelu"]), ("sliding_window_pattern", [2, 1, 6]),
        ("final_logit_softcapping", [None, 30.0]), ("attn_logit_softcapping", [None]),
        ("use_bidirectional_attention", [False, None]), ("rope_local_base_freq", [100.0, 10000]),
        ("no_rope_layer_interval", [2, 4, 1]),
        ("no_rope_layers", [[r.choice([0, 1]) for _ in range(c["num_hidden_layers"])], None, [1]]),
    ]
    if r.random() < 0.95:  # the classes' defaults are for models of other sizes
        c["num_key_value_heads"] = r.choice([1, 2, heads])
    for name, values in maybe:
        if r.random() < 0.25:
            c[name] = values[0] if r.random() < 0.6 else r.choice(values)
    if kind in ("phi3", "smollm3", "olmo2", "gemma3_text"):
        c["pad_token_id"] = 0  # the classes' own is for larger vocabularies
    if kind == "gemma3_text" and r.random() < 0.4:
        c["rope_parameters"] = {name: rope(r, "rope_parameters") if r.random() < 0.6 or name == "full_attention" else
                                {"rope_type": "default", "rope_theta": 100.0}
                                for name in ("full_attention", "sliding_attention") if r.random() < 0.8}
    if r.random() < 0.02:
        c["text_config"] = r.choice([{}, {"hidden_size": 64}])
    for key in ("rope_scaling", "rope_parameters"):
        if r.random() < 0.35 and key not in c:
            c[key] = rope(r, key)
    for name in ("vocab_size", "hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size",
                 "model_type", "architectures"):
        if r.random() < 0.012:
            if r.random() < 0.5:
                del c[name]
            else:
                c[name] = r.choice([None, 0, "32", [], 32.0])
    return c


def theirs(folder, given):
    """The values that transformers computes with, in our words; an Exception if it refuses."""
    config = AutoConfig.from_pretrained(folder)
    sub = config.get_text_config()
    heads, dim, layers = sub.num_attention_heads, sub.hidden_size, sub.num_hidden_layers
    head_dim = getattr(sub, "head_dim", None) or dim // heads
    kind = sub.model_type
    types = getattr(sub, "layer_types", None) or ["full_attention"] * layers
    window = getattr(sub, "sliding_window", None)
    if kind in ("mistral", "phi3"):  # their masks are one for all layers
        windows = [window or 0] * layers
    elif kind in ("llama", "granite", "olmo2"):
        windows = [0] * layers
    else:
        windows = [window or 0 if t == "sliding_attention" else 0 for t in types]
    kv_heads = sub.num_key_value_heads or heads
    if heads % kv_heads:
        raise ValueError("heads are no multiple of kv heads")
    gemma = kind == "gemma3_text"
    act = sub.hidden_activation if gemma else sub.hidden_act
    if act not in ("silu", "gelu_pytorch_tanh"):
        raise ValueError("act")
    if gemma and (sub.final_logit_softcapping is not None or sub.attn_logit_softcapping is not None):
        raise ValueError("soft caps")
    ropes = [0] * layers
    if kind == "smollm3":
        ropes = [0 if sub.no_rope_layers[i] else -1 for i in range(layers)]
    if gemma:
        ropes = [int(w > 0) for w in windows]
    if gemma and set(types) - {"full_attention", "sliding_attention"}:
        raise ValueError("layer types")
    freq, factor = [], 1.0
    for layer_type in ("full_attention", "sliding_attention") if gemma else (None, ):
        params = sub.rope_parameters[layer_type] if gemma else sub.rope_parameters or {}
        how = params.get("rope_type", params.get("type", "default") if gemma else "default")
        partial = params.get("partial_rotary_factor", 1.0)
        if partial != 1.0:
            raise ValueError("partial")
        if how == "default":
            part = 1.0 / (params["rope_theta"] ** (torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim))
        else:
            part, f = ROPE_INIT_FUNCTIONS[how](sub, torch.device("cpu"), seq_len=None, layer_type=layer_type)
            factor = f if layer_type != "sliding_attention" else factor
        freq.append(part)
    freq = torch.cat(freq)
    if not torch.isfinite(freq).all():
        raise ValueError("frequencies")
    scales = [1.0, 1.0, head_dim ** -0.5, 1.0]
    if kind == "granite":
        scales = [sub.embedding_multiplier, sub.residual_multiplier, sub.attention_multiplier, sub.logits_scaling]
    if gemma:
        scales = [dim ** 0.5, 1.0, sub.query_pre_attn_scalar ** -0.5, 1.0]
    eos = config.eos_token_id
    dtype = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2, None: 0}[sub.dtype]
    return {"vocab_size": sub.vocab_size, "dim": dim, "layers": layers, "heads": heads, "kv_heads": kv_heads,
            "head_dim": head_dim, "ffn_dim": sub.intermediate_size, "context": sub.max_position_embeddings,
            "eps": sub.rms_norm_eps,
            "qkv_bias": int(kind == "qwen2" or (kind in BIASED and bool(sub.attention_bias))),
            "out_bias": int(kind in BIASED and bool(sub.attention_bias)),
            "mlp_bias": int(kind in ("llama", "granite", "smollm3") and bool(sub.mlp_bias)),
            "qk_norm": {"qwen3": 1, "gemma3_text": 1, "olmo2": 2}.get(kind, 0), "scales": scales,
            "gelu": int(act != "silu"), "ropes": ropes,
            "tied": int(bool(config.tie_word_embeddings)), "dtype": dtype, "windows": windows,
            "eos": [] if eos is None else eos if isinstance(eos, list) else [eos],
            "freq": freq.tolist(), "factor": factor}


def differs(a, b):
    for key in b:
        x, y = a[key], b[key]
        if key in ("freq", "factor", "eps", "scales"):
            if np.shape(x) != np.shape(y) or not np.allclose(x, y, rtol=3e-6, atol=0):
                return key
        elif x != y:
            return key
    return None


def logits_differ(folder, segfuse, given, work):
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(folder)
    try:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    except Exception as e:
        return None if isinstance(e, (TypeError, ValueError)) else str(e)  # refused there, after all
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.3 if p.dim() > 1 else 1 + torch.randn_like(p) * 0.1)
    model.save_pretrained(folder, max_shard_size="1GB")
    for name in os.listdir(folder):
        if name == "generation_config.json":
            os.remove(os.path.join(folder, name))
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(dict(given, dtype="float32"), f)
    ids = [7 * i % 61 for i in range(24)]
    with open(work + "/layout.json", "w") as f:
        json.dump({"tokens": ids, "segments": [0] * 24, "visible": [[1]]}, f)
    done = subprocess.run([segfuse, "forward", "--model", folder, "--layout", work + "/layout.json", "--output",
                           work + "/out.npy"], capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    try:
        with torch.no_grad():
            wanted = model(torch.tensor([ids]), use_cache=False).logits[0].numpy()
    except AttributeError:
        return None  # a setting that its own forward pass does not know
    ours = np.load(work + "/out.npy")
    error = np.abs(ours - wanted).max() / np.abs(wanted).max()
    return None if error < 3e-5 else f"logits differ by {error:.2g}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--count", type=int, default=2000)
    p.add_argument("--models", type=int, default=40)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--segfuse", default="build/segfuse")
    a = p.parse_args()
    r = random.Random(a.seed)
    bad, equal, refused, both, lenient, models = 0, 0, {}, 0, {}, 0
    with tempfile.TemporaryDirectory() as work:
        with open(work + "/harness.c", "w") as f:
            f.write(HARNESS)
        subprocess.run(["cc", "-std=c99", "-w", "-O1", "-I.", work + "/harness.c", "-o", work + "/harness", "-lm",
                        "-pthread"], check=True)
        cases = [combination(r) for _ in range(a.count)]
        for i, c in enumerate(cases):
            os.mkdir(f"{work}/{i}")
            with open(f"{work}/{i}/config.json", "w") as f:
                json.dump(c, f)
        lines = subprocess.run([work + "/harness"] + [f"{work}/{i}" for i in range(a.count)], capture_output=True,
                               text=True, check=True).stdout.splitlines()
        assert len(lines) == a.count
        for i, (c, line) in enumerate(zip(cases, lines)):
            ours = None if line.startswith("refused") else json.loads(line)
            try:
                wanted = theirs(f"{work}/{i}", c)
            except Exception as e:
                wanted, why = None, f"{type(e).__name__}: {e}".splitlines()[0][:100]
            if ours is None and wanted is None:
                both += 1
            elif ours is None:
                key = line.split("\t")[1].split("config.json: ")[-1][:90]
                refused[key] = refused.get(key, 0) + 1
            elif wanted is None:
                lenient[why] = lenient.get(why, []) + [c]
            else:
                key = differs(ours, wanted)
                if not key and models < a.models:
                    models += 1
                    key = logits_differ(f"{work}/{i}", a.segfuse, c, work)
                    if key:
                        print("MODEL", key)
                equal += not key
                if key:
                    bad += 1
                    if bad <= 12:
                        print(f"DIFFERS in {key}: {json.dumps(c)}\n  ours {ours.get(key)} theirs {wanted.get(key)}")
        print(f"{a.count} configurations: {equal} equal (of {models} also the logits), {both} refused by both, "
              f"{sum(refused.values())} refused here, {sum(map(len, lenient.values()))} refused there alone, {bad} differ")
        for key, n in sorted(refused.items(), key=lambda x: -x[1])[:20]:
            print(f"  refused here: {n:4d}  {key}")
        for why, cs in sorted(lenient.items(), key=lambda x: -len(x[1]))[:20]:
            print(f"  refused there: {len(cs):4d}  {why}\n      {json.dumps(cs[0])[:300]}")
    sys.exit(bad > 0)


main()
