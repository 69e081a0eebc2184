"""Join existing answers to a benchmark's questions: by an id, by a picture and its question, or by their order."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from mmeval.data.answers import IDS, AnswerRow, bare, key, read
from mmeval.evaluation.rendering import record
from mmeval.scoring.readings.choices import letter
from mmeval.scoring.readings.likelihood import YES_NO
from mmeval.types import InputError, Record, Request, Response, Sample, part_of, plural

TINY = 1e-15
SURE = 0.95
"""Minimum share of rows with a known id that must match its question; otherwise the ids mean something else. Also the
minimum share of all rows to be joined by id; otherwise the rows' order is tried first."""
_ROW = re.compile(r" \(row [0-9]+\)$")
"""The suffix of ids that the data has several times; the row number tells them apart."""
GREEDY = ("True", "False", "None")
"""What stands beside a log-likelihood in lm-eval's logs: whether the candidate is what a greedy model would say."""
_NUMBER = re.compile(r"[-+]?\d*\.?\d+(e[-+]?\d+)?", re.IGNORECASE)


class Joined(NamedTuple):
    """Answers as records, in the benchmark's order; the number of questions; remarks on how they were joined."""

    records: list[Record]
    planned: int
    remarks: list[str]


def join(samples: Iterable[Sample], path: Path, candidates: Callable[[Sample], Sequence[str]] | None = None) -> Joined:
    """Join the answers of a file to the questions of a benchmark.

    Rows are joined by the column that names most questions, with whole ids, unique parts of ids, or a picture and its
    question; or by their order, if each row has its question. A row that states a question is joined only to that one.
    If an id occurs twice, the last answer counts. `candidates` returns those whose likelihoods are compared. Raises
    InputError if nothing can be joined.
    """
    rows = read(path)
    questions: dict[str, Record] = {}
    compared: dict[str, int] = {}
    for sample in samples:
        if sample.id in questions:
            raise InputError(f"two samples have the id '{sample.id}'; make the ids differ")
        prompt = tuple(f"{part} " if isinstance(part, str) else part for part in sample.prompt)
        questions[sample.id] = record(sample, Request(sample.id, prompt), Response(sample.id))
        if candidates is not None:
            compared[sample.id] = len(candidates(sample))
    words = {id: bare(question.question) for id, question in questions.items()}
    column, matches = _by_id(rows, questions, words)
    if len(rows) - matches.count(None) < SURE * len(rows) and any(ordered := _by_order(rows, questions, words)):
        column, matches = "their order, which matches the questions", ordered
    answers = {id: row for row, id in zip(rows, matches, strict=True) if id is not None}
    if not answers:
        raise InputError(_why_not_joined(rows, words, path))
    records = [_answered(questions[id], answers[id], compared.get(id)) for id in questions if id in answers]
    return Joined(records, len(questions), _remarks(rows, matches, len(questions), column))


def _remarks(rows: Sequence[AnswerRow], matches: Sequence[str | None], planned: int, how: str) -> list[str]:
    """Return remarks on how rows were joined, and on unknown or repeated ids."""
    known = [id for id in matches if id is not None]
    columns = " and ".join(dict.fromkeys(row.column for row in rows))
    count = part_of(len(known), len(rows), "row", "answers", "answer")
    remarks = [f"{count} one of the {plural(planned, 'question')} ({columns}; joined by {how})."]
    if unknown := [row for row, id in zip(rows, matches, strict=True) if id is None]:
        name = unknown[0].ids.get(how, unknown[0].where)
        remarks.append(f"Rows that match no question and do not count: {len(unknown):,}, such as '{name[:60]}'.")
    if twice := [id for id, times in Counter(known).items() if times > 1]:
        remarks.append(more_than_once(twice))
    return remarks


def more_than_once(names: Sequence[str]) -> str:
    """Return a remark on questions that were answered several times."""
    count = plural(len(names), "question occurs", "questions occur")
    return f"{count} more than once, such as {names[0]}; the last answer counts."


