from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mmeval.reporting import dotplot, radar, sheet
from mmeval.reporting.chart import Chart
from mmeval.types import Estimate, InputError
from tests.reporting.made_up import chart

FIGURES = pytest.mark.parametrize("figure", [radar, dotplot])

CHARTS = {
    "one": chart("mmicl-tiny"),
    "three": chart("mmicl-tiny", "blank picture", "constant"),
    "as many as can be told apart": chart(*"ABCDEFG"),
    "long names": chart(*("W" * 200, "a model of many many words " * 9), title="A title that goes on " * 20),
    "no totals": replace(chart("a", "b"), totals={}),
    "three axes": replace(chart("a"), axes={"existence": "Existence", "OCR": "OCR", "count": "An axis of a long name"}),
}

Box = Any  # matplotlib's Bbox


def _texts(figure: ModuleType, drawn: Chart, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, Box]]:
    boxes: list[tuple[str, Box]] = []

    def look(paper: sheet.Sheet, folder: Path, name: str) -> tuple[Path, Path]:
        canvas = paper.figure.bbox
        boxes.append(("canvas", canvas))
        boxes.extend((text.get_text(), text.get_window_extent()) for text in paper.axes.texts)
        return folder, folder

    monkeypatch.setattr(figure, "save", look)
    figure.draw(drawn, tmp_path)
    return boxes


@FIGURES
@pytest.mark.parametrize("name", CHARTS)
def test_no_text_is_cut_off_or_overlaps_another(
    figure: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (_, canvas), *texts = _texts(figure, CHARTS[name], monkeypatch, tmp_path)
    for text, box in texts:
        assert canvas.x0 <= box.x0 and box.x1 <= canvas.x1 and canvas.y0 <= box.y0 and box.y1 <= canvas.y1, text
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(width, height) < 1.5, f"{one!r} over {other!r}"  # a descender may graze the line below


def test_the_legend_is_never_over_the_radar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    boxes = dict(_texts(radar, chart("left of me", "other"), monkeypatch, tmp_path))
    wheel = (sheet.MARGIN + radar.LABELS + 2 * radar.RADIUS) * 100
    assert boxes["left of me"].x0 > wheel + radar.LABELS * 50


@FIGURES
def test_same_chart_same_bytes(figure: ModuleType, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in figure.draw(chart("a", "b"), tmp_path / "1")]
    assert first == [path.read_bytes() for path in figure.draw(chart("a", "b"), tmp_path / "2")]


@FIGURES
def test_a_hostile_name_is_only_text(figure: ModuleType, tmp_path: Path) -> None:
    names = ("<script>alert(1)</script>", "a$x^2$b", r"$\frac{", "模型 🦙", "a\x00\x1b[31mb", "]]>&amp;", "_hidden")
    _, svg = figure.draw(chart(*names), tmp_path)
    root = ET.fromstring(svg.read_text(encoding="utf-8"))
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    assert {sheet.plain(name) for name in names} <= set(root.itertext())  # none is mathematics, none is left out


@FIGURES
def test_scores_stay_readable_as_text_in_the_svg(figure: ModuleType, tmp_path: Path) -> None:
    _, svg = figure.draw(chart("mmicl-tiny"), tmp_path)
    assert {"Existence", "Reasoning", "600.0"} & set(ET.fromstring(svg.read_text()).itertext())


@FIGURES
def test_an_axis_without_a_value_is_a_gap_and_is_said(
    figure: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = chart("a")
    gone = {"scene": Estimate(None, None, None, 0, 200, 75, "no answers")}
    holed = replace(one, series=(replace(one.series[0], estimates={**one.series[0].estimates, **gone}),))
    texts = " ".join(text for text, _ in _texts(figure, holed, monkeypatch, tmp_path))
    assert "no value" in texts
    assert "published" not in texts  # a gap is not a published score


@FIGURES
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: chart(*"ABCDEFGH"), "8 models"),
        (lambda: _of_another_task(), "full marks of 100 and 200"),
    ],
)
def test_what_cannot_be_drawn_together_is_refused(
    figure: ModuleType, bad: Callable[[], Chart], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        figure.draw(bad(), tmp_path)


def test_pens_differ_in_colour_and_marker_and_line() -> None:
    for pen in zip(*((pen.colour, pen.marker, str(pen.line)) for pen in sheet.PENS), strict=True):
        assert len(set(pen)) == len(sheet.PENS)


def _of_another_task() -> Chart:
    both = chart("mme", "other")
    halved = {name: replace(e, full_marks=e.full_marks / 2) for name, e in both.series[1].estimates.items()}
    return replace(both, series=(both.series[0], replace(both.series[1], estimates=halved)))
