"""Find the matches of a pattern once per sentence, so that a sentence of many declarations takes linear time."""

import re
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate


class Places:
    """Where the matches of a pattern start and end in a sentence, overlapping ones included."""

    def __init__(self, pattern: re.Pattern[str], sentence: str) -> None:
        spans = [match.span(1) for match in _overlapping(pattern).finditer(sentence)]
        self._starts = [start for start, _ in spans]
        self._ends = sorted(end for _, end in spans)
        self._least = [*accumulate((end for _, end in reversed(spans)), min)][::-1]

    def between(self, first: int, last: int) -> bool:
        """Return whether a match lies between two places."""
        index = bisect_left(self._starts, first)
        return index < len(self._least) and self._least[index] <= last

    def end(self, last: int) -> int:
        """Return where the last match before a place ends; 0 if there is none."""
        index = bisect_right(self._ends, last)
        return self._ends[index - 1] if index else 0


@lru_cache
def _overlapping(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(f"(?=({pattern.pattern}))", pattern.flags)
