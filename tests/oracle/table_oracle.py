#!/usr/bin/env python3
"""Tables against pandas, pyarrow, polars and DuckDB.

    python tests/oracle/table_oracle.py [--header segfuse.h] [--shared ../shared] [--cc cc]

Compiles a small converter around the header and the program's tables, and compares, in both directions, types and values of Feather,
Arrow streams, CSV and JSON lines. Needs pandas, pyarrow, polars and duckdb; a missing one is named and skipped.
"""
import argparse, ast, csv, glob, io, json, math, os, random, subprocess, sys, tempfile, unicodedata, uuid

DRIVER = r"""
#define SEGFUSE_IMPLEMENTATION
#define SGF_STATIC
#include "segfuse.h"
#include "examples/segfuse/base/base.c"
#include "examples/segfuse/base/json.c"
#include "examples/segfuse/tables/column.c"
#include "examples/segfuse/tables/table.c"
#include "examples/segfuse/tables/literal.c"
#include "examples/segfuse/tables/csv.c"
#include "examples/segfuse/tables/jsonl.c"
#include "examples/segfuse/tables/lz4.c"
#include "examples/segfuse/tables/arrow.c"
#include "examples/segfuse/tables/table_file.c"
/* convert IN OUT...: print name, tab, type of every column and the number of rows; write the readable ones.
   parse=COLUMN:TYPE before OUT parses a text column, lists=COLUMN one of lists of whatever form. */
static int fail(const sgf_error *err) {
    printf("ERROR %s: %s\n", sgf_status_text(err->status), err->message);
    return 1;
}
int main(int argc, char **argv) {
    struct table *t;
    sgf_error err;
    int i, column, type;
    if (argc < 2) return 2;
    if (table_read(argv[1], NULL, &t, &err)) return fail(&err);
    for (i = 0; i < table_columns(t); i++) printf("%s\t%s\n", table_name(t, i), table_type_text(t, i));
    printf("rows %llu\n", (unsigned long long)table_rows(t));
    for (i = table_columns(t); i-- > 0;)
        if (table_type(t, i) == TABLE_OTHER) table_drop(t, i);
    for (i = 2; i < argc; i++) {
        const char *path = argv[i];
        size_t n = strlen(path);
        sgf_status status;
        if (sscanf(path, "parse=%d:%d", &column, &type) == 2) status = table_parse(t, column, (sgf_column_type)type, &err);
        else if (sscanf(path, "lists=%d", &column) == 1) status = table_parse_lists(t, column, &err);
        else if (!strcmp(path + n - 4, ".csv")) status = table_write_csv(t, path, &err);
        else if (!strcmp(path + n - 6, ".jsonl")) status = table_write_jsonl(t, path, &err);
        else status = table_write_feather(t, path, &err);
        if (status) {
            table_free(t);
            return fail(&err);
        }
    }
    table_free(t);
    return 0;
}
"""

TYPES = ["utf8", "list<utf8>", "list<list<utf8>>", "float64", "int64", "bool"]
checks = failures = 0


def check(ok, *what):
    global checks, failures
    checks += 1
    if not ok:
        failures += 1
        print("FAILED", *[str(w)[:400] for w in what])


