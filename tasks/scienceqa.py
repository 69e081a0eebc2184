"""ScienceQA-IMG: the test questions of ScienceQA that have a picture (Lu et al. 2022, arXiv 2209.09513).

Prompts and the reading `2022` are from lupantech/ScienceQA, `models/base_prompt.py` and `models/run_gpt3.py`. The
reading behind published tables is from LLaVA, `llava/eval/eval_science_qa.py`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.data import files, tables
from mmeval.scoring.metrics.groups import by_category, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Task
from mmeval.types import Image, InputError, Parts, Record, Sample, Score

SUBJECTS = {"natural science": "Natural science", "social science": "Social science", "language science": "Language"}
YOUNG = {f"grade{number}" for number in range(1, 7)}


def samples(data: str) -> Iterator[Sample]:
    """Yield the test questions with a picture, from the release's folder or the hub's table. Raises InputError.

    The release is `problems.json` (all splits, by number) and `images/test/NUMBER/image.png` (or `test/...`).
    """
    folder = Path(data)
    if not (folder / "problems.json").is_file():
        for number, line in enumerate(tables.read(data, ("*test-*.parquet",), SCIENCEQA.card["hub"], "scienceqa"), 1):
            if pictures := line.images("image"):
                yield sample(line, str(number), pictures)
        return
    root = folder / "images" if (folder / "images").is_dir() else folder
    for line in tables.of_file(folder / "problems.json", folder, "."):
        if line.values.get("split") == "test" and line.values.get("image"):
            pid = line.text("key")
            yield sample(line, pid, [files.picture(root, f"test/{pid}/{line.text('image')}", line.where)])


def sample(line: tables.TableRow, pid: str, pictures: Sequence[Image]) -> Sample:
    """Return a problem as a question. Its hint, if any, is kept for the prompts."""
    texts, answer = line.texts("choices"), line.value("answer")
    if type(answer) is not int or not 0 <= answer < len(texts):
        raise InputError(f"{line.where}: the answer is {answer!r:.40}; it must be the index of an option, from 0")
    prompt: Parts = (*pictures, line.text("question"))
    options = tuple((option,) for option in texts)
    tags = {name: line.cell(name, required=False) for name in ("hint", "grade", "topic")}
    return Sample(pid, prompt, (choices.letter(answer),), options, category=line.text("subject"), tags=tags)


def release(sample: Sample) -> Parts:
    """Ask with the script's QCM-A prompt after the picture. The script makes a blank of two."""
    *pictures, question = sample.prompt
    options = " ".join(
        f"({letter}) {option}" for letter, (option,) in zip(choices.LETTERS, sample.choices, strict=False)
    )
    context = sample.tags["hint"].strip() or "N/A"
    text = f"Question: {question}\nContext: {context}\nOptions: {options}\nAnswer:"
    return (*pictures, text.replace("  ", " "))


def with_letter(sample: Sample) -> Parts:
    """Ask for the letter, so less depends on the reading."""
    *pictures, question = sample.prompt
    hint = f"Context: {sample.tags['hint']}\n" if sample.tags["hint"].strip() else ""
    return choices.lettered((*pictures, f"{hint}{question}"), sample.choices)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy overall, with a hint, by grade and by subject; small data may lack a subject."""
    young = parts_by(lambda record: record.tags.get("grade") in YOUNG, records, scores)
    slices = {
        "overall": (records, scores),
        "with_text": parts_by(lambda record: bool(record.tags.get("hint")), records, scores)[True],
        "grades_1_6": young[True],
        "grades_7_12": young[False],
    }
    result = {name: percent(share(*part), guessing(part[0])) for name, part in slices.items()}
    return {**result, **by_category(records, scores, list(SUBJECTS))}


READINGS = {"llava": choices.scorer(letters.scienceqa_llava), "2022": letters.drawn(letters.scienceqa)}
SCIENCEQA = Task(
    name="scienceqa",
    samples=samples,
    prompts={"release": release, "letter": with_letter},
    version=5,
    scorers={"official": READINGS["llava"], "strict": choices.scorer(strict)},
    metric=numbers,
    axes=SUBJECTS,
    totals={"overall": "All", "with_text": "With a hint", "grades_1_6": "Grades 1-6", "grades_7_12": "Grades 7-12"},
    readings=READINGS,
    choice=True,
    max_new_tokens=32,
)
"""MMICL's paper splits the questions by whether they need the picture; that split was never published. `2022` reads
only "The answer is X." and draws a random letter for any other answer."""
