"""Chat models of many families, as tiny random checkpoints: their inputs equal those of the processor alone."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from importlib import util
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PILImage

from mmeval.models import ModelOptions, load_model
from mmeval.models.chat import batching
from mmeval.models.chat.batching import Batch, Batcher, Prompt, PromptRow
from mmeval.models.chat.loading import load
from mmeval.models.chat.model import ChatModel
from mmeval.models.conformance import DUTIES, check
from mmeval.models.model_args import read_model_args
from mmeval.types import Generation, Image, InputError, Ref, Request, Shot
from tests.models import chat_zoo as zoo

Find = Callable[[str], Path]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # between transformers and numpy


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Find:
    folders: dict[str, Path] = {}

    def find(family: str) -> Path:
        if family not in folders:
            folders[family] = zoo.save(family, tmp_path_factory.mktemp(family))
        return folders[family]

    return find


def opened(folder: Path, **options: Any) -> ChatModel:
    model = load_model(f"chat:{folder}", ModelOptions(**{"context": "template", **options}))
    assert isinstance(model, ChatModel)
    return model


def drawn(number: int, size: tuple[int, int] = (60, 40)) -> Image:
    noise = torch.randint(0, 256, (size[1], size[0], 3), generator=torch.Generator().manual_seed(number))
    return Image(PILImage.fromarray(noise.byte().numpy()), f"picture {number}")


FULLY_TESTED = ("qwen2_vl", "llava", "paligemma")
"""Families that are tried on every duty; what depends on the family is tried on all."""
ESSENTIAL = [
    "an answer is the same in any batch",
    "special tokens in a question are read as text",
    "each candidate has a likelihood, in any batch",
    "pictures and their order matter",
]


def test_zoo_families() -> None:
    assert len(zoo.FAMILIES) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_every_family_keeps_the_contract(family: str, checkpoint: Find) -> None:
    keeps_the_contract(opened(checkpoint(family)), list(DUTIES) if family in FULLY_TESTED else ESSENTIAL)


def keeps_the_contract(model: ChatModel, duties: list[str]) -> None:
    """Check these duties, and that inputs, answers and likelihoods equal those of transformers alone."""
    findings = list(check(model, duties))
    assert [finding for finding in findings if finding.level == "FAILED"] == []
    notes = [finding.detail for finding in findings if finding.level == "note"]
    assert all("`images` are expected" in note for note in notes), notes  # PaliGemma takes no text alone

    sizes = ((64, 48), (300, 50), (90, 170))
    mixed = [Request(str(size), (drawn(1, size), "Is it?"), candidates=("A", "no way")) for size in sizes]
    batched = {response.id: response for response in model.loglikelihood(mixed)}
    for request in mixed:
        (alone,) = model.loglikelihood([request])
        assert batched[request.id].loglikelihoods == pytest.approx(alone.loglikelihoods, abs=1e-5), request.id

    # each special token, the family's own among them, is read as its letters, which are a token each
    plain = model.preview(Request("plain", (drawn(1), "is  it?")))
    for word in {*zoo.SPECIAL, *model.processor.tokenizer.all_special_tokens}:
        literal = model.preview(Request(word, (drawn(1), f"is {word} it?")))
        assert (literal.error, literal.input_tokens - plain.input_tokens) == (None, len(word)), word
        assert f"is {word} it?" in literal.sent

    # what the processor and the model give by themselves, nothing of ours in between
    request = Request("two", ("First ", drawn(1), " then ", drawn(2), " which?"), candidates=("A", "no way"))
    processor, network = model.processor, model.model
    pictures = [{"type": "image", "image": part.decode()} for part in request.prompt if isinstance(part, Image)]
    texts = [{"type": "text", "text": part} for part in request.prompt if isinstance(part, str)]
    content = [texts[0], pictures[0], texts[1], pictures[1], texts[2]]
    options: dict[str, Any] = {"padding": True}
    if network.config.model_type == "cosmos3_edge":
        options["return_mm_token_type_ids"] = True
    inputs = processor.apply_chat_template(
        [[{"role": "user", "content": content}]], add_generation_prompt=True, tokenize=True, return_dict=True,
        return_tensors="pt", processor_kwargs=options,
    )  # fmt: skip
    inputs.pop("labels", None)
    inputs = inputs.to(network.dtype)  # Llama 4's pixels are bfloat16
    (scored,) = model.loglikelihood([request])
    assert scored.error is None and scored.input_tokens == inputs["input_ids"].shape[1]
    assert scored.loglikelihoods == pytest.approx([forced(network, inputs, c) for c in ("A", "no way")], abs=1e-5)
    (written,) = model.generate([request], Generation(5))
    generated = network.generate(**inputs, max_new_tokens=5, do_sample=False, pad_token_id=0)
    expected = processor.tokenizer.decode(generated[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert written.text == expected.strip()


def forced(model: Any, inputs: Any, candidate: str) -> float:
    """Sum generation's own log-probabilities where it may write nothing but the candidate."""
    ids = zoo.tokenizer()(candidate, add_special_tokens=False)["input_ids"]
    start = inputs["input_ids"].shape[1]
    output = model.generate(
        **inputs, max_new_tokens=len(ids), do_sample=False, pad_token_id=0, output_logits=True,
        return_dict_in_generate=True, prefix_allowed_tokens_fn=lambda _, so_far: [ids[len(so_far) - start]],
    )  # fmt: skip
    pairs = zip(output.logits, ids, strict=True)
    return sum(float(step[0].float().log_softmax(-1)[token]) for step, token in pairs)


