"""Video files: number and times of frames, from the packets, and the pixels of selected frames.

Which frames are wanted is for `video` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmeval.types import MAX_PIXELS, InputError

if TYPE_CHECKING:
    import av
    from PIL import Image as PILImage

FORMATS = {".mp4": "mov", ".mov": "mov", ".m4v": "mov", ".avi": "avi", ".webm": "matroska", ".mkv": "matroska"}
"""By suffix. A file is never read as a playlist, which may name other files and addresses."""
SEEK = 500
"""Packets from which on it pays to seek over them: reading one takes some 10 microseconds."""
_VOP = b"\x00\x00\x01\xb6"
_NOT_CODED = 16
"""Bytes of an MPEG-4 packet that may say no more than that nothing has changed: no frame comes of it."""
_ONE_A_PACKET = {"h264", "hevc", "vp9", "av1", "mjpeg", "mpeg1video", "mpeg2video"}
"""Codecs of which each packet is a frame that is shown; VP9 and AV1 keep a hidden one in the packet of the next."""

_SPARING = {"h264", "hevc"}
"""Codecs whose decoders can pass over single frames that no other depends on."""


def check() -> None:
    """Raise InputError where videos cannot be read."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise InputError(
            "videos are read with PyAV, which is not installed; pip install 'mmeval-harness[video]'"
        ) from error


class DamagedVideo(InputError):
    """A file that is no video, or breaks while it is decoded: an error of the questions about it."""


@dataclass(frozen=True)
class Moment:
    """A frame that was wanted."""

    time: float
    """In seconds from the video's first frame."""
    picture: PILImage.Image


@contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file and its first video stream, to be decoded inside the `with`.

    Raises DamagedVideo for what is not a video, or turns out to be broken while it is decoded; InputError without PyAV,
    for another kind of file, and for frames that are too large.
    """
    check()
    import av

    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise InputError(f"{name}: not a video of a known kind ({', '.join(FORMATS)}); replace it")
    try:
        with av.open(
            str(path), format=form, options={"protocol_whitelist": "file"}, metadata_errors="replace"
        ) as container:
            if not container.streams.video:
                raise DamagedVideo(f"{name}: no video in the file; replace it")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise DamagedVideo(f"{name}: broken video (its codec is unknown); replace it")
            if stream.width * stream.height > MAX_PIXELS:
                size = f"{stream.width} x {stream.height} pixels, more than {MAX_PIXELS:,}"
                raise InputError(f"{name}: {size}; scale it down")
            yield container, stream
    except av.error.FFmpegError as error:
        raise DamagedVideo(f"{name}: broken video ({error.strerror}); replace it") from error


def picture(frame: av.VideoFrame) -> PILImage.Image:
    """Return the frame as it is to be looked at: RGB, and upright where the camera was held on its side."""
    upright: PILImage.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return upright.rotate(frame.rotation, expand=True) if frame.rotation else upright


def moments(path: Path, name: str, choose: Callable[[int], Sequence[int]]) -> list[Moment]:
    """Return the frames at the places, from 0 and ascending, that `choose` picks of so many.

    Frames are counted by packets, and what no wanted frame depends on is not decoded; where packets do not say how
    many frames there are, and where one of them does not come of its packet, all is decoded. Raises as `opened` does,
    and what `choose` raises.
    """
    packets = _packets(path, name)
    if packets is not None:
        found = _sought(path, name, packets, [packets.shown[place] for place in choose(len(packets.shown))])
        if found is not None:
            return found
    return _in_order(path, name, choose)


def times(path: Path, name: str) -> list[float]:
    """Return the time of each frame, in seconds from the first. Raises as `opened` does."""
    packets = _packets(path, name)
    return _times(path, name) if packets is None else [packets.time(place) for place in packets.shown]


@dataclass(frozen=True)
class _Packets:
    """The packets of a video, in the order in which they are decoded."""

    stamps: list[int]
    """When each is shown; all different."""
    keys: list[int]
    """Places of those from which on decoding can begin."""
    shown: list[int]
    """Places of those that are shown, in the order in which they are."""
    unit: float
    """Seconds that a stamp counts."""

    def time(self, place: int) -> float:
        """Return when the packet of that place is shown, in seconds from the first that is."""
        return (self.stamps[place] - self.stamps[self.shown[0]]) * self.unit


def _packets(path: Path, name: str) -> _Packets | None:
    """Read a video's packets; None where they do not say exactly which frames will come of them."""
    stamps, keys, hidden = [], [], set[int]()
    with opened(path, name) as (container, stream):
        codec = stream.codec_context.codec.canonical_name
        guessed = container.format.name == "avi"  # packets have no times of their own
        unit = float(stream.time_base or 0)  # a stream says nothing once its container is closed
        for place, packet in enumerate(packet for packet in container.demux(stream) if packet.size):
            if packet.pts is None or packet.is_corrupt or not _is_frame(codec, packet, guessed):
                return None
            stamps.append(packet.pts)
            if packet.is_keyframe:
                keys.append(place)
            if packet.is_discard or (codec == "vp8" and not bytes(packet)[0] & 16):  # an edit list; `show_frame`
                hidden.add(place)
    if len({*stamps}) < len(stamps) or 0 not in keys or len(hidden) == len(stamps):
        return None
    shown = sorted((place for place in range(len(stamps)) if place not in hidden), key=stamps.__getitem__)
    return _Packets(stamps, keys, shown, unit)


