"""Read published scores of MME and MMBench, and draw complete runs on the benchmark's data next to them.

The tables are the CSV files in `reports/reference/`, installed as package data of `mmeval.reporting.reference`.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date as day
from functools import cache
from importlib import resources
from pathlib import Path

from mmeval.reporting import dotplot, radar
from mmeval.reporting.chart import Chart, Series
from mmeval.task_loading import load_task
from mmeval.types import Estimate, InputError, nearest, number

REFERENCE = resources.files("mmeval.reporting.reference")
CHANCE = 0.375
"""Score of random guessing on MME, as a fraction of full marks: 50 points for acc and 25 for acc+, of 200."""
MMBENCH = {
    "mmbench-2023": ("mmbench_2023_first_version.csv", "first version, 2023"),
    "mmbench-dev": ("mmbench_dev_L2_circulareval.csv", "dev, V1.0"),
    "mmbench-test": ("mmbench_test_L2_circulareval.csv", "test, V1.0"),
}
"""Value of `--published` -> the table and its data."""
OVERALL = "circular"
SHOWN = 5
"""Maximum number of published models in a figure, not counting MMICL."""
ALWAYS_SHOWN = ("MMICL", "InstructBLIP-13B")
"""The model that this harness runs, and a related one: shown if the table has them."""


@cache
def full_marks() -> Mapping[str, float]:
    """Return MME's full marks: metric -> number."""
    return {"perception": 2000.0, "cognition": 800.0} | dict.fromkeys(load_task("mme").axes, 200.0)


def draw(which: str, folder: Path, runs: Sequence[Series] = (), data: Sequence[str] = ()) -> list[Path]:
    """Draw published models, overlaid with runs on the benchmark's own data, as radar and dot plot, PNG and SVG.

    `which` is a date of MME's leaderboard or a key of MMBENCH; `data` names the data of each run. Raises InputError for
    another name, and for runs of another task.
    """
    chart = _mmbench(which, runs, data) if which.startswith("mmbench") else _mme(which, runs)
    return [*radar.draw(chart, folder, f"radar-{which}"), *dotplot.draw(chart, folder, f"dotplot-{which}")]


def mme(date: str) -> list[Series]:
    """Return the top models on MME's leaderboard of that date, in its order.

    2023-09-17: the six models of the published radar, which are the top five in perception or in cognition. Later
    dates: the top five in perception, and MMICL. For an unknown date, raises InputError that names the nearest one.
    """
    names = sorted(entry.name for entry in REFERENCE.iterdir())
    tables = {_date(name): name for name in names if name.startswith("mme_wide_")}
    tables |= {_date(name): name for name in names if name.startswith("mme_radar_")}
    if date not in tables:
        raise InputError(f"no published scores of '{date}'; the nearest dates are {_nearest(date, tables)}")
    labels = load_task("mme").labels
    models = [
        Series(row["model"], {n: _estimate(row[label.lower()], full_marks()[n], CHANCE) for n, label in labels.items()})
        for row in _rows(tables[date])
    ]
    first = len(models) if "_radar_" in tables[date] else SHOWN
    return models[:first] + [model for model in models[first:] if model.label == ALWAYS_SHOWN[0]]


def mmbench(which: str) -> list[Series]:
    """Return all models of a table of MMBENCH, best first. Raises InputError for an unknown table."""
    if which not in MMBENCH:
        raise InputError(f"no published scores '{which}'{nearest(which, MMBENCH)}; choose from {', '.join(MMBENCH)}")
    columns = {OVERALL: "overall"} | {name: name for name in load_task("mmbench").axes}
    models = [
        Series(row["model"], {name: _estimate(row[column], 100.0) for name, column in columns.items()})
        for row in _rows(MMBENCH[which][0])
    ]
    return sorted(models, key=_overall, reverse=True)


def _mme(date: str, runs: Sequence[Series]) -> Chart:
    models, task = mme(date), load_task("mme")
    _check(runs, "MME", task.axes)
    if not runs:
        models = [replace(model, highlight=model.label == ALWAYS_SHOWN[0]) for model in models]
    over = [replace(run, highlight=True) for run in runs]
    subtitle = "MME, 14 subtasks of 200 points each. Published scores" + (" and own runs over them" if runs else "")
    notes = (f"Source: MME leaderboard of {date}, BradyFU/Awesome-Multimodal-Large-Language-Models.",)
    return Chart(f"MME leaderboard, {date}", subtitle, task.axes, (*models, *over), task.totals, notes)


def _mmbench(which: str, runs: Sequence[Series], data: Sequence[str]) -> Chart:
    models, task = mmbench(which), load_task("mmbench")
    _check(runs, "MMBench", (OVERALL, *task.axes))
    for run in runs:
        if run.estimates[OVERALL].value is None:
            raise InputError(
                f"the run '{run.label}' has no CircularEval score; evaluate the model on the official table"
            )
    over = [replace(run, highlight=True) for run in runs]
    notes = (
        *(_rank(run, on, models) for run, on in zip(runs, data, strict=True)),
        "Source: MMBench's papers and MMICL's readme; each row of the table in reports/reference names its own.",
        "Published scores are CircularEval with a language model as judge; splits and versions differ between papers.",
    )
    subtitle = "CircularEval by ability, of 100. Published scores" + (" and own runs over them" if runs else "")
    selected, totals = chosen(models, runs), {OVERALL: task.totals[OVERALL]}
    return Chart(f"MMBench, {MMBENCH[which][1]}", subtitle, task.axes, (*selected, *over), totals, notes)


def chosen(models: Sequence[Series], runs: Sequence[Series] = ()) -> list[Series]:
    """Return ALWAYS_SHOWN and the best models, or those with scores nearest to the runs; best first."""
    always = [model for model in models if model.label.startswith(ALWAYS_SHOWN)]
    others = [model for model in models if model not in always]
    if runs:
        others.sort(key=lambda model: min(abs(_overall(model) - _overall(run)) for run in runs))
    selected = sorted([*others[: SHOWN - len(always)], *always], key=_overall, reverse=True)
    return [replace(model, highlight=not runs and model.label.startswith(ALWAYS_SHOWN[0])) for model in selected]


def _check(runs: Sequence[Series], benchmark: str, metrics: Iterable[str]) -> None:
    for run in runs:
        if missing := [name for name in metrics if name not in run.estimates]:
            lacking = f"the run '{run.label}' has no '{missing[0]}'"
            raise InputError(f"{lacking}: it is not a run of {benchmark}; draw it on its own")


def _rank(run: Series, on: str, models: Sequence[Series]) -> str:
    better = [model for model in models if _overall(model) > _overall(run)]
    return f"{run.label}: {number(_overall(run))} on {on}, behind {len(better)} of {len(models)} published models."


def _overall(series: Series) -> float:
    value = series.estimates[OVERALL].value
    assert value is not None
    return value


def _estimate(value: str, full: float, chance: float | None = None) -> Estimate:
    """Return a published score, which has no interval and no counts."""
    return Estimate(float(value), None, None, 0, full, None if chance is None else chance * full)


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(REFERENCE.joinpath(name).read_text(encoding="utf-8"))))


def _date(name: str) -> str:
    return name.removesuffix(".csv").rpartition("_")[2]


def _nearest(date: str, known: Iterable[str]) -> str:
    try:
        wanted = day.fromisoformat(date)
    except ValueError:
        return " and ".join(known)
    return min(known, key=lambda candidate: abs(day.fromisoformat(candidate) - wanted))
