"""Run every embedded suite on every model of the family with the harness; one table per suite.

The runs are ordinary (`make eval TASK=... MODEL=...`); this module only adds the page that joins them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import mmeval
from mmeval.reporting.chart import estimates, with_interval
from mmeval.reporting.lines import escape
from mmeval.runs.run import Run
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import Estimate, RunMismatch, number


@dataclass(frozen=True)
class Result:
    """One model's numbers on a suite, and its unparsed answers."""

    numbers: Mapping[str, Estimate]
    strict: Mapping[str, Estimate]
    """The strict scorer's numbers; empty if it is the only scorer."""
    answers: int
    unread: Mapping[str, int]
    """Unparsed answers of the first scorer, and how often each was given."""
    instruction: str
    """The last sentence of a question, which gives the form of the answer; empty if there is none."""

    def differs(self, key: str) -> bool:
        """Tell whether the strict scorer gives another number for the same answers."""
        return key in self.strict and self.strict[key].value != self.numbers[key].value


Results = dict[str, Result]
"""Model -> its result."""

QUOTED = 2
"""Number of unparsed answers that are quoted."""


def measure(task: Task, contexts: Mapping[str, str | None], runs: Path) -> Results:
    """Return each model's result on the task's embedded questions. A run of the same weights is not repeated."""
    results: Results = {}
    for model, context in contexts.items():
        spec = mmeval.RunSpec(task.name, model, "embedded", context=context, device="cpu")
        folder = runs / f"{task.name}-{model}"
        try:
            run = mmeval.evaluate(spec, out=folder)
        except RunMismatch:  # a run of older weights
            run = mmeval.evaluate(spec, out=folder, fresh=True)
        results[model] = _result(run)
    return results


def page(suites: Mapping[str, Results]) -> str:
    """Return the suites one after the other: a row per number, with chance and each model's result."""
    lines = [
        "# The tiny family on every embedded suite",
        "",
        "`make replicate` makes this page. The questions are drawn by the picture world of this repository, one suite "
        "for each kind of question; the numbers are not comparable with those on the benchmarks' own data. The 95% "
        "interval is in brackets. The baselines are shown several pictures side by side in one.",
        "",
        "Numbers are `official`: answers are read as the benchmark's own script reads them. `strict` reads the whole "
        "answer and guesses nothing; it has its own row if it gives another number, and is the only reading where no "
        "such script exists. An answer from which nothing can be read is unparsed. It counts as wrong, except that "
        "MuirBench's own script draws an option for it; that suite's numbers are therefore near chance if most answers "
        "are unparsed. text-tiny sees no picture and cannot tell two apart, hence its zeros in Winoground and IQ50.",
    ]
    for name, models in suites.items():
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


def _rows(key: str, label: str, models: Results) -> Iterator[str]:
    """Yield a row for a number, and a strict row if any model's differs; nothing if no model has a value."""
    if all(key not in result.numbers or result.numbers[key].value is None for result in models.values()):
        return

    def row(label: str, numbers: Callable[[Result], Mapping[str, Estimate]]) -> str:
        cells = [numbers(result).get(key) for result in models.values()]
        chance = next((cell.chance for cell in cells if cell is not None and cell.chance is not None), None)
        return f"| {label} | {number(chance, 1)} | {' | '.join(map(_cell, cells))} |"

    yield row(label, lambda result: result.numbers)
    if any(result.differs(key) for result in models.values()):
        yield row(f"{label}, strict", lambda result: result.strict)


def _unparsed(models: Results) -> Iterator[str]:
    """Yield the number of unparsed answers, the most common ones, and the form that the question asked for."""
    answers = max(result.answers for result in models.values())
    counts = [f"{sum(result.unread.values()):,}" for result in models.values()]
    yield f"| Unparsed, of {answers:,} | | {' | '.join(counts)} |"
    unread: Counter[str] = Counter()
    for result in models.values():
        unread.update(result.unread)
    if not unread:
        return
    quotations = [f"{count:,} are {_quoted(text)}" for text, count in unread.most_common(QUOTED)]
    instruction = next(result.instruction for result in models.values())
    yield ""
    ending = f"The questions end with {_quoted(instruction)} " if instruction else ""
    yield (
        f"{ending}Of the {unread.total():,} answers that could not be read, from all models together, "
        f"{' and '.join(quotations)}."
    )


def _quoted(text: str) -> str:
    return f'"{escape(text)}"' if text else "empty"


def _cell(estimate: Estimate | None) -> str:
    return number(None) if estimate is None else with_interval(estimate, 1)
