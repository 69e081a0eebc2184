"""Chat models of many families, as tiny random checkpoints: each must keep what its processor alone would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PILImage

from mmeval.models import ModelOptions, load_model
from mmeval.models.chat.loading import load
from mmeval.models.chat.model import ChatModel
from mmeval.models.conformance import DUTIES, check
from mmeval.types import Generation, Image, InputError, Ref, Request, Shot
from tests.models import chat_zoo as zoo

Find = Callable[[str], Path]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # between transformers and numpy


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Find:
    made: dict[str, Path] = {}

    def find(family: str) -> Path:
        if family not in made:
            made[family] = zoo.save(family, tmp_path_factory.mktemp(family))
        return made[family]

    return find


def opened(folder: Path, **options: Any) -> ChatModel:
    model = load_model(f"chat:{folder}", ModelOptions(**{"context": "template", **options}))
    assert isinstance(model, ChatModel)
    return model


def drawn(number: int, size: tuple[int, int] = (60, 40)) -> Image:
    noise = torch.randint(0, 256, (size[1], size[0], 3), generator=torch.Generator().manual_seed(number))
    return Image(PILImage.fromarray(noise.byte().numpy()), f"picture {number}")


WHOLE = ("qwen2_vl", "llava", "paligemma")
"""Families that are tried on every duty; what depends on the family is tried on all."""
ESSENTIAL = [
    "an answer is the same in any batch",
    "a question that spells special tokens is text",
    "likelihoods are one a candidate, in any batch",
    "pictures and their order matter",
]


def test_zoo_families() -> None:
    assert len(zoo.FAMILIES) >= 12


@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_every_family_keeps_the_contract(family: str, checkpoint: Find) -> None:
    model = opened(checkpoint(family))
    findings = list(check(model, list(DUTIES) if family in WHOLE else ESSENTIAL))
    assert [one for one in findings if one.level == "broken"] == []
    notes = [one.detail for one in findings if one.level == "note"]
    assert all("`images` are expected" in note for note in notes), notes  # PaliGemma takes no text alone

    # what the processor and the model give by themselves, nothing of ours in between
    asked = Request("two", ("First ", drawn(1), " then ", drawn(2), " which?"), candidates=("A", "no way"))
    processor, own = model.processor, model.model
    shown = [{"type": "image", "image": part.decode()} for part in asked.prompt if isinstance(part, Image)]
    texts = [{"type": "text", "text": part} for part in asked.prompt if isinstance(part, str)]
    content = [texts[0], shown[0], texts[1], shown[1], texts[2]]
    inputs = processor.apply_chat_template(
        [[{"role": "user", "content": content}]], add_generation_prompt=True, tokenize=True, return_dict=True,
        return_tensors="pt", processor_kwargs={"padding": True},
    )  # fmt: skip
    inputs.pop("labels", None)
    (scored,) = model.loglikelihood([asked])
    assert scored.error is None and scored.input_tokens == inputs["input_ids"].shape[1]
    assert scored.loglikelihoods == pytest.approx([forced(own, inputs, c) for c in ("A", "no way")], abs=1e-5)
    (written,) = model.generate([asked], Generation(5))
    plain = own.generate(**inputs, max_new_tokens=5, do_sample=False, pad_token_id=0)
    expected = processor.tokenizer.decode(plain[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert written.text == expected.strip()


def forced(model: Any, inputs: Any, candidate: str) -> float:
    """Sum generation's own log-probabilities where it may write nothing but the candidate."""
    ids = zoo.tokenizer()(candidate, add_special_tokens=False)["input_ids"]
    start = inputs["input_ids"].shape[1]
    found = model.generate(
        **inputs, max_new_tokens=len(ids), do_sample=False, pad_token_id=0, output_logits=True,
        return_dict_in_generate=True, prefix_allowed_tokens_fn=lambda _, so_far: [ids[len(so_far) - start]],
    )  # fmt: skip
    pairs = zip(found.logits, ids, strict=True)
    return sum(float(step[0].float().log_softmax(-1)[token]) for step, token in pairs)


@pytest.mark.parametrize("family", ["qwen2_vl", "llava", "internvl", "idefics3", "gemma3", "mllama"])
def test_a_literal_special_token_is_read_as_its_letters(family: str, checkpoint: Find) -> None:
    model = opened(checkpoint(family))
    tokens = model.preview(Request("plain", (drawn(1), "is  it?"))).input_tokens
    words = ("<image>", "<|image_pad|>", "<|image|>", "<start_of_image>", "<IMG_CONTEXT>", "<|im_end|>")
    for word in words:
        shown = model.preview(Request(word, (drawn(1), f"is {word} it?")))
        assert shown.error is None
        assert shown.input_tokens == tokens + len(word)  # each of its letters is a token
        assert f"is {word} it?" in shown.sent


