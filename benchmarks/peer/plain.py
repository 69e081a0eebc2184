"""A user's code without a harness, on transformers alone: one question at a time, or tuned.

Tuned: batches of sixteen questions, with each of their pictures encoded once.
"""

import argparse
import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import InstructBlipForConditionalGeneration, InstructBlipProcessor

from benchmarks.peer.timing import loop

Row = dict[str, Any]
NEW_TOKENS = 16
BATCH = 16


def rows(table: Path) -> Iterator[Row]:
    """Yield the rows of a table, question by question."""
    for group in pq.ParquetFile(table).iter_batches(batch_size=64):
        yield from group.to_pylist()


def picture(row: Row) -> Image.Image:
    """Decode a row's picture."""
    return Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")


def prompt(row: Row) -> str:
    """Word a question as lmms-eval does."""
    question = row["question"].replace(" Please answer yes or no.", "")
    return f"{question}\nAnswer the question using a single word or phrase."


def one_by_one(model: Any, processor: Any, table: Path) -> Iterator[str]:
    """Yield the answers; each question's picture is encoded separately."""
    for row in rows(table):
        inputs = processor(images=picture(row), text=prompt(row), return_tensors="pt")
        ids = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS)
        yield processor.decode(ids[0], skip_special_tokens=True).strip()


def tuned(model: Any, processor: Any, table: Path) -> Iterator[str]:
    """Yield the answers of batches in which each picture is decoded and encoded once."""
    remaining = rows(table)
    while batch := list(islice(remaining, BATCH)):
        first = {row["question_id"]: row for row in batch}  # the two questions of a picture have one id
        prepared = processor.image_processor([picture(row) for row in first.values()], return_tensors="pt")
        states = model.vision_model(prepared["pixel_values"]).last_hidden_state
        picture_indices = [list(first).index(row["question_id"]) for row in batch]
        text = processor(text=[prompt(row) for row in batch], padding=True, return_tensors="pt")
        visual = _visual_tokens(model, text, states[picture_indices])
        embeds = torch.cat([visual, model.get_input_embeddings()(text["input_ids"])], 1)
        mask = functional.pad(text["attention_mask"], (model.config.num_query_tokens, 0), value=1)
        ids = model.language_model.generate(
            inputs_embeds=embeds, attention_mask=mask, do_sample=False, max_new_tokens=NEW_TOKENS
        )
        yield from (answer.strip() for answer in processor.batch_decode(ids, skip_special_tokens=True))


def _visual_tokens(model: Any, text: Any, states: Tensor) -> Tensor:
    """Return the visual tokens [B, Q, D] of pictures, from their vision states [B, V, Dv]."""
    queries = model.query_tokens.expand(len(states), -1, -1)
    ones = torch.ones(queries.shape[:2], dtype=torch.long)
    queried = model.qformer(
        input_ids=text["qformer_input_ids"],
        attention_mask=torch.cat([ones, text["qformer_attention_mask"]], 1),
        query_embeds=queries,
        encoder_hidden_states=states,
        encoder_attention_mask=torch.ones(states.shape[:2], dtype=torch.long),
    ).last_hidden_state[:, : queries.shape[1]]
    projected: Tensor = model.language_projection(queried)
    return projected


def main(arguments: Sequence[str] | None = None) -> None:
    """Answer all questions of a table and write the answers as JSON."""
    parser = argparse.ArgumentParser("python -m benchmarks.peer.plain", description=__doc__)
    parser.add_argument("way", choices=("one-by-one", "tuned"))
    for name in ("model", "table", "out"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args(arguments)
    model: Any = InstructBlipForConditionalGeneration.from_pretrained(options.model)
    processor: Any = InstructBlipProcessor.from_pretrained(options.model, trust_remote_code=False)
    ask = one_by_one if options.way == "one-by-one" else tuned
    with torch.inference_mode(), loop():
        answers = list(ask(model.eval(), processor, options.table))
    options.out.write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
