"""Run folders and their outputs: of one or several processes, under controls, reused by another run."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from mmeval import comparison, evaluation, gate
from mmeval.bias.study import study
from mmeval.evaluation import asking, results, sweep
from mmeval.reporting import bias, interchange, run_report
from mmeval.runs.run import Run, open_run
from mmeval.runs.share import Share
from mmeval.spec import RunSpec
from mmeval.types import Display, InputError
from tests import evaluating
from tests.fuzz.target import Target, command
from tests.mme_folder import make_release

CONTROLS = ("absent", "guess", "grey")


def _spec(folder: Path, **values: Any) -> RunSpec:
    """Return the run that is made in a folder, with its data beside it."""
    data = folder.with_name(f"{folder.name}-data")
    if not data.exists():
        make_release(data, pictures=1)
    return RunSpec("mme", "constant", data=str(data), **values)


def _evaluate(folder: Path, name: str = "run", **options: Any) -> Run:
    spec = _spec(folder)
    return evaluating.evaluate("constant", "mme", data=spec.data, out=folder / name, **options)


def _shares(folder: Path) -> Run:
    """Let each of two processes ask a part of the run."""
    plan = evaluation.plan(_spec(folder), folder / "run")
    for rank in range(2):
        run = evaluation.ask(plan, fresh=False, keep_errors=False, display=Display(), share=Share(rank, 2))
    run = open_run(run.folder)
    evaluation.score(run)
    assert run.complete
    return run


def _look(run: Run, rng: random.Random) -> None:
    """Read or remake everything that is derived from the run."""
    _ = run.marks, run.remarks
    if rng.random() < 0.5:
        evaluation.score(run)
    _ = run.results, run.judged, run.scores, run.samples
    if rng.random() < 0.3:
        evaluation.report(results.current(run.folder))
    if rng.random() < 0.3:
        interchange.write(run, rng.choice(("csv", "latex", "lm-eval", "inspect")))


def _read(folder: Path, rng: random.Random) -> None:
    _look(open_run(folder / "run"), rng)


def _go_on(folder: Path, rng: random.Random) -> None:
    """Begin the same run again, alone or as one of two processes."""
    if rng.random() < 0.5:
        assert _evaluate(folder, fresh=rng.random() < 0.3).complete
        return
    plan = evaluation.plan(_spec(folder), folder / "run")
    share = Share(rng.randrange(2), 2)
    evaluation.ask(plan, fresh=False, keep_errors=rng.random() < 0.5, display=Display(), share=share)


def _with_controls(folder: Path) -> None:
    run = _evaluate(folder)
    sweep.under_controls(run, _spec(folder), CONTROLS)
    bias.write(run.folder, study(run))


def _study(folder: Path, rng: random.Random) -> None:
    """Study a run and its controls, show the panel of an earlier study, or go on with the controls."""
    run = open_run(folder / "run")
    choice = rng.random()
    if choice < 0.5:
        study(run)
    elif choice < 0.8:
        bias.panel(run)
        _ = run_report._controls(run)
    else:
        sweep.under_controls(run, _spec(folder), rng.sample(CONTROLS, 1))


def _command_of_controls(folder: Path, rng: random.Random) -> None:
    run = folder / "run"
    words = rng.choice(
        (("bias", run), ("bias", run, "--json"), ("report", run, "--out", folder / "out"), ("score", run))
    )
    command(*words)


def _two(folder: Path) -> None:
    for name in ("run", "other"):
        _evaluate(folder, name)


def _compare(folder: Path, rng: random.Random) -> None:
    first, other = (results.current(folder / name) for name in ("run", "other"))
    pair = comparison.compare(first, other)
    gate.check("B >= A - 1", pair)


def _gates(folder: Path) -> None:
    """Make two runs and a condition on their difference, which is the file that gets damaged."""
    for name in ("run", "other"):
        _evaluate(folder, f"../{folder.name}-{name}")
    (folder / "gate.txt").write_text("Perception: A >= B - 1.5%")


@cache
def _compared(first: Path, second: Path) -> comparison.Comparison:
    return comparison.compare(first, second)


def _check_gate(folder: Path, rng: random.Random) -> None:
    runs = (folder.with_name(f"{folder.name}-{name}") for name in ("run", "other"))
    gate.check((folder / "gate.txt").read_text(errors="replace"), _compared(*runs))


def _cache(folder: Path) -> None:
    _evaluate(folder, "reports/earlier")


def _reuse(folder: Path, rng: random.Random) -> None:
    """Begin another run beside earlier ones: it must succeed however damaged these are."""
    out = folder.with_name(f"{folder.name}-new")
    shutil.rmtree(out, ignore_errors=True)
    with mock.patch.object(asking, "REPORTS", folder / "reports"):
        try:
            complete = _evaluate(folder, f"../{out.name}").complete
        except InputError as error:
            raise AssertionError("a run is not made since an earlier one is damaged") from error
    assert complete


def _part(folder: Path) -> Run:
    """Make a run of some of the questions, with prices."""
    return _evaluate(folder, limit=20, price_in=1.0, price_out=2.0)


TARGETS: Mapping[str, Target] = {
    "run folder": Target(_evaluate, _read),
    "run folder with a limit": Target(_part, _read),
    "run folder, going on": Target(_evaluate, _go_on),
    "run folder of two processes": Target(_shares, _read),
    "run folder of two processes, going on": Target(_shares, _go_on),
    "run folder with controls": Target(_with_controls, _study),
    "run folder with controls, its commands": Target(_with_controls, _command_of_controls),
    "two run folders": Target(_two, _compare),
    "conditions": Target(_gates, _check_gate),
    "earlier runs": Target(_cache, _reuse),
}
