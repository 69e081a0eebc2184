"""Fixtures of the tests against servers: one that answers "yes", and a client that does not pause between retries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mmeval.models import server_check
from mmeval.servers import client
from tests.models.fake_server import Server, serving


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.001)
    for name in server_check.KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started
