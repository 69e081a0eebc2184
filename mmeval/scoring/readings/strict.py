r"""Read the letter that an answer means, or nothing: where it is not written in so many words, nothing is guessed.

In order of weight: an answer that is a letter or an option and nothing else; the last one that is boxed, tagged or
declared ("the answer is B"); what opens the answer ("(B) Option C would ...") and what its conclusion says, where they
agree; the only option that a statement prefers; the only option that is named. A letter that stands for something else
is no mention (see `mentions`), and what is denied, doubted, asked or one of several counts for nothing. A letter beside
the words of another option ("A. dog" where D is the dog) makes the whole answer say nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from mmeval.scoring.readings.answer import marked, plain
from mmeval.scoring.readings import languages
from mmeval.scoring.readings.choices import LETTERS, NONE_OF_THEM, texts
from mmeval.scoring.readings.mentions import DOUBT, Mention, mentions, words_of
from mmeval.scoring.readings.public import FAILED, REFUSALS

_HEAD, _TAIL = 4_000, 16_000
"""Characters looked at from both ends of an answer: a model that repeats itself says nothing new between them."""

_LEADS = "|".join(map(re.escape, languages.leads(get_args(languages.Language))))
_AFTER_CUE = (
    r"[\s:*_\"'(\[]*(?:(?:the|an?|la|le|el|die) )?(?:(?:option|choice|letter|answer|point|image|picture|box)\b)?"
    r"\s*[-–—:=,>]?[\s(\[{\"'*_`$#【]*(?:(?:the|an?) )?\Z"
)
_CUE = re.compile(
    r"(?:\b(?:answers?|ans|(?:correct|right|best|final|selected|chosen|my) (?:option|choice|letter)|conclusion)\b"
    r"(?:\s+(?:to|for) (?:the|this) question)?[\s:*_\"'=]*"
    r"(?:(?:is|are|was|be|(?:should|would|will|must) be|(?:most )?likely|probably|clearly|therefore|thus)\b[\s:*_\"']*)*"
    rf"|(?:{_LEADS}|正确选项|应选|故选|选择|选|答)[\s:*】]*(?:应该|应当|就|选项)?\s*[是为选]?){_AFTER_CUE}",
    re.IGNORECASE,
)
"""What declares an answer, up to its letter or words."""
_LEADS_UP = re.compile(
    r"(?:\b(?:best|correct|right|appropriate|closest|corresponding|likely)\b[^.!?\n]{0,160}\b(?:is|are|be)\b[\s:,]*"
    r"|\bI(?: would|'d)? (?:say|conclude)(?: that)?[\s:]*"
    r"|\b(?:choose|chose|select|pick|(?:left|go|going|went) with|lean(?:ing)? towards?|letter (?:is|would be)|leav(?:es|ing)|it(?:'s"
    r"| is)(?: \w+ly)?|correspond(?:s|ing)? to"
    r"|(?:should|would|will|must|to) be|so|thus|therefore|hence|definitely|clearly|obviously|certainly)[\s:*,]+)"
    rf"{_AFTER_CUE}",
    re.IGNORECASE,
)
"""What leads up to an answer, which weighs less."""
_RIGHT = re.compile(
    r"[)\]\"'*_`】]*\s*(?:选项|项)?\s*(?:,\s*)?(?:(?:is|was|would be|must be|seems to be|appears to be|seems"
    r"|looks|as)\s+"
    r"(?:clearly |definitely |indeed |therefore |thus |also )?(?:the |my )?(?:most |only |best |single |more )??"
    r"(?:correct|right|true|answer|best|(?:accurate|appropriate|suitable|fitting) (?:answer|option|choice"
    r"|description)"
    r"|only (?:one|option|choice|possibility))\b"
    r"|it is\s*(?:[.!]|\Z)|[✅✓✔☑]|[:–—-]+\s*(?:correct|right|true|yes)\b|(?:是)?(?:正确|对的))(?!,?\s*(?:if|or|but)\b)",
    re.IGNORECASE,
)
"""What says of an option that it is the answer."""
_CHOSEN = re.compile(
    r"[)\]*\"']*(?:\s(?:in|on|of|at|from|with|labell?ed|circled|which|\(\w+\))\b[^.!?;\n]{0,120}?)?,?\s"
    r"(?:(?:is|seems|appears|looks|would be)\s(?:to be\s)?(?:the\s|an?\s)?(?:\w+ly\s)?|\w+ly\s|best\s)?"
    r"(?:best|most|closest|closer|more (?:accurate|appropriate|closely|fitting|likely|plausible|similar|suitable)\w*"
    r"|corresponds?|matches|fits|completes|follows|shares)\b",
    re.IGNORECASE,
)
"""What prefers an option. Pictures are described, too, so that it weighs less."""
_CONCLUDES = re.compile(
    r"[\s*#>-]*(?:therefore|thus|hence|so|in conclusion|in summary|overall|finally|based on|given (?:the|these"
    r"|this)|因此|所以|综上)",
    re.IGNORECASE,
)
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
_SO = re.compile(
    r"[\s.,;:!)*]*(?:so|thus|hence|therefore|and)?[\s,]*(?:the |my )?(?:correct |right |final |best )?"
    r"(?:answer|option|choice)\b[^.!?\n]{0,16}",
    re.IGNORECASE,
)
"""What may stand between the words of an option and the letter that follows from them."""
_SEVERAL = re.compile(r"\b(?:answers|options|choices) are\s*:", re.IGNORECASE)
_WAIT = re.compile(
    r"\b(?:wait|no|actually|correct(?:ion|ing)|again|reconsider\w*|mistake|sorry|instead|final(?:ly)?)\b|最终",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\b(?:wait|hmm+|no|actually|sorry|i mean|scratch that)\b[\s,.!:–—-]*(?:it'?s |it is )?[(*]*\Z", re.I
)
"""What stands before a letter that takes an answer back."""
_SO_ALREADY = re.compile(r"\b(?:therefore|thus|so|hence)\b[^.\n]*\Z", re.IGNORECASE)
_TURN = re.compile(
    _WAIT.pattern + r"|\b(?:but|however|therefore|thus|so|hence|conclusion)\b|因此|所以|但", re.IGNORECASE
)
"""What stands between an answer and another that replaces it."""
_OPENS = re.compile(
    r"\W{0,16}(?:\d{1,2}[.)]\s+)?\W{0,8}(?:(?:the )?(?:option|choice)\b|选项)?\W{0,8}(?:(?:an?|the) )?", re.I
)
_CLOSED = re.compile(r"[)\]}\"'*_`$】]*\s*(?:[.,;:!)\n。、]|[-–—]\s|\Z)")
_VERB = re.compile(r"[)\]*]*\s+(?:because|since|as|is (?:correct|right|shown))\b", re.IGNORECASE)
_LINE_ENDS = re.compile(r"[)\]}\"'*_`$】.!。\s]*\Z")
_TAG = re.compile(r"</?[a-z_]{2,30}>", re.IGNORECASE)


def strict(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter that the whole answer says, NONE_OF_THEM where it declines, or None. Linear in its length."""
    if FAILED in text:
        return None
    answer = plain(text)
    if any(refusal.lower() in answer.lower() for refusal in REFUSALS):
        return NONE_OF_THEM
    if len(answer) > _HEAD + _TAIL:
        answer = f"{answer[:_HEAD]}\n\n{answer[-_TAIL:]}"
    return _whole(_TAG.sub(" ", answer).strip(), choices) or _said(answer, choices or ("",) * 5)


