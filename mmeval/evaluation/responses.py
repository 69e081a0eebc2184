"""Check what a model answers, before it is recorded."""

import math
from collections.abc import Collection, Mapping

from mmeval.files import validated
from mmeval.jsonl import without_surrogates
from mmeval.runs.records import LARGEST
from mmeval.types import InputError, Request, Response

ADVICE = "fix the adapter (docs/adapters.md)"


def checked(
    response: Response, open_requests: Mapping[str, Request], name: str, *, likelihoods: bool, samples: int
) -> Response:
    """Return a response without lone surrogates.

    `open_requests`: those without an answer, by id; `likelihoods`: whether candidates are compared; `samples`: answers
    per request. Raises InputError if it answers none of the open requests, or lacks what was requested.
    """
    if not isinstance(response, Response):
        raise InputError(f"{name}: it answered with {response!r:.60}, which is not an mmeval.types.Response; {ADVICE}")
    answer: Response = validated(Response, without_surrogates(vars(response)), f"{name}: its response", ADVICE)
    if answer.id not in open_requests:
        raise InputError(f"{name}: it answered '{answer.id:.60}', which was not asked, or answered it twice; {ADVICE}")
    if wrong := _numbers(answer) or _content(answer, open_requests[answer.id].candidates, likelihoods, samples):
        raise InputError(f"{name}: its answer to '{answer.id:.60}' has {wrong}; {ADVICE}")
    return answer


def _numbers(response: Response) -> str:
    """Return what is wrong with the counts and the time, or an empty text."""
    counts = {"input_tokens": response.input_tokens, "output_tokens": response.output_tokens}
    for name, count in counts.items():
        if not 0 <= count <= LARGEST:
            # larger numbers have no float
            return f"{name} {max(-(10**300), min(count, 10**300)):.6g}"
    return "" if 0 <= response.seconds < math.inf else f"seconds {response.seconds}"


def _content(response: Response, candidates: Collection[str], likelihoods: bool, samples: int) -> str:
    """Return what is wrong with the answer itself, or an empty text."""
    if response.error is not None:
        return "" if response.error.strip() else "an error without a text"
    if likelihoods:
        count = len(response.loglikelihoods or ())
        return "" if count == len(candidates) else f"likelihoods of {count} of {len(candidates)} candidates"
    if response.text is None:
        return "neither text nor error"
    count = len(response.samples) or 1
    return "" if count == samples else f"{count} of {samples} samples"
