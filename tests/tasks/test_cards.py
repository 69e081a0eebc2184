"""Cards, from the file to the scores, and one sentence for each error in a card."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PILImage

import mmeval
from mmeval import yaml_file
from mmeval.cards.rows import sample
from mmeval.cards.schema import Card, Columns, check
from mmeval.cards.task import build, load
from mmeval.data.tables import TableRow
from mmeval.reporting.matrix import matrix
from mmeval.runs.run import open_run
from mmeval.runs.schema import results_to_json
from mmeval.scoring.metrics import groups
from mmeval.scoring.readings.choices import letter
from mmeval.task import Task
from mmeval.task_loading import load_task
from mmeval.types import SPARE, Image, InputError, Record, Sample
from tests.evaluating import evaluate
from tests.tasks.small_folders import call, jsonl, picture, run, value

TOOLS: dict[str, Any] = {
    "about": "which tool is for which job",
    "kind": "multiple choice",
    "files": "questions.jsonl",
    "fields": {
        "question": "ask",
        "answer": "right",
        "options": ["A", "B", "C"],
        "pictures": "photo",
        "category": "trade",
        "cluster": "photo",
    },
    "folder": "photos",
    "categories": {"wood": "Woodwork", "metal": "Metalwork"},
    "groups": {"all_of_photo": "photo"},
}


def card(folder: Path, values: dict[str, Any] = TOOLS) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "tools.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    rows = []
    for number, (trade, right) in enumerate([("wood", "A"), ("wood", "B"), ("metal", "A"), ("metal", "A")]):
        options = {"A": "saw", "B": "file", "C": "" if number == 0 else "drill"}
        rows.append({"ask": "Which?", "right": right, "photo": f"{number // 2}.png", "trade": trade, **options})
    jsonl(folder / "questions.jsonl", rows)
    for number in range(2):
        picture(folder / "photos" / f"{number}.png", number)
    card(folder)
    return folder


@pytest.mark.slow
def test_a_card_runs_with_no_data_named(tools: Path, tmp_path: Path) -> None:
    result = call("run", "--task", tools / "tools.yaml", "--model", "constant:A", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "Woodwork" in result.output
    scores = open_run(tmp_path / "run").results
    assert (value(scores, "overall"), value(scores, "wood"), value(scores, "metal")) == (75.0, 50.0, 100.0)
    assert value(scores, "all_of_photo") == 50.0
    assert scores.metrics["overall"].chance == pytest.approx(100 * (1 / 2 + 3 * 1 / 3) / 4)
    assert scores.metrics["all_of_photo"].chance == pytest.approx(100 * (1 / 6 + 1 / 9) / 2)


def test_a_run_is_scored_again_where_its_card_is_gone(tools: Path, tmp_path: Path) -> None:
    scores = run(tools / "tools.yaml", tools, tmp_path / "run", "constant:A")
    (tools / "tools.yaml").unlink()
    assert json.loads(call("score", tmp_path / "run", "--json").output) == results_to_json(scores)


def test_a_run_on_part_of_the_benchmark_says_so(tools: Path, tmp_path: Path) -> None:
    path = card(tools, {**TOOLS, "questions": 5})
    assert evaluate("constant:A", str(path), out=tmp_path / "run").marks == [
        "the data has only 4 of the benchmark's 5 questions"
    ]
    assert evaluate("constant:A", str(card(tools, {**TOOLS, "questions": 4})), out=tmp_path / "all").marks == []


def test_another_card_is_another_run(tools: Path, tmp_path: Path) -> None:
    run(tools / "tools.yaml", tools, tmp_path / "run", "constant:A")
    card(tools, {**TOOLS, "letters": "(A)"})
    result = call("run", "--task", tools / "tools.yaml", "--model", "constant:A", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "card.letters" in result.stderr


def test_runs_of_a_card_are_drawn_again_and_together(tools: Path, tmp_path: Path) -> None:
    for answer in "AB":
        run(tools / "tools.yaml", tools, tmp_path / answer, f"constant:{answer}")
    result = call("report", tmp_path / "A", tmp_path / "B", "--out", tmp_path / "drawn")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "drawn" / "dotplot.svg").exists()
    card(tools, {**TOOLS, "letters": "(A)"})
    run(tools / "tools.yaml", tools, tmp_path / "C", "constant:A")
    result = call("report", tmp_path / "A", tmp_path / "C", "--out", tmp_path / "drawn")
    assert result.exit_code == 2
    assert "different cards that are both named tools" in result.stderr
    (pair,) = mmeval.compare(tmp_path / "A", tmp_path / "C").pairs
    assert "different cards named tools; what they ask and how they score may differ" in pair.notes


def test_a_card_named_like_a_benchmark_is_not_that_benchmark(tools: Path, tmp_path: Path) -> None:
    (tools / "tools.yaml").rename(tools / "mme.yaml")
    assert value(run(tools / "mme.yaml", tools, tmp_path / "run", "constant:A"), "overall") == 75.0
    result = call("submit", tmp_path / "run", "--to", "mme")
    assert result.exit_code == 2
    assert "a run of the card mme, but 'mme' needs mme" in result.stderr


@pytest.mark.parametrize("name", ["questions.json", "questions.jsonl"])
def test_a_table_nested_without_end_is_a_sentence(tools: Path, name: str) -> None:
    card(tools, {**TOOLS, "files": name})
    (tools / name).write_text("[" * 100_000)
    result = call("run", "--task", tools / "tools.yaml", "--model", "constant:A", "--dry-run")
    assert result.exit_code == 2
    assert name in result.stderr


def test_no_turn_no_early_stop(tools: Path, tmp_path: Path) -> None:
    result = call("run", "--task", tools / "tools.yaml", "--model", "constant:A", "--early-stop", "--dry-run")
    assert result.exit_code == 2
    assert "does not rotate options; remove --early-stop" in result.stderr


def test_a_dry_run_shows_what_is_weighed(tools: Path) -> None:
    result = call(
        "run", "--task", tools / "tools.yaml", "--model", "constant:A", "--scoring", "likelihood", "--dry-run"
    )
    assert result.exit_code == 0, result.output
    assert "[candidate: saw]" in result.output


def test_what_is_asked(tools: Path) -> None:
    task = load_task(str(tools / "tools.yaml"))
    first = next(iter(task.samples(str(tools))))
    image, text = task.prompts["direct"](first)
    assert isinstance(image, Image)
    assert text == "Which?\nA. saw\nB. file\nAnswer with the option's letter."
    assert (first.targets, first.groups["cluster"], first.category) == (("A",), "0.png", "wood")


def test_likelihood_and_public_readings_come_with_multiple_choice(tools: Path, tmp_path: Path) -> None:
    likelihood = run(tools / "tools.yaml", tools, tmp_path / "weighed", "constant", scoring="likelihood")
    assert (value(likelihood, "overall"), likelihood.counts.unparsed) == (0.0, 4)  # all are equally likely
    public = run(tools / "tools.yaml", tools, tmp_path / "read", "constant:A", reading="2023")
    assert value(public, "overall") == value(public, "overall", "strict") == 75.0


def test_yes_no_with_pictures_in_the_question(tmp_path: Path) -> None:
    values = {
        "about": "same or not",
        "kind": "yes/no",
        "files": "pairs.json",
        "fields": {"question": "q", "answer": "same", "pictures": ["one", "two"]},
        "mark": "<image>",
        "only": {"split": "test"},
        "prompts": {"plain": "{question} Yes or no? ({split})"},
    }
    rows = [
        {"q": "<image> Is it <image>?", "same": answer, "one": "a.png", "two": "b.png", "split": split}
        for answer, split in [("True", "test"), ("no", "test"), ("yes", "train")]
    ]
    (tmp_path / "pairs.json").write_text(json.dumps(rows), encoding="utf-8")
    for number, name in enumerate(("a.png", "b.png")):
        picture(tmp_path / name, number)
    task = load(card(tmp_path, values))
    samples = list(task.samples(str(tmp_path)))
    assert [sample.targets for sample in samples] == [("yes",), ("no",)]
    prompt = task.prompts["plain"](samples[0])
    assert [type(part).__name__ for part in prompt] == ["Image", "str", "Image", "str"]
    assert prompt[1::2] == (" Is it ", "? Yes or no? (test)")
    scores = run(tmp_path / "tools.yaml", tmp_path, tmp_path / "run", "constant:yes")
    assert (value(scores, "overall"), value(scores, "yes_ratio"), round(value(scores, "f1"), 1)) == (50.0, 100.0, 66.7)


def test_a_part_of_the_question_may_decide_its_kind(tmp_path: Path) -> None:
    values = {
        "about": "two forms of answers",
        "kind": {"Which? A. *": "multiple choice", "*[one]*": "short answer"},
        "files": "q.jsonl",
        "fields": {"question": "q", "answer": "a", "kind": "q"},
        "lettered": 2,
        "prompts": {"plain": "{question}"},
    }
    rows = [{"q": "Which? A. a fox\nB. a hen", "a": "B"}, {"q": "How many?\nSay [one] number.", "a": "2"}]
    jsonl(tmp_path / "q.jsonl", rows)
    path = card(tmp_path, values)
    assert value(run(path, tmp_path, tmp_path / "hen", "constant:a hen"), "overall") == 50.0
    assert value(run(path, tmp_path, tmp_path / "two", "constant:two"), "overall") == 50.0
    jsonl(tmp_path / "q.jsonl", [*rows, {"q": "Say o number.", "a": "2"}])  # brackets have no meaning of their own
    with pytest.raises(InputError, match=r"q\.jsonl, line 3: unknown kind 'Say o number\.'; choose from .*Which\? A"):
        list(load(path).samples(str(tmp_path)))


def test_short_answers(tmp_path: Path) -> None:
    fields = {"question": "q", "answer": "a"}
    values = {"about": "names", "kind": "short answer", "files": "q.csv", "fields": fields}
    (tmp_path / "q.csv").write_text("q,a\nWho?,The Fox\nWho else?,a hen\n", encoding="utf-8")
    path = card(tmp_path, values)
    assert value(run(path, tmp_path, tmp_path / "fox", "constant:The answer is fox."), "overall") == 50.0
    assert value(run(path, tmp_path, tmp_path / "cat", "constant:no fox"), "overall") == 0.0  # not by containment
    rows = [{"q": "Which?", "a": ["fox"] * 2 + ["dog"] * 8}]
    jsonl(tmp_path / "q.jsonl", rows)
    voted = card(tmp_path, {**values, "files": ["q.jsonl"], "match": "vqa"})
    # left out in turn: two of ten times one of the others agrees, eight times two
    agreed = value(run(voted, tmp_path, tmp_path / "voted", "constant:fox"), "overall")
    assert agreed == pytest.approx(100 * (2 * 1 / 3 + 8 * 2 / 3) / 10)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"catgories": ["a"]}, "unknown key 'catgories' (did you mean 'categories'?)"),
        ({"fields": {**TOOLS["fields"], "pictres": "x"}}, "fields: unknown key 'pictres' (did you mean 'pictures'?)"),
        ({"kind": "multiple-choice"}, "my.yaml, kind: unknown value 'multiple-choice' (did you mean"),
        ({"kind": "yes/no"}, "a choice question needs `fields: options` or `lettered`, and other kinds take neither"),
        ({"letters": "a)"}, "letters: unknown value 'a)'"),
        ({"max_new_tokens": "ten"}, "max_new_tokens: must be a whole number, not 'ten'"),
        ({"fields": {"question": "ask"}}, "fields: the key 'answer' is missing"),
        ({"prompts": {"odd": "{question}"}}, "pictures go to {pictures}"),
        ({"prompts": {"../odd": "{pictures}{question}{options}"}}, "'../odd' is not a valid prompt name"),
        ({"prompts": {"a,b": "{pictures}{question}{options}"}}, "'a,b' is not a valid prompt name"),
        ({"prompts": {"odd": "{pictures}{question}"}}, "{options} is missing"),
        ({"groups": {"overall": "photo"}}, "the name 'overall' is taken"),
        ({"categories": None}, "categories: must be keys and values, as `name: value`, not None"),
        ({"lettered": 4}, "lettered: options are in a column or in the question"),
        ({"kind": "picture choice", "answers": "text"}, "a picture choice needs a column of options, and an answer"),
        ({"lettered": 0}, "lettered: must be at least 1, not 0"),
        ({"lettered": 27}, "lettered: must be at most 26, not 27"),
        ({"max_new_tokens": 10**9}, "max_new_tokens: must be at most 1000000, not 1000000000"),
        ({"kind": {"mc": "multiple choice"}}, "`kind` as a map and `fields: kind` must be given together"),
        ({"fields": {**TOOLS["fields"], "kind": "trade"}}, "`kind` as a map and `fields: kind` must be given together"),
        ({"kind": {"mc": "multiple"}}, "'multiple' (did you mean 'multiple choice'?)"),
        ({"prompts": {"odd": {"yes/no": "{question}"}}}, "prompts, odd: unknown kind 'yes/no'"),
        ({"prompts": {"odd": {}}}, "prompts, odd: the prompt for 'multiple choice' is missing"),
        ({"folder": ["photos", 3]}, "folder: must be text, not 3"),
        ({"hub": {"repo": "/etc", "revision": "main", "split": "test"}}, "hub, repo: must be owner/name, not '/etc'"),
        ({"hub": {"repo": "a/b", "split": "test"}}, "hub: the key 'revision' is missing"),
        ({"groups": {"cluster": "photo"}}, "the name 'cluster' is taken"),
        ({"about": ["x"]}, "about: must be text, not ['x']"),
        ({"fields": "ask"}, "fields: must be keys and values"),
        ({"categories": {1: "one"}}, "categories: must be text, not 1"),
        ({3: "x"}, "unknown key '3'"),
        ({"wordings": {"a": "{pictures}{question}{options}"}, "prompts": {}}, "unknown key 'wordings'"),
        ({"only": {"trade": [["wood"]]}}, "only, trade: must be text, not ['wood']"),
        ({"official": "mmstr"}, "official: no reading 'mmstr' (did you mean 'mmstar'?); choose from ai2d, chartqa, "),
        ({"match": "mra"}, "match: mra compares short answers, and the card has none; remove it"),
        ({"tolerance": "5%"}, "a tolerance belongs to match: numeric, not to exact; remove one of the two"),
        ({"official": "gqa"}, "official: 'gqa' reads short answer, not multiple choice; remove it"),
    ],
)
def test_a_wrong_card_is_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=r"my\.yaml") as raised:
        check({**TOOLS, **change}, "my.yaml")
    assert sentence in str(raised.value)


def test_a_card_names_an_official_reading(tools: Path, tmp_path: Path) -> None:
    path = card(tools, {**TOOLS, "official": "video-mme"})
    scores = run(path, tools, tmp_path / "A", "constant:But the answer is A.")
    assert (value(scores, "overall"), value(scores, "overall", "strict")) == (25.0, 75.0)
    assert any(line.startswith("Answers were read with 'video-mme'; ") for line in scores.remarks)
    unparsed = run(path, tools, tmp_path / "none", "constant:none")
    assert (value(unparsed, "overall"), value(unparsed, "overall", "strict")) == (None, 0.0)
    assert "4 of 4 answers are unparsed by the official script, which leaves them out." in unparsed.remarks


def test_a_card_makes_no_objects() -> None:
    with pytest.raises(InputError, match=r"my\.yaml, line 1: the tag .* is not allowed"):
        yaml_file.parse("about: !!python/object/apply:os.getcwd []", "my.yaml")


def test_prompts_may_be_spelt_wordings(tools: Path) -> None:
    card(tools, {**TOOLS, "wordings": {"plain": "{pictures}{question} {options}"}})
    assert list(load_task(str(tools / "tools.yaml")).prompts) == ["plain"]


def test_doubled_braces_are_plain_and_nothing_follows_options_at_the_end(tools: Path) -> None:
    template = "{pictures}Reply with {{A}}, {trade}. {question}\n{options}"
    task = load(card(tools, {**TOOLS, "prompts": {"braces": template}}))
    (first, *_) = task.samples(str(tools))
    text = "".join(part for part in task.prompts["braces"](first) if isinstance(part, str))
    assert text.startswith("Reply with {A}, wood. ") and text.endswith(f"\nB. {first.choices[1][0]}")


def test_a_number_as_a_fact_and_a_date_are_text(tools: Path) -> None:
    path = card(tools, {**TOOLS, "size": 4})
    path.write_text(path.read_text() + "published: 2023-09-17\n")
    assert call("run", "--task", path, "--model", "constant:A", "--out", tools / "run").exit_code == 0
    assert load(path).card["published"] == "2023-09-17"


def test_the_headline_of_yes_or_no_is_accuracy(tmp_path: Path) -> None:
    values = {"about": "x", "kind": "yes/no", "files": "q.jsonl", "fields": {"question": "q", "answer": "a"}}
    jsonl(tmp_path / "q.jsonl", [{"q": "?", "a": "yes"}, {"q": "!", "a": "no"}])
    task = load(card(tmp_path, values))
    assert (task.axes, task.totals) == ({"overall": "Accuracy"}, {})
    assert list(task.details) == ["f1", "precision", "recall", "yes_ratio"]
    scores = run(tmp_path / "tools.yaml", tmp_path, tmp_path / "run", "constant:yes")
    assert [value(scores, name) for name in ("overall", "precision", "recall")] == [50.0, 50.0, 100.0]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"right": "D"}, "the answer 'D' is not the letter of one of its options"),
        ({"B": ""}, "an option is empty but a later one is not"),
        ({"trade": "wod"}, "unknown category 'wod' (did you mean 'wood'?)"),
        ({"photo": "9.png"}, "there is no picture"),
        ({"photo": "../../tools.yaml"}, "leads out of"),
        ({"photo": "https://example.org/a.png"}, "is a URL; mmeval downloads no pictures"),
        ({"ask": " "}, "the column ask is ' '"),
        ({"A": "", "B": "", "C": "saw"}, "an option is empty"),
    ],
)
def test_a_wrong_row_is_a_sentence_with_its_place(tools: Path, row: dict[str, str], sentence: str) -> None:
    valid = {"ask": "Which?", "right": "A", "photo": "0.png", "trade": "wood", "A": "saw", "B": "file", "C": "axe"}
    jsonl(tools / "questions.jsonl", [valid, {**valid, **row}])
    result = call("run", "--task", tools / "tools.yaml", "--model", "constant", "--out", tools / "run")
    assert result.exit_code == 2
    assert "questions.jsonl, line 2" in result.stderr
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def several(folder: Path, content: object, **change: Any) -> Task:
    """A card of two kinds, over a JSON file that has its rows inside."""
    values = {
        "about": "x",
        "kind": {"mc": "multiple choice", "open": "short answer"},
        "files": "q.json",
        "rows": "data/test",
        "fields": {"question": "q", "answer": "a", "options": "o", "kind": "type", "id": "key", "pictures": "p"},
        "folder": ["old/{}.png", "new/{}.png"],
        "groups": {"halves": "key/2"},
        "only": {"split": ["a", "b"]},
    }
    folder.mkdir(exist_ok=True)
    (folder / "q.json").write_text(json.dumps({"data": {"test": content}}), encoding="utf-8")
    task: Task = load(card(folder, {**values, **change}))
    return task


ROWS: dict[str, dict[str, Any]] = {
    "2": {"type": "mc", "q": "Which?", "a": "B", "o": "A) saw B) file", "p": 7, "split": "a"},
    "3": {"type": "open", "q": "How many?", "a": "two", "p": 8, "split": "b"},
    "4": {"type": "open", "q": "How many?", "a": "two", "p": 9, "split": "c"},
}


@pytest.mark.parametrize("match", [{"match": "mra"}, {"match": "numeric", "tolerance": 0}])
def test_a_key_without_a_number_is_a_sentence_where_numbers_are_compared(tmp_path: Path, match: dict[str, Any]) -> None:
    rows = {"3": ROWS["3"], "5": {**ROWS["3"], "a": ["a lot", "many"]}}
    picture(tmp_path / "new/8.png")
    task = several(tmp_path, rows, **match)
    with pytest.raises(InputError, match=rf"5: the answer 'a lot' is not a single number, as match: {match['match']}"):
        list(task.samples(str(tmp_path)))


def test_two_kinds_rows_inside_a_file_and_pictures_in_several_folders(tmp_path: Path) -> None:
    for name in ("old/7.png", "new/7.png", "new/8.png"):
        picture(tmp_path / name, len(name))
    first, second = several(tmp_path, ROWS).samples(str(tmp_path))
    assert (first.id, first.targets, first.choices) == ("2", ("B",), (("saw",), ("file",)))
    assert (second.id, second.targets, second.choices) == ("3", ("two",), ())
    assert first.groups == second.groups == {"halves": "1"}
    assert isinstance(first.prompt[0], Image)
    assert first.prompt[0].data == tmp_path / "old" / "7.png"
    scores = run(tmp_path / "tools.yaml", tmp_path, tmp_path / "run", "constant:B")
    assert (value(scores, "overall"), value(scores, "halves")) == (50.0, 0.0)
    assert scores.metrics["overall"].chance is None
    result = call("run", "--task", tmp_path / "tools.yaml", "--model", "constant", "--scoring", "likelihood")
    assert (result.exit_code, "remove --scoring" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"type": "opne"}, "q.json, 3: unknown kind 'opne' (did you mean 'open'?)"),
        ({"p": 5}, "there is no picture old/5.png and no new/5.png in"),
        ({"p": 5.5}, "3, p: '5.5' is not a picture"),
        ({"p": "A" * 301}, "not base64"),
        ({"key": "three"}, "the column key is 'three'; for key/2 it must be a whole number"),
        ({"type": "mc", "o": "saw, file"}, "two or more options; this one has 0"),
    ],
)
def test_a_wrong_row_inside_a_file_is_a_sentence(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    for name in ("old/7.png", "new/8.png"):
        picture(tmp_path / name)
    rows = {**ROWS, "3": {**ROWS["3"], **change}}
    with pytest.raises(InputError) as raised:
        list(several(tmp_path, rows).samples(str(tmp_path)))
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["a saw", "a file", None, ""], ["a saw", "a file"]),
        (["a saw", "a file", float("nan"), "nan"], ["a saw", "a file"]),
        ([1, 2.5, True], ["1", "2.5", "True"]),
        (["", "a file"], "an option is empty but a later one is not"),
        (["a saw", None, "a file"], "an option is empty but a later one is not"),
        (["a saw", "nan", "a file"], "an option is empty but a later one is not"),
        ("A: a saw B: a file C: nan", ["a saw", "a file"]),
        ("A: nan B: a saw C: a file", "an option is empty but a later one is not"),
        ([["a saw"], ["a file"]], "it must be a list of texts"),
        ([{"label": "A", "text": "a saw"}, {"label": "B", "text": "a file"}], "it must be a list of texts"),
        ([b"a saw", b"a file"], "it must be a list of texts"),
        ([str(number) for number in range(27)], "here: 27 options, but there are only 26 letters"),
    ],
)
def test_a_list_of_options_has_texts_without_a_gap(options: object, expected: list[str] | str) -> None:
    fields = {"question": "q", "answer": "a", "options": "o"}
    columns = check({"about": "x", "kind": "multiple choice", "files": "q.csv", "fields": fields}, "my.yaml")
    line = TableRow({"q": "Which?", "a": "B", "o": options}, "here")
    if isinstance(expected, list):
        assert [part for (part,) in sample(columns, line, 1, set()).choices] == expected
        return
    with pytest.raises(InputError, match="here") as raised:
        sample(columns, line, 1, set())
    assert expected in str(raised.value)


def test_an_empty_answer_in_a_list_is_not_the_answer_none() -> None:
    fields = {"question": "q", "answer": "a"}
    columns = check({"about": "x", "kind": "short answer", "files": "q.csv", "fields": fields}, "my.yaml")
    with pytest.raises(InputError, match=r"the column a is .*, None.*; it must be a list of texts"):
        sample(columns, TableRow({"q": "Who?", "a": ["he", None]}, "here"), 1, set())


def test_bytes_are_not_text_and_an_empty_cell_is_empty_in_a_prompt() -> None:
    fields = {"question": "q", "answer": "a"}
    values = {"about": "x", "kind": "yes/no", "files": "q.csv", "fields": fields, "prompts": {"p": "{hint}{question}"}}
    columns = check(values, "my.yaml")
    for cells in ({"q": b"Is it?", "hint": ""}, {"q": "Is it?", "hint": b"Look"}):
        with pytest.raises(InputError, match="it must be a text"):
            sample(columns, TableRow({"a": "yes", **cells}, "here"), 1, {"hint"})
    assert sample(columns, TableRow({"q": "Is it?", "a": "yes", "hint": None}, "here"), 1, {"hint"}).tags["hint"] == ""


@pytest.mark.parametrize(
    ("rows", "change", "sentence"),
    [
        ([], {}, "q.jsonl: no rows; check that it is the right file or folder"),
        ([{"q": "?", "a": "yes"}], {"only": {"a": "no"}}, "q.jsonl: none of the 1 row has a no; fix the card's"),
        ([{"q": "?", "a": "yes", "p": ""}, {"q": "!", "a": "no", "p": None}], {"p": "p"}, "no row has a picture in p"),
    ],
)
def test_a_table_that_has_nothing_to_ask_is_named(
    rows: list[dict[str, Any]], change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    fields = {"question": "q", "answer": "a"} | ({"pictures": change.pop("p")} if "p" in change else {})
    jsonl(tmp_path / "q.jsonl", rows)
    path = card(tmp_path, {"about": "x", "kind": "yes/no", "files": "q.jsonl", "fields": fields, **change})
    result = call("run", "--task", path, "--model", "constant", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_questions_without_a_picture_are_counted(tools: Path, tmp_path: Path) -> None:
    row = {"ask": "Which?", "right": "A", "photo": "0.png", "trade": "wood", "A": "saw", "B": "file", "C": ""}
    jsonl(tools / "questions.jsonl", [row, {**row, "photo": ""}, {**row, "photo": None}])
    fields = {name: column for name, column in TOOLS["fields"].items() if name != "cluster"}
    scores = run(card(tools, {**TOOLS, "fields": fields, "groups": {}}), tools, tmp_path / "run")
    assert "2 questions have no picture." in scores.remarks


LISTED = get_args(Card.model_fields["letters"].annotation)
OPTION = st.text("abcd xyz,", min_size=1, max_size=12).map(lambda text: text.strip(" ,")).filter(bool)


@given(st.lists(OPTION, min_size=2, max_size=8), st.sampled_from(LISTED), st.sampled_from(" \n"))
def test_options_in_a_text_are_read_as_they_are_listed(options: list[str], form: str, between: str) -> None:
    fields = {"question": "q", "answer": "a", "options": "o"}
    columns = check({"about": "x", "kind": "multiple choice", "files": "q.csv", "fields": fields}, "my.yaml")
    listed = [f"{form.replace('A', letter(index))} {option}" for index, option in enumerate(options)]
    for cell in (between.join(listed), listed, options):
        line = TableRow({"q": "Which?", "a": "B", "o": cell}, "here")
        assert sample(columns, line, 1, set()).choices == tuple((option,) for option in options)


def test_options_that_are_pictures(tools: Path, tmp_path: Path) -> None:
    for number, options in enumerate((["0.png", "1.png", ""], ["0.png", "", "1.png"], ["0.png", "", ""])):
        row = {
            "ask": "Which?",
            "right": "B",
            "photo": "0.png",
            "trade": "wood",
            **dict(zip("ABC", options, strict=True)),
        }
        jsonl(tools / f"q{number}.jsonl", [row])
    path = card(tools, {**TOOLS, "kind": "picture choice"})
    task = load(path)
    (first,) = task.samples(str(tools / "q0.jsonl"))
    assert [[type(part) for part in choice] for choice in first.choices] == [[Image], [Image]]
    with pytest.raises(InputError, match="an option is empty but a later one is not"):
        list(task.samples(str(tools / "q1.jsonl")))
    with pytest.raises(InputError, match="two or more pictures to choose from; this one has 1"):
        list(task.samples(str(tools / "q2.jsonl")))
    scores = run(path, tools / "q0.jsonl", tmp_path / "run", "constant:B")
    assert (value(scores, "overall"), scores.metrics["overall"].chance) == (100.0, 50.0)


def test_rows_that_are_elsewhere_are_a_sentence(tmp_path: Path) -> None:
    for rows, sentence in (
        ("data/tset", "no 'tset' in it (did you mean 'test'?)"),
        ("data/test/2/q", "neither a list"),
    ):
        with pytest.raises(InputError, match=r"q\.json: ") as raised:
            list(several(tmp_path, ROWS, rows=rows).samples(str(tmp_path)))
        assert sentence in str(raised.value)


def test_files_that_are_the_folder_itself_are_a_sentence(tmp_path: Path) -> None:
    values = {"about": "x", "kind": "yes/no", "files": ".", "fields": {"question": "q", "answer": "a"}}
    with pytest.raises(InputError, match=r"the file name '\.' names the data's folder itself"):
        list(build("my", values, "my.yaml").samples(str(tmp_path)))


def test_more_places_than_pictures_is_a_sentence(tmp_path: Path) -> None:
    fields = {"question": "q", "answer": "a", "pictures": "p"}
    values = {"about": "x", "kind": "yes/no", "files": "q.jsonl", "fields": fields, "mark": "<image>"}
    jsonl(tmp_path / "q.jsonl", [{"q": "<image><image>", "a": "yes", "p": "a.png"}])
    picture(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"line 1: 2 places for pictures .* but 1 picture;"):
        list(load(card(tmp_path, values)).samples(str(tmp_path)))


def test_a_link_out_of_the_folder_leads_to_a_picture_or_is_refused(tools: Path, tmp_path: Path) -> None:
    elsewhere = picture(tmp_path / "elsewhere.png")
    (tools / "photos" / "0.png").unlink()
    (tools / "photos" / "0.png").symlink_to(elsewhere)
    assert list(load(tools / "tools.yaml").samples(str(tools)))
    elsewhere.write_text("root:x:0:0")
    with pytest.raises(InputError, match="leads out of"):
        list(load(tools / "tools.yaml").samples(str(tools)))


def test_the_guides_example_runs(tmp_path: Path) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "own-benchmark.md").read_text(encoding="utf-8")
    rows, values = (guide.split(f"```{kind}\n")[1].split("```")[0] for kind in ("json", "yaml"))
    folder = tmp_path / "tools"
    for number, name in enumerate(("bench.png", "rod.png")):
        picture(folder / "photos" / name, number)
    (folder / "questions.jsonl").write_text(rows, encoding="utf-8")
    (folder / "tools.yaml").write_text(values, encoding="utf-8")
    scores = run(folder / "tools.yaml", folder, tmp_path / "run", "constant:A", prompt="trade")
    assert value(scores, "overall") == pytest.approx(200 / 3)
    assert (value(scores, "wood"), value(scores, "metal"), value(scores, "whole_photo")) == (50.0, 100.0, 50.0)
    record = json.loads((tmp_path / "run" / "records.jsonl").read_text().splitlines()[0])
    assert record["question"].startswith("A question of woodwork: Which of these")


def test_the_guide_names_every_key() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "own-benchmark.md").read_text(encoding="utf-8")
    assert [name for name in (*Card.model_fields, *Columns.model_fields) if f"`{name}`" not in guide] == []


def test_a_run_says_which_pictures_are_shown_changed(tools: Path, tmp_path: Path) -> None:
    PILImage.new("RGBA", (8, 8)).save(tools / "photos" / "0.png")
    exif = PILImage.Exif()
    exif[0x0112] = 6
    PILImage.new("I;16", (8, 4)).save(tools / "photos" / "1.png", exif=exif)
    remark = "1 with transparency, which is dropped; 1 turned upright, as their EXIF orientation says; 1 of 16 bits"
    scores = run(tools / "tools.yaml", tools, tmp_path / "run", "constant:A")
    assert scores.remarks[-1] == f"Pictures: {remark}, scaled to 8; 2 are shown."
    assert remark in call("run", "--task", tools / "tools.yaml", "--model", "constant:A", "--dry-run").output


def test_empty_answers_are_counted(tools: Path, tmp_path: Path) -> None:
    scores = run(tools / "tools.yaml", tools, tmp_path / "run", "constant: ")
    assert "4 of 4 answers are empty." in scores.remarks


def read(folder: Path, table: str, text: str, **values: Any) -> list[Sample]:
    for name in ("a.png", "b.png", "c.png"):
        picture(folder / name, ord(name[0]))
    if text:
        (folder / table).write_text(text, encoding="utf-8")
    fields = {"question": "q", "answer": "a", "pictures": "img", "options": ["A", "B"], **values.pop("fields", {})}
    facts = {"about": "x", "kind": "multiple choice", "files": table, "fields": fields, **values}
    return list(build("my", facts, "my.yaml").samples(str(folder)))


def names(sample: Sample) -> list[str]:
    return [part.name if isinstance(part, Image) else str(part) for part in sample.prompt]


@pytest.mark.parametrize("form", ["['a.png', 'b.png']", '["a.png", "b.png"]'])
def test_a_cell_may_hold_a_list_of_pictures(tmp_path: Path, form: str) -> None:
    (question,) = read(tmp_path, "t.tsv", f"q\tA\tB\ta\timg\nWhich?\tx\ty\tA\t{form}\n")
    assert names(question) == ["a.png", "b.png", "Which?"]


@pytest.mark.parametrize("column", ["image", "img"])
@pytest.mark.parametrize("size", [8, 64])  # the text of the small ones is as short as a name
def test_a_cell_may_hold_a_list_of_pictures_in_base64(tmp_path: Path, column: str, size: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (2, size, size, 3), np.uint8)
    encoded = []
    for array in pixels:
        file = io.BytesIO()
        PILImage.fromarray(array[: size // 2] if size > 8 else np.zeros_like(array)).save(file, "PNG")
        encoded.append(base64.b64encode(file.getvalue()).decode())
    text = f"q\tA\tB\ta\t{column}\nWhich?\tx\ty\tA\t{encoded}\n"
    (question,) = read(tmp_path, "t.tsv", text, fields={"pictures": column})
    pictures = [part for part in question.prompt if isinstance(part, Image)]
    assert [one.digest for one in pictures] == [hashlib.sha256(base64.b64decode(one)).hexdigest() for one in encoded]
    assert [one.decode().width for one in pictures] == [size, size]


def test_a_cell_may_hold_a_list_of_options(tmp_path: Path) -> None:
    text = "q,o,a,img\nWhich?,\"['x, or so', 'y']\",A,a.png\n"
    (question,) = read(tmp_path, "t.csv", text, fields={"options": "o"})
    assert question.choices == (("x, or so",), ("y",))


@pytest.mark.parametrize("table", ["t.csv", "t.jsonl", "t.parquet"])
def test_the_index_of_an_answer_may_be_in_a_column_of_floats(tmp_path: Path, table: str) -> None:
    """Pandas makes floats of whole numbers if a cell is empty."""
    rows = pd.DataFrame(
        {"q": "Which?", "A": "x", "B": "y", "img": "a.png", "a": [1.0, 0.0, None], "n": [4.0, 5.0, 6.0]}
    )
    texts = {"csv": rows.to_csv(index=False), "jsonl": rows.to_json(orient="records", lines=True), "parquet": ""}
    rows.to_parquet(tmp_path / "t.parquet")
    questions = read(tmp_path, table, texts[table.rpartition(".")[2]], answers="number", groups={"pair": "n/2"})
    assert [question.targets for question in questions] == [("B",), ("A",), ()]
    assert [question.groups["pair"] for question in questions] == ["2", "2", "3"]
    with pytest.raises(InputError, match=r"the answer '1.5' is not the number of one of its options"):
        read(tmp_path, "t.csv", "q,A,B,a,img\nWhich?,x,y,1.5,a.png\n", answers="number")


def test_a_backslash_in_the_name_of_a_picture_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no picture .*its name has a backslash; write / between folders.; put it"):
        read(tmp_path, "t.csv", "q,A,B,a,img\nWhich?,x,y,A,photos\\a.png\n")


@pytest.mark.parametrize("mark", ["<image 1>", "<image {}>"])
def test_a_mark_with_a_number_names_its_picture(tmp_path: Path, mark: str) -> None:
    row = {"q": "<image 2>, <image 1>?", "A": "x", "B": "<image 2>", "a": "A", "img": ["a.png", "b.png", "c.png"]}
    (question,) = read(tmp_path, "t.jsonl", json.dumps(row), mark=mark)
    assert names(question) == ["b.png", ", ", "a.png", "?"]
    assert isinstance(question.choices[1][0], Image)
    assert question.tags[SPARE] == "1"
    with pytest.raises(InputError, match=r"line 1: 1 place for pictures up to 4 .* but 3 pictures"):
        read(tmp_path, "t.jsonl", json.dumps(row | {"q": "<image 4>", "B": "y"}), mark=mark)


def test_a_numbered_mark_and_an_empty_picture_column_are_a_sentence(tmp_path: Path) -> None:
    row = {"q": "<image 1>?", "A": "x", "B": "y", "a": "A", "img": None, "img2": "b.png"}
    fields = {"pictures": ["img", "img2"]}
    with pytest.raises(InputError, match="line 1: a picture column is empty but a later one is not"):
        read(tmp_path, "t.jsonl", json.dumps(row), mark="<image {}>", fields=fields)
    (question,) = read(tmp_path, "t.jsonl", json.dumps(row | {"q": "<image>?"}), mark="<image>", fields=fields)
    assert names(question) == ["b.png", "?"]


@pytest.mark.parametrize("right", ["A, C", "(A) or C", "a/c", "['A', 'C']", ["A", "C"]])
def test_several_letters_are_right(tmp_path: Path, right: object) -> None:
    row = {"q": "Which?", "A": "x", "B": "y", "C": "z", "a": right, "img": "a.png"}
    (question,) = read(tmp_path, "t.jsonl", json.dumps(row), fields={"options": ["A", "B", "C"]})
    assert question.targets == ("A", "C")
    record = Record("1", question.targets, choices=("x", "y", "z"))
    assert groups.guessing([record]) == pytest.approx(200 / 3)


def test_a_row_without_an_answer_is_asked_and_not_scored(tools: Path, tmp_path: Path) -> None:
    lines = (tools / "questions.jsonl").read_text().replace('"right": "B"', '"right": NaN')
    (tools / "questions.jsonl").write_text(lines)
    scores = run(tools / "tools.yaml", tools, tmp_path / "run", "constant:A")
    assert (scores.counts.correct, scores.counts.unscored) == (3, 1)
    assert (value(scores, "overall"), scores.metrics["overall"].n) == (100.0, 3)
    result = call("run", "--task", tools / "tools.yaml", "--model", "constant:A", "--out", tmp_path / "again")
    assert result.exit_code == 0 and "report.html" in result.output, result.output


@pytest.mark.parametrize("empty", ["NaN", '"nan"', "null", '""'])
def test_nan_is_no_option(tmp_path: Path, empty: str) -> None:
    text = f'{{"q": "Which?", "A": "x", "B": "y", "C": {empty}, "a": "A", "img": NaN}}'
    pictured = text.replace('"img": NaN', '"img": "a.png"')
    question, _ = read(tmp_path, "t.jsonl", f"{text}\n{pictured}\n", fields={"options": ["A", "B", "C"]})
    assert (question.choices, names(question)) == ((("x",), ("y",)), ["Which?"])


def test_a_lone_surrogate_is_replaced_and_counted(tmp_path: Path) -> None:
    fields = {"question": "q", "answer": "a", "pictures": "p"}
    path = card(tmp_path, {"about": "x", "kind": "short answer", "files": "q.jsonl", "fields": fields})
    picture(tmp_path / "a.png")
    rows = [{"q": "What \ud83d is it?", "a": "a \ude00 bird", "p": "a.png"}, {"q": "Where?", "a": "here", "p": "a.png"}]
    jsonl(tmp_path / "q.jsonl", rows)
    evaluated = evaluate("mmicl-tiny", str(path), data=str(tmp_path), out=tmp_path / "run")
    assert evaluated.complete and "What \ufffd is it?" in evaluated.records[0].sent
    remark = "1 question has a lone surrogate (half an emoji), shown as \ufffd."
    assert remark in evaluated.results.remarks


def test_two_cards_of_one_file_name_are_two_columns_of_a_table(tools: Path, tmp_path: Path) -> None:
    shutil.copytree(tools, tools / "more")
    second = card(tools / "more", {**TOOLS, "letters": "(A)"})
    cards = (tools / "tools.yaml", second)
    runs = [
        evaluate(f"constant:{letter}", str(path), out=tmp_path / f"{index}{letter}")
        for index, path in enumerate(cards)
        for letter in "AB"
    ]
    table = matrix(runs)
    assert table.models == ["constant:A", "constant:B"]
    titles = list(dict.fromkeys(table.tasks.values()))
    assert titles[1] == f"{titles[0]} (card 2)" and len(titles) == 2
    assert all(column.keys() == {"constant:A", "constant:B"} for column in table.columns.values())
