"""What a run says while it trains: a line every few steps, the held-out answers, and pictures passed over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

SKIPPED = "skipped-{}.jsonl"
"""Pictures that a process could not read, by its number."""


def skipped_pictures(output: Path) -> set[str]:
    """Read which pictures were passed over so far, in whichever process."""
    return {
        json.loads(line)["picture"]
        for file in output.glob(SKIPPED.format("*"))
        for line in file.read_text(encoding="utf-8").splitlines()
    }


class Progress(TrainerCallback):
    """Report how far a run is, from the main process."""

    def __init__(self, say: Callable[[str], None], held_out: int) -> None:
        self.say, self.held_out = say, held_out
        self.began, self.first, self.passed_over = 0.0, 0, 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note the time, and the step that a run goes on from."""
        self.began, self.first = time.monotonic(), state.global_step

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Report a line; `logs` are the Trainer's."""
        if not state.is_world_process_zero:
            return
        logs = kwargs["logs"]
        where = f"step {state.global_step:,} of {state.max_steps:,}"
        if "loss" in logs:
            speed = (state.global_step - self.first) / max(time.monotonic() - self.began, 1e-3)
            left = (state.max_steps - state.global_step) / speed
            self.say(
                f"{where}: loss {logs['loss']:.4f}, learning rate {logs['learning_rate']:.2e}, "
                f"{speed:.3g} steps/s, {_time(left)} left"
            )
        for name, value in logs.items():
            if name.startswith("eval_"):
                self.say(f"{where}: {name.removeprefix('eval_')} {value:.3f} ({self.held_out:,} held-out questions)")
        passed_over = len(skipped_pictures(Path(str(args.output_dir))))
        if passed_over > self.passed_over:
            self.passed_over = passed_over
            self.say(f"{passed_over:,} pictures cannot be read and were passed over; see {SKIPPED.format('*')}")


def _time(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min" if rest >= 120 else f"{rest} s"
