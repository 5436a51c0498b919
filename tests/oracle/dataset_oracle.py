#!/usr/bin/env python3
"""Data sets against pandas and Hugging Face datasets.

    python tests/oracle/dataset_oracle.py [--segfuse build/segfuse]

Makes raw and processed MyriadLAMA and WebQA data in every format that is read (JSON lines, JSON array, CSV, Feather,
Arrow stream, save_to_disk folders of one and of several shards, of one and of several splits) and compares the
questions that `segfuse inspect --questions` prints with what Python makes of the same rows: groupby, replace,
random.seed(uuid), random.sample, md5, train_test_split.
"""
import argparse, hashlib, json, os, random, subprocess, sys, tempfile

import datasets
import pandas
import pyarrow as pa
import pyarrow.feather

checks = failures = 0


def check(ok, *what):
    global checks, failures
    checks += 1
    if not ok:
        failures += 1
        print("FAILED", *[str(w)[:600] for w in what])


WORDS = ["Tokyo", "it's", 'a "b"', "é日本", "😀", "x, y", "[X]", "[Y]", "tab\there", "back\\slash", "two  spaces", "None", "'", "(c)"]


def myriad_rows(rng, count):
    """Raw rows in no order: a subject may hold blanks; some questions have fewer than 15 automatic templates."""
    rows = []
    for q in range(count):
        uuid = hashlib.md5(str(rng.random()).encode()).hexdigest()[:15] + f"-{q}" + rng.choice(["", "é", "A"])
        subject = f"{rng.choice(WORDS)} {q}"
        aliases = [f"{rng.choice(WORDS)} {i}" for i in range(rng.randrange(1, 5))]
        autos = rng.choice([3, 14, 15, 16, 40, 90])
        for t in range(5 + autos):
            blanks = rng.sample(["[X]", "[Y]", "[X]", rng.choice(WORDS)], 4)
            rows.append({"uuid": uuid, "lama_uuid": str(q), "rel_uri": f"P{q % 7}", "sub_ent": subject, "obj_aliases": aliases,
                         "template": f"{t}: " + " ".join(blanks) + ".", "is_manual": t < 5})
    rng.shuffle(rows)
    return pandas.DataFrame(rows)


def fill(template, subject):
    return template.replace("[X]", subject).replace("[Y]", "[MASK]")


def picks(uuid, autos):
    if len(autos) < 15:
        return autos
    random.seed(uuid)
    return random.sample(autos, 15)


def myriad_wanted(frame):
    out = []
    for uuid, group in frame.groupby("uuid"):
        subject = group["sub_ent"].iloc[0]
        manual = [fill(t, subject) for t in group[group["is_manual"]]["template"]]
        autos = [fill(t, subject) for t in group[~group["is_manual"]]["template"]]
        out.append({"uuid": uuid, "rel": group["rel_uri"].iloc[0], "answers": list(group["obj_aliases"].iloc[0]),
                    "manual": manual, "autos": autos})
    return out


def myriad_processed(wanted):
    return pandas.DataFrame([{"uuid": w["uuid"], "rel": w["rel"], "answers": w["answers"], "manual_paraphrases": w["manual"],
                              "auto_paraphrases": w["autos"]} for w in wanted])


def webqa_rows(rng, count, paraphrases, uuids):
    rows = []
    for q in range(count):
        row = {"url": f"http://{q}", "question": f"who is {rng.choice(WORDS)} of {q}?",
               "answers": [f"{rng.choice(WORDS)} {i}" for i in range(rng.randrange(1, 5))]}
        if uuids:
            row["uuid"] = hashlib.md5(row["question"].encode()).hexdigest()
        for p in range(paraphrases):
            row[f"paraphrase{p}"] = row["question"] if not p else f"{rng.choice(WORDS)} {p} of {q}?"
        rows.append(row)
    return pandas.DataFrame(rows)


def webqa_wanted(frame):
    names = [n for n in frame.columns if n.startswith("paraphrase")] or ["question"]
    return [{"uuid": hashlib.md5(r["question"].encode()).hexdigest(), "answers": list(r["answers"]),
             "manual": [r["question"]], "autos": [r[n] for n in names[1:]]} for _, r in frame.iterrows()]


