"""Damage a file as disks, editors, scripts and strangers do: bytes, lines, and values of JSON and YAML."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 5, 1e308, float("inf"), float("nan"), 10**30, -0.5, "", " ", "A", "yes", "nan"),
    *(
        "\ud83d",
        "../../etc/passwd",
        "/etc/passwd",
        "http://127.0.0.1:9/x",
        "=1+1",
        "\x1b]0;x\x07\x1b[2J",
        "\x9b2J",
        "\x00",
    ),
    *("x" * 70_000, "9" * 400, "\u202e", "2023-09-17", "<image 1>", "image 0"),
    *("B is the only " * 1200, "answer: " * 2500, "**" * 10_000, "x = 5, " * 2500),
    *([], {}, [[]], [None], {"": None}, {"image": 0}, [1, "a", {}]),
)
BYTES = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"\n",
    b"\r",
    b"\t",
    b",",
    b"{",
    b"[" * 5000,
    b"\\ud83d",
    b"%s",
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return the file's bytes, damaged once or a few times."""
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        data = rng.choice((_values, _values, _bits, _cut, _inserted, _doubled, _moved))(data, rng)
    return data


def _bits(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randrange(1, 9)):
        if out:
            out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _inserted(data: bytes, rng: random.Random) -> bytes:
    position = rng.randrange(len(data) + 1)
    return data[:position] + rng.choice(BYTES) + data[position:]


def _doubled(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [data]
    index = rng.randrange(len(lines))
    return b"".join([*lines[:index], lines[index], *lines[index:]])


def _moved(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines[: rng.randrange(len(lines) + 1)])


def _values(data: bytes, rng: random.Random) -> bytes:
    """Replace, remove or add a value of a JSON document, or of one of its lines; elsewhere a word of a line."""
    for form in (_document, _line):
        try:
            return form(data, rng)
        except (ValueError, RecursionError):
            continue
    words = data.split(b" ")
    words[rng.randrange(len(words))] = str(rng.choice(ODD)).encode("utf-8", "surrogatepass")[:2000]
    return b" ".join(words)


def _document(data: bytes, rng: random.Random) -> bytes:
    return _dumped(_changed(json.loads(data), rng))


def _line(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines()
    index = rng.randrange(len(lines))  # a ValueError where there is none
    lines[index] = _dumped(_changed(json.loads(lines[index]), rng))
    return b"\n".join(lines) + b"\n"


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _changed(value: Any, rng: random.Random) -> Any:
    """Change the value at a random place."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        change: Callable[[], Any] = rng.choice((lambda: _changed(value[key], rng),) * 6 + (lambda: _REMOVED,))
        changed = change()
        copy: Any = value.copy()
        if changed is _REMOVED:
            del copy[key]
        else:
            copy[key] = changed
        return copy
    return rng.choice(ODD)


_REMOVED = object()
