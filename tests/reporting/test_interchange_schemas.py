"""Exports against the rules of the formats, stated here in our own words.

Every Eval Ever: eval.schema.json and instance_level_eval.schema.json 0.3.0 of github.com/evaleval/every_eval_ever
(9bce413). Both are closed at the top, details are texts only, and a continuous score has its limits.
lm-evaluation-harness: lm_eval/result_schema.py of 0.4.13 and the files that `lm_eval --log_samples` writes.
Where the packages are installed, their own code reads the exports, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

from mmeval.reporting import interchange
from mmeval.runs.run import Run
from mmeval.task_loading import load_task
from tests.evaluating import evaluate
from tests.mme_folder import make_release


class Closed(BaseModel):
    """Allows no other fields and no other types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Source(Closed):
    source_name: str
    source_type: Literal["documentation", "evaluation_run"]
    source_organization_name: str
    evaluator_relationship: Literal["first_party", "third_party", "collaborative", "other"]
    additional_details: dict[str, str]


class Library(Closed):
    name: str
    version: str


class ModelDetails(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, str]
    deployment_type: Literal["self_deployed", "externally_managed", "unknown"]
    model_availability: Literal["open_weights", "closed_weights", "unknown"]


class Evaluated(Closed):
    name: str
    id: str
    developer: str
    additional_details: ModelDetails


class Data(Closed):
    dataset_name: str
    source_type: Literal["other"]
    additional_details: dict[str, str]


class Metric(Closed):
    metric_id: str
    metric_name: str
    metric_parameters: dict[str, str]
    lower_is_better: bool
    score_type: Literal["continuous"]
    min_score: float
    max_score: float | Literal["Infinity"]


class Interval(Closed):
    lower: float
    upper: float
    confidence_level: float


class Uncertainty(Closed):
    num_samples: int
    confidence_interval: Interval


class Number(Closed):
    score: float
    details: dict[str, str]
    uncertainty: Uncertainty


class Result(Closed):
    evaluation_result_id: str
    evaluation_name: str
    source_data: Data
    metric_config: Metric
    score_details: Number
    generation_config: dict[str, Any]


class Samples(Closed):
    format: Literal["jsonl"]
    file_path: str
    hash_algorithm: Literal["sha256"]
    checksum: str
    total_rows: int
    additional_details: dict[str, str]


class EvaluationRecord(Closed):
    schema_version: Literal["0.3.0"]
    evaluation_id: str
    evaluation_timestamp: str
    retrieved_timestamp: str
    source_metadata: Source
    eval_library: Library
    model_info: Evaluated
    evaluation_results: list[Result]
    detailed_evaluation_results: Samples


class Input(Closed):
    raw: str
    formatted: str | None
    reference: list[str]
    choices: list[str] | None


class Output(Closed):
    raw: list[str]
    reasoning_trace: list[str] | None


class Attribution(Closed):
    turn_idx: int
    source: str
    extracted_value: str
    extraction_method: str
    is_terminal: bool


class Verdict(Closed):
    score: float
    is_correct: bool


class Tokens(Closed):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class SampleRecord(Closed):
    schema_version: Literal["0.3.0"]
    evaluation_id: str
    model_id: str
    evaluation_name: str
    sample_id: str
    sample_hash: str | None
    interaction_type: Literal["single_turn"]
    input: Input
    output: Output
    messages: None
    answer_attribution: list[Attribution]
    evaluation: Verdict
    token_usage: Tokens
    error: str | None
    metadata: dict[str, str]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run of all 56 questions of a benchmark."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(load_task("mme").card, "questions", 56)
        yield evaluate("constant", "mme", data=str(make_release(folder / "release")), out=folder / "run")


@pytest.fixture(scope="module", params=["text", "likelihood"])
def harness(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Results and samples in lm-evaluation-harness's form, of texts and of likelihoods."""
    folder = tmp_path_factory.mktemp(request.param)
    run = evaluate("constant", "mmbench", limit=8, scoring=request.param, out=folder / "run")
    return interchange.write(run, "lm-eval", folder / "results.json")


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_eval_ever_gets_only_what_its_schema_has(complete: Run) -> None:
    record, samples = interchange.write(complete, "every-eval-ever")
    parsed = EvaluationRecord.model_validate_json(record.read_text(encoding="utf-8"))
    assert all(
        result.score_details.score <= float(result.metric_config.max_score) for result in parsed.evaluation_results
    )
    lines = [SampleRecord.model_validate_json(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    assert {line.evaluation_id for line in lines} == {parsed.evaluation_id}
    assert {line.model_id for line in lines} == {parsed.model_info.id}


def test_their_package_reads_the_record(complete: Run) -> None:
    evaluations = pytest.importorskip("every_eval_ever.eval_types", reason="every_eval_ever is not installed")
    lines = pytest.importorskip("every_eval_ever.instance_level_types")
    record, samples = interchange.write(complete, "every-eval-ever")
    evaluations.EvaluationLog.model_validate_json(record.read_text(encoding="utf-8"))
    for line in read_lines(samples):
        lines.InstanceLevelEvaluationLog.model_validate(line)


def test_results_have_the_harness_types(harness: list[Path]) -> None:
    results = json.loads(harness[0].read_text(encoding="utf-8"))
    assert isinstance(results["date"], float)  # Unix time
    scores = results["results"]["mmbench"]
    assert scores["name"] == scores["alias"] == "mmbench"
    assert scores["sample_len"] == results["n-samples"]["mmbench"]["effective"] == 8
    metrics = {name: value for name, value in scores.items() if "," in name}
    assert all(isinstance(value, float) or value == "N/A" for value in metrics.values())
    named = {name.partition(",")[0].removesuffix("_stderr") for name in metrics}
    assert named <= set(results["higher_is_better"]["mmbench"]) | set(load_task("mmbench").labels)


def test_samples_have_the_harness_shapes(harness: list[Path]) -> None:
    for line in read_lines(harness[1]):
        assert list(line["arguments"]) == [f"gen_args_{index}" for index in range(len(line["resps"]))]
        requests = list(line["arguments"].values())
        if len(requests) == 1:  # a text: requests x repeats
            TypeAdapter(list[list[str]]).validate_python(line["resps"], strict=True)
            TypeAdapter(list[str]).validate_python(line["filtered_resps"], strict=True)
        else:  # likelihoods: requests x repeats x (log-likelihood as text, greedy)
            assert [request["arg_1"] for request in requests] == line["doc"]["choices"]
            assert line["resps"] == [[response] for response in line["filtered_resps"]]
            assert all(float(likelihood) <= 0 and greedy is None for likelihood, greedy in line["filtered_resps"])
        assert isinstance(line["target"], str) and isinstance(line[line["metrics"][0]], float)


def test_their_table_shows_the_results(harness: list[Path]) -> None:
    lm_eval_utils = pytest.importorskip("lm_eval.utils", reason="lm_eval is not installed")
    assert "circular" in lm_eval_utils.make_table(json.loads(harness[0].read_text(encoding="utf-8")))
