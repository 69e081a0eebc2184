"""What the language model practises on: pictures in words, and many questions about them, one after the other.

Captions stand where pictures will stand, in the very prompts that the processor makes, so that what is learnt
here serves as soon as visual tokens say what the captions said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

import numpy as np

from experiments.tiny.claims import claims
from experiments.tiny.corpus import Corpus, CorpusItem
from mmeval.embedded.world.artworks import PAINTERS
from mmeval.embedded.world.choices import LETTERS, options
from mmeval.embedded.world.faces import PEOPLE
from mmeval.embedded.world.landmarks import LANDMARKS
from mmeval.embedded.world.objects import EXISTENCE, probes
from mmeval.embedded.world.posters import FILMS
from mmeval.embedded.world.puzzles import PUZZLES, Puzzle, puzzles
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.scenes import PLACES
from mmeval.embedded.world.things import KINDS, Thing, caption
from mmeval.embedded.world.view import Claim, Split
from mmeval.embedded.world.words import new_word
from mmeval.mmicl.context import CONTEXTS, ImagePlace, Part
from mmeval.mmicl.processing import MmiclProcessor

SUFFIX = " Please answer yes or no."
CAPTION = "What does the image show?"
LETTERED = (
    "There are several options:\n{options}\n",
    "Options:\n{options}\nPlease select the correct answer from the options above.",
)
"""How four choices are put."""
PRACTISED = ("declaration",) * 4 + ("mme-authors", "plain")
"""How often each way to introduce a picture is practised, where there is one picture."""
DERIVED = {"numerical_calculation": " = ", "code_reasoning": " , output", "text_translation": " , it means"}
"""Where a caption goes on to say what follows from the picture: in words, that is left to be worked out."""

PRACTICE = {"numerical_calculation": 6, "code_reasoning": 6, "text_translation": 2, "OCR": 4, "posters": 2}
PRACTICE |= {"novel": 4, "matching": 2, "odd": 2, "which": 2}
"""How often a subtask or a kind of puzzle is practised, where that is more than once: what is hard to learn."""

PROMPTS = (*EXISTENCE, *(text for family in (FILMS, PAINTERS, PEOPLE, PLACES, LANDMARKS) for text in family.prompts))
"""How the world asks whether something is there, whatever it is."""

Turn = tuple[str, str]
"""A question in words and its answer."""


@dataclass(frozen=True)
class Document:
    """Token ids, and which of them are answers to be learnt."""

    ids: list[int]
    learnt: list[bool]
    start: int = 0
    """Where the first question begins; those behind it stand apart from it. 0: they need all of it."""

    def parts(self) -> list[int]:
        """Return for every token 0 where all questions see it, or which question it belongs to, counted from 1."""
        if not self.start:
            return [0] * len(self.ids)
        answered = (before and not now for before, now in pairwise(self.learnt))
        begins = [False, *answered]
        begins[self.start] = True
        return list(accumulate(map(int, begins)))

    def questions(self) -> Iterator[tuple[list[int], list[int]]]:
        """Yield every learnt answer with what is read before it: how an encoder and a decoder share the document."""
        edges = [i for i in range(len(self.ids)) if self.learnt[i] != (i > 0 and self.learnt[i - 1])]
        edges += [len(self.ids)] * (len(edges) % 2)
        before = self.start
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            yield self.ids[: self.start] + self.ids[before:first], self.ids[first:last]
            before = last if self.start else 0


class Writer:
    """Writes documents as token ids, with the processor that the model is used with."""

    def __init__(self, processor: MmiclProcessor) -> None:
        self.processor = processor
        self.words = cache(processor.tokenizer.encode)
        self.symbols = symbols(processor)

    def prompt(self, parts: Sequence[Part], captions: Sequence[str], context: str) -> list[int]:
        """Return the ids of a prompt, a caption in the place of every picture."""
        settings = self.processor.settings
        ids: list[int] = []
        shown = iter(captions)
        skip = 0
        for token in self.processor.prompt(parts, CONTEXTS[context]).ids:
            if token != settings.placeholder_id:
                ids.append(token)
            elif skip == 0:
                ids += self.words(next(shown))
                skip = settings.tokens_per_picture - 1
            else:
                skip -= 1
        return ids

    def document(self, prompt: list[int], turns: Sequence[Turn], length: int) -> Document:
        """Join a prompt and as many turns as fit into `length` tokens, at least one."""
        ids, learnt = list(prompt), [False] * len(prompt)
        for question, answer in turns:
            asked, answered = self.words(question), [*self.words(answer), self.processor.settings.eos_id]
            if len(ids) + len(asked) + len(answered) > length and any(learnt):
                break
            ids += [*asked, *answered]
            learnt += [False] * len(asked) + [True] * len(answered)
        return Document(ids, learnt, len(prompt))


def symbols(processor: MmiclProcessor) -> tuple[str, ...]:
    """Return every word of the vocabulary that is spelled in letters."""
    texts = (processor.decode([index]) for index in range(processor.tokenizer.size))
    return tuple(sorted({text for text in texts if text.isalpha()}))


def about_item(writer: Writer, item: CorpusItem, rng: Rng, length: int) -> Document:
    """Write one picture of any subtask in words."""
    prompt = item_prompt(writer, item, rng.pick(PRACTISED))
    return writer.document(prompt, item_turns(item, rng, in_words=True), length)


def item_prompt(writer: Writer, item: CorpusItem, context: str = "declaration") -> list[int]:
    """Return a picture in words."""
    return writer.prompt([ImagePlace(0)], [_plain(item)], context)


def item_turns(item: CorpusItem, rng: Rng, *, in_words: bool) -> list[Turn]:
    """Return all that is asked of one picture, in any order; its caption only where it is not given in words."""
    turns = [(f"{text}{SUFFIX}" if rng.coin(0.9) else text, "yes" if true else "no") for text, true in item.yesno]
    turns += item.probes
    turns += lettered(rng, item.probes)
    if not in_words or rng.coin(0.2):
        turns.append((CAPTION, _plain(item) if in_words else item.caption))
    return rng.shuffled(turns)


def lettered(rng: Rng, asked: Sequence[Turn]) -> list[Turn]:
    """Give two of the open questions four choices, to be answered by a letter."""
    turns: list[Turn] = []
    for question, answer in rng.shuffled(asked):
        choices = options(rng, question, answer)
        if choices is not None and len(turns) < 2:
            listed = "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=True))
            turns.append((f"{question}\n{rng.pick(LETTERED).format(options=listed)}", LETTERS[choices.index(answer)]))
    return turns


def about_things(writer: Writer, rng: Rng, length: int, most: int = 5, hard: float = 1.0) -> Document:
    """Write fresh things on a grid, never painted: many more than there are pictures. `hard` as in `claims`."""
    things = _things(rng, 1 + rng.below(most))
    turns = [(text, answer) for _ in range(3) for text, answer in probes(rng, things)]
    for _ in range(3):
        made = claims(rng, things, hard)
        turns += [(_worded(rng, claim), "yes" if index % 2 == 0 else "no") for index, claim in enumerate(made)]
    turns += lettered(rng, turns[:4])
    prompt = writer.prompt([ImagePlace(0)], [caption(things)], rng.pick(PRACTISED))
    return writer.document(prompt, rng.shuffled(turns), length)


def _worded(rng: Rng, claim: Claim) -> str:
    """Put a claim into the world's words; now and then only what it is about, which is easier to look up."""
    if claim.fact[0] == "there is" and rng.coin(0.3):
        return f"{claim.fact[1]} ?"
    if claim.fact[0] == "color" and rng.coin(0.3):
        return f"{claim.fact[2]} {claim.fact[1]} ?"
    return f"{claim.text}{SUFFIX}" if rng.coin() else claim.text


