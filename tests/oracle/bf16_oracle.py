#!/usr/bin/env python3
"""The arithmetic bf16 against transformers, in f32 and in bf16.

    bf16_oracle.py --segfuse build/segfuse --work DIR [--golden tests/golden/models] [--questions N]

- The causal cases of every golden model (tiny, random weights): the logits of `segfuse forward --arithmetic bf16` are on
  average nearer to those of transformers in f32 than those of transformers in bf16 are, and within the limit.
- The bundled model on the first N questions of the test split (all), method origin: the logits of the last prompt token
  against transformers in f32 and in bf16; and the greedy answers of both arithmetics. Where they differ, the two best
  logits of transformers at the first token that differs must be closer than the limit. They are counted.
Differences are those of oracle.py. Exit 0: all agree; 1: something does not.
"""
import argparse
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

import make_golden as golden
import oracle

LIMIT = 2e-2  # of a row's greatest logit
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


class Bf16(oracle.Segfuse):
    def run(self, *arguments, text=None):
        return super().run(*arguments, *(("--arithmetic", "bf16") if arguments[0] == "forward" else ()), text=text)


def rows_off(logits, expected):
    """Of each row, the largest difference, relative to the row's largest logit."""
    return (logits - expected).abs().amax(dim=-1) / expected.abs().amax(dim=-1)


def check_golden(report, segfuse, name, folder):
    f32, bf16 = golden.load(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    ours, theirs = [], []
    for case in oracle.read_cases(folder):
        if case["name"] != "plain" and not case["name"].startswith("causal"):
            continue
        expected = golden.forward(f32, case)
        ours.append(rows_off(segfuse.forward(folder, case), expected))
        ids, positions = torch.tensor([case["tokens"]]), torch.tensor([case["positions"]])
        theirs.append(rows_off(bf16(ids, position_ids=positions).logits[0].float(), expected))
    ours, theirs = torch.cat(ours).mean().item(), torch.cat(theirs).mean().item()
    failures = [] if ours <= theirs else [f"off by {ours:.1e}, transformers in bf16 by {theirs:.1e}"]
    report.add(name, f"mean difference to f32; of transformers' bf16 {theirs:.1e}", {"causal": ours}, LIMIT, failures)


def answers(segfuse, arithmetic, count):
    folder = os.path.join(segfuse.work, arithmetic)
    segfuse.run("generate", "--method", "origin", "--quiet", "--rewrite", "--arithmetic", arithmetic, "--output", folder,
                *(("--max_samples", str(count)) if count else ()))
    table = os.path.join(segfuse.work, arithmetic + ".jsonl")
    segfuse.run("convert", "--rewrite", os.path.join(folder, "origin.feather"), table)
    with open(table, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def check_bundled(report, segfuse, folder, count):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    models = {"f32": AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(),
              "bf16": AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()}
    differences, failures, differ = {"f32": {}, "bf16": {}}, [], 0
    for number, (one, two) in enumerate(zip(answers(segfuse, "f32", count), answers(segfuse, "bf16", count))):
        split = one["prompt"].rindex("Q: ")
        ids = [i for part in (one["prompt"][:split], one["prompt"][split:])
               for i in tokenizer(part, add_special_tokens=False).input_ids]
        if number % 20 == 0:
            layout = {"tokens": ids, "segments": [0] * len(ids), "positions": list(range(len(ids))), "visible": [[1]],
                      "mass": [0.0], "fusion_start": len(ids), "answer": 0}
            ours = segfuse.forward(folder, {key: layout[key] for key in golden.LAYOUT_KEYS if key in layout})
            for name, model in models.items():
                differences[name][str(number)] = oracle.difference(ours, model(torch.tensor([ids])).logits[0].float())
        if one["generation"] == two["generation"]:
            continue
        differ += 1
        tokens = [tokenizer(answer["generation"], add_special_tokens=False).input_ids for answer in (one, two)]
        same = next((i for i, (a, b) in enumerate(zip(*tokens)) if a != b), min(map(len, tokens)))
        best = models["f32"](torch.tensor([ids + tokens[0][:same]])).logits[0, -1]
        top = best.topk(2).values
        if (top[0] - top[1]) / best.abs().max() > LIMIT:
            failures.append(f"{one['uuid']}: {one['generation']!r}, in bf16 {two['generation']!r}")
    for name, values in differences.items():
        report.add("bundled", f"bf16 = transformers, {name}, every 20th question", values, LIMIT)
    report.add_equal("bundled", f"greedy answers; {differ} differ where two logits are close", number + 1, failures)


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segfuse", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--golden", default=os.path.join(ROOT, "tests/golden/models"))
    parser.add_argument("--questions", type=int, default=0)
    options = parser.parse_args()
    logging.disable_progress_bar()
    os.makedirs(options.work, exist_ok=True)
    report, segfuse = oracle.Report(), Bf16(os.path.abspath(options.segfuse), options.work)
    for name in sorted(os.listdir(options.golden)):
        if os.path.exists(os.path.join(options.golden, name, "cases.json")):
            check_golden(report, segfuse, name, os.path.join(options.golden, name))
    check_bundled(report, segfuse, os.path.join(ROOT, "models/segfuse-2m"), options.questions)
    return report.print()


if __name__ == "__main__":
    sys.exit(main())
