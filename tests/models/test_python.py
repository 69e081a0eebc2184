"""A user's adapter in one file: the worked example of docs/adapters.md, and errors in adapters."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mmeval.cli import main
from mmeval.models import find_model, load_model
from mmeval.models.conformance import check
from mmeval.types import Generation, InputError, Request, StreamingModel

DOCUMENT = Path(__file__).parents[2] / "docs" / "adapters.md"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "middle", None)
    del sys.modules["middle"]
    return tmp_path


def test_a_digest_runs_no_code_of_the_package(project: Path) -> None:
    (project / "middle").mkdir()
    (project / "middle" / "__init__.py").write_text("raise SystemExit('this ran')")
    (project / "middle" / "deep.py").write_text("def load(options): pass\n")
    paths = [*sys.path]
    model = find_model("python:middle.deep:load")
    assert len(model.digest) == 64 and sys.path == paths
    (project / "middle" / "__init__.py").write_text("def (:\n")
    with pytest.raises(InputError, match=r"deep\.py: cannot be imported \(invalid syntax"):
        load_model(model)
    with pytest.raises(InputError, match=r"no module 'middle\.other'"):
        find_model("python:middle.other:load").digest  # noqa: B018


@pytest.mark.slow
def test_the_worked_example_runs_and_keeps_the_contract(project: Path) -> None:
    code, _ = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    (project / "middle.py").write_text(code)
    findings = list(check(load_model("python:middle:load")))
    assert [finding for finding in findings if finding.level == "FAILED"] == []
    assert any("no loglikelihood" in finding.detail for finding in findings)
    result = CliRunner().invoke(
        main, ["run", "--task", "mme", "--model", "python:middle:load", "--limit", "30", "--out", "run", "--json"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["answered"] == 30
    result = CliRunner().invoke(
        main, ["run", "--task", "mmbench", "--model", "python:middle:load", "--scoring", "likelihood", "--out", "other"]
    )
    assert result.exit_code == 2
    assert "has no loglikelihood" in result.output


def test_the_example_streams(project: Path) -> None:
    (project / "middle.py").write_text("".join(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)))
    model = load_model("python:middle:load")
    assert isinstance(model, StreamingModel)
    (finding,) = check(model, ["a streamed answer is the answer"])
    assert finding.level == "passed", finding
    pieces: list[str] = []
    model.stream(Request("r", ("red ?",)), Generation(4), pieces.append)
    assert pieces == ["n", "o"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("on_text('ye')\n        return whole", "the pieces .'ye'. do not make up the answer 'yes'"),
        ("return Response(request.id, text='no')", "streamed: 'no', whole: 'yes'"),
    ],
)
def test_a_stream_that_is_not_the_answer_is_reported(project: Path, code: str, message: str) -> None:
    (project / "middle.py").write_text(
        "from mmeval.models.constant import Constant\n"
        "from mmeval.types import Response\n"
        "class Bad(Constant):\n"
        "    def stream(self, request, generation, on_text):\n"
        f"        (whole,) = self.generate([request], generation)\n        {code}\n"
        "def load(options): return Bad('yes')\n"
    )
    (finding,) = check(load_model("python:middle:load"), ["a streamed answer is the answer"])
    assert finding.level == "FAILED" and re.search(message, finding.detail)


def test_another_file_is_another_model(project: Path) -> None:
    (project / "middle.py").write_text("def load(options): return None")
    first = find_model("python:middle:load").digest
    (project / "middle.py").write_text("def load(options): return 1")
    assert find_model("python:middle:load").digest != first


@pytest.mark.parametrize(
    ("code", "spec", "message"),
    [
        ("", "middle", "names no function; write python:package.module:function"),
        ("", "nowhere:load", "no module 'nowhere'"),
        ("def lead(options): ...", "middle:load", "no function 'load' \\(did you mean 'lead'"),
        ("def load(): ...", "middle:load", "is called with the ModelOptions .too many"),
        ("import not_there", "middle:load", "cannot be imported"),
        ("def load(options): return 1", "middle:load", "returns has no name, max_images, generate, preview"),
        (
            "class M: name, max_images, generate, preview = 'm', '3', print, print\ndef load(options): return M()",
            "middle:load",
            "max_images is '3'; give a whole number, or None for any number",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(project: Path, code: str, spec: str, message: str) -> None:
    (project / "middle.py").write_text(code)
    with pytest.raises(InputError, match=message):
        load_model(f"python:{spec}")


def test_a_model_that_breaks_its_duties_is_reported(project: Path) -> None:
    (project / "middle.py").write_text(
        "from mmeval.types import Response\n"
        "class Bad:\n"
        "    name, max_images = 'bad', None\n"
        "    def preview(self, request): return Response(request.id)\n"
        "    def generate(self, requests, generation):\n"
        "        for request in list(requests)[:1]: yield Response(request.id, text='x' * len(str(request)))\n"
        "def load(options): return Bad()\n"
    )
    result = CliRunner().invoke(main, ["models", "check", "python:middle:load"])
    assert result.exit_code == 1
    assert "FAILED  each request gets one answer" in result.output
    assert "reads more than 2,048 requests" in result.output


ADAPTER = """
from mmeval.types import Response
class Bad:
    name, max_images = 'bad', None
    def preview(self, request): return Response(request.id)
    def generate(self, requests, generation):
        for request in requests: yield from {}
