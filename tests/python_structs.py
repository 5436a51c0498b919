#!/usr/bin/env python3
"""The structs and enumerations of segfuse.h that examples/python/segfuse.py has a copy of.

    python3 tests/python_structs.py --check     are they the header's? 1 if not
    python3 tests/python_structs.py --write     write them again

tests/oracle/python_oracle.py then compares the copy with what a C compiler says.
"""
import os
import re
import sys
import textwrap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MODULE = os.path.join(ROOT, "examples", "python", "segfuse.py")
STRUCTS = ("sgf_error sgf_allocator sgf_str sgf_segment sgf_layout sgf_leak sgf_tensor sgf_config sgf_model "
           "sgf_session_options sgf_row sgf_example sgf_prompt sgf_decoding sgf_method "
           "sgf_task").split()
ENUMS = "positions fusion_start bos_rule combine prediction format lines contexts kernels arithmetic device dtype rope".split()
CONSTANTS = ("SGF_MAX_SEGMENTS", "SGF_LEAK_PATH", "SGF_MAX_LAYERS", "SGF_MAX_EOS", "SGF_DECODE_SKIP_SPECIAL")
SCALARS = {"int32_t": "c_int32", "int64_t": "c_int64", "uint32_t": "c_uint32", "uint64_t": "c_uint64",
           "size_t": "c_size_t", "float": "c_float", "double": "c_double", "char": "c_char"}  # an enumeration is an int
BEGIN, END = "# Written by tests/python_structs.py --write", "# ---- end of what is written"


def fields(header, name):
    """(field, its type in Python) in the order of the header."""
    body = re.search(r"^typedef struct %s \{(.*?)^\} %s;" % (name, name), header, re.M | re.S).group(1)
    for declaration in filter(None, (d.strip() for d in body.split(";"))):
        function = re.search(r"\(\*(\w+)\)\(", declaration)
        if function:
            yield function.group(1), "c_void_p"
            continue
        kind, rest = re.match(r"(?:const )?(?:unsigned )?(\w+)\s*(.*)", declaration, re.S).groups()
        for item in rest.split(","):
            pointer, field, extent = re.match(r"\s*((?:\*|const |\s)*)(\w+)(?:\[(.*)\])?$", item, re.S).groups()
            if "*" in pointer:
                yield field, "c_char_p" if kind == "char" and name != "sgf_str" else "c_void_p"
                continue
            if kind not in STRUCTS and re.search(r"^typedef struct %s \{" % kind, header, re.M):
                sys.exit(f"{name}.{field} is a {kind}, which STRUCTS of tests/python_structs.py has not: add it before {name}")
            python = SCALARS.get(kind, kind if kind in STRUCTS else "c_int")
            extent = extent and re.sub(r"\bSGF_", "_", extent).replace("/", "//")
            extent = extent and (extent if re.fullmatch(r"\w+", extent) else f"({extent})")
            yield field, f"{python} * {extent}" if extent else python


def enumeration(header, name):
    """(C name, name as options spell it) of each value, from 0."""
    if f"#define SGF_{name.upper()}_LIST(X)" in header:
        start = header.index(f"#define SGF_{name.upper()}_LIST(X)")
        return re.findall(r'X\((SGF_\w+), "(.*?)"\)', header[start:header.index("typedef", start)])
    names = re.search(r"^typedef enum sgf_%s \{(.*?)\} sgf_%s;" % (name, name), header, re.M | re.S).group(1)
    prefix = len(f"SGF_{name.replace('_rule', '').upper()}_")
    return [(n, n[prefix:].lower().replace("_", "-")) for n in re.findall(r"SGF_\w+", names)]


def read_header():
    with open(os.path.join(ROOT, "segfuse.h")) as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)


def made():
    header = read_header()
    lines = [BEGIN]
    for name in CONSTANTS:
        lines.append(f"_{name[4:]} = {re.search(name + r' = ([0-9]+)', header).group(1)}")
    lines.append("_ENUMS = {")
    for name in ENUMS:
        names = ", ".join(f'"{text}"' for _, text in enumeration(header, name))
        lines.append(f'    "{name.replace("_rule", "")}": ({names}),')
    lines.append("}")
    for name in STRUCTS:
        of = ", ".join(f'("{field}", {kind})'.replace(" ", "~") for field, kind in fields(header, name))
        of = textwrap.fill(of, 120, initial_indent="    _fields_ = [", subsequent_indent=" " * 16).replace("~", " ")
        lines += ["", "", f"class {name}(_Struct):", of + "]"]
    return "\n".join(lines + ["", "", END])


def main():
    with open(MODULE) as file:
        text = file.read()
    first, last = text.index(BEGIN), text.index(END) + len(END)
    new = text[:first] + made() + text[last:]
    if sys.argv[1:] == ["--write"]:
        with open(MODULE, "w") as file:
            file.write(new)
    elif new != text:
        print("examples/python/segfuse.py has other structs than segfuse.h: python3 tests/python_structs.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
