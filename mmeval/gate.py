"""Conditions on scores, for continuous integration: `A >= B - 1`, `C < B`, `perception: A > 1200`."""

import operator
import re
from dataclasses import dataclass

from mmeval.comparison import Comparison, compare
from mmeval.runs.run import Run
from mmeval.task_loading import load_task
from mmeval.types import InputError, nearest

_GATE = re.compile(r"(?P<left>[^<>]+?)\s*(?P<sign>>=|<=|>|<)\s*(?P<right>[^<>=]+)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_OFFSET = re.compile(r"(?P<base>.+?)\s*(?P<way>[+-])\s*(?P<amount>\d+(?:\.\d+)?)(?P<percent>%)?")
_HOLDS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class Verdict:
    """Whether a condition holds, with a sentence that gives the numbers."""

    holds: bool
    sentence: str


def check(gate: str, comparison: Comparison) -> Verdict:
    """Check `[METRIC:] LEFT >= RIGHT [+|- AMOUNT[%]]`, where LEFT is a run and RIGHT another run or a number.

    Runs are A, B, ... in the given order, or are named. Two runs are checked on the questions that both asked; a run
    and a number, on all of the run's questions. An amount is in the number's own unit or in percent of full marks. The
    default metric is the first headline number of the task. A score without a value fails.
    Raises InputError for an invalid condition and for two runs that cannot be compared.
    """
    match = _GATE.fullmatch(gate.strip())
    if match is None:
        raise InputError(f"cannot read the condition '{gate}'; write it as 'A >= B - 1' or 'perception: A > 1200'")
    name, left = _left(match["left"], comparison, gate)
    right, offset = _right(match["right"], comparison, gate)
    try:
        numbers = _scores(left, right, comparison)
    except InputError as error:
        raise InputError(f"'{gate}': {error}") from error
    if name is None:
        name = next(iter(numbers))
    by_name = numbers | {number.label: number for number in numbers.values()}
    if name not in by_name:
        raise InputError(f"'{gate}': no number '{name}'{nearest(name, by_name)}; choose from {', '.join(numbers)}")
    number = by_name[name]
    if number.value is None or number.bound is None:
        return Verdict(False, f"{gate}: does not hold; {number.label} has no value")
    bound = number.bound + (offset.amount * number.full_marks / 100 if offset.percent else offset.amount)
    holds = bool(_HOLDS[match["sign"]](number.value, bound))
    outcome = "holds" if holds else "does not hold"
    return Verdict(holds, f"{gate}: {outcome} ({number.label}: {number.value:,.2f} {match['sign']} {bound:,.2f})")


@dataclass(frozen=True)
class _Number:
    """A score of the left side and its bound."""

    label: str
    value: float | None
    bound: float | None
    full_marks: float


@dataclass(frozen=True)
class _Offset:
    """What is added to the right side."""

    amount: float = 0.0
    percent: bool = False
    """The amount is in percent of full marks."""


def _left(text: str, comparison: Comparison, gate: str) -> tuple[str | None, str]:
    """Return the metric, if one is named, and the run. Both may contain colons, so every colon is tried."""
    if (run := _run(text, comparison)) is not None:
        return None, run
    for colon in re.finditer(":", text):
        if (run := _run(text[colon.end() :].strip(), comparison)) is not None:
            return text[: colon.start()].strip(), run
    raise _unknown(text.rpartition(": ")[2], comparison, gate)


def _right(text: str, comparison: Comparison, gate: str) -> tuple[str | float, _Offset]:
    """Return the run or the number, and what is added to it. A run's name may itself look like `x-1`."""
    if (bound := _bound(text, comparison)) is not None:
        return bound, _Offset()
    offset = _OFFSET.fullmatch(text)
    if offset is None or (bound := _bound(offset["base"], comparison)) is None:
        raise _unknown(offset["base"] if offset else text, comparison, gate)
    return bound, _Offset(float(f"{offset['way']}{offset['amount']}"), offset["percent"] is not None)


def _bound(text: str, comparison: Comparison) -> str | float | None:
    run = _run(text, comparison)
    return float(text) if run is None and _NUMBER.fullmatch(text) else run


def _run(name: str, comparison: Comparison) -> str | None:
    runs = list(comparison.runs)
    if name in runs:
        return name
    letter = len(name) == 1 and "A" <= name <= "Z" and ord(name) - ord("A") < len(runs)
    return runs[ord(name) - ord("A")] if letter else None


def _unknown(name: str, comparison: Comparison, gate: str) -> InputError:
    runs = list(comparison.runs)
    return InputError(f"'{gate}': no run is named '{name}'{nearest(name, runs)}; the runs are {', '.join(runs)}")


def _scores(left: str, right: str | float, comparison: Comparison) -> dict[str, _Number]:
    """Return the numbers that the condition can be about, headline numbers first."""
    if isinstance(right, float):
        return _against_number(comparison.runs[left], right)
    if left == right:
        raise InputError("a run is not compared with itself; name two runs, or a number")
    compared = [pair for pair in comparison.pairs if {left, right} == {pair.first, pair.other}]
    pair = compared[0] if compared else compare(comparison.runs[left], comparison.runs[right]).pairs[0]
    swapped = bool(compared) and pair.first == right
    numbers = {}
    for row in sorted(pair.rows, key=lambda row: not row.headline):
        sides = (row.first.value, row.other.value)
        value, bound = sides[::-1] if swapped else sides
        numbers[row.metric] = _Number(row.label, value, bound, row.first.full_marks)
    return numbers


def _against_number(run: Run, bound: float) -> dict[str, _Number]:
    task, metrics = load_task(run.spec.task, run.identity.get("card")), run.results["metrics"]
    names = dict.fromkeys((*(task.totals or task.axes), *task.labels))
    numbers = {}
    for name in names:
        if name in metrics:
            numbers[name] = _Number(task.labels[name], metrics[name]["value"], bound, metrics[name]["full_marks"])
    return numbers
