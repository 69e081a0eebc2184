"""MMBench's table: streams, both kinds of files, and errors with line and column."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from mmeval.data import mmbench
from mmeval.data.delimited import StoredPicture
from mmeval.data.mmbench import MMBenchRow
from mmeval.types import InputError
from tests import mmbench_table as table

HUB = {"repo": "nobody/nothing", "revision": "0", "config": "en", "split": "dev"}


def read(path: Path, *, partial: bool = False) -> list[list[MMBenchRow]]:
    return list(mmbench.read(str(path), HUB, incomplete=partial))


def test_turns_come_together_whether_the_file_has_them_or_not(tmp_path: Path) -> None:
    first = read(table.write(tmp_path / "first.tsv", table.questions()))
    short = read(table.write(tmp_path / "short.tsv", table.with_turns(table.questions())))
    legacy = read(table.write(tmp_path / "legacy.tsv", table.with_turns(table.questions(), repeat=True)))
    assert [len(group) for group in first] == [4, 3, 2, 2]
    for group, *other_groups in zip(first, short, legacy, strict=True):
        for row, *other_rows in zip(group, *other_groups, strict=True):
            for other_row in other_rows:
                assert (row.index, row.question, row.options, row.answer) == (
                    other_row.index, other_row.question, other_row.options, other_row.answer,
                )  # fmt: skip
                assert row.image.digest == other_row.image.digest
    assert [(row.index, row.answer) for row in first[1]] == [(2, "C"), (1_000_002, "B"), (2_000_002, "A")]


def test_a_folder_is_not_the_file_in_it(tmp_path: Path) -> None:
    table.write(tmp_path / "MMBench.tsv", table.questions())
    with pytest.raises(InputError, match=r"a folder; name the \.tsv file in it"):
        read(tmp_path)


def test_none_and_na_are_options(tmp_path: Path) -> None:
    (group, *_) = read(table.write(tmp_path / "t.tsv", table.questions()))
    assert group[0].options == ("a cat", "a dog", "None", "NA")


def test_pictures_stay_in_the_file_until_they_are_asked_for(tmp_path: Path) -> None:
    lines = table.questions()
    out = io.BytesIO()
    Image.new("RGB", (24, 24), (1, 80, 120)).save(out, "BMP")  # larger than the longest name of a file
    lines[0]["image"] = base64.b64encode(out.getvalue()).decode()
    (group, *_) = read(table.write(tmp_path / "t.tsv", lines))
    image = group[0].image
    assert isinstance(image.data, StoredPicture)
    assert image.decode().size == (24, 24)
    assert image.decode().getpixel((0, 0)) == (1, 80, 120)


def test_quotes_line_breaks_and_large_cells_are_read(tmp_path: Path) -> None:
    lines = table.questions()
    lines[0]["hint"] = 'A "quoted" hint\nof two lines\twith a tab'
    lines[1]["question"] = "long " * 40_000  # beyond the csv module's usual limit
    (first, second, third, _) = read(table.write(tmp_path / "t.tsv", lines))
    assert first[0].cells["hint"] == lines[0]["hint"]
    assert len(second[0].cells["question"]) == 200_000
    assert third[0].where.endswith("line 5")  # the hint took two lines
    assert third[0].image.decode().getpixel((0, 0)) == (5, 80, 120)


def test_a_file_without_answers_is_read(tmp_path: Path) -> None:
    lines = [line | {"answer": ""} for line in table.questions()]
    for name, without in (("empty", []), ("none", ["answer"])):
        groups = read(table.write(tmp_path / f"{name}.tsv", lines, without))
        assert {row.answer for group in groups for row in group} == {""}


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    path = table.write(tmp_path / "t.tsv", table.questions())
    first, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("\n".join([first, *rest, ""]), encoding="utf-8")
    groups = read(path)
    assert [group[0].image.decode().getpixel((0, 0)) for group in groups] == [(n, 80, 120) for n in (1, 2, 5, 7)]
    assert groups[0][0].where.endswith("line 3")


def test_culture_has_fewer_columns(tmp_path: Path) -> None:
    without = ["hint", "l2-category", "comment", "split"]
    assert len(read(table.write(tmp_path / "CCBench.tsv", table.questions(), without))) == 4


def test_a_question_that_lacks_turns_is_named_or_counted_as_it_is(tmp_path: Path) -> None:
    lines = [line for line in table.with_turns(table.questions()) if line["index"] != "2000001"]
    path = table.write(tmp_path / "t.tsv", lines)
    with pytest.raises(InputError, match=r"question 1 has 3 of its 4 rotations; .* --partial"):
        read(path)
    assert [len(group) for group in read(path, partial=True)] == [3, 3, 2, 2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answer": "E"}, r"line 3, column answer: 'E' is not one of A, B, C; fix it"),
        ({"answer": "D"}, r"line 3, column answer: 'D' is not one of A, B, C"),
        ({"answer": "AB"}, r"line 3, column answer: 'AB' is not one of A, B, C"),
        ({"answer": "b"}, r"line 3, column answer: 'b' is not one of A, B, C"),
        ({"index": "1"}, r"line 3: the index 1 repeats that of .* line 2; remove one"),
        ({"index": "two"}, r"line 3: the index is 'two'; it must be a number"),
        ({"index": "9" * 5000}, r"line 3: the index is '9{40}'; it must be a number of at most 15 digits"),
        ({"category": " "}, r"line 3, column category: empty; write the leaf ability"),
        ({"question": " "}, r"line 3: the question is empty"),
        ({"B": ""}, r"line 3: option B is empty but C is not"),
        ({"B": "", "C": ""}, r"line 3: a question must have two or more options; this one has 1"),
        ({"image": "99"}, r"line 3: its picture refers to row 99, which has none"),
        ({"image": ""}, r"line 3, column image: the index is ''"),
    ],
)
def test_what_is_wrong_with_a_row_is_a_sentence(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    lines = table.questions()
    lines[1] |= change
    with pytest.raises(InputError, match=sentence):
        read(table.write(tmp_path / "t.tsv", lines))


def test_a_picture_that_is_not_base64_is_named_by_row_and_column(tmp_path: Path) -> None:
    lines = table.questions()
    lines[1]["image"] = "%" * 100
    groups = read(table.write(tmp_path / "t.tsv", lines))
    with pytest.raises(InputError, match=r"t.tsv, line 3, column image: not base64"):
        groups[1][0].image.decode()
    lines[1]["image"] = "é" * 100
    groups = read(table.write(tmp_path / "t.tsv", lines))
    with pytest.raises(InputError, match=r"t.tsv, line 3, column image: not base64"):
        groups[1][0].image.decode()
    lines[1]["image"] = table.picture(1)[:68]
    (_, group, *_) = read(table.write(tmp_path / "t.tsv", lines))
    with pytest.raises(InputError, match=r"t\.tsv, line 3, column image: the picture is truncated"):
        group[0].image.decode()


def test_base64_in_lines_is_base64(tmp_path: Path) -> None:
    lines = table.questions()
    lines[1]["image"] = "\n".join([lines[1]["image"][:76], lines[1]["image"][76:]])
    groups = read(table.write(tmp_path / "t.TSV", lines))
    assert groups[1][0].image.decode().getpixel((0, 0)) == (2, 80, 120)


def test_turns_with_other_options_are_refused(tmp_path: Path) -> None:
    lines = table.with_turns(table.questions())
    next(line for line in lines if line["index"] == "1000001")["A"] = "a cow"
    with pytest.raises(InputError, match="its options differ from those of"):
        read(table.write(tmp_path / "t.tsv", lines))


@pytest.mark.parametrize("missing", ["index", "question", "A", "D", "image"])
def test_a_missing_column_is_named(tmp_path: Path, missing: str) -> None:
    path = table.write(tmp_path / "t.tsv", table.questions(), [missing])
    with pytest.raises(InputError, match=f"no column {missing}; the table must have"):
        read(path)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.tsv").write_bytes(table.write(tmp_path / "t.tsv", table.questions()).read_bytes()[:-60])
    (tmp_path / "latin.tsv").write_bytes("index\tqu\xe9stion\n".encode("latin-1"))
    (tmp_path / "empty.tsv").write_bytes(b"")
    (tmp_path / "header.tsv").write_text("\t".join(table.HEADER) + "\n")
    for name, sentence in (
        ("torn", "line 5: 10 columns and not 14"),
        ("latin", "line 1: not UTF-8"),
        ("empty", "has no questions"),
        ("header", "has no questions"),
        ("nowhere", "no data at"),
    ):
        with pytest.raises(InputError, match=sentence):
            read(tmp_path / f"{name}.tsv")


def test_the_hubs_table_writes_nan_for_an_empty_cell(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    values = {**table.line(3, ["None", "no"], "A"), "C": "nan", "D": "nan", "hint": "nan", "index": 3}
    values["L2-category"] = values.pop("l2-category")
    values["image"] = {"bytes": out.getvalue(), "path": None}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([values]), tmp_path / "t.parquet")
    ((first, second),) = read(tmp_path / "t.parquet")
    assert (first.options, second.options) == (("None", "no"), ("no", "None"))
    assert (first.cells["hint"], first.cells["l2-category"]) == ("", "coarse_perception")
    assert first.image.decode().size == (8, 8)


@pytest.mark.parametrize("data", ["hub:", "hub:cn", "hub:-dev"])
def test_a_part_of_the_hubs_table_is_named_whole(data: str) -> None:
    with pytest.raises(InputError, match="hub:CONFIG-SPLIT"):
        next(mmbench.read(data, HUB))
