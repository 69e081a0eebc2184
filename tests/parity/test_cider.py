"""CIDEr-D and its tokens against the outputs of pycocoevalcap and Stanford's tokenizer."""

from __future__ import annotations

import json

import pytest

from mmeval.scoring.metrics.cider import cider, tokenize
from tests.parity.conftest import Recordings

DROPPED = {*["'", "`", ".", "?", "!", ",", ":", "-", ";"], "''", "``", "--", "...", "-lrb-", "-rrb-", "-lcb-", "-rcb-"}


def test_values(fixtures: Recordings) -> None:
    for one in json.loads((fixtures / "cider/scores.json").read_text())["sets"]:
        said = [item["candidate"].split() for item in one["items"]]
        known = [[reference.split() for reference in item["references"]] for item in one["items"]]
        found = cider(said, known)
        assert found == pytest.approx(one["scores"], abs=1e-12)
        assert sum(found) / len(found) == pytest.approx(one["mean"], abs=1e-12)


def test_words(fixtures: Recordings) -> None:
    for case in json.loads((fixtures / "cider/tokens.json").read_text())["captions"]:
        kept = [word for word in case["tokens"].split() if word not in DROPPED]
        assert tokenize(case["caption"]) == kept, case["caption"]
