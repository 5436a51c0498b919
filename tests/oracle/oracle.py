#!/usr/bin/env python3
"""Compare segfuse with Hugging Face transformers and with FlexAttention, live.

    oracle.py --segfuse build/segfuse --work DIR [--golden tests/golden/models] [--model FOLDER]... [--random N] [--seed N]
    oracle.py --python_only --work DIR              everything that does not need the program

For every golden model: the goldens are made anew and compared with the committed ones; `segfuse forward` computes every
case and N random layouts; every `isolated` case is computed by FlexAttention with a mask_mod written by hand. Plain
causal cases are also computed by transformers alone (its own masks, sliding windows and cache), to check the reference.
For every FOLDER given with --model (a Hugging Face folder with a tokenizer, such as the bundled model): ids of
200 texts, logits of 20 prompts, greedy tokens. A table shows the largest difference of each check.
Differences are max |a - b| over a row of logits, divided by the largest |logit| of that row of transformers.
Exit 0: all agree; 1: something does not; 2: wrong usage.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn.attention.flex_attention import create_block_mask, create_mask, flex_attention
from transformers import AttentionInterface, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

import make_golden as golden
import methods

# float32 sums in another order differ by a few 1e-6 between instruction sets (AVX-512, AVX2, SSE: measured 5e-6)
GOLDEN_LIMIT = 2e-5
LIMIT_F32 = 1e-4    # f32 weights
LIMIT_HALF = 1e-3   # bf16 and f16 weights, widened to f32
NUM_TEXTS, NUM_PROMPTS, NUM_GREEDY = 200, 20, 10


class Report:
    """Collects (model, check, count, largest difference, limit) and what failed."""

    def __init__(self):
        self.rows, self.failures = [], []

    def add(self, model, check, differences, limit, failures=()):
        """differences: {name: largest relative difference}. NaN counts as a failure."""
        bad = [f"{name}: differs by {value:.2e}" for name, value in differences.items() if not value <= limit]
        worst = max(differences.values(), key=lambda v: np.inf if np.isnan(v) else v, default=0.0)
        bad += list(failures)
        self.failures += [f"{model}, {check}: {line}" for line in bad]
        self.rows.append((model, check, len(differences), f"{worst:.2e}", f"{limit:.0e}", "FAILED" if bad else "ok"))

    def add_equal(self, model, check, count, failures):
        """A check of exact equality."""
        self.failures += [f"{model}, {check}: {line}" for line in failures]
        self.rows.append((model, check, count, f"{len(failures)} differ", "equal", "FAILED" if failures else "ok"))

    def print(self):
        head = ("model", "check", "count", "largest", "limit", "")
        widths = [max(len(str(row[column])) for row in [head] + self.rows) for column in range(len(head))]
        for row in [head] + self.rows:
            print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
        for line in self.failures:
            print(line, file=sys.stderr)
        print(f"{len(self.rows)} checks, {len(self.failures)} differences out of bounds")
        return 1 if self.failures else 0


class Segfuse:
    """Runs the program."""

    def __init__(self, program, work):
        self.program, self.work = program, work

    def run(self, *arguments, text=None):
        done = subprocess.run([self.program, *arguments], input=text, capture_output=True, timeout=120,
                              encoding="utf-8", check=False)
        if done.returncode != 0:
            raise RuntimeError(f"segfuse {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def forward(self, folder, layout):
        """Logits [T, V] of `segfuse forward`."""
        layout_path = os.path.join(self.work, "layout.json")
        logits_path = os.path.join(self.work, "logits.npy")
        with open(layout_path, "w", encoding="ascii") as file:
            json.dump({key: layout[key] for key in (*golden.LAYOUT_KEYS, "log_mass", *golden.MIXTURE_KEYS) if key in layout}, file)
        if os.path.exists(logits_path):
            os.remove(logits_path)
        self.run("forward", "--model", folder, "--layout", layout_path, "--output", logits_path)
        logits = np.load(logits_path, allow_pickle=False)
        if logits.dtype != np.float32 or logits.ndim != 2 or logits.shape[0] != len(layout["tokens"]):
            raise RuntimeError(f"segfuse forward wrote {logits.dtype} {logits.shape}, wanted float32 [T, V]")
        return torch.from_numpy(logits)

    def tokenize(self, folder, texts, special):
        """One id list a text. Every second line escapes what is not ASCII, so both spellings are read."""
        lines = [json.dumps(text, ensure_ascii=index % 2 == 0) + "\n" for index, text in enumerate(texts)]
        options = () if special else ("--no_special_tokens",)
        output = self.run("tokenize", "--model", folder, *options, text="".join(lines))
        return [json.loads(line) for line in output.splitlines()]


def difference(logits, expected):
    """The largest relative difference over the rows; NaN where either is not finite, inf where shapes differ."""
    if logits.shape != expected.shape:
        return float("inf")
    rows = (logits - expected).abs().amax(dim=-1) / expected.abs().amax(dim=-1)
    return rows.max().item() if torch.isfinite(rows).all() else float("nan")


def half_precision(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    return config.get("dtype", config.get("torch_dtype", "float32")) in ("bfloat16", "float16")


def limit_of(folder):
    return LIMIT_HALF if half_precision(folder) else LIMIT_F32


def read_cases(folder):
    with open(os.path.join(folder, "cases.json"), encoding="ascii") as file:
        return json.load(file)["cases"]


# ---- goldens -----------------------------------------------------------------------------------------------------

def read_config(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return {key: value for key, value in json.load(file).items() if key != "transformers_version"}


def read_weights(folder):
    """Of one file or of all shards."""
    return {name: weight for path in sorted(glob.glob(os.path.join(folder, "model*.safetensors")))
            for name, weight in load_file(path).items()}


def check_goldens(report, committed, fresh):
    """The committed files are what the script makes: configs, weights and layouts exactly, logits to rounding."""
    golden.make_all(fresh)
    for name in golden.MODELS:
        old, new = os.path.join(committed, name), os.path.join(fresh, name)
        failures = []
        if read_config(old) != read_config(new):
            failures.append("config.json differs")
        if read_cases(old) != read_cases(new):
            failures.append("cases.json differs")
        weights = [read_weights(path) for path in (old, new)]
        if weights[0].keys() != weights[1].keys() or any(
                not torch.equal(weight, weights[1][key]) for key, weight in weights[0].items()):
            failures.append("model.safetensors differs")
        logits = [load_file(os.path.join(path, "golden.safetensors")) for path in (old, new)]
        if logits[0].keys() != logits[1].keys():
            failures.append("golden.safetensors has other cases")
        differences = {case: difference(logits[0][case], logits[1][case]) for case in logits[0].keys() & logits[1].keys()}
        report.add(name, "goldens made anew", differences, GOLDEN_LIMIT, failures)


def check_reference(report, name, folder, cases):
    """Our attention function is transformers' own where both are defined: on plain causal sequences, with the masks and
    positions that transformers makes for itself; and so is greedy decoding with its cache."""
    plain = [case for case in cases if not any(case["mass"]) and all(map(all, case["visible"]))
             and case["positions"] == list(range(len(case["tokens"])))]
    ours = golden.load(folder)
    for attention in ("eager", "sdpa"):
        theirs = golden.load(folder, attention)
        differences, failures, count = {}, [], 0
        for case in plain:
            ids = torch.tensor([case["tokens"]])
            with torch.no_grad():
                logits = theirs(input_ids=ids, use_cache=False).logits[0]
            differences[case["name"]] = difference(golden.forward(ours, case), logits)
            if "greedy" not in case:
                continue
            count += len(case["greedy"])
            generated = theirs.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                                        max_new_tokens=len(case["greedy"]), pad_token_id=0)[0].tolist()
            if generated != case["tokens"] + case["greedy"]:
                failures.append(f"{case['name']}: {generated[len(case['tokens']):]}, not {case['greedy']}")
        report.add(name, f"reference = {attention}, causal", differences, GOLDEN_LIMIT)
        if count:
            report.add_equal(name, f"greedy tokens = generate(), {attention}", count, failures)


# ---- segfuse forward ---------------------------------------------------------------------------------------------

def random_layout(generator, number, vocab):
    """Any runs, any matrix (empty rows too), positions that repeat and jump, any masses."""
    num_segments, size = generator.randint(1, 8), generator.randint(1, 40)
    segments = []
    while len(segments) < size:
        segments += [generator.randrange(num_segments)] * generator.randint(1, 6)
    segments = segments[:size]
    density = generator.choice((0.2, 0.5, 0.8))
    visible = [[int(generator.random() < density) for _ in range(num_segments)] for _ in range(num_segments)]
    for row in range(num_segments):
        if generator.random() < 0.15:
            visible[row] = [0] * num_segments
    positions = list(range(size))
    if generator.random() < 0.5:
        positions = [generator.randrange(64) for _ in range(size)]
    mass = [generator.choice((0.0, generator.uniform(-3.0, 1.0))) for _ in range(num_segments)]
    return dict(name=f"random-{number}", tokens=[generator.randrange(vocab) for _ in range(size)], segments=segments,
                positions=positions, visible=visible, mass=mass, answer=generator.randrange(num_segments))


def greedy_layout(case):
    """The case with its greedy continuation appended: row T-1+i must choose greedy[i]."""
    for token in case["greedy"]:
        case = golden.extended(case, token)
    return case


def check_greedy(logits, num_tokens, continuation, limit):
    """Every row from the last prompt token on must choose the next token. Because attention is causal this is greedy
    decoding. A choice closer than rounding is no failure."""
    failures = []
    for step, token in enumerate(continuation):
        row = logits[num_tokens - 1 + step]
        chosen = int(row.argmax())
        if chosen != token and (row[chosen] - row[token]) > 2 * limit * row.abs().max():
            failures.append(f"step {step}: token {chosen}, transformers chose {token}")
    return failures


def check_forward(report, segfuse, name, folder, cases, num_random, seed):
    """`segfuse forward` against the committed logits, and against transformers on random layouts."""
    limit, model = limit_of(folder), golden.load(folder)
    expected = load_file(os.path.join(folder, "golden.safetensors"))
    report.add(name, "forward = goldens",
               {case["name"]: difference(segfuse.forward(folder, case), expected[case["name"]]) for case in cases}, limit)

    generator = random.Random(f"{name} {seed}")
    layouts = [random_layout(generator, number, model.config.vocab_size) for number in range(num_random)]
    report.add(name, "forward = transformers, random layouts",
               {layout["name"]: difference(segfuse.forward(folder, layout), golden.forward(model, layout))
                for layout in layouts}, limit)

    failures, started = [], [case for case in cases if "greedy" in case]
    for case in started:
        logits = segfuse.forward(folder, greedy_layout(case))
        failures += [f"{case['name']}, {line}"
                     for line in check_greedy(logits, len(case["tokens"]), case["greedy"], limit)]
    report.add_equal(name, "greedy tokens", sum(len(case["greedy"]) for case in started), failures)


# ---- FlexAttention -----------------------------------------------------------------------------------------------

def flex_forward(module, query, key, value, attention_mask, scaling=None, score_mod=None, **_):
    """attention_mask is a BlockMask. Uncompiled, so it runs anywhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it is slow without torch.compile
        output = flex_attention(query, key, value, score_mod=score_mod, block_mask=attention_mask, scale=scaling,
                                enable_gqa=query.shape[1] != key.shape[1])
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register("segfuse_flex", flex_forward)


