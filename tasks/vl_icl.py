"""VL-ICL Bench: only the demonstrations show what the task is (Zong et al. 2025, arXiv 2403.13164).

Rules are from `evals/eval.py` of ys-zong/VL-ICL. `--shots` sets the number of demonstrations, `--seed` which are drawn.
The data are `SUBSET/query.json` and `SUBSET/support.json`, and pictures named by their path from the root.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mmeval.data import tables
from mmeval.scoring.metrics.groups import by_category
from mmeval.scoring.readings import short, yesno
from mmeval.scoring.readings.official import cut
from mmeval.task import Numbers, Task
from mmeval.tasks.shared import known
from mmeval.types import InputError, Parts, Record, Sample, Score, Shot

SUBSETS = {
    "open_mi": "Fast open MiniImageNet", "clevr": "CLEVR count", "operator_induction": "Operator induction",
    "operator_induction_interleaved": "Operators, interleaved", "textocr": "TextOCR",
    "matching_mi": "Fast matching MiniImageNet",
}  # fmt: skip
OPERATORS = ("+", "-", "x")
"""The order of a demonstration's three answers in operator induction."""
SHOTS = 2
"""The default of --shots."""
NUMBERS = ("clevr", "operator_induction", "operator_induction_interleaved")
"""Subsets whose answer is a number."""
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?![\w]|\.\d)")


def read(data: str, shots: int, seed: int) -> Iterator[Sample]:
    """Yield the queries of every subset in the folder, each with its demonstrations.

    Demonstrations depend only on the seed and the query, and a larger k starts with those of a smaller k. `open_mi`
    shows k of each of two classes, `matching_mi` k that match and k that do not. Raises InputError for an empty
    folder, for fewer than k other questions to draw from, and for bad rows.
    """
    folder = Path(data)
    subsets = [subset for subset in SUBSETS if (folder / subset / "query.json").is_file()]
    if not subsets:
        raise InputError(f"no data at '{folder}': give the folder that holds {', '.join(SUBSETS)}, with query.json")
    for subset in subsets:
        table = folder / subset / "support.json"
        support = [] if subset == "open_mi" else list(tables.of_file(table, folder))
        for number, query in enumerate(tables.of_file(folder / subset / "query.json", folder)):
            draw = random.Random(f"{seed} {subset} {number}")
            prompt: Parts = (*query.images("image"), query.text("question"))
            demonstrations = tuple(_demonstrations(subset, query, support, shots, draw))
            tags = {"shots": str(shots), "seed": str(seed)}
            name, targets = f"{subset}/{number}", (query.text("answer"),)
            yield Sample(name, prompt, targets, shots=demonstrations, category=subset, tags=tags)


def _demonstrations(
    subset: str, query: tables.TableRow, support: Sequence[tables.TableRow], shots: int, draw: random.Random
) -> Iterator[Shot]:
    if subset == "open_mi":
        yield from _of_classes(query, shots, draw)
        return
    pool = [line for line in support if any(line.values.get(n) != query.values.get(n) for n in ("image", "question"))]
    draw.shuffle(pool)
    if len(pool) < shots:
        raise InputError(f"{query.where}: {shots} demonstrations requested, but {len(pool)} in the pool; request fewer")
    for line in pool[:shots]:
        if subset == "matching_mi":
            yield from (_shot(_inner(line, line.value(side), side)) for side in ("same", "diff"))
        else:
            yield _shot(line, query if subset.startswith("operator") else None)


