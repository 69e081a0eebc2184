"""Words that keep a form from committing: denials, doubts, conditions, the views of others, and retractions."""

import re
from functools import lru_cache

from mmeval.scoring.readings.strict.hearsay import ATTRIBUTED, QUOTING, REPORTED
from mmeval.scoring.readings.strict.places import Places
from mmeval.scoring.readings.strict.references import ANY, NO_REFERENCE

_DENIED = re.compile(
    r"(?:(?:[,(]\s*)?\b(?:and |but )?(?:not|rather than|instead of|unlike|neither|no|nor|anything but"
    rf"|everything but)|(?<=[a-z])n't)\b"
    rf"[ \t]*(?:(?:the|an?|option|choice|point|image|from|in|on|with|of|by) )*{ANY}\)?(?!['\w])"
    rf"|(?:不是|不选|而不是|不)\s*[一只个是]*{ANY}",
    re.IGNORECASE,
)
_THAN = re.compile(rf"(?<!rather )\b(than|compared to)(?: (?:the|an?|in|on|point|image|option))* {ANY}", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:not|never|no|nobody|none|neither|nor|cannot|without|except|hardly|less|wrong|incorrect|false|far from"
    r"|might|may|could|maybe|perhaps|possibly|unlikely|doubt|nearly|almost|barely|roughly"
    r"|either|both|between|which of|nothing(?! but| except)|den(?:y|ies|ied)|disagree\w*|refut\w*)\b|n't\b"
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
_EACH = "for|in|on|at|with|to|when|if"
"""Words that give an answer for one case of several."""
_REMOVES = (
    r"(?:eliminat|exclud|reject|discard|remov|avoid)\w*|rul(?:e|ed|es|ing) out|worst"
    r"|(?:lowest|least|smallest|worst) (?:score|probability|likelihood|chance|confidence|rank|rating)\w*"
    r"|least (?:likely|probable|plausible|suitable|appropriate|accurate|similar)"
)
_REMOVED = re.compile(
    rf"\b(?:{_REMOVES})\b(?! (?:all |both )?(?:the |of the )?(?:other|rest|remaining|wrong|incorrect|obvious)\w*)"
    rf"{NO_REFERENCE}*\Z",
    re.IGNORECASE,
)
"""Words for removing an option, with no other option between them and the one that follows."""
_CLAUSE = re.compile(r"[,;，；]|[:：](?=\s*\w)|\b(?:but|so|then|hence|thus|therefore)\b", re.IGNORECASE)
_BUT = re.compile(r"\b(?:but|however|yet|though)\b|;", re.IGNORECASE)
_SO = re.compile(
    r"[,;.]\s*(?:so|thus|therefore|hence|which means)\b|\b(?:but|however|yet|though)\b|;",
    re.IGNORECASE,
)
_IF = re.compile(r"\b(?:if (?!I\b|we\b)|unless\b)", re.IGNORECASE)
_THEN = re.compile(
    r"[)\]\"'*]*(?:"
    # ; B
    rf"(?:\s*;\s*[\"'(\[]*{ANY}[)\]\"']*)+[\s.]*\Z|"
    # or C; (wrong); , maybe C; at first
    r",?\s*or\b|\s*[,;:(–—-]*\s*(?:wrong|incorrect|false|(?:maybe|perhaps|possibly)(?! (?:because|since|due)\b)"
    r"|alternatively|probably not|not!|at first|initially|originally)\b"
    # might be
    r"|(?:\s*\([^()]{0,80}\))?\s+(?:might|may|could|cannot|(?:is|does|do|would) not|(?:is|does|do|would)n't)\b"
    # to be eliminated; as the worst
    rf"|\s+(?:(?:to|for) (?:be |the )?|as (?:the|an?|my|being) (?:\w+ )?)(?:{_REMOVES}|(?:wrong|incorrect|false)\b)"
    # for the first image and C for the second
    rf"|\s+(?:{_EACH})\b(?:(?!\b(?:because|since|as|given|due)\b)(?!\.(?!\d)|[;!?\n]){NO_REFERENCE}){{0,120}}?(?:,|,?\s*\b(?:and|but"
    rf"|or|while|whereas))\s*(?:(?:the|option|choice|answer|it's|it is)\s+)*{ANY}[)\]\"']*\s+(?:{_EACH})\b"
    r")",
    re.IGNORECASE,
)
"""Words right after an option that deny it, doubt it, or name another option for another case."""
_UNFIT = re.compile(
    r"(?:(?!\b(?:because|since|as|and|but|while|whereas|given|due|so|where|if)\b)[^.,;:!?()\n]){0,100}?"
    rf"(?:\b(?:not|never|cannot|wrong|incorrect|false|un(?:likely|suitable)|im(?:probable|plausible)|in(?:accurate"
    rf"|appropriate)|hardly|barely|rarely|scarcely|seldom|partially|partly|almost|nearly|no sense|no longer|{_REMOVES}"
    r"|missing(?=\W*(?:$|[.,;!])))\b|n't\b)",
    re.IGNORECASE,
)
"""Words after an option that rule it out: "B is the only one that does not fit"."""

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
    r"(?:^|[.!?,;\n(]|\s[–—-])\s*(?:wait|hmm+|actually|no,|no wait|or |scratch that|sorry|on second thought|correction"
    r"|(?:just )?kidding|not!"
    r"|(?:but |and |though )?(?:that|this|it)(?: answer| option| choice)?(?:'s| is| was)(?: \w+ly)? (?:wrong|incorrect"
    r"|false|a mistake|mistaken|not (?:correct|right|true|the (?:answer|case)))(?! (?:that|to|for)\b))"
    r"|\b(?:withdraw|retract|take (?:it|that|this) back|no longer|but (?:it|that|this) (?:could|might|may|isn't"
    r"|(?:is|was)(?: still| also)? (?:not|wrong|incorrect)))\b",
    re.IGNORECASE,
)
"""Words after an answer that retract it, in addition to those of `UNSURE`."""
SHARED = re.compile(
    rf"\b(?:maybe|perhaps|possibly|alternatively|(?:could|might|may)(?: also| well| instead)? be)\b[\s,:]*"
    rf"(?:(?:the|an?|option|choice|it's|it is|even)\s+)*[\"'(\[]*(?P<maybe>{ANY})"
    rf"|(?P<also>{ANY})[)\]\"']*(?: \([^()]{{0,80}}\))?\s+(?:is|was|are|would be|seems|looks)\s+"
    r"(?:(?:also|equally|likewise|just as) (?:an? |the )?(?:\w+ )?(?:correct|right|true|possible|plausible"
    r"|valid|acceptable|good|likely|answer|option|choice)"
    r"|(?:correct|right|true|possible|plausible|valid|acceptable),? (?:too|as well))\b",
    re.IGNORECASE,
)
"""Another answer besides: "maybe C"; "C is also correct"."""
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

