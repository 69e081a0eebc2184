"""What a benchmark is to the harness: a value that says what is asked, how it is scored and summed up.

The benchmarks themselves live in `tasks/`, one file each; their facts in a YAML card beside it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any

import yaml

from mmeval.scoring.statistics import Statistic
from mmeval.types import InputError, Parts, Record, Sample, Score, nearest

Scorer = Callable[[Record], Score]
"""Judges one record. It never sees another."""

Metric = Callable[[Sequence[Record], Sequence[Score]], dict[str, Statistic]]
"""Sums up: records and their scores, in the same order, to named numbers."""

Wording = Callable[[Sample], Parts]
"""Puts a sample into words: the prompt as it is asked, demonstrations left out."""


@dataclass(frozen=True)
class Task:
    """A benchmark. The first wording and the first scorer are the defaults."""

    name: str
    version: int
    """Raised whenever the same data and answers could give another score."""
    samples: Callable[[str], Iterator[Sample]]
    """Reads a source (`embedded`, `hub`, a folder, a table) lazily. Raises InputError."""
    wordings: Mapping[str, Wording]
    scorers: Mapping[str, Scorer]
    metrics: Mapping[str, Metric]
    """One a scorer, by the scorer's name: what the numbers are (MME's official one pairs adjacent lines)."""
    axes: Mapping[str, str]
    """What is drawn: metric name -> label, in the benchmark's published order."""
    totals: Mapping[str, str] = field(default_factory=dict)
    """The headline numbers, likewise."""
    max_new_tokens: int = 16
    read_predictions: Callable[[str], list[Record]] | None = None
    """Reads the benchmark's own predictions format, ours or anybody's."""

    @cached_property
    def card(self) -> Mapping[str, Any]:
        """The facts beside the code: source, revision, licence, citation, published scores."""
        text = resources.files("mmeval.tasks").joinpath(f"{self.name}.yaml").read_text(encoding="utf-8")
        card: Mapping[str, Any] = yaml.safe_load(text)
        return card


def load_task(name: str) -> Task:
    """The task of that name. Raises InputError naming the nearest one."""
    from mmeval.tasks import TASKS

    if name not in TASKS:
        raise InputError(f"unknown task '{name}'{nearest(name, TASKS)}; `mmeval tasks` lists them")
    module, _, attribute = TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), attribute)
    return task
