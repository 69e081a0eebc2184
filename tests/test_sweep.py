"""A sweep over servers: several addresses share the work of each run, and passwords appear nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.run import open_run
from mmeval.spec import RunSpec
from mmeval.sweep import evaluate_all
from mmeval.types import InputError
from tests.mme_folder import make_release
from tests.models.fake_server import Reply, Server, says, serving

PASSWORD = "s3cr3t-pass"


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with serving() as one, serving() as other:
        yield one, other


def named(servers: tuple[Server, Server], model: str) -> str:
    addresses = (f"http://user:{PASSWORD}@{server.host}/v1" for server in servers)
    return f"server:{','.join(addresses)}#{model}"


def test_a_sweep_shares_each_run_between_two_servers(servers: tuple[Server, Server], tmp_path: Path) -> None:
    data = make_release(tmp_path / "data", pictures=2)
    models = [named(servers, "org/tiny"), named(servers, "small")]
    (tmp_path / "grid.yaml").write_text(f"task: mme\nmodel: {models}\ndata: {data}\nconcurrency: 2\n")
    command = ["sweep", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "runs")]
    for server in servers:
        server.behave = answered_by_the_model_asked
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 0, told.output
    assert "run 1 of 2: mme with server:org/tiny" in told.output

    runs = [open_run(tmp_path / "runs" / f"mme-server_{name}") for name in ("org_tiny", "small")]
    for run, model in zip(runs, ("org/tiny", "small"), strict=True):
        asked = [[body for body in server.asked if body["model"] == model] for server in servers]
        assert run.complete and all(asked)  # both servers worked on each run
        assert len(run.records) == sum(map(len, asked))  # and nothing was asked twice
    before = [len(server.asked) for server in servers]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert [len(server.asked) for server in servers] == before

    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert PASSWORD not in told.output and not [path for path in files if PASSWORD in str(path)]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]


def answered_by_the_model_asked(body: dict[str, object], number: int) -> Reply:
    return says("yes", model=str(body["model"]))


def test_a_comma_between_addresses_does_not_separate_models(servers: tuple[Server, Server], tmp_path: Path) -> None:
    data = str(make_release(tmp_path / "data", pictures=2))
    asked = ["run", "--task", "mme", "--data", data, "--concurrency", "2", "--out", str(tmp_path / "runs"), "--model"]
    told = CliRunner().invoke(main, [*asked, f"{named(servers, 'tiny')},constant"])
    assert told.exit_code == 0, told.output
    assert all(server.asked for server in servers)
    assert {path.parent.name for path in (tmp_path / "runs").glob("*/run.json")} == {"mme-server_tiny", "mme-constant"}


def test_one_model_at_two_addresses_is_one_run(servers: tuple[Server, Server], tmp_path: Path) -> None:
    specs = [RunSpec("mme", f"server:http://user:{PASSWORD}@{server.host}/v1#tiny") for server in servers]
    with pytest.raises(InputError, match=r"are the same model.*server:URL,URL#MODEL") as error:
        evaluate_all(specs, out=tmp_path / "runs")
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize(
    ("second", "told"),
    [("mmicl-tinny", "unknown model 'mmicl-tinny'"), ("max_new_tokens=3", "give it as --max-new-tokens 3")],
)
def test_a_wrong_second_model_is_found_before_anything_is_asked(second: str, told: str, tmp_path: Path) -> None:
    command = ["run", "--task", "mme", "--model", f"mmicl-tiny,{second}", "--out", str(tmp_path / "runs")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2 and told in result.output
    assert not (tmp_path / "runs").exists()
