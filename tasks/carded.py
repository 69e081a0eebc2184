"""The task that a card tells: its questions, its prompts, its marks and its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mmeval.scoring import choices, letters, vqa, yesno
from mmeval.scoring.binary import detection
from mmeval.scoring.choices_public import READINGS
from mmeval.scoring.groups import by_category, group_all, guessing, key, macro, percent, pictures, share
from mmeval.scoring.short import exact
from mmeval.scoring.statistics import Statistic
from mmeval.sources import embedded_suites, lines
from mmeval.sources.lines import Line
from mmeval.task import Scorer, Task, Wording
from mmeval.tasks.cards import PLACE, PLACES, Card
from mmeval.types import Image, InputError, Parts, Record, Sample, Score, nearest

WORDINGS = {
    "multiple choice": "{pictures}{question}\n{options}Answer with the option's letter.",
    "yes/no": "{pictures}{question} Please answer yes or no.",
    "short answer": "{pictures}{question}\nAnswer the question using a single word or phrase.",
}
"""What is said where the card says nothing."""

KIND = "kind of question"
"""The tag that names a question's kind, where a card has several."""
_YES_NO = dict.fromkeys(("yes", "true", "1"), "yes") | dict.fromkeys(("no", "false", "0"), "no")
_PART = re.compile(r"(.+)([/%])([1-9][0-9]*)")
"""A column of whole numbers, divided or counted off: `index/4`, `index%2`."""
_WHOLE = re.compile(r"[0-9]{1,18}")


def task(card: Card, facts: Mapping[str, Any] | None, home: str) -> Task:
    """The task; `facts` is the card itself where no package holds it, `home` where its data is."""
    said = card.wordings or {"direct": {kind: _standard(card, kind) for kind in card.kinds.values()}}
    only = next(iter(card.kinds.values())) if card.kind is None else None
    yes = {"f1": "F1", "yes_ratio": "Answered yes"} if only == "yes/no" else {}
    groups = {name: name for name in card.groups}
    return Task(
        name=card.name,
        version=card.version,
        samples=partial(samples, card),
        wordings={name: wording(card, texts) for name, texts in said.items()},
        scorers={"strict": scorer(card)},
        metrics={"strict": partial(numbers, card)},
        axes=dict(card.categories) or {"overall": "Accuracy"},
        totals={**({"overall": "Overall"} if card.categories else {}), **groups, **yes},
        max_new_tokens=card.max_new_tokens,
        readings={"strict": letters.reasoned, **READINGS} if only == "multiple choice" else {},
        strict=letters.reasoned,
        home=home,
        facts=facts,
    )


def _standard(card: Card, kind: str) -> str:
    text = WORDINGS[kind].replace("{options}", "" if card.lettered else "{options}")
    return text.replace("{pictures}", "" if card.mark else "{pictures}")


def samples(card: Card, data: str) -> Iterator[Sample]:
    """The card's questions, in the order of its files. Raises InputError for what a row lacks."""
    if data == "embedded":
        yield from embedded_suites.samples(card.name, f"the folder that holds {' or '.join(card.files)}")
        return
    found = lines.read(data, card.files, card.hub, card.name, card.rows)
    texts = [text for own in card.wordings.values() for text in own.values()]
    columns = {place for text in texts for place in PLACE.findall(text)} - PLACES
    for number, line in enumerate(found, start=1):
        if all(str(line.value(column)) in values for column, values in card.only.items()):
            yield sample(card, line, number, columns)


def sample(card: Card, line: Line, number: int, columns: set[str]) -> Sample:
    """A row as a question. One with no mark at all shows its pictures first."""
    kind = _kind(card, line)
    shown = [image for column in card.pictures for image in line.images(column, card.folder)]
    offered = _options(card, line) if kind == "multiple choice" else []
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
        targets=_targets(card, kind, line, offered),
        choices=tuple(options),
        groups=cluster | groups,
        category=category,
        tags={column: str(line.value(column)) for column in sorted(columns)} | ({KIND: kind} if card.kind else {}),
    )


def _kind(card: Card, line: Line) -> str:
    """What kind of question the row is. Raises InputError for a value that the card does not tell."""
    value = line.text(card.kind) if card.kind else ""
    if value not in card.kinds:
        known = ", ".join(card.kinds)
        raise InputError(f"{line.where}: unknown kind '{value[:60]}'{nearest(value, card.kinds)}; there are {known}")
    kind: str = card.kinds[value]
    return kind


def _group(line: Line, columns: Sequence[str]) -> str:
    """The name of the row's group; none where a cell is empty: a question without a figure is in no figure's group."""
    cells = [line.value(column) for column in columns if column in line.values]
    return "" if any(cell is None or str(cell).strip() == "" for cell in cells) else _named(line, columns)


def _named(line: Line, columns: Sequence[str]) -> str:
    """What several columns name together: figure 1 of set 1 is another than figure 1 of set 2."""
    return " / ".join(_cell(line, column) for column in columns)


