"""Runs that differ in their seed only, side by side: the mean and the spread of every number over the seeds.

A run's own interval says how much its questions matter; the spread says how much the demonstrations that were drawn do.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmeval.reporting import run_report
from mmeval.reporting.chart import interval, number
from mmeval.reporting.table import clean
from mmeval.run import SCHEMA, Run
from mmeval.types import Estimate, InputError

if TYPE_CHECKING:
    from rich.console import Console


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what `run --seeds ... --json` prints: each number that the task reports, by scorer and name.

    A number has mean, sd (of the seeds' values, divided by one less than there are; None for one seed), min and max,
    and each run's own value and interval; where a run has no value, none of these, and why. Raises InputError for
    runs that differ in anything but the seed.
    """
    first, results, seeds = runs[0], [run.results for run in runs], [run.spec.seed for run in runs]
    for run in runs[1:]:
        if _but_seed(run) != _but_seed(first):
            raise InputError(f"{run.folder} and {first.folder} differ in more than the seed; name runs of one kind")
    task, digests = run_report.task_of_run(first), {run.header.get("data_digest") for run in runs}
    keys = {scorer: "metrics" if scorer == results[0]["scorer"] else scorer for scorer in task.scorers}
    return {
        "schema": SCHEMA,
        "title": run_report.title(first),
        "data": run_report.subtitle(first),
        "task": task.name,
        "model": first.spec.model,
        "shots": first.spec.shots,
        "seeds": seeds,
        "runs": [str(run.folder) for run in runs],
        "labels": task.labels,
        "scorers": {
            scorer: {name: _spread(seeds, [result[key][name] for result in results]) for name in task.labels}
            for scorer, key in keys.items()
        },
        "errors": sum(result["counts"]["error"] for result in results),
        "remarks": [SAME] if len(seeds) > 1 and len(digests) == 1 else [],
    }


WIDEST = 10_000
"""Columns of a table at most: a number is never cut off, whatever the terminal."""
SAME = "The seed draws nothing in these data: every run asked the same, and the spread says nothing."


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print a row a number: over the seeds, then each seed's, with interval; strict's below where it differs."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for index, name in enumerate(["", "mean", "sd", "min", "max", *(f"seed {seed}" for seed in summary["seeds"])]):
        grid.add_column(Text(name), justify="right" if index else "left", no_wrap=True)
    found: Mapping[str, Any] = next(iter(summary["scorers"].values()))
    strict: Mapping[str, Any] = summary["scorers"].get("strict", {})
    rows = [(label, found[name]) for name, label in summary["labels"].items()]
    rows += [
        (f"{label}, strict", strict[n]) for n, label in summary["labels"].items() if strict and strict[n] != found[n]
    ]
    for label, row in rows:
        cells = [number(row[key], 2) for key in ("mean", "sd", "min", "max")]
        grid.add_row(*(Text(cell) for cell in (clean(label), *cells, *map(_cell, row["runs"]))))
    shots = "" if summary["shots"] is None else f", {summary['shots']} demonstrations"
    console.print(Text(clean(f"{summary['title']}{shots}: {len(summary['seeds'])} seeds"), style="bold"))
    console.print(Text(clean(summary["data"])))
    grid.width = console.measure(grid, options=console.options.update(width=WIDEST)).maximum
    console.print(grid, crop=False)
    errors = summary["errors"]
    console.print(Text(f"{errors:,} error{'' if errors == 1 else 's'}", style="red" if errors else ""))
    lacking = [f"{summary['labels'][name]}: no value ({row['reason']})" for name, row in found.items() if row["reason"]]
    for note in (*lacking, *summary["remarks"]):
        console.print(Text(clean(note), style="dim"))


def _spread(seeds: Sequence[int], estimates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    own = [{"seed": seed, **one} for seed, one in zip(seeds, estimates, strict=True)]
    values = [one["value"] for one in own if one["value"] is not None]
    known = len(values) == len(seeds)
    return {
        "mean": statistics.fmean(values) if known else None,
        "sd": statistics.stdev(values) if known and len(values) > 1 else None,
        "min": min(values) if known else None,
        "max": max(values) if known else None,
        **{name: own[0][name] for name in ("full_marks", "chance")},
        "reason": next((f"seed {one['seed']}: {one['reason']}" for one in own if one["reason"]), None),
        "runs": [{name: one[name] for name in ("seed", "value", "low", "high", "n")} for one in own],
    }


def _cell(one: Mapping[str, Any]) -> str:
    estimate = Estimate(one["value"], one["low"], one["high"], one["n"], 0.0, None)
    between = interval(estimate)
    return f"{number(one['value'], 2)} ({between})" if between else number(one["value"], 2)


def _but_seed(run: Run) -> dict[str, Any]:
    """Return what else identifies a run."""
    return {name: value for name, value in run.identity.items() if name not in ("seed", "questions")}