def isolated_mods(case):
    """mask_mod and score_mod as a FlexAttention user writes them, from segment ids; the case's matrix is not used."""
    kinds = [golden.kind(name) for name in case["segment_names"]]
    segment = torch.tensor(case["segments"])
    mass = torch.tensor(case["mass"])[segment]
    is_bos, is_sep, is_answer = (torch.tensor([k == role for k in kinds])[segment] for role in ("bos", "sep", "answer"))

    def mask_mod(b, h, q, k):
        own = (segment[q] == segment[k]) | is_bos[k]
        return (q >= k) & (is_answer[q] | (own & ~is_sep[q] & ~is_sep[k]))

    def score_mod(score, b, h, q, k):
        return score + torch.where(is_answer[q], mass[k], 0.0)

    return mask_mod, score_mod


def block_masks(config, mask_mod, T):
    """What the model takes as attention_mask: one mask, or one for each kind of layer."""
    window = getattr(config, "sliding_window", None)

    def window_mod(b, h, q, k):
        return mask_mod(b, h, q, k) & (q - k < window)

    full = create_block_mask(mask_mod, None, None, T, T, device="cpu")
    if window is None:
        return full
    sliding = create_block_mask(window_mod, None, None, T, T, device="cpu")
    if config.model_type in ("mistral", "phi3"):
        return sliding
    return {"full_attention": full, "sliding_attention": sliding}


