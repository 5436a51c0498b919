#!/usr/bin/env python3
"""Mutation test: change one operator or number in segfuse.h, and see whether the tests notice.

    python3 tests/mutate.py [--count 200] [--seed 1] [--sections 09,24] [--again LOG] ...

The mutants are spread evenly over the sections named in SECTIONS: masks, attention, prompts, fusion
and the tokenizer. All of them are compiled into one program, each as `(MUTANT(7) ? changed : plain)`,
and the variable TEST_MUTANT says which one lives. A first run without any tells which tests reach
which mutant and how long they take; then every mutant runs these tests, the quick ones first, until
one fails, crashes, or takes ten times its processor time. What survives is built once more for
itself: if its machine code at -O2 is that of the original it is equivalent and is not counted. The
others are listed with their lines, to be killed by a new test, or to be explained in
tests/mutants.txt: groups of three lines, the line as it is, the line as it is changed, and '# ' with
the reason why no test can or need notice. --check only looks whether these still are mutants of the
header.
"""
import argparse
import concurrent.futures
import os
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Title of the section -> the groups of tests that must notice.
METHOD = ["layout", "model", "methods", "memory", "mask", "forward", "generate", "sampling",
          "stream", "device"]
SECTIONS = {"Layouts, visibility, masks": METHOD, "The scalars that define the numbers": METHOD,
            "The reference: the whole transformer": METHOD, "Prompts and methods": METHOD, "Audits of masks": METHOD,
            "Kernels": METHOD, "Sessions": METHOD, "Generation": METHOD, "Tokenizer": ["tokenizer", "memory"]}
SWAPS = [
    (r"<=", ["<"]), (r">=", [">"]), (r"==", ["!="]), (r"!=", ["=="]),
    (r"(?<![<>=!+\-*/|&^-])<(?![<=])", ["<="]), (r"(?<![<>=!+\-*/|&^-])>(?![>=])", [">="]),
    (r"&&", ["||"]), (r"\|\|", ["&&"]),
    (r"(?<![+])\+(?![+=])", ["-"]), (r"(?<= )-(?= )", ["+"]), (r"\+\+", ["--"]), (r"\+=", ["-="]),
    (r"\b0\b", ["1"]), (r"\b1\b", ["0", "2"]), (r"(?<=[^&|=!])!(?=[a-z(])", [""]),
    (r"\bbreak;", ["continue;"]),
]
MEMORY = 8 << 30  # bytes of address space a mutant may take
WAIT = 3600  # seconds after which a mutant hangs
QUICK = 0.3  # seconds of a test that runs before the others


def masked(text):
    """The text with comments, strings and directives blanked out, every byte in its place."""
    def blank(match):
        fill = "~" if match[0][0] in "\"'" else " "
        return "".join("\n" if c == "\n" else fill for c in match[0])
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?m:^[ \t]*#[^\n]*)', blank, text,
                  flags=re.S)


def unit(code, begin, end):
    """The expression around code[begin:end] that can be put in parentheses, as (begin, end)."""
    def assigns(i):
        return code[i] == "=" and code[i + 1] != "=" and code[i - 1] not in "=!<>"
    first, depth = begin, 0
    while first:
        c = code[first - 1]
        if c in ")]":
            depth += 1
        elif c in "([" and depth:
            depth -= 1
        elif c in "([{}" or not depth and (c in ";," or assigns(first - 1)):
            break
        first -= 1
    last, depth = end, 0
    while last < len(code):
        c = code[last]
        if c in "([":
            depth += 1
        elif c in ")]" and depth:
            depth -= 1
        elif c in ")]{}" or not depth and c in ";,":
            break
        last += 1
    while True:  # what stands before an expression in a statement
        m = re.match(r"[\s\\]*((if|while|for|switch)\s*(?=\()|else\b|return\b|do\b|SGF__UNROLL\b)?", code[first:last])
        first += len(m[0])
        if not m[1]:
            break
        if m[2]:
            depth = 0
            while first < last:
                depth += {"(": 1, ")": -1}.get(code[first], 0)
                first += 1
                if not depth:
                    break
    while last > first and code[last - 1] in " \n\\":
        last -= 1
    text = code[first:last]
    return (first, last) if first <= begin and ("?" in text or ":" not in text) else None


