"""Eight frames of a video at duration * i / 9, and files that are not videos."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mmeval.mic import pictures
from mmeval.pictures import Unusable
from mmeval.types import InputError
from tests.mic.mic_folders import clip, msrvtt


def test_frames_are_spread_over_the_video(tmp_path: Path) -> None:
    pytest.importorskip("av")
    clip(tmp_path / "a.mp4", seconds=9, rate=9)  # one of the eight a second; frame k is as bright as 3 k
    frames = pictures.frames(tmp_path / "a.mp4", "a.mp4", 10**6)
    values = []
    for frame in frames:
        value = frame.getpixel((30, 20))
        assert isinstance(value, tuple)
        values.append(value[0])
    assert len(values) == 8
    assert all(abs(value - 27 * i) <= 4 for i, value in enumerate(values, 1)), values


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", b""),
        ("a.mp4", b"404 Not Found" * 100),
        ("a.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://example.org/secret.ts\n"),  # a playlist is not followed
        ("a.m3u8", b"#EXTM3U\n"),
    ],
)
def test_what_is_no_video(name: str, content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unusable) as error:
        pictures.frames(tmp_path / name, name, 10**6)
    assert error.value.kind == "picture broken"
    assert name in str(error.value)


def test_a_video_too_large_is_not_decoded(tmp_path: Path) -> None:
    pytest.importorskip("av")
    clip(tmp_path / "a.mp4", seconds=1)
    with pytest.raises(Unusable, match="64 x 48"):
        pictures.frames(tmp_path / "a.mp4", "a.mp4", 1000)


def test_where_pyav_is_missing_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    from mmeval.mic.build import build

    msrvtt(tmp_path / "root")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"mmeval-harness\[video\]"):
        build("msrvtt", tmp_path / "root", tmp_path / "out")
    assert not (tmp_path / "out").exists()
