"""Read when something happens in a video: the start and the end of an answer, in seconds."""

import re
from collections.abc import Callable

from mmeval.scoring.readings.answer import plain

Moment = tuple[float, float]
"""Start and end in seconds."""
MomentReader = Callable[[str], Moment | None]
_NUMBER = r"((?<!\d)\d++(?:\.\d++)?)"
_CLOCK = r"(\d{1,2}:\d{2}(?::\d{2})?)"
_RANGES = (re.compile(rf"\b{_CLOCK}\s*+[–-]\s*+{_CLOCK}\b"), re.compile(rf"{_NUMBER}\s*+[–-]\s*+{_NUMBER}"))
_ENDS = (re.compile(rf"\b{_CLOCK}\b"), re.compile(rf"\b{_NUMBER}\b"))
_WITH_UNITS = re.compile(rf"{_NUMBER}\s*+s?\s*+[–-]\s*+{_NUMBER}")
_TIME = r"(?<![\d.:])((?:\d{1,2}:)?\d{1,2}:\d{2}(?:\.\d+)?|\d{1,6}(?:\.\d+)?)(?![\d:]|\.\d)"
_UNIT = r"\s*(?:s|secs?|seconds?)?\b"
_OTHER_UNITS = re.compile(r"\d\s*(?:%|(?:m|mins?|minutes?|h|hours?|ms|frames?)\b)|\bframes?\s*#?\d", re.IGNORECASE)
_LENGTH = re.compile(
    r"\b(?:last(?:s|ed|ing)?|duration|length|long)\b|\bfor\s+(?:(?:about|around)\s+)?\d"
    r"|\d[\s-]*s(?:ec(?:ond)?s?)?[\s-]+(?:video|clip)\b",
    re.IGNORECASE,
)
"""Words by which a number of seconds is a length, not a time."""
_SPAN = re.compile(rf"{_TIME}{_UNIT}\s*(?:[–—-]|to|and|until|till)\s*{_TIME}", re.IGNORECASE)


def lmms_eval(text: str) -> Moment | None:
    """Read as lmms-eval's `charades_sta/utils.py` (75571cf), whose sentences end with !, ? or a line.

    If some mention a start, an end or that something happens, only those count. The first range counts, of clock times
    if there are any; or else the first two clock times; or else the first numbers of the first two sentences with one.
    """
    text = text.lower().replace("a specific example is : 20.8 - 30.0 seconds", "").replace("to", "-")
    sentences = re.split(r"[!?\n]", text)
    relevant = [sentence for sentence in sentences if re.search("start|end|happen", sentence)] or sentences

    def first(pattern: re.Pattern[str]) -> list[str]:
        return next(([*match.groups()] for text in relevant if (match := pattern.search(text))), [])

    clocks, numbers = _ENDS
    singles = (match[1] for text in relevant if (match := numbers.search(text)))
    for times in (
        *map(first, _RANGES),
        [clock for text in relevant for clock in clocks.findall(text)],
        [*singles],
        first(_WITH_UNITS),
    ):
        if len(times) > 1:
            start, end = map(_seconds, times[:2])
            return (start, end) if end > start else (end, start)
    return None


def strict(text: str) -> Moment | None:
    """Read the only span of an answer ("3.2 - 7.5", "from 0:03 to 0:07"), or its only two times, the earlier first.

    Numbers with other units than seconds are not read, nor two times where words say that one is a length.
    """
    text = plain(text)
    spans = {*_SPAN.findall(text)}
    if len(spans) > 1 or _OTHER_UNITS.search(text) or (not spans and _LENGTH.search(text)):
        return None
    times = [*spans.pop()] if spans else re.findall(_TIME, text)
    if len(times) != 2:
        return None
    start, end = map(_seconds, times)
    return (start, end) if start < end else None


def _seconds(text: str) -> float:
    """Return a number, or a clock time of hours, minutes and seconds, in seconds."""
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def overlap(key: Moment, answer: Moment) -> float:
    """Return the intersection over union of two spans of time, 0 if their union has no length."""
    union = max(key[1], answer[1]) - min(key[0], answer[0])
    return max(min(key[1], answer[1]) - max(key[0], answer[0]), 0) / union if union > 0 else 0.0
