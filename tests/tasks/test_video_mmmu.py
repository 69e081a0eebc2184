"""Video-MMMU on small folders as published: the tracks, both kinds of answers, and the gain by the video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmeval.task_loading import load_task
from mmeval.tasks.video_mmmu import official
from mmeval.types import Record, images
from tests.mic.mic_folders import clip, put
from tests.tasks.small_folders import call, parquet, run, value

OPTIONS = ["a monopoly", "a cartel", "a market"]
ROWS: dict[str, list[dict[str, Any]]] = {
    "Perception": [
        {"id": "dev_Biology_3", "question": "How many atoms?", "options": ["A. 3", "B. 4"], "answer": "B"},
        {"id": "validation_Economics_2", "question": "What is named?", "options": OPTIONS, "answer": "A"},
    ],
    "Comprehension": [{"id": "dev_Biology_3", "question": "Which one?", "options": OPTIONS, "answer": "B"}],
    "Adaptation": [
        {"id": "dev_Biology_3", "question": "<image 1> What kind?", "options": OPTIONS, "answer": "C"},
        {"id": "validation_Economics_2", "question": "<image 1> How much?", "options": [], "answer": "12.5"},
    ],
}


def kind(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "question_type": "multiple-choice" if row["options"] else "open"}


def video_mmmu(folder: Path) -> None:
    pytest.importorskip("av")
    for track, rows in ROWS.items():
        parquet(folder / track / "test-00000-of-00001.parquet", [*map(kind, rows)])
    for place, name in (("Science", "dev_Biology_3"), ("Business", "validation_Economics_2")):
        clip(folder / place / f"{name}.mp4")
        clip(folder / "question_only" / f"{name}_image.mp4", seconds=2)


def test_the_tracks_weigh_the_same_questions(tmp_path: Path) -> None:
    video_mmmu(tmp_path / "data")
    scores = run("video-mmmu", tmp_path / "data", tmp_path / "run", "constant:B: it is 12.5", frames=3)
    values = {name: metric.value for name, metric in scores.metrics.items() if metric.value is not None}
    assert values == {
        "overall": 60, "perception": 50, "comprehension": 100, "adaptation": 50,
        "Science": pytest.approx(200 / 3), "Business": 50,
    }  # fmt: skip
    assert scores.metrics["perception"].chance == pytest.approx(100 * (1 / 2 + 1 / 3) / 2)
    assert scores.metrics["adaptation"].chance is None


def test_the_frame_with_the_picture_is_shown(tmp_path: Path) -> None:
    video_mmmu(tmp_path)
    first, *_ = load_task("video-mmmu").samples(str(tmp_path))
    frames = images(first.prompt)
    assert len(frames) == 8 and first.tags["sampler"] == "ends"
    brightness = [float(np.asarray(frame.decode()).mean()) for frame in frames]
    assert brightness == sorted(brightness) and brightness[-1] == pytest.approx(3 * 26, abs=4)  # the last of 27


def test_the_gain_is_in_percent_of_the_wrong_answers_before(tmp_path: Path) -> None:
    video_mmmu(tmp_path / "data")
    scores = run("video-mmmu-gain", tmp_path / "data", tmp_path / "run", "constant:C", frames=3)
    assert (value(scores, "question only"), value(scores, "adaptation")) == (50.0, 50.0)
    assert any("The knowledge gain is +0.00%, (50.00 - 50.00) / (100 - 50.00)" in remark for remark in scores.remarks)
    samples = [*load_task("video-mmmu-gain").samples(str(tmp_path / "data"))]
    assert [len(images(sample.prompt)) for sample in samples] == [1, 1, 8, 8]
    record = Record("a", ("C",), "question only", choices=("x", "y", "z"), text="A")
    after = [Record(str(n), ("C",), "adaptation", choices=("x", "y", "z"), text="C") for n in range(4)]
    task = load_task("video-mmmu-gain")

    def gain(before: str, records: list[Record]) -> str:
        first = Record("a", ("C",), "question only", choices=("x", "y", "z"), text=before)
        return task.remarks([first, *records], [*map(official, [first, *records])])[-1]

    assert gain("A", after).startswith("The knowledge gain is +100.00%, (100.00 - 0.00) / (100 - 0.00)")
    assert gain("C", after) == "The knowledge gain is undefined: all questions are answered right without the video."
    assert task.remarks([record], [official(record)]) == []  # a run with a limit may have one kind alone


@pytest.mark.parametrize(
    ("text", "value", "outcome"),
    [
        ("A. It may be B. So (C) it is: C", 1, "correct"),  # periods come first, and the last of them counts
        ("A: no, B: yes", 1, "correct"),
        ("(A) or (B)", 1, "correct"),
        ("The answer is B", 1, "correct"),
        ("well, I would call that a cartel", 1, "correct"),
        ("a cartel", 0, "unparsed"),  # options are searched in long answers only
        ("", None, "unparsed"),
    ],
)
def test_letters_are_read_as_in_the_script(text: str, value: float | None, outcome: str) -> None:
    score = official(Record("1", ("B",), choices=tuple(OPTIONS), text=text))
    assert (score.value, score.outcome) == (value, outcome)


@pytest.mark.parametrize(
    ("text", "value"), [("It equals 12.50 m", 1), ("counted as 12.5", 1), ("between 12 and 13", 0), ("", None)]
)
def test_open_answers_have_more_leads_than_mmmus(text: str, value: float | None) -> None:
    assert official(Record("1", ("12.5",), text=text)).value == value


def test_the_authors_files_are_read_too(tmp_path: Path) -> None:
    video_mmmu(tmp_path / "hub")
    video_mmmu(tmp_path / "data")
    for track, rows in ROWS.items():
        (tmp_path / "data" / track / "test-00000-of-00001.parquet").unlink()
        put(tmp_path / "data" / f"{track.lower()}_video.json", {track: {str(n): row for n, row in enumerate(rows)}})
    ids = [[sample.id for sample in load_task("video-mmmu").samples(str(tmp_path / name))] for name in ("hub", "data")]
    assert ids[0] == ids[1] and "adaptation/dev_Biology_3" in ids[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "D"}, "the answer 'D' is not one of its options; fix it"),
        ({"id": "dev_Astrology_1"}, "unknown subject 'Astrology'"),
        ({"id": "dev_Biology_4"}, "there is no video"),
        ({"question_type": "open"}, "a question of the type open with 3 options; fix the row"),
        ({"question_type": "quiz"}, "unknown question_type 'quiz'"),
    ],
)
def test_a_damaged_table_is_a_sentence(tmp_path: Path, change: dict[str, str], message: str) -> None:
    video_mmmu(tmp_path)
    rows = [kind(ROWS["Perception"][1]) | change]
    parquet(tmp_path / "Perception" / "test-00000-of-00001.parquet", rows)
    result = call("run", "--task", "video-mmmu", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in " ".join(result.output.split())


def test_a_missing_track_is_a_sentence(tmp_path: Path) -> None:
    video_mmmu(tmp_path)
    (tmp_path / "Adaptation" / "test-00000-of-00001.parquet").unlink()
    result = call(
        "run", "--task", "video-mmmu-gain", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "r"
    )
    assert result.exit_code == 2 and "no test-00000-of-00001.parquet in it" in " ".join(result.output.split())
