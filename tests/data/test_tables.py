"""A table with the hub's columns is read in batches; rows without what a question needs are named."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from PIL import Image

from mmeval.tasks.mme import YesNoRow, pairs
from mmeval.tasks.mme import read as rows
from mmeval.types import InputError


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 4), shade).save(file, "PNG")
    return file.getvalue()


def line(picture: str, answer: str) -> dict[str, Any]:
    return {
        "question_id": f"count/{picture}",
        "image": {"bytes": png(7), "path": picture},
        "question": f"Is it {answer}?",
        "answer": answer,
        "category": "count",
    }


def save(path: Path, *lines: dict[str, Any]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(lines)), path)
    return path


def read(path: Path) -> list[tuple[YesNoRow, YesNoRow]]:
    return list(pairs(rows(str(path), {})))


def test_a_picture_keeps_its_bytes_and_loses_the_subtask_in_its_name(tmp_path: Path) -> None:
    ((first, second),) = read(save(tmp_path / "t.parquet", line("a.png", "Yes"), line("a.png", "No")))
    assert (first.picture, first.answer, second.answer) == ("a.png", "Yes", "No")
    assert first.image.digest == second.image.digest
    assert first.image.decode().size == (4, 4)


def test_rows_that_are_not_adjacent_find_each_other(tmp_path: Path) -> None:
    lines = [line(name, answer) for answer in ("Yes", "No") for name in ("a.png", "b.png", "c.png")]
    found = read(save(tmp_path / "t.parquet", *lines))
    assert [(first.picture, second.picture) for first, second in found] == [(x, x) for x in ("a.png", "b.png", "c.png")]


def test_a_folder_of_shards_as_the_hub_has_them(tmp_path: Path) -> None:
    save(tmp_path / "test-00000-of-00002.parquet", line("a.png", "Yes"))  # the cut goes through a picture
    save(tmp_path / "test-00001-of-00002.parquet", line("a.png", "No"))
    assert len(list(pairs(rows(str(tmp_path), {})))) == 1


def test_rows_come_before_the_whole_file_is_read(tmp_path: Path) -> None:
    lines = [line(f"{i}.png", answer) for i in range(40) for answer in ("Yes", "No")]
    lines[-1]["answer"] = "Maybe"
    reading = pairs(rows(str(save(tmp_path / "t.parquet", *lines)), {}))
    assert next(reading)[0].picture == "0.png"  # the bad row at the end was not seen yet


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"image": {"bytes": None, "path": "../../secret.png"}}, "row 2, image: .* is no picture; embed its bytes"),
        ({"question": None}, "row 2: the column question is None"),
        ({"answer": "Maybe"}, "row 2: the ground truth is 'Maybe'"),
        ({"category": "counting"}, "row 2: unknown subtask 'counting', did you mean 'count'"),
        ({"question_id": "count/b.png"}, "one question for the picture count/a.png"),
    ],
)
def test_a_row_that_lacks_something_is_named(bad: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read(save(tmp_path / "t.parquet", line("a.png", "Yes"), line("a.png", "No") | bad))


def test_a_column_is_missing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"question": ["a?"]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="no column 'category'; it has: question"):
        read(tmp_path / "t.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing"])
def test_not_parquet(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"t.parquet: cannot be read as parquet"):
        read(tmp_path / "t.parquet")


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data at"):
        read(tmp_path / "t.parquet")


def test_a_table_without_rows(tmp_path: Path) -> None:
    empty = pa.Table.from_pylist([line("a.png", "Yes")]).slice(0, 0)
    pq.write_table(empty, tmp_path / "t.parquet")
    with pytest.raises(InputError, match="holds no question"):
        read(tmp_path / "t.parquet")


def test_neither_folder_nor_table() -> None:
    with pytest.raises(InputError, match="no data at 'MMEE'"):
        rows("MMEE", {})
