"""RoboSpatial-Home: where things are, whether they fit, and points in free space (Song et al. 2024, 2411.16537).

`evaluation.py` of chanhee-luke/RoboSpatial-Eval at 19f04a5; its table has the mean of the three categories.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from mmeval.cards.facts import facts
from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, macro, percent, share
from mmeval.scoring.readings import regions, yesno
from mmeval.scoring.readings.boxes import SYSTEMS
from mmeval.scoring.readings.choices import unanswered
from mmeval.scoring.readings.scripts import points
from mmeval.task import Numbers, Scorer, Task
from mmeval.tasks.shared import ending, image, known, sized
from mmeval.types import InputError, Parts, Record, Sample, Score, whole_number

CATEGORIES = {"configuration": "Configuration", "compatibility": "Compatibility", "context": "Context (points)"}
FILE = "annotations.json"
"""The file that the authors' `download_benchmark.py` writes, beside the folder images."""
YES_NO = ("yes", "no")
FORM = "Your answer should"
"""Where the question begins to ask for a form of points."""
JSON = """
Output the point coordinates in JSON format.
For example:
[
  {"point_2d": [x, y], "label": "point_1"}
]
"""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of the three splits, of the hub, its tables, or the authors' file. Raises InputError."""
    numbering = {name: count() for name in CATEGORIES}
    for line in lines(data):
        category = known(line, "category", line.text("category"), CATEGORIES)
        yield sample(line, category, next(numbering[category]))


def lines(data: str) -> Iterator[tables.TableRow]:
    """Yield the rows. Raises InputError."""
    if (path := Path(data) / FILE).is_file():
        yield from tables.of_file(path, Path(data))
        return
    for split in CATEGORIES:
        address = {**facts("robospatial-home")["hub"], "split": split}
        patterns = (f"data/{split}-*.parquet", f"{split}-*.parquet")
        yield from tables.read(data, patterns, address, "robospatial-home", first=True)


def sample(line: tables.TableRow, category: str, number: int) -> Sample:
    """Return a row as a question, answered by yes or no or by points in a polygon."""
    answer, picture = line.text("answer").strip(), image(line, "img")
    key = answer.lower() if answer.lower() in YES_NO else answer
    if key not in YES_NO:
        problem = f"{line.where}: the answer '{answer[:40]}' is neither yes, no nor a list of points; fix it"
        try:
            corners = points.polygon(answer)
        except ValueError as error:
            raise InputError(problem) from error
        if not corners:
            raise InputError(problem)
    return Sample(
        f"{category}/{number}",
        (picture, line.text("question")),
        (key,),
        category=category,
        tags=sized(picture.size),
    )


def vlmevalkit(sample: Sample) -> Parts:
    """Ask for points in JSON, as VLMEvalKit (e8e78f0) does for all models after Qwen3-VL's report."""
    *pictures, question = sample.prompt
    if sample.category != "context":
        return (*pictures, question)
    return (*pictures, f"{str(question).partition(FORM)[0].strip()}\n{JSON}")


def strict(system: str) -> Scorer:
    """Return the scorer of stated words, and of the share of all points that are in the polygon."""
    read, word = regions.strict_points(system), yesno.scorer(yesno.strict)

    def score(record: Record) -> Score:
        if record.text is None:
            return unanswered(record)
        if record.targets[0] in YES_NO:
            return word(record)
        given = read(record.text, (whole_number(record.tags, "width"), whole_number(record.tags, "height")))
        if not given:
            return Score(0.0, "refused" if yesno.refuses(record.text) else "unparsed")
        corners = points.corners(record)
        return regions.marked(sum(regions.in_polygon(x, y, corners) for x, y in given) / len(given), given)

    return score


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the mean of the three categories, that of all questions, and each. Chance is a coin's, or unknown."""

    def chance(records: Sequence[Record]) -> float | None:
        return 50.0 if all(record.targets[0] in YES_NO for record in records) else None

    by_name = by_category(records, scores, [*CATEGORIES], chance=chance)
    return {
        "overall": macro({name: by_name[name] for name in CATEGORIES}),
        **by_name,
        "vqa": macro({name: by_name[name] for name in ("configuration", "compatibility")}),
        "questions": percent(share(records, scores), None),
    }


_OFFICIAL = {"official": points.robospatial_score, "strict": strict("unit")}
READINGS = {"robospatial": _OFFICIAL, **{system: {"strict": strict(system)} for system in SYSTEMS}}
ROBOSPATIAL = Task(
    name="robospatial-home",
    samples=samples,
    prompts={"release": ending(""), "vlmevalkit": vlmevalkit},
    scorers=_OFFICIAL,
    metric=numbers,
    axes=CATEGORIES,
    totals={"overall": "Mean of three"},
    details={"vqa": "Mean of configuration and compatibility", "questions": "All questions"},
    max_new_tokens=256,
    readings={reading: next(iter(scorers.values())) for reading, scorers in READINGS.items()},
    scorers_by_reading=READINGS,
    reading_by_prompt={"vlmevalkit": "thousandths"},
)
