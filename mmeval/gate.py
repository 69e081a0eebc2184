"""Conditions on compared scores, for continuous integration: `A >= B - 1`, `perception: A > 1200`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmeval.comparison import Comparison
from mmeval.types import InputError, nearest

_GATE = re.compile(
    r"(?:(?P<metric>[^:<>=]+?)\s*:\s*)?(?P<left>\S+)\s*(?P<sign>>=|<=|>|<)\s*(?P<right>\S+)"
    r"(?:\s+(?P<way>[+-])\s*(?P<amount>\d+(?:\.\d+)?)(?P<percent>%)?)?"
)
_HOLDS = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}


@dataclass(frozen=True)
class Verdict:
    """Whether a condition holds, and a sentence with the numbers."""

    holds: bool
    sentence: str


def check(gate: str, comparison: Comparison) -> Verdict:
    """Check `[METRIC:] LEFT >= RIGHT [+|- AMOUNT[%]]` on the scores as compared.

    LEFT and RIGHT are runs: A, B, ... in the order in which they were given, or their names; RIGHT may be a number.
    An amount is in the number's own unit, or in percent of full marks. Without a metric, the first headline number of
    the runs' task is meant. A score without a value fails. Raises InputError for what cannot be read.
    """
    found = _GATE.fullmatch(gate.strip())
    if found is None:
        raise InputError(f"cannot read the condition '{gate}'; write it as 'A >= B - 1' or 'perception: A > 1200'")
    left = _run(found["left"], comparison, gate)
    try:
        bound: float | None = float(found["right"])
        right = None
    except ValueError:
        bound, right = None, _run(found["right"], comparison, gate)
    name, value, other, full = _scores(left, right, found["metric"], comparison, gate)
    bound = other if right is not None else bound
    amount = float(found["amount"] or 0) * (full / 100 if found["percent"] else 1)
    if value is None or bound is None:
        return Verdict(False, f"{gate}: does not hold, {name} has no value")
    bound += -amount if found["way"] == "-" else amount
    holds = bool(_HOLDS[found["sign"]](value, bound))
    says = "holds" if holds else "does not hold"
    return Verdict(holds, f"{gate}: {says} ({name}: {value:,.2f} {found['sign']} {bound:,.2f})")


def _run(name: str, comparison: Comparison, gate: str) -> str:
    runs = list(comparison.runs)
    if name in runs:
        return name
    if len(name) == 1 and name.isupper() and ord(name) - ord("A") < len(runs):
        return runs[ord(name) - ord("A")]
    raise InputError(f"'{gate}': no run is called '{name}'{nearest(name, runs)}; the runs are {', '.join(runs)}")


def _scores(
    left: str, right: str | None, metric: str | None, comparison: Comparison, gate: str
) -> tuple[str, float | None, float | None, float]:
    """Return the number's label, both scores and full marks: on the common questions where two runs are compared."""
    wanted = {left, right} - {None}
    for pair in comparison.pairs:
        if not wanted <= {pair.first, pair.other}:
            continue
        heads = [row for row in pair.rows if row.headline]
        known = {row.metric: row for row in pair.rows} | {row.label: row for row in pair.rows}
        if metric is not None and metric not in known:
            raise InputError(f"'{gate}': no number '{metric}'{nearest(metric, known)}; choose from {', '.join(known)}")
        row = heads[0] if metric is None else known[metric]
        own = {pair.first: row.first, pair.other: row.other}
        other = own[right].value if right is not None else None
        return row.label, own[left].value, other, row.first.full_marks
    raise InputError(f"'{gate}': {left} and {right} are not compared; each run is compared with the first of its task")