def _by_id(
    rows: Sequence[AnswerRow], questions: Mapping[str, Record], words: Mapping[str, str]
) -> tuple[str, Sequence[str | None]]:
    """Return the column that names most questions, and each row's question by it, or None."""
    named, parts, pictures = (defaultdict[str, dict[str, None]](dict) for _ in range(3))
    for id, question in questions.items():
        full_name = key(_ROW.sub("", id))
        for index, name in (
            (named, key(id)),
            (named, full_name),
            (parts, full_name.rpartition("/")[2]),
            (parts, full_name.replace("/", "_")),
        ):
            index[name][id] = None
        for name in question.groups.values():
            pictures[key(name)][id] = None
    from_1 = "1" in named and "0" not in named
    best: tuple[str, Sequence[str | None]] = ("", [None] * len(rows))
    most = 0
    for column in IDS:
        if from_1 and _counts_from_0([row.ids.get(column, "") for row in rows], rows, named, words):
            continue
        named_rows, matches = 0, list[str | None]()
        seen = Counter[str]()
        for row in rows:
            name = row.ids.get(column, "")
            candidates = named.get(name) or parts.get(name) or (pictures.get(name) if row.asked else None) or {}
            fits = [id for id in candidates if _agree(row, words[id])]
            if name in named and len(fits) > 1:  # questions share an id: assign its rows to them in turn
                fits = [fits[seen[name] % len(fits)]]
            seen[name] += 1
            named_rows += bool(candidates)
            matches.append(fits[0] if len(fits) == 1 else None)
        joined = len(rows) - matches.count(None)
        if joined > most and joined >= SURE * named_rows:
            best, most = (column, matches), joined
    return best


def _counts_from_0(
    names: Sequence[str], rows: Sequence[AnswerRow], named: Mapping[str, Collection[str]], words: Mapping[str, str]
) -> bool:
    """Return whether ids count from 0 where the benchmark's count from 1: each row may be about the next question."""
    following = [named.get(str(int(name) + 1), ()) if name.isdecimal() else () for name in names]
    pairs = zip(rows, following, strict=True)
    return "0" in names and all(
        not row.asked or any(_agree(row, words[id]) for id in candidates) for row, candidates in pairs
    )


def _by_order(
    rows: Sequence[AnswerRow], questions: Mapping[str, Record], words: Mapping[str, str]
) -> Sequence[str | None]:
    """Return each row's question if rows are in the data's order, or in order within categories; otherwise None.

    All rows must state their question, if it has words. A format with row numbers may repeat a row, once per filter.
    """
    nothing = [None] * len(rows)

    def states(row: AnswerRow, id: str) -> bool:
        return _agree(row, words[id]) and bool(row.asked or not words[id])

    positions = [number if row.place is None else row.place for number, row in enumerate(rows)]
    ordered = dict(sorted(zip(positions, rows, strict=True), key=lambda pair: pair[0]))
    if [*ordered] != [*range(len(ordered))]:  # rows are missing, so only the whole data's order tells the others
        places = dict(enumerate(questions))
        named = [places.get(position) for position in positions]
        fits = (id is not None and states(row, id) for row, id in zip(rows, named, strict=True))
        return named if all(fits) else nothing
    parts: dict[str, list[str]] = {}
    for id, question in questions.items():
        parts.setdefault(question.category, []).append(id)
    unused_parts, matches = [list(questions), *parts.values()], list[str]()
    while len(matches) < len(ordered):
        rest = list(ordered.values())[len(matches) :]
        fitting = (part for part in unused_parts if all(map(states, rest, part)))
        if not (part := next(fitting, [])):
            return nothing
        unused_parts.remove(part)
        matches += part[: len(rest)]
    by_position = dict(zip(ordered, matches, strict=True))
    return [by_position[position] for position in positions]


def _why_not_joined(rows: Sequence[AnswerRow], words: Mapping[str, str], path: Path) -> str:
    """Return why no row could be joined, with an example from each side."""
    first_row, first_id = rows[0], next(iter(words), None)
    if first_id is None:
        return "the data has no questions; check that it is the right file or folder"
    if not first_row.ids:
        return (
            f"{first_row.where}: no column with ids ({', '.join(IDS[:4])}, ...); add one with ids such as '{first_id}'"
        )
    column, name = next(iter(first_row.ids.items()))
    if name in words and first_row.asked:
        mismatch = f"its question '{first_row.asked[0][:60]}' is not that of '{name}' in the data, '{words[name][:60]}'"
        return f"{first_row.where}: {mismatch}; give the matching data with --data"
    reason = f"its ids are like '{name[:60]}' ({column}), the benchmark's like '{first_id}'"
    if all(row.asked for row in rows):
        reason += ", and its questions are not in the order of the data"
    return (
        f"{path}: its rows cannot be joined to the questions: {reason}; give the benchmark's ids, or its data (--data)"
    )


