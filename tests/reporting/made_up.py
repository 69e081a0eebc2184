"""Made-up results for the tests of reporting."""

from __future__ import annotations

from dataclasses import replace

from mmeval.reporting.chart import Chart, Series
from mmeval.reporting.published import full_marks
from mmeval.runs.schema import Counts, Results
from mmeval.task_loading import load_task
from mmeval.types import Estimate

AXES, TOTALS = load_task("mme").axes, load_task("mme").totals
WHY = "One reads four characters."


def series(label: str, share: float, **options: bool) -> Series:
    """Numbers around that share of full marks, a different one on each axis."""
    names = enumerate(full_marks().items())
    return Series(label, {name: _estimate(share + 0.02 * (i % 5 - 2), full) for i, (name, full) in names}, **options)


def chart(*labels: str, title: str = "A run on MME") -> Chart:
    """A chart with one series per label."""
    all_series = tuple(series(label, 0.3 + 0.09 * index) for index, label in enumerate(labels))
    return Chart(title, "embedded picture world, not comparable with the leaderboard", AXES, all_series, TOTALS)


def scores() -> Results:
    """Results in which the strict scorer differs on one axis and one axis has no value."""
    metrics = dict(series("", 0.7).estimates)
    metrics["scene"] = replace(metrics["scene"], value=None, low=None, high=None, reason="no answers")
    by_strict = replace(metrics["OCR"], value=(metrics["OCR"].value or 0.0) - 5)
    return Results(
        task="mme",
        scorer="official",
        metrics=metrics,
        others={"strict": {**metrics, "OCR": by_strict}},
        parts={name: {"acc": 85.0, "acc+": 55.0} for name in AXES},
        counts=Counts(samples=120, correct=90, incorrect=20, unparsed=5, refused=2, error=3),
        differences=WHY,
        remarks=[],
        answered=117,
        planned=120,
        marks=["unfinished: a mark"],
    )


def _estimate(share: float, full: float) -> Estimate:
    return Estimate(share * full, max(share - 0.07, 0) * full, min(share + 0.05, 1) * full, 80, full, 0.375 * full)
