r"""Read the letter that an answer means, or nothing: where it is not written in so many words, nothing is guessed.

Looked for in this order: an answer that is a letter or an option and nothing else; a marked answer (`\boxed{}`,
tags, JSON, "final answer"); letters that are named as letters; options that are named in words.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from mmeval.scoring.readings.choices import LETTERS, NONE_OF_THEM, texts
from mmeval.scoring.readings.public import FAILED, REFUSALS


def strict(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter that the whole answer says, NONE_OF_THEM where it declines, or None. Linear in its length.

    A letter counts unless it is an article, a pronoun, a name ("Plan B", "Point A" among such options), is denied
    ("not A") or part of the options repeated. Named options count by whole words, the longest where one contains
    another, unless denied. Two of them, or two letters, say nothing, unless one is led up to ("the answer is") or
    marked; and so does a letter after the words of another option.
    """
    if FAILED in text:
        return None
    if any(refusal.lower() in text.lower() for refusal in REFUSALS):
        return NONE_OF_THEM
    answer = _plain(text)
    return _whole(answer, choices) or _marked(answer, choices) or _stated(answer, choices)


MOST = 200
"""Letters looked at in one answer: a model that repeats itself says nothing new after that."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_TOKENS = re.compile(r"<\|?/?[a-z_]{1,30}\|?>(?<!<answer>)(?<!</answer>)|\[/?INST\]", re.IGNORECASE)
_WRAPPED = re.compile(
    r"\\boxed\{(?:\\text\{)?([^{}]{1,200})\}|<answer>([^<>]{1,200})</answer>|\"answer\"\s*:\s*\"([^\"]{1,200})\"",
    re.IGNORECASE,
)
_FINAL = re.compile(r"\bfinal answer\b", re.IGNORECASE)

_MENTION = re.compile(r"(?<![A-Za-z0-9À-ɏ_])(?<![A-Za-z]['/])([A-Za-z])(?![A-Za-z0-9À-ɏ_+])(?!['/][A-Za-z])")
_CUE = re.compile(
    r"(?:\b(?:answer|ans|option|choice|choose|chose|select|pick|go with)(?:[\s:]+(?:is|was|be|option|choice|letter"
    r"|(?:should|would|will|must) be))*|答案|选项|选择|选)\s*(?:应该|应当)?[是为]?\s*[-–—:=]?[\s(\[{\"'*_`$【]*\Z",
    re.IGNORECASE,
)
"""What leads up to a letter."""
_DENIED = re.compile(
    r"(?:\b(?:not|neither|nor|never|except|than|instead of|rules? out|eliminates?|excludes?)|n't|不是|不选|排除)"
    r"[\s(\"'*]*(?:really |option |answer |choice )?(?:(?:an?|the|any) )*(?:一[只个])?[(\"'*]*\Z",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"[)\"'*]*\s*(?:(?:is|was|are|seems?|looks?)\s+(?:not\b|wrong|incorrect|false|ruled out|impossible)"
    r"|isn't|wasn't|cannot be|can't be|不对|不是|错)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:plan|vitamin|grade|hepatitis|team|group|class|type|point|section|figure|fig|panel|part|platform|terminal"
    r"|gate|room|block|box|building|exhibit|appendix|size|note|key|level|row|column|side|wing|tier|league|series)\s+\Z",
    re.IGNORECASE,
)
"""Nouns that a letter after them is the name of."""
_VERB = re.compile(
    r"\s+(?:is\s+(?:the|my|correct|right|best|true|most|also|clearly)|because|since|as|and|or|nor|seems?|looks?|would"
    r"|should|shows?|describes?|matches|fits)\b",
    re.IGNORECASE,
)
"""What follows a letter A, and no article."""
_WORD_NEXT = re.compile(r"\s+[A-Za-z]{2}")
_AND = re.compile(r"[)\"'*]*\s*(?:[,&|/、和或]|,?\s*(?:and|or|nor)\b)\s*(?:option |choice )?[(\"'*]*", re.IGNORECASE)
_LEADING = re.compile(r"\W{0,16}")
_CLOSED = re.compile(r"[)\]}\"'*_`$】]*\s*(?:[.,;:!)\n。，、]|\Z)")

_NUMBER = r"(?<![\w.])[-+]?\d+(?:[.,:/]\d+)*%?|\d+(?:[.,:/]\d+)*%?"
_WORD = re.compile(rf"{_NUMBER}|[^\W\d_\u3400-\u9fff]+(?:'[^\W\d_]+)*|[\u3400-\u9fff]")
_ARTICLES = frozenset(("a", "an", "the"))
_BEFORE_ONE = frozenset("是为有只个条匹头位张座辆的一在选和与或、")
"""What may stand before an option of one Chinese character; another may make it part of a longer word."""
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=\S))*[.!?。！？\n]?")
_UNSURE = re.compile(
    r"\b(?:don't|do not|cannot|can't|can not|couldn't|unable to|not able to) (?:\w+ )?"
    r"(?:know|tell|say|determine|see|identify|answer|decide)\b|\b(?:not sure|unsure|unclear|whether)\b|不知道|无法",
    re.IGNORECASE,
)

Token = tuple[str, int, int]
"""A word as it is compared, and where it begins and ends."""


def _plain(text: str) -> str:
    """Return the answer with one kind of quotation marks, nothing invisible, no thoughts and no special tokens."""
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    text = _INVISIBLE.sub("", text).rpartition("</think>")[2].partition("<think>")[0]
    return _TOKENS.sub(" ", text).strip()


def _whole(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter, or that of the option, that the answer is and nothing else."""
    exact = [label for label, choice in texts(choices) if choice.strip() == answer]
    core = answer.strip("".join(c for c in set(answer) if not c.isalnum() and c != "+"))
    if len(core) == 1 and core.isascii() and core.isalpha():
        label = core.upper() if core.upper() in LETTERS[: len(choices)] else None
        if core.isupper() and label:
            return label if not exact or exact == [label] else None
        if len(exact) != 1 and label:
            return label
        if core == NONE_OF_THEM:
            return NONE_OF_THEM
    if len(exact) == 1:
        return exact[0]
    words = _words(answer)
    same = [label for label, choice in texts(choices) if words and _words(choice) == words]
    return same[0] if len(same) == 1 and not _is_letter(words) else None


