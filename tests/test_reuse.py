"""Answers are reused only for the same request to the same model; sweeps load each model once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.evaluation import sweep
from mmeval.models import Checkpoint, ModelOptions
from mmeval.models.constant import Constant
from mmeval.runs import reuse
from mmeval.runs.run import Run
from mmeval.spec import RunSpec
from mmeval.task_loading import load_task
from mmeval.types import Generation, Image, Request, Response, Shot
from tests.evaluating import Collected, evaluate
from tests.mme_folder import make_release

RED, BLUE = Image(b"red"), Image(b"blue")


class Counting:
    """Loads a constant model, and counts what is loaded and asked."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.asked = 0

    def __call__(self, checkpoint: Checkpoint, options: ModelOptions) -> Constant:
        self.loaded.append(checkpoint.name)
        counting = self

        class Model(Constant):
            def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
                for response in super().generate(list(requests), generation):
                    counting.asked += 1
                    yield response

        return Model(checkpoint.source or "yes", checkpoint.name)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(limit: int, model: str = "constant", **values: Any) -> tuple[Run, Counting, Collected]:
    counting, display = Counting(), Collected()
    return evaluate(model, "mme", limit=limit, load=counting, display=display, **values), counting, display


@pytest.mark.slow
def test_a_larger_run_asks_only_what_the_smaller_one_had_not() -> None:
    small, first, _ = run(28)
    large, second, display = run(56)
    assert (first.asked, second.asked) == (28, 28)
    assert large.complete
    assert "28 answers reused from reports/mme-constant-embedded-limit28: same" in display.messages[0]
    assert "28 answers were reused from earlier runs" in " ".join(large.results.remarks)
    by_id = {record.id: record for record in large.records}
    assert all(by_id[record.id] == record for record in small.records)
    assert len({record.id for record in large.records}) == 56


@pytest.mark.slow
def test_where_all_is_there_the_model_is_not_loaded_and_scores_are_the_same() -> None:
    run(56)
    small, counting, _ = run(28)
    assert counting.loaded == []
    fresh, _, _ = run(28, fresh=True)
    assert fresh.results.metrics == small.results.metrics
    assert fresh.results.remarks != small.results.remarks


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"model": "constant:no"}, {"no_cache": True}, {"fresh": True}, {"max_new_tokens": 9}]
)
def test_another_model_or_setting_asks_anew(change: dict[str, Any]) -> None:
    run(28)
    _, counting, display = run(56, **change)
    assert counting.asked == 56
    assert not any("answers reused from" in message for message in display.messages)


@pytest.mark.slow
def test_another_prompt_asks_anew() -> None:
    run(28)
    _, counting, _ = run(28, prompt=list(load_task("mme").prompts)[1])
    assert counting.asked == 28


@pytest.mark.slow
def test_an_error_is_no_answer_to_reuse() -> None:
    first, _, _ = run(28)
    journal = first.folder / "records.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    lines[0] = lines[0].replace('"text":"yes"', '"text":null,"error":"out of memory"')
    journal.write_text("".join(lines))
    _, counting, _ = run(56)
    assert counting.asked == 29


@pytest.mark.slow
def test_a_damaged_run_is_reported_and_not_used() -> None:
    first, _, _ = run(28)
    with (first.folder / "records.jsonl").open("a") as file:
        file.write("no record\n")
    _, counting, display = run(56)
    assert counting.asked == 56
    assert "this run's answers are not reused: " in display.messages[0]


def test_a_request_is_what_is_asked_and_in_which_order() -> None:
    base = Request("a", (RED, "which?"), (Shot((BLUE, "this?"), "yes"),), ("yes", "no"))
    changed = [
        replace(base, prompt=(BLUE, "which?")),
        replace(base, prompt=("which?", RED)),
        replace(base, prompt=(RED, "whose?")),
        replace(base, shots=()),
        replace(base, shots=(Shot((BLUE, "this?"), "no"),)),
        replace(base, candidates=("no", "yes")),
    ]
    assert reuse.digest(replace(base, id="b")) == reuse.digest(base)
    assert len({reuse.digest(request) for request in (base, *changed)}) == 7


def test_weights_that_are_not_pinned_are_asked_anew(tmp_path: Path) -> None:
    first, _, _ = run(28)
    earlier = reuse.earlier(Path("reports"), first.identity, tmp_path)
    assert len(earlier) == 28
    assert not reuse.earlier(Path("reports"), {**first.identity, "model_revision": "not pinned"}, tmp_path)


@pytest.mark.slow
def test_a_grid_loads_each_model_once_and_ends_in_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr(sweep, "load_model", counting)
    (tmp_path / "grid.yaml").write_text('task: [mme, mmbench, nothing]\nmodel: [constant, "constant:no"]\nlimit: 28\n')
    result = CliRunner().invoke(main, ["sweep", "grid.yaml"])
    assert result.exit_code == 1
    assert len(counting.loaded) == 2
    assert "not run: nothing with constant: unknown task 'nothing'" in result.output
    table = (tmp_path / "reports/sweep/scores.md").read_text()
    assert all(table.count(f"\n| {name} |") == 1 for name in ("constant", "constant:no"))
    assert "\n| chance | 750.00 | 300.00 |" in table
    assert "\n| majority answer | 500.00 |" in table and "\n| constant answer | 500.00 |" in table
    assert "MME, Perception" in table and "MMBench, CircularEval" in table
    assert {path.name for path in (tmp_path / "reports/sweep").iterdir()} >= {
        "scores.csv",
        "scores.tex",
        "1-MME-Perception",
    }
    for name in ("scores.md", "scores.csv", "scores.tex", "1-MME-Perception/dotplot.svg"):
        assert "limited to 28 of 1,120 questions" in (tmp_path / "reports/sweep" / name).read_text(), name


@pytest.mark.slow
def test_lists_with_commas_are_a_run_each() -> None:
    result = CliRunner().invoke(main, ["run", "--task", "mme", "--model", "constant,constant:no", "--limit", "28"])
    assert result.exit_code == 0, result.output
    assert {path.name for path in Path("reports").iterdir()} >= {
        "mme-constant-embedded-limit28",
        "mme-constant_no-embedded-limit28",
        "sweep",
    }


def test_a_sweep_over_settings_has_a_folder_for_each(tmp_path: Path) -> None:
    data, display = str(make_release(tmp_path / "release", pictures=1)), Collected()
    specs = [RunSpec("mme", "constant", data, prompt=prompt) for prompt in ("release", "single-word")]
    runs = sweep.evaluate_all(specs, out=tmp_path / "out", display=display)
    assert [run.folder.name for run in runs] == ["mme-constant-release", "mme-constant-single-word"]
    assert "run 2 of 2: mme with constant, prompt single-word" in display.messages
    failed: list[str] = []
    assert sweep.evaluate_all(specs, out=tmp_path / "none", controls=["prompt-nobody"], failed=failed) == []
    assert len(failed) == 2 and "unknown control 'prompt-nobody'" in failed[0] and not (tmp_path / "none").exists()
