"""Makes small folders in the benchmarks' own formats, so that no test needs their data."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from PIL import Image

from mmeval.cli import main
from mmeval.runs.run import open_run
from mmeval.runs.schema import Results
from tests.evaluating import evaluate, rescore


def png(number: int = 0, size: int = 8) -> bytes:
    """A picture that depends on the number."""
    out = io.BytesIO()
    Image.new("RGB", (size, size), (number * 37 % 256, number * 11 % 256, number // 7 % 256)).save(out, "PNG")
    return out.getvalue()


def picture(path: Path, number: int = 0, size: int = 8) -> Path:
    """Write such a picture to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(number, size))
    return path


def jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write one JSON object per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a table as the hub has it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def embedded(number: int) -> dict[str, Any]:
    """A picture in a table."""
    return {"bytes": png(number), "path": None}


def call(*arguments: object, width: int = 160, stdin: str = "") -> Result:
    """Call the command line in a terminal of `width` columns."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, input=stdin, env={"COLUMNS": str(width)})


def run(task: object, data: object, out: Path, model: str = "constant", **options: Any) -> Results:
    """Run a task on a folder to its end, score it again, and return its scores; no figures are drawn."""
    scores = evaluate(model, str(task), data=str(data), out=out, **options).results
    assert rescore(open_run(out)) == scores
    return scores


def value(scores: Results, metric: str, scorer: str | None = None) -> Any:
    """Return a number of a run, by its first scorer or another."""
    return scores.by(scorer or scores.scorer)[metric].value
