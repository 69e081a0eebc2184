"""The runs of a run's controls: where they are, how they score, and what they lack."""

from collections.abc import Sequence
from pathlib import Path

from mmeval import controls
from mmeval.runs.identity import differing
from mmeval.runs.run import Run, open_run
from mmeval.runs.scored import Scored, score_records
from mmeval.scoring.metrics.groups import in_whole_groups
from mmeval.task import Task
from mmeval.types import InputError, part_of

OTHER_MODEL = {"checkpoint", "context", "engine", "model_revision"}
"""Identity fields, in addition to the control, in which a run of the language model alone may differ."""


def folders(run: Run) -> list[Path]:
    """Return the folders of the run's controls."""
    return sorted(path.parent for path in run.folder.glob("controls/*/run.json"))


def scored_controls(run: Run, task: Task) -> tuple[dict[str, Scored], dict[str, str], list[str]]:
    """Return each control's answers and its `acts` sentence, and remarks on incomplete controls."""
    scored, acts, remarks, paths = {}, {}, [], folders(run)
    lacking: dict[str, list[str]] = {}
    if not paths:
        remarks.append(
            "No control was run. To see how much the answers depend on the picture, "
            "repeat `mmeval run` with --control standard."
        )
    for folder in paths:
        control = open_run(folder)
        free = {"control"} | (OTHER_MODEL if control.spec.control == controls.TEXT else set())
        names = (name for name, *_ in differing(run.identity, control.identity))
        differs = [name for name in names if name.partition(".")[0] not in free]
        if differs:
            raise InputError(
                f"{folder} is not of the same run: {differs[0]} differs; delete it, or repeat the control with --fresh"
            )
        if not control.records:
            continue
        if not control.complete:
            lacking.setdefault(_lacking(control), []).append(str(control.spec.control))
        planned = [record for record in run.records if control.planned is None or record.id in control.planned]
        common = {record.id for record in planned} & {record.id for record in control.records}
        counted = in_whole_groups(common, planned, control.records)  # one of the two may be unfinished
        name = str(control.spec.control)
        scored[name] = score_records(task, [record for record in control.records if record.id in counted])
        acts[name] = control.header.control.get("acts", "")
    remarks += [f"{named(names)} incomplete: {why}." for why, names in lacking.items()]
    return scored, acts, remarks


def unfinished(run: Run) -> list[str]:
    """Return the run's controls that still have questions to ask."""
    runs = map(open_run, folders(run))
    return [control.folder.name for control in runs if control.samples_asked < control.samples_planned]


def named(names: Sequence[str]) -> str:
    """Return the controls as a sentence's beginning: `The controls grey, noise are`."""
    noun, verb = ("control", "is") if len(names) == 1 else ("controls", "are")
    return f"The {noun} {', '.join(names)} {verb}"


def _lacking(run: Run) -> str:
    """Return why a run has fewer answers than questions, as a clause."""
    errors = [record.error for record in run.records if record.error is not None]
    total, left = run.samples_planned, run.samples_planned - run.samples_asked
    reasons = [part_of(left, total, "question", "is not asked yet", "are not asked yet")] if left else []
    if errors:
        count = part_of(len(errors), total, "answer", "is an error", "are errors")
        reasons.append(f"{count}, such as: {errors[0]:.200}")
    return "; ".join(reasons)
