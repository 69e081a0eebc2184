"""Translate a run's configuration into arguments for transformers' Trainer."""

from functools import partial

import torch
from torch.utils.checkpoint import create_selective_checkpoint_contexts
from transformers import TrainingArguments

from mmeval.mmicl.training.config import Config
from mmeval.mmicl.training.zero import settings

METRIC = "exact_match"
"""Share of held-out questions whose generated answer equals the expected one, ignoring case and a final period."""
LOSS = "loss"
"""Mean cross-entropy of the held-out answers' tokens."""

SELECTIVE = {
    "use_reentrant": False,
    "context_fn": partial(
        create_selective_checkpoint_contexts,
        [
            torch.ops.aten.mm.default,
            torch.ops.aten.bmm.default,
            torch.ops.aten.addmm.default,
            torch.ops.aten._scaled_dot_product_efficient_attention.default,
            torch.ops.aten._scaled_dot_product_flash_attention.default,
            torch.ops.aten._scaled_dot_product_cudnn_attention.default,
        ],
    ),
}
"""Results kept for the backward pass: matrix products and attention. Norms, activations and dropout are recomputed."""


def arguments(config: Config, evaluates: bool) -> TrainingArguments:
    """Return the Trainer's arguments; `evaluates`: whether there are held-out questions."""
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
        activation_checkpointing=bool(config.gradient_checkpointing),
        activation_checkpointing_kwargs=SELECTIVE if config.gradient_checkpointing == "selective" else None,
        dataloader_num_workers=config.workers,
        ignore_data_skip=config.stream,  # a stream resumes at its own places
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,  # a batch without pictures runs every module, see Collator.blank
        save_steps=config.evaluate_every,
        save_total_limit=max(config.keep, 2 if evaluates else 1),  # with 1, the Trainer deletes the last of two
        eval_strategy="steps" if evaluates else "no",
        eval_steps=config.evaluate_every,
        metric_for_best_model=METRIC if evaluates else None,
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,  # the trainer stops at such a loss
        report_to=list(config.report_to) or "none",
        seed=config.seed,
        use_cpu=not torch.cuda.is_available(),
        disable_tqdm=True,
        deepspeed=settings(config.deepspeed) if config.deepspeed else None,
        fsdp=bool(config.fsdp),  # type: ignore[arg-type]
        fsdp_config=config.fsdp or None,
    )
