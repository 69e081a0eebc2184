"""Turn a row of a card's table into a question: its kind, pictures, options, answer and groups."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from mmeval.cards.schema import CHOICES, NOT_COLUMNS, PLACE, Card
from mmeval.data import files, marks, tables
from mmeval.data.tables import TableRow
from mmeval.scoring.readings import choices, short
from mmeval.scoring.readings.official import AS_WRITTEN
from mmeval.scoring.readings.strict import languages
from mmeval.types import SPARE, Image, InputError, Sample, images, plural

KIND = "kind of question"
"""The tag that names a question's kind, if a card has several kinds."""
OWN_ID = "id in the data"
"""The tag with a row's id if an earlier row has the same id; the sample's own id then includes the row's number."""
NAN = "nan"
"""An empty cell, as pandas writes it as text: no option."""
_SEVERAL = re.compile(r"[,;/|]|\bor\b")
"""Separates the letters of an answer that has several."""
_PART = re.compile(r"(.+)([/%])([1-9][0-9]*)")
"""The quotient or remainder of a column of whole numbers: `index/4`, `index%2`."""


def samples(
    card: Card, task: str, tag_columns: Collection[str], data: str, frames: int = 0, sampler: str = ""
) -> Iterator[Sample]:
    """Yield the card's questions in the order of its files. Raises InputError naming the row that is wrong.

    Their tags have the columns of the prompts and the `tag_columns`. Rows that share an id (49914 in SEED-Bench)
    are separate questions; the later ones get their row's number as well.
    """
    hub = card.hub.model_dump(exclude_none=True) if card.hub else None
    rows = tables.read(data, card.files, hub, task, card.rows)
    texts = [text for by_kind in card.prompts.values() for text in by_kind.values()]
    columns = {name for text in texts for name in PLACE.findall(text)} - NOT_COLUMNS | {*tag_columns}
    seen: set[str] = set()
    number, has_pictures = 0, False
    for number, line in enumerate(rows, start=1):
        if all(str(line.value(column)) in values for column, values in card.only.items()):
            question = sample(card, line, number, columns, frames, sampler)
            if question.id in seen:
                question = replace(
                    question, id=f"{question.id} (row {number})", tags={**question.tags, OWN_ID: question.id}
                )
            seen.add(question.id)
            has_pictures = has_pictures or any(images(parts) for parts in (question.prompt, *question.choices))
            yield question
    if not seen or (card.fields.pictures and not has_pictures):
        location = ", ".join(str(Path(data, name)) for name in card.files) if Path(data).is_dir() else data
        raise InputError(f"{location}: {_lacking(card, number, len(seen))}")


def _lacking(card: Card, rows: int, questions: int) -> str:
    """Return what a table without any questions, or without any pictures, lacks."""
    if not rows:
        return "no rows; check that it is the right file or folder"
    if not questions:
        conditions = " and ".join(f"{column} {' or '.join(values)}" for column, values in card.only.items())
        return f"none of the {plural(rows, 'row')} has {conditions}; fix the card's `only`, or name other data"
    columns = " or ".join(card.fields.pictures)
    return f"no row has a picture in {columns}; fill the column, or remove `pictures` from the card"


