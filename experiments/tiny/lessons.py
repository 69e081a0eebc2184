"""Lessons about pictures: what they show, which color belongs to which shape, puzzles with several, and new names.

A lesson takes its pictures from a pool; any picture that shows the same things will do. The world makes the puzzles,
and this module finds their pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.tiny import forms
from experiments.tiny.lesson import Answer, Claim, Lesson, Mention, Show, asked
from experiments.tiny.pool import Pool
from experiments.tiny.symbols import Symbols, two_words
from mmeval.embedded.world import objects
from mmeval.embedded.world.puzzles import Puzzle, Scene, puzzles
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import COLORS, KINDS, NUMBERS, SHAPES, Kind, facts
from mmeval.embedded.world.view import Fact, article, plural

MOST = 8
"""Maximum number of pictures in one question, without demonstrations."""


def described(rng: Rng, pool: Pool) -> Lesson:
    """Show one to three pictures of one thing, each right before its caption."""
    lesson: Lesson = []
    for _ in range(1 + rng.below(3)):
        picture = _single(rng, pool, rng.pick(KINDS))
        lesson += [Show(picture), Answer(pool.shown[picture].caption, end=False), " . "]
    return lesson


def verified(rng: Rng, pool: Pool) -> Lesson:
    """Show a picture of one thing and ask for a color, a shape or both, in as few words as possible: yes or no."""
    kind = rng.pick(KINDS)
    lesson: Lesson = [Show(_single(rng, pool, kind))]
    for _ in range(5):
        true = rng.coin()
        claimed_kind = kind if true else kind.near(rng)
        claim = claimed_kind.name
        if true or rng.coin():
            claim = rng.pick((claimed_kind.color, claimed_kind.shape, claimed_kind.name))
        answer = "yes" if claim in (kind.color, kind.shape, kind.name) else "no"
        lesson += [Claim(claim), " ? ", Answer(answer, end=False), " . "]
    return lesson


def checked(rng: Rng, pool: Pool) -> Lesson:
    """Show a picture of several things and ask what there is, how many, in which color and where: yes or no."""
    picture = rng.pick(pool.crowded)
    things = pool.shown[picture].things
    kinds, shapes = [thing.kind for thing in things], [thing.kind.shape for thing in things]
    lesson: Lesson = [Show(picture)]
    claimed: set[tuple[str, str]] = set()
    for _ in range(5):
        noun = rng.pick(("object", *SHAPES, *shapes, *shapes))
        number = len(things) if noun == "object" else shapes.count(noun)
        claims = rng.pick(
            (
                objects.exists(rng, things, rng.below(len(things))),
                objects.numbers(rng, noun, number, rng.pick([n for n in (number - 1, number + 1) if 0 <= n <= 5])),
                objects.colored(rng, things),
                *([objects.stands(rng, things)] * 2 if len(set(kinds)) == len(kinds) else ()),
            )
        )
        claim = rng.pick(claims)
        if claim.fact[:2] in claimed:  # a false claim must not stand where a true one is looked up
            continue
        claimed.add(claim.fact[:2])
        text = f" {claim.text}" if rng.coin(0.3) else f" {_short(claim.fact)} ?"
        true = claim.fact in facts(things)
        lesson += [Claim(text), " ", Answer("yes" if true else "no", end=False), " . "]
    return lesson


def _short(fact: Fact) -> str:
    """State a fact of a picture in as few words as possible."""
    kind, subject, *values = fact
    if kind == "there is":
        return subject
    if kind == "count":
        return f"{values[0]} {subject if values[0] == 'one' else plural(subject)}"
    if kind in ("color", "side"):
        return f"{subject} {values[0]}"
    return f"{subject} {objects.WHERE[kind]} {values[0]}"


def bound(rng: Rng, pool: Pool) -> Lesson:
    """Show pictures of one thing each, and ask for colors and shapes."""
    shapes = rng.shuffled(SHAPES)[: 2 + rng.below(3)]
    kinds = [Kind(rng.pick(list(COLORS)), shape) for shape in shapes]
    lesson: Lesson = [Show(_single(rng, pool, kind)) for kind in kinds]
    for kind in rng.shuffled(kinds):
        lesson += [f"which color the {kind.shape} ? ", Answer(kind.color, end=False), " . "]
    return lesson


def named(rng: Rng, pool: Pool, symbols: Symbols, hard: int) -> Lesson:
    """Name things by words that mean something else: right after the picture, or after `this is`."""
    kinds = rng.shuffled(KINDS)[: 2 + rng.below(3)]
    names = rng.shuffled([rng.pick(symbols) for _ in range(12)])
    lesson: Lesson = []
    for turn in range(3):
        for index in rng.shuffled(range(len(kinds))):
            words_before = " this is " if hard else ""
            name = Answer(names[index], end=False, learned=turn > 0)
            lesson += [Show(_single(rng, pool, kinds[index])), words_before, name]
    return lesson


def demonstrated(rng: Rng, pool: Pool, form: str, shots: int) -> Lesson:
    """Name two things by new words in `shots` demonstrations of each, and ask about another picture of one of them.

    Forms: `icl`, VL-ICL's; `own`, whose questions offer both names; `open`, whose questions offer none, or `half`,
    where either the demonstrations or the last question do. Copying an offered name is half right, and a model that
    only meets `own` stops there.
    """
    words = two_words(rng)
    if form == "icl" and rng.coin(0.3):  # names may also be known words
        words = rng.swapped(*rng.shuffled(list(forms.COMMON))[:2])
    kinds = rng.shuffled(KINDS)[:2]
    if rng.coin(0.3):
        kinds[1] = kinds[0].near(rng)
    offer = rng.swapped(*words)
    order = [which for _ in range(shots) for which in rng.shuffled((0, 1))] + [rng.below(2)]
    offered = {"own": (True, True), "open": (False, False)}.get(form) or rng.swapped(True, False)
    lesson: Lesson = []
    named_before: set[int] = set()
    for position, which in enumerate(order):
        last = position == len(order) - 1
        lesson.append(Show(_single(rng, pool, kinds[which])))
        if form == "icl":
            lesson += [forms.ICL, Answer(words[which], end=last, learned=which in named_before)]
        else:
            text = f"Is this '{offer[0]}' or '{offer[1]}'?" if offered[last] else "What is this?"
            lesson += [text, Answer(f"'{words[which]}'", end=last, learned=which in named_before)]
        named_before.add(which)
        if not last:
            lesson.append("\n")
    return lesson


def item(rng: Rng, pool: Pool, subtask: str, questions: int = 3) -> Lesson:
    """Ask about a picture of one of MME's subtasks, in any of the forms for one picture."""
    chosen = rng.pick(pool.items[subtask])
    lesson: Lesson = [Show(chosen.picture)]
    asked_before: set[str] = set()
    for _ in range(questions):
        question = forms.single(rng, chosen, pool.shown[chosen.picture].caption)
        text = str(question[0]).replace(forms.YES_OR_NO, "").replace(forms.WORD, "")
        if text not in asked_before:
            lesson += question
        asked_before.add(text)
    return lesson


