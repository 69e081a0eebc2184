"""MMBench's table: written, read back to the same scores, and checked regardless of its author."""

from __future__ import annotations

import errno
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from mmeval import answers
from mmeval.reporting import leaderboards as submission
from mmeval.reporting.leaderboards import mmbench
from mmeval.runs import run as runs
from mmeval.runs.run import Run
from mmeval.types import InputError, Record
from tests import mmbench_table as table
from tests.evaluating import evaluate
from tests.tasks.small_folders import call

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    data = table.write(folder / "MMBench_DEV_EN.tsv", table.with_turns(table.questions()))
    return evaluate("constant:=1+1", "mmbench", data=str(data), out=folder / "run")


def findings(path: Path, level: str = "error", board: str = "mmbench") -> list[str]:
    """Return the findings, but for those about the size: these tables are small."""
    sentences = [finding.sentence for finding in submission.check(path, board) if finding.level == level]
    return [sentence for sentence in sentences if "fewer than MMBench" not in sentence]


def test_fewer_rows_than_the_benchmark_has_are_wrong(run: Run, tmp_path: Path) -> None:
    result = call("submit", "--check", predictions(tmp_path / "theirs.tsv"), "--to", "mmbench")
    assert result.exit_code == 1
    assert "fewer than MMBench dev, V1.0 has" in " ".join(result.output.split())


def predictions(path: Path, changes: dict[int, dict[str, str]] | None = None, without: tuple[str, ...] = ()) -> Path:
    lines = table.with_turns(table.questions())
    lines = [line | {"prediction": line["answer"]} | (changes or {}).get(n, {}) for n, line in enumerate(lines)]
    return table.write(path, lines, (*without, "image"))


