"""Benchmarks whose official reader is a judge: what it is asked, and the scores by its replies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mmeval.comparison import compare
from mmeval.evaluation.results import report, score
from mmeval.reporting.matrix import matrix
from mmeval.runs.run import Run, open_run
from mmeval.scoring.baselines import UNJUDGED
from mmeval.scoring.verdicts import NO_JUDGE
from mmeval.task_loading import load_task
from mmeval.tasks import charxiv as charxiv_task
from mmeval.tasks import hallusionbench, logicvista, mathverse_judge, mathvista_judge, mmlongbench_doc, mmvu, simplevqa
from mmeval.tasks import mm_vet as mm_vet_task
from mmeval.types import InputError, Record, Score
from tests.evaluating import evaluate
from tests.scoring.test_judge import Server, says, serving
from tests.tasks.small_folders import call, embedded, parquet, picture, value
from tests.tasks.test_mathematics import mathverse
from tests.tasks.test_pairs_and_sources import mathvista
from tests.tasks.test_tier_two import hallusion


def charxiv(folder: Path, number: type[int | float] = int) -> None:
    """Write two charts: one of one plot, and one of several, whose key to question 10 is "3"."""
    questions = (
        [(1, "A title"), (10, "2"), (18, "1 by 1"), (11, "Yes")],
        [(10, "3"), (19, "4"), (2, "x"), (17, "Not Applicable")],
    )
    reasoning = ("Which is highest?", "the blue line", 1), ("How much is it?", "0.25", 4)
    rows = [
        {"image": embedded(n), "category": "cs", "year": "20", "figure_path": f"images/{3 * n}.jpg", "num_subplots": 1,
         "subplot_row": number(n), "subplot_col": number(2 * n), "subplot_loc": None, "reasoning_q": question,
         "reasoning_a": answer, "reasoning_q_source": 2, "reasoning_a_type": kind,
         **{f"descriptive_q{position}": template for position, (template, _) in enumerate(questions[n], 1)},
         **{f"descriptive_a{position}": key for position, (_, key) in enumerate(questions[n], 1)}}
        for n, (question, answer, kind) in enumerate(reasoning)
    ]  # fmt: skip
    parquet(folder / "val.parquet", rows)


def mm_vet(folder: Path) -> None:
    rows = [("What is x?", "-1<AND>-5", ["math", "ocr"]), ("What is it?", "table lamp<OR>desk lamp", ["rec"])]
    (folder / "images").mkdir(parents=True)
    for n, _ in enumerate(rows):
        picture(folder / "images" / f"v1_{n}.png", n)
    entries = {
        f"v1_{n}": {"imagename": f"v1_{n}.png", "question": question, "answer": answer, "capability": capabilities}
        for n, (question, answer, capabilities) in enumerate(rows)
    }
    (folder / "mm-vet.json").write_text(json.dumps(entries))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as judge_server:
        yield judge_server


def prompts_asked(server: Server) -> list[str]:
    return [body["messages"][0]["content"] for body in server.asked]


def judged(run: Run, server: Server) -> Run:
    score(run, judge=server.url, judge_model="m")
    return open_run(run.folder)


def overall(run: Run, scorer: str | None = None) -> float:
    return float(value(run.results, "overall", scorer))


def test_mathvista_extracts_with_a_judge(server: Server, tmp_path: Path) -> None:
    mathvista(tmp_path / "data")
    unjudged = evaluate("constant:It may be 18.", "mathvista", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert unjudged.results.scorer == "strict" and NO_JUDGE in unjudged.results.remarks
    assert UNJUDGED not in unjudged.results.remarks  # the headline is strict, too
    server.reply = lambda prompt: says(" 18 ")
    run = judged(unjudged, server)
    assert run.results.scorer == "official" and NO_JUDGE not in run.results.remarks
    assert overall(run) == 50.0  # the option with the fewest edits, the integer; not 18.0 and not the list
    assert UNJUDGED in run.results.remarks
    assert [note for note in matrix([run]).notes if UNJUDGED in note] == [f"MathVista: {UNJUDGED}"]
    run.results = replace(run.results, remarks=[])  # as in runs scored before there was this remark
    assert [note for note in matrix([run]).notes if UNJUDGED in note] == [f"MathVista: {UNJUDGED}"]
    run = open_run(run.folder)
    assert any(
        "m was asked about the answers for the official scorer; 0 of 4" in remark for remark in run.results.remarks
    )
    assert all(
        prompt.startswith(mathvista_judge.EXAMPLES) and "It may be 18." in prompt for prompt in prompts_asked(server)
    )
    assert len(server.asked) == 4 and {body["max_tokens"] for body in server.asked} == {1024}
    assert overall(judged(run, server)) == 50.0 and len(server.asked) == 4  # replies are kept
    other = evaluate("constant:18", "mathvista", data=str(tmp_path / "data"), out=tmp_path / "other")
    with pytest.raises(InputError, match=r"is scored by official and .* by strict; score both with the same judge"):
        compare(run, other)
    pair = compare(run, judged(other, server)).pairs[0]
    assert [(row.first.value, row.other.value) for row in pair.rows if row.label == "Overall"] == [(50.0, 50.0)]
    assert UNJUDGED in pair.notes
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
    extracting = [prompt for prompt in prompts_asked(server) if prompt.startswith(mathverse_judge.EXTRACT)]
    assert len(extracting) == 1  # the same answer to all questions
    assert all(
        "[Model_answer] : C\nJudgement:" in prompt for prompt in prompts_asked(server) if prompt not in extracting
    )


def test_hallusionbench_compares_with_the_reference(server: Server, tmp_path: Path) -> None:
    hallusion(tmp_path / "data")
    run = evaluate("constant:{It} is.", "hallusionbench", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert run.results.remarks.count(NO_JUDGE) == 1
    server.reply = lambda prompt: says("Unclear.")
    judged_run = judged(run, server)
    assert overall(judged_run) == pytest.approx(100 / 6)  # only the question without a figure
    assert (judged_run.results.metrics["fAcc"].value, judged_run.results.metrics["VS"].value) == (0.0, 50.0)
    assert NO_JUDGE not in judged_run.results.remarks
    assert prompts_asked(server)[0].endswith(
        "Question:Is it so?\nReference answer: \nPrediction answer:{It} is.\nOutput:"
    )


@pytest.mark.parametrize(
    ("reply", "value", "answer"), [("“Correct”", 1, "no"), ("correct? incorrect", 0, "yes"), ("unclear", 0, "yes")]
)
def test_hallusionbench_reads_incorrect_before_correct(reply: str, value: int, answer: str) -> None:
    record = Record("1", ("no",), "VS", tags={"figure_id": "1"}, text="Hm.")
    assert hallusionbench.graded(record, [reply]) == Score(value, "correct" if value else "incorrect", answer)


def test_charxiv_compares_by_the_type_of_answer(server: Server, tmp_path: Path) -> None:
    charxiv(tmp_path / "data")
    run = evaluate("constant:It is 0.25.", "charxiv-reasoning", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert (overall(run), run.results.metrics["Number-in-General"].value) == (50.0, 100.0)
    server.reply = lambda prompt: says('```json\n{"extract_answer": "x", "score": 1}\n```')
    judged_run = judged(run, server)
    assert (judged_run.results.scorer, overall(judged_run), overall(judged_run, "strict")) == (
        "official",
        100.0,
        50.0,
    )
    assert any(
        "Question: Which is highest?\n    * Ground Truth: the blue line\n" in prompt for prompt in prompts_asked(server)
    )
    samples = {
        sample.id: str(sample.prompt[-1]) for sample in load_task("charxiv-reasoning").samples(str(tmp_path / "data"))
    }
    assert "a number with 2 decimal places." in samples["3"] and "multiple terms" in samples["0"]


def test_charxiv_names_a_plot_in_whole_numbers_where_pandas_wrote_floats(tmp_path: Path) -> None:
    charxiv(tmp_path, float)
    samples = {sample.id: str(sample.prompt[-1]) for sample in load_task("charxiv-descriptive").samples(str(tmp_path))}
    assert samples["0_0"].startswith("For the current plot, ")
    assert samples["3_0"].startswith("For the subplot at row 1 and column 2, ")


def test_charxiv_reads_the_answers_to_a_descriptive_question_together(server: Server, tmp_path: Path) -> None:
    charxiv(tmp_path / "data")
    run = evaluate("constant:2", "charxiv-descriptive", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert overall(run) == 12.5
    both = '{"extract_answer_T1": "2", "score_T1": 1, "extract_answer_T2": "2", "score_T2": 0}'
    server.reply = lambda prompt: says(
        both if "T2:\nResponse 2: 2\nGround Truth 2: 3\n" in prompt else '{"score_T1": 1}'
    )
    judged_run = judged(run, server)
    assert len(server.asked) == 7  # question 10 was asked about both charts
    assert overall(judged_run) == 87.5 and value(judged_run.results, "Counting") == pytest.approx(200 / 3)
    keys = "with keys [['extract_answer_T1', 'score_T1', 'extract_answer_T2'"
    assert sum(keys in prompt for prompt in prompts_asked(server)) == 1


@pytest.mark.parametrize(
    ("reply", "mark"),
    [
        ('{"extract_answer_T1": "\\alpha", "score_T1": 1}', 1),
        ('{"extract_answer_T1": "x",\n"score_T1": 0\n"extract_answer_T2: "x",\n"score_T2": 1}', 0),
        ('{"extract_answer_T1": "\\alpha", "score_T1": 1, "score_T1": 0}', None),
        ('{"extract_answer_T1": "\\alpha", "score_T10": 1}', None),
        ('{"extract_answer_T1": "\\alpha", "score_T1": 1.5}', None),
        ('{"extract_answer_T1": "x", "score_T1": "1"}', None),
        ("[1]", None),
        ("", None),
    ],
)
def test_charxiv_reads_marks_in_json_that_latex_made_invalid(reply: str, mark: float | None) -> None:
    assert charxiv_task.mark(Record("1", ("x",), tags={"question": "2", "place": "1"}, text="x"), reply) == mark


def test_charxiv_a_batch_without_all_marks_has_none_as_in_the_script(server: Server, tmp_path: Path) -> None:
    charxiv(tmp_path / "data")
    run = evaluate("constant:2", "charxiv-descriptive", data=str(tmp_path / "data"), out=tmp_path / "run")
    server.reply = lambda prompt: says('{"score_T1": 1}')
    judged_run = judged(run, server)
    assert overall(judged_run) == 75.0 and judged_run.results.counts.incorrect == 2
    assert judged_run.results.remarks[-1].endswith("2 of 8 answers got no usable reply.")
    asked_before = len(server.asked)
    result = call("score", judged_run.folder, "--judge", server.url, "--judge-model", "m")
    assert result.exit_code == 0 and len(server.asked) > asked_before
    assert "2 of 8 answers" in result.output and "these count as wrong, as in the script" in " ".join(
        result.output.split()
    )


def test_mm_vet_is_rated_and_asked_again_in_other_words(server: Server, tmp_path: Path) -> None:
    mm_vet(tmp_path / "data")
    run = evaluate("constant:desk lamp", "mm-vet", data=str(tmp_path / "data"), out=tmp_path / "run")
    assert overall(run) == 50.0

    def reply(prompt: str) -> bytes:
        if prompt.endswith(mm_vet_task.AGAIN):
            return says("0.5")
        return says("1.0" if "lamp <OR>" in prompt else "No")

    server.reply = reply
    judged_run = judged(run, server)
    assert (judged_run.results.scorer, overall(judged_run)) == ("official", 75.0)
    assert (
        judged_run.results.differences
        == "Of 1 answer (ocr math 1), the judge and the strict scorer mark them differently in 1."
    )
    parts = {name: metric.value for name, metric in judged_run.results.metrics.items() if metric.value is not None}
    assert parts == {"overall": 75, "rec": 100, "ocr": 50, "math": 50, "only rec": 100, "only ocr, math": 50}
    assert len(server.asked) == 3 and {body["max_tokens"] for body in server.asked} == {3}
    assert any(prompt.endswith("| 1.0\n\nWhat is x? | -1 <AND> -5 | desk lamp | ") for prompt in prompts_asked(server))


@pytest.mark.parametrize("reply", ["nan", "1.5", "-0.1", "Correct", ""])
def test_mm_vet_only_a_number_from_0_to_1_is_a_rating(reply: str) -> None:
    record = Record("1", ("5",), tags={"question": "How many?", "answer": "5"}, text="5")
    assert str(mm_vet_task.prompt(record, [reply])).endswith(mm_vet_task.AGAIN)
    assert (grader := mm_vet_task.MM_VET.grader) and not grader.usable(record, ["", reply])


def test_mm_vet_is_read_from_the_hubs_table_too(tmp_path: Path) -> None:
    row = {"question_id": "v1_7", "image": embedded(1), "question": "How many?", "answer": "5", "capability": "ocr,rec"}
    parquet(tmp_path / "data" / "test-0.parquet", [row])
    (sample,) = load_task("mm-vet").samples(str(tmp_path))
    assert (sample.id, sample.category, sample.targets) == ("v1_7", "rec ocr", ("5",))
    parquet(tmp_path / "data" / "test-0.parquet", [row | {"capability": "recc"}])
    with pytest.raises(InputError, match=r"unknown capability 'recc' .did you mean 'rec'"):
        list(load_task("mm-vet").samples(str(tmp_path)))


def texts_of(value: object) -> str:
    """Join all texts in a value, those of nested dictionaries in order."""
    if isinstance(value, str):
        return value
    return "".join(map(texts_of, value.values())) if isinstance(value, dict) else ""


@pytest.mark.parametrize(
    ("prompts", "digest"),
    [
        (mathvista_judge.EXAMPLES, "2c251ab9e219c5d7"),
        (mathverse_judge.EXTRACT, "db92d43cb65de2ab"),
        (mathverse_judge.COMPARE, "f7e0463db51ac78f"),
        (hallusionbench.PROMPT, "30d86b20f54203b5"),
        (charxiv_task.texts(), "fb25ad81c4cdefb5"),
        (mm_vet_task.PROMPT, "d1b3e0a5b4e72c88"),
        (simplevqa.judge_prompt(), "3ffcf0acc68ba037"),
        (mmlongbench_doc.extraction(), "96a22c3003c22801"),
        (mmvu.MULTIPLE_CHOICE, "e135d884a4b5a726"),
        (mmvu.OPEN_ENDED, "ac52a19af695baff"),
        (logicvista.PROMPT, "1b037492f3fb54e2"),
    ],
)
def test_the_prompts_are_the_scripts_to_the_byte(prompts: object, digest: str) -> None:
    # the digests are those of the strings in the scripts; an editor may remove blanks at the ends of lines
    assert hashlib.sha256(texts_of(prompts).encode()).hexdigest()[:16] == digest


def test_without_all_replies_there_is_no_official_number(server: Server, tmp_path: Path) -> None:
    mathverse(tmp_path / "data")
    run = evaluate("constant:so C", "mathverse", data=str(tmp_path / "data"), out=tmp_path / "run")
    server.reply = lambda prompt: says("maybe" if prompt.startswith(mathverse_judge.COMPARE) else "C")
    judged_run = judged(run, server)
    official, count = judged_run.results.metrics["overall"], judged_run.samples_planned
    assert official.value is None and judged_run.results.counts.unscored == count
    assert official.reason == f"the judge gave no usable reply for {count} of {count} answers"
    assert overall(judged_run, "strict") is not None
    result = call("score", judged_run.folder, "--judge", server.url, "--judge-model", "m")
    assert result.exit_code == 1 and "differ in" not in result.output
    server.reply = lambda prompt: says("0")
    judged_again = judged(judged_run, server)
    assert overall(judged_again) == 0.0 and judged_again.results.counts.incorrect == count


def test_answers_in_a_file_are_judged_as_in_a_run(server: Server, tmp_path: Path) -> None:
    mathverse(tmp_path / "data")
    run = evaluate("constant:so C", "mathverse", data=str(tmp_path / "data"), out=tmp_path / "run")
    server.reply = lambda prompt: says("1" if prompt.startswith(mathverse_judge.COMPARE) else "C")
    file, judging = tmp_path / "theirs.jsonl", ("--judge", server.url, "--judge-model", "m")
    file.write_text("".join(json.dumps({"id": record.id, "answer": record.text}) + "\n" for record in run.records))
    command = ("score", "--task", "mathverse", "--data", tmp_path / "data", "--answers", file, "--json")
    assert "judge" not in json.loads(call(*command).output)
    scores, count = json.loads(call(*command, *judging).output), len(server.asked)
    assert count and scores["metrics"]["overall"] == asdict(judged(run, server).results.metrics["overall"])
    assert (tmp_path / "theirs.judge.jsonl").exists() and scores["remarks"][-1].startswith("The judge m was asked")
    count = len(server.asked)
    assert json.loads(call(*command, *judging).output)["metrics"] == scores["metrics"] and len(server.asked) == count
    result = call(*command, "--judge", server.url)
    assert result.exit_code == 2 and "give both --judge URL and --judge-model NAME" in result.output


def test_a_judge_reads_the_answers_of_a_task_with_no_official_reading(server: Server, tmp_path: Path) -> None:
    facts = "about: x\nkind: multiple choice\nfiles: q.jsonl\nfields: {question: q, answer: right, options: o}\n"
    (tmp_path / "own.yaml").write_text(facts)
    (tmp_path / "q.jsonl").write_text('{"q": "Which?", "o": ["one", "two"], "right": "B"}\n' * 2)
    (tmp_path / "answers.jsonl").write_text('{"id": "1", "answer": "B"}\n{"id": "2", "answer": "hm"}\n')
    arguments = ("--task", tmp_path / "own.yaml", "--answers", tmp_path / "answers.jsonl", "--json")
    server.reply = lambda prompt: says("B")
    for reading in ((), ("--reading", "2023")):
        result = call("score", *arguments, *reading, "--judge", server.url, "--judge-model", "m")
        scores = json.loads(result.stdout)
        assert result.exit_code == 0 and scores["counts"]["correct"] == 2 and scores["judge"]["read"] == {"2": "B"}
        assert scores["scorer"] == ("official" if reading else "strict")
        assert any("drew a letter" in remark for remark in scores["remarks"]) == bool(reading)


def test_the_facts_say_that_official_needs_a_judge() -> None:
    assert "official (with --judge), strict" in call("tasks", "mathverse").output


def test_several_samples_are_not_judged(tmp_path: Path) -> None:
    mathvista(tmp_path / "data")
    with pytest.raises(InputError, match="a judge reads one answer to each question; remove --samples or --judge"):
        evaluate(
            "constant", "mathvista", data=str(tmp_path / "data"), out=tmp_path / "run",
            judge="http://127.0.0.1:9/v1", judge_model="m", samples=2, temperature=1.0,
        )  # fmt: skip
