#!/usr/bin/env python3
"""Makes tests/golden/gguf and data/gguf_*: small models in GGUF files, and what the folders made of them must hold.

    make_gguf.py        (needs gguf, numpy and tokenizers, from PyPI)

    gguf/NAME.gguf               a model of random weights, written by gguf.GGUFWriter as llama.cpp's converter writes it
    data/gguf_NAME_weights.txt   for each weight of the folder: its name, its shape, the SHA-512 of its f32 values, the
                                 first four of them; the values are those of gguf.quants.dequantize
    data/gguf_NAME_ids.txt       texts and ids of the tokenizer that the vocabulary was taken from (fields as make_data.py
                                 writes them)

llama has every type of weights and a byte-level vocabulary; the others have the biases, norms and
multipliers of their architectures; sentencepiece has a vocabulary with scores; llama3 has scaled RoPE frequencies.
"""
import hashlib
import json
import os
import random
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_data import escaped  # noqa: E402

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gguf")
CORPUS = os.path.join(os.path.dirname(os.path.dirname(OUT)), "corpus", "gguf")  # of the fuzzer
DATA = os.path.join(os.path.dirname(OUT), "data")
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
SAMPLE = ["The capital of Japan is Tokyo.", "What's the name of it? It's 12345 m high!", "one two  three\n\n four\tfive",
          "caf\u00e9 cafe\u0301 \u65e5\u672c\u8a9e \U0001f600 na\u00efve", "I'LL we've DON'T x_y-z/w", "   ", " a", "a ",
          "<|end|>user<|end|>", "\r\n 7 77 777 7777", "\u00a0\u2003x", "@@ ## $5.00 (a) [b] {c}"]


def texts():
    r = random.Random(7)
    more = ["".join(r.choice(["a", "B", " ", "the", "1", "23", "\u00e9", "\u65e5", "'s", ".", "\n", "<|end|>", "<tool>", "_",
                              "e\u0301", "  "]) for _ in range(r.randrange(1, 14))) for _ in range(40)]
    return SAMPLE + more


def trained(pre, vocab=300):
    """A byte-level tokenizer with that pre-tokenizer, as its tokenizer.json would be."""
    t = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pre == "smollm")
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), level] if pre == "smollm" else
        [pre_tokenizers.Split(Regex(LLAMA3 if pre == "llama-bpe" else LLAMA3.replace("{1,3}", "")), "isolated"), level])
    if pre == "qwen2":
        t.normalizer = normalizers.NFC()
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(SAMPLE * 3 + ["the one of it is"] * 20, trainers.BpeTrainer(
        vocab_size=vocab - 4, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_special_tokens([AddedToken(x, normalized=False, special=True) for x in ("<|begin|>", "<|end|>", "<|pad|>")])
    t.add_tokens([AddedToken("<tool>", normalized=False, special=False)])
    if pre == "llama-bpe":
        t.post_processor = processors.TemplateProcessing(
            single="<|begin|> $A", pair="<|begin|> $A <|begin|> $B", special_tokens=[("<|begin|>", t.token_to_id("<|begin|>"))])
    return t


def sentencepiece():
    """A tokenizer as that of Llama 2: bytes, letters, and pieces whose score is their rank."""
    words = ["\u2581", "e", "t", "a", "h", "\u2581t", "he", "\u2581the", "th", "is", "\u2581is", "on", "\u2581one", "of", "\u2581o",
             "\u2581of", "it", "\u2581\u2581", "in", "\u65e5", "\u65e5\u672c", "ca", "pi", "tal", "capi", "\u2581capi", "\u2581capital"]
    letters = sorted(set("abcdefghijklmnopqrstuvwxyzABIJTW.,'?!0123456789\u00e9\u672c"))
    pieces = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)]
    pieces += list(dict.fromkeys(words + letters))
    scores = [0.0] * 259 + [-float(i) for i in range(len(pieces) - 259)]
    index = {p: i for i, p in enumerate(pieces)}
    merges = sorted(((p[:k], p[k:]) for p in pieces[259:] for k in range(1, len(p)) if p[:k] in index and p[k:] in index),
                    key=lambda m: (-scores[index[m[0] + m[1]]], -len(m[0]), -len(m[1])))
    t = Tokenizer(models.BPE(index, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(" ", 1, 0)])
    t.add_special_tokens([AddedToken(x, normalized=False, special=True) for x in ("<unk>", "<s>", "</s>")])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return t, pieces, scores


