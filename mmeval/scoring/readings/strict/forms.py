"""The forms in which an answer commits to an option. What has none of them is unread.

The patterns match the text of `references`, where each option is one character. Their group `option` is that character;
`noun` and `clause` are what else may belong to it ("3 dogs", "a boat on a lake").
"""

import re

from mmeval.scoring.readings.strict.references import ANY, BARE, CLEAR, NAMED, NO_REFERENCE, SURE

_BE = (
    r"(?:is|are|be|being|'s|(?:would|should|must|has to|got to|seems to|appears to) be|'d be"
    r"|looks like|seems|appears|looks|remains)"
)
_ADVERB = (
    r"(?:(?!(?:only|hardly|barely|rarely|scarcely|partially|partly|nearly|wrongly|falsely|incorrectly|unlikely)\b)"
    r"\w{2,20}ly|most likely|therefore|thus|hence|then|indeed|also)"
)
_BEST = (
    r"(?:correct|right|best|final|true|actual|intended|appropriate|accurate|suitable|fitting"
    r"|probable|likely|logical|reasonable|closest|chosen|selected)"
)
_NOUN = (
    r"(?:answers?|option|choice|one|letter|response|match|description|conclusion|selection|solution|candidate|pick"
    r"|guess|vote)"
)
_LAST = rf"[\"'(\[]*{ANY}[)\]\"']*\s*(?:$|[.,!\n])"
_LEADS = "|".join(
    (
        # the answer is B; Answer: B; the best option to choose here is B; the answer, I believe, is B
        rf"\b(?:answer|ans|(?:{_BEST}|only|my) {_NOUN}|conclusion|option|choice)\b"
        rf"(?:\s+(?:to|for|here|among|of|from|in|that|would|based on)\b(?:(?![.,:;!?]){NO_REFERENCE}){{0,80}}?)?[\s,)]*"
        rf"(?:I \w+,\s*)?(?:{_BE}|[\"']?[:=-]>?|[→⇒➡]|(?=[(\s]*{SURE}))[\s:=]*+(?:{_ADVERB}[\s,]++)?",
        # I choose B; let's go with B; I would say that it is B
        r"\b(?:I|we|let's|let us|I'll|I'd|I'm|we'll)(?: (?:would|will|am|can|have to|must|\w{2,20}ly))*"
        r" (?:choose|chose|pick|picked|select|selected|(?:go|going|went) with|answer|say|opt for|vote for|conclude"
        r"|lean(?:ing)? towards?)"
        rf"(?: that)?(?: (?:it|this|the \w+) {_BE})?",
        r"\byou (?:should|need to|have to) (?:choose|pick|select|mark|go with)|^(?:please )?(?:choose|pick|select)",
        # so it is B; therefore, B; this leaves B
        rf"(?:^|[,;:.\s])(?:so|thus|therefore|hence)[\s,:]*(?:(?:it|this|that|the \w+) ?{_BE}|choose|pick|select)?",
        r"\b(?:leaves|leaving|left)(?: (?:only|us with|with|just))+|\bleaves|\bleaving|\bgo(?:es)? with|\bcan only be",
        # I think (A); ... → B
        rf"\bI(?:'d| would| can)?(?: only)? (?:think|guess|believe)(?= {_LAST})|(?:[→⇒➡]|[=-]>)(?=\s*{_LAST})",
        # A. Hmm, actually, D
        rf"\bactually,?(?: it(?:'s| is))?(?= {_LAST})",
        # the image that fits is: B; Result: B
        rf"(?<!options )(?<!choices )\b{_BE}\s*:",
        r"\b(?:choose|correct|result|response|output|solution|guess|assistant|count|total|number of \w+"
        r"|verdict|prediction)\s*:|^(?:label|letter|class)\s*:",
        # the missing piece is B
        rf"\bmissing (?:\w+ )?(?:piece|part|tile|figure|image|picture|shape|panel|element|pattern|item|symbol) {_BE}",
        # B isn't correct; C is
        rf"{ANY}[)\]\"']* (?:is not|isn't) (?:the )?(?:right|correct|answer|one)\b[\w ]{{0,20}}[,;.] *(?:but )?"
        rf"(?={ANY} is\W*$)",
        # this makes D the right answer
        rf"\b(?:makes|making|leaves|leaving)(?= {ANY} the \w+ (?:answer|option|choice))",
        # the missing tile is option C
        rf"(?<!{ANY} )\b(?:is|would be)(?= {CLEAR})",
        # it is B; it corresponds to B; what fits best is B
        rf"\b(?:it|this|that|the letter) ?{_BE}(?: {_ADVERB})?",
        rf"(?<!{ANY} )\b(?:(?:corresponds?|corresponding) (?:to|with)|match(?:es)?\b)",
        r"\b(?:most|best|closest|correspond(?:ing|s)|shares|fits|matches|more|better|\w{3,}est)\b"
        rf"(?:(?![.!?]){NO_REFERENCE}){{0,160}}\b{_BE}",
        # ✅ B
        r"^[✅✓✔☑](?=\s)",
        # the picture that completes the pattern is B
        r"\b(?:image|picture|point|figure|panel|shape|box|piece|tile|object) (?:that|which)\b"
        rf"(?:(?![.!?]){NO_REFERENCE}){{0,120}}\b{_BE}",
        # 答案是B
        r"(?:(?:正确)?答案|回答|正确的?选项|应该|选择|选|答|(?:^|[，,。])\s*是)[\s:：】]*[是为选]?",
    )
)
_SLOT = (
    rf"[\s:=\"'(\[>】—–-]*+(?:(?:{_ADVERB}|that|the|an?|la|le|el|die|der|das"
    rf"|option|choice|letter|answer|point|image|picture|box|one|it is|it's)[\s:]++){{0,6}}[\"'(\[]*+(?P<option>{ANY})"
)
_AFTER = (
    r"[\"')\]]*\s*(?:$|[.,;:!?)(}\n。，；、—–✅✓]|选?项|-\s"
    r"|(?:because|since|as|for|in|on|at|of|with|here|from|is the|the \w+ answer|and the"
    r"|which|by|that|is(?=\W*$)|based|to|due|given|being|です|입니다)(?:\b|$))"
)
DECLARED = re.compile(rf"(?:{_LEADS}){_SLOT}(?:(?<={CLEAR})|(?={_AFTER}))", re.IGNORECASE)
"""Words that lead up to an option: "the answer is B", "I choose B", "so it is B"."""

