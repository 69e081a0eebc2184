"""A small parquet file that stands for very long columns does not fill the memory."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmeval import regular
from mmeval.data import parquet
from mmeval.types import InputError

LONG = b"x" * 2_000_000


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
    with pytest.raises(InputError, match=re.escape(f"{path}: ") + r"the column question expands from \d+ to 2,000,"):
        list(parquet.read(path))
