"""File names in data cannot leave the folder that the user named, but links there may point anywhere."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest

from mmeval.data import files
from mmeval.data.files import glob, inside, is_litter
from mmeval.types import InputError
from tests.tasks.small_folders import picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture(tmp_path / "elsewhere" / "photo.png")
    (tmp_path / "elsewhere" / "secret.png").write_text("root:x:0:0")
    os.mkfifo(tmp_path / "elsewhere" / "pipe.png")
    header = struct.pack(">4sIIBBBBB", b"IHDR", 20_000, 20_000, 1, 0, 0, 0, 0)
    bomb = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "elsewhere" / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bomb + b"\0\0\0\0IDAT")
    picture(tmp_path / "data" / "own.png")
    (tmp_path / "data" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "photo.png").symlink_to(tmp_path / "elsewhere" / "photo.png")
    (tmp_path / "data" / "loop.png").symlink_to(tmp_path / "data" / "loop.png")
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["own.png", "photo.png", "linked/photo.png", "linked/../data/own.png", "missing.png"])
def test_what_may_be_named(folder: Path, name: str) -> None:
    assert inside(folder, name, "line 1") == folder / name


def test_a_missing_picture_of_a_linked_folder_is_missing_and_not_refused(folder: Path) -> None:
    assert not inside(folder, "linked/9.png", "line 1").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../elsewhere/photo.png", "leads out of"),
        ("linked/../elsewhere/photo.png", "leads out of"),
        ("{elsewhere}/photo.png", "leads out of"),
        ("linked/secret.png", "leads out of"),
        ("linked/pipe.png", "leads out of"),
        ("linked/bomb.png", "leads out of"),
        ("linked", "leads out of"),
        ("file:///etc/passwd", "is a URL; mmeval downloads no pictures"),
        ("a\0b", "cannot be the name of a file"),
        ("x" * 300, "cannot be the name of a file"),
        ("loop.png", "cannot be the name of a file"),
    ],
)
def test_what_may_not(folder: Path, name: str, message: str) -> None:
    name = name.format(elsewhere=folder.parent / "elsewhere")
    with pytest.raises(InputError, match=f"^line 1: .*{message}"):
        inside(folder, name, "line 1")


@pytest.mark.parametrize(
    ("existing", "named", "hint"),
    [
        ("a.JPG", "a.jpg", " (there is 'a.JPG'); put it there"),
        ("a.png", "a.jpg", " (there is 'a.png'); put it there"),
        (
            "e\u0301.png",
            "\u00e9.png",
            " (there is 'e\\u0301.png', whose name is spelled with other code points); put it there",
        ),
        ("b.png", "a.png", "a.png; put it there"),
    ],
)
def test_a_name_that_looks_the_same_is_reported(existing: str, named: str, hint: str, tmp_path: Path) -> None:
    picture(tmp_path / existing)
    if (tmp_path / named).exists():
        pytest.skip("this file system finds it")
    with pytest.raises(InputError) as raised:
        files.picture(tmp_path, named, "line 1")
    assert str(raised.value).startswith("line 1: there is no picture ")
    assert str(raised.value).endswith(hint)


@pytest.mark.parametrize("name", ["._a.jsonl", ".DS_Store", "__MACOSX/a.jsonl", "Thumbs.db", "b/._c/d.jsonl"])
def test_what_systems_leave_in_folders_is_no_data(name: str, tmp_path: Path) -> None:
    for path in (tmp_path / name, tmp_path / "a.jsonl"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [path.name for path in glob(tmp_path, "**/*") if path.is_file()] == ["a.jsonl"]
    assert is_litter(Path(name))