@pytest.mark.parametrize("family", ["qwen2_vl", "llava", "internvl", "idefics3", "gemma3", "mllama"])
def test_a_literal_special_token_is_read_as_its_letters(family: str, checkpoint: Find) -> None:
    model = opened(checkpoint(family))
    tokens = model.preview(Request("plain", (drawn(1), "is  it?"))).input_tokens
    words = ("<image>", "<|image_pad|>", "<|image|>", "<start_of_image>", "<IMG_CONTEXT>", "<|im_end|>")
    for word in words:
        response = model.preview(Request(word, (drawn(1), f"is {word} it?")))
        assert response.error is None
        assert response.input_tokens == tokens + len(word)  # each of its letters is a token
        assert f"is {word} it?" in response.sent


@pytest.mark.parametrize("family", ["qwen2_vl", "llava"])
def test_a_spelled_token_that_only_the_normalized_text_shows_is_refused(family: str, tmp_path: Path) -> None:
    file = zoo.save(family, tmp_path) / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    for token in tokenizer["added_tokens"]:
        token["normalized"] = token["content"] == "</s>"
    file.write_text(json.dumps(tokenizer))
    model = opened(tmp_path)
    refused, accepted = (model.preview(Request(word, (drawn(1), f"is {word} it?"))) for word in ("</s>", "<|im_end|>"))
    assert refused.error is not None and "the text has '</s>', a special token of this model" in refused.error
    assert accepted.error is None


def test_a_generation_config_changes_nothing_but_the_answer(checkpoint: Find, tmp_path: Path) -> None:
    request, folder = Request("r", (drawn(1), "What is it?")), checkpoint("llava")
    (expected,) = opened(folder).generate([request], Generation(4, beams=2))
    shutil.copytree(folder, tmp_path / "copy")
    file = tmp_path / "copy" / "generation_config.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps({**values, "return_dict_in_generate": True, "num_return_sequences": 2, "num_beams": 2}))
    (response,) = opened(tmp_path / "copy").generate([request], Generation(4, beams=2))
    assert (response.text, response.error) == (expected.text, None)


def test_a_comma_in_brackets_belongs_to_the_value() -> None:
    arguments = read_model_args('size={"height":32,"width":[1,2]},attn=eager, device_map={"":0}')
    assert arguments == {"size": {"height": 32, "width": [1, 2]}, "attn": "eager", "device_map": {"": 0}}


def test_a_template_may_trim_the_system_turn(checkpoint: Find, tmp_path: Path) -> None:
    shutil.copytree(checkpoint("llava"), tmp_path / "copy")
    file = tmp_path / "copy" / "chat_template.jinja"
    file.write_text(file.read_text().replace("{{ c['text'] }}", "{{ c['text'] | trim }}"))
    request = Request("r", (drawn(1), "What is it?"))
    assert "\nBe brief.<" in opened(tmp_path / "copy", system="Be brief.\n").preview(request).sent


