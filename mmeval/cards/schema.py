"""The schema of a card: a benchmark in one YAML file, without Python, validated before any data is read.

docs/own-benchmark.md is the guide. `rows` turns a card's table into questions, `task` makes the task.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from mmeval import yaml_file
from mmeval.scoring.readings import vqa
from mmeval.scoring.readings.official import JUDGE, OFFICIAL
from mmeval.scoring.readings.strict.languages import DEFAULT, Language
from mmeval.types import InputError, nearest

Kind = Literal["multiple choice", "picture choice", "yes/no", "short answer"]
"""In a picture choice, the options are pictures."""
CHOICES = ("multiple choice", "picture choice")
PLACE = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")
"""A placeholder in a prompt: `{question}`, `{options}`, `{pictures}`, or a column. Doubled braces are plain braces."""
NOT_COLUMNS = {"pictures", "question", "options"}
_RESERVED = {"overall", "cluster", "precision", "recall", "f1", "yes_ratio"}
"""Names that a card's groups cannot have."""


def _text(value: object) -> object:
    """Return the text of a value that YAML reads as a number or a Boolean."""
    return str(value) if isinstance(value, (bool, int, float)) else value


def _prompts(value: object, info: ValidationInfo) -> object:
    """Expand a prompt that is a single text to every kind of question."""
    kinds = sorted(set(info.data.get("kind", {}).values()))
    if not isinstance(value, dict):
        return value
    return {name: dict.fromkeys(kinds, text) if isinstance(text, str) else text for name, text in value.items()}


