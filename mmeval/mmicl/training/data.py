"""Rows for training: read when needed, and padded to the longest of their batch.

A row with a broken picture is replaced by another row, and the picture is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from mmeval.mmicl.examples import from_json
from mmeval.mmicl.processing import MmiclProcessor, padded
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.features import Features
from mmeval.mmicl.training.index import Index
from mmeval.mmicl.training.pictures import list_skipped, read_picture
from mmeval.mmicl.training.rows import IGNORED, Rows, TrainingRow

LEAST_SEEN = 100
"""Minimum number of pictures to take a share of."""


class RowSet(Dataset[TrainingRow]):
    """The rows of an index, read from their files on access; picture paths are absolute."""

    def __init__(self, files: Sequence[str], index: Index, rows: Rows) -> None:
        self.files, self.index, self.rows = list(files), index, rows

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> TrainingRow:
        file, offset, row_number, *_ = (int(value) for value in self.index.table[number])
        with Path(self.files[file]).open("rb") as lines:
            lines.seek(offset)
            example = from_json(lines.readline())
        row = self.rows(example)[row_number]
        folder = Path(self.files[file]).parent
        return replace(row, images=tuple(str(folder / image) for image in row.images))


@dataclass
class Collator:
    """Turn rows into the model's inputs: right-padded to the longest, every distinct picture once.

    Returns `input_ids`, `attention_mask` [B, L], `labels` ([B, S] for T5, else [B, L]), `pixel_values` [P, 3, H, W]
    float32 or `vision_states` [P, V, D], and the positions `shown`, `places` and `learned`
    (MmiclForConditionalGeneration.forward), so the GPU need not search for them. If a row holds questions apart,
    `attention_mask` is [B, 1, L, L], added to the attention scores, and there are `position_ids` [B, L]. For generation
    `pictures` [B, N] replaces `shown` and `places`, and there are no answers.
    """

    processor: MmiclProcessor
    data: RowSet | None = None
    """Source of rows that replace rows with a broken picture; None: such rows are left out."""
    features: Features | None = None
    instruction: bool = False
    skipped: Path | None = None
    """File that lists broken pictures."""
    allow_skipped: float = 0.0
    multiple: int = 1
    """Lengths are rounded up to a multiple of it; a GPU's attention copies inputs if it is not a multiple of 8."""
    blank: bool = False
    """Whether a batch without pictures gets one that no row shows. All processes then run the same modules, and what
    learns has a gradient, if only of 0."""

    def __post_init__(self) -> None:
        self.seen = 0
        self.broken: set[str] = set()

    def __call__(self, rows: Sequence[TrainingRow], for_generation: bool = False) -> dict[str, Tensor]:
        """Make one batch; for generation, without answers and padded on the model's side. Empty: no row is left.

        Raises TrainingError if too many pictures are broken.
        """
        good, pictures = self._readable(rows, complete=for_generation)
        if not good:
            return {}
        settings, ids = self.processor.settings, [row.ids for row in good]
        side = "left" if for_generation and settings.pad_left else "right"
        batch = {"input_ids": padded(ids, settings.pad_id, side)}
        if any(row.starts for row in good):
            batch |= questions_apart([_parts(row) for row in good], -batch["input_ids"].shape[1] % self.multiple)
        else:
            batch["attention_mask"] = padded([[1] * len(row) for row in ids], 0, side)
        if not for_generation:
            batch["labels"] = padded([row.labels for row in good], IGNORED)
            self._widen(batch)
            batch |= self._positions(good, list(pictures), batch)
        else:
            numbers = {path: number for number, path in enumerate(pictures)}
            batch["pictures"] = padded([[numbers[path] for path in row.images] for row in good], -1)
        if pictures or self.blank:
            key = "pixel_values" if self.features is None else "vision_states"
            batch[key] = torch.stack(list(pictures.values())) if pictures else self._blank()
        if self.instruction and (pictures or self.blank):
            questions = [row.instruction for row in good]  # one per row
            if not for_generation:  # one per picture
                questions = [row.instruction for row in good for _ in row.images]
            batch |= self.processor.qformer_batch(questions or [""])  # "" for a blank picture
        return batch

    def _widen(self, batch: dict[str, Tensor]) -> None:
        """Pad prompts and answers to a multiple of `multiple` tokens."""
        fillers = {"input_ids": self.processor.settings.pad_id, "attention_mask": 0, "labels": IGNORED}
        for key, filler in fillers.items():
            if batch[key].dim() == 2 and (short := -batch[key].shape[1] % self.multiple):
                batch[key] = functional.pad(batch[key], (0, short), value=filler)

    def _positions(
        self, rows: Sequence[TrainingRow], pictures: Sequence[str], batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Find the positions of pictures and learned tokens in the batch, and count its content without padding.

        Raises TrainingError naming a row whose number of placeholders does not fit its pictures.
        """
        settings, numbers = self.processor.settings, {path: number for number, path in enumerate(pictures)}
        for row in rows:
            if row.ids.count(settings.placeholder_id) != settings.tokens_per_picture * len(row.images):
                raise TrainingError(f"{row.images}: the prompt must have {settings.tokens_per_picture} places for each")
        learned = (batch["labels"] != IGNORED).flatten().nonzero().squeeze(1)
        placeholders = (batch["input_ids"] == settings.placeholder_id).flatten().nonzero().squeeze(1)
        picture_numbers = [numbers[path] for row in rows for path in row.images]
        counts = [len(rows), sum(len(row.ids) for row in rows), len(learned), len(picture_numbers), len(pictures)]
        return {
            "shown": torch.tensor(picture_numbers, dtype=torch.long),
            "places": placeholders,
            "learned": learned - 1 if settings.pad_left else learned,  # decoder-only: the position of the token before
            "counts": torch.tensor(counts),
        }

    def _blank(self) -> Tensor:
        if self.features is not None:
            return torch.zeros(1, *self.features.shape, dtype=torch.bfloat16)
        size = self.processor.image_processor.size
        return torch.zeros(1, 3, size["height"], size["width"])

    def _readable(self, rows: Sequence[TrainingRow], complete: bool) -> tuple[list[TrainingRow], dict[str, Tensor]]:
        """Return the rows with readable pictures, replacements for the others, and the pictures.

        Raises TrainingError if `complete` rows are required and a picture cannot be read.
        """
        pictures: dict[str, Tensor] = {}
        for picture in (picture for row in rows for picture in row.images) if complete else ():
            if not self._picture(picture, pictures):
                raise TrainingError(f"{picture}: cannot be read; a held-out set must be complete")
        replaced = [self._replaced(row, pictures) for row in rows]
        good = [row for row in replaced if row is not None]
        used = {picture for row in good for picture in row.images}
        return good, {picture: tensor for picture, tensor in pictures.items() if picture in used}

    def _replaced(self, row: TrainingRow, pictures: dict[str, Tensor]) -> TrainingRow | None:
        tries = 0
        while not all(self._picture(picture, pictures) for picture in row.images):
            if self.data is None:
                return None
            if tries > 100:
                raise TrainingError(f"{row.images[0]}: cannot be read, and no row can take its place")
            row = self.data[(hash(row.ids) + tries) % len(self.data)]
            tries += 1
        return row

    def _picture(self, picture: str, pictures: dict[str, Tensor]) -> bool:
        if picture in pictures:
            return True
        if picture in self.broken:
            return False
        self.seen += 1
        try:
            pictures[picture] = self.features.view(picture) if self.features else read_picture(picture, self.processor)
        except (OSError, ValueError, KeyError) as error:
            self.broken.add(picture)
            if self.skipped:
                list_skipped(self.skipped, [(picture, str(error))])
            if len(self.broken) > self.allow_skipped * max(self.seen, LEAST_SEEN):
                raise TrainingError(
                    f"{len(self.broken)} of {self.seen} pictures cannot be read, the last {picture} ({error}); "
                    "fix the data, or raise allow_skipped"
                ) from error
            return False
        return True


def questions_apart(parts: Sequence[Sequence[int]], wider: int = 0) -> dict[str, Tensor]:
    """Make `attention_mask` and `position_ids` of rows, given the part that every token belongs to.

    All parts see part 0. Each other part sees itself, and its positions begin where part 0 ends. Rows are padded to the
    longest of them, plus `wider`.
    """
    part = functional.pad(padded(parts, -1), (0, wider), value=-1)
    position = torch.arange(part.shape[1])
    causal = position[None, :] <= position[:, None]
    visible = causal & ((part[:, None, :] == 0) | (part[:, None, :] == part[:, :, None]))
    mask = torch.zeros(visible.shape).masked_fill(~visible, torch.finfo(torch.bfloat16).min)
    begins = torch.cat([torch.ones_like(part[:, :1]), (part[:, 1:] != part[:, :-1]).long()], dim=1)
    begin = (begins * position).cummax(dim=1).values
    shared = (part == 0).sum(dim=1, keepdim=True)
    return {"attention_mask": mask[:, None], "position_ids": position - begin + shared * (part > 0)}


def _parts(row: TrainingRow) -> list[int]:
    return [sum(start <= position for start in row.starts) for position in range(len(row.ids))]