def formats(frame, folder):
    """Write the frame in every format; (name, path, options)."""
    path = lambda name: os.path.join(folder, name)
    frame.to_json(path("lines.jsonl"), orient="records", lines=True)
    frame.to_json(path("ascii.jsonl"), orient="records", lines=True, force_ascii=False)
    frame.to_json(path("array.json"), orient="records")
    frame.to_json(path("pretty.json"), orient="records", indent=2)
    frame.to_csv(path("rows.csv"), index=False)
    frame.to_csv(path("index.csv"))
    frame.to_csv(path("bom.csv"), index=False, encoding="utf-8-sig", lineterminator="\r\n")
    for codec in ("lz4", "uncompressed"):
        frame.to_feather(path(f"{codec}.feather"), compression=codec)
    pyarrow.feather.read_table(path("lz4.feather")).to_pandas().to_csv(path("numpy.csv"), index=False)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.OSFile(path("rows.stream"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as w:
        w.write_table(table, max_chunksize=100)
    coded = pa.table({n: table.column(n).cast(pa.string()).dictionary_encode() if pa.types.is_string(table.schema.field(n).type)
                      or pa.types.is_large_string(table.schema.field(n).type) else table.column(n) for n in table.column_names})
    pyarrow.feather.write_feather(coded, path("coded.feather"), compression="lz4")
    large = table.cast(pa.schema([pa.field(f.name, pa.large_list(pa.large_string()) if pa.types.is_list(f.type) else
                                           pa.large_string() if pa.types.is_string(f.type) else f.type) for f in table.schema]))
    pyarrow.feather.write_feather(large, path("large.feather"), compression="lz4")
    try:
        import polars
        polars.from_arrow(table).write_ipc(path("polars.arrow"), compression="lz4")
        polars.from_arrow(table).write_ndjson(path("polars.ndjson"))
    except ImportError:
        print("skipped: polars is not installed")
    try:
        import duckdb
        duckdb.register("frame_", table)
        duckdb.execute(f"copy frame_ to '{path('duck.json')}' (format json)")
        duckdb.unregister("frame_")
    except ImportError:
        print("skipped: duckdb is not installed")
    data = datasets.Dataset.from_pandas(frame, preserve_index=False)
    for shards in (1, 3):
        data.save_to_disk(path(f"saved{shards}"), num_shards=shards)
    other = data.select(range(1))
    datasets.DatasetDict({"train": other, "test": data}).save_to_disk(path("splits"), num_shards={"train": 1, "test": 2})
    datasets.DatasetDict({"validation": data}).save_to_disk(path("only"))
    # chosen rows, which save_to_disk has to write out
    turned = datasets.concatenate_datasets([data, other]).select(range(len(data)))
    turned.save_to_disk(path("chosen"))
    os.mkdir(path("files"))
    frame.to_json(path("files/test.jsonl"), orient="records", lines=True)
    out = [(name, path(name), []) for name in sorted(os.listdir(folder))]
    return out + [("splits/test", path("splits/test"), []), ("--split", path("splits"), ["--split", "test"])]


def questions(program, path, options):
    run = subprocess.run([program, "inspect", path, "--questions", "0", *options], capture_output=True, text=True)
    return [json.loads(line) for line in run.stdout.splitlines()] if not run.returncode else run.stderr


def compare(program, frame, wanted, label):
    with tempfile.TemporaryDirectory() as folder:
        for name, path, options in formats(frame, folder):
            got = questions(program, path, options)
            if isinstance(got, str):
                check(False, label, name, got)
                continue
            check(len(got) == len(wanted), label, name, len(got), len(wanted))
            for g, w in zip(got, wanted):
                full = {"uuid": w["uuid"], "answers": w["answers"], "manual": len(w["manual"]),
                        "paraphrases": w["manual"] + w["autos"]}
                if "rel" in w:
                    full["rel"] = w["rel"]
                check(g == full, label, name, g, full)
    print(label)


def split(program):
    """A raw file of more than 2000 questions, split as datasets' train_test_split splits it."""
    count = 2345
    rows = [{"uuid": f"{q * 7919 % count:05d}", "sub_ent": f"S{q}", "obj_aliases": ["a"], "template": "[X] is [Y]", "is_manual": True}
            for q in range(count)]
    wanted = datasets.Dataset.from_pandas(pandas.DataFrame([{"uuid": g["uuid"].iloc[0]} for _, g in pandas.DataFrame(rows).groupby("uuid")]))
    wanted = wanted.train_test_split(test_size=2000, seed=42, shuffle=True)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "raw.jsonl")
        pandas.DataFrame(rows).to_json(path, orient="records", lines=True)
        for name in ("test", "train"):
            got = questions(program, path, ["--split", name])
            check([g["uuid"] for g in got] == wanted[name]["uuid"][:], "split", name, got[:2], wanted[name]["uuid"][:2])
        check(len(questions(program, path, [])) == count, "no split")
    print("the split of raw MyriadLAMA")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segfuse", default="build/segfuse")
    program = parser.parse_args().segfuse
    datasets.disable_progress_bars()
    rng = random.Random(7)
    raw = myriad_rows(rng, 60)
    wanted = myriad_wanted(raw)
    picked = [dict(w, autos=picks(w["uuid"], w["autos"])) for w in wanted]
    compare(program, raw, picked, "raw MyriadLAMA")
    compare(program, myriad_processed(wanted), picked, "MyriadLAMA")
    for count, uuids in ((0, False), (6, True), (6, False)):
        frame = webqa_rows(rng, 300, count, uuids)
        compare(program, frame, webqa_wanted(frame), f"WebQA, {count} paraphrases, uuids {uuids}")
    split(program)
    print(f"{checks} checks, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
