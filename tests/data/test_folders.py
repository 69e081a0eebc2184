"""MME's release folder is read in both layouts, and every error in it is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mmeval.tasks import mme
from mmeval.types import InputError
from tests.mme_folder import SUBTASKS, make_release


def read(folder: Path) -> list[tuple[str, str, str, str]]:
    both = mme.pairs(mme.read(str(folder), {}))
    return [(row.subtask, row.picture, row.question, row.answer) for pair in both for row in pair]


def test_both_layouts_in_the_benchmarks_order(tmp_path: Path) -> None:
    questions = read(make_release(tmp_path, pictures=2))
    assert len(questions) == 14 * 2 * 2
    assert list(dict.fromkeys(subtask for subtask, *_ in questions)) == SUBTASKS
    assert questions[0] == ("existence", "0000.png", "Is this existence 0? Please answer yes or no.", "Yes")


def test_any_subtask_in_either_layout(tmp_path: Path) -> None:
    folder = make_release(tmp_path, pictures=1)
    for subtask in ("posters", "OCR"):  # one loses its two folders, the other gets them
        subfolder = folder / subtask
        if (subfolder / "images").exists():
            for path in [*subfolder.rglob("*.png"), *subfolder.rglob("*.txt")]:
                path.rename(subfolder / path.name)
            (subfolder / "images").rmdir()
            (subfolder / "questions_answers_YN").rmdir()
        else:
            for name, kind in (("images", "*.png"), ("questions_answers_YN", "*.txt")):
                (subfolder / name).mkdir()
                for path in list(subfolder.glob(kind)):
                    path.rename(subfolder / name / path.name)
    assert len(read(folder)) == 14 * 2


def test_what_a_zip_and_the_release_bring_along(tmp_path: Path) -> None:
    folder = make_release(tmp_path / "MME_Benchmark_release_version", pictures=1)
    (tmp_path / "__MACOSX").mkdir()
    (folder / "eval_tool").mkdir()
    (folder / "readme.txt").write_text("hello")
    for subfolder in (
        folder,
        folder / "count",
        folder / "artwork" / "images",
        folder / "artwork" / "questions_answers_YN",
    ):
        for name in ("._0000.png", "._0000.txt", "._count", ".DS_Store", "Thumbs.db", "desktop.ini"):
            (subfolder / name).write_bytes(b"\x00\x05\x16\x07")
    assert len(read(tmp_path)) == 14 * 2


def test_some_subtasks_only(tmp_path: Path) -> None:
    folder = make_release(tmp_path, pictures=1)
    for subtask in SUBTASKS[1:]:
        shutil.rmtree(folder / subtask)
    assert len(read(folder)) == 2


def test_windows_line_ends_a_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    text = make_release(tmp_path, pictures=1) / "OCR" / "0000.txt"
    text.write_bytes("\ufeffIs it?\tYes\r\nIs it not?\tNo\r\n\r\n".encode())
    assert [row[2:] for row in read(tmp_path) if row[0] == "OCR"] == [("Is it?", "Yes"), ("Is it not?", "No")]


Spoil = Callable[[Path], object]

BROKEN: dict[str, tuple[Spoil, str]] = {
    "a subtask in other letters": (
        lambda f: (f / "OCR").rename(f / "OCRs"),
        r"unknown subtask 'OCRs' \(did you mean 'OCR'",
    ),
    "no picture": (lambda f: (f / "count/0000.png").unlink(), r"0000.txt: there is no picture 0000.jpg"),
    "no questions": (lambda f: (f / "count/0000.txt").unlink(), r"0000.png: the picture has no questions"),
    "nothing": (lambda f: [p.rename(f / p.name) for p in (f / "count").iterdir()], r"count: has no questions"),
    "two pictures": (lambda f: (f / "count/0000.jpg").write_bytes(b""), r"0000.png: 0000.jpg exists, too"),
    "no tab": (lambda f: (f / "count/0000.txt").write_text("Is it? Yes\n"), r"0000.txt, line 1: not a question, a tab"),
    "two tabs": (lambda f: (f / "count/0000.txt").write_text("Is\tit?\tYes\n"), r"line 1: not a question, a tab"),
    "no truth": (
        lambda f: (f / "count/0000.txt").write_text("a?\tYes\nb?\tMaybe\n"),
        r"line 2: .* 'Maybe'; it must be",
    ),
    "one question": (lambda f: (f / "count/0000.txt").write_text("a?\tYes\n"), r"one question for .* count/0000.png"),
    "three": (lambda f: (f / "count/0000.txt").write_text("a?\tYes\nb?\tNo\nc?\tNo\n"), r"line 3: more than two"),
    "the same twice": (lambda f: (f / "count/0000.txt").write_text("a?\tYes\na?\tNo\n"), r"repeats the question of"),
    "an empty question": (
        lambda f: (f / "count/0000.txt").write_text("\tYes\nb?\tNo\n"),
        r"line 1: the question is empty",
    ),
    "not UTF-8": (lambda f: (f / "count/0000.txt").write_bytes(b"\xff\tYes\n"), r"0000.txt, line 1: not UTF-8"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_named(case: str, tmp_path: Path) -> None:
    spoil, message = BROKEN[case]
    folder = make_release(tmp_path / "release", pictures=2)
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read(folder)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = make_release(tmp_path / "release", pictures=1)
    secret = tmp_path / "secret.txt"
    secret.write_text("a?\tYes\nb?\tNo\n")
    (folder / "OCR" / "0000.txt").unlink()
    (folder / "OCR" / "0000.txt").symlink_to(secret)
    with pytest.raises(InputError, match="leads out of"):
        read(folder)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no subtask folder"):
        read(tmp_path)


def test_a_broken_picture_is_found_when_it_is_decoded_not_before(tmp_path: Path) -> None:
    # the run records an error for its two questions and goes on with the others
    folder = make_release(tmp_path, pictures=1)
    (folder / "existence" / "0000.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    first = next(mme.read(str(folder), {}))
    with pytest.raises(InputError, match=r"existence/0000.png"):
        first.image.decode()
