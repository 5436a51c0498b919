#!/usr/bin/env python3
"""The Arrow files of this folder: python tests/golden/tables/make.py (needs pyarrow 18 or newer)."""
import os
import uuid

import pyarrow as pa

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, columns):
    table = pa.table(columns)
    with pa.OSFile(os.path.join(HERE, name), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def extension(type, values):
    return pa.ExtensionArray.from_storage(type, pa.array(values, type.storage_type))


ids = extension(pa.uuid(), [uuid.UUID("00112233-4455-4677-8899-aabbccddeeff").bytes, None])
write("extensions.arrow", {
    "uuid": ids,
    "bool8": extension(pa.bool8(), [2, 0]),
    "json": extension(pa.json_(), ['["a"]', None]),
    "binary": pa.array([b"0123456789abcdef", None], pa.binary(16)),
    "uuids": pa.ListArray.from_arrays([0, 2, 2], ids),
    "coded": pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), ids),
})
write("numbers.arrow", {
    "int": pa.array([[1984, None, -5], None]),
    "double": pa.array([[1984.0, 0.1, 1e20], [float("nan"), float("-inf")]]),
    "half": pa.array([[1.5], []], pa.large_list(pa.float16())),
    "bool": pa.array([[True, False], [None]]),
    "fixed": pa.array([[1, 2], [3, 4]], pa.list_(pa.uint8(), 2)),
    "lists": pa.array([[[1], [2, 3]], [None, []]]),
    "coded": pa.ListArray.from_arrays([0, 1, 3], pa.array([7, 8, 7]).dictionary_encode()),
    "words": pa.ListArray.from_arrays([0, 1, 3], pa.array(["a", "b", "a"]).dictionary_encode()),
    "views": pa.array([["a"], ["b", None]], pa.list_(pa.string_view())),
})
