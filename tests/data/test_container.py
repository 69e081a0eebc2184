"""Video files of many kinds: frames found from packets equal those of a full decode, pixel by pixel."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmeval.data import container
from mmeval.data.container import DamagedVideo, moments

av = pytest.importorskip("av", reason="videos are read with PyAV")

COUNT = 40
X264 = {"preset": "ultrafast", "bf": "3"}
KINDS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "b-frames.mp4": ("libx264", X264, {}),
    "b-frames.mkv": ("libx264", X264, {}),
    "open-gop.mp4": ("libx264", {"preset": "ultrafast", "x264-params": "open-gop=1:bframes=3"}, {}),
    "no-key-frames.mp4": ("libx264", {"preset": "ultrafast", "x264-params": "intra-refresh=1:bframes=2"}, {}),
    "interlaced.mov": ("libx264", {"preset": "ultrafast", "x264-params": "interlaced=1:bframes=2"}, {}),
    "fragments.mp4": ("libx264", X264, {"movflags": "frag_keyframe+empty_moov"}),
    "no-duration.mkv": ("libx264", X264, {"live": "1"}),
    "b-frames.avi": ("libx264", X264, {}),
    "variable-rate.mp4": ("libx264", X264, {}),
    "variable-rate.webm": ("libvpx-vp9", {"cpu-used": "8", "deadline": "realtime"}, {}),
    "vp8.webm": ("libvpx", {"cpu-used": "8", "deadline": "realtime"}, {}),
    "hidden-frames.webm": ("libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}, {}),
    "old.avi": ("mpeg4", {}, {}),
    "pictures.avi": ("mjpeg", {}, {}),
    "b-frames-old.mp4": ("mpeg4", {"bf": "2"}, {}),
    "b-frames-old.avi": ("mpeg4", {"bf": "2"}, {}),
}
"""By file name: the codec, its options and those of the container."""


def write(path: Path, codec: str, options: dict[str, str], mux: dict[str, str]) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8) // 2
    with av.open(str(path), "w", options=mux) as out:
        stream: Any = out.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = 12
        stream.codec_context.thread_count = 1
        varies = path.stem == "variable-rate"
        if varies:
            stream.codec_context.time_base = Fraction(1, 1000)
        timestamp = 0
        for number in range(COUNT):
            pixels = np.roll(noise, 2 * number, 1)
            pixels[4:10, 4 : 4 + number] = 255
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if varies:
                timestamp += (40, 80, 33, 200, 15)[number % 5]
                frame.pts, frame.time_base = timestamp, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def decoded(path: Path) -> list[bytes]:
    """Decode every frame from the beginning."""
    with av.open(str(path)) as opened:
        return [frame.to_image().tobytes() for frame in opened.decode(video=0)]


@pytest.fixture(scope="module", params=[*KINDS])
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("kinds") / request.param, *KINDS[request.param])


@pytest.mark.slow
@pytest.mark.parametrize("seek", [1, 500])
def test_frames_are_those_that_decoding_all_gives(video: Path, seek: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "SEEK", seek)
    expected = decoded(video)
    assert len(expected) == COUNT
    cases = ([0], [COUNT - 1], [11], [12, 13], [4, 8, 13, 17, 22, 26, 31, 35], [10, 23, 37], list(range(COUNT)))
    for indices in cases:
        frames = moments(video, video.name, lambda times, indices=indices: {COUNT: indices}[len(times)])  # type: ignore[misc]
        assert [moment.picture.tobytes() for moment in frames] == [expected[index] for index in indices], indices
        times = container.times(video, video.name)
        assert [moment.time for moment in frames] == pytest.approx([times[index] for index in indices])


def test_times_of_a_variable_rate_are_the_containers(tmp_path: Path) -> None:
    path = write(tmp_path / "variable-rate.mp4", *KINDS["variable-rate.mp4"])
    assert container.times(path, "v")[:6] == pytest.approx([0, 0.08, 0.113, 0.313, 0.328, 0.368], abs=2e-3)
    avi = write(tmp_path / "b-frames.avi", *KINDS["b-frames.avi"])  # which tells the times of packets alone
    assert container.times(avi, "v")[:4] == pytest.approx([0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize("name", ["b-frames.mp4", "old.mp4"])
def test_what_an_edit_list_leaves_out_is_not_counted(name: str, tmp_path: Path) -> None:
    codec, options, _ = KINDS["b-frames.mp4" if name == "b-frames.mp4" else "old.avi"]
    path = write(tmp_path / name, codec, options, {})
    content = bytearray(path.read_bytes())
    entry = content.index(b"elst") + 16  # after version and flags, the number of entries, the duration of the first
    begin, scale = struct.unpack_from(">i", content, entry)[0], 10240
    struct.pack_into(">i", content, entry, begin + 13 * scale // 10)
    path.write_bytes(content)
    expected = decoded(path)
    assert len(expected) == COUNT - 13 == len(container.times(path, name))
    frames = moments(path, name, lambda times: [0, 5, len(times) - 1])
    assert [moment.picture.tobytes() for moment in frames] == [expected[0], expected[5], expected[-1]]


def test_a_frame_of_vp8_that_is_not_shown_is_not_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "vp8.webm", *KINDS["vp8.webm"])
    with av.open(str(path)) as opened:
        packets = [bytes(packet) for packet in opened.demux(video=0) if packet.size]
    content = path.read_bytes()
    hidden = bytes([packets[5][0] & ~16]) + packets[5][1:]
    path.write_bytes(content.replace(packets[5], hidden))
    true = decoded(path)
    assert len(true) == COUNT - 1 == len(container.times(path, "v"))
    assert [m.picture.tobytes() for m in moments(path, "v", lambda times: [4, 5, 6])] == true[4:7]


def test_only_what_is_shown_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "b-frames.mp4", *KINDS["b-frames.mp4"])
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as opened:
        packets = [packet for packet in opened.demux(video=0) if packet.size]
        broken = packets[26]
        content[broken.pos : broken.pos + broken.size] = bytes(broken.size)  # in the third group of pictures
    path.write_bytes(content)
    assert len(moments(path, "v", lambda times: [3, 15])) == 2  # of the first and the second


def test_a_title_that_is_not_utf_8_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        out.metadata["title"] = "caf?"
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        out.mux(stream.encode())
    path.write_bytes(path.read_bytes().replace(b"caf?", "café".encode("latin-1")))
    with container.opened(path, "a.mp4") as (opened, _):
        assert len([*opened.decode(video=0)]) == 1


@pytest.mark.parametrize("keep", [0.3, 0.7])
def test_half_a_file(keep: float, tmp_path: Path) -> None:
    path = write(tmp_path / "b-frames.mkv", *KINDS["b-frames.mkv"])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    try:
        expected = decoded(path)
    except av.error.FFmpegError:
        with pytest.raises(DamagedVideo, match="broken video"):
            moments(path, "v", lambda times: [0])
        return
    assert 0 < len(expected) < COUNT
    frames = moments(path, "v", lambda times: [0, len(times) - 1])
    assert [moment.picture.tobytes() for moment in frames] == [expected[0], expected[-1]]
