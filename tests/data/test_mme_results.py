"""A results folder is read as MME's script reads it; errors name the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmeval.tasks.mme import read_predictions
from mmeval.types import InputError

GOOD = "1.jpg\ta?\tYes\tyes\n1.jpg\tb?\tNo\tno\n"


def read(folder: Path, content: str | bytes) -> list[str | None]:
    (folder / "OCR.txt").write_bytes(content.encode() if isinstance(content, str) else content)
    return [record.text for record in read_predictions(str(folder), ["OCR"])]


def test_pairs_are_adjacent_lines_and_pictures_are_names(tmp_path: Path) -> None:
    (tmp_path / "OCR.txt").write_text("1.jpg\ta\tYes\tx\n2.jpg\tb\tYes\tx\n1.jpg\tc\tNo\tx\n2.jpg\td\tNo\tx\n")
    records = read_predictions(str(tmp_path), ["OCR"])
    assert [record.groups["pair"] for record in records] == ["OCR/1", "OCR/1", "OCR/2", "OCR/2"]
    assert [record.groups["image"] for record in records] == ["OCR/1.jpg", "OCR/2.jpg"] * 2
    assert len({record.id for record in records}) == 4


@pytest.mark.parametrize("content", [GOOD, GOOD.rstrip("\n"), GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD])
def test_harmless_differences(content: str, tmp_path: Path) -> None:
    assert read(tmp_path, content) == ["yes", "no"]
    assert len({record.groups["image"] for record in read_predictions(str(tmp_path), ["OCR"])}) == 1


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\u2028", "\x85"])
def test_what_only_python_calls_a_line_break_stays_in_the_answer(mark: str, tmp_path: Path) -> None:
    assert read(tmp_path, GOOD.replace("\tyes\n", f"\tyes{mark}ok\n"))[0] == f"yes{mark}ok"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"OCR.txt: empty"),
        (GOOD + "\n", r"OCR.txt, line 3: 1 column instead of 4"),
        (GOOD + "1.jpg\tc?\tNo\tno\n", r"line 3: an odd number of lines"),
        ("1.jpg\ta?\tYes\n", r"line 1: 3 columns"),
        ("1.jpg\ta?\tYes\tye\ts\n", r"line 1: 5 columns"),
        ("1.jpg\ta?\tYes\tye\ns\n", r"line 2: 1 column"),
        ("1.jpg\ta?\tYes \tyes\n", r"line 1: the ground truth is 'Yes '"),
        (b"a.png\tq\tYes\tyes\n\xff\n", r"OCR.txt, line 2: not UTF-8"),
    ],
)
def test_where_the_script_stops_a_sentence(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, content)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"OCR.txt: missing"):
        read_predictions(str(tmp_path), ["OCR"])
    with pytest.raises(InputError, match=r"no such folder"):
        read_predictions(str(tmp_path / "nowhere"), ["OCR"])
