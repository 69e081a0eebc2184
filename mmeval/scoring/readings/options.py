"""Find the words of the options in an answer."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from mmeval.scoring.readings.choices import LETTERS, NONE_OF_THEM, texts

Token = tuple[str, int, int]
"""A normalized word with its start and end in the text."""
_NUMBER = r"(?<![\w.])[-+]?\d+(?:[.,:/]\d+)*%?|\d+(?:[.,:/]\d+)*%?"
_WORD = re.compile(rf"{_NUMBER}|[^\W\d_\u3400-\u9fff]+(?:'[^\W\d_]+)*|[\u3400-\u9fff]")
_ARTICLES = frozenset(("a", "an", "the"))
_BEFORE_WORD = re.compile(r"[ \t]+(?!(?:is|was|has|and|or)\b)[^\W_]")
_PART_BEFORE = re.compile(r"\w(?:-|\s?[+*/^×÷]\s?)\Z|\d\s-\s\Z")
_PART_AFTER = re.compile(r"-[^\W\d]|\s?[+*^×÷]\s?\w|/\w|\s-\s\d|(?<=\d)[^\W\d_]")
"""Text that makes words part of a longer one or of a formula."""
_GAP = re.compile(r"(?![^\w]*[.!?;:]\s)[^\w\n]{0,4}(?:(?:an?|the)[^\w\n]{1,3})?", re.IGNORECASE)
"""Text allowed between two words of one option."""
FIRST = re.compile(r"(?:\A|[.!?:;,\n(\"'*])\s*\Z")
_ITEM = re.compile(r"(?:\A|[\n.!?:])[\s*]*(\d{1,2})[.)]\s+(?=[^\W\d])")
_WORD_BEFORE, _WORD_AFTER = re.compile(r"([^\W\d_]+)[ \t]+\Z"), re.compile(r"[ \t]+([^\W\d_]+)")
_COMMON = """
    red green blue yellow black white brown gray grey orange pink purple golden dark light bright big large
    huge small little tiny tall short long young old adult baby happy sad cute fluffy furry round
    wooden metal male female single lone left right upper lower top bottom first second third fourth last
    same other main correct real sunny cloudy rainy snowy
"""
_ADJECTIVES = frozenset(_COMMON.split())
"""Words that describe a noun without changing what it is."""
_COUNTED = re.compile(r"\b(?:figure|fig\.?|step|page|chapter|section|table|equation|no\.)\s+\Z", re.IGNORECASE)
"""Words that make the number after them a name ("figure 2")."""
_FUNCTION = re.compile(
    r"(?:an?|the|this|that|these|those|its?|his|her|their|my|your|one|two|three|no|not|is|are|was|were|be|being|been"
    r"|to|of|in|on|at|by|for|from|with|into|near|like|as|than|and|or|nor|but|so|thus|hence|therefore|then|because"
    r"|either|neither|both|just|only|very|more|most|less|rather|quite|also|would|should|will|must|might|may|could"
    r"|can|say|choose|pick|select|see|called|named|guess|colou?r|option|choice|answer|think|believe|definitely|it'?s"
    r"|what|which|there|here|i|we|you|he|she|they|un|une|le|la|el|ein|eine|der|die|das)",
    re.IGNORECASE,
)
_GOES_BEFORE = re.compile(rf"{_FUNCTION.pattern}|\w{{2,}}(?:ly|ing|ed|[^s]s)", re.IGNORECASE)
"""Words that may come before a noun. Any other word makes it part of a longer noun ("hot dog")."""
_GOES_AFTER = re.compile(
    r"(?:(?:is|are|was|were|be|has|have|had|and|or|nor|but|not|so|as|than|in|on|at|of|to|by|for|from|with|without|into"
    r"|near|next|over|under|behind|beside|before|after|above|below|inside|outside|between|during|through|while|when"
    r"|his|her|its|their|my|your"
    r"|that|which|who|whose|because|since|if|then|too|also|here|there|it|they|he|she|i|we|this|the|an?|can|could"
    r"|may|might|must|will|would|should|does|do|did|ok|okay|please|cannot|seems?|looks?|best|correct|right)\b"
    r"|\w{2,}(?:ly|ing|ed|[^s]s)(?=[ \t,]+\w))",
    re.IGNORECASE,
)
"""Words that may follow a noun. Any other word makes it part of a longer noun ("dog house")."""
_BEFORE_ONE = frozenset("是为有只个条匹头位张座辆的一在选和与或、")
_AFTER_ONE = frozenset("在是和与或的了正坐站跑走趴躺")
"""Characters allowed before and after a one-character Chinese option; others may make it part of a longer word."""


def whole(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter of an answer that is only a letter or an option."""
    exact = [label for label, choice in texts(choices) if choice.strip() == answer]
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
    same = [label for label, choice in texts(choices) if words and words_of(choice) == words]
    return same[0] if len(same) == 1 and not (len(words) == 1 and re.fullmatch("[a-z]", words[0])) else None


