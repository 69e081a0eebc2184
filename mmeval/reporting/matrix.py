"""Runs of several models on several tasks as one table: one row per model, one column per headline number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mmeval.files import write_text
from mmeval.reporting import dotplot, run_report
from mmeval.reporting.chart import Chart, Series, estimates, interval, number
from mmeval.reporting.latex import tabular
from mmeval.reporting.lines import markdown, shared, to_csv
from mmeval.reporting.table import clean, escape, grid
from mmeval.run import Run
from mmeval.types import Estimate


@dataclass(frozen=True)
class Matrix:
    """Numbers by column and model, and the marks of the runs."""

    columns: Mapping[str, Mapping[str, Estimate]]
    """Column title -> model -> number."""
    tasks: Mapping[str, str]
    """Column title -> task."""
    marks: Mapping[str, Mapping[str, Sequence[str]]]
    """Task -> model -> marks of the run."""

    @property
    def notes(self) -> list[str]:
        """The marks, each with the task and the models that have it."""
        return [f"{task}: {line}" for task, by_model in self.marks.items() for line in shared(by_model)]

    @property
    def models(self) -> list[str]:
        """The models, in order of first appearance."""
        return list(dict.fromkeys(model for column in self.columns.values() for model in column))


def matrix(runs: Sequence[Run]) -> Matrix:
    """Put the headline numbers of runs into one table. Several runs of one task and model get separate rows."""
    columns: dict[str, dict[str, Estimate]] = {}
    tasks: dict[str, str] = {}
    taken: dict[tuple[str, str], int] = {}
    marks: dict[str, dict[str, Sequence[str]]] = {}
    for run in runs:
        task, found = run_report.task_of_run(run), estimates(run.results)
        key = (run.spec.task, run.spec.model)
        taken[key] = taken.get(key, 0) + 1
        model = run.spec.model if taken[key] == 1 else f"{run.spec.model} ({taken[key]})"
        for name, label in (task.totals or task.axes).items():
            columns.setdefault(f"{task.title}, {label}", {})[model] = found[name]
            tasks[f"{task.title}, {label}"] = task.title
        marks.setdefault(task.title, {})[model] = run.marks
    return Matrix(columns, tasks, marks)


def show(made: Matrix, console: Console) -> None:
    """Print the table: models as rows if they outnumber the headline numbers, else as columns."""
    header, rows = _across(made) if len(made.models) > len(made.columns) else _down(made)
    console.print(grid(header, [(rows, "")]))
    for mark in made.notes:
        console.print(Text(clean(mark), style="yellow"))


def write(made: Matrix, folder: Path) -> list[Path]:
    """Write scores.md, .csv, .tex and a dot plot per column with the models as rows; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    header, rows = _across(made)
    texts = {
        "scores.md": "\n".join([*markdown(header, rows), "", *(f"- {escape(mark)}" for mark in made.notes), ""]),
        "scores.csv": _csv(made),
        "scores.tex": tabular("; ".join(("Scores with 95% intervals", *made.notes)), header, rows),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    paths = [folder / name for name in texts]
    for place, (title, column) in enumerate(made.columns.items(), start=1):
        own = folder / f"figure-{place}"
        own.mkdir(exist_ok=True)
        marks = "; ".join(shared(made.marks[made.tasks[title]]))
        chart = Chart(title, marks, {name: name for name in column}, (Series(title, column),))
        paths += dotplot.draw(chart, own)
    return paths


def _across(made: Matrix) -> tuple[list[str], list[list[str]]]:
    rows = [[model, *(_cell(column.get(model)) for column in made.columns.values())] for model in made.models]
    return ["", *made.columns], rows


def _down(made: Matrix) -> tuple[list[str], list[list[str]]]:
    rows = [[title, *(_cell(column.get(model)) for model in made.models)] for title, column in made.columns.items()]
    return ["", *made.models], rows


def _cell(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return number(None)
    between = interval(estimate)
    return f"{number(estimate.value)} ({between})" if between else number(estimate.value)


def _csv(made: Matrix) -> str:
    header = ["number", "model", "value", "low", "high", "full_marks", "chance", "n", "reason", "marks"]
    rows: list[list[object]] = [[*header]]
    for title, column in made.columns.items():
        for model, one in column.items():
            numbers = (one.value, one.low, one.high, one.full_marks, one.chance, one.n)
            rows.append([title, model, *numbers, one.reason or "", "; ".join(made.marks[made.tasks[title]][model])])
    return to_csv(rows)
