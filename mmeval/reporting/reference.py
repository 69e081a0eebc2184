"""Published MME scores: reading them, and drawing them, with runs on the real benchmark over them.

The tables are the CSV files of `reports/reference/`, installed as the data of `mmeval.reporting.published`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date as day
from importlib import resources
from pathlib import Path

from mmeval.reporting import dotplot, radar
from mmeval.reporting.chart import Chart, Series
from mmeval.task import load_task
from mmeval.types import Estimate, InputError

_MME = load_task("mme")
AXES, TOTALS = _MME.axes, _MME.totals
"""MME's metric names and their labels, in the published radar's order; in lower case they head the CSVs' columns."""

FULL_MARKS = {"perception": 2000.0, "cognition": 800.0} | dict.fromkeys(AXES, 200.0)
CHANCE = 0.375
"""What a fair coin gets, of full marks: 50 points for accuracy and 25 for both questions of a picture."""

FEATURED = "MMICL"


def published(date: str) -> list[Series]:
    """Return the models that stand out on MME's leaderboard of that date, in its order.

    2023-09-17: the six of the published radar, the top five in perception and those in cognition together.
    A later date: the top five in perception, and MMICL. Raises InputError naming the nearest date.
    """
    tables = {_date(name): name for name in sorted(_names())}
    tables |= {_date(name): name for name in sorted(_names()) if "_radar_" in name}
    if date not in tables:
        raise InputError(f"no published scores of '{date}'; the nearest are those of {_nearest(date, tables)}")
    rows = list(csv.DictReader(io.StringIO(_read(tables[date]))))
    first = len(rows) if "_radar_" in tables[date] else 5
    return [_series(row) for row in rows[:first] + [row for row in rows[first:] if row["model"] == FEATURED]]


def draw_published(date: str, folder: Path, runs: Sequence[Series] = ()) -> list[Path]:
    """Draws the published models as radar and dot plot, PNG and SVG, with runs on MME's own data over them.

    Raises InputError for a run on other data, whose scores say nothing beside the leaderboard's, and of another task.
    """
    models = published(date)
    for run in runs:
        if missing := [metric for metric in AXES if metric not in run.estimates]:
            raise InputError(f"the run '{run.label}' has no '{missing[0]}': it is not a run of MME; draw it on its own")
    if not runs:
        models = [Series(m.label, m.estimates, highlight=m.label == FEATURED) for m in models]
    over = [Series(run.label, run.estimates, highlight=True) for run in runs]
    subtitle = "MME, 14 subtasks of 200 points each. Published scores" + (" and own runs over them" if runs else "")
    notes = (f"Source: MME leaderboard of {date}, BradyFU/Awesome-Multimodal-Large-Language-Models.",)
    chart = Chart(f"MME leaderboard, {date}", subtitle, AXES, (*models, *over), TOTALS, notes)
    return [*radar.draw(chart, folder, f"radar-{date}"), *dotplot.draw(chart, folder, f"dotplot-{date}")]


def _nearest(date: str, known: Iterable[str]) -> str:
    try:
        asked = day.fromisoformat(date)
    except ValueError:
        return " and ".join(known)
    return min(known, key=lambda other: abs(day.fromisoformat(other) - asked))


def _series(row: dict[str, str]) -> Series:
    columns = {metric: label.lower() for metric, label in {**TOTALS, **AXES}.items()}
    return Series(row["model"], {metric: _estimate(metric, row[column]) for metric, column in columns.items()})


def _estimate(metric: str, value: str) -> Estimate:
    """Return a published score: it came without an interval and without its counts."""
    full = FULL_MARKS[metric]
    return Estimate(float(value), None, None, 0, full, CHANCE * full)


def _names() -> list[str]:
    names = (entry.name for entry in resources.files("mmeval.reporting.published").iterdir())
    return [name for name in names if name.startswith(("mme_radar_", "mme_wide_"))]


def _date(name: str) -> str:
    return name.removesuffix(".csv").rpartition("_")[2]


def _read(name: str) -> str:
    return resources.files("mmeval.reporting.published").joinpath(name).read_text(encoding="utf-8")
