"""The loss of a batch: the cross-entropy of the learned tokens; logits are computed only for these."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmeval.mmicl.configuration import MmiclConfig


def summed_loss(model: nn.Module, config: MmiclConfig, inputs: dict[str, Tensor]) -> tuple[Tensor, int]:
    """Sum the cross-entropy over the learned tokens in a batch of `data.Collator`, and count them."""
    inputs = dict(inputs)
    labels, learned = inputs.pop("labels"), inputs["learned"]
    if config.decoder_only:
        targets = labels.flatten().index_select(0, learned + 1)
    else:
        targets = labels.flatten().index_select(0, learned)
        start = labels.new_full((len(labels), 1), config.text_config.decoder_start_token_id)
        before = labels[:, :-1].masked_fill(labels[:, :-1] < 0, config.text_config.pad_token_id)
        inputs["decoder_input_ids"] = torch.cat([start, before], dim=1)
    logits = model(**inputs).logits  # [K, vocabulary]
    return functional.cross_entropy(logits.float(), targets, reduction="sum"), len(targets)
