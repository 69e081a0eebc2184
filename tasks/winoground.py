"""Winoground: match two captions made of the same words to two pictures (Thrush et al. 2022, 2204.03162).

Three protocols are separate tasks, because their numbers and chance levels are not comparable. `winoground`, the
official rule, takes the likelihood of yes for each caption with each picture alone. `winoground-joint` does so with
all four in the prompt, as MMICL's authors did. `winoground-choice` asks for A or B.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mmeval.data import files, tables
from mmeval.scoring.metrics.groups import group_all, parts_by, percent
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.likelihood import YES_NO, likelier, yes_likelihood, yes_odds
from mmeval.scoring.readings.scripts.public import SCORERS
from mmeval.scoring.readings.strict.letter import strict
from mmeval.scoring.statistics import Mean
from mmeval.task import Numbers, Prompt, Task
from mmeval.tasks import shared
from mmeval.types import Image, InputError, Parts, Record, Ref, Sample, Score, plural, replace_surrogates, whole_number

FILES = ("examples.jsonl", "data/examples.jsonl", "*.parquet", "data/*.parquet")
AXES = {"text": "Text", "image": "Image", "group": "Group"}
CELLS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""(caption, picture); caption k describes picture k."""
Fit = Callable[[Sequence[float]], float]
"""How well a caption fits a picture, from the log-likelihoods of the candidates."""


class CaptionPair(NamedTuple):
    """Two captions of the same words, and a picture for each."""

    id: str
    captions: tuple[str, str]
    images: tuple[Image, Image]
    tag: str
    """Object, Relation or Both, if the data says it."""


class Marks(NamedTuple):
    """Whether a pair was told apart by text, by picture and by both, and the number of tied comparisons."""

    text: bool
    image: bool
    group: bool
    ties: int


def _picture(line: tables.TableRow, column: str) -> Image:
    """Return the picture of a column; the release names it without its extension (`ex_0_img_0`)."""
    value = line.value(column)
    if isinstance(value, str) and line.folder is not None and not Path(value).suffix:
        return files.picture(line.folder, f"images/{value}.png", line.where)
    picture: Image = shared.image(line, column)
    return picture


def samples(make: Callable[[CaptionPair], Iterator[Sample]], data: str) -> Iterator[Sample]:
    """Yield the four questions of each pair together. Raises InputError for an incomplete row."""
    for line in tables.read(data, FILES, PAIRWISE.card["hub"], "winoground"):
        captions = (line.text("caption_0"), line.text("caption_1"))
        if captions[0] == captions[1]:
            raise InputError(f"{line.where}: the two captions are the same; download the file again")
        images = (_picture(line, "image_0"), _picture(line, "image_1"))
        tag = line.cell("collapsed_tag", required=False)
        yield from make(CaptionPair(line.text("id"), captions, images, tag))


def cells(pair: CaptionPair) -> Iterator[Sample]:
    """Yield each caption with each picture alone."""
    for caption, image in CELLS:
        yield _cell(pair, caption, image, (pair.images[image], pair.captions[caption]))


def joint_cells(pair: CaptionPair) -> Iterator[Sample]:
    """Yield each caption with each picture, all four shown in an order drawn for the pair.

    MMICL's authors shuffle the pair, too (issue 19 of HaozheZhao/MIC). Here the order depends only on the id.
    """
    picture_order = random.Random(replace_surrogates(f"winoground {pair.id}")).sample((0, 1), 2)
    caption_order = random.Random(replace_surrogates(f"winoground captions {pair.id}")).sample((0, 1), 2)
    prompt: Parts = (*(pair.images[i] for i in picture_order), *(pair.captions[c] for c in caption_order))
    for caption, image in CELLS:
        tags = {"caption place": str(caption_order.index(caption)), "image place": str(picture_order.index(image))}
        yield _cell(pair, caption, image, prompt, tags)


def _cell(pair: CaptionPair, caption: int, image: int, prompt: Parts, tags: Mapping[str, str] | None = None) -> Sample:
    name, targets = f"{pair.id}/{caption}{image}", ("yes" if caption == image else "no",)
    tags = {"caption": str(caption), "image": str(image), **(tags or {})}
    return Sample(name, prompt, targets, groups={"pair": pair.id}, category=pair.tag, tags=tags)


def forced(pair: CaptionPair) -> Iterator[Sample]:
    """Yield "which caption?" for each picture and "which picture?" for each caption. A is right for half of them."""
    captions = tuple((caption,) for caption in pair.captions)
    pictures = tuple((image,) for image in pair.images)
    for side, queries, options in (("text", pictures, captions), ("image", captions, pictures)):
        for index in (0, 1):
            name, right, groups = f"{pair.id}/{side}{index}", (choices.letter(index),), {"pair": pair.id}
            tags = {"side": side}
            yield Sample(name, queries[index], right, options, groups=groups, category=pair.tag, tags=tags)


