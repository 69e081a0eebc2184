"""Pipes, devices and huge sparse files in place of a file end in a sentence, without waiting."""

from __future__ import annotations

import os
import signal
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from mmeval import jsonl, regular, yaml_file
from mmeval.data import delimited, files, parquet, sheets
from mmeval.files import read_json
from mmeval.mmicl import weights
from mmeval.models import doctor, find_model
from mmeval.reporting.leaderboards import openvlm
from mmeval.types import Image, InputError

READERS: dict[str, Callable[[Path], object]] = {
    "json": lambda path: read_json(path, "fix it"),
    "jsonl": lambda path: list(jsonl.read(path)),
    "yaml": yaml_file.read,
    "text": files.text,
    "blocks": lambda path: list(files.blocks(path, 100)),
    "table": lambda path: list(delimited.lines(path)),
    "parquet": lambda path: list(parquet.read(path)),
    "picture": lambda path: Image(path, path.name).digest,
    "configuration": weights.read_json,
    "weights": lambda path: list(doctor._tensors(path)),
}


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """End a test that waits for a pipe: its own signal, since the reader would never return."""

    def stop(*_: object) -> None:
        raise TimeoutError("waited for a pipe")

    handler = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, handler)


@pytest.fixture(params=["pipe", "device", "giant"])
def strange(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "strange"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    return path


@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_a_file_is_a_sentence(strange: Path, reader: str) -> None:
    with pytest.raises((InputError, weights.CheckpointError), match=r"strange: .*(not a regular file|and empty)"):
        READERS[reader](strange)


@pytest.mark.parametrize("reader", sorted({*READERS} - {"a configuration's type"}))
def test_a_name_with_a_nul_character_is_a_sentence(tmp_path: Path, reader: str) -> None:
    with pytest.raises((InputError, weights.CheckpointError), match="its name has a NUL character"):
        READERS[reader](tmp_path / "a\0b")


@pytest.mark.parametrize("prefix", ["", "chat:", "mmicl:"])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"])
def test_a_checkpoint_with_something_else_in_place_of_a_file_is_a_sentence(
    tmp_path: Path, strange: Path, name: str, prefix: str
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "mmicl"}')
    strange.rename(folder / name)
    with pytest.raises(InputError, match=rf"{name}: cannot be read \((not a regular file|.* empty)\)"):
        find_model(f"{prefix}{folder}")


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("é\r\nb".encode())
    assert regular.read_text(path) == path.read_text(encoding="utf-8") == "é\nb"
    assert regular.read_bytes(path) == "é\r\nb".encode()
    with pytest.raises(IsADirectoryError):
        regular.opened(tmp_path)


def test_a_pattern_that_no_name_can_match_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be the name of files in it"):
        files.glob(tmp_path, "9" * 300)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_no_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError) as raised:
        regular.exists(tmp_path / name)
    assert raised.value.strerror
    assert not regular.exists(tmp_path / "gone" / "x")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_file_in_a_zip_is_not_unpacked_beyond_its_stated_size(method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("M_D.tsv", bytes(1 << 24))
        archive.infolist()[0].file_size = 100
    tracemalloc.start()
    (finding,) = openvlm.check(tmp_path / "a.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "not a readable zip" in finding.sentence
    assert peak < 1 << 22


def test_a_workbook_is_not_unpacked_beyond_its_stated_size(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "good.xlsx")
    with zipfile.ZipFile(tmp_path / "good.xlsx") as good, zipfile.ZipFile(tmp_path / "a.xlsx", "w", 8) as archive:
        for item in good.infolist():
            content = good.read(item)
            bomb = bytes(1 << 26) if item.filename == "xl/workbook.xml" else b""
            archive.writestr(item.filename, content + bomb)
            stated = archive.infolist()[-1]
            stated.file_size, stated.CRC = len(content), zlib.crc32(content + bomb[:1])
    tracemalloc.start()
    with pytest.raises(InputError, match=r"damaged \('xl/workbook.xml' is larger than it states\)"):
        list(sheets.read(tmp_path / "a.xlsx"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 23
