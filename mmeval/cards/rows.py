"""A row of a card's table as a question: its kind, its pictures, its options, its answer and its groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mmeval.cards.schema import PLACE, PLACES, Card
from mmeval.data import lines
from mmeval.data.lines import TableRow
from mmeval.scoring.readings import choices
from mmeval.types import Image, InputError, Parts, Sample, nearest

KIND = "kind of question"
"""The tag that names a question's kind, where a card has several."""
_YES_NO = dict.fromkeys(("yes", "true", "1"), "yes") | dict.fromkeys(("no", "false", "0"), "no")
_PART = re.compile(r"(.+)([/%])([1-9][0-9]*)")
"""A column of whole numbers, divided or counted off: `index/4`, `index%2`."""
_WHOLE = re.compile(r"[0-9]{1,18}")


def samples(card: Card, data: str, frames: int | None = None, sampler: str | None = None) -> Iterator[Sample]:
    """The card's questions, in the order of its files; of a video so many frames. Raises InputError for a wrong row."""
    found = lines.read(data, card.files, card.hub, card.name, card.rows)
    texts = [text for own in card.prompts.values() for text in own.values()]
    columns = {place for text in texts for place in PLACE.findall(text)} - PLACES
    for number, line in enumerate(found, start=1):
        if all(str(line.value(column)) in values for column, values in card.only.items()):
            yield sample(card, line, number, columns, frames, sampler)


def sample(
    card: Card, line: TableRow, number: int, columns: set[str], frames: int | None = None, sampler: str | None = None
) -> Sample:
    """A row as a question. One with no mark at all shows its pictures first."""
    kind = _kind(card, line)
    shown = [image for column in card.pictures for image in line.images(column, card.folder)]
    clip, told = _frames(card, line, frames, sampler)
    shown += clip
    offered = _options(card, line) if kind == "multiple choice" else []
    drawn = _drawn(card, line) if kind == "picture choice" else []
    texts = [line.text(card.question), *offered]
    plain: list[Parts] = [(text,) for text in texts]
    marked = card.mark if card.mark and any(card.mark in text for text in texts) else None
    question, *options = lines.placed(texts, shown, marked, line.where) if marked else plain
    prompt = question if marked else (*shown, *question)
    category = line.text(card.category) if card.category else ""
    if card.categories and category not in card.categories:
        hint = nearest(category, card.categories)
        raise InputError(f"{line.where}: unknown category '{category}'{hint}; there are {', '.join(card.categories)}")
    cluster = {"cluster": _named(line, card.cluster)} if card.cluster else {}
    groups = {name: named for name, columns in card.groups.items() if (named := _group(line, columns))}
    return Sample(
        id=line.text(card.id) if card.id else str(number),
        prompt=prompt,
        targets=_targets(card, kind, line, offered or drawn),
        choices=tuple((image,) for image in drawn) or tuple(options),
        groups=cluster | groups,
        category=category,
        tags={column: str(line.value(column)) for column in sorted(columns)}
        | told
        | ({KIND: kind} if card.kind else {}),
    )


def _frames(
    card: Card, line: TableRow, frames: int | None, sampler: str | None
) -> tuple[tuple[Image, ...], dict[str, str]]:
    """The frames of the row's video, and which they are."""
    if card.video is None:
        return (), {}
    from mmeval.data import video

    if line.folder is None:
        raise InputError(f"{line.where}: a table of a hub holds no videos; give the folder of the table and its videos")
    names = line.places(line.text(card.video), card.folder)
    count, chosen = video.FRAMES if frames is None else frames, video.SAMPLER if sampler is None else sampler
    found: tuple[tuple[Image, ...], dict[str, str]] = video.frames(line.folder, names, line.where, count, chosen)
    return found


def _kind(card: Card, line: TableRow) -> str:
    """What kind of question the row is. Raises InputError for a value that the card does not tell."""
    value = line.text(card.kind) if card.kind else ""
    if value not in card.kinds:
        known = ", ".join(card.kinds)
        raise InputError(f"{line.where}: unknown kind '{value[:60]}'{nearest(value, card.kinds)}; there are {known}")
    kind: str = card.kinds[value]
    return kind


def _group(line: TableRow, columns: Sequence[str]) -> str:
    """The name of the row's group; none where a cell is empty: a question without a figure is in no figure's group."""
    cells = [line.value(column) for column in columns if column in line.values]
    return "" if any(cell is None or str(cell).strip() == "" for cell in cells) else _named(line, columns)


