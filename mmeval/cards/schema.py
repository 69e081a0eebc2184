"""Cards: a benchmark told in one YAML file, with no Python of its own. Read and checked here, word by word.

docs/own-benchmark.md is the guide. What a card's task asks and how it is scored is in `carded`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from mmeval.task import Task
from mmeval.types import InputError, nearest

KINDS = ("multiple choice", "picture choice", "yes/no", "short answer")
"""Of a picture choice the options are pictures."""
CHOICES = ("multiple choice", "picture choice")
ANSWERS = ("letter", "number", "text")
"""How a multiple choice's answer is written: A or (A); 0 for the first option; or the option itself."""
MATCHES = ("exact", "vqa")
"""How a short answer is compared: equal but for case, articles and punctuation; or by VQA accuracy."""
MEANS = ("questions", "categories")
LETTERS = ("A.", "(A)", "A)", "A:")
ROLES = ("question", "answer", "options", "pictures", "video", "id", "kind", "category", "cluster")
FACTS = (
    "title",
    "about",
    "size",
    "licence",
    "source",
    "paper",
    "citation",
    "published",
    "evidence",
    "scoring",
    "access",
    "held_in",
)
"""What a card says of its benchmark, and nobody computes with."""


@dataclass(frozen=True)
class Card:
    """What a card says of its task, checked."""

    name: str
    kinds: Mapping[str, str]
    """What stands in the column `kind` -> the kind; without such a column, the one kind under an empty name."""
    question: str
    answer: str
    files: tuple[str, ...]
    """Patterns, looked for in the data's folder."""
    options: tuple[str, ...] = ()
    """One column with a list or a text, or a column an option."""
    pictures: tuple[str, ...] = ()
    """Columns, or `./NAME`, a file beside the table that the row stands in."""
    video: str | None = None
    """The column that names a video, of which some frames are shown."""
    id: str | None = None
    kind: str | None = None
    category: str | None = None
    cluster: tuple[str, ...] = ()
    """Columns that name together what questions have in common: the unit of the intervals."""
    rows: str | None = None
    """Where in a JSON file the rows are: names with `/` between them, `.` for the top."""
    folder: tuple[str, ...] = ("",)
    """Where pictures and videos are, in the data's folder: the first that has the file. `{}` is where its name goes."""
    mark: str | None = None
    """What stands for a picture in questions and options."""
    lettered: int | None = None
    """How many options a question of multiple choice has, where they stand in it and in no column."""
    absent: str | None = None
    """What stands in an option's cell where there is none."""
    answers: str = "letter"
    match: str = "exact"
    mean: str = "questions"
    letters: str = "A."
    categories: Mapping[str, str] = field(default_factory=dict)
    """Category -> label, in the order in which they are shown."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Metric -> columns that name a group together: the share of groups in which every question is right."""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> the values of which a row must have one to be asked."""
    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Name -> kind -> the prompt, with {pictures}, {question}, {options} and any column in braces."""
    max_new_tokens: int = 16
    version: int = 1
    hub: Mapping[str, str] | None = None


_OWN = ("kind", "files", "rows", "fields", "folder", "mark", "lettered", "absent", "answers", "match", "mean")
KEYS = (
    *FACTS,
    *_OWN,
    "letters",
    "categories",
    "groups",
    "only",
    "prompts",
    "max_new_tokens",
    "version",
    "hub",
)


