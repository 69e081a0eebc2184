"""Rules for every picture of the world: always the same bytes, one yes, one no, nothing outside the picture."""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter

import pytest

from mmeval.embedded import world

DIGEST = "434ba5f6f732afb5626793944630255c172d5ef5221aedc14517edc7d7d22df3"
"""Of the test set, the same under Pillow 11.0 to 13.0 and numpy 1.26 to 2.4; another value means another benchmark."""


@pytest.fixture(scope="module")
def test_set() -> list[world.View]:
    return list(world.test_set())


@functools.cache
def training(subtask: str, seed: int) -> world.View:
    return world.draw(subtask, seed, "train")


@pytest.mark.slow
def test_the_test_set_is_the_same_everywhere(test_set: list[world.View]) -> None:
    total = hashlib.sha256()
    for view in test_set:
        total.update(view.picture.tobytes())
        total.update("\n".join((view.name, *view.pair, *(claim.text for claim in view.asked))).encode())
    assert total.hexdigest() == DIGEST


@pytest.mark.slow
def test_the_test_set_has_forty_pictures_a_subtask_and_no_name_twice(test_set: list[world.View]) -> None:
    assert Counter(view.subtask for view in test_set) == dict.fromkeys(world.SUBTASKS, 40)
    assert len({view.name for view in test_set}) == len({view.picture.tobytes() for view in test_set}) == 14 * 40


@pytest.mark.slow
@pytest.mark.parametrize("subtask", world.SUBTASKS)
def test_what_a_view_promises(subtask: str) -> None:
    for seed in range(40):
        view = training(subtask, seed)
        assert view.picture.size == (96, 96)
        assert view.picture.mode == "RGB"
        assert [world.answer(claim, view.facts) for claim in view.asked].count(True) == 1
        assert [truth for _, truth in view.more].count(True) * 2 == len(view.more) >= 4
        assert 3 <= len(view.probes) <= 6
        assert all(0 < mark.x < 1 and 0 < mark.y < 1 and mark.label for mark in view.marks)
        assert len(view.caption.split()) <= 25


def test_the_pair_is_yes_then_no_and_its_order_in_the_test_is_a_coin() -> None:
    views = [world.draw("scene", seed, "test") for seed in range(200)]
    firsts = [view.asked[0].text == view.pair[0] for view in views]
    assert 70 < sum(firsts) < 130


def test_train_and_test_of_one_seed_are_different_pictures() -> None:
    shown = [world.draw("landmark", 0, split).picture.tobytes() for split in ("train", "test")]
    assert shown[0] != shown[1]


@pytest.mark.slow
def test_the_language_is_small() -> None:
    views = [training(subtask, seed) for subtask in world.SUBTASKS for seed in range(60)]
    texts = [text for view in views for text in (view.caption, *view.pair, *sum(view.probes, ()), *dict(view.more))]
    unquoted = [re.sub(r"'\w+'", " ", text.lower()) for text in texts]
    assert len({word for text in unquoted for word in re.findall(r"[a-z]+|\d|[^\w\s]", text)}) < 650


def test_quotes_stand_only_around_spelled_words() -> None:
    for subtask in world.SUBTASKS:
        view = training(subtask, 1)
        for text in (view.caption, *view.pair, *sum(view.probes, ())):
            assert "'" not in re.sub(r"'[a-z]{3,4}'", "", text)


def test_a_claim_can_be_answered_from_another_pictures_facts() -> None:
    facts = frozenset({("word", "kelt")})
    assert world.answer(world.Claim("Does the sign say 'kelt'?", ("word", "kelt")), facts)
    assert not world.answer(world.Claim("Does the sign say 'kelp'?", ("word", "kelp")), facts)
