"""Reading a 200 MB text table: seconds, and peak memory beyond the program's own, as a share of the file.

`python -m benchmarks.tables`. The tables are made up; each is read in a separate process.
"""

from __future__ import annotations

import argparse
import csv
import json
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
SUFFIXES = (".tsv", ".csv", ".jsonl", ".json")


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

    print("| table | rows | seconds | peak memory / file size |")
    print("|---|---|---|---|")
    for suffix in SUFFIXES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"t{suffix}"
            write(path)
            command = [sys.executable, "-m", "benchmarks.tables", str(path)]
            cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            share = cost["bytes"] / path.stat().st_size
            print(f"| {suffix} | {cost['rows']:,} | {cost['seconds']:.1f} | {share:.2f} |")


def read(path: Path) -> dict[str, float]:
    """Read a table row by row."""
    before, began = _peak(), time.perf_counter()
    rows = sum(1 for row in tables.of_file(path, path.parent) if row.text("question"))
    return {"rows": rows, "seconds": time.perf_counter() - began, "bytes": _peak() - before}


def write(path: Path) -> None:
    """Write a table of SIZE bytes that contains quotation marks and non-ASCII letters."""
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
