"""`make verify-real MODEL=...`: run all of MME on published weights and compare with the published values.

This needs the weights and access to the hub. The result is written to `reports/verified/`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmeval
from mmeval.files import write_json
from mmeval.reporting import console
from mmeval.runs.schema import to_json
from mmeval.types import Estimate, InputError

PUBLISHED = {
    "mmicl-flan-t5-xxl": {"perception": 1313.88, "cognition": 311.79},
    "mmicl-flan-t5-xl": {"perception": 1184.54, "cognition": 277.86},
}
"""The released checkpoints as re-evaluated by third parties (Brote's README; reports/reference/ has the rows)."""

TOLERANCE = 0.03
"""Share of full marks, because the exact prompts and library versions of those evaluations are unknown."""

CONTEXT: str | None = "mme-authors"
"""The prompt of MMICL's authors for MME."""

VERIFIED = Path("reports/verified")


def verify(model: str, data: str = "hub") -> dict[str, Any]:
    """Run MME, compare its totals with the published ones, and return the record written to `VERIFIED`."""
    with console.display() as display:
        run = mmeval.evaluate(model=model, task="mme", data=data, context=CONTEXT, display=display)
    metrics = run.results.metrics
    values = {name: _compared(metrics[name], value) for name, value in PUBLISHED[model].items()}
    verdict = {"model": model, "identity": run.identity, "sessions": to_json(run.sessions), "values": values}
    VERIFIED.mkdir(parents=True, exist_ok=True)
    write_json(VERIFIED / f"{model}.json", verdict)
    return verdict


def _compared(metric: Estimate, published: float) -> dict[str, Any]:
    measured, tolerance = metric.value, TOLERANCE * metric.full_marks
    return {
        "published": published,
        "measured": measured,
        "interval": [metric.low, metric.high],
        "tolerance": tolerance,
        "agrees": measured is not None and abs(measured - published) <= tolerance,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each value; exit with status 1 if one is outside the tolerance."""
    parser = argparse.ArgumentParser(
        "python -m experiments.verify", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", choices=PUBLISHED)
    parser.add_argument("--data", default="hub", help="MME's release folder or table")
    options = parser.parse_args(arguments)
    try:
        verdict = verify(options.model, options.data)
    except InputError as error:
        print(f"mmeval: {error}", file=sys.stderr)
        sys.exit(2)
    for name, row in verdict["values"].items():
        outcome = "agrees with" if row["agrees"] else "differs from"
        console.say(f"{name}: {row['measured']} {outcome} {row['published']} (tolerance {row['tolerance']:g})")
    sys.exit(not all(row["agrees"] for row in verdict["values"].values()))


if __name__ == "__main__":
    main()
