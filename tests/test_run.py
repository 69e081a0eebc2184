"""A run folder keeps every whole line, refuses another run, and is never written by two processes."""

from __future__ import annotations

import contextlib
import copy
import errno
import json
import os
import pickle
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

import mmeval
from mmeval import RunSpec, files, provenance
from mmeval.engine.device import device_name, pick_device
from mmeval.runs import folder as run_folder
from mmeval.runs import records
from mmeval.runs import run as runs
from mmeval.runs.schema import Baseline, Counts, Results, SampleScores, ScoredRecords
from mmeval.runs.scored import score_records
from mmeval.runs.share import Share
from mmeval.scoring.facts import needed
from mmeval.scoring.verdicts import Verdicts
from mmeval.task_loading import load_task
from mmeval.types import Estimate, InputError, Record, RunMismatch, Sample, Score, Session
from tests.evaluating import evaluate
from tests.mme_folder import make_release

IDENTITY = {"task": "mme", "model": "m", "data": "d", "questions": "q"}


def started_run(folder: Path, *ids: str) -> runs.Run:
    run = run_folder.create(folder, IDENTITY, ids=("1", "2", "3"), available=3)
    with run.journal() as journal:
        for id in ids:
            journal.append(Record(id, ("yes",), "OCR", {"image": "a"}, text="yes"))
    return run


def test_a_session_names_the_device_that_answered(tmp_path: Path) -> None:
    run = mmeval.evaluate(RunSpec("mme", "mmicl-tiny", "embedded", limit=1, no_cache=True), out=tmp_path)
    (session,) = run.sessions
    assert session.device == device_name(pick_device("auto"))


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    facts = Record("1", ("yes",), "OCR", {"image": "a"}, {}, ("A", "B"), "q", ("d",), "f")
    record = replace(facts, text="ja\n\t是\ud800", loglikelihoods=(0.5,))
    run = run_folder.create(tmp_path / "r", IDENTITY, ids=("1",), available=1)
    with run.journal() as journal:
        journal.append(record)
    assert run.records[0].loglikelihoods == (0.5,)
    assert run.records[0].text == "ja\n\t是\ufffd"  # no file can hold a lone surrogate
    assert run.records[0].groups == record.groups
    assert run.complete


