"""Rows of JSON documents and JSON Lines. A long list is read item by item."""

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from mmeval import jsonl, regular
from mmeval.data import files
from mmeval.types import InputError, nearest

BLOCK = 1 << 20
"""Bytes or characters read at once."""
Found = Iterator[tuple[Mapping[str, Any], str]]
"""Values by column, and the position of each row."""
Hook = Callable[[dict[str, Any]], Any]
"""Makes a JSON object smaller while a file is read."""


def read(path: Path, hook: Hook | None) -> Found:
    """Read a list of objects, one object, or one object per line: official releases call all of these .json."""
    try:
        with regular.opened(path) as file:
            head = file.read(BLOCK).removeprefix(BOM_UTF8).lstrip()
            listed = head.startswith(b"[")
            file.seek(0)
            lines = () if listed else (line.removeprefix(BOM_UTF8).strip() for line in regular.lines(file))
            first = next(filter(None, lines), b"{}")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if listed:
        yield from _items(path, hook)
    elif _is_json(first):
        line = b""

        def remember(current: bytes) -> None:
            nonlocal line
            line = current

        advice = "the file must hold a list of objects or one object per line: download it again"
        for row, where in jsonl.read(path, advice=advice, on_line=remember):
            if line.count(b'":') > len(row):  # a value is an object, too, or a key appears twice
                json.loads(line, object_pairs_hook=partial(unique, where))
            yield row, where
    else:
        yield json_object(load(path, hook), str(path)), str(path)


def _items(path: Path, hook: Hook | None) -> Found:
    """Read the objects of a list one by one, without the whole file in memory."""
    decoder, blocks, number, position = json.JSONDecoder(object_hook=hook), files.blocks(path, BLOCK), 0, 0
    text = next(blocks).lstrip()[1:]
    while True:
        try:
            start = _after_whitespace(text, position)
            if text[start] == "]":
                break
            if number > 0 and text[start] != ",":
                raise ValueError("no comma")
            begin = _after_whitespace(text, start + 1) if number else start
            value, end = decoder.raw_decode(text, begin)
        except (ValueError, IndexError, RecursionError):  # cut off by the block's end, or wrong
            if len(text) - position > regular.LONGEST:
                reason = f"is not JSON, or longer than {regular.LONGEST:,} characters"
                raise InputError(f"{path}: item {number + 1} {reason}; download the file again") from None
            if not (more := "".join(islice(blocks, 1 + (len(text) - position) // BLOCK))):  # doubled: linear in all
                load(path, hook)  # raises the InputError with the position
                raise
            text, position = text[position:] + more, 0
            continue
        position, number = end, number + 1
        where = f"{path}, item {number}"
        row = json_object(value, where)
        if hook is None and text.count('":', begin, end) > len(row):
            json.loads(text[begin:end], object_pairs_hook=partial(unique, where))
        yield row, where
    if "".join((text[start + 1 :], *blocks)).strip():
        load(path, hook)


def _after_whitespace(text: str, position: int) -> int:
    match = _WHITESPACE.match(text, position)
    return match.end() if match else position


_WHITESPACE = re.compile(r"[ \t\r\n]*")


def json_object(value: Any, where: str) -> dict[str, Any]:
    """Return a row. Raises InputError if it is not an object."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: {str(value)[:60]!r} is not a JSON object; each row must be one")
    return value


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def at(value: Any, rows: str, path: Path) -> Found:
    """Yield the rows at the path `rows` inside a JSON document, each with its position."""
    for name in rows.split("/") if rows != "." else ():
        if not isinstance(value, dict) or name not in value:
            has = list(value) if isinstance(value, dict) else []
            raise InputError(f"{path}: no '{name}' in it{nearest(name, has)}; the rows must be at {rows}")
        value = value[name]
    if not isinstance(value, (dict, list)):
        raise InputError(f"{path}: at {rows} there is neither a list nor a map of rows; correct the path of the rows")
    items = [(f"item {n}", item) for n, item in enumerate(value, 1)] if isinstance(value, list) else value.items()
    for name, item in items:
        where = f"{path}, {name[:60]}"
        row = json_object(item, where)
        yield (row if isinstance(value, list) else {"key": name, **row}), where


def load(path: Path, hook: Hook | None = None) -> Any:
    """Read a whole JSON file. Raises InputError naming it."""
    return _loaded(path, object_hook=hook)


def unique(where: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Raises InputError if a key appears twice in it."""
    result = dict(pairs)
    if len(result) < len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise InputError(f"{where}: '{name[:60]}' appears twice; remove one of its values")
    return result


def load_once(path: Path) -> Any:
    """Read a whole JSON file of answers. No key may appear twice: only one of its values would count.

    Raises InputError naming the file and the key.
    """
    return _loaded(path, object_pairs_hook=partial(unique, str(path)))


def _loaded(path: Path, **hooks: Any) -> Any:
    try:
        return json.loads(files.text(path), **hooks)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); download the file again") from error