def quantised(r, rows, cols, kind):
    """Random blocks: quantised by gguf where it can, else random bytes with scales of a usual size."""
    x = (r.standard_normal((rows, cols)) * 0.1).astype(np.float32)
    if kind in (T.F32, T.F16):
        return x.astype(np.float32 if kind == T.F32 else np.float16)
    try:
        return gguf.quants.quantize(x, kind)
    except NotImplementedError:
        pass
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = r.integers(0, 256, (rows * cols // elements, size), dtype=np.uint8)
    at = {T.Q2_K: (80, 82), T.Q3_K: (108,), T.Q4_K: (0, 2), T.Q5_K: (0, 2), T.Q6_K: (208,), T.IQ4_NL: (0,)}[kind]
    for k in at:
        blocks[:, k:k + 2] = (r.standard_normal((len(blocks), 1)) * 1e-3).astype(np.float16).view(np.uint8)
    blocks[0, at[0]:at[0] + 2] = np.array([3e-7], np.float16).view(np.uint8)  # a subnormal scale
    return blocks.reshape(rows, cols // elements * size)


def make(name, arch, tokenizer, vocabulary, seed, dim=256, layers=2, heads=2, kv=1, width=16, ffn=32, types=None, rope=None,
         pre=None, pieces=None, scores=None):
    r = np.random.default_rng(seed)
    w = gguf.GGUFWriter(os.path.join(OUT, name + ".gguf"), arch)
    V = (len(pieces) if pieces else tokenizer.get_vocab_size()) + 2  # two rows without a token
    w.add_context_length(512)
    w.add_block_count(layers)
    w.add_embedding_length(dim)
    w.add_feed_forward_length(ffn)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_key_length(width)
    w.add_value_length(width)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_rope_freq_base(10000.0 if rope is None else rope)
    w.add_rope_dimension_count(width)
    w.add_vocab_size(V)
    w.add_tokenizer_model(vocabulary)
    if pre:
        w.add_tokenizer_pre(pre)
    if pieces:
        w.add_token_list(pieces + ["[PAD%d]" % (V - 2), "[PAD%d]" % (V - 1)])
        w.add_token_scores(scores + [-1000.0] * 2)
        w.add_token_types([2, 3, 3] + [6] * 256 + [1] * (len(pieces) - 259) + [5, 5])
        w.add_unk_token_id(0)
        w.add_bos_token_id(1)
        w.add_eos_token_id(2)
    else:
        model = json.loads(tokenizer.to_str())
        tokens = [tokenizer.id_to_token(i) for i in range(V - 2)]
        added = {a["id"]: 3 if a["special"] else 4 for a in model["added_tokens"]}
        w.add_token_list(tokens + ["[PAD%d]" % (V - 2), "[PAD%d]" % (V - 1)])
        w.add_token_types([added.get(i, 1) for i in range(V - 2)] + [5, 5])
        w.add_token_merges([" ".join(m) for m in model["model"]["merges"]])
        w.add_bos_token_id(tokenizer.token_to_id("<|begin|>"))
        w.add_eos_token_id(tokenizer.token_to_id("<|end|>"))
        w.add_pad_token_id(tokenizer.token_to_id("<|pad|>"))
    w.add_chat_template("{% for message in messages %}{{ message['content'] }}<|end|>\n{% endfor %}")
    if arch == "phi3":
        w.add_sliding_window(7)
    if arch == "granite":
        w.add_attention_scale(0.015625)
        w.add_embedding_scale(12.0)
        w.add_residual_scale(0.22)
        w.add_logit_scale(8.0)
    lines = []

    def weight(ours, theirs, shape, kind=None, turned=0):
        kind = T.F32 if len(shape) == 1 and kind is None else (types or {}).get(ours, kind or T.Q8_0)
        raw = quantised(r, shape[0] if len(shape) > 1 else 1, shape[-1], kind)
        if len(shape) == 1:
            raw = raw.reshape(-1) + (np.float32(1) if "norm" in ours else np.float32(0))
        value = gguf.quants.dequantize(raw, kind).reshape(shape)
        w.add_tensor(ours, raw, raw_dtype=kind)
        if turned:  # llama.cpp's order -> Hugging Face's
            value = value.reshape(turned, shape[0] // turned // 2, 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
        value = np.ascontiguousarray(value, "<f4")
        lines.append("\t".join([theirs, "x".join(map(str, shape)), hashlib.sha512(value.tobytes()).hexdigest()]
                               + [repr(float(x)) for x in value.reshape(-1)[:4]]))

    llama = arch in ("llama", "smollm3", "granite")
    weight("token_embd.weight", "model.embed_tokens.weight", (V, dim))
    weight("output_norm.weight", "model.norm.weight", (dim,))
    if arch == "qwen3":
        weight("output.weight", "lm_head.weight", (V, dim))
    for i in range(layers):
        a, b = "blk.%d." % i, "model.layers.%d." % i
        if arch != "olmo2":
            weight(a + "attn_norm.weight", b + "input_layernorm.weight", (dim,))
            weight(a + "ffn_norm.weight", b + "post_attention_layernorm.weight", (dim,))
        else:
            weight(a + "post_attention_norm.weight", b + "post_attention_layernorm.weight", (dim,))
            weight(a + "post_ffw_norm.weight", b + "post_feedforward_layernorm.weight", (dim,))
            weight(a + "attn_q_norm.weight", b + "self_attn.q_norm.weight", (heads * width,))
            weight(a + "attn_k_norm.weight", b + "self_attn.k_norm.weight", (kv * width,))
        if arch == "phi3":
            weight(a + "attn_qkv.weight", b + "self_attn.qkv_proj.weight", ((heads + 2 * kv) * width, dim))
            weight(a + "ffn_up.weight", b + "mlp.gate_up_proj.weight", (2 * ffn, dim))
        else:
            weight(a + "attn_q.weight", b + "self_attn.q_proj.weight", (heads * width, dim), turned=heads if llama else 0)
            weight(a + "attn_k.weight", b + "self_attn.k_proj.weight", (kv * width, dim), turned=kv if llama else 0)
            weight(a + "attn_v.weight", b + "self_attn.v_proj.weight", (kv * width, dim))
            weight(a + "ffn_gate.weight", b + "mlp.gate_proj.weight", (ffn, dim))
            weight(a + "ffn_up.weight", b + "mlp.up_proj.weight", (ffn, dim))
        weight(a + "attn_output.weight", b + "self_attn.o_proj.weight", (dim, heads * width))
        if arch == "qwen2" or name == "llama3":
            weight(a + "attn_q.bias", b + "self_attn.q_proj.bias", (heads * width,), turned=heads if llama else 0)
            weight(a + "attn_k.bias", b + "self_attn.k_proj.bias", (kv * width,), turned=kv if llama else 0)
            weight(a + "attn_v.bias", b + "self_attn.v_proj.bias", (kv * width,))
        if name == "llama3":
            weight(a + "attn_output.bias", b + "self_attn.o_proj.bias", (dim,))
        if arch == "qwen3":
            weight(a + "attn_q_norm.weight", b + "self_attn.q_norm.weight", (width,))
            weight(a + "attn_k_norm.weight", b + "self_attn.k_norm.weight", (width,))
        weight(a + "ffn_down.weight", b + "mlp.down_proj.weight", (dim, ffn))
    if name == "llama3":  # as llama.cpp writes rope_type llama3 with factor 8
        factors = []
        for i in range(width // 2):
            f = 500000.0 ** (-2 * i / width)
            s = (8192 * f / (2 * np.pi) - 1) / 3
            factors.append(1 if s > 1 else 8 if s < 0 else 1 / ((1 - s) / 8 + s))
        w.add_tensor("rope_freqs.weight", np.array(factors, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    with open(os.path.join(DATA, "gguf_" + name + "_weights.txt"), "w", encoding="utf-8", newline="\n") as f:
        f.write("".join(line + "\n" for line in sorted(lines)))
    with open(os.path.join(DATA, "gguf_" + name + "_ids.txt"), "w", encoding="utf-8", newline="\n") as f:
        for text in texts():
            ids = tokenizer.encode(text).ids
            f.write("%s\t%s\n" % (escaped(text), " ".join(map(str, ids))))


def corpus(name, arch, kind, width, biased):
    """A model of one layer and a few tokens, from which the fuzzer starts."""
    w = gguf.GGUFWriter(os.path.join(CORPUS, name), arch)
    w.add_context_length(64)
    w.add_block_count(1)
    w.add_embedding_length(width)
    w.add_feed_forward_length(width)
    w.add_head_count(1)
    w.add_layer_norm_rms_eps(1e-5)
    scored = arch == "llama" and not biased
    w.add_tokenizer_model("llama" if scored else "gpt2")
    w.add_tokenizer_pre("default" if scored else "qwen2")
    w.add_token_list(["<unk>", "<0x41>", "\u2581", "a", "\u2581a", "</s>"] if scored else ["a", "b", "ab", "\u0120", "<|end|>"])
    w.add_token_types([2, 6, 1, 1, 1, 3] if scored else [1, 1, 1, 1, 4])
    if scored:
        w.add_token_scores([0, 0, -1, -2, -3, 0])
        w.add_unk_token_id(0)
    else:
        w.add_token_merges(["a b"])
    w.add_eos_token_id(4)
    w.add_chat_template("{{ messages }}")
    r = np.random.default_rng(1)
    names = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
    for tensor, rows in [("token_embd", 6 if scored else 5)] + [("blk.0." + n, width) for n in names]:
        w.add_tensor(tensor + ".weight", quantised(r, rows, width, kind), raw_dtype=kind)
    for tensor in ["output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"]:
        w.add_tensor(tensor + ".weight", np.ones(width, np.float32))
    for tensor in ["attn_q", "attn_k", "attn_v"] if biased else []:
        w.add_tensor("blk.0.%s.bias" % tensor, np.ones(width, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    os.makedirs(CORPUS, exist_ok=True)
    corpus("scores.gguf", "llama", T.F16, 4, False)
    corpus("merges.gguf", "qwen2", T.Q5_1, 32, True)
    os.makedirs(OUT, exist_ok=True)
    every = {"token_embd.weight": T.Q2_K, "blk.0.attn_q.weight": T.Q3_K, "blk.0.attn_k.weight": T.Q4_K,
             "blk.0.attn_v.weight": T.Q5_K, "blk.0.attn_output.weight": T.Q4_0, "blk.0.ffn_gate.weight": T.Q6_K,
             "blk.0.ffn_up.weight": T.IQ4_NL, "blk.0.ffn_down.weight": T.Q4_1, "blk.1.attn_q.weight": T.BF16,
             "blk.1.attn_k.weight": T.F16, "blk.1.attn_v.weight": T.F32, "blk.1.attn_output.weight": T.Q5_0,
             "blk.1.ffn_gate.weight": T.Q4_K, "blk.1.ffn_up.weight": T.Q8_0, "blk.1.ffn_down.weight": T.Q5_1}
    make("llama", "llama", trained("smollm"), "gpt2", 1, types=every, pre="smollm")
    small = dict(dim=32, layers=1, ffn=32)
    make("llama3", "llama", trained("llama-bpe"), "gpt2", 2, pre="llama-bpe", rope=500000.0, width=32, heads=4, kv=2, **small)
    make("qwen2", "qwen2", trained("qwen2"), "gpt2", 3, pre="qwen2", **small)
    make("qwen3", "qwen3", trained("qwen2"), "gpt2", 4, pre="qwen2", **small)
    make("smollm3", "smollm3", trained("llama-bpe"), "gpt2", 6, pre="llama-bpe", **{**small, "layers": 4})
    make("granite", "granite", trained("smollm"), "gpt2", 7, pre="refact", **small)
    make("olmo2", "olmo2", trained("llama-bpe"), "gpt2", 8, pre="llama-bpe", **small)
    tokenizer, pieces, scores = sentencepiece()
    make("sentencepiece", "llama", tokenizer, "llama", 5, pieces=pieces, scores=scores, **small)
    tokenizer.add_special_tokens([AddedToken("</s>", normalized=False, special=True, rstrip=True)])
    make("phi3", "phi3", tokenizer, "llama", 9, pieces=pieces, scores=scores, **small)


main()