def _of_classes(query: tables.TableRow, shots: int, draw: random.Random) -> Iterator[Shot]:
    """Yield shots of two classes, the query's and another, in random order; their pictures keep the data's order."""
    answer, classes = query.text("answer"), query.texts("classes")
    others = [name for name in classes if name != answer]
    if answer not in classes or not others:
        raise InputError(
            f"{query.where}: the answer '{answer[:40]}' is not one of two or more different classes; fix it"
        )
    pair = [answer, draw.choice(others)]
    draw.shuffle(pair)
    support = _inner(query, query.value("support"), "support")
    pictures = {name: _inner(query, support.value(name), name).images("images") for name in pair}
    for number in range(shots):
        for name in pair:
            if number >= (count := len(pictures[name])):
                raise InputError(
                    f"{query.where}: {shots} pictures of {name} requested, but {count} exist; request fewer"
                )
            yield Shot((pictures[name][number], "This is a"), name)


def _inner(line: tables.TableRow, value: object, name: str) -> tables.TableRow:
    """Return an object inside a row as its own row. Raises InputError for anything else."""
    if not isinstance(value, dict):
        raise InputError(f"{line.where}, {name[:40]}: {value!r:.60} is not a JSON object; download the file again")
    return tables.TableRow(value, f"{line.where}, {name[:40]}", line.folder)


def _shot(line: tables.TableRow, query: tables.TableRow | None = None) -> Shot:
    """Return a question with its answer; of three answers, the one for the query's operator."""
    answer = line.value("answer")
    if query is not None:
        operator = known(query, "operator", query.text("operator"), OPERATORS)
        if not isinstance(answer, list) or len(answer) != len(OPERATORS):
            raise InputError(f"{line.where}: the answer is {answer!r:.40}; it must be a list of three, for + - and x")
        answer = answer[OPERATORS.index(operator)]
    return Shot((*line.images("image"), line.text("question")), replace(line, values={"answer": answer}).text("answer"))


def plain(sample: Sample) -> Parts:
    """Ask as the scripts do, with no description of the task."""
    *pictures, question = sample.prompt
    return (*pictures, f"{question}\nAnswer:")


def official(record: Record) -> Score:
    """Score as `exact_match` and `exact_yes_no` do. An answer without "yes" counts as no.

    CLEVR's number is not extracted, because the script looks for the name clevr_simple and the set is called clevr.
    """
    if record.text is None:
        return Score(None, "error")
    answer, target = cut(record.text), record.targets[0].lower()
    if record.category == "matching_mi":
        answer = "yes" if "yes" in answer.lower() else "no"
    elif record.category.startswith("operator_induction"):
        match = re.search(r"\d+", answer)
        answer = match[0] if match else ""
    right = answer.lower() == target
    return Score(float(right), "correct" if right else "incorrect", answer)


def strict(record: Record) -> Score:
    """Score the only number, the stated yes or no, or the whole short answer. A missing answer scores 0."""
    if record.text is None:
        return Score(None, "error")
    if record.category == "matching_mi":
        return _YES_NO(record)
    if record.category not in NUMBERS:
        return short.exact(record)
    values = set(_NUMBER.findall(record.text))
    if len(values) != 1:
        return Score(0.0, "unparsed")
    answer = values.pop()
    right = answer in record.targets
    return Score(float(right), "correct" if right else "incorrect", answer)


_YES_NO = yesno.scorer(yesno.strict)


def numbers(records: Sequence[Record], scores: Sequence[Score]) -> Numbers:
    """Return each subset's accuracy. Queries are drawn independently, so each is a cluster."""
    return by_category(records, scores, list(SUBSETS), lambda record: record.id, _chance)


def _chance(records: Sequence[Record]) -> float | None:
    """Return the chance level for yes/no and for the two names that demonstrations show, otherwise None."""
    has_shots = all(record.tags.get("shots") != "0" for record in records)
    kind = records[0].category if records else ""
    return 50.0 if kind == "matching_mi" or (kind == "open_mi" and has_shots) else None


VL_ICL = Task(
    name="vl-icl",
    version=4,
    samples=lambda data: read(data, SHOTS, 0),
    few_shot=read,
    shots=SHOTS,
    prompts={"plain": plain},
    scorers={"official": official, "strict": strict},
    metric=numbers,
    axes=SUBSETS,
)
