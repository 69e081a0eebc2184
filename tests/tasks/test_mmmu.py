"""MMMU and MMMU-Pro on small folders in their real format, from the command line to the scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmeval.data import hub
from mmeval.task_loading import load_task
from mmeval.tasks.mmmu import DOMAIN_OF
from mmeval.types import SPARE, Image, InputError, Parts, Sample, images
from tests.tasks.small_folders import call, embedded, parquet, run, value

ANIMALS = "['a cat', \"a dog's tail\", 'a hen']"


def question(idx: str, **change: Any) -> dict[str, Any]:
    """A row of MMMU; its second picture is in no question unless a mark names it."""
    pictures = {f"image_{n}": embedded(n) if n < 3 else None for n in range(1, 8)}
    row = {"id": idx, "question": "What is in <image 1>?", "options": ANIMALS, "answer": "B", **pictures}
    return row | {"question_type": "multiple-choice", "subfield": "Zoology"} | change


def mmmu(folder: Path) -> None:
    tables = {
        "Biology": [
            question("validation_Biology_1"),
            question("validation_Biology_2", question="Which?", options="['<image 2>', '<image 1>']", answer="A"),
        ],
        "Art_Theory": [question("validation_Art_Theory_1", answer="A")],
        "Math": [
            question("validation_Math_3", question_type="open", options="[]", answer="['24/7', '3.429']"),
            question("validation_Math_4", question_type="open", options="[]", answer="-120"),
        ],
    }
    for subject, rows in tables.items():
        parquet(folder / subject / "validation-00000-of-00001.parquet", rows)
        parquet(folder / subject / "dev-00000-of-00001.parquet", [question(f"dev_{subject}_1")])


def pro(folder: Path) -> None:
    ten = str([f"number {n}" for n in range(10)])
    options = "[['A', 'B', 'Not enough information']]"
    rows = [
        question("test_History_1", options=ten, answer="J"),
        question("validation_Accounting_29", options=options, answer="B"),
    ]
    rows = [{name: cell for name, cell in row.items() if name not in ("question_type", "subfield")} for row in rows]
    parquet(folder / "standard (10 options)" / "test-00000-of-00001.parquet", rows)


def vision(folder: Path) -> None:
    rows = [
        {"id": f"test_{subject}_1", "image": embedded(n), "options": ANIMALS, "answer": "C", "subject": subject}
        for n, subject in enumerate(("Music", "Physics"))
    ]
    parquet(folder / "vision" / "test-00000-of-00001.parquet", rows)


def read(task: str, folder: Path) -> dict[str, Sample]:
    return {sample.id: sample for sample in load_task(task).samples(str(folder))}


def spelled(parts: Parts) -> str:
    """Write a prompt out, each picture as the number that `embedded` made it from."""
    numbers = {Image(embedded(n)["bytes"]).digest: n for n in range(9)}
    return "".join(f"[{numbers[part.digest]}]" if isinstance(part, Image) else str(part) for part in parts)


@pytest.mark.slow
def test_numbers_of_questions_domains_and_subjects(tmp_path: Path) -> None:
    mmmu(tmp_path / "data")
    scores = run("mmmu", tmp_path / "data", tmp_path / "run", "constant:B is -120")
    expected = {"overall": 40, "Science": 50, "Biology": 50, "Math": 50, "Art and Design": 0, "Art_Theory": 0}
    assert {name: value(scores, name) for name in expected} == pytest.approx(expected)
    assert value(scores, "Business") is None
    console = " ".join(call("score", tmp_path / "run").output.split())
    assert "No value: Business; Health and Medicine; Humanities and Social Science; Tech and Engineering;" in console
    chances = {name: scores.metrics[name].chance for name in ("overall", "Biology", "Art and Design")}
    assert chances == {"overall": None, "Biology": pytest.approx(125 / 3), "Art and Design": pytest.approx(100 / 3)}


def test_a_mark_names_the_picture_of_its_column(tmp_path: Path) -> None:
    mmmu(tmp_path)
    prompts, samples = load_task("mmmu").prompts, read("mmmu", tmp_path)
    assert spelled(prompts["direct"](samples["validation_Biology_2"])) == (
        "Which?\n(A) [2]\n(B) [1]\n\nAnswer with the option's letter from the given choices directly."
    )
    assert samples["validation_Biology_1"].tags == {SPARE: "1"}
    gap = question("dev_Art_1", question="Is it <image 3>?", image_1=None, image_2=None, image_3=embedded(5))
    parquet(tmp_path / "one.parquet", [gap])
    assert spelled(read("mmmu", tmp_path / "one.parquet")["dev_Art_1"].prompt) == "Is it [5]?"
    parquet(tmp_path / "one.parquet", [question("dev_Art_1", question="<image 1>, <image 30>?")])  # no such column
    assert spelled(read("mmmu", tmp_path / "one.parquet")["dev_Art_1"].prompt) == "[1], <image 30>?"


def test_pictures_without_marks_come_first(tmp_path: Path) -> None:
    parquet(tmp_path / "one.parquet", [question("dev_Art_1", question="Which is older?")])
    (sample,) = read("mmmu", tmp_path / "one.parquet").values()
    assert spelled(sample.prompt) == "[1][2]Which is older?"
    assert sample.tags == {}


def test_open_questions(tmp_path: Path) -> None:
    mmmu(tmp_path)
    samples = read("mmmu", tmp_path)
    assert samples["validation_Math_3"].targets == ("24/7", "3.429")
    prompts = {
        name: spelled(prompt(samples["validation_Math_4"])) for name, prompt in load_task("mmmu").prompts.items()
    }
    assert prompts == {
        "direct": "What is in [1]?\nAnswer the question using a single word or phrase.",
        "lmms-eval": "What is in [1]?\n\nAnswer the question using a single word or phrase.",
        "vlmevalkit": "Question: What is in [1]?\n",
    }


def test_withheld_answers_are_asked_and_not_scored(tmp_path: Path) -> None:
    rows = [
        question("test_Art_1", answer="?"),
        question("test_Art_2", answer="?", question_type="open", options="[]"),
    ]
    path = parquet(tmp_path / "test.parquet", rows)
    assert [sample.targets for sample in read("mmmu", path).values()] == [(), ()]
    scores = run("mmmu", path, tmp_path / "run")
    assert (scores.counts.samples, value(scores, "overall")) == (2, None)


def test_one_option_may_hold_all_and_is_never_right(tmp_path: Path) -> None:
    pro(tmp_path / "data")
    scores = run("mmmu-pro", tmp_path / "data", tmp_path / "run", "constant:hm")
    assert (value(scores, "History"), value(scores, "Accounting")) == (10.0, 0.0)
    assert scores.metrics["overall"].chance == pytest.approx(5)
    scores = run("mmmu-pro", tmp_path / "data", tmp_path / "again", "constant:So it is A.\nAnswer: J")
    assert value(scores, "overall") == 50.0


def test_the_prompts_of_pro(tmp_path: Path) -> None:
    pro(tmp_path)
    prompt = load_task("mmmu-pro").prompts["direct"](read("mmmu-pro", tmp_path)["validation_Accounting_29"])
    assert spelled(prompt) == (
        "What is in [1]?\nA. ['A', 'B', 'Not enough information']\n"
        "Answer with the option letter from the given choices directly."
    )


def test_a_question_in_a_picture(tmp_path: Path) -> None:
    vision(tmp_path / "data")
    sample = read("mmmu-pro-vision", tmp_path / "data")["test_Music_1"]
    prompt = load_task("mmmu-pro-vision").prompts["cot"](sample)
    assert isinstance(prompt[0], str)
    assert images(prompt) == prompt[1:]
    assert prompt[0].startswith("Write out the multiple-choice question in the image and then solve it. The last line")
    assert sample.choices[1] == ("a dog's tail",)
    scores = run("mmmu-pro-vision", tmp_path / "data", tmp_path / "run", "constant:I see a hen.\nAnswer: (C)")
    assert (value(scores, "overall"), value(scores, "Art and Design")) == (100.0, 100.0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": "validation_Biologie_1"}, r"names no subject \(did you mean 'Biology'\?\)"),
        ({"answer": "D"}, "the answer 'D' is not one of its options; fix it"),
        ({"options": "a, b"}, "the column options is 'a, b'; it must be a list of texts"),
        ({"question": "<image 3>?"}, "a mark stands for image_3, which is empty; fix the row"),
        ({"image_1": None, "image_2": None}, "no picture in image_1, image_2, ...; give the table"),
        (
            {"question_type": "multi-choice"},
            r"unknown question_type 'multi-choice' \(did you mean 'multiple-choice'\?\)",
        ),
    ],
)
def test_a_wrong_row_is_a_sentence(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    path = parquet(tmp_path / "one.parquet", [question("validation_Biology_1", **change)])
    with pytest.raises(InputError, match=rf"one\.parquet, row 1: .*{sentence}"):
        read("mmmu", path)


@pytest.mark.parametrize("name", ["mmmu", "mmmu-pro", "mmmu-pro-vision"])
def test_a_folder_without_the_files_is_a_sentence(name: str, tmp_path: Path) -> None:
    result = call("run", "--task", name, "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert ".parquet" in result.stderr


def test_on_the_hub_each_subject_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[str] = []

    def values(repo: str, revision: str, split: str, config: str) -> Iterator[tuple[dict[str, Any], str]]:
        requested.append(f"{repo} {config} {split}")
        yield question(f"validation_{config if config in DOMAIN_OF else 'Art'}_1"), f"{repo}, row 1"

    monkeypatch.setattr(hub, "values", values)
    assert [sample.category for sample in load_task("mmmu").samples("hub")] == list(DOMAIN_OF)
    assert (len(requested), requested[0]) == (30, "MMMU/MMMU Art validation")
    assert [sample.id for sample in load_task("mmmu-pro").samples("hub")] == ["validation_Art_1"]
    assert requested[-1] == "MMMU/MMMU_Pro standard (10 options) test"