IT_IS = re.compile(rf"(?:it|this|that) ?{_BE}[^:\w]*(?:(?:{_ADVERB}|the|an?)\s+)*{NAMED}", re.IGNORECASE)
"""The declaration "it is a dog", which may also tell of one of several things in the picture."""
RIGHT = re.compile(
    rf"(?P<option>{ANY})[)\]\"']*(?: \((?!\w*not)[^()\n]{{1,80}}\))?,?\s*(?:选项)?\s*"
    rf"(?:(?:is|was|(?:must|would|should|has to|seems to|appears to) be|seems) (?:{_ADVERB} )?(?:(?:the |my )?"
    rf"(?:most |only |best |single |closest )*{_BEST}\b"
    r"|(?:the|my) (?:only |single )?(?:answer|option|choice|one|match)\b)"
    r"|(?:is|would be) the (?:point|image|picture|figure|panel|shape|box|region|object) (?:that|which)\b"
    rf"|is what (?:the|this|we|I)\b|stands out as (?:the )?(?:most )?{_BEST}"
    r"|as (?:the |my )?(?:final |correct )?(?:answer|choice)\b|it is\W*$"
    r"|(?:best |most closely |perfectly )(?:fits?|matches|describes|answers|completes|represents|corresponds|follows)\b"
    r"|(?:fits|matches|describes|answers|completes|corresponds|follows)\b[^.;!?]{0,60}"
    r"\b(?:best|most closely|perfectly|exactly)\b"
    r"|[.:–—-]*\s*[✅✓✔☑]|[:–—-]+\s*(?:correct|right|true|yes)\b|是?(?:正确|对的))",
    re.IGNORECASE,
)
"""Words after an option that call it the answer: "B is the correct answer", "B fits best"."""

ONLY = re.compile(
    rf"\b(?:only|(?:none|nothing) (?:but|except)) (?:the )?(?:[a-z]{{4,8}} )?(?P<option>{ANY})[)\]\"']* (?:shows?"
    rf"|has|have|fits|matches"
    r"|contains?|completes|satisfies|meets|works|remains|depicts|displays|includes|agrees|gives|follows|makes sense"
    r"|corresponds|looks|(?:is|can be|could be) (?:the |my )?"
    rf"{_BEST})\b",
    re.IGNORECASE,
)
"""What no other option has: "only B fits"."""