def _cell(line: Line, column: str) -> str:
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


def _options(card: Card, line: Line) -> list[str]:
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
        raise InputError(f"{line.where}: {len(found)} options; a question must have two or more")
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


def _targets(card: Card, kind: str, line: Line, offered: Sequence[str]) -> tuple[str, ...]:
    if kind == "short answer":
        value = line.value(card.answer)
        return tuple(line.texts(card.answer)) if isinstance(value, list) else (line.text(card.answer),)
    said = line.text(card.answer).strip()
    if kind == "yes/no":
        if said.lower() not in _YES_NO:
            raise InputError(f"{line.where}: the answer is '{said[:60]}'; it must be yes or no")
        return (_YES_NO[said.lower()],)
    return (_letter(card, said, offered, line.where),)


def _letter(card: Card, said: str, offered: Sequence[str], where: str) -> str:
    """The letter of the right option, however the card says answers are written."""
    if card.answers == "text":
        places = [place for place, option in enumerate(offered) if option.strip() == said]
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


def wording(card: Card, texts: Mapping[str, str]) -> Wording:
    """The prompt of each kind with its places filled."""
    form = card.letters.replace("A", "{}") + " "
    pieces = {kind: PLACE.split(text) for kind, text in texts.items()}

    def words(sample: Sample) -> Parts:
        own = sample.prompt if card.mark else tuple(part for part in sample.prompt if not isinstance(part, Image))
        shown = () if card.mark else tuple(part for part in sample.prompt if isinstance(part, Image))
        filled: dict[str, Parts] = {
            "pictures": shown,
            "question": own,
            "options": choices.listed(sample.choices, form),
            **{name: (value,) for name, value in sample.tags.items()},
        }
        said = pieces[_of(card, sample.tags)]
        return choices.merged([filled[piece] if place % 2 else piece for place, piece in enumerate(said) if piece])

    return words


def _of(card: Card, tags: Mapping[str, str]) -> str:
    """The kind of a question, asked or answered."""
    return tags[KIND] if card.kind else card.kinds[""]


def scorer(card: Card) -> Scorer:
    """The strict scorer of each question's kind."""
    short_answer = exact if card.match == "exact" else agreement
    scorers: dict[str, Scorer] = {
        "multiple choice": choices.scorer(letters.reasoned),
        "yes/no": yesno.scorer(yesno.strict),
        "short answer": short_answer,
    }
    return lambda record: scorers[_of(card, record.tags)](record)


def agreement(record: Record) -> Score:
    """VQA accuracy, as vqaEval.py has it; an answer that some of the people gave is correct, an empty one unparsed."""
    if record.text is None:
        return Score(None, "error")
    answer = vqa.normalised(record.text)
    if not answer:
        return Score(0.0, "unparsed")
    value = vqa.accuracy(record.text, record.targets)
    return Score(value, "correct" if value else "incorrect", answer)


def numbers(card: Card, records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """The share overall, of each category, of each kind of group; for yes/no how often and how well yes is said."""
    cluster: Callable[[Record], str] = (lambda record: record.groups["cluster"]) if card.cluster else pictures
    luck = partial(_luck, card)
    names = list(card.categories) or sorted({record.category for record in records})
    parts = by_category(records, scores, names, cluster, luck) if card.category else {}
    whole = percent(share(records, scores, cluster), luck(records))
    found = {"overall": macro(parts) if card.mean == "categories" else whole}
    found |= parts if card.categories else {}
    for name in card.groups:
        inside = [pair for pair in zip(records, scores, strict=True) if name in pair[0].groups]
        own, theirs = [record for record, _ in inside], [score for _, score in inside]
        found[name] = percent(group_all(own, theirs, name, cluster), _all_luck(own, name, luck))
    if tuple(card.kinds.values()) == ("yes/no",):
        found |= {name: number for name, number in detection(records, scores, cluster).items() if name != "accuracy"}
    return found


def _luck(card: Card, records: Sequence[Record]) -> float | None:
    """What guessing gives, of 100; None where a short answer is among the questions."""
    each = [_LUCK[_of(card, record.tags)](record) for record in records]
    known = [value for value in each if value is not None]
    return sum(known) / len(known) if known and len(known) == len(each) else None


_LUCK: dict[str, Callable[[Record], float | None]] = {
    "multiple choice": lambda record: guessing([record]),
    "yes/no": lambda record: 50.0,
    "short answer": lambda record: None,
}


def _all_luck(records: Sequence[Record], name: str, luck: Callable[[Sequence[Record]], float | None]) -> float | None:
    """What guessing every question of a group gives, of 100."""
    groups: dict[str, float] = {}
    for record in records:
        own = luck([record])
        if own is None:
            return None
        group = key(record, name)
        groups[group] = groups.get(group, 100.0) * own / 100.0
    return sum(groups.values()) / len(groups) if groups else None
