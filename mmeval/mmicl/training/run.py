"""From a configuration to a trained model: check everything that can be checked, then train, then save."""

import os
from collections.abc import Callable, Set
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from safetensors import SafetensorError
from transformers import TrainerState

from mmeval.mmicl import checkpoints
from mmeval.mmicl.context import PromptError
from mmeval.mmicl.examples import ExampleError, read
from mmeval.mmicl.fused import compile_blocks, fuse
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training.arguments import METRIC, arguments
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.begin import STATE, begin, check, check_same, hold, is_finished, portable, same_batch
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.training.data import (
    SKIPPED,
    Collator,
    RowSet,
    list_skipped,
    read_picture,
    skipped_pictures,
)
from mmeval.mmicl.training.features import complete, open_features
from mmeval.mmicl.training.index import Index, make_index
from mmeval.mmicl.training.rows import Rows, TrainingRow
from mmeval.mmicl.training.trainable import select, summary
from mmeval.mmicl.training.trainer import Benchmarks, Measures, MmiclTrainer, sharded
from mmeval.mmicl.weights import copy_trained, put_trained

Say = Callable[[str], None]
NAMES = "trained.txt"
"""File in the output folder with the names of the parameters that learn."""
LONGEST = 2048
"""Tokens of a prompt where neither the configuration nor the model sets a limit."""


def train(
    config: Config,
    *,
    fresh: bool = False,
    say: Say = print,
    measures: Measures | None = None,
    benchmarks: Benchmarks | None = None,
) -> Path:
    """Train, or go on from the last whole checkpoint; return the folder with what was trained.

    `measures` are further ones of held-out answers: of pairs of a generated and an expected one, by name. `benchmarks`
    is called with the folder of every checkpoint, in every process.
    Raises TrainingError or CheckpointError, each one sentence.
    """
    state = PartialState(cpu=not torch.cuda.is_available())
    with hold(config, state.is_main_process):
        final = _train(config, fresh, state, say if state.is_main_process else lambda _: None, measures, benchmarks)
    # The processes end their group together, and after the trainer is gone: a group left open may abort a process on
    # its way out, and one that outlives its closing in DDP's reducer waits for threads that wait for Python.
    state.wait_for_everyone()
    state.destroy_process_group()
    return final


def _train(
    config: Config,
    fresh: bool,
    state: PartialState,
    say: Say,
    measures: Measures | None,
    benchmarks: Benchmarks | None,
) -> Path:
    with state.main_process_first():
        start = begin(config, fresh, state.is_main_process)
    with state.main_process_first():
        folder = checkpoints.find(config.model, config.revision)
    model, processor = checkpoints.load(folder)
    check(config, model, processor)
    names = _select(config, model, say)
    rows = Rows(processor, model.config.decoder_only, config.context, config.turns, config.instruction)
    with state.main_process_first():
        index = _index(config, rows, state, say)
    _place(config, model, state)
    held_out = _held_out(config, rows)
    data, skipped = RowSet(config.data, index, rows), Path(config.output, SKIPPED.format(state.process_index))
    collator = Collator(
        processor,
        data,
        instruction=config.instruction,
        skipped=skipped,
        allow_skipped=config.allow_skipped,
        multiple=8 if torch.cuda.is_available() else 1,
        blank=state.num_processes > 1,
    )
    if config.features:
        wanted = index.images | {image for row, _ in held_out for image in row.images}
        _keep_features(config, model, collator, wanted, state, say)
    facts = {
        "base": os.path.relpath(folder, Path(config.output, "trained"))
        if Path(config.model).is_dir()
        else config.model,
        "revision": config.revision or (folder.name if folder.parent.name == "snapshots" else None),
        "digest": checkpoints.digest(folder),
        "rows": index.digest(),
        "trainable": config.trainable,
        "names": names,
        "lora": asdict(config.lora) if config.lora else None,
        "config": portable(config),
        "batches_a_step": config.accumulation * state.num_processes,
    }
    if state.is_main_process:
        Path(config.output, NAMES).write_text("\n".join(names) + "\n", encoding="utf-8")
    if start:
        check_same(start, facts)
        config = same_batch(config, start, state.num_processes, say)
        put_trained(model, start)
        say(f"going on from {start}")
    _cast(config, model)
    two_steps = 2 * state.num_processes * config.accumulation  # the optimiser's state is there from the second on
    fuse(model.language_model)
    if config.compile:
        compile_blocks(model.language_model)
    trainer = MmiclTrainer(
        model=model,
        args=arguments(config, bool(held_out)),
        train_dataset=data,
        data_collator=collator,
        facts=facts,
        batches=LengthBatches(
            index,
            config.batch,
            config.seed,
            largest=two_steps,
            tokens=config.batch_tokens,
            weights=config.weights,
            process=state.process_index,
            processes=state.num_processes,
        ),
        held_out=held_out,
        max_new_tokens=config.max_new_tokens,
        say=say,
        start=start,
        measures=measures,
        benchmarks=benchmarks,
    )
    if start:
        trainer.evaluate_on_benchmarks(start)  # the run may have been stopped while it was
    if start and is_finished(start, config):
        trainer.state = TrainerState.load_from_json(str(start / STATE))
        return _finish(config, trainer, processor, state, say, start)
    _fit(config, trainer, start)
    return _finish(config, trainer, processor, state, say, None)


