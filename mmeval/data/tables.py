"""Parquet tables with the columns of `lmms-lab/MME`: question_id, image {bytes, path}, question, answer, category."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmeval.data.rows import YesNoRow
from mmeval.types import Image, InputError

COLUMNS = ("question_id", "image", "question", "answer", "category")
BATCH = 32
"""Rows in memory at once; a picture of the release may have several megabytes."""


def rows(path: Path) -> Iterator[YesNoRow]:
    """The rows of a .parquet file, or of all such files of a folder by name.

    Raises InputError if a file cannot be read, lacks a column, or has a row without a picture or a text.
    """
    for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
        yield from (row(found, where) for found, where in values(file, COLUMNS))


def row(values: Mapping[str, Any], where: str) -> YesNoRow:
    """A row from the values of its columns. Only embedded pictures are taken; a path or a URL is not followed."""
    for name in COLUMNS:
        if name != "image" and not isinstance(values[name], str):
            raise InputError(f"{where}: the column {name} is {values[name]!r:.80}; it must be a text")
    picture = values["image"]
    encoded = picture.get("bytes") if isinstance(picture, Mapping) else None
    if not isinstance(encoded, bytes):
        raise InputError(f"{where}: the picture is not in the table; embed its bytes in the column image")
    subtask = values["category"]
    name = values["question_id"].removeprefix(f"{subtask}/")
    return YesNoRow(
        subtask, name, Image(encoded, f"{subtask}/{name}"), values["question"], values["answer"].strip(), where
    )


def values(path: Path, columns: Sequence[str] | None) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Each row's columns (all of them for None) and where it stands. Raises InputError as `rows` does."""
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            if missing := [name for name in columns or () if name not in table.schema_arrow.names]:
                raise InputError(f"{path}: no column {missing[0]}; the table must have {', '.join(columns or ())}")
            for batch in table.iter_batches(BATCH, columns=columns):
                for found in batch.to_pylist():
                    number += 1
                    yield found, f"{path}, row {number}"
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as parquet ({str(error).splitlines()[0]}); get it again") from error
