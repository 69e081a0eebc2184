"""Read the rows of a parquet table in bounded memory, even if a small file expands to gigabytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval import regular
from mmeval.data.json_rows import Found
from mmeval.types import InputError

if TYPE_CHECKING:
    import pyarrow.parquet

BATCH = 32
"""Rows of a table in memory at once; a picture may have several megabytes."""
EXPANDED = 1 << 25
"""A table that may need more bytes for a batch is checked for values that are stored once and repeated."""
TEXT_RATIO = 20
"""Compression ratio that texts hardly exceed; they reach about 10, pictures 1."""
BROKEN = (ArithmeticError, OSError, TypeError, ValueError)
"""What a damaged table raises, apart from pyarrow's errors: dates and decimals that Python cannot hold, and types of
columns that other packages, such as datasets, have registered with pyarrow."""


def read(path: Path, columns: Sequence[str] | None = None) -> Found:
    """Yield the columns of each row; None means all. Raises InputError if the file is broken or lacks a column."""
    import pyarrow.parquet

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # its own pool keeps tens of megabytes
    try:
        with regular.opened(path) as file:
            metadata = pyarrow.parquet.read_metadata(file)
            repeated = _repeated(metadata, path)
            with pyarrow.parquet.ParquetFile(
                file, metadata=metadata, pre_buffer=False, read_dictionary=repeated
            ) as table:
                for name in columns or ():
                    if name not in table.schema_arrow.names:
                        raise InputError(f"{path}: no column '{name}'; download the file again")
                for number, values in enumerate(rows(table.iter_batches(BATCH, columns=columns)), 1):
                    yield values, f"{path}, row {number}"
    except pyarrow.ArrowNotImplementedError as error:  # for dictionaries in rows of pictures, for example
        raise InputError(f"{path}: pyarrow cannot read it ({error}); save the table uncompressed") from error
    except (pyarrow.ArrowException, *BROKEN) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as parquet ({reason}); download the file again") from error


def rows(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[dict[str, Any]]:
    """Yield the values of each row by column. Raises pyarrow's errors, and those of values that Python cannot hold."""
    before: dict[str, Any] = {}
    for batch in batches:
        for row in zip(*map(_values, batch.columns), strict=True):
            values = dict(zip(batch.schema.names, row, strict=True))
            for name, value in values.items():
                if isinstance(value, dict) and value == before.get(name):
                    values[name] = before[name]  # questions about one picture hold its bytes once
            yield values
            before = values


def _repeated(metadata: pyarrow.parquet.FileMetaData, path: Path) -> list[str]:
    """Return the columns to read as dictionaries, which hold equal values once, because the file expands a lot.

    This takes several times as long as reading plain values. Raises InputError if one page could fill the memory.
    """
    size, stored = regular.expanded_size(metadata), path.stat().st_size
    if regular.expands(stored, size):
        raise InputError(f"{path}: expands from {stored:,} to {size:,} bytes; save the table uncompressed")
    if size * BATCH < EXPANDED or size < TEXT_RATIO * stored:
        return []
    columns = map(metadata.schema.column, range(metadata.num_columns))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _values(array: pyarrow.Array) -> list[Any]:
    """Return the array as Python values; equal values of a dictionary are one object."""
    import pyarrow

    kind = array.type
    if isinstance(array, pyarrow.DictionaryArray):
        indices = array.indices.to_pylist()
        values = {index: None if index is None else array.dictionary[index].as_py() for index in {*indices}}
        return [values[index] for index in indices]
    if isinstance(array, pyarrow.StructArray):
        names = [field.name for field in kind]
        rows = zip(*map(_values, array.flatten()), strict=True)
        valid = array.is_valid().to_pylist()
        return [dict(zip(names, row, strict=True)) if ok else None for row, ok in zip(rows, valid, strict=True)]
    if isinstance(array, (pyarrow.ListArray, pyarrow.LargeListArray)) and not isinstance(array, pyarrow.MapArray):
        lengths = array.value_lengths().to_pylist()
        ends = pairwise(accumulate((length or 0 for length in lengths), initial=0))
        items = _values(array.flatten())
        return [None if length is None else items[slice(*bounds)] for bounds, length in zip(ends, lengths, strict=True)]
    return array.to_pylist()  # type: ignore[no-any-return]
