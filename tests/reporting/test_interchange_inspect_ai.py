"""A run as a log of inspect_ai, against the rules of its format, stated here in our own words.

Source: log/_log.py of inspect_ai 0.3.285. Where the package is installed, its own code reads the logs, too.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from mmeval.answers import score_answers
from mmeval.models.constant import Constant
from mmeval.reporting import interchange
from mmeval.runs.run import Run
from mmeval.types import Generation, Request, Response
from tests import mmbench_table
from tests.evaluating import evaluate
from tests.mme_folder import make_release
from tests.tasks.small_folders import call
from tests.test_sampled_runs import drawing


class Closed(BaseModel):
    """Allows no other fields and no other types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Usage(Closed):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class Assistant(Closed):
    role: Literal["assistant"]
    content: str
    source: Literal["generate"]
    model: str


class User(Closed):
    role: Literal["user"]
    content: str


class Choice(Closed):
    message: Assistant
    stop_reason: Literal["stop", "max_tokens", "unknown"]


class Output(Closed):
    model: str
    choices: list[Choice]
    completion: str
    usage: Usage
    time: float


class Mark(Closed):
    value: float
    answer: str | None
    reason: Literal["invalid_response_format", "refusal"] | None = None
    metadata: dict[str, str]


class Failure(Closed):
    message: str
    traceback: str
    traceback_ansi: str


class Sample(Closed):
    id: str
    epoch: int
    input: str
    choices: list[str] | None = None
    target: list[str]
    messages: list[User | Assistant]
    output: Output
    scores: dict[str, Mark]
    metadata: dict[str, Any]
    model_usage: dict[str, Usage]
    total_time: float
    error: Failure | None = None


class Metric(Closed):
    name: str
    value: float
    metadata: dict[str, Any]


class Scores(Closed):
    name: str
    scorer: str
    reducer: Literal["mean"] | None = None
    scored_samples: int
    unscored_samples: int
    metrics: dict[str, Metric]


class Results(Closed):
    total_samples: int
    completed_samples: int
    scores: list[Scores]


class Dataset(Closed):
    name: str
    samples: int
    sample_ids: list[str]
    shuffled: bool


class Decoding(Closed):
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int | None = None
    presence_penalty: float | None = None
    seed: int


class Config(Closed):
    limit: int | None
    epochs: int


class Scorer(Closed):
    name: str


class Spec(Closed):
    eval_id: str
    run_id: str
    task_id: str
    created: str
    task: str
    task_version: int
    task_display_name: str
    task_args: dict[str, str | int | float | bool]
    tags: list[str]
    dataset: Dataset
    model: str
    model_generate_config: Decoding
    model_args: dict[str, str]
    config: Config
    packages: dict[str, str]
    metadata: dict[str, dict[str, Any]]
    scorers: list[Scorer]


class Step(Closed):
    solver: str
    params: dict[str, Any]


class Plan(Closed):
    steps: list[Step]


class Stats(Closed):
    started_at: str
    completed_at: str
    model_usage: dict[str, Usage]


class Log(Closed):
    version: Literal[2]
    status: Literal["success", "cancelled"]
    eval: Spec
    plan: Plan
    results: Results
    stats: Stats
    samples: list[Sample]


class Mixed(Constant):
    """Answers with reasoning, half of a surrogate pair, a refusal to choose, an error."""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        texts = ("<think>no?</think>Yes", "\ud83d I cannot say", None, "No")
        for number, request in enumerate(requests):
            text = texts[number % 4]
            error = "out of memory" if text is None else None
            yield Response(request.id, text=text, error=error, finish_reason="length", output_tokens=3, seconds=1.5)


def data(out: Path) -> str:
    """Write 56 questions beside a run."""
    return str(make_release(out.with_name(f"{out.name}-data")))


def mixed(out: Path) -> Run:
    return evaluate("constant", "mme", data=data(out), out=out, load=lambda *_: Mixed("yes"))


def likelihood(out: Path) -> Run:
    rows = mmbench_table.with_turns(mmbench_table.questions())
    table = mmbench_table.write(out.with_name("dev.tsv"), rows)
    return evaluate("constant", "mmbench", data=str(table), out=out, scoring="likelihood")


def sampled(out: Path) -> Run:
    return drawing("yes no", "mme", out, 3, data=data(out))


