"""Watching: files at their own time, live sources without falling behind, events, the folder, the page."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import ClassVar

import pytest
from click.testing import CliRunner, Result
from PIL import Image as PILImage

from mmeval.cli import main
from mmeval.cli.watch import _report as report
from mmeval.types import Image, InputError, Request, images
from mmeval.watch import source as sources
from mmeval.watch.alarm import Alarm
from mmeval.watch.page import Page
from mmeval.watch.source import Frame, Source, looks
from mmeval.watch.watching import Event, EventFolder, Look, watch
from tests.chromium import PROGRAM, chromium
from tests.fake_model import FakeModel

av = pytest.importorskip("av", reason="videos are read with PyAV")


def write_video(target: Path | io.BytesIO, colors: list[str], form: str, rate: int = 10) -> None:
    """Write one frame per color."""
    with av.open(str(target) if isinstance(target, Path) else target, "w", format=form) as out:
        stream = out.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for color in colors:
            out.mux(stream.encode(av.VideoFrame.from_image(PILImage.new("RGB", (32, 32), color))))
        out.mux(stream.encode())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Six seconds, red from the third to the fifth."""
    path = tmp_path / "clip.mp4"
    write_video(path, ["blue"] * 20 + ["red"] * 20 + ["blue"] * 20, "mp4")
    return path


def redness(request: Request) -> float:
    red, _, blue = images(request.prompt)[-1].decode().getpixel((16, 16))  # type: ignore[misc]
    return 0.95 if red > blue else 0.05


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["watch", *map(str, arguments)])


def silent(text: str) -> None:
    raise AssertionError(text)


def test_a_file_is_looked_at_at_its_own_time(clip: Path) -> None:
    windows = list(looks(sources.find(str(clip)), every=1.0, size=4, span=2.0, say=silent))
    assert [round(frames[-1].time, 2) for frames in windows] == [0, 1, 2, 3, 4, 5]
    assert [len(frames) for frames in windows] == [1, 3, 4, 4, 4, 4]
    assert [round(frame.time, 2) for frame in windows[-1]] == [3.5, 4.0, 4.5, 5.0]


def test_an_event_begins_and_ends(clip: Path) -> None:
    windows = looks(sources.find(str(clip)), every=0.5, size=2, span=1.0, say=silent)
    events = [event for look in watch(FakeModel(yes=redness), ["red ?"], windows) for event in look.events]
    assert [(event.change, event.time, event.seen) for event in events] == [("begins", 2.0, 2.5), ("ends", 4.0, 4.5)]


def test_several_questions_share_the_frames(clip: Path) -> None:
    model = FakeModel(yes=redness)
    windows = looks(sources.find(str(clip)), every=1.0, size=2, span=1.0, say=silent)
    last = list(watch(model, ["red ?", "blue ?"], windows))[-1]
    assert set(last.answers) == {"red ?", "blue ?"}
    first, second = model.asked[-2:]
    assert images(first.prompt) == images(second.prompt)


def test_a_frame_is_the_same_picture_at_every_look(clip: Path) -> None:
    windows = list(looks(sources.find(str(clip)), every=0.5, size=4, span=2.0, say=silent))
    assert windows[-1][-2].image is windows[-2][-1].image  # its digest is known, and a store has it


def test_answers_in_words_are_read_strictly(clip: Path) -> None:
    model = FakeModel(lambda request: "It may be so." if redness(request) < 0.5 else "Yes, it is.")
    windows = looks(sources.find(str(clip)), every=1.0, size=1, span=1.0, say=silent)
    results = list(watch(model, ["red ?"], windows, alarm=lambda: Alarm(hold=1), likelihoods=False))
    assert [(event.change, event.time) for look in results for event in look.events] == [("begins", 2.0)]
    assert [look.answers["red ?"] for look in results][2:4] == [1.0, 1.0]


class Endless:
    """A stream that is always there, faster than any model; it counts what was read of it."""

    def __init__(self) -> None:
        out = io.BytesIO()
        write_video(out, ["blue", "red"] * 100, "mpegts", rate=25)
        self.content, self.position, self.read_in_all = out.getvalue(), 0, 0

    def read(self, size: int) -> bytes:
        chunk = self.content[self.position : self.position + size]
        self.position = (self.position + size) % len(self.content)
        self.read_in_all += len(chunk)
        return chunk


