"""The loop: what identifies data, what a limit leaves, what is asked again, what scores are made of."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mmeval import loop
from mmeval import run as runs
from mmeval.models.constant import Constant
from mmeval.task import load_task
from mmeval.types import Generation, InputError, Request, Response, Sample, Unsupported
from tests.mme_folder import SUBTASKS, make_release

MME = load_task("mme")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return list(MME.samples(str(make_release(tmp_path_factory.mktemp("mme"), pictures=3))))


def test_the_digest_sees_every_change(samples: list[Sample]) -> None:
    first, *rest = samples
    other_words = replace(first, prompt=(first.prompt[0], "Is this another question?"))
    other_picture = replace(first, prompt=(rest[-1].prompt[0], first.prompt[1]))
    other_target = replace(first, targets=("no",))
    other_axis = replace(first, category="OCR")
    changes = (first, other_words, other_picture, other_target, other_axis)
    assert len({loop.survey([sample, *rest]).digest for sample in changes}) == len(changes)
    assert loop.survey([*rest, first]).digest != loop.survey(samples).digest
    assert loop.survey(samples, limit=5).digest == loop.survey(samples).digest


def test_a_limit_takes_whole_pictures_evenly(samples: list[Sample]) -> None:
    ids = loop.survey(samples, limit=28).ids
    assert len(ids) == 28
    assert {id.split("/")[0] for id in ids} == set(SUBTASKS)
    assert {id.partition("#")[0] for id in ids} == {id.partition("#")[0] for id in ids if id.endswith("#2")}


def test_a_limit_beyond_the_data_takes_it_all(samples: list[Sample]) -> None:
    assert loop.survey(samples, limit=10_000).ids == tuple(sample.id for sample in samples)


def test_samples_of_one_id_and_no_samples_are_refused(samples: list[Sample]) -> None:
    with pytest.raises(InputError, match="two samples have the id"):
        loop.survey([samples[0], samples[0]])
    with pytest.raises(InputError, match="no sample"):
        loop.survey([])


class Forgetful(Constant):
    """Fails on every other request, and keeps a list of what it was asked."""

    def generate(self, requests: Sequence[Request], generation: Generation) -> Iterator[Response]:
        for request in reversed(requests):
            ASKED.append(request.id)
            odd = request.id.endswith("#1")
            yield Response(request.id, text=None if odd else "no", error="no light" if odd else None)


ASKED: list[str] = []


def ask(samples: list[Sample], folder: Path) -> runs.Run:
    plan = loop.survey(samples)
    run = runs.create(folder, {"task": "mme"}, len(plan.ids))
    how = {"prompt": "release", "generation": Generation()}
    loop.ask(MME, Forgetful("yes"), run, samples, plan, **how, progress=lambda *_: None)  # type: ignore[arg-type]
    return run


def test_only_what_is_missing_is_asked(samples: list[Sample], tmp_path: Path) -> None:
    run = ask(samples, tmp_path / "r")
    journal = run.folder / "records.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]) + lines[-1][:20])  # killed in the middle of a line
    kept = {record.id for record in run.records}
    ASKED.clear()
    ask(samples, run.folder)
    assert set(ASKED) == {sample.id for sample in samples} - kept
    assert run.complete


def test_the_order_of_the_answers_changes_no_score(samples: list[Sample], tmp_path: Path) -> None:
    records = [replace(r, text="yes" if "#1" in r.id else r.text, error=None) for r in ask(samples, tmp_path).records]
    expected = loop.score(MME, records)
    random.Random(0).shuffle(records)
    assert loop.score(MME, records) == expected


def test_a_picture_too_many_is_refused_before_anything_is_asked(samples: list[Sample], tmp_path: Path) -> None:
    two = replace(samples[0], prompt=(*samples[0].prompt, samples[0].prompt[0]))
    plan, run = loop.survey([two]), runs.create(tmp_path / "r", {}, 1)
    one_picture = Constant("yes", max_images=1)
    how = {"prompt": "release", "generation": Generation(), "progress": lambda *_: None}
    with pytest.raises(Unsupported, match=r"constant takes 1 picture\(s\) and sample 'existence/0000.png#1' has 2"):
        loop.ask(MME, one_picture, run, [two], plan, **how)  # type: ignore[arg-type]
    assert run.records == []


def test_errors_are_counted_and_never_scored(samples: list[Sample], tmp_path: Path) -> None:
    results = loop.score(MME, ask(samples, tmp_path / "r").records)
    assert results["counts"]["error"] == len(samples) // 2
    assert results["counts"]["correct"] == len(samples) // 2  # every second question's answer is no
    assert results["metrics"]["OCR"]["value"] is None
    assert "both its questions" in results["metrics"]["OCR"]["reason"]


@pytest.mark.parametrize("weight", [float("nan"), float("-inf"), float("inf")])
def test_likelihoods_that_are_no_numbers_are_an_error(samples: list[Sample], weight: float) -> None:
    response = Response(samples[0].id, loglikelihoods=(-1.0, weight))
    kept = loop.record(samples[0], Request(samples[0].id, ("?",)), response)
    assert kept.loglikelihoods is None
    assert "no finite numbers" in (kept.error or "")
    assert loop.judge(MME, [kept], "official")[0].outcome == "error"


def test_scores_are_what_the_schema_says(samples: list[Sample], tmp_path: Path) -> None:
    run = ask(samples, tmp_path / "r")
    records = [replace(record, text="yes", error=None) for record in run.records]
    results = loop.score(MME, records)
    assert {"schema", "task", "scorer", "metrics", "strict", "counts"} <= set(results)
    assert (results["schema"], results["task"], results["scorer"]) == (1, "mme", "official")
    for scorer in ("metrics", "strict"):
        assert set(results[scorer]) == {"perception", "cognition", *SUBTASKS}
        for metric in results[scorer].values():
            assert {"value", "low", "high", "n", "full_marks", "chance"} <= set(metric)
    assert results["metrics"]["perception"]["value"] == pytest.approx(500)
    assert set(results["counts"]) == {"samples", "correct", "incorrect", "unparsed", "refused", "error"}
