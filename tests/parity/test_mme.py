"""MME's own script on real and unusual answers, and human readings of 169 answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmeval.scoring.differences import ONLY_STRICT, differences
from mmeval.scoring.readings import yesno
from mmeval.scoring.statistics import estimate
from mmeval.tasks.mme import MME, samples
from mmeval.types import InputError, images
from tests.evaluating import judged
from tests.parity.conftest import Recordings


def official(folder: Path) -> dict[str, float]:
    records = MME.read_predictions(str(folder))
    numbers = MME.numbers("official", records, judged(MME, records, "official"))
    return {name: estimate(number, resamples=10).value or 0.0 for name, number in numbers.items()}


def test_lavins_real_answers(fixtures: Recordings) -> None:
    expected = json.loads((fixtures / "mme_lavin/expected.json").read_text())["official"]
    scores = official(fixtures / "mme_lavin/results")
    for name, value in expected.items():
        assert scores[name if name in scores else name.lower()] == pytest.approx(value, abs=1e-9), name
    assert scores["perception"] == pytest.approx(963.6114445778, abs=1e-9)
    assert scores["cognition"] == pytest.approx(249.6428571429, abs=1e-9)


def test_strict_takes_nothing_from_lavin(fixtures: Recordings) -> None:
    # VLMEvalKit loses two answers that say yes and quote a "no"
    records = MME.read_predictions(str(fixtures / "mme_lavin/results"))
    both = [judged(MME, records, scorer) for scorer in ("official", "strict")]
    assert differences(records, *both) == {}


@pytest.fixture(scope="module")
def cases(fixtures: Recordings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (fixtures / "yesno_cases.jsonl").read_text().splitlines()]


def test_official_labels(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        if not case["mme_official"].startswith("!"):
            assert (yesno.official(case["output"]) or "other") == case["mme_official"], case


def test_strict_reads_what_people_read(cases: list[dict[str, Any]]) -> None:
    read = [(case["output"], case["intended"], yesno.strict(case["output"])) for case in cases]
    turned = [row for row in read if {"yes", "no"} == {row[1], row[2]}]
    wrong = [row for row in read if row[1] != row[2]]
    assert not turned
    assert len(wrong) <= 0.05 * len(read), wrong


def answer_all(text: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: ["\t".join([*line.split("\t")[:3], text]) for line in lines]


def gold(lines: list[str]) -> list[str]:
    return ["\t".join([*line.split("\t")[:3], line.split("\t")[2]]) for line in lines]


def mix(lines: list[str]) -> list[str]:
    """Answers yes, in an order that makes three pairs Yes+Yes and three No+No: what one shuffle gave."""
    yes, no = answer_all("yes")(lines)[::2], answer_all("yes")(lines)[1::2]
    mixed = [line for pair in zip(yes[6:], no[6:], strict=True) for line in pair]
    return yes[:6] + no[:6] + mixed


EDITS: dict[str, Callable[[list[str]], list[str]]] = {
    "unchanged": lambda lines: lines,
    "gold answers, one word": gold,
    "gold answers, lines shuffled (pairs by adjacency, image name never compared)": lambda lines: (
        gold(lines)[::-3] + gold(lines)[-2::-3] + gold(lines)[-3::-3]
    ),
    'half right: only the Yes questions answered right ("yes" always)': answer_all("yes"),
    '"yes" always, lines sorted by answer so that pairs are Yes+Yes / No+No': lambda lines: sorted(
        answer_all("yes")(lines), key=lambda line: line.split("\t")[2]
    ),
    '"yes" always, lines shuffled': mix,
    "extra blank line at the end": lambda lines: [*lines, ""],
    "one line missing (odd count)": lambda lines: lines[:-1],
    "two lines missing (one image)": lambda lines: lines[:-2],
    "empty response": answer_all(""),
    "no response column": lambda lines: [line.rpartition("\t")[0] for line in lines],
    "tab inside a response": answer_all("yes\tit is"),
    "newline inside a response": answer_all("yes\nit is"),
    "vertical tab / form feed in a response": answer_all("yes\x0bit\x0cis"),
    "U+2028 in a response": answer_all("yes\u2028it is"),
    'all "other" (sklearn on empty arrays)': answer_all("maybe"),
    "gt with trailing space": lambda lines: [line.replace("\tYes\t", "\tYes \t") for line in lines],
    "empty file": lambda lines: [],
    "Your_Results as shipped (no predictions)": lambda lines: [line.rpartition("\t")[0] for line in lines],
}
BYTES: dict[str, Callable[[bytes], bytes]] = {
    "no final newline": lambda content: content.rstrip(b"\n"),
    "CRLF line ends": lambda content: content.replace(b"\n", b"\r\n"),
    "BOM at file start": lambda content: b"\xef\xbb\xbf" + content,
}
SCORES_ZERO = {"empty response", 'all "other" (sklearn on empty arrays)'}
"""Newer versions of the script's library raise an error here: every answer is unparsed, which is worth 0."""


@pytest.mark.slow
def test_corner_cases(fixtures: Recordings, tmp_path: Path) -> None:
    for number, case in enumerate(json.loads((fixtures / "mme_corner_cases.json").read_text())):
        folder = tmp_path / str(number)
        shutil.copytree(fixtures / "mme_lavin/results", folder)
        path, name, result = folder / "OCR.txt", case["case"], case["result"]
        path.chmod(0o644)
        folder.chmod(0o755)
        if name in BYTES:
            path.write_bytes(BYTES[name](path.read_bytes()))
        elif name in EDITS:
            lines = EDITS[name](path.read_text(encoding="utf-8").split("\n")[:-1])
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        else:
            assert name == "a task file missing"
            path.unlink()
        if "error" not in result:
            scores = official(folder)
            assert scores["OCR"] == pytest.approx(result["OCR"], abs=1e-9), name
            assert scores["perception"] == pytest.approx(result["Perception"], abs=1e-9), name
        elif name in SCORES_ZERO:
            assert official(folder)["OCR"] == 0.0, name
        else:
            with pytest.raises(InputError, match=r"OCR\.txt"):
                official(folder)


def test_a_table_as_the_hub_has_it(fixtures: Recordings) -> None:
    questions = list(samples(str(fixtures / "tiny_instructblip/mme.parquet")))
    expected = json.loads((fixtures / "tiny_instructblip/expected.json").read_text())["answers"]
    assert [sample.id.rpartition("#")[0] for sample in questions] == [answer["question_id"] for answer in expected]
    assert [sample.targets[0] for sample in questions] == [answer["target"].lower() for answer in expected]
    assert images(questions[0].prompt)[0].decode().width > 1


def test_markup_takes_a_models_yes_and_not_its_no(fixtures: Recordings) -> None:
    # what the four-character window does to a model that writes in bold, and what the table says of it
    records = MME.read_predictions(str(fixtures / "mme_lavin/results"))
    bold = [type(r)(r.id, r.targets, r.category, r.groups, text=f"**{(r.text or '')[:3]}**") for r in records]
    both = [judged(MME, bold, scorer) for scorer in ("official", "strict")]
    assert sum(differences(bold, *both)["OCR"].values()) == differences(bold, *both)["OCR"][ONLY_STRICT] > 0
