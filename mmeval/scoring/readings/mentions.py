"""Where an answer speaks of the options, by letter or in words, and whether it affirms them."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from mmeval.scoring.readings.choices import LETTERS, texts


@dataclass(frozen=True)
class Mention:
    """A place where an answer speaks of an option."""

    label: str
    """The option's letter; nothing for a letter that no option has."""
    start: int
    end: int
    letter: bool
    """Whether the letter is written."""
    own: bool
    """Whether the option's words are."""
    bare: bool = False
    """Whether it is a letter within a sentence, which alone says nothing."""
    contradicts: bool = False
    """Whether the letter of one option and the words of another stand together."""
    void: bool = False
    """Whether it is denied, doubted or asked."""
    article: bool = False
    """Whether it is an article, unless the words of its option follow."""
    several: bool = False
    """Whether it is one of several in a row: "A or B", or the options repeated."""
    listed: bool = False
    """Whether it is so in a list of the options."""
    begin: int = 0
    stop: int = 0
    """Where its sentence begins and ends."""


MOST = 200
"""Letters looked at from each end of an answer."""
_LETTER = re.compile(r"(?<![A-Za-z0-9À-ɏ_])(?<![A-Za-z]')([A-Za-z])(?![A-Za-z0-9À-ɏ_])")
_OTHER_BEFORE = re.compile(
    r"(?:\d\s?°?\s?|°\s?|[A-Za-z][.'&/-]|[+/^|×÷∪∩∠\\]\s?|[\w)]\s?\*\s|(?<![A-Za-z])[A-Za-z]{1,3}\("
    r"|(?<![A-Za-z])[A-Za-z)]\s?[=<>]\s?|\b(?:Dr|Mr|Mrs|Ms|Prof|St|Jr)\.\s)\Z"
)
"""What makes a letter after it a unit, an initial or part of a formula."""
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
"""Nouns that a letter after them is the name of, unless the options have that name."""
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
"""What may stand between a letter and the words that belong to it."""
_PAREN = re.compile(
    r"[\"'*_]*\s*[,:-]?\s*(?:[\"'*]*[(\[][\"'*]*(?:option |choice )?"
    r"|(?:i\.e\.|namely|(?:which |this )?(?:is|corresponds to|corresponding to|matches)),? (?:option|choice"
    r"|answer) [(\"'*]*)",
    re.IGNORECASE,
)
"""What may stand between words and the letter that belongs to them."""
_AND = re.compile(
    r"[)\]\"'*]*\s*(?:[,&|/、和或与]|,?\s*(?:and|or|nor|and/or|through)\b)\s*(?:option |choice |point |a |an "
    r"|the )*[(\[\"'*]*",
    re.IGNORECASE,
)

_DENIED = re.compile(
    r"(?:\b(?:not|neither|nor|no|never|anything but|everything but|(?:true|false|wrong|incorrect) that|except"
    r"|than|instead of|rather than|unlike|without|compared (?:to|with)"
    r"|(?:apart|aside|differs?|different) from|other than|besides|nothing like"
    r"|(?:rul(?:es?|ed|ing) out|(?:eliminat|exclud|discard|reject)\w*)|cannot be)|n't|不是|不(?:应该?|能"
    r"|该|可)?选|不可能是?|排除|而非|非|没有|没)"
    r"[\s(\"'*]*(?:be |really |option |answer |choice |point |correspond to )*(?:(?:an?|the"
    r"|any) )*(?:一[只个])?[(\[\"'*]*\Z"
    r"|\bboth (?:of )?(?:the )?(?:options? |choices? |images? )?[(\"'*]*\Z|\bso (?:is|are|does)\s*\Z"
    r"|\b(?:in contrast to|as opposed to)\b[^.,;!?\n]{0,40}\Z|\b(?:neither|none of|no one of|all of)\b[^.,!?\n]*\Z"
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
    r"|excluded|(?:the )?least|less|too|absent|missing|possible)|(?:is|was|does|has|would|should|could)n't|cannot|can't"
    r"|lacks?\b|fails?\b"
    r"|would need|might|may\b|or\b|不对|不是|不正确|错|有误|排除)",
    re.IGNORECASE,
)
DOUBT = re.compile(
    r"\b(?:might|may|could|maybe|perhaps|possibly|whether|if|unless|assuming|suppose|either|between"
    r"|which of|can't tell|for example)\b"
    r"|可能|也许|或许|好像|似乎|大概|如果|是否|假如",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(r"\W*(?:for example\W+)?if (?!i\b|we\b|both\b)", re.IGNORECASE)
_CLAUSE = re.compile(r".*(?:[,;:，；：]|\bbut\b|\bso\b|(?<=then)\b)", re.IGNORECASE | re.DOTALL)
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=[^\s]))*[.!?。！？\n]?")

