#!/usr/bin/env python3
"""Compare the masks of segfuse with FlexAttention's, as the README tells its readers to.

    mask_oracle.py --segfuse build/segfuse [--random N] [--seed N]

For every mask by name: a mask_mod written by hand from the rule in the README, evaluated by create_mask, saved by
numpy, compared by `segfuse mask --compare` on N random layouts; one bit is then turned over, and the comparison must
name it. In between every .npy we read (bool, integers, additive floats, both orders, both byte orders) and every .npy
we write is tried. attention-gym's masks with a counterpart here (causal, document, prefix, shared prefix) are compared,
too; where the package is not installed that part is skipped, aloud.
Exit 0: all agree; 1: something does not.
"""
import argparse
import random
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch.nn.attention.flex_attention import create_mask

PARAPHRASES = ("para", "manual", "auto")
EXAMPLES = ("example_q", "example_a")


class Layout:
    """Segments as --segments writes them, and for every token its role, group and segment as tensors."""

    def __init__(self, items):
        self.spec = ",".join(f"{role}:{n}" for role, n in items)
        self.roles = sorted({role for role, _ in items})
        role, group, seg, paraphrase, example = [], [], [], -1, 0
        for s, (name, n) in enumerate(items):
            if name in PARAPHRASES:
                paraphrase += 1
            own = paraphrase if name in PARAPHRASES + ("sep",) else example if name in EXAMPLES else -1
            example += name == "example_a"
            role += [name] * n
            group += [own] * n
            seg += [s] * n
        self.names = role
        self.group, self.seg = torch.tensor(group), torch.tensor(seg)
        self.T = len(role)
        manual = [t for t in range(self.T) if role[t] == "manual"]
        self.first, self.last = (manual[0], manual[-1]) if manual else (1, 0)

    def has(self, *names):
        """[T] of bool: is the token's role one of these?"""
        return torch.tensor([name in names for name in self.names])


def mask_mods(l):
    """The rules of the README as mask_mods; what they have in common stands in `rule`."""
    bos, shared, sep, cue = l.has("bos"), l.has("shared"), l.has("sep"), l.has("cue")
    para, ex_q, ex_a = l.has(*PARAPHRASES), l.has("example_q"), l.has("example_a")
    prefix = bos | shared | ex_q | ex_a | (sep & (l.group < 0))
    group, seg = l.group, l.seg

    def rule(see):
        """Causal; the answer sees everything; the rest sees what `see` says, and never the answer."""
        return lambda b, h, q, k: (q >= k) & (cue[q] | (~cue[k] & see(q, k)))

    def isolated(q, k):
        return ~sep[q] & ~sep[k] & ((seg[q] == seg[k]) | bos[k])

    def few_shot(q, k):
        own = ex_a[q] & ex_q[k] & (group[q] == group[k])
        return isolated(q, k) | (~sep[q] & (shared[k] | own | (para[q] & (ex_q[k] | ex_a[k]))))

    def few_shot_original(q, k):
        other = group[q] != group[k]
        return few_shot(q, k) | (other & ((ex_q[q] & ex_q[k]) | (ex_a[q] & (ex_q[k] | ex_a[k]))))

    def same(q, k):
        return (para | sep)[q] & (para | sep)[k] & (group[q] == group[k])

    def between(t):
        return (t >= l.first) & (t <= l.last)

    return {
        "causal": lambda b, h, q, k: q >= k,
        "isolated": rule(isolated),
        "manual-cross": rule(lambda q, k: isolated(q, k) | (between(q) & between(k))),
        "few-shot": rule(few_shot),
        "few-shot-original": rule(few_shot_original),
        "shared": rule(lambda q, k: prefix[k] | same(q, k)),
        "shared-original": rule(lambda q, k: ~para[q] | ~para[k] | (group[q] == group[k])),
        "hub": rule(lambda q, k: prefix[k] | same(q, k) | (~prefix[q] & (group[k] == 0))),
    }


def random_layout(rng):
    n = lambda: rng.randint(1, 5)
    items = [("bos", 1)] if rng.random() < 0.5 else []
    items += [("shared", n())] if rng.random() < 0.8 else []
    for _ in range(rng.randint(0, 3)):
        items += [("sep", n())] * (rng.random() < 0.5)
        items += [("example_q", n()) for _ in range(rng.randint(1, 3))] + [("example_a", n())]
    roles = rng.choice([["para"] * 4, ["manual", "manual", "auto", "auto"], ["manual"] * 3, ["auto"] * 2])
    for i, role in enumerate(roles):
        items += [("sep", n())] * (i > 0 and rng.random() < 0.7)
        items.append((role, n()))
    return Layout(items + [("cue", n())])