def numbered(text):
    """{"[SGF-09]": groups} of the sections above, whatever their numbers are today."""
    code = text[text.index("#ifdef SEGFUSE_IMPLEMENTATION", text.index("SEGFUSE_H")):]
    out = {}
    for title, groups in SECTIONS.items():
        found = re.findall(r"\n \* (\[SGF-\d+\]) " + title, code)
        if len(found) != 1:
            sys.exit(f"segfuse.h has {len(found)} sections that begin with: {title}")
        out[found[0]] = groups
    return out


class Mutant:
    def __init__(self, text, code, section, begin, end, new):
        self.section, self.begin, self.end, self.new = section, begin, end, new
        at = text.rfind("\n", 0, begin) + 1
        stop = text.find("\n", end)
        self.line = text.count("\n", 0, begin) + 1
        self.before = text[at:stop].strip()
        self.after = (text[at:begin] + new + text[end:stop]).strip()
        self.whole = text[:begin] + new + text[end:]
        self.unit = (begin, end) if new == "continue;" else unit(code, begin, end)
        self.verdict = ""

    def choice(self, text, number):
        """What stands in the place of its unit in the program that holds all mutants; a line stays a line."""
        if self.new == "continue;":
            return f"{{ if (SGF__MUTANT({number})) continue; else break; }}"
        first, last = self.unit
        changed = text[first:self.begin] + self.new + text[self.end:last]
        changed = re.sub(r"\s*\\?\n\s*", " ", changed)
        return f"(SGF__MUTANT({number}) ? ({changed}) : ({text[first:last]}))"


def mutants(text, section):
    code = masked(text)
    begin = text.index(f"\n * {section}", text.index("#ifdef SEGFUSE_IMPLEMENTATION", text.index("SEGFUSE_H")))
    end = text.find("\n * [SGF-", begin + 1)
    return [Mutant(text, code, section, m.start(), m.end(), new) for pattern, changes in SWAPS
            for m in re.compile(pattern).finditer(code, begin, end) for new in changes]


def chosen(text, found, count, picker):
    """Some of them, no two in one expression."""
    picker.shuffle(found)
    taken = []
    for m in found:
        if m.unit and all(m.unit[1] <= t.unit[0] or t.unit[1] <= m.unit[0] for t in taken):
            taken.append(m)
            if len(taken) == count:
                break
    return taken


