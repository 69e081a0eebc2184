"""Neither the questions alone nor raw pixels give away the picture world's answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from mmeval.embedded import world

TRAINING, TEST = 200, 100
"""Pictures per subtask: 5,600 training questions, 2,800 test questions."""

Questions = list[tuple[str, bool]]


@dataclass(frozen=True)
class _Subtask:
    """One subtask: its questions, and what the nearest training picture's facts say to each test question."""

    training: Questions
    test: Questions
    nearest: list[bool]


@pytest.fixture(scope="module")
def subtasks() -> dict[str, _Subtask]:
    return {subtask: _look(subtask) for subtask in world.SUBTASKS}


@pytest.mark.slow
def test_questions_alone_say_nothing(subtasks: dict[str, _Subtask]) -> None:
    """Logistic regression on words and pairs of words: within 4 points of chance over all, 15 in each subtask.

    A picture's two questions differ in little but the fact, so a guesser has both right or both wrong: a
    subtask of 100 pictures has a standard error of 5 points, all fourteen together of 1.3.
    """
    words = _words([text for questions in subtasks.values() for text, _ in questions.training])
    weights = _fitted(words, [question for questions in subtasks.values() for question in questions.training])
    correct = {subtask: _correct(words, weights, questions.test) for subtask, questions in subtasks.items()}
    assert abs(float(np.mean([value for values in correct.values() for value in values])) - 0.5) < 0.04
    for subtask, values in correct.items():
        assert abs(float(np.mean(values)) - 0.5) < 0.15, subtask


@pytest.mark.slow
def test_the_classifier_would_have_seen_a_leak(subtasks: dict[str, _Subtask]) -> None:
    """With "clearly" in every third yes it does, so the test above is not at chance for lack of power."""
    training = chain.from_iterable(questions.training for questions in subtasks.values())
    leaking = [
        (f"{text} clearly" if truth and index % 3 == 0 else text, truth) for index, (text, truth) in enumerate(training)
    ]
    words = _words([text for text, _ in leaking])
    assert np.mean(_correct(words, _fitted(words, leaking), leaking)) > 0.6


@pytest.mark.slow
def test_the_nearest_training_picture_does_not_know(subtasks: dict[str, _Subtask]) -> None:
    """Below 65% on perception's ten subtasks together, by the facts of the nearest picture of the same subtask."""
    correct = [
        guess == truth
        for subtask in world.PERCEPTION
        for guess, (_, truth) in zip(subtasks[subtask].nearest, subtasks[subtask].test, strict=True)
    ]
    assert 0.5 < np.mean(correct) < 0.65


def _look(subtask: str) -> _Subtask:
    training = [world.draw(subtask, seed, "train") for seed in range(TRAINING)]
    test = [world.draw(subtask, seed, "test") for seed in range(TEST)]
    stored, queries = _pixels(training), _pixels(test)
    distances = (stored**2).sum(axis=1) - 2 * queries @ stored.T
    pairs = zip(test, distances.argmin(axis=1), strict=True)
    nearest = [world.answer(claim, training[index].facts) for view, index in pairs for claim in view.asked]
    return _Subtask(_questions(training), _questions(test), nearest)


def _pixels(views: list[world.View]) -> npt.NDArray[np.float32]:
    """[N, 96 * 96 * 3], around 0."""
    return np.stack([np.asarray(view.picture, dtype=np.float32).ravel() / 255 - 0.5 for view in views])


def _questions(views: list[world.View]) -> Questions:
    return [(claim.text, world.answer(claim, view.facts)) for view in views for claim in view.asked]


def _features(text: str) -> set[str]:
    """Return a text's words and pairs of neighboring words; words in quotes are spelled out."""
    spelled = re.sub(r"'(\w+)'", lambda match: " ".join(match[1]), text.lower())
    words = re.findall(r"[a-z]+|\d", spelled)
    return {*words, *(f"{first} {second}" for first, second in pairwise(words))}


def _words(texts: list[str]) -> dict[str, int]:
    return {word: index for index, word in enumerate(sorted({word for text in texts for word in _features(text)}))}


def _counted(words: dict[str, int], questions: Questions) -> Any:
    """A sparse [N, words], 1 where the question has the word."""
    columns = [[words[word] for word in _features(text) if word in words] for text, _ in questions]
    ends = np.cumsum([0, *map(len, columns)])
    ones = np.ones(ends[-1], dtype=np.float32)
    return csr_array((ones, np.concatenate(columns), ends), shape=(len(questions), len(words)))


def _fitted(words: dict[str, int], questions: Questions) -> npt.NDArray[np.float32]:
    """Weights of a logistic regression, by 60 steps of gradient descent with momentum."""
    table = _counted(words, questions)
    truth = np.array([answer for _, answer in questions], dtype=np.float32)
    weights = np.zeros(len(words), dtype=np.float32)
    speed = np.zeros_like(weights)
    for _ in range(60):
        error = 1 / (1 + np.exp(-table @ weights)) - truth
        speed = 0.9 * speed - error @ table / len(questions)
        weights += speed
    return weights


def _correct(words: dict[str, int], weights: npt.NDArray[np.float32], questions: Questions) -> list[bool]:
    guesses = _counted(words, questions) @ weights > 0
    return [bool(guess) == truth for guess, (_, truth) in zip(guesses, questions, strict=True)]