def sample(card: Card, line: TableRow, number: int, columns: set[str], frames: int = 0, sampler: str = "") -> Sample:
    """Return a row as a question, with `frames` frames of its video. Without marks, its pictures come first."""
    kind = _kind(card, line)
    clip, about_frames = _frames(card, line, frames, sampler)
    by_column = [line.images(column, card.folder) for column in card.fields.pictures]
    pictures = [*(image for column in by_column for image in column), *clip]
    option_texts = _option_texts(card, line) if kind == "multiple choice" else []
    option_images = _option_images(card, line) if kind == "picture choice" else []
    texts = [line.text(card.fields.question), *option_texts]
    spare = 0
    if card.mark and any(matches := [re.search(marks.numbered(card.mark), text) for text in texts]):
        gap = any(later and not earlier for earlier, later in pairwise(by_column))
        if gap and any(match and match.groups() for match in matches):
            raise InputError(
                f"{line.where}: a picture column is empty but a later one is not, so it is unclear which picture a "
                "numbered mark stands for; leave no gap"
            )
        prompt, *options = marks.placed(texts, pictures, card.mark, line.where, spare=True)
        spare = len({*pictures} - {part for parts in (prompt, *options) for part in images(parts)})
    else:
        prompt, options = (*pictures, texts[0]), [(text,) for text in option_texts]
    category = line.text(card.fields.category) if card.fields.category else ""
    if card.categories:
        tables.known(line.where, "category", category, card.categories)
    cluster = {"cluster": _joined(line, card.fields.cluster)} if card.fields.cluster else {}
    groups = {name: group for name, columns in card.groups.items() if (group := _group(line, columns))}
    tags = {column: line.cell(column) for column in sorted(columns)} | about_frames
    answer = line.value(card.fields.answer)
    if kind in CHOICES and isinstance(answer, str) and answer != answer.strip():
        tags[AS_WRITTEN] = answer
    tags |= {SPARE: str(spare)} if spare else {}
    return Sample(
        id=line.text(card.fields.id) if card.fields.id else str(number),
        prompt=prompt,
        targets=_targets(card, kind, line, option_texts or option_images),
        choices=tuple((image,) for image in option_images) or tuple(options),
        groups=cluster | groups,
        category=category,
        tags=tags | {KIND: kind} if card.fields.kind else tags,
    )


def _frames(card: Card, line: TableRow, frames: int, sampler: str) -> tuple[tuple[Image, ...], dict[str, str]]:
    """Return the frames of the row's video, and the tags that describe them."""
    if card.fields.video is None:
        return (), {}
    from mmeval.data import video

    if line.folder is None and files.media_needed():
        raise InputError(f"{line.where}: a table on the hub has no videos; give the folder of the table and its videos")
    folder, names = line.folder or Path(), line.places(line.text(card.fields.video), card.folder)
    span = line.span(card.fields.start, card.fields.end)
    return video.frames(folder, names, line.where, frames or video.FRAMES, sampler or video.SAMPLER, span)


def _kind(card: Card, line: TableRow) -> str:
    value = line.text(card.fields.kind) if card.fields.kind else ""
    if value in card.kind:
        return card.kind[value]
    for name, kind in card.kind.items():
        if "*" in name and re.fullmatch(".*".join(map(re.escape, name.split("*"))), value, re.DOTALL):
            return kind
    return tables.known(line.where, "kind", value, card.kind)


def _group(line: TableRow, columns: Sequence[str]) -> str:
    """Return the name of the row's group; empty if a cell is empty, such as for a question without a figure."""
    cells = [line.value(column) for column in columns if column in line.values]
    return "" if any(cell is None or str(cell).strip() == "" for cell in cells) else _joined(line, columns)


def _joined(line: TableRow, columns: Sequence[str]) -> str:
    """Join the columns into one name: figure 1 of set 1 is not figure 1 of set 2."""
    return " / ".join(_cell(line, column) for column in columns)