class Tool:
    def __init__(self, args, folder):
        self.folder = folder
        source, self.exe = os.path.join(folder, "convert.c"), os.path.join(folder, "convert")
        open(source, "w").write(DRIVER)
        subprocess.run([args.cc, "-std=c99", "-g", "-O1", "-fsanitize=address,undefined", "-I",
                        os.path.dirname(os.path.abspath(args.header)), source, "-o", self.exe, "-lm", "-lpthread"], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def convert(self, source, *outs):
        """-> (columns [(name, type)], rows), or (None, message)"""
        run = subprocess.run([self.exe, source, *outs], capture_output=True, text=True, timeout=120)
        if run.returncode or run.stderr:
            return None, (run.stdout + run.stderr).splitlines()[-1]
        lines = run.stdout.splitlines()
        return [tuple(line.split("\t")) for line in lines[:-1]], int(lines[-1].split()[1])


NUMBERS = " of numbers"  # lists that are texts here and were numbers


def kind(pa, t):
    """What our reader makes of an Arrow type; None where it does not read it."""
    if isinstance(t, pa.UuidType):
        return "utf8"
    if isinstance(t, pa.Bool8Type):
        return "bool"
    if pa.types.is_dictionary(t):
        inner = kind(pa, t.value_type)
        return None if inner and inner.startswith("list") else inner
    if isinstance(t, pa.BaseExtensionType):
        return kind(pa, t.storage_type)
    if t in (pa.string(), pa.large_string(), pa.string_view(), pa.null()):
        return "utf8"
    if pa.types.is_boolean(t):
        return "bool"
    if pa.types.is_integer(t):
        return "int64"
    if pa.types.is_floating(t):
        return "float64"
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        inner = kind(pa, t.value_type) if not (pa.types.is_dictionary(t.value_type) and kind(pa, t.value_type) is None) else None
        if inner in ("int64", "float64", "bool"):
            return "list<utf8>" + NUMBERS
        return None if inner is None or inner.startswith("list<list") else inner.replace("utf8", "list<utf8>", 1)
    return None


def as_text(value):
    """An item of a list as a text, as Python prints it; NaN is none."""
    if isinstance(value, list):
        return [as_text(v) for v in value]
    return value if value is None or isinstance(value, str) else None if value != value else str(value)


def plain(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


def compare_with_arrow(pa, tool, path, table, label):
    """What the converter sees in `path` equals pyarrow's `table`."""
    import pyarrow.feather as feather
    names = [field.name for field in table.schema if kind(pa, field.type)]
    twice = len(set(names)) < len(names)  # JSON cannot tell such columns apart, Feather can
    if twice:
        columns, message = tool.convert(path, tool.path("seen.jsonl"))
        check(columns is None and "are both named" in message, label, message)
    out = tool.path("seen.feather" if twice else "seen.jsonl")
    columns, rows = tool.convert(path, out)
    if columns is None:
        return check(False, label, rows)
    if twice:
        written = [[plain(v) for v in column.to_pylist()] for column in feather.read_table(out).columns]
        records = [[(None, column[row]) for column in written] for row in range(table.num_rows)]
    else:
        records = [json.loads(line, object_pairs_hook=list) for line in open(out, encoding="utf-8")]
    check([c[0] for c in columns] == table.schema.names, label, "names", columns, table.schema.names)
    k = 0
    for i, (name, ours) in enumerate(columns):
        arrow_type = table.schema.field(i).type
        want = kind(pa, arrow_type)
        if ours.removesuffix(NUMBERS) not in TYPES:
            check(want is None or ours.startswith("uint64 with"), label, name, "not read:", ours, arrow_type)
            continue
        column = table.column(i)
        if isinstance(arrow_type, pa.BaseExtensionType) and not isinstance(arrow_type, (pa.UuidType, pa.Bool8Type)):
            column = pa.chunked_array([c.storage for c in column.chunks], arrow_type.storage_type)
        check(ours == want, label, name, ours, arrow_type)
        expected, got = [plain(v) for v in column.to_pylist()], [r[k][1] for r in records]
        if isinstance(arrow_type, pa.UuidType) or ours.endswith(NUMBERS):
            expected = [as_text(v) for v in expected]
        check(expected == got, label, name, arrow_type, expected[:3], got[:3])
        k += 1


def goldens(pa, tool, shared):
    root = os.path.join(shared, "data/arrow-ipc/integration")
    files = sorted(glob.glob(root + "/*/*.arrow_file") + glob.glob(root + "/*/*.stream"))
    for path in files:
        label = path[len(root) + 1:]
        if "zstd" in label:
            columns, message = tool.convert(path)
            check(columns is None and "ZSTD" in message, label, message)
            continue
        opened = pa.ipc.open_file(path) if path.endswith("_file") else pa.ipc.open_stream(path)
        compare_with_arrow(pa, tool, path, opened.read_all(), label)
    print(len(files), "golden files")


WORDS = ["", "a", "it's", 'say "hi"', "both ' and \"", "tab\there", "two\nlines", "cr\r", "comma, quote\"", "é", "日本", "😀", "\u200b",
         "\xa0", "back\\slash", "None", "  spaced ", "['x']", "\x01\x7f", "1.5", "nan", "True"]


def sample(rows, seed=1, nulls=False):
    """Columns of all our types as Python lists."""
    rng = random.Random(seed)
    word = lambda: rng.choice(WORDS)
    maybe = lambda v: None if nulls and rng.random() < 0.2 else v
    return {
        # a lone carriage return is quoted by us and not by the csv module (which then cannot read it back)
        "uuid": [maybe(word().replace("\r", "")) for _ in range(rows)],
        "answers": [maybe([maybe(word()) for _ in range(rng.randrange(4))]) for _ in range(rows)],
        "answer_lemmas": [maybe([maybe([maybe(word()) for _ in range(rng.randrange(3))]) for _ in range(rng.randrange(4))])
                          for _ in range(rows)],
        "confidence": [maybe(rng.choice([rng.random(), rng.random() * 10.0 ** rng.randrange(-300, 300), 0.0, -1.5, 1e22]))
                       for _ in range(rows)],
        "n": [maybe(rng.randrange(-2 ** 63, 2 ** 63)) for _ in range(rows)],
        "ok": [maybe(rng.random() < 0.5) for _ in range(rows)],
    }


def arrow_table(pa, columns, text=None, lists=None):
    text, lists = text or pa.string(), lists or pa.list_
    types = [text, lists(text), lists(lists(text)), pa.float64(), pa.int64(), pa.bool_()]
    return pa.table({name: pa.array(values, type) for (name, values), type in zip(columns.items(), types)})


def read_others(pa, tool, mods):
    """Files of other writers, as our reader sees them."""
    import pyarrow.feather as feather
    for rows in (0, 1, 7, 1000):
        for nulls in (False, True):
            columns = sample(rows, rows, nulls)
            table = arrow_table(pa, columns)
            label = f"{rows} rows, nulls {nulls}"
            variants = {"utf8": table, "large": arrow_table(pa, columns, pa.large_string(), pa.large_list),
                        "view": arrow_table(pa, columns, pa.string_view())}
            coded = pa.array(columns["uuid"]).cast(pa.string()).dictionary_encode()
            variants["dictionary"] = pa.table({"d": coded, "i8": coded.cast(pa.dictionary(pa.int8(), pa.string())),
                                               "u16": coded.cast(pa.dictionary(pa.uint16(), pa.large_string())),
                                               "n": pa.array(columns["n"], pa.int64()).dictionary_encode(),
                                               "null": pa.nulls(rows)})
            numbers = [None if v is None else v % 100 for v in columns["n"]]
            halves = [None if v is None else float(v) for v in numbers]
            variants["widths"] = pa.table(
                {str(t): pa.array(numbers, t) for t in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16(), pa.uint32(),
                                                        pa.uint64())}
                | {str(t): pa.array(halves, t) for t in (pa.float16(), pa.float32())})
            pairs = [None if v is None else [v, None if nulls else v] for v in columns["uuid"]]
            variants["fixed"] = pa.table({"f": pa.array(pairs, pa.list_(pa.string(), 2)),
                                          "nulls": pa.array([[None]] * rows, pa.list_(pa.null())),
                                          "skipped": pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int64())])),
                                          "after": pa.array(columns["uuid"], pa.string())})
            few = [None if v is None else [v % 100, None if nulls else 7] for v in columns["n"]]
            ids = pa.array([None if v is None else uuid.UUID(int=v % 2 ** 64).bytes for v in columns["n"]], pa.binary(16))
            variants["numbers"] = pa.table(
                {"list": pa.array(few, pa.list_(pa.int32())), "fixed": pa.array(few, pa.list_(pa.int8(), 2)),
                 "doubles": pa.array([None if v is None else [v, math.nan, -math.inf] for v in columns["confidence"]]),
                 "bools": pa.array([[v] for v in columns["ok"]], pa.large_list(pa.bool_())),
                 "lists": pa.array([[v, []] for v in few], pa.list_(pa.list_(pa.int64()))),
                 "uuid": pa.ExtensionArray.from_storage(pa.uuid(), ids),
                 "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array(columns["ok"], pa.bool_()).cast(pa.int8())),
                 "after": pa.array(columns["uuid"], pa.string())})
            for name, t in variants.items():
                path = tool.path("other.arrow")
                for codec in (None, "lz4"):
                    options = pa.ipc.IpcWriteOptions(compression=codec)
                    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, t.schema, options=options) as w:
                        w.write_table(t, max_chunksize=300)
                    compare_with_arrow(pa, tool, path, t, f"file {name} {codec} {label}")
                    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, t.schema, options=options) as w:
                        w.write_table(t, max_chunksize=300)
                    compare_with_arrow(pa, tool, path, t, f"stream {name} {codec} {label}")
            path = tool.path("sliced.arrow")
            sliced = table.slice(rows // 3)
            feather.write_feather(sliced, path, compression="lz4")
            compare_with_arrow(pa, tool, path, sliced, f"sliced {label}")
            if "polars" in mods:
                for compat in ("newest", "oldest"):
                    frame = mods["polars"].from_arrow(table)
                    from_level = getattr(mods["polars"], "CompatLevel")
                    frame.write_ipc(path, compat_level=getattr(from_level, compat)())
                    compare_with_arrow(pa, tool, path, pa.ipc.open_file(path).read_all(), f"polars {compat} {label}")
                    frame.write_ipc(path, compression="lz4", compat_level=getattr(from_level, compat)())
                    compare_with_arrow(pa, tool, path, pa.ipc.open_file(path).read_all(), f"polars lz4 {compat} {label}")
                    frame.write_ipc_stream(path, compat_level=getattr(from_level, compat)())
                    compare_with_arrow(pa, tool, path, pa.ipc.open_stream(path).read_all(), f"polars stream {compat} {label}")
            if "pandas" in mods:
                frame = mods["pandas"].DataFrame(columns)
                for codec in ("lz4", "uncompressed"):
                    frame.to_feather(path, compression=codec)
                    compare_with_arrow(pa, tool, path, feather.read_table(path), f"pandas {codec} {label}")
                frame.to_feather(path, compression="zstd")
                got, message = tool.convert(path)
                check(rows == 0 or (got is None and "ZSTD" in message), "zstd", label, message)
    # replacement and delta dictionaries of a stream
    path = tool.path("delta.arrow")
    schema = pa.schema([("d", pa.dictionary(pa.int32(), pa.string()))])
    batches = [pa.record_batch([pa.array(v).dictionary_encode()], schema=schema)
               for v in (["a", "b"], ["a", "b", "c", "a"], ["z", "y"], ["z", "y", "x"])]
    for deltas in (False, True):
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, schema, options=options) as w:
            for b in batches:
                w.write_batch(b)
        compare_with_arrow(pa, tool, path, pa.ipc.open_stream(path).read_all(), f"dictionaries, deltas {deltas}")
    print("files of other writers")


