"""Read answers as lmms-eval (75571cf) does, for benchmarks whose authors published no script."""

import re
import string
from collections.abc import Sequence

from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.readings.scripts.letters import trimmed

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NAMES = ("answer", "correct answer", "best answer", "correct option", "best option", "choice", "correct choice")
_LEADS = (
    *(f"{the}{name} is" for the in ("", "the ") for name in _NAMES),
    *("i choose", "i select", "i pick", "my answer is", "my choice is"),
    *("옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは"),
)


def ai2d(text: str, options: Sequence[str]) -> str | None:
    """Read as `ai2d/utils.py`: "X." at the start, or a letter that is the whole answer but for case and punctuation."""
    match = re.match(r"\s*([A-Z])\.", text)
    answer = (match[1] if match else text).lower().translate(_PUNCTUATION)
    return next((letter for letter in LETTERS[: len(options)] if letter.lower() == answer), None)


def any_letter(text: str, options: Sequence[str]) -> str | None:
    """Read as `_task_utils/mcq_extract.py` with the letters A to D, as RealWorldQA does, even an article.

    A letter at the start counts, else one at the end, else the last one after a lead, then "(X)", "X.", "X:", "X)",
    "X " and any X.
    """
    text = trimmed(text.strip(), ",.!?;:'\"")
    bare, text = text.strip(), f" {text} "
    for letter, neighbor in ((bare[:1], bare[1:2]), (bare[-1:], bare[-2:-1])):
        if letter in (*"ABCD",) and not neighbor.isalpha():
            return letter
    leads = [(text.lower().find(lead), len(lead)) for lead in _LEADS]
    ends = [position + size for position, size in leads if position >= 0]
    candidates = [[(text.find(letter, end), letter) for end in ends for letter in "ABCD"]]
    candidates += [
        [(text.rfind(form.format(letter)), letter) for letter in "ABCD"]
        for form in ("({})", "{}.", "{}:", "{})", "{} ", "{}")
    ]
    last = (max(positions) for positions in candidates if positions)
    return next((letter for position, letter in last if position >= 0), None)


def first_after_leads(text: str, options: Sequence[str]) -> str | None:
    """Read as `longvideobench/utils.py`, which its authors name for evaluation: the first of A to E anywhere.

    Some leads are removed first. Where it draws a random option, the answer is unparsed here.
    """
    for lead in _OPENINGS:
        text = text.replace(lead, "")
    match = re.search("[A-E]", text)
    return match[0] if match else None


def egoschema(text: str, options: Sequence[str]) -> str | None:
    """Read as `egoschema/utils.py`: of "(X)", "X " and "X.", each where it occurs last, the one that comes first.

    Without any, an answer of more than five words may contain an option with its letter, in any case. Where it draws a
    random option, the answer is unparsed here.
    """
    text, letters = f" {trimmed(text)} ", LETTERS[: len(options)]
    positions = [(text.rfind(form.format(letter)), letter) for form in ("({})", "{} ", "{}.") for letter in letters]
    if not any(position >= 0 for position, _ in positions) and len(text.split()) > 5:
        listed = (f"{letter}. {option.strip()}".lower() for letter, option in zip(letters, options, strict=True))
        positions = [(text.lower().rfind(option), letter) for letter, option in zip(letters, listed, strict=True)]
    return min((pair for pair in positions if pair[0] >= 0), default=(0, None))[1]


_OPENINGS = (
    "The best answer is", "The correct answer is", "The answer is", "The answer", "The best option is",
    "The correct option is", "Best answer:", "Best option:",
)  # fmt: skip
