"""MME: fourteen subtasks, two yes/no questions per picture (Fu et al. 2023, arXiv 2306.13394).

A subtask's score is 100 times the share of questions answered right (acc) plus 100 times the share of pictures with
both questions right (acc+). Perception is the sum of the first ten subtasks, Cognition of the last four.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mmeval import regular
from mmeval.data import arrow, files, tables
from mmeval.scoring.readings import yesno
from mmeval.scoring.statistics import Mean, Statistic
from mmeval.task import Task
from mmeval.tasks.shared import WORD, YES_OR_NO, ending
from mmeval.types import Image, InputError, Record, Sample, Score, plural

PERCEPTION = {
    "existence": "Existence", "count": "Count", "position": "Position", "color": "Color", "posters": "Poster",
    "celebrity": "Celebrity", "scene": "Scene", "landmark": "Landmark", "artwork": "Artwork", "OCR": "OCR",
}  # fmt: skip
COGNITION = {
    "commonsense_reasoning": "Commonsense Reasoning", "numerical_calculation": "Numerical Calculation",
    "text_translation": "Text Translation", "code_reasoning": "Code Reasoning",
}  # fmt: skip
SUBTASKS = PERCEPTION | COGNITION
"""The benchmark's names -> labels, in the order of its published radar chart."""

PICTURES = {".jpg", ".jpeg", ".png"}
TOOLS = "eval_tool"
"""A folder of the release that is not a subtask."""


@dataclass(frozen=True, eq=False)
class YesNoRow:
    """A question about a picture, unchanged from the data."""

    subtask: str
    picture: str
    """The picture's name, unique within its subtask."""
    image: Image
    question: str
    answer: str
    where: str
    """File and line, for error messages."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of a source, both questions of a picture together. Raises InputError."""
    for pair in pairs(read(data, MME.card["hub"])):
        for number, row in enumerate(pair, start=1):
            picture, prompt = f"{row.subtask}/{row.picture}", (row.image, row.question.removesuffix(YES_OR_NO))
            groups = {"image": picture, "pair": picture}
            yield Sample(f"{picture}#{number}", prompt, (row.answer.lower(),), groups=groups, category=row.subtask)


def read(data: str, hub: Mapping[str, str]) -> Iterator[YesNoRow]:
    """Yield the rows of a release folder, a .parquet file, a folder of .parquet files, or the hub address `hub`."""
    path = Path(data)
    if path.is_dir() and not files.glob(path, "*.parquet") and not arrow.is_saved(path):
        return _release(path)
    if data == "hub" or path.exists():
        return map(_row, tables.read(data, ("*.parquet",), hub, "mme"))
    raise InputError(f"no data at '{data}': give a folder in the release format, a .parquet table, embedded or hub")


def pairs(rows: Iterable[YesNoRow]) -> Iterator[tuple[YesNoRow, YesNoRow]]:
    """Yield the two questions of each picture together, as soon as both are read. Raises InputError."""
    waiting: dict[tuple[str, str], YesNoRow] = {}
    complete: set[tuple[str, str]] = set()
    for row in rows:
        tables.known(row.where, "subtask", row.subtask, SUBTASKS)
        if row.answer.lower() not in ("yes", "no"):
            raise InputError(f"{row.where}: the ground truth is '{row.answer[:80]}'; it must be Yes or No")
        if not row.question.strip():
            raise InputError(f"{row.where}: the question is empty; write one")
        picture = (row.subtask, row.picture)
        if picture in complete:
            raise InputError(f"{row.where}: more than two questions for the picture {'/'.join(picture)}; keep two")
        if picture not in waiting:
            waiting[picture] = row
            continue
        first = waiting.pop(picture)
        if first.question == row.question:
            raise InputError(f"{row.where}: repeats the question of {first.where}; ask two different ones")
        complete.add(picture)
        yield first, row
    for (subtask, name), row in waiting.items():
        raise InputError(f"{row.where}: one question for the picture {subtask}/{name}; add the second")
    if not complete:
        raise InputError("the data has no questions; check that it is the right folder or table")


def missing(categories: Collection[str]) -> list[str]:
    """Return a sentence that names the subtasks missing from the data, or nothing if all are there."""
    absent = [label for name, label in SUBTASKS.items() if name not in categories]
    sums = [label for label, part in (("Perception", PERCEPTION), ("Cognition", COGNITION)) if part.keys() - categories]
    lacks = f"The data lacks {len(absent)} of the {len(SUBTASKS)} subtasks ({', '.join(absent)})"
    return [f"{lacks}, so there will be no value for {' and '.join(sums)}."] if absent else []


