"""LogicVista: visual puzzles of five kinds of reasoning, with lettered options (Xiao et al. 2024, 2407.04973).

Officially a judge says which letters an answer chose, and all of them must be right (--judge). The comparison is that of
`eval/extract_accuracy.py` of Yijia-Xiao/LogicVista at e5795f1. Its dialogue needs a library that repairs replies, so the
judge is asked as in VLMEvalKit (`vlmeval/dataset/utils/logicvista.py` at e8e78f0), from which later numbers are.
"""
# ruff: noqa: E501

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, percent, share
from mmeval.scoring.readings import choices, short
from mmeval.scoring.readings.strict.letter import strict
from mmeval.scoring.verdicts import Grader
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending, image, known
from mmeval.types import InputError, Record, Sample, Score

FILES = ("dataset.json", "data/dataset.json")
PICTURES = ("./images", "images")
SKILLS = {
    "inductive": "Inductive",
    "deductive": "Deductive",
    "numerical": "Numerical",
    "spatial": "Spatial",
    "mechanical": "Mechanical",
}
MOST = 9
"""The number of options of a question that does not list them."""
PROMPT = """
You are a information extractor that extracts multiple choice letter answer choices from a paragraph that contains the answer choice and sometimes explaination of why that choice is correct to the given question.
What letter did the following answer choose? If the answer did not select a letter answer choice, first try to infer the answer based off the given choices.
If it does not seem like the given answer corresponds to an answer choice OR if there is no selected answer, please just respond with Z.
Make sure you answer with ONLY the letters chosen.
Example 1: \nQuestion: <start>
What is the main object in image?
Options: A. teddy bear B. rabbit C. cat D. dog
<end>
Answer: <start>
a cute teddy bear
<end>
Your output: A
Example 2: \nQuestion: <start>
What is the main object in image?
Options: A. teddy bear B. rabbit C. cat D. dog
<end>
Answer: <start>
Spider
<end>
Your output: Z
Example 3: \nQuestion: <start>
Which figure is a rotation of the object?
<end>
Answer: <start>
The figure on the right, labeled "D," is a rotation of the object shown in the top left corner.
<end>
Your output: D
Example 4: \nQuestion: <start>
Which of the boxes comes next in the sequence? Select from A-E
<end>
Answer: <start>
The sequence of the boxes is A, B, C, D, E.
<end>
Your output: ABCDE
Example 5: \nQuestion: <start>
""".removeprefix("\n")
"""VLMEvalKit's prompt, verbatim, up to the question."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions, in the file's order. Raises InputError."""
    return map(sample, tables.read(data, FILES, None, "logicvista", rows=".", first=True))


def sample(line: tables.TableRow) -> Sample:
    """Return an entry as a question. One entry of the file has neither a question nor an answer; no letter is right."""
    (skill,) = line.texts("skill")[:1]
    answer = line.cell("answer").strip()
    if not re.fullmatch(r"([A-Z](, [A-Z])*|\d)?", answer):
        raise InputError(
            f"{line.where}: the answer is '{answer[:40]}'; it must be letters such as 'A' or 'A, C'; fix it"
        )
    question = line.cell("question")
    return Sample(
        line.text("key"),
        (image(line, "imagename", PICTURES), question),
        (answer,),
        category=known(line, "skill", skill, SKILLS),
        tags={"question": question},
    )


def prompt(record: Record, replies: Sequence[str]) -> str | None:
    """Return the prompt for a judge."""
    if replies:
        return None
    return f"{PROMPT}{record.tags['question']}\n<end>\nAnswer: <start>\n{record.text}\n<end>\nYour output: "


def usable(record: Record, replies: Sequence[str]) -> bool:
    """Return whether the reply is nothing but capital letters."""
    return replies[-1].isupper() and replies[-1].isalpha()


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Score the chosen letters, in any order."""
    chosen = sorted(replies[0].lower())
    value = float(chosen == sorted(record.targets[0].lower().split(", ")))
    return Score(value, "correct" if value else "incorrect", ", ".join(chosen).upper())


def scored(record: Record) -> Score:
    """Score the letter, the list of letters or the digit that the answer states."""
    if record.text is None:
        return choices.unanswered(record)
    stated = short.stated(record.text).strip()
    several = re.fullmatch(r"\(?[A-Z]\)?(?:(?:,? and | ?& ?|, ?)\(?[A-Z]\)?)+\.?", stated)
    if several or stated.isdecimal():
        answer: str | None = ", ".join(sorted({*re.findall(r"[A-Z]", stated)})) or stated
    else:
        question = record.tags["question"]
        answer = strict(record.text, choices.offered(replace(record, choices=_letters(question), question=question)))
    return choices.graded(record, answer)


def _letters(question: str) -> tuple[str, ...]:
    count = next(count for count, letter in enumerate(choices.LETTERS) if f"({letter})" not in question)
    return tuple(choices.LETTERS[: count or MOST])


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of all questions and of each skill. Chance is unknown: not all questions list options."""
    overall = percent(share(records, scores), None)
    return {"overall": overall, **by_category(records, scores, [*SKILLS], chance=lambda records: None)}


LOGICVISTA = Task(
    name="logicvista",
    samples=samples,
    prompts={"release": ending("")},
    scorers={"strict": scored},
    metric=numbers,
    axes=SKILLS,
    totals={"overall": "Overall"},
    max_new_tokens=512,
    grader=Grader(prompt=prompt, usable=usable, max_tokens=128, score=graded, final=True),
)
