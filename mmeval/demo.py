"""A page to talk with one or two models: pictures and words mixed, demonstrations, videos, the prompt behind an answer.

Needs gradio (the extra `demo`). What an answer is made of is `conversation`'s.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from mmeval.conversation import Chat
from mmeval.embedded.examples import DemoExample
from mmeval.types import Image, InputError, Request, Shot, images

if TYPE_CHECKING:
    import gradio

    from mmeval.conversation import Given

LARGEST = "20mb"
"""Size of an upload at most."""
LONGEST = 4000
"""Characters of a message at most."""
MARK = "<image>"
"""Where a picture stands in a message; pictures without a mark stand before it."""
STYLE = """
footer { display: none !important }
.prompt textarea { font-family: ui-monospace, monospace }
"""


@dataclass
class Visit:
    """What one visitor said and was told, for each model; nobody else sees it."""

    history: dict[str, list[Shot]] = field(default_factory=dict)
    shots: list[Shot] = field(default_factory=list)
    last: Request | None = None
    """The last question, as it was put to the first model."""


class Demo:
    """The page's behaviour, without its looks: each handler takes what a visitor sent and returns what is shown."""

    def __init__(self, chats: Mapping[str, Chat]) -> None:
        """Take a conversation with each model, as it begins; the models answer one visitor at a time."""
        self._chats = dict(chats)
        self._lock = Lock()

    def ask(self, visit: Visit, parts: Sequence[Given]) -> dict[str, str]:
        """Ask every model, and return the answers by model; a refusal stands in the place of an answer."""
        answers: dict[str, str] = {}
        for name, first in self._chats.items():
            chat = replace(first, shots=[*first.shots, *visit.shots], history=visit.history.setdefault(name, []))
            try:
                request = chat.request(*parts)
                visit.last = request if not answers else visit.last
                with self._lock:
                    answers[name] = chat.ask(*parts).text
            except InputError as error:
                answers[name] = f"⚠ {error}"
        return answers

    def prompt(self, visit: Visit) -> str:
        """Return the last question as the first model saw it."""
        if visit.last is None:
            return ""
        response = self._first.model.preview(visit.last)
        return response.error or f"{response.sent}\n\n[{response.input_tokens:,} tokens]"

    def without_pictures(self, visit: Visit) -> str:
        """Ask the first model the last question again with grey pictures, and say what that changes."""
        if visit.last is None or not images(visit.last.prompt):
            return "Ask about a picture first."
        name = next(iter(self._chats))
        seen = visit.history[name][-1].answer if visit.history.get(name) else ""
        with self._lock:
            response = next(iter(self._first.model.generate([grey(visit.last)], self._first.generation)))
        blind = response.error or (response.text or "").strip()
        verdict = "The picture changes the answer." if blind != seen else "The answer is the same without the picture."
        return f"With the picture: {seen}\nWith grey in its place: {blind}\n{verdict}"

    @property
    def _first(self) -> Chat:
        return next(iter(self._chats.values()))


def grey(request: Request) -> Request:
    """Return a request in which every picture of the question is grey; demonstrations stay as they are."""
    from PIL import Image as PILImage

    def blank(image: Image) -> Image:
        return Image(PILImage.new("RGB", image.decode().size, (128, 128, 128)), "grey")

    return replace(request, prompt=tuple(blank(part) if isinstance(part, Image) else part for part in request.prompt))


def parts_of(text: str, paths: Sequence[str]) -> list[Given]:
    """Return a message's parts: pictures where its marks are, the others before it. Raises InputError."""
    if len(text) > LONGEST:
        raise InputError(f"the message has {len(text):,} characters; write {LONGEST:,} at most")
    waiting: list[Path] = [Path(path) for path in paths]
    pieces = text.split(MARK)
    if len(pieces) - 1 > len(waiting):
        raise InputError(f"the message has {len(pieces) - 1} marks {MARK} and {len(waiting)} pictures; add pictures")
    before = len(waiting) - (len(pieces) - 1)
    found: list[Given] = [*waiting[:before]]
    for number, piece in enumerate(pieces):
        found += waiting[before + number - 1 : before + number] if number else []
        found += [piece.strip()] if piece.strip() else []
    return found


