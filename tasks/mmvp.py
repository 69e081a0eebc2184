"""MMVP: pairs of pictures that CLIP confuses; one question about both, with opposite answers (Tong et al. 2024).

Paper: arXiv 2401.06209. A pair is right if both of its questions are. The authors' grader asks GPT-4; the rule here is
that of their later Cambrian-1 (`eval/eval/mmvp`), which published tables use.
"""

import re
from collections.abc import Iterator, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import group_all, guessing, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import SELECT, right_letter
from mmeval.types import InputError, Parts, Record, Sample, Score

FILES = ("Questions.csv",)
PICTURES = ("MMVP Images/{}.jpg", "{}.jpg")
NUMBER = ("lndex", "Index")
"""The name of the first column: as published, with a lowercase L for the I, and as intended."""
_OPTION = re.compile(r"\(([a-z])\)\s*(.*?)\s*(?=\([a-z]\)|$)", re.IGNORECASE | re.DOTALL)


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of `Questions.csv`, with their pictures. Raises InputError."""
    return map(sample, tables.read(data, FILES, None, "mmvp"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. The first two pictures are a pair, the next two are, and so on."""
    column = next((name for name in NUMBER if name in line.values), NUMBER[1])
    number, listed = line.text(column).strip(), line.text("Options")
    if not re.fullmatch("[1-9][0-9]{0,8}", number):
        raise InputError(f"{line.where}: the {column} is '{number[:40]}'; it must be the number of a picture")
    options = [option for _, option in _OPTION.findall(listed)]
    answer = right_letter(line, line.text("Correct Answer").strip().strip("()").upper(), options)
    return Sample(
        number,
        (*line.images(column, PICTURES), line.text("Question")),
        (answer,),
        tuple((option,) for option in options),
        groups={"pair": str((int(number) + 1) // 2)},
        tags={"options": listed},
    )


def cambrian(sample: Sample) -> Parts:
    """Ask as Cambrian-1's `mmvp_eval.py` does."""
    return choices.lettered((*sample.prompt, " Options:"), sample.choices)


def release(sample: Sample) -> Parts:
    """Ask as the authors' `evaluate_mllm.py` does: the question and the options as they are in the table."""
    *pictures, question = sample.prompt
    return (*pictures, f"{question} {sample.tags['options']}")


def vlmevalkit(sample: Sample) -> Parts:
    """Ask as VLMEvalKit asks all questions of multiple choice."""
    *pictures, question = sample.prompt
    return choices.merged([(*pictures, f"Question: {question}\nOptions:\n"), choices.listed(sample.choices), SELECT])


def official(record: Record) -> Score:
    """Score as Cambrian-1's `mmvp_test.py` (539ffc3): the answer is the letter or the option's whole text.

    Case, a bracket on either side and the final punctuation are ignored; "(b) Closed" is neither.
    """
    if record.text is None:
        return choices.unanswered(record)
    answer = letters.cambrian(record.text, ".:,")
    options = choices.texts(record.choices)
    matching = {letter for letter, option in options if answer in (letter.lower(), option.lower())}
    return choices.graded(record, next(iter(matching & {*record.targets} or matching), None))


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the share of pairs whose two answers are right, and that of questions."""
    return {
        "pairs": percent(group_all(records, scores, "pair"), 25.0),
        "overall": percent(share(records, scores, "pair"), guessing(records)),
    }


MMVP = Task(
    name="mmvp",
    samples=samples,
    prompts={
        "cambrian": cambrian,
        "release": release,
        "lmms-eval": lambda sample: choices.lettered(sample.prompt, sample.choices),
        "vlmevalkit": vlmevalkit,
    },
    scorers={"official": official, "strict": choices.scorer(strict)},
    metric=numbers,
    axes={"overall": "Questions"},
    totals={"pairs": "Both of a pair"},
    readings={"mmvp": official},
    choice=True,
)
