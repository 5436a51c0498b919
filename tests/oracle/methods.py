#!/usr/bin/env python3
"""What every method feeds to a model, written a second time: from spans and index rules, as the original's scripts and
other FlexAttention code do it, not from a matrix of segments.

    methods.py OUTDIR    makes the golden files of the methods; the same every time

OUTDIR/model is a tiny random Llama with a tokenizer of 400 tokens that has a BOS, and tokens such as ".\\n\\n" that cross
the border between two parts. OUTDIR/cases.json has the texts of one question and a list of cases:

    name, method, mask, fusion_start, accidents (a list)
    ids, positions      of the prompt
    visible             MD5 of its T x T mask, one byte 0 or 1 each, row by row
    greedy              the next tokens

and OUTDIR/golden.safetensors the logits [steps, V] they were chosen from: transformers' in float32, with the T x T mask,
everything computed anew at every step.
"""
import hashlib
import json
import math
import os
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging

import make_golden as golden

HERE = os.path.dirname(os.path.abspath(__file__))
FUSED = {  # method: format, separator, mask, positions, mass
    "flex_attention": ("concatenated", "\n\n[SEP]\n\n", "isolated", "sequential", "1"),
    "myriadlama_flex": ("concatenated", "\n\n", "isolated", "sequential", "1"),
    "myriadlama": ("few-shot", "\n\n", "few-shot", "sequential", "1"),
    "myriadlama_custom": ("parts", "\n", "shared", "sequential", "1"),
    "fused": ("cue", "\n", "shared", "aligned", "1/N"),
}
CASES = (  # method, mask, fusion_start, accidents; None: the method's own
    ("origin", None, None, ()),
    ("flex_attention", None, None, ()),
    ("flex_attention", None, "after-first", ()),
    ("flex_attention", None, None, ("shifted",)),
    ("myriadlama_flex", None, None, ()),
    ("myriadlama_flex", "manual-cross", None, ()),
    ("myriadlama_flex", "manual-cross", None, ("shifted",)),
    ("myriadlama", None, None, ()),
    ("myriadlama", None, "after-first", ()),
    ("myriadlama", "few-shot-original", None, ("no-cue",)),
    ("myriadlama", "few-shot-original", None, ("shifted", "no-cue")),
    ("myriadlama_custom", None, None, ()),
    ("myriadlama_custom", "shared-original", "after-first", ("swapped",)),
    ("fused", None, None, ()),
    ("fused", "hub", "after-first", ()),
)
NUM_GREEDY = 4
PROMPT = dict(
    instruction="Predict the [MASK] in one word.",
    examples=[dict(questions=["The capital of France is [MASK].", "[MASK] is the capital of France."], answer="Paris"),
              dict(questions=["Gold has the symbol [MASK].", "The symbol of gold: [MASK]."], answer="Au")],
    paraphrases=["The capital of Japan is [MASK].", "[MASK] is the capital of Japan.", "Japan is governed from [MASK]."],
    manual=[1, 1, 0])


class Spans:
    """Ids part by part, and where the parts are: (start, end, kind, group)."""

    def __init__(self, tokenizer):
        self.tokenizer, self.ids, self.spans = tokenizer, [], []

    def add(self, text, kind, group=-1):
        """A part; it joins the span before it when that is of the same kind and group."""
        start = len(self.ids)
        self.ids += self.tokenizer.encode(text, add_special_tokens=False)
        if self.spans and self.spans[-1][1:] == (start, kind, group):
            start = self.spans.pop()[0]
        self.spans.append((start, len(self.ids), kind, group))


def lines(prompt, one_line):
    shape = "Q: {} A: {}\n" if one_line else "Q: {}\nA: {}\n\n"
    return prompt["instruction"] + "\n\n" + "".join(
        shape.format(example["questions"][0], example["answer"]) for example in prompt["examples"])


def parts(tokenizer, prompt, form, separator, accidents):
    """The spans of a prompt, and where its cue begins (None: it has none)."""
    spans, order = Spans(tokenizer), list(range(len(prompt["paraphrases"])))
    cue = None
    if "swapped" in accidents:
        order[:2] = 1, 0
    if form == "concatenated":
        for place, i in enumerate(order):
            if place:
                spans.add(separator, "sep", order[place - 1])
            spans.add(lines(prompt, False), "para", i)
            spans.add(f"Q: {prompt['paraphrases'][i]}\nA:", "para", i)
        return spans, cue
    if form == "few-shot":
        spans.add(prompt["instruction"], "prefix")
        for number, example in enumerate(prompt["examples"]):
            for question in example["questions"]:
                spans.add(separator, "sep")
                spans.add(f"Q: {question}", "example_q", number)
            spans.add(separator, "sep")
            spans.add(f"A: {example['answer']}", "example_a", number)
        spans.add(separator, "sep")
    elif form == "parts":  # the newline behind the examples is a part of its own
        spans.add(lines(prompt, True), "prefix")
        spans.add(separator, "prefix")
    else:
        spans.add(lines(prompt, True) + separator, "prefix")
    for place, i in enumerate(order):
        if place:
            spans.add(separator, "sep", order[place - 1])
        spans.add(f"Q: {prompt['paraphrases'][i]}" + (" A:" if form == "parts" else ""), "para", i)
    if form == "cue" or (form == "few-shot" and "no-cue" not in accidents):
        cue = len(spans.ids)
        if form == "few-shot":
            spans.add(separator, "para", order[-1])
        spans.add(" A:" if form == "cue" else "A:", "para", order[-1])
    return spans, cue