def in_words(answer: str, choices: Sequence[str]) -> Iterator[tuple[int, int, str, bool]]:
    """Yield the start, end and letter of each option found in words, and whether it is only part of a longer noun.

    If options contain one another ("cat" in "black cat"), the longest counts. Numbers of a list do not count.
    """
    tokens, numbered = list(_tokens(answer)), _numbered(answer)
    spans = [(start, end, label) for label, choice in texts(choices) for start, end in _spans(answer, tokens, choice)]
    reach, last = -1, (-1, -1)
    for first, after, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        start, end = tokens[first][1], tokens[after - 1][2]
        if (after > reach or (first, after) == last) and start not in numbered:
            reach, last = max(reach, after), (first, after)
            yield start, end, label, _is_part(answer, start, end)


def _numbered(answer: str) -> set[int]:
    """Return the positions of the item numbers of lists."""
    heads = [(match.start(1), int(match[1])) for match in _ITEM.finditer(answer)]
    steps = [(one, other) for (one, n), (other, m) in pairwise(heads) if m == n + 1]
    return {place for step in steps for place in step}


def _is_part(answer: str, start: int, end: int) -> bool:
    """Return whether a word is part of a longer noun, such as "dog" in "hot dog" and "dog house"."""
    word = answer[start:end].casefold()
    if word.isdecimal():
        return _COUNTED.search(answer, max(0, start - 16), start) is not None
    if not (word.isalpha() and word.isascii()):
        return False
    before, after = _WORD_BEFORE.search(answer, max(0, start - 32), start), _WORD_AFTER.match(answer, end)
    if before and not _GOES_BEFORE.fullmatch(before[1]) and before[1].lower() not in _ADJECTIVES:
        return True
    name = answer[start].isupper()
    if name and before and before[1].istitle() and not _FUNCTION.fullmatch(before[1]):
        return True  # "Times Square"
    if after is None:
        return False
    if name and after[1].istitle():
        return True  # "The White House"
    return word not in _ADJECTIVES and _GOES_AFTER.match(answer, after.start(1)) is None


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
        gaps = [(len(one[0]), answer[one[2] : other[1]]) for one, other in pairwise(run)]
        if not all(_GAP.fullmatch(gap) or (length == 1 and gap == ". ") for length, gap in gaps):  # "C. S. Lewis"
            continue
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if alone and before and before[2] == start and before[0] not in _BEFORE_ONE and before[0] > "\u3400":
            continue
        if alone and after and after[1] == start + 1 and after[0] not in _AFTER_ONE and after[0] > "\u3400":
            continue
        yield index, index + len(words)


@lru_cache(maxsize=1 << 14)  # every rotation of a question reads its options again
def words_of(text: str) -> tuple[str, ...]:
    """Return a text's normalized words."""
    return tuple(word for word, _, _ in _tokens(unicodedata.normalize("NFKC", text)))


def _tokens(text: str) -> Iterator[Token]:
    """Yield casefolded words without articles, whole numbers, and single Chinese characters."""
    for match in _WORD.finditer(text):
        word = match[0].casefold()
        article = word in _ARTICLES and _BEFORE_WORD.match(text, match.end())
        if not article or (match[0] == "A" and not FIRST.search(text[max(0, match.start() - 4) : match.start()])):
            yield word, match.start(), match.end()  # the "A" of "Box A" is not an article
