"""VCR, Visual Commonsense Reasoning: one of four answers, then one of four reasons for it (Zellers et al. 2019).

arXiv 1811.10830. Q->A and QA->R (which shows the right answer) are asked separately. Q->AR is right if both are
(`models/eval_q2ar.py` of rowanz/r2c). Visual Caption Restoration, also called VCR, is another benchmark.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import tables, vcr
from mmeval.scoring.metrics.groups import by_category, group_all, percent
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts.public import SCORERS
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.types import Image, Parts, Record, Sample, Score

AXES = {"q_a": "Q->A", "qa_r": "QA->R"}


def samples(data: str) -> Iterator[Sample]:
    """Yield each val question twice, for its answer and for its reason. Raises InputError.

    The text refers to objects by their number among the pictures shown.
    """
    for line in tables.read(data, ("val.jsonl",), None, "vcr"):
        row = vcr.question(line)
        numbers = {number: index for index, number in enumerate(row.mentioned, start=1)}
        pictures = vcr.pictures(row, line.folder or Path(data))
        answers, reasons = (tuple(vcr.spoken(text, numbers) for text in texts) for texts in (row.answers, row.reasons))
        stem = vcr.spoken(row.asked, numbers)
        reason_stem = choices.merged([stem, "\nAnswer: ", answers[row.answer], "\nWhy is that so?"])
        questions = (("q_a", stem, answers, row.answer), ("qa_r", reason_stem, reasons, row.reason))
        for kind, question, options, right in questions:
            name, targets = f"{row.id}/{kind}", (choices.letter(right),)
            groups = {"still": row.still, "question": row.id}
            yield Sample(name, (*pictures, *question), targets, options, groups=groups, category=kind)


def with_letter(sample: Sample) -> Parts:
    """Show the still and crops of the objects mentioned, and ask for the letter of an option."""
    pictures = tuple(part for part in sample.prompt if isinstance(part, Image))
    question = tuple(part for part in sample.prompt if not isinstance(part, Image))
    return choices.lettered((*pictures, "Question: ", *question), sample.choices)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the three numbers, clustered by still. Random letters give 25, 25 and 6.25."""
    both = percent(group_all(records, scores, "question", "still"), 6.25, "no question has both its answers")
    return {**by_category(records, scores, list(AXES), "still"), "q_ar": both}


STRICT = choices.scorer(strict)
VCR = Task(
    name="vcr",
    version=4,
    samples=samples,
    prompts={"letter": with_letter},
    scorers={"strict": STRICT},
    metric=numbers,
    axes=AXES,
    totals={"q_ar": "Q->AR"},
    readings={"strict": STRICT, **SCORERS},
    choice=True,
)
"""The official rule compares the options' likelihoods, as `--scoring likelihood` does. Otherwise letters are read."""