class Bench:
    """The folder in which the program with all mutants is compiled and tested."""

    def __init__(self, prefix, without):
        self.prefix, self.without = prefix, without
        self.top = tempfile.mkdtemp(prefix="segfuse-mutant-")
        self.folder = os.path.join(self.top, "segfuse")
        os.mkdir(self.folder)
        for name in ("models", "examples", "build"):
            os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))
        # tests/main.c includes ../segfuse.h: the tests folder must be a real one.
        shutil.copytree(os.path.join(ROOT, "tests"), os.path.join(self.folder, "tests"))
        with open(os.path.join(ROOT, "tests", "main.c")) as f:
            self.main = f.read()

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def cc(self, *options):
        return subprocess.run(self.prefix + ["cc", "-std=c99", "-w", "-ffp-contract=off", *options],
                              cwd=self.folder, capture_output=True, text=True)

    def library(self, header):
        """The machine code of the library at -O2."""
        with tempfile.TemporaryDirectory(dir=self.top) as folder:
            with open(os.path.join(folder, "segfuse.h"), "w") as f:
                f.write(header)
            with open(os.path.join(folder, "library.c"), "w") as f:
                f.write("#define SEGFUSE_IMPLEMENTATION\n#include \"segfuse.h\"\n")
            done = self.cc("-O2", "-c", f"{folder}/library.c", "-o", f"{folder}/library.o")
            if done.returncode:
                return None
            with open(f"{folder}/library.o", "rb") as f:
                return f.read()

    def compile(self, text, plan, groups):
        """The program with these mutants; those that do not compile are taken out of the plan."""
        row = r'(?m)^ *\{"(\w+)", tests_\1\},\n'
        known = set(re.findall(row, self.main))
        table = "".join(f'{{"{g}", tests_{g}}},\n' for g in groups if g in known)
        first, rest = re.split(row, self.main, maxsplit=1)[::2]
        head = (f"static int sgf__mutant;\nenum {{ SGF__MUTANTS = {len(plan)} }};\n"
                "static unsigned char sgf__mutant_hit[SGF__MUTANTS];\n"
                "#define SGF__MUTANT(i) (sgf__mutant_hit[i] = 1, sgf__mutant == (i) + 1)\n"
                "#define TEST_MUTANTS\n")
        self.write("tests/mutant.c", head + first + table + re.sub(row, "", rest))
        while True:
            header = text
            for number, m in sorted(enumerate(plan), key=lambda p: -p[1].unit[0]):
                if not m.verdict:
                    header = header[:m.unit[0]] + m.choice(text, number) + header[m.unit[1]:]
            self.write("segfuse.h", header)
            done = self.cc("-fmax-errors=0", "-fsyntax-only", "-DSGF_STATIC", "tests/mutant.c")
            if not done.returncode:
                break
            named = {int(n) for n in re.findall(r"segfuse\.h:(\d+)", done.stderr)}
            bad = [m for m in plan if not m.verdict and
                   any(m.line + text.count("\n", m.end, m.unit[1]) >= n >=
                       m.line - text.count("\n", m.unit[0], m.begin) for n in named)]
            if not bad:  # an enumeration or the like that ends here
                bad = [m for m in plan if not m.verdict and m.line < min(named, default=0)]
                bad = sorted(bad, key=lambda m: m.line)[-1:]
            if not bad:
                sys.exit(done.stderr)
            for m in bad:
                m.verdict = "does not compile"
        done = self.cc("-O1", "-DSGF_STATIC", "tests/mutant.c", "-o", "mutant", "-lm", "-pthread")
        if done.returncode:
            sys.exit(done.stderr)

    def run(self, mutant, limits):
        """How the tests in limits, {name: seconds}, end (None: all): '' when they pass, else the one
        that noticed; and what they print."""
        def confine():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        temp = tempfile.mkdtemp(dir=self.top)
        variables = {"TMPDIR": temp, "TEST_MUTANT": str(mutant), "TEST_WITHOUT": self.without}
        if limits is not None:
            variables["TEST_LIMITS"] = "".join(f"{t}={s}," for t, s in limits.items())
        try:  # a thread that waits for ever takes no processor time
            done = subprocess.run(self.prefix + ["./mutant"], cwd=self.folder, preexec_fn=confine,
                                  timeout=WAIT, capture_output=True, env={**os.environ, **variables})
            out, last = (t.decode("utf-8", "replace") for t in (done.stdout, done.stderr))
            died = (last.split("\n")[-2:-1] or ["?"])[0] if done.returncode else ""
        except subprocess.TimeoutExpired as e:
            out, died = "", "waits for ever: " + (e.stderr or b"?\n").decode().split("\n")[-2]
        shutil.rmtree(temp, ignore_errors=True)
        return died, out

    def close(self):
        shutil.rmtree(self.top)


def explained():
    """The survivors that tests/mutants.txt explains: {(line, changed line)}."""
    with open(os.path.join(ROOT, "tests", "mutants.txt")) as f:
        text = [line.strip() for line in f if line.strip() and not line.startswith("##")]
    return {(text[i], text[i + 1]) for i in range(0, len(text), 3)}


