"""What a benchmark is to the harness: a value that says what is asked, how it is scored and summed up.

The benchmarks themselves live in `tasks/`, one file each; their facts in a YAML card beside it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmeval.addresses import check_address
from mmeval.data.video import FRAMES, SAMPLER
from mmeval.scoring.readings import choices
from mmeval.scoring.statistics import Statistic
from mmeval.scoring.verdicts import WHOSE, Verdicts
from mmeval.spec import RunSpec
from mmeval.types import InputError, Parts, Record, Sample, Score, nearest

Scorer = Callable[[Record], Score]
"""Judges one record. It never sees another."""

Numbers = dict[str, Statistic]
"""What a metric finds: each number by its name."""

Metric = Callable[[Sequence[Record], Sequence[Score]], Numbers]
"""Sums up: records and their scores, in the same order, to named numbers."""

MIC, MIC_FACTS = "mic:", "sources of MIC"
"""What stands before a file of MIC that is a task, and what only its facts have."""

Prompt = Callable[[Sample], Parts]
"""Puts a sample into words: the prompt as it is asked, demonstrations left out."""


@dataclass(frozen=True)
class Task:
    """A benchmark. The first prompt and the first scorer are the defaults."""

    name: str
    samples: Callable[[str], Iterator[Sample]]
    """Reads a source (`embedded`, `hub`, a folder, a table) lazily. Raises InputError."""
    prompts: Mapping[str, Prompt]
    scorers: Mapping[str, Scorer]
    metrics: Mapping[str, Metric]
    """One a scorer, by the scorer's name: what the numbers are (MME's official one pairs adjacent lines)."""
    axes: Mapping[str, str]
    """What is drawn: metric name -> label, in the benchmark's published order."""
    version: int = 1
    """Raised whenever the same data and answers could give another score."""
    totals: Mapping[str, str] = field(default_factory=dict)
    """The headline numbers, likewise."""
    details: Mapping[str, str] = field(default_factory=dict)
    """Further numbers that the benchmark reports: they stand in tables, and are not drawn."""
    max_new_tokens: int = 16
    read_predictions: Callable[[str], list[Record]] | None = None
    """Reads the benchmark's own predictions format, ours or anybody's."""
    readings: Mapping[str, Scorer] = field(default_factory=dict)
    """The public tools' ways to read and score an answer, by name, the first the default."""
    choice: bool = False
    """Whether it is multiple choice, so that likelihoods can choose and a judge can say which letter was meant."""
    candidates: Callable[[Sample], tuple[str, ...]] | None = None
    """The candidates whose likelihood the model is asked for, where the benchmark compares likelihoods, not texts."""
    few_shot: Callable[[str, int, int], Iterator[Sample]] | None = None
    """Reads a source with so many demonstrations, drawn by that seed."""
    shots: int | None = None
    """How many, where `few_shot` reads and nothing else is asked for."""
    video: Callable[[str, int, str], Iterator[Sample]] | None = None
    """Reads a source with so many frames of each video, chosen by the sampler of that name (`data.video`)."""
    frames: int = FRAMES
    sampler: str = SAMPLER
    """How many, and chosen how, where `video` reads and nothing else is asked for."""
    default_source: str = "embedded"
    """The source that is read where none is named."""
    facts: Mapping[str, Any] | None = None
    """The card of a task that a user made, which no package holds; it is part of a run's identity."""
    partial: Task | None = None
    """The same task, where a question that lacks turns counts by those that it has."""
    remarks: Callable[[Sequence[Record], Sequence[Score]], list[str]] = lambda records, scores: []
    """Sentences that belong under the table of such records and scores."""
    notices: Callable[[Collection[str]], list[str]] = lambda categories: []
    """Sentences to say before anything is asked of data that has these categories: what is missing, for example."""

    @property
    def labels(self) -> dict[str, str]:
        """Every number that is reported: metric name -> label."""
        return {**self.axes, **self.totals, **self.details}

    @property
    def title(self) -> str:
        """The benchmark's name as people write it."""
        return str(self.card.get("title", self.name))

    @cached_property
    def card(self) -> Mapping[str, Any]:
        """The facts beside the code: source, revision, licence, citation, published scores."""
        if self.facts is not None:
            return self.facts
        from mmeval.tasks import facts

        found: Mapping[str, Any] = facts(self.name)
        return found


def configure(task: Task, spec: RunSpec, verdicts: Verdicts | None = None) -> Task:
    """Return the task asked and read as the spec says; its None stand for the task's own way.

    Where nothing is read, a judge's `verdicts` stand in; under `official`, a letter drawn where its reply is none.
    Raises InputError for what the task does not have.
    """
    if spec.early_stop and task.partial is None:
        raise InputError(f"the task '{task.name}' asks no question in several turns; remove --early-stop")
    if spec.partial:
        if task.partial is None:
            raise InputError(f"the task '{task.name}' has no questions in several turns; remove --partial")
        task = task.partial
    task = _with_frames(_with_shots(task, spec), spec)
    if not task.choice and (spec.scoring != "text" or verdicts is not None):
        raise InputError(f"the task '{task.name}' is not a multiple-choice task; remove --scoring and --judge")
    if not task.readings and spec.reading is not None:
        raise InputError(f"the task '{task.name}' has one way to read answers; remove --reading")
    if spec.scoring != "text":
        return _by_likelihood(task, spec, verdicts)
    return _read_as(task, spec, verdicts) if task.readings else task


