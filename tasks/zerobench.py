"""ZeroBench: a hundred questions about pictures that no model could answer at first (Roberts et al. 2025).

arXiv 2502.09696. The answer is in curly braces, and compared as text. The authors' program was not at hand; the rule is
that of VLMEvalKit (`ZEROBench` in `vlmeval/dataset/image_vqa.py` at e8e78f0). Easier subquestions have a task of their
own.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from mmeval.cards.facts import facts
from mmeval.data import tables
from mmeval.scoring.metrics.groups import percent, share
from mmeval.scoring.readings import short
from mmeval.scoring.readings.answer import plain
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending, image_list
from mmeval.types import Record, Sample, Score

IN_BRACES = re.compile(r"\{([^{}\n]*)\}")
STEPS = "Let's think step by step and give the final answer in curly braces,"


def samples(name: str, split: str, data: str) -> Iterator[Sample]:
    """Yield the questions of a split, in the data's order. Raises InputError."""
    for line in tables.read(data, (f"data/{split}-*.parquet", f"{split}-*.parquet"), facts(name)["hub"], name):
        pictures, question = image_list(line, "question_images_decoded"), line.text("question_text")
        yield Sample(line.text("question_id"), (*pictures, question), (line.text("question_answer"),))


def last_in_braces(text: str) -> str:
    """Return what VLMEvalKit's pattern finds last: from a brace to the next closing one on its line; else nothing."""
    return next(reversed(re.findall(r"\{([^}\n]*)\}", text.strip().lower())), "")


def official(record: Record) -> Score:
    """Score as VLMEvalKit: the last text in braces contains the key, in any case."""
    return short.scorer(last_in_braces, _contains)(record)


def _contains(answer: str, targets: Sequence[str]) -> float:
    return float(any(target.strip().lower() in answer for target in targets))


def strict(text: str) -> str:
    """Return the last text in braces, or else the answer that is stated."""
    braced = IN_BRACES.findall(plain(text))
    return short.normal(braced[-1]) if braced else short.extract(text)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy. Chance is unknown."""
    return {"overall": percent(share(records, scores), None)}


def _task(name: str, split: str) -> Task:
    return Task(
        name=name,
        samples=partial(samples, name, split),
        prompts={
            "release": ending(f"\n\n\n{STEPS} like this: {{final answer}}"),
            "vlmevalkit": ending(f" \n\n\n{STEPS}  like this: {{final answer}}"),
        },
        scorers={"official": official, "strict": short.agreed(1, strict, short.normal)},
        metric=numbers,
        axes={"overall": "Accuracy"},
        max_new_tokens=512,
    )


ZEROBENCH = _task("zerobench", "zerobench")
SUBQUESTIONS = _task("zerobench-subquestions", "zerobench_subquestions")
