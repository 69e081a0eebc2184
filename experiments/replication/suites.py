"""Every embedded suite asked of every model of the family, as runs of the harness; one table a suite.

These are runs as anybody makes them (`make eval TASK=... MODEL=...`); only the page that joins them is made here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import mmeval
from mmeval.reporting.chart import estimates, number
from mmeval.reporting.table import escape
from mmeval.run import Run
from mmeval.task import Task, load_task
from mmeval.types import Estimate, RunMismatch


@dataclass(frozen=True)
class Result:
    """What one model got on a suite, and what of its answers could not be read."""

    numbers: Mapping[str, Estimate]
    strict: Mapping[str, Estimate]
    """The strict scorer's; empty where it is the only one."""
    answers: int
    unread: Mapping[str, int]
    """Every answer that the first scorer could not read, and how often it was given."""
    wanted: str
    """The last sentence of a question, which says the form of the answer; nothing where there is none."""

    def differs(self, key: str) -> bool:
        """Tell whether the strict scorer makes another number of the same answers."""
        return key in self.strict and self.strict[key].value != self.numbers[key].value


Found = dict[str, Result]
"""Model -> what it got."""

SHOWN = 2
"""Unread answers that are named."""


def measure(task: Task, contexts: Mapping[str, str | None], runs: Path) -> Found:
    """Return what each model gets on the task's embedded questions. A run of the same weights is not asked again."""
    found: Found = {}
    for model, context in contexts.items():
        spec = mmeval.RunSpec(task.name, model, "embedded", context=context, device="cpu")
        folder = runs / f"{task.name}-{model}"
        try:
            run = mmeval.evaluate(spec, out=folder)
        except RunMismatch:  # of weights that were trained before these
            run = mmeval.evaluate(spec, out=folder, fresh=True)
        found[model] = _result(run)
    return found


def page(found: Mapping[str, Found]) -> str:
    """Return the suites one after the other: a row for each number, with chance and what each model got."""
    lines = [
        "# The tiny family on every embedded suite",
        "",
        "`make replicate` makes this page. The questions are drawn by the picture world of this repository, one suite "
        "for each kind of question; the numbers are not comparable with those on the benchmarks' own data. In brackets "
        "the 95% interval. The baselines are shown several pictures side by side in one.",
        "",
        "Numbers are `official`: answers are read as the benchmark's own script reads them. `strict` reads the whole "
        "answer and guesses nothing; it has a row of its own wherever it gives another number, and is the only reading "
        "where there is no such script. An answer of which nothing can be read is unparsed. It counts as wrong, except "
        "that MuirBench's own script draws an option for it, which is why that suite's numbers are near chance where "
        "most answers are unparsed. text-tiny sees no picture and cannot tell two apart: hence its zeros in Winoground "
        "and IQ50.",
    ]
    for name, models in found.items():
        task = load_task(name)
        lines += ["", f"## {task.title}", "", f"`make eval TASK={name}`", ""]
        lines += [f"| | chance | {' | '.join(models)} |", "|---" * (2 + len(models)) + "|"]
        for key, label in task.labels.items():
            lines += _rows(key, label, models)
        lines += _unparsed(models)
    return "\n".join(lines) + "\n"


def _result(run: Run) -> Result:
    results, records = run.results, run.records
    unparsed = [record for record in records if run.judged[record.id].outcome == "unparsed"]
    unread = Counter((record.text or "").strip() for record in unparsed)
    sentences = re.findall(r"[^.?!\n]+\.", records[0].question)
    return Result(
        estimates(results),
        estimates(results, "strict") if "strict" in results else {},
        len(records),
        unread,
        sentences[-1].strip() if sentences else "",
    )


def _rows(key: str, label: str, models: Found) -> Iterator[str]:
    """Yield a row of a number, and one of the strict number where any differs; none where no model has a value."""
    if all(key not in one.numbers or one.numbers[key].value is None for one in models.values()):
        return

    def row(label: str, numbers: Callable[[Result], Mapping[str, Estimate]]) -> str:
        cells = [numbers(one).get(key) for one in models.values()]
        chance = next((cell.chance for cell in cells if cell is not None and cell.chance is not None), None)
        return f"| {label} | {number(chance, 1)} | {' | '.join(map(_cell, cells))} |"

    yield row(label, lambda one: one.numbers)
    if any(one.differs(key) for one in models.values()):
        yield row(f"{label}, strict", lambda one: one.strict)


def _unparsed(models: Found) -> Iterator[str]:
    """Yield how many answers could not be read, the commonest of them, and what the question had asked for."""
    answers = max(one.answers for one in models.values())
    yield f"| Unparsed, of {answers:,} | | {' | '.join(f'{sum(one.unread.values()):,}' for one in models.values())} |"
    unread: Counter[str] = Counter()
    for one in models.values():
        unread.update(one.unread)
    if not unread:
        return
    named = [f"{count:,} are {_shown(text)}" for text, count in unread.most_common(SHOWN)]
    wanted = next(one.wanted for one in models.values())
    yield ""
    yield (
        f"{f'The questions end with {_shown(wanted)} ' if wanted else ''}Of the {unread.total():,} answers that could "
        f"not be read, from all models together, {' and '.join(named)}."
    )


def _shown(text: str) -> str:
    return f'"{escape(text)}"' if text else "empty"


def _cell(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "–"
    return f"{number(estimate.value, 1)} ({number(estimate.low, 1)} to {number(estimate.high, 1)})"
