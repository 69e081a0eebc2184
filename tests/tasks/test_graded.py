"""Benchmarks whose official reader is a judge: what it is asked, and the scores by its replies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mmeval.comparison import compare
from mmeval.evaluation.results import report, score
from mmeval.runs.run import Run, open_run
from mmeval.scoring.verdicts import NO_JUDGE
from mmeval.tasks import hallusionbench, mathverse_judge, mathvista_judge
from mmeval.types import InputError, Record, Score
from tests.evaluating import evaluate
from tests.scoring.test_judge import Server, says, serving
from tests.tasks.small_folders import call
from tests.tasks.test_mathematics import mathverse
from tests.tasks.test_pairs_and_sources import mathvista
from tests.tasks.test_tier_two import hallusion


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as found:
        yield found


def asked(server: Server) -> list[str]:
    return [one["messages"][0]["content"] for one in server.asked]


def judged(run: Run, server: Server) -> Run:
    score(run, judge=server.url, judge_model="m")
    return open_run(run.folder)


def overall(run: Run, scorer: str = "metrics") -> float:
    return float(run.results[scorer]["overall"]["value"])


def test_mathvista_extracts_with_a_judge(server: Server, tmp_path: Path) -> None:
    mathvista(tmp_path / "data")
    alone = evaluate("constant:It may be 18.", "mathvista", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert alone.results["scorer"] == "strict" and NO_JUDGE in alone.results["remarks"]
    server.reply = lambda prompt: says(" 18 ")
    run = judged(alone, server)
    assert run.results["scorer"] == "official" and NO_JUDGE not in run.results["remarks"]
    assert overall(run) == 50.0  # the option with the fewest edits, the integer; not 18.0 and not the list
    assert any("m read the answers for the official scorer; 0 of 4" in one for one in run.results["remarks"])
    assert all(one.startswith(mathvista_judge.EXAMPLES) and "It may be 18." in one for one in asked(server))
    assert len(server.asked) == 4 and {one["max_tokens"] for one in server.asked} == {1024}
    assert overall(judged(run, server)) == 50.0 and len(server.asked) == 4  # replies are kept
    other = evaluate("constant:18", "mathvista", data=str(tmp_path / "data"), out=tmp_path / "other")
    with pytest.raises(InputError, match=r"is scored by official and .* by strict; score both with the same judge"):
        compare(run, other)
    rows = compare(run, judged(other, server)).pairs[0].rows
    assert [(row.first.value, row.other.value) for row in rows if row.label == "Overall"] == [(50.0, 50.0)]
    page = report(open_run(run.folder))[0].read_text("utf-8")
    assert "50.00" in page and "official" in page


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("integer", " 12\n", "12"),
        ("integer", "12.0", None),
        ("float", "1.50", "1.5"),
        ("text", "18", "18"),
        ("text", "B", None),
    ],
)
def test_mathvista_asks_only_where_the_script_does(kind: str, text: str, expected: str | None) -> None:
    choices = ("9", "18") if kind == "text" else ()
    record = Record("1", ("B",), choices=choices, tags={"answer_type": kind, "precision": "1"}, text=text)
    assert mathvista_judge.direct(record) == expected
    assert (mathvista_judge.extraction(record, []) is None) == (expected is not None)


def test_mathverse_extracts_and_compares(server: Server, tmp_path: Path) -> None:
    mathverse(tmp_path / "data")
    run = evaluate("constant:so C", "mathverse", data=str(tmp_path / "data"), out=tmp_path / "run")
    server.reply = lambda prompt: says("Judgement: 1" if prompt.startswith(mathverse_judge.COMPARE) else "C")
    judged_run = judged(run, server)
    assert overall(judged_run) == 100.0 > overall(judged_run, "strict")
    extracting = [one for one in asked(server) if one.startswith(mathverse_judge.EXTRACT)]
    assert len(extracting) == 1  # the same answer to all questions
    assert all("[Model_answer] : C\nJudgement:" in one for one in asked(server) if one not in extracting)


def test_hallusionbench_compares_with_the_reference(server: Server, tmp_path: Path) -> None:
    hallusion(tmp_path / "data")
    run = evaluate("constant:{It} is.", "hallusionbench", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert run.results["remarks"].count(NO_JUDGE) == 1
    server.reply = lambda prompt: says("Unclear.")
    found = judged(run, server)
    assert overall(found) == pytest.approx(100 / 6)  # only the question without a figure
    assert (found.results["metrics"]["fAcc"]["value"], found.results["metrics"]["VS"]["value"]) == (0.0, 50.0)
    assert NO_JUDGE not in found.results["remarks"]
    assert asked(server)[0].endswith("Question:Is it so?\nReference answer: \nPrediction answer:{It} is.\nOutput:")


@pytest.mark.parametrize(
    ("reply", "value", "answer"), [("“Correct”", 1, "no"), ("correct? incorrect", 0, "yes"), ("unclear", 0, "yes")]
)
def test_hallusionbench_reads_incorrect_before_correct(reply: str, value: int, answer: str) -> None:
    record = Record("1", ("no",), "VS", tags={"figure_id": "1"}, text="Hm.")
    assert hallusionbench.graded(record, [reply]) == Score(value, "correct" if value else "incorrect", answer)


def test_without_all_replies_there_is_no_official_number(server: Server, tmp_path: Path) -> None:
    mathverse(tmp_path / "data")
    run = evaluate("constant:so C", "mathverse", data=str(tmp_path / "data"), out=tmp_path / "run")
    server.reply = lambda prompt: says("maybe" if prompt.startswith(mathverse_judge.COMPARE) else "C")
    found = judged(run, server)
    official, count = found.results["metrics"]["overall"], found.samples_planned
    assert official["value"] is None and found.results["counts"]["unscored"] == count
    assert official["reason"] == f"the judge gave no usable reply for {count} of {count} answers"
    assert overall(found, "strict") is not None
    server.reply = lambda prompt: says("0")
    again = judged(found, server)
    assert overall(again) == 0.0 and again.results["counts"]["incorrect"] == count


def test_the_facts_say_that_official_needs_a_judge() -> None:
    assert "official (with --judge), strict" in call("tasks", "mathverse").output


def test_several_samples_are_not_judged(tmp_path: Path) -> None:
    mathvista(tmp_path / "data")
    with pytest.raises(InputError, match="a judge reads one answer to each question; remove --samples or --judge"):
        evaluate(
            "constant", "mathvista", data=str(tmp_path / "data"), out=tmp_path / "run",
            judge="http://127.0.0.1:9/v1", judge_model="m", samples=2, temperature=1.0,
        )  # fmt: skip
