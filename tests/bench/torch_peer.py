#!/usr/bin/env python3
"""What bench-speed is compared with in PyTorch. It prints lines that bench-speed reads: `figure NAME|UNIT|SAMPLE ...`,
`note TEXT`; everything else goes to stderr.

    torch_peer.py loop FOLDER --spans 104,4,104,...,2 [--shared 1] [--title TEXT] [--steps 10] [--questions 16]
        The original's `flex_attention` as its loop is written: for every new token the whole sequence is computed anew,
        without a cache, for one question after the other, and the logits of all its tokens are made. FOLDER: a Hugging
        Face folder. --spans: lengths of prompt and separator in turn, the last one is the answer's beginning.
          FlexAttention        uncompiled, keys repeated for the query heads, its block mask made in every layer of every
                               step for every head: what the original's code does
          eager, sdpa          transformers' own attention with a dense additive mask [1, 1, T, T] made once a step
        each in float32 and bfloat16, one step after one that is not counted ("once"). Then the fastest of all, the
        faster of the two with FlexAttention, and the fastest of the dense ones with --questions questions of one length
        in one batch, which the original does not do. A sample is one step of --steps, times --steps, as they hardly
        differ in length: the steps measured are spread evenly over the answer, each after one of its length that is
        not counted. In float32 the three must agree on the logits.

    torch_peer.py cached FOLDER --spans ... [--shared 1] [--title TEXT] [--steps 10]
        transformers with its key/value cache, bfloat16, sdpa and a 4D mask, one question after the other: the prompt in
        one pass, then a pass for each token. --samples questions after one that is not counted.

    torch_peer.py engine FOLDER [--prefill 512,4096] [--batch 1,32] [--steps 32]
        transformers with its key/value cache, bfloat16, sdpa: prompts of so many tokens, and so many sequences that grow
        by a token in each of --steps passes.

    torch_peer.py attention [--segments 32 --length 128 | --lengths 120,131,...] [--heads 32] [--kv_heads 8] ...
        torch.compile(flex_attention) on one sequence of isolated segments, and with a causal mask (--lengths: one of
        them only; of one length: causal). The block mask is made beforehand, in blocks of several sizes, as no size is
        best for all; how long that takes is a figure of its own, on a GPU also with create_block_mask compiled (blocks of
        128). FLOP/s count visible pairs, as ours do.
        scaled_dot_product_attention with is_causal stands beside it; on a GPU also by FlashAttention and cuDNN by name,
        as which of them PyTorch prefers changes with its version.

    torch_peer.py decode --rows 160 --length 2120 [--heads 24] [--kv_heads 8] [--head_dim 128]
        torch.compile(flex_attention) and scaled_dot_product_attention on --rows sequences of one bfloat16 query each
        that sees --length keys of its own.

All of them: [--device cpu|cuda] [--threads N] [--samples 5]. On a GPU, times are those of its events, the mean of ten calls
in a sample of `attention` and `decode`.
"""
import argparse
import contextlib
import sys
import time
import warnings

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
SDPA_BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION]
BLOCK_SIZES = {"cpu": (32, 64, 128), "cuda": (128, 256)}
DEVICE = "cpu"


def figure(name, unit, samples):
    print(f"figure {name}|{unit}|" + " ".join(f"{sample:.6g}" for sample in samples), flush=True)


def note(text):
    print(f"note {text}", flush=True)


def note_failed(title, error):
    """What inductor can compile differs from version to version."""
    note(f"{title}: torch.compile failed: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")


def seconds(call, times=1):
    """Of one of `times` calls."""
    if DEVICE == "cpu":
        start = time.perf_counter()
        for _ in range(times):
            call()
        return (time.perf_counter() - start) / times
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    begin.record()
    for _ in range(times):
        call()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1000 / times


def timed(call, samples):
    """Seconds of `samples` calls after one that is not counted."""
    times = 1 if DEVICE == "cpu" else 10
    seconds(call, times)
    return [seconds(call, times) for _ in range(samples)]


# ---- the original's loop -----------------------------------------------------------------------------------------

