"""Plain statements whose subject, object or complement is an option: "It is a rabbit.", "A boat is moored at the pier."

They count only in a short answer that names no other option. The patterns match the text of `references`; `noun` and
`clause` are what else may belong to the option, and `rest` is what is said of it.
"""

import re
from collections.abc import Iterator, Sequence

from mmeval.scoring.readings.strict import phrases
from mmeval.scoring.readings.strict.forms import ADJECTIVE, NOUN, OF, OPENING
from mmeval.scoring.readings.strict.options import words_of
from mmeval.scoring.readings.strict.references import NAMED, NO_REFERENCE, SURE, option_index
from mmeval.scoring.readings.strict.vetoes import COMPARED, MIXED, vetoed

_SOMEONE = (
    r"(?:he|she|they|(?:the|an?) (?:\w+ )?(?:man|woman|person|people|boy|girl|child|children|lady|guy|player|worker)s?)"
)
_AGENT = (
    rf"(?:{_SOMEONE}|(?:the|an?) (?:\w+ )?(?:\w{{3,}}(?:er|or|ist|ian|man|men|woman|women)|chef|cook|nurse|couple"
    rf"|student)s?)"
)
_WHERE = r"(?: (?:in|on|with|at|to|of|from|wearing) (?:the|an?|his|her|their) [\w' ]{2,30}?)?"
_ACTS = (
    r"(?:wear|hold|play|rid|driv|us|carry|cook|read|cut|tak|mak|walk|chop|slic|paint|writ|draw|push|pull|throw|kick|hit"
    r"|catch|pour|serv|sell|buy|feed|lift|fly|sail|build|repair|fix|wash|clean|sing|perform|peel|bak|fry|row|paddl"
    r"|pack)"
)
_MOVES = r"(?:moving|going|pointing|turning|facing|heading)"
_STANDS = r"(?:sitting|standing|lying|waiting|working|hanging|resting)"
_PUT = r"(?:located|taken|shot|built|painted|set|situated|placed|visible|parked|found|positioned)"
_TO = r"(?:in|on|at|to|from)"
_FRAMES = "|".join(
    (
        # it is a rabbit; it looks like a rabbit; 1 + 1 = 2
        r"(?:(?:\b(?:is|are)|'s"
        r"|\b(?:looks like|look like|(?:seems|appears|has) to be|(?:must|should) be|seems|looks|appears))\b"
        r"|[=:,]|\bbut\b)",
        # the image shows a rabbit; there are 3 dogs; it has 4 legs, and costs $5
        r"\b(?:shows?|depicts?|displays?|features?|contains?|represents?|suggests?|indicates?|holds?"
        r"|(?:I|we)(?: can)?(?: \w+ly)? (?:see|count|counted|find|identify)|says? that there (?:is|are)"
        r"|makes? (?:it|this|that)|costs?|equals?|totals?|weighs?|measures?|reads?|(?:simplifies|evaluates|sums up) to"
        r"|known as|works? as|became|will|would)",
        # it belongs to 2019; the total comes to $24; sales peaked in March; the train departs at 10:30
        r"\b(?:belongs? to|(?:comes?(?: out)?|adds up|amounts?|goes) to|results? in|(?:gives?|yields?)(?: a total of)?"
        r"|(?:peak(?:s|ed)|(?:is|are|was|were) (?:the )?(?:\w{2,}est|most|least)) (?:in|at|on|for)"
        r"|(?:starts|begins|ends|opens|closes|departs|leaves|arrives|boils|melts|freezes) at"
        r"|(?:bar|column|slice|line|peak|value|segment) (?:is|stands) for"
        r"|(?:plate|bowl|basket|box|cup|glass|tray|vase|picture|image|photo|table) has)",
        # it was taken in Rome; the arrow is pointing to the left; the table is made of wood
        rf"(?<!there )\b(?:is|are|was|were|'s)(?: most likely| \w+ly)?(?: (?:{_PUT}|{_STANDS}|{_MOVES}))? {_TO}\b",
        rf"\b(?:is|are) (?:{_PUT}|{_STANDS})\b",
        rf"\b(?:is|are|was|were) (?:made|that|the (?:flag|city|capital)) of|\b(?:filled with|(?:is|are) {_MOVES})",
        r"\b(?:stands|sits|lives|works|lies|points|moves|goes|happened|(?:takes|took) place)"
        rf"(?: {_TO}| towards?)?\b",
        # on the left; in 1995; no, a tram; he waits for the tram
        rf"^{_TO}\b|^no,|\bwait(?:s|ing)? for\b",
        # she is wearing a hat; the woman in blue plays the violin
        rf"(?:^|[,.:;] ?|\b(?:that|so) )(?:{_AGENT}{_WHERE}(?: is| are|'s|'re)? {_ACTS}|{_SOMEONE}(?: is| are|'s|'re)? "
        r"(?:eat|drink))(?:s|es|e|ing|p?ping|t?ting)?\b",
    )
)
_COMPLEMENT = rf"(?: (?:\w+ly|most likely|but|an?|the|its|his|her|their|{OF} of|{ADJECTIVE}))*"
_REASON = (
    r"(?:,? (?:because|since|given|judging|while|based on|due to|as (?:it|its|the|he|she|they|there|shown|seen|printed"
    rf"|indicated|can be|stated|written|depicted|suggested))\b(?:(?!\b(?:but|may|might|could|if|or"
    rf"|unless)\b){NO_REFERENCE})*)?"
)
"""A reason or a circumstance, which may be a sentence of its own."""
_STATED = re.compile(
    rf"{NO_REFERENCE}*?(?:{_FRAMES}){_COMPLEMENT} ?[\"']?(?P<option>{SURE})[\"']?(?: \w+ly)?"
    rf"(?P<noun>{NOUN})(?P<clause>(?: \((?:(?![()]){NO_REFERENCE})*\))?"
    r"(?: (?:in|on|at|of|from|with|by|near|behind|under|over|for|here|to|around|along|next to|above|below|between"
    r"|down|up|through|across|as|which|who|that|when"
    rf"|[a-z]{{2,}}ing)\b{NO_REFERENCE}*?)?)(?-i:, [A-Z]\w+)?{_REASON}[.!,;:()\s。]*",
    re.IGNORECASE,
)
"""An option as the complement or the object: "It is a rabbit.", "There are 3 dogs in the yard."."""
_PLACED = re.compile(
    rf"(?:the|an?|it|he|she|they|his|her|its|there)\b{NO_REFERENCE}{{0,60}}? (?:is|are|lies?|sits?|stands?|hangs?)"
    rf"(?: (?:{_PUT}|{_STANDS}))?(?: directly| just| immediately| slightly)?(?: (?:to|on|at) (?:the|its))?"
    rf" (?P<option>{NAMED})(?: side)?(?: of| from)? (?:the|an?|his|her|its|this|that|it|him|them)\b(?P<noun>)"
    rf"(?P<clause>{NO_REFERENCE}*)",
    re.IGNORECASE,
)
"""An option that is a place: "The cup is to the left of the plate."."""
_PLACE = re.compile(
    r"(?:(?:to|on|at|in) (?:the )?)?(?:left|right|above|below|behind|under\w*|over|beneath|beside|on|in|inside|outside"
    r"|in front|next to|near|between|top|bottom)(?: of)?",
    re.IGNORECASE,
)
"""The text of such an option."""
_SUBJECT = re.compile(
    rf"(?:(?:in|on|from) the [\w ]{{1,30}}, )?(?:(?:an?|the|this|some) )?(?:(?-i:{ADJECTIVE}) )?(?P<option>{NAMED})"
    rf"(?P<noun>)(?P<clause>{_WHERE}) (?P<rest>(?:"
    # a boat is moored at the pier; a cat is sleeping on the sofa
    rf"(?:is|are) (?:{_PUT}|{_STANDS}|moored|held|seen|shown|seated|hung|mounted|displayed|depicted|pictured|worn|tied"
    r"|perched|(?!missing\b|lacking\b|being\b|looking\b)\w{2,}ing)"
    r"|(?:sits|stands|lies|hangs|floats|rests|grazes)"
    # photosynthesis is the process shown; Picasso painted it
    r"|is the (?!name|same|opposite|exception|wrong|least|worst|only|other|first|second|third|last"
    r"|\w+est\b)\w+(?: \w+)?"
    r"(?=[.!]*\Z| (?:shown|depicted|illustrated|pictured|seen|displayed|represented|described|here|in the|on the)\b)"
    r"|(?:painted|wrote|composed|designed|invented|discovered|directed|built|created|founded|drew)"
    r" (?:it|this|the \w+(?=[.!]*\Z))"
    rf")\b{NO_REFERENCE}*)",
    re.IGNORECASE,
)
"""An option as the subject: "A boat is moored at the pier."."""
_STATED_ZH = re.compile(
    rf"{NO_REFERENCE}{{0,40}}(?:在[^，。]{{0,8}}的|是|为|在|有|显示的?是?)[一二两这那]?[个只棵辆条匹头位张座名件幅]?"
    rf"(?P<option>{SURE})(?P<noun>)(?P<clause>)的?[。！，,]?"
)
"""The same in Chinese: "图中是一只兔子。"."""
_SHORT = 200
"""Maximum characters of a sentence."""
_LONG = 3
"""Minimum words of an option that can be a statement by itself."""
_SO = re.compile(r".*\b(?:so|thus|therefore|hence|which means(?: that)?|but)\b[\s,]*(?=\S)", re.IGNORECASE | re.DOTALL)
"""What comes before a conclusion."""
_NUMBER = re.compile(
    r"\d|(?:\A|\b(?:than|exactly|least|most|about) )(?:one|two|three|four|five|six|seven|eight|nine|ten|zero|none)\Z",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:less|more|fewer|plus|minus|times|missing|or|and|to|is|are|was|were|has|have|had|does|do|fails?|would|can"
    r"|options?|choices|answers)\b"
)
"""Words after a number that do not name what is counted."""
_OBJECTS = {"his", "her", "its", "their", "the", "down", "up", "away", "around"}
"""Words after a verb ("walking his dog")."""
_ASIDE = re.compile(
    r"\b(?:example|comparison|scale|reference|question|earlier|previous|outside|yet|other)\b", re.IGNORECASE
)
"""Words that make what is said of an option a remark."""
_ASPECTS = {"side", "corner", "part", "half", "color", "colour", "direction", "hand side", "one", "ones", "City"}
"""Nouns after an option that change nothing: "the left side"."""


