"""The majority answer and a constant one: what they score, and the rows of every table of scores."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mmeval.configuration import configure
from mmeval.evaluation.results import report
from mmeval.reporting import baselines as rows_of
from mmeval.reporting import table
from mmeval.reporting.interchange import tables
from mmeval.reporting.page import NAME
from mmeval.reporting.run_report import table_of_run
from mmeval.runs.run import Run
from mmeval.runs.schema import Baseline
from mmeval.runs.scored import score_records
from mmeval.scoring.baselines import CONSTANT, MAJORITY, answering, baselines, constants
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.types import Record
from tests.evaluating import evaluate

MUIR = load_task("muirbench")


def choice(id: str, target: str, options: int = 4, **facts: Any) -> Record:
    choices = ("cat", "dog", "cow", "owl")[:options]
    return Record(id, (target,), "Counting", groups={"pair": id}, choices=choices, **facts)


def test_the_most_frequent_answer_comes_first() -> None:
    records = [choice("1", "C"), choice("2", "C"), choice("3", "B", text="B")]
    assert constants(records) == ["C", "A", "B", "D"]
    assert baselines(records) == {MAJORITY: "C", CONSTANT: "A"}
    scored = score_records(MUIR, records).baselines()
    assert scored[MAJORITY].values["overall"] == pytest.approx(200 / 3)
    assert scored[CONSTANT].values["overall"] == 0


def test_of_equally_frequent_answers_the_order_of_records_chooses_none() -> None:
    records = [choice("1", "D"), choice("2", "B"), choice("3", "C")]
    assert constants(records) == constants(records[::-1]) == ["B", "A", "C", "D"]
    yes_no = [Record("1", ("no",), ""), Record("2", ("yes",), "")]
    assert constants(yes_no) == constants(yes_no[::-1]) == ["yes", "no"]


def test_errors_and_sampled_answers_are_replaced() -> None:
    records = [choice("1", "A", error="down"), choice("2", "A", text="B", samples=("B", "A"), finish_reason="length")]
    assert score_records(MUIR, records).baselines()[MAJORITY].values["overall"] == 100


def test_open_questions_have_a_majority_only_if_an_answer_is_repeated() -> None:
    expected = (("cat", "pet"), ("dog", "pet"), ("owl",))
    first, second, third = (Record(str(n), targets, "") for n, targets in enumerate(expected))
    assert constants([first, second, third]) == ["pet"]
    assert constants([first, third]) == []
    assert constants([Record("1", (), "")]) == []  # the references are withheld


def test_likelihoods_choose_the_option() -> None:
    task = configure(MUIR, RunSpec("muirbench", scoring="likelihood"))
    questions = (("B", 4), ("B", 2), ("A", 3))
    records = [
        choice(str(n), target, size, loglikelihoods=(-1.0,) * size) for n, (target, size) in enumerate(questions)
    ]
    records.append(choice("3", "B", error="down"))
    scored = score_records(task, records).baselines()
    assert scored[MAJORITY].answer == "B" and scored[MAJORITY].values["overall"] == 75
    assert scored[CONSTANT].values["overall"] == 25


def test_yes_is_true_where_only_true_is_read() -> None:
    task = load_task("nlvr2")
    records = [Record(str(n), (target,), "", groups={"sentence": "s"}) for n, target in enumerate(("yes", "yes", "no"))]
    scorer = task.scorers[next(iter(task.scorers))]
    answered, scores = answering(records, "yes", scorer)
    assert [score.value for score in scores] == [1, 1, 0] and answered[0].text == "true"


def test_more_headline_numbers_than_fit_are_rows() -> None:
    labels = {name: name.upper() for name in "abcde"}
    scored = {MAJORITY: Baseline("no", dict.fromkeys("abcde", 1.0))}
    header, *rest = rows_of.rows(labels, dict.fromkeys("abcde"), scored)
    assert header == ("Baselines", "always no, the majority") and rest[4] == ("E", "1.00")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evaluate("constant", "mme", out=tmp_path_factory.mktemp("run") / "run", limit=28)


def test_every_table_of_a_run_has_the_rows(run: Run, tmp_path: Path) -> None:
    results = table_of_run(run)
    console = Console(width=100, record=True, file=io.StringIO())
    table.show(results, console)
    report(run)
    (paper,) = tables.latex(run, tmp_path / "table.tex").values()
    page = (run.folder / NAME).read_text(encoding="utf-8")
    for text in (console.export_text(), (run.folder / "table.md").read_text(encoding="utf-8"), paper, page):
        assert "always yes, the majority" in text and "always no" in text
    rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(table.to_csv(results)))}
    assert float(rows["Perception"][MAJORITY]) == 500 and float(rows["Cognition"][CONSTANT]) == 200
    assert float(rows["Existence"][CONSTANT]) == 50