_NUMBER = r"(?<![\w.])[-+]?\d+(?:[.,:/]\d+)*%?|\d+(?:[.,:/]\d+)*%?"
_WORD = re.compile(rf"{_NUMBER}|[^\W\d_\u3400-\u9fff]+(?:'[^\W\d_]+)*|[\u3400-\u9fff]")
_ARTICLES = frozenset(("a", "an", "the"))
_BEFORE_WORD = re.compile(r"[ \t]+(?!(?:is|was|has|and|or)\b)[^\W_]")
_PART_BEFORE = re.compile(r"\w(?:-|\s?[+*/^×÷]\s?)\Z|\d\s-\s\Z")
_PART_AFTER = re.compile(r"-[^\W\d]|\s?[+*^×÷]\s?\w|/\w|\s-\s\d")
"""What makes words a part of a longer one, or of a formula."""
_GAP = re.compile(r"(?![^\w]*[.!?;:]\s)[^\w\n]{0,4}(?:(?:an?|the)[^\w\n]{1,3})?", re.IGNORECASE)
"""What may stand between two words of one option."""
_FIRST = re.compile(r"(?:\A|[.!?:;,\n(\"'*])\s*\Z")
_YES_NO = (("yes",), ("no",))
_ITEM = re.compile(r"(?:\A|[\n.!?:])[\s*]*(\d{1,2})[.)]\s+(?=[^\W\d])")
_WORD_BEFORE, _WORD_AFTER = re.compile(r"([^\W\d_]+)[ \t]+\Z"), re.compile(r"[ \t]+([^\W\d_]+)")
_ADJECTIVES = frozenset(
    """red green blue yellow black white brown gray grey orange pink purple golden dark light bright big large huge
    small little tiny tall short long young old adult baby happy sad cute fluffy furry round square wooden metal male
    female single lone left right upper lower top bottom first second third fourth last same other main correct real
    sunny cloudy rainy snowy""".split()
)
_GOES_BEFORE = re.compile(
    r"(?:an?|the|this|that|these|those|its?|his|her|their|my|your|one|two|three|no|not|is|are|was|were|be|being|been"
    r"|to|of|in|on|at|by|for|from|with|into|near|like|as|than|and|or|nor|but|so|thus|hence|therefore|then|because"
    r"|either|neither|both|just|only|very|more|most|less|rather|quite|also|would|should|will|must|might|may|could"
    r"|can|say|choose|pick|select|see|called|named|guess|colou?r|option|choice|answer|think|believe|definitely|it'?s"
    r"|what|which|there|here|i|we|you|he|she|they|un|une|le|la|el|ein|eine|der|die|das"
    r"|\w{2,}(?:ly|ing|ed|[^s]s))",
    re.IGNORECASE,
)
"""Words after which a noun may stand alone; another makes it a part of a name, as "hot" does of a dog."""
_GOES_AFTER = re.compile(
    r"(?:(?:is|are|was|were|be|has|have|had|and|or|nor|but|not|so|as|than|in|on|at|of|to|by|for|from|with|without|into"
    r"|near|next|over|under|behind|beside|before|after|above|below|inside|outside|between|during|through|while|when|his|her|its|their|my|your"
    r"|that|which|who|whose|because|since|if|then|too|also|here|there|it|they|he|she|i|we|this|the|an?|can|could"
    r"|may|might|must|will|would|should|does|do|did|cannot|seems?|looks?|best|correct|right)\b"
    r"|\w{2,}(?:ly|ing|ed|[^s]s)(?=[ \t,]+\w))",
    re.IGNORECASE,
)
"""Words that may follow a noun; another makes it a part of a longer one, as "house" does of a dog."""
_BEFORE_ONE = frozenset("是为有只个条匹头位张座辆的一在选和与或、")
_AFTER_ONE = frozenset("在是和与或的了正坐站跑走趴躺")
"""What may stand before and after an option of one Chinese character; another may make it part of a longer word."""

Token = tuple[str, int, int]
"""A word as it is compared, and where it begins and ends."""


def mentions(answer: str, choices: Sequence[str]) -> list[Mention]:
    """Return where the answer speaks of the options, in order."""
    numbered = _numbered(answer)
    words = [span for span in _in_words(answer, choices) if span[0] not in numbered]
    inside = [place for start, end, _ in words for place in range(start, end)]
    found = [
        Mention(label, start, end, letter=False, own=True, bare=_is_part(answer, start, end))
        for start, end, label in words
    ]
    found += _letters(answer, choices, frozenset(inside))
    found = _joined(answer, sorted(found, key=lambda mention: mention.start))
    ends = [match.end() for match in _SENTENCE.finditer(answer) if match[0]]
    return _judged(answer, found, _listed(answer, found), [0, *ends])


def _numbered(answer: str) -> set[int]:
    """Return where numbers count the items of a list."""
    heads = [(match.start(1), int(match[1])) for match in _ITEM.finditer(answer)]
    steps = [(one, other) for (one, n), (other, m) in pairwise(heads) if m == n + 1]
    return {place for step in steps for place in step}


