"""The page's gallery of demonstrations: add one, change one, remove one."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from mmeval.demo.rendering import demonstrations
from mmeval.demo.visits import Demo, Visit
from mmeval.types import Image, InputError, images

if TYPE_CHECKING:
    from pathlib import Path

    import gradio

NEW = -1
"""The choice that adds a demonstration."""


def place(demo: Demo, state: gradio.State, pictures: gradio.HTML) -> gradio.Dropdown:
    """Place the form, which changes the pictures of the gallery. Return its choice; `shown` fills both."""
    import gradio

    with gradio.Accordion("Add or change demonstrations", open=False), gradio.Row():
        picture = gradio.Image(type="filepath", label="picture", height=170, buttons=[], sources=["upload"])
        with gradio.Column():
            choice = gradio.Dropdown([("a new one", NEW)], value=NEW, label="demonstration", filterable=False)
            question_box, answer_box = gradio.Textbox(label="question"), gradio.Textbox(label="answer")
            with gradio.Row():
                save = gradio.Button("Save", size="sm", min_width=80)
                remove = gradio.Button("Remove", size="sm", min_width=80)

    def change(visit: Visit | None, at: int, path: str | None, question: str, text: str) -> tuple[Any, ...]:
        visit = visit or Visit()
        try:
            save_shot(demo, visit, at, path, question.strip(), text.strip())
        except InputError as error:
            gradio.Warning(html.escape(str(error)))  # it shows HTML, and the message may name an upload
            return visit, gradio.skip(), gradio.skip(), path, text
        return visit, *shown(visit), None, ""

    def drop(visit: Visit | None, at: int) -> tuple[Any, ...]:
        visit = visit or Visit()
        if not 0 <= at < len(visit.shots):
            gradio.Warning("choose the demonstration to remove")
        else:
            del visit.shots[at]
        return visit, *shown(visit)

    def fill(visit: Visit | None, at: int) -> tuple[Any, ...]:
        if visit is None or not 0 <= at < len(visit.shots):
            return gradio.skip(), ""
        shot = visit.shots[at]
        return " ".join(part for part in shot.prompt if isinstance(part, str)), shot.answer

    save.click(
        change, [state, choice, picture, question_box, answer_box], [state, pictures, choice, picture, answer_box]
    )
    remove.click(drop, [state, choice], [state, pictures, choice])
    choice.input(fill, [state, choice], [question_box, answer_box])
    return choice


def shown(visit: Visit) -> tuple[str, gradio.Dropdown]:
    """Return a visit's demonstrations as the page shows them, and the choice among them."""
    import gradio

    named = [(f"{number + 1}: {shot.answer}", number) for number, shot in enumerate(visit.shots)]
    return demonstrations(visit), gradio.Dropdown([("a new one", NEW), *named], value=NEW)


def save_shot(demo: Demo, visit: Visit, at: int, upload: str | None, question: str, answer: str) -> None:
    """Add a demonstration, or change the one at a place; without an upload it keeps its picture. Raises InputError."""
    at = at if 0 <= at < len(visit.shots) else len(visit.shots)
    before = [picture for shot in visit.shots[at : at + 1] for picture in images(shot.prompt)]
    pictures: list[Image | Path] = [*before] if upload is None else [visit.keep(upload)]
    if not pictures or not answer:
        raise InputError("a demonstration is a picture and an answer; add both")
    visit.shots[at : at + 1] = [demo.first.demonstration(*pictures, question, answer=answer)]
