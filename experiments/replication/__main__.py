"""`make replicate`: measure the tiny family on every claim (`reports/replication/`) and suite (`reports/embedded/`)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from experiments.replication import page, suites
from experiments.replication.claims import Rows, ablations, claims
from experiments.replication.measure import Asker, TokensInARow
from mmeval.embedded import SUITES
from mmeval.engine.transformer import TransformerModel
from mmeval.files import read_json, validated, write_json, write_text
from mmeval.models import ModelOptions, find_model, load_model
from mmeval.task_loading import load_task
from mmeval.types import InputError, Model

MODELS = {"mmicl-tiny": None, "instructblip-tiny": "side-by-side", "blip2-tiny": "side-by-side", "text-tiny": None}
"""The family, and how each member is shown several pictures (None: its own way)."""
PICTURES, PUZZLES = 40, 100


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the reports."""
    parser = argparse.ArgumentParser(
        "python -m experiments.replication", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("reports/replication"), help="where the page is written")
    parser.add_argument(
        "--work", type=Path, default=Path("work/tiny"), help="folder of `python -m experiments.tiny` with the ablations"
    )
    options = parser.parse_args(arguments)
    try:
        _measure(options.work, options.out)
    except InputError as error:
        parser.error(str(error))


def _measure(work: Path, out: Path) -> None:
    """Measure everything and write the reports. Raises InputError if a model cannot be loaded or does not answer."""
    earlier = _earlier(out / "numbers.json")
    folders = sorted((work / "ablations").glob("*"))
    ablated = {folder.name: load(f"mmicl:{folder}", _context(folder.name)) for folder in folders}
    family: dict[str, Asker] = {name: load(name, context) for name, context in MODELS.items()}
    one_picture = load("instructblip-tiny", "plain")
    assert isinstance(one_picture, TransformerModel)
    in_a_row = TokensInARow(one_picture)
    results = claims(family | {in_a_row.name: in_a_row}, PICTURES, PUZZLES)
    if ablated or earlier is None:
        results["ablations"] = ablations({"mmicl-tiny": load("mmicl-tiny", None), **ablated}, PICTURES, PUZZLES)
    else:
        results["ablations"] = earlier
    out.mkdir(parents=True, exist_ok=True)
    numbers = {
        claim: {row: {key: asdict(estimate) for key, estimate in cells.items()} for row, cells in rows.items()}
        for claim, rows in results.items()
    }
    write_json(out / "numbers.json", numbers)
    for path in page.write(results, out):
        print(path)
    suites_page = out.parent / "embedded" / "README.md"
    suites_page.parent.mkdir(parents=True, exist_ok=True)
    measured: dict[str, suites.Results] = {}
    for task in SUITES:
        print(f"measuring the suite {task}", flush=True)
        measured[task] = suites.measure(load_task(task), MODELS, out.parent)
    write_text(suites_page, suites.page(measured))
    print(suites_page)


def _earlier(file: Path) -> Rows | None:
    """Return (f) as it was last measured, None if it never was. Raises InputError if the file is not one of these."""
    if not file.exists():
        return None
    advice = "restore the file, or remove it to measure (f) again"
    rows = read_json(file, advice).get("ablations")
    return cast(Rows, validated(Rows, rows, f"{file}, ablations", advice))


def _context(name: str) -> str:
    """Return how an ablation, or a member with another seed, is shown its pictures."""
    member, _, _ = name.partition(" seed ")
    return MODELS.get(member) or ("plain" if member == "no declaration" else "declaration")


def load(name: str, context: str | None) -> Model:
    """Load a model; `context` says how its pictures are shown, None in its own way."""
    checkpoint = find_model(name)
    return load_model(checkpoint, ModelOptions(context)) if context else load_model(checkpoint)


if __name__ == "__main__":
    main()