def _row(line: tables.TableRow) -> YesNoRow:
    """Return a row of a table with the columns of `lmms-lab-encoder/MME`."""
    subtask = line.text("category")
    name = line.text("question_id").removeprefix(f"{subtask}/")
    images = line.images("image")
    if len(images) != 1:
        raise InputError(f"{line.where}: the picture is not in the table; embed its bytes in the column image")
    return YesNoRow(subtask, name, images[0], line.text("question"), line.text("answer").strip(), line.where)


def _release(folder: Path) -> Iterator[YesNoRow]:
    """Yield the rows of a release folder or its parent: one folder per subtask, one text per picture, one line per row.

    A subtask has its pictures and texts in one folder, or in `images/` and `questions_answers_YN/`. Subtasks come in
    the benchmark's order; absent ones are skipped. Raises InputError.
    """
    folders = _subtasks(folder)
    if len(folders) == 1 and folders[0].name not in SUBTASKS:
        folders = _subtasks(folders[0]) or folders
    if not folders:
        raise InputError(f"{folder}: has no subtask folder; give the folder that holds {', '.join(SUBTASKS)}")
    for path in folders:
        tables.known(str(path), "subtask", path.name, SUBTASKS)
    for path in sorted(folders, key=lambda path: [*SUBTASKS].index(path.name)):
        yield from _subtask(path)


def _subtasks(folder: Path) -> list[Path]:
    folders = (path for path in files.glob(folder, "*") if path.is_dir())
    return [path for path in folders if path.name != TOOLS and not path.name.startswith(".")]


def _subtask(folder: Path) -> Iterator[YesNoRow]:
    pictures = _pictures(folder / "images" if (folder / "images").is_dir() else folder)
    texts_folder = folder / "questions_answers_YN"
    texts = {path.stem: path for path in files.glob(texts_folder if texts_folder.is_dir() else folder, "*.txt")}
    if not texts:
        raise InputError(f"{folder}: has no questions; the release has a .txt file for each picture")
    for name in sorted(pictures.keys() - texts.keys()):
        raise InputError(f"{pictures[name]}: the picture has no questions; add {name}.txt or remove the picture")
    for name, text in texts.items():
        if name not in pictures:
            raise InputError(f"{text}: there is no picture {name}.jpg or {name}.png for these questions; add it")
        yield from _questions(folder, text, pictures[name])


def _pictures(folder: Path) -> dict[str, Path]:
    pictures: dict[str, Path] = {}
    for path in files.glob(folder, "*"):
        if path.suffix.lower() in PICTURES and pictures.setdefault(path.stem, path) is not path:
            raise InputError(f"{path}: {pictures[path.stem].name} exists, too; remove one of them")
    return pictures


def _questions(folder: Path, text: Path, picture: Path) -> Iterator[YesNoRow]:
    for path in (text, picture):
        files.inside(folder, "/".join(path.parts[len(folder.parts) :]), str(path))
    image = Image(picture, f"{folder.name}/{picture.name}")
    for number, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        question, tab, answer = line.partition("\t")
        where = f"{text}, line {number}"
        if not tab or "\t" in answer.rstrip():
            raise InputError(f"{where}: not a question, a tab, and Yes or No; fix the line")
        yield YesNoRow(folder.name, picture.name, image, question, answer.strip(), where)


def _lines(path: Path) -> list[str]:
    """Return the lines of a text file. Only LF, CR LF and CR end a line."""
    content = regular.read_bytes(path)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8 ({error.reason}); save it as UTF-8") from error


def numbers(group: str, records: Sequence[Record], scores: Sequence[Score]) -> dict[str, Statistic]:
    """Return the subtasks and the two sums. `group` ties the two questions of a picture."""
    judged: dict[str, dict[str, list[float | None]]] = {name: {} for name in SUBTASKS}
    for record, score in zip(records, scores, strict=True):
        if record.category not in judged:
            raise InputError(
                f"{record.id}: the subtask is '{record.category}', which MME does not have; restore the file"
            )
        judged[record.category].setdefault(record.groups[group], []).append(score.value)
    by_subtask = {name: subtask(pictures) for name, pictures in judged.items()}
    sums = (("perception", PERCEPTION), ("cognition", COGNITION))
    return {**{name: total([by_subtask[part] for part in names]) for name, names in sums}, **by_subtask}


def subtask(pictures: Mapping[str, list[float | None]]) -> Statistic:
    """Return the points, out of 200, from the marks of each picture's questions (1, 0, or None for no answer)."""
    for picture, marks in pictures.items():
        if len(marks) != 2:
            return Statistic(200.0, 75.0, reason=f"{picture} has {len(marks)} of 2 answers")
    answered = [(picture, mark) for picture, marks in pictures.items() for mark in marks if mark is not None]
    both = [
        (picture, float(all(mark == 1.0 for mark in marks))) for picture, marks in pictures.items() if None not in marks
    ]
    if not both:
        return Statistic(200.0, 75.0, reason="no picture has both questions answered")
    acc = Mean([mark for _, mark in answered], [picture for picture, _ in answered], "acc")
    acc_plus = Mean([mark for _, mark in both], [picture for picture, _ in both], "acc+")
    return Statistic(200.0, 75.0, [((100.0, acc), (100.0, acc_plus))])


