"""Answers that do not depend on the question: the most frequent expected answer, and one constant.

`scored` computes what they would score.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mmeval.scoring.readings.choices import LETTERS
from mmeval.types import Record, Score

Scorer = Callable[[Record], Score]

MAJORITY, CONSTANT = "majority", "constant"
UNJUDGED = "The constant answers among the baselines were not judged; their scores are strict."
"""A remark on baselines beside the scores of a judge."""
_ALSO = {"yes": "true", "no": "false"}
"""How benchmarks about statements spell yes and no."""
_UNLIKELY = -1e6
"""Log-likelihood of the options that a constant answer does not choose."""


def constants(records: Sequence[Record]) -> list[str]:
    """Return the answers that can be given to every question, the majority first: yes and no, or the letters.

    Open questions have only the majority, if an expected answer is repeated. The result is empty if no answer is
    expected, and for benchmarks that compare likelihoods of the same candidates across pictures.
    """
    counts = Counter(target for record in records for target in dict.fromkeys(record.targets))
    by_likelihood = any(record.loglikelihoods is not None for record in records)
    if not counts or (by_likelihood and not all(record.choices for record in records)):
        return []
    letters = LETTERS[: max(len(record.choices) for record in records)]
    fixed = ["yes", "no"] if yes_or_no(records) else [*letters]
    # Of equally frequent answers the first in `fixed`: the order of records depends on how a run was carried out.
    rank = {answer: index for index, answer in enumerate(fixed)}
    majority = min(counts, key=lambda answer: (-counts[answer], rank.get(answer, len(rank)), answer))
    return list(dict.fromkeys([*([majority] if counts[majority] > 1 or fixed else []), *fixed]))


def baselines(records: Sequence[Record]) -> Mapping[str, str]:
    """Return the majority answer, and the first other constant: no or yes, the first or second option."""
    return dict(zip((MAJORITY, CONSTANT), constants(records), strict=False))


def answering(records: Sequence[Record], answer: str, score: Scorer) -> tuple[list[Record], list[Score]]:
    """Return the records and scores as if every question had been answered with `answer`.

    Yes and no become true and false if `score` can only read these.
    """
    by_likelihood = any(record.loglikelihoods is not None for record in records)
    answered = [_answering(record, answer, by_likelihood) for record in records]
    scores = [score(record) for record in answered]
    if answer in _ALSO and all(result.outcome == "unparsed" for result in scores):
        return answering(records, _ALSO[answer], score)
    return answered, scores


def label(name: str, answer: str) -> str:
    """Return the name of a baseline's row: `always yes, the majority`."""
    text = answer if len(answer) <= 40 else f"{answer[:39]}…"
    return f"always {text}" + (", the majority" if name == MAJORITY else "")


def yes_or_no(records: Sequence[Record]) -> bool:
    """Tell whether every question is answered with yes or no."""
    return bool(records) and all(set(record.targets) <= {"yes", "no"} and record.targets for record in records)


def _answering(record: Record, answer: str, by_likelihood: bool) -> Record:
    if not by_likelihood:
        return replace(record, text=answer, error=None, samples=(), finish_reason="stop")
    chosen = LETTERS.find(answer)
    likelihoods = tuple(0.0 if index == chosen else _UNLIKELY for index in range(len(record.choices)))
    return replace(record, text=None, loglikelihoods=likelihoods, error=None, samples=())