@pytest.fixture(scope="module", params=[mixed, likelihood, sampled])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    run: Run = request.param(tmp_path_factory.mktemp("inspect") / "run")
    (path,) = interchange.write(run, "inspect")
    return run, path


def test_a_log_has_only_what_the_format_has(exported: tuple[Run, Path]) -> None:
    run, path = exported
    log = Log.model_validate_json(path.read_bytes())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_[a-z]+_[0-9a-f]{22}\.json", path.name)
    assert log.eval.dataset.sample_ids == [record.id for record in run.records]
    assert [(sample.id, sample.epoch) for sample in log.samples] == [
        (record.id, epoch + 1) for epoch in range(log.eval.config.epochs) for record in run.records
    ]
    start, end = (datetime.fromisoformat(time) for time in (log.stats.started_at, log.stats.completed_at))
    assert (end - start).total_seconds() == pytest.approx(sum(record.seconds for record in run.records), abs=1e-3)
    assert sum(sample.output.usage.output_tokens for sample in log.samples) == sum(
        usage.output_tokens for usage in log.stats.model_usage.values()
    )


def test_a_log_has_the_numbers_and_marks_of_the_run(exported: tuple[Run, Path]) -> None:
    run, path = exported
    log = Log.model_validate_json(path.read_bytes())
    assert log.eval.tags == log.eval.metadata["mmeval"]["marks"] == run.marks
    assert log.eval.metadata["mmeval"]["identity"] == run.identity
    for scores in log.results.scores:
        estimates = run.results.by(scores.name)
        for name, metric in scores.metrics.items():
            assert metric.value == estimates[name].value
            assert (metric.metadata["low"], metric.metadata["high"]) == (estimates[name].low, estimates[name].high)
        marks = [sample.scores[scores.name].value for sample in log.samples]
        scored = [run.scored[sample.id][scores.name].value or 0.0 for sample in log.samples]
        assert sum(marks) == pytest.approx(sum(scored))  # a question's mark is the mean of its epochs'


def test_an_error_is_an_error_there(tmp_path: Path) -> None:
    run = mixed(tmp_path / "run")
    (path,) = interchange.write(run, "inspect")
    first, second, third, _ = Log.model_validate_json(path.read_bytes()).samples[:4]
    assert (third.error, third.output.choices, third.scores["official"].value) == (
        Failure(message="out of memory", traceback="", traceback_ansi=""), [], 0.0,
    )  # fmt: skip
    assert first.error is None and first.output.completion == "<think>no?</think>Yes"
    assert first.output.choices[0].stop_reason == "max_tokens"
    assert second.output.completion == "\ufffd I cannot say"  # inspect_ai reads no half of a surrogate pair
    assert second.scores["strict"].reason == "invalid_response_format"


def test_a_run_that_is_not_finished_is_cancelled(tmp_path: Path) -> None:
    run = mixed(tmp_path / "run")
    lines = (run.folder / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run.folder / "records.jsonl").write_text("".join(lines[:-3]), encoding="utf-8")
    assert call("score", run.folder).exit_code == 1
    assert call("export", run.folder, "--to", "inspect", "--out", tmp_path / "log.json").exit_code == 0
    log = Log.model_validate_json((tmp_path / "log.json").read_bytes())
    assert log.status == "cancelled" and log.eval.tags[0].startswith("unfinished: 3 of 56 questions")
    assert (log.results.total_samples, log.results.completed_samples, len(log.samples)) == (56, 40, 53)


def test_a_log_of_ours_is_read_back(tmp_path: Path) -> None:
    for run in (mixed(tmp_path / "mixed"), sampled(tmp_path / "sampled")):
        (path,) = interchange.write(run, "inspect")
        results = score_answers("mme", str(path), data=data(run.folder))[1]
        assert (results.metrics, results.counts) == (run.results.metrics, run.results.counts)


def test_their_package_reads_the_log(exported: tuple[Run, Path]) -> None:
    logs = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    run, path = exported
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log = logs.read_eval_log(str(path))
        assert logs.read_eval_log(str(path), header_only=True).results == log.results
    values = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert values and values.items() <= {name: one.value for name, one in run.results.metrics.items()}.items()
    assert (log.tags, len(log.samples)) == (sorted(run.marks), len(json.loads(path.read_bytes())["samples"]))
    assert [info.task_id for info in logs.list_eval_logs(str(path.parent))] == [log.eval.task_id]
