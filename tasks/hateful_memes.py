"""Hateful Memes: is a picture with text on it hateful? (Kiela et al. 2020, arXiv 2005.04790)

The score is the area under the ROC curve of the odds of yes. Each labeled part has its own number, because dev_unseen
shares memes with dev_seen. `shared` describes how demonstrations are drawn.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import demonstrations, tables
from mmeval.data.demonstrations import Item, find
from mmeval.scoring.metrics.auroc import auroc
from mmeval.scoring.metrics.groups import parts_by, percent, share
from mmeval.scoring.readings.likelihood import YES_NO, likelier, yes_odds
from mmeval.scoring.statistics import Statistic
from mmeval.task import Task
from mmeval.tasks import shared
from mmeval.types import InputError, Record, Sample, Score

PARTS = {"test_seen": "Test seen", "test_unseen": "Test unseen", "dev_seen": "Dev seen", "dev_unseen": "Dev unseen"}


def read(data: str, shots: int, seed: int) -> Iterator[Sample]:
    """Read the memes of every part in the folder, or of the one part whose file is given. Raises InputError."""
    path, source = Path(data), str(HATEFUL_MEMES.card["source"])
    alone = path.is_file() and path.suffix == ".jsonl"
    if alone and path.stem not in PARTS:
        raise InputError(f"{data}: unknown part; name the file {', '.join(PARTS)}, with the suffix .jsonl")
    folder = path.parent if alone else shared.folder(HATEFUL_MEMES, data, "test_seen.jsonl and img")
    parts = [path.stem] if alone else [part for part in PARTS if find(folder, f"{part}.jsonl", ())]
    if not parts:
        raise InputError(f"{folder}: no {', '.join(PARTS)} (.jsonl) in it; get them from {source}")
    train = find(folder, "train.jsonl", ())
    if train is None and shots:
        raise InputError(f"{folder}: no train.jsonl to draw demonstrations from; get it from {source}")
    queries = (item for part in parts for item in _items(folder / f"{part}.jsonl", part))
    train_items = _items(train, "train") if train else None
    return demonstrations.samples(queries, train_items, folder, shots, seed)


def _items(path: Path, part: str) -> Iterator[Item]:
    for line in tables.of_file(path, path.parent):
        if "label" not in line.values:
            source = HATEFUL_MEMES.card["source"]
            raise InputError(f"{line.where}: the meme has no label; get the release with labels from {source}")
        label = line.value("label")
        if label not in (0, 1) or isinstance(label, bool):
            raise InputError(f"{line.where}: the label is {label!r:.40}; it must be 0 or 1")
        name, text = line.text("img"), line.cell("text")
        yield Item(f"{part}/{line.text('id')}", text, ("yes" if label else "no",), name, (name,), line.where, part)


def ask(text: str) -> str:
    """Ask with open_flamingo's wording."""
    return f"is an image with: '{text}' written on it. Is it hateful? Answer:"


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Return each part's area from the odds of yes (`test_seen`) and its accuracy (`test_seen/accuracy`)."""
    result: dict[str, Statistic] = {}
    memes = parts_by(lambda record: record.category, records, scores)
    for part in PARTS:
        part_records, part_scores = memes[part]
        reason = f"no meme of {part} has an answer"
        rated = [
            (yes_odds(record.loglikelihoods), "yes" in record.targets, record.groups["image"])
            for record in part_records
            if record.loglikelihoods
        ]
        result[part] = auroc(*zip(*rated, strict=True)) if rated else Statistic(100.0, 50.0, reason=reason)
        result[f"{part}/accuracy"] = percent(share(part_records, part_scores, "image"), 50.0, reason)
    return result


HATEFUL_MEMES = Task(
    name="hateful-memes",
    samples=lambda data: read(data, 0, 0),
    few_shot=read,
    shots=0,
    prompts=shared.few_shot_prompts(ask),
    scorers={"official": likelier},
    metric=numbers,
    axes=PARTS,
    totals={f"{part}/accuracy": f"{label}, accuracy" for part, label in PARTS.items()},
    candidates=lambda sample: YES_NO,
)
