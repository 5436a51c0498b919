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

from tokenizers import Tokenizer

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
    sys.exit(1 if sum(check(model, options, texts) for model in options.models) else 0)


if __name__ == "__main__":
    main()
