"""VQA accuracy: how many of ten people agree with an answer (Antol et al. 2015, arXiv 1505.00468; vqaEval.py).

Each annotator in turn is left out: min(1, matches among the others / 3), averaged over the annotators.
"""

import re
from collections.abc import Sequence

from mmeval.types import InputError, nearest

NORMALISATIONS = ("official", "always")
"""`official`: as vqaEval.py does, references lose their punctuation only where they are not all the same, and keep
their articles and number words. `always`: references are normalised just as answers are (lmms-eval, VLMEvalKit)."""

_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_NUMBERS = {word: str(number) for number, word in enumerate(_DIGITS)} | {"none": "0"}
_ARTICLES = {"a", "an", "the"}
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
_THOUSANDS = re.compile(r"\d,\d")
_PERIODS = 32
"""vqaEval.py passes re.UNICODE, which is 32, where `sub` takes the number of replacements."""

_CONTRACTED = """
    ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've
    he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've
    o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't somebody'd've somebody'll somebody's someone'd
    someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're
    there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've
    when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
    wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""


CONTRACTIONS = {
    word[:place] + word[place + 1 :]: word
    for word in _CONTRACTED.split()
    for place, letter in enumerate(word)
    if letter == "'"
} | {"somebody'd": "somebodyd"}  # the table has this one the wrong way round
"""Each contraction by what is left of it where one of its apostrophes is missing."""


def accuracy(answer: str, references: Sequence[str], normalise: str = "official") -> float:
    """Return the accuracy, in [0, 1], of an answer to a question with those references, one of each annotator.

    An empty answer is worth nothing. Raises InputError for no references, and for an unknown normalisation.
    """
    return agreement(normalised(answer), references, normalise)


def agreement(given: str, references: Sequence[str], normalise: str) -> float:
    """Return the accuracy of an answer that is normalised already. Raises InputError, too."""
    if normalise not in NORMALISATIONS:
        hint = nearest(normalise, NORMALISATIONS)
        raise InputError(f"unknown normalisation '{normalise}'{hint}; choose from {', '.join(NORMALISATIONS)}")
    if not references:
        raise InputError("a question without reference answers cannot be scored; give it some")
    if not given:
        return 0.0
    if normalise == "always":
        known = [normalised(reference) for reference in references]
    else:
        known = list(references) if len(set(references)) == 1 else [punctuation(reference) for reference in references]
    matches = known.count(given)
    return sum(min(1.0, (matches - (reference == given)) / 3) for reference in known) / len(known)


def normalised(text: str) -> str:
    """Return a text in lower case, without punctuation and articles, number words as digits, apostrophes put back."""
    text = punctuation(text.replace("\n", " ").replace("\t", " ").strip())
    words = (_NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def punctuation(text: str) -> str:
    """Do as vqaEval.py's `processPunctuation`: drop a mark that is beside a blank anywhere, else make it a blank."""
    thousands, out = _THOUSANDS.search(text), text
    for mark in _PUNCTUATION:
        out = out.replace(mark, "" if thousands or f"{mark} " in text or f" {mark}" in text else " ")
    return _PERIOD.sub("", out, _PERIODS)