def _marked(answer: str, choices: Sequence[str]) -> str | None:
    inner = ["".join(match.groups(default="")) for match in _WRAPPED.finditer(answer)]
    if final := [match.end() for match in _FINAL.finditer(answer)]:
        inner = ["answer" + answer[final[-1] :]]  # the last one stands
    found = {_whole(text.strip(), choices) or _stated(text, choices) for text in inner}
    return found.pop() if len(found) == 1 else None


def _stated(answer: str, choices: Sequence[str]) -> str | None:
    unsure = _UNSURE.search(answer) is not None
    cued, bare = _letters(answer, choices)
    found = cued or (set() if unsure else bare)
    if len(found) > 1 or (unsure and not found):
        return None
    if found:
        label = found.pop()
        first = _SENTENCE.match(answer)
        words = _words(first[0]) if first else ()
        alike = words and not _is_letter(words)
        others = [other for other, choice in texts(choices) if alike and _words(choice) == words]
        return label if not others or label in others else None
    named = _named(answer, choices)
    return named.pop() if len(named) == 1 else None


def _letters(answer: str, choices: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the letters that something leads up to, and the others."""
    cued, bare, repeated = set[str](), set[str](), set[str]()
    end, listed = 0, False
    for match in itertools.islice(_MENTION.finditer(answer), MOST):
        label = match[1].upper()
        if label not in LETTERS[: len(choices)]:
            continue
        if not _AND.fullmatch(answer, end, match.start()) or not end:  # "A and B" is one mention of two letters
            before = answer[max(0, match.start() - 48) : match.start()]
            led, listed = _CUE.search(before) is not None, False
            counts = not _names_option(before, match[1], choices)
        else:
            listed = True
        end, choice = match.end(), choices[LETTERS.index(label)]
        own = _begins(answer[end : end + 2 * len(choice) + 8], choice)
        if counts and _is_label(answer, match, led or listed, own, choices):
            (cued if led else repeated if own else bare).add(label)
    return cued, bare | (repeated if len(repeated) == 1 else set())


def _is_label(answer: str, match: re.Match[str], led: bool, own: bool, choices: Sequence[str]) -> bool:
    """Return whether a letter stands for an option: it is not an article, a pronoun or a name, and is not denied."""
    before, after = answer[max(0, match.start() - 48) : match.start()], answer[match.end() : match.end() + 48]
    if _DENIED.search(before) or _WRONG.match(after) or _NAMED.search(before):
        return False
    found = match[1]
    if found in choices and choices.index(found) != LETTERS.index(found.upper()):
        return False
    closed = _CLOSED.match(after) is not None
    if found.islower():
        start = _LEADING.fullmatch(answer, 0, match.start()) is not None
        paired = before.endswith("(") and after.startswith(")")
        return (led and closed) or (start and (paired or after[:1] in tuple(".):") or own))
    if found == "I":
        return closed
    return found != "A" or own or not _WORD_NEXT.match(after) or _VERB.match(after) is not None


def _names_option(before: str, found: str, choices: Sequence[str]) -> bool:
    """Return whether the letter and the word before it are words of an option: "Point B"."""
    word = re.search(r"(\w+)\s+\Z", before)
    return word is not None and any(re.search(rf"(?i:\b{word[1]}\s+){found}\b", choice) for choice in choices)


def _is_letter(words: Sequence[str]) -> bool:
    """Return whether an option's text is a letter, which in an answer is more likely to be an option's label."""
    return len(words) == 1 and re.fullmatch("[a-zA-Z]", words[0]) is not None


def _begins(after: str, choice: str) -> bool:
    """Return whether what follows a letter is its own option."""
    words = _words(choice) or tuple(choice.split())
    return bool(words) and (_words(after)[: len(words)] == words or after.strip(" .):") == choice)


def _named(answer: str, choices: Sequence[str]) -> set[str]:
    """Return the options named in statements, without those inside a longer one and those denied."""
    found: set[str] = set()
    for sentence in _SENTENCE.findall(answer):
        if sentence.rstrip().endswith(("?", "？")):
            continue
        tokens = list(_tokens(sentence))
        spans = [(start, end, label) for label, choice in texts(choices) for start, end in _spans(tokens, choice)]
        reach, last = -1, (-1, -1)
        for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
            if end <= reach and (start, end) != last:
                continue  # "cat" in "black cat"
            reach, last = max(reach, end), (start, end)
            place = tokens[start][1]
            if not _DENIED.search(sentence[max(0, place - 48) : place]):
                found.add(label)
    return found


def _spans(tokens: Sequence[Token], choice: str) -> Iterator[tuple[int, int]]:
    """Yield where the option stands among the words, by their indices."""
    words = _words(choice)
    if not words or _is_letter(words):
        return
    alone = len(words) == 1 and "\u3400" <= words[0] <= "\u9fff"
    for index, (word, start, _) in enumerate(tokens):
        if word != words[0] or tuple(w for w, _, _ in tokens[index : index + len(words)]) != words:
            continue
        before = tokens[index - 1] if index else None
        if alone and before and before[2] == start and before[0] not in _BEFORE_ONE and before[0] > "\u3400":
            continue
        yield index, index + len(words)


@lru_cache(maxsize=1 << 14)  # an option is read at every turn of its question
def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word, _, _ in _tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    """Yield words in lower case, numbers whole and Chinese characters one by one, without articles."""
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).translate(_QUOTES)):
        word = match[0].casefold()
        if word not in _ARTICLES:
            yield word, match.start(), match.end()
