"""Read yes or no from an answer: as benchmarks' own scripts do, or strictly, without guessing.

True counts as yes and false as no.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from mmeval.scoring.readings.answer import marked, plain
from mmeval.scoring.readings.strict import languages as tongues
from mmeval.scoring.readings.strict import phrases
from mmeval.scoring.readings.strict.hearsay import REPORTED
from mmeval.scoring.readings.strict.languages import DEFAULT, Language, YesNo
from mmeval.scoring.readings.strict.vetoes import TAKEN_BACK, UNSURE
from mmeval.types import Record, Score

Reader = Callable[[str], YesNo | None]


def official(text: str) -> YesNo | None:
    """Read as MME's `calculation.py`: "yes", else "no", anywhere in the first four characters, in any case.

    "None" is therefore a no, "**Yes**" is unparsed and "**No**" is a no.
    """
    window = text.lower()[:4]
    return "yes" if "yes" in window else "no" if "no" in window else None


def strict(text: str, languages: Sequence[Language] = DEFAULT) -> YesNo | None:
    """Return what the whole answer states explicitly in one of these languages, or None. Linear in its length.

    A clause says yes or no if it has that word, with only words that lead up to an answer before it ("I think", "the
    answer is"), and nothing after it or a word that starts a new sentence: "no there is", but not "no dog".
    Quotations, questions, doubts and reasoning do not count. Clauses that contradict each other cancel, unless some
    are boxed, tagged or declared; then the last of these counts.
    """
    answer = "\n".join(plain(text).lower().splitlines())
    languages = tuple(languages)
    declared = [(position, value) for position, content in marked(answer) if (value := _stated(content, languages))]
    declared += [
        (match.start(), value)
        for match in (_DECLARED.finditer(answer) if "en" in languages else ())
        if (value := _WORDS.get(match[1]))
        and not _DOUBT.search(answer, max(0, match.start() - 40), match.start())
        and not REPORTED.search(_ENDS.split(answer[max(0, match.start() - 200) : match.start(1)])[-1])
    ]
    if declared:
        position, value = max(declared)
        return None if any(veto.search(answer, position) for veto in (TAKEN_BACK, UNSURE, _OPEN)) else value
    return _stated(answer, languages)


def _stated(answer: str, languages: Sequence[Language]) -> YesNo | None:
    """Return what the clauses of an answer say, if they agree and nothing doubts them."""
    answer = _undecorated(answer)
    if "en" in languages and any(veto.search(_POLITE.sub("", answer)) for veto in (_OPEN, _CONTRADICTED, UNSURE)):
        return None
    statements = set(_statements(answer, languages))
    if not statements:
        if match := _WHOLE.fullmatch(answer):
            return "no" if match["false"] or match["not"] else "yes"
        words = [word for word in _TOKEN.findall(answer) if word not in _ADVERBS]
        return _ALONE.get(words[0]) if len(words) == 1 else None
    denied = statements == {"yes"} and "en" in languages and _DENIED.search(answer)
    return statements.pop() if len(statements) == 1 and not denied else None


def nlvr2(text: str) -> YesNo | None:
    """Read as NLVR2's `metrics.py`: true or false as the whole answer, in any case."""
    return _TRUTH.get(text.strip().lower())


def truth(text: str) -> YesNo | None:
    """Read true or false as `strict` reads yes or no: "The statement is true.", and "False, there are two".

    The word after "the answer (to the question) is" counts, whatever else is said, unless both words follow it.
    """
    if marked := {_TRUTH[match[1].lower()] for match in _TRUTH_IS.finditer(text)}:
        return marked.pop() if len(marked) == 1 else None
    as_yes_or_no = re.sub(r"(?i)\bfalse\b", "no", re.sub(r"(?i)\btrue\b", "yes", text))
    return strict(re.sub(r"(?i)\b(?:statement|sentence|claim|caption|description)\b", "answer", as_yes_or_no))


def refuses(text: str) -> bool:
    """Return whether an answer starts by declining to answer: "I cannot help with that", "As an AI, ..."."""
    return _REFUSAL.search(plain(text[:300]).lower()) is not None


def scorer(read: Reader) -> Callable[[Record], Score]:
    """Return the scorer that reads answers with `read`. An unparsed answer is wrong and counted as unparsed."""

    def score(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        answer = read(record.text)
        if answer is None:
            return Score(0.0, "refused" if refuses(record.text) else "unparsed")
        right = answer in record.targets
        return Score(float(right), "correct" if right else "incorrect", answer)

    return score


_WORDS = tongues.words(("en",))
_TRUTH: dict[str, YesNo] = {"true": "yes", "false": "no"}
_TRUTH_IS = re.compile(r"\banswer(?: to the question)? is:? (true|false)\b(?! or\b)", re.IGNORECASE)
_ALONE: dict[str, YesNo] = {"y": "yes", "n": "no", "not": "no", "correct": "yes", "incorrect": "no", **_TRUTH}
"""Read only if the answer has no other word."""


def _bag(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ADVERBS = _bag("absolutely actually certainly clearly definitely likely obviously probably")
_LEADING = _ADVERBS | _bag(
    """a an the so then thus hence therefore and but or well oh ok okay sure now sorry simply just i i'd would say
    answer think believe am that it it's this is be should must my your its final correct right question response
    to with"""
)
"""Words allowed before the answer in its clause."""
_SENTENCE = _bag(
    """a an the there there's this that that's these those it it's they they're i i'm we you he he's she she's
    his her its their in because since as"""
)
"""Words that start a new sentence after the answer. Before any other word, "no" may negate only that word."""
_REPORTS = _bag("say says said read reads write writes written word words text sign label title caption")
"""A clause with one of these words and a colon introduces a quotation."""

_DECLARED = re.compile(
    r"\banswer(?: to (?:the|this) question)?(?:\s+(?:is|was|would be|should be|must be))?(?:\s+(?:definitely"
    r"|clearly|probably))?[\s:*\"'=]*([^\W\d_]+)(?=[\s.*\"')]*(?:[.,;!}<\n]|$|\b(?:because|since|as)\b))"
)
_DOUBT = re.compile(
    r"(?:\b(?:if|not|whether|might|may|could|maybe|perhaps|possibly|unless|opposite|den(?:y|ies|ied)|doubt|nothing)\b"
    r"|n't)[^.;\n]*$|\b(?:an|one|another|some|expected|sample|possible)\s+$"
)
_OPEN = re.compile(
    r"\b(?:it|that|the answer) depends\b|\bi mean\b|\bkidding\b|\bscratch that\b|\bp\s*\(\s*(?:yes|no)\b"
    # yes, maybe; yes, unless it rains
    r"|\b(?:yes|no)\b[\s,.;:!(–—-]*(?:but |or )?(?:maybe|perhaps|possibly|not necessarily)\s*(?=[.,;:!?)\n]|$)"
    r"|\b(?:yes|no)\b,?\s*(?:only )?(?:if (?!you\b|we\b|i\b)|unless\b)"
    # no 40%; 50% yes
    r"|\b(?:yes|no)\b[\s:(=]*(?:50|[0-4]?\d)(?:\.\d+)?\s*%|(?<![\d.])(?:50|[0-4]?\d)(?:\.\d+)?\s*% (?:yes|no)\b"
)
"""Words that leave an answer open."""
_CONTRADICTED = re.compile(
    r"\b(?:(?P<yes>yes)|no)\b[\s,:–—-]*\b(?:it|there|that|this|they|he|she|i|we|you)"
    r"(?:'s|'re| (?:is|are|was|were|does|do|did|has|have|had|can|could|will|would))"
    r"(?(yes)(?:n't| not|'t)|(?!n't| not))\s*(?=[.!;\n]|$)"
)
"""A short answer that denies the word before it: "yes, it is not"; "no, there are"."""
_POLITE = re.compile(r"\bi can help\b|\bhelp you with\b|\bi apologize\b|\bi'm sorry\b")
_DENIED = re.compile(r"[.!,;(]\s*(?:but )?(?:that|this|it)(?:'s| is) (?:wrong|incorrect|not (?:right|correct|true))\b")
"""A clause that takes back a yes; it confirms a no."""
_WHOLE = re.compile(
    r"(?:(?:it|that|this)(?:'s| is) (?:(?P<false>false|incorrect|wrong|not true|not correct)|true|correct)"
    r"|that(?:'s| is) right"
    r"|(?P<not>(?:of course|surely|certainly|definitely|absolutely|probably) not))\W*"
)
"""A whole answer without yes or no."""
_ENDS = re.compile(r"[.;!?\n]")
_TAG = re.compile(r"<(?!(?:yes|no)>)[a-z|/_]{1,30}>")
_NUMBER = re.compile(r"\bno\.[ \t]*\d+|\byes\.\d+")
_EITHER = re.compile(r"(?<=\w)\s*/\s*(?=\w)")
_SPACED = re.compile(r"(?<!\w)(?:y\s+e\s+s|n\s+o)(?!\w)")
_REPEATED = re.compile(r"(?<![^\W\d_])(yes|no)\1+(?![^\W\d_])")
_GIVEN = re.compile(r"\b(answer(?: is)?:? )[\"']([^\W\d_]+)[.]?[\"']")
_QUOTED = re.compile(r"\"[^\"]*(?:\"|$)|(?<!\w)'[^']*'(?!\w)")
_CLAUSE = re.compile(r"([^.,;:!?。、،؛؟।()\[\]{}\n]*)([.,;:!?。、،؛؟।()\[\]{}\n]|$)")
_MARKS = "\u0300-\u036f\u064b-\u0652\u0900-\u0903\u093a-\u094f\u0962\u0963"
_TOKEN = re.compile(rf"(?:[^\W\d_]|[{_MARKS}])+(?:'[^\W\d_]+)*|\d+")
_REFUSAL = re.compile(
    r"\bas an? (?:ai|(?:large )?language model)\b|\bi(?:'m| am) (?:unable|not able) to\b"
    r"|\bi(?:'m| am) sorry\b.{0,20}\bi (?:can't|cannot|can not|won't)\b"
    r"|\bi (?:can't|cannot|can not|won't|will not) (?:help|assist|answer|provide|identify|comply|discuss|determine)\b"
)


def _undecorated(answer: str) -> str:
    """Return an answer without special tokens, numbers ("no. 1"), letter spacing and quotations."""
    answer = _TAG.sub(" ", answer).strip(" .*_\n")
    for quote in "\"'":
        if answer.startswith(quote) and answer.endswith(quote) and answer.count(quote) == 2:
            answer = answer[1:-1]
    answer = _EITHER.sub(" or ", _NUMBER.sub(" ", _QUOTED.sub(" ", _GIVEN.sub(r"\1\2", answer))))
    answer = _SPACED.sub(lambda match: "".join(match[0].split()), answer)
    return _REPEATED.sub(r"\1", answer)


def _statements(answer: str, languages: Sequence[Language]) -> Iterator[YesNo]:
    reported = supposed = heard = False
    for clause, end in _CLAUSE.findall(answer):
        words = _TOKEN.findall(clause)
        stated = _foreign(words, languages) or (_clause(words) if "en" in languages else None)
        supposed = supposed or words[:1] in (["if"], ["unless"], ["suppose"], ["assuming"])
        heard = (heard and words[:1] not in (["so"], ["but"])) or ("en" in languages and bool(REPORTED.search(clause)))
        if stated and not (reported or supposed or heard) and end not in ("?", "؟"):
            yield stated
        supposed, heard = (flag and end in (",", ":", "(", ")") for flag in (supposed, heard))
        if words or end != "\n":
            reported = end == ":" and not _REPORTS.isdisjoint(words)


def _foreign(words: Sequence[str], languages: Sequence[Language]) -> YesNo | None:
    """Return what a clause says if, after an optional lead, it is a yes or no or starts with one."""
    opening, known = " ".join(words), tongues.words(tuple(languages))
    if lead := phrases.led(tuple(languages)).fullmatch(opening):
        opening = lead["said"]
    if value := known.get(opening) or known.get(f"{opening}+"):
        return value
    first, *remaining = opening.split() or [""]
    value = known.get(f"{first}+")
    others = {known.get(word) or known.get(f"{word}+") or value for word in remaining}
    return value if others <= {value} else None


def _clause(words: Sequence[str]) -> YesNo | None:
    for word, after in itertools.zip_longest(words, words[1:], fillvalue=""):
        if stated := _WORDS.get(word):
            counted = stated == "yes" and after.isdigit()  # "no 5" may be a number
            return stated if not after or after in _SENTENCE or _WORDS.get(after) == stated or counted else None
        if word not in _LEADING and not word.isdigit():
            break
    return None
