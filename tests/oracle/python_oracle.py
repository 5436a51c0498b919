#!/usr/bin/env python3
"""The Python module examples/python/segfuse.py: against the header, the program, torch and transformers.

    python tests/oracle/python_oracle.py [--all]        or: pytest tests/oracle/python_oracle.py

Needs NumPy, a C compiler, `make lib` and build/segfuse. Where torch and transformers are missing, the tests that need
them are skipped by name; with --all that is a failure. Exit 0: all passed.
"""
import ctypes
import gc
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path[:0] = [os.path.join(ROOT, "examples", "python"), HERE, os.path.join(HERE, "..")]
import python_structs  # noqa: E402
import segfuse  # noqa: E402

MODEL, PROGRAM = os.path.join(ROOT, "models", "segfuse-2m"), os.path.join(ROOT, "build", "segfuse")
SPEC = "shared:5,para:4,sep:1,para:3,answer:1"
ASKED = ["The capital of Japan is [MASK].", "Jpaan's capital is [MASK].", "In Nippon, the capital city is [MASK]."]
LIMIT = 2e-5  # of a logit, relative to its row's largest


class Skip(Exception):
    pass


def needs(*names):
    """The modules, or a test that is skipped by name, under pytest, too."""
    try:
        return [__import__(name, fromlist=["_"]) for name in names]
    except ImportError as missing:
        if "pytest" in sys.modules:
            sys.modules["pytest"].skip(str(missing))
        raise Skip(str(missing))


def refused(pattern, function, *arguments, kind=ValueError, **named):
    try:
        function(*arguments, **named)
    except kind as problem:
        assert re.search(pattern, str(problem)), f"{pattern!r} is not in: {problem}"
        return problem
    raise AssertionError(f"nothing was refused; awaited {pattern!r}")


def run(*command, **named):
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, **named)


def compile_c(text, *more):
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/a.c", "w") as file:
            file.write('#include "segfuse.h"\n#include <stdio.h>\n' + text)
        made = run(os.environ.get("CC", "cc"), "-std=c99", "-I.", *more, f"{work}/a.c", "-o", f"{work}/a")
        assert not made.returncode, made.stderr
        return run(f"{work}/a").stdout.split()


# ---- the header ----

def structs():
    return [cls for name, cls in vars(segfuse).items() if name.startswith("sgf_") and isinstance(cls, type)]


def test_every_struct_is_that_of_the_header():
    """Sizes and offsets, and that no field is missing: an initialiser that leaves one out is an error."""
    body, ours = [], []
    for cls in structs():
        c = cls.__name__
        values = ["{0}" if isinstance(kind, type) and issubclass(kind, (ctypes.Structure, ctypes.Array)) else "0"
                  for _, kind in cls._fields_]
        body.append(f"static const {c} all_{c} = {{{', '.join(values)}}}; (void)all_{c};"
                    f'printf("{c} %zu\\n", sizeof({c}));')
        ours.append([c, str(ctypes.sizeof(cls))])
        for name, _ in cls._fields_:
            field = getattr(cls, name)
            body.append(f'printf("{name} %zu %zu\\n", offsetof({c}, {name}), sizeof((({c} *)0)->{name}));')
            ours.append([name, str(field.offset), str(field.size)])
    theirs = compile_c("int main(void) {\n" + "\n".join(body) + "\nreturn 0; }\n", "-w",
                       "-Werror=missing-field-initializers")
    assert theirs == [word for line in ours for word in line], list(zip(theirs, sum(ours, [])))


def test_every_prototype_is_that_of_the_header():
    """A second declaration that differs does not compile."""
    compile_c(segfuse._PROTOTYPES + "int main(void) { return 0; }\n", "-Wall", "-Werror")


def test_enumerations_and_constants_are_those_of_the_header():
    header = python_structs.read_header()
    pairs = [(c, segfuse._ENUMS[name.replace("_rule", "")].index(text)) for name in python_structs.ENUMS
             for c, text in python_structs.enumeration(header, name)]
    pairs += [("SGF" + name, value) for name, value in vars(segfuse).items() if re.match("_(MAX|LEAK|DECODE)_", name)]
    pairs += [("SGF_ROLE_COUNT", len(segfuse.ROLES)), ("SGF_MASK_COUNT", len(segfuse.MASKS)), ("sizeof(int)", 4),
              ("SGF_STATUS_COUNT", len(segfuse._ERRORS) + 1)]
    prints = "".join(f'printf("%d\\n", (int){name});' for name, _ in pairs)
    said = compile_c("int main(void) { puts(SGF_VERSION);" + prints + "return 0; }")
    assert said == [segfuse.__version__] + [str(value) for _, value in pairs]


