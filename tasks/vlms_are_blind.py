"""BlindTest of "Vision language models are blind" (Rahmanzadehgervi et al. 2024, 2407.06581): shapes that people see.

The authors published prompts and data but no script. The readings are VLMEvalKit's `VLMBlind` (e8e78f0), for the
authors' prompts, and lmms-eval's `vlmsareblind` (75571cf), for its own.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, macro, percent, share
from mmeval.scoring.readings import short, yesno
from mmeval.scoring.readings.answer import plain
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending, image, known
from mmeval.types import Record, Sample, Score

FILES = ("valid-*.parquet", "data/valid-*.parquet")
GRID, TOUCHING, LETTER = "Counting Grid", "Touching Circles", "Circled Letter"
GRIDS = {f"{GRID} - {kind} Grids": GRID for kind in ("Blank", "Word")}
OLYMPIC = ("Olympic Counting - Circles", "Olympic Counting - Pentagons")
TASKS = ("Line Plot Intersections", TOUCHING, LETTER, *OLYMPIC, "Nested Squares", GRID, "Subway Connections")
"""The tasks in the paper's order; the grids with and without words are one."""
PAIRS = (r"\{(\d+)\}\s*\{(\d+)\}", r"\((\d+)\s*,\s*(\d+)\)", r"rows=\{(\d+)\}\scolumns=\{(\d+)\}")
"""The forms in which lmms-eval finds rows and columns."""

BRACES = re.compile(r"(?<!\w)\{([^{}]*)\}")
"""The braces that the prompts ask for; those of LaTeX's commands are something else."""
LETTERS = (
    re.compile(r"(?<!\w)[\"'`“‘*]+([A-Za-z])[\"'`”’*]+(?!\w)"),
    re.compile(r"(?:\A|\bis |'s |: )([A-Za-z])[.!]?\Z"),
)
"""A letter in quotation marks or bold; or else alone, or at the end of a statement."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of the hub, of a table or of a folder's tables. Raises InputError."""
    rows = tables.read(data, FILES, VLMS_ARE_BLIND.card["hub"], "vlms-are-blind")
    return (sample(line, str(number)) for number, line in enumerate(rows, start=1))


def sample(line: tables.TableRow, id: str) -> Sample:
    """Return a row as a question."""
    task = known(line, "task", line.text("task"), [*TASKS, *GRIDS])
    prompt = (image(line, "image"), line.text("prompt"))
    return Sample(id, prompt, (line.text("groundtruth").strip(),), category=task)


def vlmevalkit(text: str, task: str, key: str) -> tuple[str | None, bool]:
    """Return what VLMEvalKit reads, and whether it is right.

    Mostly all of the first braces; for circles and pentagons of Olympic logos and for touching circles the key only has
    to be part of the answer.
    """
    if task in (*OLYMPIC, TOUCHING):
        right = key.lower() in text.lower() if task == TOUCHING else key in text
        return (key if right else text or None), right
    if task not in GRIDS:
        match = re.search(r"\{(.*?)\}", text)
        return (match[1], match[1] == key) if match else (None, False)
    sizes = [size for name in ("[Rr]ow", "[Cc]olumn") if (size := _first_after(name, text)) is not None]
    if len(sizes) < 2:
        pair = re.search(r"\((\d+),\s*(\d+)\)", text)
        sizes = [*pair.groups()] if pair else []
    sides = [side.strip() for side in key.split(",")]
    return ",".join(sizes) or None, [*map(_number, sizes)] == [*map(_number, sides)]


def _first_after(name: str, text: str) -> str | None:
    """Return the first number in braces that has the name before it, without another brace between them."""
    for match in re.finditer(r"\{(\d+)\}", text):
        start = max(text.rfind(brace, 0, match.start()) for brace in "{}") + 1
        if re.search(name, text[start : match.start()]):
            return match[1]
    return None


