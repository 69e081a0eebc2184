"""Time of `mmeval ask` to its first answer, and of a chat to each further one.

A first answer comes from a new process, start-up included.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mmeval.conversation import chat
from mmeval.embedded.examples import examples
from mmeval.models import find_model
from mmeval.types import InputError, images

FURTHER = 5
"""Questions in the chat after the first."""


def started(model: str, pictures: list[str], question: str) -> tuple[float, float]:
    """Ask in a new process; return wall clock and processor time in seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "mmeval", "ask", *pictures, question, "--model", model]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def drop(folder: Path) -> None:
    """Ask the system to drop a folder's files from its page cache."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.ask", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="mmicl-tiny", help="as in `mmeval run`")
    parser.add_argument("--cold", action="store_true", help="first drop the installed files from the page cache")
    options = parser.parse_args(arguments)
    try:
        find_model(options.model)
    except InputError as error:
        parser.error(str(error))
    example = examples()[0]
    question = str(example.prompt[-1])
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, picture in enumerate(images(example.prompt)):
            names.append(f"{folder}/{number}.png")
            picture.decode().save(names[-1])
        for run in range(3):
            if options.cold:
                drop(Path(sys.prefix))
            wall, used = started(options.model, names, question)
            condition = "cold" if options.cold else f"run {run}"
            print(f"first answer, {condition}: {wall:.2f} s, {used:.2f} CPU-s", flush=True)
        loaded = chat(options.model)
        loaded.ask(*map(Path, names), question)
        for number in range(FURTHER):
            began, used = time.monotonic(), time.process_time()
            pictures = [Path(names[0])] if number % 2 else []
            loaded.ask(*pictures, question)
            wall, used = time.monotonic() - began, time.process_time() - used
            print(f"further question {number}: {wall:.2f} s, {used:.2f} CPU-s")


if __name__ == "__main__":
    main()
