"""Benchmarks about space and visual reasoning: small folders as they are published, and numbers worked out by hand."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from mmeval.task_loading import load_task
from mmeval.types import Image, InputError, Record, images
from tests.mic.mic_folders import clip
from tests.tasks.small_folders import embedded, jsonl, parquet, picture, png, run, value


def vsi_bench(folder: Path) -> None:
    pytest.importorskip("av")
    row: dict[str, Any] = {"dataset": "arkitscenes", "scene_name": "41069025", "options": None, "pruned": False}
    options = ["A. left", "B. back", "C. right"]
    rows = [
        ("object_counting", "How many chairs are in this room?", "4", None),
        ("object_abs_distance", "How far is the sofa from the door (in meters)?", "2.0", None),
        ("object_rel_direction_easy", "Where is the table?", "A", ["A. left", "B. right"]),
        ("object_rel_direction_hard", "Where is the stove?", "B", options),
        ("object_rel_direction_hard", "Where is the door?", "C", options),
    ]
    names = ("question_type", "question", "ground_truth", "options")
    entries = [{"id": n, **row, **dict(zip(names, values, strict=True))} for n, values in enumerate(rows)]
    entries[-1] |= {"dataset": "scannetpp", "scene_name": "09c1414f1b"}
    jsonl(folder / "test.jsonl", entries)
    for entry in entries:
        clip(folder / entry["dataset"] / f"{entry['scene_name']}.mp4")


def embspatial_bench(folder: Path) -> None:
    rows = [
        ("mp3d_57", "close", "Which object is nearest?", ["door", "cabinet", "table", "cart"], 2),
        ("mp3d_58", "close", "Which object is nearest?", ["bed", "lamp", "rug", "shelf"], 1),
        ("ai2thor_799", "under", "How are they placed?", ["Next to it.", "Beneath it.", "On it.", "In it."], 1),
    ]
    names = ("question_id", "relation", "question", "answer_options", "answer")
    entries = [dict(zip(names, row, strict=True)) for row in rows]
    encoded = [base64.b64encode(png(n)).decode() for n in range(len(rows))]
    folder.mkdir(parents=True, exist_ok=True)
    content = [
        {"data_source": "mp3d", "scene_id": "Y", **row, "image": image}
        for row, image in zip(entries, encoded, strict=True)
    ]
    (folder / "embspatial_bench.json").write_text(json.dumps(content), encoding="utf-8")


def erqa(folder: Path) -> None:
    moves = "If the gripper moves, what happens? Choices: A. It opens. B. It closes. C. It turns. D. Nothing."
    views = "Look: and now: which view is it? Choices: A. 1. B. 2. C. 3. D. None. Please answer directly."
    rows = [
        ("Trajectory Reasoning", moves, "B", [0], 1),
        ("Multi-view Reasoning", views, "B", [14, 5], 2),
        ("Multi-view Reasoning", views, "D", [], 2),
        ("Pointing", moves, "A", [0, 0, 500], 3),
    ]
    names = ("question_type", "question", "answer", "visual_indices")
    entries = [
        {"question_id": f"ERQA_{n}", **dict(zip(names, row, strict=False)), "images": [*map(embedded, range(row[-1]))]}
        for n, row in enumerate(rows)
    ]
    parquet(folder / "data" / "test-00000-of-00001.parquet", entries)


def vlms_are_blind(folder: Path) -> None:
    braces = "Answer with a number in curly brackets, e.g., {5}."
    rows = [
        ("Line Plot Intersections", f"How many times do the lines touch? {braces}", "2"),
        ("Touching Circles", "Are the two circles overlapping? Answer with Yes/No.", "No"),
        ("Circled Letter", "Which letter is circled? Answer in curly brackets, e.g. {a}.", "t"),
        ("Olympic Counting - Circles", "How many circles are in the image? Answer with only the number.", "6"),
        ("Counting Grid - Blank Grids", "Count the rows and columns, for example, rows={5} columns={6}", "3,4"),
        ("Counting Grid - Word Grids", "How many rows and columns? Answer with a pair, e.g., (5,6)", "4,4"),
        ("Counting Grid - Word Grids", "How many rows and columns? Answer with a pair, e.g., (5,6)", "4,3"),
    ]
    entries = [dict(zip(("task", "prompt", "groundtruth"), row, strict=True)) for row in rows]
    content = [{**row, "image": embedded(n), "metadata": "{}"} for n, row in enumerate(entries)]
    parquet(folder / "data" / "valid-00000-of-00001.parquet", content)


def visulogic(folder: Path) -> None:
    question = "Choose the option that continues the series.\nA: A\nB: B\nC: C\nD: D"
    tags = ("Spatial Reasoning", "Spatial Reasoning", "Other")
    rows = [
        {"image_path": f"images/0000{n}.png", "question": question, "label": "ABB"[n], "id": f"0000{n}", "tag": tag}
        for n, tag in enumerate(tags)
    ]
    jsonl(folder / "data.jsonl", rows)
    for n, row in enumerate(rows):
        picture(folder / row["image_path"], n)


def seed_bench_2_plus(folder: Path) -> None:
    options = {f"choice_{letter}": text for letter, text in zip("ABCD", ("80", "950", "20", "8,950"), strict=True)}
    rows = [
        {"question_id": str(n), "question": "How many?", **options, "answer": answer, "question_image_type": kind}
        for n, (answer, kind) in enumerate([("D", "chart"), ("A", "chart"), ("D", "map")])
    ]
    entries = [{**row, "image": embedded(n), "data_id": f"text_rich/{n}.png"} for n, row in enumerate(rows)]
    parquet(folder / "data" / "test-00000-of-00001.parquet", entries)


def visual_puzzles(folder: Path) -> None:
    rows = [
        ("spatial", "Which cube can be folded? ", None, "B"),
        ("spatial", "Which piece is missing?", None, "C"),
        ("deductive", "Who is to be believed?", ["Ann", "Bo", "Anna", "none of them"], "D"),
    ]
    names = ("category", "question", "options", "answer")
    entries = [{"id": f"{n}", **dict(zip(names, row, strict=True)), "image": embedded(n)} for n, row in enumerate(rows)]
    parquet(folder / "data.parquet", entries)


@pytest.mark.parametrize(
    ("answer", "official", "strict"),
    [
        # the mean of what was asked: number, distance, and direction, which is the mean of its two levels
        ("3", {"overall": (60 + 10) / 3, "object_counting": 60, "object_abs_distance": 10}, (60 + 10) / 3),
        ("3 m", {"overall": (60 + 10) / 3}, (60 + 10) / 3),
        ("b.", {"overall": 25 / 3, "object_rel_direction": 25, "object_rel_direction_hard": 50}, 25 / 3),
        ("(A)", {"overall": 0.0, "object_rel_direction_easy": 0.0}, 50 / 3),
        ("It is 3.", {"overall": 0.0}, (60 + 10) / 3),
    ],
)
def test_vsi_bench_by_hand(answer: str, official: dict[str, float], strict: float, tmp_path: Path) -> None:
    vsi_bench(tmp_path / "data")
    scores = run("vsi-bench", tmp_path / "data", tmp_path / "run", f"constant:{answer}", frames=2)
    assert {metric: value(scores, metric) for metric in official} == pytest.approx(official)
    assert value(scores, "overall", "strict") == pytest.approx(strict)
    assert value(scores, "room_size_estimation") is None


def test_vsi_bench_without_directions(tmp_path: Path) -> None:
    vsi_bench(tmp_path)
    path = tmp_path / "test.jsonl"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:2]), encoding="utf-8")
    scores = run("vsi-bench", tmp_path, tmp_path / "run", "constant:3", frames=2)
    assert (value(scores, "overall"), value(scores, "object_rel_direction")) == (35.0, None)


def test_vsi_bench_has_the_scripts_frames() -> None:
    task = load_task("vsi-bench")
    assert (task.frames, task.sampler) == (32, "ends")


def test_erqa_by_hand(tmp_path: Path) -> None:
    erqa(tmp_path / "data")
    scores = run("erqa", tmp_path / "data", tmp_path / "run", "constant:b.")
    expected = {
        "overall": 50,
        "one_picture": 100,
        "several_pictures": 100 / 3,
        "Multi-view Reasoning": 50,
        "Pointing": 0,
    }
    assert {metric: value(scores, metric) for metric in expected} == pytest.approx(expected)
    assert scores.metrics["overall"].chance == 25
    scores = run("erqa", tmp_path / "data", tmp_path / "longer", "constant:The answer is B.")
    assert (value(scores, "overall"), value(scores, "overall", "strict")) == (0.0, 50.0)


def test_erqa_has_its_pictures_between_the_words(tmp_path: Path) -> None:
    erqa(tmp_path)
    task = load_task("erqa")
    _, second, third, fourth = task.samples(str(tmp_path))
    first, earlier_image, middle, later_image, rest = second.prompt
    assert (first, middle, str(rest)[:6]) == ("Look:", " and now:", " which")
    assert [image.digest for image in (earlier_image, later_image) if isinstance(image, Image)] == [
        image.digest for image in reversed(images(third.prompt))
    ]  # the first picture of the row is the second in the question
    assert [isinstance(part, Image) for part in third.prompt] == [True, True, False]
    assert [isinstance(part, Image) for part in fourth.prompt] == [True, True, True, False]
    flat = task.prompts["lmms-eval"](second)
    assert [isinstance(part, Image) for part in flat] == [True, True, False] and flat[-1] == third.prompt[-1]


@pytest.mark.parametrize("places", [[1.5], [-1], ["1"]])
def test_erqa_places_that_are_invalid(places: list[object], tmp_path: Path) -> None:
    row = {"question_id": "1", "question": "Which?", "question_type": "Other", "answer": "A", "visual_indices": places}
    parquet(tmp_path / "data" / "test-00000-of-00001.parquet", [{**row, "images": [embedded(0)]}])
    with pytest.raises(InputError, match=r"row 1: the column visual_indices is \[.*\]; it must be a list of places"):
        list(load_task("erqa").samples(str(tmp_path)))


BLIND = [
    # task, answer, key, and whether VLMEvalKit, lmms-eval and strict find it right
    ("Nested Squares", "There are {4} squares", "4", (1, 1, 1)),
    ("Nested Squares", "Of 9 lines, {4} squares", "4", (1, 0, 1)),
    ("Nested Squares", "<think>{5}</think> {4}", "4", (0, 0, 1)),
    ("Nested Squares", "{4} or {5}", "4", (1, 1, 0)),
    ("Nested Squares", "4", "4", (0, 1, 1)),
    ("Nested Squares", "\\boxed{4}", "4", (1, 1, 1)),
    ("Subway Connections", "{ 4 }", "4", (0, 1, 1)),
    ("Circled Letter", "{t}", "t", (1, 1, 1)),
    ("Circled Letter", "{T}", "t", (0, 1, 1)),
    ("Circled Letter", "It is {t}", "i", (0, 1, 0)),  # its first letter
    ("Circled Letter", "A circle is around {t}.", "t", (1, 0, 1)),
    ("Circled Letter", 'The letter "t" is circled.', "t", (0, 1, 1)),
    ("Circled Letter", "The circled letter is t.", "t", (0, 1, 1)),
    ("Circled Letter", "I see a word", "a", (0, 0, 0)),
    ("Circled Letter", "{t} or {a}", "t", (1, 1, 0)),
    ("Olympic Counting - Pentagons", "16 pentagons", "6", (1, 0, 0)),  # a part of 16
    ("Touching Circles", "No.", "No", (1, 0, 1)),
    ("Touching Circles", "I cannot tell", "No", (1, 0, 0)),  # a part of "cannot"
    ("Touching Circles", "yes", "No", (0, 0, 0)),
    ("Counting Grid - Blank Grids", "rows={3} columns={4}", "3,4", (1, 1, 1)),
    ("Counting Grid - Blank Grids", "Rows: {3}, Columns: {4}", "3,4", (1, 0, 1)),
    ("Counting Grid - Blank Grids", "{3}{4}", "3,4", (0, 1, 1)),
    ("Counting Grid - Blank Grids", "{3} {4}", "3,4", (0, 1, 1)),
    ("Counting Grid - Blank Grids", "(3 , 4)", "3,4", (0, 1, 1)),
    ("Counting Grid - Word Grids", "rows={4} columns={3}, or (3,4)", "3,4", (0, 1, 0)),
    ("Counting Grid - Word Grids", "4 columns and 3 rows", "3,4", (0, 0, 1)),
    ("Counting Grid - Word Grids", "columns={3} rows={4}", "3,4", (0, 0, 0)),
    ("Counting Grid - Word Grids", "Three rows and four columns: (3, 4)", "3,4", (1, 1, 1)),
    ("Counting Grid - Word Grids", "(3, 4) rows", "3,4", (1, 1, 0)),
    ("Counting Grid - Word Grids", "", "3,4", (0, 0, 0)),
]


@pytest.mark.parametrize(("task", "text", "key", "expected"), BLIND)
def test_vlms_are_blind_is_read_as_by_either_harness(
    task: str, text: str, key: str, expected: tuple[float, float, float]
) -> None:
    benchmark = load_task("vlms-are-blind")
    record = Record("1", (key,), task, text=text)
    scorers = (benchmark.readings["vlmevalkit"], benchmark.readings["lmms-eval"], benchmark.scorers["strict"])
    assert tuple(score(record).value for score in scorers) == expected


def test_vlms_are_blind_a_long_answer_without_braces_is_read_at_once() -> None:
    score, start = load_task("vlms-are-blind").scorers["official"], time.perf_counter()
    assert score(Record("1", ("3,4",), "Counting Grid - Blank Grids", text="row " * 20_000)).outcome == "unparsed"
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("task", ["Touching Circles", "Circled Letter", "Counting Grid - Word Grids"])
def test_vlms_are_blind_an_empty_answer_is_unparsed(task: str) -> None:
    benchmark, record = load_task("vlms-are-blind"), Record("1", ("3,4",), task, text="")
    assert {score(record).outcome for score in (*benchmark.readings.values(), *benchmark.scorers.values())} == {
        "unparsed"
    }


def test_vlms_are_blind_by_hand(tmp_path: Path) -> None:
    vlms_are_blind(tmp_path / "data")
    scores = run("vlms-are-blind", tmp_path / "data", tmp_path / "run", "constant:(4, 4), {2}, 6 or no")
    expected = {"Counting Grid": 100 / 3, "Line Plot Intersections": 100, "Circled Letter": 0, "Touching Circles": 100}
    expected |= {"overall": (100 / 3 + 300) / 5, "questions": 400 / 7}
    assert {metric: value(scores, metric) for metric in expected} == pytest.approx(expected)
    assert value(scores, "Subway Connections") is None
    lmms_eval = run("vlms-are-blind", tmp_path / "data", tmp_path / "other", "constant:no", prompt="lmms-eval")
    assert any("Answers were read with 'lmms-eval'" in remark for remark in lmms_eval.remarks)
    assert value(lmms_eval, "overall") == 20  # only the circles: n is no letter that is right


def test_visual_puzzles_by_hand(tmp_path: Path) -> None:
    visual_puzzles(tmp_path / "data")
    scores = run("visual-puzzles", tmp_path / "data", tmp_path / "run", "constant:none of them")
    expected = {"overall": (25 + 25 + 100) / 3, "spatial": 25, "deductive": 100}  # the first two are drawn there
    assert {metric: value(scores, metric) for metric in expected} == pytest.approx(expected)
    assert value(scores, "overall", "strict") == pytest.approx(100 / 3) and value(scores, "inductive") is None


PEOPLE = ("Ann", "Bo", "Anna", "none")


@pytest.mark.parametrize(
    ("text", "options", "letter"),
    [
        ("(A) is wrong. Answer: (b)", PEOPLE, "B"),
        ("Answer: Bo\nFinal Answer: C", PEOPLE, "B"),  # what is not after "Final" counts first
        ("Answer: Anna, not (C)", PEOPLE, "A"),  # her first letter
        ("Final Answer: C", PEOPLE, "C"),
        ("(A) or (B), so {C}", PEOPLE, "B"),
        ("It is \\boxed{C}", PEOPLE, "C"),
        ("It is d. Really", PEOPLE, "D"),
        ("b", PEOPLE, "B"),
        ("Both", PEOPLE, "B"),
        ("None", PEOPLE, None),
        ("It is Anna", PEOPLE, "A"),  # "Ann" begins as late
        ("Bo, then Ann", PEOPLE, "A"),
        ("Bo, then Ann", tuple("ABCD"), None),
    ],
)
def test_visual_puzzles_is_read_as_by_its_script(text: str, options: tuple[str, ...], letter: str | None) -> None:
    record = Record("1", ("A",), "spatial", choices=options, text=text)
    assert load_task("visual-puzzles").scorers["official"](record).answer == letter


def test_visual_puzzles_with_three_options(tmp_path: Path) -> None:
    row = {"id": "1", "question": "Who?", "options": ["a", "b", "c"], "answer": "A", "category": "spatial"}
    parquet(tmp_path / "data.parquet", [{**row, "image": embedded(0)}])
    with pytest.raises(InputError, match="a question must have 4 options, or none; this one has 3"):
        list(load_task("visual-puzzles").samples(str(tmp_path)))
