"""An index of a data set of any size. The places and lengths of rows are in memory; the lines stay on disk.

Everything that can be wrong with the lines is found here, before training starts.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmeval.mmicl.context import PromptError
from mmeval.mmicl.examples import ExampleError, from_json
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.rows import Rows


@dataclass(frozen=True)
class Index:
    """The places of the rows.

    Columns: file, byte offset of the line, row of the line, length, pictures, and length of the answer if another
    part of the model reads it (a T5's decoder; otherwise 0).
    """

    table: npt.NDArray[np.int64]
    left_out: Counter[str]
    """Reason -> number of examples."""
    images: frozenset[str]
    """Absolute paths of all pictures."""

    def __len__(self) -> int:
        return len(self.table)

    def digest(self) -> str:
        """Return 16 hex digits over the rows' places and lengths."""
        return hashlib.sha256(np.ascontiguousarray(self.table[:, :5]).tobytes()).hexdigest()[:16]


def make_index(
    files: Sequence[str],
    rows: Rows,
    *,
    max_tokens: int,
    max_pictures: int,
    left_out: Path | None,
    allow_missing: float,
    workers: int = 1,
) -> Index:
    """Read every line once. Lines that make no row are counted, and listed in `left_out`.

    Raises TrainingError if a file cannot be read, a line is not an example, no row is left, or more than
    `allow_missing` of the pictures are missing.
    """
    table: list[tuple[int, int, int, int, int, int]] = []
    reasons: Counter[str] = Counter()
    exists: dict[str, bool] = {}
    with left_out.open("w", encoding="utf-8") if left_out else nullcontext() as listed:
        for number, file in enumerate(files):
            scan = partial(_scan, file, rows, max_tokens, max_pictures)
            for scanned in _map_spans(scan, _spans(file, workers), workers):
                table += [(number, *entry) for entry in scanned.entries]
                exists |= scanned.exists
                for name, reason in scanned.left_out:
                    reasons[reason] += 1
                    if listed:
                        listed.write(json.dumps({"id": name, "reason": reason}) + "\n")
    missing = [path for path, present in exists.items() if not present]
    if len(missing) > allow_missing * len(exists):
        raise TrainingError(
            f"missing pictures: {len(missing)} of {len(exists)}, the first {min(missing)}; "
            "fix the data, or raise allow_skipped"
        )
    if not table:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(3)) or "the files are empty"
        raise TrainingError(f"{', '.join(files)}: no row is left to train on ({why})")
    return Index(np.array(table, dtype=np.int64), reasons, frozenset(exists.keys() - missing))


@dataclass(frozen=True)
class _ScanResult:
    entries: list[tuple[int, int, int, int, int]]
    left_out: list[tuple[str, str]]
    exists: dict[str, bool]
    """Picture -> whether its file exists."""


Span = tuple[int, int]


def _spans(file: str, parts: int) -> list[Span]:
    try:
        size = Path(file).stat().st_size
    except OSError as error:
        raise TrainingError(f"{file}: cannot be read ({error.strerror})") from error
    parts = max(1, min(parts, size // 1_000_000))
    return [(size * part // parts, size * (part + 1) // parts) for part in range(parts)]


def _map_spans(function: Callable[[Span], _ScanResult], spans: Sequence[Span], workers: int) -> Iterator[_ScanResult]:
    if len(spans) == 1 or workers < 2:
        yield from map(function, spans)
    else:
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(function, spans)


def _scan(file: str, rows: Rows, max_tokens: int, max_pictures: int, span: Span) -> _ScanResult:
    """Read the lines that begin in a span of a file."""
    start, end = span
    result = _ScanResult([], [], {})
    with Path(file).open("rb") as lines:
        if start:
            lines.seek(start - 1)
            lines.readline()
        while (offset := lines.tell()) < end and (line := lines.readline()):
            if not line.strip():
                continue
            try:
                example = from_json(line)
            except ExampleError as error:
                raise TrainingError(f"{_line_name(file, offset)}: {error}") from error
            paths = {str(Path(file).parent / image) for image in example.all_images}
            result.exists.update({path: _is_file(path) for path in paths - result.exists.keys()})
            if len(example.all_images) > max_pictures:
                result.left_out.append((example.id, f"more than {max_pictures} pictures"))
            elif not all(result.exists[path] for path in paths):
                result.left_out.append((example.id, "a picture is missing"))
            else:
                try:
                    training_rows = rows(example)
                except PromptError:
                    result.left_out.append((example.id, "longer than the model reads"))
                    continue
                for number, row in enumerate(training_rows):
                    if len(row.ids) > max_tokens:
                        result.left_out.append((example.id, f"longer than {max_tokens} tokens"))
                    else:
                        answer = 0 if rows.decoder_only else len(row.labels)
                        result.entries.append((offset, number, len(row.ids), len(row.images), answer))
    return result


def _is_file(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  (Path.is_file raises for a name that is too long)


def _line_name(file: str, offset: int) -> str:
    """Return the file and the number of the line that begins at a byte offset."""
    with Path(file).open("rb") as lines:
        number = 1
        while lines.tell() < offset:
            lines.readline()
            number += 1
    return f"{file}, line {number}"
