"""The interface of a benchmark: its questions, prompts, scorers and metrics, as one value.

The benchmarks are in `tasks/`, one file each, with their facts in a YAML card next to it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmeval.data.video import FRAMES, SAMPLER
from mmeval.scoring.readings import choices
from mmeval.scoring.statistics import Statistic
from mmeval.scoring.verdicts import NO_JUDGE, WHOSE, Grader, Verdicts, graded
from mmeval.servers.addresses import check_address
from mmeval.spec import RunSpec
from mmeval.types import InputError, Parts, Record, Sample, Score, nearest

Scorer = Callable[[Record], Score]
"""Scores one record, independently of all others."""

Numbers = dict[str, Statistic]
"""A metric's result: name -> number."""

Metric = Callable[[Sequence[Record], Sequence[Score]], Numbers]
"""Computes named numbers from records and their scores, in the same order."""

MIC, MIC_FACTS = "mic:", "sources of MIC"
"""The prefix of a MIC file used as a task, and a key that only the facts of such a task have."""

Prompt = Callable[[Sample], Parts]
"""Returns a sample's prompt, without demonstrations."""


@dataclass(frozen=True)
class Task:
    """A benchmark. The first prompt and the first scorer are the defaults."""

    name: str
    samples: Callable[[str], Iterator[Sample]]
    """Reads a source (`embedded`, `hub`, a folder or a table) lazily. Raises InputError."""
    prompts: Mapping[str, Prompt]
    scorers: Mapping[str, Scorer]
    metrics: Mapping[str, Metric]
    """One per scorer, by the scorer's name: scorers may count differently (MME's official one pairs adjacent lines)."""
    axes: Mapping[str, str]
    """The numbers that are plotted: metric name -> label, in the benchmark's published order."""
    version: int = 1
    """Raised whenever the same data and answers could give another score."""
    totals: Mapping[str, str] = field(default_factory=dict)
    """The headline numbers: metric name -> label."""
    details: Mapping[str, str] = field(default_factory=dict)
    """Further numbers that the benchmark reports; they are shown in tables but not plotted."""
    max_new_tokens: int = 16
    read_predictions: Callable[[str], list[Record]] | None = None
    """Reads the benchmark's own predictions format."""
    readings: Mapping[str, Scorer] = field(default_factory=dict)
    """The public tools' ways to read and score an answer, by name. The first is the default."""
    scorers_by_reading: Mapping[str, Mapping[str, Scorer]] = field(default_factory=dict)
    """The scorers of each reading, if it also decides how `strict` reads: in which coordinates, for example."""
    reading_by_prompt: Mapping[str, str] = field(default_factory=dict)
    """Prompt -> its reading, if prompts ask for different forms of answers. The others have the first reading."""
    constant: tuple[str, Scorer] | None = None
    """An answer that does not depend on the question, in words, and its scorer, if no letter or yes is an answer."""
    grader: Grader | None = None
    """How a judge reads or grades every answer, if that is the official way and no rule is."""
    choice: bool = False
    """Whether the task is multiple choice, so options can be chosen by likelihood and a judge can name a letter."""
    candidates: Callable[[Sample], tuple[str, ...]] | None = None
    """The candidates whose log-likelihoods are compared, if the benchmark compares likelihoods instead of texts."""
    few_shot: Callable[[str, int, int], Iterator[Sample]] | None = None
    """Reads a source with a number of demonstrations, drawn with a seed."""
    shots: int | None = None
    """The default number of demonstrations, for `few_shot`."""
    video: Callable[[str, int, str], Iterator[Sample]] | None = None
    """Reads a source with a number of frames per video, chosen by a named sampler (`data.video`)."""
    frames: int = FRAMES
    sampler: str = SAMPLER
    """The default number of frames and the default sampler, for `video`."""
    default_source: str = "embedded"
    """The source that is read if none is named."""
    facts: Mapping[str, Any] | None = None
    """The card of a user's own task, which no package holds. It is part of a run's identity."""
    partial: Task | None = None
    """The same task, but a question that lacks rotations is scored on those that it has."""
    remarks: Callable[[Sequence[Record], Sequence[Score]], list[str]] = lambda records, scores: []
    """Returns sentences to print under the table of these records and scores."""
    notices: Callable[[Collection[str]], list[str]] = lambda categories: []
    """Returns sentences to print before a run on data with these categories: what is missing, for example."""

    def __post_init__(self) -> None:
        """Raise ValueError for parts that do not fit together, before hours of asking."""
        by_prompt, by_reading = self.reading_by_prompt, self.scorers_by_reading
        for wrong, fault in (
            (not self.prompts or not self.scorers or not self.axes, "no prompt, no scorer or no axis"),
            (self.metrics.keys() != self.scorers.keys(), "not one metric for each scorer"),
            (bool(by_reading) and by_reading.keys() != self.readings.keys(), "not scorers for each reading"),
            (not by_prompt.keys() <= self.prompts.keys(), "a reading for a prompt that it does not have"),
            (not set(by_prompt.values()) <= self.readings.keys(), "a prompt with a reading that it does not have"),
            (self.shots is not None and self.few_shot is None, "a number of shots and no way to read them (few_shot)"),
        ):
            if wrong:
                raise ValueError(f"the task '{self.name}' has {fault}")

    @property
    def labels(self) -> dict[str, str]:
        """All reported numbers: metric name -> label."""
        return {**self.axes, **self.totals, **self.details}

    @property
    def title(self) -> str:
        """The benchmark's name as people write it."""
        return str(self.card.get("title", self.name))

    @cached_property
    def card(self) -> Mapping[str, Any]:
        """The facts in the YAML card: source, revision, license, citation, published scores."""
        if self.facts is not None:
            return self.facts
        from mmeval.tasks import facts

        card: Mapping[str, Any] = facts(self.name)
        return card


