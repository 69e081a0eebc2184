"""A run's report: the page with its controls and bias panel, and the command that repeats the run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from mmeval import evaluation, spec
from mmeval.cli import main
from mmeval.cli.options import given
from mmeval.reporting import about, bias, page, run_report
from mmeval.runs import identity
from mmeval.runs.run import Run, open_run
from tests.evaluating import evaluate
from tests.mme_folder import make_release
from tests.reporting.test_page import data


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("data") / "release")


@pytest.fixture
def run(release: Path, tmp_path: Path) -> Run:
    return evaluate("constant", "mme", data=str(release), out=tmp_path / "run")


def test_the_controls_of_a_run_are_beside_its_answers(run: Run) -> None:
    lines = [json.loads(line) for line in (run.folder / "samples.jsonl").read_text().splitlines()]
    lines[0]["scores"]["official"] |= {"outcome": "unparsed", "answer": None}
    blind = run.folder / "controls" / "blind"
    blind.mkdir(parents=True)
    (blind / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run.folder / "controls" / "grey").mkdir()  # not scored yet
    noise = run.folder / "controls" / "noise"  # scored without the judge that the run has
    noise.mkdir()
    without = ({**line, "scores": {"strict": line["scores"]["strict"]}} for line in lines)
    (noise / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in without))
    run_report.write(run)
    content = data(run.folder / "report.html")
    assert (content["others"], content["run"]) == (["blind"], "")
    values = {sample["id"]: sample["others"][0] for sample in content["samples"]}
    assert values[lines[0]["id"]] == ["unparsed"]
    assert values[lines[1]["id"]] == [lines[1]["scores"]["official"][key] for key in ("outcome", "answer")]


def test_the_bias_panel_is_there_where_bias_was_measured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run_report.write(run)
    assert 'id="bias"' not in (run.folder / "report.html").read_text()
    monkeypatch.setattr(bias, "panel", lambda run: "<h2>What it sees</h2>")
    (run.folder / "bias.json").write_text("{}")
    run_report.write(run)
    html = (run.folder / "report.html").read_text()
    assert '<section class="card panel" id="bias"><h2>What it sees</h2></section>' in html
    assert '<a href="#bias">Bias</a>' in html


def test_what_older_versions_drew_is_gone(run: Run) -> None:
    for name in ("index.html", "dotplot.png", "radar.png"):
        (run.folder / name).write_bytes(b"other numbers")
    written = run_report.write(run)
    assert [path.name for path in written] == [
        "report.html",
        "table.md",
        "table.csv",
        "dotplot.svg",
        "radar.svg",
        "results",
    ]
    assert not [name for name in ("index.html", "dotplot.png", "radar.png") if (run.folder / name).exists()]


def _times(run: Run) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in run.folder.rglob("*") if path.is_file()}


def test_what_would_come_out_the_same_is_not_drawn_again(run: Run, release: Path) -> None:
    run_report.write(run, lambda ids: ())
    times = _times(run)
    paths = run_report.write(run)
    evaluation.evaluate(run.spec, data=str(release), out=run.folder)  # with nothing left to ask
    drawn = [path for path in times if path.endswith((".html", ".svg", ".md", ".csv", ".txt"))]
    assert {path: _times(run)[path] for path in drawn} == {path: times[path] for path in drawn}
    assert paths == run_report.written(run)


@pytest.mark.parametrize("change", ["version", "scores", "answers", "control", "missing"])
def test_what_changed_is_drawn_again(run: Run, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_report.write(run)
    sources = page.made_from(run.folder)
    if change == "version":
        monkeypatch.setattr("mmeval.reporting.run_report.__version__", "99.0")
    elif change == "scores":
        run.results.remarks.append("Another remark.")
    elif change == "answers":
        lines = (run.folder / "samples.jsonl").read_text()
        (run.folder / "samples.jsonl").write_text(lines.replace('"outcome":"incorrect"', '"outcome":"unparsed"', 1))
    elif change == "control":
        (run.folder / "controls" / "blind").mkdir(parents=True)
        (run.folder / "controls" / "blind" / "samples.jsonl").write_bytes((run.folder / "samples.jsonl").read_bytes())
    else:
        (run.folder / "table.csv").unlink()
        (run.folder / "radar.svg").write_bytes(b"")
    run_report.write(run)
    assert (page.made_from(run.folder) == sources) == (change == "missing")
    assert (run.folder / "table.csv").exists()
    assert (run.folder / "radar.svg").stat().st_size


def test_a_page_that_was_drawn_without_the_data_gains_its_pictures(run: Run, release: Path) -> None:
    run_report.write(run)
    assert data(run.folder / "report.html")["thumbnails"] == 0
    evaluation.evaluate(run.spec, data=str(release), out=run.folder)
    assert data(run.folder / "report.html")["thumbnails"] > 0


def test_the_page_says_what_the_run_is(run: Run) -> None:
    run_report.write(run)
    html = (run.folder / "report.html").read_text()
    facts = about.facts(run)
    assert facts["Answered"] == "56 of 56 questions answered"
    assert facts["Data digest"] == str(run.header.data_digest)[:16]
    assert all(f"<dd>{value}</dd>" in html for value in facts.values() if value.isalnum())


@pytest.mark.parametrize(
    "values",
    [
        {"model": "constant", "task": "mme"},
        {"model": "a model; rm -rf /", "task": "mmbench", "scoring": "likelihood", "partial": True, "limit": 7},
        {"model": "m", "task": "vqav2", "data": "my data", "shots": 4, "seed": 3, "beams": 2, "dtype": "float16"},
    ],
)
def test_the_command_repeats_the_run(values: dict[str, object]) -> None:
    run_spec = spec.from_mapping(values, "")
    words = shlex.split(about.command(run_spec, identity.identity(run_spec)))
    assert words[:2] == ["mmeval", "run"]
    context = main.commands["run"].make_context("run", words[2:])
    names = spec.options()
    repeated = spec.from_mapping({k: v for k, v in given(context.params).items() if k in names}, "")
    assert identity.identity(repeated) == identity.identity(run_spec)


def test_a_run_of_several_sessions_says_so(run: Run) -> None:
    header = json.loads((run.folder / "run.json").read_text())
    header["sessions"] = [header["sessions"][0] | {"started": f"2026-01-0{day}T00:00:00"} for day in (1, 2)]
    (run.folder / "run.json").write_text(json.dumps(header))
    assert about.facts(open_run(run.folder))["Date"] == "2026-01-01 to 2026-01-02"


def test_a_benchmark_that_compares_likelihoods_is_not_said_to_generate(tmp_path: Path) -> None:
    facts = about.facts(evaluate("constant", "winoground", limit=4, out=tmp_path / "run"))
    assert facts["Scoring"] == "likelihood of the candidates"
    assert "Generation" not in facts


@pytest.mark.parametrize(
    ("settings", "ending"),
    [
        ({}, "greedy"),
        ({"beams": 4}, "4 beams"),
        ({"temperature": 0.7, "samples": 8}, "temperature 0.7, 8 samples"),  # not greedy
    ],
)
def test_the_facts_tell_how_answers_were_generated(run: Run, settings: dict[str, object], ending: str) -> None:
    header = json.loads((run.folder / "run.json").read_text())
    header["identity"] |= settings
    (run.folder / "run.json").write_text(json.dumps(header))
    assert about.facts(open_run(run.folder))["Generation"].endswith(f"new tokens, {ending}")


@pytest.mark.parametrize(("card", "task"), [({"fields": {"question": "ask"}}, "tools.yaml"), (None, "tools")])
def test_the_command_names_a_card_by_its_file(card: dict[str, object] | None, task: str) -> None:
    run_spec = spec.RunSpec("tools", "constant", data="tools")
    facts = identity.identity(run_spec) | ({"card": card} if card else {})
    words = shlex.split(about.command(run_spec, facts))
    assert words[words.index("--task") + 1] == task
