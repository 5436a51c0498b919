#!/usr/bin/env python3
"""Every method on the whole of WebQuestions (2,032 questions) and MyriadLAMA (1,013): do they run through, and how fast?

    python tests/bench/datasets.py [--segfuse build/segfuse] [--shared ../shared] [--methods M,M,...]
        [--samples N] [--sets S,S] [--draws N]

The bundled model answers. WebQuestions has one wording a question; five more are made by the rule in REWORDED, so that
every method has something to do. Before the first of weighted_avg and weighted_max, `segfuse confidence` asks the five
paraphrases, N draws each; its time is not in theirs, and it has a line of its own (prompts per second).
Prints questions per second, one line a method.
"""
import argparse, json, os, re, subprocess, sys, tempfile

REWORDED = ["{}", "tell me, {}", "{} give the answer.", "question: {}", "i would like to know: {}", "{} (a short answer)"]
METHODS = "origin,per_prompt,avg,max,weighted_avg,weighted_max,flex_attention,myriadlama_flex,myriadlama,myriadlama_custom,fused"


def measure(name, what, command):
    """Run it and print the speed that it tells. Did it work?"""
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        print(f"{name:11} {what:18} FAILED: {run.stderr.strip()[-300:]}", flush=True)
        return False
    if what == "confidence":
        speed = re.search(r"([\d.]+) prompts/s", run.stdout)
        print(f"{name:11} {what:18} {speed.group(1):>8} prompts/s", flush=True)
    else:
        line = next(l for l in run.stdout.splitlines() if l.startswith(what))
        print(f"{name:11} {what:18} {line.split()[-1]:>8} questions/s", flush=True)
    return True


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--segfuse", default="build/segfuse")
    parser.add_argument("--shared", default=os.path.join(here, "../../../shared"))
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--samples", default="0")
    parser.add_argument("--sets", default="webqa,myriadlama")
    parser.add_argument("--draws", default="4")
    args = parser.parse_args()
    data = os.path.join(args.shared, "data")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        webqa = os.path.join(folder, "webqa.jsonl")
        with open(os.path.join(data, "webquestions/main/test.json")) as f, open(webqa, "w") as out:
            for row in json.load(f):
                texts = {f"paraphrase{i}": rule.format(row["qText"]) for i, rule in enumerate(REWORDED)}
                out.write(json.dumps({"answers": row["answers"], **texts}) + "\n")
        sets = {"webqa": ["--data", webqa, "--fewshot_data", os.path.join(data, "webquestions/main/trainmodel.json")],
                "myriadlama": ["--data", os.path.join(data, "myriadlama/myriadlama-dev.jsonl")]}
        for name in args.sets.split(","):
            output = os.path.join(folder, name)
            common = [*sets[name], "--max_samples", args.samples, "--output", output, "--quiet"]
            for method in args.methods.split(","):
                if method.startswith("weighted_") and not os.path.exists(os.path.join(output, "confidence.feather")):
                    failed += not measure(name, "confidence", [args.segfuse, "confidence", "--num_paraphrases", "5",
                                                               "--num_samples", args.draws, *common])
                more = ["--num_auto", "3"] if method == "myriadlama_flex" and name == "myriadlama" else []  # all have three
                failed += not measure(name, method, [args.segfuse, "generate", "--method", method, *common, *more])
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
