"""We-Math: problems of two or three steps, asked as a whole and step by step (Qiao et al. 2024, 2407.01284).

The official reading and the four kinds of outcomes are those of `evaluation` in We-Math/We-Math at a57a0e8. The prompt
is the paper's, as other evaluations quote it; the repository has none.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from mmeval.cards.rows import listed
from mmeval.data import tables
from mmeval.scoring.metrics.groups import guessing, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.answer import plain
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.strict.letter import strict
from mmeval.scoring.statistics import Mean
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import around, image, known, right_letter
from mmeval.types import Record, Sample, Score

STEPS = {"2steps": ("1", "2", "multi"), "3steps": ("1", "2", "3", "multi")}
KEYS = tuple(f"{kind}_{part}" for kind, parts in STEPS.items() for part in parts)
SINGLE = tuple(key for key in KEYS if not key.endswith("multi"))
ACCURACIES = {"S1": SINGLE, "S2": ("2steps_multi",), "S3": ("3steps_multi",)}
ASK = (
    "Now, we require you to solve a multiple-choice math question. Please briefly describe your thought process and "
    "provide the final answer(option).\nQuestion: "
)
FORM = (
    "\nRegarding the format, please answer following the template below, and be sure to include two <> symbols:\n"
    "<Thought process>: <<your thought process>> <Answer>: <<your option>>"
)


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions of testmini, in the data's order. Raises InputError."""
    files = ("data/testmini-*.parquet", "testmini-*.parquet", "testmini.json")
    return map(sample, tables.read(data, files, WE_MATH.card["hub"], "we-math", first=True))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question, with the options as the data lists them."""
    key, option = known(line, "key", line.text("key"), KEYS), line.text("option")
    options = listed(option.replace(";", "; ").replace("．", ". "))
    return Sample(
        line.text("question number"),
        (image(line, "image_path"), f"{line.text('question')}\nOption: {option}"),
        (right_letter(line, line.text("answer"), options),),
        tuple((text,) for text in options),
        groups={"problem": line.text("ID")},
        category=key,
    )


def read(text: str, options: Sequence[str]) -> str | None:
    """Read as the script: the first character after the last "Answer", if it is one of A to H."""
    answer = re.sub("[><:.]", "", text.rpartition("Answer")[2].strip()).strip()
    return answer[0] if answer and answer[0] in "ABCDEFGH" else None


def strictly(text: str, options: Sequence[str]) -> str | None:
    """Read the answer in the form that the prompt asks for, or else the whole text."""
    answers = [first or second for first, second in _ANSWER.findall(plain(text))]
    letters = {strict(answer.strip(), options) for answer in answers}
    if not answers:
        return strict(text, options)
    return letters.pop() if len(letters) == 1 else None


_ANSWER = re.compile(r"<answer>\s*:\s*<*([^<>]+)|\banswer\s*:\s*<+([^<>]+)>", re.IGNORECASE)
Outcome = Callable[[bool, bool, bool], float | None]
"""Maps whether all steps, any step, and the whole problem are right to a value; None leaves the problem out."""
OUTCOMES: dict[str, tuple[str, Outcome]] = {
    "strict": ("Score (strict)", lambda every, some, whole: every * (0.5 + 0.5 * whole)),
    "loose": ("Score (loose)", lambda every, some, whole: float(some) if whole else 0.5 * every),
    "IK": ("Insufficient knowledge", lambda every, some, whole: float(not every and not whole)),
    "IG": ("Inadequate generalization", lambda every, some, whole: float(every and not whole)),
    "CM strict": ("Complete mastery (strict)", lambda every, some, whole: float(every and whole)),
    "CM loose": ("Complete mastery (loose)", lambda every, some, whole: float(some and whole)),
    "RM strict": ("Rote memorization (strict)", lambda every, some, whole: float(not every) if whole else None),
    "RM loose": ("Rote memorization (loose)", lambda every, some, whole: float(not some) if whole else None),
}


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the two scores, the outcomes as shares of problems, and the accuracies of steps and of whole problems.

    Rote memorization is a share of the problems that were solved as a whole. A problem without all parts is left out.
    """
    result: Numbers = {}
    problems = _problems(records, scores)
    for name, (_, value) in OUTCOMES.items():
        pairs = [(mark, problem) for problem, marks in problems.items() if (mark := value(*marks)) is not None]
        mean = Mean([mark for mark, _ in pairs], [problem for _, problem in pairs])
        result[name] = percent(
            mean, None, "no whole problem was solved" if problems else "no problem has all its parts"
        )
    for name, keys in ACCURACIES.items():
        rows = [pair for pair in zip(records, scores, strict=True) if pair[0].category in keys]
        group = [record for record, _ in rows]
        result[name] = percent(share(group, [score for _, score in rows], "problem"), guessing(group))
    return result


def _problems(records: Sequence[Record], scores: Sequence[Score]) -> dict[str, tuple[bool, bool, bool]]:
    """Return, for each problem with all parts, whether all steps, any step and the whole were answered right."""
    marks = defaultdict[str, dict[str, bool]](dict)
    for record, score in zip(records, scores, strict=True):
        if score.value is not None:
            marks[record.groups["problem"]][record.category] = score.value == 1
    result = {}
    for problem, right in marks.items():
        kind = next((kind for kind, parts in STEPS.items() if right.keys() == {f"{kind}_{part}" for part in parts}), "")
        if kind:
            *steps, whole = (right[f"{kind}_{part}"] for part in STEPS[kind])
            result[problem] = all(steps), any(steps), whole
    return result


WE_MATH = Task(
    name="we-math",
    samples=samples,
    prompts={"release": around(ASK, FORM)},
    scorers={"official": letters.as_is(read), "strict": choices.scorer(strictly)},
    metric=numbers,
    axes={"S1": "One step", "S2": "Two steps", "S3": "Three steps"},
    totals={name: label for name, (label, _) in OUTCOMES.items() if name in ("strict", "loose")},
    details={name: label for name, (label, _) in OUTCOMES.items() if name not in ("strict", "loose")},
    max_new_tokens=1024,
)
