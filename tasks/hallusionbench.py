"""HallusionBench: pictures and altered copies of them, asked about in sets (Guan et al. 2023, 2310.14566).

The card reads and asks the questions. Here is how they are scored officially: a judge compares each answer with the
reference (--judge), as in `utils.py` of tianyi-lab/HallusionBench at 744007c (BSD-3-Clause), whose prompt is verbatim below.
"""
# ruff: noqa: E501

from collections.abc import Sequence

from mmeval.cards.facts import facts
from mmeval.cards.task import build
from mmeval.scoring.verdicts import Grader
from mmeval.types import Record, Score

PROMPT = (
    "Imagine you are an intelligent teacher. Thoroughly read the question, reference answer and the prediction answer to ensure a clear understanding of the information provided. Assess the correctness of the predictions. "
    'If the prediction answer does not conflict with the reference answer, please generate “correct”. If the prediction answer conflict with the reference answer, please generate “incorrect”. If the prediction answer is unclear about the answer, please generate "unclear". \n\n Question:'
    "{question}\nReference answer: {gt_answer_details}\nPrediction answer:{text}\nOutput:"
)


def prompt(record: Record, replies: Sequence[str]) -> str | None:
    """Return the script's prompt."""
    return None if replies else PROMPT.format(text=record.text, **{name: record.tags[name] for name in COLUMNS})


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Score by the first of incorrect and correct that the reply contains, or else as unclear.

    An unclear answer to a question without a figure is right. The answer counts as the yes or no that the verdict implies.
    """
    reply, without_figure = replies[0].lower(), record.category == "VS" and record.tags["figure_id"] == "0"
    right = "incorrect" not in reply and ("correct" in reply or without_figure)
    implied = "yes" if right == ("yes" in record.targets) else "no"
    return Score(float(right), "correct" if right else "incorrect", implied)


COLUMNS = ("question", "gt_answer_details", "figure_id")
GRADER = Grader(
    prompt=prompt,
    usable=lambda record, replies: bool(replies[-1].strip()),
    max_tokens=256,
    score=graded,
    columns=COLUMNS,
)
HALLUSIONBENCH = build("hallusionbench", facts("hallusionbench"), "hallusionbench.yaml", grader=GRADER)
