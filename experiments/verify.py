"""`make verify-real MODEL=...`: full MME on published weights, held against the published values.

For whoever has the weights and reaches the hub; the result lands in `reports/verified/`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mmeval import evaluation as door
from mmeval.reporting import console
from mmeval.run import write_json
from mmeval.types import InputError, nearest

PUBLISHED = {
    "mmicl-flan-t5-xxl": {"perception": 1313.88, "cognition": 311.79},
    "mmicl-flan-t5-xl": {"perception": 1184.54, "cognition": 277.86},
}
"""The released checkpoints as re-evaluated by third parties (Brote's README; reports/reference/ has the rows)."""

TOLERANCE = 0.03
"""Share of the full marks: prompts and library versions of those evaluations are not known to the letter."""

VERIFIED = Path("reports/verified")


def verify(model: str) -> dict[str, Any]:
    """Runs MME from the hub and compares; returns what is written. Raises InputError for a model without values."""
    if model not in PUBLISHED:
        raise InputError(
            f"no published values for '{model}'{nearest(model, PUBLISHED)}; there are some for {', '.join(PUBLISHED)}"
        )
    with console.progress() as progress:
        run = door.evaluate(model, "mme", data="hub", context="mme-authors", progress=progress, say=console.say)
    metrics = run.results["metrics"]
    rows = {
        name: {
            "published": value,
            "measured": metrics[name]["value"],
            "interval": [metrics[name]["low"], metrics[name]["high"]],
            "tolerance": TOLERANCE * metrics[name]["full_marks"],
        }
        for name, value in PUBLISHED[model].items()
    }
    for row in rows.values():
        row["agrees"] = row["measured"] is not None and abs(row["measured"] - row["published"]) <= row["tolerance"]
    verdict = {"model": model, "identity": run.identity, "sessions": run.sessions, "values": rows}
    VERIFIED.mkdir(parents=True, exist_ok=True)
    write_json(VERIFIED / f"{model}.json", verdict)
    return verdict


def main() -> None:
    """Prints a line a value; status 1 where one is outside the tolerance."""
    try:
        verdict = verify(sys.argv[1])
    except InputError as error:
        print(f"mmeval: {error}", file=sys.stderr)
        sys.exit(2)
    for name, row in verdict["values"].items():
        verdict_word = "agrees with" if row["agrees"] else "differs from"
        console.say(f"{name}: {row['measured']} {verdict_word} {row['published']} (tolerance {row['tolerance']:g})")
    sys.exit(not all(row["agrees"] for row in verdict["values"].values()))


if __name__ == "__main__":
    main()
