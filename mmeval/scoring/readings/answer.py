"""Take an answer out of what a model wrote: without its reasoning, its special tokens, and what marks it as the answer.

Everything here takes time in proportion to the text.
"""

import re
import unicodedata

from mmeval.reasoning import split

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]")
_SAME = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"} | dict.fromkeys("−‐‑﹣", "-")
)
_TOKENS = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|</?(?:s|b|i|strong|em|p|pad|unk|bos|eos|end_of_turn|end_of_utterance)>|\[/?INST\]"
)
_BOX = re.compile(r"\\f?boxed\s*\{")
_TAGGED = re.compile(
    r"<\s*(answer|final_answer|conclusion|solution)\s*>([^<>]{1,400})<\s*/\s*\1\s*>|\"(?:final_)?(?:answer|choice|option)\"\s*:\s*\"([^\"]{1,400})\"",
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
