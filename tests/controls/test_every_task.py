"""Every control on every task's small folder and every embedded suite: it changes the request or says why not."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mmeval.configuration import configure
from mmeval.controls import CONTROLS, TEXT, Applied, Render
from mmeval.embedded import SUITES, suite
from mmeval.evaluation.rendering import record, render
from mmeval.models.constant import Constant
from mmeval.scoring.baselines import answering, constants
from mmeval.spec import RunSpec
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.tasks import TASKS
from mmeval.types import Generation, Image, Request, Response, Sample
from tests.tasks.test_prompts import WRITERS

ASKED = 10
ACTING = {
    "nlvr2": {"order", "references", "only-first", "only-last"},
    "muirbench": {"order", "hidden", "rotate1", "rotate3", "place2", "mislead-100-after"},
    "winoground-joint": {"order", "references", "place1", "place2"},
    "vl-icl": {"shots-blind", "shots-shuffled", "shots-other", "shots-none", "swap-any-0"},
    "mmbench": {"hidden", "rotate1", "rotate2", "distract-1000-before"},
    "nextqa": {"only-last", "order", "rotate1"},
    "mme": {
        "absent",
        "guess",
        "grey",
        "noise",
        "blur4",
        "patches",
        "swap-category-0",
        "swap-any-2",
        "mislead-300-after",
    },
}
"""Controls that must act on these embedded suites."""


def questions(task: Task, source: str) -> list[tuple[Sample, Request, Render]]:
    prompt = next(iter(task.prompts))

    def put(sample: Sample) -> Request:
        return render(task, sample, prompt)

    samples = islice(task.samples(source), 60)
    selected = [sample for index, sample in enumerate(samples) if index % 12 < 2][:ASKED]
    return [(sample, put(sample), put) for sample in selected]


def shown(request: Request) -> Any:
    """Return the content of a request in a form that can be compared."""

    def comparable(parts: Any) -> list[Any]:
        return [part.digest if isinstance(part, Image) else part for part in parts]

    return (
        comparable(request.prompt),
        [(comparable(shot.prompt), shot.answer) for shot in request.shots],
        request.candidates,
    )


def check(task: Task, cases: list[tuple[Sample, Request, Render]]) -> set[str]:
    """Apply every control to every question; return the names of those that act."""
    acting, constant = set(), Constant("A")
    originals = [shown(request) for _, request, _ in cases]
    for name in CONTROLS.keys() - {TEXT}:
        applied = Applied(name, lambda: cases)
        for (sample, request, put), original in zip(cases, originals, strict=True):
            if reason := applied.left_out.get(sample.id):
                assert reason == reason.strip() and len(reason) > 10
                continue
            acting.add(name)
            changed, changed_request = applied(sample, request, put)
            assert changed_request.id == sample.id == changed.id
            content = shown(changed_request)
            assert content != original or name.startswith("place"), f"{name} leaves {sample.id} as it was"
            (answer,) = constant.generate([changed_request], Generation())
            task.scorers[next(iter(task.scorers))](record(changed, changed_request, answer))
        assert applied.acts.startswith("acts on ")
    assert acting or not originals
    check_baselines(task, [sample for sample, *_ in cases])
    return acting


def check_baselines(task: Task, samples: list[Sample]) -> None:
    """Check that the task can read the answers of the baselines in its tables, if it has no constant of its own."""
    if task.constant is not None:
        return
    main = task.scorers[next(iter(task.scorers))]
    records = [record(sample, Request(sample.id, sample.prompt), Response(sample.id, text="")) for sample in samples]
    for answer in constants(records):
        assert any(score.outcome != "unparsed" for score in answering(records, answer, main)[1]), answer


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TASKS))
def test_every_control_on_a_small_folder(name: str, tmp_path: Path) -> None:
    spec = RunSpec(name, frames=2 if load_task(name).video else None, shots=1 if load_task(name).few_shot else None)
    task = configure(load_task(name), spec)
    check(task, questions(task, str(tmp_path / (WRITERS[name](tmp_path) or ""))))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SUITES))
def test_every_control_on_an_embedded_suite(name: str) -> None:
    task = configure(load_task(name), RunSpec(name, **SUITES[name].settings))
    acting = check(task, questions(task, str(suite(name))))
    assert {"absent", "grey", "patches", "distract-100-before"} <= acting
    assert ACTING.get(name, set()) <= acting
