"""The files written next to a run's records: tables, figures, the page, the benchmark's own results."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mmeval import __version__, comparison, regular
from mmeval.configuration import configure
from mmeval.files import delete
from mmeval.reporting import about, bias, dotplot, leaderboards, page, published, radar, table
from mmeval.reporting.baselines import Rows
from mmeval.reporting.browser import Answer, Browser, Find, Other, answer_texts, browse
from mmeval.reporting.chart import Chart, Series, estimates
from mmeval.reporting.lines import shared
from mmeval.reporting.table import Table
from mmeval.runs.run import EMBEDDED, SMALL, Run
from mmeval.runs.schema import read_samples, scores_by_id
from mmeval.scoring import verdicts
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import InputError

FORMER = "index.html"
"""The page of mmeval 0.2, whose numbers may differ from `report.html`."""
TABLES = ("table.md", "table.csv")
CODE = (".py", ".html", ".css", ".js")
"""Suffixes of the files that draw."""


def write(run: Run, find: Find | None = None) -> list[Path]:
    """Write the run's tables, figures, page and results folder; return the paths, the page first.

    `find` yields the requests, for the pictures on the page. The results folder has the benchmark's own format; it is
    left out while answers are missing. If every file exists and would come out the same, nothing is drawn.
    """
    task = task_of_run(run)
    results_table, bias_panel = table_of_run(run, task), bias.panel(run)
    panels = {"Bias": bias_panel} if bias_panel else {}
    series = Series(run.spec.model, estimates(run.results))
    chart = Chart(results_table.title, subtitle(run), task.axes, (series,), task.totals)
    facts, command = about.facts(run), about.command(run.spec, run.identity)
    results = leaderboards.own(run) and all(mark.startswith((EMBEDDED, SMALL)) for mark in run.marks)
    names = [page.NAME, *TABLES, "dotplot.svg", *["radar.svg"] * radar.fits(chart), *["results"] * results]
    paths = [run.folder / name for name in names]
    contents = (task.labels, results_table, chart, facts, command, panels)
    made_from = {with_find: _digest(run, contents, with_find) for with_find in (True, False)}
    accepted = [made_from[True]] if find else list(made_from.values())  # without `find`, a page with pictures stays
    if written(run) == paths and page.made_from(run.folder) in accepted:
        return paths
    draw(chart, run.folder, png=False)
    browser = _browse(run, task, _controls(run), find)
    figures = [radar.inline(chart)] if radar.fits(chart) else []
    table.write(results_table, run.folder)
    if results:
        leaderboards.BOARDS[task.name].write(run, run.folder / "results")
    delete(run.folder / FORMER)
    # last: the digest on the page says that all files are complete
    page.write(run.folder, results_table, browser, facts, {"": command}, figures, panels, made_from[find is not None])
    return paths


def _digest(run: Run, contents: object, with_find: bool) -> str:
    """Return the SHA-256 of everything drawn for a run and of the drawing code, as 64 hex digits."""
    sha256 = hashlib.sha256(repr((__version__, with_find, run.results["records"], contents)).encode(errors="replace"))
    samples = [run.folder / "samples.jsonl", *sorted((run.folder / "controls").glob("*/samples.jsonl"))]
    code = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in CODE)
    for path in (*samples, *code):
        sha256.update(
            f"{path.parent.name}/{path.name} {hashlib.sha256(regular.read_bytes(path)).hexdigest()}\n".encode()
        )
    return sha256.hexdigest()


def written(run: Run) -> list[Path]:
    """Return the paths of the files from `write` in the run's folder, the page first."""
    names = (page.NAME, *TABLES, "dotplot.png", "dotplot.svg", "radar.png", "radar.svg", "results", FORMER)
    return [run.folder / name for name in names if (run.folder / name).exists()]


def _browse(run: Run, task: Task, others: Sequence[Other], find: Find | None, name: str = "") -> Browser:
    answers = [Answer(record, run.scored[record.id]) for record in run.records if record.id in run.scored]
    per_byte = run.spec.scoring == "likelihood"
    return browse(answers, task.labels, others, find, run.folder / page.NAME, run=name, per_byte=per_byte)


def _controls(run: Run) -> list[Other]:
    """Return the scores of the run's controls by the run's own scorer.

    Controls that are not scored yet, or that no judge has read as the run, are left out.
    """
    scorer = run.results["scorer"]
    controls = []
    for path in sorted((run.folder / "controls").glob("*/samples.jsonl")):
        by_id = scores_by_id(read_samples(path))
        if scores := {id: scores[scorer] for id, scores in by_id.items() if scorer in scores}:
            controls.append(Other(path.parent.name, scores))
    return controls


def task_of_run(run: Run) -> Task:
    """Return the run's task, configured to read answers as its scores did, including a judge's verdicts."""
    task = load_task(run.spec.task, run.identity.get("card"))
    return configure(task, run.spec, verdicts.from_json(run.results.get("judge")))


def table_of_run(run: Run, task: Task | None = None) -> Table:
    """Return the table of a scored run."""
    return table.tabulate(task or task_of_run(run), run.results, title(run), data_label(run))


