"""SimpleVQA: facts about what pictures show, in Chinese and English, each with one short answer (Cheng et al. 2025).

arXiv 2502.13059. Officially a judge calls each answer right, wrong or not attempted (--judge): `llm_as_a_vqa_judger.py`
and `simpleVQA_eval.py` of SimpleVQA/SimpleVQA at b94d1f3, whose prompt is in `simplevqa_texts`.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

from mmeval import yaml_file
from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category, percent, pictures, share
from mmeval.scoring.readings import short
from mmeval.scoring.statistics import Mean
from mmeval.scoring.verdicts import Grader
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import ending, image, known
from mmeval.types import Outcome, Parts, Record, Sample, Score

FILES = ("data/test-*.parquet", "test-*.parquet", "*.parquet")
LANGUAGES = {"CN": "Chinese", "EN": "English"}
VERDICTS: dict[str, Outcome] = {"正确": "correct", "错误": "incorrect", "未尝试": "refused"}
"""The judge's words: right, wrong and not attempted."""
NOT_ATTEMPTED = "未尝试"
LONGEST = 3
"""Characters of a verdict; anything longer counts as not attempted."""


@cache
def judge_prompt() -> str:
    """Return the authors' prompt for the judge."""
    return str(yaml_file.read(resources.files("mmeval.tasks").joinpath("simplevqa_texts.yaml"))["judge"])


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions, in the data's order. Raises InputError."""
    return map(sample, tables.read(data, FILES, SIMPLEVQA.card["hub"], "simplevqa", first=True))


def sample(line: tables.TableRow) -> Sample:
    """Return a row as a question."""
    question = line.text("question").strip()
    return Sample(
        line.text("data_id"),
        (image(line, "image"), question),
        (line.text("answer"),),
        category=known(line, "language", line.text("language"), LANGUAGES),
        tags={"question": question},
    )


def release(sample: Sample) -> Parts:
    """Ask for a named entity in the question's language, as the authors' `prompt.py` does without confidence."""
    *shown, question = sample.prompt
    if sample.category == "CN":
        lead = (
            "假如你是一个计算机视觉专家，请理解图片内容，并回答给出的问题，要求只能回答一个命名实体：\n"
            "## 下面我们提出问题: \n"
        )
    else:
        lead = (
            "If you are a computer vision expert, please understand the picture and answer the question below. The "
            "answer must be a short named entity:\n## Now let's ask the question:\n"
        )
    return (*shown, f"{lead}{question}\n")


def judging(record: Record, replies: Sequence[str]) -> str | None:
    """Return the script's prompt about an answer."""
    if replies:
        return None
    values = {"question": record.tags["question"], "answer": record.targets[0]}
    return judge_prompt().format(**values, candidates=f"\n[预测答案0]：{record.text}")


def verdict(reply: str) -> str | None:
    """Return the verdict in a reply: the first value of its JSON. None where the script stops or counts nothing."""
    text = reply.replace("```json", "").replace("```python", "").replace("```", "").strip()
    try:
        found = json.loads(text if text.endswith("}") else f"{text}}}")
        value = next(iter(found.values()))
        if isinstance(value, dict):
            word = value["conclusion"].replace("**", "")
        else:
            word = value if value in VERDICTS else value.replace("**", "")
            word = NOT_ATTEMPTED if len(word) > LONGEST else word
    except (ValueError, AttributeError, KeyError, TypeError, StopIteration, RecursionError):
        return None
    return word if word in VERDICTS else None


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Score by the judge's verdict."""
    outcome = VERDICTS[str(verdict(replies[0]))]
    return Score(float(outcome == "correct"), outcome)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the share of right answers, also by language, that of answers not attempted, and that of attempted ones.

    F1 is the harmonic mean of both shares of right answers, a ratio of sums.
    """
    rows = [pair for pair in zip(records, scores, strict=True) if pair[1].value is not None]
    marks = [(float(score.value or 0), pictures(record)) for record, score in rows]
    missed = [score.outcome in ("refused", "unparsed") for _, score in rows]
    attempted = [mark for mark, is_missed in zip(marks, missed, strict=True) if not is_missed]
    return {
        "overall": percent(share(records, scores), None),
        **by_category(records, scores, [*LANGUAGES], chance=lambda records: None),
        "not attempted": percent(
            _mean([(float(miss), name) for (_, name), miss in zip(marks, missed, strict=True)]), None
        ),
        "given attempted": percent(_mean(attempted), None, "no answer is an attempt"),
        "f1": percent(_mean(attempted + marks), None),
    }


def _mean(rows: Sequence[tuple[float, str]]) -> Mean:
    return Mean([value for value, _ in rows], [name for _, name in rows])


SIMPLEVQA = Task(
    name="simplevqa",
    samples=samples,
    prompts={
        "release": release,
        "vlmevalkit": ending(""),
        "lmms-eval": ending("\nAnswer the question using a short phrase."),
    },
    scorers={"strict": short.exact},
    metric=numbers,
    axes=LANGUAGES,
    totals={"overall": "Correct"},
    details={"not attempted": "Not attempted", "given attempted": "Correct given attempted", "f1": "F1"},
    max_new_tokens=128,
    grader=Grader(
        prompt=judging,
        usable=lambda record, replies: verdict(replies[-1]) is not None,
        max_tokens=128,
        score=graded,
        final=True,
    ),
)
