"""Prepare a training run: which parameters learn, its rows, its questions, its features."""

import os
from collections.abc import Callable, Set
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped]

from mmeval import regular
from mmeval.mmicl import checkpoints
from mmeval.mmicl.context import PromptError
from mmeval.mmicl.examples import ExampleError, read
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.begin import LEFT_OUT, portable, sharded
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.training.data import Collator
from mmeval.mmicl.training.features import complete, open_features
from mmeval.mmicl.training.index import Index, make_index
from mmeval.mmicl.training.pictures import list_skipped, read_picture, skipped_pictures
from mmeval.mmicl.training.resume import step_of
from mmeval.mmicl.training.rows import Rows, TrainingRow
from mmeval.mmicl.training.shards import open_source
from mmeval.mmicl.training.stream import Stream, StreamSet, count_lanes, lanes_of, read_places
from mmeval.mmicl.training.trainable import select, summary
from mmeval.mmicl.weights import one_line

Say = Callable[[str], None]
NAMES = "trained.txt"
"""File in the output folder with the names of the parameters that learn."""
LONGEST = 2048
"""Maximum tokens of a prompt if neither the configuration nor the model sets a limit."""


def selected(config: Config, model: MmiclForConditionalGeneration, main: bool, say: Say) -> list[str]:
    """Make the configured trainable set learn; print and list its parameters."""
    torch.manual_seed(config.seed)  # of LoRA's first matrices; the Trainer seeds everything after them
    names = select(model, config.trainable, config.lora, instruction=config.instruction)
    count = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    say(f"{config.trainable}: {len(names)} tensors, {count:,} parameters learn ({Path(config.output, NAMES)})")
    for line in summary(names):
        say(f"  {line}")
    if main:
        Path(config.output, NAMES).write_text("\n".join(names) + "\n", encoding="utf-8")
    return names


def place(config: Config, model: MmiclForConditionalGeneration, state: PartialState) -> None:
    """Move the model to its device, except parts that will be sharded."""
    device = torch.device("cuda", state.local_process_index) if torch.cuda.is_available() else torch.device("cpu")
    if not sharded(config.fsdp):
        model.to(device)  # type: ignore[arg-type]
    elif config.features:  # the other parts move shard by shard
        model.vision_model.to(device)  # type: ignore[arg-type]
    if device.type == "cpu":
        model.language_model.set_attn_implementation("eager")  # measured to be a third faster on short rows


def cast(config: Config, model: MmiclForConditionalGeneration) -> None:
    """Keep the learning parameters in float32 and cast frozen ones to bfloat16. DeepSpeed casts by its own file."""
    narrow = torch.cuda.is_available() or sharded(config.fsdp)
    if config.dtype == "bfloat16" and narrow and not config.deepspeed:
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()


def index(config: Config, rows: Rows, state: PartialState, say: Say) -> Index:
    """Read every line of the data once."""
    result = make_index(
        config.data,
        rows,
        max_tokens=_longest(config, rows),
        max_pictures=config.max_pictures,
        left_out=Path(config.output, LEFT_OUT) if state.is_main_process else None,
        allow_missing=config.allow_skipped,
        workers=config.workers,
    )
    left_out = ", ".join(f"{count} {reason}" for reason, count in result.left_out.most_common())
    say(f"rows: {len(result):,}; pictures: {len(result.images):,}" + (f"; left out: {left_out}" if left_out else ""))
    return result


def _longest(config: Config, rows: Rows) -> int:
    return config.max_tokens or rows.processor.settings.max_prompt_tokens or LONGEST


def stream(config: Config, rows: Rows, state: PartialState, say: Say) -> Stream:
    """Find the shards of the data, and check the first row of each source."""
    result = Stream(
        [open_source(name) for name in config.data],
        config.weights,
        rows,
        config.batch,
        config.batch_tokens,
        config.seed,
        count_lanes(state.num_processes, config.accumulation),
        _longest(config, rows),
        config.max_pictures,
        config.allow_skipped,
        Path(config.output, LEFT_OUT),
    )
    result.check_beginning()
    files = {unit.file for source in result.sources for unit in source.units}
    say(f"a stream of {sum(source.size for source in result.sources) / 1e9:,.1f} GB, files: {len(files):,}")
    return result