def about_symbols(writer: Writer, rng: Rng, length: int) -> Document:
    """Pair words at random in the world's own questions: looking up must not depend on which words they are.

    Half of the time the second of each pair is a new word, spelled.
    """
    words = rng.shuffled(writer.symbols)[: 4 + 2 * rng.below(5)]
    if rng.coin():
        words[1::2] = [f"'{new_word(rng, 'train')}'" for _ in words[1::2]]
    pairs = list(zip(words[::2], words[1::2], strict=True))
    turns: list[Turn] = []
    for _ in range(4):
        first, second = rng.pick(pairs)
        turns += [(f"what is with {first} ?", second), (f"which is with {second} ?", first)]
        other = rng.pick([word for word in writer.symbols if word not in words])
        name = rng.pick((first, second))
        for shown in rng.shuffled((name, other)):
            turns.append((_asked(rng, shown), _yes(shown == name)))
        crossed = rng.pick([pair for pair in pairs if pair[0] != first])[1]
        for shown in rng.shuffled((second, crossed)):
            turns.append((_asked(rng, f"{first} {shown}"), _yes(shown == second)))
    pairs_in_words = " , ".join(" ".join(pair) for pair in pairs)
    return writer.document(
        writer.prompt([ImagePlace(0)], [pairs_in_words], rng.pick(PRACTISED)), rng.shuffled(turns), length
    )


