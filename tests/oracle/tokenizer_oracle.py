#!/usr/bin/env python3
"""Compares `segfuse tokenize` with Hugging Face's `tokenizers` on random text.

    tokenizer_oracle.py --program ./segfuse [--count 20000] [--seed 1] [--texts FILE...] MODEL_DIR...

The program reads one JSON string a line and prints one JSON list of ids a line
(`tokenize --model DIR [--no_special_tokens]`), and with --decode the reverse. Needs the Python package
`tokenizers`; prints the differences and exits 1 if there are any. Strings are drawn from all scripts,
control characters, broken spacing, combining marks, added tokens, and mutations of the given texts
(JSON files whose strings are taken, or plain text)."""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CLEAN_UP = [(" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
            (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")]
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, 0x2000, 0x2003, 0x200A, 0x2028, 0x2029, 0x202F,
                           0x205F, 0x3000, 0x200B, 0x180E, 0xFEFF, 0x1C, 0x1F)]
WORDS = ["the", "Paris", "don't", "I'll", "WE'RE", "they've", "'s", "'S", "'\u017f", "'T", "'ll", "'LL", "'Re", "'vE", "'x",
         "it's", "O'Dea", "1234567890", "3.14", "\u0664\u0665", "\u2167", "\u00bd", "e\u0301", "\u1100\u1161\u11a8", "\uac00\u11a8",
         "\u0958", "\u212b", "\u2126", "\U0001d160", "\ufb2c", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2581", "\u2581\u2581",
         "\u0120", "\u010a", "<0x41>", "<0xE2>", "<s>", "</s>", "<unk>", "http://a.b/c?d=e&f", "foo_bar", "\u0344", "\u0f73",
         "\u0ddd", "\U0001134b", "\u4e16\u754c", "\u304c", "\u304b\u3099", "na\u00efve", "\ufffd", "\U0010ffff", "\ue000", "a" * 40, "=" * 70]


def strings_in(value, out):
    if isinstance(value, str):
        out.append(value)
    elif isinstance(value, list):
        for item in value:
            strings_in(item, out)
    elif isinstance(value, dict):
        for item in value.values():
            strings_in(item, out)


def read_texts(paths):
    out = []
    for path in paths:
        text = open(path, encoding="utf-8").read()
        try:
            strings_in(json.loads(text), out)
        except ValueError:
            out += [part for part in text.split("\n__ggml_vocab_test__\n") if part]
    return out


def scripts():
    """Assigned characters by the first word of their name, which is nearly the script."""
    groups = {}
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        name = unicodedata.name(chr(code), "")
        key = name.split(" ")[0] if name else "none %d" % (code >> 12)
        groups.setdefault(key, []).append(chr(code))
    return [group for key, group in sorted(groups.items())]


class Maker:
    def __init__(self, seed, texts, added):
        self.r, self.texts, self.added = random.Random(seed), texts, added
        self.groups = scripts()
        self.marks = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.combining(chr(c))]
        self.composed = [chr(c) for c in range(0x110000)
                         if not 0xD800 <= c < 0xE000 and unicodedata.decomposition(chr(c))]

    def bit(self):
        r, k = self.r, self.r.random()
        if k < .18:
            group = r.choice(self.groups)
            return "".join(r.choice(group) for _ in range(r.randint(1, 6)))
        if k < .30:
            return r.choice(WORDS)
        if k < .42:
            return "".join(r.choice(SPACES) for _ in range(r.randint(1, 5)))
        if k < .50:
            return " " * r.randint(1, 9)
        if k < .55:
            return r.choice("\n\r\t") * r.randint(1, 4)
        if k < .60:
            return "".join(chr(r.randint(0, 127)) for _ in range(r.randint(1, 6)))
        if k < .66:
            return r.choice("aeoAEO\u00e9\u0438\u0915\uac00\u1100") + "".join(r.choice(self.marks) for _ in range(r.randint(1, 4)))
        if k < .69:
            return r.choice(self.composed)
        if k < .71:
            return r.choice(self.marks) * r.randint(1, 30)
        if k < .75 and self.added:
            return r.choice(self.added)
        if k < .77:
            code = r.randint(0, 0x10FFFF)
            return chr(code) if not 0xD800 <= code < 0xE000 else "?"
        if k < .82:
            return "".join(r.choice("0123456789") for _ in range(r.randint(1, 9)))
        if k < .88:
            return "".join(r.choice("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~") for _ in range(r.randint(1, 5)))
        text = r.choice(self.texts) if self.texts else r.choice(WORDS)
        at = r.randint(0, len(text))
        return text[at:at + r.randint(1, 30)]

    def string(self):
        r = self.r
        if self.texts and r.random() < .25:
            text = list(r.choice(self.texts))
            for _ in range(r.randint(0, 4)):
                at = r.randint(0, len(text))
                text[at:at + r.randint(0, 2)] = self.bit()
            return "".join(text)
        text = "".join(self.bit() for _ in range(r.randint(0, 8)))
        return text if r.random() < .99 else text * r.randint(1, 40)

    def ids(self, size):
        r = self.r
        return [r.randrange(size) for _ in range(r.randint(0, 12))]


