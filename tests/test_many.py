"""Many questions as JSON Lines: batches, concurrency, order, errors, controls, pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.conversation import Chat, many
from mmeval.types import Generation, InputError, Request, Response
from tests.fake_model import FakeModel
from tests.models.fake_server import Reply, says, serving
from tests.tasks.small_folders import call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    PILImage.new("RGB", (24, 24), "red").save(tmp_path / "a.png")
    return tmp_path


def answered(model: FakeModel, rows: list[dict[str, Any]], folder: Path, *controls: str) -> list[dict[str, Any]]:
    located = [(row, f"line {number}") for number, row in enumerate(rows, 1)]
    return list(many.answers(Chat(model), located, folder, explain=False, controls=controls))


def test_many_questions_in_and_out(pictures: Path) -> None:
    rows = [
        {"id": 1, "prompt": [{"image": "a.png"}, "red ?"], "shots": [{"prompt": "blue ?", "answer": "no"}]},
        {"id": 2, "prompt": [{"image": "gone.png"}, "red ?"]},
        {"prompt": "red ?", "choices": ["yes", "no"]},
    ]
    path = pictures / "many.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = call("ask", "--model", "constant:red", "--jsonl", path)
    assert result.exit_code == 1  # one of them has no answer
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert first == {"id": 1, "answer": "red"}
    assert second["id"] == 2 and second["error"].startswith(f"{path}, line 2: {pictures}/gone.png: no such file")
    assert third["probabilities"] == {"yes": 0.5, "no": 0.5}


def test_a_misspelled_key_is_an_error_of_its_line(pictures: Path) -> None:
    first, second = answered(FakeModel(), [{"prompt": "red ?", "choises": ["yes"]}, {"prompt": "red ?"}], pictures)
    advice = "(did you mean 'choices'?); choose from id, prompt, shots, choices"
    assert first == {"error": f"line 1: unknown key 'choises' {advice}"}
    assert "error" not in second


def test_many_questions_with_controls_and_prompts(pictures: Path) -> None:
    path = pictures / "many.jsonl"
    path.write_text(json.dumps({"prompt": [{"image": "a.png"}, "red ?"], "choices": ["yes", "no"]}), encoding="utf-8")
    result = call("ask", "--model", "mmicl-tiny", "--jsonl", path, "--control", "grey", "--explain")
    row = json.loads(result.stdout)
    assert sum(row["controls"]["grey"]["probabilities"].values()) == pytest.approx(1)
    assert row["prompt"].endswith("red ?") or "red ?" in row["prompt"]
    assert row["input_tokens"] > 0


def test_many_questions_of_a_server(pictures: Path) -> None:
    def behave(body: dict[str, Any], number: int) -> Reply:
        return says("red") if "red" in json.dumps(body) else Reply({"error": {"message": "too long"}}, status=400)

    path = pictures / "many.jsonl"
    rows = [{"id": 1, "prompt": [{"image": "a.png"}, "red ?"]}, {"id": 2, "prompt": "blue ?"}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with serving(behave) as server:
        result = call("ask", "--model", server.model, "--jsonl", path)
    first, second = map(json.loads, result.stdout.splitlines())
    assert (result.exit_code, first) == (1, {"id": 1, "answer": "red"})
    assert "too long" in second["error"]


class Backwards(FakeModel):
    """Reads all requests of a stream, then answers the last one first."""

    streams: int = 0

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        self.streams += 1
        yield from reversed(list(super().generate(requests, generation)))


def test_rows_keep_their_order_and_share_a_stream(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Backwards(lambda request: str(request.prompt[-1]))
    rows: list[dict[str, Any]] = [{"prompt": f"question {number}"} for number in range(9)]
    rows[4] = {"id": "x", "prompt": "which ?", "choices": ["red", "blue"]}
    rows[7] = {"id": "gone", "prompt": [{"image": "gone.png"}, "what ?"]}
    answers = answered(model, rows, pictures)
    assert answers[4]["answer"] == "red" and answers[7]["error"].startswith("line 8: ")
    assert [row["answer"] for index, row in enumerate(answers) if index not in (4, 7)] == [
        f"question {number}" for number in range(9) if number not in (4, 7)
    ]
    assert model.streams == 1
    monkeypatch.setattr(many, "WINDOW", 2)
    assert answered(model, rows, pictures) == answers


def test_pictures_are_opened_as_the_model_reads(pictures: Path) -> None:
    rows = [{"prompt": [{"image": "a.png"}, "red ?"]}] * 20
    located = ((row, "line") for row in rows)
    answers = many.answers(Chat(FakeModel()), located, pictures, explain=False, controls=())
    assert next(answers) == {"answer": "yes"}
    (pictures / "a.png").unlink()
    assert [row.keys() for row in answers] == [{"error"}] * 19


def test_a_server_is_asked_several_questions_at_once(pictures: Path) -> None:
    def behave(body: dict[str, Any], number: int) -> Reply:
        server.done.wait(0.05)
        return says(body["messages"][0]["content"])

    stdin = "".join(json.dumps({"id": n, "prompt": f"question {n}"}) + "\n" for n in range(12))
    with serving(behave) as server:
        result = call("ask", "--model", server.model, "--jsonl", "-", stdin=stdin)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows == [{"id": n, "answer": f"question {n}"} for n in range(12)]
    assert server.most > 3


def test_a_pipe_is_read(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures)
    line = json.dumps({"prompt": [{"image": "a.png"}, "red ?"]})
    result = call("ask", "--model", "constant:red", "--jsonl", "-", stdin=f"{line}\n\n{line}")
    assert result.stdout == '{"answer": "red"}\n' * 2
    result = call("ask", "--model", "no-such-model", "--jsonl", "-", stdin=f"{line}\nred ?\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "standard input, line 2: not a JSON object" in result.stderr
    assert "standard input: has no questions" in call("ask", "--jsonl", "-").stderr


@pytest.mark.parametrize("options", ["--jsonl -", "--chat"])
def test_a_closed_standard_input_is_reported(options: str) -> None:
    command = f"exec '{sys.executable}' -m mmeval ask --model constant {options} <&-"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("mmeval: standard input is closed")


class Failing(FakeModel):
    """Answers two requests, then something that was not asked, or nothing more, or raises."""

    how: str = ""

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        for number, response in enumerate(super().generate(requests, generation)):
            if number == 2 and self.how == "raises":
                raise InputError("the server does not reply")
            if number == 2 and self.how == "ends":
                return
            yield Response("other", text="yes") if number == 2 else response


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("raises", "the server does not reply"),
        ("ends", "fake gives no answer; fix the adapter"),
        ("other", "fake answers 'other', which was not asked; fix the adapter"),
    ],
)
def test_a_model_that_fails_leaves_no_line_without_a_row(how: str, error: str, pictures: Path) -> None:
    model = Failing()
    model.how = how
    answers = answered(model, [{"prompt": "a ?"}] * 5, pictures)
    assert answers[:2] == [{"answer": "yes"}] * 2
    assert all(error in row["error"] for row in answers[2:]) and len(answers) == 5
    under = answered(model, [{"prompt": [{"image": "a.png"}, "a ?"]}] * 2, pictures, "grey")
    assert under[0] == {"answer": "yes", "controls": {"grey": {"answer": "yes"}}}
    assert error in under[1]["error"]
