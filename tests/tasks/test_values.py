"""A task is a value whose parts fit together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mmeval.task_loading import load_task
from mmeval.tasks import TASKS
from mmeval.tasks.pope import POPE


@pytest.mark.parametrize("name", TASKS)
def test_every_number_in_the_table_is_computed_and_the_first_reading_is_the_official_one(name: str) -> None:
    task = load_task(name)
    for metric in (task.metric, *task.metric_by_scorer.values()):
        assert task.labels.keys() <= metric([], []).keys()
    if task.readings and "official" in task.scorers:
        assert next(iter(task.readings.values())) is task.scorers["official"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric_by_scorer": {"yyy": POPE.metric}}, "the task 'pope' has a metric for a scorer that it does not have"),
        ({"prompts": {}}, "has no prompt, no scorer or no axis"),
        ({"axes": {}}, "has no prompt, no scorer or no axis"),
        ({"reading_by_prompt": {"zzz": "yyy"}}, "has a reading for a prompt that it does not have"),
        ({"reading_by_prompt": {"yes-no": "yyy"}}, "has a prompt with a reading that it does not have"),
        ({"scorers_by_reading": {"yyy": POPE.scorers}}, "has not scorers for each reading"),
        ({"shots": 4}, "has a number of shots and no way to read them"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(POPE, **change)