def test_turns_and_names_of_pictures(checkpoint: Find) -> None:
    folder = checkpoint("qwen2_vl")
    shown = "<|vision_start|><|image_pad|><|vision_end|>"
    shot = Shot((drawn(1), "Is it red?"), "no")
    asked = Request("r", (drawn(2), "Is ", Ref(0), " red?"), shots=(shot,))
    one = "<|im_start|>user\n{}Is it red?<|im_end|>\n<|im_start|>assistant\nno<|im_end|>\n"
    two = "<|im_start|>user\n{}Is Image 2 red?<|im_end|>\n<|im_start|>assistant\n"
    assert opened(folder).preview(asked).sent == one.format(shown) + two.format(shown)
    numbered = opened(folder, context="numbered", system="Be brief.").preview(asked).sent
    system = "<|im_start|>system\nBe brief.<|im_end|>\n"
    assert numbered == system + one.format(f"Image 1: {shown}") + two.format(f"Image 2: {shown}")
    alone = opened(folder, context="numbered").preview(Request("r", (drawn(1), "Is it red?"))).sent
    assert "Image 1" not in alone  # one picture needs no number


def test_more_pixels_are_more_tokens(checkpoint: Find) -> None:
    folder, asked = checkpoint("qwen2_vl"), Request("r", (drawn(1, (300, 300)), "Is it red?"))
    few, many = (opened(folder, model_args=f"max_pixels={n}").preview(asked).input_tokens for n in (3200, 12800))
    assert many - few == 16 - 4  # of 28 x 28 pixels each


def test_samples_are_drawn_alike_in_any_batch(checkpoint: Find) -> None:
    model = opened(checkpoint("llava"))
    asked = [Request(str(n), (drawn(n), "Is it red?")) for n in range(4)]
    how = Generation(6, temperature=1.5, top_p=0.9, samples=3, seed=7)
    together = {one.id: one.samples for one in model.generate(asked, how)}
    assert together == {one.id: one.samples for request in asked for one in model.generate([request], how)}
    assert all(len(set(samples)) == 3 for samples in together.values())
    other = {one.id: one.samples for one in model.generate(asked, Generation(6, temperature=1.5, samples=3, seed=8))}
    assert other != together


def test_temperature_draws_what_the_scores_say() -> None:
    from mmeval.models.chat.steps import Draw

    scores = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    draw = Draw(range(4000), 1.0, 0.9, torch.device("cpu"))
    drawn_tokens = draw(torch.zeros(4000, 1), scores.expand(4000, -1)).argmax(-1)
    shares = torch.bincount(drawn_tokens, minlength=4) / 4000
    assert shares.tolist() == pytest.approx([0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0], abs=0.03)


def test_out_of_memory_lowers_the_budget_and_says_so_once(
    checkpoint: Find, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(checkpoint("llava"), batch_tokens=10_000)
    expected = {one.id: one.text for one in model.generate(many(24), Generation(3))}
    sizes: list[int] = []
    generate = model.model.generate

    def little_memory(**inputs: Any) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > 5:
            raise torch.OutOfMemoryError("no more")
        return generate(**inputs)

    monkeypatch.setattr(model.model, "generate", little_memory)
    assert {one.id: one.text for one in model.generate(many(24), Generation(3))} == expected
    first = len(sizes)
    assert {one.id: one.text for one in model.generate(many(24), Generation(3))} == expected
    assert max(sizes[first:]) <= 5  # what did not fit is not tried again
    assert [record.message for record in caplog.records if "out of memory" in record.message] != []
    assert sum("out of memory" in record.message for record in caplog.records) == 1


def many(count: int) -> list[Request]:
    return [Request(str(n), (drawn(n % 3), f"Is it {n}?")) for n in range(count)]


def test_a_picture_that_is_too_long_for_the_context_is_an_error_of_its_own(checkpoint: Find) -> None:
    model = opened(checkpoint("llava"))
    asked = [Request("long", (drawn(1), "word " * 300)), Request("short", (drawn(1), "Is it red?"))]
    found = {one.id: one for one in model.generate(asked, Generation(4))}
    assert found["short"].error is None
    assert "the model reads 1,024 in all; shorten it" in (found["long"].error or "")


def without_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def blind_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m['content'][-1]['text'] }}{% endfor %}")


def userless_template(folder: Path) -> None:
    text = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text(text.replace("<|im_start|>{{", "{{ raise_exception('no system') if m['role'] == 'system' }}{{"))  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (without_template, {}, "the checkpoint has no chat template"),
        (blind_template, {}, "its chat template takes no picture"),
        (userless_template, {"system": "Be brief."}, "its chat template refuses the conversation: no system"),
        (lambda folder: (folder / "model.safetensors").unlink(), {}, "the weights cannot be loaded"),
        (None, {"thinking": "on"}, "its chat template cannot turn reasoning on"),
        (None, {"model_args": "max_pixel=3"}, "--model-args has 'max_pixel'"),
        (None, {"model_args": "attn"}, "write KEY=VALUE"),
        (None, {"quantize": "4bit"}, "--quantize 4bit needs the package bitsandbytes"),
        (None, {"context": "named"}, "no context 'named'"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    damage: Callable[[Path], None] | None, options: Any, message: str, tmp_path: Path
) -> None:
    zoo.save("llava", tmp_path)
    if damage:
        damage(tmp_path)
    with pytest.raises(InputError, match=message):
        opened(tmp_path, **options)


def test_remote_code_is_not_run_unless_trusted(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForImageTextToText": "own.Model"}}'
    )
    (tmp_path / "own.py").write_text("raise SystemExit('this ran')")
    with pytest.raises(InputError, match="asks to run Python code that it brings.*--trust-remote-code"):
        load_model(str(tmp_path))


def test_load_is_the_registered_function() -> None:
    assert load.__module__ == "mmeval.models.chat.loading"
