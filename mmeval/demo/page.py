"""The demo's page: conversations side by side, examples, demonstrations, the prompt behind each answer.

Needs gradio (the extra `demo`). The answers come from `visits`.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.demo.rendering import Message, answer_messages, demonstrations, gain_table, visitor_message
from mmeval.demo.visits import Demo, Visit, VisitorAnswer
from mmeval.embedded.examples import DemoExample
from mmeval.messages import MARK, marked_parts
from mmeval.types import InputError

if TYPE_CHECKING:
    import gradio

LARGEST = "20mb"
"""Maximum size of an upload."""
KEPT = 24 * 3600
"""Seconds after which an upload is deleted; all are deleted at the end."""
STYLE = """
footer { display: none !important }
.gradio-container { max-width: min(1100px, 100vw) !important; margin: 0 auto !important }
.shown { max-width: 540px }
.shown figure { display: inline-block; margin: 0 8px 6px 0; text-align: center; font-size: 12px; opacity: .9 }
.shown img { display: block; width: auto; height: 88px; margin: 0 0 2px; border-radius: 6px }
.shown p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.message-wrap { padding-top: 32px !important }
.hint { padding: 0 24px; text-align: center; opacity: .6 }
.message pre, .message code { white-space: pre-wrap !important; overflow-wrap: anywhere }
.gain th, .gain td { border-color: color-mix(in srgb, currentColor 20%, transparent) !important; padding: 6px 8px }
.gain th { overflow-wrap: normal; word-break: normal; font-size: 13px }
.gain td:first-child, .gain td:last-child { white-space: nowrap }
.gain table { width: 100% }
"""
SHOWN = 200
"""Maximum characters shown of a message that cannot be sent."""
INTRODUCTION = (
    "Send pictures, videos and words in any order. Pictures are numbered through the conversation, demonstrations "
    "first: image 0, image 1, …"
)


def serve(demo: Demo, names: Sequence[str], examples: Sequence[DemoExample], *, host: str, port: int) -> None:
    """Serve the page until stopped, then delete the uploads. Raises InputError without a free port."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with tempfile.TemporaryDirectory(prefix="mmeval-demo-") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        page = build(demo, names, examples)
        try:
            page.launch(
                server_name=host, server_port=port, max_file_size=LARGEST, show_error=True, quiet=True,
                css=STYLE, theme=_theme(),
            )  # fmt: skip
        except OSError as error:
            raise InputError(f"--port {port}: the port is not available ({error}); choose another") from error


