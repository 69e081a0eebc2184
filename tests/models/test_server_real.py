"""The adapter `server` against a real `transformers serve` with a tiny checkpoint made by this test."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.models import load_model
from mmeval.types import Generation, Image, InputError, Request, StreamingModel
from tests.evaluating import evaluate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.models import tiny_llava

    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    tiny_llava.save(folder)
    return folder


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("hub")
    (home / "hub").mkdir()  # or its list of models is an error
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}/v1"
        for _ in range(600):
            assert process.poll() is None, "transformers serve ended"
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/models", timeout=5):
                break
            time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def local_answer(folder: Path, request: Request, tokens: int) -> str:
    """Return the checkpoint's answer in this process."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)  # type: ignore[no-untyped-call]
    model: Any = AutoModelForImageTextToText.from_pretrained(folder)
    content = [
        {"type": "image", "image": part.decode()} if isinstance(part, Image) else {"type": "text", "text": part}
        for part in request.prompt
    ]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
    )  # fmt: skip
    written = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    return str(processor.decode(written, skip_special_tokens=True))


def test_a_real_server(url: str, checkpoint: Path, tmp_path: Path) -> None:
    """All in one test: a server takes seconds of both cores to start, and each worker would start its own."""
    _answers_are_those_of_the_checkpoint(url, checkpoint)
    _a_streamed_answer_is_the_answer(url, checkpoint)
    _it_returns_no_likelihoods_and_that_is_reported(url, checkpoint)
    _an_embedded_benchmark_is_answered(url, checkpoint, tmp_path / "run")


def _answers_are_those_of_the_checkpoint(url: str, checkpoint: Path) -> None:
    first, second = (Image(PILImage.effect_noise((40, 30), sigma).convert("RGB")) for sigma in (20, 90))
    requests = [
        Request("0", ("What is it?",)), Request("1", (first, "What is it?")), Request("2", (first, "or ", second, "?")),
        Request("3", (second, "or ", first, "?")),
    ]  # fmt: skip
    responses = {r.id: r for r in load_model(f"server:{url}#{checkpoint}").generate(requests, Generation(6))}
    assert {id: response.error for id, response in responses.items()} == dict.fromkeys("0123")
    for request in requests:
        text, expected = str(responses[request.id].text), local_answer(checkpoint, request, 6)
        assert text.rstrip("\ufffd") == expected.rstrip("\ufffd")  # a character that was cut may be left out
    assert responses["2"].text != responses["3"].text
    assert (responses["1"].finish_reason, responses["1"].output_tokens) == ("length", 6)
    assert responses["1"].input_tokens == responses["0"].input_tokens + 4  # one a patch


def _a_streamed_answer_is_the_answer(url: str, checkpoint: Path) -> None:
    model = load_model(f"server:{url}#{checkpoint}")
    assert isinstance(model, StreamingModel)
    request = Request("0", (Image(PILImage.effect_noise((40, 30), 50).convert("RGB")), "What is it?"))
    pieces: list[str] = []
    streamed = model.stream(request, Generation(12), pieces.append)
    (generated,) = model.generate([request], Generation(12))
    assert streamed.text and "".join(pieces) == streamed.text.strip() and len(pieces) > 1
    cut = (replace(response, seconds=0, text=str(response.text).rstrip("\ufffd")) for response in (streamed, generated))
    assert next(cut) == next(cut)  # a character that was cut may be left out


def _it_returns_no_likelihoods_and_that_is_reported(url: str, checkpoint: Path) -> None:
    request = Request("0", ("Is it?",), candidates=("yes", "no"))
    with pytest.raises(InputError, match="the server returns no likelihoods"):
        list(load_model(f"server:{url}#{checkpoint}").loglikelihood([request]))


def _an_embedded_benchmark_is_answered(url: str, checkpoint: Path, folder: Path) -> None:
    run = evaluate(f"server:{url}#{checkpoint}", "mme", out=folder, limit=14, concurrency=4)
    assert run.complete and run.spec.model == "server:tiny"
