"""An option is a field of RunSpec: options, run files, identities and folders follow from it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import mmeval
from mmeval.cli import main
from mmeval.cli.options import given, spec_options
from mmeval.evaluation.planning import plan
from mmeval.runs.identity import defaults, folder_name, identity
from mmeval.spec import RunSpec, from_mapping, grid
from mmeval.types import InputError


def test_a_field_is_an_option_a_key_an_identity_and_a_folder() -> None:
    calls: list[dict[str, Any]] = []

    @click.command()
    @spec_options()
    def command(**values: Any) -> None:
        calls.append(given(values))

    assert "--temperature FLOAT" in CliRunner().invoke(command, ["--help"]).output
    assert "Sampling temperature;" in CliRunner().invoke(command, ["--help"]).output
    CliRunner().invoke(command, ["--task", "mme", "--temperature", "0.5"], catch_exceptions=False)
    assert calls == [{"task": "mme", "temperature": 0.5}]
    spec = from_mapping({"task": "mme", "temperature": 0.5, "data": "d"}, "run.yaml")
    assert identity(spec)["temperature"] == 0.5
    assert folder_name(spec, defaults(spec)) == "mme-mmicl-tiny-d-temperature0.5"
    with pytest.raises(InputError, match=r"run.yaml: temperature is -1.0; choose 0 or more"):
        from_mapping({"task": "mme", "temperature": -1}, "run.yaml")


def test_what_does_not_identify_a_run_is_not_in_its_identity() -> None:
    spec = RunSpec("mme", device="cuda", batch_tokens=99)
    assert identity(spec) == identity(RunSpec("mme"))
    assert folder_name(spec, spec) == folder_name(RunSpec("mme"), RunSpec("mme"))


def test_a_spec_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        RunSpec("mme").limit = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"limit": 0}, "limit is 0; choose 1 or more"),
        ({"limit": "10"}, "limit is '10'; give a whole number"),
        ({"limit": True}, "limit is True; give a whole number"),
        ({"beams": 0}, "beams is 0; choose 1 or more"),
        ({"beams": 100_000}, "beams is 100000; choose at most 256"),
        ({"max_new_tokens": 10**9}, "max_new_tokens is 1000000000; choose at most 1000000"),
        ({"thinking_tokens": 10**9}, "thinking_tokens is 1000000000; choose at most 1000000"),
        ({"samples": 10**9}, "samples is 1000000000; choose at most 10000"),
        ({"frames": 10**9}, "frames is 1000000000; choose at most 10000"),
        ({"concurrency": 10**9}, "concurrency is 1000000000; choose at most 10000"),
        ({"timeout": 10**20}, "timeout is 100000000000000000000; choose at most 604800"),
        ({"seed": -1}, "seed is -1; choose 0 or more"),
        ({"seed": 2**32}, "seed is 4294967296; choose at most 4294967295"),
        ({"data": ""}, "data is empty; give a name, or leave it out"),
        ({"scoring": "likelihod"}, "scoring is 'likelihod' (did you mean 'likelihood'?); choose from text"),
        ({"partial": 1}, "partial is 1; give true or false"),
        ({"limt": 3}, "unknown option 'limt' (did you mean 'limit'?)"),
        ({"qqqqqq": 3}, "unknown option 'qqqqqq'; choose from task, model"),
        ({"temperature": 10**400}, "temperature is inf; give a finite number"),
        ({"data": "a\0b"}, "data contains a NUL character; remove it"),
        ({"judge": "http://x/v1"}, "give both --judge URL and --judge-model NAME"),
    ],
)
def test_what_is_out_of_range_is_refused_in_python_too(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        mmeval.evaluate(task="mme", model="constant", **values)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_run_without_a_task_is_refused() -> None:
    with pytest.raises(InputError, match="no task is named; add --task NAME"):
        mmeval.evaluate(model="constant")


def test_a_list_of_values_is_a_spec_for_each() -> None:
    specs = grid({"task": ["mme", "pope"], "model": "constant", "seed": [0, 1]}, "x")
    assert [(spec.task, spec.seed) for spec in specs] == [("mme", 0), ("mme", 1), ("pope", 0), ("pope", 1)]
    with pytest.raises(InputError, match="task has 'mme' twice"):
        grid({"task": ["mme", "mme"]}, "x")


@pytest.mark.slow
def test_a_run_file_is_read_and_flags_override_it(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("task: mme\nmodel: constant:no\nlimit: 28\n")
    out = tmp_path / "run"
    result = CliRunner().invoke(main, ["run", "--config", str(file), "--limit", "14", "--out", str(out)])
    assert result.exit_code == 0, result.output
    spec = mmeval.open_run(out).spec
    assert (spec.task, spec.model, spec.limit) == ("mme", "constant-no", 14) or spec.model == "constant:no"
    file.write_text("task: mme\nlimits: 3\n")
    refused = CliRunner().invoke(main, ["run", "--config", str(file)])
    assert refused.exit_code == 2
    assert f"{file}: unknown option 'limits' (did you mean 'limit'?)" in refused.stderr
    file.write_text("task: mme\nkeep_errors: true\n")
    refused = CliRunner().invoke(main, ["run", "--config", str(file)])
    assert refused.exit_code == 2
    assert f"{file}: 'keep_errors' is not a setting; give it on the command line: --keep-errors" in refused.stderr


@pytest.mark.slow
def test_a_repeated_task_is_a_run_of_its_own(tmp_path: Path) -> None:
    command = ["run", "--task", "mme", "--task", "pope", "--model", "constant", "--limit", "14", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"mme-constant", "pope-constant", "sweep"}
    twice = CliRunner().invoke(main, ["run", "--task", "mme", "--task", "mme", "--model", "constant"])
    assert (twice.exit_code, "twice" in twice.stderr) == (2, True)


def test_the_public_names_are_listed() -> None:
    assert set(mmeval.__all__) <= set(dir(mmeval))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"top_p": 0.9}, "--top-p has no effect without --temperature; add that, or remove --top-p"),
        ({"top_k": 5}, "--top-k has no effect without --temperature"),
        ({"length_penalty": 2.0}, "--length-penalty has no effect without --beams"),
        ({"temperature": 0.5, "scoring": "likelihood"}, "--temperature has no effect with --scoring likelihood, which"),
        ({"beams": 2, "scoring": "first-token"}, "--beams has no effect with --scoring first-token"),
        ({"max_new_tokens": 9, "scoring": "likelihood"}, "--max-new-tokens has no effect with --scoring likelihood"),
    ],
)
def test_an_option_that_would_change_nothing_but_the_identity_is_refused(values: dict[str, Any], sentence: str) -> None:
    spec = RunSpec("mmbench", "python:a:b", **values)  # a run that has such an identity can still be opened
    with pytest.raises(InputError, match=sentence):
        plan(spec)
