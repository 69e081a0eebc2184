"""RefSpatial-Bench, Where2Place and RoboSpatial-Home on small folders as published: points in masks and polygons."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmeval.scoring.readings.regions import packed, unpacked
from mmeval.task_loading import load_task
from mmeval.tasks.refspatial import REFSPATIAL, WHERE2PLACE
from mmeval.tasks.robospatial import ROBOSPATIAL
from mmeval.types import InputError, Record
from tests.tasks.small_folders import call, embedded, jsonl, parquet, picture, run, value

SUFFIX = "Your answer should be formatted as a list of tuples, i.e. [(x1, y1)]."
TABLES = {"location": 2, "placement": 1, "unseen": 1}


def mask(left: int, right: int, size: tuple[int, int] = (40, 20)) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a mask that is white in these columns, from top to bottom."""
    pixels = np.zeros(size[::-1], np.uint8)
    pixels[:, left:right] = 255
    return pixels


def encoded(pixels: np.ndarray[Any, np.dtype[np.uint8]], form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **({"quality": 95} if form == "JPEG" else {}))
    return out.getvalue()


def refspatial_bench(folder: Path) -> None:
    for split, count in TABLES.items():
        rows = [
            {
                "id": n,
                "image": {"bytes": encoded(mask(0, 1)), "path": None},
                "mask": {"bytes": encoded(mask(0, 20)), "path": None},
                "object": "the cup left of the lamp",
                "prompt": "Please point out the cup left of the lamp.",
                "suffix": SUFFIX,
                "step": 2,
            }
            for n in range(count)
        ]
        parquet(folder / "data" / f"{split}-00000-of-00001.parquet", rows)


def where2place(folder: Path) -> None:
    text = f"Find free space behind the mug. {SUFFIX}"
    jsonl(folder / "point_questions.jsonl", [{"question_id": n, "image": f"{n:02d}.jpg", "text": text} for n in (0, 1)])
    for n in (0, 1):
        picture(folder / "images" / f"{n:02d}.jpg", n)
        (folder / "masks").mkdir(exist_ok=True)
        (folder / "masks" / f"{n:02d}.jpg").write_bytes(encoded(mask(325 * n, 325 + 315 * n, (640, 480)), "JPEG"))


POLYGON = "[(0.1, 0.1), (0.5, 0.1), (0.5, 0.9), (0.1, 0.9)]"
QUESTIONS = [
    ("configuration", "Is the chair left of the table? Answer yes or no.", "yes"),
    ("configuration", "Is the lamp above the sofa? Answer yes or no.", "No"),
    ("compatibility", "Can the cup be placed on the shelf? Answer yes or no.", "no"),
    ("context", f"Pinpoint several points right of the bowl. {SUFFIX}", POLYGON),
]


def robospatial_home(folder: Path) -> None:
    for name in ("configuration", "compatibility", "context"):
        rows = [
            {
                "category": category,
                "question": question,
                "answer": answer,
                "img": embedded(n),
                "depth_image": embedded(n),
            }
            for n, (category, question, answer) in enumerate(QUESTIONS)
            if category == name
        ]
        parquet(folder / "data" / f"{name}-00000-of-00001.parquet", rows)


def test_refspatial_gives_the_share_of_points_in_the_mask(tmp_path: Path) -> None:
    refspatial_bench(tmp_path / "data")
    scores = run("refspatial-bench", tmp_path / "data", tmp_path / "run", "constant:[(0.1, 0.5), (0.9, 0.5)]")
    assert (value(scores, "overall"), value(scores, "mean"), value(scores, "unseen")) == (50.0, 50.0, 50.0)
    assert scores.metrics["overall"].chance == 50.0 and value(scores, "overall", "strict") == 50.0
    assert scores.baselines["constant"].answer == "the center"
    thousandths = run(
        "refspatial-bench", tmp_path / "data", tmp_path / "qwen", 'constant:[{"point_2d": [100, 500]}]', prompt="qwen"
    )
    assert (value(thousandths, "overall"), value(thousandths, "overall", "strict")) == (100.0, 100.0)


