"""MTVQA on a small table as on the hub: several questions in a cell, languages, and the two readings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmeval.task_loading import load_task
from mmeval.tasks.mtvqa import READINGS
from mmeval.types import Record
from tests.tasks.small_folders import call, embedded, parquet, run, value

PAIRS = [
    ("DE", [("Wo geht es hinaus?", "Ausgang"), ("Was kostet es?", "12.50 €")]),
    ("KR", [("무엇인가?", "출구")]),
    ("JA", [("値段は？", "100円")]),
]


def rows() -> list[dict[str, Any]]:
    return [
        {
            "image": embedded(n),
            "id": f"{language}_{n}",
            "qa_pairs": str([{"question": question, "answer": answer} for question, answer in pairs]),
            "lang": language,
        }
        for n, (language, pairs) in enumerate(PAIRS)
    ]


def mtvqa(folder: Path) -> None:
    parquet(folder / "data" / "test-00000-of-00002.parquet", rows()[:2])
    parquet(folder / "data" / "test-00001-of-00002.parquet", rows()[2:])


def test_the_mean_is_that_of_the_languages(tmp_path: Path) -> None:
    mtvqa(tmp_path / "data")
    scores = run("mtvqa", tmp_path / "data", tmp_path / "run", "constant:Da ist der AUSGANG, 출구.")
    values = {name: metric.value for name, metric in scores.metrics.items() if metric.value is not None}
    assert values == {"overall": pytest.approx(150 / 3), "questions": 50, "DE": 50, "KO": 100, "JA": 0}
    assert value(scores, "overall", "strict") == 0.0
    ids = [sample.id for sample in load_task("mtvqa").samples(str(tmp_path / "data"))]
    assert ids == ["DE_0_0", "DE_0_1", "KR_1_0", "JA_2_0"]


@pytest.mark.parametrize(
    ("text", "values"), [("12.50 €", (0, 1)), ("1250 €", (0, 1)), ("12,50 €", (0, 0)), (".", (0, 0))]
)
def test_only_vlmevalkit_removes_periods_from_keys(text: str, values: tuple[int, int]) -> None:
    record = Record("1", ("12.50 €",), text=text)
    assert tuple(read(record).value for read in READINGS.values()) == values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lang": "EN"}, "unknown lang 'EN'"),
        ({"qa_pairs": "none"}, "the column qa_pairs is 'none'; it must be a list of questions"),
        ({"qa_pairs": "['a']"}, "it must be a list of questions"),
        ({"qa_pairs": "[{'question': 'Was?'}]"}, "question 1: no column 'answer'"),
        ({"image": None}, "0 pictures in the column image, not 1"),
    ],
)
def test_a_damaged_table_is_a_sentence(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    parquet(tmp_path / "test-00000-of-00001.parquet", [rows()[0] | change])
    result = call("run", "--task", "mtvqa", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in " ".join(result.output.split())


def test_a_question_with_an_empty_answer_is_asked_but_not_scored(tmp_path: Path) -> None:
    parquet(tmp_path / "test-0.parquet", [rows()[0] | {"qa_pairs": "[{'question': 'Was?', 'answer': ''}]"}])
    scores = run("mtvqa", tmp_path, tmp_path / "run")
    assert scores.counts.unscored == 1 and value(scores, "overall") is None