def _asked(rng: Rng, name: str) -> str:
    """Ask whether that is told, in any of the world's prompts or in none."""
    if rng.coin(0.3):
        return f"{name} ?"
    text = rng.pick(PROMPTS).format(name=name, kind=name)
    return f"{text}{SUFFIX}" if rng.coin(0.7) else text


def about_several(writer: Writer, rng: Rng, length: int) -> Document:
    """Write several fresh pictures and which is which: what is where, and where is what."""
    scenes = [_things(rng, 1 + rng.below(2)) for _ in range(2 + rng.below(3))]
    names = [[thing.kind.name for thing in things] for things in scenes]
    turns: list[Turn] = []
    for index, things in enumerate(scenes):
        thing = rng.pick(things)
        turns.append((f"What does image {index} show?", caption(things)))
        turns.append((f"what color is the {thing.kind.shape} in image {index} ?", thing.kind.color))
        if sum(thing.kind.name in shown for shown in names) == 1:
            turns.append((f"which image shows {_a(thing.kind.name)}?", f"image {index}"))
        other = rng.below(len(scenes))
        if other != index and len(things) == len(scenes[other]) == 1:
            for what in ("color", "shape"):
                alike = getattr(things[0].kind, what) == getattr(scenes[other][0].kind, what)
                turns.append((f"Do image {index} and image {other} show things of the same {what}?", _yes(alike)))
        asked = rng.pick(rng.pick(names))
        turns.append((f"Is there {_a(asked)} in image {index}?", _yes(asked in names[index])))
    prompt = writer.prompt([ImagePlace(i) for i in range(len(scenes))], [caption(s) for s in scenes], "declaration")
    return writer.document(prompt, rng.shuffled(turns), length)


def about_puzzle(writer: Writer, kind: str, rng: Rng, length: int, split: Split = "train") -> Document:
    """Write a puzzle, yes as often as no, then whatever else is asked about the same pictures."""
    group = puzzles(kind, rng.below(10**9), split)
    puzzle = one_of(group, rng)
    if puzzle.shots:
        return _shots(writer, puzzle, rng)
    rest = [other for other in group if other.scenes == puzzle.scenes and other is not puzzle]
    turns = [(spoken(other), other.answer) for other in (puzzle, *rest)]
    turns += [(f"What does image {index} show?", scene.caption) for index, scene in enumerate(puzzle.scenes)]
    shown = [ImagePlace(index) for index in range(len(puzzle.scenes))]
    prompt = writer.prompt(shown, [scene.caption for scene in puzzle.scenes], "declaration")
    return writer.document(prompt, turns, length)


