"""RunSpec: everything that makes one run another run, as one frozen value.

A field says all that there is to know of an option: its help text, its bounds, whether it identifies a run, and how it
shows in a folder's name. The command line, run files, identities, folder names and sweeps are derived from the fields,
so that a new option is a new field.
"""

import itertools
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from mmeval.types import InputError, nearest

Spec = TypeVar("Spec", bound="RunSpec")
KINDS: dict[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Option:
    """What a field of RunSpec is outside Python."""

    help: str
    identifies: bool = True
    """Whether another value makes another run."""
    folder: str | None = None
    """How a value that is not the default shows in a folder's name, `{}` being the value."""
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None


def option(default: Any, help: str, **more: Any) -> Any:
    """Make a field of RunSpec; `more` are fields of Option."""
    return field(default=default, metadata={"option": Option(help, **more)})


@dataclass(frozen=True)
class RunSpec:
    """An evaluation: what is asked, of whom, and how. None stands for the default of the task or the model.

    Raises InputError for a value of another type or out of range.
    """

    task: str = option(MISSING, "Benchmark; `mmeval tasks` lists them. Or a card, a .yaml file; or mic:FILE.")
    model: str = option("mmicl-tiny", "Catalogue name, checkpoint folder, or ADAPTER:SOURCE.")
    data: str | None = option(None, "embedded, hub, a folder, or a table.  [default: embedded; for a card its folder]")
    prompt: str | None = option(None, "How the task puts its questions.  [default: the task's first]", folder="{}")
    context: str | None = option(
        None, "How the model's pictures are introduced.  [default: the adapter's first]", folder="{}"
    )
    limit: int | None = option(
        None, "About this many samples, evenly from all categories.", folder="limit{}", minimum=1
    )
    scoring: str = option(
        "text",
        "What answers: the text, the likelihood of each option (per byte, or its sum), or of its letter alone.",
        folder="{}", choices=("text", "likelihood", "likelihood-sum", "first-token"),
    )  # fmt: skip
    reading: str | None = option(
        None, "The public script that answers are read as by.  [default: the first]", folder="{}"
    )
    shots: int | None = option(
        None, "Demonstrations before each question, drawn by --seed.  [default: the task's]",
        folder="shots{}", minimum=0,
    )  # fmt: skip
    frames: int | None = option(None, "Pictures shown of each video.  [default: 8]", folder="frames{}", minimum=1)
    sampler: str | None = option(None, "How frames are chosen: inner, uniform, ends.  [default: inner]", folder="{}")
    seed: int = option(0, "Draws the demonstrations.", folder="seed{}", minimum=0, maximum=LARGEST_SEED)
    control: str | None = option(
        None, "What is taken from the model, as blind,swap,blur: a run each under the main one.", metavar="NAME,..."
    )
    only_ids: str | None = option(
        None, "File of ids, one a line: ask these questions alone.", folder="only-{}", metavar="FILE"
    )
    partial: bool = option(False, "Count questions that lack turns by the turns they have.", folder="partial")
    early_stop: bool = option(False, "Ask no further turn of a question that is lost.", folder="early-stop")
    max_new_tokens: int | None = option(
        None, "Length of an answer at most.  [default: the task's]", folder="tokens{}", minimum=1
    )
    beams: int = option(1, "Beams of the search for an answer.", folder="beams{}", minimum=1)
    system: str | None = option(None, "System turn of a chat model.  [default: none]", folder="system")
    temperature: float = option(
        0.0, "0 takes the most likely token; more draws, by --seed.", folder="temperature{}", minimum=0
    )
    top_p: float = option(
        1.0, "Draw from the likeliest tokens of this probability together.", folder="top_p{}", minimum=0, maximum=1
    )
    samples: int = option(1, "Answers drawn to each question, for their mean.", folder="samples{}", minimum=1)
    thinking: str = option(
        "auto", "Whether a reasoning model thinks first; auto: as its chat template has it.",
        folder="thinking-{}", choices=("auto", "on", "off"),
    )  # fmt: skip
    thinking_tokens: int | None = option(
        None, "Length of the reasoning at most, beside --max-new-tokens.  [default: 4096]",
        folder="thinking{}", minimum=1,
    )  # fmt: skip
    model_args: str | None = option(
        None, "Of a chat model: attn=eager, max_pixels=602112, device_map=auto, ...", folder="{}", metavar="KEY=VALUE,…"
    )
    quantize: str | None = option(
        None, "Load a chat model's weights in 8 or 4 bits (bitsandbytes).", folder="{}", choices=("8bit", "4bit")
    )
    trust_remote_code: bool = option(False, "Run the Python code that a checkpoint brings.", folder="remote-code")
    min_new_tokens: int = option(0, "Length of an answer at least.", folder="min{}", minimum=0)
    length_penalty: float = option(1.0, "Of beams: below 0 favours short answers.", folder="length{}")
    repetition_penalty: float = option(1.0, "Of tokens said before; above 1 avoids them.", folder="repetition{}")
    dtype: str = option(
        "auto", "auto: bfloat16 on a GPU, float32 on a CPU.", choices=("auto", "float32", "bfloat16", "float16")
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:1, ...", identifies=False)
    no_cache: bool = option(False, "Ask what earlier runs under reports/ have answered, too.", identifies=False)
    batch_tokens: int | None = option(
        None, "Padded prompt tokens in a batch.  [default: 2048 on a CPU, 16384 on a GPU]", identifies=False, minimum=1
    )
    recipe: str | None = option(
        None, "Settings of a paper or another harness; `mmeval recipes` lists them.", identifies=False
    )
    concurrency: int = option(
        32, "Requests in flight at once on each server; fewer where it is busy.", identifies=False, minimum=1
    )
    price_in: float | None = option(None, "Price of a million tokens of prompts.", identifies=False, minimum=0)
    price_out: float | None = option(None, "Price of a million tokens of answers.", identifies=False, minimum=0)
    judge: str | None = option(
        None, "OpenAI-compatible server, up to /v1, asked what no scorer can read.", identifies=False, metavar="URL"
    )
    judge_model: str | None = option(
        None, "Its model; its key, if any, is in MMEVAL_JUDGE_KEY.", identifies=False, metavar="NAME"
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            object.__setattr__(self, one.name, _checked(type(self), one, getattr(self, one.name)))
        if self.beams > 1 and (self.temperature or self.samples > 1):
            raise InputError("beams search for one answer, and --temperature draws; give one of them")
        if self.samples > 1 and not self.temperature:
            raise InputError(f"{self.samples} samples would be the same answer; give --temperature, too")
        if self.repetition_penalty <= 0:
            raise InputError(f"repetition_penalty is {self.repetition_penalty}; choose a number above 0")
        if self.max_new_tokens is not None and self.min_new_tokens > self.max_new_tokens:
            raise InputError(
                f"min_new_tokens is {self.min_new_tokens}, more than max_new_tokens, {self.max_new_tokens}; lower it"
            )
        if (self.judge is None) != (self.judge_model is None):
            raise InputError("a judge is a server and a model; give both --judge URL and --judge-model NAME")


def options(kind: type[RunSpec] = RunSpec) -> dict[str, Option]:
    """Map each field's name to what it is outside Python, in the fields' order."""
    return {one.name: one.metadata["option"] for one in fields(kind)}


def value_type(kind: type[RunSpec], name: str) -> type:
    """Return the type of a field's values, None left out: str, int, float or bool."""
    hint = typing.get_type_hints(kind)[name]
    if isinstance(hint, types.UnionType):
        (hint,) = (one for one in typing.get_args(hint) if one is not types.NoneType)
    found: type = hint
    return found


def from_mapping(values: Mapping[str, Any], where: str, kind: type[Spec]) -> Spec:
    """Make a spec of named values. Raises InputError naming the file, the field and the nearest known one."""
    known = options(kind)
    try:
        if unknown := [name for name in values if name not in known]:
            hint = nearest(unknown[0], known)
            raise InputError(f"unknown option '{unknown[0]}'{hint}; choose from {', '.join(known)}")
        if "task" not in values:
            raise InputError("no task is named; choose one from `mmeval tasks`")
        return kind(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}" if where else str(error)) from error


def grid(values: Mapping[str, Any], where: str, kind: type[Spec]) -> list[Spec]:
    """Make the specs of all combinations, where a value may be a list of values: of tasks, of models, of seeds.

    Raises InputError for an empty list and for a value that a list has twice.
    """
    lists = {name: list(value) for name, value in values.items() if isinstance(value, (list, tuple))}
    for name, several in lists.items():
        if not several:
            raise InputError(f"{where or name}: {name} has no value; give one or more")
        if repeated := [one for place, one in enumerate(several) if one in several[:place]]:
            raise InputError(f"{where or name}: {name} has '{repeated[0]}' twice; name each once")
    products = itertools.product(*lists.values())
    return [from_mapping({**values, **dict(zip(lists, chosen, strict=True))}, where, kind) for chosen in products]


def identity(spec: RunSpec) -> dict[str, Any]:
    """Map the fields that identify a run to their values; those that are None do not apply to it."""
    names = [name for name, one in options(type(spec)).items() if one.identifies]
    return {name: value for name in names if (value := getattr(spec, name)) is not None}


def folder_name(spec: RunSpec, default: RunSpec) -> str:
    """Name a run's folder `TASK-MODEL-DATA`, and whatever differs from the default, as letters that any disk takes."""
    parts = [spec.task, spec.model, spec.data or ""]
    for name, one in options(type(spec)).items():
        value = getattr(spec, name)
        if one.folder is not None and value is not None and value != getattr(default, name):
            parts.append(one.folder.format(value))
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in "-".join(parts))


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name and both values of everything in which two identities differ; names in maps are joined by dots."""
    for name in dict.fromkeys((*one, *other)):
        first, second = one.get(name), other.get(name)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from ((f"{name}.{inner}", *values) for inner, *values in differing(first, second))
        elif first != second:
            yield name, first, second


def defaults(spec: Spec) -> Spec:
    """Return the same task, model and data with everything else at its default."""
    kept = {"task", "model", "data"}
    values: dict[str, Any] = {one.name: one.default for one in fields(spec) if one.name not in kept}
    return replace(spec, **values)


def data_name(data: str) -> str:
    """Return what a run remembers of where its data came from: the last part of a path, no folder of this machine."""
    return data if data in ("embedded", "hub") else Path(data).resolve().name


def _checked(kind: type[RunSpec], one: Field[Any], value: Any) -> Any:
    """Return the value as the field's type. Raises InputError naming the field."""
    own: Option = one.metadata["option"]
    if value is None and one.default is None:
        return None
    wanted: Any = value_type(kind, one.name)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, Path) and wanted is str:
        value = str(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise InputError(f"{one.name} is {value!r:.80}; give {KINDS[wanted]}")
    if wanted is str and not value:
        raise InputError(f"{one.name} is empty; give a name, or leave it out")
    if wanted is float and not math.isfinite(value):
        raise InputError(f"{one.name} is {value}; give a finite number")
    if own.minimum is not None and value < own.minimum:
        raise InputError(f"{one.name} is {value}; choose {own.minimum} or more")
    if own.maximum is not None and value > own.maximum:
        raise InputError(f"{one.name} is {value}; choose at most {own.maximum}")
    if own.choices and value not in own.choices:
        raise InputError(f"{one.name} is '{value}'{nearest(value, own.choices)}; choose from {', '.join(own.choices)}")
    return value


def several(text: str | Sequence[int]) -> list[int]:
    """Read whole numbers with commas between them, as in `0,1,2`. Raises InputError."""
    if not isinstance(text, str):
        return list(text)
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"{text!r} is not whole numbers with commas between them, as in 0,1,2") from error
