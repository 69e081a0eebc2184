"""The values of a figure or table: series of estimates along a benchmark's axes. Nothing is drawn here."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmeval.types import Estimate, InputError, between, number, within


@dataclass(frozen=True)
class Series:
    """One model's numbers: metric name -> Estimate. A metric that is missing is drawn as a gap."""

    label: str
    estimates: Mapping[str, Estimate]
    highlight: bool = False
    """Draw this series over the others, with heavier lines."""


@dataclass(frozen=True)
class Chart:
    """The content of a figure: series along axes, in the benchmark's order, from zero to full marks."""

    title: str
    subtitle: str
    axes: Mapping[str, str]
    """Metric name -> label."""
    series: tuple[Series, ...]
    totals: Mapping[str, str] = field(default_factory=dict)
    """The headline numbers: metric name -> label."""
    notes: tuple[str, ...] = ()
    """Sentences printed under the figure."""

    def full_marks(self, metric: str) -> float | None:
        """Return a metric's full marks, or None if no series has it. Raises InputError if the series disagree."""
        values = self._values(metric, "full_marks")
        if len(values) > 1:
            listed = " and ".join(f"{value:g}" for value in values)
            raise InputError(f"{metric}: full marks of {listed}; draw only runs of one task together")
        return values[0] if values else None

    def chance(self, metric: str) -> float | None:
        """Return a metric's chance level; None if it is unknown, or if the series were asked questions that differ."""
        values = self._values(metric, "chance")
        return values[0] if len(values) == 1 else None

    @property
    def shared_marks(self) -> float | None:
        """The full marks of all axes, or None if they differ."""
        marks = {self.full_marks(metric) for metric in self.axes} - {None}
        return marks.pop() if len(marks) == 1 else None

    def _values(self, metric: str, name: str) -> list[float]:
        """Return the different values, ascending; sums that differ only in the order of their terms are one value."""
        known = (getattr(series.estimates[metric], name) for series in self.series if metric in series.estimates)
        different: list[float] = []
        for value in sorted(value for value in known if value is not None):
            if not different or not math.isclose(different[-1], value, rel_tol=1e-9):
                different.append(value)
        return different


def minus(text: str) -> str:
    """Return a text with a minus sign in place of the hyphen before a negative number."""
    return _NEGATIVE.sub("\N{MINUS SIGN}", text)


_NEGATIVE = re.compile(r"(?<![\w-])-(?=\d)")


def interval(estimate: Estimate, sign: str = "") -> str:
    """Return `120.0 to 155.0`, or nothing if there is no interval; with the sign `+` for a difference."""
    return between(estimate.low, estimate.high, sign=sign)


def with_interval(estimate: Estimate, digits: int = 2) -> str:
    """Return `138.75 (120.0 to 155.0)`, the value alone if there is no interval, or a dash."""
    return within(number(estimate.value, digits), interval(estimate))


def p_text(p: float | None) -> str:
    """Return a p-value with three digits: `0.012`, `<0.001`."""
    return number(None) if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def marks(value: float) -> str:
    """Format full marks or chance: no trailing zeros, never an exponent."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def caption(chart: Chart, opening: str, chance: str, intervals: str, mark: str) -> str:
    """Return how to read a figure, explaining only the elements that it has."""
    estimates = [series.estimates.get(metric) for series in chart.series for metric in chart.axes]
    known = [estimate for estimate in estimates if estimate is not None and estimate.value is not None]
    with_interval = sum(estimate.low is not None for estimate in known)
    sentences = {
        opening: True,
        f"{chance}: chance level.": any(chart.chance(metric) is not None for metric in chart.axes),
        f"{intervals}.": with_interval > 0,
        f"Scores without {mark} were published without an interval.": with_interval < len(known),
        "A gap: no value.": len(known) < len(estimates),
    }
    return " ".join(sentence for sentence, holds in sentences.items() if holds)
