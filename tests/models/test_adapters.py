"""Rules for every in-process adapter: the same answers in any batch, errors as data, questions that stay text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PILImage

from mmeval.engine.transformer import TransformerModel
from mmeval.evaluation import survey as surveys
from mmeval.mmicl.checkpoints import save
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.models import ADAPTERS, ModelOptions, find_model, finding, load_model
from mmeval.models.conformance import check
from mmeval.types import Generation, Image, InputError, Ref, Request, Shot, Unsupported
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

    def open_model(**options: Any) -> TransformerModel:
        small.write(tmp_path / "checkpoint", family, beginning)
        model_options = ModelOptions(**{"context": ADAPTERS[adapter].contexts[0], **options})
        model = load_model(find_model(f"{adapter}:{tmp_path / 'checkpoint'}"), model_options)
        assert isinstance(model, TransformerModel)
        return model

    return open_model


QUESTIONS = ["is there a dog ?", "a cat", "is the image 0 a cat or a dog ? the dog ?", "dog ?", "is ?"]


def requests() -> list[Request]:
    pictured = [Request(f"{shade}/{text}", (picture(shade), text)) for text in QUESTIONS for shade in (0, 90, 200)]
    return [*pictured, Request("text only", ("is there a dog ?",))]


def answers(model: TransformerModel, at_once: int) -> dict[str, str | None]:
    prompts = requests()
    texts: dict[str, str | None] = {}
    for first in range(0, len(prompts), at_once):
        texts |= {r.id: r.text for r in model.generate(prompts[first : first + at_once], Generation(6))}
    return texts


@pytest.mark.slow
def test_every_adapter_keeps_the_contract(load: Load) -> None:
    assert [finding for finding in check(load()) if finding.level == "FAILED"] == []


def test_tags_limit_the_pictures_of_a_tagged_context(tmp_path: Path) -> None:
    processor = small.processor()
    save(small.model(), processor, tmp_path / "checkpoint")
    checkpoint = find_model(f"mmicl:{tmp_path / 'checkpoint'}")
    tagged, plain = (load_model(checkpoint, ModelOptions(context)) for context in ("declaration", "plain"))
    assert tagged.max_images == len(processor.settings.tag_ids) < (plain.max_images or 0)
    assert [finding for finding in check(tagged) if finding.level == "FAILED"] == []


@pytest.mark.slow
def test_any_batch_gives_the_same_answers(load: Load) -> None:
    batched = answers(load(), 100)
    assert batched == answers(load(), 1)
    assert batched == answers(load(batch_tokens=40), 100)


def test_a_picture_of_many_questions_is_encoded_once(load: Load) -> None:
    model = load()
    answers(model, 100)
    assert model.pictures.encoded == 3


def test_likelihoods_do_not_depend_on_the_batch_and_order_candidates(load: Load) -> None:
    model = load()
    compared = [Request(r.id, r.prompt, candidates=("yes", "no", "a cat", "no")) for r in requests()]
    batched = {r.id: r.loglikelihoods for r in model.loglikelihood(compared)}
    assert len(set(batched.values())) > len(QUESTIONS)  # pictures and words matter, or equality would show nothing
    for request in compared:
        (response,) = model.loglikelihood([request])
        assert response.loglikelihoods == pytest.approx(batched[request.id], abs=1e-4)
        assert response.loglikelihoods is not None
        assert response.loglikelihoods[1] == pytest.approx(response.loglikelihoods[3], abs=1e-5)
        assert max(response.loglikelihoods) < 0


@pytest.mark.parametrize(("adapter", "family", "beginning"), KINDS)
def test_a_likelihood_is_that_of_one_plain_row(tmp_path: Path, adapter: str, family: Any, beginning: str) -> None:
    small.write(tmp_path / "checkpoint", family, beginning)
    model = load_model(find_model(f"{adapter}:{tmp_path / 'checkpoint'}"))
    candidates = ("yes", "there is a cat", "no")
    compared = [Request(words, (picture(70), words), candidates=candidates) for words in (QUESTIONS[2], "a dog ?")]
    scored = {response.id: response.loglikelihoods for response in model.loglikelihood(compared)}
    expected = [one_row(small.model(family, beginning), adapter, ids_of(candidate)) for candidate in candidates]
    assert scored["a dog ?"] == pytest.approx(expected, abs=1e-4)


def one_row(model: MmiclForConditionalGeneration, adapter: str, candidate: list[int]) -> float:
    """Compute the likelihood of `candidate` after the picture and "a dog ?": ids by hand, nothing padded."""
    placeholders, question, end = [small.PLACEHOLDER] * 2, ids_of("a dog ?"), [1]
    if adapter == "mmicl":  # "image 0 is <image0>[picture].\na dog ?"
        prompt = [*ids_of("image 0 is"), small.PLACEHOLDER + 1, *placeholders, small.WORDS.index("<unk>"), *question]
        prompt = end + prompt if model.config.decoder_only else prompt + end
    else:
        prompt = placeholders + end + question if model.config.decoder_only else placeholders + question + end
    inputs: dict[str, Any] = {"pixel_values": small.processor().pixels([picture(70).decode()])}
    inputs["pictures"] = torch.tensor([[0]])
    if adapter == "instructblip":
        inputs["qformer_input_ids"] = torch.tensor([question + end])
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
    small.write(tmp_path / "c", family)
    model = load_model(find_model(str(tmp_path / "c")))
    assert isinstance(model, TransformerModel)
    a, b, c = map(picture, (0, 90, 200))
    shot = Shot((b, "is there a ", "dog ?"), "yes")
    prompts = [
        Request("none", ("is there a dog ?",)),
        Request("three", (a, "a cat", b, "a dog", c, "the ", Ref(1), " is ?")),
        Request("twice", (a, a, "a cat ?")),
        Request("shown", (c, "is ", Ref(0), " a dog ?"), shots=(shot, shot)),
    ]
    batched = {r.id: r.text for r in model.generate(prompts, Generation(6, beams))}
    single = {r.id: r.text for request in prompts for r in model.generate([request], Generation(6, beams))}
    assert batched == single
    assert len(set(batched.values())) > 1
    assert model.pictures.encoded == 3
    assert model.preview(prompts[3]).sent.endswith("image 2 is <image2>[picture].\nis image 2 a dog ?")


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


@pytest.mark.slow
@pytest.mark.parametrize("beams", [1, 3])
def test_an_answer_tells_why_it_ended_and_what_it_cost(load: Load, beams: int) -> None:
    model = load()
    prompts = requests()
    ends = {}
    for limit in (1, 30):
        for response in model.generate(prompts, Generation(limit, beams)):
            expected = model.preview(next(request for request in prompts if request.id == response.id))
            assert response.input_tokens == expected.input_tokens > 0
            assert response.seconds > 0
            assert 1 <= response.output_tokens <= limit
            if response.finish_reason == "length":
                assert response.output_tokens == limit
            ends[limit, response.id] = (response.finish_reason, response.output_tokens)
    for request in prompts:  # an answer that ended by itself ends there under every higher limit, too
        _, tokens = ends[30, request.id]
        if beams == 1 and tokens > 1:
            assert ends[1, request.id] == ("length", 1)
    for response in model.loglikelihood([Request("q", (picture(9), "a dog ?"), candidates=("yes", "no"))]):
        assert (response.finish_reason, response.output_tokens) == (None, 0)
        assert response.input_tokens > 0 and response.seconds > 0


def test_the_end_of_sequence_counts_and_padding_does_not(tmp_path: Path) -> None:
    small.write(tmp_path / "c")
    model = load_model(find_model(str(tmp_path / "c")))
    assert isinstance(model, TransformerModel)
    yes, pad, end = small.WORDS.index("yes"), 0, 1
    prepared = model.prompts.prepare(Request("q", ("a dog ?",)))
    for ids, limit, expected in (
        ([yes, yes, end, pad], 5, ("stop", 3)),
        ([yes, yes, yes], 3, ("length", 3)),
        ([yes, yes, end], 3, ("stop", 3)),
        ([end], 1, ("stop", 1)),
    ):
        response = model._written(prepared, ids, limit, [True] * len(ids))
        assert (response.finish_reason, response.output_tokens) == expected, ids
        assert response.text == " ".join(["yes"] * ids.count(yes))


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("family", small.FAMILIES)
def test_scores_that_are_no_numbers_are_an_error_of_their_row_alone(tmp_path: Path, family: Any, beams: int) -> None:
    small.write(tmp_path / "c", family)
    model = load_model(find_model(str(tmp_path / "c")), ModelOptions("declaration"))
    assert isinstance(model, TransformerModel)
    prompts = [
        Request("good", ("is there a dog ?",)),
        Request("bad", ("a cat",)),
        Request("seen", (picture(9), "a dog ?")),
    ]
    expected = {response.id: response.text for response in model.generate(prompts, Generation(4, beams))}
    with torch.no_grad():
        model.model.language_model.get_input_embeddings().weight[small.WORDS.index("cat")] = torch.nan
    by_id = {response.id: response for response in model.generate(prompts, Generation(4, beams))}
    assert by_id["bad"].error == "the model's scores are not finite numbers; try --dtype float32"
    if family == "t5":  # the head of the others is their embedding
        assert {id: response.text for id, response in by_id.items() if id != "bad"} == {
            k: expected[k] for k in ("good", "seen")
        }


@pytest.mark.parametrize("family", small.FAMILIES)
def test_the_text_adapter_is_the_language_model_alone(tmp_path: Path, family: Any) -> None:
    network, processor = small.model(family), small.processor(family)
    save(network, processor, tmp_path / "c")
    model = load_model(find_model(f"text:{tmp_path / 'c'}"))
    assert isinstance(model, TransformerModel)
    shot = Shot((picture(0), "is there a cat ?"), "no")
    prompts = [
        Request("one", (picture(90), "is there a dog ?"), candidates=("yes", "no")),
        Request("another", (picture(200), "is there a dog ?"), candidates=("yes", "no")),
        Request("two", (picture(1), "is the ", Ref(0), picture(2), " a cat ?"), shots=(shot,), candidates=("yes",)),
    ]
    answers = {response.id: response for response in model.generate(prompts, Generation(6))}
    assert model.pictures.encoded == 0
    assert not any("[picture]" in response.sent for response in answers.values())
    assert answers["one"].text == answers["another"].text
    scored = {response.id: response.loglikelihoods for response in model.loglikelihood(prompts)}
    assert scored["one"] == pytest.approx(scored["another"], abs=1e-5)
    for name, text in (("one", "is there a dog ?"), ("two", "is there a cat ? no\nis the image 1 a cat ?")):
        ids = torch.tensor(
            [[*processor.tokenizer.before, *processor.tokenizer.encode(text), *processor.tokenizer.after]]
        )
        assert answers[name].input_tokens == ids.shape[1]
        ids_alone = network.language_model.generate(inputs_embeds=network.get_input_embeddings()(ids), max_new_tokens=6)
        assert answers[name].text == processor.decode(ids_alone[0].tolist()).strip()


@pytest.mark.slow
@pytest.mark.parametrize("trap", ["<image>", "<image0>", "图", "</s>", "<pad>"])
def test_what_a_question_spells_is_text(load: Load, trap: str) -> None:
    model = load()
    with_trap, without = (model.preview(Request("q", (picture(1), f"a {word} ?"))) for word in (trap, "dog"))
    assert with_trap.input_tokens == without.input_tokens  # no picture's worth of tokens more
    (response,) = model.generate([Request("q", (picture(1), f"a {trap} ?"))], Generation(2))
    assert response.error is None


def test_errors_are_data_and_the_others_are_answered(load: Load) -> None:
    broken = Request("broken", (Image(b"GIF89a?", "cat.gif"), "a cat ?"))
    answered = {r.id: r for r in load().generate([broken, *requests()], Generation(2))}
    assert answered["broken"].text is None
    assert "cat.gif" in str(answered["broken"].error)
    assert sum(r.text is not None for r in answered.values()) == len(requests())


CPU = RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to ...")


@pytest.mark.slow
@pytest.mark.parametrize("error", [torch.OutOfMemoryError(), CPU, MemoryError()], ids=["gpu", "cpu", "python"])
def test_a_batch_that_does_not_fit_is_halved(load: Load, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    model = load()
    expected, embed, encode, failed = answers(model, 100), model._embed, model.pictures._encode, list[int]()
    memory = 2 * max(len(model.prompts.prepare(request).tokens.ids) for request in requests())

    def scarce(rows: Any, states: Any) -> Any:
        size = len(rows) * max(len(row.tokens.ids) for row in rows)
        if size > memory:
            failed.append(size)
            raise error
        return embed(rows, states)

    def encode_one_at_a_time(pixels: torch.Tensor) -> torch.Tensor:
        if len(pixels) > 1:
            raise error
        return encode(pixels)

    model = load(batch_tokens=3 * memory)  # several batches
    monkeypatch.setattr(model, "_embed", scarce)
    monkeypatch.setattr(model.pictures, "_encode", encode_one_at_a_time)
    assert answers(model, 100) == expected
    assert failed and failed == sorted(set(failed), reverse=True)  # no batch of that size is tried again


@pytest.mark.parametrize("context", ADAPTERS["mmicl"].contexts)
def test_every_context_takes_two_pictures(tmp_path: Path, context: str) -> None:
    small.write(tmp_path / "c")
    model = load_model(find_model(str(tmp_path / "c")), ModelOptions(context))
    request = Request("q", (picture(1), picture(2), "is the cat there ?"))
    preview = model.preview(request)
    assert preview.sent.count("[picture]") == 2
    (response,) = model.generate([request], Generation(2))
    assert response.error is None
    assert response.sent == preview.sent


def test_one_picture_models_refuse_two_unless_pasted(tmp_path: Path) -> None:
    small.write(tmp_path / "c", "t5", "blip-2")
    plan = surveys.Survey("", "", ("q",), {}, 1, {"q": 2}, ("",), {})
    blip2 = load_model(find_model(f"blip2:{tmp_path / 'c'}"))
    with pytest.raises(Unsupported, match=r"takes 1 picture.*sample 'q' has 2.*side-by-side"):
        surveys.check_pictures(blip2, plan)
    pasted = load_model(find_model(f"blip2:{tmp_path / 'c'}"), ModelOptions("side-by-side"))
    surveys.check_pictures(pasted, plan)
    (response,) = pasted.generate([Request("q", (picture(1), picture(2), "a dog ?"))], Generation(2))
    assert response.error is None


@pytest.mark.parametrize(
    ("kind", "adapter"), [("mmicl", "mmicl"), ("blip-2", "blip2"), ("instructblip", "instructblip")]
)
def test_a_folder_says_which_adapter_it_needs(tmp_path: Path, kind: str, adapter: str) -> None:
    (tmp_path / "config.json").write_text(f'{{"model_type": "{kind}"}}')
    assert find_model(str(tmp_path)).adapter == adapter


@pytest.mark.parametrize(
    ("most", "qformer", "adapter"),
    [
        (None, "instructblip_qformer", "mmicl"),
        (1, "instructblip_qformer", "instructblip"),
        (1, "blip_2_qformer", "blip2"),
        (0, "blip_2_qformer", "text"),
    ],
)
def test_a_baseline_in_the_format_of_mmicl_says_so(
    tmp_path: Path, most: int | None, qformer: str, adapter: str
) -> None:
    config = {"model_type": "mmicl", "max_images": most, "qformer_config": {"model_type": qformer}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert find_model(str(tmp_path)).adapter == adapter


@pytest.mark.parametrize(
    ("folder", "name"),
    [("x/trained", "x"), ("x/checkpoint-200", "x-checkpoint-200"), ("x/full", "full"), ("checkpoint", "checkpoint")],
)
def test_what_training_writes_is_named_after_its_run(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "config.json").write_text('{"model_type": "mmicl"}')
    assert find_model(str(tmp_path / folder)).name == name


@pytest.mark.parametrize("adapter", ["chat", "mmicl", "blip2", "instructblip", "text"])
def test_an_adapter_alone_names_no_model(adapter: str) -> None:
    with pytest.raises(InputError, match=f"'{adapter}:' has no model after the colon; write a folder or a hub id"):
        find_model(f"{adapter}:")


def test_constant_answers_everything() -> None:
    model = load_model(find_model("constant:no"))
    prompts = [Request("q", (picture(1), "is ", Ref(0), " a dog ?"), candidates=("yes", "no")), *requests()]
    by_id = {response.id: response for response in model.generate(prompts, Generation())}
    assert [by_id[request.id].text for request in prompts] == ["no"] * len(prompts)
    assert by_id["q"].sent == model.preview(prompts[0]).sent == "<picture>is image 0 a dog ?"
    (scored, *_) = model.loglikelihood(prompts)
    assert scored.loglikelihoods == (0.0, 0.0)
    assert (by_id["q"].finish_reason, by_id["q"].output_tokens) == ("stop", 1)
    assert by_id["q"].input_tokens == scored.input_tokens == 6


@pytest.mark.parametrize(
    "parts",
    [
        {"model_type": "instructblip", "qformer_config": {"vocab_size": 30623}},
        {"model_type": "blip-2", "text_config": {"model_type": "t5", "max_sequence_length": 1152}},
        {"model_type": "instructblip", "text_config": {"model_type": "llama", "vocab_size": 32022}},
    ],
)
def test_a_published_mmicl_is_no_instructblip(tmp_path: Path, parts: dict[str, Any]) -> None:
    """Its model_type is that of its beginning; it would be asked in the wrong words, and its Q-Former given text."""
    (tmp_path / "config.json").write_text(json.dumps(parts))
    assert find_model(str(tmp_path)).adapter == "mmicl"


def test_an_answer_has_the_length_at_least_that_is_asked_for(tmp_path: Path) -> None:
    base = small.model()
    with torch.no_grad():
        base.language_model.lm_head.weight[1] *= 3  # the end of an answer is often likely
    save(base, small.processor(), tmp_path)
    model = load_model(find_model(str(tmp_path)))
    prompts = [Request(text, (text,)) for text in ("a dog ?", "is there a cat ?", "the dog is 1", "no", "yes a 0")]

    def lengths(**options: Any) -> dict[str, int]:
        return {answer.id: answer.output_tokens for answer in model.generate(prompts, Generation(12, **options))}

    free, long = lengths(), lengths(min_new_tokens=10)
    assert min(free.values()) < 10 <= min(long.values())
    short_beams, long_beams = (sum(lengths(beams=4, length_penalty=power).values()) for power in (-1.0, 3.0))
    assert short_beams < long_beams
    texts = [
        {
            answer.text
            for answer in model.generate(prompts, Generation(12, min_new_tokens=10, repetition_penalty=penalty))
        }
        for penalty in (1.0, 50.0)
    ]
    assert texts[0] != texts[1]


def test_a_snapshot_of_the_hubs_cache_has_the_models_name(tmp_path: Path) -> None:
    folder = tmp_path / "models--org--tiny-vl" / "snapshots" / "0123abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llava"}')
    assert find_model(str(folder)).name == "org-tiny-vl"


def test_a_folder_without_a_configuration_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_files", lambda folder: pytest.fail("searched"))
    with pytest.raises(InputError, match=r"no config\.json"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("spec", ["mmicl:", "chat:", ""])
def test_a_name_too_long_for_a_file_is_one_sentence(spec: str) -> None:
    with pytest.raises(InputError):
        load_model(spec + "a" * 300)