def captioned(rng: Rng, pool: Pool) -> Lesson:
    """Ask what a picture of any subtask, of things or of a clip shows."""
    if rng.coin(0.3):
        return asked([Show(picture := rng.below(len(pool.shown))), forms.CAPTION], pool.shown[picture].caption)
    chosen = rng.pick(pool.items[rng.pick(list(pool.items))])
    return asked([Show(chosen.picture), forms.CAPTION], pool.shown[chosen.picture].caption)


def puzzle(rng: Rng, pool: Pool, kind: str, form: str = "") -> Lesson:
    """Ask one of the world's puzzles in its own words, or in those of a benchmark."""
    group = puzzles(kind, rng.below(10**9), "train")
    while kind == "matching" and not all(_placed(pool, candidate) for candidate in group):
        group = puzzles(kind, rng.below(10**9), "train")
    yes = [candidate for candidate in group if candidate.answer == "yes"]
    no = [candidate for candidate in group if candidate.answer == "no"]
    if yes and no:
        group = yes if rng.coin() else no
    chosen = rng.pick(group)
    if form == "iq50" and rng.coin(0.2):
        form = ""
    pictures = [_picture(rng, pool, chosen, scene) for scene in chosen.scenes]
    lesson = forms.FORMS[form](rng, chosen, pictures) if form else forms.own(rng, chosen, pictures)
    if rng.coin(0.3) and not form:
        slot = rng.below(len(pictures))
        lesson += asked([" What does ", Mention(slot), " show?"], pool.shown[pictures[slot]].caption)
    return lesson


