"""What a power cut or another program may do to a set while it is built."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mmeval.mic.build import build
from mmeval.types import InputError
from tests.mic.mic_folders import vcr, vqav2


def test_pictures_are_on_the_disk_before_the_lines_that_name_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing picture is never checked again, so a power cut must not leave an empty one."""
    vcr(tmp_path / "root")
    events: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        events.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        sync(handle)

    def replaced(self: Path, target: Path) -> Path:
        assert f"sync {self.name}" in events
        events.append(f"{target.parent.name}/{target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    build("vcr", tmp_path / "root", tmp_path / "out")
    last = max(index for index, name in enumerate(events) if name.startswith("pictures/"))
    lines = next(index for index, name in enumerate(events) if name.endswith(".lines"))
    assert "sync pictures" in events[:lines]
    assert "sync pictures" in events[last:]


def test_a_picture_that_changed_after_its_check_is_named(tmp_path: Path) -> None:
    vqav2(tmp_path / "root")
    build("vqav2", tmp_path / "root", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "mic.json").read_text())
    unfinished = {key: manifest[key] for key in ("schema", "identity")}
    (tmp_path / "out" / "mic.json").write_text(json.dumps(unfinished))
    changed = min((tmp_path / "out" / "pictures").iterdir())
    changed.write_bytes(b"")  # the data set's own file, by another name
    with pytest.raises(InputError, match=f"{changed.name}: not a picture .*; it has changed since it was checked"):
        build("vqav2", tmp_path / "root", tmp_path / "out")
