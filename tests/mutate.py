#!/usr/bin/env python3
"""Mutation test: change one operator or number in segfuse.h, and see whether the tests notice.

    python3 tests/mutate.py [--count 200] [--seed 1] [--sections 13,25] [--again LOG] ...

The mutants are spread evenly over the sections named in TARGETS: masks, attention, prompts, fusion
and the tokenizer. Each is built once, with the groups of tests of its section alone, and runs until
the first test fails. One that fails a test, crashes, or takes ten times the processor time or far
more memory is killed. One that does not compile, or whose machine code (as tested, or at -O2) is
that of the original, is not counted. What survives is listed with its line, to be killed by a new
test, or to be explained in tests/mutants.txt: groups of three lines, the line as it is, the line as
it is changed, and '# ' with the reason why no test can or need notice.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import queue
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Banner of the section -> the groups of tests that must notice, the quick ones first.
METHOD = ["layout", "methods", "model", "memory", "mask", "forward", "generate", "sampling"]
TARGETS = {
    "[SGF-13]": METHOD,
    "[SGF-14]": METHOD + ["random"],
    "[SGF-15]": METHOD,
    "[SGF-16]": METHOD,
    "[SGF-17]": METHOD,
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
# Without the vector kernels the rest compiles in half the time.
OPTIONS = {banner: [] if banner == "[SGF-14]" else ["-DSGF_NO_SIMD", "-march=native"]
           for banner in TARGETS}
MEMORY = 8 << 30  # bytes of address space a mutant may take
WAIT = 900  # seconds after which a mutant hangs
SLOW = 1.0  # seconds of a test that is left for the mutants that the others let pass


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
    at = [(i, m[1]) for i, line in enumerate(lines)
          for m in [re.match(r"^ \* (\[SGF-\d\d\])", line)] if m]
    return {m: (i, at[k + 1][0] if k + 1 < len(at) else len(lines))
            for k, (i, m) in enumerate(at)}


def mutated(lines, site):
    """The line as it is and as it is changed."""
    number, begin, end, replacement = site
    line = lines[number]
    return line, line[:begin] + replacement + line[end:]


class Bench:
    """A folder in which one mutated tree at a time is compiled and tested."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.top = tempfile.mkdtemp(prefix="segfuse-mutant-")
        self.folder = os.path.join(self.top, "segfuse")
        self.temp = os.path.join(self.top, "temp")
        os.mkdir(self.folder)
        shared = os.path.join(os.path.dirname(ROOT), "shared")
        if os.path.isdir(shared):  # test data beside the checkout
            os.symlink(shared, os.path.join(self.top, "shared"))
        for name in ("models", "examples", "build"):
            os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))
        # tests/main.c includes ../segfuse.h: the tests folder must be a real one.
        shutil.copytree(os.path.join(ROOT, "tests"), os.path.join(self.folder, "tests"))
        with open(os.path.join(ROOT, "tests", "main.c")) as f:
            self.main = f.read()

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def object(self, source, *options):
        """The machine code of a source, None if it does not compile."""
        command = ["cc", "-std=c99", "-w", "-ffp-contract=off", *options, source, "-o", "mutant",
                   "-lm", "-pthread"]
        if subprocess.run(self.prefix + command, cwd=self.folder, stderr=subprocess.DEVNULL).returncode:
            return None
        subprocess.run(["strip", "mutant"], cwd=self.folder, check=True)
        with open(os.path.join(self.folder, "mutant"), "rb") as f:
            return f.read()

    def compile(self, header, banner):
        """The tests of these groups, in this order; the compiler drops what they do not use."""
        row = r'(?m)^ *\{"(\w+)", tests_\1\},\n'
        known = set(re.findall(row, self.main))
        table = "".join(f'{{"{g}", tests_{g}}},\n' for g in TARGETS[banner] if g in known)
        first, rest = re.split(row, self.main, maxsplit=1)[::2]
        self.write("tests/mutant.c", first + table + re.sub(row, "", rest))
        self.write("segfuse.h", header)
        return self.object("tests/mutant.c", "-O1", "-DSGF_STATIC", "-DTEST_STOP",
                           *OPTIONS[banner])

    def optimized(self, header):
        """The library at -O2."""
        self.write("segfuse.h", header)
        self.write("library.c", "#define SEGFUSE_IMPLEMENTATION\n#include \"segfuse.h\"\n")
        return self.object("library.c", "-O2", "-shared", "-fPIC")

    def run(self, limits):
        """How the tests in limits, {name: seconds}, end (None: all): '' when they pass, else the one
        that noticed; and the processor time of each."""
        names = None if limits is None else "".join(f"{t}={s}," for t, s in limits.items())

        def confine():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.mkdir(self.temp)
        variables = {"TMPDIR": self.temp, **({} if names is None else {"TEST_LIMITS": names})}
        try:  # a thread that waits for ever takes no processor time
            done = subprocess.run(self.prefix + ["./mutant"], cwd=self.folder, preexec_fn=confine,
                                  timeout=WAIT, capture_output=True, env={**os.environ, **variables})
            out, last = (t.decode("utf-8", "replace") for t in (done.stdout, done.stderr))
            died = last.split("\n")[-2] if done.returncode else ""
        except subprocess.TimeoutExpired as e:
            out, died = "", "waits for ever: " + (e.stderr or b"?\n").decode().split("\n")[-2]
        shutil.rmtree(self.temp, ignore_errors=True)
        return died, {m[0]: float(m[1]) for m in re.findall(r"^time (\w+) ([\d.]+)", out, re.M)}

    def close(self):
        shutil.rmtree(self.top)


