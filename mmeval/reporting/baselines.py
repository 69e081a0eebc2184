"""Rows beneath a table of scores: what chance, the majority answer and a constant answer score."""

from collections.abc import Mapping
from typing import Any

from mmeval.scoring.baselines import label
from mmeval.types import number

TITLE = "Baselines"
BROAD = 4
Rows = tuple[tuple[str, ...], ...]


def rows(labels: Mapping[str, str], chances: Mapping[str, float | None], found: Mapping[str, Any]) -> Rows:
    """Return a header with the headline numbers, then a row per baseline; nothing if no constant answer has a value.

    With more than `BROAD` headline numbers, these are the rows, and the baselines are columns.

    `labels` and `chances` are by metric; `found` are the `baselines` of a `scores.json`.
    """
    values = {label(name, one["answer"]): dict(one["values"]) for name, one in found.items()}
    shown = [key for key in labels if any(own.get(key) is not None for own in values.values())]
    if not shown:
        return ()
    guessed = {key: chances.get(key) for key in shown}
    every = {"chance": guessed, **values} if any(one is not None for one in guessed.values()) else values
    cells = ((name, *(number(own.get(key)) for key in shown)) for name, own in every.items())
    found_rows = ((TITLE, *(labels[key] for key in shown)), *cells)
    return found_rows if len(shown) <= BROAD else tuple(zip(*found_rows, strict=True))
