"""Numbers in sentences and tables: their digits, their intervals, and the words that agree with them."""


def number(value: float | None, digits: int = 2, sign: str = "") -> str:
    """Format a value: `1,381.75`, with the sign `+` also `+1,381.75`; a dash for None."""
    return "–" if value is None else f"{round(value, digits) + 0.0:{sign},.{digits}f}"  # never "-0.00"


def between(low: float | None, high: float | None, digits: int = 1, sign: str = "") -> str:
    """Return an interval as every table and sentence writes it: `120.0 to 155.0`; nothing if there is none."""
    return "" if low is None or high is None else f"{number(low, digits, sign)} to {number(high, digits, sign)}"


def within(value: str, interval: str) -> str:
    """Return a value and its interval: `138.75 (120.0 to 155.0)`; the value alone if there is no interval."""
    return f"{value} ({interval})" if interval else value


def plural(count: int, one: str, many: str = "") -> str:
    """Return `1 answer` or `1,200 answers`; `many` is the plural if it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def part_of(part: int, whole: int, noun: str, verb: str, verbs: str) -> str:
    """Return `1 of 40 answers is empty` or `2 of 40 answers are empty`, with these words as the noun and the verbs."""
    return f"{part:,} of {plural(whole, noun)} {verb if part == 1 else verbs}"
