"""MuirBench: multiple choice about several pictures. Each question is paired with one that cannot be answered.

Wang et al. 2024, arXiv 2406.09411. Prompt and parser are from `eval/utils` of muirbench/MuirBench. The data set marks
the pictures in questions and options with <image>.
"""

import math
from collections.abc import Iterator, Sequence

from mmeval.data import marks, tables
from mmeval.scoring.metrics.groups import by_category, group_all, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import right_letter
from mmeval.types import Parts, Record, Sample, Score

FILES = ("test-*.parquet", "data/test-*.parquet")


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions, in the data's order. Raises InputError."""
    return map(sample, tables.read(data, FILES, MUIRBENCH.card["hub"], "muirbench"))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. `pair` holds the ids of the question and its counterpart, in sorted order."""
    idx, counterpart = line.text("idx"), line.cell("counterpart_idx", required=False)
    option_texts = line.texts("options")
    answer = right_letter(line, line.text("answer").strip(), option_texts)
    texts, images = [line.text("question"), *option_texts], line.images("image_list")
    question, *options = marks.placed(texts, images, "<image>", line.where)
    groups = {"pair": " ".join(sorted({idx, counterpart} - {""}))}
    tags = {"relation": line.cell("image_relation", required=False), "counterpart": counterpart}
    return Sample(idx, question, (answer,), tuple(options), groups=groups, category=line.text("task"), tags=tags)


def release(sample: Sample) -> Parts:
    """Ask as `create_prompt` does."""
    end = "Hint: Please provide the correct option letter, such as A, B, C, D, directly.\nAnswer:"
    listed = choices.listed(sample.choices, "({}) ")
    return choices.merged(["Question: ", sample.prompt, "\nChoices:\n", listed, end])


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return `overall` for all questions, `pairs` for those whose counterpart is in the data, and each task."""
    ids = {record.id for record in records}
    both = parts_by(lambda record: record.tags.get("counterpart") in ids, records, scores)[True]
    chances = [100.0 / len(record.choices) ** 2 for record in both[0] if record.choices]
    chance = math.fsum(chances) / len(chances) if chances else None
    return {
        "overall": percent(share(records, scores, "pair"), guessing(records)),
        "pairs": percent(group_all(*both, "pair"), chance, "no question's counterpart is in the data"),
        **by_category(records, scores, sorted({record.category for record in records}), "pair"),
    }


OFFICIAL = letters.drawn(letters.mmmu)
MUIRBENCH = Task(
    name="muirbench",
    version=5,
    samples=samples,
    prompts={"release": release, "direct": lambda sample: choices.lettered(sample.prompt, sample.choices)},
    scorers={"official": OFFICIAL, "strict": choices.scorer(strict)},
    metric=numbers,
    axes={"overall": "Overall", "pairs": "Both of a pair"},
    readings={"muirbench": OFFICIAL},
    choice=True,
    max_new_tokens=32,
)
"""`direct` is lmms-eval's prompt."""