def statements_in(sentence: str, choices: Sequence[str]) -> Iterator[re.Match[str]]:
    """Yield the options that a sentence, or its conclusion, states: as a part of it, or as all of it if it is long."""
    text = sentence.strip()
    if len(text) > _SHORT:
        return
    concluded = _SO.match(text)
    for first in {0, concluded.end() if concluded else 0}:
        for form, allowed in _STATEMENTS:
            match = form.fullmatch(text, first)
            committed = match and fits(match, choices) and allowed(match, choices)
            if match and committed and not vetoed(text, match.start("option")):
                yield match


def fits(match: re.Match[str], choices: Sequence[str]) -> bool:
    """Return whether what follows an option leaves its meaning as it is: "3 dogs", "a boat on a lake"."""
    noun, option = match["noun"].strip(), option_index(match["option"])
    counted = re.match(NAMED, match["option"]) is not None and _NUMBER.search(choices[option]) is not None
    if match["clause"].startswith(" of ") and not (noun or counted):
        return False  # "the Rome of the north"
    if re.fullmatch(r"[AaPp]\.?[Mm]\.?", noun):
        return ":" in choices[option]
    if noun.split(" ")[0] in _OBJECTS and choices[option].endswith("ing"):
        noun = ""
    return (not noun or noun in _ASPECTS or (counted and not _MORE.search(noun))) and not MIXED.search(match["clause"])


