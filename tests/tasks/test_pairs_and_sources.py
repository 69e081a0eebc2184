"""MMVP, CV-Bench, MME-RealWorld and MathVista: small folders as they are published, and their scripts' rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mmeval.data import tables
from mmeval.task_loading import load_task
from mmeval.types import Image, InputError, Record
from tests.evaluating import results
from tests.tasks.small_folders import call, embedded, parquet, picture, run, value


def mmvp(folder: Path, head: str = "lndex") -> None:
    lines = [
        f"{head},Question,Options,Correct Answer",
        "1,Is the door open?,(a) Open (b) Closed,(a)",
        "2,Is the door open?,(a) Open (b) Closed,(b)",
        '3,"Where, from here, is it?",(a) On the left (b) On the right,(a)',
        '4,"Where, from here, is it?",(a) On the left (b) On the right,(b)',
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Questions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number in range(1, 5):
        picture(folder / "MMVP Images" / f"{number}.jpg", number)


def cv_bench(folder: Path) -> None:
    rows = [
        # type, task, source, the right letter
        ("2D", "Count", "ADE20K", "A"),
        ("2D", "Relation", "ADE20K", "A"),
        ("2D", "Count", "COCO", "A"),
        ("2D", "Count", "COCO", "B"),
        ("3D", "Depth", "Omni3D", "B"),
        ("3D", "Distance", "Omni3D", "B"),
        ("3D", "Distance", "Omni3D", "B"),
        ("3D", "Distance", "Omni3D", "A"),
    ]
    for form in ("2D", "3D"):
        entries = [
            {
                "idx": n,
                "type": form,
                "task": task,
                "image": embedded(n),
                "question": "Which is it?",
                "choices": ["this", "that"],
                "answer": f"({answer})",
                "prompt": "Which is it? Select from the following choices.\n(A) this\n(B) that",
                "filename": f"img/{form}/{n}.png",
                "source": source,
            }
            for n, (dimensions, task, source, answer) in enumerate(rows)
            if dimensions == form
        ]
        parquet(folder / f"test_{form.lower()}.parquet", entries)


def mme_realworld(folder: Path, name: str = "MME_RealWorld.json") -> None:
    rows = [
        # level, domain, the right letter
        ("Perception", "Autonomous_Driving", "D"),
        ("Perception", "Diagram and Table", "B"),
        ("Reasoning", "Diagram and Table", "B"),
        ("Reasoning", "Monitoring", "A"),
    ]
    texts = ("(A) 458", "(B) 457", "(C) 456", "(D) 455", "(E) The image does not feature the data.")
    entries = [
        {
            "Question_id": f"{level}/{domain}/0000",
            "Image": f"pictures/{n}.jpg",
            "Text": "What is the value in the table?",
            "Question Type": "Multiple Choice",
            "Answer choices": texts,
            "Ground truth": answer,
            "Category": "diagram",
            "Subtask": domain,
            "Task": level,
        }
        for n, (level, domain, answer) in enumerate(rows)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(entries), encoding="utf-8")
    for n in range(4):
        picture(folder / "pictures" / f"{n}.jpg", n)


def mme_realworld_cn(folder: Path) -> None:
    mme_realworld(folder, "MME_RealWorld_CN.json")
    table = folder / "MME_RealWorld_CN.json"
    text = table.read_text(encoding="utf-8").replace("What is the value in the table?", "表中的数值是多少？")
    table.write_text(text.replace("(A) 458", "（A）458"), encoding="utf-8")


def mathvista(folder: Path) -> None:
    hint = "Hint: Please answer the question"
    rows: list[tuple[str, list[str], str, str, int | None]] = [
        (f"{hint} and provide the letter.\nQuestion: Which?", ["9", "18", "12 ", "18"], "18", "text", None),
        (f"{hint} requiring an integer.\nQuestion: How many?", [], "18", "integer", None),
        (f"{hint} with two decimal places.\nQuestion: How long?", [], "1.26", "float", 2),
        (f"{hint} requiring a list.\nQuestion: Which years?", [], "[2014, 2016]", "list", None),
    ]
    entries = [
        {
            "pid": str(n),
            "question": query.partition("Question: ")[2],
            "image": f"images/{n}.jpg",
            "decoded_image": embedded(n),
            "choices": options or None,
            "unit": None,
            "precision": precision,
            "answer": answer,
            "question_type": "multi_choice" if options else "free_form",
            "answer_type": kind,
            "metadata": {"task": "math word problem", "skills": ["arithmetic reasoning"]},
            "query": query,
        }
        for n, (query, options, answer, kind, precision) in enumerate(rows)
    ]
    parquet(folder / "data" / "testmini-00000-of-00001.parquet", entries)


@pytest.mark.parametrize("head", ["lndex", "Index"])
def test_both_questions_of_a_pair_must_be_right(head: str, tmp_path: Path) -> None:
    mmvp(tmp_path / "data", head)
    scores = run("mmvp", tmp_path / "data", tmp_path / "run", "constant:Open.")
    assert (value(scores, "overall"), value(scores, "pairs")) == (25.0, 0.0)
    assert scores.metrics["pairs"].chance == 25.0
    task = load_task("mmvp")
    answers = {"1": "A", "2": "(b)", "3": "answer: A", "4": "On the left"}
    records = [
        Record(s.id, s.targets, groups=s.groups, choices=tuple(str(o) for (o,) in s.choices), text=answers[s.id])
        for s in task.samples(str(tmp_path / "data"))
    ]
    numbers = results(task, records).metrics
    assert {name: number.value for name, number in numbers.items()} == {"pairs": 50.0, "overall": 75.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", 1.0),
        ("(b).", 1.0),
        ("It is shut, so the answer is closed.", 1.0),
        ("Answer: B:", 1.0),
        ("(b) Closed", 0.0),  # neither the letter nor the option
        ("The answer is: B", 0.0),  # ": b"
        ("", 0.0),
    ],
)
def test_mmvp_reads_a_letter_or_a_whole_option(text: str, expected: float) -> None:
    record = Record("1", ("B",), choices=("Open", "Closed"), text=text)
    assert load_task("mmvp").scorers["official"](record).value == expected


def test_a_row_that_is_no_pictures_number_is_a_sentence(tmp_path: Path) -> None:
    mmvp(tmp_path)
    table = tmp_path / "Questions.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("4,", "x,"), encoding="utf-8")
    with pytest.raises(InputError, match=r"Questions\.csv.*the lndex is 'x'; it must be the number of a picture"):
        list(load_task("mmvp").samples(str(tmp_path)))
    mmvp(tmp_path)
    table.write_text(table.read_text(encoding="utf-8").replace("Closed,(b)", "Closed,(c)"), encoding="utf-8")
    with pytest.raises(InputError, match="the answer 'C' is not one of its options"):
        list(load_task("mmvp").samples(str(tmp_path)))
    result = call("run", "--task", "mmvp", "--model", "constant", "--data", "hub", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "get them from https://huggingface.co/datasets/MMVP/MMVP" in " ".join(result.output.split())


def test_2d_and_3d_weigh_the_same_and_so_do_the_sources_of_2d(tmp_path: Path) -> None:
    cv_bench(tmp_path / "data")
    scores = run("cv-bench", tmp_path / "data", tmp_path / "run", "constant:(A) this")
    expected = {"ADE20K": 100, "COCO": 50, "2D": 75, "3D": 25, "overall": 50, "Count": 200 / 3, "Distance": 100 / 3}
    assert {name: value(scores, name) for name in expected} == pytest.approx(expected)
    assert scores.metrics["overall"].chance == 50.0
    (first, *_) = load_task("cv-bench").samples(str(tmp_path / "data"))
    assert isinstance(first.prompt[0], Image)
    (tmp_path / "data" / "test_3d.parquet").unlink()
    scores = run("cv-bench", tmp_path / "data", tmp_path / "half", "constant:A")
    assert (value(scores, "2D"), value(scores, "overall")) == (75.0, None)
    assert scores.metrics["overall"].reason == "no value for 3D"


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("ADE20K", "B", 1.0),
        ("ADE20K", "(b) two", 1.0),
        ("COCO", "Both", 1.0),  # its first letter
        ("COCO", "The answer is (B).", 1.0),
        ("COCO", "The correct answer is: B", 0.0),  # ": b"
        ("COCO", "Two", 0.0),
        ("Omni3D", "2", 1.0),  # all of the option
        ("COCO", "2", 0.0),
        ("Omni3D", "", 0.0),
    ],
)
def test_cv_bench_reads_the_first_character(source: str, text: str, expected: float) -> None:
    record = Record("1", ("B",), tags={"source": source}, choices=("1", "2"), text=text)
    assert load_task("cv-bench").scorers["official"](record).value == expected


def test_a_row_of_another_source_is_a_sentence(tmp_path: Path) -> None:
    row = {"idx": 0, "type": "2D", "task": "Count", "source": "Coco", "choices": ["1", "2"], "answer": "(A)"}
    parquet(tmp_path / "test_2d.parquet", [{**row, "image": embedded(0), "prompt": "How many?"}])
    with pytest.raises(InputError, match=r"unknown source 'Coco'.*COCO"):
        list(load_task("cv-bench").samples(str(tmp_path)))


def test_mme_realworlds_levels_and_domains(tmp_path: Path) -> None:
    mme_realworld(tmp_path / "data")
    scores = run("mme-realworld", tmp_path / "data", tmp_path / "run", "constant:B")
    expected = {"overall": 50, "Perception": 50, "Reasoning": 50, "Perception/Diagram and Table": 100}
    assert {name: value(scores, name) for name in expected} == expected
    assert scores.metrics["overall"].chance == 20.0
    assert value(scores, "Perception/Monitoring") is None
    table = tmp_path / "data" / "MME_RealWorld.json"
    table.write_text(table.read_text(encoding="utf-8").replace("Reasoning/Monitoring/", "Reasoning/Diagram and Table/"))
    names = [sample.id for sample in load_task("mme-realworld").samples(str(tmp_path / "data"))]
    assert names[2:] == ["Reasoning/Diagram and Table/0000", "Reasoning/Diagram and Table/0000 (row 4)"]
    table.write_text(table.read_text(encoding="utf-8").replace('"Monitoring"', '"Monitors"'))
    with pytest.raises(InputError, match=r"unknown task 'Reasoning/Monitors' \(did you mean 'Reasoning/Monitoring'"):
        list(load_task("mme-realworld").samples(str(tmp_path / "data")))


def test_the_chinese_half_is_a_task_of_its_own(tmp_path: Path) -> None:
    mme_realworld_cn(tmp_path / "data")
    scores = run("mme-realworld-cn", tmp_path / "data", tmp_path / "run", "constant:最佳答案为：B")
    assert (value(scores, "overall"), value(scores, "Perception/Diagram and Table")) == (50, 100)
    first = next(iter(load_task("mme-realworld-cn").samples(str(tmp_path / "data"))))
    assert first.choices[0] == ("458",)  # without its letter, in brackets of full width
    with pytest.raises(InputError, match=r"MME_RealWorld\.json"):
        list(load_task("mme-realworld").samples(str(tmp_path / "data")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", 1.0),
        ("The best answer is (B).", 1.0),
        ("457", 1.0),  # in option B and in no earlier one
        ("b", 1.0),  # the first option with a b in it
        ("The correct option is: B", 1.0),
        ("Based on the table, A", 1.0),  # its first capital
        ("It is B or Actually A", 1.0),
        ("DB", 0.0),
        ("", 0.0),  # A
        ("it says that the value in question is 457 in this table", 0.0),  # more than ten words
    ],
)
def test_mme_realworld_reads_the_first_capital(text: str, expected: float) -> None:
    options = ("458", "457", "456")
    tags = {letter: f"({letter}) {option}" for letter, option in zip("ABC", options, strict=True)}
    record = Record("1", ("B",), tags=tags, choices=options, text=text)
    assert load_task("mme-realworld").scorers["official"](record).value == expected


def test_mathvista_is_scored_strictly_and_says_that_no_judge_was_asked(tmp_path: Path) -> None:
    mathvista(tmp_path / "data")
    scores = run("mathvista", tmp_path / "data", tmp_path / "run", "constant:The answer is 18.")
    assert (value(scores, "overall"), value(scores, "math word problem")) == (50.0, 50.0)
    assert any("Officially a language model judges every answer" in remark for remark in scores.remarks)
    first, *_ = load_task("mathvista").samples(str(tmp_path / "data"))
    assert first.targets == ("B", "D")  # options that are equal are both right


@pytest.mark.parametrize(
    ("kind", "key", "text", "expected"),
    [
        ("integer", "18", "18", 1.0),
        ("integer", "18", "18.0", 1.0),
        ("integer", "18", "There are 20 apples and 2 are gone. So the answer is 18 apples.", 1.0),
        ("integer", "18", "There are 20 apples, 2 are gone, 18 are left.", 0.0),  # no number is declared
        ("integer", "18", "The answer is not 18.", 0.0),
        ("integer", "2", "I'm sorry, but I cannot tell the age of the 2 people.", 0.0),
        ("float", "1.26", "1.2587", 1.0),
        ("float", "1.26", "1.2", 0.0),
        ("float", "1.26", "1,2587 m", 1.0),
        ("list", "[2014, 2016]", "[2014, 2016]", 1.0),
        ("list", "[2014, 2016]", "2014", 0.0),
    ],
)
def test_mathvistas_numbers_have_the_questions_precision(kind: str, key: str, text: str, expected: float) -> None:
    record = Record("1", (key,), tags={"answer_type": kind, "precision": "2.0" if kind == "float" else ""}, text=text)
    assert load_task("mathvista").scorers["strict"](record).value == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answer": "eighteen"}, "row 2: the answer 'eighteen' is not of the type integer"),
        ({"answer_type": "float", "precision": None}, "row 2: the precision is ''"),
        ({"answer_type": "int"}, "row 2: unknown answer_type 'int'"),
    ],
)
def test_a_number_that_mathvista_cannot_compare_is_a_sentence(
    change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    mathvista(tmp_path)
    (table,) = (tmp_path / "data").iterdir()
    rows = [line.values for line in tables.of_file(table, tmp_path)]
    parquet(table, [{**row, **(change if n == 1 else {})} for n, row in enumerate(rows)])
    with pytest.raises(InputError, match=sentence):
        list(load_task("mathvista").samples(str(tmp_path)))
