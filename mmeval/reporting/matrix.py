"""Runs of several models on several tasks as one table: one row per model, one column per headline number.

Below the models are rows of baselines: chance, the majority answer, a constant answer.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mmeval.files import component, write_texts
from mmeval.reporting import dotplot, run_report
from mmeval.reporting.baselines import TITLE, values_of
from mmeval.reporting.chart import Chart, Series, with_interval
from mmeval.reporting.latex import tabular
from mmeval.reporting.lines import escape, grid, markdown, print_whole, shared, tell, to_csv, whole_width
from mmeval.runs.run import Run
from mmeval.runs.schema import Results
from mmeval.scoring.baselines import CONSTANT, MAJORITY, UNJUDGED
from mmeval.spec import options
from mmeval.types import Estimate, number

BASELINES = ("chance", "majority answer", "constant answer")


@dataclass(frozen=True)
class Matrix:
    """Numbers by column and model, and the marks of the runs."""

    columns: Mapping[str, Mapping[str, Estimate]]
    """Column title -> model -> number."""
    tasks: Mapping[str, str]
    """Column title -> task."""
    marks: Mapping[str, Mapping[str, Sequence[str]]]
    """Task -> model -> marks of the run."""
    baselines: Mapping[str, Mapping[str, float]]
    """Chance, majority answer or constant answer -> column title -> what it scores."""
    unjudged: Collection[str] = ()
    """Tasks whose models a judge scored, but not the baselines."""

    @property
    def notes(self) -> list[str]:
        """The marks, each with the task and the models that have it, and what the baselines are."""
        marks = [f"{task}: {line}" for task, by_model in self.marks.items() for line in shared(by_model)]
        return [*marks, *(f"{task}: {UNJUDGED}" for task in self.unjudged)]

    @property
    def models(self) -> list[str]:
        """The models, in order of first appearance."""
        return list(dict.fromkeys(model for column in self.columns.values() for model in column))


def matrix(runs: Sequence[Run]) -> Matrix:
    """Put the headline numbers of runs into one table. Several runs of one task and model get a row each."""
    columns: dict[str, dict[str, Estimate]] = {}
    tasks: dict[str, str] = {}
    marks: dict[str, dict[str, Sequence[str]]] = {}
    baselines: dict[str, dict[str, float]] = {name: {} for name in BASELINES}
    titles: dict[str, str] = {}
    unjudged: dict[str, None] = {}
    for run, model in zip(runs, _names(runs), strict=True):
        task, scores_of_run = run_report.task_of_run(run), run.results.metrics
        if (key := _benchmark(run)) not in titles:
            same = sum(title.partition(" (card ")[0] == task.title for title in titles.values())
            titles[key] = f"{task.title} (card {same + 1})" if same else task.title
        title = titles[key]
        for name, label in (task.totals or task.axes).items():
            columns.setdefault(f"{title}, {label}", {})[model] = scores_of_run[name]
            tasks[f"{title}, {label}"] = title
            for baseline, value in _baselines(run.results, name).items():
                baselines[baseline].setdefault(f"{title}, {label}", value)
        marks.setdefault(title, {})[model] = run.marks
        if task.judged and run.results.baselines:
            unjudged[title] = None
    known_baselines = {name: scores for name, scores in baselines.items() if scores}
    return Matrix(columns, tasks, marks, known_baselines, tuple(unjudged))


def _benchmark(run: Run) -> str:
    """Return the key of a run's benchmark: its name and its card, because two cards may share a file name."""
    return json.dumps([run.spec.task, run.identity.get("card")], sort_keys=True)