def _is_thing(match: re.Match[str], choices: Sequence[str]) -> bool:
    """Return whether an option's words name a thing: no number, and no label such as "Point A" beside "Point B"."""
    index = option_index(match["option"])
    words = set(words_of(choices[index]))
    label = any(words & set(words_of(other)) for n, other in enumerate(choices) if n != index)
    remark = COMPARED.search(match["rest"]) or _ASIDE.search(match["clause"] + match["rest"])
    return not (label or remark or _NUMBER.search(choices[index]))


def _is_long(match: re.Match[str], choices: Sequence[str]) -> bool:
    return len(words_of(choices[option_index(match["option"])])) >= _LONG


def _is_place(match: re.Match[str], choices: Sequence[str]) -> bool:
    return _PLACE.fullmatch(choices[option_index(match["option"])].strip(" .")) is not None


def _is_affirmed(match: re.Match[str], choices: Sequence[str]) -> bool:
    return not phrases.denied(match.string)


def _always(match: re.Match[str], choices: Sequence[str]) -> bool:
    return True


_STATEMENTS = (
    (OPENING, _is_long),
    (_STATED, _always),
    (_STATED_ZH, _always),
    (phrases.STATEMENT, _is_affirmed),
    (_PLACED, _is_place),
    (_SUBJECT, _is_thing),
)
"""The forms of statements, and what must hold of the option."""
