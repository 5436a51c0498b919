#!/usr/bin/env python3
"""Every method on the whole of WebQuestions (2,032 questions) and MyriadLAMA (1,013): do they run through, and how fast?

    python tests/bench/datasets.py [--segfuse build/segfuse] [--shared ../shared] [--methods M,M,...]
        [--samples N] [--sets S,S]

The bundled model answers. WebQuestions has one wording a question; five more are made by the rule in REWORDED, so that
every method has something to do. weighted_avg and weighted_max need confidences, and are left out unless they are named.
Prints questions per second, one line a method.
"""
import argparse, json, os, re, subprocess, sys, tempfile

REWORDED = ["{}", "tell me, {}", "{} give the answer.", "question: {}", "i would like to know: {}", "{} (a short answer)"]
METHODS = "origin,per_prompt,avg,max,flex_attention,myriadlama_flex,myriadlama,myriadlama_custom,fused"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--segfuse", default="build/segfuse")
    parser.add_argument("--shared", default=os.path.join(here, "../../../shared"))
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--samples", default="0")
    parser.add_argument("--sets", default="webqa,myriadlama")
    args = parser.parse_args()
    data = os.path.join(args.shared, "data")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        webqa = os.path.join(folder, "webqa.jsonl")
        with open(os.path.join(data, "webquestions/main/test.json")) as f, open(webqa, "w") as out:
            for row in json.load(f):
                texts = {f"paraphrase{i}": rule.format(row["qText"]) for i, rule in enumerate(REWORDED)}
                out.write(json.dumps({"answers": row["answers"], **texts}) + "\n")
        # The questions of MyriadLAMA have three to seven automatic templates here.
        sets = {"webqa": [webqa, "--fewshot_data", os.path.join(data, "webquestions/main/trainmodel.json")],
                "myriadlama": [os.path.join(data, "myriadlama/myriadlama-dev.jsonl"), "--num_auto", "3"]}
        for name, (questions, *more) in ((n, sets[n]) for n in args.sets.split(",")):
            for method in args.methods.split(","):
                output = os.path.join(folder, name)
                command = [args.segfuse, "generate", "--method", method, "--data", questions, "--max_samples", args.samples,
                           "--quiet", "--output", output, *more]
                run = subprocess.run(command, capture_output=True, text=True)
                if run.returncode:
                    failed += 1
                    print(f"{name:11} {method:18} FAILED: {run.stderr.strip()[-300:]}", flush=True)
                    continue
                line = next(l for l in run.stdout.splitlines() if l.startswith(method))
                print(f"{name:11} {method:18} {line.split()[-1]:>8} questions/s", flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
