"""A table with the hub's columns is read in batches; incomplete rows are named."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mmeval.data import json_rows, tables
from mmeval.data.tables import of_file
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
    questions = read(save(tmp_path / "t.parquet", *lines))
    assert [(first.picture, second.picture) for first, second in questions] == [
        (x, x) for x in ("a.png", "b.png", "c.png")
    ]


def test_a_folder_of_shards_as_the_hub_has_them(tmp_path: Path) -> None:
    save(tmp_path / "test-00000-of-00002.parquet", line("a.png", "Yes"))  # the cut goes through a picture
    save(tmp_path / "test-00001-of-00002.parquet", line("a.png", "No"))
    assert len(list(pairs(rows(str(tmp_path), {})))) == 1
    (tmp_path / "test-00000-of-00002.parquet").unlink()
    with pytest.raises(InputError, match="1 of 2 files is missing, such as test-00000-of-00002"):
        list(rows(str(tmp_path), {}))
    save(tmp_path / "test-00001-of-00002.parquet", line("a.png", "No"), line("a.png", "Yes"))
    assert len(list(pairs(rows(str(tmp_path / "test-00001-of-00002.parquet"), {})))) == 1


def test_rows_come_before_the_whole_file_is_read(tmp_path: Path) -> None:
    lines = [line(f"{i}.png", answer) for i in range(40) for answer in ("Yes", "No")]
    lines[-1]["answer"] = "Maybe"
    reading = pairs(rows(str(save(tmp_path / "t.parquet", *lines)), {}))
    assert next(reading)[0].picture == "0.png"  # the bad row at the end was not seen yet


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"image": {"bytes": None, "path": "../../secret.png"}}, "row 2, image: .* is not a picture; embed its bytes"),
        ({"question": None}, "row 2: the column question is None"),
        ({"answer": "Maybe"}, "row 2: the ground truth is 'Maybe'"),
        ({"category": "counting"}, "row 2: unknown subtask 'counting' \\(did you mean 'count'"),
        ({"question_id": "count/b.png"}, "one question for the picture count/a.png"),
    ],
)
def test_a_row_that_lacks_something_is_named(bad: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read(save(tmp_path / "t.parquet", line("a.png", "Yes"), line("a.png", "No") | bad))


def test_an_empty_one_of_several_files_is_not_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "b.jsonl").write_text("")
    with pytest.raises(InputError, match=r"b\.jsonl: has no rows; download the file again, or remove it"):
        list(tables.read(str(tmp_path), ["*.jsonl"], None, "task"))


def test_a_column_is_missing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"question": ["a?"]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="no column 'category'; it has: question"):
        read(tmp_path / "t.parquet")


def test_rows_about_one_picture_hold_its_bytes_once(tmp_path: Path) -> None:
    path = save(tmp_path / "t.parquet", line("a.png", "Yes"), line("a.png", "No"), line("b.png", "No"))
    first, second, third = (row.images("image")[0] for row in of_file(path, tmp_path))
    assert first.data is second.data
    assert third.data == first.data


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
    with pytest.raises(InputError, match="has no questions"):
        read(tmp_path / "t.parquet")


def test_neither_folder_nor_table() -> None:
    with pytest.raises(InputError, match="no data at 'MMEE'"):
        rows("MMEE", {})


QUOTES = {
    "a word that is never closed": (
        ["1\t\"Stop' is what he says?\tA", '2\tA 5" disk\tB'],
        ["\"Stop' is what he says?", 'A 5" disk'],
    ),
    "a quotation over two rows": (['1\t"Yes, he says\tA', '2\tWho says yes?"\tB'], ['"Yes, he says', 'Who says yes?"']),
    "at the end of the file": (["1\tWho?\tA", '2\t"open\tB'], ["Who?", '"open']),
    "one after the other": (['1\t"open\tA', '2\t"open, too\tB', '3\t"so"\tA'], ['"open', '"open, too', "so"]),
    "a cell of several lines": (['1\t"one\n\ntwo ""lines"""\tA', "2\tWho?\tB"], ['one\n\ntwo "lines"', "Who?"]),
}