def _repo(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", value):
        raise ValueError(f"must be owner/name, not '{value}'")
    return value


Text = Annotated[str, Field(min_length=1)]
_SEVERAL = BeforeValidator(lambda value: value if isinstance(value, (list, tuple)) else [value])
Scalar = Annotated[str, BeforeValidator(_text)]
"""Text, or a value that YAML reads as a number or a Boolean: `split: 1`."""
Fact = Annotated[str | None, BeforeValidator(_text)]
"""A fact about the benchmark, only for readers."""
Texts = Annotated[tuple[Text, ...], _SEVERAL, Field(min_length=1)]
Scalars = Annotated[tuple[Scalar, ...], _SEVERAL]
Count = Annotated[int, Field(strict=True, ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(_Part):
    """The columns of the table."""

    question: Text
    answer: Text
    options: Texts = ()
    """One column with a list or a text, or a column for each option."""
    pictures: Texts = ()
    """Columns, or `./NAME`, a file next to the row's table."""
    video: Text | None = None
    """The name of a video; some of its frames are shown."""
    start: Text | None = None
    end: Text | None = None
    """The part of the video that is shown, in seconds from its first frame."""
    id: Text | None = None
    kind: Text | None = None
    category: Text | None = None
    cluster: Texts = ()
    """Columns that together name a group of related questions, the unit of the confidence intervals."""


class Hub(_Part):
    """A table on the Hugging Face hub."""

    repo: Annotated[str, AfterValidator(_repo)]
    """`owner/name`."""
    revision: Scalar
    split: Scalar
    config: Scalar | None = None


class Card(_Part):
    """A card's content."""

    title: Fact = None
    about: Fact
    heading: Fact = None
    """The heading under which `mmeval tasks` lists the benchmark."""
    size: Fact = None
    questions: Count | None = None
    """The number of questions in the whole benchmark; a run on data with fewer says so."""
    license: Fact = None
    source: Fact = None
    paper: Fact = None
    citation: Fact = None
    published: Fact = None
    evidence: Fact = None
    scoring: Fact = None
    access: Fact = None
    held_in: Fact = None
    kind: Annotated[dict[str, Kind], BeforeValidator(lambda value: value if isinstance(value, dict) else {"": value})]
    """Value of the column `kind` -> the kind; without such a column, an empty name -> the only kind."""
    files: Texts
    """Patterns of files in the data's folder."""
    fields: Columns
    rows: Text | None = None
    """The path of the rows in a JSON file: names separated by `/`, or `.` for the top."""
    folder: Texts = ("",)
    """Subfolders of pictures and videos; the first that has the file is used. `{}` stands for the file's name."""
    mark: Text | None = None
    """The mark of a picture in questions and options."""
    lettered: Annotated[Count, Field(le=26)] | None = None
    """The number of options of a multiple-choice question, if the question lists them and no column does."""
    absent: Text | None = None
    """The content of an option's cell if there is no option."""
    answers: Literal["letter", "number", "text"] = "letter"
    """How the correct option is written: A or (A); 0 for the first option; or the option itself."""
    languages: Annotated[tuple[Language, ...], _SEVERAL, Field(min_length=1)] = DEFAULT
    """The languages of yes and no in answers and in the table."""
    match: Literal["exact", "vqa", "numeric", "relaxed", "anls", "contains", "mra"] = "exact"
    """How a short answer is compared; `scoring.readings.short` has the rules."""
    tolerance: Annotated[str | None, BeforeValidator(_text), Field(pattern=r"^\d+(\.\d+)?%?$")] = None
    """The tolerance of a numeric `match`: `0.5`, or `5%` of the correct number."""
    official: str = ""
    """The official script that reads the answers (`scoring.readings.official`); `judge` if the official reader is a
    model, which is not asked."""
    mean: Literal["questions", "categories"] = "questions"
    letters: Literal["A.", "(A)", "A)", "A:"] = "A."
    """How options are listed."""
    categories: Annotated[
        dict[Text, Scalar],
        BeforeValidator(lambda value: {str(name): str(name) for name in value} if isinstance(value, list) else value),
    ] = {}
    """Category -> label, in display order."""
    groups: dict[Text, Scalars] = {}
    """Metric -> columns that together name a group; the metric is the share of groups with every question correct."""
    only: dict[Text, Scalars] = {}
    """Column -> accepted values; other rows are not asked."""
    prompts: Annotated[
        dict[Text, dict[str, Text]],
        BeforeValidator(_prompts),
        Field(validation_alias=AliasChoices("prompts", "wordings")),
    ] = {}
    """Name -> kind -> the prompt, with {pictures}, {question}, {options} and any column in braces."""
    max_new_tokens: Annotated[Count, Field(le=1_000_000)] = 16
    version: Count = 1
    hub: Hub | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        kinds, columns = set(self.kind.values()), self.fields
        if kinds.isdisjoint(CHOICES) == bool(columns.options or self.lettered):
            raise ValueError("a choice question needs `fields: options` or `lettered`, and other kinds take neither")
        if "picture choice" in kinds and (self.lettered or self.answers == "text"):
            raise ValueError("a picture choice needs a column of options, and an answer that is a letter or a number")
        if columns.options and self.lettered:
            raise ValueError("lettered: options are in a column or in the question; remove one of the two")
        if (columns.kind is None) != (tuple(self.kind) == ("",)):
            raise ValueError("`kind` as a map and `fields: kind` must be given together")
        for key, used in (("categories", bool(self.categories)), ("mean", self.mean == "categories")):
            if used and columns.category is None:
                raise ValueError(f"{key}: categories need their column; name it in fields: category")
        if (columns.start or columns.end) and not columns.video:
            raise ValueError("fields: start and end are those of a part of a video; name its column in fields: video")
        if self.official not in ("", JUDGE, *(vqa.READINGS if self.match == "vqa" else ())):
            reads = OFFICIAL.get(self.official, {})
            if not reads:
                near = nearest(self.official, known := [*OFFICIAL, JUDGE])
                raise ValueError(f"official: no reading '{self.official}'{near}; choose from {', '.join(known)}")
            if unread := ", ".join(sorted(kinds - reads.keys())):
                raise ValueError(f"official: '{self.official}' reads {', '.join(reads)}, not {unread}; remove it")
        if self.match != "exact" and "short answer" not in kinds:
            raise ValueError(f"match: {self.match} compares short answers, and the card has none; remove it")
        if self.match == "numeric" and self.tolerance is None:
            raise ValueError("match: numeric needs a tolerance; give it as tolerance: 0 or 5%")
        if self.match != "numeric" and self.tolerance is not None:
            raise ValueError(f"a tolerance belongs to match: numeric, not to {self.match}; remove one of the two")
        for name, texts in self.prompts.items():
            if not re.fullmatch(r"[\w. -]+", name) or name.startswith("."):
                raise ValueError(
                    f"prompts: '{name}' is not a valid prompt name; use letters, digits, -, _, . and spaces"
                )
            for kind in (*texts, *sorted(kinds)):
                self._check_prompt(f"prompts, {name}", kind, texts)
        for group in self.groups:
            if group in _RESERVED or group in self.categories:
                raise ValueError(f"groups: the name '{group}' is taken; choose another")
        return self

    def _check_prompt(self, where: str, kind: str, texts: Mapping[str, str]) -> None:
        kinds = sorted(set(self.kind.values()))
        if kind not in kinds:
            raise ValueError(f"{where}: unknown kind '{kind}'{nearest(kind, kinds)}; choose from {', '.join(kinds)}")
        if kind not in texts:
            raise ValueError(f"{where}: the prompt for '{kind}' is missing; add it")
        placeholders = set(PLACE.findall(texts[kind]))
        if "question" not in placeholders:
            raise ValueError(f"{where}: {{question}} is missing; add it")
        if (self.fields.pictures or self.fields.video) and ("pictures" in placeholders) == (self.mark is not None):
            raise ValueError(
                f"{where}: pictures go to {{pictures}} or to each `mark` in the question; use one of the two"
            )
        if kind in CHOICES and self.fields.options and not placeholders - {"pictures", "question"}:
            raise ValueError(f"{where}: {{options}} is missing; add it")


def check(values: Mapping[str, Any], where: str) -> Card:
    """Validate a card's keys and values. Raises InputError naming the first wrong key."""
    try:
        return Card.model_validate(values)
    except ValidationError as error:
        raise InputError(yaml_file.sentence(error, Card, where)) from error
