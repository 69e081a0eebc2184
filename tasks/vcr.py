"""VCR, Visual Commonsense Reasoning: an answer out of four, and a reason for it out of four (Zellers et al. 2019).

arXiv 1811.10830. Q->A and QA->R, the right answer being given, are asked by themselves; Q->AR is right where both are
(`models/eval_q2ar.py` of rowanz/r2c). Not to be mixed up with Visual Caption Restoration, also called VCR.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmeval.data import vcr
from mmeval.data.vcr import VcrQuestion
from mmeval.scoring.metrics.groups import by_category, group_all, percent
from mmeval.scoring.readings import choices, letters
from mmeval.scoring.readings.public import READINGS
from mmeval.scoring.statistics import Statistic
from mmeval.task import Task
from mmeval.types import Image, Parts, Record, Sample, Score

AXES = {"q_a": "Q->A", "qa_r": "QA->R"}


def samples(data: str) -> Iterator[Sample]:
    """Each question twice, for its answer and for its reason. Raises InputError."""
    for question in vcr.questions(data):
        yield from pair(question)


def pair(question: VcrQuestion) -> Iterator[Sample]:
    """The two questions."""
    given = question.answers[question.answer]
    reasoned = choices.merged([question.asked, "\nAnswer: ", given, "\nWhy is that so?"])
    groups = {"still": question.still, "question": question.id}
    for kind, asked, options, right in (
        ("q_a", question.asked, question.answers, question.answer),
        ("qa_r", reasoned, question.reasons, question.reason),
    ):
        yield Sample(
            id=f"{question.id}/{kind}",
            prompt=(*question.pictures, *asked),
            targets=(choices.letter(right),),
            choices=options,
            groups=groups,
            category=kind,
        )


def with_letter(sample: Sample) -> Parts:
    """The still, what is spoken of cut out, the question and its options."""
    shown = tuple(part for part in sample.prompt if isinstance(part, Image))
    asked = tuple(part for part in sample.prompt if not isinstance(part, Image))
    end = "Answer with the option's letter from the given choices directly."
    return choices.merged([shown, "Question: ", asked, "\n", choices.listed(sample.choices), end])


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """The three, clustered by still; a letter drawn for each gives 25, 25 and 6.25."""
    both = group_all(records, scores, "question", "still")
    return {
        **by_category(records, scores, list(AXES), "still"),
        "q_ar": percent(both, 6.25, "no question has both its answers"),
    }


VCR = Task(
    name="vcr",
    version=1,
    samples=samples,
    prompts={"letter": with_letter},
    scorers={"strict": choices.scorer(letters.reasoned)},
    metrics={"strict": numbers},
    axes=AXES,
    totals={"q_ar": "Q->AR"},
    readings={"strict": letters.reasoned, **READINGS},
    strict=letters.reasoned,
)
"""The official rule compares likelihoods of the options, as `--by likelihood` does; written letters are read."""
