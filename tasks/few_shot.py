"""What the few-shot benchmarks share: `--shots` demonstrations of the train part, `--seed` says which.

Protocol of open_flamingo's evaluation (mlfoundations/open_flamingo, `open_flamingo/eval`, after Alayrac et al. 2022,
arXiv 2204.14198): demonstrations are drawn at random from 2,048 items of the train part, and "zero-shot" shows two of
them without their pictures. It decodes with three beams, five tokens for an answer and twenty for a caption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mmeval.task import Prompt
from mmeval.types import InputError, Parts, Sample

Ask = Callable[[str], str]
"""Puts what is asked of a picture into words; the answer follows them."""


def folder(task: str, data: str, holds: str, source: str) -> Path:
    """Return the folder of a set's own files. Raises InputError, saying where to get them, for anything else."""
    if data == "hub":
        raise InputError(f"{task} is read from its own files, not from a hub: get them from {source}")
    if not Path(data).is_dir():
        raise InputError(f"no folder '{data}': give the one that holds {holds}, from {source}")
    return Path(data)


def prompts(ask: Ask) -> Mapping[str, Prompt]:
    """Give `open-flamingo`, and `bare`, which leaves demonstrations without pictures out."""

    def open_flamingo(sample: Sample) -> Parts:
        if not sample.tags["demonstrations"]:
            raise InputError(
                "the prompt open-flamingo puts two questions of the train part, without pictures, before one that has "
                "no demonstrations, and the data has not two; add the train part, or choose --prompt bare"
            )
        *shown, asked = sample.prompt
        return (*shown, ask(str(asked)))

    def bare(sample: Sample) -> Parts:
        *shown, asked = sample.prompt
        return (*shown, ask(str(asked))) if shown else ()

    return {"open-flamingo": open_flamingo, "bare": bare}
