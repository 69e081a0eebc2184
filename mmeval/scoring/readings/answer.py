"""Extract the answer from a model's text: without reasoning, special tokens and answer markup.

Everything here is linear in the length of the text.
"""

import re
import unicodedata

from mmeval.reasoning import split

_SPOKEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBERS = {word: str(number) for number, word in enumerate(_SPOKEN)}
"""Number words, which count as their digits."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]")
_SAME = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"} | dict.fromkeys("−‐‑﹣", "-")
)
_TOKENS = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|</?(?:s|b|i|strong|em|p|pad|unk|bos|eos|end_of_turn|end_of_utterance)>|\[/?INST\]"
)
_BOX = re.compile(r"\\f?boxed\s*\{")
_TAGGED = re.compile(
    r"<\s*(answer|final_answer|conclusion|solution)\s*>([^<>]{1,400})<\s*/\s*\1\s*>"
    r"|\"(?:final_)?(?:answer|choice|option)\"\s*:\s*\"([^\"]{1,400})\"",
    re.IGNORECASE,
)
_CHECKBOX = re.compile(r"^[ \t]{0,8}[-*]?[ \t]{0,8}\[([xX ])\][ \t]+(?=.)", re.MULTILINE)
_SET = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit)\s*\{([^{}]{0,400})\}")
_FRACTION = re.compile(r"(?<=(\w))?\\[dt]?frac\s*\{([^{}]{1,40})\}\s*\{([^{}]{1,40})\}")
_SYMBOL = re.compile(
    r"\^\{\\(?:circ|degree)\}|\^?\\(circ|degree)\b|\\(pi|times|div|cdot|theta|alpha|beta|pm|leq?|geq?)(?![a-z])"
    r"|\\([%$ ,;])"
)
_SYMBOLS = {
    "circ": "°",
    "degree": "°",
    "pi": "π",
    "theta": "θ",
    "alpha": "α",
    "beta": "β",
    "times": "×",
    "div": "÷",
    "cdot": "·",
    "pm": "±",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    ",": " ",
    ";": " ",
}
_LONGEST, _MOST = 400, 50
"""Maximum characters in a box, and maximum boxes read, from the end."""


def plain(text: str) -> str:
    """Return the answer with normalized characters and symbols, without reasoning and special tokens."""
    text = unicodedata.normalize("NFKC", split(text)[1]).translate(_SAME)
    text = _INVISIBLE.sub("", text.replace("<|begin_of_box|>", "\\boxed{").replace("<|end_of_box|>", "}"))
    text = _FRACTION.sub(_over, _SET.sub(r"\1", text))
    text = _SYMBOL.sub(lambda match: _SYMBOLS.get(name := match[1] or match[2] or match[3] or "circ", name), text)
    return _TOKENS.sub(" ", _CHECKBOX.sub(lambda match: "❌ " if match[1] == " " else "✅ ", text)).strip()


def _over(match: re.Match[str]) -> str:
    """Return a fraction as `1/2`; sums are put in parentheses, and `2\\frac{1}{2}` is `2 1/2`."""
    sides = (side if re.fullmatch(r"\s*[-+]?[\w.]+\s*", side) else f"({side})" for side in match.groups()[1:])
    return (" " if match[1] else "") + "/".join(sides)


def marked(answer: str) -> list[tuple[int, str]]:
    r"""Return the contents of `\boxed{}`, of answer tags and of `"answer":`, with their positions, in order."""
    contents = [(match.start(), match[2] or match[3]) for match in _TAGGED.finditer(answer)]
    for match in list(_BOX.finditer(answer))[-_MOST:]:
        depth, end = 1, match.end()
        for end in range(match.end(), min(len(answer), match.end() + _LONGEST)):
            depth += {"{": 1, "}": -1}.get(answer[end], 0)
            if not depth:
                contents.append((match.start(), answer[match.end() : end]))
                break
    return sorted(contents)