def explained():
    """The survivors that tests/mutants.txt explains: {(line, changed line)}."""
    with open(os.path.join(ROOT, "tests", "mutants.txt")) as f:
        text = [line.strip() for line in f if line.strip() and not line.startswith("##")]
    return {(text[i], text[i + 1]) for i in range(0, len(text), 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=200, help="mutants to count, over all sections")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--sections", default="", help="numbers, such as 13,25; all if left out")
    parser.add_argument("--again", help="judge only those that survived in this log")
    parser.add_argument("--slowest", type=float, default=1e9,
                        help="leave out tests that take so many seconds")
    parser.add_argument("--prefix", default="nice -n 10", help="command to compile and run under")
    parser.add_argument("--log", default=os.path.join(ROOT, "build", "mutants.txt"))
    args = parser.parse_args()
    with open(os.path.join(ROOT, "segfuse.h")) as f:
        original = f.read()
    lines = original.split("\n")
    ranges = sections(lines)
    targets = {b: g for b, g in TARGETS.items()
               if not args.sections or b[5:7] in args.sections.split(",")}
    again, known = None, explained()
    if args.again:
        with open(args.again) as f:
            again = {tuple(r.rstrip("\n").split("\t")[3:5]) for r in f if r.startswith("SURVIVED")}
    picker = random.Random(args.seed)
    share = -(-args.count // len(targets))
    plan = []
    for banner in targets:
        found = sites(lines, *ranges[banner])
        picker.shuffle(found)
        if again is not None:
            found = [s for s in found if tuple(t.strip() for t in mutated(lines, s)) in again]
        plan.append([(banner, site) for site in found])
    plan = [row[i] for i in range(max(map(len, plan))) for row in plan if i < len(row)]

    # The original first: its code, at both levels, and the time that each test takes (kept for the
    # next call: the code of the tests is the key).
    base, quick, slow = {}, {}, {}
    bench = Bench(shlex.split(args.prefix))
    library = bench.optimized(original)
    for banner in targets:
        base[banner] = bench.compile(original, banner)
        if base[banner] is None:
            sys.exit(f"{banner}: the tests do not compile")
        times = os.path.join(ROOT, "build", f"mutate-{hashlib.sha256(base[banner]).hexdigest()[:16]}")
        if not os.path.exists(times):
            died, seconds = bench.run(None)
            if died:
                sys.exit(f"{banner}: {died} fails without a mutation")
            with open(times, "w") as f:
                json.dump(seconds, f)
        with open(times) as f:
            seconds = json.load(f)
        limits = {t: 2 + int(10 * s) for t, s in seconds.items() if s < args.slowest}
        quick[banner] = {t: s for t, s in limits.items() if seconds[t] < SLOW}
        slow[banner] = {t: s for t, s in limits.items() if t not in quick[banner]}
    bench.close()
    benches = queue.Queue()
    for _ in range(args.jobs):
        benches.put(Bench(shlex.split(args.prefix)))

    def judge(item):
        banner, site = item
        line, changed = mutated(lines, site)
        text = "\n".join(lines[:site[0]] + [changed] + lines[site[0] + 1:])
        bench = benches.get()
        try:
            code = bench.compile(text, banner)
            if code is None:
                verdict = "does not compile"
            elif code == base[banner]:
                verdict = "equivalent"
            else:
                verdict = bench.run(quick[banner])[0] or bench.run(slow[banner])[0]
                if not verdict and bench.optimized(text) == library:
                    verdict = "equivalent"
                elif not verdict:
                    verdict = "explained" if (line.strip(), changed.strip()) in known else "SURVIVED"
        finally:
            benches.put(bench)
        return banner, site[0] + 1, line.strip(), changed.strip(), verdict

    tally = {banner: {"killed": 0, "explained": 0, "SURVIVED": 0, "equivalent": 0,
                      "does not compile": 0} for banner in targets}

    def counted(t):
        return t["killed"] + t["explained"] + t["SURVIVED"]

    with open(args.log, "w") as log, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = set()
        for item in plan + [None]:
            while waiting and (item is None or len(waiting) >= args.jobs):
                done, waiting = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    banner, number, line, changed, verdict = future.result()
                    t = tally[banner]
                    t[verdict if verdict in t else "killed"] += 1
                    print(verdict, banner, number, line, changed, sep="\t", file=log, flush=True)
            if item and counted(tally[item[0]]) < share:
                waiting.add(pool.submit(judge, item))
    while not benches.empty():
        benches.get().close()
    total = dict.fromkeys(next(iter(tally.values())), 0)
    for banner, t in tally.items():
        total = {k: total[k] + n for k, n in t.items()}
        print(f"{banner}: {t['killed']} of {counted(t)} killed, {t['explained']} explained, "
              f"{t['SURVIVED']} survived; {t['equivalent']} equivalent, "
              f"{t['does not compile']} do not compile")
    print(f"{total['killed']} of {counted(total)} mutants killed, {total['explained']} explained, "
          f"{total['SURVIVED']} survived; the list is in {args.log}")
    return total["killed"] < 0.9 * counted(total)


if __name__ == "__main__":
    sys.exit(main())
