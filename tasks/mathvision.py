"""MATH-Vision: problems of mathematics competitions with pictures, of 16 subjects and five levels.

Wang et al. 2024, arXiv 2402.14804. Prompts are from `models` of mathllm/MATH-V (a1f5cc3) and lmms-eval (75571cf).
"""

from collections.abc import Iterator, Sequence
from functools import partial

from mmeval.cards.facts import facts
from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices, formulas
from mmeval.scoring.readings.scripts import mathvision
from mmeval.task import Numbers, Prompt, Task
from mmeval.tasks.shared import WORD, image_list, known, right_letter
from mmeval.types import Parts, Record, Sample, Score

SUBJECTS = (
    "algebra", "analytic geometry", "arithmetic", "combinatorial geometry", "combinatorics", "counting",
    "descriptive geometry", "graph theory", "logic", "metric geometry - angle", "metric geometry - area",
    "metric geometry - length", "solid geometry", "statistics", "topology", "transformation geometry",
)  # fmt: skip
LEVELS = {f"level{level}": f"Level {level}" for level in "12345"}
STEPS = 'Please solve the problem step by step and put your answer in one "\\boxed{}".'
BOXED = f'{STEPS} If it is a multiple choice question, only one letter is allowed in the "\\boxed{{}}".\n'


def samples(task: str, data: str) -> Iterator[Sample]:
    """Yield the questions of the task's split, in the data's order. Raises InputError."""
    hub = facts(task)["hub"]
    files = (f"{hub['split']}-*.parquet", f"data/{hub['split']}-*.parquet")
    return map(sample, tables.read(data, files, hub, task))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question. Marks such as `<image1>` stay in its text, as in the scripts."""
    options = line.texts("options") if line.unpacked("options") else []
    answer, subject, level = line.text("answer"), line.text("subject"), line.text("level")
    return Sample(
        line.text("id"),
        (*image_list(line, "decoded_image"), line.text("question")),
        (right_letter(line, answer, options) if options else answer,),
        tuple((option,) for option in options),
        category=known(line, "subject", subject, SUBJECTS),
        tags={"level": f"level{known(line, 'level', level, '12345')}"},
    )


def prompt(lead: str, end: str) -> Prompt:
    """Return a prompt: the lead, the question, its options unless they are only letters, and the end."""

    def words(sample: Sample) -> Parts:
        *pictures, question = sample.prompt
        has_texts = [option for (option,) in sample.choices] != [*"ABCDE"]
        options = choices.listed(sample.choices, "({}) ") if has_texts else ()
        return choices.merged([(*pictures, f"{lead}{question}\n"), options, end])

    return words


def lmms_eval(sample: Sample) -> Parts:
    """Ask as lmms-eval's `mathvision_test`, which asks for steps and for the letter directly in the same prompt."""
    *pictures, question = sample.prompt
    parts = (*pictures, f"{STEPS}{question}")
    if not sample.choices:
        return parts
    listed = choices.listed(sample.choices)
    answer = "Answer the question with the option's letter from the given choices directly."
    return choices.merged([parts, "\nChoices: ", listed, answer])


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of all questions, of each subject and of each level, as `evaluate.py` prints them."""
    levels = parts_by(lambda record: record.tags["level"], records, scores)
    parts = {"overall": (records, scores), **{level: levels[level] for level in LEVELS}}
    result = {name: percent(share(*part), guessing(part[0])) for name, part in parts.items()}
    return {**result, **by_category(records, scores, SUBJECTS)}


def _task(name: str) -> Task:
    return Task(
        name=name,
        samples=partial(samples, name),
        prompts={"release": prompt(BOXED, ""), "direct": prompt("", WORD), "lmms-eval": lmms_eval},
        scorers={"official": mathvision.scored, "strict": formulas.scored},
        metric=numbers,
        axes={subject: subject.capitalize() for subject in SUBJECTS},
        totals={"overall": "Overall"},
        details=LEVELS,
        max_new_tokens=1024,
    )


MATHVISION, TESTMINI = _task("mathvision"), _task("mathvision-testmini")
