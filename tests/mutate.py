#!/usr/bin/env python3
"""Mutation test: change one operator or number in segfuse.h, and see whether the tests notice.

    python3 tests/mutate.py [--count 200] [--seed 1] [--jobs 2] [--log build/mutants.txt]

The mutants are spread evenly over the sections named in TARGETS: masks, attention, prompts, fusion
and the tokenizer. A mutant whose machine code is that of the original is equivalent and is not
counted. One that does not compile, fails a test, crashes or runs ten times as long is killed. What
survives is listed with its line, to be killed by a new test or explained.
"""
import argparse
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Banner of the section -> the groups of tests that must notice.
TARGETS = {
    "[SGF-13]": ["layout", "mask", "forward", "generate", "methods"],
    "[SGF-14]": ["forward", "model"],
    "[SGF-15]": ["forward", "generate", "model"],
    "[SGF-16]": ["generate", "methods"],
    "[SGF-17]": ["generate", "methods", "sampling"],
    "[SGF-25]": ["tokenizer"],
}
SWAPS = [
    (r"<=", ["<"]), (r">=", [">"]), (r"==", ["!="]), (r"!=", ["=="]),
    (r"(?<![<>=!+\-*/|&^-])<(?![<=])", ["<="]), (r"(?<![<>=!+\-*/|&^-])>(?![>=])", [">="]),
    (r"&&", ["||"]), (r"\|\|", ["&&"]),
    (r"(?<![+])\+(?![+=])", ["-"]), (r"(?<= )-(?= )", ["+"]), (r"\+\+", ["--"]), (r"\+=", ["-="]),
    (r"\b0\b", ["1"]), (r"\b1\b", ["0", "2"]), (r"(?<=[^&|=!])!(?=[a-z(])", [""]),
    (r"\bbreak;", ["continue;"]),
]


def sites(lines, first, last):
    """Every place in lines[first:last] where a swap applies, outside comments, strings and #."""
    found, comment = [], False
    for number in range(first, last):
        line = lines[number]
        code = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'', lambda m: "~" * len(m[0]), line)
        if comment:
            end = code.find("*/")
            if end < 0:
                continue
            code, comment = " " * (end + 2) + code[end + 2:], False
        code = re.sub(r"/\*.*?\*/", lambda m: " " * len(m[0]), code)
        start = code.find("/*")
        if start >= 0:
            code, comment = code[:start], True
        if code.lstrip().startswith("#"):
            continue
        for pattern, replacements in SWAPS:
            for m in re.finditer(pattern, code):
                found += [(number, m.start(), m.end(), r) for r in replacements]
    return found


def sections(lines):
    """Line ranges of the implementation sections by their banners."""
    at = [(i, m[0]) for i, line in enumerate(lines)
          for m in [re.match(r"^ \* (\[SGF-\d\d\])", line)] if m]
    return {m.split("* ")[-1]: (i, at[k + 1][0] if k + 1 < len(at) else len(lines))
            for k, (i, m) in enumerate(at)}


class Bench:
    """One folder in which a mutated tree is compiled and tested."""

    def __init__(self, groups_known):
        self.top = tempfile.mkdtemp(prefix="segfuse-mutant-")
        self.folder = os.path.join(self.top, "segfuse")
        self.groups_known = groups_known
        os.mkdir(self.folder)
        shared = os.path.join(os.path.dirname(ROOT), "shared")
        if os.path.isdir(shared):  # test data beside the checkout
            os.symlink(shared, os.path.join(self.top, "shared"))
        for name in ("models", "examples", "build"):
            os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))
        # tests/main.c includes ../segfuse.h: the tests folder must be a real one.
        shutil.copytree(os.path.join(ROOT, "tests"), os.path.join(self.folder, "tests"))

    def compile(self, text):
        with open(os.path.join(self.folder, "segfuse.h"), "w") as f:
            f.write(text)
        command = ["cc", "-std=c99", "-w", "-O1", "-ffp-contract=off", "tests/main.c",
                   "-o", "mutant", "-lm", "-pthread"]
        if subprocess.run(command, cwd=self.folder, stderr=subprocess.DEVNULL).returncode:
            return None
        subprocess.run(["strip", "mutant"], cwd=self.folder, check=True)
        with open(os.path.join(self.folder, "mutant"), "rb") as f:
            return f.read()

    def run(self, groups, limit):
        """'' when every group passes, else how the mutant died."""
        for group in groups:
            if group not in self.groups_known:
                continue
            try:
                done = subprocess.run(["./mutant", group], cwd=self.folder, timeout=limit,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            except subprocess.TimeoutExpired:
                return "timeout in " + group
            if done.returncode:
                return f"{group} ({done.returncode})"
        return ""

    def close(self):
        shutil.rmtree(self.top)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--log", default=os.path.join(ROOT, "build", "mutants.txt"))
    args = parser.parse_args()
    with open(os.path.join(ROOT, "segfuse.h")) as f:
        original = f.read()
    lines = original.split("\n")
    ranges = sections(lines)
    with open(os.path.join(ROOT, "tests", "main.c")) as f:
        groups_known = set(re.findall(r'\{"(\w+)", tests_', f.read()))
    picker = random.Random(args.seed)
    plan = []
    for banner, groups in TARGETS.items():
        found = sites(lines, *ranges[banner])
        share = -(-args.count // len(TARGETS))
        plan += [(banner, groups, site) for site in picker.sample(found, min(2 * share, len(found)))]
    picker.shuffle(plan)

    bench = Bench(groups_known)
    base = bench.compile(original)
    start = time.time()
    died = bench.run(sorted({g for groups in TARGETS.values() for g in groups}), 600)
    limit = 30 + 10 * (time.time() - start)
    bench.close()
    if base is None or died:
        sys.exit(f"the tests fail without a mutation: {died or 'no compilation'}")

    def judge(item):
        banner, groups, (number, begin, end, replacement) = item
        line = lines[number]
        changed = line[:begin] + replacement + line[end:]
        bench = Bench(groups_known)
        try:
            code = bench.compile("\n".join(lines[:number] + [changed] + lines[number + 1:]))
            verdict = ("does not compile" if code is None else
                       "equivalent" if code == base else bench.run(groups, limit) or "SURVIVED")
        finally:
            bench.close()
        return banner, number + 1, line.strip(), changed.strip(), verdict

    tally = {banner: [0, 0] for banner in TARGETS}
    share = -(-args.count // len(TARGETS))
    with open(args.log, "w") as log, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = set()
        for item in plan + [None]:
            while waiting and (item is None or len(waiting) >= args.jobs):
                done, waiting = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    banner, number, line, changed, verdict = future.result()
                    if verdict in ("equivalent", "does not compile"):
                        continue
                    tally[banner][0] += verdict != "SURVIVED"
                    tally[banner][1] += 1
                    print(f"{verdict:24} {banner} line {number}: {line}  ->  {changed}",
                          file=log, flush=True)
            if item and tally[item[0]][1] < share:
                waiting.add(pool.submit(judge, item))
    for banner, (killed, count) in tally.items():
        print(f"{banner}: {killed} of {count} killed")
    killed, count = (sum(t[i] for t in tally.values()) for i in (0, 1))
    print(f"{killed} of {count} mutants killed; the list is in {args.log}")
    return killed < 0.9 * count


if __name__ == "__main__":
    sys.exit(main())
