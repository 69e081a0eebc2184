"""VCR: questions about a film still whose objects are boxed. Picture 0 is the still, picture k + 1 its object k."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from mmeval.mic.rows import Picture, Root, SourceRow
from mmeval.mmicl.context import ImageMention, Part

Tokens = Sequence[str | list[int]]
CLOSE = re.compile(r"\s+([.,?!;:)\]]|'\w+|n't\b)")


def rows(root: Root) -> Iterator[SourceRow]:
    """Splits train and val (test has no answers): the question, four options, and which of them is right.

    In `question` and `answer_choices` a list of numbers stands for objects. Boxes are in a JSON file a still.
    """
    found = [split for split in ("train", "val") if root.find(f"{split}.jsonl")]
    for split in found or ["train"]:
        path = root.need(f"{split}.jsonl")
        folder = root.need("vcr1images")

        def make(line: str, split: str = split, folder: str = folder) -> list[SourceRow]:
            item = json.loads(line)
            still = f"{folder}/{item['img_fn']}"
            boxes = f"{folder}/{item['metadata_fn']}"
            options = [(f"option {k}: ", *_said(choice)) for k, choice in enumerate(item["answer_choices"])]
            lines = [part for option in options for part in ("\n", *option)][1:]
            right = "".join(map(_text, options[item["answer_label"]]))
            pictures = (Picture(still), *(Picture(still, box=(boxes, k)) for k in range(len(item["objects"]))))
            said = {"question": _said(item["question"]), "options": tuple(lines)}
            return [SourceRow(item["annot_id"], split, pictures, said, right)]

        yield from root.each(path, root.lines(path), make)


def _said(tokens: Tokens) -> tuple[Part, ...]:
    """Tokens as a text, objects as mentions of their pictures: `[0, 2]` is "image 1 and image 3"."""
    parts: list[Part] = []
    for token in tokens:
        if isinstance(token, str):
            parts.append(f"{token} ")
            continue
        for place, number in enumerate(token):
            parts += [*(["and "] if place else []), ImageMention(number + 1), " "]
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, str) and isinstance(last, str):
            merged[-1] = last + part
        else:
            merged.append(part)
    closed = [CLOSE.sub(r"\1", part) if isinstance(part, str) else part for part in merged]
    if closed and isinstance(closed[-1], str):
        closed[-1] = closed[-1].rstrip()
    return tuple(closed)


def _text(part: Part) -> str:
    return part if isinstance(part, str) else f"image {part.slot}" if isinstance(part, ImageMention) else ""
