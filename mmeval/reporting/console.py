"""Terminal output: progress, prompts, lists, and paths of written files. Tables are in `table`."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from mmeval.reporting import table
from mmeval.reporting.lines import LEAST, WIDEST, clean, tell
from mmeval.types import Display, Preview, plural, printable

if TYPE_CHECKING:
    from mmeval.reporting.leaderboards import Finding
    from mmeval.task import Task

BAR = 40
"""Characters of a bar of length 1."""
LOG_EVERY = 10.0
"""Seconds between two lines of progress if the output is not a terminal."""


def console() -> Console:
    """Return the console. It never reads text as markup, since models and data write some of it.

    Output to a file or a pipe has all columns of every table, unless COLUMNS says how wide it may be.
    """
    terminal = Console(markup=False, highlight=False, soft_wrap=True)
    if not terminal.is_terminal and not os.environ.get("COLUMNS"):
        terminal.width = WIDEST
    if terminal.width < 2 * LEAST:  # for example if COLUMNS is 0
        terminal.width = 2 * LEAST
    return terminal


def say(line: str, style: str = "") -> None:
    """Print a line."""
    console().print(Text(printable(line), style))


class Screen(Display):
    """Messages and progress: as a bar if one is given, else as a line every `LOG_EVERY` seconds."""

    def __init__(self, bar: Progress | None = None) -> None:
        self._console, self._bar = bar.console if bar else console(), bar
        self._row = bar.add_task("preparing", total=None, rate="", left="") if bar else None
        self._began, self._first, self._done, self._last_shown = 0.0, -1, 0, 0.0

    def message(self, text: str) -> None:
        """Print the message."""
        tell(self._console, text)

    def progress(self, done: int, total: int) -> None:
        """Show the progress of a run. A smaller `done` than before means that a new run has begun."""
        if self._first < 0 or done < self._done:
            self._began = self._last_shown = time.monotonic()  # the first answers' rate includes the model's warm-up
            self._first = done
        self._done = done
        rate = (done - self._first) / max(time.monotonic() - self._began, 1e-3)
        if self._bar is not None and self._row is not None:
            speed = f"{rate:.1f}/s"
            self._bar.update(self._row, description="samples", completed=done, total=total, rate=speed, left="left")
        elif done == total == self._first:
            self._console.print(Text(f"{done}/{plural(total, 'sample')}"))
        elif done > self._first and (done == total or time.monotonic() - self._last_shown >= LOG_EVERY):
            self._last_shown = time.monotonic()
            left = f", {(total - done) / rate:.0f} s left" if done < total else ""
            self._console.print(Text(f"{done}/{plural(total, 'sample')}, {rate:.1f}/s{left}"))


@contextmanager
def display() -> Iterator[Screen]:
    """Yield the display of an evaluation's progress: a bar on a terminal, else occasional lines."""
    if not console().is_terminal:
        yield Screen()
        return
    rate, left = TextColumn("{task.fields[rate]}"), TextColumn("{task.fields[left]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, left)
    with Progress(*columns, TimeRemainingColumn(), TextColumn("so far"), TimeElapsedColumn(), console=console()) as bar:
        yield Screen(bar)


def show_run(tabled: table.Table, written: Sequence[Path]) -> None:
    """Print a run's table, a warning about letters that no font has, and the paths of the written files."""
    table.show(tabled, console())
    from mmeval.reporting import fonts

    if lacking := fonts.lacking([tabled.title, *(row.label for row in tabled.every)]):
        say(lacking, "yellow")
    show_paths(written)


LISTED = 20
"""Maximum number of findings of one level that are listed; the others are counted."""


def show_findings(findings: Sequence[Finding]) -> None:
    """Print the errors in a file and the warnings for its user."""
    for level, style in (("error", "red"), ("warning", "yellow")):
        sentences = [finding.sentence for finding in findings if finding.level == level]
        for sentence in sentences[:LISTED]:
            say(f"{level}: {clean(sentence)}", style)
        if len(sentences) > LISTED:
            say(f"{level}: and {len(sentences) - LISTED:,} more like these", style)
    if not any(finding.level == "error" for finding in findings):
        say("checked: no errors", "green")


def show_preview(preview: Preview) -> None:
    """Print the data that a run would read, and the first prompt of each category."""
    say(f"would read {preview.reads}")
    for notice in preview.notices:
        say(clean(notice), "yellow")
    for sample, text, tokens in preview.prompts:
        say(f"\n{sample}  ({plural(tokens, 'token')})", "bold")
        say(text)


def show_tasks(
    cards: Mapping[str, Mapping[str, Any]],
    headings: Sequence[str],
    embedded: Collection[str],
    left_out: Mapping[str, str],
) -> None:
    """Print the benchmarks under their headings, a line each, cut to the console's width; then those left out."""
    terminal, width = console(), max(map(len, cards)) + 2
    for heading in headings:
        terminal.print(Text(heading, "bold"))
        for name, card in cards.items():
            if card["heading"] == heading:
                mark = "*" if name in embedded else " "
                about = card["about"].partition(";")[0]
                line = Text(f"{mark} {name:{width}}{card['title']}: {about}")
                line.truncate(terminal.width, overflow="ellipsis")
                terminal.print(line)
    say("\n* has an embedded suite that runs without a download")
    say("`mmeval tasks NAME` shows a benchmark's size, license, source, scoring, evidence and prompts")
    for name, reason in left_out.items():
        say(f"  not included: {name}: {reason}", "dim")


def show_task(task: Task, embedded: bool) -> None:
    """Print everything about a benchmark: facts, prompts, readings, numbers."""
    _entry(task.name, f"  {task.title}: {task.card['about']}")
    facts = {name: task.card[name] for name in FACTS if name in task.card} | {"official": official(task)}
    facts |= {
        "embedded suite": "yes" if embedded else "no",
        "prompts": ", ".join(task.prompts),
        "scorers": ", ".join([*(["official (with --judge)"] if task.grader else []), *task.scorers]),
        "readings": ", ".join(task.readings),
        "numbers": ", ".join(task.labels.values()),
        "max new tokens": task.max_new_tokens,
    }
    width = max(map(len, facts)) + 2
    for name, fact in facts.items():
        if fact not in ("", None):
            say(f"  {name.replace('_', ' '):{width}}{fact}")


FACTS = ("size", "license", "access", "paper", "source", "scoring", "official", "evidence", "held_in", "published")
"""Keys of a card that `mmeval tasks NAME` lists, in order."""


def official(task: Task) -> str:
    """Return the source of the task's official reading: from its card, or else a judge or the task's first reading."""
    default = next(iter(task.readings), "") if "official" in task.scorers else ""
    if task.grader:
        default = "judge"
    return str(task.card.get("official", default))


def show_models(models: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the models by name: one line per model, with the source of the weights."""
    width = max(map(len, models)) + 2
    for name, entry in models.items():
        _entry(f"{name:{width}}", entry["about"], f"  ({entry['hub']} on the hub)" if "hub" in entry else "")
    say("You can also name a checkpoint folder, or ADAPTER:SOURCE, such as instructblip:path.")


def show_paths(paths: Sequence[Path]) -> None:
    """Print the paths of written files, one per line."""
    for path in paths:
        say(f"wrote {path}")


def _entry(name: str, about: str, more: str = "") -> None:
    console().print(Text.assemble((name, "bold"), about, (more, "dim")))


def show_bars(shares: Mapping[str, float]) -> None:
    """Show shares of 1 as bars, largest first."""
    width = max(map(len, shares))
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        say(f"{name:<{width}}  {share:6.1%}  {'█' * round(share * BAR)}")


def show_explanation(sent: str, facts: str) -> None:
    """Show the prompt as sent, and the facts about its answer."""
    say("prompt", "bold")
    say(sent)
    say(facts, "dim")
