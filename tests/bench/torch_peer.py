#!/usr/bin/env python3
"""What bench-speed is compared with in PyTorch. It prints lines that bench-speed reads: `figure NAME|UNIT|SAMPLE ...`,
`note TEXT`; everything else goes to stderr.

    torch_peer.py loop FOLDER --spans 104,4,104,...,2 [--steps 10] [--questions 16] [--samples 5] [--threads N]
        The original's `flex_attention` as its loop is written: for every new token the whole sequence is computed anew,
        without a cache, for one question after the other, and the logits of all its tokens are made. FOLDER: a Hugging
        Face folder. --spans: lengths of prompt and separator in turn, the last one is the answer's beginning.
          FlexAttention        uncompiled, keys repeated for the query heads, its block mask made in every layer of every
                               step for every head: what the original's code does
          eager, sdpa          transformers' own attention with a dense additive mask [1, 1, T, T] made once a step
        each in float32 and bfloat16, one step after one that is not counted ("once"). Then the fastest of all, and the
        fastest of the dense ones with --questions questions of one length in one batch, which the original does not do.
        A sample is one step of --steps, times --steps, as they hardly differ in length: the steps measured are spread
        evenly over the answer, a first one is not counted. In float32 the three must agree on the logits.

    torch_peer.py attention [--segments 32] [--length 128] [--heads 32] [--kv_heads 8] [--head_dim 64] ...
        torch.compile(flex_attention) on one sequence of --segments isolated segments, and with a causal mask. The block
        mask is made beforehand, in blocks of several sizes, as no size is best for all; how long that takes is a figure
        of its own. FLOP/s count visible pairs, as ours do. scaled_dot_product_attention with is_causal stands beside it.
"""
import argparse
import sys
import time
import warnings

import torch
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

DTYPES = (("f32", torch.float32), ("bf16", torch.bfloat16))
BLOCK_SIZES = (32, 64, 128)


def figure(name, unit, samples):
    print(f"figure {name}|{unit}|" + " ".join(f"{sample:.6g}" for sample in samples), flush=True)


def note(text):
    print(f"note {text}", flush=True)


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def timed(call, samples):
    """Seconds of `samples` calls after one that is not counted."""
    call()
    return [seconds(call) for _ in range(samples)]


# ---- the original's loop -----------------------------------------------------------------------------------------

class Prompt:
    """Who sees whom, for FlexAttention by an index rule and for the others by a dense mask. A separator sees itself
    alone: FlexAttention gives a row that sees nothing a zero, the dense ones do not, and so they can be compared."""

    def __init__(self, spans, steps):
        self.length = sum(spans)
        self.answer = self.length - spans[-1]
        self.span = torch.repeat_interleave(torch.arange(len(spans)), torch.tensor(spans))
        self.span = torch.cat([self.span, torch.full((steps,), len(spans) - 1)])

        def sees(b, h, q, k):  # a function: FlexAttention takes no method
            return (q >= k) & ((q >= self.answer) | (self.span[q] == self.span[k]))
        self.sees = sees

    def dense(self, length, dtype):
        index = torch.arange(length)
        seen = self.sees(0, 0, index[:, None], index[None, :])
        return torch.zeros(length, length, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)[None, None]


PROMPT = None  # what flex_as_written masks by


