r"""Compare answers to questions of mathematics: numbers, LaTeX such as \frac{3}{4} and 2\sqrt{3}, and other text."""

import math
import re
from collections.abc import Callable, Sequence

from mmeval.reasoning import split
from mmeval.scoring.readings import choices, short
from mmeval.scoring.readings.amounts import assigns_several
from mmeval.scoring.readings.latex import whole
from mmeval.scoring.readings.strict.letter import strict
from mmeval.types import Record, Score

_NO_VALUE = re.compile(r"\\left|\\right|\\[,!;: ()\[\]]|\^?\{?(?:\\circ|\\degree)\b\}?|\s|°")
"""LaTeX and signs that change no value."""
_UNIT = re.compile(
    r"(?:\\(?:text|mathrm|mbox)\s*\{(?=[^{}]*[a-z])[^{}]*\}|\{[a-z ]+\}|\s(?:(?:square|cubic|sq\.?)\s*)?"
    r"(?:[cmk]?m|in|ft|k?g|(?:inch|foot|feet|yard|mile|unit|degree|(?:centi|milli|kilo)?met(?:er|re)|lit(?:er|re)|gram|"
    r"second|hour)(?:e?s)?))\s*(?:\^?\{?[23²³]\}?)?\s*\.?\s*\Z",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r"\d[\s~]*(?:\\(?:text|mathrm|mbox)\s*\{)?[\s~]*(?:(square|sq\.?|cubic)\s*)?"
    r"(mm|cm|km|m|in(?!\s+[a-z])|ft|kg|g|inch|foot|feet|yard|mile|(?:centi|milli|kilo)?met(?:er|re)|(?:kilo)?gram|lit(?:er|re)"
    r"|second|minute|hour|day)(?:e?s)?(?![a-z])\.?\s*\}?(?:\s*\^?\{?([23²³]))?",
    re.IGNORECASE,
)
"""A number with its unit."""
_UNITS = {"inch": "in", "foot": "ft", "feet": "ft", "meter": "m", "centimeter": "cm", "millimeter": "mm"} | {
    "kilometer": "km",
    "gram": "g",
    "kilogram": "kg",
}
"""Short names of units."""
_POWERS = {"square": "2", "sq": "2", "sq.": "2", "cubic": "3", "²": "2", "³": "3"}
_INEQUALITY = re.compile(r"[<>≤≥]|\\(?:[lg]eq?|[lg]t)(?![a-z])")
_WRAPPED = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\{((?:[^{}]|\{[^{}]*\})+)\}")
_NAME = re.compile(r"[\s\\{}A-Za-z_(),.']*=(.+)", re.DOTALL)
"""What a value is called before its equals sign, as in "Area $=3$" and "f(x)=2x"."""
_POWER = re.compile(r"\^\{([-+]?\w+)\}")
_SIGN = re.compile(r"[\\π√^/]")


def chosen(text: str, options: Sequence[str]) -> str | None:
    """Return what `strict` reads, or else the only option that is the answer, as a text or by its value."""
    answer = _stated(text)
    equal = [letter for letter, option in choices.texts(options) if answer and _same(answer, option)]
    return strict(text, options) or (equal[0] if len(equal) == 1 else None)


def near(tolerance: float) -> Callable[[Record], Score]:
    """Return the scorer by an answer's value, or else its only number, with a tolerance."""

    def worth(answer: str, targets: Sequence[str]) -> float:
        number = _value(_bare(answer).rpartition("=")[2])
        if number is None and not _SIGN.search(answer) and short.numbered(answer):
            number = short.number(answer)
        comparable = (key for key in targets if not _unlike(answer, key))
        values = [value for value in map(_value, comparable) if value is not None]
        return float(number is not None and any(abs(number - value) <= tolerance for value in values))

    return short.scorer(_stated, worth)


def _stated(text: str) -> str:
    return short.stated(text, lambda text: split(text)[1].strip())


def _worth(answer: str, targets: Sequence[str]) -> float:
    """Return 1 for the same text or value, or if the only number in an answer is the right one."""
    return float(any(_same(answer, key) or _only_number(answer, key) for key in targets))


def _same(answer: str, key: str) -> bool:
    if _other_units(answer, key):
        return False
    given, wanted = _bare(answer), _bare(key)
    if given and any(form(given) == form(wanted) for form in (short.normal, _formula)):
        return True
    if _unlike(answer, key):
        return False
    if "%" not in key:
        given = given.replace("\\%", "").replace("%", "")
    return _equal(_value(given.rpartition("=")[2]), _value(wanted))


def _unlike(answer: str, key: str) -> bool:
    """Return whether an answer is not the value of a key: in other units, an inequality, or several values."""
    return _other_units(answer, key) or assigns_several(answer) or _INEQUALITY.search(answer) is not None


def _other_units(answer: str, key: str) -> bool:
    given, wanted = _units(answer), _units(key)
    return bool(given and wanted and not given & wanted)


def _units(text: str) -> set[tuple[str, str]]:
    """Return the units of the measures in a text, each with its power."""
    units = set()
    for shape, name, power in _MEASURE.findall(text):
        unit = name.lower().replace("metre", "meter").replace("litre", "liter")
        number = (power or shape).lower()
        units.add((_UNITS.get(unit, unit), _POWERS.get(number, number)))
    return units


def _formula(text: str) -> str:
    """Return a formula in the form in which formulas are compared."""
    return short.normal(_POWER.sub(r"^\1", _NO_VALUE.sub("", text)))


def _value(text: str) -> float | None:
    return whole(_NO_VALUE.sub(" ", text))


def _bare(text: str) -> str:
    """Return a text without dollar signs, a box around it, its unit, and a name before it."""
    text = re.sub(r"\\?\$", "", text).strip()
    while wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1].strip()
    text = _UNIT.sub("", text) or text
    match = _NAME.fullmatch(text)
    return match[1].strip() if match else text


def _only_number(answer: str, key: str) -> bool:
    if _unlike(answer, key) or _SIGN.search(answer) or not short.numbered(answer):
        return False
    return _equal(short.number(answer), _value(_bare(key)))


def _equal(given: float | None, wanted: float | None) -> bool:
    return given is not None and wanted is not None and math.isclose(given, wanted, rel_tol=1e-6, abs_tol=1e-9)


_CHOSEN = choices.scorer(chosen)
_SHORT = short.scorer(_stated, _worth)


def scored(record: Record) -> Score:
    """Score an option if the question has any; else a short answer, right if it has a right answer's text or value."""
    return (_CHOSEN if record.choices else _SHORT)(record)
