"""The tiny family as it is trained is what `mmeval.mmicl` loads; its weights begin as they should."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from experiments.tiny import checkpoint, family
from experiments.tiny.__main__ import WEIGHTS
from experiments.tiny.beginning import begin
from experiments.tiny.checkpoint import begin_with, read_weights, write_weights
from experiments.tiny.export import export
from experiments.tiny.family import in_process, train_members
from experiments.tiny.members import ABLATIONS, FAMILY, member_of
from experiments.tiny.network import LlamaLayer, TinyMmicl
from experiments.tiny.plan import Plan
from experiments.tiny.sizes import Sizes, sizes_of
from experiments.tiny.stepping import let_learn
from experiments.tiny.vocabulary import PICTURE, Vocabulary, check_words, vocabulary_of
from mmeval.mmicl import checkpoints
from mmeval.models import find_model
from mmeval.types import InputError
from tests.experiments.small_pools import LEAST
from tests.forks import FORKS


@pytest.mark.parametrize("name", ["mmicl-tiny", "instructblip-tiny"])
def test_what_was_trained_is_what_is_loaded(name: str, vocabulary: Vocabulary, packed: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    reads = name == "instructblip-tiny"
    trained = TinyMmicl(Sizes(vocabulary.size, reads)).eval()
    begin(trained)
    halves = {key: weight.bfloat16() for key, weight in trained.state_dict().items()}
    trained.load_state_dict({key: weight.float() for key, weight in halves.items()})
    save_file(halves, packed / f"{name}.safetensors")
    export(packed, tmp_path, [name])
    assert (tmp_path / name / "model.safetensors").stat().st_size < 15_000_000
    assert find_model(str(tmp_path / name)).adapter == name.removesuffix("-tiny")
    loaded, _ = checkpoints.load(tmp_path / name)
    ids = torch.randint(5, 400, (1, 60))
    ids[0, 3:19] = ids[0, 30:46] = vocabulary.placeholder
    text = torch.tensor([[7, 8, 9], [7, 8, 0]]) if reads else None
    with torch.no_grad():
        pixels = torch.randn(2, 3, 96, 96)
        states = trained.vision_model(pixels)
        assert torch.allclose(states, loaded.encode(pixels), atol=1e-5)
        visual = trained.visual(states, text)
        loaded_visual = loaded.query(states, text, None if text is None else (text != 0).long())
        assert torch.allclose(visual, loaded_visual, atol=1e-5)
        embeds = loaded.merge(ids, loaded_visual, torch.tensor([2]))
        rows = ids.clone()
        rows[ids == vocabulary.placeholder] = vocabulary.size + torch.arange(32)
        logits = trained(rows, visual) @ trained.table.T
        assert torch.allclose(logits, loaded.language_model(inputs_embeds=embeds).logits, atol=1e-3)


def test_small_weights_are_exported_as_small_ones_only(vocabulary: Vocabulary, packed: Path, tmp_path: Path) -> None:
    small = TinyMmicl(sizes_of(vocabulary.size, reads=False, small=True))
    save_file(small.state_dict(), packed / "blip2-tiny.safetensors")
    with pytest.raises(InputError, match=r"blip2-tiny\.safetensors: not the sizes of this model; add --small"):
        export(packed, tmp_path, ["blip2-tiny"])
    export(packed, tmp_path, ["blip2-tiny"], small=True)
    assert find_model(str(tmp_path / "blip2-tiny")).adapter == "blip2"


def test_two_heads_begin_by_looking_back_one_token_and_two() -> None:
    torch.manual_seed(0)
    model = TinyMmicl(Sizes(50))
    begin(model)
    layer = cast(LlamaLayer, model.layers[0])
    states = layer.input_layernorm(torch.randn(1, 40, 256))
    query, key = (layer.self_attn[name](states).unflatten(-1, (4, -1)).transpose(1, 2) for name in ("q_proj", "k_proj"))

    def turned(vectors: Tensor) -> Tensor:
        first, second = vectors.chunk(2, -1)
        cosines, sines = model.cosines[:40], model.sines[:40]
        return torch.cat([first * cosines - second * sines, second * cosines + first * sines], -1)

    scores = (turned(query) @ turned(key).transpose(-1, -2))[0].masked_fill(torch.ones(40, 40).triu(1).bool(), -1e9)
    for head, back in ((0, 1), (1, 2)):
        offsets = scores[head].argmax(-1)[10:] - torch.arange(10, 40)
        assert (offsets == -back).float().mean() > 0.9


@pytest.mark.slow
def test_before_it_learns_it_expects_what_followed_a_word_and_tells_whether_it_comes() -> None:
    torch.manual_seed(0)
    model = TinyMmicl(Sizes(400))
    begin(model)
    words = torch.stack([torch.randperm(390)[:8] + 5 for _ in range(200)])
    followers = torch.cat([words[:100, 3:4], words[100:, 5:6]])
    ids = torch.cat([words, words[:, 2:3], followers], 1)  # a b c d e f g h, c: then d, as expected, or f
    outputs: list[Tensor] = []
    layer = cast(LlamaLayer, model.layers[2])
    layer.mlp["down_proj"].register_forward_hook(lambda module, inputs, output: outputs.append(output))
    with torch.no_grad():
        states = model(ids)
    scores = states[:, -2] @ model.table.T
    better = (scores > scores.gather(1, words[:, 3:4])).sum(1)
    assert (better < 40).float().mean() > 0.6  # of 400 words, of which chance finds a tenth
    match = outputs[0][:, -1] @ outputs[0][:100, -1].mean(0)
    assert (match[:100] > match[100:].median()).float().mean() > 0.9


@pytest.mark.parametrize("name", ["paper", "paper+qformer", "article", "full", "language"])
def test_every_set_of_the_ablations_learns(name: str) -> None:
    model = TinyMmicl(Sizes(50))
    let_learn(model, name)
    learning = {key for key, weight in model.named_parameters() if weight.requires_grad}
    assert learning and not any(key.startswith("vision_model.") for key in learning)
    assert any("q_proj" in key for key in learning) == (name != "article")


def test_a_member_may_have_another_seed() -> None:
    assert member_of("mmicl-tiny seed 2") == (FAMILY["mmicl-tiny"], 2)
    assert member_of("paper") == (ABLATIONS["paper"], 0)
    for name in ("mmicl", "paper seed one"):
        with pytest.raises(ValueError, match=f"unknown member '{name}'; choose from mmicl-tiny, "):
            member_of(name)


def test_a_member_begins_with_the_weights_of_another(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source, reading = (TinyMmicl(Sizes(50, reads)) for reads in (False, True))
    for model in (source, reading):
        begin(model)
    file = tmp_path / "model.safetensors"
    save_file({key: weight.bfloat16() for key, weight in source.state_dict().items()}, file)
    words = reading.state_dict()["qformer.embeddings.word_embeddings.weight"].clone()
    begin_with(reading, file)
    states = torch.randn(2, 37, 192)
    assert torch.allclose(reading.visual(states), source.bfloat16().float().visual(states), atol=1e-5)
    assert torch.equal(reading.state_dict()["qformer.embeddings.word_embeddings.weight"], words)
    with pytest.raises(InputError, match="1 weights do not fit this model, the first is language_"):
        begin_with(TinyMmicl(Sizes(51)), file)
    save_file(reading.state_dict(), file)
    with pytest.raises(InputError, match=r"do not fit this model, the first is qformer\.embeddings"):
        begin_with(source, file)
    for name, content in (("missing", None), ("damaged", b"no weights")):
        path = tmp_path / f"{name}.safetensors"
        if content:
            path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}\.safetensors: not a readable safetensors file"):
            begin_with(source, path)


def test_weights_begin_a_training_only_with_the_words_they_were_trained_with(packed: Path, tmp_path: Path) -> None:
    shipped = WEIGHTS / "mmicl-tiny" / "model.safetensors"
    vocabulary = vocabulary_of(shipped)
    assert (vocabulary.size, vocabulary.placeholder) == (
        549,
        Tokenizer.from_str(vocabulary.source).token_to_id(PICTURE),
    )
    weights = tmp_path / "model.safetensors"
    file = weights.with_name("tokenizer.json")
    for content in (None, "{", "[]", '{"model": {"vocab": {"a": 0}}, "added_tokens": []}'):
        if content is not None:
            file.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"tokenizer\.json: missing, or not a tokenizer of the tiny family"):
            check_words(vocabulary, weights)
    file.write_text(vocabulary.source, encoding="utf-8")
    check_words(vocabulary, weights)
    swapped = vocabulary.source.replace('"red"', '"swap"').replace('"blue"', '"red"').replace('"swap"', '"blue"')
    file.write_text(swapped, encoding="utf-8")  # as many words in another order: the weights' shapes fit
    assert vocabulary_of(weights).size == vocabulary.size
    with pytest.raises(InputError, match=r"model\.safetensors: was trained with another vocabulary, .* 'blue'"):
        check_words(vocabulary, weights)
    plan = Plan(
        tmp_path, packed, LEAST, small=True, device="cpu", workers=0, tokens=400, rows=4, seed=0, until=0.0,
        check_every=1, tests=1, rate=1e-3, weights=weights,
    )  # fmt: skip
    with pytest.raises(InputError, match="another vocabulary"):
        train_members(plan, ["mmicl-tiny"])


@pytest.mark.slow
@pytest.mark.processes
def test_bad_input_in_another_process_ends_this_one_with_its_sentence_and_status(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        in_process(begin_with, nn.Linear(2, 2), tmp_path / "none.safetensors")
    assert exit_info.value.code == 2
    assert capfd.readouterr().err.count(f"error: {tmp_path / 'none.safetensors'}: not a readable safetensors") == 1
    monkeypatch.setattr("multiprocessing.get_context", lambda method: FORKS)  # a spawned process imports all anew
    with pytest.raises(SystemExit) as exit_info:
        in_process(os._exit, 143)
    assert exit_info.value.code == 143
    assert "_exit ended with exit status 143; its own message is above" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.processes
def test_a_member_that_is_killed_is_reported_at_once_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multiprocessing.get_context", lambda method: FORKS)
    failed: list[tuple[int, bool]] = []
    file = tmp_path / "written"

    def fail(index: int) -> None:
        failed.append((index, file.exists()))
        file.with_suffix(".go").touch()

    processes = [family._started(_wait_and_write, file), family._started(os._exit, 9)]
    with pytest.raises(SystemExit) as ended:
        family._join(processes, fail)
    assert ended.value.code == 9
    assert failed == [(1, False)] and file.exists()


def _wait_and_write(file: Path) -> None:
    while not file.with_suffix(".go").exists():
        time.sleep(0.01)
    file.touch()


def test_weights_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "language.safetensors"
    write_weights(file, {"a": torch.zeros(2)})

    def killed(tensors: dict[str, Tensor], path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        write_weights(file, {"a": torch.ones(2)})
    assert torch.equal(read_weights(file)["a"], torch.zeros(2))