def configure(task: Task, spec: RunSpec, verdicts: Verdicts | None = None) -> Task:
    """Return the task with the spec's settings; None in the spec means the task's default.

    A judge's `verdicts` fill in for unparsed answers. `official` draws a letter if the judge's reply is none.
    Raises InputError for a setting that the task does not support.
    """
    if spec.early_stop and task.partial is None:
        raise InputError(f"the task '{task.name}' does not rotate options; remove --early-stop")
    if spec.partial:
        if task.partial is None:
            raise InputError(f"the task '{task.name}' does not rotate options; remove --partial")
        task = task.partial
    task = _with_frames(_with_shots(task, spec), spec)
    for_choices = ["--scoring"] if spec.scoring != "text" else []
    if verdicts is not None and task.grader is None:
        for_choices.append("--judge")
    if for_choices and not task.choice:
        raise InputError(f"the task '{task.name}' is not a multiple-choice task; remove {' and '.join(for_choices)}")
    if not task.readings and spec.reading is not None:
        raise InputError(f"the task '{task.name}' has one way to read answers; remove --reading")
    if task.grader is not None:
        task = _graded(task, task.grader, verdicts)
    if spec.scoring != "text":
        return _by_likelihood(task, spec, verdicts)
    return _read_as(task, spec, verdicts) if task.readings else task


def check_judge(task: Task, spec: RunSpec) -> None:
    """Raise InputError if the judge has no valid address or would have nothing to read."""
    if spec.judge is not None:
        check_address(spec.judge, WHOSE)
        configure(task, spec, Verdicts.none_yet(spec.judge_model or ""))
        if spec.samples > 1:
            raise InputError("a judge reads one answer to each question; remove --samples or --judge")


def _graded(task: Task, grader: Grader, verdicts: Verdicts | None) -> Task:
    """Return the task with the official scorer, by a judge's replies, or with a remark that it is missing."""
    if verdicts is None:
        return replace(task, remarks=lambda records, scores: [NO_JUDGE, *task.remarks(records, scores)])
    scorers = {"official": graded(grader, verdicts), **task.scorers}
    return replace(task, scorers=scorers, metrics=dict.fromkeys(scorers, next(iter(task.metrics.values()))))


