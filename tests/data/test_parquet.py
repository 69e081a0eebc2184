"""A small parquet file that stands for very long columns does not fill the memory."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmeval import regular
from mmeval.data import parquet
from mmeval.types import InputError

LONG = b"x" * 2_000_000
DAMAGED = Path(__file__).parents[1] / "recordings" / "damaged_statistics.parquet"
"""A table of two rows with a byte changed: a histogram of definition levels has a value too many."""


def test_values_that_are_stored_once_are_held_once(tmp_path: Path) -> None:
    table = pa.table(
        {
            "picture": [LONG, None, LONG],
            "image": [{"bytes": LONG, "path": "a.png"}, None, {"bytes": LONG, "path": "b.png"}],
            "images": [[{"bytes": LONG}] * 100, None, []],
            "question": ["a?", None, "b?"],
        }
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 10_000
    rows = [values for values, _ in parquet.read(path)]
    assert rows == table.to_pylist()
    assert rows[0]["picture"] is rows[2]["picture"]
    assert rows[0]["image"]["bytes"] is rows[2]["image"]["bytes"]
    assert len({id(picture["bytes"]) for picture in rows[0]["images"]}) == 1


def test_column_that_is_compressed_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular, "GIANT", 1_000_000)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"question": [LONG]}), path, compression="zstd", use_dictionary=False)
    with pytest.raises(InputError, match=re.escape(f"{path}: ") + r"expands from \d+ to 2,000,"):
        list(parquet.read(path))


def test_damaged_statistics_do_not_end_the_process() -> None:
    with pytest.raises(InputError, match=re.escape(f"{DAMAGED}: cannot be read as parquet (")):
        list(parquet.read(DAMAGED))


def test_what_compresses_as_texts_do_is_read_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dictionaries would take several times as long."""
    monkeypatch.setattr(parquet, "EXPANDED", 1)
    rows = [{"question": f"what is {number} ?", "image": {"bytes": random.randbytes(1000)}} for number in range(100)]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert parquet._repeated(pq.read_metadata(path), path) == []
    assert [values for values, _ in parquet.read(path)] == rows


def test_rows_of_pictures_in_several_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's tables are such: structs of bytes and path, in row groups with a dictionary each."""
    rows = [{"image": {"bytes": random.randbytes(30_000), "path": f"{number}.jpg"}} for number in range(80)]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=50)
    assert [values for values, _ in parquet.read(path)] == rows
    monkeypatch.setattr(parquet, "TEXT_RATIO", 0)  # as if it compressed a lot
    with pytest.raises(InputError, match=re.escape(f"{path}: pyarrow cannot read it (") + ".*save the table uncompr"):
        list(parquet.read(path))


IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PICTURE = {"bytes": b"x", "path": "a.png"}


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1, 2], None, []], pa.large_list(pa.int64())),
        pa.array([[PICTURE, None], None, []], pa.large_list(IMAGE)),
        pa.array([[PICTURE, PICTURE], None], pa.list_(IMAGE, 2)),
        pa.array([[[PICTURE], []], None, []], pa.list_(pa.list_(IMAGE))),
        pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        pa.array(["a", None], pa.string_view()),
        pa.array([b"a", None], pa.large_binary()),
        pa.array(["a", None, "a"]).dictionary_encode(),
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None])),
        pa.nulls(2),
    ],
    ids=lambda column: str(column.type),
)
def test_columns_of_every_type(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"c": column}), path)
    assert [values["c"] for values, _ in parquet.read(path)] == column.to_pylist()


def test_values_that_python_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    for column in (pa.array([2**62], pa.timestamp("us")), pa.array([2**31 - 1], pa.date32())):
        pq.write_table(pa.table({"c": column}), path)
        with pytest.raises(InputError, match=re.escape(f"{path}: cannot be read as parquet (")):
            list(parquet.read(path))


class Numbers(pa.ExtensionType):  # type: ignore[misc]
    """A type as other packages register them with pyarrow."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(pa.int64(), "mmeval.tests.numbers")

    def __arrow_ext_serialize__(self) -> bytes:
        return json.dumps([self.size]).encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> Numbers:
        return cls(*json.loads(serialized))


def test_details_of_a_registered_type_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pa.register_extension_type(Numbers(1))
    try:
        for details in (b"[]", b"x"):
            name = {b"ARROW:extension:name": b"mmeval.tests.numbers", b"ARROW:extension:metadata": details}
            schema = pa.schema([pa.field("c", pa.int64(), metadata=name)])
            pq.write_table(pa.table([pa.array([1])], schema=schema), path)
            with pytest.raises(InputError, match=re.escape(f"{path}: cannot be read as parquet (")):
                list(parquet.read(path))
    finally:
        pa.unregister_extension_type("mmeval.tests.numbers")
