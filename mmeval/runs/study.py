"""The types of `bias.json`, what a run and its controls show about language bias, and their form in JSON.

docs/bias.md defines the numbers. Studies of earlier versions lack some keys, which are None then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mmeval.types import Estimate

SCHEMA = 1
ACCURACY = "accuracy"
"""The number that every study has, beside the benchmark's own."""
_OPTIONAL = {
    *("as_asked", "mirage", "yes_no", "neither", "leakage", "lost"),
    *("unseen", "gain", "gap", "tied_1", "tuned"),
}
"""Keys below the first level that are left out of the file if they have no value."""


@dataclass(frozen=True)
class Ratio:
    """A number that is no mean, with its 95% interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class YesNo:
    """How a model answers yes/no questions."""

    yes_ratio: Estimate
    neither: Estimate | None = None
    """The share of answers that are neither yes nor no. Earlier studies do not have it."""
    pct_diff: Ratio
    fp_ratio: Ratio
    d_prime: Ratio
    criterion: Ratio


@dataclass(frozen=True)
class Letters:
    """How often each letter was answered and expected."""

    answered: dict[str, int]
    right: dict[str, int]
    unread: int
    """The number of answers that are no letter."""
    first: Estimate
    """The share of answers that are the first option."""
    truly: float | None
    """The share of these questions whose first option is correct."""

    def __post_init__(self) -> None:
        """Raise ValueError if the letters differ."""
        if self.answered.keys() != self.right.keys():
            raise ValueError("the letters of 'answered' and 'right' differ")


@dataclass(frozen=True)
class Flips:
    """How many answers the picture made correct, and how many it made wrong."""

    to_right: int
    to_wrong: int


@dataclass(frozen=True, kw_only=True)
class Control:
    """The effects of a control. Every difference is the main run's number minus the control's."""

    about: str
    acts: str
    n: int
    as_asked: Estimate | None = None
    """The main run's accuracy on the same questions. Earlier studies do not have it."""
    accuracy: Estimate
    gain: dict[str, Estimate]
    """Accuracy, and each number of the benchmark that both have."""
    changed: Estimate
    """The share of answers that differ."""
    flips: Flips
    mirage: Ratio | None = None
    """The accuracy under the control divided by that of the main run."""
    yes_no: YesNo | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if there is no gain in accuracy."""
        if ACCURACY not in self.gain:
            raise ValueError(f"'gain' lacks '{ACCURACY}'")


@dataclass(frozen=True, kw_only=True)
class SwapDraws:
    """The gain in accuracy over the draws of a swap."""

    draws: int
    mean: float | None
    low: float | None = None
    high: float | None = None
    """The ends of the mean's interval. Earlier studies do not have them."""
    least: float
    most: float

    @property
    def gain(self) -> Ratio:
        """The mean with its interval."""
        return Ratio(self.mean, self.low, self.high, self.draws)


@dataclass(frozen=True)
class Leakage(Estimate):
    """MMStar's leakage: the difference if it is positive, else 0, with the difference's interval."""

    difference: float = field(kw_only=True)


@dataclass(frozen=True)
class MMStar:
    """MMStar's numbers."""

    gain: Estimate
    leakage: Leakage | None = None


@dataclass(frozen=True)
class Rotation:
    """The accuracy if a question must be correct under every rotation of its options."""

    turns: list[str]
    as_asked: Estimate
    all_turns: Estimate
    taken_away: Estimate
    letters: dict[str, Letters]


@dataclass(frozen=True)
class Length:
    """The gain, accuracy with the picture minus without, after a passage of this many tokens."""

    passage: int
    input_tokens: float
    gain: Estimate
    seen: Estimate
    unseen: Estimate
    lost: Estimate | None = None
    """How much smaller the gain is than the first one. Earlier studies do not have it."""


@dataclass(frozen=True)
class SolvedBy:
    """The blind controls that solve a question, of how many."""

    by: list[str]
    of: int


@dataclass(frozen=True)
class Subset:
    """The questions that need the picture, or those that do not."""

    n: int
    units: int
    """The number of questions, if those that are asked in several ways count once."""
    seen: Estimate | None
    unseen: Estimate | None = None
    gain: Estimate | None = None


@dataclass(frozen=True)
class BlindSolvable:
    """The questions by whether they are solved without the picture."""

    controls: list[str]
    rule: str
    flags: dict[str, SolvedBy]
    """By id."""
    ids: list[str]
    """The questions that need the picture."""
    not_needed: Subset
    needed: Subset
    gap: float | None = None
    """The accuracy on the first part minus that on the second."""


@dataclass(frozen=True)
class Tuned:
    """The accuracy on the held-out half at the best alpha of the other half."""

    alpha: float
    held_out: Estimate
    alpha_0: Estimate
    gain: Estimate


@dataclass(frozen=True)
class Likelihood:
    """The accuracy with alpha times the text-only prior subtracted from the log-likelihoods."""

    prior: str
    alpha_0: Estimate
    alpha_1: Estimate
    gain_1: Estimate
    tied_1: int | None = None
    """The number of questions without a single likeliest option at alpha 1. Earlier studies do not have it."""
    tuned: Tuned | None = None


@dataclass(frozen=True)
class ByPrompt:
    """The accuracy with each prompt."""

    each: dict[str, Estimate]
    mean: float
    worst: str
    least: float


@dataclass(frozen=True, kw_only=True)
class Study:
    """The content of `bias.json`. What the data do not have, or no control measured, is None or empty."""

    task: str
    title: str
    n: int
    labels: dict[str, str]
    """Accuracy and the headline numbers -> their labels."""
    seen: dict[str, Estimate]
    """The same numbers -> the model's scores."""
    axes: dict[str, str]
    rows: dict[str, dict[str, float | None]]
    """Baseline -> the same numbers -> its scores."""
    yes_no: YesNo | None
    letters: Letters | None
    by_place: dict[str, Estimate] | None
    """The accuracy by the place of the relevant picture."""
    by_pictures: dict[str, Estimate] | None
    """The accuracy by the number of pictures."""
    model: str | None = None
    """None for answers outside a run; these have no key from here on but `controls` and `marks`."""
    prompt: str | None = None
    scoring: str | None = None
    marks: list[str] = field(default_factory=list)
    records: str | None = None
    """The SHA-256 of the run's journals. Earlier studies do not have it, nor those of the controls."""
    controls: dict[str, Control] = field(default_factory=dict)
    control_records: dict[str, str] | None = None
    families: dict[str, SwapDraws] = field(default_factory=dict)
    mmstar: MMStar | None = None
    rotation: Rotation | None = None
    length: list[Length] = field(default_factory=list)
    blind_solvable: BlindSolvable | None = None
    likelihood: Likelihood | None = None
    prompts: ByPrompt | None = None
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raise ValueError if there is no accuracy."""
        if ACCURACY not in self.seen:
            raise ValueError(f"'seen' lacks '{ACCURACY}'")

    @property
    def accuracy(self) -> Estimate:
        """The share of questions that the model answers correctly."""
        return self.seen[ACCURACY]


def study_to_json(study: Study) -> dict[str, Any]:
    """Return the study as the JSON object in `bias.json`."""
    names = [key.name for key in fields(Study)]
    if study.model is None:
        names = [*names[: names.index("model")], "controls", "marks"]
    values = asdict(study, dict_factory=_without_missing)
    return {"schema": SCHEMA, **{name: values.get(name) for name in names}}


def _without_missing(keys: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    return {name: value for name, value in keys if value is not None or name not in _OPTIONAL}
