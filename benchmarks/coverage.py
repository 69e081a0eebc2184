"""How often 95% intervals contain a known truth: `make bench-coverage [RESULTS=MME_FOLDER]`.

Answers are drawn from populations with known rates and scored. The tables show how often `estimate`'s interval contains
the population's number, and `paired`'s the difference. With a folder of MME results, its pictures are the population.
If every cluster is one question, coverage is exact. With few questions it moves in steps; the tables show which
coverages are possible.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.statistics import Mean, Statistic, estimate, paired
from mmeval.types import Estimate, InputError

Array = npt.NDArray[Any]
Draw = Callable[[np.random.Generator], Estimate]
DRAWS = 2000
LEAST, MOST = 0.93, 0.975
"""The bounds of accepted coverage."""
DISCORDANT = ((0.05, 0.0), (0.08, 0.03), (0.15, 0.1), (0.3, 0.3))
SKILLS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
COGNITION = (70, 20, 20, 20)
PERCEPTION = (30, 30, 30, 30, 147, 170, 200, 200, 200, 20)
SPREAD = 4.0
"""Similarity within a picture (alpha + beta of a beta distribution): at 4, a picture's answers correlate by 0.2."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a Markdown table; exit with status 1 if an interval covers less than 93%."""
    parser = argparse.ArgumentParser("python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("folder", nargs="?", help="a folder of MME results, whose pictures are a population, too")
    folder = parser.parse_args(arguments).folder
    try:
        real = list(_real(folder)) if folder else []
    except InputError as error:
        parser.error(str(error))
    print("| number | clusters | covered, from 5% to 95% right | least |\n|---|---|---|---|")
    worst = 1.0
    for name, clusters, cases in (*_made_up(), *real):
        covered = [_covered(draw, truth) for draw, truth in cases]
        worst = min(worst, *covered)
        print(f"| {name} | {clusters} | {', '.join(f'{100 * x:.1f}' for x in covered)} | {100 * min(covered):.1f} |")
        sys.stdout.flush()
    _exact_shares()
    _exact_differences()
    sys.exit(worst < LEAST)


def _exact_shares() -> None:
    """Print the exact coverage of a share, and the coverages possible for any interval over consecutive outcomes."""
    from scipy.stats import binom  # type: ignore[import-untyped]

    print("\n| questions | right | covered | within the bar is possible |\n|---|---|---|---|")
    for n in (20, 30, 40, 100):
        estimates = [_share_of([1.0] * right + [0.0] * (n - right)) for right in range(n + 1)]
        for skill in SKILLS[:4]:
            chances = binom.pmf(range(n + 1), n, skill)
            coverage = chances[[_holds(estimated, 100 * skill) for estimated in estimates]].sum()
            runs = [chances[start:end].sum() for start in range(n + 1) for end in range(start + 1, n + 2)]
            below, above = max(x for x in runs if x < LEAST), min(x for x in runs if x > MOST)
            inside = any(LEAST <= x <= MOST for x in runs)
            possible = "yes" if inside else f"no: {100 * below:.1f} or {100 * above:.1f}"
            print(f"| {n} | {skill:.0%} | {100 * coverage:.1f} | {possible} |")


def _exact_differences() -> None:
    """Print the exact coverage of a difference, for pairs of rates: only the first right, only the second right."""
    from scipy.stats import multinomial

    print("\n| questions | only the first, only the second right: covered |\n|---|---|")
    for n in (20, 40, 100):
        outcomes = [(a, b) for a in range(n + 1) for b in range(n + 1 - a)]
        estimates = [_difference_of(n, a, b) for a, b in outcomes]
        cells = []
        for first, second in DISCORDANT:
            chances = multinomial.pmf([(a, b, n - a - b) for a, b in outcomes], n, (first, second, 1 - first - second))
            coverage = chances[[_holds(estimated, 100 * (first - second)) for estimated in estimates]].sum()
            cells.append(f"{first:.0%}, {second:.0%}: {100 * coverage:.1f}")
        print(f"| {n} | {'; '.join(cells)} |")
        sys.stdout.flush()


def _difference_of(n: int, first_only: int, second_only: int) -> Estimate:
    first = [1.0] * first_only + [0.0] * (n - first_only)
    second = [0.0] * first_only + [1.0] * second_only + [0.0] * (n - first_only - second_only)
    names = [str(number) for number in range(n)]
    return paired(*(Statistic(100.0, None, [((100.0, Mean(marks, names)),)]) for marks in (first, second)))


def _share_of(marks: list[float]) -> Estimate:
    return estimate(Statistic(100.0, None, [((100.0, Mean(marks, [str(n) for n in range(len(marks))])),)]))


def _holds(estimated: Estimate, truth: float) -> bool:
    assert estimated.low is not None
    assert estimated.high is not None
    return estimated.low - 1e-9 <= truth <= estimated.high + 1e-9


def _covered(draw: Draw, truth: float) -> float:
    rng, hits = np.random.default_rng(17), 0
    for _ in range(DRAWS):
        hits += _holds(draw(rng), truth)
    return hits / DRAWS


def _made_up() -> Iterator[tuple[str, str, list[tuple[Draw, float]]]]:
    for clusters in (20, 40, 100, 400):
        yield "questions, one a picture", str(clusters), [(_share(clusters, 1, s, None), 100 * s) for s in SKILLS]
    for clusters in (20, 40, 100):
        cases = [(_share(clusters, 10, s, 20.0), 100 * s) for s in SKILLS]
        yield "questions, ten a picture", str(clusters), cases
    for clusters in (20, 40):
        cases = [(_share(clusters, 10, s, SPREAD), 100 * s) for s in SKILLS]
        yield "questions, ten a picture, unlike", str(clusters), cases
    for clusters in (20, 30, 70, 170):
        yield "MME subtask (two a picture)", str(clusters), [_mme((clusters,), (s,)) for s in SKILLS]
    for name, sizes in (("MME cognition", COGNITION), ("MME perception", PERCEPTION)):
        yield name, "+".join(map(str, sizes)), [_mme(sizes, (s,) * len(sizes)) for s in SKILLS]
        mixed = (0.98, 0.9, 0.6, 0.5, 0.75, 0.6, 0.8, 0.7, 0.7, 0.95)[: len(sizes)]
        yield f"{name}, subtasks from 50% to 98%", "+".join(map(str, sizes)), [_mme(sizes, mixed)]
    for clusters in (60, 200):
        cases = [(_auroc(clusters, apart), 100 * _area(apart)) for apart in (0.0, 0.7, 1.5, 2.3)]
        yield "AUROC of 50 to 95", str(clusters), cases
    for clusters in (20, 40, 100, 400):
        yield "difference, one a picture", str(clusters), [(_pair(clusters, s), 5.0) for s in SKILLS[1:]]


def _share(clusters: int, per_cluster: int, skill: float, spread: float | None) -> Draw:
    names = [str(number // per_cluster) for number in range(clusters * per_cluster)]

    def draw(rng: np.random.Generator) -> Estimate:
        ease = np.full(clusters, skill) if spread is None else rng.beta(spread * skill, spread * (1 - skill), clusters)
        marks = rng.random((clusters, per_cluster)) < ease[:, None]
        return estimate(Statistic(100.0, None, [((100.0, Mean(marks.ravel().astype(float).tolist(), names)),)]))

    return draw


def _mme(sizes: Sequence[int], skills: Sequence[float]) -> tuple[Draw, float]:
    truth = sum(100 * s + 100 * s * (SPREAD * s + 1) / (SPREAD + 1) for s in skills)

    def draw(rng: np.random.Generator) -> Estimate:
        strata = []
        for size, skill in zip(sizes, skills, strict=True):
            ease = rng.beta(SPREAD * skill, SPREAD * (1 - skill), size=(size, 1))
            strata.append(stratum((rng.random((size, 2)) < ease).astype(float)))
        return estimate(Statistic(200.0 * len(sizes), None, strata))

    return draw, truth


def stratum(marks: Array) -> tuple[tuple[float, Mean], ...]:
    """Return a subtask of MME, acc and acc+, from the marks of its pictures, [pictures, 2]."""
    names = [str(number) for number in range(len(marks))]
    acc = Mean(marks.ravel().tolist(), [name for name in names for _ in range(2)])
    return ((100.0, acc), (100.0, Mean(marks.min(axis=1).tolist(), names)))


def _area(apart: float) -> float:
    from scipy.special import ndtr  # type: ignore[import-untyped]

    return float(ndtr(apart / 2**0.5))


def _auroc(clusters: int, apart: float) -> Draw:
    names = [str(number) for number in range(clusters)]
    positive = [number % 2 == 0 for number in range(clusters)]

    def draw(rng: np.random.Generator) -> Estimate:
        values = rng.normal(size=clusters) + apart * np.array(positive)
        return estimate(auroc(values.tolist(), positive, names), resamples=400)

    return draw


def _pair(clusters: int, skill: float) -> Draw:
    """Return a draw of two models that agree on most questions; the first is five points better."""
    names = [str(number) for number in range(clusters)]

    def draw(rng: np.random.Generator) -> Estimate:
        kind = rng.random(clusters)  # of 100, 8 are right only in the first, 3 only in the second
        first_right, second_right = kind < skill, (kind < skill - 0.08) | ((kind >= skill) & (kind < skill + 0.03))
        first, second = (
            Statistic(100.0, None, [((100.0, Mean(marks.astype(float).tolist(), names)),)])
            for marks in (first_right, second_right)
        )
        return paired(first, second)

    return draw


def _real(folder: str) -> Iterator[tuple[str, str, list[tuple[Draw, float]]]]:
    """Use the pictures of a results folder as the population, and draw equally many."""
    from mmeval.task_loading import load_task
    from mmeval.tasks.mme import COGNITION as OF_COGNITION
    from mmeval.tasks.mme import PERCEPTION as OF_PERCEPTION

    task = load_task("mme")
    assert task.read_predictions is not None
    marks: dict[str, dict[str, list[float]]] = {}
    for record in task.read_predictions(folder):
        marks_of_picture = marks.setdefault(record.category, {}).setdefault(record.groups["image"], [])
        marks_of_picture.append(float(task.scorers["official"](record).value or 0.0))
    pairs = {
        name: np.array([pair for pair in by_picture.values() if len(pair) == 2]) for name, by_picture in marks.items()
    }
    groups = {"perception": OF_PERCEPTION, "cognition": OF_COGNITION, **{name: (name,) for name in pairs}}
    for name, subtasks in groups.items():
        populations = [pairs[subtask] for subtask in subtasks]
        truth = sum(200 * float((pictures.mean() + pictures.min(axis=1).mean()) / 2) for pictures in populations)

        def draw(rng: np.random.Generator, populations: Sequence[Array] = populations) -> Estimate:
            drawn = [pictures[rng.integers(len(pictures), size=len(pictures))] for pictures in populations]
            return estimate(Statistic(200.0 * len(drawn), None, [stratum(pictures) for pictures in drawn]))

        sizes = "+".join(str(len(pictures)) for pictures in populations)
        yield f"real answers, {name} ({truth:.0f} of {200 * len(populations)})", sizes, [(draw, truth)]


if __name__ == "__main__":
    main()
