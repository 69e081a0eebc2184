"""What the demo shows of a conversation: messages with pictures, answers with their prompts, the effect of pictures."""

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

from mmeval.demo.visits import Demo, Visit, VisitorAnswer
from mmeval.types import Image, Parts, images

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
            pieces.append(_figure(part, f"image {first}"))
            first += 1
        elif str(part).strip():
            pieces.append(f"<p>{html.escape(str(part).strip())}</p>")
    return {"role": "user", "content": gradio.HTML(_block(pieces))}


def answer_messages(answer: VisitorAnswer) -> list[Message]:
    """Return an answer and, collapsed, its prompt."""
    text = f"⚠ {answer.text}" if answer.refused else answer.text or EMPTY
    texts = [answer.begun, text] if answer.begun else [text]
    messages: list[Message] = [{"role": "assistant", "content": _plain(text)} for text in texts]
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
    answers = demo.without_pictures(visit)
    if not answers:
        return "Ask about a picture first, and wait for the answer."
    rows = ["| model | with the pictures | all of them grey | answer |", "|---|---|---|---|"]
    for name, (sighted, blind) in answers.items():
        change = "the same" if sighted == blind else "changed"
        rows.append(f"| {_plain(name)} | {_plain(sighted or EMPTY)} | {_plain(blind or EMPTY)} | {change} |")
    return "\n".join(rows)


def demonstrations(visit: Visit) -> str:
    """Return the demonstrations: each picture with its number and, under the last of a demonstration, its answer."""
    figures, number = [], 0
    for shot in visit.shots:
        pictures = images(shot.prompt)
        for image in pictures:
            answer = f": {shot.answer}" if image is pictures[-1] else ""
            figures.append(_figure(image, f"image {number}{answer}"))
            number += 1
    return _block(["<p>Demonstrations</p>", *figures] if figures else [])


def _block(pieces: Sequence[str]) -> str:
    return f'<div class="shown">{"".join(pieces)}</div>' if pieces else ""


def _figure(image: Image, caption: str) -> str:
    """Return a small copy of a picture as HTML. It is a data URI, so nothing is stored on the server."""
    small = image.decode().copy()
    small.thumbnail((THUMBNAIL * 2, THUMBNAIL * 2))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    source = f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
    escaped = html.escape(caption)
    return f'<figure><img alt="{escaped}" src="{source}">{escaped}</figure>'
