#!/usr/bin/env python3
"""Generates the tables of the section "Unicode tables" of segfuse.h.

    unicode_tables.py UnicodeData.txt[.gz] CompositionExclusions.txt

UnicodeData and CompositionExclusions come from unicode.org (version 15.0 was used). The general categories are
those that the regular expressions of Hugging Face's Python package `tokenizers` know (0.23.3: Unicode 16).
Hugging Face's NFC knows the characters of Unicode 9 only, so the characters with a combining class or a
decomposition that came later are left out; AFTER_9 lists them (checked by a sweep of all code points
through tokenizers 0.23.3)."""
import gzip
import sys

from tokenizers import Regex, pre_tokenizers

AFTER_9 = """7FD 898-89F 8CA-8D3 9FE C3C D3B-D3C EBA 1715 1ABF-1ACE 1DF6-1DFA A82C 10D24-10D27 10EAB-10EAC
10EFD-10EFF 10F46-10F50 10F82-10F85 11070 1133B 1145E 11839-1183A 11938 1193D-1193E 11943 119E0 11A34 11A47
11A99 11D42 11D44-11D45 11D97 11F41-11F42 16FF0-16FF1 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF"""
LIMIT = 0x32400  # every class and every property below it, but for the variation selectors E0100-E01EF (Mn)
# In the order of SGF__UNI_*; \\s is for those white spaces that are control characters.
KINDS = ["", r"\p{Lu}", r"\p{Ll}", r"\p{Lt}", r"\p{Lm}", r"\p{Lo}", r"\p{M}", r"\p{Nd}", r"\p{N}", r"\p{P}",
         r"\p{S}", r"\p{Z}", r"\s"]
ALTERNATING = 15


def opened(path):
    return gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")


def late_characters():
    late = set()
    for item in AFTER_9.split():
        first, _, last = item.partition("-")
        late.update(range(int(first, 16), int(last or first, 16) + 1))
    return late


def read_unicode(path, late):
    classes, decompositions = {}, {}
    for line in opened(path):
        field = line.split(";")
        code = int(field[0], 16)
        if code in late:
            continue
        if field[3] != "0":
            classes[code] = int(field[3])
        if field[5] and field[5][0] != "<":
            decompositions[code] = [int(x, 16) for x in field[5].split()]
    return classes, decompositions


def read_exclusions(path):
    lines = (line.split("#")[0].strip() for line in opened(path))
    return {int(line, 16) for line in lines if line}


def signed(number):
    """0, -1, 1, -2, ... -> 0, 1, 2, 3, ..."""
    return 2 * number if number >= 0 else -2 * number - 1


def sweep(kinds):
    """code -> the number of the first of these expressions that takes the character, else 0"""
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    out = [0] * 0x110000
    for number, regex in reversed(list(enumerate(kinds))[1:]):
        split = pre_tokenizers.Split(Regex(regex), "removed", invert=True)
        for _, (first, end) in split.pre_tokenize_str("".join(map(chr, codes))):
            for code in codes[first:end]:
                out[code] = number
    return out


def kinds_as_runs(kinds):
    """The kinds of all code points from 0 on, as runs: 16 * (length - 1) + kind. A run of ALTERNATING is of
    capital and small letters in turns."""
    out, at = [], 0
    assert kinds[0xE0100:] == [KINDS.index("\\p{M}")] * 240 + [0] * 0x2FE10 and not any(kinds[LIMIT:0xE0100])
    while at < LIMIT and any(kinds[at:LIMIT]):
        end, kind = at + 1, kinds[at]
        while kinds[end] == kind:
            end += 1
        if kind in (1, 2) and end == at + 1 and kinds[end] == 3 - kind:
            last = end
            while kinds[last + 1] == 3 - kinds[last]:
                last += 1
            last -= kinds[last + 1] == kinds[last]  # that one begins a longer run
            if kind == 1 and last > end:
                kind, end = ALTERNATING, last + 1
        out.append(16 * (end - at - 1) + kind)
        at = end
    return out


def classes_as_runs(classes):
    """code -> class, as gap since the end of the run before, length, change of class"""
    out, at, last = [], 0, 0
    codes = sorted(classes)
    while codes:
        n = 1
        while n < len(codes) and codes[n] == codes[0] + n and classes[codes[n]] == classes[codes[0]]:
            n += 1
        out += [codes[0] - at, n, signed(classes[codes[0]] - last)]
        at, last = codes[0] + n, classes[codes[0]]
        codes = codes[n:]
    assert at <= LIMIT
    return out


def mapping(items):
    """code -> one or two characters, as changes to the entry before. The lowest bit of the first number says
    that the change of the code follows, which is 1 otherwise; the other bits are the change of the first
    character. The change of the second character is last."""
    out, at, last = [], 0, [0, 0]
    for code in sorted(items):
        change = [signed(new - old) for new, old in zip(items[code], last)]
        out += [2 * change[0] + (code != at + 1)] + [code - at] * (code != at + 1) + change[1:]
        at, last = code, items[code]
    assert at < LIMIT
    return out


def digits(number):
    """Base 27, lowest digit first; every digit but the last has 64 added, so the last has 64 values."""
    out = ""
    while True:
        more = number >= 64
        digit = 64 + (number - 64) % 27 if more else number
        out += chr(ord("#") + digit + (digit >= ord("\\") - ord("#")))
        if not more:
            return out
        number = (number - digit) // 27


def table(name, numbers):
    print("static const char sgf__uni_%s[] =" % name)
    text = "".join(map(digits, numbers))
    assert len(text) < 4096  # what every C99 compiler takes
    lines = []
    while text:
        line, at = "", 0
        while at < len(text) and len(line) < 93:
            line += "\\?" if text[at] == "?" and line.endswith("?") else text[at]  # no trigraphs
            at += 1
        lines.append('    "%s"' % line)
        text = text[at:]
    print("\n".join(lines) + ";")


def main():
    late = late_characters()
    classes, decompositions = read_unicode(sys.argv[1], late)
    excluded = read_exclusions(sys.argv[2])
    kinds = sweep(KINDS)
    single, split, pair = {}, {}, {}
    for code, parts in decompositions.items():
        assert parts[-1] not in decompositions or len(parts) == 1  # only the first part decomposes again
        if len(parts) == 1:
            single[code] = parts
        elif code in excluded or classes.get(code) or classes.get(parts[0]):
            split[code] = parts
        else:
            pair[code] = parts
    table("kinds", kinds_as_runs(kinds))
    table("combining", classes_as_runs(classes))
    table("single", mapping(single))
    table("split", mapping(split))
    table("pair", mapping(pair))


main()
