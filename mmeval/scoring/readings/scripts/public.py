"""Public tools' heuristics that read a letter from an answer, one function per version.

They disagree: MMBench's score for the same answers can differ by ten points, so a run names its reading.
Rules: OpenCompass, tools/eval_mmbench.py (2023), and VLMEvalKit, vlmeval/utils/matching_util.py at each date.
"""

import re
from collections.abc import Sequence

from mmeval.scoring.readings.choices import LETTERS, NONE_OF_THEM, Reader, scorer, texts

FAILED = "Failed to obtain answer via API"
REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_PUNCTUATION = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_ANSWER_IS = re.compile(r"(?:correct\s+)?answer\s+is\s+\**([ABCD])\**", re.IGNORECASE)
_AROUND = ("{}.", "{},", "{}:", "{})", "{}).", "({})", "({}).", ":{}", ":{},", ":{}.", ":{})", ":{}).")
"""Forms around a letter in the 2023 reading, tried in order."""


def read_2023(text: str, choices: Sequence[str]) -> str | None:
    """Read as the benchmark's authors did: a separate letter A to E, else the option that the answer contains.

    A to E are allowed whatever the number of options. If "A" is among more than three words, no bare letter counts.
    """
    return _option_2023(text) or _text(text, choices, None)


def read_2024_03(text: str, choices: Sequence[str]) -> str | None:
    """Read as VLMEvalKit of 2024-03-19: drop punctuation first; the letter may be an article."""
    return _option(text, choices, None) or _text(text, choices, None)


def read_2025_08(text: str, choices: Sequence[str]) -> str | None:
    """Read as VLMEvalKit of 2025-08-04: the letter must be in the last four words; options only in short answers."""
    return _option(text, choices, 4) or _text(text, choices, 2)


def read_2026_08(text: str, choices: Sequence[str]) -> str | None:
    """Read as VLMEvalKit of 2026-08-18: also a letter after "answer is", even at the start of a word."""
    return _option(text, choices, 4) or _answer_is(text, choices) or _text(text, choices, 2)


READINGS: dict[str, Reader] = {
    "2023": read_2023,
    "2024-03": read_2024_03,
    "2025-08": read_2025_08,
    "2026-08": read_2026_08,
}
"""The versions by name; the first is the benchmark authors' own."""
SCORERS = {name: scorer(read) for name, read in READINGS.items()}
"""Each version's scorer."""


def _option_2023(text: str) -> str | None:
    if FAILED in text:
        return None
    words = text.split()
    for form in _AROUND if "A" in words and len(words) > 3 else ("{}", *_AROUND):
        letters = [letter for letter in LETTERS[:5] if form.format(letter) in words]
        if len(letters) == 1:
            return letters[0]
    return None


def _option(text: str, choices: Sequence[str], last: int | None) -> str | None:
    """Return the only letter that is a separate word, among the `last` words if given."""
    if FAILED in text:
        return None
    words = text.translate(_PUNCTUATION).split()
    letters = [letter for letter, _ in texts(choices) if letter in words]
    if any(refusal in text for refusal in REFUSALS) or (not letters and NONE_OF_THEM in words):
        return NONE_OF_THEM
    unambiguous = len(letters) == 1 and (last is None or words.index(letters[0]) >= len(words) - last)
    return letters[0] if unambiguous else None


def _answer_is(text: str, choices: Sequence[str]) -> str | None:
    match = _ANSWER_IS.search(text) if FAILED not in text else None
    return match[1].upper() if match and match[1].upper() in LETTERS[: len(choices)] else None


def _text(text: str, choices: Sequence[str], times: int | None) -> str | None:
    """Return the only option that the answer contains, unless the answer exceeds `times` their total length."""
    if times is not None and len(text.lower()) > times * sum(map(len, choices)):
        return None
    letters = [letter for letter, choice in texts(choices) if choice and choice.lower() in text.lower()]
    return letters[0] if len(letters) == 1 else None
