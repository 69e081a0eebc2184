"""The demo: what a visitor sends and is shown, two visitors apart, and the page itself in a browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image as PILImage

from mmeval import conversation
from mmeval.conversation import Chat
from mmeval.demo import Demo, Visit, parts_of
from mmeval.embedded.examples import DemoExample, examples
from mmeval.types import Image, InputError, Request, images
from tests.fake_model import FakeModel


def color(request: Request) -> str:
    red, green, blue = images(request.prompt)[-1].decode().getpixel((4, 4))  # type: ignore[misc]
    return "grey" if red == green == blue else "red" if red > blue else "blue"


@pytest.fixture
def red(tmp_path: Path) -> Path:
    PILImage.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    return tmp_path / "red.png"


def test_two_models_answer_and_each_remembers_its_own(red: Path) -> None:
    one, other = FakeModel(color), FakeModel(lambda request: f"answer {len(request.shots)}")
    demo, visit = Demo({"one": Chat(one), "other": Chat(other)}), Visit()
    assert demo.ask(visit, [red, "what color ?"]) == {"one": "red", "other": "answer 0"}
    demo.ask(visit, [red, "and now ?"])
    assert [shot.answer for shot in one.asked[-1].shots] == ["red"]
    assert [shot.answer for shot in other.asked[-1].shots] == ["answer 0"]


def test_nothing_of_one_visitor_is_seen_by_another(red: Path) -> None:
    model = FakeModel(color)
    demo = Demo({"one": Chat(model)})
    first, second = Visit(), Visit()
    first.shots.append(Chat(model).demonstration("secret", answer="s"))
    demo.ask(first, [red, "a secret ?"])
    demo.ask(second, [red, "what color ?"])
    assert model.asked[-1].shots == ()
    assert demo.prompt(second).count("secret") == 0


def test_a_refusal_is_an_answer_and_the_page_stays_up(red: Path) -> None:
    demo, visit = Demo({"one": Chat(FakeModel(color, max_images=2))}), Visit()
    refused = demo.ask(visit, [red] * 60 + ["what ?"])["one"]
    assert refused == "⚠ 60 pictures are to be shown and fake takes 2; show fewer, or begin anew"
    assert demo.ask(visit, [red, "what color ?"])["one"] == "red"


def test_the_visual_gain_of_the_last_answer(red: Path) -> None:
    demo, visit = Demo({"one": Chat(FakeModel(color))}), Visit()
    assert demo.without_pictures(visit) == "Ask about a picture first."
    demo.ask(visit, [red, "what color ?"])
    assert demo.without_pictures(visit).splitlines() == [
        "With the picture: red",
        "With grey in its place: grey",
        "The picture changes the answer.",
    ]


@pytest.mark.slow
def test_the_shipped_weights_answer_every_example_right() -> None:
    chat = conversation.chat("mmicl-tiny")
    for example in examples():
        visit = Visit(shots=list(example.shots))
        answers = Demo({"mmicl-tiny": chat}).ask(
            visit, [part for part in example.prompt if isinstance(part, (str, Image))]
        )
        assert answers == {"mmicl-tiny": example.answer}, example.title


@pytest.mark.filterwarnings("default")  # gradio has warnings of its own
def test_the_page_in_a_browser() -> None:
    pytest.importorskip("gradio", reason="the demo needs gradio")
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium")
    from mmeval.demo import build

    example = DemoExample("An example", (Image(PILImage.new("RGB", (8, 8), "red")), "what color ?"), "red")
    page = build(Demo({"one": Chat(FakeModel(color))}), ["one"], [example])
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    try:
        with playwright.sync_playwright() as driver:
            window = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
            asked: list[str] = []
            window.on("request", lambda request: asked.append(request.url))
            window.goto(address)
            window.click("button:has-text('An example')")
            window.wait_for_selector(".bot:has-text('red')", timeout=20_000)
            assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    finally:
        page.close()
