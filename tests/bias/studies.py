"""Made-up studies, and numbers of a study that must have a value."""

from __future__ import annotations

from typing import Any, TypeVar

from mmeval.runs.study import Ratio, Study
from mmeval.types import Estimate

T = TypeVar("T")


def measured(value: T | None) -> T:
    """Return what must have been measured."""
    assert value is not None
    return value


def interval(number: Estimate | Ratio | None) -> tuple[float, float]:
    """Return the ends of a number's interval, which must have one."""
    assert number is not None and number.low is not None and number.high is not None
    return number.low, number.high


def number(value: float | None, low: float | None, high: float | None) -> Estimate:
    return Estimate(value, low, high, n=40, full_marks=100.0, chance=25.0)


def made_up(**parts: Any) -> Study:
    """Return a study of a model that is right about half of the questions, with these parts."""
    values: dict[str, Any] = {
        "task": "mme", "title": "A task", "n": 40, "labels": {"accuracy": "Accuracy"}, "axes": {}, "rows": {},
        "seen": {"accuracy": number(50, 40, 60)}, "model": "A model",
    }  # fmt: skip
    nothing = dict.fromkeys(("yes_no", "letters", "by_place", "by_pictures"))
    return Study(**{**values, **nothing, **parts})
