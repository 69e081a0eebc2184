"""The loop: samples become requests, a model answers them, every answer becomes a record; then the scores.

It is given a Task and a Model as values and knows no benchmark and no model by name.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mmeval.run import SCHEMA, Journal, Run
from mmeval.scoring.early_stop import EarlyStop
from mmeval.scoring.statistics import estimate, parts
from mmeval.task import Task
from mmeval.types import (
    Generation,
    Image,
    InputError,
    Model,
    Parts,
    Record,
    Ref,
    Request,
    Response,
    Sample,
    Score,
    Unsupported,
    images,
)

WINDOW = 512
"""Requests given to a model at once: enough to sort by length and to share pictures, and bounded."""

Progress = Callable[[int, int], None]
"""Called with the answers there are and the answers there will be."""


@dataclass(frozen=True)
class Survey:
    """What a first reading of the data found: what it is, and which samples a run asks."""

    digest: str
    """SHA-256 over all of every sample, its pictures by content, in order, whatever the limit."""
    ids: tuple[str, ...]
    """The samples to ask, in the data's order."""
    widest: tuple[int, str]
    """The most pictures in one prompt, and the id of a sample that has them."""


def survey(samples: Iterable[Sample], limit: int | None = None) -> Survey:
    """Reads the data once. A limit takes whole groups, evenly from all categories.

    Raises InputError for two samples of one id, and for no samples at all.
    """
    digest = hashlib.sha256()
    groups: dict[str, dict[str, list[str]]] = {}
    order: dict[str, None] = {}
    widest = (0, "")
    for sample in samples:
        if sample.id in order:
            raise InputError(f"two samples have the id '{sample.id}'; make the ids differ")
        order[sample.id] = None
        digest.update(_fingerprint(sample))
        group = next(iter(sample.groups.values()), sample.id)
        groups.setdefault(sample.category, {}).setdefault(group, []).append(sample.id)
        widest = max(widest, (_pictures(sample), sample.id), key=lambda pair: pair[0])
    if not order:
        raise InputError("the data holds no sample")
    ids = tuple(order) if limit is None else _evenly(groups, order, limit)
    return Survey(digest.hexdigest(), ids, widest)


def ask(
    task: Task,
    model: Model,
    run: Run,
    samples: Iterable[Sample],
    plan: Survey,
    *,
    prompt: str,
    generation: Generation,
    progress: Progress,
    weigh: bool = False,
    early_stop: bool = False,
) -> None:
    """Asks what the run does not hold yet, and appends each answer as it comes.

    `weigh` asks for the likelihood of each option in place of a text. With `early_stop` the turns of a question
    are asked one after the other, and none after one that was read by every scorer and found wrong: the
    question is lost, and CircularEval the same. Raises Unsupported, before anything is asked, if a prompt has
    more pictures than the model takes.
    """
    check_pictures(model, plan)
    weigh = weigh or task.candidates is not None
    with run.journal() as journal:
        held = run.records
        wanted = set(plan.ids) - {record.id for record in held}
        stop = EarlyStop(task.scorers.values(), held) if early_stop else None
        done = itertools.count(len(plan.ids) - len(wanted) + 1)
        progress(len(plan.ids) - len(wanted), len(plan.ids))
        for window in _windows(sample for sample in samples if sample.id in wanted):
            for wave in stop.waves(window) if stop else [window]:
                asked = {sample.id: (sample, render(task, sample, prompt, weigh)) for sample in wave}
                for id in [id for id, (sample, _) in asked.items() if stop and sample in stop]:
                    _skip(journal, *asked.pop(id))
                    progress(next(done), len(plan.ids))
                requests = [request for _, request in asked.values()]
                for response in model.loglikelihood(requests) if weigh else model.generate(requests, generation):
                    answer = record(*asked[response.id], response)
                    journal.append(answer)
                    progress(next(done), len(plan.ids))
                    if stop:
                        stop.see(answer)


def render(task: Task, sample: Sample, prompt: str, weigh: bool = False) -> Request:
    """Put the sample and its demonstrations into words, without its targets.

    A demonstration is worded as a question is. One without a picture stands in the prompt, as a line of text; one that
    the prompt says nothing of is left out. To be weighed come the task's candidates or the sample's own options.
    """
    candidates = tuple(words(choice) for choice in sample.choices) if weigh else ()
    if task.candidates is not None:
        candidates = task.candidates(sample)
    say = task.prompts[prompt]
    shots = [
        replace(shot, prompt=say(replace(sample, prompt=shot.prompt, choices=(), shots=()))) for shot in sample.shots
    ]
    spoken = "".join(
        f"{_written(shot.prompt)} {shot.answer}\n" for shot in shots if shot.prompt and not images(shot.prompt)
    )
    shown = tuple(shot for shot in shots if images(shot.prompt))
    return Request(sample.id, (*([spoken] if spoken else []), *say(sample)), shown, candidates)


def pictures(samples: Iterable[Sample], ids: Collection[str]) -> dict[str, tuple[Image, ...]]:
    """The pictures of those samples, the question's and then the options', by the sample's id."""
    found: dict[str, tuple[Image, ...]] = {}
    for sample in samples:
        if sample.id in ids:
            found[sample.id] = sum(map(images, (sample.prompt, *sample.choices)), ())
            if len(found) == len(ids):
                break
    return found


