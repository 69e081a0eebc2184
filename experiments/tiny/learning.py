"""The training loop: take one model through its stages in a given time, with regular tests and checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch

from experiments.tiny.batches import Lecturer, collate, loader
from experiments.tiny.checkpoint import resume, save
from experiments.tiny.eyes import Eyes
from experiments.tiny.network import TinyMmicl
from experiments.tiny.stages import Stage
from experiments.tiny.stepping import Recipe, Stepper, autocast, text_of
from experiments.tiny.stopping import stoppable
from experiments.tiny.vocabulary import Vocabulary
from experiments.tiny.writing import Written

RIGHT = "right in "
"""Begins the names of test results in checkpoints."""


@torch.no_grad()
def right(model: TinyMmicl, lessons: Sequence[Written], eyes: Eyes, vocabulary: Vocabulary) -> float:
    """Return the share of lessons in which every learned token is the most likely one."""
    right_lessons, device = 0, model.table.device
    ordered = sorted(lessons, key=lambda lesson: len(lesson.ids))
    for start in range(0, len(ordered), 100):
        batch = collate(ordered[start : start + 100], vocabulary, eyes.pastes)
        with autocast(device):
            states = eyes(batch)
            visual = None if states is None else model.visual(states, text_of(model, batch))
            hidden = model(batch.rows.to(device), visual)[:, :-1]
            predicted = (hidden @ model.table.T).argmax(-1).cpu()
        wrong = (predicted != batch.ids[:, 1:]) & batch.learned[:, 1:]
        right_lessons += len(wrong) - int(wrong.any(1).sum())
    return right_lessons / max(1, len(lessons))


def unpaced(step: int) -> bool:
    """Let a model train at its own pace."""
    return True


def learn(
    name: str,
    model: TinyMmicl,
    lecturer: Lecturer,
    stages: Sequence[Stage],
    tests: Mapping[str, list[Written]],
    eyes: Eyes,
    recipe: Recipe,
    workers: int,
    checkpoint: Path,
    say: Callable[[str], None],
    keep: Callable[[], None] = lambda: None,
    first: int = 0,
    pace: Callable[[int], bool] = unpaced,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train each stage's trainable set in place until the time is over; resume from the checkpoint if there is one.

    Without a checkpoint, training begins with the stage of index `first`. A resumed training gets other lessons.
    `pace` is called before each step. It may wait, and ends the training by returning False. SIGINT and SIGTERM end it,
    too: then the checkpoint is written, and KeyboardInterrupt is raised.
    """
    vocabulary = lecturer.writer.vocabulary
    stepper = Stepper(model, eyes, recipe)
    state = resume(checkpoint, model, stepper.optimizer)
    step, stage, spent = int(state.get("step", 0)), int(state.get("stage", first)), state.get("spent", 0.0)
    shares = {key.removeprefix(RIGHT): value for key, value in state.items() if key.startswith(RIGHT)}
    if state:
        lecturer.seed += f" from step {step}"
        say(json.dumps({"model": name, "resumes": str(checkpoint), "step": step, "stage": stages[stage].name}))
    lecturer.now.value = stage
    lecturer.weigh(shares)
    stepper.let_learn(stages[stage].learns)
    start = saved = clock()
    end = spent + recipe.seconds
    total, summed = torch.zeros((), device=model.table.device), 0
    with stoppable() as stop:
        for batch in loader(lecturer, workers):
            passed = spent + clock() - start
            if stop.number or passed >= end or not pace(step):
                break
            total += stepper(batch, recipe.rate * _share(step, passed / end, recipe))
            step, summed = step + 1, summed + 1
            if step % recipe.check_every == 0:
                results = _tested(model, _due(stages[stage], step, recipe), tests, eyes, vocabulary)
                shares |= results
                lecturer.weigh(results)
                line: dict[str, object] = {"step": step, "stage": stages[stage].name, "seconds": round(passed, 1)}
                if stepper.skipped:
                    line["skipped"] = int(stepper.skipped)
                say(json.dumps({"model": name, **line, "loss": round(float(total) / summed, 4), **results}))
                total, summed = total.zero_(), 0
                time_is_over = passed > stages[stage].until * end
                if stage + 1 < len(stages) and (time_is_over or min(results.values(), default=0) >= stages[stage].mark):
                    stage += 1
                    lecturer.now.value = stage
                    stepper.let_learn(stages[stage].learns)
                    begun = {"begins": stages[stage].name, "step": step, "passed": not time_is_over}
                    say(json.dumps({"model": name, **begun}))
            if clock() - saved > recipe.save_every:
                saved = clock()
                save(checkpoint, model, stepper.optimizer, _facts(step, stage, spent + saved - start, shares))
                keep()
        passed = spent + clock() - start if stop.number else end
        save(checkpoint, model, stepper.optimizer, _facts(step, stage, passed, shares))
        if stop.number:
            say(json.dumps({"model": name, "step": step, "stopped": str(checkpoint)}))
    say(json.dumps({"model": name, "step": step, "stage": "end", **_tested(model, tests, tests, eyes, vocabulary)}))


def _facts(step: int, stage: int, spent: float, shares: Mapping[str, float]) -> dict[str, float]:
    """Return what a checkpoint holds besides weights; `shares` are the latest results of the tests."""
    return {"step": step, "stage": stage, "spent": spent, **{f"{RIGHT}{name}": share for name, share in shares.items()}}


def _due(stage: Stage, step: int, recipe: Recipe) -> Iterable[str]:
    """Return the tests due at this step; the last stage has many and does not wait for them, so it runs them rarely."""
    return () if stage.mark > 1 and step % (5 * recipe.check_every) else stage.tests


def _tested(
    model: TinyMmicl, due: Iterable[str], tests: Mapping[str, list[Written]], eyes: Eyes, vocabulary: Vocabulary
) -> dict[str, float]:
    """Return the share of right lessons in each test."""
    model.train(False)
    with torch.compiler.set_stance("force_eager"):  # too few batches to compile for
        results = {test: round(right(model, tests[test], eyes, vocabulary), 3) for test in due}
    model.train()
    return results


def _share(step: int, progress: float, recipe: Recipe) -> float:
    """Return the share of the full rate: warm-up by steps, then a cosine decay by time at the end."""
    warm = min(1.0, (step + 1) / recipe.warmup)
    down = max(0.0, (progress - 1 + recipe.cooling) / recipe.cooling)
    return warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, down))))
