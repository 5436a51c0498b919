#!/usr/bin/env python3
"""Attention masses against transformers' output_attentions, ensembles against NumPy.

    python tests/oracle/session_oracle.py [--header segfuse.h] [--cc cc] [MODEL]...

On every MODEL folder (the bundled model and a golden one, unless others are named):
- what sgf_session_watch tells of random layouts (any matrix, any masses, rows that see nothing), against the attention
  weights of transformers' eager attention with the same T x T mask, averaged over the heads, summed over each segment's keys;
- what sgf_generate chooses by avg, max, weighted_avg and weighted_max, and the combined logits (max: probabilities) of every
  step, against NumPy on the logits that each context has by itself: ours, and those of transformers.
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
from transformers import AttentionInterface
from transformers.models.llama.modeling_llama import eager_attention_forward
from transformers.utils import logging

import make_golden as golden
import oracle

LIMIT = 1e-5  # of an attention mass; of a combined logit, relative to the step's largest
LIMIT_MAX = 1e-4  # of a probability by max, as LIMIT; measured 1.8e-5 with 2,048 ids, 5e-7 with 80
RANDOM, ENSEMBLES, STEPS = 20, 6, 4
RULES = ("avg", "max", "weighted_avg", "weighted_max")
HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = [os.path.join(HERE, "../..", path) for path in ("models/segfuse-2m", "tests/golden/models/llama-gqa-tied")]

DRIVER = r"""
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"
#include "examples/segfuse/base/base.c"
#include "examples/segfuse/base/json.c"
#include "examples/segfuse/masks/layoutfile.c"
/* observe MODEL watch LAYOUT: a line a (row, layer): row, layer, masses
   observe MODEL RULE STEPS (LAYOUT WEIGHT)...: a line a step: id, logits; RULE is a number of sgf_combine */
static void watch(void *user, size_t row, int32_t layer, const double *mass, size_t segments) {
    size_t s;
    (void)user;
    printf("%d %d", (int)row, (int)layer);
    for (s = 0; s < segments; s++) printf(" %.17g", mass[s]);
    printf("\n");
}
static int step(void *user, size_t task, size_t number, const float *logits, int32_t *chosen) {
    int32_t v;
    (void)task, (void)number;
    printf("%d", (int)*chosen);
    for (v = 0; v < *(const int32_t *)user; v++) printf(" %.9g", (double)logits[v]);
    printf("\n");
    return 0;
}
static int fail(const sgf_error *err) {
    fprintf(stderr, "%s\n", err->message);
    return 1;
}
int main(int argc, char **argv) {
    sgf_model *model;
    sgf_session_options options;
    sgf_session *session;
    sgf_layout layout[16];
    double weight[16];
    int32_t ids[64];
    sgf_error err;
    int i;
    if (argc < 4) return 2;
    memset(&options, 0, sizeof options);
    options.threads = 1;
    if (sgf_model_load(argv[1], NULL, &model, &err) || sgf_session_create(model, &options, &session, &err)) return fail(&err);
    if (!strcmp(argv[2], "watch")) {
        float *logits;
        sgf_layout_init(layout, NULL);
        if (layoutfile_read(argv[3], layout, &err)) return fail(&err);
        logits = malloc(layout->tokens * (size_t)model->config.vocab_size * sizeof *logits);
        sgf_session_watch(session, watch, NULL);
        if (!logits || sgf_forward_layout(session, layout, logits, NULL, NULL, &err)) return fail(&err);
        return 0;
    } else {
        sgf_task task;
        memset(&task, 0, sizeof task);
        task.context = layout;
        task.combine = (sgf_combine)atoi(argv[2]);
        task.weight = weight;
        task.ids = ids;
        task.max_new_tokens = (size_t)atoi(argv[3]);
        for (i = 4; i + 1 < argc; i += 2, task.contexts++) {
            sgf_layout_init(&layout[task.contexts], NULL);
            if (layoutfile_read(argv[i], &layout[task.contexts], &err)) return fail(&err);
            weight[task.contexts] = atof(argv[i + 1]);
        }
        return sgf_generate(session, &task, 1, step, &model->config.vocab_size, &err) ? fail(&err) : 0;
    }
}
"""


class Observer:
    """The header's sessions, seen through DRIVER."""

    def __init__(self, args, folder):
        self.folder, self.program, source = folder, os.path.join(folder, "observe"), os.path.join(folder, "observe.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(DRIVER)
        subprocess.run([args.cc, "-std=c99", "-O2", "-I", os.path.dirname(os.path.abspath(args.header)), source, "-o",
                        self.program, "-lm", "-pthread"], check=True)

    def write(self, layout, number=0):
        path = os.path.join(self.folder, f"layout{number}.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump({key: layout[key] for key in golden.LAYOUT_KEYS}, file)
        return path

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"observe {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")
        return [[float(number) for number in line.split()] for line in done.stdout.splitlines()]

    def masses(self, model, layout):
        """[layers, rows, segments]"""
        lines = self.run(model, "watch", self.write(layout))
        found = np.full((1 + int(max(line[1] for line in lines)), len(layout["tokens"]), len(layout["visible"])), np.nan)
        for row, layer, *mass in lines:
            found[int(layer), int(row)] = mass
        return found

    def generate(self, model, rule, contexts, weights, steps):
        """-> ids [steps], combined logits [steps, V]"""
        names = [x for number, (layout, weight) in enumerate(zip(contexts, weights))
                 for x in (self.write(layout, number), repr(weight))]
        lines = self.run(model, str(RULES.index(rule)), str(steps), *names)
        return [int(line[0]) for line in lines], np.array([line[1:] for line in lines])


# ---- attention masses --------------------------------------------------------------------------------------------

def eager_attention(module, query, key, value, attention_mask, scaling, **options):
    """transformers' eager attention, but that a row that sees nothing gives zero and not NaN."""
    empty = torch.isneginf(attention_mask).all(dim=-1, keepdim=True)
    output, weights = eager_attention_forward(module, query, key, value, attention_mask.masked_fill(empty, 0.0), scaling,
                                              **options)
    return output.masked_fill(empty.transpose(1, 2), 0.0), weights.masked_fill(empty, 0.0)


AttentionInterface.register("segfuse_eager", eager_attention)


@torch.no_grad()
def reference_masses(model, layout):
    """[layers, rows, segments], and which rows see nothing."""
    mask = golden.additive_mask(layout)
    attentions = model(input_ids=torch.tensor([layout["tokens"]]), position_ids=torch.tensor([layout["positions"]]),
                       attention_mask=mask, use_cache=False, output_attentions=True).attentions
    belongs = torch.nn.functional.one_hot(torch.tensor(layout["segments"]), len(layout["visible"])).double()
    masses = np.stack([(weights[0].double().mean(dim=0) @ belongs).numpy() for weights in attentions])
    return masses, torch.isneginf(mask).all(dim=-1)[0, 0].numpy()


def check_masses(report, observer, name, folder):
    model, generator = golden.load(folder, "segfuse_eager"), random.Random(name)
    differences, failures, nothing = {}, [], 0
    for number in range(RANDOM):
        layout = oracle.random_layout(generator, number, model.config.vocab_size)
        ours = observer.masses(folder, layout)
        wanted, empty = reference_masses(model, layout)
        differences[layout["name"]] = np.abs(ours - wanted).max() if ours.shape == wanted.shape else np.inf
        nothing += int(empty.sum())
        if (ours[:, empty] != 0).any():
            failures.append(f"{layout['name']}: a row that sees nothing has a mass")
        if not np.allclose(ours[:, ~empty].sum(axis=-1), 1, rtol=0, atol=LIMIT):
            failures.append(f"{layout['name']}: masses do not sum to 1")
    if not nothing:
        failures.append("no row of these layouts sees nothing")
    report.add(name, f"attention masses = output_attentions ({nothing} rows see nothing)", differences, LIMIT, failures)


# ---- ensembles ---------------------------------------------------------------------------------------------------

def combine(rule, logits, weights):
    """[contexts, V] -> [V], in double."""
    if rule == "avg":
        return logits.mean(axis=0)
    if rule == "max":
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).max(axis=0)
    if rule == "weighted_avg":
        return np.array(weights) / sum(weights) @ logits
    return logits[int(np.argmax(weights))]