class Case:
    """ids and positions of a prompt; sees(q, k) and bias(q, k) on tensors of indices, for `room` more tokens too."""

    def __init__(self, tokenizer, method, prompt, mask=None, fusion_start=None, accidents=(), room=NUM_GREEDY):
        if method not in FUSED:  # one context with the first paraphrase: plain causal
            spans = Spans(tokenizer)
            spans.add(lines(prompt, False), "prefix")
            spans.add(f"Q: {prompt['paraphrases'][0]}\nA:", "para", 0)
            mask, positions, mass, cue = "causal", "sequential", "1", None
        else:
            form, separator, usual, positions, mass = FUSED[method]
            mask = mask or usual
            spans, cue = parts(tokenizer, prompt, form, separator, accidents)
        counted, bos = len(spans.ids), tokenizer.bos_token_id
        if "shifted" in accidents:
            self.ids = tokenizer(tokenizer.decode(spans.ids, skip_special_tokens=False))["input_ids"]
            spans, answer = spans.spans, counted
        else:
            shift = 0 if bos is None else 1
            self.ids = ([] if bos is None else [bos]) + spans.ids
            spans = [(0, 1, "bos", -1)] * shift + [(a + shift, b + shift, kind, group)
                                                   for a, b, kind, group in spans.spans]
            T = len(self.ids)
            answer = T if fusion_start == "after-first" else T - 1 if cue is None else cue + shift
        self.T, self.mask, self.answer = len(self.ids), mask, answer
        size = max(self.T, counted) + room
        self.span, self.group = torch.full((size,), -1), torch.full((size,), -1)
        self.kind = ["answer"] * size
        for number, (start, end, kind, group) in enumerate(spans):
            self.span[start:end], self.group[start:end] = number, group
            self.kind[start:end] = [kind] * (end - start)
        self.is_kind = {kind: torch.tensor([k == kind for k in self.kind])
                        for kind in ("bos", "prefix", "sep", "para", "example_q", "example_a")}
        manual = [(start, end) for start, end, kind, group in spans if kind == "para" and prompt["manual"][group]]
        inside = torch.zeros(size, dtype=bool)  # from the first manual paraphrase to the last
        if manual:
            inside[manual[0][0]:manual[-1][1]] = True
        self.manual = inside
        self.hidden = self.is_kind["para"] & (self.group == 1) if "swapped" in accidents else torch.zeros(size, dtype=bool)
        weight = -math.log(len(prompt["paraphrases"])) if mass == "1/N" else 0.0
        self.log_weight = torch.where((self.is_kind["para"] | self.is_kind["sep"]) & (self.group >= 0)
                                    & (torch.arange(size) < answer), weight, 0.0)
        self.positions = list(range(size)) if positions == "sequential" else self.aligned(spans, size)

    def aligned(self, spans, size):
        """Every paraphrase starts where the prefix ends; the answer behind the longest of them."""
        places, start, longest = [], None, 0
        for a, b, kind, group in spans:
            b = min(b, self.answer)
            if a >= b:
                continue
            if kind == "para":
                start = len(places) if start is None else start
                first = start
            else:
                first = places[-1] + 1 if places else 0
            places += range(first, first + b - a)
            longest = max(longest, places[-1] + 1)
        return places + list(range(longest, longest + size - len(places)))

    def sees(self, q, k):
        is_kind, span, group = self.is_kind, self.span, self.group
        own = (span[q] == span[k]) & (span[q] >= 0)
        sep = is_kind["sep"][q] | is_kind["sep"][k]
        lone = (own | is_kind["bos"][k]) & ~sep
        prefix = is_kind["bos"] | is_kind["prefix"]
        if self.mask == "causal":
            rule = q == q
        elif self.mask == "isolated":
            rule = lone
        elif self.mask == "manual-cross":
            rule = lone | (self.manual[q] & self.manual[k])
        elif self.mask in ("few-shot", "few-shot-original"):
            question, answer, para = is_kind["example_q"], is_kind["example_a"], is_kind["para"]
            other = group[q] != group[k]
            if self.mask == "few-shot":
                among = answer[q] & question[k] & ~other
            else:
                among = (answer[q] & (question[k] | (answer[k] & other))) | (question[q] & question[k] & other)
            rule = lone | ((is_kind["prefix"][k] | among | (para[q] & (question[k] | answer[k]))) & ~sep)
        elif self.mask == "shared-original":
            para = is_kind["para"]
            rule = ~para[q] | ~para[k] | (group[q] == group[k])
        else:  # a separator is part of the paraphrase before it
            rule = prefix[k] | (group[q] == group[k]) & ~prefix[q]
            if self.mask == "hub":
                rule = rule | (~prefix[q] & (group[k] == 0))
        return (q >= k) & ((q >= self.answer) | rule) & ~self.hidden[q] & ~self.hidden[k]

    def bias(self, q, k):
        return torch.where(q >= self.answer, self.log_weight[k], 0.0)

    def visible(self, size):
        index = torch.arange(size)
        return self.sees(index[:, None], index[None, :])

    def additive(self, size):
        index = torch.arange(size)
        return self.bias(index[:, None], index[None, :]).masked_fill(~self.visible(size), -math.inf)[None, None]


