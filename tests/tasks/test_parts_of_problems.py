"""We-Math, whose problems are asked as a whole and step by step, and DynaMath, whose questions have variants."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval.runs.scored import score_records
from mmeval.task_loading import load_task
from mmeval.tasks import dynamath as dynamath_task
from mmeval.tasks import we_math as we_math_task
from mmeval.types import InputError, Record
from tests.tasks.small_folders import call, embedded, parquet, picture, run, value

OPTION = "A. one thing;B．two things; C. point ;B. to C.; D. No correct answer"


def we_math(folder: Path) -> None:
    """Write two problems of two steps, each with the keys A, B and B, and one of three steps, A, B, C and A."""
    rows: list[dict[str, str]] = []
    for problem, kind, keys in (("1", "2steps", "ABB"), ("2", "2steps", "ABB"), ("9", "3steps", "ABCA")):
        for part, answer in zip(we_math_task.STEPS[kind], keys, strict=True):
            path = f"{kind}/image/{problem}-{part}.png"
            picture(folder / path, len(rows))
            names = {"ID": f"{kind}_{problem}", "key": f"{kind}_{part}", "question number": str(len(rows) + 1)}
            question = {"question": f"Is it {problem}?", "option": OPTION, "answer": answer, "image_path": path}
            rows.append(names | question)
    (folder / "testmini.json").write_text(json.dumps(rows))


def test_we_math_is_read_once_where_the_hubs_repository_has_it_twice(tmp_path: Path) -> None:
    we_math(tmp_path)
    rows = [row | {"image_path": embedded(0)} for row in json.loads((tmp_path / "testmini.json").read_text())]
    parquet(tmp_path / "data" / "testmini-00000-of-00001-adbfe22dcd3558e6.parquet", rows)
    assert [sample.id for sample in load_task("we-math").samples(str(tmp_path))] == [str(n) for n in range(1, 11)]


def test_we_math_counts_problems_by_their_steps(tmp_path: Path) -> None:
    we_math(tmp_path / "data")
    scores = run("we-math", tmp_path / "data", tmp_path / "run", "constant:<Answer>: <<B>>")
    values = {name: value(scores, name) for name in we_math_task.OUTCOMES}
    assert values == pytest.approx(
        # two problems are solved although one of their steps is not; of the third, one step alone is
        {"strict": 0, "loose": 200 / 3, "IK": 100 / 3, "IG": 0, "CM strict": 0, "CM loose": 200 / 3,
         "RM strict": 100, "RM loose": 0}
    )  # fmt: skip
    assert [value(scores, name) for name in ("S1", "S2", "S3")] == pytest.approx([300 / 7, 100, 0])


def test_we_math_a_step_that_is_known_but_not_applied_is_half_a_point(tmp_path: Path) -> None:
    we_math(tmp_path)
    task = load_task("we-math")
    samples = list(task.samples(str(tmp_path)))[:4]  # the fourth belongs to a problem whose other parts are missing
    records = [
        Record(
            sample.id,
            sample.targets,
            sample.category,
            sample.groups,
            choices=tuple(str(o) for (o,) in sample.choices),
            text=text,
        )
        for sample, text in zip(samples, ("Answer: A", "Answer B", "The answer is B. Or Answer: D", "A"), strict=True)
    ]
    metrics = score_records(task, records).results().metrics
    assert {name: metrics[name].value for name in ("strict", "loose", "IG", "IK")} == {
        "strict": 50, "loose": 50, "IG": 100, "IK": 0,
    }  # fmt: skip
    assert (metrics["strict"].n, metrics["S1"].n, metrics["RM strict"].reason) == (
        1, 3, "no whole problem was solved",
    )  # fmt: skip


def test_we_math_the_authors_answers_are_joined_in_any_order(tmp_path: Path) -> None:
    we_math(tmp_path)
    rows = json.loads((tmp_path / "testmini.json").read_text())
    answered = [row | {"response": f"<Answer>: <<{row['answer']}>>"} for row in reversed(rows)]
    (tmp_path / "answers.json").write_text(json.dumps(answered))
    result = call("score", "--task", "we-math", "--data", tmp_path, "--answers", tmp_path / "answers.json", "--json")
    assert json.loads(result.stdout)["metrics"]["strict"]["value"] == 100


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        *[("<Answer>: <<C. 5>>.", "C"), ("Answer: A. No, Answer: B", "B"), ("C", "C"), ("The answer is B", None)],
        *[("Answer: (B)", None), ("", None), ("Answer", None), ("Dogs", "D"), ("Answer: H", "H")],
    ],
)
def test_we_math_reads_the_sign_after_the_last_answer(text: str, letter: str | None) -> None:
    assert we_math_task.read(text, ()) == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("<Thought process>: <<A is 5, so it is 6>> <Answer>: <<B>>", "B"),
        ("<Thought process>: <<The area is 5; D. is 30>> <Answer>: <<(B)>>", "B"),
        ("<Thought process>: <<A is 5.>>\n<Answer>: <<two things>>", "B"),
        ("<Thought process>: <<B>> <Answer>: C. point", "C"),
        ("<think><Answer>: <<A>></think>Answer: <<option B>>", "B"),
        ("<Answer>: <<A>> <Answer>: <<B>>", None),
        ("<Thought process>: <<It is A>> <Answer>: <<E>>", None),
        ("<Answer>: <<>>", None),
        ("The answer is B.", "B"),
    ],
)
def test_we_math_strictly_the_place_for_the_answer_counts(text: str, letter: str | None) -> None:
    options = ("one thing", "two things", "point", "No correct answer")
    assert we_math_task.strictly(text, options) == letter


def test_we_math_options_are_those_that_the_text_lists(tmp_path: Path) -> None:
    we_math(tmp_path)
    first = next(iter(load_task("we-math").samples(str(tmp_path))))
    assert [option for (option,) in first.choices] == [
        "one thing",
        "two things",
        "point ; B. to C.",
        "No correct answer",
    ]
    rows = (tmp_path / "testmini.json").read_text().replace('"answer": "C"', '"answer": "E"')
    (tmp_path / "testmini.json").write_text(rows)
    with pytest.raises(InputError, match="item 9: the answer 'E' is not one of its options; fix it"):
        list(load_task("we-math").samples(str(tmp_path)))


def dynamath(folder: Path) -> None:
    """Write two variants of three questions; only the second variant of the first one is not answered with 3.14."""
    questions = [("float", "What is it?", "statistics"), ("multiple choice", "Which? choice:(A) 3.14 (B) 3", "algebra")]
    questions.append(("text", "Where?", "analytic     geometry"))
    for variant, keys in enumerate((("3.1409", "A", "x = 3.1"), ("3.1389", "A", "3.14")), start=1):
        rows = [
            {"id": str(n), "question": question, "image": "a.png", "decoded_image": embedded(n), "ground_truth": key,
             "answer_type": kind, "subject": subject, "knowledge_level": "high school"}
            for n, ((kind, question, subject), key) in enumerate(zip(questions, keys, strict=True), start=1)
        ]  # fmt: skip
        parquet(folder / "data" / f"sample{variant}-00000-of-{variant:05}.parquet", rows)


def test_dynamath_variants_may_have_the_names_of_their_splits(tmp_path: Path) -> None:
    dynamath(tmp_path)
    task = load_task("dynamath")
    ids = [sample.id for sample in task.samples(str(tmp_path))]
    for variant in (1, 2):
        file = tmp_path / "data" / f"sample{variant}-00000-of-{variant:05}.parquet"
        file.rename(file.with_name(f"sample_variant{variant}-00000-of-00001.parquet"))
    assert [sample.id for sample in task.samples(str(tmp_path))] == ids
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match=r"no data/sample1-00000-of-00001\.parquet and no other of [0-9]+ such names in it"
    ):
        list(task.samples(str(tmp_path / "empty")))


def test_dynamath_the_worst_case_is_that_of_all_variants(tmp_path: Path) -> None:
    dynamath(tmp_path / "data")
    scores = run("dynamath", tmp_path / "data", tmp_path / "run", 'constant:{"short answer": "3.14", "solution": "A"}')
    values = {name: value(scores, name) for name in ("overall", "worst case", "statistics", "statistics, worst case")}
    assert values == pytest.approx({"overall": 200 / 6, "worst case": 0, "statistics": 50, "statistics, worst case": 0})
    assert value(scores, "overall", "strict") == pytest.approx(400 / 6)  # its first option is 3.14
    assert value(scores, "worst case", "strict") == pytest.approx(100 / 3)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('So: {"solution": "\\frac{1}{2}", "short answer": "2\\pi"} done', "2pi"),
        ('{"solution": "two\nlines", "short answer": 5}', "5"),
        ("First.\nIt is 5.", "It is 5"),
        ('{"solution": "no answer"}', "None"),
        ('{"short answer": "5}', '{"short answer": "5'),
        ("[1]", None),
        ("", ""),
        ("}{", "}"),
    ],
)
def test_dynamath_reads_json_or_the_last_line(text: str, answer: str | None) -> None:
    assert dynamath_task.short_answer(text) == answer


@pytest.mark.parametrize(
    ("kind", "key", "short", "correct"),
    [
        ("float", "6.2832", "2π", True), ("float", "6.2832", "6.283 cm", True), ("float", "6.2832", "6.2", False),
        ("float", "2", "²", False), ("float", "2", "about 2", False), ("multiple choice", "A", "a", False),
        ("multiple choice", "A", "(A) yes", True), ("multiple choice", "B", "The B", False),
        ("text", "DE", "CDEF", True), ("int", "7", "6", False),
    ],
)  # fmt: skip
def test_dynamath_scores_as_its_script(kind: str, key: str, short: str, correct: bool) -> None:
    record = Record(
        "1", (key,), tags={"answer_type": kind}, text=json.dumps({"short answer": short}, ensure_ascii=False)
    )
    assert dynamath_task.official(record).value == correct


def test_dynamath_strictly_a_number_is_not_a_factor(tmp_path: Path) -> None:
    record = Record("1", ("2",), tags={"answer_type": "float"}, text='{"short answer": "2π"}')
    assert dynamath_task.strictly(record).value == 0


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        ('{"solution": "It is \\"5\\".", "short answer": "3.141"}', True),  # its script removes the backslashes first
        ('{"solution": "\\frac{1}{2}", "short answer": "\\u03c0"}', True),
        ('{"short answer": 3.141, "solution": "cut', True),
        ('{"short answer": "3.2", "solution": "3.141"}', False),
        ('<think>{"short answer": "3.141"}</think>{"short answer": "3"}', False),
        ('{"short answer": "\\ud835"}', False),
        ("It is 3.141.", True),
    ],
)
def test_dynamath_strictly_reads_the_short_answer(text: str, correct: bool) -> None:
    record = Record("1", ("3.141",), tags={"answer_type": "float"}, text=text)
    assert dynamath_task.strictly(record).value == correct


@pytest.mark.parametrize("kind", ["float", "text", "multiple choice"])
def test_dynamath_an_empty_answer_is_unparsed(kind: str) -> None:
    record = Record("1", ("3",), choices=("2", "3") * (kind == "multiple choice"), tags={"answer_type": kind}, text="")
    assert {dynamath_task.official(record).outcome, dynamath_task.strictly(record).outcome} == {"unparsed"}
