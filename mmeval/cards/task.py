"""The task that a card tells: its prompts, its marks and its numbers. Its questions are `card_rows`'s."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from mmeval.cards.rows import KIND, samples
from mmeval.cards.schema import CHOICES, PLACE, Card
from mmeval.scoring.metrics import vqa
from mmeval.scoring.metrics.binary import detection
from mmeval.scoring.metrics.groups import by_category, group_all, guessing, key, macro, percent, pictures, share
from mmeval.scoring.readings import choices, letters, yesno
from mmeval.scoring.readings.public import READINGS
from mmeval.scoring.readings.short import exact
from mmeval.scoring.statistics import Statistic
from mmeval.task import Prompt, Scorer, Task
from mmeval.types import Image, Parts, Record, Sample, Score

PROMPTS = {
    **dict.fromkeys(CHOICES, "{pictures}{question}\n{options}Answer with the option's letter."),
    "yes/no": "{pictures}{question} Please answer yes or no.",
    "short answer": "{pictures}{question}\nAnswer the question using a single word or phrase.",
}
"""What is said where the card says nothing."""


def task(card: Card, facts: Mapping[str, Any] | None, default_source: str) -> Task:
    """The task; `facts` is the card itself where no package holds it, `default_source` where its data is."""
    said = card.prompts or {"direct": {kind: _standard(card, kind) for kind in card.kinds.values()}}
    only = next(iter(card.kinds.values())) if card.kind is None else None
    yes = {"f1": "F1", "yes_ratio": "Answered yes"} if only == "yes/no" else {}
    groups = {name: name for name in card.groups}
    shown: dict[str, Any] = {}
    if card.video:
        from mmeval.data.video import FRAMES, SAMPLER

        shown = {"video": partial(samples, card), "frames": FRAMES, "sampler": SAMPLER}
    return Task(
        name=card.name,
        version=card.version,
        samples=partial(samples, card),
        prompts={name: prompt(card, texts) for name, texts in said.items()},
        scorers={"strict": scorer(card)},
        metrics={"strict": partial(numbers, card)},
        axes=dict(card.categories) or {"overall": "Accuracy"},
        totals={**({"overall": "Overall"} if card.categories else {}), **groups, **yes},
        max_new_tokens=card.max_new_tokens,
        readings={"strict": letters.reasoned, **READINGS} if only == "multiple choice" else {},
        strict=letters.reasoned,
        default_source=default_source,
        facts=facts,
        **shown,
    )


def _standard(card: Card, kind: str) -> str:
    text = PROMPTS[kind].replace("{options}", "" if card.lettered else "{options}")
    return text.replace("{pictures}", "" if card.mark else "{pictures}")


def prompt(card: Card, texts: Mapping[str, str]) -> Prompt:
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
        **dict.fromkeys(CHOICES, choices.scorer(letters.reasoned)),
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
    chance = partial(_chance, card)
    names = list(card.categories) or sorted({record.category for record in records})
    parts = by_category(records, scores, names, cluster, chance) if card.category else {}
    whole = percent(share(records, scores, cluster), chance(records))
    found = {"overall": macro(parts) if card.mean == "categories" else whole}
    found |= parts if card.categories else {}
    for name in card.groups:
        inside = [pair for pair in zip(records, scores, strict=True) if name in pair[0].groups]
        own, theirs = [record for record, _ in inside], [score for _, score in inside]
        found[name] = percent(group_all(own, theirs, name, cluster), _chance_of_all(own, name, chance))
    if tuple(card.kinds.values()) == ("yes/no",):
        found |= {name: number for name, number in detection(records, scores, cluster).items() if name != "accuracy"}
    return found


def _chance(card: Card, records: Sequence[Record]) -> float | None:
    """What guessing gives, of 100; None where a short answer is among the questions."""
    each = [_CHANCE[_of(card, record.tags)](record) for record in records]
    known = [value for value in each if value is not None]
    return sum(known) / len(known) if known and len(known) == len(each) else None


_CHANCE: dict[str, Callable[[Record], float | None]] = {
    **dict.fromkeys(CHOICES, lambda record: guessing([record])),
    "yes/no": lambda record: 50.0,
    "short answer": lambda record: None,
}


def _chance_of_all(
    records: Sequence[Record], name: str, chance: Callable[[Sequence[Record]], float | None]
) -> float | None:
    """What guessing every question of a group gives, of 100."""
    groups: dict[str, float] = {}
    for record in records:
        own = chance([record])
        if own is None:
            return None
        group = key(record, name)
        groups[group] = groups.get(group, 100.0) * own / 100.0
    return sum(groups.values()) / len(groups) if groups else None
