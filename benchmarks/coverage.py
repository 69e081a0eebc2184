"""How often 95% intervals hold the truth, where the truth is known: `make bench-coverage [RESULTS=MME_FOLDER]`.

Answers are drawn from populations of known rates, scored, and counted: how often `estimate`'s interval holds the
number of the population, `paired`'s the difference. With a folder of MME results, its pictures are the population.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.statistics import Mean, Statistic, estimate, paired
from mmeval.types import Estimate

Array = npt.NDArray[Any]
Draw = Callable[[np.random.Generator], Estimate]
DRAWS = 2000
SKILLS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
COGNITION = (70, 20, 20, 20)
PERCEPTION = (30, 30, 30, 30, 147, 170, 200, 200, 200, 20)
SPREAD = 4.0
"""How alike pictures are (of a beta distribution, alpha + beta): at 4, a picture's answers correlate by 0.2."""


def main(folder: str | None) -> None:
    """Measure, and print a Markdown table; exit with status 1 where an interval covers less than 93%."""
    print("| number | clusters | covered, from 5% to 95% right | least |\n|---|---|---|---|")
    worst = 1.0
    for name, clusters, cases in (*_made_up(), *(_real(folder) if folder else ())):
        found = [_covered(draw, truth) for draw, truth in cases]
        worst = min(worst, *found)
        print(f"| {name} | {clusters} | {', '.join(f'{100 * x:.1f}' for x in found)} | {100 * min(found):.1f} |")
        sys.stdout.flush()
    sys.exit(worst < 0.93)


def _covered(draw: Draw, truth: float) -> float:
    rng, hits = np.random.default_rng(17), 0
    for _ in range(DRAWS):
        found = draw(rng)
        assert found.low is not None
        assert found.high is not None
        hits += found.low - 1e-9 <= truth <= found.high + 1e-9
    return hits / DRAWS


def _made_up() -> Iterator[tuple[str, str, list[tuple[Draw, float]]]]:
    for clusters in (20, 40, 100, 400):
        yield "questions, one a picture", str(clusters), [(_share(clusters, 1, s, None), 100 * s) for s in SKILLS]
    for clusters in (20, 40, 100):
        cases = [(_share(clusters, 10, s, 20.0), 100 * s) for s in SKILLS]
        yield "questions, ten a picture", str(clusters), cases
    yield "questions, ten a picture, unlike", "20", [(_share(20, 10, s, SPREAD), 100 * s) for s in SKILLS]
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


def _share(clusters: int, each: int, skill: float, spread: float | None) -> Draw:
    names = [str(number // each) for number in range(clusters * each)]

    def draw(rng: np.random.Generator) -> Estimate:
        ease = np.full(clusters, skill) if spread is None else rng.beta(spread * skill, spread * (1 - skill), clusters)
        marks = rng.random((clusters, each)) < ease[:, None]
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
    """Return a subtask of MME: acc and acc+, from the marks of its pictures, [pictures, 2]."""
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
    """Two models that agree on most questions; the first is better by five points."""
    names = [str(number) for number in range(clusters)]

    def draw(rng: np.random.Generator) -> Estimate:
        kind = rng.random(clusters)  # 8 of 100 only the first has right, 3 only the second
        one, two = kind < skill, (kind < skill - 0.08) | ((kind >= skill) & (kind < skill + 0.03))
        first, second = (
            Statistic(100.0, None, [((100.0, Mean(marks.astype(float).tolist(), names)),)]) for marks in (one, two)
        )
        return paired(first, second)

    return draw


def _real(folder: str) -> Iterator[tuple[str, str, list[tuple[Draw, float]]]]:
    """Take the pictures of a results folder for the population, and draw as many again."""
    from mmeval.task import load_task
    from mmeval.tasks.mme import COGNITION as OF_COGNITION
    from mmeval.tasks.mme import PERCEPTION as OF_PERCEPTION

    task = load_task("mme")
    assert task.read_predictions is not None
    marks: dict[str, dict[str, list[float]]] = {}
    for record in task.read_predictions(folder):
        own = marks.setdefault(record.category, {}).setdefault(record.groups["image"], [])
        own.append(float(task.scorers["official"](record).value or 0.0))
    known = {name: np.array([pair for pair in own.values() if len(pair) == 2]) for name, own in marks.items()}
    groups = {"perception": OF_PERCEPTION, "cognition": OF_COGNITION, **{name: (name,) for name in known}}
    for name, parts in groups.items():
        populations = [known[part] for part in parts]
        truth = sum(200 * float((own.mean() + own.min(axis=1).mean()) / 2) for own in populations)

        def draw(rng: np.random.Generator, populations: Sequence[Array] = populations) -> Estimate:
            drawn = [own[rng.integers(len(own), size=len(own))] for own in populations]
            return estimate(Statistic(200.0 * len(drawn), None, [stratum(own) for own in drawn]))

        sizes = "+".join(str(len(own)) for own in populations)
        yield f"real answers, {name} ({truth:.0f} of {200 * len(populations)})", sizes, [(draw, truth)]


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