def _names(runs: Sequence[Run]) -> list[str]:
    """Return a name per run: its model, and the settings in which other runs of its task and model differ from it."""
    names: list[str] = []
    uses: dict[tuple[str, str], int] = {}
    for run in runs:
        kind = (_benchmark(run), run.spec.model)
        specs = [other.spec for other in runs if (_benchmark(other), other.spec.model) == kind]
        differing = [name for name in options() if len({getattr(spec, name) for spec in specs}) > 1]
        settings = (f"{name.replace('_', ' ')} {getattr(run.spec, name)}" for name in differing)
        name = ", ".join((run.spec.model, *settings))
        uses[_benchmark(run), name] = number = uses.get((_benchmark(run), name), 0) + 1
        names.append(name if number == 1 else f"{name} ({number})")
    return names


def _baselines(results: Results, metric: str) -> dict[str, float]:
    """Return the scores of the baselines on a metric, as far as they are known."""
    answers = [values_of(results.baselines, name) for name in (MAJORITY, CONSTANT)]
    scores = [results.metrics[metric].chance, *(values.get(metric) for values in answers)]
    return {name: value for name, value in zip(BASELINES, scores, strict=True) if value is not None}


def show(matrix: Matrix, console: Console) -> None:
    """Print the table: models as rows if they outnumber the headline numbers, else as columns, baselines below.

    If it is too wide for the terminal, the other way around. No number and no name is cut off.
    """
    header, models, below = _across(matrix)
    ways = [[grid(header, [(models, ""), (below, "dim")])], []]
    for first, rows, style in (("", models, ""), (TITLE, below, "dim")):
        names, *turned = zip([first, *header[1:]], *rows, strict=True)
        ways[1].append(grid(names, [(turned, style)]))
    if len(matrix.models) <= len(matrix.columns):
        ways.reverse()
    fitting = (way for way in ways if all(whole_width(table, console) <= console.width for table in way))
    for table in next(fitting, ways[0]):
        print_whole(table, console)
    for mark in matrix.notes:
        tell(console, mark, "yellow")


def write(matrix: Matrix, folder: Path) -> list[Path]:
    """Write scores.md, .csv, .tex and a dot plot per column with the models as rows; return the paths.

    A column without a value has no plot.
    """
    header, models, below = _across(matrix)
    rows = [*models, *below]
    text = "\n".join([*markdown(header, rows), "", *(f"- {escape(mark)}" for mark in matrix.notes), ""])
    latex = tabular("; ".join(("Scores with 95% intervals", *matrix.notes)), header, rows)
    paths = write_texts({folder / "scores.md": text, folder / "scores.csv": _csv(matrix), folder / "scores.tex": latex})
    for index, (title, column) in enumerate(matrix.columns.items(), start=1):
        if all(score.value is None for score in column.values()):
            continue
        marks = "; ".join(shared(matrix.marks[matrix.tasks[title]]))
        chart = Chart(title, marks, {name: name for name in column}, (Series(title, column),))
        paths += dotplot.draw(chart, folder / component(f"{index}-{title}".replace(", ", "-").replace(" ", "-")))
    return paths


def _across(matrix: Matrix) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Return the header, the rows of the models and those of the baselines."""
    rows = []
    for model in matrix.models:
        scores_of_model = [column.get(model) for column in matrix.columns.values()]
        rows.append([model, *(with_interval(score) if score else number(None) for score in scores_of_model)])
    below = [
        [name, *(number(scores.get(title)) for title in matrix.columns)] for name, scores in matrix.baselines.items()
    ]
    return ["", *matrix.columns], rows, below


def _csv(matrix: Matrix) -> str:
    header = ["number", "model", "value", "low", "high", "full_marks", "chance", "n", "reason", "marks"]
    rows: list[list[object]] = [[*header]]
    for title, column in matrix.columns.items():
        for model, score in column.items():
            numbers = (score.value, score.low, score.high, score.full_marks, score.chance, score.n)
            rows.append(
                [title, model, *numbers, score.reason or "", "; ".join(matrix.marks[matrix.tasks[title]][model])]
            )
        for name, scores in matrix.baselines.items():
            if title in scores:
                rows.append([title, name, scores[title], *[""] * (len(header) - 3)])
    return to_csv(rows)
