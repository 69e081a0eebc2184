"""One self-contained HTML page for a run: the numbers, the figures, and the answers that went wrong.

Everything a model or a data set wrote reaches the page through autoescaping, and a content security policy
lets nothing run but the page's own script and lets nothing load.
"""

import base64
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mmeval.files import write_text
from mmeval.reporting.chart import interval, number
from mmeval.reporting.sheet import BAND, GRID, INK, MUTED, PAPER, PENS
from mmeval.reporting.table import ScoreRow, Table, counted
from mmeval.types import Estimate, Image, InputError, Record, Score

LISTED = 100
"""Failures on the page at most; a browser of all of them would weigh megabytes."""
LONGEST = 300
"""Characters of a text that are shown."""
THUMBNAIL = 144
"""Pixels of a thumbnail's longer side: twice what is shown, for sharp screens."""
SHOWN = 4
"""Pictures of one question at most."""

Pictures = Callable[[Collection[str]], Mapping[str, Sequence[Image]]]
"""Finds the pictures of the questions of these ids, as far as they are at hand."""


@dataclass(frozen=True)
class Failure:
    """An answer that was not right, as the page shows it."""

    record: Record
    score: Score
    thumbnails: tuple[str, ...]
    """The question's pictures, JPEGs as data URIs."""

    @property
    def answer(self) -> str:
        """What came back: the text, or the error."""
        return shorten(self.record.error if self.record.error is not None else self.record.text or "")


def write(
    folder: Path,
    table: Table,
    answers: Iterable[tuple[Record, Score]],
    figures: Sequence[Path] = (),
    pictures: Pictures | None = None,
) -> Path:
    """Write `index.html` into the folder and return its path.

    `answers` are the records with their scores; `figures` are SVG files that `radar` or `dotplot` drew;
    `pictures`, where given, is asked for those of the failures listed, and for no other.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {f.__name__: f for f in (number, interval, percent, shorten, under)}
    failed, wrong = _failures(answers, pictures)
    html, style, script = (_ASSETS.joinpath(f"page.{end}").read_text(encoding="utf-8") for end in ("html", "css", "js"))
    page = environment.from_string(html).render(
        table=table,
        failures=failed,
        wrong=wrong,
        labels=sorted({failure.record.category for failure in failed}),
        outcomes=sorted({failure.score.outcome for failure in failed}),
        counted=counted(table.counts),
        figures=[inline(figure.read_text(encoding="utf-8")) for figure in figures],
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    path = folder / "index.html"
    write_text(path, page)
    return path


def inline(svg: str) -> str:
    """Return a figure of ours as an element of the page, in the page's colours, so that it follows light and dark."""
    unwanted = r'<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->| id="[a-z0-9]+_\d+"'
    svg = re.sub(unwanted, "", svg[svg.index("<svg") :], flags=re.DOTALL)
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def percent(value: float | None, row: ScoreRow) -> str:
    """Where a value stands between zero and full marks, as CSS takes it."""
    return "0%" if value is None else f"{min(max(100 * value / row.estimate.full_marks, 0), 100):.2f}%"


def under(estimate: Estimate) -> str:
    """Return what stands under a headline number: of interval and chance, those that there are."""
    chance = "" if estimate.chance is None else f"chance {number(estimate.chance, 0)}"
    between = "" if estimate.low is None else f"95% interval {interval(estimate)}"
    return " · ".join(filter(None, (between, chance)))


def shorten(text: str) -> str:
    """Return the beginning of a text, and how much was left out."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST:,} more characters)"


_ASSETS = resources.files("mmeval.reporting")
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", BAND: "band", PAPER: "card"}
_VARIABLES |= {pen.colour: f"pen-{index}" for index, pen in enumerate(PENS)}


def _failures(answers: Iterable[tuple[Record, Score]], pictures: Pictures | None) -> tuple[list[Failure], int]:
    """Return the failures that are listed, evenly from all categories, and how many there are in all."""
    categories: dict[str, list[tuple[Record, Score]]] = {}
    for record, score in answers:
        if score.outcome not in ("correct", "unscored"):
            categories.setdefault(record.category, []).append((record, score))
    rows = itertools.chain.from_iterable(itertools.zip_longest(*categories.values()))
    chosen = list(itertools.islice((pair for pair in rows if pair is not None), LISTED))
    chosen.sort(key=lambda pair: list(categories).index(pair[0].category))
    found = pictures({record.id for record, _ in chosen}) if pictures and chosen else {}
    listed = [Failure(record, score, tuple(_thumbnails(found.get(record.id, ())))) for record, score in chosen]
    return listed, sum(map(len, categories.values()))


def _thumbnails(images: Sequence[Image]) -> Iterator[str]:
    """Yield JPEGs as data URIs; a picture that cannot be decoded is left out: the failure may be just that."""
    for image in images[:SHOWN]:
        with suppress(InputError):
            pixels, out = image.decode().copy(), io.BytesIO()
            pixels.thumbnail((THUMBNAIL, THUMBNAIL))
            pixels.save(out, "JPEG", quality=75)
            yield "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