@pytest.mark.parametrize("board", ["mmbench", "openvlm"])
def test_a_file_that_cannot_be_written_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str
) -> None:
    def read_only(handle: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", read_only)
    with pytest.raises(OSError, match="Read-only") as error:
        submission.write(run, board, tmp_path)
    assert str(error.value.filename).endswith((".xlsx", ".zip")) and not list(tmp_path.iterdir())


def test_a_long_name_of_a_model_leaves_the_data_set_readable(run: Run) -> None:
    long = Run(run.folder)
    long.spec = replace(run.spec, model="m" * 300)
    name = mmbench.file_name(long)
    assert len(name) < 250 and name.endswith("_MMBench_DEV_EN.xlsx")


def test_every_cell_is_a_text_and_scores_read_back_the_same(run: Run, tmp_path: Path) -> None:
    (path,) = submission.write(run, "mmbench", tmp_path)
    assert path.name == "constant__1_1_MMBench_DEV_EN.xlsx"
    sheet = openpyxl.load_workbook(path).worksheets[0]
    header, *rows = sheet.iter_rows()
    assert tuple(cell.value for cell in header) == mmbench.COLUMNS
    assert [row[0].value for row in rows] == sorted(int(record.id) for record in run.records)
    assert {row[-1].value for row in rows} == {"=1+1"}
    assert {cell.data_type for row in rows for cell in row[1:] if cell.value is not None} == {"s"}
    assert [cell.value for cell in rows[0]][3:7] == ["a cat", "a dog", "None", "NA"]
    assert findings(path) == []
    scored, results = answers.score_predictions("mmbench", str(path))
    assert results.metrics["circular"] == run.results.metrics["circular"]
    assert {record.id: record.choices for record in scored.records} == {r.id: r.choices for r in run.records}


def test_the_command_writes_checks_and_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = call("submit", run.folder, "--to", "mmbench", "--out", tmp_path)
    assert result.exit_code == 1, result.output  # the only error is that there are too few questions
    assert result.output.count("error:") == 1
    for message in ("wrote", "fewer than MMBench dev", "server closed on 2026-03-31"):
        assert message in " ".join(result.output.split())
    (path,) = tmp_path.iterdir()
    assert call("submit", "--check", path, "--to", "mmbench").exit_code == 1
    assert call("submit", "--to", "mmbench").exit_code == 2
    assert "did you mean 'mmbench'" in call("submit", run.folder, "--to", "mmbensh").stderr
    assert "a run of mmbench, but 'mme' needs mme" in call("submit", run.folder, "--to", "mme").stderr


def test_openvlm_gets_a_zip_and_an_entry(run: Run, tmp_path: Path) -> None:
    archive, entry = submission.write(run, "openvlm", tmp_path)
    assert zipfile.ZipFile(archive).namelist() == ["constant__1_1_MMBench_DEV_EN.xlsx"]
    scores = json.loads(entry.read_text())["constant:=1+1"]
    assert set(scores) == {"META", "MMBench_DEV_EN"}
    assert scores["MMBench_DEV_EN"]["Overall"] == 0.0
    assert findings(archive, board="openvlm") == findings(entry, board="openvlm") == []
    assert "fill these in" in findings(entry, "warning", "openvlm")[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "not an object of models"),
        ('{"m": {"META": 1}}', "not an object of models"),
        ('{"m": {"META": {}}}', "m has no scores"),
        ('{"m": {"META": {}, "MMBench": {"CP": 1.0}}}', "m has no Overall on MMBench"),
        ('{"m": {"META": {"Org": 7}, "MMBench": {"Overall": NaN}}}', "Overall of m on MMBench is nan"),
        ('{"m": {"META": {}, "MMBench": {"Overall": "61"}}}', "Overall of m on MMBench is 61, not"),
        ("{}", "no model in it"),
        ("{", "cannot be read as JSON"),
        ("[" * 99_999, "cannot be read as JSON"),
    ],
)
def test_what_is_wrong_with_anybodys_entry_is_reported(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "entry.json"
    path.write_text(text)
    assert any(sentence in finding for finding in findings(path, board="openvlm")), findings(path, board="openvlm")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({0: {"index": "2"}}, "the index 2 repeats that of"),
        ({0: {"index": "x"}}, "the index is 'x'"),
        ({0: {"index": "9" * 5000}}, "it must be a number of at most 15 digits"),
        ({row: {"prediction": " "} for row in range(11)}, "line 2: the prediction is empty, and so are all others"),
        ({1: {"answer": "E"}}, "the answer 'E' is not one of the options"),
        ({1: {"answer": "AB"}}, "the answer 'AB' is not one of the options"),
        ({0: {"index": "9"}}, "question 1 lacks its first pass"),
        ({5: {"index": "3000007"}}, "question 2 has 2 of its 3 rotations"),
        ({4: {"A": "a cow"}}, "the options differ from those in"),
        ({0: {"B": ""}}, "option B is empty but D is not"),
    ],
)
def test_what_is_wrong_with_anybodys_table_is_reported(
    tmp_path: Path, change: dict[int, dict[str, str]], sentence: str
) -> None:
    for name in ("theirs.tsv", "theirs.csv"):
        sentences = findings(predictions(tmp_path / name, change))
        assert any(sentence in finding for finding in sentences), sentences
    result = call("submit", "--check", tmp_path / "theirs.csv", "--to", "mmbench")
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("prediction", "sentence"),
    [
        ("=HYPERLINK(1)", "is a formula to a spreadsheet"),
        ("@me", "is a formula to a spreadsheet"),
        ("1.0", "a date or a different number"),
        ("2/3", "a date or a different number"),
        ("None", "is a missing value to pandas"),
        ("nan", "is a missing value to pandas"),
    ],
)
def test_what_other_programs_make_of_a_cell_is_a_warning(tmp_path: Path, prediction: str, sentence: str) -> None:
    sentences = findings(predictions(tmp_path / "theirs.csv", {0: {"prediction": prediction}}), "warning")
    assert any(sentence in finding and "line 2, column prediction" in finding for finding in sentences), sentences


def test_an_empty_answer_is_a_warning(tmp_path: Path) -> None:
    path = predictions(tmp_path / "theirs.csv", {1: {"prediction": ""}, 4: {"prediction": " "}})
    assert findings(path) == []
    assert any(
        "line 3: the prediction is empty; so is 1 more row; empty" in finding for finding in findings(path, "warning")
    )


def test_a_letter_that_is_not_an_option_is_the_models_answer_and_a_warning(tmp_path: Path) -> None:
    path = predictions(tmp_path / "theirs.csv", {1: {"prediction": "D"}})
    assert any("the prediction is 'D', but the options are A, B, C" in finding for finding in findings(path, "warning"))
    assert findings(path) == []
    result = call("submit", "--check", path, "--to", "mmbench")
    assert result.output.count("error:") == 1 and "the prediction is 'D'" in " ".join(result.output.split())


def test_warnings_of_one_kind_are_given_once(tmp_path: Path) -> None:
    sentences = findings(predictions(tmp_path / "theirs.csv", {n: {"prediction": "N/A"} for n in range(11)}), "warning")
    assert sum("is a missing value to pandas" in finding for finding in sentences) == 1
    assert any(
        "line 2, column prediction: 'N/A' is a missing value to pandas" in finding and "so are 18 more" in finding
        for finding in sentences
    )


