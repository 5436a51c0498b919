#!/usr/bin/env python3
"""Prints the tables of examples/segfuse/base/unicode.c, from Python's own Unicode data (14 was used).

Numbers in the digits of unicode_tables.py, each as the change to the one above it. `marks`: runs of
characters of one combining class as first, length, class. `single`: character, what it becomes. `split`
and `pair`: character, its two parts; only those of `pair` are composed again."""
import sys
import unicodedata


def digits(number):
    number = 2 * number if number >= 0 else -2 * number - 1
    out = ""
    while True:
        digit = 64 + (number - 64) % 27 if number >= 64 else number
        out += chr(ord("#") + digit + (digit >= ord("\\") - ord("#")))
        if number < 64:
            return out
        number = (number - digit) // 27


def table(name, rows):
    text, last = "", [0] * 3
    for row in rows:
        text += "".join(digits(new - old) for new, old in zip(row, last))
        last = row
    assert len(text) < 4096  # what every C99 compiler takes
    print("static const char unicode_%s[] =" % name)
    text = text.replace("??", "?\\?")  # no trigraphs
    lines = []
    while text:
        cut = 95 - text[:95].endswith("\\")
        lines.append('    "%s"' % text[:cut])
        text = text[cut:]
    print("\n".join(lines) + ";")


def main():
    marks, single, split, pair = [], [], [], []
    for code in range(sys.maxunicode + 1):
        c = chr(code)
        class_ = unicodedata.combining(c)
        if class_ and marks and marks[-1][0] + marks[-1][1] == code and marks[-1][2] == class_:
            marks[-1][1] += 1
        elif class_:
            marks.append([code, 1, class_])
        parts = unicodedata.decomposition(c)
        if not parts or parts[0] == "<":
            continue
        parts = [int(x, 16) for x in parts.split()]
        if len(parts) == 1:
            single.append([code] + parts)
        else:
            (pair if unicodedata.normalize("NFC", c) == c else split).append([code] + parts)
    table("marks", marks), table("single", single), table("split", split), table("pair", pair)
    print(len(marks), len(single), len(split), len(pair), file=sys.stderr)


main()
