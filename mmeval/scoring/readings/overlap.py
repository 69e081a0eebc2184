"""Compare a box or a point with the right box: intersection over union, and whether the point is inside."""

import json
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from mmeval.scoring.readings.boxes import Box, BoxReader, Point, PointReader, Size
from mmeval.scoring.readings.choices import unanswered
from mmeval.scoring.readings.yesno import refuses
from mmeval.types import InputError, Record, Score, whole_number

Answer = TypeVar("Answer", Box, Point)
ENOUGH = 0.5
"""The intersection over union from which a box is right."""
SIZE = {"width", "height"}
"""Tags of a question whose answer is a box or a point: the size of its picture in pixels."""


def iou(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes, 0 if the union has no area."""
    width = max(min(first[2], second[2]) - max(first[0], second[0]), 0)
    height = max(min(first[3], second[3]) - max(first[1], second[1]), 0)
    union = area(first) + area(second) - width * height
    return width * height / union if union else 0.0


def area(box: Box) -> float:
    """Return the area; it is negative if one pair of edges is in the wrong order."""
    return (box[2] - box[0]) * (box[3] - box[1])


def inside(point: Point, box: Box) -> bool:
    """Return whether the point is in the box or on its edge."""
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def overlapping(read: BoxReader) -> Callable[[Record], Score]:
    """Return the scorer of boxes: right if the intersection over union with the right box is at least a half."""
    return _scorer(read, lambda box, right: iou(right, box) >= ENOUGH)


def hitting(read: PointReader, unread: Point | None = None) -> Callable[[Record], Score]:
    """Return the scorer of points: right if inside the right box. `unread` stands for an answer without a point."""
    return _scorer(read, inside, unread)


def target(box: Box) -> tuple[str]:
    """Return the targets of a question whose right box this is, in shares of the picture."""
    return (json.dumps(box),)


def right_area(records: Sequence[Record]) -> float | None:
    """Return the mean area of the right boxes as a percentage of the picture: how often a random point is right."""
    areas = [area(_right(record)) for record in records if record.targets]
    return 100.0 * math.fsum(areas) / len(areas) if areas else None


def right_box(record: Record) -> Box | None:
    """Return the right box of a record, in shares of the picture; None if its target is not a box, or withheld."""
    if not record.targets or not record.tags.keys() >= SIZE:
        return None
    try:
        left, top, right, bottom = map(float, json.loads(record.targets[0]))
    except (ValueError, TypeError):
        return None
    return left, top, right, bottom


def written(numbers: Sequence[float]) -> str:
    """Return a box or a point as people read it."""
    return f"[{', '.join(f'{number:.3f}' for number in numbers)}]"


def _scorer(
    read: Callable[[str, Size], Answer | None], agrees: Callable[[Answer, Box], bool], unread: Answer | None = None
) -> Callable[[Record], Score]:
    def score(record: Record) -> Score:
        if record.text is None or not record.targets:
            return unanswered(record)
        size = (whole_number(record.tags, "width"), whole_number(record.tags, "height"))
        parsed = read(record.text, size)
        answer = unread if parsed is None else parsed
        display = None if parsed is None else written(parsed)
        if answer is not None and agrees(answer, _right(record)):
            return Score(1.0, "correct", display)
        if parsed is None:
            return Score(0.0, "refused" if refuses(record.text) else "unparsed")
        return Score(0.0, "incorrect", display)

    return score


def _right(record: Record) -> Box:
    """Return the right box. Raises InputError, since records are files that anybody may have changed."""
    if (box := right_box(record)) is None:
        raise InputError(f"record {record.id}: its target {record.targets[0]!r:.60} is not a box; fix it")
    return box