def write_ours(pa, tool, mods):
    """Our Feather files, as others see them."""
    import pyarrow.feather as feather
    for rows in (0, 1, 9, 200, 70000):
        for nulls in (False, True):
            columns = sample(rows, rows + 1, nulls)
            label = f"ours, {rows} rows, nulls {nulls}"
            table = arrow_table(pa, columns)
            source, path, lines, text = (tool.path(n) for n in ("source.arrow", "ours.feather", "ours.jsonl", "ours.csv"))
            feather.write_feather(table, source, compression="uncompressed")
            got, message = tool.convert(source, path, lines, text)
            check(got is not None, label, message)
            back = feather.read_table(path)
            back.validate(full=True)
            check(back.cast(table.schema).equals(table), label, "pyarrow values")
            check(back.schema.remove_metadata().equals(table.schema.remove_metadata()), label, "types", back.schema)
            check(b"pandas" in (back.schema.metadata or {}), label, "pandas metadata")
            with pa.memory_map(path) as view:
                check(pa.ipc.open_file(view).read_all().equals(back), label, "memory map")
            check([json.loads(line) for line in open(lines, encoding="utf-8")] == table.to_pylist(), label, "json lines")
            if "pandas" in mods:
                pandas = mods["pandas"]
                frame, reference = pandas.read_feather(path), table.to_pandas()
                check(type(frame.index).__name__ == "RangeIndex" and len(frame) == rows, label, "index", frame.index)
                check(list(frame.dtypes) == list(reference.dtypes), label, "dtypes", frame.dtypes, reference.dtypes)
                check(pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False).to_pylist()
                      == pa.Table.from_pandas(reference, schema=table.schema, preserve_index=False).to_pylist(), label, "pandas")
            if "pandas" in mods and rows <= 200 and not nulls:
                # what people make of our file with pandas: list cells become NumPy arrays, written by str()
                mods["pandas"].read_feather(path).to_csv(text, index=False)
                seen, message = tool.convert(text, *[f"parse={i}:{i}" for i in range(1, 6)], lines)
                check(seen is not None, label, "NumPy cells", message)
                check(rows == 0 or [json.loads(x) for x in open(lines, encoding="utf-8")] == table.to_pylist(), label, "NumPy")
                tool.convert(source, text)
            if "polars" in mods:
                check(mods["polars"].read_ipc(path).to_dicts() == table.to_pylist(), label, "polars")
            if "duckdb" in mods and rows <= 200:
                names = ", ".join(f'"{n}"' for n in columns)
                duck = mods["duckdb"].connect()
                duck.register("ours", back)
                check(duck.execute(f"select {names} from ours").fetchall() == [tuple(r.values()) for r in table.to_pylist()],
                      label, "duckdb")
            check_csv(pa, tool, mods, columns, text, label)
    print("our files in other readers")