def batches(
    config: Config, source: Index | Stream, collator: Collator, start: Path | None, state: PartialState
) -> dict[str, Any]:
    """Return the trainer's `train_dataset` and `batches` of this process, from the checkpoint `start` on."""
    if isinstance(source, Index):
        two_steps = 2 * state.num_processes * config.accumulation  # the optimizer's state exists from the second on
        drawn = LengthBatches(
            source,
            config.batch,
            config.seed,
            largest=two_steps,
            tokens=config.batch_tokens,
            weights=config.weights,
            process=state.process_index,
            processes=state.num_processes,
        )
        return {"train_dataset": collator.data, "batches": drawn}
    lane_places, step = (read_places(start), step_of(start)) if start else ({}, 0)
    if lane_places:
        source = replace(source, lanes=len(lane_places))
    lanes = lanes_of(state.process_index, state.num_processes, config.accumulation, source.lanes, step)
    return {"train_dataset": StreamSet(source, lanes, lane_places, collator), "batches": None}


def questions(config: Config, rows: Rows, state: PartialState) -> list[tuple[TrainingRow, str]]:
    """Read the held-out questions; each process tries to read its share of their pictures."""
    if config.held_out is None:
        return []
    path = Path(config.held_out)
    pairs: list[tuple[TrainingRow, str]] = []
    try:
        for example in islice(read(path), config.held_out_limit):
            for row, answer in rows.questions(example):
                images = tuple(str(path.parent / image) for image in row.images)
                pairs.append((replace(row, images=images), answer))
    except ExampleError as error:  # names the line
        raise TrainingError(str(error)) from error
    except PromptError as error:
        raise TrainingError(f"{path}, example '{example.id}': {error}") from error
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror})") from error
    if not pairs:
        raise TrainingError(f"{path}: holds no question; add some, or remove `held_out`")
    pairs = pairs[: config.held_out_limit]
    pictures = sorted({image for row, _ in pairs for image in row.images})
    for picture in pictures[state.process_index :: state.num_processes]:
        try:
            read_picture(picture, rows.processor)
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{path}: the picture {picture} cannot be read ({one_line(error)}); a held-out set must be complete"
            ) from error
    return pairs


def keep_features(
    config: Config,
    model: MmiclForConditionalGeneration,
    collator: Collator,
    needed: Set[str],
    state: PartialState,
    say: Say,
) -> None:
    """Encode the wanted pictures, each process its share, and give the stored features to the collator."""
    assert config.features and collator.skipped
    share = sorted(needed)[state.process_index :: state.num_processes]

    def progress(done: int, total: int) -> None:
        if done == total or done % 3200 == 0:
            say(f"vision features: {done:,} of {total:,}")

    features = open_features(Path(config.features), model)
    bad = complete(features, model, share, lambda path: read_picture(path, collator.processor), progress=progress)
    listed = skipped_pictures(Path(config.output))
    list_skipped(collator.skipped, [(path, reason) for path, reason in bad if path not in listed])
    if len(bad) > config.allow_skipped * max(1, len(share)):
        raise TrainingError(
            f"{len(bad)} of {len(share)} pictures cannot be read, the first {bad[0][0]} ({bad[0][1]}); "
            "fix the data, or raise allow_skipped"
        )
    state.wait_for_everyone()
    features.read_names()
    collator.features = features
    collator.broken |= {path for path in needed if path not in collator.features}


def facts(config: Config, folder: Path, names: list[str], source: Index | Stream, processes: int) -> dict[str, Any]:
    """Return the facts saved next to the trained weights: the base, in `folder`, the data and the configuration."""
    near = os.path.relpath(folder, Path(config.output, "trained"))
    return {
        "base": near if regular.is_folder(config.model) else config.model,
        "revision": config.revision or (folder.name if folder.parent.name == "snapshots" else None),
        "digest": checkpoints.digest(folder),
        "rows": source.digest(),
        "trainable": config.trainable,
        "names": names,
        "lora": asdict(config.lora) if config.lora else None,
        "config": portable(config),
        "batches_a_step": config.accumulation * processes,
    }
