"""LogicVista on a small folder in the repository's form: the judge's letters, and the strict reading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmeval.task_loading import load_task
from mmeval.tasks import logicvista as task
from mmeval.types import Record
from tests.evaluating import evaluate
from tests.scoring.test_judge import Server, says, serving
from tests.tasks.small_folders import call, picture
from tests.tasks.test_graded import judged, overall

ROWS = [
    ("Which comes next? Select from A, B and C. (A) one (B) two (C) three", "B", "inductive"),
    ("Which choices in the image (A-D) belong together?", "A, C", "inductive"),
    ("Which is right? Select from 1-5", "3", "deductive"),
    ("", "", "mechanical"),
]


def logicvista(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    entries = {
        f"v1_{n}": {"imagename": f"v1_{n}.png", "question": question, "answer": answer, "skill": [skill]}
        for n, (question, answer, skill) in enumerate(ROWS)
    }
    (folder / "data" / "dataset.json").write_text(json.dumps(entries), encoding="utf-8")
    for n in range(len(ROWS)):
        picture(folder / "data" / "images" / f"v1_{n}.png", n)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as judge_server:
        yield judge_server


def test_all_right_letters_must_be_chosen_in_any_order(server: Server, tmp_path: Path) -> None:
    logicvista(tmp_path / "data")
    run = evaluate("constant:C and A, I think", "logicvista", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert overall(run) == 0.0 and run.results.counts.samples == 4  # with the question without a key
    server.reply = lambda prompt: says("CA")
    judged_run = judged(run, server)
    assert (judged_run.results.scorer, overall(judged_run)) == ("official", 25.0)
    assert {name: metric.value for name, metric in judged_run.results.metrics.items()} == {
        "overall": 25, "inductive": 50, "deductive": 0, "mechanical": 0, "numerical": None, "spatial": None,
    }  # fmt: skip
    assert {body["max_tokens"] for body in server.asked} == {128} and len(server.asked) == 4


@pytest.mark.parametrize("reply", ["A, C", "ac", "A\n", ""])
def test_a_reply_that_is_not_only_capital_letters_gives_no_marks(reply: str) -> None:
    assert not task.usable(Record("1", ("A, C",), text="x"), [reply])


@pytest.mark.parametrize(
    ("question", "target", "text", "value"),
    [
        (0, "B", "So the answer is (B) two.", 1),
        (0, "B", "two", 1),
        (0, "B", "A, B", 0),
        (1, "A, C", "The answer is C and A.", 1),
        (1, "A, C", "(A), (C)", 1),
        (1, "A, C", "A", 0),
        (1, "A, C", "A, B, C", 0),
        (2, "3", "3", 1),
        (2, "3", "C", 0),
    ],
)
def test_strict_reads_a_list_of_letters_as_a_whole(question: int, target: str, text: str, value: int) -> None:
    record = Record("1", (target,), tags={"question": ROWS[question][0]}, text=text)
    assert task.scored(record).value == value


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"A, C"', '"A and C"', "the answer is 'A and C'; it must be letters such as 'A' or 'A, C'; fix it"),
        ('["mechanical"]', '["mechanic"]', "unknown skill 'mechanic' (did you mean 'mechanical'?)"),
        ("v1_1.png", "v1_9.png", "v1_9.png"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, old: str, new: str, message: str) -> None:
    logicvista(tmp_path)
    file = tmp_path / "data" / "dataset.json"
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    result = call("run", "--task", "logicvista", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in " ".join(result.output.split())


def test_the_data_folder_itself_is_read_too(tmp_path: Path) -> None:
    logicvista(tmp_path)
    ids = [sample.id for sample in load_task("logicvista").samples(str(tmp_path / "data"))]
    assert ids == ["v1_0", "v1_1", "v1_2", "v1_3"]
