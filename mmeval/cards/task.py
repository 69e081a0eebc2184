"""The task that a card describes: its prompts, scorers and metrics. `rows` reads its questions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mmeval import yaml_file
from mmeval.cards.rows import KIND, OWN_ID, samples
from mmeval.cards.schema import CHOICES, PLACE, Card, check
from mmeval.data import video
from mmeval.scoring.metrics import groups
from mmeval.scoring.readings import choices, short, vqa, yesno
from mmeval.scoring.readings.official import JUDGE, OFFICIAL
from mmeval.scoring.readings.scripts.public import SCORERS
from mmeval.scoring.readings.strict.letter import strict
from mmeval.scoring.statistics import Statistic
from mmeval.scoring.verdicts import NO_JUDGE, Grader
from mmeval.task import Prompt, Scorer, Task
from mmeval.types import Image, Parts, Record, Sample, Score, one_of, part_of

PROMPTS = {
    **dict.fromkeys(CHOICES, "{pictures}{question}\n{options}Answer with the option's letter."),
    "yes/no": "{pictures}{question} Please answer yes or no.",
    "short answer": "{pictures}{question}\nAnswer the question using a single word or phrase.",
}
"""Kind -> the prompt if the card has none."""
DETAILS = {"f1": "F1", "precision": "Precision", "recall": "Recall", "yes_ratio": "Answered yes"}
"""What a card of yes/no questions reports in addition to accuracy."""


def load(path: Path) -> Task:
    """Return the task of a user's card; its data is in the card's folder. Raises InputError."""
    values = yaml_file.read(path)
    return build(path.stem, values, str(path), facts=values, source=str(path.parent))


def build(
    name: str,
    values: Mapping[str, Any],
    where: str,
    facts: Mapping[str, Any] | None = None,
    source: str = "embedded",
    grader: Grader | None = None,
) -> Task:
    """Build a card's task. `where` names the card in messages; `facts` is the card if it is not packaged."""
    card = check(values, where)
    read = partial(samples, card, name, () if grader is None else grader.columns)
    prompts = card.prompts or {"direct": {kind: _default_prompt(card, kind) for kind in card.kind.values()}}
    only = None if card.fields.kind else card.kind[""]
    scorers, readings = _reading(card, only)
    return Task(
        name=name,
        version=card.version,
        samples=read,
        prompts={key: prompt(card, texts) for key, texts in prompts.items()},
        scorers=scorers,
        metric=partial(numbers, card),
        axes=dict(card.categories) or {"overall": "ANLS" if card.match == "anls" else "Accuracy"},
        totals=({"overall": "Overall"} if card.categories else {}) | {group: group for group in card.groups},
        details=DETAILS if only == "yes/no" else {},
        max_new_tokens=card.max_new_tokens,
        readings=readings,
        choice=only == "multiple choice",
        default_source=source,
        facts=facts,
        remarks=partial(remarks, card),
        video=read if card.fields.video else None,
        grader=grader,
    )


def _reading(card: Card, only: str | None) -> tuple[Mapping[str, Scorer], Mapping[str, Scorer]]:
    """Return the card's scorers, the official one first, and its readings by name, the default first."""
    scorers, readings = {"strict": scorer(card)}, dict[str, Scorer]()
    if only == "multiple choice":
        readings = {**scorers, **SCORERS}
    elif only == "short answer" and card.match == "vqa":
        first = card.official or next(iter(vqa.READINGS))
        readings = {first: vqa.READINGS[first], **vqa.READINGS}
    if card.official in OFFICIAL:
        readings = {card.official: by_kind(card, OFFICIAL[card.official]), **readings}
    default = next(iter(readings), "strict")
    return scorers if default == "strict" else {"official": readings[default], **scorers}, readings


def _default_prompt(card: Card, kind: str) -> str:
    text = PROMPTS[kind].replace("{options}", "" if card.lettered else "{options}")
    return text.replace("{pictures}", "" if card.mark else "{pictures}")


def prompt(card: Card, texts: Mapping[str, str]) -> Prompt:
    """Return the prompt that fills the placeholders of each kind's text."""
    form = card.letters.replace("A", "{}") + " "
    plain = partial(re.sub, r"([{}])\1", r"\1")
    # every second piece is a placeholder's name
    pieces = {
        kind: [piece if index % 2 else plain(piece) for index, piece in enumerate(PLACE.split(text))]
        for kind, text in texts.items()
    }

    def render(sample: Sample) -> Parts:
        pictures = () if card.mark else tuple(part for part in sample.prompt if isinstance(part, Image))
        question = sample.prompt if card.mark else tuple(part for part in sample.prompt if not isinstance(part, Image))
        options = choices.listed(sample.choices, form)
        filled: dict[str, Parts] = {"pictures": pictures, "question": question, "options": options}
        filled |= {name: (value,) for name, value in sample.tags.items()}
        template = pieces[_kind(card, sample.tags)]
        parts = choices.merged([filled[piece] if index % 2 else piece for index, piece in enumerate(template) if piece])
        if options and template[-2:] == ["options", ""]:  # the last option ends the prompt, without a line break
            parts = (*parts[:-1], *filter(None, [str(parts[-1]).removesuffix("\n")]))
        return parts

    return render


