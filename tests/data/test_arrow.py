"""Damaged Arrow tables are refused: they end no process, fill no memory, and lose no rows."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import datasets  # type: ignore[import-untyped]  # noqa: F401  it registers types with pyarrow
import pyarrow as pa
import pytest

from mmeval.data import arrow
from mmeval.types import InputError

TABLE = "data-00000-of-00001.arrow"


def stream(table: pa.Table, options: pa.ipc.IpcWriteOptions | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def refused(folder: Path, data: bytes, reason: str) -> None:
    path = folder / TABLE
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: cannot be read as a table of Arrow \\(.*{reason}"):
        list(arrow.read(path))


def test_table_that_is_cut_off(tmp_path: Path) -> None:
    """Between two messages, pyarrow's own reader takes it for the end."""
    table = pa.table({"question": ["a?", "b?"]})
    data = stream(table)
    head = len(stream(table.slice(0, 0)))
    for length in (0, 1, 7, 8, head - 8, head, len(data) - 9, len(data) - 8, len(data) - 1):
        refused(tmp_path, data[:length], "")
    (tmp_path / TABLE).write_bytes(data)
    assert [row for row, _ in arrow.read(tmp_path / TABLE)] == table.to_pylist()


def test_message_that_is_no_schema_does_not_end_the_process(tmp_path: Path) -> None:
    data = bytearray(stream(pa.table({"question": ["a?"]})))
    assert data[29] == 1
    data[29] = 82  # pyarrow does not check messages of kinds that it does not know
    refused(tmp_path, bytes(data), "does not begin with a schema")


def test_offsets_that_are_wrong_do_not_end_the_process(tmp_path: Path) -> None:
    data = stream(pa.table({"question": ["abcdefg?", "b?"]}))
    refused(tmp_path, data.replace(b"\0\0\0\0\x08\0\0\0\n\0\0\0", b"\0\0\0\0\x08\xff\xff\x7f\n\0\0\0"), "Offset")


LONG = pa.array(["x" * 100_000])
NULLS = pa.Array.from_buffers(pa.null(), 1 << 30, [None])


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (LONG.dictionary_encode(), "the column c has the type dictionary"),
        (pa.RunEndEncodedArray.from_arrays(pa.array([1 << 30]), LONG), "the column c has the type run_end_encoded"),
        (pa.array(["x" * 30], pa.string_view()), "the column c has the type string_view"),
        (pa.array([[[1]]], pa.list_(pa.list_view(pa.int8()))), "the column c has the type list_view"),
        (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "the column c has the type month_day_nano_interval"),
        (NULLS, "more values than its bytes hold"),
        (pa.ListArray.from_arrays(pa.array([0, 1 << 30], pa.int32()), NULLS), "more values than its bytes"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_column_that_repeats_a_value_without_end(tmp_path: Path, column: pa.Array, reason: str) -> None:
    refused(tmp_path, stream(pa.table({"c": column})), reason)


def test_bytes_that_columns_share(tmp_path: Path) -> None:
    data = stream(pa.table({"a": ["x" * 1000], "b": ["y" * 8]}))
    for before, after in (
        (struct.pack("<qq", 8 + 1000 + 8, 8), struct.pack("<qq", 8, 1000)),  # the place and the length of the texts
        (struct.pack("<ii8s", 0, 8, b"y" * 8), struct.pack("<ii8s", 0, 1000, b"y" * 8)),  # the ends of each
    ):
        assert data.count(before) == 1
        data = data.replace(before, after)
    refused(tmp_path, data, "more values than its bytes hold")


def test_compressed_values(tmp_path: Path) -> None:
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    refused(tmp_path, stream(pa.table({"c": LONG}), options), "it is compressed")


def test_types_of_other_packages(tmp_path: Path) -> None:
    """datasets has registered its own types with pyarrow, which read whatever a file says of them."""
    column = pa.array([[[0.5, 1.5]]], pa.list_(pa.list_(pa.float32())))
    name = {b"ARROW:extension:name": b"datasets.features.features.Array2DExtensionType"}
    for details in (b"[]", b"x", b'[[3, 5], "float32"]'):
        field = pa.field("c", column.type, metadata={**name, b"ARROW:extension:metadata": details})
        refused(tmp_path, stream(pa.table([column], schema=pa.schema([field]))), "")