def context(generator, vocab):
    """A prompt of one segment and an answer segment, plain causal."""
    size = generator.randint(4, 20)
    tokens = [generator.randrange(3, vocab) for _ in range(size)]
    return dict(name="", tokens=tokens, segments=[0] * (size - 1) + [1], positions=list(range(size)),
                visible=[[1, 0], [1, 1]], mass=[0.0, 0.0], answer=1)


def check_ensembles(report, observer, name, folder):
    model, generator = golden.load(folder), random.Random(name)

    def ours(layout):
        return observer.generate(folder, "avg", [layout], [1.0], 1)[1][0]

    def theirs(layout):
        return golden.forward(model, layout)[-1].double().numpy()

    for rule in RULES:
        checks = {"NumPy": (ours, LIMIT_MAX if rule == "max" else LIMIT, {}), "NumPy on transformers' logits": (theirs, oracle.LIMIT_F32, {})}
        failures = []
        for number in range(ENSEMBLES):
            count = generator.randint(2, 5)
            contexts = [context(generator, model.config.vocab_size) for _ in range(count)]
            weights = [generator.choice((0.25, 0.5, generator.uniform(0.1, 1))) for _ in range(count)]
            ids, combined = observer.generate(folder, rule, contexts, weights, STEPS)
            for step, chosen in enumerate(ids):
                what = f"{rule}-{number}, step {step}"
                for logits, limit, differences in checks.values():
                    wanted = combine(rule, np.stack([logits(one) for one in contexts]), weights)
                    differences[what] = np.abs(combined[step] - wanted).max() / np.abs(wanted).max()
                    if wanted.max() - wanted[chosen] > 2 * limit * np.abs(wanted).max():
                        failures.append(f"{what}: chose {chosen}, NumPy {wanted.argmax()}")
                if chosen != combined[step].argmax():
                    failures.append(f"{what}: chose {chosen}, not the highest of its own logits")
                contexts = [golden.extended(one, chosen) for one in contexts]
        for reference, (_, limit, differences) in checks.items():
            report.add(name, f"{rule} = {reference}", differences, limit, failures)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--header", default="segfuse.h")
    parser.add_argument("--cc", default="cc")
    parser.add_argument("models", nargs="*", default=MODELS)
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    report = oracle.Report()
    with tempfile.TemporaryDirectory() as folder:
        observer = Observer(args, folder)
        for path in args.models:
            name = os.path.basename(os.path.normpath(path))
            check_masses(report, observer, name, path)
            check_ensembles(report, observer, name, path)
    return report.print()


if __name__ == "__main__":
    sys.exit(main())
