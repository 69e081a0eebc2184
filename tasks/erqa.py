"""ERQA: embodied reasoning about one picture or several between the words (Gemini Robotics Team 2025, 2503.20020)."""

from collections.abc import Iterator, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import image_list, known, right_letter
from mmeval.types import Image, InputError, Parts, Record, Sample, Score, images

FILES = ("data/test-*.parquet", "test-*.parquet")
OPTIONS = "ABCD"
"""The letters of the options, which the question lists."""
TYPES = (
    "Action Reasoning", "Multi-view Reasoning", "Pointing", "Spatial Reasoning", "State Estimation", "Task Reasoning",
    "Trajectory Reasoning", "Other",
)  # fmt: skip
SEVERAL = {False: "one_picture", True: "several_pictures"}


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of the hub, of a table or of a folder's tables. Raises InputError."""
    return map(sample, tables.read(data, FILES, ERQA.card["hub"], "erqa"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question, with its pictures where the row places them."""
    positions = line.value("visual_indices") or []
    if not isinstance(positions, list) or not all(type(position) is int and position >= 0 for position in positions):
        raise InputError(f"{line.where}: the column visual_indices is {positions!r:.60}; it must be a list of places")
    return Sample(
        line.text("question_id"),
        interleaved(line.text("question"), image_list(line, "images"), positions),
        (right_letter(line, line.text("answer").strip(), OPTIONS),),
        tuple((letter,) for letter in OPTIONS),
        category=known(line, "type", line.text("question_type"), TYPES),
    )


def interleaved(question: str, pictures: Sequence[Image], positions: Sequence[int]) -> Parts:
    """Return the question with each picture before the character at its position, as `eval_harness.py` does.

    Without positions, all pictures come first. A picture whose position is beyond the question comes before the rest of
    the text, and one without a position is left out.
    """
    if not positions:
        return (*pictures, question)
    parts, start = list[str | Image](), 0
    for image, position in sorted(zip(pictures, positions, strict=False), key=lambda pair: pair[1]):
        if position <= len(question):
            parts.append(question[start:position])
            start = position
        parts.append(image)
    return tuple(part for part in (*parts, question[start:]) if part != "")


def pictures_first(sample: Sample) -> Parts:
    """Ask as lmms-eval does: all pictures, then the whole question."""
    return (*images(sample.prompt), "".join(part for part in sample.prompt if isinstance(part, str)))


def official(text: str, options: Sequence[str]) -> str | None:
    """Read as `eval_harness.py`: the letter, in any case, with nothing else but periods and whitespace around them."""
    answer = text.replace(".", "").strip().lower()
    return next((letter for letter, _ in choices.texts(options) if letter.lower() == answer), None)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy overall, of each type, and of the questions with one picture and with several."""
    sizes = parts_by(lambda record: SEVERAL[len(record.images) != 1], records, scores)
    by_size = {name: percent(share(*sizes[name]), guessing(sizes[name][0])) for name in SEVERAL.values()}
    overall = percent(share(records, scores), guessing(records))
    return {"overall": overall, **by_size, **by_category(records, scores, TYPES)}


OFFICIAL = letters.as_is(official)
ERQA = Task(
    name="erqa",
    samples=samples,
    prompts={"release": lambda sample: sample.prompt, "lmms-eval": pictures_first},
    scorers={"official": OFFICIAL, "strict": choices.scorer(strict)},
    metric=numbers,
    axes={name: name for name in TYPES},
    totals={"overall": "Overall"},
    max_new_tokens=300,
    details={"one_picture": "One picture", "several_pictures": "Several pictures"},
    readings={"erqa": OFFICIAL},
    choice=True,
)
