"""The wordings of questions: the world's own, and exactly those of the benchmarks.

A test compares these wordings with the output of each task's own prompt code for the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from experiments.tiny.lesson import Claim, Lesson, Mention, Show, asked
from experiments.tiny.pool import Item
from mmeval.embedded.world.choices import LETTERS, options
from mmeval.embedded.world.puzzles import Puzzle, matched, statement
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import NUMBERS, SHAPES
from mmeval.embedded.world.view import plural

CAPTION = "What does the image show?"
YES_OR_NO = " Please answer yes or no."
WORD = "\nAnswer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
ICL = "This is a\nAnswer:"
LONG = (
    "This is a long story about a picture. "
    "Some people say that there are things in the picture and some people say that there is none of them. "
    "Below is the question that follows from the story. "
)
COMMON = ("water", "fire", "moon", "house", "bread", "door", "road", "river", "stone", "gold", "night", "bird")


def misleading(rng: Rng) -> str:
    """Claim an answer at random."""
    return f"Some people say that the answer is {rng.pick(('yes', 'no'))}. "


def single(rng: Rng, item: Item, caption: str) -> Lesson:
    """Ask about one picture as MME, POPE or MMBench does, as an open question, or for its caption."""
    roll = rng.below(100)
    if roll < 45:
        question, true = rng.pick(item.yesno[:2] if rng.coin(0.6) else item.yesno)
        end = rng.pick((*[YES_OR_NO] * 7, *[WORD] * 2, ""))
        return asked([Claim(f" {question}"), end], "yes" if true else "no")
    if roll < 52:
        return asked([f" {CAPTION}"], caption)
    question, answer = rng.pick(item.probes)
    choices = options(rng, question, answer)
    if choices is None or roll < 64:
        return asked([f" {question}{WORD if rng.coin(0.3) else ''}"], answer)
    if roll < 88:
        listed = _listed(choices, "{}. ")
        end = "Please select the correct answer from the options above. \n"
        return asked([f"Question: {question}\nOptions:\n{listed}{end}"], LETTERS[choices.index(answer)])
    return lettered(question, choices, answer)


def lettered(question: str, choices: Sequence[str], answer: str) -> Lesson:
    """Ask for an option's letter, in as few words as possible."""
    return asked([f"{question}\n{_listed(choices, '{}. ')}{LETTER}"], _letter(choices.index(answer)))