def several(rng: Rng, pool: Pool) -> Lesson:
    """Show two to eight pictures of one thing and ask which is which, how they differ, and how many there are."""
    count = 2 + rng.below(MOST - 1)
    kinds = [rng.pick(KINDS) for _ in range(count)]
    if count < 4 and rng.coin():
        kinds[1] = kinds[0].near(rng)
    pictures = [_single(rng, pool, kind) for kind in kinds]
    lesson: Lesson = [Show(picture) for picture in pictures]
    names = [kind.name for kind in kinds]
    for _ in range(3):
        slot = rng.below(count)
        kind = kinds[slot]
        roll = rng.below(8)
        if roll == 0:
            lesson += asked([" What does ", Mention(slot), " show?"], pool.shown[pictures[slot]].caption)
        elif roll == 1:
            lesson += asked([f" what color is the {kind.shape} in ", Mention(slot), " ?"], kind.color)
        elif roll >= 5 and names.count(kind.name) == 1:
            lesson += asked([f" Which image shows {article(kind.name)}?"], f"image {slot}")
        elif roll == 2:
            name = rng.pick(names)
            question: Lesson = [f" Is there {article(name)} in ", Mention(slot), "?"]
            lesson += asked(question, "yes" if name == kind.name else "no")
        elif roll == 3:
            lesson += asked([" how many pictures are there ?"], NUMBERS[count] if count < len(NUMBERS) else str(count))
        else:
            lesson += _different(rng, kinds)
    return lesson


def _different(rng: Rng, kinds: Sequence[Kind]) -> Lesson:
    slot, other_slot = rng.shuffled(range(len(kinds)))[:2]
    first, second = kinds[slot], kinds[other_slot]
    question: Lesson = [" what is different between ", Mention(slot), " and ", Mention(other_slot), " ?"]
    if first == second:
        return asked(question, "the place")
    if first.shape == second.shape:
        return asked(question, "the color")
    if first.color == second.color:
        return asked(question, "the shape")
    return asked(question, "the color and the shape")


def behind(rng: Rng, lesson: Lesson, longest: int) -> Lesson:
    """Put a text that says nothing, or claims a random answer, before the first words."""
    text_indices = [index for index, part in enumerate(lesson) if isinstance(part, str) and part.strip()]
    if not text_indices:
        return lesson
    text = forms.misleading(rng) if rng.coin(0.3) else forms.LONG * (1 + rng.below(longest))
    return [*lesson[: text_indices[0]], text, *lesson[text_indices[0] :]]


def _single(rng: Rng, pool: Pool, kind: Kind) -> int:
    return rng.pick(pool.singles[kind])


def _placed(pool: Pool, puzzle: Puzzle) -> bool:
    """Tell whether the pool has the pictures for a puzzle about left and right."""
    if "to the left of" not in str(puzzle.question[0]):
        return True
    ordered = (sorted(scene.things, key=lambda thing: thing.column) for scene in puzzle.scenes)
    return all((left.kind, right.kind) in pool.pairs for left, right in ordered)


def _picture(rng: Rng, pool: Pool, puzzle: Puzzle, scene: Scene) -> int:
    """Find a picture of the pool that answers the puzzle as the scene does."""
    kinds = [thing.kind for thing in scene.things]
    if puzzle.kind == "both":
        shape = forms.shape_of(puzzle)
        return rng.pick(pool.counted[shape, sum(kind.shape == shape for kind in kinds)])
    if puzzle.kind == "frames":
        thing = scene.things[0]
        rows = pool.singles[thing.kind]
        same_cell = [row for row in rows if pool.shown[row].things[0].cell == thing.cell]
        return rng.pick(same_cell or rows)
    if len(kinds) == 1:
        return _single(rng, pool, kinds[0])
    if len(set(kinds)) == 1:
        return rng.pick(pool.rows[kinds[0], len(kinds)])
    left, right = sorted(scene.things, key=lambda thing: thing.column)
    if puzzle.kind == "matching" and "to the left of" in str(puzzle.question[0]):
        return rng.pick(pool.pairs[left.kind, right.kind])
    return rng.pick(pool.together[frozenset(kinds)])
