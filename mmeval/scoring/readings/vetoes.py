"""Words that keep a form from committing: denials, doubts, conditions, the views of others, and retractions."""

import re

from mmeval.scoring.readings.hearsay import ATTRIBUTED, REPORTED
from mmeval.scoring.readings.references import ANY, NO_REFERENCE

_DENIED = re.compile(
    r"(?:[,(]\s*)?\b(?:and |but )?(?:not|rather than|instead of|unlike|neither|no|nor|anything but"
    rf"|everything but)\b[ \t]*(?:(?:the|an?|option|choice|point|image|from|in|on|with|of|by) )*{ANY}\)?(?!['\w])"
    rf"|(?:不是|不选|而不是|不)\s*[一只个是]*{ANY}",
    re.IGNORECASE,
)
_THAN = re.compile(rf"(?<!rather )\b(than|compared to)(?: (?:the|an?|in|on|point|image|option))* {ANY}", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:not|never|no|nobody|none|neither|nor|cannot|without|except|hardly|less|wrong|incorrect|false|far from"
    r"|might|may|could|maybe|perhaps|possibly|unlikely|doubt|nearly|almost|barely|roughly"
    r"|either|both|between|which of)\b|n't\b"
    r"|不|没|可能|也许|或许|大概|好像|似乎",
    re.IGNORECASE,
)
"""Words that veto the rest of their clause."""
_SUPPOSED = re.compile(
    # if it were B; suppose that; it resembles a cat; for example
    r"(?:^\s*say|\b(?:if (?!I\b|we\b)|unless(?! I.m (?:mistaken|wrong))|suppos(?:e|ed|ing)|assum(?:e|ing)|imagine"
    r"|let's say|whether|would have|resembl\w*|reminds?|hopes?|wish|wished|wants?|forecast|mistake|example|model"
    r"|not true that|it is (?:false|wrong) that"
    # at first it was B
    r"|in the form(?:at)?\s*[\"']|^\s*format|at first|first (?:guess|thought|glance)|initially|used to|before|until"
    r"|once))\b|如果|是否|假如",
    re.IGNORECASE,
)
"""Words that veto what follows until a "but": conditions and the past."""
_CLAUSE = re.compile(
    r".*(?:[,;，；]|[:：](?=\s*\w)|\b(?:but|so|then|hence|thus|therefore)\b)", re.IGNORECASE | re.DOTALL
)
_BUT = re.compile(r".*(?:\b(?:but|however|yet|though)\b|;)", re.IGNORECASE | re.DOTALL)
_SO = re.compile(
    r".*(?:[,;.]\s*(?:so|thus|therefore|hence|which means)\b|\b(?:but|however|yet|though)\b|;)",
    re.IGNORECASE | re.DOTALL,
)
_IF = re.compile(
    r"\b(?:if (?!I\b|we\b)|unless\b)|\A[)\]\"']*,?\s*or\b"
    r"|\A[)\]\"']*(?:\s*\([^()]*\))?\s+(?:might|may|could|cannot|(?:is|does|do|would) not|(?:is|does|do|would)n't)\b",
    re.IGNORECASE,
)

MIXED = re.compile(
    r"(?<!that )(?<!which )(?<!who )\b(?:and|or|but|while|before|after|if|not"
    r"|is|are|was|were|has|have|had|would|could|can|might|may|does|do)\b|n't",
    re.IGNORECASE,
)
"""Words that turn what follows an option into another statement."""
COMPARED = re.compile(
    r"\b(?:not|no|but|however|although|though|while|whereas|less|lacks?|also|both|if|might|may|could|some|than)\b"
    r"|n't\b",
    re.IGNORECASE,
)
"""Words that leave open what a comparison prefers."""
WRONG = re.compile(
    rf"[\s:–—,(-]*(?:no\b(?! (?:other|one else|doubt)\b)|none\b|not\b|or\b|but (?:no|not|{ANY})|wrong|incorrect"
    rf"|false|is not|isn't"
    r"|maybe|perhaps|possibly|might|could|may\b|[❌✗✘不错])",
    re.IGNORECASE,
)
"""Words that deny or doubt the option that opens an answer, right after it."""
UNSURE = re.compile(
    r"\b(?:don't|do not|cannot|can't|can not|couldn't|unable to|not able to|not possible to|impossible to"
    r"|(?:difficult|challenging|hard) to) (?:\w+ ){0,2}(?:know|tell|say|determine|see|identify|answer|decide)\b"
    r"|\b(?:(?:not|cannot|can't) (?:be )?(?:sure|certain|told|determined|known|decided)|uncertain|unsure|unclear"
    r"|depends on|neither|I apologize|I'm sorry|not (?:feel )?comfortable|(?:would|'d) rather not|prefer not to"
    r"|leave (?:it|this) blank"
    r"|I can help|help you with|(?:no|nothing) (?:basis|to (?:base|go on)))\b|不知道|无法|不确定",
    re.IGNORECASE,
)
"""Words that admit to not knowing the answer."""
TAKEN_BACK = re.compile(
    r"(?:^|[.!?,\n]\s*)(?:wait|hmm+|actually|no,|or |scratch that|sorry|on second thought|correction)"
    r"|\b(?:withdraw|retract|take (?:it|that|this) back|no longer|but (?:it|that|this) (?:could|might|may|isn't"
    r"|(?:is|was)(?: still| also)? (?:not|wrong|incorrect)))\b",
    re.IGNORECASE,
)
"""Words after an answer that retract it, in addition to those of `UNSURE`."""
REPLACES = re.compile(
    r"(?:\A|[.!?,]\s)no\b|\bbut\b(?=[^.!?]*\Z)"
    r"|\b(?:wait|actually|correct(?:ion|ing)|again|reconsider\w*|looking|mistake|sorry|instead|however"
    r"|final(?:ly)?|conclusion|overall)\b|最终|但",
    re.IGNORECASE,
)
"""Words between an answer and a later one that replaces it."""
CONCLUDES = re.compile(
    rf"\b(?:so|thus|therefore|hence|in conclusion|overall|which means|but|although)\b(?:(?![.!?]){NO_REFERENCE})*\Z",
    re.IGNORECASE,
)
"""Words that make a statement outweigh other options named before it."""

_NEAR = 500
"""Characters on each side of an option where a veto is sought."""


def affirmed(answer: str) -> str:
    """Return the answer without the options that it denies ("not a cat") or compares with ("than a cat")."""
    return re.sub("  +", " ", _DENIED.sub(" ", _THAN.sub(r"\1 it", answer)))


def vetoed(sentence: str, start: int, option: int) -> bool:
    """Return whether the form at `start` of a sentence, with the option at `option`, does not commit."""
    first = max(0, option - _NEAR)
    before, after = sentence[first:option], sentence[option + 1 : option + _NEAR]
    clause, turn = _CLAUSE.match(before), _BUT.match(before, 0, max(0, start - first))
    own = _SO.match(before)
    return bool(
        _DOUBT.search(before, clause.end() if clause else 0)
        or _SUPPOSED.search(before, turn.end() if turn else 0)
        or REPORTED.search(before, own.end() if own else 0)
        or _IF.search(after)
        or ATTRIBUTED.search(after)
    )
