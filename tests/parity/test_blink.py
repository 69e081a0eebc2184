"""BLINK's published predictions give its published numbers; its raw outputs are read as its authors read them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from tests.parity.conftest import Recordings
from tests.tasks.small_folders import call


@pytest.mark.slow
def test_published_predictions_give_the_published_numbers(fixtures: Recordings) -> None:
    folder = fixtures / "blink"
    for model, expected in json.loads((folder / "expected.json").read_text()).items():
        result = call("score", "--task", "blink", "--predictions", folder / f"val_predictions/{model}.json", "--json")
        assert result.exit_code == 0, result.output
        metrics = json.loads(result.output)["metrics"]
        assert metrics["overall"]["value"] == pytest.approx(100 * expected.pop("total_macro"), abs=1e-4), model
        for subtask, share in expected.items():
            assert metrics[subtask]["value"] == pytest.approx(100 * share, abs=1e-4), (model, subtask)


def test_gold_is_what_the_benchmark_has(fixtures: Recordings) -> None:
    from mmeval.tasks.blink import BLINK

    gold = json.loads((fixtures / "blink/val_answers.json").read_text())
    built_in = {
        f"val_{name}_{n}": f"({x})" for name, answers in BLINK.card["gold"].items() for n, x in enumerate(answers, 1)
    }
    assert built_in == gold


def agreement(fixtures: Recordings, model: str, read: Any) -> Counter[str]:
    """How our reading of a model's raw outputs compares with the letter that was published for them."""
    rows = [json.loads(line) for line in (fixtures / f"blink/raw_outputs/{model}.jsonl").read_text().splitlines()]
    counts: Counter[str] = Counter()
    for row in rows:
        published, letter = row["prediction"].strip("()"), read(row["full_prediction"], ())
        if letter is None:
            counts["unparsed"] += 1
        else:
            counts["agree" if letter == published else "other"] += 1
    return counts


@pytest.mark.parametrize("model", ["instructblip_7b", "instructblip_13b"])
def test_short_answers_are_read_as_published(fixtures: Recordings, model: str) -> None:
    for read in (letters.blink, strict):
        assert agreement(fixtures, model, read) == {"agree": 1901}


@pytest.mark.slow
def test_reasoned_answers_are_read_or_unparsed(fixtures: Recordings) -> None:
    # lmms-eval's extractor agrees on 60%: it takes the first letter of the text
    read = agreement(fixtures, "GPT4o", strict)
    assert read["agree"] >= 0.86 * 1901
    assert read["other"] <= 0.013 * 1901  # most are a matcher's (B) for "**(A) the second image**"
    official = agreement(fixtures, "GPT4o", letters.blink)
    assert official["agree"] >= 0.84 * 1901
    assert official["unparsed"] > read["unparsed"]  # where the script asks GPT-3.5
