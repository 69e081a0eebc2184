"""A small table in MMBench's format."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

HEADER = (
    "index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image", "source", "l2-category",
    "comment", "split",
)  # fmt: skip
PASS = 1_000_000

Line = dict[str, str]


def picture(color: int) -> str:
    """A small picture as base64."""
    out = io.BytesIO()
    Image.new("RGB", (24, 24), (color % 256, 80, 120)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def line(index: int, options: Sequence[str], answer: str, **more: str) -> Line:
    """A row; cells that are not given have default values."""
    cells = dict.fromkeys(HEADER, "") | dict(zip("ABCD", options, strict=False))
    cells |= {"index": str(index), "question": f"What is in picture {index % PASS}?", "answer": answer}
    cells |= {"category": "image_scene", "l2-category": "coarse_perception", "split": "dev", "image": picture(index)}
    return cells | more


def questions() -> list[Line]:
    """Four questions without their turns: of four, three and two options, in three abilities."""
    return [
        line(1, ["a cat", "a dog", "None", "NA"], "B", hint="It barks."),
        line(2, ["one", "two", "three"], "C", category="attribute_comparison", **{"l2-category": ""}),
        line(5, ["yes", "no"], "A", category="ocr", **{"l2-category": "finegrained_perception (instance-level)"}),
        line(7, ["red", "blue"], "B", split="test"),
    ]


def with_turns(lines: Sequence[Mapping[str, str]], *, repeat: bool = False) -> list[Line]:
    """All first passes, then all second turns, and so on; pictures by index, or repeated as in old files."""
    turned_lines: list[Line] = [dict(row) for row in lines]
    for turn in range(1, 4):
        for row in lines:
            options = [row[letter] for letter in "ABCD" if row[letter]]
            if turn >= len(options):
                continue
            moved = dict.fromkeys("ABCD", "") | dict(zip("ABCD", options[turn:] + options[:turn], strict=False))
            answer = "ABCD"[("ABCD".index(row["answer"]) - turn) % len(options)] if row["answer"] else ""
            image = row["image"] if repeat else row["index"]
            index = str(int(row["index"]) + turn * PASS)
            turned_lines.append({**row, **moved, "index": index, "answer": answer, "image": image})
    return turned_lines


def write(path: Path, lines: Sequence[Mapping[str, str]], without: Sequence[str] = ()) -> Path:
    """The rows as a .tsv or .csv file."""
    names = [name for name in dict.fromkeys(name for row in lines for name in row) if name not in without]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="," if path.suffix == ".csv" else "\t", lineterminator="\n")
        writer.writerow(names)
        writer.writerows([row[name] for name in names] for row in lines)
    return path
