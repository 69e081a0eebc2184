"""Sweeps: every run has a folder of its own, servers share the work of each run, and passwords appear nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.evaluation.planning import default_folder
from mmeval.evaluation.sweep import evaluate_all, folders_of
from mmeval.runs.run import open_run
from mmeval.spec import RunSpec, options
from mmeval.types import InputError
from tests.mme_folder import make_release
from tests.models.fake_server import Reply, Server, says, serving
from tests.reporting.test_page import data as page_data

PASSWORD = "s3cr3t-pass"
CARD = """title: My benchmark
about: which tool is for which job
kind: multiple choice
files: questions.jsonl
fields: {question: ask, answer: right, options: [A, B]}
answers: letter
prompts: {direct: "{question}\\n{options}Answer with the letter."}
"""


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with serving() as first, serving() as second:
        yield first, second


def named(servers: tuple[Server, Server], model: str) -> str:
    addresses = (f"http://user:{PASSWORD}@{server.host}/v1" for server in servers)
    return f"server:{','.join(addresses)}#{model}"


def test_the_page_of_a_run_shows_the_controls_of_the_same_command(tmp_path: Path) -> None:
    spec = RunSpec("mme", "constant", data=str(make_release(tmp_path / "data", pictures=1)))
    evaluate_all([spec], out=tmp_path / "run", controls=["blind"])
    assert page_data(tmp_path / "run" / "report.html")["others"] == ["absent"]


@pytest.mark.slow
def test_a_sweep_shares_each_run_between_two_servers(servers: tuple[Server, Server], tmp_path: Path) -> None:
    data = make_release(tmp_path / "data", pictures=2)
    models = [named(servers, "org/tiny"), named(servers, "small")]
    (tmp_path / "grid.yaml").write_text(f"task: mme\nmodel: {models}\ndata: {data}\nconcurrency: 2\n")
    command = ["sweep", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "runs")]
    for server in servers:
        server.behave = answered_by_the_model_asked
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "run 1 of 2: mme with server:org/tiny" in result.output

    runs = [open_run(tmp_path / "runs" / f"mme-server_{name}") for name in ("org_tiny", "small")]
    for run, model in zip(runs, ("org/tiny", "small"), strict=True):
        bodies = [[body for body in server.asked if body["model"] == model] for server in servers]
        assert run.complete and all(bodies)  # both servers worked on each run
        assert len(run.records) == sum(map(len, bodies))  # and nothing was asked twice
    before = [len(server.asked) for server in servers]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert [len(server.asked) for server in servers] == before

    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert PASSWORD not in result.output and not [path for path in files if PASSWORD in str(path)]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]


def answered_by_the_model_asked(body: dict[str, object], number: int) -> Reply:
    return says("yes", model=str(body["model"]))


@pytest.mark.slow
def test_a_comma_between_addresses_does_not_separate_models(servers: tuple[Server, Server], tmp_path: Path) -> None:
    data = str(make_release(tmp_path / "data", pictures=2))
    command = ["run", "--task", "mme", "--data", data, "--concurrency", "2", "--out", str(tmp_path / "runs"), "--model"]
    result = CliRunner().invoke(main, [*command, f"{named(servers, 'tiny')},constant"])
    assert result.exit_code == 0, result.output
    assert all(server.asked for server in servers)
    assert {path.parent.name for path in (tmp_path / "runs").glob("*/run.json")} == {"mme-server_tiny", "mme-constant"}


def test_one_model_at_two_addresses_is_one_run(servers: tuple[Server, Server], tmp_path: Path) -> None:
    specs = [RunSpec("mme", f"server:http://user:{PASSWORD}@{server.host}/v1#tiny") for server in servers]
    with pytest.raises(InputError, match=r"are the same model.*server:URL,URL#MODEL") as error:
        evaluate_all(specs, out=tmp_path / "runs")
    assert PASSWORD not in str(error.value)


LISTS: dict[str, list[Any]] = {
    "prompt": ["release", "single-word"],
    "limit": [None, 4],
    "reading": ["script", "rules"],
    "shots": [0, 2],
    "frames": [4, 8],
    "sampler": ["inner", "ends"],
    "seed": [0, 1],
    "control": ["blind", "swap"],
    "only_ids": ["a.txt", "b.txt"],
    "partial": [False, True],
    "early_stop": [True, False],
    "max_new_tokens": [4, 5],
    "beams": [1, 2],
    "system": [None, "be brief", "be brief!"],
    "temperature": [0.5, 0.7],
    "top_p": [0.5, 0.7],
    "top_k": [5, 7],
    "presence_penalty": [None, 0.5],
    "samples": [2, 3],
    "thinking": ["on", "off"],
    "thinking_tokens": [10, 20],
    "model_args": ["attn=eager", "attn=sdpa"],
    "quantize": [None, "4bit"],
    "trust_remote_code": [False, True],
    "min_new_tokens": [0, 1],
    "length_penalty": [1.0, 2.0],
    "repetition_penalty": [1.0, 1.5],
    "dtype": ["float32", "bfloat16"],
    "context": ["plain", "numbered"],
    "scoring": ["text", "likelihood"],
    "data": ["one/data", "one_data"],
    "recipe": [None, "qwen3-vl-report"],
}
NEEDED = {"samples": {"temperature": 1.0}}
ONE_RUN = {name for name, option in options().items() if not option.identifies} - {"recipe"}


def test_every_option_of_a_sweep_makes_folders_of_its_own(tmp_path: Path) -> None:
    assert options().keys() == {"task", "model", *LISTS, *ONE_RUN}
    for name, values in LISTS.items():
        specs = [RunSpec("mme", "constant", **{**NEEDED.get(name, {}), name: value}) for value in values]
        folders = folders_of(specs, tmp_path)
        assert len(set(folders)) == len(specs), folders
        assert all(folder is not None and folder.parent == tmp_path for folder in folders)


@pytest.mark.parametrize("name", sorted(ONE_RUN - {"judge", "judge_model"}))
def test_options_that_make_no_other_run_have_one_value(name: str, tmp_path: Path) -> None:
    others: dict[str, list[Any]] = {"device": ["cpu", "cuda"], "no_cache": [False, True]}
    values = others.get(name, [1, 2])
    specs = [RunSpec("mme", "constant", **{name: value}) for value in values]
    with pytest.raises(InputError, match=f"^{name} is .* and .*, but it does not make another run"):
        evaluate_all(specs, out=tmp_path / "runs")


def test_data_in_folders_of_one_name_need_a_folder_for_the_runs(tmp_path: Path) -> None:
    data = [str(make_release(tmp_path / name / "data", pictures=2)) for name in "ab"]
    specs = [RunSpec("mme", "constant", data=path) for path in data]
    with pytest.raises(InputError, match=r"have the same folder, reports/mme-constant-data; add --out"):
        evaluate_all(specs)
    assert len({run.folder for run in evaluate_all(specs, out=tmp_path / "runs")}) == 2


def test_a_system_turn_and_a_dtype_are_in_the_name_of_the_default_folder(tmp_path: Path) -> None:
    server = "server:http://localhost:1/v1#tiny"
    changes: list[dict[str, Any]] = [{}, {"system": "be brief"}, {"system": "be kind"}, {"dtype": "float16"}]
    names = [default_folder(RunSpec("mme", server, data=str(tmp_path), **change)).name for change in changes[:3]]
    names += [
        default_folder(RunSpec("mme", "mmicl-tiny", data=str(tmp_path), **change)).name for change in changes[::3]
    ]
    assert len(set(names)) == 5


def test_a_card_and_a_model_in_a_folder_are_named_as_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in "12":
        (tmp_path / "cards").mkdir(exist_ok=True)
        (tmp_path / "cards" / f"own{number}.yaml").write_text(CARD)
    specs = [RunSpec(f"cards/own{number}.yaml", "constant") for number in "12"]
    folders = folders_of(specs, tmp_path)
    assert [folder and folder.name for folder in folders] == ["own1-constant", "own2-constant"]


@pytest.mark.slow
def test_a_sweep_over_prompts_ends_in_a_table(tmp_path: Path) -> None:
    data = make_release(tmp_path / "data", pictures=2)
    (tmp_path / "grid.yaml").write_text(f"task: mme\nmodel: constant\ndata: {data}\nprompt: [release, single-word]\n")
    result = CliRunner().invoke(main, ["sweep", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "runs")])
    assert result.exit_code == 0, result.output
    scores = (tmp_path / "runs" / "sweep" / "scores.csv").read_text()
    assert {"constant, prompt release", "constant, prompt single-word"} <= set(re.findall('"(constant.*?)"', scores))


@pytest.mark.parametrize(
    ("second", "message"),
    [("mmicl-tinny", "unknown model 'mmicl-tinny'"), ("max_new_tokens=3", "give it as --max-new-tokens 3")],
)
def test_a_wrong_second_model_is_found_before_anything_is_asked(second: str, message: str, tmp_path: Path) -> None:
    command = ["run", "--task", "mme", "--model", f"mmicl-tiny,{second}", "--out", str(tmp_path / "runs")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2 and message in result.output
    assert not (tmp_path / "runs").exists()
