"""A cell larger than any picture is one sentence in every kind of table, not gigabytes of memory."""

import json
from pathlib import Path

import pytest

from mmeval import regular
from mmeval.data import json_rows, tables
from mmeval.types import InputError

LONGEST = 3_000
ROWS = [{"id": "0", "question": "a"}, {"id": "1", "question": "x" * (LONGEST + 1)}]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular, "LONGEST", LONGEST)


def _refused(path: Path, rows: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        list(tables.of_file(path, path.parent, rows))
    return str(error.value)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_long_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    separator = "," if suffix == "csv" else "\t"
    lines = [json.dumps(row) if suffix == "jsonl" else separator.join(row.values()) for row in ROWS]
    path.write_text("\n".join(lines if suffix == "jsonl" else [separator.join(ROWS[0]), *lines]) + "\n")
    assert _refused(path).startswith(
        f"{path}: cannot be read (line {2 + (suffix != 'jsonl')} is longer than 3,000 bytes)"
    )


def test_long_cell_of_many_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('id,question\n0,a\n1,"' + "word\n" * LONGEST + '"\n')
    assert _refused(path) == f"{path}, line 3: a cell has more than 3,000 characters; shorten it"


def test_long_item_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS))
    assert _refused(path) == f"{path}, item 2: the column question has more than 3,000 characters; shorten it"
    monkeypatch.setattr(json_rows, "BLOCK", 100)
    path.write_text(json.dumps([ROWS[0], {"id": "1", "question": "x" * 3 * LONGEST}]))
    assert _refused(path) == f"{path}: item 2 is not JSON, or longer than 3,000 characters; download the file again"


def test_long_value_of_a_document(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"rows": ROWS}))
    assert _refused(path, "rows").endswith(": the column question has more than 3,000 characters; shorten it")


def test_long_cell_of_a_parquet_table(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    assert _refused(path) == f"{path}, row 2: the column question has more than 3,000 characters; shorten it"