@torch.no_grad()
def check_flex(report, segfuse, name, folder, cases):
    model, limit = golden.load(folder, "segfuse_flex"), limit_of(folder)
    reference = golden.load(folder)
    isolated = [case for case in cases if case["name"].startswith("isolated")]
    mask_failures, to_reference, to_segfuse = [], {}, {}
    for case in isolated:
        T = len(case["tokens"])
        mask_mod, score_mod = isolated_mods(case)
        mask = create_mask(mask_mod, None, None, T, T, device="cpu")[0, 0]
        if not torch.equal(mask, golden.visible_tokens(case)):
            mask_failures.append(f"{case['name']}: another mask than the layout's")
        logits = model(input_ids=torch.tensor([case["tokens"]]), position_ids=torch.tensor([case["positions"]]),
                       attention_mask=block_masks(model.config, mask_mod, T), score_mod=score_mod, use_cache=False).logits[0]
        to_reference[case["name"]] = difference(logits, golden.forward(reference, case))
        if segfuse:
            to_segfuse[case["name"]] = difference(segfuse.forward(folder, case), logits)
    report.add_equal(name, "FlexAttention create_mask = layout", len(isolated), mask_failures)
    report.add(name, "FlexAttention = reference", to_reference, LIMIT_F32)
    if segfuse:
        report.add(name, "forward = FlexAttention", to_segfuse, limit)