def test_a_source_faster_than_the_model_is_kept_up_with_in_flat_memory() -> None:
    endless = Endless()
    windows = looks(Source("endless", endless, {}, "mpegts"), every=0.01, size=4, span=0.16, say=silent)  # type: ignore[arg-type]
    times, read_earlier = [], 0
    for number, frames in enumerate(windows):
        times.append(frames[-1].time)
        time.sleep(0.05)  # the model
        if number == 5:
            read_earlier = endless.read_in_all
        if number == 15:
            windows.close()  # type: ignore[attr-defined]
    assert len(frames) == 4
    assert times == sorted(times)
    assert endless.read_in_all > read_earlier  # it was read while the model was busy
    assert frames[-1].time - frames[0].time < 1.0  # what is looked at is the newest


def test_a_stream_is_opened_again_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def frames(source: Source) -> Iterator[object]:
        opened.append(1)
        if len(opened) <= 2:
            image = PILImage.new("RGB", (8, 8))
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = 0, 1
            yield frame
        raise InputError("rtsp://host/1: cannot be read (gone); check it")

    monkeypatch.setattr(sources, "frames", frames)
    messages: list[str] = []
    live = sources.Live(Source("s", "rtsp://host/1", {}), 0.1, 4, messages.append, pause=lambda seconds: None)
    with pytest.raises(InputError, match=r"cannot be read \(gone\); check it; given up after 6 tries"):
        list(live.looks(0.0))
    assert len(opened) == 2 + sources.RETRIES
    assert messages[0].endswith("opening it again in 1 s")
    assert messages[1] == messages[0]  # a frame came, so tries are counted anew


def test_a_stream_that_was_never_there_is_one_sentence() -> None:
    result = call("rtsp://127.0.0.1:1/1", "is it ?", "--model", "constant")
    assert result.exit_code == 2
    assert result.stderr == "mmeval: rtsp://127.0.0.1:1/1: cannot be read (Connection refused); check it\n"


@pytest.fixture
def pipe() -> Iterator[int]:
    """Yield the writing end of a pipe that is standard input."""
    original, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(original, 0)
    os.close(original)


def test_standard_input_is_shown_as_it_comes_and_given_up_when_nothing_comes(
    pipe: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    write_video(out, ["blue", "red"] * 50, "mpegts", rate=25)
    os.write(pipe, out.getvalue()[:60_000])
    monkeypatch.setattr(sources, "STALL", 0.2)
    messages: list[str] = []
    times = []
    with pytest.raises(InputError, match=r"standard input: no frame for 1 s; check what sends it"):
        for frames in looks(sources.find("-"), every=0.01, size=2, span=0.08, say=messages.append):
            times.append(frames[-1].time)
    os.close(pipe)
    assert times and messages[0] == "standard input: no frame for 0 s; waiting"


def test_what_breaks_while_a_stream_is_read_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    def frames(source: Source) -> Iterator[object]:
        yield from ()
        raise ZeroDivisionError

    monkeypatch.setattr(sources, "frames", frames)
    with pytest.raises(ZeroDivisionError):  # nobody waits for frames that will never come
        list(sources.Live(Source("s", io.BytesIO(), {}), 0.1, 4, silent).looks(0.0))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.mp4", "no such file"),
        ("camera:99", "no camera is there"),
        ("file:///etc/passwd", "unsupported scheme 'file'; use "),
        ("concat://a", "unsupported scheme 'concat'; use "),
        (
            "ftp://me:secret@host/a?token=secret",
            "mmeval: ftp://host/a: unsupported scheme 'ftp'; use rtsp, rtsps, http or https",
        ),
    ],
)
def test_what_cannot_be_watched(name: str, message: str) -> None:
    result = call(name, "is it ?", "--model", "constant")
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_password_is_not_named() -> None:
    source = sources.find("rtsp://me:secret@host/1")
    assert source.name == "rtsp://host/1" and source.target == "rtsp://me:secret@host/1"


def test_no_video_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video", encoding="utf-8")
    result = call(tmp_path / "text.mp4", "is it ?", "--model", "constant")
    assert result.exit_code == 2
    assert "text.mp4: cannot be read" in result.stderr


