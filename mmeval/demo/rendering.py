"""What the demo shows of a conversation: messages with pictures, answers with their prompts, the effect of pictures."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

from mmeval.demo.visits import Demo, Visit, VisitorAnswer
from mmeval.types import Image, Parts, images

if TYPE_CHECKING:
    from PIL import Image as PILImage

THUMBNAIL = 160
"""Pixels of a picture's longer side in a message."""
EMPTY = "(an empty answer)"
Message = dict[str, Any]


def visitor_message(prompt: Parts, first: int) -> Message:
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


def answer_messages(answer: VisitorAnswer) -> list[Message]:
    """Return an answer and, collapsed, its prompt."""
    text = f"⚠ {answer.text}" if answer.refused else answer.text or EMPTY
    messages: list[Message] = [{"role": "assistant", "content": _plain(text)}]
    if answer.sent:
        about = {"title": f"the prompt as the model saw it: {answer.facts}", "status": "done"}
        messages.append({"role": "assistant", "content": f"```text\n{_fenced(answer.sent)}\n```", "metadata": about})
    return messages


def _plain(text: str) -> str:
    """Escape Markdown and HTML in a text."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|~>$" else html.escape(c) for c in text)


def _fenced(text: str) -> str:
    return text.replace("```", "'''")


def gain_table(demo: Demo, visit: Visit) -> str:
    """Return a table of the last answers with and without the pictures."""
    found = demo.without_pictures(visit)
    if not found:
        return "Ask about a picture first."
    rows = ["| model | with the pictures | all of them grey | answer |", "|---|---|---|---|"]
    for name, (seen, blind) in found.items():
        change = "the same" if seen == blind else "changed"
        rows.append(f"| {_plain(name)} | {_plain(seen or EMPTY)} | {_plain(blind or EMPTY)} | {change} |")
    return "\n".join(rows)


def demonstrations(visit: Visit) -> list[tuple[PILImage.Image, str]]:
    """Return the pictures of a visitor's demonstrations, each with its answer."""
    return [(image.decode(), shot.answer) for shot in visit.shots for image in images(shot.prompt)]


def _thumbnail(image: Image) -> str:
    """Return a small copy of a picture as a data URI, so nothing is stored on the server."""
    small = image.decode().copy()
    small.thumbnail((THUMBNAIL * 2, THUMBNAIL * 2))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