def test_what_is_missing_is_named():
    where = f"import sys; sys.path.insert(0, {os.path.join(ROOT, 'examples', 'python')!r});"
    library = "import os; os.environ['SEGFUSE_LIBRARY'] = "
    for before, name in (("sys.modules['numpy'] = None;", "needs NumPy"),
                         (library + "'/no/such.so';", "SEGFUSE_LIBRARY is /no/such.so"),
                         (library + f"{os.path.join(ROOT, 'LICENSE')!r};", "cannot be used as the library")):
        said = run(sys.executable, "-c", where + before + "import segfuse")
        assert said.returncode == 1 and "ImportError" in said.stderr and name in said.stderr.splitlines()[-1], said.stderr
    layout = segfuse.Layout.of(SPEC)
    if "torch" not in sys.modules:
        try:
            import torch  # noqa: F401
        except ImportError:
            refused("needs torch", layout.block_mask, kind=ImportError)
            refused("needs torch", segfuse.verify, lambda b, h, q, k: q >= k, layout, kind=ImportError)


# ---- layouts: the program draws, explains and compares the same ----

def random_spec(rng):
    roles = ["shared", "para", "manual", "auto", "sep", "example_q", "example_a"]
    return ",".join(f"{rng.choice(roles)}:{rng.randint(0, 4)}" for _ in range(rng.randint(1, 9))) + ",answer:2"


def test_masks_explanations_and_leaks_are_the_program_s():
    rng = random.Random(1)
    for i in range(24):
        spec, kind = random_spec(rng), segfuse.MASKS[i % len(segfuse.MASKS)]
        layout = segfuse.Layout.of(spec, mask=kind)
        with tempfile.TemporaryDirectory() as work:
            assert not run(PROGRAM, "mask", "--kind", kind, "--segments", spec, "--output", f"{work}/a.npy").returncode
            assert (np.load(f"{work}/a.npy") == layout.dense()).all(), (spec, kind)
        T = len(layout)
        assert layout.compare(layout.dense()) is None
        segfuse.verify(np.where(layout.dense(), 0.0, -np.inf)[None, None], layout)
        q, k = rng.randrange(T), rng.randrange(T)
        turned = layout.dense()
        turned[q, k] ^= True
        found = layout.compare(turned)
        assert found[:3] == (1, q, k)
        said = run(PROGRAM, "mask", "--kind", kind, "--segments", spec, "--explain", f"{q},{k}").stdout.strip()
        assert found.text == said == layout.explain(q, k)
        refused(f"first at row {q}, column {k}", segfuse.verify, turned, layout, kind=AssertionError)
        leaks = layout.leaks("isolated" if kind == "causal" else kind)
        said = run(PROGRAM, "mask", "--kind", kind, "--segments", spec, "--check", "--promise",
                   "isolated" if kind == "causal" else kind)
        assert said.returncode == bool(leaks) and all(leak.text in said.stdout for leak in leaks), (said.stdout, leaks)


