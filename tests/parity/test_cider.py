"""CIDEr-D and its tokens against the outputs of pycocoevalcap and Stanford's tokenizer."""

from __future__ import annotations

import json

import pytest

from mmeval.scoring.metrics.cider import cider, tokenize
from tests.parity.conftest import Recordings

DROPPED = {*["'", "`", ".", "?", "!", ",", ":", "-", ";"], "''", "``", "--", "...", "-lrb-", "-rrb-", "-lcb-", "-rcb-"}


def test_values(fixtures: Recordings) -> None:
    for recorded in json.loads((fixtures / "cider/scores.json").read_text())["sets"]:
        candidates = [item["candidate"].split() for item in recorded["items"]]
        references = [[reference.split() for reference in item["references"]] for item in recorded["items"]]
        scores = cider(candidates, references)
        assert scores == pytest.approx(recorded["scores"], abs=1e-12)
        assert sum(scores) / len(scores) == pytest.approx(recorded["mean"], abs=1e-12)


def test_words(fixtures: Recordings) -> None:
    for case in json.loads((fixtures / "cider/tokens.json").read_text())["captions"]:
        expected = [word for word in case["tokens"].split() if word not in DROPPED]
        assert tokenize(case["caption"]) == expected, case["caption"]