def check_csv(pa, tool, mods, columns, text, label):
    """Our CSV equals Python's csv module and pandas; and comes back through our reader."""
    rows = len(columns["uuid"])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    cell = lambda v: "" if v is None else v if isinstance(v, str) else repr(v)
    for i in range(rows):
        writer.writerow([cell(values[i]) for values in columns.values()])
    ours = open(text, encoding="utf-8", newline="").read()
    check(ours == out.getvalue(), label, "csv bytes")
    if "pandas" in mods and rows <= 1000:
        pandas_text = mods["pandas"].DataFrame({n: mods["pandas"].Series(v, dtype=object) for n, v in columns.items()}).to_csv(
            index=False, lineterminator="\n")
        check(ours == pandas_text, label, "pandas to_csv")
    lines = tool.path("csv.jsonl")
    parse = [f"parse={i}:{i}" for i in range(1, 6)]
    got, message = tool.convert(text, *parse, lines)
    check(got is not None, label, message)
    back = [json.loads(line) for line in open(lines, encoding="utf-8")] if got is not None else []
    names = list(columns)
    want = [{n: ("" if n == "uuid" and columns[n][i] is None else columns[n][i]) for n in names} for i in range(rows)]
    check(back == want, label, "csv and back")


def check_repr(tool):
    """repr of every code point."""
    points = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
    source, text = tool.path("repr.jsonl"), tool.path("repr.csv")
    with open(source, "w", encoding="utf-8") as f:
        for at in range(0, len(points), 64):
            f.write(json.dumps({"l": [chr(c) for c in points[at:at + 64]]}) + "\n")
    got, message = tool.convert(source, text)
    check(got is not None, message)
    csv.field_size_limit(1 << 30)
    cells = [row[0] for row in csv.reader(open(text, encoding="utf-8", newline=""))][1:]
    wrong = []
    for i, cell in enumerate(cells):
        items = [chr(c) for c in points[i * 64:i * 64 + 64]]
        check(ast.literal_eval(cell) == items, "literal_eval", items)
        if cell != repr(items):
            ours = [s for s in items if f"'{s}'" in cell]
            wrong += [c for c in items if ((f"'{c}'" in cell) != (f"'{c}'" in repr(items)))]
    assigned = [c for c in wrong if unicodedata.category(c) != "Cn"]
    check(not assigned, "repr differs", [hex(ord(c)) for c in assigned])
    got, message = tool.convert(text, "parse=0:1", tool.path("repr2.jsonl"))
    check(got is not None, message)
    check([json.loads(x)["l"] for x in open(tool.path("repr2.jsonl"), encoding="utf-8")]
          == [json.loads(x)["l"] for x in open(source, encoding="utf-8")], "repr and back")
    print(f"repr: {len(wrong)} unassigned code points stay as they are")