def ask_match(sample: Sample) -> Parts:
    """Ask about one picture and one caption."""
    image, caption = sample.prompt
    return (image, f"Does the caption match the image? Caption: {caption}\nAnswer yes or no.")


def ask_joint(sample: Sample) -> Parts:
    """Ask with the wording of MMICL's authors. The model's context introduces the pictures."""
    picture_0, picture_1, caption_0, caption_1 = sample.prompt
    caption, image = int(sample.tags["caption place"]), int(sample.tags["image place"])
    introduction = f"The caption 0 is {caption_0}\nThe caption 1 is {caption_1}\n"
    ask = f"Use the images and captions to answer the following question. Is the caption {caption} matches the "
    return (picture_0, picture_1, introduction + ask, Ref(image), "? Yes or No.")


def ask_choice(sample: Sample) -> Parts:
    """Ask with lettered options, whether they are captions or pictures."""
    question: Parts = (*sample.prompt, "Which caption describes the image?\n")
    if sample.tags["side"] == "image":
        question = (f"Which image does the caption describe? Caption: {sample.prompt[0]}\n",)
    return choices.merged([question, choices.listed(sample.choices), "Answer with A or B."])


def marks(scores: Mapping[tuple[int, int], float]) -> Marks:
    """Return the marks, given how well caption c fits picture i for the four (c, i).

    text: each picture prefers its own caption; image: each caption prefers its own picture; group: both. A tie is
    wrong, so a model that rates everything equal scores 0.
    """
    s = scores
    texts = ((s[0, 0], s[1, 0]), (s[1, 1], s[0, 1]))
    images = ((s[0, 0], s[0, 1]), (s[1, 1], s[1, 0]))
    text, image = (all(right > wrong for right, wrong in pairs) for pairs in (texts, images))
    return Marks(text, image, text and image, sum(right == wrong for right, wrong in (*texts, *images)))


def judged(fit: Fit, records: Sequence[Record]) -> dict[str, Marks]:
    """Return the marks of the pairs that have all four answers."""
    by_pair: dict[str, dict[tuple[int, int], float]] = {}
    for record in records:
        if record.loglikelihoods is not None:
            cell = whole_number(record.tags, "caption"), whole_number(record.tags, "image")
            by_pair.setdefault(record.groups["pair"], {})[cell] = fit(record.loglikelihoods)
    return {pair: marks(values) for pair, values in by_pair.items() if len(values) == len(CELLS)}


def numbers(fit: Fit, records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return text, image and group as percentages of the pairs with all answers; chance is that of random scores."""
    pairs = judged(fit, records)
    chances = {"text": 25.0, "image": 25.0, "group": 100 / 6}
    return {
        name: percent(
            Mean([float(getattr(pair_marks, name)) for pair_marks in pairs.values()], list(pairs)),
            chance,
            "no whole pair",
        )
        for name, chance in chances.items()
    }


def chosen(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the same three from four letters. Random letters give 25, 25 and 6.25."""
    sides = parts_by(lambda record: record.tags["side"], records, scores)
    parts = (("text", sides["text"], 25.0), ("image", sides["image"], 25.0), ("group", (records, scores), 6.25))
    return {name: percent(group_all(*part, "pair"), chance, "no whole pair") for name, part, chance in parts}


def ties(fit: Fit, records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Report how many comparisons found both sides equal."""
    pairs = judged(fit, records)
    tied = sum(pair_marks.ties for pair_marks in pairs.values())
    if not tied:
        return []
    return [f"Of {4 * len(pairs)} comparisons, {plural(tied, 'is a tie and counts', 'are ties and count')} as wrong."]


def _by_likelihood(
    name: str, make: Callable[[CaptionPair], Iterator[Sample]], prompt: str, ask: Prompt, fit: Fit
) -> Task:
    return Task(
        name=name,
        samples=partial(samples, make),
        prompts={prompt: ask},
        scorers={"official": likelier},
        metric=partial(numbers, fit),
        axes=AXES,
        candidates=lambda sample: YES_NO,
        remarks=partial(ties, fit),
    )


PAIRWISE = _by_likelihood("winoground", cells, "match", ask_match, yes_odds)
JOINT = _by_likelihood("winoground-joint", joint_cells, "mmicl", ask_joint, yes_likelihood)
STRICT = choices.scorer(strict)
CHOICE = Task(
    name="winoground-choice",
    version=4,
    samples=partial(samples, forced),
    prompts={"letter": ask_choice},
    scorers={"strict": STRICT},
    metric=chosen,
    axes=AXES,
    readings={"strict": STRICT, **SCORERS},
    choice=True,
)
"""There is no official reader of generated letters; `--reading` names a public one."""
