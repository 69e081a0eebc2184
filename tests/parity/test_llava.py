"""LLaVA-1.5-13B's answers, from `playground/data/eval` of haotian-liu/LLaVA at 32cebc3: its published scores.

Under `llava/` the fixtures hold that folder, and open_flamingo's `textvqa/val_{questions,annotations}_vqa_format.json`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mmeval.answers import score_predictions
from mmeval.configuration import configure
from mmeval.runs.scored import score_records
from mmeval.spec import RunSpec
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import Record
from tests.parity.conftest import Recordings


def overall(task: Task, records: list[Record]) -> float:
    return score_records(task, records).results().metrics["overall"].value or 0.0


def as_by(name: str, reading: str) -> Task:
    return configure(load_task(name), RunSpec(task=name, model="constant", reading=reading))


@pytest.mark.parametrize(("reading", "published"), [("llava", 71.641), ("2022", 35.495)])
def test_scienceqa(fixtures: Recordings, reading: str, published: float) -> None:
    folder = fixtures / "llava/scienceqa"
    problems = {
        problem["id"]: problem for problem in json.loads((folder / "llava_test_CQM-A.json").read_text(encoding="utf-8"))
    }
    judged = json.loads((folder / "answers/llava-v1.5-13b_output.jsonl").read_text(encoding="utf-8"))
    records = [
        Record(answer["question_id"], (answer["ground_truth"],), "", choices=options, text=answer["pred"])
        for answer in (*judged["correct"], *judged["incorrect"])
        if "image" in (problem := problems[answer["question_id"]])
        for options in [tuple(re.findall(r"^[A-E]\. (.*)", problem["conversations"][0]["value"], re.MULTILINE))]
    ]
    assert len(records) == 2017
    assert overall(as_by("scienceqa", reading), records) == pytest.approx(published, abs=0.0005)


def test_mmbench(fixtures: Recordings) -> None:
    path = fixtures / "llava/mmbench/answers_upload/mmbench_dev_20230712/llava-v1.5-13b.xlsx"
    scores = score_predictions("mmbench", str(path))[1]
    assert scores.metrics["circular"].value == pytest.approx(67.6871, abs=0.00005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reading", "published"), [("m4c", 61.254), ("2016", 59.176), ("2021", 49.094), ("open-flamingo", 61.160)]
)
def test_textvqa(fixtures: Recordings, reading: str, published: float) -> None:
    answers, folder = fixtures / "llava/textvqa/answers/llava-v1.5-13b.jsonl", fixtures / "llava/textvqa"
    content: dict[str, Any] = {}
    for name in ("questions", "annotations"):
        content[name] = json.loads((folder / f"val_{name}_vqa_format.json").read_text(encoding="utf-8"))[name]
    texts = {question["question_id"]: question["question"].lower() for question in content["questions"]}
    references = {
        (annotation["image_id"], texts[annotation["question_id"]]): annotation["answers"]
        for annotation in content["annotations"]
    }
    lines = [json.loads(line) for line in Path(answers).read_text(encoding="utf-8").splitlines()]
    records = [
        Record(
            str(number),
            tuple(answer["answer"] for answer in people),
            "",
            {"cluster": line["question_id"]},
            text=line["text"],
        )
        for number, line in enumerate(lines)
        for people in [references[line["question_id"], line["prompt"].split("\n")[0].lower()]]
    ]
    assert len(records) == 5000
    assert overall(as_by("textvqa", reading), records) == pytest.approx(published, abs=0.0005)
