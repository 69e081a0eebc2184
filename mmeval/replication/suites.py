"""Every embedded suite asked of every model of the family, as runs of the harness; one table a suite.

These are runs as anybody makes them (`make eval TASK=... MODEL=...`); only the page that joins them is made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from mmeval import door
from mmeval.reporting.chart import estimates, number
from mmeval.task import Task, load_task
from mmeval.tasks import TASKS
from mmeval.types import Estimate, InputError, RunMismatch

Found = dict[str, dict[str, Estimate]]
"""Model -> number -> Estimate."""


def embedded() -> Iterator[str]:
    """The tasks whose questions the picture world can draw."""
    for name in TASKS:
        try:
            next(iter(load_task(name).samples("embedded")))
        except InputError:  # it says which data to give instead
            continue
        yield name


def measure(task: Task, contexts: Mapping[str, str | None], runs: Path) -> Found:
    """What each model gets on the task's embedded questions; a run of the same weights is not asked again."""
    found: Found = {}
    for model, context in contexts.items():
        run = partial(
            door.evaluate, model, task.name, data="embedded", context=context, out=runs / f"{task.name}-{model}"
        )
        try:
            results = run(device="cpu").results
        except RunMismatch:  # of weights that were trained before these
            results = run(device="cpu", fresh=True).results
        found[model] = estimates(results)
    return found


def page(found: Mapping[str, Found]) -> str:
    """The suites one after the other: a row a number, with chance and what each model got."""
    lines = [
        "# The tiny family on every embedded suite",
        "",
        "`make replicate` makes this page. The questions are drawn by the picture world of this repository, one suite "
        "for each kind of question; the numbers are not comparable with those on the benchmarks' own data. In brackets "
        "the 95% interval. The baselines are shown several pictures side by side in one.",
    ]
    for name, models in found.items():
        task = load_task(name)
        labels = {**task.axes, **task.totals}
        lines += ["", f"## {task.title}", "", f"`make eval TASK={name}`", ""]
        lines += [f"| | chance | {' | '.join(models)} |", "|---" * (2 + len(models)) + "|"]
        for key, label in labels.items():
            cells = [model[key] for model in models.values() if key in model]
            if any(cell.value is not None for cell in cells):
                chance = next((cell.chance for cell in cells if cell.chance is not None), None)
                lines.append(f"| {label} | {number(chance)} | {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _cell(estimate: Estimate) -> str:
    if estimate.value is None:
        return "–"
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"
