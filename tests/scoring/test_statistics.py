"""An interval is of the reported number, over the right clusters, and never claims what was not seen."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmeval.scoring.statistics import Mean, Statistic, Stratum, estimate, unseen
from mmeval.types import Estimate


def mme(pictures: list[tuple[int, int]]) -> Stratum:
    """A subtask of MME: of each picture, whether the first and the second question were answered right."""
    names = [str(number) for number in range(len(pictures))]
    questions = Mean([float(x) for pair in pictures for x in pair], [name for name in names for _ in range(2)])
    both = Mean([float(all(pair)) for pair in pictures], names)
    return ((100.0, questions), (100.0, both))


def score(pictures: list[tuple[int, int]], seed: int = 0) -> Estimate:
    return estimate(Statistic(200.0, 75.0, [mme(pictures)]), seed=seed)


def proportion(right: int, n: int) -> Estimate:
    names = [str(number) for number in range(n)]
    return estimate(Statistic(1.0, 0.5, [((1.0, Mean([1.0] * right + [0.0] * (n - right), names)),)]))


def wilson_low(n: int) -> float:
    """Wilson's lower limit for n of n, from the textbook formula."""
    z = 1.959963984540054
    return (1 + z * z / (2 * n) - z * math.sqrt(z * z / (4 * n * n))) / (1 + z * z / n)


def test_value_by_hand() -> None:
    # 5 of 6 questions, 2 of 3 pictures: 83.33 + 66.67
    result = score([(1, 1), (1, 0), (1, 1)])
    assert result.value == pytest.approx(150.0)
    assert (result.n, result.full_marks, result.chance) == (6, 200.0, 75.0)


@pytest.mark.parametrize("n", [1, 2, 10, 30, 200])
def test_where_all_are_right_the_limit_is_wilsons(n: int) -> None:
    result = score([(1, 1)] * n)
    assert (result.value, result.high) == (200.0, 200.0)
    assert result.low == pytest.approx(200 * wilson_low(n))


@pytest.mark.parametrize("n", [1, 10])
def test_all_wrong_mirrors_all_right(n: int) -> None:
    result = score([(0, 0)] * n)
    assert (result.value, result.low) == (0.0, 0.0)
    assert result.high == pytest.approx(200 * (1 - wilson_low(n)))


def test_always_yes_agrees_everywhere_and_still_has_width() -> None:
    # every picture has the same two marks, so that a bootstrap alone says 50 to 50
    result = score([(1, 0)] * 30)
    assert result.low is not None
    assert result.high is not None
    assert result.low < 50.0 < result.high
    assert result.high > 60.0


def test_one_wrong_picture_does_not_narrow_the_interval() -> None:
    # the plain percentile bootstrap is narrower at 29 of 30 than Wilson at 30 of 30
    lows = [score([(1, 1)] * right + [(0, 0)] * (30 - right)).low or 0.0 for right in (30, 29, 28)]
    assert lows == sorted(lows, reverse=True)


def test_a_bootstrap_over_pictures_not_questions() -> None:
    # the two answers of a picture always agree: 100 questions tell as much as 50
    together = score([(1, 1), (0, 0)] * 25)
    apart = estimate(Statistic(1.0, 0.5, [((1.0, Mean([1.0, 0.0] * 50, [str(i) for i in range(100)])),)]))
    assert together.low is not None
    assert apart.low is not None
    assert (100.0 - together.low) / 200 > 1.3 * (0.5 - apart.low)


def test_against_the_normal_formula_on_many_clusters() -> None:
    result = proportion(1200, 2000)
    error = 1.96 * math.sqrt(0.6 * 0.4 / 2000)
    assert result.low == pytest.approx(0.6 - error, abs=0.002)
    assert result.high == pytest.approx(0.6 + error, abs=0.002)


def test_a_total_combines_the_distances_of_its_strata() -> None:
    strata = [mme([(1, 1)] * 20), mme([(1, 1), (0, 1), (0, 0), (1, 0)] * 5)]
    total = estimate(Statistic(400.0, 150.0, strata))
    parts = [estimate(Statistic(200.0, 75.0, [stratum])) for stratum in strata]
    distances = [(part.value or 0.0) - (part.low or 0.0) for part in parts]
    assert total.value == pytest.approx(sum(part.value or 0.0 for part in parts))
    assert distances[0] > 0  # the stratum without a mistake keeps its width in the total
    assert (total.value or 0.0) - (total.low or 0.0) == pytest.approx(math.hypot(*distances))


def test_a_reason_in_place_of_a_value() -> None:
    result = estimate(Statistic(200.0, 75.0, reason="no question of OCR"))
    assert (result.value, result.low, result.high, result.n, result.reason) == (
        None,
        None,
        None,
        0,
        "no question of OCR",
    )


def test_a_mean_that_few_clusters_have() -> None:
    # most pictures have one question with an error, so a resample may hold no whole picture
    names = [str(number) for number in range(20)]
    result = estimate(Statistic(200.0, 75.0, [((100.0, Mean([1.0, 0.0] * 10, names)), (100.0, Mean([1.0], ["3"])))]))
    assert result.value == pytest.approx(150.0)
    assert result.low is not None
    assert math.isfinite(result.low)


def test_the_same_seed_the_same_interval() -> None:
    pictures = [(1, 1), (0, 1), (0, 0)] * 7
    assert score(pictures) == score(pictures)
    assert score(pictures) != score(pictures, seed=1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_the_interval_holds_the_value_and_stays_within_the_marks(pictures: list[tuple[int, int]]) -> None:
    result = score(pictures)
    assert result.value is not None
    assert result.low is not None
    assert result.high is not None
    assert 0.0 <= result.low <= result.value <= result.high <= 200.0
    assert result.high - result.low >= 200.0 * unseen(len(pictures)) * 0.999


@pytest.mark.parametrize(("pictures", "skill"), [(20, 0.6), (20, 0.95), (30, 0.8), (170, 0.5)])
def test_coverage(pictures: int, skill: float) -> None:
    # pictures differ in how hard they are, so the two answers of a picture go together
    random = np.random.default_rng(7)
    runs = 300

    def draw(number: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        ease = random.beta(4 * skill, 4 * (1 - skill), size=(number, 1))
        return (random.random((number, 2)) < ease).astype(np.int64)

    truth = 100 * skill + 100 * (4 * skill + 1) * skill / 5  # E[ease] and E[ease^2]
    hits = 0
    for _ in range(runs):
        result = estimate(Statistic(200.0, 75.0, [mme([(int(a), int(b)) for a, b in draw(pictures)])]), resamples=400)
        assert result.low is not None
        assert result.high is not None
        hits += result.low <= truth <= result.high
    assert hits / runs >= 0.92


def test_all_of_mme_takes_no_time() -> None:
    random = np.random.default_rng(0)
    sizes = [30, 30, 30, 30, 147, 170, 200, 200, 200, 20, 70, 20, 20, 20]
    strata = [mme([(int(a), int(b)) for a, b in random.integers(0, 2, (size, 2))]) for size in sizes]
    start = time.perf_counter()
    estimate(Statistic(2800.0, 1050.0, strata))
    assert time.perf_counter() - start < 0.5
