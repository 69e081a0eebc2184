"""MMVU on a small folder as published: both kinds of questions, what the judge is asked, and its verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmeval.tasks import mmvu as task
from mmeval.types import Record
from tests.evaluating import evaluate
from tests.mic.mic_folders import clip, put
from tests.scoring.test_judge import Server, says, serving
from tests.tasks.small_folders import call
from tests.tasks.test_graded import judged, overall, prompts_asked

HUB = "https://huggingface.co/datasets/yale-nlp/MMVU/resolve/main/videos"


def rows() -> list[dict[str, Any]]:
    options = dict(zip("ABCDE", ("up", "down", "left", "right", "still"), strict=True))
    parts = [("multiple-choice", options, "B", "Art", 0), ("open-ended", dict.fromkeys("ABCDE", ""), "Salt", "Law", 1)]
    return [
        {
            "id": f"validation_{n}",
            "video": f"{HUB}/{subject}/{n}.mp4",
            "youtube_url": "https://www.youtube.com/watch?v=x",
            "question_type": kind,
            "metadata": {"subject": subject, "textbook": "", "rationale": "", "knowledge": []},
            "question": "What is shown?",
            "choices": choices,
            "answer": answer,
        }
        for kind, choices, answer, subject, n in parts
    ]


def mmvu(folder: Path) -> None:
    pytest.importorskip("av")
    put(folder / "validation.json", rows())
    for row in rows():
        clip(folder / row["video"].removeprefix(f"{HUB.removesuffix('videos')}"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as judge_server:
        yield judge_server


def test_the_judge_compares_by_the_kind_of_question(server: Server, tmp_path: Path) -> None:
    mmvu(tmp_path / "data")
    run = evaluate("constant:It is B.", "mmvu", data=str(tmp_path / "data"), out=tmp_path / "run", frames=2)
    assert overall(run) == 50.0
    server.reply = lambda prompt: says('"correct": true}' if "Salt" in prompt else '{"correct": false}')
    judged_run = judged(run, server)
    values = {name: metric.value for name, metric in judged_run.results.metrics.items() if metric.value is not None}
    assert values == {"overall": 50, "Humanities and social science": 50, "multiple-choice": 0, "open-ended": 100}
    assert judged_run.results.metrics["multiple-choice"].chance == 20 and len(server.asked) == 2
    asked = prompts_asked(server)
    choice = next(prompt for prompt in asked if "Options:" in prompt)
    assert choice.startswith(task.MULTIPLE_CHOICE) and "\nE: still\n\nGround Truth Answer: B\n\nModel Resp" in choice
    assert {body["max_tokens"] for body in server.asked} == {128}


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ('```json\n{"extracted_answer": "A", "correct": true}\n```', True),
        ("{'extracted_answer': 'A', 'correct': False}", False),
        ('{"extracted_answer": "correct: yes", "correct": false}', False),
        ("It is correct.", None),
        ("", None),
    ],
)
def test_the_verdict_is_read_from_json(reply: str, verdict: bool | None) -> None:
    assert task.verdict(reply) is verdict


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Salt", 1),
        ("It dissolves.\nTherefore, the final answer is: 'Answer: salt'.", 1),
        ("Therefore, the final answer is: Answer: Salt", 1),
        ("Therefore, the final answer is: Answer: Sugar", 0),
        ("Answer: Salt and sugar", 0),
    ],
)
def test_strict_reads_the_form_that_the_prompt_asks_for(text: str, value: int) -> None:
    assert task.open_ended(Record("1", ("Salt",), text=text)).value == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video": "0.mp4"}, "the video is '0.mp4'; it must be an address that ends in NAME/NUMBER.mp4"),
        ({"video": f"{HUB}/Art/9.mp4"}, "there is no video"),
        ({"answer": "F"}, "the answer 'F' is not one of its options; fix it"),
        ({"choices": {"A": "up", "C": "down"}}, "they must be texts by letter, from A"),
        ({"metadata": {"subject": "Arts"}}, "unknown subject 'Arts' (did you mean 'Art'?)"),
        ({"question_type": "open"}, "unknown question_type 'open'"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    mmvu(tmp_path)
    put(tmp_path / "validation.json", [rows()[0] | change])
    result = call("run", "--task", "mmvu", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in " ".join(result.output.split())