def compare(runs: Sequence[Run], which: str | None, out: Path) -> list[Path]:
    """Draw runs side by side, or over the published scores of a date; return the paths, a page of several runs first.

    Raises InputError for runs of several tasks or on different data, and with published scores for a run that is
    incomplete or not on the benchmark's data.
    """
    named = comparison.names(runs)
    lines = [Series(name, estimates(run.results)) for name, run in named.items()]
    if which is not None:
        for run in runs:
            if run.marks:
                advice = "evaluate the model on the whole of the benchmark's data, or draw the run without --published"
                raise InputError(f"{run.folder}: {run.marks[0]}, so it is not drawn over published scores; {advice}")
        return published.draw(which, out, lines, [data_label(run) for run in runs])
    for run in runs[1:]:
        _check_alike(runs[0], run)
    task = task_of_run(runs[0])
    heading = task.title if len(runs) > 1 else title(runs[0])
    chart = Chart(heading, subtitle(*runs), task.axes, tuple(lines), task.totals)
    figures = draw(chart, out)
    if len(runs) == 1:
        return figures
    rows = comparison.compare(*runs).pairs[0].rows if len(runs) == 2 else ()
    return [side_by_side(named, chart, rows, out, [table_of_run(runs[0], task).baselines]), *figures]


def side_by_side(
    runs: Mapping[str, Run],
    chart: Chart,
    rows: Sequence[comparison.Row],
    out: Path,
    below: Sequence[Rows],
    notes: Sequence[str] = (),
) -> Path:
    """Write the page that shows scored runs of one task side by side with their answers; return its path.

    `rows`, for two runs, have their differences; `below` are further tables; `notes` are limits of the comparison. The
    samples are those of the first run, with the pictures from its page.
    """
    (first, base), *others = runs.items()
    task = task_of_run(base)
    results_table = replace(
        table_of_run(base, task),
        title=f"{', '.join(runs)} on {task.title}",
        answered="; ".join(shared({name: [run.answered] for name, run in runs.items()})),
        marks=tuple(shared({name: run.marks for name, run in runs.items()})),
        rows=(),
        totals=(),
        details=(),
        counts={},
        baselines=(),
    )
    answers_of_others = [
        Other(name, run.judged, {record.id: answer_texts(record) for record in run.records}) for name, run in others
    ]
    browser = _browse(base, task, answers_of_others, None, first)
    commands = {f"{name}, {run.answered}": about.command(run.spec, run.identity) for name, run in runs.items()}
    panels = {"Comparison": page.comparison(chart, rows, below, notes)}
    return page.write(out, results_table, browser, {}, commands, panels=panels)


def title(run: Run) -> str:
    """Return `mmicl-tiny on MME`."""
    return f"{run.spec.model} on {load_task(run.spec.task, run.identity.get('card')).title}"


def data_label(run: Run) -> str:
    """Return the name of the run's data, with its revision if that is not pinned."""
    revision = run.identity.get("data_revision")
    label = f"{run.spec.data} at {revision}" if revision else str(run.spec.data)
    return label + (", with --partial" if run.spec.partial else "")


def subtitle(*runs: Run) -> str:
    """Return a figure's subtitle for runs on the same data: the data, the numbers of answers, and the marks."""
    answered = " and ".join(dict.fromkeys(run.answered for run in runs))
    marks = dict.fromkeys(mark for run in runs for mark in run.marks)
    return "; ".join((f"{data_label(runs[0])}, {answered}", *marks))


def _check_alike(first: Run, second: Run) -> None:
    """Raise InputError if two runs are not of one task on the same data, compared by digest, not by folder name."""
    advice = "name runs of one kind"
    if first.spec.task != second.spec.task:
        raise InputError(f"runs of {first.spec.task} and {second.spec.task} cannot be drawn together; {advice}")
    if first.identity.get("card") != second.identity.get("card"):
        raise InputError(f"the runs are of different cards that are both named {first.spec.task}; {advice}")
    if first.identity.get("questions") != second.identity.get("questions") or first.spec.limit != second.spec.limit:
        raise InputError(f"{first.folder} and {second.folder} did not ask the same questions; {advice}")
    settings = ("shots", "seed", "frames", "sampler")
    same_pictures_chosen = all(getattr(first.spec, name) == getattr(second.spec, name) for name in settings)
    if same_pictures_chosen and first.header.get("data_digest") != second.header.get("data_digest"):
        raise InputError(f"{first.folder} and {second.folder} did not show the same pictures; {advice}")


def draw(chart: Chart, folder: Path, *, png: bool = True) -> list[Path]:
    """Draw the dot plot, and the radar if the chart fits one; else delete an earlier radar."""
    if not radar.fits(chart):
        for kind in ("png", "svg"):
            delete(folder / f"radar.{kind}")
    wheel = radar.draw(chart, folder, png=png) if radar.fits(chart) else []
    return [*dotplot.draw(chart, folder, png=png), *wheel]
