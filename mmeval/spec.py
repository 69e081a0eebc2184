"""How a task is asked and read: the choices, beside prompt and context, that make one run another run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmeval.scoring.judge import Verdicts
from mmeval.task import Task, load_task, variant, with_frames, with_shots
from mmeval.types import InputError


@dataclass(frozen=True)
class How:
    """What was chosen; None where the task's own way is meant."""

    reading: str | None = None
    """Multiple choice: the generation of the public heuristics that `official` reads by."""
    by: str = "text"
    """Multiple choice: `text`, or a way to choose by likelihood."""
    partial: bool = False
    """Questions that lack turns are counted by those that they have."""
    early_stop: bool = False
    """What is lost is not asked any further."""
    shots: int | None = None
    """Demonstrations before each question."""
    frames: int | None = None
    """Pictures shown of each video."""
    sampler: str | None = None
    """How these are chosen."""
    seed: int = 0
    """Draws the demonstrations."""

    def task(self, name: str, judged: bool = False) -> Task:
        """The task of that name, asked and read that way; `judged` where a judge is to read what no scorer can.

        Raises InputError, before hours of answers, for what the task does not have.
        """
        task = load_task(name)
        if self.early_stop and task.partial is None:
            raise InputError(f"the task '{name}' asks no question in several turns; leave out --early-stop")
        task = variant(task, reading=self.reading, by=self.by, partial=self.partial)
        if judged:
            variant(task, reading=self.reading, by=self.by, verdicts=Verdicts())
        return with_frames(with_shots(task, self.shots, self.seed), self.frames, self.sampler)

    def identity(self, task: Task, data: str) -> dict[str, Any]:
        """What of it identifies a run of that task; the seed does so elsewhere."""
        video = task.video is not None
        told = {
            "reading": self.reading or next(iter(task.readings), None) if self.by == "text" else None,
            "by": self.by if self.by != "text" else None,
            "shots": self.shots,
            "frames": task.frames if video else None,
            "sampler": task.sampler if video else None,
            "card": dict(task.facts) if task.facts is not None else None,
            "partial": self.partial or None,
            "early_stop": self.early_stop or None,
        }
        return {name: value for name, value in told.items() if value is not None}

    def suffix(self, task: Task) -> list[str]:
        """What is not the default, in words for the name of a run's folder."""
        said = (
            (self.by, self.by != "text"),
            (f"{self.reading}", self.reading not in (None, next(iter(task.readings), None))),
            (f"shots{self.shots}", self.shots is not None),
            (f"frames{self.frames}", self.frames is not None),
            (f"{self.sampler}", self.sampler is not None),
            (f"seed{self.seed}", self.seed != 0),
            ("partial", self.partial),
            ("early-stop", self.early_stop),
        )
        return [word for word, wanted in said if wanted]
