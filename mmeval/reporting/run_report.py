"""Everything that is written beside a run's records: tables, figures, the page, the benchmark's own results."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmeval import loop
from mmeval.reporting import dotplot, page, radar, reference, reference_mmbench, table
from mmeval.reporting import leaderboards as submission
from mmeval.reporting.chart import Chart, Series, estimates
from mmeval.reporting.table import Table
from mmeval.run import Run
from mmeval.scoring import judge as judges
from mmeval.scoring.differences import differences, explain
from mmeval.task import Task, task_of
from mmeval.types import InputError, Record

EMBEDDED = "embedded picture world, not comparable with the leaderboard"
"""What every output says of the embedded data."""
SPOKES = 3
"""Axes with a value of a radar at least."""


def write(run: Run, pictures: page.Pictures | None = None) -> tuple[Table, list[Path]]:
    """Writes the run's tables, figures, page and results folder; returns the table and the paths, the page first.

    `pictures` finds those of the failures that the page lists. The results folder is the benchmark's own format; it
    is left out while answers are missing.
    """
    task = task_of_run(run)
    records, results = run.records, run.results
    tabled = tabulate(task, results, records, title=title(run), data=data_label(run))
    chart = Chart(tabled.title, tabled.data, task.axes, (series(run),), task.totals)
    figures = _draw(chart, run.folder)
    labelled = [replace(record, category=task.axes.get(record.category, record.category)) for record in records]
    answers = zip(labelled, loop.judge(task, records, results["scorer"]), strict=True)
    drawn = figures[-1]  # the radar as SVG: the page's own table shows what the dot plot does
    paths = [page.write(run.folder, tabled, answers, [drawn], pictures), *table.write(tabled, run.folder), *figures]
    if submission.own(run) and is_whole(run):
        submission.BOARDS[task.name].write(run, run.folder / "results")
        paths.append(run.folder / "results")
    return tabled, paths


def task_of_run(run: Run) -> Task:
    """The run's task, reading answers as they were read for its scores, a judge's verdicts included."""
    return task_of(run.identity, judges.from_json(run.results.get("judge")))


def compare(runs: Sequence[Run], published: str | None, out: Path) -> list[Path]:
    """Draws runs side by side, or over the published scores of a date; returns the figures' paths.

    Raises InputError for runs of several tasks, and for an embedded run beside published scores.
    """
    names = Counter(run.identity["model"]["name"] for run in runs)
    lines = [series(run, by_folder=names[run.identity["model"]["name"]] > 1) for run in runs]
    if published is not None and published.startswith("mmbench"):
        return reference_mmbench.draw_published(published, out, lines, [data_label(run) for run in runs])
    if published is not None:
        return reference.draw_published(published, out, lines)
    tasks = {run.identity["task"]["name"] for run in runs}
    labels = {data_label(run) for run in runs}
    if len(tasks) > 1 or len(labels) > 1:
        several = tasks if len(tasks) > 1 else labels
        raise InputError(f"runs of {' and '.join(sorted(several))} are not drawn together; name runs of one kind")
    if len({json.dumps(run.identity["task"].get("card"), sort_keys=True) for run in runs}) > 1:
        raise InputError(f"the runs are of different cards that are all called {tasks.pop()}; name runs of one of them")
    task = task_of_run(runs[0])
    chart = Chart(task.title, labels.pop(), task.axes, tuple(lines), task.totals)
    return _draw(chart, out)


def _draw(chart: Chart, folder: Path) -> list[Path]:
    """The dot plot, and the radar where axes enough have a value: two spokes are a line, and one is half of it."""
    found = {axis for one in chart.series for axis, e in one.estimates.items() if e.value is not None}
    wheel = radar.draw(chart, folder) if len(found & chart.axes.keys()) >= SPOKES else ()
    return [*dotplot.draw(chart, folder), *wheel]


def tabulate(task: Task, results: dict[str, Any], records: Sequence[Record], *, title: str, data: str) -> Table:
    """The table of scored records, with a sentence on where the scorers differ."""
    scores = [loop.judge(task, records, name) for name in task.scorers]
    why = explain(differences(records, *scores[:2])) if len(scores) > 1 else ""
    extras = results["parts"]
    return table.tabulate(
        results,
        title,
        data,
        task.axes,
        task.totals,
        extras,
        why,
        data != EMBEDDED,
        details=task.details,
    )


def series(run: Run, *, by_folder: bool = False) -> Series:
    """The run as a line of a figure, called after its model, or after its folder where several share a model."""
    label = run.folder.resolve().name if by_folder else run.identity["model"]["name"]
    return Series(label, estimates(run.results), comparable=data_label(run) != EMBEDDED)


def title(run: Run) -> str:
    """`mmicl-tiny on MME`."""
    return f"{run.identity['model']['name']} on {task_of_run(run).title}"


def data_label(run: Run) -> str:
    """What the run was measured on, as it is to be read beside its numbers."""
    data = run.identity["data"]
    if data["source"] == "embedded":
        return EMBEDDED
    label = f"{data['source']} at {data['revision']}" if "revision" in data else str(data["source"])
    label += f", limited to {data['limit']}" if data["limit"] is not None else ""
    return label + (", with --partial" if "partial" in run.identity["task"] else "")


def is_whole(run: Run) -> bool:
    """Whether every sample of the data was asked and answered."""
    return run.complete and run.identity["data"]["limit"] is None and not run.results["counts"]["error"]