def test_a_cell_too_long_for_a_sheet_is_a_warning(tmp_path: Path) -> None:
    changes = {0: {"prediction": "B" * 32_768}, 3: {"prediction": "B" * 32_768}}
    sentences = findings(predictions(tmp_path / "theirs.tsv", changes), "warning")
    assert any("is longer than the 32,767 characters of a spreadsheet's cell" in finding for finding in sentences)
    assert any(finding.endswith("; so is 1 more cell") for finding in sentences)


def test_a_cell_that_was_cut_is_reported_by_check_and_score_alike(tmp_path: Path) -> None:
    path = predictions(tmp_path / "theirs.tsv", {0: {"prediction": "B" * 32_767}})
    cut = "has exactly 32,767 characters, the maximum of a spreadsheet's cell: it was cut"
    assert any(cut in finding for finding in findings(path, "warning"))
    scored, results = answers.score_predictions("mmbench", str(path))
    assert f"1 of {len(scored.records)} answers: each {cut}." in results.remarks


def test_a_whole_table_is_found_right(tmp_path: Path) -> None:
    assert findings(predictions(tmp_path / "theirs.tsv")) == []


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    assert "no column prediction" in findings(predictions(tmp_path / "a.tsv", without=("prediction",)))[0]
    warnings = findings(predictions(tmp_path / "b.tsv", without=("split",)), "warning")
    assert any("no column split" in finding for finding in warnings)
    repeated = predictions(tmp_path / "d.tsv")
    repeated.write_text(repeated.read_text().replace("\tcomment\t", "\tPrediction\t", 1))
    assert "two columns prediction; keep one" in findings(repeated)[0]
    with pytest.raises(InputError, match=r"line 2, column answer: empty, .* which are public today"):
        answers.score_predictions("mmbench", str(predictions(tmp_path / "e.tsv", {0: {"answer": ""}})))
    with pytest.raises(InputError, match="no column answer, so the predictions cannot be scored"):
        answers.score_predictions("mmbench", str(predictions(tmp_path / "c.tsv", without=("answer",))))


def test_a_sheet_with_formulas_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["index", "question", "A", "B", "C", "D", "answer", "category", "l2-category", "split", "prediction"])
    for index, answer in ((3, "B"), (1_000_003, "A")):
        options = ["one", 2] if index == 3 else [2, "one"]
        category = ("image_scene", "coarse_perception", "dev")
        sheet.append([index, "How many?", *options, None, None, answer, *category, "=1+1" if index == 3 else "A"])
    path = tmp_path / "theirs.xlsx"
    book.save(path)
    assert findings(path) == [f"{path}, line 2, column prediction: '=1+1' is a formula or its error, not an answer; "
                              "write it as text"]  # fmt: skip
    assert any("'2' is a number" in finding for finding in findings(path, "warning"))
    scored, results = answers.score_predictions("mmbench", str(path))
    assert scored.records[0].error == "the cell prediction is a formula or its error, not an answer; write it as text"
    assert (results.counts.error, results.counts.correct) == (1, 1)


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("not a sheet")
    (tmp_path / "b.pdf").write_text("not a sheet")
    assert "not an .xlsx file" in findings(tmp_path / "a.xlsx")[0]
    assert "neither .xlsx nor .tsv nor .csv" in findings(tmp_path / "b.pdf")[0]
    assert "no such file" in findings(tmp_path / "c.tsv")[0]
    assert "a folder; name the" in findings(tmp_path)[0]


def test_a_file_that_is_not_there_is_a_mistake_of_the_command(tmp_path: Path) -> None:
    result = call("submit", "--check", tmp_path / "c.tsv", "--to", "mmbench")
    assert result.exit_code == 2
    assert "no such file or folder" in result.output


