"""Flickr30k: what is in the picture? A caption, after demonstrations (Young et al. 2014; Karpathy and Fei-Fei's parts).

CIDEr-D over the 1,000 pictures of test with five captions each; `few_shot` says how demonstrations are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mmeval.data import demonstrations, lines
from mmeval.data.demonstrations import Item, find
from mmeval.data.lines import TableRow
from mmeval.scoring.metrics import cider
from mmeval.scoring.statistics import Statistic
from mmeval.task import Scorer, Task
from mmeval.tasks import few_shot
from mmeval.types import InputError, Record, Sample, Score

FILE = "dataset_flickr30k.json"
PLACES = ("annotations", "karpathy")
FOLDERS = ("flickr30k-images", "flickr30k_images", "images", "")
"""Where in the data's folder the pictures may be."""
PARTS = {"train", "restval", "val", "test"}


def read(data: str, shots: int | None, seed: int) -> Iterator[Sample]:
    """The pictures of test, each after so many captioned ones of train. Raises InputError."""
    source = str(FLICKR30K.card["source"])
    folder = few_shot.folder("flickr30k", data, f"{FILE} and flickr30k-images", source)
    path = find(folder, FILE, PLACES)
    if path is None:
        raise InputError(f"{folder}: no {FILE} in it; get it from {source}")
    found = list(_items(path))
    train, test = ([item for item in found if item.category == part] for part in ("train", "test"))
    if not test:
        raise InputError(f"{path}: no picture's split is test; get the file again")
    return demonstrations.samples(test, train, folder, ask, shots or 0, seed)


def _items(path: Path) -> Iterator[Item]:
    whole = lines.load(path)
    images = whole.get("images") if isinstance(whole, dict) else None
    if not isinstance(images, list) or not all(isinstance(value, dict) for value in images):
        raise InputError(f"{path}: it must hold 'images' with a list of objects; get the file again")
    for number, value in enumerate(images, start=1):
        line = TableRow(value, f"{path}, item {number}")
        name, split, said = line.text("filename"), line.text("split"), line.value("sentences")
        if split not in PARTS:
            raise InputError(f"{line.where}: the split is '{split[:20]}'; it must be train, val or test")
        if not isinstance(said, list) or not said or not all(isinstance(one, dict) for one in said):
            raise InputError(f"{line.where}: no captions under 'sentences'; get the file again")
        captions = tuple(TableRow(one, line.where).text("raw").strip() for one in said)
        files = tuple(f"{place}/{name}" if place else name for place in FOLDERS)
        yield Item(name, "", captions, name, files, line.where, split)


def ask(nothing: str) -> str:
    """open_flamingo's word for a caption."""
    return "Output:"


def cut(text: str) -> str:
    """As open_flamingo cuts what goes on with a next picture; it drops double quotes, too."""
    return text.split("Output", 1)[0].replace('"', "")


def caption(read: Callable[[str], str]) -> Scorer:
    """What was said; it is worth something only among all the captions, which the metric compares."""

    def judge(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        said = read(record.text).strip()
        return Score(None, "unscored", said) if said else Score(0.0, "unparsed")

    return judge


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """CIDEr of the captions that there are, an empty one included; n-grams weigh by the references of these."""
    own = [pair for pair in zip(records, scores, strict=True) if pair[1].outcome != "error"]
    said = [cider.tokenize(score.answer or "") for _, score in own]
    references = [[cider.tokenize(target) for target in record.targets] for record, _ in own]
    return {"cider": cider.mean(cider.cider(said, references) if own else [], [record.id for record, _ in own])}


FLICKR30K = Task(
    name="flickr30k",
    version=1,
    samples=lambda data: read(data, None, 0),
    few_shot=read,
    shots=0,
    prompts=few_shot.prompts(ask),
    scorers={"official": caption(str), "open-flamingo": caption(cut)},
    metrics={"official": numbers, "open-flamingo": numbers},
    axes={"cider": "CIDEr"},
    max_new_tokens=30,
)
