"""Rows, index, batches and features: no row is cut or silently dropped, and a kill leaves whole pictures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from mmeval import types
from mmeval.mic.pictures import _decoded
from mmeval.mmicl.context import CONTEXTS, ImageMention, ImagePlace
from mmeval.mmicl.examples import Example, Turn, compose, to_json, with_shots
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.training.data import Collator, RowSet
from mmeval.mmicl.training.features import complete, open_features
from mmeval.mmicl.training.index import Index, make_index
from mmeval.mmicl.training.loss import summed_loss
from mmeval.mmicl.training.pictures import read_picture
from mmeval.mmicl.training.resume import same_batch
from mmeval.mmicl.training.rows import IGNORED, Rows, TrainingRow
from mmeval.mmicl.training.run import train
from mmeval.mmicl.training.trainable import select
from mmeval.mmicl.training.trainer import MmiclTrainer
from mmeval.mmicl.weights import FACTS, TRAINED, UP, CheckpointError, write_trained
from tests.mmicl import mmicl_small as small
from tests.training.conftest import config_values


def test_evaluation_training_and_mic_see_the_same(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.linear_gradient("L").resize((9, 5)).save(tmp_path / "turned.jpg", exif=exif)
    Image.fromarray(np.arange(0, 65_000, 1000, dtype=np.uint16).reshape(5, 13)).save(tmp_path / "16-bit.png")
    Image.new("RGBA", (9, 5), (200, 9, 9, 40)).save(tmp_path / "transparent.png")
    processor = small.processor()
    for path in tmp_path.iterdir():
        evaluated = processor.pixels([types.Image(path).decode()])[0]
        assert torch.equal(read_picture(str(path), processor), evaluated), path
        assert torch.equal(processor.pixels([_decoded(path, path.name)])[0], evaluated), path
        assert not torch.equal(processor.pixels([Image.new("RGB", (5, 9), "white")])[0], evaluated), path


QUERY = Example(
    "q",
    "made",
    ("0.png",),
    (Turn((ImagePlace(0), "is ", ImageMention(0), " a dog ?"), "yes"), Turn(("a cat ?",), "no")),
)
SHOT = Example("s", "made", ("1.png",), (Turn((ImagePlace(0), "is ", ImageMention(0), " a cat ?"), "the cat"),))

pytestmark = pytest.mark.slow


def index_of(folder: Path, family: small.Family = "t5", **changes: object) -> Index:
    options: dict[str, object] = {
        "max_tokens": 99,
        "max_pictures": 4,
        "left_out": folder / "left.jsonl",
        "allow_missing": 0,
    }
    rows = Rows(small.processor(family), family != "t5")
    return make_index([str(folder / "train.jsonl")], rows, **{**options, **changes})  # type: ignore[arg-type]


def test_a_t5_gets_a_row_an_answer_and_a_decoder_one_for_all() -> None:
    example = with_shots(QUERY, [SHOT, QUERY])
    assert example.shots == (SHOT,)
    processor = small.processor("t5")
    first, second = Rows(processor, decoder_only=False)(example)
    conversation = compose(example)
    assert first.ids == processor.prompt(conversation.prompt(0 + 1), CONTEXTS["declaration"]).ids
    assert first.labels == tuple(processor.answer("yes"))
    assert second.ids[: len(first.ids) - 1] == first.ids[:-1]  # but for T5's end
    assert first.images == second.images == ("1.png", "0.png")
    (row,) = Rows(small.processor("llama"), decoder_only=True)(example)
    learned = [token for token in row.labels if token != IGNORED]
    assert learned == [*processor.answer("yes"), *processor.answer("no")]
    assert [i for i, label in zip(row.ids, row.labels, strict=True) if label != IGNORED] == learned
    assert row.images == ("1.png", "0.png")


def _learned_logits(model: MmiclForConditionalGeneration, batch: dict[str, Tensor]) -> Tensor:
    """Logits [answer tokens, vocabulary], in the order in which they stand in the rows."""
    batch = {key: value for key, value in batch.items() if key not in ("labels", "counts")}
    with torch.no_grad():
        logits: Tensor = model(**batch).logits
    return logits


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_questions_apart_are_answered_as_if_each_stood_alone(data: Path, attention: str) -> None:
    more_turns = (Turn(("is ", ImageMention(0), " a cat ?"), "there is a cat"), Turn(("dog ?",), "the dog"))
    example = with_shots(replace(QUERY, turns=(*QUERY.turns, *more_turns)), [SHOT])
    processor, model = small.processor("llama"), small.model("llama")
    model.language_model.set_attn_implementation(attention)
    collate = Collator(processor)
    rows = Rows(processor, decoder_only=True, turns="apart")

    def with_paths(row: TrainingRow) -> TrainingRow:
        return replace(row, images=tuple(str(data / image) for image in row.images))

    (packed,) = rows(example)
    assert len(packed.starts) == 4
    separate = [row for turn in example.turns for row in rows(replace(example, turns=(_with_picture(turn),)))]
    assert [row.starts for row in separate] == [()] * 4
    short = with_paths(separate[0])
    batch = collate([with_paths(packed), short])
    assert batch["attention_mask"].shape == (2, 1, len(packed.ids), len(packed.ids))
    expected = torch.cat([_learned_logits(model, collate([with_paths(row)])) for row in (*separate, short)])
    torch.testing.assert_close(_learned_logits(model, batch), expected, atol=1e-5, rtol=1e-4)


def _with_picture(turn: Turn) -> Turn:
    return turn if ImagePlace(0) in turn.ask else replace(turn, ask=(ImagePlace(0), *turn.ask))


def test_questions_apart_have_rows_of_their_own_where_they_share_no_visual_tokens() -> None:
    processor = small.processor("llama")
    reads = Rows(processor, decoder_only=True, turns="apart", instruction=True)(QUERY)
    assert [row.instruction for row in reads] == ["is  a dog ?", "a cat ?"]
    about_another = Turn((ImagePlace(1), "a dog ?"), "yes")
    about_both = replace(QUERY, images=("0.png", "1.png"), turns=(*QUERY.turns, about_another))
    rows = Rows(processor, decoder_only=True, turns="apart")(about_both)
    assert [row.images for row in rows] == [("0.png",), ("0.png",), ("0.png", "1.png")]
    assert all(row.starts == () for row in rows)
    t5 = list(Rows(small.processor("t5"), decoder_only=False, turns="apart")(QUERY))
    assert "dog" not in small.processor("t5").decode(list(t5[1].ids))


def test_what_makes_no_row_is_counted_and_listed(data: Path) -> None:
    turn = Turn((ImagePlace(0), "is " * 200), "yes")
    with (data / "train.jsonl").open("a") as file:
        file.write(to_json(Example("long", "made", ("0.png",), (turn,))) + "\n")
        places = tuple(ImagePlace(k) for k in range(5))
        file.write(to_json(Example("many", "made", ("0.png",) * 5, (Turn((*places, "a ?"), "no"),))) + "\n")
    index = index_of(data)
    assert len(index) == 8
    assert index.left_out == Counter({"longer than 99 tokens": 1, "more than 4 pictures": 1})
    assert [json.loads(line)["id"] for line in (data / "left.jsonl").read_text().splitlines()] == ["long", "many"]


def test_missing_pictures_stop_a_run_before_it_begins_unless_few(data: Path) -> None:
    (data / "3.png").unlink()
    with pytest.raises(TrainingError, match=r"missing pictures: 1 of 8, the first .*3\.png"):
        index_of(data)
    assert index_of(data, allow_missing=0.2).left_out == Counter({"a picture is missing": 1})


def test_a_line_that_is_no_example_is_named(data: Path) -> None:
    with (data / "train.jsonl").open("a") as file:
        file.write('\n{"id": "x"}\n')
    with pytest.raises(TrainingError, match=r"train.jsonl, line 10: the key 'images' is missing in an example"):
        index_of(data)


def test_batches_hold_every_row_once_and_epochs_differ() -> None:
    table = torch.randint(1, 90, (333, 6), generator=torch.Generator().manual_seed(0)).numpy()
    batches = LengthBatches(Index(table, Counter(), frozenset()), 4, seed=1)
    first = list(batches)
    assert sorted(number for batch in first for number in batch) == list(range(333))
    assert len(first) == len(batches) == 84
    spread = [max(batches.costs[batch]) - min(batches.costs[batch]) for batch in first]
    assert sorted(spread)[len(spread) // 2] < 8 < 90
    assert list(batches) == first
    batches.set_epoch(1)
    assert list(batches) != first


def test_the_largest_batches_come_first_in_the_first_epoch_only() -> None:
    table = torch.randint(1, 90, (333, 6), generator=torch.Generator().manual_seed(0)).numpy()
    index = Index(table, Counter(), frozenset())
    shuffled, batches = LengthBatches(index, 4, seed=1), LengthBatches(index, 4, seed=1, largest=3)
    sizes = [int(batches.costs[batch].max()) * len(batch) for batch in batches]
    assert sizes[:3] == sorted(sizes, reverse=True)[:3]
    assert sorted(batches) == sorted(shuffled)
    rest = list(batches)[3:]
    assert [batch for batch in shuffled if batch in rest] == rest, "the others stay in their order"
    shuffled.set_epoch(1)
    batches.set_epoch(1)
    assert list(batches) == list(shuffled)


def test_a_broken_picture_has_its_row_replaced_and_is_listed(data: Path) -> None:
    (data / "2.png").write_bytes(b"\x89PNG torn")
    rows = Rows(small.processor("t5"), decoder_only=False)
    row_set = RowSet([str(data / "train.jsonl")], index_of(data), rows)
    collate = Collator(small.processor("t5"), row_set, skipped=data / "skipped.jsonl", allow_skipped=0.5)
    batch = collate([row_set[number] for number in range(4)])
    assert len(batch["input_ids"]) == len(batch["shown"]) == 4
    assert int(batch["shown"].max()) < len(batch["pixel_values"])
    (listed,) = (data / "skipped.jsonl").read_text().splitlines()
    assert json.loads(listed)["picture"] == str(data / "2.png")


def test_prompts_for_generation_stand_where_the_answer_begins(data: Path) -> None:
    processor = small.processor("llama")
    rows = Rows(processor, decoder_only=True)
    row_set = RowSet([str(data / "train.jsonl")], index_of(data, "llama"), rows)
    prompts = [next(rows.questions(example))[0] for example in (QUERY, SHOT)]
    batch = Collator(processor, row_set)([type(row)(row.ids, row.labels, ()) for row in prompts], for_generation=True)
    for ids, mask, row in zip(batch["input_ids"], batch["attention_mask"], prompts, strict=True):
        assert tuple(ids[mask.bool()].tolist()) == row.ids
        assert bool(mask[-1])


def test_features_survive_a_kill_and_know_their_picture(data: Path) -> None:
    model, processor = small.model(), small.processor()
    paths = [str(data / f"{number}.png") for number in range(8)]

    def read(path: str) -> torch.Tensor:
        return read_picture(path, processor)

    features = open_features(data / "kept", model)
    assert complete(features, model, paths[:5], read) == []
    states, names = features.folder / "states-0.bin", features.folder / "pictures-0.jsonl"
    with states.open("ab") as file:
        file.write(b"half a picture")  # killed between the two files
    names.write_bytes(names.read_bytes() + b'{"pict')
    reopened = open_features(data / "kept", model)
    assert complete(reopened, model, paths, read) == []
    completed = open_features(data / "kept", model)
    for path in paths:
        expected = model.encode(read(path)[None])[0].bfloat16()
        assert torch.equal(completed.view(path), expected.detach())
    Image.new("RGB", (16, 16), "red").save(paths[0])
    assert paths[0] not in completed
    (data / "bad.png").write_bytes(b"no picture")
    assert [path for path, _ in complete(completed, model, [str(data / "bad.png")], read)] == [str(data / "bad.png")]


def test_runs_share_a_folder_of_features_at_one_time(data: Path) -> None:
    model, processor = small.model(), small.processor()
    paths = [str(data / f"{number}.png") for number in range(8)]
    other = open_features(data / "kept", model)

    def read(path: str) -> torch.Tensor:
        if path == paths[0]:  # in the middle of one run, another one begins and ends
            assert complete(other, model, paths[2:6], lambda path: read_picture(path, processor)) == []
        return read_picture(path, processor)

    assert complete(open_features(data / "kept", model), model, paths[:4], read) == []
    completed = open_features(data / "kept", model)
    assert [path in completed for path in paths] == [True] * 6 + [False] * 2
    for path in paths[:6]:
        expected = model.encode(read_picture(path, processor)[None])[0].bfloat16()
        assert torch.equal(completed.view(path), expected.detach())


def test_features_change_nothing(data: Path) -> None:
    without = train(Config(**config_values(data, output=str(data / "plain"))))
    with_features = train(Config(**config_values(data, output=str(data / "kept"), features=str(data / "features"))))
    first, second = (
        (folder.parent / "checkpoint-4" / "trainer_state.json").read_text() for folder in (without, with_features)
    )
    losses = [
        [entry["loss"] for entry in json.loads(text)["log_history"] if "loss" in entry] for text in (first, second)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)  # they are kept in bfloat16


def test_another_run_in_the_folder_is_refused(data: Path) -> None:
    train(Config(**config_values(data)))
    with pytest.raises(TrainingError, match="holds a run with another configuration; add --fresh"):
        train(Config(**config_values(data, learning_rate=1e-2)))
    (data / "out" / "checkpoint-9").mkdir()
    (data / "out" / "checkpoint-9" / "trainer_state.json").write_text("{}")
    train(Config(**config_values(data, learning_rate=1e-2)), fresh=True)
    assert [path.name for path in (data / "out").glob("checkpoint-*")] == ["checkpoint-4"]
    with (data / "train.jsonl").open("a") as file:
        file.write((data / "train.jsonl").read_text())
    with pytest.raises(TrainingError, match="other files than those that `data` names now"):
        train(Config(**config_values(data, learning_rate=1e-2)))


@pytest.mark.parametrize("features", [False, True])
def test_pictures_passed_over_are_reported_and_listed(data: Path, features: bool) -> None:
    (data / "2.png").write_bytes(b"\x89PNG torn")
    lines: list[str] = []
    options = {"features": str(data / "features")} if features else {}
    train(Config(**config_values(data, allow_skipped=0.5, **options)), say=lines.append)
    assert "pictures that cannot be read and were skipped: 1; see skipped-*.jsonl" in lines
    (listed,) = (data / "out" / "skipped-0.jsonl").read_text().splitlines()
    assert "2.png: not a picture in a known format" in json.loads(listed)["reason"]


def test_packages_that_are_missing_are_named(data: Path) -> None:
    with pytest.raises(TrainingError, match=r"zero2.json: cannot be read"):
        train(Config(**config_values(data, deepspeed=str(data / "zero2.json"))))
    (data / "zero2.json").write_text("{}")
    with pytest.raises(TrainingError, match="needs the package deepspeed: pip install deepspeed"):
        train(Config(**config_values(data, deepspeed=str(data / "zero2.json"))))


def test_a_batch_that_does_not_fit_is_one_sentence(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("tried to allocate")

    monkeypatch.setattr(MmiclTrainer, "train", full)
    with pytest.raises(TrainingError, match="4 rows do not fit into the GPU's memory; halve `batch`"):
        train(Config(**config_values(data)))


def test_losses_are_logged_where_asked(data: Path) -> None:
    pytest.importorskip("tensorboard")
    train(Config(**config_values(data, report_to=("tensorboard",))))
    assert list((data / "out").rglob("events.out.tfevents.*"))


def test_a_checkpoint_of_another_shape_is_refused(data: Path) -> None:
    final = train(Config(**config_values(data)))
    facts = json.loads((final / "training.json").read_text())
    from mmeval.mmicl.checkpoints import load, save

    save(small.model("t5", text={"d_kv": 4}), small.processor(), data / "other")
    with pytest.raises(CheckpointError, match="the weights there have changed since"):
        (final / "training.json").write_text(json.dumps({**facts, "base": str(data / "other")}))
        load(final)


def test_a_full_disk_leaves_the_last_checkpoint(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmeval.mmicl.training.resume import last_checkpoint

    config = Config(**config_values(data, steps=6, evaluate_every=2))

    def full(tensors: dict[str, torch.Tensor], path: Path) -> None:
        if "checkpoint-4" in str(path):
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save_file(tensors, path)

    monkeypatch.setattr("mmeval.mmicl.weights.save_file", full)
    with pytest.raises(TrainingError, match=r"checkpoint-4: cannot be written .*No space left.*resumes from"):
        train(config)
    last = last_checkpoint(data / "out")
    assert last is not None
    assert last.name == "checkpoint-2"
    monkeypatch.setattr("mmeval.mmicl.weights.save_file", save_file)
    assert train(config).exists()


def test_low_rank_updates_are_merged_when_loaded(data: Path) -> None:
    pytest.importorskip("peft")
    from mmeval.mmicl.checkpoints import load_model
    from mmeval.mmicl.training.config import Lora

    values = config_values(data, trainable="lora", lora=Lora(rank=2, alpha=4), learning_rate=1e-2)
    final = train(Config(**values))
    base, tuned = load_model(data / "base").state_dict(), load_model(final).state_dict()
    assert base.keys() == tuned.keys()
    changed = {key for key in base if not torch.equal(base[key], tuned[key])}
    assert any(key.endswith("SelfAttention.q.weight") for key in changed)
    assert not any(key.endswith("SelfAttention.k.weight") or key.startswith("vision_model") for key in changed)
    facts = json.loads((final / FACTS).read_text())
    for lora in ({"alpha": 4}, {"rank": 0, "alpha": 4}, "big"):
        (final / FACTS).write_text(json.dumps({**facts, "lora": lora}))
        with pytest.raises(CheckpointError, match="`lora` has no rank and alpha"):
            load_model(final)
    (final / FACTS).write_text(json.dumps(facts))
    incomplete = {key: value for key, value in load_file(final / TRAINED).items() if not key.endswith(UP)}
    write_trained(final, incomplete, facts)
    with pytest.raises(CheckpointError, match=r"trained weights that are missing: \d+, the first 'language_model\."):
        load_model(final)
    write_trained(final, incomplete, {**facts, "names": sorted(incomplete)})
    with pytest.raises(CheckpointError, match="has no update that fits"):
        load_model(final)


def _table(rows: int, files: int = 1) -> Index:
    table = torch.randint(1, 90, (rows, 6), generator=torch.Generator().manual_seed(0)).numpy()
    table[:, 0] %= files
    return Index(table, Counter(), frozenset())


def test_a_budget_of_tokens_holds_padding_too_and_every_epoch_has_as_many_batches() -> None:
    batches = LengthBatches(_table(999), 4, seed=1, tokens=1000)
    for epoch in range(4):
        batches.set_epoch(epoch)
        epoch_batches = list(batches)
        assert sorted(number for batch in epoch_batches for number in batch) == list(range(999))
        assert len(epoch_batches) == len(batches)
        sizes = [len(batch) * int(batches.lengths[batch].max()) for batch in epoch_batches]
        assert max(sizes) <= 1030  # an epoch that would need one more batch may take a little more into each
        real = sum(int(batches.lengths[batch].sum()) for batch in epoch_batches)
        assert real / sum(sizes) > 0.9, "little is padding"


def test_files_are_drawn_from_as_often_as_their_weights_say() -> None:
    index = _table(900, files=3)
    batches = LengthBatches(index, 4, seed=1, weights=(1, 1, 4))
    drawn = Counter(int(index.table[number, 0]) for batch in batches for number in batch)
    assert drawn == {0: 150, 1: 150, 2: 600}
    counts = Counter(number for batch in batches for number in batch)
    largest = index.table[:, 0] == 2
    assert min(counts[number] for number in largest.nonzero()[0]) >= 600 // int(largest.sum())
    batches.set_epoch(1)
    assert Counter(number for batch in batches for number in batch) != counts


def test_processes_share_the_batches_of_one() -> None:
    index = _table(333)
    single = list(LengthBatches(index, 4, seed=1, tokens=700))
    shares = [list(LengthBatches(index, 4, seed=1, tokens=700, process=p, processes=3)) for p in range(3)]
    assert len({len(share) for share in shares}) == 1
    combined = [batch for step in zip(*shares, strict=True) for batch in step]
    assert combined[: len(single)] == single
    assert combined[len(single) :] == single[: len(combined) - len(single)]


@pytest.mark.parametrize("instruction", [False, True])
def test_a_batch_without_pictures_runs_the_same_modules(data: Path, instruction: bool) -> None:
    row = TrainingRow((3, 4, 1), (11, 1), ())
    model, processor = small.model(), small.processor()
    textual = Collator(processor, instruction=instruction)([row])
    blank = Collator(processor, blank=True, instruction=instruction)([row])
    select(model, "article", instruction=instruction)
    assert "pixel_values" not in textual and len(blank["pixel_values"]) == 1
    losses = []
    for batch in (textual, blank):
        model.zero_grad()
        loss, _ = summed_loss(model, model.config, {key: batch[key] for key in batch if key != "counts"})
        losses.append(float(loss.detach()))
    assert losses[0] == losses[1]
    loss.backward()  # type: ignore[no-untyped-call]
    gradient = model.language_projection.weight.grad
    assert gradient is not None and not gradient.any(), "the blank picture is shown nowhere"
    assert all(part.grad is not None for part in model.parameters() if part.requires_grad)
    calls: list[object] = []
    for part in (model.vision_model, model.qformer):
        part.register_forward_hook(lambda *_: calls.append(None))
    prompt = Collator(processor, blank=True)([row], for_generation=True)
    model.generate(**prompt, max_new_tokens=1)
    assert len(calls) == 2, "shards are gathered by all processes or by none"


@pytest.mark.parametrize("changes", [{"gradient_checkpointing": "selective"}, {"batch_tokens": 60}])
def test_memory_is_saved_without_another_result(data: Path, changes: dict[str, object]) -> None:
    options: dict[str, object] = {"steps": 3, "evaluate_every": 3, "batch": 8}
    expected = load_file(train(Config(**config_values(data, output=str(data / "plain"), **options))) / TRAINED)
    saved = load_file(
        train(Config(**config_values(data, output=str(data / "saved"), **{**options, **changes}))) / TRAINED
    )
    if "batch_tokens" in changes:  # other batches, which are learned from as well
        assert any(not torch.equal(expected[key], saved[key]) for key in expected)
        return
    for key, value in expected.items():
        torch.testing.assert_close(saved[key], value, atol=1e-6, rtol=1e-5)


def test_other_processes_keep_the_batch_or_are_refused(data: Path) -> None:
    config = Config(**config_values(data, accumulation=2))
    start = train(config).parent / "checkpoint-4"
    messages: list[str] = []
    assert same_batch(config, start, 1, messages.append) == config and not messages
    assert same_batch(config, start, 2, messages.append).accumulation == 1 and len(messages) == 1
    with pytest.raises(TrainingError, match=r"3 processes cannot evenly share the batches of a step \(2\); .*: 1, 2;"):
        same_batch(config, start, 3, messages.append)


def test_of_checkpoints_as_right_the_one_of_less_loss_is_best(data: Path) -> None:
    values = config_values(
        data, held_out=str(data / "train.jsonl"), evaluate_every=1, steps=3, keep=9, max_new_tokens=4
    )
    measured: list[object] = []

    def measures(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
        measured.append(pairs)
        return {"pairs": float(len(pairs))}

    messages: list[str] = []
    train(Config(**{**values, "learning_rate": 1e-5}), measures=measures, say=messages.append)
    state = json.loads((data / "out" / "checkpoint-3" / "trainer_state.json").read_text())
    evaluations = {entry["step"]: entry for entry in state["log_history"] if "eval_loss" in entry}
    best = max(
        evaluations, key=lambda step: (evaluations[step]["eval_exact_match"], -evaluations[step]["eval_loss"], step)
    )
    assert state["best_model_checkpoint"].endswith(f"checkpoint-{best}")
    assert all(entry["eval_pairs"] == 8 for entry in evaluations.values()) and len(measured) == 3
    assert any("exact_match" in line and "loss" in line and "pairs 8" in line for line in messages), messages
    rates = next(line for line in messages if line.startswith("step 2 of 3: loss"))
    assert "samples/s" in rates and "tokens/s" in rates and "left" in rates


def test_turns_of_a_llama_are_joined_alike_in_training_and_in_evaluation() -> None:
    processor = small.processor("llama")
    rows = Rows(processor, decoder_only=True)
    example = with_shots(QUERY, [SHOT])
    (joined,) = rows(example)
    questions = list(rows.questions(example))
    assert [answer for _, answer in questions] == ["yes", "no"]
    for row, answer in questions:
        assert joined.ids[: len(row.ids)] == row.ids
        assert joined.ids[len(row.ids) :][: len(row.labels)] == row.labels == tuple(processor.answer(answer))


def test_held_out_questions_are_complete_before_training_begins(data: Path) -> None:
    lines = (data / "train.jsonl").read_text().splitlines()
    (data / "7.png").write_bytes(b"torn")
    for content, sentence in (
        ("", "val.jsonl: holds no question; add some, or remove `held_out`"),
        (f"{lines[0]}\n{{\n", "val.jsonl, line 2: not JSON"),
        (lines[7], "val.jsonl: the picture .*7.png cannot be read .*; a held-out set must be complete"),
    ):
        (data / "val.jsonl").write_text(content)
        messages: list[str] = []
        with pytest.raises(TrainingError, match=sentence) as raised:
            train(Config(**config_values(data, held_out=str(data / "val.jsonl"), allow_skipped=1)), say=messages.append)
        assert str(raised.value).count("val.jsonl") == 1 and not any(line.startswith("step") for line in messages)


def test_of_few_pictures_few_may_be_broken(data: Path) -> None:
    for number in range(7):
        (data / f"{number}.png").write_bytes(b"torn")
    with pytest.raises(TrainingError, match=r"2 of \d pictures cannot be read, the last .*; fix the data, or raise"):
        train(Config(**config_values(data)))


def test_data_that_only_a_stream_reads(data: Path) -> None:
    row = {"input_text": "image 0 is <image0>图. is there ?", "input_image": ["0.png"], "output_text": "yes"}
    (data / "published.jsonl").write_text(json.dumps(row))
    for name, sentence in (
        (str(data), "set `stream: true` to read folders, tables and addresses"),
        (str(data / "some.parquet"), "set `stream: true` to read folders, tables and addresses"),
        ("hf://datasets/a/b", "set `stream: true` to read folders, tables and addresses"),
        (str(data / "published.jsonl"), "line 1: a row of the published MIC, not an example; read the file with"),
    ):
        with pytest.raises(TrainingError, match=sentence):
            train(Config(**config_values(data, data=[name])))


def test_a_name_that_is_too_long_is_a_missing_picture(data: Path) -> None:
    lines = (data / "train.jsonl").read_text().splitlines()
    (data / "train.jsonl").write_text("\n".join([lines[0].replace("0.png", "a" * 5000), *lines[1:]]))
    with pytest.raises(TrainingError, match="missing pictures: 1 of 8"):
        index_of(data)
