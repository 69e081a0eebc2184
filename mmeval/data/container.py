"""Video files: count the frames and read their times from the packets, and decode selected frames.

`video` selects the frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmeval.pictures import MAX_PIXELS
from mmeval.types import InputError

if TYPE_CHECKING:
    import av
    from PIL import Image as PILImage

FORMATS = {".mp4": "mov", ".mov": "mov", ".m4v": "mov", ".avi": "avi", ".webm": "matroska", ".mkv": "matroska"}
"""Suffix -> ffmpeg's format. A file is never read as a playlist, which could name other files and addresses."""
SEEK = 500
"""Seek if more than this many packets would be skipped; reading a packet takes about 10 microseconds."""
_VOP = b"\x00\x00\x01\xb6"
"""Start code of a frame in MPEG-4."""
_NOT_CODED = 16
"""Bytes. An MPEG-4 packet up to this size may only say that nothing has changed; it yields no frame."""
_ONE_A_PACKET = {"h264", "hevc", "vp9", "av1", "mjpeg", "mpeg1video", "mpeg2video"}
"""Codecs with one visible frame per packet. VP9 and AV1 put a hidden frame in the next frame's packet."""

_SPARING = {"h264", "hevc"}
"""Codecs whose decoders can skip frames that no other frame depends on."""

Choose = Callable[[Sequence[float]], Sequence[int]]
"""The time of each frame, in seconds from the first -> indices of the selected frames, from 0, in ascending order."""


def check() -> None:
    """Raise InputError if PyAV is not installed."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise InputError(
            "videos are read with PyAV, which is not installed; pip install 'mmeval-harness[video]'"
        ) from error


class DamagedVideo(InputError):
    """The file is not a video, or decoding it fails. The questions about it fail; the run continues."""


@dataclass(frozen=True)
class Moment:
    """A decoded frame and its time."""

    time: float
    """Seconds from the video's first frame."""
    picture: PILImage.Image


@contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file and its first video stream; decode inside the `with`.

    Raises DamagedVideo if the file is not a video or decoding fails; InputError if PyAV is missing, the suffix is
    unknown, or the frames are too large.
    """
    check()
    import av

    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise InputError(f"{name}: not a video of a known kind ({', '.join(FORMATS)}); replace it")
    try:
        with av.open(str(path), format=form, options={"protocol_whitelist": "file"}, **lenient()) as container:
            yield container, first_stream(container, name, "replace it")
    except av.error.FFmpegError as error:
        raise DamagedVideo(f"{name}: broken video ({error.strerror}); replace it") from error


def lenient() -> dict[str, Any]:
    """Return the arguments with which `av.open` accepts a title that is not UTF-8; PyAV 19 has none and needs none."""
    import av

    return {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}


def first_stream(container: av.container.InputContainer, name: str, advice: str) -> av.VideoStream:
    """Return the first video stream.

    Raises DamagedVideo if there is none or its codec is unknown; InputError if its frames exceed MAX_PIXELS.
    """
    if not container.streams.video:
        raise DamagedVideo(f"{name}: no video in it; {advice}")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise DamagedVideo(f"{name}: its video codec is unknown; {advice}")
    if stream.width * stream.height > MAX_PIXELS:
        size = f"{stream.width} x {stream.height} pixels, more than {MAX_PIXELS:,}"
        raise InputError(f"{name}: {size}; scale it down")
    return stream


def picture(frame: av.VideoFrame) -> PILImage.Image:
    """Return the frame in RGB, rotated upright if the camera was held on its side."""
    upright: PILImage.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return upright.rotate(frame.rotation, expand=True) if frame.rotation else upright


def moments(path: Path, name: str, choose: Choose) -> list[Moment]:
    """Return the selected frames, in order.

    The packets give the number of frames, and only the selected frames and those they depend on are decoded. If the
    packets do not give the number, or a frame does not come from its packet, the whole file is decoded. Raises as
    `opened` and `choose` do.
    """
    packets = _packets(path, name)
    if packets is not None:
        decoded = _decode_selected(path, name, packets, [packets.visible[index] for index in choose(packets.times())])
        if decoded is not None:
            return decoded
    return _decode_in_order(path, name, choose)


def times(path: Path, name: str) -> list[float]:
    """Return the time of each frame, in seconds from the first. Raises as `opened` does."""
    packets = _packets(path, name)
    return _times(path, name) if packets is None else packets.times()


@dataclass(frozen=True)
class _Packets:
    """The packets of a video, in decoding order."""

    stamps: list[int]
    """Presentation time of each; all different."""
    keys: list[int]
    """Indices of the packets where decoding can begin."""
    visible: list[int]
    """Indices of the visible packets, in presentation order."""
    unit: float
    """Seconds per unit of the stamps."""

    def time(self, index: int) -> float:
        """Return the presentation time of a packet, in seconds from the first visible one."""
        return (self.stamps[index] - self.stamps[self.visible[0]]) * self.unit

    def times(self) -> list[float]:
        """Return the time of each visible packet, in order."""
        return [self.time(index) for index in self.visible]


def _packets(path: Path, name: str) -> _Packets | None:
    """Read a video's packets. Return None if they do not determine the frames exactly."""
    stamps, keys, hidden = [], [], set[int]()
    with opened(path, name) as (container, stream):
        codec = stream.codec_context.codec.canonical_name
        guessed = container.format.name == "avi"  # its packets carry no times
        unit = float(stream.time_base or 0)  # not readable once the container is closed
        for index, packet in enumerate(packet for packet in container.demux(stream) if packet.size):
            if packet.pts is None or packet.is_corrupt or not _is_frame(codec, packet, guessed):
                return None
            stamps.append(packet.pts)
            if packet.is_keyframe:
                keys.append(index)
            if packet.is_discard or (codec == "vp8" and not bytes(packet)[0] & 16):  # edit list; VP8's `show_frame`
                hidden.add(index)
    if len({*stamps}) < len(stamps) or 0 not in keys or len(hidden) == len(stamps):
        return None
    visible = sorted((index for index in range(len(stamps)) if index not in hidden), key=stamps.__getitem__)
    return _Packets(stamps, keys, visible, unit)


