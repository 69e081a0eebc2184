"""The data's identity, limits, questions asked again, and the records behind scores."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval import evaluation, regular
from mmeval.evaluation import rendering
from mmeval.evaluation import survey as surveys
from mmeval.models import ADAPTERS
from mmeval.models.constant import Constant
from mmeval.runs import run as runs
from mmeval.runs.schema import results_to_json
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import (
    Generation,
    Image,
    InputError,
    Record,
    Request,
    Response,
    RunMismatch,
    Sample,
    Score,
    Unsupported,
)
from tests.evaluating import Collected, evaluate, judged, results
from tests.mme_folder import SUBTASKS, make_release

MME = load_task("mme")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("mme"), pictures=3)


@pytest.fixture(scope="module")
def samples(data: Path) -> list[Sample]:
    return list(MME.samples(str(data)))


def test_the_digest_sees_every_change(samples: list[Sample]) -> None:
    first, *remaining = samples
    other_words = replace(first, prompt=(first.prompt[0], "Is this another question?"))
    other_picture = replace(first, prompt=(remaining[-1].prompt[0], first.prompt[1]))
    other_target = replace(first, targets=("no",))
    other_axis = replace(first, category="OCR")
    changes = (first, other_words, other_picture, other_target, other_axis)
    assert len({surveys.survey(partial(list, [sample, *remaining])).digest for sample in changes}) == len(changes)
    assert surveys.survey(lambda: [*remaining, first]).digest != surveys.survey(lambda: samples).digest
    limited, full = surveys.survey(lambda: samples, limit=5), surveys.survey(lambda: samples)
    assert limited.questions == full.questions
    assert limited.samples.items() <= full.samples.items()


def test_nothing_is_looked_at_of_what_a_limit_leaves_out(samples: list[Sample]) -> None:
    looked_at = []

    def opened(name: str) -> bytes:
        looked_at.append(name)
        return name.encode()

    def unread_samples() -> Iterator[Sample]:
        for sample in samples:
            yield replace(sample, prompt=(Image(partial(opened, sample.id), sample.id), "what ?"))

    ids = surveys.survey(unread_samples, limit=4).ids
    assert {*looked_at} == {*ids}


def test_a_limit_takes_whole_pictures_evenly(samples: list[Sample]) -> None:
    ids = surveys.survey(lambda: samples, limit=28).ids
    assert len(ids) == 28
    assert {id.split("/")[0] for id in ids} == set(SUBTASKS)
    assert {id.partition("#")[0] for id in ids} == {id.partition("#")[0] for id in ids if id.endswith("#2")}


@pytest.mark.parametrize("limit", range(1, 9))
def test_a_limit_halves_no_group_whose_score_needs_all_of_it(limit: int) -> None:
    """NaturalBench has groups of four that overlap in pairs; VCR's have an answer and its reason, in two categories."""
    naturalbench = (
        ("", {"Q-Acc": str(n // 2), "I-Acc": f"{n // 4} / {n % 2}", "G-Acc": str(n // 4)}) for n in range(12)
    )
    vcr = ((kind, {"question": str(n)}) for n in range(6) for kind in ("q_a", "qa_r"))
    for facts in (naturalbench, vcr):
        data = [Sample(str(n), ("?",), (), groups=groups, category=kind) for n, (kind, groups) in enumerate(facts)]
        surveyed = surveys.survey(partial(list, data), limit)
        selected = [sample for sample in data if sample.id in surveyed.ids]
        skipped = [sample for sample in data if sample.id not in surveyed.ids]
        assert limit <= len(selected) < limit + 4
        for key in data[0].groups:
            selected_groups = {sample.groups[key] for sample in selected}
            assert selected_groups.isdisjoint(sample.groups[key] for sample in skipped)
            numbered = {(sample.groups[key], surveyed.groups[sample.id]) for sample in selected}
            assert len(numbered) == len(selected_groups)  # nor do several processes


def test_a_limit_beyond_the_data_takes_it_all(samples: list[Sample]) -> None:
    assert surveys.survey(lambda: samples, limit=10_000).ids == tuple(sample.id for sample in samples)


def test_samples_of_one_id_and_no_samples_are_refused(samples: list[Sample]) -> None:
    with pytest.raises(InputError, match="two samples have the id"):
        surveys.survey(lambda: [samples[0], samples[0]])
    with pytest.raises(InputError, match="the data: has no questions"):
        surveys.survey(list)


class Forgetful(Constant):
    """Answers the questions whose id ends in its digit, fails on the others, and keeps a list of what it was asked."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for request in reversed(list(requests)):
            ASKED.append(request.id)
            good = request.id[-1] in self.answer
            yield Response(request.id, text="no" if good else None, error=None if good else "no light")


ASKED: list[str] = []


def ask(data: Path, folder: Path, digits: str = "2", **more: Any) -> runs.Run:
    """Evaluate with a model that answers only the questions whose id ends in one of those digits."""
    ASKED.clear()
    return evaluate("constant", "mme", data=str(data), out=folder, load=lambda *_: Forgetful(digits), **more)


@pytest.mark.slow
def test_only_what_is_missing_is_asked(data: Path, samples: list[Sample], tmp_path: Path) -> None:
    run = ask(data, tmp_path / "r", "12")
    journal = run.folder / "records.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]) + lines[-1][:20])  # killed in the middle of a line
    answered_ids = {record.id for record in runs.open_run(run.folder).records}
    resumed = ask(data, run.folder, "12")
    assert set(ASKED) == {sample.id for sample in samples} - answered_ids
    assert resumed.complete


def test_what_ended_in_an_error_is_asked_again(data: Path, samples: list[Sample], tmp_path: Path) -> None:
    failed = ask(data, tmp_path / "r", "2")
    assert not failed.complete
    half = len(samples) // 2
    assert failed.answered == f"{half} of {2 * half} questions answered"
    assert failed.results.marks == [
        f"{half} of {2 * half} answers are errors; repeat the command to ask again",
        f"the data has only {2 * half} of the benchmark's 2,374 questions",
    ]
    with_errors = ask(data, tmp_path / "r", "12", keep_errors=True)
    assert (ASKED, with_errors.results.counts.error) == ([], half)
    display = Collected()
    repaired = ask(data, tmp_path / "r", "12", display=display)
    assert set(ASKED) == {sample.id for sample in samples if sample.id.endswith("1")}
    assert f"asking {half} failed questions again" in display.messages
    assert repaired.complete
    assert repaired.results.counts.error == 0
    assert runs.open_run(tmp_path / "r").complete  # the last record of an id counts


def test_a_replaced_picture_is_other_data_for_its_own_samples_alone(tmp_path: Path) -> None:
    data = make_release(tmp_path / "release")
    ask(data, tmp_path / "r", "12")
    PILImage.new("RGB", (9, 9), "white").save(data / "OCR" / "0001.png")
    display = Collected()
    resumed = ask(data, tmp_path / "r", "12", display=display)
    assert sorted(ASKED) == ["OCR/0001.png#1", "OCR/0001.png#2"]
    assert "asking 2 questions again because the pictures have changed" in display.messages
    assert resumed.complete
    (data / "OCR" / "0001.txt").write_text("Another?\tYes\nIs it?\tNo\n")
    with pytest.raises(RunMismatch, match="other questions"):
        ask(data, tmp_path / "r", "12")


def test_an_answer_that_was_cut_says_so(data: Path, tmp_path: Path) -> None:
    class Cut(Constant):
        def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
            for request in requests:
                yield Response(request.id, text="y", finish_reason="length", output_tokens=generation.max_new_tokens)

    run = evaluate("constant", "mme", data=str(data), out=tmp_path / "r", max_new_tokens=3, load=lambda *_: Cut(""))
    count = run.samples_planned
    assert f"{count} of {count} answers were cut at 3 tokens; raise --max-new-tokens." in run.results.remarks
    assert '"finish_reason":"length"' in (tmp_path / "r" / "records.jsonl").read_text()


def test_answers_of_two_commits_of_a_model(data: Path, tmp_path: Path) -> None:
    class OfCommit(Constant):
        def __init__(self, commit: str, error: str | None) -> None:
            super().__init__("yes")
            self.session_facts = {"model_commit": commit}
            self.error = error

        def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
            for response in super().generate(requests, generation):
                yield Response(response.id, error=self.error) if self.error else response

    def remarks(commit: str, error: str | None) -> list[str]:
        model = OfCommit(commit, error)
        run = evaluate("constant", "mme", data=str(data), out=tmp_path / "r", load=lambda *_: model)
        assert run.sessions[-1].model_commit == commit
        return [line for line in run.results.remarks if "commits" in line]

    assert not remarks("a1", "out of memory")
    assert remarks("b2", None) == [
        "The answers come from 2 commits of the model: a1, b2; name one, as NAME@COMMIT, and start over with --fresh."
    ]


def test_answers_of_two_versions_are_reported(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [line for line in ask(data, tmp_path / "r", "2").results.remarks if "versions" in line]
    monkeypatch.setattr("mmeval.provenance.__version__", "99.0")
    (remark,) = (line for line in ask(data, tmp_path / "r", "12").results.remarks if "versions" in line)
    assert "2 versions of the program" in remark
    assert "mmeval 99.0" in remark
    monkeypatch.setitem(ADAPTERS, "constant", replace(ADAPTERS["constant"], version=99))
    with pytest.raises(RunMismatch, match="engine"):
        ask(data, tmp_path / "r", "12")


@pytest.mark.slow
def test_each_file_of_a_run_is_read_once_a_stage(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    opened = regular.opened

    def counting(path: Path) -> BufferedReader:
        if path.parent == tmp_path / "r":
            read[path.name] += 1
        return opened(path)

    monkeypatch.setattr(regular, "opened", counting)
    judged: Counter[tuple[str, str]] = Counter()

    def judging(task: Task, record: Record, scorer: str) -> Score:
        judged[record.id, scorer] += 1
        return task.scorers[scorer](record)

    monkeypatch.setattr("mmeval.runs.scored.judge", judging)
    run = ask(data, tmp_path / "r", "12")
    evaluation.report(run)
    assert {name: count for name, count in read.items() if name.endswith(("json", "jsonl"))} == {
        "run.json": 1,
        "ids.json": 1,
        "records.jsonl": 2,  # when it is asked, and when it is scored
        "samples.jsonl": 2,  # hashed by each of the two reports
    }
    counts = {scorer: {judged[key] for key in judged if key[1] == scorer} for _, scorer in judged}
    assert counts == {"official": {3}, "strict": {1}}  # the answer itself; official: and two constants


def test_the_order_of_the_answers_changes_no_score(data: Path, tmp_path: Path) -> None:
    records = [replace(r, text="yes" if "#1" in r.id else r.text, error=None) for r in ask(data, tmp_path).records]
    expected = results(MME, records)
    random.Random(0).shuffle(records)
    assert results(MME, records) == expected


def test_a_picture_too_many_is_refused_before_anything_is_asked(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = MME.samples
    two = replace(MME, samples=lambda data: (replace(s, prompt=(s.prompt[0], *s.prompt)) for s in read(data)))
    monkeypatch.setattr("mmeval.evaluation.planning.load_task", lambda *_: two)
    one_picture = Constant("yes", max_images=1)
    with pytest.raises(Unsupported, match=r"constant takes 1 picture and sample 'existence/0000.png#1' has 2"):
        evaluate("constant", "mme", data=str(data), out=tmp_path / "r", load=lambda *_: one_picture)
    assert not (tmp_path / "r").exists()


def test_pictures_of_questions_that_are_not_asked_refuse_no_model(samples: list[Sample]) -> None:
    first, *remaining = samples
    wide = replace(first, prompt=(first.prompt[0], *first.prompt))
    surveyed = surveys.survey(lambda: [wide, *remaining])
    assert surveyed.widest == (2, first.id)
    assert surveyed.of([remaining[0].id], "ids.txt").widest == (1, remaining[0].id)
    surveys.check_pictures(Constant("yes", max_images=1), surveyed.without({first.id}))


def test_errors_are_counted_as_wrong_and_reported(data: Path, samples: list[Sample], tmp_path: Path) -> None:
    scores = ask(data, tmp_path / "r").results
    assert scores.counts.error == len(samples) // 2
    assert scores.counts.correct == len(samples) // 2  # every second question's answer is no
    assert scores.metrics["OCR"].value == 50  # half of the questions right, no picture with both
    half = len(samples) // 2
    assert f"Errors count as wrong: {half} of {len(samples)} questions have no answer." in scores.remarks


@pytest.mark.parametrize("weight", [float("nan"), float("-inf"), float("inf")])
def test_likelihoods_that_are_no_numbers_are_an_error(samples: list[Sample], weight: float) -> None:
    response = Response(samples[0].id, loglikelihoods=(-1.0, weight))
    recorded = rendering.record(samples[0], Request(samples[0].id, ("?",)), response)
    assert recorded.loglikelihoods is None
    assert "not finite numbers" in (recorded.error or "")
    assert judged(MME, [recorded], "official")[0].outcome == "error"


def test_scores_are_what_the_schema_says(data: Path, tmp_path: Path) -> None:
    run = ask(data, tmp_path / "r")
    records = [replace(record, text="yes", error=None) for record in run.records]
    scores = results(MME, records)
    value = results_to_json(scores)
    assert {"schema", "task", "scorer", "metrics", "strict", "counts"} <= set(value)
    assert (value["schema"], value["task"], value["scorer"]) == (2, "mme", "official")
    for scorer in ("metrics", "strict"):
        assert set(value[scorer]) == {"perception", "cognition", *SUBTASKS}
        for metric in value[scorer].values():
            assert {"value", "low", "high", "n", "full_marks", "chance"} <= set(metric)
    assert scores.metrics["perception"].value == pytest.approx(500)
    assert set(value["counts"]) == {"samples", "correct", "incorrect", "unparsed", "refused", "error"}
