"""TempCompass: what happens how fast, in which direction and order, in short videos (Liu et al. 2024, 2403.00476).

Three of its four ways of asking: multiple choice, yes or no, and which of two captions matches. Each has its own script
in llyx97/TempCompass (e1b4631). Where a script asks ChatGPT about an answer that its rules do not match, the answer is
unparsed here, as with the script's `--disable_llm`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mmeval.data import json_rows, tables, video
from mmeval.scoring.metrics.groups import by_category, guessing, percent, share
from mmeval.scoring.readings import choices, yesno
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.languages import YesNo
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Scorer, Task
from mmeval.tasks.shared import ending, file
from mmeval.types import InputError, Record, Sample, Score

ASPECTS = {
    "action": "Action", "direction": "Direction", "speed": "Speed", "order": "Event order",
    "attribute_change": "Attribute change",
}  # fmt: skip
PLACE = "questions"
"""The folder of the questions in the authors' repository."""
FOLDERS = ("videos", "video", "")
LABELS = "labels of the options"
"""The tag with the labels of two captions, such as Option 1 and Option 2, one per line."""
_OPTION = re.compile(r"\s*(?P<name>[A-D])\.\s*(?P<text>.*\S)\s*")
_CAPTION = re.compile(r"(?P<label>(?:Option|Sentence|Caption) (?P<name>[12AB])): (?P<text>.*\S)\s*")
_LABEL = re.compile(r"\b(?i:option|sentence|caption) ([12AB])\b")

Reads = Callable[[tables.TableRow], tuple[str, tuple[str, ...], dict[str, str]]]
"""Returns a row's answer, its options and its tags."""


def rows(path: Path, folder: Path) -> Iterator[tuple[str, str, int, tables.TableRow]]:
    """Yield the questions with their video, aspect and number. Raises InputError.

    The file is a map of videos to maps of aspects to lists.
    """
    content = json_rows.load(path)
    for name, aspects in _map(content, str(path)).items():
        for aspect, questions in _map(aspects, f"{path}, {name}").items():
            where = f"{path}, {name}, {aspect}"
            tables.known(where, "aspect", aspect, ASPECTS)
            if not isinstance(questions, list):
                raise InputError(f"{where}: not a list of questions; download the file again")
            for number, values in enumerate(questions):
                location = f"{where}, item {number + 1}"
                yield name, aspect, number, tables.TableRow(_map(values, location), location, folder, path)


