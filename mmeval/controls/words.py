"""Controls of the words: hide the question, rotate the options, or add a long passage."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from mmeval.controls.case import Act, Case, Changed, Inapplicable
from mmeval.scoring.metrics.circular import turned, turned_letter
from mmeval.scoring.readings.choices import LETTERS, merged
from mmeval.types import Image, Parts, Sample, images

TURN = "options turned by"
"""The tag with the number of places by which a record's options were rotated: letter A then means another option."""
TURNS = (1, 2, 3)
LENGTHS = (100, 300, 1000)
"""Approximate tokens of a passage, at 0.75 words per token. A record's `input_tokens` has the exact count."""


def hidden(case: Case) -> Changed:
    """Remove every word of the question; pictures and options stay."""
    sample = case.sample
    if not sample.choices:
        raise Inapplicable("it has no options")
    bare = replace(sample, prompt=tuple("" if isinstance(part, str) else part for part in sample.prompt))
    request = case.render(bare)
    if len(_words(request.prompt)) == len(_words(case.request.prompt)):
        raise Inapplicable("its question has no words")
    options = [_words(choice).strip() for choice in sample.choices]
    if not all(option in _words(request.prompt) for option in options):
        raise Inapplicable("its options are part of its question")
    return sample, request


def rotated(turn: int, case: Case) -> Changed:
    """Rotate the options by that many places; the record has the options and targets as shown."""
    sample = case.sample
    count = len(sample.choices)
    if not count:
        raise Inapplicable("it has no options")
    if turn >= count:
        raise Inapplicable(f"it has {turn} or fewer options")
    if not all(target in LETTERS[:count] for target in sample.targets):
        raise Inapplicable("its expected answer is not a letter")
    new = replace(
        sample,
        choices=turned(sample.choices, turn),
        targets=tuple(turned_letter(target, count, turn) for target in sample.targets),
        tags={**sample.tags, TURN: str(turn)},
    )
    request = case.render(new)
    if _content(request.prompt) == _content(case.request.prompt) and request.candidates == case.request.candidates:
        raise Inapplicable("its options are part of its question")
    return new, request


def passage(length: int, misleads: bool, after: bool, case: Case) -> Changed:
    """Insert a passage before the first or after the last picture of the question; it may assert a wrong answer."""
    own_ids = {id(image) for image in case.own_images} or {id(image) for image in images(case.request.prompt)}
    positions = [position for position, part in enumerate(case.request.prompt) if id(part) in own_ids]
    if not positions:
        raise Inapplicable("it shows no picture")
    text = _passage(case.sample, length, misleads)
    position = positions[-1] + 1 if after else positions[0]
    prompt = (*case.request.prompt[:position], text, *case.request.prompt[position:])
    return case.sample, replace(case.request, prompt=merged([prompt]))


def _passage(sample: Sample, length: int, misleads: bool) -> str:
    draw = random.Random(f"passage {sample.id}".encode("utf-8", "backslashreplace"))
    sentences = [f"Somebody who has looked closely says that the answer is {_wrong(sample, draw)}."] if misleads else []
    words, wanted = sum(len(text.split()) for text in sentences), round(0.75 * length)
    for sentence in _sentences(draw):
        if words >= wanted:
            break
        sentences.append(sentence)
        words += len(sentence.split())
    draw.shuffle(sentences)
    return " ".join(sentences) + "\n"


def _wrong(sample: Sample, draw: random.Random) -> str:
    """Return a wrong answer: the opposite of yes or no, or another option with its text."""
    opposite = {"yes": "no", "no": "yes"}
    if sample.targets and sample.targets[0] in opposite:
        return opposite[sample.targets[0]]
    letters = [letter for letter in LETTERS[: len(sample.choices)] if letter not in sample.targets]
    if not sample.targets or len(letters) == len(sample.choices) or not letters:
        raise Inapplicable("no wrong answer to it is known")
    letter = draw.choice(letters)
    text = _words(sample.choices[LETTERS.index(letter)]).strip()
    return f"{letter}, {text}" if text else letter


def _sentences(draw: random.Random) -> Iterator[str]:
    """Yield plain sentences about a small harbour town forever; none repeats before all have appeared."""
    sentences = [f"{who} {does} {when}." for who in _WHO for does in _DOES for when in _WHEN]
    while True:
        yield from draw.sample(sentences, len(sentences))


_WHO = (
    "The ferry master", "The baker", "An old teacher", "The postman", "The owner of the mill", "A young doctor",
    "The night watch", "The choir", "A travelling merchant", "The school", "The mayor's sister", "The fisher council",
)  # fmt: skip
_DOES = (
    "waits by the harbour", "writes a long letter", "counts the money again", "walks to the next village",
    "reads the evening paper", "mends a net with great care", "talks about the weather", "plans a small feast",
    "remembers the cold winter", "listens to the radio", "pays for the bread", "goes home without a word",
)  # fmt: skip
_WHEN = (
    "before the rain begins", "every other Sunday", "when the tide is low", "as the bells ring at noon",
    "after a quiet supper", "in the first week of May", "although nobody asked", "until the lamps are lit",
)  # fmt: skip


def _words(parts: Parts) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def _content(parts: Parts) -> list[object]:
    return [part.digest if isinstance(part, Image) else part for part in parts]


CONTROLS: dict[str, tuple[str, Act]] = {
    "hidden": ("the question is hidden; pictures and options stay", hidden),
    **{f"rotate{turn}": (f"the options are rotated by {turn}", partial(rotated, turn)) for turn in TURNS},
    **{
        f"{kind}-{length}-{place}": (
            f"a {kind}ing passage of about {length:,} tokens is {place} the picture",
            partial(passage, length, kind == "mislead", place == "after"),
        )
        for kind in ("distract", "mislead")
        for length in LENGTHS
        for place in ("before", "after")
    },
}
