"""Reuse answers of earlier runs to the same requests, found by the requests' content.

An answer is reused only if request, model, weights, engine and settings are the same. The runs under a folder are the
only store.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmeval.runs.run import Run, open_run
from mmeval.types import Image, InputError, Parts, Record, Request, Response

ASKING = {
    *("task", "data", "prompt", "limit", "shots", "frames", "sampler", "reading", "partial", "early_stop"),
    *("task_version", "card", "data_revision", "questions", "control", "only_ids"),
}
"""The parts of a run's identity that only make its requests or read their answers. The others affect the answers."""
_OUTPUT = ("text", "loglikelihoods", "reasoning", "finish_reason", "sent", "input_tokens", "output_tokens", "seconds")


def digest(request: Request) -> str:
    """Return the SHA-256 over a request, including its pictures' contents but not its id."""
    shots = [(_content(shot.prompt), shot.answer) for shot in request.shots]
    content = repr((_content(request.prompt), shots, request.candidates))
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()


def settings(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a run's identity on which its answers depend, given the requests."""
    return {name: value for name, value in identity.items() if name not in ASKING}


def earlier(
    root: Path, identity: Mapping[str, Any], excluded: Path, say: Callable[[str], None] = lambda text: None
) -> dict[str, tuple[Record, str]]:
    """Map the digests of requests that runs under `root` answered with these settings to record and folder.

    The run in the folder `excluded` is left out. If the model's weights are not pinned, the result is empty. `say`
    reports runs that cannot be read.
    """
    records: dict[str, tuple[Record, str]] = {}
    if "model_revision" in identity:
        return records
    wanted = settings(identity)
    for path in sorted((*root.glob("*/run.json"), *root.glob("*/*/run.json"), *root.glob("*/controls/*/run.json"))):
        if path.parent.resolve() == excluded.resolve():
            continue
        try:
            run = open_run(path.parent)
            if settings(run.identity) == wanted:
                records |= {record.request: (record, str(run.folder)) for record in _answered(run)}
        except InputError as error:
            say(f"this run's answers are not reused: {error}")
    return records


def response(id: str, record: Record) -> Response:
    """Return a record's answer as a response to the request with the given id."""
    return Response(id, **{name: getattr(record, name) for name in _OUTPUT})


def _answered(run: Run) -> list[Record]:
    answered = (record for record in run.records if record.request and record.error is None)
    return [record for record in answered if "skipped" not in record.tags]


def _content(parts: Parts) -> list[str]:
    return [f"image {part.digest}" if isinstance(part, Image) else repr(part) for part in parts]
