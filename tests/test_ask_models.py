"""Asking, watching and the demo with chat models and servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as PILImage

from mmeval import conversation
from mmeval.demo.visits import Demo, Visit
from mmeval.types import Image
from tests.mic.mic_folders import clip
from tests.models import chat_zoo as zoo
from tests.models.fake_server import Server, serving
from tests.tasks.small_folders import call


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"chat:{zoo.save('qwen2_vl', tmp_path_factory.mktemp('qwen2_vl'))}"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as fake:
        yield fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    PILImage.new("RGB", (40, 40), "red").save(tmp_path / "a.png")
    return tmp_path


def turns(folder: Path) -> str:
    return f"{folder / 'a.png'} red ?\nwhy ?\n"


def test_a_chat_model_is_asked(chat_model: str, folder: Path) -> None:
    result = call("ask", "--model", chat_model, folder / "a.png", "red ?", "--explain", "--max-new-tokens", 3)
    assert result.exit_code == 0, result.output
    assert "red ?" in result.stdout and "tokens in" in result.stdout
    options = ("--choices", "yes,no", "--control", "grey,absent", "--shot", f"{folder / 'a.png'}=yes")
    chosen = call("ask", "--model", chat_model, folder / "a.png", "red ?", *options)
    lines = chosen.stdout.splitlines()
    assert lines[0] in ("yes", "no")
    assert [line.partition(":")[0] for line in lines[3:]] == ["grey", "absent"]
    assert all("% as asked)" in line for line in lines[3:])
    result = call(
        "ask", "--model", chat_model, "--chat", "--max-new-tokens", 2, stdin=f"{folder / 'a.png'} red ?\nwhy ?\n"
    )
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 2


def test_a_server_is_asked_in_turns(server: Server, folder: Path) -> None:
    result = call(
        "ask", "--model", server.model, "--chat", "--control", "absent", stdin=f"{folder / 'a.png'} red ?\nwhy ?\n"
    )
    assert result.stdout.splitlines() == ["yes", "absent: yes (the same answer)"] * 2
    roles = [message["role"] for message in server.asked[2]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert "image_url" in json.dumps(server.asked[2]) and "image_url" not in json.dumps(server.asked[3])


@pytest.mark.parametrize("kind", ["chat", "server"])
def test_they_watch(kind: str, chat_model: str, server: Server, folder: Path) -> None:
    pytest.importorskip("av")
    clip(folder / "a.mp4", seconds=4)
    model = server.model if kind == "server" else chat_model
    options = ("--on", "0", "--off", "0") if kind == "chat" else ()
    result = call("watch", folder / "a.mp4", "is it bright ?", "--model", model, "--frames", 2, *options)
    assert result.exit_code == 0, result.output
    (event,) = map(json.loads, result.stdout.splitlines())
    assert (event["change"], event["time"], event["seen"]) == ("begins", 0.0, 1.0)


def test_they_stand_side_by_side(chat_model: str, server: Server) -> None:
    names = {"chat": chat_model, "server": server.model}
    demo = Demo({name: conversation.chat(model, max_new_tokens=3) for name, model in names.items()})
    visit = Visit()
    answers = demo.ask(visit, (Image(PILImage.new("RGB", (40, 40), "red")), "red ?"))
    assert answers["server"].text == "yes" and not answers["chat"].refused
    assert set(demo.without_pictures(visit)) == {"chat", "server"}
