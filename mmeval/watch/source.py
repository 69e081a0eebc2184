"""Frames of a video file, a camera, a network stream or standard input, each with its time. Nothing is saved."""

from __future__ import annotations

import re
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Event, Thread
from typing import IO, TYPE_CHECKING

from mmeval.data import container
from mmeval.servers.addresses import without_password
from mmeval.types import Image, InputError

if TYPE_CHECKING:
    import av

STALL = 10.0
"""Seconds without a frame after which a stream has stalled."""
RATE = 25
"""Frames per second if the source does not say."""
JUMP = 60.0
"""Seconds between two frames from which the source's clock is taken to have jumped."""
RETRIES = 5
"""Times in a row that a stream is reopened, or waited for, before the watch gives up."""
_NETWORK = {"rtsp": "rtsp,rtp,udp,tcp", "rtsps": "rtsp,rtp,udp,tcp,tls,crypto", "http": "http,tcp"}
_NETWORK["https"] = "https,http,tls,tcp,crypto"
"""A stream's scheme -> protocols that ffmpeg may open for it; never a local file, whatever a playlist says."""


@dataclass(frozen=True)
class Source:
    """The source to watch, as named on the command line."""

    name: str
    target: str | IO[bytes]
    """A path or an address for ffmpeg, or an open pipe, which cannot be opened again."""
    options: dict[str, str]
    format: str | None = None
    live: bool = True
    """Whether frames arrive in real time; the frames of a file wait until they are read."""

    @property
    def interruptible(self) -> bool:
        """Whether ffmpeg can stop waiting for it: for an address, not for a pipe or a camera."""
        return isinstance(self.target, str) and self.format is None


@dataclass(frozen=True)
class Frame:
    """A picture of the stream and its time, in seconds from the first frame."""

    time: float
    image: Image


def find(name: str) -> Source:
    """Return the source of a name: `-`, an address, a camera (`/dev/video0`, `camera:0`), or a file.

    Raises InputError if it cannot be watched.
    """
    container.check()
    scheme = re.match(r"([a-z]+)://", name, re.IGNORECASE)
    if name == "-":
        # unbuffered: a slow stream is shown as it comes, and no lock is held when the program ends
        return Source("standard input", open(0, "rb", buffering=0, closefd=False), {})
    if scheme:
        display_name = without_password(name).partition("?")[0]  # a password or a token is never printed
        kind = scheme[1].lower()
        if kind not in _NETWORK:
            *schemes, last = _NETWORK
            raise InputError(f"{display_name}: unsupported scheme '{kind}'; use {', '.join(schemes)} or {last}")
        options = {"protocol_whitelist": _NETWORK[kind]}
        if kind.startswith("rtsp"):
            options["rtsp_transport"] = "tcp"
        return Source(display_name, kind + name[len(kind) :], options)
    camera = re.fullmatch(r"camera:(\d+)", name)
    path = Path(f"/dev/video{camera[1]}" if camera else name)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # no such file, or no possible name
        what = "no camera is there" if camera or path.is_relative_to("/dev") else "no such file"
        advice = "name a video file, a camera (camera:0), an address, or - for standard input"
        raise InputError(f"{name}: {what}; {advice}") from error
    if stat.S_ISCHR(mode):
        return Source(name, str(path), {}, "v4l2")
    form = container.FORMATS.get(path.suffix.lower())
    if not stat.S_ISREG(mode) or form is None:
        raise InputError(f"{name}: not a video of a known kind ({', '.join(container.FORMATS)})")
    return Source(name, str(path), {"protocol_whitelist": "file"}, form, live=False)


def frames(source: Source) -> Iterator[av.VideoFrame]:
    """Decode a source once, from its beginning. Raises InputError naming it if it breaks or stalls."""
    import av

    try:
        with av.open(
            source.target,
            mode="r",
            format=source.format,
            options=source.options,
            timeout=STALL if source.live and source.interruptible else None,
            **container.lenient(),
        ) as opened:
            stream = container.first_stream(opened, source.name, "choose another file")
            stream.thread_type = "AUTO"
            yield from opened.decode(stream)
    except av.error.ExitError as error:
        raise InputError(f"{source.name}: no data for {STALL:.0f} s; check the source") from error
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"{source.name}: cannot be read ({error.strerror or error}); check it") from error