def test_a_journal_with_half_a_character_reads_without_it(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1")
    path = run.folder / "records.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"category": "O\ud83d"}) + "\n")
    assert runs.open_run(run.folder).records[0].category == "O\ufffd"


def test_an_answer_that_is_empty_is_an_answer(tmp_path: Path) -> None:
    run = run_folder.create(tmp_path / "r", IDENTITY, ids=("1",), available=1)
    with run.journal() as journal:
        journal.append(Record("1", ("yes",), text=""))
    assert run.records[0].text == ""


def test_a_torn_last_line_is_dropped_and_written_over(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1", "2")
    path = run.folder / "records.jsonl"
    path.write_bytes(path.read_bytes() + b'{"id": "3", "tex')
    assert [record.id for record in runs.open_run(run.folder).records] == ["1", "2"]
    started_run(run.folder, "3")
    assert [record.id for record in runs.open_run(run.folder).records] == ["1", "2", "3"]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1")
    path = run.folder / "records.jsonl"
    path.write_bytes(b"{]\n" + path.read_bytes())
    with pytest.raises(InputError, match=r"records.jsonl, line 1: not a JSON object \(Expecting .*, character 2\); \w"):
        _ = runs.open_run(run.folder).records


def test_a_record_nested_without_end_is_named(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1")
    with (run.folder / "records.jsonl").open("a") as file:
        file.write("[" * 100_000 + "\n")
    with pytest.raises(InputError, match=r"records.jsonl, line 2: not a JSON object \(nested too deeply\); "):
        _ = runs.open_run(run.folder).records
    (run.folder / "run.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"run.json: cannot be read as JSON"):
        _ = runs.Run(run.folder).identity


def test_another_identity_is_a_mismatch_that_names_the_difference(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r")
    changed = {**IDENTITY, "data": "e"}
    with pytest.raises(RunMismatch, match=r"data = 'd', not 'e'"):
        run_folder.create(run.folder, changed, ids=("1", "2", "3"), available=3)


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r")
    with run.journal(), pytest.raises(InputError, match="another process"), run.journal():
        pass


def test_a_folder_that_is_no_run_is_neither_filled_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for change_folder in (
        lambda: run_folder.remove(tmp_path),
        lambda: run_folder.create(tmp_path, IDENTITY, ("1",), 1),
    ):
        with pytest.raises(InputError, match="--out"):
            change_folder()
    assert (tmp_path / "thesis.txt").exists()


def test_a_header_that_is_not_json_is_named(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r")
    (run.folder / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run.json: cannot be read as JSON"):
        runs.open_run(run.folder)
    (run.folder / "run.json").write_text('{"samples": 3, "sessions": []}')
    with pytest.raises(InputError, match=r"run.json, schema: Field required, .*; the folder holds no run"):
        runs.open_run(run.folder)


def test_sessions_are_noted_without_touching_the_identity(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r")
    for commit in ("abc", "def"):
        run.note(Session(commit=commit), replace(run.header, data_digest="digest"))
    assert [session.commit for session in run.sessions] == ["abc", "def"]
    assert json.loads((run.folder / "run.json").read_text())["identity"] == IDENTITY


def test_processes_keep_each_others_sessions(tmp_path: Path) -> None:
    one = started_run(tmp_path / "r")
    one.note(Session(commit="a", prices=(1.0, None)))
    other = runs.open_run(one.folder)
    other.note(Session(commit="a", prices=(1.0, None)))
    one.note_facts({"requests": 3}, Share(0, 2))  # opened before the other's session was there
    other.note_facts({"requests": 4}, Share(1, 2))
    found = runs.open_run(one.folder).sessions
    assert [(session.commit, session.others["requests"]) for session in found] == [("a", 3), ("a", 4)]


def test_what_other_versions_wrote_stays_when_a_run_goes_on(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r")
    run.note(Session(commit="a"))
    path = run.folder / "run.json"
    header = json.loads(path.read_text())
    header |= {"color": {"of": ["sky"]}, "others": 1}
    header["sessions"][0] |= {"weather": "rain", "others": {"a": 2}}
    path.write_text(json.dumps(header))
    run = runs.open_run(run.folder)
    run.note(Session(commit="b"))
    run.note_facts({"requests": 3})
    now = json.loads(path.read_text())
    assert {name: value for name, value in now.items() if name != "sessions"} == {
        name: value for name, value in header.items() if name != "sessions"
    }
    assert now["sessions"][0] == header["sessions"][0] and now["sessions"][1]["requests"] == 3


def test_a_run_of_the_first_version_is_read_and_not_continued(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1")
    former = {
        "task": {"name": "mme", "wording": "release", "by": "text", "version": 1},
        "data": {"source": "d", "limit": None, "digest": "q"},
        "model": {"name": "m", "checkpoint": "c"},
        "generation": {"beams": 5},
    }
    session = {"started": "2026-01-02T03:04:05+00:00", "commit": None, "packages": {"torch": "2"}, "device": "cpu"}
    header = {"schema": 1, "identity": former, "samples": 3, "sessions": [session]}
    (run.folder / "run.json").write_text(json.dumps(header))
    (run.folder / "ids.json").unlink()
    run = runs.open_run(run.folder)
    renamed = {"prompt": "release", "scoring": "text", "task_version": 1}
    assert run.identity == {**IDENTITY, **renamed, "checkpoint": "c", "beams": 5}
    assert (run.spec.prompt, run.spec.beams, run.samples_planned) == ("release", 5, 3)
    assert provenance.versions(run.sessions) == ["mmeval unknown with torch 2"]
    assert [record.id for record in run.records] == ["1"]
    with pytest.raises(RunMismatch, match="which can be scored but not continued"):
        run_folder.begun(run.folder, IDENTITY)


def test_a_fact_of_an_adapter_that_no_session_can_have_is_a_sentence(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r")
    run.note(Session())
    with pytest.raises(
        InputError, match=r"says of this session, device: Input should be a valid string, not 3; change"
    ):
        run.note_facts({"device": 3})
    assert runs.open_run(run.folder).sessions == run.sessions


def test_what_other_machines_may_be_writing_is_cleared_only_under_the_runs_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started_run(tmp_path / "r")
    written = run.folder / ".run.json.0123abcd.1"  # by another machine's process, which this one does not know
    written.touch()
    os.utime(written, (0, 0))  # killed long ago

    def looked_at(path: Path) -> bool:
        with pytest.raises(InputError, match="held"), files.locked(run.folder / "run.lock", "held"):
            pass
        return files.is_left_behind(path)

    monkeypatch.setattr(records, "is_left_behind", looked_at)
    with run.journal(Share(0, 2)):
        assert not written.exists()


COUNTS = dict.fromkeys(("samples", "correct", "incorrect", "unparsed", "refused", "error"), 0)
RESULTS = Results(scorer="official", metrics={}, counts=Counts(**COUNTS), remarks=[], answered=0, planned=0, marks=[])


def scored(folder: Path, *ids: str) -> runs.Run:
    run = started_run(folder, *ids)
    run.save(RESULTS, [])
    return run


def test_scores_come_back_as_they_were(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1")
    numbers = {
        "overall": Estimate(50.0, 9.5, 90.5, 1, 100.0, None),
        "other": Estimate(None, None, None, 0, 1.0, 0.5, "?"),
    }
    results = replace(
        RESULTS,
        metrics=numbers,
        others={"strict": numbers, "their-way": numbers},
        parts={"overall": {"acc": 1.0}},
        baselines={"constant": Baseline("no", {"overall": None})},
        passed={"pass@1": numbers["overall"]},
        judge=Verdicts("m", {"1": "A"}, set(), {"2"}, replies={"1": ["A"]}),
    )
    run.save(results, [SampleScores("1", "OCR", {"image": "a"}, {"official": Score(1.0, "correct", "是")})])
    path = run.folder / "scores.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"of another version": {"a": 1}, "others": {}}))
    again = runs.open_run(run.folder)
    assert (again.results, again.scored) == (run.results, run.scored)
    assert again.results.by("their-way") == again.results.strict == numbers and not again.results.fully_judged


def test_scores_of_other_records_are_none(tmp_path: Path) -> None:
    run = scored(tmp_path / "r", "1")
    assert runs.open_run(run.folder).results.records == ScoredRecords(1, records.digest(run.folder))
    started_run(run.folder, "2")
    later = runs.open_run(run.folder)
    assert later.stale
    with pytest.raises(InputError, match="the records have changed since it was written; score the run first"):
        _ = later.results


def test_samples_that_are_not_those_of_the_records_are_none(tmp_path: Path) -> None:
    run = scored(tmp_path / "r", "1")  # without any sample
    with pytest.raises(InputError, match=r"samples.jsonl: its samples differ from those of the records; score"):
        _ = runs.open_run(run.folder).scored


def test_a_stranger_hides_no_missing_answer(tmp_path: Path) -> None:
    run = runs.open_run(started_run(tmp_path / "r", "1", "2", "from another run").folder)
    assert not run.complete and [record.id for record in run.records] == ["1", "2"]
    assert run.remarks == ["Records of questions that are not in this run: 1. They do not count."]


def test_answers_twice_and_a_torn_line_are_reported(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1", "2")
    path = run.folder / "records.jsonl"
    path.write_bytes(path.read_bytes() * 2 + b'{"id": "3", "text": "yes", "targets": ["yes"]}')
    run = runs.open_run(run.folder)
    assert len(run.records) == 2
    assert run.remarks == [
        "Questions answered more than once: 2. The last answer of each counts.",
        "The last line of records.jsonl is truncated and does not count; repeat the command.",
    ]


@pytest.mark.parametrize(
    "names",
    ["", "ids.json", "ids.json .run.json", ".ids.json", "ids.json records.jsonl"],  # with a dot: temporary
)
def test_a_run_that_was_killed_while_it_began_begins_again(tmp_path: Path, names: str) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    for name in names.split():
        file_name = files.temporary_name(name[1:], 2**22 + 1) if name.startswith(".") else name
        (folder / file_name).write_text("" if name == "records.jsonl" else "{")
    assert started_run(folder, "1").samples_answered == 1
    assert not list(folder.glob(".*")), "what was left behind is cleared"


def test_what_is_left_of_a_deleted_run_is_deleted(tmp_path: Path) -> None:
    run = scored(tmp_path / "r", "1")
    (run.folder / "run.json").unlink()
    with pytest.raises(InputError, match=r"a run without its run.json; restore the file, or start over with --fresh"):
        started_run(run.folder)
    run_folder.remove(run.folder)
    assert started_run(run.folder).samples_answered == 0


def test_a_deletion_that_is_killed_at_any_instant_leaves_a_run_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    for instant in range(9):
        run = scored(tmp_path / f"r{instant}", "1", "2")
        remaining, unlink = iter(range(instant)), Path.unlink

        def killed(path: Path, missing_ok: bool = False, remaining: Any = remaining, unlink: Any = unlink) -> None:
            if next(remaining, None) is None:
                raise KilledError
            unlink(path, missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", killed)
            with contextlib.suppress(KilledError):
                run_folder.remove(run.folder)
        assert started_run(run.folder, "1", "2", "3").complete
        run_folder.remove(run.folder)
        assert started_run(run.folder).samples_answered == 0


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write_text(tmp_path / "a", "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(tmp_path / "a", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_what_a_killed_process_left_is_cleared_by_the_next_that_writes_the_file(tmp_path: Path) -> None:
    for pid in (2**22 + 1, 2**22 + 2):  # above what Linux gives to a process
        (tmp_path / files.temporary_name("a", pid)).write_text("half")
    unrelated = tmp_path / files.temporary_name("b", 2**22 + 1)
    unrelated.write_text("of another file")
    files.write_text(tmp_path / "a", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {unrelated.name, "a"}


def test_a_file_that_another_machine_may_be_writing_is_kept_for_a_day(tmp_path: Path) -> None:
    young, old = (tmp_path / f".a.{machine}.{2**22 + 1}" for machine in ("0123abcd", "4567abcd"))
    for path, hours in ((young, 23), (old, 25)):
        path.write_text("half")
        os.utime(path, (time.time() - hours * 3600,) * 2)
    files.write_text(tmp_path / "a", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {young.name, "a"}


def test_a_file_that_would_not_change_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_text(tmp_path / "a", "lone \ud800 surrogate")

    def read_only(handle: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", read_only)
    files.write_text(tmp_path / "a", "lone \ud800 surrogate")
    with pytest.raises(OSError, match="Read-only") as error:
        files.write_text(tmp_path / "a", "other")
    assert error.value.filename == str(tmp_path / "a")  # not the temporary file


def test_a_long_name_is_cut_and_stays_unique(tmp_path: Path) -> None:
    for letter in "aé":  # one and two bytes
        names = {files.component(letter * 300 + end) for end in ("x", "y")}
        assert len(names) == 2
        for name in names:
            assert len(name.encode()) <= files.LONGEST_NAME
            files.write_text(tmp_path / f"{name}.xlsx", "")
    short = "a" * files.LONGEST_NAME
    assert files.component(short) == short


WRONG = [
    ("records.jsonl", {"id": 5}, r"records.jsonl, line 1, id: Input should be a valid string, not 5"),
    ("records.jsonl", {"text": 1}, r"records.jsonl, line 1, text: "),
    ("records.jsonl", {"targets": None}, r"records.jsonl, line 1, targets: "),
    ("records.jsonl", {"input_tokens": 10**400}, r"records.jsonl, line 1: a number beyond 64 bits"),
    ("records.jsonl", {"groups": [1]}, r"records.jsonl, line 1, groups: "),
    ("run.json", {"identity": [1]}, r"run.json, identity: Input should be an object"),
    ("run.json", {"identity": {"model": "m"}}, r"run.json: its identity lacks task or model"),
    ("run.json", {"identity": {**IDENTITY, "limit": "x"}}, r"run.json, identity: limit is 'x'; give a whole number"),
    ("run.json", {"sessions": [3]}, r"run.json, sessions, 0: "),
    ("run.json", {"sessions": [{"reused": "x"}]}, r"run.json, sessions, 0, reused: "),
    ("run.json", {"available": "x"}, r"run.json, available: "),
    ("run.json", {"benchmark": {"questions": "x"}}, r"run.json, benchmark, questions: "),
    ("ids.json", {"ids": "1"}, r"ids.json: Input should be a valid list"),
    ("run.json", {"sessions": [{"started": "10:%s23"}]}, r"run.json, sessions, 0, started: "),
    ("scores.json", {"metrics": {"overall": 3}}, r"scores.json, metrics, overall: "),
    ("scores.json", {"counts": None}, r"scores.json, counts: "),
    ("scores.json", {"counts": {**COUNTS, "error": "x"}}, r"scores.json, counts, error: "),
    ("scores.json", {"strict": {"overall": {}}}, r"scores.json, strict, overall, value: "),
    ("scores.json", {"parts": {"overall": {"acc": "x"}}}, r"scores.json, parts, overall, acc: "),
    ("scores.json", {"judge": {"model": 5}}, r"scores.json, judge, model: "),
    ("scores.json", {"answered": "1"}, r"scores.json, answered: "),
]


@pytest.mark.parametrize(("name", "change", "sentence"), WRONG)
def test_a_wrong_type_is_a_sentence(tmp_path: Path, name: str, change: dict[str, Any], sentence: str) -> None:
    run = scored(tmp_path / "r", "1")
    path = run.folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | change) + "\n")
    with pytest.raises(InputError, match=sentence):
        _ = runs.open_run(run.folder).results


def test_records_from_a_file_can_be_copied(tmp_path: Path) -> None:
    (record,) = runs.open_run(started_run(tmp_path / "r", "1").folder).records
    assert copy.deepcopy(record) == pickle.loads(pickle.dumps(record)) == record
    assert asdict(record)["groups"] == {"image": "a"} and asdict(record)["targets"] == ("yes",)


def test_a_group_that_a_task_needs_and_a_record_lacks_is_a_sentence(tmp_path: Path) -> None:
    run = runs.open_run(started_run(tmp_path / "r", "1").folder)
    with pytest.raises(InputError, match="record 1 has no 'pair', which the task needs; restore the file, or start"):
        score_records(load_task("mme"), run.records).results()


def test_a_target_or_tag_that_a_scorer_needs_and_a_record_lacks_is_a_sentence() -> None:
    def first(record: Record) -> Score:
        return Score(1.0, "correct", record.targets[0] + record.tags["kind"])

    by_picture = load_task("mme").metric_by_scorer["strict"]
    task = replace(load_task("mme"), scorers={"official": first}, metric=by_picture, metric_by_scorer={})
    for lacking, field in ((Record("7", (), text="a"), "targets"), (Record("7", ("a",), text="a"), "'kind'")):
        with pytest.raises(InputError, match=f"record 7 has no {field}, which the task needs"):
            score_records(task, [lacking])
    with pytest.raises(KeyError), needed([Record("7", ("a",), tags={"kind": "x"})]):
        _ = {"a": 1}["kind"]  # the record has it: the error is another one


def test_a_header_without_the_size_of_the_data_has_marks(tmp_path: Path) -> None:
    run = started_run(tmp_path / "r", "1")
    path = run.folder / "run.json"
    header = json.loads(path.read_text())
    del header["available"]
    header["identity"]["only_ids"] = "ids.txt@0123456789ab"
    path.write_text(json.dumps(header))
    assert "only 3 questions: ids.txt@0123456789ab" in runs.open_run(run.folder).marks


def test_a_folder_is_scored_as_a_run_is(tmp_path: Path) -> None:
    run = evaluate("constant", "mme", data=str(make_release(tmp_path / "release")), out=tmp_path / "run")
    numbers = run.results.metrics
    for folder in (run.folder, str(run.folder), run):
        (run.folder / "scores.json").unlink()
        mmeval.score(folder)
        assert runs.open_run(run.folder).results.metrics == numbers
    with pytest.raises(InputError, match="no such run folder"):
        mmeval.score(tmp_path / "gone")


def test_an_id_with_a_lone_surrogate_is_one_that_files_can_hold(tmp_path: Path) -> None:
    sample = Sample("cut \ud83d", ("q",), ("yes",))
    run = run_folder.create(tmp_path / "r", IDENTITY, ids=(sample.id,), available=1)
    with run.journal() as journal:
        journal.append(Record(sample.id, ("yes",), text="yes"))
    assert sample.id == "cut \ufffd" and runs.open_run(run.folder).complete


def test_data_that_is_a_part_of_the_benchmark_is_marked(tmp_path: Path) -> None:
    run = evaluate("constant", "mme", data=str(make_release(tmp_path / "release")), out=tmp_path / "run")
    assert run.complete
    assert run.marks == ["the data has only 56 of the benchmark's 2,374 questions"]
