"""Shards of MIC data, on this disk or on the hub: found, divided into units, and read by row from any place.

A unit is a span of a JSON-lines file, or a row group of a parquet table or a part of one; finding units reads no rows.
A small source is cut into more units, so the lanes of a stream begin at different rows of it. Rows are examples in the
format of `mmicl.examples`, or rows of the published MIC (`input_text`, `input_image`, `output_text`).
"""

import base64
import errno
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from httpx2 import HTTPError

from mmeval import regular
from mmeval.mmicl.context import ImagePlace
from mmeval.mmicl.examples import Example, ExampleError, Turn, from_values, value_of
from mmeval.mmicl.mic_text import parts
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.pictures import HeldPicture
from mmeval.mmicl.weights import one_line

SPAN = 4_000_000
"""Maximum bytes per unit of a JSON-lines file."""
SHORT_SPAN = 4096
"""Minimum bytes per unit of a source that is cut into LEAST_SPANS."""
LEAST_SPANS = 64
"""Units of a small source of JSON-lines files."""
LEAST_PARTS = 8
"""Units of a small source of tables; the row group is read from its beginning for each part."""
SUFFIXES = (".jsonl", ".parquet")
OTHER_SPLITS = {"val", "dev", "validation", "test", "skipped"}
UNREADABLE = (OSError, HTTPError, pa.ArrowException)


@dataclass(frozen=True)
class Unit:
    """The lines of a file that begin in bytes `start` to `end`, or rows `start` to `end` of a table's row group."""

    file: str
    start: int
    end: int
    group: int = 0


@dataclass(frozen=True)
class Shards:
    """One entry of a configuration's `data`, as units in the order of its files."""

    root: str
    """The folder that pictures of published rows are relative to."""
    units: Sequence[Unit]
    size: int
    """Total bytes of its files."""


def open_source(name: str) -> Shards:
    """Find the units of a file, a folder or an address such as `hf://datasets/OWNER/NAME`. Raises TrainingError."""
    try:
        system, path = url_to_fs(name)
        alone = system.isfile(path)
        files = [path] if alone else _training_files(path, system.find(path))
        if not files:
            raise TrainingError(f"{name}: holds no .jsonl or .parquet file to train on; fix `data`")
        sizes = [int(system.size(file)) for file in files]
        placed = [system.unstrip_protocol(file) if "://" in name else file for file in files]
        units = [unit for file, size in zip(placed, sizes, strict=True) for unit in _units(file, size, len(files))]
        if not units:
            raise TrainingError(f"{name}: holds no row to train on; fix `data`")
    except TrainingError:
        raise
    except (*UNREADABLE, ImportError, ValueError) as error:
        raise TrainingError(f"{name}: cannot be read ({one_line(error)}); check `data` and the network") from error
    root = path.rpartition("/")[0] if alone else path.rstrip("/")
    return Shards(system.unstrip_protocol(root) if "://" in name else root, units, sum(sizes))


def _training_files(folder: str, files: Sequence[str]) -> list[str]:
    """Choose the files of a folder that are named train; if there are none, those not named after another split."""
    words = {file: set(re.split(r"[/._-]+", file.removeprefix(folder).lower())) for file in sorted(files)}
    candidates = [file for file in words if file.endswith(SUFFIXES) and not words[file] & OTHER_SPLITS]
    return [file for file in candidates if "train" in words[file]] or candidates


