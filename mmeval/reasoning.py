"""Separate a model's reasoning from its answer, in time linear in the text."""

import re

_WORD = r"(?:seed:)?think(?:ing)?|thoughts?|reasoning"
_LIMIT = re.compile(
    rf"<(?P<close>/)?(?:{_WORD})>|◁(?P<kimi>/)?think▷|\[(?P<mistral>/)?THINK\]"
    r"|<\|(?:begin|(?P<end>end))_of_(?:thought|reasoning)\|>|<\|(?:START|(?P<stop>END))_THINKING\|>"
    r"|<\|channel\|>(?:analysis|commentary|(?P<final>final))<\|message\|>",
    re.IGNORECASE,
)
"""Tags of reasoning: DeepSeek, Qwen, GLM, others; Seed; Kimi; Magistral; Sky-T1; Command A; gpt-oss."""


def split(text: str) -> tuple[str, str]:
    """Return the reasoning in a text and the answer without it.

    The chat template may have written the opening tag, so all text before an unmatched closing tag is reasoning.
    Reasoning that is not closed leaves no answer.
    """
    answer: list[str] = []
    thoughts: list[str] = []
    start, inside = 0, False
    for limit in _LIMIT.finditer(text):
        part, start = text[start : limit.start()], limit.end()
        closes = limit.lastgroup is not None
        if closes and not inside:
            thoughts += answer
            answer.clear()
        (thoughts if inside or closes else answer).append(part)
        inside = not closes
    if inside:
        thoughts += answer
        answer.clear()
    (thoughts if inside else answer).append(text[start:])
    return "\n".join(filter(None, map(str.strip, thoughts))), "".join(answer).strip()


def tagged(text: str) -> bool:
    """Return whether a text has a tag of reasoning, which may be empty: models that were told not to think write so."""
    return _LIMIT.search(text) is not None


def open_tag(text: str) -> str:
    """Return the reasoning tag that a text leaves open, or an empty text."""
    limits = list(_LIMIT.finditer(text))
    return limits[-1][0] if limits and limits[-1].lastgroup is None else ""
