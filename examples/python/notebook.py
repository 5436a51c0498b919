#!/usr/bin/env python3
"""Writes segfuse.ipynb next to it: the cells below, executed. Needs numpy, torch, transformers, matplotlib, nbconvert and
ipykernel, and `make lib`.

    python examples/python/notebook.py
"""
import os

import nbformat
from nbconvert.preprocessors import ExecutePreprocessor

HERE = os.path.dirname(os.path.abspath(__file__))
CELLS = ["""# Masks and fusion with segfuse

The library computes what a mask says, in plain C, with the same bits everywhere; `segfuse.py` calls it. `make lib` builds it.
[README.md](README.md) names what it offers.""",
         """import numpy as np, torch, segfuse
from matplotlib import pyplot as plt
%matplotlib inline
torch.set_num_threads(1)""",
         """## Is my FlexAttention mask right?

Three paraphrases behind one prefix: a paraphrase sees the prefix and itself, the answer sees everything. A separator belongs to the
paraphrase before it. This `mask_mod` was written by hand, and one thing is wrong.""",
         """layout = segfuse.Layout.of("shared:6,para:4,sep:1,para:3,sep:1,para:5,answer:2", mask="shared")
part = torch.tensor([0] * 6 + [1] * 4 + [0] + [2] * 3 + [0] + [3] * 5 + [4] * 2)   # separators in the prefix

def mask_mod(b, h, q, k):
    return (q >= k) & ((part[k] == 0) | (part[q] == 0) | (part[q] == part[k]) | (part[q] == 4))

try:
    segfuse.verify(mask_mod, layout)
except AssertionError as problem:
    print(problem)""",
         "What does it matter? Information moves from a token to every token that sees it, one hop in each layer:",
         """mine = torch.nn.attention.flex_attention.create_mask(mask_mod, None, None, len(layout), len(layout), device="cpu")
for leak in layout.leaks(dense=mine):
    print(leak.text)""",
         """part = torch.tensor([0] * 6 + [1] * 5 + [2] * 4 + [3] * 5 + [4] * 2)   # each separator with its paraphrase
segfuse.verify(mask_mod, layout)          # says nothing: equal
print(layout.explain(11, 6))
print(f"FlexAttention's block mask leaves out {layout.block_mask(BLOCK_SIZE=2).sparsity():.0f}% of the blocks of 2 x 2 tokens")""",
         "## The mask",
         """def draw(layout, ax):
    ax.imshow(layout.dense(), cmap="Blues", vmax=1.6)
    ax.set(title="row: who looks; column: who is seen", xticks=[])
    first = [int(np.argmax(layout.segments == s)) for s in range(len(layout.roles))]
    ax.set_yticks(first, [layout.segment_text(s) for s in range(len(first))])
draw(layout, plt.figure(figsize=(4, 4)).gca())""",
         """## Logits, against transformers

The same ids, the same mask, the same positions.""",
         """from transformers import AutoModelForCausalLM
folder = "../../models/segfuse-2m"
model = segfuse.Model(folder)
asked = ["The capital of Japan is [MASK].", "Jpaan's capital is [MASK].", "The seat of government of Japan is [MASK].",
         "In Nippon, the capital city is [MASK].", "What is Japan's capital? [MASK]."]
examples = [("The capital of France is [MASK].", "Paris")]
fused = model.layout("fused", asked, examples=examples)

theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
scores = np.where(fused.dense(), 0, np.finfo(np.float32).min).astype(np.float32)
scores[fused.segments == fused.answer] += fused.log_weights[fused.segments]      # the weights 1/N
with torch.no_grad():
    wanted = theirs(torch.tensor(fused.tokens)[None].long(), attention_mask=torch.tensor(scores)[None, None],
                    position_ids=torch.tensor(fused.positions)[None].long()).logits[0].numpy()
ours = model.logits(fused)
print("largest difference:", np.abs(ours - wanted).max(), "of logits up to", np.abs(wanted).max())
print("the reference's bits:", (ours == model.logits(fused, reference=True)).all())""",
         "## Five wordings, one answer",
         """for text in asked:
    print(f"{text:45}", model.ask("origin", text, examples=examples))
for method in ("avg", "max", "flex_attention", "fused"):
    print(f"{method:45}", model.ask(method, asked, examples=examples))""",
         """best = np.argsort(-ours[-1])[:5]
odds = np.exp(ours[-1] - ours[-1].max()); odds /= odds.sum()
for i in best:
    print(f"{model.decode([i])!r:12} {odds[i]:.3f}")""",
         """## Where the answer looks

The share of the last prompt token's softmax that falls on each paraphrase, layer by layer, the mean of the heads.""",
         """mass = model.attention(fused)
rows = [s for s, role in enumerate(fused.roles) if role == "para"]
fig, ax = plt.subplots(figsize=(5, 2.6))
bottom = np.zeros(len(mass))
for s in rows:
    ax.bar(range(len(mass)), mass[:, s], bottom=bottom, label=fused.segment_text(s))
    bottom += mass[:, s]
ax.set(xlabel="layer", ylabel="share of the softmax", xticks=range(len(mass)), ylim=(0, 1))
ax.legend(fontsize=7, loc="upper right");"""]
CODE = {1, 3, 5, 6, 8, 10, 12, 13, 15}


def main():
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    for i, text in enumerate(CELLS):
        cell = nbformat.v4.new_code_cell(text) if i in CODE else nbformat.v4.new_markdown_cell(text)
        cell["id"] = f"cell-{i}"
        book.cells.append(cell)
    ExecutePreprocessor(timeout=600).preprocess(book, {"metadata": {"path": HERE}})
    for cell in book.cells:  # only what a reader wants: no times, no progress bars
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    nbformat.write(book, os.path.join(HERE, "segfuse.ipynb"))


if __name__ == "__main__":
    main()
