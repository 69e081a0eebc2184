"""MME's numbers by hand, its prompts word for word, and incomplete runs."""

from __future__ import annotations

from importlib import resources
from itertools import islice

import pytest

from mmeval.embedded import suite
from mmeval.scoring.statistics import Statistic, estimate, parts
from mmeval.task_loading import load_task
from mmeval.tasks.mme import COGNITION, MME, PERCEPTION, SUBTASKS
from mmeval.types import Image, Record, Sample
from tests.evaluating import judged


def answers(subtask: str, *pictures: str) -> list[Record]:
    """Two records a picture; "yn" answers yes and then no, where that is right; "-" is an error, "?" unparsed."""
    texts = {"y": "yes", "n": "no", "?": "perhaps"}
    records = []
    for number, marks in enumerate(pictures):
        for index, (mark, target) in enumerate(zip(marks, ("yes", "no"), strict=True)):
            picture = f"{subtask}/{number}.png"
            text, error = (None, "broken picture") if mark == "-" else (texts[mark], None)
            groups = {"image": picture, "pair": picture}
            records.append(Record(f"{picture}#{index + 1}", (target,), subtask, groups, text=text, error=error))
    return records


def numbers(records: list[Record], scorer: str = "official") -> dict[str, Statistic]:
    metrics: dict[str, Statistic] = MME.numbers(scorer, records, judged(MME, records, scorer))
    return metrics


def test_a_subtask_by_hand() -> None:
    # five of eight questions, two of four pictures
    number = numbers(answers("OCR", "yn", "yn", "yy", "??"))["OCR"]
    assert parts(number) == {"acc": 62.5, "acc+": 50.0}
    assert estimate(number).value == 112.5
    assert (number.full_marks, number.chance) == (200.0, 75.0)


def test_points_are_the_scripts_to_the_last_bit() -> None:
    # calculation.py adds acc * 100 and acc_plus * 100 to 0; a product of vectors gives 65.00000000000001
    records = answers("OCR", "yn", *["yy"] * 9)
    assert estimate(numbers(records)["OCR"]).value == 0 + 11 / 20 * 100 + 1 / 10 * 100 == 65.0
    for both_right in range(11):
        for one_right in range(11 - both_right):
            marks = ["yn"] * both_right + ["yy"] * one_right + ["ny"] * (10 - both_right - one_right)
            expected = (2 * both_right + one_right) / 20 * 100 + both_right / 10 * 100
            assert estimate(numbers(answers("OCR", *marks))["OCR"]).value == expected


def test_a_subtask_without_any_readable_answer_has_nothing_and_is_named() -> None:
    records = [*answers("OCR", "??", "??"), *answers("count", "yn", "??")]
    assert estimate(numbers(records)["OCR"]).value == 0.0
    assert MME.remarks(records, judged(MME, records, "official")) == [
        "No answer of OCR could be read, so it has 0 points; the benchmark's own script fails in this case."
    ]
    records = [*answers("OCR", "??"), *answers("count", "??")]
    (remark,) = MME.remarks(records, judged(MME, records, "official"))
    assert remark.startswith("No answer of count, OCR could be read, so they have 0 points;")


def test_always_yes_gives_fifty_in_each() -> None:
    records = [record for name in SUBTASKS for record in answers(name, "yy", "yy")]
    values = {name: estimate(number).value for name, number in numbers(records).items()}
    assert (values["perception"], values["cognition"], values["color"]) == (500.0, 200.0, 50.0)


def test_the_sums_have_their_full_marks_and_a_coins_level() -> None:
    both = [numbers([])[name] for name in ("perception", "cognition")]
    assert [(number.full_marks, number.chance) for number in both] == [(2000.0, 750.0), (800.0, 300.0)]


def test_names_and_order_are_the_benchmarks() -> None:
    assert list(numbers([])) == ["perception", "cognition", *SUBTASKS]
    assert (len(PERCEPTION), len(COGNITION), SUBTASKS["posters"]) == (10, 4, "Poster")
    assert MME.axes == SUBTASKS


def test_a_subtask_that_is_absent_leaves_the_others_their_numbers() -> None:
    metrics = numbers([record for name in COGNITION for record in answers(name, "yn")] + answers("count", "yn"))
    assert estimate(metrics["cognition"]).value == 800.0
    assert estimate(metrics["count"]).value == 200.0
    assert metrics["OCR"].reason == "no picture has both questions answered"
    assert metrics["perception"].reason == "not all of its subtasks have a value"


def test_an_error_counts_as_wrong() -> None:
    number = numbers(answers("OCR", "yn", "y-"))["OCR"]
    assert parts(number) == {"acc": 75.0, "acc+": 50.0}
    assert estimate(number).n == 4
    assert parts(numbers(answers("OCR", "y-"))["OCR"]) == {"acc": 50.0, "acc+": 0.0}


def test_all_unparsed_is_zero_and_not_a_crash() -> None:
    assert estimate(numbers(answers("OCR", "??", "??"))["OCR"]).value == 0.0


def test_half_a_picture_is_no_number() -> None:
    assert numbers(answers("OCR", "yn", "yn")[:-1])["OCR"].reason == "OCR/1.png has 1 of 2 answers"


def test_official_pairs_lines_and_strict_pairs_pictures() -> None:
    # every answer yes, lines sorted by ground truth: the adjacent lines 1 and 2 are both right
    lines = sorted(answers("OCR", "yy", "yy"), key=lambda record: record.targets, reverse=True)
    records = [
        Record(r.id, r.targets, r.category, {**r.groups, "pair": f"OCR/{i // 2}"}, text=r.text)
        for i, r in enumerate(lines)
    ]
    assert estimate(numbers(records)["OCR"]).value == 100.0
    assert estimate(numbers(records, "strict")["OCR"]).value == 50.0


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("release", "Is it red? Please answer yes or no."),
        ("single-word", "Is it red?\nAnswer the question using a single word or phrase."),
    ],
)
def test_wordings(prompt: str, text: str) -> None:
    image = Image(b"png")
    assert MME.prompts[prompt](Sample("1", (image, "Is it red?"), ("yes",))) == (image, text)


def test_samples_of_the_embedded_suite() -> None:
    first, second = islice(MME.samples(str(suite("mme"))), 2)
    assert (first.id, second.id) == ("existence/0000.png#1", "existence/0000.png#2")
    assert (first.targets, second.targets, first.category) == (("yes",), ("no",), "existence")
    assert first.groups["image"] == second.groups["image"] == "existence/0000.png"
    assert not str(first.prompt[1]).endswith("yes or no.")


def test_missing_subtasks_are_named_with_the_sums_that_need_them() -> None:
    assert MME.notices(list(SUBTASKS)) == []
    (notice,) = MME.notices(set(SUBTASKS) - {"count", "OCR"})
    assert notice == "The data lacks 2 of the 14 subtasks (Count, OCR), so there will be no value for Perception."
    (notice,) = MME.notices(["OCR"])
    assert notice.endswith("so there will be no value for Perception and Cognition.")


def test_the_card() -> None:
    card = load_task("mme").card
    assert set(card["hub"]) == {"repo", "revision", "split"}
    assert len(card["hub"]["revision"]) == 40  # a commit, not a branch
    assert resources.files("mmeval.tasks").joinpath("mme.yaml").is_file()
