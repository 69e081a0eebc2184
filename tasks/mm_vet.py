"""MM-Vet: open questions that take one to four of six capabilities (Yu et al. 2023, 2308.02490).

Officially a judge gives each answer a score from 0.0 to 1.0 (--judge): `mm-vet_evaluator.py` of yuweihao/MM-Vet at
acde843 (Apache-2.0), whose prompt is verbatim below. `strict` compares with the key, which is often a long text.
"""
# ruff: noqa: E501

from collections.abc import Iterator, Sequence

from mmeval.data import tables
from mmeval.scoring.metrics.groups import percent, share
from mmeval.scoring.readings import formulas
from mmeval.scoring.verdicts import Grader
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import around, ending, image, known
from mmeval.types import Record, Sample, Score

CAPABILITIES = {
    "rec": "Recognition", "ocr": "OCR", "know": "Knowledge", "gen": "Language generation",
    "spat": "Spatial awareness", "math": "Math",
}  # fmt: skip
INTEGRATIONS = (
    "rec know gen", "rec", "ocr spat", "ocr spat math", "rec spat", "ocr", "ocr math", "rec know", "rec ocr gen spat",
    "rec ocr know gen", "rec ocr spat", "rec ocr", "ocr know spat", "rec know spat", "ocr gen spat",
    "rec ocr spat math",
)  # fmt: skip
"""The sets of capabilities that its questions need."""
PROMPT = """
Compare the ground truth and prediction from AI models, to give a correctness score for the prediction. <AND> in the ground truth means it is totally right only when all elements in the ground truth are present in the prediction, and <OR> means it is totally right when any one element in the ground truth is present in the prediction. The correctness score is 0.0 (totally wrong), 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, or 1.0 (totally right). Just complete the last space of the correctness score.

Question | Ground truth | Prediction | Correctness
--- | --- | --- | ---
What is x in the equation? | -1 <AND> -5 | x = 3 | 0.0
What is x in the equation? | -1 <AND> -5 | x = -1 | 0.5
What is x in the equation? | -1 <AND> -5 | x = -5 | 0.5
What is x in the equation? | -1 <AND> -5 | x = -5 or 5 | 0.5
What is x in the equation? | -1 <AND> -5 | x = -1 or x = -5 | 1.0
Can you explain this meme? | This meme is poking fun at the fact that the names of the countries Iceland and Greenland are misleading. Despite its name, Iceland is known for its beautiful green landscapes, while Greenland is mostly covered in ice and snow. The meme is saying that the person has trust issues because the names of these countries do not accurately represent their landscapes. | The meme talks about Iceland and Greenland. It's pointing out that despite their names, Iceland is not very icy and Greenland isn't very green. | 0.4
Can you explain this meme? | This meme is poking fun at the fact that the names of the countries Iceland and Greenland are misleading. Despite its name, Iceland is known for its beautiful green landscapes, while Greenland is mostly covered in ice and snow. The meme is saying that the person has trust issues because the names of these countries do not accurately represent their landscapes. | The meme is using humor to point out the misleading nature of Iceland's and Greenland's names. Iceland, despite its name, has lush green landscapes while Greenland is mostly covered in ice and snow. The text 'This is why I have trust issues' is a playful way to suggest that these contradictions can lead to distrust or confusion. The humor in this meme is derived from the unexpected contrast between the names of the countries and their actual physical characteristics. | 1.0
""".removeprefix("\n")
AGAIN = "\nPredict the correctness of the answer (digit): "
"""What the script adds if the first reply is not a score."""


def samples(data: str) -> Iterator[Sample]:
    """Yield the questions, in the data's order. Raises InputError."""
    files = ("mm-vet.json", "test-*.parquet", "data/test-*.parquet")
    return map(sample, tables.read(data, files, MM_VET.card["hub"], "mm-vet", rows="."))


def sample(line: tables.TableRow) -> Sample:
    """Return a row of the authors' file, or of the table on the hub, as a question."""
    authors = "imagename" in line.values
    picture = image(line, "imagename", ("images",)) if authors else image(line, "image")
    listed = line.texts("capability") if authors else line.text("capability").split(",")
    capabilities = {known(line, "capability", name, CAPABILITIES) for name in listed}
    question, answer = line.text("question"), line.text("answer")
    # strictly, an answer names all elements of one alternative
    alternatives = [[part.strip() for part in text.split("<AND>")] for text in answer.split("<OR>")]
    targets = dict.fromkeys(sign.join(parts) for parts in alternatives for sign in (", ", " and "))
    tags = {"question": question, "answer": answer}
    return Sample(
        line.text("key" if authors else "question_id"),
        (picture, question),
        tuple(targets),
        category=" ".join(name for name in CAPABILITIES if name in capabilities),
        tags=tags,
    )


def prompt(record: Record, replies: Sequence[str]) -> str | None:
    """Return the script's prompt, or its second one after a reply that is not a score."""
    if len(replies) > 1 or (replies and _value(replies[0]) is not None):
        return None
    key = record.tags["answer"].replace("<AND>", " <AND> ").replace("<OR>", " <OR> ")
    row = " | ".join([record.tags["question"], key, str(record.text), ""])
    return f"{PROMPT}\n{row}{AGAIN if replies else ''}"


def _value(reply: str) -> float | None:
    try:
        value = float(reply.split(" ")[0].strip())
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Return the judge's score."""
    value = _value(replies[-1])
    return Score(value, "correct" if value else "incorrect")


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return the score of all questions, of those that need each capability, and of each set of capabilities."""

    def mean(name: str, categories: Sequence[str]) -> Numbers:
        pairs = [pair for pair in zip(records, scores, strict=True) if pair[0].category in categories]
        return {name: percent(share([record for record, _ in pairs], [score for _, score in pairs]), None)}

    sets = sorted({record.category for record in records})
    result = mean("overall", sets)
    for name in CAPABILITIES:
        result |= mean(name, [names for names in sets if name in names.split()])
    for names in INTEGRATIONS:
        result |= mean(_integration(names), [names])
    return result


def _integration(names: str) -> str:
    return f"only {names.replace(' ', ', ')}"


THINK = "First please perform reasoning, and think step by step to provide best answer to the following question: \n\n"
MM_VET = Task(
    name="mm-vet",
    samples=samples,
    prompts={"release": ending(""), "lmms-eval": around(THINK)},
    scorers={"strict": formulas.scored},
    metric=numbers,
    axes=CAPABILITIES,
    totals={"overall": "Total"},
    details={_integration(names): _integration(names) for names in INTEGRATIONS},
    max_new_tokens=1024,
    grader=Grader(
        prompt=prompt,
        usable=lambda record, replies: len(replies) == 1 or _value(replies[1]) is not None,
        max_tokens=3,
        score=graded,
        final=True,
    ),
)
