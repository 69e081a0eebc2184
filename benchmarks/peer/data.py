"""The data for all ways: the recorded tiny InstructBLIP, and as many questions of MME's shape as wanted."""

import io
import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

RECORDED = Path(__file__).parents[2] / "tests" / "recordings" / "tiny_instructblip"
TABLE = RECORDED / "mme.parquet"
PER_GROUP = 64
"""Rows per group and read, so few pictures are in memory."""


def checkpoint(folder: Path) -> Path:
    """Write the recorded model; the vision encoder's weights of size 1e-10, which are not recorded, are random."""
    import torch
    from safetensors.torch import load_file
    from transformers import InstructBlipConfig, InstructBlipForConditionalGeneration

    recorded = RECORDED / "model"
    shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True)
    torch.manual_seed(0)
    model: Any = InstructBlipForConditionalGeneration(InstructBlipConfig.from_pretrained(recorded))
    model.load_state_dict(load_file(recorded / "model.safetensors"), strict=False)
    model.save_pretrained(folder)
    return folder


def table(questions: int, file: Path) -> Path:
    """Write `questions` questions, two per picture: the recorded ones repeated, each time with another picture."""
    recorded = pq.read_table(TABLE)
    pairs = [recorded.slice(start, 2).to_pylist() for start in range(0, len(recorded), 2)]
    with pq.ParquetWriter(file, recorded.schema) as writer:
        rows = _rows(pairs, questions // 2)
        while group := list(itertools.islice(rows, PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, recorded.schema), row_group_size=PER_GROUP)
    return file


def _rows(pairs: list[list[dict[str, Any]]], pictures: int) -> Iterator[dict[str, Any]]:
    for number, pair in zip(range(pictures), itertools.cycle(pairs), strict=False):
        data = pair[0]["image"]["bytes"] if number < len(pairs) else _another(pair[0]["image"]["bytes"], number)
        name = f"{pair[0]['category']}/{number:05}.jpg"
        yield from ({**row, "question_id": name, "image": {"bytes": data, "path": None}} for row in pair)


def _another(data: bytes, number: int) -> bytes:
    """Return the picture with its own stripe."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    rng = random.Random(number)
    x, color = rng.randrange(picture.width), (rng.randrange(256), rng.randrange(256), number % 256)
    ImageDraw.Draw(picture).rectangle((x, 0, x + 8, picture.height), fill=color)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    return file.getvalue()
