"""Real predictions of others: what they show about language bias, without a model."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from mmeval.bias.study import of_file
from tests.parity.conftest import Recordings


def test_lavins_answers_have_yes_ratio_and_d_prime_with_intervals(fixtures: Recordings) -> None:
    folder = fixtures / "mme_lavin/results"
    study = of_file("mme", str(folder), None, None)
    lines = [line.split("\t") for path in sorted(Path(folder).glob("*.txt")) for line in path.read_text().splitlines()]
    yes = [line[3].strip().lower()[:4].startswith("yes") for line in lines]
    true = [line[2].strip().lower() == "yes" for line in lines]
    assert study.n == len(lines) == 2374
    assert study.yes_no is not None
    numbers = {key.name: getattr(study.yes_no, key.name) for key in fields(study.yes_no)}
    assert numbers["yes_ratio"].value == pytest.approx(100 * sum(yes) / len(yes), abs=0.5)
    assert numbers["pct_diff"].value == pytest.approx((sum(yes) - sum(true)) / len(yes), abs=0.005)
    for name, estimate in (*numbers.items(), ("accuracy", study.seen["accuracy"])):
        assert estimate.low < estimate.value < estimate.high, name
    assert numbers["d_prime"].low > 0.4 and numbers["criterion"].low > 0  # sees a little, leans to no
    assert study.rows["always yes, the majority"]["perception"] == 500.0