_AFTER_WORDS = re.compile(
    r"(?: (?!(?:because|since|as|and|but|so|while|given|due)\b)\w++){0,2}?"
    rf"(?:{_THEN.pattern}|{ATTRIBUTED.pattern})",
    re.IGNORECASE,
)
"""A denial, a doubt or an attribution after the words that call an option the answer: "B is right, maybe"."""
_NEAR = 500
"""Characters on each side of an option where a veto is sought."""


def affirmed(answer: str) -> str:
    """Return the answer without the options that it denies ("not a cat") or compares with ("than a cat")."""
    return re.sub("  +", " ", _DENIED.sub(" ", _THAN.sub(r"\1 it", answer)))


def vetoed(sentence: str, option: int, start: int = 0, end: int = 0) -> bool:
    """Return whether a form, from `start` to `end` of a sentence, does not commit to the option at `option`."""
    places, first, after = _find_places(sentence), max(0, option - _NEAR), option + 1
    conclusion_start = max(first, places["so"].end(option))
    clause = max(first, places["clause"].end(option))
    return bool(
        places["doubt"].between(clause, option)
        or places["supposed"].between(max(first, places["but"].end(start)), option)
        or places["reported"].between(conclusion_start, option)
        or places["if"].between(after, option + _NEAR)
        or QUOTING.search(sentence, conclusion_start, option)
        or _REMOVED.search(sentence, clause, option)
        or _THEN.match(sentence, after)
        or ATTRIBUTED.match(sentence, after)
        or (end > after and (_UNFIT.match(sentence, after) or _AFTER_WORDS.match(sentence, end)))
    )


@lru_cache(maxsize=4)
def _find_places(sentence: str) -> dict[str, Places]:
    """Return where the words that matter before an option stand."""
    patterns = {
        "clause": _CLAUSE,
        "but": _BUT,
        "so": _SO,
        "doubt": _DOUBT,
        "supposed": _SUPPOSED,
        "reported": REPORTED,
        "if": _IF,
    }
    return {name: Places(pattern, sentence) for name, pattern in patterns.items()}
