"""MME-RealWorld: five options about large pictures of five domains, asked for perception and for reasoning.

Zhang et al. 2024, arXiv 2408.13257. Prompts and parser are from `evaluation` of MME-Benchmarks/MME-RealWorld (bee58ed).
MME-RealWorld-CN has other pictures, questions of its own in Chinese, and the same parts and parser.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices
from mmeval.scoring.readings.official import LEADS
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Prompt, Task
from mmeval.tasks.shared import known, right_letter
from mmeval.types import Record, Sample, Score

LEVELS = ("Perception", "Reasoning")
DOMAINS = {
    "OCR with Complex Context": "OCR", "Remote Sensing": "remote sensing", "Diagram and Table": "diagrams and tables",
    "Monitoring": "monitoring", "Autonomous_Driving": "driving",
}  # fmt: skip
AXES = {
    f"{level}/{domain}": f"{level}, {label}"
    for level in LEVELS
    for domain, label in DOMAINS.items()
    if (level, domain) != ("Reasoning", "Remote Sensing")
}
"""The domain and level of questions -> label. No reasoning question is about remote sensing."""
SELECT = (
    "Select the best answer to the above multiple-choice question based on the image. Respond with only the letter "
    "(A, B, C, D, or E) of the correct option."
)
SELECT_CN = "根据图像选择上述多项选择题的最佳答案。只需回答正确选项的字母（A, B, C, D 或 E）。"


def samples(task: str, files: Sequence[str], data: str) -> Iterator[Sample]:
    """Yield the questions, in the file's order. A repeated id gets its row's number as well. Raises InputError."""
    seen: set[str] = set()
    for number, line in enumerate(tables.read(data, files, None, task), 1):
        name = line.text("Question_id")
        yield sample(line, f"{name} (row {number})" if name in seen else name)
        seen.add(name)


def sample(line: tables.TableRow, name: str) -> Sample:
    """Return a row as a question. The options' letters, which its cells have, are removed."""
    options = line.texts("Answer choices")
    answer = right_letter(line, line.text("Ground truth").strip(), options)
    category = known(line, "task", f"{line.text('Task')}/{line.text('Subtask')}", AXES)
    return Sample(
        name,
        (*line.images("Image"), line.text("Text")),
        (answer,),
        tuple((re.sub(r"^\s*[(（][A-Z][)）]\s*", "", option),) for option in options),
        category=category,
        tags=dict(zip(choices.LETTERS, options, strict=False)),
    )


def prompt(lead: str, end: str) -> Prompt:
    """Return the prompt that lists the options as the table has them, between `lead` and `end`."""
    return lambda sample: choices.merged([sample.prompt, lead, *(f"{option}\n" for option in listed(sample.tags)), end])


def listed(tags: Mapping[str, str]) -> list[str]:
    """Return the options as the table has them, each with its letter."""
    return [tags[letter] for letter in choices.LETTERS if letter in tags]


def official(record: Record) -> Score:
    """Score as `extract_characters_regex` reads: the first of A to E anywhere, in whichever word.

    If there is none, read the first option that contains an answer of up to ten words; an empty answer is therefore A.
    """
    if record.text is None:
        return choices.unanswered(record)
    text = record.text.strip()
    for lead in LEADS:
        text = text.replace(lead, "")
    capital = re.search("[ABCDE]", text)
    if capital or len(text.split()) > 10:
        return choices.graded(record, capital[0] if capital else None)
    matching = (option[1:2] for option in listed(record.tags) if text.lower() in option.lower())
    return choices.graded(record, next(matching, None))


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the accuracy of all questions, of both levels, and of their domains."""
    parts = parts_by(lambda record: record.category.partition("/")[0], records, scores)
    levels = {level: percent(share(*parts[level]), guessing(parts[level][0])) for level in LEVELS}
    overall = percent(share(records, scores), guessing(records))
    return {"overall": overall, **levels, **by_category(records, scores, [*AXES])}


def _task(name: str, file: str, prompts: Mapping[str, Prompt]) -> Task:
    return Task(
        name=name,
        samples=partial(samples, name, (file,)),
        prompts=prompts,
        scorers={"official": official, "strict": choices.scorer(strict)},
        metric=numbers,
        axes=AXES,
        totals={"overall": "Overall", **{level: level for level in LEVELS}},
        readings={"mme-realworld": official},
        choice=True,
    )


MME_REALWORLD = _task(
    "mme-realworld",
    "MME_RealWorld.json",
    {
        "release": prompt(" The choices are listed below: \n", f"{SELECT}\nThe best answer is:"),
        "lmms-eval": prompt(" The choices are listed below:\n", f"{SELECT}\nThe best answer is: "),
        "vlmevalkit": prompt(" The choices are listed below:\n", f"{SELECT} \nThe best answer is:"),
    },
)
"""`release` is the prompt of `model_vqa_mme_real_world.py`."""
CHINESE = _task(
    "mme-realworld-cn",
    "MME_RealWorld_CN.json",
    {
        "release": prompt("选项如下所示:\n", f"{SELECT_CN}\n 最佳答案为：\nThe best answer is:"),
        "lmms-eval": prompt(" 选项如下所示:\n", f"{SELECT_CN}\n最佳答案为： "),
        "vlmevalkit": prompt(" 选项如下所示:\n", f"{SELECT_CN}\n最佳答案为："),
    },
)
"""`release` is the prompt of `download_and_prepare_prompt.py`, whose end is in English."""
