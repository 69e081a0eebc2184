"""Flickr30k: captions, after demonstrations (Young et al. 2014; Karpathy and Fei-Fei's splits).

CIDEr-D over the 1,000 test pictures with five captions each. `shared` describes how demonstrations are drawn.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import demonstrations, karpathy, tables
from mmeval.data.demonstrations import Item
from mmeval.scoring.metrics import cider
from mmeval.scoring.readings.captions import caption
from mmeval.task import Numbers, Task
from mmeval.tasks import shared
from mmeval.types import InputError, Record, Sample, Score

FILE = "dataset_flickr30k.json"
FOLDERS = ("flickr30k-images", "flickr30k_images", "images", "")
"""Places in the data folder where the pictures may be."""


def read(data: str, shots: int, seed: int) -> Iterator[Sample]:
    """Yield the test pictures, each after `shots` captioned train pictures. Raises InputError."""
    path = shared.file(FLICKR30K, data, (FILE,), ("annotations", "karpathy"), "flickr30k-images")
    items = list(_items(path))
    train, test = ([item for item in items if item.category == part] for part in ("train", "test"))
    if not test:
        raise InputError(f"{path}: no picture has the split test; download the file again")
    return demonstrations.samples(test, train, Path(data), shots, seed)


def _items(path: Path) -> Iterator[Item]:
    for row in karpathy.pictures(tables.of_file(path, path.parent, "images")):
        files = tuple(f"{folder}/{row.name}" if folder else row.name for folder in FOLDERS)
        captions = tuple(text.strip() for _, text in row.captions)
        if not all(captions):
            raise InputError(f"{row.where}: a caption is empty; download the file again")
        yield Item(row.name, "", captions, row.name, files, row.where, row.split)


def cut(text: str) -> str:
    """Cut what follows "Output" (the next picture) and drop double quotes, as open_flamingo does."""
    return text.split("Output", 1)[0].replace('"', "")


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the captions' CIDEr."""
    return {"cider": cider.of_captions(records, scores)}


FLICKR30K = Task(
    name="flickr30k",
    samples=lambda data: read(data, 0, 0),
    few_shot=read,
    shots=0,
    prompts=shared.few_shot_prompts(lambda question: "Output:"),
    scorers={"official": caption(str), "open-flamingo": caption(cut)},
    metric=numbers,
    axes={"cider": "CIDEr"},
    max_new_tokens=30,
)
