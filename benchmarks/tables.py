"""Reading a 200 MB table: CPU seconds, and peak memory beyond the program's own, as a share of the file.

`python -m benchmarks.tables`. The tables are made up; each is read in a separate process.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import tables
from mmeval.types import InputError

SIZE = 200_000_000
NAMES = ("id", "question", "A", "B", "answer")
FILES = ("texts.tsv", "texts.csv", "texts.jsonl", "texts.json", "texts.parquet", "pictures.parquet")
GROUP, GROUP_OF_PICTURES = 1000, 100
"""Rows of a row group, as the library `datasets` writes them."""
PICTURE = 60_000
"""Bytes of an encoded picture, which do not compress."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a Markdown table; with a file, measure reading that file."""
    parser = argparse.ArgumentParser("python -m benchmarks.tables", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="read only this table, and print the cost as JSON")
    if file := parser.parse_args(arguments).file:
        try:
            print(json.dumps(read(file)))
        except InputError as error:
            parser.error(str(error))
        return
    import subprocess

    print("| table | rows | CPU seconds | peak memory / file size |")
    print("|---|---|---|---|")
    for name in FILES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            writer = multiprocessing.get_context("spawn").Process(target=write, args=(path,))
            writer.start()  # a process starts with the peak memory of the one that started it
            writer.join()
            command = [sys.executable, "-m", "benchmarks.tables", str(path)]
            cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            share = cost["bytes"] / path.stat().st_size
            print(f"| {name} | {cost['rows']:,} | {cost['seconds']:.1f} | {share:.2f} |")


def read(path: Path) -> dict[str, float]:
    """Read a table row by row."""
    before, began = _peak(), time.process_time()
    rows = sum(1 for row in tables.of_file(path, path.parent) if row.text("question"))
    return {"rows": rows, "seconds": time.process_time() - began, "bytes": _peak() - before}


def write(path: Path) -> None:
    """Write a table of SIZE bytes (uncompressed) that contains quotation marks and non-ASCII letters, or pictures."""
    if path.suffix == ".parquet":
        _write_parquet(path, pictures=path.stem == "pictures")
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix in (".tsv", ".csv"):
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
            writer.writerow(NAMES)
            for row in _rows():
                writer.writerow(row)
                if file.tell() > SIZE:
                    return
        lines, between = path.suffix == ".jsonl", "" if path.suffix == ".jsonl" else "["
        for row in _rows():
            file.write(between + json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False))
            between = "\n" if lines else ","
            if file.tell() > SIZE:
                file.write("\n" if lines else "]")
                return


def _write_parquet(path: Path, *, pictures: bool) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = (dict(zip(NAMES, row, strict=True)) for row in _rows())
    if pictures:
        rows = ({**row, "image": {"bytes": random.randbytes(PICTURE), "path": f"{row['id']}.jpg"}} for row in rows)
    size = GROUP_OF_PICTURES if pictures else GROUP
    groups = (pyarrow.Table.from_pylist(list(itertools.islice(rows, size))) for _ in itertools.count())
    first, written = next(groups), 0
    with path.open("wb") as file, pyarrow.parquet.ParquetWriter(file, first.schema) as writer:
        for group in itertools.chain([first], groups):
            writer.write_table(group)
            written += group.nbytes
            if written > SIZE:
                return


def _rows() -> Iterator[tuple[object, ...]]:
    number = 0
    while True:
        number += 1
        text = f'What stands in row {number}, and what does "row" mean, 图表 \U0001f600? ' * 8
        yield number, text, "a saw", "a file", "AB"[number % 2]


def _peak() -> int:
    """Return the peak memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
