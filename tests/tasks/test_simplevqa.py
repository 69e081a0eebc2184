"""SimpleVQA on a small table as on the hub: what the judge is asked, its three verdicts, and the numbers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmeval.tasks import simplevqa as task
from mmeval.types import Record
from tests.evaluating import evaluate
from tests.scoring.test_judge import Server, says, serving
from tests.tasks.small_folders import call, parquet, png
from tests.tasks.test_graded import judged, overall, prompts_asked

QUESTIONS = [
    ("CN", "图中是什么建筑？", "祈年殿"),
    ("CN", "图中是什么河？", "长江"),
    ("EN", "Who painted it?", "Goya"),
    ("EN", "Where is it?", "Oslo"),
]


def rows() -> list[dict[str, Any]]:
    return [
        {
            "data_id": n,
            "image": base64.b64encode(png(n, size=64)).decode(),
            "image_description": "",
            "language": language,
            "question": question,
            "answer": answer,
            "source": "",
        }
        for n, (language, question, answer) in enumerate(QUESTIONS)
    ]


def simplevqa(folder: Path) -> None:
    parquet(folder / "data" / "test-00000-of-00001.parquet", rows())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as judge_server:
        yield judge_server


def test_the_judges_three_verdicts_make_four_numbers(server: Server, tmp_path: Path) -> None:
    simplevqa(tmp_path / "data")
    run = evaluate("constant:Goya", "simplevqa", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert overall(run) == 25.0
    words = {"祈年殿": "正确", "长江": "未尝试", "Goya": "**正确**", "Oslo": "错误"}
    server.reply = lambda prompt: says(
        next(f'{{"预测答案0": "{word}"}}' for key, word in words.items() if f"正确答案: {key}" in prompt)
    )
    judged_run = judged(run, server)
    values = {name: metric.value for name, metric in judged_run.results.metrics.items()}
    assert values == {
        "overall": 50, "CN": 50, "EN": 50, "not attempted": 25, "given attempted": pytest.approx(200 / 3),
        "f1": pytest.approx(100 * 2 * (2 / 3) * 0.5 / (2 / 3 + 0.5)),
    }  # fmt: skip
    assert {body["max_tokens"] for body in server.asked} == {128}
    assert all(
        "[预测答案0]：Goya" in prompt and '{\n                "预测答案0"' in prompt for prompt in prompts_asked(server)
    )


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ('{"预测答案0": "正确"}', "正确"),
        ('```json\n{"预测答案0": "错误"\n```', "错误"),  # a lost brace is added
        ('{"预测答案0": "**正确**"}', "正确"),
        ('{"预测答案0": {"conclusion": "正确"}}', "正确"),
        ('{"预测答案0": "这是正确的"}', "未尝试"),  # longer than any verdict
        ('{"预测答案0": "正确。"}', None),
        ('{"预测答案0": {"reasoning": "正确"}}', None),
        ('{"预测答案0": true}', None),
        ("{}", None),
        ("[1]", None),
        ("正确", None),
        ("", None),
    ],
)
def test_verdicts_are_read_as_in_the_script(reply: str, verdict: str | None) -> None:
    assert task.verdict(reply) == verdict


def test_a_refusal_is_no_attempt_for_strict_either() -> None:
    records = [
        Record(str(n), ("Oslo",), "EN", text=text) for n, text in enumerate(("Oslo", "Sorry, I cannot answer.", "Rome"))
    ]
    scores = [task.SIMPLEVQA.scorers["strict"](record) for record in records]
    assert [score.outcome for score in scores] == ["correct", "refused", "incorrect"]
    statistic = task.numbers(records, scores)["given attempted"]
    assert statistic.n == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "DE"}, "unknown language 'DE'"),
        ({"image": None}, "0 pictures in the column image, not 1"),
        ({"answer": ""}, "the column answer is ''; it must be a text"),
    ],
)
def test_a_damaged_table_is_a_sentence(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    parquet(tmp_path / "test-00000-of-00001.parquet", [rows()[0] | change])
    result = call("run", "--task", "simplevqa", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in " ".join(result.output.split())