def test_refspatials_raw_folders_are_read_too(tmp_path: Path) -> None:
    refspatial_bench(tmp_path / "hub")
    for split, count in TABLES.items():
        folder = tmp_path / "raw" / split.capitalize()
        picture(folder / "image" / "0.png")
        (folder / "mask").mkdir()
        (folder / "mask" / "0.png").write_bytes(encoded(mask(0, 20)))
        facts = {"object": "a cup", "prompt": "Point.", "suffix": SUFFIX, "category": split, "step": 1}
        rows = [{"id": n, **facts, "rgb_path": "image/0.png", "mask_path": "mask/0.png"} for n in range(count)]
        (folder / "question.json").write_text(json.dumps(rows), encoding="utf-8")
    ids = [[sample.id for sample in load_task("refspatial-bench").samples(str(tmp_path / at))] for at in ("hub", "raw")]
    assert ids[0] == ids[1] == ["location/0", "location/1", "placement/0", "unseen/0"]


def test_where2place_counts_blurred_pixels_in_part(tmp_path: Path) -> None:
    where2place(tmp_path / "data")
    scores = run("where2place", tmp_path / "data", tmp_path / "run", "constant:[(0.25, 0.5), (0.1, 0.1)]")
    assert value(scores, "overall") == 50.0  # all points are in the first mask, and none in the second
    first, second = load_task("where2place").samples(str(tmp_path / "data"))
    pixels = unpacked(edge := Record("1", first.targets, tags=first.tags))
    y, x = (int(place[0]) for place in np.nonzero((pixels > 0) & (pixels < 255)))
    assert WHERE2PLACE.scorers["official"](replace(edge, text=f"({x}, {y})")).value == pixels[y, x] / 255
    assert second.targets != first.targets and first.prompt[-1] == f"Find free space behind the mug. {SUFFIX}"


@pytest.mark.parametrize(
    ("text", "refspatial", "where2place"),
    [
        ("(0.1, 0.5)", 1, 1),
        ("[0.1, 0.5]", 0, 0),  # only round brackets
        ("(10, 5)", 1, 1),  # whole numbers are pixels
        ("(0.1, 1)", 0, 0),  # with a decimal beside it, 1 is the lower edge
        ("(0.25, 0.25, 0.75, 0.75)", 0.5, 0.5),  # each pixel of a box is a point
        ("(0.25, 0.25, 0.75, 0.75), (0.1, 0.1), (0.1, 0.2, 0.3)", 0.5, 0.5),
        ("(0.75, 0.25, 0.25, 0.75)", None, 0),  # edges in the wrong order stop one script
        ("(160, 120, 480, 360)", 0, 0.5),  # pixels in one, in the other shares, all beyond the picture but one pixel
        ("(-100, 0, 639, 480)", 0, 0),  # counted from the right in one
        ("(0.0, 0.0, 1, 2.5)", 0.2, 0.5),  # below the picture only in one
        ("(0, 0.0, 1, 1.0)", 0.5, None),  # decimals after a whole number stop one script
        ("no point", 0, 0),
    ],
)  # fmt: skip
def test_points_and_boxes_are_read_as_in_each_script(
    text: str, refspatial: float | None, where2place: float | None
) -> None:
    tags = packed(mask(0, 320, (640, 480)))
    record = Record("1", ("x",), tags=tags, text=text)
    values = [task.scorers["official"](record).value for task in (REFSPATIAL, WHERE2PLACE)]
    expected = [value if value is None else pytest.approx(value, abs=0.01) for value in (refspatial, where2place)]
    assert values == expected


@pytest.mark.parametrize(
    ("reading", "text", "value"),
    [
        ("refspatial-bench", "[(0.1, 0.5), (0.9, 0.5)]", 0.5),
        ("refspatial-bench", "(100, 500)", 0),
        ("refspatial-bench", "(0.1, 0.5, 0.2, 0.6)", 0),
        ("thousandths", "[[100, 500], [200, 300]]", 1),
        ("thousandths", "(0.1, 0.5)", 0),
        ("thousandths", '[{"box_2d": [100, 100, 200, 200]}]', 0),
        ("thousandths", "100, 500", 1),
        ("pixels", "(4, 10)", 1),
        ("pixels", "(400, 10)", 0),
    ],
)
def test_strict_reads_the_coordinates_that_were_asked_for(reading: str, text: str, value: float) -> None:
    record = Record("1", ("x",), tags=packed(mask(0, 20)), text=text)
    assert REFSPATIAL.scorers_by_reading[reading]["strict"](record).value == value


