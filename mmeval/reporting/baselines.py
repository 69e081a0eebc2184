"""Rows beneath a table of scores: what chance, the majority answer and a constant answer score."""

from collections.abc import Mapping

from mmeval.runs.schema import Baseline
from mmeval.scoring.baselines import label
from mmeval.types import number

TITLE = "Baselines"
BROAD = 4
Rows = tuple[tuple[str, ...], ...]


def rows(labels: Mapping[str, str], chances: Mapping[str, float | None], baselines: Mapping[str, Baseline]) -> Rows:
    """Return a header with the headline numbers, then a row per baseline; nothing if no constant answer has a value.

    With more than `BROAD` headline numbers, these are the rows, and the baselines are columns.

    `labels` and `chances` are by metric; `baselines` are those of a run's results.
    """
    values = {label(name, baseline.answer): baseline.values for name, baseline in baselines.items()}
    metrics = [metric for metric in labels if any(scores.get(metric) is not None for scores in values.values())]
    if not metrics:
        return ()
    guessed = {metric: chances.get(metric) for metric in metrics}
    chance_known = any(chance is not None for chance in guessed.values())
    scores_by_name = {"chance": guessed, **values} if chance_known else values
    cells = ((name, *(number(scores.get(metric)) for metric in metrics)) for name, scores in scores_by_name.items())
    table = ((TITLE, *(labels[metric] for metric in metrics)), *cells)
    return table if len(metrics) <= BROAD else tuple(zip(*table, strict=True))


def values_of(baselines: Mapping[str, Baseline], name: str) -> Mapping[str, float | None]:
    """Return what a baseline scores, by metric; nothing if there is no such baseline."""
    return baselines[name].values if name in baselines else {}
