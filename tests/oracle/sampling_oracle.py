#!/usr/bin/env python3
"""Drawing, confidences and generated paraphrases against transformers and pandas.

    python tests/oracle/sampling_oracle.py [--segfuse build/segfuse] [--program examples/segfuse] [--cc cc]

sample_probabilities against transformers' warpers and softmax; `segfuse confidence` and `segfuse paraphrase` with the
bundled model: columns and types as pandas reads them, the confidence recomputed from the lemmas, the weighted methods
run with it, the same file for the same seed and another one for another.
"""
import argparse
import ast
import ctypes
import filecmp
import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.feather
import torch
from transformers.generation.logits_process import TemperatureLogitsWarper, TopPLogitsWarper

LIMIT = 1e-6  # of a probability
TEXT, TEXTS, LISTS = pa.utf8(), pa.list_(pa.utf8()), pa.list_(pa.list_(pa.utf8()))
CONFIDENCE = {"uuid": TEXT, "paraphrase": TEXT, "prompt": TEXT, "answers": TEXTS, "greedy_predict": TEXT,
              "sample_predicts": TEXTS, "greedy_lemma": TEXTS, "sample_lemmas": LISTS, "answer_lemmas": LISTS,
              "confidence": pa.float64()}
NESTED = [name for name, kind in CONFIDENCE.items() if kind in (TEXTS, LISTS)]
QUESTIONS, SAMPLES, PARAPHRASES = 8, 12, 3
checks = failures = 0


def check(ok, *what):
    global checks, failures
    checks += 1
    if not ok:
        failures += 1
        print("FAILED", *[str(w)[:400] for w in what])


# ---- probabilities -----------------------------------------------------------------------------------------------

def probabilities_function(args, folder):
    """sample_probabilities of the program, built as a shared library."""
    library, source = os.path.join(folder, "libsample.so"), os.path.join(folder, "sample.c")
    with open(source, "w", encoding="ascii") as file:
        file.write('#define SEGFUSE_IMPLEMENTATION\n#include "../../segfuse.h"\n#include "base/base.c"\n#include "base/hash.c"\n#include "base/random.c"\n#include "runs/sample.c"\n')
    subprocess.run([args.cc, "-std=c99", "-O2", "-shared", "-fPIC", "-iquote", args.program, source, "-o", library, "-lm",
                    "-pthread"], check=True)
    function = ctypes.CDLL(library).sample_probabilities
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_double, ctypes.c_double, ctypes.c_void_p,
                         ctypes.c_void_p, ctypes.c_void_p]
    return function


def warped(logits, temperature, top_p):
    """What transformers draws from, in double."""
    scores = TemperatureLogitsWarper(temperature)(None, logits[None])
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    return torch.softmax(scores.double(), -1)[0].numpy()


def check_probabilities(function):
    generator, worst = torch.Generator().manual_seed(1), 0.0
    for size in (50, 4096, 32000):
        for _ in range(8):
            logits = 3 * torch.randn(size, generator=generator)
            for temperature in (0.3, 0.7, 1.0, 1.5):
                for top_p in (0.1, 0.5, 0.9, 0.95, 1.0):
                    what = f"{size} ids, temperature {temperature}, top_p {top_p}"
                    ours, wanted = np.empty(size), warped(logits, temperature, top_p)
                    values = np.ascontiguousarray(logits.numpy())
                    status = function(values.ctypes.data, size, temperature, top_p, ours.ctypes.data, None, None)
                    check(status == 0, what, "status", status)
                    check(np.array_equal(ours > 0, wanted > 0), what, "support", (ours > 0).sum(), (wanted > 0).sum())
                    difference = np.abs(ours - wanted).max()
                    check(difference <= LIMIT, what, "differs by", difference)
                    worst = max(worst, difference)
    print(f"sample_probabilities: largest difference {worst:.1e}, limit {LIMIT:.0e}")


# ---- files -------------------------------------------------------------------------------------------------------

def run(args, *arguments):
    done = subprocess.run([args.segfuse, *arguments, "--quiet"], capture_output=True, text=True)
    check(done.returncode == 0, "segfuse", *arguments, done.stderr)
    return done


def plain(value):
    """Arrays of arrays, as pandas reads nested lists, as lists."""
    return [plain(item) for item in value] if isinstance(value, (np.ndarray, list)) else value


def within(slice, whole):
    return any(whole[i:i + len(slice)] == slice for i in range(len(whole) - len(slice) + 1)) if slice else False


