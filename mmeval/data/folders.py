"""MME's release folder: a folder a subtask, a text file a picture, a line a question.

A subtask has its pictures and texts side by side, or in `images/` and `questions_answers_YN/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data.rows import YesNoRow, check_subtask
from mmeval.types import Image, InputError

PICTURES = {".jpg", ".jpeg", ".png"}
NOT_DATA = {"eval_tool", "__MACOSX"}
"""Folders that come with the release and hold no subtask."""


def rows(folder: Path, subtasks: Sequence[str]) -> Iterator[YesNoRow]:
    """The questions, subtask by subtask in that order, pictures by name; subtasks that are absent are left out.

    The folder that a zip wraps around the release may be given too. Raises InputError for an unknown
    subtask, a picture without questions or questions without a picture, and a line that is not
    `question<TAB>answer`.
    """
    found = _subfolders(folder)
    if len(found) == 1 and found[0].name not in subtasks:
        found = _subfolders(found[0]) or found
    if not found:
        raise InputError(f"{folder}: no subtask's folder in it; give the folder that holds {', '.join(subtasks)}")
    for path in found:
        check_subtask(path.name, str(path), subtasks)
    for path in sorted(found, key=lambda path: subtasks.index(path.name)):
        yield from _subtask(path)


def _subfolders(folder: Path) -> list[Path]:
    inside = (path for path in folder.iterdir() if path.is_dir())
    return [path for path in inside if path.name not in NOT_DATA and not path.name.startswith(".")]


def _subtask(folder: Path) -> Iterator[YesNoRow]:
    pictures = _pictures(folder / "images" if (folder / "images").is_dir() else folder)
    texts_in = folder / "questions_answers_YN"
    texts = {path.stem: path for path in sorted((texts_in if texts_in.is_dir() else folder).glob("*.txt"))}
    if not texts:
        raise InputError(f"{folder}: no questions in it; the release has a .txt file for each picture")
    for name in sorted(pictures.keys() - texts.keys()):
        raise InputError(f"{pictures[name]}: the picture has no questions; add {name}.txt or remove the picture")
    for name, text in texts.items():
        if name not in pictures:
            raise InputError(f"{text}: there is no picture {name}.jpg or {name}.png for these questions; add it")
        yield from _questions(folder, text, pictures[name])


def _pictures(folder: Path) -> dict[str, Path]:
    pictures: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURES:
            if path.stem in pictures:
                raise InputError(f"{path}: there is {pictures[path.stem].name} too; remove one of them")
            pictures[path.stem] = path
    return pictures


def _questions(folder: Path, text: Path, picture: Path) -> Iterator[YesNoRow]:
    for path in (text, picture):
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{path}: a link out of its folder; put the file itself there")
    image = Image(picture, f"{folder.name}/{picture.name}")
    for number, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        question, tab, answer = line.partition("\t")
        if not tab or "\t" in answer.rstrip():
            raise InputError(f"{text}, line {number}: not a question, a tab, and Yes or No; mend the line")
        yield YesNoRow(folder.name, picture.name, image, question, answer.strip(), f"{text}, line {number}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
