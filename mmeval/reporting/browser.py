"""The samples of a run as the page's script reads them: compact JSON, and thumbnails within a budget of bytes.

`page.js` shows them. The values are untrusted text from models and data sets; `embedded` escapes them for HTML.
"""

import base64
import io
import itertools
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmeval.scoring.metrics.overlap import right_box, written
from mmeval.types import Image, InputError, Record, Request, Score, images, plural, text_of

BUDGET = 32 * 2**20
"""Maximum bytes of thumbnails in a page, encoded as base64."""
MOST = 5000
"""Maximum number of question pictures in a page. More would not fit into the budget."""
SIDES = {200: 512, 500: 384, 1200: 256, 2400: 176, MOST: 128}
"""Maximum number of pictures -> pixels of a thumbnail's longer side."""
TEXTS, SHORTEST, LONGEST = 48_000_000, 400, 4000
"""Characters of the long texts of all samples together; minimum and maximum length at which one text is cut."""

Find = Callable[[Collection[str]], Iterable[Request]]
"""Yields the requests with these ids, including pictures, if the data is available."""


@dataclass(frozen=True)
class Answer:
    """A record and its score by each reading."""

    record: Record
    scores: Mapping[str, Score]
    """The headline reading first."""

    @property
    def score(self) -> Score:
        """Return the headline reading's score."""
        return next(iter(self.scores.values()))


@dataclass(frozen=True)
class Other:
    """Another run's answers to the same samples: of a control, or of another model."""

    name: str
    scores: Mapping[str, Score]
    texts: Mapping[str, str] = field(default_factory=dict)
    """The unparsed answers by id, if available."""


@dataclass(frozen=True)
class Browser:
    """The samples of a page."""

    data: Mapping[str, Any]
    thumbnails: Mapping[str, str]
    """First hex digits of a picture's digest -> JPEG in base64."""


