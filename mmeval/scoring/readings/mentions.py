"""Find where an answer mentions the options, by letter or in words, and whether it affirms them."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mmeval.scoring.readings.choices import LETTERS
from mmeval.scoring.readings.options import FIRST, in_words


@dataclass(frozen=True)
class Mention:
    """A place where an answer mentions an option."""

    label: str
    """The option's letter; empty for a letter without an option."""
    start: int
    end: int
    letter: bool
    """Whether it has the option's letter."""
    own: bool
    """Whether it has the option's words."""
    bare: bool = False
    """Whether it is a letter within a sentence or part of a longer noun, which is no evidence alone."""
    contradicts: bool = False
    """Whether it joins the letter of one option to the words of another."""
    void: bool = False
    """Whether it is denied, doubted or asked."""
    article: bool = False
    """Whether the letter is an article, unless its option's words follow."""
    several: bool = False
    """Whether it is one of several in a row: "A or B", or the options repeated."""
    listed: bool = False
    """Whether it is in a list that repeats the options."""
    begin: int = 0
    stop: int = 0
    """The start and end of its sentence."""


MOST = 200
"""Maximum number of letters examined from each end of an answer."""
_LETTER = re.compile(r"(?<![A-Za-z0-9À-ɏ_])(?<![A-Za-z]')([A-Za-z])(?![A-Za-z0-9À-ɏ_])")
_OTHER_BEFORE = re.compile(
    r"(?:\d\s?°?\s?|°\s?|[A-Za-z][.'&/-]|[+/^|×÷∪∩∠\\]\s?|[\w)]\s?\*\s|(?<![A-Za-z])[A-Za-z]{1,3}\("
    r"|(?<![A-Za-z])[A-Za-z)]\s?[=<>]\s?|\b(?:Dr|Mr|Mrs|Ms|Prof|St|Jr|e\.g)\.\s)\Z"
)
"""Text that makes the letter after it a unit, an initial or part of a formula."""
_INITIALS = re.compile(r"\b(?:[A-Z]\.\s){2,}(?=[A-Z][a-z])")
_OTHER_AFTER = re.compile(r"['-]\w|\.[A-Za-z]|&\w|/\w|\s?[+^×÷∪∩=]|\||\s?[<>]\s?\w|\s\*\s\w|\(\w|\s-\s\d")
_NAMED = re.compile(
    r"\b(?:plan|vitamin|grade|hepatitis|team|group|class|type|point|section|figure|fig|panel|part|platform"
    r"|terminal|gate"
    r"|room|block|box|building|exhibit|appendix|size|note|key|level|row|column|side|wing|tier|league|series"
    r"|angle|area"
    r"|matrix|set|variable|letter|label(?:l?ed)?|node|vertex|event|line|circle|triangle|image|picture|marked"
    r"|person)\s+\Z",
    re.IGNORECASE,
)
"""Nouns that make the letter after them a name ("vitamin C"), unless the letter is in brackets or bold."""
_WRAPPED = re.compile(r"(?:[(\[【]|\*\*|\b(?:option|choice|answer)s?[\s*(\"']{1,4}|选项\s?|选)[*\"']*\Z", re.IGNORECASE)
_BEGINS = re.compile(
    r"(?:\A|[.,;:!?。、\n>]|\b(?:so|thus|hence|therefore|then|but|is|be))[\s*\"'_#-]*\Z", re.IGNORECASE
)
_ENDS = re.compile(
    r"[)\]\"'*_`】]*\s*(?:[.,;:!)\n。、]|\Z|选项|项|(?:is|was) (?:the (?:\w+ )?(?:answer|option|choice|correct"
    r"|right|best|one|only|most|closest)|my|correct|right|best|true|most|more|clearly|shown|\w+er)\b|(?:seems?"
    r"|looks?|would|should|matches|fits)\b)",
    re.I,
)
_CLOSED = re.compile(r"[)\]}\"'*_`$】]*\s*(?:[.,;:!)\n。、]|\Z)")
_ARTICLE = re.compile(
    r"[ \t]+(?!(?:is|was|because|since|seems?|looks?|would|should|matches|fits|and|or|nor)\b)[A-Za-z]{2}"
)