def _fit(config: Config, trainer: MmiclTrainer, start: Path | None) -> None:
    try:
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    except TrainingError as error:  # a worker's comes behind its traceback
        raise TrainingError(str(error).rpartition("TrainingError: ")[2].strip()) from error
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{_batch(config)} and double `accumulation`, or set gradient_checkpointing: selective, or true"
        ) from error


def _batch(config: Config) -> str:
    one = (
        (config.batch, "rows", "batch")
        if config.batch_tokens is None
        else (config.batch_tokens, "tokens", "batch_tokens")
    )
    return "{} {} do not fit into the GPU's memory; halve `{}`".format(*one)


def _select(config: Config, model: MmiclForConditionalGeneration, say: Say) -> list[str]:
    names = select(model, config.trainable, config.lora)
    count = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    say(f"{config.trainable}: {len(names)} tensors, {count:,} parameters learn ({Path(config.output, NAMES)})")
    for line in summary(names):
        say(f"  {line}")
    return names


def _place(config: Config, model: MmiclForConditionalGeneration, state: PartialState) -> None:
    device = torch.device("cuda", state.local_process_index) if torch.cuda.is_available() else torch.device("cpu")
    if not sharded(config.fsdp):
        model.to(device)  # type: ignore[arg-type]
    elif config.features:  # the rest goes there shard by shard
        model.vision_model.to(device)  # type: ignore[arg-type]
    if device.type == "cpu":
        model.language_model.set_attn_implementation("eager")  # measured a third faster on short rows


def _cast(config: Config, model: MmiclForConditionalGeneration) -> None:
    """Keep what learns wide; what is frozen needs no more than bfloat16. DeepSpeed casts by its own file."""
    narrow = torch.cuda.is_available() or sharded(config.fsdp)
    if config.dtype == "bfloat16" and narrow and not config.deepspeed:
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()


def _index(config: Config, rows: Rows, state: PartialState, say: Say) -> Index:
    index = make_index(
        config.data,
        rows,
        max_tokens=config.max_tokens or rows.processor.settings.max_prompt_tokens or LONGEST,
        max_pictures=config.max_pictures,
        left_out=Path(config.output, "left_out.jsonl") if state.is_main_process else None,
        allow_missing=config.allow_skipped,
        workers=config.workers,
    )
    left_out = ", ".join(f"{count} {reason}" for reason, count in index.left_out.most_common())
    say(f"{len(index):,} rows, {len(index.images):,} pictures" + (f"; left out: {left_out}" if left_out else ""))
    return index


def _held_out(config: Config, rows: Rows) -> list[tuple[TrainingRow, str]]:
    if config.held_out is None:
        return []
    path = Path(config.held_out)
    asked: list[tuple[TrainingRow, str]] = []
    try:
        for example in islice(read(path), config.held_out_limit):
            for row, answer in rows.questions(example):
                images = tuple(str(path.parent / image) for image in row.images)
                asked.append((replace(row, images=images), answer))
    except (ExampleError, PromptError) as error:
        raise TrainingError(f"{path}: {error}") from error
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror})") from error
    missing = [image for row, _ in asked for image in row.images if not Path(image).is_file()]
    if missing:
        raise TrainingError(f"{path}: names {missing[0]}, which is missing; a held-out set must be whole")
    return asked[: config.held_out_limit]


def _keep_features(
    config: Config,
    model: MmiclForConditionalGeneration,
    collator: Collator,
    wanted: Set[str],
    state: PartialState,
    say: Say,
) -> None:
    """Encode the wanted pictures, each process its share, and have the collator read what is kept of them."""
    assert config.features and collator.skipped
    mine = sorted(wanted)[state.process_index :: state.num_processes]

    def progress(done: int, total: int) -> None:
        if done == total or done % 3200 == 0:
            say(f"vision features: {done:,} of {total:,}")

    features = open_features(Path(config.features), model)
    bad = complete(features, model, mine, lambda path: read_picture(path, collator.processor), progress=progress)
    listed = skipped_pictures(Path(config.output))
    list_skipped(collator.skipped, [(path, reason) for path, reason in bad if path not in listed])
    if len(bad) > config.allow_skipped * max(1, len(mine)):
        raise TrainingError(
            f"{len(bad)} of {len(mine)} pictures cannot be read, the first {bad[0][0]} ({bad[0][1]}); "
            "fix the data, or raise allow_skipped"
        )
    state.wait_for_everyone()
    collator.features = open_features(Path(config.features), model)
    collator.broken |= {path for path in wanted if path not in collator.features}


def _finish(
    config: Config, trainer: MmiclTrainer, processor: MmiclProcessor, state: PartialState, say: Say, last: Path | None
) -> Path:
    """Write what was trained: the best checkpoint where held-out questions were asked, else the last step.

    `last` is its checkpoint, where there was nothing left to train.
    """
    final = Path(config.output, "trained")
    best = trainer.state.best_model_checkpoint if config.held_out else last
    try:
        if best is None:
            trainer.save_model(str(final))
        elif state.is_main_process:
            if config.held_out:
                say(f"best: {best}, {METRIC} {trainer.state.best_metric:.3f}")
            copy_trained(Path(best), final)
        if config.save_full and state.is_main_process:
            model, _ = checkpoints.load(final)
            checkpoints.save(model, processor, final.with_name("full"))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise TrainingError(
            f"{final}: cannot be written ({error}); make room and run the same command: nothing is trained again"
        ) from error
    say(f"trained: {final}")
    if config.push_to_hub and state.is_main_process:
        pushed = checkpoints.push(final.with_name("full") if config.save_full else final, config.push_to_hub)
        say(f"pushed: {pushed}")
    return final
