"""Rows for training: read when they are needed, put into batches of equal length, and padded to the longest.

A picture that turns out to be broken has its row replaced by another one, and is listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mmeval.mmicl.examples import from_json
from mmeval.mmicl.processing import MmiclProcessor, padded
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.features import Features
from mmeval.mmicl.training.index import Index
from mmeval.mmicl.training.rows import IGNORED, Rows, TrainingRow
from mmeval.pictures import FORMATS, check_size, decoding

SKIPPED = "skipped-{}.jsonl"
"""Pictures that a process could not read, by its number."""
LEAST_SEEN = 100
"""Pictures read before the share of broken ones says anything."""


class RowSet(Dataset[TrainingRow]):
    """The rows of an index, read from their files when asked for; picture paths are absolute."""

    def __init__(self, files: Sequence[str], index: Index, rows: Rows) -> None:
        self.files, self.index, self.rows = list(files), index, rows

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> TrainingRow:
        file, offset, which, *_ = (int(value) for value in self.index.table[number])
        with Path(self.files[file]).open("rb") as lines:
            lines.seek(offset)
            example = from_json(lines.readline())
        row = self.rows(example)[which]
        folder = Path(self.files[file]).parent
        return replace(row, images=tuple(str(folder / image) for image in row.images))


class LengthBatches(Sampler[list[int]]):
    """Batches of rows of about the same length and number of pictures, in an order that every epoch shuffles.

    Rows are shuffled, cut into chunks of fifty batches, sorted within a chunk, and the batches shuffled. In the first
    epoch the `largest` largest batches stand in front, so that what does not fit into memory fails at once.
    """

    def __init__(self, index: Index, size: int, seed: int, largest: int = 0) -> None:
        self.costs = index.table[:, 3] + index.table[:, 4]
        self.size, self.seed, self.largest, self.epoch = size, seed, largest, 0
        self.batch_size, self.drop_last = size, False  # accelerate asks for them

    @property
    def sampler(self) -> LengthBatches:
        """Where accelerate looks for `set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of that epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.costs) // self.size)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(len(self.costs))
        chunks = [order[start : start + 50 * self.size] for start in range(0, len(order), 50 * self.size)]
        ordered = np.concatenate([chunk[np.argsort(self.costs[chunk], kind="stable")] for chunk in chunks])
        batches = [ordered[start : start + self.size] for start in range(0, len(ordered), self.size)]
        shuffled = [batches[number] for number in rng.permutation(len(batches))]
        if self.epoch == 0:
            longest = np.array([self.costs[batch].max() * len(batch) for batch in shuffled])
            front = np.argsort(-longest, kind="stable")[: self.largest]
            others = np.setdiff1d(np.arange(len(shuffled)), front)
            shuffled = [shuffled[number] for number in (*front, *others)]
        return (batch.tolist() for batch in shuffled)


@dataclass
class Collator:
    """Rows to the model's inputs: padded to the longest on the right, every distinct picture once.

    Gives `input_ids`, `attention_mask` [B, L], `labels` ([B, S] for T5, else [B, L]), `pictures` [B, N], and
    `pixel_values` [P, 3, H, W] float32 or `vision_states` [P, V, D]. Where a row holds questions apart,
    `attention_mask` is [B, 1, L, L], added to the scores of attention, and there are `position_ids` [B, L].
    """

    processor: MmiclProcessor
    data: RowSet | None = None
    """Where a row comes from that takes the place of one with a broken picture."""
    features: Features | None = None
    instruction: bool = False
    skipped: Path | None = None
    """Where broken pictures are listed."""
    allow_skipped: float = 0.0

    def __post_init__(self) -> None:
        self.seen = 0
        self.broken: set[str] = set()

    def __call__(self, rows: Sequence[TrainingRow], for_generation: bool = False) -> dict[str, Tensor]:
        """Make one batch; for generation without answers, and padded where the model wants it.

        Raises TrainingError where too many pictures are broken.
        """
        good, pictures = self._readable(list(rows))
        settings, ids = self.processor.settings, [row.ids for row in good]
        side = "left" if for_generation and settings.pad_left else "right"
        batch = {"input_ids": padded(ids, settings.pad_id, side)}
        if any(row.starts for row in good):
            batch |= questions_apart([_parts(row) for row in good])
        else:
            batch["attention_mask"] = padded([[1] * len(row) for row in ids], 0, side)
        if not for_generation:
            batch["labels"] = padded([row.labels for row in good], IGNORED)
        numbers = {path: number for number, path in enumerate(pictures)}
        batch["pictures"] = padded([[numbers[path] for path in row.images] for row in good], -1)
        if pictures:
            key = "pixel_values" if self.features is None else "vision_states"
            batch[key] = torch.stack(list(pictures.values()))
        if self.instruction and pictures:
            batch |= self.processor.qformer_batch([row.instruction for row in good])
        return batch

    def _readable(self, rows: list[TrainingRow]) -> tuple[list[TrainingRow], dict[str, Tensor]]:
        """Return the rows whose pictures can be read, others in place of the rest; and the pictures."""
        pictures: dict[str, Tensor] = {}
        for place, row in enumerate(rows):
            tries = 0
            while not all(self._picture(path, pictures) for path in row.images):
                if self.data is None or tries > 100:
                    raise TrainingError(f"{row.images[0]}: cannot be read, and no row can take its place")
                row = self.data[(hash(row.ids) + tries) % len(self.data)]
                tries += 1
            rows[place] = row
        shown = {path for row in rows for path in row.images}
        return rows, {path: tensor for path, tensor in pictures.items() if path in shown}

    def _picture(self, path: str, pictures: dict[str, Tensor]) -> bool:
        if path in pictures:
            return True
        if path in self.broken:
            return False
        self.seen += 1
        try:
            pictures[path] = self.features[path] if self.features else read_picture(path, self.processor)
        except (OSError, ValueError, KeyError) as error:
            self.broken.add(path)
            if self.skipped:
                list_skipped(self.skipped, [(path, str(error))])
            if self.seen >= LEAST_SEEN and len(self.broken) > self.allow_skipped * self.seen:
                raise TrainingError(
                    f"{len(self.broken)} of {self.seen} pictures cannot be read, the last {path} ({error}); "
                    "fix the data, or raise allow_skipped"
                ) from error
            return False
        return True


def questions_apart(parts: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Make `attention_mask` and `position_ids` of rows, given the part that every token belongs to.

    Part 0 is what all see; of the others, each sees itself and begins where part 0 ends.
    """
    part = padded(parts, -1)
    place = torch.arange(part.shape[1])
    seen = (place[None, :] <= place[:, None]) & ((part[:, None, :] == 0) | (part[:, None, :] == part[:, :, None]))
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.bfloat16).min)
    begins = torch.cat([torch.ones_like(part[:, :1]), (part[:, 1:] != part[:, :-1]).long()], dim=1)
    begin = (begins * place).cummax(dim=1).values
    shared = (part == 0).sum(dim=1, keepdim=True)
    return {"attention_mask": mask[:, None], "position_ids": place - begin + shared * (part > 0)}


def _parts(row: TrainingRow) -> list[int]:
    return [sum(start <= place for start in row.starts) for place in range(len(row.ids))]


def list_skipped(file: Path, pictures: Sequence[tuple[str, str]]) -> None:
    """List pictures that were passed over, each with the reason; what a kill left of a line is ended first."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if text and not text.endswith("\n"):
        file.write_text("".join(line for line in text.splitlines(keepends=True) if line.endswith("\n")), "utf-8")
    with file.open("a", encoding="utf-8") as lines:
        lines.writelines(json.dumps({"picture": path, "reason": reason}) + "\n" for path, reason in pictures)


def skipped_pictures(output: Path) -> set[str]:
    """Read which pictures were passed over so far, in whichever process."""
    texts = (file.read_text(encoding="utf-8") for file in output.glob(SKIPPED.format("*")))
    whole = (line for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n"))
    return {json.loads(line)["picture"] for line in whole}


def read_picture(path: str, processor: MmiclProcessor) -> Tensor:
    """Read pixels [3, H, W]. Raises OSError where the file cannot be read, Unusable where it is not a good picture."""
    name = Path(path).name
    with decoding(name), Image.open(path, formats=FORMATS) as picture:
        check_size(picture, name)
        return processor.pixels([picture])[0]