def record(sample: Sample, request: Request, response: Response) -> Record:
    """What is kept of one question: the sample's facts, what was asked, what was said.

    Likelihoods that are no finite numbers (a float16 overflow) are an error: compared, they would choose something.
    """
    weights, error = response.loglikelihoods, response.error
    if weights is not None and not all(map(math.isfinite, weights)):
        weights, error = None, f"the model's likelihoods are no finite numbers {weights}; try --dtype float32"
    return Record(
        id=sample.id,
        targets=sample.targets,
        category=sample.category,
        groups=sample.groups,
        tags=sample.tags,
        choices=tuple(_written(choice) for choice in sample.choices),
        question=words(request.prompt),
        images=tuple(image.digest for image in images(request.prompt)),
        text=response.text,
        loglikelihoods=weights,
        error=error,
        sent=response.sent,
        reasoning=response.reasoning,
        finish_reason=response.finish_reason,
        input_tokens=response.input_tokens,
        output_tokens=response.output_tokens,
        seconds=response.seconds,
    )


def words(parts: Parts) -> str:
    """The text of a prompt, pictures left out, references written out."""
    return _written(parts).strip()


def _written(parts: Parts) -> str:
    """Likewise, with the blanks around it: the public readers look for an option as its table has it."""
    said = (f"image {part.image}" if isinstance(part, Ref) else part for part in parts if not isinstance(part, Image))
    return "".join(said)


def judge(task: Task, records: Sequence[Record], scorer: str) -> list[Score]:
    """The score of each record; a record with an error has none."""
    score = task.scorers[scorer]
    return [score(r) if r.error is None else Score(None, "error") for r in records]


def score(task: Task, records: Sequence[Record]) -> dict[str, Any]:
    """What `scores.json` holds: every metric under every scorer as an Estimate, and the counts."""
    judged = {name: judge(task, records, name) for name in task.scorers}
    measured = {name: task.metrics[name](records, scores) for name, scores in judged.items()}
    metrics = {
        name: {key: asdict(estimate(statistic)) for key, statistic in statistics.items()}
        for name, statistics in measured.items()
    }
    main, *others = task.scorers
    outcomes = Counter(score.outcome for score in judged[main])
    counts = {name: outcomes[name] for name in ("correct", "incorrect", "unparsed", "refused", "error")}
    if outcomes["unscored"]:
        counts["unscored"] = outcomes["unscored"]
    return {
        "schema": SCHEMA,
        "task": task.name,
        "scorer": main,
        "metrics": metrics[main],
        **{name: metrics[name] for name in others},
        "parts": {key: found for key, statistic in measured[main].items() if (found := parts(statistic))},
        "counts": {"samples": len(records), **counts},
        "remarks": task.remarks(records, judged[main]),
    }


def check_pictures(model: Model, plan: Survey) -> None:
    """Raises Unsupported if a prompt has more pictures than the model takes."""
    most, sample = plan.widest
    if model.max_images is not None and most > model.max_images:
        raise Unsupported(
            f"{model.name} takes {model.max_images} picture(s) and sample '{sample}' has {most}; "
            "choose a model that takes more, or paste them into one with --context side-by-side"
        )


def unread(task: Task, records: Sequence[Record]) -> list[Record]:
    """The answers that a scorer could read nothing out of: what a judge is asked about."""
    judged = [judge(task, records, name) for name in task.scorers]
    return [
        record
        for record, *scores in zip(records, *judged, strict=True)
        if any(score.outcome == "unparsed" for score in scores)
    ]


def _skip(journal: Journal, sample: Sample, request: Request) -> None:
    unasked = record(sample, request, Response(sample.id))
    journal.append(replace(unasked, tags={**sample.tags, "skipped": "lost at an earlier turn"}))


def _pictures(sample: Sample) -> int:
    shown = (sample.prompt, *sample.choices, *(shot.prompt for shot in sample.shots))
    return sum(len(images(parts)) for parts in shown)


def _evenly(groups: dict[str, dict[str, list[str]]], order: Iterable[str], limit: int) -> tuple[str, ...]:
    chosen: set[str] = set()
    for row in itertools.zip_longest(*(category.values() for category in groups.values())):
        for group in row:
            if group is not None and len(chosen) < limit:
                chosen.update(group)
    return tuple(sample for sample in order if sample in chosen)


def _fingerprint(sample: Sample) -> bytes:
    def content(prompt: Parts) -> list[str]:
        return [part.digest if isinstance(part, Image) else repr(part) for part in prompt]

    shots = [(content(shot.prompt), shot.answer) for shot in sample.shots]
    choices = [content(choice) for choice in sample.choices]
    keys = (sample.category, sorted(sample.groups.items()), sorted(sample.tags.items()))
    whole = (sample.id, content(sample.prompt), sample.targets, choices, shots, keys)
    return hashlib.sha256(repr(whole).encode("utf-8", "backslashreplace")).digest()


def _windows(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while window := list(itertools.islice(samples, WINDOW)):
        yield window
