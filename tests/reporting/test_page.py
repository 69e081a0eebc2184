from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image as PILImage

from mmeval.reporting import page, radar, table
from mmeval.task import load_task
from mmeval.types import Image, Record, Score
from tests.reporting.made_up import AXES, chart, scores

HOSTILE = "</li><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


class _Tags(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _table(title: str = "mmicl-tiny on MME") -> table.Table:
    return table.tabulate(load_task("mme"), scores(), title, "embedded picture world")


def _answers(count: int, text: str = "Yes") -> Iterator[tuple[Record, Score]]:
    for index in range(count):
        name = list(AXES)[index % 14]
        record = Record(f"{name}/{index}", ("No",), name, question=f"Is it {index}?", text=text)
        yield record, Score(0.0, "incorrect", "yes")


def _written(folder: Path, made: table.Table, answers: Iterator[tuple[Record, Score]]) -> str:
    svg = radar.draw(chart(made.title), folder)[1]
    return page.write(folder, made, answers, [svg]).read_text(encoding="utf-8")


def test_hostile_text_is_shown_and_never_run(tmp_path: Path) -> None:
    record = Record(HOSTILE, (HOSTILE,), HOSTILE, question=HOSTILE, text=HOSTILE)
    html = _written(tmp_path, _table(HOSTILE), iter([(record, Score(0.0, "unparsed", HOSTILE[:9]))]))
    seen = _Tags(html)
    assert [tag for tag, _ in seen.tags].count("script") == 1
    assert not [attrs for _, attrs in seen.tags if any(name.startswith("on") for name in attrs)]
    assert seen.text.count(HOSTILE) >= 5  # title, id, question, answer, target


def test_the_policy_lets_only_the_pages_own_script_run(tmp_path: Path) -> None:
    html = _written(tmp_path, _table(), _answers(3))
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    assert "innerHTML" not in script[1]


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    for tag, attributes in _Tags(_written(tmp_path, _table(), _answers(3))).tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/jpeg")), (tag, attributes)


def test_a_page_is_small_and_says_how_many_failures_it_leaves_out(tmp_path: Path) -> None:
    html = _written(tmp_path, _table(), _answers(5000, "a rather long answer that goes on and on " * 3))
    assert len(html.encode()) < 100_000
    assert f"{page.LISTED} of 5,000 answers" in html
    assert all(f'data-category="{name}"' in html for name in AXES)  # evenly from all axes


def test_a_long_answer_is_cut_with_its_length_stated(tmp_path: Path) -> None:
    assert "99,700 more characters" in _written(tmp_path, _table(), _answers(1, "x" * 100_000))


def test_a_run_without_failures_says_so(tmp_path: Path) -> None:
    right = ((record, replace(score, outcome="correct")) for record, score in _answers(3))
    assert "Every answer was right." in _written(tmp_path, _table(), right)


def test_thumbnails_only_for_what_is_listed_and_a_broken_picture_is_left_out(tmp_path: Path) -> None:
    asked: list[Collection[str]] = []
    red = Image(PILImage.new("RGB", (900, 300), "red"))

    def pictures(ids: Collection[str]) -> dict[str, list[Image]]:
        asked.append(ids)
        first, second, *rest = sorted(ids)
        return {first: [Image(b"broken")], second: [red] * 9, **{id: [red] for id in rest[1:]}}

    html = page.write(tmp_path, _table(), _answers(500), pictures=pictures).read_text()
    assert [len(ids) for ids in asked] == [page.LISTED]
    assert html.count("data:image/jpeg;base64,") == page.SHOWN + page.LISTED - 3


def test_the_figure_follows_light_and_dark(tmp_path: Path) -> None:
    drawn = page.inline(radar.draw(chart("a"), tmp_path)[1].read_text(encoding="utf-8"))
    assert not re.findall(r"(?:fill|stroke): #\w+", drawn)
    assert "<style" not in drawn  # it would reach the rest of the page
