#!/usr/bin/env python3
"""Make the golden models: tiny Hugging Face models and their logits for every kind of mask.

    make_golden.py OUTDIR [MODEL]...   all models, or those; needs torch, transformers, safetensors, numpy;
                                       same files every time

For each model in MODELS it writes a folder OUTDIR/<model>/ with

    config.json, generation_config.json, model.safetensors (or shards and model.safetensors.index.json)
        what save_pretrained writes: a model of two or three layers, no tokenizer. Where the
        row says `old`, config.json is put into the spelling of transformers 4 before anything reads it.

    cases.json      {"cases": [CASE, ...]}; a CASE is a layout (what `segfuse forward --layout` reads) and more:
        name            string, the case's name and its tensor's name in golden.safetensors
        tokens          T token ids
        segments        T ints, the segment 0..S-1 of every token
        positions       T ints, the RoPE position of every token
        visible         S rows of S 0/1: may a query of the row's segment see keys of the column's segment?
        mass            S numbers, the *logarithm* of the mass: mass[segment(k)] is added to the score of key k
                        when the query belongs to the answer segment, and only then (0 = nothing is added)
        answer          the number of the answer segment
        roles, groups, fusion   of a mixture: S names, S numbers of paraphrases or -1, "mixture"
        segment_names   S strings, to read only (not part of the layout)
        greedy          in two cases: 8 or 64 ids. The first one follows the last token; each is the argmax of the
                        last row (lowest id on ties) of the whole sequence computed anew, with the generated tokens
                        in the answer segment at the positions after the last one (not part of the layout)

    golden.safetensors      one F32 tensor [T, V] a case: the logits of every token.

A token q sees a token k iff k <= q and visible[segment(q)][segment(k)]; in a layer with a sliding window only if also
positions[q] - positions[k] < window. A row that sees nothing has an attention output of zero, as with FlexAttention.
Logits are computed by transformers on the CPU in float32; half-precision weights are read back from the saved file and
widened first.

A mixture: the answer attends once for each paraphrase, the others hidden, with no mass in the scores; the results are
averaged with the masses of the paraphrases that the token sees, divided by their sum.

Positions: `sequential` is the index. `aligned` starts every paraphrase right after the prefix (or the BOS), a separator
follows its paraphrase, and the answer segment starts one after the largest position before it.
`first`: the answer segment begins with the last prompt token (sequential) or with a cue of its own (aligned);
`after`: it holds generated tokens only.
"""
import json
import math
import os
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

# The cases of the smaller models. With a window: where positions are sequential, as windows are defined by them.
FEW = ("plain", "causal-sequential-first-mass1", "isolated-sequential-first-mass1", "shared-aligned-first-massN",
       "custom-zero-first", "custom-runs")
FEW_SEQUENTIAL = ("plain", "causal-sequential-first-mass1", "isolated-sequential-first-mass1",
                  "shared-sequential-after-massN", "custom-zero-first", "mixture-sequential")

# What the smaller models have in common. Without an end of sequence, as `greedy` goes on for long.
SMALL = dict(dtype=torch.float32, hidden_size=24, num_attention_heads=4, num_key_value_heads=2, intermediate_size=29,
             vocab_size=53, tie_word_embeddings=True, rms_norm_eps=1e-6, eos_token_id=None, cases=FEW,
             greedy_cases=("plain", "shared-aligned-first-massN"), num_greedy=64)
SLIDING = SMALL | dict(num_hidden_layers=3, cases=FEW_SEQUENTIAL,
                       greedy_cases=("plain", "shared-sequential-after-massN"))


def yarn(**options):
    """Of the four waves of a head of width 8 one is kept, one blended, two are stretched."""
    return dict(rope_type="yarn", rope_theta=100.0, factor=8.0, original_max_position_embeddings=32) | options


def local_rope(**options):
    """Gemma's: layers with a window have a theta of their own."""
    return dict(full_attention=dict(rope_theta=5000.0) | options,
                sliding_attention=dict(rope_type="default", rope_theta=100.0))