def test_robospatial_is_the_mean_of_three_categories(tmp_path: Path) -> None:
    robospatial_home(tmp_path / "data")
    scores = run("robospatial-home", tmp_path / "data", tmp_path / "run", "constant:Yes: (0.3, 0.5), (0.9, 0.9)")
    values = {name: metric.value for name, metric in scores.metrics.items()}
    assert values == {
        "overall": 50, "configuration": 50, "compatibility": 0, "context": 100, "vqa": 25, "questions": 50,
    }  # fmt: skip
    assert scores.metrics["vqa"].chance == 50 and scores.metrics["overall"].chance is None
    assert value(scores, "context", "strict") == 50.0  # of all points
    in_json = run(
        "robospatial-home", tmp_path / "data", tmp_path / "json", 'constant:[{"point_2d": [300, 500]}]',
        prompt="vlmevalkit",
    )  # fmt: skip
    assert value(in_json, "context") == 100.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(0.9, 0.9) or (0.3, 0.5)", 0),  # the first
        ("[0.9, 0.9], then (0.3, 0.5)", 1),  # round brackets before square ones
        ("[.3, .5]", 1),
        ("[(3e-1, 5e-1)]", 1),
        ("[[3e-1, 5e-1]]", 0),  # the first list ends at the first bracket
        ("[('0.3', '0.5')]", 1),
        ("[(-0.3, 0.5)]", 0),
        ("[0.3m, 0.5m]", 0),
        ("0.3, 0.5", 0),
    ],
)
def test_robospatial_reads_one_point_as_its_script(text: str, value: int) -> None:
    with warnings.catch_warnings(action="error"):
        assert ROBOSPATIAL.scorers["official"](Record("1", (POLYGON,), text=text)).value == value


def test_robospatial_reads_the_beginning_of_a_word(tmp_path: Path) -> None:
    official = ROBOSPATIAL.scorers["official"]
    marks = [official(Record("1", ("no",), text=text)).value for text in ("No.", "nothing", "It is no", "")]
    assert marks == [1, 1, 0, 0]


def test_robospatials_own_file_is_read_too(tmp_path: Path) -> None:
    robospatial_home(tmp_path / "hub")
    rows = [
        {"category": category, "question": question, "answer": answer, "img": f"images/{n}.png"}
        for n, (category, question, answer) in enumerate(QUESTIONS)
    ]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "annotations.json").write_text(json.dumps(rows), encoding="utf-8")
    for n in range(len(rows)):
        picture(tmp_path / "own" / "images" / f"{n}.png", n)
    ids = [[sample.id for sample in load_task("robospatial-home").samples(str(tmp_path / at))] for at in ("hub", "own")]
    assert sorted(ids[0]) == sorted(ids[1]) and ids[0][-1] == "context/0"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("refspatial-bench", {"mask": {"bytes": encoded(mask(0, 0)), "path": None}}, "the mask is empty"),
        ("refspatial-bench", {"mask": None}, "0 pictures in the column mask, not 1"),
        ("robospatial-home", {"answer": "maybe"}, "the answer 'maybe' is neither yes, no nor a list of points; fix it"),
        ("robospatial-home", {"category": "contexts"}, "unknown category 'contexts' (did you mean 'context'?)"),
    ],
)
def test_a_damaged_table_is_a_sentence(tmp_path: Path, name: str, change: dict[str, Any], message: str) -> None:
    write, split = (refspatial_bench, "location") if name == "refspatial-bench" else (robospatial_home, "configuration")
    write(tmp_path)
    import pyarrow.parquet as pq

    path = tmp_path / "data" / f"{split}-00000-of-00001.parquet"
    parquet(path, [pq.read_table(path).to_pylist()[0] | change])
    result = call("run", "--task", name, "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in " ".join(result.output.split())


def test_a_missing_mask_is_a_sentence(tmp_path: Path) -> None:
    where2place(tmp_path)
    (tmp_path / "masks" / "01.jpg").unlink()
    result = call("run", "--task", "where2place", "--model", "constant", "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code == 2 and "01.jpg" in result.output


@pytest.mark.parametrize("damage", ["", "eA==", "no base64"])
def test_a_damaged_record_is_a_sentence(tmp_path: Path, damage: str) -> None:
    where2place(tmp_path)
    sample = next(load_task("where2place").samples(str(tmp_path)))
    record = Record("1", sample.targets, tags={**sample.tags, "mask": damage}, text="(1, 1)")
    with pytest.raises(InputError, match="record 1: its mask is"):
        WHERE2PLACE.scorers["official"](record)
