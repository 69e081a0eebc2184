"""Rows of parquet tables, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmeval.types import InputError

BATCH = 32
"""Rows in memory at once; a picture of a release may have several megabytes."""


def values(path: Path, columns: Sequence[str] | None = None) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the columns of each row (all of them for None), and where it stands.

    Raises InputError if the file cannot be read or lacks a column.
    """
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            for name in columns or ():
                if name not in table.schema_arrow.names:
                    raise InputError(f"{path}: no column '{name}'; get the file again")
            for batch in table.iter_batches(BATCH, columns=columns):
                for found in batch.to_pylist():
                    number += 1
                    yield found, f"{path}, row {number}"
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as parquet ({str(error).splitlines()[0]}); get it again") from error