def sampled(source: Source, step: float) -> Iterator[Frame]:
    """Yield a frame every `step` seconds of the source's own time; those between are decoded but not converted.

    If the source's clock jumps, such as where two streams are joined, the time continues from the previous frame.
    """
    before, now, due = None, 0.0, 0.0
    for number, frame in enumerate(frames(source)):
        at = float(frame.time) if frame.time is not None else number / RATE
        passed = 0.0 if before is None else at - before
        now, before = now + (passed if 0 <= passed < JUMP else 1 / RATE), at
        if now + 1e-6 >= due:
            yield Frame(now, Image(container.picture(frame), f"{source.name}, {now:.2f} s"))
            due = max(due + step, now)


def looks(source: Source, every: float, size: int, span: float, say: Callable[[str], object]) -> Iterator[list[Frame]]:
    """Yield, every `every` seconds, up to `size` frames of the last `span` seconds, oldest first.

    A file is sampled by its own time, however long a look takes; a live source gives its frames of the moment. Raises
    InputError if a file breaks, or if a stream has ended and cannot be reopened.
    """
    step = span / size
    if source.live:
        live = Live(source, step, size, say)
        try:
            yield from live.looks(every)
        finally:
            live.stop()
        return
    ring: deque[Frame] = deque(maxlen=size)
    due = 0.0
    for frame in sampled(source, step):
        ring.append(frame)
        if frame.time + 1e-6 >= due:
            yield list(ring)
            due = max(due + every, frame.time)


@dataclass
class Live:
    """Decodes a live source in a thread and holds its last frames: a slow reader misses frames but never falls behind.

    A stream that has given a frame and breaks is reopened after growing pauses; its time continues.
    """

    source: Source
    step: float
    size: int
    say: Callable[[str], object]
    pause: Callable[[float], object] = time.sleep

    def __post_init__(self) -> None:
        """Start decoding."""
        self._ring: deque[Frame] = deque(maxlen=self.size)
        self._news = Condition()
        self._fresh = 0
        self._stopped = Event()
        self._ended: str | None = None
        """The reason why there are no more frames; empty if a pipe was closed."""
        self._fault: BaseException | None = None
        Thread(target=self._run, daemon=True, name="frames").start()

    def looks(self, every: float) -> Iterator[list[Frame]]:
        """Yield the last frames every `every` seconds, or as often as the reader asks; see `looks`."""
        due = time.monotonic()
        while True:
            with self._news:
                self._wait()
                if self._fault is not None:
                    raise self._fault
                latest, fresh, self._fresh = list(self._ring), self._fresh, 0
            if fresh:
                yield latest
            elif self._ended:
                raise InputError(self._ended)
            else:
                return
            due = max(due + every, time.monotonic())
            self.pause(max(due - time.monotonic(), 0.0))

    def _wait(self) -> None:
        """Wait for a frame or the end. Raises InputError if a pipe or a camera gives neither."""
        waited = 0
        while not self._news.wait_for(lambda: self._fresh > 0 or self._ended is not None, STALL):
            if self.source.interruptible:
                continue  # `_read` notices, and opens it again
            waited += 1
            silence = f"{self.source.name}: no frame for {waited * STALL:.0f} s"
            if waited > RETRIES:
                raise InputError(f"{silence}; check what sends it")
            self.say(f"{silence}; waiting")

    def stop(self) -> None:
        """Stop decoding."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            self._read()
        except BaseException as error:  # raised again in the reader's thread
            self._fault = error
            self._end("")

    def _read(self) -> None:
        failures, offset, last = 0, 0.0, 0.0
        last_seen: float | None = None
        while True:
            try:
                for frame in sampled(self.source, self.step):
                    if self._stopped.is_set():
                        return None
                    failures, last, last_seen = 0, offset + frame.time, time.monotonic()
                    self._add(Frame(last, frame.image))
                if not isinstance(self.source.target, str):
                    return self._end("")
                reason = f"{self.source.name}: the stream ended"
            except InputError as error:
                reason = str(error)
            if last_seen is None or not isinstance(self.source.target, str):
                return self._end(reason)
            failures += 1
            if failures > RETRIES:
                return self._end(f"{reason}; given up after {failures} tries")
            wait = min(2.0 ** (failures - 1), 30.0)
            self.say(f"{reason}; opening it again in {wait:.0f} s")
            self.pause(wait)
            offset = last + time.monotonic() - last_seen

    def _add(self, frame: Frame) -> None:
        with self._news:
            self._ring.append(frame)
            self._fresh += 1
            self._news.notify()

    def _end(self, reason: str) -> None:
        with self._news:
            self._ended = reason
            self._news.notify()
