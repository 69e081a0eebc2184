"""The demo's page: conversations side by side, examples, demonstrations, the prompt behind each answer.

Needs gradio (the extra `demo`). The answers come from `visits`.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.demo.visits import Demo, Visit, VisitorAnswer
from mmeval.embedded.examples import DemoExample
from mmeval.messages import MARK, marked_parts
from mmeval.types import Image, InputError, Parts, images

if TYPE_CHECKING:
    import gradio

LARGEST = "20mb"
"""Maximum size of an upload."""
KEPT = 24 * 3600
"""Seconds after which an upload is deleted; all are deleted at the end."""
THUMBNAIL = 160
"""Pixels of a picture's longer side in a message."""
STYLE = """
footer { display: none !important }
.gradio-container { max-width: min(1100px, 100vw) !important; margin: 0 auto !important }
.shown { display: flex; flex-wrap: wrap; gap: 8px; max-width: 540px }
.shown figure { margin: 0; text-align: center; font-size: 12px; opacity: .9 }
.shown img { display: block; width: auto; height: 88px; margin: 0 0 2px; border-radius: 6px }
.shown p { flex-basis: 100%; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.message-wrap { padding-top: 32px !important }
.message pre, .message code { white-space: pre-wrap !important; overflow-wrap: anywhere }
.gain th, .gain td { border-color: color-mix(in srgb, currentColor 20%, transparent) !important; padding: 6px 10px }
.gain td:first-child { white-space: nowrap }
.gain table { width: 100% }
"""
SHOWN = 200
"""Maximum characters shown of a message that cannot be sent."""
INTRODUCTION = (
    "Send pictures, videos and words in any order. Pictures are numbered through the conversation, demonstrations "
    "first: image 0, image 1, …"
)
Message = dict[str, Any]


def serve(demo: Demo, names: Sequence[str], examples: Sequence[DemoExample], *, host: str, port: int) -> None:
    """Serve the page until stopped, then delete the uploads. Raises InputError without a free port."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with tempfile.TemporaryDirectory(prefix="mmeval-demo-") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        page = build(demo, names, examples)
        try:
            page.launch(
                server_name=host, server_port=port, max_file_size=LARGEST, show_error=True, css=STYLE, quiet=True
            )
        except OSError as error:
            raise InputError(f"--port {port}: the port is not available ({error}); choose another") from error


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
                    windows.append(gradio.Chatbot(label=name, height=460, buttons=[], feedback_options=None))
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
        look.click(lambda visit: _gain(demo, visit or Visit()), state, gain)
    return page


def _demonstrations(demo: Demo, state: gradio.State) -> gradio.Gallery:
    """Place the gallery of demonstrations and its controls."""
    import gradio

    with gradio.Accordion("Demonstrations: shown before every question", open=False):
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
        if path is None or not text.strip():
            raise gradio.Error("a demonstration is a picture and an answer")
        try:
            visit.shots.append(demo.first.demonstration(Path(path), question.strip(), answer=text.strip()))
        except InputError as error:
            raise gradio.Error(str(error)) from error
        return visit, _gallery(visit), None, ""

    def remove_shot(visit: Visit | None) -> tuple[Any, ...]:
        visit = visit or Visit()
        del visit.shots[-1:]
        return visit, _gallery(visit)

    add.click(add_shot, [state, picture, asked, answer], [state, gallery, picture, answer])
    remove.click(remove_shot, state, [state, gallery])
    return gallery


def _send(demo: Demo, names: Sequence[str]) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """Return the handler of a message: it shows the message, then the answers."""

    def send(visit: Visit | None, given: Mapping[str, Any], *windows: list[Message]) -> Iterator[tuple[Any, ...]]:
        visit, text = visit or Visit(), given["text"].strip()
        try:
            prompt = demo.first.prompt(*marked_parts(text, [str(file) for file in given["files"]]))
            said = _said(prompt, visit.pictures)
        except InputError as error:
            refusal = _told(VisitorAnswer(str(error), refused=True))
            yield visit, None, "", *([*window, _said((text[:SHOWN],), 0), *refusal] for window in windows)
            return
        before = [[*window, said] for window in windows]
        yield visit, None, "", *before
        answers = demo.ask(visit, prompt)
        yield visit, None, "", *([*one, *_told(answers[name])] for one, name in zip(before, names, strict=True))

    return send


def _example(demo: Demo, names: Sequence[str], example: DemoExample) -> Callable[[], tuple[Any, ...]]:
    """Return the handler that shows an example in a new conversation."""

    def show() -> tuple[Any, ...]:
        visit = Visit(shots=list(example.shots))
        said = _said(example.prompt, visit.pictures)
        answers = demo.ask(visit, example.prompt)
        return visit, *([said, *_told(answers[name])] for name in names), _gallery(visit), ""

    return show


def _said(prompt: Parts, first: int) -> Message:
    """Return a visitor's message: its words and its pictures, numbered from `first`, in order."""
    import gradio

    pieces = []
    for part in prompt:
        if isinstance(part, Image):
            pieces.append(f'<figure><img alt="image {first}" src="{_thumbnail(part)}">image {first}</figure>')
            first += 1
        elif str(part).strip():
            pieces.append(f"<p>{html.escape(str(part).strip())}</p>")
    return {"role": "user", "content": gradio.HTML(f'<div class="shown">{"".join(pieces)}</div>')}


def _told(answer: VisitorAnswer) -> list[Message]:
    """Return an answer and, collapsed, its prompt."""
    text = f"⚠ {answer.text}" if answer.refused else answer.text or "(an empty answer)"
    told: list[Message] = [{"role": "assistant", "content": _plain(text)}]
    if answer.sent:
        about = {"title": f"the prompt as the model saw it: {answer.facts}", "status": "done"}
        told.append({"role": "assistant", "content": f"```text\n{_fenced(answer.sent)}\n```", "metadata": about})
    return told


def _plain(text: str) -> str:
    """Escape Markdown and HTML in a text."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|~>$" else html.escape(c) for c in text)


def _fenced(text: str) -> str:
    return text.replace("```", "'''")


def _gain(demo: Demo, visit: Visit) -> str:
    """Return a table of the last answers with and without the pictures."""
    found = demo.without_pictures(visit)
    if not found:
        return "Ask about a picture first."
    rows = [
        f"| {_plain(name)} | {_plain(seen)} | {_plain(blind)} | {'the same' if seen == blind else 'changed'} |"
        for name, (seen, blind) in found.items()
    ]
    return "\n".join(["| model | with the pictures | all of them grey | answer |", "|---|---|---|---|", *rows])


def _gallery(visit: Visit) -> list[tuple[Any, str]]:
    return [(image.decode(), shot.answer) for shot in visit.shots for image in images(shot.prompt)]


def _thumbnail(image: Image) -> str:
    """Return a small copy of a picture as a data URI, so nothing is stored on the server."""
    small = image.decode().copy()
    small.thumbnail((THUMBNAIL * 2, THUMBNAIL * 2))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
