"""Spreadsheets: written files are read back, and invalid ones are refused in one sentence."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmeval.data import sheets
from mmeval.data.sheets import Cell
from mmeval.types import InputError

TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["=1+1", "None", " a ", "a\nb", "<&>", "01"]
)


def read(path: Path) -> list[list[Cell]]:
    return [cells for _, cells in sheets.read(path)]


def written(path: Path, rows: list[list[str]], constant_memory: bool) -> Path:
    with xlsxwriter.Workbook(str(path), {"constant_memory": constant_memory}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                page.write_string(number, column, text)
    return path


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=1, max_size=4), st.booleans())
def test_texts_come_back_as_they_were_written(tmp_path: Path, rows: list[list[str]], constant_memory: bool) -> None:
    sheet = read(written(tmp_path / "t.xlsx", rows, constant_memory))
    expected = [row for row in rows if any(row)]
    for cells, row in zip(sheet, expected, strict=True):
        assert [cell.text for cell in cells if cell.text] == [text for text in row if text]
        assert all(cell.text == text for cell, text in zip(cells, row, strict=False))
        assert {cell.kind for cell in cells} == {"text"}


def test_each_kind_of_cell(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text", 5, 5.0, 0.25, True, "=1+1", None, "end"])
    book.active["A3"] = "#N/A"
    book.active["A3"].data_type = "e"
    book.create_sheet("second").append(["not this one"])
    book.save(tmp_path / "t.xlsx")
    (first, cells), (third, error) = sheets.read(tmp_path / "t.xlsx")
    assert (first, third) == (1, 3)
    assert [(cell.text, cell.kind) for cell in cells] == [
        ("text", "text"), ("5", "number"), ("5", "number"), ("0.25", "number"), ("True", "number"),
        ("=1+1", "formula"), ("", "text"), ("end", "text"),
    ]  # fmt: skip
    assert error[0] == Cell("#N/A", "error")


def changed(path: Path, old: str, new: str, member: str = "xl/worksheets/sheet1.xml") -> Path:
    """Return the workbook with one of its members changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w") as copy:
        for name in archive.namelist():
            text = archive.read(name).decode()
            assert name != member or old in text
            copy.writestr(name, text.replace(old, new) if name == member else text)
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<c r="A1" t="s"><v>0</v>', '<c r="A1" t="s"><v>7</v>'),
        ('<c r="A1" t="s"><v>0</v>', '<c r="A1"><v>many</v>'),
        ("</sheetData>", ""),
        ("<sheetView ", '<sheetView unknown="1" '),
    ],
)
def test_what_is_broken_is_one_sentence(tmp_path: Path, old: str, new: str) -> None:
    path = changed(written(tmp_path / "t.xlsx", [["a"]], False), old, new)
    with pytest.raises(InputError, match=r"t\.xlsx: not an \.xlsx file, or damaged"):
        read(path)


def test_styles_are_nobodys_business(tmp_path: Path) -> None:
    style = '<cellStyle name="Normal" xfId="0" builtinId="0"/>'
    path = changed(written(tmp_path / "t.xlsx", [["a"]], False), style, "", "xl/styles.xml")
    assert read(path) == [[Cell("a")]]


def test_what_was_damaged_on_its_way_is_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", [[f"{n}" * 40] for n in range(400)], False)
    content = path.read_bytes()
    middle = content.index(b"xl/worksheets/sheet1.xml") + 60
    path.write_bytes(
        content[:middle] + bytes(byte ^ 0x55 for byte in content[middle : middle + 99]) + content[middle + 99 :]
    )
    with pytest.raises(InputError, match=r"t\.xlsx: not an \.xlsx file, or damaged"):
        read(path)


def test_a_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    lines = [b"caf\xc3\xa9,1\n"] * 5000
    (tmp_path / "t.CSV").write_bytes(b"".join([*lines[:3000], b"caf\xe9,1\n", *lines]))
    with pytest.raises(InputError, match=r"t\.CSV, line 3001: not UTF-8; save it as UTF-8 text"):
        read(tmp_path / "t.CSV")


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "t.xlsx", [["a" * 5000]], False)
    monkeypatch.setattr(sheets, "LARGEST", 4000)
    with pytest.raises(InputError, match="unpacks to more than 4,000 bytes"):
        read(path)


def test_an_entity_is_not_a_bomb_either(tmp_path: Path) -> None:
    lines = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 40}">' for n in range(6))
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    path = written(tmp_path / "t.xlsx", [["a"]], False)
    changed(path, head, f'{head}<!DOCTYPE x [<!ENTITY e0 "ha">{lines}]>', "xl/sharedStrings.xml")
    changed(path, "<t>a</t>", "<t>&e6;</t>", "xl/sharedStrings.xml")
    with pytest.raises(InputError, match=r"not an \.xlsx file"):
        read(path)


def test_a_book_without_its_sheet_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", [["a"]], False)
    changed(path, "worksheets/sheet1.xml", "../../etc/passwd", "xl/_rels/workbook.xml.rels")
    with pytest.raises(InputError, match=r"not an \.xlsx file"):
        read(path)
