"""Batches of prompts of similar length, within a budget of tokens."""

from collections.abc import Sequence


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Put indices into batches, longest first, so memory errors show at once.

    A batch's padded size (rows times the longest) stays within the budget; a longer row gets its own batch.
    """
    plan: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if plan and (len(plan[-1]) + 1) * longest <= budget:
            plan[-1].append(index)
        else:
            plan.append([index])
            longest = lengths[index]
    return plan
