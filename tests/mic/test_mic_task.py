"""A MIC file as an evaluation: its requests, its scores and the run's identity."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval import evaluation
from mmeval.cli import main
from mmeval.mic.task import CAPTION, SHORT
from mmeval.runs.run import open_run
from mmeval.spec import RunSpec
from mmeval.task import MIC_FACTS
from mmeval.task_loading import load_task
from mmeval.types import Image, InputError, Ref, Sample
from tests.evaluating import evaluate, rescore
from tests.mic.mic_folders import picture, put_lines


def write_examples(folder: Path) -> Path:
    """Two sources: short answers, one of them behind a demonstration and one a conversation; and captions."""
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        picture(folder / name, number)
    shot = {
        "id": "s",
        "images": ["b.png"],
        "turns": [{"ask": [{"image": 0}, "What is ", {"mention": 0}, "?"], "answer": "a cat"}],
    }
    look = [{"image": 0}, "Which color?"]
    lines = [
        {"id": "q1", "source": "vqa", "images": ["a.png"], "turns": [{"ask": look, "answer": "yes"}], "shots": [shot]},
        {
            "id": "q2",
            "source": "vqa",
            "images": ["b.png", "c.png"],
            "turns": [
                {"ask": [{"image": 0}, "Is it red?"], "answer": "no"},
                {"ask": [{"image": 1}, "As ", {"mention": 0}, "?"], "answer": "yes"},
            ],
        },
        {
            "id": "q3",
            "source": "coco",
            "images": ["c.png"],
            "turns": [{"ask": [{"image": 0}], "answer": "a dog sits on the grass"}],
        },
    ]
    put_lines(folder / "val.jsonl", lines)
    return folder / "val.jsonl"


def prompt_of(sample: Sample) -> tuple[Any, ...]:
    return tuple(Path(str(part.data)).name if isinstance(part, Image) else part for part in sample.prompt)


def test_turns_demonstrations_and_mentions_are_asked_as_they_stand(tmp_path: Path) -> None:
    file = write_examples(tmp_path)
    first, second, third, caption = load_task(f"mic:{file}").samples(str(file))
    assert (prompt_of(first), first.targets) == (("a.png", "Which color?"), ("yes",))
    assert [(shot.prompt[1:], shot.answer) for shot in first.shots] == [(("What is ", Ref(0), "?"), "a cat")]
    assert [second.id, third.id] == ["q2#1", "q2#2"]
    assert prompt_of(second) == ("b.png", "Is it red?")
    assert prompt_of(third) == ("b.png", "Is it red?", " no\n", "c.png", "As ", Ref(0), "?")  # what was said stays said
    assert (caption.category, caption.id) == ("coco", "q3")


def test_a_run_has_the_facts_in_its_identity_and_is_scored_without_the_file(tmp_path: Path) -> None:
    file = write_examples(tmp_path / "set")
    run = evaluate("constant:yes", f"mic:{file}", out=tmp_path / "run")
    assert run.identity["card"][MIC_FACTS] == {"vqa": SHORT, "coco": CAPTION}
    assert run.spec.task == "mic-set-val"
    assert not run.marks
    values = {name: metric.value for name, metric in run.results.metrics.items()}
    assert values["vqa"] == pytest.approx(200 / 3)
    assert values["coco"] == 0.0
    file.unlink()
    assert rescore(open_run(tmp_path / "run")).metrics == run.results.metrics


def test_another_question_is_another_run(tmp_path: Path) -> None:
    file = write_examples(tmp_path / "set")
    evaluate("constant:yes", f"mic:{file}", out=tmp_path / "run")
    file.write_text(file.read_text().replace("Which color?", "What color?"))
    os.utime(file, (1, 1))
    with pytest.raises(InputError, match="questions"):
        evaluate("constant:yes", f"mic:{file}", out=tmp_path / "run")


def test_captions_that_equal_theirs_have_full_marks(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    captions = ("a dog sits on the grass", "two men ride a white horse")
    lines = [{"id": text, "images": ["a.png"], "turns": [{"ask": [{"image": 0}], "answer": text}]} for text in captions]
    put_lines(tmp_path / "c.jsonl", lines)
    run = evaluate(f"constant:{captions[0]}", f"mic:{tmp_path / 'c.jsonl'}", out=tmp_path / "run")
    assert run.results.metrics["c"].value == pytest.approx(500)  # CIDEr's full marks are 1,000


def test_the_published_form(tmp_path: Path) -> None:
    picture(tmp_path / "data" / "a.jpg", 1)
    picture(tmp_path / "data" / "b.jpg", 2)
    text = "image 0 is <image0>图. What is image 0? a cat\nimage 1 is <image1>图. What is image 1?"
    row = {"input_text": text, "input_image": ["./data/a.jpg", "./data/b.jpg"], "output_text": "yes"}
    put_lines(tmp_path / "test.jsonl", [row])
    (sample,) = load_task(f"mic:{tmp_path / 'test.jsonl'}").samples(str(tmp_path / "test.jsonl"))
    assert prompt_of(sample) == ("a.jpg", "What is ", Ref(0), "? a cat\n", "b.jpg", "What is ", Ref(1), "?")
    assert (sample.targets, sample.category) == (("yes",), "test")
    put_lines(tmp_path / "test.jsonl", [{**row, "input_image": ["./data/a.jpg"]}])
    os.utime(tmp_path / "test.jsonl", (1, 1))
    with pytest.raises(InputError, match="line 1: fewer pictures than places"):
        evaluation.plan(RunSpec(f"mic:{tmp_path / 'test.jsonl'}", "constant:yes"))


def test_a_picture_inside_a_sentence_is_shown_before_its_line(tmp_path: Path) -> None:
    for number, name in enumerate(("a.png", "b.png")):
        picture(tmp_path / name, number)
    ask = [{"image": 0}, "One.\nUse the ", {"inline": 1}, " as an aid."]
    put_lines(tmp_path / "t.jsonl", [{"id": 1, "images": ["a.png", "b.png"], "turns": [{"ask": ask, "answer": "no"}]}])
    (sample,) = load_task(f"mic:{tmp_path / 't.jsonl'}").samples(str(tmp_path / "t.jsonl"))
    assert prompt_of(sample) == ("a.png", "One.\n", "b.png", "Use the ", Ref(1), " as an aid.")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("a.png", "../a.png"), "names a picture outside its folder"),
        (("c.png", "d.png"), "there is no picture"),
        (('"answer": "yes"', '"anser": "yes"'), "unknown key 'anser' in a turn (did you mean 'answer'?)"),
        (("q3", "q1"), "two samples have the id 'q1'"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    file = write_examples(tmp_path)
    file.write_text(file.read_text().replace(*change))
    result = CliRunner().invoke(main, ["run", "--task", f"mic:{file}", "--model", "constant:yes", "--dry-run"])
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_what_is_no_file_of_mic_is_refused(tmp_path: Path) -> None:
    file = write_examples(tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n")
    for task, data, sentence in (
        (f"mic:{tmp_path / 'empty.jsonl'}", None, "empty.jsonl: has no questions; name another file"),
        (f"mic:{tmp_path / 'x.jsonl'}", None, "name a .jsonl or .parquet file"),
        (f"mic:{tmp_path / 'a.png'}", None, "neither .jsonl nor .parquet"),
        (f"mic:{file}", "embedded", "no embedded suite"),
        (f"mic:{file}", str(tmp_path), "remove --data"),
    ):
        with pytest.raises(InputError, match=sentence):
            evaluation.plan(RunSpec(task, "constant:yes", data=data))
    with pytest.raises(InputError, match="bring their own demonstrations; remove --shots"):
        evaluation.plan(RunSpec(f"mic:{file}", "constant:yes", shots=2))
    with pytest.raises(InputError, match="the task 'mic-a-val' has no source; restore run"):
        load_task("mic-a-val", {MIC_FACTS: {}})


def test_the_command_line_shows_and_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_examples(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["tasks", f"mic:{file}"])
    assert result.exit_code == 0, result.output
    assert "coco, CIDEr" in result.output
    result = CliRunner().invoke(main, ["run", "--task", f"mic:{file}", "--model", "constant:no"])
    assert result.exit_code == 0, result.output
    run = tmp_path / "reports" / "mic-set-val-constant_no-val.jsonl"
    assert json.loads((run / "scores.json").read_text())["metrics"]["vqa"]["n"] == 3
    assert (run / "report.html").exists()
