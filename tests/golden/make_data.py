#!/usr/bin/env python3
"""Makes tests/golden/data: small files of our own, with what other programs read in them.

    make_data.py [PART ...]     (all parts if none is named; needs tests/oracle/requirements.txt)

Nothing in it is taken from anywhere: texts are drawn at random or written here. In the .txt files a line is a
case and tabs part its fields; '%', control characters and bytes that are not UTF-8 are written %XX, and %= is the second
field once more.

    json        does Python's json accept the text, and is it UTF-8 without half surrogate pairs?
    safetensors what the library safetensors finds
    csv         the cells, written by Python's csv and by pandas
    unicode     the letters, numbers and spaces of the regular expressions of `tokenizers`, and its NFC
    tokenizers  four small tokenizers, trained here, and the ids and texts that `tokenizers` gives
    arrow       tables written by pyarrow and polars, their rows as Python's json writes them
    lz4         frames of every kind that the package lz4 writes
    configs     config.json of transformers, and the number of parameters it gives them
"""
import csv
import io
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "data")


def escaped(data):
    """Bytes as text of one field."""
    text = (data.encode() if isinstance(data, str) else data).decode("utf-8", "surrogateescape")
    return "".join("%%%02X" % (ord(c) & 0xFF) if c == "%" or ord(c) < 32 or ord(c) == 127 or 0xDC80 <= ord(c) <= 0xDCFF
                   else c for c in text)


def same(before, data):
    """A field; "%=" if it is that of `before`."""
    return "%=" if data == before and data else escaped(data)


