"""MMICL on transformers' Trainer: its batches, its loss, its evaluation by generation, and what it saves."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from transformers import Trainer

from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.mmicl.training import trained
from mmeval.mmicl.training.config import TrainingError
from mmeval.mmicl.training.data import Collator, LengthBatches, RowSet
from mmeval.mmicl.training.rows import IGNORED, Row

METRIC = "exact_match"
"""Share of held-out questions whose generated answer is the expected one, letter case and final full stop aside."""


class MmiclTrainer(Trainer):
    """Stage I and stage II alike; `names` are the parameters that learn."""

    model: MmiclForConditionalGeneration

    def __init__(
        self,
        *,
        names: Sequence[str],
        facts: dict[str, Any],
        processor: MmiclProcessor,
        batches: LengthBatches,
        held_out: Sequence[tuple[Row, str]],
        max_new_tokens: int,
        **trainer: Any,
    ) -> None:
        super().__init__(eval_dataset=list(held_out), **trainer)
        self.names, self.facts, self.processor = frozenset(names), facts, processor
        self.batches, self.held_out, self.max_new_tokens = batches, held_out, max_new_tokens
        self.model_accepts_loss_kwargs = True  # the loss is a sum over tokens; see compute_loss

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches of equal length, pictures decoded in worker processes."""
        loader = DataLoader(
            cast(RowSet, self.train_dataset),
            batch_sampler=self.batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.args.dataloader_num_workers > 0,
        )
        prepared: DataLoader[Any] = self.accelerator.prepare_data_loader(loader)
        return prepared

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Cross-entropy of the answers' tokens alone: summed, over the tokens of the whole optimiser step.

        A decoder-only model's logits are made only for the columns that some row learns in.
        """
        assert not return_outputs
        inputs = dict(inputs)
        labels = inputs.pop("labels")
        config = self.model.config
        if config.decoder_only:
            targets = labels[:, 1:]
            columns = (targets != IGNORED).any(0).nonzero().squeeze(1)
            targets = targets[:, columns]
            logits = model(**inputs, logits_to_keep=columns).logits
        else:
            targets = labels
            start = labels.new_full((len(labels), 1), config.text_config.decoder_start_token_id)
            shifted = torch.cat([start, labels[:, :-1].clamp(min=config.text_config.pad_token_id)], dim=1)
            logits = model(**inputs, decoder_input_ids=shifted).logits
        total = functional.cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        if num_items_in_batch is None:
            return total / (targets != IGNORED).sum()
        shared = self.accelerator.num_processes if self.args.average_tokens_across_devices else 1
        return total * shared / num_items_in_batch  # processes' gradients are averaged, so each is scaled up

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Answers the held-out questions, each process its share, and logs how many are right."""
        model = self.accelerator.unwrap_model(self.model)
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        mine = list(self.held_out[rank::world])
        with torch.no_grad():
            right = sum(self._right(model, mine[start : start + 16]) for start in range(0, len(mine), 16))
        counts = self.accelerator.reduce(torch.tensor([right, len(mine)], device=self.args.device), "sum")
        metrics = {f"{metric_key_prefix}_{METRIC}": float(counts[0]) / max(1, int(counts[1]))}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _right(self, model: MmiclForConditionalGeneration, part: Sequence[tuple[Row, str]]) -> int:
        collator = self.data_collator
        assert isinstance(collator, Collator)
        batch = collator.prompts([row for row, _ in part])
        batch = {key: value.to(self.args.device) for key, value in batch.items()}
        model.train(False)
        with self.compute_loss_context_manager():
            ids = model.generate(**batch, max_new_tokens=self.max_new_tokens, do_sample=False)
        model.train()
        said = [self.processor.decode(row) for row in ids.tolist()]
        return sum(_plain(text) == _plain(answer) for text, (_, answer) in zip(said, part, strict=True))

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        """Only what was trained, with the processor and the name of the base."""
        if not self.args.should_save:
            return
        folder = Path(output_dir or str(self.args.output_dir))
        state = state_dict if state_dict is not None else dict(self.model.named_parameters())
        tensors = {key: state[key].detach().cpu() for key in sorted(self.names)}
        trained.write(folder, tensors, self.facts)
        self.model.config.save_pretrained(folder)
        self.processor.save_pretrained(folder)
        torch.save(self.args, folder / "training_args.bin")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Nothing is left to do: the weights were put into the model before it was wrapped."""

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """As the Trainer does it; where the disk is full, what was begun is taken away and the last one stays."""
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


def last_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint that is whole: the Trainer's state is written last."""
    whole = [folder for folder in output.glob("checkpoint-*") if (folder / "trainer_state.json").exists()]
    return max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix(".").strip()
