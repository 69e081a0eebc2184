r"""Replace every reference to an option by one character, so that the forms of answers are plain patterns.

"The answer is **(B) rabbit**." becomes "The answer is \ue001.", whether an option is named by its letter, its words or
both. Markup is removed. Where a letter may mean something else ("20 A", "vitamin C", a name, a formula), it is a bare
reference, which counts only where a form expects an answer, or no reference at all.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.readings.strict.languages import DECLARING
from mmeval.scoring.readings.strict.options import in_words

_NAMED, _BARE, _WORDS, _CLEAR = 0xE000, 0xE020, 0xE040, 0xE080
"""Code points for the first option: named by words or both; by a bare letter; in words, not yet joined; by a letter in
brackets, in bold or called an option."""
UNKNOWN, CLASH = "\ue060", "\ue061"
"""Several options, or a letter without an option; a letter beside the words of another option."""
NAMED, BARE, _IN_WORDS, CLEAR = "[\ue000-\ue019]", "[\ue020-\ue039]", "[\ue040-\ue059]", "[\ue080-\ue099]"
SURE = "[\ue000-\ue019\ue080-\ue099]"
ANY = "[\ue000-\ue039\ue060\ue080-\ue099]"
NO_REFERENCE = "[^\ue000-\ue0ff]"

_PRIVATE = re.compile("[\ue000-\uf8ff]")
_IDIOM = re.compile(
    r"\b(?:that'?s|that is|(?:you|she|he|they|I|we)(?:'re|'s|'m| are| is| am)|all) right\b|\Aright[,!] (?=\w)|°",
    re.IGNORECASE,
)
_INITIALS = re.compile(r"\b(?:[A-Z]\.\s?){2,}(?=[A-Z][a-z])")
_LETTER_IN = re.compile(
    r"(?<!part )(?<!step )(?<!question )(?:(?<![\w)\]])|(?<=[\u3400-\u9fff]))(?:(?i:\b(?:answer\s)?(?:option"
    r"|choice))\s+|选项\s*)?[*_]{0,4}+[(\[【{][*_\s]{0,8}+([A-Za-z])[*_\s]{0,8}[)\]】}][*_]{0,4}"
    r"|(?i:\b(?:option|choice))\s+[\"'*_]*([A-Za-z])\b(?!')[\"'*_]*|选项\s*([A-Z])(?![A-Za-z])"
    r"|(?<![\w*])\*\*([A-Z])\*\*(?!\w)"
)
_PICTURED = re.compile(
    r"\b(?i:the )?(?i:image|picture|photo|panel|point|figure|box|shape|object|region|graph|diagram|curve|drawing"
    r"|tile|piece) [\"']?([A-Z])\b(?!')[\"']?"
)
"""A letter that is marked in the picture, where options have no words."""
_LETTER = re.compile(
    r"(?<![A-Za-z0-9À-ɏ_&/+^×÷<>°|\\])(?:(?<!=)|(?<=nswer=))(?<!\d[ \t])(?<![A-Za-z][.'])(?<!-)"
    r"(?:[A-Z]|(?<=is\s)(?:a(?=\.\s*\Z)|[b-z](?=[.\s]*\Z))|(?:(?<=:)|(?<=:\s))[a-z](?=[.\s]*\Z)|(?<=\A)[a-z](?=[).:])"
    r"|(?<=is\s[\"'])[a-z](?=[\"']))"
    r"(?![A-Za-z0-9À-ɏ_&/+^×÷♭♯]|['-](?!d[iıuü]r|t[iıuü]r)\w|\.[A-Za-z]|\(\w|\s?[=^×÷+<>|]|\s[*-]\s\d)"
)
"""A letter that stands alone and is no unit, initial or part of a formula."""
_OR = r"(?:and|or|nor|und|oder|et|ou|y|o|и|или|lub|veya|atau|hoặc|أو)"
_ARTICLE = re.compile(
    r"[ \t]+(?!(?:is|was|are|seems?|looks?|would|should|must|has to|matches|fits|best|shows|has|contains"
    r"|completes|corresponds|satisfies|meets|works|follows|remains"
    r"|because|since|as|but)\b|" + _OR + r"\b)[A-Za-z0-9\ue040-\ue059]"
)
"""What follows an A or an I that is a word."""
_NOUN = re.compile(
    rf"(?i)(?<!\w)(?:point|image|picture|box|option|choice|letter|{'|'.join(one.answer for one in DECLARING.values())}"
    r"|adalah|to|makes|là|este?|ist) \Z"
)
"""Words after which an A is a letter."""
_ENDS = re.compile(r"[)\]\"'*.]*\s*(?:[.,;:!\n]|$)")
_SENTENCE_AFTER = re.compile(r"(?<=[)\]])\s+[A-Z]")
_TEXT_AFTER = re.compile(r"(?<=[)\]])\s*(?!(?:is|was|and|or|can|does|if)\b)\w")
_MARKUP = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|`+|\$+|\\[()\[\]]|(?m:^\s{0,40}(?:#+|>|[-•*]\s))|</?[a-z_]{1,30}>")
_LETTER_WORDS = re.compile(
    rf"({SURE}|{BARE})([)\]]?[\"']?\s?(?:[.:,、|)/]|[-–—=]+|\s)?\s*[\"'(]?(?:(?:an?|the|it is|which is)\s)?[\"'(]?)"
    rf"({_IN_WORDS})(?P<closed>[\"')]*\s*(?=[.,;:!)\n。]|$))?",
    re.IGNORECASE,
)
_WORDS_LETTER = re.compile(
    rf"({_IN_WORDS})[\"']?\s*[,:-]?\s*(?:\(?(?:which (?:is|corresponds to|matches)|corresponding to|i\.e\.,?)\s*)?"
    rf"(?:\(?({SURE})\)?|\(({BARE})\)|(?:option |choice )({BARE}))",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    r"(?mi)^([^\w\n]{0,4}[A-Z]\b[^\w\n.)]{0,4})[.)]"
    r"(?=[ \t*]+(?:yes|no|true|false|correct|incorrect|right|wrong)\b\W*?$)"
)
"""The letter of a line that only says whether its option is right."""
_ABBREVIATED = re.compile(r"(?i)\bans\.(?=\s)")
_QUOTED = re.compile(rf"[\"']\s*({ANY})\s*[.]?\s*[\"']")
_TWICE = re.compile(rf"({SURE}|{BARE})((?:[ \t]*[.:,;)]?[ \t]*\1)+)(?![ \t]*\w)")
_SEVERAL = re.compile(
    rf"({ANY})((?:\s*(?:[,/&|、或和与→:]|\n(?=\s*{ANY}[.)]?\s*(?:\n|\Z))|,?\s*{_OR}\b|或者|または)\s*(?:(?:the|an?) )?"
    rf"(?:(?:options?|choices?|answers?|points?|images?|pictures?|box(?:es)?|figures?|panels?) )?{ANY})+)",
    re.IGNORECASE,
)
_INTRODUCED = re.compile(
    rf"(?i)(?::|(?<=answer)|(?<=response)|(?<=conclusion))\s*\n\s*({ANY})(?![^\n]*\n\s*(?!\1){ANY})"
)
"""The end of a line that introduces the answer on the next one, unless that opens a list."""


def references(answer: str, choices: Sequence[str]) -> str:
    """Return the answer with each reference replaced, and without markup."""
    answer = _with_words(_ABBREVIATED.sub("ans:", _IDIOM.sub("", _PRIVATE.sub("", answer))), choices)
    if len(_JUDGED.findall(answer)) > 2:  # "A. No\nB. Yes" may list the options
        answer = _JUDGED.sub(r"\1:", answer)
    answer = _with_letters(_INITIALS.sub("", answer), choices)
    answer = _WORDS_LETTER.sub(_followed, _LETTER_WORDS.sub(_joined, answer))
    answer = re.sub(_IN_WORDS, lambda match: chr(ord(match[0]) - _WORDS + _NAMED), answer)
    answer = _TWICE.sub(r"\1", _QUOTED.sub(r"\1", answer))
    return _INTRODUCED.sub(r": \1", _SEVERAL.sub(_unless_same, answer))


def option_index(reference: str) -> int:
    """Return the index of the option that a reference names; -1 if it names several or none."""
    return -1 if reference in (UNKNOWN, CLASH) else (ord(reference) - _NAMED) % 0x20


def _with_words(answer: str, choices: Sequence[str]) -> str:
    """Replace the words of options. Words that two options share name neither, unless they are the text of one."""
    parts, last = [], 0
    for (start, end), matches in groupby(in_words(answer, choices), key=lambda match: match[:2]):
        labels = [LETTERS.index(label) for _, _, label in matches]
        same = [index for index in labels if choices[index].casefold() == answer[start:end].casefold()]
        if start >= last and (unique := (same if len(labels) > 1 else labels)[:1]):
            parts += [answer[last:start], chr(_WORDS + unique[0])]
            last = end
    return "".join(parts) + answer[last:]


def _with_letters(answer: str, choices: Sequence[str]) -> str:
    """Replace letters and remove markup."""
    new = _SENTENCE_AFTER if any(choices) else _TEXT_AFTER

    def clear(match: re.Match[str]) -> str:
        index = LETTERS.index(next(filter(None, match.groups())).upper())
        opens = not answer[: match.start()].strip() and new.match(answer, match.end())
        return (UNKNOWN if index >= len(choices) else chr(_CLEAR + index)) + ("." if opens else "")

    def bare(match: re.Match[str]) -> str:
        index = LETTERS.index(match[0].upper())
        word = (
            match[0].upper() in "AI"
            and _ARTICLE.match(plain, match.end())
            and not _NOUN.search(plain[: match.start()][-20:])
        )
        if index >= len(choices) and not word and _ENDS.match(plain, match.end()):
            return UNKNOWN
        other = match[0] in choices and choices.index(match[0]) != index
        return match[0] if word or other or index >= len(choices) else chr(_BARE + index)

    if not any(choices):
        answer = _PICTURED.sub(r"option \1", answer)
    plain = re.sub(r"[ \t]+", " ", _MARKUP.sub(" ", _LETTER_IN.sub(clear, answer))).strip()
    return _LETTER.sub(bare, plain)


def _joined(match: re.Match[str]) -> str:
    """Return a letter and the words after it as one reference, or as a clash if they are of different options."""
    between, index, closed = match[2], ord(match[3]) - _WORDS, match["closed"]
    if closed is None and re.search(r"(?i)\n|\.\s+(?:an?|the)\s", between):
        return match[0]  # "B. The rabbit sits in the grass."
    if option_index(match[1]) == index:
        return chr(_NAMED + index) + re.sub("[\"']", "", closed or "")
    return match[0] if closed is None or "\n" in between else CLASH + closed


def _followed(match: re.Match[str]) -> str:
    """Return words and the letter after them as one reference, or as a clash."""
    index = ord(match[1]) - _WORDS
    return chr(_NAMED + index) if option_index(match[2] or match[3] or match[4]) == index else CLASH


def _unless_same(match: re.Match[str]) -> str:
    """Return several options in a row as unknown, unless they are all the same."""
    return match[0] if len(set(map(option_index, re.findall(ANY, match[0])))) == 1 else UNKNOWN
