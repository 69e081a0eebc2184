"""The sentence under the table says how many answers two scorers read differently, where and why."""

from __future__ import annotations

from mmeval.scoring.differences import GRADED, MARKED, ONLY_OFFICIAL, ONLY_STRICT, OPPOSITE, differences, explain
from mmeval.scoring.readings import choices, yesno
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.types import Record, Score


def sentence_of(*answers: str) -> str:
    records = [Record(str(i), ("yes",), "OCR", text=text) for i, text in enumerate(answers)]
    official = [yesno.scorer(yesno.official)(record) for record in records]
    strict = [yesno.scorer(yesno.strict)(record) for record in records]
    return explain(differences(records, official, strict))


def test_every_reason_is_counted() -> None:
    sentence = sentence_of("None", "Nothing", "**Yes**", "Now, yes", "yes")
    assert sentence.startswith("Of 4 answers (OCR 4)")
    for reason, number in ((ONLY_OFFICIAL, 2), (ONLY_STRICT, 1), (OPPOSITE, 1)):
        assert f"{reason} {number}" in sentence


def test_a_mark_for_an_answer_that_neither_reads_is_no_matter_of_pairs() -> None:
    record = Record("1", ("A",), "Counting", choices=("one", "two"), text="hm")
    official, quiet = letters.drawn(letters.mmmu)(record), choices.scorer(strict)(record)
    sentence = explain(differences([record], [official], [quiet]))
    assert sentence == f"Of 1 answer (Counting 1), {MARKED} 1."


def test_where_all_is_read_alike_only_the_pairs_can_differ() -> None:
    assert "group the answers into pictures differently" in sentence_of("yes", "no")


def test_a_judge_that_only_marks_reads_something_all_the_same() -> None:
    records = [Record(str(n), ("8.49",), "ocr", text="8.49") for n in range(3)]
    marks = [Score(value, "correct" if value else "incorrect") for value in (1.0, 0.5, 0.0)]
    quiet = [Score(1.0, "correct", "8.49")] * 3
    assert explain(differences(records, marks, quiet, graded=True)) == f"Of 2 answers (ocr 2), {GRADED} 2."
    assert ONLY_STRICT in explain(differences(records, marks, quiet))
