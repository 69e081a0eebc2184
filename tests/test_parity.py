"""Two ways to run a model: equal answers, the wording of differences, and the runs' folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.evaluation.results import current
from mmeval.parity import Parity, parity, side
from mmeval.parity import compare as compare_sides
from mmeval.reporting.parity import to_json
from mmeval.types import InputError
from tests import evaluating
from tests.models.fake_server import says, serving


def compared(first: str, second: str, out: Path, **values: Any) -> Parity:
    def evaluate(spec: Any, **options: Any) -> Any:
        return evaluating.evaluate(spec.model, spec.task, limit=spec.limit, scoring=spec.scoring, **options)

    def collected(spec: Any, *, out: Path, fresh: bool, display: Any) -> Any:
        return evaluate(spec, out=out, fresh=fresh)

    return parity(first, second, out=out, evaluate=collected, **{"task": "mme", "limit": 28, **values})


def test_a_side_is_a_model_and_its_settings() -> None:
    assert side("mmicl-tiny,dtype=bfloat16,batch-tokens=64,partial=true") == {
        "model": "mmicl-tiny", "dtype": "bfloat16", "batch_tokens": 64, "partial": True,
    }  # fmt: skip
    servers = "server:http://a/v1,http://b/v1#m"
    assert side(f"{servers},temperature=0.5") == {"model": servers, "temperature": 0.5}
    assert side("chat:x,model_args=attn=eager,max_pixels=9") == {
        "model": "chat:x",
        "model_args": "attn=eager,max_pixels=9",
    }
    for text, message in {
        "x,beams=many": "beams is 'many', which is not of type int",
        "x,seed=1,seed=2": "sets seed twice",
        "x,bems=2": "no setting 'bems' \\(did you mean 'beams'\\?\\)",
        "x,url=http://me:secret@host": "side 'x,url=http://host': no setting 'url'",
    }.items():
        with pytest.raises(InputError, match=message):
            side(text)


@pytest.mark.slow
def test_a_model_equals_itself_and_that_is_shown_only_with_enough_questions(tmp_path: Path) -> None:
    result = compared("constant", "constant", tmp_path, margin=60.0)
    assert (result.questions, result.same, result.same_read, result.differing) == (28, 28, 28, ())
    assert [row.difference.value for row in result.rows] == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["constant", "constant-again"]
    assert not compared("constant", "constant", tmp_path, margin=0.5).equivalent  # 28 questions prove no half percent


@pytest.mark.slow
@pytest.mark.parametrize("model", ["..", "../model", ".hidden"])
def test_a_sides_folder_is_in_out_and_not_hidden(tmp_path: Path, model: str) -> None:
    folders: list[Path] = []

    def evaluate(spec: Any, *, out: Path, fresh: bool, display: Any) -> Any:
        folders.append(out)
        return evaluating.evaluate("constant", spec.task, out=tmp_path / f"run{len(folders)}", limit=spec.limit)

    parity(model, "constant", out=tmp_path / "parity", evaluate=evaluate, task="mme", limit=28)
    assert [folder.parent.resolve() for folder in folders] == [tmp_path / "parity"] * 2
    assert not any(folder.name.startswith(".") for folder in folders)


@pytest.mark.slow
def test_answers_that_differ_stand_side_by_side(tmp_path: Path) -> None:
    result = compared("constant", "constant:no", tmp_path)
    assert (result.same, result.equivalent) == (0, False)
    first = result.differing[0]
    assert (first.answers, first.read) == (("yes", "no"), ("yes", "no"))
    assert first.sent[0] == first.sent[1] and "Please answer yes or no" in first.sent[0]
    assert json.loads(json.dumps(to_json(result)))["equal_answers"] == 0


@pytest.mark.slow
def test_errors_are_not_equal_answers(tmp_path: Path) -> None:
    assert compared("constant", "constant", tmp_path, margin=60.0, limit=280).equivalent
    for folder in ("constant", "constant-again"):
        path = tmp_path / folder / "records.jsonl"
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        down = [json.dumps(line | {"text": None, "error": "the server is down"}) for line in lines]
        path.write_text("".join(f"{line}\n" for line in down), encoding="utf-8")
    runs = (current(tmp_path / "constant"), current(tmp_path / "constant-again"))
    failed = compare_sides(("a", "b"), runs, 60.0)
    assert (failed.same, failed.same_read, failed.equivalent) == (0, 0, False)
    assert to_json(failed)["equivalent"] is False


@pytest.mark.slow
def test_a_side_answers_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where other runs look for answers that are there
    uncached: list[bool] = []

    def evaluate(spec: Any, *, out: Path, fresh: bool, display: Any) -> Any:
        uncached.append(spec.no_cache)
        return evaluating.evaluate(spec.model, spec.task, out=out, limit=spec.limit, no_cache=spec.no_cache)

    result = parity(
        "constant", "constant,batch_tokens=64", out=Path("reports/parity"), evaluate=evaluate, task="mme", limit=28
    )
    assert uncached == [True, True]
    assert not any(session.reused for run in result.runs for session in run.sessions)


@pytest.mark.slow
def test_likelihoods_are_compared_as_numbers(tmp_path: Path) -> None:
    result = compared("constant", "constant:no", tmp_path, task="mmbench", scoring="likelihood")
    assert (result.same, result.furthest) == (28, 0.0)


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    with serving(lambda body, n: says("no" if n == 3 else "yes")) as server:
        sides = ["constant", f"server:http://u:word@{server.host}/v1#tiny"]
        result = CliRunner().invoke(main, ["parity", *sides, "--task", "mme", "--limit", "28", "--out", str(tmp_path)])
    assert "equal answers: 27 of 28 (96.4%)" in result.output
    assert "B answered 'no', parsed as no" in result.output and "B minus A" in result.output
    assert "word" not in result.output + "".join(str(path) for path in tmp_path.rglob("*"))
    assert json.loads((tmp_path / "parity.json").read_text())["equal_answers"] == 27
    assert result.exit_code == 1
    refused = CliRunner().invoke(main, ["parity", "constant", "constant", "--task", "mme", "--margin", "0"])
    assert refused.exit_code == 2 and "the margin is 0" in refused.output
    several = {"RANK": "0", "WORLD_SIZE": "2"}
    refused = CliRunner().invoke(main, ["parity", "constant", "constant:no", "--task", "mme"], env=several)
    assert refused.exit_code == 2 and "parity compares in one process" in refused.output