def _is_frame(codec: str, packet: av.Packet[av.VideoStream], guessed: bool) -> bool:
    """Tell whether exactly one frame comes of a packet, at the time that the packet has."""
    if codec == "mpeg4":
        content = bytes(packet)
        alone = content.count(_VOP) == 1 and len(content) > _NOT_CODED
        turned = guessed and content[content.find(_VOP) + 4] >> 6 == 2  # shown before one that is decoded earlier
        return alone and not turned
    return codec == "vp8" or codec == "mjpeg" or (codec in _ONE_A_PACKET and not guessed)


def _sought(path: Path, name: str, packets: _Packets, wanted: Sequence[int]) -> list[Moment] | None:
    """Decode the frames of these packets, and what they depend on; None where one does not come."""
    found: dict[int, PILImage.Image] = {}
    stamps, targets = packets.stamps, {packets.stamps[place] for place in wanted}
    place_of = {stamp: place for place, stamp in enumerate(stamps)}
    with opened(path, name) as (container, stream):
        context, demuxed, at = stream.codec_context, container.demux(stream), 0
        sparing = context.codec.canonical_name in _SPARING
        for first, last in _stretches(packets, wanted):
            if first - at > SEEK:
                container.seek(stamps[first], stream=stream)
                demuxed = container.demux(stream)
            for packet in demuxed:
                if not packet.size or packet.pts not in place_of:
                    return None
                at = place_of[packet.pts]
                if at >= first:
                    if sparing:
                        context.skip_frame = "DEFAULT" if packet.pts in targets else "NONREF"
                    _keep(context.decode(packet), targets, found)
                if at >= last:
                    break
            _keep(context.decode(None), targets, found)
            context.flush_buffers()
    if not targets <= found.keys():
        return None
    return [Moment(packets.time(place), found[stamps[place]]) for place in wanted]


def _keep(frames: Sequence[av.VideoFrame], targets: set[int], found: dict[int, PILImage.Image]) -> None:
    found |= {frame.pts: picture(frame) for frame in frames if frame.pts in targets}


def _stretches(packets: _Packets, wanted: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last packet of each stretch that must be decoded, in their order."""
    found: list[tuple[int, int]] = []
    for first, last in sorted((_begin(packets, place), place) for place in wanted):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def _begin(packets: _Packets, place: int) -> int:
    """Return the key frame from which on decoding gives the frame of a packet.

    One that is shown before a key frame and decoded after it may depend on what stands before that one.
    """
    stamps = packets.stamps
    return max(key for key in packets.keys if key <= place and (key == 0 or stamps[key] <= stamps[place]))


def _in_order(path: Path, name: str, choose: Callable[[int], Sequence[int]]) -> list[Moment]:
    """Decode all, once to count: headers may not say how many frames there are, or lie."""
    times = _times(path, name)
    places = {*choose(len(times))}
    found = []
    with opened(path, name) as (container, stream):
        for place, frame in enumerate(container.decode(stream)):
            if place in places:
                found.append(Moment(times[place], picture(frame)))
            if len(found) == len(places):
                break
    return found


def _times(path: Path, name: str) -> list[float]:
    """Decode everything and return the time of each frame, in seconds from the first.

    Where the container gives them in no order, as an AVI does that is decoded in another one, they are evenly spaced.
    """
    with opened(path, name) as (container, stream):
        found, rate = [frame.time for frame in container.decode(stream)], stream.average_rate
    known = [time for time in found if time is not None]
    if len(known) == len(found) and known == sorted(known):
        return [time - known[0] for time in known]
    if not rate:
        raise DamagedVideo(f"the video {name} does not say when its frames are shown; replace it")
    return [place / float(rate) for place in range(len(found))]
