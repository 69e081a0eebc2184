"""Groups, detection, Winoground, CIDEr, AUROC and likelihoods against values worked out by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.metrics.cider import cider, mean, tokenize
from mmeval.scoring.metrics.groups import by_category, detection, group_all, macro, percent, share
from mmeval.scoring.readings import likelihood, yesno
from mmeval.scoring.readings.short import exact
from mmeval.scoring.statistics import Mean, Statistic, estimate
from mmeval.tasks.winoground import marks
from mmeval.types import InputError, Record, Score


def scored(value: float | None, answer: str | None = None) -> Score:
    return Score(value, "error" if value is None else "correct" if value else "incorrect", answer)


def number(statistic: Statistic) -> float:
    value = estimate(statistic, resamples=200).value
    assert value is not None
    return value


# groups


def natural() -> tuple[list[Record], list[Score]]:
    """A NaturalBench group, two questions by two pictures, three of four right; and one that is all right."""
    records, scores = [], []
    for group, (question, image) in product("ab", product("01", "01")):
        names = {"group": group, "question": f"{group}{question}", "image": f"{group}{image}"}
        records.append(Record(f"{group}{question}{image}", ("yes",), groups=names))
        scores.append(scored(float((group, question, image) != ("a", "1", "1"))))
    return records, scores


def test_one_function_gives_questions_images_and_groups() -> None:
    records, scores = natural()
    values = {
        by: number(percent(group_all(records, scores, by, "group"), None)) for by in ("question", "image", "group")
    }
    assert values == {"question": 75.0, "image": 75.0, "group": 50.0}
    assert number(percent(share(records, scores, "group"), None)) == 87.5


def test_groups_may_be_found_by_a_function() -> None:
    records, scores = natural()
    grouped = group_all(records, scores, lambda record: record.id[:1])
    assert (grouped.values, grouped.clusters) == ([0.0, 1.0], ["a", "b"])


def test_a_group_with_an_error_has_no_verdict() -> None:
    records, scores = natural()
    assert group_all(records, [scored(None), *scores[1:]], "group").values == [1.0]


def test_macro_weighs_categories_alike() -> None:
    records = [Record(str(n), ("A",), "small" if n == 0 else "large", choices=("x", "y")) for n in range(5)]
    parts = by_category(records, [scored(float(n == 0)) for n in range(5)], ["small", "large"])
    assert number(macro(parts)) == 50.0
    assert macro(parts).chance == 50.0
    assert macro(by_category(records[:1], [scored(1.0)], ["small", "large"])).reason == "no value for large"


def test_the_mean_over_categories_drops_no_part() -> None:
    half = percent(Mean([0.0, 1.0], ["a", "b"]), None)
    with pytest.raises(ValueError, match="the mean over parts needs sums of means, and area is a functional"):
        macro({"area": auroc([0.1, 0.9], [False, True], ["a", "b"]), "mean": half})
    assert macro({}).reason == "it has no parts with questions"


# detection


def yes_no(answers: str, truths: str) -> dict[str, Statistic]:
    words = {"y": "yes", "n": "no", "?": "hm"}
    records = [Record(str(n), (words[t],), groups={"image": str(n)}) for n, t in enumerate(truths)]
    read = yesno.scorer(yesno.strict)
    scored = [
        read(Record(r.id, r.targets, groups=r.groups, text=words[a])) for r, a in zip(records, answers, strict=True)
    ]
    return detection(records, scored, "image")


def test_detection_by_hand() -> None:
    # two hits, one false alarm, one miss, one right no; and one that says nothing where yes is true
    values = {name: number(statistic) for name, statistic in yes_no("yyynn?", "yynyny").items()}
    assert values["accuracy"] == pytest.approx(100 * 3 / 6)
    assert values["precision"] == pytest.approx(100 * 2 / 3)
    assert values["recall"] == pytest.approx(100 * 2 / 4)
    assert values["f1"] == pytest.approx(100 * 2 * 2 / (3 + 4))
    assert values["yes_ratio"] == pytest.approx(100 * 3 / 6)


@given(st.lists(st.tuples(st.sampled_from("yn?"), st.sampled_from("yn")), min_size=1, max_size=12))
def test_f1_is_the_harmonic_mean(pairs: list[tuple[str, str]]) -> None:
    statistics = yes_no("".join(a for a, _ in pairs), "".join(t for _, t in pairs))
    if statistics["precision"].reason or statistics["recall"].reason:
        return
    precision, recall, f1 = (number(statistics[name]) for name in ("precision", "recall", "f1"))
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert f1 == pytest.approx(harmonic)


# Winoground


@given(st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_winoground_group_is_text_and_image(values: list[int]) -> None:
    s = dict(zip(((0, 0), (0, 1), (1, 0), (1, 1)), map(float, values), strict=True))
    result = marks(s)
    assert result.group == (result.text and result.image)
    assert result.text == (s[0, 0] > s[1, 0] and s[1, 1] > s[0, 1])
    assert result.image == (s[0, 0] > s[0, 1] and s[1, 1] > s[1, 0])
    assert result.ties == sum(a == b for a, b in ((values[0], values[2]), (values[3], values[1]),
                                                 (values[0], values[1]), (values[3], values[2])))  # fmt: skip


def test_chance_of_the_group_is_a_sixth_for_scores_and_a_sixteenth_for_letters() -> None:
    rng = np.random.default_rng(0)
    results = [marks(dict(zip(((0, 0), (0, 1), (1, 0), (1, 1)), row, strict=True))) for row in rng.random((4000, 4))]
    assert sum(result.group for result in results) / 4000 == pytest.approx(1 / 6, abs=0.02)
    assert sum(result.text for result in results) / 4000 == pytest.approx(1 / 4, abs=0.02)


# CIDEr


def test_cider_of_a_reference_itself_is_ten() -> None:
    captions = [tokenize("A dog's ball is red."), tokenize("Two cats sleep near it.")]
    assert cider(captions, [[caption] for caption in captions]) == pytest.approx([10.0, 10.0])
    assert number(mean([10.0, 10.0], ["1", "2"])) == 1000.0


def test_cider_by_hand() -> None:
    # one word of two in common, each in one picture's references of two: cosine 1/2 for n=1, nothing for n=2, 3, 4
    value, _ = cider([["red", "cat"], ["x"]], [[["red", "dog"]], [["x"]]])
    weight = math.log(2)
    unseen = math.log(2)  # "cat" is in no reference, and weighs as much as what is in one
    expected = weight**2 / (math.hypot(weight, unseen) * math.hypot(weight, weight))
    assert value == pytest.approx(10 * expected / 4)


def test_cider_needs_references() -> None:
    with pytest.raises(InputError, match="at least one reference"):
        cider([["a"]], [[]])


# AUROC


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=20))
def test_auroc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    values, truth = [float(v) for v, _ in rows], [t for _, t in rows]
    statistic = auroc(values, truth, [str(n) for n in range(len(rows))])
    above = [v for v, t in zip(values, truth, strict=True) if t]
    below = [v for v, t in zip(values, truth, strict=True) if not t]
    if not above or not below:
        assert statistic.reason is not None
        return
    won = sum((a > b) + (a == b) / 2 for a in above for b in below)
    area = estimate(statistic, resamples=50)
    assert area.value == pytest.approx(100 * won / (len(above) * len(below)))
    assert area.value is not None
    assert area.low is not None
    assert area.high is not None
    assert 0 <= area.low <= area.value + 1e-9
    assert area.value - 1e-9 <= area.high <= 100
    assert area.n == len(rows)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 5)), min_size=2, max_size=30))
def test_auroc_without_each_cluster_is_that_of_the_others(rows: list[tuple[int, bool, int]]) -> None:
    values, truth, names = [float(v) for v, _, _ in rows], [t for _, t, _ in rows], [str(c) for _, _, c in rows]
    functional = auroc(values, truth, names).functional
    if functional is None:  # no positive, or no negative
        return
    number = len(functional.clusters)
    leave_one_out = functional.value(np.ones((number, number)) - np.eye(number))
    assert functional.without() == pytest.approx(leave_one_out, abs=1e-12, nan_ok=True)


def test_auroc_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, covered, truth = np.random.default_rng(1), 0, np.arange(60) < 30
    for _ in range(60):
        values = rng.normal(size=60) + truth  # the area is Phi(1 / sqrt 2) = 76.02
        area = estimate(auroc(list(values), list(truth), [str(n) for n in range(60)]), resamples=300)
        assert area.low is not None
        assert area.high is not None
        covered += area.low <= 76.02 <= area.high
    assert covered >= 53


# likelihood


def test_a_tie_chooses_nothing() -> None:
    assert likelihood.likeliest([-1.0, -3.0, -1.0]) is None
    assert likelihood.likeliest([-3.0, -1.0]) == 1
    with pytest.raises(InputError, match="must have a likelihood"):
        likelihood.likeliest([math.nan, 0.0])


def test_yes_odds_takes_both_spellings_together() -> None:
    values = [math.log(p) for p in (0.3, 0.1, 0.1, 0.1)]
    assert likelihood.yes_odds(values) == pytest.approx(math.log(0.4 / 0.2))
    assert likelihood.yes_likelihood(values) == pytest.approx(math.log(0.3))
    assert likelihood.yes_odds([-math.inf, -1.0, -math.inf, -1.0]) == -math.inf


# true and false, short answers


@pytest.mark.parametrize(
    ("text", "official", "strict"),
    [
        ("True", "yes", "yes"),
        ("false ", "no", "no"),
        ("The statement is true.", None, "yes"),
        ("False, there are two.", None, "no"),
        ("I can conclude that the answer to the question is True.", None, "yes"),
        ("The statement is not true.", None, None),
        ("True or False", None, None),
        ("The answer is true or false.", None, None),
        ("", None, None),
    ],
)
def test_true_and_false(text: str, official: str | None, strict: str | None) -> None:
    assert (yesno.nlvr2(text), yesno.truth(text)) == (official, strict)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("The answer is: a Red Fox.", "correct"),
        ("red fox", "correct"),
        ("fox", "incorrect"),
        ("not a red fox", "incorrect"),
        ("", "unparsed"),
        (" . ", "unparsed"),
        ("I cannot help with that", "refused"),
    ],
)
def test_short_answers_are_compared_whole(text: str, outcome: str) -> None:
    assert exact(Record("1", ("the red fox",), text=text)).outcome == outcome


def test_a_mean_without_values_has_its_reason() -> None:
    assert percent(Mean([], []), 50.0).reason == "none of its questions has an answer"
