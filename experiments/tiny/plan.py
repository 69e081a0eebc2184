"""The settings that all processes of a training share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from experiments.tiny.pool import Amounts


@dataclass(frozen=True)
class Plan:
    """Where, for how long and on which pictures the family is trained."""

    work: Path
    """Pictures, their vision states and checkpoints."""
    out: Path
    """Files for `export`: weights, vocabulary, the log."""
    amounts: Amounts
    """Pictures to learn from."""
    small: bool
    """Whether the models have the sizes for a CPU."""
    device: str
    workers: int
    """Worker processes of each model."""
    tokens: int
    """Tokens of a batch, padding included."""
    rows: int
    """Maximum number of lessons in a batch."""
    seed: int
    until: float
    """The deadline, in seconds since the epoch."""
    check_every: int
    """Steps between tests."""
    tests: int
    """Lessons in each test."""
    rate: float
    """The full learning rate."""
    weights: Path | None = None
    """Weights of a member of the family to begin with; the members then skip the stages that passed tests would end."""

    @property
    def encoder(self) -> Path:
        """The file with the vision encoder that all members share."""
        return self.work / "encoder.safetensors"

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return self.until - time.time()

    def say(self, text: str) -> None:
        """Print a line and append it to the log."""
        print(text, flush=True)
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(text + "\n")
