"""A run folder keeps every whole line, refuses another run, and is never written by two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmeval import run as runs
from mmeval.types import InputError, Record, RunMismatch

IDENTITY = {"task": "mme", "model": "m", "data": "d", "questions": "q"}


def begun(folder: Path, *ids: str) -> runs.Run:
    run = runs.create(folder, IDENTITY, samples=3, available=3)
    with run.journal() as journal:
        for id in ids:
            journal.append(Record(id, ("yes",), "OCR", {"image": "a"}, text="yes"))
    return run


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    record = Record("1", ("yes",), "OCR", {"image": "a"}, {}, ("A", "B"), "q", ("d",), "f", "ja\n\t是\ud800", (0.5,))
    run = runs.create(tmp_path / "r", IDENTITY, samples=1, available=1)
    with run.journal() as journal:
        journal.append(record)
    assert run.records[0].loglikelihoods == (0.5,)
    assert run.records[0].text == record.text  # a lone surrogate too, as an escape
    assert run.records[0].groups == record.groups
    assert run.complete


def test_an_answer_that_is_empty_is_an_answer(tmp_path: Path) -> None:
    run = runs.create(tmp_path / "r", IDENTITY, samples=1, available=1)
    with run.journal() as journal:
        journal.append(Record("1", ("yes",), text=""))
    assert run.records[0].text == ""


def test_a_torn_last_line_is_dropped_and_written_over(tmp_path: Path) -> None:
    run = begun(tmp_path / "r", "1", "2")
    path = run.folder / "records.jsonl"
    path.write_bytes(path.read_bytes() + b'{"id": "3", "tex')
    assert [record.id for record in runs.open_run(run.folder).records] == ["1", "2"]
    begun(run.folder, "3")
    assert [record.id for record in runs.open_run(run.folder).records] == ["1", "2", "3"]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    run = begun(tmp_path / "r", "1")
    path = run.folder / "records.jsonl"
    path.write_bytes(b"{]\n" + path.read_bytes())
    with pytest.raises(InputError, match=r"records.jsonl, line 1: not a JSON object"):
        _ = runs.open_run(run.folder).records


def test_a_record_nested_without_end_is_named(tmp_path: Path) -> None:
    run = begun(tmp_path / "r", "1")
    with (run.folder / "records.jsonl").open("a") as file:
        file.write("[" * 100_000 + "\n")
    with pytest.raises(InputError, match=r"records.jsonl, line 2: not a JSON object"):
        _ = runs.open_run(run.folder).records
    (run.folder / "run.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"run.json: cannot be read as JSON"):
        _ = runs.Run(run.folder).identity


def test_another_identity_is_a_mismatch_that_names_the_difference(tmp_path: Path) -> None:
    run = begun(tmp_path / "r")
    other = {**IDENTITY, "data": "e"}
    with pytest.raises(RunMismatch, match=r"data = 'd', not 'e'"):
        runs.create(run.folder, other, samples=3, available=3)


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    run = begun(tmp_path / "r")
    with run.journal(), pytest.raises(InputError, match="another process"), run.journal():
        pass


def test_a_folder_that_is_no_run_is_neither_filled_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for act in (lambda: runs.remove(tmp_path), lambda: runs.create(tmp_path, IDENTITY, 1, 1)):
        with pytest.raises(InputError, match="--out"):
            act()
    assert (tmp_path / "thesis.txt").exists()


def test_a_header_that_is_not_json_is_named(tmp_path: Path) -> None:
    run = begun(tmp_path / "r")
    (run.folder / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run.json: cannot be read as JSON"):
        runs.open_run(run.folder)
    (run.folder / "run.json").write_text('{"samples": 3, "sessions": []}')
    with pytest.raises(InputError, match=r"run.json: no 'identity' in it; the folder holds no run"):
        runs.open_run(run.folder)


def test_sessions_are_noted_without_touching_the_identity(tmp_path: Path) -> None:
    run = begun(tmp_path / "r")
    run.note({"commit": "abc"}, data_digest="digest")
    run.note({"commit": "def"}, data_digest="digest")
    assert [session["commit"] for session in run.sessions] == ["abc", "def"]
    assert json.loads((run.folder / "run.json").read_text())["identity"] == IDENTITY