def test_a_layout_is_what_was_given():
    parts = [("bos", [7]), ("shared", np.array([1, 2])), ("para", [3, 4]), ("sep", [5]), ("para", [6]), ("cue", [8])]
    layout = segfuse.Layout.of(parts, mask="shared", positions="aligned", weights="1/N")
    assert layout.tokens.tolist() == [7, 1, 2, 3, 4, 5, 6, 8] and layout.positions.tolist() == [0, 1, 2, 3, 4, 5, 3, 6]
    assert layout.roles == ["bos", "shared", "para", "sep", "para", "answer"] and layout.answer == 5
    assert np.allclose(np.exp(layout.log_weights), [1, 1, .5, .5, .5, 1])
    assert layout.leaks() == [] and layout.with_mask("shared-original").leaks()[0].path == [3, 5, 6]
    assert layout.leaks(dense=np.ones((8, 8)) > 0)[0].hops == 1
    again = segfuse.Layout.from_segments(layout.segments, layout.visible, **{k: getattr(layout, k) for k in (
        "tokens", "positions", "roles", "groups", "log_weights", "answer")})
    assert again.as_dict() == layout.as_dict() == layout.with_visible(layout.visible).as_dict()
    other = layout.with_tokens(range(8))
    assert other.tokens.tolist() == list(range(8)) and layout.tokens[0] == 7
    other.tokens[:] = 9
    assert other.tokens.tolist() == list(range(8))
    alone = layout.with_visible(np.eye(6, dtype=bool))
    assert alone.dense().sum() == 10 and layout.dense().sum() == 33
    assert len(segfuse.Layout.of([])) == 0 and segfuse.Layout.of([]).dense().shape == (0, 0)
    assert segfuse.Layout.of("para:3,answer:1", visible=[[0, 0], [1, 1]]).dense().sum() == 4


def test_wrong_layouts_are_refused():
    of, make = segfuse.Layout.of, segfuse.Layout.from_segments
    for parts in ("", "para", "para:x", "para:-1", "para:3;sep:1", "para:99999999999", [("para",)], [3],
                  [("para", -1)], [("para", True)], [("para", 1.5)], [("para", [1.5])], [("para", ["a"])], [("para", [[1]])], [("para", [2**31])], [("para", [-1])],
                  [("para", None)], [("nobody", 1)], "para:1000001"):
        refused("", of, parts)
    refused("one of causal", of, SPEC, mask="nobody")
    refused("not both", of, SPEC, mask="shared", visible=np.eye(5))
    for visible in (np.eye(4), np.eye(5) * 2, np.zeros((5, 5, 1)), [[1.0] * 5] * 5, "abc"):
        refused("visible must be", of, SPEC, visible=visible)
    for positions in ("upwards", [1, 2], [-1] * 14, [0.5] * 14, [2**31 - 1] * 14):
        refused("positions", of, SPEC, positions=positions)
    for weights in ("many", [1.0], [1.0, 0.0], [1.0, np.nan], ["a", "b"], [[1, 1]]):
        refused("weight", of, SPEC, weights=weights)
    refused("limit|1024|most", of, [("shared", 1)] * 1025)
    layout = of(SPEC, mask="shared")
    refused("14 tokens", layout.with_tokens, [1, 2])
    refused("whole numbers", layout.with_tokens, np.zeros(14))
    refused("from 0", layout.with_tokens, [-1] * 14)
    for mask in (np.zeros((3, 3), bool), np.full((14, 14), 0.5), np.full((14, 14), 3), np.full((14, 14), "a"), None, "mask"):
        refused("mask", layout.compare, mask)
    for q, k in ((14, 0), (0, 14), (-1, 0), (0.5, 0), (2**70, 0), ("a", 0)):
        refused("token|whole number", layout.explain, q, k)
    refused("mask must be", layout.leaks, "nobody")
    refused("layers", layout.leaks, layers=-1)
    refused("Layout", segfuse.verify, np.eye(3), "layout")
    refused("segments", make, [0, 1, 2], np.eye(2, dtype=int))
    refused("as many ids", make, [0, 1], np.eye(2, dtype=int), tokens=[1])
    refused("answer", make, [0, 1], np.eye(2, dtype=int), answer=2)
    refused("log_weights", make, [0, 1], np.eye(2, dtype=int), log_weights=[0, np.inf])
    refused("visible", make, [0, 1], 3)


# ---- models ----

