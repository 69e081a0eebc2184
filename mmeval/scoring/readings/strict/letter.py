r"""Read the letter to which an answer commits. Never guess.

A letter is read only from a form that commits (see `forms`), in this order:

1. the whole answer is a letter or an option;
2. the last option that is boxed, tagged, declared ("the answer is B"), called right ("B is correct") or alone at the
   end;
3. the option that opens the answer ("(B) Option C would ...");
4. the option that every comparison prefers ("B is most similar to the first");
5. the only option of a short plain statement ("It is a rabbit.").

A form does not commit if it is denied, doubted, asked, supposed or attributed to others (see `vetoes`). Commitments
that differ choose nothing, unless the text replaces one with the other. A letter beside the words of another option
("A. dog" if D is the dog) makes the whole answer unparsed. So do answers to several questions, or "it depends".
"""

import re
from collections.abc import Iterator, Sequence

from mmeval.scoring.readings.answer import marked, plain
from mmeval.scoring.readings.choices import LETTERS, NONE_OF_THEM
from mmeval.scoring.readings.scripts.public import FAILED, REFUSALS
from mmeval.scoring.readings.strict import phrases
from mmeval.scoring.readings.strict.forms import (
    DECLARED,
    IT_IS,
    ONLY,
    OPENING,
    PREFERRED,
    RIGHT,
    SOLE,
    is_name,
    is_side,
)
from mmeval.scoring.readings.strict.options import whole
from mmeval.scoring.readings.strict.references import (
    ANY,
    BARE,
    CLASH,
    CLEAR,
    NAMED,
    NO_REFERENCE,
    SURE,
    UNKNOWN,
    option_index,
    references,
)
from mmeval.scoring.readings.strict.spelling import corrected
from mmeval.scoring.readings.strict.statements import fits, statements_in
from mmeval.scoring.readings.strict.vetoes import (
    COMPARED,
    CONCLUDES,
    REPLACES,
    SHARED,
    TAKEN_BACK,
    UNSURE,
    WRONG,
    affirmed,
    vetoed,
)

Commitment = tuple[int, str]
"""The position of an option in the answer, and its letter; empty for several options or none."""

_HEAD, _TAIL = 4_000, 16_000
"""Characters examined at the two ends of an answer. Longer answers are usually repetitive."""
_TAG = re.compile(r"</?[a-z_]{2,30}>", re.IGNORECASE)
_SENTENCE = re.compile(rf"(?:[^.!?。！？\n]|\.(?=(?!\s){NO_REFERENCE}))+[.!?。！？]*|\n")
_LINE = re.compile(rf"\n|(?<=[.!])\s+(?={SURE})")
_CONCLUSION = re.compile(
    r"\s*(?:therefore|thus|hence|so|in conclusion|in summary|overall|finally|based on|given)\b", re.IGNORECASE
)
_WITH_LETTER = re.compile(
    rf"\b(?:is|are|'s|shows?|was) (?:(?:an?|the|in|on|at|\w+ly) )*({SURE})[\s.,;:)]*(?:so|thus|hence|therefore)?[\s,]*"
    r"(?:(?:the|my|correct|right|final|best|answer|option|choice|is|it)[\s:,]*)*[\"'(]*\Z",
    re.IGNORECASE,
)
"""A statement about an option in words that a letter follows: "a dog, so the answer is A"."""
_BOXED = re.compile(rf"\s*(?P<option>{SURE}|{BARE}(?=[.:)]))(?!{NO_REFERENCE}*{SURE})")
_ASKED = re.compile(
    r"\A(?:you(?: have|'ve)? ask\w*|the question (?:asks|is)|(?:we|I)(?: are|'re| am)? (?:asked|need|have))\b"
    r"[^.:?!\n]{0,80}?\b(?:whether|which|what|who|where|when|how|between|if)\b[^.:?!\n]{0,200}[.:?!]\s+(?=\S)",
    re.IGNORECASE,
)
"""The question, said again."""
_ITEM = re.compile(rf"{NO_REFERENCE}*?(?:\A\s*|[.,;:!?\n]\s*)({ANY})\s*(?:[.:)\n]|\Z)")
_SPECIES = re.compile(
    r"\s+(?!(?:an?|the|it|this|that|there|they|he|she|in|on|at|to|no|yes|because|since|as|for|i)\b)(?-i:[a-z]{4,}) \w"
)
"""A word in lower case after a letter and a period, as in "C. elegans"."""
_QUESTION = re.compile(r"\bquestion (?:no\.? ?|number |#)?(\d+)", re.IGNORECASE)
"""The number of a question."""
_DEPENDS = re.compile(r"\b(?:it|that|the answer) depends\b", re.IGNORECASE)
"""Words of an answer that names an option for each case."""
_CUT_OFF = re.compile(
    r"[.:\n](?:\s+[^\s.:]+){3,}\s(?:an?|the|of|in|on|at|to|by|for|from|with|and|or|as|that|which|is|are|was|were|has|have)\Z",
    re.IGNORECASE | re.DOTALL,
)
"""An answer of several sentences, the last of which was cut off."""
_CORRECTS = re.compile(r"\b(?:wait|actually|correction|sorry|let me (?:re|count|look|check))\b", re.IGNORECASE)
"""Words between two statements of which the later one counts."""
_WORD_OR_TWO = re.compile(r"\s*(\w+(?: \w+)?)\s*[.!]?\s*\Z")