# ---- a model with a tokenizer ------------------------------------------------------------------------------------

TRICKY = (
    "", " ", "  ", "\n", "\n\n", "\r\n", "\t", " \n ", "\n  a", "a  \n\n  b", "a\u00a0b", "a\u3000b", "\u2028", "\ufeffa",
    "I'm we've they'll it's I'd you're can't", "I'M WE'VE IT'S", "I\u2019m", "''s '", "1", "12", "123", "1234567", "3.14",
    "1,000,000", "2026-11-20", "a1b22c333", "\u00bd \u00b2 \u2167 \u0664\u0665", "hello_world", "__init__", "foo(bar)[0] += 1;",
    "https://example.org/?q=1&r=%20#x", "na\u00efve caf\u00e9", "nai\u0308ve cafe\u0301", "\u00c5\u212b\ufb01", "\u4f60\u597d\uff0c\u4e16\u754c",
    "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0645\u0631\u062d\u0628\u0627", "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "a\u0000b", "\u0001\u007f\u0080", "\ufffd", "\U0010ffff",
    "[MASK]", "The capital of France is [MASK].", "\n\n[SEP]\n\n", "Q: who?\nA:", "Q: who? A: me\n", "...", "!!!???", "\"quoted\"",
    "back\\slash", "a" * 200, " " * 50, "ab " * 60, "<s>", "</s>", "<|endoftext|>", "<|begin_of_text|>x", "<|im_end|>",
)
SUBJECTS = ("France", "the Nile", "Marie Curie", "jupiter", "a violin", "TOKYO", "Gabriel Garc\u00eda M\u00e1rquez", "iron")
QUESTIONS = ("What is the capital of {}?", "Where is {} from?", "who discovered {}", "In which year was {} born?",
             "{} is located in [MASK].", "Tell me: what language does {} use?", "how many letters has \"{}\"?")
SHAPES = ("{}", "Q: {}\nA:", "Q: {} A:", "Answer the question based on general world knowledge. "
          "Provide a short and direct answer.\n\nQ: {}\nA:")


def make_prompts():
    """Natural prompts in the shapes that segfuse uses."""
    questions = [question.format(subject) for subject in SUBJECTS for question in QUESTIONS]
    return [SHAPES[index % len(SHAPES)].format(question) for index, question in enumerate(questions)]


def make_texts(tokenizer):
    """NUM_TEXTS texts: hard cases, special tokens inside text, prompts, and random mixtures of all of them."""
    generator = random.Random(2026)
    texts = list(TRICKY) + [f"a {token}b" for token in tokenizer.all_special_tokens[:4]] + make_prompts()
    pieces = list(texts)
    while len(texts) < NUM_TEXTS:
        count = generator.randint(2, 5)
        texts.append("".join(generator.choice(pieces)[:generator.randint(1, 30)] for _ in range(count)))
    return texts[:NUM_TEXTS]