def lmms_eval(text: str, task: str, key: str) -> tuple[str | None, bool]:
    """Return what lmms-eval reads, and whether it is right: the first number or letter, a pair, or only yes or no."""
    text = text.strip().lower()
    if task == TOUCHING:
        answer = text if text in ("yes", "no") else None
    elif task in GRIDS:
        pairs = (re.search(form, text) for form in PAIRS)
        answer = next((",".join(pair.groups()) for pair in pairs if pair), None)
    else:
        match = re.search("[a-z]" if task == LETTER else r"\d+", text)
        answer = match[0] if match else None
    return answer, answer == key.lower()


def strict(text: str, task: str, key: str) -> tuple[str | None, bool]:
    """Return what the answer states: yes or no, a letter, a number, or the numbers of rows and columns.

    What is in braces counts before the rest, if it is the same in all of them.
    """
    if task == TOUCHING:
        answer: str | None = yesno.strict(text)
        return answer, answer == key.lower()
    text = plain(text)
    stated = short.stated(BRACES.sub(r" \1 ", text))
    if task in GRIDS:
        sizes = _sides(short.normal(stated))
        return ",".join(sizes) if sizes else None, sizes == re.findall(r"\d+", key)
    contents = {content.strip() for content in BRACES.findall(text)}
    stated = contents.pop() if len(contents) == 1 else stated
    if task == LETTER:
        matches = LETTERS[0].findall(stated) or LETTERS[1].findall(stated)
        letters = {letter.lower() for letter in matches}
        answer = letters.pop() if len(letters) == 1 else None
        return answer, answer == key.lower()
    score = _COUNTED(Record("", (key,), text=stated))
    return score.answer, score.outcome == "correct"


def _sides(text: str) -> list[str] | None:
    """Return the numbers of rows and of columns that a text states, each next to its name or as pairs, if all agree."""
    parts = re.findall(r"\d+|row|col", text)
    by_side = dict[str, set[str]](row=set(), col=set())
    for first, second in zip(parts[::2], parts[1::2], strict=False):
        names, sizes = [part for part in (first, second) if part in by_side], {first, second} - by_side.keys()
        if len(names) == 1:
            by_side[names[0]] |= sizes
        elif not names:
            by_side["row"].add(first)
            by_side["col"].add(second)
    agreed = len(parts) % 2 == 0 and all(len(values) == 1 for values in by_side.values())
    return [values.pop() for values in by_side.values()] if agreed else None


_COUNTED = short.numeric("0")


def scorer(read: Callable[[str, str, str], tuple[str | None, bool]]) -> Callable[[Record], Score]:
    """Return the scorer of a function that reads an answer to a task and compares it with the key."""

    def score(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        answer, right = read(record.text, record.category, record.targets[0])
        if right:
            return Score(1.0, "correct", answer)
        return Score(0.0, "unparsed" if answer is None else "incorrect", answer)

    return score


def _number(digits: str) -> int | None:
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the tasks' accuracies and, overall, their mean over the tasks in the data, as in the paper's table."""
    merged = [replace(record, category=GRIDS.get(record.category, record.category)) for record in records]
    by_task = by_category(merged, scores, TASKS)
    present = {record.category for record in merged}
    mean = macro({name: accuracy for name, accuracy in by_task.items() if name in present})
    return {"overall": mean, "questions": percent(share(records, scores), None), **by_task}


OFFICIAL = scorer(vlmevalkit)
VLMS_ARE_BLIND = Task(
    name="vlms-are-blind",
    samples=samples,
    prompts={"release": ending(""), "lmms-eval": ending("\nAnswer only in the required format.")},
    scorers={"official": OFFICIAL, "strict": scorer(strict)},
    metric=numbers,
    axes={name: name for name in TASKS},
    totals={"overall": "Mean of the tasks", "questions": "All questions"},
    max_new_tokens=32,
    readings={"vlmevalkit": OFFICIAL, "lmms-eval": scorer(lmms_eval)},
    reading_by_prompt={"lmms-eval": "lmms-eval"},
)
