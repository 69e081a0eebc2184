"""What a benchmark is to the harness: a value that says what is asked, how it is scored and summed up.

The benchmarks themselves live in `tasks/`, one file each; their facts in a YAML card beside it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from mmeval import yaml_file
from mmeval.scoring.judge import Verdicts
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.strict import strict
from mmeval.scoring.statistics import Statistic
from mmeval.types import InputError, Parts, Record, Sample, Score, nearest

Scorer = Callable[[Record], Score]
"""Judges one record. It never sees another."""

Metric = Callable[[Sequence[Record], Sequence[Score]], dict[str, Statistic]]
"""Sums up: records and their scores, in the same order, to named numbers."""

Prompt = Callable[[Sample], Parts]
"""Puts a sample into words: the prompt as it is asked, demonstrations left out."""


@dataclass(frozen=True)
class Task:
    """A benchmark. The first prompt and the first scorer are the defaults."""

    name: str
    version: int
    """Raised whenever the same data and answers could give another score."""
    samples: Callable[[str], Iterator[Sample]]
    """Reads a source (`embedded`, `hub`, a folder, a table) lazily. Raises InputError."""
    prompts: Mapping[str, Prompt]
    scorers: Mapping[str, Scorer]
    metrics: Mapping[str, Metric]
    """One a scorer, by the scorer's name: what the numbers are (MME's official one pairs adjacent lines)."""
    axes: Mapping[str, str]
    """What is drawn: metric name -> label, in the benchmark's published order."""
    totals: Mapping[str, str] = field(default_factory=dict)
    """The headline numbers, likewise."""
    details: Mapping[str, str] = field(default_factory=dict)
    """Further numbers that the benchmark reports: they stand in tables, and are not drawn."""
    max_new_tokens: int = 16
    read_predictions: Callable[[str], list[Record]] | None = None
    """Reads the benchmark's own predictions format, ours or anybody's."""
    readings: Mapping[str, choices.Reader] = field(default_factory=dict)
    """The public ways to read a letter, by name, the first the default: of a multiple-choice task."""
    strict: choices.Reader = strict
    """How `strict` reads a letter, where the task is multiple choice."""
    candidates: Callable[[Sample], tuple[str, ...]] | None = None
    """The candidates whose likelihood the model is asked for, where the benchmark compares likelihoods, not texts."""
    few_shot: Callable[[str, int | None, int], Iterator[Sample]] | None = None
    """Reads a source with so many demonstrations (None: the default number), drawn by that seed."""
    video: Callable[[str, int, str], Iterator[Sample]] | None = None
    """Reads a source with so many frames of each video, chosen by the sampler of that name (`sources.video`)."""
    frames: int = 0
    sampler: str = ""
    """How many, and chosen how, where `video` reads: the task's own until `with_frames` says otherwise."""
    default_source: str = "embedded"
    """The source that is read where none is named."""
    facts: Mapping[str, Any] | None = None
    """The card of a task that a user made, which no package holds; it is part of a run's identity."""
    partial: Task | None = None
    """The same task, where a question that lacks turns counts by those that it has."""
    remarks: Callable[[Sequence[Record], Sequence[Score]], list[str]] = lambda records, scores: []
    """Sentences that belong under the table of such records and scores."""

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
        return yaml_file.read(resources.files("mmeval.tasks").joinpath(f"{self.name}.yaml"))


