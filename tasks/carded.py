"""The task that a card tells: its questions, its prompts, its marks and its numbers."""

from __future__ import annotations

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
from mmeval.tasks.cards import PLACE, Card
from mmeval.types import Image, InputError, Parts, Record, Sample, Score, nearest

WORDINGS = {
    "multiple choice": "{pictures}{question}\n{options}Answer with the option's letter.",
    "yes/no": "{pictures}{question} Please answer yes or no.",
    "short answer": "{pictures}{question}\nAnswer the question using a single word or phrase.",
}
"""What is said where the card says nothing."""

_YES_NO = dict.fromkeys(("yes", "true", "1"), "yes") | dict.fromkeys(("no", "false", "0"), "no")
_STANDARD = {"pictures", "question", "options"}


def task(card: Card, facts: Mapping[str, Any] | None, home: str) -> Task:
    """The task; `facts` is the card itself where no package holds it, `home` where its data is."""
    said = card.wordings or {"direct": WORDINGS[card.kind].replace("{pictures}", "" if card.mark else "{pictures}")}
    yes = {"f1": "F1", "yes_ratio": "Answered yes"} if card.kind == "yes/no" else {}
    groups = {name: name for name in card.groups}
    return Task(
        name=card.name,
        version=card.version,
        samples=partial(samples, card),
        wordings={name: wording(card, text) for name, text in said.items()},
        scorers={"strict": scorer(card)},
        metrics={"strict": partial(numbers, card)},
        axes=dict(card.categories) or {"overall": "Accuracy"},
        totals={**({"overall": "Overall"} if card.categories else {}), **groups, **yes},
        max_new_tokens=card.max_new_tokens,
        readings={"strict": letters.reasoned, **READINGS} if card.kind == "multiple choice" else {},
        strict=letters.reasoned,
        home=home,
        facts=facts,
    )


def samples(card: Card, data: str) -> Iterator[Sample]:
    """The card's questions, in the order of its files. Raises InputError for what a row lacks."""
    if data == "embedded":
        yield from embedded_suites.samples(card.name, f"the folder that holds {' or '.join(card.files)}")
        return
    found = lines.read(data, card.files, card.hub, card.name)
    columns = {place for text in card.wordings.values() for place in PLACE.findall(text)} - _STANDARD
    for number, line in enumerate(found, start=1):
        if all(str(line.value(column)) == value for column, value in card.only.items()):
            yield sample(card, line, number, columns)


def sample(card: Card, line: Line, number: int, columns: set[str]) -> Sample:
    """A row as a question."""
    shown = [image for column in card.pictures for image in line.images(column, card.folder)]
    offered = _options(card, line)
    texts = [line.text(card.question), *offered]
    plain: list[Parts] = [(text,) for text in texts]
    question, *options = lines.placed(texts, shown, card.mark, line.where) if card.mark else plain
    prompt = question if card.mark else (*shown, *question)
    category = line.text(card.category) if card.category else ""
    if card.categories and category not in card.categories:
        hint = nearest(category, card.categories)
        raise InputError(f"{line.where}: unknown category '{category}'{hint}; there are {', '.join(card.categories)}")
    groups = {"cluster": _named(line, card.cluster)} if card.cluster else {}
    return Sample(
        id=line.text(card.id) if card.id else str(number),
        prompt=prompt,
        targets=_targets(card, line, offered),
        choices=tuple(options),
        groups=groups | {name: _named(line, columns) for name, columns in card.groups.items()},
        category=category,
        tags={column: str(line.value(column)) for column in sorted(columns)},
    )


def _named(line: Line, columns: Sequence[str]) -> str:
    """What several columns name together: figure 1 of set 1 is another than figure 1 of set 2."""
    return " / ".join(line.text(column) for column in columns)


