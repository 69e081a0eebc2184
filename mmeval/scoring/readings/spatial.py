"""Read answers as the scripts of benchmarks about space and visual reasoning do, quirks included."""

import re
from collections.abc import Sequence

from mmeval.scoring.metrics import relative
from mmeval.scoring.readings.choices import LETTERS
from mmeval.types import Record, Score


def vsi_bench(text: str, options: Sequence[str]) -> str | None:
    """Read a letter as VSI-Bench's `fuzzy_matching` (51e089c): all before the first blank, without final periods.

    In "A\\nB" that is the whole answer, and in " A" nothing.
    """
    word = _first_word(text).lower()
    return next((letter for letter in LETTERS[: len(options)] if letter.lower() == word), None)


def vsi_bench_number(record: Record) -> Score:
    """Score a number as VSI-Bench's `vsibench_process_results` (51e089c): by the mean relative accuracy of that word.

    The word must be a number, so "3m" is none.
    """
    if record.text is None:
        return Score(None, "error")
    word = _first_word(record.text)
    given, known = _number(word), [wanted for wanted in map(_number, record.targets) if wanted is not None]
    if given is None:
        return Score(0.0, "unparsed")
    value = max((relative.accuracy(given, wanted) for wanted in known), default=0.0)
    return Score(value, "correct" if value else "incorrect", word)


def embspatial_bench(text: str, options: Sequence[str]) -> str | None:
    """Read as lmms-eval's `embspatial/utils.py` (75571cf): the first letter after brackets and blanks, in any case.

    "A chair" is A and "Door" is D.
    """
    first = re.match(r"[(\s]*([A-Za-z])", text)
    letter = first[1].upper() if first else ""
    return letter if letter in [*LETTERS[: len(options)]] else None


def _first_word(text: str) -> str:
    return text.split(" ")[0].rstrip(".").strip()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