def write(name, lines):
    path = os.path.join(OUT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write("".join(line + "\n" for line in lines))


# ---- json ----

def json_text(r, depth=0):
    space = lambda: r.choice(["", "", "", " ", "\n", "\t \r"])
    kind = r.randrange(9 if depth < 3 else 6)
    if kind < 2:
        return r.choice(["0", "-0", "12", "-7.5", "1e5", "1E+5", "2.50e-3", "0.0", "1e999", "-1e-999", "9" * 25, "0e1"])
    if kind < 5:
        return '"%s"' % "".join(r.choice(["a", "b ", "\u00e9", "\u4e16", "\U0001f600", "\\n", '\\"', "\\\\", "\\/", "\\u00e9",
                                         "\\ud83d\\ude00", "\\u0000", "\u2028", "\x7f", "'", "]", "{", ","])
                                for _ in range(r.randrange(4)))
    if kind == 5:
        return r.choice(["true", "false", "null"])
    parts = [space() + json_text(r, depth + 1) + space() for _ in range(r.randrange(4))]
    if kind == 6:
        return "[" + (",".join(parts) or space()) + "]"
    return "{" + ",".join('%s"%s"%s:%s' % (space(), r.choice("abc"), space(), p) for p in parts) + "}"


def json_accepts(data):
    def refuse(_):
        raise ValueError
    def whole(value):
        if isinstance(value, str):
            value.encode()
        for item in value if isinstance(value, list) else []:
            whole(item)
    try:
        value = json.loads(data.decode(), parse_constant=refuse, object_pairs_hook=lambda pairs: [x for p in pairs for x in p])
        whole(value)
        return True
    except (ValueError, RecursionError):
        return False


def make_json():
    r, cases = random.Random(1), set()
    bits = [c.encode() for c in '[]{},:"\\ 0129.eE+-truefalsnNI\'/*#\t\n\x00\x0b\x1f\x7f\ufeff\u00a0'] + [
        b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4\xb8", b"\\u12", b"\\ud800", b"\\udc00", b"\\x41", b"\\U0041",
        b"NaN", b"Infinity", b"0x1", b".5", b"5.", b"1e", b"1e+", b"00", b"+1", b"--1", b"True", b"nul", b"//a\n"]
    for fixed in ["", " ", "[", "]", "{", '"', '{"a"', '{"a":', '{"a":1,}', "[1,]", "[,1]", "{,}", "[1 2]", '{"a" 1}', "{1:2}", "[" * 500 + "]" * 500,
                  "1 2", "\ufeff{}", "[]x", '"\t"', "'a'", "-", "- 1", "01", "[1}", '{"a":1]', '{"a":1,"a":2}']:
        cases.add(fixed.encode())
    while len(cases) < 420:
        text = json_text(r).encode()
        if len(text) > 90:
            continue
        if r.random() < .75:
            at, end = sorted((r.randint(0, len(text)), r.randint(0, len(text))))
            kind = r.randrange(4)
            text = (text[:at] + r.choice(bits) + text[at:] if kind < 2 else text[:at] + r.choice(bits) + text[at + 1:]
                    if kind == 2 else text[:at] + text[min(end, at + 2):])
        cases.add(text)
    write("json.txt", ["%d\t%s" % (json_accepts(c), escaped(c)) for c in sorted(cases)])


# ---- safetensors ----

def make_safetensors():
    import safetensors
    r, lines = random.Random(2), []

    def add(header, data=b"", size=None):
        header = header if isinstance(header, bytes) else header.encode()
        whole = (len(header) if size is None else size).to_bytes(8, "little") + header + data
        try:
            found = safetensors.deserialize(whole)
            said = "%d\t%s" % (len(found), " ".join("%s:%s:%s" % (n, t["dtype"], t["shape"])
                                                    for n, t in sorted(found)))
        except safetensors.SafetensorError as error:
            said = "-1\t" + str(error).split("Error while deserializing: ")[-1].split("(")[0].split(":")[0].strip()
        lines.append(said + "\t" + escaped(whole))

    def tensor(name, dtype, shape, begin, end):
        return '"%s":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}' % (name, dtype, json.dumps(shape), begin, end)
    add("{}")
    add("{}      ")
    add("{" + tensor("a", "I32", [2, 2], 0, 16) + "}", bytes(16))
    add("{" + tensor("a", "I32", [], 0, 4) + "}", bytes(4))
    add("{" + tensor("a", "I32", [2, 0], 0, 0) + "}")
    add("  {" + tensor("a", "U8", [1], 0, 1) + "}", b"x")
    add('{"__metadata__":{"format":"pt"},' + tensor("a", "U8", [1], 0, 1) + "}", b"x")
    add('{"__metadata__":{"k":"v"}}')
    for dtype, size in [("F64", 8), ("F32", 4), ("F16", 2), ("BF16", 2), ("I64", 8), ("I16", 2), ("I8", 1), ("U8", 1), ("BOOL", 1)]:
        add("{" + tensor("a", dtype, [3], 0, 3 * size) + "," + tensor("b", dtype, [1, 2], 3 * size, 5 * size) + "}", bytes(5 * size))
    for _ in range(12):  # several, in any order
        shapes = [[r.randrange(4) for _ in range(r.randrange(3))] for _ in range(r.randint(2, 4))]
        at, parts = 0, []
        for i, shape in enumerate(shapes):
            size = 2
            for n in shape:
                size *= n
            parts.append(tensor("t%d" % i, "BF16", shape, at, at + size))
            at += size
        r.shuffle(parts)
        add("{" + ", ".join(parts) + "}", bytes(at))
        if at:
            add("{" + ", ".join(parts) + "}", bytes(at - 1))
            add("{" + ", ".join(parts) + "}", bytes(at + 1))
    add("{}", size=100000001)
    add("{}", size=3)
    add("{}", size=2 ** 63)
    add(b"{\xff}")
    add("{,}")
    add("[]")
    add("")
    add("{" + tensor("a", "I32", [2, 2], 0, 12) + "}", bytes(12))
    add("{" + tensor("a", "I32", [2 ** 40, 2 ** 40], 0, 16) + "}", bytes(16))
    add("{" + tensor("a", "F64", [2 ** 62], 0, 16) + "}", bytes(16))
    add("{" + tensor("a", "U8", [2], 2, 0) + "}", bytes(2))
    add("{" + tensor("a", "U8", [2], 0, 2) + "," + tensor("b", "U8", [2], 1, 3) + "}", bytes(3))
    add("{" + tensor("a", "U8", [2], 0, 2) + "," + tensor("b", "U8", [2], 0, 2) + "}", bytes(2))
    add("{" + tensor("a", "U8", [2], 0, 2) + "," + tensor("b", "U8", [2], 3, 5) + "}", bytes(5))
    add("{" + tensor("a", "F7", [2], 0, 2) + "}", bytes(2))
    add('{"a":{"dtype":"U8","shape":[1]}}', b"x")
    add('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}', b"x")
    add('{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}', b"x")
    write("safetensors.txt", lines)


# ---- csv ----

def make_csv():
    import pandas
    r, lines = random.Random(3), []
    bits = ["a", "b c", ",", '"', '""', "\n", "\r\n", "'", ";", "\t", "\u00e9", "\u4e16", "  ", "1.0", "NA", "\\", "[1, 2]", "\U0001f600", "x" * 30]
    for i in range(90):
        columns, rows = r.randint(2, 4), r.randrange(5) + (i > 4)
        head = ["c%d%s" % (k, r.choice(["", " d", ",", '"q"', "\n"])) for k in range(columns)]
        cells = [["".join(r.choice(bits) for _ in range(r.randrange(4))) for _ in head] for _ in range(rows)]
        end = r.choice(["\n", "\r\n"])
        if i % 3 == 2:
            text = pandas.DataFrame(cells, columns=head).to_csv(index=False, lineterminator=end, quoting=r.choice([0, 1, 2]))
        else:
            made = io.StringIO(newline="")
            writer = csv.writer(made, lineterminator=end, quoting=r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
            writer.writerows([head] + cells)
            text = made.getvalue()
        if rows and r.random() < .2:
            text = text[:-len(end)]  # no end of the last line
        again = list(csv.reader(io.StringIO(text, newline="")))
        assert again == [head] + cells, (text, again)
        if r.random() < .1:
            text = "\ufeff" + text
        lines.append(escaped(text) + "\t" + json.dumps([head] + cells, ensure_ascii=False))
    write("csv.txt", lines)


# ---- unicode ----

def make_unicode():
    from tokenizers import Regex, normalizers, pre_tokenizers
    import unicodedata
    every = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    lines = []
    for name in ["L", "N", "s"]:
        pattern = "\\s" if name == "s" else "\\p{%s}" % name
        split = pre_tokenizers.Split(Regex(pattern), "removed")
        found = []
        for first in range(0, 0x110000, 4096):  # what is left of all characters, a bar between them
            some = [c for c in every if first <= c < first + 4096]
            left = set("".join(part for part, _ in split.pre_tokenize_str("".join(map(chr, some)))))
            found += [c for c in some if chr(c) not in left]
        ranges = []
        for c in found:
            if ranges and ranges[-1][1] == c - 1:
                ranges[-1][1] = c
            else:
                ranges.append([c, c])
        lines += ["%s\t%X\t%X" % (name, first, last) for first, last in ranges]
    write("unicode_classes.txt", lines)

    nfc = normalizers.NFC()
    hexed = lambda text: " ".join("%X" % ord(c) for c in text)
    lines = []
    for c in every:
        made = nfc.normalize_str(chr(c))
        if made != chr(c):
            lines.append("1\t%X\t%s" % (c, hexed(made)))
    r = random.Random(4)
    marks = [c for c in every if unicodedata.combining(chr(c))]
    parted = [unicodedata.normalize("NFD", chr(c)) for c in every if unicodedata.decomposition(chr(c))[:1] not in ("", "<")]
    jamo = list(range(0x1100, 0x1113)) + list(range(0x1161, 0x1176)) + list(range(0x11A7, 0x11C3))
    for i in range(1000):
        kind = r.randrange(4)
        if kind == 0:
            text = r.choice("aeoAEO\u0439\u0915\u00e9") + "".join(chr(r.choice(marks)) for _ in range(r.randint(1, 4)))
        elif kind == 1:
            text = r.choice(parted)
        elif kind == 2:
            text = "".join(chr(r.choice(jamo)) for _ in range(r.randint(2, 4)))
        else:
            text = r.choice(parted) + "".join(chr(r.choice(marks)) for _ in range(r.randint(1, 2)))
        if i % 8 == 7:
            text = chr(0xAC00 + r.randrange(11172)) + text
        lines.append("%d\t%s\t%s" % (len(text), hexed(text), hexed(nfc.normalize_str(text))))
    write("nfc.txt", lines)


# ---- tokenizers ----

SPLIT = ("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}%s| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")


def sentences():
    with open(os.path.join(HERE, "..", "..", "models", "questions", "test.jsonl"), encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    texts = [p for row in rows for p in row["manual_paraphrases"]]
    return texts + ["Caf\u00e9 d\u00e9j\u00e0 vu, na\u00efve. \u4e16\u754c\u306e\u8a00\u8449 \u041c\u043e\u0441\u043a\u0432\u0430 1990 don't we'll they're I've he'd.\n\n"] * 40


def small_tokenizers():
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    texts = sentences()

    def byte_level(pre, size, added):
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre
        made.decoder = decoders.ByteLevel()
        made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=added,
                                                            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        return made
    level = lambda regex: pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)
    gpt = byte_level(level(True), 560, ["<|endoftext|>"])
    gpt.post_processor = processors.ByteLevel(trim_offsets=False)
    yield "gpt", gpt
    split = lambda digits: pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT % digits), "isolated"), level(False)])
    llama = byte_level(split("{1,3}"), 600, [])
    parts = json.loads(llama.to_str())
    parts["model"]["ignore_merges"] = True
    words = ["\u0120nowhere", "zyzzyva", "\u0120qqq"]  # that no merge makes
    for word in words:
        parts["model"]["vocab"][word] = len(parts["model"]["vocab"])
    llama = Tokenizer.from_str(json.dumps(parts))
    llama.add_special_tokens(["<|begin|>", "<|end|>", "<|begin|>>"])
    llama.add_tokens(["<think>"])
    begin = llama.token_to_id("<|begin|>")
    llama.post_processor = processors.TemplateProcessing(single="<|begin|> $A", pair="<|begin|> $A <|begin|> $B:1",
                                                         special_tokens=[("<|begin|>", begin)])
    yield "llama", llama
    qwen = byte_level(split(""), 560, [])
    qwen.normalizer = normalizers.NFC()
    qwen.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    qwen.add_tokens(["<think>", "</think>"])
    yield "qwen", qwen
    mark = "\u2581"
    plain = Tokenizer(models.BPE(unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Metaspace()
    plain.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=300, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"]))
    parts = json.loads(plain.to_str())
    pieces = sorted(parts["model"]["vocab"], key=parts["model"]["vocab"].get)
    order = pieces[:3] + ["<0x%02X>" % b for b in range(256)] + pieces[3:]
    spm = Tokenizer(models.BPE({p: i for i, p in enumerate(order)}, [tuple(m) for m in parts["model"]["merges"]], unk_token="<unk>",
                               fuse_unk=True, byte_fallback=True))
    spm.add_special_tokens(["<unk>", "<s>", "</s>"])
    spm.normalizer = normalizers.Sequence([normalizers.Prepend(mark), normalizers.Replace(" ", mark)])
    spm.decoder = decoders.Sequence([decoders.Replace(mark, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    spm.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    yield "spm", spm


def make_tokenizers():
    from tokenizers import Tokenizer
    sys.path.insert(0, os.path.join(HERE, "..", "oracle"))
    from tokenizer_oracle import Maker
    lines = []
    for number, (name, made) in enumerate(small_tokenizers()):
        text = json.dumps(json.loads(made.to_str()), ensure_ascii=False, separators=(",", ":"))
        made = Tokenizer.from_str(text)
        write("tokenizers/%s.json" % name, [text])
        maker = Maker(number, sentences(), [str(t) if isinstance(t, str) else t.content for t in made.get_added_tokens_decoder().values()])
        asked = ["", " ", "  a", "don't WE'LL it's", "12345 3.14", "nowhere zyzzyva qqq", "a\n\n b\r\n", "e\u0301 \u212b", "<think> a </think>"]
        while len(asked) < 90:
            text = maker.string()
            if len(text) < 70 and text not in asked:
                asked.append(text)
        for text in asked:
            plain, special = made.encode(text, add_special_tokens=False).ids, made.encode(text).ids
            around = len(special) - len(plain)
            lines.append("\t".join([name, escaped(text), " ".join(map(str, plain)), " ".join(map(str, special[:around])),
                                    same(text, made.decode(special, skip_special_tokens=False)), same(text, made.decode(special))]))
            assert special == special[:around] + plain
    write("tokenizers.txt", lines)


# ---- arrow ----

def make_arrow():
    import pyarrow as pa
    import pyarrow.ipc as ipc
    import polars
    r = random.Random(5)
    words = ["", "a", "it's", "\u00e9t\u00e9", "two\nlines", "a text that is longer than twelve bytes", '"q"', "\U0001f600"]

    def some(make, n=9):
        return [None if r.random() < .25 else make() for _ in range(n)]
    text, number = lambda: r.choice(words), lambda low, high: lambda: r.choice([low, high, 0, r.randint(low, high)])
    texts = lambda: some(text, r.randrange(4))
    lists = lambda: [[text() for _ in range(r.randrange(3))] for _ in range(r.randrange(3))]

    def table(columns):
        return pa.table({name: pa.array(values, kind) for name, kind, values in columns})
    read = [("null", pa.null(), [None] * 9), ("i8", pa.int8(), some(number(-128, 127))), ("u8", pa.uint8(), some(number(0, 255))),
            ("i16", pa.int16(), some(number(-2 ** 15, 2 ** 15 - 1))), ("u16", pa.uint16(), some(number(0, 2 ** 16 - 1))),
            ("i32", pa.int32(), some(number(-2 ** 31, 2 ** 31 - 1))), ("u32", pa.uint32(), some(number(0, 2 ** 32 - 1))),
            ("i64", pa.int64(), some(number(-2 ** 63, 2 ** 63 - 1))), ("u64", pa.uint64(), some(number(0, 2 ** 63 - 1))),
            ("f32", pa.float32(), some(lambda: r.choice([0.5, -1.25, 2.0 ** 100, r.random()]))),
            ("f64", pa.float64(), some(lambda: r.choice([0.1, -1e300, 5e-324, 3.0, r.random()]))), ("bool", pa.bool_(), some(lambda: r.random() < .5)),
            ("utf8", pa.utf8(), some(text)), ("large", pa.large_utf8(), some(text)), ("view", pa.string_view(), some(text)),
            ("coded", pa.dictionary(pa.int8(), pa.utf8()), some(text)), ("coded32", pa.dictionary(pa.int32(), pa.large_utf8()), some(text)),
            ("list", pa.list_(pa.utf8()), some(texts)), ("large_list", pa.large_list(pa.large_utf8()), some(texts)),
            ("lists", pa.list_(pa.list_(pa.utf8())), some(lists)), ("all", pa.utf8(), [text() for _ in range(9)])]
    import datetime
    import decimal
    day = datetime.date(2020, 2, 29)
    other = [("before", pa.utf8(), some(text)), ("decimal", pa.decimal128(9, 2), some(lambda: decimal.Decimal("1.25"))),
             ("date", pa.date32(), some(lambda: day)), ("time", pa.timestamp("us", "UTC"), some(lambda: datetime.datetime(2020, 1, 2))),
             ("binary", pa.binary(), some(lambda: b"\xff\0")), ("binary_view", pa.binary_view(), some(lambda: b"\xff" * 20)),
             ("fixed", pa.binary(3), some(lambda: b"abc")), ("struct", pa.struct([("a", pa.int32()), ("b", pa.utf8())]), some(lambda: {"a": 1, "b": "x"})),
             ("numbers", pa.list_(pa.int16()), some(lambda: [1, 2])), ("pair", pa.list_(pa.int32(), 2), some(lambda: [1, 2])),
             ("map", pa.map_(pa.utf8(), pa.int32()), some(lambda: [("k", 1)])), ("duration", pa.duration("s"), some(lambda: datetime.timedelta(seconds=5))),
             ("after", pa.int32(), some(number(-5, 5)))]

    def rows(made):
        made = made.select([f.name for f in made.schema if pa.types.is_string(f.type) or f.name in names])
        return [json.dumps(row, ensure_ascii=False) for row in made.to_pylist()]
    names = {name for name, _, _ in read} | {"before", "after", "a", "b", "n"}

    def save(name, made, batch=4, stream=False, **options):
        path = os.path.join(OUT, "arrow", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        make = ipc.new_stream if stream else ipc.new_file
        with make(path, made.schema, options=ipc.IpcWriteOptions(**options)) as writer:
            for part in made if isinstance(made, list) else made.to_batches(batch):
                writer.write(part)
        if not name.endswith("zstd.arrow"):
            write("arrow/%s.jsonl" % name, rows(made))
    full = table(read)
    save("file.arrow", full)
    save("lz4.stream", full, stream=True, compression="lz4")
    old = full.drop_columns(["view"])
    save("v4.stream", old, stream=True, metadata_version=ipc.MetadataVersion.V4, use_legacy_format=True)
    save("v4.arrow", old.slice(3), batch=9, metadata_version=ipc.MetadataVersion.V4)
    save("other.arrow", table(other))
    save("other.stream", table(other), stream=True, compression="lz4")
    save("zstd.arrow", table(read[:3]), compression="zstd")
    long = table([("a", pa.utf8(), ["word " * 50 + str(i % 3) for i in range(40)]), ("n", pa.int64(), list(range(40)))])
    save("long.arrow", long, batch=16, compression="lz4")
    kind = pa.dictionary(pa.int32(), pa.utf8())  # a dictionary that grows, and one that is replaced
    for name, parts, delta in [("deltas.stream", [["x", "y", "x"], ["x", "y", "z", "z"], ["x", "y", "z", "w"]], True),
                               ("replaced.stream", [["x", "y", "x"], ["p", "q", None], ["y", "r"]], False)]:
        made = pa.Table.from_batches([pa.record_batch({"a": pa.array(p).dictionary_encode().cast(kind)}) for p in parts])
        save(name, made, batch=None, stream=True, emit_dictionary_deltas=delta)
    frame = polars.DataFrame({"all": some(text), "i64": some(number(-9, 9)), "f64": some(lambda: .1), "list": some(texts),
                              "coded": polars.Series(some(text), dtype=polars.Categorical), "lists": some(lists)},
                             schema_overrides={"lists": polars.List(polars.List(polars.String)), "list": polars.List(polars.String)})
    for name, options in [("polars.arrow", {"compression": "lz4"}), ("polars-old.arrow", {"compression": "uncompressed", "compat_level": polars.CompatLevel.oldest()})]:
        frame.write_ipc(os.path.join(OUT, "arrow", name), **options)
        write("arrow/%s.jsonl" % name, [json.dumps(row, ensure_ascii=False) for row in frame.to_dicts()])


# ---- lz4 ----

def make_lz4():
    import lz4.frame as lz4
    lines = []

    def plain(kind, n):
        """What tests/test_table.c makes, too: a period; the same with a counter; noise."""
        out, x = bytearray(), 1
        for i in range(n):
            x = (x * 1103515245 + 12345) % 2 ** 32
            out.append(97 + i % 7 if kind == 0 else 97 + (i // 500 * 7 + i % 9) % 26 if kind == 1 else x >> 16 & 255)
        return bytes(out)
    for kind, n in [(0, 0), (0, 1), (0, 300), (1, 3000), (2, 200), (0, 70000), (1, 70000)]:
        for linked in (True, False) if n > 65536 else (True,):
            for level, check, size in ([(0, True, True), (0, False, False)] if n > 65536 else [(0, True, True), (9, False, False), (-5, True, False)]):
                made = lz4.compress(plain(kind, n), block_size=lz4.BLOCKSIZE_MAX64KB, block_linked=linked, compression_level=level,
                                    content_checksum=check, block_checksum=check and size, store_size=size)
                assert lz4.decompress(made) == plain(kind, n)
                lines.append("%d\t%d\t%s" % (kind, n, made.hex()))
    write("lz4.txt", lines)


# ---- configs ----

def make_configs():
    import torch
    import transformers as t
    lines = []

    def add(name, kind, config_kind=None, **options):
        config = getattr(t, (config_kind or kind) + "Config")(**options)
        config.architectures = [kind + "ForCausalLM"]
        with torch.device("meta"):
            model = getattr(t, kind + "ForCausalLM")(config)
        count = sum(p.numel() for p in {id(p): p for p in model.parameters()}.values())
        attention = model.model.layers[0].self_attn
        heads = config.num_key_value_heads
        norm = 0 if not hasattr(attention, "q_norm") else 1 if len(attention.q_norm.weight) == attention.head_dim else 2
        lines.append("\t".join(map(str, [name, count, config.num_hidden_layers * 2 * heads * attention.head_dim * 4, attention.head_dim,
                                        int(hasattr(attention, "q_proj") and attention.q_proj.bias is not None), norm,
                                        int(config.tie_word_embeddings)])))
        values = {k: v for k, v in config.to_dict().items() if v is not None and k not in ("transformers_version", "_name_or_path")}
        write("configs/%s.json" % name, [json.dumps(values, indent=1, sort_keys=True)])
    big = {"torch_dtype": "bfloat16", "max_position_embeddings": 131072}
    # the shapes of Llama 3.2 1B, Qwen2.5 7B and Qwen3 8B
    add("llama-1b", "Llama", vocab_size=128256, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, tie_word_embeddings=True, eos_token_id=[128001, 128008, 128009], bos_token_id=128000, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 8192}, **big)
    add("qwen-7b", "Qwen2", vocab_size=152064, hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, num_attention_heads=28,
        num_key_value_heads=4, tie_word_embeddings=False, eos_token_id=151645, rope_parameters={"rope_type": "default", "rope_theta": 1e6}, **big)
    add("qwen3-8b", "Qwen3", vocab_size=151936, hidden_size=4096, intermediate_size=12288, num_hidden_layers=36, num_attention_heads=32,
        num_key_value_heads=8, head_dim=128, tie_word_embeddings=False, eos_token_id=151645, rope_parameters={"rope_type": "default", "rope_theta": 1e6}, **big)
    # those of Phi-3-mini-4k, Granite 3.1 2B, SmolLM3 3B, OLMo-2 1B and Gemma 3 1B
    add("phi3-mini", "Phi3", vocab_size=32064, hidden_size=3072, intermediate_size=8192, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=32, sliding_window=2047, max_position_embeddings=4096, eos_token_id=32000)
    add("granite-2b", "Granite", vocab_size=49155, hidden_size=2048, intermediate_size=8192, num_hidden_layers=40, num_attention_heads=32,
        num_key_value_heads=8, tie_word_embeddings=True, embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.015625,
        logits_scaling=8.0, eos_token_id=0, rope_parameters={"rope_type": "default", "rope_theta": 5e6}, **big)
    add("smollm3-3b", "SmolLM3", vocab_size=128256, hidden_size=2048, intermediate_size=11008, num_hidden_layers=36, num_attention_heads=16,
        num_key_value_heads=4, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 5e6}, **big)
    add("olmo2-1b", "Olmo2", vocab_size=100352, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=16,
        num_key_value_heads=16, eos_token_id=100257, pad_token_id=0, rope_parameters={"rope_type": "default", "rope_theta": 5e5})
    add("gemma3-1b", "Gemma3", "Gemma3Text", vocab_size=262144, hidden_size=1152, intermediate_size=6912, num_hidden_layers=26,
        num_attention_heads=4, num_key_value_heads=1, head_dim=256, query_pre_attn_scalar=256, sliding_window=512, eos_token_id=1)
    r = random.Random(6)
    for i in range(8):
        kind = ["Llama", "Qwen2", "Qwen3", "Mistral"][i % 4]
        heads, ratio, size = r.randint(1, 4), r.randint(1, 3), r.choice([8, 16])
        options = {"head_dim": r.choice([8, 24])} if kind in ("Qwen3", "Mistral") else {}
        if kind == "Llama":
            options = {"attention_bias": i > 3, "mlp_bias": False}
        add("small%d" % i, kind, vocab_size=r.randint(50, 400), hidden_size=heads * ratio * size, intermediate_size=r.randint(10, 99),
            num_hidden_layers=r.randint(1, 5), num_attention_heads=heads * ratio, num_key_value_heads=heads, tie_word_embeddings=r.random() < .5,
            eos_token_id=2, bos_token_id=1, pad_token_id=0, **options)
    write("configs.txt", lines)


def main():
    parts = {name[5:]: make for name, make in globals().items() if name.startswith("make_")}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
