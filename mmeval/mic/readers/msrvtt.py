"""MSR-VTT: captions of videos; MSRVTT-QA: questions about the same videos. Eight frames of a video are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmeval.mic import video
from mmeval.mic.rows import Picture, Root, SourceRow, listed

SPLITS = {"train": "train", "validate": "val", "test": "test"}
FOLDERS = {"train": "TrainValVideo", "val": "TrainValVideo", "test": "TestVideo"}


def captions(root: Root) -> Iterator[SourceRow]:
    """A row a sentence of `train_val_videodatainfo.json` and `test_videodatainfo.json`; a video says its split."""
    video.check()
    names = [name for name in ("train_val_videodatainfo.json", "test_videodatainfo.json") if root.find(name)]
    for name in names or ["train_val_videodatainfo.json"]:
        path = root.need(name)
        content = root.json(path, dict)
        videos = listed(root, path, content, "videos")
        splits = root.index(path, videos, lambda item: (item["video_id"], SPLITS[item["split"]]))

        def make(item: dict[str, Any], splits: dict[str, str] = splits) -> list[SourceRow]:
            split = splits[item["video_id"]]
            pictures = _frames(_folder(root, split), str(item["video_id"]))
            return [SourceRow(str(item["sen_id"]), split, pictures, {}, str(item["caption"]))]

        yield from root.each(path, listed(root, path, content, "sentences"), make)


def questions(root: Root) -> Iterator[SourceRow]:
    """Splits train, val and test of `*_qa.json`: a list of questions; `video_id` is the video's number."""
    video.check()
    found = [split for split in FOLDERS if root.find(f"{split}_qa.json")]
    for split in found or ["train"]:
        path, folder = root.need(f"{split}_qa.json"), _folder(root, split)

        def make(item: dict[str, Any], split: str = split, folder: str = folder) -> list[SourceRow]:
            pictures = _frames(folder, f"video{int(item['video_id'])}")
            number = f"{split}-{item['id']}"
            return [SourceRow(number, split, pictures, {"question": str(item["question"])}, str(item["answer"]))]

        yield from root.each(path, root.json(path, list), make)


def _folder(root: Root, split: str) -> str:
    """The folder of a split's videos; some releases have them all in one."""
    return root.need(FOLDERS[split], "TrainValVideo", "videos/all", "videos")


def _frames(folder: str, name: str) -> tuple[Picture, ...]:
    return tuple(Picture(f"{folder}/{name}.mp4", frame=number) for number in range(1, video.FRAMES + 1))
