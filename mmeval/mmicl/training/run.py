"""From a configuration to a trained model: checks everything that can be checked, then trains, then saves."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from transformers import TrainingArguments

from mmeval.mmicl import checkpoints
from mmeval.mmicl.mic.examples import ExampleError, read
from mmeval.mmicl.modeling import MmiclForConditionalGeneration, PromptError
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training import trained
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.training.data import Collator, Index, LengthBatches, RowSet, make_index, read_picture
from mmeval.mmicl.training.features import Features, complete, open_features
from mmeval.mmicl.training.rows import Row, Rows
from mmeval.mmicl.training.trainable import QUERY_AND_VALUE, select
from mmeval.mmicl.training.trainer import METRIC, MmiclTrainer, last_checkpoint

FREE = ("steps", "epochs", "workers", "report_to", "keep", "log_every")
"""Keys that may change when a run goes on: how long it is and how it is watched."""

Say = Callable[[str], None]
LONGEST = 2048
"""Tokens of a prompt where neither the configuration nor the model sets a limit."""


def train(config: Config, *, fresh: bool = False, say: Say = print) -> Path:
    """Trains, or goes on from the last whole checkpoint; the folder with what was trained.

    Raises TrainingError or CheckpointError, each one sentence.
    """
    state = PartialState(cpu=not torch.cuda.is_available())
    tell: Say = say if state.is_main_process else lambda _: None
    output = Path(config.output)
    start = _begin(config, output, fresh, state)
    with state.main_process_first():
        folder = checkpoints.find(config.model, config.revision)
    model, processor = checkpoints.load(folder, revision=config.revision)
    digest = checkpoints.digest(folder)
    _check(config, model, processor)
    names = _select(config, model)
    tell(f"{config.trainable}: {len(names)} tensors, {_count(model):,} parameters learn; {output / 'trained.txt'}")

    rows = Rows(processor, model.config.decoder_only, config.context, config.turns, config.instruction)
    with state.main_process_first():
        index = _index(config, rows, output, state)
    tell(f"{len(index):,} rows, {len(index.images):,} pictures{_left_out(index)}")
    device = torch.device("cuda", state.local_process_index) if torch.cuda.is_available() else torch.device("cpu")
    model.to(device)  # type: ignore[arg-type]
    if device.type == "cpu":
        model.language_model.set_attn_implementation("eager")  # measured a third faster on short rows
    held_out = _held_out(config, rows)
    features = _features(config, model, processor, index, held_out, state, tell)
    data = RowSet(config.data, index, rows)
    collator = Collator(
        processor,
        data,
        features,
        config.instruction,
        output / f"skipped-{state.process_index}.jsonl",
        config.allow_skipped,
    )
    facts = {
        "base": str(folder.resolve()) if Path(config.model).is_dir() else config.model,
        "revision": config.revision,
        "digest": digest,
        "trainable": config.trainable,
        "names": names,
        "lora": asdict(config.lora) if config.lora else None,
        "config": asdict(config),
    }
    if state.is_main_process:
        (output / "trained.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    if start:
        trained.put(model, trained.read_tensors(start), str(start))
        tell(f"going on from {start}")
    _cast(config, model)
    trainer = MmiclTrainer(
        model=model,
        args=_arguments(config, bool(held_out)),
        train_dataset=data,
        data_collator=collator,
        names=names,
        facts=facts,
        processor=processor,
        batches=LengthBatches(index, config.batch, config.seed),
        held_out=held_out,
        max_new_tokens=config.max_new_tokens,
    )
    try:
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{config.batch} rows do not fit into the GPU's memory; halve `batch` and double `accumulation`, or set "
            "gradient_checkpointing: true"
        ) from error
    best = trainer.state.best_model_checkpoint if held_out else None
    if best:
        trained.put(model, trained.read_tensors(Path(best)), best)
        tell(f"best: {best}, {METRIC} {trainer.state.best_metric:.3f}")
    final = output / "trained"
    trainer.save_model(str(final))
    if config.save_full and state.is_main_process:
        _save_full(final, processor, output / "full")
    tell(f"trained: {final}")
    return final


def _begin(config: Config, output: Path, fresh: bool, state: PartialState) -> Path | None:
    """The checkpoint to go on from; refuses a folder that holds another run."""
    mark = output / "config.json"
    said = json.dumps(asdict(config), indent=2, sort_keys=True) + "\n"
    start = None if fresh else last_checkpoint(output)
    if start and (not mark.exists() or _lasting(mark.read_text()) != _lasting(said)):
        raise TrainingError(
            f"{output}: holds a run of another configuration; say --fresh to begin again, or choose another output"
        )
    if state.is_main_process:
        output.mkdir(parents=True, exist_ok=True)
        mark.write_text(said, encoding="utf-8")
    return start


def _lasting(said: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(said)
    return {key: value for key, value in values.items() if key not in FREE}


def _check(config: Config, model: MmiclForConditionalGeneration, processor: MmiclProcessor) -> None:
    if config.instruction and (model.config.beginning == "blip-2" or processor.qformer_tokenizer is None):
        raise TrainingError("instruction: this model's Q-Former reads no text; leave the key out")
    needed = {"peft": config.trainable == "lora", "deepspeed": config.deepspeed is not None}
    needed |= {name: name in config.report_to for name in ("tensorboard", "wandb", "trackio")}
    for name, wanted in needed.items():
        if wanted and importlib.util.find_spec(name) is None:
            raise TrainingError(f"this configuration needs the package {name}: pip install {name}")


def _select(config: Config, model: MmiclForConditionalGeneration) -> list[str]:
    if config.lora is None:
        return select(model, config.trainable)
    from peft import LoraConfig, inject_adapter_in_model

    select(model, "article")
    pattern = QUERY_AND_VALUE[model.config.family].removesuffix(r"\.weight").removesuffix(r"\.(weight|bias)")
    lora = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=pattern.replace(r"language_model\.", "", 1),
    )
    learnt = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
    inject_adapter_in_model(lora, model.language_model)
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(key in learnt or "lora_" in key)
    return sorted(key for key, parameter in model.named_parameters() if parameter.requires_grad)


def _count(model: MmiclForConditionalGeneration) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _cast(config: Config, model: MmiclForConditionalGeneration) -> None:
    """What is frozen needs no more than bfloat16; what learns is kept wide. Sharded models want one dtype."""
    if config.dtype == "bfloat16" and torch.cuda.is_available() and not config.fsdp and not config.deepspeed:
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()


def _index(config: Config, rows: Rows, output: Path, state: PartialState) -> Index:
    limit = config.max_tokens or rows.processor.settings.max_prompt_tokens or LONGEST
    return make_index(
        config.data,
        rows,
        max_tokens=limit,
        max_pictures=config.max_pictures,
        left_out=output / "left_out.jsonl" if state.is_main_process else None,
        allow_missing=config.allow_skipped,
        workers=config.workers,
    )


def _left_out(index: Index) -> str:
    if not index.left_out:
        return ""
    return "; left out: " + ", ".join(f"{count} {reason}" for reason, count in index.left_out.most_common())


def _held_out(config: Config, rows: Rows) -> list[tuple[Row, str]]:
    if config.held_out is None:
        return []
    path = Path(config.held_out)
    asked: list[tuple[Row, str]] = []
    try:
        for example in islice(read(path), config.held_out_limit):
            for row, answer in rows.questions(example):
                images = tuple(str(path.parent / image) for image in row.images)
                asked.append((Row(row.ids, row.labels, images, row.instruction), answer))
    except (ExampleError, PromptError) as error:
        raise TrainingError(f"{path}: {error}") from error
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror})") from error
    missing = [image for row, _ in asked for image in row.images if not Path(image).is_file()]
    if missing:
        raise TrainingError(f"{path}: names {missing[0]}, which is missing; a held-out set must be whole")
    return asked[: config.held_out_limit]


def _features(
    config: Config,
    model: MmiclForConditionalGeneration,
    processor: MmiclProcessor,
    index: Index,
    held_out: list[tuple[Row, str]],
    state: PartialState,
    tell: Say,
) -> Features | None:
    if config.features is None:
        return None
    features = open_features(Path(config.features), model)
    wanted = sorted(index.images | {image for row, _ in held_out for image in row.images})
    mine = wanted[state.process_index :: state.num_processes]

    def progress(done: int, total: int) -> None:
        if done == total or done % 3200 == 0:
            tell(f"vision features: {done:,} of {total:,}")

    bad = complete(
        features, model, mine, lambda path: read_picture(path, processor), rank=state.process_index, progress=progress
    )
    if len(bad) > config.allow_skipped * max(1, len(mine)):
        raise TrainingError(
            f"{len(bad)} of {len(mine)} pictures cannot be read, the first {bad[0][0]} ({bad[0][1]}); "
            "mend the data, or raise allow_skipped"
        )
    state.wait_for_everyone()
    return open_features(Path(config.features), model)


def _arguments(config: Config, evaluates: bool) -> TrainingArguments:
    return TrainingArguments(
        output_dir=config.output,
        per_device_train_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        adam_beta1=config.betas[0],
        adam_beta2=config.betas[1],
        max_grad_norm=config.clip,
        num_train_epochs=config.epochs,
        max_steps=config.steps or -1,
        bf16=config.dtype == "bfloat16",
        activation_checkpointing=config.gradient_checkpointing,
        dataloader_num_workers=config.workers,
        remove_unused_columns=False,
        save_strategy="steps",
        save_steps=config.evaluate_every,
        save_total_limit=config.keep,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=config.evaluate_every,
        metric_for_best_model=METRIC if evaluates else None,
        greater_is_better=True if evaluates else None,
        logging_steps=config.log_every,
        report_to=list(config.report_to) or "none",
        seed=config.seed,
        data_seed=config.seed,
        use_cpu=not torch.cuda.is_available(),
        disable_tqdm=True,
        deepspeed=config.deepspeed,
        fsdp=bool(config.fsdp),  # type: ignore[arg-type]
        fsdp_config=config.fsdp or None,
    )


def _save_full(folder: Path, processor: MmiclProcessor, full: Path) -> None:
    model, _ = checkpoints.load(folder)
    checkpoints.save(model, processor, full)