def counted(t):
    return t["killed"] + t["explained"] + t["SURVIVED"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=200, help="mutants to count, over all sections")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--sections", default="", help="numbers, such as 09,24; all if left out")
    parser.add_argument("--again", help="judge only those that survived in this log")
    parser.add_argument("--check", action="store_true", help="only look whether tests/mutants.txt fits the header")
    parser.add_argument("--groups", help="groups of tests, with commas between them, for all sections")
    parser.add_argument("--without", default="", help="slow tests to leave out, with commas between them")
    parser.add_argument("--prefix", default="nice -n 10", help="command to compile and run under")
    parser.add_argument("--log", default=os.path.join(ROOT, "build", "mutants.txt"))
    args = parser.parse_args()
    with open(os.path.join(ROOT, "segfuse.h")) as f:
        text = f.read()
    sections, known = numbered(text), explained()
    if args.check:
        stale = known - {(m.before, m.after) for s in sections for m in mutants(text, s)}
        for before, after in sorted(stale):
            print(f"tests/mutants.txt: no mutant of segfuse.h:\n    {before}\n    {after}")
        print(f"{len(known)} mutants are explained, {len(stale)} of them are no mutants any more")
        return len(stale) > 0
    names = [s for s in sections if not args.sections or s[5:7] in args.sections.split(",")]
    share = -(-args.count // len(names))
    picker = random.Random(args.seed)
    rows = [chosen(text, mutants(text, s), 2 * share, picker) for s in names]
    if args.again:
        with open(args.again) as f:
            again = {tuple(r.rstrip("\n").split("\t")[3:5]) for r in f if r.startswith("SURVIVED")}
        rows = [[m for m in mutants(text, s) if (m.before, m.after) in again] for s in names]
    plan = [row[i] for i in range(max(map(len, rows))) for row in rows if i < len(row)]
    bench = Bench(shlex.split(args.prefix), args.without)
    groups = args.groups.split(",") if args.groups else [g for s in names for g in sections[s]]
    bench.compile(text, plan, dict.fromkeys(groups))
    died, out = bench.run(0, None)
    if died:
        sys.exit(f"{died} fails without a mutation")
    seconds = {t: float(s) for t, s in re.findall(r"^time (\w+) ([\d.]+)", out, re.M)}
    reach = [[] for _ in plan]
    for test, numbers in re.findall(r"^reached (\w+)((?: \d+)*)$", out, re.M):
        for n in numbers.split():
            reach[int(n)].append(test)

    def judge(number):
        m = plan[number]
        limits = {t: 2 + int(10 * seconds[t]) for t in reach[number]}
        quick = {t: s for t, s in limits.items() if seconds[t] < QUICK}
        slow = {t: s for t, s in limits.items() if t not in quick}
        m.verdict = quick and bench.run(number + 1, quick)[0] or slow and bench.run(number + 1, slow)[0] or ""
        m.verdict = m.verdict or ("explained" if (m.before, m.after) in known else "SURVIVED")
        return m

    def judge_all(numbers, task):
        """Some at a time, until every section has its share."""
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            waiting = set()
            for number in [*numbers, None]:
                while waiting and (number is None or len(waiting) >= args.jobs):
                    done, waiting = concurrent.futures.wait(
                        waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in done:
                        m = future.result()
                        print(m.verdict, m.section, m.line, m.before, m.after, sep="\t", file=log, flush=True)
                if number is not None and counted(tally(plan[number].section)) < share:
                    waiting.add(pool.submit(task, number))

    def tally(section):
        verdicts = [m.verdict for m in plan if m.verdict and section in (m.section, "all")]
        t = {v: verdicts.count(v) for v in ("explained", "SURVIVED", "equivalent")}
        return {**t, "killed": len(verdicts) - sum(t.values()) - verdicts.count("does not compile")}

    def compare(number):
        if bench.library(plan[number].whole) in (library, None):
            plan[number].verdict = "equivalent"
        return plan[number]

    with open(args.log, "w") as log:
        judge_all([i for i, m in enumerate(plan) if not m.verdict], judge)
        survivors = [i for i, m in enumerate(plan) if m.verdict == "SURVIVED"]
        library = survivors and bench.library(text)
        share += len(plan)  # none is left out
        judge_all(survivors, compare)
    with open(args.log, "w") as log:
        for m in plan:
            if m.verdict:
                print(m.verdict, m.section, m.line, m.before, m.after, sep="\t", file=log)
    bench.close()
    for section in [*names, "all"]:
        t = tally(section)
        print(f"{section}: {t['killed']} of {counted(t)} killed, {t['explained']} explained, "
              f"{t['SURVIVED']} survived; {t['equivalent']} equivalent")
    print(f"the list is in {args.log}")
    return t["killed"] < 0.9 * counted(t)


if __name__ == "__main__":
    sys.exit(main())
