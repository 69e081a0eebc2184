"""`mmeval watch`: ask about a stream repeatedly, and report when the answer becomes yes."""

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmeval.cli.options import FOLDER, given, spec_options
from mmeval.types import InputError, plural, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mmeval.watch.page import Page
    from mmeval.watch.watching import EventFolder, Look


@click.command()
@click.argument("source")
@click.argument("question", required=False)
@click.option("--question", "more", multiple=True, help="Another question about the same frames.")
@click.option("--every", type=click.FloatRange(min=0.01), default=1.0, help="Seconds between looks.")
@click.option("--span", type=click.FloatRange(min=0.01), default=2.0, help="Seconds that the frames cover.")
@click.option("--frames", type=click.IntRange(1, 256), default=4, help="Frames per look.")
@click.option("--hold", type=click.IntRange(1), default=2, help="Looks in a row before an event starts or ends.")
@click.option("--on", type=click.FloatRange(0, 1), default=0.6, help="Likelihood of yes at which an event starts.")
@click.option("--off", type=click.FloatRange(0, 1), default=0.4, help="Likelihood of yes below which it ends.")
@click.option("--out", type=FOLDER, help="Folder for events.jsonl and the frames of events.")
@click.option("--page", type=click.IntRange(0, 65535), metavar="PORT", help="Show a live page on 127.0.0.1:PORT.")
@spec_options(names=("model", "context", "dtype", "device"))
def watch(
    source: str,
    question: str | None,
    more: tuple[str, ...],
    every: float,
    span: float,
    frames: int,
    hold: int,
    on: float,
    off: float,
    out: Path | None,
    page: int | None,
    **values: Any,
) -> None:
    """Watch a video or a stream and report events.

    SOURCE is a video file, a camera (camera:0), an RTSP or HTTP address, or - for standard input.

    An event is printed as a JSON line when the answer to a yes-or-no question changes and holds.

    \b
    Example: mmeval watch hall.mp4 "is someone falling ?"
             mmeval watch rtsp://camera.local/1 "is someone falling ?" --out events --page 8000
             ffmpeg -i ... -f matroska - | mmeval watch - "is the door open ?" --question "is it dark ?"
    """
    questions = [text.strip() for text in (question or "", *more) if text.strip()]
    if not questions:
        raise InputError('no question is given; write one, as in: mmeval watch clip.mp4 "is someone falling ?"')
    if len({*questions}) < len(questions):
        raise InputError("a question is given twice; remove one")
    if off > on:
        raise InputError(f"--off {off} is above --on {on}; lower --off, since an event ends below its starting value")
    if every < (step := span / frames) - 1e-9:
        between = f"the {step:g} s between two frames (--span {span:g} with --frames {frames})"
        raise InputError(f"--every {every:g} is less than {between}; raise --every or --frames, or lower --span")
    from mmeval.watch import source as sources

    stream = sources.find(source)
    from mmeval import conversation
    from mmeval.models import ADAPTERS, find_model
    from mmeval.watch.alarm import Alarm
    from mmeval.watch.page import Page
    from mmeval.watch.watching import EventFolder, watch

    chat_options = given(values)
    adapter = find_model(chat_options.get("model", "mmicl-tiny")).adapter
    model = conversation.chat(**chat_options).model
    # few servers return log-likelihoods
    likelihoods = ADAPTERS[adapter].likelihoods and adapter != "server" and hasattr(model, "loglikelihood")
    if model.max_images is not None and frames > model.max_images:
        raise InputError(f"--frames {frames}: {model.name} takes {plural(model.max_images, 'picture')}; ask for fewer")
    folder = None if out is None else EventFolder(out, _say)
    live_page = None if page is None else Page(page)
    if live_page is not None:
        _say(f"watching {stream.name}; the page is at {live_page.address}")
    sampled = sources.looks(stream, every, frames, span, _say)
    looks = watch(model, questions, sampled, alarm=lambda: Alarm(hold, on, off), likelihoods=likelihoods)
    try:
        _report(looks, stream.name, folder, live_page)
    finally:
        if live_page is not None:
            live_page.close()


def _report(looks: "Iterable[Look]", name: str, folder: "EventFolder | None", page: "Page | None") -> None:
    """Print, save and show the events as they come; say each new error once, and the totals at the end."""
    from mmeval import jsonl
    from mmeval.watch.watching import Disk

    output, before, count, events = Disk("standard output", _say), tuple[str, ...](), 0, 0
    ending = f"{name} has ended"
    try:
        for look in looks:
            lines = [event.line() if folder is None else folder.keep(event, look.frame) for event in look.events]
            count, events = count + 1, events + len(lines)
            for line in lines:
                output.writes(partial(click.echo, jsonl.shown(line)))
            if page is not None:
                page.show(look, lines)
            for error in look.errors:
                if error not in before:
                    _say(error)
            before = look.errors
    except KeyboardInterrupt:
        ending = "stopped"
    _say(f"{ending}; {plural(count, 'look')}, {plural(events, 'event')}")
    if ending == "stopped":
        raise SystemExit(130)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk, under standard error too: the watch goes on
        click.echo(f"mmeval: {printable(text)}", err=True)
