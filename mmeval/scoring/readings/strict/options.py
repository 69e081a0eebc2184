"""Find the words of the options in an answer."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from mmeval.scoring.readings.answer import NUMBERS
from mmeval.scoring.readings.choices import LETTERS, NONE_OF_THEM, texts

Token = tuple[str, int, int]
"""A normalized word with its start and end in the text."""
_NUMBER = r"(?<![\w.])[-+]?\d+(?:[.,:/]\d+)*%?|\d+(?:[.,:/]\d+)*%?"
_WORD = re.compile(rf"{_NUMBER}|[^\W\d_\u3400-\u9fff]+(?:'[^\W\d_]+)*|[\u3400-\u9fff]")
_DIGITS = {word: digit for word, digit in NUMBERS.items() if word not in ("zero", "one")}
"""Numbers in words; one is a pronoun, too."""
_CROSSED = re.compile("[❌✗✘✖]")
_ARTICLES = frozenset(("a", "an", "the"))
_BEFORE_WORD = re.compile(r"[ \t]+(?!(?:is|was|has|and|or)\b)[^\W_]")
_PART_BEFORE = re.compile(r"\w(?:-|[ \t]?[+*/^×÷]\s?)\Z|\d\s-\s\Z")
_PART_AFTER = re.compile(r"-[^\W\d]|\s?[+*^×÷]\s?\w|/\w|\s-\s\d|(?<=\d)[^\W\d_]")
"""Text that makes words part of a longer one or of a formula."""
_GAP = re.compile(r"(?![^\w]*[.!?;:]\s)[^\w\n]{0,4}(?:(?:an?|the)[^\w\n]{1,3})?", re.IGNORECASE)
"""Text allowed between two words of one option."""
_FIRST = re.compile(r"(?:\A|[.!?:;,\n(\"'*])\s*\Z")
_ITEM = re.compile(r"(?:\A|[\n.!?:])[\s*]*(\d{1,2})[.)]\s+(?=[^\W\d])")
_BEFORE_ONE = frozenset("是为有只个条匹头位张座辆的一在选和与或、")
_AFTER_ONE = frozenset("在是和与或的了正坐站跑走趴躺")
"""Characters allowed before and after a one-character Chinese option; others may make it part of a longer word."""


def whole(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter of an answer that is only a letter or an option."""
    exact = [label for label, choice in texts(choices) if choice.strip() == answer]
    if _CROSSED.search(answer):
        return None
    parts = re.findall(r"\w+", answer)
    core = parts[0] if len(parts) > 1 and len(set(parts)) == 1 else answer  # "B B"
    core = core.strip("".join(c for c in set(answer) if not c.isalnum() and c not in "+°"))
    labels = LETTERS[: len(choices) or 5]
    if len(core) == 1 and core.isascii() and core.isalpha():
        label = core.upper() if core.upper() in labels else None
        if core.isupper() and label:
            return label if not exact or exact == [label] else None
        if len(exact) != 1 and label:
            return label
        if core == NONE_OF_THEM:
            return NONE_OF_THEM
    if len(exact) == 1:
        return exact[0]
    words = words_of(answer)
    matching = [
        label
        for label, choice in texts(choices)
        if words and words_of(choice) == words and _operators(choice) == _operators(answer)
    ]
    return matching[0] if len(matching) == 1 and not (len(words) == 1 and re.fullmatch("[a-z]", words[0])) else None


def in_words(answer: str, choices: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the start, end and letter of each option found in words.

    If options contain one another ("cat" in "black cat"), the longest counts. Numbers of a list do not count.
    """
    tokens, numbered = list(_tokens(answer)), _numbered(answer)
    spans = [(start, end, label) for label, choice in texts(choices) for start, end in _spans(answer, tokens, choice)]
    reach, last = -1, (-1, -1)
    for first, after, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        start, end = tokens[first][1], tokens[after - 1][2]
        if (after > reach or (first, after) == last) and start not in numbered:
            reach, last = max(reach, after), (first, after)
            yield start, end, label


def _numbered(answer: str) -> set[int]:
    """Return the positions of the item numbers of lists."""
    heads = [(match.start(1), int(match[1])) for match in _ITEM.finditer(answer)]
    steps = [(first, second) for (first, n), (second, m) in pairwise(heads) if m == n + 1]
    return {position for step in steps for position in step}


def _spans(answer: str, tokens: Sequence[Token], choice: str) -> Iterator[tuple[int, int]]:
    """Yield the option's occurrences as ranges of token indices."""
    words = words_of(choice)
    if not words or (len(words) == 1 and re.fullmatch("[a-z]", words[0])):
        return  # a letter is more likely the label of an option
    alone = len(words) == 1 and "\u3400" <= words[0] <= "\u9fff"
    for index, (word, start, _) in enumerate(tokens):
        run = tokens[index : index + len(words)] if word == words[0] else []
        if tuple(word for word, _, _ in run) != words:
            continue
        if _PART_BEFORE.search(answer, max(0, start - 4), start) or _PART_AFTER.match(answer, run[-1][2]):
            continue
        if _operators(answer[start : run[-1][2]]) != _operators(choice):
            continue
        gaps = [(len(token[0]), answer[token[2] : following[1]]) for token, following in pairwise(run)]
        if not all(_GAP.fullmatch(gap) or (length == 1 and gap == ". ") for length, gap in gaps):  # "C. S. Lewis"
            continue
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if alone and before and before[2] == start and before[0] not in _BEFORE_ONE and before[0] > "\u3400":
            continue
        if alone and after and after[1] == start + 1 and after[0] not in _AFTER_ONE and after[0] > "\u3400":
            continue
        yield index, index + len(words)


def _operators(text: str) -> str:
    """Return the operators of a formula: x + 2 is not x^2."""
    return "".join(re.findall(r"[+*/^×÷=<>]", text.strip("*")))


@lru_cache(maxsize=1 << 14)  # every rotation of a question reads its options again
def words_of(text: str) -> tuple[str, ...]:
    """Return a text's normalized words."""
    return tuple(word for word, _, _ in _tokens(unicodedata.normalize("NFKC", text)))


def _tokens(text: str) -> Iterator[Token]:
    """Yield casefolded words without articles, whole numbers, and single Chinese characters."""
    for match in _WORD.finditer(text):
        word = match[0].casefold()
        article = word in _ARTICLES and _BEFORE_WORD.match(text, match.end())
        if not article or (match[0] == "A" and not _FIRST.search(text[max(0, match.start() - 4) : match.start()])):
            yield _DIGITS.get(word, word), match.start(), match.end()  # the "A" of "Box A" is not an article