def variant(
    task: Task,
    *,
    reading: str | None = None,
    by: str = "text",
    partial: bool = False,
    verdicts: Verdicts | None = None,
) -> Task:
    """The multiple-choice task with answers read in that generation's way, or chosen by likelihood.

    Where nothing is read, a judge's `verdicts` stand in; under `official`, a letter drawn where its reply is none.
    Raises InputError for what the task does not have.
    """
    if partial:
        if task.partial is None:
            raise InputError(f"the task '{task.name}' has no questions in several turns; leave out --partial")
        task = task.partial
    if not task.readings:
        if reading is not None or by != "text" or verdicts is not None:
            raise InputError(f"the task '{task.name}' is no multiple choice; leave out --reading, --by and --judge")
        return task
    metric = next(iter(task.metrics.values()))
    if by != "text":
        if by not in choices.LIKELIHOOD_SCORERS:
            known = ", ".join(("text", *choices.LIKELIHOOD_SCORERS))
            raise InputError(f"cannot choose by '{by}'{nearest(by, choices.LIKELIHOOD_SCORERS)}; there are: {known}")
        if reading is not None or verdicts is not None:
            raise InputError("answers chosen by likelihood are not read; leave out --reading and --judge")
        how = f"Options were chosen by likelihood, {choices.NORMALISED[by]}."
        return replace(
            task,
            scorers={by: choices.LIKELIHOOD_SCORERS[by]},
            metrics={by: metric},
            remarks=lambda records, scores: [how, *task.remarks(records, scores)],
        )
    if reading is not None and reading not in task.readings:
        known = ", ".join(task.readings)
        raise InputError(f"no reading '{reading}'{nearest(reading, task.readings)}; there are: {known}")
    own = next(iter(task.readings))
    read = _named(task, reading or own)
    if reading in (None, own) and verdicts is None:
        return read
    said = verdicts or Verdicts()
    scorers = {
        "official": choices.scorer(task.readings[reading or own], said.official),
        "strict": choices.scorer(task.strict, said.strict),
    }
    return replace(read, scorers=scorers, metrics=dict.fromkeys(scorers, metric))


def _named(task: Task, reading: str) -> Task:
    """The task whose remarks name the reading, where there are others that could give other numbers."""
    others = ", ".join(name for name in task.readings if name != reading)
    how = f"Answers were read as by '{reading}'; the same answers may score otherwise as by {others}."
    if not others:
        return task
    return replace(task, remarks=lambda records, scores: [*task.remarks(records, scores), how])


def with_shots(task: Task, shots: int | None, seed: int) -> Task:
    """The task with so many demonstrations before each question. Raises InputError where it has none."""
    if task.few_shot is None:
        if shots is not None:
            raise InputError(f"the task '{task.name}' has no demonstrations; leave out --shots")
        return task
    read = task.few_shot
    return replace(task, samples=lambda data: read(data, shots, seed))


def with_frames(task: Task, frames: int | None, sampler: str | None) -> Task:
    """The task with so many frames of each video, chosen in that way. Raises InputError where it shows no videos."""
    if task.video is None:
        if frames is not None or sampler is not None:
            raise InputError(f"the task '{task.name}' shows no videos; leave out --frames and --sampler")
        return task
    read = task.video
    count, chosen = task.frames if frames is None else frames, sampler or task.sampler

    def samples(data: str) -> Iterator[Sample]:
        if data == "embedded" and (frames is not None or sampler is not None):
            raise InputError(
                "embedded scenes are drawn, and no frames are taken of them; leave out --frames, --sampler"
            )
        return read(data, count, chosen)

    return replace(task, frames=count, sampler=chosen, samples=samples)


def task_of(identity: Mapping[str, Any], verdicts: Verdicts | None = None) -> Task:
    """The task that a run's identity names, with its way of reading."""
    how = identity["task"]
    if "card" in how:
        from mmeval.cards.task import build

        task = build(how["name"], how["card"], "the run's card", facts=how["card"])
    else:
        task = load_task(how["name"])
    chosen = {name: how[name] for name in ("reading", "by", "partial") if name in how}
    return variant(task, verdicts=verdicts, **chosen)


def pick_prompt(task: Task, prompt: str | None) -> str:
    """The prompt asked for, or the task's default. Raises InputError naming those that it has."""
    if prompt is not None and prompt not in task.prompts:
        raise InputError(
            f"the task '{task.name}' has no prompt '{prompt}'{nearest(prompt, task.prompts)}; "
            f"it has: {', '.join(task.prompts)}"
        )
    return prompt or next(iter(task.prompts))


def load_task(name: str) -> Task:
    """The task of that name, or of a card: a .yaml file. Raises InputError naming the nearest one."""
    from mmeval.tasks import TASKS

    if name.endswith((".yaml", ".yml")):
        from mmeval.cards.task import load

        own: Task = load(Path(name))
        return own
    if name not in TASKS:
        raise InputError(f"unknown task '{name}'{nearest(name, TASKS)}; `mmeval tasks` lists them")
    if TASKS[name].endswith(".yaml"):
        from mmeval.cards.task import packaged

        carded: Task = packaged(name)
        return carded
    module, _, attribute = TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), attribute)
    return task