def _answered(question: Record, row: AnswerRow, compared: int | None) -> Record:
    """Return the question's record with the row's answer."""
    if row.error is not None and row.given in (None, row.error):
        return replace(question, error=row.error)
    if _reordered(row.choices, question.choices):
        raise InputError(
            f"{row.where}: its options are in another order than in the data, so its letters mean other options; ask "
            "again without shuffled options"
        )
    if compared is None:
        if row.column in ("resps", "filtered_resps") and _compares(row.given):
            raise InputError(
                f"{row.where}: its answer is {len(row.given)} log-likelihoods, but this benchmark reads texts; give a "
                "file with the id and the chosen option of each question"
            )
        return replace(question, text=_text(row, question), samples=row.samples if len(row.samples) > 1 else ())
    values = row.given
    if row.column == "proba" and _NUMBER.fullmatch(str(values)):  # of yes: Hateful Memes' own file
        yes = min(max(float(values), TINY), 1 - TINY)
        of_word = {"yes": math.log(yes / 2), "no": math.log((1 - yes) / 2)}  # half of each word's for either spelling
        return replace(question, loglikelihoods=tuple(of_word[word.lower()] for word in YES_NO))
    if logged := row.column in ("resps", "filtered_resps") and isinstance(values, list):
        values = [_first(value) for value in values]
    if isinstance(values, str):  # a cell
        cells = values.strip("[] ").replace(",", " ").split()
        values = [float(cell) if _NUMBER.fullmatch(cell) else math.nan for cell in cells]
    numbers = isinstance(values, list) and all(
        isinstance(value, (int, float)) and math.isfinite(value) for value in values
    )
    if not (logged or row.column == "loglikelihoods") or not numbers or len(values) != compared:
        need = f"the column loglikelihoods must hold the {compared} log-likelihoods that are compared, as a list"
        raise InputError(f"{row.where}: {str(row.given)[:40]!r}; {need}")
    return replace(question, loglikelihoods=tuple(float(value) for value in values))


def _reordered(shown: Sequence[str], choices: Sequence[str]) -> bool:
    """Return whether the same options were shown in another order."""
    first, second = ([" ".join(option.split()).casefold() for option in options] for options in (shown, choices))
    return first != second and sorted(first) == sorted(second)


def _compares(responses: Any) -> bool:
    """Return whether responses are log-likelihoods of several candidates, as lm-eval's `multiple_choice` logs them."""
    if not isinstance(responses, list):
        return False
    pairs = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in responses]
    return len(pairs) > 1 and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(_first(pair), float) and str(pair[1]) in GREEDY
        for pair in pairs
    )


def _first(value: Any) -> Any:
    """Return the number in a candidate's response: lm-eval writes `[["-1.5", "False"]]`, whether greedy or not."""
    while isinstance(value, list) and value:
        value = value[0]
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _text(row: AnswerRow, question: Record) -> str:
    """Return the answer as text: the first of several; in a map of ids, an integer is an option's index."""
    value = row.given
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, bytes) or (isinstance(row.given, (list, Mapping)) and not isinstance(value, str)):
        raise InputError(f"{row.where}: the column {row.column} is not a text but {str(row.given)[:40]}; write a text")
    if value is None or value != value:  # NaN
        return ""
    if "key" in row.ids and type(value) is int and 0 <= value < len(question.choices):
        return letter(value)
    return str(value)


def _agree(row: AnswerRow, question: str) -> bool:
    """Return whether the row may be about this question: it states no question, or this one."""
    words = set(question.split())
    return not row.asked or any(
        question in text or text in question or words <= set(text.split()) for text in row.asked
    )