def unread(records: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    """Return a remark on the subtasks without a single parsed answer, if there are any."""
    parsed = {record.category for record, score in zip(records, scores, strict=True) if score.answer is not None}
    answered = {record.category for record in records if record.text is not None}
    unparsed = [name for name in SUBTASKS if name in answered - parsed]
    if not unparsed:
        return []
    points = "it has 0 points" if len(unparsed) == 1 else "they have 0 points"
    names = ", ".join(unparsed)
    return [f"No answer of {names} could be read, so {points}; the benchmark's own script fails in this case."]


def total(subtasks: Sequence[Statistic]) -> Statistic:
    """Return the sum, or no value if a subtask has none. Random answers give 75 in each subtask."""
    full_marks, chance = 200.0 * len(subtasks), 75.0 * len(subtasks)
    if any(part.reason is not None for part in subtasks):
        return Statistic(full_marks, chance, reason="not all of its subtasks have a value")
    return Statistic(full_marks, chance, [stratum for part in subtasks for stratum in part.strata])


def read_predictions(path: str, subtasks: Collection[str] = tuple(SUBTASKS)) -> list[Record]:
    """Return the answers in a results folder of the benchmark's own format, in its order.

    There is one file per subtask and one line per answer: picture, question, ground truth, answer. A repeated question
    counts once, with its last answer. The group `pair` ties answers 1 and 2, 3 and 4, ..., as MME's script does.
    Raises InputError, naming file and line, if that script would fail.
    """
    records = []
    for subtask in subtasks:
        answers: dict[tuple[object, ...], list[Record]] = {}
        for record in lines(path, [subtask]):
            answers.setdefault((record.groups["image"], record.question, record.targets), []).append(record)
        for number, (*before, last) in enumerate(answers.values()):
            tags = {"times": str(len(before) + 1)} if before else {}
            records.append(replace(last, groups={**last.groups, "pair": f"{subtask}/{number // 2 + 1}"}, tags=tags))
    return records


def lines(path: str, subtasks: Collection[str] = tuple(SUBTASKS)) -> list[Record]:
    """Return the answer on each line of a results folder, repeated questions included."""
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder with existence.txt and the others")
    return [record for subtask in subtasks for record in _answers(folder / f"{subtask}.txt", subtask)]


def _answers(path: Path, subtask: str) -> Iterator[Record]:
    if not path.is_file():
        raise InputError(f"{path}: missing; a results folder has a file for each subtask")
    rows = _lines(path)
    rows = rows[:-1] if rows[-1] == "" else rows
    if not rows:
        raise InputError(f"{path}: empty; it must have two lines for each picture")
    yield from (_answer(line, subtask, number, path) for number, line in enumerate(rows, start=1))
    if len(rows) % 2:
        raise InputError(f"{path}, line {len(rows)}: an odd number of lines; each picture must have two")


def _answer(line: str, subtask: str, number: int, path: Path) -> Record:
    columns, where = line.split("\t"), f"{path}, line {number}"
    if len(columns) != 4:
        problem = f"{plural(len(columns), 'column')} instead of 4 (picture, question, ground truth, answer)"
        raise InputError(f"{where}: {problem}; write answers without tabs and line breaks, and no blank lines")
    picture, question, truth, answer = columns
    if truth.lower() not in ("yes", "no"):
        raise InputError(f"{where}: the ground truth is '{truth[:80]}'; it must be Yes or No, with nothing around it")
    groups = {"image": f"{subtask}/{picture}", "pair": f"{subtask}/{(number + 1) // 2}"}
    return Record(f"{subtask}/{number}", (truth.lower(),), subtask, groups, question=question, text=answer)


MME = Task(
    name="mme",
    version=4,
    samples=samples,
    prompts={"release": ending(YES_OR_NO), "single-word": ending(WORD)},
    scorers={"official": yesno.scorer(yesno.official), "strict": yesno.scorer(yesno.strict)},
    metric=partial(numbers, "pair"),
    metric_by_scorer={"strict": partial(numbers, "image")},
    axes=SUBTASKS,
    totals={"perception": "Perception", "cognition": "Cognition"},
    read_predictions=read_predictions,
    remarks=unread,
    notices=missing,
)
"""Every question of the release ends in YES_OR_NO; samples leave it out.

`official` follows the benchmark's calculation.py: it reads the first four characters and pairs adjacent lines of a
results folder. `strict` reads the whole answer and pairs by picture."""
