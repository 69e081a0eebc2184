"""Published MMBench scores, CircularEval by ability, with runs on the real benchmark placed among them.

The tables are CSV files of `reports/reference/`, installed as the data of `mmeval.reporting.published`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from mmeval.reporting import dotplot, radar
from mmeval.reporting.chart import Chart, Series, number
from mmeval.task import load_task
from mmeval.types import Estimate, InputError, nearest

TABLES = {
    "mmbench-2023": ("mmbench_2023_first_version.csv", "first version, 2023"),
    "mmbench-dev": ("mmbench_dev_L2_circulareval.csv", "dev, V1.0"),
    "mmbench-test": ("mmbench_test_L2_circulareval.csv", "test, V1.0"),
}
"""What `--published` takes -> the table, and what it was measured on."""

OVERALL = "circular"
SHOWN = 5
"""Published models in a figure at most."""
FEATURED = ("MMICL", "InstructBLIP-13B")
"""Kin of what this harness runs: shown where the table has them."""


def published(which: str) -> list[Series]:
    """All models of the table, the best first; they came without intervals. Raises InputError for no such table."""
    if which not in TABLES:
        raise InputError(f"no published scores '{which}'{nearest(which, TABLES)}; there are: {', '.join(TABLES)}")
    name, _ = TABLES[which]
    text = resources.files("mmeval.reporting.published").joinpath(name).read_text(encoding="utf-8")
    found = [_series(row) for row in csv.DictReader(io.StringIO(text))]
    return sorted(found, key=_overall, reverse=True)


def draw_published(which: str, folder: Path, runs: Sequence[Series] = (), data: Sequence[str] = ()) -> list[Path]:
    """Draws the runs among the published models next to them, else the best models, as radar and dot plot.

    `data` says what each run was measured on: a split or a language that may not be the published one's.
    Raises InputError for a run on other data than MMBench's, and of another task.
    """
    task = load_task("mmbench")
    models = published(which)
    for run in runs:
        if missing := [name for name in (OVERALL, *task.axes) if name not in run.estimates]:
            raise InputError(
                f"the run '{run.label}' has no '{missing[0]}': it is not a run of MMBench; draw it on its own"
            )
        if run.estimates[OVERALL].value is None:
            raise InputError(
                f"the run '{run.label}' has no CircularEval, so it is not drawn over "
                "published scores; evaluate the model on the official table, or draw the run without --published"
            )
    shown = _neighbours(models, runs) if runs else _chosen(models)
    over = [Series(run.label, run.estimates, highlight=True) for run in runs]
    measured = TABLES[which][1]
    notes = (
        *(_place(run, on, models) for run, on in zip(runs, data, strict=True)),
        "Source: MMBench's papers and MMICL's readme; each row of the table in reports/reference names its own.",
        "Published scores are CircularEval with a language model as judge; splits and versions differ between papers.",
    )
    totals = {OVERALL: task.totals[OVERALL]}
    subtitle = "CircularEval by ability, of 100. Published scores" + (" and own runs over them" if runs else "")
    chart = Chart(f"MMBench, {measured}", subtitle, task.axes, (*shown, *over), totals, notes)
    return [*radar.draw(chart, folder, f"radar-{which}"), *dotplot.draw(chart, folder, f"dotplot-{which}")]


def _chosen(models: Sequence[Series]) -> list[Series]:
    """Return the best models and the kin; best first."""
    kin = [model for model in models if model.label.startswith(FEATURED)]
    rest = [model for model in models if model not in kin]
    chosen = sorted([*rest[: SHOWN - len(kin)], *kin], key=_overall, reverse=True)
    return [replace(model, highlight=model.label.startswith(FEATURED[0])) for model in chosen]


def _neighbours(models: Sequence[Series], runs: Sequence[Series]) -> list[Series]:
    """Return the models with the scores nearest to the runs', the kin first among equals; best first."""
    kin = [model for model in models if model.label.startswith(FEATURED)]
    rest = [model for model in models if model not in kin]
    rest.sort(key=lambda model: min(abs(_overall(model) - _overall(run)) for run in runs))
    return sorted([*kin, *rest[: SHOWN - len(kin)]], key=_overall, reverse=True)


def _place(run: Series, on: str, models: Sequence[Series]) -> str:
    better = [model for model in models if _overall(model) > _overall(run)]
    return f"{run.label}: {number(_overall(run))} on {on}, behind {len(better)} of {len(models)} published models."


def _overall(series: Series) -> float:
    value = series.estimates[OVERALL].value
    assert value is not None
    return value


def _series(row: dict[str, str]) -> Series:
    values = {OVERALL: row["overall"], **{name: row[name] for name in load_task("mmbench").axes}}
    return Series(
        row["model"], {name: Estimate(float(value), None, None, 0, 100.0, None) for name, value in values.items()}
    )
