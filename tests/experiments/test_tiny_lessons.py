"""Lessons: the words of the benchmarks, true of the pictures, in words that the tokenizer knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from experiments.tiny import forms, lessons
from experiments.tiny.batches import write
from experiments.tiny.lesson import Answer, Mention, Part, Show, pictures
from experiments.tiny.pool import Item, Pool
from experiments.tiny.stages import SEVERAL, WORDINGS, seen, words
from experiments.tiny.vocabulary import Vocabulary
from experiments.tiny.writing import How, Writer
from mmeval.embedded.suites import iq50, muirbench, nlvr2, winoground
from mmeval.embedded.world.puzzles import puzzles
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.things import NUMBERS, SHAPES
from mmeval.embedded.world.view import plural
from mmeval.engine.prompts import flatten
from mmeval.evaluation.rendering import render
from mmeval.mmicl.context import CONTEXTS, ImageMention, ImagePlace
from mmeval.mmicl.context import Part as PromptPart
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.task_loading import load_task
from tests.experiments.small_pools import planned

WAYS: tuple[How, ...] = ("declaration", "mme-authors", "plain", "side-by-side", "none")


@pytest.mark.parametrize("context_name", WAYS)
def test_a_lesson_is_written_as_the_processor_writes_its_prompt(
    context_name: How, writer: Writer, processor: MmiclProcessor
) -> None:
    texts = ("a 'kelt' shows ", " and image ", ", is it red?")
    lesson: list[Part] = [Show(4), Show(7), texts[0], Mention(1), texts[1], Mention(0), texts[2], Answer("yes")]
    parts: list[PromptPart] = [
        ImagePlace(0),
        ImagePlace(1),
        texts[0],
        ImageMention(1),
        texts[1],
        ImageMention(0),
        texts[2],
    ]
    if context_name in ("side-by-side", "none"):
        parts = [part for part in parts if part != ImagePlace(1)][context_name == "none" :]
    context = CONTEXTS[context_name if context_name in CONTEXTS else "plain"]
    written = writer.write(lesson, context_name)
    prompt = list(processor.prompt(parts, context).ids)
    assert written.ids == [*prompt, *processor.answer("yes")]
    assert written.learned == [False] * len(prompt) + [True, True]


def prompts(task_name: str, folder: Path, processor: MmiclProcessor, count: int) -> Iterator[list[int]]:
    """Yield the first prompts of an embedded suite, as mmicl-tiny is asked them."""
    task = load_task(task_name)
    samples = task.few_shot(str(folder), 1, 0) if task.few_shot else task.samples(str(folder))
    for sample in islice(samples, count):
        flat = flatten(render(task, sample, next(iter(task.prompts))))
        yield list(processor.prompt(flat.parts, CONTEXTS["declaration"]).ids)


class Fixed(Rng):
    """Returns the given rolls, one after the other."""

    def __init__(self, *rolls: int) -> None:
        super().__init__("fixed")
        self.rolls = list(rolls)

    def below(self, end: int) -> int:
        return self.rolls.pop(0)

    def coin(self, heads: float = 0.5) -> bool:
        return bool(self.rolls.pop(0))


def prompt_of(writer: Writer, lesson: Sequence[Part]) -> list[int]:
    written = writer.write(lesson, "declaration")
    return written.ids[: written.learned.index(True)]


def test_lessons_are_worded_as_the_benchmarks_are(
    writer: Writer, processor: MmiclProcessor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmeval.embedded.suites.COUNT", 1)
    for suite in (nlvr2, winoground, iq50, muirbench):
        (tmp_path / suite.__name__).mkdir()
        suite(tmp_path / suite.__name__)
    rng = Rng("any")
    first = {kind: puzzles(kind, 0, "test")[0] for kind in ("both", "matching", "series", "which")}
    slots = list(range(4))

    def task_prompts(task: str, folder: str, count: int) -> list[list[int]]:
        return list(prompts(task, tmp_path / folder, processor, count))

    assert prompt_of(writer, forms.nlvr2(rng, first["both"], slots[:2])) == task_prompts("nlvr2", "nlvr2", 1)[0]
    assert prompt_of(writer, forms.iq50(rng, first["series"], slots)) in task_prompts("iq50", "iq50", 6)
    which = first["which"]
    assert (
        prompt_of(writer, forms.muirbench(rng, which, slots[: len(which.scenes)]))
        == task_prompts("muirbench", "muirbench", 1)[0]
    )
    pair = first["matching"]
    cells = task_prompts("winoground", "winoground", 4)
    for caption in range(2):
        assert prompt_of(writer, forms.match(Fixed(caption, 0), pair, slots[:2])) in cells
    choices = task_prompts("winoground-choice", "winoground", 4)
    assert prompt_of(writer, forms.letter(Fixed(0, 1), pair, slots[:2])) in choices
    assert prompt_of(writer, forms.letter(Fixed(0, 0), pair, slots[:2])) in choices
    swapped = prompt_of(writer, forms.joint(Fixed(1, 0), pair, slots[:2]))
    assert any(sorted(swapped) == sorted(cell) for cell in task_prompts("winoground-joint", "winoground", 4))


def test_one_picture_is_asked_about_as_mme_and_mmbench_do(writer: Writer, processor: MmiclProcessor) -> None:
    item = Item(0, "scene", (("Is this scene a farm?", True),) * 2, (("what place is this ?", "farm"),))
    lettered = "Question: what place is this ?\nOptions:\n"
    ends = {"Please answer yes or no.", "the options above. \n"}
    texts = {"".join(map(str, forms.single(Rng(f"{seed}"), item, "a farm")[:-1])) for seed in range(300)}
    assert " Is this scene a farm? Please answer yes or no." in texts  # MME's
    assert " Is this scene a farm?" in texts  # POPE's
    assert any(text.startswith(lettered) and "A. " in text and text.endswith("options above. \n") for text in texts)
    assert all(any(text.endswith(end) for text in texts) for end in ends)


def test_answers_are_true_of_the_pictures_that_were_looked_up(pool: Pool) -> None:
    def kinds(picture: int) -> list[str]:
        return [thing.kind.name for thing in pool.shown[picture].things]

    for seed in range(60):
        rng = Rng(f"true {seed}")
        which = lessons.puzzle(rng, pool, "which")
        names = [kinds(picture) for picture in pictures(which)]
        described = str(which[len(names)]).removeprefix("Which image shows ").removesuffix("?").split(" ", 1)[1]
        matching = [slot for slot, kinds_shown in enumerate(names) if described in kinds_shown]
        assert [f"image {slot}" for slot in matching] == [first_answer(which)]
        match = lessons.puzzle(rng, pool, "matching", "match")
        caption = str(match[1]).partition("Caption: ")[2].partition("\n")[0]
        left, sides, right_one = caption.partition(" to the left of ")
        ordered = sorted(pool.shown[pictures(match)[0]].things, key=lambda thing: thing.column)
        names_shown = [thing.kind.name for thing in ordered]
        names_claimed = [text.split(" ", 1)[1] for text in ((left, right_one) if sides else caption.split(" and "))]
        true = names_shown == names_claimed if sides else set(names_shown) == set(names_claimed)
        assert first_answer(match) == ("yes" if true else "no")
        both = lessons.puzzle(rng, pool, "both")
        if "in all" in str(both[2]):
            shape = str(both[2]).split()[3].rstrip("es")
            total = sum(name.split()[1].startswith(shape) for p in pictures(both) for name in kinds(p))
            claimed = ("zero", "one", "two", "three", "four", "five").index(str(both[2]).split()[2])
            assert first_answer(both) == ("yes" if total == claimed else "no")


def first_answer(lesson: Sequence[Part]) -> str:
    return next(part.text for part in lesson if isinstance(part, Answer))


def test_what_has_a_new_name_can_be_told_from_its_demonstrations(pool: Pool) -> None:
    labels = set()
    for seed in range(40):
        for form in ("own", "half", "open", "icl"):
            lesson = lessons.demonstrated(Rng(f"{form} {seed}"), pool, form, 2)
            named: dict[str, str] = {}
            seen_before: set[str] = set()
            shown_pictures = iter(pictures(lesson))
            for part in lesson:
                if isinstance(part, Answer):
                    kind = pool.shown[next(shown_pictures)].things[0].kind.name
                    assert named.setdefault(kind, part.text) == part.text
                    assert part.learned == (kind in seen_before)
                    seen_before.add(kind)
                    labels.add(part.text)
            assert len(set(named.values())) == len(named) == 2
    assert len(labels) > 60  # drawn anew in every document


def test_the_letter_is_that_of_the_picture_with_the_caption(pool: Pool) -> None:
    letters = set()
    for seed in range(40):
        first, first_picture, _, second_picture, end, answer = lessons.puzzle(Rng(f"{seed}"), pool, "which", "pick")
        assert isinstance(first_picture, Show) and isinstance(second_picture, Show) and isinstance(answer, Answer)
        wanted = str(first).partition("Caption: ")[2].removesuffix("\nA. ").split()[1:]
        matches = [
            any(thing.kind.name.split() == wanted for thing in pool.shown[part.picture].things)
            for part in (first_picture, second_picture)
        ]
        assert matches == [answer.text == "A", answer.text == "B"] and end == "\nAnswer with A or B."
        letters.add(answer.text)
    assert letters == {"A", "B"}


def test_what_two_pictures_show_adds_up(pool: Pool) -> None:
    for seed in range(40):
        lesson = lessons.puzzle(Rng(f"{seed}"), pool, "both", "counts")
        things_by_picture = [pool.shown[part.picture].things for part in lesson if isinstance(part, Show)]
        shape = next(candidate for candidate in SHAPES if plural(candidate) in "".join(map(str, lesson)))
        numbers = [sum(thing.kind.shape == shape for thing in things) for things in things_by_picture]
        for index, part in enumerate(lesson):
            if isinstance(part, Answer):
                where = lesson[index - 2]
                number = numbers[where.slot] if isinstance(where, Mention) else sum(numbers)
                assert part.text == NUMBERS[number]


@pytest.mark.slow
def test_training_never_shows_what_the_tests_do() -> None:
    train, test = planned("train"), planned("test")
    assert not any(thing.held_out for scene in train.shown for thing in scene.things)
    assert all(test.shown[rows[0]].things[0].held_out for rows in test.singles.values())


def test_every_source_is_known_to_the_tokenizer_and_teaches_something(
    pool: Pool, writer: Writer, vocabulary: Vocabulary
) -> None:
    names = [
        "water",
        "fire",
        "moon",
        "house",
        "bread",
        "door",
        "road",
        "river",
        "stone",
        "gold",
        "night",
        "bird",
        "sun",
    ]
    stages = [*words(names), *seen(names, ("declaration",)), *seen(names, ("plain",), single=True)]
    for stage in stages:
        for name, source in stage.sources.items():
            for seed in range(4):
                written = write(writer, source, Rng(f"{name} {seed}"), pool, reads=False)
                assert any(written.learned) and 2 not in written.ids, (stage.name, name)
                assert len(written.ids) == len(written.learned)
                if source.hows != ("words",):
                    assert written.ids.count(vocabulary.placeholder) == 16 * len(written.pictures)
    assert {form for _, form in WORDINGS} == forms.FORMS.keys()
    assert all(kind in stage.sources for stage in stages if stage.name == "everything" for kind in SEVERAL)


def test_a_new_word_is_spelled_in_quotes_and_in_pieces_elsewhere(processor: MmiclProcessor) -> None:
    encode = processor.tokenizer.encode
    assert len(encode("'kelt'")) == 6
    assert processor.decode(encode("kelt")) == "kelt"
    assert processor.decode(encode("red circle")) == "red circle"
