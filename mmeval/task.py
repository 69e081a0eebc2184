"""The interface of a benchmark: its questions, prompts, scorers and metrics, as one value.

The benchmarks are in `tasks/`, one file each, with their facts in a YAML card next to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mmeval.data.video import FRAMES, SAMPLER
from mmeval.scoring.statistics import Statistic
from mmeval.scoring.verdicts import Grader
from mmeval.types import Parts, Record, Sample, Score

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
    metric: Metric
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
    metric_by_scorer: Mapping[str, Metric] = field(default_factory=dict)
    """Scorer -> its metric, if it counts differently: MME's official scorer pairs adjacent lines, strict pictures."""
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
            (not self.metric_by_scorer.keys() <= self.scorers.keys(), "a metric for a scorer that it does not have"),
            (bool(by_reading) and by_reading.keys() != self.readings.keys(), "not scorers for each reading"),
            (not by_prompt.keys() <= self.prompts.keys(), "a reading for a prompt that it does not have"),
            (not set(by_prompt.values()) <= self.readings.keys(), "a prompt with a reading that it does not have"),
            (self.shots is not None and self.few_shot is None, "a number of shots and no way to read them (few_shot)"),
        ):
            if wrong:
                raise ValueError(f"the task '{self.name}' has {fault}")

    def numbers(self, scorer: str, records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
        """Return the benchmark's numbers from records and a scorer's scores, in the same order."""
        return self.metric_by_scorer.get(scorer, self.metric)(records, scores)

    @property
    def labels(self) -> dict[str, str]:
        """All reported numbers: metric name -> label."""
        return {**self.axes, **self.totals, **self.details}

    @property
    def judged(self) -> bool:
        """Whether the headline's numbers are a judge's."""
        return self.grader is not None and next(iter(self.scorers)) != "strict"

    @property
    def title(self) -> str:
        """The benchmark's name as people write it."""
        return str(self.card.get("title", self.name))

    @cached_property
    def card(self) -> Mapping[str, Any]:
        """The facts in the YAML card: source, revision, license, citation, published scores."""
        if self.facts is not None:
            return self.facts
        from mmeval.cards.facts import facts

        card: Mapping[str, Any] = facts(self.name)
        return card
