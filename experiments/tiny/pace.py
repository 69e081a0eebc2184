"""Keeps models that are trained at once, in processes of their own, in step."""

from __future__ import annotations

import time
from collections.abc import MutableSequence
from dataclasses import dataclass

ENDED, FAILED = -1, 2**62


@dataclass(frozen=True)
class Pace:
    """Keeps models that are trained at once within a few steps of one another; one that fails leaves the others be."""

    index: int
    """This model's index in `steps`."""
    steps: MutableSequence[int]
    """The steps of all models, shared between processes; `ENDED` or `FAILED` once a model has."""
    until: float
    """The deadline, in seconds since the epoch."""
    ahead: int = 40

    def __call__(self, step: int) -> bool:
        """Wait for the slowest model; return False if the time is over or another model has ended."""
        self.steps[self.index] = step
        while step > min(self.steps) + self.ahead:
            if time.time() > self.until or min(self.steps) == ENDED:
                return False
            time.sleep(0.001)
        return True

    def end(self, failed: bool) -> None:
        """End the others' training, too, unless this one failed: then they go on without it."""
        self.steps[self.index] = FAILED if failed else ENDED
