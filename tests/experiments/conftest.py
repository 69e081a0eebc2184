"""Fixtures for the tests of the tiny family: a pool of pictures, its vocabulary and a processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.tiny.export import make_processor
from experiments.tiny.pool import Pool
from experiments.tiny.sizes import Sizes
from experiments.tiny.vocabulary import Vocabulary, forms_texts, make_vocabulary
from experiments.tiny.writing import Writer
from mmeval.mmicl.processing import MmiclProcessor
from tests.experiments.small_pools import planned


@pytest.fixture(scope="session")
def pool() -> Pool:
    return planned("train")


@pytest.fixture(scope="session")
def vocabulary(pool: Pool) -> Vocabulary:
    return make_vocabulary([*pool.texts(), *forms_texts()])


@pytest.fixture(scope="session")
def writer(vocabulary: Vocabulary) -> Writer:
    return Writer(vocabulary, Sizes(vocabulary.size).visual_tokens)


@pytest.fixture(scope="session")
def packed(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    vocabulary.save(folder)
    return folder


@pytest.fixture(scope="session")
def processor(packed: Path) -> MmiclProcessor:
    return make_processor(packed, reads=True)