def a_look(color: str = "red") -> Look:
    return Look(3.0, {"<b>red ?</b>": 0.9}, Frame(3.0, Image(PILImage.new("RGB", (8, 8), color))))


def test_a_second_watch_keeps_the_frames_of_the_first(tmp_path: Path) -> None:
    event, names = Event(2.0, 3.0, "red ?", "begins", 0.9), []
    for color in ("red", "blue"):
        line = EventFolder(tmp_path, print).keep(event, a_look(color).frame)
        names.append(str(line["frame"]))
    assert len(set(names)) == 2
    red, _, blue = PILImage.open(tmp_path / names[0]).getpixel((0, 0))  # type: ignore[misc]
    assert red > blue


def test_a_full_disk_is_reported_once_and_watching_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    folder = EventFolder(tmp_path / "out", messages.append)
    event, frame = Event(2.0, 3.0, "red ?", "begins", 0.9), a_look().frame

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PILImage.Image, "save", full)
        assert folder.keep(event, frame)["frame"] is None
        assert folder.keep(event, frame)["frame"] is None
    (tmp_path / "out/events.jsonl").write_text('{"time": 1.')  # what fitted on the disk
    line = folder.keep(event, frame)
    assert [text.partition(": ")[2] for text in messages] == [
        "cannot be written (No space left on device); watching continues",
        "can be written again",
    ]
    assert (tmp_path / "out" / str(line["frame"])).is_file()
    assert [json.loads(text) for text in (tmp_path / "out/events.jsonl").read_text().splitlines()] == [line]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_events_that_cannot_be_printed_are_reported_and_watching_goes_on(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "knows_red.py").write_text(
        "from tests.fake_model import FakeModel\nfrom tests.watch.test_watch import redness\n\n"
        "def load(options=None):\n    return FakeModel(yes=redness)\n"
    )
    command = [sys.executable, "-m", "mmeval", "watch", str(clip), "red ?", "--model", "python:knows_red:load"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*command, "--out", str(tmp_path / "out")], stdout=full, stderr=subprocess.PIPE, text=True, env=environment
        )
    assert "standard output: cannot be written (No space left on device); watching continues" in result.stderr
    assert "clip.mp4 has ended; 6 looks, 2 events" in result.stderr
    assert len((tmp_path / "out/events.jsonl").read_text().splitlines()) == 2