def own(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask in the world's words."""
    question = [Mention(part) if isinstance(part, int) else part for part in puzzle.question]
    return asked([*map(Show, pictures), *question], puzzle.answer)


def nlvr2(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask whether a statement is true, as MMICL's data does."""
    start = ("The ", Mention(0), " is the left image and the ", Mention(1), " is the right image. Analyzing the ")
    end = f", can you validate the statement: {statement(puzzle)}? Respond with either True or False."
    question: Lesson = [*map(Show, pictures), *start, Mention(0), " and ", Mention(1), end]
    return asked(question, "True" if puzzle.answer == "yes" else "False")


def match(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask whether a caption and a picture belong together (winoground)."""
    texts, own_picture = matched(puzzle)
    caption, image = rng.below(2), rng.below(2)
    text = f"Does the caption match the image? Caption: {texts[caption]}\nAnswer yes or no."
    return asked([Show(pictures[image]), text], "yes" if own_picture[caption] == image else "no")


def one_caption(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask whether a caption matches the first or the second picture: half of what `matching` asks."""
    texts, own_picture = matched(puzzle)
    caption, image = rng.below(2), rng.below(2)
    text = f"Caption: {texts[caption]}. Does the caption match "
    question: Lesson = [*map(Show, pictures), text, Mention(image), "?"]
    return asked(question, "yes" if own_picture[caption] == image else "no")


def one_picture(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask whether the first or the second caption matches the only picture: the other half."""
    texts, own_picture = matched(puzzle)
    caption, image = rng.below(2), rng.below(2)
    text = f"Caption 0: {texts[0]}. Caption 1: {texts[1]}. Does caption {caption} match "
    return asked([Show(pictures[image]), text, Mention(0), "?"], "yes" if own_picture[caption] == image else "no")


def joint(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask the same with both pictures and both captions shown, as MMICL's authors did (winoground-joint)."""
    texts, own_picture = matched(puzzle)
    caption, image = rng.below(2), rng.below(2)
    captions = f"The caption 0 is {texts[0]}\nThe caption 1 is {texts[1]}\n"
    ask = f"Use the images and captions to answer the following question. Is the caption {caption} matches the "
    question: Lesson = [*map(Show, pictures), captions + ask, Mention(image), "? Yes or No."]
    return asked(question, "yes" if own_picture[caption] == image else "no")


def half_joint(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """List the captions as `joint` does and ask in the world's words, or the other way round: on the way to `joint`."""
    texts, own_picture = matched(puzzle)
    caption, image = rng.below(2), rng.below(2)
    if rng.coin():
        captions = f"The caption 0 is {texts[0]}\nThe caption 1 is {texts[1]}\nDoes caption {caption} match "
        question: Lesson = [*map(Show, pictures), captions, Mention(image), "?"]
    else:
        captions = f"Caption 0: {texts[0]}. Caption 1: {texts[1]}. Is the caption {caption} matches the "
        question = [*map(Show, pictures), captions, Mention(image), "? Yes or No."]
    return asked(question, "yes" if own_picture[caption] == image else "no")


def pick(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask `which` of two pictures a caption describes as `letter` does: on the way to it."""
    right = puzzle.choices.index(puzzle.answer)
    indices = rng.swapped(right, rng.pick([index for index in range(len(pictures)) if index != right]))
    text = str(puzzle.question[0]).removeprefix("Which image shows ").removesuffix("?")
    return _picked(text, [pictures[index] for index in indices], indices.index(right))


def counts(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask how many things each picture of `both` shows, and how many there are in all."""
    shape = shape_of(puzzle)
    numbers = [sum(thing.kind.shape == shape for thing in scene.things) for scene in puzzle.scenes]
    lesson: Lesson = [*map(Show, pictures)]
    for slot in rng.shuffled((0, 1, 2)):
        where = (" in all?",) if slot == 2 else (" in ", Mention(slot), "?")
        number = sum(numbers) if slot == 2 else numbers[slot]
        lesson += asked([f" How many {plural(shape)} are there", *where], NUMBERS[number])
    return lesson


def shape_of(puzzle: Puzzle) -> str:
    """Return the shape that a puzzle of the kind `both` is about."""
    words = str(puzzle.question[0]).removesuffix("?").split()
    return next(shape for shape in SHAPES if shape in words or plural(shape) in words)


def letter(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask which caption, or which picture (winoground-choice)."""
    texts, own_picture = matched(puzzle)
    slot = rng.below(2)
    if rng.coin():
        listed = _listed(texts, "{}. ")
        question: Lesson = [Show(pictures[slot]), f"Which caption describes the image?\n{listed}Answer with A or B."]
        return asked(question, _letter(own_picture.index(slot)))
    return _picked(texts[slot], pictures, own_picture[slot])


def _picked(text: str, pictures: Sequence[int], right: int) -> Lesson:
    question = f"Which image does the caption describe? Caption: {text}\nA. "
    ask: Lesson = [question, Show(pictures[0]), "\nB. ", Show(pictures[1]), "\nAnswer with A or B."]
    return asked(ask, _letter(right))


def iq50(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask whether a picture continues a row, as Kosmos-1 was asked."""
    row: Lesson = ["Here are three images:", *map(Show, pictures[:3]), "The following image is:", Show(pictures[3])]
    return asked([*row, "Is it correct?"], puzzle.answer)


def muirbench(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask for the letter of a picture, in the format of MuirBench's `create_prompt`."""
    end = "Hint: Please provide the correct option letter, such as A, B, C, D, directly.\nAnswer:"
    text = f"{puzzle.question[0]}\nChoices:\n{_listed(puzzle.choices, '({}) ')}{end}"
    answer = _letter(puzzle.choices.index(puzzle.answer))
    return asked(["Question: ", *map(Show, pictures), text], answer)


def nextqa(rng: Rng, puzzle: Puzzle, pictures: Sequence[int]) -> Lesson:
    """Ask for the letter of an option."""
    return [*map(Show, pictures), *lettered(str(puzzle.question[0]), puzzle.choices, puzzle.answer)]


FORMS: Mapping[str, Callable[[Rng, Puzzle, Sequence[int]], Lesson]] = {
    form.__name__: form
    for form in (
        nlvr2, counts, match, one_caption, one_picture, half_joint, joint, pick, letter, iq50,
        muirbench, nextqa,
    )
}  # fmt: skip


def _listed(choices: Sequence[str], form: str) -> str:
    return "".join(f"{form.format(_letter(index))}{choice}\n" for index, choice in enumerate(choices))


def _letter(index: int) -> str:
    return "ABCDE"[index]