# One row a model. Sizes are odd on purpose (tails of vector loops), small on purpose (they are committed).
MODELS = {
    "llama-mha-untied": dict(
        seed=11, dtype=torch.float32, hidden_size=40, num_attention_heads=4, num_key_value_heads=4,
        intermediate_size=37, vocab_size=89, tie_word_embeddings=False, rms_norm_eps=1e-6),
    "llama-gqa-tied": dict(
        seed=12, dtype=torch.float32, hidden_size=48, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=38, vocab_size=80, tie_word_embeddings=True, rms_norm_eps=1e-3,
        rope_parameters=dict(rope_type="default", rope_theta=500.0)),
    "llama3-rope": dict(  # wavelengths 6.3, 63, 628, 6283: one kept, one blended, two divided
        seed=13, dtype=torch.float32, hidden_size=48, num_attention_heads=6, num_key_value_heads=2,
        intermediate_size=40, vocab_size=96, tie_word_embeddings=True, rms_norm_eps=1e-5, head_dim=8,
        max_position_embeddings=512,
        rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=64)),
    "llama-headdim-bf16": dict(
        seed=14, dtype=torch.bfloat16, hidden_size=48, num_attention_heads=4, num_key_value_heads=1,
        intermediate_size=80, vocab_size=96, tie_word_embeddings=False, rms_norm_eps=1e-5, head_dim=16),
    "llama-headdim-f16": dict(
        seed=15, dtype=torch.float16, hidden_size=48, num_attention_heads=4, num_key_value_heads=1,
        intermediate_size=80, vocab_size=96, tie_word_embeddings=False, rms_norm_eps=1e-5, head_dim=16),
    "llama-bias": SMALL | dict(seed=116, attention_bias=True, mlp_bias=True),
    "llama-old-spelling": SMALL | dict(
        seed=17, dtype=torch.float16, old=True, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="linear", rope_theta=2000.0, factor=2.5)),
    "linear-rope": SMALL | dict(
        seed=218, head_dim=8, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0)),
    "dynamic-rope": SMALL | dict(  # nothing is stretched before position 128
        seed=19, head_dim=8, max_position_embeddings=128,
        rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=4.0)),
    "yarn-rope": SMALL | dict(seed=20, head_dim=8, rope_parameters=yarn()),
    "yarn-rope-factor": SMALL | dict(seed=21, head_dim=8, rope_parameters=yarn(attention_factor=1.4)),
    "yarn-rope-mscale": SMALL | dict(
        seed=22, head_dim=8, rope_parameters=yarn(mscale=0.707, mscale_all_dim=1.2, beta_fast=4.0, beta_slow=0.5,
                                                  truncate=False)),
    "mistral-sharded": SMALL | dict(
        seed=23, kind="mistral", sliding_window=None, num_key_value_heads=1, tie_word_embeddings=False, shard="16KB"),
    "mistral-window": SLIDING | dict(
        seed=124, kind="mistral", sliding_window=6, num_attention_heads=3, num_key_value_heads=1, head_dim=10),
    "mistral-layer-types": SLIDING | dict(  # transformers calls it Ministral
        seed=430, kind="mistral", dtype=torch.float16, sliding_window=5, num_attention_heads=3, num_key_value_heads=1,
        head_dim=10, num_hidden_layers=2, layer_types=["sliding_attention", "full_attention"]),
    "qwen2": SMALL | dict(seed=525, kind="qwen2", rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
    "qwen2-window": SLIDING | dict(
        seed=126, kind="qwen2", old=True, use_sliding_window=True, sliding_window=6, max_window_layers=1),
    "qwen2-layer-types": SLIDING | dict(
        seed=427, kind="qwen2", use_sliding_window=True, sliding_window=5, max_window_layers=3,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "qwen3": SMALL | dict(seed=128, kind="qwen3", head_dim=10),
    "qwen3-window-bias": SLIDING | dict(
        seed=29, kind="qwen3", dtype=torch.bfloat16, head_dim=8, attention_bias=True, tie_word_embeddings=False,
        use_sliding_window=True, sliding_window=4, max_window_layers=2),
    "phi3": SMALL | dict(seed=431, kind="phi3", pad_token_id=0),
    "phi3-window": SLIDING | dict(
        seed=132, kind="phi3", dtype=torch.bfloat16, pad_token_id=0, sliding_window=6, tie_word_embeddings=False),
    "granite": SMALL | dict(
        seed=33, kind="granite", embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.3,
        logits_scaling=2.5),
    "granite-bias": SMALL | dict(
        seed=34, kind="granite", dtype=torch.float16, embedding_multiplier=12, residual_multiplier=0.22,
        attention_multiplier=0.125, logits_scaling=8, attention_bias=True, mlp_bias=True, tie_word_embeddings=False),
    "smollm3": SMALL | dict(seed=35, kind="smollm3", num_hidden_layers=3, no_rope_layer_interval=2, pad_token_id=0),
    "smollm3-window": SLIDING | dict(
        seed=536, kind="smollm3", dtype=torch.bfloat16, use_sliding_window=True, sliding_window=5, pad_token_id=0,
        no_rope_layers=[0, 1, 0], attention_bias=True, rope_parameters=yarn()),
    "olmo2": SMALL | dict(seed=137, kind="olmo2", pad_token_id=0),
    "olmo2-bias": SMALL | dict(
        seed=38, kind="olmo2", dtype=torch.bfloat16, num_attention_heads=3, num_key_value_heads=1, pad_token_id=0,
        attention_bias=True, tie_word_embeddings=False),
    "gemma3": SLIDING | dict(
        seed=39, kind="gemma3_text", sliding_window=6, head_dim=10, query_pre_attn_scalar=7, pad_token_id=0,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"], rope_parameters=local_rope(
            rope_type="linear", factor=2.0)),
    "gemma3-old-spelling": SLIDING | dict(
        seed=40, kind="gemma3_text", dtype=torch.bfloat16, sliding_window=4, sliding_window_pattern=2, head_dim=8,
        query_pre_attn_scalar=24, pad_token_id=0, old=True, rope_parameters=local_rope(rope_type="default")),
}
LAYOUT_KEYS = ("name", "tokens", "segments", "positions", "visible", "mass", "answer")
MIXTURE_KEYS = ("roles", "groups", "fusion")
PARAPHRASES = (3, 5, 2)  # tokens each
GENERATED = 3            # answer tokens in every layout
BOS = 1                  # token id; the other ids are drawn from 3..V-1
ATTENTION = "segfuse_reference"


