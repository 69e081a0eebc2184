"""The demo: a visitor's input and output, two visitors kept apart, and the page in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval import conversation
from mmeval.conversation import Chat
from mmeval.demo.visits import Demo, Visit
from mmeval.embedded.examples import PREPARED, SHOWN, DemoExample, examples
from mmeval.types import Image, Request, Shot, images
from tests.fake_model import FakeModel
from tests.mic.mic_folders import clip


def color(request: Request) -> str:
    red, green, blue = images(request.prompt)[-1].decode().getpixel((4, 4))  # type: ignore[misc]
    return "grey" if red == green == blue else "red" if red > blue else "blue"


@pytest.fixture
def red() -> Image:
    return Image(PILImage.new("RGB", (8, 8), "red"))


def said(answers: dict[str, Any]) -> dict[str, str]:
    return {name: answer.text for name, answer in answers.items()}


def test_two_models_answer_and_each_remembers_its_own(red: Image) -> None:
    one, other = FakeModel(color), FakeModel(lambda request: f"answer {len(request.shots)}")
    demo, visit = Demo({"one": Chat(one), "other": Chat(other)}), Visit()
    answers = demo.ask(visit, (red, "what color ?"))
    assert said(answers) == {"one": "red", "other": "answer 0"}
    assert "what color ?" in answers["one"].sent
    demo.ask(visit, (red, "and now ?"))
    assert [shot.answer for shot in one.asked[-1].shots] == ["red"]
    assert [shot.answer for shot in other.asked[-1].shots] == ["answer 0"]
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
    assert said(demo.ask(visit, (red, "what color ?"))) == {"one": "red"}


def test_the_visual_gain_of_the_last_answer(red: Image) -> None:
    demo, visit = Demo({"one": Chat(FakeModel(color)), "two": Chat(FakeModel())}), Visit()
    assert demo.without_pictures(visit) == {}
    demo.ask(visit, (red, "what color ?"))
    assert demo.without_pictures(visit) == {"one": ("red", "grey"), "two": ("yes", "yes")}
    assert [shot.answer for shot in visit.history["one"]] == ["red"]


@pytest.mark.slow
def test_the_examples_shown_are_those_that_the_shipped_weights_answer_right() -> None:
    demo = Demo({"mmicl-tiny": conversation.chat("mmicl-tiny")})
    right = [
        example.title
        for example in examples(tuple(PREPARED))
        if said(demo.ask(Visit(shots=list(example.shots)), example.prompt)) == {"mmicl-tiny": example.answer}
    ]
    assert right == [*SHOWN], "name these in SHOWN of mmeval/embedded/examples.py"


@pytest.fixture
def window() -> Iterator[Any]:
    """Yield what opens the page for a visitor of its own."""
    pytest.importorskip("gradio", reason="the demo needs gradio")
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium")
    from mmeval.demo.page import STYLE, build

    example = DemoExample("An example", (Image(PILImage.new("RGB", (8, 8), "red")), "what color ?"), "red")
    names = ["one", "two"]
    demo = Demo({"one": Chat(FakeModel(color)), "two": Chat(FakeModel(color, max_images=1), frames=1)})
    page = build(demo, names, [example])
    _, address, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", css=STYLE, show_error=True
    )
    asked: list[str] = []
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])

        def visit(width: int = 1400) -> Any:
            tab = chromium.new_context(viewport={"width": width, "height": 900}).new_page()
            tab.on("request", lambda request: asked.append(request.url))
            tab.goto(address)
            tab.wait_for_selector("button:has-text('An example')")
            return tab

        yield visit
        chromium.close()
    page.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def send(tab: Any, text: str, *files: Path) -> None:
    if files:
        tab.locator("input[type=file]").first.set_input_files([str(file) for file in files])
        tab.wait_for_selector("button[aria-label*='Remove'], .thumbnail-item", timeout=20_000)
    tab.locator("textarea").first.fill(text)
    tab.locator("textarea").first.press("Enter")


def answered(tab: Any, text: str) -> None:
    tab.wait_for_selector(f".bot:has-text('{text}')", timeout=20_000)


@pytest.mark.filterwarnings("default")  # gradio has warnings of its own
def test_an_example_its_prompt_and_its_gain(window: Any) -> None:
    for width in (400, 1400):
        tab = window(width)
        tab.click("button:has-text('An example')")
        answered(tab, "red")
        assert tab.locator("img[alt='image 0']").count() == 2  # in both windows
        tab.get_by_text("the prompt as the model saw it").first.click()
        tab.wait_for_selector("code:has-text('what color ?')", timeout=20_000)
        tab.click("button:has-text('What changes without')")
        tab.wait_for_selector("td:has-text('changed')", timeout=20_000)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.filterwarnings("default")
def test_a_demonstration_without_a_picture_is_told_and_nothing_breaks(window: Any) -> None:
    tab = window()
    tab.click("button:has-text('Demonstrations')")
    tab.get_by_label("answer").fill("a horse")
    tab.click("button:has-text('Add')")
    tab.wait_for_selector("text=a demonstration is a picture and an answer", timeout=20_000)
    assert tab.locator(".error").count() == 0
    assert tab.get_by_label("answer").input_value() == "a horse"


@pytest.mark.filterwarnings("default")
def test_uploads_and_two_visitors(window: Any, tmp_path: Path) -> None:
    PILImage.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    clip(tmp_path / "clip.mp4", seconds=1)
    first, second = window(), window()
    send(first, "what color <b>is</b> it ?", tmp_path / "blue.png")
    answered(first, "blue")
    assert first.locator(".user b").count() == 0  # words are no markup
    assert second.locator(".bot").count() == 0
    send(second, "what is it ?", tmp_path / "broken.png")
    answered(second, "not a picture that can be read")
    assert "blue" not in second.locator("body").inner_text()
    send(second, "what happens ?", tmp_path / "clip.mp4")
    answered(second, "grey")
    send(second, "word " * 1000)
    answered(second, "the maximum is 4,000")
    second.click("button:has-text('New conversation')")
    second.wait_for_selector(".bot", state="detached", timeout=20_000)
    assert first.locator(".bot").count() > 0
