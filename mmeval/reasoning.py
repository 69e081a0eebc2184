"""Tell what a model thought aloud from its answer.

Everything here takes time in proportion to the text.
"""

import re

_WORD = r"(?:seed:)?think(?:ing)?|thoughts?|reasoning"
_LIMIT = re.compile(
    rf"<(?P<close>/)?(?:{_WORD})>|◁(?P<kimi>/)?think▷|\[(?P<mistral>/)?THINK\]"
    r"|<\|(?:begin|(?P<end>end))_of_(?:thought|reasoning)\|>|<\|(?:START|(?P<stop>END))_THINKING\|>"
    r"|<\|channel\|>(?:analysis|commentary|(?P<final>final))<\|message\|>",
    re.IGNORECASE,
)
"""Where reasoning begins and ends: DeepSeek, Qwen, GLM, others; Seed; Kimi; Magistral; Sky-T1; Command A; gpt-oss."""


def split(text: str) -> tuple[str, str]:
    """Return the reasoning in a text and the answer without it.

    A chat template may have written the opening tag: what is before a closing tag alone is reasoning. Reasoning that
    is not closed leaves no answer.
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


def open_tag(text: str) -> str:
    """Return the tag of reasoning that begins in a text and does not end in it, or an empty text."""
    last = None
    for last in _LIMIT.finditer(text):
        pass
    return last[0] if last is not None and last.lastgroup is None else ""
