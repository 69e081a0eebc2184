"""Remarks on answers that apply to any benchmark, one sentence each, to print under a table."""

import re
from collections.abc import Mapping, Sequence

from mmeval.data.sheets import CUT, LONGEST
from mmeval.types import Estimate, Record, between, number, part_of, plural, within

_NUMBER = re.compile(r"\d[\d.,]*\d|\d")
"""A number in an error's message: the same error names other token counts for other questions."""


def on_answers(records: Sequence[Record], answers: Sequence[Record], *, withheld: bool) -> list[str]:
    """Return remarks on errors, and on empty and truncated answers.

    `answers` has a record for each answer: more than `records` if several were sampled. `withheld` says that there are
    no numbers because of the errors.
    """
    remarks = _on_errors([record.error for record in records if record.error is not None], len(records), withheld)
    if empty := sum(record.error is None and record.text is not None and not record.text.strip() for record in answers):
        remarks.append(f"{part_of(empty, len(answers), 'answer', 'is empty', 'are empty')}.")
    if cut_cells := sum(len(record.text or "") == LONGEST for record in answers):
        remarks.append(f"{cut_cells:,} of {plural(len(answers), 'answer')}: each {CUT}.")
    return remarks + _on_length(records)


def on_samples(number_of_samples: int, passed: Mapping[str, Estimate]) -> list[str]:
    """Return a remark on sampled answers with their pass@k; nothing if there is one answer per question."""
    values = ", ".join(
        f"{name} {within(number(estimate.value, 3), between(estimate.low, estimate.high, 3))}"
        for name, estimate in passed.items()
    )
    how = f"Every number is the mean over {number_of_samples:,} sampled answers to each question"
    return [f"{how}{f'; {values}' if values else ''}."] if number_of_samples else []


def _on_errors(errors: Sequence[str], total: int, withheld: bool) -> list[str]:
    if not errors:
        return []
    effect = "Numbers are withheld" if withheld else "Errors count as wrong"
    by_pattern: dict[str, list[str]] = {}
    for message in errors:
        by_pattern.setdefault(_NUMBER.sub("#", message), []).append(message)
    largest = max(by_pattern.values(), key=len)
    example = "; its numbers vary" if len(set(largest)) > 1 else ""
    return [
        f"{effect}: {part_of(len(errors), total, 'question', 'has no answer', 'have no answer')}.",
        f"The most frequent error ({len(largest):,} of {len(errors):,}{example}): {largest[0]:.200}",
    ]


def _on_length(records: Sequence[Record]) -> list[str]:
    remarks, total = [], len(records)
    cut = [record for record in records if record.finish_reason == "length"]
    answered = [record for record in cut if not record.reasoning or (record.text or "").strip()]
    if thinking := len(cut) - len(answered):
        remarks.append(
            f"{part_of(thinking, total, 'answer', 'was cut', 'were cut')} while the model was still reasoning; "
            "raise --thinking-tokens."
        )
    if answered:
        longest = max(record.output_tokens for record in answered)
        remarks.append(
            f"{part_of(len(answered), total, 'answer', 'was cut', 'were cut')} at {plural(longest, 'token')}; "
            "raise --max-new-tokens."
        )
    return remarks