def test_candidates_share_the_computation_of_the_prompt(checkpoint: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(checkpoint("llava"))
    lengths: list[int] = []
    forward = model.model.forward

    @functools.wraps(forward)
    def counted(*args: Any, **inputs: Any) -> Any:
        lengths.append(inputs["input_ids"].shape[1])
        return forward(*args, **inputs)

    monkeypatch.setattr(model.model, "forward", counted)
    words = ("a red cat", "a red dog", "b", "a blue cat", "a red")
    (response,) = model.loglikelihood([Request("r", (drawn(1), "What is it?"), candidates=words)])
    assert lengths == [response.input_tokens, len("a red ca"), len("a red do"), len("a blue ca")]  # letters are tokens
    separate = [*model.loglikelihood([Request(word, (drawn(1), "What is it?"), candidates=(word,)) for word in words])]
    likelihoods = {answer.id: answer.loglikelihoods for answer in separate}
    assert response.loglikelihoods == pytest.approx([(likelihoods[word] or (0,))[0] for word in words], abs=1e-5)


def test_turns_and_names_of_pictures(checkpoint: Find) -> None:
    folder = checkpoint("qwen2_vl")
    picture = "<|vision_start|><|image_pad|><|vision_end|>"
    shot = Shot((drawn(1), "Is it red?"), "no")
    request = Request("r", (drawn(2), "Is ", Ref(0), " red?"), shots=(shot,))
    first = "<|im_start|>user\n{}Is it red?<|im_end|>\n<|im_start|>assistant\nno<|im_end|>\n"
    second = "<|im_start|>user\n{}Is Image 2 red?<|im_end|>\n<|im_start|>assistant\n"
    assert opened(folder).preview(request).sent == first.format(picture) + second.format(picture)
    numbered = opened(folder, context="numbered", system="Be brief.").preview(request).sent
    system = "<|im_start|>system\nBe brief.<|im_end|>\n"
    assert numbered == system + first.format(f"Image 1: {picture}") + second.format(f"Image 2: {picture}")
    single = opened(folder, context="numbered").preview(Request("r", (drawn(1), "Is it red?"))).sent
    assert "Image 1" not in single  # one picture needs no number


def test_more_pixels_are_more_tokens(checkpoint: Find) -> None:
    folder, request = checkpoint("qwen2_vl"), Request("r", (drawn(1, (300, 300)), "Is it red?"))
    few, many = (opened(folder, model_args=f"max_pixels={n}").preview(request).input_tokens for n in (3200, 12800))
    assert many - few == 16 - 4  # of 28 x 28 pixels each


def test_samples_are_drawn_alike_in_any_batch(checkpoint: Find) -> None:
    model = opened(checkpoint("llava"))
    requests = [Request(str(n), (drawn(n), "Is it red?")) for n in range(4)]
    generation = Generation(6, temperature=1.5, top_p=0.9, samples=3, seed=7)
    batched = {response.id: response.samples for response in model.generate(requests, generation)}
    assert batched == {
        response.id: response.samples for request in requests for response in model.generate([request], generation)
    }
    assert all(len(set(samples)) == 3 for samples in batched.values())
    other_seed = {
        response.id: response.samples
        for response in model.generate(requests, Generation(6, temperature=1.5, samples=3, seed=8))
    }
    assert other_seed != batched


def test_temperature_draws_what_the_scores_say() -> None:
    from mmeval.models.chat.steps import Draw

    scores = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    draw = Draw(range(4000), Generation(temperature=1.0, top_p=0.9), torch.device("cpu"))
    drawn_tokens = draw(torch.zeros(4000, 1), scores.expand(4000, -1)).argmax(-1)
    shares = torch.bincount(drawn_tokens, minlength=4) / 4000
    assert shares.tolist() == pytest.approx([0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0], abs=0.03)
    top_two = Draw(range(4000), Generation(temperature=1.0, top_k=2), torch.device("cpu"))
    drawn_tokens = top_two(torch.zeros(4000, 1), scores.expand(4000, -1)).argmax(-1)
    shares = torch.bincount(drawn_tokens, minlength=4) / 4000
    assert shares.tolist() == pytest.approx([0.5 / 0.8, 0.3 / 0.8, 0, 0], abs=0.03)


def test_the_lowest_temperature_draws_the_likeliest_token() -> None:
    from mmeval.models.chat.steps import Draw

    for temperature in (1e-3, 1e-10, 1e-39, 1e-300):
        draw = Draw([0], Generation(temperature=temperature), torch.device("cpu"))
        assert draw(torch.zeros(1, 1), torch.tensor([[1.0, 3.0, 2.0, -1.0]])).argmax(-1).item() == 1


def test_a_presence_penalty_takes_from_what_the_answer_has_and_not_from_the_prompt() -> None:
    from mmeval.models.chat.steps import Presence

    ids = torch.tensor([[0, 3, 1, 1]])  # the prompt has the tokens 0 and 3, the answer 1 twice
    assert Presence(1.5, start=2)(ids, torch.zeros(1, 4)).tolist() == [[0, -1.5, 0, 0]]


def test_an_assertion_in_a_models_code_is_an_error_of_the_question(
    checkpoint: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**inputs: Any) -> None:
        raise AssertionError("Input height (56) doesn't match model (28).")  # timm's

    model = opened(checkpoint("llava"))
    monkeypatch.setattr(model.model, "generate", fails)
    (response,) = model.generate([Request("r", (drawn(1), "What is it?"))], Generation(2))
    assert response.error == "the model fails on the prompt: Input height (56) doesn't match model (28)."


@pytest.mark.slow
def test_out_of_memory_lowers_the_budget_and_says_so_once(
    checkpoint: Find, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(checkpoint("llava"), batch_tokens=500)
    expected = {response.id: response.text for response in model.generate(many(24), Generation(3))}
    sizes: list[int] = []
    generate = model.model.generate

    def little_memory(**inputs: Any) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > 5:
            time.sleep(0.2)  # the next batch is made meanwhile
            raise torch.OutOfMemoryError("no more")
        return generate(**inputs)

    monkeypatch.setattr(model.model, "generate", little_memory)
    assert {response.id: response.text for response in model.generate(many(24), Generation(3))} == expected
    first, failed = len(sizes), [size for size in sizes if size > 5]
    assert len(failed) == len(set(failed)) < 3  # no batch of that size is tried again
    assert {response.id: response.text for response in model.generate(many(24), Generation(3))} == expected
    assert max(sizes[first:]) <= 5  # what did not fit is not tried again
    assert [record.message for record in caplog.records if "out of memory" in record.message] != []
    assert sum("out of memory" in record.message for record in caplog.records) == 1


def test_batches_do_not_depend_on_when_pictures_are_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    class Immediate(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            wait([future := super().submit(*arguments, **options)])
            return future

    def sizes() -> list[int]:
        def make_inputs(texts: list[str], pictures: list[list[Any]], films: list[list[Any]]) -> dict[str, Any]:
            time.sleep(0.05)
            return {"attention_mask": torch.ones(len(texts), 1000 * len(pictures[0]), dtype=torch.long)}

        prompts = [*[(drawn(1),)] * 4, *[(drawn(1), drawn(2))] * 24]
        rows = [[PromptRow(Prompt(Request(str(n), p), "", p, (), 0))] for n, p in enumerate(prompts)]
        batches: list[int] = []

        def answer(batch: Batch) -> list[int]:
            batches.append(len(batch.rows))
            return [0] * len(batch.rows)

        list(Batcher(make_inputs, 8000, None).run(rows, answer))
        return batches

    slow = sizes()
    monkeypatch.setattr(batching, "ThreadPoolExecutor", Immediate)
    assert sizes() == slow


def many(count: int) -> list[Request]:
    return [Request(str(n), (drawn(n % 3), f"Is it {n}?")) for n in range(count)]


def test_a_picture_that_is_too_long_for_the_context_is_an_error_of_its_own(checkpoint: Find) -> None:
    model = opened(checkpoint("llava"))
    requests = [Request("long", (drawn(1), "word " * 300)), Request("short", (drawn(1), "Is it red?"))]
    by_id = {response.id: response for response in model.generate(requests, Generation(4))}
    assert by_id["short"].error is None
    long = by_id["long"].error or ""
    assert "the model's context is 1,024; shorten the prompt or the answer (--max-new-tokens), or show fewer" in long


def without_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def blind_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m['content'][-1]['text'] }}{% endfor %}")


def userless_template(folder: Path) -> None:
    text = (folder / "chat_template.jinja").read_text()
    refusal = "{{ raise_exception('no system') if m['role'] == 'system' }}"
    (folder / "chat_template.jinja").write_text(text.replace("<|im_start|>{{", refusal + "{{"))


def without_text_config(folder: Path) -> None:
    """Leave the family's default: a language model of seven billion weights."""
    config = json.loads((folder / "config.json").read_text())
    del config["text_config"]
    (folder / "config.json").write_text(json.dumps(config))


def of_llavas_own_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"mm_vision_tower": "openai/clip-vit-large-patch14-336"}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (of_llavas_own_code, {}, "in the format of LLaVA's own code, not of transformers; choose a converted"),
        (without_template, {}, "the checkpoint has no chat template"),
        (blind_template, {}, "its chat template takes no picture"),
        (userless_template, {"system": "Be brief."}, "its chat template refuses the conversation: no system"),
        (lambda folder: (folder / "model.safetensors").unlink(), {}, "the weights cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"9" * 10**6), {}, "the weights cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"9" * 99), {}, "far more than the weight files"),
        (without_text_config, {}, r"config.json describes 6,\d+,\d+,\d+ weights, far more than the weight files"),
        (lambda folder: (folder / "tokenizer.json").write_text('{"model": 5}'), {}, "its processor cannot be loaded"),
        (
            lambda folder: (folder / "generation_config.json").write_text('{"eos_token_id": [{}]}'),
            {},
            "generation_config.json cannot be loaded",
        ),
        (
            lambda folder: (folder / "generation_config.json").write_text("{"),
            {},
            "generation_config.json cannot be loaded",
        ),
        (None, {"thinking": "on"}, "its chat template cannot turn reasoning on"),
        (None, {"model_args": "max_pixel=3"}, "--model-args has 'max_pixel'"),
        (None, {"model_args": "attn"}, "write KEY=VALUE"),
        (None, {"model_args": "do_resize=maybe"}, "--model-args do_resize=maybe cannot be applied to a picture"),
        (None, {"model_args": "size=-7"}, "--model-args size=-7 cannot be applied to a picture"),
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


