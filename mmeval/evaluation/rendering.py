"""Render samples as requests, and make records of the answers: Sample -> Request -> Record."""

import math
from dataclasses import replace

from mmeval.controls.mentions import RELEVANT, relevant
from mmeval.data import video
from mmeval.reasoning import split
from mmeval.runs import reuse
from mmeval.scoring.readings.choices import letter
from mmeval.task import Task
from mmeval.types import Parts, Record, Request, Response, Sample, Shot, images, replace_surrogates, text_of


def render(task: Task, sample: Sample, prompt: str, scoring: str = "text") -> Request:
    """Render a sample and its demonstrations with a prompt, without the targets.

    Demonstrations use the same prompt. A demonstration without a picture becomes a line of text at the start of the
    prompt; one that renders as nothing is left out. Likelihood candidates are the task's, or the sample's options;
    first-token scoring uses the options' letters.
    """
    candidates = tuple(text_of(choice).strip() for choice in sample.choices) if scoring != "text" else ()
    if scoring == "first-token":
        candidates = tuple(map(letter, range(len(candidates))))
    if task.candidates is not None:
        candidates = task.candidates(sample)
    word = task.prompts[prompt]
    blank = replace(sample, choices=(), shots=())
    worded = [replace(shot, prompt=word(replace(blank, prompt=shot.prompt))) for shot in sample.shots]
    shots = [Shot(_replace_surrogates(shot.prompt), replace_surrogates(shot.answer)) for shot in worded]
    with_pictures = tuple(shot for shot in shots if images(shot.prompt))
    texts = [f"{text_of(shot.prompt)} {shot.answer}\n" for shot in shots if shot.prompt and not images(shot.prompt)]
    parts = _replace_surrogates((*(["".join(texts)] if texts else []), *word(sample)))
    return Request(sample.id, parts, with_pictures, tuple(map(replace_surrogates, candidates)))


def record(sample: Sample, request: Request, response: Response, digest: str = "") -> Record:
    """Return the record of one question: the sample's facts and digest, the request and the response.

    Reasoning within the text is also stored separately. The text stays whole because official readings read all of it.
    Likelihoods that are not finite (a float16 overflow) are an error, because comparing them would choose an option.
    """
    likelihoods, error = response.loglikelihoods, response.error
    index = relevant(sample, request)
    picture_tags = video.times(images(request.prompt)) | ({} if index is None else {RELEVANT: str(index + 1)})
    if likelihoods is not None and not all(map(math.isfinite, likelihoods)):
        error = f"the model's likelihoods are not finite numbers {likelihoods}; try --dtype float32"
        likelihoods = None
    return Record(
        id=sample.id,
        targets=sample.targets,
        category=sample.category,
        groups=sample.groups,
        tags={**sample.tags, **picture_tags},
        choices=tuple(text_of(choice) for choice in sample.choices),
        question=text_of(request.prompt).strip(),
        images=tuple(image.digest for image in images(request.prompt)),
        digest=digest,
        request=reuse.digest(request),
        text=response.text,
        loglikelihoods=likelihoods,
        error=error,
        samples=response.samples,
        reasoning=response.reasoning or split(response.text or "")[0],
        finish_reason=response.finish_reason,
        sent=response.sent,
        input_tokens=response.input_tokens,
        output_tokens=response.output_tokens,
        seconds=round(response.seconds, 6),
    )


def _replace_surrogates(parts: Parts) -> Parts:
    return tuple(replace_surrogates(part) if isinstance(part, str) else part for part in parts)
