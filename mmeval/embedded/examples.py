"""Conversations to begin with, drawn by the picture world's test split: what mmicl-tiny is shown to do."""

from __future__ import annotations

from dataclasses import dataclass

from mmeval.types import Parts, Shot


@dataclass(frozen=True)
class DemoExample:
    """Demonstrations, a question, and the answer that is right."""

    title: str
    prompt: Parts
    answer: str
    shots: tuple[Shot, ...] = ()
