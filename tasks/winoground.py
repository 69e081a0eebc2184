"""Winoground: two captions of the same words, two pictures, which belongs to which? (Thrush et al. 2022, 2204.03162)

Three protocols, each a task of its own, since their numbers do not compare: `winoground` weighs yes for each caption
with each picture by itself, which is the official rule; `winoground-joint` does so with all four in the prompt, as
MMICL's authors did; `winoground-choice` has A or B written. Chance differs, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from mmeval.data.winoground import Pair, pairs
from mmeval.scoring.metrics.groups import group_all, percent
from mmeval.scoring.metrics.ranking import YES_NO, likelier, yes_likelihood, yes_odds
from mmeval.scoring.metrics.winoground import CELLS, marks
from mmeval.scoring.readings import choices, letters
from mmeval.scoring.readings.public import READINGS
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Task
from mmeval.types import Parts, Record, Ref, Sample, Score

AXES = {"text": "Text", "image": "Image", "group": "Group"}
Weight = Callable[[Sequence[float]], float]


def samples(task: str, make: Callable[[Pair], Iterator[Sample]], data: str) -> Iterator[Sample]:
    """The four questions of each pair, together. Raises InputError."""
    for pair in pairs(data, PAIRWISE.card["hub"]):
        yield from make(pair)


def cells(pair: Pair) -> Iterator[Sample]:
    """Each caption with each picture by itself."""
    for caption, image in CELLS:
        yield _cell(pair, caption, image, (pair.images[image], pair.captions[caption]))


def joint_cells(pair: Pair) -> Iterator[Sample]:
    """Each caption with each picture, all four being shown, in an order drawn for the pair.

    MMICL's authors shuffle the pair, too (issue 19 of HaozheZhao/MIC); here the draw depends on the id alone.
    """
    order = random.Random(f"winoground {pair.id}").sample((0, 1), 2)
    flipped = random.Random(f"winoground captions {pair.id}").sample((0, 1), 2)
    shown: Parts = (*(pair.images[i] for i in order), *(pair.captions[c] for c in flipped))
    for caption, image in CELLS:
        tags = {"caption place": str(flipped.index(caption)), "image place": str(order.index(image))}
        yield _cell(pair, caption, image, shown, tags)


def _cell(pair: Pair, caption: int, image: int, prompt: Parts, tags: Mapping[str, str] | None = None) -> Sample:
    return Sample(
        id=f"{pair.id}/{caption}{image}",
        prompt=prompt,
        targets=("yes" if caption == image else "no",),
        groups={"pair": pair.id},
        category=pair.tag,
        tags={"caption": str(caption), "image": str(image), **(tags or {})},
    )


def forced(pair: Pair) -> Iterator[Sample]:
    """For each picture, which caption? For each caption, which picture? A is the first one: half the answers."""
    captions = tuple((caption,) for caption in pair.captions)
    pictures = tuple((image,) for image in pair.images)
    for side, shown, options in (("text", pictures, captions), ("image", captions, pictures)):
        for place in (0, 1):
            yield Sample(
                id=f"{pair.id}/{side}{place}",
                prompt=shown[place],
                targets=(choices.letter(place),),
                choices=options,
                groups={"pair": pair.id},
                category=pair.tag,
                tags={"side": side},
            )


def ask_match(sample: Sample) -> Parts:
    """One picture, one caption."""
    image, caption = sample.prompt
    return (image, f"Does the caption match the image? Caption: {caption}\nAnswer yes or no.")


def ask_joint(sample: Sample) -> Parts:
    """MMICL's authors' words; how the pictures are introduced is the model's context."""
    first, second, one, other = sample.prompt
    caption, image = int(sample.tags["caption place"]), int(sample.tags["image place"])
    given = f"The caption 0 is {one}\nThe caption 1 is {other}\n"
    ask = f"Use the images and captions to answer the following question. Is the caption {caption} matches the "
    return (first, second, given + ask, Ref(image), "? Yes or No.")


def ask_choice(sample: Sample) -> Parts:
    """Options with letters, whether they are captions or pictures."""
    asked = "Which caption describes the image?\n"
    if sample.tags["side"] == "image":
        asked = f"Which image does the caption describe? Caption: {sample.prompt[0]}\n"
        return choices.merged([asked, choices.listed(sample.choices), "Answer with A or B."])
    return choices.merged([sample.prompt, asked, choices.listed(sample.choices), "Answer with A or B."])


def compared(weight: Weight, records: Sequence[Record]) -> dict[str, Mapping[tuple[int, int], float]]:
    """How well each caption fits each picture, of the pairs that have all four answers."""
    found: dict[str, dict[tuple[int, int], float]] = {}
    for record in records:
        if record.loglikelihoods is not None:
            place = int(record.tags["caption"]), int(record.tags["image"])
            found.setdefault(record.groups["pair"], {})[place] = weight(record.loglikelihoods)
    return {pair: values for pair, values in found.items() if len(values) == len(CELLS)}


def numbers(weight: Weight, records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Text, image and group, of 100; pairs that lack an answer are left out. Chance: scores without any sense."""
    told = {pair: marks(values) for pair, values in compared(weight, records).items()}
    chances = {"text": 25.0, "image": 25.0, "group": 100 / 6}
    return {
        name: percent(Mean([float(getattr(own, name)) for own in told.values()], list(told)), chance, "no whole pair")
        for name, chance in chances.items()
    }


def chosen(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """The same three from four letters; a coin for each of them gives 25, 25 and 6.25."""
    found = {}
    for name in ("text", "image"):
        own = [pair for pair in zip(records, scores, strict=True) if pair[0].tags["side"] == name]
        mean = group_all([record for record, _ in own], [score for _, score in own], "pair")
        found[name] = percent(mean, 25.0, "no whole pair")
    return {**found, "group": percent(group_all(records, scores, "pair"), 6.25, "no whole pair")}


def ties(weight: Weight, records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """How many of the comparisons found both sides equal."""
    told = [marks(values) for values in compared(weight, records).values()]
    tied = sum(own.ties for own in told)
    return [f"Of {4 * len(told)} comparisons {tied} are ties, which count as wrong."] if tied else []


def _weighing(name: str, make: Callable[[Pair], Iterator[Sample]], ask: Callable[[Sample], Parts], by: Weight) -> Task:
    return Task(
        name=name,
        version=1,
        samples=partial(samples, name, make),
        prompts={"match" if ask is ask_match else "mmicl": ask},
        scorers={"official": likelier},
        metrics={"official": partial(numbers, by)},
        axes=AXES,
        candidates=lambda sample: YES_NO,
        remarks=partial(ties, by),
    )


PAIRWISE = _weighing("winoground", cells, ask_match, yes_odds)
JOINT = _weighing("winoground-joint", joint_cells, ask_joint, yes_likelihood)
CHOICE = Task(
    name="winoground-choice",
    version=1,
    samples=partial(samples, "winoground-choice", forced),
    prompts={"letter": ask_choice},
    scorers={"strict": choices.scorer(letters.reasoned)},
    metrics={"strict": chosen},
    axes=AXES,
    readings={"strict": letters.reasoned, **READINGS},
    strict=letters.reasoned,
)
"""Generated letters have no official reader: `--reading` names a public one."""
