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
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.models import CONTEXTS, ModelOptions, find_model, load_model
from mmeval.types import Generation, Image, Ref, Request, Shot, Unsupported
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
        settings = ModelOptions(**{"context": CONTEXTS[adapter][0], **how})
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


@pytest.mark.parametrize(("adapter", "family", "beginning"), KINDS)
def test_a_likelihood_is_that_of_one_plain_row(tmp_path: Path, adapter: str, family: Any, beginning: str) -> None:
    save(small.model(family, beginning), small.processor(family), tmp_path / "checkpoint")
    model = load_model(find_model(f"{adapter}:{tmp_path / 'checkpoint'}"))
    said = ("yes", "there is a cat", "no")
    asked = [Request(words, (picture(70), words), candidates=said) for words in (QUESTIONS[2], "a dog ?")]
    weighed = {response.id: response.loglikelihoods for response in model.loglikelihood(asked)}
    expected = [one_row(small.model(family, beginning), adapter, ids_of(candidate)) for candidate in said]
    assert weighed["a dog ?"] == pytest.approx(expected, abs=1e-4)


def one_row(model: MmiclForConditionalGeneration, adapter: str, candidate: list[int]) -> float:
    """The likelihood of `candidate` after the picture and "a dog ?", ids written out by hand and nothing padded."""
    shown, asked, end = [small.PLACEHOLDER] * 2, ids_of("a dog ?"), [1]
    if adapter == "mmicl":  # "image 0 is <image0>[picture].\na dog ?"
        prompt = [*ids_of("image 0 is"), small.PLACEHOLDER + 1, *shown, small.WORDS.index("<unk>"), *asked]
        prompt = end + prompt if model.config.decoder_only else prompt + end
    else:
        prompt = shown + end + asked if model.config.decoder_only else shown + asked + end
    inputs: dict[str, Any] = {"pixel_values": small.processor().pixels([picture(70).decode()])}
    inputs["pictures"] = torch.tensor([[0]])
    if adapter == "instructblip":
        inputs["qformer_input_ids"] = torch.tensor([asked + end])
    with torch.no_grad():
        if model.config.decoder_only:
            logits = model(torch.tensor([prompt + candidate]), **inputs).logits[0, len(prompt) - 1 : -1]
        else:
            decoder_ids = torch.tensor([[0, *candidate[:-1]]])
            logits = model(torch.tensor([prompt]), decoder_input_ids=decoder_ids, **inputs).logits[0]
    return sum(float(row.log_softmax(0)[token]) for row, token in zip(logits, candidate, strict=True))


def ids_of(text: str) -> list[int]:
    return [small.WORDS.index(word) for word in text.split()]


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("family", small.FAMILIES)
def test_interleaved_prompts_in_any_batch(tmp_path: Path, family: Any, beams: int) -> None:
    save(small.model(family), small.processor(family), tmp_path / "c")
    model = load_model(find_model(str(tmp_path / "c")))
    assert isinstance(model, TransformerModel)
    a, b, c = map(picture, (0, 90, 200))
    shot = Shot((b, "is there a ", "dog ?"), "yes")
    asked = [
        Request("none", ("is there a dog ?",)),
        Request("three", (a, "a cat", b, "a dog", c, "the ", Ref(1), " is ?")),
        Request("twice", (a, a, "a cat ?")),
        Request("shown", (c, "is ", Ref(0), " a dog ?"), shots=(shot, shot)),
    ]
    together = {r.id: r.text for r in model.generate(asked, Generation(6, beams))}
    alone = {r.id: r.text for request in asked for r in model.generate([request], Generation(6, beams))}
    assert together == alone
    assert len(set(together.values())) > 1
    assert model.pictures.encoded == 3
    assert model.preview(asked[3]).sent.endswith("image 2 is <image2>[picture].\nis image 2 a dog ?")


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
    assert with_trap.input_tokens == without.input_tokens  # no picture's worth of tokens more
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


@pytest.mark.parametrize("context", CONTEXTS["mmicl"])
def test_every_context_takes_two_pictures(tmp_path: Path, context: str) -> None:
    save(small.model(), small.processor(), tmp_path / "c")
    model = load_model(find_model(str(tmp_path / "c")), ModelOptions(context))
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
    pasted = load_model(find_model(f"blip2:{tmp_path / 'c'}"), ModelOptions("side-by-side"))
    loop.check_pictures(pasted, plan)
    (response,) = pasted.generate([Request("q", (picture(1), picture(2), "a dog ?"))], Generation(2))
    assert response.error is None


@pytest.mark.parametrize(
    ("kind", "adapter"), [("mmicl", "mmicl"), ("blip-2", "blip2"), ("instructblip", "instructblip")]
)
def test_a_folder_says_which_adapter_it_needs(tmp_path: Path, kind: str, adapter: str) -> None:
    (tmp_path / "config.json").write_text(f'{{"model_type": "{kind}"}}')
    assert find_model(str(tmp_path)).adapter == adapter


def test_constant_answers_everything() -> None:
    model = load_model(find_model("constant:no"))
    asked = [Request("q", (picture(1), "is ", Ref(0), " a dog ?"), candidates=("yes", "no")), *requests()]
    answered = {response.id: response for response in model.generate(asked, Generation())}
    assert [answered[request.id].text for request in asked] == ["no"] * len(asked)
    assert answered["q"].sent == model.preview(asked[0]).sent == "<picture>is image 0 a dog ?"
    (weighed, *_) = model.loglikelihood(asked)
    assert weighed.loglikelihoods == (0.0, 0.0)
