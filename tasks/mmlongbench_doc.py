"""MMLongBench-Doc: questions about documents of up to some hundred pages (Ma et al. 2024, 2407.01523).

`run_api.py` and `eval` of mayubo2333/MMLongBench-Doc at d73f0dc. Officially a judge extracts the answer (--judge); its
prompt is in `mmlongbench_doc_texts`, and there the question and the answer follow as a message of their own. Then rules
compare the answer with the key, by the form of the key.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from mmeval import yaml_file
from mmeval.data import files, tables
from mmeval.scoring.metrics.groups import percent, share
from mmeval.scoring.readings import short
from mmeval.scoring.readings.scripts.mmlongbench import mark
from mmeval.scoring.readings.yesno import refuses
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.scoring.verdicts import Grader
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import file, known
from mmeval.types import Image, InputError, Record, Sample, Score

FOLDERS = ("tmp", "pages", "")
"""Where the pages may be; the script writes them to the first."""
MOST = 120
"""How many pages are shown at most, as in the script."""
NOT_ANSWERABLE = "Not answerable"
FORMATS = ("Int", "Float", "Str", "List", "None")
SOURCES = {
    "Pure-text (Plain-text)": "Text", "Generalized-text (Layout)": "Layout", "Chart": "Chart", "Table": "Table",
    "Figure": "Figure",
}  # fmt: skip
PARTS = {"single": "Single page", "cross": "Several pages", "unanswerable": "Not answerable"}
TYPES = (
    "Research report / Introduction", "Tutorial/Workshop", "Academic paper", "Guidebook", "Brochure",
    "Administration/Industry file", "Financial report",
)  # fmt: skip


@cache
def extraction() -> str:
    """Return the authors' prompt for the judge."""
    return str(yaml_file.read(resources.files("mmeval.tasks").joinpath("mmlongbench_doc_texts.yaml"))["extraction"])


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions, in the file's order, each with the pages of its document. Raises InputError."""
    path = file(MMLONGBENCH_DOC, data, ("samples.json",), ("data",), "the pages")
    shown: dict[str, tuple[Image, ...]] = {}
    for number, line in enumerate(tables.of_file(path, Path(data))):
        document = line.text("doc_id")
        if document not in shown:
            shown = {document: pages(line, Path(data), document)}
        yield sample(line, number, shown[document])


def pages(line: tables.TableRow, folder: Path, document: str) -> tuple[Image, ...]:
    """Return the pages of a document, called NAME_1.png and so on. Raises InputError if there is none."""
    name = document.rpartition("/")[2].removesuffix(".pdf")
    if not files.media_needed():
        return ()
    shown = [files.picture(folder, *_places(line, name, 1))]
    for number in range(2, MOST + 1):
        first, where, *others = _places(line, name, number)
        if not any(files.inside(folder, place, where).is_file() for place in (first, *others)):
            break
        shown.append(files.picture(folder, first, where, *others))
    return tuple(shown)


def _places(line: tables.TableRow, name: str, number: int) -> list[str]:
    first, *others = line.places(f"{name}_{number}.png", FOLDERS)
    return [first, line.where, *others]


def sample(line: tables.TableRow, number: int, shown: Sequence[Image]) -> Sample:
    """Return a row as a question, followed by the pages."""
    sources = [known(line, "evidence source", source, SOURCES) for source in _listed(line, "evidence_sources")]
    answer, count = line.text("answer"), len(_listed(line, "evidence_pages"))
    unanswerable = answer == NOT_ANSWERABLE
    parts = (("single", count == 1), ("cross", count != 1 and not unanswerable), ("unanswerable", unanswerable))
    return Sample(
        str(number),
        (line.text("question"), *shown),
        (answer,),
        category=known(line, "doc_type", line.text("doc_type"), TYPES),
        groups={"document": line.text("doc_id")},
        tags={
            "question": line.text("question"),
            "format": known(line, "answer_format", line.text("answer_format"), FORMATS),
            "parts": "\n".join([*(name for name, is_one in parts if is_one), *sources]),
        },
    )


def _listed(line: tables.TableRow, name: str) -> list[str]:
    values = line.unpacked(name)
    if not isinstance(values, list):
        raise InputError(f"{line.where}: the column {name} is {values!r:.60}; it must be a list")
    return [str(value) for value in values]


def judging(record: Record, replies: Sequence[str]) -> str | None:
    """Return the script's prompt for a judge."""
    return None if replies else f"{extraction()}\n\nQuestion:{record.tags['question']}\nAnalysis:{record.text}\n"


def extracted(reply: str) -> str | None:
    """Return the extracted answer of a reply; None where the script stops."""
    parts = reply.split("Answer format:")[0].split("Extracted answer:")
    return parts[1].strip() if len(parts) > 1 else None


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Score the extracted answer."""
    return _scored(record, extracted(replies[0]) or "")


def stated(record: Record) -> Score:
    """Score the answer that is stated, by the same rules; a refusal says that there is none."""
    if record.text is None:
        return Score(None, "error")
    answer = short.stated(record.text)
    return _scored(record, NOT_ANSWERABLE if refuses(record.text) else answer) if answer else Score(0.0, "unparsed")


def _scored(record: Record, answer: str) -> Score:
    value = mark(record.targets[0], answer, record.tags["format"])
    return Score(value, "correct" if value else "incorrect", answer)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return accuracy and F1 of all questions, and the accuracy by evidence, by pages and by type of document.

    F1 is that of recall, the mean mark of answerable questions, and precision, their marks per answer that is not "Not
    answerable": a ratio of sums.
    """
    rows = [pair for pair in zip(records, scores, strict=True) if pair[1].value is not None]
    marks = []
    for record, score in rows:
        value, answered = float(score.value or 0), score.answer != NOT_ANSWERABLE
        answerable = record.targets[0] != NOT_ANSWERABLE
        if answerable:  # the mark counts for recall and for precision, even of an answer that claims to be none
            marks.append((value if answered else 2 * value, record.groups["document"]))
        if answered:
            marks.append((value if answerable else 0.0, record.groups["document"]))

    def part(name: str) -> Statistic:
        chosen = [pair for pair in rows if name in _parts(pair[0])]
        return percent(share([record for record, _ in chosen], [score for _, score in chosen], "document"), None)

    return {
        "overall": part("overall"),
        "f1": percent(Mean([value for value, _ in marks], [name for _, name in marks]), None),
        **{name: part(name) for name in (*SOURCES, *PARTS, *TYPES)},
    }


def _parts(record: Record) -> set[str]:
    return {"overall", record.category, *record.tags["parts"].split("\n")}


MMLONGBENCH_DOC = Task(
    name="mmlongbench-doc",
    samples=samples,
    prompts={"release": lambda sample: sample.prompt},
    scorers={"strict": stated},
    metric=numbers,
    axes=SOURCES,
    totals={"overall": "Accuracy", "f1": "F1"},
    details={**PARTS, **{name: name for name in TYPES}},
    max_new_tokens=512,
    grader=Grader(
        prompt=judging,
        usable=lambda record, replies: extracted(replies[-1]) is not None,
        max_tokens=256,
        score=graded,
        final=True,
    ),
)
