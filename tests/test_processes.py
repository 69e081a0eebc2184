"""Several processes share a run: no question is asked twice, any may die, and the last to finish scores the run."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.runs import records
from mmeval.runs.run import open_run
from mmeval.runs.share import Share, of_process
from mmeval.types import InputError
from tests.forks import FORKS
from tests.mme_folder import make_release
from tests.processes_child import work

Child = multiprocessing.process.BaseProcess


def start(root: Path, folder: str, rank: int | None, size: int, answers: int | None = None, *extra: str) -> Child:
    environment = {} if rank is None else {"RANK": str(rank), "WORLD_SIZE": str(size)}
    options = ["run", "--task", "mme", "--model", "constant", "--data", str(root / "data")]
    command = [*options, *extra, "--json", "--out", str(root / folder)]
    child = FORKS.Process(target=work, args=(command, environment, answers, root / f"{folder}-{rank}.out"))
    child.start()
    return child


def exit_codes(*children: Child) -> list[int | None]:
    for child in children:
        child.join(60)
    return [child.exitcode for child in children]


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines() if line.endswith("}")]


def scores(folder: Path) -> dict[str, Any]:
    results = json.loads((folder / "scores.json").read_text())
    return {name: value for name, value in results.items() if name not in ("remarks", "records")}


@pytest.mark.slow
@pytest.mark.processes
def test_processes_share_a_run_and_any_may_die(tmp_path: Path) -> None:
    make_release(tmp_path / "data", pictures=3)
    assert exit_codes(start(tmp_path, "whole", None, 1)) == [0]
    planned = len(ids(tmp_path / "whole" / "records.jsonl"))

    assert exit_codes(*(start(tmp_path, "two", rank, 2) for rank in range(2))) == [0, 0]
    parts = [ids(path) for path in records.paths(tmp_path / "two") if path.name != "records.jsonl"]
    assert sum(map(len, parts)) == planned == len({id for part in parts for id in part})
    assert all(parts)
    assert {id.partition("#")[0] for id in parts[0]}.isdisjoint(id.partition("#")[0] for id in parts[1])
    assert scores(tmp_path / "two") == scores(tmp_path / "whole")
    assert len(open_run(tmp_path / "two").sessions) == 2

    three = tmp_path / "three"
    killed = exit_codes(*(start(tmp_path, "three", rank, 3, 5 if rank == 1 else None) for rank in range(3)))
    assert killed == [0, -signal.SIGKILL, 0]
    assert not (three / "scores.json").exists()
    with (three / "records-1.jsonl").open("a") as file:
        file.write('{"id": "torn", "te')
    answered = Counter(id for path in records.paths(three) for id in ids(path))
    assert exit_codes(start(tmp_path, "three", None, 1)) == [0]
    asked_ids = ids(three / "records.jsonl")
    assert set(answered.values()) == {1} and not answered.keys() & set(asked_ids)
    assert len(answered) + len(asked_ids) == planned
    run = open_run(three)
    assert run.complete and not run.journal_contents.truncated
    assert scores(three) == scores(tmp_path / "whole")


@pytest.mark.processes
def test_a_rank_that_is_at_work_is_not_started_twice_nor_a_process_beside_it(tmp_path: Path) -> None:
    make_release(tmp_path / "data")
    assert exit_codes(start(tmp_path, "run", 0, 2, 3)) == [-signal.SIGKILL]
    run = open_run(tmp_path / "run")
    with run.journal(Share(0, 2)), run.journal(Share(1, 2)):
        for share in (Share(0, 2), Share()):
            with pytest.raises(InputError, match="another process is writing this run"), run.journal(share):
                pass
    with run.journal(), pytest.raises(InputError, match="another process"), run.journal(Share(0, 2)):
        pass


@pytest.mark.processes
def test_processes_do_not_delete_a_run_under_each_other(tmp_path: Path) -> None:
    make_release(tmp_path / "data")
    assert exit_codes(start(tmp_path, "run", 0, 2, None, "--fresh")) == [2]
    assert "delete the folder first" in (tmp_path / "run-0.out").read_text()


def test_a_launcher_says_which_part(tmp_path: Path) -> None:
    assert of_process({}) == Share(0, 1)
    assert of_process({"RANK": "2", "WORLD_SIZE": "3", "SLURM_PROCID": "0", "SLURM_NTASKS": "9"}) == Share(2, 3)
    assert of_process({"SLURM_PROCID": "1", "SLURM_NTASKS": "4"}) == Share(1, 4)
    assert of_process({"SLURM_PROCID": "0"}) == Share(0, 1)  # a batch script outside srun
    assert of_process({"SLURM_NTASKS": "4"}) == Share(0, 1)  # a shell of salloc
    batch = {"SLURM_JOB_ID": "200505", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"}  # sbatch --ntasks=4, outside srun
    assert of_process(batch) == Share(0, 1)
    assert of_process({**batch, "SLURM_STEP_NUM_TASKS": "4"}) == Share(0, 4)
    assert of_process({**batch, "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}) == Share(
        1, 2
    )  # srun -n 2 --preserve
    assert of_process({**batch, "SLURM_STEP_NUM_TASKS": "1"}) == Share(0, 1)  # a shell of salloc on a compute node
    assert of_process({**batch, "RANK": "3", "WORLD_SIZE": "5"}) == Share(3, 5)  # an array
    for name, value, missing in (
        ("RANK", "1", "WORLD_SIZE"), ("WORLD_SIZE", "4", "RANK"), ("SLURM_PROCID", "1", "SLURM_NTASKS")
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"^{name} is {value} and {missing} is not set; set both, or neither$"):
            of_process({name: value})
    result = CliRunner().invoke(main, ["run", "--task", "mme", "--out", str(tmp_path / "run")], env={"WORLD_SIZE": "2"})
    assert result.exit_code == 2 and "WORLD_SIZE is 2 and RANK is not set" in result.output
    assert not (tmp_path / "run").exists()
    for rank in ("3", "-1", "one"):
        with pytest.raises(InputError, match="give a rank from 0 to WORLD_SIZE - 1"):
            of_process({"RANK": rank, "WORLD_SIZE": "3"})


@pytest.mark.slow
def test_processes_share_a_sweep_and_the_last_shows_it(tmp_path: Path) -> None:
    data = make_release(tmp_path / "data", pictures=2)
    (tmp_path / "grid.yaml").write_text(f"task: mme\nmodel: [constant, 'constant:no']\ndata: {data}\nlimit: 28\n")
    command = ["sweep", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "runs")]
    for rank in "01":
        assert not (tmp_path / "runs" / "sweep").exists()
        result = CliRunner().invoke(main, command, env={"RANK": rank, "WORLD_SIZE": "2"})
        assert result.exit_code == 0, result.output
    assert (tmp_path / "runs" / "sweep").is_dir()
    folders = [path.parent for path in (tmp_path / "runs").glob("*/run.json")]
    assert len(folders) == 2
    for folder in folders:
        parts = [ids(path) for path in records.paths(folder) if ids(path)]
        assert open_run(folder).complete and len(parts) == 2 and len({*parts[0], *parts[1]}) == 28
