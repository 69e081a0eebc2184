"""Which parameters learn: MMICL's trainable sets by name.

The article (arXiv 2309.07915), its released code and its appendix disagree, so each has a name; see the facts
in `docs/training.md`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a misspelt key is found before torch is loaded
    from mmeval.mmicl.modeling import MmiclForConditionalGeneration

QFORMER = r"(query_tokens|qformer\..*)"
PROJECTION = r"language_projection\..*"
QUERY_AND_VALUE = {
    "t5": r"language_model\..*(SelfAttention|EncDecAttention)\.(q|v)\.weight",
    "llama": r"language_model\..*self_attn\.(q_proj|v_proj)\.weight",
    "opt": r"language_model\..*self_attn\.(q_proj|v_proj)\.(weight|bias)",
}
RELEASED = {**QUERY_AND_VALUE, "t5": r"language_model\..*SelfAttention\.q\.weight"}
"""The released code meant query and value; its flag on `v` and on cross-attention sat on the module and did nothing."""

TRAINABLE: Mapping[str, str] = {
    "qformer": f"{QFORMER}|{PROJECTION}",  # stage I
    "article": f"{QFORMER}|{PROJECTION}",  # vision and language frozen
    "paper": PROJECTION + "|{query_and_value}",  # of the language model's attention
    "released": PROJECTION + "|{released}",  # what the released code trained
    "paper+qformer": f"{QFORMER}|{PROJECTION}" + "|{query_and_value}",
    "full": r"(?!vision_model\.).*",
    "everything": ".*",  # the vision encoder too
    "lora": f"{QFORMER}|{PROJECTION}",  # and low-rank updates of the language model's query and value (peft)
}
"""Name -> pattern of the parameters that learn."""


def select(model: MmiclForConditionalGeneration, name: str) -> list[str]:
    """Let exactly the named set learn, and return the names of its parameters, sorted.

    Raises KeyError for an unknown name (`TRAINABLE` has them), ValueError where the set is empty.
    """
    family = model.config.family
    pattern = re.compile(TRAINABLE[name].format(query_and_value=QUERY_AND_VALUE[family], released=RELEASED[family]))
    chosen = []
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(pattern.fullmatch(key) is not None)
        if parameter.requires_grad:
            chosen.append(key)
    if not chosen:
        raise ValueError(f"the trainable set '{name}' names no parameter of this model")
    return sorted(chosen)


def summary(names: Sequence[str]) -> list[str]:
    """Write names of parameters as a person reads them: weight, bias and the layers of a stack on one line, counted."""
    kinds = Counter(re.sub(r"\.\d+\.", ".*.", re.sub(r"\.(weight|bias)$", "", name)) for name in names)
    return [f"{kind} ({count})" if count > 1 else kind for kind, count in kinds.items()]
