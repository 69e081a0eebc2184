"""Read VL-ICL Bench's folders: `SUBSET/query.json`, `SUBSET/support.json`, pictures by their path from the root."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import lines
from mmeval.data.lines import TableRow
from mmeval.types import InputError, Sample, Shot

SUBSETS = {
    "open_mi": "Fast open MiniImageNet",
    "clevr": "CLEVR count",
    "operator_induction": "Operator induction",
    "operator_induction_interleaved": "Operators, interleaved",
    "textocr": "TextOCR",
    "matching_mi": "Fast matching MiniImageNet",
}
OPERATORS = ("+", "-", "x")
"""In whose order a demonstration of operator induction has its three answers."""


def samples(folder: Path, shots: int, seed: int) -> Iterator[Sample]:
    """Read the queries of the subsets that are there, each with its demonstrations.

    Demonstrations are drawn by seed and query alone, and a larger k begins with those of a smaller one; `open_mi`
    shows k of each of two classes, `matching_mi` k that match and k that do not. Raises InputError for an empty
    folder, for fewer than k other questions to draw from, and for bad rows.
    """
    found = [subset for subset in SUBSETS if (folder / subset / "query.json").is_file()]
    if not found:
        raise InputError(f"{folder}: no query.json in {', '.join(SUBSETS)}; give the folder that holds them")
    for subset in found:
        support = [] if subset == "open_mi" else _rows(folder, subset, "support.json")
        for number, query in enumerate(_rows(folder, subset, "query.json")):
            draw = random.Random(f"{seed} {subset} {number}")
            yield Sample(
                id=f"{subset}/{number}",
                prompt=(*query.images("image"), query.text("question")),
                targets=(str(query.value("answer")),),
                shots=tuple(_demonstrations(subset, query, support, shots, draw)),
                category=subset,
                tags={"shots": str(shots), "seed": str(seed)},
            )


def _rows(folder: Path, subset: str, name: str) -> list[TableRow]:
    return list(lines.of_file(folder / subset / name, folder))


def _demonstrations(
    subset: str, query: TableRow, support: Sequence[TableRow], shots: int, draw: random.Random
) -> Iterator[Shot]:
    if subset == "open_mi":
        yield from _of_classes(query, shots, draw)
        return
    pool = [line for line in support if not _same(line, query)]
    draw.shuffle(pool)
    if len(pool) < shots:
        raise InputError(f"{query.where}: {shots} demonstrations asked for and {len(pool)} in the pool; ask for fewer")
    for line in pool[:shots]:
        if subset == "matching_mi":
            yield from (_shot(_inner(line, line.value(side), side)) for side in ("same", "diff"))
        else:
            yield _shot(line, _operator(query) if subset.startswith("operator") else None)


def _of_classes(query: TableRow, shots: int, draw: random.Random) -> Iterator[Shot]:
    """Show two classes, the query's and another, in an order that is drawn; their pictures in the data's order."""
    own, classes = query.text("answer"), query.texts("classes")
    others = [name for name in classes if name != own]
    if own not in classes or not others:
        raise InputError(f"{query.where}: the answer '{own[:40]}' is not one of two or more different classes; fix it")
    pair = [own, draw.choice(others)]
    draw.shuffle(pair)
    support = _inner(query, query.value("support"), "support")
    shown = {name: _inner(query, support.value(name), name).images("images") for name in pair}
    for number in range(shots):
        for name in pair:
            if number >= (has := len(shown[name])):
                raise InputError(f"{query.where}: {shots} pictures of {name} asked for and {has} there; ask for fewer")
            yield Shot((shown[name][number], "This is a"), name)


def _inner(line: TableRow, value: object, name: str) -> TableRow:
    """Return an object that stands inside a row as a row of its own. Raises InputError for anything else."""
    if not isinstance(value, dict):
        raise InputError(f"{line.where}, {name[:40]}: {value!r:.60} is not a JSON object; get the file again")
    return TableRow(value, f"{line.where}, {name[:40]}", line.folder)


def _shot(line: TableRow, place: int | None = None) -> Shot:
    answer = line.value("answer")
    if place is not None and (not isinstance(answer, list) or len(answer) != len(OPERATORS)):
        raise InputError(f"{line.where}: the answer is {answer!r:.40}; it must be a list of three, for + - and x")
    right = answer if place is None else answer[place]
    return Shot((*line.images("image"), line.text("question")), str(right))


def _operator(query: TableRow) -> int:
    operator = query.text("operator")
    if operator not in OPERATORS:
        raise InputError(f"{query.where}: the operator is '{operator[:20]}'; it must be one of {' '.join(OPERATORS)}")
    return OPERATORS.index(operator)


def _same(line: TableRow, query: TableRow) -> bool:
    return all(line.values.get(name) == query.values.get(name) for name in ("image", "question"))
