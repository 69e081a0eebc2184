"""A checkpoint's digest covers its content; a large file that did not change is not read again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mmeval.models import digests, find_model
from mmeval.models.digests import file_digest


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "LARGE", 4)
    reads: list[object] = []
    hashed = hashlib.file_digest

    def counting(file: Any, name: Any) -> Any:
        reads.append(file)
        return hashed(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    path = tmp_path / "model.safetensors"

    def written(content: bytes, time: int) -> None:
        path.write_bytes(content)
        os.utime(path, ns=(time, time))

    written(b"weights", 10**18)
    expected = hashlib.sha256(b"weights").digest()
    assert [file_digest(path) for _ in range(3)] == [expected] * 3
    assert len(reads) == 1
    written(b"WEIGHTS", 10**18 + 1)
    assert file_digest(path) == hashlib.sha256(b"WEIGHTS").digest()
    (tmp_path / "cache" / "mmeval" / "digests.json").write_text("{ damaged")
    assert file_digest(path) == hashlib.sha256(b"WEIGHTS").digest()
    known = tmp_path / "cache" / "mmeval" / "digests.json"
    known.write_text(json.dumps({key: [*value[:2], "zz"] for key, value in json.loads(known.read_text()).items()}))
    assert file_digest(path) == hashlib.sha256(b"WEIGHTS").digest()
    path.write_bytes(b"written just now")  # may be written once more within a tick of the clock
    assert file_digest(path) == hashlib.sha256(b"written just now").digest()
    path.write_bytes(b"written just NOW")
    assert file_digest(path) == hashlib.sha256(b"written just NOW").digest()


@pytest.mark.parametrize("name", ["chat_template.jinja", "additional_chat_templates/tool.jinja", "modeling_own.py"])
def test_another_template_or_other_code_is_another_checkpoint(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    digests = []
    for text in ("one", "other"):
        file.write_text(text)
        digests.append(find_model(str(tmp_path)).digest)
    assert digests[0] != digests[1]
