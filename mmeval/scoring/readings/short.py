"""Short answers: extract them and compare them with the references."""

import re
from collections.abc import Callable, Sequence

from mmeval.reasoning import split
from mmeval.scoring.readings import relative, vqa
from mmeval.scoring.readings.amounts import NUMBER_WORDS, amount
from mmeval.scoring.readings.answer import NUMBERS, marked, plain
from mmeval.scoring.readings.yesno import refuses
from mmeval.types import Record, Score

Worth = Callable[[str, Sequence[str]], float]

_LED = re.compile(
    r"^(?:so,? |therefore,? |thus,? )?(?:the |my )?(?:(?:final|short|correct) )*answer(?: to the question)?"
    r"(?:(?: is)?\s*[:：]|(?: is)?(?=\s))\s*|^答案(?:是|为)?[:：]?\s*",
    re.IGNORECASE,
)
_CONCLUDED = re.compile(
    r".*(?:(?:[.!?。]|\bso|\btherefore|\bthus|\bhence),?\s+|\n)\s*(?:\*\*)?(?:(?:the|my) )?"
    r"(?:(?:final|short|correct) )*answer(?: to the question)?(?: is\b\s*[:：]?|\s*[:：])(?:\*\*)?\s*",
    re.IGNORECASE | re.DOTALL,
)
"""The last sentence or line that says what the answer is, and all before it."""
_WRAPPED = re.compile(r"(\*\*|__|\*|`|\"|'|\$)(?=\S)(.+)(?<=\S)\1|\\\((.+)\\\)", re.DOTALL)
_ARTICLE = re.compile(r"(?<!\S)(?:an?|the)\s+(?=[^\W\d_]{2})")
_GROUPED = re.compile(r"(?<![\w.,])(\d{1,3})((?:,\d{3})+)(?![\d,])")
_FORMULA = re.compile(r"[\\^_{}=+]")


