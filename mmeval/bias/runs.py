"""The runs of a run's controls: where they are, how they score, and what they lack."""

from collections.abc import Sequence
from pathlib import Path

from mmeval import controls as known
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
    found, acts, remarks, paths = {}, {}, [], folders(run)
    lacking: dict[str, list[str]] = {}
    if not paths:
        remarks.append(
            "No control was run. To see how much the answers depend on the picture, "
            "repeat `mmeval run` with --control standard."
        )
    for folder in paths:
        own = open_run(folder)
        free = {"control"} | (OTHER_MODEL if own.spec.control == known.TEXT else set())
        other = [name for name, *_ in differing(run.identity, own.identity) if name.partition(".")[0] not in free]
        if other:
            raise InputError(
                f"{folder} is not of the same run: {other[0]} differs; delete it, or repeat the control with --fresh"
            )
        if not own.records:
            continue
        if not own.complete:
            lacking.setdefault(_lacking(own), []).append(str(own.spec.control))
        planned = [record for record in run.records if own.planned is None or record.id in own.planned]
        both = {record.id for record in planned} & {record.id for record in own.records}
        whole = in_whole_groups(both, planned, own.records)  # one of the two may be unfinished
        name = str(own.spec.control)
        found[name] = score_records(task, [record for record in own.records if record.id in whole])
        acts[name] = str(own.header.get("control", {}).get("acts", ""))
    remarks += [f"{named(names)} incomplete: {why}." for why, names in lacking.items()]
    return found, acts, remarks


def unfinished(run: Run) -> list[str]:
    """Return the run's controls that still have questions to ask."""
    found = map(open_run, folders(run))
    return [one.folder.name for one in found if one.samples_asked < one.samples_planned]


def named(controls: Sequence[str]) -> str:
    """Return the controls as a sentence's beginning: `The controls grey, noise are`."""
    return (
        f"The control{' ' if len(controls) == 1 else 's '}{', '.join(controls)} {'is' if len(controls) == 1 else 'are'}"
    )


def _lacking(run: Run) -> str:
    """Return why a run has fewer answers than questions, as a clause."""
    errors = [record.error for record in run.records if record.error is not None]
    total, left = run.samples_planned, run.samples_planned - run.samples_asked
    found = [part_of(left, total, "question", "is not asked yet", "are not asked yet")] if left else []
    if errors:
        count = part_of(len(errors), total, "answer", "is an error", "are errors")
        found.append(f"{count}, such as: {errors[0]:.200}")
    return "; ".join(found)
