"""The demo's page: conversations side by side, examples, demonstrations, the prompt behind each answer.

Needs gradio (the extra `demo`). The answers come from `visits`.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmeval.conversation.messages import MARK, marked_parts
from mmeval.demo import gallery
from mmeval.demo.rendering import Message, answer_messages, gain_table, visitor_message
from mmeval.demo.visits import Demo, Visit, VisitorAnswer
from mmeval.embedded.examples import DemoExample
from mmeval.types import InputError

if TYPE_CHECKING:
    import gradio

LARGEST = "20mb"
"""Maximum size of an upload."""
UNSENT, IDLE = 3600, 24 * 3600
"""Seconds after which an upload that was not sent is deleted, and a conversation without a new question."""
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
    "Send pictures, videos and words. Pictures are numbered through the conversation, demonstrations "
    f"first: image 0, image 1, … They come before the words, or wherever you write `{MARK}`."
)


def serve(demo: Demo, names: Sequence[str], examples: Sequence[DemoExample], *, host: str, port: int) -> None:
    """Serve the page until stopped, then delete the uploads. Raises InputError without a free port."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # else it is ignored, as under nohup
            signal.signal(number, signal.default_int_handler)  # as Ctrl+C does: without it, uploads would stay
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

    with gradio.Blocks(title="mmeval", analytics_enabled=False, delete_cache=(UNSENT // 6, UNSENT)) as page:
        state = gradio.State(time_to_live=IDLE, delete_callback=_close)
        gradio.Markdown(f"## Ask {' and '.join(names)}\n{INTRODUCTION}")
        with gradio.Row():
            starts = [(gradio.Button(example.title, size="sm", min_width=140), example) for example in examples]
        pictures = gradio.HTML()
        with gradio.Row():
            windows = []
            for name in names:
                with gradio.Column(min_width=320):
                    windows.append(_window(name, labeled=len(names) > 1))
        message = gradio.MultimodalTextbox(
            file_count="multiple", file_types=["image", "video"], label="question", show_label=False,
            placeholder="Write a question",
        )  # fmt: skip
        with gradio.Row():
            look = gradio.Button("What changes without the pictures?", size="sm", min_width=140)
            new = gradio.Button("New conversation", size="sm", min_width=140)
        gain = gradio.Markdown(elem_classes="gain")
        chosen = gallery.place(demo, state, pictures)

        outputs = [state, *windows, pictures, chosen, gain]
        for button, example in starts:
            button.click(_example(demo, names, example), state, outputs)
        message.submit(_send(demo, names), [state, message, *windows], [state, message, gain, *windows])
        for begun in (new.click, *(window.clear for window in windows)):
            begun(_begin(names), state, outputs)
        look.click(lambda visit: gain_table(demo, visit or Visit()), state, gain)
    return page


def _close(visit: Visit | None) -> None:
    """End a visit."""
    if visit is not None:
        visit.close()


def _window(name: str, *, labeled: bool) -> gradio.Chatbot:
    """Place a model's conversation."""
    import gradio

    hint = '<div class="hint">Choose an example above, or write a question below.</div>'
    return gradio.Chatbot(
        label=name, show_label=labeled, height=460, buttons=[], feedback_options=None, placeholder=hint
    )


def _begin(names: Sequence[str]) -> Callable[..., tuple[Any, ...]]:
    """Return the handler that begins a new conversation."""

    def begin(visit: Visit | None) -> tuple[Any, ...]:
        _close(visit)
        return None, *([] for _ in names), *gallery.shown(Visit()), ""

    return begin


def _send(demo: Demo, names: Sequence[str]) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """Return the handler of a message: it shows the message, then the answers as they are written."""

    import gradio

    def send(visit: Visit | None, submitted: Mapping[str, Any], *windows: list[Message]) -> Iterator[tuple[Any, ...]]:
        visit, text = visit or Visit(), submitted["text"].strip()
        try:
            prompt = demo.first.prompt(*marked_parts(text, [visit.keep(file) for file in submitted["files"]]))
            message = visitor_message(prompt, visit.pictures)
        except InputError as error:
            refusal = answer_messages(VisitorAnswer(str(error), refused=True))
            shown = visitor_message((text if len(text) <= SHOWN else f"{text[:SHOWN]} …",), 0)
            # the message stays in its box, to be changed
            yield visit, gradio.skip(), "", *([*window, shown, *refusal] for window in windows)
            return
        before = [[*window, message] for window in windows]
        yield visit, None, "", *before
        for answers in demo.stream(visit, prompt):  # meanwhile the visitor may write the next message
            yield visit, gradio.skip(), gradio.skip(), *_with_answers(before, names, answers)

    return send


def _with_answers(
    before: Sequence[list[Message]], names: Sequence[str], answers: Mapping[str, VisitorAnswer]
) -> Iterator[list[Message]]:
    """Yield each model's conversation with its answer added, if it has begun one."""
    for window, name in zip(before, names, strict=True):
        yield [*window, *(answer_messages(answers[name]) if name in answers else ())]


def _example(demo: Demo, names: Sequence[str], example: DemoExample) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """Return the handler that shows an example in a new conversation."""

    import gradio

    def show(before: Visit | None) -> Iterator[tuple[Any, ...]]:
        _close(before)
        visit = Visit(shots=list(example.shots))
        conversations = [[visitor_message(example.prompt, visit.pictures)] for _ in names]
        unchanged = (*gallery.shown(visit), "")
        yield visit, *conversations, *unchanged
        for answers in demo.stream(visit, example.prompt):
            yield visit, *_with_answers(conversations, names, answers), *(gradio.skip() for _ in unchanged)

    return show
