"""Held out from training: combinations of shape, color and place, and the words of the test split."""

from __future__ import annotations

from itertools import product

import pytest

from mmeval.embedded import world
from mmeval.embedded.world.artworks import PAINTERS
from mmeval.embedded.world.faces import PEOPLE
from mmeval.embedded.world.landmarks import LANDMARKS
from mmeval.embedded.world.posters import FILMS
from mmeval.embedded.world.scenes import PLACES
from mmeval.embedded.world.things import CELLS, COLORS, KINDS, NUMBERS, SHAPES, Kind, Thing
from mmeval.embedded.world.view import Family
from mmeval.embedded.world.words import LANGUAGE, of_split

HELD_OUT = {(kind, cell) for kind, cell in product(KINDS, CELLS) if Thing(kind, cell).held_out}


def _combinations(view: world.View) -> set[tuple[Kind, int]]:
    return {(Kind(*mark.label.split()), 3 * int(mark.y * 3) + int(mark.x * 3)) for mark in view.marks}


@pytest.mark.slow
@pytest.mark.parametrize("subtask", ["existence", "count", "position", "color"])
def test_held_out_combinations_stand_in_every_test_picture_and_in_no_training_picture(subtask: str) -> None:
    for seed in range(60):
        assert not _combinations(world.draw(subtask, seed, "train")) & HELD_OUT
        assert _combinations(world.draw(subtask, seed, "test")) & HELD_OUT


def test_every_two_of_shape_color_and_place_are_seen_together_in_training() -> None:
    trained = set(product(KINDS, CELLS)) - HELD_OUT
    assert 0.1 < len(HELD_OUT) / (len(KINDS) * 9) < 0.15
    assert {(kind.shape, cell) for kind, cell in trained} == set(product(SHAPES, CELLS))
    assert {(kind.color, cell) for kind, cell in trained} == set(product(COLORS, CELLS))
    assert {kind for kind, _ in trained} == set(KINDS)


@pytest.mark.slow
def test_words_of_the_test_are_never_seen_in_training_not_even_as_a_no() -> None:
    def words(split: world.Split) -> set[str]:
        views = [world.draw("OCR", seed, split) for seed in range(150)]
        return {claim.fact[1] for view in views for claim in (*view.asked, *view.extra)}

    assert not words("train") & words("test")
    assert {of_split(word) for word in words("test")} == {"test"}
    assert not (words("train") | words("test")) & set(LANGUAGE)


def test_a_near_miss_of_a_word_differs_by_one_letter() -> None:
    for seed in range(50):
        first, second = (claim.fact[1] for claim in world.draw("OCR", seed, "test").asked)
        assert len(first) == len(second)
        assert sum(a != b for a, b in zip(first, second, strict=True)) == 1


def test_every_word_of_the_language_has_a_twin_and_a_meaning_of_its_own() -> None:
    words = list(LANGUAGE)
    assert len(words) == len(set(LANGUAGE.values())) >= 20
    for word, twin in zip(words[::2], words[1::2], strict=True):
        assert sum(a != b for a, b in zip(word, twin, strict=True)) == 1


@pytest.mark.parametrize(
    ("family", "least"), [(FILMS, 20), (PEOPLE, 20), (LANDMARKS, 20), (PAINTERS, 20), (PLACES, 10)]
)
def test_every_name_has_as_many_lookalikes_as_every_other(family: Family, least: int) -> None:
    members = family.members()
    assert len({name for name, _, _ in members}) == len(members) >= least
    assert len({len(family.lookalikes(row, column)) for _, row, column in members}) == 1


@pytest.mark.parametrize("subtask", ["count", "numerical_calculation", "code_reasoning"])
def test_a_wrong_number_is_one_off(subtask: str) -> None:
    for seed in range(50):
        first, second = (_number(claim.fact[-1]) for claim in world.draw(subtask, seed, "test").asked)
        assert abs(first - second) == 1


def _number(text: str) -> int:
    return NUMBERS.index(text) if text in NUMBERS else int(text)
