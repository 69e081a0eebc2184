"""What the command line shows: progress, prompts, lists, and where files were written. Tables are `table`'s."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from mmeval.loop import Progress as Report
from mmeval.reporting import run_report, table
from mmeval.reporting.leaderboards import Finding
from mmeval.task import Task
from mmeval.types import Record

LOG_EVERY = 10.0
"""Seconds between two lines of progress where the output is not a terminal."""


def console() -> Console:
    """Where things are shown; text is never read as markup, since models and data write some of it."""
    return Console(markup=False, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """A line for the person who waits."""
    console().print(line)


@contextmanager
def progress() -> Iterator[Report]:
    """Samples done, samples a second and time left: a bar on a terminal, else a line now and then."""
    screen = console()
    if not screen.is_terminal:
        yield _lines(screen)
        return
    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), TextColumn("so far"), TimeElapsedColumn(), console=screen) as bar:
        row = bar.add_task("samples", total=None, rate="")
        clock = _Clock()

        def report(done: int, total: int) -> None:
            bar.update(row, completed=done, total=total, rate=clock.rate(done))

        yield report


def show_run(tabled: table.Table, written: Sequence[Path]) -> None:
    """A run's table, and the paths of what was written."""
    table.show(tabled, console())
    show_paths(written)


def show_predictions(task: Task, records: Sequence[Record], results: dict[str, Any], source: str) -> None:
    """The table of somebody's predictions."""
    tabled = run_report.tabulate(task, results, records, title=f"{source} on {task.title}", data=source)
    table.show(tabled, console())


LISTED = 20
"""Findings of one level that are listed; the others are counted."""


def show_findings(findings: Sequence[Finding]) -> None:
    """What is wrong with a file, and what whoever uses it should mind."""
    screen = console()
    for level, title, style in (("wrong", "wrong", "red"), ("mind", "to mind", "yellow")):
        found = [finding.sentence for finding in findings if finding.level == level]
        for sentence in found[:LISTED]:
            screen.print(Text(f"{title}: {table.clean(sentence)}", style=style))
        if len(found) > LISTED:
            screen.print(Text(f"{title}: and {len(found) - LISTED:,} more like these", style=style))
    if not any(finding.level == "wrong" for finding in findings):
        screen.print(Text("checked: nothing wrong", style="green"))


def show_preview(reads: str, prompts: Sequence[tuple[str, str, int]]) -> None:
    """What a run would read, and its first prompts: (sample id, text, tokens)."""
    screen = console()
    screen.print(Text(f"would read {reads}"))
    for sample, text, tokens in prompts:
        screen.print(Text(f"\n{sample}  ({tokens} tokens)", style="bold"))
        screen.print(Text(text))
    screen.print(Text("\nDry run: nothing was asked and nothing written.", style="dim"))


def show_tasks(tasks: Sequence[Task], left_out: Mapping[str, str]) -> None:
    """The benchmarks: what is asked, how many samples, licence, where from, how scored and on what evidence.

    Where it is known, which model was trained on it. Then those that are not included, each with the reason.
    """
    screen = console()
    width = max(len(task.name) for task in tasks) + 2
    for task in tasks:
        screen.print(Text.assemble((f"{task.name:{width}}", "bold"), f"{task.title}: {task.card['about']}"))
        for fact in ("size", "licence", "source", "scoring", "evidence"):
            screen.print(Text(f"{'':{width}}{fact}: {task.card[fact]}", style="dim"))
        if "held_in" in task.card:
            screen.print(Text(f"{'':{width}}held in: {task.card['held_in']}", style="dim"))
    screen.print(Text("not included, and why", style="bold"))
    for name, reason in left_out.items():
        screen.print(Text(f"{'':{width}}{name}: {reason}", style="dim"))


def show_models(models: Mapping[str, Mapping[str, Any]]) -> None:
    """The models by name: a line about each, and where the weights come from."""
    screen = console()
    width = max(map(len, models)) + 2
    for name, entry in models.items():
        hub = f"  ({entry['hub']} on the hub)" if "hub" in entry else ""
        screen.print(Text.assemble((f"{name:{width}}", "bold"), entry["about"], (hub, "dim")))
    screen.print(Text("Any folder with a checkpoint will do, too, and ADAPTER:SOURCE, as in instructblip:path."))


def show_paths(paths: Sequence[Path]) -> None:
    """What was written, a path a line."""
    for path in paths:
        console().print(Text(f"wrote {path}"))


class _Clock:
    """Samples a second since the first report, whatever an earlier sitting had done."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    @property
    def first(self) -> int | None:
        """What had been done at the first report."""
        return self._start and self._start[1]

    def rate(self, done: int) -> str:
        if self._start is None:
            self._start = (time.monotonic(), done)
        began, first = self._start
        return f"{(done - first) / max(time.monotonic() - began, 1e-3):.1f}/s"


def _lines(screen: Console) -> Report:
    clock, last = _Clock(), 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        rate = clock.rate(done)
        if done == clock.first:  # nothing was answered yet in this sitting, and there is no rate
            if done == total:
                screen.print(Text(f"{done}/{total} samples"))
            return
        if time.monotonic() - last >= LOG_EVERY or done == total:
            last = time.monotonic()
            speed = float(rate.removesuffix("/s"))
            left = f", {(total - done) / speed:.0f} s left" if speed and done < total else ""
            screen.print(Text(f"{done}/{total} samples, {rate}{left}"))

    return report
