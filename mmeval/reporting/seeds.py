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
    first = runs[0].identity
    for run in runs[1:]:
        if _but_seed(run.identity) != _but_seed(first):
            raise InputError(f"{run.folder} and {runs[0].folder} differ in more than the seed; name runs of one kind")
    task, results = run_report.task_of_run(runs[0]), [run.results for run in runs]
    seeds = [run.spec.seed for run in runs]
    digests = {run.header.get("data_digest") for run in runs}
    labels = task.labels
    return {
        "schema": SCHEMA,
        "title": run_report.title(runs[0]),
        "data": run_report.subtitle(runs[0]),
        "task": task.name,
        "model": runs[0].spec.model,
        "shots": runs[0].spec.shots,
        "seeds": seeds,
        "runs": [str(run.folder) for run in runs],
        "labels": labels,
        "scorers": {
            scorer: {name: _spread(seeds, [result[key][name] for result in results]) for name in labels}
            for scorer in task.scorers
            if (key := "metrics" if scorer == results[0]["scorer"] else scorer)
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
    own = [
        {"seed": seed, **{name: one[name] for name in ("value", "low", "high", "n")}}
        for seed, one in zip(seeds, estimates, strict=True)
    ]
    reasons = [f"seed {seed}: {one['reason']}" for seed, one in zip(seeds, estimates, strict=True) if one["reason"]]
    values = [one["value"] for one in estimates if one["value"] is not None]
    known = len(values) == len(seeds)
    return {
        "mean": statistics.fmean(values) if known else None,
        "sd": statistics.stdev(values) if known and len(values) > 1 else None,
        "min": min(values) if known else None,
        "max": max(values) if known else None,
        "full_marks": estimates[0]["full_marks"],
        "chance": estimates[0]["chance"],
        "reason": reasons[0] if reasons else None,
        "runs": own,
    }


def _cell(one: Mapping[str, Any]) -> str:
    estimate = Estimate(one["value"], one["low"], one["high"], one["n"], 0.0, None)
    between = interval(estimate)
    return f"{number(one['value'], 2)} ({between})" if between else number(one["value"], 2)


def _but_seed(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return what else identifies a run."""
    return {name: value for name, value in identity.items() if name not in ("seed", "questions")}
