"""MMMU and MMMU-Pro: college questions of thirty subjects (Yue et al. 2023, arXiv 2311.16502; 2024, arXiv 2409.02813).

Domains, prompts and readings are from MMMU-Benchmark/MMMU: `mmmu/utils`, `mmmu/configs/llava1.5.yaml`,
`mmmu-pro/prompts.yaml`, `mmmu-pro/evaluate.py`. Numbered marks in questions and options stand for the pictures in the
columns of that number.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from mmeval.cards.facts import facts
from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, guessing, parts_by, percent, share
from mmeval.scoring.readings import choices, short
from mmeval.scoring.readings.scripts import letters
from mmeval.scoring.readings.scripts.mmmu import open_answer
from mmeval.scoring.readings.strict.letter import strict
from mmeval.task import Numbers, Prompt, Scorer, Task
from mmeval.tasks.shared import SELECT, WORD, image_list, known
from mmeval.types import SPARE, Image, InputError, Parts, Record, Sample, Score, images, nearest

DOMAINS = {
    "Art and Design": ("Art", "Art_Theory", "Design", "Music"),
    "Business": ("Accounting", "Economics", "Finance", "Manage", "Marketing"),
    "Science": ("Biology", "Chemistry", "Geography", "Math", "Physics"),
    "Health and Medicine": (
        "Basic_Medical_Science", "Clinical_Medicine", "Diagnostics_and_Laboratory_Medicine", "Pharmacy",
        "Public_Health",
    ),
    "Humanities and Social Science": ("History", "Literature", "Sociology", "Psychology"),
    "Tech and Engineering": (
        "Agriculture", "Architecture_and_Engineering", "Computer_Science", "Electronics", "Energy_and_Power",
        "Materials", "Mechanical_Engineering",
    ),
}  # fmt: skip
DOMAIN_OF = {subject: domain for domain, subjects in DOMAINS.items() for subject in subjects}
KINDS = ("multiple-choice", "open", "short-answer")
"""Values of `question_type`; the last two are two names of the same kind. MMMU-Pro has no such column."""
COLUMNS = [f"image_{number}" for number in range(1, 8)]
WITHHELD = "?"
"""The answer in MMMU's test split."""
_ID = re.compile(r"(?:dev|validation|test)_(.+)_\d+")
_MARK = re.compile(r"<image\s+(\d+)>")


def mmmu(data: str) -> Iterator[Sample]:
    """Yield MMMU's validation questions. On the hub, each subject is a table of its own. Raises InputError."""
    for subject in DOMAIN_OF if data == "hub" else ("",):
        address = {**facts("mmmu")["hub"], "config": subject}
        yield from map(sample, tables.read(data, ("*/validation-*.parquet", "validation-*.parquet"), address, "mmmu"))


def pro(data: str) -> Iterator[Sample]:
    """Yield MMMU-Pro's questions with ten options. Raises InputError."""
    files = ("standard (10 options)/test-*.parquet", "test-*.parquet")
    return map(sample, tables.read(data, files, facts("mmmu-pro")["hub"], "mmmu-pro"))


def vision(data: str) -> Iterator[Sample]:
    """Yield MMMU-Pro's questions as pictures, options included. Raises InputError."""
    files = ("vision/test-*.parquet", "test-*.parquet")
    for line in tables.read(data, files, facts("mmmu-pro-vision")["hub"], "mmmu-pro-vision"):
        texts = _options(line)
        answer, options = _letter(line, texts), tuple((option,) for option in texts)
        yield Sample(line.text("id"), tuple(image_list(line, "image")), answer, options, category=_subject(line))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question, with the pictures at their marks, or first if there are no marks."""
    kind = line.cell("question_type", required=False) or KINDS[0]
    option_texts = _options(line) if known(line, "question_type", kind, KINDS) == KINDS[0] else []
    by_column = {name: line.images(name)[:1] for name in COLUMNS if name in line.values}
    pictures = tuple(image for column in by_column.values() for image in column)
    if not pictures:
        raise InputError(f"{line.where}: no picture in image_1, image_2, ...; give the table that has the pictures")
    texts = [line.text("question"), *option_texts]
    if any(map(_MARK.search, texts)):
        prompt, *options = (_with_pictures(text, by_column, line.where) for text in texts)
    else:
        prompt, options = (*pictures, texts[0]), [(text,) for text in option_texts]
    unused = {*pictures} - {image for parts in (prompt, *options) for image in images(parts)}
    answer = _letter(line, option_texts) if option_texts else _texts(line)
    tags = {SPARE: str(len(unused))} if unused else {}
    return Sample(line.text("id"), prompt, answer, tuple(options), category=_subject(line), tags=tags)


def _with_pictures(text: str, by_column: Mapping[str, Sequence[Image]], where: str) -> Parts:
    """Return a text with the picture of `image_3` at each mark of number 3. Raises InputError if there is none.

    A mark of a column that the table does not have is text: validation_Math_7 has been published with marks up to 30.
    """
    parts: list[str | Image] = []
    end = 0
    for mark in _MARK.finditer(text):
        column = f"image_{mark[1]}"
        if by_column.get(column) == []:
            raise InputError(f"{where}: a mark stands for {column}, which is empty; fix the row")
        if column in by_column:
            parts += [text[end : mark.start()], *by_column[column]]
            end = mark.end()
    return tuple(part for part in (*parts, text[end:]) if part != "")


def _options(line: tables.TableRow) -> list[str]:
    """Return the options as texts.

    In MMMU-Pro, validation_Accounting_29 has a list of three options as its only option.
    """
    options = line.unpacked("options")
    if not isinstance(options, list) or not options or None in options:
        raise InputError(f"{line.where}: the column options is {options!r:.80}; it must be a list of texts")
    return [str(option) for option in options]


def _letter(line: tables.TableRow, options: Sequence[str]) -> tuple[str, ...]:
    """Return the right letter; none if it is withheld. A question with one option may have a letter without one."""
    answer = line.text("answer").strip()
    known = [letter for letter, _ in choices.texts(options)]
    if answer != WITHHELD and answer not in known and (len(known) > 1 or answer not in choices.LETTERS):
        raise InputError(f"{line.where}: the answer '{answer[:40]}' is not one of its options; fix it")
    return () if answer == WITHHELD else (answer,)


def _texts(line: tables.TableRow) -> tuple[str, ...]:
    """Return the right answers of an open question; none if they are withheld."""
    several = isinstance(line.unpacked("answer"), list)
    answers = tuple(line.texts("answer")) if several else (line.text("answer"),)
    return () if answers == (WITHHELD,) else answers


def _subject(line: tables.TableRow) -> str:
    idx = line.text("id")
    match = _ID.fullmatch(idx)
    if match is None or match[1] not in DOMAIN_OF:
        near = nearest(match[1] if match else idx, list(DOMAIN_OF))
        raise InputError(f"{line.where}: '{idx[:60]}' names no subject{near}; write ids such as validation_Art_1")
    return match[1]


def prompt(choice: str, short_answer: str = "", lead: str = "", options: str = "\n", form: str = "{}. ") -> Prompt:
    """Return a prompt: the lead, the question, and the options before `choice`, or `short_answer` without options."""

    def words(sample: Sample) -> Parts:
        ending = [options, choices.listed(sample.choices, form), choice] if sample.choices else [short_answer]
        return tuple(part for part in choices.merged([lead, sample.prompt, *ending]) if part != "")

    return words


def by_kind(choice: Scorer, short_answer: Scorer) -> Scorer:
    """Return the scorer for questions with and without options."""
    return lambda record: (choice if record.choices else short_answer)(record)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the share of right answers overall, by domain and by subject, as `main_eval_only.py` prints them."""
    domains = parts_by(lambda record: DOMAIN_OF.get(record.category), records, scores)
    parts = {"overall": (records, scores), **{domain: domains[domain] for domain in DOMAINS}}
    result = {name: percent(share(*part), guessing(part[0])) for name, part in parts.items()}
    return {**result, **by_category(records, scores, list(DOMAIN_OF))}


