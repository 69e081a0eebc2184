"""Boxes and points in answers: read in the coordinates asked for, and as the public scripts read them."""

from __future__ import annotations

import json
import time

import pytest

from mmeval.scoring.readings import boxes
from mmeval.scoring.readings.overlap import iou
from mmeval.task_loading import load_task
from mmeval.types import InputError, Record

SIZE = (1000, 500)


@pytest.mark.parametrize(
    ("text", "system", "box"),
    [
        ("[0.1, 0.2, 0.3, 0.4]", "unit", (0.1, 0.2, 0.3, 0.4)),
        ("The dog is at (.1 .2 .3 .4).", "unit", (0.1, 0.2, 0.3, 0.4)),
        ('```json\n[{"bbox_2d": [100, 200, 300, 400], "label": "dog 2"}]\n```', "thousandths", (0.1, 0.2, 0.3, 0.4)),
        ("<ref>the dog</ref><box>(100,200),(300,400)</box>", "thousandths", (0.1, 0.2, 0.3, 0.4)),
        ("<ref>the dog</ref><box>[[100, 200, 300, 400]]</box>", "thousandths", (0.1, 0.2, 0.3, 0.4)),
        ("<|box_start|>(100,200),(300,400)<|box_end|>", "pixels", (0.1, 0.4, 0.3, 0.8)),
        ("from (100, 100) to (300, 200)", "pixels", (0.1, 0.2, 0.3, 0.4)),
        ('{"x1": 10, "y1": 20, "x2": 30, "y2": 40}', "percent", (0.1, 0.2, 0.3, 0.4)),
        ("Top-left corner: (100, 100)\n- Bottom-right corner: (300, 200)", "pixels", (0.1, 0.2, 0.3, 0.4)),
        ("x_min = 100, y_min = 100, x_max = 300, y_max = 200", "pixels", (0.1, 0.2, 0.3, 0.4)),
        ("<|ref|>dog<|/ref|><|det|>[[100, 200, 300, 400]]<|/det|>", "thousandths", (0.1, 0.2, 0.3, 0.4)),
        ("<|begin_of_box|>[[100,200,300,400]]<|end_of_box|>", "thousandths", (0.1, 0.2, 0.3, 0.4)),
        ("left: 10, top: 20, right: 30, bottom: 40", "percent", (0.1, 0.2, 0.3, 0.4)),
        ("<bbox>100 200 300 400</bbox>", "thousandths", (0.1, 0.2, 0.3, 0.4)),
        ("0.1, 0.2, 0.3, 0.4", "unit", (0.1, 0.2, 0.3, 0.4)),
        ("<think>[0, 0, 1, 1]?</think>[0.1, 0.2, 0.3, 0.4]", "unit", (0.1, 0.2, 0.3, 0.4)),
        ("[0.1, 0.2, 0.3, 0.4], so [0.1, 0.2, 0.3, 0.4]", "unit", (0.1, 0.2, 0.3, 0.4)),  # the same box
        ("［０．１，０．２，０．３，０．４］", "unit", (0.1, 0.2, 0.3, 0.4)),
        ("[-2, 0, 1003, 500]", "pixels", (-0.002, 0.0, 1.003, 1.0)),  # a little beyond
        ("[100, 200, 300, 400]", "unit", None),  # other coordinates, whichever they are
        ("[100, 200, 300, 400]", "percent", None),
        ("[100, 200, 300, 600]", "pixels", None),  # below the picture
        ("[0.1, 0.2, 0.3, 0.4]", "thousandths", None),
        ("[0, 0, 1, 1]", "pixels", None),
        ("[0.3, 0.2, 0.1, 0.4]", "unit", None),  # right to left
        ("[0.1, 0.2, 0.1, 0.4]", "unit", None),
        ("[0.1, 0.2, 0.3, 0.4] or [0.5, 0.5, 0.6, 0.6]", "unit", None),
        ('[{"box_2d": [100, 200, 300, 400]}]', "thousandths", None),  # Gemini's, top first
        ("[0.1, 0.2, 0.3, 0.4, 0.9]", "unit", None),
        ("dog<loc_100><loc_200><loc_300><loc_400>", "thousandths", None),  # PaliGemma writes them top first
        ("(0.1, 0.2) and, far from it, (0.3, 0.4)", "unit", None),
        ("(0.2, 0.3)", "unit", None),  # a point
        ("There are 4 dogs, 2 of them black.", "unit", None),
        ("<think>[0.1, 0.2, 0.3, 0.4]", "unit", None),  # no answer
        ("", "unit", None),
    ],
)
def test_strict_reads_the_only_box_in_the_coordinates_asked_for(
    text: str, system: str, box: tuple[float, ...] | None
) -> None:
    result = boxes.strict_box(system)(text, SIZE)
    assert result == (None if box is None else pytest.approx(box))


