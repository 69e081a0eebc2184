"""VQAv2, OK-VQA and VizWiz: questions with ten human answers each, asked after demonstrations (see `shared`).

Goyal et al. 2017 (arXiv 1612.00837), Marino et al. 2019 (arXiv 1906.00067), Gurari et al. 2018 (arXiv 1802.08218).
Answers are scored by VQA accuracy. The split is val, because the test answers are not public.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mmeval.data import demonstrations
from mmeval.data import vqa as vqa_data
from mmeval.data.vqa import Release
from mmeval.scoring.metrics.groups import by_category, percent, share
from mmeval.scoring.readings.short import voted
from mmeval.scoring.readings.vqa import READINGS
from mmeval.task import Numbers, Scorer, Task
from mmeval.tasks import shared
from mmeval.types import Record, Sample, Score

KINDS = {"yes/no": "Yes/No", "number": "Number", "other": "Other"}
KNOWLEDGE = {
    "one": "Vehicles and Transportation", "two": "Brands, Companies and Products",
    "three": "Objects, Material and Clothing", "four": "Sports and Recreation", "five": "Cooking and Food",
    "six": "Geography, History, Language and Culture", "seven": "People and Everyday Life",
    "eight": "Plants and Animals", "nine": "Science and Technology", "ten": "Weather and Climate", "other": "Other",
}  # fmt: skip
"""OK-VQA's `question_types`."""


def ask(question: str) -> str:
    """Ask with open_flamingo's wording, the same for all three."""
    return f"Question:{question} Short answer:"


OFFICIAL = "2016"
"""The default reading; the cards say why."""
SCORERS = {"official": READINGS[OFFICIAL], "strict": voted}


def raw(record: Record) -> Score:
    """Score against the annotators' original answers, before stemming."""
    answers = record.tags.get("raw", "")
    if record.text is not None and not answers:
        return Score(None, "unscored")
    return READINGS[OFFICIAL](replace(record, targets=tuple(answers.split("\n"))))


def unstemmed(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Report OK-VQA's number against the answers before stemming."""
    marks = share(records, [raw(record) if record.error is None else Score(0.0, "error") for record in records])
    if not marks.values:
        return []
    value = 100 * math.fsum(marks.values) / len(marks.values)
    return [
        "OK-VQA's answers are stemmed (`riding` is `ride`). The model's answers are not, although open_flamingo stems "
        f"them. Against the unstemmed answers the overall number, with the reading '{OFFICIAL}', is {value:.2f} (`raw` "
        "in scores.json)."
    ]


def _task(name: str, axes: Mapping[str, str], release: Release, scorers: Mapping[str, Scorer]) -> Task:
    def read(data: str, shots: int, seed: int) -> Iterator[Sample]:
        dataset = replace(release, source=str(task.card["source"]))
        folder = shared.folder(task, data, dataset.holds)
        train = dataset.items(folder, "train") if shots or dataset.has(folder, "train") else None
        return demonstrations.samples(dataset.items(folder, "val"), train, folder, shots, seed)

    def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
        """Return the accuracy overall and for each kind of question, clustered by picture."""
        kinds = by_category(records, scores, list(axes), "image", lambda records: None)
        return {**kinds, "overall": percent(share(records, scores, "image"), None)}

    task = Task(
        name=name,
        version=2,
        samples=lambda data: read(data, 0, 0),
        few_shot=read,
        shots=0,
        prompts=shared.few_shot_prompts(ask),
        scorers=scorers,
        metric=numbers,
        axes=axes,
        totals={"overall": "Overall"},
        readings={OFFICIAL: READINGS[OFFICIAL], **READINGS},
    )
    return task


VQAV2 = _task("vqav2", KINDS, vqa_data.VQAV2, SCORERS)
OKVQA = replace(
    _task("okvqa", KNOWLEDGE, vqa_data.OKVQA, {**SCORERS, "raw": raw}),
    remarks=unstemmed,
)
"""open_flamingo also stems the model's answers before its vqa_metric.py, with a tagger that must be downloaded. Answers
are not stemmed here."""
VIZWIZ = _task("vizwiz", {**KINDS, "unanswerable": "Unanswerable"}, vqa_data.VIZWIZ, SCORERS)
