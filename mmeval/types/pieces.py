"""Show an answer while it is written. Adapters pass the answer so far; `Pieces` shows the part that is final."""

import re
from collections.abc import Callable

from mmeval.types.models import Response

LONGEST_TAG = 40
"""Characters; no tag of reasoning is longer."""
_TAG = re.compile(r"[<◁\[]\S*\Z")
"""An end that may be the beginning of a tag of reasoning."""


class Pieces:
    """Passes an answer on in pieces as it grows, without the whitespace around it.

    An end that may yet become something else is held back: a half-written tag of reasoning, an incomplete
    character, whitespace.
    """

    def __init__(self, on_text: Callable[[str], object]) -> None:
        self._on_text, self._shown = on_text, ""

    def grow(self, answer: str) -> None:
        """Show what is new in an answer that is not finished."""
        tag = _TAG.search(answer, max(0, len(answer) - LONGEST_TAG))
        certain = answer[: tag.start()] if tag else answer
        self._show(certain.rstrip("\ufffd").strip())

    def end(self, response: Response) -> Response:
        """Show the rest of the answer, and return the response.

        If what was shown is not the answer, the answer follows on a new line. This happens if a model ends reasoning
        whose beginning it did not mark.
        """
        answer = (response.text or "").strip()
        if response.error is None and not answer.startswith(self._shown):
            self._on_text("\n")
            self._shown = ""
        self._show(answer)
        return response

    def _show(self, answer: str) -> None:
        if answer.startswith(self._shown) and answer != self._shown:
            self._on_text(answer[len(self._shown) :])
            self._shown = answer