def check_judge(task: Task, spec: RunSpec) -> None:
    """Raise InputError for a judge that is at no address, or that would have nothing to read."""
    if spec.judge is not None:
        check_address(spec.judge, WHOSE)
        configure(task, spec, Verdicts())


def _by_likelihood(task: Task, spec: RunSpec, verdicts: Verdicts | None) -> Task:
    if spec.reading is not None or verdicts is not None:
        raise InputError("answers chosen by likelihood are not read; remove --reading and --judge")
    metric = next(iter(task.metrics.values()))
    remark = f"Options were chosen by likelihood, {choices.NORMALISED[spec.scoring]}."
    return replace(
        task,
        scorers={spec.scoring: choices.LIKELIHOOD_SCORERS[spec.scoring]},
        metrics={spec.scoring: metric},
        remarks=lambda records, scores: [remark, *task.remarks(records, scores)],
    )


def _read_as(task: Task, spec: RunSpec, verdicts: Verdicts | None) -> Task:
    own = next(iter(task.readings))
    reading = spec.reading or own
    if reading not in task.readings:
        known = ", ".join(task.readings)
        raise InputError(f"no reading '{reading}'{nearest(reading, task.readings)}; choose from {known}")
    named = _named(task, reading)
    if reading == own and verdicts is None:
        return named
    others = {name: scorer for name, scorer in task.scorers.items() if name != "official"}
    scorers = {"official": task.readings[reading], **others}
    if verdicts is not None:
        letters = {"official": verdicts.official, "strict": verdicts.strict}
        scorers = {name: choices.judged(scorers[name], letter) for name, letter in letters.items()}
    return replace(named, scorers=scorers, metrics=dict.fromkeys(scorers, next(iter(task.metrics.values()))))


def _named(task: Task, reading: str) -> Task:
    """Return the task whose remarks name the reading, where there are others that could give other numbers."""
    others = ", ".join(name for name in task.readings if name != reading)
    remark = f"Answers were read as by '{reading}'; the same answers may score otherwise as by {others}."
    if not others:
        return task
    return replace(task, remarks=lambda records, scores: [*task.remarks(records, scores), remark])


def _with_shots(task: Task, spec: RunSpec) -> Task:
    if task.few_shot is None:
        if spec.shots is not None:
            if MIC_FACTS in (task.facts or {}):
                raise InputError("a MIC file's questions bring their own demonstrations; remove --shots")
            raise InputError(f"the task '{task.name}' has no demonstrations; remove --shots")
        return task
    read, shots = task.few_shot, (task.shots or 0) if spec.shots is None else spec.shots
    return replace(task, samples=lambda data: read(data, shots, spec.seed))


def _with_frames(task: Task, spec: RunSpec) -> Task:
    if task.video is None:
        if spec.frames is not None or spec.sampler is not None:
            raise InputError(f"the task '{task.name}' shows no videos; remove --frames and --sampler")
        return task
    read = task.video
    count, sampler = task.frames if spec.frames is None else spec.frames, spec.sampler or task.sampler
    return replace(task, samples=lambda data: read(data, count, sampler))


def pick_prompt(task: Task, prompt: str | None) -> str:
    """Return the prompt asked for, or the task's default. Raises InputError naming those that it has."""
    if prompt is not None and prompt not in task.prompts:
        raise InputError(
            f"the task '{task.name}' has no prompt '{prompt}'{nearest(prompt, task.prompts)}; "
            f"choose from {', '.join(task.prompts)}"
        )
    return prompt or next(iter(task.prompts))


def load_task(name: str, card: Mapping[str, Any] | None = None) -> Task:
    """Load the task of that name, of a card (a .yaml file, or what one holds), or of a file of MIC, `mic:FILE`.

    Task names are read in any case. Raises InputError naming the nearest.
    """
    from mmeval.tasks import TASKS

    if name.startswith(MIC) or (card is not None and MIC_FACTS in card):
        from mmeval.mic import task as mic

        return mic.load(Path(name.removeprefix(MIC))) if card is None else mic.build(name, card)
    if card is not None:
        from mmeval.cards.task import build

        return build(name, card, "the run's card", facts=card)

    if name.endswith((".yaml", ".yml")):
        from mmeval.cards.task import load

        own: Task = load(Path(name))
        return own
    name = name if name in TASKS else name.lower()
    if name not in TASKS:
        raise InputError(f"unknown task '{name}'{nearest(name, TASKS)}; `mmeval tasks` lists them")
    if TASKS[name].endswith(".yaml"):
        from mmeval.cards.task import packaged

        carded: Task = packaged(name)
        return carded
    module, _, attribute = TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), attribute)
    return task
