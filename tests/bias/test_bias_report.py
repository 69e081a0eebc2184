"""What a bias study tells: its figures and sentences, from made-up numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from mmeval.reporting import bias_figures
from mmeval.reporting.bias_words import reading
from mmeval.reporting.chart import minus
from mmeval.runs.study import Control, Flips, Length, Study
from mmeval.types import Estimate
from tests.bias.studies import made_up, number


def study_of(**gains: Estimate) -> Study:
    """A study whose controls cost these points of accuracy, and of the subtask `all`."""
    accuracy, changed, flips = number(30, 20, 40), number(60, 50, 70), Flips(8, 0)
    controls = {
        name.replace("_", "-"): Control(
            about="", acts="", n=40, accuracy=accuracy, gain={"accuracy": gain, "all": gain}, changed=changed,
            flips=flips,
        )
        for name, gain in gains.items()
    }  # fmt: skip
    return made_up(controls=controls)


def test_a_long_name_of_a_subtask_is_whole_and_the_figure_has_the_marks(tmp_path: Path) -> None:
    name = "Fine-grained perception of several objects, cross-instance and single-instance"[:60]
    study = replace(study_of(absent=number(20, 10, 30)), marks=["limited to 8 of 56 questions"], axes={"all": name})
    (path,) = bias_figures.draw(study, tmp_path)
    texts = re.findall("<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
    assert name.replace(" ", "") in "".join(texts).replace(" ", "")
    assert any("limited to 8 of 56 questions" in text for text in texts)


def test_lengths_are_not_drawn_if_no_tokens_were_counted(tmp_path: Path) -> None:
    accuracy, gain = number(50, 40, 60), number(20, 10, 30)
    lengths = [Length(passage, 0.0, gain, accuracy, accuracy) for passage in (0, 100)]
    assert not bias_figures.draw(made_up(length=lengths), tmp_path)
    lengths[1] = replace(lengths[1], input_tokens=120.0)
    assert [path.name for path in bias_figures.draw(made_up(length=lengths), tmp_path)] == ["bias-length.svg"]


def test_a_sentence_claims_what_its_interval_shows() -> None:
    study = study_of(shots_none=number(20, 10, 30), shots_blind=number(5, -5, 15), shots_other=number(-20, -30, -10))
    text = "\n".join(reading(study))
    assert "Without demonstrations it loses 20.0 (10.0 to 30.0) points: its answers depend on the demonst" in text
    assert "without their pictures it loses 5.0 (-5.0 to 15.0) points; the interval covers zero" in text
    assert "of another task it gains 20.0 (10.0 to 30.0) points: the demonstrations' task lowers its accuracy" in text


def test_only_negative_numbers_get_a_minus_sign() -> None:
    assert minus("swap-category-0: -1.5 (-2.0 to 3.0), 2026-11-27") == (
        "swap-category-0: \N{MINUS SIGN}1.5 (\N{MINUS SIGN}2.0 to 3.0), 2026-11-27"
    )
