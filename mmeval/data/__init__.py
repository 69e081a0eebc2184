"""Reads data sets, lazily, as `Row`s: MME's release folder, a table, the hub, the embedded picture world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmeval.data.rows import YesNoRow
from mmeval.types import InputError


def read(data: str, subtasks: Sequence[str], hub: Mapping[str, str]) -> Iterator[YesNoRow]:
    """The rows of `embedded`, `hub`, a release folder, a .parquet file or a folder of such files.

    `hub` says where on the hub: repo, revision, split. Raises InputError if there is nothing to read.
    """
    path = Path(data)
    if data == "hub":
        from mmeval.data.hub import rows

        return rows(**hub)
    if path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet"))):
        from mmeval.data import tables

        return tables.rows(path)
    if path.is_dir():
        from mmeval.data import folders

        return folders.rows(path, subtasks)
    raise InputError(f"no data at '{data}': give a folder in the release format, a .parquet table, embedded, or hub")
