"""VL-ICL Bench: what the task is can be seen in its demonstrations only (Zong et al. 2025, arXiv 2403.13164).

Rules from `evals/eval.py` of ys-zong/VL-ICL. `--shots` says how many demonstrations, `--seed` which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import vl_icl
from mmeval.data.vl_icl import SUBSETS
from mmeval.scoring.metrics.groups import by_category
from mmeval.scoring.readings import short, yesno
from mmeval.scoring.statistics import Statistic
from mmeval.task import Task
from mmeval.types import Parts, Record, Sample, Score

SHOTS = 2
"""Where --shots says nothing."""
NUMBERS = ("clevr", "operator_induction", "operator_induction_interleaved")
"""Subsets whose answer is a number."""
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?![\w]|\.\d)")


def few_shot(data: str, shots: int | None, seed: int) -> Iterator[Sample]:
    """Read the queries, each after so many demonstrations. Raises InputError."""
    yield from vl_icl.samples(Path(data), SHOTS if shots is None else shots, seed)


def samples(data: str) -> Iterator[Sample]:
    """Read the queries with the default number of demonstrations."""
    return few_shot(data, None, 0)


def plain(sample: Sample) -> Parts:
    """Ask as the scripts do, with no description of the task."""
    *shown, question = sample.prompt
    return (*shown, f"{question}\nAnswer:")


def official(record: Record) -> Score:
    """Score as `exact_match` and `exact_yes_no` do: no is right where yes is not in it; CLEVR's number is not sought.

    (The script looks for the name clevr_simple, and the set is called clevr.)
    """
    if record.text is None:
        return Score(None, "error")
    answer, target = cut(record.text), record.targets[0].lower()
    if record.category == "matching_mi":
        answer = "yes" if "yes" in answer.lower() else "no"
    elif record.category.startswith("operator_induction"):
        found = re.search(r"\d+", answer)
        answer = found[0] if found else ""
    right = answer.lower() == target
    return Score(float(right), "correct" if right else "incorrect", answer)


def cut(text: str) -> str:
    """Cut at the first line break or else the first full stop; neither counts at the very start."""
    text = text.strip()
    place = text.find("\n")
    place = place if place > 0 else text.find(".")
    return text[:place] if place > 0 else text


def strict(record: Record) -> Score:
    """Score the only number, the yes or no that is said, or the whole short answer: absence earns nothing."""
    if record.text is None:
        return Score(None, "error")
    if record.category == "matching_mi":
        return _YES_NO(record)
    if record.category not in NUMBERS:
        return short.exact(record)
    found = set(_NUMBER.findall(record.text))
    if len(found) != 1:
        return Score(0.0, "unparsed")
    answer = found.pop()
    right = answer in record.targets
    return Score(float(right), "correct" if right else "incorrect", answer)


_YES_NO = yesno.scorer(yesno.strict)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Give each subset by itself; its queries are drawn one by one, so that each is a cluster."""
    return by_category(records, scores, list(SUBSETS), lambda record: record.id, _chance)


def _chance(records: Sequence[Record]) -> float | None:
    """Give the chance of yes and no, and of the two names that demonstrations show; else None."""
    named = [record.tags.get("shots") != "0" for record in records]
    kind = records[0].category if records else ""
    return 50.0 if kind == "matching_mi" or (kind == "open_mi" and all(named)) else None


VL_ICL = Task(
    name="vl-icl",
    version=2,
    samples=samples,
    few_shot=few_shot,
    shots=SHOTS,
    prompts={"plain": plain},
    scorers={"official": official, "strict": strict},
    metrics={"official": numbers, "strict": numbers},
    axes=SUBSETS,
)