def strict(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter that the answer states, NONE_OF_THEM if it declines, or None. Linear in the answer's length."""
    if FAILED in text:
        return None
    answer = corrected(_ASKED.sub("", plain(text)), choices)
    if any(refusal.lower() in answer.lower() for refusal in REFUSALS):
        return NONE_OF_THEM
    if len(answer) > _HEAD + _TAIL:
        answer = f"{answer[:_HEAD]}\n\n{answer[-_TAIL:]}"
    if letter := whole(_TAG.sub(" ", answer).strip(), choices):
        return letter
    if len(re.findall(r"\w", answer)) == 1:
        return None  # a letter that is also the text of another option
    choices = choices or ("",) * 5
    contents = ((start, whole(inner.strip(), choices) or _only(inner, choices)) for start, inner in marked(answer))
    if boxed := [(start, label) for start, label in contents if label]:
        return _last(answer, boxed)
    answer = affirmed(references(answer, choices))
    return None if CLASH in answer else _committed(answer, choices)


def _committed(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter to which an answer commits; the answer is a text of `references`."""
    if len(set(_QUESTION.findall(answer))) > 1 or _DEPENDS.search(answer):
        return None
    sentences = [
        (match.start(), match[0])
        for match in _SENTENCE.finditer(answer)
        if not match[0].rstrip(" \"')").endswith(("?", "？"))
    ]
    opening, alone = _opening(answer, choices), len(_indices(answer)) == 1
    declared = sorted(option for start, sentence in sentences for option in _declared(start, sentence, alone))
    if last := _closing(answer):
        declared.append((len(answer), last))
    if declared:
        return _last(answer, [(0, opening), *declared] if opening else declared)
    if UNSURE.search(answer) or _CUT_OFF.search(answer):
        return None
    forms = (PREFERRED, SOLE) if len(sentences) == 1 else (PREFERRED,) if any(choices) else ()
    preferred = {label for _, sentence in sentences for label in _preferred(sentence, forms)}
    declared = [
        (start + match.start("option"), _label(match))
        for start, sentence in sentences
        for match in statements_in(sentence, choices)
    ]
    labels = {label for _, label in declared}
    if opening is not None:
        return opening or None if (labels | preferred) <= {opening} else None
    if preferred and not declared:
        conclusions = [_indices(sentence) for _, sentence in sentences if _CONCLUSION.match(sentence)]
        conclusions = [indices for indices in conclusions if indices]
        agreed = not conclusions or conclusions[-1] == {LETTERS.find(label) for label in preferred}
        return preferred.pop() or None if agreed and len(preferred) == 1 else None
    if len(labels) > 1 and _CORRECTS.search(answer, declared[0][0], declared[-1][0]):
        return declared[-1][1] or None
    alone = alone or (bool(declared) and CONCLUDES.search(answer, 0, declared[-1][0]) is not None)
    return labels.pop() or None if len(labels) == 1 and alone else None


def _declared(start: int, sentence: str, alone: bool) -> Iterator[Commitment]:
    """Yield the options that a sentence declares; `alone` if the answer names no other option."""
    for match in phrases.declared(sentence):
        if not vetoed(sentence, match.start("option"), match.start(), match.end()):
            yield start + match.start("option"), _label(match)
    for form in (DECLARED, RIGHT, ONLY):
        for match in form.finditer(sentence):
            option = match.start("option")
            if form is RIGHT and (is_name(sentence, match) or is_side(sentence, match)):
                continue
            if not alone and IT_IS.fullmatch(match[0]):
                continue
            if not vetoed(sentence, option, match.start(), match.end()):
                yield start + option, _label(match)


def _preferred(sentence: str, forms: Sequence[re.Pattern[str]]) -> Iterator[str]:
    """Yield the options that a sentence prefers."""
    if not COMPARED.search(sentence):
        for match in (match for form in forms for match in form.finditer(sentence)):
            option = match.start("option")
            if not (is_name(sentence, match) or vetoed(sentence, option, match.start(), match.end())):
                yield _label(match)


def _last(answer: str, declared: Sequence[Commitment]) -> str | None:
    """Return the last declaration, unless it differs from an earlier one that nothing replaces, or is taken back."""
    position, last = declared[-1]
    differing = [start for start, label in declared if label != last]
    if differing and not REPLACES.search(answer, differing[-1], position):
        return None
    words = _WITH_LETTER.search(answer[max(0, position - 80) : position])
    by_letter = not re.match(NAMED, answer[position : position + 1])
    contradicted = words and by_letter and option_index(words[1]) != LETTERS.find(last)
    if contradicted or TAKEN_BACK.search(answer, position) or UNSURE.search(answer, position):
        return None
    alternatives = (match["maybe"] or match["also"] for match in SHARED.finditer(answer, position))
    if any(differing or option_index(option) != LETTERS.find(last) for option in alternatives):
        return None
    return last or None


def _closing(answer: str) -> str | None:
    """Return the option that is alone in the last line, unless the line before it is an option, or begins with one."""
    lines = [line.strip(" .") for line in _LINE.split(answer) if line.strip(" .")]
    alone = [match for line in lines[-2:] if (match := OPENING.fullmatch(line)) and not match["noun"] + match["clause"]]
    if len(lines) < 2 or len(alone) != 1 or lines[-1].endswith(":") or not OPENING.fullmatch(lines[-1]):
        return None
    before, option = OPENING.match(lines[-2]), alone[0]["option"]
    is_list_item = re.match(NAMED, option) and before and option_index(before["option"]) == option_index(option) - 1
    return None if is_list_item else _label(alone[0])


def _only(inner: str, choices: Sequence[str]) -> str | None:
    """Return the option that opens the contents of a box or a tag."""
    text = references(inner, choices)
    match = _BOXED.match(text)
    return _opening(text, choices) or (_label(match) if match and CLASH not in text else None)


def _opening(answer: str, choices: Sequence[str]) -> str | None:
    """Return the option that opens the answer, unless what follows denies it, or it heads a list of the options."""
    match = OPENING.match(answer)
    if match is None or not fits(match, choices):
        return None
    if WRONG.match(answer, match.end()) and (any(choices) or not re.match(CLEAR, match["option"])):  # "(B) no"
        return None
    option, remainder = option_index(match["option"]), answer[match.end() :]
    item = _ITEM.match(remainder)
    if (match[0].endswith("?") and remainder.strip()) or (item and option_index(item[1]) != option):
        return None
    if match[0].endswith(".") and remainder.strip() and choices[option].isdecimal():
        return None  # "2. Next, look at the trees."
    words = _WORD_OR_TWO.match(remainder)
    is_bare = any(choices) and re.match(BARE, match["option"]) and match[0][-1] in ".:)"
    if is_bare and words and not set(words[1].casefold().split()) <= set(choices[option].casefold().split()):
        return None  # "D. Eisenhower", unless the option is Dwight Eisenhower
    if is_bare and match[0][-1] == "." and _SPECIES.match(remainder) and not re.search(ANY, remainder):
        return None
    return None if _is_about_another(match, remainder) else _label(match)


def _is_about_another(match: re.Match[str], remainder: str) -> bool:
    """Return whether a lone letter is followed by a sentence about the words of other options only."""
    sentence = next((text for text in _SENTENCE.findall(remainder) if re.search(ANY, text)), "")
    alone = not re.match(NAMED, match["option"]) and "\n" in match[0] + remainder[:1]
    in_words = re.search(rf"{BARE}|{CLEAR}|{UNKNOWN}|\b(?:not|no|need)\b|n't", sentence) is None
    return alone and bool(sentence) and in_words and option_index(match["option"]) not in _indices(sentence)


def _label(match: re.Match[str]) -> str:
    return LETTERS[index] if (index := option_index(match["option"])) >= 0 else ""


def _indices(text: str) -> set[int]:
    """Return the indices of the options that a text names; -1 stands for several at once."""
    return set(map(option_index, re.findall(ANY, text)))
