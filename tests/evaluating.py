"""The stages without the report and its figures: most tests need only the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmeval import evaluation
from mmeval.evaluation.asking import Loader
from mmeval.runs.run import Run
from mmeval.runs.schema import Results
from mmeval.runs.scored import judge, score_records
from mmeval.spec import RunSpec
from mmeval.task import Task
from mmeval.types import Display, Record, Score


class Collected(Display):
    """A Display that collects its messages."""

    def __init__(self, say: Callable[[str], None] = lambda text: None) -> None:
        self.messages: list[str] = []
        self._say = say

    def message(self, text: str) -> None:
        self.messages.append(text)
        self._say(text)

    def progress(self, done: int, total: int) -> None:
        self.last = (done, total)


def evaluate(
    model: str,
    task: str,
    *,
    out: Path | None = None,
    fresh: bool = False,
    keep_errors: bool = False,
    load: Loader | None = None,
    display: Collected | None = None,
    **values: Any,
) -> Run:
    """Plan, ask and score."""
    display = display or Collected()
    spec = RunSpec(task, model, **values)
    planned = evaluation.plan(spec, out, fresh=fresh)
    run = evaluation.ask(planned, fresh=fresh, keep_errors=keep_errors, display=display, load=load)
    evaluation.score(run, judge=spec.judge, judge_model=spec.judge_model, display=display)
    return run


def rescore(
    run: Run, judge: str | None = None, judge_model: str | None = None, say: Callable[[str], None] = lambda text: None
) -> Results:
    """Score again; returns what `scores.json` holds."""
    evaluation.score(run, judge=judge, judge_model=judge_model, display=Collected(say))
    return run.results


def results(task: Task, records: Sequence[Record]) -> Results:
    """Score records that are in no folder."""
    return score_records(task, records).results()


def judged(task: Task, records: Sequence[Record], scorer: str) -> list[Score]:
    """Judge records by one scorer."""
    return [judge(task, record, scorer) for record in records]