class Prompt:
    """Who sees whom, for FlexAttention by an index rule and for the others by a dense mask. A separator sees itself
    alone: FlexAttention gives a row that sees nothing a zero, the dense ones do not, and so they can be compared."""

    def __init__(self, spans, shared, steps):
        first = spans[0] if shared else 0
        self.length = sum(spans)
        self.answer = self.length - spans[-1]
        self.span = torch.repeat_interleave(torch.arange(len(spans)), torch.tensor(spans))
        self.span = torch.cat([self.span, torch.full((steps,), len(spans) - 1)]).to(DEVICE)

        def sees(b, h, q, k):  # a function: FlexAttention takes no method
            return (q >= k) & ((q >= self.answer) | (k < first) | (self.span[q] == self.span[k]))
        self.sees = sees

    def dense(self, length, dtype):
        index = torch.arange(length, device=DEVICE)
        seen = self.sees(0, 0, index[:, None], index[None, :])
        return torch.zeros(length, length, dtype=dtype, device=DEVICE).masked_fill(
            ~seen, torch.finfo(dtype).min)[None, None]


PROMPT = None  # what flex_as_written masks by


def flex_as_written(module, query, key, value, attention_mask, scaling=None, **_):
    """A layer's attention in the original: all of it, the mask included, in every call."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    mask = create_block_mask(PROMPT.sees, B=query.shape[0], H=query.shape[1], Q_LEN=query.shape[2],
                             KV_LEN=query.shape[2], device=DEVICE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it is slow without torch.compile
        output = flex_attention(query, key, value, block_mask=mask, scale=scaling)
    return output.transpose(1, 2).contiguous(), None


def step(model, ids, attention, dtype):
    """The logits a step chooses from, as the original gets them: of all tokens, then the last."""
    mask = None if attention == "flex" else PROMPT.dense(ids.shape[1], dtype)
    return model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, -1, :]


def prompt_ids(options):
    global PROMPT
    spans = [int(length) for length in options.spans.split(",")]
    PROMPT = Prompt(spans, options.shared, options.steps)
    generator = torch.Generator().manual_seed(1)
    return torch.randint(2000, (options.questions, PROMPT.length + options.steps), generator=generator).to(DEVICE)


def load(options, dtype, attention):
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging
    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(options.folder, dtype=dtype, attn_implementation=attention)
    return model.to(DEVICE).eval()


@torch.no_grad()
def loop(options):
    from transformers import AttentionInterface, AttentionMaskInterface
    AttentionInterface.register("flex_as_written", flex_as_written)
    AttentionMaskInterface.register("flex_as_written", lambda *_, **__: None)
    ids = prompt_ids(options)
    # the steps that are measured: evenly spread, the first and the last among them
    at = [round(i * (options.steps - 1) / max(options.samples - 1, 1)) for i in range(options.samples)]
    machine = (torch.cuda.get_device_name() if DEVICE == "cuda" else
               f"{torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads")
    note(f"PyTorch loop: {PROMPT.length} prompt tokens; measured steps {', '.join(str(i + 1) for i in at)} of "
         f"{options.steps} (once: step 1), each times {options.steps}; choosing a token is not counted; torch "
         f"{torch.__version__}, {machine}")

    def opened(name, attention):
        return load(options, DTYPES[name], "flex_as_written" if attention == "flex" else attention)

    once = {}
    for name, dtype in DTYPES.items():
        logits = {}
        for attention in ("flex", "eager", "sdpa"):
            model = None  # gives the memory of the one before back
            model = opened(name, attention)
            prompt = ids[:1, :PROMPT.length]
            logits[attention] = step(model, prompt, attention, dtype)[0]
            once[name, attention] = seconds(lambda: step(model, prompt, attention, dtype))
            figure(f"PyTorch once, {options.title}{attention} {name}", "questions/s", [1 / (options.steps * once[name, attention])])
        if dtype == torch.float32:
            check_agree(logits)

    def measure(key, questions):
        name, attention = key
        model, dtype = opened(name, attention), DTYPES[name]
        for i in at:  # not counted: what is chosen for a length is chosen anew
            step(model, ids[:questions, :PROMPT.length + i], attention, dtype)
        took = [seconds(lambda: step(model, ids[:questions, :PROMPT.length + i], attention, dtype)) for i in at]
        figure(f"PyTorch loop, {options.title}{attention} {name}, " + ("one at a time" if questions == 1 else f"{questions} in a batch"),
               "questions/s", [questions / (options.steps * t) for t in took])

    measure(min(once, key=once.get), 1)
    measure(min((key for key in once if key[1] == "flex"), key=once.get), 1)
    if options.questions > 1:
        measure(min((key for key in once if key[1] != "flex"), key=once.get), options.questions)


@torch.no_grad()
def cached(options):
    from transformers import DynamicCache, __version__
    ids, model = prompt_ids(options)[:1, :PROMPT.length], load(options, torch.bfloat16, "sdpa")
    prompt_mask = PROMPT.dense(PROMPT.length, torch.bfloat16)
    answer_mask = PROMPT.dense(PROMPT.length + options.steps, torch.bfloat16)

    def question():
        past, new, mask = DynamicCache(), ids, prompt_mask
        for i in range(options.steps):
            out = model(input_ids=new, attention_mask=mask, past_key_values=past, use_cache=True, logits_to_keep=1)
            new = out.logits[:, -1:, :].argmax(-1)
            row = PROMPT.length + i  # of the token that comes
            mask = answer_mask[:, :, row:row + 1, :row + 1]
        return new.item()

    question()
    took = [seconds(question) for _ in range(options.samples)]
    figure(f"transformers with a cache, {options.title}sdpa bf16", "questions/s", [1 / t for t in took])
    note(f"transformers with a cache: transformers {__version__}")


@torch.no_grad()
def engine(options):
    from transformers import DynamicCache
    model = load(options, torch.bfloat16, "sdpa")
    generator = torch.Generator().manual_seed(1)

    def prompt(ids):
        model(input_ids=ids, past_key_values=DynamicCache(), use_cache=True, logits_to_keep=1)

    def decode(batch):
        past, ids = DynamicCache(), torch.full((batch, 1), 5)
        for _ in range(options.steps):
            ids = model(input_ids=ids, past_key_values=past, use_cache=True).logits[:, -1:, :].argmax(-1)

    for tokens in (int(n) for n in options.prefill.split(",") if n):
        ids = torch.randint(2000, (1, tokens), generator=generator)
        figure(f"PyTorch prefill {tokens}, bf16", "tokens/s", [tokens / t for t in timed(lambda: prompt(ids), options.samples)])
    for batch in (int(n) for n in options.batch.split(",") if n):
        took = timed(lambda: decode(batch), options.samples)
        figure(f"PyTorch batch of {batch}, bf16", "tokens/s", [batch * options.steps / t for t in took])


def check_agree(logits):
    """In float32 all three compute the same, or one of them was timed at something else."""
    for name, row in logits.items():
        apart = ((row - logits["eager"]).abs().max() / logits["eager"].abs().max()).item()
        if not apart < 1e-3:
            sys.exit(f"PyTorch loop: {name} is {apart:.1e} from eager: they do not compute the same")


# ---- attention alone ---------------------------------------------------------------------------------------------

def dense_attention(q, k, v, **mask):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=q.shape[1] != k.shape[1], **mask)


@torch.no_grad()
def attention(options):
    lengths = torch.tensor([int(n) for n in options.lengths.split(",")] if options.lengths
                           else [options.length] * options.segments)
    n, T, H, C = len(lengths), int(lengths.sum()), options.heads, options.head_dim
    segment = torch.repeat_interleave(torch.arange(n), lengths).to(DEVICE)

    def causal(b, h, q, k):
        return q >= k

    def isolated(b, h, q, k):
        return (q >= k) & (segment[q] == segment[k])

    masks = {"causal": (causal, T * (T + 1) / 2), f"isolated in {n}": (isolated, (lengths * (lengths + 1) / 2).sum())}
    if options.lengths:
        del masks["causal" if n > 1 else f"isolated in {n}"]
    index = torch.arange(T, device=DEVICE)
    for dtype_name in options.dtypes.split(","):
        dtype = DTYPES[dtype_name]
        generator = torch.Generator().manual_seed(1)
        q, k, v = (torch.randn(1, heads, T, C, generator=generator).to(DEVICE, dtype)
                   for heads in (H, options.kv_heads, options.kv_heads))
        for name, (rule, pairs) in masks.items():
            wanted = dense_attention(q, k, v, attn_mask=rule(0, 0, index[:, None], index[None, :]))
            for size in BLOCK_SIZES[DEVICE]:
                make = lambda: create_block_mask(rule, None, None, T, T, device=DEVICE, BLOCK_SIZE=size)
                if dtype_name == options.dtypes.split(",")[0]:
                    figure(f"FlexAttention's block masks, {name}, blocks of {size}", "masks/s",
                           [1 / t for t in timed(make, options.samples)])
                    if DEVICE == "cuda" and size == 128:
                        torch._dynamo.reset()
                        compiled_make = torch.compile(create_block_mask)
                        again = lambda: compiled_make(rule, None, None, T, T, device=DEVICE, BLOCK_SIZE=size)
                        title = f"FlexAttention's block masks, compiled, {name}, blocks of {size}"
                        try:
                            figure(title, "masks/s", [1 / t for t in timed(again, options.samples)])
                        except Exception as error:
                            note_failed(title, error)
                mask = make()
                # anew, or the compiler gives up after a few masks and runs uncompiled; fullgraph: it says so
                torch._dynamo.reset()
                compiled = torch.compile(flex_attention, fullgraph=True)
                call = lambda: compiled(q, k, v, block_mask=mask, enable_gqa=H != options.kv_heads)
                title = f"FlexAttention, {name} {dtype_name}, blocks of {size}"
                try:
                    apart = (call().float() - wanted.float()).abs().max().item()
                except Exception as error:
                    note_failed(title, error)
                    continue
                if not apart < (1e-4 if dtype == torch.float32 else 5e-2):
                    sys.exit(f"{title}: {apart:.1e} from the dense result")
                figure(title, "FLOP/s", [4 * H * C * float(pairs) / t for t in timed(call, options.samples)])
        if "causal" not in masks:
            continue
        for backend in [None] + (SDPA_BACKENDS if DEVICE == "cuda" and dtype == torch.bfloat16 else []):
            with sdpa_kernel(backend) if backend else contextlib.nullcontext():
                took = timed(lambda: dense_attention(q, k, v, is_causal=True), options.samples)
            figure(f"PyTorch sdpa{' by ' + backend.name if backend else ''}, causal {dtype_name}", "FLOP/s",
                   [4 * H * C * masks["causal"][1] / t for t in took])


@torch.no_grad()
def decode(options):
    B, T, H, C = options.rows, options.length, options.heads, options.head_dim
    generator = torch.Generator(DEVICE).manual_seed(1)
    q, k, v = (torch.randn(B, heads, tokens, C, generator=generator, device=DEVICE, dtype=torch.bfloat16)
               for heads, tokens in ((H, 1), (options.kv_heads, T), (options.kv_heads, T)))
    wanted = dense_attention(q, k, v)
    compiled = torch.compile(flex_attention, fullgraph=True)
    flex = lambda: compiled(q, k, v, enable_gqa=H != options.kv_heads)
    apart = (flex().float() - wanted.float()).abs().max().item()
    if not apart < 5e-2:
        sys.exit(f"FlexAttention, decoding: {apart:.1e} from the dense result")
    for name, call in (("FlexAttention", flex), ("PyTorch sdpa", lambda: dense_attention(q, k, v))):
        figure(f"{name}, decoding {B} rows of {T} keys, bf16", "calls/s",
               [1 / t for t in timed(call, options.samples)])


def main():
    global DEVICE
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("loop", loop), ("cached", cached)):
        command = commands.add_parser(name)
        command.add_argument("folder")
        command.add_argument("--spans", required=True)
        command.add_argument("--shared", type=int, default=0)
        command.add_argument("--title", default="", type=lambda text: text and text + ", ")
        command.add_argument("--steps", type=int, default=10)
        command.add_argument("--questions", type=int, default=16)
        command.set_defaults(run=run)
    command = commands.add_parser("engine")
    command.add_argument("folder")
    command.add_argument("--prefill", default="512,4096")
    command.add_argument("--batch", default="1,32")
    command.add_argument("--steps", type=int, default=32)
    command.set_defaults(run=engine)
    for name, run in (("attention", attention), ("decode", decode)):
        command = commands.add_parser(name)
        for option, default in (("segments", 32), ("length", 128), ("rows", 1), ("heads", 32), ("kv_heads", 8),
                                ("head_dim", 64)):
            command.add_argument(f"--{option}", type=int, default=default)
        command.add_argument("--lengths", default="")
        command.add_argument("--dtypes", default="f32,bf16")
        command.set_defaults(run=run)
    for command in commands.choices.values():
        command.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
        command.add_argument("--threads", type=int, default=0)
        command.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    DEVICE = options.device
    if options.threads:
        torch.set_num_threads(options.threads)
    options.run(options)


if __name__ == "__main__":
    main()