OF = r"(?:photo|picture|image|drawing|painting|cup|slice|piece|bowl|plate)"
ADJECTIVE = (
    r"(?:red|green|blue|yellow|black|white|brown|gray|grey|orange|pink|purple|golden|dark|light|bright"
    r"|big|large|huge|small|little|tiny|tall|short|long|young|old|adult|baby|happy|sad|cute|fluffy|furry"
    r"|ripe|fresh|sliced|raw|striped|spotted|thick|thin|calm|busy|round|wooden|metal|male|female|single|lone|left"
    r"|right|upper|lower|top|bottom|first|second|third|fourth|last|same|main|real)"
)
"""Words that describe a noun without changing what it is."""
NOUN = r"(?-i:(?: [a-z]{2,}){0,2}?|[ ]?[AaPp]\.?[Mm]\.?| City)"
"""What belongs to an option before it: "dogs", "PM"."""
OPENING = re.compile(
    rf"(?:(?![\w❌✗✘]){NO_REFERENCE}){{0,8}}(?:(?:in|from|based on) the [\w ]{{1,30}}, )?"
    r"(?:(?:sure|okay|ok|certainly|surely|definitely|clearly|by (?:process of )?elimination|yes|of course|well|but"
    rf"|hmm+|答)\b[\s,.!:—–-]+)?(?:\d{{1,2}}[.)]\s+)?(?:(?:correct |final |my )?answer )?(?:(?:an? )?{OF} of )?"
    rf"(?:(?:(?:the|an?|point|image|picture|box|option|(?-i:{ADJECTIVE})) )+(?={SURE})"
    rf"|(?:about|around|approximately) (?={SURE}))?"
    rf"[\"'(]*(?P<option>{ANY})[\"')\]]*(?P<noun>{NOUN})"
    rf"(?P<clause>(?:(?<={NAMED}) (?:in|on|at|of|with|along|to|by|under|behind|from|for"
    rf"|[a-z]{{2,}}ing (?:an?|the|his|her|its|in|on|at|to|with))\b{NO_REFERENCE}*?)?)"
    r"\s*(?:选项)?(?:$|[.,;:!?\n)。，、(—–✅✓-]|(?:because|since)\b"
    r"|is (?:shown|depicted|pictured|visible|displayed)\b)",
    re.IGNORECASE,
)
"""An option that opens the answer or is a sentence: "B.", "(B) rabbit", "B, because ...", "In the image, a rabbit"."""

PREFERRED = re.compile(
    rf"(?P<option>{ANY})[)\]\"']*(?:\s(?:in|on|of|at|with|labell?ed|circled)\b"
    rf"(?:(?![.;!?\n]){NO_REFERENCE}){{0,120}}?)?"
    r",?\s(?:(?:is|seems|appears|looks|would be)(?: to be)? (?:the |an? )?(?:\w{2,20}ly )?|\w{2,20}ly |best )?"
    r"(?:best|most|closest|closer|more (?:accurate|appropriate|closely|fitting|likely|plausible|similar|suitable)\w*"
    r"|corresponds?|matches|fits|completes|follows|shares)\b",
    re.IGNORECASE,
)
"""A comparison that prefers an option: "B is most similar". The weakest form, because it may describe the picture."""
SOLE = re.compile(
    rf"(?P<option>{ANY})[)\]\"']*\s(?:has (?:the|a) (?:\w{{2,}}er|\w{{2,}}est|most|more)"
    r"|shows? the (?:right|correct|matching|missing|expected|required))\b",
    re.IGNORECASE,
)
"""A comparison that counts only as the whole answer: "B has the longer ears"."""

_AFTER_NOUN = re.compile(
    r"\b(?!(?:so|that|thus|hence|only|then|but|therefore|and|think|believe|say|conclude|because|since|where) )\w+ \Z",
    re.IGNORECASE,
)
"""A word, other than a conjunction or "I think", that makes the bare letter after it a name ("route C")."""


def is_name(sentence: str, match: re.Match[str]) -> bool:
    """Return whether the bare letter of a form belongs to a name ("route C is the best")."""
    before = sentence[max(0, match.start() - 50) : match.start()]
    return re.match(BARE, match["option"]) is not None and _AFTER_NOUN.search(before) is not None


def is_side(sentence: str, match: re.Match[str]) -> bool:
    """Return whether the "right" of a form is a place ("A is left, C is right")."""
    around = sentence[max(0, match.start() - 60) : match.end() + 60]
    return match[0].endswith("right") and re.search(r"\bleft\b", around) is not None
