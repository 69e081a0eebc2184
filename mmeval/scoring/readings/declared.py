"""Find where an answer declares its option: in a box or tags, in words ("the answer is B"), or alone on a line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from mmeval.scoring.readings import languages
from mmeval.scoring.readings.answer import marked
from mmeval.scoring.readings.mentions import Mention, mentions
from mmeval.scoring.readings.options import whole

_LEADS = "|".join(map(re.escape, languages.leads(get_args(languages.Language))))
_AFTER_CUE = (
    r"[\s:*_\"'(\[]*(?:(?:the|an?|la|le|el|die) )?(?:(?:option|choice|letter|answer|point|image|picture|box)\b)?"
    r"\s*[-–—:=,>]?[\s(\[{\"'*_`$#【]*(?:(?:the|an?) )?\Z"
)
_CUE = re.compile(
    r"(?:\b(?:answers?|ans|(?:correct|right|best|final|selected|chosen|my) (?:option|choice|letter)|conclusion)\b"
    r"(?:\s+(?:to|for) (?:the|this) question)?[\s:*_\"'=]*"
    r"(?:(?:is|are|was|(?:should |would |will |must )?be|(?:most )?likely|probably|clearly|therefore|thus)\b"
    rf"[\s:*_\"']*)*|(?:{_LEADS}|正确选项|应选|故选|选择|选|答)[\s:*】]*(?:应该|应当|就|选项)?\s*[是为选]?){_AFTER_CUE}",
    re.IGNORECASE,
)
"""A phrase that declares an answer, up to its letter or words."""
_LEADS_UP = re.compile(
    r"(?:\b(?:best|correct|right|appropriate|closest|corresponding|likely)\b[^.!?\n]{0,160}\b(?:is|are|be)\b[\s:,]*"
    r"|\bI(?: would|'d)? (?:say|conclude)(?: that)?[\s:]*"
    r"|\b(?:choose|chose|select|pick|(?:left|go|going|went) with|lean(?:ing)? towards?|leav(?:es|ing)"
    r"|it(?:'s| is)(?: \w+ly)?|correspond(?:s|ing)? to|(?:should|would|will|must|to) be"
    r"|so|thus|therefore|hence|definitely|clearly|obviously|certainly)[\s:*,]+)"
    rf"{_AFTER_CUE}",
    re.IGNORECASE,
)
"""A phrase that leads up to an answer. It has less weight than a declaration."""
_RIGHT = re.compile(
    r"[)\]\"'*_`】]*\s*(?:选项|项)?\s*(?:,\s*)?"
    r"(?:(?:is|was|would be|must be|(?P<seems>(?:seems|appears)(?: to be)?|looks)|as)\s+"
    r"(?:clearly |definitely |indeed |therefore |thus |also )?(?:the |my )?(?:most |only |best |single |more )??"
    r"(?:correct|right|true|answer|best|only (?:one|option|choice|possibility)"
    r"|(?:accurate|appropriate|suitable|fitting) (?:answer|option|choice|description))\b"
    r"|it is\s*(?:[.!]|\Z)|[✅✓✔☑]|[:–—-]+\s*(?:correct|right|true|yes)\b|是?(?:正确|对的))"
    r"(?!,?\s*(?:if|or|but)\b)",
    re.IGNORECASE,
)
"""A phrase after an option that says it is the answer."""
CONCLUDES = re.compile(
    r"[\s*#>-]*(?:therefore|thus|hence|so|in conclusion|in summary|overall|finally|based on"
    r"|given (?:the|these|this)|因此|所以|综上)",
    re.IGNORECASE,
)
"""The start of a sentence that draws a conclusion."""
OPENS = re.compile(
    r"\W{0,16}(?:\d{1,2}[.)]\s+)?\W{0,8}(?:(?:the )?(?:option|choice)\b|选项)?\W{0,8}(?:(?:an?|the) )?", re.I
)
"""Text allowed before an option that opens an answer or a line."""
_SO = re.compile(
    r"[\s.,;:!)*]*(?:so|thus|hence|therefore|and)?[\s,]*(?:the |my )?(?:correct |right |final |best )?"
    r"(?:answer|option|choice)\b[^.!?\n]{0,16}",
    re.IGNORECASE,
)
"""Text allowed between an option's words and the letter concluded from them."""
_SEVERAL = re.compile(r"\b(?:answers|options|choices) are\s*:", re.IGNORECASE)
_WAIT = re.compile(
    r"\b(?:wait|no|actually|correct(?:ion|ing)|again|reconsider\w*|mistake|sorry|instead|final(?:ly)?)\b|最终",
    re.IGNORECASE,
)
_SO_ALREADY = re.compile(r"\b(?:therefore|thus|so|hence)\b[^.\n]*\Z", re.IGNORECASE)
_TURN = re.compile(
    _WAIT.pattern + r"|\b(?:but|however|therefore|thus|so|hence|conclusion)\b|因此|所以|但", re.IGNORECASE
)
"""Words between an answer and a later one that replaces it."""
_LINE_ENDS = re.compile(r"[)\]}\"'*_`$】.!。\s]*\Z")


