"""MATH-Vision and MathVerse: small folders as they are published, and what their readers refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmeval.data import tables
from mmeval.task_loading import load_task
from mmeval.tasks.mathverse import SUBJECTS, VERSIONS
from mmeval.types import InputError
from tests.tasks.small_folders import embedded, parquet, run, value

ROWS: list[tuple[list[str], str, str, int]] = [
    ([], "0.5", "algebra", 1),
    (["2", "$\\frac{1}{2}$", "3", "4", "5"], "B", "algebra", 2),
    ([*"ABCDE"], "C", "solid geometry", 2),
]


def mathvision(folder: Path, split: str = "test") -> None:
    rows = [
        {"id": str(n), "question": "What is <image1>?", "options": options, "image": f"images/{n}.jpg",
         "decoded_image": embedded(n), "answer": answer, "solution": None, "level": level, "subject": subject}
        for n, (options, answer, subject, level) in enumerate(ROWS)
    ]  # fmt: skip
    parquet(folder / "data" / f"{split}-00000-of-00001.parquet", rows)


def mathvision_testmini(folder: Path) -> None:
    mathvision(folder, "testmini")


def mathverse(folder: Path) -> None:
    listed = "Choices:\nA:40°\nB:60°\n\nC.10\n20"
    problems = [(f"How large is it?\n{listed}", "(B)"), (f"Choose 2 answers:\n{listed}", "A\nC"), ("Find x.", "$x=4$")]
    problems.append(("True or false?\nChoice:\nA. False\nB. True", "False"))
    rows: list[dict[str, Any]] = []
    for problem, (text, answer) in enumerate(problems):
        for version in VERSIONS[:: 4 if problem else 1]:
            question = "" if version == "Vision Only" else text
            rows.append(
                {"sample_index": str(len(rows)), "problem_index": str(problem), "problem_version": version,
                 "question": question, "image": embedded(problem), "answer": answer,
                 "question_type": "free-form" if problem == 2 else "multi-choice",
                 "metadata": {"split": "testmini", "source": "GeoQA", "subject": SUBJECTS[problem % 3],
                              "subfield": "Angle"},
                 "query_wo": f"Answer directly.\nQuestion: {question}",
                 "query_cot": f"Reason first.\nQuestion: {question}",
                 "question_for_eval": text}
            )  # fmt: skip
    parquet(folder / "testmini.parquet", rows)


def test_mathvision_is_scored_as_its_script_does_and_strictly(tmp_path: Path) -> None:
    mathvision(tmp_path / "data")
    scores = run("mathvision", tmp_path / "data", tmp_path / "run", "constant:So it is $\\boxed{\\frac{1}{2}}$.")
    values = {name: value(scores, name) for name in ("overall", "algebra", "solid geometry", "level1", "level2")}
    assert values == pytest.approx(
        {"overall": 200 / 3, "algebra": 100, "solid geometry": 0, "level1": 100, "level2": 50}
    )
    assert value(scores, "overall", "strict") == pytest.approx(200 / 3)
    assert (scores.metrics["overall"].chance, scores.metrics["level2"].chance) == (None, 20.0)
    mathvision_testmini(tmp_path / "mini")
    scores = run("mathvision-testmini", tmp_path / "mini", tmp_path / "again", "constant:C")
    assert value(scores, "overall") == pytest.approx(100 / 3)


def test_mathverse_is_scored_strictly_by_version_and_says_that_no_judge_was_asked(tmp_path: Path) -> None:
    mathverse(tmp_path / "data")
    scores = run("mathverse", tmp_path / "data", tmp_path / "run", "constant:The answer is B.")
    assert (value(scores, "overall"), value(scores, "Text Lite"), value(scores, "Vision Only")) == (
        pytest.approx(500 / 11), 100, 25,
    )  # fmt: skip
    assert any("Officially a language model judges every answer" in remark for remark in scores.remarks)
    samples = {sample.id: sample for sample in load_task("mathverse").samples(str(tmp_path / "data"))}
    assert samples["4"].choices == (("40°",), ("60°",), ("10\n20",))  # not in the question, which is in the picture
    assert (samples["5"].choices, samples["5"].targets) == ((), ("A, C", "A and C", "A C", "AC"))
    assert samples["9"].targets == ("A",)  # the text of an option
    assert len({sample.groups["cluster"] for sample in samples.values()}) == 4


@pytest.mark.parametrize(
    ("task", "change", "sentence"),
    [
        ("mathvision", {"subject": "algebr"}, "row 2: unknown subject 'algebr' .did you mean 'algebra'"),
        ("mathvision", {"level": 6}, "row 2: unknown level '6'; choose from 1, 2, 3, 4, 5"),
        ("mathvision", {"answer": "F"}, "row 2: the answer 'F' is not one of its options"),
        ("mathvision", {"decoded_image": None}, "row 2: no picture in the column decoded_image"),
        ("mathverse", {"image": None}, "row 2: no picture in the column image"),
        ("mathverse", {"problem_version": "Text Only"}, "row 2: unknown problem_version 'Text Only'"),
        ("mathverse", {"answer": "D"}, "row 2: the answer 'D' is not one of its options"),
        ("mathverse", {"question_for_eval": "Choices:\nA:1"}, "row 2: question_for_eval lists no options A, B"),
    ],
)
def test_a_row_that_cannot_be_asked_is_a_sentence(
    task: str, change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    {"mathvision": mathvision, "mathverse": mathverse}[task](tmp_path)
    (table,) = tmp_path.rglob("*.parquet")
    rows = [line.values for line in tables.of_file(table, tmp_path)]
    parquet(table, [{**row, **(change if n == 1 else {})} for n, row in enumerate(rows)])
    with pytest.raises(InputError, match=sentence):
        list(load_task(task).samples(str(tmp_path)))
