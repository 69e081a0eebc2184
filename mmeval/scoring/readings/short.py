"""Short answers: compared with the references whole, never by what either contains."""

import re
from collections.abc import Callable, Sequence

from mmeval.scoring.metrics import vqa
from mmeval.scoring.readings.yesno import refuses
from mmeval.types import Record, Score

_LED = re.compile(
    r"^(?:so,? |therefore,? )?(?:the |my |final |short )*answer(?: to the question)?(?: is)?\s*:?\s+", re.I
)


def scorer(read: Callable[[str], str], worth: Callable[[str, Sequence[str]], float]) -> Callable[[Record], Score]:
    """Return the scorer of what `read` finds, by its `worth` beside the references; any worth is correct.

    An empty answer is unparsed, one that declines is refused.
    """

    def score(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        answer = read(record.text)
        if not answer:
            return Score(0.0, "unparsed")
        if value := worth(answer, record.targets):
            return Score(value, "correct", answer)
        return Score(0.0, "refused" if refuses(record.text) else "incorrect", answer)

    return score


def agreed(people: int, read: Callable[[str], str], reference: Callable[[str], str]) -> Callable[[Record], Score]:
    """Return the scorer with full marks where so many people gave the answer that was read, a part for fewer."""
    return scorer(read, lambda answer, known: min(sum(reference(one) == answer for one in known) / people, 1.0))


def extract(text: str) -> str:
    """Return the answer without "The answer is" before it, case, articles and punctuation."""
    return vqa.normalised(_LED.sub("", text.strip()))


exact = agreed(1, extract, vqa.normalised)
"""Full marks for an answer that is one of the references, both normalised as VQA's are."""
voted = scorer(extract, lambda answer, known: vqa.agreement(answer, [vqa.normalised(one) for one in known]))
"""VQA accuracy of it, the references normalised as the answer is."""
