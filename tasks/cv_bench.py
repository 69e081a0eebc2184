"""CV-Bench: counting, positions, depth and distance in photographs, multiple choice (Tong et al. 2024, 2406.16860).

Each source of pictures has its own script in Cambrian-1's `eval/eval`. The total is the mean of 2D, which is the mean
of ADE20K and COCO, and 3D, which is Omni3D (the data set's README).
"""

from collections.abc import Iterator, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, guessing, macro, parts_by, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending, known, right_letter
from mmeval.types import Parts, Record, Sample, Score

FILES = ("test*.parquet",)
TASKS = {"Count": "Count", "Relation": "Spatial relation", "Depth": "Depth order", "Distance": "Relative distance"}
SOURCES = ("ADE20K", "COCO", "Omni3D")


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of the hub, of a table or of a folder's tables. Raises InputError."""
    return map(sample, tables.read(data, FILES, CV_BENCH.card["hub"], "cv-bench"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. Its text is the data set's own prompt, which lists the options."""
    options = line.texts("choices")
    answer = right_letter(line, line.text("answer").strip().strip("()"), options)
    return Sample(
        f"{line.text('type')}/{line.text('idx')}",
        (*line.images("image"), line.text("prompt")),
        (answer,),
        tuple((option,) for option in options),
        category=known(line, "task", line.text("task"), TASKS),
        tags={"source": known(line, "source", line.text("source"), SOURCES)},
    )


def lmms_eval(sample: Sample) -> Parts:
    """Ask as lmms-eval does, which names the letters first."""
    *pictures, question = sample.prompt
    letters = ", ".join(choices.LETTERS[: len(sample.choices)])
    note = f"Note: You only need to respond with {letters} without providing any additional information.\n\n"
    return (*pictures, f"{note}{question}")


def official(record: Record) -> Score:
    """Score as `ade_test.py`, `coco_test.py` and `omni_test.py` (539ffc3): the first character of the answer.

    It must be the letter, so "Dogs" is D, and "(B) two" is B. For Omni3D it may also be all of the correct option.
    """
    if record.text is None:
        return choices.unanswered(record)
    in_3d = record.tags["source"] == "Omni3D"
    first = letters.cambrian(record.text, ".:," if in_3d else ".")[:1]
    options = [*choices.texts(record.choices)]
    letter = next((letter for letter, _ in options if letter.lower() == first), None)
    if in_3d and any(option == first for letter, option in options if letter in record.targets):
        letter = record.targets[0]
    return choices.graded(record, letter)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the four tasks' accuracies, the sources' and their means `2D`, `3D` and `overall`."""
    parts = parts_by(lambda record: record.tags["source"], records, scores)
    by_source = {name: percent(share(*parts[name]), guessing(parts[name][0])) for name in SOURCES}
    means = {"2D": macro({name: by_source[name] for name in ("ADE20K", "COCO")}), "3D": by_source["Omni3D"]}
    return {"overall": macro(means), **means, **by_source, **by_category(records, scores, [*TASKS])}


CV_BENCH = Task(
    name="cv-bench",
    samples=samples,
    prompts={"release": ending(f"\n{choices.LETTER}"), "lmms-eval": lmms_eval, "vlmevalkit": ending("")},
    scorers={"official": official, "strict": choices.scorer(strict)},
    metric=numbers,
    axes=TASKS,
    totals={"overall": "Overall", "2D": "2D", "3D": "3D"},
    details={name: name for name in SOURCES[:2]},
    readings={"cv-bench": official},
    choice=True,
)
