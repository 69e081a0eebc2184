"""Puzzles have one correct answer, derivable from the picture, and training never shows the test's things."""

from __future__ import annotations

from collections import Counter

import pytest

from mmeval.embedded.world.choices import LEAVES, choices
from mmeval.embedded.world.puzzles import PUZZLES, SHOTS, Puzzle, Scene, puzzles
from mmeval.embedded.world.words import of_split

SEEDS = range(60)


def kinds(scene: Scene) -> list[str]:
    return [thing.kind.name for thing in scene.things]


def drawn(kind: str, split: str = "test") -> list[Puzzle]:
    return [puzzle for seed in SEEDS for puzzle in puzzles(kind, seed, split)]  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", PUZZLES)
def test_a_puzzle_is_the_same_each_time_and_its_answer_among_its_choices(kind: str) -> None:
    for puzzle in drawn(kind):
        assert puzzle.answer in puzzle.choices
        assert {part for part in puzzle.question if isinstance(part, int)} <= set(range(len(puzzle.scenes)))
    first_draw = puzzles(kind, 1, "test")
    assert first_draw == puzzles(kind, 1, "test")
    assert first_draw[0].scenes[0].picture.tobytes() == puzzles(kind, 1, "test")[0].scenes[0].picture.tobytes()
    assert puzzles(kind, 1, "test") != puzzles(kind, 1, "train")


@pytest.mark.parametrize("kind", PUZZLES)
def test_training_never_shows_what_the_test_holds_out(kind: str) -> None:
    for puzzle in drawn(kind, "train"):
        for scene in (*puzzle.scenes, *(scene for shot in puzzle.shots for scene in shot.scenes)):
            assert not any(thing.held_out for thing in scene.things)


@pytest.mark.parametrize("kind", ["which", "odd", "frames", "same", "both"])
def test_no_answer_is_much_more_common_than_another(kind: str) -> None:
    drawn_puzzles = [puzzle for seed in range(400) for puzzle in puzzles(kind, seed, "train")]
    most = max(len(puzzle.choices) for puzzle in drawn_puzzles)
    counts = Counter(puzzle.answer for puzzle in drawn_puzzles if len(puzzle.choices) == most)
    assert len(counts) == most
    assert max(counts.values()) < 2 * min(counts.values())


def test_only_one_picture_shows_what_is_asked_for() -> None:
    for puzzle in drawn("which"):
        target = str(puzzle.question[0]).removeprefix("Which image shows a").removeprefix("n").strip(" ?")
        (index,) = [index for index, scene in enumerate(puzzle.scenes) if target in kinds(scene)]
        assert puzzle.answer == f"image {index}"


def test_the_odd_one_is_the_only_one_without_what_the_others_share() -> None:
    for puzzle in drawn("odd"):
        thing_kinds = [scene.things[0].kind for scene in puzzle.scenes]
        shared = [Counter(kind.color for kind in thing_kinds), Counter(kind.shape for kind in thing_kinds)]
        (common,) = [value for counter in shared for value, count in counter.items() if count == 3]
        (odd_index,) = [index for index, kind in enumerate(thing_kinds) if common not in (kind.color, kind.shape)]
        assert puzzle.answer == f"image {odd_index}"


def test_the_two_captions_have_the_same_words_in_another_order() -> None:
    for puzzle in drawn("matching"):
        first, second = str(puzzle.question[0]).split("Caption 1: ")
        first, second = (text.removeprefix("Caption 0: ").split(". ")[0].strip(". ") for text in (first, second))
        assert first != second
        articles = Counter(["a", "an"] * 9)
        assert Counter(first.split()) - articles == Counter(second.split()) - articles
    groups = [[puzzle.answer for puzzle in puzzles("matching", seed, "test")] for seed in range(100)]
    counts = Counter(" ".join(answers) for answers in groups)
    assert set(counts) == {"yes no no yes", "no yes yes no"}  # the numbers alone do not tell
    assert min(counts.values()) > 30


def test_one_of_six_candidates_continues_a_series() -> None:
    for seed in SEEDS:
        group = puzzles("series", seed, "test")
        assert [puzzle.answer for puzzle in group].count("yes") == 1
        assert len({tuple(sorted(kinds(puzzle.scenes[3]))) for puzzle in group}) == 6


def test_a_thing_moves_where_the_answer_says() -> None:
    for puzzle in drawn("frames"):
        first, _, last = (scene.things[0] for scene in puzzle.scenes)
        moved = (last.column - first.column, last.row - first.row)
        assert moved == {"right": (2, 0), "left": (-2, 0), "down": (0, 2), "up": (0, -2)}[puzzle.answer]


def test_statements_about_two_pictures_are_true_where_the_answer_says() -> None:
    for puzzle in drawn("both"):
        text = str(puzzle.question[0])
        names = [[thing.kind.shape for thing in scene.things] for scene in puzzle.scenes]
        if text.startswith("Do both images show a "):
            shape = text.removeprefix("Do both images show a ").strip("?")
            assert (puzzle.answer == "yes") == all(shape in shapes for shapes in names)
        elif text.startswith("Does exactly one image show a "):
            shape = text.removeprefix("Does exactly one image show a ").strip("?")
            assert (puzzle.answer == "yes") == (sum(shape in shapes for shapes in names) == 1)


def test_new_words_are_new_and_every_shot_names_what_it_shows() -> None:
    for seed in SEEDS:
        group = puzzles("novel", seed, "test")
        assert [len(puzzle.shots) for puzzle in group] == [2 * count for count in SHOTS]
        names = {kinds(shot.scenes[0])[0]: shot.answer for shot in group[-1].shots}
        assert len(names) == 2
        assert all(names[kinds(puzzle.scenes[0])[0]] == puzzle.answer for puzzle in group)
        assert all(of_split(word.strip("'")) == "test" for word in names.values())


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_leaf_has_four_options_of_which_one_is_right(leaf: str) -> None:
    drawn_choices = list(choices(leaf, 12, "test"))
    assert len({choice.view.name for choice in drawn_choices}) == len(drawn_choices) == 12
    assert all(len(set(choice.options)) == 4 and choice.answer in choice.options for choice in drawn_choices)
    assert all((choice.question, choice.answer) in choice.view.probes for choice in drawn_choices)
    assert list(choices(leaf, 3, "test"))[2].options == drawn_choices[2].options


def test_captions_belong_to_the_pictures_that_the_answer_says() -> None:
    for puzzle in drawn("matching"):
        question = str(puzzle.question[0])
        texts = question.removeprefix("Caption 0: ").partition(". Does caption")[0].split(". Caption 1: ")
        number, image = int(question.partition("Does caption ")[2][0]), puzzle.question[1]
        assert isinstance(image, int)
        names = kinds(puzzle.scenes[image])
        text = texts[number]
        if " to the left of " in text:
            left, right = (next(name for name in names if name in side) for side in text.split(" to the left of "))
            columns = {thing.kind.name: thing.column for thing in puzzle.scenes[image].things}
            assert (columns[left] < columns[right]) == (puzzle.answer == "yes")
        else:
            assert all(name in text for name in names) == (puzzle.answer == "yes")