def flex_as_written(module, query, key, value, attention_mask, scaling=None, **_):
    """A layer's attention in the original: all of it, the mask included, in every call."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    mask = create_block_mask(PROMPT.sees, B=query.shape[0], H=query.shape[1], Q_LEN=query.shape[2],
                             KV_LEN=query.shape[2], device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it is slow without torch.compile
        output = flex_attention(query, key, value, block_mask=mask, scale=scaling)
    return output.transpose(1, 2).contiguous(), None


def step(model, ids, attention, dtype):
    """The logits a step chooses from, as the original gets them: of all tokens, then the last."""
    mask = None if attention == "flex" else PROMPT.dense(ids.shape[1], dtype)
    return model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, -1, :]


@torch.no_grad()
def loop(options):
    from transformers import AttentionInterface, AttentionMaskInterface, AutoModelForCausalLM
    from transformers.utils import logging
    global PROMPT
    logging.disable_progress_bar()
    AttentionInterface.register("flex_as_written", flex_as_written)
    AttentionMaskInterface.register("flex_as_written", lambda *_, **__: None)
    spans = [int(length) for length in options.spans.split(",")]
    PROMPT = Prompt(spans, options.steps)
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(2000, (options.questions, PROMPT.length + options.steps), generator=generator)
    # the steps that are measured: evenly spread, the first and the last among them
    at = [round(i * (options.steps - 1) / max(options.samples - 1, 1)) for i in range(options.samples)]
    note(f"PyTorch loop: {PROMPT.length} prompt tokens; measured steps {', '.join(str(i + 1) for i in at)} of "
         f"{options.steps} (once: step 1), each times {options.steps}; choosing a token is not counted; torch "
         f"{torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads")

    def load(name, attention):
        implementation = "flex_as_written" if attention == "flex" else attention
        return AutoModelForCausalLM.from_pretrained(options.folder, dtype=dict(DTYPES)[name],
                                                    attn_implementation=implementation).eval()

    once = {}
    for name, dtype in DTYPES:
        logits = {}
        for attention in ("flex", "eager", "sdpa"):
            model = load(name, attention)
            prompt = ids[:1, :PROMPT.length]
            logits[attention] = step(model, prompt, attention, dtype)[0]
            once[name, attention] = seconds(lambda: step(model, prompt, attention, dtype))
            figure(f"PyTorch once, {attention} {name}", "questions/s", [1 / (options.steps * once[name, attention])])
        if dtype == torch.float32:
            check_agree(logits)

    def measure(key, questions):
        name, attention = key
        model, dtype = load(name, attention), dict(DTYPES)[name]
        step(model, ids[:questions, :PROMPT.length], attention, dtype)
        took = [seconds(lambda: step(model, ids[:questions, :PROMPT.length + i], attention, dtype)) for i in at]
        figure(f"PyTorch loop, {attention} {name}, " + ("one at a time" if questions == 1 else f"{questions} in a batch"),
               "questions/s", [questions / (options.steps * t) for t in took])

    measure(min(once, key=once.get), 1)
    if options.questions > 1:
        measure(min((key for key in once if key[1] != "flex"), key=once.get), options.questions)


def check_agree(logits):
    """In float32 all three compute the same, or one of them was timed at something else."""
    for name, row in logits.items():
        apart = ((row - logits["eager"]).abs().max() / logits["eager"].abs().max()).item()
        if not apart < 1e-3:
            sys.exit(f"PyTorch loop: {name} is {apart:.1e} from eager: they do not compute the same")


# ---- attention alone ---------------------------------------------------------------------------------------------

@torch.no_grad()
def attention(options):
    T, H, C, L = options.segments * options.length, options.heads, options.head_dim, options.length

    segment = torch.arange(T) // L

    def causal(b, h, q, k):
        return q >= k

    def isolated(b, h, q, k):
        return (q >= k) & (segment[q] == segment[k])

    masks = {"causal": (causal, T * (T + 1) / 2), "isolated": (isolated, T * (L + 1) / 2)}
    index = torch.arange(T)
    for dtype_name, dtype in DTYPES:
        generator = torch.Generator().manual_seed(1)
        q, k, v = (torch.randn(1, heads, T, C, generator=generator).to(dtype)
                   for heads in (H, options.kv_heads, options.kv_heads))
        for name, (rule, pairs) in masks.items():
            wanted = torch.nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=rule(0, 0, index[:, None], index[None, :]), enable_gqa=True)
            for size in BLOCK_SIZES:
                make = lambda: create_block_mask(rule, None, None, T, T, device="cpu", BLOCK_SIZE=size)
                if dtype == torch.float32:
                    figure(f"FlexAttention's block mask, {name}, blocks of {size}", "s", timed(make, options.samples))
                mask = make()
                # anew, or the compiler gives up after a few masks and runs uncompiled; fullgraph: it says so
                torch._dynamo.reset()
                compiled = torch.compile(flex_attention, fullgraph=True)
                call = lambda: compiled(q, k, v, block_mask=mask, enable_gqa=H != options.kv_heads)
                title = f"FlexAttention, {name} {dtype_name}, blocks of {size}"
                try:
                    apart = (call().float() - wanted.float()).abs().max().item()
                except Exception as error:  # what inductor can compile differs from version to version
                    note(f"{title}: torch.compile failed: {type(error).__name__}: {str(error).splitlines()[0]}")
                    continue
                if not apart < (1e-4 if dtype == torch.float32 else 5e-2):
                    sys.exit(f"{title}: {apart:.1e} from the dense result")
                figure(title, "FLOP/s", [4 * H * C * pairs / t for t in timed(call, options.samples)])
        took = timed(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
                     options.samples)
        figure(f"PyTorch sdpa, causal {dtype_name}", "FLOP/s", [4 * H * C * masks["causal"][1] / t for t in took])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("loop")
    command.add_argument("folder")
    command.add_argument("--spans", required=True)
    command.add_argument("--steps", type=int, default=10)
    command.add_argument("--questions", type=int, default=16)
    command.set_defaults(run=loop)
    command = commands.add_parser("attention")
    for name, default in (("segments", 32), ("length", 128), ("heads", 32), ("kv_heads", 8), ("head_dim", 64)):
        command.add_argument(f"--{name}", type=int, default=default)
    command.set_defaults(run=attention)
    for command in commands.choices.values():
        command.add_argument("--threads", type=int, default=0)
        command.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    options.run(options)


if __name__ == "__main__":
    main()
