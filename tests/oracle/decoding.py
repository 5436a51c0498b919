#!/usr/bin/env python3
"""Golden files of decodings, from NumPy and transformers.

    decoding.py OUT.json             makes the file, with the bundled model; the same every time
    decoding.py --check FILE.json    is it still what they make?

entropy: rows of logits, each a multiple of 1/8, with NumPy's entropy of their softmax (float64) and, for some T, the
weights exp(-H / T) / sum. agreement: minus the logarithm of the mean probability that all rows give to a row's best column. beams: prompts in ids, and what generate(num_beams=B, length_penalty=A) of transformers (float32,
no cache of ours) writes after them; an answer ends at a newline that follows something else than white space, too.
hidden: contexts of different lengths, padded on the left, through transformers with a hook on each layer from L0 on, which
puts the mean over the contexts in place of the last prompt token's state and of each answer token's; the mean of the logits
of each step, at every 157th id, and the highest.
"""
import json
import os
import sys

import numpy
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria
from transformers.utils import logging

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPTS = ("The capital of Japan is [MASK].", "Hamlet was written by [MASK].", "Zzyzx is in [MASK].", "The river of [MASK] is long.")
NEW = 8


class Newline(StoppingCriteria):
    def __init__(self, tokenizer, prompt):
        self.tokenizer, self.prompt = tokenizer, prompt

    def __call__(self, ids, scores, **_):
        return torch.tensor(["\n" in self.tokenizer.decode(row[self.prompt:]).lstrip() for row in ids])


def entropies():
    random, rows = numpy.random.RandomState(7), []
    for scale in (1, 8, 64, 200):
        rows.append([int(x) for x in random.randint(-scale, scale + 1, 40)])
    logits = numpy.array(rows, dtype=numpy.float64) / 8
    p = numpy.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    entropy = -(p * numpy.log(p)).sum(1)
    weights = []
    for T in (0.5, 1.0, 2.0):
        w = numpy.exp(-entropy / T)
        weights.append(dict(T=T, w=list(w / w.sum())))
    agreement = -numpy.log(p[:, p.argmax(1)].mean(0))
    return dict(eighths=rows, entropy=list(entropy), agreement=list(agreement), weights=weights)


def beams(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    cases = []
    for text in PROMPTS:
        ids = tokenizer.encode(f"Predict the [MASK] in one word.\n\nQ: {text}\nA:", add_special_tokens=False)
        for B, penalty in ((2, 1.0), (4, 1.0), (4, 0.0), (7, 2.0)):
            out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), num_beams=B,
                                 length_penalty=penalty, max_new_tokens=NEW, do_sample=False, pad_token_id=0,
                                 stopping_criteria=[Newline(tokenizer, len(ids))])[0].tolist()
            cases.append(dict(ids=ids, beams=B, length_penalty=penalty, answer=out[len(ids):]))
    return cases


ASKED = ("The capital of Japan is [MASK].", "[MASK] is the capital city of the country that is called Japan.", "Japan: [MASK]")


def hidden(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompts = [tokenizer.encode(f"Predict the [MASK] in one word.\n\nQ: {text}\nA:", add_special_tokens=False) for text in ASKED]
    longest, layers, cases = max(map(len, prompts)), model.model.layers, []
    for first in range(len(layers) + 1):
        answer, steps, best = [], [], []

        def mean(module, inputs, output):
            state, newest = output[0] if isinstance(output, tuple) else output, len(answer) + 1
            state[:, -newest:] = state[:, -newest:].mean(0, keepdim=True)
            return output

        hooks = [layer.register_forward_hook(mean) for layer in layers[first:]]
        while len(answer) < 4:
            ids = torch.tensor([[0] * (longest - len(p)) + p + answer for p in prompts])
            there = torch.tensor([[0] * (longest - len(p)) + [1] * (len(p) + len(answer)) for p in prompts])
            with torch.no_grad():
                logits = model(ids, attention_mask=there, position_ids=(there.cumsum(1) - 1).clamp(min=0),
                               use_cache=False).logits[:, -1].mean(0)
            answer.append(int(logits.argmax()))
            steps.append([round(x, 6) for x in logits[::157].tolist()])
            best.append(round(float(logits.max()), 6))
        for hook in hooks:
            hook.remove()
        cases.append(dict(from_layer=first, answer=answer, best=best, logits=steps))
    return dict(contexts=prompts, cases=cases)


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return abs(a - b) < (1e-9 if abs(a) < 1 else 2e-5 * abs(a))


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    bundled = os.path.join(HERE, "..", "..", "models", "segfuse-2m")
    made = dict(entropy=entropies(), beams=beams(bundled), hidden=hidden(bundled))
    if sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as file:
            good = same(json.load(file), made)
        print("ok      beams and hidden states equal transformers', entropies NumPy's" if good else "FAILED  other beams, states or entropies")
        sys.exit(not good)
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as file:
        file.write('{"entropy": ' + json.dumps(made["entropy"]) + ',\n"beams": [\n' + ",\n".join(map(json.dumps, made["beams"])) +
                   '\n],\n"hidden": {"contexts": ' + json.dumps(made["hidden"]["contexts"]) + ', "cases": [\n' +
                   ",\n".join(map(json.dumps, made["hidden"]["cases"])) + "\n]}}\n")
