"""Check what a model answers, before it is recorded."""

import math
from collections.abc import Collection, Mapping

from mmeval.files import validated
from mmeval.jsonl import without_surrogates
from mmeval.runs.records import LARGEST
from mmeval.types import InputError, Request, Response

ADVICE = "fix the adapter (docs/adapters.md)"


def checked(
    response: Response, asked: Mapping[str, Request], name: str, *, likelihoods: bool, samples: int
) -> Response:
    """Return a response without lone surrogates.

    `asked`: the open requests by id; `likelihoods`: whether candidates are compared; `samples`: answers per request.
    Raises InputError if it answers none of them, or lacks what was asked for.
    """
    if not isinstance(response, Response):
        raise InputError(f"{name}: it answered with {response!r:.60}, which is not an mmeval.types.Response; {ADVICE}")
    found: Response = validated(Response, without_surrogates(vars(response)), f"{name}: its response", ADVICE)
    if found.id not in asked:
        raise InputError(f"{name}: it answered '{found.id:.60}', which was not asked, or answered it twice; {ADVICE}")
    if wrong := _numbers(found) or _content(found, asked[found.id].candidates, likelihoods, samples):
        raise InputError(f"{name}: its answer to '{found.id:.60}' has {wrong}; {ADVICE}")
    return found


def _numbers(found: Response) -> str:
    """Return what is wrong with the counts and the time, or an empty text."""
    counts = {"input_tokens": found.input_tokens, "output_tokens": found.output_tokens}
    for name, count in counts.items():
        if not 0 <= count <= LARGEST:
            return f"{name} {count:.6g}"
    return "" if 0 <= found.seconds < math.inf else f"seconds {found.seconds}"


def _content(found: Response, candidates: Collection[str], likelihoods: bool, samples: int) -> str:
    """Return what is wrong with the answer itself, or an empty text."""
    if found.error is not None:
        return "" if found.error.strip() else "an error without a text"
    if likelihoods:
        given = len(found.loglikelihoods or ())
        return "" if given == len(candidates) else f"likelihoods of {given} of {len(candidates)} candidates"
    if found.text is None:
        return "neither text nor error"
    given = len(found.samples) or 1
    return "" if given == samples else f"{given} of {samples} samples"
