"""From a configuration to a trained model: check everything that can be checked, then train, then save."""

from dataclasses import replace
from pathlib import Path

import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from safetensors import SafetensorError
from transformers import TrainerState

from mmeval.mmicl import checkpoints
from mmeval.mmicl.fused import compile_blocks, fuse
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training import ready, zero
from mmeval.mmicl.training.arguments import METRIC, arguments
from mmeval.mmicl.training.begin import FINAL, begin, check, hold
from mmeval.mmicl.training.config import Config, TrainingError
from mmeval.mmicl.training.data import Collator, RowSet
from mmeval.mmicl.training.held_out import HeldOut, Measures
from mmeval.mmicl.training.index import Index
from mmeval.mmicl.training.pictures import SKIPPED
from mmeval.mmicl.training.ready import Say
from mmeval.mmicl.training.resume import STATE, check_same, check_whole, is_finished, same_batch
from mmeval.mmicl.training.rows import Rows
from mmeval.mmicl.training.trainer import Benchmarks, MmiclTrainer
from mmeval.mmicl.weights import copy_trained, put_trained


def train(
    config: Config,
    *,
    fresh: bool = False,
    say: Say = print,
    measures: Measures | None = None,
    benchmarks: Benchmarks | None = None,
) -> Path:
    """Train, or resume from the last complete checkpoint; return the folder with the trained weights.

    `measures` computes named measures from pairs of a generated and an expected held-out answer. `benchmarks`
    is called with the folder of every checkpoint, in every process.
    Raises TrainingError or CheckpointError with one sentence.
    """
    state = PartialState(cpu=not torch.cuda.is_available())
    with hold(config, state.is_main_process):
        final = _train(config, fresh, state, say if state.is_main_process else lambda _: None, measures, benchmarks)
    # The processes close their group together, after the trainer is gone. A group left open may abort a process at
    # its exit. If the group is closed while DDP's reducer exists, the reducer waits for threads that wait for Python.
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
    check(config, model, processor, state.num_processes)
    if config.push_to_hub and state.is_main_process:
        checkpoints.check_push(config.push_to_hub)
    model.config.reads_instructions = config.instruction
    processor.settings = replace(processor.settings, reads_questions=config.instruction)
    names = ready.selected(config, model, state.is_main_process, say)
    rows = Rows(processor, model.config.decoder_only, config.context, config.turns, config.instruction)
    with state.main_process_first():
        source = ready.stream(config, rows, state, say) if config.stream else ready.index(config, rows, state, say)
    ready.place(config, model, state)
    collator = Collator(
        processor,
        RowSet(config.data, source, rows) if isinstance(source, Index) else None,
        instruction=config.instruction,
        skipped=Path(config.output, SKIPPED.format(state.process_index)),
        allow_skipped=config.allow_skipped,
        multiple=8 if torch.cuda.is_available() else 1,
        blank=True,
    )
    held_out = HeldOut(ready.questions(config, rows, state), collator, config.max_new_tokens, measures)
    if isinstance(source, Index) and config.features:
        needed = source.images | {picture for row, _ in held_out.questions for picture in row.images}
        ready.keep_features(config, model, collator, needed, state, say)
    facts = ready.facts(config, folder, names, source, state.num_processes) | zero.facts(config, state.num_processes)
    if start:
        check_same(start, facts)
        if config.deepspeed:
            zero.check_shards(start, config, state.num_processes)
        config = same_batch(config, start, state.num_processes, say)
        put_trained(model, start)
        say(f"resuming from {start}")
    ready.cast(config, model)
    fuse(model.language_model)
    if config.compile:
        compile_blocks(model.language_model)
    trainer = MmiclTrainer(
        model=model,
        args=arguments(config, evaluates=len(held_out) > 0),
        data_collator=collator,
        facts=facts,
        held_out=held_out,
        say=say,
        start=start,
        benchmarks=benchmarks,
        **ready.batches(config, source, collator, start, state),
    )
    if start:
        if not config.deepspeed:
            check_whole(start, trainer.is_fsdp_enabled)
        trainer.evaluate_on_benchmarks(start)  # the run may have been stopped during this evaluation
    if start and is_finished(start, config):
        trainer.state = TrainerState.load_from_json(str(start / STATE))
        return _finish(config, trainer, processor, state, say, start)
    _fit(config, trainer, start)
    return _finish(config, trainer, processor, state, say, None)


def _fit(config: Config, trainer: MmiclTrainer, start: Path | None) -> None:
    try:
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    except TrainingError as error:  # a worker's message follows its traceback
        raise TrainingError(str(error).rpartition("TrainingError: ")[2].strip()) from error
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{_batch(config)} and double `accumulation`, or set gradient_checkpointing: selective, or true"
        ) from error


def _batch(config: Config) -> str:
    if config.batch_tokens is None:
        return f"{config.batch} rows do not fit into the GPU's memory; halve `batch`"
    return f"{config.batch_tokens} tokens do not fit into the GPU's memory; halve `batch_tokens`"


def _finish(
    config: Config, trainer: MmiclTrainer, processor: MmiclProcessor, state: PartialState, say: Say, last: Path | None
) -> Path:
    """Write the trained weights: the best checkpoint if there are held-out questions, otherwise the last step.

    `last` is the last step's checkpoint if there was nothing left to train.
    """
    final = Path(config.output, FINAL)
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
            f"{final}: cannot be written ({error}); free some space and repeat the command: no training is repeated"
        ) from error
    say(f"trained: {final}")
    if config.push_to_hub and state.is_main_process:
        pushed = checkpoints.push(final.with_name("full") if config.save_full else final, config.push_to_hub)
        say(f"pushed: {pushed}")
    return final
