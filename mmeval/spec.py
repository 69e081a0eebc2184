"""RunSpec: all settings of a run, as one frozen value.

Each field defines an option completely: its help text, its bounds, whether it identifies a run, and how it appears in a
folder's name. The command line, run files, identities, folder names and sweeps are derived from the fields, so a new
option is a new field.
"""

import itertools
import math
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

from mmeval.types import InputError, nearest

KINDS: dict[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
LARGEST_SEED = 2**32 - 1
MOST_BEAMS = 256
"""Each beam keeps a cache of the prompt: thousands would take all of the machine's memory."""
MOST_TOKENS = 1_000_000
"""No model answers or reasons at greater length."""


@dataclass(frozen=True)
class Option:
    """The properties of a RunSpec field as an option."""

    help: str
    identifies: bool = True
    """Whether a different value makes a different run."""
    folder: str | None = None
    """How a value other than the default appears in a folder's name, with `{}` for the value."""
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    section: str = "Questions"
    """The heading under which help texts list it."""


def option(default: Any, help: str, **more: Any) -> Any:
    """Make a field of RunSpec; `more` are fields of Option."""
    return field(default=default, metadata={"option": Option(help, **more)})


_model, _answers = partial(option, section="Model"), partial(option, section="Answers")
_scoring, _speed = partial(option, section="Scoring"), partial(option, section="Speed and cost", identifies=False)


@dataclass(frozen=True)
class RunSpec:
    """The settings of an evaluation. None stands for the default of the task or the model.

    Raises InputError for a value of the wrong type or out of range.
    """

    task: str = option(MISSING, "Benchmark (see `mmeval tasks`), a card (.yaml), or mic:FILE.")
    model: str = _model("mmicl-tiny", "Catalogue name (see `mmeval models`), checkpoint folder, or ADAPTER:SOURCE.")
    data: str | None = option(None, "embedded, hub, a folder or a table.  [default: embedded; for a card, its folder]")
    prompt: str | None = option(None, "Prompt of the task, by name.  [default: the task's first]", folder="{}")
    context: str | None = _model(
        None, "How pictures are introduced, by name.  [default: the adapter's first]", folder="{}"
    )
    limit: int | None = option(
        None, "Ask about this many questions, in whole groups, spread evenly over the categories.",
        folder="limit{}", minimum=1,
    )  # fmt: skip
    scoring: str = _scoring(
        "text",
        "Generate text, compare the likelihoods of the options (per byte, or sums), or only of their letters.",
        folder="{}", choices=("text", "likelihood", "likelihood-sum", "first-token"),
    )  # fmt: skip
    reading: str | None = _scoring(
        None,
        "Parsing rule: a public script's, or the coordinate system of boxes and points.  "
        "[default: the prompt's, or the task's first]",
        folder="{}",
    )
    shots: int | None = option(
        None, "Number of demonstrations, drawn by --seed.  [default: the task's]", folder="shots{}", minimum=0
    )
    frames: int | None = option(
        None, "Frames shown of each video.  [default: the task's]", folder="frames{}", minimum=1, maximum=10_000
    )
    sampler: str | None = option(
        None, "How frames are chosen: inner, uniform or ends.  [default: the task's]", folder="{}"
    )
    seed: int = option(
        0, "Seed of demonstrations and sampled answers.", folder="seed{}", minimum=0, maximum=LARGEST_SEED
    )
    control: str | None = option(
        None, "Ask again without or with altered pictures: blind,swap,blur,... (see `mmeval bias --list`).",
        metavar="NAME,...",
    )  # fmt: skip
    only_ids: str | None = option(
        None, "Ask only the questions whose ids are in this file, one per line.", folder="only-{}", metavar="FILE"
    )
    partial: bool = _scoring(False, "Score questions with missing rotations by those they have.", folder="partial")
    early_stop: bool = _scoring(
        False, "Skip the other rotations of a question once one answer is wrong.", folder="early-stop"
    )
    max_new_tokens: int | None = _answers(
        None, "Maximum length of an answer.  [default: the task's; 64 in ask and demo]",
        folder="tokens{}", minimum=1, maximum=MOST_TOKENS,
    )  # fmt: skip
    beams: int = _answers(1, "Number of beams.", folder="beams{}", minimum=1, maximum=MOST_BEAMS)
    system: str | None = _model(None, "System prompt, for chat models.", folder="system-{}")
    temperature: float = _answers(0.0, "Sampling temperature; 0 decodes greedily.", folder="temperature{}", minimum=0)
    top_p: float = _answers(
        1.0, "Sample from the most likely tokens with this total probability.", folder="top_p{}", minimum=0, maximum=1
    )
    top_k: int | None = _answers(
        None, "Sample from this many of the most likely tokens.  [default: all]", folder="top_k{}", minimum=1
    )
    presence_penalty: float | None = _answers(
        None, "Subtracted from the scores of tokens already in the answer.  [default: 0]", folder="presence{}"
    )
    samples: int = _answers(
        1, "Answers sampled per question; numbers are means over them.", folder="samples{}", minimum=1, maximum=10_000
    )
    thinking: str = _answers(
        "auto", "Reasoning before the answer; auto leaves it to the chat template.", folder="thinking-{}",
        choices=("auto", "on", "off"),
    )  # fmt: skip
    thinking_tokens: int | None = _answers(
        None, "Maximum length of the reasoning, not counted in --max-new-tokens.  [default: 4096]",
        folder="thinking{}", minimum=1, maximum=MOST_TOKENS,
    )  # fmt: skip
    model_args: str | None = _model(
        None, "For chat models: attn=eager, max_pixels=602112, ...; for servers: reasoning_effort=low, ...",
        folder="{}", metavar="KEY=VALUE,...",
    )  # fmt: skip
    quantize: str | None = _model(
        None, "Load a chat model in 8 or 4 bits (needs bitsandbytes).", folder="{}", choices=("8bit", "4bit")
    )
    trust_remote_code: bool = _model(False, "Run Python code that comes with the checkpoint.", folder="remote-code")
    min_new_tokens: int = _answers(0, "Minimum length of an answer.", folder="min{}", minimum=0)
    length_penalty: float = _answers(1.0, "With beams: below 0 favors short answers.", folder="length{}")
    repetition_penalty: float = _answers(1.0, "Above 1 discourages tokens that occurred before.", folder="repetition{}")
    dtype: str = _model(
        "auto",
        "auto is bfloat16 on a GPU and float32 on a CPU.",
        folder="{}",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    device: str = _model("auto", "auto, cpu, cuda, cuda:1, ...", identifies=False)
    no_cache: bool = _speed(False, "Do not reuse answers of earlier runs under reports/.")
    batch_tokens: int | None = _speed(
        None, "Padded prompt tokens per batch.  [default: 2048 on a CPU, 16384 on a GPU]", minimum=1
    )
    recipe: str | None = option(
        None, "Settings of a paper or another harness (see `mmeval recipes`).", identifies=False
    )
    concurrency: int = _speed(32, "Requests in flight on each server; fewer if it is busy.", minimum=1, maximum=10_000)
    timeout: int = _speed(600, "Seconds to wait for a complete reply of a server.", minimum=1, maximum=604_800)
    price_in: float | None = _speed(None, "Price of a million prompt tokens.", minimum=0)
    price_out: float | None = _speed(None, "Price of a million answer tokens.", minimum=0)
    judge: str | None = _scoring(
        None, "OpenAI-compatible server (up to /v1) that reads answers that rules cannot parse.",
        identifies=False, metavar="URL",
    )  # fmt: skip
    judge_model: str | None = _scoring(
        None, "Model on that server. Its key is read from MMEVAL_JUDGE_KEY.", identifies=False, metavar="NAME"
    )

    def __post_init__(self) -> None:
        for spec_field in fields(self):
            object.__setattr__(self, spec_field.name, _checked(spec_field, getattr(self, spec_field.name)))
        if self.recipe is None:
            self.check_sampling()
        if self.repetition_penalty <= 0:
            raise InputError(f"repetition_penalty is {self.repetition_penalty}; choose a number above 0")
        if self.max_new_tokens is not None and self.min_new_tokens > self.max_new_tokens:
            raise InputError(
                f"min_new_tokens is {self.min_new_tokens}, more than max_new_tokens, {self.max_new_tokens}; lower it"
            )
        if (self.judge is None) != (self.judge_model is None):
            raise InputError("a judge needs a server and a model; give both --judge URL and --judge-model NAME")

    def check_sampling(self) -> None:
        """Raise InputError for settings of sampling that contradict each other; a recipe may set some of them later."""
        if self.beams > 1 and (self.temperature or self.samples > 1):
            raise InputError("beam search cannot be combined with --temperature or --samples; remove one")
        if self.samples > 1 and not self.temperature:
            raise InputError(f"{self.samples} samples would all be the same answer; add --temperature")


def options() -> dict[str, Option]:
    """Map each field's name to its Option, in the fields' order."""
    return {spec_field.name: spec_field.metadata["option"] for spec_field in fields(RunSpec)}


@cache
def value_type(name: str) -> type:
    """Return the type of a field's values, ignoring None: str, int, float or bool."""
    hint = typing.get_type_hints(RunSpec)[name]
    if isinstance(hint, types.UnionType):
        (hint,) = (member for member in typing.get_args(hint) if member is not types.NoneType)
    kind: type = hint
    return kind


def from_mapping(values: Mapping[str, Any], where: str) -> RunSpec:
    """Make a spec from named values. Raises InputError naming the file, the field and the nearest known one."""
    known_options = options()
    try:
        if unknown := [name for name in values if name not in known_options]:
            raise InputError(_unknown(unknown[0], known_options))
        if "task" not in values:
            raise InputError("no task is named; add --task NAME (`mmeval tasks` lists the names)")
        return RunSpec(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}" if where else str(error)) from error


def _unknown(name: str, known: Mapping[str, Option]) -> str:
    return f"unknown option '{name}'" + (nearest(name, known) or f"; choose from {', '.join(known)}")


def grid(values: Mapping[str, Any], where: str) -> list[RunSpec]:
    """Make the specs of all combinations of values. A value may be a list: of tasks, of models, of seeds.

    Raises InputError for an empty list and for a repeated value in a list.
    """
    lists = {name: list(value) for name, value in values.items() if isinstance(value, (list, tuple))}
    prefix = f"{where}: " if where else ""
    for name, several in lists.items():
        if not several:
            raise InputError(f"{prefix}{name} has no value; give one or more")
        if repeated := [value for index, value in enumerate(several) if value in several[:index]]:
            raise InputError(f"{prefix}{name} has '{repeated[0]}' twice; name each once")
    products = itertools.product(*lists.values())
    return [from_mapping({**values, **dict(zip(lists, chosen, strict=True))}, where) for chosen in products]


def check(**values: Any) -> None:
    """Check values of RunSpec's fields outside a run. Raises InputError naming the field."""
    for spec_field in fields(RunSpec):
        if spec_field.name in values:
            _checked(spec_field, values[spec_field.name])


def _checked(spec_field: Field[Any], value: Any) -> Any:
    """Return the value converted to the field's type. Raises InputError naming the field."""
    if value is None and spec_field.default is None:
        return None
    name: str = spec_field.name
    properties: Option = spec_field.metadata["option"]
    kind: Any = value_type(name)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) <= sys.float_info.max else math.inf
    if isinstance(value, Path) and kind is str:
        value = str(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{name} is {value!r:.80}; give {KINDS[kind]}")
    if kind is str and not value:
        raise InputError(f"{name} is empty; give a name, or leave it out")
    if kind is str and "\0" in value:
        raise InputError(f"{name} contains a NUL character; remove it")
    if kind is float and not math.isfinite(value):
        raise InputError(f"{name} is {value}; give a finite number")
    if properties.minimum is not None and value < properties.minimum:
        raise InputError(f"{name} is {value}; choose {properties.minimum} or more")
    if properties.maximum is not None and value > properties.maximum:
        raise InputError(f"{name} is {value}; choose at most {properties.maximum}")
    if properties.choices and value not in properties.choices:
        choices = ", ".join(properties.choices)
        raise InputError(f"{name} is '{value}'{nearest(value, properties.choices)}; choose from {choices}")
    return value
