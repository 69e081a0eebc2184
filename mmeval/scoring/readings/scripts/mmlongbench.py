"""Compare short answers as `eval/eval_score.py` of mayubo2333/MMLongBench-Doc (d73f0dc), by the form of the key."""

import re
from collections.abc import Callable
from math import isclose

from mmeval.scoring.readings import short
from mmeval.scoring.readings.scripts.literals import literal

EXACT = (
    r".*https://.*", r".*\.py", r".*ipynb", r"page.*", r"\b\d+(-\d+|\s\d+)?\b", r".*[ap]\.m\..*",
    r"\b\d{4}[-\s]\d{2}([-\s]\d{2})?\b", r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}",
)  # fmt: skip
"""Forms of keys that answers must equal: addresses, files, pages, telephone numbers, times and dates."""


def mark(key: str, answer: str, form: str) -> float:
    """Compare as `eval_score`, by the form of the key. An answer that stops the script gets no marks."""
    if form == "Int":
        whole, given = _number(int, key), _number(lambda text: int(float(text)), answer)
        return float(whole is not None and whole == given)
    if form == "Float":
        exact, near = _number(float, cleaned(key)), _number(float, cleaned(answer))
        return float(exact is not None and near is not None and equal(exact, near))
    if form in ("Str", "None"):
        return _similar(cleaned(key), cleaned(answer))
    try:
        keys, answers = (literal(text) if text.startswith("[") else text for text in (key, answer))
    except ValueError:
        return 0.0
    right, given_list = (
        sorted(map(cleaned, items if isinstance(items, list) else [items])) for items in (keys, answers)
    )
    if len(right) != len(given_list) or not right:
        return 0.0
    if _number(float, right[0]) is not None or is_exact(right[0]):
        return float("-".join(right) == "-".join(given_list))
    return min(map(anls, right, given_list))


def _similar(key: str, answer: str) -> float:
    return float(key == answer) if is_exact(key) else anls(key, answer)


def _number(read: Callable[[str], float], text: str) -> float | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


def cleaned(value: object) -> str:
    """Return a text in lower case, without what is in brackets, quotation marks, `$` before and `%` after it."""
    text = _without_brackets(str(value).lower().strip()).strip()
    return re.sub(r"^['\"]|['\"]$", "", text).strip().lstrip("$").strip().rstrip("%").strip()


def _without_brackets(text: str) -> str:
    parts, end = list[str](), 0
    while (start := text.find("(", end)) >= 0 and (close := text.find(")", start)) >= 0:
        parts.append(text[end:start].rstrip())
        end = close + 1
    return "".join((*parts, text[end:]))


def is_exact(key: str) -> bool:
    """Return whether answers must equal this key."""
    return any(re.fullmatch(form, key, re.DOTALL) for form in EXACT)


def anls(key: str, answer: str) -> float:
    """Return one minus the edits per character, or 0 up to a half; 1 for two empty texts."""
    length = max(len(key.upper()), len(answer.upper()))
    value = 1.0 - (short.edits(key, answer) / length if length else 0.0)
    return value if value > 0.5 else 0.0


def equal(key: float, answer: float) -> bool:
    """Return whether numbers agree within 1% or after rounding, also where one of them is a percentage."""
    return any(
        isclose(item, answer, rel_tol=0.01)
        or round(answer, digits := max(min(_digits(answer), _digits(item)), 2)) == round(item, digits)
        for item in (key / 100, key, key * 100)
    )


def _digits(number: float) -> int:
    return len(str(number).rpartition(".")[2]) if "." in str(number) else 3