def test_logits_are_the_program_s_and_the_reference_s():
    with segfuse.Model(MODEL, threads=1) as model:
        for method in ("origin", "flex_attention", "myriadlama_custom", "fused"):  # fused: as a mixture
            layout = model.layout(method, ASKED, examples=[("The capital of France is [MASK].", "Paris")])
            if method == "fused":
                layout = segfuse.Layout.from_segments(
                    layout.segments, layout.visible, tokens=layout.tokens, positions=layout.positions, roles=layout.roles,
                    groups=layout.groups, log_weights=layout.log_weights, answer=layout.answer, mixture=True)
            logits = model.logits(layout)
            with tempfile.TemporaryDirectory() as work:
                with open(f"{work}/l.json", "w") as file:
                    json.dump(layout.as_dict(), file)
                said = run(PROGRAM, "forward", "--model", MODEL, "--layout", f"{work}/l.json", "--output", f"{work}/l.npy")
                assert not said.returncode, said.stderr
                assert np.load(f"{work}/l.npy").tobytes() == logits.tobytes(), method
            assert model.logits(layout, reference=True).tobytes() == logits.tobytes()
            assert model.hidden(layout, reference=True).tobytes() == model.hidden(layout).tobytes()
            with segfuse.Model(MODEL, arithmetic="bf16") as other:
                rounded = other.logits(layout)
                assert rounded.tobytes() == other.logits(layout, reference=True).tobytes() != logits.tobytes()
        mixed = segfuse.Layout.from_segments(layout.segments, layout.visible, tokens=layout.tokens, roles=layout.roles,
                                             groups=layout.groups, answer=layout.answer, mixture=True)
        logits = model.logits(mixed.with_mask("shared"))
        assert mixed.mixture and logits.tobytes() == model.logits(mixed, reference=True).tobytes()
        assert logits.tobytes() != model.logits(mixed.with_mask("causal")).tobytes()
        chat = model.layout("fused", ASKED, before="<user>", after="<bot>")
        assert model.decode(chat.tokens[:10]).startswith("<user>Based") and model.decode(chat.tokens).endswith("<bot>")
        assert '"' in layout.explain(3, 1, model) and np.allclose(model.attention(layout).sum(1), 1)


def test_answers_are_the_program_s():
    with segfuse.Model(MODEL) as model, open(os.path.join(ROOT, "models", "questions", "test.jsonl")) as file:
        questions = [json.loads(line)["manual_paraphrases"] for line in list(file)[::80]]
        for method in ("origin", "avg", "max", "avg_p", "entropy_avg", "hidden", "flex_attention", "myriadlama_custom", "fused"):
            ours = model.generate(method, questions, batch=3)
            theirs = [run(PROGRAM, "ask", "--quiet", "--method", method, "--num_fewshots", "0", *q).stdout.rstrip("\n")
                      for q in questions]
            assert ours == theirs and any(ours), (method, ours, theirs)
            assert ours[0] == model.ask(method, questions[0])
        for options, how in ((("--mass", "entropy:0.5"), {"trust_mass": 0.5}), (("--select", "2"), {"select": 2}),
                             (("--mass", "agreement"), {"trust_mass": 0.25, "agreement": True}),
                             (("--hybrid", "0.25"), {"alone": 0.75}), (("--beams", "3"), {"beams": 3}),
                             (("--fusion", "mixture"), {"mixture": True})):
            ours = model.generate("fused", questions, **how)
            assert ours == [run(PROGRAM, "ask", "--quiet", "--method", "fused", "--num_fewshots", "0", *options,
                                *q).stdout.rstrip("\n") for q in questions], options
        seen = []
        ours = model.generate("origin", questions[:2], on_step=lambda *what: seen.append(what))
        assert {q for q, *_ in seen} == {0, 1} and ours == model.generate("origin", questions[:2])
        tokyo = int(model.encode(" Tokyo")[0])
        answer = model.ask("fused", questions[0], max_new_tokens=1, on_step=lambda *_: tokyo)
        assert answer == model.decode([tokyo]).strip()


def test_text_becomes_ids_and_text_again():
    with segfuse.Model(MODEL) as model:
        for text in ("", "The capital of Japan", "na\u00efve caf\u00e9 \U0001f600 \u65e5\u672c", "a\0b", "  \n"):
            assert model.decode(model.encode(text)) == text
            assert model.encode(text, special=True).dtype == np.int32