def test_a_run_that_is_not_whole_is_refused(run: Run, tmp_path: Path) -> None:
    data = str(run.folder.parent / "MMBench_DEV_EN.tsv")
    limited = evaluate("constant:B", "mmbench", data=data, out=tmp_path / "a", limit=4)
    early = evaluate("constant:B", "mmbench", data=data, out=tmp_path / "b", early_stop=True)
    unfinished = evaluate("constant:B", "mmbench", data=data, out=tmp_path / "c")
    lines = (unfinished.folder / "records.jsonl").read_bytes().splitlines(keepends=True)
    (unfinished.folder / "records.jsonl").write_bytes(b"".join(lines[:-1]))
    broken = evaluate("constant:B", "mmbench", data=data, out=tmp_path / "d")
    (broken.folder / "records.jsonl").write_bytes(b"".join(lines).replace(b'"text":"B"', b'"text":null,"error":"x"', 1))
    for refused, sentence in (
        (limited, "limited to 4 of"),
        (early, "run without --early-stop"),
        (unfinished, "unfinished: 1 of"),
        (broken, "1 of .* answers is an error"),
    ):
        with pytest.raises(InputError, match=sentence):
            submission.write(runs.open_run(refused.folder), "mmbench", tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_run_whose_questions_lack_turns_is_refused(tmp_path: Path) -> None:
    lines = table.with_turns(table.questions())
    for board in ("mmbench", "openvlm"):
        for name, selected in (("whole", lines), ("some", lines[:-1])):
            data = table.write(tmp_path / f"MMBench_{name}.tsv", selected)
            table_run = evaluate("constant:B", "mmbench", data=str(data), out=tmp_path / name, partial=True)
            out = tmp_path / f"{board}-{name}"
            if name == "whole":
                assert submission.write(table_run, board, out)
                continue
            with pytest.raises(InputError, match=r"question 1 lacks rotations, .* without --partial"):
                submission.write(table_run, board, out)
            assert not out.exists()


@pytest.mark.parametrize("scores", ['{"metrics": {}}', "{}"])
def test_an_entry_needs_scores(run: Run, tmp_path: Path, scores: str) -> None:
    unscored = Run(tmp_path / "run")
    shutil.copytree(run.folder, unscored.folder)
    (unscored.folder / "scores.json").write_text(scores)
    with pytest.raises(InputError, match="score the run first"):
        submission.write(unscored, "openvlm", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_answers_that_cannot_be_scored_make_a_table_but_no_entry(tmp_path: Path) -> None:
    lines = [line | {"answer": ""} for line in table.with_turns(table.questions())]
    data = table.write(tmp_path / "MMBench_TEST_EN.tsv", lines)
    test = evaluate("constant:B", "mmbench", data=str(data), out=tmp_path / "run")
    with pytest.raises(InputError, match=r"no score \(.*\), so there is no entry to write; use --to mmbench"):
        submission.write(test, "openvlm", tmp_path / "out")
    (path,) = submission.write(test, "mmbench", tmp_path / "out")
    assert findings(path) == []


def test_a_zip_as_people_make_it(run: Run, tmp_path: Path) -> None:
    (path,) = submission.write(run, "mmbench", tmp_path)
    archive = tmp_path / "theirs.ZIP"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(path, "theirs/MINE_MMBench.XLSX")
        file.writestr("__MACOSX/theirs/._MINE_MMBench.XLSX", b"Mac OS X")
    assert findings(archive, board="openvlm") == []
    assert any("MINE_MMBench.XLSX, line 2, column C" in finding for finding in findings(archive, "warning", "openvlm"))
    content = archive.read_bytes()
    archive.write_bytes(content[:90] + bytes(byte ^ 0x55 for byte in content[90:190]) + content[190:])
    assert "not a readable zip" in findings(archive, board="openvlm")[0]


def test_an_entry_may_have_other_benchmarks_with_other_scales(tmp_path: Path) -> None:
    path = tmp_path / "entry.json"
    path.write_text('{"m": {"META": {}, "MME": {"Perception": 1500.1}, "CCBench": {"Overall": 101}}}')
    assert findings(path, board="openvlm") == [f"{path}: Overall of m on CCBench is 101, not 0 to 100"]


@pytest.mark.parametrize(
    ("data", "name"),
    [("CCBench.TSV", "CCBench"), ("DailyBench.parquet", "mmbench_DailyBench"), ("hub:cn-dev", "mmbench_hub_cn-dev")],
)
def test_a_file_is_called_what_is_scored_by_circulareval(run: Run, data: str, name: str) -> None:
    named = Run(run.folder)
    named.spec = replace(run.spec, data=data, model="m")
    assert mmbench.file_name(named) == f"m_{name}.xlsx"


def test_what_no_cell_can_hold(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *rest = run.records

    def answer_with(text: str) -> None:
        changed = [Record(**{**vars(first), "text": text}), *rest]
        monkeypatch.setattr(Run, "records", property(lambda self: changed))

    answer_with("\x00\x06B\ud800 \U0001f436\n")
    (path,) = submission.write(run, "mmbench", tmp_path)
    values = [row[-1].value for row in openpyxl.load_workbook(path).worksheets[0].iter_rows()]
    assert "  B  \U0001f436\n" in values
    answer_with("B" * 40_000)
    with pytest.raises(InputError, match="the prediction has 40,000 characters, but a cell holds 32,767"):
        submission.write(run, "mmbench", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_entry_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "entry.json")
    (finding,) = submission.check(tmp_path / "entry.json", "openvlm")
    assert finding.level == "error" and "not a regular file" in finding.sentence