def _theme() -> gradio.themes.Base:
    """Return gradio's theme with the system's fonts; its own lacks bold letters, so headings mixed two fonts."""
    import gradio

    return gradio.themes.Default(font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace"))


def check_gradio() -> None:
    """Raise InputError if gradio is not installed."""
    if importlib.util.find_spec("gradio") is None:
        raise InputError("the demo needs gradio; run `make demo`, or pip install 'mmeval-harness[demo]'")


def build(demo: Demo, names: Sequence[str], examples: Sequence[DemoExample]) -> gradio.Blocks:
    """Return the page."""
    import gradio

    with gradio.Blocks(title="mmeval", analytics_enabled=False, delete_cache=(3600, KEPT)) as page:
        state = gradio.State()
        gradio.Markdown(f"## Ask {' and '.join(names)}\n{INTRODUCTION}")
        with gradio.Row():
            starts = [(gradio.Button(example.title, size="sm", min_width=140), example) for example in examples]
        with gradio.Row():
            windows = []
            for name in names:
                with gradio.Column(min_width=320):
                    windows.append(_window(name, labeled=len(names) > 1))
        message = gradio.MultimodalTextbox(
            file_count="multiple", file_types=["image", "video"], show_label=False,
            placeholder=f"Write a question; {MARK} marks a picture's place",
        )  # fmt: skip
        with gradio.Row():
            look = gradio.Button("What changes without the pictures?", size="sm", min_width=140)
            new = gradio.Button("New conversation", size="sm", min_width=140)
        gain = gradio.Markdown(elem_classes="gain")
        gallery = _demonstrations(demo, state)

        shown = [state, *windows, gallery, gain]
        for button, example in starts:
            button.click(_example(demo, names, example), None, shown)
        message.submit(_send(demo, names), [state, message, *windows], [state, message, gain, *windows])
        for begun in (new.click, *(window.clear for window in windows)):
            begun(lambda: (None, *([] for _ in names), [], ""), None, shown)
        look.click(lambda visit: gain_table(demo, visit or Visit()), state, gain)
    return page


def _window(name: str, *, labeled: bool) -> gradio.Chatbot:
    """Place a model's conversation."""
    import gradio

    hint = '<div class="hint">Choose an example above, or write a question below.</div>'
    return gradio.Chatbot(
        label=name, show_label=labeled, height=460, buttons=[], feedback_options=None, placeholder=hint
    )


def _demonstrations(demo: Demo, state: gradio.State) -> gradio.Gallery:
    """Place the gallery of demonstrations and its controls."""
    import gradio

    with gradio.Accordion("Demonstrations, shown first", open=False):
        gallery = gradio.Gallery(show_label=False, columns=6, height=170, object_fit="contain", buttons=[])
        with gradio.Row():
            picture = gradio.Image(type="filepath", label="picture", height=170, buttons=[], sources=["upload"])
            with gradio.Column():
                asked, answer = gradio.Textbox(label="question"), gradio.Textbox(label="answer")
                with gradio.Row():
                    add = gradio.Button("Add", size="sm", min_width=80)
                    remove = gradio.Button("Remove the last", size="sm", min_width=80)

    def add_shot(visit: Visit | None, path: str | None, question: str, text: str) -> tuple[Any, ...]:
        visit = visit or Visit()
        try:
            if path is None or not text.strip():
                raise InputError("a demonstration is a picture and an answer; add both")
            visit.shots.append(demo.first.demonstration(Path(path), question.strip(), answer=text.strip()))
        except InputError as error:
            gradio.Warning(str(error))
            return visit, demonstrations(visit), path, text
        return visit, demonstrations(visit), None, ""

    def remove_shot(visit: Visit | None) -> tuple[Any, ...]:
        visit = visit or Visit()
        del visit.shots[-1:]
        return visit, demonstrations(visit)

    add.click(add_shot, [state, picture, asked, answer], [state, gallery, picture, answer])
    remove.click(remove_shot, state, [state, gallery])
    return gallery


def _send(demo: Demo, names: Sequence[str]) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """Return the handler of a message: it shows the message, then the answers."""

    def send(visit: Visit | None, given: Mapping[str, Any], *windows: list[Message]) -> Iterator[tuple[Any, ...]]:
        visit, text = visit or Visit(), given["text"].strip()
        try:
            prompt = demo.first.prompt(*marked_parts(text, [str(file) for file in given["files"]]))
            said = visitor_message(prompt, visit.pictures)
        except InputError as error:
            refusal = answer_messages(VisitorAnswer(str(error), refused=True))
            yield visit, None, "", *([*window, visitor_message((text[:SHOWN],), 0), *refusal] for window in windows)
            return
        before = [[*window, said] for window in windows]
        yield visit, None, "", *before
        answers = demo.ask(visit, prompt)
        told = ([*one, *answer_messages(answers[name])] for one, name in zip(before, names, strict=True))
        yield visit, None, "", *told

    return send


def _example(demo: Demo, names: Sequence[str], example: DemoExample) -> Callable[[], tuple[Any, ...]]:
    """Return the handler that shows an example in a new conversation."""

    def show() -> tuple[Any, ...]:
        visit = Visit(shots=list(example.shots))
        said = visitor_message(example.prompt, visit.pictures)
        answers = demo.ask(visit, example.prompt)
        return visit, *([said, *answer_messages(answers[name])] for name in names), demonstrations(visit), ""

    return show
