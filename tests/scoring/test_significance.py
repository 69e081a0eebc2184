"""p-values, their correction, equivalence and power, against scipy, statsmodels and hand counts."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats  # type: ignore[import-untyped]

from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.significance import MCNEMAR, SIGN_FLIP, detectable, equivalence, holm, p_value, power
from mmeval.scoring.statistics import Mean, Statistic, difference


def share(values: Sequence[float], each: int = 1) -> Statistic:
    names = [str(number // each) for number in range(len(values))]
    return Statistic(100.0, None, [((100.0, Mean(values, names)),)])


def test_mcnemar_counts_the_questions_that_only_one_has_right() -> None:
    first, second = [1.0] * 9 + [0.0] * 2 + [1.0] * 30, [0.0] * 9 + [1.0] * 2 + [1.0] * 30
    value, name = p_value(share(first), share(second))
    assert name == MCNEMAR
    assert value == pytest.approx(2 * sum(math.comb(11, k) for k in range(3)) / 2**11)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 3), (5, 5), (7, 8), (120, 90)])
def test_mcnemar_equals_scipys_binomial_test(first: int, second: int) -> None:
    first_marks, second_marks = [1.0] * (first + 4) + [0.0] * second, [0.0] * first + [1.0] * (second + 4)
    expected = scipy.stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert p_value(share(first_marks), share(second_marks))[0] == pytest.approx(expected)


@pytest.mark.parametrize("shift", [0, 0.5, 2, 5, 10, 40])
@pytest.mark.parametrize("clusters", [2, 11, 301])
def test_power_is_a_noncentral_t(shift: float, clusters: int) -> None:
    bound = scipy.stats.t.ppf(0.975, clusters - 1)
    expected = scipy.stats.nct.sf(bound, clusters - 1, shift) + scipy.stats.nct.sf(bound, clusters - 1, -shift)
    assert power(shift, math.sqrt(clusters), clusters) == pytest.approx(expected)


@pytest.mark.slow
def test_scipy_stats_is_not_imported_because_it_is_slow() -> None:
    code = (
        "import sys; from mmeval.scoring.significance import *; from mmeval.scoring.statistics import *\n"
        "a, b = (Statistic(1.0, None, [((1.0, Mean(list(x), list('abc'))),)]) for x in ([1, 0, 1], [0, 0, 0]))\n"
        "p_value(a, b), power(1, 1, 9), equivalence(difference(a, b), 1)\n"
        "assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_runs_alike_have_a_p_value_of_one() -> None:
    assert p_value(share([1.0, 0.0] * 9), share([1.0, 0.0] * 9)) == (1.0, MCNEMAR)
    assert p_value(share([1.0, 0.0] * 9, 2), share([1.0, 0.0] * 9, 2)) == (1.0, SIGN_FLIP)


def test_few_clusters_are_swapped_in_all_ways() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 2, 24).astype(float), rng.integers(0, 2, 24).astype(float)
    gaps = (first - second).reshape(8, 3).sum(axis=1)
    flips = [abs(float(np.dot(signs, gaps))) for signs in itertools.product((1, -1), repeat=8)]
    expected = np.mean([flip >= abs(gaps.sum()) - 1e-9 for flip in flips])
    value, name = p_value(share(first.tolist(), 3), share(second.tolist(), 3))
    assert value == pytest.approx(expected)
    assert name == SIGN_FLIP


@pytest.mark.slow
def test_many_clusters_are_swapped_as_scipy_does() -> None:
    rng = np.random.default_rng(4)
    first = (rng.random(240) < 0.6).astype(float)
    second = np.where(rng.random(240) < 0.75, first, (rng.random(240) < 0.3).astype(float))
    pairs = (first.reshape(80, 3).mean(axis=1), second.reshape(80, 3).mean(axis=1))
    expected = scipy.stats.permutation_test(
        pairs, lambda a, b: a.mean() - b.mean(), permutation_type="samples", n_resamples=20_000, rng=1
    ).pvalue
    assert p_value(share(first.tolist(), 3), share(second.tolist(), 3))[0] == pytest.approx(expected, abs=0.012)


def test_no_p_value_of_a_few_clusters_is_below_that_of_the_observed_swap() -> None:
    rng = np.random.default_rng(0)
    for number in range(100):
        names = [str(index % 5) for index in range(8)]
        truth = [bool(positive) for positive in rng.permutation([True] * (1 + number % 7) + [False] * (7 - number % 7))]
        good, bad = (auroc([*map(float, rng.random(8))], truth, names) for _ in range(2))
        assert p_value(good, bad)[0] >= 2 / 2**5  # no swap at all, and that of all clusters


def test_a_functional_is_tested_by_its_linear_part() -> None:
    rng = np.random.default_rng(5)
    truth = [bool(x) for x in rng.integers(0, 2, 120)]
    names = [str(number) for number in range(120)]
    good, bad = (rng.normal(size=120) + shift * np.array(truth) for shift in (2.0, 0.2))
    similar = good + 0.01 * rng.normal(size=120)
    assert p_value(auroc(good.tolist(), truth, names), auroc(bad.tolist(), truth, names))[0] < 0.001
    assert p_value(auroc(good.tolist(), truth, names), auroc(similar.tolist(), truth, names))[0] > 0.05


@pytest.mark.slow
def test_where_nothing_differs_few_p_values_are_small() -> None:
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(200):
        ease = rng.random((40, 1))
        first, second = ((rng.random((40, 2)) < ease).astype(float).ravel().tolist() for _ in range(2))
        rejected += p_value(share(first, 2), share(second, 2))[0] <= 0.05
    assert rejected <= 18  # of 200 at 5%, 10 are to be expected


def test_holm_by_hand() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == [pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06)]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_equivalence_needs_a_margin_wider_than_the_interval() -> None:
    rng = np.random.default_rng(7)
    first = (rng.random(2000) < 0.6).astype(float)
    second = np.where(rng.random(2000) < 0.98, first, 1 - first)
    gap = difference(share(first.tolist()), share(second.tolist()))
    gaps = 100 * (first - second)
    for margin in (0.3, 0.6, 1.0):
        upper = scipy.stats.ttest_1samp(gaps, -margin, alternative="greater").pvalue
        lower = scipy.stats.ttest_1samp(gaps, margin, alternative="less").pvalue
        assert equivalence(gap, margin) == pytest.approx(max(upper, lower), abs=0.01)
    assert equivalence(gap, 0.01) > 0.05 > equivalence(gap, 2.0)


def test_the_power_of_what_is_detectable_is_the_power_asked_for() -> None:
    rng = np.random.default_rng(8)
    first, second = (share((rng.random(300) < 0.5).astype(float).tolist()) for _ in range(2))
    gap = difference(first, second)
    least = detectable(gap, 100.0)
    assert least is not None
    assert least == pytest.approx((1.968 + 0.844) * gap.error, rel=0.01)
    assert power(least, gap.error * math.sqrt(300), 300) == pytest.approx(0.8, abs=0.001)


@pytest.mark.parametrize("sizes", [(3, 1), (99, 1), (9999, 1), (1, 1)])
def test_few_unequal_clusters_detect_no_possible_difference(sizes: tuple[int, int]) -> None:
    clusters = [name for name, size in zip("ab", sizes, strict=True) for _ in range(size)]
    marks = [float(index % 2) for index in range(len(clusters))]
    first, second = (
        Statistic(100.0, None, [((100.0, Mean(values, clusters)),)]) for values in (marks, [1 - x for x in marks])
    )
    assert detectable(difference(first, second), 100.0) is None


def test_power_by_simulation() -> None:
    rng = np.random.default_rng(9)
    draws = 0.4 + rng.normal(size=(4000, 40))
    simulated = (scipy.stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05).mean()
    assert power(0.4, 1.0, 40) == pytest.approx(simulated, abs=0.03)


def test_against_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables", reason="statsmodels is not installed")
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    power_of = pytest.importorskip("statsmodels.stats.power").TTestPower()

    first, second = [1.0] * 14 + [0.0] * 5 + [1.0] * 30, [0.0] * 14 + [1.0] * 5 + [1.0] * 30
    expected = tables.mcnemar([[30, 14], [5, 0]], exact=True).pvalue
    assert p_value(share(first), share(second))[0] == pytest.approx(expected)
    p_values = [0.001, 0.2, 0.04, 0.03, 0.04]
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert power(0.3, 1.0, 50) == pytest.approx(power_of.power(0.3, 50, 0.05), abs=1e-6)