# ---- the reference attention -------------------------------------------------------------------------------------

MIXED = []  # while a mixture is computed: weight, mask and keys [T] of each paraphrase


def reference_attention(module, query, key, value, attention_mask, **options):
    """One softmax or, of a mixture, the mean of one for each paraphrase."""
    if not MIXED:
        return softmax_attention(query, key, value, attention_mask, **options)
    parts = [softmax_attention(query, key, value, mask, **options) for _, mask, _ in MIXED]
    seen = [(hide_far(mask, **options)[0, 0] > -math.inf)[:, keys].any(dim=-1) for _, mask, keys in MIXED]
    weights = torch.stack([weight * rows for (weight, _, _), rows in zip(MIXED, seen)])  # [N, T]
    weights[:, weights.sum(dim=0) == 0] = 1.0  # rows that see no paraphrase: all parts are equal
    weights = weights / weights.sum(dim=0)
    return tuple(sum(w.reshape(shape) * part[i] for w, part in zip(weights, parts))
                 for i, shape in enumerate([(1, -1, 1, 1), (1, 1, -1, 1)]))


def hide_far(attention_mask, sliding_window=None, position_ids=None, **_):
    """Of a layer with a window, keys that many positions back are hidden too."""
    if sliding_window is None:
        return attention_mask
    positions = position_ids[0]
    return attention_mask.masked_fill(positions[:, None] - positions >= sliding_window, -math.inf)


def softmax_attention(query, key, value, attention_mask, scaling=None, **options):
    """softmax(q k^T * scaling + bias) v in plain torch. attention_mask is the additive bias [1, 1, T, T]: -inf where
    hidden, the log mass where visible. A row that is hidden everywhere gives zero."""
    attention_mask = hide_far(attention_mask, **options)
    groups = query.shape[1] // key.shape[1]
    key = key.repeat_interleave(groups, dim=1)
    value = value.repeat_interleave(groups, dim=1)
    scores = query @ key.transpose(2, 3) * scaling + attention_mask
    empty = torch.isneginf(attention_mask).all(dim=-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(empty, 0.0), dim=-1).masked_fill(empty, 0.0)
    return (weights @ value).transpose(1, 2).contiguous(), weights


AttentionInterface.register(ATTENTION, reference_attention)


def visible_tokens(layout):
    """The layout's [T, T] bool mask, by the rule and nothing else."""
    segments, visible = layout["segments"], layout["visible"]
    T = len(segments)
    return torch.tensor([[k <= q and bool(visible[segments[q]][segments[k]]) for k in range(T)] for q in range(T)])