def browse(
    answers: Sequence[Answer],
    labels: Mapping[str, str],
    others: Sequence[Other] = (),
    find: Find | None = None,
    before: Path | None = None,
    *,
    run: str = "",
    per_byte: bool = False,
) -> Browser:
    """Collect the data of a page that shows these answers; `labels` are the labels of their categories.

    Pictures and demonstrations come from the page at `before` if it has them, else from `find`. So they are not decoded
    again, and a run that is scored without its data keeps them. `run` names the run of these answers if `others` are
    runs, not controls; `per_byte` means that likelihoods were compared per byte of a candidate.
    """
    answers = sorted(answers, key=lambda one: _place(one.record, list(labels)))
    chosen = _chosen(answers)
    held, thumbnails = _held(before, {one.record.id: one.record.digest for one in answers}, chosen)
    missing = [id for id, keys in chosen.items() if id not in held or not thumbnails.keys() >= set(keys)]
    count = len({key for keys in chosen.values() for key in keys})
    side = next(side for most, side in SIDES.items() if count <= most)
    used = sum(map(len, thumbnails.values()))
    for request in find(missing) if find and missing and used < BUDGET else ():
        shown = (*itertools.chain.from_iterable(images(shot.prompt) for shot in request.shots), *images(request.prompt))
        for image in shown:
            if image.digest[:DIGEST] not in thumbnails and used < BUDGET and (made := _thumbnail(image, side)):
                thumbnails[image.digest[:DIGEST]] = made
                used += len(made)
        held[request.id] = _demonstrations(request)
        if used >= BUDGET:
            break
    longest = min(max(TEXTS // max(len(answers), 1), SHORTEST), LONGEST)
    axes = list(dict.fromkeys(one.record.category for one in answers))
    rows = [_row(one, axes, others, held.get(one.record.id, {}), longest) for one in answers]
    pictures = {key for row in rows for key in row.get("i", ())}
    data = {
        "readings": list(answers[0].scores) if answers else [],
        "axes": [labels.get(axis, axis) for axis in axes],
        "perByte": per_byte,
        "run": run,
        "others": [other.name for other in others],
        "pictures": len(pictures),
        "thumbnails": len(pictures & thumbnails.keys()),
        "samples": rows,
    }
    return Browser(data, thumbnails)


def embedded(value: object) -> str:
    """Return JSON for a script element, with every character of markup escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


DIGEST = 16
"""Hex digits of a picture's digest in a page."""
_SCRIPTS = re.compile(r'<script type="application/json" id="(data|thumbnails)">(.*?)</script>', re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def _place(record: Record, axes: Sequence[str]) -> tuple[object, ...]:
    """Return a sort key for samples: axis, groups, id; digits sort by numeric value."""
    axis = axes.index(record.category) if record.category in axes else len(axes)
    names = (record.category, *record.groups.values(), record.id)
    pieces = [piece for name in names for piece in (*re.split(r"(\d{1,18})", name), "")]
    return axis, [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]


def _chosen(answers: Sequence[Answer]) -> dict[str, list[str]]:
    """Map ids to the pictures to embed: samples that are not correct first, evenly over the categories."""
    chosen: dict[str, list[str]] = {}
    found: set[str] = set()
    for right in (False, True):
        categories: dict[str, list[Record]] = {}
        for one in answers:
            if one.record.images and (one.score.outcome in ("correct", "unscored")) == right:
                categories.setdefault(one.record.category, []).append(one.record)
        for record in itertools.chain.from_iterable(itertools.zip_longest(*categories.values())):
            keys = [digest[:DIGEST] for digest in record.images] if record else []
            if keys and len(found) + len(set(keys) - found) <= MOST:
                found.update(keys)
                chosen[record.id] = keys
    return chosen


def _held(
    before: Path | None, digests: Mapping[str, str], chosen: Collection[str]
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """Return an earlier page's data of the chosen samples that have not changed, and its thumbnails."""
    if before is None or not before.is_file():
        return {}, {}
    text = before.read_text(encoding="utf-8", errors="replace")
    held: dict[str, Mapping[str, Any]] = {}
    thumbnails: dict[str, str] = {}
    try:
        scripts: dict[str, Any] = {name: json.loads(content) for name, content in _SCRIPTS.findall(text)}
        rows = [row for row in scripts["data"]["samples"] if digests.get(row["id"]) == row.get("g", "")]
        kept = [row for row in rows if row["id"] in chosen]
        held |= {row["id"]: {key: row[key] for key in ("d", "k") if key in row} for row in kept}
        shown = {key for row in kept for shot in (row, *row.get("d", ())) for key in shot.get("i", ())}
        thumbnails |= {
            key: one for key, one in scripts["thumbnails"].items() if key in shown and _BASE64.fullmatch(one)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, {}  # an edited page or another version: rebuild everything
    return held, thumbnails


def _demonstrations(request: Request) -> dict[str, Any]:
    """Return the demonstrations and candidates of a request, which its record does not have."""
    shots = [
        {"q": text_of(shot.prompt).strip(), "a": shot.answer, "i": [one.digest[:DIGEST] for one in images(shot.prompt)]}
        for shot in request.shots
    ]
    return {name: value for name, value in (("d", shots), ("k", list(request.candidates))) if value}


def _row(
    one: Answer, axes: Sequence[str], others: Sequence[Other], held: Mapping[str, Any], longest: int
) -> dict[str, Any]:
    """Return a sample as `page.js` reads it, without empty fields."""
    record = one.record

    def cut(text: str) -> str:
        return text if len(text) <= longest else f"{text[:longest]} … ({plural(len(text) - longest, 'more character')})"

    box = right_box(record)
    seconds = round(record.seconds, 3) if math.isfinite(record.seconds) else 0
    likelihoods = record.loglikelihoods or ()
    values: dict[str, Any] = {
        "id": record.id,
        "g": record.digest,
        "c": axes.index(record.category),
        "s": [_marked(score, cut) for score in one.scores.values()],
        "q": cut(record.question),
        "t": [written(box)] if box else [cut(target) for target in record.targets],
        "o": [cut(choice) for choice in record.choices],
        "p": cut(record.sent),
        "r": cut(record.reasoning),
        "e": cut(record.error or ""),
        "l": [round(value, 3) for value in likelihoods] if all(map(math.isfinite, likelihoods)) else [],
        "f": record.finish_reason == "length",
        "n": [record.input_tokens, record.output_tokens, seconds],
        "i": [digest[:DIGEST] for digest in record.images],
        "w": record.tags.get("times", "").split(),
        "b": [round(share, 4) for share in box or ()],
        "v": [_of_other(other, record.id, cut) for other in others],
    }
    kept = {name: value for name, value in values.items() if value is not False and value not in ("", [])}
    if record.text is not None:
        kept["a"] = cut(record.text)
    return {**kept, **{name: held[name] for name in ("d", "k") if name in held}}


def _of_other(other: Other, id: str, cut: Callable[[str], str]) -> list[Any] | None:
    score, text = other.scores.get(id), other.texts.get(id)
    return None if score is None else _marked(score, cut, None if text is None else cut(text))


def _marked(score: Score, cut: Callable[[str], str], *text: str | None) -> list[Any]:
    """Return outcome, answer, perhaps the text, and the value if it is only a part of the mark; without absent ends."""
    part = round(score.value, 3) if score.value is not None and 0 < score.value < 1 else None
    found = [score.outcome, None if score.answer is None else cut(score.answer), *text, part]
    while found[-1] is None:
        found.pop()
    return found


def _thumbnail(image: Image, side: int) -> str:
    """Return a JPEG in base64, or nothing if the picture cannot be decoded (the sample may have failed for that)."""
    try:
        pixels = image.decode()
    except InputError:
        return ""
    out, small = io.BytesIO(), pixels.copy()
    small.thumbnail((side, side), reducing_gap=2.0)
    small.save(out, "JPEG", quality=80)
    return base64.b64encode(out.getvalue()).decode()
