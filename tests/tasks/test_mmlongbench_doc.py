"""MMLongBench-Doc on a small folder as published: pages, what the judge extracts, and the rules for each form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmeval.scoring.readings.scripts.mmlongbench import cleaned, mark
from mmeval.task_loading import load_task
from mmeval.tasks import mmlongbench_doc as task
from mmeval.types import Record, images
from tests.evaluating import evaluate
from tests.mic.mic_folders import put
from tests.scoring.test_judge import Server, says, serving
from tests.tasks.small_folders import call, picture
from tests.tasks.test_graded import judged, overall, prompts_asked

ROWS = [
    ("report.pdf", "Financial report", "How many plants are there?", "14", "[2]", "['Chart', 'Table']", "Int"),
    ("report.pdf", "Financial report", "What share is solar?", "18.29%", "[1, 2]", "['Table']", "Float"),
    ("guide.v2.pdf", "Guidebook", "Who is shown?", "Not answerable", "[]", "[]", "None"),
]


def rows() -> list[dict[str, Any]]:
    names = ("doc_id", "doc_type", "question", "answer", "evidence_pages", "evidence_sources", "answer_format")
    return [dict(zip(names, row, strict=True)) for row in ROWS]


def mmlongbench_doc(folder: Path) -> None:
    put(folder / "data" / "samples.json", rows())
    for shade, name in enumerate(("report_1", "report_2", "guide.v2_1")):
        picture(folder / "tmp" / f"{name}.png", shade)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as judge_server:
        yield judge_server


def test_the_question_comes_before_all_pages_of_its_document(tmp_path: Path) -> None:
    mmlongbench_doc(tmp_path)
    samples = [*load_task("mmlongbench-doc").samples(str(tmp_path))]
    assert [len(images(sample.prompt)) for sample in samples] == [2, 2, 1]
    assert all(sample.prompt[0] == row["question"] for sample, row in zip(samples, rows(), strict=True))
    for number in range(3, 130):
        picture(tmp_path / "tmp" / f"report_{number}.png")
    assert len(images(next(load_task("mmlongbench-doc").samples(str(tmp_path))).prompt)) == 120


def test_the_extracted_answers_are_compared_by_their_forms(server: Server, tmp_path: Path) -> None:
    mmlongbench_doc(tmp_path / "data")
    run = evaluate("constant:There are 14.", "mmlongbench-doc", data=str(tmp_path / "data"), out=tmp_path / "run")
    answers = {"plants": "14.0", "solar": "Not answerable", "shown": "Not answerable"}

    def reply(prompt: str) -> bytes:
        question = prompt.rpartition("Question:")[2]
        return says(
            next(f"Extracted answer: {text}\nAnswer format: x" for word, text in answers.items() if word in question)
        )

    server.reply = reply
    judged_run = judged(run, server)
    values = {name: metric.value for name, metric in judged_run.results.metrics.items() if metric.value is not None}
    assert values == {
        "overall": pytest.approx(200 / 3), "f1": pytest.approx(100 * 2 * 0.5 * 1 / 1.5), "Chart": 100, "Table": 50,
        "single": 100, "cross": 0, "unanswerable": 100, "Financial report": 50, "Guidebook": 100,
    }  # fmt: skip
    assert {body["max_tokens"] for body in server.asked} == {256}
    assert all(prompt.endswith("?\nAnalysis:There are 14.\n") for prompt in prompts_asked(server))
    server.reply = lambda prompt: says("It is 14.")
    (tmp_path / "run" / "judge.jsonl").unlink()
    assert overall(judged(run, server)) == 0.0  # the script reads nothing in such a reply


@pytest.mark.parametrize(
    ("form", "key", "answer", "value"),
    [
        ("Int", "14", "14.9", 1),  # cut, not rounded
        ("Int", "14", "fourteen", 0),
        ("Int", "21%", "21", 0),  # a key that is no number
        ("Float", "18.29%", "0.1829", 1),
        ("Float", "18.29%", "18.4 %", 1),  # within 1%
        ("Float", "18.29%", "18.6", 0),
        ("Float", "0.1", "inf", 0),
        ("Str", "Less well-off", "less well off (page 5)", 1 - 1 / 13),
        ("Str", "Less well-off", "better off", 0),
        ("Str", "page 3", "page 4", 0),  # no partial credit for what must be equal
        ("Str", "2016-06", "2016-07", 0),
        ("Str", "a", "", 0),
        ("None", "Not answerable", "not answerable", 1),
        ("List", "['White', '10%']", "['10', 'white']", 1),
        ("List", "['White', '10%']", "['White']", 0),
        ("List", "['White', 'Black']", "[White, Black]", 0),  # not a list in Python
        ("List", "['White', 'Black']", "['white', 'blak']", 0.8),  # the worst of them
        ("List", "['1.3', 'Store']", "['1.3', 'Stores']", 0),  # the first is a number
        ("List", "['White']", "white", 1),
        ("List", "['White']", "[]", 0),
    ],
)
def test_answers_are_compared_as_in_the_script(form: str, key: str, answer: str, value: float) -> None:
    assert mark(key, answer, form) == pytest.approx(value)


def test_brackets_are_removed_in_linear_time() -> None:
    assert cleaned("a (b) c ((d) e") == "a c e" and cleaned("(" * 1_000_000) == "(" * 1_000_000


@pytest.mark.parametrize(
    ("text", "value"), [("The answer is 14.", 1), ("I cannot answer this question.", 0), ("It may be 14 or 15.", 0)]
)
def test_strict_compares_the_stated_answer(text: str, value: float) -> None:
    assert task.stated(Record("1", ("14",), tags={"format": "Int"}, text=text)).value == value


def test_strict_takes_a_refusal_for_not_answerable() -> None:
    record = Record("1", (task.NOT_ANSWERABLE,), tags={"format": "None"}, text="Sorry, I cannot answer.")
    assert task.stated(record).value == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc_id": "other.pdf"}, "other_1.png"),
        ({"doc_id": "../../etc/passwd.pdf"}, "passwd_1.png"),
        ({"evidence_sources": "['Charts']"}, "unknown evidence source 'Charts' (did you mean 'Chart'?)"),
        ({"evidence_pages": "five"}, "the column evidence_pages is 'five'; it must be a list"),
        ({"answer_format": "Integer"}, "unknown answer_format 'Integer'"),
        ({"doc_type": "Novel"}, "unknown doc_type 'Novel'"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    mmlongbench_doc(tmp_path)
    put(tmp_path / "data" / "samples.json", [rows()[0] | change])
    data = ("--data", tmp_path, "--out", tmp_path / "run")
    result = call("run", "--task", "mmlongbench-doc", "--model", "constant", *data)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in "".join(result.output.split("\n"))
