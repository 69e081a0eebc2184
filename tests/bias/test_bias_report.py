"""What a bias study tells: its figures and sentences, from made-up numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mmeval.reporting import bias_figures
from mmeval.reporting.bias_words import reading
from mmeval.reporting.chart import minus


def number(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high, "full_marks": 100.0, "chance": 25.0}


def study_of(**gains: dict[str, float]) -> dict[str, Any]:
    """A study whose controls cost these points of accuracy, and of the subtask `all`."""
    controls = {name.replace("_", "-"): {"gain": {"accuracy": gain, "all": gain}} for name, gain in gains.items()}
    return {"title": "A task", "seen": {"accuracy": number(50, 40, 60)}, "controls": controls}


def test_a_long_name_of_a_subtask_is_whole_and_the_figure_has_the_marks(tmp_path: Path) -> None:
    name = "Fine-grained perception of several objects, cross-instance and single-instance"[:60]
    study = study_of(absent=number(20, 10, 30)) | {"marks": ["limited to 8 of 56 questions"]}
    (path,) = bias_figures.draw(study, {"all": name}, tmp_path)
    texts = re.findall("<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
    assert name.replace(" ", "") in "".join(texts).replace(" ", "")
    assert any("limited to 8 of 56 questions" in text for text in texts)


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