@pytest.mark.parametrize(
    ("text", "system", "point"),
    [
        ("(0.2, 0.3)", "unit", (0.2, 0.3)),
        ("[200, 150]", "pixels", (0.2, 0.3)),
        ('[{"point_2d": [200, 300], "label": "Save"}]', "thousandths", (0.2, 0.3)),
        ('<point x="20.0" y="30.0" alt="Save">Save</point>', "percent", (0.2, 0.3)),
        ('{"x": 200, "y": 300}', "thousandths", (0.2, 0.3)),
        ("pyautogui.click(x=0.2, y=0.3)", "unit", (0.2, 0.3)),
        ("click(start_box='(200,300)')", "thousandths", (0.2, 0.3)),
        ("click(point='<point>200 300</point>')", "thousandths", (0.2, 0.3)),
        ('{"action": "left_click", "coordinate": [200, 300]}', "thousandths", (0.2, 0.3)),
        ("200 300", "thousandths", (0.2, 0.3)),
        ("[0.1, 0.2, 0.3, 0.4]", "unit", (0.2, 0.3)),  # a box's center
        ("<box>(100,200),(300,400)</box>", "thousandths", (0.2, 0.3)),
        ("(0.2, 0.3) or (0.4, 0.3)", "unit", None),
        ("(0.2, 0.3), (0.4, 0.3)", "unit", None),
        ("(0.2, 0.3), in the box [0.1, 0.2, 0.3, 0.4]", "unit", None),  # two answers, here with the same center
        ('<points x1="20" y1="30" x2="40" y2="50">', "percent", None),  # two points, not a box
        ("(0.2, 0.3)", "thousandths", None),
        ("(200, 300)", "unit", None),
        ("x is 200", "pixels", None),
    ],
)
def test_strict_reads_the_only_point(text: str, system: str, point: tuple[float, float] | None) -> None:
    result = boxes.strict_point(system)(text, SIZE)
    assert result == (None if point is None else pytest.approx(point))


RIGHT = (0.1, 0.1, 0.3, 0.6)
SCRIPTS = {
    "R": ("refcoco", "lmms-eval"),
    "K": ("refcoco", "vlmevalkit"),
    "S": ("screenspot", "seeclick"),
    "1": ("screenspot", "lmms-eval"),
    "2": ("screenspot-v2", "lmms-eval"),
    "P": ("screenspot-pro", "lmms-eval"),
    "G": ("screenspot-pro", "release"),
}
"""By letter: the benchmark and its reading."""


def judged(task: str, reading: str, text: str, right: tuple[float, ...] = RIGHT) -> float | None:
    tags = {"width": str(SIZE[0]), "height": str(SIZE[1])}
    record = Record("1", (json.dumps(right),), tags=tags, text=text)
    return load_task(task).scorers_by_reading[reading]["official"](record).value


@pytest.mark.parametrize(
    ("text", "scripts"),
    [
        # the answer, and the scripts that call it right
        ("[0.1, 0.1, 0.3, 0.6]", "RKS12P"),
        ("(0.1, 0.1, 0.3, 0.6)", "KS12P"),
        ("[0.1 0.1 0.3 0.6]", "KS2P"),
        ("[0.3, 0.6, 0.1, 0.1]", "KS12P"),  # the corners exchanged
        ("[[0.1,0.1,0.3,0.6]]", "RKS12PG"),
        ("[[0.1, 0.1, 0.3, 0.6]]", "RKS12P"),
        ("[100, 100, 300, 600]", "K1P"),
        ("[100, 50, 300, 300]", "1P"),  # pixels; P reads the first two
        ("[0.5, 0.5, 0.6, 0.6] or [0.1, 0.1, 0.3, 0.6]", ""),  # the first counts
        ("0.1 0.1 0.3 0.6", "KS2P"),
        ("x1=0.1, y1=0.1, x2=0.3, y2=0.6", ""),
        ("<box>[[100, 100, 300, 600]]</box>", "K1"),
        ("<box>(100,100),(300,600)</box>", "KSP"),
        ("<box>(100, 100), (300, 600)</box>", "KP"),
        ("(0.2,0.35)", "S2P"),
        ("(0.2, 0.35), 2 clicks", "2P"),
        ("[[0.2,0.35]]", "S2PG"),
        ("(200, 175)", "P"),
        ("[200, 350]", ""),
        ("20%, 35%", "2P"),
        ("x: 0.2, then y: 0.35", "S2P"),
        ("<bbox>0.1 0.1 0.3 0.6</bbox>", "K2P"),
        ("box 0.1 0.1 0.3 0.6", "K2P"),
        ("0.2 0.35 0.3 0.6", "S2P"),
        ('{"point_2d": [200, 350]}', ""),
        ("No box", ""),
        ("", ""),
    ],
)
def test_the_scripts_read_what_they_read(text: str, scripts: str) -> None:
    assert "".join(key for key, (task, reading) in SCRIPTS.items() if judged(task, reading, text)) == scripts


def test_lmms_eval_takes_no_box_for_the_top_left_corner() -> None:
    assert judged("screenspot", "lmms-eval", "none", (0.0, 0.0, 0.2, 0.2)) == 1.0
    assert judged("screenspot-v2", "lmms-eval", "none", (0.0, 0.0, 0.2, 0.2)) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "[1 " + " " * 9999,
        "x=1 " * 9999,
        "top left (1 1) " * 9999,
        "<bbox " * 9999,
        "[1,1" * 9999,
        "(1 1)" * 9999,
        "1" * 9999,
    ],
)
def test_reading_takes_time_linear_in_the_answer(text: str) -> None:
    start = time.perf_counter()
    for task, reading in SCRIPTS.values():
        judged(task, reading, text)
    boxes.strict_box("unit")(text, SIZE)
    boxes.strict_point("pixels")(text, SIZE)
    assert time.perf_counter() - start < 5


def test_boxes_without_overlap_or_area_have_none_in_common() -> None:
    assert iou((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert iou((0, 0, 1, 1), (2, 2, 3, 3)) == iou((0, 0, 1, 1), (1, 0, 2, 1)) == 0
    assert iou((1, 1, 1, 1), (1, 1, 1, 1)) == 0


@pytest.mark.parametrize("target", ["a dog", "[1, 2, 3]", "null", "[1, 2, 3, []]"])
def test_a_record_whose_target_is_not_a_box_is_refused(target: str) -> None:
    record = Record("7", (target,), tags={"width": "8", "height": "8"}, text="[0, 0, 1, 1]")
    with pytest.raises(InputError, match=r"record 7: its target .* is not a box; fix it"):
        load_task("refcoco").scorers["official"](record)
