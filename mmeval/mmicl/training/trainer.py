"""MMICL on transformers' Trainer: its batches, its loss, its output and checkpoints."""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from accelerate.data_loader import prepare_data_loader  # type: ignore[import-untyped]
from accelerate.utils import DistributedType, gather_object, save_fsdp_optimizer  # type: ignore[import-untyped]
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer

from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.training.arguments import METRIC
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.begin import sharded
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.data import Collator, RowSet
from mmeval.mmicl.training.finite import FiniteSteps
from mmeval.mmicl.training.held_out import HeldOut, is_better
from mmeval.mmicl.training.loss import summed_loss
from mmeval.mmicl.training.pictures import SKIPPED, skipped_pictures
from mmeval.mmicl.training.progress import Progress, in_words, operations, time_in_words
from mmeval.mmicl.training.resume import step_of
from mmeval.mmicl.training.stream import LANE, PLACES, StreamSet
from mmeval.mmicl.training.zero import explained, forget_stage, load_shards, save_shards
from mmeval.mmicl.weights import write_trained

Benchmarks = Callable[[Path], Mapping[str, float]]
"""Evaluates the checkpoint in a folder on benchmarks, and returns their numbers by name."""


class MmiclTrainer(Trainer):
    """The trainer of both stages. `facts` are saved next to the weights; `start` is the checkpoint to resume from."""

    model: MmiclForConditionalGeneration
    data_collator: Collator

    def __init__(
        self,
        *,
        facts: dict[str, Any],
        batches: LengthBatches | None,
        held_out: HeldOut,
        say: Callable[[str], None],
        start: Path | None,
        benchmarks: Benchmarks | None = None,
        **trainer: Any,
    ) -> None:
        """Take `batches` of a RowSet, or None if `train_dataset` is a StreamSet, which makes its own."""
        super().__init__(eval_dataset=list(held_out.questions), **trainer)
        self.remove_callback(PrinterCallback)
        self.facts, self.batches, self.held_out, self.benchmarks = facts, batches, held_out, benchmarks
        self.first_step = step_of(start) if start else 0
        self.say, self.passed_over = say, 0
        self.places: dict[int, dict[str, Any]] = {}
        if isinstance(self.train_dataset, StreamSet):
            self.places = {lane: asdict(place) for lane, place in self.train_dataset.places.items()}
        self.warm: tuple[float, int] | None = None
        self.model_accepts_loss_kwargs = True  # the loss is a sum over tokens; see compute_loss
        self.progress = Progress(
            operations(self.model, self.data_collator.features is not None),
            self.args.device,
            self.accelerator.num_processes,
            lambda counts: cast(Tensor, self.accelerator.reduce(counts.clone(), "sum")),
        )
        self.finite = FiniteSteps(self.args.device)

    def create_accelerator_and_postprocess(self) -> None:
        """Also shard on CPUs, where accelerate would silently copy the model."""
        state = PartialState()
        if sharded(self.args.fsdp) and state.distributed_type == DistributedType.MULTI_CPU:
            state.distributed_type = DistributedType.MULTI_GPU
        if sharded(self.args.fsdp):  # a T5 has three modules with one table, but a parameter can be in one group only
            language_model = self.model.language_model
            language_model.set_input_embeddings(language_model.get_input_embeddings())
        super().create_accelerator_and_postprocess()
        plugin = self.accelerator.state.deepspeed_plugin if self.is_deepspeed_enabled else None
        self.is_sharded = self.is_fsdp_enabled or (plugin is not None and plugin.zero_stage == 3)
        forget_stage()

    def _prepare_for_training(self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None) -> Any:
        """Let DeepSpeed resume without the frozen weights, which its checkpoints lack."""
        prepare: Any = super()._prepare_for_training
        if not self.is_deepspeed_enabled:
            return prepare(max_steps, train_dataloader, resume_from_checkpoint)
        with explained(os.path.normpath(Path(str(self.args.output_dir), self.facts["config"]["deepspeed"]))):
            prepared = prepare(max_steps, train_dataloader, None)
            if resume_from_checkpoint is not None:
                load_shards(self.model_wrapped, resume_from_checkpoint)
                self._load_optimizer_and_scheduler(resume_from_checkpoint)
        return prepared

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Load batches ahead in worker processes, each copied to the GPU while the previous one is learned.

        The batches are this process's share already, so accelerate must not divide them again.
        """
        data, workers = cast("RowSet | StreamSet", self.train_dataset), self.args.dataloader_num_workers
        if isinstance(data, StreamSet):
            workers = data.workers(workers)
            batches: dict[str, Any] = {"batch_size": None}
        else:
            batches = {"batch_sampler": self.batches, "collate_fn": self.data_collator}
        loader = DataLoader(
            data,
            **batches,
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=workers > 0 and self.batches is not None,  # a stream has one epoch
        )
        alone = {"num_processes": 1, "process_index": 0, "dispatch_batches": False}
        return prepare_data_loader(  # type: ignore[no-any-return]
            loader, self.args.device, put_on_device=True, non_blocking=True, **alone
        )

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Compute the summed cross-entropy of the answers' tokens, divided by the tokens of the whole optimizer step.

        Logits are computed only for learned tokens, and no cache is kept.
        """
        assert not return_outputs
        inputs = dict(inputs)
        self.progress.add(inputs.pop("counts"))
        if LANE in inputs:
            lane, self.places[lane] = json.loads(inputs.pop(LANE))
        total, learned = summed_loss(model, self.model.config, inputs)
        if num_items_in_batch is None:
            return total / learned
        shared = self.accelerator.num_processes if self.args.average_tokens_across_devices else 1
        return total * shared / num_items_in_batch  # gradients are averaged over processes, so each is scaled up

    def floating_point_ops(self, inputs: dict[str, Tensor]) -> int:
        """Return 0; the Trainer's way reads every parameter at every step. See `Progress`."""
        return 0

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """Also stop at a loss or gradient that is not finite, before anything is saved."""
        norm = super()._get_grad_norm(model, grad_norm)  # type: ignore[no-untyped-call]
        self.finite.look(self.state.global_step + 1, self._tr_loss, norm)  # the loss since the last line of the log
        return norm

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Ask the held-out questions, and log the results."""
        model = self.accelerator.unwrap_model(self.model)
        with self.progress.paused():
            results = self.held_out.evaluate(model, self.accelerator, self.is_sharded)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in results.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Choose the checkpoint with more right answers; if equal, the one with less loss, or the later one."""
        if not is_better(metrics, self.state.best_metric, self.state.log_history, self.state.best_global_step):
            return False
        self.state.best_metric, self.state.best_global_step = metrics[f"eval_{METRIC}"], self.state.global_step
        self.state.best_model_checkpoint = str(Path(str(self.args.output_dir), f"checkpoint-{self.state.global_step}"))
        return True

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Also print the progress and the number of skipped pictures."""
        step, steps = self.state.global_step, self.state.max_steps
        where = f"step {step:,} of {steps:,}"
        if "loss" in logs and start_time is not None:
            self.finite.check()
            rates = self.progress.rates()
            logs |= rates
            seconds_left = (steps - step) * self.seconds_a_step(step, start_time)
            self.say(
                f"{where}: loss {logs['loss']:.4f}, learning rate {logs['learning_rate']:.2e}, "
                f"{in_words(rates)}, {time_in_words(seconds_left)} left"
            )
        super().log(logs, start_time)
        if f"eval_{METRIC}" in logs:
            others = (f"{name.removeprefix('eval_')} {logs[name]:.3f}" for name in logs if name.startswith("eval_"))
            self.say(f"{where}: {', '.join(others)} (held-out questions: {len(self.held_out):,})")
        passed_over = len(skipped_pictures(Path(str(self.args.output_dir))))
        if passed_over > self.passed_over:
            self.passed_over = passed_over
            self.say(f"pictures that cannot be read and were skipped: {passed_over:,}; see {SKIPPED.format('*')}")

    def seconds_a_step(self, step: int, start_time: float) -> float:
        """Estimate the seconds per step since the first line of the log; the first steps are slow."""
        now = time.time()
        first_time, first_step = self.warm or (start_time, self.first_step)
        self.warm = self.warm or (now, step)
        return (now - first_time) / max(1, step - first_step)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        """Save only the trained weights, with the processor and the name of the base."""
        if not self.args.should_save:
            return
        folder = Path(output_dir or str(self.args.output_dir))
        state = state_dict if state_dict is not None else dict(self.model.named_parameters())
        write_trained(folder, {key: state[key].detach().cpu() for key in self.facts["names"]}, self.facts)
        self.model.config.save_pretrained(folder)
        self.data_collator.processor.save_pretrained(folder)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Save the places, too; leave out the frozen weights that the Trainer writes next to a sharded optimizer.

        Every process has the places of its own lanes of a stream.
        """
        if self.batches is None:
            places = dict(gather_object(list(self.places.items())))
            if self.args.should_save:
                Path(output_dir, PLACES).write_text(json.dumps(sorted(places.items())), encoding="utf-8")
        if self.is_deepspeed_enabled:
            save_shards(self.model_wrapped, output_dir)
        elif self.is_fsdp_enabled:
            plugin = self.accelerator.state.fsdp_plugin
            save_fsdp_optimizer(plugin, self.accelerator, self.optimizer, self.model, output_dir)
        else:
            super()._save_optimizer_and_scheduler(output_dir)
            return
        if self.args.should_save and self.lr_scheduler is not None:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / "scheduler.pt")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Do nothing: the weights were loaded before the model was wrapped."""

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Also remove an incomplete checkpoint if writing fails, so the previous one stays the last."""
        self.finite.check()
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        try:
            with self.progress.paused():
                super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:
            if self.args.should_save:
                shutil.rmtree(folder, ignore_errors=True)
            raise TrainingError(
                f"{folder}: cannot be written ({error}); free some space and repeat the command: it resumes from the "
                "previous checkpoint"
            ) from error
        if results := self.evaluate_on_benchmarks(folder):
            self.log(results)

    def evaluate_on_benchmarks(self, folder: Path) -> dict[str, float]:
        """Evaluate a checkpoint on the benchmarks, each process its share; restore training's random state.

        The checkpoint is loaded as a new model, next to the one in training.
        """
        if self.benchmarks is None:
            return {}
        self.accelerator.wait_for_everyone()  # until the first process has written the checkpoint
        try:
            with torch.random.fork_rng(), self.progress.paused():
                return {f"eval_{name}": value for name, value in self.benchmarks(folder).items()}
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"{folder}: does not fit into the GPU's memory next to the model in training; remove `evaluate`, or "
                "make batches smaller, and repeat the command: it resumes from there"
            ) from error
