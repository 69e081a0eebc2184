from __future__ import annotations

import itertools
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import matplotlib
import pytest

from mmeval.reporting import dotplot, fonts, radar, raster, sheet, svg
from mmeval.reporting.chart import Chart, Series, caption
from mmeval.types import Estimate, InputError, number
from tests.reporting.made_up import AXES, TOTALS, chart

FIGURES = pytest.mark.parametrize("figure", [radar, dotplot])

LONG = "A very long name of a category that goes on and on and on and on and on and on"
CHARTS = {
    "long axes": replace(chart("a"), axes={name: f"{name}: {LONG}" for name in ("existence", "OCR", "count")}),
    "Chinese axes": replace(chart("a"), axes={"existence": "数学图表" * 9, "OCR": "OCR", "count": "数" * 4}),
    "one": chart("mmicl-tiny"),
    "three": chart("mmicl-tiny", "blank picture", "constant"),
    "as many as can be told apart": chart(*"ABCDEFG"),
    "long names": chart(*("W" * 200, "a model of many many words " * 9), title="A title that goes on " * 20),
    "long totals": replace(chart("a", "b"), totals=dict.fromkeys(TOTALS, "A headline number of a long name")),
    "no totals": replace(chart("a", "b"), totals={}),
    "many": replace(chart("a"), axes={name: f"An axis that is called {name}" for name in AXES}),
    "three axes": replace(chart("a"), axes={"existence": "Existence", "OCR": "OCR", "count": "An axis of a long name"}),
}

Box = Any  # matplotlib's Bbox