def test_wrong_use_of_a_model_is_refused():
    refused("config.json", segfuse.Model, "/no/such/folder", kind=segfuse.Error)
    refused("", segfuse.Model, 3)
    refused("kernels", segfuse.Model, MODEL, kernels="fastest")
    refused("threads", segfuse.Model, MODEL, threads=-1)
    model = segfuse.Model(MODEL, threads=1)
    golden = segfuse.Model(os.path.join(HERE, "..", "golden", "models", "llama-gqa-tied"))
    layout = segfuse.Layout.of(SPEC, mask="shared")
    for ids in ([2048] + [0] * 13, [2**31 - 1] * 14):
        problem = refused("ids are 0 to 2047", model.logits, layout.with_tokens(ids), kind=segfuse.Error)
        assert isinstance(problem, ValueError) and problem.status
    refused("ids of model", golden.logits, model.layout("fused", ASKED))
    refused("context|position", model.logits, segfuse.Layout.of(SPEC, positions=[5000] * 14))
    refused("not a segfuse.Layout", model.logits, np.zeros(3))
    for ids in ([1.5], "abc", [[1]], [-1], None, [2**40]):
        refused("", model.decode, ids)
    for text in (3, None, b"abc", "\ud800"):
        refused("", model.encode, text)
    for asked in ([], [3], None, 3, [None], [b"bytes"]):
        refused("", model.ask, "fused", asked)
    refused("fused", model.ask, "nobody", ASKED)
    refused("before must be a text", model.ask, "fused", ASKED, before=3)
    refused("zero byte", model.ask, "fused", ASKED, after="\0")
    for how in ({"select": -1}, {"select": 2.0}, {"tau": "1"}, {"alone": 2.0}, {"trust_mass": float("nan")}, {"tau": -1}):
        refused("", model.ask, "entropy_avg" if "tau" in how else "fused", ASKED, **how)
    refused("no option", model.ask, "fused", ASKED, colour="red")
    refused("mask must be", model.ask, "fused", ASKED, mask="nobody")
    refused("weights", model.ask, "fused", ASKED, weights=[1, 2])
    refused("weight", model.ask, "weighted_avg", ASKED)
    refused("an example", model.ask, "fused", ASKED, examples=["x"])
    refused("paraphrase", model.layout, "origin", ASKED, which=3)
    refused("token", model.attention, layout, 14)
    refused("must be a function", model.ask, "fused", ASKED, on_step=3)
    refused("context|position", model.ask, "fused", ["a long question " * 3000])
    refused("on_step", model.ask, "fused", ASKED, on_step=lambda *_: 2048)
    refused("on_step cannot", model.ask, "fused", ASKED, on_step=lambda *_: model.encode("x"))
    refused("on_step cannot", model.ask, "fused", ASKED, on_step=lambda *_: model.close())
    refused("mine", model.ask, "fused", ASKED, on_step=lambda *_: {}["mine"], kind=KeyError)
    assert model.ask("fused", ASKED)  # and it still answers
    model.close(), model.close()
    for call in (lambda: model.logits(layout), lambda: model.encode("x"), lambda: layout.explain(1, 0, model),
                 lambda: model.ask("fused", ASKED)):
        refused("closed", call)


def test_threads_share_a_model():
    model = segfuse.Model(MODEL)
    layout = model.layout("fused", ASKED)
    wanted, problems, closed = model.logits(layout).tobytes(), [], []

    def work(i):
        try:
            for _ in range(6):
                if model.logits(layout).tobytes() != wanted or layout.with_mask("causal").leaks() == []:
                    problems.append(i)
        except ValueError as problem:
            (closed if "closed" in str(problem) else problems).append(problem)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert not problems and not closed
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [t.start() for t in threads], model.close(), [t.join() for t in threads]
    assert not problems and closed
    for _ in range(50):  # freed by the collector, in any order
        model, layout = segfuse.Model(MODEL), None
        layout = model.layout("fused", ASKED)
        del model
        assert len(layout)
    gc.collect()


def test_a_fork_computes_with_threads_of_its_own():
    if hasattr(os, "fork") and "torch" not in sys.modules:
        model = segfuse.Model(MODEL, threads=2)
        wanted = model.ask("fused", ASKED)
        child = os.fork()
        if not child:
            os._exit(model.ask("fused", ASKED) != wanted)
        assert os.waitpid(child, 0)[1] == 0


# ---- torch and transformers ----