_JOIN = re.compile(
    r"[)\]}\"'*_`$】]*[ \t]*(?:[.:,)、|-]|--|[–—])?[)\]\"'*_ \t]*\s{0,2}[\"'*_(]*(?P<article>(?:the"
    r"|an?)\s+)?[\"'*_(]*",
    re.I,
)
"""Text allowed between a letter and the words that belong to it."""
_PAREN = re.compile(
    r"[\"'*_]*\s*[,:-]?\s*(?:[\"'*]*[(\[][\"'*]*(?:option |choice )?"
    r"|(?:i\.e\.|namely|(?:which |this )?(?:is|corresponds to|corresponding to|matches)),? (?:option|choice"
    r"|answer) [(\"'*]*)",
    re.IGNORECASE,
)
"""Text allowed between words and the letter that belongs to them."""
_AND = re.compile(
    r"[)\]\"'*]*\s*(?:[,&|/、和或与]|,?\s*(?:and|or|nor|and/or|through)\b)\s*(?:option |choice |point |a |an "
    r"|the )*[(\[\"'*]*",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"(?:\b(?:answer|option|choice|letter)(?: is)?|[:(])[\s:*\"'(]*\Z", re.IGNORECASE)
_LED = re.compile(
    r"(?:\b(?:is|be|(?:left|go|going|went) with|choose|pick|select|answer|ans)|[:=是为选])[\s*\"'$(]*\Z", re.IGNORECASE
)

_DENIED = re.compile(
    r"(?:\b(?:not|neither|nor|no|never|anything but|everything but|(?:true|false|wrong|incorrect) that|except"
    r"|than|instead of|rather than|unlike|without|compared (?:to|with)"
    r"|(?:apart|aside|differs?|different) from|other than|besides|nothing like|resembl\w*"
    r"|(?:rul(?:es?|ed|ing) out|(?:eliminat|exclud|discard|reject)\w*)|cannot be)|n't|不是|不(?:应该?|能"
    r"|该|可)?选|不可能是?|排除|而非|非|没有|没)"
    r"[\s(\"'*]*(?:be |really |option |answer |choice |point |correspond to )*(?:(?:an?|the"
    r"|any) )*(?:一[只个])?[(\[\"'*]*\Z"
    r"|\bboth (?:of )?(?:the )?(?:options? |choices? |images? )?[(\"'*]*\Z|\bso (?:is|are|does)\s*\Z"
    r"|\b(?:in contrast to|as opposed to)\b[^.,;!?\n]{0,40}\Z|\b(?:neither|nobody|no one|none of|all of)\b[^.,!?\n]*\Z"
    r"|\b(?:don't|do not|doesn't|didn't) (?:think|believe)\b[^.!?\n]*\Z|\bdoubt\b[^.!?\n]*\Z"
    r"|(?:\b(?:is|was|are|am|should|would|will|can) ?not|n't)\b(?:(?!\b(?:but|rather|only)\b)[^.,;:!?\n]){0,40}\Z",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"[)\]\"'*]*(?:\s\([^()\n]{1,160}\)|,\s(?:which|who)\s[^,.;\n]{1,80},)?\s*(?:选项|项)?[是,]?\s*(?:[❌✗✘]"
    r"|[:–—-]+\s*(?:no\s*[.,;\n]|wrong|incorrect|false)|(?:is|was|are|seems?"
    r"|looks?|can|does|do|has|would|should|could|appears?)\s+"
    r"(?:(?:also|clearly|to be|be|therefore|thus)\s+)*(?:not\b|wrong|incorrect|false|ruled out|impossible"
    r"|unlikely|eliminated"
    r"|excluded|(?:the )?least|less|\w+er than|more \w+ than|too|absent|missing|possible)|(?:is|was"
    r"|does|has|would|should|could)n't|cannot|can't"
    r"|lacks?\b|fails?\b"
    r"|would need|might|may\b|or\b|不对|不是|不正确|错|有误|排除)",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:might|may|could|maybe|perhaps|possibly|whether|if|unless|assuming|suppose|either|between"
    r"|which of|can't tell|for example|mistake"
    r"|(?:people|someone|somebody|others|many|some) (?:\w+ ){0,2}(?:say|choose|pick|think|guess|answer))\b"
    r"|可能|也许|或许|好像|似乎|大概|如果|是否|假如",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(r"\W*(?:for example\W+)?if (?!i\b|we\b|both\b)", re.IGNORECASE)
_CLAUSE = re.compile(r".*(?:[,;:，；：]|\bbut\b|\bso\b|(?<=then)\b)", re.IGNORECASE | re.DOTALL)
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=[^\s]))*[.!?。！？\n]?")