def read_cells(tool, cells):
    """Cells of a CSV column -> what each is as a list of texts, or None where it is refused."""
    source, out = tool.path("cells.csv"), tool.path("cells.jsonl")

    def read(some):
        with open(source, "w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows([["x", "cell"]] + [["1", c] for c in some])
        columns, message = tool.convert(source, "lists=1", out)
        if columns is None:
            return message
        return [json.loads(line)["cell"] for line in open(out, encoding="utf-8")]
    got, at = [None] * len(cells), list(range(len(cells)))
    while at:  # a refusal names the first row that does not fit
        answer = read([cells[i] for i in at])
        if isinstance(answer, list):
            for i, items in zip(at, answer):
                got[i] = flat(items)
            break
        number = answer.partition("', row ")[2].partition(":")[0]
        check(number.isdigit(), "a refusal without a row", answer)
        if not number.isdigit():
            break
        del at[int(number) - 1]
    return got


def flat(items):
    return [text for item in items or [] for text in (flat(item) if isinstance(item, list) else [item])]


def check_cells(tool, mods):
    """Lists as Python, NumPy, pandas, JSON and DuckDB print them, as those read them back."""
    rng = random.Random(5)
    words = WORDS + ["New York", "a:b", "[x", "x)", "{", "...", "NULL", "NA", "007", "1984", "a;b", "\\u00e9", "‘a’", "='x'", "1e3"]
    item = lambda: rng.choice(words + [None, 7, -1.5, 1e20, True, math.nan])
    lists = [[rng.choice(words) for _ in range(rng.randrange(1, 4))] for _ in range(400)]
    mixed = [[item() for _ in range(rng.randrange(4))] for _ in range(400)]
    texts = lambda values: [[as_text(v) for v in value] for value in values]

    def equal(cells, want, label):
        for cell, got, wanted in zip(cells, read_cells(tool, cells), want):
            check(got == wanted, label, cell, got, wanted)
    equal([repr(v) for v in mixed], texts(mixed), "list")
    equal([repr(tuple(v)) for v in lists], lists, "tuple")
    sets = [set(v) for v in lists]
    equal([repr(v) for v in sets], [list(v) for v in sets], "set")
    equal([repr(frozenset(v)) for v in sets], [list(frozenset(v)) for v in sets], "frozenset")
    equal([repr([v, v[:1]]) for v in lists], [v + v[:1] for v in lists], "list of lists")
    for ascii in (False, True):
        equal([json.dumps(v, ensure_ascii=ascii) for v in mixed], texts(mixed), "JSON")
    if "pandas" in mods:
        import numpy
        pandas, array = mods["pandas"], lambda v: numpy.array(v + [None], dtype=object)[:-1]
        equal([str(array(v)) for v in mixed], texts(mixed), "str of a NumPy array")
        equal([repr(array(v)) for v in mixed], texts(mixed), "repr of a NumPy array")
        equal([str(numpy.array(v)) for v in lists], [numpy.array(v).tolist() for v in lists], "NumPy array of texts")
        for values in ([1, 22, -3], [1.0, 2.5, 1e-9], [True, False], [1984.0]):
            equal([str(numpy.array(values)), repr(numpy.array(values)), repr(list(numpy.array(values)))],
                  [None if v is None else v for v in [[str(x) for x in values]] * 3], "NumPy numbers")
        equal([repr(list(numpy.array(v))) for v in lists], [numpy.array(v).tolist() for v in lists], "NumPy scalars")
        check(read_cells(tool, [str(numpy.arange(5000)), str(numpy.array(["a", "b"] * 1000)), repr(numpy.array(["a"] * 2000))])
              == [None] * 3, "arrays that were cut short")
        short = [["a", "b c"], ["é"], ["1", "2, 3"]]
        equal([str(pandas.array(v)) for v in short], short, "pandas array")
        equal([str(pandas.Index(v)) for v in short], short, "pandas Index")
        # what has a quote in it is either the same or refused: pandas does not escape it
        cells = [str(pandas.array(v)) for v in lists]
        for cell, got, value in zip(cells, read_cells(tool, cells), lists):
            check(got is None or got == value, "pandas array with quotes", cell, got, value)
        check(read_cells(tool, [str(pandas.Series(["a", "b"]))]) == [None], "pandas Series")
    if "polars" in mods:
        check(read_cells(tool, [str(mods["polars"].Series(["a", "b"]))]) == [None], "polars Series")
    if "duckdb" in mods:
        duck, path = mods["duckdb"].connect(), tool.path("duck.csv")
        rows = [[rng.choice(words + [None]) for _ in range(rng.randrange(1, 4))] + ["z"] for _ in range(400)]
        cells = [duck.execute("select (?::varchar[])::varchar", [value]).fetchone()[0] for value in rows]
        read = read_cells(tool, cells)
        for cell, got, value in zip(cells, read, rows):
            check(got is None or got == value, "DuckDB", cell, got, value)
        check(sum(got is not None for got in read) > 200, "DuckDB's lists that are read")
        duck.execute(f"copy (select 1 as x, ['a', 'b, c', null] as cell) to '{path}'")
        columns, message = tool.convert(path, "lists=1", tool.path("cells.jsonl"))
        check(columns and json.loads(open(tool.path("cells.jsonl")).read())["cell"] == ["a", "b, c", None], "DuckDB copy", message)
    print("cells of lists")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--header", default=os.path.join(here, "../../segfuse.h"))
    parser.add_argument("--shared", default=os.path.join(here, "../../../shared"))
    parser.add_argument("--cc", default="cc")
    args = parser.parse_args()
    import pyarrow as pa
    import pyarrow.ipc
    mods = {}
    for name in ("pandas", "polars", "duckdb"):
        try:
            mods[name] = __import__(name)
        except ImportError:
            print("skipped:", name, "is not installed")
    with tempfile.TemporaryDirectory() as folder:
        tool = Tool(args, folder)
        check_repr(tool)
        check_cells(tool, mods)
        if os.path.isdir(os.path.join(args.shared, "data/arrow-ipc")):
            goldens(pa, tool, args.shared)
        else:
            print("skipped: golden files, no", args.shared)
        read_others(pa, tool, mods)
        write_ours(pa, tool, mods)
    print(f"{checks} checks, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
