"""MMICL's sets of trainable parameters, by name.

The article (arXiv 2309.07915), its released code and its appendix disagree, so each has its own name; see
`docs/training.md`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so a misspelled key is found before torch is loaded
    from torch import nn

    from mmeval.mmicl.modeling import MmiclForConditionalGeneration
    from mmeval.mmicl.training.config import Lora

QFORMER = r"(query_tokens|qformer\..*)"
QFORMER_TEXT = r"qformer\.(embeddings\.(word|position)_embeddings|encoder\.layer\.\d+\.(intermediate|output))\..*"
"""What only a text read by the Q-Former passes through."""
PROJECTION = r"language_projection\..*"
QUERY_AND_VALUE = {
    "t5": r"language_model\..*(SelfAttention|EncDecAttention)\.(q|v)\.weight",
    "llama": r"language_model\..*self_attn\.(q_proj|v_proj)\.weight",
    "opt": r"language_model\..*self_attn\.(q_proj|v_proj)\.(weight|bias)",
}
TABLES = r"language_model\.(model\.embed_tokens|lm_head)\.weight"
"""Tables of a LLaMA, whose rows for the placeholder and the tags are new; the released script unfreezes both."""
QUERY_AND_VALUE_AND_TABLES = {**QUERY_AND_VALUE, "llama": rf"{QUERY_AND_VALUE['llama']}|{TABLES}"}
RELEASED = {**QUERY_AND_VALUE_AND_TABLES, "t5": r"language_model\..*SelfAttention\.q\.weight"}
"""The released code meant query and value, but its flags on `v` and cross-attention were set on modules, in vain."""

TRAINABLE: Mapping[str, str] = {
    "qformer": f"{QFORMER}|{PROJECTION}",  # stage I
    "article": f"{QFORMER}|{PROJECTION}",  # vision and language frozen
    "paper": PROJECTION + "|{attention}",  # the language model's query and value, and a LLaMA's tables
    "released": PROJECTION + "|{released}",  # what the released code trained
    "paper+qformer": f"{QFORMER}|{PROJECTION}" + "|{attention}",
    "full": r"(?!vision_model\.).*",
    "everything": ".*",  # the vision encoder too
    "lora": rf"{QFORMER}|{PROJECTION}|.*\.lora_.*",  # low-rank updates of the language model's query and value (peft)
}
"""Name -> pattern of the parameters that learn."""


def pattern(name: str, family: str) -> str:
    """Return the pattern of the parameters that learn, for a language model's family. Raises KeyError."""
    return TRAINABLE[name].format(attention=QUERY_AND_VALUE_AND_TABLES[family], released=RELEASED[family])


def unfreeze(model: nn.Module, pattern: str) -> None:
    """Let the parameters learn whose whole names match the pattern, and freeze the others."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(re.fullmatch(pattern, name) is not None)


def select(
    model: MmiclForConditionalGeneration, name: str, lora: Lora | None = None, *, instruction: bool = False
) -> list[str]:
    """Unfreeze exactly the named set, after adding low-rank updates, and return the names of its parameters, sorted.

    `instruction`: the Q-Former reads the question. Otherwise its weights for text stay frozen: they never get a
    gradient, which torch would wait for between processes and miss when an optimizer resumes.
    Raises KeyError for a name not in `TRAINABLE`, ValueError if the set is empty.
    """
    family = model.config.family
    if lora is not None:
        _add_updates(model.language_model, QUERY_AND_VALUE[family], lora)
    learns = pattern(name, family)
    unfreeze(model, learns if instruction else f"(?!{QFORMER_TEXT}$)({learns})")
    chosen = sorted(key for key, parameter in model.named_parameters() if parameter.requires_grad)
    if not chosen:
        raise ValueError(f"the trainable set '{name}' names no parameter of this model")
    return chosen


def _add_updates(language_model: nn.Module, pattern: str, lora: Lora) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    modules = pattern.removeprefix(r"language_model\.").removesuffix(r"\.weight").removesuffix(r"\.(weight|bias)")
    updates = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=modules)
    inject_adapter_in_model(updates, language_model)


def summary(names: Sequence[str]) -> list[str]:
    """Summarize parameter names: weight, bias and the layers of a stack share one line, with their count."""
    kinds = Counter(re.sub(r"\.\d+\.", ".*.", re.sub(r"\.(weight|bias)$", "", name)) for name in names)
    return [f"{kind} ({count})" if count > 1 else kind for kind, count in kinds.items()]
