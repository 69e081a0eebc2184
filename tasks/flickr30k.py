"""Flickr30k: what is in the picture? A caption, after demonstrations (Young et al. 2014; Karpathy and Fei-Fei's parts).

CIDEr-D over the 1,000 pictures of test with five captions each; `shared` says how demonstrations are drawn.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import demonstrations, karpathy, tables
from mmeval.data.demonstrations import Item
from mmeval.scoring.metrics import cider
from mmeval.task import Numbers, Task
from mmeval.tasks import shared
from mmeval.types import InputError, Record, Sample, Score

FILE = "dataset_flickr30k.json"
FOLDERS = ("flickr30k-images", "flickr30k_images", "images", "")
"""Where in the data's folder the pictures may be."""


def read(data: str, shots: int, seed: int) -> Iterator[Sample]:
    """Read the pictures of test, each after so many captioned ones of train. Raises InputError."""
    path = shared.file(FLICKR30K, data, (FILE,), ("annotations", "karpathy"), "flickr30k-images")
    found = list(_items(path))
    train, test = ([item for item in found if item.category == part] for part in ("train", "test"))
    if not test:
        raise InputError(f"{path}: no picture's split is test; get the file again")
    return demonstrations.samples(test, train, Path(data), shots, seed)


def _items(path: Path) -> Iterator[Item]:
    for row in karpathy.pictures(tables.of_file(path, path.parent, "images")):
        files = tuple(f"{place}/{row.name}" if place else row.name for place in FOLDERS)
        captions = tuple(text.strip() for _, text in row.captions)
        if not all(captions):
            raise InputError(f"{row.where}: a caption is empty; get the file again")
        yield Item(row.name, "", captions, row.name, files, row.where, row.split)


def cut(text: str) -> str:
    """Cut as open_flamingo does what goes on with a next picture; it drops double quotes, too."""
    return text.split("Output", 1)[0].replace('"', "")


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Give CIDEr of the captions."""
    return {"cider": cider.of_captions(records, scores)}


FLICKR30K = Task(
    name="flickr30k",
    samples=lambda data: read(data, 0, 0),
    few_shot=read,
    shots=0,
    prompts=shared.few_shot_prompts(lambda nothing: "Output:"),
    scorers={"official": cider.caption(str), "open-flamingo": cider.caption(cut)},
    metrics={"official": numbers, "open-flamingo": numbers},
    axes={"cider": "CIDEr"},
    max_new_tokens=30,
)