def test_verify_judges_mask_mods_of_flex_attention():
    torch, _ = needs("torch", "torch.nn.attention.flex_attention")
    import mask_oracle
    rng = random.Random(2)
    for _ in range(8):
        theirs = mask_oracle.random_layout(rng)
        for kind, mask_mod in mask_oracle.mask_mods(theirs).items():
            layout = segfuse.Layout.of(theirs.spec, mask=kind)
            segfuse.verify(mask_mod, layout)
            segfuse.verify(layout.mask_mod(), layout)
            q, k = rng.randrange(theirs.T), rng.randrange(theirs.T)
            wrong = lambda b, h, qs, ks: mask_mod(b, h, qs, ks) ^ ((qs == q) & (ks == k))  # noqa: E731
            refused(f"1 of {theirs.T ** 2} entries, first at row {q}, column {k}", segfuse.verify, wrong, layout,
                    kind=AssertionError)
            segfuse.verify(torch.from_numpy(layout.dense()), layout)
            segfuse.verify(torch.from_numpy(np.where(layout.dense(), 0.0, -np.inf)).bfloat16()[None, None], layout)


def test_the_block_mask_makes_flex_attention_see_what_the_layout_says():
    torch, flex = needs("torch", "torch.nn.attention.flex_attention")
    torch.manual_seed(1)
    layout = segfuse.Layout.of("shared:40,para:30,sep:2,para:50,sep:2,para:20,answer:9", mask="shared")
    q, k, v = torch.randn(3, 1, 2, len(layout), 16).unbind()
    block = layout.block_mask(BLOCK_SIZE=16)
    made = flex.flex_attention(q, k, v, block_mask=block)
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=torch.from_numpy(layout.dense()))
    assert (made - wanted).abs().max() < 1e-5


def transformers_logits(layout, attentions=False):
    torch, transformers = needs("torch", "transformers")
    torch.set_num_threads(1)
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager").eval()
    scores = np.where(layout.dense(), 0, np.finfo(np.float32).min).astype(np.float32)
    scores[layout.segments == layout.answer] += layout.log_weights[layout.segments]
    with torch.no_grad():
        out = model(torch.from_numpy(layout.tokens.astype(np.int64))[None], attention_mask=torch.from_numpy(scores)[None, None],
                    position_ids=torch.from_numpy(layout.positions.astype(np.int64))[None], output_attentions=attentions)
    return out.logits[0].numpy(), out.attentions


def test_logits_are_those_of_transformers():
    needs("torch", "transformers")
    worst, model = 0, segfuse.Model(MODEL)
    examples = [("The capital of France is [MASK].", "Paris"), ("The otter is a kind of [MASK].", "mammal")]
    for method in ("origin", "myriadlama_custom", "fused"):
        for mask in ("causal", "shared", "shared-original", "hub"):
            layout = model.layout(method, ASKED, examples=examples, mask=mask)
            wanted, _ = transformers_logits(layout)
            off = np.abs(model.logits(layout) - wanted).max(1) / np.abs(wanted).max(1)
            worst = max(worst, off.max())
    print(f"        logits are within {worst:.1e} of transformers' (limit {LIMIT:.0e})")
    assert 0 < worst < LIMIT


def test_attention_is_that_of_transformers():
    needs("torch", "transformers")
    model = segfuse.Model(MODEL)
    layout = model.layout("fused", ASKED)
    _, attentions = transformers_logits(layout, True)
    mass = np.array([[a[0, :, -1].mean(0)[layout.segments == s].sum() for s in range(len(layout.roles))] for a in attentions])
    assert np.abs(mass - model.attention(layout)).max() < 1e-5


def test_the_tokenizer_is_that_of_transformers():
    (transformers,) = needs("transformers")
    tokenizer, model = transformers.AutoTokenizer.from_pretrained(MODEL), segfuse.Model(MODEL)
    for text in ASKED + ["na\u00efve \U0001f600\n\n  x", "<|endoftext|> a"]:
        assert model.encode(text).tolist() == tokenizer(text, add_special_tokens=False)["input_ids"]


def main():
    failed = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        try:
            test()
            print(f"ok      {name}", flush=True)
        except Skip as why:
            failed += "--all" in sys.argv
            print(f"skipped {name}: {why}")
        except Exception as problem:
            import traceback
            failed += 1
            print(f"FAILED  {name}: {type(problem).__name__}: {problem}")
            traceback.print_exc()
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