def additive_mask(layout):
    segments, mass, answer = layout["segments"], layout["mass"], layout["answer"]
    T = len(segments)
    bias = torch.tensor([[mass[segments[k]] if segments[q] == answer else 0.0 for k in range(T)] for q in range(T)])
    return bias.masked_fill(~visible_tokens(layout), -math.inf).reshape(1, 1, T, T)


def mixed_masks(layout):
    """The weight, the mask and the keys of each paraphrase of a mixture; none of another layout."""
    if "fusion" not in layout:
        return []
    mass, groups, answer = layout["mass"], layout["groups"], layout["answer"]
    weights = {g: math.exp(m) for g, m, role in zip(groups, mass, layout["roles"]) if role == "para"}
    masks = []
    for group, weight in weights.items():
        visible = [list(row) for row in layout["visible"]]
        visible[answer] = [bit and g in (-1, group) for bit, g in zip(visible[answer], groups)]
        mask = additive_mask(layout | dict(visible=visible, mass=[0.0] * len(mass)))
        masks.append((weight, mask, torch.tensor([groups[segment] == group for segment in layout["segments"]])))
    return masks


@torch.no_grad()
def forward(model, layout):
    """Logits [T, V] of a layout in float32; no cache, everything computed at once."""
    MIXED[:] = mixed_masks(layout)
    logits = model(input_ids=torch.tensor([layout["tokens"]]), position_ids=torch.tensor([layout["positions"]]),
                   attention_mask=additive_mask(layout), use_cache=False).logits[0]
    MIXED.clear()
    return logits


def load(folder, attention=ATTENTION):
    """The saved model with its weights widened to float32. (Not loaded in 16 bits first: Gemma's scale of embeddings would
    be rounded.)"""
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention, dtype=torch.float32).eval()


# ---- models ------------------------------------------------------------------------------------------------------

def bell(generator, shape):
    """About N(0, 1): the sum of four 16-bit integers, exact in float32 and so the same on every machine."""
    count = math.prod(shape)
    pieces = generator.random_raw(count).view(np.uint16).reshape(count, 4).astype(np.int64)
    centred = pieces.sum(axis=1) - 2 * 65535
    return torch.from_numpy((centred / 37837.0).astype(np.float32)).reshape(shape)


