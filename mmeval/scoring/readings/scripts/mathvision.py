"""Read answers as `evaluation/evaluate.py` and `utils.py` of mathllm/MATH-V (a1f5cc3) read and compare them.

The script asks latex2sympy2 for the values of expressions; `latex.beginning` finds them here.
"""

import re

from mmeval.scoring.readings.choices import texts
from mmeval.scoring.readings.latex import beginning
from mmeval.types import Record, Score

_FLAGS = ("the final answer is", "the answer is", "the correct answer is", "the answer should be")
_UNITS = ("{m}^3", "m^3", "{units}", "units", "{km}", "km")
_REPLACED = (
    (" ", ""), ("\\,", ""), ("∞", "\\infty"), ("+\\infty", "\\infty"), ("\\\\", "\\"), ("\n", ""), ("\\text", ""),
    ("\\mbox", ""), ("bmatrix", "pmatrix"), ("\\left", ""), ("\\right", ""), ("^{\\circ}", ""), ("^\\circ", ""),
    *((unit, "") for unit in _UNITS), ("\\!", ""), ("\\\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac"),
    ("\\left", ""), ("\\right", ""), ("^{\\circ}", ""), ("^\\circ", ""), ("\\$", ""), ("$", ""), ("\\%", ""),
    ("{.", "{0."),
)  # fmt: skip
"""What the script replaces, in its order; some of it twice."""
_LETTERS = "abcde"


def scored(record: Record) -> Score:
    """Score an answer that equals the right letter, the right option's text, or the right answer."""
    if record.text is None:
        return Score(None, "error")
    answer = extract(record.text)
    keys = [*record.targets]
    keys += [option for letter, option in texts(record.choices) if letter in record.targets]
    if not keys:
        return Score(None, "unscored", answer)
    if not answer:
        return Score(0.0, "unparsed")
    is_right = any(equal(key, answer) for key in keys)
    if record.choices and answer in [*_LETTERS]:
        answer = answer.upper()
    return Score(float(is_right), "correct" if is_right else "incorrect", answer)


def extract(text: str) -> str:
    """Return the answer in lower case and without spaces: what is in the last box, or after the last flag.

    Without either it is the whole text, unless that ends with " C." or begins with a line "C".
    """
    text = text.strip()
    for letter in _LETTERS.upper():
        ends, begins = (f" {letter}.", f" ({letter})."), (f"{letter}\n", f"({letter})\n", f"({letter}) {letter}\n")
        if text.endswith(ends) or text.startswith(begins):
            text = letter
    last = text.rpartition("is ")[2].rstrip(".")
    if _is_number(last):
        text = last
    if "oxed{" not in text:
        for flag in (form for lower in _FLAGS for form in (lower, lower.replace("the", "The"))):
            _, flag_found, after = text.rpartition(flag)
            text = after.strip()
            if flag_found:
                text = text.partition("\n")[0].partition(". ")[0]
    elif text.count("oxed{") > 1:
        text = "\\boxed{" + text.rpartition("oxed{")[2]
    answer = _simplified(text)
    for letter in _LETTERS:
        answer = answer.replace(f"({letter})", letter).replace(f"{{{letter}}}", letter)
    return answer.rstrip(".").lstrip(":").strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _simplified(text: str) -> str:
    """Return the box's content, or the whole text, without spaces, units and some LaTeX."""
    text = text.lower().replace("{}", "")
    start, end = text.find("oxed{") + len("oxed{"), text.rfind("}")
    if len("oxed{") <= start <= end:
        text = text[start:end]
    before, closed, _ = text.partition("}")
    if closed and "{" not in before:
        text = before
    text = text.rpartition("=")[2].rpartition("\\approx")[2]
    for old, new in _REPLACED:
        text = text.replace(old, new)
    text = f"0{text}" if text.startswith(".") else text
    if text.count("\\approx") == 1:
        text = text.rpartition("\\approx")[2]
    if "sqrt" in text:
        text = _braced_fractions(re.sub(r"\\sqrt(?!\\sqrt)([^{])", r"\\sqrt{\1}", text))
    text = "\\frac{1}{2}" if text == "0.5" else text
    fraction = re.fullmatch(r"(0|-?[1-9][0-9]*)/(0|-?[1-9][0-9]*)", text)
    return f"\\frac{{{fraction[1]}}}{{{fraction[2]}}}" if fraction else text


def _braced_fractions(text: str) -> str:
    """Return a text with braces around the parts of its fractions, or the text itself if a part is missing."""
    result, *parts = text.split("\\frac")
    if any(len(part) < 2 for part in parts if not part.startswith("{")):
        return text
    for part in parts:
        denominator = part[1:2] if part[1:2] == "{" else f"{{{part[1:2]}}}"
        result += "\\frac" + (part if part.startswith("{") else f"{{{part[0]}}}{denominator}{part[2:]}")
    return result


def equal(key: str, answer: str) -> bool:
    """Compare as `is_equal`: the same text in any case, the same list of values, or the same value to two decimals."""
    key, answer = key.lower(), answer.lower()
    if not key.replace(" ", "") or not answer.replace(" ", ""):
        return False
    if key.strip() == answer.strip():
        return True
    key, answer = _listed(key), _listed(answer)
    if key == answer:
        return True
    key_value, answer_value = beginning(key), beginning(answer)
    return key_value is not None and answer_value is not None and round(key_value, 2) == round(answer_value, 2)


def _listed(text: str) -> str:
    """Return a list or a point with its values rounded, or the text itself if a value is unknown."""
    parts = text[1:-1].split(",")
    if text[:1] + text[-1:] not in ("()", "[]") or len(parts) < 2:
        return text
    values = [part if "infty" in part or part in ("a", "-a") else beginning(part) for part in parts]
    if None in values:
        return text
    rounded = (part if isinstance(part, str) else str(round(part, 2)) for part in values if part is not None)
    return f"{text[0]}{','.join(rounded)}{text[-1]}"