def _task(
    name: str, samples: Callable[[str], Iterator[Sample]], prompts: Mapping[str, Prompt], tokens: int, read: Scorer
) -> Task:
    choice = name != "mmmu"
    return Task(
        name=name,
        samples=samples,
        prompts=prompts,
        scorers={"official": read, "strict": by_kind(choices.scorer(strict), short.exact)},
        metric=numbers,
        axes={domain: domain for domain in DOMAINS},
        totals={"overall": "Overall"},
        details={subject: subject.replace("_", " ") for subject in DOMAIN_OF},
        readings={"mmmu-pro": read} if choice else {},
        choice=choice,
        max_new_tokens=tokens,
    )


def _pictured(text: str, first: bool = False) -> Prompt:
    """Return a prompt whose question is in the picture, with the picture after the text or first."""
    return lambda sample: (*sample.prompt, text) if first else (text, *sample.prompt)


DIRECT = "Answer with the option letter from the given choices directly."
LINE = (
    "The last line of your response should be of the following format: 'Answer: $LETTER' (without quotes) where LETTER "
    "is one of "
)
STEPS = "Think step by step before answering."
KIT = ("Answer directly with the option letter from the given choices. ", f"{LINE}the options. {STEPS} ")
"""VLMEvalKit's words, without and with reasoning."""
_LISTED = {"lead": "Question: ", "options": "\nOptions:\n"}
MMMU = _task(
    "mmmu",
    mmmu,
    {
        "direct": prompt(f"\n{choices.LETTER}", WORD, form="({}) "),
        "lmms-eval": prompt(f"\n{choices.LETTER}", f"\n{WORD}"),
        "vlmevalkit": prompt(SELECT, "\n", **_LISTED),
    },
    128,
    by_kind(letters.drawn(letters.mmmu), open_answer),
)
PRO = _task(
    "mmmu-pro",
    pro,
    {
        "direct": prompt(DIRECT),
        "lmms-eval": prompt(f"\n{DIRECT}"),
        "cot": prompt(f"Answer the preceding multiple choice question. {LINE}options. {STEPS}"),
        "vlmevalkit": prompt(KIT[0], **_LISTED),
        "vlmevalkit-cot": prompt(f"Answer the following multiple-choice question. {KIT[1]}", **_LISTED),
    },
    1024,
    letters.drawn(letters.mmmu_pro),
)
VISION = _task(
    "mmmu-pro-vision",
    vision,
    {
        "direct": _pictured(f"{DIRECT} {LINE}options."),
        "cot": _pictured(
            f"Write out the multiple-choice question in the image and then solve it. {LINE}options. {STEPS}"
        ),
        "vlmevalkit": _pictured(f"Answer the following multiple-choice question in the image. {KIT[0]}", first=True),
        "vlmevalkit-cot": _pictured(
            f"Answer the following multiple-choice question in the image. {KIT[1]}", first=True
        ),
    },
    1024,
    letters.drawn(letters.mmmu_pro),
)
"""The scripts for MMMU-Pro allow 4,096 tokens, which many models' contexts do not; pictures follow the text there."""
