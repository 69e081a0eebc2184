"""A judge's verdicts on unparsed answers, and how the readings use them. `judge` asks for them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmeval.scoring.readings.choices import NONE_OF_THEM, texts
from mmeval.types import Record, plural, replace_surrogates

WHOSE = "the judge's address"


@dataclass
class Verdicts:
    """The judge's replies, by record id."""

    model: str = ""
    read: dict[str, str] = field(default_factory=dict)
    """A letter, or Z."""
    unreadable: set[str] = field(default_factory=set)
    """Records with a reply that is not a letter."""
    failed: set[str] = field(default_factory=set)
    """Records without a reply. The judge must be asked again, and the scores are not final."""
    why: str = ""
    """The last problem."""

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

    def to_json(self) -> dict[str, Any]:
        """Return the verdicts for `scores.json`, enough to read the answers the same way again."""
        failed, unreadable = sorted(self.failed), sorted(self.unreadable)
        return {"model": self.model, "read": self.read, "unreadable": unreadable, "failed": failed}

    def remark(self, answers: int) -> str:
        """Return a sentence for under a table: how many answers the judge was asked about, and the outcome."""
        read, failed, unreadable = len(self.read), len(self.failed), len(self.unreadable)
        return (
            f"The judge {self.model} was asked about {read + failed + unreadable} of {plural(answers, 'answer')}: "
            f"{read} read, {failed} without a reply, {unreadable} with a reply that is not a letter. The official "
            f"scorer drew a letter for {100 * unreadable / max(answers, 1):.1f}% of all answers."
        )


def from_json(value: Mapping[str, Any] | None) -> Verdicts | None:
    """Return the verdicts in a `scores.json`, if a judge was asked."""
    if value is None:
        return None
    return Verdicts(value["model"], dict(value["read"]), set(value["unreadable"]), set(value["failed"]))
