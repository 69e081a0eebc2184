r"""Read the letter that an answer states explicitly. Never guess.

In order of weight: an answer that is only a letter or an option; the last option that is boxed, tagged or declared
("the answer is B"); the opening ("(B) Option C would ...") and the conclusion, if they agree; the only option that a
statement prefers; the only option named. A letter that means something else is not a mention (see `mentions`).
Mentions that are denied, doubted, asked or one of several do not count. A letter next to the words of another option
("A. dog" if D is the dog) makes the whole answer unparsed.
"""

import re
from collections.abc import Sequence

from mmeval.scoring.readings.answer import plain
from mmeval.scoring.readings.choices import NONE_OF_THEM
from mmeval.scoring.readings.declared import CONCLUDES, OPENS, declared, last_of
from mmeval.scoring.readings.mentions import Mention, mentions
from mmeval.scoring.readings.options import whole, words_of
from mmeval.scoring.readings.public import FAILED, REFUSALS

_HEAD, _TAIL = 4_000, 16_000
"""Characters examined at the two ends of an answer. Longer answers are usually repetitive."""

_CHOSEN = re.compile(
    r"[)\]*\"']*(?:\s(?:in|on|of|at|from|with|labell?ed|circled|which|\(\w+\))\b[^.!?;\n]{0,120}?)?,?\s"
    r"(?:(?:is|seems|appears|looks|would be)\s(?:to be\s)?(?:the\s|an?\s)?(?:\w+ly\s)?|\w+ly\s|best\s)?"
    r"(?:best|most|closest|closer|more (?:accurate|appropriate|closely|fitting|likely|plausible|similar|suitable)\w*"
    r"|corresponds?|matches|fits|completes|follows|shares)\b",
    re.IGNORECASE,
)
"""A phrase that prefers an option. It has less weight, because it may also describe the picture."""
_BUT = re.compile(
    r"\b(?:not|n't|no|but|however|although|though|while|whereas|less|lacks?|also|both|if|might|may|could|some)\b"
    r"|n't\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:(?<!rather )than|unlike|compared (?:to|with)|without|(?:differs?|different) from|similar to)\W+"
    r"(?:(?:an?|the)\W+)?\Z",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:don't|do not|cannot|can't|can not|couldn't|unable to|not able to|not possible to|impossible to"
    r"|(?:difficult|challenging|hard) to) (?:\w+ ){0,2}(?:know|tell|say|determine|see|identify|answer|decide)\b"
    r"|\b(?:(?:not|cannot|can't) (?:be )?(?:sure|certain)|uncertain|not sure|unsure|unclear|whether|depends on"
    r"|neither|I apologize|I'm sorry"
    r"|not (?:feel )?comfortable)\b|不知道|无法|不确定",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\b(?:wait|hmm+|no|actually|sorry|i mean|scratch that)\b[\s,.!:–—-]*(?:it'?s |it is )?[(*]*\Z", re.I
)
"""Words before a letter that retract an answer."""
_OR_ELSE = re.compile(r"\bbut\b[^.!?;\n]{0,30}\b(?:could|might|may)\b[^.!?;\n]{0,20}\Z", re.IGNORECASE)
"""Words between an answer and another possible one."""
_CLOSED = re.compile(r"[)\]}\"'*_`$】]*\s*(?:[.,;:!)\n。、]|[-–—]\s|\Z)")
_VERB = re.compile(r"[)\]*]*\s+(?:because|since|as(?! in\b)|is (?:correct|right|shown))\b", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z_]{2,30}>", re.IGNORECASE)


def strict(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter that the answer states, NONE_OF_THEM if it declines, or None. Linear in the answer's length."""
    if FAILED in text:
        return None
    answer = plain(text)
    if any(refusal.lower() in answer.lower() for refusal in REFUSALS):
        return NONE_OF_THEM
    if len(answer) > _HEAD + _TAIL:
        answer = f"{answer[:_HEAD]}\n\n{answer[-_TAIL:]}"
    return whole(_TAG.sub(" ", answer).strip(), choices) or _said(answer, choices or ("",) * 5)


def _said(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter of the answer's strongest statement."""
    found = mentions(answer, choices)
    counted = [mention for mention in found if not mention.void]
    if any(mention.contradicts for mention in counted):
        return None
    opening, concluded = _opening(answer, found), _concluded(answer, found)
    if final := declared(answer, counted, choices):
        last = last_of(answer, final)
        if not any(one.firm for one in final) and concluded and concluded != last:
            return None
        place = max(final).place
        if any(one.letter and one.label != last and _TAKEN_BACK.search(answer, place, one.start) for one in counted):
            return None
        if any(one.label != last and _OR_ELSE.search(answer, place, one.start) for one in found):
            return None
        in_words = not any(mention.letter for mention in counted if mention.start == place)
        return None if in_words and opening is not None and found[0].letter and opening != last else last
    unsure = (match.start() for match in _UNSURE.finditer(answer))
    if not all(any(one.start <= place < one.end for one in found if one.own) for place in unsure):
        return None
    known = any(choices)  # if no option has words, a letter may denote a picture
    chosen = {mention.label for mention in counted if known and mention.label and _is_chosen(answer, mention)}
    if opening is not None or concluded is not None:
        said = {label for label in (opening, concluded, *(chosen if opening else ())) if label is not None}
        return said.pop() or None if len(said) == 1 else None
    return chosen.pop() if len(chosen) == 1 else _named(answer, found, counted)


def _named(answer: str, found: Sequence[Mention], counted: Sequence[Mention]) -> str | None:
    """Return the only option named. Other options may only be denied, and not after its sentence."""
    labels = {mention.label for mention in counted}
    sure = [mention for mention in counted if not mention.bare]
    if len(labels) != 1 or not sure or any(mention.several and not mention.listed for mention in counted):
        return None
    others = [mention for mention in found if mention.label not in labels]
    if any(_COMPARED.search(answer, max(0, mention.start - 24), mention.start) for mention in others):
        return None
    if any(_OR_ELSE.search(answer, sure[-1].end, mention.start) for mention in others):
        return None
    return labels.pop() or None if all(mention.begin <= sure[-1].begin for mention in others) else None


def _opening(answer: str, found: Sequence[Mention]) -> str | None:
    """Return the letter that opens an answer, or the letter of the option that is its first sentence.

    Return an empty string if a sentence about only another option follows the letter.
    """
    first = found[0] if found else None
    if first is None or first.void or first.several or not OPENS.fullmatch(answer, 0, first.start):
        return None
    second = found[1] if len(found) > 1 else first
    explained = first.letter and not (first.own or second.letter or second.void)
    explained = explained and not re.search(r"\w", answer[first.end : second.begin])
    if explained and first.label not in {mention.label for mention in found if mention.begin == second.begin}:
        return ""  # "B" and a sentence about D
    closed = _CLOSED.match(answer, first.end) is not None
    opens = closed or (first.letter and (first.own or _VERB.match(answer, first.end) is not None))
    opens = opens or len(words_of(answer[first.start : first.end])) > 2  # a statement that starts with the option
    return first.label or None if opens else None


def _concluded(answer: str, found: Sequence[Mention]) -> str | None:
    """Return the only option of the last concluding sentence, or an empty string if it affirms none."""
    begins = [mention.begin for mention in found if CONCLUDES.match(answer, mention.begin)]
    last = [mention for mention in found if begins and mention.begin == begins[-1]]
    labels = {mention.label for mention in last if not mention.void}
    if all(mention.bare for mention in last if not mention.void) and labels:
        return None
    if len(labels) == 1:
        return labels.pop()
    return "" if last and not labels else None


def _is_chosen(answer: str, mention: Mention) -> bool:
    """Return whether a statement prefers the option without any reservation."""
    return (
        not mention.several
        and not mention.bare
        and _CHOSEN.match(answer, mention.end, mention.stop) is not None
        and _BUT.search(answer, mention.begin, mention.stop) is None
    )
