"""The leaderboard's files match the run, and are read back to the same scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmeval.reporting.leaderboards.mme import check, write
from mmeval.scoring.readings.yesno import official
from mmeval.tasks.mme import MME, SUBTASKS
from mmeval.types import InputError, Record
from tests.evaluating import results


def a_run(*texts: str) -> list[Record]:
    """Two pictures per subtask, whose questions are answered with these texts in turn."""
    records = []
    for subtask in SUBTASKS:
        for number in range(4):
            picture = f"{subtask}/{number // 2}.png"
            records.append(
                Record(
                    f"{picture}#{number % 2 + 1}",
                    ("no" if number % 2 else "yes",),
                    subtask,
                    {"image": picture, "pair": picture},
                    question="Is it?\nAnswer.",
                    text=texts[number % len(texts)],
                )
            )
    return records


def test_the_two_lines_of_a_picture_are_adjacent_whatever_the_order_of_the_answers(tmp_path: Path) -> None:
    paths = write(a_run("Yes", "No")[::-1], tmp_path)
    assert [path.name for path in paths] == [f"{name}.txt" for name in SUBTASKS]
    assert (tmp_path / "OCR.txt").read_text().splitlines() == [
        "0.png\tIs it? Answer.\tYes\tYes",
        "0.png\tIs it? Answer.\tNo\tNo",
        "1.png\tIs it? Answer.\tYes\tYes",
        "1.png\tIs it? Answer.\tNo\tNo",
    ]


def test_read_back_it_scores_the_same(tmp_path: Path) -> None:
    records = a_run("Yes\n\tit is", "**Yes**", "\x0bno\r\n", "None")
    write(records, tmp_path)
    reread = results(MME, MME.read_predictions(str(tmp_path)))
    assert reread.metrics == results(MME, records).metrics


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_whatever_was_answered_is_one_line_with_the_same_official_label(tmp_path: Path, text: str) -> None:
    write(a_run(text), tmp_path)
    predictions = MME.read_predictions(str(tmp_path))
    assert len(predictions) == 4 * 14
    assert official(predictions[0].text or "") == official(text)


def test_a_missing_answer_is_named_and_nothing_written(tmp_path: Path) -> None:
    records = a_run("yes")
    unanswered = Record("x", ("no",), records[-1].category, records[-1].groups, error="broken")
    for bad, message in (
        (records[:-1], "code_reasoning/1.png: 1 answer,"),
        (records[:8], "position: no answers"),
        ([*records[:-1], unanswered], r"x: no answer \(broken\)"),
    ):
        with pytest.raises(InputError, match=message):
            write(bad, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def two_questions() -> list[Record]:
    return [replace(record, question=f"Is it {record.id[-1]}?") for record in a_run("Yes", "No")]


def errors(folder: Path) -> list[str]:
    return [finding.sentence for finding in check(folder) if finding.level == "error"]


def test_a_folder_is_checked_whichever_of_its_files_is_named(tmp_path: Path) -> None:
    write(two_questions(), tmp_path)
    (few,) = errors(tmp_path)
    assert "56 answers; the benchmark has 2,374 questions" in few
    assert errors(tmp_path / "OCR.txt") == [few]
    assert "nowhere: no such folder" in errors(tmp_path / "nowhere")[0]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Is it 2?", "Is it 1?", "OCR.txt, lines 1 and 2: the same question twice"),
        ("0.png\tIs it 2?", "9.png\tIs it 2?", "lines 1 and 2: from different pictures, 0.png and 9.png"),
        ("\tYes\tYes", "\tYes", "line 1: 3 columns instead of 4"),
        ("\tYes\t", "\tYeah\t", "line 1: the ground truth is 'Yeah'"),
    ],
)
def test_what_is_wrong_with_anybodys_results_is_reported(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    write(two_questions(), tmp_path)
    path = tmp_path / "OCR.txt"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert any(sentence in finding for finding in errors(tmp_path)), errors(tmp_path)


def test_a_model_may_say_nothing_but_not_to_every_question(tmp_path: Path) -> None:
    write(two_questions(), tmp_path)
    (size_error,) = errors(tmp_path)
    path = tmp_path / "OCR.txt"
    path.write_text(path.read_text().replace("\tYes\tYes", "\tYes\t"))
    assert errors(tmp_path) == [size_error]
    (warning,) = [finding.sentence for finding in check(tmp_path) if finding.level == "warning"]
    assert "OCR.txt, line 1: the answer is empty; " in warning
    for path in tmp_path.iterdir():
        path.write_text("".join(line.rpartition("\t")[0] + "\t\n" for line in path.read_text().splitlines()))
    assert any("line 1: the answer is empty, and so are all others" in finding for finding in errors(tmp_path))
