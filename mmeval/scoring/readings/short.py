"""Short answers: compared with the references whole, never by what either contains."""

from __future__ import annotations

import re

from mmeval.scoring.metrics.vqa import normalised
from mmeval.scoring.readings.yesno import refuses
from mmeval.types import Record, Score

_LED = re.compile(
    r"^(?:so,? |therefore,? )?(?:the |my |final |short )*answer(?: to the question)?(?: is)?\s*:?\s+", re.I
)


def extract(text: str) -> str:
    """Return the answer without "The answer is" before it, case, articles and punctuation."""
    return normalised(_LED.sub("", text.strip()))


def exact(record: Record) -> Score:
    """Score 1 where the answer is one of the references, both normalised as VQA's are; an empty one is unparsed."""
    if record.text is None:
        return Score(None, "error")
    answer = extract(record.text)
    if not answer:
        return Score(0.0, "unparsed")
    if answer in {normalised(target) for target in record.targets}:
        return Score(1.0, "correct", answer)
    return Score(0.0, "refused" if refuses(record.text) else "incorrect", answer)
