"""Find a benchmark by name: one of `tasks/`, a user's own card, or a MIC file."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmeval.cards import task as cards
from mmeval.cards.facts import facts
from mmeval.task import MIC, MIC_FACTS, Task
from mmeval.tasks import TASKS
from mmeval.types import InputError, nearest


def load_task(name: str, card: Mapping[str, Any] | None = None) -> Task:
    """Load a task by name, from a card (a .yaml file or its content) or from a MIC file, `mic:FILE`.

    Task names are case-insensitive. The InputError for an unknown one names the nearest.
    """
    if name.startswith(MIC) or (card is not None and MIC_FACTS in card):
        from mmeval.mic import task as mic

        return mic.load(Path(name.removeprefix(MIC))) if card is None else mic.build(name, card)
    if card is not None:
        return cards.build(name, card, "the run's card", facts=card)
    if name.endswith((".yaml", ".yml")):
        return cards.load(Path(name))
    name = name if name in TASKS else name.lower()
    if name not in TASKS:
        advice = "`mmeval tasks` lists them, and a .yaml card describes your own table"
        raise InputError(f"unknown task '{name}'{nearest(name, TASKS)}; {advice}")
    if TASKS[name].endswith(".yaml"):
        return cards.build(name, facts(name), f"{name}.yaml")
    module, _, attribute = TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), attribute)
    return task
