"""What every in-process adapter owes: the same answers in any batch, errors as data, questions that stay text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PILImage

from mmeval import loop
from mmeval.engine.transformer import TransformerModel
from mmeval.mmicl.checkpoints import save
from mmeval.models import CONTEXTS, Settings, find_model, load_model
from mmeval.types import Generation, Image, InputError, Request, Unsupported
from tests.mmicl import mmicl_small as small

KINDS = [
    ("mmicl", "t5", "blip-2"),
    ("mmicl", "llama", "instructblip"),
    ("blip2", "opt", "blip-2"),
    ("blip2", "t5", "blip-2"),
    ("instructblip", "t5", "instructblip"),
    ("instructblip", "llama", "instructblip"),
]
Load = Callable[..., TransformerModel]


def picture(shade: int) -> Image:
    return Image(PILImage.new("RGB", (20, 20), (shade, 255 - shade, shade // 2)), f"picture {shade}")


@pytest.fixture(params=KINDS, ids="-".join)
def load(request: pytest.FixtureRequest, tmp_path: Path) -> Load:
    adapter, family, beginning = request.param

    def opened(**how: Any) -> TransformerModel:
        save(small.model(family, beginning), small.processor(family), tmp_path / "checkpoint")
        settings = Settings(**{"context": CONTEXTS[adapter][0], **how})
        model = load_model(find_model(f"{adapter}:{tmp_path / 'checkpoint'}"), settings)
        assert isinstance(model, TransformerModel)
        return model

    return opened


QUESTIONS = ["is there a dog ?", "a cat", "is the image 0 a cat or a dog ? the dog ?", "dog ?", "is ?"]


def requests() -> list[Request]:
    shown = [Request(f"{shade}/{words}", (picture(shade), words)) for words in QUESTIONS for shade in (0, 90, 200)]
    return [*shown, Request("text only", ("is there a dog ?",))]


def answers(model: TransformerModel, at_once: int) -> dict[str, str | None]:
    asked = requests()
    said: dict[str, str | None] = {}
    for first in range(0, len(asked), at_once):
        said |= {r.id: r.text for r in model.generate(asked[first : first + at_once], Generation(6))}
    return said


def test_any_batch_gives_the_same_answers(load: Load) -> None:
    together = answers(load(), 100)
    assert together == answers(load(), 1)
    assert together == answers(load(batch_tokens=40), 100)


def test_a_picture_of_many_questions_is_encoded_once(load: Load) -> None:
    model = load()
    answers(model, 100)
    assert model.pictures.encoded == 3


def test_likelihoods_do_not_depend_on_the_batch_and_order_candidates(load: Load) -> None:
    model = load()
    asked = [Request(r.id, r.prompt, candidates=("yes", "no", "a cat", "no")) for r in requests()]
    together = {r.id: r.loglikelihoods for r in model.loglikelihood(asked)}
    assert len(set(together.values())) > len(QUESTIONS)  # pictures and words matter, or equality would show nothing
    for request in asked:
        (alone,) = model.loglikelihood([request])
        assert alone.loglikelihoods == pytest.approx(together[request.id], abs=1e-4)
        assert alone.loglikelihoods is not None
        assert alone.loglikelihoods[1] == pytest.approx(alone.loglikelihoods[3], abs=1e-5)
        assert max(alone.loglikelihoods) < 0


def test_single_tokens_have_the_probability_of_the_first_step(load: Load) -> None:
    model = load()
    words = small.WORDS[3:]
    (response,) = model.loglikelihood([Request("q", (picture(9), "a dog ?"), candidates=words)])
    assert response.loglikelihoods is not None
    best = words[response.loglikelihoods.index(max(response.loglikelihoods))]
    total = sum(torch.tensor(response.loglikelihoods).exp().tolist())
    assert total <= 1.0 + 1e-5
    (generated,) = model.generate([Request("q", (picture(9), "a dog ?"))], Generation(1))
    if generated.text:  # the likeliest token of all may be none of the words
        assert generated.text == best


@pytest.mark.parametrize("trap", ["<image>", "<image0>", "图", "</s>", "<pad>"])
def test_what_a_question_spells_is_text(load: Load, trap: str) -> None:
    model = load()
    with_trap, without = (model.preview(Request("q", (picture(1), f"a {word} ?"))) for word in (trap, "dog"))
    assert with_trap.tokens == without.tokens  # no picture's worth of tokens more
    (response,) = model.generate([Request("q", (picture(1), f"a {trap} ?"))], Generation(2))
    assert response.error is None


def test_errors_are_data_and_the_others_are_answered(load: Load) -> None:
    broken = Request("broken", (Image(b"GIF89a?", "cat.gif"), "a cat ?"))
    said = {r.id: r for r in load().generate([broken, *requests()], Generation(2))}
    assert said["broken"].text is None
    assert "cat.gif" in str(said["broken"].error)
    assert sum(r.text is not None for r in said.values()) == len(requests())


def test_a_batch_that_does_not_fit_is_halved(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load()
    expected, embed, sizes = answers(model, 100), model._embed, []

    def scarce(rows: Any, held: Any) -> Any:
        sizes.append(len(rows))
        if len(rows) > 2:
            raise torch.OutOfMemoryError
        return embed(rows, held)

    monkeypatch.setattr(model, "_embed", scarce)
    assert answers(model, 100) == expected
    assert max(sizes) > 2


def test_a_prompt_longer_than_the_model_reads_is_an_error_of_its_sample(tmp_path: Path) -> None:
    save(small.model("llama"), small.processor("llama", max_prompt_tokens=10), tmp_path / "c")
    model = load_model(find_model(f"mmicl:{tmp_path / 'c'}"))
    long, short = Request("long", ("dog " * 50,)), Request("short", ("dog ?",))
    said = {response.id: response for response in model.generate([long, short], Generation(2))}
    assert "51 tokens" in str(said["long"].error)
    assert said["short"].error is None


@pytest.mark.parametrize("context", CONTEXTS["mmicl"])
def test_every_context_takes_two_pictures(tmp_path: Path, context: str) -> None:
    save(small.model(), small.processor(), tmp_path / "c")
    model = load_model(find_model(str(tmp_path / "c")), Settings(context))
    two = Request("q", (picture(1), picture(2), "is the cat there ?"))
    shown = model.preview(two)
    assert shown.sent.count("[picture]") == 2
    (response,) = model.generate([two], Generation(2))
    assert response.error is None
    assert response.sent == shown.sent


def test_one_picture_models_refuse_two_unless_pasted(tmp_path: Path) -> None:
    save(small.model("t5", "blip-2"), small.processor(), tmp_path / "c")
    plan = loop.Survey("", ("q",), (2, "q"))
    blip2 = load_model(find_model(f"blip2:{tmp_path / 'c'}"))
    with pytest.raises(Unsupported, match=r"takes 1 picture.*sample 'q' has 2.*side-by-side"):
        loop.check_pictures(blip2, plan)
    pasted = load_model(find_model(f"blip2:{tmp_path / 'c'}"), Settings("side-by-side"))
    loop.check_pictures(pasted, plan)
    (response,) = pasted.generate([Request("q", (picture(1), picture(2), "a dog ?"))], Generation(2))
    assert response.error is None


def test_a_folder_says_which_adapter_it_needs(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "instructblip"}')
    assert find_model(str(tmp_path)).adapter == "instructblip"
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(InputError, match="model type 'gpt2' has no adapter"):
        find_model(str(tmp_path))


def test_constant_answers_everything() -> None:
    model = load_model(find_model("constant:no"))
    assert [r.text for r in model.generate(requests(), Generation())] == ["no"] * len(requests())
    assert load_model(find_model("constant")).digest != model.digest
