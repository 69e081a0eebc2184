"""Take an answer out of what a model wrote: without its reasoning, its special tokens, and what marks it as the answer.

Everything here takes time in proportion to the text.
"""

import re
import unicodedata

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


_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]")
_SAME = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"} | dict.fromkeys("−‐‑﹣", "-")
)
_TOKENS = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|</?(?:s|b|i|strong|em|p|pad|unk|bos|eos|end_of_turn|end_of_utterance)>|\[/?INST\]"
)
_BOX = re.compile(r"\\f?boxed\s*\{")
_TAGGED = re.compile(
    r"<\s*(answer|final_answer|conclusion|solution)\s*>([^<>]{1,400})<\s*/\s*\1\s*>|\"(?:final_)?answer\"\s*:\s*\"([^\"]{1,400})\"",
    re.IGNORECASE,
)
_SET = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit)\s*\{([^{}]{0,400})\}")
_LONGEST, _MOST = 400, 50
"""Characters in a box, and boxes that are read, the last ones."""


def plain(text: str) -> str:
    """Return the answer with one form of each character, nothing invisible, no reasoning and no special tokens."""
    text = unicodedata.normalize("NFKC", split(text)[1]).translate(_SAME)
    text = _INVISIBLE.sub("", text.replace("<|begin_of_box|>", "\\boxed{").replace("<|end_of_box|>", "}"))
    return _TOKENS.sub(" ", _SET.sub(r"\1", text)).strip()


def marked(answer: str) -> list[tuple[int, str]]:
    r"""Return what stands in `\boxed{}`, in answer tags and at `"answer":`, with its place, in order."""
    found = [(match.start(), match[2] or match[3]) for match in _TAGGED.finditer(answer)]
    for match in list(_BOX.finditer(answer))[-_MOST:]:
        depth, end = 1, match.end()
        for end in range(match.end(), min(len(answer), match.end() + _LONGEST)):
            depth += {"{": 1, "}": -1}.get(answer[end], 0)
            if not depth:
                found.append((match.start(), answer[match.end() : end]))
                break
    return sorted(found)
