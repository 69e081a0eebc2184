"""Numbers in sentences, and the one form of an interval in everything that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mmeval.models.constant import Constant
from mmeval.types import Generation, Request, Response, between, number, part_of, plural, within
from tests.evaluating import evaluate
from tests.mme_folder import make_release
from tests.tasks.small_folders import call

OTHER_FORMS = re.compile(r"\d\s?[–—]\s?[-−+]?\d|\[[-−+]?\d[\d.,]*[,;] ?[-−+]?\d")
"""Intervals as `28.5–35.8` or `[28.5, 35.8]`."""
INTERVAL = re.compile(r"\d%? \([-−+]?[\d,]+\.\d+ to [-−+]?[\d,]+\.\d+\)")
"""A value and its interval: `138.75 (120.0 to 155.0)`."""
SEVERAL_OF_ONE = re.compile(
    r"(?<![\d.,/-])1 (?:more |failed |other |different )?"
    r"(?:questions|answers|samples|errors|rows|runs|pictures|options|tokens|seeds|answers are|(?:are|have|were)\b)"
)
"""`1 questions`, `1 are`."""


class Fails(Constant):
    """A model whose every answer is an error."""

    def __init__(self) -> None:
        super().__init__("")

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        return (replace(self.preview(request), error="the server is down") for request in requests)


def test_numbers_and_their_intervals() -> None:
    assert (number(1381.75), number(-0.001), number(None)) == ("1,381.75", "0.00", "–")
    assert (number(1.25, sign="+"), number(-0.001, sign="+")) == ("+1.25", "+0.00")
    assert between(1828.21, 1907.93) == "1,828.2 to 1,907.9" and between(None, 1.0) == between(1.0, None) == ""
    assert between(-0.01, 3.456, 2, "+") == "-0.01 to +3.46"
    assert within("5.0", between(4, 6)) == "5.0 (4.0 to 6.0)" and within("5.0", "") == "5.0"


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 answers"), (1, "1 answer"), (2, "2 answers"), (1200, "1,200 answers")]
)
def test_a_noun_agrees_with_its_number(count: int, expected: str) -> None:
    assert plural(count, "answer") == expected


def test_a_verb_agrees_with_the_part() -> None:
    assert plural(1, "query", "queries") == "1 query" and plural(3, "query", "queries") == "3 queries"
    assert part_of(1, 40, "answer", "is an error", "are errors") == "1 of 40 answers is an error"
    assert part_of(2, 1200, "answer", "is an error", "are errors") == "2 of 1,200 answers are errors"
    assert part_of(1, 1, "answer", "is empty", "are empty") == "1 of 1 answer is empty"


def _read(path: Path) -> str:
    """What a file shows to a reader: a page or figure without scripts, styles, tags and their attributes."""
    text = re.sub(r"<(script|style).*?</\1>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", text) if path.suffix in (".html", ".svg") else text


@pytest.mark.slow
def test_one_question_is_not_called_questions(tmp_path: Path) -> None:
    """A run, its controls, a comparison and answers from a file, each of a single question, once with an error."""
    first, second, failed = tmp_path / "one", tmp_path / "two", tmp_path / "failed"
    run = ("run", "--task", "muirbench", "--limit", 1, "--model")
    (tmp_path / "answers.jsonl").write_text('{"id": "0", "answer": "A"}\n', encoding="utf-8")
    evaluate("constant", "muirbench", out=failed, limit=1, load=lambda *_: Fails())
    results = [
        *(call(*run, "constant:A", "--out", first, "--control", "grey,rotate1", "--bias") for _ in "12"),
        call(*run, "constant:B", "--out", second),
        call("compare", first, second, "--out", tmp_path / "comparison"),
        call("parity", "constant:A", "constant:B", "--task", "muirbench", "--limit", 1, "--out", tmp_path / "parity"),
        call("score", failed),
        call("score", "--task", "muirbench", "--answers", tmp_path / "answers.jsonl"),
        call("run", "--task", "muirbench", "--limit", 1, "--model", "constant:A", "--out", first, "--only-ids", "no"),
    ]
    assert "1 of 1 answer is an error" in results[5].output and "1 of 1 question answered" in results[0].output
    for position, result in enumerate(results):
        match = SEVERAL_OF_ONE.search(result.output)
        assert not match, f"command {position}: {result.output[match.start() - 60 : match.end() + 20]}"
    for path in (path for path in tmp_path.rglob("*.*") if path.suffix in (".md", ".html", ".svg", ".tex")):
        text = _read(path)
        assert not (match := SEVERAL_OF_ONE.search(text)), f"{path}: {text[match.start() - 60 : match.end() + 20]}"


@pytest.mark.slow
def test_every_output_writes_an_interval_the_same_way(tmp_path: Path) -> None:
    data = make_release(tmp_path / "data", pictures=3)
    first, second, grid = tmp_path / "one", tmp_path / "two", tmp_path / "grid.yaml"
    run = ("run", "--task", "mme", "--data", data)
    grid.write_text(f"task: [mme]\nmodel: [constant, 'constant:no']\ndata: {data}\n", encoding="utf-8")
    results = [
        call(*run, "--model", "constant", "--out", first, "--control", "grey,blur1,blur2", "--bias"),
        call(*run, "--model", "constant:no", "--out", second),
        call("compare", first, second, "--out", tmp_path / "comparison"),
        call("sweep", grid, "--out", tmp_path / "swept"),
        call("parity", "constant", "constant:no", "--task", "mme", "--data", data, "--out", tmp_path / "parity"),
        call("export", first, "--to", "hub", "--out", tmp_path / "export"),
    ]
    texts = {f"command {position}": result.output for position, result in enumerate(results)}
    paths = (path for path in tmp_path.rglob("*.*") if path.suffix in (".md", ".html", ".svg", ".tex", ".yaml"))
    texts |= {str(path.relative_to(tmp_path)): _read(path) for path in paths}
    for name, text in texts.items():
        assert not (match := OTHER_FORMS.search(text)), f"{name}: {text[match.start() - 40 : match.end() + 20]}"
    assert [position for position, result in enumerate(results) if INTERVAL.search(result.output)] == [0, 3, 4]
