"""A user's path through the command line, end to end, on a small folder in MME's format."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

import mmeval
from mmeval.evaluation import sweep
from mmeval.mmicl.checkpoints import save
from mmeval.runs.run import open_run
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.tasks import TASKS
from tests.evaluating import Collected
from tests.mme_folder import SUBTASKS, make_release
from tests.mmicl import mmicl_small as small
from tests.tasks.small_folders import call


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("data") / "release")


def task_of(data: Path, out: Path) -> tuple[object, ...]:
    return ("--task", "mme", "--data", data, "--out", out)


def run(data: Path, out: Path, *options: object) -> Result:
    return call("run", *task_of(data, out), "--model", "constant", *options)


@pytest.mark.slow
def test_from_a_run_to_the_leaderboards_files(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    first = run(data, out)
    assert first.exit_code == 0, first.output
    for message in ("Perception", "500.00", "Cognition", "200.00", "56 samples", "0 errors"):
        assert message in first.output
    assert (out / "report.html").read_text().count('":"/9j/') == 28, "each picture once"
    written = "run.json ids.json records.jsonl samples.jsonl scores.json table.md table.csv report.html results"
    figures = "dotplot.svg radar.svg"
    assert {path.name for path in out.iterdir()} == {*written.split(), *figures.split()}
    assert {path.stem for path in (out / "results").iterdir()} == set(SUBTASKS)

    monkeypatch.setattr(sweep, "load_model", lambda *_: pytest.fail("the model was loaded for a run that is complete"))
    repeated = run(data, out)
    assert repeated.exit_code == 0, repeated.output
    assert "the model is not loaded" in repeated.output

    scored = call("score", out, "--json")
    assert json.loads(scored.output) == json.loads((out / "scores.json").read_text())
    from_predictions = call("score", "--task", "mme", "--predictions", out / "results", "--json")
    assert json.loads(from_predictions.output)["metrics"] == json.loads(scored.output)["metrics"]

    submitted = call("submit", out, "--to", "mme")
    assert submitted.exit_code == 2, submitted.output
    assert "the data has only 56 of the benchmark's 2,374 questions" in submitted.output
    checked = call("submit", "--check", out / "results", "--to", "mme")
    assert checked.exit_code == 1, checked.output
    assert "56 answers; the benchmark has 2,374 questions" in checked.output


@pytest.mark.slow
def test_another_prompt_is_another_run(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "run")
    mismatch = run(data, tmp_path / "run", "--prompt", "single-word")
    assert mismatch.exit_code == 2
    assert "prompt = 'release', not 'single-word'" in mismatch.stderr
    assert run(data, tmp_path / "run", "--prompt", "single-word", "--fresh").exit_code == 0


@pytest.mark.slow
def test_starting_over_deletes_nothing_before_the_model_is_there(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "run")
    contents = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    small.write(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"torn")
    broken = call("run", *task_of(data, tmp_path / "run"), "--model", tmp_path / "model", "--fresh")
    assert broken.exit_code == 2
    with open_run(tmp_path / "run").journal():  # as another process holds it
        busy = run(data, tmp_path / "run", "--fresh")
    assert busy.exit_code == 2
    assert "another process is writing this run" in busy.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == contents
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    assert "not a run" in run(data, tmp_path / "other", "--fresh").stderr


@pytest.mark.slow
def test_what_is_not_the_default_is_in_the_folders_name(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("run", "--task", "mme", "--model", "constant:no", "--data", data, "--limit", 28)
    assert call(*command).exit_code == call(*command, "--prompt", "single-word").exit_code == 0
    names = {path.name for path in (tmp_path / "reports").iterdir()}
    assert names == {"mme-constant_no-release-limit28", "mme-constant_no-release-single-word-limit28"}


@pytest.mark.slow
def test_a_limited_run_is_shown_and_not_submitted(data: Path, tmp_path: Path) -> None:
    limited = run(data, tmp_path / "run", "--limit", 28)
    assert limited.exit_code == 0, limited.output
    assert "28 of 28 questions answered" in limited.output
    assert "limited to 28 of 56 questions" in limited.output
    assert not (tmp_path / "run" / "results").exists()
    refused = call("submit", tmp_path / "run", "--to", "mme")
    assert refused.exit_code == 2
    assert "limited to 28 of 56 questions" in refused.stderr


def test_a_dry_run_writes_nothing(data: Path, tmp_path: Path) -> None:
    result = run(data, tmp_path / "run", "--dry-run")
    assert result.exit_code == 0
    assert "56 samples" in result.output
    assert "Is this existence 0? Please answer yes or no." in result.output
    assert not (tmp_path / "run").exists()
    ids = tmp_path / "ids.txt"
    ids.write_text(next(iter(load_task("mme").samples(str(data)))).id)
    result = run(data, tmp_path / "run", "--dry-run", "--only-ids", ids)
    assert "1 of 56 samples" in " ".join(result.output.split())
    assert result.output.count("Please answer yes or no.") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--scoring", "nonsense"), "choose from text, likelihood"),
        (("--early-stop",), "does not rotate options; remove --early-stop"),
        (("--partial",), "does not rotate options; remove --partial"),
        (("--reading", "2023"), "has one way to read answers"),
        (("--judge", "http://localhost:1/v1"), "give both"),
        (("--model", "mmicl-tiny", "--dtype", "float8"), "dtype is 'float8'"),
        (("--model", "mmicl-tiny", "--device", "abacus"), "unknown device"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would(
    data: Path, tmp_path: Path, option: tuple[str, ...], sentence: str
) -> None:
    for more in ((), ("--dry-run",)):
        result = run(data, tmp_path / "run", *option, *more)
        assert result.exit_code == 2, result.output
        assert sentence in result.stderr


def test_a_dry_run_says_which_prompt_is_too_long(data: Path, tmp_path: Path) -> None:
    save(small.model("llama"), small.processor("llama", max_prompt_tokens=10), tmp_path / "model")
    result = call("run", "--task", "mme", "--model", tmp_path / "model", "--data", data, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "cannot be sent: the prompt has" in result.output
    assert "the model reads 10; shorten it" in " ".join(result.output.split())


@pytest.mark.slow
def test_a_broken_picture_is_an_error_and_the_status_says_so(tmp_path: Path) -> None:
    data = make_release(tmp_path / "release")
    (data / "OCR" / "0000.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    small.write(tmp_path / "model")
    result = call("run", "--task", "mme", "--model", tmp_path / "model", "--data", data, "--out", tmp_path / "run")
    assert result.exit_code == 1, result.output
    counts = json.loads((tmp_path / "run" / "scores.json").read_text())["counts"]
    assert (counts["samples"], counts["error"]) == (56, 2)
    assert "2 errors" in result.output
    assert "2 of 56 answers are errors" in result.output
    for name in ("table.md", "report.html", "dotplot.svg", "scores.json"):
        assert "2 of 56 answers are errors" in (tmp_path / "run" / name).read_text()
    Image.new("RGB", (16, 16)).save(data / "OCR" / "0000.png")
    fixed = call("run", "--task", "mme", "--model", tmp_path / "model", "--data", data, "--out", tmp_path / "run")
    assert fixed.exit_code == 0, fixed.output
    assert "asking 2 questions again" in fixed.output


@pytest.mark.slow
def test_runs_are_drawn_together_and_published_scores_alone(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "a")
    call("run", "--task", "mme", "--model", "constant:no", "--data", data, "--out", tmp_path / "b")
    report = call("report", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "both")
    assert report.exit_code == 0, report.output
    drawn = "report.html dotplot.png dotplot.svg radar.png radar.svg"
    assert {path.name for path in (tmp_path / "both").iterdir()} == set(drawn.split())
    page = (tmp_path / "both" / "report.html").read_text()
    assert (
        "Side by side" in page and ">Difference</th>" in page and page.count('":"/9j/') == 28
    )  # the pictures of the first run's page
    published = call("report", "--published", "2023-09-17", "--out", tmp_path / "published")
    assert published.exit_code == 0, published.output
    assert (tmp_path / "published" / "radar-2023-09-17.svg").exists()


def test_lists_name_everything() -> None:
    listed = call("tasks").output
    assert all(re.search(rf"^[* ] {name} ", listed, re.MULTILINE) for name in TASKS)
    assert "Perception" in call("tasks", "MME").output
    models = call("models").output
    for name in ("mmicl-tiny", "mmicl-flan-t5-xxl", "blip2-opt-2.7b", "instructblip-vicuna-13b", "constant"):
        assert name in models


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "--task", "mne"], "unknown task 'mne' (did you mean 'mme'?)"),
        (["run", "--task", "mme", "--model", "mmicl-tny"], "did you mean 'mmicl-tiny'?"),
        (["run", "--task", "mme", "--model", "constant", "--prompt", "singleword"], "did you mean 'single-word'?"),
        (["run", "--task", "mme", "--model", "constant", "--context", "plane"], "did you mean 'plain'?"),
        (["run", "--task", "mme", "--model", "constant", "--data", "nowhere"], "no data at 'nowhere'"),
        (["run", "--task", "mme", "--model", "constant", "--data", "x" * 300], "File name too long"),
        (["score", "nowhere"], "no such run folder"),
        (["score", "--task", "mme", "--answers", "."], ".: a folder; give a file with a row for each answer"),
        (["score"], "name a run folder"),
        (["report", "--published", "2023-09-18"], "2023-09-17"),
        (
            ["run", "--task", "pope", "--model", "constant", "--data", "hub"],
            "pope is read from its own files, not",
        ),
        (["run", "--task", "mme", "--only-ids", "gone.txt"], "gone.txt: cannot be read (No such file or directory); "),
        (["run", "--task", "mme", "--seeds", "1,1"], "mmeval: seed has '1' twice; name each once"),
        (["models", "check", ""], "unknown model ''"),
        (["models", "check", "Qwen/Qwen3-VL"], "if it is a model on the hub, write chat:Qwen/Qwen3-VL"),
        (
            ["models", "mmicl-tiny"],
            "no command 'models mmicl-tiny'; `mmeval doctor mmicl-tiny` shows",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_and_status_two(arguments: list[str], sentence: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_the_python_way(data: Path, tmp_path: Path) -> None:
    display = Collected()
    result = mmeval.evaluate(model="constant", task="mme", data=str(data), out=tmp_path / "run", display=display)
    assert result.scores.loc["perception", "value"] == pytest.approx(500)
    assert list(result.scores.columns)[:6] == ["value", "low", "high", "n", "full_marks", "chance"]
    assert (tmp_path / "run" / "report.html").exists()
    mmeval.evaluate(RunSpec("mme", "constant"), data=data, out=tmp_path / "run", display=display)
    assert "the model is not loaded" in display.messages[-1]