def mentions(answer: str, choices: Sequence[str]) -> list[Mention]:
    """Return the answer's mentions of the options, in order."""
    words = list(in_words(answer, choices))
    apart = [(start, end) for start, end, _, _ in words] + [match.span() for match in _INITIALS.finditer(answer)]
    inside = frozenset(place for start, end in apart for place in range(start, end))
    found = [
        Mention(label, start, end, letter=False, own=True, bare=part or _is_particle(answer, start, end))
        for start, end, label, part in words
    ]
    found += _letters(answer, choices, inside)
    found = _joined(answer, sorted(found, key=lambda mention: mention.start))
    ends = [match.end() for match in _SENTENCE.finditer(answer) if match[0]]
    return _judged(answer, found, _listed(answer, found), [0, *ends])


def _is_particle(answer: str, start: int, end: int) -> bool:
    """Return whether a yes or no is part of a sentence: "there is no cat"."""
    if answer[start:end].casefold() not in ("yes", "no"):
        return False
    before = answer[max(0, start - 48) : start]
    return not (_BEGINS.search(before) or _LED.search(before)) or not _CLOSED.match(answer, end)


def _letters(answer: str, choices: Sequence[str], inside: frozenset[int]) -> Iterator[Mention]:
    """Yield the letters that denote an option, not a pronoun, unit, initial, name or part of a formula."""
    labels = LETTERS[: len(choices)]
    matches = list(_LETTER.finditer(answer))
    for match in matches if len(matches) <= 2 * MOST else (*matches[:MOST], *matches[-MOST:]):
        start, end = match.span(1)
        before, after = answer[max(0, start - 48) : start], answer[end : end + 48]
        if start in inside or _OTHER_BEFORE.search(before) or _OTHER_AFTER.match(after):
            continue
        closed, wrapped = _CLOSED.match(after) is not None, _WRAPPED.search(before) is not None
        if match[1].islower() and not (closed and (wrapped or not before.strip() or _LED.search(before))):
            continue
        if match[1] == "a" and not after and before.strip() and not _ANSWER.search(before):
            continue  # an answer cut off before its noun
        if match[1] == "I" and not closed:
            continue
        if match[1] in choices and choices.index(match[1]) != LETTERS.index(match[1].upper()):
            continue
        named = _NAMED.search(before) is not None
        if named and not wrapped:
            continue
        label = match[1].upper() if match[1].upper() in labels else ""
        article = match[1] == "A" and _ARTICLE.match(after) is not None and not wrapped
        sure = wrapped or _LED.search(before) is not None or (_BEGINS.search(before) and _ENDS.match(after) is not None)
        bare = not sure or (not label and not closed)
        yield Mention(label, start, end, letter=True, own=False, bare=bare, article=article)


