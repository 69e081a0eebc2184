"""MMICL on transformers' Trainer: its batches, its loss, its evaluation by generation, what it says and saves."""

import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from accelerate.data_loader import prepare_data_loader  # type: ignore[import-untyped]
from accelerate.utils import DistributedType, gather_object, save_fsdp_optimizer  # type: ignore[import-untyped]
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn import functional
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer

from mmeval.mmicl.configuration import MmiclConfig
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.training.arguments import LOSS, METRIC
from mmeval.mmicl.training.batches import LengthBatches
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.data import SKIPPED, Collator, RowSet, skipped_pictures
from mmeval.mmicl.training.progress import Progress, operations
from mmeval.mmicl.training.rows import TrainingRow, behind
from mmeval.mmicl.weights import write_trained

Measures = Callable[[Sequence[tuple[str, str]]], dict[str, float]]
"""Further measures of generated answers beside the expected ones."""


Benchmarks = Callable[[Path], Mapping[str, float]]
"""Evaluates the checkpoint in a folder on benchmarks, and returns their numbers by name."""


class MmiclTrainer(Trainer):
    """Stage I and stage II alike; `facts` are written beside what was trained, `start` is what the run goes on from."""

    model: MmiclForConditionalGeneration
    data_collator: Collator

    def __init__(
        self,
        *,
        facts: dict[str, Any],
        batches: LengthBatches,
        held_out: Sequence[tuple[TrainingRow, str]],
        max_new_tokens: int,
        say: Callable[[str], None],
        start: Path | None,
        measures: Measures | None = None,
        benchmarks: Benchmarks | None = None,
        **trainer: Any,
    ) -> None:
        super().__init__(eval_dataset=list(held_out), **trainer)
        self.remove_callback(PrinterCallback)
        self.facts, self.batches, self.held_out, self.max_new_tokens = facts, batches, held_out, max_new_tokens
        self.first_step = int(start.name.rpartition("-")[2]) if start else 0
        self.say, self.passed_over, self.measures, self.benchmarks = say, 0, measures, benchmarks
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
        """Do as the Trainer does, but shard on CPUs, too, where accelerate would copy the model in silence."""
        state = PartialState()
        if sharded(self.args.fsdp) and state.distributed_type == DistributedType.MULTI_CPU:
            state.distributed_type = DistributedType.MULTI_GPU
        if sharded(self.args.fsdp):  # a T5 has three modules with one table, and a parameter can be in one group only
            language_model = self.model.language_model
            language_model.set_input_embeddings(language_model.get_input_embeddings())
        super().create_accelerator_and_postprocess()

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Load batches of equal length ahead in worker processes, each copied to the GPU while the last is learnt.

        The batches are already this process's own share, so accelerate is to divide nothing.
        """
        loader = DataLoader(
            cast(RowSet, self.train_dataset),
            batch_sampler=self.batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.args.dataloader_num_workers > 0,
        )
        return prepare_data_loader(  # type: ignore[no-any-return]
            loader, self.args.device, num_processes=1, process_index=0, put_on_device=True, non_blocking=True
        )

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Compute the cross-entropy of the answers' tokens: summed, over the tokens of the whole optimiser step.

        Logits are made only where something is learnt, and no cache is kept.
        """
        assert not return_outputs
        inputs = dict(inputs)
        self.progress.add(inputs.pop("counts"))
        total, learnt = summed_loss(model, self.model.config, inputs)
        if num_items_in_batch is None:
            return total / learnt
        shared = self.accelerator.num_processes if self.args.average_tokens_across_devices else 1
        return total * shared / num_items_in_batch  # processes' gradients are averaged, so each is scaled up

    def floating_point_ops(self, inputs: dict[str, Tensor]) -> int:
        """Count none here: the Trainer's way looks at every parameter at every step; see `Progress`."""
        return 0

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """Do as the Trainer does, and stop where a loss or gradient is not finite, before anything is saved."""
        norm = super()._get_grad_norm(model, grad_norm)  # type: ignore[no-untyped-call]
        self.finite.look(self.state.global_step + 1, self._tr_loss, norm)  # the loss since the last line of the log
        return norm

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Answer the held-out questions, each process its share; log how many are right, and the answers' loss.

        `measures`, where given, see all generated and all expected answers.
        """
        model = self.accelerator.unwrap_model(self.model)
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        mine = list(self.held_out[rank::world])
        share = -(-len(self.held_out) // world)
        written: list[tuple[str, str]] = []
        sums = torch.zeros(4, device=self.args.device)
        with torch.no_grad():  # shards are gathered together, so every process takes part in as many batches
            for start in range(0, share, 16):
                part = mine[start : start + 16]
                texts = self._written(model, part or self.held_out[:1])
                total, learnt = self._loss_of(model, part or self.held_out[:1])
                pairs = [(text, answer) for text, (_, answer) in zip(texts, part, strict=False)]
                right = sum(_plain(text) == _plain(answer) for text, answer in pairs)
                sums += torch.tensor([right, len(part), float(total) * bool(part), learnt * bool(part)]).to(sums)
                written += pairs
        right, asked, total, learnt = self.accelerator.reduce(sums, "sum").tolist()
        metrics = {METRIC: right / max(1, asked), LOSS: total / max(1, learnt)}
        if self.measures is not None:
            metrics |= self.measures(gather_object(written))
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in metrics.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Take the checkpoint with more right answers; of those with as many the one of less loss, or the later one."""
        now = (metrics[f"eval_{METRIC}"], -metrics[f"eval_{LOSS}"])
        before = (self.state.best_metric, -self._loss_at(self.state.best_global_step))
        if self.state.best_metric is not None and now < before:
            return False
        self.state.best_metric, self.state.best_global_step = now[0], self.state.global_step
        self.state.best_model_checkpoint = str(Path(str(self.args.output_dir), f"checkpoint-{self.state.global_step}"))
        return True

    def _loss_at(self, step: int | None) -> float:
        found = [
            entry[f"eval_{LOSS}"]
            for entry in self.state.log_history
            if entry["step"] == step and f"eval_{LOSS}" in entry
        ]
        return float(found[-1]) if found else math.inf

    def _written(self, model: MmiclForConditionalGeneration, part: Sequence[tuple[TrainingRow, str]]) -> list[str]:
        batch = self.data_collator([row for row, _ in part], for_generation=True)
        batch = {key: value.to(self.args.device) for key, value in batch.items()}
        model.train(False)
        with self._mixed(model):
            together = self.is_fsdp_enabled
            ids = model.generate(**batch, max_new_tokens=self.max_new_tokens, do_sample=False, synced_gpus=together)
        model.train()
        return self.data_collator.processor.batch_decode(ids)

    def _loss_of(
        self, model: MmiclForConditionalGeneration, part: Sequence[tuple[TrainingRow, str]]
    ) -> tuple[Tensor, int]:
        rows = [row for row, _ in part]
        if model.config.decoder_only:
            rows = [replace(row, ids=row.ids + row.labels, labels=behind(row.ids, row.labels)) for row in rows]
        batch = {key: value.to(self.args.device) for key, value in self.data_collator(rows).items() if key != "counts"}
        model.train(False)
        with self._mixed(model):
            found = summed_loss(model, model.config, batch)
        model.train()
        return found

    def _mixed(self, model: nn.Module) -> AbstractContextManager[Any]:
        """Return autocast where the frozen parameters are narrower than those that learn."""
        mixed = len({parameter.dtype for parameter in model.parameters()}) > 1
        return self.accelerator.autocast() if mixed else nullcontext()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Do as the Trainer does, and say how far the run is, and how many pictures were passed over."""
        step, steps = self.state.global_step, self.state.max_steps
        where = f"step {step:,} of {steps:,}"
        if "loss" in logs and start_time is not None:
            self.finite.check()
            rates = self.progress.rates()
            logs |= rates
            left = (steps - step) * self.seconds_a_step(step, start_time)
            self.say(
                f"{where}: loss {logs['loss']:.4f}, learning rate {logs['learning_rate']:.2e}, "
                f"{_rates(rates)}, {_time(left)} left"
            )
        super().log(logs, start_time)
        if f"eval_{METRIC}" in logs:
            others = (f"{name.removeprefix('eval_')} {logs[name]:.3f}" for name in logs if name.startswith("eval_"))
            self.say(f"{where}: {', '.join(others)} ({len(self.held_out):,} held-out questions)")
        passed_over = len(skipped_pictures(Path(str(self.args.output_dir))))
        if passed_over > self.passed_over:
            self.passed_over = passed_over
            self.say(f"{passed_over:,} pictures cannot be read and were passed over; see {SKIPPED.format('*')}")

    def seconds_a_step(self, step: int, start_time: float) -> float:
        """Estimate a step's seconds from those since the first line of the log: the first steps are slow."""
        now = time.time()
        since, first = self.warm or (start_time, self.first_step)
        self.warm = self.warm or (now, step)
        return (now - since) / max(1, step - first)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        """Save only what was trained, with the processor and the name of the base."""
        if not self.args.should_save:
            return
        folder = Path(output_dir or str(self.args.output_dir))
        state = state_dict if state_dict is not None else dict(self.model.named_parameters())
        write_trained(folder, {key: state[key].detach().cpu() for key in self.facts["names"]}, self.facts)
        self.model.config.save_pretrained(folder)
        self.data_collator.processor.save_pretrained(folder)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Do as the Trainer does, without the whole model that it writes beside a sharded optimiser."""
        if not self.is_fsdp_enabled:
            super()._save_optimizer_and_scheduler(output_dir)
            return
        plugin = self.accelerator.state.fsdp_plugin
        save_fsdp_optimizer(plugin, self.accelerator, self.optimizer, self.model, output_dir)
        if self.args.should_save and self.lr_scheduler is not None:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / "scheduler.pt")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Do nothing: the weights were put into the model before it was wrapped."""

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Do as the Trainer does; where the disk is full, remove what was begun, so that the last one stays."""
        self.finite.check()
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:
            if self.args.should_save:
                shutil.rmtree(folder, ignore_errors=True)
            raise TrainingError(
                f"{folder}: cannot be written ({error}); make room and run the same command: it goes on from the "
                "checkpoint before"
            ) from error
        if found := self.evaluate_on_benchmarks(folder):
            self.log(found)

    def evaluate_on_benchmarks(self, folder: Path) -> dict[str, float]:
        """Evaluate a checkpoint on the benchmarks, each process its share; training's random state is as before.

        The checkpoint is opened as anybody would, beside the model that is trained.
        """
        if self.benchmarks is None:
            return {}
        self.accelerator.wait_for_everyone()  # the first process has written it
        try:
            with torch.random.fork_rng():
                return {f"eval_{name}": value for name, value in self.benchmarks(folder).items()}
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"{folder}: does not fit into the GPU's memory beside the model that is trained; remove `evaluate`, or "
                "make batches smaller, and run the same command: it goes on from there"
            ) from error


def summed_loss(model: nn.Module, config: MmiclConfig, inputs: dict[str, Tensor]) -> tuple[Tensor, int]:
    """Sum the cross-entropy over the tokens that a batch of `data.Collator` learns, and count them."""
    inputs = dict(inputs)
    labels, learnt = inputs.pop("labels"), inputs["learnt"]
    if config.decoder_only:
        targets = labels.flatten().index_select(0, learnt + 1)
    else:
        targets = labels.flatten().index_select(0, learnt)
        start = labels.new_full((len(labels), 1), config.text_config.decoder_start_token_id)
        inputs["decoder_input_ids"] = torch.cat(
            [start, labels[:, :-1].clamp(min=config.text_config.pad_token_id)], dim=1
        )
    logits = model(**inputs).logits  # [K, vocabulary]
    return functional.cross_entropy(logits.float(), targets, reduction="sum"), len(targets)


class FiniteSteps:
    """Finds the step whose loss or gradient is not a finite number, without making a GPU wait for its host.

    On a GPU a step's numbers are read when the next one is through, or when something is to be saved.
    """

    def __init__(self, device: torch.device) -> None:
        self.waits = device.type == "cuda"
        self._seen: tuple[int, Tensor, torch.cuda.Event | None] | None = None

    def look(self, step: int, loss: Tensor, norm: Any) -> None:
        """Take a step's loss and the norm of its gradient; raise TrainingError for the step before."""
        self.check()
        if isinstance(norm, DTensor):
            norm = norm.full_tensor()
        numbers = torch.stack([loss.detach().float().mean(), torch.as_tensor(norm or 0.0, device=loss.device).float()])
        if self.waits:
            kept = torch.empty(2, pin_memory=True).copy_(numbers, non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
            self._seen = (step, kept, event)
        else:
            self._seen = (step, numbers, None)
            self.check()

    def check(self) -> None:
        """Raise TrainingError where the last step seen is not finite."""
        if self._seen is None:
            return
        step, numbers, event = self._seen
        if event is not None:
            event.synchronize()
        loss, size = numbers.tolist()
        if not (math.isfinite(loss) and math.isfinite(size)):
            raise TrainingError(
                f"step {step:,}: the loss ({loss:g}) or the gradient (norm {size:g}) is not a finite number; nothing "
                "is saved of it: lower learning_rate, or look for such weights in the base"
            )
        self._seen = None


def sharded(fsdp: object) -> bool:
    """Tell whether parameters are spread over the processes (FSDP), by configuration or `accelerate launch`."""
    return bool(fsdp) or os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix(".").strip()


def _rates(rates: Mapping[str, float]) -> str:
    """Write rates as in `310 samples/s, 41,000 tokens/s, 58.2 GiB, 41% of the peak`."""
    parts = [f"{rates['samples_per_second']:.3g} samples/s, {rates['tokens_per_second']:,.0f} tokens/s"]
    if "memory_gib" in rates:
        parts.append(f"{rates['memory_gib']:.1f} GiB")
    if "share_of_peak" in rates:
        parts.append(f"{rates['share_of_peak']:.0%} of the peak")
    return ", ".join(parts)


def _time(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min" if rest >= 120 else f"{rest} s"
