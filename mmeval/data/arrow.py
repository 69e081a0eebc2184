"""Read the folders that `save_to_disk` of the package datasets writes: tables of Arrow messages, in bounded memory.

datasets itself would follow any path that such a folder names, and its values are used without a check: pyarrow ends
the process where offsets are damaged. Here each batch of rows is read into memory and checked before it is used.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from mmeval import regular
from mmeval.data import files, json_rows, parquet
from mmeval.data.json_rows import Found
from mmeval.types import InputError

if TYPE_CHECKING:
    import pyarrow

SPLITS, STATE = "dataset_dict.json", "state.json"
"""What names the splits of a saved DatasetDict, and the tables of a saved Dataset."""
MARK = 0xFFFFFFFF
"""The first bytes of every message."""
PLAIN = (
    *("null", "boolean", "integer", "floating", "decimal", "date", "time", "timestamp", "duration"),
    *("string", "large_string", "binary", "large_binary", "fixed_size_binary"),
)
"""The types of values that a column, a list or a struct may have, as pyarrow's functions call them."""
AGAIN = "save the data set again"


def is_saved(folder: Path) -> bool:
    """Return whether a Dataset or a DatasetDict was saved in the folder, perhaps not to its end."""
    if not regular.is_folder(folder):
        return False
    return any((folder / name).is_file() for name in (SPLITS, STATE)) or any(folder.glob("data-*-of-*.arrow"))


def splits(folder: Path) -> list[str]:
    """Return the names of a DatasetDict's splits; none for a Dataset. Raises InputError."""
    path = folder / SPLITS
    return _names(path, "splits") if path.is_file() else []


def tables(folder: Path, split: str | None, task: str) -> list[Path]:
    """Return the tables of a Dataset, or of a DatasetDict's split, in the saved order; `a+b` is two splits.

    Raises InputError if there is no such split, or the folder names a file outside itself.
    """
    existing = splits(folder)
    if not existing:
        return _tables(folder)
    chosen = existing if split is None else split.split("+")
    problem = f"several splits, and the card of {task} names none" if split is None and len(existing) > 1 else ""
    for name in chosen:
        problem = problem if name in existing else f"no split {name}, which {task} reads"
    if problem:
        advice = f"name the folder of the split to ask, such as {folder / existing[0]}"
        raise InputError(f"{folder}: {problem}; it has {', '.join(existing)}; {advice}")
    return [table for name in chosen for table in _tables(files.inside(folder, name, str(folder / SPLITS)))]


def _tables(folder: Path) -> list[Path]:
    return [files.inside(folder, name, str(folder / STATE)) for name in _names(folder / STATE, "_data_files")]


def _names(path: Path, key: str) -> list[str]:
    """Return the names in a list, each alone or as the `filename` of an object. Raises InputError."""
    value = json_rows.load(path)
    items = value.get(key) if isinstance(value, dict) else None
    listed = items if isinstance(items, list) else []
    names = [item.get("filename") if isinstance(item, dict) else item for item in listed]
    texts = [name for name in names if isinstance(name, str) and name]
    if not texts or len(texts) < len(names):
        raise InputError(f"{path}: its '{key}' must be a list of names; {AGAIN}")
    return texts


def read(path: Path) -> Found:
    """Yield the columns of each row. Raises InputError if the file is broken or cut off, or has unusual columns."""
    import pyarrow

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # as for parquet
    try:
        with regular.opened(path) as file:
            for number, values in enumerate(parquet.rows(_parts(file)), 1):
                yield values, f"{path}, row {number}"
    except (pyarrow.ArrowException, struct.error, *parquet.BROKEN) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as a table of Arrow ({reason}); {AGAIN}") from error


def _parts(file: BufferedReader) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows in small batches. Raises pyarrow's errors, and struct.error, for anything else than valid rows."""
    import pyarrow

    messages = _messages(file)
    head = next(messages, None)
    if head is None or head.type != "schema":  # reading another message as a schema ends the process
        raise pyarrow.ArrowInvalid("it does not begin with a schema")
    schema = pyarrow.ipc.read_schema(head)
    for field in schema:
        _check_type(field.name, field.type)
    for message in messages:
        if message.type != "record batch" or _is_compressed(message.metadata.to_pybytes()):
            raise pyarrow.ArrowInvalid("it is compressed or has other messages than rows")
        batch, size = pyarrow.ipc.read_record_batch(message, schema), message.body.size
        batch.validate(full=True)
        # columns may share bytes, and nulls take none
        if batch.nbytes > size or sum(map(_length, batch.columns)) + batch.num_rows > 8 * size:
            raise pyarrow.ArrowInvalid("it states more values than its bytes hold")
        yield from (batch.slice(start, parquet.BATCH) for start in range(0, batch.num_rows, parquet.BATCH))


def _messages(file: BufferedReader) -> Iterator[pyarrow.Message]:
    """Yield the messages up to the end mark, whose absence pyarrow's own reader ignores."""
    import pyarrow

    size = os.fstat(file.fileno()).st_size
    while True:
        start = file.tell()
        mark, length = struct.unpack("<Ii", file.read(8))
        if mark != MARK or not 0 <= length <= size - file.tell():
            raise pyarrow.ArrowInvalid(f"no message at byte {start}")
        if length == 0:
            return
        head = file.read(length)
        body_at = _field(head, _table(head, 0), 3)
        body = struct.unpack_from("<q", head, body_at)[0] if body_at else 0
        if not 0 <= body <= size - file.tell():
            raise pyarrow.ArrowInvalid(f"it ends within the message at byte {start}")
        file.seek(start)
        yield pyarrow.ipc.read_message(file.read(8 + length + body))


def _is_compressed(head: bytes) -> bool:
    """Return whether the values of a batch of rows are compressed: a few bytes could fill the memory."""
    return _field(head, _table(head, _field(head, _table(head, 0), 2)), 3) > 0


def _table(data: bytes, at: int) -> int:
    """Return the position of a table of a flatbuffer, which is the form of a message's head."""
    distance: int = struct.unpack_from("<I", data, at)[0]
    return at + distance


def _field(data: bytes, table: int, number: int) -> int:
    """Return the position of a field in a table of a flatbuffer, or 0 if it is left out."""
    fields = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", data, fields)[0]:
        return 0
    distance: int = struct.unpack_from("<H", data, fields + 4 + 2 * number)[0]
    return distance and table + distance


def _check_type(name: str, kind: pyarrow.DataType) -> None:
    """Raise ArrowInvalid for types that pyarrow cannot convert, or that may repeat a value without end."""
    import pyarrow as pa

    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    if isinstance(kind, (pa.StructType, pa.ListType, pa.LargeListType, pa.FixedSizeListType)):
        for number in range(kind.num_fields):
            _check_type(name, kind.field(number).type)
    elif not any(getattr(pa.types, f"is_{plain}")(kind) for plain in PLAIN):
        raise pa.ArrowInvalid(f"the column {name:.80} has the type {kind!s:.80}")


def _length(array: pyarrow.Array) -> int:
    """Return the number of values in an array, those in its lists and structs included."""
    import pyarrow

    array = array.storage if isinstance(array, pyarrow.ExtensionArray) else array
    if isinstance(array, pyarrow.StructArray):
        children = [array.field(number) for number in range(array.type.num_fields)]
    else:
        children = [array.values] if hasattr(array, "values") else []
    return len(array) + sum(map(_length, children))