def check_confidence(args, folder):
    run(args, "confidence", "--max_samples", str(QUESTIONS), "--num_samples", str(SAMPLES), "--num_paraphrases",
        str(PARAPHRASES), "--output", folder)
    path = os.path.join(folder, "confidence.feather")
    schema = pyarrow.feather.read_table(path).schema
    check({field.name: field.type for field in schema} == CONFIDENCE, "confidence.feather:", schema)
    frame = pandas.read_feather(path)
    check(list(frame.columns) == list(CONFIDENCE), "columns", list(frame.columns))
    check(frame["confidence"].dtype == np.float64, "confidence is", frame["confidence"].dtype)
    check(len(frame) == QUESTIONS * PARAPHRASES, len(frame), "rows")
    frame[NESTED] = frame[NESTED].map(plain)
    for i, row in frame.iterrows():
        greedy, samples = row["greedy_lemma"], row["sample_lemmas"]
        matches = sum(within(greedy, sample) or within(sample, greedy) for sample in samples)
        check(len(samples) == len(row["sample_predicts"]) == SAMPLES, "row", i, len(samples), "samples")
        check(len(row["answer_lemmas"]) == len(row["answers"]), "row", i, "answers", row["answers"])
        check(row["confidence"] == matches / SAMPLES, "row", i, row["confidence"], matches, greedy, samples)
    check(frame["confidence"].nunique() > 2, "confidences do not vary", frame["confidence"].unique())
    csv = pandas.read_csv(os.path.join(folder, "confidence.csv"), keep_default_na=False)
    csv[NESTED] = csv[NESTED].map(ast.literal_eval)
    check(csv["confidence"].dtype == np.float64, "CSV: confidence is", csv["confidence"].dtype)
    check(csv.to_dict("records") == frame.to_dict("records"), "CSV and Feather differ")
    for method in ("weighted_avg", "weighted_max"):
        run(args, "generate", "--method", method, "--max_samples", str(QUESTIONS), "--num_paraphrases", str(PARAPHRASES),
            "--output", folder)
        rows = pandas.read_feather(os.path.join(folder, f"ensemble_{method}-{PARAPHRASES}.feather"))
        check(set(rows["uuid"]) == set(frame["uuid"]) and len(rows) == QUESTIONS, method, len(rows), "rows")


def check_paraphrases(args, folder):
    questions = os.path.join(folder, "questions.csv")
    pandas.DataFrame({"uuid": ["a", "b", "c"], "question": ["who wrote hamlet?", "where is rome?", "what is ice made of?"],
                      "answers": [["Shakespeare"], ["Italy", "in Italy"], ["water"]]}).to_csv(questions, index=False)
    wanted = {"uuid": TEXT, "answers": TEXTS} | {f"paraphrase{k}": TEXT for k in range(PARAPHRASES + 1)}
    paths = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        paths.append(os.path.join(folder, f"{name}.feather"))
        run(args, "paraphrase", "--dataset", "webqa", "--data", questions, "--num_paraphrases", str(PARAPHRASES), "--seed", str(seed),
            "--output", paths[-1])
    schema = pyarrow.feather.read_table(paths[0]).schema
    check({field.name: field.type for field in schema} == wanted, "paraphrases:", schema)
    one, other = pandas.read_feather(paths[0]), pandas.read_feather(paths[2])
    given = pandas.read_csv(questions)
    check(list(one["paraphrase0"]) == list(given["question"]), "paraphrase0", list(one["paraphrase0"]))
    check(list(one["answers"].map(plain)) == list(given["answers"].map(ast.literal_eval)), "answers", list(one["answers"]))
    check(filecmp.cmp(paths[0], paths[1], shallow=False), "the same seed wrote another file")
    new = [f"paraphrase{k}" for k in range(1, PARAPHRASES + 1)]
    check(not one[new].equals(other[new]), "another seed wrote the same paraphrases")
    run(args, "generate", "--method", "avg", "--dataset", "webqa", "--data", paths[0], "--num_paraphrases", "2",
        "--output", os.path.join(folder, "answers"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segfuse", default="build/segfuse")
    parser.add_argument("--program", default="examples/segfuse")
    parser.add_argument("--cc", default="cc")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check_probabilities(probabilities_function(args, folder))
        check_confidence(args, folder)
        check_paraphrases(args, folder)
    print(f"sampling: {checks} checks, {failures} failures")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
