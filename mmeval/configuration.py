"""A task with the settings of a run: how its answers are read and scored, its demonstrations and frames."""

from dataclasses import replace

from mmeval.scoring.readings import choices
from mmeval.scoring.verdicts import NO_JUDGE, WHOSE, Grader, Verdicts, graded
from mmeval.servers.addresses import check_address
from mmeval.spec import RunSpec
from mmeval.task import MIC_FACTS, Task
from mmeval.types import InputError, nearest


def configure(task: Task, spec: RunSpec, verdicts: Verdicts | None = None) -> Task:
    """Return the task with the spec's settings; None in the spec means the task's default.

    A judge's `verdicts` fill in for unparsed answers. `official` draws a letter if the judge's reply is none.
    Raises InputError for a setting that the task does not support.
    """
    if spec.early_stop and task.partial is None:
        raise InputError(f"the task '{task.name}' does not rotate options; remove --early-stop")
    if spec.partial:
        if task.partial is None:
            raise InputError(f"the task '{task.name}' does not rotate options; remove --partial")
        task = task.partial
    task = _with_frames(_with_shots(task, spec), spec)
    _check_choice(task, likelihood=spec.scoring != "text", judge=verdicts is not None and task.grader is None)
    if not task.readings and spec.reading is not None:
        raise InputError(f"the task '{task.name}' has one way to read answers; remove --reading")
    if task.grader is not None:
        task = _graded(task, task.grader, verdicts)
    if spec.scoring != "text":
        return _by_likelihood(task, spec, verdicts)
    return _read_as(task, spec, verdicts) if task.readings else task


def check_judge(task: Task, spec: RunSpec) -> None:
    """Raise InputError if the judge has no valid address or would have nothing to read."""
    if spec.judge is not None:
        check_address(spec.judge, WHOSE)
        configure(task, spec, Verdicts.none_yet(spec.judge_model or ""))
        if spec.samples > 1:
            raise InputError("a judge reads one answer to each question; remove --samples or --judge")


def _check_choice(task: Task, likelihood: bool, judge: bool) -> None:
    """Raise InputError if options are to be chosen by likelihood, or read by a judge, and the task has none."""
    if task.choice or not (likelihood or judge):
        return
    options = " and ".join(name for name, given in (("--scoring", likelihood), ("--judge", judge)) if given)
    reason = (
        "; a judge reads the letters of multiple-choice tasks, and all answers to a benchmark whose script asks a judge"
        if judge
        else ""
    )
    raise InputError(f"the task '{task.name}' is not a multiple-choice task{reason}; remove {options}")


def _graded(task: Task, grader: Grader, verdicts: Verdicts | None) -> Task:
    """Return the task with the official scorer, by a judge's replies, or with a remark that it is missing."""
    if verdicts is None:
        return replace(task, remarks=lambda records, scores: [NO_JUDGE, *task.remarks(records, scores)])
    scorers = {"official": graded(grader, verdicts), **task.scorers}
    return replace(task, scorers=scorers)


def _by_likelihood(task: Task, spec: RunSpec, verdicts: Verdicts | None) -> Task:
    if spec.reading is not None or verdicts is not None:
        raise InputError("answers chosen by likelihood are not read; remove --reading and --judge")
    remark = f"Options were chosen by likelihood, {choices.NORMALIZED[spec.scoring]}."
    return replace(
        task,
        scorers={spec.scoring: choices.LIKELIHOOD_SCORERS[spec.scoring]},
        metric_by_scorer={},
        remarks=lambda records, scores: [remark, *task.remarks(records, scores)],
    )


def _read_as(task: Task, spec: RunSpec, verdicts: Verdicts | None) -> Task:
    default, reading = next(iter(task.readings)), pick_reading(task, spec)
    if reading is None or reading not in task.readings:
        known = ", ".join(task.readings)
        raise InputError(f"no reading '{reading}'{nearest(reading or '', task.readings)}; choose from {known}")
    named = _named(task, reading)
    if task.scorers_by_reading:
        return replace(named, scorers=task.scorers_by_reading[reading])
    if reading == default and verdicts is None:
        return named
    others = {name: scorer for name, scorer in task.scorers.items() if name != "official"}
    scorers = task.scorers if reading == default else {"official": task.readings[reading], **others}
    if verdicts is not None:
        letters = {"official": verdicts.official, "strict": verdicts.strict}
        scorers = {name: choices.judged(scorers[name], letters[name]) for name in letters if name in scorers}
    return replace(named, scorers=scorers)


def _named(task: Task, reading: str) -> Task:
    """Return the task with a remark that names the reading, if others could give other numbers."""
    others = ", ".join(name for name in task.readings if name != reading)
    remark = f"Answers were read with '{reading}'; the same answers may score differently with --reading {others}."
    if not others:
        return task
    return replace(task, remarks=lambda records, scores: [*task.remarks(records, scores), remark])


def _with_shots(task: Task, spec: RunSpec) -> Task:
    if task.few_shot is None:
        if spec.shots is not None:
            if MIC_FACTS in (task.facts or {}):
                raise InputError("a MIC file's questions bring their own demonstrations; remove --shots")
            raise InputError(f"the task '{task.name}' has no demonstrations; remove --shots")
        return task
    read, shots = task.few_shot, (task.shots or 0) if spec.shots is None else spec.shots
    return replace(task, samples=lambda data: read(data, shots, spec.seed))


def _with_frames(task: Task, spec: RunSpec) -> Task:
    if task.video is None:
        if spec.frames is not None or spec.sampler is not None:
            raise InputError(f"the task '{task.name}' shows no videos; remove --frames and --sampler")
        return task
    read = task.video
    count, sampler = task.frames if spec.frames is None else spec.frames, spec.sampler or task.sampler
    return replace(task, samples=lambda data: read(data, count, sampler))


def pick_prompt(task: Task, prompt: str | None) -> str:
    """Return the requested prompt's name, or the default's. The InputError for an unknown one lists the prompts."""
    if prompt is not None and prompt not in task.prompts:
        raise InputError(
            f"the task '{task.name}' has no prompt '{prompt}'{nearest(prompt, task.prompts)}; "
            f"choose from {', '.join(task.prompts)}"
        )
    return prompt or next(iter(task.prompts))


def pick_reading(task: Task, spec: RunSpec) -> str | None:
    """Return the requested reading's name, or the default's for the requested prompt; None if there are no readings."""
    if spec.reading is not None or not task.readings:
        return spec.reading
    prompt = pick_prompt(task, spec.prompt) if task.reading_by_prompt else ""
    return task.reading_by_prompt.get(prompt, next(iter(task.readings)))