def _by_likelihood(task: Task, spec: RunSpec, verdicts: Verdicts | None) -> Task:
    if spec.reading is not None or verdicts is not None:
        raise InputError("answers chosen by likelihood are not read; remove --reading and --judge")
    metric = next(iter(task.metrics.values()))
    remark = f"Options were chosen by likelihood, {choices.NORMALIZED[spec.scoring]}."
    return replace(
        task,
        scorers={spec.scoring: choices.LIKELIHOOD_SCORERS[spec.scoring]},
        metrics={spec.scoring: metric},
        remarks=lambda records, scores: [remark, *task.remarks(records, scores)],
    )


def _read_as(task: Task, spec: RunSpec, verdicts: Verdicts | None) -> Task:
    default, reading = next(iter(task.readings)), pick_reading(task, spec)
    if reading is None or reading not in task.readings:
        known = ", ".join(task.readings)
        raise InputError(f"no reading '{reading}'{nearest(reading or '', task.readings)}; choose from {known}")
    named = _named(task, reading)
    if task.scorers_by_reading:
        scorers = task.scorers_by_reading[reading]
        return replace(named, scorers=scorers, metrics=dict.fromkeys(scorers, next(iter(task.metrics.values()))))
    if reading == default and verdicts is None:
        return named
    others = {name: scorer for name, scorer in task.scorers.items() if name != "official"}
    scorers = task.scorers if reading == default else {"official": task.readings[reading], **others}
    if verdicts is not None:
        letters = {"official": verdicts.official, "strict": verdicts.strict}
        scorers = {name: choices.judged(scorers[name], letters[name]) for name in letters if name in scorers}
    return replace(named, scorers=scorers, metrics=dict.fromkeys(scorers, next(iter(task.metrics.values()))))


def _named(task: Task, reading: str) -> Task:
    """Return the task with a remark that names the reading, if others could give other numbers."""
    others = ", ".join(name for name in task.readings if name != reading)
    remark = f"Answers were read with '{reading}'; the same answers may score differently with --reading {others}."
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
    """Return the requested prompt's name, or the default's. The InputError for an unknown one lists the prompts."""
    if prompt is not None and prompt not in task.prompts:
        raise InputError(
            f"the task '{task.name}' has no prompt '{prompt}'{nearest(prompt, task.prompts)}; "
            f"choose from {', '.join(task.prompts)}"
        )
    return prompt or next(iter(task.prompts))


def pick_reading(task: Task, spec: RunSpec) -> str | None:
    """Return the requested reading's name, or the default's for the requested prompt; None if there are no readings."""
    if spec.reading is not None or not task.readings:
        return spec.reading
    prompt = pick_prompt(task, spec.prompt) if task.reading_by_prompt else ""
    return task.reading_by_prompt.get(prompt, next(iter(task.readings)))


def load_task(name: str, card: Mapping[str, Any] | None = None) -> Task:
    """Load a task by name, from a card (a .yaml file or its content) or from a MIC file, `mic:FILE`.

    Task names are case-insensitive. The InputError for an unknown one names the nearest.
    """
    from mmeval.tasks import TASKS, facts

    if name.startswith(MIC) or (card is not None and MIC_FACTS in card):
        from mmeval.mic import task as mic

        return mic.load(Path(name.removeprefix(MIC))) if card is None else mic.build(name, card)
    if card is not None:
        from mmeval.cards.task import build

        return build(name, card, "the run's card", facts=card)

    if name.endswith((".yaml", ".yml")):
        from mmeval.cards.task import load

        return load(Path(name))
    name = name if name in TASKS else name.lower()
    if name not in TASKS:
        advice = "`mmeval tasks` lists them, and a .yaml card describes your own table"
        raise InputError(f"unknown task '{name}'{nearest(name, TASKS)}; {advice}")
    if TASKS[name].endswith(".yaml"):
        from mmeval.cards.task import build

        return build(name, facts(name), f"{name}.yaml")
    module, _, attribute = TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), attribute)
    return task
