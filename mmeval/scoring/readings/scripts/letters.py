"""Read a letter as benchmarks' own scripts do.

The heuristics of public tools are in `public`, the strict reader for any answer in `strict.letter`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from mmeval.scoring.readings.choices import LETTERS, Reader, graded, options_right, texts, unanswered
from mmeval.types import Record, Score

_ALONE = {form: letter for letter in "ABCDE" for form in (letter, f"({letter})")}
_SCIENCE = re.compile(r"The answer is ([A-Z]).")


def blink(text: str, choices: Sequence[str]) -> str | None:
    """Read as BLINK's `analyze_answer`: an answer that is only a letter, else the only "(X)" between spaces.

    "(X)" is searched after the last empty line, or in the whole answer unless there is exactly one. Where the script
    asks GPT-3.5, the answer is unparsed here; --judge can ask a judge.
    """
    if text in _ALONE:
        return _ALONE[text]
    letters = {f"({letter})": letter for letter in LETTERS[: len(choices) or 5]}
    anywhere = letters.keys() & set(text.split())
    last = letters.keys() & set(text.split("\n\n")[-1].split())
    if len(last) == 1 and anywhere:
        return letters[last.pop()]
    return letters[anywhere.pop()] if len(anywhere) == 1 else None


def mmmu(text: str, choices: Sequence[str]) -> str | None:
    """Read as MMMU's `parse_multi_choice_response` (bb0b95a); also MuirBench's: "(X)", else " X ", else an option.

    Of several it takes the last. Options are searched only in answers of more than five words. Where the script draws
    a random letter, the answer is unparsed here (see `drawn`).
    """
    return _last(text, choices, (("({})", "({})"), (" {} ", " {} ")))


def lmms_eval(text: str, choices: Sequence[str]) -> str | None:
    """Read as lmms-eval's version of `mmmu`, also used for Q-Bench2 (`qbench/utils.py`, 03b2f7c): also "X " and "X.".

    Of several letters, the last between spaces counts; if none is, the first in the alphabet.
    """
    return _last(text, choices, (("({})", "({})"), ("{} ", " {} "), ("{}.", " {} ")))


def mmmu_pro(text: str, choices: Sequence[str]) -> str | None:
    """Read as MMMU-Pro's `evaluate.py` (bb0b95a): the only letter after the last "Answer:", else as `lmms_eval`.

    Any capital letter there is one, also in a word: "Answer: Dog" is D, and "Answer: A Dog" has two.
    """
    _, lead, answer = text.rpartition("Answer:")
    named = [letter for letter, _ in texts(choices) if lead and letter in answer]
    return named[0] if len(named) == 1 else lmms_eval(text, choices)


def video_mmmu(text: str, choices: Sequence[str]) -> str | None:
    """Read as Video-MMMU's version of `mmmu` (EvolvingLMMs-Lab/VideoMMMU, 88b4ac3): "X.", "X:", "(X)", else "X "."""
    return _last(text, choices, (("{}.", "{}."), ("{}:", "{}:"), ("({})", "({})"), ("{} ", " {} ")))


def trimmed(text: str, marks: str = ",.!?;:'") -> str:
    """Return a text as MMMU's script and its descendants strip it: of each mark in turn, once."""
    for mark in marks:
        text = text.strip(mark)
    return text


def _last(text: str, choices: Sequence[str], forms: Sequence[tuple[str, str]]) -> str | None:
    """Return the last letter in the first form that occurs, else the last option in a long answer.

    Each form comes with the form whose position counts. An option without a text is a picture, and no answer names it.
    """
    text = f" {trimmed(text)} "
    for form, counted in forms:
        if matching := [letter for letter, _ in texts(choices) if form.format(letter) in text]:
            return max(matching, key=lambda letter: text.rfind(counted.format(letter)))
    if len(text.split()) <= 5:
        return None
    lower = text.lower()
    named = [(lower.rfind(option.lower()), letter) for letter, option in texts(choices) if option]
    latest = max(named, key=lambda pair: pair[0], default=(-1, None))
    return latest[1] if latest[0] >= 0 else None


def scienceqa(text: str, choices: Sequence[str]) -> str | None:
    """Read as ScienceQA's `get_result`: the letter of "The answer is X.", if it occurs exactly once (see `drawn`)."""
    letters = _SCIENCE.findall(text)
    return letters[0] if len(letters) == 1 and letters[0] in LETTERS[: len(choices)] else None


def scienceqa_llava(text: str, choices: Sequence[str]) -> str | None:
    """Read as LLaVA's `eval_science_qa.py` (haotian-liu/LLaVA, c121f04), the basis of published tables since 2023.

    The answer is a letter from A to E, or starts with one, a period and a space; otherwise read as `scienceqa`.
    """
    if text[:1] in [*"ABCDE"] and text[1:3] in ("", ". "):
        return text[0] if text[0] in LETTERS[: len(choices)] else None
    return scienceqa(text, choices)


def as_is(read: Reader) -> Callable[[Record], Score]:
    """Return the scorer that passes the text and the options to `read` unchanged."""

    def score(record: Record) -> Score:
        if record.text is None:
            return unanswered(record)
        return graded(record, read(record.text, record.choices))

    return score


def cambrian(text: str, ends: str) -> str:
    """Return what Cambrian-1's `eval/eval/*/*_test.py` (539ffc3) compare: the answer in lower case.

    It is the text after the last "answer is" and "answer:", without `ends` and brackets around it. "Answer is: B"
    therefore leaves ": b".
    """
    text = text.lower().strip()
    for lead in ("answer is", "answer:"):
        text = text.rpartition(lead)[2]
    return text.strip().rstrip(ends).lstrip("(").rstrip(")")


def cambrian_first(text: str, choices: Sequence[str]) -> str | None:
    """Read as Cambrian-1's `vstar_test.py`: the first character of what `cambrian` returns, even of a word."""
    first = cambrian(text, ".")[:1]
    return next((letter for letter, _ in texts(choices) if letter.lower() == first), None)


def drawn(read: Reader) -> Callable[[Record], Score]:
    """Return the scorer of a script that draws a random letter for unparsed answers.

    Such an answer gets the expected value of the draw, the share of the options that are right, which is the script's
    mean over seeds. It counts as unparsed.
    """
    score_as_is = as_is(read)

    def score(record: Record) -> Score:
        result = score_as_is(record)
        if result.outcome != "unparsed" or not record.choices:
            return result
        return replace(result, value=options_right(record) / len(record.choices))

    return score