def _named(line: TableRow, columns: Sequence[str]) -> str:
    """What several columns name together: figure 1 of set 1 is another than figure 1 of set 2."""
    return " / ".join(_cell(line, column) for column in columns)


def _cell(line: TableRow, column: str) -> str:
    """The column's text; of `index/4` and `index%4` the whole number and the remainder."""
    part = _PART.fullmatch(column) if column not in line.values else None
    if part is None:
        return line.text(column)
    value = line.text(part[1])
    if not _WHOLE.fullmatch(value):
        raise InputError(
            f"{line.where}: the column {part[1]} is '{value[:40]}'; for {column} it must be a whole number"
        )
    return str(int(value) // int(part[3]) if part[2] == "/" else int(value) % int(part[3]))


def _drawn(card: Card, line: TableRow) -> list[Image]:
    """The options that are pictures: of one column, or of a column each, without a gap between them."""
    columns = [line.images(column, card.folder) for column in card.options]
    found = [image for column in columns for image in column]
    if len(columns) > 1 and any(len(column) != (place < len(found)) for place, column in enumerate(columns)):
        raise InputError(f"{line.where}: an option is empty and one after it is not; the options must be in a row")
    if len(found) < 2:
        raise InputError(f"{line.where}: {len(found)} pictures to choose from; a question must have two or more")
    return found


def _options(card: Card, line: TableRow) -> list[str]:
    """The options: of one column, or those columns that are not empty, without a gap between them.

    Where the question itself lists them, only their letters are known. A letter that each one begins with goes.
    """
    if card.lettered:
        return [choices.letter(place) for place in range(card.lettered)]
    if len(card.options) == 1:
        value = line.value(card.options[0])
        found = _listed(value) if isinstance(value, str) else line.texts(card.options[0])
    else:
        nothing = {"", card.absent}
        cells = ["" if (value := line.value(name)) is None else str(value).strip() for name in card.options]
        found = [cell for cell in cells if cell not in nothing]
        if cells[: len(found)] != found:
            raise InputError(f"{line.where}: an option is empty and one after it is not; the options must be in a row")
    if len(found) < 2:
        raise InputError(
            f"{line.where}: {len(found)} options; a question must have two or more, in a list, in a column each, "
            "or in a text, as in 'A: a saw B: a file'"
        )
    heads = [re.match(_HEAD.format(choices.letter(place)), option) for place, option in enumerate(found)]
    return [option[head.end() :] if head and all(heads) else option for option, head in zip(found, heads, strict=True)]


_HEAD = r"\(?{}[.:)]\s*(?=\S)"
"""How an option begins that has its letter with it: "A. ", "(A) ", "A: "."""


def _listed(text: str) -> list[str]:
    """The options of a text that lists them with their letters: "A: a cat\\nB: a dog"."""
    starts: list[int] = []
    for letter in choices.LETTERS:
        found = re.compile(r"(?<!\S)" + _HEAD.format(letter)).search(text, starts[-1] + 1 if starts else 0)
        if found is None:
            break
        starts.append(found.start())
    return [text[start:end].strip(" \t\n,;") for start, end in zip(starts, [*starts, len(text)][1:], strict=True)]


def _targets(card: Card, kind: str, line: TableRow, offered: Sequence[str | Image]) -> tuple[str, ...]:
    if kind == "short answer":
        value = line.value(card.answer)
        return tuple(line.texts(card.answer)) if isinstance(value, list) else (line.text(card.answer),)
    said = line.text(card.answer).strip()
    if kind == "yes/no":
        if said.lower() not in _YES_NO:
            raise InputError(f"{line.where}: the answer is '{said[:60]}'; it must be yes or no")
        return (_YES_NO[said.lower()],)
    return (_letter(card, said, offered, line.where),)


def _letter(card: Card, said: str, offered: Sequence[str | Image], where: str) -> str:
    """The letter of the right option, however the card says answers are written."""
    if card.answers == "text":
        places = [place for place, option in enumerate(offered) if str(option).strip() == said]
    elif card.answers == "number":
        places = [place for place in range(len(offered)) if str(place) == said]
    else:
        known = choices.LETTERS[: len(offered)]
        bare = said.strip("().: ").upper()
        places = [known.index(bare)] if len(bare) == 1 and bare in known else []
    if len(places) != 1:
        raise InputError(
            f"{where}: the answer '{said[:60]}' is not the {card.answers} of one of its {len(offered)} options; "
            "mend the row, or the card's `answers`"
        )
    return choices.letter(places[0])
