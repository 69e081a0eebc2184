"""A chat model by its name on the hub: a wrong name or a network error is reported at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from huggingface_hub import HfApi, errors

from mmeval.models import find_model, load_model
from mmeval.models.chat import hub
from mmeval.types import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def answers(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], object]) -> list[str]:
    requested: list[str] = []

    def model_info(self: Any, name: str, **options: Any) -> object:
        requested.append(name)
        return answer()

    monkeypatch.setattr(HfApi, "model_info", model_info)
    return requested


def failing(error: Exception) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


def of_status(kind: type[errors.HfHubHTTPError], status: int) -> Exception:
    return kind("no", response=httpx2.Response(status, request=httpx2.Request("GET", "https://hub.example")))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (httpx2.ConnectError("Name or service not known"), "the hub cannot be reached, and its cache on this machine"),
        (errors.OfflineModeIsEnabled("offline"), "the hub cannot be reached, and its cache on this machine"),
        (of_status(errors.RepositoryNotFoundError, 404), "the hub has no such model, or you have no access"),
        (of_status(errors.RevisionNotFoundError, 404), "but no revision 'main'"),
    ],
)
def test_what_is_wrong_is_one_sentence_after_one_request(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = answers(monkeypatch, failing(error))
    with pytest.raises(InputError, match=f"^owner/name: .*{sentence}"):
        load_model("chat:owner/name")
    assert requested == ["owner/name"]


def test_what_is_no_name_is_not_asked_for() -> None:
    with pytest.raises(InputError, match=r"a/b/c: neither a folder nor a hub name"):
        load_model("chat:a/b/c")


def test_without_a_network_the_cache_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(monkeypatch, failing(httpx2.ConnectError("no network")))
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_, **__: str(tmp_path / COMMIT / "config.json"))
    assert hub.arguments(find_model("chat:owner/name@v1"), False) == {
        "revision": COMMIT, "local_files_only": True, "trust_remote_code": False,
    }  # fmt: skip


def test_a_branch_is_resolved_once_and_the_cache_learns_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    requested = answers(monkeypatch, lambda: SimpleNamespace(sha=COMMIT))
    revisions: list[str] = []

    def download(source: str, file: str, revision: str, etag_timeout: float) -> str:
        revisions.append(revision)
        return str(tmp_path / COMMIT / file)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    assert hub.arguments(find_model("chat:owner/name"), False)["revision"] == COMMIT
    assert hub.arguments(find_model(f"chat:owner/name@{COMMIT}"), False)["revision"] == COMMIT
    assert revisions == ["main"]
    assert requested == ["owner/name"] * 2