def run(command, values):
    """One JSON value a line in, one out; through a file, as the streams are long."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as given:
        for value in values:
            given.write(json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028") + "\n")
        given.seek(0)
        out = subprocess.run(command, stdin=given, capture_output=True, check=False)
    if out.returncode:
        sys.exit("%s failed: %s" % (" ".join(command), out.stderr.decode("utf-8", "replace")))
    return [json.loads(line) for line in out.stdout.decode("utf-8").split("\n")[:-1]]


def compare(name, given, wanted, got):
    bad = [(g, w, o) for g, w, o in zip(given, wanted, got) if w != o]
    if len(wanted) != len(got):
        print("%s: %d results for %d inputs" % (name, len(got), len(wanted)))
        return 1
    for g, w, o in bad[:5]:
        print("%s\n  input  %s\n  wanted %s\n  got    %s" % (name, ascii(g)[:600], ascii(w)[:600], ascii(o)[:600]))
    print("%-44s %6d compared, %d different" % (name, len(wanted), len(bad)))
    return len(bad)


def check(model, options, texts):
    tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    maker = Maker(options.seed, texts, added)
    strings = texts + [maker.string() for _ in range(options.count)]
    name = os.path.basename(os.path.normpath(model))
    base = options.program.split() + ["tokenize", "--model", model]
    bad = 0
    encoded = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=True)]
    bad += compare(name + " encode", strings, encoded, run(base, strings))
    part = strings[-2000:]
    plain = [e.ids for e in tokenizer.encode_batch(part, add_special_tokens=False)]
    bad += compare(name + " encode, no special tokens", part, plain, run(base + ["--no_special_tokens"], part))
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    lists = encoded + [maker.ids(size) for _ in range(options.count)]
    text = tokenizer.decode_batch(lists, skip_special_tokens=False)
    bad += compare(name + " decode", lists, text, run(base + ["--decode"], lists))
    if options.extra_flags:
        shown = tokenizer.decode_batch(lists, skip_special_tokens=True)
        bad += compare(name + " decode, skip special", lists, shown, run(base + ["--decode", "--skip"], lists))
        for old, new in CLEAN_UP:
            shown = [s.replace(old, new) for s in shown]
        bad += compare(name + " decode, clean up", lists, shown, run(base + ["--decode", "--skip", "--clean"], lists))
        if tokenizer.decoder.__class__.__name__ == "ByteLevel":
            bad += compare(name + " decode, streaming", lists, text, run(base + ["--decode", "--stream"], lists))
    return bad


# ---- pre-tokenizers ----

CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
UPPER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
LOWER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
SPACE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
LATIN = ("A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-"
         "\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-"
         "\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf"
         "\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-"
         "\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u03b9\u1fc2-\u1fc4\u1fc6-\u1fcc"
         "\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115"
         "\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e"
         "\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-"
         "\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"
         "\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-"
         "\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943")


def split(regex, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: regex}, "behavior": behavior, "invert": invert}


def digits(single):
    return {"type": "Digits", "individual_digits": single}


GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
PRE_TOKENIZERS = {  # those of published files, then some that are made to be different
    "gpt2": [GPT2],
    "starcoder": [digits(True), GPT2],
    "llama3": [split(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACE)],
    "qwen2": [split(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACE)],
    "tekken": [split(UPPER + "|" + LOWER + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACE)],
    "o200k": [split(UPPER + CONTRACTION + "?|" + LOWER + CONTRACTION + r"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACE)],
    "cl100k": [split(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|"
                     r"\s+(?!\S)|\s+")],
    "deepseek-v3": [split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
                    split(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
                          r" ?[\p{P}\p{S}]+[\r\n]*|" + SPACE)],
    "deepseek-llm": [split(r"[\r\n]"), split(r"\s?[" + LATIN + "]+"),
                     split("\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"), split(r"\s+$"),
                     split("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"), digits(True)],
    "bloom": [split(" ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+")],
    "exaone": [split(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|"
                     r"\s*[\r\n]|\s+(?!\S)|\s+")],
    "superbpe": [split(r"\p{N}+"), split(r"(?=(\d{3})+(?!\d))")],
    "categories": [split(r"\p{S}+|\P{Z}\p{Z}|\p{Nd}{2,3}|\p{Lm}+|\p{Lt}|\p{Lo}{2}\D")],
    "may be empty": [split(r"a*|\s{,2}\n"), digits(False)],
    "lines": [split(r"(?:\r?\n(?!\r?\n)|(?:\s)(?=\S))+|[^\S]{2,}|.{3}$")],
    "a text": [split(" ", "MergedWithPrevious", False, "String"), split("e", "MergedWithNext", True, "String")],
    "removed": [split(r"\s+", "Removed"), split(r"\p{L}+|\p{N}", "Removed", True)],
    "joined": [split(r"\s|[.a]", "Contiguous"), split(r"\p{P}|x*", "MergedWithPrevious", True), split(r"\p{P}", "MergedWithNext")],
}


def check_pre_tokenizers(options, texts):
    """Ids of a vocabulary that was made of whole texts, so that its tokens cross the borders of all words."""
    maker = Maker(options.seed, texts, [])
    strings = [maker.string() for _ in range(options.count // 4)]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(strings, trainers.BpeTrainer(vocab_size=6000, initial_alphabet=byte_level.alphabet(),
                                                               show_progress=False))
    data, bad = json.loads(tokenizer.to_str()), 0
    with tempfile.TemporaryDirectory() as folder:
        for name, parts in PRE_TOKENIZERS.items():
            last = [] if parts[-1] is GPT2 else [dict(GPT2, use_regex=False)]
            data["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": parts + last}
            with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
                json.dump(data, file)
            wanted = [e.ids for e in Tokenizer.from_str(json.dumps(data)).encode_batch(strings)]
            bad += compare("pre-tokenizer " + name, strings, wanted,
                           run(options.program.split() + ["tokenize", "--model", folder], strings))
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default="./segfuse")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", nargs="*", default=[])
    parser.add_argument("--extra_flags", action="store_true", help="the program knows --skip, --clean and --stream")
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    texts = read_texts(options.texts)
    bad = sum(check(model, options, texts) for model in options.models)
    sys.exit(1 if bad + check_pre_tokenizers(options, texts) else 0)


if __name__ == "__main__":
    main()
