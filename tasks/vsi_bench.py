"""VSI-Bench: spatial questions about videos of rooms (Yang et al. 2024, 2412.14171). The card has all but the means."""

from collections.abc import Sequence
from dataclasses import replace

from mmeval.cards.facts import facts
from mmeval.cards.task import build
from mmeval.scoring.metrics.groups import macro, percent, share
from mmeval.task import Numbers
from mmeval.types import Record, Score

DIRECTION = "object_rel_direction"
"""The task that is asked on three levels; each level is a category, such as `object_rel_direction_easy`."""
_CARD = build("vsi-bench", facts("vsi-bench"), "vsi-bench.yaml")
_LEVELS = {name: label for name, label in _CARD.axes.items() if name.startswith(DIRECTION)}


def _axes() -> dict[str, str]:
    """Return the card's tasks, with one for all levels of relative direction."""
    axes: dict[str, str] = {}
    for name, label in _CARD.axes.items():
        if name in _LEVELS:
            axes[DIRECTION] = "Relative direction"
        else:
            axes[name] = label
    return axes


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the tasks' scores and, overall, their mean, as `vsibench_aggregate_results` does (51e089c).

    Relative direction is the mean of its levels. Tasks and levels without questions are in no mean.
    """
    result = _CARD.metric(records, scores)
    present = sorted({record.category for record in records})
    levels = {name: result[name] for name in present if name in _LEVELS}
    direction = {DIRECTION: macro(levels)} if levels else {}
    tasks = {name: result[name] for name in present if name not in _LEVELS} | direction
    return {**result, DIRECTION: percent(share([], []), None), **direction, "overall": macro(tasks)}


VSI_BENCH = replace(
    _CARD,
    metric=numbers,
    axes=_axes(),
    details=_LEVELS,
    frames=32,
    sampler="ends",
)
"""The script's frames, from the first to the last."""
