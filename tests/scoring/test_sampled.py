"""Metrics of several sampled answers per question: one number per column of answers, then the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from mmeval.cards.rows import KIND
from mmeval.evaluation.planning import plan
from mmeval.runs.scored import Scored, score_records
from mmeval.scoring.functionals import StratumPart, corrected, resample, variance_of
from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.metrics.circular import GROUP, EarlyStop
from mmeval.scoring.sampled import average, columns, together
from mmeval.scoring.significance import p_value
from mmeval.scoring.statistics import Mean, Statistic, estimate, paired, parts, value_of
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.types import InputError, Record, Sample, Score


def sampled(record: Record, *texts: str) -> Record:
    return replace(record, text=texts[0], samples=texts)


def once_in_ten(record: Record, right: str, wrong: str, index: int = 0) -> Record:
    return sampled(record, *(right if n == index else wrong for n in range(10)))


def numbers(task: str, records: Sequence[Record], scorer: str = "") -> dict[str, float | None]:
    scored = score_records(load_task(task), records)
    return {name: value_of(statistic) for name, statistic in scored.statistics(scorer or scored.first).items()}


def rotations(*indices: int) -> list[Record]:
    """A question with four options, whose rotation n is right in the sample places[n] of ten alone."""
    records = []
    for turn, index in enumerate(indices):
        record = Record(f"q{turn}", ("A",), "coarse", {GROUP: "q"}, {"turn": str(turn)}, choices=tuple("wxyz"))
        records.append(once_in_ten(record, "A", "B", index))
    return records


def pair_of_answers(*texts: Sequence[str]) -> list[Record]:
    """Two questions about an MME picture; the expected answers are yes and no."""
    groups = {"image": "OCR/0.png", "pair": "OCR/0.png"}
    return [
        sampled(Record(f"OCR/0.png#{n}", (target,), "OCR", groups), *samples)
        for n, (target, samples) in enumerate(zip(("yes", "no"), texts, strict=True), start=1)
    ]


# the benchmarks, by hand


def test_mmbench_counts_a_question_if_one_sample_is_right_in_all_rotations() -> None:
    different, same = numbers("mmbench", rotations(0, 1, 2, 3)), numbers("mmbench", rotations(5, 5, 5, 5))
    assert (different["circular"], different["vanilla"]) == (0.0, 10.0)  # each rotation's mean mark is 0.1
    assert (same["circular"], same["vanilla"]) == (10.0, 10.0)


def test_mme_adds_acc_and_acc_plus_of_each_sample() -> None:
    yes, no = ["yes"] + ["no"] * 9, ["no"] + ["yes"] * 9
    assert numbers("mme", pair_of_answers(yes, no))["OCR"] == pytest.approx(20.0)  # right in the same sample
    assert numbers("mme", pair_of_answers(yes, no[::-1]))["OCR"] == pytest.approx(10.0)  # never both
    scored = score_records(load_task("mme"), pair_of_answers(yes, no[::-1]))
    assert parts(scored.statistics("official")["OCR"]) == {"acc": pytest.approx(10.0), "acc+": 0.0}


def test_pope_detects_with_every_sample() -> None:
    records = [Record(f"random/{n}", ("yes",), "random", {"image": str(n)}) for n in range(2)]
    values = numbers("pope", [sampled(record, "no", "yes", "yes", "yes") for record in records])
    assert (values["random/accuracy"], values["random/recall"], values["random/yes_ratio"]) == (75.0, 75.0, 75.0)
    assert values["random/f1"] == 75.0  # 0 with the first answers, 100 with the others
    assert values["random/precision"] is None  # the first answers have none


def test_winoground_needs_all_four_letters_in_one_sample() -> None:
    records = [
        Record(f"0-{side}{n}", ("A",), "", {"pair": "0"}, {"side": side}, choices=("x", "y"))
        for side, n in product(("text", "image"), "01")
    ]
    same = numbers("winoground-choice", [sampled(record, "A", "B") for record in records])
    assert same == {"text": 50.0, "image": 50.0, "group": 50.0}
    answers = [("A", "B"), ("A", "B"), ("B", "A"), ("B", "A")]
    different = numbers(
        "winoground-choice", [sampled(record, *samples) for record, samples in zip(records, answers, strict=True)]
    )
    assert different == {"text": 50.0, "image": 50.0, "group": 0.0}


def test_hallusionbench_and_naturalbench_group_each_sample() -> None:
    groups = {"qAcc": "q", "fAcc": "f", "cluster": "c"}
    questions = [Record(str(n), ("yes",), "VD", groups) for n in range(2)]
    records = [sampled(questions[0], "yes", "no"), sampled(questions[1], "no", "yes")]
    values = numbers("hallusionbench", records, "strict")
    assert (values["overall"], values["qAcc"], values["fAcc"]) == (50.0, 0.0, 0.0)

    four = [
        Record(
            f"{question}{picture}", ("yes",), "", tags={KIND: "yes/no"},
            groups={"Q-Acc": question, "I-Acc": picture, "G-Acc": "0", "cluster": "0"},
        )
        for question, picture in product("ab", "01")
    ]  # fmt: skip
    drawn = [("yes", "yes"), ("yes", "no"), ("yes", "yes"), ("yes", "yes")]
    values = numbers(
        "naturalbench", [sampled(record, *samples) for record, samples in zip(four, drawn, strict=True)], "strict"
    )
    assert [values[name] for name in ("overall", "Q-Acc", "I-Acc", "G-Acc")] == [87.5, 75.0, 75.0, 50.0]


def test_mathvista_is_a_plain_mean() -> None:
    record = Record("1", ("7",), "math-targeted-vqa", tags={"answer_type": "integer", "precision": "1.0"})
    assert numbers("mathvista", [once_in_ten(record, "7", "8"), sampled(replace(record, id="2"), *["7"] * 10)])[
        "overall"
    ] == pytest.approx(55.0)


# any benchmark


def many(seed: int, columns: int) -> list[Record]:
    rng = np.random.default_rng(seed)
    records = []
    for n in range(120):
        truth = "yes" if n % 2 else "no"
        record = Record(f"random/{n}", (truth,), "random", {"image": str(n // 3)})
        records.append(
            sampled(record, *("yes" if says_yes else "no" for says_yes in rng.random(columns) < (0.4, 0.8)[n % 2]))
        )
    return records


def test_copies_of_an_answer_change_no_number_and_no_interval() -> None:
    once = [replace(record, samples=()) for record in many(1, 2)]
    copies = [sampled(record, *[str(record.text)] * 4) for record in once]
    task = load_task("pope")
    for scorer in task.scorers:
        first, copied = (score_records(task, records).statistics(scorer) for records in (once, copies))
        assert {name: estimate(statistic) for name, statistic in first.items()} == {
            name: estimate(statistic) for name, statistic in copied.items()
        }


def test_the_mean_resamples_the_clusters_of_all_samples_jointly() -> None:
    scored = score_records(load_task("pope"), many(2, 5))
    statistics = [column.statistics("official")["random/precision"] for column in scored.columns]
    mean = scored.statistics("official")["random/precision"]
    assert value_of(mean) == pytest.approx(np.mean([value_of(statistic) for statistic in statistics]))
    part = StratumPart(mean.strata[0])
    linear = variance_of(np.array(list(part.influence().values())))
    assert linear == pytest.approx(corrected(resample([part], 10_000)[0], len(part.clusters)), rel=0.1)
    drawn = np.mean(
        resample([StratumPart(statistic.strata[0]) for statistic in statistics], 4000), axis=0
    )  # the same draws for all
    assert linear == pytest.approx(corrected(drawn, len(part.clusters)), rel=0.1)


def test_runs_with_different_numbers_of_samples_are_compared() -> None:
    task = load_task("pope")
    first, second = (score_records(task, many(seed, n)).statistics("official") for seed, n in ((3, 4), (3, 2)))
    for name in ("random/accuracy", "random/precision", "random/f1"):
        assert paired(first[name], second[name]).value == pytest.approx(value_of(first[name]) - value_of(second[name]))  # type: ignore[operator]
        assert 0.0 < p_value(first[name], second[name])[0] <= 1.0
        assert p_value(first[name], first[name])[0] == 1.0


def test_counts_are_of_all_answers() -> None:
    record = Record("1", ("yes",), "OCR", {"image": "i", "pair": "i"})
    records = [once_in_ten(record, "no", "yes"), once_in_ten(replace(record, id="2", targets=("no",)), "yes", "no")]
    results = score_records(load_task("mme"), records).results()
    counts = results.counts
    assert (counts.samples, counts.correct, counts.incorrect) == (20, 18, 2)
    assert results.passed["pass@1"].value == pytest.approx(0.9) and results.passed["pass@2"].value == 1.0
    assert any("mean over 10 sampled answers to each question; pass@1 0.900" in remark for remark in results.remarks)


def test_pass_at_k_leaves_out_what_has_no_verdict_and_is_none_of_a_part() -> None:
    record = Record("1", ("yes",), "OCR", {"image": "i", "pair": "i"})
    records = [once_in_ten(record, "yes", "no"), once_in_ten(replace(record, id="2", targets=()), "yes", "no")]
    passed = score_records(load_task("mme"), records).results().passed
    assert passed["pass@1"].value == pytest.approx(0.1) and passed["pass@1"].n == 1
    first, *rest = rotations(0, 1, 2, 3)
    skipped = [replace(record, text=None, samples=(), tags={**record.tags, "skipped": "lost"}) for record in rest]
    early = score_records(load_task("mmbench"), [first, *skipped]).results()
    assert not early.passed and "Every number is the mean over 10 sampled" in " ".join(early.remarks)
    assert early.metrics["circular"].value is None  # the first answer has no wrong rotation yet


def test_the_score_of_a_question_is_the_mean_and_its_most_frequent_outcome() -> None:
    wrong, right = Score(0.0, "incorrect", "no"), Score(1.0, "correct", "yes")
    assert together([wrong, right, right]) == Score(pytest.approx(2 / 3), "correct", "yes")  # type: ignore[arg-type]
    assert together([Score(None, "unscored")] * 2) == Score(None, "unscored")


def test_an_error_is_in_every_column_and_a_lost_sample_is_refused() -> None:
    record = Record("1", ("yes",))
    failed = replace(record, id="2", error="down")
    assert [[answer.text for answer in column] for column in columns([sampled(record, "a", "b"), failed])] == [
        ["a", None], ["b", None],
    ]  # fmt: skip
    assert columns([replace(record, text="a")]) == []
    with pytest.raises(InputError, match="record 2 has 1 of 2 sampled answers; restore the file"):
        columns([sampled(record, "a", "b"), replace(record, id="2", text="a")])


def test_a_part_of_the_questions_keeps_their_samples() -> None:
    scored = score_records(load_task("pope"), many(4, 3))
    half: Scored = scored.of({record.id for record in scored.records[:60]})
    assert [len(column.records) for column in half.columns] == [60] * 3
    expected = score_records(scored.task, scored.records[:60]).statistics("official")
    assert {name: value_of(statistic) for name, statistic in half.statistics("official").items()} == {
        name: value_of(statistic) for name, statistic in expected.items()
    }


def test_areas_are_averaged_over_the_clusters_of_all() -> None:
    first = auroc([0.1, 0.2, 0.9], [False, False, True], ["a", "b", "c"])
    second = auroc([0.9, 0.2, 0.4], [False, False, True], ["a", "d", "c"])
    mean = average([first, second])
    assert value_of(mean) == 75.0
    assert mean.functional is not None and list(mean.functional.clusters) == ["a", "b", "c", "d"]
    assert np.isnan(mean.functional.without()[2])  # the only positive


def test_metrics_of_other_shapes_have_no_mean() -> None:
    mean = Mean([1.0], ["a"])
    first, second = (
        Statistic(100.0, None, [((100.0, mean),)]),
        Statistic(100.0, None, [((50.0, mean),), ((50.0, mean),)]),
    )
    assert average([first, second]).reason == "its parts differ between the sampled answers"
    assert average([first, Statistic(100.0, None, reason="no yes")]).reason == "no yes (in 1 of 2 samples)"


# asking less


def test_early_stop_goes_on_until_every_sample_is_lost() -> None:
    task = load_task("mmbench")
    first, second, third, _ = rotations(0, 1, 2, 3)
    question = Sample("q3", ("?",), ("A",), groups={GROUP: "q"})
    stop = EarlyStop(task.scorers.values(), [first], 10)
    assert question not in stop  # the first sample has this rotation right
    stop.see(replace(first, error="down"))
    stop.see(third)  # it has the first sample wrong
    assert question in stop
    assert question not in EarlyStop(task.scorers.values(), [sampled(second, "A", "B")], 2)


# what is refused before a question is asked


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("winoground", {}, "the task 'winoground' compares likelihoods and samples no answers; remove --samples"),
        (
            "mmbench",
            {"judge": "http://127.0.0.1:9/v1", "judge_model": "m"},
            "a judge reads one answer to each question; remove --samples or --judge",
        ),
    ],
)
def test_several_samples_are_refused_where_they_have_no_meaning(
    task: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        plan(RunSpec(task, "constant", samples=2, temperature=1.0, **options))


def test_verdicts_on_single_answers_are_not_used_for_several() -> None:
    scored = score_records(load_task("pope"), many(5, 2))
    with pytest.raises(InputError, match="a judge reads one answer to each question; score the run without it"):
        scored.judged_by(scored.task)
