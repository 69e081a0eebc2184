"""What several benchmarks share: words after a question, official files, and the prompts of few-shot sets.

Protocol of open_flamingo's evaluation (mlfoundations/open_flamingo, `open_flamingo/eval`, after Alayrac et al. 2022,
arXiv 2204.14198): `--shots` demonstrations are drawn at random (`--seed` says which) from 2,048 items of the train
part, and "zero-shot" shows two of them without their pictures. It decodes with three beams, five tokens for an answer
and twenty for a caption.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from mmeval.data.demonstrations import find
from mmeval.task import Prompt, Task
from mmeval.types import InputError, Parts, Sample

WORD = "\nAnswer the question using a single word or phrase."
YES_OR_NO = " Please answer yes or no."


def ending(suffix: str, before: Callable[[Sample], str] = lambda sample: "") -> Prompt:
    """Ask with the pictures, what comes before the question, the question, and that suffix."""

    def words(sample: Sample) -> Parts:
        *pictures, question = sample.prompt
        return (*pictures, f"{before(sample)}{question}{suffix}")

    return words


def folder(task: Task, data: str, holds: str) -> Path:
    """Return the folder of a set's own files. Raises InputError, saying where to get them, for anything else."""
    source = task.card["source"]
    if data == "hub":
        raise InputError(f"{task.name} is read from its own files, not from a hub: get them from {source}")
    if not Path(data).is_dir():
        raise InputError(f"no folder '{data}': give the one that holds {holds}, from {source}")
    return Path(data)


def file(task: Task, data: str, names: Sequence[str], places: Iterable[str], beside: str) -> Path:
    """Return the first of those files in the folder or its places. Raises InputError where there is none."""
    own = folder(task, data, f"{names[0]} and {beside}")
    paths = (find(own, name, places) for name in names)
    path = next((path for path in paths if path is not None), None)
    if path is None:
        raise InputError(f"{own}: no {names[0]} in it; get it from {task.card['source']}")
    return path


def few_shot_prompts(ask: Callable[[str], str]) -> Mapping[str, Prompt]:
    """Give `open-flamingo`, and `bare`, which leaves demonstrations without pictures out.

    `ask` puts what is asked of a picture into words; the answer follows them.
    """

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