def variants(mask):
    """The same mask as people save it."""
    yield "bool", mask
    yield "uint8", mask.astype(np.uint8)
    yield "int64 [1, 1, T, T]", mask.astype(np.int64)[None, None]
    yield "big-endian int32", mask.astype(">i4")
    yield "Fortran order", np.asfortranarray(mask)
    for kind, least in (("<f4", -np.inf), ("<f8", np.finfo(np.float64).min), ("<f2", -65504), (">f4", -1e9)):
        yield f"additive {kind}", np.where(mask, 0, least).astype(kind)


def compare(program, layout, kind, path):
    run = subprocess.run([program, "mask", "--kind", kind, "--segments", layout.spec, "--compare", path],
                         capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def check_masks(program, work, rng, count):
    bad = done = 0
    for i in range(count):
        layout = random_layout(rng)
        for kind, mask_mod in mask_mods(layout).items():
            mask = create_mask(mask_mod, None, None, layout.T, layout.T, device="cpu")
            np.save(f"{work}/mask.npy", mask.numpy())
            status, said = compare(program, layout, kind, f"{work}/mask.npy")
            done += 1
            if status:
                bad += 1
                print(f"{kind} on {layout.spec}: {said}")
                continue
            dense = mask.numpy()[0, 0]
            q, k = rng.randrange(layout.T), rng.randrange(layout.T)
            dense[q, k] ^= True
            np.save(f"{work}/turned.npy", dense)
            status, said = compare(program, layout, kind, f"{work}/turned.npy")
            dense[q, k] ^= True
            if status != 1 or f"1 of {layout.T ** 2} entries, first at row {q}, column {k}" not in said:
                bad += 1
                print(f"{kind}: the bit at {q}, {k} of {layout.spec} was turned over; said: {said}")
            if i:
                continue
            subprocess.run([program, "mask", "--kind", kind, "--segments", layout.spec, "--output", f"{work}/own.npy"],
                           check=True)
            own = np.load(f"{work}/own.npy")
            if own.dtype != np.bool_ or not np.array_equal(own, dense):
                bad += 1
                print(f"{kind}: numpy.load of our .npy differs on {layout.spec}")
            for name, array in variants(dense):
                np.save(f"{work}/variant.npy", array)
                status, said = compare(program, layout, kind, f"{work}/variant.npy")
                if status:
                    bad += 1
                    print(f"{kind} as {name}: {said}")
    print(f"{'ok     ' if not bad else 'FAILED '} {done} masks of {len(mask_mods(random_layout(rng)))} kinds equal "
          f"FlexAttention's create_mask")
    return bad


def check_attention_gym(program, work, rng, count):
    try:
        from attn_gym.masks.causal import causal_mask
        from attn_gym.masks.document_mask import generate_doc_mask_mod, length_to_offsets
        from attn_gym.masks.prefix_lm import generate_prefix_lm_mask
        from attn_gym.masks.shared_prefix import generate_shared_prefix_mask_mod
    except ImportError as e:
        print(f"skipped attention-gym: {e}; pip install attn-gym")
        return 0
    bad = 0

    def same(kind, layout, mask_mod, what):
        nonlocal bad
        mask = create_mask(mask_mod, None, None, layout.T, layout.T, device="cpu")
        np.save(f"{work}/gym.npy", mask.numpy())
        status, said = compare(program, layout, kind, f"{work}/gym.npy")
        bad += status != 0
        failed.update({what: said} if status else {})
        tried.setdefault(what, kind)

    tried, failed = {}, {}
    for _ in range(count):
        lengths = [rng.randint(1, 9) for _ in range(4)]
        documents = Layout([("para", n) for n in lengths])
        offsets = length_to_offsets(lengths, "cpu")
        same("causal", documents, causal_mask, "causal")
        same("isolated", documents, generate_doc_mask_mod(causal_mask, offsets), "document")
        # its prefix is bidirectional: in causal order it is the causal mask
        prefix = generate_prefix_lm_mask(lengths[0])
        same("causal", documents, lambda b, h, q, k: prefix(b, h, q, k) & (q >= k), "prefix, in causal order")
        shared = Layout([("shared", lengths[0])] + [("para", n) for n in lengths[1:]])
        first = torch.zeros(len(lengths), dtype=torch.long)
        same("shared", shared, generate_shared_prefix_mask_mod(offsets, first), "shared prefix")
    for what, kind in tried.items():
        print(f"FAILED  attention-gym: {what}: {failed[what]}" if what in failed else
              f"ok      attention-gym: {what} equals {kind} on {count} layouts")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segfuse", required=True)
    parser.add_argument("--random", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as work:
        bad = check_masks(args.segfuse, work, rng, args.random)
        bad += check_attention_gym(args.segfuse, work, rng, 3)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