def _options(card: Card, line: Line) -> list[str]:
    """The options: the items of one column, or those columns that are not empty, without a gap between them."""
    if not card.options:
        return []
    if len(card.options) == 1:
        found = line.texts(card.options[0])
    else:
        cells = ["" if (value := line.value(name)) is None else str(value).strip() for name in card.options]
        found = [cell for cell in cells if cell]
        if cells[: len(found)] != found:
            raise InputError(f"{line.where}: an option is empty and one after it is not; the options must be in a row")
    if len(found) < 2:
        raise InputError(f"{line.where}: {len(found)} options; a question must have two or more")
    return found


def _targets(card: Card, line: Line, offered: Sequence[str]) -> tuple[str, ...]:
    if card.kind == "short answer":
        value = line.value(card.answer)
        return tuple(line.texts(card.answer)) if isinstance(value, list) else (line.text(card.answer),)
    said = line.text(card.answer).strip()
    if card.kind == "yes/no":
        if said.lower() not in _YES_NO:
            raise InputError(f"{line.where}: the answer is '{said[:60]}'; it must be yes or no")
        return (_YES_NO[said.lower()],)
    return (_letter(card, said, offered, line.where),)


def _letter(card: Card, said: str, offered: Sequence[str], where: str) -> str:
    """The letter of the right option, however the card says answers are written."""
    if card.answers == "text":
        places = [place for place, option in enumerate(offered) if option.strip() == said]
    elif card.answers == "number":
        places = [int(said)] if said.isascii() and said.isdigit() and int(said) < len(offered) else []
    else:
        known = choices.LETTERS[: len(offered)]
        bare = said.strip("().: ")
        places = [known.index(bare)] if len(bare) == 1 and bare in known else []
    if len(places) != 1:
        raise InputError(
            f"{where}: the answer '{said[:60]}' is not the {card.answers} of one of its {len(offered)} options; "
            "mend the row, or the card's `answers`"
        )
    return choices.letter(places[0])


def wording(card: Card, text: str) -> Wording:
    """The prompt with its places filled."""
    form = card.letters.replace("A", "{}") + " "
    pieces = PLACE.split(text)

    def words(sample: Sample) -> Parts:
        own = sample.prompt if card.mark else tuple(part for part in sample.prompt if not isinstance(part, Image))
        shown = () if card.mark else tuple(part for part in sample.prompt if isinstance(part, Image))
        filled: dict[str, Parts] = {
            "pictures": shown,
            "question": own,
            "options": choices.listed(sample.choices, form),
            **{name: (value,) for name, value in sample.tags.items()},
        }
        return choices.merged([filled[piece] if place % 2 else piece for place, piece in enumerate(pieces) if piece])

    return words


def scorer(card: Card) -> Scorer:
    """The strict scorer of the card's kind."""
    if card.kind == "multiple choice":
        return choices.scorer(letters.reasoned)
    if card.kind == "yes/no":
        return yesno.scorer(yesno.strict)
    return exact if card.match == "exact" else agreement


def agreement(record: Record) -> Score:
    """VQA accuracy, as vqaEval.py has it; an answer that some of the people gave is correct."""
    if record.text is None:
        return Score(None, "error")
    value = vqa.accuracy(record.text, record.targets)
    return Score(value, "correct" if value else "incorrect", vqa.normalised(record.text))


def numbers(card: Card, records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """The share overall, of each category, of each kind of group; for yes/no how often and how well yes is said."""
    cluster: Callable[[Record], str] = (lambda record: record.groups["cluster"]) if card.cluster else pictures
    luck = _LUCK[card.kind]
    parts = by_category(records, scores, list(card.categories), cluster, luck) if card.categories else {}
    whole = percent(share(records, scores, cluster), luck(records))
    found = {"overall": macro(parts) if card.mean == "categories" else whole, **parts}
    for name in card.groups:
        found[name] = percent(group_all(records, scores, name, cluster), _all_luck(records, name, luck))
    if card.kind == "yes/no":
        found |= {name: number for name, number in detection(records, scores, cluster).items() if name != "accuracy"}
    return found


_LUCK: dict[str, Callable[[Sequence[Record]], float | None]] = {
    "multiple choice": guessing,
    "yes/no": lambda records: 50.0,
    "short answer": lambda records: None,
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
