"""Make a task of the questions and answers in a MIC file (`mmeval run --task mic:FILE`).

Each line is an example of `mmicl.examples` or a row of the published MIC. No public script scores such a file, so
there is no official reading: `strict` compares short answers, CIDEr compares captions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from mmeval.data import files, tables
from mmeval.data.tables import TableRow
from mmeval.mmicl import mic_text
from mmeval.mmicl.context import ImageMention, ImagePlace
from mmeval.mmicl.context import Part as MicPart
from mmeval.mmicl.examples import Example, ExampleError, Turn, from_values
from mmeval.scoring.metrics import cider
from mmeval.scoring.metrics.groups import percent, share
from mmeval.scoring.readings.answer import plain
from mmeval.scoring.readings.captions import caption
from mmeval.scoring.readings.short import exact
from mmeval.task import MIC, MIC_FACTS, Numbers, Scorer, Task
from mmeval.types import Image, InputError, Parts, Record, Ref, Sample, Score, Shot, plural

SHORT, CAPTION = "short answer", "caption"
LONGEST_SHORT = 4
"""Maximum average number of words for a source's answers to count as short answers; longer answers are captions."""
OVERALL = "overall"


@dataclass(frozen=True)
class MicQuestion:
    """A question of the file, before its pictures are located."""

    id: str
    example: str
    source: str
    ask: tuple[MicPart, ...]
    answer: str
    row: TableRow
    images: tuple[str, ...] | None
    """Names of the pictures; None if the row of the published MIC holds them."""
    shots: tuple[Example, ...] = ()


def load(file: Path) -> Task:
    """Return the task of a MIC file: .jsonl, or .parquet of the published MIC. Raises InputError."""
    try:
        stat = file.stat()
    except OSError as error:
        raise InputError(f"{MIC}{file}: cannot be read ({error.strerror}); name a .jsonl or .parquet file") from error
    sources, count = _sources(file, stat.st_size, stat.st_mtime_ns)
    path = file.resolve()
    facts = {
        "title": f"{path.parent.name}/{file.name}",
        "about": "questions of a MIC file: exact match of short answers, CIDEr of captions",
        "size": f"{plural(count, 'question')}",
        MIC_FACTS: sources,
    }
    return build(f"mic-{path.parent.name}-{file.stem}", facts, file)


def build(name: str, facts: Mapping[str, Any], file: Path | None = None) -> Task:
    """Return the task with these facts, which a run records; without the file the task can score but not ask.

    Raises InputError if they name no source: the file has no question, or the run's file is damaged.
    """
    kinds: Mapping[str, str] = facts[MIC_FACTS]
    if not kinds:
        damaged = f"the task '{name}' has no source; restore run.json"
        raise InputError(damaged if file is None else f"{MIC}{file}: has no questions; name another file")
    has_total = sum(kind == SHORT for kind in kinds.values()) > 1 and OVERALL not in kinds
    return Task(
        name=name,
        samples=partial(_samples, file),
        prompts={"as-written": lambda sample: sample.prompt},
        scorers={"strict": _scorer(kinds)},
        metric=partial(numbers, kinds),
        axes={source: source if kind == SHORT else f"{source}, CIDEr" for source, kind in kinds.items()},
        totals={OVERALL: "Short answers"} if has_total else {},
        max_new_tokens=32,
        default_source="" if file is None else str(file),
        facts=facts,
    )