@torch.no_grad()
def forward(model, case, ids):
    """Logits [T, V] of transformers with the dense mask."""
    return model(input_ids=torch.tensor([ids]), position_ids=torch.tensor([case.positions[:len(ids)]]),
                 attention_mask=case.additive(len(ids)), use_cache=False).logits[0]


# ---- golden files ------------------------------------------------------------------------------------------------

def make_tokenizer(folder):
    """The first merges of the bundled tokenizer, a few across borders, and a BOS."""
    with open(os.path.join(HERE, "..", "..", "models", "segfuse-2m", "tokenizer.json"), encoding="utf-8") as file:
        data = json.load(file)
    model = data["model"]
    vocab = {token: number for token, number in model["vocab"].items() if number < 256}
    merges = model["merges"][:137] + [[".", "\u010a\u010a"], [":", "\u010a\u010a"], ["]", ".\u010a\u010a"]]
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    model.update(vocab=vocab, merges=merges)
    special = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    data["added_tokens"] = [dict(id=len(vocab), content="<s>", **special)]
    data["post_processor"] = dict(
        type="TemplateProcessing", single=[dict(SpecialToken=dict(id="<s>", type_id=0)), dict(Sequence=dict(id="A", type_id=0))],
        pair=[dict(Sequence=dict(id="A", type_id=0)), dict(Sequence=dict(id="B", type_id=1))],
        special_tokens={"<s>": dict(id="<s>", ids=[len(vocab)], tokens=["<s>"])})
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="ascii", newline="\n") as file:
        json.dump(data, file, separators=(",", ":"))
        file.write("\n")
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="ascii", newline="\n") as file:
        json.dump(dict(tokenizer_class="PreTrainedTokenizerFast", bos_token="<s>", clean_up_tokenization_spaces=False), file)
        file.write("\n")
    return len(vocab) + 1


def load_tokenizer(folder):
    with open(os.path.join(folder, "tokenizer_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_file(os.path.join(folder, "tokenizer.json")),
                                   bos_token=config.get("bos_token"), clean_up_tokenization_spaces=False)


def case_name(method, mask, fusion_start, accidents):
    return "-".join([method] + [part for part in (mask, fusion_start, *accidents) if part])


def make_case(model, tokenizer, method, mask, fusion_start, accidents):
    case = Case(tokenizer, method, PROMPT, mask, fusion_start, accidents)
    name, ids, rows = case_name(method, mask, fusion_start, accidents), list(case.ids), []
    for _ in range(NUM_GREEDY):
        last = forward(model, case, ids)[-1]
        first, second = last.topk(2).values.tolist()
        if first - second < 1e-3 * last.abs().max().item():
            raise SystemExit(f"{name}: the greedy choice is too close, change the model's seed")
        rows.append(last)
        ids.append(int(last.argmax()))
        if "\n" in tokenizer.decode(ids[case.T:]).lstrip():
            break  # as every method does
    mask_bytes = case.visible(case.T).to(torch.uint8).numpy().tobytes()
    return dict(name=name, method=method, mask=mask or "", fusion_start=fusion_start or "", accidents=list(accidents),
                ids=case.ids, positions=case.positions[:case.T], visible=hashlib.md5(mask_bytes).hexdigest(),
                greedy=ids[case.T:]), torch.stack(rows)


def make_all(directory):
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    folder = os.path.join(directory, "model")
    os.makedirs(folder, exist_ok=True)
    vocab = make_tokenizer(folder)
    golden.make_model(folder, seed=44, dtype=torch.float32, hidden_size=32, num_attention_heads=4, num_key_value_heads=2,
                      intermediate_size=40, vocab_size=vocab, tie_word_embeddings=True, rms_norm_eps=1e-5,
                      eos_token_id=None, max_position_embeddings=512)
    model, tokenizer = golden.load(folder), load_tokenizer(folder)
    made = [make_case(model, tokenizer, *case) for case in CASES]
    save_file({case["name"]: logits.contiguous() for case, logits in made}, os.path.join(directory, "golden.safetensors"))
    with open(os.path.join(directory, "cases.json"), "w", encoding="ascii", newline="\n") as file:
        bodies = ",\n".join(json.dumps(case, separators=(",", ":")) for case, _ in made)
        file.write('{"prompt": ' + json.dumps(PROMPT) + ',\n"cases": [\n' + bodies + "\n]}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: methods.py OUTDIR")
    make_all(sys.argv[1])