def serve(chats: Mapping[str, Chat], examples: Sequence[DemoExample], *, host: str, port: int) -> None:
    """Serve the page until it is stopped; uploads are deleted then. Raises InputError without gradio or a free port."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with tempfile.TemporaryDirectory(prefix="mmeval-demo-") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        page = build(Demo(chats), list(chats), examples)
        try:
            page.launch(
                server_name=host, server_port=port, max_file_size=LARGEST, show_error=True, css=STYLE, quiet=True
            )
        except OSError as error:
            raise InputError(f"--port {port}: cannot be had ({error}); name another") from error


def build(demo: Demo, names: Sequence[str], examples: Sequence[DemoExample]) -> gradio.Blocks:
    """Return the page. Raises InputError where gradio is not installed."""
    try:
        import gradio
    except ImportError as error:
        raise InputError("the demo needs gradio; pip install 'mmeval-harness[demo]'") from error

    with gradio.Blocks(title="mmeval", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        state = gradio.State()
        gradio.Markdown(f"## {' and '.join(names)}\nSend pictures and words; call them image 0, image 1, … in order.")
        with gradio.Row():
            windows = []
            for name in names:
                with gradio.Column(min_width=320):
                    windows.append(gradio.Chatbot(label=name, height=440, buttons=["copy"]))
        message = gradio.MultimodalTextbox(
            file_count="multiple", file_types=["image", "video"], show_label=False,
            placeholder=f"Write a question; {MARK} says where a picture stands",
        )  # fmt: skip
        with gradio.Row():
            starts = [(gradio.Button(example.title, size="sm", min_width=140), example) for example in examples]
            new = gradio.Button("New conversation", size="sm", min_width=140)
        with gradio.Accordion("Demonstrations", open=False):
            gallery = gradio.Gallery(label="shown before every question", columns=6, height=160, object_fit="contain")
            with gradio.Row():
                picture = gradio.Image(type="filepath", label="picture", height=160)
                with gradio.Column():
                    asked, answer = gradio.Textbox(label="question"), gradio.Textbox(label="answer")
                    with gradio.Row():
                        add, remove = gradio.Button("Add"), gradio.Button("Remove the last")
        with gradio.Accordion("Behind the answer", open=False):
            sent = gradio.Textbox(label="the prompt as the model saw it", lines=6, elem_classes="prompt")
            gain = gradio.Textbox(label="visual gain", lines=3)
            look = gradio.Button("Ask again without the picture")

        def send(visit: Visit | None, given: Mapping[str, Any], *shown: list[Any]) -> Iterator[tuple[Any, ...]]:
            visit = visit or Visit()
            files, text = [str(file) for file in given["files"]], given["text"].strip()
            said = [*({"role": "user", "content": {"path": file}} for file in files)]
            said += [{"role": "user", "content": text}] if text else []
            before = [[*window, *said] for window in shown]
            yield visit, None, *before
            try:
                answers = demo.ask(visit, parts_of(text, files))
            except InputError as error:
                answers = dict.fromkeys(names, f"⚠ {error}")
            yield visit, None, *_answered(before, answers)

        def add_shot(visit: Visit | None, path: str | None, question: str, text: str) -> tuple[Any, ...]:
            visit = visit or Visit()
            if path is None or not text.strip():
                raise gradio.Error("a demonstration is a picture and an answer")
            try:
                chat = Chat(demo._first.model)
                visit.shots.append(chat.demonstration(Path(path), question.strip(), answer=text.strip()))
            except InputError as error:
                raise gradio.Error(str(error)) from error
            return visit, _gallery(visit), None, ""

        def remove_shot(visit: Visit | None) -> tuple[Any, ...]:
            visit = visit or Visit()
            del visit.shots[-1:]
            return visit, _gallery(visit)

        for button, example in starts:
            button.click(_example(demo, example), windows, [state, *windows, gallery, sent])
        message.submit(send, [state, message, *windows], [state, message, *windows]).then(
            lambda visit: demo.prompt(visit or Visit()), state, sent
        )
        new.click(lambda: (None, *([] for _ in names), [], "", ""), None, [state, *windows, gallery, sent, gain])
        add.click(add_shot, [state, picture, asked, answer], [state, gallery, picture, answer])
        remove.click(remove_shot, state, [state, gallery])
        look.click(lambda visit: demo.without_pictures(visit or Visit()), state, gain)
    return page


def _answered(windows: Sequence[list[Any]], answers: Mapping[str, str]) -> list[list[Any]]:
    return [
        [*window, {"role": "assistant", "content": re.sub(r"([<&])", r"\\\1", text)}]
        for window, text in zip(windows, answers.values(), strict=True)
    ]


def _gallery(visit: Visit) -> list[tuple[Any, str]]:
    return [(image.decode(), shot.answer) for shot in visit.shots for image in images(shot.prompt)]


def _example(demo: Demo, example: DemoExample) -> Any:
    """Return what shows an example in a new conversation."""

    def show(*windows: list[Any]) -> tuple[Any, ...]:
        import gradio

        fresh = Visit(shots=list(example.shots))
        said = [
            {"role": "user", "content": gradio.Image(part.decode()) if isinstance(part, Image) else str(part)}
            for part in example.prompt
        ]
        answers = demo.ask(fresh, [part for part in example.prompt if isinstance(part, (str, Image))])
        return fresh, *_answered([list(said) for _ in windows], answers), _gallery(fresh), demo.prompt(fresh)

    return show