def _shots(writer: Writer, puzzle: Puzzle, rng: Rng) -> Document:
    """Write demonstrations and the question after them; every answer but the first of each word can be known."""
    parts: list[Part] = []
    captions: list[str] = []
    known: set[str] = set()
    ids: list[int] = []
    learnt: list[bool] = []
    for shot in (*puzzle.shots, puzzle):
        parts += [ImagePlace(len(captions)), spoken(shot)]
        captions.append(shot.scenes[0].caption)
        whole = writer.prompt(parts, captions, "declaration")
        answered = [*writer.words(shot.answer)] + ([writer.processor.settings.eos_id] if shot is puzzle else [])
        learnt += [False] * (len(whole) - len(ids)) + [shot.answer in known or shot is puzzle] * len(answered)
        ids = [*whole, *answered]
        parts.append(f" {shot.answer}\n")
        known.add(shot.answer)
    return Document(ids, learnt)


def spoken(puzzle: Puzzle) -> str:
    """Return the question, its pictures spoken of as MMICL does."""
    return "".join(f"image {part}" if isinstance(part, int) else part for part in puzzle.question)


def curriculum(writer: Writer, data: Corpus) -> Callable[[int, float], Document]:
    """Draw document `index` at `progress` (0 to 1): few things and easy questions first, then everything.

    Asked about things that are all there, and nothing easier before, a model learns nothing for a long time.
    """
    rows: dict[str, list[CorpusItem]] = {}
    for item in data.items:
        rows.setdefault(item.subtask, []).append(item)
    subtasks = [subtask for subtask in rows for _ in range(PRACTICE.get(subtask, 1))]
    kinds = [kind for kind in PUZZLES for _ in range(PRACTICE.get(kind, 1))]

    def draw(index: int, progress: float) -> Document:
        rng = Rng(f"document {index}")
        roll = rng.below(100)
        if roll < 12:
            return about_symbols(writer, rng, 130)
        if progress < 0.25 or roll < 32:
            most = 2 if progress < 0.1 else 3 if progress < 0.2 else 5
            return about_things(writer, rng, 130, most, min(1.0, max(0.0, 2 * progress - 0.2)))
        if roll < 42:
            return about_several(writer, rng, 150)
        if roll < 66:
            return about_puzzle(writer, rng.pick(kinds), rng, 150)
        return about_item(writer, rng.pick(rows[rng.pick(subtasks)]), rng, 130)

    return draw


def padded(rows: Sequence[Sequence[int]], filler: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Pad rows on the right: [rows, longest] int64."""
    whole = np.full((len(rows), max(map(len, rows))), filler, dtype=np.int64)
    for row, values in zip(whole, rows, strict=True):
        row[: len(values)] = values
    return whole


def one_of(group: Sequence[Puzzle], rng: Rng) -> Puzzle:
    """Pick any of them; where most answers are no, yes half of the time."""
    yes = [puzzle for puzzle in group if puzzle.answer == "yes"]
    no = [puzzle for puzzle in group if puzzle.answer == "no"]
    if yes and no:
        return rng.pick(yes if rng.coin() else no)
    return rng.pick(group)


def _things(rng: Rng, count: int) -> list[Thing]:
    cells = rng.shuffled(range(9))
    things: list[Thing] = []
    while len(things) < count:
        thing = Thing(rng.pick(KINDS), cells[len(things)])
        if not thing.held_out:
            things.append(thing)
    return things


def _plain(item: CorpusItem) -> str:
    """Return the caption less what can be worked out from it."""
    derived = DERIVED.get(item.subtask)
    return item.caption.rpartition(derived)[0] if derived else item.caption


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _yes(true: bool) -> str:
    return "yes" if true else "no"