def _texts(
    figure: ModuleType, content: Chart, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> list[tuple[str, Box]]:
    """Draw; return the canvas and the texts with their boxes, as matplotlib measures them."""
    papers: list[sheet.Sheet] = []
    monkeypatch.setattr(figure, "save", lambda paper, *_, **__: papers.append(paper))
    figure.draw(content, tmp_path)
    return _boxes(papers[0])


def _boxes(paper: sheet.Sheet) -> list[tuple[str, Box]]:
    with matplotlib.rc_context(raster.SETTINGS):
        plot = raster.figure(paper)
        texts = plot.axes[0].texts
        return [("canvas", plot.bbox), *((text.get_text(), text.get_window_extent()) for text in texts)]


@pytest.mark.slow
@FIGURES
@pytest.mark.parametrize("name", CHARTS)
def test_no_text_is_cut_off_or_overlaps_another(
    figure: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _check_places(_texts(figure, CHARTS[name], monkeypatch, tmp_path))


@pytest.mark.parametrize("size", radar.INLINE)
@pytest.mark.parametrize("name", ["one", "long axes", "many"])
def test_no_label_of_a_pages_radar_is_cut_off_or_overlaps_another(size: str, name: str) -> None:
    wheel = radar.Wheel(CHARTS[name], radar.INLINE[size])
    paper = sheet.Sheet(wheel.size.across, wheel.height)
    wheel.draw(paper, wheel.size.across, wheel.height, 0)
    _check_places(_boxes(paper))


def _check_places(boxes: list[tuple[str, Box]]) -> None:
    (_, canvas), *texts = boxes
    for text, box in texts:
        assert canvas.x0 <= box.x0 and box.x1 <= canvas.x1 and canvas.y0 <= box.y0 and box.y1 <= canvas.y1, text
    for (first_text, a), (second_text, b) in itertools.combinations(texts, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(width, height) < 1.5, f"{first_text!r} over {second_text!r}"  # a descender may graze the line below


def test_the_legend_is_never_over_the_radar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    boxes = dict(_texts(radar, chart("left of me", "other"), monkeypatch, tmp_path))
    wheel = (sheet.MARGIN + radar.FILE.labels + 2 * radar.FILE.radius) * 100
    assert boxes["left of me"].x0 > wheel + radar.FILE.labels * 50


def test_a_radar_of_one_model_has_no_column_for_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (_, canvas), *texts = _texts(radar, chart("one"), monkeypatch, tmp_path)
    labels = [box for text, box in texts if text.startswith("Color")]
    assert canvas.x1 - labels[0].x1 < 200  # under two inches
    assert any(" / 2,000" in text for text, _ in texts)  # the totals stand below


def test_a_radar_is_drawn_of_axes_enough_and_not_of_too_many() -> None:
    def chart_with(count: int) -> Chart:
        axes = {f"a{index}": f"Axis {index}" for index in range(count)}
        values = {name: Estimate(50.0, 40.0, 60.0, 9, 100.0, None) for name in axes}
        return Chart("t", "s", axes, (Series("one", values),))

    assert [count for count in (3, 4, 5, 14, 15, 30) if radar.fits(chart_with(count))] == [5, 14]


@pytest.mark.slow
def test_what_is_drawn_of_a_run_takes_no_matplotlib(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from tests.reporting.made_up import chart; from mmeval.reporting import dotplot, radar\n"
        f"out = pathlib.Path({str(tmp_path)!r})\n"
        "for figure in (dotplot, radar): figure.draw(chart('a'), out, png=False)\n"
        "assert radar.inline(chart('a'))\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])
    assert {path.name for path in tmp_path.iterdir()} == {"dotplot.svg", "radar.svg"}


def test_a_picture_of_former_numbers_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / "dotplot.png").write_bytes(b"old")
    dotplot.draw(chart("a"), tmp_path, png=False)
    assert not (tmp_path / "dotplot.png").exists()


def test_the_svg_has_the_places_of_the_png(tmp_path: Path) -> None:
    """Each text of the SVG begins where matplotlib puts it, within a point."""
    papers: list[sheet.Sheet] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(radar, "save", lambda paper, *_, **__: papers.append(paper))
        radar.draw(chart("one"), tmp_path)
    boxes = dict(_boxes(papers[0]))
    for node in ET.fromstring(svg.write(papers[0])).iter("{http://www.w3.org/2000/svg}text"):
        assert node.text
        if box := boxes.get(node.text):
            ends = {"start": box.x0, "middle": (box.x0 + box.x1) / 2, "end": box.x1}
            assert abs(float(node.attrib["x"]) - ends[node.get("text-anchor", "start")] * 0.72) < 1.5
            below = papers[0].height * 72 - float(node.attrib["y"])
            assert box.y0 * 0.72 - 1.5 < below < box.y1 * 0.72


@pytest.mark.slow
@FIGURES
def test_same_chart_same_bytes(figure: ModuleType, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in figure.draw(chart("a", "b"), tmp_path / "1")]
    assert first == [path.read_bytes() for path in figure.draw(chart("a", "b"), tmp_path / "2")]


@pytest.mark.slow
@FIGURES
def test_a_hostile_name_is_only_text(figure: ModuleType, tmp_path: Path) -> None:
    names = ("<script>alert(1)</script>", "a$x^2$b", r"$\frac{", "模型 🦙", "a\x00\x1b[31mb", "]]>&amp;", "_hidden")
    _, drawn = figure.draw(chart(*names), tmp_path)
    root = ET.fromstring(drawn.read_text(encoding="utf-8"))
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    assert {fonts.plain(name) for name in names} <= set(root.itertext())  # none is mathematics, none is left out


@pytest.mark.slow
@FIGURES
def test_scores_stay_readable_as_text_in_the_svg(figure: ModuleType, tmp_path: Path) -> None:
    _, drawn = figure.draw(chart("mmicl-tiny"), tmp_path)
    assert {"Existence", "Reasoning"} & set(ET.fromstring(drawn.read_text()).itertext())


@FIGURES
def test_an_axis_without_a_value_is_a_gap_and_is_reported(
    figure: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = chart("a")
    missing = {"scene": Estimate(None, None, None, 0, 200, 75, "no answers")}
    holed = replace(full, series=(replace(full.series[0], estimates={**full.series[0].estimates, **missing}),))
    texts = " ".join(text for text, _ in _texts(figure, holed, monkeypatch, tmp_path))
    assert "no value" in texts
    assert "published" not in texts  # a gap is not a published score


@FIGURES
@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda: chart(*"ABCDEFGH"), "8 models"), (lambda: _of_another_task(), "full marks of 100 and 200")],
)
def test_what_cannot_be_drawn_together_is_refused(
    figure: ModuleType, make: Callable[[], Chart], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        figure.draw(make(), tmp_path)


def test_chance_is_that_of_all_runs_or_of_none() -> None:
    def drawn(*chances: float) -> Chart:
        lines = (
            Series(f"{n}", {"a": Estimate(50.0, 40.0, 60.0, 9, 100.0, chance)}) for n, chance in enumerate(chances)
        )
        return Chart("t", "s", {"a": "A"}, tuple(lines))

    assert drawn(87.5 / 3, 29.166666666666650).chance("a") is not None  # the same sum in another order
    assert drawn(25.0, 30.0).chance("a") is None  # other questions, with more options
    captions = [caption(drawn(25.0, chance), "", "Dashed", "Lines", "a line") for chance in (25.0, 30.0)]
    assert ["Dashed: chance" in text for text in captions] == [True, False]


def test_no_number_is_a_negative_zero() -> None:
    assert [number(value) for value in (-1e-17, -0.004, -0.006, 1381.745)] == ["0.00", "0.00", "-0.01", "1,381.74"]


def test_no_marker_hides_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    markers: list[tuple[float, float]] = []

    def look(paper: sheet.Sheet, *_: object, **__: object) -> None:
        for shape in paper.shapes:
            if isinstance(shape, sheet.Line) and "marker" in shape.style:
                markers.extend(zip(shape.xs, shape.ys, strict=True))

    monkeypatch.setattr(dotplot, "save", look)
    estimates = {
        "existence": Estimate(190.0, None, None, 0, 200.0, 75.0),
        "OCR": Estimate(95.0, None, None, 0, 200.0, 75.0),
    }
    many = tuple(Series(label, estimates) for label in "ABCDE")
    dotplot.draw(Chart("t", "s", {"existence": "Existence", "OCR": "OCR"}, many), tmp_path)
    assert len(markers) == 5 + 2 * 5  # the legend's, and both rows'
    for (x, y), (left, below) in itertools.combinations(markers, 2):
        assert max(abs(x - left), abs(y - below)) >= dotplot.MARKER - 1e-9


def test_where_nothing_is_near_all_markers_are_on_one_line() -> None:
    values = {label: Estimate(value, None, None, 0, 100.0, None) for label, value in (("A", 10.0), ("B", 90.0))}
    apart = Chart("t", "s", {"x": "X"}, tuple(Series(label, {"x": estimate}) for label, estimate in values.items()))
    assert dotplot._lanes(apart, "x", lambda share: 5 * share) == [0, 0]


def test_a_scale_of_a_hundred_points_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    series = Series("a", {"x": Estimate(50.0, None, None, 0, 100.0, None)})
    texts = [text for text, _ in _texts(dotplot, Chart("t", "s", {"x": "X"}, (series,)), monkeypatch, tmp_path)]
    assert "100%" in texts and not any(text.startswith("points") for text in texts)


def test_a_long_name_of_a_total_is_wrapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = replace(chart("a"), totals={"perception": "A headline number of a long name"})
    texts = [text for text, _ in _texts(radar, long, monkeypatch, tmp_path)]
    assert "…" not in "".join(texts)
    assert "A headline number of a long name" in " ".join(texts)


def test_a_long_name_of_an_axis_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for figure in (radar, dotplot):
        words = " ".join(text for text, _ in _texts(figure, CHARTS["long axes"], monkeypatch, tmp_path)).split()
        assert f"existence: {LONG}" in " ".join(words)


def test_what_the_font_lacks_is_drawn_in_another_or_a_font_is_named(tmp_path: Path) -> None:
    of_another = "\N{MATHEMATICAL FRAKTUR CAPITAL A}"  # in a font that comes with matplotlib
    content = replace(chart("a"), axes={"existence": f"{of_another} \U000f0000", "OCR": "OCR", "count": "Count"})
    _, path = dotplot.draw(content, tmp_path)
    (family,) = fonts.families(of_another)
    text = path.read_text(encoding="utf-8")
    assert f"{of_another} \N{REPLACEMENT CHARACTER}" in text
    assert f"'DejaVu Sans', Verdana, sans-serif, '{family}'" in text
    assert "Install a font that has them" in text
    assert fonts.lacking(["plain", of_another]) == ""
    assert fonts.lacking(["\U000f0000"]).startswith("No font here has \U000f0000: ")


def test_pens_differ_in_color_and_marker_and_line() -> None:
    for pen in zip(*((pen.color, pen.marker, str(pen.line)) for pen in sheet.PENS), strict=True):
        assert len(set(pen)) == len(sheet.PENS)


def _of_another_task() -> Chart:
    two_models = chart("mme", "other")
    halved = {name: replace(e, full_marks=e.full_marks / 2) for name, e in two_models.series[1].estimates.items()}
    return replace(two_models, series=(two_models.series[0], replace(two_models.series[1], estimates=halved)))


def test_a_long_word_is_broken_without_measuring_each_of_its_beginnings(monkeypatch: pytest.MonkeyPatch) -> None:
    measure, counter = fonts.measure, mock.Mock(wraps=fonts.measure)
    monkeypatch.setattr(fonts, "measure", counter)
    lines = fonts.wrap("x" * 900, 9, 3.5)
    assert "".join(lines) == "x" * 900 and max(measure(line, 9) for line in lines) <= 3.5
    assert len({len(line) for line in lines[:-1]}) == 1 and measure(lines[0] + "x", 9) > 0.98 * 3.5
    assert counter.call_count < 15 * len(lines)
