from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import HfApi
from torch import Tensor, nn

from mmeval.mmicl import checkpoints
from mmeval.mmicl.checkpoints import digest, find, load, load_model, load_processor, save
from mmeval.mmicl.configuration import PLACEHOLDER_IDS
from mmeval.mmicl.context import CONTEXTS, ImagePlace
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.weights import CheckpointError, fill, write_trained
from tests.fake_hub import NAME, serving
from tests.mmicl import mmicl_small as small
from tests.mmicl.mmicl_small import FAMILIES, PLACEHOLDER, Family


def published(folder: Path, model: MmiclForConditionalGeneration, **changes: Any) -> dict[str, Tensor]:
    """Write `model` as transformers 4.28 did: one config, two pickled shards, aliases and buffers included."""
    folder.mkdir(exist_ok=True)
    config = model.config.to_dict()
    for key in ("image_token_id", "stem_channels"):
        del config[key]
    if model.config.family == "t5":
        config["text_config"]["tie_word_embeddings"] = model.config.head_is_tied
        del config["text_config"]["scale_decoder_outputs"]
    (folder / "config.json").write_text(json.dumps({**config, "model_type": model.config.beginning, **changes}))
    tensors = {key: value.clone() for key, value in model.state_dict().items()}
    if model.config.beginning == "instructblip":
        tensors["qformer.embeddings.position_ids"] = torch.arange(16)[None]
    if model.config.family == "llama":
        tensors["language_model.model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    keys = sorted(tensors)
    shards = {"pytorch_model-00001-of-00002.bin": keys[::2], "pytorch_model-00002-of-00002.bin": keys[1::2]}
    for name, shard_keys in shards.items():
        torch.save({key: tensors[key] for key in shard_keys}, folder / name)
    index = {"metadata": {}, "weight_map": {key: name for name, shard_keys in shards.items() for key in shard_keys}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    return tensors


def published_processor(folder: Path) -> None:
    """Write a processor as the hub has it."""
    folder.mkdir(exist_ok=True)
    (folder / "qformer_tokenizer").mkdir()
    (folder / "tokenizer.json").write_text(small.tokenizer())
    (folder / "tokenizer_config.json").write_text(json.dumps({"clean_up_tokenization_spaces": False}))
    (folder / "qformer_tokenizer" / "tokenizer.json").write_text(small.tokenizer())
    pictures = {"size": {"height": 16, "width": 16}, "image_processor_type": "BlipImageProcessor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))


def equal(first: MmiclForConditionalGeneration, second: MmiclForConditionalGeneration) -> bool:
    tensors = second.state_dict()
    return first.state_dict().keys() == tensors.keys() and all(
        torch.equal(value, tensors[key]) for key, value in first.state_dict().items()
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    small.write(tmp_path)
    return tmp_path


def rewrite(folder: Path, change: dict[str, Tensor | None]) -> None:
    """Change, add or (None) remove tensors of a folder that we saved."""
    from safetensors.torch import load_file, save_file

    tensors = {**load_file(folder / "model.safetensors"), **change}
    save_file({key: value for key, value in tensors.items() if value is not None}, folder / "model.safetensors")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stem", [(), (4, 8, 16)])
def test_a_saved_folder_gives_the_same_model(tmp_path: Path, family: Family, stem: tuple[int, ...]) -> None:
    model, processor = small.model(family, stem_channels=stem), small.processor(family)
    save(model, processor, tmp_path)
    loaded, its_processor = load(tmp_path)
    assert equal(loaded, model) and its_processor.settings == processor.settings
    ids = torch.tensor([[3, 4, 5, 1]])
    answers = [each.generate(ids, max_new_tokens=6, do_sample=False) for each in (loaded, model)]
    assert torch.equal(*answers)


def test_a_saved_folder_opens_with_transformers(saved: Path) -> None:
    assert equal(MmiclForConditionalGeneration.from_pretrained(saved), small.model())


def test_a_model_is_built_where_it_runs(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: set[str] = set()
    monkeypatch.setattr(
        "mmeval.mmicl.checkpoints.fill",
        lambda model, _: built.update(p.device.type for p in model.state_dict().values()),
    )
    load_model(saved, device="meta")
    assert built == {"meta"}  # never on the CPU


def test_half_precision(saved: Path) -> None:
    model = load_model(saved, torch.bfloat16)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    narrow = load_model(saved, torch.float16)
    wide = {name for name, parameter in narrow.named_parameters() if parameter.dtype == torch.float32}
    assert wide and all(name.endswith(".wo.weight") for name in wide)  # T5's overflow in float16
    processor = small.processor()
    batch = processor.batch([processor.prompt([ImagePlace(0), "a dog"], CONTEXTS["plain"])])
    for each in (model, narrow):
        assert each.generate(**batch, pixel_values=small.pixels(1), max_new_tokens=3).shape[0] == 1


@pytest.mark.parametrize(("family", "dtype"), [("t5", torch.float16), ("llama", torch.bfloat16)])
def test_what_was_trained_has_the_precision_of_its_base(tmp_path: Path, family: Family, dtype: torch.dtype) -> None:
    """T5's layers that overflow in float16, and a LLaMA's positions, stay in float32."""
    model = small.model(family)
    save(model, small.processor(family), tmp_path / "base")
    facts = {"base": "../base", "digest": digest(tmp_path / "base"), "names": ["query_tokens"]}
    write_trained(tmp_path / "trained", {"query_tokens": model.query_tokens.detach()}, facts)
    base, trained = load_model(tmp_path / "base", dtype), load_model(tmp_path / "trained", dtype)
    assert {dtype, torch.float32} <= {tensor.dtype for tensor in (*base.parameters(), *base.buffers())}
    for tensors in (nn.Module.named_parameters, nn.Module.named_buffers):
        assert {name: parameter.dtype for name, parameter in tensors(trained)} == {
            name: parameter.dtype for name, parameter in tensors(base)
        }


def test_a_padding_id_that_cannot_pad_is_replaced(tmp_path: Path) -> None:
    """Some configs have -1 or the placeholder itself, which would look like pieces of a picture."""
    published_processor(tmp_path)
    for useless in (None, -1, PLACEHOLDER):
        config = small.config("llama", text={"pad_token_id": useless})
        assert load_processor(tmp_path, config).settings.pad_id == 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("beginning", ["blip-2", "instructblip"])
def test_the_old_sharded_layout_opens(tmp_path: Path, family: Family, beginning: str) -> None:
    """With position_ids, inv_freq and aliases in it, which today's classes do not have."""
    model = small.model(family, beginning)
    published(tmp_path, model)
    loaded = load_model(tmp_path)
    assert loaded.config.beginning == beginning
    assert equal(loaded, model)


def test_an_untied_head_stays_itself(tmp_path: Path) -> None:
    """Flan-T5's: loaded into a tied model it would overwrite the embedding."""
    tensors = published(tmp_path, small.model())
    language = load_model(tmp_path).language_model
    assert torch.equal(language.lm_head.weight, tensors["language_model.lm_head.weight"])
    assert torch.equal(language.shared.weight, tensors["language_model.shared.weight"])


def test_a_tied_head_may_be_left_out(tmp_path: Path) -> None:
    model = small.model(text={"tie_word_embeddings": True})
    save(model, small.processor(), tmp_path)
    language = load_model(tmp_path).language_model
    assert language.lm_head.weight is language.shared.weight


def test_a_qformer_word_table_of_any_height_opens(tmp_path: Path) -> None:
    """Training added about a hundred words to it that the config does not know."""
    model = small.model()
    table = torch.nn.Embedding(123, 16)
    model.qformer.set_input_embeddings(table)  # type: ignore[no-untyped-call]
    published(tmp_path, model)
    loaded = load_model(tmp_path)
    assert torch.equal(loaded.get_parameter("qformer.embeddings.word_embeddings.weight"), table.weight)
    assert loaded.config.qformer_config.vocab_size == 123


@pytest.mark.parametrize(
    ("family", "rows", "tags"),
    [
        ("t5", 32128, tuple(range(32101, 32121))),
        ("llama", 32022, tuple(range(32002, 32022))),
        ("opt", 50286, tuple(range(50266, 50286))),
    ],
)
def test_published_ids_are_fixed(tmp_path: Path, family: Family, rows: int, tags: tuple[int, ...]) -> None:
    """Versions 4.34 to 4.36 of transformers scrambled them; version 5 moves all by one."""
    published_processor(tmp_path)
    config = small.config(family, image_token_id=None, text={"vocab_size": rows})
    settings = load_processor(tmp_path, config).settings
    assert settings.placeholder_id == PLACEHOLDER_IDS[family]
    assert settings.tag_ids == tags
    assert settings.pad_left == (family != "t5")
    assert settings.max_prompt_tokens == (None if family == "t5" else 128)
    assert not settings.clean_up_spaces


def test_what_training_was_cut_at_limits_a_llama_only(tmp_path: Path) -> None:
    """A T5's positions are relative, and the README's call passes set_min_padding_size=False."""
    published_processor(tmp_path)
    limits = [
        load_processor(tmp_path, small.config(family, text={"max_sequence_length": 77})).settings.max_prompt_tokens
        for family in ("t5", "llama")
    ]
    assert limits == [None, 77]


def test_an_answer_ends_at_whatever_is_called_so(tmp_path: Path) -> None:
    """LLaMA configurations of 2023 say 1 where the tokenizer means 2."""
    published_processor(tmp_path)
    published(tmp_path, small.model("llama", text={"eos_token_id": 3}))
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**values, "image_token_id": PLACEHOLDER}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<unk>"}))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 4]}))
    model, processor = load(tmp_path)
    assert processor.settings.eos_id == 2, "what training appends is the tokenizer's"
    assert model.language_model.generation_config.eos_token_id == [1, 2, 3, 4]
    assert model.generation_config.eos_token_id == [1, 2, 3, 4]


def test_published_mmicl_borrows_its_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repositories of MMICL hold weights; tokenizers are those of InstructBLIP."""
    published_processor(tmp_path / "lender")
    (tmp_path / "bare").mkdir()
    requested: list[Any] = []

    def snapshot(name: str, **options: Any) -> str:
        requested.append((name, options["local_files_only"], options["allow_patterns"]))
        return str(tmp_path / "lender")

    monkeypatch.setattr(checkpoints, "snapshot_download", snapshot)
    config = small.config(text={"d_model": 2048})
    assert load_processor(tmp_path / "bare", config).settings.placeholder_id == PLACEHOLDER
    assert requested == [("Salesforce/instructblip-flan-t5-xl", True, ["*.json", "qformer_tokenizer/*.json"])]


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no/such/folder", "what is this"])
def test_a_name_that_is_nowhere(name: str) -> None:
    with pytest.raises(CheckpointError, match="neither a folder nor a repository in the local cache"):
        find(name)


def test_a_hub_out_of_reach_is_one_sentence_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "HfApi", lambda: HfApi(endpoint="http://127.0.0.1:9"))
    began = time.monotonic()
    with pytest.raises(CheckpointError, match=r"no-such-model: cannot be fetched .*; check the name and the network"):
        find("nobody/no-such-model", local_files_only=False)
    assert time.monotonic() - began < 5


def test_an_interrupted_download_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hub").mkdir()

    def broken(name: str, **_: Any) -> str:
        raise RuntimeError("Task error: File reconstruction error: CAS Client Error")  # of hf_xet

    monkeypatch.setattr(checkpoints, "snapshot_download", broken)
    with (
        serving(tmp_path / "hub", tmp_path / "cache", monkeypatch),
        pytest.raises(CheckpointError, match=r"owner/name: cannot be fetched \(Task error.*; check the name and the"),
    ):
        find(NAME, local_files_only=False)


def test_digest_is_that_of_the_weights(saved: Path) -> None:
    original = digest(saved)
    (saved / "README.md").write_text("a note")
    assert digest(saved) == original and len(original) == 64
    rewrite(saved, {"language_projection.bias": torch.zeros(32)})
    assert digest(saved) != original


def test_a_missing_key(saved: Path) -> None:
    rewrite(saved, {"query_tokens": None, "vision_model.post_layernorm.bias": None})
    with pytest.raises(CheckpointError, match="keys that the weights lack: 2, the first query_tokens"):
        load(saved)


def test_an_extra_key(saved: Path) -> None:
    rewrite(saved, {"language_model.adapter": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"model\.safetensors: key language_model\.adapter is not in the model"):
        load(saved)


def test_a_wrong_shape(saved: Path) -> None:
    rewrite(saved, {"query_tokens": torch.zeros(1, 3, 16)})
    with pytest.raises(CheckpointError, match=r"query_tokens has shape \[1, 3, 16\], but .* \[1, 2, 16\]"):
        load(saved)


def test_tied_tensors_that_differ(tmp_path: Path) -> None:
    model = small.model()
    published(tmp_path, model)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["tie_word_embeddings"] = True
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="if the model is untied, set tie_word_embeddings to false"):
        load_model(tmp_path)


def test_no_weights(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="no weights; add one of"):
        load(saved)


def test_a_word_table_without_words(saved: Path) -> None:
    rewrite(saved, {"qformer.embeddings.word_embeddings.weight": torch.zeros(0, 16)})
    with pytest.raises(CheckpointError, match=r"word_embeddings\.weight has shape \[0, 16\]"):
        load(saved)


def test_an_index_left_beside_the_one_file_is_not_read(saved: Path) -> None:
    expected = digest(saved)
    (saved / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-00001-of-00001.safetensors"}}')
    (saved / "model-00001-of-00001.safetensors").write_bytes(b"old")
    load(saved)
    assert digest(saved) == expected


def test_truncated_safetensors(saved: Path) -> None:
    file = saved / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: truncated"):
        load(saved)


@pytest.mark.parametrize(
    "name",
    ["config.json", "model.safetensors", "mmicl_processor.json", "preprocessor_config.json", "tokenizer.json",
     "qformer_tokenizer/tokenizer.json"],
)  # fmt: skip
def test_a_pipe_in_place_of_a_file_is_not_waited_for(saved: Path, name: str) -> None:
    (saved / name).unlink()
    os.mkfifo(saved / name)
    with open_pipe(saved / name), pytest.raises(CheckpointError, match=r"not a regular file|missing or unreadable"):
        load(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_pipe_in_place_of_weights_has_no_digest(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with open_pipe(tmp_path / name):
        with pytest.raises(CheckpointError, match="not a regular file"):
            digest(tmp_path)
        with pytest.raises(CheckpointError, match="not a regular file"):
            fill(small.model(), tmp_path)


@contextmanager
def open_pipe(path: Path) -> Iterator[None]:
    """Hold a pipe open for 20 seconds: opening it does not block, and reading it ends after that time."""
    with ExitStack() as stack:
        stack.callback(os.close, os.open(path, os.O_RDWR))
        timer = threading.Timer(20, stack.close)
        timer.start()
        yield
        timer.cancel()


@pytest.mark.parametrize("length", [0, 1, 500, -100])
def test_a_truncated_shard(tmp_path: Path, length: int) -> None:
    published(tmp_path, small.model())
    shard = tmp_path / "pytorch_model-00002-of-00002.bin"
    shard.write_bytes(shard.read_bytes()[:length])
    with pytest.raises(CheckpointError, match=r"00002-of-00002\.bin: (truncated|holds something other)"):
        load_model(tmp_path)


def test_a_missing_shard(tmp_path: Path) -> None:
    published(tmp_path, small.model())
    (tmp_path / "pytorch_model-00001-of-00002.bin").unlink()
    with pytest.raises(CheckpointError, match=r"names pytorch_model-00001-of-00002\.bin, which is missing"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["../x.bin", "/etc/passwd", "sub/x.bin", "..", ""])
def test_an_index_that_leads_outside(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    published(folder, small.model())
    (tmp_path / "x.bin").write_bytes(b"")
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"query_tokens": name}}))
    with pytest.raises(CheckpointError, match="outside its folder"):
        load_model(folder)


@pytest.mark.parametrize("index", ["{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}'])
def test_an_index_without_files(tmp_path: Path, index: str) -> None:
    published(tmp_path, small.model())
    (tmp_path / "pytorch_model.bin.index.json").write_text(index)
    with pytest.raises(CheckpointError, match="'weight_map' must give a file name"):
        load_model(tmp_path)


class Code:
    """Unpickling it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_with_code_is_not_opened(tmp_path: Path) -> None:
    published(tmp_path, small.model())
    torch.save({"query_tokens": Code(tmp_path / "proof")}, tmp_path / "pytorch_model-00001-of-00002.bin")
    with pytest.raises(CheckpointError, match="holds something other than tensors, maybe code; not opened"):
        load_model(tmp_path)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("content", [[1], {"a": 1}, {1: torch.zeros(1)}])
def test_a_shard_of_something_else(tmp_path: Path, content: Any) -> None:
    published(tmp_path, small.model())
    torch.save(content, tmp_path / "pytorch_model-00001-of-00002.bin")
    with pytest.raises(CheckpointError, match=r"not a tensor|a table of tensors"):
        load_model(tmp_path)


def test_a_missing_config(saved: Path) -> None:
    (saved / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json: missing or unreadable"):
        load(saved)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("[]", "must hold a JSON object"),
        ("{}", "a 'None' model; choose a checkpoint of type mmicl"),
        ('{"model_type": "llava"}', "a 'llava' model; choose a checkpoint of type mmicl"),
        ('{"model_type": "mmicl", "text_config": {"model_type": "bert"}}', "'bert' is not supported; choose from t5"),
        ('{"model_type": "mmicl", "text_config": 3}', "text_config must be an object"),
        ('{"model_type": "mmicl", "num_query_tokens": "many"}', "num_query_tokens"),
        ('{"model_type": "blip-2", "vision_config": {"hidden_size": "wide"}}', "hidden_size"),
    ],
)
def test_a_config_that_is_invalid(saved: Path, content: str | bytes, reason: str) -> None:
    (saved / "config.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CheckpointError, match=reason):
        load(saved)


@pytest.mark.parametrize(
    ("part", "digits", "number"),
    [("vision_config", 30, r"1e\+30"), ("qformer_config", 400, r"1e\+300"), ("text_config", 30, r"1e\+30")],
)
def test_more_layers_than_any_model_has_are_not_built(saved: Path, part: str, digits: int, number: str) -> None:
    config = json.loads((saved / "config.json").read_text())
    config[part]["num_hidden_layers" if part != "text_config" else "num_decoder_layers"] = 10**digits
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=f"_layers is {number}, above the limit of 1,000"):
        load_model(saved)


@pytest.mark.parametrize("value", [None, "x", float("inf"), 10**6, -1])
def test_a_decoder_needs_a_start_token_of_its_vocabulary(saved: Path, value: object) -> None:
    config = json.loads((saved / "config.json").read_text())
    config["text_config"]["decoder_start_token_id"] = value
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="no decoder_start_token_id within its vocabulary"):
        load_model(saved)


def test_a_config_that_cannot_be_built(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    config["vision_config"]["num_attention_heads"] = 3
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"config\.json: describes a model that cannot be built"):
        load(saved)


@pytest.mark.parametrize("name", ["tokenizer.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", [None, "{", "[]", '{"image_std": [1, 2]}', '{"resample": "x"}'])
def test_a_broken_processor(saved: Path, name: str, content: str | None) -> None:
    if content is None:
        (saved / name).unlink()
    else:
        (saved / name).write_text(content)
    with pytest.raises(CheckpointError):
        load(saved)


def test_a_processor_of_another_model(saved: Path) -> None:
    small.processor(placeholder_id=3).save_pretrained(saved)
    with pytest.raises(CheckpointError, match="the processor's placeholder is 3, the model's 15"):
        load(saved)


def test_pictures_of_another_size(saved: Path) -> None:
    (saved / "preprocessor_config.json").write_text('{"size": {"height": 224, "width": 224}}')
    with pytest.raises(CheckpointError, match="prepared at 224 pixels, but the model takes 16"):
        load(saved)


def test_a_tokenizer_too_large_for_the_published_placeholder(tmp_path: Path) -> None:
    published_processor(tmp_path)
    with pytest.raises(CheckpointError, match="has 15 words, so 9 cannot be the placeholder"):
        load_processor(tmp_path, small.config(image_token_id=9))


@pytest.mark.parametrize("rows", [32000, 32001, 32064])
def test_a_llama_gets_its_rows_where_the_released_code_put_them(tmp_path: Path, rows: int) -> None:
    """A base of 2023 has 32,001 rows, one of today 32,064."""
    published_processor(tmp_path)
    base = small.model("llama", image_token_id=None, text={"vocab_size": rows, "pad_token_id": -1})
    published(tmp_path, base)
    model, processor = load(tmp_path)
    language, height = model.language_model, max(rows, 32022)
    assert processor.settings.placeholder_id == model.config.image_token_id == 32001
    assert processor.settings.tag_ids == tuple(range(32002, 32022))
    assert processor.settings.pad_id == model.config.text_config.pad_token_id == 32000
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        table, base_table = language.get_parameter(name), base.language_model.get_parameter(name)
        assert table.shape[0] == height == model.config.text_config.vocab_size
        assert torch.equal(table[:rows], base_table)
        if rows < height:
            assert 0.015 < float(table[rows:].detach().std()) < 0.025
    assert equal(load_model(tmp_path), model), "what is drawn is drawn alike"
