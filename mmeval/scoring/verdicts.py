"""What a judge is asked about an answer, its verdicts, and how the readings use them. `judge` asks for them."""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmeval.scoring.readings.choices import NONE_OF_THEM, texts
from mmeval.types import Record, Score, part_of, plural, replace_surrogates

WHOSE = "the judge's address"
NO_JUDGE = (
    "Officially a language model judges every answer. That was not done here, so these are not the official scores."
)


@dataclass(frozen=True)
class Dialogue:
    """What a judge is asked about an answer, one prompt after another."""

    prompt: Callable[[Record, Sequence[str]], str | None]
    """The next prompt, given the replies so far; None if there is nothing more to ask."""
    usable: Callable[[Record, Sequence[str]], bool]
    """Whether the last of the replies can be used. If not, the judge is asked again."""
    final: bool = False
    """Whether the scores are final without a usable reply, as in the scripts that give such an answer no marks."""
    max_tokens: int = 64
    among: Callable[[Sequence[Record]], "Dialogue"] | None = None
    """The dialogue about these records, if a prompt may be about several of them."""


@dataclass(frozen=True, kw_only=True)
class Grader(Dialogue):
    """The dialogue by which a benchmark's official script reads or grades every answer."""

    score: Callable[[Record, Sequence[str]], Score]
    """The score of an answer, given all replies."""
    columns: Collection[str] = ()
    """The columns of a card's table that the dialogue needs, as tags of the records."""


@dataclass
class Verdicts:
    """The judge's replies, by record id, as in `scores.json`."""

    model: str
    read: dict[str, str]
    """A letter, or Z."""
    unreadable: set[str]
    """Records whose last reply cannot be used, and is final: the official scorer draws a letter or gives no marks."""
    failed: set[str]
    """Records without a reply that is final. The judge must be asked again."""
    why: str = field(default="", compare=False)
    """The last problem. No file has it."""
    replies: dict[str, list[str]] = field(default_factory=dict)
    """All replies, if a Grader asked."""

    def strict(self, record: Record) -> str | None:
        """Return the judge's letter, if its reply was one."""
        return self.read.get(record.id)

    def official(self, record: Record) -> str | None:
        """Return the judge's letter. If its reply is none, draw a letter or Z, as the benchmark's script does.

        That script draws in the file's order with the seed 2680. Here each record has its own draw from that seed, so a
        score does not depend on the order.
        """
        if record.id not in self.unreadable:
            return self.read.get(record.id)
        letters = [label for label, _ in texts(record.choices)]
        return random.Random(replace_surrogates(f"2680 {record.id}")).choice([*letters, NONE_OF_THEM])

    @classmethod
    def none_yet(cls, model: str) -> "Verdicts":
        """Return the verdicts of a judge before it is asked."""
        return cls(model, {}, set(), set())

    def to_json(self) -> dict[str, Any]:
        """Return the verdicts as in `scores.json`, enough to read the answers the same way again."""
        failed, unreadable = sorted(self.failed), sorted(self.unreadable)
        replies = {"replies": self.replies} if self.replies else {}
        return {"model": self.model, "read": self.read, **replies, "unreadable": unreadable, "failed": failed}

    def remark(self, answers: int, official: bool = True) -> str:
        """Return a sentence for under a table: how many answers the judge was asked about, and the outcome.

        Only an official scorer draws a letter.
        """
        read, failed, unreadable = len(self.read), len(self.failed), len(self.unreadable)
        drawn = f" The official scorer drew a letter for {100 * unreadable / max(answers, 1):.1f}% of all answers."
        return (
            f"The judge {self.model} was asked about {read + failed + unreadable} of {plural(answers, 'answer')}: "
            f"{read} read, {failed} without a reply, {unreadable} with a reply that is not a letter."
            f"{drawn if official else ''}"
        )

    def remark_graded(self, answers: int) -> str:
        """Return the same sentence if a Grader asked."""
        lost = part_of(
            len(self.failed | self.unreadable), answers, "answer", "got no usable reply", "got no usable reply"
        )
        return f"The judge {self.model} was asked about the answers for the official scorer; {lost}."


def graded(grader: Grader, verdicts: Verdicts) -> Callable[[Record], Score]:
    """Return the scorer by a judge's replies.

    An answer without a reply has no score. One whose replies cannot be used has 0 if the grader is final.
    """

    def score(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        if record.id in verdicts.failed:
            return Score(None, "unscored")
        if record.id in verdicts.unreadable:
            return Score(0.0, "incorrect")
        return grader.score(record, verdicts.replies.get(record.id, []))

    return score
