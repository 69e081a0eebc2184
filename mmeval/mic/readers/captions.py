"""Read captions, one row each: COCO and Flickr30k in their public formats, and MSR-VTT's videos."""

import json
import re
from collections.abc import Iterator

from mmeval.data import container, karpathy
from mmeval.data.tables import TableRow
from mmeval.mic.pictures import FRAMES
from mmeval.mic.rows import SPLITS, Picture, Root, SourceRow, index, of_form
from mmeval.types import InputError

FLICKR30K = ("flickr30k-images", "flickr30k_images", "images")
MSRVTT = {"train": "TrainValVideo", "val": "TrainValVideo", "test": "TestVideo"}
VALIDATE = {"train": "train", "validate": "val", "test": "test"}
"""MSR-VTT's names of the splits."""
TOKEN = re.compile(r"(?P<name>.+)#\s*(?P<number>\d{1,9})\s*\t(?P<caption>.*)")
"""A line of the official file: `name.jpg#0<TAB>caption`."""
RESULT = re.compile(r"\s*(?P<name>.+?)\s*\|\s*(?P<number>\d{1,9})\s*\|(?P<caption>.*)")
"""A line of `results.csv`: `name.jpg| 0| caption`."""


def coco(root: Root) -> Iterator[SourceRow]:
    """Read Karpathy's splits if the folder has his file, else the official train and val of 2017 or 2014."""
    if path := root.find("dataset_coco.json"):
        for row in karpathy.pictures(root.rows(path, "images")):
            if not re.fullmatch(r"\w+", row.folder):
                raise InputError(f"{row.where}: the filepath is '{row.folder[:40]}'; it must be the name of a folder")
            yield from _captioned(row, root.need(row.folder, f"images/{row.folder}"))
        return
    for year in ("2017", "2014"):
        files = {split: f"captions_{split}{year}.json" for split in ("train", "val")}
        if any(map(root.find, files.values())):
            for split, path in root.splits(files):
                yield from _official(root, path, split, root.need(f"{split}{year}", f"images/{split}{year}"))
            return
    root.need("dataset_coco.json", "captions_train2017.json", "captions_train2014.json")


def _captioned(row: karpathy.CaptionedPicture, folder: str) -> list[SourceRow]:
    picture = Picture(f"{folder}/{row.name}")
    return [SourceRow(number, row.split, (picture,), {}, text) for number, text in row.captions]


def _official(root: Root, path: str, split: str, folder: str) -> Iterator[SourceRow]:
    images, captions = root.lists(path, "images", "annotations")
    names = index(images, lambda line: (line.value("id"), line.text("file_name")))
    for line in captions:
        with of_form(line):
            image, id = line.value("image_id"), line.text("id")
            if image not in names:
                raise InputError(f"{line.where}: caption {id} has an image that is not listed; download the file again")
            yield SourceRow(id, split, (Picture(f"{folder}/{names[image]}"),), {}, line.cell("caption"))


def flickr30k(root: Root) -> Iterator[SourceRow]:
    """Read Karpathy's file, the hub's table of it, or the official token file or `results.csv`.

    The token and results files have no splits. `train.txt`, `val.txt` and `test.txt` next to them assign the splits
    (one picture name per line, as in Flickr30k Entities); pictures in none of these files are train.
    """
    folder = root.need(*FLICKR30K)
    if path := root.find("dataset_flickr30k.json"):
        rows = root.rows(path, "images")
    elif path := root.find("flickr_annotations_30k.csv"):
        rows = map(_hub, root.rows(path))
    else:
        yield from _captions(root, root.need("results_20130124.token", "results.csv"), folder)
        return
    for row in karpathy.pictures(rows):
        yield from _captioned(row, folder)


def _hub(line: TableRow) -> TableRow:
    """Convert a row of the table `nlphuji/flickr30k`, which has captions in JSON lists, to Karpathy's form."""
    with of_form(line):
        pairs = zip(json.loads(line.text("sentids")), json.loads(line.text("raw")), strict=True)
        sentences = [{"sentid": number, "raw": text} for number, text in pairs]
    return TableRow({**line.values, "sentences": sentences}, line.where)


def _captions(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    form = TOKEN if path.endswith(".token") else RESULT
    splits = {
        name.strip().removesuffix(".jpg"): split
        for split in SPLITS
        if (listed := root.find(f"{split}.txt"))
        for name, _ in root.lines(listed)
    }
    for number, (line, where) in enumerate(root.lines(path)):
        match = form.fullmatch(line)
        if match is not None:
            name = match["name"]
            split = splits.get(name.removesuffix(".jpg"), "train")
            picture = Picture(f"{folder}/{name}")
            yield SourceRow(f"{name}#{int(match['number'])}", split, (picture,), {}, match["caption"].strip())
        elif number or form is TOKEN:  # the first line of results.csv is a header
            raise InputError(f"{where}: not a picture name, a number and a caption; download the file again")


def msrvtt(root: Root) -> Iterator[SourceRow]:
    """Read `train_val_videodatainfo.json` and `test_videodatainfo.json`; each video names its split."""
    container.check()
    for _, path in root.splits({"train": "train_val_videodatainfo.json", "test": "test_videodatainfo.json"}):
        clips, sentences = root.lists(path, "videos", "sentences")
        splits = index(clips, lambda line: (line.text("video_id"), VALIDATE[line.text("split")]))
        for line in sentences:
            with of_form(line):
                name = line.text("video_id")
                pictures = frames(f"{videos(root, splits[name])}/{name}.mp4")
                yield SourceRow(line.text("sen_id"), splits[name], pictures, {}, line.cell("caption"))


def videos(root: Root, split: str) -> str:
    """Find the folder of a split's videos; some releases have one folder for all."""
    return root.need(MSRVTT[split], "TrainValVideo", "videos/all", "videos")


def frames(path: str) -> tuple[Picture, ...]:
    """Return the frames of a video as pictures."""
    return tuple(Picture(path, frame=number) for number in range(1, FRAMES + 1))