def _map(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: not a map; download the file again")
    return value


def listed(line: tables.TableRow, form: re.Pattern[str]) -> tuple[list[re.Match[str]], str]:
    """Return the options that the question lists after its first line, and the letter of the right one."""
    lines = line.text("question").split("\n")[1:]
    matches = [match for match in map(form.fullmatch, lines) if match]
    answer = line.text("answer").strip()
    right = [choices.letter(index) for index, match in enumerate(matches) if match[0].strip() == answer]
    names = "".join(match["name"] for match in matches)
    if len(matches) != len(lines) or names not in ("12", choices.LETTERS[: len(lines)]):
        raise InputError(
            f"{line.where}: the options are not in the lines after the first, in order; download the file again"
        )
    if len(right) != 1:
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not one of the options in its question; fix it")
    return matches, right[0]


def multiple_choice(line: tables.TableRow) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Read a question with lines such as "A. cooking"."""
    matches, right = listed(line, _OPTION)
    return right, tuple(match["text"] for match in matches), {}


def captions(line: tables.TableRow) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Read a question with two lines such as "Option 1: A man cooks."."""
    matches, right = listed(line, _CAPTION)
    return right, tuple(match["text"] for match in matches), {LABELS: "\n".join(match["label"] for match in matches)}


def yes_no(line: tables.TableRow) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Read a question whose answer is yes or no."""
    if (answer := line.text("answer")) not in ("yes", "no"):
        raise InputError(f"{line.where}: the answer is '{answer[:40]}'; it must be yes or no")
    return answer, (), {}


def read_letter(text: str, options: Sequence[str]) -> str | None:
    """Read as `eval_multi-choice.py`: a letter alone, or at the start before a period or bracket.

    The script also compares the whole correct option, which always begins with its letter and a period.
    """
    text = _stripped(text)
    return text[0] if text in (*"ABCD",) or re.match(r"[A-D][.)]", text) else None


def read_yes_no(text: str) -> YesNo | None:
    """Read as `eval_yes_no.py`: an answer that begins with yes or no, in any case, even "Not"."""
    start = _stripped(text).lower()
    if start.startswith("yes"):
        return "yes"
    return "no" if start.startswith("no") else None


def match(record: Record) -> Score:
    """Score as `eval_rule` of `eval_caption_matching.py`: an option, its caption, its label or its letter or number.

    A caption may follow ") ", and the label may have periods. Of several matches, the last form counts.
    """
    if record.text is None:
        return choices.unanswered(record)
    text, matching = _stripped(record.text), None
    labels = record.tags[LABELS].split("\n")
    if len(labels) != len(record.choices) or not all(map(_LABEL.fullmatch, labels)):
        raise InputError(f"record {record.id}: its {LABELS} are {labels!r:.60}, not one for each; restore the file")
    heads, names = [caption.split(": ")[0] for caption in record.choices], [label.split()[1] for label in labels]
    full = [f"{label}: {caption}" for label, caption in zip(labels, record.choices, strict=True)]
    after = text.split(") ")[1] if ") " in text else None
    for forms, texts in ((full, (text,)), (heads, (text, after)), (labels + names, (text, text.replace(".", "")))):
        matching = next((form for form in reversed(forms) if form in texts), matching)
    for letter, *forms in zip(choices.LETTERS, full, heads, labels, names, strict=False):
        if matching in forms and letter in record.targets:
            return Score(1.0, "correct", letter)
    indices = [index for forms in (full, heads, labels, names) for index, form in enumerate(forms) if form == matching]
    return choices.graded(record, choices.letter(indices[0]) if indices else None)


def strict_match(text: str, options: Sequence[str]) -> str | None:
    """Read strictly. Sentences and captions are options, too, and options 1 and 2 are A and B."""
    letter_of = {"1": "A", "2": "B", "A": "A", "B": "B"}
    number = re.fullmatch(r"\W*([12])\W*", text)
    if number:
        return letter_of[number[1]]
    return strict(_LABEL.sub(lambda label: f"option {letter_of[label[1]]}", text), options)


def _stripped(text: str) -> str:
    return text.replace("</s>", "").strip()


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy overall and by aspect, clustered by video."""

    def chance(records: Sequence[Record]) -> float | None:
        if not records:
            return None
        return guessing(records) if records[0].choices else 50.0

    overall = percent(share(records, scores, "video"), chance(records))
    return {"overall": overall, **by_category(records, scores, [*ASPECTS], "video", chance)}


def _task(name: str, table: str, reads: Reads, ask: str, scorers: Mapping[str, Scorer], choice: bool = True) -> Task:
    def watch(data: str, frames: int, sampler: str) -> Iterator[Sample]:
        """Yield the questions, each after `frames` frames of its video. Raises InputError."""
        path = Path(data) if Path(data).is_file() else file(task, data, (table,), (PLACE,), "the videos")
        folder = path.parent.parent if path.parent.name == PLACE else path.parent
        for video_id, aspect, number, line in rows(path, folder):
            paths = [path for suffix in (".mp4", "") for path in line.places(f"{video_id}{suffix}", FOLDERS)]
            pictures, tags = video.frames(folder, paths, line.where, frames, sampler)
            right, options, extra_tags = reads(line)
            yield Sample(
                f"{video_id}/{aspect}/{number}",
                (*pictures, line.text("question")),
                (right,),
                tuple((option,) for option in options),
                groups={"video": video_id},
                category=aspect,
                tags=tags | extra_tags,
            )

    task = Task(
        name=name,
        samples=lambda data: watch(data, video.FRAMES, video.SAMPLER),
        video=watch,
        prompts={"release": ending(ask)},
        scorers=scorers,
        metric=numbers,
        axes=ASPECTS,
        totals={"overall": "All"},
        readings={name: scorers["official"]} if choice else {},
        choice=choice,
        remarks=video.shown,
        max_new_tokens=128,
    )
    return task


_BEST = "\nPlease directly give the best option:"
MULTIPLE_CHOICE = _task(
    "tempcompass",
    "multi-choice.json",
    multiple_choice,
    _BEST,
    {"official": letters.as_is(read_letter), "strict": choices.scorer(strict)},
)
CAPTIONS = _task(
    "tempcompass-captions", "caption_matching.json", captions, _BEST,
    {"official": match, "strict": choices.scorer(strict_match)},
)  # fmt: skip
YES_NO = _task(
    "tempcompass-yes-no", "yes_no.json", yes_no, "\nPlease answer yes or no:",
    {"official": yesno.scorer(read_yes_no), "strict": yesno.scorer(yesno.strict)}, choice=False,
)  # fmt: skip