def _joined(answer: str, found: Sequence[Mention]) -> list[Mention]:
    """Join letters with adjacent words. A letter and words of different options make a mention that contradicts."""
    joined: list[Mention] = []
    for mention in found:
        last = joined[-1] if joined else None
        if mention.article and last and last.letter and _JOIN.fullmatch(answer, last.end, mention.start):
            continue  # "B. A red bus"
        first = last and last.article and FIRST.search(answer, max(0, last.start - 4), last.start)
        if first and last and last.label != mention.label and answer[last.end : mention.start].isspace():
            joined[-1] = mention  # "A dog"
            continue
        if last is None or last.letter == mention.letter or last.contradicts or (last.letter and last.own):
            joined.append(mention)
            continue
        between = _JOIN if last.letter else _PAREN
        match = between.fullmatch(answer, last.end, mention.start)
        closed = _CLOSED.match(answer, mention.end) is not None
        running = last.letter and not closed and ((match and match["article"]) or (last.bare and not last.label))
        if (
            match is None
            or (running and last.label != mention.label)
            or (last.letter and "\n" in match[0] and not closed)
        ):
            joined.append(mention)
            continue
        label = last.label if last.letter else mention.label
        same = last.label == mention.label
        if last.letter and last.bare and not same and not closed:
            joined.append(mention)
            continue
        joined[-1] = Mention(label, last.start, mention.end, letter=True, own=same, contradicts=not same)
    return [mention for mention in joined if not mention.article and (mention.label or not mention.bare)]


def _listed(answer: str, found: Sequence[Mention]) -> set[int]:
    """Return the indices of mentions that repeat the options: A, B, ... in a row, or each at the start of a line."""
    listed: set[int] = set()
    letters = [index for index, mention in enumerate(found) if mention.letter]
    for one, other in pairwise(letters):
        first, second = found[one], found[other]
        between = answer[first.end : second.start]
        follows = first.label and second.label and ord(second.label) == ord(first.label) + 1
        in_row = first.own and second.own and not re.search(r"\w", between)
        in_lines = all(_LINE.search(answer, max(0, each.start - 16), each.start) for each in (first, second))
        headed = all(
            _HEAD.search(answer, max(0, each.start - 8), each.start) and _HEADED.match(answer, each.start + 1)
            for each in (first, second)
        )
        if follows and (first.label == "A" or one in listed) and (in_row or in_lines or headed):
            listed |= {one, other}
    return listed


_HEAD, _HEADED = re.compile(r"(?:\A|[.,;:\n])\s*\(?\Z"), re.compile(r"\s?[.:)]\s")
_LINE = re.compile(r"(?:\A|\n)[\s*>#(\[-]*(?:Option )?\(?\Z")


def _judged(answer: str, found: Sequence[Mention], listed: set[int], ends: Sequence[int]) -> list[Mention]:
    """Add to each mention its sentence, and whether it is void or one of several."""
    judged: list[Mention] = []
    for index, mention in enumerate(found):
        place = bisect_right(ends, mention.start)
        begin, stop = ends[place - 1], ends[place] if place < len(ends) else len(answer)
        last = judged[-1] if judged else None
        together = last is not None and _AND.fullmatch(answer, last.end, mention.start) is not None
        before, after = answer[max(begin, mention.start - 160) : mention.start], answer[mention.end : mention.end + 48]
        asked = answer[begin:stop].rstrip().endswith(("?", "？"))
        clause = _CLAUSE.match(before)
        doubt = _DOUBT.search(before[clause.end() :] if clause else before) or _SUPPOSED.match(answer, begin)
        void = asked or doubt is not None or _DENIED.search(before) is not None or _WRONG.match(after) is not None
        if together and last and last.label != mention.label:
            judged[-1] = replace(last, several=True)
            void = void or last.void
        several = index in listed or (together and last is not None and (last.several or last.label != mention.label))
        judged.append(replace(mention, void=void, several=several, listed=index in listed, begin=begin, stop=stop))
    return judged