def load(options): return Bad()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("responses", "message"),
    [
        ("[Response('9', text='a')]", "bad: it answered '9', which was not asked"),
        ("[Response(request.id, text='a')] * 2", "or answered it twice"),
        ("[Response(request.id, text=5)]", "bad: its response, text: Input should be a valid string, not 5"),
        ("[Response(request.id, text='a', seconds='x')]", "bad: its response, seconds: "),
        ("[None]", "bad: it answered with None, which is not an mmeval.types.Response"),
        ("[request]", "which is not an mmeval.types.Response"),
        ("[Response(request.id)]", "bad: its answer to 'existence/0000.png#1' has neither text nor error"),
        ("[Response(request.id, loglikelihoods=(-1.0,))]", "has neither text nor error"),
        ("[Response(request.id, text='a', samples=('a', 'b'))]", "has 2 of 1 samples"),
        ("[Response(request.id, text='a', input_tokens=10**30)]", "has input_tokens 1e+30"),
        ("[Response(request.id, text='a', input_tokens=-(10**400))]", "has input_tokens -1e+300"),
        ("[Response(request.id, text='a', output_tokens=-1)]", "has output_tokens -1"),
        ("[Response(request.id, text='a', seconds=float('nan'))]", "has seconds nan"),
        ("[Response(request.id, error='')]", "has an error without a text"),
        ("()", "it gave no answer to 4 requests, such as 'existence/0000.png#1'"),
    ],
)
def test_a_run_ends_with_a_sentence_where_an_adapter_answers_amiss(project: Path, responses: str, message: str) -> None:
    (project / "middle.py").write_text(ADAPTER.format(responses))
    command = ["run", "--task", "mme", "--model", "python:middle:load", "--limit", "3", "--out", "run"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert message in result.output and "fix the adapter" in result.output


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return None", "bad: it returns None, which yields no responses; fix the adapter"),
        ("raise SystemExit(0)", "this code failed; fix it and repeat the command"),
        ("next(iter(()))", "this code failed; fix it and repeat the command"),
    ],
)
def test_an_adapter_that_answers_nothing_is_reported(project: Path, body: str, message: str) -> None:
    code = ADAPTER.format("()") + (
        "class Silent(Bad):\n"
        f"    def generate(self, requests, generation): {body}\n"
        "def load(options): return Silent()\n"
    )
    (project / "middle.py").write_text(code)
    result = CliRunner().invoke(main, ["run", "--task", "mme", "--model", "python:middle:load", "--out", "run"])
    assert result.exit_code == 2
    assert message in result.output and "this is a bug" not in result.output


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ("Response(request.id, text='A')", "has likelihoods of 0 of 4 candidates"),
        ("Response(request.id, loglikelihoods=(-1.0,))", "has likelihoods of 1 of 4 candidates"),
    ],
)
def test_each_candidate_has_a_likelihood(project: Path, response: str, message: str) -> None:
    code = ADAPTER.format("()") + (
        "class Compares(Bad):\n"
        "    def loglikelihood(self, requests):\n"
        f"        return ({response} for request in requests)\n"
        "def load(options): return Compares()\n"
    )
    (project / "middle.py").write_text(code)
    command = ["run", "--task", "mmbench", "--scoring", "likelihood", "--model", "python:middle:load", "--limit", "3"]
    result = CliRunner().invoke(main, [*command, "--out", "run"])
    assert result.exit_code == 2
    assert message in result.output and "fix the adapter" in result.output


def test_an_error_in_an_adapter_is_reported_with_its_line(project: Path) -> None:
    code, _ = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    loop = "for request in requests:"
    line = code[: code.index(loop)].count("\n") + 1
    (project / "middle.py").write_text(code.replace(loop, "for request in 1 / 0:", 1))
    result = CliRunner().invoke(main, ["run", "--task", "mme", "--model", "python:middle:load", "--out", "run"])
    assert result.exit_code == 2
    assert "ZeroDivisionError: division by zero" in result.output
    advice = "this code failed; fix it and repeat the command; answers are kept"
    assert result.output.endswith(f"mmeval: {project / 'middle.py'}, line {line}: {advice}\n")


def test_options_that_an_adapter_does_not_take_are_refused() -> None:
    result = CliRunner().invoke(main, ["run", "--task", "mme", "--model", "constant", "--temperature", "0.5"])
    assert result.exit_code == 2
    assert "the adapter 'constant' takes no --temperature" in result.output
