"""Read the only number that an answer states."""

import re

from mmeval.scoring.readings.answer import NUMBERS

NUMBER_WORDS = re.compile(rf"(?<![\w-])(?:{'|'.join(NUMBERS)})(?![\w-])")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:[.,]\d+)*|\.\d+)(?:e[-+]?\d+)?(?:\s*/\s*\d+(?![\d.]))?", re.IGNORECASE)
_MENTION = re.compile(
    r"(?P<before>\b(?:than|at (?:least|most)|over|under|above|below|up to|half(?: of)?|twice|double|triple)\s+"
    rf"(?:the\s+)?|[<>≤≥]\s*)?(?:{_NUMBER.pattern}|{NUMBER_WORDS.pattern})"
    r"(?P<after>\s*[<>≤≥]|\+(?!\s*\d)|\s+(?:or|and) (?:more|less|fewer|above|below|over|under|up)\b)?",
    re.IGNORECASE,
)
"""A number, or the word for one, perhaps as a bound or the basis of another: "more than 5", "twice 5", "5 or more"."""
_MINUS = re.compile(r"\b(?:minus|negative)\s+(?=[\d.])")
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALE = re.compile(rf"\s+({'|'.join(_SCALES)})\b")
_SEVERAL = re.compile(r"=[^=\n,;]{1,40}(?:[,;\n]|\band\b)\s*(?:and\s+)?(?:the\s+)?[^\W\d]\w{0,30}\s*=[^=]*\Z")
"""Values of several names at the end of a text: "width = 5, height = 6"."""
_DENIAL = re.compile(
    r"\b(?:not|never|cannot|unable|without|neither|nor|impossible|insufficient)\b|n't\b", re.IGNORECASE
)
_CLAUSE = re.compile(r"(?<=[.!?])\s|[\n;]|\b(?:but|however)\b", re.IGNORECASE)


def amount(normal: str, text: str) -> float | None:
    """Return the only number after the last equals sign of a text, given also in its normal form; else None."""
    if assigns_several(text):
        return None
    value_text = _MINUS.sub("-", normal.rpartition("=")[2])
    matches = _NUMBER.finditer(value_text)
    values = {_scaled(_value(match[0]), _SCALE.match(value_text, match.end())) for match in matches}
    return values.pop() if len(values) == 1 and _affirmed(text.rpartition("=")[2]) else None


def assigns_several(text: str) -> bool:
    """Return whether a text ends in values of several names ("width = 5, height = 6")."""
    return _SEVERAL.search(text) is not None


def _scaled(value: float | None, scale: re.Match[str] | None) -> float | None:
    return value if value is None or scale is None else value * _SCALES[scale[1]]


def _affirmed(text: str) -> bool:
    """Return whether a number stands in a clause with no denial before it, and not as a bound."""
    for clause in _CLAUSE.split(text):
        denial = _DENIAL.search(clause)
        end = denial.start() if denial else len(clause)
        if any(not (match["before"] or match["after"]) and match.start() < end for match in _MENTION.finditer(clause)):
            return True
    return False


def _value(text: str) -> float | None:
    numerator, _, denominator = text.partition("/")
    numerator = numerator.strip()
    if re.fullmatch(r"[-+]?\d+,\d+(e.*)?", numerator, re.IGNORECASE):
        numerator = numerator.replace(",", ".")  # `normal` has already ungrouped thousands
    elif re.fullmatch(r"[-+]?\d{1,2}(,\d{2})+,\d{3}(\.\d+)?", numerator):
        numerator = numerator.replace(",", "")
    if "," in numerator or numerator.count(".") > 1 or (denominator and not float(denominator)):
        return None
    return float(numerator) / float(denominator) if denominator else float(numerator)