def scorer(read: Callable[[str], str], worth: Worth) -> Callable[[Record], Score]:
    """Return the scorer that reads with `read` and compares with `worth`; any value above 0 is correct.

    An answer of value 0 is refused if it declines, and unparsed if `read` finds no letter or digit.
    """

    def score(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        answer = read(record.text)
        if answer and (value := worth(answer, record.targets)):
            return Score(value, "correct", answer)
        parsed = answer if any(map(str.isalnum, answer)) else None
        if refuses(record.text):
            return Score(0.0, "refused", parsed)
        return Score(0.0, "incorrect" if parsed else "unparsed", parsed)

    return score


def agreed(people: int, read: Callable[[str], str], reference: Callable[[str], str]) -> Callable[[Record], Score]:
    """Return the scorer that gives full marks if `people` references agree with the answer, and a share for fewer."""

    def worth(answer: str, targets: Sequence[str]) -> float:
        return min(sum(reference(target) == answer for target in targets) / people, 1.0)

    return scorer(read, worth)


def stated(text: str, prepare: Callable[[str], str] = plain) -> str:
    """Return the answer without reasoning, special tokens, box, tags, "The answer is", quotation marks or bold."""
    answer = prepare(text)
    if contents := marked(answer):
        answer = contents[-1][1]
    answer = _unwrapped(answer)
    lead = _CONCLUDED.match(answer) or _LED.match(answer)
    return _unwrapped(_unwrapped(answer[lead.end() :]).rstrip(".。")) or answer if lead else answer


def _unwrapped(answer: str) -> str:
    answer = re.sub(r"^(?:\*\*|__)([^*_]{1,40}[:：])(?:\*\*|__)", r"\1", answer.strip())  # **Answer:** 5
    while (match := _WRAPPED.fullmatch(answer)) and (match[1] is None or match[1] not in match[2]):
        answer = (match[2] or match[3]).strip()
    return answer


def normal(text: str) -> str:
    """Return a text normalized for comparison, without merging different answers.

    Case, spacing, quotation marks, bold, final punctuation and articles before a word are ignored. Zero to ten become
    digits, and 1,000 becomes 1000. Signs are kept: -5 is not 5, B+ not B-, C++ not C, and 1,5 not 15.
    """
    text = " ".join(_unwrapped(plain(text)).casefold().split())
    text = text.rstrip(".!,;:。") or text
    text = _ARTICLE.sub("", _unwrapped(text))
    text = _GROUPED.sub(lambda match: match[1] + match[2].replace(",", ""), text)
    return NUMBER_WORDS.sub(lambda match: NUMBERS[match[0]], text)


def extract(text: str) -> str:
    """Return the extracted answer, normalized for comparison."""
    return normal(stated(text))


exact = agreed(1, extract, normal)
"""Full marks for an answer that is one of the references."""
voted = scorer(
    lambda text: vqa.normalized(stated(text)),
    lambda answer, targets: vqa.agreement(answer, [vqa.normalized(target) for target in targets]),
)
"""VQA accuracy of the extracted answer, with both sides normalized as in the 2016 script."""


def number(text: str) -> float | None:
    """Return the only number after a text's last equals sign; None if there are others, as in `1,2,3`, or if denied.

    A comma groups thousands, also in the Indian way (`12,34,567`), or is a decimal point. "Minus 5" is -5, and
    "5 million" 5000000. There is none in "at least 5", nor in "width = 5, height = 6".
    """
    return amount(normal(text), text)


def numbered(text: str) -> str:
    """Return what an answer says if that is a single number. A refusal gives none unless it says what the answer is."""
    answer = stated(text)
    return "" if _declines(text) or number(answer) is None else answer


def _declines(text: str) -> bool:
    return refuses(text) and not marked(plain(text)) and not _CONCLUDED.match(plain(text))


def numeric(tolerance: str) -> Callable[[Record], Score]:
    """Return the scorer by the answer's only number, with a tolerance such as `0.5` or `5%` of the reference."""
    share = float(tolerance.rstrip("%")) / (100 if tolerance.endswith("%") else 1)

    def worth(answer: str, targets: Sequence[str]) -> float:
        given, values = number(answer), [value for value in map(number, targets) if value is not None]
        if given is None:
            return 0.0
        limits = [share * abs(value) if tolerance.endswith("%") else share for value in values]
        near = (abs(given - value) <= limit * (1 + 1e-9) for value, limit in zip(values, limits, strict=True))
        return float(any(near))

    return scorer(numbered, worth)


def relaxed(answer: str, targets: Sequence[str]) -> float:
    """Compare as ChartQA (2203.10244, 5.1; `relaxed_correctness` of pix2struct/metrics.py at 5b086ef): 5% for numbers.

    Percentages are divided by 100. A reference of 0 or a text must be equal, ignoring case.
    """

    def is_equal(target: str) -> bool:
        given, wanted = _float(answer), _float(target)
        if given is not None and wanted:
            return abs(given - wanted) / abs(wanted) <= 0.05
        return answer.lower() == target.lower()

    return float(any(map(is_equal, targets)))


def _float(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def anls(answer: str, targets: Sequence[str]) -> float:
    """Compare as DocVQA (the evaluation script of rrc.cvc.uab.es, 17): 1 - edits / length, or 0 below 0.5.

    Edits ignore case and repeated spaces; the length includes the spaces. The nearest reference counts.
    """
    return max((_similarity(answer, target) for target in targets), default=0.0)


def _similarity(answer: str, target: str) -> float:
    first, second = (" ".join(text.lower().split()) for text in (answer, target))
    length = max(len(answer.upper()), len(target.upper()))
    if abs(len(first) - len(second)) > length / 2:
        return 0.0  # at least that many edits
    similarity = 1 - edits(first, second) / length if length else 1.0
    return similarity if similarity >= 0.5 else 0.0


def edits(first: str, second: str) -> int:
    """Return the Levenshtein distance of two texts."""
    row = list(range(len(second) + 1))
    for n, char in enumerate(first, start=1):
        diagonal, row[0] = row[0], n
        for m, other_char in enumerate(second, start=1):
            diagonal, row[m] = row[m], diagonal if char == other_char else 1 + min(diagonal, row[m], row[m - 1])
    return row[-1]


def contains(answer: str, targets: Sequence[str]) -> float:
    """Compare as OCRBench (OCRBench/example.py of MultimodalOCR at 794c36d): the answer contains a reference.

    Case is ignored.
    """
    text = answer.lower().strip().replace("\n", " ")
    return float(any(target.lower().strip().replace("\n", " ") in text for target in targets if target.strip()))


def contains_formula(answer: str, targets: Sequence[str]) -> float:
    """Compare as OCRBench compares formulas: as `contains`, but case counts, and spaces and line breaks do not."""
    text, *formulas = (re.sub("[ \n]", "", text.strip()) for text in (answer, *targets))
    return float(any(formula in text for formula in formulas if formula))


def mra(answer: str, targets: Sequence[str]) -> float:
    """Compare numbers as VSI-Bench does, by mean relative accuracy."""
    given, values = number(answer), [value for value in map(number, targets) if value is not None]
    return 0.0 if given is None else max((relative.accuracy(given, value) for value in values), default=0.0)


def _contains(answer: str, targets: Sequence[str]) -> float:
    """Compare as `contains`, and references that look like formulas also as `contains_formula`."""
    return max(contains(plain(answer), targets), contains_formula(answer, [*filter(_FORMULA.search, targets)]))


MATCHES: dict[str, Callable[[Record], Score]] = {
    "exact": exact,
    "relaxed": scorer(stated, relaxed),
    "anls": scorer(stated, anls),
    "contains": scorer(lambda text: "" if _declines(text) else split(text)[1].strip(), _contains),
    "mra": scorer(numbered, mra),
}
"""Ways to compare a short answer, by name, in addition to `numeric` (with a tolerance) and `vqa`."""