def load(path: Path) -> Task:
    """The task of a user's card; its data is in the card's folder unless another is named. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the card cannot be read ({error}); name a .yaml file in UTF-8") from error
    values = parse(text, str(path))
    return build(check(path.stem, values, str(path)), values, default_source=str(path.parent))


def packaged(name: str) -> Task:
    """The task of a card that comes with the harness."""
    values = parse(resources.files("mmeval.tasks").joinpath(f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
    return build(check(name, values, f"{name}.yaml"))


def build(card: Card, facts: Mapping[str, Any] | None = None, default_source: str = "embedded") -> Task:
    """The task that a card tells; `facts` is the card itself, where no package holds it."""
    from mmeval.cards.task import task

    told: Task = task(card, facts, default_source)
    return told


def parse(text: str, where: str) -> Mapping[str, Any]:
    """The card as YAML has it: texts, numbers, lists and maps, and nothing that makes objects. Raises InputError."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{where}: not YAML ({' '.join(str(error).split())}); mend it") from error
    if not isinstance(values, dict):
        raise InputError(f"{where}: a card is a map of keys to values; see docs/own-benchmark.md")
    return values


def check(name: str, values: Mapping[str, Any], where: str) -> Card:
    """The card, or InputError naming the key that is wrong and, for an unknown one, the nearest that is known."""
    _known(values, KEYS, where, "key")
    _needed(values, ("about", "kind", "files", "fields"), where)
    roles = _map(values["fields"], f"{where}, fields", texts=False)
    _known(roles, ROLES, f"{where}, fields", "field")
    _needed(roles, ("question", "answer"), f"{where}, fields")
    own: dict[str, Any] = {key: _text(roles[key], f"{where}, fields, {key}") for key in _SINGLE if key in roles}
    own |= {key: _texts(roles[key], f"{where}, fields, {key}") for key in _SEVERAL if key in roles}
    own |= {key: _one_of(values[key], known, f"{where}, {key}") for key, known in _CHOSEN.items() if key in values}
    own |= {key: _text(values[key], f"{where}, {key}") for key in ("rows", "mark", "absent") if key in values}
    own |= {key: _number(values[key], f"{where}, {key}") for key in _NUMBERS if key in values}
    own |= {key: _lists(values[key], f"{where}, {key}") for key in ("groups", "only") if key in values}
    own |= {"folder": _texts(values["folder"], f"{where}, folder")} if "folder" in values else {}
    own |= {"hub": _map(values["hub"], f"{where}, hub")} if "hub" in values else {}
    own["categories"] = _labels(values.get("categories", {}), f"{where}, categories")
    own["kinds"] = _kinds(values["kind"], f"{where}, kind")
    own["prompts"] = _prompts(values.get("prompts", {}), set(own["kinds"].values()), f"{where}, prompts")
    card = Card(name=name, files=_texts(values["files"], f"{where}, files"), **own)
    _agree(card, where)
    return card


_SINGLE = ("question", "answer", "video", "id", "kind", "category")
_SEVERAL = ("options", "pictures", "cluster")
_NUMBERS = ("lettered", "max_new_tokens", "version")
_CHOSEN = {"answers": ANSWERS, "match": MATCHES, "mean": MEANS, "letters": LETTERS}
PLACE = re.compile(r"\{([^{}]+)\}")
"""A place in a prompt."""
PLACES = {"pictures", "question", "options"}
"""Those that are no columns."""


def _agree(card: Card, where: str) -> None:
    """Raises InputError for what does not go together."""
    kinds = set(card.kinds.values())
    if kinds.isdisjoint(CHOICES) == bool(card.options or card.lettered):
        raise InputError(
            f"{where}: options belong to multiple choice and to no other kind; name their column, as fields: options, "
            "or say how many the question itself lists, as lettered:"
        )
    if "picture choice" in kinds and (card.lettered or card.answers == "text"):
        raise InputError(
            f"{where}: options that are pictures stand in a column, and the answer is a letter or a number"
        )
    if card.options and card.lettered:
        raise InputError(f"{where}, lettered: options stand in a column or in the question; say one of the two")
    if (card.kind is None) != (tuple(card.kinds) == ("",)):
        raise InputError(f"{where}, kind: values with their kinds and their column, as fields: kind, go together")
    if card.categories and card.category is None:
        raise InputError(f"{where}, categories: name the column that holds them, as fields: category")
    if card.mean == "categories" and card.category is None:
        raise InputError(f"{where}, mean: a mean of categories needs their column, as fields: category")
    for name, own in card.prompts.items():
        for kind, prompt in own.items():
            _agree_prompt(card, kind, set(PLACE.findall(prompt)), f"{where}, prompts, {name}")
    taken = {item.name for item in fields(Card)} | {"overall", "precision", "recall", "f1", "yes_ratio"}
    for group in card.groups:
        if group in taken or group in card.categories:
            raise InputError(f"{where}, groups: the name '{group}' is taken; choose another")


