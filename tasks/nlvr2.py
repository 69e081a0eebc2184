"""NLVR2: is a sentence true of a left and a right photograph? (Suhr et al. 2019, arXiv 1811.00491)

Scores are accuracy and consistency, the share of sentences for which every pair of pictures is judged right
(`nlvr2/eval/metrics.py` of lil-lab/nlvr; the identifier without its pair number names the sentence).
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import files, nlvr2, tables
from mmeval.scoring.metrics.groups import group_all, percent, share
from mmeval.scoring.readings import yesno
from mmeval.task import Numbers, Task
from mmeval.types import InputError, Parts, Record, Ref, Sample, Score

SPLITS = ("test1", "test2", "dev")
"""The first that exists is used. test1 is the public test set."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of a split, from its JSON file or the folder that holds one. Raises InputError."""
    path = Path(data)
    paths = (path, *(folder / f"{split}.json" for folder in (path, path / "data") for split in SPLITS))
    file = next((candidate for candidate in paths if candidate.is_file()), None)
    if file is None:
        raise InputError(
            f"no data at '{data}': give the folder that holds test1.json, test2.json or dev.json, or one such file"
        )
    folder = path if path.is_dir() else path.parent
    yield from (sample(line, folder) for line in tables.of_file(file, folder))


def sample(line: tables.TableRow, folder: Path) -> Sample:
    """Return a row as a question. `sentence` is the identifier without its pair; `set` lacks the sentence, too."""
    row = nlvr2.statement(line)
    pictures = []
    for name in row.pictures:
        first, *others = (f"{row.split}/{name}", f"images/{row.split}/{name}", name)
        pictures.append(files.picture(folder, first, line.where, *others))
    groups, targets = {"set": row.set, "sentence": row.sentence}, ("yes" if row.true else "no",)
    return Sample(row.id, (*pictures, row.text), targets, groups=groups, tags={"split": row.split})


def mmicl(sample: Sample) -> Parts:
    """Ask as MMICL's data does (MIC_tool's nlvr2 template). The model's context introduces the pictures."""
    left, right, sentence = sample.prompt
    introduction = ("The ", Ref(0), " is the left image and the ", Ref(1), " is the right image. Analyzing the ")
    ask = f", can you validate the statement: {sentence}? Respond with either True or False."
    return (left, right, *introduction, Ref(0), " and ", Ref(1), ask)


def plain(sample: Sample) -> Parts:
    """Ask in as few words as possible."""
    left, right, sentence = sample.prompt
    ask = f"Left picture, right picture. Is this statement true of them? {sentence}\nAnswer with True or False."
    return (left, right, ask)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return both, clustered by set of pictures. Chance consistency falls with the number of pairs per sentence."""
    pairs = Counter(record.groups["sentence"] for record in records)
    chance = 100.0 * math.fsum(0.5**number for number in pairs.values()) / len(pairs) if pairs else None
    all_right = group_all(records, scores, "sentence", "set")
    return {
        "accuracy": percent(share(records, scores, "set"), 50.0),
        "consistency": percent(all_right, chance, "no sentence has all its answers"),
    }


NLVR2 = Task(
    name="nlvr2",
    version=4,
    samples=samples,
    prompts={"mmicl": mmicl, "plain": plain},
    scorers={"official": yesno.scorer(yesno.nlvr2), "strict": yesno.scorer(yesno.truth)},
    metric=numbers,
    axes={"accuracy": "Accuracy", "consistency": "Consistency"},
)