def _whole(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter, or that of the option, that the answer is and nothing else."""
    exact = [label for label, choice in texts(choices) if choice.strip() == answer]
    parts = re.findall(r"\w+", answer)
    core = parts[0] if len(parts) > 1 and len(set(parts)) == 1 else answer  # "B B"
    core = core.strip("".join(c for c in set(answer) if not c.isalnum() and c not in "+°"))
    labels = LETTERS[: len(choices) or 5]
    if len(core) == 1 and core.isascii() and core.isalpha():
        label = core.upper() if core.upper() in labels else None
        if core.isupper() and label:
            return label if not exact or exact == [label] else None
        if len(exact) != 1 and label:
            return label
        if core == NONE_OF_THEM:
            return NONE_OF_THEM
    if len(exact) == 1:
        return exact[0]
    words = words_of(answer)
    same = [label for label, choice in texts(choices) if words and words_of(choice) == words]
    return same[0] if len(same) == 1 and not (len(words) == 1 and re.fullmatch("[a-z]", words[0])) else None


def _said(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter that a part of the answer says, by the strongest of what is said."""
    found = mentions(answer, choices)
    counted = [mention for mention in found if not mention.void]
    if any(mention.contradicts for mention in counted):
        return None
    opening, concluded = _opening(answer, found), _concluded(answer, found)
    if final := _declared(answer, counted, choices):
        last = _last(answer, final)
        if not any(one.firm for one in final) and concluded and concluded != last:
            return None
        place = max(final).place
        if any(one.letter and one.label != last and _TAKEN_BACK.search(answer, place, one.start) for one in counted):
            return None
        in_words = not any(mention.letter for mention in counted if mention.start == place)
        return None if in_words and opening is not None and found[0].letter and opening != last else last
    unsure = (match.start() for match in _UNSURE.finditer(answer))
    if not all(any(one.start <= place < one.end for one in found if one.own) for place in unsure):
        return None
    known = any(choices)  # else a letter may as well be that of a picture
    chosen = {mention.label for mention in counted if known and mention.label and _is_chosen(answer, mention)}
    if opening is not None or concluded is not None:
        said = {label for label in (opening, concluded, *(chosen if opening else ())) if label is not None}
        return said.pop() or None if len(said) == 1 else None
    return chosen.pop() if len(chosen) == 1 else _named(answer, found, counted)


def _named(answer: str, found: Sequence[Mention], counted: Sequence[Mention]) -> str | None:
    """Return the only option that is named, where any others are denied, and not after its sentence."""
    labels = {mention.label for mention in counted}
    sure = [mention for mention in counted if not mention.bare]
    if len(labels) != 1 or not sure or any(mention.several and not mention.listed for mention in counted):
        return None
    others = [mention for mention in found if mention.label not in labels]
    if any(_COMPARED.search(answer, max(0, mention.start - 24), mention.start) for mention in others):
        return None
    if any(DOUBT.search(answer, sure[-1].end, mention.start) for mention in others):
        return None  # "B seems right, but it might be C"
    return labels.pop() or None if all(mention.begin <= sure[-1].begin for mention in others) else None


@dataclass(frozen=True, order=True)
class Declared:
    """A place where an answer is declared."""

    place: int
    label: str
    """Its letter; nothing where it is several or no option."""
    firm: bool = True
    """Whether it is called the answer, and not only led up to ("so B")."""


def _declared(answer: str, counted: Sequence[Mention], choices: Sequence[str]) -> list[Declared]:
    """Return where an answer is boxed, tagged or declared."""
    final = [Declared(match.end(), "", firm=False) for match in _SEVERAL.finditer(answer)]
    for place, inner in marked(answer):
        inside = {
            mention.label for mention in mentions(f"answer {inner}", choices) if not mention.void and not mention.bare
        }
        label = _whole(inner.strip(), choices) or (inside.pop() if len(inside) == 1 else None)
        if label:
            final.append(Declared(place, label))
    for index, mention in enumerate(counted):
        start, end = mention.start, mention.end
        lead = answer[max(0, start - 200) : start]
        firm = _CUE.search(lead) is not None
        led = firm or _LEADS_UP.search(lead) is not None
        last = answer.rfind("\n", 0, start) + 1
        alone = last and _OPENS.fullmatch(answer, last, start) and _LINE_ENDS.match(answer, end)
        if mention.several and not mention.listed and _CONCLUDES.match(answer, mention.begin):
            final.append(Declared(start, "", firm=False))
            continue
        right = _RIGHT.match(answer, end) is not None and (mention.listed or not mention.several)
        if not (led or right or (alone and not mention.several)):
            continue
        before = counted[index - 1] if index else None
        joined = before and before.letter and not re.search(r"\w", answer[before.end : start])
        if alone and not led and joined and before and before.label != mention.label:
            final.append(Declared(start, ""))  # one letter a line
            continue
        agrees = mention.own or before is None or before.bare or before.label == mention.label
        if not agrees and before and before.own and not before.several and _SO.fullmatch(answer, before.end, start):
            final.append(Declared(start, ""))  # "a dog, so the answer is A"
        else:
            final.append(Declared(start, mention.label if right or not mention.several else "", firm or right))
    return sorted(final)


def _last(answer: str, final: Sequence[Declared]) -> str | None:
    """Return the last of the answers, where it replaces those before it that differ."""
    firm = [one for one in final if one.firm]
    final = [one for one in final if one.firm or not firm or _WAIT.search(answer, firm[-1].place, one.place)]
    last = final[-1]
    others = [one.place for one in final if one.label != last.label]
    again = others and _SO_ALREADY.search(answer, max(0, others[-1] - 60), others[-1])
    if others and not (_WAIT if again else _TURN).search(answer, others[-1], last.place):
        return None
    return last.label or None


def _opening(answer: str, found: Sequence[Mention]) -> str | None:
    """Return the letter with which an answer opens, or that of the option which is its first sentence.

    Nothing where a sentence about another option alone follows the letter.
    """
    first = found[0] if found else None
    if first is None or first.void or first.several or not _OPENS.fullmatch(answer, 0, first.start):
        return None
    second = found[1] if len(found) > 1 else first
    explained = first.letter and not (first.own or second.letter or second.void)
    explained = explained and not re.search(r"\w", answer[first.end : second.begin])
    if explained and first.label not in {mention.label for mention in found if mention.begin == second.begin}:
        return ""  # "B" and a sentence about what D is
    closed = _CLOSED.match(answer, first.end) is not None
    opens = closed or (first.letter and (first.own or _VERB.match(answer, first.end) is not None))
    opens = opens or len(words_of(answer[first.start : first.end])) > 2  # a statement that begins as the option does
    return first.label or None if opens else None


def _concluded(answer: str, found: Sequence[Mention]) -> str | None:
    """Return the only option of the last sentence that draws a conclusion; nothing where it affirms none."""
    begins = [mention.begin for mention in found if _CONCLUDES.match(answer, mention.begin)]
    last = [mention for mention in found if begins and mention.begin == begins[-1]]
    labels = {mention.label for mention in last if not mention.void}
    if all(mention.bare for mention in last if not mention.void) and labels:
        return None
    if len(labels) == 1:
        return labels.pop()
    return "" if last and not labels else None


def _is_chosen(answer: str, mention: Mention) -> bool:
    """Return whether a statement prefers the option, and says nothing against it."""
    return (
        not mention.several
        and not mention.bare
        and _CHOSEN.match(answer, mention.end, mention.stop) is not None
        and _BUT.search(answer, mention.begin, mention.stop) is None
    )
