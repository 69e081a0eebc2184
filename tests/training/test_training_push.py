"""`push_to_hub`: a hub of the tests takes what huggingface_hub really sends, or refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mmeval.mmicl import checkpoints
from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.run import train
from mmeval.mmicl.weights import CheckpointError
from tests.fake_hub import NAME, serving
from tests.training.conftest import config_values

pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")  # of huggingface_hub's LFS upload


@pytest.mark.slow
def test_what_was_trained_is_pushed_even_if_the_first_try_fails(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"/storage/": (403, "Private storage limit reached")}
    config = Config(**config_values(data, push_to_hub=NAME.partition("/")[2], save_full=True))
    messages: list[str] = []
    with serving(tmp_path / "hub", tmp_path / "cache", monkeypatch, refused):
        with pytest.raises(CheckpointError, match=r"name: cannot be pushed to .*full: push it from .*hf upload name"):
            train(config)
        refused.clear()
        final = train(config, say=messages.append)
        pushed, _ = checkpoints.load(NAME, local_files_only=False)
    assert not any(message.startswith("step") for message in messages)
    assert messages[-1].endswith(f"/{NAME}")
    expected, _ = checkpoints.load(final)
    for name, tensor in expected.state_dict().items():
        assert torch.equal(pushed.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    ("part", "status", "message"),
    [
        ("/repos/create", 401, "Invalid username or password."),
        ("/repos/create", 500, "Internal error"),
        ("/auth-check/write", 403, "You need write access to this repository"),
    ],
)
def test_who_cannot_push_learns_it_before_training(
    part: str, status: int, message: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {part: (status, message), "/api/models": (404, "Repository not found")}
    if status == 403:
        del refused["/api/models"]
    messages: list[str] = []
    with (
        serving(tmp_path / "hub", tmp_path / "cache", monkeypatch, refused),
        pytest.raises(CheckpointError, match=rf"owner/name: cannot be pushed to \(.*{message}.*`hf auth login`"),
    ):
        train(Config(**config_values(data, push_to_hub=NAME, save_full=True)), say=messages.append)
    assert not messages