def _kind(card: Card, tags: Mapping[str, str]) -> str:
    return one_of(tags[KIND], card.kind.values(), "the kind of a question") if card.fields.kind else card.kind[""]


def scorer(card: Card) -> Scorer:
    """Return the scorer that applies strict rules by the kind of question."""
    scorers: dict[str, Scorer] = {
        **dict.fromkeys(CHOICES, choices.scorer(strict)),
        "yes/no": yesno.scorer(partial(yesno.strict, languages=card.languages)),
        "short answer": _short(card),
    }
    return by_kind(card, scorers)


def by_kind(card: Card, scorers: Mapping[str, Scorer]) -> Scorer:
    """Return the scorer that passes each record to the scorer of its question's kind."""
    return lambda record: scorers[_kind(card, record.tags)](record)


def remarks(card: Card, records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Return remarks on the card's official reading, on the frames shown of videos, and on repeated ids."""
    sentences = video.shown(records, scores) if card.fields.video else []
    if card.official == JUDGE:
        sentences.append(NO_JUDGE)
    if unparsed := sum(score.value is None and score.outcome == "unparsed" for score in scores):
        count = part_of(unparsed, len(scores), "answer", "is unparsed", "are unparsed")
        sentences.append(f"{count} by the official script, which leaves {'it' if unparsed == 1 else 'them'} out.")
    if repeated := [record.tags[OWN_ID] for record in records if OWN_ID in record.tags]:
        more = f" and {len(repeated) - 3:,} more" if len(repeated) > 3 else ""
        sentences.append(f"Rows that share an id are distinguished by their numbers: {', '.join(repeated[:3])}{more}.")
    return sentences


def _short(card: Card) -> Scorer:
    if card.match == "vqa":
        return short.voted
    return short.numeric(card.tolerance) if card.tolerance else short.MATCHES[card.match]


def numbers(card: Card, records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Return the accuracy overall, by category and by group; for yes/no, also how well yes is detected."""
    cluster: groups.Key = "cluster" if card.fields.cluster else groups.pictures
    chance = partial(_chance, card)
    names = list(card.categories) or sorted({record.category for record in records})
    parts = groups.by_category(records, scores, names, cluster, chance) if card.fields.category else {}
    overall = groups.percent(groups.share(records, scores, cluster), chance(records))
    result = {"overall": groups.macro(parts) if card.mean == "categories" else overall}
    result |= parts if card.categories else {}
    for name in card.groups:
        pairs = [pair for pair in zip(records, scores, strict=True) if name in pair[0].groups]
        group_records, group_scores = [record for record, _ in pairs], [score for _, score in pairs]
        result[name] = groups.percent(
            groups.group_all(group_records, group_scores, name, cluster), _chance_of_group(card, group_records, name)
        )
    if tuple(card.kind.values()) == ("yes/no",):
        detected = groups.detection(records, scores, cluster)
        result |= {name: detected[name] for name in DETAILS}
    return result


def _chance(card: Card, records: Sequence[Record]) -> float | None:
    """Return the score of guessing, in percent; None if a question is a short answer."""
    chances = [_chance_of_question(card, record) for record in records]
    known = [value for value in chances if value is not None]
    return sum(known) / len(known) if known and len(known) == len(chances) else None


def _chance_of_question(card: Card, record: Record) -> float | None:
    fixed = {"yes/no": 50.0, "short answer": None}
    kind = _kind(card, record.tags)
    if kind in fixed:
        return fixed[kind]
    options = tuple(filter(None, choices.offered(record))) if card.lettered else record.choices
    return groups.guessing([replace(record, choices=options)])


def _chance_of_group(card: Card, records: Sequence[Record], name: str) -> float | None:
    """Return the chance of guessing all questions of a group, in percent; None if one is a short answer."""
    chances: dict[str, float] = {}
    for record in records:
        if (chance := _chance_of_question(card, record)) is None:
            return None
        chances[record.groups[name]] = chances.get(record.groups[name], 100.0) * chance / 100.0
    return sum(chances.values()) / len(chances) if chances else None