def test_new_errors_are_reported_in_the_order_of_the_questions(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tuple("hgfedcba"), tuple("hgabcdefi")
    report([dataclasses.replace(a_look(), errors=errors) for errors in (first, second)], "x", None, None)
    assert capsys.readouterr().err.split("mmeval: ")[1:-1] == [f"{error}\n" for error in (*first, "i")]


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page(0)
    yield page
    page.close()


def fetch(address: str, host: str | None = None) -> tuple[str, bytes]:
    request = urllib.request.Request(address, headers={} if host is None else {"Host": host})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_the_page_shows_the_last_look(page: Page) -> None:
    page.show(a_look(), [{"time": 2.0, "change": "begins", "question": "red ?"}])
    state = json.loads(fetch(page.address + "state.json")[1])
    assert state["answers"] == {"<b>red ?</b>": 0.9} and state["events"][0]["change"] == "begins"
    kind, frame = fetch(page.address + "frame.jpg?3")
    assert kind == "image/jpeg" and PILImage.open(io.BytesIO(frame)).size == (8, 8)
    assert b"textContent" in fetch(page.address)[1]


def test_a_browser_may_leave_out_the_port(page: Page) -> None:
    assert fetch(page.address, "127.0.0.1")[0].startswith("text/html")


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no chromium is installed (Debian: apt-get install chromium)")
def test_the_page_in_a_narrow_window_before_during_and_after_a_watch(tmp_path: Path) -> None:
    page = Page(0)
    with chromium(tmp_path) as tab:
        tab.size(400)
        tab.visit(page.address, "document.body?.innerText.includes('none yet')")
        assert not tab.run("document.querySelector('img').checkVisibility()"), "no broken picture"
        look = dataclasses.replace(a_look(), answers={"<b>" * 60: 0.9})
        page.show(look, [{"time": 2.0, "change": "begins", "question": "red ?"}])
        tab.until(
            "document.querySelector('.bar')?.innerText.includes('90% yes') && document.querySelector('img').width"
        )
        assert tab.run("document.documentElement.scrollWidth") <= 400
        assert "none yet" not in tab.run("document.body.innerText")
        page.close()
        tab.until("document.querySelector('#time').innerText === 'the watch has ended \u00b7 last look at 3.0 s'")


@pytest.mark.parametrize(("path", "host", "status"), [("", "elsewhere.org:80", 403), ("../etc/passwd", None, 404)])
def test_the_page_is_for_this_machine(page: Page, path: str, host: str | None, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        fetch(page.address + path, host)
    error.value.close()
    assert error.value.code == status


def test_watch_prints_events_and_keeps_them(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmeval import models

    load: Callable[..., FakeModel] = lambda *_: FakeModel(yes=redness)  # noqa: E731
    monkeypatch.setattr("mmeval.conversation.load_model", load)
    assert models.find_model("constant")
    result = call(clip, "red ?", "--model", "constant", "--every", 0.5, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.endswith(" looks, 2 events\n")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["change"], line["time"]) for line in lines] == [("begins", 2.0), ("ends", 4.0)]
    assert [json.loads(text) for text in (tmp_path / "out/events.jsonl").read_text().splitlines()] == lines
    assert sorted(path.name for path in (tmp_path / "out/frames").iterdir()) == [
        "0000002.50-begins.jpg",
        "0000004.50-ends.jpg",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no question is given"),
        (("a ?", "--question", "a ?"), "given twice"),
        (("a ?", "--on", "0.3"), "--off 0.4 is above --on 0.3"),
        (("a ?", "--every", "0.4"), "--every 0.4 is less than the 0.5 s between two frames (--span 2 with --frames 4)"),
        (("a ?", "--out", __file__), "is a file"),
    ],
)
def test_bad_arguments_are_a_sentence(clip: Path, arguments: tuple[str, ...], message: str) -> None:
    result = call(clip, *arguments, "--model", "constant")
    assert result.exit_code == 2
    assert message in result.stderr


class Stalling(BaseHTTPRequestHandler):
    """A stream that sends two seconds and then nothing; every new connection gets it from the beginning."""

    content: bytes
    asked: ClassVar[list[str]] = []
    over: ClassVar[Signal] = Signal()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)
        self.wfile.flush()
        if len(self.asked) < 3:
            self.over.wait(20)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_stream_that_stalls_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    write_video(out, ["blue", "red"] * 25, "mpegts", rate=25)
    Stalling.content = out.getvalue()
    monkeypatch.setattr(sources, "STALL", 1.0)
    monkeypatch.setattr(sources, "RETRIES", 0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    Thread(target=server.serve_forever, daemon=True).start()
    messages: list[str] = []
    source = sources.find(f"http://127.0.0.1:{server.server_port}/live.ts")
    live = sources.Live(source, 0.5, 4, messages.append, pause=lambda seconds: None)
    times = []
    try:
        monkeypatch.setattr(sources, "RETRIES", 2)
        with pytest.raises(InputError, match="given up after 3 tries"):
            for frames in live.looks(0.0):
                times.append(frames[-1].time)
                if len(Stalling.asked) == 3:
                    monkeypatch.setattr(Stalling, "content", b"")
    finally:
        Stalling.over.set()
        server.shutdown()
        server.server_close()
    assert times == sorted(times) and times[-1] > 2.0  # the time of the second connection goes on from the first
    assert any("opening it again" in text for text in messages)


@pytest.mark.slow
def test_hours_at_high_speed_in_flat_memory() -> None:
    endless = Endless()
    windows = looks(Source("endless", endless, {}, "mpegts"), every=0.001, size=8, span=4.0, say=silent)  # type: ignore[arg-type]
    model, sizes, started, reached = FakeModel(yes=redness), list[int](), time.monotonic(), 0.0
    for look in watch(model, ["red ?", "blue ?"], windows):
        model.asked.clear()
        reached = look.time
        passed = time.monotonic() - started
        if passed > 2 * (len(sizes) + 1):
            sizes.append(memory())
        if passed > 9:
            break
    assert reached > 20 * passed  # far faster than it plays
    assert sizes[-1] - sizes[0] < 8 << 20


def memory() -> int:
    """Return the bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
