"""Streamed answers of chat models: in pieces, equal to whole answers, without the reasoning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.models.chat.model import ChatModel
from mmeval.types import Generation, Image, Request, Response
from tests.models import chat_zoo as zoo
from tests.models.test_chat import opened, scripted, thinker

ASKED = Request("r", (Image(PILImage.new("RGB", (60, 40), "red")), "Is it red?"))
FACTS = ("id", "text", "reasoning", "finish_reason", "input_tokens", "output_tokens", "sent", "error")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ChatModel:
    return opened(zoo.save("qwen2_vl", tmp_path_factory.mktemp("qwen2_vl")))


def streamed(model: ChatModel, generation: Generation) -> tuple[Response, list[str]]:
    pieces: list[str] = []
    return model.stream(ASKED, generation, pieces.append), pieces


def facts(response: Response) -> list[Any]:
    return [getattr(response, name) for name in FACTS]


def streamed_and_whole(
    model: ChatModel, monkeypatch: pytest.MonkeyPatch, text: str, generation: Generation
) -> tuple[Response, list[str]]:
    """Let the model write a text, streamed and whole; both must be the same response."""
    with monkeypatch.context() as patch:
        scripted(model, patch, text)
        response, pieces = streamed(model, generation)
    with monkeypatch.context() as patch:
        scripted(model, patch, text)
        (generated,) = model.generate([ASKED], generation)
    assert facts(response) == facts(generated)
    return response, pieces


def test_each_token_is_a_piece(model: ChatModel, monkeypatch: pytest.MonkeyPatch) -> None:
    response, pieces = streamed_and_whole(model, monkeypatch, " a grün 猫.", Generation(40))  # each byte is a token
    assert response.text == "a grün 猫." and response.finish_reason == "stop"
    assert pieces == ["a", " g", "r", "ü", "n", " 猫", "."]
    response, pieces = streamed_and_whole(model, monkeypatch, "a long answer", Generation(6))
    assert (response.text, "".join(pieces), response.finish_reason) == ("a long", "a long", "length")


def test_what_the_model_says_by_itself(model: ChatModel) -> None:
    for generation in (Generation(12), Generation(12, temperature=1.0, seed=3)):
        response, pieces = streamed(model, generation)
        (generated,) = model.generate([ASKED], generation)
        assert facts(response) == facts(generated)
        assert "".join(pieces) == response.text


def test_beams_and_samples_are_shown_whole(model: ChatModel) -> None:
    for generation in (Generation(6, beams=2), Generation(6, temperature=1.0, samples=2)):
        response, pieces = streamed(model, generation)
        (generated,) = model.generate([ASKED], generation)
        assert facts(response) == facts(generated) and pieces == [response.text]


def test_reasoning_is_not_shown(model: ChatModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    generation = Generation(8, thinking_tokens=80)
    response, pieces = streamed_and_whole(model, monkeypatch, "<think>a cat</think>\nno <b", generation)
    assert (response.text, response.reasoning, "".join(pieces)) == ("no <b", "a cat", "no <b")
    opening = thinker(tmp_path)  # its template opens the reasoning
    response, pieces = streamed_and_whole(opening, monkeypatch, "a cat</think>yes", generation)
    assert (response.text, response.reasoning, pieces) == ("yes", "a cat", ["y", "e", "s"])
    response, pieces = streamed_and_whole(opening, monkeypatch, "a cat that sits", Generation(5, thinking_tokens=10))
    assert (response.text, pieces) == ("", [])


def test_an_error_is_an_error(model: ChatModel) -> None:
    broken = Request("bad", (Image(b"no picture", "broken.png"), "Is it red?"))
    pieces: list[str] = []
    response = model.stream(broken, Generation(4), pieces.append)
    assert "broken.png" in str(response.error) and pieces == []
