"""The demo: a visitor's input and output, two visitors kept apart, and the page in a browser."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval import conversation
from mmeval.conversation import Chat
from mmeval.demo.gallery import NEW, save_shot
from mmeval.demo.rendering import answer_messages
from mmeval.demo.visits import Demo, Visit
from mmeval.embedded.examples import examples
from mmeval.types import Image, InputError, Request, Shot
from tests.chromium import PROGRAM, Browser, chromium
from tests.fake_model import FakeModel, StreamingFake, color
from tests.mic.mic_folders import clip

ROOT = Path(__file__).parents[1]


def has_gradio(python: Path) -> bool:
    """Tell whether an interpreter can serve the page."""
    return python.is_file() and subprocess.run([python, "-c", "import gradio"], capture_output=True).returncode == 0


@pytest.fixture
def red() -> Image:
    return Image(PILImage.new("RGB", (8, 8), "red"))


def texts(answers: dict[str, Any]) -> dict[str, str]:
    return {name: answer.text for name, answer in answers.items()}


def test_two_models_answer_and_each_remembers_its_own(red: Image) -> None:
    color_model, counting_model = FakeModel(color), FakeModel(lambda request: f"answer {len(request.shots)}")
    demo, visit = Demo({"one": Chat(color_model), "other": Chat(counting_model)}), Visit()
    answers = demo.ask(visit, (red, "what color ?"))
    assert texts(answers) == {"one": "red", "other": "answer 0"}
    assert "what color ?" in answers["one"].sent
    demo.ask(visit, (red, "and now ?"))
    assert [shot.answer for shot in color_model.asked[-1].shots] == ["red"]
    assert [shot.answer for shot in counting_model.asked[-1].shots] == ["answer 0"]
    assert visit.pictures == 2


def test_nothing_of_one_visitor_is_seen_by_another(red: Image) -> None:
    model = FakeModel(color)
    demo = Demo({"one": Chat(model)})
    first, second = Visit(), Visit()
    first.shots.append(Shot(("a secret",), "s"))
    demo.ask(first, (red, "a secret ?"))
    demo.ask(second, (red, "what color ?"))
    assert model.asked[-1].shots == ()


def test_a_refusal_is_an_answer_and_the_page_stays_up(red: Image) -> None:
    demo, visit = Demo({"one": Chat(FakeModel(color, max_images=2))}), Visit()
    refused = demo.ask(visit, (*[red] * 60, "what ?"))["one"]
    assert refused.refused
    assert refused.text == "fake takes 2 pictures and the prompt has 60; show fewer, or start a new conversation"
    assert demo.without_pictures(visit) == {}
    assert texts(demo.ask(visit, (red, "what color ?"))) == {"one": "red"}


def test_answers_are_shown_as_they_are_written(red: Image) -> None:
    shown = threading.Event()
    streaming = StreamingFake(lambda request: "one two", wait=lambda: shown.wait(10))
    broken = StreamingFake(lambda request: "one two", breaks_after=1)
    demo, visit = Demo({"one": Chat(streaming), "whole": Chat(FakeModel(color)), "broken": Chat(broken)}), Visit()
    answers = demo.stream(visit, (red, "what color ?"))
    assert texts(next(answers)) == {"one": "one"}
    assert visit.history["one"] == []
    shown.set()
    *_, last = answers
    assert texts(last) == {"one": "one two", "whole": "red", "broken": "the answer broke off"}
    assert (last["broken"].begun, last["broken"].refused) == ("one", True)
    assert [message["content"] for message in answer_messages(last["broken"])] == ["one", "⚠ the answer broke off"]
    assert {name: len(turns) for name, turns in visit.history.items()} == {"one": 1, "whole": 1, "broken": 0}


def test_the_visual_gain_of_the_last_answer(red: Image) -> None:
    demo, visit = Demo({"one": Chat(FakeModel(color)), "two": Chat(FakeModel())}), Visit()
    assert demo.without_pictures(visit) == {}
    demo.ask(visit, (red, "what color ?"))
    assert demo.without_pictures(visit) == {"one": ("red", "grey"), "two": ("yes", "yes")}
    assert [shot.answer for shot in visit.history["one"]] == ["red"]


def test_the_visual_gain_is_never_that_of_an_earlier_question(red: Image) -> None:
    """An example was chosen, or a question sent, before or while the gray pictures were asked about."""
    demo, visit = Demo({"one": Chat(FakeModel(color))}), Visit()
    demo.ask(visit, (red, "what color ?"))

    def busy(request: Request) -> str:
        demo.ask(visit, (red, "what ?"))
        return color(request)

    meanwhile = Demo({"one": Chat(FakeModel(busy))})
    assert meanwhile.without_pictures(visit) == {}
    assert demo.without_pictures(visit) == {"one": ("red", "grey")}
    visit.close()  # as an example does, before its own answer
    assert demo.without_pictures(visit) == {}


@pytest.mark.slow
def test_the_shipped_weights_answer_every_example_right() -> None:
    demo = Demo({"mmicl-tiny": conversation.chat("mmicl-tiny")})
    for example in examples():
        answers = texts(demo.ask(Visit(shots=list(example.shots)), example.prompt))
        assert answers == {"mmicl-tiny": example.answer}, example.title


MODELS = """
import time
from tests.fake_model import FakeModel, StreamingFake, color

