"""MTVQA: questions about text in pictures, in nine languages (Tang et al. 2024, 2405.11985).

An answer is right if it contains the key: `scripts/acc.py` of bytedance/MTVQA at efc6a78, which averages the languages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, macro, percent, share
from mmeval.scoring.readings import short
from mmeval.task import Numbers, Scorer, Task
from mmeval.tasks.shared import ending, image, known
from mmeval.types import InputError, Record, Sample, Score

FILES = ("data/test-*.parquet", "test-*.parquet")
LANGUAGES = {
    "AR": "Arabic", "DE": "German", "FR": "French", "IT": "Italian", "JA": "Japanese", "KO": "Korean",
    "RU": "Russian", "TH": "Thai", "VI": "Vietnamese",
}  # fmt: skip
CODES = {**{code: code for code in LANGUAGES}, "KR": "KO"}
"""The table's code of a language -> the published one."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of test, in the data's order. Raises InputError."""
    for line in tables.read(data, FILES, MTVQA.card["hub"], "mtvqa"):
        yield from questions(line)


def questions(line: tables.TableRow) -> Iterator[Sample]:
    """Yield the questions about a row's picture. One with an empty answer has no key."""
    pairs = line.unpacked("qa_pairs")
    if not isinstance(pairs, list) or not all(isinstance(pair, Mapping) for pair in pairs):
        raise InputError(f"{line.where}: the column qa_pairs is {pairs!r:.80}; it must be a list of questions")
    picture, name = image(line, "image"), line.text("id")
    language = CODES[known(line, "lang", line.text("lang").upper(), CODES)]
    for number, values in enumerate(pairs):
        row = tables.TableRow(values, f"{line.where}, question {number + 1}")
        answer = row.cell("answer")
        targets = (answer,) if answer.strip() else ()
        yield Sample(f"{name}_{number}", (picture, row.text("question").strip()), targets, category=language)


def containing(key: Callable[[str], str]) -> Scorer:
    """Return the scorer for answers that contain a right one, in any case. Periods in answers do not count."""

    def worth(answer: str, targets: Sequence[str]) -> float:
        return float(any(key(target) in answer for target in targets))

    return short.scorer(lambda text: text.strip().lower().replace(".", ""), worth)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the mean of the languages that were asked, the accuracy of all questions, and that of each language."""
    by_language = by_category(records, scores, [*LANGUAGES], chance=lambda records: None)
    asked = {record.category for record in records}
    languages = {name: statistic for name, statistic in by_language.items() if name in asked}
    return {"overall": macro(languages), "questions": percent(share(records, scores), None), **by_language}


READINGS = {
    "mtvqa": containing(lambda key: key.strip().lower()),
    "vlmevalkit": containing(lambda key: key.strip().lower().replace(".", "")),
}
MTVQA = Task(
    name="mtvqa",
    samples=samples,
    prompts={"vlmevalkit": ending("\nAnswer the question using a word or phrase in the language of the question.")},
    scorers={"official": READINGS["mtvqa"], "strict": short.exact},
    metric=numbers,
    axes=LANGUAGES,
    totals={"overall": "Mean of languages"},
    details={"questions": "All questions"},
    max_new_tokens=64,
    readings=READINGS,
)
