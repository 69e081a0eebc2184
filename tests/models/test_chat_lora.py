"""LoRA adapters of chat models: folders that peft saved are answered from as peft itself does."""

from __future__ import annotations

import json
import pickle
import warnings
from importlib import util
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from click.testing import CliRunner
from PIL import Image as PILImage
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from mmeval.cli import main
from mmeval.models import ModelOptions, doctor, find_model, load_model
from mmeval.provenance import version
from mmeval.types import Generation, Image, InputError, Request
from tests.evaluating import evaluate
from tests.models import chat_zoo as zoo

TARGETS = r".*language_model.*\.(q_proj|v_proj|gate_proj)"


def save_lora(base: Path, folder: Path, **settings: Any) -> Path:
    """Save a LoRA adapter of a model, as a training with peft does, with weights that change its answers."""
    model: Any = AutoModelForImageTextToText.from_pretrained(base)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        with warnings.catch_warnings(action="ignore"):  # peft 0.21 uses a name that transformers 5.23 deprecates
            adapted: Any = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=TARGETS, **settings))
        for name, weight in adapted.named_parameters():
            if ".lora_" in name:
                torch.nn.init.normal_(weight, std=0.3)
    adapted.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return zoo.save("llava", tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def lora(base: Path, tmp_path: Path) -> Path:
    return save_lora(base, tmp_path / "tuned")


PICTURES = [Image(PILImage.linear_gradient("L").resize((40, 30)).rotate(90 * turn).convert("RGB")) for turn in range(3)]


def answers(spec: str, **options: Any) -> tuple[list[str | None], list[tuple[float, ...]]]:
    model = load_model(spec, ModelOptions(context="template", device="cpu", **options))
    requests = [Request(str(number), (picture, "What is it?")) for number, picture in enumerate(PICTURES)]
    asked = [Request(request.id, request.prompt, candidates=("yes", "no, it is")) for request in requests]
    written = sorted(model.generate(requests, Generation(8)), key=lambda response: response.id)
    likely = sorted(model.loglikelihood(asked), key=lambda response: response.id)
    return [response.text for response in written], [response.loglikelihoods or () for response in likely]


def stock_answers(base: Path, lora: Path) -> list[str]:
    """Return the answers by transformers and peft alone."""
    processor: Any = AutoProcessor.from_pretrained(base)  # type: ignore[no-untyped-call]
    with warnings.catch_warnings(action="ignore"):
        model: Any = peft.PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(base), lora)
    texts = []
    for picture in PICTURES:
        content = [{"type": "image", "image": picture.decode()}, {"type": "text", "text": "What is it?"}]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
        )  # fmt: skip
        written = model.generate(**inputs, max_new_tokens=8, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        texts.append(processor.decode(written, skip_special_tokens=True))
    return texts


def test_answers_are_those_of_peft(base: Path, lora: Path) -> None:
    texts, likelihoods = answers(str(lora))
    texts_of_base, likelihoods_of_base = answers(str(base))
    assert texts == stock_answers(base, lora) != texts_of_base
    assert likelihoods != likelihoods_of_base


@pytest.mark.parametrize("settings", [{"use_dora": True}, {"use_rslora": True}, {"modules_to_save": ["lm_head"]}])
def test_other_kinds_of_lora_are_read_whole(base: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    lora = save_lora(base, tmp_path / "tuned", **settings)
    assert answers(str(lora))[0] == stock_answers(base, lora)


def test_names_from_before_transformers_5_are_known(base: Path, lora: Path) -> None:
    texts, file = answers(str(lora))[0], lora / "adapter_model.safetensors"
    weights = load_file(file)
    earlier = "base_model.model.language_model.model."
    renamed = {name.replace("base_model.model.model.language_model.", earlier): w for name, w in weights.items()}
    assert renamed.keys().isdisjoint(weights)
    save_file(renamed, file)
    assert answers(str(lora))[0] == texts


def test_a_run_has_the_adapters_name_and_both_digests(base: Path, tmp_path: Path) -> None:
    own = zoo.save("llava", tmp_path / "base")
    lora = save_lora(own, tmp_path / "run" / "checkpoint-20")
    checkpoint = find_model(f"chat:{lora}")
    assert (checkpoint.name, checkpoint.adapter) == ("run-checkpoint-20", "chat")
    assert evaluate(str(lora), "mme", out=tmp_path / "out", limit=2).complete
    digests = {checkpoint.digest}
    (own / "README.txt").write_text("another base")
    digests.add(find_model(f"chat:{lora}").digest)
    (lora / "README.txt").write_text("another adapter")
    digests.add(find_model(f"chat:{lora}").digest)
    assert len(digests) == 3


def test_a_processor_that_training_saved_is_used(base: Path, lora: Path) -> None:
    processor: Any = AutoProcessor.from_pretrained(base)  # type: ignore[no-untyped-call]
    processor.chat_template = processor.chat_template.replace("assistant", "helper")
    processor.save_pretrained(lora)
    model = load_model(str(lora), ModelOptions(context="template", device="cpu"))
    (response,) = model.generate([Request("0", ("What?",))], Generation(1))
    assert "<|im_start|>helper" in str(response.sent)


def test_the_base_may_be_beside_the_adapter_or_in_the_hubs_cache(
    base: Path, lora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename_base(lora, "../base")
    (lora.parent / "base").symlink_to(base)
    texts = answers(str(lora))[0]
    rename_base(lora, "owner/base")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **options: snapshot(name, base, **options))
    assert answers(str(lora))[0] == texts


def snapshot(name: str, folder: Path, *, revision: str | None, local_files_only: bool) -> str:
    """Stand in for the hub's cache."""
    assert (name, revision, local_files_only) == ("owner/base", None, True)
    return str(folder)


def rename_base(lora: Path, name: object) -> None:
    file = lora / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": name}))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("owner/nowhere", "a LoRA adapter of owner/nowhere, which is not on this machine; download it (hf download"),
        ("/nowhere at all", "a LoRA adapter of /nowhere at all, which is not on this machine; download it (hf"),
        (None, "base_model_name_or_path names no model; give the folder of the adapter's base model"),
        (["a"], "base_model_name_or_path names no model; give the folder of the adapter's base model"),
        (".", "its base model . has no config.json, so it is not a checkpoint; name another"),
        ("a\0b", "which is not on this machine"),
    ],
)
def test_a_base_that_is_missing_is_named(lora: Path, name: object, sentence: str) -> None:
    rename_base(lora, name)
    result = CliRunner().invoke(main, ["run", "--task", "mme", "--model", str(lora), "--limit", "2"])
    assert result.exit_code == 2 and sentence in " ".join(result.output.split())


def test_an_adapter_of_another_model_is_refused(lora: Path, tmp_path: Path) -> None:
    rename_base(lora, str(zoo.save("mllama", tmp_path / "other")))
    with pytest.raises(InputError, match=r"tuned: 20 LoRA weights do not fit the base model, such as .*cross_attn"):
        answers(str(lora))
    rename_base(lora, str(zoo.save("idefics3", tmp_path / "another")))
    with pytest.raises(InputError, match=r"tuned: its LoRA weights cannot be loaded \(Target modules .* not found"):
        answers(str(lora))
    rename_base(lora, find_model("mmicl-tiny").source)
    with pytest.raises(InputError, match=r"which the adapter 'mmicl' runs without LoRA; merge the two with peft's"):
        find_model(str(lora))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"megatron_config": {"a": 1}, "megatron_core": "tests.no_such_module"}, "a LoRA adapter of Megatron's layers"),
        ({"peft_type": "NEW"}, "its LoRA weights cannot be loaded"),
        ({"r": "four"}, "its LoRA weights cannot be loaded"),
        ({"target_modules": "("}, "its LoRA weights cannot be loaded"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(lora: Path, settings: dict[str, Any], sentence: str) -> None:
    file = lora / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    with pytest.raises(InputError, match=f"tuned: {sentence}"):
        answers(str(lora))


def test_other_adapters_than_lora_are_refused(base: Path, tmp_path: Path) -> None:
    peft.IA3Config(base_model_name_or_path=str(base)).save_pretrained(str(tmp_path))
    with pytest.raises(InputError, match=r"an adapter of the type .*IA3; only LoRA can be used"):
        answers(str(tmp_path))


def test_damaged_weights_and_pickled_code_are_refused(lora: Path) -> None:
    weights = lora / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(InputError, match="tuned: its LoRA weights cannot be loaded"):
        answers(str(lora))
    weights.unlink()
    with pytest.raises(InputError, match="tuned: its LoRA weights cannot be loaded"):
        answers(str(lora))

    class Code:
        def __reduce__(self) -> Any:
            return (Path.touch, (lora / "ran",))

    (lora / "adapter_model.bin").write_bytes(pickle.dumps(Code()))
    with pytest.raises(InputError, match="tuned: its LoRA weights cannot be loaded"):
        answers(str(lora))
    assert not (lora / "ran").exists()


def test_without_peft_its_name_is_given(base: Path, lora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.of_model(str(lora))[1] == []
    assert any(line == f"LoRA adapter of {base}" for line in doctor.of_model(str(lora))[0])
    monkeypatch.setattr(doctor, "version", lambda name: "" if name == "peft" else version(name))
    assert doctor.of_model(str(lora))[1] == ["peft; pip install peft"]
    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "peft" else find(name))
    with pytest.raises(InputError, match="a LoRA adapter needs the package peft; install it with: pip install peft"):
        answers(str(lora))
