"""A run's page in chromium: its size, and the time to open, filter and search it.

`.venv/bin/python -m benchmarks.page`. The samples are made up, with prompts and answers of usual length: 5,000 with
pictures of noise until the thumbnails' budget is used up, and 20,000 without pictures. Opening is measured from the
navigation to the painted page, with the browser already running.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PILImage

from mmeval.reporting.browser import Answer, browse
from mmeval.reporting.page import write
from mmeval.types import Image, Record, Request, Score
from tests.chromium import PROGRAM, Browser, chromium
from tests.reporting.made_up import AXES
from tests.reporting.test_page import made_table

TIMES = 5
WORDS = "Is there a red square to the left of the person who stands behind the second table in the picture? "


def answers(count: int, pictures: bool) -> list[Answer]:
    """Make up answers, each to a question about its own picture."""
    names, made = list(AXES), []
    for index in range(count):
        right, text = index % 3 > 0, "The picture shows that it is so. " * (1 + index % 5)
        images = (noise(index).digest,) if pictures else ()
        record = Record(
            f"{names[index % 14]}/{index}", ("yes",), names[index % 14], question=WORDS * (1 + index % 3), text=text,
            sent="image 0 is <image0>[picture].\n" + WORDS * 3, images=images, input_tokens=90, output_tokens=12,
        )  # fmt: skip
        score = Score(float(right), "correct" if right else "incorrect", "yes" if right else "no")
        made.append(Answer(record, {"official": score, "strict": score}))
    return made


def noise(index: int) -> Image:
    """Draw a picture that JPEG cannot compress to almost nothing."""
    pixels = np.random.default_rng(index).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return Image(PILImage.fromarray(pixels).resize((640, 480)))


def measure(tab: Browser, folder: Path, count: int, pictures: bool) -> None:
    """Make a page and print its measurements."""
    made = answers(count, pictures)

    def find(ids: Collection[str]) -> Iterator[Request]:
        for index, answer in enumerate(made):
            if answer.record.id in ids:
                yield Request(answer.record.id, (noise(index), WORDS))

    began = time.process_time()
    browser = browse(made, AXES, find=find if pictures else None)
    path = write(folder, made_table(), browser, {"Date": "today"}, {})
    spent = time.process_time() - began
    opened = [tab.open(path) for _ in range(TIMES)]
    act = "(() => {{ const began = performance.now(); {}; document.querySelector('.detail').offsetHeight;"
    act += " return performance.now() - began; }})()"
    filtered = tab.run(act.format("$('outcome').value = ''; filter()"))
    searched = tab.run(act.format("$('search').value = 'second table'; filter()"))
    print(
        f"{count:,} samples, {browser.data['thumbnails']:,} thumbnails: {path.stat().st_size / 2**20:.1f} MiB, "
        f"made in {spent:.1f} CPU-s; opens in {statistics.median(opened):.2f} s (worst {max(opened):.2f}); "
        f"a filter takes {filtered:.0f} ms, the first search {searched:.0f} ms"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both pages."""
    argparse.ArgumentParser("python -m benchmarks.page", description=__doc__).parse_args(arguments)
    if PROGRAM is None:
        sys.exit("no chromium is installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder) / "profile") as tab:
        measure(tab, Path(folder), 5_000, pictures=True)
        measure(tab, Path(folder), 20_000, pictures=False)


if __name__ == "__main__":
    main()