def old_spelling(folder):
    """config.json as transformers 4 wrote it in 2023."""
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    for key in () if config["model_type"] == "gemma3_text" else ("head_dim", ):
        config.pop(key, None)
    config.pop("layer_types", None)
    parameters = config.pop("rope_parameters")
    if "full_attention" in parameters:
        config["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        parameters = parameters["full_attention"]
    config["rope_theta"] = parameters.pop("rope_theta")
    kind = parameters.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else dict(type=kind, **parameters)
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.31.0"
    with open(path, "w", encoding="ascii", newline="\n") as file:
        json.dump(config, file, indent=2, sort_keys=True)
        file.write("\n")


def make_model(folder, seed, dtype, kind="llama", old=False, shard="1GB", **sizes):
    """A random model whose attention is sharp enough for masks to matter, saved in `dtype`."""
    options = dict(num_hidden_layers=2, max_position_embeddings=256, hidden_act="silu", bos_token_id=BOS,
                   eos_token_id=2, rope_parameters=dict(rope_type="default", rope_theta=10000.0))
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(options | sizes)))
    generator = np.random.PCG64(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = bell(generator, tuple(weight.shape))
            one = name.endswith("norm.weight") and kind != "gemma3_text"  # which adds 1 itself
            weight.copy_(one + 0.3 * noise)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    if old:
        old_spelling(folder)


# ---- layouts -----------------------------------------------------------------------------------------------------

class Builder:
    """Collects runs of tokens; every run names its segment. A name used twice is one segment in two places."""

    def __init__(self):
        self.names, self.segments, self.positions = [], [], []

    def add(self, name, count, position):
        if name not in self.names:
            self.names.append(name)
        self.segments += [self.names.index(name)] * count
        self.positions += range(position, position + count)


def kind(name):
    """`para2` -> `para`: a segment's role is its name without the number."""
    return name.rstrip("0123456789")


def sees_causal(q, k):
    return True


def sees_isolated(q, k):
    if kind(q) == "answer":
        return True
    if "sep" in (kind(q), kind(k)):
        return False
    return q == k or kind(k) == "bos"


def sees_shared(q, k):
    return kind(q) == "answer" or q == k or (kind(k) == "prefix" and kind(q) == "para")


SEES = {"causal": sees_causal, "isolated": sees_isolated, "shared": sees_shared}


def finish(generator, name, builder, sees, vocab, log_weight):
    """A layout from the runs: random tokens, the S x S matrix, the masses of the paraphrases."""
    names = builder.names
    tokens = [3 + int(raw % (vocab - 3)) for raw in generator.random_raw(len(builder.segments))]
    if names[0] in ("bos", "prefix", "all"):
        tokens[0] = BOS
    return dict(name=name, tokens=tokens, segments=builder.segments, positions=builder.positions,
                visible=[[int(sees(q, k)) for k in names] for q in names],
                mass=[log_weight.get(n, log_weight.get(kind(n), 0.0)) for n in names],
                answer=names.index("answer") if "answer" in names else 0, segment_names=names)


def make_layout(generator, vocab, mask, positions, start, mass, head, separators):
    """One of the named masks on: head (`bos` or a `prefix` of 4), three paraphrases, separators between, answer.
    separators: None, `own` (a segment each), `one` (all in one segment) or `para` (part of the paraphrase before)."""
    builder = Builder()
    builder.add(head, 1 if head == "bos" else 4, 0)
    after_head = len(builder.segments)
    cue = 2 if start == "first" and positions == "aligned" else 0
    for number, count in enumerate(PARAPHRASES, start=1):
        last = number == len(PARAPHRASES)
        position = len(builder.segments) if positions == "sequential" else after_head
        if last and start == "first" and not cue:
            count -= 1  # its last token asks for the answer and goes to the answer segment
        builder.add(f"para{number}", count, position)
        if separators and not (last and not cue):
            name = {"own": f"sep{number}", "one": "sep", "para": f"para{number}"}[separators]
            builder.add(name, 1, position + count)
    fused_prompt = cue or (1 if start == "first" else 0)
    builder.add("answer", fused_prompt + GENERATED, max(builder.positions) + 1)
    log_weight = {"para": -math.log(len(PARAPHRASES))} if mass == "massN" else {}
    return finish(generator, f"{mask}-{positions}-{start}-{mass}", builder, SEES[mask], vocab, log_weight)


def make_single(generator, vocab):
    builder = Builder()
    builder.add("all", 1, 0)
    return finish(generator, "single", builder, sees_causal, vocab, {})


def make_plain(generator, vocab):
    """What everybody computes: one segment, one causal triangle."""
    builder = Builder()
    builder.add("all", 17, 0)
    return finish(generator, "plain", builder, sees_causal, vocab, {})


def make_zero_first(generator, vocab):
    """Begins with tokens that see nothing; a mass of its own for every paraphrase, above and below 1."""
    builder = Builder()
    for name, count in (("sep1", 2), ("para1", 3), ("sep2", 1), ("para2", 4), ("para3", 2), ("answer", 4)):
        builder.add(name, count, len(builder.segments))
    log_weight = {"para1": math.log(0.5), "para2": math.log(2.0), "para3": math.log(0.1), "sep": math.log(0.25)}
    return finish(generator, "custom-zero-first", builder, sees_isolated, vocab, log_weight)


def make_runs(generator, vocab):
    """Segments in several places, a matrix that is not symmetric (3 hides from itself), positions that repeat and
    jump, an answer segment in the middle too."""
    runs = ((0, 2, 0), (1, 3, 2), (0, 1, 9), (2, 2, 2), (3, 2, 4), (1, 2, 20), (4, 2, 12), (2, 2, 30), (4, 3, 14))
    visible = ((1, 0, 0, 0, 0), (1, 1, 0, 0, 0), (0, 1, 1, 0, 0), (0, 0, 1, 0, 0), (1, 0, 1, 1, 1))
    builder = Builder()
    for segment, count, position in runs:
        builder.add("answer" if segment == 4 else f"s{segment}", count, position)
    order = {name: index for index, name in enumerate(builder.names)}
    return finish(generator, "custom-runs", builder, lambda q, k: visible[order[q]][order[k]], vocab,
                  {"s0": math.log(1.5), "s2": math.log(0.3), "answer": math.log(1.25)})


def make_mixture(generator, vocab, positions):
    """Three paraphrases of different masses, with separators."""
    layout = make_layout(generator, vocab, "shared", positions, "first", "mass1", "prefix", "own")
    names = layout["segment_names"]
    kinds = dict(prefix="shared", para="para", sep="sep", answer="answer")
    mass = {"1": math.log(0.5), "2": math.log(0.3), "3": math.log(1.7)}
    return layout | dict(
        name=f"mixture-{positions}", mass=[mass.get(name[-1], 0.0) for name in names],
        roles=[kinds[kind(name)] for name in names],
        groups=[int(name[-1]) - 1 if name[-1] in mass else -1 for name in names], fusion="mixture")


CASES = (  # mask, positions, start, mass, head, separators
    ("causal", "sequential", "first", "mass1", "prefix", "own"),
    ("causal", "aligned", "after", "massN", "prefix", None),
    ("isolated", "sequential", "first", "mass1", "bos", "own"),
    ("isolated", "sequential", "first", "massN", "prefix", "one"),
    ("isolated", "sequential", "after", "mass1", "bos", "one"),
    ("isolated", "aligned", "first", "mass1", "bos", "own"),
    ("isolated", "aligned", "after", "massN", "bos", None),
    ("shared", "sequential", "first", "mass1", "prefix", "para"),
    ("shared", "sequential", "after", "massN", "prefix", "para"),
    ("shared", "aligned", "first", "mass1", "prefix", None),
    ("shared", "aligned", "first", "massN", "prefix", "para"),
    ("shared", "aligned", "after", "mass1", "prefix", "para"),
)
GREEDY_CASES = ("isolated-sequential-first-mass1", "shared-aligned-first-massN")


def make_layouts(seed, vocab):
    generator = np.random.PCG64(seed)
    layouts = [make_single(generator, vocab), make_plain(generator, vocab)]
    layouts += [make_layout(generator, vocab, *case) for case in CASES]
    layouts += [make_zero_first(generator, vocab), make_runs(generator, vocab)]
    return layouts + [make_mixture(generator, vocab, positions) for positions in ("aligned", "sequential")]


# ---- goldens -----------------------------------------------------------------------------------------------------

def extended(layout, token):
    """The layout with one more answer token."""
    return layout | dict(tokens=layout["tokens"] + [token], segments=layout["segments"] + [layout["answer"]],
                         positions=layout["positions"] + [layout["positions"][-1] + 1])


def greedy(model, layout, count):
    """The next `count` tokens. Refuses a close call, which another order of summation could turn."""
    tokens = []
    for _ in range(count):
        last = forward(model, layout)[-1]
        first, second = last.topk(2).values.tolist()
        if first - second < 1e-3 * last.abs().max().item():
            raise SystemExit(f"{layout['name']}: the greedy choice is too close, change the model's seed")
        tokens.append(int(last.argmax()))
        layout = extended(layout, tokens[-1])
    return tokens


def write_cases(path, cases):
    """JSON with one key a line."""
    def line(key, value):
        return f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
    bodies = [",\n".join(line(*item) for item in case.items()) for case in cases]
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write('{"cases": [\n{\n' + "\n},\n{\n".join(bodies) + "\n}\n]}\n")


def make_golden(folder, cases=None, greedy_cases=GREEDY_CASES, num_greedy=8, **options):
    """cases: the names of those to keep; None: all."""
    make_model(folder, **options)
    model = load(folder)
    layouts = make_layouts(options["seed"] + 1000, options["vocab_size"])
    layouts = [layout for layout in layouts if cases is None or layout["name"] in cases]
    logits = {layout["name"]: forward(model, layout).contiguous() for layout in layouts}
    for layout in layouts:
        if layout["name"] in greedy_cases:
            layout["greedy"] = greedy(model, layout, num_greedy)
    save_file(logits, os.path.join(folder, "golden.safetensors"))
    write_cases(os.path.join(folder, "cases.json"), layouts)


def make_all(directory, names=()):
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    for name in names or MODELS:
        folder = os.path.join(directory, name)
        os.makedirs(folder, exist_ok=True)
        make_golden(folder, **MODELS[name])


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= MODELS.keys():
        sys.exit("usage: make_golden.py OUTDIR [MODEL]...")
    make_all(sys.argv[1], sys.argv[2:])
