"""The samples of a run as the page's script reads them: compact JSON, and thumbnails within a budget of bytes.

`page.js` and `detail.js` show them. The values are untrusted text from models and data sets; `embedded` escapes it for
HTML.
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

from mmeval.scoring.readings.overlap import right_box, written
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
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The unparsed answers by id, if available; several if they were sampled."""


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
    answers = sorted(answers, key=lambda answer: _sort_key(answer.record, list(labels)))
    chosen = _chosen(answers)
    digests = {answer.record.id: answer.record.digest for answer in answers}
    earlier, thumbnails = _from_earlier_page(before, digests, chosen)
    missing = [id for id, keys in chosen.items() if id not in earlier or not thumbnails.keys() >= set(keys)]
    count = len({key for keys in chosen.values() for key in keys})
    side = next(side for most, side in SIDES.items() if count <= most)
    used = sum(map(len, thumbnails.values()))
    for request in find(missing) if find and missing and used < BUDGET else ():
        prompts = [*(shot.prompt for shot in request.shots), request.prompt]
        for image in itertools.chain.from_iterable(map(images, prompts)):
            key = image.digest[:DIGEST]
            if key not in thumbnails and used < BUDGET and (thumbnail := _thumbnail(image, side)):
                thumbnails[key] = thumbnail
                used += len(thumbnail)
        earlier[request.id] = _demonstrations(request)
        if used >= BUDGET:
            break
    longest = min(max(TEXTS // max(len(answers), 1), SHORTEST), LONGEST)
    axes = list(dict.fromkeys(answer.record.category for answer in answers))
    rows = [_row(answer, axes, others, earlier.get(answer.record.id, {}), longest) for answer in answers]
    pictures = {key for row in rows for key in row.get("images", ())}
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


def _sort_key(record: Record, axes: Sequence[str]) -> tuple[object, ...]:
    """Return a sort key for samples: axis, groups, id; digits sort by numeric value."""
    axis = axes.index(record.category) if record.category in axes else len(axes)
    names = (record.category, *record.groups.values(), record.id)
    pieces = [piece for name in names for piece in (*re.split(r"(\d{1,18})", name), "")]
    return axis, [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]


def _chosen(answers: Sequence[Answer]) -> dict[str, list[str]]:
    """Map ids to the pictures to embed: samples that are not correct first, evenly over the categories."""
    chosen: dict[str, list[str]] = {}
    embedded_keys: set[str] = set()
    for right in (False, True):
        categories: dict[str, list[Record]] = {}
        for answer in answers:
            if answer.record.images and (answer.score.outcome in ("correct", "unscored")) == right:
                categories.setdefault(answer.record.category, []).append(answer.record)
        for record in itertools.chain.from_iterable(itertools.zip_longest(*categories.values())):
            keys = [digest[:DIGEST] for digest in record.images] if record else []
            if keys and len(embedded_keys) + len(set(keys) - embedded_keys) <= MOST:
                embedded_keys.update(keys)
                chosen[record.id] = keys
    return chosen


def _from_earlier_page(
    before: Path | None, digests: Mapping[str, str], chosen: Collection[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return an earlier page's data of the chosen samples that have not changed, and its thumbnails."""
    if before is None or not before.is_file():
        return {}, {}
    text = before.read_text(encoding="utf-8", errors="replace")
    try:
        scripts: dict[str, Any] = {name: json.loads(content) for name, content in _SCRIPTS.findall(text)}
        rows = [row for row in scripts["data"]["samples"] if digests.get(row["id"]) == row.get("digest", "")]
        unchanged = [row for row in rows if row["id"] in chosen]
        data = {row["id"]: {key: row[key] for key in ("shots", "candidates") if key in row} for row in unchanged}
        keys = {key for row in unchanged for shot in (row, *row.get("shots", ())) for key in shot.get("images", ())}
        thumbnails = {
            key: jpeg for key, jpeg in scripts["thumbnails"].items() if key in keys and _BASE64.fullmatch(jpeg)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, {}  # an edited page or another version: rebuild everything
    return data, thumbnails


def _demonstrations(request: Request) -> dict[str, Any]:
    """Return the demonstrations and candidates of a request, which its record does not have."""
    shots = []
    for shot in request.shots:
        keys = [image.digest[:DIGEST] for image in images(shot.prompt)]
        shots.append({"question": text_of(shot.prompt).strip(), "answer": shot.answer, "images": keys})
    return {name: value for name, value in (("shots", shots), ("candidates", list(request.candidates))) if value}


def _row(
    answer: Answer, axes: Sequence[str], others: Sequence[Other], earlier: Mapping[str, Any], longest: int
) -> dict[str, Any]:
    """Return a sample as the page's scripts read it, without empty fields."""
    record = answer.record

    def cut(text: str, limit: int = longest) -> str:
        return text if len(text) <= limit else f"{text[:limit]} … ({plural(len(text) - limit, 'more character')})"

    def listed(texts: Sequence[str]) -> str:
        cuts = [cut(text, longest // len(texts)) for text in texts]
        numbered = (f"{number}. {text or '(empty)'}" for number, text in enumerate(cuts, 1))
        return cuts[0] if len(cuts) == 1 else "\n".join(numbered)

    def of_other(other: Other) -> list[Any] | None:
        score, texts = other.scores.get(record.id), other.texts.get(record.id)
        return None if score is None else _marked(score, cut, listed(texts) if texts else None)

    box, likelihoods = right_box(record), record.loglikelihoods or ()
    seconds = round(record.seconds, 3) if math.isfinite(record.seconds) else 0
    values: dict[str, Any] = {
        "id": record.id,
        "digest": record.digest,
        "category": axes.index(record.category),
        "marks": [_marked(score, cut) for score in answer.scores.values()],
        "question": cut(record.question),
        "targets": [written(box)] if box else [cut(target) for target in record.targets],
        "options": [cut(choice) for choice in record.choices],
        "sent": cut(record.sent),
        "reasoning": cut(record.reasoning),
        "error": cut(record.error or ""),
        "likelihoods": [round(value, 3) for value in likelihoods] if all(map(math.isfinite, likelihoods)) else [],
        "cut": record.finish_reason == "length",
        "usage": [record.input_tokens, record.output_tokens, seconds],
        "images": [digest[:DIGEST] for digest in record.images],
        "times": record.tags.get("times", "").split(),
        "box": [round(share, 4) for share in box or ()],
        "others": [of_other(other) for other in others],
    }
    row = {name: value for name, value in values.items() if value is not False and value not in ("", [])}
    if texts := answer_texts(record):
        row["answer"] = listed(texts)
    return {**row, **{name: earlier[name] for name in ("shots", "candidates") if name in earlier}}


def answer_texts(record: Record) -> Sequence[str]:
    """Return a record's unparsed answer, or all of them if several were sampled; none if there is no answer."""
    return record.samples or (() if record.text is None else (record.text,))


def _marked(score: Score, cut: Callable[[str], str], *text: str | None) -> list[Any]:
    """Return outcome, answer, perhaps the text, and the value if it is only a part of the mark; without absent ends."""
    part = round(score.value, 3) if score.value is not None and 0 < score.value < 1 else None
    mark = [score.outcome, None if score.answer is None else cut(score.answer), *text, part]
    while mark[-1] is None:
        mark.pop()
    return mark


def _thumbnail(image: Image, side: int) -> str:
    """Return a JPEG in base64, or nothing if the picture cannot be decoded (the sample may have failed for that)."""
    try:
        pixels = image.decode()
    except InputError:
        return ""
    file, small = io.BytesIO(), pixels.copy()
    small.thumbnail((side, side), reducing_gap=2.0)
    small.save(file, "JPEG", quality=80)
    return base64.b64encode(file.getvalue()).decode()