def check_tokenizer(report, segfuse, name, folder, tokenizer):
    texts = make_texts(tokenizer)
    for special in (True, False):
        failures, answers = [], segfuse.tokenize(folder, texts, special)
        if len(answers) != len(texts):
            failures.append(f"{len(answers)} lines for {len(texts)} texts")
        for text, ids in zip(texts, answers):
            expected = tokenizer(text, add_special_tokens=special)["input_ids"]
            if ids != expected:
                failures.append(f"{text!r}: {ids}, transformers gives {expected}")
        report.add_equal(name, f"token ids, {'with' if special else 'no'} special tokens", len(texts), failures)


@torch.no_grad()
def causal_logits(model, ids):
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def check_bundled(report, segfuse, folder):
    """A real folder, loaded by the Auto classes as users load it."""
    name, limit = os.path.basename(os.path.abspath(folder)), limit_of(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).float().eval()
    if not segfuse:
        report.add_equal(name, "loads in transformers", 2, [])
        return
    check_tokenizer(report, segfuse, name, folder, tokenizer)
    differences, failures = {}, []
    for prompt in make_prompts()[:NUM_PROMPTS]:
        ids = tokenizer(prompt)["input_ids"]
        sequence = list(ids)
        for _ in range(NUM_GREEDY):
            sequence.append(int(causal_logits(model, sequence)[-1].argmax()))
        T = len(sequence)
        logits = segfuse.forward(folder, dict(name="prompt", tokens=sequence, segments=[0] * T, positions=list(range(T)),
                                              visible=[[1]], mass=[0.0], answer=0))
        differences[prompt] = difference(logits, causal_logits(model, sequence))
        failures += [f"{prompt!r}, {line}" for line in check_greedy(logits, len(ids), sequence[len(ids):], limit)]
    report.add(name, "forward = transformers, causal prompts", differences, limit)
    report.add_equal(name, "greedy tokens", NUM_PROMPTS * NUM_GREEDY, failures)


# ---- methods -----------------------------------------------------------------------------------------------------

QUESTIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "questions")