def _cell(line: TableRow, column: str) -> str:
    """Return the column's text; for `index/4` and `index%4`, the quotient and the remainder."""
    part = _PART.fullmatch(column) if column not in line.values else None
    if part is None:
        return line.text(column)
    name, sign, by = part.groups()
    value = line.text(name).removesuffix(".0")  # pandas writes whole numbers beside an empty cell as 5.0
    if not re.fullmatch("[0-9]{1,18}", value):
        raise InputError(f"{line.where}: the column {name} is '{value[:40]}'; for {column} it must be a whole number")
    return str(int(value) // int(by) if sign == "/" else int(value) % int(by))


def _option_images(card: Card, line: TableRow) -> list[Image]:
    """Return the options of a picture choice, from one column or one column per option, without a gap between them."""
    columns = [line.images(column, card.folder) for column in card.fields.options]
    pictures = [image for column in columns for image in column]
    gap = len(columns) > 1 and any(len(column) != (index < len(pictures)) for index, column in enumerate(columns))
    _check(line, len(pictures), gap, "pictures to choose from", "")
    return pictures


def _check(line: TableRow, number: int, gap: bool, what: str, advice: str) -> None:
    """Raise InputError for a gap between options, for fewer than two, and for more than there are letters."""
    if gap:
        raise InputError(f"{line.where}: an option is empty but a later one is not; leave no gap between options")
    if number < 2:
        raise InputError(f"{line.where}: a question must have two or more {what}; this one has {number}{advice}")
    if number > len(choices.LETTERS):
        raise InputError(f"{line.where}: {number} options, but there are only 26 letters; leave some options out")


def _option_texts(card: Card, line: TableRow) -> list[str]:
    """Return the options, from one column or from one column per option, without a gap between them.

    Empty options at the end are dropped. If the question itself lists the options, return their letters. If all options
    begin with their letters, these are removed.
    """
    if card.lettered:
        return [choices.letter(index) for index in range(card.lettered)]
    columns = card.fields.options
    if len(columns) > 1:
        cells = [line.cell(name).strip() for name in columns]
    else:
        value = line.unpacked(columns[0])
        cells = listed(value) if isinstance(value, str) else line.texts(columns[0], missing="")
    options = [cell for cell in cells if cell.strip() not in ("", NAN, card.absent)]
    advice = "; write them in a list, in one column each, or in a text such as 'A: a saw B: a file'"
    _check(line, len(options), cells[: len(options)] != options, "options", advice)
    heads = [re.match(_HEAD.format(choices.letter(index)), option) for index, option in enumerate(options)]
    return [
        option[head.end() :] if head and all(heads) else option for option, head in zip(options, heads, strict=True)
    ]


_HEAD = r"\(?{}[.:)]\s*(?=\S)"
"""The beginning of an option that includes its letter: "A. ", "(A) ", "A: "."""


def listed(text: str) -> list[str]:
    """Return the options, without letters, of a text that lists them with letters, such as "A: a cat B: a dog"."""
    heads: list[re.Match[str]] = []
    for letter in choices.LETTERS:
        match = re.compile(r"(?<!\S)" + _HEAD.format(letter)).search(text, heads[-1].start() + 1 if heads else 0)
        if match is None:
            break
        heads.append(match)
    ends = [*(head.start() for head in heads), len(text)][1:]
    return [text[head.end() : end].strip(" \t\n,;") for head, end in zip(heads, ends, strict=True)]


def _targets(card: Card, kind: str, line: TableRow, options: Sequence[str | Image]) -> tuple[str, ...]:
    """Return the correct answers; none if the cell is empty, as in a set whose answers are withheld."""
    value = line.value(card.fields.answer)
    if value in (None, []) or str(value).strip() == "":
        return ()
    if kind == "short answer":
        texts = tuple(line.texts(card.fields.answer)) if isinstance(value, list) else (line.text(card.fields.answer),)
        if card.match in ("numeric", "mra") and all(short.number(text) is None for text in texts):
            problem = f"the answer '{texts[0][:60]}' is not a single number, as match: {card.match} needs"
            raise InputError(f"{line.where}: {problem}; fix the row, or the card's `match`")
        return texts
    if kind != "yes/no":
        answers = line.unpacked(card.fields.answer)
        if not isinstance(answers, list):
            answers = _SEVERAL.split(str(value)) if card.answers == "letter" else [value]
        return tuple(dict.fromkeys(_letter(card, str(item).strip(), options, line.where) for item in answers))
    answer = line.text(card.fields.answer).strip()
    if (label := languages.label(answer, card.languages)) is None:
        problem = f"the answer is '{answer[:60]}'"
        raise InputError(f"{line.where}: {problem}; it must be yes or no, in one of the card's languages")
    return (label,)


def _letter(card: Card, answer: str, options: Sequence[str | Image], where: str) -> str:
    letters = [choices.letter(index) for index in range(len(options))]
    numbers, texts = [str(index) for index in range(len(options))], [str(option).strip() for option in options]
    keys = {"letter": letters, "number": numbers, "text": texts}[card.answers]
    value = answer.strip("().: ").upper() if card.answers == "letter" else answer
    if card.answers == "number":
        value = value.removesuffix(".0")  # as pandas writes whole numbers beside an empty cell
    if keys.count(value) != 1:
        raise InputError(
            f"{where}: the answer '{answer[:60]}' is not the {card.answers} of one of its options; "
            "fix the row, or the card's `answers`"
        )
    return letters[keys.index(value)]