def _is_part(answer: str, start: int, end: int) -> bool:
    """Return whether a word is a part of what is said: "there is no cat" of a no, "hot dog" and "dog house" of a dog."""
    words = words_of(answer[start:end])
    if words in _YES_NO:
        before = answer[max(0, start - 48) : start]
        return not (_BEGINS.search(before) or _LED.search(before)) or not _CLOSED.match(answer, end)
    if len(words) != 1 or not words[0].isalpha() or not words[0].isascii():
        return False
    before, after = _WORD_BEFORE.search(answer, max(0, start - 32), start), _WORD_AFTER.match(answer, end)
    if after is not None and answer[start].isupper() and after[1][0].isupper() and not after[1].isupper():
        return True  # "The White House"
    compound = before is not None and not (_GOES_BEFORE.fullmatch(before[1]) or before[1].lower() in _ADJECTIVES)
    return compound or (after is not None and words[0] not in _ADJECTIVES and not _GOES_AFTER.match(answer, after.start(1)))


def _letters(answer: str, choices: Sequence[str], inside: frozenset[int]) -> Iterator[Mention]:
    """Yield the letters that stand for an option: no article, pronoun, unit, initial, name or part of a formula."""
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
            continue  # an answer that was cut before its noun
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


_ANSWER = re.compile(r"(?:\b(?:answer|option|choice|letter)(?: is)?|[:(])[\s:*\"'(]*\Z", re.IGNORECASE)
_LED = re.compile(r"(?:\b(?:is|be|(?:left|go|going|went) with|choose|pick|select|answer|ans)|[:=是为选])[\s*\"'$(]*\Z", re.IGNORECASE)


def _joined(answer: str, found: Sequence[Mention]) -> list[Mention]:
    """Return the mentions, a letter and the words beside it as one; beside those of another option it contradicts."""
    joined: list[Mention] = []
    for mention in found:
        last = joined[-1] if joined else None
        if mention.article and last and last.letter and _JOIN.fullmatch(answer, last.end, mention.start):
            continue  # "B. A red bus"
        first = last and last.article and _FIRST.search(answer, max(0, last.start - 4), last.start)
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
    """Return which mentions are A, B, ... in a row, or at the start of a line each: the options repeated."""
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
    """Return the mentions, with their sentences, and with what is denied, doubted, asked or one of several told."""
    judged: list[Mention] = []
    for index, mention in enumerate(found):
        place = bisect_right(ends, mention.start)
        begin, stop = ends[place - 1], ends[place] if place < len(ends) else len(answer)
        last = judged[-1] if judged else None
        together = last is not None and _AND.fullmatch(answer, last.end, mention.start) is not None
        before, after = answer[max(begin, mention.start - 160) : mention.start], answer[mention.end : mention.end + 48]
        asked = answer[begin:stop].rstrip().endswith(("?", "？"))
        clause = _CLAUSE.match(before)
        doubt = DOUBT.search(before[clause.end() :] if clause else before) or _SUPPOSED.match(answer, begin)
        void = asked or doubt is not None or _DENIED.search(before) is not None or _WRONG.match(after) is not None
        if together and last and last.label != mention.label:
            judged[-1] = replace(last, several=True)
            void = void or last.void
        several = index in listed or (together and last is not None and (last.several or last.label != mention.label))
        judged.append(replace(mention, void=void, several=several, listed=index in listed, begin=begin, stop=stop))
    return judged


def _in_words(answer: str, choices: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield where options stand in words, the longest where one contains another ("cat" in "black cat")."""
    tokens = list(_tokens(answer))
    spans = [(start, end, label) for label, choice in texts(choices) for start, end in _spans(answer, tokens, choice)]
    reach, last = -1, (-1, -1)
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if end > reach or (start, end) == last:
            reach, last = max(reach, end), (start, end)
            yield tokens[start][1], tokens[end - 1][2], label


def _spans(answer: str, tokens: Sequence[Token], choice: str) -> Iterator[tuple[int, int]]:
    """Yield where the option stands among the words, by their indices."""
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
        if not all(_GAP.fullmatch(answer, one[2], other[1]) for one, other in pairwise(run)):
            continue
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if alone and before and before[2] == start and before[0] not in _BEFORE_ONE and before[0] > "\u3400":
            continue
        if alone and after and after[1] == start + 1 and after[0] not in _AFTER_ONE and after[0] > "\u3400":
            continue
        yield index, index + len(words)


@lru_cache(maxsize=1 << 14)  # an option is read at every turn of its question
def words_of(text: str) -> tuple[str, ...]:
    """Return a text's words as they are compared."""
    return tuple(word for word, _, _ in _tokens(unicodedata.normalize("NFKC", text)))


def _tokens(text: str) -> Iterator[Token]:
    """Yield words in lower case, numbers whole and Chinese characters one by one, without articles."""
    for match in _WORD.finditer(text):
        word = match[0].casefold()
        article = word in _ARTICLES and _BEFORE_WORD.match(text, match.end())
        if not article or (match[0] == "A" and not _FIRST.search(text[max(0, match.start() - 4) : match.start()])):
            yield word, match.start(), match.end()  # the "A" of "Box A" is no article
