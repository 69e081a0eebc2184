"""We-Math, whose problems are asked as a whole and step by step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval.runs.scored import score_records
from mmeval.task import load_task
from mmeval.tasks import we_math as we_math_task
from mmeval.types import InputError, Record
from tests.tasks.small_folders import picture, run, value

OPTION = "A. one thing;B．two things; C. point ;B. to C.; D. No correct answer"


def we_math(folder: Path) -> None:
    """Write two problems of two steps, each with the keys A, B and B, and one of three steps, A, B, C and A."""
    rows: list[dict[str, str]] = []
    for problem, kind, keys in (("1", "2steps", "ABB"), ("2", "2steps", "ABB"), ("9", "3steps", "ABCA")):
        for part, answer in zip(we_math_task.STEPS[kind], keys, strict=True):
            path = f"{kind}/image/{problem}-{part}.png"
            picture(folder / path, len(rows))
            named = {"ID": f"{kind}_{problem}", "key": f"{kind}_{part}", "image_path": path}
            rows.append(named | {"question": f"Is it {problem}?", "option": OPTION, "answer": answer})
    (folder / "testmini.json").write_text(json.dumps(rows))


def test_we_math_counts_problems_by_their_steps(tmp_path: Path) -> None:
    we_math(tmp_path / "data")
    scores = run("we-math", tmp_path / "data", tmp_path / "run", "constant:<Answer>: <<B>>")
    found = {name: value(scores, name) for name in we_math_task.OUTCOMES}
    assert found == pytest.approx(
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
        Record(one.id, one.targets, one.category, one.groups, choices=tuple(str(o) for (o,) in one.choices), text=text)
        for one, text in zip(samples, ("Answer: A", "Answer B", "The answer is B. Or Answer: D", "A"), strict=True)
    ]
    metrics = score_records(task, records).results()["metrics"]
    assert {name: metrics[name]["value"] for name in ("strict", "loose", "IG", "IK")} == {
        "strict": 50, "loose": 50, "IG": 100, "IK": 0,
    }  # fmt: skip
    assert (metrics["strict"]["n"], metrics["S1"]["n"], metrics["RM strict"]["reason"]) == (
        1, 3, "no whole problem was solved",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        *[("<Answer>: <<C. 5>>.", "C"), ("Answer: A. No, Answer: B", "B"), ("C", "C"), ("The answer is B", None)],
        *[("Answer: (B)", None), ("", None), ("Answer", None), ("Dogs", "D"), ("Answer: H", "H")],
    ],
)
def test_we_math_reads_the_sign_after_the_last_answer(text: str, letter: str | None) -> None:
    assert we_math_task.read(text, ()) == letter


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
