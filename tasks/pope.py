"""POPE: is this object in the picture? Three splits choose absent objects differently (Li et al. 2023, 2305.10355).

The splits share the 1,500 questions whose answer is yes, so no number combines several splits.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import files, tables
from mmeval.scoring.metrics.groups import detection, parts_by
from mmeval.scoring.readings import yesno
from mmeval.scoring.readings.strict.languages import YesNo
from mmeval.scoring.statistics import Statistic
from mmeval.task import Task
from mmeval.tasks.shared import WORD, YES_OR_NO, ending
from mmeval.types import Image, InputError, Record, Sample, Score

SPLITS = {"random": "Random", "popular": "Popular", "adversarial": "Adversarial"}
DETAILS = {"precision": "precision", "recall": "recall", "yes_ratio": "yes ratio"}
PICTURES = ("", "val2014", "images")
"""Places in the data folder where the COCO pictures may be."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of every `coco_pope_SPLIT.json` in the folder, with their pictures. Raises InputError."""
    path = Path(data)
    paths = [path] if path.is_file() else [file for split in SPLITS for file in files.glob(path, f"*_{split}.json")]
    if not paths or (path.is_file() and _split(path) is None):
        raise InputError(
            f"no data at '{data}': give the folder that holds coco_pope_SPLIT.json (random, popular or adversarial)"
        )
    folder = path.parent if path.is_file() else path
    pictures: dict[str, Image] = {}
    for file in paths:
        for line in tables.of_file(file, folder):
            name = line.text("image")
            if name not in pictures:
                first, *others = line.places(name, PICTURES)
                pictures[name] = files.picture(folder, first, line.where, *others)
            yield sample(line, _split(file) or "", pictures[name])


def sample(line: tables.TableRow, split: str, image: Image) -> Sample:
    """Return a row as a question."""
    label = line.text("label").strip().lower()
    if label not in ("yes", "no"):
        raise InputError(f"{line.where}: the label is '{label[:40]}'; it must be yes or no")
    number, groups = line.text("question_id"), {"image": line.text("image")}
    return Sample(f"{split}/{number}", (image, line.text("text")), (label,), groups=groups, category=split)


def official(text: str) -> YesNo:
    """Read as POPE's `evaluate.py` does: no if a word of the first sentence is No, no or not, otherwise yes.

    An empty answer is therefore a yes, and so are "NO", "There are none", and "No" before a line break.
    """
    words = text.partition(".")[0].replace(",", "").split(" ")
    return "no" if {"No", "no", "not"} & set(words) else "yes"


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Return the five numbers of each split (`random/accuracy`, `random/f1`, ...), clustered by picture."""
    result: dict[str, Statistic] = {}
    questions = parts_by(lambda record: record.category, records, scores)
    for split in SPLITS:
        absent = Statistic(100.0, 50.0, reason=f"no question of the split {split} has an answer")
        measures = detection(*questions[split], "image")
        result |= {f"{split}/{name}": number if questions[split][0] else absent for name, number in measures.items()}
    return result


def _split(file: Path) -> str | None:
    return next((split for split in SPLITS if file.stem.endswith(f"_{split}")), None)


POPE = Task(
    name="pope",
    version=4,
    samples=samples,
    prompts={"release": ending(""), "yes-no": ending(YES_OR_NO), "single-word": ending(WORD)},
    scorers={"official": yesno.scorer(official), "strict": yesno.scorer(yesno.strict)},
    metric=numbers,
    axes={f"{split}/accuracy": label for split, label in SPLITS.items()},
    totals={f"{split}/f1": f"{label}, F1" for split, label in SPLITS.items()},
    details={f"{split}/{name}": f"{SPLITS[split]}, {label}" for split in SPLITS for name, label in DETAILS.items()},
)