def _units(file: str, size: int, files: int) -> list[Unit]:
    """Cut one of the `files` of a source into units."""
    if file.endswith(".parquet"):
        with _opened(file) as stream:
            table = pq.read_metadata(stream)
        _check_size(table, file, size)
        rows = [table.row_group(group).num_rows for group in range(table.num_row_groups)]
        parts = -(-LEAST_PARTS // max(1, files * len(rows)))
        return [
            Unit(file, *span, group) for group, count in enumerate(rows) for span in _spans(count, min(parts, count))
        ]
    least = min(-(-LEAST_SPANS // files), size // SHORT_SPAN)
    return [Unit(file, *span) for span in _spans(size, max(-(-size // SPAN), least))]


def _check_size(table: pq.FileMetaData, file: str, stored: int) -> None:
    """Raise TrainingError for a table that expands to much more than the file's `stored` bytes."""
    if regular.expands(stored, size := regular.expanded_size(table)):
        raise TrainingError(f"{file}: expands from {stored:,} to {size:,} bytes; save the table uncompressed")


def _spans(size: int, count: int) -> list[tuple[int, int]]:
    return [(size * part // count, size * (part + 1) // count) for part in range(count)]


def _opened(file: str) -> Any:
    system, path = url_to_fs(file)
    return system.open(path, "rb")


def rows_of(unit: Unit, done: int = 0) -> Iterator[tuple[int, str, dict[str, Any] | ExampleError]]:
    """Yield the rows of a unit after `done`: the place of the next row, a description of this row's place, its content.

    A place is a number of bytes or rows from the unit's start. Raises TrainingError if the file cannot be read.
    """
    try:
        yield from (_table_rows if unit.file.endswith(".parquet") else _lines)(unit, done)
    except UNREADABLE as error:
        raise TrainingError(f"{unit.file}: cannot be read ({one_line(error)}); repeat the command") from error


def _lines(unit: Unit, done: int) -> Iterator[tuple[int, str, dict[str, Any] | ExampleError]]:
    with _opened(unit.file) as stream, io.BufferedReader(stream) as lines:  # fsspec's readline has no limit
        offset = unit.start + done
        if offset and not done:
            lines.seek(offset - 1)
            offset += len(lines.readline()) - 1
        lines.seek(offset)
        while offset < unit.end and (line := lines.readline(regular.LONGEST + 1)):
            if len(line) > regular.LONGEST:
                raise OSError(errno.EFBIG, f"the line at byte {offset:,} is longer than {regular.LONGEST:,} bytes")
            where, offset = f"{unit.file}, byte {offset:,}", offset + len(line)
            if line.strip():
                yield offset - unit.start, where, _values(line)


def _values(line: bytes) -> dict[str, Any] | ExampleError:
    try:
        value = value_of(line)
    except ExampleError as error:
        return error
    return value if isinstance(value, dict) else ExampleError("must be keys and values")


def _table_rows(unit: Unit, done: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    with _opened(unit.file) as stream, closing(pq.ParquetFile(stream)) as table:
        begin, number = unit.start + done, 0
        for batch in table.iter_batches(batch_size=64, row_groups=[unit.group]):
            chosen = batch.slice(begin - number, unit.end - begin)  # none if the batch ends before `begin`
            number += batch.num_rows
            for values in chosen.to_pylist():
                begin += 1
                yield begin - unit.start, f"{unit.file}, row {begin} of group {unit.group}", values
            if number >= unit.end:
                return


def example_of(values: Mapping[str, Any], unit: Unit, root: str, where: str) -> tuple[Example, dict[str, str]]:
    """Return the example of a row, and its pictures by their names in the example.

    Pictures are paths, addresses or HeldPictures. Raises ExampleError.
    """
    if "input_text" not in values:
        example, folder = from_values(values), unit.file.rpartition("/")[0]
        return example, {name: f"{folder}/{name}" for name in example.all_images}
    ask, answer = parts(_text(values, "input_text")), _text(values, "output_text")
    listed = values.get("input_image")
    if not isinstance(listed, list):
        listed = [] if listed is None else [listed]
    names: list[str] = []
    pictures: dict[str, str] = {}
    for number, value in enumerate(listed):
        picture = _picture(value, unit.file.endswith(".parquet"), where, number)
        if isinstance(picture, HeldPicture):
            name = str(number)
            pictures[name] = picture
        else:
            name = picture.removeprefix("./")
            pictures[name] = f"{root}/{name}"
        names.append(name)
    place_count = sum(isinstance(part, ImagePlace) for part in ask)
    if place_count != len(names):
        raise ExampleError(f"{place_count} places for {len(names)} pictures")
    return Example(where, "", tuple(names), (Turn(ask, answer),)), pictures


def _text(values: Mapping[str, Any], key: str) -> str:
    if not isinstance(text := values.get(key), str):
        raise ExampleError(f"'{key}' must be text")
    return text


def _picture(value: object, in_table: bool, where: str, number: int) -> str:
    """Read a picture of a published row: bytes or base64 in a table, a path in a line."""
    content = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(content, str) and not in_table:
        return content
    try:
        picture_bytes = content if isinstance(content, bytes) else base64.b64decode(cast(str, content))
    except (TypeError, ValueError) as error:
        raise ExampleError(f"picture {number} is neither a path, bytes nor base64") from error
    return HeldPicture(f"{where}, picture {number}", picture_bytes)