@pytest.mark.skipif(util.find_spec("torchvision") is not None, reason="torchvision is installed")
def test_a_processor_that_needs_torchvision_says_so(checkpoint: Find, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint("llava"), tmp_path / "llava")
    settings = json.loads((folder / "processor_config.json").read_text())
    settings["image_processor"] = {"image_processor_type": "Llama4ImageProcessor"}
    (folder / "processor_config.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match="the processor of 'llava' needs torchvision; install the build that fits"):
        opened(folder)


def test_remote_code_is_not_run_unless_trusted(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForImageTextToText": "own.Model"}}'
    )
    (tmp_path / "own.py").write_text("raise SystemExit('this ran')")
    with pytest.raises(InputError, match=r"comes with Python code that it needs to run.*--trust-remote-code"):
        load_model(str(tmp_path))


def test_load_is_the_registered_function() -> None:
    assert load.__module__ == "mmeval.models.chat.loading"


@pytest.mark.slow
def test_a_run_from_end_to_end_and_again(checkpoint: Find, tmp_path: Path) -> None:
    from mmeval.models import find_model
    from tests.evaluating import evaluate

    folder = str(checkpoint("qwen2_vl"))
    assert find_model(folder).adapter == "chat"
    first = evaluate(folder, "mme", out=tmp_path / "run", limit=28)
    assert first.identity["engine"]["pixels"] in ("pil", "torchvision")
    assert all(record.error is None and "<|vision_start|>" in record.sent for record in first.records)
    small_batches = evaluate(folder, "mme", out=tmp_path / "again", limit=28, batch_tokens=200)
    assert {r.id: r.text for r in small_batches.records} == {r.id: r.text for r in first.records}


def test_samples_are_scored_by_their_mean(checkpoint: Find, tmp_path: Path) -> None:
    from mmeval.runs.scored import score_records
    from mmeval.task_loading import load_task
    from mmeval.types import Record

    answers = [("yes", "no", "yes", "no"), ("no", "no", "no", "no")]
    records = [
        Record(str(n), ("yes",), category="color", text=texts[0], samples=texts) for n, texts in enumerate(answers)
    ]
    records = [Record(**{**vars(record), "groups": {"image": record.id, "pair": record.id}}) for record in records]
    scored = score_records(load_task("mme"), records)
    assert [score.value for score in scored.scores["official"]] == [0.5, 0.0]
    results = scored.results()
    chances = {name: estimate.value for name, estimate in results.passed.items()}
    assert chances == pytest.approx({"pass@1": 0.25, "pass@2": (1 - 1 / 6) / 2, "pass@4": 0.5})
    assert any("pass@4 0.500 (" in remark for remark in results.remarks)


def scripted(model: ChatModel, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let the model write a text whatever it is asked, through transformers' own loop."""
    ids = [*model.processor.tokenizer(text, add_special_tokens=False)["input_ids"], 2]
    forward, calls = model.model.forward, []

    @functools.wraps(forward)  # generate looks at what forward takes
    def scripted_forward(*args: Any, **inputs: Any) -> Any:
        output = forward(*args, **inputs)
        calls.append(1)
        output.logits[:] = -100.0
        output.logits[..., ids[min(len(calls) - 1, len(ids) - 1)]] = 100.0
        return output

    monkeypatch.setattr(model.model, "forward", scripted_forward)


THINKER = (
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}"
)


def thinker(folder: Path, **options: Any) -> ChatModel:
    zoo.save("llava", folder)
    text = (folder / "chat_template.jinja").read_text()
    text = text.replace("assistant\n{% endif", "assistant\n" + THINKER + "{% endif")
    (folder / "chat_template.jinja").write_text(text)
    return opened(folder, **options)


@pytest.mark.parametrize(
    ("text", "generation", "answer", "thought", "reason"),
    [
        ("a red cat</think>yes", Generation(5, thinking_tokens=40), "yes", "a red cat", "stop"),
        ("a red cat</think>yes, it is", Generation(5, thinking_tokens=40), "yes,", "a red cat", "length"),
        ("a red cat that sits", Generation(5, thinking_tokens=10), "", "a red cat", "length"),
    ],
)
def test_reasoning_has_a_budget_of_its_own(
    text: str,
    generation: Generation,
    answer: str,
    thought: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = thinker(tmp_path)
    scripted(model, monkeypatch, text)
    (response,) = model.generate([Request("r", (drawn(1), "Is it red?"))], generation)
    assert (response.text, response.reasoning, response.finish_reason) == (answer, thought, reason)


@pytest.mark.parametrize("thought", ["a cat that sits on a mat, and another one", ""])
def test_a_model_that_opens_its_reasoning_itself_is_read_alike(
    thought: str, checkpoint: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(checkpoint("llava"))
    scripted(model, monkeypatch, f"<think>{thought}</think>no")
    (response,) = model.generate([Request("r", (drawn(1), "Is it red?"))], Generation(8, thinking_tokens=80))
    assert (response.text, response.reasoning) == ("no", thought)


def test_thinking_is_turned_off_and_on_by_the_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request("r", (drawn(1), "Is it red?"), candidates=("yes", "no"))
    on, off = thinker(tmp_path / "on", thinking="on"), thinker(tmp_path / "off", thinking="off")
    assert on.preview(request).sent.endswith("<think>\n")
    assert off.preview(request).sent.endswith("<think>\n\n</think>\n\n")
    with pytest.raises(InputError, match=r"begins with reasoning.*--thinking off"):
        next(on.loglikelihood([request]))
    (response,) = off.loglikelihood([request])
    assert response.loglikelihoods is not None


def test_reasoning_that_was_cut_is_counted_apart() -> None:
    from mmeval.runs.scored import score_records
    from mmeval.task_loading import load_task
    from mmeval.types import Record

    def cut_record(id: str, **facts: Any) -> Record:
        return Record(id, ("yes",), category="color", groups={"image": id, "pair": id}, finish_reason="length", **facts)

    records = [
        cut_record("a", text="", reasoning="a cat", output_tokens=9),
        cut_record("b", text="yes and", output_tokens=3),
    ]
    remarks = score_records(load_task("mme"), records).results().remarks
    assert any("1 of 2 answers was cut while the model was still reasoning" in remark for remark in remarks)
    assert any("1 of 2 answers was cut at 3 tokens" in remark for remark in remarks)


def test_doctor_says_what_a_checkpoint_needs(checkpoint: Find, tmp_path: Path) -> None:
    from mmeval.models.doctor import of_model

    lines, missing = of_model(str(checkpoint("qwen2_vl")))
    assert missing == []
    assert any(" K parameters, " in line for line in lines)
    assert any("1,000 tokens" in line for line in lines)
    zoo.save("llava", tmp_path)
    without_template(tmp_path)
    assert "no chat template" in of_model(str(tmp_path))[1][0]
    (tmp_path / "tokenizer.json").write_text('{"model": 5}')
    assert "its processor cannot be loaded" in of_model(str(tmp_path))[1][0]
