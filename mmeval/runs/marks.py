"""Marks: how a run differs from a complete one on the benchmark's data, as shown in every output."""

from mmeval.runs.schema import Header
from mmeval.spec import RunSpec
from mmeval.types import part_of, plural

EMBEDDED = "embedded picture world, not comparable with the leaderboard"
"""The mark that every output shows for the embedded data."""
SMALL = "the data has only"
"""The beginning of the mark for data that is only part of the benchmark."""


def of_run(spec: RunSpec, header: Header, asked: int, answered: int) -> list[str]:
    """Return a run's marks; `asked` and `answered` count its questions that were asked, and those without an error."""
    planned, available = header.samples, header.available
    marks = [EMBEDDED] if spec.data == "embedded" else []
    if (missing := planned - asked) > 0:
        marks.append(
            f"unfinished: {missing:,} of {plural(planned, 'question')} not asked yet; repeat the command to continue"
        )
    if errors := asked - answered:
        marks.append(
            f"{part_of(errors, planned, 'answer', 'is an error', 'are errors')}; repeat the command to ask again"
        )
    if spec.control is not None:
        about, acts = (header.control.get(name) for name in ("about", "acts"))
        marks.append(f"under the control '{spec.control}': {about}; it {acts}")
    count = f"{f'{planned:,} of ' if available else ''}{plural(available or planned, 'question')}"
    if spec.only_ids is not None:
        marks.append(f"only {count}: {spec.only_ids}")
    if spec.limit is not None:
        marks.append(f"limited to {count}")
    return [*marks, *partial_marks(available, header.benchmark.get("questions"))]


def partial_marks(available: int | None, total: int | None) -> list[str]:
    """Return the mark for data that has fewer questions than the whole benchmark, if both are known."""
    is_partial = available and total and available < total
    return [f"{SMALL} {available:,} of the benchmark's {total:,} questions"] if is_partial else []