def _is_frame(codec: str, packet: av.Packet[av.VideoStream], guessed: bool) -> bool:
    """Return whether a packet yields exactly one frame, at the packet's time."""
    if codec == "mpeg4":
        content = bytes(packet)
        alone = content.count(_VOP) == 1 and len(content) > _NOT_CODED
        turned = guessed and content[content.find(_VOP) + 4] >> 6 == 2  # a B-frame
        return alone and not turned
    return codec == "vp8" or codec == "mjpeg" or (codec in _ONE_A_PACKET and not guessed)


def _decode_selected(path: Path, name: str, packets: _Packets, selected: Sequence[int]) -> list[Moment] | None:
    """Decode the frames of these packets and those they depend on. Return None if one is missing."""
    decoded: dict[int, PILImage.Image] = {}
    stamps, targets = packets.stamps, {packets.stamps[index] for index in selected}
    index_of = {stamp: index for index, stamp in enumerate(stamps)}
    with opened(path, name) as (container, stream):
        context, demuxed, position = stream.codec_context, container.demux(stream), 0
        skips = context.codec.canonical_name in _SPARING
        for first, last in _ranges_to_decode(packets, selected):
            if first - position > SEEK:
                container.seek(stamps[first], stream=stream)
                demuxed = container.demux(stream)
            for packet in demuxed:
                if not packet.size or packet.pts not in index_of:
                    return None
                position = index_of[packet.pts]
                if position >= first:
                    if skips:
                        context.skip_frame = "DEFAULT" if packet.pts in targets else "NONREF"
                    _store_targets(context.decode(packet), targets, decoded)
                if position >= last:
                    break
            _store_targets(context.decode(None), targets, decoded)
            context.flush_buffers()
    if not targets <= decoded.keys():
        return None
    return [Moment(packets.time(index), decoded[stamps[index]]) for index in selected]


def _store_targets(frames: Sequence[av.VideoFrame], targets: set[int], decoded: dict[int, PILImage.Image]) -> None:
    decoded |= {frame.pts: picture(frame) for frame in frames if frame.pts in targets}


def _ranges_to_decode(packets: _Packets, selected: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last packet of each stretch to decode, in order."""
    ranges: list[tuple[int, int]] = []
    for first, last in sorted((_decoding_start(packets, index), index) for index in selected):
        if ranges and first <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(last, ranges[-1][1])
        else:
            ranges.append((first, last))
    return ranges


def _decoding_start(packets: _Packets, index: int) -> int:
    """Return the key frame where decoding must begin to yield the frame of a packet.

    A frame decoded after a key frame but shown before it may depend on frames before that key frame.
    """
    stamps = packets.stamps
    return max(key for key in packets.keys if key <= index and (key == 0 or stamps[key] <= stamps[index]))


def _decode_in_order(path: Path, name: str, choose: Choose) -> list[Moment]:
    """Decode the file twice, first to count the frames: headers may omit or misstate their number."""
    times = _times(path, name)
    indices = choose(times)
    selected, decoded = {*indices}, dict[int, Moment]()
    with opened(path, name) as (container, stream):
        for index, frame in enumerate(container.decode(stream)):
            if index in selected:
                decoded[index] = Moment(times[index], picture(frame))
            if len(decoded) == len(selected):
                break
    return [decoded[index] for index in indices]


def _times(path: Path, name: str) -> list[float]:
    """Decode the whole file and return the time of each frame, in seconds from the first.

    If the container's times are missing or not in order, as in an AVI with B-frames, the times are evenly spaced.
    """
    with opened(path, name) as (container, stream):
        reported, rate = [frame.time for frame in container.decode(stream)], stream.average_rate
    known = [time for time in reported if time is not None]
    if len(known) == len(reported) and known == sorted(known):
        return [time - known[0] for time in known]
    if not rate:
        raise DamagedVideo(f"{name}: the video gives neither times of frames nor a frame rate; replace it")
    return [index / float(rate) for index in range(len(reported))]