@dataclass(frozen=True, order=True)
class Declared:
    """A place where an answer is declared."""

    place: int
    label: str
    """The letter; empty if several options or none are declared."""
    firm: bool = True
    """Whether the text calls it the answer, instead of only leading up to it ("so B")."""


def declared(answer: str, counted: Sequence[Mention], choices: Sequence[str]) -> list[Declared]:
    """Return the places where the answer declares an option, in order."""
    found = [Declared(match.end(), "", firm=False) for match in _SEVERAL.finditer(answer)]
    found += _marked(answer, choices)
    for before, mention in zip((None, *counted), counted, strict=False):
        if (one := _spoken(answer, mention, before)) is not None:
            found.append(one)
    return sorted(found)


def _marked(answer: str, choices: Sequence[str]) -> Iterator[Declared]:
    """Yield the boxes and tags whose content is one option."""
    for place, inner in marked(answer):
        sure = {one.label for one in mentions(f"answer {inner}", choices) if not one.void and not one.bare}
        label = whole(inner.strip(), choices) or (sure.pop() if len(sure) == 1 else None)
        if label:
            yield Declared(place, label)


def _spoken(answer: str, mention: Mention, before: Mention | None) -> Declared | None:
    """Return the mention as a declaration, if it is one; `before` is the preceding mention."""
    start, end = mention.start, mention.end
    several = mention.several and not mention.listed
    if several and CONCLUDES.match(answer, mention.begin):
        return Declared(start, "", firm=False)
    lead = answer[max(0, start - 200) : start]
    firm = _CUE.search(lead) is not None
    led = firm or _LEADS_UP.search(lead) is not None
    right = None if several else _RIGHT.match(answer, end)
    line = answer.rfind("\n", 0, start) + 1
    alone = line > 0 and not mention.several and OPENS.fullmatch(answer, line, start) and _LINE_ENDS.match(answer, end)
    if not (led or right or alone):
        return None
    if before is not None and before.label != mention.label:
        if before.letter and not led and not right and not re.search(r"\w", answer[before.end : start]):
            return Declared(start, "")  # one letter per line
        apart = before.own and not before.bare and not before.several and not mention.own
        if apart and _SO.fullmatch(answer, before.end, start):
            return Declared(start, "")  # "a dog, so the answer is A"
    return Declared(
        start, mention.label if right or not mention.several else "", firm or (right is not None and not right["seems"])
    )


def last_of(answer: str, final: Sequence[Declared]) -> str | None:
    """Return the label of the last declaration if it replaces all earlier ones that differ."""
    firm = [one for one in final if one.firm]
    final = [one for one in final if one.firm or not firm or _WAIT.search(answer, firm[-1].place, one.place)]
    last = final[-1]
    others = [one.place for one in final if one.label != last.label]
    again = others and _SO_ALREADY.search(answer, max(0, others[-1] - 60), others[-1])
    if others and not (_WAIT if again else _TURN).search(answer, others[-1], last.place):
        return None
    return last.label or None