def read_questions(name):
    with open(os.path.join(QUESTIONS, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def first_prompt(method, num_examples, num_paraphrases):
    """What a method asks of the first bundled question, picked here once more; and the options that ask for it."""
    question, train = read_questions("test.jsonl")[0], read_questions("train.jsonl")
    random.seed(42)
    shots = [train[i] for i in random.sample(range(len(train)), num_examples)]
    examples = [dict(questions=(shot["manual_paraphrases"] + shot["auto_paraphrases"])[:num_paraphrases],
                     answer=shot["answers"][0]) for shot in shots]
    manual = question["manual_paraphrases"][:num_paraphrases]
    options = ["--num_paraphrases", str(num_paraphrases)]
    auto = question["auto_paraphrases"][:max(num_paraphrases - len(manual), 0)]
    if method == "myriadlama_flex":
        manual, auto = manual[:num_paraphrases - 1], question["auto_paraphrases"][:1]
        options += ["--num_manual", str(len(manual)), "--num_auto", "1"]
    return dict(instruction="Based on the context, predict the [MASK] in the sentence in one word.", examples=examples,
                paraphrases=manual + auto, manual=[1] * len(manual) + [0] * len(auto)), options


def check_methods(report, segfuse, folder, num_examples, num_paraphrases):
    """The first question's prompt of every method, as `segfuse generate` lays it out: ids, positions, mask, logits."""
    name, limit = os.path.basename(os.path.abspath(folder)), limit_of(folder)
    tokenizer, model, flex = methods.load_tokenizer(folder), golden.load(folder), golden.load(folder, "segfuse_flex")
    failures, logits, to_flex = [], {}, {}
    for method, mask, start, accidents in methods.CASES:
        label = methods.case_name(method, mask, start, accidents)
        prompt, options = first_prompt(method, num_examples, num_paraphrases)
        for option, value in (("--mask", mask), ("--fusion_start", start), ("--accidents", ",".join(accidents))):
            options += [option, value] if value else []
        path = os.path.join(segfuse.work, "method.json")
        segfuse.run("generate", "--quiet", "--rewrite", "--max_samples", "1", "--model", folder, "--method", method,
                    "--data", os.path.join(QUESTIONS, "test.jsonl"), "--fewshot_data", os.path.join(QUESTIONS, "train.jsonl"),
                    "--num_fewshots", str(num_examples), "--output", os.path.join(segfuse.work, "methods"),
                    "--dump_layout", path, *options)
        with open(path, encoding="ascii") as file:
            layout = json.load(file) | dict(name=label)
        case = methods.Case(tokenizer, method, prompt, mask, start, accidents)
        visible = case.visible(case.T)
        for what, same in (("ids", layout["tokens"] == case.ids), ("positions", layout["positions"] == case.positions[:case.T]),
                           ("mask", torch.equal(golden.visible_tokens(layout), visible)),
                           ("FlexAttention's create_mask", torch.equal(visible, create_mask(
                               lambda b, h, q, k: case.sees(q, k), None, None, case.T, case.T, device="cpu")[0, 0]))):
            if not same:
                failures.append(f"{label}: other {what}")
        if layout["tokens"] != case.ids:
            continue
        with torch.no_grad():
            by_flex = flex(input_ids=torch.tensor([case.ids]), position_ids=torch.tensor([case.positions[:case.T]]),
                           attention_mask=block_masks(flex.config, lambda b, h, q, k: case.sees(q, k), case.T),
                           score_mod=lambda score, b, h, q, k: score + case.bias(q, k), use_cache=False).logits[0]
        ours = segfuse.forward(folder, layout)
        logits[label] = difference(ours, methods.forward(model, case, case.ids))
        to_flex[label] = difference(ours, by_flex)
    report.add_equal(name, "methods: ids, positions, masks", 4 * len(methods.CASES), failures)
    report.add(name, "methods: forward = transformers", logits, limit)
    report.add(name, "methods: forward = FlexAttention", to_flex, limit)


def check_method_goldens(report, committed, fresh):
    """The committed files of the methods are what methods.py makes."""
    methods.make_all(fresh)
    failures = []
    for file in ("cases.json", "model/tokenizer.json"):
        with open(os.path.join(committed, file), encoding="ascii") as old, open(os.path.join(fresh, file), encoding="ascii") as new:
            if old.read() != new.read():
                failures.append(f"{file} differs")
    logits = [load_file(os.path.join(path, "golden.safetensors")) for path in (committed, fresh)]
    if logits[0].keys() != logits[1].keys():
        failures.append("golden.safetensors has other cases")
    report.add("methods", "goldens made anew", {case: difference(logits[0][case], logits[1][case])
                                                for case in logits[0].keys() & logits[1].keys()}, GOLDEN_LIMIT, failures)


# ---- all ---------------------------------------------------------------------------------------------------------

def parse_options():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="Compare segfuse with transformers and FlexAttention.")
    parser.add_argument("--segfuse", help="the program")
    parser.add_argument("--python_only", action="store_true", help="only the checks that do not need the program")
    parser.add_argument("--work", required=True, help="a folder for temporary files")
    parser.add_argument("--golden", default=os.path.join(here, "..", "golden", "models"), help="the committed goldens")
    parser.add_argument("--model", action="append", default=[], help="a model folder with a tokenizer; repeatable")
    parser.add_argument("--random", type=int, default=20, help="random layouts for each model")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random layouts")
    options = parser.parse_args()
    if not options.segfuse and not options.python_only:
        parser.error("give the program with --segfuse, or --python_only")
    if options.segfuse and not os.access(options.segfuse, os.X_OK):
        parser.error(f"{options.segfuse} is not a program: build it with `make` first")
    return options


def main():
    options = parse_options()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    os.makedirs(options.work, exist_ok=True)
    report = Report()
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        segfuse = None if options.python_only else Segfuse(os.path.abspath(options.segfuse), work)
        check_goldens(report, options.golden, os.path.join(work, "models"))
        for name in golden.MODELS:
            folder = os.path.join(options.golden, name)
            cases = read_cases(folder)
            check_reference(report, name, folder, cases)
            check_flex(report, segfuse, name, folder, cases)
            if segfuse:
                check_forward(report, segfuse, name, folder, cases, options.random, options.seed)
        method_goldens = os.path.join(options.golden, "..", "methods")
        check_method_goldens(report, method_goldens, os.path.join(work, "methods-goldens"))
        if segfuse:
            check_methods(report, segfuse, os.path.join(method_goldens, "model"), 1, 3)
        for folder in options.model:
            check_bundled(report, segfuse, folder)
            if segfuse:
                check_methods(report, segfuse, folder, 5, 5)
    return report.print()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError) as error:
        print(f"oracle: {error}", file=sys.stderr)
        sys.exit(1)
