"""Read logs of inspect_ai: `.eval`, a zip with a file for each sample, and `.json`, one document.

Source: log/_log.py and log/_recorders/ of inspect_ai 0.3.285 (format version 2). The answer is `output.completion`,
which has no reasoning; the log's own scores are not read. Epochs are sampled answers to a question. Nothing is unpacked
to disk.
"""

import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from mmeval import regular
from mmeval.data import json_rows
from mmeval.data.tables import TableRow
from mmeval.types import InputError

LARGEST = 1 << 26
"""Maximum bytes of an unpacked file in a log; most have less than a megabyte."""
ZSTANDARD = 93
"""What current versions compress with. Python's zipfile knows it only from 3.14 on; earlier versions deflate."""
HEADERS = ("header.json", "_journal/start.json")
"""The header of a finished log, and of one whose program was killed."""
SAMPLE = re.compile(r"samples/.+_epoch_[0-9]+(/sample)?\.json", re.DOTALL)
ATTACHMENT = "attachment://"
"""Prefix of a reference to a long text or a picture under `attachments`."""
BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error,
    LookupError, ValueError, OSError, EOFError, OverflowError, RuntimeError, MemoryError,
)  # fmt: skip
"""What zipfile, pyarrow and json raise for a log that is damaged, encrypted, or nested too deeply."""


def is_log(document: object) -> bool:
    """Return whether a JSON document is a log."""
    return isinstance(document, Mapping) and isinstance(document.get("eval"), Mapping) and "status" in document


def of_document(log: Mapping[str, Any], path: Path, keep: Collection[str]) -> list[TableRow]:
    """Return the rows of a `.json` log, as `read` does."""
    samples = log.get("samples")
    return _rows(log, json_rows.at([] if samples is None else samples, ".", path), path, keep)


def read(path: Path, keep: Collection[str]) -> list[TableRow]:
    """Return a row for each sample of an `.eval` log that has an answer in every epoch, or an error in one.

    `keep` are the keys of metadata that may hold the benchmark's ids and questions. Raises InputError for a log that is
    damaged or unpacks to far more than its size, for samples of another form, and for a log without samples.
    """
    try:
        with regular.opened(path) as file, zipfile.ZipFile(file) as archive:
            members = {item.filename: item for item in archive.infolist()}  # the last of a name counts, as there
            header = next((members[name] for name in HEADERS if name in members), None)
            if header is None:
                raise InputError(f"{path}: no {HEADERS[0]} in it; give a log of inspect_ai")
            size = sum(item.file_size for item in members.values())
            if regular.expands(os.fstat(file.fileno()).st_size, size):
                raise InputError(f"{path}: unpacks to {size:,} bytes, far more than its own size; give another log")
            found = (item for name, item in members.items() if SAMPLE.fullmatch(name))
            samples = ((_json(archive, file, item, path), f"{path}, {item.filename[:80]}") for item in found)
            return _rows(_json(archive, file, header, path), samples, path, keep)
    except BROKEN as error:
        raise InputError(f"{path}: not an .eval log, or damaged ({error}); copy it again") from error


def _json(archive: zipfile.ZipFile, file: IO[bytes], item: zipfile.ZipInfo, path: Path) -> dict[str, Any]:
    where = f"{path}, {item.filename[:80]}"
    if item.file_size > LARGEST:
        raise InputError(f"{where}: unpacks to {item.file_size:,} bytes, more than {LARGEST:,}; give another log")
    content = _zstandard(file, item) if item.compress_type == ZSTANDARD else regular.unpacked(archive, item)
    try:
        value = json.loads(content.decode(), object_pairs_hook=partial(json_rows.unique, where))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error}); copy the log again") from error
    return json_rows.json_object(value, where)


def _zstandard(file: IO[bytes], item: zipfile.ZipInfo) -> bytes:
    """Return the unpacked bytes of a file in a zip. Raises OSError or BadZipFile; reads no more than it should have."""
    import pyarrow

    file.seek(item.header_offset)
    *_, name, extra = struct.unpack("<4s22xHH", file.read(30))
    start = file.seek(name + extra, os.SEEK_CUR)
    if item.flag_bits & 1 or start + item.compress_size > os.fstat(file.fileno()).st_size:
        raise zipfile.BadZipFile(f"{item.filename!r:.80} is encrypted or cut off")
    stored = pyarrow.BufferReader(file.read(item.compress_size))
    content: bytes = pyarrow.CompressedInputStream(stored, "zstd").read(item.file_size + 1)
    if len(content) != item.file_size or zlib.crc32(content) != item.CRC:
        raise zipfile.BadZipFile(f"bad CRC-32 for file {item.filename!r:.80}")
    return content


