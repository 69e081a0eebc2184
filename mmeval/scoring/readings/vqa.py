"""VQA accuracy: how many of ten people agree with an answer (Antol et al. 2015, arXiv 1505.00468).

It is min(1, matches among the other annotators / 3), averaged over leaving out each annotator. Public tools normalize
the answer and the references differently, so a run names its reading (`READINGS`).
"""

import math
import re
from collections.abc import Callable, Sequence

from mmeval.scoring.readings.answer import NUMBERS
from mmeval.scoring.readings.yesno import refuses
from mmeval.types import InputError, Record, Score

_NUMBERS = NUMBERS | {"none": "0"}
_ARTICLES = {"a", "an", "the"}
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
_THOUSANDS = re.compile(r"\d,\d")
_PERIODS = 32
"""vqaEval.py passes re.UNICODE, which is 32, as the `count` of `sub`."""

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
    word[:index] + word[index + 1 :]: word
    for word in _CONTRACTED.split()
    for index, letter in enumerate(word)
    if letter == "'"
} | {"somebody'd": "somebodyd"}  # the table has this one the wrong way round
"""Contraction without one of its apostrophes -> the contraction."""


Comparison = Callable[[str, Sequence[str]], tuple[str, Sequence[str]]]
"""Returns an answer and its references, normalized for comparison."""


def vqa_2016(text: str, references: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Compare as GT-Vision-Lab/VQA, vqaEval.py of 2016 (458a8b2): references keep articles, case and number words.

    References lose their punctuation only if they are not all the same. The answer is always fully normalized.
    """
    differ = len(set(references)) > 1
    return normalized(text), [punctuation(reference) for reference in references] if differ else references


def vqa_2021(text: str, references: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Compare as its head since 2021 (a013f00): normalize both, or neither if the references are all the same."""
    answer, lines = one_line(text), [one_line(reference) for reference in references]
    if len(set(lines)) == 1:
        return answer, lines
    return normalized(answer), [normalized(line) for line in lines]


def m4c(text: str, references: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Compare as TextVQA's evaluator: facebookresearch/mmf, mmf/utils/m4c_evaluators.py (2dc099a), and LLaVA's copy.

    Both are normalized after commas and question marks are removed and 's is separated from its word.
    """
    return _m4c(text), [_m4c(reference) for reference in references]


def open_flamingo(text: str, references: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Compare as mlfoundations/open_flamingo, open_flamingo/eval/vqa_metric.py (655f693): always normalize both.

    The answer is first cut at the next question and at its first comma.
    """
    cut = re.split("Question|Answer|Short", text, maxsplit=1)[0].split(", ", 1)[0]
    return normalized(cut), [normalized(reference) for reference in references]


CONFIDENCE = "confidence"
"""The tag with each annotator's confidence, one per line, for data that does not number annotators."""


def scorer(compare: Comparison, by_confidence: bool = False) -> Callable[[Record], Score]:
    """Return the scorer by VQA accuracy after `compare`; any agreement is correct.

    With `by_confidence`, annotators without numbers are distinguished by their confidence, as in `agreement`.
    """

    def score(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        answer, references = compare(record.text, record.targets)
        people = record.tags[CONFIDENCE].split("\n") if by_confidence and CONFIDENCE in record.tags else ()
        if value := agreement(answer, references, people):
            return Score(value, "correct", answer)
        if not answer:
            return Score(0.0, "unparsed")
        return Score(0.0, "refused" if refuses(record.text) else "incorrect", answer)

    return score


READINGS: dict[str, Callable[[Record], Score]] = {
    "m4c": scorer(m4c),
    "2016": scorer(vqa_2016),
    "2021": scorer(vqa_2021),
    "open-flamingo": scorer(open_flamingo, by_confidence=True),
}
"""The tools' versions, by name. A task's card says which is its default, and why."""


def agreement(answer: str, references: Sequence[str], people: Sequence[str] = ()) -> float:
    """Return the accuracy, in [0, 1], of an answer among references that are normalized like the answer.

    The scripts leave out every reference that equals the left-out annotator's. If annotators have no number, as in
    VizWiz, that is everyone with the same answer and the same confidence; `people` holds the confidences.
    Raises InputError for no references.
    """
    if not references:
        raise InputError("a question without reference answers cannot be scored; add some")
    annotations = list(zip(references, people or range(len(references)), strict=True))
    matches = sum(reference == answer for reference in references)
    if not matches:
        return 0.0
    remaining = []
    for annotation in annotations:
        left_out = annotations.count(annotation) if annotation[0] == answer else 0
        remaining.append(matches - left_out)
    return math.fsum(min(1.0, number / 3) for number in remaining) / len(remaining)


def one_line(text: str) -> str:
    """Return a stripped text with line breaks and tabs as spaces."""
    return text.replace("\n", " ").replace("\t", " ").strip()


def _m4c(text: str) -> str:
    return normalized(text.lower().replace(",", "").replace("?", "").replace("'s", " 's"))


def normalized(text: str) -> str:
    """Return a text in lower case without punctuation and articles, with digits for number words and apostrophes."""
    words = (_NUMBERS.get(word, word) for word in punctuation(one_line(text)).lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def punctuation(text: str) -> str:
    """Do as vqaEval.py's `processPunctuation`: drop a mark that is next to a space anywhere, else make it a space."""
    thousands, out = _THOUSANDS.search(text), text
    for mark in _PUNCTUATION:
        out = out.replace(mark, "" if thousands or f"{mark} " in text or f" {mark}" in text else " ")
    return _PERIOD.sub("", out, _PERIODS)
