"""The difference of two runs has its own interval: both are resampled by the same clusters, matched by name."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import pytest

from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.metrics.groups import detection
from mmeval.scoring.statistics import Mean, Statistic, estimate, paired
from mmeval.types import Estimate, InputError, Record, Score


def share(values: Sequence[float], names: Sequence[str] | None = None) -> Statistic:
    names = names or [str(number) for number in range(len(values))]
    return Statistic(100.0, None, [((100.0, Mean(values, names)),)])


def half(interval: Estimate) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return (interval.high - interval.low) / 2


def answers(n: int, skill: float, seed: int, ease: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    noise = np.random.default_rng(seed).random(n)
    return [float(x) for x in (0.7 * ease + 0.3 * noise) < skill]


EASE = np.random.default_rng(11).random(600)
ONE, TWO = answers(600, 0.6, 1, EASE), answers(600, 0.55, 2, EASE)


def test_the_standard_error_is_that_of_the_differences() -> None:
    gap = paired(share(ONE), share(TWO))
    differences = 100 * (np.array(ONE) - np.array(TWO))
    assert gap.value == pytest.approx(differences.mean())
    assert half(gap) == pytest.approx(1.964 * differences.std(ddof=1) / math.sqrt(600), rel=0.03)
    assert half(gap) < 0.8 * math.hypot(half(estimate(share(ONE))), half(estimate(share(TWO))))


def test_clusters_are_matched_by_name_whatever_their_order() -> None:
    order = np.random.default_rng(3).permutation(600)
    shuffled = share([TWO[i] for i in order], [str(i) for i in order])
    by_name, aligned = paired(share(ONE), shuffled), paired(share(ONE), share(TWO))
    assert by_name.value == aligned.value
    assert half(by_name) == pytest.approx(half(aligned), rel=0.05)


def test_two_runs_that_never_differed_are_not_proven_the_same() -> None:
    gap = paired(share([1.0, 0.0] * 20), share([1.0, 0.0] * 20))
    assert gap.value == 0.0
    assert gap.low is not None
    assert gap.low == pytest.approx(-(gap.high or 0.0))
    assert 5.0 < half(gap) < 9.0  # 2.02 * sqrt(2) / 42
    assert half(paired(share([1.0] * 2000), share([1.0] * 2000))) < 0.2


def test_the_other_way_round_the_interval_is_mirrored() -> None:
    forward, backward = paired(share(ONE), share(TWO)), paired(share(TWO), share(ONE))
    assert forward.value == -(backward.value or 0.0)
    assert forward.low == pytest.approx(-(backward.high or 0.0), abs=0.1)
    assert forward.high == pytest.approx(-(backward.low or 0.0), abs=0.1)


def test_a_sum_of_strata_adds_their_variances() -> None:
    def total(values: Sequence[float]) -> Statistic:
        names = [str(number) for number in range(300)]  # the same file names in both subtasks
        strata = [((200.0, Mean(values[:300], names)),), ((200.0, Mean(values[300:], names)),)]
        return Statistic(400.0, None, strata)

    gap, differences = paired(total(ONE), total(TWO)), 200 * (np.array(ONE) - np.array(TWO))
    assert gap.value == pytest.approx(differences[:300].mean() + differences[300:].mean())
    error = math.sqrt(differences[:300].var(ddof=1) / 300 + differences[300:].var(ddof=1) / 300)
    assert half(gap) == pytest.approx(1.968 * error, rel=0.03)


def test_areas_are_compared_on_the_same_draws() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 200)
    values = truth + rng.normal(size=200)
    near = values + 0.1 * rng.normal(size=200)
    names, positive = [str(number) for number in range(200)], [bool(t) for t in truth]
    gap = paired(auroc(list(values), positive, names), auroc(list(near), positive, names))

    def area(
        x: np.ndarray[tuple[int], np.dtype[np.float64]], rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> float:
        high, low = x[rows][truth[rows] == 1], x[rows][truth[rows] == 0]
        return float(100 * np.mean(high[:, None] > low[None, :]) + 50 * np.mean(high[:, None] == low[None, :]))

    draws = [rng.integers(200, size=200) for _ in range(500)]
    error = float(np.std([area(values, rows) - area(near, rows) for rows in draws]))
    assert half(gap) == pytest.approx(1.98 * error, rel=0.35)
    assert half(gap) < 0.4 * half(estimate(auroc(list(values), positive, names)))


def test_f1_of_two_models_on_the_same_questions() -> None:
    rng = np.random.default_rng(6)
    truth = ["yes" if t else "no" for t in rng.integers(0, 2, 300)]
    records = [Record(str(n), (t,), groups={"image": str(n // 3)}) for n, t in enumerate(truth)]

    def f1(skill: float, seed: int) -> Statistic:
        random = np.random.default_rng(seed)
        answered = [t if random.random() < skill else "yes" for t in truth]
        scores = [
            Score(float(a == t), "correct" if a == t else "incorrect", a) for a, t in zip(answered, truth, strict=True)
        ]
        return detection(records, scores, "image")["f1"]

    gap = paired(f1(0.9, 1), f1(0.5, 2))
    assert gap.low is not None
    assert gap.low > 0
    assert half(gap) < math.hypot(half(estimate(f1(0.9, 1))), half(estimate(f1(0.5, 2))))


def test_a_question_that_only_one_answered_counts_there() -> None:
    gap = paired(share([1.0] * 40 + [0.0] * 40), share([1.0] * 40, [str(number) for number in range(40)]))
    assert gap.value == -50.0


def test_without_a_value_there_is_no_difference() -> None:
    missing = Statistic(100.0, None, reason="no question of OCR")
    gap = paired(share([1.0, 0.0]), missing)
    assert (gap.value, gap.low, gap.reason) == (None, None, "no question of OCR")


def test_numbers_that_do_not_compare_are_refused() -> None:
    with pytest.raises(InputError, match="of different kinds"):
        paired(share([1.0]), Statistic(200.0, None, [((200.0, Mean([1.0], ["0"])),)]))
    with pytest.raises(InputError, match="no question in common"):
        paired(share([1.0], ["a"]), share([1.0], ["b"]))


def test_two_runs_of_all_of_mme_are_compared_in_two_seconds() -> None:
    rng, sizes = np.random.default_rng(0), [30, 30, 30, 30, 147, 170, 200, 200, 200, 20, 70, 20, 20, 20]

    def run() -> Statistic:
        strata = []
        for part, size in enumerate(sizes):
            names, marks = [f"{part}/{n}" for n in range(size)], rng.integers(0, 2, (size, 2)).astype(float)
            acc = Mean([float(x) for x in marks.ravel()], [name for name in names for _ in range(2)])
            strata.append(((100.0, acc), (100.0, Mean([float(x) for x in marks.min(axis=1)], names))))
        return Statistic(2800.0, 1050.0, strata)

    first, second = run(), run()
    start = time.process_time()
    paired(first, second)
    assert time.process_time() - start < 2.0