def numbers(kinds: Mapping[str, str], records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return each source's percentage of exact answers, or its CIDEr; and the percentage over all short answers."""
    values, short = {}, list[tuple[Record, Score]]()
    for source, kind in kinds.items():
        pairs = [pair for pair in zip(records, scores, strict=True) if pair[0].category == source]
        source_records, source_scores = [record for record, _ in pairs], [score for _, score in pairs]
        short += pairs if kind == SHORT else []
        if kind == CAPTION:
            values[source] = cider.of_captions(source_records, source_scores)
        else:
            values[source] = percent(share(source_records, source_scores), None)
    if OVERALL not in values:
        values[OVERALL] = percent(share([record for record, _ in short], [score for _, score in short]), None)
    return values


def _scorer(kinds: Mapping[str, str]) -> Scorer:
    read_caption = caption(plain)
    return lambda record: (read_caption if kinds.get(record.category) == CAPTION else exact)(record)


@lru_cache(maxsize=8)
def _sources(file: Path, size: int, time: int) -> tuple[dict[str, str], int]:
    """Return the kind of answers of each source in the file, and the number of questions.

    Cached by size and modification time. Sources with long answers are captions.
    """
    words: dict[str, list[int]] = {}
    for question in _questions(file):
        words.setdefault(question.source, []).append(len(question.answer.split()))
    kinds = {name: SHORT if sum(counts) <= LONGEST_SHORT * len(counts) else CAPTION for name, counts in words.items()}
    return kinds, sum(map(len, words.values()))


def _samples(file: Path | None, source: str) -> Iterator[Sample]:
    if file is None or source != str(file):
        raise InputError("a task mic:FILE takes its questions from FILE; remove --data")
    for question in _questions(file):
        row, names = question.row, question.images
        pictures = (
            row.images("input_image") if names is None else [files.picture(file.parent, n, row.where) for n in names]
        )
        try:
            prompt = _parts(question.ask, pictures)
        except IndexError as error:
            raise InputError(f"{row.where}: fewer pictures than places for them; fix the row") from error
        if names is None and sum(isinstance(part, Image) for part in prompt) != len(pictures):
            raise InputError(f"{row.where}: more pictures than places for them; fix the row")
        yield Sample(
            id=question.id,
            prompt=prompt,
            targets=(question.answer,),
            shots=tuple(_shot(shot, file.parent, row.where) for shot in question.shots),
            groups={"example": question.example},
            category=question.source,
            tags={"shots": str(len(question.shots))},
        )


def _questions(file: Path) -> Iterator[MicQuestion]:
    """Yield the questions of the file; each turn of a conversation is a question that follows the earlier turns."""
    if file.suffix not in (".jsonl", ".parquet"):
        raise InputError(f"{MIC}{file}: neither .jsonl nor .parquet; name a file of MIC examples")
    for number, row in enumerate(tables.of_file(file, file.parent), 1):
        if "input_text" in row.values:
            id, answer = f"{file.name}#{number}", row.text("output_text")
            yield MicQuestion(id, id, file.stem, mic_text.parts(row.text("input_text")), answer, row, None)
            continue
        try:
            example = from_values(dict(row.values))
        except ExampleError as error:
            raise InputError(f"{row.where}: {error}") from error
        before: tuple[MicPart, ...] = ()
        for index, turn in enumerate(example.turns):
            id = example.id if len(example.turns) == 1 else f"{example.id}#{index + 1}"
            source, ask = example.source or file.stem, (*before, *turn.ask)
            images = example.images[: sum(isinstance(part, ImagePlace) for part in ask)]
            yield MicQuestion(id, example.id, source, ask, turn.answer, row, images, example.shots)
            before = (*ask, f" {turn.answer}\n")


def _shot(shot: Example, folder: Path, where: str) -> Shot:
    turn: Turn = shot.turns[0]
    return Shot(_parts(turn.ask, [files.picture(folder, name, where) for name in shot.images]), turn.answer)


def _parts(ask: Sequence[MicPart], pictures: Sequence[Image]) -> Parts:
    """Return a prompt of the harness, in which each model introduces pictures in its own way.

    Models introduce a picture with a statement, so a picture inside a sentence is shown before its line and referred
    to where it was.
    """
    parts: list[str | Image | Ref] = []
    line = 0  # index in `parts` of the start of the line, after the pictures shown so far
    for part in ask:
        if isinstance(part, ImagePlace) and part.inline:
            parts.insert(line, pictures[part.picture])
            parts.append(Ref(part.picture))
            line += 1
        elif isinstance(part, ImagePlace):
            parts.append(pictures[part.picture])
            line = len(parts)
        elif isinstance(part, ImageMention):
            parts.append(Ref(part.slot))
        else:
            before, end, after = part.rpartition("\n")
            parts += [text for text in (before + end, after) if text]
            line = len(parts) - bool(after) if end else line
    return tuple(parts)