@pytest.mark.parametrize("kind", QUOTES)
def test_a_quotation_mark_swallows_no_row(tmp_path: Path, kind: str) -> None:
    rows, expected = QUOTES[kind]
    (tmp_path / "t.tsv").write_text("\n".join(["id\tq\ta", *rows, ""]), encoding="utf-8")
    assert [row.text("q") for row in of_file(tmp_path / "t.tsv", tmp_path)] == expected


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_quoted_cell_that_ends_wrongly_names_its_line(tmp_path: Path, suffix: str) -> None:
    mark = "," if suffix == "csv" else "\t"
    path = tmp_path / f"t.{suffix}"
    path.write_text(f'id{mark}q{mark}a\n1{mark}Who?{mark}A\n2{mark}"Stop is\nwhat" he says{mark}A\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 3: a quoted cell runs over line breaks and ends wrongly"):
        list(of_file(path, tmp_path))


def test_a_picture_behind_a_lone_quotation_mark_is_read_where_it_stands(tmp_path: Path) -> None:
    encoded = [base64.b64encode(png(shade) + bytes(200)).decode() for shade in (7, 9)]
    text = f'q\timage\n"He says\t{encoded[0]}\nhe says"\t{encoded[1]}\n'
    (tmp_path / "t.tsv").write_text(text, encoding="utf-8")
    rows = list(of_file(tmp_path / "t.tsv", tmp_path))
    assert [row.images("image")[0].decode().getpixel((0, 0)) for row in rows] == [(7, 7, 7), (9, 9, 9)]


@pytest.mark.parametrize("block", [7, 64, 1 << 20])
def test_a_list_of_objects_is_read_in_pieces(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "BLOCK", block)
    expected = [{"id": 1, "q": "Wörter, 中文 \U0001f600 ]}"}, {"id": 2, "deep": [[{"a": "]"}], 3]}, {}]
    for text in (
        json.dumps(expected),
        json.dumps(expected, indent=2, ensure_ascii=False),
        "\ufeff" + json.dumps(expected),
    ):
        (tmp_path / "t.json").write_text(text, encoding="utf-8")
        assert [dict(row.values) for row in of_file(tmp_path / "t.json", tmp_path)] == expected
    for broken in ('[{"a": 1} {"a": 2}]', '[{"a": 1},]', '[{"a": 1}', '[{"a": 1}] x', "[,{}]"):
        (tmp_path / "t.json").write_text(broken)
        with pytest.raises(InputError, match=r"t\.json: not JSON \("):
            list(of_file(tmp_path / "t.json", tmp_path))
    (tmp_path / "t.json").write_text('[{"a": 1}, 2]')
    with pytest.raises(InputError, match=r"t\.json, item 2: '2' is not a JSON object"):
        list(of_file(tmp_path / "t.json", tmp_path))


def test_one_object_over_several_lines_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"a": {"b": 1}}, indent=1))
    assert [dict(row.values) for row in of_file(tmp_path / "t.json", tmp_path)] == [{"a": {"b": 1}}]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("size", [4, 400])
def test_a_picture_may_be_a_data_url(kind: str, size: int, tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.effect_noise((size, 2), 90).save(file, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    path = tmp_path / f"t.{kind}"
    path.write_text(f'image\n"{url}"\n' if kind == "csv" else json.dumps({"image": url}) + "\n")
    (row,) = of_file(path, tmp_path)
    (picture,) = row.images("image")
    assert picture.decode().size == (size, 2)


@pytest.mark.parametrize("kind", ["CSV", "TSV", "JSON", "JSONL", "Parquet"])
def test_the_ending_of_a_table_may_be_in_capitals(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{kind}"
    if kind == "Parquet":
        pq.write_table(pa.table({"q": ["Who?"]}), path)
    else:
        path.write_text('{"q": "Who?"}\n' if kind.startswith("JSON") else "q\nWho?\n")
    assert [row.text("q") for row in of_file(path, tmp_path)] == ["Who?"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"id": 1, "q": "a"}\n{"id": 2, "q": "a", "id": 3}\n', "line 2: 'id' appears twice; remove one of its values"),
        ('[{"id": 1}, {"id": 2, "q": {"a": 1, "a": 2}}]', "item 2: 'a' appears twice"),
    ],
)
def test_a_key_that_a_row_has_twice_is_reported(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(InputError, match=where):
        list(of_file(tmp_path / "t.json", tmp_path))


def test_a_value_that_looks_like_keys_is_none(tmp_path: Path) -> None:
    row = {"q": 'say "a": 1 and "a": 2', "more": [{"a": 1}, {"a": 2}]}
    for text in (json.dumps(row), json.dumps([row, row]), json.dumps([row], indent=1)):
        (tmp_path / "t.json").write_text(text)
        assert dict(next(iter(of_file(tmp_path / "t.json", tmp_path))).values) == row