def one(options=None):
    return FakeModel(color)

def slowly(request):
    slow = "slowly" in str(request.prompt)
    return color(request) + " , then nothing" * slow

def two(options=None):
    return StreamingFake(slowly, max_images=1, name="two", wait=lambda: time.sleep(1))
"""
PYTHON = next((path for path in (ROOT / ".venv-demo/bin/python", Path(sys.executable)) if has_gradio(path)), None)
READY = "[...document.querySelectorAll('button')].some(one => one.innerText === 'A short clip')"


@dataclass
class Page:
    """The page as `mmeval demo` serves it."""

    process: subprocess.Popen[bytes]
    address: str
    folder: Path
    """Where the server stores temporary files."""

    def uploads(self) -> list[str]:
        """Return the names of the files that visitors sent."""
        return sorted(path.name for path in self.folder.glob("mmeval-visit-*/*/*"))


@contextlib.contextmanager
def served(home: Path) -> Iterator[Page]:
    """Serve the page with a folder as its home."""
    if PYTHON is None:
        pytest.skip("the demo needs gradio; run `make demo` once")
    (home / "demo_models.py").write_text(MODELS)
    (folder := home / "temporary").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PYTHON), "-m", "mmeval", "demo", "--port", str(port), "--frames", "1"]
    command += ["--model", "python:demo_models:one", "--model", "python:demo_models:two"]
    # gradio then keeps a closed visit for a second, not an hour
    environment = {**os.environ, "PYTHONPATH": f"{home}:{ROOT}", "TMPDIR": str(folder), "GRADIO_IS_E2E_TEST": "1"}
    with (
        (home / "errors").open("w") as errors,
        subprocess.Popen(command, stderr=errors, env=environment, cwd=home) as process,
    ):
        began = time.monotonic()
        while True:
            assert process.poll() is None and time.monotonic() - began < 120, "the page is not served"
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield Page(process, f"http://127.0.0.1:{port}/", folder)
        process.kill()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(tmp_path_factory.mktemp("demo")) as page:
        yield page


@pytest.fixture
def tab(page: Page, tmp_path: Path) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("no chromium")
    with chromium(tmp_path / "profile") as tab:
        tab.size(1400)
        tab.visit(page.address, READY)
        yield tab
        assert [url for url in tab.loaded if not url.startswith((page.address, "data:", "blob:", "about:"))] == []


def click(tab: Browser, text: str, within: str = "button") -> None:
    """Click the innermost element that begins with a text."""
    element = f"[...document.querySelectorAll('{within}')].findLast(one => one.innerText?.trim().startsWith('{text}'))"
    tab.until(element)
    tab.run(f"{element}.click()")


def send(tab: Browser, text: str, *files: Path) -> None:
    if files:
        tab.until("document.querySelector('input[type=file]')")
        tab.attach("input[type=file]", *files)
        tab.until("document.querySelector('.thumbnail-item, .thumbnails')")
    tab.write("textarea", text)
    tab.press("Enter")


def answered(tab: Browser, text: str) -> None:
    tab.until(f"[...document.querySelectorAll('.bot')].some(one => one.innerText.includes({text!r}))")


def unsent(tab: Browser, text: str) -> None:
    """Check that a refused message is still in its box, and empty the box."""
    assert tab.run("document.querySelector('textarea').value") == text
    tab.run("document.querySelectorAll('.thumbnail-item .delete-button').forEach(one => one.click())")
    tab.until("document.querySelectorAll('.thumbnail-item').length === 0")
    tab.run("document.querySelector('textarea').select()")


def count(tab: Browser, selector: str) -> int:
    return int(tab.run(f"document.querySelectorAll({selector!r}).length"))


@pytest.mark.slow
def test_an_example_its_prompt_and_its_gain(page: Page, tab: Browser) -> None:
    for width, dark in ((400, True), (1400, False)):
        tab.size(width, dark=dark)
        tab.visit(page.address, READY)
        click(tab, "A short clip")
        answered(tab, "takes 1 picture and the prompt has 3")  # the other model
        tab.until("document.querySelectorAll('img[alt=\"image 2\"]').length === 2")  # in both windows
        click(tab, "the prompt as the model saw it", within=".bot *")
        tab.until("[...document.querySelectorAll('code')].some(one => one.innerText.includes('yellow heart'))")
        click(tab, "What changes without")
        tab.until("[...document.querySelectorAll('td')].some(one => one.innerText === 'changed')")
        assert tab.run("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_the_next_message_is_written_while_an_answer_is(tab: Browser, tmp_path: Path) -> None:
    PILImage.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    send(tab, "slowly: what color ?", tmp_path / "blue.png")
    answered(tab, "blue , then")  # of "blue , then nothing"
    tab.write("textarea", "and now")
    answered(tab, "nothing")
    assert tab.run("document.querySelector('textarea').value") == "and now"


@pytest.mark.slow
def test_demonstrations_are_added_changed_and_removed(tab: Browser, tmp_path: Path) -> None:
    PILImage.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    click(tab, "Add or change demonstrations")
    label = "[...document.querySelectorAll('label')].find(one => one.innerText.trim() === 'answer')"
    field = f"{label}.querySelector('textarea, input')"
    tab.until(label)
    tab.run(f"{field}.focus()")
    tab.call("Input.insertText", text="a horse")
    click(tab, "Save")
    tab.until("document.body.innerText.includes('a demonstration is a picture and an answer')")
    assert tab.run(f"{field}.value") == "a horse"
    tab.run("document.querySelectorAll('input[type=file]')[1].id = 'demonstration'")
    tab.attach("#demonstration", tmp_path / "blue.png")
    tab.until("document.querySelector('#demonstration') === null")  # the picture is in its place
    click(tab, "Save")
    tab.until("[...document.querySelectorAll('figure')].some(one => one.innerText.trim() === 'image 0: a horse')")
    click(tab, "Remove")
    tab.until("document.body.innerText.includes('choose the demonstration to remove')")


@pytest.mark.slow
def test_the_demonstrations_of_an_example_are_seen(tab: Browser) -> None:
    click(tab, "A new word")
    tab.until("[...document.querySelectorAll('figure')].some(one => one.innerText.trim().startsWith('image 0: '))")
    assert tab.run("document.querySelector('figure').checkVisibility()")  # not folded away
    assert "MultimodalTextbox" not in tab.run("document.body.innerText")  # the name of a field for a screen reader


@pytest.mark.slow
def test_uploads_two_visitors_and_what_is_left_of_them(page: Page, tab: Browser, tmp_path: Path) -> None:
    PILImage.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    clip(tmp_path / "clip.mp4", seconds=1)
    second_tab = tab.another()
    second_tab.visit(page.address, READY)
    send(tab, "what color <b>is</b> it ?", tmp_path / "blue.png")
    answered(tab, "blue")
    assert count(tab, ".user b") == 0  # words are no markup
    assert count(second_tab, ".bot") == 0
    send(second_tab, "what is it ?", tmp_path / "broken.png")
    answered(second_tab, "not a picture in a known format")
    assert "blue" not in second_tab.run("document.body.innerText")
    unsent(second_tab, "what is it ?")
    send(second_tab, "what happens ?", tmp_path / "clip.mp4")
    answered(second_tab, "red")
    send(second_tab, "word " * 1000)
    answered(second_tab, "the maximum is 4,000")
    unsent(second_tab, "word " * 1000)
    assert page.uploads() == ["blue.png", "broken.png", "clip.mp4"]
    click(second_tab, "New conversation")
    second_tab.until("document.querySelectorAll('.bot').length === 0")
    assert page.uploads() == ["blue.png"]
    assert count(tab, ".bot") > 0
    tab.visit(page.address, READY)  # leaves the conversation
    began = time.monotonic()
    while page.uploads():
        assert time.monotonic() - began < 30, "uploads outlive their visit"
        time.sleep(0.1)


@pytest.mark.slow
def test_uploads_are_deleted_when_the_demo_is_terminated(tmp_path: Path) -> None:
    PILImage.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    if PROGRAM is None:
        pytest.skip("no chromium")
    with served(tmp_path) as page, chromium(tmp_path / "profile") as tab:
        tab.visit(page.address, READY)
        send(tab, "what color ?", tmp_path / "blue.png")
        answered(tab, "blue")
        assert page.uploads() == ["blue.png"]
        page.process.terminate()
        assert page.process.wait(30) == 0
    assert list(page.folder.iterdir()) == []


@pytest.mark.slow
def test_a_demonstration_is_changed_in_place(red: Image, tmp_path: Path) -> None:
    PILImage.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    demo, visit = Demo({"one": Chat(FakeModel(color))}), Visit()
    visit.shots += [Shot((red, "what ?"), "red"), Shot((red, "and this ?"), "also red")]
    save_shot(demo, visit, 0, None, "what color ?", "crimson")
    save_shot(demo, visit, 1, str(tmp_path / "blue.png"), "and this ?", "blue")
    save_shot(demo, visit, NEW, str(tmp_path / "blue.png"), "", "blue again")
    assert [(*shot.prompt[1:], shot.answer) for shot in visit.shots] == [
        ("what color ?", "crimson"), ("and this ?", "blue"), ("", "blue again"),
    ]  # fmt: skip
    assert visit.shots[0].prompt[0] is red
    with pytest.raises(InputError, match="a demonstration is a picture and an answer"):
        save_shot(demo, visit, NEW, None, "what ?", "blue")
    with pytest.raises(InputError, match=r"gone\.png: cannot be kept"):
        save_shot(demo, visit, NEW, str(tmp_path / "gone.png"), "what ?", "blue")
