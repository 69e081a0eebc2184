"""Intervals are of the reported number, over the right clusters, and claim nothing that was not observed."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
import scipy.stats  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from mmeval.scoring.functionals import StratumPart, freedom_of, resample, variance_of
from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.sampled import average
from mmeval.scoring.significance import p_value
from mmeval.scoring.statistics import Mean, Statistic, Stratum, estimate, paired
from mmeval.types import Estimate


def mme(pictures: list[tuple[int, int]]) -> Stratum:
    """A subtask of MME: of each picture, whether the first and the second question were answered right."""
    names = [str(number) for number in range(len(pictures))]
    questions = Mean([float(x) for pair in pictures for x in pair], [name for name in names for _ in range(2)])
    both = Mean([float(all(pair)) for pair in pictures], names)
    return ((100.0, questions), (100.0, both))


def score(pictures: list[tuple[int, int]]) -> Estimate:
    return estimate(Statistic(200.0, 75.0, [mme(pictures)]))


def proportion(right: int, n: int) -> Estimate:
    names = [str(number) for number in range(n)]
    return estimate(Statistic(1.0, 0.5, [((1.0, Mean([1.0] * right + [0.0] * (n - right), names)),)]))


def wilson_low(n: int) -> float:
    """Wilson's lower limit for n of n, from the textbook formula, with Student's quantile."""
    z = float(scipy.stats.t.ppf(0.975, n - 1))
    return (1 + z * z / (2 * n) - z * math.sqrt(z * z / (4 * n * n))) / (1 + z * z / n)


def test_value_by_hand() -> None:
    # 5 of 6 questions, 2 of 3 pictures: 83.33 + 66.67
    result = score([(1, 1), (1, 0), (1, 1)])
    assert result.value == pytest.approx(150.0)
    assert (result.n, result.full_marks, result.chance) == (6, 200.0, 75.0)


@pytest.mark.parametrize("n", [2, 10, 30, 200])
def test_where_all_are_right_the_limit_is_wilsons(n: int) -> None:
    result = proportion(n, n)
    assert (result.value, result.high) == (1.0, 1.0)
    assert result.low == pytest.approx(wilson_low(n))


@pytest.mark.parametrize("right", [1, 7, 20, 39])
def test_single_questions_have_wilsons_interval(right: int) -> None:
    # with Student's quantile, and the variance's n - 1, in the textbook formula
    n, p = 40, right / 40
    t = float(scipy.stats.t.ppf(0.975, n - 1))
    middle, spread = p + t * t / (2 * n), t * math.sqrt(p * (1 - p) / (n - 1) + t * t / (4 * n * n))
    result = proportion(right, n)
    assert result.low == pytest.approx((middle - spread) / (1 + t * t / n))
    assert result.high == pytest.approx((middle + spread) / (1 + t * t / n))


def test_one_cluster_tells_nothing() -> None:
    result = score([(1, 1)])
    assert (result.low, result.high) == (0.0, 200.0)


def test_all_wrong_mirrors_all_right() -> None:
    low, high = score([(0, 0)] * 10), score([(1, 1)] * 10)
    assert (low.value, low.low) == (0.0, 0.0)
    assert high.low is not None
    assert low.high == pytest.approx(200 - high.low)


def test_always_yes_agrees_everywhere_and_still_has_width() -> None:
    # every picture has the same two marks, so that a variance alone says 50 to 50
    result = score([(1, 0)] * 30)
    assert result.low is not None
    assert result.high is not None
    assert result.low < 50.0 < result.high
    assert result.high > 55.0


def test_one_wrong_picture_does_not_narrow_the_interval() -> None:
    # the plain percentile bootstrap is narrower at 29 of 30 than Wilson at 30 of 30
    lows = [score([(1, 1)] * right + [(0, 0)] * (30 - right)).low or 0.0 for right in (30, 29, 28)]
    assert lows == sorted(lows, reverse=True)


def test_a_bootstrap_over_pictures_not_questions() -> None:
    # the two answers of a picture always agree: 100 questions tell as much as 50
    by_picture = score([(1, 1), (0, 0)] * 25)
    by_question = estimate(Statistic(1.0, 0.5, [((1.0, Mean([1.0, 0.0] * 50, [str(i) for i in range(100)])),)]))
    assert by_picture.low is not None
    assert by_question.low is not None
    assert (100.0 - by_picture.low) / 200 > 1.3 * (0.5 - by_question.low)


def test_against_the_normal_formula_on_many_clusters() -> None:
    result = proportion(1200, 2000)
    error = 1.96 * math.sqrt(0.6 * 0.4 / 2000)
    assert result.low == pytest.approx(0.6 - error, abs=0.002)
    assert result.high == pytest.approx(0.6 + error, abs=0.002)


def test_a_total_adds_the_variances_of_its_strata() -> None:
    random = np.random.default_rng(2)
    strata = [mme([(int(a), int(b)) for a, b in random.integers(0, 2, (200, 2))]) for _ in range(4)]
    total = estimate(Statistic(800.0, 300.0, strata))
    parts = [estimate(Statistic(200.0, 75.0, [stratum])) for stratum in strata]
    widths = [(part.high or 0.0) - (part.low or 0.0) for part in parts]
    assert total.value == pytest.approx(sum(part.value or 0.0 for part in parts))
    assert (total.high or 0.0) - (total.low or 0.0) == pytest.approx(math.hypot(*widths), rel=0.03)


def test_a_total_of_strata_without_a_mistake_has_a_width() -> None:
    total = estimate(Statistic(400.0, 150.0, [mme([(1, 1)] * 20), mme([(1, 1)] * 20)]))
    assert total.low is not None
    assert 340.0 < total.low < 390.0


def test_the_variance_is_that_of_ten_thousand_resamples_of_all_of_mme() -> None:
    random = np.random.default_rng(0)
    start, linear, drawn = time.process_time(), [], []
    for size in (30, 30, 30, 30, 147, 170, 200, 200, 200, 20, 70, 20, 20, 20):
        ease = random.beta(2, 1, size=(size, 1))
        part = StratumPart(mme([(int(a), int(b)) for a, b in random.random((size, 2)) < ease]))
        linear.append(variance_of(np.array(list(part.influence().values()))))
        drawn.append(float(np.var(resample([part], 10_000)[0])) * size / (size - 1))
    assert time.process_time() - start < 2.0
    assert linear == pytest.approx(drawn, rel=0.1)
    assert sum(linear) == pytest.approx(sum(drawn), rel=0.02)


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


def test_the_order_of_the_answers_changes_nothing() -> None:
    pictures = [(1, 1), (0, 1), (0, 0)] * 7
    forward, backward = score(pictures), score(pictures[::-1])
    assert forward.value == backward.value
    assert forward.low == pytest.approx(backward.low)
    assert forward.high == pytest.approx(backward.high)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_answers_changes_no_digit(seed: int) -> None:
    # batches, servers and several processes answer in any order; the scores of a run must be the same
    random = np.random.default_rng(seed)
    values, other = random.random((2, 90))
    names, truth = [str(n) for n in random.integers(30, size=90)], random.random(90) < values

    def numbers(order: Any) -> list[object]:
        clusters = [names[n] for n in order]
        mean, second = (
            Statistic(100.0, None, [((100.0, Mean(answers[order].tolist(), clusters)),)]) for answers in (values, other)
        )
        area = auroc(values[order].tolist(), truth[order].tolist(), clusters)
        return [
            estimate(mean),
            estimate(area),
            estimate(average([area, area])),
            paired(mean, second),
            p_value(mean, second),
        ]

    assert numbers(random.permutation(90)) == numbers(np.arange(90))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_the_interval_holds_the_value_and_stays_within_the_marks(pictures: list[tuple[int, int]]) -> None:
    result = score(pictures)
    assert result.value is not None
    assert result.low is not None
    assert result.high is not None
    assert 0.0 <= result.low <= result.value <= result.high <= 200.0
    assert result.high - result.low >= 200.0 * 3.84 / (1.5 * len(pictures) + 3.84) * 0.999  # Wilson's of all answers


@pytest.mark.slow
@pytest.mark.parametrize(("pictures", "skill"), [(20, 0.6), (20, 0.95), (30, 0.95), (30, 0.1), (170, 0.5)])
def test_coverage(pictures: int, skill: float) -> None:
    # pictures differ in how hard they are, so the two answers of a picture go together; benchmarks/coverage.py has more
    random = np.random.default_rng(7)
    truth = 100 * skill + 100 * (4 * skill + 1) * skill / 5  # E[ease] and E[ease^2]
    hits = 0
    for _ in range(600):
        ease = random.beta(4 * skill, 4 * (1 - skill), size=(pictures, 1))
        result = score([(int(a), int(b)) for a, b in random.random((pictures, 2)) < ease])
        assert result.low is not None
        assert result.high is not None
        hits += result.low <= truth <= result.high
    assert 0.92 <= hits / 600 <= 0.99


@pytest.mark.slow
def test_coverage_of_few_pictures_that_are_unlike() -> None:
    # ten questions a picture, most pictures without a right answer: their variance is too small as often as not
    random, hits, names = np.random.default_rng(11), 0, [str(number // 10) for number in range(200)]
    for _ in range(1500):
        ease = random.beta(0.2, 3.8, size=(20, 1))
        marks = (random.random((20, 10)) < ease).astype(float).ravel().tolist()
        result = estimate(Statistic(100.0, None, [((100.0, Mean(marks, names)),)]))
        assert result.low is not None and result.high is not None
        hits += result.low <= 5.0 <= result.high
    assert 0.93 <= hits / 1500 <= 0.98  # with one degree less than pictures 0.91


def test_the_degrees_of_freedom_of_a_variance_are_those_of_its_values() -> None:
    assert freedom_of(np.array([1.0, -1.0] * 10)) == 19.0
    assert freedom_of(np.array([19.0] + [-1.0] * 19)) == pytest.approx(2.0, rel=0.11)
    normal = freedom_of(np.random.default_rng(0).normal(size=2000))
    assert normal == pytest.approx(2 * 2000 / 3, rel=0.1)


@pytest.mark.parametrize("skill", [0.1, 0.5, 0.7])
def test_exact_coverage_of_forty_questions(skill: float) -> None:
    chances = scipy.stats.binom.pmf(range(41), 40, skill)
    intervals = [proportion(right, 40) for right in range(41)]
    covered = [(interval.low or 0.0) <= skill <= (interval.high or 0.0) for interval in intervals]
    assert 0.93 <= float(chances[covered].sum()) <= 0.975


def test_all_of_mme_takes_no_time() -> None:
    random = np.random.default_rng(0)
    sizes = [30, 30, 30, 30, 147, 170, 200, 200, 200, 20, 70, 20, 20, 20]
    strata = [mme([(int(a), int(b)) for a, b in random.integers(0, 2, (size, 2))]) for size in sizes]
    start = time.process_time()
    estimate(Statistic(2800.0, 1050.0, strata))
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "has either strata, or a functional, or a reason"),
        ({"strata": [((100.0, Mean([1.0], ["a"])),)], "reason": "no answer"}, "has either strata, or a functional"),
        ({"strata": [((100.0, Mean([], [])),)]}, "means have values, each with its cluster"),
        ({"strata": [((100.0, Mean([1.0], ["a", "b"])),)]}, "means have values, each with its cluster"),
    ],
)
def test_a_number_is_of_one_kind_and_of_something(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Statistic(100.0, None, **parts)
