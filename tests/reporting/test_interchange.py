"""A run in other tools' formats: contents, refused runs, and escaped text."""

from __future__ import annotations

import copy
import csv
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.reporting import interchange
from mmeval.reporting.interchange import hub
from mmeval.reporting.run_report import task_of_run
from mmeval.runs.run import Run, open_run
from mmeval.task_loading import load_task
from mmeval.types import InputError, Score
from tests.evaluating import evaluate
from tests.mme_folder import make_release


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of 56 questions, which is all that the benchmark has."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(load_task("mme").card, "questions", 56)
        yield make_release(tmp_path_factory.mktemp("data") / "release")


@pytest.fixture(scope="module")
def run(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evaluate("constant", "mme", data=str(release), out=tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def limited(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evaluate("constant", "mme", data=str(release), limit=8, out=tmp_path_factory.mktemp("limited") / "run")


def test_the_hub_reads_the_entries(run: Run, tmp_path: Path) -> None:
    (path,) = interchange.write(run, "hub", tmp_path / "mme.yaml")
    entries = yaml.safe_load(path.read_text())
    assert [entry["dataset"]["task_id"] for entry in entries] == ["perception", "cognition"]
    assert [entry["value"] for entry in entries] == [500.0, 200.0]
    assert "95% interval" in entries[0]["notes"]
    assert entries[0]["notes"].startswith("MME on ")
    assert "56 of 56 questions answered" in entries[0]["notes"]
    huggingface_hub = pytest.importorskip("huggingface_hub")
    parsed = huggingface_hub.parse_eval_result_entries(entries)
    assert huggingface_hub.eval_result_entries_to_yaml(parsed) == entries  # no key of ours is unknown there


def test_a_benchmark_without_a_data_set_on_the_hub_has_no_entry(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    task = copy.copy(task_of_run(run))
    task.__dict__["card"] = {}
    monkeypatch.setattr(hub, "task_of_run", lambda run: task)
    with pytest.raises(InputError, match="names no data set on the hub"):
        interchange.write(run, "hub")


def test_lm_eval_gets_results_marks_and_samples(limited: Run, tmp_path: Path) -> None:
    results, samples = interchange.write(limited, "lm-eval", tmp_path / "results.json")
    value = json.loads(results.read_text())
    assert value["results"]["mme"]["existence,official"] == limited.results.metrics["existence"].value
    assert value["n-samples"]["mme"] == {"original": 56, "effective": 8}
    assert value["mmeval"]["marks"] == ["limited to 8 of 56 questions"]
    assert value["mmeval"]["estimates"]["official"]["existence"]["low"] is not None
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    assert [line["doc_id"] for line in lines] == list(range(8))
    assert lines[0]["resps"] == [["yes"]]
    assert {line["score"] for line in lines} == {0.0, 1.0}


def test_every_eval_ever_names_its_samples_by_their_digest(run: Run) -> None:
    path, samples = interchange.write(run, "every-eval-ever")
    record = json.loads(path.read_text())
    detail = record["detailed_evaluation_results"]
    uuid4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert re.fullmatch(rf"data/mme/unknown/constant/{uuid4}_samples\.jsonl", detail["file_path"])
    assert samples == run.folder / "exports" / detail["file_path"]
    assert detail["checksum"] == hashlib.sha256(samples.read_bytes()).hexdigest()
    assert detail["total_rows"] == 56
    scores = {result["evaluation_result_id"]: result["score_details"] for result in record["evaluation_results"]}
    assert scores["perception"]["score"] == 500.0
    assert scores["perception"]["uncertainty"]["confidence_interval"]["confidence_level"] == 0.95
    assert interchange.write(run, "every-eval-ever") == [path, samples]  # again is the same record


def test_a_partly_correct_answer_is_not_correct_for_every_eval_ever(release: Path, tmp_path: Path) -> None:
    run = evaluate("constant", "mme", data=str(release), out=tmp_path / "run")
    first, second, *rest = run.records
    scored = {id: {"official": Score(1.0, "correct", "yes")} for id in (answer.id for answer in run.records)}
    scored[first.id] = {"official": Score(0.3, "correct", "yes")}  # three of ten annotators agree
    run.scored = scored
    _, samples = interchange.write(run, "every-eval-ever")
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    correct = {line["sample_id"]: line["evaluation"]["is_correct"] for line in lines}
    assert not correct[first.id] and correct[second.id] and all(correct[answer.id] for answer in rest)


@pytest.mark.parametrize("form", ["hub", "every-eval-ever"])
def test_a_run_with_marks_goes_to_no_leaderboard(limited: Run, form: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="limited to 8 of 56 questions"):
        interchange.write(limited, form, tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_tables_say_the_marks_and_hold_no_formula(limited: Run, tmp_path: Path) -> None:
    shutil.copytree(limited.folder, tmp_path / "run")
    for name in ("run.json", "scores.json"):
        path = tmp_path / "run" / name
        path.write_text(path.read_text().replace('"constant"', '"=cmd|\\\\input{/etc/passwd}"'))
    hostile = open_run(tmp_path / "run")
    (table,) = interchange.write(hostile, "csv")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert all("limited to 8 of 56 questions" in row["data"] for row in rows)
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    (paper,) = interchange.write(hostile, "latex")
    assert "limited to 8 of 56 questions" in paper.read_text()
    assert r"\input" not in paper.read_text()
    assert r"\textbackslash{}input" in paper.read_text()


def test_the_command_line_says_what_is_wrong_and_what_is_next(run: Run, tmp_path: Path) -> None:
    good = CliRunner().invoke(main, ["export", str(run.folder), "--to", "hub", "--out", str(tmp_path / "a.yaml")])
    assert good.exit_code == 0
    assert "eval.yaml" in good.output
    bad = CliRunner().invoke(main, ["export", str(run.folder), "--to", "latx"])
    assert bad.exit_code == 2
    assert "did you mean 'latex'?" in bad.output
    folder = CliRunner().invoke(main, ["export", str(run.folder), "--to", "csv", "--out", str(tmp_path)])
    assert folder.exit_code == 2