def _rows(
    header: Mapping[str, Any], samples: Iterable[tuple[Mapping[str, Any], str]], path: Path, keep: Collection[str]
) -> list[TableRow]:
    """Return a row for each question; `samples` are read one by one."""
    if not isinstance(header.get("eval"), Mapping):
        raise InputError(f"{path}: its header has no 'eval'; give a log of inspect_ai")
    epochs: dict[str, dict[int, TableRow]] = {}
    for sample, where in samples:
        id, epoch = sample.get("id"), sample.get("epoch")
        if not isinstance(id, (str, int)) or isinstance(id, bool) or type(epoch) is not int:
            raise InputError(f"{where}: a sample's id must be a text or a number, its epoch a number; fix the log")
        answers = epochs.setdefault(str(id), {})
        if epoch in answers:
            raise InputError(f"{where}: the sample '{str(id)[:60]}' of epoch {epoch} appears twice; remove one")
        answers[epoch] = TableRow({"sample_id": id, **_values(sample, where, keep)}, where)
    if not epochs:
        raise InputError(f"{path}: no samples in the log; ask again and log them (--log-samples)")
    places = _places(header["eval"])
    most = max(len(answers) for answers in epochs.values())
    rows = []
    for id, answers in epochs.items():
        ordered = [answers[epoch] for epoch in sorted(answers)]
        row = next((row for row in ordered if row.values["error"]), ordered[0])
        if not row.values["error"] and len(ordered) < most:
            continue  # an epoch was not asked: the question is not answered, as in a run that was stopped
        repeated = {"samples": [answer.values["output"] for answer in ordered]} if most > 1 else {}
        rows.append(TableRow({**row.values, **repeated, "doc_id": places.get(id, -1)}, row.where))
    return rows


def _places(about: Mapping[str, Any]) -> dict[str, int]:
    """Return each sample's place in the data; nothing if the log does not tell."""
    data, settings = (value if isinstance(value := about.get(name), Mapping) else {} for name in ("dataset", "config"))
    ids = data.get("sample_ids")
    selected = data.get("shuffled") or isinstance(settings.get("limit"), list)
    selected = selected or any(settings.get(name) is not None for name in ("sample_id", "sample_shuffle"))
    return {} if selected or not isinstance(ids, list) else {str(id): place for place, id in enumerate(ids)}


def _values(sample: Mapping[str, Any], where: str, keep: Collection[str]) -> dict[str, Any]:
    """Return a sample's question, answer, options and error, and what its metadata may tell of the question."""
    kept = sample.get("attachments")
    attachments = kept if isinstance(kept, Mapping) else {}

    def resolved(text: str) -> str:
        text = attachments.get(text.removeprefix(ATTACHMENT), text) if text.startswith(ATTACHMENT) else text
        if not isinstance(text, str) or text.startswith(ATTACHMENT):
            raise InputError(f"{where}: '{str(text)[:60]}' is not among its attachments; copy the log again")
        return text

    metadata, output = sample.get("metadata"), sample.get("output")
    facts = {name: metadata[name] for name in keep if name in metadata} if isinstance(metadata, Mapping) else {}
    answer = _answer(output if isinstance(output, Mapping) else {}, where)
    error = _error(sample)
    return {
        "metadata": facts,
        "input": "\n".join(map(resolved, _question(sample.get("input")))),
        "choices": sample.get("choices"),
        "output": None if error else resolved(answer),
        "error": error,
    }


def _answer(output: Mapping[str, Any], where: str) -> str:
    """Return the completion. A log of an early version may have it only as the first choice's message."""
    choices, completion = output.get("choices"), output.get("completion")
    if completion is None and isinstance(choices, list):
        messages = (choice.get("message") for choice in choices[:1] if isinstance(choice, Mapping))
        completion = "".join(text for message in messages for text in _texts(message))
    if completion is not None and not isinstance(completion, str):
        raise InputError(f"{where}: its completion is not a text but {str(completion)[:40]}; write a text")
    return completion or ""


def _error(sample: Mapping[str, Any]) -> str | None:
    """Return why a sample has no answer that counts, if so."""
    error = sample.get("error")
    if error is not None:
        return str(error.get("message") if isinstance(error, Mapping) else error) or "an error"
    return None if sample.get("invalidation") is None else "the log says that the sample is invalid"


def _question(value: Any) -> Iterator[str]:
    """Yield the texts of a sample's input: itself, or the last message of the user."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        users = [message for message in value if isinstance(message, Mapping) and message.get("role") == "user"]
        yield from next(filter(None, (list(_texts(message)) for message in reversed(users))), [])


def _texts(message: Any) -> Iterator[str]:
    """Yield the texts of a message, whose content is a text, or a list of parts such as pictures."""
    content = message.get("content") if isinstance(message, Mapping) else None
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = (part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text")
    yield from (text for text in texts if isinstance(text, str))