def _agree_prompt(card: Card, kind: str, places: set[str], where: str) -> None:
    if "question" not in places:
        raise InputError(f"{where}: no {{question}} in it; say where the question stands")
    if (card.pictures or card.video) and ("pictures" in places) == (card.mark is not None):
        raise InputError(
            f"{where}: pictures stand at {{pictures}}, or where `mark` is in the question; say one of the two"
        )
    if kind in CHOICES and card.options and not places - {"pictures", "question"}:
        raise InputError(f"{where}: no {{options}} in it; say where the options stand")


def _known(values: Mapping[str, Any], known: Sequence[str], where: str, what: str) -> None:
    for key in values:
        if key not in known:
            raise InputError(f"{where}: unknown {what} '{key}'{nearest(str(key), known)}; known: {', '.join(known)}")


def _needed(values: Mapping[str, Any], needed: Sequence[str], where: str) -> None:
    for key in needed:
        if key not in values:
            raise InputError(f"{where}: no '{key}'; a card must say it, see docs/own-benchmark.md")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: {value!r:.60} is no text; write one")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    items = value if isinstance(value, list) and value else [value]
    return tuple(_text(item, where) for item in items)


def _number(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{where}: {value!r:.60} is no whole number above zero; write one")
    return value


def _map(value: object, where: str, texts: bool = True) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: {value!r:.60} is no map of names to values; write `name: value`, a line each")
    return {_text(key, where): _scalar(item, f"{where}, {key}") if texts else item for key, item in value.items()}


def _scalar(value: object, where: str) -> str:
    """A text, or what YAML took for a number or a truth: `split: 1`."""
    if isinstance(value, (list, dict)) or value is None:
        raise InputError(f"{where}: {value!r:.60} is no text; write one")
    return str(value)


def _lists(value: object, where: str) -> dict[str, tuple[str, ...]]:
    """A map of names to a value or several."""
    items = {name: item if isinstance(item, list) else [item] for name, item in _map(value, where, False).items()}
    return {name: tuple(_scalar(one, f"{where}, {name}") for one in several) for name, several in items.items()}


def _kinds(value: object, where: str) -> dict[str, str]:
    """One kind for all questions, or a map of a column's values to kinds."""
    if not isinstance(value, dict):
        return {"": _one_of(value, KINDS, where)}
    return {name: _one_of(kind, KINDS, where) for name, kind in _map(value, where).items()}


def _prompts(value: object, kinds: set[str], where: str) -> dict[str, dict[str, str]]:
    """Each prompt by kind; a text is that of all kinds."""
    found: dict[str, dict[str, str]] = {}
    for name, said in _map(value, where, False).items():
        own = dict.fromkeys(kinds, said) if isinstance(said, str) else _map(said, f"{where}, {name}")
        _known(own, sorted(kinds), f"{where}, {name}", "kind")
        _needed(own, sorted(kinds), f"{where}, {name}")
        found[name] = {kind: _text(text, f"{where}, {name}") for kind, text in own.items()}
    return found


def _labels(value: object, where: str) -> dict[str, str]:
    return {str(item): str(item) for item in value} if isinstance(value, list) else _map(value, where)


def _one_of(value: object, known: Sequence[str], where: str) -> str:
    if value not in known:
        raise InputError(f"{where}: '{value}'{nearest(str(value), known)}; it is one of: {', '.join(known)}")
    return str(value)
